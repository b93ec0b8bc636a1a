"""What was seen becomes an overlay that documents it, at the narrowest place that is right, and nothing else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from specwatch.conformance import Facts, judge
from specwatch.drift.editing import edited
from specwatch.drift.proposal import propose
from specwatch.lint import lint_spec
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.violation import Sighting

MakeSighting = Callable[..., Sighting]
PLANT = "$.components.schemas.Plant"


def test_a_field_of_a_shared_schema_goes_there_where_all_users_show_it(garden: Api, seen: MakeSighting) -> None:
    """One action, with what is known from all of them."""
    found = [
        seen("field /colour", "red", count=2, first_at=1_600_000_000.0),
        seen("field /plants/*/colour", None, operation="getBed", count=3),
    ]
    (action,) = propose(garden, found).actions
    assert action.target == PLANT
    assert action.update == {"properties": {"colour": {"type": ["null", "string"], "examples": ["red"]}}}
    each = "/colour of getPlant 200 (2 times), /plants/*/colour of getBed 200 (3 times)"
    assert sorted(each.split(", ")) == sorted(
        action.description.removeprefix("Field ").partition(": seen from 2020-09-13 to 2023-11-14.")[0].split(", ")
    )


def test_where_not_all_users_show_it_that_is_said(garden: Api, seen: MakeSighting) -> None:
    """Which ones do not; --shared writes it all the same."""
    proposal = propose(garden, [seen("field /colour")])
    assert proposal.actions == ()
    (left,) = proposal.unwritten
    assert left.reason.startswith(f"{PLANT} also describes getBed 200 at /plants/*, where it was not seen; --shared")
    assert [action.target for action in propose(garden, [seen("field /colour")], shared=True).actions] == [PLANT]


def test_a_field_of_an_answer_of_its_own(garden: Api, seen: MakeSighting) -> None:
    """Goes into the schema that stands there."""
    (action,) = propose(garden, [seen("field /a~1b", 1, operation="getBed")]).actions
    assert action.target == "$.paths['/beds/{id}'].get.responses['200'].content['application/json'].schema"
    assert action.update == {"properties": {"a/b": {"type": "integer", "examples": [1]}}}


def test_a_field_of_json_in_a_string(garden: Api, seen: MakeSighting) -> None:
    """Goes into its contentSchema."""
    (action,) = propose(garden, [seen("field /letter#/*/sender", "string", operation="getBed")]).actions
    assert action.target.endswith(".schema.properties.letter.contentSchema.items")


@pytest.mark.parametrize(
    "what, target, update",
    [
        ("value /state=asleep", f"{PLANT}.properties.state['x-extensible-enum']", "asleep"),
        ("value /kind=shrub", f"{PLANT}.properties.kind.anyOf[0].enum", "shrub"),
        ("value /soil=peat", f"{PLANT}.properties.soil.examples", "peat"),
    ],
)
def test_a_value_is_appended_to_its_open_list(
    garden: Api, seen: MakeSighting, what: str, target: str, update: str
) -> None:
    """However the document writes that a list is open."""
    kind, name = what.split(" ")
    found = [seen(what, update), seen(f"{kind} /plants/*{name}", update, operation="getBed")]
    (action,) = propose(garden, found).actions
    assert (action.target, action.update) == (target, update)


def test_statuses_headers_codes_and_media_types(garden: Api, seen: MakeSighting) -> None:
    """Each has its place at the answer."""
    found = [
        seen("status 403", None, status=403),
        seen("header x-rate", "100"),
        seen("media-type text/html", None, status=404),
        seen("code gone", "gone", status=404),
        seen("code gone", "gone", operation="getBed", status=404),
        seen("code late", "late", operation="getBed", status=410),
        seen("connection closed without an answer", None, status=0),
    ]
    proposal = propose(garden, found)
    get = "$.paths['/plants/{id}'].get.responses"
    answer = "$.paths['/beds/{id}'].get.responses['404'].content['application/json']"
    error = f"{answer}.schema.properties.error.properties.code"
    assert [(action.target, action.update) for action in proposal.actions][:4] == [
        (get, {"403": {"description": "Not in the documentation; seen 1 time on 2023-11-14."}}),
        (f"{get}['404']", {"content": {"text/html": {}}}),
        (f"{get}['200']", {"headers": {"x-rate": {"schema": {"type": "string"}, "example": "100"}}}),
        (error, {"x-extensible-enum": ["gone"]}),
    ]
    assert [left.reason for left in proposal.unwritten] == ["a document has no place for it"]


def test_several_codes_make_one_list(garden: Api, seen: MakeSighting) -> None:
    """The first one begins it, the next is appended."""
    found = [seen(f"code {name}", name, status=404) for name in ("gone", "late")]
    first, second = propose(garden, found).actions
    assert (first.update, second.update) == ({"x-extensible-enum": ["gone"]}, "late")
    assert second.target == f"{first.target}['x-extensible-enum']"


def test_what_cannot_be_written_is_said(garden: Api, seen: MakeSighting) -> None:
    """Names that are values, operations that are gone, answers without a schema."""
    found = [
        seen("field /*", 1),
        seen("field /x", 1, operation="gone"),
        seen("field /x", 1, status=999),
        seen("header *", "a"),
        seen("media-type none", None, status=404),
    ]
    proposal = propose(garden, found, shared=True)
    assert proposal.actions == ()
    assert sorted(left.reason.split(":")[0] for left in proposal.unwritten) == [
        "a document has no place for an answer without a media type",
        "its name looks like a value",
        "its name looks like a value",
        "status 999 is not documented",
        "the document has no such operation any more",
    ]


def test_what_is_documented_by_now_needs_nothing(garden: Api, seen: MakeSighting) -> None:
    """A field, a value, a header and a status that somebody has added since."""
    found = [
        seen("field /id"),
        seen("value /state=alive"),
        seen("header x-known"),
        seen("status 404", None, status=404),
    ]
    assert propose(garden, found, shared=True).actions == ()


def facts(api: Api, operation: str, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Facts:
    """An answer to a good request."""
    found = api.operation(operation)
    received = (("content-type", "application/json"), *(headers or {}).items())
    return Facts(
        api,
        found,
        Exchange(
            id="1",
            api=api.id,
            operation=operation,
            target="https://garden.example.com",
            request=Request(found.method, "https://garden.example.com/x", (), b""),
            response=Response(status, received, json.dumps(body).encode()),
            timings=Timings(1_700_000_000.0, 0.1),
            credentials={"token": "altered"} if status == 403 and found.security else {},
            path_parameters={"id": "p-1"},
        ),
    )


ANSWERS: list[tuple[str, object, int, dict[str, str]]] = [
    (
        "getPlant",
        {"id": "p-1", "state": "asleep", "kind": "shrub", "age": 3, "roots": {"deep": True}},
        200,
        {"x-rate": "9"},
    ),
    ("getPlant", {"age": None, "roots": {"deep": None, "wide": 1.5}, "soil": "peat"}, 200, {}),
    ("getPlant", {"age": 4.5, "roots": [], "note": "Other"}, 200, {}),
    ("getPlant", None, 403, {}),
    ("getPlant", {"error": {"code": "gone", "hint": "x"}}, 404, {}),
    ("getBed", {"plants": [{"age": 1, "roots": {}, "state": "asleep", "kind": "shrub", "soil": "peat"}]}, 200, {}),
    ("getBed", {"letter": json.dumps([{"line": "a", "sent": "2026-01-01"}]), "at": "2026-01-01T00:00:00Z"}, 200, {}),
    ("getBed", {"at": "never", "free": {"u@example.com": 1}}, 200, {"retry-after": "1"}),
    ("getBed", {"error": {"code": "gone", "hint": 1}}, 404, {}),
    ("getBed", {"error": {"code": "late", "more": [{"a": 1}, {"a": "b"}]}}, 410, {}),
]


def test_documented_drift_is_seen_no_more(garden: Api, spec: Path) -> None:
    """Judged by the edited spec, the same answers show no drift and break nothing; and the spec lints."""
    found = [each for answer in ANSWERS for each in judge(facts(garden, *answer)).sightings]
    assert len(found) > len(ANSWERS)
    proposal = propose(garden, found)
    assert proposal.unwritten == ()

    result = edited(spec, spec.read_text(encoding="utf-8"), proposal.actions)
    assert not result.reformatted
    spec.write_text(result.text, encoding="utf-8")
    problems = [problem for problem in lint_spec(spec)[1] if "specwatch.yaml" not in problem.found]
    assert problems == []
    api = load_api(spec)
    for answer in ANSWERS:
        judgement = judge(facts(api, *answer))
        assert (judgement.violations, judgement.sightings) == ((), ())


def test_a_json_spec_is_edited_too(garden: Api, tmp_path: Path) -> None:
    """The same in JSON."""
    path = tmp_path / "garden.json"
    path.write_text(json.dumps(copy.deepcopy(dict(garden.raw)), indent=2), encoding="utf-8")
    api = load_api(path)
    found = [each for answer in ANSWERS for each in judge(facts(api, *answer)).sightings]
    path.write_text(edited(path, path.read_text(encoding="utf-8"), propose(api, found).actions).text, encoding="utf-8")
    edited_api = load_api(path)
    assert not any(judge(facts(edited_api, *answer)).sightings for answer in ANSWERS)


def test_an_overlay_shows_nobody(garden: Api) -> None:
    """Names, addresses, tokens and numbers of people are nowhere in what is proposed."""
    body = {
        "holder": {"name": "Rosa", "mail": "rosa@garden.net", "phone": "+49 170 1234567", "card": 4111111111111111},
        "token": "s3cr3t-7f3a9c",
        "link": "https://garden.net/?sig=abc",
        "note2": "call Rosa",
        "born": "1990-01-31",
    }
    found = judge(facts(garden, "getPlant", body)).sightings
    text = yaml.safe_dump([action.update for action in propose(garden, found, shared=True).actions])
    assert len(found) == len(body)
    for secret in ("Rosa", "rosa", "170", "4111", "s3cr3t", "garden.net", "call", "1990"):
        assert secret not in text
    assert "user@example.com" in text
