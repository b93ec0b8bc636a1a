"""Which operation a request is for: all APIs of a sandbox on their native paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from specwatch.errors import Problem, SandboxError
from specwatch.spec import Api, Operation, SecurityScheme

_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation with what is needed to serve it.

    Args:
        path: template with the base path of the API's first server.
        schemes: the security schemes that must all be satisfied.
    """

    api: Api
    operation: Operation
    path: str
    schemes: tuple[SecurityScheme, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The outcome of looking a request up: a route with its path parameters, or the methods that the path has."""

    route: Route | None
    parameters: Mapping[str, str]
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Path:
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    routes: Mapping[str, Route]


class Router:
    """Finds the route of a request.

    Args:
        apis: in order of precedence; where two declare a path, the first that declares the method gets the request.

    Raises:
        SandboxError: two operations have the same method and path.
    """

    def __init__(self, apis: Sequence[Api]) -> None:
        self.routes = tuple(_route(api, operation) for api in apis for operation in api.operations)
        _refuse_clashes(self.routes)
        by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            by_path.setdefault(route.path, {})[route.operation.method] = route
        fixed_first = sorted(by_path, key=lambda path: len(_PARAMETER.findall(path)))
        self._paths = tuple(_path(path, by_path[path]) for path in fixed_first)

    def match(self, raw_path: str, method: str) -> Match:
        """Look a request up by its path as sent, still percent-encoded, so that a parameter may hold a slash."""
        allowed: set[str] = set()
        for path in self._paths:
            found = path.pattern.fullmatch(raw_path)
            if found is None:
                continue
            if method in path.routes:
                values = map(unquote, found.groups())
                return Match(path.routes[method], dict(zip(path.names, values, strict=True)))
            allowed |= path.routes.keys()
        return Match(None, {}, tuple(sorted(allowed)))


def _route(api: Api, operation: Operation) -> Route:
    schemes = tuple(api.schemes[name] for name in operation.security)
    return Route(api, operation, f"{api.base_path}{operation.path}", schemes)


def _path(path: str, routes: Mapping[str, Route]) -> _Path:
    parts = _PARAMETER.split(path)
    pattern = "".join("([^/]*)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return _Path(re.compile(pattern), tuple(parts[1::2]), routes)


def _refuse_clashes(routes: Iterable[Route]) -> None:
    taken: dict[tuple[str, str], Route] = {}
    problems = []
    for route in routes:
        key = (route.operation.method, _PARAMETER.sub("{}", route.path))
        other = taken.setdefault(key, route)
        if other is not route:
            where = f"{route.api.id}, operation {route.operation.id}"
            found = f"{route.operation.method} {route.path} is {other.api.id}'s operation {other.operation.id} already"
            mend = f"leave one of the two APIs out: --api {route.api.id}"
            problems.append(Problem(where, found, "a method and path of its own", mend))
    if problems:
        raise SandboxError(*problems)
