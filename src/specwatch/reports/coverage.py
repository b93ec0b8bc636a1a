"""Which documented answers a run has seen: the matrix of operation, status and error code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from specwatch.contract.result import RunResult
from specwatch.reports.screen import Screen
from specwatch.spec.model import Api


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One documented answer.

    Args:
        status: `200`, a range such as `4XX`, or `default`.
        code: the provider's error code; empty where none is documented under that status.
        seen: how often it came.
    """

    api: str
    operation: str
    status: str
    code: str
    seen: int


def matrix(result: RunResult, apis: Sequence[Api]) -> tuple[MatrixRow, ...]:
    """Every documented answer of the APIs, in the order of their specs, and how often the run saw it."""
    responses = {api.id: api.responses for api in result.apis}
    return tuple(
        MatrixRow(api.id, operation, status, code, _seen(responses.get(api.id, {}), operation, status, code))
        for api in apis
        for operation, status, code in _documented(api)
    )


def _documented(api: Api) -> Iterator[tuple[str, str, str]]:
    for operation in api.operations:
        for response in operation.responses.values():
            for code in response.codes or ("",):
                yield operation.id, response.status, code


def _seen(responses: Mapping[tuple[str, str, str], int], operation: str, status: str, code: str) -> int:
    if code:
        return responses.get((operation, status, code), 0)
    return sum(seen for (o, s, _), seen in responses.items() if (o, s) == (operation, status))


def print_matrix(console: Console, rows: Sequence[MatrixRow]) -> None:
    """Print the matrix and, below it, which share of the documented answers was seen."""
    screen = Screen(console)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("API", "operation", "status", "code"):
        table.add_column(title, overflow="fold")
    table.add_column("seen", justify="right")
    for row in rows:
        seen = screen.text(f"{row.seen:,}" if row.seen else "never", "" if row.seen else "bold yellow")
        screen.row(table, row.api, row.operation, row.status, row.code or "-", seen)
    console.print(table, highlight=False)
    hit = sum(row.seen > 0 for row in rows)
    share = 100 * hit // len(rows) if rows else 100  # rounded down: 100 % means all
    screen.line(f"every documented (operation, status, code) seen: {hit} of {len(rows)}, {share} %")
