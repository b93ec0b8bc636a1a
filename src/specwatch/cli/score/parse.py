"""From options to a score that can be carried out. Everything that is wrong with them is said before the first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.claims import check_expressions
from specwatch.cli.load import load_apis
from specwatch.cli.names import Complaints, unknown
from specwatch.contract.profile import PROFILES
from specwatch.errors import SpecwatchError
from specwatch.reports.files import check_apart, check_writable
from specwatch.scoring.plan import Plan, make_plan
from specwatch.spec import Api

if TYPE_CHECKING:
    from specwatch.workspace import Workspace

STDOUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were given."""

    apis: tuple[str, ...]
    faults: str
    profile: str
    jobs: int
    every: int
    to_the_end: bool
    verbose: bool
    json_file: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """A score that can be carried out.

    Args:
        each: whether every fault is told on a line of its own, however many there are.
        json_file: where the document goes, `-` being stdout; None for nowhere.
    """

    plan: Plan
    jobs: int
    each: bool
    json_file: str | None

    @property
    def stdout_is_taken(self) -> bool:
        """Whether the document goes to stdout, so that the words for people go to stderr."""
        return self.json_file == STDOUT


def parse(wanted: Wanted, workspace: Workspace) -> Request:
    """Look up and try everything that was given.

    Raises:
        UsageError: with every problem of the options and of the files that they name.
        WorkspaceError: the workspace's own files are wrong.
        SandboxError: a module of the sandbox, or a fault, cannot be built.
    """
    complaints = Complaints()
    if wanted.profile not in PROFILES:
        complaints.add(unknown(f"--profile {wanted.profile}", "profile", wanted.profile, list(PROFILES)))
    if wanted.json_file not in {None, STDOUT}:
        path = Path(str(wanted.json_file))
        complaints.attempt(lambda: check_writable(path))
        complaints.attempt(lambda: check_apart(path, [("credentials", Path(".env"))], workspace))
    apis = load_apis(workspace, wanted.apis, complaints)
    complaints.attempt(workspace.require_contracts)
    _check_claims(apis, complaints)
    profile = PROFILES.get(wanted.profile, PROFILES["standard"])
    try:
        plan = make_plan(
            workspace, apis, profile, pattern=wanted.faults, every=wanted.every, to_the_end=wanted.to_the_end
        )
    except SpecwatchError:
        complaints.raise_if_any()  # what is wrong with the specs explains more than what it leads to
        raise
    complaints.raise_if_any()
    return Request(plan, wanted.jobs, wanted.verbose or wanted.to_the_end, wanted.json_file)


def _check_claims(apis: Sequence[Api], complaints: Complaints) -> None:
    bad = [api for api in apis if any(check_expressions(api))]
    if bad:
        from specwatch.lint.specs import expression_problems

        complaints.extend(problem for api in bad for problem in expression_problems(api))
