"""The status page: one HTML document without scripts and without anything from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, Template

from specwatch import __version__
from specwatch.values import Reason, Verdict
from specwatch.web.view import ApiStatus, BudgetStatus, ProbeStatus, Status

REFRESH: Final = 15
"""Seconds after which a browser asks again."""

SLICE: Final = 64
"""Pieces of a template that are made at once: about 0.2 ms."""

PROVIDER: Final = "The provider's side"
OURS: Final = "Our side"
NETWORK: Final = "On the way there"

FAULTS: Final = {
    Reason.DNS: (NETWORK, "the host name does not resolve"),
    Reason.CONNECT: (NETWORK, "no connection comes about"),
    Reason.REFUSED: (PROVIDER, "the connection is refused"),
    Reason.RESET: (PROVIDER, "the connection is torn down"),
    Reason.TLS_EXPIRED: (PROVIDER, "the certificate has expired"),
    Reason.TLS_HOSTNAME: (PROVIDER, "the certificate is for another host"),
    Reason.TLS_UNTRUSTED: (PROVIDER, "nobody we trust vouches for the certificate"),
    Reason.TLS: (PROVIDER, "no encrypted connection comes about"),
    Reason.TIMEOUT: (PROVIDER, "no answer in time"),
    Reason.TRUNCATED: (PROVIDER, "the answer breaks off"),
    Reason.PROTOCOL: (PROVIDER, "the answer is not HTTP"),
    Reason.TOO_LARGE: (PROVIDER, "the answer is too large"),
    Reason.DECODE: (PROVIDER, "the answer cannot be decoded"),
    Reason.REDIRECT: (PROVIDER, "it redirects instead of answering"),
    Reason.STATUS: (PROVIDER, "another status than expected"),
    Reason.CONTRACT: (PROVIDER, "a promise of the documentation is broken"),
    Reason.SERVER_ERROR: (PROVIDER, "the server fails"),
    Reason.AUTH: (OURS, "our credential is refused, or our quota is used up"),
    Reason.RATE_LIMITED: (OURS, "we were asked to slow down"),
    Reason.INTERNAL: (OURS, "specwatch itself failed"),
}
"""Whose fault a failure is, and what it is in words."""

WORDS: Final = {
    Verdict.PASS: ("ok", "well"),
    Verdict.FAIL: ("fail", "failing"),
    Verdict.UNKNOWN: ("unknown", "unknown"),
    None: ("wait", "not run yet"),
}
"""Class and word of a verdict."""


async def render_slowly(status: Status) -> str:
    """The page, made so that the event loop gets to its other work in between: a thousand probes take tens of ms."""
    found = []
    for number, piece in enumerate(_pieces(status)):
        found.append(piece)
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    return "".join(found)


def render_page(status: Status) -> str:
    """The page, as it is at `status.now`."""
    return "".join(_pieces(status))


def _pieces(status: Status) -> Iterator[str]:
    return _template().generate(
        status=status,
        now=status.now,
        refresh=REFRESH,
        version=__version__,
        overall=_overall(status),
        words=WORDS,
        uptime=_rough(status.now - status.started_at),
        ago=lambda at: ago(status.now, at),
        ahead=lambda at: ahead(status.now, at),
    )


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("specwatch.web"), autoescape=True, trim_blocks=True)
    environment.filters |= {
        "moment": moment,
        "latency": latency,
        "fault": fault,
        "amount": amount,
        "mark": mark,
        "unit": unit,
    }
    environment.lstrip_blocks = True
    return environment.get_template("status.html")


def _overall(status: Status) -> tuple[str, str]:
    """Class and sentence that say at a glance how all is doing."""
    running = [probe for api in status.apis for probe in api.probes if not probe.idle]
    counts = {verdict: sum(probe.verdict is verdict for probe in running) for verdict in WORDS}
    names = [api.title for api in status.apis if api.verdict is Verdict.FAIL]
    total = "1 probe" if len(running) == 1 else f"{len(running):,} probes"
    if not running:
        return "wait", "Nothing is probed: no probe is switched on."
    if names:
        return "fail", f"{counts[Verdict.FAIL]} of {total} failing: {', '.join(names)}."
    if counts[Verdict.UNKNOWN]:
        return "unknown", f"Nothing is failing, but {counts[Verdict.UNKNOWN]} of {total} cannot tell."
    if counts[None]:
        have = "has" if counts[None] == 1 else "have"
        return "wait", f"{counts[None]} of {total} {have} not run yet; nothing is failing."
    return "ok", f"All {len(running)} probes are well." if len(running) > 1 else "The probe is well."


def mark(entity: ApiStatus | ProbeStatus) -> tuple[str, str]:
    """Class and word for how an API or a probe is doing."""
    if isinstance(entity, ProbeStatus) and entity.idle:
        return "idle", entity.idle
    return WORDS[entity.verdict]


def fault(probe: ProbeStatus) -> tuple[str, str] | None:
    """Whose fault it is and why, in words; None where nothing is wrong."""
    if probe.verdict in {None, Verdict.PASS} or probe.idle:
        return None
    if probe.reason is None:
        return (OURS, "it could not be tried") if probe.verdict is Verdict.UNKNOWN else (PROVIDER, "")
    whose, why = FAULTS[probe.reason]
    return (OURS, f"{why}; it looks like our own network") if probe.local else (whose, why)


def moment(at: float) -> str:
    """A moment in RFC 3339, in UTC and to the second; one that no calendar has is left out."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def latency(seconds: float) -> str:
    """A duration as people say it: `85 ms`, `1.20 s`, `3 min`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else _rough(seconds)


def ago(now: float, at: float) -> str:
    """How long ago: `12 s ago`."""
    return "just now" if now - at < 1 else f"{_rough(now - at)} ago"


def ahead(now: float, at: float) -> str:
    """How far ahead: `in 12 s`; `now` when it is due."""
    return "now" if at - now < 1 else f"in {_rough(at - now)}"


def amount(value: float) -> str:
    """A number without superfluous digits: `1,000`, `0.5`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def unit(budget: BudgetStatus) -> str:
    """The unit of a budget as a noun that goes with the number before it: `1 call`, `30 calls`, `0.50 USD`."""
    number = budget.remaining if budget.limit is None else budget.limit
    name = budget.unit
    if name == "requests":
        return "request" if number == 1 else name
    is_noun = name.isascii() and name.isalpha() and name.islower() and name[-1] != "s" and name != "cost"
    return f"{name}s" if is_noun and number != 1 else name


def _rough(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length * (2 if unit != "min" else 1):
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"
