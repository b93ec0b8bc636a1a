"""Layer 6: how good a contract is, measured by the faults of the sandbox.

The contract is checked against the embedded sandbox once per fault, each time in a process of its own. What matters is
which faults it detects, after how many requests, and that it reports nothing of what the documents allow.
"""

from specwatch.scoring.plan import Plan, make_plan
from specwatch.scoring.pool import measure
from specwatch.scoring.values import Finding, Outcome, Result, Score, Task

__all__ = ["Finding", "Outcome", "Plan", "Result", "Score", "Task", "make_plan", "measure"]
