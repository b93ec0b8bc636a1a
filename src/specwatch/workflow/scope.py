"""What expressions see while a workflow runs, and the forms that they are compiled to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from specwatch.conformance.strictjson import MISSING, parse_strict
from specwatch.values.exchange import Exchange
from specwatch.values.observation import Criterion

UNREAD: Final = object()
Outputs = Mapping[str, object]


class Scope:
    """The values that a run of a workflow has gathered so far.

    Args:
        inputs: of the workflow.
        steps: outputs of the steps that ran, by step id.
        workflows: `inputs` and `outputs` of the workflows that ran, by id.
    """

    __slots__ = ("_request_json", "_response_json", "exchange", "inputs", "outputs", "steps", "workflows")

    def __init__(
        self,
        inputs: Outputs,
        steps: dict[str, Outputs] | None = None,
        workflows: dict[str, Mapping[str, Outputs]] | None = None,
    ) -> None:
        self.inputs = inputs
        self.steps: dict[str, Outputs] = {} if steps is None else steps
        self.workflows: dict[str, Mapping[str, Outputs]] = {} if workflows is None else workflows
        self.exchange: Exchange | None = None
        self.outputs: Outputs = {}
        self._request_json: object = UNREAD
        self._response_json: object = UNREAD

    def see(self, exchange: Exchange | None, outputs: Outputs | None = None) -> None:
        """Look at another exchange from now on, or at the outputs of a workflow that a step ran."""
        self.exchange = exchange
        self.outputs = {} if outputs is None else outputs
        self._request_json = self._response_json = UNREAD

    @property
    def response_json(self) -> object:
        """The answer's body as JSON, decoded once; `MISSING` where it is none."""
        if self._response_json is UNREAD:
            body = b"" if self.exchange is None else self.exchange.response.body
            self._response_json = parse_strict(body).value if body else MISSING
        return self._response_json

    @property
    def request_json(self) -> object:
        """The request's body as JSON, decoded once; `MISSING` where it is none."""
        if self._request_json is UNREAD:
            body = b"" if self.exchange is None else self.exchange.request.body
            self._request_json = parse_strict(body).value if body else MISSING
        return self._request_json


Read = Callable[[Scope], object]
"""Gives a value, or `MISSING` where there is none; never raises."""

Judge = Callable[[Scope], Criterion]


@dataclass(frozen=True, slots=True)
class Expression:
    """A runtime expression, compiled.

    Args:
        text: as written.
        root: what it starts with: `inputs`, `steps`, `response`, `statusCode` and so on.
        name: of the input, step or workflow that it names, or empty.
        read: its value in a scope, or `MISSING`.
    """

    text: str
    root: str
    name: str
    read: Read = field(repr=False)

    def is_optional(self, scope: Scope) -> bool:
        """Whether nothing may stand where it gives nothing: an input nobody gave, a step that did not run."""
        return self.root == "inputs" or (self.root == "steps" and self.name not in scope.steps)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a parameter or a body: plain, an expression, or a structure with expressions in it.

    Args:
        constant: the value where it has no expression, else `MISSING`.
        read: the value in a scope, or `MISSING`; a constant is given as it is, never to be changed.
        needs: the expressions in it.
    """

    constant: object
    read: Read = field(repr=False)
    needs: tuple[Expression, ...] = ()
