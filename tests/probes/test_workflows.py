"""The probes of this repository: each succeeds on an honest server, and each can fail."""

from collections.abc import Iterator

import pytest
from tests.probes.support import FAULTS, PROBES, WORKFLOWS, WORKSPACE, SharedClock, embedded_sandbox, run

from specwatch.sandbox import EmbeddedSandbox, FaultKind

WORKER_SECONDS = 1.5
CLOCK = SharedClock()
"""Whatever else the machine does, a worker is done when the workflow has waited for it and not before."""
"""Longer than the first wait of the hasty clock, and shorter than the first two."""


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedSandbox]:
    """A sandbox of all APIs."""
    with embedded_sandbox(worker_seconds=WORKER_SECONDS, clock=CLOCK) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: EmbeddedSandbox) -> Iterator[EmbeddedSandbox]:
    """The same without faults or memories."""
    running.app_state.disable_all()
    running.app_state.reset()
    running.app_state.set_worker_seconds(WORKER_SECONDS)
    yield running
    running.app_state.disable_all()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_succeeds_on_an_honest_server(sandbox: EmbeddedSandbox, name: str) -> None:
    """All steps run, and all their criteria hold."""
    execution = run(name, sandbox.url, CLOCK)

    assert (execution.met, execution.finished, execution.message, execution.unknown) == (True, True, "", "")
    assert [step.step for step in execution.steps] == [step.id for step in WORKFLOWS[name].steps]


@pytest.mark.parametrize("name, fault", [(name, fault) for name, faults in FAULTS.items() for fault in faults])
def test_a_workflow_notices_what_it_is_there_for(sandbox: EmbeddedSandbox, name: str, fault: str) -> None:
    """With a fault switched on, a criterion does not hold; that is found out, and nothing else is the matter."""
    api = name.partition("/")[0]
    sandbox.app_state.enable(f"{api}/{fault}")

    execution = run(name, sandbox.url, CLOCK)

    assert (execution.met, execution.unknown) == (False, "")
    assert [criterion.text for criterion in execution.steps[-1].criteria if not criterion.met] != []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_puts_up_with_what_the_document_allows(sandbox: EmbeddedSandbox, name: str) -> None:
    """With each variation of an honest server, it still succeeds."""
    state = sandbox.app_state
    faults = state.catalogue.of(name.partition("/")[0]).values()
    state.set_worker_seconds(0)  # waiting is not what this is about
    disturbed = []
    for variation in (each.name for each in faults if each.kind is FaultKind.VARIATION):
        state.enable(variation)
        disturbed += [] if run(name, sandbox.url, CLOCK).met else [variation]
        state.disable(variation)

    assert disturbed == []


def test_every_workflow_is_tried_with_a_fault() -> None:
    """A workflow that nothing can make fail would detect nothing."""
    assert sorted(FAULTS) == sorted(WORKFLOWS)


def test_every_workflow_is_scheduled() -> None:
    """Each workflow of this repository runs as a probe."""
    assert PROBES.schedule is not None
    scheduled = {f"{probe.api}/{probe.workflow.id}" for probe in PROBES.schedule.probes}
    assert scheduled == set(WORKFLOWS)


def test_every_operation_is_probed() -> None:
    """No documented operation goes without a workflow that calls it."""
    called = {step.operation.id for each in WORKFLOWS.values() for step in each.steps if step.operation is not None}
    assert called == {operation.id for api in WORKSPACE.apis() for operation in api.operations}


def test_the_round_trip_waits_as_documented(sandbox: EmbeddedSandbox) -> None:
    """A worker that is not done at the first look is asked again, and the archive is fetched once."""
    sandbox.app_state.set_worker_seconds(6)
    execution = run("exaroutes-bulk/round-trip", sandbox.url, CLOCK)

    steps = {step.step: step for step in execution.steps}
    retries = WORKFLOWS["exaroutes-bulk/round-trip"].step("poll").on_failure
    assert [action.retry_after for action in retries] == [2, 5, 15, 30]
    assert len(steps["poll"].sent) == 3
    assert len(steps["download"].sent) == 1
    assert sandbox.app_state.requests()["exaroutes-bulk/getBulkResult"] == 2
