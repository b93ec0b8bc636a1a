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


@pytest.mark.parametrize(
    "path, exposed",
    [
        ("/services/T00A1B2C3/B0D4E5F6/x8Kq2LmZ7vRt0YwP4nSd6GhJ", True),
        ("/api/webhooks/123456789012345678/aB3dE-6gH_9jKlMnOpQr5tUv", True),
        ("/bot123456:AAF9xk2LmZ7vRt0YwP4nSd/sendMessage", True),
        ("/hook/0b7e2f9c-4d1a-4c8e-9f3b-6a5d2e1c0f87", True),
        ("/hook/%30b7e2f9c4d1a4c8e9f3b6a5d2e1c0f87", True),
        ("", False),
        ("/alerts", False),
        ("/specwatch-notifications-v2", False),
        ("/alertmanagerWebhookReceiver/production", False),
        ("/123456789012345678", False),
    ],
)
def test_a_path_that_looks_like_a_secret_is_noted(path: str, exposed: bool) -> None:  # noqa: FBT001
    """A part of it that is long and mixed, on the command line only; it is taken, since it may be none."""
    assert parse_address(f"https://host{path}", of_option=True).exposed is exposed
    assert parse_address(f"https://host{path}", of_option=False).exposed is False


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
