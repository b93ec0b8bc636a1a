"""What contract tests call: one method per need, in the words of the spec."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, cast

from specwatch.conformance import MISSING, parse_strict
from specwatch.contract.current import findings
from specwatch.contract.run import ApiRun
from specwatch.errors import CannotTell
from specwatch.spec.model import Operation
from specwatch.spec.schema import as_text
from specwatch.transport.draft import Draft, build_path, build_roles, default_headers
from specwatch.transport.retry_after import moment_of
from specwatch.transport.target import missing_setting
from specwatch.values.exchange import ACCOUNT, Exchange, Headers

UNSET: Final = object()

CLOCK_SECONDS: Final = 60.0
"""By how much our clock and the Date header of an answer may differ without one of them being called wrong."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An exchange with its answer decoded."""

    exchange: Exchange

    @property
    def status(self) -> int:
        """The status code."""
        return self.exchange.response.status

    @property
    def json(self) -> object:
        """The body as JSON; `MISSING` when it is not JSON.

        Raises:
            CannotTell: it is beyond our own bounds, so that nothing is known about it.
        """
        if not self.exchange.response.body:
            return MISSING
        parsed = parse_strict(self.exchange.response.body)
        if parsed.beyond:
            raise CannotTell(
                f"the answer of {self.exchange.operation} {parsed.beyond}, which is more than is read here"
            )
        return parsed.value

    @property
    def text(self) -> str:
        """The body as text."""
        return self.exchange.response.body.decode("utf-8", "replace")

    def __str__(self) -> str:
        text = self.text if len(self.text) <= 300 else f"{self.text[:299]}…"
        return f"status {self.status}, {text or 'no body'}"


class ClaimBroken(AssertionError):  # noqa: N818 - a finding about the API, not an error
    """A contract test saw that the claim it plays is broken.

    Args:
        expected: what the documentation says.
        found: what came.
        reply: the answer that shows it, if one does.
        claim: id of the one claim that is broken, where the test plays several; None means all that it is marked with.
            A test without marks gives the full id, `<api>/<claim>`.
    """

    def __init__(self, expected: str, found: object, reply: Reply | None = None, claim: str | None = None) -> None:
        self.expected = expected
        self.claim = claim
        self.found = as_text(found) if isinstance(found, dict | list) else str(found)
        self.reply = reply if reply is not None else (found if isinstance(found, Reply) else None)
        super().__init__(f"expected {expected}, found {self.found}")


def expect(
    condition: object, expected: str, found: object, reply: Reply | None = None, claim: str | None = None
) -> None:
    """Pass, or tell that the claim being played is broken.

    Raises:
        ClaimBroken: the condition is false.
    """
    if not condition:
        broken = ClaimBroken(expected, found, reply, claim)
        findings().append(broken)
        raise broken


def first_finding() -> ClaimBroken | None:
    """The first finding of the test that runs, which Hypothesis may have lost while it tried once more."""
    return next((found for found in findings() if isinstance(found, ClaimBroken)), None)


class Caller:
    """Calls the operations of one API through the guarded transport.

    Args:
        run: the API's part of the contract run.
    """

    def __init__(self, run: ApiRun) -> None:
        self.run = run

    def call(
        self,
        operation_id: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        json: object = UNSET,
        body: bytes = b"",
        headers: Headers = (),
        credentials: str | Mapping[str, str] = ACCOUNT,
        refused: bool = False,
    ) -> Reply:
        """Call an operation; the exchange is judged by all claims before this returns.

        Args:
            operation_id: the operation.
            query: values of query parameters.
            headers: more headers, credentials aside.
            path: values of the path's parameters; they are percent-encoded here.
            json: body to send as JSON, null included.
            body: body to send as it is.
            credentials: the role of every scheme, or a role per scheme; schemes left out are sent as `account`.
            refused: whether the documentation promises to refuse this call, so that it counts as a read.

        Raises:
            CannotTell: it could not be sent, or the answer is about our account.
        """
        operation = self._operation(operation_id)
        content = (
            body if json is UNSET else json_module.dumps(json, ensure_ascii=False).encode("utf-8", "surrogatepass")
        )
        draft = Draft(
            operation=operation,
            path=build_path(operation, path or {}, query or {}),
            headers=default_headers(operation, headers, has_body=bool(content)),
            body=content,
            roles=build_roles(operation, credentials),
            path_parameters=dict(path or {}),
            query=dict(query or {}),
            refused=refused,
        )
        return Reply(self.run.send(draft))

    def now(self, reply: Reply) -> float:
        """Epoch seconds by our own clock when an answer had come, for claims that compare with the time of day.

        What the provider says of its own time is better compared with the `Date` header of the same answer: that needs
        no clock of ours.

        Raises:
            CannotTell: our clock and the answer's Date header differ, or it has none, so nobody can say who is wrong.
        """
        ended, dated = reply.exchange.timings.ended_at, moment_of(reply.exchange.response.headers)
        if dated is None:
            raise CannotTell("the answer has no Date header to check our own clock by")
        if abs(ended - dated) > CLOCK_SECONDS + reply.exchange.timings.total_seconds:
            apart = f"{abs(ended - dated):.0f} s {'ahead of' if ended > dated else 'behind'}"
            raise CannotTell(f"our clock is {apart} the Date header of the answer; set the clock of this machine")
        return ended

    def known(self, name: str) -> str:
        """An identifier that exists on the target.

        Raises:
            MissingSetting: nobody configured it.
        """
        return cast("str", self._known(name))

    def known_list(self, name: str) -> list[str]:
        """Identifiers that exist on the target.

        Raises:
            MissingSetting: nobody configured them.
        """
        return list(self._known(name))

    def can(self, operation_id: str, role: str) -> bool:
        """Whether every scheme of the operation has a credential of that role."""
        operation = self._operation(operation_id)
        return all(self.run.wallet.has(scheme, role) for scheme in operation.security)

    def _operation(self, operation_id: str) -> Operation:
        """An operation by its id.

        Raises:
            LookupError: the spec has none of that id; its text names the nearest.
        """
        known = [operation.id for operation in self.run.api.operations]
        if operation_id not in known:
            near = get_close_matches(operation_id, known, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            message = f"{self.run.api.id} has no operation {operation_id!r}; {mend}"
            raise LookupError(message)
        return self.run.api.operation(operation_id)

    def _known(self, name: str) -> str | tuple[str, ...]:
        if name not in self.run.known:
            raise missing_setting(self.run.api, name)
        return self.run.known[name]
