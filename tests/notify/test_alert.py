"""The message is the one that Alertmanager sends: compared with what a real one sends about the same alerts."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.processes import ROOT, Processes, until
from tests.loopback import Server, answer, refused_port

from specwatch.notify import Links
from specwatch.notify.alert import NEVER, Alert, fingerprint, message, moment
from specwatch.notify.story import failing
from specwatch.values import Observation, Reason, Verdict

CONFIG = """
route:
  receiver: specwatch
  group_by: [alertname, api]
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: specwatch
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


def alert(probe: str, at: float, **labels: str) -> Alert:
    """An alert about a probe of the shop."""
    shared = {"alertname": "SpecwatchProbeFailing", "api": "shop", "severity": "ticket", "suspect": "provider"}
    annotations = {"summary": f"{probe} fails: “timeout”", "description": "No answer.", "runbook_url": "http://x/y"}
    return Alert({**shared, "probe": probe, **labels}, annotations, at, source="http://127.0.0.1:9464/runs?probe=a&b=c")


def data(raw: bytes) -> dict[str, Any]:
    """A message without its address of the sender, its alerts in the order of their fingerprints."""
    found: dict[str, Any] = json.loads(raw)
    found["alerts"].sort(key=lambda each: each["fingerprint"])
    assert isinstance(found.pop("externalURL"), str)
    return found


def in_seconds(found: dict[str, Any]) -> dict[str, Any]:
    """A message whose moments are cut to seconds, since Go leaves trailing zeros of a fraction out."""
    return json.loads(re.sub(r'("(?:starts|ends)At": "[^".Z]+)[^"]*', r"\1", json.dumps(found)))  # type: ignore[no-any-return]


@pytest.mark.slow
@pytest.mark.needs("prometheus-alertmanager")
def test_it_is_what_alertmanager_sends(tmp_path: Path) -> None:
    """Firing, then one of two resolved: every field, with group key and fingerprints."""
    began = float(int(time.time()) - 60)
    first, second = alert("shop-items", began, location="here", reason="timeout"), alert('shop-ünï "x"', began + 1)
    with closing(Server(lambda _: answer())) as hook, Processes(tmp_path) as processes:
        (tmp_path / "alertmanager.yml").write_text(CONFIG.format(url=f"{hook.url}/hook"), encoding="utf-8")
        place = f"127.0.0.1:{refused_port()}"
        program = shutil.which("prometheus-alertmanager") or ""
        options = ["--config.file=alertmanager.yml", f"--storage.path={tmp_path}/data", "--cluster.listen-address="]
        processes.start([program, *options, f"--web.listen-address={place}"], "alertmanager")
        until("Alertmanager is ready", lambda: _ready(place))
        _tell(place, first, second)
        until("both fire", lambda: len(data(hook.received[-1].body)["alerts"]) == 2 if hook.received else False)
        assert in_seconds(data(hook.received[-1].body)) == in_seconds(data(message([first, second], "http://here")))
        ended = second.ended(began + 30, second.annotations["description"])
        _tell(place, first, ended)
        until("one is resolved", lambda: b"resolved" in hook.received[-1].body)
        assert in_seconds(data(hook.received[-1].body)) == in_seconds(data(message([first, ended], "http://here")))


def _ready(place: str) -> bool:
    try:
        return httpx.get(f"http://{place}/-/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _tell(place: str, *alerts: Alert) -> None:
    body = []
    for each in alerts:
        found = each.as_data()
        kept = {name: found[name] for name in ("labels", "annotations", "startsAt", "generatorURL")}
        body.append(kept | ({} if each.firing else {"endsAt": found["endsAt"]}))
    httpx.post(f"http://{place}/api/v2/alerts", json=body, trust_env=False).raise_for_status()


def test_a_fingerprint_is_that_of_prometheus() -> None:
    """The one of the empty set of labels is the offset of FNV-1a, as in Prometheus's own tests."""
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"b": "2", "a": "1"}) == fingerprint({"a": "1", "b": "2"}) != fingerprint({"a": "1"})


def test_the_page_shows_a_true_message() -> None:
    """The example of the documentation is what would be sent."""
    text = (ROOT / "docs" / "how-to" / "get-notified-without-alertmanager.md").read_text(encoding="utf-8")
    (shown,) = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    api, probe, place = "scan-documents", "scan-known-task", "http://127.0.0.1:9464"
    why = "read: expected $statusCode == 200, found $statusCode is 404"
    began = datetime(2026, 11, 22, 19, 23, 8, 555_000, UTC).timestamp()
    run = Observation("r", api, probe, "w", "live", Verdict.FAIL, Reason.STATUS, why, began, 0.1)
    assert json.loads(message([failing(run, began, "home", Links(place))], place)) == shown


def test_moments_are_in_utc() -> None:
    """RFC 3339 to the millisecond, and Go's zero time for what has no end."""
    assert moment(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"
    assert alert("shop-items", 0).as_data()["endsAt"] == NEVER


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_any_text_can_be_told(labels: dict[str, str], text: str) -> None:
    """Whatever a provider puts into a message, what is sent is JSON in UTF-8."""
    odd = Alert({"alertname": "A", "api": "a", "probe": "p"} | labels, {"summary": text}, 0.0)
    assert json.loads(message([odd], "http://here").decode("utf-8"))["alerts"][0]["annotations"]["summary"] == text
