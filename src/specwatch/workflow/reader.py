"""Reading the objects of a document: what is wrong is collected, with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from specwatch.errors import Problem
from specwatch.spec.schema import as_text, shorten
from specwatch.spec.source import Source
from specwatch.workflow.names import Mistake, suggest
from specwatch.workflow.shape import ARTICLES, FORMS, Form, fits

Place = tuple[str | int, ...]
Made = TypeVar("Made")


class Reader:
    """Reads one document; collects problems instead of stopping at the first.

    Args:
        source: the file.
        modern: whether the document is of version 1.1.
    """

    def __init__(self, source: Source, *, modern: bool = False) -> None:
        self.source = source
        self.modern = modern
        self.problems: list[Problem] = []
        self.dangling: list[Problem] = []

    def problem(self, at: Place, found: str, expected: str, mend: str = "") -> None:
        """Note what is wrong at a place."""
        self.problems.append(Problem(self.source.place(*at), found, expected, mend))

    def attempt(self, at: Place, make: Callable[[], Made]) -> Made | None:
        """What `make` makes, or None and a problem at that place."""
        try:
            return make()
        except Mistake as mistake:
            into = self.dangling if mistake.dangling else self.problems
            into.append(Problem(self.source.place(*at), mistake.found, mistake.expected, mistake.mend))
        return None

    def node(self, at: Place, raw: object, form_name: str) -> Mapping[str, object] | None:
        """The fields of an object that are well-formed; None where it cannot be used at all."""
        form = FORMS[form_name]
        if not isinstance(raw, Mapping):
            self.problem(at, f"{form.what} is {self._short(raw)}", "a mapping")
            return None
        known = {**form.fields, **form.later} if self.modern else form.fields
        usable: dict[str, object] = {}
        for key, value in raw.items():
            if key in known and self._fits((*at, key), key, value, known[key].rstrip("!")):
                usable[key] = value
            elif key not in known:
                self._unknown((*at, key), key, form, known)
        absent = [key for key, kind in known.items() if kind.endswith("!") and key not in raw]
        for key in absent:
            self.problem(at, f"{form.what} without {key}", f"`{key}:`")
        required = [key for key, kind in known.items() if kind.endswith("!")]
        return usable if all(key in usable for key in required) else None

    def items(self, at: Place, raw: object) -> list[tuple[Place, object]]:
        """The items of a list with their places; none where it is no list."""
        return [((*at, index), item) for index, item in enumerate(raw)] if isinstance(raw, list) else []

    def _fits(self, at: Place, key: str, value: object, kind: str) -> bool:
        if fits(value, kind):
            return True
        mend = "put it in quotes" if kind == "text" and isinstance(value, int | float | bool) else ""
        self.problem(at, f"{key} is {self._short(value)}", ARTICLES[kind], mend)
        return False

    def _unknown(self, at: Place, key: str, form: Form, known: Mapping[str, str]) -> None:
        if form.extensible and key.startswith("x-"):
            return
        if self.modern and key in form.refused:
            self.problem(at, f"{key} in {form.what}", "nothing", f"it is {form.refused[key]}")
        elif key in form.later:
            self.problem(at, f"{key} in {form.what}", "nothing: it came with 1.1", "write `arazzo: 1.1.0`")
        else:
            listed = ", ".join(sorted(known))
            self.problem(at, f"unknown key {key!r} in {form.what}", f"one of {listed}", suggest(key, known))

    @staticmethod
    def _short(value: object) -> str:
        return shorten(as_text(value), 80)
