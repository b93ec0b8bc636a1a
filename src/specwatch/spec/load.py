"""From a spec file to an `Api`: everything is checked here, and every complaint names its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec.claims import ClaimReader
from specwatch.spec.derived import derive_claims
from specwatch.spec.links import link_faults
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
)
from specwatch.spec.schema import Schema, follow, lookup
from specwatch.spec.security import EXPECTED, describe, mend, read_scheme
from specwatch.spec.source import Source, pointer_parts

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DEFAULT_OBJECTIVE_SECONDS = 2.0
LITERALS = frozenset({"value", "example", "default", "const", "enum"})
"""Keys below which a `$ref` is data and leads nowhere."""

NAMES = frozenset(
    {
        *("properties", "patternProperties", "$defs", "dependentSchemas", "paths", "headers", "schemas", "parameters"),
        *("responses", "requestBodies", "securitySchemes", "examples", "links", "callbacks", "pathItems"),
    }
)
"""Where the keys of a mapping are names that its author chose, and no fields."""

_FROM_3_0 = (
    "convert it, by hand or with a converter from OpenAPI 3.0 to 3.1: `nullable: true` becomes `type: [..., 'null']`, "
    "`exclusiveMinimum: true` beside `minimum` becomes the number itself (the same for the maximum), `example` in a "
    "schema becomes `examples`; then write `openapi: 3.1.0` at the top"
)

_VARIABLE = re.compile(r"\{([^{}]+)\}")

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
        self.refused: set[str] = set()

    def problem(self, at: Place, found: str, expected: str, mend: str = "") -> None:
        self.problems.append(Problem(self.source.place(*at), found, expected, mend))

    def check_shape(self) -> None:
        """Check what everything else relies on: that mappings are mappings, lists are lists.

        Raises:
            WorkspaceError: something is not; then nothing else can be read.
        """
        if not str(self.raw.get("openapi", "")).startswith("3.1"):
            self._check_version()
        for error in _shape().errors(self.raw):
            at = tuple(pointer_parts(error.where))
            self.problem(at, f"{'.'.join(at)} is {error.found}", error.expected)
        if self.problems:
            raise WorkspaceError(*self.problems)

    def _check_version(self) -> None:
        version = str(self.raw.get("openapi", ""))
        key = "openapi" if version or "swagger" not in self.raw else "swagger"
        converted = "convert it to OpenAPI 3.1, with a converter" if key in self.raw else ""
        text = _FROM_3_0 if version.startswith("3.0") else converted or "write `openapi: 3.1.0` at the top"
        self.problem((key,), f"{key} is {self.raw.get(key)!r}", "an OpenAPI 3.1 document", text)

    def api(self) -> Api:
        self.check_shape()
        self._check_references(self.raw, ())
        pointer = self.raw.get("x-error-code")
        schemes = dict(self._schemes())
        operations = tuple(self._operations(schemes, pointer))
        reader = ClaimReader(self.id, self.source, self.raw, operations)
        claims = (*derive_claims(self.id, operations), *reader.claims())
        self.problems += reader.problems
        for fault in link_faults(operations, self.follow):
            self.problem(fault.at, fault.found, fault.expected, fault.mend)
        servers = tuple(self._servers())
        if self.problems:
            raise WorkspaceError(*self.problems)
        return Api(
            id=self.id,
            title=str(self.raw.get("info", {}).get("title", self.id)),
            path=self.source.path,
            servers=servers,
            operations=operations,
            schemes=schemes,
            claims=claims,
            known=dict(self._known()),
            doubts=tuple(self._doubts(self.raw)),
            error_code_pointer=pointer,
            objective_seconds=float(self.raw.get("x-objective", {}).get("response_seconds", DEFAULT_OBJECTIVE_SECONDS)),
            raw=self.raw,
        )

    def _servers(self) -> Iterator[str]:
        """The base URLs, with the defaults of their variables filled in."""
        for index, server in enumerate(self.raw.get("servers", [])):
            declared = server.get("variables")
            variables = declared if isinstance(declared, Mapping) else {}
            url = str(server.get("url", ""))
            for name in _VARIABLE.findall(url):
                variable = variables.get(name)
                if isinstance(variable, Mapping) and "default" in variable:
                    url = url.replace(f"{{{name}}}", str(variable["default"]))
                    continue
                found = f"the server's URL has {{{name}}}, for which no default is declared"
                write = f"write `variables: {{{name}: {{default: ...}}}}` beside the URL"
                self.problem(("servers", index, "url"), found, "a default for every variable", write)
            if "url" in server:
                yield url.rstrip("/")

    def follow(self, node: Any) -> Mapping[str, Any]:
        """A node with its local reference followed; an empty one where it leads nowhere."""
        return follow(self.raw, node)

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
            if at[-1:] == ("properties",) or not (key in LITERALS or _is_foreign(key, at)):
                self._check_references(child, (*at, key))

    def _schemes(self) -> Iterator[tuple[str, SecurityScheme]]:
        declared = self.raw.get("components", {}).get("securitySchemes", {})
        for name in declared:
            scheme = read_scheme(name, self.follow(declared[name]))
            if scheme is not None:
                yield name, scheme

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
        security, alternatives = self._security(at, raw, schemes)
        return Operation(
            api=self.id,
            id=raw["operationId"],
            method=at[2].upper(),
            path=at[1],
            summary=str(raw.get("summary", "")),
            effect=Effect(effect),
            cost=self._cost(raw),
            security=security,
            alternatives=alternatives,
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
    ) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """The first alternative that can be sent, all its schemes together, and what would do in its place."""
        alternatives = [tuple(each) for each in raw.get("security", self.raw.get("security", []))]
        declared = self.raw.get("components", {}).get("securitySchemes", {})
        for name in dict.fromkeys(name for each in alternatives for name in each if name not in declared):
            known = ", ".join(schemes) or "none"
            self.problem((*at, "security"), f"security names {name!r}", f"a declared scheme: {known}")
        usable = [each for each in alternatives if schemes.keys() >= set(each)]
        if not usable:
            for name in alternatives[0] if alternatives else ():
                self._refuse_scheme(name, declared)
            return (), ()
        return usable[0], tuple(each for each in usable if each != usable[0])

    def _refuse_scheme(self, name: str, declared: Mapping[str, Any]) -> None:
        """Tell once that a scheme which an operation needs cannot be sent."""
        if name not in declared or name in self.refused or read_scheme(name, self.follow(declared[name])) is not None:
            return
        self.refused.add(name)
        raw = self.follow(declared[name])
        found = f"security scheme {name} is not supported: {describe(raw)}"
        self.problem(("components", "securitySchemes", name), found, EXPECTED, mend(raw))

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
            str(raw.get("style", "")),
            raw["explode"] if isinstance(raw.get("explode"), bool) else None,
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


def _is_foreign(key: str | int, at: Place) -> bool:
    """Whether a field belongs to another tool: of our own, only `x-inferred` has references."""
    return str(key).startswith("x-") and key != "x-inferred" and not NAMES.intersection(map(str, at[-1:]))


def essence(media_type: str) -> str:
    """A media type without parameters, in lower case: `Application/JSON; charset=utf-8` is `application/json`."""
    return media_type.split(";", 1)[0].strip().lower()
