"""First step of a watch: from options to a typed request. Everything that is wrong with them is said at once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from specwatch.cli.names import Complaints, unknown
from specwatch.cli.place import STATE_FOLDER, Place, Wanted, parse_place
from specwatch.cli.watch.notify import Notify, parse_notify
from specwatch.errors import Problem
from specwatch.probing.configuration import Configuration
from specwatch.probing.loading import load_configuration
from specwatch.schedule import DayBudget
from specwatch.schedule.reading import seconds
from specwatch.transport.environment import read_environment
from specwatch.transport.target import Kind, Target, is_loopback
from specwatch.web import Listen, WebSettings, parse_listen
from specwatch.workspace import Workspace

if TYPE_CHECKING:
    from specwatch.cli.watch.command import Given

LOG_FORMATS: Final = ("text", "json")
TOKEN: Final = "SPECWATCH_WEB_TOKEN"  # noqa: S105 - the name of a variable
_DURATION: Final = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d)?")
_HOST: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_LOCATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}|")


@dataclass(frozen=True)
class WatchRequest:
    """A watch that can begin.

    Args:
        only: ids of the APIs whose probes run; none means all.
        folder: where `.env` may lie.
        configuration: what runs at first.
        duration: seconds after which it stops, or None.
        interval: seconds between the ticks of every probe, instead of the schedule's, or None.
        state: the state file, or None for what lives only as long as the process.
        log_format: `text`, `json`, or empty for a live table where there is a terminal.
        notify: who is told of verdicts that change, or None.
    """

    workspace: Workspace
    only: tuple[str, ...]
    folder: Path
    place: Place
    configuration: Configuration
    web: WebSettings
    location: str = ""
    duration: float | None = None
    interval: float | None = None
    state: Path | None = None
    log_format: str = ""
    notify: Notify | None = None

    def load(self) -> Configuration:
        """The configuration as the files are now.

        Raises:
            WorkspaceError: they are wrong.
            UsageError: there is no schedule any more.
        """
        loaded = load_configuration(
            self.workspace, self.folder, only=self.only, needs_variables=not self.place.is_sandbox
        )
        return at_interval(loaded, self.interval)


def parse(given: Given, workspace: Workspace, folder: Path) -> WatchRequest:
    """Look up and try everything that was given.

    Raises:
        UsageError: with every problem of the options and of the files that they name.
        WorkspaceError: the workspace's own files are wrong.
    """
    complaints = Complaints()
    place = parse_place(_wanted(given), os.environ, complaints)
    duration = _duration("--for", given["duration"], complaints)
    interval = _duration("--interval", given["interval"], complaints)
    if interval is not None and not _is_ours(place.target):
        found = f"would ask {place.target.name} at a pace that no schedule names"
        expected = "the sandbox, or a target on this machine"
        complaints.add(Problem("--interval", found, expected, "change probes/schedule.yaml instead"))
    if given["log_format"] not in {None, *LOG_FORMATS}:
        name = str(given["log_format"])
        complaints.add(unknown(f"--log-format {name}", "log format", name, LOG_FORMATS))
    if not _LOCATION.fullmatch(given["location"]):
        expected = "letters, digits, dots, dashes and underscores, 63 at most"
        complaints.add(Problem(f"--location {given['location']!r}", "is no name", expected))
    web = _web(given, folder, complaints)
    notify = parse_notify(given["notify"], given["ca"], workspace, folder, complaints)
    configuration = complaints.attempt(
        lambda: load_configuration(workspace, folder, only=given["apis"], needs_variables=not place.is_sandbox)
    )
    complaints.raise_if_any()
    assert configuration is not None  # noqa: S101 - or else there were complaints
    return WatchRequest(
        workspace=workspace,
        only=given["apis"],
        folder=folder,
        place=place,
        configuration=at_interval(configuration, interval),
        web=web,
        location=given["location"],
        duration=duration,
        interval=interval,
        state=_state(given["state_file"], place, folder),
        log_format=given["log_format"] or "",
        notify=notify,
    )


def at_interval(configuration: Configuration, interval: float | None) -> Configuration:
    """The configuration with that interval for all probes, whether they fail or not, and no budget to pace them."""
    if interval is None:
        return configuration
    schedule = configuration.schedule
    probes = tuple(
        replace(probe, interval=interval, failing_interval=None, budget=DayBudget()) for probe in schedule.probes
    )
    return replace(configuration, schedule=replace(schedule, probes=probes))


def _is_ours(target: Target) -> bool:
    """Whether nobody else is asked: the embedded sandbox, or a server on this machine."""
    return target.kind is Kind.SANDBOX or is_loopback(urlsplit(target.url).hostname or "")


def _wanted(given: Given) -> Wanted:
    return Wanted(
        target=given["target"],
        ca=given["ca"],
        cert=given["cert"],
        resolve=given["resolve"],
        send_credentials=given["send_credentials"],
        faults=given["faults"],
        worker_seconds=given["worker_seconds"],
    )


def _duration(option: str, text: str | None, complaints: Complaints) -> float | None:
    if text is None:
        return None
    if _DURATION.fullmatch(text) and (value := seconds(text if text[-1].isalpha() else f"{text}s")) > 0:
        return value
    complaints.add(Problem(f"{option} {text}", "is no duration", "such as 30s, 5m or 2h"))
    return None


def _web(given: Given, folder: Path, complaints: Complaints) -> WebSettings:
    text = given["listen"]
    listen = complaints.attempt(lambda: parse_listen(text)) if text else Listen()
    token = (complaints.attempt(lambda: read_environment([TOKEN], folder)) or {}).get(TOKEN, "")
    for name in given["web_names"]:
        if not _HOST.fullmatch(name):
            complaints.add(
                Problem(f"--web-name {name!r}", "is no host name", "a name only, such as probes.example.com")
            )
    if given["web_key"] and not given["web_cert"]:
        complaints.add(Problem("--web-key", "names the key of no certificate", "--web-cert, too"))
    return WebSettings(
        listen=listen or Listen(),
        names=frozenset(name.lower() for name in given["web_names"]),
        token=token,
        certificate=Path(given["web_cert"]) if given["web_cert"] else None,
        key=Path(given["web_key"]) if given["web_key"] else None,
    )


def _state(given: str | None, place: Place, folder: Path) -> Path | None:
    """The state file. The embedded sandbox forgets everything when it ends, and so does what was seen of it."""
    if given is not None:
        return Path(given)
    if place.target.kind is Kind.SANDBOX:
        return None
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", place.target.name.removeprefix("https://").removeprefix("http://"))
    return folder / STATE_FOLDER / f"{name}.sqlite"
