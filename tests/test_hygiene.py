"""Rules of the repository that no linter knows: what may be committed, what the lock says, and how long code may be."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "specwatch"

MOST_FUNCTION_LINES = 25  # nine in ten are no longer than this
MAX_FUNCTION_LINES = 60
MAX_MODULE_LINES = 500

# What no committed file may hold. A letter in brackets keeps each pattern from matching itself.
FORBIDDEN = {
    "host of a package registry": re.compile(
        r"py[p]i\.(org|python\.org)|python[h]osted\.org|np[m]js\.(org|com)|registry\.yar[n]pkg|static\.crat[e]s\.io"
        r"|proxy\.gol[a]ng\.org|deb\.deb[i]an\.org|archive\.ubun[t]u\.com|rubyg[e]ms\.org"
    ),
    "download address": re.compile(r"https?:/[/]\S+\.(whl|tar\.gz|tgz|deb)\b"),
    "path of one machine": re.compile(
        r"(?<![\w.~-])/(wor[k]|roo[t]|hom[e]|User[s])/\w|/op[t]/(wheels|py[p]i)|/tm[p]/(spike|brief)|\.\./share[d]\b"
    ),
    "credential": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KE[Y]-----|\bAKI[A][0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pa[t]_\w{20}"
        r"|\bxox[abpr]-[0-9A-Za-z-]{10}|\bnp[m]_[A-Za-z0-9]{36}|\bpyp[i]-AgE\w{10}"
    ),
}
UNWANTED_FILES = {"uv.lock", "package-lock.json", "yarn.lock", "poetry.lock", "Pipfile.lock", ".env"}

LOCKED_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[A-Za-z0-9.!+]+( ; [^\\]+)?")
LOCKED_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def committed_files() -> list[Path]:
    """Files that are, or on the next commit would be, part of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for name in listed if name and (path := ROOT / name).is_file()]


def forbidden_lines(text: str) -> Iterator[str]:
    """Each thing in a text that must not be committed, with its line."""
    for number, line in enumerate(text.splitlines(), start=1):
        for what, pattern in FORBIDDEN.items():
            if match := pattern.search(line):
                yield f"{number}: {what}: {match[0]}"


def python_files(*folders: Path) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    """Syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, however deep."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the `def` to the end, the docstring and the decorators left out."""
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) and first.end_lineno else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def is_setter(node: ast.AST) -> bool:
    """Whether a definition is the second half of a property, whose first half says what it is."""
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in decorators)


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Line and name of each public class, function and method that has no docstring."""
    pending: list[ast.Module | ast.ClassDef] = [tree]
    while pending:
        for node in pending.pop().body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                if not ast.get_docstring(node) and not is_setter(node):
                    yield f"{node.lineno}: {node.name}"
                if isinstance(node, ast.ClassDef):
                    pending.append(node)


def code_words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every name and string of the code; docstrings and comments may say what they like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def project() -> dict[str, list[str]]:
    """Our direct requirements by group: `runtime` and each extra."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"runtime": data["dependencies"], **data["optional-dependencies"]}


def locked() -> dict[str, str]:
    """Version of each package of the lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pairs = (line.split(" ")[0].split("==") for line in text.splitlines() if "==" in line and line[0] != " ")
    return {canonicalize_name(name.split("[")[0]): version for name, version in pairs}


@pytest.mark.needs("git")
def test_nothing_forbidden_is_committed() -> None:
    """No registry host, download address, machine path or credential is in any file."""
    found = []
    for path in committed_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}:{line}" for line in forbidden_lines(text)]
    assert found == []


@pytest.mark.needs("git")
def test_no_second_lock_and_no_secrets_file() -> None:
    """There is one lock, requirements.lock, and `.env` stays on its machine."""
    names = {path.name for path in committed_files()}
    assert names & UNWANTED_FILES == set()


@pytest.mark.parametrize(
    "line",
    [
        "see https://py" + "pi.org/project/specwatch",
        "https://files.python" + "hosted.org/packages/x",
        "https://registry.np" + "mjs.org/react",
        "curl -O https:/" + "/example.com/prometheus-3.0.linux-amd64.tar.gz",
        "cd /wo" + "rk/main",
        "open('/ho" + "me/somebody/x')",
        "see ../sha" + "red/design.md",
        "-----BEGIN RSA PRIVATE " + "KEY-----",
    ],
)
def test_forbidden_lines_are_found(line: str) -> None:
    """The search sees what it is there to see."""
    assert len(list(forbidden_lines(line))) == 1


@pytest.mark.parametrize("line", ["GET https://api.example.com/work/1", "~/src/specwatch", "/v1/home", "pip install"])
def test_ordinary_lines_are_left_alone(line: str) -> None:
    """Addresses and commands that name no machine and no registry pass."""
    assert list(forbidden_lines(line)) == []


def test_lock_holds_names_versions_and_hashes_only() -> None:
    """Every line of the lock is a pinned name or a SHA-256."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    odd = [
        line
        for line in lines
        if not (LOCKED_HASH if line.startswith("    ") else LOCKED_PACKAGE).fullmatch(line.strip().removesuffix(" \\"))
    ]
    assert odd == []


def test_lock_satisfies_the_project() -> None:
    """Each direct dependency is pinned, within the range that pyproject.toml allows; if not, `make lock`."""
    versions = locked()
    requirements = [Requirement(text) for group in project().values() for text in group]
    unmet = [
        str(each)
        for each in requirements
        if not each.specifier.contains(versions.get(canonicalize_name(each.name), "0"), prereleases=True)
    ]
    assert unmet == []


def test_functions_are_short() -> None:
    """Nine functions in ten have at most 25 lines and none has more than 60, docstrings not counted."""
    sizes = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": function_lines(function)
        for path in python_files(PACKAGE)
        for function in functions(parsed(path))
    }
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}
    long = {name: size for name, size in sizes.items() if size > MOST_FUNCTION_LINES}
    assert len(long) <= len(sizes) / 10, long


def test_modules_are_short() -> None:
    """No module of the engine has more than 500 lines."""
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(PACKAGE)}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULE_LINES} == {}


def test_every_test_says_what_it_shows() -> None:
    """Each test function, of the engine and of the contracts, has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in python_files(ROOT / "tests", ROOT / "contracts")
        for function in functions(parsed(path))
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_everything_public_is_documented() -> None:
    """Each module of the engine, and each public class, function and method in it, has a docstring."""
    trees = {path.relative_to(ROOT): parsed(path) for path in python_files(PACKAGE)}
    silent = [f"{path}: the module" for path, tree in trees.items() if not ast.get_docstring(tree)]
    silent += [f"{path}:{place}" for path, tree in trees.items() for place in undocumented(tree)]
    assert silent == []


def test_engine_knows_no_api_by_name() -> None:
    """No code of the engine names one of the APIs of this workspace: a fifth is adopted by adding files."""
    ids = {path.stem for path in (ROOT / "specs").glob("*.yaml")}
    names = {form for each in ids for form in (each, each.replace("-", "_"))}
    found = [
        f"{path.relative_to(ROOT)}:{line} {word!r}"
        for path in python_files(PACKAGE)
        for line, word in code_words(parsed(path))
        if any(name in word for name in names)
    ]
    assert found == []


def test_version_is_the_changelog_s_newest() -> None:
    """The version of the package and the first heading of the changelog agree."""
    version = re.search(r'^__version__ = "(.+)"$', (PACKAGE / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert newest
    assert version[1] == newest[1]


def test_env_example_lists_the_variables_of_the_workspace() -> None:
    """`.env.example` offers each variable of specwatch.yaml once, in that order, without a value."""
    offered = re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    variables = yaml.safe_load((ROOT / "specwatch.yaml").read_text(encoding="utf-8"))["variables"]
    assert offered == [(name, "") for name in variables]
