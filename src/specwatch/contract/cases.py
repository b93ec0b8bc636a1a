"""Directed requests that follow from any spec: an operation's cheapest call, and every way a credential can be bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from specwatch.contract.caller import UNSET, Caller, Reply
from specwatch.contract.run import ApiRun, ContractRun
from specwatch.errors import CannotTell
from specwatch.spec.model import Api, Operation
from specwatch.transport.draft import build_roles
from specwatch.values.claim import Derived
from specwatch.values.roles import ABSENT, ALTERED, EMPTY, EXTENDED, OTHER_CASE, TRUNCATED, WRONG_SCHEME
from specwatch.values.sandbox import answer_role

SECOND: Final = "second"
_UNASKED: Final = (
    "takes no credential with which a sandbox could be asked for this answer: "
    "a contract test whose request is answered so would settle it"
)
_WAYS: Final = (ABSENT, ALTERED, WRONG_SCHEME, EMPTY, TRUNCATED, EXTENDED, OTHER_CASE)


@dataclass(frozen=True)
class CredentialCase:
    """One operation with one or all of its credentials bad in one way."""

    api: ApiRun
    operation: Operation
    credentials: Mapping[str, str]
    form: int = 0

    def __str__(self) -> str:
        return "-".join([self.operation.id, *(f"{k}_{v}" for k, v in self.credentials.items()), str(self.form)])


@dataclass(frozen=True)
class FailureCase:
    """One documented failure of an operation, and the role of a credential that brings it about."""

    api: ApiRun
    operation: Operation
    status: str
    code: str

    def explain(self, reason: str) -> None:
        """Note why this answer could not be brought about; that the budget was spent is told of all claims alike."""
        if self.api.budget.exhausted:
            return
        for claim in (self.claim, f"{self.operation.id}/{self.status}/inferred"):
            self.api.ledger.explain(claim, reason)

    @property
    def claim(self) -> str:
        """Id of the claim about this answer."""
        return f"{self.operation.id}/{self.status}" + (f"/{self.code}" if self.code else "")

    def __str__(self) -> str:
        return self.claim

    def role(self) -> str | None:
        """The role whose credential brings the failure about, or None when no client can."""
        if self.api.is_sandbox:
            return answer_role(self.status, self.code)
        for scheme in self.operation.security if self.operation.needs_credentials else ():
            for state in self.api.api.schemes[scheme].states.values():
                if (state.code or "") == self.code and int(self.status) in state.statuses:
                    return state.name
        return None


def operations(run: ContractRun) -> Iterator[tuple[ApiRun, Operation]]:
    """All selected operations of all APIs."""
    for api in run.apis.values():
        for operation in api.api.operations:
            if operation.id in api.operations:
                yield api, operation


def credential_cases(run: ContractRun) -> Iterator[CredentialCase]:
    """Every way in which a credential can be bad, one at a time with the others valid.

    Absent, altered, in the wrong place, half of it, with more behind it, empty, in other letters' case and of another
    account, for every credential of every operation; all absent, for every form of the request. The smallest profile
    has each credential absent everywhere, and altered or mixed for the cheapest operation of each API only. Left out is
    what another alternative under `security` lets in: a call without the one credential where the other one will do.
    """
    return (case for case in _credential_cases(run) if _is_refused(case.operation, case.credentials))


def _is_refused(operation: Operation, bad: Mapping[str, str]) -> bool:
    """Whether a call in which these credentials are bad, and the others good, has to be refused."""
    good = {scheme for scheme in operation.security if scheme not in bad}
    return not any(good.issuperset(alternative) for alternative in operation.alternatives)


def _credential_cases(run: ContractRun) -> Iterator[CredentialCase]:
    small = not run.settings.profile.coverage
    for api, operation in operations(run):
        for scheme in operation.security:
            for how in (ABSENT,) if small else _WAYS:
                yield CredentialCase(api, operation, {scheme: how})
            if not small and len(operation.security) > 1 and api.wallet.has(scheme, SECOND):
                yield CredentialCase(api, operation, {scheme: SECOND})
        for form in range(len(_forms(operation)) if operation.security and not small else 0):
            if form or len(operation.security) > 1:
                yield CredentialCase(api, operation, dict.fromkeys(operation.security, ABSENT), form)
    for api in run.apis.values() if small else ():
        yield from _few_cases(api)


def _few_cases(api: ApiRun) -> Iterator[CredentialCase]:
    """What the smallest profile sends beside absent credentials: every way where there is but one secured operation."""
    secured = sorted(_secured(api), key=lambda operation: (operation.effect != "read", operation.cost is not None))
    for operation in secured[:1]:
        for scheme in operation.security:
            for how in _WAYS[1:] if len(secured) * len(operation.security) == 1 else (ALTERED,):
                yield CredentialCase(api, operation, {scheme: how})
        if len(operation.security) > 1 and api.wallet.has(operation.security[0], SECOND):
            yield CredentialCase(api, operation, {operation.security[0]: SECOND})


def _secured(api: ApiRun) -> Iterator[Operation]:
    return (o for o in api.api.operations if o.id in api.operations and o.needs_credentials)


def state_cases(run: ContractRun) -> Iterator[CredentialCase]:
    """Every operation with a credential in each state that its scheme knows."""
    for api, operation in operations(run):
        for scheme in operation.security:
            for state in api.api.schemes[scheme].states if _is_refused(operation, {scheme: ""}) else ():
                yield CredentialCase(api, operation, {scheme: state})


def failure_cases(run: ContractRun) -> Iterator[FailureCase]:
    """Every documented failure: operation, status and, where documented, code."""
    for api, operation in operations(run):
        for response in operation.responses.values():
            if response.status.isdigit() and int(response.status) >= 400:
                for code in response.codes or ("",):
                    yield FailureCase(api, operation, response.status, code)


def plain_cases(run: ContractRun) -> Iterator[tuple[ApiRun, Operation]]:
    """Reads that need no input, so that even the smallest profile knows a good call of them."""
    for api, operation in operations(run):
        needs_input = operation.body is not None or any(parameter.required for parameter in operation.parameters)
        if operation.effect == "read" and not needs_input:
            yield api, operation


def documented_answers(api: Api) -> tuple[str, ...]:
    """Ids of the derived claims of all documented answers: one per operation, status and, where documented, code."""
    forms = ((claim.id, claim.form) for claim in api.claims)
    return tuple(claim_id for claim_id, form in forms if isinstance(form, Derived) and form.kind == "response")


def call_with(api: ApiRun, operation: Operation, credentials: str | Mapping[str, str], form: int = 0) -> Reply:
    """The cheapest well-formed call of an operation, sent with bad credentials, so that it must be refused.

    Identifiers of the documents serve as well as real ones here: the call must not get as far as looking them up.

    Args:
        api: the API's part of the run.
        operation: what to call.
        credentials: a role for every scheme, or a role per scheme.
        form: which of the request's named examples is sent.

    Raises:
        CannotTell: there is no credential that could be bad, or nothing more can be sent.
    """
    if not operation.security:
        raise CannotTell(f"{operation.id} {_UNASKED}")
    return Caller(api).call(
        operation.id,
        path={name: _path_value(operation, name) for name in operation.path_names},
        json=_forms(operation)[form],
        credentials=build_roles(operation, credentials),
        refused=True,
    )


def _path_value(operation: Operation, name: str) -> str:
    for parameter in operation.parameters:
        if parameter.name == name and parameter.location == "path":
            return str(next(iter(parameter.examples.values()), "unknown"))
    return "unknown"


def _forms(operation: Operation) -> list[object]:
    """The bodies of the named examples of a request; one that is none where there is no body."""
    if operation.body is None:
        return [UNSET]
    return [example for media in operation.body.media.values() for example in media.examples.values()] or [{}]
