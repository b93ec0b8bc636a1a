"""`specwatch replay`: does what failed in an earlier run still fail?

A replay is a check over one claim, with what the report says about the run and the same safety; only what is sent in it
differs: one request, or what the contract tests need until they find it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from specwatch.cli.options import HELP_NAMES, workspace_option

if TYPE_CHECKING:
    from specwatch.cli.check.request import CheckRequest
    from specwatch.contract.replay import Attempt, Recording, Way
    from specwatch.spec import Api
    from specwatch.values import Violation
    from specwatch.workspace import Workspace

MAX_TIMES: Final = 100
SANDBOX: Final = "sandbox"
LIVE: Final = "live"
RECORDED: Final = "recorded"

_REQUESTS: Final = 3
"""What one try may take at most: a read is sent again where the target asks to slow down."""


@click.command("replay")
@click.argument("what", metavar="FILE[#ID]")
@click.option("--target", metavar="sandbox|live|URL", help="Where requests go.  [default: where the run sent them]")
@click.option(
    "--times",
    metavar="N",
    type=click.IntRange(1, MAX_TIMES),
    default=1,
    show_default=True,
    help="How often it is tried.",
)
@click.option(
    "--how",
    type=click.Choice(["request", "test"]),
    help="Send its request again, or run contract tests.  [default: what can show it]",
)
@click.option(
    "--allow", metavar="create,consume,paid", multiple=True, help="What may be done to a target that is no sandbox."
)
@click.option("--ca", metavar="FILE", help="Certificate authorities to trust, as PEM.")
@click.option("--cert", metavar="FILE", help="Client certificate with its key, as PEM.")
@click.option("--send-credentials", is_flag=True, help="Send your credentials to a URL that is no server of the spec.")
@click.option(
    "--fault", "faults", metavar="NAME", multiple=True, help="A fault of the sandbox.  [default: those of the run]"
)
@workspace_option
def command(what: str, workspace: Path | None, **options: Any) -> int:
    """Send the request of a failure again and say whether it still fails.

    FILE is a report of `specwatch check --json`, or its --har; ID names a violation in it. Without one, what can be
    replayed is listed. Credentials come from the environment, since reports hold none. Exits with 1 when it still
    fails, 0 when it does not, 3 when that cannot be told.
    """
    from specwatch.cli.options import announce, chosen_workspace
    from specwatch.errors import SpecwatchError

    used = chosen_workspace(workspace, quiet=True)
    try:
        file, wanted = _split(what)
        recording = _read(file, used)
        if not wanted:
            return _list(file, recording, used)
        return _replay(_Replay(used, recording, _find(recording, what, wanted), options))
    except SpecwatchError:
        announce(used)
        raise


def _split(what: str) -> tuple[Path, str]:
    """File and id; a `#` may be part of the name of a file that exists."""
    if Path(what).exists() or "#" not in what:
        return Path(what), ""
    file, _, wanted = what.rpartition("#")
    return Path(file), wanted


def _read(file: Path, workspace: Workspace) -> Recording:
    from specwatch.reports.read_back import read_back
    from specwatch.transport.environment import read_environment

    def find(api_id: str) -> Api | None:
        return workspace.api(api_id) if api_id in workspace.spec_files else None

    return read_back(file, find, lambda: read_environment(workspace.variables, Path.cwd()))


def _find(recording: Recording, what: str, wanted: str) -> Violation:
    from specwatch.cli.names import unknown
    from specwatch.errors import UsageError

    for violation in recording.violations:
        if wanted in {violation.id, violation.key}:
            return violation
    known = [violation.key for violation in recording.violations]
    raise UsageError(unknown(what, "violation", wanted, known, "leave #ID out to see what can be replayed"))


def _list(file: Path, recording: Recording, workspace: Workspace) -> int:
    from specwatch.cli.terminal import Terminal
    from specwatch.reports.replayed import print_list

    target, vouched = _place(recording, recording.violations[0], workspace) if recording.violations else ("", True)
    print_list(Terminal(), str(file), recording, _named(workspace), "" if vouched else target)
    return 0


def _named(workspace: Workspace) -> tuple[str, ...]:
    """What a command needs to find the workspace again."""
    from specwatch.workspace import NAMED

    return ("--workspace", str(workspace.root)) if workspace.chosen == NAMED else ()


@dataclass(frozen=True, slots=True)
class _Replay:
    """One violation, and how it was asked to be replayed."""

    workspace: Workspace
    recording: Recording
    violation: Violation
    options: dict[str, Any]

    @property
    def target(self) -> str:
        """Where requests go, as `--target` takes it: where the run sent them, or who recorded its traffic.

        Raises:
            UsageError: the report alone names it. Whoever edits a report would have credentials sent to any address.
        """
        from specwatch.errors import Problem, UsageError

        if self.options["target"]:
            return str(self.options["target"])
        target, vouched = _place(self.recording, self.violation, self.workspace)
        if not vouched:
            mend = f"--target {target} sends it there"
            raise UsageError(Problem(self.violation.key, f"the report was made against {target}", "--target", mend))
        return target

    @property
    def faults(self) -> tuple[str, ...]:
        """What is switched on in the embedded sandbox: what is asked for, else what was on in the run for the API."""
        if self.options["faults"] or self.target != SANDBOX:
            return tuple(self.options["faults"])
        return tuple(name for name in self.recording.faults if name.startswith(f"{self.violation.api}/"))

    def request(self, budget: int | None) -> CheckRequest:
        """The check that the replay is.

        Raises:
            SpecwatchError: the workspace has no such API or claim, or something else that was given cannot be.
        """
        from specwatch.cli.check import command as check
        from specwatch.cli.check.parse import parse

        context = check.make_context("check", list(self._arguments(budget)), help_option_names=list(HELP_NAMES))
        return parse(context.params, self.workspace, Path.cwd())  # type: ignore[arg-type]  # click has checked them

    def _arguments(self, budget: int | None) -> Iterator[str]:
        yield from ("--api", self.violation.api, "--target", self.target)
        yield from ("--claim", _literally(f"{self.violation.api}/{self.violation.claim}"))
        if self.recording.profile:
            yield from ("--profile", self.recording.profile)
        if self.recording.seed is not None:
            yield from ("--seed", str(self.recording.seed))
        if budget is not None:
            yield from ("--budget", str(budget))
        for option, values in (("--fault", self.faults), ("--allow", self.options["allow"])):
            for value in values:
                yield from (option, value)
        for option, value in (("--ca", self.options["ca"]), ("--cert", self.options["cert"])):
            yield from (option, value) if value else ()
        if self.options["send_credentials"]:
            yield "--send-credentials"


def _place(recording: Recording, violation: Violation, workspace: Workspace) -> tuple[str, bool]:
    """Where a request went, as `--target` takes it, and whether more than the report vouches for that."""
    target, exchange = recording.target, violation.exchange
    if target in {SANDBOX, LIVE} or violation.api not in workspace.spec_files:
        return target, target in {SANDBOX, LIVE}
    servers = workspace.api(violation.api).servers
    if target == RECORDED and exchange is not None:
        target = LIVE if exchange.target in servers else exchange.target
    return target, target == LIVE or target in servers


def _literally(name: str) -> str:
    """A pattern that only the name itself matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _replay(replay: _Replay) -> int:
    from specwatch.cli.sandbox import sigterm_as_ctrl_c
    from specwatch.cli.terminal import Terminal
    from specwatch.contract.result import BROKEN, NOTHING, OK
    from specwatch.reports.replayed import Done, print_replay
    from specwatch.values import Verdict

    _check_names(replay)
    way, why = _way(replay)
    with sigterm_as_ctrl_c():
        attempts = tuple(_attempts(replay, way))
    done = Done(
        replay.recording, replay.violation, replay.target, replay.faults, way, why, attempts, _named(replay.workspace)
    )
    print_replay(Terminal(), done)
    return {Verdict.FAIL: BROKEN, Verdict.PASS: OK, Verdict.UNKNOWN: NOTHING}[done.verdict]


def _check_names(replay: _Replay) -> None:
    """Pass where the workspace knows the API and the claim.

    Raises:
        UsageError: it does not, any more.
    """
    from specwatch.cli.names import unknown
    from specwatch.errors import UsageError

    violation, hint = replay.violation, "`specwatch list --claims` shows them"
    ids = list(replay.workspace.spec_files)
    if violation.api not in ids:
        raise UsageError(unknown(violation.key, "API", violation.api, ids, hint))
    claims = [claim.id for claim in replay.workspace.api(violation.api).claims]
    if violation.claim not in claims:
        raise UsageError(unknown(violation.key, "claim", violation.claim, claims, hint))


def _way(replay: _Replay) -> tuple[Way, str]:
    """How it is replayed, and why so.

    Raises:
        UsageError: one request was asked for, which cannot show it.
    """
    from specwatch.contract.replay import Way, way_of
    from specwatch.contract.retries import stands_alone
    from specwatch.errors import Problem, UsageError

    asked, violation = replay.options["how"], replay.violation
    if asked == Way.REQUEST and not stands_alone(violation):
        found = f"no single exchange shows a violation of the kind {violation.kind}"
        raise UsageError(Problem("--how request", found, "--how test", "leave it out"))
    if asked:
        return Way(asked), "as asked for"
    api = replay.workspace.api(violation.api)
    return way_of(violation, api, _known(replay, api), fresh=replay.target == SANDBOX)


def _known(replay: _Replay, api: Api) -> dict[str, str | tuple[str, ...]]:
    from specwatch.transport.environment import read_environment
    from specwatch.transport.target import Kind, known_values, parse_target

    target = parse_target(replay.target)
    sandbox = target.kind is Kind.SANDBOX
    environment = {} if sandbox else read_environment(replay.workspace.variables, Path.cwd())
    return known_values(api, target, environment)


def _attempts(replay: _Replay, way: Way) -> Iterator[Attempt]:
    """Carry it out as often as was asked for; Ctrl-C ends it with what is known so far."""
    from specwatch.contract.replay import Attempt, Way
    from specwatch.values import Verdict

    times = replay.options["times"]
    try:
        yield from _sent(replay, times) if way is Way.REQUEST else _played(replay, times)
    except KeyboardInterrupt:
        yield Attempt(Verdict.UNKNOWN, "the replay was interrupted")


def _sent(replay: _Replay, times: int) -> Iterator[Attempt]:
    from specwatch.cli.check.build import build
    from specwatch.contract.redraft import draft_of
    from specwatch.contract.replay import Attempt, send_again
    from specwatch.errors import CannotTell
    from specwatch.values import Verdict

    request, violation = replay.request(_REQUESTS * times), replay.violation
    exchange_id = violation.exchange.id if violation.exchange is not None else ""
    with build(request, lambda _event, _api: None) as run:
        api = run.apis[violation.api]
        try:
            cut = exchange_id in replay.recording.cut
            draft = draft_of(violation, api.api, cut=cut, trusted=api.is_sandbox)
        except CannotTell as reason:
            yield Attempt(Verdict.UNKNOWN, str(reason), about_request=True)
            return
        with closing(run):
            for _ in range(times):
                yield send_again(run, violation, draft)


def _played(replay: _Replay, times: int) -> Iterator[Attempt]:
    from specwatch.cli.check.build import build
    from specwatch.contract.replay import play_again

    request = replay.request(None)
    for _ in range(times):
        with build(request, lambda _event, _api: None) as run:
            yield play_again(run, replay.workspace.contracts, replay.violation)
