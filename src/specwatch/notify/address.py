"""The address of a webhook: whoever knows it can write there, so most of it is a secret."""

from __future__ import annotations

import base64
import itertools
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from specwatch.errors import Problem, UsageError

OPTION: Final = "--notify"
VARIABLE: Final = "SPECWATCH_NOTIFY_URL"
EXPECTED: Final = "http(s)://host[:port][/path]"

TOKEN: Final = 16
"""Letters and digits that a token has at least."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where notifications go.

    Args:
        url: the whole address, without user and password. Never shown.
        shown: scheme, host and port: what may be written anywhere.
        authorization: value of `Authorization`, or empty. Never shown.
        exposed: whether it stood on the command line and its path looks as if it held a secret.
    """

    url: str = field(repr=False)
    shown: str
    authorization: str = field(default="", repr=False)
    exposed: bool = False


def parse_address(text: str, *, of_option: bool) -> Address:
    """Read an address.

    User and password become `Authorization: Basic` (RFC 7617). On the command line neither they nor a query may be
    part of it, since every user of the machine can read the list of processes. What looks like a token in the path is
    taken, since it may be none, and noted as `exposed`.

    Args:
        text: http or https, with a host.
        of_option: whether it comes from the command line.

    Raises:
        UsageError: it is none, or holds what may not stand there. No part of it but scheme and host is repeated.
    """
    where = OPTION if of_option else VARIABLE
    parts = _split(text)
    if parts is None:
        raise UsageError(Problem(where, "is no address of a webhook", EXPECTED))
    if parts.fragment:
        raise UsageError(Problem(where, "has a fragment, which is never sent", EXPECTED))
    if of_option and (parts.query or "@" in parts.netloc):
        found = "holds a query" if parts.query else "holds a user or a password"
        found += ", and options can be seen in the list of processes"
        mend = f"put the address into a file and name that file in {VARIABLE}_FILE, or set {VARIABLE}"
        raise UsageError(Problem(where, found, EXPECTED, mend))
    place = parts.netloc.rpartition("@")[2]
    return Address(
        url=parts._replace(netloc=place).geturl(),
        shown=f"{parts.scheme}://{place}",
        authorization=_basic(parts) if "@" in parts.netloc else "",
        exposed=of_option and any(_is_token(segment) for segment in unquote(parts.path).split("/")),
    )


def _split(text: str) -> SplitResult | None:
    """The parts of an http address that can be called; None of anything else."""
    try:
        parts = urlsplit(text)
        host, port = httpx.URL(text).host, parts.port
        host.encode("idna")  # what a socket does with it
    except (ValueError, httpx.InvalidURL):
        return None
    odd = any(char.isspace() or not char.isprintable() for char in text) or "\\" in text
    callable_ = parts.scheme in {"http", "https"} and bool(host) and port != 0
    return parts if callable_ and not odd else None


def _is_token(segment: str) -> bool:
    """Whether a part of a path is long and mixed, as no word is: kinds of characters change at every fourth or more."""
    kinds = [
        "digit" if char.isdigit() else "upper" if char.isupper() else "lower" for char in segment if char.isalnum()
    ]
    changes = sum(before != after for before, after in itertools.pairwise(kinds))
    return len(kinds) >= TOKEN and 4 * changes >= len(kinds)


def _basic(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
