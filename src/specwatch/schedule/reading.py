"""One probe of a schedule, with what it inherits, and the place of each of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from specwatch.spec import Source

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: str | float) -> float:
    """A duration such as `30s`, or a number of seconds, in seconds.

    Args:
        duration: in the form that the schema asks for.
    """
    if not isinstance(duration, str):
        return float(duration)
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", duration).groups()  # type: ignore[union-attr]  # so says the schema
    return round(float(number) * _UNITS[unit], 9)


def merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of both; where both have one, mappings are merged and any other value of one's own goes first."""
    result = dict(defaults)
    for key, value in own.items():
        inherited = result.get(key)
        if isinstance(inherited, Mapping) and isinstance(value, Mapping):
            result[key] = merged(inherited, value)
        else:
            result[key] = value
    return result


@dataclass(frozen=True, eq=False)
class Entry:
    """A probe as the file has it.

    Args:
        id: its key.
        source: the file.
        values: what it has, the defaults and those of the schema included.
    """

    id: str
    source: Source
    values: Mapping[str, Any]

    def place(self, *keys: str) -> str:
        """`file:line` of a part: where the probe has it, else where the defaults have it, else the probe itself."""
        return self.source.place(*(self._start(keys) or ("probes", self.id)))

    def written(self, *keys: str) -> bool:
        """Whether the file has a part, for the probe or for all of them."""
        return self._start(keys) is not None

    def seconds(self, key: str) -> float:
        """One of its durations, in seconds."""
        return seconds(self.values[key])

    def _start(self, keys: tuple[str, ...]) -> tuple[str, ...] | None:
        ways = (("probes", self.id, *keys), ("defaults", *keys))
        return next((way for way in ways if _has(self.source.data, way)), None)


def _has(node: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return True
