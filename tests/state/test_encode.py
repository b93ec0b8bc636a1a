"""An observation is the same after it was written as JSON and read again."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.state.made import NOW, observation, observations

from specwatch.state import HistoryLimits, from_json, to_json
from specwatch.state.encode import Cut, body, body_bytes, plain
from specwatch.state.rows import run_row
from specwatch.values.claim import Verdict
from specwatch.values.observation import Observation


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(observations)
def test_an_observation_survives_json(seen: Observation) -> None:
    """Nothing is lost, nothing is added, and the JSON is strict."""
    text = json.dumps(to_json(seen), allow_nan=False)
    assert from_json(json.loads(text)) == seen


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(observations)
def test_a_row_is_ascii_and_within_its_bytes(seen: Observation) -> None:
    """What SQLite is given can always be bound, and the detail keeps its cap."""
    limits = HistoryLimits(run_bytes=1_000)
    row = run_row(seen, limits, detailed=True)
    assert row.summary.isascii()
    assert len(row.detail or "") <= limits.run_bytes


@settings(deadline=None)
@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_cut_body_is_a_beginning(data: bytes, limit: int) -> None:
    """A cut body begins as the whole one does, is no longer than asked, lacks at most part of one character, and says how long it was."""  # noqa: E501
    document = body(data, limit)
    kept = body_bytes(document)
    assert data.startswith(kept)
    assert min(limit, len(data)) - 3 <= len(kept) <= limit
    assert document.get("bytes", len(data)) == len(data)
    assert ("bytes" in document) == (len(data) > limit)


def test_a_character_that_is_cut_through_leaves_text() -> None:
    """A cut in the middle of a character does not turn a readable body into base64."""
    assert body("aé".encode(), 2) == {"text": "a", "bytes": 3}


def test_bytes_that_are_no_text_are_marked() -> None:
    """A body that is no UTF-8 is written as base64 under a name of its own."""
    assert body(b"\xff\x00", None) == {"base64": "/wA="}


def test_values_that_json_lacks_become_text() -> None:
    """Infinite, huge and foreign values do not keep a run from being written."""
    outputs = {"far": float("inf"), "long": 10**5000, "raw": b"\xff", "set": {1}, "type": NOW.__class__}
    document = to_json(replace(observation(), outputs=outputs))
    json.dumps(document, allow_nan=False)
    assert plain(outputs) == document["outputs"]
    assert run_row(replace(observation(), outputs=outputs), HistoryLimits(), detailed=True).detail is not None


def test_only_the_last_exchanges_of_a_run_are_kept() -> None:
    """A long poll keeps the requests of its end, and says of all others that they were sent."""
    seen = observation()
    step = replace(seen.steps[0], sent=seen.steps[0].sent * 5)
    again = from_json(to_json(replace(seen, steps=(step, step)), Cut(exchanges=3)))
    assert [sent.exchange is not None for sent in again.sent] == [False] * 7 + [True] * 3


def test_large_bodies_are_cut_until_the_run_fits() -> None:
    """A run of many large answers keeps the beginning of each."""
    seen = observation(verdict=Verdict.FAIL, body=b"x" * 100_000)
    seen = replace(seen, steps=seen.steps * 20)
    row = run_row(seen, HistoryLimits(body_bytes=16_384, run_bytes=40_000), detailed=True)
    assert row.detail is not None
    assert len(row.detail) < 40_000
    assert row.detail.count('"bytes":100000') == 20
