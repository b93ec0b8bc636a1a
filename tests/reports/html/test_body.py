"""Bodies show the offending place, and fold what is far from it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.html.allowance import Allowance
from specwatch.reports.html.body import Wanted, bodies
from specwatch.reports.html.view import Body, Gap, Row
from specwatch.values.exchange import Headers

JSON: Headers = (("Content-Type", "application/json"),)
LIST = json.dumps([{"id": number} for number in range(500)]).encode()


def room(size: int = 1_000_000) -> Allowance:
    """Space on the page."""
    return Allowance(size, 1_000_000)


def rows(body: Body) -> list[Row]:
    """All lines of a body, folded ones too."""
    found: list[Row] = []
    for piece in body.pieces:
        found += piece.rows if isinstance(piece, Gap) else (piece,)
    return found


def marks(body: Body) -> list[tuple[str, str]]:
    """What is marked, and what is said about it."""
    return [(row.marked, row.note) for row in rows(body) if row.note]


def test_the_offending_value_is_marked() -> None:
    """The value that a pointer leads to, not its key and not its comma."""
    (body,) = bodies(b'{"a": {"b/c": [1, 22]}, "d": 0}', JSON, Wanted(("/a/b~1c/1",), note="two"), room())
    assert marks(body) == [("22", "two")]
    assert body.marked


def test_what_is_missing_is_marked_at_its_parent() -> None:
    """A pointer to something that is not there marks the line of what should hold it."""
    (body,) = bodies(b'{"a": {"b": 1}}', JSON, Wanted(("/a/x/y",)), room())
    assert [(row.before, row.marked) for row in rows(body) if row.note] == [('"a": ', "{")]


def test_a_long_body_is_folded_around_the_place() -> None:
    """The lines near the place and the first ones are shown; the folds say how many they hold."""
    (body,) = bodies(LIST, JSON, Wanted(("/250/id",)), room())
    shown = [piece for piece in body.pieces if isinstance(piece, Row)]
    folds = [piece for piece in body.pieces if isinstance(piece, Gap)]
    assert len(shown) == 5 + 8 + 1 + 8
    assert len(shown) + sum(fold.count for fold in folds) == 1502
    assert marks(body) == [("250", "here")]
    assert all(fold.rows == () for fold in folds), "folds of hundreds of lines are left out"


@given(size=st.integers(0, 3_000), at=st.integers(0, 499))
def test_the_place_is_shown_however_little_room_there_is(size: int, at: int) -> None:
    """What is marked is never left out, and not more than fits is put beside it."""
    allowance = room(size)
    (body,) = bodies(LIST, JSON, Wanted((f"/{at}/id",)), allowance)
    assert marks(body) == [(str(at), "here")]
    assert len(rows(body)) * 24 <= size + 24


def test_broken_json_is_marked_where_it_breaks() -> None:
    """The character at which a parser stops, with the reason, and the end of a text that just ends."""
    (body,) = bodies(b'{"a": nope}', JSON, Wanted(broken=True), room())
    assert [(row.before, row.marked, row.after) for row in rows(body)] == [('{"a": ', "n", "ope}")]
    (cut,) = bodies(b'{"a": 1', JSON, Wanted(broken=True), room())
    assert marks(cut)[0][0] == "⟨end⟩"


def test_bytes_that_are_no_text_are_marked_or_shown_as_bytes() -> None:
    """In JSON the first wrong byte is marked; of anything else the first bytes are shown in hexadecimal."""
    (text,) = bodies(b'{"a": "\xff"}', JSON, Wanted(broken=True), room())
    assert marks(text) == [("\ufffd", "not UTF-8 from here")]
    (image,) = bodies(b"\x89PNG\xff", (("content-type", "image/png"),), Wanted(), room())
    assert [row.before for row in rows(image)] == ["89 50 4e 47 ff"]


def test_repeated_keys_are_marked_where_strict_json_is_asked_for() -> None:
    """Only there: elsewhere they are none of the violation's business."""
    text = b'{"id": 1, "id": 2}'
    assert marks(bodies(text, JSON, Wanted(broken=True), room())[0]) == [("2", "this key is repeated")]
    assert marks(bodies(text, JSON, Wanted(), room())[0]) == []


def test_json_inside_a_string_is_shown_on_its_own() -> None:
    """The pointer leads into what the string holds, so that is set in lines, too."""
    outer, inner = bodies(json.dumps('{"a": [1, 2]}').encode(), JSON, Wanted(embedded=("/a/1",)), room())
    assert marks(inner) == [("2", "here")]
    assert outer.marked
    _, broken = bodies(json.dumps("{oops").encode(), JSON, Wanted(broken=True), room())
    assert broken.marked


def test_a_giant_is_not_taken_apart() -> None:
    """Beyond what may be read, the beginning is shown as it is, and what was left out is said."""
    (body,) = bodies(b"[" + b"1, " * 1_000_000 + b"1]", JSON, Wanted(("/5",)), room())
    assert "too long" in body.about
    assert "left out" in body.about
    assert not body.marked


def test_no_body_is_no_lines() -> None:
    """An empty body is said to be none."""
    assert bodies(b"", JSON, Wanted(("/a",), broken=True), room()) == (Body("no body"),)
