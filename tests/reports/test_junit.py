"""JUnit XML: a suite per API, a case per claim, and a document whatever a provider sends."""

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.result import RunResult
from specwatch.reports.junit import MAX_VIOLATIONS, to_junit
from specwatch.reports.text import xml_text


def cases(result: RunResult) -> dict[str, ET.Element]:
    """Test cases by name."""
    return {case.get("name", ""): case for case in ET.fromstring(to_junit(result)).iter("testcase")}  # noqa: S314 - ours


def test_suite_counts_its_cases(make_result: Callable[..., RunResult]) -> None:
    """The suite names the API and says how many claims failed and were skipped."""
    root = ET.fromstring(to_junit(make_result()))  # noqa: S314 - ours
    suite = root[0]
    figures = {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped", "time")}

    assert figures == {"name": "parcels", "tests": "4", "failures": "1", "errors": "0", "skipped": "1", "time": "0.250"}
    assert suite.get("timestamp") == "2023-11-14T22:13:20.250Z"
    assert root.attrib == {"name": "specwatch check", "time": "1.500", "tests": "4", "failures": "1", "errors": "0"}


def test_every_claim_is_a_case(make_result: Callable[..., RunResult]) -> None:
    """A case is named after its claim and classed under its API."""
    found = {(case.get("classname"), name, case.get("time")) for name, case in cases(make_result()).items()}

    assert found == {("parcels", name, "0") for name in ("kept", "broken", "shaky", "open")}


def test_a_kept_claim_passes(make_result: Callable[..., RunResult]) -> None:
    """Its case is empty."""
    assert list(cases(make_result())["kept"]) == []


def test_a_broken_promise_fails(make_result: Callable[..., RunResult]) -> None:
    """The failure tells what was expected, what came and how to repeat it."""
    failure = cases(make_result())["broken"].find("failure")

    assert failure is not None
    assert (failure.get("message"), failure.get("type")) == ("it was not so", "promise")
    assert (failure.text or "").splitlines() == [
        "it was not so",
        "operation: getParcel",
        "expected:  it was not so",
        "found:     it was not so",
        "repeat:    curl -i https://parcels.example/parcels/p1",
    ]


def test_a_broken_inference_warns(make_result: Callable[..., RunResult]) -> None:
    """It passes, and its output says what was seen."""
    case = cases(make_result())["shaky"]

    assert [child.tag for child in case] == ["system-out"]
    assert (case.findtext("system-out") or "").startswith("warning: it was not so")


def test_a_broken_inference_fails_a_strict_run(make_result: Callable[..., RunResult]) -> None:
    """Under --strict both levels fail."""
    result = make_result(strict=True)

    assert [child.tag for child in cases(result)["shaky"]] == ["failure"]
    assert 'failures="2"' in to_junit(result)


def test_an_unknown_claim_is_skipped(make_result: Callable[..., RunResult]) -> None:
    """It is never shown as passed, and its reason is there."""
    skipped = cases(make_result())["open"].find("skipped")

    assert skipped is not None
    assert skipped.get("message") == "PARCELS_TOKEN is not set"


def test_many_violations_of_a_claim_are_cut(make_result: Callable[..., RunResult]) -> None:
    """A claim that is broken everywhere does not fill the screen of the CI."""
    text = cases(make_result(violations=MAX_VIOLATIONS + 3))["broken"].findtext("failure") or ""

    assert text.count("repeat:") == MAX_VIOLATIONS
    assert text.endswith("and 3 violations more in the JSON report")


@pytest.mark.parametrize("text", ["\0\x1b[31m", "\ud800", "]]> <x> & \" '", "\ufffe", "a\r\nb"])
def test_any_text_makes_valid_xml(make_result: Callable[..., RunResult], text: str) -> None:
    """Control characters, half characters and markup of a provider do not break the document."""
    assert len(cases(make_result(text=text))) == 4


@given(st.text(st.characters(codec=None)))
def test_xml_text_can_be_parsed(text: str) -> None:
    """Whatever is left of any text is legal in XML."""
    element = ET.Element("x")
    element.text = xml_text(text)
    parsed = ET.fromstring(ET.tostring(element, encoding="unicode"))  # noqa: S314 - ours
    assert (parsed.text or "") == xml_text(text).replace("\r\n", "\n").replace("\r", "\n")


def test_real_runs_make_valid_xml(real_run: RunResult) -> None:
    """Each claim of a real run is one case."""
    assert set(cases(real_run)) == {result.claim.id for result in real_run.apis[0].claims}
