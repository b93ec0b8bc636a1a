"""How the web part of the prober is set up."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from specwatch.errors import Problem, UsageError

OPTION: Final = "--listen"
EXAMPLES: Final = "an address and a port, such as 127.0.0.1:9464 or [::1]:9464"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen: an address or a host name, and a port, of which 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 9464

    def __str__(self) -> str:
        """As it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the web part is set up.

    Args:
        listen: where.
        names: host names by which it may be called, besides addresses and `localhost`.
        token: the bearer token that requests need; empty for none.
        certificate: file of the certificate chain in PEM; with it https is spoken, and nothing else.
        key: file of its private key, if that is not in the same file.
    """

    listen: Listen = Listen()
    names: frozenset[str] = frozenset()
    token: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = None


def parse_listen(text: str) -> Listen:
    """Read `127.0.0.1:9464`, `[::1]:9464` or `localhost:0`.

    Raises:
        UsageError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    name = host[1:-1] if bracketed else host
    digits = port.isascii() and port.isdecimal() and len(port) <= 5
    if not (colon and name and digits and int(port) <= 65535 and bracketed == (":" in name) and _is_host(name)):
        raise UsageError(Problem(f"{OPTION} {text}", "names no place to listen", EXAMPLES))
    return Listen(name, int(port))


def _is_host(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        letters = name.replace("-", "").replace(".", "")
        return letters.isascii() and letters.isalnum() and not name.replace(".", "").isdecimal()
    return True
