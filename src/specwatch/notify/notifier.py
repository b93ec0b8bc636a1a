"""Tells a webhook which probes fail and which pass again, outside the path of probing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from specwatch.notify import story
from specwatch.notify.alert import Alert, Group, message
from specwatch.notify.books import KIND, Batch, Books, Keeping
from specwatch.notify.story import FAILING, UNKNOWN, Links
from specwatch.notify.webhook import Answer
from specwatch.probing.events import Event, Notified, Planned, Ran
from specwatch.probing.ports import Store
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation

Say = Callable[[str, str, str, Mapping[str, object]], None]
"""Takes a line for the log: level, event, sentence, and what else there is."""

_JITTER: Final = random.SystemRandom()


class Receiver(Protocol):
    """Where messages go."""

    @property
    def shown(self) -> str:
        """What may be written of its address."""

    async def post(self, body: bytes) -> Answer:
        """Try once to deliver a message; it does not raise."""

    async def aclose(self) -> None:
        """Let go of it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently it tells; all in seconds but `tries` and `waiting`.

    Args:
        gather: how long it waits for what belongs together.
        tries: attempts for one message.
        first: pause after the first failed one; it doubles with each, and a random part of up to half is taken off.
        last: the longest such pause.
        asked: the longest pause that a receiver may ask for with Retry-After.
        rest: after that long, what could not be told is tried again, if it is still so.
        closing: how long it has at the end.
        waiting: how many alerts may wait.
    """

    gather: float = 0.2
    tries: int = 6
    first: float = 1.0
    last: float = 60.0
    asked: float = 300.0
    rest: float = 300.0
    closing: float = 5.0
    waiting: int = 1000


@dataclass(frozen=True, slots=True)
class Outlook:
    """What it knows of the prober.

    Args:
        store: remembers what was told.
        now: epoch seconds.
        since: epoch seconds at which the settled verdict of a probe began, or None.
        emit: is told of every notification.
        say: takes lines for the log.
        location: of the prober, or empty.
        unknown_for: seconds after which an unknown verdict is an alert of its own.
    """

    store: Store
    now: Callable[[], float]
    since: Callable[[str], float | None]
    emit: Callable[[Event], None]
    say: Say
    location: str = ""
    unknown_for: float = 3600.0


class Notifier:
    """A listener that keeps books, and a task that sends what is to be told.

    A verdict fail fires `SpecwatchProbeFailing`, a pass resolves it. An unknown verdict does neither: trouble of our
    own is no outage of the provider, and no end of one either. Unknown for long fires `SpecwatchProbeUnknown`, which
    any other verdict resolves. Both are resolved when their probe is not watched any more.

    Args:
        receiver: where messages go.
        outlook: what it knows of the prober.
        pace: how patiently it tells.
    """

    def __init__(self, receiver: Receiver, outlook: Outlook, pace: Pace | None = None) -> None:
        self._receiver = receiver
        self._outlook = outlook
        self._pace = pace or Pace()
        self._links = Links()
        self._books = Books(
            Keeping(self._remember, outlook.now, self._dropped, waiting=self._pace.waiting, rest=self._pace.rest)
        )
        self._restored = False
        self._failures = 0
        self._tries: dict[Group, int] = {}
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --------------------------------------------------------------------------------- called in the path of probing

    def __call__(self, event: Event) -> None:
        """Note what happened. It sends nothing, waits for nothing, and raises nothing."""
        try:
            if isinstance(event, Planned):
                self._planned(event)
            elif isinstance(event, Ran) and event.settled:
                self._ran(event.observation)
            else:
                return
        except Exception as error:  # noqa: BLE001 - a defect here must not end a probe's run
            self._outlook.say("error", "notify_defect", f"a run was not taken in: {type(error).__name__}", {})
        if self._books.waiting:
            self._wake.set()

    def _planned(self, event: Planned) -> None:
        if not self._restored:
            self._restored = True
            self._books.restore(self._outlook.store.memories(KIND))
        watched = {probe.id for probe in event.probes} - event.off
        for probe in self._books.probes() - watched:
            for name in (FAILING, UNKNOWN):
                self._books.end(name, probe, story.unwatched(probe))

    def _ran(self, observation: Observation) -> None:
        probe, location, links = observation.probe, self._outlook.location, self._links
        since = self._outlook.since(probe)
        since = observation.started_at if since is None else since
        if observation.verdict is Verdict.UNKNOWN:
            if observation.started_at - since >= self._outlook.unknown_for:
                self._books.begin(UNKNOWN, probe, lambda: story.unknown(observation, since, location, links))
            return
        self._books.end(UNKNOWN, probe, story.known_again(observation))
        if observation.verdict is Verdict.FAIL:
            self._books.begin(FAILING, probe, lambda: story.failing(observation, since, location, links))
        else:
            self._books.end(FAILING, probe, story.recovered(observation))

    # ---------------------------------------------------------------------------------------------------- the sender

    def start(self, links: Links) -> None:
        """Begin to send, in a task of the running loop.

        Args:
            links: where alerts point to.
        """
        self._links = links
        self._task = asyncio.create_task(self._work(), name="specwatch-notify")

    async def close(self) -> None:
        """Send what waits, within a bound; what could not be sent by then is given up and said."""
        self._closing.set()
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait({task}, timeout=self._pace.closing)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._receiver.aclose()
        self._failed(self._books.abandon(), "specwatch ended before it could be sent")

    async def _work(self) -> None:
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            await self._rest(self._pace.gather)
            try:
                await self._tell()
            except Exception as error:  # noqa: BLE001 - a defect here must not end all notifications, nor stay unseen
                self._outlook.say("error", "notify_defect", f"the sender stumbled: {type(error).__name__}", {})
                await self._rest(self._pace.last)

    async def _tell(self) -> None:
        """Send until nothing waits."""
        while batch := self._books.take():
            answer = await self._attempt(batch)
            if answer.delivered:
                self._failures = 0
                self._tries.pop(batch.changes[0].group, None)
                self._sent(batch.changes)
            else:
                await self._after_failure(batch, answer)

    async def _attempt(self, batch: Batch) -> Answer:
        answer = Answer(doubtful=True)
        try:
            answer = await self._receiver.post(message(batch.alerts, self._links.pages, batch.truncated))
        finally:
            self._books.settle(batch, delivered=answer.delivered, doubtful=answer.doubtful)
        return answer

    async def _after_failure(self, batch: Batch, answer: Answer) -> None:
        group = batch.changes[0].group
        self._tries[group] = self._tries.get(group, 0) + 1
        if not answer.again or self._tries[group] >= self._pace.tries or self._closing.is_set():
            self._tries.pop(group)
            self._failed(self._books.give_up(batch), f"{self._receiver.shown} {answer.why}")
        if answer.again:  # else this message is what was wrong, and the next one may be sent at once
            self._failures += 1
            await self._rest(self._delay(answer.after))

    def _delay(self, asked: float | None) -> float:
        pause = min(self._pace.first * 2.0 ** min(self._failures - 1, 30), self._pace.last)
        return max(pause * _JITTER.uniform(0.5, 1.0), min(asked or 0.0, self._pace.asked))

    async def _rest(self, seconds: float) -> None:
        """Wait, but not beyond the end."""
        await asyncio.wait({closing := asyncio.ensure_future(self._closing.wait())}, timeout=seconds)
        closing.cancel()

    # ------------------------------------------------------------------------------------------------------- telling

    def _sent(self, alerts: tuple[Alert, ...]) -> None:
        for alert in alerts:
            self._outlook.emit(Notified("sent"))
            told = f"told {self._receiver.shown}: {alert.annotations['summary' if alert.firing else 'description']}"
            self._outlook.say("info", "notified", told, _fields(alert))

    def _failed(self, alerts: tuple[Alert, ...], why: str) -> None:
        for alert in alerts:
            self._outlook.emit(Notified("failed"))
            self._outlook.say("error", "notify_failed", f"given up: {why}", _fields(alert))

    def _dropped(self, alert: Alert) -> None:
        self._outlook.emit(Notified("dropped"))
        told = f"dropped, since more than {self._pace.waiting:,} wait"
        self._outlook.say("error", "notify_dropped", told, _fields(alert))

    def _remember(self, key: str, value: Mapping[str, object] | None) -> None:
        self._outlook.store.remember(KIND, key, value)


def _fields(alert: Alert) -> dict[str, object]:
    status = "firing" if alert.firing else "resolved"
    return {"alert": alert.name, "status": status, "api": alert.labels["api"], "probe": alert.probe}
