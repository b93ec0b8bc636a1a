"""The pages about CI show what there is: inputs of the action, the hook, and workflows that give away nothing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from specwatch import __version__

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "how-to"
OURS = "OWNER/specwatch@"


def documents(page: str) -> list[Any]:
    """The YAML of a page."""
    text = (PAGES / page).read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def steps(node: object) -> Iterator[Any]:
    """Everything in a document that is a step."""
    if isinstance(node, dict):
        if "uses" in node or "run" in node:
            yield node
        node = list(node.values())
    for each in node if isinstance(node, list) else ():
        yield from steps(each)


def test_workflows_use_the_action_as_it_is(action: Any) -> None:
    """Each workflow that is shown gives inputs that there are, reads outputs that there are, and is of this version."""
    shown = list(steps(documents("run-in-github-actions.md")))
    ours = [step for step in shown if step.get("uses", "").startswith(OURS)]
    read = set(re.findall(r"steps\.contracts\.outputs\.([\w-]+)", str(shown)))

    assert ours
    assert {step["uses"] for step in ours} == {f"{OURS}v{__version__}"}
    assert {name for step in ours for name in step.get("with", {})} <= set(action["inputs"])
    assert read <= set(action["outputs"])
    assert [step["run"] for step in shown if "${{" in step.get("run", "")] == []


def test_every_input_and_output_is_on_the_page(action: Any) -> None:
    """The table has a row for each input with its default, and the outputs are all named."""
    text = (PAGES / "run-in-github-actions.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", text, re.MULTILINE))

    assert list(rows) == list(action["inputs"])
    for name, each in action["inputs"].items():
        assert rows[name] == f"`{each['default']}`" if each["default"] else "`" not in rows[name], name
    assert [name for name in action["outputs"] if f"`{name}`" not in text] == []


def test_the_hook_is_shown_as_it_is() -> None:
    """The configuration of pre-commit that is shown names the hook of this repository."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (shown,) = documents("lint-before-commit.md")[0]["repos"]

    assert shown["hooks"] == [{"id": hook["id"]}]
    assert shown["rev"] == f"v{__version__}"
