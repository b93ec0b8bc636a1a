"""Whose fault an answer is: decided here and nowhere else in a contract run. Pure.

An answer speaks about the request, and then it is judged by the document; or it speaks about us or the way there, and
then it says nothing about what was asked. Where the document describes such an answer, its form is judged all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Final

from specwatch.claims.cel import CelError, compile_expression
from specwatch.claims.context import claim_context
from specwatch.claims.reads import fields_read
from specwatch.conformance import MISSING, Facts, parse_strict
from specwatch.conformance.facts import is_json
from specwatch.errors import InternalError
from specwatch.spec.load import essence
from specwatch.spec.model import Api, Operation, State
from specwatch.transport.retry_after import asks_to_wait
from specwatch.values.claim import Holds
from specwatch.values.exchange import header
from specwatch.values.violation import Breach, Violation

USED_UP: Final = "used_up"
"""The name that a spec gives to the state of a credential whose balance is gone."""

FORM: Final = frozenset(
    {
        Breach.MEDIA_TYPE,
        Breach.JSON,
        Breach.CODE,
        Breach.HEADER,
        Breach.SCHEMA,
        Breach.INFERRED,
        Breach.EMBEDDED,
    }
)
"""Kinds of violations that are about the form of an answer, which is the provider's whatever it says about us."""

_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_GATEWAY: Final = frozenset({407, 511})  # RFC 9110 section 15.5.8, RFC 6585 section 6: said by who is in between
_WHO_ASKS: Final = ("credentials", "rejects")
_OF_PROXIES: Final = ("via", "x-squid-error", "proxy-agent", "proxy-connection")
_BY_ANYBODY: Final = frozenset({Breach.DELIVERY, Breach.TIME, Breach.SURVIVES})
"""What any answer shows, whoever gives it."""


class Cause(StrEnum):
    """Trouble that an answer can tell of and that is not the provider's."""

    CREDENTIAL = "credential"
    STATE = "state"
    BALANCE = "balance"
    RATE_LIMIT = "rate limit"
    LATER = "later"
    GATEWAY = "gateway"
    PAGE = "page"

    @property
    def on_the_way(self) -> bool:
        """Whether it is not even certain that the provider said it."""
        return self in {Cause.GATEWAY, Cause.PAGE}


def own_cause(facts: Facts, *, succeeded: bool) -> Cause | None:
    """What trouble of ours an answer tells of, None for one that is about the request.

    Args:
        facts: the exchange.
        succeeded: whether the operation has accepted the same credentials before, so that they are in no bad state.
    """
    exchange, status = facts.exchange, facts.exchange.response.status
    if exchange.vouched:
        return None
    if status in _GATEWAY:
        return Cause.GATEWAY
    if status == 429:
        return Cause.RATE_LIMIT if exchange.own_trouble else None
    if asks_to_wait(status, exchange.response.headers):
        return Cause.LATER
    spec = facts.response_spec
    is_foreign = spec is not None and not spec.media and is_page(facts)
    if not is_foreign and (exchange.own_trouble or (_in_a_state(facts) and not succeeded)):
        return _refusal(facts)
    return _about_what_was_sent(facts)


def _about_what_was_sent(facts: Facts) -> Cause | None:
    if refused_state(facts) is not None:
        return Cause.STATE
    return Cause.PAGE if is_page(facts) else None


def refused_state(facts: Facts) -> State | None:
    """The state that a credential was sent for, if the answer is what the document has for one that is unknown.

    Then what our variable holds may not be in that state any more, and nobody can tell from here. It is so for a 401,
    or a 403 where no 401 is documented, with a documented code that is not the one of the state.
    """
    spec, status = facts.response_spec, facts.exchange.response.status
    unknown = 401 if "401" in facts.operation.responses else 403
    if spec is None or status != unknown or is_page(facts):
        return None
    if spec.codes and facts.error_code not in spec.codes:
        return None
    roles = facts.exchange.credentials
    known = (facts.api.schemes[name].states.get(roles.get(name, "")) for name in facts.operation.security)
    state = next((each for each in known if each is not None), None)
    if state is None or (status in state.statuses and state.code in {None, facts.error_code}):
        return None
    return state


def _in_a_state(facts: Facts) -> bool:
    """Whether an answer to our own credentials speaks of a state that they may be in.

    It does by the code that is documented for the state; and a good request that is refused under the status of such a
    state by a code that nobody knows may well be.
    """
    exchange = facts.exchange
    if not exchange.credentials or not exchange.as_account:
        return False
    return credential_state(facts) is not None or (facts.request_valid and _may_be_of_a_state(facts))


def _may_be_of_a_state(facts: Facts) -> bool:
    status, spec = facts.exchange.response.status, facts.response_spec
    if spec is None or not spec.codes or facts.error_code in spec.codes:
        return False
    return any(status in state.statuses and state.code is not None for state in _states(facts))


def _states(facts: Facts) -> Iterator[State]:
    for name in facts.operation.security:
        yield from facts.api.schemes[name].states.values()


def _refusal(facts: Facts) -> Cause:
    state = credential_state(facts)
    spent = facts.exchange.response.status == 402 or (state is not None and state.name == USED_UP)
    return Cause.BALANCE if spent else Cause.CREDENTIAL


def credential_state(facts: Facts) -> State | None:
    """The state of a credential that the answer speaks of, if its status and code are those of one."""
    status, code = facts.exchange.response.status, facts.error_code
    return next((s for s in _states(facts) if s.code is not None and s.code == code and status in s.statuses), None)


def is_page(facts: Facts) -> bool:
    """Whether an answer is what a captive portal or a filter on the way gives: a web page or a redirect, undocumented.

    Server errors are not counted: they are the provider's, or those of its gateway. Neither are answers to odd paths,
    which routers of all kinds give.
    """
    return facts.plain_path and looks_like_a_page(facts)


def looks_like_a_page(facts: Facts) -> bool:
    """Whether an answer is an undocumented web page or redirect, whatever was asked for."""
    status, spec = facts.exchange.response.status, facts.response_spec
    if status >= 500:
        return False
    if 300 <= status < 400:
        return spec is None
    if facts.media_essence not in _PAGES or facts.media is not None:
        return False
    return (spec is None or bool(spec.media) or _is_foreign_refusal(facts)) and not _is_json(facts)


def _is_foreign_refusal(facts: Facts) -> bool:
    """Whether a refusal that the document does not describe any further is no page of the provider's.

    It is none where a proxy puts its name to it, nor where the API's other answers are JSON and none of them is a page.
    """
    response = facts.exchange.response
    if not 400 <= response.status < 500:
        return False
    if any(header(response.headers, name) is not None for name in _OF_PROXIES):
        return True
    media = {essence(name) for o in facts.api.operations for spec in o.responses.values() for name in spec.media}
    return any(map(is_json, media)) and media.isdisjoint({*_PAGES, "text/*", "*/*"})


def _is_json(facts: Facts) -> bool:
    """Whether the body is JSON whatever its media type says, which no page on the way is."""
    body = facts.exchange.response.body
    return bool(body) and parse_strict(body).value is not MISSING


def is_of_the_api(facts: Facts) -> bool:
    """Whether an answer has a form that the document describes, so that nobody on the way has made it up."""
    spec = facts.response_spec
    return spec is not None and not looks_like_a_page(facts) and (facts.media is not None or not spec.media)


def establishes(facts: Facts, broken: Iterable[Violation]) -> bool:
    """Whether an answer says anything about the API, so that a run in which it came may pass.

    That somebody answered, in time and without failing, is said by whoever is in between as well. Refusals of bad
    credentials say nothing either, nor does a body that we did not read.

    Args:
        facts: the exchange, of which no cause of trouble is known.
        broken: what it breaks.
    """
    if not facts.exchange.as_account or facts.unread or looks_like_a_page(facts):
        return False
    return facts.response_spec is not None or any(violation.kind not in _BY_ANYBODY for violation in broken)


def established(verified: Iterable[str], operation: Operation, cause: Cause | None) -> Iterator[str]:
    """Of the claims that an answer seems to keep, those that it keeps even if it tells of that cause."""
    if cause is None:
        yield from verified
    elif not cause.on_the_way:
        silent = {f"{operation.id}/{suffix}" for suffix in _WHO_ASKS}
        yield from (claim for claim in verified if claim not in silent)


def theirs(broken: Iterable[Violation], cause: Cause | None) -> tuple[Violation, ...]:
    """Of the claims that an answer seems to break, those that the provider breaks even if it tells of that cause."""
    if cause is Cause.GATEWAY:
        return ()
    if cause is None or cause is Cause.PAGE:
        return tuple(broken)
    return tuple(violation for violation in broken if violation.kind in FORM)


def late_for_the_way(facts: Facts, violation: Violation, way: float) -> bool:
    """Whether an answer is too late only with the way there counted in, so that the provider kept its time.

    Args:
        facts: the exchange.
        violation: what it breaks.
        way: seconds that it takes to get there, as the quickest connection of the run shows them.
    """
    exchange = facts.exchange
    if exchange.vouched:
        return False
    phases, total = exchange.timings.phases, exchange.timings.total_seconds
    theirs = max(total - phases.get("connect", 0.0) - phases.get("tls", 0.0) - way, 0.0)
    if violation.kind == Breach.TIME:
        return theirs <= facts.api.objective_seconds
    form = facts.api.claim(violation.claim).form
    if not isinstance(form, Holds) or "response.seconds" not in fields_read(form.expression):
        return False
    quicker = replace(exchange, timings=replace(exchange.timings, total_seconds=theirs))
    try:
        return compile_expression(form.expression).holds(claim_context(replace(facts, exchange=quicker), {}))
    except CelError:
        return False


def sentence(facts: Facts, cause: Cause, *, accepted: bool) -> str:
    """The reason for the report: what came, what it means, and what to do.

    Args:
        facts: the exchange.
        cause: what trouble it tells of.
        accepted: whether another call has accepted the same credentials.
    """
    operation, status = facts.exchange.operation, facts.exchange.response.status
    match cause:
        case Cause.RATE_LIMIT:
            return f"{operation} answered 429 to our own account, by a rate limit or a quota; {_WAIT}"
        case Cause.LATER:
            return f"{operation} answered {status} and asked to be left alone for a while; {_WAIT}"
        case Cause.BALANCE:
            return f"{operation} answered {status}: our balance is used up; top it up, then repeat the run"
        case Cause.CREDENTIAL | Cause.STATE:
            return _outdated(facts) if cause is Cause.STATE else _refused(facts, accepted=accepted)
        case Cause.GATEWAY:
            return f"{operation} answered {status}, which only a proxy on the way says; sign in there"
        case Cause.PAGE:
            what = "a redirect" if 300 <= status < 400 else "a web page"
            return (
                f"{operation} answered {status} with {what}, as a login page or a filter on the way does; "
                "open the target in a browser to see who answers"
            )


_WAIT: Final = "wait, then repeat the run with a smaller profile"


def _refused(facts: Facts, *, accepted: bool) -> str:
    state, exchange = credential_state(facts), facts.exchange
    code = f" {state.code}" if state is not None and state.code else ""
    said = f"{exchange.operation} answered {exchange.response.status}{code} to our own credential"
    if accepted:
        return f"{said}, which other calls accept; look at the plan's quota and at what the account may do"
    return f"{said}; {_renew(facts.api, facts.operation)}"


def _outdated(facts: Facts) -> str:
    state = refused_state(facts)
    if state is None:
        raise InternalError("an answer was taken for one to a credential in a state, and is none")
    code = f" {facts.error_code}" if facts.error_code else ""
    said = f"{facts.exchange.operation} answered {facts.exchange.response.status}{code}"
    held = f"does {' or '.join(state.variables)} still hold one in the state {state.name}?"
    return f"{said}: the provider calls this credential unknown; {held} If so, tell the provider, else renew it"


def _renew(api: Api, operation: Operation) -> str:
    headers = [api.schemes[name].header for name in operation.security]
    if len(headers) > 1:
        return f"one or more of the headers {' and '.join(headers)} are wrong: renew or correct them"
    return f"renew or correct what is sent in the header {', '.join(headers)}"
