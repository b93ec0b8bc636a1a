"""Every cause of trouble that is not the provider's, and what a run behind it has to say."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import pytest
import trustme
from tests.contract.trouble.front import PASS, Rule, Tunnel
from tests.contract.trouble.stage import NOBODY, Stage
from tests.loopback import Answer, Received, TurnedClock, answer, refused_port

from specwatch.transport.guard import Limits
from specwatch.transport.target import Target
from specwatch.transport.wire.proxies import Proxies, Proxy
from specwatch.values.claim import Verdict

NAME: Final = "api.example.com"
"""A target of another name than this machine's, so that a proxy is asked for the way."""


@dataclass(frozen=True)
class Trouble:
    """One cause.

    Args:
        prepare: sets the stage.
        seen: part of the reason that the report has to give; empty where nothing has to stay unknown.
        verdict: of the run.
        kind: `states` or `headers` for an API with states of credentials or with two headers; None for both.
        fault: what the provider does wrong beside it: a fault of the sandbox, without API and operation.
        on: the operation with the fault: `first` or `last` of the API.
        total: whether nothing can be seen once it is there, so that it comes after the first calls beside a fault.
    """

    prepare: Callable[[Stage, Path, pytest.MonkeyPatch], None]
    seen: str
    verdict: Verdict = Verdict.UNKNOWN
    kind: str | None = None
    fault: str = "status/200-as-299"
    on: str = "first"
    total: bool = False
    without_fault: frozenset[str] = field(default_factory=frozenset)


def our_token_is(role: str, *, only_first: bool = False) -> Callable[..., None]:
    """Our credentials, or the first one of them, are those of that role."""

    def prepare(stage: Stage, *_: object) -> None:
        names = [name for api in stage.apis for name in api.schemes]
        stage.roles = dict.fromkeys(names[:1] if only_first else names, role)

    return prepare


def our_states_are_over(stage: Stage, *_: object) -> None:
    """What we keep for the states is nothing that the provider knows any more."""
    stage.states = {name: NOBODY for api in stage.apis for scheme in api.schemes.values() for name in scheme.states}


def says(rule: Rule) -> Callable[..., None]:
    """The front misbehaves."""

    def prepare(stage: Stage, *_: object) -> None:
        stage.rule = rule

    return prepare


def always(said: bytes) -> Rule:
    """The same answer, whatever is asked for."""
    return lambda _number, _received: said


def every(turn: int, said: Answer) -> Rule:
    """An answer of its own to every so manyth request."""
    return lambda number, _received: said if number % turn == 0 else PASS


def resets(turn: int) -> Rule:
    """A connection broken at every so manyth request."""

    def rule(number: int, _received: Received) -> Answer:
        if number % turn == 0:
            raise ConnectionAbortedError
        return PASS

    return rule


def on_reads(said: bytes) -> Rule:
    """An answer of its own to what is read by GET."""
    return lambda _number, received: said if received.method == "GET" else PASS


def on_creation(said: bytes) -> Rule:
    """An answer of its own to what creates, when our credentials come with it."""
    return lambda _n, got: said if got.method == "POST" and str(got.headers).count("-account") > 1 else PASS


SLOW_DOWN: Final = {
    "error": {"code": "too_many_requests", "message": "Slow down."},
    "trace_id": "2efa9340-b21b-4e26-9e14-4aac95f343ab",
}


def limited(retry_after: str | None = None, status: int = 429) -> bytes:
    """A rate limit, as an answer without a body of its own that says whose it is."""
    fields = {} if retry_after is None else {"Retry-After": retry_after}
    return answer(status, SLOW_DOWN, headers=fields)


def dated_limit(_number: int, _received: Received) -> Answer:
    """A rate limit until a date by the server's clock, which is years from ours."""
    now = dt.datetime(2031, 5, 4, 3, 2, 1, tzinfo=dt.UTC)
    dates = {"Date": now, "Retry-After": now + dt.timedelta(minutes=10)}
    return answer(429, SLOW_DOWN, headers={name: format_datetime(date, usegmt=True) for name, date in dates.items()})


def nobody_listens(stage: Stage, *_: object) -> None:
    """Nobody listens on the port; beside a fault, the connection is refused from some moment on by breaking it."""
    if stage.late:
        stage.rule = resets(1)
    else:
        stage.url = f"http://127.0.0.1:{refused_port()}"


def no_name(code: int) -> Callable[..., None]:
    """The name cannot be looked up."""

    def prepare(stage: Stage, _folder: Path, patch: pytest.MonkeyPatch) -> None:
        real = socket.getaddrinfo

        def look_up(host: str, *args: object, **named: object) -> object:
            if host == "127.0.0.1" and (stage.on or not stage.late):
                raise socket.gaierror(code, "said by the test")
            return real(host, *args, **named)  # type: ignore[arg-type]

        patch.setattr(socket, "getaddrinfo", look_up)
        stage.close = True

    return prepare


AUTHORITY: Final = trustme.CA()
OTHER: Final = trustme.CA()
LONG_AGO: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _itself(folder: Path) -> ssl.SSLContext:
    """A certificate that signs itself."""
    own, path = trustme.CA(), folder / "self-signed.pem"
    path.write_bytes(own.private_key_pem.bytes() + own.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


CERTIFICATES: Final[Mapping[str, Callable[[Path], ssl.SSLContext]]] = {
    "good": lambda _: _context(AUTHORITY.issue_cert("localhost", NAME)),
    "expired": lambda _: _context(AUTHORITY.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO)),
    "other host": lambda _: _context(AUTHORITY.issue_cert("other.example.com")),
    "untrusted": lambda _: _context(OTHER.issue_cert("localhost")),
    "self-signed": _itself,
}


def shows(name: str) -> Callable[..., None]:
    """The server shows a certificate that is not good."""

    def prepare(stage: Stage, folder: Path, _patch: pytest.MonkeyPatch) -> None:
        good, bad = CERTIFICATES["good"](folder), CERTIFICATES[name](folder)
        stage.options["ca"] = _authority(folder)
        stage.url = stage.front(context=lambda: bad if stage.on else good, close=True).url

    return prepare


def _authority(folder: Path) -> str:
    path = folder / "authority.pem"
    path.write_bytes(AUTHORITY.cert_pem.bytes())
    return str(path)


def proxy_says(said: bytes | None) -> Callable[..., None]:
    """The proxy says something else than yes; None: nobody listens there."""

    def prepare(stage: Stage, folder: Path, patch: pytest.MonkeyPatch) -> None:
        good = CERTIFICATES["good"](folder)
        front = stage.front(context=lambda: good, close=True)
        stage.rule = lambda _number, _received: PASS
        tunnel = Tunnel(front.port, lambda: (said if said is not None else b"") if stage.on else None)
        stage.cleanup.callback(tunnel.close)
        port = refused_port() if said is None and not stage.late else tunnel.port
        stage.options["ca"] = _authority(folder)
        stage.options["proxies"] = Proxies(https=Proxy("127.0.0.1", port))
        stage.options["limits"] = Limits(total_seconds=0.3)
        stage.url = f"https://{NAME}:{front.port}"
        patch.setattr(Target, "trusted", lambda _target, _api: True)  # the name is ours to give

    return prepare


class ShiftedClock(TurnedClock):
    """A clock of the right speed that is wrong by some seconds, and by more with every look when it steps."""

    def __init__(self, seconds: float, step: float = 0.0) -> None:
        super().__init__(dt.datetime.now(dt.UTC).timestamp())
        self._seconds, self._step = seconds, step

    def now(self) -> float:
        """Epoch seconds, as the machine has them."""
        self._seconds += self._step
        return self.time + self._seconds


def our_clock_is(seconds: float, step: float = 0.0) -> Callable[..., None]:
    """Our clock is wrong."""

    def prepare(stage: Stage, *_: object) -> None:
        stage.clock = ShiftedClock(seconds, step)

    return prepare


def nothing_comes(stage: Stage, *_: object) -> None:
    """The network swallows what we send: every call runs into its time limit."""
    stage.options["limits"] = Limits(total_seconds=0.3)

    def silence(_number: int, _received: Received) -> Answer:
        time.sleep(2.0)
        raise ConnectionAbortedError

    stage.rule = silence


def slow_way(stage: Stage, _folder: Path, patch: pytest.MonkeyPatch) -> None:
    """It takes half a minute to open a connection."""
    clock, real = TurnedClock(time.time()), socket.create_connection

    def connect(*args: object, **named: object) -> socket.socket:
        if threading.current_thread() is threading.main_thread():  # not that of the server, which connects as well
            clock.turn(30)
        return real(*args, **named)  # type: ignore[arg-type]

    patch.setattr(socket, "create_connection", connect)
    stage.clock, stage.close = clock, True


PAGE: Final = answer(200, b"<html>Sign in</html>", headers={"Content-Type": "text/html; charset=utf-8"})
ELSEWHERE: Final = answer(302, b"", headers={"Location": "http://login.example.com/", "Content-Type": "text/html"})
DENIED: Final = answer(403, b"<html>Denied</html>", headers={"Content-Type": "text/html", "Via": "1.1 squid"})
CREDENTIAL: Final = "to our own credential; renew or correct what is sent in the header authorization"

CAUSES: Final[Mapping[str, Trouble]] = {
    "credential wrong": Trouble(our_token_is(NOBODY), CREDENTIAL, kind="states", fault="401/drop/error.message"),
    "credential expired": Trouble(our_token_is("expired"), CREDENTIAL, kind="states", fault="401/drop/trace_id"),
    "credential disabled": Trouble(our_token_is("disabled"), CREDENTIAL, kind="states", fault="400/code/undocumented"),
    "credential of another API": Trouble(
        our_token_is("other_api"), CREDENTIAL, kind="states", fault="400/type/error.code"
    ),
    "one of two headers wrong": Trouble(
        our_token_is(NOBODY, only_first=True),
        "one or more of the headers",
        kind="headers",
        fault="credential/ignored",
    ),
    "balance used up": Trouble(
        our_token_is("used_up"), "our balance is used up; top it up", kind="states", fault="403/code/undocumented"
    ),
    "credential of a state outdated": Trouble(
        our_states_are_over, "calls this credential unknown; does", Verdict.PASS, kind="states"
    ),
    "plan quota": Trouble(
        says(on_creation(answer(403, None))),
        "look at the plan's quota",
        Verdict.PASS,
        "headers",
        "status/404-as-418",
        on="last",
    ),
    "429 with seconds": Trouble(says(always(limited("600"))), "left alone for another 600 s", total=True),
    "429 with a date": Trouble(says(dated_limit), "left alone for another 600 s", total=True),
    "429 with garbage": Trouble(says(always(limited("soon"))), "answered 429 to our own account", total=True),
    "429 with an absurd wait": Trouble(
        says(always(limited("99999999999"))), "left alone for another 86400 s", total=True
    ),
    "429 always": Trouble(says(always(limited())), "answered 429 to our own account, by a rate limit", total=True),
    "429 now and then": Trouble(says(every(3, limited())), "", Verdict.PASS),
    "429 on one operation": Trouble(says(on_reads(limited())), "429 to our own account", Verdict.PASS, "headers"),
    "429 on one operation, for long": Trouble(
        says(on_reads(limited("600"))), "left alone for another 600 s", Verdict.PASS, "headers"
    ),
    "503 with Retry-After": Trouble(
        says(always(limited("600", 503))), "answered 503 and asked to be left alone", total=True
    ),
    "name unknown": Trouble(no_name(socket.EAI_NONAME), "the name 127.0.0.1 has no address", total=True),
    "name service silent": Trouble(no_name(socket.EAI_AGAIN), "the name service does not answer", total=True),
    "connection refused": Trouble(nobody_listens, "refuses connections; see that the address", total=True),
    "connection reset": Trouble(says(resets(1)), "broke the connection; look for a firewall", total=True),
    "connection reset now and then": Trouble(says(resets(5)), "", Verdict.PASS),
    "certificate expired": Trouble(shows("expired"), "has expired; see that the clock", total=True),
    "certificate of another host": Trouble(shows("other host"), "is for another name; see that", total=True),
    "certificate self-signed": Trouble(shows("self-signed"), "is not trusted: self-signed", total=True),
    "certificate untrusted": Trouble(shows("untrusted"), "--ca trusts an authority of your own", total=True),
    "proxy dead": Trouble(proxy_says(None), "opens no way: ConnectionRefusedError; see HTTPS_PROXY", total=True),
    "proxy silent": Trouble(proxy_says(b""), "does not answer; see HTTPS_PROXY", total=True),
    "proxy asks who we are": Trouble(proxy_says(answer(407)), "answers 407; see HTTPS_PROXY", total=True),
    "proxy fails": Trouble(proxy_says(answer(502)), "answers 502; see HTTPS_PROXY", total=True),
    "proxy shows a page": Trouble(proxy_says(PAGE), f"{NAME}", total=True),
    "captive portal, a page": Trouble(says(always(PAGE)), "200 with a web page, as a login page", total=True),
    "captive portal, a redirect": Trouble(says(always(ELSEWHERE)), "302 with a redirect, as a login", total=True),
    "captive portal, 511": Trouble(says(always(answer(511, b""))), "511, which only a proxy on the way", total=True),
    "a filter refuses": Trouble(says(always(DENIED)), "403 with a web page, as a login page", total=True),
    "our clock behind": Trouble(our_clock_is(-10_800), "s behind the Date header", Verdict.PASS),
    "our clock ahead": Trouble(our_clock_is(10_800), "s ahead of the Date header", Verdict.PASS),
    "our clock stepping": Trouble(our_clock_is(0, -3_600), "", Verdict.PASS),
    "network swallows everything": Trouble(nothing_comes, "no answer from 127.0.0.1 in 0.3 s", total=True),
    "network slow": Trouble(slow_way, "", Verdict.PASS),
}
"""By the names that docs/explanation/whose-fault.md uses."""
