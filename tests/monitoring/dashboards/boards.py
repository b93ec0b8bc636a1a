"""The dashboards of this repository, as plain data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tests.probes.support import WORKSPACE

from specwatch.monitoring.dashboards.files import dashboard_files
from specwatch.monitoring.origin import Origin, load_origin

NAMES = ("overview", "api", "prober", "fleet")


@lru_cache(maxsize=1)
def origin() -> Origin:
    """What this repository's dashboards are derived from."""
    return load_origin(WORKSPACE)


@lru_cache(maxsize=1)
def _texts() -> dict[str, str]:
    return dict(dashboard_files(origin()))


def board(name: str) -> dict[str, Any]:
    """A dashboard of this repository; a copy that a test may spoil."""
    data: dict[str, Any] = json.loads(_texts()[f"dashboards/{name}.json"])
    return copy.deepcopy(data)


def panels(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard, without rows."""
    return (panel for panel in data["panels"] if panel["type"] != "row")


def panel(data: dict[str, Any], title: str) -> dict[str, Any]:
    """The panel with that title."""
    (found,) = (each for each in panels(data) if each["title"] == title)
    return found
