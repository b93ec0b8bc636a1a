"""How long a probe may be without a run, and rules for schedules that are unlike the one of this repository."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.monitoring.promtool import check_rules, repository_origin, write_rules

from specwatch.monitoring.origin import Origin
from specwatch.monitoring.rules.account import account_groups
from specwatch.monitoring.rules.contract import contract_groups
from specwatch.monitoring.rules.model import Links, rule_file
from specwatch.monitoring.rules.prober import prober_groups
from specwatch.schedule import Probe
from specwatch.schedule.model import DayBudget

GROUPS = {"contract": contract_groups, "account": account_groups, "prober": prober_groups}


def with_probes(*probes: Probe) -> Origin:
    """What this repository is derived from, with another schedule."""
    origin = repository_origin()
    return replace(origin, schedule=replace(origin.schedule, probes=probes))


def known_task() -> Probe:
    """A probe of two requests every five minutes, which looks twice before it is called down."""
    return repository_origin().schedule.probe("scan-known-task")


def not_running(origin: Origin) -> str:
    """The expression of the alert about probes that do not run."""
    (text,) = (rule.expr for group in prober_groups(origin) for rule in group.rules if "NotRunning" in str(rule))
    return text


@pytest.mark.parametrize(
    "requests, intervals",
    [
        (None, 3),  # unbounded
        (1152, 3),  # two looks of two requests every five minutes
        (576, 6),  # half of that
        (1, 864),  # one run a day
    ],
)
def test_a_budget_that_makes_a_probe_slower_makes_the_alert_wait(requests: int | None, intervals: int) -> None:
    """A budget is spread over the day; where it does not cover every interval, so much more time is allowed."""
    probe = replace(known_task(), budget=DayBudget(requests=requests, cost=None))

    selector = 'specwatch_probe_interval_seconds{job="specwatch", probe=~"scan-known-task"}'
    plain = 'specwatch_probe_interval_seconds{job="specwatch"}'
    expr = not_running(with_probes(probe))
    assert f"{intervals} * {plain if intervals == 3 else selector} + 60" in expr


def test_other_probes_keep_their_time() -> None:
    """A probe beside one with a tight budget is still told after the usual number of intervals."""
    tight = replace(known_task(), budget=DayBudget(requests=576, cost=None))
    other = replace(known_task(), id="other")

    expr = not_running(with_probes(tight, other))

    assert '3 * specwatch_probe_interval_seconds{job="specwatch", probe!~"scan-known-task"} + 60' in expr


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("count", [0, 1, 2])
def test_rules_are_valid_for_any_schedule(count: int, tmp_path: Path) -> None:
    """No probe at all, one, and one with a tight budget beside another make rules without a mistake."""
    tight = replace(known_task(), budget=DayBudget(requests=576, cost=None))
    origin = with_probes(*(tight, replace(known_task(), id="other"))[:count])
    links = Links(origin.settings.links_runbooks, origin.settings.links_grafana)
    write_rules({f"{name}.yml": rule_file(groups(origin), links) for name, groups in GROUPS.items()}, tmp_path)

    check_rules(tmp_path)
