"""How pytest-xdist hands contract tests out; imported where it is installed and used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps the tests of a group in one process, and hands the others out one by one.

    Args:
        config: of the session.
        log: where pytest-xdist writes what it does.
        groups: node id to group; it is filled while processes collect, before anything is handed out.
    """

    def __init__(self, config: Any, log: Any, groups: Mapping[str, str]) -> None:
        super().__init__(config, log)
        self._groups = groups

    def _split_scope(self, nodeid: str) -> str:
        """The name of the group that a test is of."""
        return self._groups.get(nodeid, nodeid)

    def remove_node(self, node: Any) -> str | None:
        """Take a process out; what is left of a group whose process died is given up, and not done by another.

        Only the process that died knew what had been sent, what it cost, and which calls had to be no more.
        """
        workload = self.assigned_work[node]
        pending = [test for tests in workload.values() for test, done in tests.items() if not done]
        for group in set(self._groups.values()) & set(workload):
            del workload[group]
        crashed: str | None = super().remove_node(node)
        return pending[0] if pending else crashed
