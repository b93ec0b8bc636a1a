"""As whom a recorded request was sent: the role of each credential, as far as the recording shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from specwatch.recorded.harmless import Harmless
from specwatch.recorded.masking import is_masked
from specwatch.recorded.matching import Match
from specwatch.spec.model import SecurityScheme
from specwatch.transport.wallet import alter, extend, other_case, truncate
from specwatch.values.credential_names import is_secret_name
from specwatch.values.exchange import ACCOUNT, Headers
from specwatch.values.roles import ABSENT, ALTERED, EMPTY, EXTENDED, OTHER_CASE, TRUNCATED, WRONG_SCHEME
from specwatch.values.sandbox import PREFIX

UNKNOWN: Final = "unknown"
"""The role of a credential of which the recording does not say whether it was sent, or which."""

_CHANGES: Final = {ALTERED: alter, TRUNCATED: truncate, EXTENDED: extend, OTHER_CASE: other_case}


@dataclass(frozen=True, slots=True)
class Standing:
    """As whom one request was sent.

    Args:
        roles: role per security scheme of the operation.
        values: the values that were sent, by scheme: what tells one account from another.
        shown: the headers of the credentials as they may be shown, the last ones of the request.
        vouched: whether a sandbox gave the credentials out.
    """

    roles: Mapping[str, str]
    values: tuple[tuple[str, str], ...]
    shown: Headers
    vouched: bool


def standing(match: Match, carried: Collection[str], environment: Mapping[str, str]) -> Standing:
    """As whom a request was sent.

    Args:
        match: the request.
        carried: names of the headers that any request of the same file has with a value that can be used.
        environment: variables that may hold credentials; they tell accounts, states and changed values apart.
    """
    roles: dict[str, str] = {}
    values: list[tuple[str, str]] = []
    shown: list[tuple[str, str]] = []
    harmless = Harmless([match.api])
    told = match.entry.told.credentials if match.entry.told is not None else None
    schemes = [match.api.schemes[name] for name in match.operation.security]
    for scheme in schemes:
        value = _value(match.entry.request_headers, scheme.header)
        role = told.get(scheme.name) if told is not None else None
        roles[scheme.name] = role or _role(match, scheme, value, carried, environment)
        if value is not None:
            shown.append((scheme.header, _shown(scheme, value, roles[scheme.name], harmless)))
            if told is None:
                values.append((scheme.name, value))
    return Standing(roles, tuple(values), tuple(shown), _is_vouched(match, shown, harmless))


def _is_vouched(match: Match, shown: Iterable[tuple[str, str]], harmless: Harmless) -> bool:
    """Whether a sandbox gave the credentials out: our own file says so, or a server of this machine got its values."""
    told = match.entry.told
    if told is not None and told.vouched is not None:
        return told.vouched
    ours = told is not None or _is_loopback(match.base)
    return ours and any(harmless.is_sandbox(value) for _, value in shown)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _value(headers: Headers, name: str) -> str | None:
    return next((value.strip() for key, value in headers if key.lower() == name), None)


def _role(
    match: Match, scheme: SecurityScheme, value: str | None, carried: Collection[str], environment: Mapping[str, str]
) -> str:
    if match.entry.told is not None:
        return _role_shown(match, scheme, value)
    if scheme.header not in carried:
        return UNKNOWN
    if value is None:
        return UNKNOWN if _carries_another(match, scheme) else ABSENT
    if is_masked(value) and value:
        return UNKNOWN
    token = _token(scheme, value)
    if token is None:
        return UNKNOWN if value else EMPTY
    return _role_of(token, match, scheme, environment) if token else EMPTY


def _carries_another(match: Match, scheme: SecurityScheme) -> bool:
    """Whether a request without the credential carries something else that may have let it in."""
    others = {each.header for each in match.api.schemes.values()} - {scheme.header}
    names = {name.lower() for name, _ in match.entry.request_headers} - others
    return "cookie" in names or any(map(is_secret_name, names)) or any(map(is_secret_name, match.query))


def _token(scheme: SecurityScheme, value: str) -> str | None:
    """What follows the scheme's prefix, the case of which does not matter (RFC 9110, section 11.1); None without it."""
    prefix = scheme.prefix
    if not prefix:
        return value
    lower = value.lower()
    if lower == prefix.strip().lower():
        return ""
    return value[len(prefix) :].strip() if lower.startswith(prefix.lower()) else None


def _role_of(token: str, match: Match, scheme: SecurityScheme, environment: Mapping[str, str]) -> str:
    """The role of a value: that of the variable that holds it, or else of an account of ours."""
    if Harmless([match.api]).is_sandbox(token):
        return token.removeprefix(PREFIX)
    for role, names in scheme.variables_by_role.items():
        if token in {environment.get(name) for name in names}:
            return role
    ours = [found for name in scheme.variables.get(ACCOUNT, ()) if (found := environment.get(name))]
    for change, apply in _CHANGES.items():
        if any(token == apply(value) for value in ours):
            return change
    return ACCOUNT


def _role_shown(match: Match, scheme: SecurityScheme, value: str | None) -> str:
    """The role in a report of our own, which shows variables in place of values."""
    if value is None or _token(scheme, value) is None:
        misplaced = [text for name, text in match.entry.request_headers if name.lower() == "authorization"]
        return WRONG_SCHEME if any(text in Harmless([match.api]) for text in misplaced) else ABSENT
    token = _token(scheme, value) or ""
    if not token:
        return EMPTY
    change = next((each for each in _CHANGES if token.endswith(f"-{each}")), None)
    if change is not None:
        return change
    if Harmless([match.api]).is_sandbox(token):
        return token.removeprefix(PREFIX)
    owners = {name: role for role, names in scheme.variables_by_role.items() for name in names}
    return owners.get(token.removeprefix("$"), ACCOUNT)


def _shown(scheme: SecurityScheme, value: str, role: str, harmless: Harmless) -> str:
    """The header as reports show it: with a variable, which a printed command takes from the shell."""
    token = _token(scheme, value)
    if token is None:
        return value if value in harmless or is_masked(value) else "[secret]"
    if not token or token in harmless:
        return value
    change = f"-{role}" if role in _CHANGES else ""
    names = scheme.variables_by_role.get(ACCOUNT if change else role, ())
    return f"{scheme.prefix}${names[0]}{change}" if names else f"{scheme.prefix}[secret]"
