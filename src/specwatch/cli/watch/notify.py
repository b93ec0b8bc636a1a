"""`--notify`: from the option or the environment to something that tells a webhook."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.cli.names import Complaints
from specwatch.notify import VARIABLE, Address, Links, Notifier, Outlook, Webhook, parse_address
from specwatch.transport.environment import read_environment
from specwatch.transport.wire import Proxies, tls_context
from specwatch.workspace import Workspace

if TYPE_CHECKING:
    from specwatch.cli.watch.log import Log
    from specwatch.probing.ports import Store
    from specwatch.probing.watch import Watch
    from specwatch.web import WebSettings


EXPOSED: Final = (
    "the path of --notify looks as if it held a secret, and every user of the machine can see options: "
    f"put the address into a file and name that file in {VARIABLE}_FILE"
)


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of verdicts that change.

    Args:
        address: where to.
        unknown_for: seconds after which an unknown verdict is an alert.
        runbooks: what comes before the name of an alert; empty for the pages of the watch itself.
        tls: whom to trust; None for an http address.
    """

    address: Address
    unknown_for: float
    runbooks: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def parse_notify(
    given: str | None, ca: str | None, workspace: Workspace, folder: Path, complaints: Complaints
) -> Notify | None:
    """Who is to be told; None where nobody is.

    Args:
        given: the value of `--notify`; without one the environment is looked at.
        ca: the value of `--ca`.
        workspace: whose settings of the monitoring say how long unknown is long.
        folder: where `.env` may lie.
        complaints: receives what is wrong.
    """
    text = given
    if text is None:
        text = (complaints.attempt(lambda: read_environment([VARIABLE], folder)) or {}).get(VARIABLE)
    if text is None:
        return None
    address = complaints.attempt(lambda: parse_address(text, of_option=given is not None))
    settings = complaints.attempt(lambda: _settings(workspace))
    if address is None or settings is None:
        return None
    unknown_for, runbooks = settings
    secure = address.url.startswith("https:")
    tls = complaints.attempt(lambda: tls_context(ca)) if secure else None
    return Notify(address, unknown_for, runbooks, tls)


def notifier(
    notify: Notify, proxies: Proxies, watch: Watch, store: Store, log: Log, now: Callable[[], float]
) -> Notifier:
    """What tells them.

    Args:
        notify: who is told.
        proxies: who is asked for it.
        watch: whose verdicts are told.
        store: remembers what was told.
        log: takes a line for each notification.
        now: epoch seconds.
    """

    def since(probe: str) -> float | None:
        streak = watch.memory.streaks.get(probe)
        return streak.since if streak is not None else None

    def say(level: str, event: str, message: str, fields: Mapping[str, object]) -> None:
        log.line(level, event, message, **fields)

    if notify.address.exposed:
        log.line("warning", "notify_exposed", EXPOSED)
    outlook = Outlook(store, now, since, watch.emit, say, watch.options.location, notify.unknown_for)
    return Notifier(Webhook(notify.address, proxies, now, notify.tls), outlook)


def links(notify: Notify, url: str, web: WebSettings) -> Links:
    """Where alerts point to.

    Args:
        notify: who is told.
        url: where the watch serves, as the socket has it.
        web: how it is served; a name by which it may be called goes before an address.
    """
    scheme, _, place = url.partition("://")
    host, _, port = place.rpartition(":")
    if web.names:
        host = min(web.names)
    elif host in {"0.0.0.0", "[::]"}:  # noqa: S104 - nobody can call that; this machine at least can call itself
        host = "localhost"
    return Links(f"{scheme}://{host}:{port}", notify.runbooks)


def _settings(workspace: Workspace) -> tuple[float, str]:
    """After how many seconds unknown is long, and where runbooks are, if the workspace names another place for them."""
    from specwatch.monitoring.origin import settings_file
    from specwatch.monitoring.settings import load_settings

    settings = load_settings(settings_file(workspace), None)
    default = load_settings(None, None)
    own = settings.links_runbooks if settings.links_runbooks != default.links_runbooks else ""
    return settings.probes_unknown_for, own
