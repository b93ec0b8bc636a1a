"""Whose credentials are good, and what is wrong with the others."""

import httpx
import pytest

from specwatch.sandbox.credentials import Wanted, read
from specwatch.spec import Api

OURS = "specwatch-sandbox-account"
SECOND = "specwatch-sandbox-second"


@pytest.mark.parametrize(
    "value, account, problem",
    [
        (f"Bearer {OURS}", "account", None),
        (f"bearer {OURS}", "account", None),
        (f"BEARER  {OURS}", "account", None),
        (f"Bearer {SECOND}", "second", None),
        ("Bearer specwatch-sandbox-instant", "instant", None),
        (None, "account", "absent"),
        ("", "account", "absent"),
        (f"Basic {OURS}", "account", "wrong_scheme"),
        (OURS, "account", "wrong_scheme"),
        ("Bearer", "account", "unknown"),
        (f"Bearer {OURS}x", "account", "unknown"),
        ("Bearer specwatch-sandbox-nobody", "account", "unknown"),
    ],
)
def test_a_bearer_token_is_read(api: Api, value: str | None, account: str, problem: str | None) -> None:
    """The scheme's name is read in any case; everything but a known value is a problem of its kind."""
    reading = read([api.schemes["token"]], {} if value is None else {"authorization": value})
    assert (reading.account, reading.problems) == (account, {"token": problem} if problem else {})


@pytest.mark.parametrize(
    "client, key, account, problems",
    [
        (OURS, OURS, "account", {}),
        (SECOND, SECOND, "second", {}),
        (OURS, SECOND, "account", {"key": "unknown"}),
        (OURS, None, "account", {"key": "absent"}),
        (None, OURS, "account", {"client": "absent"}),
        ("x", OURS, "account", {"client": "unknown"}),
        (None, None, "account", {"client": "absent", "key": "absent"}),
    ],
)
def test_two_keys_must_belong_together(
    api: Api, client: str | None, key: str | None, account: str, problems: dict[str, str]
) -> None:
    """Both keys are needed and both must be the same account's."""
    sent = {name: value for name, value in (("x-client", client), ("x-key", key)) if value is not None}
    reading = read([api.schemes["client"], api.schemes["key"]], sent)
    assert (reading.account, reading.problems) == (account, problems)


def test_one_key_may_ask_for_an_answer(api: Api) -> None:
    """With several schemes, one credential that asks for an answer is enough."""
    reading = read([api.schemes["client"], api.schemes["key"]], {"x-key": "specwatch-sandbox-answer-400"})
    assert reading.wanted == Wanted((400,), None)


def test_a_state_asks_for_its_answer(client: httpx.Client) -> None:
    """The well-known credential of a state is answered as the spec says of that state."""
    response = client.get("/v1/parcels/P-1", headers={"authorization": "Bearer specwatch-sandbox-old"})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "old_token")


@pytest.mark.parametrize(
    "excuse, sent, account, problems",
    [
        (("key", "absent"), {"x-client": SECOND}, "second", {}),
        (("key", "unknown"), {"x-client": OURS, "x-key": SECOND}, "account", {}),
        (("client", "unknown"), {"x-client": OURS, "x-key": SECOND}, "second", {}),
        (("key", "absent"), {"x-key": OURS}, "account", {"client": "absent"}),
    ],
)
def test_an_excused_problem_is_overlooked(
    api: Api, excuse: tuple[str, str], sent: dict[str, str], account: str, problems: dict[str, str]
) -> None:
    """A faulty sandbox that does not look at one key takes the account of the other."""
    reading = read([api.schemes["client"], api.schemes["key"]], sent, {excuse})
    assert (reading.account, reading.problems) == (account, problems)
