"""Credentials: which value a role has, how it travels, and what must never be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from specwatch.errors import MissingCredential, NotAllowed
from specwatch.spec.model import Api, SecurityScheme
from specwatch.values.exchange import ACCOUNT, Headers
from specwatch.values.roles import ABSENT, ALTERED, EMPTY, EXTENDED, OTHER_CASE, TRUNCATED, WRONG_SCHEME
from specwatch.values.sandbox import sandbox_value
from specwatch.values.secrets import Redactor


@dataclass(frozen=True, slots=True)
class Credential:
    """A value and what stands for it in printed commands.

    Args:
        value: what is sent.
        shown: `$VARIABLE`, or the value itself where it is no secret.
    """

    value: str
    shown: str


class Wallet:
    """The credentials of one API on one target.

    Args:
        api: the API.
        environment: variables that were read; ignored for the sandbox.
        sandbox: whether the target is the embedded sandbox, which has well-known credentials.
        withheld: why real credentials must not be sent to this target, or None.
        stand_in: whether a sandbox stands in for the target: it gets its own credential wherever the target would get
            one of the environment.
    """

    def __init__(
        self,
        api: Api,
        environment: Mapping[str, str],
        *,
        sandbox: bool = False,
        withheld: str | None = None,
        stand_in: bool = False,
    ) -> None:
        self._api = api
        self._environment = environment
        self._sandbox = sandbox
        self._withheld = withheld
        self._stand_in = stand_in

    @property
    def vouched(self) -> bool:
        """Whether the credentials are known to be good: the embedded sandbox gave them out itself."""
        return self._sandbox

    def redactor(self) -> Redactor:
        """Removes every secret of this wallet, and its altered form, from texts."""
        return Redactor(self.secrets())

    def secrets(self) -> list[str]:
        """Every value that must not be shown, its altered forms included; none on the sandbox."""
        if self._sandbox:
            return []
        values = [value for name in self._names() if (value := self._environment.get(name))]
        return [*values, *(change(value) for change in _CHANGES.values() for value in values)]

    def headers(self, roles: Mapping[str, str]) -> tuple[Headers, Headers]:
        """Headers for the wire, and the same headers as they may be shown.

        Args:
            roles: security scheme to role.

        Raises:
            MissingCredential: a value is not in the environment.
            NotAllowed: this target must not get real credentials.
        """
        pairs, missing = [], []
        for name, role in roles.items():
            try:
                pairs += [self._header(self._api.schemes[name], role)] if role != ABSENT else []
            except MissingCredential as error:
                missing.append(str(error))
        if missing:
            raise MissingCredential("; ".join(dict.fromkeys(missing)))
        return tuple(wire for wire, _ in pairs), tuple(shown for _, shown in pairs)

    def has(self, scheme: str, role: str) -> bool:
        """Whether a value for that role is at hand."""
        try:
            self._credential(self._api.schemes[scheme], role)
        except (MissingCredential, NotAllowed):
            return False
        return True

    def _header(self, scheme: SecurityScheme, role: str) -> tuple[tuple[str, str], tuple[str, str]]:
        header, prefix = scheme.header, scheme.prefix
        if role == EMPTY:
            return (header, prefix.strip()), (header, prefix.strip())
        credential = self._credential(scheme, ACCOUNT if role in _MADE_FROM_OURS else role)
        value, shown = credential.value, credential.shown
        if role in _CHANGES:
            value, shown = _CHANGES[role](value), f"{shown}-{role}"
            if value == credential.value:
                raise MissingCredential(f"the credential of {self._api.id} is the same in other letters' case")
        if role == WRONG_SCHEME:
            header, prefix = "authorization", "Basic " if scheme.prefix else "Bearer "
        return (header, prefix + value), (header, prefix + shown)

    def _credential(self, scheme: SecurityScheme, role: str) -> Credential:
        if self._sandbox:
            value = sandbox_value(role)
            return Credential(value, value)
        names = scheme.variables.get(role) or (scheme.states[role].variables if role in scheme.states else ())
        for name in names:
            if found := self._environment.get(name):
                if self._withheld is not None:
                    raise NotAllowed(self._withheld)
                return Credential(sandbox_value(role) if self._stand_in else found, f"${name}")
        if not names:
            raise MissingCredential(f"no variable of {self._api.id} holds a credential that is {role}")
        raise MissingCredential(f"{' or '.join(names)} is not set")

    def _names(self) -> set[str]:
        names: set[str] = set()
        for scheme in self._api.schemes.values():
            for variables in scheme.variables.values():
                names.update(variables)
            for state in scheme.states.values():
                names.update(state.variables)
        return names


def alter(value: str) -> str:
    """A value of the same length and alphabet that differs in one letter or digit, the one nearest to the middle.

    Not the last one: in base64 its lowest bits may mean nothing, so that a signature would still be the same.
    """
    middle = len(value) // 2
    for index in sorted(range(len(value)), key=lambda place: abs(place - middle)):
        char = value[index]
        if char.isalnum():
            other = ("1" if char == "0" else "0") if char.isdigit() else ("y" if char.lower() == "x" else "x")
            return f"{value[:index]}{other}{value[index + 1 :]}"
    return f"{value}x"


def truncate(value: str) -> str:
    """The first half of a value, rounded up."""
    return value[: (len(value) + 1) // 2]


def extend(value: str) -> str:
    """A value with one more letter."""
    return f"{value}x"


def other_case(value: str) -> str:
    """A value in other letters' case; the same value where case may mean nothing, as in hexadecimal digits."""
    return value if _HEXADECIMAL.fullmatch(value) else value.swapcase()


_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]*")
_CHANGES = {ALTERED: alter, TRUNCATED: truncate, EXTENDED: extend, OTHER_CASE: other_case}
_MADE_FROM_OURS = frozenset({*_CHANGES, WRONG_SCHEME})
