"""Modules of a workspace must not end the process on their own: exit code 0 would read as a pass."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn


class EndsProcess(SystemExit):
    """What `os._exit` becomes in a module of a workspace; its text names the call, its file and its line."""


@contextlib.contextmanager
def no_sudden_end(folder: Path) -> Iterator[None]:
    """Let `os._exit` raise where a module of a folder calls it in this process.

    Others are left alone: libraries, and what the modules start as processes of their own.

    Args:
        folder: whose modules are meant, those in folders below included.
    """
    really, here, root = os._exit, os.getpid(), folder.resolve()
    active = True

    def guarded(status: int) -> NoReturn:
        caller = inspect.currentframe()
        while caller is not None and caller.f_code is guarded.__code__:  # of this folder, or of one around it
            caller = caller.f_back
        if active and caller is not None and os.getpid() == here:
            file = Path(caller.f_code.co_filename)
            if file.resolve().is_relative_to(root):
                raise EndsProcess(f"os._exit({status}) at {file.name}:{caller.f_lineno}")
        really(status)

    os._exit = guarded
    try:
        yield
    finally:
        active = False
        if os._exit is guarded:
            os._exit = really
