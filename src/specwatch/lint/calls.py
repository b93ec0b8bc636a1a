"""Checks of the calls that contract tests make, read and not run: each names an operation that there is."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from specwatch.errors import Problem
from specwatch.spec import Api

_METHODS: Final = frozenset({"call", "can"})
"""The methods of a `Caller` that take an operation."""


def call_problems(path: Path, apis: Sequence[Api], *, complete: bool) -> Iterator[Problem]:
    """The calls of a module that name an unknown operation.

    Only what is written out is looked at: `API.call("getOrder")` where `API = Caller(...)`, there or in a module beside
    it from which the name is imported. A caller whose API is written out as well, as in
    `Caller(current_run().apis["shop"])`, is held to the operations of that API.

    Args:
        path: of a contract test, or of a module beside it.
        apis: the APIs that could be loaded.
        complete: whether these are all; otherwise a caller of an API that is not named may mean any other.

    Raises:
        SyntaxError: the file is no Python.
        ValueError: the file is no text in UTF-8.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    callers = {**_imported(tree, path.parent), **_callers(tree)}
    by_id = {api.id: api for api in apis}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _METHODS:
            continue
        caller, operation = node.func.value, _operation(node)
        is_one = _is_caller(caller) or (isinstance(caller, ast.Name) and caller.id in callers)
        if operation is None or not is_one:
            continue
        of = callers[caller.id] if isinstance(caller, ast.Name) else _api_of(caller)
        meant = [by_id[of]] if of in by_id else list(apis) if complete and of is None else []
        known = [each.id for api in meant for each in api.operations]
        if known and operation not in known:
            yield _problem(path, node, operation, meant)


def _problem(path: Path, node: ast.Call, operation: str, apis: Sequence[Api]) -> Problem:
    known = [each.id for api in apis for each in api.operations]
    near = difflib.get_close_matches(operation, known, n=1, cutoff=0.5)
    return Problem(
        f"{path}:{node.lineno}",
        f"calls the unknown operation {operation!r}",
        f"an operationId of {', '.join(api.path.name for api in apis)}",
        f"did you mean {near[0]!r}?" if near else "`specwatch list` shows all of them",
    )


def _operation(node: ast.Call) -> str | None:
    """The operation that a call names; None where it is not written out."""
    named = (keyword.value for keyword in node.keywords if keyword.arg == "operation_id")
    given = node.args[0] if node.args else next(named, None)
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _callers(tree: ast.Module) -> Mapping[str, str | None]:
    """The names that a module gives to callers, with the API of each where it is written out."""
    return {
        target.id: _api_of(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_caller(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _imported(tree: ast.Module, folder: Path) -> dict[str, str | None]:
    """The callers that a module has from those beside it."""
    found: dict[str, str | None] = {}
    for node in ast.walk(tree):
        beside = folder / f"{node.module}.py" if isinstance(node, ast.ImportFrom) and node.module else None
        if isinstance(node, ast.ImportFrom) and beside is not None and beside.is_file():
            try:
                theirs = _callers(ast.parse(beside.read_text(encoding="utf-8")))
            except (SyntaxError, ValueError):  # told where that module itself is looked at
                continue
            found |= {each.asname or each.name: theirs[each.name] for each in node.names if each.name in theirs}
    return found


def _is_caller(node: ast.expr) -> bool:
    """Whether an expression makes a caller: `Caller(...)`."""
    name = node.func if isinstance(node, ast.Call) else None
    word = name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""
    return word == "Caller"


def _api_of(node: ast.expr) -> str | None:
    """The id in `Caller(current_run().apis["shop"])`; None where it is not written out."""
    run = node.args[0] if isinstance(node, ast.Call) and node.args else None
    key = run.slice if isinstance(run, ast.Subscript) else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
