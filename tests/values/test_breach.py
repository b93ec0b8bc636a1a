"""Every kind that a violation can have is a member of `Breach`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import specwatch
from specwatch.values.violation import Breach

SOURCE = Path(specwatch.__file__).parent


def kinds(tree: ast.Module) -> Iterator[str]:
    """What a module gives to `Violation` as its kind, by itself or through functions that take it as `kind`."""
    places = {
        node.name: [argument.arg for argument in node.args.args].index("kind")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "kind" in [argument.arg for argument in node.args.args]
    }
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        name = ast.unparse(call.func)
        given = [keyword.value for keyword in call.keywords if keyword.arg == "kind" and name == "Violation"]
        given += call.args[places[name] : places[name] + 1] if name in places else []
        for value in given:
            yield from _said(value, tree)


def _said(value: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Attribute):
        yield Breach[value.attr].value
    elif isinstance(value, ast.Name):
        assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
        for node in assigned:
            if ast.unparse(node.targets[0]) == value.id:
                yield from _said(node.value, tree)


def test_every_kind_of_violation_is_known() -> None:
    """No module makes up a kind of its own, and none is left that nobody uses."""
    texts = [path.read_text("utf-8") for path in SOURCE.rglob("*.py")]
    found = {kind for text in texts if " Violation(" in text for kind in kinds(ast.parse(text))}

    assert found == set(map(str, Breach))
