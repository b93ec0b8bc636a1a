"""A file that would take the process with it is refused before anything is built of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specwatch.errors import WorkspaceError
from specwatch.spec import Source
from specwatch.spec.bounds import MAX_DEPTH, MAX_NODES
from specwatch.spec.files import MAX_BYTES

WHERE = Path("some.yaml")
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


def problem_of(text: str) -> str:
    """The first line of what is wrong with a text."""
    with pytest.raises(WorkspaceError) as caught:
        _ = Source(WHERE, text).data
    return str(caught.value).partition("\n")[0]


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "{", "? ", "[{"])
def test_endless_nesting_does_not_end_the_process(tmp_path: Path, piece: str) -> None:
    """Three million open brackets are a problem with a line, in a process that lives on to tell it."""
    path = tmp_path / "deep.yaml"
    path.write_text("first: 1\nsecond:\n  " + piece * (3_000_000 // len(piece)), encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from specwatch.spec import Source; Source.read(Path(sys.argv[1])).data"
    )

    finished = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)

    assert (finished.returncode, f"{path}:3: is nested too deeply" in finished.stderr) == (1, True)


def test_indentation_is_nesting_too() -> None:
    """Each line one deeper than the last is refused at the line that is too deep."""
    text = "".join(f"{' ' * depth}a:\n" for depth in range(MAX_DEPTH + 5))

    assert problem_of(text) == f"some.yaml:{MAX_DEPTH + 1}: is nested too deeply"


def test_aliases_nest_as_what_they_stand_for() -> None:
    """A chain of aliases is as deep as it is written in full."""
    lines = ["a0: &a0 [1]", *(f"a{at}: &a{at} [*a{at - 1}]" for at in range(1, MAX_DEPTH + 5))]

    assert problem_of("\n".join(lines)) == f"some.yaml:{MAX_DEPTH}: is nested too deeply"


def test_the_deepest_file_is_read() -> None:
    """What is just within the bound is data, with the lines of its parts."""
    source = Source(WHERE, "[" * MAX_DEPTH + "]" * MAX_DEPTH)

    assert source.data is not None
    assert source.place(*([0] * (MAX_DEPTH - 1))) == "some.yaml:1"


def test_a_bomb_of_aliases_is_refused() -> None:
    """Aliases count for what they stand for, at the line where they come to too much."""
    assert problem_of(BOMB) == "some.yaml:6: is too large, with its aliases written in full"


def test_merges_count_as_aliases() -> None:
    """A merge key multiplies no less than a list does."""
    text = BOMB.replace("[x,x,x,x,x,x,x,x,x,x]", "{k: 1}").replace(": &", ": &").replace("[*", "{<<: [*")

    assert "is too large" in problem_of(text.replace("]\n", "]}\n"))


def test_aliases_of_a_long_text_count_its_length() -> None:
    """One text of a megabyte, a thousand times, is a gigabyte."""
    text = f"a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 1000)}]\n"

    assert problem_of(text) == "some.yaml:2: is too large, with its aliases written in full"


def test_many_values_are_refused_without_an_alias() -> None:
    """The bound holds for what is written out, too."""
    assert "is too large" in problem_of(f"[{'1,' * MAX_NODES}]")


def test_aliases_of_moderate_size_are_expanded() -> None:
    """A part that is used several times stands wherever it is named."""
    assert Source(WHERE, "a: &a {x: 1}\nb: [*a, *a]").data == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}]}


def test_the_place_of_a_part_is_bounded_as_well() -> None:
    """Asking for a line first is no way around the bounds."""
    with pytest.raises(WorkspaceError, match="nested too deeply"):
        Source(WHERE, "[" * 1_000_000).place("a")


@pytest.mark.parametrize(
    "value, found",
    [
        ("!!int x", "is not YAML: a int that cannot be read"),
        ("!!float x", "is not YAML: a float that cannot be read"),
        ("!!bool maybe", "is not YAML: a bool that cannot be read"),
        ("0b_", "is not YAML: a int that cannot be read"),
        ("1" * 5000, "is not YAML: a int that cannot be read"),
        ("!!timestamp 2024-99-99", "has the tag !!timestamp"),
        ("!!binary aGk=", "has the tag !!binary"),
        ("!!set {a}", "has the tag !!set"),
    ],
)
def test_what_a_tag_cannot_take_is_told(value: str, found: str) -> None:
    """A value that is none of JSON, or none of its type, is a problem with a line."""
    assert problem_of(f"first: 1\nsecond: {value}") == f"some.yaml:2: {found}"


@pytest.mark.parametrize("kind", ["FIFO", "device", "folder"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    """A FIFO would be waited for, a device may have no end."""
    path = Path("/dev/zero") if kind == "device" else tmp_path / "some.yaml"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()

    with pytest.raises(WorkspaceError) as caught:
        Source.read(path)

    assert str(caught.value) == f"{path}: is a {kind}, and no file\n  expected: a YAML file"


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """More than 16 MiB are refused by their size."""
    path = tmp_path / "some.yaml"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)

    with pytest.raises(WorkspaceError, match=r"some\.yaml: is too large\n  expected: 16 MiB at most"):
        Source.read(path)


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    """A link to a regular file is as good as the file, whatever ends its lines."""
    (tmp_path / "real.yaml").write_bytes(b"a: 1\r\nb: 2\r\n")
    (tmp_path / "link.yaml").symlink_to("real.yaml")

    source = Source.read(tmp_path / "link.yaml")

    assert (source.data, source.text) == ({"a": 1, "b": 2}, "a: 1\nb: 2\n")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "yes", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(PLAIN)
def test_the_bounds_change_no_data(value: object) -> None:
    """Whatever is small is read as it was written, its aliases included."""
    assert Source(WHERE, yaml.safe_dump([value, value])).data == [value, value]
