"""The pytest side of a replay: which contract tests are run, and when they have shown enough."""

from __future__ import annotations

import pytest

from specwatch.contract.plugin import RunPlugin
from specwatch.contract.run import ContractRun
from specwatch.values.violation import Violation


class ReplayPlugin(RunPlugin):
    """Runs contract tests until one shows a violation again.

    Args:
        run: the run, over the claim alone.
        errors: receives a text for every test that failed for a reason of its own.
        violation: what is looked for.
        everything: whether all tests of the API are run as the first time, not those alone that look for the claim:
            what a test sends, and what it finds, may depend on what was sent before it.
    """

    def __init__(self, run: ContractRun, errors: list[str], *, violation: Violation, everything: bool) -> None:
        super().__init__(run, errors, stop_at_first=True)
        self._violation = violation
        self._everything = everything

    def _is_enough(self) -> bool:
        return any(self._violation.identity in api.ledger.violations for api in self._run.apis.values())

    def _is_selected(self, item: pytest.Item) -> bool:
        if not self._everything:
            return super()._is_selected(item)
        marked = [
            str(mark.args[0]).partition("/")[0] for mark in (*item.iter_markers("api"), *item.iter_markers("claim"))
        ]
        return not marked or any(api in self._run.apis for api in marked)
