"""Where requests go, and what is known there."""

from __future__ import annotations

import dataclasses

import pytest

from specwatch.errors import UsageError
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target, is_loopback, known_values, missing_setting, parse_target, withheld


@pytest.mark.parametrize(
    "text, target",
    [
        ("sandbox", Target(Kind.SANDBOX)),
        ("live", Target(Kind.LIVE)),
        ("http://127.0.0.1:8000", Target(Kind.URL, "http://127.0.0.1:8000")),
        ("https://shop.example.com/v1/", Target(Kind.URL, "https://shop.example.com/v1")),
        ("HTTPS://shop.example.com", Target(Kind.URL, "https://shop.example.com")),
        ("http://[::1]:80/a", Target(Kind.URL, "http://[::1]:80/a")),
        ("http://shop.example.com/?", Target(Kind.URL, "http://shop.example.com")),
    ],
)
def test_a_target_is_read(text: str, target: Target) -> None:
    """Two names, or a base URL, which loses its last slash."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sandbox",
        "shop.example.com",
        "ftp://shop.example.com",
        "http://",
        "http:///v1",
        "http://user:pass@shop.example.com",
        "http://shop.example.com/?a=1",
        "http://shop.example.com/#top",
        "http://shop.example.com:99999",
        "http://shop.example.com:port",
        "http://[::1",
        "http://a..b",
        "http://a b",
        "http://a\tb",
        "http://a%20b",
        "http://a/b c",
        "http://a,b",
        "http://[::1%25lo]:8700",
        "http://[::1%lo]:8700",
        "http://[v1.a]",
    ],
)
def test_a_bad_target_is_refused(text: str) -> None:
    """What cannot be a base URL is a mistake of usage, told before anything is sent."""
    with pytest.raises(UsageError):
        parse_target(text)


@pytest.mark.parametrize("text", ["http://127.0.0.1:0", "http://[::1]:0/v1", "https://shop.example.com:00"])
def test_port_0_is_no_port(text: str) -> None:
    """It is not taken for the usual port of the scheme."""
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert str(caught.value) == (
        f"--target {text}: has the port 0, at which nothing listens\n  expected: a port from 1 to 65535, or none"
    )


@pytest.mark.parametrize(
    "url, send_credentials, reason",
    [
        ("http://10.0.0.1", False, "http://10.0.0.1 is not https, so it gets no credential"),
        ("http://10.0.0.1", True, "http://10.0.0.1 is not https, so it gets no credential"),
        (
            "https://10.0.0.1",
            False,
            "https://10.0.0.1 is no server of shop; --send-credentials sends your credentials there over https",
        ),
        ("https://10.0.0.1", True, None),
        ("HTTPS://10.0.0.1", True, None),
        ("http://127.0.0.1", False, None),
    ],
)
def test_the_reason_for_withholding_helps(
    api: Api,
    url: str,
    send_credentials: bool,  # noqa: FBT001 - a column of the table
    reason: str | None,
) -> None:
    """The option is named where it changes something, and nowhere else."""
    assert withheld(api, parse_target(url), send_credentials=send_credentials) == reason


def test_a_refused_target_keeps_its_password() -> None:
    """Credentials in a URL are refused without being repeated."""
    with pytest.raises(UsageError) as caught:
        parse_target("https://user:hunter2@shop.example.com")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url, trusted",
    [
        ("https://shop.example.com/v1", True),
        ("https://shop.example.com/other", True),
        ("http://localhost:1", True),
        ("http://127.0.0.7:1", True),
        ("http://[::1]:1", True),
        ("http://shop.example.com/v1", False),
        ("https://shop.example.com.evil.net", False),
        ("https://shop.example.com:444", False),
        ("https://localhost.evil.net", False),
        ("http://10.0.0.1", False),
    ],
)
def test_trust_ends_at_the_origin(api: Api, url: str, trusted: bool) -> None:  # noqa: FBT001 - a column of the table
    """Real credentials go to this machine and to the servers of the spec, same scheme and port, and nowhere else."""
    assert Target(Kind.URL, url).trusted(api) is trusted


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_this_machine(host: str) -> None:
    """Names and addresses that lead nowhere else."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "target, environment, known",
    [
        (Target(Kind.SANDBOX), {"SHOP_ITEM": "i-9"}, {"item": "i-1", "items": ("i-1", "i-2")}),
        (Target(Kind.URL, "http://x"), {}, {"item": "i-1", "items": ("i-1", "i-2")}),
        (Target(Kind.URL, "http://x"), {"SHOP_ITEM": "i-9"}, {"item": "i-9", "items": ("i-1", "i-2")}),
        (Target(Kind.LIVE), {}, {}),
        (Target(Kind.LIVE), {"SHOP_ITEMS": "i-8, i-9,"}, {"items": ("i-8", "i-9")}),
        (Target(Kind.LIVE), {"SHOP_ITEM": "i-9", "SHOP_ITEMS": " , "}, {"item": "i-9"}),
    ],
)
def test_known_values_fit_the_target(
    api: Api, target: Target, environment: dict[str, str], known: dict[str, object]
) -> None:
    """The sandbox has the document's, a live account only what its owner names."""
    assert known_values(api, target, environment) == known


def test_a_missing_setting_names_its_variable(api: Api) -> None:
    """The reason says what to set, and what it stands for."""
    assert str(missing_setting(api, "item")) == "SHOP_ITEM is not set: the id of an item of yours"


def test_live_needs_a_server(api: Api) -> None:
    """A spec without servers can be checked on a URL, not on `live`."""
    bare = dataclasses.replace(api, servers=())

    with pytest.raises(UsageError, match="names no server"):
        Target(Kind.LIVE).base(bare)
    assert Target(Kind.URL, "http://x").base(bare) == "http://x"
    assert Target(Kind.LIVE).base(api) == "https://shop.example.com/v1"


@pytest.mark.parametrize(
    "target, base",
    [
        (Target(Kind.SANDBOX, "http://127.0.0.1:8000"), "http://127.0.0.1:8000/v1/api"),
        (Target(Kind.SANDBOX, "http://127.0.0.1:8000/recorded"), "http://127.0.0.1:8000/recorded"),
        (Target(Kind.URL, "http://127.0.0.1:8000"), "http://127.0.0.1:8000"),
        (Target(Kind.LIVE), "https://shop.example.com/v1/api"),
    ],
)
def test_the_sandbox_has_the_path_of_the_server(api: Api, target: Target, base: str) -> None:
    """As the live service does; a base that somebody gave, or at which traffic was recorded, stays as it is."""
    below = dataclasses.replace(api, servers=("https://shop.example.com/v1/api", "https://other.example.com/v2"))
    assert target.base(below) == base
