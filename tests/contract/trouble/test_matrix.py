"""Whatever goes wrong on our side is never shown as a broken contract, and hides none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.contract.conftest import ROOT
from tests.contract.trouble.causes import CAUSES, Trouble
from tests.contract.trouble.stage import Stage

from specwatch.contract.result import BROKEN, NOTHING, OK, RunResult, exit_code
from specwatch.sandbox import EmbeddedSandbox, load_modules
from specwatch.spec import Api
from specwatch.values.claim import Level, Verdict
from specwatch.workspace import Workspace

EXITS = {Verdict.PASS: OK, Verdict.UNKNOWN: NOTHING, Verdict.FAIL: BROKEN}


@dataclass
class World:
    """The sandbox of two APIs of this workspace: one whose credentials have states, one that takes two headers."""

    sandbox: EmbeddedSandbox
    apis: dict[str, Api]
    _alone: dict[tuple[str, ...], frozenset[str]] = field(default_factory=dict)

    def selected(self, trouble: Trouble) -> tuple[Api, ...]:
        """The APIs that a cause concerns."""
        return (self.apis[trouble.kind],) if trouble.kind else tuple(self.apis.values())

    def fault(self, trouble: Trouble) -> str:
        """The fault that goes with a cause."""
        api = self.selected(trouble)[-1]
        operation = api.operations[0 if trouble.on == "first" else -1]
        return f"{api.id}/{operation.id}/{trouble.fault}"

    def broken_by(self, trouble: Trouble) -> frozenset[str]:
        """The claims that the fault breaks where we have no trouble, but the same credentials."""
        key = (self.fault(trouble), trouble.kind or "")
        if key not in self._alone:
            self._alone[key] = broken(Stage(self.sandbox, self.selected(trouble)).run([self.fault(trouble)]))
        return self._alone[key]


def broken(result: RunResult) -> frozenset[str]:
    """The claims that a run found broken."""
    return frozenset(f"{violation.api}/{violation.claim}" for api in result.apis for violation in api.violations)


def reasons(result: RunResult) -> list[str]:
    """Why claims are unknown, and what else the run says about itself."""
    unknown = [claim.reason or "" for api in result.apis for claim in api.claims if claim.verdict is Verdict.UNKNOWN]
    return [*unknown, *(note for api in result.apis for note in api.trouble)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The sandbox, once for all causes."""
    workspace = Workspace(ROOT, "this one")
    apis = workspace.apis([])
    states = max(apis, key=lambda api: sum(len(scheme.states) for scheme in api.schemes.values()))
    headers = max(apis, key=lambda api: max(len(operation.security) for operation in api.operations))
    chosen = {"states": states, "headers": headers}
    with EmbeddedSandbox([*chosen.values()], load_modules(workspace.sandbox, [*chosen.values()])) as sandbox:
        yield World(sandbox, chosen)


Play = Callable[..., RunResult]


@pytest.fixture
def play(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs the checks behind a cause."""

    def run(trouble: Trouble, *, with_fault: bool) -> RunResult:
        stage = Stage(world.sandbox, world.selected(trouble), late=with_fault and trouble.total)
        stage.on = not stage.late
        trouble.prepare(stage, tmp_path, monkeypatch)
        return stage.run([world.fault(trouble)] if with_fault else [])

    return run


@pytest.mark.parametrize("name", CAUSES)
def test_our_own_trouble_is_no_broken_contract(play: Play, name: str) -> None:
    """No violation of any level; what could not be seen is unknown, with the cause and the next step as its reason."""
    trouble = CAUSES[name]

    result = play(trouble, with_fault=False)

    assert broken(result) == frozenset()
    assert any(trouble.seen in reason for reason in reasons(result)), set(reasons(result))
    assert (result.verdict, exit_code(result)) == (trouble.verdict, EXITS[trouble.verdict])


@pytest.mark.parametrize("name", CAUSES)
def test_a_broken_contract_shows_all_the_same(play: Play, world: World, name: str) -> None:
    """Beside the same trouble a promise that the provider breaks is reported, and nothing that it does not break."""
    trouble = CAUSES[name]
    expected = world.broken_by(trouble)

    result = play(trouble, with_fault=True)

    promises = [v for api in result.apis for v in api.violations if v.level is Level.PROMISE]
    assert promises != []
    assert broken(result) <= expected
    assert exit_code(result) == BROKEN
