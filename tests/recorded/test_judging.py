"""What recorded traffic of a shop shows: the same judgement as in a run that sends, but for what is not in the file."""

from __future__ import annotations

from typing import Any

import pytest
from tests.recorded.conftest import ITEM, JSON, TOKEN, Judge, Write, entry, har

from specwatch.contract.settings import Selection
from specwatch.errors import UsageError
from specwatch.recorded import Manner, judge_recordings, read_recording, sort
from specwatch.spec import Api
from specwatch.transport.wallet import alter
from specwatch.values.claim import Verdict

REFUSED = {"error": {"code": "bad_token"}}
NO_TOKEN: tuple[tuple[str, str], ...] = (("accept", "*/*"),)


def test_an_honest_recording_passes(judged: Judge) -> None:
    """What was seen is kept, what was not is unknown, with a reason; nothing was sent."""
    found = judged(entry(), entry("/items/i-9", status=404, body="", came=[]))
    assert found.result.verdict is Verdict.PASS
    assert {"getItem/200", "getItem/404", "getItem/status", "id-echoed", "getItem/accepts"} <= found.kept
    assert (found.broken, found.api.requests, found.result.target) == (set(), 0, "recorded")
    assert found.reason("getItem/401/bad_token") == "the recorded traffic has no such exchange"
    assert found.reason("known-item-found") == "its contract test has to send requests, and a recording is only read"


@pytest.mark.parametrize(
    "one, claims",
    [
        (entry(body={"id": "i-1"}), {"getItem/200"}),
        (entry(body={**ITEM, "id": "i-2"}), {"id-echoed"}),
        (entry(status=418), {"getItem/status"}),
        (entry(body="{"), {"getItem/json"}),
        (entry(status=200, came=[("content-type", "text/csv")]), {"getItem/media-type"}),
        (entry(time=30_000), {"getItem/time"}),
        (entry("/items", method="POST", sent={"like": 7}, status=201, body="", came=[]), {"makeItem/rejects"}),
    ],
)
def test_a_broken_contract_is_seen(judged: Judge, one: dict[str, Any], claims: set[str]) -> None:
    """Schema, meaning, status, JSON, media type, time, and a request that should have been refused."""
    assert judged(entry(), one).broken == claims


def test_times_decide_the_order_of_the_files(judged: Judge) -> None:
    """Exchanges are judged in the order in which they began, over all files."""
    found = judged([entry(second=3), entry(second=1)], [entry(second=2)])
    assert [each.timings.started_at % 60 for each in found.result.exchanges] == [1, 2, 3]


def test_an_exchange_in_two_files_counts_once(judged: Judge) -> None:
    """Two recordings of one session have it twice."""
    found = judged([entry(second=1)], [entry(second=1), entry(second=2)])
    assert found.api.responses == {("getItem", "200", ""): 2}


def test_a_refused_account_is_our_own_trouble(judged: Judge) -> None:
    """401 to a token that was sent establishes nothing, and breaks nothing."""
    found = judged(entry(status=401, body=REFUSED))
    assert (found.broken, found.result.verdict) == (set(), Verdict.UNKNOWN)
    assert len(found.api.trouble) == 1


@pytest.mark.parametrize("status", [402, 403, 429])
def test_so_is_a_spent_or_a_limited_one(judged: Judge, status: int) -> None:
    """Even where the document does not know the status."""
    assert judged(entry(), entry(status=status, body="", came=[])).broken == set()


def test_success_without_a_credential_is_a_violation_where_others_carry_one(judged: Judge) -> None:
    """The recorder keeps the header, so this request had none."""
    found = judged(entry(), entry("/items/i-1", headers=NO_TOKEN, second=1))
    assert found.broken == {"getItem/credentials"}


def test_a_recorder_that_strips_credentials_accuses_nobody(judged: Judge) -> None:
    """Where no entry has the header, nobody knows as whom requests were sent; the rest is judged."""
    found = judged(entry(headers=NO_TOKEN), entry(headers=NO_TOKEN, body={"id": "i-1"}, second=1))
    assert found.broken == {"getItem/200"}
    reason = "the recording does not show authorization, so nobody knows as whom requests were sent"
    assert {found.reason("getItem/credentials"), found.reason("getItem/accepts")} == {reason}


@pytest.mark.parametrize("value", ["", "***", "[REDACTED]", "Bearer xxxxx", "<removed>"])
def test_a_masked_credential_is_no_credential_that_was_seen(judged: Judge, value: str) -> None:
    """Neither good nor bad."""
    found = judged(entry(headers=[("authorization", value)]))
    assert found.broken == set()
    assert found.result.verdict is Verdict.PASS
    assert "getItem/accepts" not in found.kept


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refusal_of_who_cannot_be_seen_may_be_ours(judged: Judge, status: int) -> None:
    """So it breaks nothing, and is told."""
    found = judged(entry(headers=NO_TOKEN), entry(headers=NO_TOKEN, status=status, body="", came=[], second=1))
    assert found.broken <= {"getItem/media-type"}  # a 401 has a documented form, whoever it is about
    assert len(found.api.trouble) == 1


def test_a_server_error_counts_whoever_asked(judged: Judge) -> None:
    """It needs no credential to be seen."""
    assert "getItem/survives" in judged(entry(headers=NO_TOKEN, status=500, body="", came=[])).broken


@pytest.mark.parametrize("other", [("cookie", "session=1"), ("authorization", "Basic dTpw"), ("x-api-key", "k")])
def test_who_came_in_by_other_means_is_not_without_a_credential(judged: Judge, other: tuple[str, str]) -> None:
    """A browser's session, another scheme, another key: nobody can tell, so nobody is accused."""
    assert judged(entry(), entry(headers=[other], second=1)).broken == set()


def test_the_own_variables_tell_accounts_apart(judged: Judge) -> None:
    """A value of `second` is that account, an altered one is wrong, one that is known to be spent is in that state."""
    environment = {"SHOP_TOKEN": "tok-alpha-0001", "SHOP_TOKEN_2": "tok-beta-0002", "SHOP_TOKEN_SPENT": "tok-spent-3"}
    values = [
        "tok-alpha-0001",
        "tok-beta-0002",
        alter("tok-alpha-0001"),
        "tok-spent-3",
        "TOK-ALPHA-0001",
        "tok-other-7",
    ]
    found = judged(
        *(
            entry(headers=[("authorization", f"bearer {value}")], second=second, status=401, body=REFUSED)
            for second, value in enumerate(values)
        ),
        environment=environment,
    )
    roles = [each.credentials["token"] for each in found.result.exchanges]
    assert roles == ["account", "second", "altered", "used_up", "other_case", "account"]


def test_answers_to_different_accounts_are_not_compared(judged: Judge) -> None:
    """A refusal between two successes of somebody else contradicts nothing."""
    other = [("authorization", "Bearer somebody-else")]
    found = judged(entry(), entry(headers=other, status=401, body=REFUSED, second=1), entry(second=2))
    assert found.broken == set()
    found = judged(entry(), entry(status=401, body=REFUSED, second=1), entry(second=2))
    assert found.broken == {"getItem/accepts"}


def test_a_missing_body_leaves_only_what_the_head_says(judged: Judge) -> None:
    """Status, media type and time are judged; the rest is unknown, with the reason."""
    found = judged(entry(body=None, came=[JSON, ("content-length", "20")]))
    assert found.broken == set()
    assert {"getItem/status", "getItem/media-type", "getItem/time"} <= found.kept
    assert found.reason("getItem/200") == "the recording lacks the bodies of 1 of its answers"
    assert found.reason("id-echoed") == "the recording lacks the bodies of 1 of its answers"


def test_a_missing_request_body_makes_no_bad_request(judged: Judge) -> None:
    """Nothing is said about whether it should have been refused; its answer is judged."""
    one = entry("/items", method="POST", status=201, body="", came=[])
    one["request"]["bodySize"] = 12
    found = judged(one)
    assert found.broken == set()
    assert "makeItem/201" in found.kept
    assert found.reason("makeItem/rejects") == "the recording lacks the bodies of 1 of its requests"


def test_an_unknown_duration_is_no_quick_answer(judged: Judge) -> None:
    """The claim on time is unknown then."""
    assert judged(entry(time=-1)).reason("getItem/time") == "the recording does not say how long answers took"


def test_another_base_can_be_named(judged: Judge) -> None:
    """A staging server, another path, and then only that."""
    staging = "http://staging.example.com:8080/shop"
    found = judged(entry(f"{staging}/items/i-1"), entry(), base=staging)
    assert found.api.responses == {("getItem", "200", ""): 1}
    assert found.result.exchanges[0].target == staging


def test_scheme_host_and_port_are_compared_as_they_are_meant(judged: Judge) -> None:
    """Capital letters and the usual port make no difference; another port does."""
    found = judged(entry("HTTPS://Shop.Example.com:443/v1/items/i-1"))
    assert found.kept
    with pytest.raises(UsageError):
        judged(entry("https://shop.example.com:444/v1/items/i-1"))


@pytest.mark.parametrize("path", ["/%69tems/i-1", "/items/%69%2D1", "/items/i%2d1"])
def test_escapes_that_were_not_needed_change_nothing(judged: Judge, path: str) -> None:
    """Some recorders and clients escape letters, digits and dashes too."""
    found = judged(entry(path))
    assert {"getItem/200", "id-echoed"} <= found.kept


def test_an_escape_that_was_needed_stays(judged: Judge) -> None:
    """A slash in an identifier is no further part of the path."""
    found = judged(entry("/items/a%2Fb", body={**ITEM, "id": "a/b"}))
    assert {"getItem/200", "id-echoed"} <= found.kept


def test_what_belongs_to_nobody_is_counted(write: Write, shop: Api) -> None:
    """Other hosts by name; unknown paths and methods of a known server, without their query and secrets."""
    path = read_recording(
        write(
            har(
                entry(),
                entry("https://cdn.example.com/app.js?key=1"),
                entry("https://user:pw@cdn.example.com/a"),
                entry("/carts/tok-alpha-0001?key=abcdefgh"),
                entry(method="PUT"),
                entry("data:text/plain,x"),
                entry("https://[::1/"),
            )
        )
    )
    found = sort([path], [shop])
    assert found.foreign == {"https://cdn.example.com": 2, "data scheme": 1, "a URL that cannot be read": 1}
    assert {(each.request, each.methods) for each in found.strays} == {
        ("GET /v1/carts/[secret]", ()),
        ("PUT /v1/items/i-1", ("GET",)),
    }


@pytest.mark.parametrize(
    "entries, texts",
    [
        ([entry("https://other.example.com/x")], ["hosts: https://other.example.com (1)", "--target https://other"]),
        ([entry("/carts")], ["that no selected spec has: GET /v1/carts"]),
        ([], ["it has no entry at all"]),
        ([entry(_fromCache="disk")], ["1 was answered from a browser's cache"]),
    ],
)
def test_a_recording_of_something_else_says_what_to_type(
    judged: Judge, entries: list[object], texts: list[str]
) -> None:
    """The hosts that are in it, the servers that were looked for, and the option that names another base."""
    with pytest.raises(UsageError) as error:
        judged(entries)
    for text in texts:
        assert text in str(error.value)


def test_apis_without_traffic_drop_out_unless_they_were_named(write: Write, shop: Api) -> None:
    """One that was asked for is unknown."""
    recording = read_recording(write(har(entry("https://x.example.com/v1/items/i-1"))))
    found = sort([recording], [shop], "https://x.example.com/v1")
    assert judge_recordings(found, Selection((shop,)), Manner()).verdict is Verdict.PASS


SECRETS = ["tok-alpha-0001", "cookie-value-77", "set-value-8888", "query-value-99", "basic-pass-55"]


def test_no_secret_leaves_a_recording(judged: Judge) -> None:
    """Wherever it stands, and wherever it is echoed."""
    headers = [
        TOKEN,
        ("Cookie", "theme=dark; sid=cookie-value-77"),
        ("Proxy-Authorization", "Basic dTpiYXNpYy1wYXNzLTU1"),
    ]
    echo = {"id": "tok-alpha-0001", "name": f"{SECRETS}", "more": "dTpiYXNpYy1wYXNzLTU1"}
    one = entry(
        "/items/i-1?api_key=query-value-99&page=2",
        headers=headers,
        body=echo,
        came=[JSON, ("Set-Cookie", "sid=set-value-8888; Path=/"), ("x-echo", "Bearer tok-alpha-0001")],
    )
    found = judged(one)
    assert "id-echoed" in found.broken
    told = repr(found.result)
    for secret in [*SECRETS, "dTpiYXNpYy1wYXNzLTU1"]:
        assert secret not in told
    (exchange,) = found.result.exchanges
    assert exchange.request.url == "https://shop.example.com/v1/items/i-1?api_key=[secret]&page=2"
    assert exchange.request.headers[-1] == ("authorization", "Bearer $SHOP_TOKEN")


def test_short_secrets_are_masked_where_they_stand(judged: Judge) -> None:
    """Values like `on` or `1` would blot out ordinary text elsewhere."""
    (exchange,) = judged(entry(headers=[TOKEN, ("cookie", "a=1"), ("x-session-id", "on")])).result.exchanges
    assert dict(exchange.request.headers) == {
        "cookie": "[secret]",
        "x-session-id": "[secret]",
        "authorization": "Bearer $SHOP_TOKEN",
    }


def test_too_many_credentials_are_told(judged: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be hidden for certain is not judged, and that is said."""
    monkeypatch.setattr("specwatch.recorded.run.MAX_CREDENTIALS", 2)
    found = judged(*(entry(headers=[("authorization", f"Bearer token-{n}")], second=n) for n in range(4)))
    assert len(found.result.exchanges) == 2
    assert found.api.trouble[0].startswith("2 of its recorded exchanges are not judged")
