"""Commands that lead on from a run, ready to be pasted: each repeats the options of the run that it depends on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from specwatch.contract.result import RunResult
from specwatch.reports.made import maker
from specwatch.reports.summary import failing, gravest_first
from specwatch.values.claim import Verdict
from specwatch.values.violation import Violation

SANDBOX: Final = "sandbox"
LIVE: Final = "live"
RECORDED: Final = "recorded"
"""What a report of traffic that was recorded elsewhere calls its target."""

LOOKED_AT: Final = 20
"""Of so many requests it is worked out whether a new sandbox can answer them as this one did."""

_BUDGET: Final = "--budget raises it"
_MENDS: Final = (
    (" is not set", "set the variables that are named above, then repeat the command"),
    ("credential of", "give a credential that the target accepts, then repeat the command"),
    ("to our own credential", "give a credential that the target accepts, then repeat the command"),
    ("cannot be reached", "see that the target can be reached from here, then repeat the command"),
    ("balance is used up", "see that the account has a balance, then repeat the command"),
    ("429 to our own account", "wait until the target lets the account in again, then repeat the command"),
    ("asked to be left alone", "wait as long as the target asks for, then repeat the command"),
    ("on the way", "see who answers in the place of the target, then repeat the command"),
    ("--max-cost raises it", "raise --max-cost"),
)
"""Part of a reason to what has to be done about it."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options that a run was given and that do not stand in its result; those that were not given are empty.

    Args:
        workspace: the folder, where it was named.
        limits: what bounds and what judges a run, as typed: `--budget`, `--max-cost`, `--strict`, `--fail-on-unknown`,
            `--baseline`.
        access: what a target that is no sandbox needs, as typed: `--allow`, `--ca`, `--cert`, `--send-credentials`.
        sandbox: what steers the embedded sandbox, as typed: `--fault`, `--worker-seconds`.
        report: the file of the JSON report, where one is written.
        recorded: the files of recorded traffic that were judged, and where it went, as typed.
    """

    workspace: str = ""
    apis: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    sandbox: tuple[str, ...] = ()
    report: str = ""
    recorded: tuple[str, ...] = ()


def next_steps(result: RunResult, options: Options) -> Iterator[tuple[str, str]]:
    """Commands that lead on from here, and what each is good for."""
    verdict = result.verdict
    if verdict is Verdict.PASS and result.target == SANDBOX:
        # What was allowed on a sandbox is not allowed on somebody's system by a paste.
        yield from _findings(result, options)
        yield from _strictly(result, options)
        command = ["check", *_selection(options), "--target", "live", "--profile", "smoke", *options.limits]
        yield _line(command, options), "asks the real services"
    elif verdict is Verdict.PASS:
        yield from _findings(result, options)
        yield from _strictly(result, options)
        yield _line(["check", *_selection(options), *_rest(result, options), "--verbose"], options), "lists every claim"
    elif verdict is Verdict.UNKNOWN:
        yield from _again(result, options)
    else:
        yield from _findings(result, options)


def _strictly(result: RunResult, options: Options) -> Iterator[tuple[str, str]]:
    """The same run where a warning fails, after one that had warnings."""
    if result.warnings and not result.strict:
        command = ["check", *_selection(options), *_rest(result, options, seed=True), "--strict"]
        yield _line(command, options), "the same run, in which a warning fails"


def advice(result: RunResult) -> Iterator[str]:
    """What has to be done, in words, before it is of any use to repeat a run that established nothing, or too much."""
    if result.defects:
        yield f"correct {result.defects[0].where} first, then repeat the command"
    elif result.verdict is Verdict.UNKNOWN and not result.interrupted:
        yield from mends(list(_reasons(result)))


def mends(reasons: Sequence[str]) -> Iterator[str]:
    """What has to be done about reasons for which nothing could be established; nothing for those that say it."""
    yield from dict.fromkeys(words for sign, words in _MENDS if any(sign in reason for reason in reasons))


def _again(result: RunResult, options: Options) -> Iterator[tuple[str, str]]:
    """The same run once more, where it can end in another way: it was interrupted, or its budget can be raised."""
    if result.interrupted:
        yield _line(["check", *_selection(options), *_rest(result, options)], options), "again, to the end"
    elif not list(advice(result)) and any(_BUDGET in reason for reason in _reasons(result)):
        budget = 2 * max(api.requests for api in result.apis)
        raised = replace(options, limits=("--budget", str(budget), *_without_budget(options.limits)))
        yield _line(["check", *_selection(options), *_rest(result, raised)], options), "with a larger budget"


def _reasons(result: RunResult) -> Iterator[str]:
    for api in result.apis:
        yield from api.trouble
        yield from (claim.reason for claim in api.claims if claim.reason)


def _without_budget(limits: tuple[str, ...]) -> tuple[str, ...]:
    if "--budget" not in limits:
        return limits
    at = limits.index("--budget")
    return (*limits[:at], *limits[at + 2 :])


def _findings(result: RunResult, options: Options) -> Iterator[tuple[str, str]]:
    """How to look at what was found: what fails the run, else what warns."""
    violations = failing(result) or tuple(v for api in result.apis for v in gravest_first(api))
    if not violations:
        return
    if options.report and not options.recorded:
        where = replay_target(result, violations[0])
        command = ["replay", f"{options.report}#{violations[0].key}", *where, *_access(result, options)]
        yield _line(command, options), "sends the request of the first one again"
    command = ["check", *_selection(_narrowed(options, result, violations[0])), *_rest(result, options, seed=True)]
    if options.recorded:
        yield _line(command, options), "the first one alone"
        return
    yield _line(command, options), "the first one alone, with fewer requests, so that it may not show"
    yield from _served(result, options, violations)
    command = ["check", *_selection(options), *_rest(result, options, seed=True)]
    yield _line(command, options), "the same run again, with the same requests"


def _served(result: RunResult, options: Options, violations: Sequence[Violation]) -> Iterator[tuple[str, str]]:
    """A sandbox for the curl lines; a new one has nothing of what the run made."""
    sent = list({each.exchange.id: each.exchange for each in violations if each.exchange is not None}.values())
    port = next((urlsplit(exchange.target).port for exchange in sent), None)
    if result.target != SANDBOX or port is None:
        return
    lost = [exchange for exchange in sent[:LOOKED_AT] if maker(exchange, result.exchanges) is not None]
    if len(lost) == len(sent[:LOOKED_AT]):
        return
    command = ["sandbox", "--port", str(port), *_each("--api", options.apis), *options.sandbox]
    works = "on the same port, so that the curl lines above work against it"
    yield _line(command, options), f"{works}, but those that name what the run itself made" if lost else works


def _line(command: list[str], options: Options) -> str:
    workspace = ["--workspace", options.workspace] if options.workspace else []
    return shlex.join(["specwatch", *workspace, *command])


def _rest(result: RunResult, options: Options, *, seed: bool = False) -> Iterator[str]:
    """Target, profile, seed and all options but those that select."""
    if options.recorded:
        yield from (*options.recorded, *options.limits)
        return
    if result.target != SANDBOX:
        yield from ("--target", result.target)
    yield from ("--profile", result.profile)
    if seed:
        yield from ("--seed", str(result.seed))
    yield from (*options.limits, *options.access, *options.sandbox)


def _access(result: RunResult, options: Options) -> Iterator[str]:
    """What a target that is no sandbox needs."""
    if result.target != SANDBOX:
        yield from options.access


def replay_target(result: RunResult, violation: Violation) -> tuple[str, ...]:
    """The option that names where a replay goes: it takes an address from no report, for a report may be edited."""
    exchange = violation.exchange
    target = result.target if result.target != RECORDED else (exchange.target if exchange is not None else "")
    return ("--target", target) if target not in {"", SANDBOX, LIVE} else ()


def _selection(options: Options) -> Iterator[str]:
    yield from _each("--api", options.apis)
    yield from _each("--operation", options.operations)
    yield from _each("--claim", options.claims)


def _narrowed(options: Options, result: RunResult, violation: Violation) -> Options:
    """The selection with one claim left: a run refuses APIs and operations that have none of the claims."""
    api = next(api for api in result.apis if api.id == violation.api)
    own = {operation for claim in api.claims for operation in claim.claim.operations}
    return Options(
        apis=(api.id,) if options.apis else (),
        operations=tuple(operation for operation in options.operations if operation in own),
        claims=(f"{violation.api}/{violation.claim}",),
    )


def _each(option: str, values: tuple[str, ...]) -> Iterator[str]:
    for value in values:
        yield from (option, value)
