"""What may be sent to a target that belongs to somebody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from specwatch.errors import NotAllowed
from specwatch.spec.model import Effect, Operation
from specwatch.transport.draft import Draft

PAID: Final = "paid"
KINDS: Final = (Effect.CREATE.value, Effect.CONSUME.value, PAID)
"""What `--allow` can name."""

_WORDS: Final = {
    Effect.CREATE.value: "creates something",
    Effect.CONSUME.value: "consumes something",
    PAID: "is paid",
}


def needed(operation: Operation) -> Iterator[str]:
    """What a call of the operation needs to be allowed: nothing for a free read."""
    if operation.effect is not Effect.READ:
        yield operation.effect.value
    if operation.cost is not None:
        yield PAID


@dataclass
class Permission:
    """Lets reads pass, and what was allowed; remembers who answered a bad request with success.

    Args:
        allowed: of `KINDS`.
        everything: whether the target is a sandbox, where all is allowed.
        closed: operations that accepted what they promise to refuse; may be shared by several.
    """

    allowed: Collection[str] = ()
    everything: bool = False
    closed: set[str] = field(default_factory=set)

    def permits(self, operation: Operation) -> bool:
        """Whether a call that has its effect may be sent."""
        return self.everything or all(kind in self.allowed for kind in needed(operation))

    def check(self, draft: Draft) -> None:
        """Pass or raise.

        Raises:
            NotAllowed: the call has an effect or a price that was not allowed, or its operation accepted before what it
                promises to refuse.
        """
        operation = draft.operation
        if self.permits(operation):
            return
        if not draft.refused:
            raise self.refusal(operation)
        if operation.id in self.closed:
            raise NotAllowed(f"{operation.id} accepted what it promises to refuse, so it is not asked again")

    def refusal(self, operation: Operation) -> NotAllowed:
        """Why a call of the operation may not be sent, and what would permit it."""
        missing = [kind for kind in needed(operation) if kind not in self.allowed]
        does = " and ".join(_WORDS[kind] for kind in missing)
        return NotAllowed(f"{operation.id} {does}; `--allow {','.join(missing)}` permits it")

    def learn(self, draft: Draft, status: int) -> None:
        """Note how a call was answered."""
        if draft.refused and status < 300 and not self.permits(draft.operation):
            self.closed.add(draft.operation.id)
