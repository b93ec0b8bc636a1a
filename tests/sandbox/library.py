"""A library with claims of every form, and calls of it that are answered and judged without any network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from specwatch.claims.judge import ClaimJudge
from specwatch.conformance.judge import judge
from specwatch.sandbox import Answer, Call, Fault
from specwatch.sandbox.derivation.exchange import Seen
from specwatch.spec import Api, load_api

LIBRARY = load_api(Path(__file__).with_name("library.yaml"))
BOOK: dict[str, Any] = {
    "id": "b-1",
    "state": "lent",
    "loans": 2,
    "tags": ["old", "blue"],
    "printed": "1999-01-02T03:04:05Z",
    "review": "Long.",
}
LOANS = {"b-1": 2, "b-2": 0}


def library_call(operation: str, number: int, store: dict[str, Any], **path: str) -> Call:
    """A good call of an operation."""
    spec = LIBRARY.operation(operation)
    return Call(
        operation=operation,
        method=spec.method,
        path=path,
        query={"lang": "en"},
        headers={"authorization": "Bearer specwatch-sandbox-account"},
        body=b"",
        account="account",
        now=1000.0 + 10 * number,
        worker_seconds=0.0,
        store=store,
        faults=frozenset(),
        number=number,
        spec=spec,
    )


def honest(call: Call) -> Answer:
    """What the library answers when it keeps every claim."""
    book = call.path.get("id", "")
    match call.operation:
        case "getBook" if book in LOANS:
            body = BOOK | {"id": book, "loans": LOANS[book], "read": 1_700_000_000 + call.number}
            return Answer(body=body, headers={"X-Left": "3"})
        case "getBook":
            return Answer(404, {"code": "no_book", "message": f"There is no {book}."})
        case "listBooks":
            return Answer(body={"books": [{"id": name, "loans": loans} for name, loans in LOANS.items()], "count": 2})
        case "takeTicket":
            taken = call.store.setdefault("taken", set())
            first = book not in taken
            taken.add(book)
            return Answer(body='[{"seat": 1}, {"seat": 2}]') if first else Answer(410)
        case _:
            return Answer(body=f"n-{call.number}")


def visits() -> Iterator[tuple[str, dict[str, str]]]:
    """A visit that shows every claim of the library."""
    for _ in range(3):
        yield from (("getBook", {"id": name}) for name in ("b-1", "b-2", "b-9"))
        yield "listBooks", {}
        yield from (("takeTicket", {"id": name}) for name in ("t-1", "t-2"))
        yield "drawNumber", {}


def broken(faults: Sequence[Fault], api: Api = LIBRARY) -> tuple[set[str], set[str]]:
    """The written claims and the derived ones that a visit breaks while faults are on."""
    judges = ClaimJudge(api, {name: known.value for name, known in api.known.items()})
    store: dict[str, Any] = {}
    claims: set[str] = set()
    derived: set[str] = set()
    numbers = itertools.count(1)
    for operation, path in visits():
        call = library_call(operation, next(numbers), store, **path)
        answer = honest(call)
        for fault in faults:
            answer = fault.apply(call, answer) if fault.operation == operation else answer
        facts = Seen(api, api.operation(operation), call, answer).facts
        claims |= {outcome.violation.claim for outcome in judges.judge(facts) if outcome.violation is not None}
        derived |= {violation.claim for violation in judge(facts).violations}
    return claims, derived
