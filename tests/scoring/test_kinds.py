"""Every fault belongs to one kind of drift."""

from __future__ import annotations

import pytest

from specwatch.sandbox.faults import Fault, FaultKind
from specwatch.scoring import DriftKind, kind_of
from specwatch.values import Level


def derived(what: str, breaks: str) -> Fault:
    """A fault that follows from a spec."""
    name = f"shop/getOrder/{what}"
    return Fault(name, "shop", "getOrder", FaultKind.DERIVED, Level.PROMISE, f"getOrder/{breaks}", "")


def declared(name: str, breaks: str) -> Fault:
    """A fault that a module declares."""
    return Fault(f"shop/{name}", "shop", None, FaultKind.BEHAVIOUR, Level.PROMISE, breaks, "")


@pytest.mark.parametrize(
    "what, breaks, kind",
    [
        ("200/drop/total", "200", DriftKind.SCHEMA),
        ("200/value/total", "200/inferred", DriftKind.SCHEMA),
        ("404/drop/error", "404", DriftKind.ERRORS),
        ("4XX/drop/error", "4XX", DriftKind.ERRORS),
        ("404/code/of-409", "code", DriftKind.ERRORS),
        ("status/200-as-299", "status", DriftKind.STATUS),
        ("200/media-type", "media-type", DriftKind.HEADERS),
        ("credential/key-expired", "401/token_expired", DriftKind.AUTHENTICATION),
        ("accepts/total-minimum", "rejects", DriftKind.INPUT),
        ("200/truncated", "json", DriftKind.ROBUSTNESS),
        ("slow", "time", DriftKind.ROBUSTNESS),
    ],
)
def test_a_derived_fault_is_sorted_by_the_claim_that_it_breaks(what: str, breaks: str, kind: DriftKind) -> None:
    """What follows from a spec names the derived claim that it breaks, and that one decides."""
    assert kind_of(derived(what, breaks)) is kind


@pytest.mark.parametrize(
    "name, breaks, kind",
    [
        ("other-order", "order-is-the-one-asked-for", DriftKind.SEMANTICS),
        ("sporadic-loss", "known-order-is-found", DriftKind.ROBUSTNESS),
        ("any-token", "wrong-token-refused", DriftKind.AUTHENTICATION),
        ("trace-fixed", "trace-id-is-fresh", DriftKind.ERRORS),
        ("null-taken", "missing-id-refused", DriftKind.INPUT),
        ("total-as-text", "getOrder/200", DriftKind.SCHEMA),
    ],
)
def test_a_declared_fault_is_sorted_by_its_words(name: str, breaks: str, kind: DriftKind) -> None:
    """What a module declares is sorted by the words of its claim; what none speaks for is a matter of semantics."""
    assert kind_of(declared(name, breaks)) is kind
