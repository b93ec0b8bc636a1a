"""The search for a change under which a claim is false, on the answer that is about to be sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specwatch.conformance.judge import judge
from specwatch.sandbox.derivation.candidates import Reads, candidates
from specwatch.sandbox.derivation.exchange import Seen, content_of
from specwatch.sandbox.interface import Answer, Call
from specwatch.spec import Api, Operation
from specwatch.values.claim import Claim

MOST_BYTES: Final = 1_000_000
"""Calls and answers with larger bodies are left alone: judging dozens of variants of them takes too long."""

_STORE: Final = "derived faults"


@dataclass(frozen=True)
class Search:
    """Looks for an answer that breaks a claim.

    Args:
        name: of the fault, under which is remembered what worked.
        claim: the claim.
        reads: what of an answer may be changed.
    """

    api: Api
    operation: Operation
    name: str
    claim: Claim
    reads: Reads

    def seen(self, call: Call, answer: Answer) -> Seen:
        """A call with an answer, as it would be judged."""
        return Seen(self.api, self.operation, call, answer)

    def is_too_large(self, call: Call, answer: Answer) -> bool:
        """Whether judging many variants of an answer would take too long."""
        return len(call.body) > MOST_BYTES or len(content_of(answer)) > MOST_BYTES

    def memory(self, call: Call) -> dict[str, Any]:
        """What this fault remembers until the sandbox is reset."""
        found: dict[str, Any] = call.store.setdefault(_STORE, {}).setdefault(self.name, {})
        return found

    def find(
        self, call: Call, answer: Answer, broken: Callable[[Seen], bool], more: Sequence[object] = ()
    ) -> Answer | None:
        """A changed answer that breaks the claim; None where no change does.

        One that is documented in every other respect is preferred, so that only the claim can notice. What worked
        before is tried first, so that a fault looks the same all the time.

        Args:
            call: the call.
            answer: the honest answer.
            broken: whether a variant breaks the claim.
            more: values that a field may be replaced by.
        """
        memory = self.memory(call)
        tried = list(candidates(self.api, self.operation, answer, self.reads, more))
        tried.sort(key=lambda candidate: candidate.label != memory.get("worked"))
        noticed: Answer | None = None
        for candidate in tried:
            seen = self.seen(call, candidate.answer)
            if not broken(seen):
                continue
            if not judge(seen.facts).violations:
                memory["worked"] = candidate.label
                return candidate.answer
            noticed = noticed or candidate.answer
        return noticed
