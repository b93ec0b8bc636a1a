"""The errors of specwatch, sorted by who has to act.

    SpecwatchError
    ├── UsageError          you asked for something that does not exist          exit 2
    ├── WorkspaceError      a file of the workspace is wrong                     exit 2
    ├── SandboxError        the sandbox cannot be started or steered             exit 2
    ├── CannotTell          a check could not be carried out: verdict `unknown`
    │   ├── MissingCredential    a variable that holds a credential is not set
    │   ├── MissingSetting       an identifier of your account is not set
    │   ├── CredentialRefused    the target refuses our credential
    │   ├── QuotaSpent           our balance or plan quota is used up
    │   ├── RateLimited          the target asks us to slow down
    │   ├── BudgetSpent          the run's own budget of requests or cost is used up
    │   ├── NotAllowed           the call creates, consumes or costs, and nobody said yes
    │   └── Unreachable          no usable answer came back
    │       └── BrokenAnswer         an answer began, or was owed, and did not arrive whole
    │           └── GarbledAnswer        an answer came whose headers are no HTTP
    └── InternalError       a defect of specwatch itself                          exit 70

What is wrong with the API under test is never an error: it is a `Violation`, a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from unittest import SkipTest


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file or an option, and how to mend it.

    Args:
        where: file with line, option or variable.
        found: what stands there.
        expected: what should stand there.
        mend: the next step for the reader.
    """

    where: str
    found: str
    expected: str = ""
    mend: str = ""

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.found}"]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.mend:
            lines.append(f"  mend: {self.mend}")
        return "\n".join(lines)


class SpecwatchError(Exception):
    """Base of all errors that specwatch raises on purpose.

    Args:
        problems: one or several problems, or a sentence.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(p if isinstance(p, Problem) else Problem(where="specwatch", found=p) for p in problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class UsageError(SpecwatchError):
    """An option or argument names something that does not exist or cannot be."""


class WorkspaceError(SpecwatchError):
    """A spec, a claim or a configuration file is wrong. Carries every problem that was found."""


class SandboxError(SpecwatchError):
    """The sandbox cannot be started or does not know what it is told."""


class InternalError(SpecwatchError):
    """Something that specwatch itself should have prevented."""

    exit_code: ClassVar[int] = 70


class CannotTell(SpecwatchError, SkipTest):  # noqa: N818 - an outcome; so are its branches
    """A check could not be carried out, for a reason on our side. Its verdict is `unknown`, never `pass`.

    It is a `SkipTest`, so that pytest and Hypothesis end a test on it at once instead of trying it again.

    Args:
        reason: one sentence for the report: what is missing and how to supply it.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return self.reason


class MissingCredential(CannotTell):
    """A credential that the request needs is not in the environment."""


class MissingSetting(CannotTell):
    """An identifier that must exist on the target's account is not configured."""


class CredentialRefused(CannotTell):
    """The target answered 401 or 403 to our own credential."""


class QuotaSpent(CannotTell):
    """Our balance or plan quota on the target is used up."""


class RateLimited(CannotTell):
    """The target asked us to slow down, for longer than this run is willing to wait."""


class BudgetSpent(CannotTell):
    """The run's budget of requests or of cost does not cover this call."""


class NotAllowed(CannotTell):
    """The call creates, consumes or costs something and was not allowed on this target."""


class Unreachable(CannotTell):
    """The request did not lead to a usable answer: name, connection, TLS, time or protocol."""


class BrokenAnswer(Unreachable):
    """The target took the request, but its answer broke off, is no HTTP, is too large, or did not come in time."""


class GarbledAnswer(BrokenAnswer):
    """The target answered with a status line of HTTP and headers that are none."""
