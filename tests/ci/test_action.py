"""The action for GitHub: its very steps, in bash, against the embedded sandbox."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specwatch import __version__

ROOT = Path(__file__).resolve().parents[2]
Job = Callable[..., Any]
FAULT = "example-api/listRegions/200/type/body"
HOSTILE = (
    "$(touch owned)",
    "`touch owned`",
    '"; touch owned; "',
    "'; touch owned; '",
    "a\ntouch owned",
    "${IFS}touch${IFS}owned",
    "--help",
    "*",
)


def test_an_honest_api_passes(job: Job, python: Any) -> None:
    """The job passes, installs by the lock, has a summary and every report, annotates nothing and keeps the reports."""
    outcome = job(profile="smoke", version=__version__)

    assert (outcome.code, outcome.commands) == (0, [])
    assert outcome.summary.startswith("## ✅ specwatch: pass\n")
    assert (outcome.outputs["verdict"], outcome.outputs["exit-code"]) == ("pass", "0")
    for kind in ("html", "markdown", "json", "junit", "sarif", "har"):
        assert Path(outcome.outputs[kind]).stat().st_size, kind
        assert Path(outcome.outputs[kind]).parent == Path(outcome.outputs["reports"])
    lock, package = python.installed()
    assert lock.endswith(f"install --require-hashes --only-binary :all: --requirement {ROOT}/requirements.lock")
    assert package.endswith(f"install --no-deps --no-index --no-build-isolation {ROOT}")
    assert outcome.used["actions/upload-artifact@v6"] == {"name": "specwatch", "path": outcome.outputs["reports"]}


def test_a_broken_promise_fails(job: Job) -> None:
    """The exit code is that of the check; the violation is annotated at its line and told in the summary."""
    outcome = job(profile="smoke", api="example-api", fault=FAULT, budget="20", artifact="")
    report = json.loads(Path(outcome.outputs["json"]).read_text(encoding="utf-8"))

    assert outcome.code == 1
    assert (outcome.outputs["verdict"], outcome.outputs["exit-code"]) == ("fail", "1")
    place = r"file=specs/example-api\.yaml,line=\d+,title=example-api/listRegions/200"
    assert re.match(f"::error {place}::", outcome.commands[0])
    assert outcome.summary.startswith("## ❌ specwatch: fail\n")
    assert report["apis"][0]["violations"][0]["id"] in outcome.summary
    assert "actions/upload-artifact@v6" not in outcome.used


def test_what_cannot_be_established_warns(job: Job) -> None:
    """A target that nobody answers at ends with 3, a warning and no error."""
    outcome = job(profile="smoke", target="http://127.0.0.1:9", allow="create,paid", max_cost="3")

    assert outcome.code == 3
    assert outcome.outputs["verdict"] == "unknown"
    assert {command.partition(" ")[0] for command in outcome.commands} == {"::warning"}


@pytest.mark.parametrize(
    "name, value",
    [
        ("api", "$(touch owned)"),
        ("baseline", "a\ntouch owned"),
        ("strict", "true; touch owned"),
        ("version", '"; touch owned; "'),
    ],
)
def test_no_value_becomes_a_command(job: Job, checkout: Path, name: str, value: str) -> None:
    """Quotes, line breaks and substitutions in an input are a wrong value, and nothing else."""
    before = sorted(checkout.rglob("*"))
    outcome = job(**{name: value})
    (command,) = outcome.commands

    assert outcome.code == 2
    assert outcome.outputs["verdict"] == ""
    assert command.startswith("::error title=specwatch::")
    assert "owned" not in command
    assert sorted(checkout.rglob("*")) == before


def test_a_check_that_could_not_begin_is_told(job: Job) -> None:
    """Where there is no result the summary and the annotation say so, with the exit code."""
    outcome = job(api="example-app")

    assert outcome.code == 2
    assert outcome.commands == [
        "::error title=specwatch::Ended with exit code 2 before it had a result; the log says why"
    ]
    assert outcome.summary == "## specwatch: no result\n\nExit code 2; the log says why.\n"
    assert "did you mean example-api?" in outcome.log


@pytest.mark.parametrize("value", HOSTILE)
def test_every_value_is_one_argument(action: Any, tmp_path: Path, shell: Any, value: str) -> None:
    """What a value holds reaches the command as it is; a list is taken apart at spaces, commas and line breaks."""
    script = script_of(action, "check")
    environment = dict.fromkeys(re.findall(r"INPUT_\w+", script), value)
    environment |= dict.fromkeys(("INPUT_STRICT", "INPUT_FAIL_ON_UNKNOWN", "INPUT_SEND_CREDENTIALS"), "true")
    given = arguments_of(script, environment, tmp_path, shell)

    alone = "target profile budget max-cost allow baseline workspace ca cert seed"
    for option in alone.split():
        assert f"--{option}={value}" in given
    for word in filter(None, re.split(r"[ ,\n]+", value)):
        assert f"--api={word}" in given
        assert f"--fault={word}" in given
        assert f"--operation={word}" in given
        assert f"--claim={word}" in given
    assert {"--strict", "--fail-on-unknown", "--send-credentials"} < set(given)
    assert list(tmp_path.rglob("owned")) == []


def test_what_is_not_given_is_no_argument(action: Any, tmp_path: Path, shell: Any) -> None:
    """An empty input leaves the option out, so that the command's own default counts."""
    script = script_of(action, "check")
    empty = dict.fromkeys(re.findall(r"INPUT_\w+", script), "")
    given = arguments_of(script, empty | {"INPUT_TARGET": "live", "INPUT_PROFILE": "smoke"}, tmp_path, shell)

    assert [each for each in given if "contract." not in each] == ["check", "--target=live", "--profile=smoke", ""]


def arguments_of(script: str, environment: dict[str, str], folder: Path, shell: Any) -> list[str]:
    """What the script of a step gives to specwatch, which is not there."""
    venv = folder / "venv" / "bin"
    venv.mkdir(parents=True)
    for name, text in (("specwatch", 'printf "%s\\0" "$@" >arguments'), ("python", "echo token")):
        (venv / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (venv / name).chmod(0o755)
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = shell(script, folder, {"RUNNER_TEMP": str(folder), "VENV": str(venv.parent), **files, **environment})
    assert done.returncode == 0
    return (folder / "arguments").read_text(encoding="utf-8").split("\0")


def script_of(action: Any, step_id: str) -> str:
    """The script of a step."""
    (script,) = [step["run"] for step in action["runs"]["steps"] if step.get("id") == step_id]
    return str(script)


def test_what_a_provider_says_is_no_command(action: Any, tmp_path: Path, shell: Any) -> None:
    """Between the stop and the token, which nobody can guess, the runner takes no line of the check for a command."""
    script = script_of(action, "check")
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    said = "::error::spoofed\n::stop-commands::x\n::x::\n  ::add-mask::a"
    for name, text in (("specwatch", f"printf '%s' '{said}' >&2"), ("python", f'exec {sys.executable} "$@"')):
        (venv / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (venv / name).chmod(0o755)
    files = {name: str(tmp_path / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    empty = dict.fromkeys(re.findall(r"INPUT_\w+", script), "")
    done = shell(script, tmp_path, {"RUNNER_TEMP": str(tmp_path), "VENV": str(venv.parent), **files, **empty})
    token = re.match(r"::stop-commands::([0-9a-f]{32})\n", done.stdout)

    assert token
    assert done.stderr == ""
    assert done.stdout.split(f"::{token[1]}::\n")[0] == f"::stop-commands::{token[1]}\n{said}\n"


def test_no_input_is_part_of_a_script(action: Any) -> None:
    """No script has an expression in it: every value comes through the environment."""
    assert [step["name"] for step in action["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_each_input_is_used(action: Any) -> None:
    """Every input reaches a step, and every output comes from one."""
    steps = json.dumps(action["runs"]["steps"])
    ids = {step.get("id") for step in action["runs"]["steps"]}

    assert [name for name in action["inputs"] if f"inputs.{name} " not in steps] == []
    for output in action["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.[\w-]+ \}\}", output["value"])[1] in ids  # type: ignore[index]


def test_other_actions_are_pinned(action: Any) -> None:
    """What else is used comes from GitHub itself, at a major version."""
    used = [step["uses"] for step in action["runs"]["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", each) for each in used)
