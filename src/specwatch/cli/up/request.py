"""First step: from options to programs that can be started. Whatever is wrong is said before one of them is."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from specwatch.cli.options import HELP_NAMES
from specwatch.cli.place import STATE_FOLDER
from specwatch.cli.up import leftovers
from specwatch.cli.up.programs import LOOPBACK, Missing, Place, Program, programs
from specwatch.cli.watch.command import command as watch_command
from specwatch.cli.watch.request import parse as parse_watch
from specwatch.errors import Problem, UsageError
from specwatch.monitoring.build import derive
from specwatch.monitoring.deploy.files import PROMETHEUS
from specwatch.monitoring.deploy.prometheus import (
    ALERTMANAGER_TARGETS,
    PROBER_TARGETS,
    prometheus_file,
    targets_file,
)
from specwatch.monitoring.origin import Origin, load_origin
from specwatch.monitoring.settings import Settings, load_settings
from specwatch.workspace import Workspace

if TYPE_CHECKING:
    from specwatch.cli.up.command import Given
    from specwatch.cli.watch.command import Given as WatchGiven

FOLDER: Final = Path(STATE_FOLDER) / "up"
_PORT_OPTIONS: Final = ("watch", "prometheus", "alertmanager", "grafana")


@dataclass(frozen=True, slots=True)
class UpRequest:
    """What can be brought up.

    Args:
        place: folders and ports.
        programs: what was found, the prober first.
        missing: what cannot be started, by name.
        files: path below the folder of the configuration to text.
        token: the bearer token of the prober; empty where it asks for none.
        sandboxed: whether the prober has a sandbox of its own.
        duration: seconds after which all of it stops, or None.
        notes: what else to know before looking at it, a line each.
    """

    place: Place
    programs: tuple[Program, ...]
    missing: Mapping[str, Missing]
    files: Mapping[str, str]
    token: str = field(repr=False)
    sandboxed: bool = False
    duration: float | None = None
    notes: tuple[str, ...] = ()


def parse(given: Given, workspace: Workspace, folder: Path) -> UpRequest:
    """Look up and try everything that was given.

    Args:
        given: the options.
        workspace: what is watched.
        folder: the current one.

    Raises:
        UsageError: an option is wrong, a port is taken, the data folder cannot be used, or one that was killed has left
            programs running.
        WorkspaceError: the workspace's own files are wrong.
    """
    arguments = _watch_arguments(given, workspace)
    duration = ["--for", given["duration"]] if given["duration"] else []
    parsed = watch_command.make_context("watch", [*arguments, *duration], help_option_names=list(HELP_NAMES)).params
    watch = parse_watch(cast("WatchGiven", parsed), workspace, folder)
    data = folder / (given["data"] or FOLDER)
    place = Place(
        data=data,
        ports={name: cast("int", given[f"{name}_port"]) for name in _PORT_OPTIONS},  # type: ignore[literal-required]
        token=bool(watch.web.token),
    )
    found, missing = programs(place, arguments)
    # with the intervals that are used here: they decide which windows suit a probe, and what is late
    origin = replace(load_origin(workspace), schedule=watch.configuration.schedule)
    files = configuration(origin, place, [program.name for program in found])
    left = leftovers.left_over(place)
    ours = {each.port for each in left}
    problems = [*leftovers.problems(place, left), *_taken_twice(place, found), *_busy(place, found, ours)]
    if problems:
        raise UsageError(*problems)
    _prepare(data)
    return UpRequest(
        place=place,
        programs=found,
        missing=missing,
        files=files,
        token=watch.web.token,
        sandboxed=watch.place.is_sandbox,
        duration=watch.duration,
        notes=tuple(_notes(origin, place)),
    )


def _watch_arguments(given: Given, workspace: Workspace) -> list[str]:
    """The options of `specwatch watch`. They hold no secret: other users of the machine can read them."""
    options = ["--workspace", str(workspace.root), "--target", given["target"], "--log-format", "text"]
    options += ["--listen", f"{LOOPBACK}:{given['watch_port']}"]
    options += ["--interval", given["interval"]] if given["interval"] else []
    return options + [part for fault in given["faults"] for part in ("--fault", fault)]


def configuration(origin: Origin, place: Place, running: list[str]) -> dict[str, str]:
    """Everything that `specwatch build` derives, with the addresses of this machine.

    Args:
        origin: specs, probes and settings.
        place: folders and ports.
        running: names of the programs that will run.
    """
    here = replace(origin, settings=_linked_here(origin, place))
    files = dict(derive(here))
    if place.token:
        files[PROMETHEUS] = prometheus_file(here.settings, str(place.token_file))
    alertmanager = [place.address("alertmanager")] if "alertmanager" in running else []
    files[f"prometheus/{PROBER_TARGETS}"] = targets_file([place.address("watch")])
    files[f"prometheus/{ALERTMANAGER_TARGETS}"] = targets_file(alertmanager)
    return files


def _linked_here(origin: Origin, place: Place) -> Settings:
    """The settings, their links led to the ports that are used; a link that somebody has set stays."""
    settings, default = origin.settings, load_settings(None, ())

    def link(now: str, usual: str, here: str) -> str:
        return here if now == usual else now

    return replace(
        settings,
        links_runbooks=link(settings.links_runbooks, default.links_runbooks, f"{place.url('watch')}/runbooks/"),
        links_grafana=link(settings.links_grafana, default.links_grafana, place.url("grafana")),
        links_alertmanager=link(settings.links_alertmanager, default.links_alertmanager, place.url("alertmanager")),
    )


def _notes(origin: Origin, place: Place) -> Iterator[str]:
    """What somebody would stumble over."""
    if place.token:
        elsewhere = _linked_here(origin, place).links_runbooks == origin.settings.links_runbooks
        what = "links of exemplars" if elsewhere else "links to runbooks in alerts, and of exemplars,"
        mend = "" if elsewhere else "; links.runbooks in grafana/settings.yaml can name another place for runbooks"
        yield f"SPECWATCH_WEB_TOKEN is set: {what} lead to pages that refuse a browser (401){mend}"


def _taken_twice(place: Place, found: tuple[Program, ...]) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for program in found:
        port = place.ports[program.name]
        if port in owners:
            option = f"--{program.name}-port {port}"
            yield Problem(option, f"is the port of {owners[port]}, too", "a port for each", "give it another one")
        owners.setdefault(port, program.title)


def _busy(place: Place, found: tuple[Program, ...], told: Collection[int]) -> Iterator[Problem]:
    for program in found:
        port = place.ports[program.name]
        reason = "" if port in told else _why_busy(port)
        if reason:
            mend = "stop what listens there, or give another port with this option"
            if program.service:
                mend += f"; Debian's package starts one by itself: `systemctl disable --now {program.service}`"
            option = f"--{program.name}-port {port}"
            yield Problem(option, f"{program.title} cannot listen there: {reason}", f"a free port on {LOOPBACK}", mend)


def _why_busy(port: int) -> str:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has ended is not in the way
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            return "the port is taken" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
    return ""


def _prepare(data: Path) -> None:
    """Make the data folder, and try whether it can be written; the default one is kept out of git."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        ignore = data.parent / ".gitignore"
        if data.parent.name == STATE_FOLDER and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        trial = data / ".trial"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        found = f"cannot be written: {error.strerror or error}"
        raise UsageError(Problem(f"--data {data}", found, "a folder that you may write")) from error
