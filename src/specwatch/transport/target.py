"""Where requests go, and what may be sent there."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import httpx

from specwatch.errors import MissingSetting, Problem, UsageError
from specwatch.spec.model import Api

_NAME: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


class Kind(StrEnum):
    """The three kinds of target."""

    SANDBOX = "sandbox"
    LIVE = "live"
    URL = "url"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go.

    Args:
        kind: the embedded sandbox, the servers of the spec, or a base URL.
        url: base URL without a trailing slash; empty for live.
    """

    kind: Kind
    url: str = ""

    @property
    def name(self) -> str:
        """What a report calls it: `sandbox`, `live` or the URL."""
        return self.url if self.kind is Kind.URL else self.kind.value

    def base(self, api: Api) -> str:
        """The base URL for one API.

        The embedded sandbox serves every API below the path of its first server, as the live service does; a base URL
        that somebody gave, or at which traffic was recorded, is complete.

        Raises:
            UsageError: the target is live, and the spec names no server or one that is relative to who knows where.
        """
        if self.kind is Kind.SANDBOX and not urlsplit(self.url).path:
            return f"{self.url}{api.base_path}"
        if self.kind is not Kind.LIVE:
            return self.url
        if not api.servers or not urlsplit(api.servers[0]).netloc:
            found = f"names the relative server {api.servers[0] or '/'}" if api.servers else "names no server"
            where, mend = f"{api.path}: servers", "say where it runs: `--target URL`"
            raise UsageError(Problem(where, found, "the base URL of the live service", mend))
        return api.servers[0]

    def trusted(self, api: Api) -> bool:
        """Whether real credentials may go there without being asked for: loopback or one of the spec's servers."""
        origin = urlsplit(self.base(api))
        own = {(urlsplit(server).scheme, urlsplit(server).netloc) for server in api.servers}
        return is_loopback(origin.hostname or "") or (origin.scheme, origin.netloc) in own


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_target(text: str) -> Target:
    """A target from `--target`; the sandbox's URL is filled in when it runs.

    Raises:
        UsageError: it is neither `sandbox`, `live` nor a base URL.
    """
    if text in {Kind.SANDBOX, Kind.LIVE}:
        return Target(Kind(text))
    where = "--target" if "@" in text else f"--target {text}"  # there may be a password before an @
    no_target = UsageError(Problem(where, "is no target", "sandbox, live, or http(s)://host[:port][/base]"))
    try:
        parts = urlsplit(text)
        host = httpx.URL(text).host
        host.encode("idna")  # what a socket does with it
        port = parts.port
    except (ValueError, httpx.InvalidURL) as error:
        raise no_target from error
    spaced = any(char.isspace() for char in text)  # urlsplit would leave some of them out
    if parts.scheme not in {"http", "https"} or spaced or not _is_host(parts.hostname or "", host):
        raise no_target
    if port == 0:
        raise UsageError(Problem(where, "has the port 0, at which nothing listens", "a port from 1 to 65535, or none"))
    if parts.username or parts.password or parts.query or parts.fragment:
        expected = "a base URL without user, password, query or fragment"
        raise UsageError(Problem("--target", "has parts that a base URL cannot have", expected))
    return Target(Kind.URL, parts.geturl().rstrip("/"))


def _is_host(written: str, understood: str) -> bool:
    """Whether a host is a name or an address, without a zone and without what URLs have to escape."""
    if ":" in written:
        try:
            return ipaddress.IPv6Address(written).scope_id is None
        except ValueError:
            return False
    return _NAME.fullmatch(understood.encode("idna").decode("ascii")) is not None


def known_values(api: Api, target: Target, environment: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    """The identifiers that exist on the target, by name.

    On a live account only settings count, since the identifiers of the documents are other people's.
    """
    values: dict[str, str | tuple[str, ...]] = {}
    for name, known in api.known.items():
        setting = environment.get(known.setting, "") if target.kind is not Kind.SANDBOX else ""
        if own := tuple(part for text in setting.split(",") if (part := text.strip())):
            values[name] = own if isinstance(known.value, tuple) else setting.strip()
        elif target.kind is not Kind.LIVE:
            values[name] = known.value
    return values


def missing_setting(api: Api, name: str) -> MissingSetting:
    """The reason why a claim that needs a known identifier cannot be checked."""
    known = api.known[name]
    return MissingSetting(f"{known.setting} is not set: {known.text or f'an existing {name} of your account'}")


def withheld(api: Api, target: Target, *, send_credentials: bool) -> str | None:
    """Why a target must not get real credentials, or None.

    Args:
        api: whose credentials.
        target: where they would go.
        send_credentials: whether the user said yes to a URL that the spec does not name.
    """
    if target.kind is Kind.SANDBOX or target.trusted(api):
        return None
    if urlsplit(target.url).scheme != "https":
        return f"{target.url} is not https, so it gets no credential"
    if not send_credentials:
        return f"{target.url} is no server of {api.id}; --send-credentials sends your credentials there over https"
    return None
