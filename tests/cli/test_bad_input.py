"""Bad input: one row per mistake, with its exit code and the whole of what is said about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

ROWS = {
    "unknown command": (
        ("chekc",),
        (
            "error: specwatch chekc: no such command\n"
            "  expected: one of build, check, drift, init, lint, list, probe, replay, sandbox, score, up, watch\n"
            "  mend: did you mean check?\n"
        ),
    ),
    "unknown option": (
        ("check", "--stric"),
        (
            "error: No such option '--stric'. (Did you mean one of: '--matrix', '--sarif', '--strict'?)\n"
            "  mend: `specwatch check --help` shows what there is\n"
        ),
    ),
    "unknown API": (
        ("check", "--api", "exmaple-api"),
        "error: --api exmaple-api: no such API\n  expected: one of example-api\n  mend: did you mean example-api?\n",
    ),
    "unknown operation": (
        ("check", "--operation", "listRegion"),
        (
            "error: --operation listRegion: no such operation\n"
            "  expected: one of listRegions\n"
            "  mend: did you mean listRegions?\n"
        ),
    ),
    "unknown profile": (
        ("check", "--profile", "depp"),
        (
            "error: --profile depp: no such profile\n"
            "  expected: one of smoke, standard, deep\n"
            "  mend: did you mean deep?\n"
        ),
    ),
    "unknown kind of call": (
        ("check", "--allow", "create,payd"),
        (
            "error: --allow payd: no such kind of call\n"
            "  expected: one of create, consume, paid\n"
            "  mend: did you mean paid?\n"
        ),
    ),
    "unknown fault": (
        ("check", "--fault", "example-api/listRegions/200/dorp/count"),
        (
            "error: --fault example-api/listRegions/200/dorp/count: no such fault\n"
            "  expected: <api>/<fault> of a selected API; `specwatch sandbox --list-faults` lists them\n"
            "  mend: did you mean example-api/listRegions/200/drop/count, "
        ),
    ),
    "fault elsewhere than on the embedded sandbox": (
        ("check", "--target", "http://127.0.0.1:9", "--fault", "x", "--worker-seconds", "1"),
        (
            "error: --fault: steers the embedded sandbox, but the target is http://127.0.0.1:9\n"
            "  expected: --target sandbox\n"
            "  mend: leave one of the two out\n"
            "error: --worker-seconds: steers the embedded sandbox, but the target is http://127.0.0.1:9\n"
        ),
    ),
    "target that is none": (
        ("check", "--target", "api.example.com"),
        "error: --target api.example.com: is no target\n  expected: sandbox, live, or http(s)://host[:port][/base]\n",
    ),
    "target with a password": (
        ("check", "--target", "https://me:hunter2@example.com"),
        (
            "error: --target: has parts that a base URL cannot have\n"
            "  expected: a base URL without user, password, query or fragment\n"
        ),
    ),
    "budget of nothing": (
        ("check", "--budget", "0"),
        (
            "error: Invalid value for '--budget': 0 is not in the range x>=1.\n"
            "  mend: `specwatch check --help` shows what there is\n"
        ),
    ),
    "cost that is no number": (
        ("check", "--max-cost", "nan"),
        "error: Invalid value for '--max-cost': 'nan' is no number.\n",
    ),
    "report in a folder that does not exist": (
        ("check", "--json", "nowhere/result.json"),
        (
            "error: nowhere/result.json: there is no folder nowhere\n"
            "  expected: a file in a folder that exists\n"
            "  mend: mkdir -p nowhere\n"
        ),
    ),
    "two reports in one place": (
        ("check", "--json", "-", "--har", "-"),
        "error: --har -: --json goes there, too\n  expected: a place of its own\n",
    ),
    "certificates that are not there": (
        ("check", "--ca", "ca.pem", "--cert", "me.pem"),
        (
            "error: --ca ca.pem: cannot be read: No such file or directory\n"
            "  expected: certificate authorities as PEM\n"
            "error: --cert me.pem: cannot be read: No such file or directory\n"
            "  expected: a client certificate and its key, not encrypted, as PEM\n"
        ),
    ),
    "faults that no pattern finds": (
        ("sandbox", "--list-faults", "exampl-api/listRegions/200/drop/count"),
        ("error: --list-faults exampl-api/listRegions/200/drop/count: no such fault\n  expected: one of the "),
    ),
    "port that is none": (
        ("sandbox", "--port", "70000"),
        "error: Invalid value for '--port': 70000 is not in the range 0<=x<=65535.\n",
    ),
}


@pytest.mark.parametrize("arguments, told", ROWS.values(), ids=ROWS.keys())
def test_wrong_usage(specwatch: Command, workspace: Path, arguments: tuple[str, ...], told: str) -> None:
    """Wrong usage ends with 2 and says where, what, what was expected and the mend, and nothing else."""
    finished = specwatch("--workspace", workspace, *arguments)

    said = finished.stderr.removeprefix(f"workspace: {workspace} (named by --workspace)\n")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert said.startswith(told)
    assert "Traceback" not in finished.stderr


def test_unknown_claim(specwatch: Command, workspace: Path) -> None:
    """A pattern that matches no claim is refused with the nearest claim."""
    finished = specwatch("check", "--workspace", workspace, "--claim", "example-api/count-equal-regions")
    assert finished.returncode == 2
    assert "error: --claim example-api/count-equal-regions: no such claim\n" in finished.stderr
    assert "  mend: did you mean example-api/count-equals-regions, " in finished.stderr


@pytest.mark.parametrize(
    "option, hint", [("--claim", "`specwatch list --claims`"), ("--list-faults", "`specwatch sandbox --list-faults`")]
)
def test_long_lists_are_not_printed(specwatch: Command, workspace: Path, option: str, hint: str) -> None:
    """Of many names the nearest three are told, and how to see all."""
    command = "check" if option == "--claim" else "sandbox"
    told = specwatch(command, "--workspace", workspace, option, "example-api/listRegions/200/x").stderr
    expected, mend = told.splitlines()[-2:]
    assert re.fullmatch(rf"  expected: one of the [\d,]+ that there are; {hint} shows them", expected)
    assert re.fullmatch(r"  mend: did you mean [^ ]+, [^ ]+ or [^ ]+\?", mend)


def test_everything_wrong_is_said_at_once(specwatch: Command, workspace: Path) -> None:
    """Several mistakes in one command line are several problems in one answer."""
    finished = specwatch(
        "check", "--workspace", workspace, "--api", "a", "--profile", "b", "--target", "c", "--har", "/"
    )
    assert finished.returncode == 2
    places = [line.split(":")[1].strip() for line in finished.stderr.splitlines() if line.startswith("error:")]
    assert places == ["--target c", "--profile b", "/", "--api a"]


def test_no_workspace(specwatch: Command, tmp_path: Path) -> None:
    """A folder that is no workspace is named, and how to make one."""
    finished = specwatch("list", "--workspace", tmp_path)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == (
        f"error: --workspace {tmp_path}: has no folder specs/\n"
        "  expected: a folder with specs/ and contracts/\n"
        f"  mend: `specwatch init my-workspace` makes one in a new folder\n"
    )


@pytest.mark.parametrize("command", ["check", "list", "sandbox"])
def test_spec_that_does_not_parse(specwatch: Command, workspace: Path, spec: Path, command: str) -> None:
    """A spec that is no YAML is named with the line, by each command that needs it."""
    spec.write_text("openapi: 3.1.0\ninfo: [\n", encoding="utf-8")
    finished = specwatch(command, "--workspace", workspace)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert f"error: {spec}:3: is not YAML" in finished.stderr
    assert "  expected: well-formed YAML\n" in finished.stderr


@pytest.mark.parametrize(
    "text",
    [
        "openapi: 3.1.0\npaths: 3\n",
        "openapi: 3.1.0\npaths:\n  /x:\n    get: []\n",
        "[]\n",
        "",
        "openapi: 3.1.0\nx-claims: 1\n",
    ],
)
def test_spec_that_is_no_openapi(specwatch: Command, workspace: Path, spec: Path, text: str) -> None:
    """Whatever a spec file holds, there are problems with a place and no defect of specwatch."""
    spec.write_text(text, encoding="utf-8")
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"error: {spec}" in finished.stderr
    assert "defect" not in finished.stderr


def test_expression_that_does_not_compile(specwatch: Command, workspace: Path, spec: Path, edit: Edit) -> None:
    """A claim with a broken expression stops a check before anything is sent, with the line of the expression."""
    line = edit(spec, "response.json.count == size", "response.json.count === size")
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"error: {spec}:{line}: claim 'count-equals-regions': " in finished.stderr


def test_variable_that_the_workspace_does_not_list(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """A spec cannot read a variable that the workspace does not list."""
    edit(workspace / "specwatch.yaml", "  - EXAMPLE_API_TOKEN", "  - OTHER_TOKEN")
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 2
    assert "names the environment variable EXAMPLE_API_TOKEN" in finished.stderr
    assert "add EXAMPLE_API_TOKEN under `variables:` there" in finished.stderr


def test_unknown_setting(specwatch: Command, workspace: Path, edit: Edit) -> None:
    """A misspelt key of specwatch.yaml is refused by a check, too, with the nearest one."""
    line = edit(workspace / "specwatch.yaml", "variables:", "varaibles:")
    finished = specwatch("check", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"error: {workspace / 'specwatch.yaml'}:{line}: unknown key 'varaibles'\n" in finished.stderr
    assert "  mend: did you mean 'variables'?\n" in finished.stderr


def test_file_with_a_credential_that_is_not_there(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NAME_FILE that leads nowhere is a mistake of usage, and not a missing credential."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN_FILE", "nowhere")
    finished = specwatch("check", "--workspace", workspace, "--target", "http://127.0.0.1:9")
    assert finished.returncode == 2
    assert "error: EXAMPLE_API_TOKEN_FILE=nowhere: cannot be read" in finished.stderr


def test_unreachable_target(specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that nobody answers at leaves everything unknown: 3, and the reason for each API."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "made-up-token")
    finished = specwatch("check", "--workspace", workspace, "--target", "http://127.0.0.1:9")
    assert finished.returncode == 3
    assert "example-api  127.0.0.1:9 cannot be reached: " in finished.stdout
    assert "nothing could be established for example-api" in finished.stdout


def test_missing_credential(specwatch: Command, workspace: Path, web_page: str) -> None:
    """Without a credential the run says beforehand which variable to set, and still sends what needs none."""
    finished = specwatch("check", "--workspace", workspace, "--target", web_page)
    assert (
        "Not set, so that what needs it stays unknown:\n  EXAMPLE_API_TOKEN  credential `account` of example-api\n"
        in (finished.stdout)
    )
    assert "example-api: begins" in finished.stdout


def test_target_that_answers_html(
    specwatch: Command, workspace: Path, web_page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but web pages is what a portal on the way shows as well, so that nobody can say whose fault it is."""
    monkeypatch.setenv("EXAMPLE_API_TOKEN", "made-up-token")
    finished = specwatch("check", "--workspace", workspace, "--target", web_page)
    assert finished.returncode == 3
    assert "200 with a web page, as a login page or a filter on the way does" in finished.stdout
    assert "broken promise" not in finished.stdout
    assert "made-up-token" not in finished.stdout + finished.stderr


def test_budget_that_is_too_small(specwatch: Command, workspace: Path) -> None:
    """What a small budget does not cover is unknown, with the budget as the reason."""
    finished = specwatch("check", "--workspace", workspace, "--budget", "1", "--fail-on-unknown")
    assert finished.returncode == 3
    assert "the budget of 1 request" in finished.stdout
    assert "--budget raises it" in finished.stdout


@pytest.fixture
def web_page() -> Iterator[str]:
    """Base URL of a server that answers every request with a web page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>It works</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


REPLACED = {
    "spec": (("--json", "workspace/specs/example-api.yaml"), "belongs to the workspace"),
    "recording": (("--from", "x.har", "--html", "./x.har"), "is the file of --from"),
    "baseline": (("--baseline", "known.yaml", "--json", "link"), "is the file of --baseline"),
    "credentials": (("--markdown", ".env"), "is the file of credentials"),
    "other report": (("--json", "out", "--html", "workspace/../out"), "out: is the file of --"),
    "list of the violations": (("--write-baseline", "new.yaml", "--json", "./new.yaml"), "a report goes there, too"),
}


EXITING = """
import os

from specwatch.sandbox import Answer, Call, SandboxApi

api = SandboxApi("example-api")

@api.operation("listRegions")
def list_regions(call: Call) -> Answer:
    os._exit(0)
"""


@pytest.mark.parametrize("arguments, told", REPLACED.values(), ids=REPLACED.keys())
def test_no_report_replaces_an_input(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    """A report goes to a place of its own, however the path is spelt: 2, and every file stays as it was."""
    monkeypatch.chdir(workspace.parent)
    for name in ("x.har", "known.yaml", ".env"):
        Path(name).write_text("", encoding="utf-8")
    Path("link").symlink_to("known.yaml")
    before = {path: path.read_bytes() for path in workspace.parent.rglob("*") if path.is_file()}

    finished = specwatch("check", "--workspace", workspace, *arguments)

    assert finished.returncode == 2
    assert told in finished.stderr
    assert {path: path.read_bytes() for path in workspace.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["check", "score"])
@pytest.mark.parametrize("module", ["sandbox/example_api.py", "contracts/test_wrong.py"])
def test_a_module_that_ends_the_process_is_no_pass(workspace: Path, command: str, module: str) -> None:
    """`os._exit(0)` in a module of the workspace is told with its line, and the exit code is not 0."""
    (workspace / module).write_text("import os\n\nos._exit(0)\n", encoding="utf-8")

    options = "--profile smoke --every 50" if command == "score" else "--profile smoke"
    finished = in_shell(f"COLUMNS=300 $specwatch {command} --workspace {workspace} {options}", workspace)

    assert finished.returncode != 0
    assert f"os._exit(0) at {Path(module).name}:3" in finished.stdout + finished.stderr


def test_a_handler_that_ends_the_process_is_no_pass(workspace: Path) -> None:
    """`os._exit(0)` while the sandbox serves is no end with 0 either, and is told as the sandbox's own."""
    module = workspace / "sandbox" / "example_api.py"
    module.write_text(EXITING, encoding="utf-8")
    for options, code in (("--profile smoke", 1), ("--dry-run", 2)):
        finished = in_shell(f"COLUMNS=300 $specwatch check --workspace {workspace} {options}", workspace)
        assert finished.returncode == code
        assert f"error: {module}:10: the sandbox of example-api failed on listRegions" in finished.stderr
        assert "EndsProcess: os._exit(0) at example_api.py:10" in finished.stderr


def test_no_contracts(specwatch: Command, workspace: Path) -> None:
    """Without contract tests nothing can be checked: 2 from both commands, before anything is sent."""
    shutil.rmtree(workspace / "contracts")
    for command in ("check", "lint"):
        finished = specwatch(command, "--workspace", workspace)
        assert finished.returncode == 2
        assert f"{workspace}: has no folder contracts/\n" in finished.stdout + finished.stderr


def test_lint_without_specs(specwatch: Command, workspace: Path, spec: Path) -> None:
    """A workspace without any spec is a mistake, and no empty success."""
    spec.unlink()
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"{workspace / 'specs'}: has no specs\n" in finished.stdout


def test_sandbox_module_of_no_api(specwatch: Command, workspace: Path) -> None:
    """A module that no API loads is found, one that others import is none of them."""
    for name in ("exampl_api.py", "_shared.py"):
        (workspace / "sandbox" / name).write_text("", encoding="utf-8")
    finished = specwatch("lint", "--workspace", workspace)
    assert finished.returncode == 2
    assert f"{workspace / 'sandbox' / 'exampl_api.py'}: is the module of no API\n" in finished.stdout
    assert "_shared.py" not in finished.stdout


def test_fault_that_cannot_be_built(specwatch: Command, workspace: Path) -> None:
    """The reason is told, instead of names like it."""
    finished = specwatch("check", "--workspace", workspace, "--fault", "example-api/listRegions/401/nan")
    assert finished.returncode == 2
    assert "cannot be built from the spec: no example of it has what would be spoilt\n" in finished.stderr


def test_fault_of_an_api_that_is_not_selected(specwatch: Command, workspace: Path, spec: Path) -> None:
    """The fault exists, and its API is what is missing."""
    other = spec.read_text(encoding="utf-8").replace("listRegions", "listZones").replace("/v1/regions", "/v1/zones")
    spec.with_name("other-api.yaml").write_text(other, encoding="utf-8")
    for selection in (("--api", "example-api"), ("--operation", "listRegions")):
        finished = specwatch(
            "check", "--workspace", workspace, *selection, "--fault", "other-api/listZones/200/drop/count"
        )
        assert finished.returncode == 2
        assert "--fault other-api/listZones/200/drop/count: its API other-api is not selected\n" in finished.stderr


def test_hint_is_said_once(specwatch: Command, workspace: Path) -> None:
    """Where no name is near, how to see all of them is not told twice."""
    told = specwatch("check", "--workspace", workspace, "--claim", "nonsense").stderr
    assert told.count("`specwatch list --claims`") == 1


def test_budget_is_raised_in_the_next_command(specwatch: Command, workspace: Path) -> None:
    """A run that came to nothing for want of requests is not offered again as it was."""
    told = specwatch("check", "--workspace", workspace, "--budget", "1", "--claim", "*/count-equals-regions").stdout
    assert "again, to the end" not in told


def in_shell(script: str, folder: Path) -> CompletedProcess[str]:
    """What a shell says that runs `$specwatch ...` in a folder."""
    return subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder,
        env={**os.environ, "specwatch": f"{sys.executable} -m specwatch"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(workspace: Path, closed: str) -> None:
    """A standard stream that is closed is no place for a socket: the run goes well."""
    finished = in_shell(f"$specwatch --workspace {workspace} check {closed}", workspace)
    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("command", ["check", "check --json -", "list --json"])
def test_full_disk(workspace: Path, command: str) -> None:
    """Output that finds no room is one block and 2."""
    finished = in_shell(f"$specwatch --workspace {workspace} {command} > /dev/full", workspace)
    assert finished.returncode == 2
    assert "error: stdout: cannot be written: No space left on device\n" in finished.stderr
    assert "defect" not in finished.stderr
    assert "Exception ignored" not in finished.stderr


def test_current_folder_that_is_gone(tmp_path: Path) -> None:
    """A folder that was removed below one's feet is told in one block: 2."""
    finished = in_shell("mkdir gone && cd gone && rmdir ../gone && $specwatch check", tmp_path)
    assert finished.returncode == 2
    assert finished.stderr == ("error: specwatch: the current folder is gone\n  mend: change to one that exists\n")
