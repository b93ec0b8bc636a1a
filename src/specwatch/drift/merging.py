"""Actions of an overlay carried out on a document, plain or one that remembers how it was written.

Version 1.0 leaves open what becomes of a list inside an `update` where the document has a list, too: they are joined,
as version 1.1 says. A null, text or number takes the place of another one, and of nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence

import jsonpath_rfc9535

from specwatch.drift.overlay import Action
from specwatch.errors import Problem, UsageError

Way = tuple[str | int, ...]
"""Keys and positions that lead to a part of a document."""


def located(document: object, action: Action) -> list[Way]:
    """Where the target of an action is; a target may well be nowhere, and then nothing is done.

    Raises:
        UsageError: it is a plain value: of these only what an object holds can be removed.
    """
    try:
        nodes = jsonpath_rfc9535.find(action.target, document)  # type: ignore[arg-type]
    except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
        raise _refused(action, f"the target {action.target} cannot be looked for: {error}") from error
    for node in nodes:
        if not (isinstance(node.value, dict | list) or _removable(action, node.location)):
            found = f"the target {action.target} matches {json.dumps(node.value)[:60]} at {node.path()}"
            raise _refused(action, found, "objects and lists; aim at what holds the value")
    ways = list(dict.fromkeys(tuple(node.location) for node in nodes))
    if action.remove and () in ways:
        raise _refused(action, "the target is the whole document, which cannot be removed", "a part of it")
    return ways


def _removable(action: Action, way: Sequence[str | int]) -> bool:
    """Whether what stands there may go, whatever it is.

    Version 1.0 speaks of objects and lists as targets, but the sets of examples that go with it remove plain values of
    objects; those of lists it rules out in so many words.
    """
    return action.remove and bool(way) and isinstance(way[-1], str)


def carry_out(document: object, action: Action, ways: Sequence[Way], new: Callable[[object], object]) -> None:
    """Change a document in place.

    Args:
        document: mappings and lists.
        action: what to do.
        ways: where.
        new: makes what is put into the document of a JSON value.

    Raises:
        UsageError: what is to be merged does not fit what is there.
    """
    if action.remove:
        # from the back, so that the positions of the others stay
        for way in sorted(ways, key=lambda way: [(isinstance(p, str), p) for p in way], reverse=True):
            _remove(part_of(document, way[:-1]), way[-1])
        return
    done: set[int] = set()
    for way in ways:
        node = part_of(document, way)
        if id(node) not in done:  # what YAML shares is there once
            done.add(id(node))
            _update(node, action, new)


def carried_out(document: object, action: Action) -> bool:
    """Whether a document says already what an action makes it say.

    Args:
        document: mappings and lists.
        action: what would be done; one that appends is done where the list has the value, and one that removes where
            nothing is left to remove. What there is no place for is not done.
    """
    try:
        ways = located(document, action)
    except UsageError:
        return False
    if action.remove or not ways:
        return action.remove and not ways
    return all(_has(part_of(document, way), action.update) for way in ways)


def _has(node: object, update: object) -> bool:
    if isinstance(node, MutableSequence):
        return _among(node, update)
    return isinstance(update, Mapping) and _holds(node, update)


def _holds(there: object, update: object) -> bool:
    """Whether merging the update into what is there would add nothing."""
    if isinstance(there, Mapping) and isinstance(update, Mapping):
        keys = {name: key_of(there, name) for name in update}
        return all(key in there and _holds(there[key], update[name]) for name, key in keys.items())
    if isinstance(there, MutableSequence) and isinstance(update, list):
        return all(_among(there, each) for each in update)
    return _same(there, update)


def _among(values: Iterable[object], wanted: object) -> bool:
    return any(_same(each, wanted) for each in values)


def _same(one: object, other: object) -> bool:
    """Whether two values are the same in JSON, where 1 is neither true nor 1.0."""
    return _json(one) == _json(other)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def part_of(document: object, way: Way) -> object:
    """The part that keys and positions lead to; keys of YAML are found as they are spelt in JSON."""
    node = document
    for part in way:
        if isinstance(node, MutableSequence):
            node = node[int(part)]
        elif isinstance(node, Mapping):
            node = node[key_of(node, str(part))]
        else:
            raise KeyError(part)
    return node


def key_of(node: Mapping[object, object], name: str) -> object:
    """The key of a mapping that is spelt like that: `200` may be a number in YAML."""
    if name in node:
        return name
    return next((key for key in node if _spelt(key) == name), name)


def _spelt(key: object) -> str:
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)


def _remove(holder: object, last: str | int) -> None:
    if isinstance(holder, MutableSequence):
        del holder[int(last)]
    elif isinstance(holder, MutableMapping):
        holder.pop(key_of(holder, str(last)), None)  # a parent that YAML shares may have lost it already


def _update(node: object, action: Action, new: Callable[[object], object]) -> None:
    if isinstance(node, MutableSequence):
        node.append(new(action.update))
    elif isinstance(node, MutableMapping) and isinstance(action.update, Mapping):
        _merge(node, action.update, action, new)
    else:
        found = f"the target {action.target} is an object, the update is {json.dumps(action.update)[:60]}"
        raise _refused(action, found, "an update that is an object")


def _merge(
    node: MutableMapping[object, object], update: Mapping[str, object], action: Action, new: Callable[[object], object]
) -> None:
    for name, value in update.items():
        key = key_of(node, name)
        if key not in node:
            node[name] = new(value)
            continue
        there = node[key]
        if isinstance(there, MutableMapping) and isinstance(value, Mapping):
            _merge(there, value, action, new)
        elif isinstance(there, MutableSequence) and isinstance(value, list):
            there.extend(new(each) for each in value)
        elif isinstance(there, Mapping | MutableSequence) or isinstance(value, Mapping | list):
            found = f"{name!r} at {action.target} is {_kind(there)}, the update has {_kind(value)}"
            raise _refused(action, found, "two objects, two lists, or two plain values")
        elif there != value or type(there) is not type(value):
            node[key] = new(value)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, MutableSequence) else "a plain value"


def _refused(action: Action, found: str, expected: str = "", mend: str = "") -> UsageError:
    return UsageError(Problem(action.where or "overlay", found, expected, mend))
