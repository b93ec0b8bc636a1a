"""What a document says about credentials: which of its schemes can be sent, and what to do about the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specwatch.spec.model import SecurityScheme, State

EXPECTED: Final = "type: http, scheme: bearer; or type: apiKey, in: header"

_TAKE_OUT: Final = "take it out, with the operations that need it"
_ACCESS: Final = "write `type: http, scheme: bearer`, with a variable that holds an access token under `x-credential`"
_MENDS: Final[Mapping[str, str]] = {
    "basic": "write `type: apiKey, in: header, name: Authorization`, with a variable that holds `Basic` and the "
    "base64 of `user:password` under `x-credential`",
    "cookie": "write `type: apiKey, in: header, name: Cookie`, with a variable that holds `name=value` under "
    "`x-credential`",
    "query": "write `in: header` with the name of a header, if the provider takes the key there as well; else take it "
    "out, with the operations that need it",
    "oauth2": _ACCESS,
    "openIdConnect": _ACCESS,
    "mutualTLS": "take it out: `--cert FILE` sends a client certificate, whatever the document says",
}
"""Kind of scheme to what does its work here."""


def read_scheme(name: str, raw: Mapping[str, Any]) -> SecurityScheme | None:
    """One scheme; None where it is of a kind that cannot be sent."""
    if raw.get("type") == "http" and str(raw.get("scheme", "")).lower() == "bearer":
        header, prefix = "authorization", "Bearer "
    elif raw.get("type") == "apiKey" and raw.get("in") == "header":
        header, prefix = str(raw.get("name", "")).lower(), ""
    else:
        return None
    credential = raw.get("x-credential", {})
    keys = (("account", "env"), ("second", "second"))
    variables = {role: tuple(credential[key]) for role, key in keys if key in credential}
    return SecurityScheme(name, header, prefix, variables, dict(_states(credential)))


def describe(raw: Mapping[str, Any]) -> str:
    """What kind a scheme is of, as it is written."""
    return ", ".join(f"{key}: {raw[key]}" for key in ("type", "scheme", "in") if key in raw) or "no type"


def mend(raw: Mapping[str, Any]) -> str:
    """What to do about a scheme that cannot be sent."""
    key = {"http": "scheme", "apiKey": "in"}.get(str(raw.get("type")), "type")
    kind = str(raw.get(key))
    return _MENDS.get(kind.lower() if key == "scheme" else kind, _TAKE_OUT)


def _states(credential: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    for name, state in credential.get("states", {}).items():
        answer = state.get("answer", {})
        statuses = answer.get("status", [])
        statuses = statuses if isinstance(statuses, list) else [statuses]
        yield name, State(name, tuple(state.get("env", ())), tuple(int(s) for s in statuses), answer.get("code"))
