"""Addresses of webhooks: which are taken, which are refused, and that none of them is shown."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.errors import UsageError
from specwatch.notify import VARIABLE, parse_address

SECRET = "T0PS3CRET"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("http://127.0.0.1:9093/hook", "http://127.0.0.1:9093"),
        ("https://hooks.example.com", "https://hooks.example.com"),
        ("https://[::1]:8080/x", "https://[::1]:8080"),
        ("HTTPS://Hooks.example.com/T0PS3CRET", "https://Hooks.example.com"),
    ],
)
def test_http_addresses_are_taken(text: str, shown: str) -> None:
    """Of an address scheme and host may be seen, nothing else."""
    address = parse_address(text, of_option=True)
    assert address.shown == shown
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com",
        "file:///etc/passwd",
        "http://",
        "http:///T0PS3CRET",
        "http://host:0/T0PS3CRET",
        "http://host:99999/T0PS3CRET",
        "http://ho st/T0PS3CRET",
        "http://host/T0PS3CRET\nx",
        "http://host/T0PS3CRET\\x",
        "http://[::1/T0PS3CRET",
        "http://host/x#T0PS3CRET",
    ],
)
@pytest.mark.parametrize("of_option", [True, False])
def test_anything_else_is_refused(text: str, of_option: bool) -> None:  # noqa: FBT001
    """The message says what is expected, and repeats nothing."""
    with pytest.raises(UsageError) as refused:
        parse_address(text, of_option=of_option)
    assert "http(s)://host" in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "text, found",
    [
        ("https://host/x?token=T0PS3CRET", "holds a query"),
        ("https://T0PS3CRET@host/x", "holds a user or a password"),
        ("https://user:T0PS3CRET@host/x", "holds a user or a password"),
    ],
)
def test_secrets_do_not_belong_on_the_command_line(text: str, found: str) -> None:
    """Every user of the machine sees options; the environment, and the file that it names, take the same address."""
    with pytest.raises(UsageError) as refused:
        parse_address(text, of_option=True)
    assert found in str(refused.value)
    assert f"{VARIABLE}_FILE" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert parse_address(text, of_option=False).shown == "https://host"


def test_user_and_password_become_a_header() -> None:
    """They are decoded, and no longer part of what is called."""
    address = parse_address("https://us%40er:p%3Ass@host:8443/x?y=1", of_option=False)
    assert address.url == "https://host:8443/x?y=1"
    scheme, _, value = address.authorization.partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"us@er:p:ss")
    assert value not in repr(address)


@given(st.text(), st.booleans())
def test_whatever_is_given_is_taken_or_refused(text: str, of_option: bool) -> None:  # noqa: FBT001
    """Nothing but a refusal ever comes of an odd address."""
    try:
        address = parse_address(text, of_option=of_option)
    except UsageError:
        return
    assert address.shown.partition("://")[0] in {"http", "https"}
