"""Layer 2: behaviour claims, judged on exchanges. No input, no output; memory is bounded."""

from specwatch.claims.cel import CelError, Expression, compile_expression
from specwatch.claims.check import check_expressions
from specwatch.claims.judge import ClaimJudge, ClaimOutcome

__all__ = ["CelError", "ClaimJudge", "ClaimOutcome", "Expression", "check_expressions", "compile_expression"]
