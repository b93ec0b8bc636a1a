"""What a run leaves in its journal, and how it goes on after an interruption: nothing twice, nothing lost."""

from __future__ import annotations

import pytest
from tests.probing.executing import CUP, Paper, Reply, Shop, answer, no_answer, run

from specwatch.errors import BudgetSpent, CannotTell
from specwatch.probing.ports import Progress
from specwatch.transport.draft import Draft
from specwatch.values import Failure, Reason

MADE = {"make": {"id": "i-9"}}
POLLED = {**MADE, "poll": {"status": "ready"}}


class Provider:
    """A shop that remembers what was made and taken, and that nothing may be taken twice."""

    def __init__(self, polls: int = 1) -> None:
        self.left = polls
        self.made = 0
        self.taken = 0
        self.given = 0

    def __call__(self, _shop: Shop, draft: Draft, _step: str) -> Reply:
        """Answer a request."""
        if draft.operation.id == "makeItem":
            self.made += 1
            return answer(201, {"id": "i-9"})
        if draft.operation.id == "takeItem":
            self.taken += 1
            self.given += self.taken == 1
            return answer(200, {"thing": 1}) if self.taken == 1 else answer(404)
        if draft.operation.id == "getItem":
            self.left -= 1
            status = "taken" if self.taken else "ready" if self.left <= 0 else "waiting"
            return answer(200, {**CUP, "status": status})
        return answer(200)


def test_intentions_come_before_and_what_is_kept_before_what_is_done() -> None:
    """Each lasting step is noted before it is sent; a body that cannot be had again is kept before it is done."""
    shop = Shop(Provider(polls=2))
    paper = Paper(shop.log)

    execution = run("job", shop, journal=paper)

    assert execution.met, execution.message
    assert shop.log == [
        "intend make", "send make", "done poll",
        "send poll", "send poll", "done take",
        "intend take", "send take", "keep take", "done gone",
        "send gone", "done (end)",
    ]  # fmt: skip
    assert paper.kept == {"take": b'{"thing": 1}'}
    assert [(p.in_doubt, p.outputs) for p in paper.intended] == [("make", {}), ("take", POLLED)]
    assert paper.ended[-1].inputs == {"name": "a cup"}


def test_a_workflow_inside_is_one_step() -> None:
    """What a run depends on, and a workflow that it calls, are each noted as one; what is kept has its full name."""
    shop = Shop(Provider())
    paper = Paper(shop.log)

    execution = run("outer", shop, journal=paper)

    assert execution.met, execution.message
    assert [entry for entry in shop.log if not entry.startswith("send")] == [
        "intend $workflows.make-one", "done whole", "intend whole", "keep whole/take", "done after", "done (end)"
    ]  # fmt: skip
    assert execution.outputs == {"id": "i-9", "first": "i-9"}

    again = Shop(Provider())
    execution = run("outer", again, journal=Paper(again.log), progress=paper.ended[1])
    assert again.steps == ["after"]
    assert execution.outputs == {"id": "i-9", "first": "i-9"}


def test_a_workflow_inside_that_is_in_doubt_is_not_repeated() -> None:
    """A lost answer inside leaves the whole step in doubt."""
    failure = Failure(Reason.RESET, "the connection was reset", "transfer")
    shop = Shop(
        lambda _, draft, step: no_answer(draft, step, failure) if step == "whole/make" else answer(201, {"id": "i-9"})
    )
    paper = Paper(shop.log)

    execution = run("outer", shop, journal=paper)

    assert execution.message.endswith("whether it took effect is not known")
    assert paper.intended[-1].in_doubt == "whole"
    assert shop.log[-1] == "send whole/make"
    again = Shop(Provider())
    assert "ask the provider" in run("outer", again, progress=paper.intended[-1]).unknown


def test_a_run_that_only_reads_leaves_no_tracks() -> None:
    """Nothing is noted before something was intended."""
    shop = Shop(Provider())
    paper = Paper(shop.log)

    run("item", shop, journal=paper, item="i-1")

    assert (paper.intended, paper.ended) == ([], [])


def test_refused_requests_leave_no_tracks() -> None:
    """A request that the documentation promises to refuse changes nothing, so nothing is noted of it."""
    shop = Shop(lambda _, __, step: answer(201 if step in {"perhaps", "either"} else 401, {}))
    paper = Paper(shop.log)

    run("refusals", shop, journal=paper)

    assert [progress.in_doubt for progress in paper.intended][:1] == ["perhaps"]


def test_what_cannot_be_noted_is_not_sent() -> None:
    """Without the note of the intention the request does not go out, and the outcome is unknown."""
    shop = Shop(Provider())
    paper = Paper(shop.log, {"intend": CannotTell("the state cannot be written")})

    execution = run("job", shop, journal=paper)

    assert (shop.steps, execution.unknown) == ([], "the state cannot be written")


def test_what_cannot_be_kept_is_no_success() -> None:
    """A download that could not be stored leaves the outcome unknown, with its exchange, and stays in doubt."""
    shop = Shop(Provider())
    paper = Paper(shop.log, {"keep": OSError(28, "No space left on device")})

    execution = run("job", shop, journal=paper)

    assert execution.unknown == "take: what cannot be had again could not be kept: No space left on device"
    assert (execution.steps[-1].met, len(execution.steps[-1].sent)) == (False, 1)
    assert shop.log[-1] == "send take"


def test_a_request_that_was_not_sent_is_not_in_doubt() -> None:
    """Where the sender says that nothing was sent, the journal says so too."""
    shop = Shop(lambda _, __, ___: BudgetSpent("the budget of the day is spent"))
    paper = Paper(shop.log)

    execution = run("job", shop, journal=paper)

    assert execution.unknown == "the budget of the day is spent"
    assert paper.ended == [Progress({"name": "a cup"}, {}, "make", "")]


@pytest.mark.parametrize("phase, lost", [("processing", True), ("transfer", True), ("connect", False)])
def test_a_lost_answer_is_not_asked_for_again(phase: str, lost: bool) -> None:  # noqa: FBT001 - a parameter
    """A lasting request whose answer is lost stays in doubt and is not tried again; one that never left is done."""
    failure = Failure(Reason.TIMEOUT, "no answer within 5 s", phase)
    shop = Shop(lambda _, draft, step: no_answer(draft, step, failure))
    paper = Paper(shop.log)

    execution = run("job", shop, journal=paper)

    assert shop.steps == ["make"]
    assert ("; whether it took effect is not known" in execution.message) is lost
    assert (paper.ended == []) is lost


def test_a_run_goes_on_where_it_stopped() -> None:
    """With its progress a run sends only what is left, with the outputs and inputs that it had."""
    shop = Shop(Provider())
    progress = Progress({"name": "x"}, MADE, "poll", "")

    execution = run("job", shop, journal=Paper(shop.log), progress=progress)

    assert execution.met, execution.message
    assert shop.steps == ["poll", "take", "gone"]
    assert execution.outputs == {"id": "i-9", "status": "ready"}
    assert "done take" in shop.log


def test_a_creation_in_doubt_is_not_repeated() -> None:
    """Whether something was made is not known, so it is not made again: the provider has to be asked."""
    shop = Shop(Provider())

    execution = run("job", shop, journal=Paper(shop.log), progress=Progress({}, {}, "make", "make"))

    assert shop.steps == []
    assert execution.unknown == "whether make took effect is not known, so it was not sent again: ask the provider"


def test_a_download_in_doubt_goes_back_to_the_status() -> None:
    """The nearest read before it is asked again, and the download follows only if that allows it."""
    shop = Shop(Provider())
    progress = Progress({}, POLLED, "take", "take")

    assert run("job", shop, journal=Paper(shop.log), progress=progress).met
    assert shop.steps == ["poll", "take", "gone"]

    used_up = Shop(lambda _, __, ___: answer(200, {"id": "i-9", "status": "taken"}))
    execution = run("job", used_up, journal=Paper(used_up.log), progress=progress)
    assert used_up.steps == ["poll"]
    assert execution.message.endswith('found $response.body#/status is "taken"')


@pytest.mark.parametrize(
    "progress, unknown",
    [
        (Progress({}, MADE, "", ""), "job had ended, but its verdict was not written"),
        (
            Progress({}, MADE, "wait", ""),
            "job has no step wait any more: it was changed while the run was interrupted",
        ),
        (
            Progress({}, {}, "$workflows.one", "$workflows.one"),
            "whether the workflow one took effect is not known, so it was not sent again: ask the provider",
        ),
    ],
)
def test_a_run_that_cannot_go_on_says_why(progress: Progress, unknown: str) -> None:
    """What cannot be resumed is reported, and nothing is sent."""
    shop = Shop(Provider())

    assert run("job", shop, journal=Paper(shop.log), progress=progress).unknown == unknown
    assert shop.steps == []


class Killed(BaseException):
    """The process ends."""


def test_a_run_can_be_interrupted_anywhere() -> None:
    """Killed after any number of notes and requests, the next start ends the job or says that it is in doubt."""
    whole = Shop(Provider(polls=2))
    run("job", whole, journal=Paper(whole.log))

    for point in range(len(whole.log)):
        provider, notes, outcome = _killed_at(point)
        assert provider.made <= 1, point
        assert provider.given <= 1, point
        assert "take" in notes.kept or provider.given == 0 or outcome == "failed", point
        assert (outcome == "in doubt") is (point in {1, 2}), point  # between the intention to make and the answer


def _killed_at(point: int) -> tuple[Provider, Paper, str]:
    """Run until a point of the log is reached, start again with what is noted, and tell how that ends."""

    class Mortal(list[str]):
        def append(self, entry: str, /) -> None:
            if len(self) == point:
                raise Killed
            super().append(entry)

    provider = Provider(polls=2)
    shop = Shop(provider, log=Mortal())
    paper = Paper(shop.log)
    with pytest.raises(Killed):
        run("job", shop, journal=paper)
    noted = [entry for entry in shop.log if not entry.startswith(("send", "keep"))]
    if not noted:
        return provider, paper, "nothing"
    last = paper.ended[-1] if noted[-1].startswith("done") else paper.intended[-1]
    again = Shop(provider)
    paper.log, paper.broken = again.log, {}
    execution = run("job", again, journal=paper, progress=last)
    if "ask the provider" in execution.unknown:
        return provider, paper, "in doubt"
    return provider, paper, "met" if execution.met else "failed"
