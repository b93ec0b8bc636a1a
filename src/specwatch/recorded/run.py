"""A run over recorded traffic: files in, the same kind of result out as of a run that sends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from specwatch.contract.profile import PROFILES
from specwatch.contract.result import RunResult
from specwatch.contract.settings import Selection, Settings
from specwatch.errors import Problem, UsageError
from specwatch.recorded.harmless import Harmless
from specwatch.recorded.judge import RecordedApi, shown_exchanges
from specwatch.recorded.masking import (
    MAX_OTHERS,
    SHORTEST,
    TrafficRedactor,
    credential_values,
    is_masked,
    other_values,
)
from specwatch.recorded.matching import Finder, Foreign, Match, Stray
from specwatch.recorded.model import Recording, Skipped
from specwatch.recorded.roles import Standing, standing
from specwatch.spec.model import Api
from specwatch.transport.target import Kind, Target
from specwatch.transport.wallet import Wallet
from specwatch.values.secrets import Redactor

NAME: Final = "recorded"
"""What reports call the target."""

MAX_CREDENTIALS: Final = 300
"""Traffic with more different credentials is not judged further: each is looked for in every text that is shown."""

_BEYOND: Final = f"carries one of more than {MAX_CREDENTIALS} different credentials"
_DOUBLE: Final = "is in another file, too"


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of the entries of all files.

    Args:
        matches: per API id, in the order of the files.
        strays: requests to a known server that no spec has, and how often they came.
        foreign: hosts that no selected API has, and how often they came.
        skipped: entries that are not judged.
    """

    matches: Mapping[str, Sequence[tuple[Match, Recording]]]
    strays: Mapping[Stray, int]
    foreign: Mapping[str, int]
    skipped: Sequence[Skipped]

    @property
    def judged(self) -> int:
        """How many exchanges are judged."""
        return sum(map(len, self.matches.values()))


@dataclass(frozen=True, slots=True)
class Manner:
    """How recorded traffic is judged.

    Args:
        base: base URL of the APIs in the recording; empty for the servers of their specs.
        environment: variables that were read: identifiers of the account, and credentials to be told apart and hidden.
        profile: its name, for the reports.
        seed: for the reports.
        keep_all: whether APIs without an exchange stay in the result, as unknown.
    """

    base: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    profile: str = "standard"
    seed: int = 0
    strict: bool = False
    keep_all: bool = False


def sort(recordings: Sequence[Recording], apis: Sequence[Api], base: str = "") -> Sorted:
    """Find out which API and operation each entry is of.

    Args:
        recordings: the files.
        apis: the selected APIs.
        base: base URL instead of the servers of their specs.

    Raises:
        UsageError: no entry is of a selected API.
    """
    finder, sorting = Finder(apis, base), _Sorting()
    for recording in recordings:
        sorting.skipped += recording.skipped
    for recording in recordings:
        for entry in recording.entries:
            sorting.put(finder.find(entry), entry.where, recording)
    hidden = _redactor_of(recordings, apis) if sorting.strays else Redactor()
    strays = {replace(stray, request=hidden.text(stray.request)): times for stray, times in sorting.strays.items()}
    result = Sorted(sorting.matches, strays, sorting.foreign, sorting.skipped)
    if not sorting.matches:
        raise UsageError(_nothing(result, recordings, apis, base))
    return result


class _Sorting:
    """Books entry by entry what became of it."""

    def __init__(self) -> None:
        self.matches: dict[str, list[tuple[Match, Recording]]] = {}
        self.strays: Counter[Stray] = Counter()
        self.foreign: Counter[str] = Counter()
        self.skipped: list[Skipped] = []
        self._seen: dict[object, Recording] = {}

    def put(self, found: Match | Stray | Foreign, where: str, recording: Recording) -> None:
        """Book an entry of a file."""
        if isinstance(found, Stray):
            self.strays[found] += 1
        elif isinstance(found, Foreign):
            self.foreign[found.host] += 1
        elif _first_of(found, recording, self._seen) is recording:
            self.matches.setdefault(found.api.id, []).append((found, recording))
        else:
            self.skipped.append(Skipped(where, _DOUBLE))


def _redactor_of(recordings: Sequence[Recording], apis: Sequence[Api]) -> Redactor:
    """Hides what the recordings hold of secrets, where requests are named that belong to no operation."""
    found: dict[str, None] = {}
    harmless = Harmless(apis)
    for entry in (entry for recording in recordings for entry in recording.entries):
        values = (*(value for api in apis for value in credential_values(entry, api, harmless)), *other_values(entry))
        found.update(dict.fromkeys(value for value in values if not is_masked(value) and value not in harmless))
        if len(found) > MAX_CREDENTIALS:
            break
    return Redactor(found)


def _first_of(match: Match, recording: Recording, seen: dict[object, Recording]) -> Recording:
    """The file that had an exchange first: the HAR and the report of one run have some in common."""
    entry = match.entry
    if entry.started_at is None:
        return recording
    body = entry.response_body
    key = (entry.method, entry.url, round(entry.started_at, 2), entry.status, entry.request_body, body)
    return seen.setdefault(key, recording)


def judge_recordings(found: Sorted, selection: Selection, manner: Manner) -> RunResult:
    """Judge what was found by all claims of its APIs.

    Args:
        found: what `sort` made of the files.
        selection: which APIs, operations and claims count.
        manner: how.
    """
    started_at, began = time.time(), time.monotonic()
    ids = count(1)
    apis = [api for api in selection.apis if manner.keep_all or found.matches.get(api.id)]
    judged = [_judged(api, found.matches.get(api.id, ()), selection, manner, ids) for api in apis]
    exchanges = [exchange for api in judged for exchange in api.exchanges]
    return RunResult(
        target=NAME,
        profile=manner.profile,
        seed=manner.seed,
        started_at=started_at,
        seconds=time.monotonic() - began,
        strict=manner.strict,
        apis=tuple(api.result() for api in judged),
        exchanges=tuple(sorted(exchanges, key=lambda exchange: exchange.timings.started_at)),
    )


def _judged(
    api: Api, matches: Sequence[tuple[Match, Recording]], selection: Selection, manner: Manner, ids: Iterator[int]
) -> RecordedApi:
    harmless = Harmless([api])
    kept, credentials, beyond = _within(api, matches, harmless)
    secrets = [*credentials, *_others(kept, harmless), *Wallet(api, manner.environment).secrets()]
    redactor = TrafficRedactor(secrets, (scheme.header for scheme in api.schemes.values()), harmless)
    files = {id(recording): recording for _, recording in kept}
    carried = {key: _carried(recording) for key, recording in files.items()}
    placed = [(match, standing(match, carried[id(recording)], manner.environment)) for match, recording in kept]
    settings = Settings(
        target=_target(api, placed, manner),
        profile=PROFILES[manner.profile],
        environment=manner.environment,
        strict=manner.strict,
        seed=manner.seed,
    )
    judge = RecordedApi(api, settings, selection, redactor)
    for shown in shown_exchanges(placed, ids):
        judge.take(shown)
    if beyond:
        judge.note(f"{beyond} of its recorded exchanges are not judged: each {_BEYOND}")
    judge.close()
    return judge


def _target(api: Api, placed: Sequence[tuple[Match, Standing]], manner: Manner) -> Target:
    """Where the traffic was recorded, which says which identifiers exist there: the document's, or our own."""
    base = manner.base or next((match.base for match, _ in placed), "") or "http://recorded.invalid"
    if any(standing.vouched for _, standing in placed):
        return Target(Kind.SANDBOX, base)
    return Target(Kind.LIVE) if api.servers and not manner.base else Target(Kind.URL, base)


def _within(
    api: Api, matches: Sequence[tuple[Match, Recording]], harmless: Harmless
) -> tuple[list[tuple[Match, Recording]], dict[str, None], int]:
    """The exchanges whose credentials can all be looked for, these credentials, and how many exchanges are not."""
    kept: list[tuple[Match, Recording]] = []
    credentials: dict[str, None] = {}
    for match, recording in matches:
        own = dict.fromkeys(credential_values(match.entry, api, harmless))
        if len({**credentials, **own}) <= MAX_CREDENTIALS:
            credentials.update(own)
            kept.append((match, recording))
    return kept, credentials, len(matches) - len(kept)


def _others(matches: Sequence[tuple[Match, Recording]], harmless: Harmless) -> Iterator[str]:
    found: dict[str, None] = {}
    for match, _ in matches:
        for value in other_values(match.entry):
            if len(found) >= MAX_OTHERS:
                break
            if len(value) >= SHORTEST and not is_masked(value) and value not in harmless:
                found[value] = None
    yield from found


def _carried(recording: Recording) -> frozenset[str]:
    """Names of the request headers that an entry of the file has with a value that nobody took out."""
    return frozenset(
        name.lower() for entry in recording.entries for name, value in entry.request_headers if not is_masked(value)
    )


def _nothing(found: Sorted, recordings: Sequence[Recording], apis: Sequence[Api], base: str) -> Problem:
    """Why nothing can be judged, and what to type instead."""
    files = ", ".join(recording.name for recording in recordings)
    servers = [base] if base else list(dict.fromkeys(server for api in apis for server in api.servers))
    where = f"--from {files}"
    if not found.foreign and not found.strays:
        reasons = Counter(each.reason for each in found.skipped)
        told = "; ".join(f"{times:,} {reason}" for reason, times in reasons.most_common(5)) or "it has no entry at all"
        return Problem(where, f"holds no exchange: {told}", "requests with their answers", "record again")
    strays = [stray.request for stray in found.strays][:5]
    if strays:
        told = f"requests of {servers[0]} only that no selected spec has: {', '.join(strays)}"
        return Problem(where, told, "an operation of a selected API", "`specwatch list` shows the operations")
    hosts = [f"{host} ({times:,})" for host, times in Counter(found.foreign).most_common(8)]
    likely = next((host for host, _ in Counter(found.foreign).most_common() if "://" in host), "https://HOST/BASE")
    expected = f"exchanges of {' or '.join(servers) or 'a server that the spec names'}"
    mend = f"if the API is at another base there, name it: --target {likely}"
    return Problem(where, f"has no exchange of a selected API; hosts: {', '.join(hosts)}", expected, mend)
