"""The options of `specwatch up`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from specwatch.cli.options import chosen_workspace, workspace_option

PORTS: Final = {"watch": 9464, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
"""Program to the port that it has unless an option says otherwise."""

_PORT: Final = click.IntRange(1, 65535)


class Given(TypedDict):
    """The options as click hands them over, of the right types but not yet looked up."""

    target: str
    interval: str | None
    faults: tuple[str, ...]
    duration: str | None
    data: str | None
    watch_port: int
    prometheus_port: int
    alertmanager_port: int
    grafana_port: int
    workspace: Path | None


@click.command("up")
@click.option("--target", metavar="sandbox|live|URL", default="sandbox", show_default=True, help="Where requests go.")
@click.option("--interval", metavar="DURATION", help="Run every probe that often; on this machine only.")
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Switch a fault of the sandbox on.")
@click.option("--for", "duration", metavar="DURATION", help="Stop after that, such as 30s or 2h.")
@click.option("--data", metavar="DIR", help="Where logs, samples and configuration go.  [default: .specwatch/up]")
@click.option("--watch-port", type=_PORT, default=PORTS["watch"], show_default=True, help="Of the prober.")
@click.option("--prometheus-port", type=_PORT, default=PORTS["prometheus"], show_default=True, help="Of Prometheus.")
@click.option(
    "--alertmanager-port", type=_PORT, default=PORTS["alertmanager"], show_default=True, help="Of Alertmanager."
)
@click.option("--grafana-port", type=_PORT, default=PORTS["grafana"], show_default=True, help="Of Grafana.")
@workspace_option
def command(**given: Unpack[Given]) -> int:
    """Bring up the prober with Prometheus, Alertmanager and Grafana on this machine.

    Starts `specwatch watch`, and of the other three whichever is found on PATH, with rules, dashboards and
    configuration derived anew from the workspace. All of it listens on 127.0.0.1 only. Nothing is started unless all
    ports are free.

    Credentials are given to the prober alone. A bearer token, in SPECWATCH_WEB_TOKEN, is used by Prometheus, too.

    Runs until Ctrl-C or SIGTERM and stops everything that it started. When the prober ends by itself, it ends with the
    prober's exit code, or with 3; when one of the others does, it says why and goes on.
    """
    from specwatch.cli.up.request import parse
    from specwatch.cli.up.session import serve

    return serve(parse(given, chosen_workspace(given["workspace"]), Path.cwd()))
