# ruff: noqa: INP001 - a script, no package
"""Writes docs/reference/schedule.md from the published JSON Schema of the schedule.

python docs/make_schedule.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from specwatch.schedule import schedule_schema

PAGE: Final = Path(__file__).resolve().parent / "reference" / "schedule.md"
NOTE: Final = "<!-- Written by docs/make_schedule.py. Change what it is made from, then run it again. -->"
SCHEMA: Final = "../../src/specwatch/schedule/schedule.schema.json"

EXAMPLE: Final = """\
```yaml schedule
version: 1
concurrency: 8
maintenance:
  - {from: 2027-01-10T02:00:00Z, to: 2027-01-10T04:00:00Z, text: announced by the provider}
  - {days: [sat, sun], from: "23:30", to: "00:30", zone: Europe/Berlin}
defaults:
  interval: 5m
  failing-interval: 30s
  budget: {requests: 2000, cost: 0}
  objective: {availability: 99.5, latency: {quantile: 0.95, seconds: 5s}}
probes:
  scan-known-task:
    workflow: scan-documents/known-task
    objective: {latency: {seconds: 2s}}
  producer-known-audio:
    workflow: producer-videos/known-audio
    interval: 1d
    failing-interval: null
    confirm: 1
    budget: {cost: 1}
    allow: [paid]
```"""

RULES: Final = """\
- Unknown keys are refused, and so is a workflow, an input or a zone that does not exist. All problems are told at once.
- `defaults` are inherited by every probe. Mappings are merged key by key; any other value is replaced as a whole.
  `null` takes away what may be `null`.
- An input has the value that the probe gives it, else the one that the target's settings know under its name (`x-known`
  of the spec), else its default. One that is required and has none of these is a mistake.
- A probe that creates, consumes or pays runs on the sandbox, and elsewhere only where `allow` names all of that. What
  the documentation promises to refuse is none of it: a step that expects a 4xx counts as a free read.
- A budget that does not cover a quarter of a day's runs, or not one, is a mistake. A run counts as every step of its
  workflow once, those of the workflows that it runs included.
- A window of `days` goes by the clock on the wall of its zone: an hour that is shown twice in autumn is covered
  twice."""


def render() -> str:
    """The page."""
    return "\n".join([*_page(), ""])


def _page() -> Iterator[str]:
    schema = schedule_schema()
    definitions = schema["$defs"]
    yield from ("# The schedule", "", NOTE, "")
    yield "`probes/schedule.yaml` says which workflows run, how often, within which bounds and to which objective. Its"
    yield f"[JSON Schema]({SCHEMA}) lets an editor complete it."
    yield "How to add a probe: [write a probe](../how-to/write-a-probe.md)."
    yield from ("", EXAMPLE, "", "## Rules", "", RULES)
    yield from _section("The file", schema)
    yield from _section(
        "A probe", definitions["probe"], "All but `workflow` and `inputs` can stand under `defaults` as well."
    )
    yield from _section("budget", definitions["budget"])
    yield from _section("objective", definitions["objective"])
    yield from _section("objective / latency", definitions["objective"]["properties"]["latency"])
    yield from _section("A maintenance window", definitions["window"], definitions["window"]["description"])
    yield from (
        "",
        "## Durations",
        "",
        f"{definitions['duration']['description']} Such as `250ms`, `30s`, `5m`, `1h` or `1d`.",
    )


def _section(title: str, node: Mapping[str, Any], text: str = "") -> Iterator[str]:
    yield from ("", f"## {title}", "")
    if text:
        yield from (text, "")
    yield from ("| key | value | without it | |", "|---|---|---|---|")
    for name, raw in node["properties"].items():
        resolved = _resolved(raw)
        cells = (f"`{name}`", _value(resolved), _without(name, node, resolved), resolved.get("description", ""))
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A sub-schema with what its references lead to; what stands beside a reference goes first."""
    while "$ref" in node:
        target = schedule_schema()["$defs"][node["$ref"].removeprefix("#/$defs/")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _value(node: Mapping[str, Any]) -> str:
    duration = str(schedule_schema()["$defs"]["duration"]["x-expected"])
    return str(node["x-expected"]).replace(duration, "a duration").replace("; or", " or").replace("<", "&lt;")


def _without(name: str, parent: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    if name in parent.get("required", ()):
        return "refused"
    if "default" not in node or node["default"] in ([], None):
        return "none"
    return f"`{node['default'] if isinstance(node['default'], str) else json.dumps(node['default'])}`"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
