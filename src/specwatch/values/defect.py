"""What went wrong with a run itself: a defect of the workspace that checks, never a finding about the API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """Which part of the workspace has a defect."""

    SANDBOX = "sandbox"
    CONTRACT_TEST = "contract test"


@dataclass(frozen=True, slots=True)
class Defect:
    """A sandbox module or a contract test that raised.

    Args:
        part: what raised.
        where: file within the workspace and line, as far as they are known.
        text: what happened, on one line and without secrets.
        api: id of the API that it is about; empty where nobody can tell.
    """

    part: Part
    where: str
    text: str
    api: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"
