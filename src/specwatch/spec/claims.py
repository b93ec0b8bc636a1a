"""Reading `x-claims`: behaviour claims, written down as data in the spec."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from specwatch.errors import Problem
from specwatch.spec.model import Operation
from specwatch.spec.source import Source
from specwatch.values.claim import Claim, Concern, Form, Holds, Level, Observe, Rule, Scenario, Series, Side

FORMS = ("holds", "series", "observe", "scenario")
KEYS = frozenset({"id", "level", "text", "source", "concern", "when", "operations", *FORMS})
OTHERS_FIRST = "others-first"
SERIES_KEYS = frozenset({"key", "value", "each", OTHERS_FIRST, *Rule})
SIDE_KEYS = frozenset({"operation", "when", "key", "value", "each"})
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
Place = tuple[str | int, ...]


class ClaimReader:
    """Reads the claims of one spec; `problems` holds what was wrong with them."""

    def __init__(self, api: str, source: Source, raw: Mapping[str, Any], operations: Sequence[Operation]) -> None:
        self.api = api
        self.source = source
        self.raw = raw
        self.operations = {operation.id: operation for operation in operations}
        self.problems: list[Problem] = []
        self._seen: dict[str, str] = {}

    def claims(self) -> Iterator[Claim]:
        """All well-formed claims: those of the whole API first, then operation by operation."""
        yield from self._block(("x-claims",), self.raw.get("x-claims", ()), frozenset(self.operations))
        for operation in self.operations.values():
            at: Place = ("paths", operation.path, operation.method.lower(), "x-claims")
            yield from self._block(
                at, cast("Sequence[Mapping[str, Any]]", operation.raw.get("x-claims", ())), frozenset({operation.id})
            )

    def _block(self, at: Place, block: Sequence[Mapping[str, Any]], default: frozenset[str]) -> Iterator[Claim]:
        for index, raw in enumerate(block):
            place = (*at, index)
            before = len(self.problems)
            self._check(place, raw)
            if len(self.problems) == before:
                yield self._claim(place, raw, default)

    def _complain(self, at: Place, found: str, expected: str, mend: str = "") -> None:
        self.problems.append(Problem(self.source.place(*at), found, expected, mend))

    def _check(self, at: Place, raw: Mapping[str, Any]) -> None:
        self._check_keys(at, raw, KEYS, "a claim")
        for key in ("id", "level", "text", "source"):
            if not isinstance(raw.get(key), str) or not raw[key].strip():
                self._complain(at, f"claim without {key}", f"`{key}:` with a text")
        if isinstance(raw.get("id"), str):
            self._check_id(at, raw["id"])
        if raw.get("level", Level.PROMISE) not in list(Level):
            self._complain((*at, "level"), f"level is {raw['level']!r}", "promise or inference")
        if raw.get("concern", Concern.SEMANTICS) not in list(Concern):
            self._complain((*at, "concern"), f"concern is {raw['concern']!r}", f"one of {', '.join(Concern)}")
        if len(found := [form for form in FORMS if form in raw]) != 1:
            self._complain(at, f"claim with {' and '.join(found) or 'no form'}", f"exactly one of {', '.join(FORMS)}")
        for name in sorted(set(raw.get("operations", ())) - set(self.operations)):
            self._complain((*at, "operations"), f"unknown operation {name!r}", f"one of {', '.join(self.operations)}")

    def _check_keys(self, at: Place, raw: Mapping[str, Any], known: frozenset[str], what: str) -> None:
        for key in sorted(set(raw) - known):
            near = difflib.get_close_matches(key, known, n=1)
            mend = f"did you mean {near[0]!r}?" if near else ""
            self._complain((*at, key), f"unknown key {key!r} in {what}", f"one of {', '.join(sorted(known))}", mend)

    def _check_id(self, at: Place, claim_id: str) -> None:
        if not _ID.fullmatch(claim_id):
            self._complain((*at, "id"), f"claim id {claim_id!r}", "kebab-case, such as count-equals-items")
        if claim_id in self._seen:
            self._complain(
                (*at, "id"), f"claim id {claim_id!r} again", f"an id of its own; first at {self._seen[claim_id]}"
            )
        self._seen.setdefault(claim_id, self.source.place(*at, "id"))

    def _claim(self, at: Place, raw: Mapping[str, Any], default: frozenset[str]) -> Claim:
        form = self._form(at, raw)
        operations = frozenset(raw["operations"]) if "operations" in raw else default
        if isinstance(form, Observe):
            operations = frozenset(observation.operation for observation in form.observations)
        return Claim(
            api=self.api,
            id=raw["id"],
            level=Level(raw["level"]),
            text=" ".join(raw["text"].split()),
            source=raw["source"],
            form=form,
            operations=operations,
            when=raw.get("when"),
            concern=Concern(raw.get("concern", Concern.SEMANTICS)),
        )

    def _form(self, at: Place, raw: Mapping[str, Any]) -> Form:
        if "holds" in raw:
            return Holds(str(raw["holds"]))
        if "series" in raw:
            return self._series((*at, "series"), raw["series"])
        if "observe" in raw:
            return Observe(tuple(self._observations((*at, "observe"), raw["observe"])))
        return Scenario()

    def _series(self, at: Place, raw: Mapping[str, Any]) -> Series:
        self._check_keys(at, raw, SERIES_KEYS, "a series")
        rules = [rule for rule in Rule if rule in raw]
        if len(rules) != 1 or "key" not in raw or "value" not in raw:
            self._complain(at, f"series with {', '.join(raw)}", f"key, value and one of {', '.join(Rule)}")
            return Series("", "", Rule.CONSTANT)
        order = tuple(raw["order"]) if rules[0] is Rule.ORDER else ()
        if OTHERS_FIRST in raw and not order:
            self._complain((*at, OTHERS_FIRST), f"{OTHERS_FIRST} beside {rules[0]}", "an order beside it")
        return Series(
            str(raw["key"]), str(raw["value"]), rules[0], order, raw.get("each"), others_first=OTHERS_FIRST in raw
        )

    def _observations(self, at: Place, raw: Sequence[Mapping[str, Any]]) -> Iterator[Side]:
        for index, side in enumerate(raw):
            self._check_keys((*at, index), side, SIDE_KEYS, "an observation")
            if not {"operation", "key", "value"} <= set(side):
                self._complain((*at, index), f"observation with {', '.join(side)}", "operation, key and value")
                continue
            if side["operation"] not in self.operations:
                found = f"unknown operation {side['operation']!r}"
                self._complain((*at, index, "operation"), found, f"one of {', '.join(self.operations)}")
                continue
            yield Side(side["operation"], str(side["key"]), str(side["value"]), side.get("when"), side.get("each"))
