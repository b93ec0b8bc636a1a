"""The workspace of the story: all probes of this repository, so often that it is told in a minute."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from tests.integration.processes import ROOT, copied_workspace

from specwatch.monitoring.build import derive
from specwatch.monitoring.origin import Origin, load_origin
from specwatch.workspace import Workspace

LATENCY, DELAY = 2.0, 2.4
"""Seconds within which nearly all runs should be over, and seconds that answers take when the sandbox is slow."""

RETRY_AFTER: Final = 4
FAULTS: Final = {
    "scan_documents": f'''

@api.fault("busy", breaks="availability", text="Everybody is asked to slow down.")
def busy(call: Call, _answer: Answer) -> Answer:
    """429, and when to come back."""
    return Answer(429, {{"status": 429}}, headers={{"Retry-After": "{RETRY_AFTER}"}})
''',
    "producer_videos": f'''

@api.fault("slow", breaks="availability", text="Answers take their time.")
def slow(_call: Call, answer: Answer) -> Answer:
    """The honest answer, later."""
    return replace(answer, delay_seconds={DELAY})
''',
}
"""Python that is added to the modules of the sandbox, by module."""

SELDOM: Final = "producer-known-audio"
"""Costs something, and runs only when somebody asks for it."""

JOBS: Final = "exaroutes-round-trip"
"""Makes a batch in the background."""

OFTEN: Final = (
    "qrart-known-task",
    "scan-known-task",
    "producer-no-audio",
    "exaroutes-unknown-batch",
    JOBS,
)
"""What the story is about; the other probes run every two seconds."""

COST: Final = 5.0
"""What the paid probe may spend in a day."""


def prepared(folder: Path) -> Path:
    """The workspace: probes every second, jobs and answers that can be told to misbehave."""
    workspace = copied_workspace(folder)
    schedule = yaml.safe_load((ROOT / "probes" / "schedule.yaml").read_text(encoding="utf-8"))
    (workspace / "probes" / "schedule.yaml").write_text(json.dumps(_quick(schedule)), encoding="utf-8")
    for name, fault in FAULTS.items():
        with (workspace / "sandbox" / f"{name}.py").open("a", encoding="utf-8") as module:
            module.write(fault)
    return workspace


def _quick(schedule: dict[str, Any]) -> dict[str, Any]:
    """A schedule whose minutes are seconds."""
    defaults = schedule["defaults"]
    defaults |= {"interval": "2s", "failing-interval": "500ms", "budget": {"requests": 1_000_000, "cost": 0}}
    defaults["objective"]["latency"]["seconds"] = f"{round(LATENCY * 1000)}ms"
    for probe in schedule["probes"].values():
        for key in ("interval", "failing-interval", "budget"):
            probe.pop(key, None)
    for probe in OFTEN:
        schedule["probes"][probe]["interval"] = "1s"
    schedule["probes"][SELDOM] |= {"interval": "30d", "allow": ["paid"], "budget": {"requests": 10, "cost": COST}}
    schedule["probes"][JOBS]["allow"] = ["create", "consume"]
    return schedule


QUICK: Final[Mapping[str, Any]] = {
    "scrape_interval": 1.0,
    "scrape_evaluation": 1.0,
    "locations_disagree_for": 2.0,
    "probes_failing_for": 2.0,
    "probes_unknown_for": 2.0,
    "contract_remembered": 3.0,
    "contract_forgotten": 8.0,
    "contract_drift_window": 10.0,
    "account_credential_for": 0.0,
    "account_rate_limited_for": 0.0,
    "jobs_stuck": 3.0,
    "prober_late_for": 600.0,
    "prober_saturated_for": 600.0,
    "prober_down_for": 0.0,
    "prober_absent_for": 0.0,
    "prober_reload_for": 0.0,
    "prober_state_window": 10.0,
}
"""What takes minutes in the real settings, in seconds; but other tests may keep the probers from being in time."""


def quick_origin(workspace: Path) -> Origin:
    """What rules and dashboards of the story are derived from."""
    origin = load_origin(Workspace(workspace, "the story's"))
    return dataclasses.replace(origin, settings=dataclasses.replace(origin.settings, **QUICK))


def derived_files(origin: Origin, folder: Path) -> dict[str, str]:
    """Write what is derived, its rules evaluated every second; path below `folder` to text."""
    files = {path: _impatient(text) if "/rules/" in path else text for path, text in derive(origin).items()}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return files


def _impatient(text: str) -> str:
    """A rule file without intervals of its own."""
    data = yaml.safe_load(text)
    for group in data["groups"]:
        group.pop("interval", None)
    return yaml.safe_dump(data, sort_keys=False)
