"""An expression as its pieces: as much of CEL's grammar as it takes to find operators and the ends of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

PIECE: Final = re.compile(
    r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""  # a text
    r"""|&&|\|\||[=!<>]=|[<>?()\[\]{}]|\w+|.""",
    re.DOTALL,
)
"""One piece; all of them together are the expression."""


def split(text: str, operators: Sequence[str]) -> list[str]:
    """The parts between operators outside of all brackets; one part where `||` or `?` binds them looser."""
    parts, depth = [""], 0
    for piece in PIECE.findall(text):
        depth += (piece in "([{") - (piece in ")]}")
        if depth == 0 and piece in {"||", "?"}:
            return [text]
        if depth == 0 and piece in operators:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]
