"""Rules about objectives, judged by promtool: each YAML file beside this one is a set of cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.monitoring.promtool import check_rules, repository_rules, run_rule_tests, write_rules

CASES = sorted(Path(__file__).parent.glob("*.yml"))


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_rules_of_this_repository_behave_as_written(case: Path, tmp_path: Path) -> None:
    """Alerts fire and keep silent as the cases say, with all their labels and texts."""
    run_rule_tests(repository_rules(), case, tmp_path)


@pytest.mark.needs("promtool")
def test_every_rule_file_is_valid_and_without_lint(tmp_path: Path) -> None:
    """Promtool takes all derived rule files and finds nothing to complain about."""
    write_rules(repository_rules(), tmp_path)
    check_rules(tmp_path)
