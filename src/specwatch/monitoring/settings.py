"""The settings of the derived monitoring, `grafana/settings.yaml`, in base units."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec import Source
from specwatch.spec.form import Form

SETTINGS_FILE: Final = "settings.yaml"
SETTINGS_FORM: Final = Form(Path(__file__).with_name("settings.schema.json"))
DEFAULT_FILE: Final = Path(__file__).with_name("settings.default.yaml")

_UNITS: Final[Mapping[str, float]] = {
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
    "days": 86400,
    "percent of the budget": 0.01,
    "percent of the objective": 0.01,
    "megabytes": 1e6,
}
"""What one of a unit is in base units: seconds, bytes, shares of 1. Units that are not here are base units."""

_BURN_RATES: Final = ("page-fast", "page-slow", "ticket-fast", "ticket-slow")


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notifications of one severity go; nowhere but Alertmanager's page where both are empty.

    Args:
        webhook_url: an address without a secret.
        webhook_url_file: path of a file that holds the address.
    """

    webhook_url: str = ""
    webhook_url_file: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Thresholds, selectors, links and receivers.

    A field `group_key` is the entry `group.key` of the file. Times are in seconds, sizes in bytes, percentages are
    shares of 1. What each is for stands in the file and in its JSON Schema.
    """

    selectors_job: str
    links_runbooks: str
    links_grafana: str
    links_alertmanager: str
    scrape_interval: float
    scrape_evaluation: float
    burn_page_fast: float
    burn_page_slow: float
    burn_ticket_fast: float
    burn_ticket_slow: float
    burn_minimum_failures: int
    locations_quorum: float
    locations_disagree_for: float
    probes_failing_for: float
    probes_unknown_for: float
    probes_missed_intervals: float
    contract_remembered: float
    contract_forgotten: float
    contract_drift_window: float
    account_credential_for: float
    account_rate_limited_for: float
    account_budget_low: float
    account_budget_forecast: float
    certificates_ticket: float
    certificates_page: float
    jobs_stuck: float
    prober_lag: float
    prober_lag_quantile: float
    prober_late_for: float
    prober_saturated_for: float
    prober_down_for: float
    prober_absent_for: float
    prober_reload_for: float
    prober_state_window: float
    notifications_group_wait: float
    notifications_group_interval: float
    notifications_repeat_page: float
    notifications_repeat_ticket: float
    notifications_repeat_info: float
    dashboards_budget_left: float
    dashboards_latency_near: float
    dashboards_memory: float
    receivers: Mapping[str, Receiver] = field(default_factory=dict)
    minimum_failures_of_probe: Mapping[str, int] = field(default_factory=dict)

    def minimum_failures(self, probe_id: str) -> int:
        """How many runs of a probe have to fail in a window before its budget counts as burning."""
        return self.minimum_failures_of_probe.get(probe_id, self.burn_minimum_failures)


def load_settings(path: Path | None, probes_with_objective: Collection[str] | None) -> Settings:
    """The settings of a file; what it leaves out has the default.

    Args:
        path: a `settings.yaml`; None, or one that does not exist, means the defaults.
        probes_with_objective: ids of the probes whose objective the file may say more about; None where they cannot be
            known, so that nothing is said about them.

    Raises:
        WorkspaceError: the file is wrong; all problems of it.
    """
    default = Source.read(DEFAULT_FILE).mapping()
    source = Source.read(path) if path is not None and path.exists() else Source.read(DEFAULT_FILE)
    own = source.mapping()
    problems = [problem for _, problem in SETTINGS_FORM.problems(source, own)]
    if not problems:
        problems = list(_mismatches(source, default, own))
        if probes_with_objective is not None:
            problems += _strangers(source, own, probes_with_objective)
    if problems:
        raise WorkspaceError(*sorted(dict.fromkeys(problems), key=lambda each: int(each.where.rpartition(":")[2])))
    return _settings(default, own)


def _settings(default: Mapping[str, Any], own: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {}
    for name in (each.name for each in fields(Settings) if each.name not in {"receivers", "minimum_failures_of_probe"}):
        group, _, key = name.partition("_")
        values[name] = _base(_entry(default, own, group, key.replace("_", "-")))
    receivers = {**default["receivers"], **own.get("receivers", {})}
    return Settings(
        **values,
        receivers={
            name: Receiver(raw.get("webhook-url", ""), raw.get("webhook-url-file", ""))
            for name, raw in receivers.items()
        },
        minimum_failures_of_probe={
            probe: int(raw["value"]) for probe, raw in own.get("burn", {}).get("of-probe", {}).items()
        },
    )


def _entry(default: Mapping[str, Any], own: Mapping[str, Any], group: str, key: str) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = own.get(group, {}).get(key) or default[group][key]
    return entry


def _base(entry: Mapping[str, Any]) -> object:
    factor = _UNITS.get(entry.get("unit", ""))
    return entry["value"] if factor is None else round(entry["value"] * factor, 9)


def _mismatches(source: Source, default: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[Problem]:
    """Pairs of values that cannot both be meant."""
    for (group, lower), (_, upper) in (
        (("certificates", "page"), ("certificates", "ticket")),
        *((("burn", low), ("burn", high)) for high, low in itertools.pairwise(_BURN_RATES)),
    ):
        less, more = _entry(default, own, group, lower)["value"], _entry(default, own, group, upper)["value"]
        if less >= more:
            yield Problem(
                source.place(group, lower, "value"),
                f"{group}.{lower} is {less}, and {group}.{upper} {more}",
                f"{group}.{lower} below {group}.{upper}",
            )
    for name, receiver in own.get("receivers", {}).items():
        if "webhook-url" in receiver and "webhook-url-file" in receiver:
            found = f"receivers.{name} has both webhook-url and webhook-url-file"
            yield Problem(source.place("receivers", name), found, "one of them")


def _strangers(source: Source, own: Mapping[str, Any], known: Collection[str]) -> Iterator[Problem]:
    """Probes that the file names and that have no objective, or do not exist."""
    for probe in own.get("burn", {}).get("of-probe", {}):
        if probe not in known:
            near = difflib.get_close_matches(probe, known, n=1, cutoff=0.6)
            otherwise = "give it one in probes/schedule.yaml, if there is such a probe, or remove it here"
            yield Problem(
                source.place("burn", "of-probe", probe),
                f"there is no probe {probe!r} with an objective",
                f"one of {', '.join(sorted(known)) or 'none: no probe of the schedule has an objective'}",
                f"did you mean {near[0]!r}?" if near else otherwise,
            )
