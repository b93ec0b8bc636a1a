"""A violation of several exchanges shows the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specwatch.reports.html.related import before, compared
from specwatch.spec import Api
from specwatch.values import Exchange, Scenario, Series, Violation
from specwatch.values.claim import Rule

Make = Callable[..., Violation]


@pytest.fixture
def seen(make_exchange: Callable[..., Exchange]) -> Callable[..., Exchange]:
    """Makes answers about a parcel, one after another."""

    def make(second: int, parcel: str, state: str) -> Exchange:
        answer = f'{{"id": "{parcel}", "state": "{state}"}}'.encode()
        exchange = make_exchange(answer=answer, started_at=1_700_000_000.0 + second)
        return replace(exchange, id=f"e{second}", path_parameters={"id": parcel})

    return make


def test_a_series_shows_what_it_compared(make_violation: Make, seen: Callable[..., Exchange], api: Api) -> None:
    """The exchanges with the same key up to the one that breaks it, with their values, and no others."""
    claim = replace(api.claim("id-echoed"), form=Series("request.path.id", "response.json.state", Rule.CONSTANT))
    all_of_them = [seen(0, "p1", "a"), seen(1, "p2", "z"), seen(2, "p1", "b"), seen(3, "p1", "c")]
    violation = make_violation(kind="series", found='"b"', exchange=all_of_them[2])
    found = compared(violation, claim, api, all_of_them)
    assert [(each.exchange.id, each.value) for each in found] == [("e0", '"a"'), ("e2", '"b"')]


def test_a_value_that_must_be_unique_shows_where_it_was_before(
    make_violation: Make, seen: Callable[..., Exchange], api: Api
) -> None:
    """Whatever the other values were."""
    claim = replace(api.claim("id-echoed"), form=Series("'all'", "response.json.id", Rule.UNIQUE))
    all_of_them = [seen(0, "p1", "a"), seen(1, "p2", "a"), seen(2, "p1", "a")]
    violation = make_violation(kind="series", found='"p1"', exchange=all_of_them[2])
    assert [each.exchange.id for each in compared(violation, claim, api, all_of_them)] == ["e0", "e2"]


def test_a_scenario_shows_what_was_sent_just_before(
    make_violation: Make, seen: Callable[..., Exchange], api: Api
) -> None:
    """Five exchanges and its own, in order; nothing after it."""
    all_of_them = [seen(each, "p1", "a") for each in range(9)]
    claim = replace(api.claim("id-echoed"), form=Scenario())
    found = before(make_violation(kind="scenario", exchange=all_of_them[7]), claim, all_of_them)
    assert [each.exchange.id for each in found] == ["e2", "e3", "e4", "e5", "e6", "e7"]


def test_without_an_exchange_there_are_no_others(make_violation: Make, api: Api) -> None:
    """Nothing to compare with, and no failure."""
    claim = replace(api.claim("id-echoed"), form=Scenario())
    assert before(make_violation(), claim, []) == ()
    assert compared(make_violation(), claim, api, []) == ()
