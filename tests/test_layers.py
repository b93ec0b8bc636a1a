"""Imports point one way: a module imports from its own layer or from a lower one, and never in a circle.

Blocks for type checkers count too: a type that two layers need belongs in the lower one.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "specwatch"

# Lowest first. `specwatch` itself, below all of them, imports nothing of ours.
LAYERS = (
    ("errors", "values"),
    ("spec", "claims", "conformance", "workspace", "workflow", "schedule"),
    ("transport",),
    ("contract", "probing"),
    ("sandbox", "reports", "lint", "state", "metrics", "web", "monitoring", "notify", "recorded", "drift"),
    ("scoring",),
    ("cli", "pytest_plugin", "__main__"),
)
HEIGHT = {part: height for height, parts in enumerate(LAYERS, start=1) for part in parts} | {"": 0}


@dataclass(frozen=True, slots=True)
class Import:
    """One import of ours: where it stands, and which part of the package it leads from and to."""

    file: str
    line: int
    source: str
    target: str

    def __str__(self) -> str:
        """Say it as a finding: file, line, both parts."""
        return f"{self.file}:{self.line} {self.source or 'specwatch'} imports {self.target or 'specwatch'}"


def modules(package: Path) -> dict[tuple[str, ...], Path]:
    """Every module of the package by its dotted name in pieces, the package's own name left off."""
    names = {path.relative_to(package).with_suffix("").parts: path for path in sorted(package.rglob("*.py"))}
    return {tuple(piece for piece in name if piece != "__init__"): path for name, path in names.items()}


def targets(node: ast.AST, base: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Name in pieces of whatever of ours an import statement may load; `base` is the folder it stands in."""
    if isinstance(node, ast.Import):
        names = [tuple(alias.name.split(".")) for alias in node.names]
        yield from (name[1:] for name in names if name[0] == "specwatch")
    elif isinstance(node, ast.ImportFrom):
        origin = tuple((node.module or "").split(".")) if node.module else ()
        if node.level:
            origin = base[: len(base) - node.level + 1] + origin
        elif origin[0] == "specwatch":
            origin = origin[1:]
        else:
            return
        yield from ([origin] if origin else [(alias.name,) for alias in node.names])


def imports(package: Path) -> list[Import]:
    """All imports in the package that lead to the package itself, wherever in a file they stand."""
    found = []
    for name, path in modules(package).items():
        base = name if path.name == "__init__.py" else name[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in targets(node, base):
                # `from specwatch import __version__` names an attribute, not a part
                part = target[0] if target and not target[0].startswith("__version") else ""
                source = name[0] if name else ""
                if part != source:
                    found.append(Import(str(path.relative_to(package)), getattr(node, "lineno", 0), source, part))
    return found


def findings(package: Path) -> list[str]:
    """Everything that is wrong: parts without a layer, imports that point up, and circles."""
    all_imports = imports(package)
    homeless = sorted({name[0] for name in modules(package) if name and name[0] not in HEIGHT})
    wrong = [f"{part}: has no layer; give it one in tests/test_layers.py" for part in homeless]
    wrong += [f"{each}, which has no layer" for each in all_imports if each.target not in HEIGHT]
    wrong += [
        f"{each}, which is higher up"
        for each in all_imports
        if HEIGHT.get(each.target, 0) > HEIGHT.get(each.source, len(LAYERS))
    ]
    graph: dict[str, set[str]] = {}
    for each in all_imports:
        graph.setdefault(each.source, set()).add(each.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        wrong.append(f"a circle of imports: {' -> '.join(reversed(error.args[1]))}")
    return wrong


def test_imports_point_down() -> None:
    """No module of the engine imports from a layer above its own."""
    assert findings(PACKAGE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from specwatch.cli import main",
        "import specwatch.cli",
        "from specwatch import cli",
        "from .cli import main",
        "from . import cli",
        "def f():\n    from specwatch.cli.check import run",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from specwatch.cli import main",
    ],
)
def test_an_upward_import_is_found(tmp_path: Path, statement: str) -> None:
    """Each way to write an upward import is reported with its file and line."""
    (tmp_path / "__init__.py").touch()
    (tmp_path / "cli.py").touch()
    (tmp_path / "values.py").write_text(statement, encoding="utf-8")
    line = statement.count("\n") + 1
    assert findings(tmp_path) == [f"values.py:{line} values imports cli, which is higher up"]


def test_an_upward_import_from_a_folder_is_found(tmp_path: Path) -> None:
    """A relative import is followed from the module it stands in."""
    folder = tmp_path / "spec" / "parts"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("from .. import own", encoding="utf-8")
    (folder / "deep.py").write_text("from ...transport.guard import Guard", encoding="utf-8")
    assert findings(tmp_path) == ["spec/parts/deep.py:1 spec imports transport, which is higher up"]


def test_downward_and_foreign_imports_are_free(tmp_path: Path) -> None:
    """Lower layers, the own part, the version and other packages may be imported."""
    lines = ["import httpx", "from specwatch import __version__", "from specwatch.spec import Spec", "import ast"]
    (tmp_path / "cli.py").write_text("\n".join(lines), encoding="utf-8")
    assert findings(tmp_path) == []


def test_a_circle_is_found(tmp_path: Path) -> None:
    """Two parts of one layer may not lean on each other."""
    (tmp_path / "spec.py").write_text("import specwatch.claims", encoding="utf-8")
    (tmp_path / "claims.py").write_text("from specwatch.spec import Spec", encoding="utf-8")
    (finding,) = findings(tmp_path)
    assert finding.startswith("a circle of imports: ")


def test_a_part_without_a_layer_is_found(tmp_path: Path) -> None:
    """A new part has to be placed before it is used."""
    (tmp_path / "helpers.py").touch()
    assert findings(tmp_path) == ["helpers: has no layer; give it one in tests/test_layers.py"]
