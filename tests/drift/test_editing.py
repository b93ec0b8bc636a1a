"""Editing a spec: only the lines that must change do, and the result says what the overlay says."""

from __future__ import annotations

import json
from difflib import unified_diff
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.drift.editing import edited, spliced
from specwatch.drift.merging import carry_out, located
from specwatch.drift.overlay import Action
from specwatch.errors import UsageError
from specwatch.spec.source import Source

ROOT = Path(__file__).resolve().parents[2]


def changed(path: Path, *actions: Action, text: str = "") -> list[str]:
    """The lines that a change removes and adds."""
    before = text or path.read_text(encoding="utf-8")
    after = edited(path, before, actions).text
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
    return [line for line in lines[2:] if not line.startswith("@@")]


def test_a_new_field_adds_its_lines_and_nothing_else(spec: Path) -> None:
    """Comments, quotes, flow style, broken lines and anchors stay; the comment behind the last field stays behind."""
    target = "$.components.schemas.Plant"
    update = {"properties": {"colour": {"type": ["string", "null"], "examples": ["red"]}}}
    assert changed(spec, Action(target, update=update)) == [
        "+        colour:",
        "+          type: [string, 'null']",
        "+          examples: [red]",
    ]


@pytest.mark.parametrize(
    "target, update, lines",
    [
        (
            "$.components.schemas.Plant.properties.state['x-extensible-enum']",
            "asleep",
            ["-          x-extensible-enum: [alive, dead]", "+          x-extensible-enum: [alive, dead, asleep]"],
        ),
        (
            "$.components.schemas.Plant.properties.kind.anyOf[0].enum",
            "shrub",
            ["+                - shrub"],
        ),
        (
            "$.paths['/beds/{id}'].get.responses",
            {"403": {"description": "Not in the documentation: no."}},
            ["+        '403':", "+          description: 'Not in the documentation: no.'"],
        ),
        (
            "$.paths['/plants/{id}'].get.responses['200']",
            {"headers": {"x-rate": {"schema": {"type": "string"}, "example": "yes"}}},
            [
                "+            x-rate:",
                "+              schema:",
                "+                type: string",
                "+              example: 'yes'",
            ],
        ),
        ("$.info", {"version": "2"}, ["-info: {title: Garden, version: '1'}   # flow style, with a comment"]),
        ("$.servers", {"url": "https://b.example.com"}, ["+- url: 'https://b.example.com'"]),
    ],
    ids=["list in a line", "list", "status", "header", "value in a line", "list that is not indented"],
)
def test_lines_that_change(spec: Path, target: str, update: object, lines: list[str]) -> None:
    """A diff of the file shows what the action says."""
    assert changed(spec, Action(target, update=update))[: len(lines)] == lines


def test_blank_lines_and_comments_stay_before_what_follows(spec: Path) -> None:
    """What is added at the end of a part goes above the blank line and the comment of the next one."""
    target = "$.paths['/beds/{id}'].get.responses['200'].content.*.schema.properties.letter.contentSchema.items"
    after = edited(spec, spec.read_text(), [Action(target, update={"properties": {"new": {"type": "string"}}})]).text
    assert (
        "                          line: {type: string}\n"
        "                          new:\n"
        "                            type: string\n"
        "\n"
        "                    # after a blank line\n"
    ) in after


def test_an_anchor_stays_where_all_its_users_are_changed(spec: Path) -> None:
    """The part is changed once, and the aliases still stand."""
    target = "$.paths.*.get.responses[?@.description == 'No such plant.']"
    lines = changed(spec, Action(target, update={"x-note": "both"}))
    assert lines == ["+          x-note: both"]


def test_an_alias_is_written_out_where_it_alone_is_changed(spec: Path) -> None:
    """A change of one user does not change the others, as the JSON that the file stands for has it."""
    target = "$.paths['/beds/{id}'].get.responses['404']"
    lines = changed(spec, Action(target, update={"x-note": "here"}))
    assert lines[0] == "-        '404': *missing"
    assert "+          x-note: here" in lines
    assert [line for line in lines if line.startswith("-")] == lines[:1]


def test_removing_takes_the_lines_away(spec: Path) -> None:
    """With what is in them, and from a list at the right position."""
    lines = changed(spec, Action("$.components.schemas.Plant.properties.soil", remove=True))
    assert lines == ["-        soil: {type: string, examples: [sand, clay]}"]
    text = "a:\n  - {n: 1}\n  - {n: 2}\n  - {n: 1}\n"
    assert changed(spec, Action("$.a[?@.n == 1]", remove=True), text=text) == ["-  - {n: 1}", "-  - {n: 1}"]


def test_a_plain_value_of_an_object_is_removed(spec: Path) -> None:
    """As the sets of examples of the specification do; one of a list is refused, as version 1.0 has it."""
    text = "a:\n  b: x  # odd\n  c: 1\n  d: [x, y]\n"
    assert changed(spec, Action("$.a['b', 'c']", remove=True), text=text) == ["-  b: x  # odd", "-  c: 1"]
    with pytest.raises(UsageError, match="aim at what holds the value"):
        edited(spec, text, [Action("$.a.d[0]", remove=True)])


def test_actions_see_what_those_before_them_did(spec: Path) -> None:
    """Something can be removed, made anew and filled."""
    actions = [
        Action("$.components.schemas.Plant.properties.size", remove=True),
        Action("$.components.schemas.Plant.properties", update={"size": {"type": "string"}}),
        Action("$.components.schemas.Plant.properties.size", update={"format": "uuid"}),
    ]
    lines = changed(spec, *actions)
    assert lines[0] == "-        size: {enum: [small, large]}"
    assert lines[1:] == ["+        size:", "+          type: string", "+          format: uuid"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n# end\n"])
def test_line_ends_stay(spec: Path, newline: str, end: str) -> None:
    """Those of Windows too, and a file that ends without one."""
    text = f"# top\n---\na: 1\nb:\n  c: x{end}".replace("\n", newline)
    after = edited(spec, text, [Action("$.b", update={"d": "red"})]).text
    lines = [line for line in after.split(newline) if line and "end" not in line]
    assert lines == ["# top", "---", "a: 1", "b:", "  c: x", "  d: red"]
    assert "\n" not in after.replace(newline, "")


def test_json_stays_json(tmp_path: Path) -> None:
    """Its indentation and what stands in one line too."""
    path = tmp_path / "garden.json"
    text = '{\n    "a": ["x", "y"],\n    "b": {\n        "c": 1\n    },\n    "é": [1, 2]\n}\n'
    after = edited(path, text, [Action("$.b", update={"d": {"e": True}})]).text
    assert json.loads(after)["b"] == {"c": 1, "d": {"e": True}}
    assert after.startswith('{\n    "a": ["x", "y"],\n    "b": {\n        "c": 1,\n        "d": {\n')
    assert after.endswith('    "é": [1, 2]\n}\n')


@pytest.mark.parametrize(
    "value", ["yes", "1:30", "012", "null", "2000-01-01", "a: b", "- x", "é", "x\ny", "~", "1e3", ""]
)
def test_texts_stay_texts(spec: Path, value: str) -> None:
    """What some reader of YAML would take for something else is quoted."""
    after = edited(spec, "a: 1\n", [Action("$", update={"b": value})]).text
    assert Source(spec, after).data == {"a": 1, "b": value}


def test_nothing_to_change_leaves_the_text(spec: Path) -> None:
    """An update that is there already is no change, whatever the file looks like."""
    text = "a:   {b:    1 }   # odd\n"
    assert edited(spec, text, [Action("$.a", update={"b": 1})]).text == text


@pytest.mark.parametrize("path", sorted((ROOT / "specs").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_whole_spec_changes_in_those_lines_only(path: Path) -> None:
    """A real spec, with all that people write, gets a line at each of several places: in maps, and in lists."""
    document = Source.read(path).mapping()
    paths = document["paths"]
    assert isinstance(paths, dict)
    operations = sum(len(item) for item in paths.values())
    lines = changed(path, Action("$.paths.*.*", update={"x-note": "new"}), Action("$.info", update={"x-note": "new"}))
    assert [line[1:].strip("- ") for line in lines] == ["x-note: new"] * (operations + 1)


@pytest.mark.parametrize(
    "target, update, found",
    [
        ("$.info.title", {"a": 1}, 'matches "Garden"'),
        ("$.info", "text", "is an object, the update is"),
        ("$.info", {"title": {"a": 1}}, "'title' at $.info is a plain value, the update has an object"),
        ("$.components", {"schemas": None}, "'schemas' at $.components is an object, the update has a plain value"),
    ],
)
def test_what_cannot_be_done_is_said(spec: Path, target: str, update: object, found: str) -> None:
    """A target that is no object, and an update of another kind."""
    with pytest.raises(UsageError) as caught:
        edited(spec, spec.read_text(), [Action(target, update=update, where="overlay.yaml:7")])
    assert caught.value.problems[0].where == "overlay.yaml:7"
    assert found in caught.value.problems[0].found


@pytest.mark.parametrize(
    "text, target, after",
    [
        ("a:  # part\n  b: 1  # value\nc: 1\n", "$.a.b", "a: {}  # part\nc: 1\n"),
        ("a:  # part\n  - {b: 1}  # value\nc: 1\n", "$.a[0]", "a: []  # part\nc: 1\n"),
        ("a:\n  # above\n  b: 1\nc: 1\n", "$.a.b", "a: {}\n  # above\nc: 1\n"),
    ],
)
def test_a_part_with_a_comment_may_become_empty(spec: Path, text: str, target: str, after: str) -> None:
    """The comment stays behind it, or below it."""
    assert edited(spec, text, [Action(target, remove=True)]).text == after


def test_a_comment_above_a_list_that_is_not_indented(spec: Path) -> None:
    """How lists are indented is seen in those that begin with a comment, too."""
    text = "a:  # part\n# above\n- 1  # one\nb: 1\n"
    assert changed(spec, Action("$.a", update=2), text=text) == ["+- 2"]


def test_a_target_may_be_nowhere(spec: Path) -> None:
    """Then nothing is done there, and it is known which actions these were; the others are carried out."""
    actions = [Action("$.z", remove=True), Action("$", update={"b": 2}), Action("$.z", update={"a": 1})]
    after = edited(spec, "a: 1  # odd\n", actions)
    assert (after.text, after.missed) == ("a: 1  # odd\nb: 2\n", (0, 2))
    assert edited(spec, "a: 1\n", actions[:1]).missed == (0,)


def test_the_document_itself_cannot_be_removed(spec: Path) -> None:
    """Only parts of it."""
    with pytest.raises(UsageError, match="cannot be removed"):
        edited(spec, "a: 1\n", [Action("$", remove=True)])


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab: #-'\"\n", max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1, max_size=4), VALUES, st.data())
def test_the_text_says_what_the_plain_document_says(
    tmp_path: Path, document: object, value: object, data: st.DataObject
) -> None:
    """Whatever is changed wherever: reading the edited text gives what the actions make of the plain document."""
    import yaml

    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=data.draw(st.sampled_from([None, False])))
    expected = Source(tmp_path / "x.yaml", text).data
    action = Action("$", update={"new": value})
    carry_out(expected, action, located(expected, action), lambda each: each)
    assert Source(tmp_path / "x.yaml", edited(tmp_path / "x.yaml", text, [action]).text).data == expected


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=8)


@given(LINES, LINES)
def test_splicing_a_text_into_itself(before: list[str], after: list[str]) -> None:
    """Where the text is written as the program writes it, splicing gives what the program writes."""
    assert spliced("".join(before), "".join(before), "".join(after), tidy=False) == "".join(after)


@given(LINES, LINES)
def test_no_change_splices_nothing(text: list[str], written: list[str]) -> None:
    """However another spelling looks: where it does not change, the text does not."""
    assert spliced("".join(text), "".join(written), "".join(written), tidy=True) == "".join(text)
