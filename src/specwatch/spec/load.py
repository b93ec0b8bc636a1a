"""From a spec file to an `Api`: everything is checked here, and every complaint names its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from specwatch.spec.source import Source

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DEFAULT_OBJECTIVE_SECONDS = 2.0


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

    def problem(self, at: tuple[str | int, ...], found: str, expected: str, mend: str = "") -> None:
        self.problems.append(Problem(self.source.place(*at), found, expected, mend))

    def api(self) -> Api:
        if not str(self.raw.get("openapi", "")).startswith("3."):
            found = f"openapi is {self.raw.get('openapi')!r}"
            self.problem(("openapi",), found, "an OpenAPI 3.1 document", "write `openapi: 3.1.0` at the top")
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
        """A node with its local reference followed."""
        if isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            target = lookup(self.raw, node["$ref"])
            if isinstance(target, Mapping):
                return self.follow(target)
            self.problem((), f"$ref {node['$ref']} leads nowhere", "a reference within this file", "correct the path")
        return node if isinstance(node, Mapping) else {}

    def schema(self, node: Any) -> Schema | None:
        return Schema(node, self.raw.get("components", {})) if isinstance(node, Mapping) else None

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
                found = f"security scheme {name} is {raw.get('type')} in {raw.get('in', raw.get('scheme'))}"
                self.problem(at, found, "`type: http, scheme: bearer` or `type: apiKey, in: header`")
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
            item = self.follow(raw_item)
            for method in (m for m in METHODS if m in item):
                at = ("paths", path, method)
                raw = item[method]
                operation_id = raw.get("operationId")
                if not operation_id or operation_id in seen:
                    found = f"{method.upper()} {path} has {'no' if not operation_id else 'a repeated'} operationId"
                    self.problem(at, found, "an operationId of its own", "add `operationId: <verbNoun>`")
                    continue
                seen.add(operation_id)
                yield self._operation(
                    at, raw, [*item.get("parameters", []), *raw.get("parameters", [])], schemes, pointer
                )

    def _operation(
        self,
        at: tuple[str, ...],
        raw: Mapping[str, Any],
        parameters: list[Any],
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
            parameters=tuple(self._parameter(self.follow(p)) for p in parameters),
            body=RequestBody(bool(body.get("required")), self._media(body)) if body is not None else None,
            responses={str(s): self._response(str(s), self.follow(r), pointer) for s, r in raw["responses"].items()},
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
            if name not in schemes:
                known = ", ".join(schemes) or "none"
                self.problem((*at, "security"), f"security names {name!r}", f"a declared scheme: {known}")
        return tuple(name for name in names if name in schemes)

    def _parameter(self, raw: Mapping[str, Any]) -> Parameter:
        examples = {name: self.follow(e).get("value") for name, e in raw.get("examples", {}).items()}
        if "example" in raw:
            examples.setdefault("example", raw["example"])
        return Parameter(
            str(raw.get("name")),
            str(raw.get("in")),
            bool(raw.get("required")),
            self.schema(raw.get("schema")),
            examples,
        )

    def _media(self, raw: Mapping[str, Any]) -> dict[str, MediaType]:
        return {essence(name): self._media_type(name, media) for name, media in raw.get("content", {}).items()}

    def _media_type(self, name: str, raw: Mapping[str, Any]) -> MediaType:
        examples = {key: self.follow(e).get("value") for key, e in raw.get("examples", {}).items()}
        if "example" in raw:
            examples.setdefault("example", raw["example"])
        return MediaType(name, self.schema(raw.get("schema")), self.schema(raw.get("x-inferred")), examples)

    def _response(self, status: str, raw: Mapping[str, Any], pointer: str | None) -> ResponseSpec:
        media = self._media(raw)
        codes: list[str] = []
        for schema in (m.schema for m in media.values() if m.schema is not None and pointer):
            for node in schema.at(str(pointer)):
                found = node.get("enum", [node["const"]] if "const" in node else [])
                codes += [str(code) for code in found if code not in codes]
        return ResponseSpec(status, str(raw.get("description", "")), media, tuple(codes))

    def _known(self) -> Iterator[tuple[str, Known]]:
        for name, raw in self.raw.get("x-known", {}).items():
            value = raw.get("value")
            fixed = tuple(map(str, value)) if isinstance(value, list) else str(value)
            yield name, Known(name, fixed, str(raw.get("setting", "")), str(raw.get("text", "")))

    def _doubts(self, node: Any) -> Iterator[Doubt]:
        if isinstance(node, Mapping):
            for raw in node.get("x-doubt", ()):
                yield Doubt(str(raw.get("about")), tuple(raw.get("places", ())), str(raw.get("handling", "")))
            for key, child in node.items():
                if key != "x-doubt":
                    yield from self._doubts(child)
        elif isinstance(node, list):
            for child in node:
                yield from self._doubts(child)


def essence(media_type: str) -> str:
    """A media type without parameters, in lower case: `Application/JSON; charset=utf-8` is `application/json`."""
    return media_type.split(";", 1)[0].strip().lower()
