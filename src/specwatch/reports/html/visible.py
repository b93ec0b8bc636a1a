"""Text from elsewhere, made harmless to look at: what cannot be seen, or moves other letters, is written out."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Control characters but tab and line feed, what reorders text (Unicode UAX #9), what has no width, and surrogates."""


def visible(text: str) -> str:
    """The text with every character that cannot be seen as `⟨U+202E⟩`. The result can be written as UTF-8."""
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def clipped(text: str, limit: int) -> str:
    """The text; of one that is longer, its beginning, and how much was left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … {len(text) - limit:,} more characters left out"
