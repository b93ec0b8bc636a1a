"""The reference says what the code says: generated pages are fresh, and nothing that a user can set is left out."""

import difflib
import importlib.util
import json
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import yaml

from specwatch.claims.cel import VARIABLES
from specwatch.cli import app
from specwatch.cli.app import COMMANDS
from specwatch.contract.result import BROKEN, NOTHING, OK, USAGE
from specwatch.reports.json_report import schema
from specwatch.spec import Api
from specwatch.state.limits import DAY, MIB, HistoryLimits
from specwatch.values import Derived, Reason, Rule
from specwatch.web.guard import HEALTHY
from specwatch.web.page import FAULTS
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"


def script(name: str) -> ModuleType:
    """A script of docs/, loaded."""
    return load(DOCS / f"{name}.py")


@cache
def load(path: Path) -> ModuleType:
    """A module by its path."""
    spec = importlib.util.spec_from_file_location(f"docs_test_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def read(page: str) -> str:
    """A page of the reference."""
    return (REFERENCE / page).read_text(encoding="utf-8")


@cache
def apis() -> tuple[Api, ...]:
    """The APIs of this repository."""
    return Workspace(ROOT, "this checkout").apis()


def test_generated_pages_are_fresh() -> None:
    """Each generated page is what its script writes: if not, `python docs/make_reference.py`."""
    pages = script("make_reference").pages()
    stale = [
        difflib.unified_diff(read(name).splitlines(), text.splitlines(), name, "fresh") for name, text in pages.items()
    ]
    assert [line for lines in stale for line in lines] == []


def test_doubts_are_those_of_the_specs() -> None:
    """The page of doubts is what its script writes: if not, `python docs/make_doubts.py`."""
    written = (DOCS / "explanation" / "doubts.md").read_text(encoding="utf-8")
    assert written.splitlines() == str(script("make_doubts").render()).splitlines()


def test_every_command_is_documented() -> None:
    """No command is missing from the reference."""
    assert [name for name in COMMANDS if f"## specwatch {name}\n" not in read("commands.md")] == []


def test_every_variable_is_documented() -> None:
    """Every variable of the settings file is in the reference, in the example for `.env`, and read by a spec."""
    names = yaml.safe_load((ROOT / "specwatch.yaml").read_text(encoding="utf-8"))["variables"]
    page, example = read("settings.md"), (ROOT / ".env.example").read_text(encoding="utf-8")
    assert [name for name in names if f"| `{name}` |" not in page] == []
    assert [name for name in names if not re.search(f"^{name}=", example, re.MULTILINE)] == []
    assert "no spec" not in page


def test_every_field_of_the_specs_is_documented() -> None:
    """Every x- field that a spec uses has a section of its own."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "specs").glob("*.yaml"))]
    used = {name for text in texts for name in re.findall(r"^\s*(x-[a-z-]+):", text, re.MULTILINE)}
    assert {name for name in used if f"\n## {name}\n" not in read("spec-fields.md")} == set()


def test_every_exit_code_is_documented() -> None:
    """Every exit code of the program is in the table."""
    codes = (OK, BROKEN, USAGE, NOTHING, app.DEFECT, app.INTERRUPTED, app.PIPE_CLOSED)
    assert [code for code in codes if f"| {code} |" not in read("exit-codes.md")] == []


def test_every_kind_of_derived_claim_is_documented() -> None:
    """Each kind of claim that follows from a spec is in the table."""
    kinds = {claim.form.kind for api in apis() for claim in api.claims if isinstance(claim.form, Derived)}
    assert {kind for kind in kinds - {"response", "inferred"} if f"/{kind}`" not in read("derived-claims.md")} == set()


def test_every_variable_and_rule_of_expressions_is_documented() -> None:
    """What an expression sees, and how a series compares, is described."""
    page = read("expressions.md") + read("spec-fields.md")
    assert [name for name in (*VARIABLES, *Rule) if f"`{name}" not in page] == []


def names_of(node: object) -> set[str]:
    """The names of all properties in a JSON Schema."""
    if isinstance(node, list):
        return {name for item in node for name in names_of(item)}
    if not isinstance(node, dict):
        return set()
    own = set(node.get("properties", ())) if isinstance(node.get("properties"), dict) else set()
    return own | {name for value in node.values() for name in names_of(value)}


def test_every_field_of_the_report_is_documented() -> None:
    """Each field of the JSON report is named on its page."""
    page = read("report.md")
    assert {name for name in names_of(dict(schema())) if f"`{name}`" not in page} == set()


def test_every_field_of_a_probe_is_documented() -> None:
    """Each field of what `specwatch probe --json` prints is named on its page."""
    path = ROOT / "src" / "specwatch" / "reports" / "probe.schema.json"
    page = read("probe-output.md")
    assert {name for name in names_of(json.loads(path.read_text(encoding="utf-8"))) if f"`{name}`" not in page} == set()


def test_every_failure_reason_is_documented() -> None:
    """Each class of failure has a row, in the order of the code, and the status page lays it at the same door."""
    doors = {"The provider's side": "provider", "On the way there": "on the way", "Our side": "ours"}
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| ([^|]+) \|", read("failure-reasons.md"), re.MULTILINE)
    assert rows == [(reason.value, doors[FAULTS[reason][0]]) for reason in Reason]


def test_every_endpoint_is_documented() -> None:
    """Each path that the web part answers is in the table, with its method."""
    listed = set(re.findall(r"^\| `(GET|POST) ([^?`]+)", read("http-endpoints.md"), re.MULTILINE))
    source = (ROOT / "src" / "specwatch" / "web" / "app.py").read_text(encoding="utf-8")
    paths = [HEALTHY if name == "HEALTHY" else name[1:-1] for name in re.findall(r"Route\((\S+),", source)]
    assert sorted(path for _, path in listed) == sorted(paths)


def test_the_limits_of_the_state_are_documented() -> None:
    """What is kept how long is what the code keeps."""
    limits, page = HistoryLimits(), read("state-file.md")
    for keep, name in ((limits.passes, "passes and unknowns"), (limits.failures, "failures")):
        row = (f"{keep.rows:,}", f"{keep.details}", f"{keep.bytes // MIB} MiB", f"{keep.seconds / DAY:g} days")
        assert re.search(rf"^\| {name} \| {row[0]} \| {row[1]}\D* \| {row[2]} \| {row[3]} \|", page, re.MULTILINE)
    assert f"Of one body {limits.body_bytes // 1024} KiB" in page
    assert f"of one run {limits.run_bytes // 1024} KiB and its last {limits.exchanges} requests" in page


def test_the_layers_are_those_of_the_code() -> None:
    """The table of layers, and the list in CONTRIBUTING.md, name what tests/test_layers.py holds together."""
    layers = load(ROOT / "tests" / "test_layers.py").LAYERS
    wanted = [[name for name in layer if name != "__main__"] for layer in layers]
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \d \| ([^|]+) \|", page, re.MULTILINE)
    listed = [row for row in re.findall(r"^\d\. (`[^:\n]+)", guide, re.MULTILINE) if "/" not in row and "." not in row]
    assert [re.findall(r"`(\w+)`", row) for row in table] == wanted
    assert [names for row in listed if (names := re.findall(r"`(\w+)`", row))] == wanted


def test_the_picture_holds_no_path_and_fetches_nothing() -> None:
    """The screenshot is one of a run, and loads nothing from elsewhere."""
    picture = (DOCS / "images" / "check.svg").read_text(encoding="utf-8")
    assert "broken&#160;promise" in picture
    assert "url(" not in re.sub(r"url\(#", "", picture)
