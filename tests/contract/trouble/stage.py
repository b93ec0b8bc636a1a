"""A contract check of real APIs behind something that fails: the directed calls of a run, without contract tests."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.contract.trouble.front import Front, Rule, open_door
from tests.loopback import TurnedClock

from specwatch.contract.caller import UNSET, Caller, Reply, expect
from specwatch.contract.cases import call_with, credential_cases, state_cases
from specwatch.contract.profile import PROFILES
from specwatch.contract.result import RunResult
from specwatch.contract.run import ApiRun, ContractRun, Selection, Settings
from specwatch.errors import CannotTell
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api
from specwatch.spec.model import Operation
from specwatch.transport.clock import Clock
from specwatch.transport.permission import KINDS
from specwatch.transport.target import Kind, Target
from specwatch.values.claim import Scenario
from specwatch.values.sandbox import sandbox_value

NOBODY: Final = "nobody"
"""A role that no credential of the sandbox has."""


@dataclass
class Stage:
    """One run behind a front.

    Args:
        sandbox: what is asked in the end.
        apis: what is checked.
        roles: security scheme to the role whose credential is in the place of our own; good ones where it says nothing.
        states: name of a state to the role whose credential is in the place of one in that state.
        rule: what the front does, once trouble is on.
        on: whether there is trouble; a run that begins without it gets it after its first calls.
        late: whether it begins without.
        options: of `Settings`.
    """

    sandbox: EmbeddedSandbox
    apis: tuple[Api, ...]
    roles: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    rule: Rule = open_door
    on: bool = True
    late: bool = False
    close: bool = False
    clock: Clock = field(default_factory=lambda: TurnedClock(time.time()))
    url: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def front(self, **options: Any) -> Front:
        """A front of this stage."""
        made = Front(self.sandbox.url, lambda n, got: self.rule(n, got) if self.on else open_door(n, got), **options)
        self.cleanup.callback(made.close)
        return made

    def run(self, faults: Sequence[str] = ()) -> RunResult:
        """Carry the run out."""
        self.sandbox.app_state.disable_all()
        self.sandbox.app_state.reset()
        self.sandbox.app_state.enable(*faults)
        with self.cleanup:
            self.on = not self.late
            url = self.url or self.front(close=self.close).url
            settings = Settings(
                Target(Kind.URL, url), PROFILES["smoke"], environment=self.environment(), allow=KINDS, **self.options
            )
            run = ContractRun(Selection(self.apis), settings, clock=self.clock)
            self.cleanup.callback(run.close)
            self.play(run)
            return run.result()

    def environment(self) -> dict[str, str]:
        """The variables with our credentials: good ones, but where `roles` says otherwise."""
        found: dict[str, str] = {}
        for scheme in (scheme for api in self.apis for scheme in api.schemes.values()):
            for role, names in scheme.variables.items():
                found[names[0]] = sandbox_value(self.roles.get(scheme.name, role) if role == "account" else role)
            for name, state in scheme.states.items():
                found[state.variables[0]] = sandbox_value(self.states.get(name, name))
        return found

    def play(self, run: ContractRun) -> None:
        """The directed calls: good ones, then bad ones and bad credentials, then good ones again."""
        for api in run.apis.values():
            self._good_calls(api)
        self.on = True
        for api in run.apis.values():
            for operation in api.api.operations:
                _try(lambda api=api, operation=operation: bad_call(api, operation))  # type: ignore[misc]
        for case in [*credential_cases(run), *state_cases(run)]:
            _try(lambda case=case: call_with(case.api, case.operation, case.credentials))  # type: ignore[misc]
        for api in run.apis.values():
            self._good_calls(api)
            self._good_calls(api)

    def _good_calls(self, api: ApiRun) -> None:
        for operation in api.api.operations:
            _try(lambda operation=operation: compare_clocks(api, good_call(api, operation)))  # type: ignore[misc]


def good_call(api: ApiRun, operation: Operation) -> Reply:
    """A call as the document shows it."""
    path = {name: next(iter(_examples(operation, name)), "unknown") for name in operation.path_names}
    media = operation.body.media.values() if operation.body else ()
    bodies = [example for each in media for example in each.examples.values()]
    return Caller(api).call(operation.id, path=path, json=bodies[0] if bodies else UNSET)


def bad_call(api: ApiRun, operation: Operation) -> Reply | None:
    """A call that the document promises to refuse: a body of another type."""
    return Caller(api).call(operation.id, json=17, refused=True) if operation.body else None


def compare_clocks(api: ApiRun, reply: Reply) -> None:
    """Play a claim that compares with our own clock: the answer is of this moment."""
    claim = next((claim.id for claim in api.api.claims if isinstance(claim.form, Scenario)), None)
    if claim is None:
        return
    try:
        expect(abs(Caller(api).now(reply) - reply.exchange.timings.ended_at) < 1, "an answer of this moment", reply)
    except CannotTell as error:
        api.explain(claim, str(error))


def _examples(operation: Operation, name: str) -> Iterator[str]:
    for parameter in operation.parameters:
        if parameter.name == name:
            yield from map(str, parameter.examples.values())


def _try(call: Callable[[], object]) -> None:
    with contextlib.suppress(CannotTell):
        call()
