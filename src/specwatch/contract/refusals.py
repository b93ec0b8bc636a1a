"""Refusals of bad credentials: what they seem to keep counts once a good credential was accepted.

Whoever refuses everything refuses bad credentials, too: a filter on the way, or a service that knows nobody any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from specwatch.claims.reads import reads
from specwatch.conformance import Facts
from specwatch.contract.blame import establishes
from specwatch.values.claim import Claim, Derived

REFUSED_ALWAYS: Final = (
    "no call with our own credential was accepted, so that a refusal of a bad one may be that of anybody on the way"
)

_WHO_ASKS: Final = frozenset({"credentials", "rejects"})


class Refusals:
    """Claims that are kept by refusals, held back as long as nothing else was seen of an API."""

    def __init__(self) -> None:
        self._accepted = False
        self._held: list[str] = []

    def sift(self, facts: Facts, kept: Iterable[str]) -> Iterator[str]:
        """Of the claims that an answer keeps, those that count by now; the others are held back.

        A refusal in a form that the document describes shows that form. That it refuses it shows only beside an
        acceptance, and one that the document does not describe shows nothing at all without it.
        """
        if self._accepted or not _refuses(facts):
            yield from kept
            return
        for claim in kept:
            if facts.media is None or _is_about_who_asks(facts.api.claim(claim)):
                self._held.append(claim)
            else:
                yield claim

    def accepted(self, facts: Facts) -> list[str]:
        """Note an answer that tells of no trouble; hands back the claims that count from now on."""
        exchange = facts.exchange
        served = bool(exchange.credentials) and facts.request_valid and exchange.response.status < 500
        return self.release() if not self._accepted and served and establishes(facts, ()) else []

    def release(self) -> list[str]:
        """Note that somebody was let in; hands back the claims that count from now on."""
        self._accepted, held, self._held = True, self._held, []
        return held

    def reason(self, claim: str) -> str | None:
        """Why a claim is unknown that is held back; None for any other."""
        return REFUSED_ALWAYS if claim in self._held else None


def _refuses(facts: Facts) -> bool:
    exchange = facts.exchange
    return not exchange.vouched and not exchange.as_account and 300 <= exchange.response.status < 500


def _is_about_who_asks(claim: Claim) -> bool:
    if isinstance(claim.form, Derived):
        return claim.form.kind in _WHO_ASKS
    return "request.credentials" in reads(claim)
