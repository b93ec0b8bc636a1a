"""`specwatch check --dry-run`: the plan is the run's own, and the target gets nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from tests.cli.conftest import Command

from specwatch.reports.plan import schema
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(api: str) -> Iterator[str]:
    """The sandbox of one of the four APIs, as a target that is no sandbox to whoever checks it."""
    apis = Workspace(ROOT, "the test's").apis([api])
    with EmbeddedSandbox(apis, load_modules(ROOT / "sandbox", apis), SandboxSettings(worker_seconds=0.0)) as sandbox:
        yield sandbox.url


def plan_of(specwatch: Command, api: str, *options: str) -> dict[str, object]:
    """The plan of a run over one API."""
    done = specwatch("--workspace", ROOT, "check", "--dry-run", "--json", "-", "--api", api, *options)
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    Draft202012Validator(schema()).validate(document)
    return document


def requests_of(plan: dict[str, object]) -> dict[str, int]:
    """Requests per operation."""
    operations = plan["apis"][0]["operations"]  # type: ignore[index]
    return {each["id"]: each["served"] + each["refused"] for each in operations}


@pytest.mark.parametrize("profile", ["smoke", "standard"])
def test_the_plan_is_what_a_run_sends(
    specwatch: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    """A run sends to each operation as many requests as its plan says, and leaves the same claims unknown."""
    monkeypatch.setenv("SCAN_DOCUMENTS_API_KEY", "specwatch-sandbox-account")
    report, har = tmp_path / "report.json", tmp_path / "run.har"
    with served("scan-documents") as url:
        given = ["--target", url, "--profile", profile, "--seed", "7"]
        plan = plan_of(specwatch, "scan-documents", *given)
        specwatch("--workspace", ROOT, "check", "--api", "scan-documents", *given, "--json", report, "--har", har)
    entries = json.loads(har.read_text())["log"]["entries"]
    sent = Counter(entry["_specwatch"]["operation"] for entry in entries)
    assert requests_of(plan) == dict(sent)
    claims = json.loads(report.read_text())["apis"][0]["claims"]
    unknown = {claim["id"] for claim in claims if claim["verdict"] == "unknown"}
    assert {each["claim"] for each in plan["apis"][0]["unknown"]} == unknown  # type: ignore[index]


def test_the_target_gets_nothing(specwatch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run opens no connection to the target, which here would be refused."""
    monkeypatch.setenv("SCAN_DOCUMENTS_API_KEY", "a secret of ours")
    plan = plan_of(specwatch, "scan-documents", "--target", "http://127.0.0.1:9", "--profile", "smoke")
    assert sum(requests_of(plan).values()) > 10
    assert "a secret of ours" not in json.dumps(plan)


def test_what_is_not_allowed_is_not_planned(specwatch: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `--allow` only requests that are promised to be refused are planned for a call that creates something."""
    for name in ("EXAROUTES_CLIENT_ID", "EXAROUTES_API_KEY"):
        monkeypatch.setenv(name, "specwatch-sandbox-account")
    target = ("--target", "live", "--profile", "smoke")
    plan = plan_of(specwatch, "exaroutes-bulk", *target)
    submit = plan["apis"][0]["operations"][0]  # type: ignore[index]
    assert (submit["id"], submit["served"], submit["needs"]) == ("submitBulk", 0, ["create"])
    allowed = plan_of(specwatch, "exaroutes-bulk", *target, "--allow", "create,consume")
    assert allowed["apis"][0]["operations"][0]["served"] > 0  # type: ignore[index]
    assert len(allowed["apis"][0]["unknown"]) < len(plan["apis"][0]["unknown"])  # type: ignore[index]


def test_a_missing_credential_is_named_as_what_it_takes(specwatch: Command) -> None:
    """Without any variable, the plan says which of them the unknown claims wait for."""
    done = specwatch(
        "--workspace", ROOT, "check", "--dry-run", "--api", "scan-documents", "--target", "live", "--profile", "smoke"
    )
    assert done.returncode == 0
    assert "SCAN_DOCUMENTS_API_KEY is not set" in done.stdout
    assert "nothing is sent to the target" in done.stdout
    assert "Nothing was sent." in done.stdout


def test_what_no_exchange_could_show_says_what_it_takes(specwatch: Command) -> None:
    """The variables that are missing are named where no contract test has said so, and so is what is not allowed."""
    given = ("--target", "live", "--profile", "smoke", "--allow", "paid")
    plan = plan_of(specwatch, "producer-videos", *given)
    reasons = {each["claim"]: each["reason"] for each in plan["apis"][0]["unknown"]}  # type: ignore[index]
    token = "ACEDATA_TOKEN_PRODUCER_VIDEOS or ACEDATA_TOKEN is not set"
    for claim in ("200", "accepts", "rejects"):
        said = f"no exchange of this run could show it: {token}; PRODUCER_AUDIO_ID is not set"
        assert reasons[f"retrieveVideo/{claim}"] == said
    plan = plan_of(specwatch, "exaroutes-bulk", *given)
    reasons = {each["claim"]: each["reason"] for each in plan["apis"][0]["unknown"]}  # type: ignore[index]
    assert reasons["getBulkStatus/200"].endswith("submitBulk creates something; `--allow create` permits it")


def test_a_larger_profile_is_named_where_nothing_is_missing(specwatch: Command, workspace: Path, spec: Path) -> None:
    """With all that a claim needs, a small profile is what is left to blame; of a larger one nothing more is known."""
    text = spec.read_text(encoding="utf-8")
    seldom = text.replace("when: response.status == 200", "when: response.status == 202")
    assert seldom != text
    spec.write_text(seldom, encoding="utf-8")
    command = ("--workspace", workspace, "check", "--dry-run", "--profile")
    assert "could show it: `--profile standard` asks more, and may show it (" in specwatch(*command, "smoke").stdout
    assert "no exchange of this run could show it (" in specwatch(*command, "standard").stdout


def test_verbose_names_all_that_would_stay_unknown(specwatch: Command) -> None:
    """Where many claims share a reason they are counted, with the way to see them; --verbose names each."""
    command = ("--workspace", ROOT, "check", "--dry-run", "--api", "scan-documents", "--target", "live")
    counted = specwatch(*command, "--profile", "smoke").stdout
    named = specwatch(*command, "--profile", "smoke", "--verbose").stdout
    assert "(13 of scan-documents)" in counted
    assert "`--verbose` names all of them." in counted
    assert "scan-documents/files-listed-once" not in counted
    assert "scan-documents/files-listed-once" in named
    assert "`--verbose`" not in named


def test_only_apis_that_get_something_are_counted(specwatch: Command) -> None:
    """An API that nothing is sent to is not among those that requests go to."""
    apis = ("--api", "exaroutes-bulk", "--api", "scan-documents")
    done = specwatch("--workspace", ROOT, "check", "--dry-run", *apis, "--target", "live", "--profile", "smoke")
    assert "A run would send about 2 requests to 1 of 2 APIs and cost nothing." in done.stdout


def test_paid_calls_have_their_price(specwatch: Command) -> None:
    """Against the sandbox all is allowed, and the plan adds up what the paid calls would cost elsewhere."""
    plan = plan_of(specwatch, "producer-videos", "--profile", "smoke")
    paid = plan["apis"][0]["operations"][0]  # type: ignore[index]
    assert paid["needs"] == ["paid"]
    assert plan["cost"] == paid["cost"] > 0


@pytest.mark.parametrize(
    "option", [("--junit", "x.xml"), ("--fault", "scan-documents/nothing"), ("--baseline", "b.yaml"), ("--from", "x")]
)
def test_options_that_a_dry_run_has_no_use_for(specwatch: Command, workspace: Path, option: tuple[str, str]) -> None:
    """What only a run can be given is refused, and nothing is carried out."""
    done = specwatch("--workspace", workspace, "check", "--dry-run", *option)
    assert done.returncode == 2
    assert f"{option[0]}: has no meaning with --dry-run" in done.stderr


def test_a_plan_that_cannot_be_written(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """A place where the plan cannot go is told before anything is worked out."""
    done = specwatch("--workspace", workspace, "check", "--dry-run", "--json", tmp_path / "none" / "plan.json")
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
