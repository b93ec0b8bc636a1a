"""First step of a check: from options to a typed request. Everything that is wrong with them is said at once."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from specwatch.claims import check_expressions
from specwatch.cli.check import baseline
from specwatch.cli.check.recorded import recorded_options, recorded_target, refuse_others
from specwatch.cli.check.request import STDOUT, CheckRequest, Given, SandboxRequest
from specwatch.cli.load import load_apis
from specwatch.cli.names import Complaints, unknown
from specwatch.contract.profile import PROFILES, Profile
from specwatch.contract.run import Selection
from specwatch.errors import Problem
from specwatch.reports.files import check_apart, check_writable
from specwatch.reports.next_steps import Options
from specwatch.reports.render import RENDERERS
from specwatch.spec import Api
from specwatch.transport.environment import read_environment
from specwatch.transport.permission import KINDS
from specwatch.transport.target import Kind, Target, parse_target
from specwatch.values.sandbox import WORKER_SECONDS
from specwatch.workspace import NAMED, Workspace

SANDBOX: Final = Target(Kind.SANDBOX)
_ON_UNKNOWN: Final = "--fail-on-unknown"


def parse(given: Given, workspace: Workspace, folder: Path) -> CheckRequest:
    """Look up and try everything that was given.

    Args:
        given: the options.
        workspace: where names are looked up.
        folder: where `.env` may lie.

    Raises:
        UsageError: with every problem of the options and of the files that they name.
        WorkspaceError: the workspace's own files are wrong.
    """
    complaints = Complaints()
    target = complaints.attempt(lambda: parse_target(given["target"])) or SANDBOX
    profile = _profile(given["profile"], complaints)
    allow = frozenset(_allowed(given["allow"], complaints))
    reports = _reports(given, workspace, folder, complaints)
    if given["dry_run"]:
        complaints.extend(_out_of_place(given))
    elif given["recorded"]:
        refuse_others(given, complaints)
        target = recorded_target(target)
    _try_certificates(given["ca"], given["cert"], complaints)
    apis = load_apis(workspace, given["apis"], complaints)
    if not given["recorded"]:
        complaints.attempt(workspace.require_contracts)
    selection = _selection(given, apis, complaints)
    _check_claims(selection.apis, complaints)
    known = baseline.read(given, workspace, complaints)
    baseline.check_place(given, reports.values(), complaints)
    sandbox = None
    if not given["recorded"]:
        sandbox = _sandbox(given, target, workspace, selection.apis or apis, complaints)
    environment = _environment(target, workspace, folder, complaints)
    complaints.raise_if_any()
    return CheckRequest(
        workspace=workspace,
        selection=selection,
        target=target,
        profile=profile,
        environment=environment,
        budget=given["budget"] or profile.max_requests,
        max_cost=given["max_cost"],
        allow=allow,
        strict=given["strict"],
        fail_on_unknown=given["fail_on_unknown"],
        seed=secrets.randbelow(2**32) if given["seed"] is None else given["seed"],
        ca=given["ca"],
        cert=given["cert"],
        send_credentials=given["send_credentials"],
        recorded=tuple(map(Path, given["recorded"])),
        dry_run=given["dry_run"],
        baseline=known,
        write_baseline=Path(given["write_baseline"]) if given["write_baseline"] else None,
        reports=reports,
        sandbox=sandbox,
        matrix=given["matrix"],
        verbose=given["verbose"],
        options=_options(given, workspace),
    )


def _options(given: Given, workspace: Workspace) -> Options:
    """What was given, as it is typed."""
    return Options(
        workspace=str(workspace.root) if workspace.chosen == NAMED else "",
        apis=given["apis"],
        operations=given["operations"],
        claims=given["claims"],
        limits=tuple(
            _typed(
                given,
                budget="--budget",
                max_cost="--max-cost",
                strict="--strict",
                fail_on_unknown=_ON_UNKNOWN,
                baseline_file="--baseline",
            )
        ),
        access=tuple(_typed(given, allow="--allow", ca="--ca", cert="--cert", send_credentials="--send-credentials")),
        sandbox=tuple(_typed(given, faults="--fault", worker_seconds="--worker-seconds")),
        recorded=recorded_options(given),
        report=given["json_file"] if given["json_file"] not in {None, STDOUT} else "",
    )


def _typed(given: Given, **names: str) -> Iterator[str]:
    """These options with their values; those that were not given are left out."""
    for key, option in names.items():
        value: object = given[key]  # type: ignore[literal-required]
        if value is True:
            yield option
        elif value not in {None, False}:
            for each in value if isinstance(value, tuple) else (value,):
                yield from (option, str(each))


def _profile(name: str, complaints: Complaints) -> Profile:
    if name not in PROFILES:
        complaints.add(unknown(f"--profile {name}", "profile", name, list(PROFILES)))
    return PROFILES.get(name, PROFILES["standard"])


def _allowed(given: Sequence[str], complaints: Complaints) -> Iterator[str]:
    for word in (word.strip() for text in given for word in text.split(",")):
        if word in KINDS:
            yield word
        else:
            complaints.add(unknown(f"--allow {word}", "kind of call", word, KINDS))


def _reports(given: Given, workspace: Workspace, folder: Path, complaints: Complaints) -> Mapping[str, str]:
    named = {kind: given[f"{kind}_file"] for kind in RENDERERS}  # type: ignore[literal-required]
    reports = {kind: path for kind, path in named.items() if path is not None}
    kept = list(_inputs(given, folder))
    for kind, path in reports.items():
        first = next(other for other, same in reports.items() if same == path)
        if first != kind:
            complaints.add(Problem(f"--{kind} {path}", f"--{first} goes there, too", "a place of its own"))
        elif path != STDOUT:
            complaints.attempt(lambda path=path: check_writable(Path(path)))  # type: ignore[misc]
            complaints.attempt(lambda path=path: check_apart(Path(path), kept, workspace))  # type: ignore[misc]
            kept.append((f"--{kind}", Path(path)))
    return reports


def _inputs(given: Given, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that the command reads, by the words for each: none may be replaced by a report."""
    options = {"--from": given["recorded"], "--baseline": (given["baseline_file"],)}
    options |= {"--ca": (given["ca"],), "--cert": (given["cert"],)}
    for option, names in options.items():
        yield from ((option, Path(name)) for name in names if name not in {None, STDOUT})
    yield "credentials", folder / ".env"


def _out_of_place(given: Given) -> Iterator[Problem]:
    """What a dry run has no use for: it finds nothing out that could be written, compared or provoked."""
    values = {f"--{kind}": given[f"{kind}_file"] for kind in RENDERERS if kind != "json"}  # type: ignore[literal-required]
    values |= {"--from": given["recorded"], "--fault": given["faults"], "--worker-seconds": given["worker_seconds"]}
    values |= {"--baseline": given["baseline_file"], "--write-baseline": given["write_baseline"]}
    for option, value in values.items():
        if value not in {None, ()}:
            yield Problem(
                option, "has no meaning with --dry-run", "--json, or a run that is meant", f"leave {option} out"
            )


def _try_certificates(ca: str | None, cert: str | None, complaints: Complaints) -> None:
    """Load the files as the run will, so that a bad one is found before anything is sent."""
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except OSError as error:
            complaints.add(_certificate_problem(f"--ca {ca}", error, "certificate authorities as PEM"))
    if cert is not None:
        try:
            context.load_cert_chain(cert, password=lambda: "")
        except OSError as error:
            expected = "a client certificate and its key, not encrypted, as PEM"
            complaints.add(_certificate_problem(f"--cert {cert}", error, expected))


def _certificate_problem(where: str, error: OSError, expected: str) -> Problem:
    reason = "holds no such thing" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror or error}"
    return Problem(where, reason, expected)


def _selection(given: Given, apis: tuple[Api, ...], complaints: Complaints) -> Selection:
    """The APIs, operations and claims that are asked for; APIs of which nothing is left drop out."""
    operations = [operation.id for api in apis for operation in api.operations]
    for name in given["operations"]:
        if apis and name not in operations:
            complaints.add(unknown(f"--operation {name}", "operation", name, operations, "`specwatch list` shows them"))
    wanted = Selection(apis, given["operations"], given["claims"])
    reachable = [api.claim(claim) for api in apis for claim in Selection(apis, given["operations"]).claim_ids(api)]
    for pattern in given["claims"]:
        if reachable and not any(
            fnmatchcase(claim.full_id, pattern) or fnmatchcase(claim.id, pattern) for claim in reachable
        ):
            hint = "`specwatch list --claims` shows them"
            where = f"--claim {pattern}"
            complaints.add(unknown(where, "claim", pattern, sorted(claim.full_id for claim in reachable), hint))
    left = tuple(api for api in apis if wanted.claim_ids(api))
    for api in apis:
        if api not in left and api.id in given["apis"] and left:
            found = "has none of the operations and claims that are asked for"
            complaints.add(Problem(f"--api {api.id}", found, "an API that has one", "leave it out"))
    return Selection(left, given["operations"], given["claims"])


def _check_claims(apis: Sequence[Api], complaints: Complaints) -> None:
    bad = [api for api in apis if any(check_expressions(api))]
    if bad:
        from specwatch.lint.specs import expression_problems

        complaints.extend(problem for api in bad for problem in expression_problems(api))


def _sandbox(
    given: Given, target: Target, workspace: Workspace, apis: Sequence[Api], complaints: Complaints
) -> SandboxRequest | None:
    if target.kind is not Kind.SANDBOX:
        for option, value in (("--fault", given["faults"]), ("--worker-seconds", given["worker_seconds"])):
            if value not in {None, ()}:
                found = f"steers the embedded sandbox, but the target is {target.name}"
                complaints.add(Problem(option, found, "--target sandbox", "leave one of the two out"))
        return None
    from specwatch.cli.sandbox import check_faults
    from specwatch.sandbox import Catalogue, load_modules

    modules = complaints.attempt(lambda: load_modules(workspace.sandbox, apis))
    if modules is None:
        return None
    if apis:
        check_faults(Catalogue(apis, modules), given["faults"], complaints, list(workspace.spec_files))
    seconds = WORKER_SECONDS if given["worker_seconds"] is None else given["worker_seconds"]
    return SandboxRequest(modules, given["faults"], seconds)


def _environment(target: Target, workspace: Workspace, folder: Path, complaints: Complaints) -> Mapping[str, str]:
    """The variables of the workspace; the embedded sandbox never sees one."""
    if target.kind is Kind.SANDBOX:
        return {}
    return complaints.attempt(lambda: read_environment(workspace.variables, folder)) or {}
