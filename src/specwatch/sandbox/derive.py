"""Faults that follow from a spec alone: every way in which an answer can stop being the documented one.

A change counts as a fault when it turns an example of the document into something that the document refuses, so
no keyword of JSON Schema needs a rule of its own here, and each fault knows the level that it breaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from specwatch.sandbox.credentials import ABSENT, UNKNOWN, WRONG_SCHEME
from specwatch.sandbox.examples import success, success_statuses, value_at, with_value
from specwatch.sandbox.faults import Fault, FaultKind
from specwatch.sandbox.inputs import NO_JSON, Input, inputs_of, loosened
from specwatch.sandbox.interface import Answer, Call, Edit
from specwatch.sandbox.mutations import (
    CHANGES,
    DROP,
    FINER,
    ITEM,
    NOT_HERE,
    WIRE,
    Change,
    Steps,
    cut,
    edit,
    embedded,
    name_of,
    places,
)
from specwatch.sandbox.shape import Shape, examples_of, json_media
from specwatch.spec import Api, MediaType, Operation, Schema, State
from specwatch.values import Level

SLOW_MARGIN_SECONDS = 0.5
_REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500
UNDOCUMENTED = {"success": 299, "error": 418}
"""Statuses that stand for undocumented ones; the next higher free number is taken where a spec documents them."""


def derive_faults(api: Api) -> tuple[Fault, ...]:
    """All faults that follow from an API's spec, each with a name `<api-id>/<operationId>/<what>`.

    Those that edit a JSON body come before those that spoil its text, so that several can be on together.
    """
    found: dict[str, Fault] = {}
    for operation in api.operations:
        for fault in _Deriver(api, operation).faults():
            found.setdefault(fault.name, fault)
    return tuple(found.values())


@dataclass(frozen=True)
class _Deriver:
    """Derives the faults of one operation."""

    api: Api
    operation: Operation

    def faults(self) -> Iterator[Fault]:
        yield from self.credentials()
        yield from self.accepts()
        for status in self.statuses():
            media = json_media(self.operation, status)
            if media is not None:
                yield from self.codes(status)
                yield from self.bodies(status, media)
            yield from self.swaps(status)
        yield from self.wire()
        yield self.slow()

    def statuses(self) -> tuple[int, ...]:
        """The documented statuses; a range stands for its first."""
        return tuple(int(key.replace("X", "0")) for key in self.operation.responses if key != "default")

    def make(
        self,
        what: str,
        text: str,
        apply: Edit | None = None,
        *,
        breaks: str,
        level: Level = Level.PROMISE,
        excuses: frozenset[tuple[str, str]] = frozenset(),
    ) -> Fault:
        name = f"{self.api.id}/{self.operation.id}/{what}"
        claim = f"{self.operation.id}/{breaks}"
        fault = Fault(name, self.api.id, self.operation.id, FaultKind.DERIVED, level, claim, text, excuses=excuses)
        return replace(fault, apply=apply) if apply else fault

    def credentials(self) -> Iterator[Fault]:
        """Each scheme ignored when it is absent, wrong or in the wrong scheme, all together, and each state."""
        level = Level.PROMISE if self.operation.documents_refusal else Level.INFERENCE
        schemes = [self.api.schemes[name] for name in self.operation.security]
        words = {ABSENT: "is absent", UNKNOWN: "is wrong", WRONG_SCHEME: "comes in another scheme"}
        names = {ABSENT: "absent", UNKNOWN: "wrong", WRONG_SCHEME: "wrong-scheme"}
        everything: set[tuple[str, str]] = set()
        for scheme in schemes:
            for problem in (ABSENT, UNKNOWN, WRONG_SCHEME):
                everything.add((scheme.name, problem))
                if problem != WRONG_SCHEME or scheme.prefix:
                    what = f"credential/{scheme.name}-{names[problem]}"
                    text = f"A call is served although {scheme.name} {words[problem]}."
                    excuses = frozenset({(scheme.name, problem)})
                    yield self.make(what, text, breaks="credentials", level=level, excuses=excuses)
            for state in scheme.states:
                everything.add((scheme.name, state))
                text = f"A call is served although its {scheme.name} is {state}."
                excuses = frozenset({(scheme.name, state)})
                what = f"credential/{scheme.name}-{state}"
                yield self.make(what, text, breaks=_claim_of(scheme.states[state]), excuses=excuses)
        if schemes:
            text = "Credentials are not looked at."
            yield self.make(
                "credential/ignored", text, breaks="credentials", level=level, excuses=frozenset(everything)
            )

    def accepts(self) -> Iterator[Fault]:
        """Each constraint on requests not enforced: what should be refused is answered like the first example."""
        for part in inputs_of(self.operation):
            if part.location == "body" and part.required:
                yield self.accept("accepts/no-json", "a request without a JSON body", part, None)
            for name, text, schema in loosened(part):
                yield self.accept(f"accepts/{name}", text, part, schema)

    def accept(self, what: str, text: str, part: Input, schema: Schema | None) -> Fault:
        served = success(self.api, self.operation)

        def apply(call: Call, answer: Answer) -> Answer:
            if not call.handled or not _CLIENT_ERROR <= answer.status < _SERVER_ERROR:
                return answer
            value = part.value(call)
            let_through = value is NO_JSON if schema is None else value is not NO_JSON and schema.is_valid(value)
            return served if let_through and not part.accepts(value) else answer

        return self.make(
            what, f"{text[0].upper()}{text[1:]} is accepted.", apply, breaks="rejects", level=Level.INFERENCE
        )

    def bodies(self, status: int, media: MediaType) -> Iterator[Fault]:
        """Each field of each example changed in each way that the document refuses."""
        for example in examples_of(media):
            shape = Shape.of(media)
            if shape.breaks(example) is Level.INFERENCE:
                shape = Shape(media.schema, None)  # an example that is none of its own inference tells nothing about it
            if shape.breaks(example):
                continue
            for steps, value in places(example, shape.keys):
                if not self.is_code(steps):
                    yield from self.place(status, shape, example, steps)
                pointer = "/".join(map(str, steps))
                inner = shape.embedded(pointer) if isinstance(value, str) else None
                if inner is not None:
                    yield from self.content(status, inner, value, steps)

    def place(
        self, status: int, shape: Shape, example: object, steps: Steps, outer: Steps | None = None
    ) -> Iterator[Fault]:
        """The changes of one place; `outer` is the place of the string that holds the example as JSON text."""
        broken: set[str] = set()
        for kind, (template, change) in CHANGES.items():
            if (kind == "drop" and (not steps or steps[-1] == ITEM)) or (kind in FINER and "value" in broken):
                continue
            changed = edit(example, steps, change)
            level = None if changed is NOT_HERE or changed is DROP else shape.breaks(changed)
            if level is None:
                continue
            broken.add(kind)
            where = name_of(steps) if outer is None else f"{name_of(outer)}.content.{name_of(steps)}"
            apply = self.on(status, steps, change) if outer is None else self.on(status, outer, embedded(steps, change))
            breaks = f"{status}/inferred" if level is Level.INFERENCE else str(status)
            text = f"In a {status}, {template.format(where)}."
            yield self.make(f"{status}/{kind}/{where}", text, apply, breaks=breaks, level=level)

    def content(self, status: int, shape: Shape, text: object, outer: Steps) -> Iterator[Fault]:
        """The same for the JSON that a string holds, and the string cut off."""
        try:
            example = json.loads(str(text))
        except ValueError:
            return
        what, where = f"{status}/content/{name_of(outer)}", name_of(outer)
        yield self.make(
            what, f"The JSON that {where} holds breaks off.", self.on(status, outer, cut), breaks=str(status)
        )
        for steps, _ in places(example, shape.keys):
            yield from self.place(status, shape, example, steps, outer)

    def on(self, status: int, steps: Steps, change: Change) -> Edit:
        """An edit of the JSON bodies that come with a status."""

        def apply(_call: Call, answer: Answer) -> Answer:
            if answer.status != status or answer.raw is not None or answer.body is None:
                return answer
            body = edit(answer.body, steps, change)
            if body is NOT_HERE or body is DROP:
                return answer
            return replace(answer, body=body, raw=b"null" if body is None else None)

        return apply

    def is_code(self, steps: Steps) -> bool:
        return bool(self.pointer) and list(steps) == self.pointer

    @property
    def pointer(self) -> list[str]:
        return self.api.error_code_pointer.strip("/").split("/") if self.api.error_code_pointer else []

    def codes(self, status: int) -> Iterator[Fault]:
        """The error code replaced by an unknown one, by one of another status, by nothing, by a number."""
        response = self.operation.response(status)
        if response is None or not response.codes:
            return
        others = {"undocumented": "undocumented_code"}
        for key, other in self.operation.responses.items():
            alien = [code for code in other.codes if code not in response.codes]
            if key != response.status and alien:
                others[f"of-{key}"] = alien[0]
        for name, code in others.items():
            apply = self.recode(status, lambda body, code=code: with_value(body, self.pointer, code))  # type: ignore[misc]
            yield self.make(f"{status}/code/{name}", f"A {status} carries the code {code}.", apply, breaks="code")
        for kind in ("drop", "type", "null"):
            change = CHANGES[kind][1]
            apply = self.recode(status, lambda body, change=change: edit(body, tuple(self.pointer), change))  # type: ignore[misc]
            text = CHANGES[kind][0].format("the error code")
            what = f"{status}/{kind}/{'.'.join(self.pointer)}"
            yield self.make(what, f"In a {status}, {text}.", apply, breaks=str(status))

    def recode(self, status: int, change: Callable[[object], object]) -> Edit:
        def apply(_call: Call, answer: Answer) -> Answer:
            if answer.status != status or answer.raw is not None or value_at(answer.body, self.pointer) is None:
                return answer
            return replace(answer, body=change(answer.body))

        return apply

    def swaps(self, status: int) -> Iterator[Fault]:
        """The status replaced by an undocumented one, and by every other documented one."""
        free = UNDOCUMENTED["success" if status < _REDIRECT else "error"]
        while self.operation.response(free) is not None and free % 100 < 99:
            free += 1
        for other in (free, *self.statuses()):
            if other == status or {status, other} == {401, 403}:
                continue

            def apply(_call: Call, answer: Answer, other: int = other) -> Answer:
                return replace(answer, status=other) if answer.status == status else answer

            what = f"status/{status}-as-{other}"
            yield self.make(what, f"What is documented as {status} is answered as {other}.", apply, breaks="status")

    def wire(self) -> Iterator[Fault]:
        """The text of each documented JSON body spoilt, and its media type changed."""
        for status in self.statuses():
            media = json_media(self.operation, status)
            if media is None:
                continue
            yield self.html(status)
            for name, (text, spoil) in WIRE.items():
                if any(spoil(example) is not None for example in examples_of(media)):
                    apply = _spoiler(status, spoil)
                    yield self.make(f"{status}/{name}", f"In a {status}, {text}.", apply, breaks="json")

    def html(self, status: int) -> Fault:
        def apply(_call: Call, answer: Answer) -> Answer:
            return replace(answer, media_type="text/html") if answer.status == status else answer

        return self.make(f"{status}/media-type", f"A {status} says that it is HTML.", apply, breaks="media-type")

    def slow(self) -> Fault:
        """The first success answered later than the objective allows."""
        delay = self.api.objective_seconds + SLOW_MARGIN_SECONDS
        status = next(iter(success_statuses(self.operation)), None)

        def apply(_call: Call, answer: Answer) -> Answer:
            late = status is None or answer.status == status
            return replace(answer, delay_seconds=answer.delay_seconds + delay) if late else answer

        return self.make("slow", f"Answers take {delay:g} s longer.", apply, breaks="time", level=Level.INFERENCE)


def _claim_of(state: State) -> str:
    """The derived claim that says how a credential in a state is answered."""
    if not state.statuses:
        return "credentials"
    return f"{state.statuses[0]}/{state.code}" if state.code else str(state.statuses[0])


def _spoiler(status: int, spoil: Callable[[object], bytes | None]) -> Edit:
    def apply(_call: Call, answer: Answer) -> Answer:
        if answer.status != status or answer.raw is not None or answer.body is None:
            return answer
        raw = spoil(answer.body)
        return answer if raw is None else replace(answer, raw=raw)

    return apply
