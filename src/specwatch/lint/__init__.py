"""Layer 5: whether the files of a workspace are right, said for all of them at once.

Every check is a function from files to `Problem`s, each with its file and line, what was found, what was expected and
how to mend it.
"""

from specwatch.lint.contracts import lint_contracts
from specwatch.lint.probes import lint_probes
from specwatch.lint.sandbox import lint_sandbox
from specwatch.lint.settings import lint_settings
from specwatch.lint.specs import lint_spec
from specwatch.lint.workspace import LintResult, lint_workspace

__all__ = [
    "LintResult",
    "lint_contracts",
    "lint_probes",
    "lint_sandbox",
    "lint_settings",
    "lint_spec",
    "lint_workspace",
]
