"""Alerts about objectives, with a quorum over the locations that watch the same.

`probe:specwatch_burning:ratio_rate...` is recorded per location where a budget burns too fast over both windows of a
pair and enough runs failed. An alert fires for those locations only where they are more than the quorum of all
locations that have a verdict. A location has one while its prober tells the last settled verdict of the probe and has
run the probe of late: one that is down, has just been started and knows nothing yet, or has paused the probe, for
maintenance or for want of budget, does not make the others a minority.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.burn import Pair, pairs, suited
from specwatch.monitoring.rules.model import Alert, Recording

FROM_HERE = "{{ with $labels.location }} from {{ . }}{{ end }}"
"""Names the location where there is one."""

SEEN_FROM_HERE = "{{ with $labels.location }}, seen from {{ . }}{{ end }}"
"""The same behind a number."""

NAMES = {"availability": "SpecwatchErrorBudgetBurn", "latency": "SpecwatchLatencyBudgetBurn"}

_SUMMARIES = {
    "availability": "fails too often",
    "latency": "is too slow too often",
}

_BAD = {
    "availability": "of the time in the last {long} was bad",
    "latency": "of the runs in the last {long} were too slow",
}


def burning(origin: Origin, kind: str) -> Iterator[Recording]:
    """Per pair: where a budget burns too fast; the value is the share of errors over the long window.

    Args:
        origin: its probes decide which pairs are needed and with which short windows.
        kind: `availability` or `latency`.
    """
    for pair in pairs(origin.settings):
        short = _short(origin, pair, kind)
        if short:
            yield Recording(
                _burning(pair),
                f'probe:specwatch_objective_errors:ratio_rate{pair.long.name}{{objective="{kind}"}}\n'
                f"and probe:specwatch_burn_rate:ratio_rate{pair.long.name} > {pair.label}\n"
                f"and {short}\n"
                f"and probe:specwatch_objective_failures:increase{pair.long.name}\n"
                "  >= on (api, probe) group_left () probe:specwatch_objective_failures:minimum",
                {"objective": kind},
            )


def burn_alerts(origin: Origin, kind: str) -> Iterator[Alert]:
    """The alert of each pair that suits any probe.

    Args:
        origin: probes and settings.
        kind: `availability` or `latency`.
    """
    for pair in pairs(origin.settings):
        if suited(origin, pair, kind):
            yield _burn_alert(pair, kind, origin.settings.locations_quorum)


def location_disagrees(origin: Origin) -> Alert:
    """A probe fails from here, and so few other locations agree that the alerts on budgets keep silent.

    At a quorum of 0 they never do: one location is enough for them, so that this one cannot fire.
    """
    verdicts = "probe:specwatch_probe_success:min"
    return Alert(
        "SpecwatchLocationDisagrees",
        f"({verdicts} == 0)\n"
        "+ on (api, probe) group_left ()\n"
        f"(avg by (api, probe) ({verdicts}) >= {1 - origin.settings.locations_quorum:.12g})",
        "ticket",
        "network",
        f"{{{{ $labels.probe }}}} fails{FROM_HERE} alone: probably the network between there and {{{{ $labels.api }}}}",
        f"The probe {{{{ $labels.probe }}}} of {{{{ $labels.api }}}} fails{FROM_HERE}, and passes from "
        "{{ $value | humanizePercentage }} of the locations that watch it. The provider is probably well: look at the "
        "prober that fails and at its way there.",
        hold=origin.settings.locations_disagree_for,
        dashboard="specwatch-fleet",
    )


def _burn_alert(pair: Pair, kind: str, quorum: float) -> Alert:
    mine = f'{_burning(pair)}{{objective="{kind}"}}'
    expr = (
        f"{mine}\n"
        "and on (api, probe) (\n"
        f"  count by (api, probe) ({mine})\n"
        f"  > {quorum:.12g} * count by (api, probe) (\n"
        f"    probe:specwatch_probe_success:min or on (api, probe, location) {mine}\n"
        "  )\n"
        ")"
    )
    return Alert(
        NAMES[kind],
        expr,
        pair.severity,
        "provider",
        _summary(kind),
        _description(pair, kind),
        0.0,
        {"burn_rate": pair.label},
    )


def _summary(kind: str) -> str:
    what = f"{{{{ $labels.probe }}}} {_SUMMARIES[kind]}{FROM_HERE}"
    return f"{what}: probably the fault of the provider of {{{{ $labels.api }}}}"


def _description(pair: Pair, kind: str) -> str:
    bad = _BAD[kind].format(long=pair.long.name)
    allowed = _looked_up(f"1 - probe:specwatch_objective:ratio{{probe=%q, objective='{kind}'}}", "$labels.probe")
    limit = _looked_up(
        "probe:specwatch_latency_objective:seconds{probe=%q}", "$labels.probe", "{{ humanizeDuration $found }}"
    )
    left = _looked_up(
        f"probe:specwatch_error_budget_remaining:ratio{{probe=%q, objective='{kind}', location=%q}}",
        "$labels.probe $labels.location",
        _LEFT,
    )
    return (
        f"{{{{ $value | humanizePercentage }}}} {bad}{SEEN_FROM_HERE}; the objective allows {allowed}. "
        f"{f'Too slow is more than {limit}. ' if kind == 'latency' else ''}"
        f"The burn rate is above {pair.label}, at which a budget of 30 days lasts {pair.lasts}. Left of it: {left}."
    )


_LEFT: Final = "{{ if le $found 0.0 }}nothing{{ else }}{{ humanizePercentage $found }}{{ end }}"
"""What is left of a budget. By how much it is overspent says little, and in a young prober nothing at all."""


def _looked_up(query: str, arguments: str, form: str = "{{ humanizePercentage $found }}") -> str:
    """A template for a recorded value; `unknown` where there is none. `%q` quotes a label as PromQL needs it.

    Args:
        query: a format of PromQL.
        arguments: of the format.
        form: a template that writes the value, which is `$found`.
    """
    found = f"{{{{ with printf `{query}` {arguments} | query }}}}{{{{ $found := . | first | value }}}}{form}"
    return f"{found}{{{{ else }}}}unknown{{{{ end }}}}"


def _burning(pair: Pair) -> str:
    return f"probe:specwatch_burning:ratio_rate{pair.long.name}"


def _short(origin: Origin, pair: Pair, kind: str) -> str:
    """Whether the budget still burns, each probe over the short window that suits it."""
    everyone = [probe.id for probe, name, _ in origin.objectives() if name == kind]
    clauses = [
        f"probe:specwatch_burn_rate:ratio_rate{window.name}{_selector(probes, everyone)} > {pair.label}"
        for window, probes in suited(origin, pair, kind).items()
    ]
    return clauses[0] if len(clauses) == 1 else "(" + " or ".join(clauses) + ")" if clauses else ""


def _selector(probes: Sequence[str], everyone: Sequence[str]) -> str:
    """Selects some of the probes with an objective: none where it is all of them, else the shorter way to say it."""
    others = [probe for probe in everyone if probe not in probes]
    if not others:
        return ""
    names, sign = (probes, "=~") if len(probes) <= len(others) else (others, "!~")
    return f'{{probe{sign}"{"|".join(names)}"}}'
