"""Becomes another program, one that the system ends when our parent ends. Linux only.

A program to be run by its path: it imports three modules of the standard library, and takes 20 ms. A function between
fork and exec would do the same, but is unsafe where threads run (https://docs.python.org/3/library/subprocess.html,
`preexec_fn`). The wish stays through `exec`, except where that changes privileges (prctl(2), PR_SET_PDEATHSIG).

Usage: launch.py PARENT PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
CANNOT_START: Final = 127
"""The exit code of a shell for a program that is not there."""


def main(arguments: list[str]) -> int:
    """Become the program, unless the parent has ended meanwhile.

    Args:
        arguments: process id of the parent, then the command line.

    Returns:
        An exit code, where there is nothing to become.
    """
    parent, *command = arguments
    _end_with_parent()
    if os.getppid() != int(parent):  # it ended before it could be told whom to end
        return CANNOT_START
    try:
        os.execv(command[0], command)  # noqa: S606 - found on PATH by our parent
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror or error}\n")
    return CANNOT_START


def _end_with_parent() -> None:
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    except (ImportError, OSError, AttributeError):  # then whoever comes next is told what is left over
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
