"""No secret of recorded traffic is in any report, whatever it is called and wherever it stands."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import Any

import pytest
from rich.console import Console
from tests.recorded.conftest import BASE, JSON, TOKEN, Judge, Judged, entry

from specwatch.reports.annotations import to_annotations
from specwatch.reports.console import print_claims, print_result
from specwatch.reports.render import RENDERERS, render
from specwatch.spec import Api
from specwatch.values.credential_names import is_secret_header, is_secret_member

SECRET = "q7Zr-hunter2-W"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlLW9mLWl0"


def everything(found: Judged, shop: Api) -> str:
    """All that is told of a run: every report, the annotations, and what the terminal shows."""
    texts = {kind: render(kind, found.result, [shop]) for kind in RENDERERS}
    screen = io.StringIO()
    console = Console(file=screen, width=400)
    print_result(console, found.result)
    print_claims(console, found.result)
    annotations = "\n".join(map(str, to_annotations(json.loads(texts["sarif"]))))
    told = "\n".join((*texts.values(), screen.getvalue(), annotations, repr(found.result)))
    return told + html.unescape(told)


def assert_hidden(found: Judged, shop: Api, *secrets: str) -> None:
    """None of the secrets is in any output, and something is."""
    told = everything(found, shop)
    assert "getItem" in told
    for secret in secrets:
        assert secret not in told
        assert base64.b64encode(secret.encode()).decode() not in told


HEADERS = [
    *("x-accesstoken", "x-authtoken", "x-passphrase", "x-otp", "x-jwt", "apikey", "X-AccessToken", "sessionid"),
    *("x-clientsecret", "x-api-key", "x-otp-code", "x-session-token", "mypassword"),
]


@pytest.mark.parametrize("name", HEADERS)
def test_headers_called_like_a_secret(judged: Judge, shop: Api, name: str) -> None:
    """With or without a separator, sent or received, echoed or not."""
    echo = {"id": SECRET, "name": 7}
    one = entry(headers=[TOKEN, (name, SECRET)], came=[JSON, (name, f"{SECRET}2")], body=echo)
    assert_hidden(judged(one), shop, SECRET)


@pytest.mark.parametrize(
    "name, value", [("x-tokens-left", "12"), ("author", "Somebody"), ("x-token-limit", "20"), ("x-monkey", "ape")]
)
def test_other_headers_stay(name: str, value: str) -> None:
    """A count, and a word that only begins like a secret, are none."""
    assert not is_secret_header(name, value)


URLS = [
    f"https://u:{SECRET}@h.example.com/",
    f"//u:{SECRET}@h.example.com/x",
    *(f"https://h.example.com/x?a=1&{name}={SECRET}" for name in ("token", "code", "X-Amz-Signature", "pass", "k")),
    *(f"https://h.example.com/x?a=1&{name}={SECRET}&b=2" for name in ("sig", "signature", "apiKey", "%74oken")),
    f"https://h.example.com/cb#access_token={SECRET}",
    f"https://h.example.com/?next=https%3A%2F%2Fh%2F%3Ftoken%3D{SECRET}",
    f"https://h.example.com/?next=https%3A%2F%2Fu%3A{SECRET}%40h%2F",
    f"</items?token={SECRET}>; rel=next",
]


@pytest.mark.parametrize("url", URLS)
def test_urls_in_headers_and_bodies(judged: Judge, shop: Api, url: str) -> None:
    """The user's part and secret parameters, whichever header or member the URL stands in."""
    came = [JSON, ("location", url), ("link", url)]
    one = entry(headers=[TOKEN, ("referer", url), ("origin", url)], came=came, body={"id": "i-2", "name": url})
    found = judged(one)
    assert_hidden(found, shop, SECRET)
    assert "example.com" in dict(found.result.exchanges[0].response.headers)["location"] or url.startswith("<")


@pytest.mark.parametrize("name", ["pass", "k", "sig", "signature", "token", "code", "accesstoken"])
def test_parameters_of_the_request(judged: Judge, shop: Api, name: str) -> None:
    """Those that are called like a secret."""
    assert_hidden(judged(entry(f"/items/i-1?{name}={SECRET}&page=2", body={})), shop, SECRET)


MEMBERS = [
    *("password", "passwd", "token", "access_token", "refresh_token", "api_key", "apiKey", "secret", "client_secret"),
    *("authorization", "otp", "pin", "x-api-key", "newPassword"),
]


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("value", [SECRET, "q7Zr", 'q7Zr"x\\'])
def test_members_called_like_a_credential(judged: Judge, shop: Api, name: str, value: str) -> None:
    """In requests and answers, however deep, also as a text in a text, and quoted by a violation."""
    body = {"id": {name: value}, "more": [{name: value}], "text": json.dumps({name: value})}
    assert_hidden(judged(entry(body=body), entry("/items", method="POST", sent=body, second=1)), shop, "q7Zr")


def test_pins_that_are_numbers(judged: Judge, shop: Api) -> None:
    """A number is a secret where its name says so."""
    found = judged(entry(body={"id": "i-1", "pin": 918273, "total_tokens": 445566}))
    assert_hidden(found, shop, "918273")
    assert "445566" in everything(found, shop)


def test_fields_of_forms(judged: Judge, shop: Api) -> None:
    """As a form and in parts."""
    form: Any = entry("/items", method="POST", headers=[TOKEN, ("content-type", "application/x-www-form-urlencoded")])
    form["request"]["postData"] = {"mimeType": "x", "text": f"user=me&password={SECRET}"}
    parts: Any = entry("/items", method="POST", headers=[TOKEN, ("content-type", "multipart/form-data; boundary=b")])
    text = f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{SECRET}\r\n--b--\r\n'
    parts["request"]["postData"] = {"mimeType": "x", "text": text}
    found = judged(entry(body={}), form, parts)
    assert_hidden(found, shop, SECRET)


@pytest.mark.parametrize("place", ["body", "header", "text"])
def test_json_web_tokens(judged: Judge, shop: Api, place: str) -> None:
    """Anywhere."""
    body = {"id": JWT, "name": 7} if place == "body" else f"x {JWT} y" if place == "text" else {}
    assert_hidden(judged(entry(body=body, came=[JSON, ("x-info", f"at {JWT}")])), shop, JWT, JWT[-20:])


@pytest.mark.parametrize("name", ["trace_id", "token_expired", "author", "next_page_token", "code", "pinned"])
def test_members_that_are_no_secrets(judged: Judge, name: str) -> None:
    """What is judged and shown stays what it was."""
    assert not is_secret_member(name)
    found = judged(entry(body={"id": "i-1", "name": "token_expired", name: "kept-value-1"}))
    assert found.result.exchanges[0].response.body.count(b"kept-value-1") == 1
    assert b"token_expired" in found.result.exchanges[0].response.body


def test_judged_before_it_is_masked(judged: Judge) -> None:
    """A secret that is right is no violation, though reports do not show it."""
    found = judged(entry(body={"id": "i-1", "name": "a cup", "token": SECRET}))
    assert found.broken == set()
    assert b'"token": "[secret]"' in found.result.exchanges[0].response.body


@pytest.mark.parametrize(
    "value", [f"specwatch-sandbox-{SECRET}", f"{SECRET}-specwatch-sandbox-account", f"${SECRET}", "$q7Zr_OTHER"]
)
@pytest.mark.parametrize("told", [False, True])
def test_values_that_only_begin_like_ours(judged: Judge, shop: Api, value: str, told: bool) -> None:  # noqa: FBT001
    """They are credentials: hidden, and nobody vouches for them."""
    more: dict[str, Any] = {"_specwatch": {"api": "shop", "operation": "getItem"}} if told else {}
    one = entry(headers=[("authorization", f"Bearer {value}"), ("x-session-id", value)], body={"id": value}, **more)
    found = judged(one)
    assert_hidden(found, shop, "q7Zr")
    assert not found.result.exchanges[0].vouched


@pytest.mark.parametrize(
    "base, vouched", [("http://127.0.0.1:8080/v1", True), ("http://localhost/v1", True), (BASE, False)]
)
def test_who_is_vouched_for(judged: Judge, base: str, vouched: bool) -> None:  # noqa: FBT001
    """The exact values of a sandbox, where a sandbox can be."""
    one = entry(f"{base}/items/i-1", headers=[("authorization", "Bearer specwatch-sandbox-account")])
    (exchange,) = judged(one, base=base).result.exchanges
    assert exchange.vouched is vouched
    assert dict(exchange.request.headers)["authorization"] == "Bearer specwatch-sandbox-account"
