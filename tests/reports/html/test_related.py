"""A violation of several exchanges shows the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from specwatch.contract.result import RunResult
from specwatch.reports.html.findings import Findings
from specwatch.reports.html.related import before, compared
from specwatch.reports.html.words import as_whom
from specwatch.reports.places import Places
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


def test_a_scenario_shows_what_made_the_thing_that_it_is_about(
    make_violation: Make, seen: Callable[..., Exchange], api: Api, faulty: RunResult
) -> None:
    """The call that made it and all that named it, as whom, instead of what happened to be sent just before."""
    claim = api.claim("survives-the-night")
    made = replace(seen(0, "", "new"), path_parameters={}, operation="sendParcel")
    made = replace(
        made,
        request=replace(made.request, method="POST"),
        response=replace(made.response, body=b'{"parcel": "p_made_1"}'),
    )
    foreign = replace(seen(1, "p_made_1", "a"), credentials={"token": "second"})
    others = [seen(each, "p2", "a") for each in range(2, 9)]
    own = seen(9, "p_made_1", "a")
    violation = make_violation(kind="scenario", claim="survives-the-night", exchange=own)
    exchanges = [made, foreign, *others, own]
    found = before(violation, claim, exchanges)
    assert [each.exchange.id for each in found] == ["e0", "e1", "e9"]

    result = replace(faulty, exchanges=tuple(exchanges))
    result = replace(result, apis=(replace(result.apis[0], violations=(violation,)),))
    (shown,) = Findings(result, {"parcels": api}, Places([api]), {}).of(result.apis[0])
    assert shown.others_title == "What was sent before, about the same thing"
    assert [each.what for each in shown.others] == [
        "sendParcel, status 200",
        "getParcel as second account, status 200",
        "getParcel, status 200",
    ]


def test_long_values_are_told_by_what_differs(make_violation: Make, seen: Callable[..., Exchange], api: Api) -> None:
    """Of thirty values the one that is another is shown, in each exchange as it was there."""
    form = Series("request.path.id", "response.json.state", Rule.CONSTANT)
    claim = replace(api.claim("id-echoed"), form=form)
    states = [str(list(range(1_000, 1_040))).replace("1039", last) for last in ("1", "1", "2")]
    all_of_them = [
        replace(each, response=replace(each.response, body=f'{{"id": "p1", "state": {state}}}'.encode()))
        for each, state in ((seen(number, "p1", ""), state) for number, state in enumerate(states))
    ]
    violation = make_violation(kind="series", found='{"/39": 2, "…": "39 are alike"}', exchange=all_of_them[2])
    found = compared(violation, claim, api, all_of_them)
    assert [json.loads(each.value)["/39"] for each in found] == [1, 1, 2]
    assert json.loads(found[0].value)["…"] == "39 are alike"


@pytest.mark.parametrize(
    "roles, words",
    [
        ({}, ""),
        ({"token": "account"}, ""),
        ({"token": "second"}, " as second account"),
        ({"id": "absent", "key": "absent"}, " without credential"),
        ({"token": "expired"}, " with the credential expired"),
        ({"id": "account", "key": "altered"}, " with key altered"),
    ],
)
def test_as_whom_in_words(make_exchange: Callable[..., Exchange], roles: dict[str, str], words: str) -> None:
    """Our own account goes without saying."""
    assert as_whom(make_exchange(credentials=roles)) == words
