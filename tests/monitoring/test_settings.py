"""The settings of rules and dashboards: base units, defaults, and mistakes that are explained with their line."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import yaml

from specwatch.errors import WorkspaceError
from specwatch.monitoring.settings import DEFAULT_FILE, SETTINGS_FORM, Receiver, Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
Load = Callable[[str], Settings]

MISTAKES = {
    "unknown group": ("brun: {}\n", "2: unknown key 'brun'", "did you mean 'burn'?"),
    "unknown key": (
        "burn: {page-quick: {value: 14.4, unit: times the budget, reason: x}}\n",
        "2: unknown key 'burn.page-quick'",
        "one of page-fast, page-slow",
    ),
    "no reason": (
        "jobs: {stuck: {value: 30, unit: minutes}}\n",
        "2: no 'jobs.stuck.reason'",
        "why this value",
    ),
    "other unit": (
        "jobs: {stuck: {value: 30, unit: hours, reason: x}}\n",
        '2: jobs.stuck.unit is "hours"',
        "expected: minutes",
    ),
    "threshold out of range": (
        "locations: {quorum: {value: 1.5, unit: share of the locations, reason: x}}\n",
        "2: locations.quorum.value is 1.5",
        "a number from 0 to 0.99",
    ),
    "threshold that is no number": (
        "certificates:\n  page: {value: soon, unit: days, reason: x}\n",
        '3: certificates.page.value is "soon"',
        "a number from 0 to 365",
    ),
    "thresholds the wrong way round": (
        "certificates:\n  page: {value: 30, unit: days, reason: x}\n",
        "3: certificates.page is 30, and certificates.ticket 21",
        "certificates.page below certificates.ticket",
    ),
    "burn rates the wrong way round": (
        "burn: {page-slow: {value: 20, unit: times the budget, reason: x}}\n",
        "2: burn.page-slow is 20, and burn.page-fast 14.4",
        "burn.page-slow below burn.page-fast",
    ),
    "objective without a probe": (
        "burn:\n  of-probe:\n    ghost: {value: 5, unit: runs, reason: x}\n",
        "4: there is no probe 'ghost' with an objective",
        "one of known, other",
    ),
    "objective of a misspelt probe": (
        "burn:\n  of-probe:\n    knwon: {value: 5, unit: runs, reason: x}\n",
        "4: there is no probe 'knwon' with an objective",
        "did you mean 'known'?",
    ),
    "two addresses": (
        "receivers: {page: {webhook-url: 'http://a.example/', webhook-url-file: /run/url, reason: x}}\n",
        "2: receivers.page has both webhook-url and webhook-url-file",
        "one of them",
    ),
    "secret in an address": (
        "receivers: {page: {webhook-url: 'http://me:secret@a.example/', reason: x}}\n",
        "2: receivers.page.webhook-url is",
        "without a secret in it",
    ),
    "template in an address": (
        "links: {runbooks: {value: 'https://x/{{.Labels}}', reason: x}}\n",
        "2: links.runbooks.value is",
        "without user, query, fragment, braces, quotes or $",
    ),
    "lag that no bucket can show": (
        "prober: {lag: {value: 5, unit: seconds, reason: x}}\n",
        "2: prober.lag.value is 5",
        "a number from 0.001 to 4",
    ),
    "address that is none": (
        "links: {grafana: {value: grafana, reason: x}}\n",
        "2: links.grafana.value is",
        "an http or https address",
    ),
}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings from their text below the line of the version."""

    def load(text: str) -> Settings:
        path = tmp_path / "settings.yaml"
        path.write_text(f"version: 1\n{text}", encoding="utf-8")
        return load_settings(path, {"known", "other"})

    return load


@pytest.mark.parametrize("text, found, expected", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_explained(load: Load, text: str, found: str, expected: str) -> None:
    """Each mistake is told with its line, what was found and what was expected or how to mend it."""
    with pytest.raises(WorkspaceError) as caught:
        load(text)

    assert f"settings.yaml:{found}" in str(caught.value)
    assert expected in str(caught.value)


def test_all_mistakes_are_told_at_once(load: Load) -> None:
    """Nobody has to run it again to see the next mistake."""
    with pytest.raises(WorkspaceError) as caught:
        load("jobs: {stuk: 1}\nscrape: {interval: {value: 0, unit: seconds, reason: x}}\n")

    assert [problem.where.rpartition(":")[2] for problem in caught.value.problems] == ["2", "3"]


def test_values_are_in_base_units(load: Load) -> None:
    """Minutes, hours and days become seconds, percentages shares, megabytes bytes; what has no unit stays."""
    settings = load("account: {budget-forecast: {value: 2, unit: hours, reason: x}}\n")

    assert settings.account_budget_forecast == 7200
    assert settings.certificates_ticket == 21 * 86400
    assert settings.dashboards_budget_left == 0.25
    assert settings.dashboards_memory == 512e6
    assert settings.locations_quorum == 0.5
    assert settings.selectors_job == "specwatch"


def test_what_is_left_out_has_its_default(load: Load) -> None:
    """A file that changes one value leaves the others, and no file at all means the defaults."""
    default = load_settings(None, ())

    assert load("") == load_settings(Path("nowhere.yaml"), ()) == default
    assert load("jobs: {stuck: {value: 1, unit: minutes, reason: x}}\n").jobs_stuck == 60


def test_a_probe_may_have_its_own_minimum(load: Load) -> None:
    """A probe that the file names has its own minimum of failures, the others the common one."""
    settings = load("burn: {of-probe: {known: {value: 7, unit: runs, reason: x}}}\n")

    assert (settings.minimum_failures("known"), settings.minimum_failures("other")) == (7, 3)


def test_receivers_are_read(load: Load) -> None:
    """A receiver has an address, the path of a file that holds one, or neither."""
    receivers = load(
        "receivers:\n  page: {webhook-url: 'http://a.example/x', reason: x}\n"
        "  ticket: {webhook-url-file: /run/secrets/url, reason: x}\n"
    ).receivers

    assert receivers == {
        "page": Receiver(webhook_url="http://a.example/x"),
        "ticket": Receiver(webhook_url_file="/run/secrets/url"),
        "info": Receiver(),
    }


def test_every_entry_of_the_file_is_a_field() -> None:
    """No entry of the default file is ignored, and each has a value, a reason and, for a number, a unit."""
    entries = {
        f"{group}_{key}".replace("-", "_"): entry
        for group, keys in yaml.safe_load(DEFAULT_FILE.read_text("utf-8")).items()
        if group not in {"version", "receivers"}
        for key, entry in keys.items()
    }

    assert entries.keys() == {field.name for field in fields(Settings)} - {"receivers", "minimum_failures_of_probe"}
    assert all(entry["reason"] for entry in entries.values())
    assert all(("unit" in entry) == isinstance(entry["value"], int | float) for entry in entries.values())


def test_the_published_schema_is_a_schema_that_the_defaults_fit() -> None:
    """An editor that follows the JSON Schema finds nothing wrong with the default file, nor with the repository's."""
    schema = json.loads(SETTINGS_FORM.file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    for file in (DEFAULT_FILE, ROOT / "grafana" / "settings.yaml"):
        content = yaml.safe_load(file.read_text("utf-8"))
        assert list(jsonschema.Draft202012Validator(schema).iter_errors(content)) == []
