"""YAML is read as JSON would be, and every part of it has a line."""

from pathlib import Path

import pytest

from specwatch.spec import Source

TEXT = """\
first: 1
shared: &shared {a: 1}
list:
  - one
  -
    two: 2
200:
  <<: *shared
"a/b~c": x
"""


@pytest.fixture
def source() -> Source:
    """A file with a bit of everything."""
    return Source(Path("some.yaml"), TEXT)


@pytest.mark.parametrize(
    "text, value",
    [
        ("null", None),
        ("~", None),
        ("", None),
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("True", "True"),
        ("2024-07-09", "2024-07-09"),
        ("2024-07-09T04:01:48Z", "2024-07-09T04:01:48Z"),
        ("1720497708.318", 1720497708.318),
        ("1781827200000", 1781827200000),
        ("'1'", "1"),
    ],
)
def test_scalars_are_those_of_json(text: str, value: object) -> None:
    """Dates stay texts, and only `true` and `false` are booleans."""
    assert Source(Path("some.yaml"), f"value: {text}").mapping() == {"value": value}


@pytest.mark.parametrize("key", ["200", "null", "true", "1.5", "2024-07-09"])
def test_keys_are_texts_as_written(key: str) -> None:
    """A status, null or a boolean as a key is the text that stands there."""
    assert Source(Path("some.yaml"), f"{key}: x").mapping() == {key: "x"}


@pytest.mark.parametrize(
    "at, line",
    [
        ((), 1),
        (("first",), 1),
        (("list",), 3),
        (("list", 0), 4),
        (("list", 1, "two"), 6),
        (("200",), 7),
        ((200,), 7),
        (("a/b~c",), 9),
    ],
)
def test_every_part_has_its_line(source: Source, at: tuple[str | int, ...], line: int) -> None:
    """A place is the file and the line of the key, or of the item."""
    assert source.place(*at) == f"some.yaml:{line}"


def test_what_is_missing_has_the_line_of_its_parent(source: Source) -> None:
    """A complaint about something that is not there points at where it should be."""
    assert source.place("list", 1, "three", "four") == "some.yaml:6"
