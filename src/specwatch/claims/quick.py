"""`matches` without compiling its pattern for every value, which takes CEL's binding 30 µs each time.

Before an expression is evaluated, the texts that it may ask about are matched by `jsonschema_rs`, in linear time, and
the results are handed to it as a variable. That is done for patterns that mean the same to that engine and to RE2,
which CEL prescribes; all others are left to CEL. (A function of ours could be called instead, but the binding never
gives up the arguments of such calls: cel-expr-python 0.1.3.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import jsonschema_rs

from specwatch.claims.pieces import PIECE

MATCHED: Final = "matched_quickly"
"""The variable with the results: a map from number of the pattern and text to whether it matches."""

_CLASS = r"\[\^?(?:[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9 _.:;,@%+/=]|\\d|\\w)+-?\]"
_ATOM = rf"""[A-Za-z0-9 _:;,=!@%'"/-]|\\[.+*?()\[\]{{}}|^$/\\]|\\d|\\w|{_CLASS}|\."""
_ADMITTED: Final = re.compile(
    rf"(?:\((?:\?:)?|\||\^|\$|(?:{_ATOM})(?:[*+?]|\{{[0-9]{{1,2}}(?:,[0-9]{{0,2}})?\}})?|\)[*+?]?)*", re.ASCII
)
_UNCERTAIN: Final = re.compile(r"\\[\"']")
"""A quote that ends a text only in some kinds of texts."""

_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_NAME: Final = re.compile(r"[a-zA-Z_]\w*", re.ASCII)
_DOUBLED: Final = re.compile(r"(?:[^\\]|\\\\)*")
_SHORTHANDS: Final = {"\\d": "0-9", "\\w": "0-9A-Za-z_"}


class Patterns:
    """The patterns of some expressions, and the fields whose texts are matched with them."""

    def __init__(self) -> None:
        self._engines: list[jsonschema_rs.Draft202012Validator] = []
        self._numbers: dict[str, int] = {}
        self._names: set[str] = set()

    def rewrite(self, text: str) -> str:
        """The expression with each `path.to.name.matches("pattern")` replaced by a look into the results.

        Where there is no result, since the value is no text or not one of the exchange, the look is an error.
        """
        if _UNCERTAIN.search(text):
            return text
        pieces = PIECE.findall(text)
        for at in range(len(pieces) - 4):
            dot, name, opening, literal, closing = pieces[at : at + 5]
            if (dot, name, opening, closing) == (".", "matches", "(", ")"):
                receiver = _receiver(pieces[:at])
                number = self._number(literal) if receiver is not None else None
                if receiver is not None and number is not None:
                    self._names.add(receiver.name)
                    thing = "".join(pieces[receiver.start : at])
                    pieces[receiver.start : at + 5] = [
                        f"{MATCHED}[{number}][{thing}]",
                        *[""] * (at + 4 - receiver.start),
                    ]
        return "".join(pieces)

    def _number(self, literal: str) -> int | None:
        pattern = _content(literal)
        if pattern is None:
            return None
        if pattern not in self._numbers:
            engine = compiled(pattern)
            if engine is None:
                return None
            self._numbers[pattern] = len(self._engines)
            self._engines.append(engine)
        return self._numbers[pattern]

    def results(self, value: object) -> dict[int, dict[str, bool]]:
        """What the patterns say about all texts in a value that are fields of the names that matter."""
        if not self._engines:
            return {}
        texts: set[str] = set()
        self._collect(value, texts)
        texts |= {text.translate(_LOWER) for text in texts}
        return {number: {text: engine.is_valid(text) for text in texts} for number, engine in enumerate(self._engines)}

    def _collect(self, value: object, texts: set[str]) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                if isinstance(item, str):
                    if name in self._names:
                        texts.add(item)
                elif isinstance(item, (dict, list)):
                    self._collect(item, texts)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, (dict, list)):
                    self._collect(item, texts)


@dataclass(frozen=True, slots=True)
class _Receiver:
    """What `matches` is called on: the first of its pieces, and the name of the field whose text it is."""

    start: int
    name: str


def _receiver(pieces: list[str]) -> _Receiver | None:
    """The field that some pieces end in: `a.b`, `a["b"]`, or one of them with `.lowerAscii()` behind it."""
    at = len(pieces)
    if pieces[-4:] == [".", "lowerAscii", "(", ")"]:
        at -= 4
    name = None
    if at >= 4 and pieces[at - 1] == "]" and pieces[at - 3] == "[":
        name = _content(pieces[at - 2])
        at -= 3
    elif at >= 3 and pieces[at - 2] == "." and _NAME.fullmatch(pieces[at - 1]):
        name = pieces[at - 1]
        at -= 2
    start = at - 1
    if name is None or not _NAME.fullmatch(pieces[start]):
        return None
    while start >= 2 and pieces[start - 1] == "." and _NAME.fullmatch(pieces[start - 2]):
        start -= 2
    return None if "".join(pieces[:start]).rstrip().endswith(".") else _Receiver(start, name)


def _content(literal: str) -> str | None:
    """What a literal says, or None where it is none, or has escapes other than that of the backslash."""
    raw = literal[:1] in {"r", "R"}
    quoted = literal[1:] if raw else literal
    if len(quoted) < 2 or quoted[0] not in "\"'" or quoted[0] != quoted[-1] or quoted[:3] == quoted[0] * 3:
        return None
    content = quoted[1:-1]
    if raw or "\\" not in content:
        return content
    return content.replace("\\\\", "\\") if _DOUBLED.fullmatch(content) else None


@lru_cache(maxsize=256)
def compiled(pattern: str) -> jsonschema_rs.Draft202012Validator | None:
    """What is valid for a text that has a part that the pattern matches; None for a pattern that is left to CEL."""
    if not _ADMITTED.fullmatch(pattern):
        return None
    try:
        return jsonschema_rs.Draft202012Validator(
            {"pattern": _spelled_out(pattern)}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError:
        return None


def _spelled_out(pattern: str) -> str:
    """The pattern with the shorthands for digits and letters as the ASCII characters that they are in RE2."""
    result, inside = "", False
    for piece in re.findall(r"\\.|.", pattern):
        characters = _SHORTHANDS.get(piece)
        inside = (inside or piece == "[") and piece != "]"
        result += piece if characters is None else characters if inside else f"[{characters}]"
    return result
