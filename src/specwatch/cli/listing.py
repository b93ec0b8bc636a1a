"""`specwatch list`: what a workspace says about its APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from specwatch.cli.load import load_apis
from specwatch.cli.names import Complaints
from specwatch.cli.options import api_option, chosen_workspace, workspace_option
from specwatch.spec import Api, Operation
from specwatch.values import Claim, Derived, Level

if TYPE_CHECKING:
    from specwatch.schedule import Probes
    from specwatch.workspace import Workspace

SCHEMA: Final = "specwatch.list/1"


@click.command("list")
@api_option
@click.option("--claims", "with_claims", is_flag=True, help="Every claim, with its text and its place in the document.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout, claims included.")
@workspace_option
def command(apis: tuple[str, ...], with_claims: bool, as_json: bool, workspace: Path | None) -> None:  # noqa: FBT001
    """Show the APIs, their operations, claims and workflows.

    Beside a workflow stands how often a probe of the schedule runs it.
    """
    complaints = Complaints()
    chosen = chosen_workspace(workspace)
    loaded = load_apis(chosen, apis, complaints)
    complaints.raise_if_any()
    probes = _probes(chosen, complaints)
    if as_json:
        click.echo(json.dumps(as_document(loaded, probes), indent=2, ensure_ascii=False))
        return
    for line in as_lines(loaded, probes, with_claims=with_claims):
        click.echo(line)


def _probes(workspace: Workspace, complaints: Complaints) -> Probes:
    """The workflows and the schedule.

    Raises:
        WorkspaceError: they are wrong.
    """
    from specwatch.schedule import Probes, load_probes

    probes = complaints.attempt(lambda: load_probes(workspace))
    complaints.raise_if_any()
    return probes or Probes({}, None)


def as_lines(apis: Sequence[Api], probes: Probes, *, with_claims: bool = False) -> Iterator[str]:
    """The APIs as lines of text, with an empty line between two of them."""
    for index, api in enumerate(apis):
        if index:
            yield ""
        yield f"{api.id}  {api.title}"
        yield from _operation_lines(api.operations)
        yield f"  {counted(api.claims)}"
        yield from _workflow_lines(api, probes)
        if with_claims:
            for claim in api.claims:
                yield from _claim_lines(claim)


def counted(claims: Sequence[Claim]) -> str:
    """How many claims there are, by level and by where they come from."""
    promises = sum(claim.level is Level.PROMISE for claim in claims)
    written = sum(not isinstance(claim.form, Derived) for claim in claims)
    rest = len(claims) - promises
    return (
        f"{len(claims)} claims: {promises} promise{'s' * (promises != 1)}, {rest} inference{'s' * (rest != 1)};"
        f" {written} written down, {len(claims) - written} follow from the schemas"
    )


def price(operation: Operation) -> str:
    """What a call costs, in a few words; empty when it is free."""
    if operation.cost is None:
        return ""
    return f"costs {operation.cost.amount:g} {operation.cost.unit}"


def as_document(apis: Sequence[Api], probes: Probes) -> dict[str, object]:
    """The APIs as a JSON document."""
    return {"schema": SCHEMA, "apis": [{**_api(api), **_workflows(api, probes)} for api in apis]}


def _workflow_lines(api: Api, probes: Probes) -> Iterator[str]:
    """A line per workflow: its name, and how often a probe of the schedule runs it."""
    found = _workflows(api, probes)["workflows"]
    width = max((len(str(workflow["id"])) for workflow in found), default=0)
    for workflow in found:
        every = [f"every {_span(float(str(probe['interval_seconds'])))}" for probe in _list(workflow["probes"])]
        yield f"  workflow  {str(workflow['id']).ljust(width)}  {', '.join(every) or 'by hand'}"


def _workflows(api: Api, probes: Probes) -> dict[str, list[dict[str, object]]]:
    document = probes.documents.get(api.id)
    scheduled = probes.schedule.probes if probes.schedule is not None else ()
    return {
        "workflows": [
            {
                "id": f"{api.id}/{workflow.id}",
                "summary": workflow.summary,
                "probes": [
                    {"id": probe.id, "interval_seconds": probe.interval}
                    for probe in scheduled
                    if probe.workflow is workflow
                ],
            }
            for workflow in (document.workflows.values() if document is not None else ())
        ]
    }


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _span(seconds: float) -> str:
    """`90 s`, `5 min`, `1 h`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _operation_lines(operations: Sequence[Operation]) -> Iterator[str]:
    rows = [(each.method, each.path, each.id, str(each.effect), price(each)) for each in operations]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _claim_lines(claim: Claim) -> Iterator[str]:
    yield f"    {claim.full_id}  ({claim.level})"
    yield f"      {claim.text}"
    yield f"      source: {claim.source}"


def _api(api: Api) -> Mapping[str, object]:
    return {
        "id": api.id,
        "title": api.title,
        "spec": str(api.path),
        "servers": list(api.servers),
        "operations": [_operation(operation) for operation in api.operations],
        "claims": [_claim(claim) for claim in api.claims],
    }


def _operation(operation: Operation) -> Mapping[str, object]:
    cost = operation.cost
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "effect": str(operation.effect),
        "cost": None if cost is None else {"amount": cost.amount, "unit": cost.unit},
    }


def _claim(claim: Claim) -> Mapping[str, object]:
    return {
        "id": claim.full_id,
        "level": str(claim.level),
        "form": type(claim.form).__name__.lower(),
        "operations": sorted(claim.operations),
        "text": claim.text,
        "source": claim.source,
    }
