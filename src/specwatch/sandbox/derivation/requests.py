"""Faults of what is accepted: each constraint on requests not enforced, one at a time."""

from __future__ import annotations

from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.examples import success
from specwatch.sandbox.faults import Fault
from specwatch.sandbox.inputs import NO_JSON, Input, inputs_of, loosened, unenforceable
from specwatch.sandbox.interface import Answer, Call
from specwatch.spec import Schema
from specwatch.values import Level

_CLIENT_ERROR, _SERVER_ERROR = 400, 500


def requests(maker: Maker) -> Derived:
    """Each constraint on requests not enforced: what should be refused is answered like the first example."""
    for part in inputs_of(maker.operation):
        if part.required and part.location == "body":
            yield _accept(maker, "accepts/no-json", "a request without a JSON body", part, None)
        elif part.required and part.location != "path":
            what = f"{part.location}-{part.name}"
            yield _accept(
                maker, f"accepts/without-{what}", f"a request without {part.location} {part.name}", part, None
            )
        for name, text, schema in loosened(part):
            yield _accept(maker, f"accepts/{name}", text, part, schema)
        for name, reason in unenforceable(part):
            yield maker.cannot(f"accepts/{name}", reason)


def _accept(maker: Maker, what: str, text: str, part: Input, schema: Schema | None) -> Fault:
    served = success(maker.api, maker.operation)

    def apply(call: Call, answer: Answer) -> Answer:
        if not call.handled or not _CLIENT_ERROR <= answer.status < _SERVER_ERROR:
            return answer
        value = part.value(call)
        let_through = value is NO_JSON if schema is None else value is not NO_JSON and schema.is_valid(value)
        return served if let_through and not part.accepts(value) else answer

    told = f"{text[0].upper()}{text[1:]} is accepted."
    return maker.fault(what, told, apply, breaks="rejects", level=Level.INFERENCE)
