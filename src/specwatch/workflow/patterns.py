"""Regular expressions and JSONPath over what a target sent: both are bounded in time and size."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import jsonpath_rfc9535
import regex  # type: ignore[import-untyped]
from iregexp_check import check as is_iregexp
from jsonpath_rfc9535.filter_expressions import StringLiteral
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

from specwatch.workflow.names import Mistake
from specwatch.workflow.repetition import check_pattern

MAX_CHARACTERS: Final = 100_000
"""A text that is longer is not searched with a regular expression."""

MAX_SECONDS: Final = 0.05
"""For how long one search may go back and forth before it is given up."""

MAX_VALUES: Final = 20_000
"""How many values (members, items, scalars) a body may have to be searched with a JSONPath."""

MAX_VALUES_NESTED: Final = 500
"""The same where the path searches again for every value that it meets, which takes the square of it."""


class TooMuch(Exception):  # noqa: N818 - not a defect: the data is not looked at any further
    """The data is too large, or takes too long, to be looked through."""


class Pattern:
    """A regular expression, searched within a bound.

    Args:
        text: in the syntax of Python's `re`.

    Raises:
        Mistake: it is none, or would take too much memory to be compiled.
    """

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        check_pattern(text)
        try:
            self._compiled = regex.compile(text)
        except (regex.error, RecursionError, OverflowError, ValueError) as error:
            raise Mistake(f"{text!r} is no regular expression: {error}", "a regular expression") from error

    def found_in(self, subject: str) -> bool:
        """Whether it matches somewhere in a text.

        Raises:
            TooMuch: the text is too long, or the search goes back and forth for too long.
        """
        return _search(self._compiled.search, subject)


def _search(search: Any, subject: str) -> bool:
    if len(subject) > MAX_CHARACTERS:
        raise TooMuch(f"the text has more than {MAX_CHARACTERS} characters, so it was not searched")
    try:
        return search(subject, timeout=MAX_SECONDS) is not None
    except TimeoutError:
        raise TooMuch(f"the search took longer than {MAX_SECONDS} s, so it was given up") from None


class _Regular(FilterFunction):
    """`match()` and `search()` of RFC 9535, section 2.4.6 and 2.4.7, within the same bound."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's own form
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole

    def __call__(self, subject: object, pattern: object) -> bool:
        if not isinstance(subject, str) or not isinstance(pattern, str):
            return False
        compiled = _iregexp(pattern)
        return compiled is not None and _search(compiled.fullmatch if self.whole else compiled.search, subject)


@lru_cache(maxsize=256)
def _iregexp(pattern: str) -> Any:
    try:
        check_pattern(pattern)
        if not is_iregexp(pattern):
            return None
        return regex.compile(_from_iregexp(pattern))
    except (regex.error, Mistake):
        return None


def _from_iregexp(pattern: str) -> str:
    """The pattern with its dots, outside of brackets, as RFC 9485, section 5.3 has them: no line feed, no return."""
    return _PIECES.sub(lambda piece: r"[^\n\r]" if piece[0] == "." else piece[0], pattern)


class _Environment(jsonpath_rfc9535.JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        self.function_extensions["match"] = _Regular(whole=True)
        self.function_extensions["search"] = _Regular(whole=False)

    def validate_function_extension_signature(self, token: Any, args: list[Any]) -> list[Any]:
        if token.value in {"match", "search"} and len(args) > 1 and isinstance(args[1], StringLiteral):
            check_pattern(args[1].value)
        return super().validate_function_extension_signature(token, args)


_ENVIRONMENT = _Environment()
_PIECES = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*\]|\.", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


class JsonPath:
    """A JSONPath (RFC 9535), looked up within a bound.

    A condition that compares, such as `$.name == 'x'`, is no path in RFC 9535; it is taken for the filter `$[?...]`
    of it, as other runners do.

    Raises:
        Mistake: it is none, or a pattern in it would take too much memory to be compiled.
    """

    __slots__ = ("_limit", "_query", "text")

    def __init__(self, text: str, *, comparison: bool = False) -> None:
        self.text = text
        self._query = _compile(text, comparison=comparison)
        self._limit = MAX_VALUES_NESTED if _searches_again(str(self._query)) else MAX_VALUES

    def find(self, value: Any) -> list[object]:
        """The values that it selects.

        Raises:
            TooMuch: the value is too large or nested too deeply, or a search in it takes too long.
        """
        if _is_larger(value, self._limit):
            raise TooMuch(f"the JSON has more than {self._limit} values, so it was not searched")
        try:
            return [node.value for node in self._query.finditer(value)]
        except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
            raise TooMuch(f"the JSON could not be searched: {error}") from None


def _searches_again(path: str) -> bool:
    """Whether a path looks through the data again for what it meets: in a filter, or by a second descent."""
    bare = _QUOTED.sub("''", path)
    inside = bare.partition("?")[2]
    return bare.count("..") > 1 or any(mark in inside for mark in ("..", "*", ":", "?"))


def _compile(text: str, *, comparison: bool) -> jsonpath_rfc9535.JSONPathQuery:
    try:
        return _ENVIRONMENT.compile(text)
    except (jsonpath_rfc9535.JSONPathError, RecursionError, ValueError) as error:
        if comparison and text.lstrip().startswith("$") and "@" not in text:
            try:
                return _ENVIRONMENT.compile(f"$[?{text.strip()}]")
            except (jsonpath_rfc9535.JSONPathError, RecursionError, ValueError):
                pass
        raise Mistake(f"{text!r} is no JSONPath: {error}", "a JSONPath of RFC 9535") from error


def _is_larger(value: object, limit: int) -> bool:
    pending = [value]
    count = 0
    while pending:
        node = pending.pop()
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        count += len(children)
        if count > limit:
            return True
        pending += [child for child in children if isinstance(child, dict | list)]
    return False
