"""Checking and testing the derived rules with Prometheus' own `promtool`.

A rule test is a YAML file in the form of https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.
It names the rule files that it needs by their last names (`rule_files: [objectives.yml]`): they are derived anew for
each run and written beside a copy of it.
"""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from specwatch.monitoring.origin import Origin, load_origin
from specwatch.monitoring.rules.files import rule_files
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 100.0
"""No run of promtool takes a tenth of that."""


@functools.cache
def repository_origin() -> Origin:
    """Specs, probes and settings of this repository."""
    return load_origin(Workspace(ROOT, "the checkout"))


@functools.cache
def repository_rules() -> Mapping[str, str]:
    """The rule files of this repository: path below `grafana/` to text, derived now and not read from there."""
    return rule_files(repository_origin())


def write_rules(rules: Mapping[str, str], folder: Path) -> None:
    """Write rule files into a folder by their last names.

    Args:
        rules: path to text, as `rule_files` gives them.
        folder: is made where it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in rules.items():
        (folder / Path(path).name).write_text(text, encoding="utf-8")


def check_rules(folder: Path) -> None:
    """Fail, with what promtool says, unless every rule file of a folder is valid and passes all of its lint rules."""
    files = sorted(path.name for path in folder.glob("*.yml"))
    assert files, f"no rule files in {folder}"
    _promtool(folder, "check", "rules", "--lint=all", "--lint-fatal", *files)


def run_rule_tests(rules: Mapping[str, str], test_file: Path, tmp_path: Path) -> None:
    """Run one file of rule tests, and fail with what promtool says unless all of them pass.

    Groups are evaluated in the order in which the rule files have them, so that results do not depend on chance; a real
    server evaluates groups side by side, and one that reads another's series may lag by one evaluation.

    Args:
        rules: path to text, as `rule_files` gives them.
        test_file: with `rule_files` that are last names of those.
        tmp_path: an empty folder.
    """
    write_rules(rules, tmp_path)
    text = test_file.read_text(encoding="utf-8")
    wanted = yaml.safe_load(text)["rule_files"]
    order = [group for name in wanted for group in group_names((tmp_path / name).read_text(encoding="utf-8"))]
    head = yaml.safe_dump({"group_eval_order": order}) if order else ""
    (tmp_path / test_file.name).write_text(head + text, encoding="utf-8")
    _promtool(tmp_path, "test", "rules", test_file.name)


def group_names(rule_file: str) -> list[str]:
    """Names of the groups in the text of a rule file, in its order."""
    return [group["name"] for group in yaml.safe_load(rule_file)["groups"]]


def _promtool(folder: Path, *arguments: str) -> None:
    command = ["promtool", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False)
