# ruff: noqa: INP001 - a script, no package
"""Writes docs/reference/monitoring-settings.md and docs/reference/alerts.md from the settings and the derived rules.

python docs/make_monitoring.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from specwatch.monitoring.build import derive
from specwatch.monitoring.origin import load_origin
from specwatch.monitoring.settings import DEFAULT_FILE, SETTINGS_FORM
from specwatch.workspace import find_workspace

ROOT: Final = Path(__file__).resolve().parents[1]
REFERENCE: Final = ROOT / "docs" / "reference"
NOTE: Final = "<!-- Written by docs/make_monitoring.py. Change what it is made from, then run it again. -->"
SCHEMA: Final = "../../src/specwatch/monitoring/settings.schema.json"
RULES: Final = "prometheus/rules/"

EXAMPLE: Final = """\
```yaml settings
version: 1
burn:
  of-probe:
    exaroutes-round-trip:
      value: 5
      unit: runs
      reason: its provider restarts at night and drops a job or two
certificates:
  ticket:
    value: 30
    unit: days
    reason: ordering one takes three weeks here
receivers:
  page:
    webhook-url-file: /run/secrets/pager-url
    reason: the address of the pager holds its key
```"""

SETTINGS_HEAD: Final = f"""\
`grafana/settings.yaml` holds what rules, dashboards and configuration files depend on beside specs, workflows and
schedule. After a change, `specwatch build` derives them anew. Its
[JSON Schema]({SCHEMA}) lets an editor complete it."""

SETTINGS_RULES: Final = """\
- Every value has a `unit`, where it is a number, and a `reason`. Units are fixed: hours where minutes are asked for are
  a mistake.
- What is left out has the value below; no file at all means all of them.
- Unknown keys, values out of range, and probes without an objective are refused, all at once, with their lines.
- A receiver is a `webhook-url`, a `webhook-url-file` with an absolute path (Alertmanager 0.26 or newer), or neither. An
  address with a secret in it belongs into a file."""

ALERTS_HEAD: Final = """\
What `specwatch build` derives for Prometheus. Each alert has a severity, a suspect, and a runbook, which `specwatch
watch` serves under `/runbooks/`. Slanted: labels, for their values. Without a time under "for", it fires at once.

| severity | meaning |
|---|---|
| `page` | somebody is woken |
| `ticket` | somebody looks in the working day |
| `info` | it is said now and then |

| suspect | who probably has to act |
|---|---|
| `provider` | the provider of the API |
| `account` | whoever holds the account with the provider |
| `prober` | whoever runs specwatch |
| `network` | whoever runs the network between the two |"""

PLAIN: Final = (
    (r"\{\{ with \$labels\.(\w+) \}\}([^{]*)\{\{ \. \}\}([^{]*)\{\{ else \}\}([^{]*)\{\{ end \}\}", r"\2*\1*\3 / \4"),
    (r"\{\{ with \$labels\.(\w+) \}\}([^{]*)\{\{ \. \}\}([^{]*)\{\{ end \}\}", r"\2*\1*\3"),
    (r"\{\{ if [^}]*\}\}([^{]*)\{\{ else \}\}([^{]*)\{\{ end \}\}", r"\1 / \2"),
    (r"\{\{ \$labels\.(\w+) \}\}", r"*\1*"),
)
"""Templates of Prometheus, and how they are written in a table."""

RECORDED: Final = """\
Rates and ratios that alerts and dashboards share. Their labels are `api`, `probe` and `objective`, or `claim` and
`level`, with `location` where the prober has one."""


def pages() -> Mapping[str, str]:
    """File name below docs/reference/ to text."""
    return {
        "monitoring-settings.md": "\n".join([*_settings_page(), ""]),
        "alerts.md": "\n".join([*_alerts_page(), ""]),
    }


def _settings_page() -> Iterator[str]:
    yield from ("# The monitoring settings", "", NOTE, "")
    yield SETTINGS_HEAD
    yield from ("", EXAMPLE, "", SETTINGS_RULES)
    default = yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))
    properties = SETTINGS_FORM.schema["properties"]
    for group, entries in default.items():
        if group not in {"version", "receivers"}:
            yield from ("", f"## {group}", "", str(properties[group]["description"]), "")
            yield from ("| key | value | unit | reason |", "|---|---|---|---|")
            yield from (f"| `{key}` | {_row(entry)} |" for key, entry in entries.items())
        if group == "burn":
            yield f"| `of-probe` | none | | {properties['burn']['properties']['of-probe']['description']} |"
    yield from ("", "## receivers", "", str(properties["receivers"]["description"]), "")
    yield "Keys: `page`, `ticket`, `info`, the severities of [alerts](alerts.md)."


def _row(entry: Mapping[str, Any]) -> str:
    return " | ".join((f"`{entry['value']}`", entry.get("unit", ""), entry["reason"]))


def _alerts_page() -> Iterator[str]:
    files = derive(load_origin(find_workspace(ROOT, ROOT)))
    yield from ("# Alerts", "", NOTE, "")
    yield ALERTS_HEAD
    for path in (name for name in files if name.startswith(RULES)):
        alerts = [rule for group in yaml.safe_load(files[path])["groups"] for rule in group["rules"] if "alert" in rule]
        if alerts:
            yield from (
                "",
                f"## {Path(path).stem}",
                "",
                "| alert | severity | suspect | for | says |",
                "|---|---|---|---|---|",
            )
            yield from (_alert_row(rule) for rule in alerts)
    yield from ("", "## Recorded series", "", RECORDED, "")
    yield from (
        f"- `{name}`"
        for name in sorted({name for path in files if path.startswith(RULES) for name in _recorded(files[path])})
    )


def _alert_row(rule: Mapping[str, Any]) -> str:
    name, labels = rule["alert"], rule["labels"]
    further = ", ".join(f"{key} {value}" for key, value in labels.items() if key not in {"severity", "suspect"})
    shown = f"[{name}](../runbooks/{name}.md)" + (f" ({further})" if further else "")
    return f"| {shown} | `{labels['severity']}` | `{labels['suspect']}` | {rule.get('for', '')} | {_said(rule)} |"


def _said(rule: Mapping[str, Any]) -> str:
    """The summary with the names of labels where their values will stand, as a person would write it."""
    text = str(rule["annotations"]["summary"])
    for pattern, plain in PLAIN:
        text = re.sub(pattern, plain, text)
    return text.replace("|", "\\|")


def _recorded(text: str) -> Iterator[str]:
    for group in yaml.safe_load(text)["groups"]:
        yield from (rule["record"] for rule in group["rules"] if "record" in rule)


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
