"""The first good call of each operation: a request as the document shows it, or the simplest that it allows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from specwatch.conformance.facts import is_json
from specwatch.contract.caller import UNSET, Caller, Reply
from specwatch.contract.cases import operations
from specwatch.contract.identifiers import needs_missing, replacements, substitute
from specwatch.contract.run import ApiRun, ContractRun
from specwatch.errors import CannotTell
from specwatch.spec.model import MediaType, Operation, Parameter
from specwatch.spec.samples import NO_VALUE, fitting

_NONE_MADE: Final = "no request that the document allows could be made"


def first_calls(run: ContractRun) -> Iterator[tuple[ApiRun, Operation]]:
    """The operations that need input and document a success, so that a good call of them has to be put together."""
    for api, operation in operations(run):
        needs_input = operation.body is not None or any(parameter.required for parameter in operation.parameters)
        if needs_input and any(status.startswith("2") for status in operation.responses):
            yield api, operation


def has_succeeded(api: ApiRun, operation: Operation) -> bool:
    """Whether an answer of the run was a success of the operation."""
    return any(
        count and called == operation.id and status.startswith("2")
        for (called, status, _), count in api.ledger.responses.items()
    )


def call_as_documented(api: ApiRun, operation: Operation) -> Reply:
    """Send a well-formed request with good credentials: the document's examples, else the simplest values it allows.

    Raises:
        CannotTell: there is none that could be made, or it may not be sent.
    """
    replaced = replacements(api)
    values = {
        (parameter.location, parameter.name): _text(_own(_value(parameter), replaced))
        for parameter in operation.parameters
        if parameter.required or parameter.location == "path"
    }
    body, media = _body(operation, replaced)
    headers = [(name, value) for (location, name), value in values.items() if location == "header"]
    cookies = "; ".join(f"{name}={value}" for (location, name), value in values.items() if location == "cookie")
    return Caller(api).call(
        operation.id,
        path={name: values.get(("path", name), "unknown") for name in operation.path_names},
        query={name: value for (location, name), value in values.items() if location == "query"},
        json=body,
        headers=(
            *headers,
            *([("cookie", cookies)] if cookies else ()),
            *([("content-type", media)] if media and media != "application/json" else ()),
        ),
    )


def _value(parameter: Parameter) -> object:
    if parameter.examples:
        return next(iter(parameter.examples.values()))
    return fitting(parameter.schema) if parameter.schema is not None else "unknown"


def _text(value: object) -> str:
    """How a plain value is written in a path, a query or a header.

    Raises:
        CannotTell: it is a list, an object, or none.
    """
    if isinstance(value, str):
        return value
    if value is NO_VALUE or value is None or isinstance(value, list | dict):
        raise CannotTell(_NONE_MADE)
    return json.dumps(value)


def _body(operation: Operation, replaced: Mapping[str, str | None]) -> tuple[object, str]:
    """The body and its media type; no body where none is documented, or need be sent.

    Raises:
        CannotTell: it is no JSON, or no value fits its schema.
    """
    if operation.body is None:
        return UNSET, ""
    name, media = next(((n, m) for n, m in operation.body.media.items() if is_json(n)), ("", None))
    value = NO_VALUE if media is None else _example(media)
    if value is not NO_VALUE:
        return _own(value, replaced), name
    if operation.body.required:
        raise CannotTell(_NONE_MADE)
    return UNSET, ""


def _example(media: MediaType) -> object:
    if media.examples:
        return next(iter(media.examples.values()))
    return fitting(media.schema) if media.schema is not None else {}


def _own(value: object, replaced: Mapping[str, str | None]) -> object:
    """A value with the identifiers of the target's account.

    Raises:
        CannotTell: it needs one that the account lacks.
    """
    if needs_missing(value, replaced):
        raise CannotTell("an example needs an identifier that is not configured for this target")
    return substitute(value, replaced)
