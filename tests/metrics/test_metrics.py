"""What happens shows in the metrics: each event, each label, each zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.errors import Problem
from specwatch.metrics import FAMILIES, Family, Kind, Metrics
from specwatch.metrics.bounds import Answers
from specwatch.metrics.families import BY_NAME
from specwatch.metrics.metrics import _Api
from specwatch.metrics.series import Counter, Histogram, Table
from specwatch.metrics.tables import Tables
from specwatch.probing.events import (
    SKIPS,
    BudgetLeft,
    Event,
    JobOpen,
    Notified,
    Paused,
    Planned,
    Ran,
    Reloaded,
    Saturated,
    Skipped,
    StateTrouble,
    Ticked,
)
from specwatch.schedule import Probe
from specwatch.spec import Api
from specwatch.values import (
    Certificate,
    Drift,
    Exchange,
    Level,
    Observation,
    Reason,
    Request,
    Response,
    Sent,
    Timings,
    Verdict,
    Violation,
)

NOW = 1_700_000_000.0
OM = "application/openmetrics-text; version=1.0.0"
Make = Callable[..., Observation]
Lines = Callable[..., list[str]]

LABELS = {
    "specwatch_probe_runs_total": ("api", "probe", "verdict"),
    "specwatch_probe_verdict_seconds_total": ("api", "probe", "verdict"),
    "specwatch_probe_success": ("api", "probe"),
    "specwatch_probe_duration_seconds": ("api", "probe"),
    "specwatch_probe_last_run_timestamp_seconds": ("api", "probe"),
    "specwatch_probe_interval_seconds": ("api", "probe"),
    "specwatch_request_duration_seconds": ("api", "operation"),
    "specwatch_request_phase_seconds": ("api", "operation", "phase"),
    "specwatch_responses_total": ("api", "operation", "status", "error_code"),
    "specwatch_request_failures_total": ("api", "operation", "reason"),
    "specwatch_contract_violations_total": ("api", "operation", "claim", "level"),
    "specwatch_claim_last_verified_timestamp_seconds": ("api", "claim", "level"),
    "specwatch_claim_last_violated_timestamp_seconds": ("api", "claim", "level"),
    "specwatch_drift_total": ("api", "operation", "kind"),
    "specwatch_job_duration_seconds": ("api", "probe"),
    "specwatch_job_open_since_timestamp_seconds": ("api", "probe"),
    "specwatch_budget_remaining": ("api", "unit"),
    "specwatch_budget_limit": ("api", "unit"),
    "specwatch_cost_total": ("api",),
    "specwatch_rate_limited": ("api",),
    "specwatch_certificate_expiry_timestamp_seconds": ("api", "host"),
    "specwatch_schedule_lag_seconds": (),
    "specwatch_probes_skipped_total": ("api", "probe", "reason"),
    "specwatch_saturated": (),
    "specwatch_config_last_reload_successful": (),
    "specwatch_config_last_reload_success_timestamp_seconds": (),
    "specwatch_state_errors_total": ("operation",),
    "specwatch_notifications_total": ("outcome",),
    "specwatch_build_info": ("version", "python"),
}
ONLY_ONCE_HAPPENED = {
    "specwatch_probe_success",
    "specwatch_probe_last_run_timestamp_seconds",
    "specwatch_probe_interval_seconds",
    "specwatch_job_open_since_timestamp_seconds",
    "specwatch_claim_last_verified_timestamp_seconds",
    "specwatch_claim_last_violated_timestamp_seconds",
    "specwatch_budget_remaining",
    "specwatch_budget_limit",
    "specwatch_certificate_expiry_timestamp_seconds",
}


def values(lines: list[str]) -> dict[str, float]:
    """Series to value."""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_the_families_are_those_that_were_agreed_on() -> None:
    """Names and labels are what dashboards and rules are written against."""
    assert {family.name: family.labels for family in FAMILIES} == LABELS


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_is_there_from_the_start(metrics: Metrics, text: Callable[..., str], family: Family) -> None:
    """Counters and histograms begin at zero, and what has not happened has no sample."""
    found = text(metrics)
    assert f"# HELP {family.name} {family.meaning}\n" in found
    samples = [line for line in found.splitlines() if line.startswith((f"{family.name}{{", f"{family.name} "))]
    if family.kind is Kind.HISTOGRAM:
        samples = [line for line in found.splitlines() if line.startswith(f"{family.name}_count")]
    assert bool(samples) == (family.name not in ONLY_ONCE_HAPPENED)
    if family.kind in {Kind.COUNTER, Kind.HISTOGRAM}:
        assert {line.rpartition(" ")[2] for line in samples} == {"0.0"}


def test_known_label_sets_are_there_from_the_start(metrics: Metrics, shop: Api, lines: Lines) -> None:
    """Each verdict, reason, skip, documented answer and claim has its zero."""
    runs = values(lines(metrics, "specwatch_probe_runs_total"))
    assert len(runs) == len(lines(metrics, "specwatch_probe_verdict_seconds_total")) == 2 * len(Verdict)
    assert len(lines(metrics, "specwatch_probes_skipped_total")) == 2 * len(SKIPS)
    assert len(lines(metrics, "specwatch_request_failures_total")) == len(shop.operations) * len(Reason)
    claims = {line.split('claim="')[1].split('"')[0] for line in lines(metrics, "specwatch_contract_violations_total")}
    assert claims == {claim.id for claim in shop.claims}
    answers = lines(metrics, "specwatch_responses_total")
    assert any('error_code="bad_token"' in line and 'status="401"' in line for line in answers)


def test_only_probes_that_make_something_have_jobs(metrics: Metrics, lines: Lines) -> None:
    """A histogram of jobs is planned for probes whose workflow creates or consumes."""
    assert lines(metrics, "specwatch_job_duration_seconds_count") == [
        'specwatch_job_duration_seconds_count{api="shop",probe="make"} 0.0'
    ]


def test_a_run_is_counted(metrics: Metrics, observation: Make, sent: Callable[..., Sent], lines: Lines) -> None:
    """A run raises its verdict's counter and shows when it ended, how long it took and what it cost."""
    metrics(Ran(observation(sent(), cost=2.5, job_seconds=42.0)))
    probe = '{api="shop",probe="read"}'
    assert 'specwatch_probe_runs_total{api="shop",probe="read",verdict="pass"} 1.0' in lines(
        metrics, "specwatch_probe_runs_total"
    )
    assert lines(metrics, "specwatch_probe_success") == [f"specwatch_probe_success{probe} 1.0"]
    assert values(lines(metrics, "specwatch_probe_last_run_timestamp_seconds")) == {
        f"specwatch_probe_last_run_timestamp_seconds{probe}": NOW + 0.3
    }
    assert f"specwatch_probe_duration_seconds_sum{probe} 0.3" in lines(metrics, "specwatch_probe_duration_seconds_sum")
    assert f"specwatch_job_duration_seconds_sum{probe} 42.0" in lines(metrics, "specwatch_job_duration_seconds_sum")
    assert lines(metrics, "specwatch_cost_total") == ['specwatch_cost_total{api="shop"} 2.5']


def test_success_follows_settled_verdicts(metrics: Metrics, observation: Make, lines: Lines) -> None:
    """A first failing look changes nothing, a settled one does, and what is unknown has no sample."""

    def success(verdict: Verdict, *, settled: bool) -> list[str]:
        metrics(Ran(observation(verdict=verdict), settled=settled))
        return [line[-3:] for line in lines(metrics, "specwatch_probe_success")]

    assert success(Verdict.PASS, settled=True) == ["1.0"]
    assert success(Verdict.FAIL, settled=False) == ["1.0"]
    assert success(Verdict.FAIL, settled=True) == ["0.0"]
    assert success(Verdict.UNKNOWN, settled=True) == []
    runs = values(lines(metrics, "specwatch_probe_runs_total"))
    assert runs['specwatch_probe_runs_total{api="shop",probe="read",verdict="fail"}'] == 2.0


def test_time_belongs_to_settled_verdicts(metrics: Metrics, observation: Make, lines: Lines) -> None:
    """What a verdict stands for adds to its own counter; a look that does not settle it adds nothing."""
    metrics(Ran(observation(verdict=Verdict.PASS), stands_for=300.0))
    metrics(Ran(observation(verdict=Verdict.FAIL), settled=False))
    metrics(Ran(observation(verdict=Verdict.FAIL), stands_for=60.0))
    metrics(Ran(observation(verdict=Verdict.FAIL), stands_for=60.0))
    found = values(lines(metrics, "specwatch_probe_verdict_seconds_total"))
    name = 'specwatch_probe_verdict_seconds_total{{api="shop",probe="read",verdict="{}"}}'
    assert [found[name.format(verdict)] for verdict in Verdict] == [300.0, 120.0, 0.0]


def test_a_run_that_sent_nothing_has_no_duration(metrics: Metrics, observation: Make, lines: Lines) -> None:
    """A probe without its credential does not make the prober look fast."""
    metrics(Ran(observation(verdict=Verdict.UNKNOWN)))
    assert set(values(lines(metrics, "specwatch_probe_duration_seconds_count")).values()) == {0.0}


def test_a_request_is_counted(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], shop: Api, lines: Lines
) -> None:
    """An answer shows its status, its times, its certificate, and what it says about claims."""
    claim = shop.claim("id-echoed")
    broken = Violation("shop", claim.id, Level.PROMISE, "getItem", "claim", "no", "a", "b")
    one = replace(
        sent(401, code="bad_token", certificate=Certificate("shop.example.com", NOW + 9, "CN=CA", verified=False)),
        violations=(broken,),
        verified=("getItem/status",),
        drift=(Drift("shop", "getItem", "field", "/x"), Drift("shop", "getItem", "new-kind", "x")),
    )
    metrics(Ran(observation(one, verdict=Verdict.FAIL, reason=Reason.CONTRACT)))
    on = 'api="shop",operation="getItem"'
    for name, labels, value in (
        ("responses_total", '{api="shop",error_code="bad_token",operation="getItem",status="401"}', 1.0),
        ("request_failures_total", f'{{{on},reason="contract"}}', 1.0),
        ("request_duration_seconds_count", f"{{{on}}}", 1.0),
        ("request_phase_seconds_count", f'{{{on},phase="connect"}}', 1.0),
        ("request_phase_seconds_count", f'{{{on},phase="tls"}}', 0.0),
        ("contract_violations_total", '{api="shop",claim="id-echoed",level="promise",operation="getItem"}', 1.0),
        ("claim_last_violated_timestamp_seconds", '{api="shop",claim="id-echoed",level="promise"}', NOW + 0.2),
        ("claim_last_verified_timestamp_seconds", '{api="shop",claim="getItem/status",level="promise"}', NOW + 0.2),
        ("drift_total", '{api="shop",kind="field",operation="getItem"}', 1.0),
        ("drift_total", '{api="shop",kind="other",operation="getItem"}', 1.0),
        ("certificate_expiry_timestamp_seconds", '{api="shop",host="shop.example.com"}', NOW + 9),
    ):
        found = values(lines(metrics, f"specwatch_{name}"))
        ordered = {tuple(sorted(key[key.index("{") + 1 : -1].split(","))): each for key, each in found.items()}
        assert ordered[tuple(sorted(labels[1:-1].split(",")))] == value, name


@pytest.mark.parametrize("level", Level)
def test_an_unknown_claim_has_the_level_of_its_violation(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], lines: Lines, level: Level
) -> None:
    """What no spec lists is `other`, and still tells a broken promise from a broken inference."""
    broken = Violation("shop", "made-up", level, "getItem", "claim", "no", "a", "b")
    metrics(Ran(observation(replace(sent(), violations=(broken,)))))
    name = "specwatch_claim_last_violated_timestamp_seconds"
    assert values(lines(metrics, name)) == {f'{name}{{api="shop",claim="other",level="{level}"}}': NOW + 0.2}


def test_a_request_without_an_answer_is_a_failure(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], lines: Lines
) -> None:
    """It counts by its class, and with the phases that it got through and the certificate that it was shown."""
    shown = Certificate("shop.example.com", NOW - 1, "CN=CA", verified=False, problem="expired")
    failed = sent(None, reason=Reason.TLS_EXPIRED, certificate=shown)
    metrics(Ran(observation(failed, verdict=Verdict.FAIL, reason=Reason.TLS_EXPIRED)))
    failures = values(lines(metrics, "specwatch_request_failures_total"))
    assert failures.pop('specwatch_request_failures_total{api="shop",operation="getItem",reason="tls_expired"}') == 1.0
    assert set(failures.values()) == {0.0}
    assert set(values(lines(metrics, "specwatch_request_duration_seconds_count")).values()) == {0.0}
    phases = values(lines(metrics, "specwatch_request_phase_seconds_sum"))
    assert phases['specwatch_request_phase_seconds_sum{api="shop",operation="getItem",phase="resolve"}'] == 0.1
    assert len(lines(metrics, "specwatch_certificate_expiry_timestamp_seconds")) == 1


@pytest.mark.parametrize(
    "event, line",
    [
        (Ticked(0.004), 'specwatch_schedule_lag_seconds_bucket{le="0.005"} 1.0'),
        (
            Skipped("shop", "read", "budget"),
            'specwatch_probes_skipped_total{api="shop",probe="read",reason="budget"} 1.0',
        ),
        (Skipped("shop", "read", "odd"), 'specwatch_probes_skipped_total{api="shop",probe="read",reason="other"} 1.0'),
        (Saturated(on=True), "specwatch_saturated 1.0"),
        (Paused("shop", NOW + 60), 'specwatch_rate_limited{api="shop"} 1.0'),
        (BudgetLeft("shop", "requests", 7.0, 9.0), 'specwatch_budget_remaining{api="shop",unit="requests"} 7.0'),
        (BudgetLeft("shop", "requests", 7.0, 9.0), 'specwatch_budget_limit{api="shop",unit="requests"} 9.0'),
        (
            JobOpen("shop", "make", NOW - 9),
            'specwatch_job_open_since_timestamp_seconds{api="shop",probe="make"} 1.699999991e+09',
        ),
        (Notified("sent"), 'specwatch_notifications_total{outcome="sent"} 1.0'),
        (Notified("odd"), 'specwatch_notifications_total{outcome="other"} 1.0'),
        (Reloaded(ok=False, at=NOW + 9, problems=(Problem("x", "y"),)), "specwatch_config_last_reload_successful 0.0"),
        (Reloaded(ok=True, at=NOW + 9), "specwatch_config_last_reload_success_timestamp_seconds 1.700000009e+09"),
        (StateTrouble("record", "full"), 'specwatch_state_errors_total{operation="record"} 1.0'),
        (StateTrouble("odd", "full"), 'specwatch_state_errors_total{operation="other"} 1.0'),
    ],
    ids=str,
)
def test_each_event_shows(metrics: Metrics, text: Callable[..., str], event: Event, line: str) -> None:
    """Each kind of event leaves its trace, with labels out of a closed set."""
    assert line not in text(metrics).splitlines()
    metrics(event)
    assert line in text(metrics).splitlines()


def test_what_ends_is_taken_back(metrics: Metrics, text: Callable[..., str]) -> None:
    """An overload and a pause that are over read 0 again, a mended reload 1, and a job that has ended is gone."""
    for event in (Saturated(on=True), Paused("shop", NOW), Reloaded(ok=False, at=NOW), JobOpen("shop", "make", NOW)):
        metrics(event)
    for event in (Saturated(on=False), Paused("shop", None), Reloaded(ok=True, at=NOW), JobOpen("shop", "make", None)):
        metrics(event)
    found = text(metrics).splitlines()
    assert "specwatch_saturated 0.0" in found
    assert 'specwatch_rate_limited{api="shop"} 0.0' in found
    assert "specwatch_config_last_reload_successful 1.0" in found
    assert not any(line.startswith("specwatch_job_open_since_timestamp_seconds{") for line in found)


@given(status=st.integers(-1, 10_000), code=st.text())
def test_answers_are_bounded(shop: Api, status: int, code: str) -> None:
    """Whatever status and code a server makes up, the labels are among those that are known beforehand."""
    for operation in (*shop.operations, None):
        answers = Answers(shop, operation)
        assert answers.label(status, code) in set(answers.known())


@given(
    names=st.tuples(*[st.text(max_size=20)] * 5),
    status=st.integers(0, 999),
)
def test_no_text_of_a_target_makes_a_series(shop: Api, names: tuple[str, ...], status: int) -> None:
    """Hostile names add to `other` and to nothing else: the number of series stays within a bound."""
    tables = Tables()
    tables.plan([shop], [])
    api = _Api(tables, shop)
    before = {table.family.name: set(table.series) for table in tables.ordered()}
    broken = Violation("shop", names[0], Level.PROMISE, names[1], names[2], "", "", "")
    exchange = make_exchange(status)
    one = Sent("s", names[1], exchange, None, names[3], (broken,), (names[0],), (Drift("shop", "", names[4], ""),))
    api.sent(one, None, names[0])
    after = {table.family.name: set(table.series) for table in tables.ordered()}
    new = [labels for name, found in after.items() for labels in found - before[name]]
    assert all("other" in labels for labels in new)


def make_exchange(status: int) -> Exchange:
    """An answer with that status."""
    request = Request("GET", "https://shop.example.com", (), b"")
    return Exchange("e", "shop", "getItem", "live", request, Response(status, (), b""), Timings(NOW, 0.1))


def test_what_is_not_planned_is_left_out(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], text: Callable[..., str]
) -> None:
    """Events of probes and APIs that a reload removed bring none of their series back."""
    metrics(Ran(observation(sent(), probe="gone")))
    metrics(Ran(observation(sent(), api="gone")))
    metrics(Skipped("shop", "gone", "late"))
    metrics(Paused("gone", NOW))
    metrics(BudgetLeft("gone", "requests", 1.0, 1.0))
    metrics(JobOpen("shop", "gone", NOW))
    assert "gone" not in text(metrics)


def test_a_reload_plans_anew(
    metrics: Metrics,
    shop: Api,
    make_probe: Callable[..., Probe],
    observation: Make,
    sent: Callable[..., Sent],
    lines: Lines,
) -> None:
    """Series of removed probes disappear, new ones begin at zero, and what stays goes on counting."""
    metrics(Ran(observation(sent())))
    lines(metrics, "specwatch_probe_runs_total")
    metrics.plan([shop], [make_probe(), make_probe("new")])
    runs = values(lines(metrics, "specwatch_probe_runs_total"))
    assert runs['specwatch_probe_runs_total{api="shop",probe="read",verdict="pass"}'] == 1.0
    assert runs['specwatch_probe_runs_total{api="shop",probe="new",verdict="pass"}'] == 0.0
    assert not any('probe="make"' in line for line in runs)
    metrics(Ran(observation(sent())))
    assert (
        values(lines(metrics, "specwatch_probe_runs_total"))[
            'specwatch_probe_runs_total{api="shop",probe="read",verdict="pass"}'
        ]
        == 2.0
    )


def test_intervals_are_those_of_probes_that_run_here(
    metrics: Metrics, shop: Api, make_probe: Callable[..., Probe], lines: Lines
) -> None:
    """A probe that is off has no sample, and a reload replaces what the others have."""
    read, make = replace(make_probe(), interval=60.0), make_probe("make", "makeItem")
    name = "specwatch_probe_interval_seconds"
    metrics(Planned((shop,), (read, make), frozenset({"make"})))
    assert values(lines(metrics, name)) == {f'{name}{{api="shop",probe="read"}}': 60.0}
    metrics(Planned((shop,), (read, make), frozenset({"read"})))
    assert values(lines(metrics, name)) == {f'{name}{{api="shop",probe="make"}}': 300.0}


def test_a_budget_that_a_reload_takes_away_is_gone(
    metrics: Metrics, shop: Api, make_probe: Callable[..., Probe], lines: Lines
) -> None:
    """Without a budget there is neither a limit nor anything left of it."""
    metrics(BudgetLeft("shop", "requests", 1.0, 2.0))
    metrics(Planned((shop,), (make_probe(),)))
    assert lines(metrics, "specwatch_budget_remaining") == lines(metrics, "specwatch_budget_limit") == []


def test_an_api_that_goes_takes_its_series_along(
    metrics: Metrics, observation: Make, sent: Callable[..., Sent], text: Callable[..., str]
) -> None:
    """Nothing of a removed API is left, neither planned series nor those that came by themselves."""
    metrics(BudgetLeft("shop", "requests", 1.0, 1.0))
    metrics(Ran(observation(sent(certificate=Certificate("h", NOW, "i", verified=True)))))
    metrics.plan([], [])
    assert "shop" not in text(metrics)


def test_the_location_is_on_every_sample(make_metrics: Callable[..., Metrics], text: Callable[..., str]) -> None:
    """A constant label tells samples of several probers apart, those about the process too."""
    found = [line for line in text(make_metrics('a "b"\n\udc80')).splitlines() if not line.startswith("#")]
    assert found
    assert [line for line in found if 'location="a \\"b\\"\\n?"' not in line] == []


counted = st.lists(
    st.tuples(st.sampled_from([*Verdict]), st.floats(allow_nan=True, allow_infinity=False), st.booleans()), max_size=8
)


@given(runs=counted)
def test_counters_never_fall(runs: list[tuple[Verdict, float, bool]]) -> None:
    """Whatever happens, no counter and no count of a bucket goes down, and buckets are cumulative."""
    counters = Table(BY_NAME["specwatch_cost_total"], Counter)
    histograms = Table(BY_NAME["specwatch_schedule_lag_seconds"], Histogram)
    before: tuple[float, ...] = (*counters.get("a").read(), *histograms.get().read())
    for _, value, _ in runs:
        counters.get("a").add(value)
        histograms.get().observe(value)
        after = (*counters.get("a").read(), *histograms.get().read())
        assert all(late >= early for early, late in zip(before, after, strict=True))
        buckets = histograms.get().read()[:-2]
        assert list(buckets) == sorted(buckets)
        assert histograms.get().read()[-2] == buckets[-1]
        before = after
