"""What a sandbox in this process says about its own defects: modules and faults of the workspace that raised."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from specwatch.errors import Problem, SandboxError
from specwatch.values.defect import Defect, Part

LOGGER: Final = logging.getLogger("specwatch.sandbox")

_EXPECTED: Final = "an answer for every request"
_MEND: Final = "correct it first: what the run says about the answers to these requests is about the sandbox"


class Complaints(logging.Handler):
    """Listens to the sandboxes of this process for as long as the `with` block lasts."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []
        self._problems: dict[str, Problem] = {}
        self._defects: dict[tuple[str, str], Defect] = {}

    def __enter__(self) -> Self:
        """Begin to listen."""
        LOGGER.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; what was heard is kept."""
        LOGGER.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one complaint."""
        error = record.exc_info[1] if record.exc_info else None
        text = f"{record.getMessage()}: {type(error).__name__}: {error}" if error else record.getMessage()
        self.texts.append(text)
        place = _place(error)
        self._problems.setdefault(text, Problem(place, text, _EXPECTED, _MEND))
        api = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        self._defects.setdefault((place, record.getMessage()), Defect(Part.SANDBOX, place, text, api))

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What was heard, once for each place and operation."""
        return tuple(self._defects.values())

    def error(self) -> SandboxError | None:
        """All different complaints as one error; None where there were none."""
        return SandboxError(*self._problems.values()) if self._problems else None


def _place(error: BaseException | None) -> str:
    """File and line of the innermost call that is no library's: a module of the workspace, where one is involved."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else ()
    package = Path(__file__).parents[1]
    for frame in reversed(frames):
        path = Path(frame.filename)
        if "site-packages" not in path.parts and not path.is_relative_to(package) and path.is_file():
            return f"{path}:{frame.lineno}"
    return "sandbox"
