"""The options of `specwatch watch`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypedDict, Unpack

import click

from specwatch.cli.options import Number, announce, api_option, chosen_workspace, workspace_option

LONGEST_WORK: Final = 3600.0


class Given(TypedDict):
    """The options as click hands them over, of the right types but not yet looked up."""

    apis: tuple[str, ...]
    target: str
    listen: str | None
    location: str
    duration: str | None
    interval: str | None
    state_file: str | None
    log_format: str | None
    ca: str | None
    cert: str | None
    resolve: tuple[str, ...]
    send_credentials: bool
    web_cert: str | None
    web_key: str | None
    web_names: tuple[str, ...]
    faults: tuple[str, ...]
    worker_seconds: float | None
    notify: str | None
    workspace: Path | None


@click.command("watch")
@api_option
@click.option("--target", metavar="sandbox|live|URL", default="sandbox", show_default=True, help="Where requests go.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Where metrics and pages are served.  [default: 127.0.0.1:9464]")
@click.option("--location", metavar="NAME", default="", help="From where; becomes a label of every metric.")
@click.option("--for", "duration", metavar="DURATION", help="Stop after that, such as 30s or 2h, and sum up.")
@click.option("--interval", metavar="DURATION", help="Run every probe that often; on this machine only.")
@click.option(
    "--state", "state_file", metavar="FILE", help="What survives a restart.  [default: .specwatch/TARGET.sqlite]"
)
@click.option("--log-format", metavar="text|json", help="Log lines instead of the live table.")
@click.option("--ca", metavar="FILE", help="Certificate authorities to trust, as PEM.")
@click.option("--cert", metavar="FILE", help="Client certificate with its key, as PEM.")
@click.option("--resolve", metavar="HOST:PORT:ADDRESS", multiple=True, help="Use this address, as curl does.")
@click.option("--send-credentials", is_flag=True, help="Send your credentials to a URL that is no server of the spec.")
@click.option("--web-cert", metavar="FILE", help="Serve https with this certificate, as PEM.")
@click.option("--web-key", metavar="FILE", help="Its key, if that is in another file.")
@click.option("--web-name", "web_names", metavar="HOST", multiple=True, help="A host name by which it may be called.")
@click.option(
    "--notify", metavar="URL", help="Post there, as Alertmanager does, when a probe fails or recovers. Not for secrets."
)
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Switch a fault of the sandbox on.")
@click.option("--worker-seconds", metavar="N", type=Number(0, LONGEST_WORK), help="How long jobs of the sandbox take.")
@workspace_option
def command(**given: Unpack[Given]) -> int:
    """Run probes on a schedule and export what they find to Prometheus.

    The schedule is probes/schedule.yaml; each probe runs at its own time.

    Metrics are at /metrics, a status page at /, health at /-/healthy and /-/ready; SIGHUP or POST /-/reload reads the
    files again. A bearer token for all of it is taken from SPECWATCH_WEB_TOKEN, or from the file that
    SPECWATCH_WEB_TOKEN_FILE names.

    An address for --notify that is a secret, or has one in its path, belongs into SPECWATCH_NOTIFY_URL, or into the
    file that SPECWATCH_NOTIFY_URL_FILE names, since every user of the machine can see options.

    Runs until Ctrl-C or SIGTERM, then exits with 0. With --for, exits like `check`: 0 when all probes pass, 1 when one
    fails, 3 when one could not be established. Where something could not be written to the state, 3 takes the place
    of 0.
    """
    from specwatch.cli.watch.request import parse
    from specwatch.cli.watch.session import serve

    workspace = chosen_workspace(given["workspace"], quiet=True)
    announce(workspace, as_json=given["log_format"] == "json")
    return serve(parse(given, workspace, Path.cwd()))
