"""What a session of pytest says about a contract run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rich.console import Console

from specwatch.pytest_plugin.commands import leading_on
from specwatch.reports.console import print_brief
from specwatch.reports.curl import to_curl
from specwatch.reports.text import printable, shortened
from specwatch.values.claim import Verdict

if TYPE_CHECKING:
    import pytest

    from specwatch.contract.result import ApiResult, RunResult
    from specwatch.reports.next_steps import Options
    from specwatch.values.violation import Violation

MAX_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the contract tests of a session came to, in one process or in all of them.

    Args:
        result: of the run.
        chosen: how many contract tests were left to run, after `-k` and the like.
        first: node id of the first test that a claim failed; empty where there is none.
    """

    result: RunResult
    chosen: int
    first: str = ""

    @property
    def passes(self) -> bool:
        """Whether a session may end well: nothing is broken that fails a run, and what was asked told something."""
        return self.result.verdict is not Verdict.FAIL and not (self.chosen and knows_nothing(self.result))


def knows_nothing(result: RunResult) -> bool:
    """Whether a run has not seen a single claim kept or broken."""
    return all(claim.verdict is Verdict.UNKNOWN for api in result.apis for claim in api.claims)


def told(violation: Violation) -> str:
    """A violation as the reason why a test fails."""
    return "\n".join(_lines(violation))


def _lines(violation: Violation) -> Iterator[str]:
    yield f"{violation.api}/{violation.claim}: broken {violation.level.value}"
    yield f"  {printable(violation.message)}"
    if violation.operation:
        yield f"  operation  {violation.operation}"
    for label, text in (("expected", violation.expected), ("found", violation.found)):
        if text:
            yield f"  {label:<9}  {printable(shortened(text, MAX_CHARACTERS))}"
    if violation.exchange is not None:
        yield f"  repeat     {to_curl(violation.exchange)}"


def summary(reporter: pytest.TerminalReporter, outcome: Outcome, options: Options) -> None:
    """Print what a run found, in a section of its own.

    Args:
        reporter: of the session.
        outcome: of its contract tests.
        options: what was asked for, for commands that repeat it.
    """
    reporter.section("specwatch")
    if not outcome.chosen:
        reporter.write_line("No contract test was chosen, so nothing was sent and nothing is known.")
        return
    result = outcome.result
    asked = tuple(filter(_asked, result.apis))
    shown = replace(result, apis=asked or result.apis)
    text = io.StringIO()
    console = Console(file=text, width=max(reporter._tw.fullwidth, 60), no_color=True)  # noqa: SLF001
    print_brief(console, shown, leading_on(shown, options, reporter.config, outcome.first))
    for line in text.getvalue().strip("\n").splitlines():
        reporter.write_line(line.rstrip())
    if knows_nothing(result):
        reporter.write_line("Nothing could be found out: this is no pass, whatever the tests say.", yellow=True)


def _asked(api: ApiResult) -> bool:
    """Whether anything was sent to an API, or kept from it by trouble on the way."""
    return bool(api.requests or api.violations or api.trouble)
