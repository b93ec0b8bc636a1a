"""Every short cut of judging claims ends where the long way does."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from specwatch.claims import CelError, ClaimJudge, compile_expression
from specwatch.claims.cel import Batch, Context, canonical, fit, same
from specwatch.claims.judge import applies
from specwatch.claims.paths import reader
from specwatch.claims.plan import SINGLY, Plan, entries
from specwatch.claims.quick import MATCHED, Patterns, compiled
from specwatch.claims.statuses import rules_out
from specwatch.conformance import Facts
from specwatch.spec import Api, load_api
from specwatch.values import Exchange, Request, Response, Timings

MakeBench = Callable[..., Any]
SPECS = Path(__file__).parents[2] / "specs"
NAMES = st.sampled_from(["id", "items", "a", "b", "status", "created_at", "other"])
TEXTS = st.sampled_from(["", "x", "X-1", "t-1", "é", "2024-07-09T04:01:48Z", "completed", "NULL"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 2.5, 1e16, 2**70]) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


def outcome(judge: ClaimJudge, facts: Facts) -> list[tuple[str, str]]:
    """What a judge says, as text."""
    return [(o.claim.id, o.violation.found if o.violation else "kept") for o in judge.judge(facts)]


CONDITIONS = (
    "response.status == 200",
    "response.status in [200, 404] && has(response.json.id)",
    "response.json.a == 1 || response.status == 404",
    "known.thing == response.json.id",
    "response.json.a",
    "response.json.created_at.matches('^[0-9]{4}-') // when it is a time",
    "true",
)
EXPRESSIONS = (
    "response.json.id == request.path.id",
    "response.json.items.all(one, one.id == response.json.id)",
    "response.json.items.all(one, one.created_at.matches(r'^\\d{4}-\\d\\d'))",
    "response.json.b",
    "response.json.id.lowerAscii().matches('^x') // in small letters",
    "size(response.json.items) < 3",
    "response.headers['x-two'] == '1, 2'",
    "response.status < 300",
)
READINGS = (
    "request.path.id",
    '"always"',
    "response.json.id",
    "[response.json.a, response.json.b]",
    "response.json.status",
    "response.json.items.map(one, one)",
)
ITEM_READINGS = ("item.id", "item", '["a", "b"].map(name, name in item ? item[name] : null)', "response.json.id")
LISTS = (
    "response.json.items",
    "response.json",
    "response.json.items.filter(one, has(one.id))",
    "response.json.nothing",
)

whens = st.none() | st.sampled_from(CONDITIONS)


@st.composite
def claims(draw: st.DrawFn) -> dict[str, Any]:
    """A claim of any form on the operation that reads a thing."""
    when = draw(whens)
    common: dict[str, Any] = {} if when is None else {"when": when}
    form = draw(st.sampled_from(["holds", "series", "observe"]))
    if form == "holds":
        return {**common, "operations": ["getThing"], "holds": draw(st.sampled_from(EXPRESSIONS))}
    if form == "series":
        rule: dict[str, Any] = draw(
            st.sampled_from([{"constant": True}, {"unique": True}, {"not-before": True}, {"order": ["x", "X-1"]}])
        )
        return {**common, "operations": ["getThing"], "series": {**draw(reading()), **rule}}
    sides = draw(st.lists(reading(), min_size=2, max_size=3))
    side_whens = [draw(whens) for _ in sides]
    observe = [
        {"operation": "getThing", **side, **({} if side_when is None else {"when": side_when})}
        for side, side_when in zip(sides, side_whens, strict=True)
    ]
    return {**common, "observe": observe}


@st.composite
def reading(draw: st.DrawFn) -> dict[str, Any]:
    """A key and a value, of an exchange or of each element of a list."""
    if draw(st.booleans()):
        return {"key": draw(st.sampled_from(READINGS)), "value": draw(st.sampled_from(READINGS))}
    texts = st.sampled_from(ITEM_READINGS)
    return {"each": draw(st.sampled_from(LISTS)), "key": draw(texts), "value": draw(texts)}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all examples of a test."""
    return tmp_path_factory.mktemp("fast")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_claims_together_say_what_each_says_alone(shared: Path, data: st.DataObject) -> None:
    """Whatever the claims and the answers: the outcomes are the same, in the same order, for as long as it goes on."""
    api = load_api(spec_with(shared, data.draw(st.lists(claims(), min_size=1, max_size=6))))
    known = data.draw(st.sampled_from([{}, {"thing": "t-1"}]))
    together, alone = ClaimJudge(api, known, warm=0), ClaimJudge(api, known, warm=sys.maxsize)

    bodies = st.dictionaries(NAMES, VALUES, max_size=5) | VALUES
    for number in range(4):
        facts = answer(api, number, data.draw(bodies), data.draw(st.sampled_from([200, 200, 404, 500])))

        assert outcome(together, facts) == outcome(alone, facts)


def spec_with(folder: Path, drawn: list[dict[str, Any]]) -> Path:
    """A spec with some claims."""
    full = [
        {"id": f"claim-{number}", "level": "promise", "text": "So.", "source": "Things", **claim}
        for number, claim in enumerate(drawn)
    ]
    spec = {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "x-claims": full,
        "paths": {"/things/{id}": {"get": {"operationId": "getThing", "responses": {"200": {"description": "It."}}}}},
    }
    path = folder / "things.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


def answer(api: Api, number: int, body: object, status: int) -> Facts:
    """An answer with a body."""
    exchange = Exchange(
        id=str(number),
        api=api.id,
        operation="getThing",
        target="https://api.example.com",
        request=Request("GET", "https://api.example.com/things/t-1", (), b""),
        response=Response(status, (("X-Two", "1"), ("x-two", "2")), json.dumps(body).encode()),
        timings=Timings(float(number), 0.5),
        path_parameters={"id": "t-1"},
    )
    return Facts(api, api.operation("getThing"), exchange)


@cache
def apis() -> dict[str, Api]:
    """The APIs of this repository."""
    return {path.stem: load_api(path) for path in sorted(SPECS.glob("*.yaml"))}


def documented() -> Iterator[tuple[str, str, str, str]]:
    """Every documented answer: API, operation, status and name of the example."""
    for api in apis().values():
        for operation in api.operations:
            for status, response in operation.responses.items():
                for name in {name for media in response.media.values() for name in media.examples} or {""}:
                    yield api.id, operation.id, status, name


@pytest.mark.parametrize("api_id, operation_id, status, name", sorted(documented()))
def test_documented_answers_are_judged_alike(api_id: str, operation_id: str, status: str, name: str) -> None:
    """The claims of this repository, on documented answers and on what is left when a field is taken out of them."""
    api = apis()[api_id]
    operation = api.operation(operation_id)
    known = {known_name: known.value for known_name, known in api.known.items()}
    together, alone = ClaimJudge(api, known, warm=0), ClaimJudge(api, known, warm=sys.maxsize)
    requests = [
        example
        for media in (operation.body.media if operation.body else {}).values()
        for example in media.examples.values()
    ]
    value = operation.responses[status].example(name) if name else None

    numbers = iter(range(10_000))
    for sent in requests or [None]:
        for body in [value, value, *less(value)]:
            facts = documented_facts(api, operation_id, int(status), sent, body, next(numbers))
            assert outcome(together, facts) == outcome(alone, facts)


def less(value: object) -> Iterator[object]:
    """The value without one of its outer fields, and with each of them emptied."""
    if isinstance(value, Mapping):
        for name in value:
            yield {key: item for key, item in value.items() if key != name}
            yield {**value, name: None}


def documented_facts(api: Api, operation_id: str, status: int, sent: object, body: object, number: int) -> Facts:
    """The facts of an exchange of one of the APIs."""
    operation = api.operation(operation_id)
    headers = (("content-type", "application/json"),)
    exchange = Exchange(
        id=str(number),
        api=api.id,
        operation=operation_id,
        target="https://api.example.com",
        request=Request(operation.method, operation.path, headers, b"" if sent is None else json.dumps(sent).encode()),
        response=Response(status, headers, b"" if body is None else json.dumps(body).encode()),
        timings=Timings(float(number), 0.5),
        credentials=dict.fromkeys(operation.security, "account" if status < 400 else "altered"),
        path_parameters=dict.fromkeys(operation.path_names, "task_euyrvozb9302uwhq"),
    )
    return Facts(api, operation, exchange)


def test_one_error_makes_one_claim_go_the_long_way(bench: MakeBench) -> None:
    """Of many claims, only that with the error is judged by itself."""
    texts = ["true", "response.json.missing == 1", "response.status == 200", "false", "true"]
    show = bench(*({"operations": ["getThing"], "holds": text} for text in texts))
    facts = show.facts({"id": 1})
    plan = Plan(entries(show.api.claims[-5:], "getThing", 200))

    answers = plan.answers(lambda _fields: {"response": {"status": 200, "json": {}}})

    assert [answer if answer is not SINGLY else "singly" for answer in answers] == ["1", "singly", "1", "2", "1"]
    assert outcome(ClaimJudge(show.api, {}, warm=0), facts) == outcome(ClaimJudge(show.api, {}), facts)


def test_questions_are_asked_once_it_pays(bench: MakeBench) -> None:
    """A few exchanges are not worth the time that it takes to put claims together."""
    plan = Plan(entries(bench({"holds": "true"}).api.claims, "getThing", 200), warm=2)

    assert [plan.ready for _ in range(4)] == [False, False, True, True]


STATUS_PARTS = st.sampled_from(
    [
        *("response.status == 200", "response.status in [404, 422]", "response.status in []", "response.status >= 400"),
        *("response.status != 404", "response.status < 300", "response.status > 200", "response.status <= 404"),
        *("response.json.missing == 1", "'response.status == 1'", "!(response.status == 200)", "response.status"),
        *("(response.status == 404)", "'&& response.status == 404 &&' != ''", "r'\\' != '&& response.status == 500'"),
        "// response.status == 404 &&\n true",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(STATUS_PARTS, st.sampled_from([" && ", " || ", "\n&& "])), min_size=1, max_size=4),
    st.sampled_from([200, 300, 404, 422, 500]),
)
def test_a_status_is_ruled_out_only_where_the_condition_fails(parts: list[tuple[str, str]], status: int) -> None:
    """A claim that is left out because of the status is one whose condition is not met."""
    text = "".join(part + operator for part, operator in parts).rstrip("|& \n")
    context = Context.of({"response": {"status": status, "json": {}}})

    if rules_out(text, status):
        assert not applies(text, context)


@pytest.mark.parametrize(
    "when, status, ruled_out",
    [
        ("response.status == 200", 404, True),
        ("response.status == 200", 200, False),
        ("response.json.a == 1 && response.status in [404, 422]", 200, True),
        ("response.status == 200 || true", 404, False),
        ("response.status == 404 ? true : true", 200, False),
        (None, 200, False),
    ],
)
def test_a_status_is_told_from_the_parts_that_must_all_hold(when: str | None, status: int, ruled_out: bool) -> None:  # noqa: FBT001
    """Most claims speak about one status; they are left out where the answer has another."""
    assert rules_out(when, status) is ruled_out


ATOMS = st.sampled_from(
    [
        *("a", "1", "_", "\\d", "\\w", ".", "\\.", "[a-c]", "[^a]", "[\\d.-]", "[^\\w]", "-", "/", " ", ":", "$", "^"),
        *("(", "(?:", ")", "|", "\\$", "\\\\", "\\/", "é", "[&&a]", "(?i)", "\\b", "\\s", "\\pL", "*"),
    ]
)
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])
PATTERNS = st.lists(st.tuples(ATOMS, REPEATS).map("".join), max_size=7).map("".join)
SUBJECTS = st.text(st.sampled_from("abc1_.-/ :$^\\é\n\r\v\u0661x\u2028\U0001f600"), max_size=8)


@settings(max_examples=1500, deadline=None)
@given(PATTERNS, SUBJECTS)
@example("a$", "a\n")
@example("^.$", "\U0001f600")
@example("\\d", "\u0661")
def test_patterns_match_as_cel_has_them_match(pattern: str, subject: str) -> None:
    """A pattern that is not left to CEL matches what it matches in CEL."""
    engine = compiled(pattern)
    if engine is not None:
        expected = compile_expression(f'item.matches(r"{pattern}")').value(Context.of({"item": subject}))

        assert engine.is_valid(subject) is expected


@pytest.mark.parametrize(
    "text, rewritten",
    [
        ("response.json.id.matches('^a')", f"{MATCHED}[0][response.json.id]"),
        ("!item.id.matches(r'\\d+$') && true", f"!{MATCHED}[0][item.id] && true"),
        ("request.headers['type'].lowerAscii().matches('x')", f"{MATCHED}[0][request.headers['type'].lowerAscii()]"),
        ("item.id.matches('\\\\d') || item.id.matches('\\\\d')", f"{MATCHED}[0][item.id] || {MATCHED}[0][item.id]"),
        ("f(x).id.matches('^a')", None),
        ("item[0].id.matches('^a')", None),
        ("item.matches('^a')", None),
        ("item.id.matches(item.pattern)", None),
        ("item.id.matches('\\d')", None),
        ("item.id.matches('(?i)a')", None),
        ("item.id.matches('''a''')", None),
        ("'item.id.matches(\"a\")'", None),
        ("item.id.matches(r'a\\'b')", None),
    ],
)
def test_only_fields_and_plain_patterns_are_matched_beforehand(text: str, rewritten: str | None) -> None:
    """Whatever is the least bit uncertain is left to CEL."""
    assert Patterns().rewrite(text) == (text if rewritten is None else rewritten)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.sampled_from(["id", "a", "created_at"]), st.booleans())
def test_what_is_matched_beforehand_is_what_cel_finds(item: dict[str, object], name: str, lower: bool) -> None:  # noqa: FBT001
    """Of any value: the same result, or none where CEL has an error."""
    text = f"item.{name}{'.lowerAscii()' if lower else ''}.matches('^[a-z0-9]+')"
    data = {"item": fit(item)}

    try:
        expected: object = [compile_expression(text).value(Context.of(data))]
    except CelError:
        expected = None

    assert Batch([text]).values(data) == expected


@settings(deadline=None)
@given(
    st.dictionaries(NAMES, VALUES, max_size=4),
    st.sampled_from([*READINGS, "response.json", "response.json.a.b", "known.thing", "[[response.json.a]]", "[]"])
    | st.sampled_from(["item.id", "response", "response.json.in", "response.json.size()", '["a, b"]', "'x'", "1"]),
)
def test_paths_are_read_as_cel_reads_them(body: dict[str, object], text: str) -> None:
    """What is read without CEL has the value that it has in CEL, and none where that has none."""
    data = {"request": {"path": {"id": "t-1"}}, "response": {"json": fit(body)}, "known": {}}
    read = reader(text)
    if read is None:
        return
    try:
        found = canonical(read(data))
    except (LookupError, TypeError):
        found = None
    try:
        expected = canonical(compile_expression(text).value(Context.of(data)))
    except CelError:
        expected = None

    assert found == expected


@given(VALUES, VALUES)
@example([1, 0], [True, False])
@example({"a": 1}, {"a": 1.0})
@example(float("nan"), float("nan"))
@example({1: "x"}, {"1": "x"})
def test_same_is_having_one_canonical_text(one: object, other: object) -> None:
    """Comparing is a short cut for writing both down."""
    assert same(one, other) is (canonical(one) == canonical(other))
    assert same(one, one)


def test_memory_does_not_grow_with_what_is_judged(bench: MakeBench) -> None:
    """A thousand statuses and bodies make no more plans than there are sets of claims that may apply."""
    show = bench(
        {"operations": ["getThing"], "when": "response.status == 200", "holds": "true"},
        {"operations": ["getThing"], "when": "response.status >= 500", "holds": "true"},
    )
    facts = show.facts()
    judge = ClaimJudge(show.api, {}, warm=0)

    for status in range(100, 3_000):
        exchange = replace(facts.exchange, response=replace(facts.exchange.response, status=status))
        list(judge.judge(Facts(facts.api, facts.operation, exchange)))

    assert len(judge._plans) == 3
    assert len(judge._by_status) <= 1_000
