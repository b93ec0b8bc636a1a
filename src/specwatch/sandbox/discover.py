"""Loading the modules of a workspace's `sandbox/` folder."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from specwatch.contract.exits import no_sudden_end
from specwatch.errors import Problem, SandboxError
from specwatch.sandbox.interface import SandboxApi
from specwatch.spec import Api


def load_modules(folder: Path, apis: Sequence[Api]) -> dict[str, SandboxApi]:
    """The behaviour of each API that has a module, by API id.

    A module is `<api-id with underscores>.py` and defines `api = SandboxApi("<api-id>")`; it may import siblings
    relatively (`from ._shared import ...`). An API without a module behaves as its spec says and no more.

    Raises:
        SandboxError: a module cannot be loaded or does not fit its spec; with every problem that was found.
    """
    found: dict[str, SandboxApi] = {}
    problems: list[Problem] = []
    package = _package(folder)
    for api in apis:
        path = folder / f"{api.id.replace('-', '_')}.py"
        if not path.is_file():
            continue
        try:
            found[api.id] = _load(package, path, api)
        except SandboxError as error:
            problems += error.problems
    if problems:
        raise SandboxError(*dict.fromkeys(problems))
    return found


def _package(folder: Path) -> str:
    """A package of a name of its own that stands for the folder, so that its modules cannot clash with any other."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    name = f"specwatch_sandbox_{digest}"
    for loaded in [other for other in sys.modules if other.partition(".")[0] == name]:
        del sys.modules[loaded]
    package = ModuleType(name)
    package.__path__ = [str(folder.resolve())]
    sys.modules[name] = package
    return name


def _load(package: str, path: Path, api: Api) -> SandboxApi:
    module = _execute(f"{package}.{path.stem}", path)
    behaviour = getattr(module, "api", None)
    if not isinstance(behaviour, SandboxApi):
        found = "defines no `api`" if behaviour is None else f"its `api` is a {type(behaviour).__name__}"
        raise SandboxError(Problem(str(path), found, "a SandboxApi", f'add `api = SandboxApi("{api.id}")`'))
    problems = list(_misfits(path, behaviour, api))
    if problems:
        raise SandboxError(*problems)
    return behaviour


def _execute(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SandboxError(Problem(str(path), "is not a Python module", "a module in Python"))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with no_sudden_end(path.parent):
            spec.loader.exec_module(module)
    except SandboxError:
        raise
    except (Exception, SystemExit) as error:
        raise SandboxError(_import_problem(path, error)) from error
    return module


def _import_problem(path: Path, error: Exception | SystemExit) -> Problem:
    """Where it really failed: in the module or in a sibling that it imports, whichever is innermost."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or str(path), error.lineno))
    own = [(Path(name), line) for name, line in places if Path(name).resolve().parent == path.resolve().parent]
    file, line = own[-1] if own else (path, None)
    where = path.with_name(file.name)
    found = f"cannot be loaded: {type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    return Problem(f"{where}:{line}" if line else str(where), found, "a module that imports", "correct that line")


def _misfits(path: Path, behaviour: SandboxApi, api: Api) -> Iterator[Problem]:
    if behaviour.id != api.id:
        yield Problem(str(path), f"its SandboxApi is for {behaviour.id!r}", f"{api.id!r}, as the file is named")
    known = {operation.id for operation in api.operations}
    expected = f"an operationId of {api.path.name}: {', '.join(sorted(known))}"
    for name in behaviour.handlers.keys() - known:
        yield Problem(str(path), f"handles the unknown operation {name!r}", expected)
    for deviation in behaviour.deviations:
        if deviation.operation not in {None, *known}:
            found = f"fault {deviation.name!r} is for the unknown operation {deviation.operation!r}"
            yield Problem(str(path), found, expected)
