"""`specwatch drift`: what was seen beyond the documents, and how it gets into them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click

from specwatch.cli.options import api_option, chosen_workspace, workspace_option

if TYPE_CHECKING:
    from specwatch.cli.names import Complaints
    from specwatch.drift.overlay import Overlay
    from specwatch.drift.specs import Change
    from specwatch.errors import Problem
    from specwatch.spec import Api
    from specwatch.values.violation import Sighting
    from specwatch.workspace import Workspace

OK, SEEN = 0, 1
SUFFIX: Final = ".overlay.yaml"


class Given(TypedDict):
    """The options as click hands them over."""

    overlays: tuple[Path, ...]
    reports: tuple[str, ...]
    states: tuple[Path, ...]
    apis: tuple[str, ...]
    as_json: bool
    overlay: str | None
    shared: bool
    apply: bool
    to: Path | None
    fail: bool
    workspace: Path | None


@click.command("drift")
@click.argument("overlays", metavar="[OVERLAY]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--from", "reports", metavar="FILE", multiple=True, help="A report of `check --json`; - is stdin.")
@click.option(
    "--state", "states", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="What a watch remembers."
)
@api_option
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout instead of tables.")
@click.option(
    "--overlay", metavar="FILE|DIR/", help="Write the OpenAPI Overlay that would document it; DIR: one per API."
)
@click.option("--shared", is_flag=True, help="Change shared schemas even where some of their users did not show it.")
@click.option("--apply", is_flag=True, help="Change the specs: by OVERLAY, or so that they document what was seen.")
@click.option("--to", metavar="FILE", type=click.Path(path_type=Path), help="With --apply: write there instead.")
@click.option("--fail", is_flag=True, help="Exit with 1 when there is any drift.")
@workspace_option
def command(**given: Unpack[Given]) -> int:
    """Show what answers have beyond their document, and document it.

    First `specwatch check --json report.json`, then `specwatch drift --from report.json`. With --overlay it writes what
    would document it as an OpenAPI Overlay 1.0; with --apply it changes the specs, whose comments stay.

    `specwatch drift my-api.overlay.yaml` shows what an overlay would change, and with --apply it is changed. Any
    OpenAPI Overlay 1.0 will do; its spec is the one that it extends, unless --api names one.

    Nothing is sent. Exits with 0, or 1 with --fail where there is drift, or 2 on wrong usage or a wrong file.
    """
    from specwatch.errors import UsageError

    problems = list(_contradictions(given))
    if problems:
        raise UsageError(*problems)
    workspace = chosen_workspace(given["workspace"])
    return _apply_files(given, workspace) if given["overlays"] else _show(given, workspace)


def _contradictions(given: Given) -> Iterator[Problem]:
    from specwatch.errors import Problem

    sources = [*given["reports"], *given["states"]]
    if not given["overlays"] and not sources:
        mend = "`specwatch check --json report.json`, then `specwatch drift --from report.json`"
        yield Problem(
            "specwatch drift", "has nothing to look at", "--from a report, --state of a watch, or OVERLAY", mend
        )
    if given["overlays"]:
        named: dict[str, object] = {
            "--from": given["reports"],
            "--state": given["states"],
            "--overlay": given["overlay"],
        }
        named |= {"--json": given["as_json"], "--fail": given["fail"], "--shared": given["shared"]}
        for option in (name for name, value in named.items() if value):
            yield Problem(option, "is about what was seen, but an overlay is given", "one of the two", "leave one out")
    if given["to"] is not None and not given["apply"]:
        yield Problem(f"--to {given['to']}", "says where a changed spec goes, but none is", "--apply beside it")


# ---------------------------------------------------------------------------------------------------------------- seen


@dataclass(frozen=True, slots=True)
class _Draft:
    """An overlay of ours, where it goes, and what it leaves out."""

    api: Api
    overlay: Overlay | None
    place: Path | None
    left_out: tuple[str, ...]


def _show(given: Given, workspace: Workspace) -> int:
    """Show what was seen, and write it down where that is asked for."""
    seen = _seen(given, workspace)
    drafts = _drafts(given, workspace, seen) if given["overlay"] or given["apply"] else []
    changes = _changes_of(given, drafts) if given["apply"] else []
    if given["as_json"]:
        from specwatch.drift.table import as_document

        click.echo(json.dumps(as_document(seen), indent=2, ensure_ascii=False))
    else:
        from specwatch.drift.table import as_lines

        for line in as_lines(seen) if seen else ["No drift: nothing was seen that is not documented."]:
            click.echo(line)
    for draft in drafts:
        _write_overlay(draft)
    _write(changes, given["to"])
    return SEEN if given["fail"] and seen else OK


def _seen(given: Given, workspace: Workspace) -> tuple[Sighting, ...]:
    from specwatch.cli.names import Complaints, unknown
    from specwatch.conformance.sightings import Sightings
    from specwatch.drift.reading import read_reports, read_state

    complaints = Complaints()
    found = [complaints.attempt(lambda: read_reports(given["reports"]))]
    found += [complaints.attempt(lambda path=path: read_state(path)) for path in given["states"]]  # type: ignore[misc]
    seen = Sightings(each for part in found for each in part or ()).all()
    known = sorted({*workspace.spec_files, *(each.drift.api for each in seen)})
    for name in given["apis"]:
        if name not in known:
            complaints.add(unknown(f"--api {name}", "API", name, known))
    complaints.raise_if_any()
    return tuple(each for each in seen if not given["apis"] or each.drift.api in given["apis"])


def _drafts(given: Given, workspace: Workspace, seen: Sequence[Sighting]) -> list[_Draft]:
    """The overlays for all APIs that showed something.

    Raises:
        SpecwatchError: a spec is wrong or gone, or an overlay cannot be written where it shall go.
    """
    from specwatch.cli.load import load_apis
    from specwatch.cli.names import Complaints
    from specwatch.drift.proposal import propose
    from specwatch.drift.specs import overlay_for
    from specwatch.reports.files import check_apart

    complaints = Complaints()
    names = tuple(dict.fromkeys(each.drift.api for each in seen))
    apis = load_apis(workspace, names, complaints) if names else ()
    places = complaints.attempt(lambda: _places(given["overlay"], names)) or {}
    named = [("--from", Path(name)) for name in given["reports"]] + [("--state", path) for path in given["states"]]
    for goes in places.values():
        complaints.attempt(lambda goes=goes: check_apart(goes, named, workspace))  # type: ignore[misc]
    complaints.raise_if_any()
    drafts = []
    for api in apis:
        proposal = propose(api, [each for each in seen if each.drift.api == api.id], shared=given["shared"])
        place = places.get(api.id)
        made = overlay_for(api.id, api.path, place, proposal.actions) if proposal.actions else None
        left = tuple(f"{_named(each.sighting)}: {each.reason}" for each in proposal.unwritten)
        drafts.append(_Draft(api, made, place, left))
    return drafts


def _named(sighting: Sighting) -> str:
    drift = sighting.drift
    return f"{drift.operation} {sighting.status or ''} {drift.kind} {drift.name}".replace("  ", " ")


def _places(given: str | None, names: Sequence[str]) -> dict[str, Path]:
    """Where each overlay goes.

    Raises:
        UsageError: several would go into one file, or one cannot be written.
    """
    from specwatch.errors import Problem, UsageError
    from specwatch.reports.files import check_writable

    if given is None:
        return {}
    path = Path(given)
    if given.endswith("/") or path.is_dir():
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(Problem(f"--overlay {given}", f"cannot be made: {error.strerror}", "a folder")) from error
        places = {name: path / f"{name}{SUFFIX}" for name in names}
    elif len(names) > 1:
        found = f"is one file for the overlays of {', '.join(names)}"
        raise UsageError(Problem(f"--overlay {given}", found, "one API", f"--api {names[0]}, or a folder: {given}/"))
    else:
        places = dict.fromkeys(names, path)
    for place in places.values():
        check_writable(place)
    return places


def _write_overlay(draft: _Draft) -> None:
    """Write an overlay where it goes, and say so on stderr."""
    from specwatch.drift.overlay import spelt
    from specwatch.reports.files import write_text
    from specwatch.reports.text import count

    if draft.place is not None and draft.overlay is not None:
        write_text(draft.place, spelt(draft.overlay, draft.place))
        click.echo(f"{draft.place}: {count(len(draft.overlay.actions), 'action')} for {draft.api.id}", err=True)
    for line in draft.left_out:
        click.echo(f"not written: {draft.api.id} {line}", err=True)
    if draft.overlay is None:
        click.echo(f"{draft.api.id}: nothing to write", err=True)


# ------------------------------------------------------------------------------------------------------------- changed


def _changes_of(given: Given, drafts: Sequence[_Draft]) -> list[Change]:
    from specwatch.drift.specs import change

    pairs = [(draft.api, draft.overlay) for draft in drafts if draft.overlay is not None]
    _check_place(given["to"], [api.id for api, _ in pairs])
    return [change(api.id, api.path, [overlay]) for api, overlay in pairs]


def _apply_files(given: Given, workspace: Workspace) -> int:
    """Apply overlay files, or show what they would change."""
    from specwatch.cli.names import Complaints
    from specwatch.drift.overlay import read_overlay
    from specwatch.drift.specs import api_of, change

    complaints = Complaints()
    specs = {name: workspace.spec_files[name] for name in _chosen(given["apis"], workspace, complaints)}
    read = [complaints.attempt(lambda path=path: read_overlay(path)) for path in given["overlays"]]  # type: ignore[misc]
    complaints.raise_if_any()
    groups: dict[str, list[Overlay]] = {}
    for overlay in filter(None, read):
        name = complaints.attempt(lambda each=overlay: api_of(each, specs, given["apis"]))  # type: ignore[misc]
        groups.setdefault(name or "", []).append(overlay)
    complaints.raise_if_any()
    _check_place(given["to"], list(groups), given["overlays"])
    changes = [change(name, specs[name], overlays) for name, overlays in groups.items()]
    for name, overlays in groups.items():
        for overlay in overlays:
            _warn(overlay, specs[name])
    if given["apply"]:
        _write(changes, given["to"])
        return OK
    for each in changes:
        _tell(each, f"{each.spec} would change")
    if any(each.actions for each in changes):
        click.echo("Nothing is written without --apply.", err=True)
    return OK


def _warn(overlay: Overlay, spec: Path) -> None:
    """Say which file is changed where an overlay extends another one."""
    from specwatch.drift.specs import extends_another

    if extends_another(overlay, spec):
        click.echo(f"warning: {overlay.where} extends {overlay.extends}, which is another file than {spec}", err=True)
        click.echo(
            "  what is changed is the latter, as the spec of this workspace; correct `extends` if it is", err=True
        )


def _chosen(names: Sequence[str], workspace: Workspace, complaints: Complaints) -> list[str]:
    from specwatch.cli.names import unknown

    known = list(workspace.spec_files)
    for name in names:
        if name not in known:
            complaints.add(unknown(f"--api {name}", "API", name, known, "`specwatch list` shows the APIs"))
    return [name for name in known if not names or name in names]


def _check_place(to: Path | None, names: Sequence[str], overlays: Sequence[Path] = ()) -> None:
    """Pass where the changed specs can be written to one place.

    Raises:
        UsageError: they are several, an overlay lies there, or nothing can be written there.
    """
    from specwatch.errors import Problem, UsageError
    from specwatch.reports.files import check_apart, check_writable

    if to is None:
        return
    if len(names) > 1:
        raise UsageError(Problem(f"--to {to}", f"is one file for {', '.join(names)}", "one API", f"--api {names[0]}"))
    check_writable(to)
    check_apart(to, [("OVERLAY", path) for path in overlays])


def _write(changes: Sequence[Change], to: Path | None) -> None:
    """Write changed specs and say what was changed; every place is tried before the first is written."""
    from specwatch.drift.specs import write
    from specwatch.reports.files import check_writable

    for change in changes:
        check_writable(to or change.spec)
    for change in changes:
        if change.actions or to is not None:
            write(change, to or change.spec)
        _tell(change, str(to or change.spec))


def _tell(change: Change, what: str) -> None:
    from specwatch.drift.specs import nowhere
    from specwatch.reports.text import count

    for overlay in change.applied:
        click.echo(f"{overlay}: all of it is in {change.spec} already", err=True)
    for action in change.missed:
        click.echo(f"warning: {nowhere(change.spec, action)}", err=True)
    if not change.actions:
        return
    added, removed = change.lines
    click.echo(f"{what}: {count(added, 'line')} added, {count(removed, 'line')} removed", err=True)
    for action in change.actions:
        click.echo(f"  {'-' if action.remove else '+'} {action.target}", err=True)
        if action.description:
            click.echo(f"      {action.description}", err=True)
    if change.reformatted:
        click.echo("  more lines than that look different: they could not be changed one by one", err=True)
    if change.grave:
        click.echo("warning: this decides where requests go, what they carry, what they cost and do:", err=True)
        for line in change.grave:
            click.echo(f"  {line}", err=True)
