"""A defect of the workspace itself is the first thing that every report says, and never a pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from specwatch.contract.result import RunResult
from specwatch.reports.annotations import to_annotations
from specwatch.reports.console import print_result
from specwatch.reports.html.headline import headline
from specwatch.reports.json_report import schema, to_json
from specwatch.reports.junit import to_junit
from specwatch.reports.markdown import to_markdown
from specwatch.reports.next_steps import advice
from specwatch.reports.sarif import to_sarif
from specwatch.spec import Api
from specwatch.values import Verdict
from specwatch.values.defect import Defect, Part

MakeResult = Callable[..., RunResult]
WHERE = "sandbox/parcels.py:12"
IN_SANDBOX = Defect(Part.SANDBOX, WHERE, "the sandbox of parcels failed on getParcel: KeyError: 'nmae'", "parcels")
IN_TEST = Defect(Part.CONTRACT_TEST, "contracts/test_parcels.py:7", "test_it: KeyError: 'getPracel'", "parcels")


@pytest.fixture
def kept(make_result: MakeResult) -> RunResult:
    """A run in which nothing is broken, with a contract test that has a defect."""
    return replace(make_result(only=(Verdict.PASS,)), defects=(IN_TEST,))


@pytest.fixture
def broken(make_result: MakeResult) -> RunResult:
    """A run that found a broken promise, with a sandbox module that has a defect."""
    return replace(make_result(), defects=(IN_SANDBOX,))


@pytest.fixture
def told(make_console: Callable[..., Console], shown: Callable[[Console], str]) -> Callable[[RunResult], str]:
    """What the terminal shows of a run, on long lines."""

    def tell(result: RunResult) -> str:
        console = make_console(300)
        print_result(console, result)
        return shown(console)

    return tell


def test_nothing_reads_as_a_pass(kept: RunResult, told: Callable[[RunResult], str]) -> None:
    """The verdict is unknown, also of the API that it is about, and the last line says why."""
    text = told(kept)
    assert kept.verdict is Verdict.UNKNOWN
    assert "pass" not in text.lower()
    assert text.index(IN_TEST.text) < text.index("? UNKNOWN: this workspace has a defect of its own (contracts/test_")
    assert "beside it, 1 claim holds." in text
    assert list(advice(kept)) == ["correct contracts/test_parcels.py:7 first, then repeat the command"]


def test_another_api_has_passed(kept: RunResult, told: Callable[[RunResult], str]) -> None:
    """A defect that is about one API leaves the verdict of the others."""
    (api,) = kept.apis
    rows = [line.split()[:3] for line in told(replace(kept, apis=(api, replace(api, id="other")))).splitlines()]
    assert ["parcels", "?", "unknown"] in rows
    assert ["other", "✓", "pass"] in rows


def test_a_failed_run_stays_failed(broken: RunResult, told: Callable[[RunResult], str]) -> None:
    """A broken promise counts, but the defect that it may come from stands before it."""
    text = told(broken)
    assert text.index("Defects of this workspace, not of a provider") < text.index("parcels/broken")
    assert f"✗ FAIL: this workspace has a defect of its own ({WHERE}), which has to be mended first; beside it" in text
    many = told(replace(broken, defects=(IN_SANDBOX, IN_TEST) * 20))
    assert f"this workspace has 40 defects of its own ({WHERE} and more), which have to be mended first" in many
    assert "and 20 more in the JSON report" in many


def test_the_page_accuses_no_provider(broken: RunResult, kept: RunResult, api: Api) -> None:
    """Whose fault it is begins with the workspace's own file and line."""
    found = headline(broken, [api])
    assert (found.mark.word, found.sentence) == ("Fail", f"This workspace has a defect of its own: {WHERE}.")
    assert found.whose.startswith("This workspace's own sandbox module")
    assert f"{WHERE}: {IN_SANDBOX.text}" in found.whose
    assert not any("provider" in text for text in (found.whose, *found.details))
    passed = headline(kept, [api])
    assert (passed.mark.word, passed.details) == ("Unknown", ("Beside it: nothing wrong was found: 1 claim holds.",))
    assert passed.whose.startswith("This workspace's own contract test")


def test_beside_a_defect_of_a_test_the_provider_stays_accused(broken: RunResult, api: Api) -> None:
    """A contract test that fails by itself makes no answer wrong; all defects are named, up to a number."""
    found = headline(replace(broken, defects=(IN_TEST,) * 6), [api])
    assert found.sentence == "This workspace has 6 defects of its own: contracts/test_parcels.py:7."
    assert "And 2 more defects in the JSON report." in found.details
    assert any(text.startswith("Beside it: ") and "The provider's" in text for text in found.details)


def test_json_lists_them(broken: RunResult, make_result: MakeResult) -> None:
    """With what is known of each; a run without has no such list."""
    document = to_json(replace(broken, defects=(IN_SANDBOX, replace(IN_TEST, api=""))))
    Draft202012Validator(schema()).validate(document)
    assert document["defects"] == [
        {"part": "sandbox", "where": WHERE, "what": IN_SANDBOX.text, "api": "parcels"},
        {"part": "contract test", "where": IN_TEST.where, "what": IN_TEST.text},
    ]
    assert "defects" not in to_json(make_result())


def test_junit_has_errors(broken: RunResult) -> None:
    """A suite of their own, before those of the APIs."""
    root = ET.fromstring(to_junit(broken))  # noqa: S314 - ours
    (case,) = root[0].iter("testcase")
    error = case.find("error")
    assert (root.get("tests"), root.get("errors"), root[0].get("errors")) == ("5", "1", "1")
    assert (case.get("classname"), case.get("name")) == ("sandbox", WHERE)
    assert error is not None
    assert error.get("message") == IN_SANDBOX.text


def test_sarif_and_its_annotations(kept: RunResult, api: Api) -> None:
    """An error of the tool, which did not go well, and no word about the provider."""
    document: Mapping[str, Any] = json.loads(json.dumps(to_sarif(kept, [api])))
    (invocation,) = document["runs"][0]["invocations"]
    (told,) = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is False
    assert (told["descriptor"]["id"], told["level"]) == ("defect", "error")
    assert told["message"]["text"] == str(IN_TEST)
    (annotation,) = to_annotations(document)
    assert (annotation.level, annotation.message) == ("error", str(IN_TEST))


def test_markdown_begins_with_them(broken: RunResult, kept: RunResult, api: Api) -> None:
    """Heading, a sentence with the place, and a table before all else."""
    text = to_markdown(broken, [api])
    assert text.startswith(
        "## ❌ specwatch: fail\n\n**This workspace has 1 defect of its own**, see `sandbox/parcels.py"
    )
    assert text.index(f"| sandbox | `{WHERE}` | the sandbox of parcels") < text.index("Target `sandbox`")
    assert "could be established" not in to_markdown(kept, [api])
