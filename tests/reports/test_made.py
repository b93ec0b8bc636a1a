"""What a request names that an earlier call of the same run made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specwatch.contract.result import RunResult
from specwatch.reports.made import maker
from specwatch.reports.next_steps import Options, next_steps
from specwatch.values import Exchange

Make = Callable[..., Exchange]
BATCH = "bulk_725740adab3d"
MADE = f'{{"bulkId": "{BATCH}"}}'.encode()


@pytest.fixture
def sent(make_exchange: Make) -> Make:
    """Makes exchanges, one after another."""

    def make(second: int, *, named: str = "", **parts: object) -> Exchange:
        exchange = make_exchange(started_at=1_700_000_000.0 + second, **parts)
        return replace(exchange, id=f"e{second}", path_parameters={"id": named} if named else {})

    return make


@pytest.mark.parametrize("body", [b"", f'{{"ids": ["{BATCH}"]}}'.encode()], ids=["path", "body"])
def test_what_a_call_made_is_known_by_its_answer(sent: Make, body: bytes) -> None:
    """The first answer that shows the value, whatever came in between."""
    first = sent(0, method="POST", answer=MADE)
    between = sent(1, named=BATCH, answer=MADE)
    own = sent(2, named="" if body else BATCH, body=body)
    assert maker(own, [own, between, first]) is first


@pytest.mark.parametrize(
    "earlier",
    [
        {"answer": MADE},
        {"method": "POST", "body": MADE, "answer": MADE},
        {"method": "POST", "answer": b'{"bulkId": "another"}'},
        {"method": "POST", "answer": b"x" * 60_000 + MADE},
    ],
    ids=["a read", "its own words", "something else", "too long"],
)
def test_what_was_there_or_was_sent_is_not_made(sent: Make, earlier: dict[str, object]) -> None:
    """A value that a read showed first was there before; one that we sent ourselves can be sent again."""
    own = sent(2, named=BATCH)
    assert maker(own, [sent(0, **earlier), own]) is None


def commands(result: RunResult, exchanges: tuple[Exchange, ...], own: tuple[Exchange, ...]) -> list[tuple[str, str]]:
    """The commands after a run that found these violations."""
    (api,) = result.apis
    found = tuple(replace(api.violations[1], where=f"/{each.id}", exchange=each) for each in own)
    result = replace(result, apis=(replace(api, violations=found),), exchanges=exchanges)
    return [line for line in next_steps(result, Options()) if "sandbox --port" in line[0]]


def test_a_new_sandbox_is_offered_for_what_it_can_answer(sent: Make, make_result: Callable[..., RunResult]) -> None:
    """It is for all curl lines, for all but those about what the run made, or not offered at all."""
    first, plain, about = sent(0, method="POST", answer=MADE), sent(1, named="p1"), sent(2, named=BATCH)
    all_of_them = (first, plain, about)
    ((_, whole),) = commands(make_result(), all_of_them, (plain,))
    ((_, most),) = commands(make_result(), all_of_them, (plain, about))
    assert whole.endswith("so that the curl lines above work against it")
    assert most.endswith("work against it, but those that name what the run itself made")
    assert commands(make_result(), all_of_them, (about,)) == []
