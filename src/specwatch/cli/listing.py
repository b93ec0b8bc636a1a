"""`specwatch list`: what a workspace says about its APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from specwatch.cli.load import load_apis
from specwatch.cli.names import Complaints
from specwatch.cli.options import api_option, chosen_workspace, workspace_option
from specwatch.spec import Api, Operation
from specwatch.values import Claim, Derived, Level

SCHEMA: Final = "specwatch.list/1"


@click.command("list")
@api_option
@click.option("--claims", "with_claims", is_flag=True, help="Every claim, with its text and its place in the document.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout, claims included.")
@workspace_option
def command(apis: tuple[str, ...], with_claims: bool, as_json: bool, workspace: Path | None) -> None:  # noqa: FBT001
    """Show the APIs, their operations and their claims."""
    complaints = Complaints()
    loaded = load_apis(chosen_workspace(workspace), apis, complaints)
    complaints.raise_if_any()
    if as_json:
        click.echo(json.dumps(as_document(loaded), indent=2, ensure_ascii=False))
        return
    for line in as_lines(loaded, with_claims=with_claims):
        click.echo(line)


def as_lines(apis: Sequence[Api], *, with_claims: bool = False) -> Iterator[str]:
    """The APIs as lines of text, with an empty line between two of them."""
    for index, api in enumerate(apis):
        if index:
            yield ""
        yield f"{api.id}  {api.title}"
        yield from _operation_lines(api.operations)
        yield f"  {counted(api.claims)}"
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


def as_document(apis: Sequence[Api]) -> dict[str, object]:
    """The APIs as a JSON document."""
    return {"schema": SCHEMA, "apis": [_api(api) for api in apis]}


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
