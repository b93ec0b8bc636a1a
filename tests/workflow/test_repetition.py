"""Regular expressions that would take all memory to compile are refused without being compiled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.workflow.names import Mistake
from specwatch.workflow.patterns import JsonPath, Pattern
from specwatch.workflow.repetition import MAX_LENGTH, check_pattern, repetitions

HUGE = [
    "((a{1000}){1000}){1000}",
    "a{10001}",
    "a{99999999999999999999}",
    "a{0000000000000000099999}",
    "(?:a{200}){,200}",
    "(?:a{200}){2,200}",
    "(?<name>a{200}){200,}",
    "(a{10}b{10}){600}",
    "a{100}{100}{100}",
    "(a{1000}[)]){1000}",
    r"(a{1000}\)){1000}",
    "(?x)(a{1000} #)\n ){1000}",
    "(?x)a{1000} {1000}",
    "(a{1000})(?#){1000}",
    "(?V1)([[a]b]{1000}){1000}",
]


@pytest.mark.parametrize("text", HUGE)
def test_what_repeats_too_much_is_refused(text: str) -> None:
    """Counts that are nested multiply, however the groups are written."""
    with pytest.raises(Mistake, match="repeats too much"):
        Pattern(text)


@pytest.mark.parametrize(
    "text",
    [
        "^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        r"^\d{4}-\d{2}-\d{2}T",
        "a{10000}",
        "(?:a{100}){100}",
        "[(]{5}a{3}",
        r"\({1000}a{1000}b{1000}",
        "(a+)*b{2,}",
        "{a}{1000}",
    ],
)
def test_what_is_usual_is_compiled(text: str) -> None:
    """Counts beside each other add up, and a bracket that is a character opens nothing."""
    assert Pattern(text).text == text


def test_a_long_pattern_is_refused() -> None:
    """A thousand characters are enough for a pattern."""
    Pattern("a" * MAX_LENGTH)
    with pytest.raises(Mistake, match="a regular expression of 1,001 characters"):
        Pattern("a" * (MAX_LENGTH + 1))


@pytest.mark.parametrize("function", ["match", "search"])
def test_a_constant_pattern_in_a_path_is_bounded(function: str) -> None:
    """Functions of JSONPath take patterns, too; a constant one is looked at when the path is read."""
    with pytest.raises(Mistake, match="repeats too much"):
        JsonPath(f"$[?{function}(@.a, '((a{{1000}}){{1000}}){{1000}}')]")


def test_a_pattern_from_the_data_is_bounded() -> None:
    """One that is no constant is bounded when it is there: it matches nothing."""
    path = JsonPath("$.items[?match(@, $.pattern)]")

    assert path.find({"items": ["a"], "pattern": "((a{1000}){1000}){1000}"}) == []
    assert path.find({"items": ["a"], "pattern": "a{1}"}) == ["a"]


@given(st.lists(st.integers(1, 9), max_size=6))
def test_nested_counts_multiply(counts: list[int]) -> None:
    """A part in groups that are counted comes as often as the product of the counts."""
    text, product = "a", 1
    for count in counts:
        text, product = f"(?:{text}){{{count}}}", product * count

    assert repetitions(text) == product


@given(st.text(alphabet="()[]{}\\?#:,19ax^ ", max_size=40))
def test_any_text_is_told_apart(text: str) -> None:
    """Whatever stands in a pattern, it is bounded or refused, and nothing else happens."""
    assert repetitions(text) >= 0
    try:
        check_pattern(text)
    except Mistake as mistake:
        assert "repeats too much" in mistake.found  # noqa: PT017 - not every text is refused
