"""Each way in which faults are derived: the honest answer keeps what the fault names, the faulty one breaks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

import httpx
import pytest
from tests.sandbox.library import LIBRARY, broken, honest, library_call

from specwatch.conformance.judge import judge
from specwatch.sandbox import Answer, Call, EmbeddedSandbox, Fault, SandboxApi, derive_faults, underivable
from specwatch.sandbox.derivation.exchange import Seen, roles_of

FAULTS = {fault.short_name: fault for fault in derive_faults(LIBRARY)}
UNBUILT = {each.what: each.reason for each in underivable(LIBRARY)}
OURS = "specwatch-sandbox-account"


def _shown(name: str) -> set[str]:
    """The derived claims that the first answer breaks which a fault changes."""
    fault = FAULTS[name]
    for path in ({"id": "b-1"}, {"id": "b-9"}):
        call = library_call(str(fault.operation), 1, {}, **path)
        answer = fault.apply(call, honest(call))
        if answer != honest(call):
            seen = Seen(LIBRARY, LIBRARY.operation(call.operation), call, answer)
            return {violation.claim for violation in judge(seen.facts).violations}
    message = f"{name} changes nothing"
    raise AssertionError(message)


@pytest.mark.parametrize(
    "name",
    [
        "getBook/200/maxLength/id",
        "getBook/200/empty/id",
        "getBook/200/times-1000/loans",
        "getBook/200/negative/loans",
        "getBook/200/empty/tags",
        "getBook/200/maxItems/tags",
        "getBook/200/uniqueItems/tags",
        "getBook/200/empty/tags.0",
        "getBook/200/value/printed",
        "getBook/200/value/state",
        "getBook/200/additionalProperties/body",
        "getBook/200/added-stars/body",
        "getBook/200/header/x-left-missing",
        "getBook/200/header/x-left-malformed",
        "getBook/200/no-media-type",
        "getBook/200/media-type",
        "getBook/404/code/undocumented",
        "getBook/fails",
        "takeTicket/200/drop/body.content.0.seat",
        "takeTicket/200/per-1000/body.content.0.seat",
        "takeTicket/200/content/body",
    ],
)
def test_each_kind_breaks_what_it_names(name: str) -> None:
    """Bounds, formats, ruled-out fields, headers, media types, codes, failures; within JSON in a string, too."""
    assert _is_broken(FAULTS[name].breaks, _shown(name))


def test_every_body_fault_breaks_its_claim() -> None:
    """No fault of a field is one that the document allows after all."""
    fields = [name for name in FAULTS if name.split("/")[1] in {"200", "404"}]
    assert len(fields) > 80
    assert [name for name in fields if not _is_broken(FAULTS[name].breaks, _shown(name))] == []


def _is_broken(breaks: str, claims: AbstractSet[str]) -> bool:
    """Whether a claim is broken, or one about a code of its status, or the code itself where it is unknown."""
    of_codes = any(claim.startswith(f"{breaks}/") for claim in claims)
    return breaks in claims or of_codes or (breaks == "getBook/404" and "getBook/code" in claims)


@pytest.mark.parametrize(
    "what, reason",
    [
        ("getBook/accepts/query-lang-type", "the text of a parameter is a string, whatever is sent"),
        ("getBook/200/maxLength/review", "no value of a fair size breaks maxLength 100000"),
        ("getBook/200/header/x-note-missing", "the header is not required"),
        ("getBook/200/header/x-note-malformed", "its schema takes any text"),
        ("getBook/404/nan", "no example of it has what would be spoilt"),
        ("getBook/404/code/exchanged", "which of its codes is for which cause is a matter of claims"),
        ("listBooks/fails", "no refusal of a request is documented"),
    ],
)
def test_what_cannot_be_built_is_told(what: str, reason: str) -> None:
    """A fault that would follow from the spec, but cannot be built, has a reason instead of a place in the list."""
    assert UNBUILT[what] == reason
    assert what not in FAULTS


def test_nothing_is_both_built_and_not() -> None:
    """A name is either that of a fault or one of what cannot be built."""
    assert FAULTS.keys() & UNBUILT.keys() == set()


@pytest.mark.parametrize("name", ["getBook/accepts/without-query-lang", "getBook/accepts/query-lang-maxLength"])
def test_unenforced_parameters_are_served(name: str) -> None:
    """What the spec asks of a query is not asked any more, of that parameter and no other request."""
    query = {} if "without" in name else {"lang": "english"}
    fault, refused = FAULTS[name], Answer(404, {"code": "no_book", "message": "No."})
    call = library_call("getBook", 1, {}, id="b-1")
    wrong = Call(**{field: getattr(call, field) for field in Call.__slots__} | {"query": query})
    assert fault.apply(wrong, refused).status == 200
    assert fault.apply(call, refused) is refused


@pytest.mark.parametrize("short", ["getBook/credential/in-between", "getBook/breaks-off"])
def test_now_and_then_is_every_third(short: str) -> None:
    """Of six calls the third and the sixth go wrong."""
    calls = [library_call("getBook", number, {}, id="b-1") for number in range(1, 7)]
    wrong = [FAULTS[short].apply(call, honest(call)) != honest(call) for call in calls]
    assert wrong == [False, False, True, False, False, True]


def _locker() -> SandboxApi:
    api = SandboxApi("library")

    @api.operation("getBook")
    def get_book(call: Call) -> Answer:
        return honest(call)

    return api


SENT: Mapping[str, str] = {
    "absent": "",
    "wrong": "Bearer x",
    "wrong-scheme": f"Basic {OURS}",
    "empty": "Bearer",
    "truncated": f"Bearer {OURS[:9]}",
    "extended": f"Bearer {OURS}x",
    "other-case": f"Bearer {OURS.upper()}",
}


@pytest.fixture(scope="module")
def locker() -> Iterator[EmbeddedSandbox]:
    """A running library."""
    with EmbeddedSandbox([LIBRARY], {"library": _locker()}) as running:
        yield running


@pytest.mark.parametrize("way", list(SENT))
def test_each_way_to_get_in_is_overlooked_by_itself(locker: EmbeddedSandbox, way: str) -> None:
    """A fault serves the bad credential that it is named after; `wrong` stands for every wrong value."""
    wider = {"wrong": {"wrong", "empty", "truncated", "extended", "other-case"}}
    locker.app_state.disable_all()
    locker.app_state.enable(f"library/getBook/credential/token-{way}")
    with httpx.Client(base_url=locker.url, trust_env=False) as client:
        sent = {name: {"authorization": value} if value else {} for name, value in SENT.items()}
        served = {name for name, headers in sent.items() if _status(client, headers) == 200}
    assert served == wider.get(way, {way})


def test_an_answer_that_breaks_off_is_noticed_by_a_client(locker: EmbeddedSandbox) -> None:
    """It announces more bytes than come, and the connection ends."""
    locker.app_state.disable_all()
    locker.app_state.reset()
    locker.app_state.enable("library/getBook/breaks-off")
    with httpx.Client(base_url=locker.url, trust_env=False) as client:
        good = {"authorization": f"Bearer {OURS}"}
        assert [_status(client, good) for _ in range(2)] == [200, 200]
        with pytest.raises(httpx.RemoteProtocolError):
            _status(client, good)


def _status(client: httpx.Client, headers: Mapping[str, str]) -> int:
    return client.get("/books/b-1", params={"lang": "en"}, headers=headers).status_code


@pytest.mark.parametrize(
    "header, role",
    [
        (None, "absent"),
        ("Bearer", "empty"),
        (f"Bearer {OURS}", "account"),
        ("Bearer specwatch-sandbox-answer-404", "answer-404"),
        (f"Bearer {OURS[:12]}", "truncated"),
        (f"Bearer {OURS}x", "extended"),
        (f"Bearer {OURS.upper()}", "other_case"),
        ("Bearer specwatch-sandbox-xccount", "altered"),
        (f"Basic {OURS}", "wrong_scheme"),
    ],
)
def test_roles_are_those_of_the_run_that_sent_them(header: str | None, role: str) -> None:
    """From what was sent, the sandbox tells the role that claims speak of."""
    headers = {} if header is None else {"authorization": header}
    assert roles_of(LIBRARY, LIBRARY.operation("getBook"), headers) == {"token": role}


def test_faults_of_one_operation_leave_the_others_alone() -> None:
    """A visit breaks the claims of the faulty operation only."""
    faults: list[Fault] = [fault for name, fault in FAULTS.items() if name.startswith("drawNumber/200/type")]
    assert broken(faults)[1] == {"drawNumber/200"}
