"""What all derivations of one operation share: names, levels and the places of codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specwatch.sandbox.faults import Fault, FaultKind, Underivable
from specwatch.sandbox.interface import Edit, unchanged
from specwatch.spec import Api, Operation
from specwatch.values import Concern, Level

Derived = Iterator[Fault | Underivable]
"""What a derivation yields."""


@dataclass(frozen=True)
class Maker:
    """Makes the faults of one operation.

    Args:
        api: the API.
        operation: the operation whose answers deviate.
    """

    api: Api
    operation: Operation

    def fault(
        self,
        what: str,
        text: str,
        apply: Edit | None = None,
        *,
        breaks: str,
        level: Level = Level.PROMISE,
        excuses: frozenset[tuple[str, str]] = frozenset(),
        concern: Concern | None = None,
        unclaimed: str = "",
    ) -> Fault:
        """A fault `<api-id>/<operationId>/<what>` that breaks a derived claim of the operation.

        Its concern is that of the claim, where no other is given. Where no claim is known to show it, `unclaimed` says
        why, and `breaks` is a few words.
        """
        claim = breaks if unclaimed else f"{self.operation.id}/{breaks}"
        return Fault(
            f"{self.api.id}/{self.operation.id}/{what}",
            self.api.id,
            self.operation.id,
            FaultKind.DERIVED,
            level,
            claim,
            text,
            apply or unchanged,
            concern or self.api.concern(claim),
            excuses,
            unclaimed,
        )

    def cannot(self, what: str, reason: str) -> Underivable:
        """The same for a fault that cannot be built."""
        return Underivable(self.api.id, f"{self.operation.id}/{what}", reason)

    def statuses(self) -> tuple[int, ...]:
        """The documented statuses; a range stands for its first."""
        return tuple(int(key.replace("X", "0")) for key in self.operation.responses if key != "default")

    @property
    def pointer(self) -> list[str]:
        """The steps to the provider's error code; none where it has none."""
        return self.api.error_code_pointer.strip("/").split("/") if self.api.error_code_pointer else []
