"""What a scrape of the workspace holds once every probe has run: bounded, whatever the APIs answer."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.integration.processes import ROOT, Processes, until, url_of

MOST_SERIES = 2_000


@pytest.mark.slow
def test_a_scrape_of_the_workspace_has_under_2000_series(tmp_path: Path) -> None:
    """All probes of all APIs ran against the sandbox, and still there is no series too many."""
    with Processes(tmp_path) as processes:
        where = (
            "--target",
            "sandbox",
            "--interval",
            "1s",
            "--listen",
            "127.0.0.1:0",
            "--state",
            tmp_path / "state.sqlite",
        )
        watch = processes.specwatch("watch", "--workspace", ROOT, *where, name="watch")
        client = processes.enter_context(httpx.Client(base_url=url_of(watch), trust_env=False, timeout=60))

        def all_ran() -> list[str]:
            found = [line for line in client.get("/metrics").text.splitlines() if line[0] != "#"]
            ran, planned = (
                sum(line.startswith(f"specwatch_probe_{name}{{") for line in found)
                for name in ("last_run_timestamp_seconds", "interval_seconds")
            )
            return found if ran == planned > 0 else []

        series = until("every probe ran", all_ran)
        assert len({line.rpartition(" ")[0] for line in series}) == len(series)
        assert len(series) < MOST_SERIES
