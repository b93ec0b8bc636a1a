"""Whether an answer speaks about the request, or about us."""

import pytest

from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.exchange import header


def exchange(status: int, *roles: str, vouched: bool = False) -> Exchange:
    """An exchange with that status, sent in those roles."""
    return Exchange(
        id="1",
        api="tiny",
        operation="getThing",
        target="https://api.example.com",
        request=Request("GET", "https://api.example.com/things/1", (), b""),
        response=Response(status, (), b""),
        timings=Timings(100.0, 0.5),
        credentials={f"scheme{number}": role for number, role in enumerate(roles)},
        vouched=vouched,
    )


@pytest.mark.parametrize("status", [401, 402, 403, 407])
@pytest.mark.parametrize(
    "roles, ours",
    [
        pytest.param(["account"], True, id="our account"),
        pytest.param(["account", "account"], True, id="our two credentials"),
        pytest.param(["second"], True, id="our second account"),
        pytest.param(["account", "second"], False, id="two of ours mixed"),
        pytest.param(["absent"], False, id="none"),
        pytest.param(["altered"], False, id="a wrong one"),
        pytest.param(["wrong_scheme"], False, id="in the wrong place"),
        pytest.param(["account", "absent"], False, id="one of two missing"),
        pytest.param(["expired"], False, id="in a known state"),
        pytest.param(["answer-401-invalid_token"], False, id="asked for"),
    ],
)
def test_a_refusal_is_ours_with_good_credentials(status: int, roles: list[str], ours: bool) -> None:  # noqa: FBT001
    """A refusal of nothing but our own accounts is trouble of ours; any other was provoked."""
    assert exchange(status, *roles).own_trouble is ours


@pytest.mark.parametrize("role", ["account", "second", "absent", "altered", "wrong_scheme", "expired"])
def test_a_rate_limit_is_always_ours(role: str) -> None:
    """Who is asked to slow down learns nothing about the credential that was sent."""
    assert exchange(429, role).own_trouble


def test_a_rate_limit_on_request_is_not_ours() -> None:
    """A sandbox that was asked for a 429 gives the documented answer."""
    assert not exchange(429, "answer-429-too_many_requests").own_trouble


@pytest.mark.parametrize("status", [200, 204, 400, 404, 410, 413, 422, 500, 503])
def test_other_answers_are_about_the_request(status: int) -> None:
    """Success, other client errors and server errors are never trouble of our own."""
    assert not exchange(status, "account").own_trouble


@pytest.mark.parametrize("status", [401, 403, 429])
def test_vouched_credentials_are_never_to_blame(status: int) -> None:
    """Where our credentials are known to be good, a refusal is the target's fault."""
    assert not exchange(status, "account", vouched=True).own_trouble


def test_headers_are_found_in_any_case() -> None:
    """The first of several counts, and what is not there is None."""
    headers = (("Content-Type", "a"), ("content-type", "b"))

    assert (header(headers, "CONTENT-TYPE"), header(headers, "accept")) == ("a", None)


def test_an_exchange_ends_when_it_took_its_time() -> None:
    """The end is the start and the duration."""
    assert exchange(200).timings.ended_at == 100.5
