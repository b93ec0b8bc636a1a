"""The example for GitLab: a file to copy, whose very lines are run in bash against the embedded sandbox."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "gitlab-ci.yml"


@pytest.fixture(scope="module")
def gitlab_job() -> Any:
    """The one job of the example."""
    return yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["specwatch"]


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """The address of a repository that stands for that of specwatch, with the tag that the example names."""
    folder = tmp_path / "specwatch"
    folder.mkdir()
    (folder / "requirements.lock").write_text("", encoding="utf-8")
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    for command in (("init", "-q"), ("add", "."), (*author, "commit", "-q", "-m", "first"), ("tag", "v0.1.0")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder.as_uri()


@pytest.mark.needs("git")
def test_the_job_runs(gitlab_job: Any, repository: str, checkout: Path, python: Any, shell: Callable[..., Any]) -> None:
    """It exits as the check does, installs by the lock, and leaves every artifact that it names."""
    variables = {
        **gitlab_job["variables"],
        "SPECWATCH_REPOSITORY": repository,
        "SPECWATCH_OPTIONS": "--profile smoke --fault example-api/listRegions/200/type/body",
        "PATH": f"{python.path.parent}:/usr/local/bin:/usr/bin:/bin",
        "CI": "true",
    }
    done = shell("\n".join([*gitlab_job["before_script"], *gitlab_job["script"]]), checkout, variables)
    lock, package = python.installed()

    assert done.returncode == 1
    assert "--require-hashes --only-binary :all: --requirement " in lock
    assert "--no-deps --no-index --no-build-isolation " in package
    reports = {path.name for path in (checkout / "specwatch-report").iterdir()}
    assert reports == {"index.html", "summary.md", "report.json", "junit.xml", "report.sarif"}
    assert (checkout / gitlab_job["artifacts"]["reports"]["junit"]).is_file()


def test_the_job_is_one_that_gitlab_takes(gitlab_job: Any) -> None:
    """Every keyword is one of a job, artifacts come out of the folder that is kept, and code 3 only warns."""
    known = {"stage", "image", "variables", "cache", "before_script", "script", "allow_failure", "artifacts", "rules"}
    artifacts = gitlab_job["artifacts"]

    assert set(gitlab_job) == known | {"resource_group"}
    assert artifacts["when"] == "always"
    assert artifacts["paths"] == ["specwatch-report/"]  # exposed only with the stroke at its end
    assert artifacts["reports"]["junit"].startswith(artifacts["paths"][0])
    assert gitlab_job["allow_failure"] == {"exit_codes": [3]}


def test_the_how_to_shows_the_file() -> None:
    """What the page shows is the file, so that there is one thing to copy."""
    page = (ROOT / "docs" / "how-to" / "run-in-gitlab.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(# Checks.*?)^```$", page, re.MULTILINE | re.DOTALL)

    assert shown == EXAMPLE.read_text(encoding="utf-8")
