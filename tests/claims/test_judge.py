"""Which claims apply to an exchange, and whether it keeps them."""

from collections.abc import Callable
from typing import Any

import pytest

from specwatch.claims import check_expressions
from specwatch.claims.judge import has_longer_list
from specwatch.values import Level

MakeBench = Callable[..., Any]
GET = ["getThing"]


@pytest.mark.parametrize(
    "holds, outcome",
    [
        ("response.json.id == request.path.id", "kept"),
        ("response.json.id == 'other'", "broken"),
        ("response.json.missing == 1", "broken"),
        ("response.json.id", "broken"),
        ("response.json.id > 1", "broken"),
    ],
)
def test_holds_is_kept_by_true_alone(bench: MakeBench, holds: str, outcome: str) -> None:
    """False, no boolean and no value at all: each is a violation."""
    show = bench({"operations": GET, "holds": holds})

    assert show({"id": "t-1"}) == outcome


@pytest.mark.parametrize(
    "when, outcome",
    [
        ("response.status == 200", "broken"),
        ("response.status == 201", "-"),
        ("response.json.missing == 1", "-"),
        ("response.json.id", "-"),
        ("known.thing == 't-1'", "-"),
    ],
)
def test_a_condition_in_error_does_not_apply(bench: MakeBench, when: str, outcome: str) -> None:
    """A claim speaks about an exchange only where its condition is true."""
    show = bench({"operations": GET, "when": when, "holds": "false"})

    assert show({"id": "t-1"}) == outcome


@pytest.mark.parametrize(
    "expression",
    [
        "request.method == 'GET'",
        "request.path.id == 't-1'",
        "request.query.q == 'x'",
        "request.headers['x-two'] == '1, 2'",
        "!has(request.json)",
        "request.bytes == 0",
        "request.valid",
        "request.credentials.key == 'account'",
        "response.status == 200",
        "response.headers['content-type'] == 'application/json'",
        "response.json == '[1, {\"a\": null}]'",
        "response.embedded == [1, {'a': null}]",
        "response.bytes == 20",
        "response.seconds == 0.5",
        "known.thing == 't-1' && known.things == ['t-1', 't-2']",
        "!has(known.other)",
    ],
)
def test_expressions_see_the_exchange(bench: MakeBench, expression: str) -> None:
    """Both messages, decoded; header names in lower case; and what is known to exist."""
    known = {"thing": "t-1", "things": ("t-1", "t-2")}
    show = bench({"operations": GET, "holds": expression}, known=known)

    assert show('[1, {"a": null}]') == "kept"


def test_what_is_no_json_is_absent(bench: MakeBench) -> None:
    """A body that is no JSON has no `json`, on neither side."""
    show = bench({"holds": "!has(response.json) && !has(response.embedded) && !has(request.json)"})

    assert show(operation="makeThing", raw=b"<html>", request=b"{") == "kept"


def test_json_of_a_request_is_seen(bench: MakeBench) -> None:
    """A request's body is decoded as well, whatever becomes of it."""
    show = bench({"holds": "request.json.id == response.json && request.valid"})

    assert show("t-1", operation="makeThing", request=b'{"id": "t-1"}', status=201) == "kept"


@pytest.mark.parametrize("status", [401, 402, 403, 429])
def test_trouble_of_our_own_is_never_judged(bench: MakeBench, status: int) -> None:
    """An answer about our account says nothing about what was asked."""
    show = bench({"operations": GET, "holds": "false"})

    assert show(status=status) == "-"
    assert show(status=status, role="answer-429") == "broken"


def test_claims_are_judged_for_their_operations_alone(bench: MakeBench) -> None:
    """A claim of the whole API speaks about every operation, others about those that they name."""
    show = bench({"holds": "true"}, {"operations": GET, "holds": "false"})

    assert show(operation="makeThing") == "kept"
    assert show() == "kept broken"


def test_a_violation_shows_expression_and_answer(bench: MakeBench) -> None:
    """What should hold, and what came instead."""
    judged = bench({"operations": GET, "level": "inference", "holds": "response.json.id == 1"})
    facts = judged.facts({"id": 2})

    (outcome,) = judged.judge.judge(facts)

    violation = outcome.violation
    assert violation is not None
    assert (violation.claim, violation.level, violation.kind) == ("claim-0", Level.INFERENCE, "claim")
    assert (violation.message, violation.expected) == ("Not so: It is so.", "response.json.id == 1")
    assert violation.found == "response.json.id = 2"
    assert violation.exchange is facts.exchange


def test_a_missing_name_is_part_of_what_was_found(bench: MakeBench) -> None:
    """A claim that is broken for want of a field says which."""
    show = bench({"operations": GET, "holds": "response.json.size > 1"})

    assert show.show({}) == ['response.json.size is absent (NOT_FOUND: Key not found in map : "size")']


def test_an_expression_that_reads_nothing_shows_the_answer(bench: MakeBench) -> None:
    """Where there is no value to show, status and body stand for them."""
    show = bench({"operations": GET, "holds": "false"})

    assert show.show({"id": 2}) == ['status 200, {"id": 2}']
    assert show.show(raw=b"<html>") == ["status 200, no JSON"]


def test_expressions_that_do_not_compile_are_listed(bench: MakeBench) -> None:
    """Every expression of every form is looked at, and each that is wrong is told with the reason."""
    side = {"operation": "getThing", "when": "6 +", "key": "7 +", "value": "8 +", "each": "9 +"}
    show = bench({"scenario": True})
    claims = bench(
        {"when": "1 +", "holds": "2 +"},
        {"series": {"key": "3 +", "value": "4 +", "each": "5 +", "constant": True}},
        {"observe": [side]},
    )

    found = [(claim.id, text) for claim, text, why in check_expressions(claims.api) if "Syntax error" in why]

    assert list(check_expressions(show.api)) == []
    assert found == [
        (f"claim-{number}", f"{text} +") for number, texts in enumerate(["12", "345", "6789"]) for text in texts
    ]


@pytest.mark.parametrize(
    "value",
    [[0, 1, 2, 3], {"a": [0, 1, 2, 3]}, [[], {"b": {"c": [0, 1, 2, 3]}}]],
)
def test_a_long_list_is_noticed_wherever_it_is(value: object) -> None:
    """What CEL makes of a list takes the square of its length in time, so that longer ones are left alone."""
    assert has_longer_list(value, 3)
    assert not has_longer_list(value, 4)
