"""Baselines: read and checked before a run, laid beside its result after it, and written from what it found.

The file is YAML in the form of `baseline.schema.json` beside this module.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from specwatch.contract.ledger import ClaimResult, verdict_over
from specwatch.contract.profile import PROFILES
from specwatch.contract.result import ApiResult, RunResult
from specwatch.errors import Problem, WorkspaceError
from specwatch.spec import Source
from specwatch.spec.form import Form
from specwatch.spec.model import Api
from specwatch.values.baseline import Acceptance, Baseline, Comparison
from specwatch.values.claim import Level, Verdict
from specwatch.values.violation import Violation

if TYPE_CHECKING:
    from ruamel.yaml import YAML

SCHEMA: Final = "specwatch.baseline/1"
FORM: Final = Form(Path(__file__).with_name("baseline.schema.json"))
LONGEST_DAYS: Final = 366
"""An acceptance that lasts longer is worth a warning: nobody will look at it again."""

_MENDS: Final = {"reason": "write why it is accepted", "until": "write the last day on which it is accepted"}
_NEW: Final = f"""\
# Violations that are accepted for a while: `specwatch check --baseline FILE`.
# Write into each entry why it is accepted, and the last day on which it is.
schema: {SCHEMA}
accepted: []
"""
PROFILE, SELECTION, TRAFFIC = "profile", "selection", "traffic"
"""What may keep a run from sending what shows a violation."""

RECORDED: Final = "recorded"
"""What a run of recorded traffic names as its target."""

_COMMENT: Final = 160
"""How much of a violation's message stands above its entry."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A baseline that was read, and what is odd about it though not wrong."""

    baseline: Baseline
    warnings: tuple[str, ...] = ()


def load_baseline(path: Path, ids: Collection[str], find: Callable[[str], Api | None], today: date) -> Loaded:
    """Read a baseline and look its names up.

    Args:
        path: the file.
        ids: ids of all APIs that there are.
        find: one of them with its claims; None where its spec cannot be loaded, so that nothing can be said.
        today: in UTC.

    Raises:
        WorkspaceError: with every problem of the file, each with its line.
    """
    source = Source.read(path)
    content = source.mapping()
    wrong = [(way, _mended(way, problem)) for way, problem in FORM.problems(source, content)]
    bad = {way[1] for way, _ in wrong if way[:1] == ("accepted",) and len(way) > 1}
    problems = [problem for _, problem in wrong]
    listed: Any = content.get("accepted")
    entries = {str(index): item for index, item in enumerate(listed if isinstance(listed, list) else ())}
    reader = _Reader(source, ids, find, today)
    for index, item in entries.items():
        if index not in bad and isinstance(item, dict):
            reader.read(index, item)
    problems += reader.problems
    if problems:
        raise WorkspaceError(*sorted(problems, key=_line))
    return Loaded(Baseline(reader.acceptances), tuple(reader.warnings))


def _mended(way: tuple[str, ...], problem: Problem) -> Problem:
    mend = _MENDS.get(way[-1]) if way else None
    return replace(problem, mend=mend) if mend is not None and problem.found.startswith("accepted.") else problem


def _line(problem: Problem) -> int:
    line = problem.where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


class _Reader:
    """Turns entries of the right form into acceptances, and gathers what is wrong or odd about them."""

    def __init__(self, source: Source, ids: Collection[str], find: Callable[[str], Api | None], today: date) -> None:
        self.acceptances: dict[str, Acceptance] = {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self._source = source
        self._ids = ids
        self._find = find
        self._today = today

    def read(self, index: str, item: Mapping[str, str]) -> None:
        """Add one entry."""
        try:
            until = date.fromisoformat(item["until"])
        except ValueError:
            where = self._source.place("accepted", index, "until")
            self.problems.append(Problem(where, f"until is {item['until']}", "a day such as 2030-01-31"))
            return
        where = self._source.place("accepted", index)
        profile = item.get("profile", "")
        acceptance = Acceptance(item["violation"], item["claim"], item["reason"].strip(), until, where, profile)
        found = [*self._duplicates(acceptance), *self._unknown(index, acceptance)]
        self.problems += found
        if not found:
            self.acceptances[acceptance.violation] = acceptance
            self.warnings += self._odd(index, acceptance)

    def _duplicates(self, acceptance: Acceptance) -> Iterator[Problem]:
        first = self.acceptances.get(acceptance.violation)
        if first is not None:
            line = first.where.rpartition(":")[2]
            found = f"{acceptance.violation} is listed in line {line} already"
            yield Problem(acceptance.where, found, "one entry per violation", "remove one of the two")

    def _unknown(self, index: str, acceptance: Acceptance) -> Iterator[Problem]:
        api_id = acceptance.api
        claim_api, _, claim = acceptance.claim.partition("/")
        where = self._source.place("accepted", index, "claim")
        if api_id not in self._ids:
            place = self._source.place("accepted", index, "violation")
            yield _no_such(place, "API", api_id, sorted(self._ids))
        elif claim_api != api_id:
            found = f"the claim {acceptance.claim} is not of {api_id}, whose violation it is"
            yield Problem(where, found, f"{api_id}/<claim>", "copy both from the report")
        else:
            api = self._find(api_id)
            known = [each.id for each in api.claims] if api is not None else [claim]
            if claim not in known:
                yield _no_such(where, "claim", acceptance.claim, [f"{api_id}/{each}" for each in known])

    def _odd(self, index: str, acceptance: Acceptance) -> Iterator[str]:
        days = acceptance.days_left(self._today)
        if days > LONGEST_DAYS:
            where = self._source.place("accepted", index, "until")
            yield f"{where}: until {acceptance.until} is {days:,} days ahead; a nearer day makes somebody look again"


def _no_such(where: str, noun: str, given: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]}?" if near else "remove the entry"
    hint = "`specwatch list --claims`" if noun == "claim" else "`specwatch list`"
    return Problem(where, f"no spec has the {noun} {given}", f"one that {hint} shows", mend)


def today_of(result: RunResult) -> date:
    """The day, in UTC, on which a run began: acceptances are judged by it."""
    return datetime.fromtimestamp(result.started_at, UTC).date()


def applied(result: RunResult, baseline: Baseline, *, narrowed: bool = False) -> RunResult:
    """The run beside a baseline: verdicts without what is accepted; a strict run fails for what is gone, too.

    Args:
        result: the run.
        baseline: the baseline.
        narrowed: whether the run was about some operations or claims only, so that it sent less than usual.
    """
    comparison = compare(result, baseline, narrowed=narrowed)
    apis = tuple(_applied(api, result, comparison) for api in result.apis)
    return replace(result, apis=apis, baseline=comparison)


def compare(result: RunResult, baseline: Baseline, *, narrowed: bool = False) -> Comparison:
    """What of a baseline a run found, what it did not, and what it could not look at.

    Entries of APIs and claims that the run was not about are left out. Only what a run of the same or a larger profile
    did not find is gone, since a smaller one need not send what shows it; see `applied` for the arguments.
    """
    today = today_of(result)
    scope = TRAFFIC if result.target == RECORDED else SELECTION if narrowed else PROFILE
    found = {violation.key for api in result.apis for violation in api.violations}
    verdicts = {claim.claim.full_id: claim.verdict for api in result.apis for claim in api.claims}
    accepted: dict[str, Acceptance] = {}
    expired: dict[str, Acceptance] = {}
    missing: dict[str, list[Acceptance]] = {"gone": [], "unchecked": [], "unseen": []}
    for key, acceptance in baseline.acceptances.items():
        verdict = verdicts.get(acceptance.claim)
        if key in found:
            (accepted if acceptance.days_left(today) >= 0 else expired)[key] = acceptance
        elif verdict is not None:
            unchecked = result.interrupted or verdict is Verdict.UNKNOWN
            looked = scope == PROFILE and _reaches(result.profile, acceptance.profile)
            missing["unchecked" if unchecked else "gone" if looked else "unseen"].append(acceptance)
    gone, unchecked_, unseen = map(tuple, missing.values())
    return Comparison(accepted, expired, gone, unchecked_, unseen, scope)


def _reaches(profile: str, found_by: str) -> bool:
    """Whether a profile sends as much as the one that found something, which is a large one where nobody knows."""
    sizes = {name: each.max_requests for name, each in PROFILES.items()}
    return sizes.get(profile, 0) >= sizes.get(found_by, sizes["standard"])


def _applied(api: ApiResult, result: RunResult, comparison: Comparison) -> ApiResult:
    claims = tuple(_weighed(claim, api.violations, comparison.accepted) for claim in api.claims)
    is_gone = result.strict and any(acceptance.api == api.id for acceptance in comparison.gone)
    verdict = verdict_over(claims, established=api.established, strict=result.strict)
    return replace(api, claims=claims, verdict=Verdict.FAIL if is_gone else verdict)


def _weighed(claim: ClaimResult, violations: Sequence[Violation], accepted: Collection[str]) -> ClaimResult:
    """A claim as what is not accepted leaves it: accepted as a whole, or as grave as the gravest that is left."""
    own = [violation for violation in violations if violation.claim == claim.claim.id]
    left = [violation for violation in own if violation.key not in accepted]
    if len(left) == len(own):
        return claim
    if not left:
        return replace(claim, accepted=True)
    is_grave = any(violation.level is Level.PROMISE for violation in left)
    return replace(claim, breach=Level.PROMISE if is_grave else Level.INFERENCE)


def check_extensible(path: Path) -> None:
    """Pass where a run's violations can be added to what lies at the path, which may be nothing.

    Raises:
        WorkspaceError: what lies there is no baseline. Empty reasons are no reason to refuse it.
    """
    if path.exists() and path.stat().st_size:
        source = Source.read(path)
        content = source.mapping()
        problems = [
            problem
            for way, problem in FORM.problems(source, content)
            if way[-1:] not in {("reason",), ("until",)}  # they are what somebody is about to fill in
        ]
        if problems:
            raise WorkspaceError(*problems)


def listed(result: RunResult, existing: str = "") -> str:
    """The text of a baseline with every violation of a run.

    Args:
        result: the run.
        existing: text of a baseline that is kept as it is, comments included; what it lists is not listed again. New
            entries have an empty reason and no last day, so that somebody has to write both.
    """
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    empty = DoubleQuotedScalarString("")
    yaml = _yaml()
    document = yaml.load(existing if existing.strip() else _NEW)
    entries = document["accepted"]
    known = {entry.get("violation") for entry in entries}
    new = [v for api in result.apis for v in api.violations if v.key not in known]
    profile = {} if result.target == RECORDED else {"profile": result.profile}
    if not entries and new:
        document["accepted"] = entries = CommentedSeq()
    yaml.indent(mapping=2, sequence=_offset(entries) + 2, offset=_offset(entries))
    for violation in sorted(new, key=lambda each: (each.api, each.claim, each.id)):
        claim = f"{violation.api}/{violation.claim}"
        entries.append(CommentedMap(violation=violation.key, claim=claim, **profile, reason=empty, until=empty))
        entries.yaml_set_comment_before_after_key(len(entries) - 1, _comment(violation), indent=_offset(entries))
    return _dumped(yaml, document)


def number_listed(text: str) -> int:
    """How many entries the text of a baseline has; 0 for no text."""
    return len(_yaml().load(text)["accepted"]) if text.strip() else 0


def _yaml() -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # lines stay as long as somebody wrote them
    return yaml


def _dumped(yaml: YAML, document: object) -> str:
    from io import StringIO

    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _offset(entries: Any) -> int:
    """How far the entries of a list are indented; that of a new one is two."""
    return int(entries.lc.col) if len(entries) and entries.lc.col is not None and entries.lc.data else 2


def _comment(violation: Violation) -> str:
    """What is broken, in a line that can stand in a comment."""
    text = " ".join("".join(char if char.isprintable() else " " for char in violation.message).split())
    return text if len(text) <= _COMMENT else f"{text[: _COMMENT - 1]}…"
