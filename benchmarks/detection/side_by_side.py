"""Stock Schemathesis and specwatch beside each other: the same specs, the same faults, the same server, in one go.

    python -m benchmarks.detection.side_by_side [--api ID] [--kind KIND] [--every N] [--jobs N] [--json FILE]

The faults are those of `kinds.yaml`, by kind of drift. Both tools are started as a user starts them, against a URL at
which the sandbox serves one API with one fault; neither is told that it is a sandbox. A fault is caught when the tool
reports something that it does not report of the honest server. Requests are counted by the server; times are of whole
processes, on a machine that does nothing else while they are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from specwatch.sandbox import EmbeddedSandbox, SandboxApi, SandboxSettings, load_modules
from specwatch.spec import Api
from specwatch.values.sandbox import sandbox_value
from specwatch.workspace import Workspace, find_workspace

KINDS = Path(__file__).with_name("kinds.yaml")
VARIATIONS = "variations"
RUN_SECONDS = 180.0
SEED = "1"
EXAMPLES = "50"
ROUNDS = 3
"""How often the wall time is taken; the median counts."""


@dataclass(frozen=True)
class Finding:
    """What one tool said about one API with one fault.

    Args:
        found: names of what it complained about.
        requests: how many the server got.
        trouble: why the tool came to no verdict; empty when it did.
    """

    found: frozenset[str]
    requests: int
    trouble: str = ""


@dataclass(frozen=True)
class Row:
    """One fault, and whether each tool caught it."""

    kind: str
    fault: str
    caught: Mapping[str, bool]
    trouble: Mapping[str, str]


Report = Callable[[Path], frozenset[str]]


@dataclass(frozen=True)
class Tool:
    """A tool under comparison.

    Args:
        command: from an API, the URL and the file for its report, the command line.
        read: what it complained about, from that file.
        codes: exit codes with which it ends after a whole run.
    """

    name: str
    command: Callable[[Api, str, Path], list[str]]
    read: Report
    codes: frozenset[int]


def schemathesis_command(api: Api, url: str, report: Path) -> list[str]:
    """`st run` with every check and phase, 50 examples, our credentials, a limit on time, and documented refusals."""
    headers = [
        argument
        for scheme in api.schemes.values()
        for argument in ("--header", f"{scheme.header}: {scheme.prefix}{sandbox_value('account')}")
    ]
    settings = report.with_suffix(".toml")
    settings.write_text(_schemathesis_settings(api), encoding="utf-8")
    program = [str(Path(sys.executable).with_name("st")), "--config-file", str(settings), "run", str(api.path)]
    slow = f"{api.objective_seconds:g}"  # what specwatch takes for slow, too
    limits = ["--max-examples", EXAMPLES, "--max-response-time", slow, "--seed", SEED]
    rest = ["--continue-on-failure", "--no-shrink", "--checks", "all", "--mode", "all"]
    return [*program, "--url", url, *headers, *limits, *rest, "--report", "json", "--report-json-path", str(report)]


def _schemathesis_settings(api: Api) -> str:
    """Which refusals of good data the document allows, so that the tool does not complain about the honest server."""
    documented = {status for operation in api.operations for status in operation.responses if status.isdigit()}
    allowed = sorted({"2xx", "3xx", "401", "403", "404", "409", "429", "5xx"} | {s for s in documented if s > "399"})
    return f"[checks]\npositive_data_acceptance.expected-statuses = {json.dumps(allowed)}\n"


def schemathesis_report(path: Path) -> frozenset[str]:
    """Kind of failure and operation of each."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(
        f"{failure['type']} {operation}" for failure in document["failures"] for operation in failure["operations"]
    ) | frozenset(f"error {error.get('title', '')}" for error in document["errors"])


def specwatch_command(api: Api, url: str, report: Path) -> list[str]:
    """`specwatch check` at `standard`, with everything allowed."""
    program = [sys.executable, "-m", "specwatch", "--workspace", str(api.path.parent.parent), "check", "--api", api.id]
    return [*program, "--target", url, "--allow", "create,consume,paid", "--seed", SEED, "--json", str(report)]


def specwatch_report(path: Path) -> frozenset[str]:
    """The broken claims."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(f"{v['claim']}" for api in document["apis"] for v in api["violations"])


TOOLS = (
    Tool("Schemathesis", schemathesis_command, schemathesis_report, frozenset({0, 1})),
    Tool("specwatch", specwatch_command, specwatch_report, frozenset({0, 1, 3})),
)


def environment_of(apis: Sequence[Api]) -> dict[str, str]:
    """The variables with all credentials that the sandbox knows, those in a documented state among them."""
    variables = dict(os.environ)
    for api in apis:
        for scheme in api.schemes.values():
            for role, names in scheme.variables_by_role.items():
                variables |= {name: sandbox_value(role) for name in names[:1]}
    return variables


@dataclass(frozen=True)
class Bench:
    """The APIs, and where runs leave their files."""

    apis: Mapping[str, Api]
    modules: Mapping[str, SandboxApi]
    folder: Path

    def run(self, tool: Tool, api: Api, faults: tuple[str, ...]) -> Finding:
        """Let a tool judge an API with these faults."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        report = folder / "report.json"
        with EmbeddedSandbox([api], self.modules, SandboxSettings(faults=faults)) as sandbox:
            command = tool.command(api, sandbox.url, report)
            try:
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment_of([api]),
                    capture_output=True,
                    timeout=RUN_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Finding(frozenset(), _total(sandbox), f"not done in {RUN_SECONDS:g} s")
            if done.returncode not in tool.codes or not report.is_file():
                told = (done.stderr or done.stdout).decode(errors="replace").strip()[-300:]
                return Finding(frozenset(), _total(sandbox), f"exit code {done.returncode}: {told}")
            return Finding(tool.read(report), _total(sandbox))

    def seconds(self, tool: Tool) -> float:
        """Wall time of a tool over all honest APIs, one after the other."""
        total = 0.0
        for api in self.apis.values():
            started = time.perf_counter()
            self.run(tool, api, ())
            total += time.perf_counter() - started
        return total


def _total(sandbox: EmbeddedSandbox) -> int:
    return sum(sandbox.app_state.requests().values())


def chosen(apis: Mapping[str, Api], only: Sequence[str], every: int) -> Iterator[tuple[str, str]]:
    """Kind and name of each fault to try."""
    document = yaml.safe_load(KINDS.read_text(encoding="utf-8"))
    kinds: Mapping[str, Sequence[str]] = {**document["faults"], VARIATIONS: document["variations"]}
    for kind, faults in ((kind, faults) for kind, faults in kinds.items() if not only or kind in only):
        yield from ((kind, fault) for fault in [f for f in faults if f.partition("/")[0] in apis][::every])


def compare(bench: Bench, honest: Mapping[tuple[str, str], Finding], kind: str, fault: str) -> Row:
    """Whether each tool says something about the fault that it does not say of the honest server."""
    api = bench.apis[fault.partition("/")[0]]
    findings = {tool.name: bench.run(tool, api, (fault,)) for tool in TOOLS}
    caught = {name: bool(finding.found - honest[name, api.id].found) for name, finding in findings.items()}
    return Row(kind, fault, caught, {name: finding.trouble for name, finding in findings.items() if finding.trouble})


def table(rows: Sequence[Row], honest: Mapping[tuple[str, str], Finding], seconds: Mapping[str, float]) -> str:
    """The comparison as a table in Markdown."""
    names = [tool.name for tool in TOOLS]
    faults = [row for row in rows if row.kind != VARIATIONS]
    variations = [row for row in rows if row.kind == VARIATIONS]
    lines = [f"| kind of drift | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for kind in dict.fromkeys(row.kind for row in faults):
        group = [row for row in faults if row.kind == kind]
        lines += [_line(kind, [_share(group, name) for name in names])]
    lines.append(_line("**all**", [f"**{_share(faults, name)}**" for name in names]))
    lines.append(_line("false alarms on harmless variations", [_share(variations, name) for name in names]))
    for title, figure in (
        ("complaints about the honest server", lambda finding: len(finding.found)),
        ("requests for all APIs, honest", lambda finding: finding.requests),
    ):
        totals = [sum(figure(finding) for (tool, _), finding in honest.items() if tool == name) for name in names]
        lines.append(_line(title, map(str, totals)))
    lines.append(_line("seconds for all APIs, honest", [f"{seconds[name]:.1f}" for name in names]))
    return "\n".join(lines)


def _line(title: str, cells: Iterator[str] | Sequence[str] | map[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"


def _share(rows: Sequence[Row], name: str) -> str:
    return f"{sum(row.caught[name] for row in rows)}/{len(rows)}"


def _bench(folder: Path, workspace: Workspace, ids: Sequence[str]) -> Bench:
    apis = workspace.apis(ids)
    return Bench({api.id: api for api in apis}, load_modules(workspace.sandbox, apis), folder)


def _told(rows: Iterator[Row], total: int) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        print(f"{number}/{total} {row.fault} {dict(row.caught)}", file=sys.stderr, flush=True)
        yield row


def main() -> int:
    """Run, print the table, and what specwatch missed; fails where a tool came to no verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", action="append", default=[], help="only this API; may be given again")
    parser.add_argument("--kind", action="append", default=[], help="only this kind of drift; may be given again")
    parser.add_argument("--every", type=int, default=1, help="take only each N-th fault of a kind")
    parser.add_argument(
        "--jobs", type=int, default=2 * (os.cpu_count() or 1), help="at a time; most of a run is waiting"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often the wall time is taken")
    parser.add_argument("--json", type=Path, help="write every row")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        bench = _bench(Path(folder), find_workspace(None, Path(__file__)), options.api)
        rounds = [{tool.name: bench.seconds(tool) for tool in TOOLS} for _ in range(options.rounds)]
        seconds = {tool.name: statistics.median(each[tool.name] for each in rounds) for tool in TOOLS}
        honest = {(tool.name, api.id): bench.run(tool, api, ()) for tool in TOOLS for api in bench.apis.values()}
        names = list(chosen(bench.apis, options.kind, options.every))
        with ThreadPoolExecutor(options.jobs) as pool:
            futures = [pool.submit(compare, bench, honest, kind, fault) for kind, fault in names]
            rows = list(_told((future.result() for future in futures), len(futures)))
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(rows, honest, seconds))
    ratio = seconds["specwatch"] / seconds["Schemathesis"]
    print(f"\nspecwatch takes {ratio:.2f} times the wall time of Schemathesis (median of {options.rounds} rounds).")
    _print_rest(rows, honest)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 1 if any(row.trouble for row in rows) else 0


def _print_rest(rows: Sequence[Row], honest: Mapping[tuple[str, str], Finding]) -> None:
    for row in rows:
        if row.kind != VARIATIONS and not row.caught["specwatch"]:
            print(f"missed by specwatch: {row.fault} ({row.kind})")
        if row.kind == VARIATIONS and any(row.caught.values()):
            print(f"false alarm: {row.fault} by {', '.join(name for name, caught in row.caught.items() if caught)}")
        for name, trouble in row.trouble.items():
            print(f"no verdict: {name} on {row.fault}: {trouble}")
    for (name, api), finding in honest.items():
        for complaint in sorted(finding.found):
            print(f"about the honest server: {name} on {api}: {complaint}")


if __name__ == "__main__":
    sys.exit(main())
