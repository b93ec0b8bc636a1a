"""Faults of ExaRoutes' bulk submission: what it accepts, refuses, answers and loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .exaroutes_bulk import Batch, api, complaint, every, failed, keep, outcomes, queue


def submission_fault(
    name: str, status: int, *, breaks: str, text: str
) -> Callable[[Callable[[Call], Answer | None]], Callable[[Call], Answer | None]]:
    """Decorate a function that answers submissions whose honest answer has a status; None leaves that answer."""

    def register(edit: Callable[[Call], Answer | None]) -> Callable[[Call], Answer | None]:
        @api.fault(name, breaks=breaks, text=text, operation="submitBulk")
        def apply(call: Call, answer: Answer) -> Answer:
            return (edit(call) or answer) if call.handled and answer.status == status else answer

        return edit

    return register


def body_of(call: Call) -> object:
    """The body as JSON; its text when it is none."""
    try:
        return call.json()
    except ValueError:
        return call.body.decode("utf-8", "replace")


def newest(call: Call) -> Batch:
    """The batch that was queued last."""
    batch: Batch = list(call.store["batches"].values())[-1]
    return batch


def queued_if(condition: Callable[[object], bool]) -> Callable[[Call], Answer | None]:
    """Queue what the body holds, where the condition is met."""
    return lambda call: queue(call, body_of(call)) if condition(body_of(call)) else None


_ACCEPTED: dict[str, tuple[int, str, str, Callable[[object], bool]]] = {
    "empty-array-accepted": (400, "empty-array-400", "An empty array makes a batch.", lambda body: body == []),
    "object-accepted": (400, "non-array-400", "An object makes a batch.", lambda body: isinstance(body, dict)),
    "scalar-accepted": (
        400,
        "non-array-400",
        "A number, a boolean or null makes a batch.",
        lambda body: body is None or isinstance(body, int | float),
    ),
    "text-accepted": (400, "not-json-400", "What is no JSON makes a batch.", lambda body: isinstance(body, str)),
    "size-limit-ignored": (413, "oversized-body-413", "There is no limit to the body's size.", lambda _: True),
}
for _name, (_status, _breaks, _text, _condition) in _ACCEPTED.items():
    submission_fault(_name, _status, breaks=_breaks, text=_text)(queued_if(_condition))


@submission_fault("oversized-400", 413, breaks="oversized-body-413", text="Too large a body is answered with 400.")
def oversized_400(_call: Call) -> Answer:
    """Another complaint than the documented one."""
    return complaint(400, "The body could not be read.")


@submission_fault("limit-too-low", 200, breaks="size-refused-above-limit-only", text="The limit is 10 MB.")
def limit_too_low(call: Call) -> Answer | None:
    """Less than promised."""
    return complaint(413, "The body exceeds 10 MB.") if len(call.body) > 10_000_000 else None


@submission_fault("bad-row-refuses-batch", 200, breaks="rows-never-refuse-batch", text="A bad row makes it a 400.")
def bad_row_refuses_batch(call: Call) -> Answer | None:
    """Rows are checked before the batch is queued."""
    return complaint(400, "A row is invalid.") if any(map(failed, outcomes(call, newest(call)))) else None


@submission_fault("row-cap", 200, breaks="rows-never-refuse-batch", text="More than three rows are refused.")
def row_cap(call: Call) -> Answer | None:
    """A cap on rows where there is none."""
    return complaint(400, "At most 3 rows.") if len(newest(call).rows) > 3 else None


@submission_fault("row-cap-of-500", 200, breaks="row-count-is-not-capped", text="More than 500 rows are refused.")
def row_cap_of_500(call: Call) -> Answer | None:
    """The cap of the in-app path, on this one."""
    return complaint(413, "At most 500 rows.") if len(newest(call).rows) > 500 else None


@submission_fault("rows-cut-at-500", 200, breaks="count-equals-submitted", text="Rows after the 500th are dropped.")
def rows_cut_at_500(call: Call) -> None:
    """The same cap, without a word."""
    keep(call, replace(newest(call), rows=newest(call).rows[:500]))


@submission_fault("error-under-200", 400, breaks="empty-array-400", text="A refusal comes with 200 and an error text.")
def error_under_200(_call: Call) -> Answer:
    """What should be an id is a complaint."""
    return Answer(body="error: the body must be a non-empty array")


@submission_fault("no-id-for-nothing", 400, breaks="empty-array-400", text="An empty array gets an empty id.")
def no_id_for_nothing(call: Call) -> Answer | None:
    """An empty result instead of a refusal."""
    return Answer(body="") if body_of(call) == [] else None


@submission_fault("id-template", 200, breaks="submitted-batch-found", text="The id is a template with a place left.")
def id_template(_call: Call) -> Answer:
    """Nobody filled it in."""
    return Answer(body="bulk_{id}")


@submission_fault("rows-doubled", 200, breaks="count-equals-submitted", text="A submission is carried out twice.")
def rows_doubled(call: Call) -> None:
    """A retry inside the provider queues every row again."""
    keep(call, replace(newest(call), rows=newest(call).rows * 2))


@submission_fault("bulk-id-reused", 200, breaks="bulk-id-unique", text="All batches of an account share one id.")
def bulk_id_reused(call: Call) -> Answer:
    """The new batch replaces the old one."""
    batch = newest(call)
    first = call.store.setdefault("first ids", {}).setdefault(batch.owner, batch.id)
    call.store.get("outcomes", {}).pop(first, None)
    keep(call, replace(batch, id=first))
    return Answer(body=first)


@submission_fault("id-in-object", 200, breaks="submitBulk/200", text="The id comes inside an object.")
def id_in_object(call: Call) -> Answer:
    """Not a string any more."""
    return Answer(body={"bulkId": newest(call).id})


@submission_fault("id-unquoted", 200, breaks="submitBulk/json", text="The id comes bare, without the quotes of JSON.")
def id_unquoted(call: Call) -> Answer:
    """Text that calls itself JSON."""
    return Answer(raw=newest(call).id.encode())


@submission_fault("id-of-nothing", 200, breaks="submitted-batch-found", text="The id leads to no batch.")
def id_of_nothing(call: Call) -> Answer:
    """The batch is dropped."""
    return Answer(body=call.store["batches"].pop(newest(call).id).id)


@submission_fault("rows-dropped", 200, breaks="count-equals-submitted", text="Only the first two rows are queued.")
def rows_dropped(call: Call) -> None:
    """The rest is lost."""
    keep(call, replace(newest(call), rows=newest(call).rows[:2]))


@submission_fault("sporadic-submit-failure", 200, breaks="batch-is-queued", text="One submission in ten fails.")
def sporadic_submit_failure(call: Call) -> Answer | None:
    """The documented 500, too often."""
    return complaint(500, "The worker could not be started.") if every(call, 10) else None


@submission_fault("seldom-submit-failure", 200, breaks="batch-is-queued", text="One submission in twenty fails.")
def seldom_submit_failure(call: Call) -> Answer | None:
    """The documented 500, seldom enough to be overlooked."""
    return complaint(500, "The worker could not be started.") if every(call, 20) else None


@submission_fault(
    "submit-waits", 200, breaks="submit-answers-at-once", text="One answer in four waits until the rows are made."
)
def submit_waits(call: Call) -> Answer | None:
    """The work is not always left to the background."""
    return Answer(body=newest(call).id, delay_seconds=2.5 + call.worker_seconds) if every(call, 4) else None
