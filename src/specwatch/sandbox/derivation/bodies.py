"""Faults of JSON bodies: each field changed in each way that the document refuses, and each error code.

A change counts as a fault when it turns an example of the document into something that the document refuses, so
no keyword of JSON Schema needs a rule of its own here, and each fault knows the level that it breaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from specwatch.sandbox.derivation.bounds import Bound, bounds_at, nodes_at
from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.examples import value_at, with_value
from specwatch.sandbox.faults import Fault
from specwatch.sandbox.interface import Answer, Call, Edit
from specwatch.sandbox.mutations import (
    CHANGES,
    DROP,
    FINER,
    ITEM,
    NOT_HERE,
    Change,
    Steps,
    cut,
    edit,
    embedded,
    name_of,
    places,
)
from specwatch.sandbox.shape import Shape, examples_of
from specwatch.spec import MediaType, Schema
from specwatch.spec.samples import simplest
from specwatch.values import Level


def codes(maker: Maker, status: int) -> Derived:
    """The error code replaced by an unknown one, by one of another status, by nothing, by a number."""
    response = maker.operation.response(status)
    if response is None or not response.codes:
        return
    others = {"undocumented": "undocumented_code"}
    for key, other in maker.operation.responses.items():
        alien = [code for code in other.codes if code not in response.codes]
        if key != response.status and alien:
            others[f"of-{key}"] = alien[0]
    for name, code in others.items():
        apply = _recode(maker, status, lambda body, code=code: with_value(body, maker.pointer, code))  # type: ignore[misc]
        yield maker.fault(f"{status}/code/{name}", f"A {status} carries the code {code}.", apply, breaks="code")
    if len(response.codes) > 1:
        yield maker.cannot(f"{status}/code/exchanged", "which of its codes is for which cause is a matter of claims")
    for kind in ("drop", "type", "null"):
        template, change = CHANGES[kind]
        apply = _recode(maker, status, lambda body, change=change: edit(body, tuple(maker.pointer), change))  # type: ignore[misc]
        what, text = f"{status}/{kind}/{'.'.join(maker.pointer)}", template.format("the error code")
        yield maker.fault(what, f"In a {status}, {text}.", apply, breaks=str(status))


def _recode(maker: Maker, status: int, change: Callable[[object], object]) -> Edit:
    def apply(_call: Call, answer: Answer) -> Answer:
        if answer.status != status or answer.raw is not None or value_at(answer.body, maker.pointer) is None:
            return answer
        return replace(answer, body=change(answer.body))

    return apply


def bodies(maker: Maker, status: int, media: MediaType) -> Derived:
    """Each field of each example changed in each way that the document refuses."""
    seen: set[str] = set()
    for example in examples_of(media):
        shape = Shape.of(media)
        if shape.breaks(example) is Level.INFERENCE:
            shape = Shape(media.schema, None)  # an example that is none of its own inference tells nothing about it
        if shape.breaks(example):
            yield maker.cannot(f"{status}/...", "an example of it does not fit its own schema")
            continue
        yield from _Body(maker, status, shape).faults(example, seen)
    for key in sorted(Shape.of(media).keys - seen):
        yield maker.cannot(f"{status}/.../{key}", "no example has this field")


@dataclass(frozen=True)
class _Body:
    """Derives the faults of one example.

    Args:
        shape: what is asked of the body, or of the JSON that a string in it holds.
        outer: the place of that string; None for the body itself.
    """

    maker: Maker
    status: int
    shape: Shape
    outer: Steps | None = None

    def faults(self, example: object, seen: set[str]) -> Derived:
        """The faults of all places; the keys that the example has go into `seen`."""
        for steps, value in places(example, self.shape.keys):
            seen |= {step for step in steps if isinstance(step, str)}
            if not (self.outer is None and steps and list(steps) == self.maker.pointer):
                yield from self.place(example, steps, value)
            pointer = "/".join(map(str, steps))
            yield from self.absent(example, steps, value, seen)
            inner = self.shape.embedded(pointer) if self.outer is None and isinstance(value, str) else None
            if inner is not None:
                yield from self.content(inner, value, steps, seen)

    def content(self, shape: Shape, text: object, outer: Steps, seen: set[str]) -> Derived:
        """The JSON that a string holds cut off, and changed like a body."""
        what, where = f"{self.status}/content/{name_of(outer)}", name_of(outer)
        try:
            example = json.loads(str(text))
        except ValueError:
            yield self.maker.cannot(what, "the string of the example holds no JSON")
            return
        told, apply = f"The JSON that {where} holds breaks off.", _on(self.status, outer, cut)
        yield self.maker.fault(what, told, apply, breaks=str(self.status))
        yield from _Body(self.maker, self.status, shape, outer).faults(example, seen)

    def place(self, example: object, steps: Steps, value: object) -> Derived:
        """The changes of one place: those of any value, then those just beyond its bounds."""
        broken: dict[str, object] = {}
        for kind, (template, change) in CHANGES.items():
            if (kind == "drop" and (not steps or steps[-1] == ITEM)) or (kind in FINER and "value" in broken):
                continue
            level = self.tried(example, steps, change)[1]
            if level is not None:
                broken[kind] = value if kind == "drop" else change(value)
                yield self.fault(kind, template, steps, change, level)
        yield from self.beyond(example, steps, value, list(broken.values()))

    def beyond(self, example: object, steps: Steps, value: object, broken: Sequence[object]) -> Derived:
        """A value just beyond each bound of a place that no change so far has crossed."""
        for bound in _bounds(self.shape, steps):
            limit = Schema({bound.keyword: bound.limit})
            if any(same_type(value, other) and not limit.is_valid(other) for other in broken):
                continue
            changed, level = self.tried(example, steps, _beyond(bound))
            if level is not None:
                yield self.fault(bound.keyword, bound.text, steps, _beyond(bound), level)
            elif changed is NOT_HERE and isinstance(value, str | list) and value:
                what = f"{self.status}/{bound.keyword}/{self.name(steps)}"
                yield self.maker.cannot(what, f"no value of a fair size breaks {bound.keyword} {bound.limit!r}")

    def absent(self, example: object, steps: Steps, value: object, seen: set[str]) -> Derived:
        """The documented fields that an object of the example lacks, added with a value that is not theirs."""
        if not isinstance(value, dict):
            return
        for name, schema in _fields(self.shape, steps):
            if name in value:
                continue
            guess = simplest(schema)
            if self.tried(example, steps, _with(name, guess))[1] is not None:
                continue
            for kind in ("value", "type", "null"):
                change = _with(name, CHANGES[kind][1](guess))
                level = self.tried(example, steps, change)[1]
                if level is not None:
                    seen.add(name)
                    template = f"{{}} has a {name} that is not documented so"
                    yield self.fault(f"added-{name}", template, steps, change, level)
                    break

    def tried(self, example: object, steps: Steps, change: Change) -> tuple[object, Level | None]:
        """The example with a change, and which level it breaks."""
        changed = edit(example, steps, change)
        return changed, None if changed is NOT_HERE or changed is DROP else self.shape.breaks(changed)

    def fault(self, kind: str, template: str, steps: Steps, change: Change, level: Level) -> Fault:
        """The fault of one change."""
        where = self.name(steps)
        inner = (steps, change) if self.outer is None else (self.outer, embedded(steps, change))
        breaks = f"{self.status}/inferred" if level is Level.INFERENCE else str(self.status)
        text = f"In a {self.status}, {template.format(where)}."
        what = f"{self.status}/{kind}/{where}"
        return self.maker.fault(what, text, _on(self.status, *inner), breaks=breaks, level=level)

    def name(self, steps: Steps) -> str:
        """A place, as part of a name."""
        return name_of(steps) if self.outer is None else f"{name_of(self.outer)}.content.{name_of(steps)}"


def _bounds(shape: Shape, steps: Steps) -> Iterator[Bound]:
    for schema in (shape.schema, shape.inferred):
        if schema is not None:
            yield from bounds_at(schema, steps)


def _fields(shape: Shape, steps: Steps) -> Iterator[tuple[str, Schema]]:
    """The fields that are documented for an object, with their schemas: those of the inference last, which win."""
    found: dict[str, Schema] = {}
    for schema in (shape.schema, shape.inferred):
        for node in nodes_at(schema, steps) if schema else ():
            for name, field in node.get("properties", {}).items():
                found[name] = Schema(field, schema.components) if schema else found[name]
    yield from found.items()


def _with(name: str, new: object) -> Change:
    return lambda value: value | {name: new} if isinstance(value, dict) and new is not NOT_HERE else NOT_HERE


def _beyond(bound: Bound) -> Change:
    def change(value: object) -> object:
        new = bound.beyond(value)
        return NOT_HERE if new is None else new

    return change


def same_type(one: object, other: object) -> bool:
    """Whether two JSON values have the same type; whole and broken numbers have."""
    kinds = [int if isinstance(value, float) else type(value) for value in (one, other)]
    return kinds[0] is kinds[1]


def _on(status: int, steps: Steps, change: Change) -> Edit:
    """An edit of the JSON bodies that come with a status."""

    def apply(_call: Call, answer: Answer) -> Answer:
        if answer.status != status or answer.raw is not None or answer.body is None:
            return answer
        body = edit(answer.body, steps, change)
        if body is NOT_HERE or body is DROP:
            return answer
        return replace(answer, body=body, raw=b"null" if body is None else None)

    return apply
