"""pytest's entry point: contract tests run by pytest itself, as `pytest contracts --target URL`.

Loaded in every session of whoever has specwatch installed, so it does next to nothing until a contract test of a
workspace is about to be collected. Then a run begins, and what it finds fails the tests that brought it up.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from specwatch.pytest_plugin.session import RunSession

MARKS: Final = (
    "claim(id): the contract test plays or provokes this claim, <api>/<claim>",
    "api(id): the contract test belongs to this API, though to none of its claims alone",
    "first: runs before all others, so that slow things happen in the background",
    "waits: needs what happens in the background, so other tests go before it",
    "last: runs after all directed tests, within what the budget leaves",
)

OPTIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("--target", {"metavar": "sandbox|live|URL", "help": "where contract tests send their requests; default: sandbox"}),
    ("--specwatch-api", {"metavar": "ID", "action": "append", "help": "only this API; may be given again"}),
    ("--specwatch-profile", {"metavar": "NAME", "help": "smoke, standard or deep"}),
    ("--specwatch-budget", {"metavar": "N", "type": int, "help": "requests per API"}),
    ("--specwatch-max-cost", {"metavar": "N", "type": float, "help": "cost per API, in units of x-cost"}),
    ("--specwatch-allow", {"metavar": "KINDS", "action": "append", "help": "of create,consume,paid"}),
    ("--specwatch-strict", {"action": "store_true", "help": "a broken inference fails its test, too"}),
    ("--specwatch-seed", {"metavar": "N", "type": int, "help": "repeats a run's random choices"}),
    ("--specwatch-fault", {"metavar": "NAME", "action": "append", "help": "switch a fault of the sandbox on"}),
    ("--specwatch-ca", {"metavar": "FILE", "help": "certificate authorities to trust, as PEM"}),
    ("--specwatch-cert", {"metavar": "FILE", "help": "client certificate with its key, as PEM"}),
    (
        "--specwatch-send-credentials",
        {"action": "store_true", "help": "send your credentials to a URL that is no server of the spec"},
    ),
)
"""Option to how pytest's parser takes it. They mean what those of `specwatch check` mean."""

_SHORT: Final = "SPECWATCH_PYTEST_SHORT_OPTIONS"

_SESSION: Final[pytest.StashKey[RunSession]] = pytest.StashKey()


@pytest.hookimpl(trylast=True)
def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of contract runs; a name that another plugin or project may want is left to it."""
    taken = {name for group in parser._groups for option in group.options for name in option.names()}  # noqa: SLF001
    short = _SHORT in os.environ if "PYTEST_XDIST_WORKER" in os.environ else in_workspace()
    if short:
        os.environ[_SHORT] = "1"  # workers are given the same options, and have no command line to look at
    group = parser.getgroup("specwatch", "contract tests of a specwatch workspace")
    for option, how in OPTIONS:
        full = f"--specwatch-{option.removeprefix('--').removeprefix('specwatch-')}"
        names = {full, option} - taken if short else {full}
        group.addoption(*sorted(names), dest=_destination(option), default=None, **how)


def in_workspace() -> bool:
    """Whether a session seems to be about a workspace: it begins in one, or an argument lies in one.

    Elsewhere the short name of an option belongs to whoever else wants it.
    """
    places = [Path.cwd(), *(Path(argument.partition("::")[0]).absolute() for argument in sys.argv[1:])]
    folders = {folder for place in places for folder in (place, *place.parents)}
    return any((folder / "specs").is_dir() and (folder / "contracts").is_dir() for folder in folders)


def _destination(option: str) -> str:
    name = option.removeprefix("--").removeprefix("specwatch-").replace("-", "_")
    return f"specwatch_{name}"


def given(config: pytest.Config) -> dict[str, Any]:
    """The options of contract runs by their name in `specwatch check`, None where they were not given."""
    names = (_destination(option) for option, _ in OPTIONS)
    return {name.removeprefix("specwatch_"): config.getoption(name, None) for name in names}


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks; where tests will be distributed, look the options over before a worker does."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    if getattr(config.option, "numprocesses", None):
        from specwatch.pytest_plugin.distribution import Controller

        config.pluginmanager.register(Controller(config), "specwatch-controller")


def pytest_collection(session: pytest.Session) -> None:
    """Begin the run of the contract tests that were named, so that a wrong option is a usage error."""
    if not getattr(session.config.option, "numprocesses", None):
        for workspace in named_workspaces(session.config):
            _begin(session.config, workspace)


def named_workspaces(config: pytest.Config) -> list[Path]:
    """The workspaces whose contract tests stand among the arguments of a session."""
    paths = [Path(argument.partition("::")[0]).absolute() for argument in config.args]
    folders = [path if path.is_dir() else path.parent for path in paths]
    return list(dict.fromkeys(folder.parent for folder in folders if is_contract(folder / "test_.py")))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Begin a run before the first contract test is imported: it asks for the run while it is."""
    if file_path.name.startswith("test_") and is_contract(file_path):
        _begin(parent.config, file_path.parent.parent)


def is_contract(path: Path) -> bool:
    """Whether a file lies in a workspace's folder of contract tests."""
    return path.suffix == ".py" and path.parent.name == "contracts" and (path.parent.parent / "specs").is_dir()


def _begin(config: pytest.Config, workspace: Path) -> None:
    if _SESSION in config.stash:
        config.stash[_SESSION].require(workspace)
        return
    from specwatch.contract.current import is_active

    if is_active():  # `specwatch check` runs this session, and has begun its run
        return
    from specwatch.pytest_plugin.session import begin

    config.stash[_SESSION] = session = begin(config, workspace, given(config))
    config.pluginmanager.register(session, "specwatch-session")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run: close its connections, stop its sandbox."""
    if _SESSION in config.stash:
        config.stash[_SESSION].end()
        del config.stash[_SESSION]
