"""What a module of a workspace's `sandbox/` folder works with: calls come in, answers go out.

Such a module makes one `SandboxApi`, named `api`, and decorates its functions with it. The smallest one has a
function `get_parcel(call: Call) -> Answer` under `@api.operation("getParcel")` that returns
`Answer(body=call.example(200, "delivered"))`.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specwatch.errors import Problem, SandboxError

if TYPE_CHECKING:
    from specwatch.spec import Operation

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sandbox sends back.

    Args:
        body: a JSON value; None sends no body at all (for the JSON value null use `raw=b"null"`).
        headers: further headers; the content type comes from `media_type`.
        raw: bytes that are sent as they are, instead of `body`.
        delay_seconds: how long the answer is held back.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    raw: bytes | None = None
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an operation, as a handler sees it.

    Args:
        operation: `operationId`.
        path: decoded path parameters; the last one may be empty.
        query: decoded query parameters, the first value of each.
        headers: by lower-case name; repeated ones are joined with a comma.
        account: whose credentials came: `account`, `second` or `instant`.
        now: epoch seconds.
        worker_seconds: how long a background job takes; 0 for the account `instant`.
        store: what this API remembers until the sandbox is reset.
        faults: names, without the API's id, of the faults that are on.
        number: the how manyth request of this operation this is, from 1.
        problems: what is wrong with the credentials, by security scheme; empty for a handler.
        handled: whether the operation's own behaviour made the answer, and not a refusal or a credential that asks
            for a certain answer; only faults see it false.
        spec: the operation as the spec describes it.
        query_string: the query as sent; without it, it is made of `query`.
    """

    operation: str
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account: str
    now: float
    worker_seconds: float
    store: dict[str, Any]
    faults: frozenset[str]
    number: int = 1
    problems: Mapping[str, str] = field(default_factory=dict)
    handled: bool = True
    spec: Operation | None = field(default=None, repr=False)
    query_string: str = ""

    def json(self) -> object:
        """The body as strict JSON.

        Raises:
            ValueError: it is not UTF-8, not JSON, nested too deeply, or holds a number that is no finite one.
        """
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            message = "the body is nested too deeply"
            raise ValueError(message) from None

    def has_fault(self, name: str) -> bool:
        """Whether a fault of this API, named as in its module, is on."""
        return name in self.faults

    def example(self, status: int, name: str) -> Any:
        """A copy of a named example of this operation's response.

        Raises:
            SandboxError: the spec has no such response or example.
        """
        response = self.spec.response(status) if self.spec else None
        examples: dict[str, object] = {}
        for media in response.media.values() if response else ():
            examples |= media.examples
        if name not in examples:
            found, known = f"no example {name!r} for status {status}", ", ".join(examples) or "none"
            raise SandboxError(Problem(f"operation {self.operation}", found, f"one of: {known}"))
        return copy.deepcopy(examples[name])

    def chance(self, n: int) -> bool:
        """True on every n-th request of this operation, counted and not random."""
        return self.number % n == 0


Handler = Callable[[Call], Answer]
Refuse = Callable[[Call, Mapping[str, str]], Answer]
Edit = Callable[[Call, Answer], Answer]


def unchanged(_call: Call, answer: Answer) -> Answer:
    """The answer as it is: the edit of a fault that works elsewhere."""
    return answer


@dataclass(frozen=True, slots=True)
class Deviation:
    """A fault or variation that a module declares.

    Args:
        name: within the API.
        breaks: the id of the claim that it breaks, written or derived, or the beginning of several such as
            `getOrder/404`; empty for a variation.
        operation: None for every operation of the API.
        variation: the document allows it.
    """

    name: str
    breaks: str
    text: str
    operation: str | None
    edit: Edit
    variation: bool = False


class SandboxApi:
    """The behaviour of one API beyond what its spec says.

    Args:
        id: the API's id, the stem of its spec.
    """

    def __init__(self, id: str) -> None:  # noqa: A002 - the word of the specs
        self.id = id
        self.handlers: dict[str, Handler] = {}
        self.refuse: Refuse | None = None
        self.deviations: list[Deviation] = []

    def operation(self, operation_id: str) -> Callable[[Handler], Handler]:
        """Decorate the function that answers an operation; its credentials have been checked already.

        Raises:
            SandboxError: the operation has a handler already.
        """

        def register(handler: Handler) -> Handler:
            if operation_id in self.handlers:
                raise SandboxError(Problem(f"sandbox of {self.id}", f"operation {operation_id} is handled twice"))
            self.handlers[operation_id] = handler
            return handler

        return register

    def refusal(self, refuse: Refuse) -> Refuse:
        """Decorate the function that answers bad credentials.

        It gets the call and, by security scheme, `absent`, `unknown` or `wrong_scheme`. Without it the spec's example
        of a refusal is the answer.
        """
        self.refuse = refuse
        return refuse

    def fault(self, name: str, *, breaks: str, text: str, operation: str | None = None) -> Callable[[Edit], Edit]:
        """Decorate a function that turns the honest answer into a faulty one."""

        def register(edit: Edit) -> Edit:
            self._declare(Deviation(name, breaks, text, operation, edit))
            return edit

        return register

    def switch(self, name: str, *, breaks: str, text: str, operation: str | None = None) -> None:
        """Declare a fault that the handlers consult with `call.has_fault(name)`."""
        self._declare(Deviation(name, breaks, text, operation, unchanged))

    def variation(self, name: str, *, text: str, operation: str | None = None) -> Callable[[Edit], Edit]:
        """Decorate a function that changes the answer in a way that the document allows."""

        def register(edit: Edit) -> Edit:
            self._declare(Deviation(name, "", text, operation, edit, variation=True))
            return edit

        return register

    def _declare(self, deviation: Deviation) -> None:
        if any(known.name == deviation.name for known in self.deviations):
            raise SandboxError(Problem(f"sandbox of {self.id}", f"fault {deviation.name} is declared twice"))
        self.deviations.append(deviation)


def _refuse_constant(text: str) -> object:
    message = f"{text} is not JSON"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = f"{text} is too large a number"
        raise ValueError(message)
    return number
