"""The roles that a credential can have in a request, beside those of accounts and of documented states."""

from __future__ import annotations

from typing import Final

ABSENT: Final = "absent"
"""Not sent at all."""

EMPTY: Final = "empty"
"""Sent without a value."""

ALTERED: Final = "altered"
"""Our value with one character changed."""

TRUNCATED: Final = "truncated"
"""The first half of our value."""

EXTENDED: Final = "extended"
"""Our value with a character behind it."""

OTHER_CASE: Final = "other_case"
"""Our value with small letters for capitals and the other way round."""

WRONG_SCHEME: Final = "wrong_scheme"
"""Our value in the wrong place."""

BAD_ROLES: Final = frozenset({ABSENT, EMPTY, ALTERED, TRUNCATED, EXTENDED, OTHER_CASE, WRONG_SCHEME})
"""Roles that nobody may get in with."""
