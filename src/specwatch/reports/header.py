"""What a run is about to do, said before it does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console

from specwatch.contract.run import ApiRun, ContractRun, Settings
from specwatch.reports.screen import Screen
from specwatch.reports.text import count
from specwatch.transport.permission import KINDS, needed
from specwatch.transport.target import Kind
from specwatch.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Need:
    """Something that is not there because none of these variables is set."""

    variables: tuple[str, ...]
    api: str
    purpose: str
    what: str = ""


def print_header(console: Console, workspace: Workspace, run: ContractRun, *, dry_run: bool = False) -> None:
    """Print workspace, target, profile, seed, budgets, and which operations are not allowed to be called."""
    screen = Screen(console)
    screen.line(screen.text("specwatch check", "bold"), ", dry run: nothing is sent to the target" * dry_run)
    screen.fields(_rows(workspace, run))
    console.print()


def print_missing(console: Console, run: ContractRun) -> None:
    """Print which variables would let the run check more than it can, a line each; none are on the embedded sandbox."""
    needs = (
        [] if run.settings.target.kind is Kind.SANDBOX else [need for api in run.apis.values() for need in _unset(api)]
    )
    if not needs:
        return
    screen = Screen(console)
    screen.line("Not set, so that what needs it stays unknown:")
    screen.fields(_by_variable(needs).items())
    console.print()


def _by_variable(needs: Sequence[_Need]) -> dict[str, str]:
    """Variable to what it is for. Where one of several would do, the one that does for most stands for them."""
    uses = Counter(name for need in needs for name in need.variables)
    told: dict[str, dict[str, list[str]]] = {}
    for need in needs:
        main = max(need.variables, key=uses.__getitem__)
        others = " or ".join(name for name in need.variables if name != main)
        api = f"{need.api} (or {others})" if others else need.api
        told.setdefault(main, {}).setdefault(need.purpose, []).append(f"{api}: {need.what}" if need.what else api)
    return {
        name: "; ".join(f"{purpose} of {' and '.join(dict.fromkeys(apis))}" for purpose, apis in purposes.items())
        for name, purposes in told.items()
    }


def _unset(api: ApiRun) -> Iterator[_Need]:
    environment = api.settings.environment
    for scheme in api.api.schemes.values():
        for role, names in scheme.variables_by_role.items():
            if names and not any(environment.get(name) for name in names):
                yield _Need(names, api.api.id, f"credential `{role}`")
    for name, known in api.api.known.items():
        if known.setting and name not in api.known:
            yield _Need((known.setting,), api.api.id, f"identifier `{name}`", known.text)


def _rows(workspace: Workspace, run: ContractRun) -> Iterator[tuple[str, str]]:
    settings = run.settings
    yield "workspace", f"{workspace.root} ({workspace.chosen})"
    yield from _target(run)
    yield "profile", f"{settings.profile.name}, seed {settings.seed}{', strict' if settings.strict else ''}"
    yield "APIs", f"{len(run.apis)}: {', '.join(run.apis)}"
    yield "budget", _budget(settings)
    yield from _permission(run)


def _target(run: ContractRun) -> Iterator[tuple[str, str]]:
    target = run.settings.target
    if target.kind is not Kind.LIVE:
        yield "target", f"sandbox at {target.url}" if target.kind is Kind.SANDBOX else target.url
        return
    yield "target", "live"
    for api in run.apis.values():
        yield "", f"{api.api.id} at {target.base(api.api)}"


def _budget(settings: Settings) -> str:
    requests = count(settings.max_requests or settings.profile.max_requests, "request")
    cost = "no limit on cost" if settings.max_cost is None else f"a cost of at most {settings.max_cost:g}"
    return f"{requests} and {cost} per API"


def _permission(run: ContractRun) -> Iterator[tuple[str, str]]:
    if run.settings.target.kind is Kind.SANDBOX:
        yield "allowed", "every call: the sandbox is ours"
        return
    extra = [kind for kind in KINDS if kind in run.settings.allow]
    yield "allowed", " and ".join(["free reads", *(f"`{kind}`" for kind in extra)])
    left_out = [(api, dict(_left_out(api))) for api in run.apis.values()]
    missing = {kind for _, operations in left_out for kinds in operations.values() for kind in kinds}
    if not missing:
        return
    label = "left out"
    for api, operations in left_out:
        if operations:
            named = ", ".join(f"{name} ({' and '.join(kinds)})" for name, kinds in operations.items())
            yield label, f"{api.api.id}: {named}"
            label = ""
    yield "", f"`--allow {','.join(kind for kind in KINDS if kind in missing)}` permits them"


def _left_out(api: ApiRun) -> Iterator[tuple[str, tuple[str, ...]]]:
    for operation in api.api.operations:
        kinds = tuple(kind for kind in needed(operation) if kind not in api.settings.allow)
        if kinds and operation.id in api.operations:
            yield operation.id, kinds
