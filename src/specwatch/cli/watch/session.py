"""Second step of a watch: everything wired together, and served until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from specwatch.cli.place import prepared_state, reached
from specwatch.cli.terminal import Terminal
from specwatch.cli.watch.live import Tally, live_table, print_summary
from specwatch.cli.watch.log import Log
from specwatch.cli.watch.notify import links, notifier
from specwatch.cli.watch.request import TOKEN, WatchRequest
from specwatch.cli.watch.status import WatchStatus
from specwatch.contract.result import BROKEN, NOTHING, OK
from specwatch.metrics import Metrics
from specwatch.notify import Notifier
from specwatch.probing.configuration import Options, proxy_secrets
from specwatch.probing.events import Listener, StateTrouble
from specwatch.probing.watch import Machinery, Watch
from specwatch.reports.text import count
from specwatch.state import SqliteStore
from specwatch.transport.clock import LoopClock
from specwatch.transport.target import Kind, Target, is_loopback
from specwatch.values.claim import Verdict
from specwatch.web import create_web
from specwatch.web import serve as serve_web

if TYPE_CHECKING:
    from rich.console import Console

EXIT_CODES: Final = {Verdict.PASS: OK, Verdict.FAIL: BROKEN, Verdict.UNKNOWN: NOTHING}


@dataclass
class _Parts:
    """What a watch is made of."""

    watch: Watch
    status: WatchStatus
    metrics: Metrics
    log: Log
    tally: Tally
    store: SqliteStore
    notifier: Notifier | None = None


def serve(request: WatchRequest) -> int:
    """Watch until told to stop.

    Returns:
        The exit code.

    Raises:
        SpecwatchError: it could not begin.
    """
    console = Terminal(stderr=True)
    with (
        reached(request.place, request.workspace, list(request.configuration.apis.values())) as target,
        asyncio.Runner(loop_factory=_loop_factory()) as runner,
    ):
        return runner.run(_serve(request, target, console))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it exists."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(request: WatchRequest, target: Target, console: Console) -> int:
    parts = _assemble(request, target, console)
    stop = asyncio.Event()
    await parts.watch.start()
    spare_the_collector()
    try:
        async with serve_web(create_web(parts.status, parts.metrics, request.web), request.web) as url:
            with _signals(stop, parts.watch), _shown(request, parts, console):
                parts.log.line("info", "serving", _greeting(request, target), url=url)
                _start_notifying(request, parts, url)
                if target.kind is Kind.SANDBOX:
                    told = "faults can be switched on and off below /_sandbox/"
                    parts.log.line("info", "sandbox", told, url=target.url)
                if not is_loopback(request.web.listen.host) and not request.web.token:
                    told = f"anybody who reaches this address can read all of it; {TOKEN} asks for a token"
                    parts.log.line("warning", "open", told, listen=request.web.listen)
                if request.duration is not None:
                    asyncio.get_running_loop().call_later(request.duration, stop.set)
                await parts.watch.serve(stop)
    finally:
        await parts.watch.close()
    written = _farewell(parts)
    if request.duration is None:
        return OK if written else NOTHING
    print_summary(console, parts.status.status(), parts.tally)
    code = EXIT_CODES[parts.tally.verdict]
    return code if written else code or NOTHING


def _farewell(parts: _Parts) -> bool:
    """Say how it ended; whether all that ran is written."""
    lost: int = getattr(parts.store, "lost", 0)
    if lost:
        parts.log.line("error", "stopped", f"stopped; {lost:,} could not be written", lost=lost)
    else:
        parts.log.line("info", "stopped", "all that ran is written")
    return not lost


def _assemble(request: WatchRequest, target: Target, console: Console) -> _Parts:
    clock = LoopClock()
    configuration = request.configuration
    metrics = Metrics(configuration.apis.values(), configuration.schedule.probes, clock, request.location)
    log = Log(partial(_print_line, console), clock.now, as_json=request.log_format == "json")
    tally = Tally()
    listeners: list[Listener] = [metrics, log, tally]

    def trouble(operation: str, message: str) -> None:
        watch.emit(StateTrouble(operation, message))

    store = SqliteStore(prepared_state(request.state), clock, trouble)
    secrets = (*proxy_secrets(request.place.network), request.web.token)
    options = Options(target, request.location, request.place.send_credentials, secrets=secrets)
    farewells: list[Callable[[], Awaitable[None]]] = []
    machinery = Machinery(request.place.wire, store, clock, request.load, listeners, farewells)
    watch = Watch(configuration, options, machinery)
    status = WatchStatus(watch, store, clock)
    listeners.append(status)
    parts = _Parts(watch, status, metrics, log, tally, store)
    if request.notify is not None:
        parts.notifier = notifier(request.notify, request.place.network.proxies, watch, store, log, clock.now)
        listeners.append(parts.notifier)
        farewells.append(parts.notifier.close)
    return parts


def _start_notifying(request: WatchRequest, parts: _Parts, url: str) -> None:
    if request.notify is None or parts.notifier is None:
        return
    parts.notifier.start(links(request.notify, url, request.web))
    told = f"changes of verdicts are posted to {request.notify.address.shown}"
    parts.log.line("info", "notifying", told)


def _greeting(request: WatchRequest, target: Target) -> str:
    probes = request.configuration.schedule.probes
    state = str(request.state) if request.state is not None else "in memory only"
    return f"{count(len(probes), 'probe')} of {target.name}; metrics below /metrics, status page at /, state {state}"


def spare_the_collector() -> None:
    """Leave what was loaded out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()


def _print_line(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _signals(stop: asyncio.Event, watch: Watch) -> Iterator[None]:
    """SIGTERM and Ctrl-C stop, SIGHUP reads the files again."""
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[object]] = set()

    def reload() -> None:
        task: asyncio.Task[object] = loop.create_task(watch.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    handlers: dict[str, Callable[[], None]] = {"SIGTERM": stop.set, "SIGINT": stop.set, "SIGHUP": reload}
    known = {name: handler for name, handler in handlers.items() if hasattr(signal, name)}
    for name, handler in known.items():
        loop.add_signal_handler(getattr(signal, name), handler)
    try:
        yield
    finally:
        for name in known:
            loop.remove_signal_handler(getattr(signal, name))


@contextlib.contextmanager
def _shown(request: WatchRequest, parts: _Parts, console: Console) -> Iterator[None]:
    """The live table, where there is a terminal and nobody asked for lines."""
    if request.log_format or not console.is_terminal:
        yield
        return
    with live_table(console, parts.status.status):
        yield
