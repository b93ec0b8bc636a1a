"""What Prometheus makes of the alerts about contracts and verdicts, each in a case that fires and one that does not."""

from pathlib import Path

import pytest
from tests.monitoring.promtool import repository_rules, run_rule_tests

CASES = sorted(Path(__file__).parent.glob("*.yml"))


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_alerts(case: Path, tmp_path: Path) -> None:
    """Each series fires and stays silent when the file says so, with the labels and texts that it shows."""
    run_rule_tests(repository_rules(), case, tmp_path)
