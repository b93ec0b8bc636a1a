"""Every query of every dashboard, put to a Prometheus that has lived through a scripted story."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.integration.story.chapters import SLOW, Story, tell
from tests.integration.story.history import DAY
from tests.integration.story.questions import boards, is_answered, value_at, without_exemplars
from tests.integration.story.stage import HERE, OUTAGE, QRART, SCAN, SLOW_SHARE, THERE, stage
from tests.integration.story.workspace import JOBS, LATENCY, QUICK
from tests.monitoring.queries.boards import Kind, Query

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.slow, pytest.mark.timeout(300)]

EMPTY: Final[Mapping[str, str]] = {}
"""Queries, as `board / panel / letter`, that may have no answer in the whole story, and why."""

APIS: Final = ("exaroutes-bulk", "producer-videos", "qrart-tasks", "scan-documents")

LEFT: Final = 1 - OUTAGE / (30 * DAY) / 0.005
"""Of the error budget of a probe with an objective of 99.5 % that failed for so long in thirty days."""

LEFT_OF_LATENCY: Final = 1 - SLOW_SHARE / 0.05


@dataclass(frozen=True, slots=True)
class Fact:
    """What a query of a dashboard says at a moment.

    Args:
        chapter: the moment.
        where: board, panel and letter of the query.
        least: a value is at least that,
        most: and at most that.
        labels: of the samples that are meant, or some of them.
        api: which one is chosen, where a dashboard shows one at a time.
    """

    chapter: str
    where: str
    least: float
    most: float
    labels: Mapping[str, str]
    api: str

    def fault(self, story: Story, asked: Mapping[tuple[str, str], Query]) -> str:
        """What is wrong with it, or nothing."""
        query = asked.get((self.where, self.api))
        if query is None:
            return f"{self.where}: there is no such query; there are {sorted({where for where, _ in asked})}"
        found = value_at(story.stage.prometheus, query, story.moments[self.chapter])
        values = [value for labels, value in found.items() if self.labels.items() <= dict(labels).items()]
        if any(self.least <= value <= self.most for value in values):
            return ""
        expected = f"{self.least:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"
        return f"{self.chapter}: {self.where} {dict(self.labels)}: {found}, not {expected}\n    {query.expr}"


def fact(
    chapter: str, where: str, least: float, most: float | None = None, *, api: str = APIS[0], **labels: str
) -> Fact:
    """A fact of a value, or of a least and a greatest one; of an API board where an API is named."""
    return Fact(chapter, f"Specwatch: {where}", least, least if most is None else most, labels, api)


def facts() -> Iterator[Fact]:
    """What the dashboards say, chapter by chapter."""
    for api in APIS:
        for chapter in ("healthy", "recovered"):
            yield fact(chapter, f"Overview / Is {api} up? / A", 0)
            yield fact(chapter, f"Overview / Contract kept: {api}? / A", 0)
        yield fact("healthy", f"Overview / Open alerts: {api}? / A", 0)
        yield fact("recovered", f"Overview / Spent today: {api}? / A", 1 if api == "producer-videos" else 0)
        yield fact("rate-limited", "API / Does it ask us to pause? / A", float(api == "scan-documents"), api=api)
    yield from facts_of_the_past()
    yield from facts_of_trouble()


def facts_of_the_certificate(story: Story) -> Iterator[Fact]:
    """How many days it is still valid, as its own text says."""
    for api in APIS:
        days = (story.stage.relay.expires - story.moments["recovered"]) / DAY
        yield fact("recovered", "API / How long is its certificate valid? / A", days - 0.1, days + 0.1, api=api)


def facts_of_the_past() -> Iterator[Fact]:
    """The error budgets are what thirty days have left of them; a minute more hardly shows."""
    left = "API / How much error budget is left of 30 days? / A"
    here = {"location": HERE}
    for chapter in ("healthy", "slow"):
        yield fact(chapter, "Overview / Budget left: qrart-tasks? / A", LEFT - 0.002, LEFT + 0.002)
        yield fact(
            chapter, "Overview / Budget left: scan-documents? / A", LEFT_OF_LATENCY - 0.01, LEFT_OF_LATENCY + 0.01
        )
    for objective, value in (("availability", LEFT), ("latency", LEFT_OF_LATENCY)):
        more = {**here, "objective": objective, "probe": QRART}
        yield fact("healthy", left, value - 0.01, value + 0.01, api="qrart-tasks", **more)
    more = {**here, "objective": "availability", "probe": SCAN}
    yield fact("recovered", left, 0.9, 1 - 300 / (30 * DAY) / 0.005, api="scan-documents", **more)
    burned = {"objective": "availability", "probe": SCAN}
    yield fact("healthy", "API / How fast is the error budget spent? / A", 16, 20, api="scan-documents", **burned)


def facts_of_trouble() -> Iterator[Fact]:
    """Each trouble shows where it is, and as much as it is."""
    duration, kept = "API / How long do runs of the probes take? / A", "API / Does it do what is documented?"
    yield fact("healthy", duration, 0, LATENCY, api="producer-videos", probe=SLOW)
    yield fact("slow", duration, LATENCY, 5, api="producer-videos", probe=SLOW)
    yield fact("contract broken", "Overview / Contract kept: qrart-tasks? / A", 2)
    yield fact("contract broken", f"{kept} / A", 2, api="qrart-tasks")
    yield fact("contract broken", f"{kept} / B", 1, 3, api="qrart-tasks")
    yield fact("contract broken", "Overview / Is qrart-tasks up? / A", 1, 3)
    yield fact("contract broken", "Overview / Is scan-documents up? / A", 0)
    yield fact("seen otherwise", "Fleet / Do the locations agree? / A", 1, math.inf)
    odd = "Fleet / Who disagrees with most? / A"
    yield fact("seen otherwise", odd, 0, api="producer-videos", place=THERE, probe=SLOW)
    yield fact("without a prober", "Fleet / Do all probers report? / A", 1)
    yield fact("without a prober", "Prober / Are all probers up? / A", 1)
    yield fact("recovered", "Prober / Are all probers up? / A", 0)
    yield fact("down", "Overview / Is scan-documents up? / A", 1)
    yield fact("down", "Overview / Is qrart-tasks up? / A", 0)
    yield fact("down", "Overview / Open alerts: scan-documents? / A", 3, math.inf)
    yield fact("down", "API / Is a job stuck? / A", QUICK["jobs_stuck"], 10, api="exaroutes-bulk", probe=JOBS)


FIRING: Final[Mapping[str, set[str]]] = {
    "healthy": set(),
    "slow": set(),
    "contract broken": {"SpecwatchPromiseBroken", "SpecwatchInferenceBroken", "SpecwatchDrift"},
    "rate-limited": {"SpecwatchRateLimited"},
    "seen otherwise": {"SpecwatchLocationDisagrees"},
    "without a prober": {"SpecwatchProberDown"},
    "down": {"SpecwatchErrorBudgetBurn", "SpecwatchPromiseBroken", "SpecwatchProbeFailing", "SpecwatchJobStuck"},
    "recovered": {"SpecwatchErrorBudgetBurn"},
}
"""The alerts that a chapter is about."""

LASTING: Final[Mapping[str, str]] = {
    "SpecwatchDrift": "is told for as long as the window that it is counted in",
    "SpecwatchErrorBudgetBurn": "short windows of probes without a past see the story alone",
    "SpecwatchLatencyBudgetBurn": "the same, after the slow chapter",
    "SpecwatchInferenceBroken": "is remembered for a while, and an outage breaks inferences too",
    "SpecwatchPromiseBroken": "is remembered for a while",
    "SpecwatchProbeFailing": "a probe that runs seldom fails for longer than its API",
    "SpecwatchProbeUnknown": "comes with a rate limit",
    "SpecwatchLocationDisagrees": "the two places do not look at the same moment",
}
"""Alerts that may fire in chapters after the first that are about something else, and why."""


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """The story, told; Prometheus still answers."""
    with stage(tmp_path) as scene:
        yield tell(scene)


def check_queries(story: Story, asked: list[list[Query]]) -> None:
    """Prometheus takes every query, and has an answer to each but those that are known to have none."""
    prometheus, times = story.stage.prometheus, story.times
    empty = {same[0].where for same in asked if not any(is_answered(prometheus, query, times) for query in same)}
    told = {same[0].where: same[-1].expr for same in asked}
    assert {where: told[where] for where in sorted(empty - set(EMPTY))} == {}, "these have no answer"
    assert set(EMPTY) - empty == set(), "these have an answer by now, or do not exist: take them off the list"
    for kind in Kind:
        nonsense = Query("Board", "Panel", "A", "specwatch_nowhere", kind, label="api")
        assert not is_answered(prometheus, nonsense, times), "this check sees nothing"
    bare = [same[0].where for same in asked if len(without_exemplars(prometheus, same, times)) == len(same)]
    assert bare == [], "these have no exemplars"


def check_alerts(story: Story) -> None:
    """Each chapter's alerts fire, and nothing else that has no reason to."""
    missing = {chapter: alerts - story.firing[chapter] for chapter, alerts in FIRING.items()}
    assert {chapter: alerts for chapter, alerts in missing.items() if alerts} == {}, story.firing
    for chapter, firing in story.firing.items():
        lasting = set() if chapter == "healthy" else set(LASTING)
        assert firing - FIRING[chapter] - lasting == set(), (chapter, story.firing)


def test_dashboards_tell_the_story(story: Story) -> None:
    """No query of any panel, annotation or variable fails or is empty, and what they say is what happened."""
    apis = [api.id for api in story.stage.origin.apis]
    assert sorted(apis) == sorted(APIS)
    asked = list(boards(story.stage.files, story.times, QUICK["scrape_interval"], APIS))
    assert len(asked) > 100
    check_queries(story, asked)
    by_place = {
        (same[0].where, api): same[min(index, len(same) - 1)] for same in asked for index, api in enumerate(APIS)
    }
    wrong = [fault for each in (*facts(), *facts_of_the_certificate(story)) if (fault := each.fault(story, by_place))]
    assert not wrong, "\n".join(wrong)
    check_alerts(story)
