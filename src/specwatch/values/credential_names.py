"""What is secret by its name: headers, parameters of a URL, and members of a body."""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = (
    r"authori[sz]ation|auth|token|jwt|secret|passwd|password|pwd|pass|passphrase|passcode|otp|pin|cookie2?|session|sid|"
    r"sig|signature|credentials?|api-?key|apikey|access-?key|private-?key|client-?(?:id|secret)|subscription-?key|key|"
    r"csrf|xsrf|bearer"
)
_SEPARATED: Final = re.compile(rf"(?:^|[-_.]|x-)(?:{_WORDS})(?:$|[-_.])")
_JOINED: Final = re.compile(
    r"(?:token|secret|password|passwd|passphrase|passcode|jwt|otp|credentials?|signature|session-?_?(?:id|key)|"
    r"(?:api|access|auth|private|secret|session|client|account|user|master|license|subscription|encryption)key)"
    r"(?:$|[-_.])"
)
"""Words that stand for themselves behind other letters, too: `x-accesstoken`."""

_COUNTS: Final = re.compile(r"[-_.](?:left|count|limit|remaining|reset|used|total|quota|ttl|age|expires(?:[-_]in)?)$")
_HARMLESS: Final = frozenset({"www-authenticate", "proxy-authenticate", "idempotency-key", "sec-websocket-key"})
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
_CODE: Final = 6

_MEMBER_ENDS: Final = (
    *("password", "passwd", "passphrase", "passcode", "secret", "token", "jwt"),
    *("apikey", "accesskey", "privatekey", "secretkey", "sessionkey", "sessionid"),
)
_MEMBERS: Final = frozenset(
    {"pwd", "pin", "otp", "authorization", "authorisation", "proxyauthorization", "cookie", "setcookie", "credential"}
)
_NO_MEMBERS: Final = re.compile(
    r".*(?:page|continuation|continue|cursor|sync)token|(?:next|previous|prev|invalid|bad|no|missing|expired|wrong)token"
)
"""Marks of a place in a list, and error codes."""

_NUMERIC: Final = frozenset({"pin", "otp", "password", "passwd", "passcode", "pwd"})
_FILLERS: Final = str.maketrans("", "", "_-. $")


def is_secret_name(name: str) -> bool:
    """Whether a header or a parameter holds a secret, by its name."""
    lower = name.lower()
    return lower not in _HARMLESS and (_SEPARATED.search(lower) is not None or _JOINED.search(lower) is not None)


def is_secret_header(name: str, value: str) -> bool:
    """Whether the value of a header is secret: by its name, but for counters such as `x-token-limit: 20`."""
    counts = _NUMBER.fullmatch(value.strip()) is not None and _COUNTS.search(name.lower()) is not None
    return is_secret_name(name) and not counts


def is_secret_parameter(name: str, value: str) -> bool:
    """Whether the value of a URL's parameter is secret: `code` where it is long enough, `k` where it is no count."""
    lower = name.lower()
    if lower == "code":
        return len(value) >= _CODE
    if lower == "k":
        return _NUMBER.fullmatch(value) is None
    return is_secret_header(name, value)


def is_secret_member(name: str) -> bool:
    """Whether a text in a body is secret, by the name of its member or field: `refresh_token`, `apiKey`."""
    plain = name.lower().translate(_FILLERS)
    singular = plain.removesuffix("s") if plain.endswith(("tokens", "secrets", "passwords", "credentials")) else plain
    if _NO_MEMBERS.fullmatch(singular):
        return False
    return singular in _MEMBERS or singular.endswith(_MEMBER_ENDS)


def is_secret_number(name: str) -> bool:
    """Whether a number in a body is secret by its name, as a PIN is; `total_tokens` is not."""
    plain = name.lower().translate(_FILLERS)
    return plain in _NUMERIC or plain.endswith(("password", "passcode"))
