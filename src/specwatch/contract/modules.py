"""The modules of a folder of contract tests: tests import what stands beside them, and leave nothing behind."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def importable(contracts: Path) -> Iterator[None]:
    """Let contract tests import the modules beside them by name, whatever pytest's import mode is.

    Afterwards the modules of the folder are unloaded: they are bound to their run, and the next run needs them afresh.

    Args:
        contracts: folder of the contract tests.
    """
    folder = str(contracts.resolve())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # a test may have changed the path
            sys.path.remove(folder)
        _forget(folder)


def _forget(folder: str) -> None:
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
