"""Answers that follow from a spec alone: its examples, or the simplest value that a schema allows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from specwatch.conformance.headers import documented_headers
from specwatch.sandbox.interface import JSON, Answer
from specwatch.spec import Api, MediaType, Operation, ResponseSpec, essence
from specwatch.spec.samples import NO_VALUE, fitting, sample

_REDIRECT, _ERROR = 300, 400
__all__ = [
    "answer_with",
    "complaint",
    "is_json",
    "refusal",
    "sample",
    "spec_answer",
    "success",
    "success_statuses",
    "unanswerable",
    "value_at",
    "with_value",
]


def is_json(essence: str) -> bool:
    """Whether a media type without parameters is JSON or built on it."""
    return essence == "application/json" or essence.endswith("+json")


def spec_answer(api: Api, operation: Operation, status: int, code: str | None = None) -> Answer | None:
    """The documented answer with a status and, if given, the provider's code; None when it is not documented."""
    response = operation.response(status)
    if response is None or (code is not None and code not in response.codes):
        return None
    headers = _required_headers(api, operation, response)
    for media in response.media.values():
        values = list(media.examples.values()) or ([sample(media.schema)] if media.schema else [])
        if not values:
            continue
        value = values[0]
        if code is not None and api.error_code_pointer:
            steps = api.error_code_pointer.strip("/").split("/")
            value = next((v for v in values if value_at(v, steps) == code), None) or with_value(value, steps, code)
        return answer_with(status, media, value, headers)
    return Answer(status, headers=headers)


def answer_with(status: int, media: MediaType, value: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that carries a value in a media type; of a range of media types in one that it takes in."""
    headers, name = headers or {}, _definite(media.name)
    if not is_json(essence(name)):
        text = value if isinstance(value, str) else json.dumps(value)
        return Answer(status, headers=headers, media_type=name, raw=text.encode())
    if value is None:
        return Answer(status, headers=headers, media_type=name, raw=b"null")
    return Answer(status, value, headers, name)


def _definite(media_type: str) -> str:
    kind, _, sort = essence(media_type).partition("/")
    if sort != "*":
        return media_type
    return {"*": JSON, "application": JSON, "text": "text/plain", "image": "image/png"}.get(kind, f"{kind}/x-sandbox")


def success(api: Api, operation: Operation) -> Answer:
    """The first documented success of an operation; else the documented answer that comes nearest to one."""
    for status in _likely_statuses(operation):
        answer = spec_answer(api, operation, status)
        if answer is not None:
            return answer
    return Answer(200)


def success_statuses(operation: Operation) -> tuple[int, ...]:
    """The documented statuses of success, with 200 for a range."""
    return tuple(int(key.replace("X", "0")) for key in operation.responses if key[0] == "2")


def _likely_statuses(operation: Operation) -> tuple[int, ...]:
    """Statuses by which an operation may answer a good request: successes, redirects, any, then the lowest ones."""
    others = sorted(
        int(key.upper().replace("X", "0")) for key in operation.responses if key[0].isdigit() and key[0] != "2"
    )
    redirects = tuple(status for status in others if _REDIRECT <= status < _ERROR)
    any_status = (200,) if "default" in operation.responses else ()
    return (*success_statuses(operation), *redirects, *any_status, *(status for status in others if status >= 200))


def unanswerable(api: Api) -> Iterator[tuple[Operation, ResponseSpec, MediaType]]:
    """The documented answers without an example for which the sandbox can make no value that their schema allows."""
    for operation in api.operations:
        for response in operation.responses.values():
            for media in response.media.values():
                if media.schema is not None and not media.examples and fitting(media.schema) is NO_VALUE:
                    yield operation, response, media


def complaint(api: Api, operation: Operation) -> Answer:
    """The documented answer to a bad request; an empty 400 when the spec knows none."""
    answers = (spec_answer(api, operation, status) for status in operation.complaint_statuses)
    return next((answer for answer in answers if answer is not None), Answer(400))


def refusal(api: Api, operation: Operation) -> Answer:
    """The documented answer to bad credentials; an empty 401 when the spec knows none."""
    for status in (401, 403):
        answer = spec_answer(api, operation, status)
        if answer is not None:
            return answer
    return Answer(401)


def value_at(value: object, steps: list[str]) -> object:
    """What stands at a place of nested objects, or None."""
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def with_value(value: object, steps: list[str], new: object) -> object:
    """The value with a place of its nested objects replaced or added."""
    if not steps:
        return new
    inner = value if isinstance(value, Mapping) else {}
    return {**inner, steps[0]: with_value(inner.get(steps[0]), steps[1:], new)}


def _required_headers(api: Api, operation: Operation, response: ResponseSpec) -> dict[str, str]:
    """The headers that a response promises, each with the value that the spec shows, or the simplest one."""
    found = {}
    for header in documented_headers(api, operation, response.status):
        value = sample(header.schema) if header.example is None and header.schema else header.example
        if header.required and value is not None:
            found[header.name] = value if isinstance(value, str) else json.dumps(value)
    return found
