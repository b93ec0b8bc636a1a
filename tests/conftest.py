"""What holds for every test: no proxy and no real credential is in reach, and what was skipped is said aloud."""

import os
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says something about the machine, which has other tests to carry out at the same time.
hypothesis.settings.register_profile(
    "tests",
    parent=hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tests")

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

# Tools that a test may need (`@pytest.mark.needs("node")`), and how to get each. A machine without one still passes.
TOOLS = {
    "amtool": "Debian and Ubuntu: apt-get install prometheus-alertmanager",
    "chromium": "Debian and Ubuntu: apt-get install chromium",
    "git": "Debian and Ubuntu: apt-get install git",
    "node": "Debian and Ubuntu: apt-get install nodejs",
    "npx": "Debian and Ubuntu: apt-get install nodejs npm",
    "prometheus": "Debian and Ubuntu: apt-get install prometheus",
    "prometheus-alertmanager": "Debian and Ubuntu: apt-get install prometheus-alertmanager",
    "prometheus-blackbox-exporter": "Debian and Ubuntu: apt-get install prometheus-blackbox-exporter",
    "promtool": "Debian and Ubuntu: apt-get install prometheus",
}


def in_ci() -> bool:
    """Whether this is a run in which nothing may be skipped."""
    return os.environ.get("CI") == "true"


def foreign_variables() -> set[str]:
    """Names of the variables that would lead a test outside: proxies, and the credentials of the workspace file."""
    workspace = yaml.safe_load((ROOT / "specwatch.yaml").read_text(encoding="utf-8"))
    return {*PROXIES, *(name.lower() for name in PROXIES), *workspace["variables"]}


@pytest.fixture(scope="session", autouse=True)
def _sealed_environment() -> Iterator[None]:
    """Remove those variables, for the tests and for every process that they start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in foreign_variables():
            patch.delenv(name, raising=False)
        yield


def shared_state() -> dict[str, object]:
    """What all tests of a process share and may change, but have to put back."""
    return {
        "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "working folder": os.getcwd(),  # noqa: PTH109 - a path object would be one more for each test
        "sys.path": list(sys.path),
        "profile of Hypothesis": hypothesis.settings.get_current_profile_name(),
    }


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fail the test that leaves a change for those that come after it, and not one of them."""
    before = shared_state()
    yield
    after = shared_state()
    assert {name for name in before if before[name] != after[name]} == set(), (before, after)


def needed_tools(item: pytest.Item) -> list[str]:
    """Tools that a test is marked as needing; an unknown name is a mistake in the test."""
    tools = [str(tool) for mark in item.iter_markers("needs") for tool in mark.args]
    for tool in tools:
        if tool not in TOOLS:
            message = f"{item.nodeid} needs {tool!r}, but tests/conftest.py knows only {', '.join(TOOLS)}"
            raise pytest.UsageError(message)
    return tools


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is not on this machine."""
    missing = [tool for tool in needed_tools(item) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}, not found on the path")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what a skipped test needed, and count the skip as a failure where nothing may be skipped."""
    report = yield
    tools = needed_tools(item)
    if not tools or not report.skipped or hasattr(report, "wasxfail"):
        return report
    report.user_properties.append(("skipped-for", ", ".join(tools)))
    if in_ci():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}\nWith CI=true nothing may be skipped: .ci/run has to install {', '.join(tools)}."
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List at the end what was skipped for which tool, and how to get it."""
    skipped: dict[str, int] = {}
    for report in terminalreporter.getreports("skipped"):
        for name, tools in report.user_properties:
            if name == "skipped-for":
                for tool in str(tools).split(", "):
                    skipped[tool] = skipped.get(tool, 0) + 1
    if skipped:
        terminalreporter.section("skipped for want of a tool")
    for tool, count in sorted(skipped.items()):
        terminalreporter.write_line(f"{tool}: {count} skipped. {TOOLS[tool]}")
