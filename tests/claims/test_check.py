"""Expressions that cannot be meant are found before anything is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from specwatch.claims import check_expressions
from specwatch.spec import Api
from specwatch.values import Claim, Holds, Level


def api(when: str, holds: str) -> Api:
    """An API with one claim."""
    claim = Claim("toy", "one", Level.PROMISE, "A text.", "A page", Holds(holds), frozenset({"get"}), when)
    return cast("Api", SimpleNamespace(claims=(claim,)))


@pytest.mark.parametrize(
    "holds, why",
    [
        ("response.json.count + 1", "is a value of type INT, where true or false is needed"),
        (
            "response.statsu == 200",
            "response has no field statsu, only bytes, embedded, headers, json, seconds, status",
        ),
        ("response.json.count ==", "Syntax error"),
        ("answer.status == 200", "undeclared reference"),
    ],
)
def test_a_slip_is_told(holds: str, why: str) -> None:
    """A type that is no boolean, a field that does not exist, or no CEL at all."""
    ((claim, text, reason),) = check_expressions(api("true", holds))

    assert (claim.id, text) == ("one", holds)
    assert why in reason


def test_conditions_are_looked_at_too() -> None:
    """A slip in `when` would silently keep a claim from ever applying."""
    ((_, text, _),) = check_expressions(api("request.jsn.id == 1", "true"))

    assert text == "request.jsn.id == 1"


def test_what_is_meant_passes() -> None:
    """Dynamic values may turn out to be booleans; names inside texts are no fields."""
    good = api("response.json.ok", "response.json.text == 'response.statsu' && known.task == request.path.id")

    assert list(check_expressions(good)) == []
