"""Faults that follow from a spec: each does what its name says."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sandbox.conftest import parcels_module

from specwatch.sandbox import (
    Answer,
    Call,
    Catalogue,
    EmbeddedSandbox,
    Fault,
    FaultKind,
    UnknownFaultError,
    derive_faults,
)
from specwatch.sandbox.mutations import CHANGES, DROP, NOT_HERE, WIRE, edit, places
from specwatch.sandbox.shape import examples_of
from specwatch.spec import Api
from specwatch.values import Concern, Level

KEYS = {"x-client": "specwatch-sandbox-account", "x-key": "specwatch-sandbox-account"}
ENLIST = "parcels/getParcel"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def call_of(api: Api, operation: str, body: bytes = b"") -> Call:
    """A good call of an operation."""
    return Call(
        operation=operation,
        method="GET",
        path={},
        query={},
        headers={},
        body=body,
        account="account",
        now=0.0,
        worker_seconds=0.0,
        store={},
        faults=frozenset(),
        spec=api.operation(operation),
    )


def faults_of(api: Api) -> dict[str, Fault]:
    """The derived faults of an API by name."""
    return {fault.name: fault for fault in derive_faults(api)}


def test_names_are_unique_and_stable(api: Api) -> None:
    """Deriving twice gives the same names in the same order, each with a text and the claim it breaks."""
    first, second = derive_faults(api), derive_faults(api)
    assert [fault.name for fault in first] == [fault.name for fault in second]
    assert len({fault.name for fault in first}) == len(first)
    for fault in first:
        assert fault.name.startswith(f"parcels/{fault.operation}/")
        assert fault.text.endswith(".")
        assert fault.breaks
        assert fault.kind is FaultKind.DERIVED


@pytest.mark.parametrize(
    "name",
    [
        "200/drop/state",
        "200/drop/history.0.at",
        "200/type/history",
        "200/null/code",
        "200/value/state",
        "200/value/history.0.at",
        "200/type/labels.*",
        "200/times-1000/posted",
        "200/empty-body",
        "200/truncated",
        "200/duplicate-key",
        "200/nan",
        "200/not-utf8",
        "200/media-type",
        "404/drop/error.code",
        "404/code/undocumented",
        "404/code/of-401",
        "status/200-as-299",
        "status/404-as-418",
        "status/404-as-401",
        "credential/token-absent",
        "credential/token-wrong",
        "credential/token-wrong-scheme",
        "credential/token-old",
        "credential/ignored",
        "accepts/path-code-minLength",
        "slow",
    ],
)
def test_each_kind_is_derived(api: Api, name: str) -> None:
    """Fields, values, formats, units, codes, statuses, texts, credentials, inputs, time."""
    assert f"{ENLIST}/{name}" in faults_of(api)


@pytest.mark.parametrize(
    "name", ["200/null/weight", "200/drop/carrier", "200/value/code", "status/401-as-403", "200/drop/labels.*"]
)
def test_what_the_document_allows_is_no_fault(api: Api, name: str) -> None:
    """A nullable field, an optional one, free text, 403 for 401: nothing is broken there."""
    assert f"{ENLIST}/{name}" not in faults_of(api)


def test_the_level_is_that_of_what_is_broken(api: Api) -> None:
    """A bound that only examples show is an inference, a required field a promise."""
    faults = faults_of(api)
    assert faults[f"{ENLIST}/200/times-1000/posted"].level is Level.INFERENCE
    assert faults[f"{ENLIST}/200/times-1000/posted"].breaks == "getParcel/200/inferred"
    assert faults[f"{ENLIST}/200/drop/state"].level is Level.PROMISE


@pytest.mark.parametrize(
    "name, concern",
    [
        ("getParcel/200/drop/code", Concern.SCHEMA),
        ("getParcel/404/drop/error.code", Concern.ERRORS),
        ("getParcel/status/200-as-299", Concern.STATUS),
        ("getParcel/credential/token-old", Concern.AUTHENTICATION),
        ("wrong-parcel", Concern.SEMANTICS),
    ],
)
def test_a_fault_is_of_the_concern_of_what_it_breaks(api: Api, name: str, concern: Concern) -> None:
    """The claim that it breaks says what it is about; overlooked credentials are always a matter of authentication."""
    assert Catalogue([api], {"parcels": parcels_module()}).get(f"parcels/{name}").concern is concern


def test_every_changed_body_breaks_the_document(api: Api) -> None:
    """Whatever field fault is applied to its example, the body no longer fits, and the example itself is untouched."""
    applied = 0
    for fault in derive_faults(api):
        kind = fault.short_name.split("/")[2] if fault.short_name.count("/") > 2 else ""
        if kind not in {*CHANGES, "code"}:
            continue
        operation, status = api.operation(str(fault.operation)), int(fault.short_name.split("/")[1])
        response = operation.response(status)
        assert response is not None
        media = response.media["application/json"]
        before = json.dumps(examples_of(media))
        changed = [fault.apply(call_of(api, operation.id), Answer(status, value)) for value in examples_of(media)]
        fits = [_fits(media, answer) for answer in changed]
        assert not all(fits), fault.name
        assert json.dumps(examples_of(media)) == before
        applied += 1
    assert applied > 50


def _fits(media: Any, answer: Answer) -> bool:
    body = json.loads(answer.raw) if answer.raw is not None else answer.body
    if media.schema.raw.get("contentSchema") and isinstance(body, str):
        return bool(_content_fits(body))
    return bool(media.schema.is_valid(body) and (media.inferred is None or media.inferred.is_valid(body)))


def _content_fits(text: str) -> bool:
    try:
        items = json.loads(text)
    except ValueError:
        return False
    return isinstance(items, list) and all(isinstance(i, dict) and isinstance(i.get("code"), str) for i in items)


@pytest.mark.parametrize("name", ["200/content/body", "200/drop/body.content.0.code", "200/type/body.content.0.code"])
def test_json_within_a_string_is_broken_too(api: Api, name: str) -> None:
    """The content of a JSON string is cut off, or changed field by field."""
    fault = faults_of(api)[f"parcels/findParcels/{name}"]
    body = '[{"code": "P-1"}, {"code": "P-2"}]'

    answer = fault.apply(call_of(api, "findParcels"), Answer(200, body))

    assert isinstance(answer.body, str)
    assert not _content_fits(answer.body)


@pytest.mark.parametrize("name", sorted({"200/drop/state", "200/media-type", "status/200-as-299", "200/truncated"}))
def test_a_fault_touches_only_its_status(api: Api, name: str) -> None:
    """An answer with another status stays as it is."""
    answer = Answer(404, {"error": {"code": "no_parcel", "message": "There is none."}})
    assert faults_of(api)[f"{ENLIST}/{name}"].apply(call_of(api, "getParcel"), answer) == answer


@pytest.mark.parametrize(
    "name, check",
    [
        ("200/media-type", lambda r: r.headers["content-type"] == "text/html" and r.json()["code"] == "P-1"),
        ("200/empty-body", lambda r: r.content == b"" and r.headers["content-type"] == "application/json"),
        ("200/truncated", lambda r: r.content.startswith(b'{"code":"P-1"') and not r.content.endswith(b"}")),
        ("200/duplicate-key", lambda r: r.content.count(b'"code":') == 2),
        ("200/nan", lambda r: b":NaN" in r.content),
        ("200/not-utf8", lambda r: b"\xe9" in r.content and not _is_utf8(r.content)),
        ("status/200-as-299", lambda r: r.status_code == 299),
        ("200/null/body", lambda r: r.content == b"null"),
        ("200/drop/state", lambda r: "state" not in r.json()),
    ],
)
def test_faults_reach_the_wire(
    sandbox: EmbeddedSandbox, client: httpx.Client, name: str, check: Callable[[httpx.Response], bool]
) -> None:
    """What a client sees is what the name says."""
    sandbox.app_state.enable(f"{ENLIST}/{name}")
    assert check(client.get("/v1/parcels/P-1"))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "name, served",
    [
        ("token-absent", {"absent"}),
        ("token-wrong", {"wrong"}),
        ("token-wrong-scheme", {"scheme"}),
        ("token-old", {"old"}),
        ("ignored", {"absent", "wrong", "scheme", "old"}),
    ],
)
def test_bad_credentials_are_served_one_kind_at_a_time(sandbox: EmbeddedSandbox, name: str, served: set[str]) -> None:
    """Each credential fault overlooks its own problem and no other."""
    sandbox.app_state.enable(f"{ENLIST}/credential/{name}")
    sent = {
        "absent": {},
        "wrong": {"authorization": "Bearer x"},
        "scheme": {"authorization": "Basic specwatch-sandbox-account"},
        "old": {"authorization": "Bearer specwatch-sandbox-old"},
    }
    with httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        statuses = {kind: client.get("/v1/parcels/P-1", headers=headers).status_code for kind, headers in sent.items()}
    assert {kind for kind, status in statuses.items() if status == 200} == served


@pytest.mark.parametrize(
    "name, body",
    [
        ("no-json", None),
        ("without-by", {"code": "P-1"}),
        ("without-code", {"by": "code"}),
        ("code-minLength", {"by": "code", "code": "P"}),
        ("codes-minItems", {"by": "codes", "codes": []}),
        ("codes.0-type", {"by": "codes", "codes": [1]}),
        ("by-const", {"by": "name", "code": "P-1"}),
        ("body-type", ["P-1"]),
    ],
)
def test_an_unenforced_constraint_lets_just_that_request_through(
    sandbox: EmbeddedSandbox, client: httpx.Client, name: str, body: object
) -> None:
    """The request that breaks the constraint succeeds; one that breaks another is refused as ever."""
    sandbox.app_state.enable(f"parcels/findParcels/accepts/{name}")
    content = b"{" if body is None else json.dumps(body).encode()

    assert client.post("/v1/parcels/find", headers=KEYS, content=content).status_code == 200
    assert client.post("/v1/parcels/find", headers=KEYS, json={"by": "codes", "codes": 3}).status_code == 400
    assert client.post("/v1/parcels/find", content=content).status_code == 401


def test_a_slow_answer_comes_later_than_the_objective_allows(api: Api) -> None:
    """The delay is the objective and half a second more."""
    answer = faults_of(api)[f"{ENLIST}/slow"].apply(call_of(api, "getParcel"), Answer(200, {}))
    assert answer.delay_seconds == 1.5


def test_several_faults_act_together(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """Fields are changed before the text is spoilt, in whatever order the faults were switched on."""
    sandbox.app_state.enable(f"{ENLIST}/200/duplicate-key", f"{ENLIST}/200/drop/code", "parcels/wrong-parcel")
    assert client.get("/v1/parcels/P-1").content.startswith(b'{"state":null,"state":"moving"')


def test_an_unknown_fault_switches_nothing_on(sandbox: EmbeddedSandbox) -> None:
    """Of several names one is wrong: none is taken, and the nearest names are offered."""
    with pytest.raises(UnknownFaultError, match="parcels/frozen") as caught:
        sandbox.app_state.enable("parcels/wrong-parcel", "parcels/frosen")
    assert caught.value.nearest[0] == "parcels/frozen"
    assert sandbox.app_state.faults == ()


@given(JSON)
def test_changes_never_touch_the_original(value: object) -> None:
    """Whatever is changed at whatever place, the value stays as it was and the result differs from it."""
    before = json.dumps(value)
    for steps, _ in places(value, ()):
        for name, (_, change) in CHANGES.items():
            if name != "per-1000":
                changed = edit(value, steps, change)
                assert changed is NOT_HERE or changed is DROP or json.dumps(changed) != before
    assert json.dumps(value) == before


@given(JSON)
def test_spoilt_texts_are_no_strict_json(value: object) -> None:
    """No way of spoiling a text leaves one that a strict reader takes for the same value."""
    for spoil in [spoil for _, spoil in WIRE.values()]:
        raw = spoil(value)
        assert raw is None or not _strictly_equal(raw, value)


def _strictly_equal(raw: bytes, value: object) -> bool:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in items}) < len(items):
            raise ValueError
        return dict(items)

    def constant(text: str) -> None:
        raise ValueError(text)

    try:
        return bool(json.loads(raw.decode(), object_pairs_hook=pairs, parse_constant=constant) == value)
    except ValueError:
        return False
