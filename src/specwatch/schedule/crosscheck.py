"""What has to hold between the parts of a probe, and between it and its workflow."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from specwatch.errors import Problem
from specwatch.schedule.expense import all_steps, apis_of, expense
from specwatch.schedule.model import DAY
from specwatch.schedule.reading import Entry
from specwatch.spec import Schema
from specwatch.spec.form import spelt
from specwatch.spec.schema import shorten
from specwatch.workflow import Workflow

SHORTEST_INTERVAL: Final = 0.1
COVERED: Final = 0.25
"""The share of a day's runs that a budget has to cover. Less of it is taken for a mistake, not for thrift."""

_LONGEST: Final = 200


def time_problems(entry: Entry) -> Iterator[Problem]:
    """Durations that do not go together."""
    values = entry.values
    if entry.seconds("interval") < SHORTEST_INTERVAL:
        yield Problem(entry.place("interval"), f"interval is {spelt(values['interval'])}", "100ms or more")
    if entry.seconds("deadline") < entry.seconds("timeout"):
        found = f"deadline is {spelt(values['deadline'])}, and timeout {spelt(values['timeout'])}"
        expected = "a whole run that may take at least as long as one of its requests"
        place = entry.place("deadline" if entry.written("deadline") else "timeout")
        yield Problem(place, found, expected, "a longer deadline, or a shorter timeout")
    if values["failing-interval"] is not None and entry.seconds("failing-interval") > entry.seconds("interval"):
        found = f"failing-interval is {spelt(values['failing-interval'])}, and interval {spelt(values['interval'])}"
        mend = "a shorter one, or null to keep to the interval"
        place = entry.place("failing-interval" if entry.written("failing-interval") else "interval")
        yield Problem(place, found, "a probe that runs no less often while it fails", mend)
    elif values["failing-interval"] is not None and entry.seconds("failing-interval") < SHORTEST_INTERVAL:
        found = f"failing-interval is {spelt(values['failing-interval'])}"
        yield Problem(entry.place("failing-interval"), found, "100ms or more")


def objective_problems(entry: Entry) -> Iterator[Problem]:
    """Objectives that are said by half."""
    latency = entry.values["objective"]["latency"]
    for name in sorted({"quantile", "seconds"} - latency.keys()) if latency is not None else ():
        if entry.written("objective", "latency", name):  # and wrong, which is told elsewhere
            continue
        place = entry.place("objective", "latency")
        yield Problem(place, f"objective.latency has no {name!r}", "quantile and seconds", f"add `{name}: ...`")


def budget_problems(entry: Entry, workflow: Workflow) -> Iterator[Problem]:
    """Budgets that are used up long before the day is over."""
    runs = DAY / entry.seconds("interval")
    needed = expense(workflow)
    for name, each in (("requests", float(needed.requests)), ("cost", needed.cost)):
        budget = entry.values["budget"][name]
        least = max(runs * COVERED, 1.0) * each
        if budget is not None and budget < least:
            found = (
                f"budget.{name} is {_amount(budget)}, but a day's runs of {entry.values['workflow']} come to"
                f" {_amount(runs * each)}: {_amount(runs)} of {_amount(each)} each"
            )
            expected = f"enough for a quarter of them, and for one at least: {_amount(least)}"
            yield Problem(entry.place("budget", name), found, expected, "a longer interval, or a larger budget")


def input_problems(entry: Entry, workflow: Workflow) -> Iterator[Problem]:
    """Inputs that the workflow does not know, that it does not take, or that it lacks."""
    given: Mapping[str, Any] = entry.values["inputs"]
    listed = workflow.inputs is None or bool(workflow.input_names)  # a schema that names none takes whatever comes
    unknown = [name for name in given if listed and name not in workflow.input_names]
    for name in unknown:
        yield _unknown_input(entry, workflow, name)
    if workflow.inputs is not None:
        fitting = {name: value for name, value in given.items() if name not in unknown}
        yield from _wrong_inputs(entry, workflow.inputs, fitting)
    if any(step.unresolved for step in all_steps(workflow)):
        return  # a spec is missing or wrong, which is told; nobody knows what it would name under x-known
    known = {name for api in apis_of(workflow) for name in api.known}
    for name in sorted(workflow.required_inputs - given.keys() - workflow.defaults.keys() - known):
        expected = f"a value for it: workflow {workflow.id!r} requires one"
        mend = f"give it as `inputs: {{{name}: ...}}`, or name it under x-known of the spec"
        yield Problem(entry.place("inputs"), f"no input {name!r}", expected, mend)


def workflow_problem(entry: Entry, names: list[str]) -> Problem:
    """The workflow of a probe is not there.

    Args:
        entry: the probe.
        names: of all workflows, `<api>/<workflowId>`.
    """
    name = str(entry.values["workflow"])
    api = name.partition("/")[0]
    own = [each for each in names if each.partition("/")[0] == api]
    near = difflib.get_close_matches(name, own or names, n=1)
    expected = f"one of {', '.join(own or names)}" if names else "a workflow in <api>.arazzo.yaml beside it"
    mend = f"did you mean {near[0]!r}?" if near else ""
    return Problem(entry.place("workflow"), f"there is no workflow {name!r}", shorten(expected, _LONGEST), mend)


def _unknown_input(entry: Entry, workflow: Workflow, name: str) -> Problem:
    near = difflib.get_close_matches(name, workflow.input_names, n=1, cutoff=0.5)
    expected = f"one of {', '.join(workflow.input_names)}" if workflow.input_names else "none: it has no inputs"
    mend = f"did you mean {near[0]!r}?" if near else "remove it"
    found = f"workflow {workflow.id!r} has no input {name!r}"
    return Problem(entry.place("inputs", name), found, expected, mend)


def _wrong_inputs(entry: Entry, schema: Schema, given: Mapping[str, Any]) -> Iterator[Problem]:
    for error in schema.errors(given):
        at = tuple(part for part in error.where.split("/") if part)
        if error.found == "nothing" and len(at) == 1:  # what is required and not given is looked at elsewhere
            continue
        found = f"no {'.'.join(at)!r}" if error.found == "nothing" else f"{'.'.join(at) or 'inputs'} is {error.found}"
        place = entry.place("inputs", *at) if at else entry.place("inputs")
        yield Problem(place, f"inputs: {found}", error.expected)


def _amount(number: float) -> str:
    return f"{round(number, 2):.10g}"
