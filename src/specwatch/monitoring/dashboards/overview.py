"""The dashboard "Overview": one line of large panels for each API, then the probes over time, then the open alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from grafana_foundation_sdk.builders import prometheus

from specwatch.monitoring.dashboards.frame import (
    COLUMNS,
    Board,
    Grid,
    board,
    board_url,
    standard_annotations,
    standard_links,
    standard_variables,
)
from specwatch.monitoring.dashboards.kit import (
    BAD,
    GOOD,
    NEAR,
    PLAIN,
    QUIET,
    AnyPanel,
    Question,
    Steps,
    figure,
    link,
    nothing,
    override,
    pick,
    query,
    thresholds,
    timeline,
    words,
)
from specwatch.monitoring.dashboards.shared import (
    RULES_SEEN,
    UNKNOWN,
    count_broken,
    firing,
    open_alerts,
    verdict_now,
)
from specwatch.monitoring.origin import Origin
from specwatch.schedule import Probe
from specwatch.spec import Api

UID: Final = "specwatch-overview"
_LOWEST: Final = -1e9
"""Below every value that there is; the colour below it is that of no value at all."""

_NO_BUDGET: Final = "no budget"


def overview_board(origin: Origin) -> dict[str, Any]:
    """The dashboard as plain data.

    Args:
        origin: its APIs, in the order of the workspace, are the lines.
    """
    grid = Grid()
    for api in origin.apis:
        for panel in _line(api, origin):
            grid.add(panel, COLUMNS // 6, 4)
    grid.row("Where is the trouble?")
    grid.add(_open_alerts(origin), COLUMNS, 9)
    grid.row("Since when?")
    grid.add(_probes_over_time(), COLUMNS, max(6, 2 + round(0.75 * len(origin.probes))))
    return board(
        Board(
            uid=UID,
            description=(
                "Is every API up, fast, affordable and as documented? One line for each; red and orange need somebody, "
                "grey means that nothing is known. A panel leads to its API."
            ),
            panels=grid.items,
            variables=standard_variables(),
            annotations=standard_annotations(),
            links=standard_links(UID, origin.settings),
        )
    )


def _line(api: Api, origin: Origin) -> Iterator[AnyPanel]:
    yield _is_up(api, origin)
    yield _budget_left(api, origin)
    yield _latency(api, origin)
    yield _contract(api)
    yield _alerts(api, origin)
    yield _cost(api, origin)


def _leads_to(api: Api) -> tuple[Any, ...]:
    return (link(f"More about {api.id}", board_url("specwatch-api", f"var-api={api.id}")),)


def _is_up(api: Api, origin: Origin) -> AnyPanel:
    verdicts = pick("specwatch_probe_success", f'api="{api.id}"')
    seen = f"avg by (probe) ({verdicts})"
    down = f"count({seen} < {1 - origin.settings.locations_quorum:g}) or 0 * count({seen})"
    question = Question(
        title=f"Is {api.id} up?",
        description=(
            f"How many probes of {api.id} fail now. With several locations a probe counts as failing when more "
            f"than {origin.settings.locations_quorum:.0%} of them say so. Normal: UP. DOWN: follow the link of this "
            "panel to see which probe fails and with what answer. UNKNOWN: no probe has a verdict, so look at the "
            "alerts below and at the dashboard Prober."
        ),
        unit="suffix:DOWN",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("UP", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
        links=_leads_to(api),
    )
    return figure(question, query(down, instant=True))


def _budget_left(api: Api, origin: Origin) -> AnyPanel:
    own = f'api="{api.id}"'
    left = f"bottomk(1, {pick('probe:specwatch_error_budget_remaining:ratio', own)})"
    goal = (
        'count_values by (api, probe, objective) ("goal", round(100 * '
        f"{pick('probe:specwatch_objective:ratio', own, located=False)}, 0.001))"
    )
    near = origin.settings.dashboards_budget_left
    goals = sorted({f"{share:.4%}".rstrip("0%").rstrip(".") for _, _, share in _objectives(api, origin)})
    question = Question(
        title=f"Budget left: {api.id}?",
        description=(
            "What is left of the error budget of 30 days, for the probe of this API that has spent most, with its "
            f"objective. Objectives here: {', '.join(f'{each} %' for each in goals) or 'none'}. 100 %: nothing failed. "
            f"Below {near:.0%}: go easy on changes. Below 0: the objective is missed; see which probe, since when, and "
            "whose fault it is."
        ),
        unit="percentunit",
        steps=(QUIET, (_LOWEST, BAD), (0, NEAR), (near, GOOD)),
        none="no objective" if not goals else UNKNOWN,
        words=[nothing(UNKNOWN)],
        decimals=0,
        links=_leads_to(api),
    )
    expr = f"{left} * on (api, probe, objective) group_left (goal) (0 * {goal} + 1)"
    return figure(question, query(expr, "{{probe}} ≥ {{goal}} %", instant=True), name=True)


def _objectives(api: Api, origin: Origin) -> Iterator[tuple[Probe, str, float]]:
    return (each for each in origin.objectives() if each[0].api == api.id)


def _latency(api: Api, origin: Origin) -> AnyPanel:
    near = origin.settings.dashboards_latency_near
    bounds = {probe.objective.latency for probe in origin.probes_of(api.id)} - {None}
    parts = [_used(api, origin, quantile) for quantile in sorted({each.quantile for each in bounds if each})]
    allowed = f"max by (api, probe) ({_allowed(api)})"
    limit = f'count_values by (api, probe) ("allowed", {allowed})'
    worst = f"topk(1, ({' or '.join(parts)}) >= 0) * on (api, probe) group_left (allowed) (0 * {limit} + 1)"
    question = Question(
        title=f"Fast enough: {api.id}?",
        description=(
            "How much of the allowed time the slowest probe of this API takes: its quantile over the last hour as a "
            f"share of its objective. Above {near:.0%} it is close, above 100 % it is too slow: see on the dashboard "
            "of the API which phase takes the time."
        ),
        unit="percentunit",
        steps=(QUIET, (0, GOOD), (near, NEAR), (1, BAD)),
        none=UNKNOWN if parts else "no objective",
        words=[nothing(UNKNOWN)],
        decimals=0,
        links=_leads_to(api),
    )
    expr = worst if parts else f"0 * {allowed}"
    return figure(question, query(expr, "{{probe}} of {{allowed}} s", instant=True), name=True)


def _allowed(api: Api) -> str:
    return pick("probe:specwatch_latency_objective:seconds", f'api="{api.id}"', located=False)


def _used(api: Api, origin: Origin, quantile: float) -> str:
    """Share of the allowed time that the runs of the probes with this quantile took."""
    probes = "|".join(
        probe.id
        for probe in origin.probes_of(api.id)
        if probe.objective.latency is not None and probe.objective.latency.quantile == quantile
    )
    buckets = pick("specwatch_probe_duration_seconds_bucket", f'api="{api.id}"', f'probe=~"{probes}"')
    taken = f"histogram_quantile({quantile:g}, sum by (api, probe, le) (increase({buckets}[1h])))"
    return f"{taken} / on (api, probe) group_left () max by (api, probe) ({_allowed(api)})"


def _contract(api: Api) -> AnyPanel:
    question = Question(
        title=f"Contract kept: {api.id}?",
        description=(
            "How many promises of the documentation are broken now: broken a short time ago, or not seen kept since. "
            "Normal: KEPT. BROKEN: the link of this panel leads to the claims, with the first and the last time that "
            "each was broken. UNKNOWN: no answer could be compared with a promise yet."
        ),
        unit="suffix:BROKEN",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("KEPT", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
        links=_leads_to(api),
    )
    return figure(question, query(count_broken(f'api="{api.id}"', 'level="promise"'), instant=True))


def _alerts(api: Api, origin: Origin) -> AnyPanel:
    question = Question(
        title=f"Open alerts: {api.id}?",
        description=(
            "How many alerts about this API are firing: pages, which wake somebody, and tickets, which wait for the "
            "working day. Normal: none. Each is in the table below with its runbook. UNKNOWN: Prometheus does not "
            "evaluate the rules of specwatch."
        ),
        unit="none",
        steps=(QUIET, (0, GOOD), (1, BAD)),
        none=UNKNOWN,
        words=[words({"0": ("none", GOOD)}), nothing(UNKNOWN)],
        decimals=0,
        links=_leads_to(api),
    )
    targets = [_count(api, origin, severity, legend) for severity, legend in (("page", "pages"), ("ticket", "tickets"))]
    amber = thresholds((QUIET, (0, GOOD), (1, NEAR))).build()
    return override(figure(question, *targets, name=True), "tickets", thresholds=amber)


def _count(api: Api, origin: Origin, severity: str, legend: str) -> prometheus.Dataquery:
    alerts = firing(f'api="{api.id}"', f'severity="{severity}"')
    evaluated = RULES_SEEN if any(origin.objectives()) else "vector(0)"
    each = f"group without (burn_rate) ({alerts})"  # one trouble, however many of its rates are over the line
    return query(f"count({each}) or {evaluated}", legend, instant=True)


def _cost(api: Api, origin: Origin) -> AnyPanel:
    own = f'api="{api.id}"'
    limit = pick("specwatch_budget_limit", own, 'unit!="requests"')
    left = pick("specwatch_budget_remaining", own, 'unit!="requests"')
    today, last_day = f"sum(({limit} > 0) - {left})", f"sum(increase({pick('specwatch_cost_total', own)}[1d]))"
    # the 0 until there are two samples to tell an increase from
    spent = f"{today} or {last_day} and count({limit}) or 0 * sum({limit})"
    unit = next((each.cost.unit for each in api.operations if each.cost is not None), "")
    most = sum(probe.budget.cost or 0 for probe in origin.probes_of(api.id))
    question = Question(
        title=f"Spent today: {api.id}?",
        description=(
            f"What the calls to this API cost since midnight UTC{', in units of ' + unit if unit else ''}; where "
            f"nothing may be spent, in the last 24 hours. The budget of a day is {most:g}: at the end of it the paid "
            "probes stop until midnight. Normal: less than that, and 0 for what is free. No budget: this "
            "prober has none, as on a sandbox with an interval of its own."
        ),
        unit=f"suffix:{unit}" if unit else "none",
        steps=_cost_steps(most, origin.settings.account_budget_low),
        none=_NO_BUDGET,
        words=[nothing(_NO_BUDGET)],
        links=_leads_to(api),
    )
    return figure(question, query(f"round({spent}, 0.01)", instant=True))


def _cost_steps(most: float, low: float) -> Steps:
    """Green within the budget, amber where little is left, red at its end; where nothing may be spent, red above 0."""
    if not most:
        return (QUIET, (0, GOOD), (0.001, BAD))
    return (QUIET, (0, GOOD), (round(most * (1 - low), 6), NEAR), (most, BAD))


def _open_alerts(origin: Origin) -> AnyPanel:
    question = Question(
        title="Which alerts are open?",
        description=(
            "Every alert of specwatch that fires, with who probably has to act. The name leads to the runbook, which "
            "says what it means and what to do; the API to its dashboard. Normal: nothing."
        ),
        none="no alert is open, as far as Prometheus knows",
        steps=(PLAIN,),
    )
    return open_alerts(question, origin.settings)


def _probes_over_time() -> AnyPanel:
    question = Question(
        title="Which probe fails, and since when?",
        description=(
            "The verdict of each probe over time, the worst of all locations. Grey: unknown, since it could not be "
            "established or has not run yet. A gap: it does not run here, or nobody was measuring. Normal: passing "
            "all the way."
        ),
        unit="none",
        steps=(QUIET, (0, BAD), (1, GOOD)),
        words=[words({"1": ("passing", GOOD), "0": ("FAILING", BAD), "-1": ("unknown", QUIET)})],
        none="no probe has run",
        data_links=[link("More about this API", board_url("specwatch-api", "var-api=${__field.labels.api}"))],
    )
    return timeline(question, query(verdict_now(("api", "probe")), "{{probe}}"))
