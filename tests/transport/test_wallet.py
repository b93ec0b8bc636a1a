"""Which credential goes where, and what is shown of it."""

from __future__ import annotations

import string
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specwatch.errors import MissingCredential, NotAllowed
from specwatch.spec import Api
from specwatch.transport.wallet import Wallet, alter

FULL = {
    "SHOP_TOKEN": "tok-alpha",
    "SHOP_TOKEN_2": "tok-beta",
    "SHOP_TOKEN_SPENT": "tok-spent",
    "SHOP_CLIENT": "cl-alpha",
    "SHOP_KEY": "key-alpha",
}
# Keys, and tokens of three parts as JSON web tokens are.
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{1,40}(\.[A-Za-z0-9_-]{1,40}){0,2}", fullmatch=True).filter(
    lambda text: any(char.isalnum() for char in text)
)


@pytest.mark.parametrize(
    "roles, wire, shown",
    [
        ({"token": "account"}, [("authorization", "Bearer tok-alpha")], [("authorization", "Bearer $SHOP_TOKEN")]),
        ({"token": "second"}, [("authorization", "Bearer tok-beta")], [("authorization", "Bearer $SHOP_TOKEN_2")]),
        (
            {"token": "used_up"},
            [("authorization", "Bearer tok-spent")],
            [("authorization", "Bearer $SHOP_TOKEN_SPENT")],
        ),
        ({"token": "absent"}, [], []),
        (
            {"token": "altered"},
            [("authorization", f"Bearer {alter('tok-alpha')}")],
            [("authorization", "Bearer $SHOP_TOKEN-altered")],
        ),
        ({"token": "wrong_scheme"}, [("authorization", "Basic tok-alpha")], [("authorization", "Basic $SHOP_TOKEN")]),
        ({"key": "account"}, [("x-key", "key-alpha")], [("x-key", "$SHOP_KEY")]),
        ({"key": "wrong_scheme"}, [("authorization", "Bearer key-alpha")], [("authorization", "Bearer $SHOP_KEY")]),
        ({"client": "account", "key": "absent"}, [("x-client", "cl-alpha")], [("x-client", "$SHOP_CLIENT")]),
    ],
)
def test_each_role_has_its_headers(
    api: Api, roles: Mapping[str, str], wire: list[tuple[str, str]], shown: list[tuple[str, str]]
) -> None:
    """What travels, and what a report shows instead: the variable's name."""
    assert Wallet(api, FULL).headers(roles) == (tuple(wire), tuple(shown))


def test_the_first_variable_set_wins(api: Api) -> None:
    """A token for this API goes before one for all of them, which is used where there is no other."""
    shared = {"SHARED_TOKEN": "tok-shared"}

    assert Wallet(api, shared).headers({"token": "account"})[0] == (("authorization", "Bearer tok-shared"),)
    assert Wallet(api, FULL | shared).headers({"token": "account"})[0] == (("authorization", "Bearer tok-alpha"),)


@pytest.mark.parametrize(
    "role, reason",
    [
        ("account", "SHOP_TOKEN or SHARED_TOKEN is not set"),
        ("altered", "SHOP_TOKEN or SHARED_TOKEN is not set"),
        ("second", "SHOP_TOKEN_2 is not set"),
        ("used_up", "SHOP_TOKEN_SPENT is not set"),
        ("instant", "no variable of shop holds a credential that is instant"),
    ],
)
def test_a_missing_credential_names_its_variables(api: Api, role: str, reason: str) -> None:
    """Whoever reads the reason knows what to set."""
    with pytest.raises(MissingCredential) as caught:
        Wallet(api, {}).headers({"token": role})
    assert str(caught.value) == reason
    assert not Wallet(api, {}).has("token", role)


def test_withheld_credentials_stay_here(api: Api) -> None:
    """Where credentials must not go none is handed out, though a request without one may be sent."""
    wallet = Wallet(api, FULL, withheld="not there")

    with pytest.raises(NotAllowed, match="not there"):
        wallet.headers({"token": "account"})
    assert wallet.headers({"token": "absent"}) == ((), ())
    assert not wallet.has("token", "account")


def test_the_sandbox_gets_no_real_credential(api: Api) -> None:
    """It has well-known ones, which are no secrets, and the environment is not looked at."""
    wallet = Wallet(api, FULL, sandbox=True)

    wire, shown = wallet.headers({"token": "account", "client": "second", "key": "altered"})

    assert wire[:2] == (("authorization", "Bearer specwatch-sandbox-account"), ("x-client", "specwatch-sandbox-second"))
    assert not any(secret in str((wire, shown)) for secret in FULL.values())
    assert wallet.vouched


@given(value=TOKENS)
@example("x")
@example("0")
@example("eyJh.eyJz.AAAAw")
def test_an_altered_value_looks_alike(value: str) -> None:
    """It differs in one character, which is a letter where a letter was and a digit where a digit was."""
    changed = alter(value)

    pairs = [(before, after) for before, after in zip(value, changed, strict=True) if before != after]
    assert len(pairs) == 1
    assert all(any(a in kind and b in kind for kind in (string.ascii_letters, string.digits)) for a, b in pairs)


def test_a_signature_is_altered_for_good() -> None:
    """The lowest bits of base64's last character may mean nothing, so it is not the one that is changed."""
    assert alter("aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJw")[-1] == "w"


def test_a_value_in_other_letters_case(api: Api) -> None:
    """Small letters are sent for capitals and the other way round."""
    wire, shown = Wallet(api, FULL | {"SHOP_TOKEN": "tok-Alpha"}).headers({"token": "other_case"})

    assert wire == (("authorization", "Bearer TOK-aLPHA"),)
    assert shown == (("authorization", "Bearer $SHOP_TOKEN-other_case"),)


@pytest.mark.parametrize("value", ["0123-4567", "5f0c5a2e-9a4b-4c1d-8e7f-0123456789ab", "DEADBEEF"])
def test_case_that_may_mean_nothing_is_left_alone(api: Api, value: str) -> None:
    """Hexadecimal digits read the same in either case, so that nobody promises to tell them apart."""
    with pytest.raises(MissingCredential, match="the same in other letters' case"):
        Wallet(api, FULL | {"SHOP_TOKEN": value}).headers({"token": "other_case"})


def test_nothing_secret_is_shown(api: Api) -> None:
    """Whatever the role, what is shown holds no value, and the redactor knows each of them and its altered form."""
    wallet = Wallet(api, FULL)
    redactor = wallet.redactor()

    for role in ("account", "second", "used_up", "altered", "wrong_scheme"):
        wire, shown = wallet.headers({"token": role})
        assert not any(secret in str(shown) for secret in FULL.values())
        assert redactor.text(wire[0][1]).endswith(" [secret]")
