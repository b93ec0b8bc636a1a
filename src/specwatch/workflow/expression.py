"""Runtime expressions (Arazzo 1.0.1 and 1.1.0, "Runtime Expressions"), compiled to functions of a scope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from specwatch.conformance.facts import is_json
from specwatch.conformance.strictjson import MISSING
from specwatch.spec.load import essence
from specwatch.spec.source import pointer_parts
from specwatch.values.exchange import Headers, header
from specwatch.workflow.names import Mistake, Names, choose, listed, suggest
from specwatch.workflow.scope import Expression, Read, Scope

ROOTS: Final = (
    "components",
    "inputs",
    "message",
    "method",
    "outputs",
    "request",
    "response",
    "self",
    "sourceDescriptions",
    "statusCode",
    "steps",
    "url",
    "workflows",
)
SOURCES: Final = ("body", "header", "path", "query")
_ROOT = re.compile(r"\$([A-Za-z]+)(?=[.#\[]|$)")
_SUFFIX = re.compile(r"\[(0|[1-9][0-9]*)\]|\.([A-Za-z0-9_-]+)")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

Path = tuple[tuple[str, int | None], ...]


def root_of(text: str) -> str | None:
    """What an expression starts with, or None where the text is none: `$5.00`, `$ref`.

    Raises:
        Mistake: it is not the name of a root, but nearly.
    """
    match = _ROOT.match(text)
    if match is None or match[1] in ROOTS:
        return None if match is None else match[1]
    if mend := suggest(match[1], ROOTS):
        found = f"{text} starts with ${match[1]}, which no runtime expression does"
        raise Mistake(found, f"one of {', '.join(f'${root}' for root in ROOTS)}", mend)
    return None


def compile_expression(text: str, names: Names, suffix: str = "") -> Expression:
    """An expression as a function.

    Args:
        text: the expression, such as `$response.body#/id`.
        names: what it may name.
        suffix: indices and members behind it, as a simple condition has them: `[0].id`.

    Raises:
        Mistake: it is no expression, or names something that does not exist.
    """
    root = root_of(text)
    if root is None:
        raise Mistake(f"{text} is no runtime expression", "one such as $statusCode or $response.body#/id")
    if root == "message":
        raise Mistake(f"{text} is about a message of AsyncAPI", "an expression about HTTP: AsyncAPI is not supported")
    rest = text[len(root) + 1 :]
    if root not in {"request", "response"} and "[" in rest and "#" not in rest:
        cut = rest.index("[")
        rest, suffix = rest[:cut], rest[cut:] + suffix
    name, read = _compile(root, rest, _path(suffix, text), names, text)
    return Expression(text + (suffix if text.endswith(rest) else ""), root, name, read)


def _compile(root: str, rest: str, path: Path, names: Names, text: str) -> tuple[str, Read]:
    if root in {"url", "method", "statusCode", "self"}:
        if rest or path:
            raise Mistake(f"{text} has something behind ${root}", f"${root} alone")
        return "", _plain(root, names, text)
    if not rest.startswith("."):
        raise Mistake(f"{text} names nothing", f"${root}. and a name")
    if root in {"request", "response"}:
        return "", _message(root, rest[1:], path, text)
    dotted, mark, pointer = rest[1:].partition("#")
    below = _pointer(pointer, text) + path if mark else path
    return _named(root, dotted, below, names, text)


def _plain(root: str, names: Names, text: str) -> Read:
    if root == "self":
        if names.self_uri is None:
            raise Mistake(f"{text} in a document without $self", "a document of version 1.1.0 with $self")
        address = names.self_uri
        return lambda _: address
    return {"url": _url, "method": _method, "statusCode": _status}[root]


def _status(scope: Scope) -> object:
    return MISSING if scope.exchange is None else scope.exchange.response.status


def _url(scope: Scope) -> object:
    return MISSING if scope.exchange is None else scope.exchange.request.url


def _method(scope: Scope) -> object:
    return MISSING if scope.exchange is None else scope.exchange.request.method


def _message(root: str, rest: str, path: Path, text: str) -> Read:
    """`$request.` and `$response.` expressions."""
    kind, dot, name = rest.partition(".")
    if rest.startswith("body"):
        tail, mark, pointer = rest[4:].partition("#")
        if tail and not tail.startswith((".", "[")):
            raise Mistake(f"{text} has {tail!r} behind body", "a JSON pointer such as #/id, or .id")
        return _body(root, _path(tail, text) + (_pointer(pointer, text) if mark else ()) + path)
    if kind not in SOURCES or not dot or not name or path:
        raise Mistake(f"{text} names no part of a {root}", f"${root}.body, ${root}.header.NAME and the like")
    if kind == "header":
        return _header(root, name)
    if root == "response":
        raise Mistake(f"{text}: a response has no {kind}", "$response.body or $response.header.NAME")
    return _query(name) if kind == "query" else _path_parameter(name)


def _body(root: str, path: Path) -> Read:
    def request(scope: Scope) -> object:
        if scope.exchange is None:
            return MISSING
        sent = scope.exchange.request
        return descend(_content(sent.headers, sent.body, scope.request_json), path)

    def response(scope: Scope) -> object:
        if scope.exchange is None:
            return MISSING
        got = scope.exchange.response
        return descend(_content(got.headers, got.body, scope.response_json), path)

    return request if root == "request" else response


def _content(headers: Headers, body: bytes, parsed: object) -> object:
    """A body as its media type says: JSON as a value, else text; without a media type JSON where it is JSON."""
    kind = essence(header(headers, "content-type") or "")
    if is_json(kind) or (not kind and parsed is not MISSING):
        return parsed
    return body.decode("utf-8", "replace") if body else MISSING


def _header(root: str, name: str) -> Read:
    def read(scope: Scope) -> object:
        if scope.exchange is None:
            return MISSING
        message = scope.exchange.request if root == "request" else scope.exchange.response
        value = header(message.headers, name)
        return MISSING if value is None else value

    return read


def _query(name: str) -> Read:
    return lambda scope: MISSING if scope.exchange is None else scope.exchange.query.get(name, MISSING)


def _path_parameter(name: str) -> Read:
    return lambda scope: MISSING if scope.exchange is None else scope.exchange.path_parameters.get(name, MISSING)


def _named(root: str, dotted: str, path: Path, names: Names, text: str) -> tuple[str, Read]:
    if root == "inputs":
        name, members = choose(dotted, names.inputs, "input of the workflow")
        return name, _from_inputs(name, _members(members) + path)
    if root == "outputs":
        name, members = choose(dotted, names.outputs, "output of the workflow that the step calls")
        return name, _from_outputs(name, _members(members) + path)
    if root == "steps":
        return _from_step(dotted, path, names, text)
    if root == "workflows":
        return _from_workflow(dotted, path, names, text)
    if root == "sourceDescriptions":
        return _from_source(dotted, names, text)
    raise Mistake(f"{text} is no value", "a `reference:` to a component, or a value")


def _from_inputs(name: str, path: Path) -> Read:
    return lambda scope: descend(scope.inputs.get(name, MISSING), path)


def _from_outputs(name: str, path: Path) -> Read:
    return lambda scope: descend(scope.outputs.get(name, MISSING), path)


def _from_step(dotted: str, path: Path, names: Names, text: str) -> tuple[str, Read]:
    step, members = choose(dotted, names.steps, "step of the workflow")
    if not members or members[0] != "outputs" or len(members) == 1:
        raise Mistake(f"{text} names no output", f"$steps.{step}.outputs. and a name", dangling=True)
    output, members = choose(".".join(members[1:]), names.steps[step], f"output of the step {step}")
    below = _members(members) + path

    def read(scope: Scope) -> object:
        outputs = scope.steps.get(step)
        return MISSING if outputs is None else descend(outputs.get(output, MISSING), below)

    return step, read


def _from_workflow(dotted: str, path: Path, names: Names, text: str) -> tuple[str, Read]:
    workflow, members = choose(dotted, names.workflows, "workflow of the document")
    if len(members) < 2 or members[0] not in {"inputs", "outputs"}:
        expected = f"$workflows.{workflow}.inputs. or .outputs. and a name"
        raise Mistake(f"{text} names no input or output", expected, dangling=True)
    side = members[0]
    declared = names.workflows[workflow].inputs if side == "inputs" else names.workflows[workflow].outputs
    name, members = choose(".".join(members[1:]), declared, f"{side[:-1]} of the workflow {workflow}")
    below = _members(members) + path

    def read(scope: Scope) -> object:
        ran = scope.workflows.get(workflow)
        return MISSING if ran is None else descend(ran.get(side, {}).get(name, MISSING), below)

    return workflow, read


def _from_source(dotted: str, names: Names, text: str) -> tuple[str, Read]:
    source, _, name = dotted.partition(".")
    if source not in names.sources:
        mend = suggest(source, names.sources)
        raise Mistake(f"{text}: no source is called {source!r}", f"one of {listed(names.sources)}", mend)
    fields = names.sources[source]
    if name not in fields:
        raise Mistake(f"{text} names no field of the source", f"one of {listed(fields)}", suggest(name, fields))
    value = fields[name]
    return source, lambda _: value


def descend(value: object, path: Path) -> object:
    """The part of a value that a path leads to, or `MISSING`."""
    for key, index in path:
        if isinstance(value, Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and index is not None and index < len(value):
            value = value[index]
        else:
            return MISSING
    return value


def pointer_path(pointer: str) -> Path:
    """The path of a JSON pointer (RFC 6901)."""
    return _members(tuple(pointer_parts(pointer)))


def _pointer(pointer: str, text: str) -> Path:
    if pointer and not pointer.startswith("/"):
        raise Mistake(f"{text}: {pointer!r} is no JSON pointer", "a pointer that starts with /, such as #/id")
    return pointer_path(pointer)


def _members(parts: tuple[str, ...]) -> Path:
    return tuple((part, int(part) if _INDEX.fullmatch(part) else None) for part in parts)


def _path(suffix: str, text: str) -> Path:
    found: list[str] = []
    at = 0
    while at < len(suffix):
        match = _SUFFIX.match(suffix, at)
        if match is None:
            raise Mistake(f"{text}: {suffix[at:]!r} is no index and no member", "such as [0] or .id")
        found.append(match[1] or match[2])
        at = match.end()
    return _members(tuple(found))
