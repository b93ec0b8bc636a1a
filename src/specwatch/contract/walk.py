"""Random walks along the links of an API, with schemathesis's state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
from schemathesis.generation.stateful.state_machine import APIStateMachine

from specwatch.contract.bridge import MARK, second_opinion

if TYPE_CHECKING:
    from schemathesis.core.transport import Response
    from schemathesis.generation.case import Case as _Case
    from schemathesis.schemas import BaseSchema

    from specwatch.contract.run import ContractRun

    Case = _Case[Any]


def walk(run: ContractRun, schema: BaseSchema) -> None:
    """Walk as often and as far as the profile says; every exchange is judged on its way.

    Raises:
        CannotTell: nothing more can be sent.
    """
    profile = run.settings.profile
    api = run.apis[schema.raw_schema[MARK]]

    class Walk(schema.as_state_machine()):  # type: ignore[misc]
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
