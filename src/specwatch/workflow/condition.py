"""Simple conditions (Arazzo, "Criterion Object": literals, operators), parsed once and compiled to functions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from specwatch.conformance.strictjson import MISSING
from specwatch.workflow.expression import compile_expression
from specwatch.workflow.names import Mistake, Names
from specwatch.workflow.scope import Expression, Read, Scope

UNKNOWN: Final = object()
"""What a part of a condition is worth that does not follow from the status alone."""

AtStatus = Callable[[int], object]
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<expression>\$[A-Za-z]+(?:\.[A-Za-z0-9_-]+)*(?:\#(?:/[^\s/()<>=!&|\[\]]*)*)?)(?P<suffix>(?:\[[0-9]+\]|\.[A-Za-z0-9_-]+)*)
    |(?P<number>-?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?)(?![A-Za-z0-9_.])
    |'(?P<string>(?:[^']|'')*)'
    |"(?P<double>[^"]*)"
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator><=|>=|==|!=|&&|\|\||[<>!()])
    )""",
    re.VERBOSE,
)
KINDS: Final = ("expression", "number", "string", "double", "word", "operator")
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?\s*")
_WORDS: Final = {"true": True, "false": False, "null": None}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition.

    Args:
        read: its value in a scope.
        at: its value if all that is known is the status, or `UNKNOWN`.
        names: the expressions in it.
    """

    read: Read
    at: AtStatus
    names: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    suffix: str = ""


def compile_condition(text: str, names: Names) -> Node:
    """A simple condition.

    Raises:
        Mistake: it cannot be read.
    """
    return _Parser(text, names).parse()


class _Parser:
    """Reads a condition by recursive descent: `||` binds least, then `&&`, comparison, `!`."""

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self.names = names
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def parse(self) -> Node:
        node = self.either()
        if self.at < len(self.tokens):
            raise self.mistake(f"{self.tokens[self.at].text!r} is not expected there")
        return node

    def mistake(self, found: str) -> Mistake:
        return Mistake(f"condition {self.text!r}: {found}", "such as $statusCode == 200 && $response.body#/id != null")

    def take(self, *operators: str) -> str:
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == "operator" and token.text in operators:
                self.at += 1
                return token.text
        return ""

    def either(self) -> Node:
        node = self.both()
        while self.take("||"):
            node = _or(node, self.both())
        return node

    def both(self) -> Node:
        node = self.comparison()
        while self.take("&&"):
            node = _and(node, self.comparison())
        return node

    def comparison(self) -> Node:
        node = self.unary()
        if sign := self.take("==", "!=", "<", "<=", ">", ">="):
            node = _compared(sign, node, self.unary())
            if again := self.take("==", "!=", "<", "<=", ">", ">="):
                raise self.mistake(f"a second comparison {again!r} follows the first")
        return node

    def unary(self) -> Node:
        if self.take("!"):
            self.deeper()
            inner = self.unary()
            self.depth -= 1
            return Node(lambda scope: not truth(inner.read(scope)), lambda s: _not(inner.at(s)), inner.names)
        if self.take("("):
            self.deeper()
            node = self.either()
            self.depth -= 1
            if not self.take(")"):
                raise self.mistake("a bracket is not closed")
            return node
        return self.operand()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.mistake(f"it is nested more than {_DEEPEST} deep")

    def operand(self) -> Node:
        if self.at >= len(self.tokens):
            raise self.mistake("it ends where a value is expected")
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "expression":
            return _expression(compile_expression(token.text, self.names, token.suffix))
        if token.kind == "string":
            return _constant(token.text.replace("''", "'"))
        if token.kind == "double":  # the specification knows single quotes only; other runners take both
            return _constant(token.text)
        if token.kind == "number":
            return _constant(_to_number(token.text))
        if token.kind == "word" and token.text in _WORDS:
            return _constant(_WORDS[token.text])
        if token.kind == "word":
            raise Mistake(
                f"condition {self.text!r}: the word {token.text}", "a literal or an expression",
                f"a string stands in single quotes: '{token.text}'",
            )  # fmt: skip
        raise self.mistake(f"{token.text!r} where a value is expected")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise Mistake(
                f"condition {text!r}: {text[at:].strip()!r} cannot be read", "literals, operators, expressions"
            )
        kind = next(name for name in KINDS if match[name] is not None)
        tokens.append(_Token(kind, match[kind], match["suffix"] or ""))
        at = match.end()
    return tokens


def _expression(expression: Expression) -> Node:
    at: AtStatus = (lambda status: status) if expression.root == "statusCode" else (lambda _: UNKNOWN)
    return Node(expression.read, at, (expression,))


def _constant(value: object) -> Node:
    return Node(lambda _: value, lambda _: value)


def _or(left: Node, right: Node) -> Node:
    def at(status: int) -> object:
        sides = (_known(left.at(status)), _known(right.at(status)))
        return True if True in sides else (UNKNOWN if UNKNOWN in sides else False)

    names = left.names + right.names
    return Node(lambda scope: truth(left.read(scope)) or truth(right.read(scope)), at, names)


def _and(left: Node, right: Node) -> Node:
    def at(status: int) -> object:
        sides = (_known(left.at(status)), _known(right.at(status)))
        return False if False in sides else (UNKNOWN if UNKNOWN in sides else True)

    names = left.names + right.names
    return Node(lambda scope: truth(left.read(scope)) and truth(right.read(scope)), at, names)


def _compared(sign: str, left: Node, right: Node) -> Node:
    def read(scope: Scope) -> object:
        return compare(sign, left.read(scope), right.read(scope))

    def at(status: int) -> object:
        sides = (left.at(status), right.at(status))
        return UNKNOWN if UNKNOWN in sides else compare(sign, *sides)

    return Node(read, at, left.names + right.names)


def _known(value: object) -> object:
    return value if value is UNKNOWN else truth(value)


def _not(value: object) -> object:
    return value if value is UNKNOWN else not truth(value)


def truth(value: object) -> bool:
    """Whether a value counts as a pass: nothing, null, false, 0 and an empty text do not."""
    return value is not MISSING and (isinstance(value, list | dict) or bool(value))


def compare(sign: str, left: object, right: object) -> bool:
    """Compare two values loosely.

    Texts are compared without regard to case; a text that is a number is one beside a number, and where order is
    asked for; null equals null and what is not there, and has no order (Arazzo 1.1.0, "Condition Evaluation").
    """
    if sign == "==":
        return _equal(left, right)
    if sign == "!=":
        return not _equal(left, right)
    sides = _ordered(left, right)
    return sides is not None and _ORDER[sign](*sides)


def _equal(left: object, right: object) -> bool:
    left = None if left is MISSING else left
    right = None if right is MISSING else right
    if isinstance(left, str) and isinstance(right, str):
        return left == right or left.casefold() == right.casefold()
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    left, right = _beside(left, right), _beside(right, left)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and left == right


def _beside(value: object, other: object) -> object:
    """A text as a number where it is one and stands beside a number."""
    if isinstance(value, str) and isinstance(other, int | float) and _NUMBER.fullmatch(value):
        return _to_number(value)
    return value


def _ordered(left: object, right: object) -> tuple[object, object] | None:
    if isinstance(left, str) and isinstance(right, str):
        if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(right):
            return _to_number(left), _to_number(right)
        return left.casefold(), right.casefold()
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    left, right = _beside(left, right), _beside(right, left)
    return (left, right) if isinstance(left, int | float) and isinstance(right, int | float) else None


def _to_number(text: str) -> int | float:
    return float(text) if any(mark in text for mark in ".eE") else int(text)
