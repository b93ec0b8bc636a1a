"""A prober that is killed at any moment finishes or reports every job, uses nothing up twice and loses no archive."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.probing.killing import ROOT, Gate, Passed, Proxy, Watching, make_workspace, proxied, rows, wait_for

from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.spec import load_api
from specwatch.state.archives import name_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process is killed otherwise there")

WORKER_SECONDS = 1.0

POINTS = [
    # the submission: about to arrive, taken and not answered, answered, noted
    [("submit", "asked", 0), ("submit", "done", 0), ("submit", "told", 0), ("submit", "noted", 0)],
    # waiting for the worker, until it is done
    [("status", "asked", 0), ("status", "told", 200), ("status", "half", 200), ("result", "asked", 0)],
    # the one download: used up and not answered, half there, there, kept
    [("result", "done", 200), ("result", "half", 200), ("result", "told", 200), ("result", "kept", 200)],
    # what comes after it
    [("result", "asked", 0), ("result", "done", 410), ("result", "told", 410), ("status", "afterwards", 200)],
]
"""At which moments of a job the prober is killed, in chains: each kill is followed by a start on the same state."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A recording proxy in front of a sandbox whose worker takes its time."""
    api = load_api(ROOT / "specs" / "exaroutes-bulk.yaml")
    modules = load_modules(ROOT / "sandbox", [api])
    with EmbeddedSandbox([api], modules, SandboxSettings(WORKER_SECONDS)) as sandbox, proxied(sandbox.url) as running:
        yield running


@pytest.fixture
def watching(proxy: Proxy, tmp_path: Path) -> Iterator[Watching]:
    """A watch that sends through it, and is gone after the test."""
    made = Watching(make_workspace(tmp_path / "workspace"), tmp_path / "state.sqlite", proxy.url)
    yield made
    if made.process is not None:
        made.kill()


@pytest.mark.parametrize("points", POINTS, ids=["submission", "waiting", "download", "afterwards"])
def test_a_killed_prober_loses_nothing(points: list[tuple[str, str, int]], proxy: Proxy, watching: Watching) -> None:
    """After kills at each of these moments everything is accounted for."""
    kept: set[str] = set()
    for kind, moment, status in points:
        kept |= _kill_at(watching, proxy, kind, moment, status)
    watching.start()
    wait_for(lambda: _is_settled(watching.state), f"some job stays open: {watching.lines[-3:]}")
    assert watching.stop() == 0

    assert not [line for line in watching.lines if line.get("event") == "state" and "written" not in line["message"]]
    _check_jobs(watching.state, proxy)
    _check_archives(watching.state, proxy, kept)


def _kill_at(watching: Watching, proxy: Proxy, kind: str, moment: str, status: int) -> set[str]:
    """Start the prober and kill it at a moment; returns the batches whose archive was on disk by then."""
    kept: set[str] = set()

    def then(passed: Passed) -> None:
        if moment == "noted":
            wait_for(lambda: passed.batch in str(rows(watching.state, "SELECT document FROM jobs")), "not noted")
        elif moment == "kept":
            wait_for(lambda: passed.body in _archives(watching.state).values(), "not kept")
            kept.add(passed.batch)
        watching.kill()

    at = {"noted": "told", "kept": "told", "afterwards": "told"}.get(moment, moment)
    gate = Gate(kind, at, status, then)
    if moment == "afterwards":  # the status behind a download
        gate = Gate(
            "result", "told", 410, lambda _passed: setattr(proxy, "gate", Gate(kind, at, status, then, reached))
        )
    reached = gate.reached
    proxy.gate = gate
    watching.start()
    process = watching.process
    assert process is not None
    wait_for(lambda: process.poll() is not None, f"{kind} {moment} never came: {watching.lines[-3:]}")
    assert process.returncode < 0, watching.lines[-3:]
    return kept


def _is_settled(state: Path) -> bool:
    """Whether a job passed after the last start, and none that an earlier process began is open."""
    verdicts = Counter(verdict for (verdict,) in rows(state, "SELECT verdict FROM jobs"))
    return verdicts["pass"] >= 1 and verdicts[None] == 0


def _archives(state: Path) -> dict[str, bytes]:
    folder = state.with_name(f"{state.name}.archives")
    return {path.name: path.read_bytes() for path in folder.glob("*.bin")} if folder.exists() else {}


def _check_jobs(state: Path, proxy: Proxy) -> None:
    """Each submission is one job; each job ended once, with one run that says how, and none is in silence."""
    jobs = rows(state, "SELECT id, document, verdict, message FROM jobs")
    runs = Counter(run for (run,) in rows(state, "SELECT id FROM runs"))
    assert len(jobs) == len(proxy.of("submit"))
    for job, _, verdict, message in jobs:
        assert verdict in {"pass", "fail", "unknown"}
        assert verdict == "pass" or message
        assert runs[job] == 1, (job, verdict, message)
    documents = [json.loads(document) for _, document, _, _ in jobs]
    batches = [each["progress"]["outputs"]["submit"]["bulkId"] for each in documents if each["progress"]["outputs"]]
    assert len(batches) == len(set(batches))
    assert {verdict for _, _, verdict, _ in jobs} <= {"pass", "unknown"}, [job[2:] for job in jobs]
    known = {each.batch for each in proxy.of("submit", 200)}
    unnoted = [message for *_, message in jobs if "whether submit took effect is not known" in (message or "")]
    assert set(batches) <= known
    assert len(jobs) == len(batches) + len(unnoted)


def _check_archives(state: Path, proxy: Proxy, kept: set[str]) -> None:
    """No archive was handed out twice; each is on disk, or its job tells that it did not pass."""
    handed = proxy.of("result", 200)
    assert max(Counter(each.batch for each in handed).values()) == 1
    found = _archives(state)
    jobs = {
        document["progress"]["outputs"]["submit"]["bulkId"]: (job, verdict)
        for job, text, verdict in rows(state, "SELECT id, document, verdict FROM jobs")
        if (document := json.loads(text))["progress"]["outputs"]
    }
    for each in handed:
        job, verdict = jobs[each.batch]
        archive = found.get(f"{name_of(job, 'download')}.bin")
        assert archive in {None, each.body}
        assert archive is not None or (verdict == "unknown" and each.batch not in kept)
