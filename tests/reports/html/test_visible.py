"""Text from elsewhere is made harmless to look at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from specwatch.reports.html.visible import clipped, visible


@given(st.text())
def test_the_result_can_be_written_and_changes_no_more(text: str) -> None:
    """It is UTF-8, has no control characters but tab and line feed, and is the same when made visible again."""
    found = visible(text)
    assert found.encode().decode() == found
    assert all(char.isprintable() or char in "\t\n" or char.isspace() or ord(char) > 0xA0 for char in found)
    assert visible(found) == found


def test_what_cannot_be_seen_is_spelt_out() -> None:
    """Bidi overrides, zero widths, NUL and lone surrogates, by their code points."""
    assert visible("a\u202eb\u200b\x00\ud800\ufeff") == "a⟨U+202E⟩b⟨U+200B⟩⟨U+0000⟩⟨U+D800⟩⟨U+FEFF⟩"
    assert visible("plain é 日本 🙂\n\t") == "plain é 日本 🙂\n\t"


def test_a_cut_says_how_much_is_missing() -> None:
    """No text ends in silence."""
    assert clipped("abc", 3) == "abc"
    assert clipped("abcdef", 3) == "abc … 3 more characters left out"
