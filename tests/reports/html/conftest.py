"""A run with faults against the small API's sandbox, and ways to read a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from specwatch.contract.result import ApiResult, RunResult
from specwatch.contract.run import ContractRun
from specwatch.reports.html import to_html
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api
from specwatch.values import Exchange, Level, Violation

VOID = {"meta", "link", "input", "br", "rect"}
FAULTS = ("parcels/getParcel/200/drop/state", "parcels/getParcel/401/not-utf8")


class Reader(HTMLParser):
    """Reads a page: its text, its elements with their attributes, and whether all are closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember one that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It closes the last one that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember a text."""
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(" ".join(self.words).split())

    def having(self, name: str, value: str) -> list[tuple[str, dict[str, str | None]]]:
        """The elements with an attribute among whose words is that one."""
        return [each for each in self.elements if value in (each[1].get(name) or "").split()]


@pytest.fixture
def read(api: Api) -> Callable[[RunResult], Reader]:
    """Reads the page of a run."""
    return lambda result: Reader(to_html(result, [api]))


@pytest.fixture
def faulty(make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox, send: Callable[..., None]) -> RunResult:
    """A run in which answers lack a field and are not UTF-8."""
    run = make_run(sandbox)
    sandbox.app_state.enable(*FAULTS)
    try:
        for parcel, role in (("p1", "account"), ("p1", "absent"), ("p2", "altered")):
            send(run.apis["parcels"], parcel, role)
    finally:
        sandbox.app_state.disable_all()
    return run.result()


@pytest.fixture
def with_violations() -> Callable[..., RunResult]:
    """Puts violations in the place of a run's own, each with an exchange of its own where one is given."""

    def put(result: RunResult, violations: Sequence[Violation], exchanges: Sequence[Exchange] = ()) -> RunResult:
        api: ApiResult = replace(result.apis[0], violations=tuple(violations))
        return replace(result, apis=(api,), exchanges=tuple(exchanges) or result.exchanges)

    return put


@pytest.fixture
def make_violation() -> Callable[..., Violation]:
    """Makes violations of the claim `broken` of the small API."""

    def make(**parts: object) -> Violation:
        basis = Violation("parcels", "broken", Level.PROMISE, "getParcel", "claim", "Not so.", "1", "2")
        return replace(basis, **parts)  # type: ignore[arg-type]

    return make
