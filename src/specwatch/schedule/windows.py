"""Maintenance windows as they are written in a schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from specwatch.errors import Problem
from specwatch.schedule.model import MINUTES_A_DAY, Span, Weekly, Window
from specwatch.spec.schema import as_text

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_UNQUOTED: Final = range(600, MINUTES_A_DAY + 1)
"""What YAML 1.1 makes of 10:00 to 24:00 without quotes: a number in base 60, which is minutes after midnight."""

_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


class WrongWindow(Exception):  # noqa: N818 - carries what is wrong, and is always caught
    """A window that cannot be.

    Args:
        key: the key of the window that is at fault.
        problem: what is wrong; its place is left to the caller.
    """

    def __init__(self, key: str, found: str, expected: str, mend: str = "") -> None:
        self.key = key
        self.problem = Problem("", found, expected, mend)
        super().__init__(found)


def read_window(raw: Mapping[str, Any]) -> Window:
    """A window from its mapping, which has the form that the schema asks for.

    Raises:
        WrongWindow: it cannot be.
    """
    if "days" in raw and "zone" in raw:
        return _weekly(raw)
    for there, missing in (("days", "zone"), ("zone", "days")):
        if there in raw:
            expected = f"{missing} beside {there}: a weekly window has both, one that happens once has neither"
            raise WrongWindow(there, f"has {there} and no {missing}", expected)
    begin, end = _moment(raw, "from"), _moment(raw, "to")
    if end <= begin:
        expected = f"a moment after {raw['from']}"
        raise WrongWindow("to", f"to is {raw['to']}, which is not after from", expected)
    return Span(begin, end, str(raw.get("text", "")))


def _weekly(raw: Mapping[str, Any]) -> Weekly:
    begin, end = _minutes(raw, "from"), _minutes(raw, "to")
    if begin == end:
        expected = 'another time than from; a whole day is from "00:00" to "24:00"'
        raise WrongWindow("to", "to is the same as from", expected)
    if begin == MINUTES_A_DAY:
        raise WrongWindow("from", "from is 24:00", '"00:00", with the days after those')
    days = frozenset(DAYS.index(day) for day in raw["days"])
    return Weekly(days, begin, end, _zone(raw["zone"]), str(raw.get("text", "")))


def _moment(raw: Mapping[str, Any], key: str) -> float:
    expected = "an ISO 8601 moment with its zone, such as 2026-11-22T22:00:00Z"
    try:
        moment = datetime.fromisoformat(raw[key])
    except (TypeError, ValueError):
        mend = "for a weekly window, add days and zone" if _is_time_of_day(raw[key]) else ""
        raise WrongWindow(key, f"{key} is {as_text(raw[key])}", expected, mend) from None
    if moment.tzinfo is None:
        raise WrongWindow(
            key, f"{key} is {raw[key]}, without a zone", expected, "add Z for UTC, or an offset such as +01:00"
        )
    try:
        return moment.timestamp()
    except OverflowError:
        raise WrongWindow(key, f"{key} is {raw[key]}", expected) from None


def _is_time_of_day(value: object) -> bool:
    return value in _UNQUOTED if isinstance(value, int) else bool(_TIME_OF_DAY.fullmatch(str(value)))


def _minutes(raw: Mapping[str, Any], key: str) -> int:
    value = raw[key]
    if not _is_time_of_day(value):
        expected = 'a time of day from "00:00" to "24:00", since the window is a weekly one'
        raise WrongWindow(key, f"{key} is {as_text(value)}", expected)
    if isinstance(value, int):
        return value
    hours, _, minutes = str(value).partition(":")
    return int(hours) * 60 + int(minutes)


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # known without the data of all zones, which a small machine may lack
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone, a folder of zones, or no relative path
        expected = "the IANA name of a zone, such as Europe/Berlin or UTC"
        mend = "if the name is right, install the zones: the system's tzdata, or the package tzdata"
        raise WrongWindow("zone", f"zone is {name!r}, which this machine does not know", expected, mend) from None
