"""An API as its spec describes it: frozen objects, made once by `specwatch.spec.load_api`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from specwatch.spec.schema import Schema
from specwatch.values.claim import Claim, Concern

Json = Mapping[str, object]

COMPLAINTS = frozenset({400, 422})
"""The statuses that say that a request is a bad one, whether documented or not."""

_NOT_ABOUT_INPUT = frozenset({401, 402, 403, 407, 408, 425, 429, 451})


class Effect(StrEnum):
    """What a call does to the provider: `x-effect`."""

    READ = "read"
    CREATE = "create"
    CONSUME = "consume"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call costs: `x-cost`. A price that no document gives counts as one paid call."""

    amount: float = 1.0
    unit: str = "call"


@dataclass(frozen=True, slots=True)
class State:
    """A credential known to be in a state, such as expired, and how that is answered.

    Args:
        variables: environment variables that may hold it, first set one wins.
        statuses: the documented statuses of the answer.
        code: the documented error code of the answer, if any.
    """

    name: str
    variables: tuple[str, ...]
    statuses: tuple[int, ...]
    code: str | None


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """How one credential travels, and which variables may hold it.

    Args:
        name: its name in the spec.
        header: the header that carries it, lower case.
        prefix: what stands before the value, `Bearer ` or empty.
        variables: role (`account`, `second`) to environment variables, first set one wins.
        states: credentials known to be in a state.
    """

    name: str
    header: str
    prefix: str
    variables: Mapping[str, tuple[str, ...]]
    states: Mapping[str, State] = field(default_factory=dict)

    @property
    def variables_by_role(self) -> Mapping[str, tuple[str, ...]]:
        """Every role, states among them, with the environment variables that may hold its credential."""
        return {**self.variables, **{name: state.variables for name, state in self.states.items()}}


@dataclass(frozen=True, slots=True)
class MediaType:
    """What a body of one media type looks like.

    Args:
        name: as written in the spec.
        schema: the promise, or None when the document says nothing.
        inferred: what only examples show (`x-inferred`), or None.
        examples: named examples.
    """

    name: str
    schema: Schema | None
    inferred: Schema | None
    examples: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """One documented response of an operation.

    Args:
        status: `200`, or a range such as `4XX`, or `default`.
        media: media types by essence (`application/json`), lower case.
        codes: the provider's error codes documented under this status.
    """

    status: str
    description: str
    media: Mapping[str, MediaType]
    codes: tuple[str, ...]

    def example(self, name: str) -> object:
        """The value of a named example.

        Raises:
            KeyError: no media type of this response has it.
        """
        for media in self.media.values():
            if name in media.examples:
                return media.examples[name]
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path, query, header or cookie.

    Args:
        schema: None where the document describes its content in another way.
        style: how lists and objects are written, empty for the usual one of its location.
        explode: whether each part stands by itself; None for what is usual in that style.
    """

    name: str
    location: str
    required: bool
    schema: Schema | None
    examples: Mapping[str, object]
    style: str = ""
    explode: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body that an operation takes."""

    required: bool
    media: Mapping[str, MediaType]


@dataclass(frozen=True, eq=False)
class Operation:
    """One method and path of a spec.

    Args:
        security: names of the schemes that are sent, all together; empty when none is needed.
        alternatives: what would do in their place, each the names of schemes; an empty one where nothing is needed.
        cost: None when the call is free.
        raw: the operation object of the spec.
    """

    api: str
    id: str
    method: str
    path: str
    summary: str
    effect: Effect
    cost: Cost | None
    security: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: RequestBody | None
    responses: Mapping[str, ResponseSpec]
    raw: Json = field(repr=False)
    alternatives: tuple[tuple[str, ...], ...] = ()

    @property
    def needs_credentials(self) -> bool:
        """Whether a call without any credential has to be refused."""
        return bool(self.security) and () not in self.alternatives

    def response(self, status: int) -> ResponseSpec | None:
        """The documented response for a status: exact, then its range, then `default`."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key]
        return None

    @property
    def complaint_statuses(self) -> tuple[int, ...]:
        """The documented statuses with which a bad request can be refused, the likeliest first."""
        exact = sorted(int(status) for status in self.responses if status.isdigit() and status[0] == "4")
        likely = dict.fromkeys((400, 422, *(status for status in exact if status not in _NOT_ABOUT_INPUT)))
        return tuple(status for status in likely if self.response(status) is not None)

    @property
    def documents_refusal(self) -> bool:
        """Whether the document says how a bad credential is answered."""
        return any(status in self.responses for status in ("401", "403", "4XX", "default"))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """A regular expression that a path of this operation matches, with a group for each parameter."""
        parts = re.split(r"\{([^}]+)\}", self.path)
        text = "".join(re.escape(p) if i % 2 == 0 else f"(?P<p{i // 2}>[^/]*)" for i, p in enumerate(parts))
        return re.compile(f"{text}$")

    @cached_property
    def path_names(self) -> tuple[str, ...]:
        """The names of the path's parameters, in order."""
        return tuple(re.findall(r"\{([^}]+)\}", self.path))


@dataclass(frozen=True, slots=True)
class Known:
    """An identifier that exists on a target: `x-known`.

    Args:
        value: the document's, used on the sandbox and on URL targets.
        setting: the environment variable that replaces it on a live account.
    """

    name: str
    value: str | tuple[str, ...]
    setting: str
    text: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place where the document contradicts itself or is silent: `x-doubt`."""

    about: str
    places: tuple[str, ...]
    handling: str


@dataclass(frozen=True, eq=False)
class Api:
    """One documented service, loaded and validated.

    Args:
        id: stem of the spec's file name.
        servers: base URLs of the live service.
        error_code_pointer: JSON pointer to the provider's error code, or None.
        objective_seconds: how long an answer may take before it is worth a warning.
        raw: the whole document, with string keys.
    """

    id: str
    title: str
    path: Path
    servers: tuple[str, ...]
    operations: tuple[Operation, ...]
    schemes: Mapping[str, SecurityScheme]
    claims: tuple[Claim, ...]
    known: Mapping[str, Known]
    doubts: tuple[Doubt, ...]
    error_code_pointer: str | None
    objective_seconds: float
    raw: Json = field(repr=False)

    @cached_property
    def base_path(self) -> str:
        """The path of the first server, without a slash at its end: what stands before the paths of the operations."""
        return urlsplit(self.servers[0]).path.rstrip("/") if self.servers else ""

    def operation(self, operation_id: str) -> Operation:
        """The operation with that id.

        Raises:
            KeyError: there is none.
        """
        return self._operations_by_id[operation_id]

    def claim(self, claim_id: str) -> Claim:
        """The claim with that id within the API.

        Raises:
            KeyError: there is none.
        """
        return self._claims_by_id[claim_id]

    def concern(self, claim_id: str) -> Concern:
        """What a claim speaks of, or those about the codes of a status; how answers fit, for an id that is none."""
        exact = self._claims_by_id.get(claim_id)
        claims = (claim for claim in self.claims if claim.id.startswith(f"{claim_id}/"))
        claim = exact if exact is not None else next(claims, None)
        return claim.concern if claim is not None else Concern.SEMANTICS

    @cached_property
    def _operations_by_id(self) -> dict[str, Operation]:
        return {operation.id: operation for operation in reversed(self.operations)}

    @cached_property
    def _claims_by_id(self) -> dict[str, Claim]:
        return {claim.id: claim for claim in reversed(self.claims)}  # of two with one id the first counts
