"""Identifiers of the target's own account in the place of those that a document's examples name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specwatch.contract.run import ApiRun
from specwatch.transport.target import Kind


def replacements(api: ApiRun) -> dict[str, str | None]:
    """What stands for each identifier of the document on the target; None where its account lacks one.

    Those that stay as they are, such as all of them on a sandbox, are not listed.
    """
    if api.settings.target.kind is Kind.SANDBOX:
        return {}
    replaced: dict[str, str | None] = {}
    for name, known in api.api.known.items():
        theirs = known.value if isinstance(known.value, tuple) else (known.value,)
        ours = api.known.get(name, ())
        own = list(ours) if isinstance(ours, tuple) else [ours]
        for index, value in enumerate(theirs):
            replacement = own[index % len(own)] if own else None
            replaced[value] = replaced.get(value) or replacement
    return {theirs: ours for theirs, ours in replaced.items() if theirs != ours}


def substitute(node: Any, replaced: Mapping[str, str | None]) -> Any:
    """A part of a document with the target's identifiers, without the examples that need one that is lacking."""
    if isinstance(node, dict):
        return {key: substitute(child, replaced) for key, child in _usable(node, replaced)}
    if isinstance(node, list):
        return [substitute(child, replaced) for child in node]
    return replaced.get(node, node) if isinstance(node, str) else node


def _usable(node: Mapping[str, Any], replaced: Mapping[str, str | None]) -> Iterator[tuple[str, Any]]:
    """The parts of an object, without the examples that need an identifier which the target's account lacks."""
    for key, child in node.items():
        if key == "examples" and isinstance(child, (dict, list)):
            if isinstance(child, dict):
                usable: Any = {name: value for name, value in child.items() if not needs_missing(value, replaced)}
            else:
                usable = [value for value in child if not needs_missing(value, replaced)]
            if usable or not child:
                yield key, usable
        elif key != "example" or not needs_missing(child, replaced):
            yield key, child


def needs_missing(node: Any, replaced: Mapping[str, str | None]) -> bool:
    """Whether something names an identifier that the target's account lacks."""
    return any(text in replaced and replaced[text] is None for text in _strings(node))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for child in node.values():
            yield from _strings(child)
    elif isinstance(node, list):
        for child in node:
            yield from _strings(child)
