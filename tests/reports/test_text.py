"""Text that comes from anywhere is made harmless, and figures are said the same way everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.text import count, decoded, printable, shortened, timestamp


@given(st.text(st.characters(codec=None)))
def test_printable_text_steers_no_terminal(text: str) -> None:
    """Whatever it was, it is one line without control characters and without half characters."""
    harmless = printable(text)

    assert harmless.isprintable()
    harmless.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_printable_text_stays(text: str) -> None:
    """Letters, digits and signs of any language are left alone."""
    assert printable(text) == text


@pytest.mark.parametrize(
    "text, shown",
    [("\x1b[31m", "\\x1b[31m"), ("a\r\nb\tc", "a  b c"), ("\u202eabc", "\\u202eabc"), ("\ud800", "\\ud800")],
)
def test_what_cannot_be_shown_is_written_out(text: str, shown: str) -> None:
    """White space becomes a space, everything else an escape, so that nothing disappears unseen."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    "number, noun, words",
    [(0, "claim", "0 claims"), (1, "claim", "1 claim"), (1000, "entry", "1,000 entries")],
)
def test_counting(number: int, noun: str, words: str) -> None:
    """One is singular, all else plural."""
    assert count(number, noun) == words


def test_shortened_text_says_that_it_is() -> None:
    """A cut ends in a mark, and what fits is left alone."""
    assert (shortened("abcd", 4), shortened("abcde", 4)) == ("abcd", "abc…")


def test_bodies_are_text_where_they_can_be() -> None:
    """UTF-8 stays text, everything else becomes base64."""
    assert (decoded("ö".encode()), decoded(b"\xff")) == (("ö", "utf-8"), ("/w==", "base64"))


def test_times_are_rfc_3339_in_utc() -> None:
    """Milliseconds and a Z."""
    assert timestamp(0.5) == "1970-01-01T00:00:00.500Z"
