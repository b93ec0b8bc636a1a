"""A call and its answer as those who judge them see them, before anything goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from specwatch.claims.cel import Context
from specwatch.claims.context import claim_context
from specwatch.conformance.facts import Facts
from specwatch.sandbox.credentials import ANSWER, ELSEWHERE, closely
from specwatch.sandbox.interface import Answer, Call
from specwatch.sandbox.mutations import to_bytes
from specwatch.spec import Api, Operation, SecurityScheme
from specwatch.values import roles
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings
from specwatch.values.sandbox import ACCOUNTS, PREFIX


def content_of(answer: Answer) -> bytes:
    """The body of an answer as it goes over the wire."""
    if answer.raw is not None:
        return answer.raw
    return b"" if answer.body is None else to_bytes(answer.body)


def headers_of(answer: Answer) -> Headers:
    """The headers of an answer, by lower-case name; a body without a media type does not say what it is."""
    headers = tuple((name.lower(), value) for name, value in answer.headers.items())
    if answer.media_type and (answer.raw is not None or answer.body is not None):
        return (*headers, ("content-type", answer.media_type))
    return headers


@dataclass(frozen=True, eq=False)
class Seen:
    """A call with an answer, as it would be judged."""

    api: Api
    operation: Operation
    call: Call
    answer: Answer

    @cached_property
    def facts(self) -> Facts:
        """The exchange, to be decoded by whoever judges it."""
        call, answer = self.call, self.answer
        exchange = Exchange(
            id=str(call.number),
            api=self.api.id,
            operation=self.operation.id,
            target="",
            request=Request(call.method, "", tuple(call.headers.items()), call.body),
            response=Response(answer.status, headers_of(answer), content_of(answer)),
            timings=Timings(call.now, answer.delay_seconds),
            credentials=roles_of(self.api, self.operation, call.headers),
            path_parameters=call.path,
            query=call.query,
            vouched=True,
        )
        return Facts(self.api, self.operation, exchange)

    @cached_property
    def context(self) -> Context:
        """What the expressions of claims see of it."""
        known = {
            name: list(each.value) if isinstance(each.value, tuple) else each.value
            for name, each in self.api.known.items()
        }
        return claim_context(self.facts, known)


def roles_of(api: Api, operation: Operation, headers: Mapping[str, str]) -> dict[str, str]:
    """The role of each credential of a request, as the run that sent it would name it.

    Args:
        api: the API.
        operation: whose credentials are looked at.
        headers: of the request, by lower-case name.
    """
    return {name: _role(api.schemes[name], headers) for name in operation.security}


def _role(scheme: SecurityScheme, headers: Mapping[str, str]) -> str:
    sent = headers.get(scheme.header)
    close = closely(scheme, headers)
    if sent is None:
        return roles.WRONG_SCHEME if close == ELSEWHERE else roles.ABSENT
    word, _, rest = sent.partition(" ")
    if close == roles.EMPTY and (not scheme.prefix or word.lower() == scheme.prefix.strip().lower()):
        return roles.EMPTY
    if scheme.prefix and word.lower() != scheme.prefix.strip().lower():
        return roles.WRONG_SCHEME
    value = (rest if scheme.prefix else sent).strip()
    name = value.removeprefix(PREFIX)
    if value.startswith(PREFIX) and (name in ACCOUNTS or name in scheme.states or name.startswith(ANSWER)):
        return name
    return close if close in {roles.TRUNCATED, roles.EXTENDED, roles.OTHER_CASE} else roles.ALTERED
