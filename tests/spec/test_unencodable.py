"""Text that nobody can encode."""

from __future__ import annotations

import pytest

from specwatch.spec.schema import Schema


@pytest.mark.parametrize("value", ["\ud800", "a\udfff"])
def test_half_of_a_character_fits_nothing(value: str) -> None:
    """It is told as any other value that does not fit, without an error."""
    assert not Schema({"type": "string", "pattern": "."}, {}).is_valid(value)
