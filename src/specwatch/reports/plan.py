"""The plan of a run, for a terminal and as JSON: `specwatch.plan/1`, as `plan.schema.json` beside this describes it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.plan import ApiPlan, PlannedCalls
from specwatch.reports.schemas import packaged_schema
from specwatch.reports.screen import Screen
from specwatch.reports.text import count

SCHEMA: Final = "specwatch.plan/1"
NAMED: Final = 3
"""That many claims that share a reason are named; of more, only how many there are, unless all are asked for."""

Document = dict[str, object]


def schema() -> Mapping[str, object]:
    """The JSON Schema (2020-12) of the document."""
    return packaged_schema("specwatch.reports", "plan.schema.json")


def to_text(document: Document) -> str:
    """The document as indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def to_json(plans: Sequence[ApiPlan], target: str, profile: str) -> Document:
    """The plan as a document of JSON values. Costs are in units of `x-cost`."""
    return {
        "schema": SCHEMA,
        "target": target,
        "profile": profile,
        "requests": sum(plan.requests for plan in plans),
        "cost": sum(plan.cost for plan in plans),
        "apis": [_api(plan) for plan in plans],
    }


def _api(plan: ApiPlan) -> Document:
    return {
        "id": plan.id,
        "budget": plan.budget,
        "requests": plan.requests,
        "cost": plan.cost,
        "operations": [_operation(calls) for calls in plan.calls],
        "settled": [result.claim.id for result in plan.settled],
        "unknown": [{"claim": result.claim.id, "reason": result.reason} for result in plan.unknown],
    }


def _operation(calls: PlannedCalls) -> Document:
    operation = calls.operation
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "effect": operation.effect.value,
        "needs": list(calls.kinds),
        "served": calls.served,
        "refused": calls.refused,
        "cost": calls.cost,
    }


def print_plan(console: Console, plans: Sequence[ApiPlan], *, verbose: bool = False) -> None:
    """Print requests per operation, what they cost, and what would stay unknown with what would settle it.

    Args:
        console: where it goes.
        plans: one per API.
        verbose: name all claims that would stay unknown, however many share a reason.
    """
    screen = Screen(console)
    _table(screen, plans)
    _unknown(screen, plans, verbose=verbose)
    _defects(screen, plans)
    requests, cost = sum(plan.requests for plan in plans), sum(plan.cost for plan in plans)
    price = f" and cost {cost:g}" if cost else " and cost nothing"
    apis = count(len(plans), "API")
    asked = sum(plan.requests > 0 for plan in plans)
    if not requests:
        screen.line(f"A run would send nothing to {apis}: first settle what is named above.")
        return
    whom = apis if asked == len(plans) else f"{asked:,} of {apis}"
    screen.line(f"A run would send about {count(requests, 'request')} to {whom}{price}. Nothing was sent.")
    screen.line("Waiting for background work is assumed to be short: each further look at it is one request more.")
    screen.line(screen.text("  next  ", "dim"), "the same command without --dry-run does it")


def _table(screen: Screen, plans: Sequence[ApiPlan]) -> None:
    table = Table(box=None, pad_edge=False, show_footer=False)
    for title in ("API", "operation", "effect"):
        table.add_column(title)
    for title in ("requests", "to be refused", "cost"):
        table.add_column(title, justify="right", no_wrap=True)
    for plan in plans:
        for index, calls in enumerate(plan.calls):
            effect = ", ".join([calls.operation.effect.value, *(kind for kind in calls.kinds if kind == "paid")])
            figures = (f"{calls.requests:,}", f"{calls.refused:,}", f"{calls.cost:g}")
            screen.row(table, "" if index else plan.id, calls.operation.id, effect, *figures)
        refused, limit = sum(calls.refused for calls in plan.calls), f"{plan.requests:,} of {plan.budget:,}"
        screen.row(table, "", "all, of the budget", "", limit, f"{refused:,}", f"{plan.cost:g}", style="dim")
    screen.console.print(table, highlight=False)
    screen.console.print()


def _unknown(screen: Screen, plans: Sequence[ApiPlan], *, verbose: bool) -> None:
    settled, unknown = sum(len(plan.settled) for plan in plans), sum(len(plan.unknown) for plan in plans)
    told = f"{count(settled, 'claim')} would be judged"
    if not unknown:
        screen.line(f"{told}, and none would stay unknown.")
    else:
        screen.line(f"{told}; ", screen.text(f"{unknown:,} would stay unknown:", "bold yellow"))
        groups: dict[str, list[ClaimResult]] = {}
        for result in (result for plan in plans for result in plan.unknown):
            groups.setdefault(result.reason or "", []).append(result)
        ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
        named = ((reason, claims, _who(claims, verbose=verbose)) for reason, claims in ordered)
        screen.fields((count(len(claims), "claim"), f"{reason} ({who})") for reason, claims, who in named)
        if not verbose and any(len(claims) > NAMED for claims in groups.values()):
            screen.line("`--verbose` names all of them.")
    screen.console.print()


def _who(claims: Sequence[ClaimResult], *, verbose: bool) -> str:
    if verbose or len(claims) <= NAMED:
        return ", ".join(result.claim.full_id for result in claims)
    per_api = Counter(result.claim.api for result in claims)
    return ", ".join(f"{number} of {api}" for api, number in per_api.items())


def _defects(screen: Screen, plans: Sequence[ApiPlan]) -> None:
    broken = [violation for plan in plans for violation in plan.broken]
    if broken:
        screen.line("The sandbox that stood in breaks claims itself; sandbox, spec or contract tests have a defect:")
        screen.fields((violation.claim, violation.message) for violation in broken)
        screen.console.print()
