"""`--baseline` and `--write-baseline` of a check: tried before anything is sent, applied to what was found."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specwatch.cli.check.request import STDOUT, Given
from specwatch.cli.names import Complaints
from specwatch.errors import Problem, SpecwatchError
from specwatch.spec import Api

if TYPE_CHECKING:
    from specwatch.cli.check.request import CheckRequest
    from specwatch.contract.result import RunResult
    from specwatch.values.baseline import Baseline
    from specwatch.workspace import Workspace


def read(given: Given, workspace: Workspace, complaints: Complaints, today: date | None = None) -> Baseline | None:
    """The baseline that is named, or None; what is wrong with it is noted, what is odd is said on stderr.

    Args:
        given: the options.
        workspace: where the names in the baseline are looked up.
        complaints: receives what is wrong.
        today: in UTC; the clock's by default.
    """
    if given["baseline_file"] is None:
        return None
    from specwatch.contract.baseline import load_baseline

    path = Path(given["baseline_file"])
    day = today or datetime.now(UTC).date()
    loaded = complaints.attempt(
        lambda: load_baseline(path, workspace.spec_files, lambda id_: _api(workspace, id_), day)
    )
    if loaded is None:
        return None
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    return loaded.baseline


def _api(workspace: Workspace, api_id: str) -> Api | None:
    """An API by its id; None where its spec is wrong, which is said elsewhere if the run is about it."""
    try:
        return workspace.api(api_id)
    except SpecwatchError:
        return None


def check_place(given: Given, reports: Collection[str], complaints: Complaints) -> None:
    """Note what keeps the run's violations from being listed where `--write-baseline` says."""
    if given["write_baseline"] is None:
        return
    from specwatch.contract.baseline import check_extensible
    from specwatch.reports.files import check_writable, same_place

    path = given["write_baseline"]
    where = f"--write-baseline {path}"
    if path == STDOUT:
        complaints.add(Problem(where, "stdout cannot be added to", "a file, which may exist"))
    elif any(path == report or same_place(Path(path), Path(report)) for report in reports):
        complaints.add(Problem(where, "a report goes there, too", "a place of its own"))
    else:
        complaints.attempt(lambda: check_writable(Path(path)))
        if Path(path).is_file():
            complaints.attempt(lambda: check_extensible(Path(path)))


def beside(request: CheckRequest, result: RunResult) -> RunResult:
    """The result with what the embedded sandbox was told, laid beside the baseline where there is one."""
    from dataclasses import replace

    from specwatch.contract.baseline import applied

    if request.sandbox is not None:
        result = replace(result, faults=request.sandbox.faults)
    if request.baseline is None:
        return result
    narrowed = bool(request.selection.operations or request.selection.claims)
    return applied(result, request.baseline, narrowed=narrowed)


def accepted_today(baseline: Baseline | None, today: date | None = None) -> frozenset[str]:
    """The keys of the violations that are accepted on a day, the clock's by default."""
    day = today or datetime.now(UTC).date()
    listed = baseline.acceptances.items() if baseline is not None else ()
    return frozenset(key for key, acceptance in listed if acceptance.days_left(day) >= 0)


def write(path: Path, result: RunResult) -> str:
    """List the violations of a run, beside what the file lists already.

    Returns:
        What was written, in words for people.

    Raises:
        SpecwatchError: it cannot be written, or what lies there has changed and is no baseline any more.
    """
    from specwatch.contract.baseline import check_extensible, listed, number_listed
    from specwatch.reports.files import write_text

    check_extensible(path)
    existing = path.read_text(encoding="utf-8") if path.is_file() else ""
    text = listed(result, existing)
    write_text(path, text)
    added = number_listed(text) - number_listed(existing)
    if not added:
        return f"wrote {path} (baseline): no new entry"
    noun = "new entry" if added == 1 else "new entries"
    return f"wrote {path} (baseline): {added:,} {noun}, fill in reason and until"
