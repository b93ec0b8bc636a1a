"""Which values labels may take: the specs and closed sets of ours say so, everything else is `other`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from specwatch.spec import Api, Operation

OTHER: Final = "other"
DRIFTS: Final = ("field", "value", "header", "status", "code", "media-type")
STATE_OPERATIONS: Final = ("open", "record", "remember", "journal", "archive")

Answer = tuple[str, str]
"""Status and error code, as label values."""


def bounded(value: str, allowed: Iterable[str]) -> str:
    """The value, or `other`."""
    return value if value in allowed else OTHER


class Answers:
    """The answers that an operation documents.

    Args:
        api: whose operation it is.
        operation: None stands for one that the spec does not have.
    """

    def __init__(self, api: Api, operation: Operation | None) -> None:
        self._codes: dict[str, tuple[str, ...]] = {}
        responses = operation.responses.values() if operation else ()
        for response in responses:
            if response.status != "default":
                self._codes[response.status.upper()] = response.codes
        self._has_codes = api.error_code_pointer is not None

    def label(self, status: int, code: str) -> Answer:
        """The label values of an answer.

        A status that only a range documents is that range (`4XX`); one that only `default` documents is `other`. A code
        has to be documented under that very status.
        """
        key = str(status)
        if key not in self._codes:
            key = f"{status // 100}XX"
        if key not in self._codes:
            return OTHER, OTHER if code else ""
        return key, bounded(code, self._codes[key]) if code else ""

    def known(self) -> Iterator[Answer]:
        """All label values that there can be."""
        for status, codes in (*self._codes.items(), (OTHER, ())):
            yield status, ""
            yield from ((status, code) for code in codes)
            if self._has_codes:
                yield status, OTHER
