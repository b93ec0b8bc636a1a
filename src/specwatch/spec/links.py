"""The links of a document: whether each leads to an operation, and gives it parameters that there are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specwatch.spec.model import Operation
from specwatch.spec.source import pointer_parts

_PLACES: Final = frozenset({"path", "query", "header", "cookie"})
_ASKED: Final = re.compile(r"\$request\.(path|query)\.([^}]+)")
"""An expression that names a parameter of the request which the link starts from."""

Place = tuple[str, ...]
Follow = Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a link, where in the document."""

    at: Place
    found: str
    expected: str
    mend: str = ""


def link_faults(operations: Sequence[Operation], follow: Follow) -> Iterator[Fault]:
    """What is wrong with the links of all operations.

    Args:
        operations: all of the document.
        follow: leads from a node to what its reference names.
    """
    for operation in operations:
        for at, link in _links(operation, follow):
            yield from _faults(at, link, operation, operations)


def linked(operations: Sequence[Operation], follow: Follow) -> frozenset[str]:
    """Ids of the operations that links lead to."""
    found = (_target(link, operations) for operation in operations for _, link in _links(operation, follow))
    return frozenset(target.id for target in found if target is not None)


def _links(operation: Operation, follow: Follow) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    responses: Any = operation.raw["responses"]
    for status, response in responses.items():
        links = follow(response).get("links")
        at = ("paths", operation.path, operation.method.lower(), "responses", status, "links")
        for name, raw in links.items() if isinstance(links, Mapping) else ():
            yield (*at, name), follow(raw)


def _faults(at: Place, link: Mapping[str, Any], source: Operation, operations: Sequence[Operation]) -> Iterator[Fault]:
    told = f"the link {at[-1]}"
    reference = str(link.get("operationRef", ""))
    if "operationId" not in link and not reference.startswith("#"):
        return  # to another document, which is not followed, or to nothing, which OpenAPI itself forbids
    target = _target(link, operations)
    if target is None:
        missing = str(link.get("operationId", reference))
        key = "operationId" if "operationId" in link else "operationRef"
        near = difflib.get_close_matches(missing, [operation.id for operation in operations], n=1)
        mend = f"did you mean {near[0]!r}?" if near else "correct it, or take the link out"
        yield Fault((*at, key), f"{told} leads to {missing!r}", "an operation of this file", mend)
        return
    given = link.get("parameters")
    for name, value in given.items() if isinstance(given, Mapping) else ():
        place = (*at, "parameters", name)
        if not _has(target, name):
            yield Fault(place, f"{told} gives {name!r}", _expected(target), "correct the name, or take it out")
        for where, asked in _ASKED.findall(value) if isinstance(value, str) else ():
            if not any((p.location, p.name) == (where, asked) for p in source.parameters):
                found = f"{told} takes {asked!r} from the {where} of {source.id}"
                yield Fault(place, found, _expected(source), "correct the expression, or take it out")


def _target(link: Mapping[str, Any], operations: Sequence[Operation]) -> Operation | None:
    if "operationId" in link:
        return next((operation for operation in operations if operation.id == link["operationId"]), None)
    place = pointer_parts(str(link.get("operationRef", "")))
    wanted = [["paths", operation.path, operation.method.lower()] for operation in operations]
    return operations[wanted.index(place)] if place in wanted else None


def _has(operation: Operation, name: str) -> bool:
    """Whether an operation has a parameter, named alone or with its place: `id` or `path.id`."""
    place, _, rest = name.partition(".")
    return any(
        parameter.name == name or (place in _PLACES and (parameter.location, parameter.name) == (place, rest))
        for parameter in operation.parameters
    )


def _expected(operation: Operation) -> str:
    names = ", ".join(f"{parameter.location}.{parameter.name}" for parameter in operation.parameters)
    return f"a parameter of {operation.id}: {names or 'it has none'}"
