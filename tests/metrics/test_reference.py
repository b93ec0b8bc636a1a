"""The reference of the metrics says what the exporter exports."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.metrics import FAMILIES, PROCESS, Metrics

DOCS = Path(__file__).resolve().parents[2] / "docs"


def written() -> str:
    """The page as it stands."""
    return (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")


def test_the_page_is_fresh() -> None:
    """It is what its script writes: if not, `python docs/make_metrics.py`."""
    spec = importlib.util.spec_from_file_location("docs_make_metrics", DOCS / "make_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert written().splitlines() == str(module.metrics_page()).splitlines()


def test_what_is_exported_is_what_is_described(metrics: Metrics, text: Callable[..., str]) -> None:
    """Names and types of a scrape are those of the table, in its order."""
    found = re.findall(r"^# TYPE (\S+) (\S+)$", text(metrics), re.MULTILINE)
    kinds = {family.name: "gauge" if family.kind == "info" else str(family.kind) for family in FAMILIES}
    assert [pair for pair in found if not pair[0].startswith("process_")] == list(kinds.items())


@pytest.mark.skipif(sys.platform != "linux", reason="prometheus_client tells about processes on Linux only")
def test_the_process_metrics_are_those_of_the_library(metrics: Metrics, text: Callable[..., str]) -> None:
    """What the library says about the process is all in the reference, by name and type."""
    found = re.findall(r"^# TYPE (process_\S+) (\S+)$", text(metrics), re.MULTILINE)
    assert sorted(found) == sorted((family.name, str(family.kind)) for family in PROCESS)
