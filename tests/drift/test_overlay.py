"""Reading, writing and applying overlays: the shapes of the specification's own examples, and what is no overlay."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonpath_rfc9535
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specwatch.drift.merging import carry_out, located
from specwatch.drift.overlay import Action, Overlay, document, json_path, path_of, read_overlay, reference, spelt
from specwatch.errors import SpecwatchError

HEAD = "overlay: 1.0.0\ninfo: {title: Ours, version: 1.0.0}\n"


def applied(document: Any, *actions: Action) -> Any:
    """A document after some actions; the given one stays as it is."""
    result = copy.deepcopy(document)
    for action in actions:
        carry_out(result, action, located(result, action), copy.deepcopy)
    return result


PETS = {
    "info": {"title": "Pets"},
    "servers": [{"url": "https://pets.example.com"}],
    "paths": {
        "/": {"get": {"summary": "Root"}},
        "/pets": {
            "get": {
                "parameters": [{"name": "filter", "in": "query"}, {"name": "dummy", "in": "query"}],
                "responses": {"200": {"description": "OK"}, "500": {"description": "No"}},
            },
            "post": {"responses": {"201": {"description": "Made"}, "500": {"description": "No"}}},
        },
    },
}


def test_one_action_for_the_whole_document() -> None:
    """A structured overlay mirrors the document: what is in both is merged, what is new is added."""
    update = {"info": {"x-applied": True}, "paths": {"/": {"get": {"summary": "The root", "x-limit": 100}}}}
    result = applied(PETS, Action("$", update=update))
    assert result["info"] == {"title": "Pets", "x-applied": True}
    assert result["paths"]["/"] == {"get": {"summary": "The root", "x-limit": 100}}
    assert result["paths"]["/pets"] == PETS["paths"]["/pets"]  # type: ignore[index]


def test_many_places_at_once() -> None:
    """A wildcard, and a filter, select several parts; each is changed."""
    result = applied(
        PETS,
        Action("$.paths.*.get", update={"x-safe": True}),
        Action("$.paths.*.get.parameters[?@.name=='filter' && @.in=='query']", update={"schema": {"$ref": "#/f"}}),
    )
    assert [item["get"]["x-safe"] for item in result["paths"].values()] == [True, True]
    assert result["paths"]["/pets"]["get"]["parameters"][0]["schema"] == {"$ref": "#/f"}
    assert "schema" not in result["paths"]["/pets"]["get"]["parameters"][1]


def test_lists_grow_and_shrink() -> None:
    """An update of a list is one more entry; entries are removed by what they are."""
    result = applied(
        PETS,
        Action("$.paths['/pets'].get.parameters", update={"name": "new", "in": "query"}),
        Action("$.paths.*.get.parameters[?@.name == 'dummy']", remove=True),
    )
    assert [each["name"] for each in result["paths"]["/pets"]["get"]["parameters"]] == ["filter", "new"]


def test_descendants_are_removed() -> None:
    """Everywhere below a place."""
    result = applied(PETS, Action("$.paths..responses['500']", remove=True))
    assert [list(item["responses"]) for item in result["paths"]["/pets"].values()] == [["200"], ["201"]]


def test_removed_and_made_again() -> None:
    """Actions are carried out in order, each on what those before it made: so a list is replaced."""
    servers = [{"url": "http://127.0.0.1:8700"}]
    result = applied(PETS, Action("$.servers", remove=True), Action("$", update={"servers": servers}))
    assert result["servers"] == servers


def test_lists_inside_an_update_are_joined() -> None:
    """A list of the update comes behind the one that is there."""
    result = applied(PETS, Action("$", update={"servers": [{"url": "https://b.example.com"}]}))
    assert [each["url"] for each in result["servers"]] == ["https://pets.example.com", "https://b.example.com"]


def test_remove_goes_before_update() -> None:
    """An update beside `remove: true` has no effect."""
    assert "servers" not in applied(PETS, Action("$.servers", update={"url": "x"}, remove=True))


def test_an_overlay_is_written_and_read_again(tmp_path: Path) -> None:
    """In YAML and in JSON, with every field."""
    actions = (Action("$.info", "A: title.", {"title": "yes"}), Action("$.servers[0]", remove=True))
    overlay = Overlay("Ours", "1.0.0", actions, "../specs/pets.yaml", "0" * 64)
    for name in ("pets.overlay.yaml", "pets.overlay.json"):
        path = tmp_path / name
        path.write_text(spelt(overlay, path), encoding="utf-8")
        read = read_overlay(path)
        assert (read.title, read.version, read.extends, read.digest) == (
            "Ours",
            "1.0.0",
            overlay.extends,
            overlay.digest,
        )
        assert [(a.target, a.description, a.update, a.remove) for a in read.actions] == [
            ("$.info", "A: title.", {"title": "yes"}, False),
            ("$.servers[0]", "", None, True),
        ]


@pytest.mark.parametrize(
    "text, found",
    [
        ("", "is empty"),
        ("- a\n", "holds a list"),
        ("a: [\n", "is not YAML"),
        ("openapi: 3.1.0\n", "is no overlay: it has no `overlay`"),
        ('{"schema": "specwatch.check/1"}', "is no overlay"),
        ("overlay: 1.1.0\n", "is of overlay version '1.1.0'"),
        ("overlay: 1.0\n", "is of overlay version 1.0"),
        ("overlay: 1.0.0\nactions: [{target: $, update: {}}]\n", "info has no title"),
        (HEAD, "has no actions"),
        (f"{HEAD}actions: []\n", "has no actions"),
        (f"{HEAD}actions: [text]\n", "is no mapping"),
        (f"{HEAD}actions: [{{update: 1}}]\n", "has no target"),
        (f"{HEAD}actions: [{{target: a.b, update: 1}}]\n", "is no JSONPath"),
        (f"{HEAD}actions: [{{target: $.a, remove: 'yes'}}]\n", "remove is 'yes'"),
        (f"{HEAD}actions: [{{target: $.a, update: 1, description: 1}}]\n", "the description is no text"),
        (f"{HEAD}actions: [{{target: $.a, updates: 1, remove: true}}]\n", "unknown key 'updates'"),
        (f"{HEAD}extends: 1\nactions: [{{target: $.a, remove: true}}]\n", "extends is no text"),
        (f"{HEAD}extends: 'http://[a'\nactions: [{{target: $.a, remove: true}}]\n", "extends is no URI reference"),
        (f"{HEAD}extends: a%00.yaml\nactions: [{{target: $.a, remove: true}}]\n", "has a null character"),
    ],
)
def test_what_is_no_overlay_is_refused(tmp_path: Path, text: str, found: str) -> None:
    """Each mistake is said with its file, and its line where it has one."""
    path = tmp_path / "o.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecwatchError) as caught:
        read_overlay(path)
    assert any(found in problem.found for problem in caught.value.problems)
    assert all(problem.where.startswith(str(path)) for problem in caught.value.problems)


def test_extensions_are_let_through(tmp_path: Path) -> None:
    """Fields that begin with x- mean something to others."""
    path = tmp_path / "o.yaml"
    path.write_text(f"{HEAD}x-a: 1\nactions: [{{target: $, update: {{}}, x-b: 1}}]\n", encoding="utf-8")
    assert len(read_overlay(path).actions) == 1


@pytest.mark.parametrize("version", ["1.0.0", "1.0.7", "1.0.0-rc1"])
def test_an_action_may_be_a_remark(tmp_path: Path, version: str) -> None:
    """Neither `update` nor `remove` has to be there; `update` means nothing beside `remove`, and null is a value."""
    path = tmp_path / "o.yaml"
    actions = "{target: $, x-b: 1}, {target: $.a, remove: false}, {target: $.b, update: 1, remove: true}"
    head = HEAD.replace("1.0.0", version, 1)
    path.write_text(f"{head}actions: [{actions}, {{target: $.c, update: null}}]\n", encoding="utf-8")
    read = read_overlay(path).actions
    assert [(each.target, each.update, each.remove) for each in read] == [("$.b", 1, True), ("$.c", None, False)]
    assert [each.where for each in read] == [f"{path}:3", f"{path}:3"]


def test_extends_is_a_uri_reference(tmp_path: Path) -> None:
    """What no URI may hold is escaped, and it is written and read as it is; a path comes out of it again."""
    path = tmp_path / "o.yaml"
    file = "../my specs/é 100%: a?b#c.yaml"
    extends = "../my%20specs/%C3%A9%20100%25%3A%20a%3Fb%23c.yaml"
    assert (reference(file), path_of(extends)) == (extends, file)
    assert path_of("https://example.org/a%23b/c.yaml?version=1#top") == "/a#b/c.yaml"
    overlay = Overlay("Ours", "1", (Action("$.a", remove=True),), extends)
    assert document(overlay)["extends"] == extends
    path.write_text(spelt(overlay, path), encoding="utf-8")
    assert read_overlay(path).extends == extends


NAMES = st.text("ab'\"\\/~é\n$.[]", max_size=4)


@given(st.lists(NAMES | st.integers(0, 1), max_size=4))
def test_a_path_finds_its_place(parts: list[str | int]) -> None:
    """The JSONPath of a place selects that place and no other, whatever keys are called."""
    document: Any = "here"
    for part in reversed(parts):
        document = [document] * (part + 1) if isinstance(part, int) else {part: document, "other": 1}
    nodes = jsonpath_rfc9535.find(json_path(tuple(parts)), document)
    assert [node.location for node in nodes] == [tuple(parts)]


def test_a_written_overlay_has_no_anchors(tmp_path: Path) -> None:
    """The same value twice is written twice."""
    shared = {"type": "string"}
    actions = (Action("$.a", "", shared), Action("$.b", "", shared))
    text = spelt(Overlay("Ours", "1", actions), tmp_path / "o.yaml")
    assert "&" not in text
    assert yaml.safe_load(text)["overlay"] == "1.0.0"
