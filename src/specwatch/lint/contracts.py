"""Checks of the contract tests, read and not run: every scenario claim has one, and none names an unknown claim."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from specwatch.errors import Problem
from specwatch.lint.calls import call_problems
from specwatch.spec import Api, Source
from specwatch.spec.schema import shorten
from specwatch.values import Scenario


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of a contract test.

    Args:
        kind: `claim` or `api`.
        value: its argument; None when that is not a plain text.
        shown: its argument as it is written.
    """

    path: Path
    line: int
    kind: str
    value: str | None
    shown: str

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.path}:{self.line}"


def lint_contracts(files: Sequence[Path], apis: Sequence[Api], known: Mapping[str, Path]) -> list[Problem]:
    """What is wrong between contract tests and claims.

    Args:
        files: the modules of the contract tests.
        apis: the APIs that could be loaded.
        known: spec file by API id, of all APIs, those included that could not be loaded.
    """
    problems: list[Problem] = []
    marks: list[Mark] = []
    for path in files:
        try:
            marks += claim_marks(path)
            problems += call_problems(path, apis, complete=len(apis) == len(known))
        except (OSError, SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            problems.append(Problem(f"{path}:{line}", f"cannot be read as Python: {error}", "a Python module in UTF-8"))
    problems += [problem for mark in marks for problem in _mark_problems(mark, apis, known)]
    return problems


def unplayed(apis: Sequence[Api], marks: Sequence[Mark], folder: Path) -> Iterator[Problem]:
    """The scenario claims that no contract test plays."""
    from specwatch.lint.specs import claim_blocks

    played = {mark.value for mark in marks if mark.kind == "claim"}
    for api in apis:
        source = Source.read(api.path)
        for at, raw in claim_blocks(api):
            claim = api.claim(str(raw["id"]))
            if isinstance(claim.form, Scenario) and claim.full_id not in played:
                yield Problem(
                    source.place(*at, "id"),
                    f"scenario claim {claim.id!r} has no contract test",
                    f'a test in {folder} marked @pytest.mark.claim("{claim.full_id}")',
                    "write the test, or say the claim as holds, series or observe",
                )


def claim_marks(path: Path) -> list[Mark]:
    """The `claim` and `api` marks of a module, wherever they stand.

    Raises:
        SyntaxError: the file is no Python.
        ValueError: the file is no text in UTF-8.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    aliases = _aliases(tree)
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [_mark(path, call, kind) for call in calls if (kind := _kind(call.func, aliases)) is not None]


def _aliases(tree: ast.Module) -> Mapping[str, str]:
    """Names that stand for a mark, such as `claim = pytest.mark.claim`."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and (kind := _kind(node.value, {})) is not None:
            found |= {target.id: kind for target in node.targets if isinstance(target, ast.Name)}
    return found


def _kind(node: ast.expr, aliases: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return aliases.get(node.id)
    if isinstance(node, ast.Attribute) and node.attr in {"claim", "api"}:
        return node.attr if ast.unparse(node.value) in {"pytest.mark", "mark"} else None
    return None


def _mark(path: Path, call: ast.Call, kind: str) -> Mark:
    argument = call.args[0] if call.args else None
    value = argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None
    return Mark(path, call.lineno, kind, value, ast.unparse(argument) if argument else "nothing")


def _mark_problems(mark: Mark, apis: Sequence[Api], known: Mapping[str, Path]) -> Iterator[Problem]:
    if mark.value is None:
        found = f"mark {mark.kind} with {shorten(mark.shown, 60)}"
        yield Problem(mark.place, found, "a plain text, so that it can be checked without running the test")
        return
    api_id, _, claim_id = mark.value.partition("/")
    if api_id not in known:
        mend = _did_you_mean(api_id, known)
        yield Problem(mark.place, f"names the unknown API {api_id!r}", f"one of {', '.join(known)}", mend)
        return
    api = next((api for api in apis if api.id == api_id), None)
    if mark.kind == "claim" and api is not None and claim_id not in (ids := [claim.id for claim in api.claims]):
        found = f"names the unknown claim {mark.value!r}"
        yield Problem(mark.place, found, f"a claim of {api.path.name}", _did_you_mean(claim_id, ids, f"{api_id}/"))


def _did_you_mean(given: str, known: Sequence[str] | Mapping[str, Path], prefix: str = "") -> str:
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"did you mean {prefix + near[0]!r}?" if near else "`specwatch list --claims` shows all of them"
