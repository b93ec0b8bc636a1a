"""Examples that show what a value is like and say nothing about whom it belongs to.

What is known to be harmless stays, everything else becomes a placeholder of the same type and format: words in small
letters or capitals, as constants are written, small numbers, booleans. So nothing has to be recognised as a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Final

import jsonschema_rs

MAX_KEYS: Final = 20
MAX_DEPTH: Final = 5
LONGEST_WORD: Final = 40

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2000-01-01T00:00:00Z",
    "date": "2000-01-01",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
"""What stands for a string of a format; the addresses are those reserved for examples (RFC 2606, 5737, 3849)."""

_LOOKS: Final = {
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "email": re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.-]{3,255}"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]{1,15}://\S{1,4000}"),
    "ipv4": re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
    "ipv6": re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"),
}

_WORD: Final = re.compile(r"[A-Za-z]+(?:[_./-][A-Za-z]+)*")
_NAME: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.$@:/-]{0,63}")
_CODE: Final = re.compile(r"[A-Za-z0-9]+(?:[_.:/-][A-Za-z0-9]+)*")
_FIGURE: Final = re.compile(r"\d{1,4}")
_HUMP: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NAMES: Final = """
account address auth author authorization birth birthday birthdate card city client company contact cookie credential
credentials customer email fax first firstname holder host iban id ids ip key last lastname lat latitude lng lon login
longitude mail member mobile name nick nickname owner passport password person phone postcode secret session signature
ssn street surname tax tel telephone tenant token user username zip
"""
_PERSONAL: Final = frozenset(_NAMES.split())
"""Parts of the names of fields whose values are about somebody."""

_LONG_NUMBER: Final = 10**8
_MANY_DIGITS: Final = 6


def placeholder(value: object, name: str = "", hidden: Collection[str] = (), depth: int = 0) -> object:
    """A value of the same types and formats, without secrets and without anything personal.

    Args:
        value: a JSON value.
        name: of the field that holds it.
        hidden: strings that must not be shown whatever they look like, such as identifiers of the account.
        depth: how deep it lies.
    """
    if isinstance(value, str):
        return _string(value, name, hidden)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value, name)
    if isinstance(value, list):
        return [placeholder(item, name, hidden, depth + 1) for item in value[:1]] if depth < MAX_DEPTH else []
    if isinstance(value, Mapping) and depth < MAX_DEPTH and all(map(is_name, value)):
        shown = list(value.items())[:MAX_KEYS]
        return {key: placeholder(item, key, hidden, depth + 1) for key, item in shown}
    return {}


def format_of(text: str) -> str:
    """The format of JSON Schema that a string has, or an empty text."""
    for name, looks in _LOOKS.items():
        if looks.fullmatch(text) and _checker(name)(text):
            return name
    return ""


def is_word(text: str) -> bool:
    """Whether a text is written like a constant: letters of ASCII, joined by `_`, `-`, `.` or `/`."""
    return len(text) <= LONGEST_WORD and _WORD.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Whether a text is written like an error code, and not like something that is made up anew for every answer."""
    digits = sum(char.isdigit() for char in text)
    return len(text) <= LONGEST_WORD and _CODE.fullmatch(text) is not None and digits < _MANY_DIGITS


def is_name(text: str) -> bool:
    """Whether a text is written like the name of a field, and not like a value that serves as a key."""
    if _NAME.fullmatch(text) is None or "@" in text[1:]:
        return False
    return sum(char.isdigit() for char in text) < _MANY_DIGITS


def is_personal(name: str) -> bool:
    """Whether the name of a field says that its value is about somebody, or a secret."""
    return any(part.lower() in _PERSONAL for part in _HUMP.findall(name))


def _string(text: str, name: str, hidden: Collection[str]) -> str:
    if found := format_of(text):
        return PLACEHOLDERS[found]
    constant = (is_word(text) and (text[0].islower() or text.isupper())) or _FIGURE.fullmatch(text) is not None
    return text if constant and not is_personal(name) and not any(each in text for each in hidden) else "string"


def _number(value: float, name: str) -> float:
    """Numbers stay unless they are as long as those of phones, cards and accounts."""
    return type(value)(0) if abs(value) >= _LONG_NUMBER or value != value or is_personal(name) else value  # noqa: PLR0124 - NaN


@cache
def _checker(name: str) -> Callable[[object], bool]:
    """Whether a value has a format, as the judge of answers sees it."""
    return jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid
