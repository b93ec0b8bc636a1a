"""`specwatch drift`: from what was seen to a document that says so."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.state.made import opened

from specwatch.drift.overlay import read_overlay
from specwatch.probing.memory import DriftRecord

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]

EXTRA = "example-api/variation/extra-fields"
FIELD: dict[str, Any] = {
    "operation": "listRegions",
    "kind": "field",
    "name": "/note",
    "count": 2,
    "first_at": "2026-01-31T12:00:00.000Z",
    "last_at": "2026-02-01T12:00:00.000Z",
    "status": 200,
    "example": "free",
    "sketch": {"type": ["string"], "format": None},
}


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Path]:
    """Write a report with this drift."""

    def write(*drift: dict[str, Any], name: str = "report.json", api: str = "example-api") -> Path:
        path = tmp_path / name
        document = {
            "schema": "specwatch.check/1",
            "started_at": "2026-01-01T00:00:00.000Z",
            "apis": [{"id": api, "drift": list(drift)}],
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


Report = Callable[..., Path]


def test_from_a_run_to_a_document_that_says_so(specwatch: Command, workspace: Path, spec: Path, tmp_path: Path) -> None:
    """Check, drift, overlay, apply: the same traffic shows no drift then, breaks nothing, and the spec still lints."""
    before, path, folder = spec.read_text(encoding="utf-8"), tmp_path / "report.json", tmp_path / "overlays"
    check = ("check", "--workspace", workspace, "--profile", "smoke", "--json", path, "--fault", EXTRA)
    assert specwatch(*check).returncode == 0

    shown = specwatch("drift", "--workspace", workspace, "--from", path, "--fail", "--overlay", f"{folder}/")
    assert shown.returncode == 1
    assert "listRegions 200  field  /specwatch_extra" in shown.stdout
    overlay = folder / "example-api.overlay.yaml"
    assert "2 actions for example-api" in shown.stderr

    would = specwatch("drift", "--workspace", workspace, overlay)
    assert (would.returncode, spec.read_text(encoding="utf-8")) == (0, before)
    assert "14 lines added, 0 lines removed" in would.stderr
    done = specwatch("drift", "--workspace", workspace, overlay, "--apply")
    assert done.returncode == 0
    diff = list(unified_diff(before.splitlines(), spec.read_text(encoding="utf-8").splitlines(), n=0, lineterm=""))
    changed = [line for line in diff[2:] if not line.startswith("@@")]
    assert len(changed) == 14
    assert {line.strip("+ ") for line in changed} == {
        *("specwatch_extra:", "type: object", "properties:", "added:", "type: boolean", "examples:", "- added: true")
    }

    assert specwatch("lint", "--workspace", workspace).returncode == 0
    assert specwatch(*check).returncode == 0
    (api,) = json.loads(path.read_text(encoding="utf-8"))["apis"]
    assert (api["violations"], api["drift"]) == ([], [])
    again = specwatch("drift", "--workspace", workspace, "--from", path, "--fail", "--apply")
    assert (again.returncode, again.stdout) == (0, "No drift: nothing was seen that is not documented.\n")


def test_files_are_put_together(specwatch: Command, workspace: Path, report: Report) -> None:
    """The earliest first sight, the latest last one, and the sum."""
    early = {**FIELD, "first_at": "2025-12-24T12:00:00.000Z", "last_at": "2025-12-24T12:00:00.000Z", "count": 5}
    files = (report(FIELD), report(early, name="other.json"))
    found = specwatch("drift", "--workspace", workspace, "--from", files[0], "--from", files[1], "--json")
    (entry,) = json.loads(found.stdout)["drift"]
    assert entry == {**FIELD, "api": "example-api", "count": 7, "first_at": "2025-12-24T12:00:00.000Z"}


def test_what_a_watch_remembers(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """Its state file will do, with entries of an older version that have no example."""
    path = tmp_path / "state.sqlite"
    record = DriftRecord(1e9, 2e9, 3, 200, '"free"', '{"type": ["string"], "format": null}')

    async def remember() -> None:
        async with opened(path) as store:
            document = {name: getattr(record, name) for name in DriftRecord.__slots__}
            store.remember("drift", "example-api/listRegions/field//note", document)
            store.remember("drift", "example-api/listRegions/status/403", {"first_at": 1e9, "last_at": 1e9, "times": 1})
            await store.flush()

    asyncio.run(remember())
    found = specwatch("drift", "--workspace", workspace, "--state", path)
    assert [line.split() for line in found.stdout.splitlines()[2:]] == [
        ["listRegions", "status", "403", "1", "2001-09-09", "2001-09-09"],
        ["listRegions", "200", "field", "/note", "3", "2001-09-09", "2033-05-18", '"free"'],
    ]


def test_a_changed_spec_goes_elsewhere(
    specwatch: Command, workspace: Path, spec: Path, report: Report, tmp_path: Path
) -> None:
    """With --to the spec of the workspace stays as it is."""
    before = spec.read_bytes()
    given = ("drift", "--workspace", workspace, "--from", report(FIELD), "--apply", "--to", tmp_path / "new.yaml")
    assert specwatch(*given).returncode == 0
    assert spec.read_bytes() == before
    assert "note:" in (tmp_path / "new.yaml").read_text(encoding="utf-8")


def test_what_is_not_written_is_said(specwatch: Command, workspace: Path, report: Report) -> None:
    """With its reason, and that nothing is left to write."""
    found = specwatch(
        "drift", "--workspace", workspace, "--from", report({**FIELD, "operation": "gone"}), "--overlay", "o.yaml"
    )
    assert found.returncode == 0
    assert "not written: example-api gone 200 field /note: the document has no such operation any more" in found.stderr
    assert not Path("o.yaml").exists()


def test_an_overlay_by_others(specwatch: Command, workspace: Path, spec: Path, tmp_path: Path) -> None:
    """Any overlay can be applied, to the only spec or to the one that is named."""
    path = tmp_path / "ours.overlay.yaml"
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\n"
        "actions: [{target: $.info, update: {title: Ours}}, {target: $.servers, remove: true}]\n",
        encoding="utf-8",
    )
    finished = specwatch("drift", "--workspace", workspace, path, "--apply")
    assert finished.returncode == 0
    assert f"{spec}: 1 line added, 3 lines removed" in finished.stderr
    assert "  title: Ours\n" in spec.read_text(encoding="utf-8")


def test_a_change_of_what_is_sent_is_shown_apart(specwatch: Command, workspace: Path, tmp_path: Path) -> None:
    """An overlay that moves a server, or lets a call pass for harmless, is not applied without a word."""
    path = tmp_path / "ours.overlay.yaml"
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\nactions:\n"
        "- {target: '$.paths[\"/v1/regions\"].get', update: {x-effect: consume}}\n"
        "- {target: '$.servers[0]', update: {url: 'https://elsewhere.example'}}\n",
        encoding="utf-8",
    )
    for given in ((), ("--apply",)):
        finished = specwatch("drift", "--workspace", workspace, path, *given)
        assert finished.returncode == 0, finished.stderr
        _, _, warned = finished.stderr.partition("warning: this decides where requests go")
        assert (
            '  servers: [{"url": "https://api.example.com"}] becomes [{"url": "https://elsewhere.example"}]' in warned
        )
        assert '  GET /v1/regions x-effect: "read" becomes "consume"' in warned


def test_an_overlay_that_breaks_the_spec_is_refused(
    specwatch: Command, workspace: Path, spec: Path, tmp_path: Path
) -> None:
    """What lint would say afterwards is said before, and nothing is written."""
    path, before = tmp_path / "o.yaml", spec.read_bytes()
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\n"
        "actions: [{target: '$.paths.*.get', update: {x-effect: destroy}}]\n",
        encoding="utf-8",
    )
    finished = specwatch("drift", "--workspace", workspace, path, "--apply")
    assert (finished.returncode, spec.read_bytes()) == (2, before)
    assert "would be no valid spec any more" in finished.stderr
    assert "x-effect is 'destroy'" in finished.stderr


def test_an_overlay_for_another_state_of_the_spec(
    specwatch: Command, workspace: Path, spec: Path, edit: Edit, report: Report
) -> None:
    """One of ours knows which file it was made for; a spec that has changed meanwhile is left alone."""
    specwatch("drift", "--workspace", workspace, "--from", report(FIELD), "--overlay", "o.yaml")
    edit(spec, "title: Example API", "title: Another API")
    finished = specwatch("drift", "--workspace", workspace, "o.yaml", "--apply")
    assert finished.returncode == 2
    assert f"was made for another state of {spec}" in finished.stderr


def test_an_overlay_that_was_applied_is_no_mistake(
    specwatch: Command, workspace: Path, spec: Path, report: Report
) -> None:
    """The second time everything in it is there already: that is said, and the spec stays as it is."""
    specwatch("drift", "--workspace", workspace, "--from", report(FIELD), "--overlay", "o.yaml")
    first = specwatch("drift", "--workspace", workspace, "o.yaml", "--apply")
    assert (first.returncode, "warning" in first.stderr) == (0, False), first.stderr
    applied = spec.read_bytes()
    again = specwatch("drift", "--workspace", workspace, "o.yaml", "--apply")
    assert (again.returncode, spec.read_bytes()) == (0, applied), again.stderr
    assert again.stderr.endswith(f"o.yaml: all of it is in {spec} already\n")


def test_a_warning_says_which_file_is_changed(
    specwatch: Command, workspace: Path, spec: Path, report: Report, tmp_path: Path
) -> None:
    """An overlay that extends another file of the same name changes that of the chosen workspace, and says so."""
    elsewhere = tmp_path / "some" / "other" / "place"
    elsewhere.mkdir(parents=True)
    specwatch("drift", "--workspace", workspace, "--from", report(FIELD), "--overlay", "o.yaml")
    moved = elsewhere / "o.yaml"
    moved.write_bytes(Path("o.yaml").read_bytes())
    finished = specwatch("drift", "--workspace", workspace, moved, "--apply")
    assert finished.returncode == 0
    assert re.search(rf"warning: {moved} extends \S+, which is another file than {spec}", finished.stderr)


def test_it_is_told_which_spec_an_overlay_is_for(specwatch: Command, workspace: Path, spec: Path) -> None:
    """By the file that it extends; where that is none, --api has to say it."""
    other = spec.with_name("other.yaml")
    other.write_bytes(spec.read_bytes())
    head = "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\n"
    actions = "actions: [{target: $.info, update: {title: Ours}}]\n"
    Path("o.yaml").write_text(f"{head}extends: https://example.org/specs/other.yaml\n{actions}", encoding="utf-8")
    assert f"{other} would change" in specwatch("drift", "--workspace", workspace, "o.yaml").stderr
    Path("o.yaml").write_text(f"{head}{actions}", encoding="utf-8")
    assert "does not say which spec it is for" in specwatch("drift", "--workspace", workspace, "o.yaml").stderr
    named = specwatch("drift", "--workspace", workspace, "--api", "other", "o.yaml")
    assert f"{other} would change: 1 line added, 1 line removed" in named.stderr


def test_with_nothing_to_look_at_it_explains_itself(specwatch: Command, workspace: Path) -> None:
    """Nothing is run; what to type is said."""
    finished = specwatch("drift", "--workspace", workspace)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "mend: `specwatch check --json report.json`, then `specwatch drift --from report.json`" in finished.stderr


@pytest.mark.parametrize(
    "content, found",
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is no JSON"),
        ("[]", "is no report"),
        ('{"schema": "specwatch.list/1"}', "is a document of 'specwatch.list/1'"),
        ('{"log": {}}', "is recorded traffic"),
        ('{"overlay": "1.0.0"}', "is an overlay"),
        ('{"schema": "specwatch.check/1"}', "is not whole"),
        ('{"schema": "specwatch.check/1", "started_at": "x", "apis": []}', "is not whole"),
        (
            '{"schema": "specwatch.check/1", "started_at": "2026-01-01T00:00:00Z", "apis": [{"id": "a"}]}',
            "is not whole",
        ),
        ("[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_report(specwatch: Command, workspace: Path, content: str | None, found: str) -> None:
    """A clear block and 2, whatever the file holds."""
    if content is not None:
        Path("r.json").write_text(content, encoding="utf-8")
    finished = specwatch("drift", "--workspace", workspace, "--from", "r.json")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "error: --from r.json: " in finished.stderr
    assert found in finished.stderr


def test_all_that_is_wrong_is_said_at_once(specwatch: Command, workspace: Path, report: Report) -> None:
    """Several sources, names and places."""
    given = ("--from", "a.json", "--from", "b.json", "--state", "c.sqlite", "--api", "exampel-api")
    finished = specwatch("drift", "--workspace", workspace, "--from", report(FIELD), *given)
    assert finished.returncode == 2
    assert [word in finished.stderr for word in ("a.json", "b.json", "c.sqlite", "did you mean example-api")] == [
        True
    ] * 4


@pytest.mark.parametrize(
    "given, found",
    [
        (("--overlay", "missing/o.yaml"), "there is no folder missing"),
        (("--apply", "--to", "missing/o.yaml"), "there is no folder missing"),
        (("--to", "new.yaml"), "says where a changed spec goes, but none is"),
        (("o.yaml",), "is about what was seen, but an overlay is given"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(
    specwatch: Command, workspace: Path, spec: Path, report: Report, given: tuple[str, ...], found: str
) -> None:
    """Places that cannot be written, and options that contradict each other."""
    before = spec.read_bytes()
    finished = specwatch("drift", "--workspace", workspace, "--from", report(FIELD), *given)
    assert (finished.returncode, spec.read_bytes()) == (2, before)
    assert found in finished.stderr


def test_one_file_is_for_one_api(specwatch: Command, workspace: Path, spec: Path, report: Report) -> None:
    """Overlays of several APIs go into a folder, or --api picks one."""
    spec.with_name("other.yaml").write_bytes(spec.read_bytes())
    files = ("--from", report(FIELD), "--from", report(FIELD, name="b.json", api="other"))
    finished = specwatch("drift", "--workspace", workspace, *files, "--overlay", "o.yaml")
    assert finished.returncode == 2
    assert "is one file for the overlays of example-api, other" in finished.stderr
    assert specwatch("drift", "--workspace", workspace, *files, "--overlay", "o.yaml", "--api", "other").returncode == 0
    assert read_overlay(Path("o.yaml")).title == "Drift of other"


def test_a_target_that_is_nowhere(specwatch: Command, workspace: Path, spec: Path) -> None:
    """Is told with the line of the overlay, and the rest of it is applied: version 1.0 lets a target be nowhere."""
    Path("o.yaml").write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\nactions:\n"
        "  - {target: $.info, update: {title: Ours}}\n  - {target: $.nowhere, remove: true}\n",
        encoding="utf-8",
    )
    before = spec.read_text(encoding="utf-8")
    found = f"o.yaml:5: the target $.nowhere matches nothing in {spec}: a misspelt path, or it is gone\n"
    for given in ((), ("--apply",)):
        finished = specwatch("drift", "--workspace", workspace, "o.yaml", *given)
        assert (finished.returncode, finished.stderr.count(f"warning: {found}")) == (0, 1), finished.stderr
        assert [line for line in finished.stderr.splitlines() if line.startswith(("  +", "  -"))] == ["  + $.info"]
    assert spec.read_text(encoding="utf-8") == before.replace("title: Example API", "title: Ours")


def test_an_overlay_without_any_place(specwatch: Command, workspace: Path, spec: Path) -> None:
    """An overlay with no target that is anywhere is refused, and nothing is written, not even what another one says."""
    head, before = "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\nactions:\n", spec.read_bytes()
    Path("good.yaml").write_text(f"{head}  - {{target: $.info, update: {{title: Ours}}}}\n", encoding="utf-8")
    lost = "  - {target: $.nowhere, remove: true}\n  - {target: $.gone, update: {a: 1}}\n"
    Path("lost.yaml").write_text(f"{head}{lost}", encoding="utf-8")
    finished = specwatch("drift", "--workspace", workspace, "good.yaml", "lost.yaml", "--apply")
    assert (finished.returncode, spec.read_bytes()) == (2, before)
    assert f"error: lost.yaml:4: the target $.nowhere matches nothing in {spec}: " in finished.stderr
    assert f"lost.yaml:5: the target $.gone matches nothing in {spec}: " in finished.stderr
    assert "good.yaml" not in finished.stderr


def test_a_folder_may_be_called_anything(
    specwatch: Command, workspace: Path, spec: Path, report: Report, tmp_path: Path
) -> None:
    """What ends a path in a URI does not end it when it is escaped: the overlay finds its spec, without a warning."""
    odd = tmp_path / "50% a?b#c: d"
    workspace.rename(odd)
    spec = odd / spec.relative_to(workspace)
    spec.with_name("other.yaml").write_bytes(spec.read_bytes())
    given = ("drift", "--workspace", odd)
    specwatch(*given, "--from", report(FIELD, api="other"), "--overlay", "o.yaml")
    finished = specwatch(*given, "o.yaml")
    assert (finished.returncode, "warning" in finished.stderr) == (0, False), finished.stderr
    assert f"{spec.with_name('other.yaml')} would change" in finished.stderr
