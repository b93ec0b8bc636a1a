"""The reports by kind, each as text. A report's module is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from specwatch.contract.result import RunResult
from specwatch.reports.files import json_text
from specwatch.reports.next_steps import Options
from specwatch.spec.model import Api

Renderer = Callable[[RunResult, Sequence[Api], Options], str]
"""Makes the text of a report from a run, the specs of its APIs and its options; without a line break at its end."""


def render(kind: str, result: RunResult, apis: Sequence[Api], options: Options | None = None) -> str:
    """The text of a report.

    Args:
        kind: one of `RENDERERS`.
        result: the run.
        apis: the specs of its APIs.
        options: what the run was given beside that, for commands that repeat it.
    """
    return RENDERERS[kind](result, apis, options or Options())


def _html(result: RunResult, apis: Sequence[Api], options: Options) -> str:
    from specwatch.reports.html import to_html

    return to_html(result, apis, options)


def _markdown(result: RunResult, apis: Sequence[Api], options: Options) -> str:
    from specwatch.reports.markdown import to_markdown

    return to_markdown(result, apis, options)


def _sarif(result: RunResult, apis: Sequence[Api], _options: Options) -> str:
    from specwatch.reports.sarif import to_sarif

    return json_text(to_sarif(result, apis))


def _json(result: RunResult, _apis: Sequence[Api], _options: Options) -> str:
    from specwatch.reports.json_report import to_json

    return json_text(to_json(result))


def _junit(result: RunResult, _apis: Sequence[Api], _options: Options) -> str:
    from specwatch.reports.junit import to_junit

    return to_junit(result).rstrip("\n")


def _har(result: RunResult, _apis: Sequence[Api], _options: Options) -> str:
    from specwatch.reports.har import to_har

    return json_text(to_har(result.exchanges))


RENDERERS: Final[Mapping[str, Renderer]] = {
    "html": _html,
    "markdown": _markdown,
    "json": _json,
    "junit": _junit,
    "sarif": _sarif,
    "har": _har,
}

NAMES: Final[Mapping[str, str]] = {
    "html": "HTML",
    "markdown": "Markdown",
    "json": "JSON",
    "junit": "JUnit XML",
    "sarif": "SARIF",
    "har": "HAR",
}
"""Kinds as people call them."""
