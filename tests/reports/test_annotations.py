"""Annotations: a SARIF report as workflow commands, one line each, whatever a provider said."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.result import RunResult
from specwatch.reports.annotations import MESSAGE_CHARACTERS, MOST, Annotation, main, to_annotations
from specwatch.reports.places import relative_path
from specwatch.reports.render import render
from specwatch.reports.sarif import to_sarif
from specwatch.reports.text import in_order
from specwatch.spec import Api
from specwatch.values import Verdict
from specwatch.values.baseline import Acceptance, Comparison

MakeResult = Callable[..., RunResult]
STEERING = "\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"
COMMAND = re.compile(r"::(error|warning|notice) ([^\r\n]*?)::([^\r\n]*)")
CODES = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """What GitHub's runner makes of a line: command, properties, message."""
    found = COMMAND.fullmatch(line)
    assert found, line
    pairs = (each.partition("=") for each in found[2].split(","))
    return found[1], {name: decode(value) for name, _, value in pairs}, decode(found[3])


def decode(text: str) -> str:
    """Take the escapes back."""
    return re.sub("|".join(CODES), lambda match: CODES[match[0]], text)


def annotations(result: RunResult, api: Api) -> list[tuple[str, dict[str, str], str]]:
    """The annotations of a run as the runner reads them."""
    document: Any = json.loads(render("sarif", result, [api]))
    return [runner_reads(str(each)) for each in to_annotations(document)]


def test_violations_stand_at_their_lines(make_result: MakeResult, api: Api) -> None:
    """A broken promise is an error, a broken inference a warning, with the claim as title and the id in the text."""
    result = make_result(text="a, b: 50 %\nand {more}")
    error, warning = annotations(result, api)

    assert error[0] == "error"
    assert error[1] == {"file": relative_path(api.path), "line": "8", "title": "parcels/broken"}
    assert error[2].splitlines()[0] == "a, b: 50 %"
    assert error[2].endswith(f"and {{more}}\nid {result.apis[0].violations[1].id}")
    assert (warning[0], warning[1]["title"]) == ("warning", "parcels/shaky")


def test_only_what_github_shows(make_result: MakeResult, api: Api) -> None:
    """Ten errors and ten warnings; a notice says how many more there are."""
    found = annotations(make_result(violations=MOST + 3), api)

    assert [level for level, _, _ in found] == ["error"] * MOST + ["warning"] * MOST + ["notice"]
    assert found[-1][2] == "6 findings more in the summary of the job"


def test_a_run_that_could_not_tell_warns(make_result: MakeResult, api: Api) -> None:
    """Trouble of ours and an unknown verdict are warnings without a place, never errors."""
    found = annotations(make_result(only=(Verdict.UNKNOWN,), trouble=("401 to our own credential",)), api)

    assert [(level, properties["title"]) for level, properties, _ in found] == [
        ("warning", "specwatch: not judged"),
        ("warning", "specwatch: unknown"),
    ]
    assert found[0][2] == "parcels: 401 to our own credential"


def test_a_run_that_passes_is_silent(make_result: MakeResult, api: Api) -> None:
    """Nothing is annotated where nothing is wrong."""
    assert annotations(make_result(only=(Verdict.PASS,)), api) == []


def test_what_is_gone_fails_a_strict_run(make_result: MakeResult, api: Api) -> None:
    """An accepted violation that is not found any more is an error under --strict, and silent without."""
    gone = Acceptance("parcels/0000000000", "parcels/kept", "was so", date(2026, 12, 31))
    result = replace(make_result(only=(Verdict.PASS,)), baseline=Comparison(gone=(gone,)))

    assert annotations(result, api) == []
    ((level, properties, _),) = annotations(replace(result, strict=True), api)
    assert (level, properties) == ("error", {"title": "specwatch: baseline"})


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)), st.text())
def test_one_line_says_one_thing(title: str, message: str, file: str) -> None:
    """Whatever the texts hold, the runner reads them back, and no second command."""
    line = str(Annotation("error", title, message[:MESSAGE_CHARACTERS], file, 7))
    command, properties, told = runner_reads(line)

    assert command == "error"
    assert properties.get("file", "") == in_order(file)
    assert properties["title"] == in_order(title).encode("utf-8", "backslashreplace").decode()
    assert told == in_order(message).encode("utf-8", "backslashreplace").decode()
    assert not set(line) & set(STEERING)


@pytest.mark.parametrize("kind", ["sarif", "junit"])
@pytest.mark.parametrize("char", STEERING)
def test_nothing_is_reordered_unseen(make_result: MakeResult, api: Api, kind: str, char: str) -> None:
    """Marks of direction, and separators of lines that only some readers know, are written out."""
    result = make_result(text=f"abc{char}def")
    told = render(kind, result, [api])
    if kind == "sarif":
        (run,) = json.loads(told)["runs"]
        told = " ".join(each["message"]["text"] for each in run["results"])

    assert char not in told
    assert f"abc\\u{ord(char):04x}def" in told
    assert all(char not in message for _, _, message in annotations(result, api))


def test_file_is_printed(make_result: MakeResult, api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a program it prints the annotations of a SARIF file."""
    path = tmp_path / "x.sarif"
    path.write_text(json.dumps(to_sarif(make_result(), [api])), encoding="utf-8")

    assert main([str(path)]) == 0
    assert [runner_reads(line)[0] for line in capsys.readouterr().out.splitlines()] == ["error", "warning"]


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"runs": [{"results": [{}]}]}', "\0"])
def test_a_wrong_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None) -> None:
    """A file that is missing or is no report of ours ends with 2 and a sentence."""
    path = tmp_path / "x.sarif"
    if text is not None:
        path.write_text(text, encoding="utf-8")

    assert main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err
