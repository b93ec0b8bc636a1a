"""`specwatch check`: what it prints, writes and exits with."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from xml.etree.ElementTree import fromstring

import pytest

from specwatch.cli.check import execute
from specwatch.contract.session import run_contracts
from specwatch.errors import InternalError, Problem, SpecwatchError
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import load_api

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

DROPPED = "example-api/listRegions/200/drop/count"


def test_honest_sandbox_passes(specwatch: Command, workspace: Path) -> None:
    """Every claim of the example workspace holds; budgets and seed are told before, the verdict at the end."""
    finished = specwatch("check", "--workspace", workspace, "--seed", "7", "--max-cost", "2")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert f"workspace  {workspace} (named by --workspace)\n" in finished.stdout
    assert "profile    standard, seed 7\n" in finished.stdout
    assert "149 requests and a cost of at most 2 per API\n" in finished.stdout
    assert "PASS" in finished.stdout


def test_broken_promise_fails(specwatch: Command, workspace: Path) -> None:
    """A fault of the sandbox is reported as a broken promise: 1."""
    finished = specwatch("check", "--workspace", workspace, "--fault", DROPPED)
    assert finished.returncode == 1
    assert "example-api/listRegions/200  broken promise" in finished.stdout


def test_next_commands_do_what_they_say(specwatch: Command, workspace: Path) -> None:
    """The line for the first violation finds it again, alone: the fault and the workspace are in it."""
    given = ("--api", "example-api", "--fault", DROPPED, "--worker-seconds", "1", "--allow", "paid,create")
    finished = specwatch("check", "--workspace", workspace, *given, "--seed", "7")
    lines = [line.split("  # ") for line in finished.stdout.splitlines() if line.startswith("  next  ")]
    alone, sandbox, whole = lines

    assert shlex.split(alone[0])[1:] == [
        *("specwatch", "--workspace", str(workspace), "check", "--api", "example-api"),
        *("--claim", "example-api/listRegions/200", "--profile", "standard", "--seed", "7", "--allow", "paid,create"),
        *("--fault", DROPPED, "--worker-seconds", "1.0"),
    ]
    assert re.fullmatch(
        rf"  next  specwatch --workspace {workspace} sandbox --port \d+"
        rf" --api example-api --fault {DROPPED} --worker-seconds 1.0",
        sandbox[0],
    )
    for command in (alone, whole):
        again = specwatch(*shlex.split(command[0])[2:])
        assert again.returncode == 1
        assert "example-api/listRegions/200  broken promise" in again.stdout


def test_a_refused_credential_is_no_contradiction(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims that refusals keep are counted, and the verdict says why that is not enough."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "made-up-token")
    api = load_api(workspace / "specs" / "example-api.yaml")
    with EmbeddedSandbox([api]) as sandbox:
        finished = specwatch("check", "--workspace", workspace, "--target", sandbox.url, "--send-credentials")
    assert finished.returncode == 3
    assert (
        "UNKNOWN: only refusals were seen of example-api, which say nothing about the API itself; "
        "the trouble on the way that is told above has to be mended first." in finished.stdout
    )


def test_broken_inference_warns(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """What only examples show is a warning when it is broken."""
    edit(spec, "level: promise", "level: inference")
    edit(spec, "count: 2", "count: 3")
    assert specwatch("check", "--workspace", workspace).returncode == 0


def test_broken_inference_fails_when_strict(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """The same inference fails under --strict."""
    edit(spec, "level: promise", "level: inference")
    edit(spec, "count: 2", "count: 3")
    assert specwatch("check", "--workspace", workspace, "--strict").returncode == 1


def test_unknown_claims_are_listed_or_fail(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A claim that nothing can show is unknown, which is 3 under --fail-on-unknown."""
    edit(spec, "when: response.status == 200", "when: response.status == 299")
    finished = specwatch("check", "--workspace", workspace, "--fail-on-unknown")
    assert finished.returncode == 3
    assert "example-api/count-equals-regions" in finished.stdout.split("Unknown:")[1]


def test_json_on_stdout(specwatch: Command, workspace: Path) -> None:
    """With `--json -` stdout holds the document and nothing else; people read stderr."""
    finished = specwatch("check", "--workspace", workspace, "--json", "-", "--seed", "7")
    document = json.loads(finished.stdout)
    assert finished.returncode == 0
    assert (document["schema"], document["verdict"], document["seed"]) == ("specwatch.check/1", "pass", 7)
    assert "PASS" in finished.stderr


def test_reports_are_written(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """JSON, JUnit and HAR lie where they were asked for."""
    names = {kind: tmp_path / f"result.{kind}" for kind in ("json", "junit", "har")}
    options = [text for kind, path in names.items() for text in (f"--{kind}", path)]
    finished = specwatch("check", "--workspace", workspace, *options, "--fault", DROPPED)
    assert finished.returncode == 1
    assert json.loads(names["json"].read_text(encoding="utf-8"))["verdict"] == "fail"
    assert fromstring(names["junit"].read_text(encoding="utf-8")).tag == "testsuites"  # noqa: S314 - our own file
    assert json.loads(names["har"].read_text(encoding="utf-8"))["log"]["version"] == "1.2"


def test_report_that_cannot_be_written_loses_nothing(
    specwatch: Command, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up during the run costs one report: the verdict is shown, and a broken promise is still 1."""

    def full_disk(path: Path, _text: str) -> None:
        raise SpecwatchError(Problem(str(path), "cannot be written: No space left on device"))

    monkeypatch.setattr(execute, "_write", full_disk)
    options = ("check", "--workspace", workspace, "--json", tmp_path / "result.json")
    finished = specwatch(*options, "--fault", DROPPED)
    assert finished.returncode == 1
    assert "broken promise" in finished.stdout
    assert finished.stderr == f"error: {tmp_path / 'result.json'}: cannot be written: No space left on device\n"


@pytest.mark.parametrize("fault, code", [((), 70), (("--fault", DROPPED), 1)], ids=["alone", "beside a violation"])
def test_contract_test_with_a_defect(specwatch: Command, workspace: Path, fault: tuple[str, ...], code: int) -> None:
    """A contract test that fails by itself is a defect: 70, unless a promise is broken as well, which is told too."""
    module = workspace / "contracts" / "test_example_api.py"
    module.write_text('def test_wrong() -> None:\n    """Fails by itself."""\n    {}["x"]\n', encoding="utf-8")
    finished = specwatch("check", "--workspace", workspace, *fault)
    assert finished.returncode == code
    assert "KeyError" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert ("broken promise" in finished.stdout) == bool(fault)


def test_defect_of_specwatch(specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is one block with the place where it happened: 70."""

    def perform(*_arguments: object) -> None:
        raise ZeroDivisionError("made up")

    monkeypatch.setattr(execute, "perform", perform)
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 70
    assert finished.stderr.startswith("error: defect in specwatch ")
    assert "ZeroDivisionError: made up" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_internal_error_says_what_it_knows(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An InternalError is told in its own words: 70."""

    def perform(*_arguments: object) -> None:
        raise InternalError("a request reached the transport without a draft")

    monkeypatch.setattr(execute, "perform", perform)
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 70
    assert finished.stderr == "error: specwatch: a request reached the transport without a draft\n"


@pytest.mark.parametrize("fault, code", [((), 3), (("--fault", DROPPED), 1)], ids=["nothing broken", "broken"])
def test_interruption_prints_what_is_known(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, ...], code: int
) -> None:
    """Ctrl-C shows what is known so far: 3, or 1 where a promise was broken already."""

    def interrupted(*arguments: object) -> None:
        run_contracts(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "run_contracts", interrupted)
    finished = specwatch("check", "--workspace", workspace, *fault)
    assert finished.returncode == code
    assert "example-api" in finished.stdout
    assert "interrupted" in finished.stdout or fault


def test_matrix_and_claims(specwatch: Command, workspace: Path) -> None:
    """--matrix shows which documented answers were seen, --verbose every claim."""
    finished = specwatch("check", "--workspace", workspace, "--matrix", "--verbose")
    assert "every documented (operation, status, code) seen: 2 of 2, 100 %" in finished.stdout
    assert "count-equals-regions  seen " in finished.stdout


def test_selection_leaves_other_apis_out(specwatch: Command, workspace: Path, spec: Path) -> None:
    """An operation belongs to one API; the others are not asked, and not unknown."""
    other = spec.read_text(encoding="utf-8").replace("listRegions", "listZones").replace("/v1/regions", "/v1/zones")
    spec.with_name("other-api.yaml").write_text(other, encoding="utf-8")
    finished = specwatch("check", "--workspace", workspace, "--operation", "listZones", "--json", "-")
    assert finished.returncode == 0
    assert [api["id"] for api in json.loads(finished.stdout)["apis"]] == ["other-api"]


def test_closed_pipe_keeps_the_verdict(workspace: Path) -> None:
    """Whoever stops reading the output does not change the exit code, and gets no complaint."""
    command = [sys.executable, "-m", "specwatch", "check", "--workspace", str(workspace), "--fault", DROPPED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert said == b""


def test_ctrl_c_during_a_long_wait(tmp_path: Path) -> None:
    """SIGINT ends a real run at once with what it knows."""
    root = Path(__file__).resolve().parents[2]
    (api,) = [path.stem for path in (root / "specs").glob("*bulk*.yaml")]
    command = [
        sys.executable,
        "-m",
        "specwatch",
        "--workspace",
        str(root),
        "check",
        "--api",
        api,
        "--worker-seconds",
        "60",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if "begins" in line:
                break
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 3
    assert time.monotonic() - started < 45  # its worker would have taken a minute
    assert "interrupted" in rest


ENDINGS = {
    "module": ("test_x.py", "import sys\nsys.exit(0)\n", "test_x.py: ends the process: SystemExit: 0"),
    "conftest": ("conftest.py", "import sys\nsys.exit(0)\n", "conftest.py:2: ends the process: SystemExit: 0"),
    "test": (
        "test_x.py",
        'import pytest\n\n\ndef test_x():\n    pytest.exit("bye", returncode=0)\n',
        "test_x.py::test_x: ends the run with pytest.exit: bye",
    ),
}


@pytest.mark.parametrize("name, text, told", ENDINGS.values(), ids=ENDINGS.keys())
def test_contract_test_that_ends_everything(
    specwatch: Command, workspace: Path, name: str, text: str, told: str
) -> None:
    """A contract test that would end the process is one block that names it, and neither a pass nor a traceback."""
    (workspace / "contracts" / name).write_text(text, encoding="utf-8")
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 70
    assert told in finished.stderr
    assert "INTERNALERROR" not in finished.stderr


def test_a_check_leaves_nothing_behind(specwatch: Command, workspace: Path) -> None:
    """The current folder is as it was."""
    assert specwatch("check", "--workspace", workspace).returncode == 0
    assert list(Path.cwd().iterdir()) == []


def test_warnings_have_next_commands(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A run that only warns offers the first warning alone and its sandbox, as a run that fails does."""
    edit(spec, "level: promise", "level: inference")
    edit(spec, "count: 2", "count: 3")
    told = specwatch("check", "--workspace", workspace).stdout
    following = [line for line in told.splitlines() if line.startswith("  next  ")]
    assert " --claim example-api/count-equals-regions " in following[0]
    assert " sandbox --port " in following[1]
    assert re.search(r"ended after \d+ requests; \d+ claims kept, 0 broken, 1 warned, ", told)


def test_interrupted_apis_have_not_passed(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch, spec: Path, edit: Edit
) -> None:
    """An API whose claims were cut off is no pass, in its row and in the JSON report."""
    edit(spec, "when: response.status == 200", "when: response.status == 299")

    def interrupted(*arguments: object) -> None:
        run_contracts(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "run_contracts", interrupted)
    finished = specwatch("check", "--workspace", workspace, "--json", "-")
    assert json.loads(finished.stdout)["apis"][0]["verdict"] == "unknown"
    assert re.search(r"^example-api +\? unknown", finished.stderr, re.MULTILINE)


DEFECTIVE_MODULE = """
from specwatch.sandbox import Answer, Call, SandboxApi

api = SandboxApi("example-api")

@api.operation("listRegions")
def list_regions(call: Call) -> Answer:
    return Answer(body={}["nmae"])
"""


def test_defect_of_a_sandbox_module_comes_first(specwatch: Command, workspace: Path) -> None:
    """A module that raises is told before what its answers break, with its line, and no report accuses a provider."""
    (workspace / "sandbox" / "example_api.py").write_text(DEFECTIVE_MODULE, encoding="utf-8")
    where = "sandbox/example_api.py:8"
    finished = specwatch("check", "--workspace", workspace, "--html", "page.html", "--json", "result.json")
    assert finished.returncode == 1
    assert f"FAIL: this workspace has a defect of its own ({where}), which has to be mended first" in finished.stdout
    assert "Defects of this workspace" in finished.stdout.partition("broken promise")[0]
    page = Path("page.html").read_text(encoding="utf-8")
    assert "This workspace&#39;s own sandbox module, before anybody else" in page
    assert f"This workspace has a defect of its own: {where}." in page
    defects = json.loads(Path("result.json").read_text(encoding="utf-8"))["defects"]
    assert [(each["where"], each["part"], each["api"]) for each in defects] == [(where, "sandbox", "example-api")]


DEFECTIVE = {
    "test": ('\n\ndef test_wrong() -> None:\n    """Fails."""\n    {}["x"]\n', ":3", "test_wrong: KeyError: 'x'"),
    "import": ("import nothing_like_it\n", "", "ModuleNotFoundError: No module named 'nothing_like_it'"),
}


@pytest.mark.parametrize("text, line, told", DEFECTIVE.values(), ids=DEFECTIVE.keys())
def test_defect_of_a_contract_test_is_no_pass(
    specwatch: Command, workspace: Path, text: str, line: str, told: str
) -> None:
    """The verdict names the file and, of a test, the line where it begins; the JSON report has what was raised."""
    (workspace / "contracts" / "test_example_api.py").write_text(text, encoding="utf-8")
    finished = specwatch("check", "--workspace", workspace, "--json", "result.json")
    where = f"contracts/test_example_api.py{line}"
    assert finished.returncode == 70
    assert f"UNKNOWN: this workspace has a defect of its own ({where})" in finished.stdout
    assert "PASS" not in finished.stdout
    document = json.loads(Path("result.json").read_text(encoding="utf-8"))
    assert document["verdict"] == "unknown"
    assert document["defects"] == [{"part": "contract test", "where": where, "what": told, "api": "example-api"}]
