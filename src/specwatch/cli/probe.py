"""`specwatch probe`: one run of a workflow, or of all workflows of an API, now."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click

from specwatch.cli.options import Number, chosen_workspace, workspace_option

if TYPE_CHECKING:
    from specwatch.cli.names import Complaints
    from specwatch.cli.place import Place, Wanted
    from specwatch.probing.configuration import Configuration
    from specwatch.probing.watch import Watch
    from specwatch.schedule import Probe, Probes
    from specwatch.transport.target import Target
    from specwatch.values import Observation
    from specwatch.workspace import Workspace

FORMAT: Final = "specwatch.probe/1"
LONGEST_WORK: Final = 3600.0
STATE: Final = Path(".specwatch") / "probe.sqlite"
"""Where a run by hand on a real target keeps what can be downloaded once only."""


class Given(TypedDict):
    """The options as click hands them over."""

    name: str
    target: str
    allow: tuple[str, ...]
    inputs: tuple[str, ...]
    ca: str | None
    cert: str | None
    resolve: tuple[str, ...]
    send_credentials: bool
    faults: tuple[str, ...]
    worker_seconds: float | None
    as_json: bool
    har_file: str | None
    workspace: Path | None


@dataclass(frozen=True)
class Request:
    """What is to be run."""

    workspace: Workspace
    place: Place
    probes: tuple[Probe, ...]
    configuration: Configuration


@click.command("probe")
@click.argument("name", metavar="WORKFLOW|API")
@click.option("--target", metavar="sandbox|live|URL", default="sandbox", show_default=True, help="Where requests go.")
@click.option(
    "--allow", metavar="create,consume,paid", multiple=True, help="What may be done to a target that is no sandbox."
)
@click.option("--input", "inputs", metavar="NAME=VALUE", multiple=True, help="An input of the workflow; JSON or text.")
@click.option("--ca", metavar="FILE", help="Certificate authorities to trust, as PEM.")
@click.option("--cert", metavar="FILE", help="Client certificate with its key, as PEM.")
@click.option("--resolve", metavar="HOST:PORT:ADDRESS", multiple=True, help="Use this address, as curl does.")
@click.option("--send-credentials", is_flag=True, help="Send your credentials to a URL that is no server of the spec.")
@click.option("--fault", "faults", metavar="NAME", multiple=True, help="Switch a fault of the sandbox on.")
@click.option("--worker-seconds", metavar="N", type=Number(0, LONGEST_WORK), help="How long jobs of the sandbox take.")
@click.option("--json", "as_json", is_flag=True, help=f"Print {FORMAT} instead.")
@click.option("--har", "har_file", metavar="FILE", help="Write every exchange as HAR 1.2, without secrets.")
@workspace_option
def command(**given: Unpack[Given]) -> int:
    """Run a workflow once and show its phases, criteria and claims.

    WORKFLOW is `api/workflow`, the id of a workflow, or that of a probe of the schedule, whose inputs and limits it
    then has. With an API, all its workflows are run.

    Exits with 0 when all goes well, 1 when something is broken or down, 2 on wrong usage or a wrong file, 3 when it
    could not be established.
    """
    workspace = chosen_workspace(given["workspace"])
    request = parse(given, workspace)
    observations: list[Observation] = []
    try:
        asyncio.run(_perform(request, observations, quiet=given["as_json"]))
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
    if given["har_file"]:
        _write_har(Path(given["har_file"]), observations)
    if given["as_json"]:
        click.echo(json.dumps(document(observations), indent=2, ensure_ascii=True))
    return exit_code(observations)


def parse(given: Given, workspace: Workspace) -> Request:
    """Look up what was asked for.

    Raises:
        UsageError: with every problem of the options.
        WorkspaceError: files of the workspace are wrong.
    """
    from specwatch.cli.names import Complaints
    from specwatch.cli.place import environment_folder, parse_place
    from specwatch.probing.configuration import Configuration
    from specwatch.reports.files import check_writable
    from specwatch.schedule import Schedule, apis_of, load_probes
    from specwatch.transport.environment import read_environment

    complaints = Complaints()
    place = parse_place(_wanted(given), os.environ, complaints)
    if given["har_file"]:
        complaints.attempt(lambda: check_writable(Path(given["har_file"] or "")))
    known = complaints.attempt(lambda: load_probes(workspace))
    chosen = tuple(_choose(given["name"], known, complaints)) if known is not None else ()
    allow, inputs = _allowed(given, complaints), dict(_inputs(given, complaints))
    environment = {}
    if not place.is_sandbox:
        environment = complaints.attempt(lambda: read_environment(workspace.variables, environment_folder())) or {}
    probes = tuple(replace(p, allow=p.allow | allow, inputs={**p.inputs, **inputs}, enabled=True) for p in chosen)
    _check_inputs(probes, inputs, complaints)
    complaints.raise_if_any()
    apis = {api.id: api for probe in probes for api in apis_of(probe.workflow)}
    schedule = Schedule(workspace.root, len(probes), probes)
    return Request(workspace, place, probes, Configuration(apis, schedule, environment))


def _wanted(given: Given) -> Wanted:
    from specwatch.cli.place import Wanted

    return Wanted(
        given["target"],
        given["ca"],
        given["cert"],
        given["resolve"],
        given["send_credentials"],
        given["faults"],
        given["worker_seconds"],
    )


def _choose(name: str, known: Probes, complaints: Complaints) -> Iterator[Probe]:
    """The probes that a name stands for: one of the schedule, a workflow, or all workflows of an API."""
    from specwatch.cli.names import unknown

    scheduled = known.schedule.probes if known.schedule is not None else ()
    found = [probe for probe in scheduled if probe.id == name]
    workflows = [(api, id_) for api, document in known.documents.items() for id_ in document.workflows]
    if not found:
        wanted = [pair for pair in workflows if name in {pair[0], pair[1], "/".join(pair)}]
        found = [_as_probe(api, id_, known) for api, id_ in wanted]
    if not found:
        names = [probe.id for probe in scheduled] + ["/".join(pair) for pair in workflows] + list(known.documents)
        hint = "`specwatch list` shows the workflows"
        complaints.add(unknown(f"specwatch probe {name}", "workflow, probe or API", name, names, hint))
    yield from found


def _as_probe(api: str, workflow: str, known: Probes) -> Probe:
    """A workflow as the schedule has it, or with the usual limits where it has none."""
    from specwatch.schedule import Probe

    found = known.documents[api].workflow(workflow)
    for probe in known.schedule.probes if known.schedule is not None else ():
        if probe.workflow is found:
            return replace(probe, id=workflow)
    return Probe(workflow, api, found, deadline=120.0)


def _allowed(given: Given, complaints: Complaints) -> frozenset[str]:
    from specwatch.cli.names import unknown
    from specwatch.transport.permission import KINDS

    words = [word.strip() for text in given["allow"] for word in text.split(",")]
    for word in words:
        if word not in KINDS:
            complaints.add(unknown(f"--allow {word}", "kind of call", word, KINDS))
    return frozenset(words)


def _inputs(given: Given, complaints: Complaints) -> Iterator[tuple[str, object]]:
    """The inputs that were given; a value that is no JSON is a text."""
    from specwatch.errors import Problem

    for text in given["inputs"]:
        name, equals, value = text.partition("=")
        if not equals or not name:
            complaints.add(Problem(f"--input {text}", "names no value", "NAME=VALUE"))
            continue
        try:
            yield name, json.loads(value)
        except ValueError:
            yield name, value


def _check_inputs(probes: Sequence[Probe], inputs: Mapping[str, object], complaints: Complaints) -> None:
    from specwatch.cli.names import unknown

    names = sorted({name for probe in probes for name in probe.workflow.input_names})
    for name in inputs:
        if probes and name not in names:
            complaints.add(unknown(f"--input {name}", "input", name, names))


async def _perform(request: Request, observations: list[Observation], *, quiet: bool) -> None:
    from specwatch.cli.place import reached

    with reached(request.place, request.workspace, list(request.configuration.apis.values())) as target:
        await _run_all(request, target, observations, quiet=quiet)


async def _run_all(request: Request, target: Target, observations: list[Observation], *, quiet: bool) -> None:
    from specwatch.cli.place import prepared_state
    from specwatch.cli.terminal import Terminal
    from specwatch.probing.configuration import Options, proxy_secrets
    from specwatch.probing.watch import Machinery, Watch
    from specwatch.reports.screen import Screen
    from specwatch.reports.waterfall import print_legend, print_observation
    from specwatch.state import SqliteStore
    from specwatch.transport.clock import LoopClock

    def trouble(operation: str, message: str) -> None:
        click.echo(f"state {operation}: {message}", err=True)

    clock = LoopClock()
    path = STATE if not request.place.is_sandbox and any(map(_keeps, request.probes)) else None
    store = SqliteStore(prepared_state(path), clock, trouble)
    secrets = proxy_secrets(request.place.network)
    options = Options(target, send_credentials=request.place.send_credentials, secrets=secrets)
    machinery = Machinery(request.place.wire, store, clock, lambda: request.configuration)
    watch = Watch(request.configuration, options, machinery)
    await watch.start()
    screen = Screen(Terminal(stderr=quiet))

    def show(observation: Observation) -> None:
        observations.append(observation)
        if not quiet:
            print_observation(screen, observation)

    click.echo(f"target: {target.name}", err=True)
    try:
        await _finish_jobs(watch, request, show)
        for probe in request.probes:
            observation = await watch.run_by_hand(probe)
            show(_as_option(observation, watch.why_off(probe.id)))
            for archive in await store.archives(observation.id) if path is not None else ():
                click.echo(f"kept: {archive.path}", err=True)
        if not quiet:
            print_legend(screen)
    finally:
        await watch.close()


def _as_option(observation: Observation, why_off: str) -> Observation:
    """A run that was not allowed names the option that allows it, instead of the key of the schedule."""
    kinds = why_off.partition("[")[2].partition("]")[0].replace(" ", "")
    return replace(observation, message=f"needs --allow {kinds}") if kinds else observation


async def _finish_jobs(watch: Watch, request: Request, show: Callable[[Observation], None]) -> None:
    """Go on with what an interrupted call left half done; jobs of other probes and targets are only named."""
    from specwatch.probing.jobs import resumable, unresumable

    for job in watch.jobs():
        if resumable(job, request.configuration, watch.options) is None:
            told = unresumable(job, request.configuration, job.started_at)
            click.echo(f"{STATE}: {told.message}", err=True)
        else:
            show(await watch.resume(job))


def _keeps(probe: Probe) -> bool:
    from specwatch.probing.jobs import has_job

    return has_job(probe)


def document(observations: Sequence[Observation]) -> dict[str, object]:
    """The observations as a JSON document."""
    from specwatch.state import to_json

    return {"schema": FORMAT, "verdict": verdict(observations), "runs": [to_json(each) for each in observations]}


def verdict(observations: Sequence[Observation]) -> str:
    """Fail if any run failed, unknown if any could not be established or none was made, else pass."""
    verdicts = {observation.verdict.value for observation in observations} or {"unknown"}
    return next((each for each in ("fail", "unknown") if each in verdicts), "pass")


def exit_code(observations: Sequence[Observation]) -> int:
    """As for `check`: 0 pass, 1 fail, 3 unknown."""
    from specwatch.contract.result import BROKEN, NOTHING, OK

    if not observations:
        return NOTHING
    return {"pass": OK, "fail": BROKEN, "unknown": NOTHING}[verdict(observations)]


def _write_har(path: Path, observations: Sequence[Observation]) -> None:
    from specwatch.reports.files import write_json
    from specwatch.reports.har import to_har

    exchanges = [sent.exchange for each in observations for sent in each.sent if sent.exchange is not None]
    write_json(path, to_har(exchanges))
