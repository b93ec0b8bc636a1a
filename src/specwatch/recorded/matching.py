"""Which API and operation a recorded request was for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from specwatch.recorded.model import Entry
from specwatch.spec.model import Api, Operation

_PORTS: Final = {"http": 80, "https": 443}
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = re.compile("[A-Za-z0-9._~-]")


@dataclass(frozen=True, slots=True)
class Match:
    """A recorded exchange of a known operation.

    Args:
        base: base URL that the request went to.
        path: what follows the base, with its query; what need not have been escaped in the path is not.
    """

    entry: Entry
    api: Api
    operation: Operation
    base: str
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stray:
    """A recorded exchange of a server that is known, with a path or a method that no spec of it has.

    Args:
        apis: ids of the APIs of that server.
        request: method and path, without the query.
        methods: the methods that the path has; empty for a path that is unknown.
    """

    apis: tuple[str, ...]
    request: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A recorded exchange of a server that no selected API has; `host` is its origin, or says why there is none."""

    host: str


@dataclass(frozen=True, slots=True)
class _Place:
    api: Api
    origin: tuple[str, str, int | None]
    path: str
    url: str


class Finder:
    """Looks requests up.

    Args:
        apis: the selected APIs; where two have an operation, the first gets the request.
        base: base URL instead of the servers of the specs; empty for those.
    """

    def __init__(self, apis: Sequence[Api], base: str = "") -> None:
        self._apis = {api.id: api for api in apis}
        self._places = [_place(api, url) for api in apis for url in ([base] if base else api.servers)]

    def find(self, entry: Entry) -> Match | Stray | Foreign:
        """What a recorded request was for."""
        try:
            sent = urlsplit(entry.url)
            parts = sent._replace(path=_ESCAPE.sub(_plain, sent.path))
            origin = _origin(parts)
        except ValueError:
            return Foreign("a URL that cannot be read")
        if origin[0] not in _PORTS:
            return Foreign(f"{origin[0] or 'no'} scheme")
        return self._as_told(entry, parts) or self._by_server(entry, parts, origin)

    def _as_told(self, entry: Entry, parts: SplitResult) -> Match | Foreign | None:
        """Our own files name the operation, so that it does not matter where a sandbox was reached."""
        told = entry.told
        if told is None or not told.api:
            return None
        api = self._apis.get(told.api)
        if api is None:
            return Foreign(f"{told.api}, which is not selected")
        operation = next((each for each in api.operations if each.id == told.operation), None)
        if operation is None or operation.method != entry.method:
            return None
        found = operation.pattern.search(parts.path)
        at = found.start() if found is not None else 0
        return _match(entry, api, operation, f"{_site(parts)}{parts.path[:at]}", parts, at)

    def _by_server(
        self, entry: Entry, parts: SplitResult, origin: tuple[str, str, int | None]
    ) -> Match | Stray | Foreign:
        path = parts.path or "/"
        places = [p for p in self._places if p.origin == origin and _is_below(path, p.path)]
        if not places:
            return Foreign(_site(parts))
        hits = [hit for place in places for hit in _operations(place, path)]
        for place, operation in sorted(hits, key=lambda hit: len(hit[1].path_names)):
            if operation.method == entry.method:
                return _match(entry, place.api, operation, place.url, parts, len(place.path))
        methods = tuple(sorted({operation.method for _, operation in hits}))
        apis = tuple(dict.fromkeys(place.api.id for place in places))
        return Stray(apis, f"{entry.method} {path}", methods)


def _place(api: Api, url: str) -> _Place:
    try:
        parts = urlsplit(url)
        return _Place(api, _origin(parts), parts.path.rstrip("/"), url.rstrip("/"))
    except ValueError:
        return _Place(api, ("", "", None), "", url)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower().rstrip("."), parts.port or _PORTS.get(scheme)


def _plain(escape: re.Match[str]) -> str:
    """An unreserved character that was escaped without need means the same as itself: RFC 3986, 6.2.2.2."""
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0]


def _site(parts: SplitResult) -> str:
    """Scheme, host and port, without the user and the password that may stand before them."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_below(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")


def _operations(place: _Place, path: str) -> Iterator[tuple[_Place, Operation]]:
    rest = path[len(place.path) :]
    for operation in place.api.operations:
        if operation.pattern.match(rest):
            yield place, operation


def _match(entry: Entry, api: Api, operation: Operation, base: str, parts: SplitResult, at: int) -> Match:
    path = parts.path[at:]
    found = operation.pattern.match(path)
    values = dict(zip(operation.path_names, map(unquote, found.groups()), strict=True)) if found is not None else {}
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Match(entry, api, operation, base, f"{path}?{parts.query}" if parts.query else path, values, query)
