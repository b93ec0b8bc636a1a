"""What an exchange says, decoded once and shared by everybody who judges it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from specwatch.conformance.strictjson import MISSING, StrictJson, parse_strict
from specwatch.spec.load import essence
from specwatch.spec.model import Api, MediaType, Operation, Parameter, ResponseSpec
from specwatch.spec.schema import Schema
from specwatch.spec.source import pointer_parts
from specwatch.values.exchange import Exchange, Headers, header

__all__ = ["MISSING", "Facts"]

_PLAIN = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+")  # `.` and `..` are steps, not names
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


def is_json(media_type: str) -> bool:
    """Whether a media type's essence is JSON: `application/json` or any `+json`."""
    return media_type in {"application/json", "text/json"} or media_type.endswith("+json")


@dataclass(frozen=True, eq=False)
class Facts:
    """An exchange with its operation, decoded lazily.

    Values that may be null in JSON use `MISSING` for "there is none".
    """

    api: Api
    operation: Operation
    exchange: Exchange

    @cached_property
    def parsed_request(self) -> StrictJson:
        """The request's body, parsed strictly whatever its media type."""
        body = self.exchange.request.body
        return parse_strict(body) if body else StrictJson(MISSING, ("the body is empty",))

    @property
    def request_json(self) -> object:
        """The request's body as JSON; `MISSING` when there is none or it is not JSON."""
        return self.parsed_request.value

    @cached_property
    def request_valid(self) -> bool:
        """Whether the request satisfies the spec: parameters, media type and body. Credentials are not looked at."""
        exchange, request = self.exchange, self.exchange.request
        return _parameters_fit(
            self.operation, exchange.path_parameters, exchange.query, request.headers
        ) and _body_fits(self.operation, request.headers, request.body, lambda: self.request_json)

    @cached_property
    def request_media_declared(self) -> bool:
        """Whether the request's body came in a media type that the spec declares; true where there is no body."""
        return media_is_declared(self.operation, self.exchange.request.headers, self.exchange.request.body)

    @cached_property
    def plain_path(self) -> bool:
        """Whether every path parameter is of unreserved characters and more than dots, so that no router stumbles."""
        return all(_PLAIN.fullmatch(value) for value in self.exchange.path_parameters.values())

    @cached_property
    def response_spec(self) -> ResponseSpec | None:
        """The documented response for the status, or None."""
        return self.operation.response(self.exchange.response.status)

    @cached_property
    def media_essence(self) -> str:
        """The response's media type in lower case without parameters; empty when it names none."""
        return essence(header(self.exchange.response.headers, "content-type") or "")

    @cached_property
    def media(self) -> MediaType | None:
        """The documented media type that the response names, or None."""
        if self.response_spec is None:
            return None
        media = self.response_spec.media
        wild = f"{self.media_essence.split('/', 1)[0]}/*"
        return media.get(self.media_essence) or media.get(wild) or media.get("*/*")

    @cached_property
    def parsed(self) -> StrictJson:
        """The response's body, parsed strictly whatever its media type."""
        body = self.exchange.response.body
        return parse_strict(body) if body else StrictJson(MISSING, ("the body is empty",))

    @cached_property
    def unread(self) -> str:
        """Which of our own bounds a body exceeds, as `answered with a body that …`; empty where all was read."""
        embedded = self.embedded_json
        said = self.parsed.beyond or (embedded.beyond if embedded is not None else "")
        if said and self.media is not None and is_json(essence(self.media_essence or self.media.name)):
            return f"answered with a body that {said}, which is more than is read here"
        return ""

    @cached_property
    def unreadable(self) -> bool:
        """Whether the document promises a body of JSON, or JSON in it, and no value could be had of what came.

        Where it is the provider's fault, that is told by a violation of its own.
        """
        spec, embedded = self.response_spec, self.embedded_json
        if spec is None or not any(is_json(essence(name)) for name in spec.media):
            return False
        if not isinstance(self.response_json, str):
            return self.response_json is MISSING
        return embedded is not None and embedded.value is MISSING

    @property
    def response_json(self) -> object:
        """The response's body as JSON; `MISSING` when it is not JSON."""
        return self.parsed.value

    @cached_property
    def embedded_json(self) -> StrictJson | None:
        """The content of a JSON string that the spec declares to hold JSON, or None where it declares none."""
        if self.media is None or self.media.schema is None:
            return None
        if not is_json(essence(self.media.schema.content_media_type)):
            return None
        if not isinstance(self.response_json, str):
            return StrictJson(MISSING, ("the body is not a JSON string",))
        return parse_strict(self.response_json.encode("utf-8", "surrogatepass"))

    @cached_property
    def error_code(self) -> str | None:
        """The provider's own error code in the body, or None."""
        if self.api.error_code_pointer is None:
            return None
        node = self.response_json
        for part in pointer_parts(self.api.error_code_pointer):
            if not isinstance(node, Mapping) or part not in node:
                return None
            node = node[part]
        return str(node) if isinstance(node, str | int) and not isinstance(node, bool) else None


def request_is_valid(
    operation: Operation,
    *,
    path_parameters: Mapping[str, str],
    query: Mapping[str, str],
    headers: Headers,
    body: bytes,
) -> bool:
    """Whether a request satisfies the spec: parameters, media type and body. Credentials are not looked at."""
    return _parameters_fit(operation, path_parameters, query, headers) and _body_fits(
        operation, headers, body, lambda: parse_strict(body).value
    )


def media_is_declared(operation: Operation, headers: Headers, body: bytes) -> bool:
    """Whether a request's body comes in a media type that the spec declares; true where there is no body.

    No document says what becomes of other media types, so they are neither promised to be refused nor to be accepted.
    """
    if operation.body is None or not body:
        return True
    return essence(header(headers, "content-type") or "") in operation.body.media


def _parameters_fit(
    operation: Operation, path_parameters: Mapping[str, str], query: Mapping[str, str], headers: Headers
) -> bool:
    if not operation.parameters:
        return True
    sources = {"path": path_parameters, "query": query, "header": {name.lower(): value for name, value in headers}}
    return all(_parameter_fits(parameter, sources) for parameter in operation.parameters)


def _parameter_fits(parameter: Parameter, sources: Mapping[str, Mapping[str, str]]) -> bool:
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    value = sources.get(parameter.location, {}).get(name)
    if value is None:
        return not parameter.required
    return text_fits(value, parameter.schema)


def _body_fits(operation: Operation, headers: Headers, body: bytes, read: Callable[[], object]) -> bool:
    if operation.body is None:
        return True
    if not body:
        return not operation.body.required
    media = operation.body.media.get(essence(header(headers, "content-type") or ""))
    if media is None:
        return False
    if media.schema is None or not is_json(essence(media.name)):
        return True
    value = read()
    return value is not MISSING and media.schema.is_valid(value)


def text_fits(value: str, schema: Schema | None) -> bool:
    """Whether the text of a parameter or header fits a schema, read as text, number or boolean."""
    readings: list[object] = [value, *({"true": [True], "false": [False]}.get(value, []))]
    for kind in (int, float) if _NUMBER.fullmatch(value) else ():
        try:
            readings.append(kind(value))
        except ValueError:
            continue
    return schema is None or any(schema.is_valid(reading) for reading in readings)
