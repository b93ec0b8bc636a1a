"""The claims that follow from a spec without being written down: one per documented answer, and the general ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from specwatch.spec.model import Operation, ResponseSpec
from specwatch.values.claim import Claim, Concern, Derived, Level

SOURCE: Final = "the spec"

_CONCERNS: Final = {
    "status": Concern.STATUS,
    "code": Concern.ERRORS,
    "media-type": Concern.HEADERS,
    "credentials": Concern.AUTHENTICATION,
    "accepts": Concern.AUTHENTICATION,
    "rejects": Concern.INPUT,
    "json": Concern.ROBUSTNESS,
    "survives": Concern.ROBUSTNESS,
    "delivery": Concern.ROBUSTNESS,
    "time": Concern.ROBUSTNESS,
}
"""Of the general claims; those about an answer speak of its schema, or of an error's body."""

_ERROR: Final = re.compile(r"[45]..|default")


def derive_claims(api: str, operations: Sequence[Operation]) -> Iterator[Claim]:
    """Derived claims of all operations, in the order of the spec.

    Ids: `<operation>/<status>` or `<operation>/<status>/<code>` for a documented answer,
    `<operation>/<status>/inferred` for what only examples show, and `<operation>/<what>` for the general ones.
    """
    for operation in operations:
        for response in operation.responses.values():
            yield from _response_claims(api, operation, response)
        yield from _general_claims(api, operation)


def can_be_invalid(operation: Operation) -> bool:
    """Whether the spec rules any request out: an operation whose only inputs are free texts in its path does not."""
    free = {"type", "minLength", "description", "title", "example", "examples"}
    return operation.body is not None or any(
        parameter.location != "path" or (parameter.schema is not None and set(parameter.schema.raw) - free)
        for parameter in operation.parameters
    )


def _make(api: str, operation: Operation, suffix: str, level: Level, text: str, form: Derived) -> Claim:
    answer = Concern.ERRORS if _ERROR.fullmatch(form.status) else Concern.SCHEMA
    concern = _CONCERNS.get(form.kind, answer)
    return Claim(api, f"{operation.id}/{suffix}", level, text, SOURCE, form, frozenset({operation.id}), concern=concern)


def _response_claims(api: str, operation: Operation, response: ResponseSpec) -> Iterator[Claim]:
    status = response.status
    for code in response.codes or ("",):
        suffix = f"{status}/{code}" if code else status
        text = f"A {status} answer{f' with {code}' if code else ''} looks as documented."
        yield _make(api, operation, suffix, Level.PROMISE, text, Derived("response", status, code))
    if any(media.inferred is not None for media in response.media.values()):
        text = f"A {status} answer has the formats and bounds that the examples show."
        yield _make(api, operation, f"{status}/inferred", Level.INFERENCE, text, Derived("inferred", status))


def _general_claims(api: str, operation: Operation) -> Iterator[Claim]:
    def make(suffix: str, level: Level, text: str) -> Claim:
        return _make(api, operation, suffix, level, text, Derived(suffix))

    yield make("status", Level.PROMISE, "Every answer has a documented status.")
    if any(response.codes for response in operation.responses.values()):
        yield make("code", Level.PROMISE, "Every error code is one that is documented under its status.")
    if any(response.media for response in operation.responses.values()):
        yield make("media-type", Level.PROMISE, "Every answer has a documented media type.")
        yield make("json", Level.PROMISE, "Every JSON answer is strict JSON: UTF-8, no NaN, no repeated keys.")
    yield make("survives", Level.INFERENCE, "No request of an honest client makes the server fail.")
    yield make("delivery", Level.INFERENCE, "Every answer arrives, whole and in time.")
    yield make("time", Level.INFERENCE, "Every answer comes within the response-time objective.")
    if operation.security:
        if operation.needs_credentials:
            level = Level.PROMISE if operation.documents_refusal else Level.INFERENCE
            text = "No call succeeds when a credential is missing, wrong or in the wrong place."
            yield make("credentials", level, text)
        yield make("accepts", Level.INFERENCE, "A credential that is accepted is not refused in between.")
    if can_be_invalid(operation):
        yield make("rejects", Level.INFERENCE, "Requests that the spec rules out are refused.")
