"""Answers that differ from an honest one in a single respect: what a claim is tried with until it is false."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from specwatch.sandbox.derivation.bounds import bounds_at
from specwatch.sandbox.examples import is_json, spec_answer
from specwatch.sandbox.interface import Answer
from specwatch.sandbox.mutations import DROP, NOT_HERE, Change, Steps, dumps, edit, name_of, places
from specwatch.sandbox.shape import shape_of
from specwatch.spec import Api, Operation, essence

_WORD: Final = re.compile(r"\w+")
_READS: Final = re.compile(r"(?<![\w.\"'])response\.(status|headers|json|embedded|seconds)\b")
_WHOLE: Final = re.compile(r"(?<![\w.\"'])response\.(?:json|embedded)\b(?!\s*[.\[])")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_MOST_SIBLINGS: Final = 6
_SLOWER_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Reads:
    """What an expression reads of an answer, told from its text.

    Args:
        parts: `status`, `headers`, `json`, `embedded` or `seconds`.
        words: every name in it, among them those of all fields that it looks at.
        whole: whether it takes the whole body as a value.
    """

    parts: frozenset[str]
    words: frozenset[str]
    whole: bool

    @classmethod
    def of(cls, *texts: str | None) -> Reads:
        """What some expressions read together; those that there are not are None."""
        text = " ".join(each for each in texts if each is not None)
        return cls(frozenset(_READS.findall(text)), frozenset(_WORD.findall(text)), _WHOLE.search(text) is not None)


@dataclass(frozen=True)
class Candidate:
    """A changed answer.

    Args:
        label: what was changed, the same for the same change of every answer.
    """

    label: str
    answer: Answer


def candidates(
    api: Api, operation: Operation, answer: Answer, reads: Reads, more: Sequence[object] = ()
) -> Iterator[Candidate]:
    """Answers that differ from one in what an expression reads, the most natural ones first.

    Args:
        api: the API.
        operation: the operation.
        answer: the honest answer.
        reads: what the expression reads.
        more: values that a field may be replaced by, such as the earlier states of an order.
    """
    if "status" in reads.parts:
        yield from _statuses(api, operation, answer)
    if answer.raw is None and answer.body is not None and {"json", "embedded"} & reads.parts:
        yield from _bodies(operation, answer, reads, more)
    if "headers" in reads.parts:
        yield from _headers(answer, reads.words)
    if "seconds" in reads.parts:
        slow = replace(answer, delay_seconds=answer.delay_seconds + api.objective_seconds + _SLOWER_SECONDS)
        yield Candidate("slow", slow)


def _statuses(api: Api, operation: Operation, answer: Answer) -> Iterator[Candidate]:
    """Every other documented answer, then the same body under another status."""
    others = [int(key) for key in operation.responses if key.isdigit() and int(key) != answer.status]
    for status in others:
        response = operation.response(status)
        for code in (response.codes if response else ()) or (None,):
            other = spec_answer(api, operation, status, code)
            if other is not None:
                yield Candidate(f"status {status} {code}", other)
    response = operation.response(answer.status)
    for code in response.codes if response else ():
        same = spec_answer(api, operation, answer.status, code)
        if same is not None and same != answer:
            yield Candidate(f"code {code}", same)
    for status in others:
        yield Candidate(f"status {status}", replace(answer, status=status))


def _headers(answer: Answer, words: Container[str]) -> Iterator[Candidate]:
    for name, value in answer.headers.items():
        if any(part in words for part in (name, name.lower(), *_WORD.findall(name.lower()))):
            rest = {key: text for key, text in answer.headers.items() if key != name}
            yield Candidate(f"header {name} missing", replace(answer, headers=rest))
            yield Candidate(f"header {name} changed", replace(answer, headers=rest | {name: f"{value}0"}))


def _bodies(operation: Operation, answer: Answer, reads: Reads, more: Sequence[object]) -> Iterator[Candidate]:
    """The body changed at each place that is read; inside, where the body is a string that holds JSON."""
    body, inside = answer.body, "embedded" in reads.parts and isinstance(answer.body, str)
    if inside:
        try:
            body = json.loads(str(answer.body))
        except ValueError:
            return
    allowed = _allowed(operation, answer)
    keys = frozenset(_keys(body))
    for steps, value in places(body, keys):
        last = next((step for step in reversed(steps) if isinstance(step, str)), None)
        if last in reads.words or (not steps and (reads.whole or inside)):
            for label, change in changes(value, [*more, *allowed(steps)], _siblings(body, steps)):
                new = edit(body, steps, change)
                if new is not NOT_HERE and new is not DROP:
                    raw = b"null" if new is None else None
                    changed = replace(answer, body=dumps(new) if inside else new, raw=raw)
                    yield Candidate(f"{name_of(steps)} {label}", changed)


def _allowed(operation: Operation, answer: Answer) -> Callable[[Steps], list[object]]:
    """The values that the document lists for a place."""
    shape = shape_of(operation, answer)

    def values(steps: Steps) -> list[object]:
        schema = shape.schema if shape and is_json(essence(answer.media_type)) else None
        listed = bounds_at(schema, steps, ("enum",)) if schema else ()
        return [value for bound in listed for value in bound.limit]

    return values


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(item)


def _siblings(body: object, steps: Steps) -> list[object]:
    """The values beside a place, to be mistaken for the one that belongs there."""
    node = body
    for step in steps[:-1]:
        if isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, list) and node:
            node = node[0]
    if not steps or not isinstance(node, dict):
        return []
    others: list[object] = [v for k, v in node.items() if k != steps[-1] and isinstance(v, str | int | float)]
    return others[:_MOST_SIBLINGS]


def changes(value: object, replacements: Sequence[object], siblings: Sequence[object]) -> Iterator[tuple[str, Change]]:
    """The changes to try on a value, with their names."""
    for number, other in enumerate(replacements):
        if other != value:
            yield f"replaced {number}", _to(other)
    if isinstance(value, list):
        yield from _LISTS.items()
    elif isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, bool):
        yield "turned", _to(not value)
    elif isinstance(value, int | float):
        yield from _numbers(value)
    for number, other in enumerate(siblings):
        if type(other) is type(value) and other != value:
            yield f"mistaken {number}", _to(other)
    yield "dropped", lambda _value: DROP
    yield "null", _to(None)
    if isinstance(value, list | dict):
        yield "emptied", _to(type(value)())


def _to(new: object) -> Change:
    return lambda _value: new


def _reversed(value: object) -> object:
    return value[::-1] if isinstance(value, list) else NOT_HERE


def _doubled(value: object) -> object:
    return value[:1] + value if isinstance(value, list) and value else NOT_HERE


def _shortened(value: object) -> object:
    return value[:-1] if isinstance(value, list) and value else NOT_HERE


_LISTS: Final[dict[str, Change]] = {"reversed": _reversed, "first twice": _doubled, "last lost": _shortened}


def _texts(value: str) -> Iterator[tuple[str, Change]]:
    yield "one letter changed", _to(_other_letter(value))
    for hours in (-24, 24) if _TIME.fullmatch(value) else ():
        yield f"moved {hours} h", _to(_moved(value, hours))
    yield "in capitals", _to(value.upper())
    yield "in small letters", _to(value.lower())
    yield "with a template's placeholder", _to(f"{value} {{name}}")
    yield "changed", _to("changed")
    yield "emptied", _to("")


def _numbers(value: float) -> Iterator[tuple[str, Change]]:
    yield "one more", _to(value + 1)
    yield "one less", _to(value - 1)
    yield "in larger units", _to(value // 1000 if isinstance(value, int) else value / 1000)
    yield "in smaller units", _to(value * 1000)
    yield "a day earlier", _to(value - 86_400_000)


def _other_letter(value: str) -> str:
    """The text with its last letter or digit exchanged for another one that hexadecimal numbers have, too."""
    for index in range(len(value) - 1, -1, -1):
        char = value[index]
        if char.isascii() and char.isalnum():
            other = "1" if char == "0" else "0" if char.isdigit() else ("b" if char.lower() == "a" else "a")
            return f"{value[:index]}{other.upper() if char.isupper() else other}{value[index + 1 :]}"
    return f"{value}x"


def _moved(value: str, hours: int) -> str:
    """The same moment some hours later, in RFC 3339."""
    moment = datetime.fromisoformat(value) + timedelta(hours=hours)
    return moment.isoformat().replace("+00:00", "Z")
