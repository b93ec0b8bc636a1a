"""`specwatch watch` on the sandbox, scraped by a real Prometheus: every metric is there, and what it says is true."""

from __future__ import annotations

import asyncio
import platform
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography import x509
from tests.integration.processes import Process, Processes, copied_workspace, stopped, until, url_of
from tests.integration.prometheus import TEXT, Labels, Prometheus, TextRelay, scrape, scrape_probes
from tests.loopback import SHOP, Server, answer

from specwatch import __version__
from specwatch.metrics.families import FAMILIES, Family, Kind
from specwatch.state import Reader, SqliteStore
from specwatch.transport.budget import DAY_SECONDS
from specwatch.transport.clock import LoopClock

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.slow, pytest.mark.timeout(300)]

SCHEDULE = """
version: 1
concurrency: 4
defaults: {interval: 500ms, timeout: 10s, deadline: 30s, confirm: 2}
probes:
  scan: {workflow: scan-documents/known-task}
  task: {workflow: qrart-tasks/known-task}
  bad-token: {workflow: qrart-tasks/bad-token}
  resting: {workflow: qrart-tasks/known-tasks, maintenance: [{from: 2020-01-01T00:00:00Z, to: 2120-01-01T00:00:00Z}]}
  spent: {workflow: qrart-tasks/unknown-task, budget: {requests: 50000}}
  no-audio: {workflow: producer-videos/no-audio}
  seldom: {workflow: producer-videos/known-audio, interval: 30d, allow: [paid], budget: {requests: 10, cost: 5}}
  unpaid: {workflow: producer-videos/known-audio}
  round-trip: {workflow: exaroutes-bulk/round-trip, interval: 1s, allow: [create, consume]}
  no-batch: {workflow: exaroutes-bulk/unknown-batch}
"""
"""`seldom` runs only when somebody asks for it, and `spent` has spent its budget before the start."""

RETRY_AFTER = 3
BUSY = f'''

@api.fault("busy", breaks="availability", text="Everybody is asked to slow down.")
def busy(call: Call, _answer: Answer) -> Answer:
    """429, and when to come back."""
    return Answer(429, {{"status": 429}}, headers={{"Retry-After": "{RETRY_AFTER}"}})
'''

CREDENTIALS = dict.fromkeys(
    ("ACEDATA_TOKEN", "SCAN_DOCUMENTS_API_KEY", "EXAROUTES_CLIENT_ID", "EXAROUTES_API_KEY"), "specwatch-sandbox-account"
)


@dataclass
class Scene:
    """A sandbox, a watch on it and a Prometheus on that.

    Args:
        sandbox: for its control.
        web: the watch's pages.
    """

    watch: Process
    sandbox: httpx.Client
    web: httpx.Client
    prometheus: Prometheus
    schedule: Path
    state: Path

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Have a fault on for as long as the block lasts."""
        assert self.sandbox.put(f"/_sandbox/faults/{name}").is_success
        yield
        assert self.sandbox.delete(f"/_sandbox/faults/{name}").is_success

    def requests(self) -> dict[str, int]:
        """How many requests the sandbox has had, by operation without its API."""
        counted: dict[str, int] = self.sandbox.get("/_sandbox/").json()["requests"]
        return {name.partition("/")[2]: number for name, number in counted.items()}

    def reload(self, schedule: str) -> None:
        """Replace the schedule and say so, as an operator does."""
        self.schedule.write_text(schedule, encoding="utf-8")
        self.watch.send(signal.SIGHUP)

    def check(self, *queries: str) -> None:
        """Each query has a result, as a comparison has only where it holds."""
        wrong = [query for query in queries if not self.prometheus.series(query)]
        assert wrong == [], self.prometheus.series(wrong[0].split(" == ")[0])


def prepared(folder: Path) -> Path:
    """A workspace with a schedule of our own and a sandbox that can be busy."""
    workspace = copied_workspace(folder)
    (workspace / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    with (workspace / "sandbox" / "scan_documents.py").open("a", encoding="utf-8") as module:
        module.write(BUSY)
    return workspace


async def spend(state: Path, probe: str) -> None:
    """Leave a state in which a probe has spent all that it may spend today."""
    clock = LoopClock()
    store = SqliteStore(state, clock, lambda operation, message: pytest.fail(f"{operation}: {message}"))
    await store.start()
    day = int(clock.now() // DAY_SECONDS)
    store.remember("budget", probe, {"day": day, "requests": 50_000, "cost": 0.0})
    await store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """All of it, and Prometheus has seen every probe pass that runs by itself."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    workspace, state = prepared(folder), tmp_path / "state.sqlite"
    asyncio.run(spend(state, "spent"))
    with Processes(tmp_path, tmp_path / "output") as processes:
        arguments = ("--workspace", workspace, "--port", "0", "--worker-seconds", "1.5")
        sandbox_url = url_of(processes.specwatch("sandbox", *arguments, name="sandbox"), r"sandbox: (http\S+)")
        where = ("--target", sandbox_url, "--listen", "127.0.0.1:0", "--location", "here", "--state", state)
        watch = processes.specwatch("watch", "--workspace", workspace, *where, name="watch", environment=CREDENTIALS)
        url = url_of(watch)
        relay = processes.enter_context(TextRelay(url))
        prometheus = Prometheus(
            processes,
            tmp_path / "prometheus",
            scrape("specwatch", url),
            scrape("text", relay.url),
            scrape_probes("blackbox", url, "seldom", "scan"),
            scrape_probes("blackbox-too", url, "seldom", "scan"),
        )
        control, web = (
            processes.enter_context(httpx.Client(base_url=each, trust_env=False, timeout=60))
            for each in (sandbox_url, url)
        )
        made = Scene(watch, control, web, prometheus, workspace / "probes" / "schedule.yaml", state)
        prometheus.until('count(specwatch_probe_success{job="specwatch"} == 1) == 7')
        yield made
        assert relay.content_types == {"text/plain; version=0.0.4"}


def see_what_is_planned(scene: Scene) -> None:
    """How often each probe is due that runs here, what may be spent in a day, and a job while it is open."""
    interval = 'specwatch_probe_interval_seconds{{job="specwatch", location="here", api="{}", probe="{}"}}'
    limit = 'specwatch_budget_limit{{job="specwatch", location="here", api="{}", unit="{}"}}'
    scene.check(
        interval.format("exaroutes-bulk", "round-trip") + " == 1",
        interval.format("producer-videos", "seldom") + " == 30 * 86400",
        interval.format("scan-documents", "scan") + " == 0.5",
        f"absent({interval.format('producer-videos', 'unpaid')})",
        limit.format("qrart-tasks", "requests") + " == 50000",
        limit.format("producer-videos", "requests") + " == 10",
        limit.format("producer-videos", "call") + " == 5",
    )
    job = '{job="specwatch", location="here", api="exaroutes-bulk", probe="round-trip"}'
    scene.prometheus.until(f"time() - specwatch_job_open_since_timestamp_seconds{job} < 60")


def see_a_prober_that_stood_still(scene: Scene) -> None:
    """A process that was stopped for a while notices its ticks late, leaves some out and says so."""
    with stopped(scene.watch):
        scene.prometheus.until('up{job="specwatch"} == 0')
    scene.prometheus.until('specwatch_saturated{job="specwatch"} == 1')
    scene.prometheus.until('sum(specwatch_probes_skipped_total{job="specwatch", reason="late"}) > 0')
    lag = "specwatch_schedule_lag_seconds"
    scene.check(f'{lag}_count{{job="specwatch"}} > ignoring (le) {lag}_bucket{{job="specwatch", le="0.5"}}')


def see_faults_of_the_target(scene: Scene) -> None:
    """Down, a broken promise, a broken inference, something undocumented and slowness: each on its own, and over."""
    ask = scene.prometheus.until
    on = time.time()
    with (
        scene.fault("scan-documents/getTask/status/200-as-500"),
        scene.fault("qrart-tasks/queryTasks/200/type/created_at"),
        scene.fault("qrart-tasks/image-not-square"),
        scene.fault("exaroutes-bulk/variation/extra-fields"),
        scene.fault("producer-videos/variation/slower"),
    ):
        ask('specwatch_probe_success{job="specwatch", probe="scan"} == 0')
        ask('specwatch_probe_success{job="specwatch", probe="task"} == 0')
        ask('specwatch_drift_total{job="specwatch", api="exaroutes-bulk", kind="field"} > 0')
        slow = 'rate(specwatch_request_duration_seconds_bucket{job="specwatch", api="producer-videos"}[3s])'
        ask(f"histogram_quantile(0.5, {slow}) > 0.25")
        ask('probe_success{job="blackbox", instance="scan"} == 0')
        ask('probe_http_status_code{job="blackbox", instance="scan"} == 500')
    off = time.time()
    for probe in ("scan", "task"):
        ask(f'specwatch_probe_success{{job="specwatch", probe="{probe}"}} == 1')
    broken = 'specwatch_claim_last_violated_timestamp_seconds{job="specwatch"}'
    for claim in ("queryTasks/200", "square-image-for-square-request"):
        at = scene.prometheus.value(
            f'specwatch_claim_last_violated_timestamp_seconds{{job="specwatch", claim="{claim}"}}'
        )
        assert at is not None
        assert on <= at <= off + 5
        ask(f'specwatch_claim_last_verified_timestamp_seconds{{job="specwatch", claim="{claim}"}} > {at}')
    assert {dict(labels)["claim"] for labels in scene.prometheus.series(broken)} >= {"queryTasks/200"}
    scene.check('specwatch_probe_success{job="specwatch", probe="bad-token"} == 1')


def see_a_rate_limit(scene: Scene) -> None:
    """429 with Retry-After: neither up nor down, nothing is asked for that long, and then all is well again."""
    ask = scene.prometheus.until
    limited = 'specwatch_rate_limited{job="specwatch", api="scan-documents"}'
    with scene.fault("scan-documents/busy"):
        ask(f"{limited} == 1")
    ask('absent(specwatch_probe_success{job="specwatch", probe="scan"})')
    asked = scene.requests()["getTask"]
    ask('absent(probe_success{job="blackbox", instance="scan"})')
    ask('specwatch_probes_skipped_total{job="specwatch", probe="scan", reason="rate_limited"} > 2')
    assert scene.requests()["getTask"] == asked
    scene.check('specwatch_rate_limited{job="specwatch", api="qrart-tasks"} == 0')
    ask(f"{limited} == 0")
    ask('specwatch_probe_success{job="specwatch", probe="scan"} == 1')


def see_a_locked_state(scene: Scene) -> None:
    """While somebody else holds the database, probing goes on and the trouble is counted."""
    ask = scene.prometheus.until
    with closing(sqlite3.connect(scene.state, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        ask('specwatch_state_errors_total{job="specwatch", operation="record"} > 0')
        runs = 'specwatch_probe_runs_total{job="specwatch", probe="no-batch", verdict="pass"}'
        before = scene.prometheus.value(runs)
        ask(f"{runs} > {before}")
        connection.execute("ROLLBACK")


def see_reloads(scene: Scene) -> None:
    """A wrong file changes nothing but the gauge; a right one is taken over, and when is told."""
    ask = scene.prometheus.until
    ok = 'specwatch_config_last_reload_successful{job="specwatch"}'
    at = 'specwatch_config_last_reload_success_timestamp_seconds{job="specwatch"}'
    before = scene.prometheus.value(at)
    runs = 'specwatch_probe_runs_total{job="specwatch", probe="no-batch", verdict="pass"}'
    scene.check(f"{ok} == 1")
    scene.reload(SCHEDULE.replace("interval: 500ms", "intervall: 500ms"))
    ask(f"{ok} == 0")
    scene.check(f"{at} == {before}")
    ask(f"{runs} > {scene.prometheus.value(runs)}")
    scene.watch.wait_for("reload_failed")
    assert "did you mean 'interval'?" in scene.watch.said()
    now = time.time()
    scene.reload(SCHEDULE.replace("confirm: 2", "confirm: 3"))
    ask(f"{ok} == 1")
    ask(f"{at} >= {now}")


def come_to_rest(scene: Scene) -> None:
    """Switch every probe off, and wait until state, both formats and the sandbox have nothing more to say."""
    scene.prometheus.until('specwatch_saturated{job="specwatch"} == 0')
    scene.reload(SCHEDULE.replace("confirm: 2", "enabled: false"))
    scene.prometheus.until('specwatch_probes_skipped_total{job="specwatch", reason="off", probe="no-batch"} > 1')

    def at_rest() -> bool:
        with Reader(scene.state) as reader:
            done = reader.counts().open_jobs == 0
        return done and runs_counted(scene.prometheus, "specwatch") == runs_kept(scene.state)

    until("every run is counted and kept", at_rest)
    until("both formats agree", lambda: samples(scene, "text") == samples(scene, "specwatch"))


def samples(scene: Scene, job: str) -> dict[Labels, float]:
    """All that a job scraped of specwatch, but for what goes on counting while nothing runs."""
    chosen = f'{{job="{job}", __name__=~"specwatch_.*", __name__!~".*_lag_.*", reason!="off"}}'
    found = scene.prometheus.series(f"last_over_time({chosen}[15s])")  # a scrape that took too long leaves a gap
    return {
        frozenset(pair for pair in each if pair[0] not in {"job", "instance"}): value for each, value in found.items()
    }


Runs = dict[tuple[str, str], int]


def runs_counted(prometheus: Prometheus, job: str) -> Runs:
    """Runs by probe and verdict, as Prometheus has them."""
    found = prometheus.series(f'specwatch_probe_runs_total{{job="{job}"}} > 0')
    return {(dict(labels)["probe"], dict(labels)["verdict"]): int(value) for labels, value in found.items()}


def runs_kept(state: Path) -> Runs:
    """Runs by probe and verdict, as the history has them."""
    with Reader(state) as reader:
        runs = reader.counts().runs
    return {(probe, verdict): number for probe, by in runs.items() for verdict, number in by.items()}


def check_families(scene: Scene) -> None:
    """Every metric is there with its labels and the location, in both formats alike."""
    missing = [family.name for family in FAMILIES if not scene.prometheus.series(_any_of(family))]
    assert missing == [
        "specwatch_probe_interval_seconds",  # all probes are off
        "specwatch_job_open_since_timestamp_seconds",  # no job is open
        "specwatch_certificate_expiry_timestamp_seconds",  # which needs TLS
    ]
    for family in FAMILIES:
        for labels in scene.prometheus.series(_any_of(family)):
            names = {name for name, _ in labels} - {"__name__", "job", "instance", "le"}
            assert names | {"error_code"} == {*family.labels, "location", "error_code"}  # an empty label is none
    elsewhere = '{job="specwatch", location!="here", __name__=~"(specwatch|process)_.*"}'
    assert scene.prometheus.series(elsewhere) == {}
    assert len(samples(scene, "text")) > 500


def _any_of(family: Family) -> str:
    return f'{family.name}{"_count" if family.kind is Kind.HISTOGRAM else ""}{{job="specwatch"}}'


def check_counts(scene: Scene) -> None:
    """What Prometheus has counted is what the sandbox was asked, and what each fault amounts to."""
    prometheus, runs = scene.prometheus, runs_counted(scene.prometheus, "specwatch")
    answers = prometheus.by("operation", 'sum by (operation) (specwatch_responses_total{job="specwatch"})')
    assert {name: int(number) for name, number in answers.items()} == scene.requests()
    durations = prometheus.by(
        "operation", 'sum by (operation) (specwatch_request_duration_seconds_count{job="specwatch"})'
    )
    assert durations == answers
    response = 'sum(specwatch_responses_total{{job="specwatch", status="{}", error_code="{}"{}}})'
    down, limited = runs["scan", "fail"], runs["scan", "unknown"]
    assert prometheus.value(response.format(500, "", ', operation="getTask"')) == down >= 2
    assert prometheus.value(response.format(429, "", ', operation="getTask"')) == limited >= 1
    assert (
        prometheus.value(response.format(401, "invalid_token", ', api="qrart-tasks"')) == 2 * runs["bad-token", "pass"]
    )
    assert prometheus.value(response.format(410, "", "")) == runs["round-trip", "pass"] >= 2
    failures = prometheus.by("reason", 'sum by (reason) (specwatch_request_failures_total{job="specwatch"}) > 0')
    assert failures == {"server_error": down, "contract": runs["task", "fail"], "rate_limited": limited}
    broken = 'sum(specwatch_contract_violations_total{{job="specwatch", claim="{}", level="{}"}})'
    assert prometheus.value(broken.format("queryTasks/200", "promise")) == runs["task", "fail"]
    assert (prometheus.value(broken.format("square-image-for-square-request", "inference")) or 0) > 0
    assert runs_counted(prometheus, "text") == runs


def check_the_rest(scene: Scene) -> None:
    """Skips, budgets, cost, jobs, phases, moments, build: as the schedule has it."""
    skips = 'sum by (reason) (specwatch_probes_skipped_total{job="specwatch", reason!~"off|late|saturated"}) > 0'
    reasons = scene.prometheus.series(skips.replace("by (reason)", "by (probe, reason)"))
    found = {(dict(labels)["probe"], dict(labels)["reason"]) for labels in reasons}
    assert found == {
        ("resting", "maintenance"),
        ("spent", "budget"),
        ("round-trip", "overlap"),
        ("scan", "rate_limited"),
    } | (found & {(probe, "overlap") for probe in ("scan", "task", "no-audio", "bad-token", "no-batch")})
    scene.check(
        'specwatch_probes_skipped_total{job="specwatch", probe="unpaid", reason="off"} > 5',
        'specwatch_budget_remaining{job="specwatch", api="qrart-tasks", unit="requests"} == 0',
        'specwatch_budget_remaining{job="specwatch", api="producer-videos", unit="requests"} == 9',
        'specwatch_budget_remaining{job="specwatch", api="producer-videos", unit="call"} == 4',
        'specwatch_cost_total{job="specwatch", api="producer-videos"} == 1',
        'sum(specwatch_cost_total{job="specwatch"}) == 1',
        'specwatch_job_duration_seconds_sum{job="specwatch", probe="round-trip"} > 2 * '
        'specwatch_job_duration_seconds_count{job="specwatch", probe="round-trip"} > 0',
        'specwatch_probe_verdict_seconds_total{job="specwatch", probe="scan", verdict="fail"} > 0',
        'sum(specwatch_probe_verdict_seconds_total{job="specwatch", probe="scan"}) <= '
        '0.5 * sum(specwatch_probe_runs_total{job="specwatch", probe="scan"})',
        'sum(specwatch_notifications_total{job="specwatch"}) == 0',
        f'specwatch_build_info{{job="specwatch", version="{__version__}", python="{platform.python_version()}"}} == 1',
        'time() - specwatch_probe_last_run_timestamp_seconds{job="specwatch", probe="no-batch"} < 60',
        'specwatch_drift_total{job="specwatch", api="exaroutes-bulk", operation="getBulkStatus", kind="field"} > 0',
        'resets(specwatch_probe_runs_total{job="specwatch", probe="no-batch", verdict="pass"}[5m]) == 0',
    )
    assert scene.prometheus.series('specwatch_request_phase_seconds_count{phase=~"resolve|tls"} > 0') == {}
    sums = 'sum by (operation) (specwatch_request_{}_seconds_sum{{job="specwatch"}})'
    parts, whole = (scene.prometheus.by("operation", sums.format(name)) for name in ("phase", "duration"))
    assert all(0.5 * whole[name] <= parts[name] <= whole[name] + 0.001 for name in whole if whole[name])


def check_distributions(scene: Scene) -> None:
    """Quantiles lie where the sandbox put them, and exemplars lead to runs of the history."""
    quantile = 'histogram_quantile({}, sum by (le) (specwatch_request_duration_seconds_bucket{{job="specwatch", {}}}))'
    quick = scene.prometheus.value(quantile.format(0.5, 'operation="getBulkResult"'))
    assert quick is not None
    assert 0 < quick < 0.25
    scene.check('specwatch_probe_duration_seconds_count{job="specwatch", probe="seldom"} == 1')
    now = time.time()
    marked = scene.prometheus.exemplars('specwatch_request_duration_seconds_bucket{job="specwatch"}', now - 300, now)
    with closing(sqlite3.connect(scene.state)) as connection:
        known = {str(run) for (run,) in connection.execute("SELECT id FROM runs")}
    assert {mark["run"] for _, mark in marked} <= known
    assert {series["operation"] for series, _ in marked} == {
        name for name, number in scene.requests().items() if number
    }


def check_probe_endpoint(scene: Scene) -> None:
    """Two Prometheus jobs that ask for a probe many times within its interval cost one run, and see what it saw."""
    for job in ("blackbox", "blackbox-too"):
        seldom = f'job="{job}", instance="seldom"'
        scene.check(
            f"count_over_time(probe_success{{{seldom}}}[5m]) > 10",
            f"max_over_time(probe_success{{{seldom}}}[5m]) == 1",
            f"max_over_time(probe_http_status_code{{{seldom}}}[5m]) == 200",
            f"max_over_time(probe_duration_seconds{{{seldom}}}[5m]) > 0",
            f'max_over_time(probe_http_duration_seconds{{{seldom}, phase="processing"}}[5m]) > 0',
        )
    assert runs_counted(scene.prometheus, "specwatch")["seldom", "pass"] == 1


def check_promtool(scene: Scene) -> None:
    """Prometheus's own tool finds nothing to say about the live output."""
    text = scene.web.get("/metrics", headers={"accept": TEXT}).content
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.needs("promtool")
def test_every_metric_is_true(scene: Scene) -> None:
    """Whatever happens to target, prober, state and configuration shows in Prometheus, once and as it was."""
    see_what_is_planned(scene)
    see_a_prober_that_stood_still(scene)
    see_faults_of_the_target(scene)
    see_a_rate_limit(scene)
    see_a_locked_state(scene)
    see_reloads(scene)
    come_to_rest(scene)
    check_families(scene)
    check_counts(scene)
    check_the_rest(scene)
    check_distributions(scene)
    check_probe_endpoint(scene)
    check_promtool(scene)


SHOP_SCHEDULE = """
version: 1
defaults: {interval: 500ms, confirm: 1}
probes:
  health: {workflow: shop/health}
"""


def shop_workspace(folder: Path) -> Path:
    """A workspace with the shop and one probe of its health."""
    for part in ("specs", "probes"):
        (folder / part).mkdir(parents=True)
    (folder / "specs" / "shop.yaml").write_text(SHOP.read_text(encoding="utf-8"), encoding="utf-8")
    names = sorted({"SHARED_TOKEN", *(f"SHOP_{each}" for each in SHOP_VARIABLES)})
    (folder / "specwatch.yaml").write_text(f"version: 1\nvariables: [{', '.join(names)}]\n", encoding="utf-8")
    document = (SHOP.parent / "probing" / "data" / "shop.arazzo.yaml").read_text(encoding="utf-8")
    text = document.replace("../../shop.yaml", "../specs/shop.yaml")
    (folder / "probes" / "shop.arazzo.yaml").write_text(text, encoding="utf-8")
    (folder / "probes" / "schedule.yaml").write_text(SHOP_SCHEDULE, encoding="utf-8")
    return folder


SHOP_VARIABLES = ("ITEM", "ITEMS", "TOKEN", "TOKEN_2", "TOKEN_SPENT", "CLIENT", "KEY")


@pytest.fixture
def tls_shop() -> Iterator[tuple[Server, trustme.CA, float]]:
    """A shop behind TLS, the authority that vouches for it, and when its certificate expires."""
    import ssl

    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    shown = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    server = Server(lambda _: answer(200, {}), context)
    yield server, authority, shown.not_valid_after_utc.timestamp()
    server.close()


def test_certificates_are_told(tmp_path: Path, tls_shop: tuple[Server, trustme.CA, float]) -> None:
    """When a certificate expires is known whether it is trusted or not; and the failure has its class."""
    server, authority, expires = tls_shop
    workspace, pem = shop_workspace(tmp_path / "workspace"), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    with Processes(tmp_path, tmp_path / "output") as processes:
        common = ("watch", "--workspace", workspace, "--target", server.url, "--listen", "127.0.0.1:0", "--state")
        trusting = processes.specwatch(*common, tmp_path / "a.sqlite", "--ca", pem, name="trusting")
        doubting = processes.specwatch(*common, tmp_path / "b.sqlite", name="doubting")
        prometheus = Prometheus(
            processes,
            tmp_path / "prometheus",
            scrape("trusting", url_of(trusting)),
            scrape("doubting", url_of(doubting)),
            scrape_probes("blackbox", url_of(trusting), "health"),
        )
        prometheus.until('specwatch_probe_success{job="trusting", probe="health"} == 1')
        prometheus.until('specwatch_probe_success{job="doubting", probe="health"} == 0')
        prometheus.until('probe_success{job="blackbox", instance="health"} == 1')
        for job in ("trusting", "doubting"):
            metric = f'specwatch_certificate_expiry_timestamp_seconds{{job="{job}", api="shop", host="localhost"}}'
            assert prometheus.value(metric) == expires
        assert prometheus.value("probe_ssl_earliest_cert_expiry") == expires
        prometheus.until(
            'specwatch_request_phase_seconds_count{job="trusting", operation="getHealth", phase="tls"} > 0'
        )
        reasons = prometheus.by("reason", 'specwatch_request_failures_total{job="doubting"} > 0')
        assert list(reasons) == ["tls_untrusted"]
        prometheus.until('specwatch_request_failures_total{job="doubting", reason="tls_untrusted"} > 0')
