"""Values of parameters, bodies and outputs: plain, an expression, or either of them inside a text or a structure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from specwatch.conformance.strictjson import MISSING
from specwatch.workflow.expression import Path, compile_expression, descend, pointer_path, root_of
from specwatch.workflow.names import Mistake, Names, listed
from specwatch.workflow.patterns import JsonPath, TooMuch
from specwatch.workflow.scope import Expression, Read, Scope, Value

EMBEDDED: Final = re.compile(r"\{(\$[^{}]*)\}")
SELECTOR: Final = frozenset({"context", "selector", "type"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How a value is read.

    Args:
        names: what its expressions may name.
        selectors: whether a Selector Object of Arazzo 1.1 is one.
        escape: what is done to a value before it is put into a text.
        whole: whether a text that is nothing but `{...}` keeps a structure as it is, not as JSON text.
    """

    names: Names
    selectors: bool = False
    escape: Callable[[str], str] | None = None
    whole: bool = False


def compile_value(node: object, rules: Rules) -> Value:
    """Any value of a document as a function.

    Raises:
        Mistake: an expression in it is wrong.
    """
    if isinstance(node, str):
        return _text(node, rules)
    if isinstance(node, Mapping):
        if rules.selectors and set(node) == SELECTOR:
            expression = compile_selector(node, rules.names)
            return Value(MISSING, expression.read, (expression,))
        return _mapping(node, rules)
    if isinstance(node, list):
        return _list(node, rules)
    return constant(node)


def constant(value: object) -> Value:
    """A value without expressions."""
    return Value(value, lambda _: value)


def _text(node: str, rules: Rules) -> Value:
    if root_of(node) is not None:
        expression = compile_expression(node, rules.names)
        return Value(MISSING, expression.read, (expression,))
    pieces = EMBEDDED.split(node)  # literal, expression, literal, expression, ..., literal
    if len(pieces) == 1 or all(root_of(piece) is None for piece in pieces[1::2]):
        return constant(node)
    expressions = tuple(compile_expression(piece, rules.names) for piece in pieces[1::2])
    literals = tuple(pieces[0::2])
    if rules.whole and literals == ("", ""):
        return Value(MISSING, _whole(expressions[0]), expressions)
    return Value(MISSING, _joined(literals, expressions, rules.escape), expressions)


def _joined(
    literals: tuple[str, ...], expressions: tuple[Expression, ...], escape: Callable[[str], str] | None
) -> Read:
    def read(scope: Scope) -> object:
        parts = [literals[0]]
        for expression, literal in zip(expressions, literals[1:], strict=True):
            value = expression.read(scope)
            if value is MISSING and not expression.is_optional(scope):
                return MISSING
            text = "" if value is MISSING else as_string(value)
            parts += [escape(text) if escape else text, literal]
        return "".join(parts)

    return read


def _whole(expression: Expression) -> Read:
    def read(scope: Scope) -> object:
        value = expression.read(scope)
        return value if value is MISSING or isinstance(value, dict | list) else as_string(value)

    return read


def _mapping(node: Mapping[str, object], rules: Rules) -> Value:
    members = {key: compile_value(child, rules) for key, child in node.items()}
    needs = tuple(need for member in members.values() for need in member.needs)
    if not needs:
        return constant(node)
    pairs = tuple(members.items())

    def read(scope: Scope) -> object:
        result: dict[str, object] = {}
        for key, member in pairs:
            value = member.read(scope)
            if value is not MISSING:
                result[key] = value
            elif lacking(member, scope) is not None:
                return MISSING
        return result

    return Value(MISSING, read, needs)


def _list(node: list[object], rules: Rules) -> Value:
    items = tuple(compile_value(child, rules) for child in node)
    needs = tuple(need for item in items for need in item.needs)
    if not needs:
        return constant(node)

    def read(scope: Scope) -> object:
        result: list[object] = []
        for item in items:
            value = item.read(scope)
            if value is not MISSING:
                result.append(value)
            elif lacking(item, scope) is not None:
                return MISSING
        return result

    return Value(MISSING, read, needs)


def lacking(value: Value, scope: Scope) -> Expression | None:
    """The first expression of a value that gives nothing although something is needed, or None."""
    for need in value.needs:
        if need.read(scope) is MISSING and not need.is_optional(scope):
            return need
    return None


def compile_output(node: object, rules: Rules) -> Expression:
    """An output: an expression, or with Arazzo 1.1 a selector.

    Raises:
        Mistake: it is neither.
    """
    if rules.selectors and isinstance(node, Mapping):
        return compile_selector(node, rules.names)
    if isinstance(node, str):
        return compile_expression(node, rules.names)
    raise Mistake(f"an output is {as_string(node)}", "a runtime expression such as $response.body#/id")


def compile_selector(node: Mapping[str, object], names: Names) -> Expression:
    """A Selector Object of Arazzo 1.1; of several places that a JSONPath selects a list is made.

    Raises:
        Mistake: it is none, or of a type that is not supported.
    """
    context, selector, kind = node.get("context"), node.get("selector"), expression_type(node.get("type"))
    if not isinstance(context, str) or not isinstance(selector, str) or set(node) != SELECTOR:
        raise Mistake(f"a selector with {listed(node)}", "context, selector and type")
    base = compile_expression(context, names)
    if kind == "jsonpointer":
        if selector and not selector.startswith("/"):
            raise Mistake(f"{selector!r} is no JSON pointer", "a pointer that starts with /")
        path = pointer_path(selector)
        return Expression(f"{context}#{selector}", base.root, base.name, lambda scope: descend(base.read(scope), path))
    if kind != "jsonpath":
        raise Mistake(f"a selector of type {kind}", "jsonpath or jsonpointer; others are not supported")
    query = JsonPath(selector)

    def read(scope: Scope) -> object:
        value = base.read(scope)
        try:
            found = query.find(value) if isinstance(value, dict | list) else []
        except TooMuch:
            return MISSING
        return found[0] if len(found) == 1 else found or MISSING

    return Expression(f"{context} {selector}", base.root, base.name, read)


VERSIONS: Final = {"jsonpath": "rfc9535", "jsonpointer": "rfc6901"}


def expression_type(node: object) -> str:
    """The type that a `type:` names, by itself or in an Expression Type Object.

    Raises:
        Mistake: it names no type, or a version of one that is not supported.
    """
    if isinstance(node, str):
        return node
    if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
        raise Mistake(f"a type that is {as_string(node)}", "jsonpath, regex or simple")
    version = node.get("version", VERSIONS.get(node["type"]))
    if node["type"] in VERSIONS and version != VERSIONS[node["type"]]:
        raise Mistake(f"version {version} of {node['type']}", f"{VERSIONS[node['type']]}; others are not supported")
    return str(node["type"])


def as_string(value: object) -> str:
    """A value as it stands in a text: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def escape_json(text: str) -> str:
    """A text for the inside of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def compile_text_body(text: str, media: str, rules: Rules) -> tuple[Value, bool]:
    """A body that is written as text, and whether it is sent as the text it is.

    A JSON text with expressions in it becomes a structure, so that no value can break out of its place. In a form and
    in a JSON text that is none before its expressions are filled in, the values are escaped.

    Raises:
        Mistake: an expression in it is wrong.
    """
    if root_of(text) is not None:
        return _text(text, rules), False
    if media == "json":
        structure = _parsed(text) if EMBEDDED.search(text) else None
        if structure is not None:
            return compile_value(structure, Rules(rules.names, whole=True)), False
        return _text(text, Rules(rules.names, escape=escape_json)), True
    return _text(text, Rules(rules.names, escape=quote_plus if media == "form" else None)), True


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def replace(payload: Value, replacements: tuple[tuple[str, Value], ...]) -> Value:
    """A payload with values set at JSON pointers.

    Raises:
        Mistake: a pointer leads out of a payload that is written out.
    """
    if isinstance(payload.constant, str):
        raise Mistake("replacements in a body that is a text", "a payload that is a mapping or a list")
    for pointer, _ in replacements:
        if pointer and not pointer.startswith("/"):
            raise Mistake(f"{pointer!r} is no JSON pointer", "a pointer that starts with /; others are not supported")
        if payload.constant is not MISSING and pointer and not _has_room(payload.constant, pointer_path(pointer)):
            raise Mistake(f"{pointer!r} leads nowhere in the payload", "a pointer to a part of the payload")
    parts = tuple((pointer_path(pointer), value) for pointer, value in replacements)

    def read(scope: Scope) -> object:
        result = payload.read(scope)
        for path, value in parts:
            new = value.read(scope)
            if new is not MISSING:
                try:
                    result = _with(result, path, new)
                except LookupError:
                    return MISSING
            elif lacking(value, scope) is not None:
                return MISSING
        return result

    needs = payload.needs + tuple(need for _, value in replacements for need in value.needs)
    return Value(MISSING, read, needs) if needs else constant(read(Scope({})))


def _has_room(node: object, path: Path) -> bool:
    parent = descend(node, path[:-1])
    key, index = path[-1]
    if isinstance(parent, list):
        return key == "-" or (index is not None and index <= len(parent))
    return isinstance(parent, Mapping)


def _with(node: object, path: Path, value: object) -> object:
    """The structure with one part set; only what lies on the way to it is copied.

    Raises:
        LookupError: there is no such place.
    """
    if not path:
        return value
    (key, index), rest = path[0], path[1:]
    if isinstance(node, Mapping) and (key in node or not rest):
        return {**node, key: _with(node.get(key), rest, value)}
    if isinstance(node, list):
        place = len(node) if key == "-" or index is None else index
        if place < len(node):
            return [*node[:place], _with(node[place], rest, value), *node[place + 1 :]]
        if place == len(node) and not rest:
            return [*node, value]
    raise LookupError(key)
