"""What an exchange says, decoded once and shared by everybody who judges it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from specwatch.conformance.strictjson import MISSING, StrictJson, parse_strict
from specwatch.spec.forms import FORMS, decoded_form
from specwatch.spec.load import essence
from specwatch.spec.model import Api, MediaType, Operation, Parameter, ResponseSpec
from specwatch.spec.parameters import UNDECODABLE, Key, decoded, fits
from specwatch.spec.schema import Schema
from specwatch.spec.source import pointer_parts
from specwatch.values.exchange import Exchange, Headers, header
from specwatch.values.sandbox import ACCOUNTS

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
    def _parameters(self) -> Mapping[Key, object]:
        """The values of the parameters that the request has."""
        exchange = self.exchange
        query = urlsplit(exchange.request.url).query or urlencode(exchange.query)
        return decoded(self.operation, exchange.path_parameters, query, exchange.request.headers)

    @cached_property
    def request_ruled_out(self) -> bool:
        """Whether something in the request surely breaks the spec; where its meaning cannot be told, nothing does."""
        request = self.exchange.request
        allowed = all(fits(parameter, self._parameters) for parameter in self.operation.parameters)
        return not (allowed and _body_fits(self.operation, request.headers, request.body, lambda: self.request_json))

    @property
    def request_valid(self) -> bool:
        """Whether the request surely satisfies the spec: parameters, media type, body; not its credentials."""
        return not self.request_ruled_out and not any(value is UNDECODABLE for value in self._parameters.values())

    @cached_property
    def request_unclear(self) -> bool:
        """Whether a parameter or the body is written in a way of which nobody can tell which value it has."""
        request, body = self.exchange.request, self.operation.body
        if any(value is UNDECODABLE for value in self._parameters.values()):
            return True
        content_type = header(request.headers, "content-type") or ""
        media = matching(body.media, essence(content_type)) if body is not None and request.body else None
        if media is None or media.schema is None or is_json(essence(content_type)):
            return False
        return decoded_form(media.schema, content_type, request.body) is UNDECODABLE

    @cached_property
    def allowed_otherwise(self) -> bool:
        """Whether the request may succeed whatever is wrong with its credentials.

        So it is where none is needed, or where those of another alternative under `security` all came with it.
        """
        roles = self.exchange.credentials
        names = {name.lower() for name, _ in self.exchange.request.headers}
        taken = {self.api.schemes[name].header for name in roles if name in self.api.schemes}

        def came(name: str) -> bool:
            if name in roles:
                return roles[name] in ACCOUNTS
            scheme = self.api.schemes.get(name)
            return scheme is not None and scheme.header in names - taken

        return any(all(map(came, alternative)) for alternative in self.operation.alternatives)

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
        return matching(self.response_spec.media, self.media_essence)

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
    query_string: str | None = None,
) -> bool:
    """Whether nothing in a request surely breaks the spec: parameters, media type, body; not its credentials.

    Without the query as it is sent, lists and objects in it are not looked at: `query` may have lost a part of them.
    """
    looked_at = [p for p in operation.parameters if query_string is not None or not _has_parts_in_query(p)]
    values = decoded(operation, path_parameters, urlencode(query) if query_string is None else query_string, headers)
    return all(fits(parameter, values) for parameter in looked_at) and _body_fits(
        operation, headers, body, lambda: parse_strict(body).value
    )


def _has_parts_in_query(parameter: Parameter) -> bool:
    """Whether a parameter of the query may be a list or an object, and so be spread over several names."""
    if parameter.location != "query" or parameter.schema is None:
        return False
    kinds = [node.get("type", "array") for node in parameter.schema.flatten(parameter.schema.raw) if "$ref" not in node]
    return any({"array", "object"} & {*([kind] if isinstance(kind, str) else kind)} for kind in kinds)


_Media = TypeVar("_Media")


def matching(declared: Mapping[str, _Media], name: str) -> _Media | None:
    """What is declared for a media type: itself first, then `application/*+json`, `application/*` and `*/*`.

    Args:
        declared: by essence or range.
        name: an essence.
    """
    kind, _, subtype = name.partition("/")
    suffix = subtype.rpartition("+")[2] if "+" in subtype else ""
    ranges = (f"{kind}/*+{suffix}" if suffix else name, f"{kind}/*", "*/*")
    return next((declared[key] for key in (name, *ranges) if key in declared), None)


def media_is_declared(operation: Operation, headers: Headers, body: bytes) -> bool:
    """Whether a request's body comes in a media type that the spec declares; true where there is no body.

    No document says what becomes of other media types, so they are neither promised to be refused nor to be accepted.
    """
    if operation.body is None or not body:
        return True
    return matching(operation.body.media, essence(header(headers, "content-type") or "")) is not None


def _body_fits(operation: Operation, headers: Headers, body: bytes, read: Callable[[], object]) -> bool:
    if operation.body is None:
        return True
    if not body:
        return not operation.body.required
    name = essence(header(headers, "content-type") or "")
    media = matching(operation.body.media, name)
    if media is None:
        return False
    if media.schema is None or not (is_json(name) or name in FORMS):
        return True
    value = read() if is_json(name) else decoded_form(media.schema, header(headers, "content-type") or "", body)
    return value is UNDECODABLE or (value is not MISSING and media.schema.in_range.is_valid(value))


def text_fits(value: str, schema: Schema | None) -> bool:
    """Whether the text of a parameter or header fits a schema, read as text, number or boolean."""
    readings: list[object] = [value, *({"true": [True], "false": [False]}.get(value, []))]
    for kind in (int, float) if _NUMBER.fullmatch(value) else ():
        try:
            readings.append(kind(value))
        except ValueError:
            continue
    return schema is None or any(schema.is_valid(reading) for reading in readings)
