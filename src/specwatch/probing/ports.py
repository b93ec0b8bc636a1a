"""What the probing engine asks of the world: a sender, a journal, a store. Others implement these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from specwatch.transport.draft import Draft
from specwatch.values.observation import Observation, Sent

Json = Mapping[str, object]


class Sender(Protocol):
    """Sends one request of a workflow and judges what comes back."""

    async def send(self, draft: Draft, step: str, until: float) -> Sent:
        """Send a draft; the exchange in the result still holds whatever the target echoed.

        Args:
            draft: the request before credentials are added.
            step: id of the step that it belongs to.
            until: when the whole run has to be over, on the engine's monotonic clock.

        Raises:
            CannotTell: it was not sent: not allowed, not covered by the budget, no credential, or a pause.
        """


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run of a workflow has come; all of it can be written as JSON.

    Args:
        inputs: of the run.
        outputs: of the steps that are done, by step id.
        following: the step that comes next, or empty when there is none.
        in_doubt: the step that was about to be sent and whose answer is not known, or empty.
    """

    inputs: Json = field(default_factory=dict)
    outputs: Mapping[str, Json] = field(default_factory=dict)
    following: str = ""
    in_doubt: str = ""


class Journal(Protocol):
    """Where a run that creates or consumes leaves its tracks. Each call returns when it is on disk."""

    async def intend(self, progress: Progress) -> None:
        """Note that `progress.in_doubt` is about to be sent.

        Raises:
            CannotTell: that cannot be written, so it must not be sent.
        """

    async def keep(self, step: str, body: bytes) -> None:
        """Keep a body that cannot be had again.

        Raises:
            OSError: it could not be written.
        """

    async def done(self, progress: Progress) -> None:
        """Note that a step is done. What cannot be written is reported, not raised."""


@dataclass(frozen=True, slots=True)
class Job:
    """A run that creates or consumes, as the journal has it.

    Args:
        id: of the run.
        probe: id of the probe.
        workflow: id of its workflow.
        target: name of the target that it was sent to.
        started_at: epoch seconds.
        progress: how far it came.
    """

    id: str
    probe: str
    workflow: str
    target: str
    started_at: float
    progress: Progress


class Kept(Protocol):
    """A body that a job brought, as a file."""

    @property
    def path(self) -> Path:
        """Where it is."""


class Store(Protocol):
    """What survives a restart. Nothing in it blocks the caller or raises, but for `start`."""

    async def start(self) -> None:
        """Open, and load what was remembered.

        Raises:
            UsageError: the file belongs to a newer version, or its folder cannot be written.
        """

    def memories(self, kind: str) -> Mapping[str, Json]:
        """What was remembered when the store was opened, by key."""

    def remember(self, kind: str, key: str, value: Json | None) -> None:
        """Remember a small document under a key soon; None forgets it."""

    def record(self, observation: Observation) -> None:
        """Add a run to the history soon."""

    def journal(self, job: Job) -> Journal:
        """The journal of one run. The job exists once something was noted in it."""

    def open_jobs(self) -> tuple[Job, ...]:
        """The jobs that were not finished when the store was opened."""

    async def archives(self, job_id: str) -> Sequence[Kept]:
        """What a job brought that cannot be had again; empty where that cannot be read."""

    def finish(self, job_id: str, verdict: str, message: str) -> None:
        """Note how a job ended, soon; nothing happens where the journal has no such job."""

    async def close(self) -> None:
        """Write what waits, within a bound, and close."""
