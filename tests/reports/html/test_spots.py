"""What a violation is about is found in its exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from specwatch.reports.html.spots import Spots, spots
from specwatch.spec import Api
from specwatch.values import Claim, Holds, Observe, Series, Violation
from specwatch.values.claim import Form, Rule, Side

Make = Callable[..., Violation]


def of(violation: Violation, form: Form | None, api: Api) -> Spots:
    """The spots of a violation of a claim of that form."""
    claim: Claim | None = replace(api.claim("id-echoed"), form=form) if form is not None else None
    return spots(violation, claim, api)


@pytest.mark.parametrize("kind", ["status", "survives", "credentials", "rejects"])
def test_a_wrong_status_is_marked_itself(kind: str, make_violation: Make, api: Api) -> None:
    """With what was expected beside it."""
    found = of(make_violation(kind=kind, expected="a refusal"), None, api)
    assert found.status == "expected a refusal"
    assert bool(found.credentials) == (kind == "credentials")
    assert bool(found.url) == (kind == "rejects")


def test_media_type_time_and_json_are_marked(make_violation: Make, api: Api) -> None:
    """The header, the time, and where a parser stops."""
    assert of(make_violation(kind="media-type", expected="a/b"), None, api).headers == {"content-type": "expected a/b"}
    assert of(make_violation(kind="time", expected="at most 2 s"), None, api).time == "expected at most 2 s"
    assert of(make_violation(kind="json"), None, api).answer.broken


def test_a_pointer_is_followed(make_violation: Make, api: Api) -> None:
    """Into the body, or into what a string in it holds; a code stands where the spec says."""
    assert of(make_violation(kind="schema", where="/a/0"), None, api).answer.pointers == ("/a/0",)
    assert of(make_violation(kind="embedded", where="/a"), None, api).answer.embedded == ("/a",)
    assert of(make_violation(kind="embedded", where="line 1: nothing"), None, api).answer.broken
    assert of(make_violation(kind="code", where="401 x"), None, api).answer.pointers == ("/error/code",)


def test_an_expression_names_its_places(make_violation: Make, api: Api) -> None:
    """The values that were read, in the answer and in the request."""
    form = Holds('response.json.a == request.json.b && response.headers["X-A"] == "1"')
    found = of(make_violation(found='response.json.a["b/c"][0] = 1; request.json.b = 2'), form, api)
    assert found.answer.pointers == ("/a/b~1c/0",)
    assert found.question.pointers == ("/b",)
    twice = 'response.json.items[0].id = "a"; response.json.items[2].id = "a"'
    assert of(make_violation(found=twice), form, api).answer.pointers == ("/items/0/id", "/items/2/id")
    whole = of(make_violation(found="no JSON"), form, api)
    assert (whole.answer.pointers, whole.headers) == (("/a",), {"x-a": "look here"})


def test_a_series_is_about_the_value_that_it_compares(make_violation: Make, api: Api) -> None:
    """Not about its key; a list is pointed at as a whole."""
    series = Series("request.path.id", "response.json.state", Rule.CONSTANT)
    assert of(make_violation(kind="series"), series, api).answer.pointers == ("/state",)
    listed = Series("item.id", "item.state", Rule.CONSTANT, each="response.json.items")
    assert of(make_violation(kind="series"), listed, api).answer.pointers == ("/items",)
    sides = (Side("getParcel", "1", "response.json.count"), Side("dropParcel", "1", "response.json.size"))
    assert of(make_violation(kind="agreement"), Observe(sides), api).answer.pointers == ("/count",)


def test_a_scenario_that_speaks_of_a_status_points_at_it(make_violation: Make, api: Api) -> None:
    """Its texts are words, so only that can be told."""
    assert of(make_violation(kind="scenario", found="status 200"), None, api).status == "look here"
    nothing = of(make_violation(kind="scenario", found="nothing"), None, api)
    assert (nothing.status, nothing.headers, nothing.answer.pointers) == ("", {}, ())
