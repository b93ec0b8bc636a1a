"""What `specwatch check` was asked for, as given and as understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict

if TYPE_CHECKING:
    from specwatch.contract import Profile
    from specwatch.contract.run import Selection
    from specwatch.reports.next_steps import Options
    from specwatch.sandbox import SandboxApi
    from specwatch.transport.target import Target
    from specwatch.values.baseline import Baseline
    from specwatch.workspace import Workspace

STDOUT: Final = "-"


class Given(TypedDict):
    """The options as click hands them over, of the right types but not yet looked up."""

    workspace: Path | None
    apis: tuple[str, ...]
    operations: tuple[str, ...]
    claims: tuple[str, ...]
    target: str
    profile: str
    budget: int | None
    max_cost: float | None
    allow: tuple[str, ...]
    strict: bool
    fail_on_unknown: bool
    seed: int | None
    ca: str | None
    cert: str | None
    send_credentials: bool
    recorded: tuple[str, ...]
    dry_run: bool
    baseline_file: str | None
    write_baseline: str | None
    html_file: str | None
    markdown_file: str | None
    json_file: str | None
    junit_file: str | None
    sarif_file: str | None
    har_file: str | None
    faults: tuple[str, ...]
    worker_seconds: float | None
    matrix: bool
    verbose: bool


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """How the embedded sandbox is to be started."""

    modules: Mapping[str, SandboxApi]
    faults: tuple[str, ...]
    worker_seconds: float


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check that can be carried out: every name exists, every file can be written.

    Args:
        target: for the embedded sandbox without its URL, which is known when it runs.
        environment: the variables that were read; none for the embedded sandbox.
        budget: requests per API.
        seed: given, or random.
        recorded: files with recorded traffic that is judged instead of sending anything.
        dry_run: whether only the plan is shown.
        baseline: known violations, or None.
        write_baseline: where this run's violations are listed, or None.
        reports: kind (`json`, `junit`, ...) to file, `-` being stdout.
        sandbox: None for other targets.
        options: what was given, for commands that repeat it.
    """

    workspace: Workspace
    selection: Selection
    target: Target
    profile: Profile
    environment: Mapping[str, str] = field(repr=False)
    budget: int
    max_cost: float | None
    allow: frozenset[str]
    strict: bool
    fail_on_unknown: bool
    seed: int
    ca: str | None
    cert: str | None
    send_credentials: bool
    recorded: tuple[Path, ...]
    dry_run: bool
    baseline: Baseline | None
    write_baseline: Path | None
    reports: Mapping[str, str]
    sandbox: SandboxRequest | None
    matrix: bool
    verbose: bool
    options: Options

    @property
    def stdout_is_taken(self) -> bool:
        """Whether a report goes to stdout, so that the words for people go to stderr."""
        return STDOUT in self.reports.values()
