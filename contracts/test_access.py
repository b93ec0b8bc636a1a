"""Who may call: every credential of every operation, missing, wrong or in a documented state."""

from __future__ import annotations

import pytest

from specwatch.contract.caller import Caller, expect
from specwatch.contract.cases import (
    CredentialCase,
    FailureCase,
    call_with,
    credential_cases,
    failure_cases,
    plain_cases,
    state_cases,
)
from specwatch.contract.current import current_run
from specwatch.contract.first_calls import call_as_documented, first_calls, has_succeeded
from specwatch.contract.run import ApiRun
from specwatch.errors import CannotTell, CredentialRefused
from specwatch.spec import Operation

PLAIN_READS = 4

# Refusals wait until each API has answered a good call: a small budget spent on them would tell nothing about it.


@pytest.mark.parametrize("case", [*plain_cases(current_run())], ids=lambda case: case[1].id)
def test_a_plain_read_is_answered(case: tuple[ApiRun, Operation]) -> None:
    """A read that needs no input is answered as documented, each time: a good credential is not refused in between."""
    api, operation = case
    refused: CredentialRefused | None = None
    for _ in range(PLAIN_READS):
        try:
            Caller(api).call(operation.id)
        except CredentialRefused as error:
            refused = error
    if refused is not None:
        raise refused


@pytest.mark.waits
@pytest.mark.parametrize("case", [*credential_cases(current_run())], ids=str)
def test_a_bad_credential_is_refused(case: CredentialCase) -> None:
    """Each credential counts: without it, with a wrong value or in the wrong place, no call succeeds."""
    call_with(case.api, case.operation, case.credentials, case.form)


@pytest.mark.waits
@pytest.mark.parametrize("case", [*state_cases(current_run())], ids=str)
def test_a_credential_in_a_known_state_is_answered_as_documented(case: CredentialCase) -> None:
    """An expired, disabled or used-up credential, or one of another API, gets the answer that the document names."""
    call_with(case.api, case.operation, case.credentials)


@pytest.mark.last
@pytest.mark.parametrize("case", [*first_calls(current_run())], ids=lambda case: case[1].id)
def test_a_request_as_documented_is_answered(case: tuple[ApiRun, Operation]) -> None:
    """Where nothing has shown a success yet, a request by the document is sent; whatever comes back is judged."""
    if not has_succeeded(*case):
        call_as_documented(*case)


@pytest.mark.last
@pytest.mark.parametrize("case", [*failure_cases(current_run())], ids=str)
def test_a_documented_failure_looks_as_documented(case: FailureCase) -> None:
    """Failures that no client can force come from the sandbox; elsewhere only what a credential brings about."""
    role = case.role()
    if role is None:
        if not case.api.trouble.reason([case.operation.id]):
            case.explain("only the provider can bring this answer about")
    elif case.api.ledger.responses[case.operation.id, case.status, case.code] == 0:
        try:
            reply = call_with(case.api, case.operation, role)
        except CannotTell as trouble:
            case.explain(str(trouble))
            raise
        either = {401, 403}  # which of the two refuses a credential is open wherever both are documented
        same = reply.status == int(case.status) or {reply.status, int(case.status)} == either
        same = same or not case.api.is_sandbox
        expect(same, f"status {case.status}, as the credential asks", reply, claim=f"{case.api.api.id}/{case.claim}")
