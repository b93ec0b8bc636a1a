"""Random walks along the links of an API, with schemathesis's state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
from schemathesis.core.errors import InvalidStateMachine
from schemathesis.generation.stateful.state_machine import APIStateMachine

from specwatch.contract.bridge import MARK, second_opinion
from specwatch.errors import CannotTell
from specwatch.spec.links import linked
from specwatch.spec.schema import follow
from specwatch.values.claim import Derived

if TYPE_CHECKING:
    from schemathesis.core.transport import Response
    from schemathesis.generation.case import Case as _Case
    from schemathesis.schemas import BaseSchema

    from specwatch.contract.run import ApiRun, ContractRun

    Case = _Case[Any]


def walk(run: ContractRun, schema: BaseSchema) -> None:
    """Walk as often and as far as the profile says; every exchange is judged on its way.

    Raises:
        CannotTell: nothing more can be sent, or the links cannot be walked.
    """
    profile = run.settings.profile
    api = run.apis[schema.raw_schema[MARK]]

    try:
        steps = schema.as_state_machine()
    except InvalidStateMachine as error:
        raise _unwalked(api, error) from error

    class Walk(steps):  # type: ignore[misc,valid-type]
        def call(self, case: Case, **kwargs: Any) -> Response:
            return case.call(**kwargs)

        def validate_response(self, response: Response, case: Case, **_kwargs: Any) -> None:
            second_opinion(api, case, response)

    settings = hypothesis.settings(
        max_examples=profile.walks,
        stateful_step_count=profile.steps,
        phases=[hypothesis.Phase.generate],
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    machine: type[APIStateMachine] = hypothesis.seed(run.settings.seed)(Walk)
    machine.run(settings=settings)


def _unwalked(api: ApiRun, error: InvalidStateMachine) -> CannotTell:
    """Why there is no walk, which is noted for the claims that it would have served."""
    link = error.errors[0]
    said = "; ".join(each.message for each in link.errors)
    reason = f"the links were not walked, since {link.name} of {link.source} cannot be followed: {said}"
    reached = linked(api.api.operations, lambda node: follow(api.api.raw, node))
    for claim in api.api.claims if not api.budget.exhausted else ():
        if isinstance(claim.form, Derived) and claim.operations & reached:
            api.explain(claim.id, reason)
    return CannotTell(reason)
