"""Faults of access to ExaRoutes' batches and of their states: who gets an answer, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from specwatch.sandbox import Answer, Call

from .exaroutes_bulk import (
    COMPLETED,
    DOWNLOADED,
    PROCESSING,
    Batch,
    api,
    archive,
    batch_of,
    complaint,
    every,
    gone,
    keep,
    now_ms,
    outcomes,
    own,
    record,
    unknown,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a batch that may exist, with its honest answer."""

    call: Call
    batch: Batch | None
    answer: Answer

    def serve(self) -> Answer | None:
        """The archive, whatever the honest answer was."""
        return archive(outcomes(self.call, self.batch)) if self.batch else None

    def leave(self, downloaded_ms: int | None) -> None:
        """Remember the batch as not downloaded, or as downloaded at a time."""
        if self.batch:
            keep(self.call, replace(self.batch, downloaded_ms=downloaded_ms))

    @property
    def mine(self) -> bool:
        """Whether the batch exists and is the caller's."""
        return self.batch is not None and self.batch.owner == self.call.account

    @property
    def foreign(self) -> bool:
        """Whether the batch exists and is somebody else's."""
        return self.batch is not None and not self.mine

    def in_state(self, status: str) -> bool:
        """Whether the batch is the caller's and, after the honest answer, has a status."""
        return self.mine and self.batch is not None and self.batch.status(now_ms(self.call))[0] == status


def _visit_fault(
    name: str, breaks: str, text: str, edit: Callable[[Visit], Answer | None], operation: str = "getBulkResult"
) -> None:
    """Declare a fault whose function gives another answer, or None for the honest one."""

    @api.fault(name, breaks=breaks, text=text, operation=operation)
    def apply(call: Call, answer: Answer) -> Answer:
        return (edit(Visit(call, batch_of(call), answer)) or answer) if call.handled else answer


def never_ready(visit: Visit) -> Answer | None:
    """410 for good, whatever the status says."""
    if visit.answer.status != 200:
        return None
    visit.leave(None)
    return gone()


def read_by_stranger(visit: Visit) -> None:
    """Somebody else's attempt uses the archive up."""
    if visit.foreign and visit.batch and visit.batch.status(now_ms(visit.call))[0] == COMPLETED:
        visit.leave(now_ms(visit.call))


_RESULT_FAULTS: dict[str, tuple[str, str, Callable[[Visit], Answer | None]]] = {
    "early-result": (
        "result-410-before-completion",
        "The archive is handed out while the worker is running.",
        lambda v: v.serve() if v.in_state(PROCESSING) else None,
    ),
    "early-result-empty": (
        "result-410-before-completion",
        "While the worker is running, an empty archive is handed out.",
        lambda v: archive([]) if v.in_state(PROCESSING) else None,
    ),
    "early-result-404": (
        "result-410-before-completion",
        "The result is not found while the worker is running.",
        lambda v: unknown() if v.in_state(PROCESSING) else None,
    ),
    "never-ready": ("archive-ready-when-completed", "The archive of a completed batch is always gone.", never_ready),
    "download-again": (
        "one-shot-download",
        "An archive can be downloaded again and again.",
        lambda v: v.serve() if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "second-download-empty": (
        "one-shot-download",
        "A second download gets an empty archive.",
        lambda v: archive([]) if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "second-download-404": (
        "result-410-after-download",
        "After the download the result is not found.",
        lambda v: unknown() if v.answer.status == 410 and v.in_state(DOWNLOADED) else None,
    ),
    "download-leaves-status": (
        "status-reads-downloaded",
        "A download changes nothing: the batch stays completed, the archive stays there.",
        lambda v: v.leave(None) if v.answer.status == 200 else None,
    ),
    "unknown-result-empty": (
        "unknown-bulk-404",
        "The result of a batch that does not exist is an empty archive.",
        lambda v: archive([]) if v.batch is None and v.answer.status == 404 else None,
    ),
    "gone-under-200": (
        "one-shot-download",
        "Where there is no archive, 200 comes with an error text.",
        lambda v: Answer(body="The archive is gone.") if v.answer.status == 410 else None,
    ),
    "read-too-early-consumes": (
        "archive-ready-when-completed",
        "An attempt while the worker is running uses the archive up.",
        lambda v: v.leave(now_ms(v.call)) if v.in_state(PROCESSING) else None,
    ),
    "unknown-result-410": (
        "unknown-bulk-404",
        "The result of a batch that does not exist is gone.",
        lambda v: gone() if v.batch is None else None,
    ),
    "foreign-result": (
        "other-subscription-result-404",
        "An archive is handed out to another subscription.",
        lambda v: v.serve() if v.foreign else None,
    ),
    "foreign-result-410": (
        "other-subscription-result-404",
        "Another subscription is told that the result is gone.",
        lambda v: gone() if v.foreign else None,
    ),
    "foreign-result-403": (
        "other-subscription-result-404",
        "Another subscription is forbidden to read the result.",
        lambda v: complaint(403, "Not yours.") if v.foreign else None,
    ),
    "foreign-read-consumes": (
        "archive-ready-when-completed",
        "The attempt of another subscription uses the archive up.",
        read_by_stranger,
    ),
}
for _name, (_breaks, _text, _edit) in _RESULT_FAULTS.items():
    _visit_fault(_name, _breaks, _text, _edit)


def made_up(visit: Visit) -> Answer | None:
    """The record of a batch that does not exist."""
    if visit.batch is not None or visit.answer.status != 404:
        return None
    now = now_ms(visit.call)
    return Answer(body=record(visit.call, Batch(visit.call.path["bulkId"], "", ({},), now, now)))


_STATUS_FAULTS: dict[str, tuple[str, str, Callable[[Visit], Answer | None]]] = {
    "unknown-status": ("unknown-bulk-404", "A batch that does not exist is completed.", made_up),
    "foreign-status": (
        "other-subscription-status-404",
        "A status is told to another subscription.",
        lambda v: Answer(body=record(v.call, v.batch)) if v.foreign and v.batch else None,
    ),
    "foreign-status-403": (
        "other-subscription-status-404",
        "Another subscription is forbidden to read the status.",
        lambda v: complaint(403, "Not yours.") if v.foreign else None,
    ),
    "sporadic-loss": (
        "submitted-batch-found",
        "Every fifth reading does not find the batch.",
        lambda v: unknown() if v.mine and every(v.call, 5) else None,
    ),
    "lost-after-download": (
        "submitted-batch-found",
        "After the download the batch is not found.",
        lambda v: unknown() if v.in_state(DOWNLOADED) else None,
    ),
    "sporadic-failure": (
        "getBulkStatus/status",
        "One reading in ten fails with 500.",
        lambda v: complaint(500, "Internal error.") if v.mine and every(v.call, 10) else None,
    ),
    "seldom-failure": (
        "getBulkStatus/status",
        "One reading in twenty fails with 500.",
        lambda v: complaint(500, "Internal error.") if v.mine and every(v.call, 20) else None,
    ),
    "seldom-slow": (
        "getBulkStatus/time",
        "One reading in twenty takes 2.5 s longer.",
        lambda v: replace(v.answer, delay_seconds=2.5) if v.mine and every(v.call, 20) else None,
    ),
    "sporadic-slowness": (
        "getBulkStatus/time",
        "One reading in five takes 2.5 s longer.",
        lambda v: replace(v.answer, delay_seconds=2.5) if v.mine and every(v.call, 5) else None,
    ),
}
for _name, (_breaks, _text, _edit) in _STATUS_FAULTS.items():
    _visit_fault(_name, _breaks, _text, _edit, "getBulkStatus")


@api.fault("never-completes", breaks="batch-completes", text="The worker never gets done.")
def never_completes(call: Call, answer: Answer) -> Answer:
    """Processing forever, and no archive."""
    batch = own(call)
    if not call.handled or batch is None or call.operation == "submitBulk":
        return answer
    forever = replace(batch, ready_ms=2**53, downloaded_ms=None)
    keep(call, forever)
    return gone() if call.operation == "getBulkResult" else Answer(body=record(call, forever))


@api.fault("refused-read-consumes", breaks="archive-ready-when-completed", text="A refused download uses it up.")
def refused_read_consumes(call: Call, answer: Answer) -> Answer:
    """Credentials are looked at too late."""
    batch = batch_of(call)
    completed = batch is not None and batch.status(now_ms(call))[0] == COMPLETED
    if batch and completed and call.problems and call.operation == "getBulkResult":
        keep(call, replace(batch, downloaded_ms=now_ms(call)))
    return answer


@api.fault("refused-as-400", breaks="both-headers-needed", text="Bad credentials are answered with 400.")
def refused_as_400(call: Call, answer: Answer) -> Answer:
    """Documented for one operation, for another cause."""
    return complaint(400, "A header is missing.") if call.problems and not call.handled else answer


@api.fault("refused-as-404", breaks="both-headers-needed", text="Bad credentials are answered with 404.")
def refused_as_404(call: Call, answer: Answer) -> Answer:
    """As if nothing were there."""
    return unknown() if call.problems and not call.handled else answer
