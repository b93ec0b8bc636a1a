"""A schedule is read as it is written: durations, what is inherited, and what nobody said."""

from collections.abc import Callable, Mapping
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.schedule import DayBudget, Expense, Latency, Objective, Probe, Schedule, expense, schedule_schema
from specwatch.schedule.expense import PAID
from specwatch.schedule.reading import merged, seconds
from specwatch.spec import Source
from specwatch.transport import permission
from specwatch.workflow import Document

Load = Callable[[str], Schedule]
REPOSITORY = Path(__file__).parents[2]


def probe(load: Load, *lines: str) -> Probe:
    """The only probe of a schedule, with some lines of its own; its workflow is free and takes no input."""
    text = "".join(f"    {line}\n" for line in lines)
    return load(f"version: 1\nprobes:\n  a:\n    workflow: shop/health\n{text}").probe("a")


@pytest.mark.parametrize(
    "written, expected",
    [("250ms", 0.25), ("30s", 30.0), ("1.5m", 90.0), ("1h", 3600.0), ("2d", 172800.0), (30, 30.0), (0.5, 0.5)],
)
def test_durations_have_units(written: str | float, expected: float) -> None:
    """A number of seconds, or a number with a unit."""
    assert seconds(written) == expected


def test_what_nobody_says_has_the_published_defaults(load: Load) -> None:
    """A probe of one line runs with the defaults that the schema states, which are those of the model."""
    loaded = probe(load)

    assert loaded == Probe("a", "shop", loaded.workflow, place=loaded.place)
    assert loaded.place.endswith("schedule.yaml:3")


def test_everything_that_can_be_said_is_read(load: Load) -> None:
    """Each key reaches its field."""
    loaded = load(
        """
        version: 1
        concurrency: 3
        probes:
          a:
            workflow: shop/known-item
            inputs: {item: i-2}
            interval: 2m
            failing-interval: 10s
            timeout: 2
            deadline: 20s
            confirm: 1
            budget: {requests: 1000, cost: 5}
            allow: [create, paid]
            enabled: false
            objective: {availability: 99.9, latency: {quantile: 0.95, seconds: 500ms}, broken-promise-counts: false}
        """
    )

    found = loaded.probe("a")
    assert loaded.concurrency == 3
    assert found == Probe(
        id="a",
        api="shop",
        workflow=found.workflow,
        inputs={"item": "i-2"},
        interval=120.0,
        timeout=2.0,
        deadline=20.0,
        confirm=1,
        failing_interval=10.0,
        budget=DayBudget(requests=1000, cost=5),
        allow=frozenset({"create", "paid"}),
        objective=Objective(99.9, Latency(0.95, 0.5), broken_promise_counts=False),
        enabled=False,
        place=found.place,
    )
    assert found.workflow.id == "known-item"


def test_defaults_are_inherited_key_by_key(load: Load) -> None:
    """A probe that gives one key of a mapping keeps the others; null takes an optional one away."""
    loaded = load(
        """
        version: 1
        defaults:
          interval: 1h
          failing-interval: 1m
          budget: {requests: 900, cost: 3}
          objective: {availability: 99, latency: {quantile: 0.9, seconds: 2}}
        probes:
          plain: {workflow: shop/health}
          own:
            workflow: shop/health
            failing-interval: null
            budget: {cost: null}
            objective: {latency: {seconds: 5s}}
          none: {workflow: shop/health, objective: {availability: null, latency: null}}
        """
    )

    plain, own, none = loaded.probes
    assert (plain.interval, plain.failing_interval, plain.budget) == (3600.0, 60.0, DayBudget(900, 3))
    assert plain.objective == Objective(99, Latency(0.9, 2.0))
    assert (own.interval, own.failing_interval, own.budget) == (3600.0, None, DayBudget(900, None))
    assert own.objective == Objective(99, Latency(0.9, 5.0))
    assert none.objective == Objective()


def test_inputs_that_are_known_or_have_a_default_need_not_be_given(load: Load) -> None:
    """`item` is known to the spec and `size` has a default, so nothing is missing."""
    loaded = load("version: 1\nprobes: {a: {workflow: shop/known-item}}")

    assert loaded.probe("a").inputs == {}


def test_an_effect_that_is_not_allowed_is_no_mistake(load: Load) -> None:
    """Such a probe runs on the sandbox, and is off elsewhere."""
    loaded = load("version: 1\nprobes: {a: {workflow: shop/make-and-take}}")

    assert loaded.probe("a").allow == frozenset()


def test_an_unknown_probe_is_a_key_error(load: Load) -> None:
    """A schedule is asked for the probes that it has."""
    with pytest.raises(KeyError):
        load("version: 1\nprobes: {}").probe("a")


@pytest.mark.parametrize(
    "workflow, requests, cost, needs",
    [
        ("health", 1, 0, set()),
        ("price", 1, 0.1, {"paid"}),
        ("no-price", 1, 0, set()),
        ("make-and-take", 3, 0.1, {"create", "consume", "paid"}),
    ],
)
def test_a_workflow_says_what_it_takes(
    documents: Mapping[str, Document], workflow: str, requests: int, cost: float, needs: set[str]
) -> None:
    """Nested workflows count, and what the documentation promises to refuse has no effect and no price."""
    found = expense(documents["shop"].workflow(workflow))

    assert found == Expense(requests, cost, frozenset(needs))


def test_effects_have_the_names_that_the_transport_enforces() -> None:
    """What `allow` can name is what permission is asked for."""
    assert tuple(schedule_schema()["$defs"]["allow"]["items"]["enum"]) == permission.KINDS
    assert permission.PAID == PAID


def test_the_schema_is_one() -> None:
    """The published file is valid JSON Schema, and the schedule of this repository fits it."""
    jsonschema.Draft202012Validator.check_schema(schedule_schema())
    content = Source.read(REPOSITORY / "probes" / "schedule.yaml").data

    assert list(jsonschema.Draft202012Validator(schedule_schema()).iter_errors(content)) == []


KEYS = st.sampled_from("abc")
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=3)


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging_is_associative(first: dict[str, object], second: dict[str, object], third: dict[str, object]) -> None:
    """Merging the schema's defaults with the file's, then with a probe, does not depend on which is merged first."""
    assume_same_kinds(first, second, third)

    assert merged(merged(first, second), third) == merged(first, merged(second, third))


@given(MAPPINGS, MAPPINGS)
def test_what_is_ones_own_goes_first(defaults: dict[str, object], own: dict[str, object]) -> None:
    """Nothing of a probe's own is lost, and nothing appears that neither has."""
    result = merged(defaults, own)

    assert set(result) == {*defaults, *own}
    assert all(result[key] == value for key, value in own.items() if not isinstance(value, dict))


def assume_same_kinds(*trees: object) -> None:
    """Leave aside trees in which a mapping in one place is no mapping in the other; no schema allows that."""
    from hypothesis import assume

    dicts = [tree for tree in trees if isinstance(tree, dict)]
    assume(len(dicts) in {0, len(trees)})
    for key in {key for tree in dicts for key in tree}:
        assume_same_kinds(*(tree[key] for tree in dicts if key in tree))
