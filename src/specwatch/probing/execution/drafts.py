"""From a step and what is known so far to a request. Whatever does not change is made once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from specwatch.conformance import MISSING
from specwatch.conformance.facts import is_json
from specwatch.spec import Operation, essence
from specwatch.transport.draft import Draft, build_path, build_roles, default_headers
from specwatch.workflow import Body, Parameter, Scope, Step
from specwatch.workflow.template import as_string, lacking

MAX_PARAMETER: Final = 8_000
"""How many characters a parameter may have: it may come from a target."""

FORM: Final = "application/x-www-form-urlencoded"
_HEADER = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_COOKIE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")  # cookie-octet of RFC 6265, section 4.1.1


class Unsendable(Exception):  # noqa: N818 - an outcome of the step
    """The request cannot be made, because something that it needs was not given or cannot stand where it should."""


class Plan:
    """How the requests of one step are made.

    Args:
        step: one whose operation is known.
        operation: that operation.
    """

    __slots__ = ("_fixed", "body", "operation", "parameters", "refused", "roles")

    def __init__(self, step: Step, operation: Operation) -> None:
        self.operation = operation
        self.parameters = step.parameters
        self.body = step.body
        self.roles = build_roles(operation, step.roles)
        self.refused = step.refused
        values = [parameter.value for parameter in step.parameters] + ([step.body.payload] if step.body else [])
        self._fixed = self._make(Scope({})) if all(value.constant is not MISSING for value in values) else None

    def draft(self, scope: Scope) -> Draft:
        """The request of the next attempt.

        Raises:
            Unsendable: it cannot be made.
        """
        return self._make(scope) if self._fixed is None else self._fixed

    def _make(self, scope: Scope) -> Draft:
        found: dict[str, dict[str, list[str]]] = {"path": {}, "query": {}, "header": {}, "cookie": {}}
        for parameter in self.parameters:
            value = parameter.value.read(scope)
            if value is MISSING:
                _require(parameter, scope)
            else:
                found[parameter.location][parameter.name] = _texts(parameter, value)
        path = {name: ",".join(texts) for name, texts in found["path"].items()}
        pairs = [(name, text) for name, texts in found["query"].items() for text in texts]
        content = b"" if self.body is None else _content(self.body, scope)
        address = build_path(self.operation, path, {})
        return Draft(
            operation=self.operation,
            path=f"{address}?{urlencode(pairs, errors='surrogatepass')}" if pairs else address,
            headers=self._headers(found, has_body=bool(content)),
            body=content,
            roles=self.roles,
            path_parameters=path,
            query={name: ",".join(texts) for name, texts in found["query"].items()},
            refused=self.refused,
        )

    def _headers(self, found: Mapping[str, Mapping[str, list[str]]], *, has_body: bool) -> tuple[tuple[str, str], ...]:
        headers = [(name, ",".join(texts)) for name, texts in found["header"].items()]
        if found["cookie"]:
            headers.append(
                ("cookie", "; ".join(f"{name}={','.join(texts)}" for name, texts in found["cookie"].items()))
            )
        if has_body and self.body is not None and "content-type" not in {name.lower() for name, _ in headers}:
            headers.append(("content-type", self.body.content_type))
        return default_headers(self.operation, tuple(headers), has_body=has_body)


_plans: WeakKeyDictionary[Step, Plan] = WeakKeyDictionary()


def plan_of(step: Step, operation: Operation) -> Plan:
    """The plan of a step, made once.

    Raises:
        Unsendable: a constant of it cannot stand where it should.
    """
    plan = _plans.get(step)
    if plan is None:
        plan = _plans[step] = Plan(step, operation)
    return plan


def _require(parameter: Parameter, scope: Scope) -> None:
    needed = lacking(parameter.value, scope)
    if needed is not None:
        raise Unsendable(f"parameter {parameter.name} needs {needed.text}, which is absent")
    if parameter.location == "path":
        raise Unsendable(f"path parameter {parameter.name} was not given")


def _texts(parameter: Parameter, value: object) -> list[str]:
    texts = [as_string(item) for item in value] if isinstance(value, list) else [as_string(value)]
    if sum(map(len, texts)) > MAX_PARAMETER:
        raise Unsendable(f"parameter {parameter.name} has more than {MAX_PARAMETER} characters")
    if parameter.location == "path" and not any(texts):
        raise Unsendable(f"path parameter {parameter.name} is empty")
    allowed = {"header": _HEADER, "cookie": _COOKIE}.get(parameter.location)
    if allowed is not None and not all(allowed.fullmatch(text) for text in texts):
        raise Unsendable(f"{parameter.location} {parameter.name} has a character that may not stand in it")
    return texts


def _content(body: Body, scope: Scope) -> bytes:
    value = body.payload.read(scope)
    if value is MISSING:
        needed = lacking(body.payload, scope)
        if needed is None and len(body.payload.needs) == 1:
            return b""
        raise Unsendable(f"the body needs {needed.text}, which is absent" if needed else "a replacement leads nowhere")
    kind = essence(body.content_type)
    if is_json(kind) and not body.as_text:
        text = json.dumps(value, ensure_ascii=False)
    elif kind == FORM and isinstance(value, Mapping):
        pairs = {name: [as_string(i) for i in v] if isinstance(v, list) else as_string(v) for name, v in value.items()}
        text = urlencode(pairs, doseq=True, errors="surrogatepass")
    else:
        text = as_string(value)
    return text.encode("utf-8", "surrogatepass")
