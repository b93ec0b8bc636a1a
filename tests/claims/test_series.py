"""Claims about several exchanges: what is compared with what, and what is remembered."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.claims.series import AgreementMemory, Memory, SeriesMemory
from specwatch.values import Exchange, Request, Response, Rule, Series, Timings

MakeBench = Callable[..., Any]
STATES = ("new", "ready", "gone")
KEY, VALUE = "request.path.id", "response.json.v"
RULES: dict[str, dict[str, object]] = {
    "order": {"order": list(STATES)},
    "constant": {"constant": True},
    "unique": {"unique": True},
    "not-before": {"not-before": True},
}


def series(rule: str, **more: object) -> dict[str, object]:
    """A claim about a series of things."""
    return {"operations": ["getThing"], "series": {"key": KEY, "value": VALUE, **RULES[rule], **more}}


def exchange(number: int, *, started: float | None = None, seconds: float = 0.5, role: str = "account") -> Exchange:
    """The exchange of that number; one begins a second after the other."""
    return Exchange(
        id=str(number),
        api="things",
        operation="getThing",
        target="https://api.example.com",
        request=Request("GET", "https://api.example.com/things/1", (), b""),
        response=Response(200, (), b""),
        timings=Timings(number if started is None else started, seconds),
        credentials={"key": role},
    )


@pytest.mark.parametrize(
    "rule, values, outcomes",
    [
        ("order", ["new", "new", "ready", "gone"], "- kept kept kept"),
        ("order", ["new", "gone"], "- kept"),
        ("order", ["ready", "new", "new", "ready"], "- broken kept kept"),
        ("order", ["ready", "odd", "ready"], "- broken kept"),
        ("order", ["odd", "new"], "broken -"),
        ("order", ["new", None], "- broken"),
        ("constant", [1, 1, 1.0, 2, 2], "- kept kept broken kept"),
        ("constant", [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "- kept"),
        ("constant", [None, None, 0], "- kept broken"),
        ("constant", [1, True], "- broken"),
        ("unique", ["a", "b", "a", "c"], "- kept broken kept"),
        ("unique", [1, 1.0], "- broken"),
        ("not-before", [1, 1, 2.5, 2, 3], "- kept kept broken kept"),
        ("not-before", ["2021", "2022", "2021"], "- kept broken"),
        ("not-before", [1, "2"], "- broken"),
        ("not-before", [1, None], "- broken"),
    ],
)
def test_values_relate_as_the_rule_says(bench: MakeBench, rule: str, values: list[object], outcomes: str) -> None:
    """The first value says nothing yet; each later one is compared with the one before it."""
    show = bench(series(rule))

    assert " ".join(show({"v": value}) for value in values) == outcomes


@pytest.mark.parametrize(
    "values, outcomes",
    [
        (["odd", "new", "even"], "- kept kept"),
        (["odd", "ready", "gone", "ready"], "- kept kept broken"),
        (["gone", "odd", "even", None, "gone"], "- broken kept kept kept"),
    ],
)
def test_values_beside_the_order_may_come_first(bench: MakeBench, values: list[object], outcomes: str) -> None:
    """With `others-first` any value is fine until one of the order was seen."""
    show = bench(series("order", **{"order": ["ready", "gone"], "others-first": True}))

    assert " ".join(show({"v": value}) for value in values) == outcomes


def test_a_step_back_is_told_in_the_words_of_the_provider(bench: MakeBench) -> None:
    """What was seen before and what is seen now, as they came."""
    judge = bench(series("order", **{"order": ["ready", "gone"], "others-first": True}))
    told = []
    for value in ("ready", "odd", "gone", "odd"):
        outcomes = judge.judge.judge(judge.facts({"v": value}))
        told += [(o.violation.expected, o.violation.found) for o in outcomes if o.violation is not None]

    assert told == [('"ready" or later in ["ready", "gone"]', '"odd"'), ('"gone"', '"odd"')]


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=20))
def test_each_step_back_is_one_violation(states: list[str]) -> None:
    """A sequence that never goes back has no violation, any other has one at each step back."""
    memory = SeriesMemory(Series("", "", Rule.ORDER, STATES))
    back = [STATES.index(now) < STATES.index(before) for before, now in pairwise(states)]

    seen = [memory.observe("k", state, exchange(number)) for number, state in enumerate(states)]

    assert seen[0] is None
    assert [comparison is not None and not comparison.kept for comparison in seen[1:]] == back


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_unique_values_break_where_they_repeat(values: list[int]) -> None:
    """As many violations as there are values too many."""
    memory = SeriesMemory(Series("", "", Rule.UNIQUE))

    seen = [memory.observe("k", value, exchange(number)) for number, value in enumerate(values)]

    assert sum(each is not None and not each.kept for each in seen) == len(values) - len(set(values))


@pytest.mark.parametrize("other", [{"thing": "t-2"}, {"role": "second"}, {"target": "https://other.example.com"}])
@pytest.mark.parametrize("rule", RULES)
def test_keys_accounts_and_targets_are_kept_apart(bench: MakeBench, rule: str, other: dict[str, str]) -> None:
    """What another thing, account or target showed is no earlier value of this one."""
    first, second = ("new", "new") if rule == "unique" else ("ready", "new")
    show = bench(series(rule) if rule != "not-before" else series(rule, value="response.json.v == 'ready' ? 1 : 0"))

    outcomes = [show({"v": first}), show({"v": second}, **other), show({"v": second})]

    assert outcomes[0] == "-"
    assert outcomes[1] in {"-", "kept"}
    assert outcomes[2] == "broken"


@pytest.mark.parametrize("rule", ["order", "constant", "not-before"])
def test_overlapping_exchanges_are_not_compared(bench: MakeBench, rule: str) -> None:
    """Of two answers that were on their way at the same time, nobody knows which is older."""
    value = "response.json.v == 'ready' ? 1 : 0" if rule == "not-before" else VALUE
    show = bench(series(rule, value=value))

    assert show({"v": "ready"}, at=10, seconds=2) == "-"
    assert show({"v": "new"}, at=11.9) == "-"
    assert show({"v": "new"}, at=12) == "broken"


def test_an_id_used_twice_at_once_is_still_used_twice(bench: MakeBench) -> None:
    """Uniqueness has no earlier and no later."""
    show = bench(series("unique"))

    assert [show({"v": "a"}, at=10), show({"v": "a"}, at=10)] == ["-", "broken"]


def test_each_item_is_one_observation(bench: MakeBench) -> None:
    """With `each`, the items of a list are compared with those of the next answer, by their own keys."""
    claim = {"each": "response.json.items", "key": "item.id", "value": "item.v", "constant": True}
    show = bench({"operations": ["getThing"], "series": claim})

    assert show({"items": [{"id": 1, "v": 1}, {"id": 2, "v": 2}]}) == "-"
    assert show({"items": [{"id": 2, "v": 2}, {"id": 1, "v": 7}]}) == "kept broken"
    assert show({"items": []}) == "-"
    assert show({"items": "none"}) == "-"
    assert show({}) == "-"


def test_a_value_that_is_not_there_breaks_a_series(bench: MakeBench) -> None:
    """A claim that applies needs something to compare; an answer without it is no honest one."""
    show = bench(series("constant"))

    assert show.show({}) == ['NOT_FOUND: Key not found in map : "v"']


def test_agreement_is_between_sides(bench: MakeBench) -> None:
    """What one operation showed must be what another shows; one side alone says nothing."""
    sides = [
        {
            "operation": "makeThing",
            "when": "response.status == 201",
            "key": "response.json",
            "value": "size(request.json)",
        },
        {"operation": "getThing", "key": KEY, "value": VALUE},
    ]
    show = bench({"observe": sides})

    def make() -> str:
        return str(show("t-1", operation="makeThing", status=201, request=b"[1, 2]"))

    assert make() == "-"
    assert make() == "-"
    assert show({"v": 2}) == "kept"
    assert show({"v": 3}) == "broken"
    assert show({"v": 2}) == "kept"
    assert show({"v": 3}, thing="t-2") == "-"
    assert show({"v": 3}, role="second") == "-"
    assert show({"v": 4}, role="second") == "broken"
    assert show({}) == "broken"


def test_two_sides_of_one_answer_agree(bench: MakeBench) -> None:
    """Both sides may be the same operation, and even the same exchange."""
    sides = [
        {"operation": "getThing", "key": KEY, "value": "response.json.a"},
        {"operation": "getThing", "each": "response.json.items", "key": KEY, "value": "item"},
    ]
    show = bench({"observe": sides})

    assert show({"a": 1, "items": [1, 1]}) == "kept kept"
    assert show({"a": 1, "items": [2]}) == "broken"


def test_overlapping_sides_are_not_compared() -> None:
    """Agreement, too, needs one exchange to be over before the other begins."""
    memory = AgreementMemory()

    assert memory.observe(0, "k", 1, exchange(0, started=10, seconds=2)) is None
    assert memory.observe(1, "k", 2, exchange(1, started=11)) is None
    late = memory.observe(1, "k", 2, exchange(2, started=12))

    assert late is not None
    assert (late.kept, late.expected, late.found) == (False, "1", "2")


def test_memory_forgets_what_is_unused_for_longest() -> None:
    """However many keys there are, no more are kept than the limit allows."""
    memory: Memory[int] = Memory(limit=2)
    memory.put("a", 1)
    memory.put("b", 2)

    assert memory.get("a") == 1
    memory.put("c", 3)

    assert [memory.get(key) for key in "abc"] == [1, None, 3]


@pytest.mark.parametrize("rule", Rule)
def test_series_stay_within_their_memory(rule: Rule) -> None:
    """A key that was forgotten begins anew."""
    memory = SeriesMemory(Series("", "", rule, (1,)), Memory(limit=3))

    for number in range(100):
        memory.observe(f"k{number}", 1, exchange(number))

    assert len(memory.memory._states) == 3
