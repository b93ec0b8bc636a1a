"""SARIF: rules and results as the standard and GitHub ask for them, at the lines of the specs."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.result import RunResult
from specwatch.contract.run import ContractRun
from specwatch.reports.places import Place, Places, relative_path
from specwatch.reports.render import render
from specwatch.reports.sarif import BODY_CHARACTERS, MAX_RESULTS, message_text, plain_text, to_sarif
from specwatch.reports.text import in_order
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api
from specwatch.values import Exchange, Level, Verdict, Violation
from specwatch.values.baseline import Acceptance, Comparison
from specwatch.values.violation import Rate

MakeResult = Callable[..., RunResult]
LEVELS = {"error", "warning", "note"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def run_of(result: RunResult, *apis: Api) -> Any:
    """The one run of a report, after it has been through JSON and has been checked."""
    document = json.loads(render("sarif", result, apis))
    check_log(document)
    return document["runs"][0]


def check_log(document: Mapping[str, Any]) -> None:
    """What SARIF 2.1.0 (sections in brackets) and GitHub ask of the parts that are used."""
    assert document["version"] == "2.1.0"  # 3.13.2
    assert document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    rules = driver["rules"]
    assert driver["name"]  # 3.19.8
    assert len({rule["id"] for rule in rules}) == len(rules)  # 3.49.3
    for rule in rules:
        check_rule(rule)
    for result in run["results"]:
        check_result(result, rules, set(run["originalUriBaseIds"]))
    for name in ("baselineState", "suppressions"):
        assert len({name in result for result in run["results"]}) <= 1  # 3.27.23, 3.27.24: all or none
    for invocation in run["invocations"]:
        check_invocation(invocation, driver)


def check_rule(rule: Mapping[str, Any]) -> None:
    """A rule has all that GitHub needs, none of it empty, within its lengths."""
    texts = [rule[name]["text"] for name in ("shortDescription", "fullDescription", "help")]
    assert all(texts)
    assert max(map(len, texts[:2])) <= 1_024
    assert len(rule["name"]) <= 255
    assert rule["defaultConfiguration"]["level"] in LEVELS
    tags = rule["properties"]["tags"]
    assert len(set(tags)) == len(tags) <= 10  # 3.8.2: a set; GitHub shows ten, and refuses a file with over twenty
    assert rule["properties"]["precision"] in {"very-high", "high", "medium", "low"}
    assert rule["properties"]["problem.severity"] in {"error", "warning", "recommendation"}


def check_result(result: Mapping[str, Any], rules: list[Any], bases: set[str]) -> None:
    """A result has a message, one place with a region, a fingerprint, and the rule that it says it has."""
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # 3.27.6
    assert result["kind"] == "fail"  # 3.27.9; only then may it have a level
    assert result["level"] in LEVELS
    check_message(result["message"])
    (location,) = result["locations"]
    place = location["physicalLocation"]
    uri = place["artifactLocation"]["uri"]
    assert re.fullmatch(r"[\w.~/%-]+", uri)  # 3.10.2: a valid relative URI
    assert not uri.startswith("/")
    assert place["artifactLocation"]["uriBaseId"] in bases
    region = place["region"]
    assert 1 <= region["startLine"] == region["endLine"]
    assert 1 <= region["startColumn"] <= region["endColumn"]  # 3.30
    assert all(isinstance(value, str) and value for value in result["partialFingerprints"].values())
    assert result["partialFingerprints"]["primaryLocationLineHash"]
    assert 0 <= result["rank"] <= 100  # 3.27.25
    for suppression in result.get("suppressions", []):  # 3.35
        assert suppression["kind"] in {"inSource", "external"}
        assert suppression["status"] in {"accepted", "underReview", "rejected"}
    for name in ("webRequest", "webResponse"):  # 3.46, 3.47
        if name in result:
            assert all(isinstance(value, str) for value in result[name]["headers"].values())
            assert set(result[name].get("body", {})) <= {"text", "binary", "properties"}


def check_message(message: Mapping[str, Any]) -> None:
    """A message holds no placeholder and no link by accident."""
    assert message["text"]
    assert not re.search(r"[{}]", message["text"].replace("{{", "").replace("}}", ""))  # 3.11.5
    assert "](" not in message["text"]  # 3.11.6


def check_invocation(invocation: Mapping[str, Any], driver: Mapping[str, Any]) -> None:
    """An invocation says whether it went well; a notification names a descriptor that there is."""
    assert isinstance(invocation["executionSuccessful"], bool)  # 3.20.14
    assert TIME.fullmatch(invocation["startTimeUtc"])
    assert TIME.fullmatch(invocation["endTimeUtc"])
    known = {descriptor["id"] for descriptor in driver["notifications"]}
    for notification in invocation["toolExecutionNotifications"]:
        assert notification["descriptor"]["id"] in known  # 3.58.2
        assert notification["level"] in LEVELS
        check_message(notification["message"])
        if rule := notification.get("associatedRule"):
            assert driver["rules"][rule["index"]]["id"] == rule["id"]  # 3.58.3


def told(run: Any, descriptor: str) -> list[str]:
    """The texts of the notifications of a kind."""
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    return [plain_text(each["message"]["text"]) for each in notifications if each["descriptor"]["id"] == descriptor]


def test_claims_are_rules(make_result: MakeResult, api: Api) -> None:
    """Each claim is a rule with its text, its level and its source; kept ones, too."""
    rules = {rule["id"]: rule for rule in run_of(make_result(), api)["tool"]["driver"]["rules"]}

    assert set(rules) == {"parcels/kept", "parcels/broken", "parcels/shaky", "parcels/open"}
    assert rules["parcels/broken"]["shortDescription"]["text"] == "It is so: broken."
    assert rules["parcels/broken"]["defaultConfiguration"]["level"] == "error"
    assert rules["parcels/shaky"]["defaultConfiguration"]["level"] == "warning"
    assert "specwatch check --claim parcels/broken" in rules["parcels/broken"]["help"]["text"]


def test_a_claim_about_everything_has_few_tags(make_result: MakeResult, api: Api) -> None:
    """However many operations it is about, and whatever they are called: no tag twice, and no more than are shown."""
    result = make_result()
    (first, second, *_), (api_result, *_) = result.apis[0].claims, result.apis
    names = [
        frozenset({"parcels", "promise", "getParcel"}),
        frozenset(f"operation{number}" for number in range(25)),
    ]
    claims = tuple(
        replace(each, claim=replace(each.claim, operations=operations))
        for each, operations in zip((first, second), names, strict=True)
    )
    run = run_of(replace(result, apis=(replace(api_result, claims=claims, violations=()),)), api)
    few, many = (rule["properties"]["tags"] for rule in run["tool"]["driver"]["rules"])
    assert few == ["api-contract", "promise", "parcels", "getParcel"]
    assert (many[:3], len(many)) == (["api-contract", "promise", "parcels"], 10)


def test_violations_are_results(make_result: MakeResult, api: Api) -> None:
    """A broken promise is an error, a broken inference a warning, and kept and unknown claims are no results."""
    results = run_of(make_result(text="no {0} [here](x)"), api)["results"]

    assert [(result["ruleId"], result["level"]) for result in results] == [
        ("parcels/broken", "error"),
        ("parcels/shaky", "warning"),
    ]
    assert results[0]["message"]["text"].splitlines()[1:] == [
        "Expected: no {{0}} [here] (x)",
        "Found: no {{0}} [here] (x)",
    ]
    assert results[0]["properties"]["expected"] == "no {0} [here](x)"


def test_strict_makes_errors_of_inferences(make_result: MakeResult, api: Api) -> None:
    """What fails a run is an error."""
    assert {result["level"] for result in run_of(make_result(strict=True), api)["results"]} == {"error"}


def test_each_analysis_has_a_category(make_result: MakeResult, api: Api) -> None:
    """Profile, target and APIs make it, so that runs of something else close no alerts; a port is no part of a path."""
    result = make_result()
    names = [
        to_sarif(replace(result, target=target), [api])["runs"][0]["automationDetails"]["id"]  # type: ignore[index]
        for target in ("live", "https://staging.example.com:8443/base")
    ]
    ours = "+".join(sorted(each.id for each in result.apis))
    assert names == [
        f"specwatch/{result.profile}/live/{ours}/",
        f"specwatch/{result.profile}/url-staging.example.com-8443/{ours}/",
    ]


def test_unknown_claims_are_notifications(make_result: MakeResult, api: Api) -> None:
    """An unknown claim is said with its reason and its rule, and never shown as a finding."""
    run = run_of(make_result(trouble=("the target said 429",), interrupted=True), api)

    assert told(run, "unknown-claim") == ["parcels/open is unknown: PARCELS_TOKEN is not set"]
    assert told(run, "trouble") == ["parcels: the target said 429"]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_result_is_the_same_in_every_run(make_result: MakeResult, api: Api) -> None:
    """Its fingerprint is the id of the violation, whatever was found this time."""
    first, second = (run_of(make_result(text=text), api)["results"][0] for text in ("once", "again"))

    assert first["partialFingerprints"] == second["partialFingerprints"]


def test_exchanges_are_web_requests(make_result: MakeResult, make_exchange: Callable[..., Exchange], api: Api) -> None:
    """Request and answer stand beside the result; a body is cut and says so, bytes are base64."""
    result = make_result()
    exchange = make_exchange(
        method="POST", headers=(("X-A", "1"), ("X-A", "2")), body=b"\xff", answer=b"x" * (BODY_CHARACTERS + 1)
    )
    (api_result,) = result.apis
    violation = replace(api_result.violations[1], exchange=exchange)
    run = run_of(replace(result, apis=(replace(api_result, violations=(violation,)),)), api)
    (found,) = run["results"]

    assert (found["webRequest"]["method"], found["webRequest"]["headers"]) == ("POST", {"X-A": "1, 2"})
    assert found["webRequest"]["body"] == {"binary": "/w=="}
    assert found["webResponse"]["statusCode"] == 200
    assert len(found["webResponse"]["body"]["text"]) == BODY_CHARACTERS
    assert found["webResponse"]["body"]["properties"] == {"bytes": BODY_CHARACTERS + 1, "truncated": True}


def test_a_sporadic_violation_ranks_lower(make_result: MakeResult, api: Api) -> None:
    """One failure in four tries is worth a quarter, and the message says so."""
    result = make_result()
    (api_result,) = result.apis
    violation = replace(api_result.violations[1], rate=Rate(1, 4))
    (found,) = run_of(replace(result, apis=(replace(api_result, violations=(violation,)),)), api)["results"]

    assert found["rank"] == 25.0
    assert found["properties"]["rate"] == {"failed": 1, "tries": 4}
    assert found["message"]["text"].endswith(
        "Tried again: failed 1 of 4 tries: now and then, or depending on what was asked before"
    )


def test_accepted_violations_are_suppressed(make_result: MakeResult, api: Api) -> None:
    """What the baseline accepts is a suppressed note with its reason; what ran out counts; what is gone is said."""
    result = make_result()
    shaky, broken = result.apis[0].violations
    accepted, expired, gone = (
        Acceptance(key, "parcels/x", "known since May", date(2026, 12, 31))
        for key in (broken.key, shaky.key, "parcels/0")
    )
    compared = replace(result, baseline=Comparison({broken.key: accepted}, {shaky.key: expired}, (gone,), (gone,)))
    run = run_of(compared, api)
    first, second = run["results"]

    assert (first["level"], first["baselineState"]) == ("note", "unchanged")
    assert first["suppressions"][0]["justification"] == "known since May (accepted until 2026-12-31)"
    assert (second["level"], second["baselineState"], second["suppressions"]) == ("warning", "unchanged", [])
    assert len(told(run, "gone")) == len(told(run, "unchecked")) == 1
    assert {each["baselineState"] for each in run_of(replace(result, baseline=Comparison()), api)["results"]} == {"new"}


def test_too_many_results_are_cut(make_result: MakeResult, api: Api) -> None:
    """GitHub shows 5,000: the gravest are kept, and it is said how many are not there."""
    run = run_of(make_result(violations=MAX_RESULTS), api)

    assert len(run["results"]) == MAX_RESULTS
    assert {result["level"] for result in run["results"]} == {"error"}
    assert told(run, "results-left-out") == ["5,000 violations more in the JSON report"]


def test_real_runs_are_valid(real_run: RunResult, api: Api) -> None:
    """Each claim of a real run is a rule; each violation leads to a line of the spec."""
    run = run_of(real_run, api)
    lines = api.path.read_text(encoding="utf-8").splitlines()

    assert len(run["tool"]["driver"]["rules"]) == len(real_run.apis[0].claims)
    assert len(run["results"]) == len(real_run.apis[0].violations)
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        text = lines[place["region"]["startLine"] - 1]
        assert re.search(r"id: |operationId|responses|\"\d|get:|delete:", text), text


@pytest.mark.parametrize("text", ["\0\x1b[31m", "\ud800", "{0}{{", "](", "", "\r\n::error::x"])
def test_any_text_makes_a_valid_report(make_result: MakeResult, api: Api, text: str) -> None:
    """Control characters, half characters, placeholders and links of a provider break nothing."""
    assert len(run_of(make_result(text=text or "-"), api)["results"]) == 2


@given(st.text())
def test_message_text_is_plain(text: str) -> None:
    """Escaping makes no placeholder and no link, and what is shown in the end is the text."""
    check_message({"text": message_text(text) or "-"})
    assert plain_text(message_text(text)) == in_order(text).replace("](", "] (")


@pytest.mark.parametrize(
    "claim, operation, line",
    [
        ("id-echoed", "getParcel", "- id: id-echoed"),
        ("survives-the-night", "", "- id: survives-the-night"),
        ("getParcel/401/bad_token", "getParcel", '"401":'),
        ("getParcel/status", "getParcel", "get:"),
        ("dropParcel/204", "dropParcel", 'responses: {"204"'),
        ("no-such-claim", "dropParcel", "delete:"),
        ("no-such-claim", "", ""),
    ],
)
def test_claims_have_lines(api: Api, claim: str, operation: str, line: str) -> None:
    """A written claim has its own line; a derived one that of the answer, or of the operation, it speaks about."""
    violation = Violation("parcels", claim, Level.PROMISE, operation, "claim", "", "", "")
    place = Places([api]).of(violation)
    text = api.path.read_text(encoding="utf-8").splitlines()[place.line - 1]

    assert text.strip().startswith(line)
    assert text[place.first_column - 1 : place.end_column - 1] == text.strip()


def test_a_spec_that_is_gone_has_a_first_line(api: Api, tmp_path: Path) -> None:
    """Neither a file that was moved nor one that is broken by now keeps a report from being written."""
    violation = Violation("parcels", "id-echoed", Level.PROMISE, "getParcel", "claim", "", "", "")
    path = tmp_path / "specs" / "parcels.yaml"
    moved = replace(api, path=path)

    assert Places([moved]).of(violation) == Place("specs/parcels.yaml", 1)
    path.parent.mkdir()
    path.write_text("a: [", encoding="utf-8")
    assert Places([moved]).of(violation) == Place("specs/parcels.yaml", 1)
    assert Places([]).of(violation) == Place("specs/parcels.yaml", 1)


def test_paths_start_at_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest folder with `.git` is the root, else the current folder, else the workspace."""
    path = tmp_path / "repository" / "apis" / "specs" / "a b.yaml"
    path.parent.mkdir(parents=True)
    path.touch()

    assert relative_path(path) == "specs/a b.yaml"
    monkeypatch.chdir(tmp_path / "repository")
    assert relative_path(path) == "apis/specs/a b.yaml"
    monkeypatch.chdir(path.parent)
    (tmp_path / "repository" / ".git").mkdir()
    assert relative_path(path) == "apis/specs/a b.yaml"


def test_nothing_is_found_in_a_run_that_passes(make_result: MakeResult, api: Api) -> None:
    """A run in which all is kept has rules and no results."""
    run = run_of(make_result(only=(Verdict.PASS,)), api)

    assert (len(run["tool"]["driver"]["rules"]), run["results"]) == (1, [])
    assert to_sarif(make_result(only=(Verdict.PASS,)), [])["version"] == "2.1.0"


@pytest.mark.parametrize("kind", ["sarif", "markdown"])
def test_no_credential_is_in_a_report(
    make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox, send: Callable[..., None], api: Api, kind: str
) -> None:
    """Where a credential was sent the report has the name of its variable."""
    run = make_run(sandbox.url, environment={"PARCELS_TOKEN": "specwatch-sandbox-account"}, send_credentials=True)
    sandbox.app_state.enable("parcels/getParcel/200/drop/state")
    try:
        send(run.apis["parcels"], "p1")
    finally:
        sandbox.app_state.disable_all()
    text = render(kind, run.result(), [api])

    assert "$PARCELS_TOKEN" in text
    assert "specwatch-sandbox-account" not in text
