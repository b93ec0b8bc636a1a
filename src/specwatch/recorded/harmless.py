"""Values in the place of credentials that are no secrets: what our own reports show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from specwatch.spec.model import Api
from specwatch.values.roles import ALTERED, EXTENDED, OTHER_CASE, TRUNCATED
from specwatch.values.sandbox import ACCOUNTS, ANSWER, PREFIX

_CHANGE: Final = re.compile(rf"-(?:{ALTERED}|{TRUNCATED}|{EXTENDED}|{OTHER_CASE})$")
_SCHEME: Final = re.compile(r"[A-Za-z]+ +")
_ANSWER: Final = re.compile(rf"{ANSWER}[1-5][0-9]{{2}}(?:-(?=.{{1,64}}$)(?:[A-Za-z]{{1,20}}|[0-9]{{1,4}}|[_.-])+)?")
"""A status, and the words of an error code."""


class Harmless:
    """Tells what is shown in place of a credential from a credential.

    Args:
        apis: whose variables and roles count. A value that only begins like one of ours is a secret.
    """

    def __init__(self, apis: Iterable[Api]) -> None:
        schemes = [scheme for api in apis for scheme in api.schemes.values()]
        self._roles = ACCOUNTS.union(*({*scheme.variables, *scheme.states} for scheme in schemes))
        lists = [names for scheme in schemes for names in scheme.variables.values()]
        lists += [state.variables for scheme in schemes for state in scheme.states.values()]
        self._variables = frozenset(name for names in lists for name in names)

    def __contains__(self, value: str) -> bool:
        """Whether a value is `$VARIABLE` of an API, or one that every sandbox has, with or without a scheme."""
        token = _without_scheme(value)
        return self.is_sandbox(token) or (token[:1] == "$" and _CHANGE.sub("", token[1:]) in self._variables)

    def is_sandbox(self, value: str) -> bool:
        """Whether a value, with or without a scheme, is exactly one of those that every sandbox has."""
        token = _without_scheme(value)
        if not token.startswith(PREFIX):
            return False
        role = _CHANGE.sub("", token.removeprefix(PREFIX))
        return role in self._roles or _ANSWER.fullmatch(role) is not None


def _without_scheme(value: str) -> str:
    return _SCHEME.sub("", value.strip(), count=1)
