"""Layer 1: the values that flow through specwatch. No input, no output, no clock."""

from specwatch.values.claim import (
    Claim,
    Derived,
    Holds,
    Level,
    Observation,
    Observe,
    Rule,
    Scenario,
    Series,
    Verdict,
)
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings
from specwatch.values.violation import Drift, Violation

__all__ = [
    "Claim",
    "Derived",
    "Drift",
    "Exchange",
    "Headers",
    "Holds",
    "Level",
    "Observation",
    "Observe",
    "Request",
    "Response",
    "Rule",
    "Scenario",
    "Series",
    "Timings",
    "Verdict",
    "Violation",
]
