"""What makes two findings the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.values import Level, Violation

VIOLATION = Violation(
    api="tiny",
    claim="getThing/200",
    level=Level.PROMISE,
    operation="getThing",
    kind="schema",
    message="The size is a text.",
    expected="type integer",
    found='"big"',
    where="/size",
)


@given(message=st.text(), expected=st.text(), found=st.text(), level=st.sampled_from(Level))
def test_identity_ignores_the_wording(message: str, expected: str, found: str, level: Level) -> None:
    """The same finding has the same id in every run, whatever values showed it."""
    other = replace(VIOLATION, message=message, expected=expected, found=found, level=level)

    assert (other.identity, other.id) == (VIOLATION.identity, VIOLATION.id)


@pytest.mark.parametrize("field", ["api", "claim", "operation", "kind", "where"])
def test_identity_tells_findings_apart(field: str) -> None:
    """Another API, claim, operation, kind or place is another finding."""
    other = replace(VIOLATION, **{field: "other"})  # type: ignore[arg-type]

    assert other.identity != VIOLATION.identity
    assert other.id != VIOLATION.id


def test_id_is_pinned() -> None:
    """Reports of different versions can be compared, so the id must not change."""
    assert VIOLATION.id == "4f4eb46ec1"
