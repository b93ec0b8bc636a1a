"""What a session of pytest says about a contract run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rich.console import Console

from specwatch.reports.console import print_result
from specwatch.reports.curl import to_curl
from specwatch.reports.text import printable, shortened
from specwatch.values.claim import Verdict

if TYPE_CHECKING:
    import pytest

    from specwatch.contract.result import RunResult
    from specwatch.values.violation import Violation

MAX_CHARACTERS: Final = 2_000


def knows_nothing(result: RunResult) -> bool:
    """Whether a run has not seen a single claim kept or broken."""
    return all(claim.verdict is Verdict.UNKNOWN for api in result.apis for claim in api.claims)


def passes(result: RunResult) -> bool:
    """Whether a session may end well: nothing is broken that fails a run, and something was found out."""
    return result.verdict is not Verdict.FAIL and not knows_nothing(result)


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


def summary(reporter: pytest.TerminalReporter, result: RunResult) -> None:
    """Print what a run found, in a section of its own."""
    reporter.section("specwatch")
    text = io.StringIO()
    print_result(Console(file=text, width=max(reporter._tw.fullwidth, 60), no_color=True), result)  # noqa: SLF001
    for line in text.getvalue().splitlines():
        reporter.write_line(line.rstrip())
    if knows_nothing(result):
        reporter.write_line("Nothing could be found out: this is no pass, whatever the tests say.", yellow=True)
