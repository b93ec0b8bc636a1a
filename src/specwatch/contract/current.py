"""The run that contract tests belong to: set once by whoever starts pytest."""

from __future__ import annotations

from specwatch.contract.run import ContractRun
from specwatch.errors import InternalError

_active: list[ContractRun] = []


def activate(run: ContractRun) -> None:
    """Make a run the current one."""
    _active.append(run)


def deactivate(run: ContractRun) -> None:
    """Undo `activate`."""
    _active.remove(run)


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
    return _active[-1]
