"""How long a server asks to be left alone."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specwatch.transport.retry_after import LONGEST_SECONDS, parse_retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("inf", LONGEST_SECONDS),
        ("999999999999", LONGEST_SECONDS),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_SECONDS),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
    ],
)
def test_a_wait_is_read(value: str | None, seconds: float | None) -> None:
    """A number of seconds or a date; what makes no sense counts as not said, and no wait exceeds a day."""
    assert parse_retry_after(value, NOW) == seconds


ANYTHING = (
    st.text()
    | st.floats().map(str)
    | st.integers().map(str)
    | st.datetimes().map(lambda moment: f"{moment:%a, %d %b} {moment.year:04d} {moment:%H:%M:%S} GMT")
)


@given(value=ANYTHING, now=st.floats(min_value=0, max_value=1e11))
@example("Mon, 00 Jan 0000 00:00:00 +9999", 0.0)
def test_no_wait_is_absurd(value: str, now: float) -> None:
    """Whatever a server sends: never below zero, never over a day, never an error."""
    seconds = parse_retry_after(value, now)

    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS
