"""Environment variables enter through one door: the process's own, then `.env` in the current folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from specwatch.errors import Problem, UsageError


def read_environment(names: Iterable[str], folder: Path) -> dict[str, str]:
    """The values of the named variables.

    The process's environment wins over `.env`; `NAME_FILE` names a file that holds the value of NAME.
    Empty values count as not set.

    Args:
        names: the variables that may be read, and no others.
        folder: where `.env` may lie.

    Raises:
        UsageError: a file named by `NAME_FILE` or `.env` cannot be read.
    """
    available = {**_dotenv(folder / ".env"), **{name: value for name, value in os.environ.items() if value}}
    found: dict[str, str] = {}
    for name in names:
        value = available.get(name) or _from_file(name, available)
        if value:
            found[name] = value
    return found


def _dotenv(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        # No interpolation: a `$` may be part of a secret, and `${NAME}` would read variables that nobody listed.
        values = dotenv_values(path, interpolate=False)
        return {name: value for name, value in values.items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(Problem(str(path), f"cannot be read: {error}", "lines of NAME=value in UTF-8")) from error


def _from_file(name: str, available: Mapping[str, str]) -> str | None:
    path = available.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        where = f"{name}_FILE={path}"
        raise UsageError(
            Problem(where, f"cannot be read: {error}", f"a file that holds the value of {name}")
        ) from error
