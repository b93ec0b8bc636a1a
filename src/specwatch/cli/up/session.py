"""Second step: everything started, watched, and stopped again."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import click

from specwatch.cli.build import compare, write
from specwatch.cli.up import leftovers
from specwatch.cli.up.child import Child
from specwatch.cli.up.programs import TITLES, Place, Program
from specwatch.cli.up.request import UpRequest
from specwatch.contract.result import NOTHING, OK
from specwatch.errors import Problem, UsageError
from specwatch.state.lockfile import LockFile

PATIENCE: Final = 60.0
"""Seconds in which programs have to answer; Grafana's first start on a slow disk takes half of that."""

REMIND_EVERY: Final = 10.0
"""Seconds after which it is said again what is waited for."""

GRACE: Final = 15.0
"""Seconds that a program has to end before it is killed."""

SANDBOX_PATIENCE: Final = 3.0
"""Seconds in which the prober's log has to name its sandbox; it does so as soon as it serves."""

_TITLE: Final = 13
_URL: Final = 35
"""Widths of columns."""

LOOK_EVERY: Final = 0.1
"""Seconds between looks at the children, and at whether a signal has come."""


@dataclass(slots=True)
class _Asked:
    """How often we were asked to stop: a signal handler may do no more than count."""

    times: int = 0

    def __call__(self, *_: object) -> None:
        self.times += 1


@dataclass(slots=True)
class _Household:
    """What was started, in that order."""

    request: UpRequest
    asked: _Asked
    children: list[Child] = field(default_factory=list)

    def start(self, program: Program) -> Child | None:
        """Start a program; say so where that cannot be done."""
        log = self.request.place.logs / f"{program.name}.log"
        try:
            child = Child(program, log, self.request.token if program.name == "watch" else "")
        except OSError as error:
            _say(f"{program.title} cannot be started: {program.arguments[0]}: {error.strerror or error}")
            return None
        self.children.append(child)
        leftovers.record(self.request.place, [(each.program.name, each.id) for each in self.children])
        return child

    def wait_for(self, children: Sequence[Child]) -> list[Child]:
        """Show each child as soon as it answers, until all of them do or have ended, patience ends, or we are to stop.

        Args:
            children: what was started, the prober or others; without the prober there is nothing to wait for.

        Returns:
            Those that run and do not answer yet.
        """
        waiting = list(children)
        began = told = time.monotonic()
        if waiting:
            _say(f"waiting for {_titles(waiting)}, {PATIENCE:g} s at most")
        while waiting and not self.is_over():
            self._look(waiting)
            now = time.monotonic()
            if now >= began + PATIENCE:
                break
            if waiting and now >= told + REMIND_EVERY:
                told = now
                _say(f"still waiting for {_titles(waiting)}: {now - began:.0f} of {PATIENCE:g} s")
            time.sleep(LOOK_EVERY)
        return waiting

    def _look(self, waiting: list[Child]) -> None:
        """Take those off the list that answer, and say where, and those that have ended, and say why."""
        for child in list(waiting):
            if not self.asked.times and child.answers():
                waiting.remove(child)
                click.echo(_line(child))
        self.bury()
        waiting[:] = [child for child in waiting if child in self.children]

    def is_over(self) -> bool:
        """Whether somebody wants us to stop, or the prober has ended."""
        return self.asked.times > 0 or self.children[0].ended

    def bury(self) -> None:
        """Say of each child but the prober that has ended how that came, and go on without it."""
        for child in [each for each in self.children[1:] if each.code is not None]:
            self.children.remove(child)
            child.kill()  # what it started
            _say(_obituary(child))

    def stop(self) -> None:
        """End all children, the prober last; a second signal, or too long a wait, ends them at once."""
        patience = self.asked.times + 1
        if self.asked.times:
            _say("stopping; a second signal ends all of it at once")
        for child in reversed(self.children):
            child.terminate()
            deadline = time.monotonic() + GRACE
            while child.code is None and time.monotonic() < deadline and self.asked.times < patience:
                time.sleep(LOOK_EVERY / 2)
            if child.code is None:
                _say(f"{child.program.title} did not end by itself and was killed")
            child.kill()
        leftovers.forget(self.request.place)


def serve(request: UpRequest) -> int:
    """Bring everything up, and down again when told to.

    Returns:
        0; or, where the prober has ended by itself, its exit code, or 3 where that says nothing.

    Raises:
        UsageError: the folder is in use, or cannot be written.
    """
    with _locked(request.place), _signals() as asked, _written(request):
        household = _Household(request, asked)
        try:
            return _run(household)
        finally:
            household.stop()


def _run(household: _Household) -> int:
    request = household.request
    prober, *others = request.programs
    watch = household.start(prober)
    if watch is None:
        return NOTHING
    if household.wait_for([watch]) or household.is_over():
        return _without_prober(household, watch)
    for line in _missing(request):
        click.echo(line)
    late = household.wait_for([child for program in others if (child := household.start(program))])
    if not household.is_over():
        click.echo("\n".join([*(f"{_line(child)}; does not answer yet" for child in late), *_hints(household, watch)]))
    deadline = None if request.duration is None else time.monotonic() + request.duration
    while not household.is_over() and (deadline is None or time.monotonic() < deadline):
        household.bury()
        time.sleep(LOOK_EVERY)
    return _without_prober(household, watch) if watch.ended else OK


def _without_prober(household: _Household, watch: Child) -> int:
    """Say what became of the prober, where nobody asked it to end."""
    if household.asked.times:
        return OK
    if watch.code is None:
        _say(f"the prober does not answer within {PATIENCE:g} s", *_end_of_log(watch))
    else:
        _say(_obituary(watch))
    return watch.code if watch.code is not None and watch.code > 0 else NOTHING


def _obituary(child: Child) -> str:
    code = child.code or 0
    how = f"was ended by signal {-code}" if code < 0 else f"has ended with exit code {code}"
    return "\n".join([f"{child.program.title} {how}", *_end_of_log(child)])


def _end_of_log(child: Child) -> list[str]:
    return [f"  {child.log} ends:", *(f"    {line}" for line in child.last_lines())]


def _titles(children: Sequence[Child]) -> str:
    return ", ".join(child.program.title for child in children)


def _line(child: Child) -> str:
    """What runs, and where."""
    return f"  {child.program.title:<{_TITLE}}{child.program.url + '/':<{_URL}}{child.program.shows}"


def _missing(request: UpRequest) -> Iterator[str]:
    """What does not run, and how to get it."""
    for name, missing in request.missing.items():
        yield f"  {TITLES[name]:<{_TITLE}}missing: {missing.found}"
        yield f"  {'':<{_TITLE}}get it: {missing.mend}"


def _hints(household: _Household, watch: Child) -> Iterator[str]:
    """What else there is to know: where faults are switched, where everything is kept, how it ends."""
    request = household.request
    if request.sandboxed and (found := _sandbox(household, watch)):
        yield f"  {'sandbox':<{_TITLE}}{found + '/_sandbox/':<{_URL}}faults to switch on and off"
    yield from request.notes
    yield f"logs, samples, configuration: {request.place.data}"
    yield "Ctrl-C stops all of it."


def _sandbox(household: _Household, watch: Child) -> str:
    """Where the embedded sandbox serves, which the prober's log says; empty where it does not."""
    deadline = time.monotonic() + SANDBOX_PATIENCE
    while not household.asked.times and watch.code is None and time.monotonic() < deadline:
        if found := re.search(r" sandbox +url=(\S+)", watch.log.read_text(encoding="utf-8", errors="replace")):
            return found[1]
        time.sleep(LOOK_EVERY)
    return ""


def _say(*lines: str) -> None:
    with suppress(OSError):  # nobody may be left to read it, and what runs has to be stopped all the same
        click.echo("\n".join(lines), err=True)


@contextmanager
def _written(request: UpRequest) -> Iterator[None]:
    """The derived files, written anew, and the token for as long as it is needed."""
    place = request.place
    token = place.token_file
    try:
        place.logs.mkdir(parents=True, exist_ok=True)
        write(place.configuration, request.files, compare(place.configuration, request.files))
        token.unlink(missing_ok=True)
        if request.token:
            descriptor = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(request.token)
    except OSError as error:
        found = f"cannot be written: {error.strerror or error}"
        raise UsageError(Problem(f"--data {place.data}", found, "a folder that you may write")) from error
    try:
        yield
    finally:
        with suppress(OSError):
            token.unlink(missing_ok=True)


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """The data folder for us alone."""
    lock = LockFile(place.data / "lock", place.data)
    try:
        lock.acquire()
    except (UsageError, OSError) as error:
        found = "is in use by another `specwatch up`" if isinstance(error, UsageError) else f"cannot be locked: {error}"
        raise UsageError(Problem(f"--data {place.data}", found, "a folder for each", "name another one")) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _signals() -> Iterator[_Asked]:
    """Ctrl-C, SIGTERM and a closed terminal ask us to stop; outside the main thread signals stay as they are."""
    asked = _Asked()
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        for number in numbers:
            if number in {signal.SIGINT, signal.SIGTERM} or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                before[number] = signal.signal(number, asked)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
