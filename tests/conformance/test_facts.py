"""What an exchange says about its request."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.conformance import MISSING, Facts, judge

Make = Callable[..., Facts]


@pytest.mark.parametrize(
    "request_, valid",
    [
        ({}, True),
        ({"query": {"size": "1"}}, True),
        ({"query": {"size": "+1"}}, True),
        ({"query": {"size": "1.0"}}, True),
        ({"query": {"other": "x"}}, True),
        ({"query": {"size": "0"}}, False),
        ({"query": {"size": "1.5"}}, False),
        ({"query": {"size": "one"}}, False),
        ({"query": {"size": "1_0"}}, False),
        ({"query": {"size": "\u0661"}}, False),
        ({"query": {"size": " 1"}}, False),
        ({"query": {"size": "nan"}}, False),
        ({"query": {"size": "1e999"}}, False),
        ({"query": {"size": "9" * 5000}}, False),
        ({"path": {}}, False),
        ({"headers": {"x-exact": "true"}}, True),
        ({"headers": {"X-EXACT": "yes"}}, False),
        ({"operation": "makeThing", "request": b'{"id": 1}'}, True),
        ({"operation": "makeThing", "request": b'{"id": 1}', "request_type": "Application/JSON; charset=utf-8"}, True),
        ({"operation": "makeThing", "request": b""}, False),
        ({"operation": "makeThing", "request": b"{}"}, False),
        ({"operation": "makeThing", "request": b"{"}, False),
        ({"operation": "makeThing", "request": b'{"id": 1}', "request_type": "text/plain"}, False),
    ],
)
def test_a_request_satisfies_the_spec_or_not(facts: Make, request_: dict[str, Any], valid: bool) -> None:  # noqa: FBT001
    """Parameters are read as the numbers and booleans of JSON, bodies by their media type."""
    assert facts(**request_).request_valid is valid


@pytest.mark.parametrize("body, value", [(b"", MISSING), (b"x", MISSING), (b"null", None), (b"[1]", [1])])
def test_null_is_not_missing(facts: Make, body: bytes, value: object) -> None:
    """A body that says null says something."""
    made = facts(raw=body)

    assert made.response_json is value or made.response_json == value
    assert (made.response_json is MISSING) == (value is MISSING)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    operation=st.sampled_from(["getThing", "getArchive", "makeThing", "countThings"]),
    status=st.integers(100, 599),
    raw=st.binary(max_size=30)
    | st.sampled_from([b'{"id": NaN}', b'"\\ud800"', b'{"\\ud800": 1}', b"1e999", b'"[1e999]"']),
    media_type=st.none() | st.text(max_size=20) | st.sampled_from(["application/json", "text/plain", ";", "/"]),
    role=st.sampled_from(["account", "absent", "expired"]),
    identifier=st.text(max_size=5),
)
def test_no_answer_crashes_the_judge(
    facts: Make, operation: str, status: int, raw: bytes, media_type: str | None, role: str, identifier: str
) -> None:
    """Whatever comes, there is a judgement, and every violation names a claim of the spec."""
    made = facts(operation, status=status, raw=raw, media_type=media_type, roles={"key": role}, path={"id": identifier})

    for violation in judge(made).violations:
        assert made.api.claim(violation.claim).level is violation.level
