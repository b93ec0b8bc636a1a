"""What the page shows, as values: made by the modules beside this one, put into HTML by the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict as it is shown: never by colour alone.

    Args:
        tone: CSS class: `fail`, `warn`, `unknown`, `pass` or `known`.
        sign: one character.
        word: in words.
    """

    tone: str
    sign: str
    word: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The first thing to read.

    Args:
        mark: the verdict.
        sentence: what is wrong, in one line.
        whose: whose fault it is, and why that can be said.
        firsts: the gravest violations, each of another claim: its anchor, what was called, and a sentence.
        details: what else must be known at once.
    """

    mark: Mark
    sentence: str
    whose: str
    details: tuple[str, ...] = ()
    firsts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a body.

    Args:
        depth: how far it is indented.
        before: text before the place that is marked, or the whole line.
        marked: the place itself; empty when nothing is marked.
        after: text behind it.
        note: what is said about the place.
    """

    depth: int
    before: str
    marked: str = ""
    after: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that are folded; `rows` is empty where they were left out of the page."""

    count: int
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it is shown.

    Args:
        about: what it is: its size, and what was done to it.
        pieces: its lines.
        marked: whether a place in it is marked.
    """

    about: str
    pieces: tuple[Row | Gap, ...] = ()
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A header, or one that is missed; `note` says what is wrong with it, empty where nothing is."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: its first line, headers and bodies.

    Args:
        first: words of the first line, each with a note that is empty where nothing is wrong with it.
        fields: the headers.
        bodies: the body, and what is inside of it where it is a string that holds JSON.
        hidden: how many headers were left out.
    """

    first: tuple[tuple[str, str], ...]
    fields: tuple[Field, ...]
    bodies: tuple[Body, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """One bar of a waterfall: begin and width in percent of the whole, and its time in words."""

    name: str
    left: float
    width: float
    time: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The phases of one exchange; `note` says what is wrong with the time, empty where nothing is."""

    total: str
    phases: tuple[Phase, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange with all that is shown of it."""

    request: Message
    response: Message
    waterfall: Waterfall
    sent_as: str
    at: str


@dataclass(frozen=True, slots=True)
class Side:
    """Expected, or found: pieces of text, each with whether it differs from the other side."""

    pieces: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Another exchange that a violation is about: when, what was asked, what it showed, where it stands."""

    time: str
    what: str
    value: str
    anchor: str
    this: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation.

    Args:
        anchor: where it stands on the page.
        key: what a baseline lists.
        mark: how grave it is.
        badges: `sometimes: 3 of 5 tries failed`, `accepted until 2026-12-31`.
        acceptance: why the baseline accepts it, or since when not any more.
        compares: whether both sides are values, so that they can be compared letter by letter.
        text: the claim, or for one that is derived from the spec what came instead.
        place: the claim, and where documentation and spec say it, as label and text.
        place_note: where to look when no place in the answer is marked.
        others_title: what the other exchanges are; empty when there are none.
    """

    anchor: str
    id: str
    key: str
    mark: Mark
    api: str
    claim: str
    level: str
    kind: str
    text: str
    where: str
    badges: tuple[Mark, ...]
    acceptance: str
    expected: Side
    found: Side
    compares: bool
    place: tuple[tuple[str, str], ...]
    place_note: str
    exchange: Shown | None
    curl: str
    replay: str
    others_title: str = ""
    others: tuple[Other, ...] = ()
    opened: bool = False


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim in the table of an API; `evidence` are links to its violations, as anchor and words."""

    id: str
    text: str
    level: str
    mark: Mark
    note: str
    evidence: tuple[tuple[str, str], ...]
    source: str
    line: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One documented answer in the matrix: its code, whether it came, and how often or why not."""

    code: str
    mark: Mark
    note: str


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """One operation in the matrix: per status of the API its answers; an empty tuple where none is documented."""

    operation: str
    request: str
    cells: tuple[tuple[str, tuple[Answer, ...]], ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The documented answers of an API.

    Args:
        statuses: the columns.
        lines: the rows.
        share: how many were seen, in words.
        reasons: why others were not: the reason, and which.
    """

    statuses: tuple[str, ...]
    lines: tuple[MatrixLine, ...]
    share: str
    reasons: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class DriftRow:
    """Something undocumented that was seen."""

    operation: str
    kind: str
    name: str
    times: str
    when: str
    example: str


@dataclass(frozen=True, slots=True)
class ApiView:
    """One API."""

    anchor: str
    id: str
    title: str
    mark: Mark
    figures: tuple[tuple[str, str], ...]
    trouble: tuple[str, ...]
    findings: tuple[Finding, ...]
    matrix: Matrix | None
    claims: tuple[ClaimRow, ...]
    drift: tuple[DriftRow, ...]


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange in the list of all; `violations` are links, `shown` is None where the page would get too large."""

    anchor: str
    number: int
    method: str
    path: str
    status: str
    time: str
    api: str
    operation: str
    violations: tuple[tuple[str, str], ...]
    shown: Shown | None


@dataclass(frozen=True, slots=True)
class BaselineView:
    """The run beside its baseline: how many are accepted, and lists of those that need a look, as title and lines."""

    summary: str
    lists: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page.

    Args:
        facts: target, profile, seed and so on, as label and text.
        advice: what to do, in words.
        steps: what to do, as command and what it is good for.
        steps_note: what must be added to the commands.
        report: the JSON report that a replay reads.
        unknown: why claims are unknown: reason, and how many of which API.
        left_out: what is not on the page, in words.
        defective: whether the workspace has a defect of its own.
    """

    title: str
    headline: Headline
    facts: tuple[tuple[str, str], ...]
    advice: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    steps_note: str
    report: str
    baseline: BaselineView | None
    apis: tuple[ApiView, ...]
    unknown: tuple[tuple[str, str], ...]
    exchanges: tuple[ExchangeRow, ...]
    left_out: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    defective: bool = False

    @property
    def findings(self) -> int:
        """How many violations there are."""
        return sum(len(api.findings) for api in self.apis)
