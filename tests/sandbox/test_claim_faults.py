"""Faults from claims: each breaks the claim that it is named after, and nothing that a schema could show."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.library import LIBRARY, broken, honest, library_call

from specwatch.sandbox import Answer, Fault, derive_faults, underivable
from specwatch.sandbox.derivation.search import MOST_BYTES

FAULTS = {fault.name: fault for fault in derive_faults(LIBRARY)}
OF_CLAIMS = {name: fault for name, fault in FAULTS.items() if "/claim/" in name}
AT_ONCE = "at-once"
"""The one claim that cannot be broken without breaking the objective of the spec, too."""


def test_the_honest_library_keeps_every_claim() -> None:
    """Without a fault nothing is broken, so that whatever is broken below is the fault's doing."""
    assert broken([]) == (set(), set())


@pytest.mark.parametrize("fault", OF_CLAIMS.values(), ids=lambda fault: fault.short_name)
def test_each_claim_fault_breaks_its_claim(fault: Fault) -> None:
    """The honest answers keep the claim, the changed ones do not."""
    claims, _ = broken([fault])
    assert fault.breaks in claims


@pytest.mark.parametrize(
    "fault",
    [fault for fault in OF_CLAIMS.values() if fault.breaks != AT_ONCE],
    ids=lambda fault: fault.short_name,
)
def test_only_the_claim_can_notice(fault: Fault) -> None:
    """Status, headers, schema and time of every changed answer are as documented."""
    assert broken([fault])[1] == set()


def test_every_claim_is_covered() -> None:
    """Each claim of the library has a fault on each of its operations, or is told with the reason why not."""
    unbuilt = {each.what: each.reason for each in underivable(LIBRARY) if "claim/" in each.what}
    assert unbuilt == {
        "claim/played-through": "only a contract test can bring it about; the sandbox's module has faults for it",
        "getBook/claim/asked-in-words": "it reads nothing of the answer that could be changed",
        "takeTicket/claim/loan-count-agrees": "this side tells what was asked, which no answer can change",
    }
    written = {claim.id for claim in LIBRARY.claims if "/" not in claim.id}
    assert {fault.breaks for fault in OF_CLAIMS.values()} == written - {"played-through", "asked-in-words"}


def test_a_claim_fault_has_the_level_of_its_claim() -> None:
    """Breaking an inference is no broken promise."""
    assert {fault.breaks: fault.level for fault in OF_CLAIMS.values()} == {
        fault.breaks: LIBRARY.claim(fault.breaks).level for fault in OF_CLAIMS.values()
    }


def test_the_change_stays_the_same() -> None:
    """What broke the claim once breaks it again, so that a fault looks like one fault."""
    fault = FAULTS["library/getBook/claim/id-echoed"]
    store: dict[str, Any] = {}
    shown = [fault.apply(call, honest(call)) for call in (library_call("getBook", n, store, id="b-1") for n in (1, 2))]
    assert [answer.body["id"] for answer in shown] == ["b-0", "b-0"]  # type: ignore[index]


def test_answers_to_which_the_claim_does_not_apply_stay() -> None:
    """A claim about books that are there changes no 404."""
    call = library_call("getBook", 1, {}, id="b-9")
    assert FAULTS["library/getBook/claim/id-echoed"].apply(call, honest(call)) == honest(call)


def test_every_second_answer_of_a_key_is_changed() -> None:
    """The first answer about a book is honest, the second is not, and other books have a count of their own."""
    fault = FAULTS["library/getBook/claim/printed-fixed"]
    store: dict[str, Any] = {}
    asked = ["b-1", "b-2", "b-1", "b-2", "b-1"]
    calls = [library_call("getBook", number, store, id=name) for number, name in enumerate(asked, start=1)]
    changed = [fault.apply(call, honest(call)) != honest(call) for call in calls]
    assert changed == [False, False, True, True, False]


def test_a_large_answer_is_left_alone() -> None:
    """Judging dozens of variants of megabytes would hold everything up."""
    call = library_call("getBook", 1, {}, id="b-1")
    answer = Answer(body={"id": "b-1", "review": "x" * MOST_BYTES})
    assert FAULTS["library/getBook/claim/id-echoed"].apply(call, answer) is answer
