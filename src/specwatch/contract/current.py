"""The run that contract tests belong to: set once by whoever starts pytest."""

from __future__ import annotations

from dataclasses import dataclass, field

from specwatch.contract.run import ContractRun
from specwatch.errors import InternalError


@dataclass(frozen=True, slots=True)
class _Current:
    """A run, and what the test that runs has found so far."""

    run: ContractRun
    findings: list[AssertionError] = field(default_factory=list)


_active: list[_Current] = []


def activate(run: ContractRun) -> None:
    """Make a run the current one.

    Raises:
        InternalError: there is one already; contract tests could not tell which of the two they belong to.
    """
    if _active:
        raise InternalError("a contract run has begun in this process, and has to end before another one begins")
    _active.append(_Current(run))


def deactivate(run: ContractRun) -> None:
    """Undo `activate`."""
    _active[:] = [current for current in _active if current.run is not run]


def is_active() -> bool:
    """Whether there is a current run."""
    return bool(_active)


def current_run() -> ContractRun:
    """The current run.

    Raises:
        InternalError: contract tests were collected outside a run.
    """
    if not _active:
        raise InternalError("contract tests need a run: start them with `specwatch check` or `pytest contracts`")
    return _active[0].run


def findings() -> list[AssertionError]:
    """What the contract test that runs has found so far; a list that nobody looks at where there is no run."""
    return _active[0].findings if _active else []
