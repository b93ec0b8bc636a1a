"""What changes, uses up or costs something on somebody else's system needs a yes: counted where it arrives."""

from __future__ import annotations

import pytest
from tests.loopback import answer
from tests.transport.conftest import Guard, Serve

from specwatch.errors import NotAllowed
from specwatch.transport.permission import Permission

GUARDED = {"makeItem": "create", "takeItem": "consume", "getPrice": "paid"}
WORDS = {"create": "creates something", "consume": "consumes something", "paid": "is paid"}


@pytest.mark.parametrize("operation", GUARDED)
def test_effects_need_a_yes(guard: Guard, serve: Serve, operation: str) -> None:
    """Without it nothing arrives, and the reason says how to give it."""
    server = serve(lambda _: answer())
    guarded = guard(server.url, permission=Permission())
    kind = GUARDED[operation]

    with pytest.raises(NotAllowed, match=f"{operation} {WORDS[kind]}; `--allow {kind}` permits it"):
        guarded.send(operation)

    assert server.received == []
    assert guarded.budget.requests == 0


@pytest.mark.parametrize("operation, kind", GUARDED.items())
def test_a_yes_is_for_one_kind(guard: Guard, serve: Serve, operation: str, kind: str) -> None:
    """What was allowed is sent; the other kinds are not."""
    server = serve(lambda _: answer())
    guarded = guard(server.url, permission=Permission([kind]))

    guarded.send(operation)
    for other in GUARDED.keys() - {operation}:
        with pytest.raises(NotAllowed):
            guarded.send(other)

    assert len(server.received) == 1


def test_free_reads_need_none(guard: Guard, serve: Serve) -> None:
    """They are sent to anybody."""
    guarded = guard(serve(lambda _: answer()).url, permission=Permission())

    assert guarded.send("getItem").response.status == 200


def test_refused_calls_count_as_reads(guard: Guard, serve: Serve) -> None:
    """What the document promises to refuse changes nothing, so it may be sent, again and again."""
    server = serve(lambda _: answer(400))
    guarded = guard(server.url, permission=Permission())

    for _ in range(3):
        guarded.send("makeItem", refused=True)

    assert len(server.received) == 3


def test_an_accepted_refusal_is_the_last(guard: Guard, serve: Serve) -> None:
    """An operation that accepts what it promises to refuse may have changed something: it is not asked again."""
    server = serve(lambda received: answer(201 if received.path == "/items" else 404))
    guarded = guard(server.url, permission=Permission())

    guarded.send("makeItem", refused=True)
    with pytest.raises(NotAllowed, match="makeItem accepted what it promises to refuse, so it is not asked again"):
        guarded.send("makeItem", refused=True)
    guarded.send("takeItem", refused=True)

    assert server.paths == ["/items", "/items/i-1/take"]
