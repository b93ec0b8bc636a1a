"""Layer 2: does one exchange conform to its operation? Pure functions of (API, exchange)."""

from specwatch.conformance.facts import MISSING, Facts
from specwatch.conformance.judge import Judgement, judge
from specwatch.conformance.strictjson import StrictJson, parse_strict

__all__ = ["MISSING", "Facts", "Judgement", "StrictJson", "judge", "parse_strict"]
