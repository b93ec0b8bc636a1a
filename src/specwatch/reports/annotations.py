"""Annotations of a GitHub job: a SARIF report as workflow commands, which GitHub shows at the lines of a pull request.

    python -m specwatch.reports.annotations contract.sarif

`specwatch check` itself prints none, so that its output is the same everywhere; `action.yml` calls this module.

Facts: GitHub's page "Workflow commands for GitHub Actions"; a step shows ten errors and ten warnings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from specwatch.errors import Problem, SpecwatchError, UsageError
from specwatch.reports.sarif import DEFECT, GONE, TROUBLE, plain_text
from specwatch.reports.text import count, in_order, shortened

MOST: Final = 10
"""Errors, and warnings, that GitHub shows of one step; it drops the rest without a word."""

MESSAGE_CHARACTERS: Final = 3_000
"""What is longer than about 4 KB of a message is not shown."""

_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = _DATA | {":": "%3A", ",": "%2C"}


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation.

    Args:
        level: `error`, `warning` or `notice`.
        file: path from the root of the repository; empty for none.
        line: counted from 1.
    """

    level: str
    title: str
    message: str
    file: str = ""
    line: int = 1

    def __str__(self) -> str:
        """The workflow command: one line, in which nothing but this annotation can be said."""
        place = {"file": self.file, "line": str(self.line)} if self.file else {}
        properties = {**place, "title": self.title}
        told = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties.items())
        return f"::{self.level} {told}::{_escaped(shortened(self.message, MESSAGE_CHARACTERS), _DATA)}"


def _escaped(text: str, table: Mapping[str, str]) -> str:
    """The text with what would mean something written out; a lone surrogate, which is no text, as its escape.

    So are marks that reorder letters, and separators of lines that the runner knows nothing of.
    """
    told = "".join(table.get(char, char) for char in in_order(text))
    return told.encode("utf-8", "backslashreplace").decode("utf-8")


def to_annotations(sarif: Mapping[str, Any]) -> Iterator[Annotation]:
    """The annotations of a SARIF report of ours.

    Args:
        sarif: what `to_sarif` made.

    Returns:
        The first ten errors and the first ten warnings, at their lines; accepted violations are left out, except those
        that are gone and fail a strict run, and what kept the run from judging is a warning. A notice says how many
        there are beyond.
    """
    (run,) = sarif["runs"]
    everything = [*_violations(run), *_troubles(run)]
    left = 0
    for level in ("error", "warning"):
        of_level = [annotation for annotation in everything if annotation.level == level]
        yield from of_level[:MOST]
        left += max(len(of_level) - MOST, 0)
    if left:
        yield Annotation("notice", "specwatch", f"{count(left, 'finding')} more in the summary of the job")


def _violations(run: Mapping[str, Any]) -> Iterator[Annotation]:
    for result in run["results"]:
        if result["level"] != "note":
            place = result["locations"][0]["physicalLocation"]
            file, line = unquote(place["artifactLocation"]["uri"]), place["region"]["startLine"]
            message = f"{plain_text(result['message']['text'])}\nid {result['properties']['violation']}"
            yield Annotation(result["level"], result["ruleId"], message, file, line)


def _troubles(run: Mapping[str, Any]) -> Iterator[Annotation]:
    (invocation,) = run["invocations"]
    properties = invocation["properties"]
    for told in invocation["toolExecutionNotifications"]:
        text = plain_text(told["message"]["text"])
        if told["descriptor"]["id"] == DEFECT:
            yield Annotation("error", "specwatch: defect of this workspace", text)
        elif told["descriptor"]["id"] == TROUBLE:
            yield Annotation("warning", "specwatch: not judged", text)
        elif told["descriptor"]["id"] == GONE and told["level"] == "error":
            yield Annotation("error", "specwatch: baseline", text)
    defective = any(told["descriptor"]["id"] == DEFECT for told in invocation["toolExecutionNotifications"])
    if properties["verdict"] == "unknown" and not defective:
        message = "Nothing could be established about an API, so this is no verdict about its provider."
        yield Annotation("warning", "specwatch: unknown", message)


def read_sarif(path: Path) -> Mapping[str, Any]:
    """A SARIF report of ours.

    Raises:
        UsageError: there is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        list(to_annotations(document))
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be read: {error.strerror or error}")) from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        expected = "what `specwatch check --sarif` wrote"
        raise UsageError(Problem(str(path), "is no SARIF report of ours", expected)) from error
    return document  # type: ignore[no-any-return]  # `list` has looked at all that is used of it


def main(arguments: Sequence[str]) -> int:
    """Print the annotations of a SARIF file, a line each.

    Args:
        arguments: the file.

    Returns:
        0, or 2 where the file is no report.
    """
    try:
        document = read_sarif(Path(*arguments))
    except SpecwatchError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.writelines(f"{annotation}\n" for annotation in to_annotations(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
