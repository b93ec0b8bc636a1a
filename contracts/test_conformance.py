"""Every answer conforms: to examples, boundary values, random requests, allowed or ruled out, and along links."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis

from specwatch.contract.bridge import exercise, schemas
from specwatch.contract.current import current_run
from specwatch.contract.walk import walk

RUN = current_run()
SCHEMAS = schemas(RUN)
LINKED = [
    api_id for api_id, schema in SCHEMAS.items() if RUN.settings.profile.walks and schema.statistic.transitions.total
]


@pytest.mark.last
@schemathesis.pytest.parametrize(**SCHEMAS)
def test_every_answer_conforms(case: schemathesis.Case[Any]) -> None:
    """Whatever the spec allows, and whatever it rules out, is answered as documented."""
    exercise(RUN, case)


@pytest.mark.last
@pytest.mark.parametrize("api_id", LINKED)
def test_links_lead_where_they_say(api_id: str) -> None:
    """Random walks along the links of a spec meet only documented answers."""
    walk(RUN, SCHEMAS[api_id])
