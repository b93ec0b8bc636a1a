"""One answer against everything that the spec says about one answer."""

from collections.abc import Callable
from typing import Any

import pytest

from specwatch.conformance import Facts, judge
from specwatch.values import Drift, Level

Make = Callable[..., Facts]

THING = {"id": "t-1", "size": 3}
REFUSED = {"error": {"code": "bad_key", "message": "No."}}


def case(name: str, *violations: tuple[str, str, str], **answer: Any) -> Any:
    """One line of the table: what comes, and which claims it breaks, as (claim, kind, place)."""
    return pytest.param(answer, list(violations), id=name)


@pytest.mark.parametrize(
    "answer, violations",
    [
        case("an honest answer", body=THING),
        case("a thing without a size", body={"id": "t-1"}),
        case("null where it may be", body={"id": "t-1", "size": None}),
        case("fields that nobody documented", body={**THING, "color": "red"}),
        case("a media type in capitals", body=THING, media_type="Application/JSON"),
        case("a media type with a charset", body=THING, media_type="application/json; charset=utf-8"),
        case("a slow answer within the objective", body=THING, seconds=1.0),
        case("a documented refusal", status=401, body=REFUSED, roles={"key": "absent"}),
        case("an answer without a body", status=404, raw=b""),
        case("any body where none is described", status=404, raw=b"<html>", media_type="text/html"),
        case("a range of media types", status=503, raw=b"x", media_type="text/plain", roles={"key": "answer-503"}),
        # ---------------------------------------------------------------- status, media type, time
        case("an undocumented status", ("getThing/status", "status", "418"), status=418, body=THING),
        case("a redirect", ("getThing/status", "status", "302"), status=302, raw=b""),
        case("another media type", ("getThing/media-type", "media-type", "200"), body=THING, media_type="text/html"),
        case("no media type", ("getThing/media-type", "media-type", "200"), body=THING, media_type=None),
        case("too slow", ("getThing/time", "time", ""), body=THING, seconds=1.01),
        # ---------------------------------------------------------------- JSON
        case("no JSON", ("getThing/json", "json", ""), raw=b"<html>"),
        case("no body", ("getThing/json", "json", ""), raw=b""),
        case("half a body", ("getThing/json", "json", ""), raw=b'{"id": "t-'),
        case("a repeated key", ("getThing/json", "json", ""), raw=b'{"id": "t-1", "id": "t-1"}'),
        case("a byte order mark", ("getThing/json", "json", ""), raw=b'\xef\xbb\xbf{"id": "t-1"}'),
        case("no UTF-8", ("getThing/json", "json", ""), raw='{"id": "t-é"}'.encode("latin-1")),
        # ---------------------------------------------------------------- schema, x-inferred
        case("a missing field", ("getThing/200", "schema", "/id"), body={"size": 3}),
        case("a wrong type", ("getThing/200", "schema", "/size"), body={"id": "t-1", "size": "3"}),
        case(
            "two things wrong",
            ("getThing/200", "schema", "/id"),
            ("getThing/200", "schema", "/size"),
            body={"id": 1, "size": "3"},
        ),
        case("what only examples show", ("getThing/200/inferred", "inferred", "/id"), body={"id": "x-1"}),
        case("a promise broken hides an inference", ("getThing/200", "schema", "/size"), body={"id": "x", "size": "3"}),
        # ---------------------------------------------------------------- codes
        case(
            "an unknown code",
            ("getThing/code", "code", "401 odd"),
            status=401,
            body={"error": {"code": "odd"}},
            roles={"key": "absent"},
        ),
        case(
            "an unknown code that is a number",
            ("getThing/code", "code", "401 7"),
            status=401,
            body={"error": {"code": 7}},
            roles={"key": "absent"},
        ),
        case(
            "no code",
            ("getThing/code", "schema", "/error/code"),
            status=401,
            body={"error": {}},
            roles={"key": "absent"},
        ),
        case(
            "a known code in a wrong body",
            ("getThing/401/bad_key", "schema", "/error/message"),
            status=401,
            body={"error": {"code": "bad_key", "message": 1}},
            roles={"key": "altered"},
        ),
        # ---------------------------------------------------------------- JSON inside a string
        case("an archive", operation="getArchive", body='[{"id": 1}]'),
        case("an archive that is no string", ("getArchive/200", "schema", ""), operation="getArchive", body=[]),
        case(
            "an archive that holds no JSON",
            ("getArchive/200", "embedded", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
            operation="getArchive",
            body="nothing",
        ),
        case(
            "an archive with a repeated key",
            ("getArchive/200", "embedded", "an object repeats the key 'id'"),
            operation="getArchive",
            body='[{"id": 1, "id": 2}]',
        ),
        case("an entry without id", ("getArchive/200", "embedded", "/0/id"), operation="getArchive", body="[{}]"),
        case("an empty archive", ("getArchive/200/inferred", "inferred", ""), operation="getArchive", body="[]"),
        # ---------------------------------------------------------------- credentials
        *(
            case(
                f"success with the key {role}",
                ("getThing/credentials", "credentials", f"key {role}"),
                body=THING,
                roles={"key": role},
            )
            for role in ("absent", "altered", "wrong_scheme")
        ),
        case("success with a key in a known state", body=THING, roles={"key": "expired"}),
        # ---------------------------------------------------------------- requests that the spec rules out
        case("a bad request refused", operation="makeThing", request=b"{}", status=400, roles={}),
        case(
            "a bad request accepted",
            ("makeThing/rejects", "rejects", ""),
            operation="makeThing",
            request=b"{}",
            status=201,
            roles={},
        ),
        case("a bad number accepted", ("getThing/rejects", "rejects", ""), query={"size": "0"}, body=THING),
        case(
            "an undeclared media type accepted",
            operation="makeThing",
            request=b"x",
            request_type="text/plain",
            status=201,
            roles={},
        ),
        # ---------------------------------------------------------------- server errors
        case("a server error", ("getThing/survives", "survives", ""), status=500, raw=b"x", media_type="text/plain"),
        case("a server error on request", status=500, raw=b"x", media_type="text/plain", roles={"key": "answer-500"}),
        # ---------------------------------------------------------------- what the document is silent about
        case("an undocumented refusal", operation="getArchive", status=401, raw=b"", roles={"key": "absent"}),
        case("an undocumented 403", operation="getArchive", status=403, raw=b"", roles={"key": "absent"}),
        case("an odd path refused by a router", path={"id": "../x"}, status=400, raw=b""),
        case("an odd path redirected by a router", path={"id": ".."}, status=307, raw=b""),
        case(
            "an odd path, and a server error",
            ("getThing/survives", "survives", ""),
            path={"id": "%"},
            status=500,
            raw=b"",
            media_type="text/html",
        ),
        case("an answer to HEAD", operation="countThings", raw=b"", roles={}),
    ],
)
def test_an_answer_breaks_these_claims(
    facts: Make, answer: dict[str, Any], violations: list[tuple[str, str, str]]
) -> None:
    """What comes, and exactly what is wrong with it."""
    judgement = judge(facts(**answer))

    assert [(v.claim, v.kind, v.where) for v in judgement.violations] == violations
    assert not {v.claim for v in judgement.violations} & set(judgement.verified)


@pytest.mark.parametrize(
    "answer, verified",
    [
        pytest.param(
            {"body": THING},
            ["delivery", "time", "survives", "status", "media-type", "json", "200", "200/inferred"],
            id="success",
        ),
        pytest.param(
            {"status": 401, "body": REFUSED, "roles": {"key": "altered"}},
            ["credentials", "delivery", "time", "survives", "status", "media-type", "json", "code", "401/bad_key"],
            id="refusal",
        ),
        pytest.param(
            {"status": 404, "raw": b"", "query": {"size": "x"}},
            ["rejects", "delivery", "time", "survives", "status", "404"],
            id="bad request",
        ),
        pytest.param(
            {"status": 503, "raw": b"x", "media_type": "text/plain", "roles": {"key": "answer-503"}},
            ["delivery", "time", "status", "media-type", "5XX"],
            id="server error",
        ),
    ],
)
def test_an_honest_answer_verifies_claims(facts: Make, answer: dict[str, Any], verified: list[str]) -> None:
    """Each claim that an answer keeps is counted, once."""
    assert judge(facts(**answer)).verified == tuple(f"getThing/{each}" for each in verified)


def test_a_violation_says_it_all(facts: Make) -> None:
    """Claim, level, what was expected, what came and the exchange that shows it."""
    made = facts(body={"size": 3})
    (violation,) = judge(made).violations

    assert (violation.api, violation.level, violation.operation) == ("things", Level.PROMISE, "getThing")
    assert violation.message == 'A 200 answer does not look as documented at /id: "id" is a required property.'
    assert (violation.expected, violation.found) == ("a required field", "nothing")
    assert violation.exchange is made.exchange


@pytest.mark.parametrize(
    "answer, drift",
    [
        pytest.param({"body": THING}, [], id="nothing"),
        pytest.param({"body": {**THING, "a/b": 1, "z": {"y": 1}}}, ["field /a~1b", "field /z"], id="fields"),
        pytest.param(
            {"body": {"id": "t-1", "parts": [{"name": "x", "new": 1}, {"new": 2}, {"more": 3}]}},
            ["field /parts/*/new", "field /parts/*/more"],
            id="positions are stars",
        ),
        pytest.param(
            {"body": {"id": "t-1", "labels": {"second": {"text": "x", "new": 1}}, "free": {"anything": 1}}},
            ["field /labels/*/new"],
            id="maps and free-form objects",
        ),
        pytest.param(
            {"operation": "getArchive", "status": 403, "raw": b"", "roles": {"key": "absent"}},
            ["status 403"],
            id="refusal",
        ),
        pytest.param({"path": {"id": "a b"}, "status": 414, "raw": b""}, ["status 414"], id="router's status"),
        pytest.param(
            {"path": {"id": "a b"}, "status": 401, "raw": b"", "media_type": "text/html"},
            ["media-type text/html"],
            id="router's media type",
        ),
    ],
)
def test_what_is_allowed_is_drift(facts: Make, answer: dict[str, Any], drift: list[str]) -> None:
    """Undocumented, worth knowing, and no violation."""
    judgement = judge(facts(**answer))

    operation = answer.get("operation", "getThing")
    assert judgement.violations == ()
    assert list(judgement.drift) == [Drift("things", operation, *each.split(" ", 1)) for each in drift]
