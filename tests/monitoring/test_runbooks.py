"""Each alert has a runbook, and what a runbook tells somebody to do at night exists."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.monitoring.promtool import repository_origin, repository_rules

from specwatch.cli.app import group
from specwatch.metrics.families import BLACKBOX, FAMILIES, PROCESS, Kind
from specwatch.monitoring.build import derive
from specwatch.monitoring.rules.files import rule_files
from specwatch.monitoring.settings import DEFAULT_FILE, Settings

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(RUNBOOKS.glob("Specwatch*.md"))
SECTIONS = ["Whose fault", "What to do", "When it ends", "The rule"]
PATHS = {"/", "/metrics", "/probe", "/runs", "/-/healthy", "/-/ready", "/-/reload"}
"""What a prober answers to; tests/web holds the prober to it."""

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


def text_of(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return [text for kind, text in FENCE.findall(text_of(page)) if kind == language]


def commands(page: Path) -> list[str]:
    """What a page gives to be typed: lines of its shell blocks, and code in its sentences that has several words."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.strip()]
    return [*lines, *(code for code in CODE.findall(FENCE.sub("", text_of(page))) if " " in code)]


def alerts() -> Iterator[dict[str, Any]]:
    """The alerting rules that are derived from this repository."""
    for text in repository_rules().values():
        for rules in yaml.safe_load(text)["groups"]:
            yield from (rule for rule in rules["rules"] if "alert" in rule)


@cache
def series() -> frozenset[str]:
    """Every name that a query may ask for: metrics, the parts of histograms, recorded series, and `up`."""
    names = {"up"}
    for family in (*FAMILIES, *PROCESS, *BLACKBOX):
        names.add(family.name)
        if family.kind is Kind.HISTOGRAM:
            names |= {f"{family.name}{suffix}" for suffix in HISTOGRAM_SUFFIXES}
    for text in repository_rules().values():
        for rules in yaml.safe_load(text)["groups"]:
            names |= {rule["record"] for rule in rules["rules"] if "record" in rule}
    return frozenset(names)


@cache
def panels() -> frozenset[str]:
    """Titles of all panels of the derived dashboards, without what they fill in."""
    found: set[str] = set()
    for path, text in derive(repository_origin()).items():
        if path.startswith("dashboards/"):
            found |= set(titles(json.loads(text)))
    return frozenset(found)


def titles(node: dict[str, Any]) -> Iterator[str]:
    """Titles of a dashboard or row, and of the panels in it."""
    for panel in node.get("panels", []):
        yield panel.get("title", "")
        yield from titles(panel)


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    """The names of the derived alerts are those of the pages."""
    assert sorted({rule["alert"] for rule in alerts()}) == [page.stem for page in PAGES]


def test_each_alert_links_to_its_page() -> None:
    """The last part of the link is the name of the page."""
    assert [
        rule["alert"] for rule in alerts() if not rule["annotations"]["runbook_url"].endswith(f"/{rule['alert']}")
    ] == []


def test_the_list_has_each_page_once() -> None:
    """The list links to every page."""
    listed = re.findall(r"^\| \[(\w+)\]\((\w+)\.md\) \|", text_of(RUNBOOKS / "README.md"), re.MULTILINE)

    assert sorted(listed) == [(page.stem, page.stem) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_has_its_sections(page: Path) -> None:
    """Name, one sentence on what it means, then whose fault, what to do, when it ends, and the rule."""
    text = text_of(page)
    title, meaning, *_ = text.split("\n\n")

    assert title == f"# {page.stem}"
    assert meaning.count(". ") == 0
    assert meaning.endswith(".")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 80, "too long for a page that is read at night"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_says_how_to_silence_its_alert(page: Path) -> None:
    """There is a command to copy that silences this alert and no other, for a time, with a reason."""
    (command,) = [line for line in commands(page) if line.startswith("amtool ") and "silence add" in line]
    words = shlex.split(command)

    assert f"alertname={page.stem}" in words
    assert {"-d", "-c"} <= set(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_on_the_page_exist(page: Path) -> None:
    """Every metric, recorded series, alert and panel that it names is exported, derived or drawn."""
    text = text_of(page)
    named = set(re.findall(r"\b(?:\w+:)?(?:specwatch|process)_\w+(?::\w+)?", text))
    italic = {title.replace("\n", " ") for title in re.findall(r"(?<!\*)\*([^*`]+\?)\*(?!\*)", text)}

    assert named - series() - {"specwatch_"} == set()
    assert set(re.findall(r"\bSpecwatch[A-Z]\w+", text)) - {each.stem for each in PAGES} == set()
    assert italic - panels() == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_on_the_page_exist(page: Path) -> None:
    """Every setting that it names is one, and the rule is explained by the settings alone, without their values."""
    groups = set(yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))) - {"version"}
    known = {field.name for field in fields(Settings)}
    pairs = [code.split(".", 1) for code in CODE.findall(text_of(page)) if re.fullmatch(r"[a-z]+\.[a-z-]+", code)]

    assert [
        (name, key) for name, key in pairs if name in groups and f"{name}_{key.replace('-', '_')}" not in known
    ] == []
    assert any(name in groups for name, _ in pairs)


EVERYWHERE = {"selectors_job", "scrape_interval", "scrape_evaluation", "links_runbooks", "links_grafana"}
"""Settings on which every rule depends somehow."""


@cache
def rules_by_setting() -> dict[str, set[str]]:
    """The alerts whose expression or patience follows each number of the settings: it is doubled to see."""
    origin = repository_origin()
    before = rules_of(repository_rules())
    found: dict[str, set[str]] = {}
    for name in (field.name for field in fields(Settings) if field.name not in EVERYWHERE):
        value = getattr(origin.settings, name)
        if isinstance(value, int | float):
            doubled: dict[str, Any] = {name: value * 2}
            settings = replace(origin.settings, **doubled)
            after = rules_of(rule_files(replace(origin, settings=settings)))
            found[name] = {alert for alert, _, _ in before ^ after}
    return found


def rules_of(files: Mapping[str, str]) -> set[tuple[str, str, str]]:
    """Name, expression and patience of all alerts in rule files."""
    loaded = [yaml.load(text, yaml.CSafeLoader) for text in files.values()]
    groups = [rules for document in loaded for rules in document["groups"]]
    rules = [rule for each in groups for rule in each["rules"] if "alert" in rule]
    return {(rule["alert"], rule["expr"], rule.get("for", "")) for rule in rules}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_names_the_settings_of_its_rule(page: Path) -> None:
    """Every setting that changes the rule is named where the rule is explained."""
    explained = text_of(page).split("## The rule")[1]
    wanted = {
        name.replace("_", ".", 1).replace("_", "-") for name, names in rules_by_setting().items() if page.stem in names
    }

    assert {name for name in wanted if f"`{name}`" not in explained} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_on_the_page_exist(page: Path) -> None:
    """Every command of specwatch, with its options, is one; every address of a prober answers."""
    typed = commands(page)

    assert [line for line in typed if line.startswith("specwatch ") and not is_command(shlex.split(line)[1:])] == []
    assert [
        path for line in typed for path in re.findall(r"127\.0\.0\.1:9464(/[\w/-]*)", line) if path not in PATHS
    ] == []


def is_command(words: list[str]) -> bool:
    """Whether specwatch has that command and its options, with a value where one takes a value."""
    context = click.Context(group, **group.context_settings)
    command = group.get_command(context, words[0])
    if command is None:
        return False
    try:
        command.make_parser(click.Context(command, parent=context)).parse_args(words[1:])
    except click.UsageError:
        return False
    return True


@pytest.mark.parametrize(
    "line, exists",
    [
        ("probe PROBE --target live", True),
        ("probe PROBE --targets live", False),
        ("probe PROBE --target", False),
        ("mend PROBE", False),
    ],
)
def test_a_command_is_told_from_what_looks_like_one(line: str, *, exists: bool) -> None:
    """A command, an option or a value that is missing is found."""
    assert is_command(line.split()) is exists


@pytest.mark.needs("promtool")
def test_queries_on_the_pages_are_promql(tmp_path: Path) -> None:
    """Every query parses."""
    queries = [query for page in PAGES for query in blocks(page, "promql")]
    rules = [{"record": f"runbook:query{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)

    assert len(queries) >= len(PAGES)
    assert done.returncode == 0, done.stdout + done.stderr
