"""Where reports are written: tried before a run, so that nobody finds out after it, and complete or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from specwatch.errors import Problem, UsageError


def check_writable(path: Path) -> None:
    """Return when a report can be written to the path. What lies there is left as it is.

    Raises:
        UsageError: it is a folder, its folder does not exist, or nothing may be written there.
    """
    try:
        _check_place(path)
        if _replaceable(path):
            trial = _temporary(path.resolve())
            os.close(_create(trial))
            trial.unlink()
        elif not os.access(path, os.W_OK):
            raise PermissionError(None, "it is not writable")
    except OSError as error:
        raise _cannot(path, error) from error


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError(Problem(str(path), "is a folder", "a file name", f"for example {path / 'report'}"))
    if not path.parent.is_dir():
        found = f"there is no folder {path.parent}"
        raise UsageError(Problem(str(path), found, "a file in a folder that exists", f"mkdir -p {path.parent}"))


def write_text(path: Path, text: str) -> None:
    """Write a report as UTF-8. A reader sees the old file or the whole new one, never a part.

    Devices and pipes, such as /dev/stdout, are written to directly.

    Raises:
        UsageError: it cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _replaceable(path):
            _replace(path.resolve(), data)
        else:
            with path.open("wb") as file:
                file.write(data)
    except OSError as error:
        raise _cannot(path, error) from error


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a report as JSON, indented, in UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    # A lone surrogate, which a provider can send as an escape, becomes that escape again in `write_text`.
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _replaceable(path: Path) -> bool:
    return (path.is_file() or not path.exists()) and path.absolute().parts[1:2] not in {("dev",), ("proc",)}


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)


def _replace(path: Path, data: bytes) -> None:
    temporary = _temporary(path)
    try:
        with os.fdopen(_create(temporary), "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _cannot(path: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(Problem(str(path), f"cannot be written: {reason}", "a place for a report", "choose another path"))
