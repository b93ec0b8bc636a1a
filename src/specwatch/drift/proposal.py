"""The overlay that would document what was seen: an action for each thing, at the narrowest place that is right."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Final

from specwatch.conformance.drift import OPEN_LIST, listed
from specwatch.conformance.sightings import Sightings, together
from specwatch.conformance.sketch import schema_of
from specwatch.drift.merging import carry_out, located
from specwatch.drift.overlay import Action, json_path
from specwatch.drift.places import Places, Use, Way
from specwatch.spec import Api
from specwatch.spec.source import pointer_parts
from specwatch.values.violation import Sighting

SHARED: Final = "--shared writes it there all the same"
_ORDER: Final = ("status", "media-type", "header", "field", "value", "code")
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Something that was seen and is not in the overlay, and why."""

    sighting: Sighting
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would document the drift of one API.

    Args:
        actions: in an order in which they can be carried out.
        unwritten: what they leave out.
    """

    actions: tuple[Action, ...] = ()
    unwritten: tuple[Unwritten, ...] = ()


class _No(Exception):  # noqa: N818 - an answer
    """Why something is not written."""


def propose(api: Api, seen: Sequence[Sighting], *, shared: bool = False) -> Proposal:
    """Make the actions that document what was seen.

    Args:
        api: as it is documented now.
        seen: of this API.
        shared: whether a schema that several answers share is changed although not all of them showed it.
    """
    maker = _Maker(api, Sightings(seen).all(), shared)
    for kind in _ORDER:
        ordered = [each for each in maker.seen if each.drift.kind == kind]
        # the deepest first: what a shared schema comes to describe, is described where it is used, too
        for sighting in sorted(ordered, key=lambda each: (-each.drift.name.count("/"), each.drift.name)):
            maker.add(sighting)
    for sighting in maker.seen:
        if sighting.drift.kind not in _ORDER:
            maker.unwritten.append(Unwritten(sighting, "a document has no place for it"))
    return Proposal(tuple(maker.actions), tuple(maker.unwritten))


@dataclass
class _Maker:
    """Collects actions, and carries each out on a copy of the document, so that the next one sees it."""

    api: Api
    seen: Sequence[Sighting]
    shared: bool
    actions: list[Action] = field(default_factory=list)
    unwritten: list[Unwritten] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.places = Places(copy.deepcopy(dict(self.api.raw)))

    def add(self, sighting: Sighting) -> None:
        """Make the action for one sighting, or note why there is none."""
        try:
            for action in self._makers()[sighting.drift.kind](sighting):
                ways = located(self.places.raw, action)
                carry_out(self.places.raw, action, ways, copy.deepcopy)
                self.places = Places(self.places.raw)
                self.actions.append(action)
        except _No as no:
            self.unwritten.append(Unwritten(sighting, str(no)))

    def _makers(self) -> Mapping[str, Callable[[Sighting], Iterator[Action]]]:
        return {
            "status": self._status,
            "media-type": self._media_type,
            "header": self._header,
            "field": self._field,
            "value": self._value,
            "code": self._code,
        }

    # -------------------------------------------------------------------------------------------------------- answers

    def _status(self, sighting: Sighting) -> Iterator[Action]:
        operation = self._operation(sighting)
        name = sighting.drift.name
        if name not in self.places.mapping((*operation, "responses")):
            text = f"Not in the documentation; {_when(sighting)}."
            yield self._action((*operation, "responses"), [sighting], {name: {"description": text}})

    def _media_type(self, sighting: Sighting) -> Iterator[Action]:
        response = self._response(sighting)
        if sighting.drift.name == "none":
            raise _No("a document has no place for an answer without a media type")
        if sighting.drift.name not in self.places.mapping((*response, "content")):
            group = self._showing(response, sighting, lambda use: Use(use.operation, use.status))
            yield self._action(response, group, {"content": {sighting.drift.name: {}}})

    def _header(self, sighting: Sighting) -> Iterator[Action]:
        response = self._response(sighting)
        name = sighting.drift.name
        if "*" in name:
            raise _No("its name looks like a value")
        known = self.places.mapping((*response, "headers"))
        if name not in {str(each).lower() for each in known}:
            group = self._showing(response, sighting, lambda use: Use(use.operation, use.status))
            best = reduce(together, group)
            shown = {"example": json.loads(best.example)} if best.example else {}
            yield self._action(response, group, {"headers": {name: {"schema": {"type": "string"}, **shown}}})

    # ----------------------------------------------------------------------------------------------------------- bodies

    def _field(self, sighting: Sighting) -> Iterator[Action]:
        pointer, _, name = sighting.drift.name.rpartition("/")
        if name == "*":
            raise _No("its name looks like a value: describe such names with additionalProperties or patternProperties")
        (name,) = pointer_parts(f"/{name}")
        nodes = self._nodes(sighting, pointer)
        flat = [place for node in nodes for place in self.places.flat(node)]
        if any(name in self.places.mapping(place).get("properties", {}) for place in flat):
            return  # documented by now
        group: list[Sighting] = []
        for node in sorted(nodes, key=lambda way: way[0] == "components"):
            group = self._showing(node, sighting, lambda use: use)
            best = reduce(together, group)
            yield self._action(node, group, {"properties": {name: _described(best)}})
            return
        raise _No("no part of the document describes the object that has it")

    def _value(self, sighting: Sighting) -> Iterator[Action]:
        pointer, _, value = sighting.drift.name.rpartition("=")
        for node in self._nodes(sighting, pointer):
            flat = list(self.places.flat(node))
            known = listed([self.places.mapping(place) for place in flat])
            if known is None or value in known:
                continue
            group = self._showing(node, sighting, lambda use: use)
            yield self._action(self._list_of(flat), group, value)

    def _code(self, sighting: Sighting) -> Iterator[Action]:
        code = sighting.drift.name
        pointer = self.api.error_code_pointer or ""
        nodes = self._nodes(sighting, pointer)
        if not nodes:
            raise _No(f"the schema of that answer has no {pointer}")
        group = self._showing(nodes[0], sighting, lambda use: Use(use.operation, use.status))
        flat = list(self.places.flat(nodes[0]))
        known = listed([self.places.mapping(place) for place in flat])
        if known is None:
            yield self._action(nodes[0], group, {OPEN_LIST: [code]})
        elif code not in known:
            yield self._action(self._list_of(flat), group, code)

    def _list_of(self, flat: Sequence[Way]) -> Way:
        for word in (OPEN_LIST, "enum", "examples"):
            for place in flat:
                if isinstance(self.places.at((*place, word)), list):
                    return (*place, word)
        raise _No("its values are constants of their own: add one by hand")

    # ---------------------------------------------------------------------------------------------------------- places

    def _operation(self, sighting: Sighting) -> Way:
        way = self.places.operation(sighting.drift.operation)
        if way is None:
            raise _No("the document has no such operation any more")
        return way

    def _documented_status(self, sighting: Sighting) -> str:
        responses = self.places.mapping((*self._operation(sighting), "responses"))
        for key in (str(sighting.status), f"{sighting.status // 100}XX", "default"):
            if key in responses:
                return key
        raise _No(f"status {sighting.status} is not documented")

    def _response(self, sighting: Sighting) -> Way:
        way = self.places.response(sighting.drift.operation, self._documented_status(sighting))
        if way is None:
            raise _No("the document does not describe that answer")
        return way

    def _nodes(self, sighting: Sighting, pointer: str) -> list[Way]:
        schema = self.places.schema(sighting.drift.operation, self._documented_status(sighting))
        if schema is None:
            raise _No("no schema is documented for that answer")
        return self.places.nodes(schema, pointer)

    def _showing(self, place: Way, sighting: Sighting, reduced: Callable[[Use], Use]) -> list[Sighting]:
        """All sightings of the same thing in what is described at that place; every use of it has to be among them."""
        shown = {reduced(self._use(each)) for each in self.seen if self._alike(each, sighting)}
        users = {reduced(use) for use in self.places.users.get(place, ())} | {reduced(self._use(sighting))}
        missing = sorted(users - shown)
        if missing and not self.shared:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            where = f"{', '.join(map(str, missing[:_NAMED]))}{more}"
            raise _No(f"{json_path(place)} also describes {where}, where it was not seen; {SHARED}")
        alike = [each for each in self.seen if self._alike(each, sighting) and reduced(self._use(each)) in users]
        return sorted(alike, key=lambda each: reduced(self._use(each)))

    @staticmethod
    def _alike(one: Sighting, other: Sighting) -> bool:
        """Whether two sightings are of the same thing, maybe at different places."""
        separator = "=" if one.drift.kind == "value" else "/"
        mine, theirs = (each.drift.name.rpartition(separator)[2] for each in (one, other))
        return one.drift.kind == other.drift.kind and mine == theirs

    def _use(self, sighting: Sighting) -> Use:
        """Where something was seen, as the document has it."""
        kind, name = sighting.drift.kind, sighting.drift.name
        pointer = name.rpartition("/" if kind == "field" else "=")[0] if kind in {"field", "value"} else ""
        try:
            return Use(sighting.drift.operation, self._documented_status(sighting), pointer)
        except _No:
            return Use(sighting.drift.operation, str(sighting.status), pointer)

    @staticmethod
    def _action(place: Way, group: Sequence[Sighting], update: object) -> Action:
        return Action(json_path(place), _what(group), update)


def _what(group: Sequence[Sighting]) -> str:
    """What was seen, each with its own count, as the table has it, and when."""
    kind = group[0].drift.kind.capitalize()
    if len(group) == 1:
        return f"{kind} {_of(group[0])}: {_when(group[0])}."
    each = ", ".join(f"{_of(sighting)} ({_times(sighting)})" for sighting in group)
    return f"{kind} {each}: seen{_days(reduce(together, group))}."


def _of(sighting: Sighting) -> str:
    return f"{sighting.drift.name} of {sighting.drift.operation} {sighting.status}"


def _times(sighting: Sighting) -> str:
    return f"{sighting.count} time{'s' * (sighting.count != 1)}"


def _when(sighting: Sighting) -> str:
    """How often and when something was seen."""
    return f"seen {_times(sighting)}{_days(sighting)}"


def _days(sighting: Sighting) -> str:
    first, last = day(sighting.first_at), day(sighting.last_at)
    if not first:
        return ""
    return f" on {first}" if first == last else f" from {first} to {last}"


def day(at: float) -> str:
    """The day in UTC, empty where it is not known."""
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at else ""


def _described(sighting: Sighting) -> dict[str, object]:
    """The schema of a field: what fits all that was seen, and an example that shows nobody."""
    schema = schema_of(json.loads(sighting.sketch)) if sighting.sketch else {}
    example = json.loads(sighting.example) if sighting.example else None
    return {**schema, **({"examples": [example]} if example not in (None, {}, []) else {})}
