"""Secrets leave nothing, however they are spelt."""

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.secrets import MASK, Redactor

# Brackets and the letters of the mask alone could be found in the mask itself.
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=4, max_size=40).filter(
    lambda secret: secret not in MASK
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="[]"), max_size=20)

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "percent": lambda secret: quote(secret, safe=""),
    "percent, slashes kept": quote,
    "percent, lower case": lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    "form": quote_plus,
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "json with escaped slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "percent, every byte": lambda secret: "".join(f"%{byte:02X}" for byte in secret.encode()),
    "hex": lambda secret: secret.encode().hex(),
    "hex in capitals": lambda secret: secret.encode().hex().upper(),
    "HTML entities": lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    "HTML entities in hex": lambda secret: "".join(f"&#x{ord(char):X};" for char in secret),
    "capitals": lambda secret: secret.upper() if secret.isascii() else secret,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64, no padding": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(secret=SECRETS, before=TEXTS, after=TEXTS)
@example(secret='a/b c+é%"\\', before="", after="")
def test_no_spelling_survives(spelling: str, secret: str, before: str, after: str) -> None:
    """A secret is gone from texts and from bytes, in whichever usual encoding and in any case."""
    spelt = SPELLINGS[spelling](secret)
    redactor = Redactor([secret])

    text = redactor.text(before + spelt + after)
    data = redactor.bytes((before + spelt + after).encode())

    assert secret not in text
    assert spelt not in text
    assert spelt.encode() not in data


@pytest.mark.parametrize("user", ["", "u", "us", "user"])
def test_basic_credentials_survive_nowhere(user: str) -> None:
    """A secret is found in base64 although other bytes stand before and after it."""
    secret = "tok-3f9a~7711"
    encoded = base64.b64encode(f"{user}:{secret}:x".encode()).decode()

    redacted = Redactor([secret]).text(f"Basic {encoded}")

    assert MASK in redacted
    assert encoded not in redacted


def test_a_mask_is_not_taken_apart() -> None:
    """A secret that happens to be a part of the mask does not multiply it."""
    redactor = Redactor(["secret", "a-longer-secret"])

    assert redactor.text("a-longer-secret and secret") == f"{MASK} and {MASK}"


def test_the_longer_secret_is_found_first() -> None:
    """Of two secrets that begin alike, nothing of the longer one is left."""
    redactor = Redactor(["token-1", "token-1-expired"])

    assert redactor.text("token-1-expired, token-1") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_short_values_are_left_alone(secret: str) -> None:
    """A value of three characters or less would blot out ordinary text."""
    assert Redactor([secret]).text("abc abc") == "abc abc"


def test_a_secret_that_is_no_text_is_no_crash() -> None:
    """A variable of the environment may hold bytes that are no UTF-8."""
    secret = b"\xfftoken".decode("utf-8", "surrogateescape")

    assert Redactor([secret]).text(f"x {secret}") == f"x {MASK}"


@given(TEXTS)
def test_other_text_is_unchanged(text: str) -> None:
    """Without a secret in it, a text stays as it is."""
    redactor = Redactor(["f4b6d0c8-made-up"])

    assert redactor.text(text) == text
    assert redactor.bytes(text.encode()) == text.encode()


def test_an_exchange_is_redacted_everywhere() -> None:
    """Address, headers, parameters and bodies of both directions: the target may have echoed the secret anywhere."""
    secret = "tok-3f9a7711"
    exchange = Exchange(
        id="1",
        api="tiny",
        operation="getThing",
        target=f"https://{secret}.example.com",
        request=Request("GET", f"https://example.com/{secret}", (("x-key", secret),), secret.encode()),
        response=Response(200, ((secret, secret),), secret.encode(), reason=secret),
        timings=Timings(0.0, 0.1),
        credentials={"key": "account"},
        path_parameters={"id": secret},
        query={"q": secret},
    )

    redacted = Redactor([secret]).exchange(exchange)

    assert secret not in repr(redacted)
    assert redacted.credentials == {"key": "account"}
    assert Redactor().exchange(exchange) is exchange


@pytest.mark.parametrize("length", [4, 9, 15])
def test_a_cut_secret_is_masked_too(length: int) -> None:
    """Where a text was shortened in the middle of a secret, its beginning goes as well."""
    secret = "sk-1234567890abc"

    clean = Redactor([secret]).text(f"found {secret[:length]}…")

    assert clean == "found [secret]…"


PLACES = ("target", "url", "reason", "sent name", "sent value", "name", "value", "body sent", "body", "path", "query")
ASCII_SECRETS = st.text(st.characters(codec="ascii", exclude_characters="[]"), min_size=4, max_size=12)


@given(
    secrets=st.lists(ASCII_SECRETS | SECRETS, max_size=3),
    texts=st.lists(TEXTS | st.text(st.characters(codec="ascii"), max_size=9), min_size=11, max_size=11),
    place=st.sampled_from([None, *PLACES]),
    capitals=st.booleans(),
)
def test_an_exchange_is_redacted_text_by_text(
    secrets: list[str],
    texts: list[str],
    place: str | None,
    capitals: bool,  # noqa: FBT001
) -> None:
    """Looking at everything at once finds out no less than looking at each text by itself."""
    hidden = (secrets[0].upper() if capitals else secrets[0]) if secrets else ""
    at = dict(zip(PLACES, texts, strict=True))
    if place is not None:
        at[place] += hidden
    redactor = Redactor(secrets)
    exchange = Exchange(
        id="1",
        api="things",
        operation="getThing",
        target=at["target"],
        request=Request("GET", at["url"], ((at["sent name"], at["sent value"]),), at["body sent"].encode()),
        response=Response(200, ((at["name"], at["value"]),), at["body"].encode(), reason=at["reason"]),
        timings=Timings(0.0, 0.1),
        path_parameters={"id": at["path"]},
        query={"q": at["query"]},
    )

    redacted = redactor.exchange(exchange)

    assert (redacted.target, redacted.request.url) == (redactor.text(at["target"]), redactor.text(at["url"]))
    assert redacted.request.headers == redactor.headers(exchange.request.headers)
    assert redacted.response.headers == redactor.headers(exchange.response.headers)
    assert redacted.request.body == redactor.bytes(exchange.request.body)
    assert redacted.response.body == redactor.bytes(exchange.response.body)
    assert redacted.response.reason == redactor.text(at["reason"])
    assert redacted.path_parameters == {"id": redactor.text(at["path"])}
    assert redacted.query == {"q": redactor.text(at["query"])}


ODD = 'pa/ss~wo"rd<é> 1%2'


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(ODD.replace("~", "~0").replace("/", "~1"), id="in a JSON pointer"),
        pytest.param(json.dumps(json.dumps(ODD)), id="in JSON inside JSON"),
        pytest.param(json.dumps(json.dumps(json.dumps(ODD))), id="one level deeper"),
        pytest.param(quote(quote(ODD, safe=""), safe=""), id="percent-encoded twice"),
        pytest.param(quote(quote(quote(ODD))), id="three times"),
        pytest.param(html.escape(ODD), id="with entities of HTML"),
        pytest.param(html.escape(html.escape(ODD)), id="with entities inside entities"),
        pytest.param(json.dumps(ODD).replace("<", "\\u003c").replace(">", "\\u003e"), id="escaped without need"),
        pytest.param(ODD.replace(" ", "+"), id="as a form has it"),
    ],
)
def test_encodings_of_encodings_are_seen_through(spelt: str) -> None:
    """What a target wraps once more before it echoes it is found as well, in texts and in bytes."""
    redactor = Redactor([ODD])
    for clean in (redactor.text(f"x {spelt} y"), redactor.bytes(f"x {spelt} y".encode()).decode()):
        assert "wo" not in clean
        assert MASK in clean
        assert clean.startswith("x ")
        assert clean.endswith(" y")


def test_a_secret_written_backwards_is_masked() -> None:
    """In texts and in bytes."""
    redactor = Redactor(["tok-3f9a~7711"])

    assert redactor.text("x 1177~a9f3-kot y") == f"x {MASK} y"
    assert redactor.bytes(b"x 1177~a9f3-kot y") == f"x {MASK} y".encode()


@pytest.mark.parametrize("part", [slice(None, 14), slice(14, None)])
def test_halves_of_long_secrets_are_masked(part: slice) -> None:
    """Half of a secret that is long enough says too much by itself."""
    secret = "sk-4fQ81kzmPw0d7Hs2Lx9vBn3ce"
    redactor = Redactor([secret])

    assert redactor.text(f"has {secret[part]} in it") == f"has {MASK} in it"
    assert redactor.text("sk-4fQ81kz") == "sk-4fQ81kz"


@pytest.mark.parametrize("redactor", [Redactor(), Redactor(["another-secret"])])
def test_urls_in_headers_hold_no_secret(redactor: Redactor) -> None:
    """The target sends signed addresses of its own, of which no wallet knows."""
    url = "https://u:hunter2@files.example.com/x?size=3&X-Amz-Signature=0123abcd&token=tok-1"
    headers = (("location", url), ("content-type", "text/plain; charset=utf-8"))
    exchange = Exchange(
        id="1",
        api="things",
        operation="getThing",
        target="https://example.com",
        request=Request("GET", "https://example.com/", (), b""),
        response=Response(302, headers, b""),
        timings=Timings(0.0, 0.1),
    )

    clean = f"https://{MASK}@files.example.com/x?size=3&X-Amz-Signature={MASK}&token={MASK}"
    assert redactor.exchange(exchange).response.headers == (("location", clean), headers[1])
    assert redactor.sentence(f"found {url}") == f"found {clean}"
