"""`specwatch sandbox`: a server that behaves as the APIs are documented."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from specwatch.cli.load import load_apis
from specwatch.cli.names import Complaints
from specwatch.cli.options import Number, api_option, chosen_workspace, workspace_option
from specwatch.spec import Api
from specwatch.values.sandbox import WORKER_SECONDS

if TYPE_CHECKING:
    from specwatch.sandbox import Catalogue, SandboxState
    from specwatch.sandbox.faults import Fault

DEFAULT_PORT: Final = 8700
LOOPBACK: Final = "127.0.0.1"
LONGEST_WORK: Final = 3600.0


@click.command("sandbox")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 takes a free one."
)
@click.option(
    "--host", default=LOOPBACK, show_default=True, help="Address to listen on; others can reach any but this."
)
@api_option
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Switch this fault on; may be given again.")
@click.option(
    "--worker-seconds",
    metavar="N",
    type=Number(0, LONGEST_WORK),
    default=WORKER_SECONDS,
    show_default=True,
    help="How long background jobs take.",
)
@click.option("--list-faults", metavar="[GLOB]", is_flag=False, flag_value="*", help="List the faults and stop.")
@workspace_option
def command(
    *,
    port: int,
    host: str,
    apis: tuple[str, ...],
    faults: tuple[str, ...],
    worker_seconds: float,
    list_faults: str | None,
    workspace: Path | None,
) -> int:
    """Serve the APIs as they are documented, with faults on request.

    They are served on their native paths, until Ctrl-C. Credentials are the well-known ones that are printed;
    `specwatch check --target URL` works with them.
    """
    from specwatch.sandbox import Catalogue, SandboxSettings, load_modules, serve_forever

    used = chosen_workspace(workspace)
    complaints = Complaints()
    loaded = load_apis(used, apis, complaints)
    complaints.raise_if_any()
    modules = load_modules(used.sandbox, loaded)
    catalogue = Catalogue(loaded, modules)
    if list_faults is not None:
        _show_faults(catalogue, list_faults)
        return 0
    check_faults(catalogue, faults, complaints, list(used.spec_files))
    complaints.raise_if_any()
    _warn_if_reachable(host)
    settings = SandboxSettings(worker_seconds, faults)

    def greet(url: str, _state: SandboxState) -> None:
        click.echo("\n".join(greeting(url, loaded, faults=faults, narrowed=bool(apis))))

    with sigterm_as_ctrl_c(), suppress(KeyboardInterrupt):
        serve_forever(host, port, loaded, modules, settings, on_ready=greet)
    return 0


def check_faults(
    catalogue: Catalogue, faults: Sequence[str], complaints: Complaints, known: Sequence[str] = ()
) -> None:
    """Note every name that is no fault of the catalogue.

    Args:
        catalogue: the faults of the selected APIs.
        faults: the names.
        complaints: receives what is wrong.
        known: ids of all APIs of the workspace.
    """
    from specwatch.cli.names import either
    from specwatch.errors import Problem
    from specwatch.sandbox import UnknownFaultError

    for name in faults:
        try:
            catalogue.get(name)
        except UnknownFaultError as error:
            api_id = name.partition("/")[0]
            if api_id in known and not any(fault.startswith(f"{api_id}/") for fault in catalogue.names):
                found = f"its API {api_id} is not selected"
                complaints.add(Problem(f"--fault {name}", found, "a fault of a selected API", "select it, too"))
                continue
            reasons = {each.name: each.reason for each in catalogue.underivable}
            if name in reasons:
                found, expected = f"cannot be built from the spec: {reasons[name]}", "a fault that can be"
                complaints.add(Problem(f"--fault {name}", found, expected, "`specwatch sandbox --list-faults`"))
                continue
            expected = "<api>/<fault> of a selected API; `specwatch sandbox --list-faults` lists them"
            mend = f"did you mean {either(error.nearest)}?" if error.nearest else ""
            complaints.add(Problem(f"--fault {name}", "no such fault", expected, mend))


def greeting(url: str, apis: Sequence[Api], *, faults: Sequence[str] = (), narrowed: bool = False) -> Iterator[str]:
    """What a user needs to know about a sandbox that serves, line by line.

    Args:
        url: its base URL.
        apis: what it serves.
        faults: those that are on.
        narrowed: whether the workspace has more APIs than it serves, so that a check has to leave the others out.
    """
    yield f"sandbox: {url} serves {', '.join(api.id for api in apis)}"
    yield f"control: {url}/_sandbox/ shows and changes faults, worker speed and state"
    if faults:
        yield f"faults: {', '.join(faults)}"
    yield ""
    yield "In another terminal:"
    yield ""
    yield from (f"  export {name}={value}" for name, value in exports(apis).items())
    paths = dict.fromkeys(api.base_path for api in apis)
    for path in paths:
        below = [api.id for api in apis if api.base_path == path]
        selected = "".join(f" --api {name}" for name in below) if narrowed or len(paths) > 1 else ""
        yield f"  specwatch check --target {url}{path}{selected} --allow create,consume,paid"
        yield f"  specwatch watch --target {url}{path}{selected} --interval 5s"
    yield ""
    yield from _shared(apis)
    yield "Ctrl-C stops it."


def exports(apis: Sequence[Api]) -> dict[str, str]:
    """Environment variables with the well-known credentials of a sandbox.

    Of several variables for one credential the first is used: it wins over whatever the others hold already.
    """
    from specwatch.values.sandbox import sandbox_value

    return {names[0]: sandbox_value(role) for role, names in _variables(apis)}


def _shared(apis: Sequence[Api]) -> Iterator[str]:
    """A line per variable that is only asked after those that are printed."""
    before: dict[str, list[str]] = {}
    for _, (first, *others) in _variables(apis):
        for name in others:
            before.setdefault(name, []).append(first)
    for name, firsts in before.items():
        asked = " and ".join(dict.fromkeys(firsts))
        yield f"{name} serves as well where {asked} {'is' if len(set(firsts)) == 1 else 'are'} not set."


def _variables(apis: Sequence[Api]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Roles with the variables that may hold their credential, in the order in which they are asked."""
    for api in apis:
        for scheme in api.schemes.values():
            yield from ((role, names) for role, names in scheme.variables_by_role.items() if names)


@contextmanager
def sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does; outside the main thread signals stay as they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _warn_if_reachable(host: str) -> None:
    from specwatch.transport.target import is_loopback

    if not is_loopback(host):
        click.echo(
            f"warning: {host} is no loopback address: whoever reaches this machine can use the sandbox", err=True
        )


def _show_faults(catalogue: Catalogue, pattern: str) -> None:
    from specwatch.cli.names import unknown
    from specwatch.errors import UsageError

    matching = [fault for fault in catalogue if fnmatchcase(fault.name, pattern)]
    unbuilt = [each for each in catalogue.underivable if fnmatchcase(each.name, pattern)]
    if not matching and not unbuilt:
        hint = "`specwatch sandbox --list-faults` shows them"
        raise UsageError(unknown(f"--list-faults {pattern}", "fault", pattern, catalogue.names, hint))
    for fault in matching:
        click.echo(f"{fault.name}  ({_nature(fault)})\n    {fault.text}")
    for each in unbuilt:
        click.echo(f"{each.name}  (cannot be built)\n    {each.reason}")


def _nature(fault: Fault) -> str:
    from specwatch.sandbox.faults import FaultKind

    if fault.kind is FaultKind.VARIATION:
        return f"{fault.kind}; allowed, must raise nothing"
    return f"{fault.kind}, {fault.level}; breaks {fault.breaks}"
