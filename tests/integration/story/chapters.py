"""The story itself, chapter by chapter. Each ends when its conditions hold in what Prometheus knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.integration.processes import until
from tests.integration.prometheus import Prometheus
from tests.integration.story.questions import Times
from tests.integration.story.stage import HERE, QRART, SCAN, THERE, Stage
from tests.integration.story.workspace import JOBS, LATENCY, SELDOM

PATIENCE: Final = 60.0
"""Seconds after which a condition is taken for one that never comes true: other tests may have the processors."""

SETTLED: Final = 0.5
"""Seconds after which nothing more is written about a moment: scrapes and rules bear the time at which they began."""

SLOW: Final = "producer-no-audio"

LONG_WORK: Final = 5.0
"""Seconds for which a job lasts that counts as stuck after three; the probe looks after two and after seven."""


@dataclass
class Story:
    """What happened when, and which alerts were firing then.

    Args:
        stage: where it is told.
    """

    stage: Stage
    moments: dict[str, float] = field(default_factory=dict)
    firing: dict[str, set[str]] = field(default_factory=dict)
    _at: float = 0.0

    @property
    def times(self) -> Times:
        """Its beginning, its end, and what lies between."""
        return Times(self.stage.began, max(self.moments.values()), self.moments)

    def wait(self, *conditions: str) -> None:
        """Until there was a moment at which all of these queries had a result."""
        missing = list(conditions)

        def look() -> bool:
            self._at = time.time() - SETTLED
            missing[:] = [each for each in conditions if not self.stage.prometheus.series(each, self._at)]
            return not missing

        try:
            until("the chapter ends", look, PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; missing: {missing}; firing: {firing(self.stage.prometheus)}") from error

    def note(self, chapter: str) -> None:
        """Remember the moment that was waited for, and which alerts were firing then."""
        self.moments[chapter] = self._at
        self.firing[chapter] = set(firing(self.stage.prometheus, self._at))


def firing(prometheus: Prometheus, at: float | None = None) -> Mapping[str, list[Mapping[str, str]]]:
    """Labels of all alerts that are firing, by name."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for labels in prometheus.series('ALERTS{alertstate="firing"}', at):
        found.setdefault(dict(labels)["alertname"], []).append(dict(labels))
    return found


def fires(alert: str, matchers: str = "") -> str:
    """The condition that an alert is firing, somewhere."""
    return f'ALERTS{{alertstate="firing", alertname="{alert}", {matchers}}}'


def tell(stage: Stage) -> Story:
    """The whole story."""
    story = Story(stage)
    for chapter in CHAPTERS:
        chapter(story)
    return story


def healthy(story: Story) -> None:
    """Every probe passes in both places; somebody asks once for the one that costs something."""
    often = len(story.stage.origin.probes) - 1
    story.wait(f"count(specwatch_probe_success == 1) == {2 * often}")
    assert story.stage.pages[HERE].get("/probe", params={"probe": SELDOM}).is_success
    objectives = sum(1 for _ in story.stage.origin.objectives())
    story.wait(
        'specwatch_cost_total{instance="here", api="producer-videos"} == 1',
        f"count(probe:specwatch_error_budget_remaining:ratio) == {2 * objectives}",
        "count(rate(specwatch_probe_duration_seconds_count[4s]) > 0) > 20",
        f'count(specwatch_job_duration_seconds_count{{probe="{JOBS}"}} > 0) == 2',
    )
    story.note("healthy")


def slow(story: Story) -> None:
    """One API takes longer than its objective allows, and answers all the same."""
    buckets = f'rate(specwatch_probe_duration_seconds_bucket{{probe="{SLOW}"}}[4s])'
    with story.stage.faults("producer-videos/slow"):
        story.wait(f"count(histogram_quantile(0.5, {buckets}) > {LATENCY}) == 2")
        story.note("slow")


def contract_broken(story: Story) -> None:
    """One API breaks a promise and an inference, another says more than is documented."""
    with story.stage.faults(
        "qrart-tasks/queryTasks/200/type/created_at",
        "qrart-tasks/image-not-square",
        "exaroutes-bulk/variation/extra-fields",
    ):
        story.wait(
            f'count(specwatch_probe_success{{probe="{QRART}"}} == 0) == 2',
            fires("SpecwatchPromiseBroken", 'api="qrart-tasks"'),
            fires("SpecwatchInferenceBroken", 'api="qrart-tasks"'),
            fires("SpecwatchDrift", 'api="exaroutes-bulk"'),
        )
        story.note("contract broken")


def rate_limited(story: Story) -> None:
    """One API asks for a pause; nobody knows how it fares meanwhile."""
    with story.stage.faults("scan-documents/busy"):
        story.wait(
            'count(specwatch_rate_limited{api="scan-documents"} == 1) == 2',
            f'absent(specwatch_probe_success{{probe="{SCAN}"}})',
            fires("SpecwatchRateLimited", 'api="scan-documents"'),
        )
        story.note("rate-limited")
    story.wait(f'count(specwatch_probe_success{{probe="{SCAN}"}} == 1) == 2')


def down(story: Story) -> None:
    """One API answers with 500 and nothing else, and jobs of another hang."""
    story.stage.work_takes(LONG_WORK)
    with story.stage.faults("scan-documents/getTask/status/200-as-500"):
        story.wait(
            f'count(specwatch_probe_success{{probe="{SCAN}"}} == 0) == 2',
            fires("SpecwatchErrorBudgetBurn", f'probe="{SCAN}", burn_rate="14.4"'),
            fires("SpecwatchProbeFailing", f'probe="{SCAN}"'),
            'absent(specwatch_probe_success{api="qrart-tasks"} == 0)',
            fires("SpecwatchJobStuck", f'probe="{JOBS}"'),
        )
        story.note("down")
    story.stage.work_takes(0.3)


def seen_otherwise(story: Story) -> None:
    """The way from one place is cut: the target is down from there and up from elsewhere."""
    with story.stage.relay.cut():
        story.wait(
            f'specwatch_probe_success{{probe="{SLOW}", location="{THERE}"}} == 0',
            f'specwatch_probe_success{{probe="{SLOW}", location="{HERE}"}} == 1',
            fires("SpecwatchLocationDisagrees", f'location="{THERE}"'),
        )
        story.note("seen otherwise")


def without_a_prober(story: Story) -> None:
    """One of the probers is replaced by a new one."""
    with story.stage.without(THERE):
        story.wait(f'up{{instance="{THERE}"}} == 0', fires("SpecwatchProberDown", f'instance="{THERE}"'))
        story.note("without a prober")


def recovered(story: Story) -> None:
    """Everything passes again, and what could end has ended."""
    often = len(story.stage.origin.probes) - 1
    story.wait(
        "count(up == 1) == 2",
        f'count(specwatch_probe_success{{probe!="{SELDOM}"}} == 1) == {2 * often}',
        *(f"absent({fires(alert)})" for alert in ENDING),
    )
    story.note("recovered")


ENDING: Final = (
    "SpecwatchJobStuck",
    "SpecwatchLocationDisagrees",
    "SpecwatchPromiseBroken",
    "SpecwatchInferenceBroken",
    "SpecwatchProbeFailing",
    "SpecwatchProbeUnknown",
    "SpecwatchProberDown",
    "SpecwatchRateLimited",
)
"""Alerts that end with their cause, and not only with the window that they look back over."""

CHAPTERS: Final[tuple[Callable[[Story], None], ...]] = (
    healthy,
    slow,
    contract_broken,
    rate_limited,
    seen_otherwise,
    without_a_prober,
    down,
    recovered,
)
