"""The options of `specwatch check`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Unpack

import click

from specwatch.cli.check.request import Given
from specwatch.cli.options import Number, api_option, workspace_option

LARGEST_SEED: Final = 2**32 - 1
LONGEST_WORK: Final = 3600.0
REPORT: Final = "FILE"


@click.command("check")
@api_option
@click.option(
    "--operation", "operations", metavar="ID", multiple=True, help="Only this operationId; may be given again."
)
@click.option(
    "--claim", "claims", metavar="GLOB", multiple=True, help="Only claims whose id matches, such as '*/one-shot-*'."
)
@click.option("--target", metavar="sandbox|live|URL", default="sandbox", show_default=True, help="Where requests go.")
@click.option(
    "--profile", metavar="smoke|standard|deep", default="standard", show_default=True, help="How much to ask."
)
@click.option("--budget", metavar="N", type=click.IntRange(min=1), help="Requests per API.  [default: the profile's]")
@click.option(
    "--max-cost", metavar="N", type=Number(min=0), help="Cost per API, in units of x-cost.  [default: no limit]"
)
@click.option(
    "--allow", metavar="create,consume,paid", multiple=True, help="What may be done to a target that is no sandbox."
)
@click.option("--strict", is_flag=True, help="A broken inference fails the run, too.")
@click.option("--fail-on-unknown", is_flag=True, help="Exit with 3 when any claim is unknown.")
@click.option("--seed", metavar="N", type=click.IntRange(0, LARGEST_SEED), help="Repeats a run's random choices.")
@click.option("--ca", metavar="FILE", help="Certificate authorities to trust, as PEM.")
@click.option("--cert", metavar="FILE", help="Client certificate with its key, as PEM.")
@click.option("--send-credentials", is_flag=True, help="Send your credentials to a URL that is no server of the spec.")
@click.option("--from", "recorded", metavar=REPORT, multiple=True, help="Judge recorded traffic and send nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and what would stay unknown.")
@click.option("--baseline", "baseline_file", metavar=REPORT, help="Accept the violations that are listed there.")
@click.option("--write-baseline", metavar=REPORT, help="List this run's violations, so that a baseline can be made.")
@click.option("--html", "html_file", metavar=REPORT, help="Write a page; - is stdout, as for the next five.")
@click.option("--markdown", "markdown_file", metavar=REPORT, help="Write a summary for a pull request.")
@click.option("--json", "json_file", metavar=REPORT, help="Write specwatch.check/1.")
@click.option("--junit", "junit_file", metavar=REPORT, help="Write JUnit XML.")
@click.option("--sarif", "sarif_file", metavar=REPORT, help="Write SARIF 2.1.0, at the lines of the specs.")
@click.option("--har", "har_file", metavar=REPORT, help="Write every exchange as HAR 1.2, without secrets.")
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Switch a fault of the sandbox on.")
@click.option("--worker-seconds", metavar="N", type=Number(0, LONGEST_WORK), help="How long jobs of the sandbox take.")
@click.option("--matrix", is_flag=True, help="Show which documented answers were seen.")
@click.option("--verbose", is_flag=True, help="Show every claim; with --dry-run, name all that would stay unknown.")
@workspace_option
def command(**given: Unpack[Given]) -> int:
    """Check APIs against their documentation, claim by claim.

    Exits with 0 when all promises hold, 1 when one is broken, 2 on wrong usage or a wrong file, 3 when nothing could be
    established for a selected API.
    """
    from specwatch.cli.check.execute import execute
    from specwatch.cli.check.parse import parse
    from specwatch.cli.options import announce, chosen_workspace
    from specwatch.errors import SpecwatchError

    workspace = chosen_workspace(given["workspace"], quiet=True)  # the header of the run names it
    try:
        request = parse(given, workspace, Path.cwd())
    except SpecwatchError:
        announce(workspace)
        raise
    if request.dry_run:
        from specwatch.cli.check.rehearse import rehearse

        return rehearse(request)
    return execute(request)
