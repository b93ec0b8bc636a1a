"""From a spec file to an `Api`: everything is checked here, and every complaint names its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec.claims import ClaimReader
from specwatch.spec.derived import derive_claims
from specwatch.spec.model import (
    Api,
    Cost,
    Doubt,
    Effect,
    Known,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
    ResponseSpec,
    SecurityScheme,
    State,
)
from specwatch.spec.schema import Schema, lookup
from specwatch.spec.source import Source, pointer_parts

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DEFAULT_OBJECTIVE_SECONDS = 2.0
LITERALS = frozenset({"value", "example", "default", "const", "enum"})
"""Keys below which a `$ref` is data and leads nowhere."""

Place = tuple[str | int, ...]


def load_api(path: Path) -> Api:
    """Load one spec.

    Args:
        path: an OpenAPI 3.1 document; its stem becomes the API's id.

    Raises:
        WorkspaceError: with every problem that was found, each with file, line, expectation and mend.
    """
    return _Reader(Source.read(path)).api()


class _Reader:
    """Reads one document; collects problems instead of stopping at the first."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.id = source.path.stem
        self.raw: Mapping[str, Any] = source.mapping()
        self.problems: list[Problem] = []
        self.dead_references = False

    def problem(self, at: Place, found: str, expected: str, mend: str = "") -> None:
        self.problems.append(Problem(self.source.place(*at), found, expected, mend))

    def check_shape(self) -> None:
        """Check what everything else relies on: that mappings are mappings, lists are lists.

        Raises:
            WorkspaceError: something is not; then nothing else can be read.
        """
        if not str(self.raw.get("openapi", "")).startswith("3.1"):
            found = f"openapi is {self.raw.get('openapi')!r}"
            self.problem(("openapi",), found, "an OpenAPI 3.1 document", "write `openapi: 3.1.0` at the top")
        for error in _shape().errors(self.raw):
            at = tuple(pointer_parts(error.where))
            self.problem(at, f"{'.'.join(at)} is {error.found}", error.expected)
        if self.problems:
            raise WorkspaceError(*self.problems)

    def api(self) -> Api:
        self.check_shape()
        self._check_references(self.raw, ())
        pointer = self.raw.get("x-error-code")
        schemes = dict(self._schemes())
        operations = tuple(self._operations(schemes, pointer))
        reader = ClaimReader(self.id, self.source, self.raw, operations)
        claims = (*derive_claims(self.id, operations), *reader.claims())
        self.problems += reader.problems
        if self.problems:
            raise WorkspaceError(*self.problems)
        return Api(
            id=self.id,
            title=str(self.raw.get("info", {}).get("title", self.id)),
            path=self.source.path,
            servers=tuple(str(server["url"]).rstrip("/") for server in self.raw.get("servers", []) if "url" in server),
            operations=operations,
            schemes=schemes,
            claims=claims,
            known=dict(self._known()),
            doubts=tuple(self._doubts(self.raw)),
            error_code_pointer=pointer,
            objective_seconds=float(self.raw.get("x-objective", {}).get("response_seconds", DEFAULT_OBJECTIVE_SECONDS)),
            raw=self.raw,
        )

    def follow(self, node: Any) -> Mapping[str, Any]:
        """A node with its local reference followed; an empty one where it leads nowhere."""
        seen: set[str] = set()
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and node["$ref"] not in seen:
            seen.add(node["$ref"])
            node = lookup(self.raw, node["$ref"])
        return node if isinstance(node, Mapping) else {}

    def schema(self, at: Place, node: Any) -> Schema | None:
        if not isinstance(node, Mapping):
            return None
        schema = Schema(node, self.raw.get("components", {}))
        if schema.defect is None:
            return schema
        if not self.dead_references:
            self.problem(at, f"not a JSON Schema: {schema.defect}", "a schema of JSON Schema 2020-12")
        return None

    def _check_references(self, node: Any, at: Place) -> None:
        if isinstance(node, Mapping):
            ref = node.get("$ref")
            if isinstance(ref, str) and not isinstance(lookup(self.raw, ref), Mapping):
                self.problem((*at, "$ref"), f"$ref {ref} leads nowhere", "a place in this file", "correct the path")
                self.dead_references = True
        children = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            if key not in LITERALS or at[-1:] == ("properties",):
                self._check_references(child, (*at, key))

    def _schemes(self) -> Iterator[tuple[str, SecurityScheme]]:
        declared = self.raw.get("components", {}).get("securitySchemes", {})
        for name in declared:
            raw = self.follow(declared[name])
            at = ("components", "securitySchemes", name)
            if raw.get("type") == "http" and str(raw.get("scheme", "")).lower() == "bearer":
                header, prefix = "authorization", "Bearer "
            elif raw.get("type") == "apiKey" and raw.get("in") == "header":
                header, prefix = str(raw.get("name", "")).lower(), ""
            else:
                found = f"security scheme {name} is not supported: {_scheme_text(raw)}"
                expected = "type: http, scheme: bearer; or type: apiKey, in: header"
                self.problem(at, found, expected, "take it out, with the operations that need it")
                continue
            credential = raw.get("x-credential", {})
            variables = {
                role: tuple(credential[key])
                for role, key in (("account", "env"), ("second", "second"))
                if key in credential
            }
            yield name, SecurityScheme(name, header, prefix, variables, dict(self._states(credential)))

    @staticmethod
    def _states(credential: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
        for name, state in credential.get("states", {}).items():
            answer = state.get("answer", {})
            statuses = answer.get("status", [])
            statuses = statuses if isinstance(statuses, list) else [statuses]
            yield name, State(name, tuple(state.get("env", ())), tuple(int(s) for s in statuses), answer.get("code"))

    def _operations(self, schemes: Mapping[str, SecurityScheme], pointer: str | None) -> Iterator[Operation]:
        seen: set[str] = set()
        for path, raw_item in self.raw.get("paths", {}).items():
            item = self.follow(raw_item) if path.startswith("/") else {}
            for method in (m for m in METHODS if m in item):
                at = ("paths", path, method)
                raw = item[method]
                operation_id = raw.get("operationId")
                if not operation_id or operation_id in seen:
                    found = f"{method.upper()} {path} has {'no' if not operation_id else 'a repeated'} operationId"
                    self.problem(at, found, "an operationId of its own", "add `operationId: <verbNoun>`")
                    continue
                seen.add(operation_id)
                shared = self._parameters((*at[:2], "parameters"), item)
                own = self._parameters((*at, "parameters"), raw)
                yield self._operation(at, raw, tuple({**shared, **own}.values()), schemes, pointer)

    def _operation(
        self,
        at: tuple[str, ...],
        raw: Mapping[str, Any],
        parameters: tuple[Parameter, ...],
        schemes: Mapping[str, SecurityScheme],
        pointer: str | None,
    ) -> Operation:
        effect = raw.get("x-effect", "read" if at[2] in {"get", "head", "options"} else "create")
        if effect not in list(Effect):
            self.problem((*at, "x-effect"), f"x-effect is {effect!r}", "read, create or consume")
            effect = "create"
        body = self.follow(raw["requestBody"]) if "requestBody" in raw else None
        return Operation(
            api=self.id,
            id=raw["operationId"],
            method=at[2].upper(),
            path=at[1],
            summary=str(raw.get("summary", "")),
            effect=Effect(effect),
            cost=self._cost(raw),
            security=self._security(at, raw, schemes),
            parameters=parameters,
            body=self._body((*at, "requestBody"), body) if body is not None else None,
            responses={
                status: self._response((*at, "responses", status), self.follow(response), pointer)
                for status, response in raw["responses"].items()
            },
            raw=raw,
        )

    @staticmethod
    def _cost(raw: Mapping[str, Any]) -> Cost | None:
        if "x-cost" not in raw:
            return None
        return Cost(float(raw["x-cost"].get("amount", 1)), str(raw["x-cost"].get("unit", "call")))

    def _security(
        self, at: tuple[str, ...], raw: Mapping[str, Any], schemes: Mapping[str, SecurityScheme]
    ) -> tuple[str, ...]:
        """The first alternative counts: all its schemes are sent together."""
        alternatives = raw.get("security", self.raw.get("security", []))
        names = tuple(alternatives[0]) if alternatives else ()
        for name in names:
            if name not in self.raw.get("components", {}).get("securitySchemes", {}):
                known = ", ".join(schemes) or "none"
                self.problem((*at, "security"), f"security names {name!r}", f"a declared scheme: {known}")
        return tuple(name for name in names if name in schemes)

    def _parameters(self, at: Place, node: Mapping[str, Any]) -> dict[tuple[str, str], Parameter]:
        """The parameters that a node lists, by place and name: an operation's own one replaces its path's."""
        listed = (self._parameter((*at, i), self.follow(raw)) for i, raw in enumerate(node.get("parameters", ())))
        return {(parameter.location, parameter.name): parameter for parameter in listed}

    def _parameter(self, at: Place, raw: Mapping[str, Any]) -> Parameter:
        examples = {name: self.follow(e).get("value") for name, e in raw.get("examples", {}).items()}
        if "example" in raw:
            examples.setdefault("example", raw["example"])
        return Parameter(
            str(raw.get("name")),
            str(raw.get("in")),
            bool(raw.get("required")),
            self.schema((*at, "schema"), raw.get("schema")),
            examples,
        )

    def _body(self, at: Place, raw: Mapping[str, Any]) -> RequestBody:
        return RequestBody(bool(raw.get("required")), self._media(at, raw))

    def _media(self, at: Place, raw: Mapping[str, Any]) -> dict[str, MediaType]:
        content = raw.get("content", {})
        return {essence(name): self._media_type((*at, "content", name), content[name]) for name in content}

    def _media_type(self, at: Place, raw: Mapping[str, Any]) -> MediaType:
        examples = {key: self.follow(e).get("value") for key, e in raw.get("examples", {}).items()}
        if "example" in raw:
            examples.setdefault("example", raw["example"])
        schema = self.schema((*at, "schema"), raw.get("schema"))
        inferred = self.schema((*at, "x-inferred"), raw.get("x-inferred"))
        return MediaType(str(at[-1]), schema, inferred, examples)

    def _response(self, at: Place, raw: Mapping[str, Any], pointer: str | None) -> ResponseSpec:
        media = self._media(at, raw)
        codes: list[str] = []
        for schema in (m.schema for m in media.values() if m.schema is not None and pointer):
            for node in schema.at(str(pointer)):
                found = node.get("enum", [node["const"]] if "const" in node else [])
                codes += [str(code) for code in found if code not in codes]
        return ResponseSpec(str(at[-1]), str(raw.get("description", "")), media, tuple(codes))

    def _known(self) -> Iterator[tuple[str, Known]]:
        for name, raw in self.raw.get("x-known", {}).items():
            value = raw.get("value")
            fixed = tuple(map(str, value)) if isinstance(value, list) else str(value)
            yield name, Known(name, fixed, str(raw.get("setting", "")), str(raw.get("text", "")))

    def _doubts(self, node: Any) -> Iterator[Doubt]:
        if isinstance(node, Mapping):
            for raw in node.get("x-doubt", ()):
                yield Doubt(raw["about"], tuple(raw["places"]), raw["handling"])
            for key, child in node.items():
                if key != "x-doubt" and key not in LITERALS:
                    yield from self._doubts(child)
        elif isinstance(node, list):
            for child in node:
                yield from self._doubts(child)


@cache
def _shape() -> Schema:
    return Schema(json.loads(Path(__file__).with_name("shape.json").read_text(encoding="utf-8")))


def _scheme_text(raw: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {raw[key]}" for key in ("type", "scheme", "in") if key in raw) or "no type"


def essence(media_type: str) -> str:
    """A media type without parameters, in lower case: `Application/JSON; charset=utf-8` is `application/json`."""
    return media_type.split(";", 1)[0].strip().lower()
