"""Checks of a spec: OpenAPI itself, what specwatch adds to it, its claims and its examples."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from specwatch.claims import check_expressions
from specwatch.errors import Problem, WorkspaceError
from specwatch.lint.examples import example_problems
from specwatch.spec import Api, Source, load_api
from specwatch.spec.load import LITERALS
from specwatch.spec.schema import shorten
from specwatch.values import Claim
from specwatch.workspace import named_variables

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

FIELDS: Final = (
    "x-claims",
    "x-cost",
    "x-credential",
    "x-doubt",
    "x-effect",
    "x-error-code",
    "x-inferred",
    "x-known",
    "x-max-body-bytes",
    "x-objective",
    "x-polling",
)
"""The fields of specwatch in a spec."""

_NAMES: Final = frozenset(
    {"properties", "patternProperties", "$defs", "headers", "schemas", "parameters", "responses", "securitySchemes"}
)
"""Where the keys of a mapping are names that its author chose, and no fields."""

_LONGEST: Final = 160

Place = tuple[str, ...]


def lint_spec(path: Path, variables: Collection[str] | None = None) -> tuple[Api | None, list[Problem]]:
    """What is wrong with a spec.

    Args:
        path: an OpenAPI document.
        variables: the environment variables that it may name; None lets it name any.

    Returns:
        The loaded API, or None where it cannot be loaded, and all problems that were found.
    """
    try:
        source = Source.read(path)
        raw = source.mapping()
    except WorkspaceError as error:
        return None, list(error.problems)
    # What is wrong with a document of another version is that: the loader says so, with what to do about it.
    is_ours = str(raw.get("openapi", "")).startswith("3.1")
    openapi, gave_up = _openapi_problems(source, raw) if is_ours else ([], [])
    api, problems = _loaded(path, [*openapi, *_misspelt_fields(source, raw)])
    if api is not None:
        problems += expression_problems(api)
        problems += example_problems(api, source)
        problems += _unlisted_variables(api, source, variables) if variables is not None else ()
    unique = {(problem.where, problem.found): problem for problem in problems or gave_up}
    return api, list(unique.values())


def expression_problems(api: Api) -> list[Problem]:
    """The expressions of an API's claims that do not compile, each with its line."""
    bad = list(check_expressions(api))
    if not bad:
        return []
    source = Source.read(api.path)
    return [
        Problem(
            _expression_place(source, api, claim, text),
            f"claim {claim.id!r}: {shorten(text, _LONGEST)!r} does not compile: {reason}",
            "an expression in CEL over request, response, known and item",
            "correct the expression",
        )
        for claim, text, reason in bad
    ]


def _loaded(path: Path, problems: list[Problem]) -> tuple[Api | None, list[Problem]]:
    """Load the spec; a document that is no OpenAPI may break the loader, and the validator has said why."""
    try:
        return load_api(path), problems
    except WorkspaceError as error:
        return None, [*problems, *error.problems]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found = f"cannot be loaded: {type(error).__name__}: {error}"
        return None, problems or [Problem(f"{path}:1", found, "an OpenAPI 3.1 document with the fields of specwatch")]


def _openapi_problems(source: Source, raw: Mapping[str, Any]) -> tuple[list[Problem], list[Problem]]:
    """What the OpenAPI validator says, and, apart from that, why it gave up if it did.

    References are followed within the file only: a spec from somewhere else has nothing fetched or read.
    """
    from openapi_spec_validator import OpenAPIV31SpecValidator

    handlers = dict.fromkeys(OpenAPIV31SpecValidator.resolver_handlers, _refuse)
    validator = type("Offline", (OpenAPIV31SpecValidator,), {"resolver_handlers": handlers})(raw)
    problems: list[Problem] = []
    try:
        problems.extend(_openapi_problem(source, raw, error) for error in validator.iter_errors())
    except Exception as error:  # noqa: BLE001 - the validator stumbles over documents that it has just found wrong
        found = f"the OpenAPI validator gave up: {type(error).__name__}: {error}"
        return problems, [Problem(f"{source.path}:1", shorten(found, _LONGEST), "an OpenAPI 3.1 document")]
    return problems, []


def _refuse(uri: str) -> object:
    raise ValueError(f"{uri} is outside of this file")


def _openapi_problem(source: Source, raw: Mapping[str, Any], error: ValidationError) -> Problem:
    message = error.message.splitlines()[0]
    at = tuple(str(part) for part in error.absolute_path) or _named_path(raw, message)
    if not _leads_somewhere(raw, at):  # errors inside schemas come without the place of the schema
        at = _place_of(raw, error.instance) or ()
    where = " / ".join(at) or "the document"
    return Problem(source.place(*at), f"{where}: {shorten(message, _LONGEST)}", "what OpenAPI 3.1 allows there")


def _named_path(raw: Mapping[str, Any], message: str) -> Place:
    """The path of the API that a message of the validator names, which is all the place that it gives."""
    paths = raw.get("paths")
    for quoted in re.findall(r"'([^']+)'", message):
        if isinstance(paths, Mapping) and quoted in paths:
            return ("paths", quoted)
    return ()


def _leads_somewhere(node: object, at: Place) -> bool:
    for part in at:
        children = dict(_children(node))
        if part not in children:
            return False
        node = children[part]
    return True


def _place_of(node: object, wanted: object, at: Place = ()) -> Place | None:
    """Where in a document an object stands, found by its identity."""
    if node is wanted:
        return at
    places = (_place_of(child, wanted, (*at, part)) for part, child in _children(node))
    return next((place for place in places if place is not None), None)


def _children(node: object) -> Iterator[tuple[str, object]]:
    """The parts of a mapping or a list, each with its name in a place."""
    if isinstance(node, Mapping):
        yield from ((str(key), child) for key, child in node.items())
    elif isinstance(node, list):
        yield from ((str(index), child) for index, child in enumerate(node))


def _misspelt_fields(source: Source, node: object, at: Place = ()) -> Iterator[Problem]:
    """Fields that are nearly those of specwatch, wherever they stand; others may belong to other tools."""
    for key, child in _children(node):
        if isinstance(node, Mapping) and key.startswith("x-") and not _NAMES.intersection(at[-1:]):
            yield from _misspelt(source, (*at, key))
        elif key not in LITERALS or _NAMES.intersection(at[-1:]):
            yield from _misspelt_fields(source, child, (*at, key))


def _misspelt(source: Source, at: Place) -> Iterator[Problem]:
    key = at[-1]
    near = difflib.get_close_matches(key, FIELDS, n=1, cutoff=0.75) if key not in FIELDS else ()
    for name in near:
        expected = f"one of {', '.join(FIELDS)}, or a field of another tool"
        yield Problem(source.place(*at), f"unknown field {key!r}", expected, f"did you mean {name!r}?")


def _unlisted_variables(api: Api, source: Source, variables: Collection[str]) -> Iterator[Problem]:
    for name, at in named_variables(api):
        if name not in variables:
            yield Problem(
                source.place(*at),
                f"names the environment variable {name}",
                "a variable that specwatch.yaml lists",
                f"add {name} under `variables:` there, if this spec may read it",
            )


def _expression_place(source: Source, api: Api, claim: Claim, text: str) -> str:
    for at, raw in claim_blocks(api):
        if raw.get("id") == claim.id:
            inside = _text_place(raw, text) or ()
            return source.place(*at, *inside)
    return source.place()


def claim_blocks(api: Api) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Every claim as it is written in the spec, with its place."""
    root: Any = api.raw.get("x-claims", ())
    yield from ((("x-claims", index), raw) for index, raw in enumerate(root))
    for operation in api.operations:
        at = ("paths", operation.path, operation.method.lower(), "x-claims")
        block: Any = operation.raw.get("x-claims", ())
        yield from (((*at, index), raw) for index, raw in enumerate(block))


def _text_place(node: object, text: str, at: Place = ()) -> Place | None:
    if node == text:
        return at
    places = (_text_place(child, text, (*at, part)) for part, child in _children(node))
    return next((place for place in places if place is not None), None)
