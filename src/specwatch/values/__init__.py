"""Layer 1: the values that flow through specwatch. No input, no output, no clock."""

from specwatch.values.claim import (
    Claim,
    Concern,
    Derived,
    Holds,
    Level,
    Observe,
    Rule,
    Scenario,
    Series,
    Side,
    Verdict,
)
from specwatch.values.exchange import Exchange, Headers, Request, Response, Timings
from specwatch.values.failure import PHASES, Certificate, Failure, Reason
from specwatch.values.observation import Criterion, Observation, Sent, StepResult
from specwatch.values.violation import Drift, Violation

__all__ = [
    "PHASES",
    "Certificate",
    "Claim",
    "Concern",
    "Criterion",
    "Derived",
    "Drift",
    "Exchange",
    "Failure",
    "Headers",
    "Holds",
    "Level",
    "Observation",
    "Observe",
    "Reason",
    "Request",
    "Response",
    "Rule",
    "Scenario",
    "Sent",
    "Series",
    "Side",
    "StepResult",
    "Timings",
    "Verdict",
    "Violation",
]
