"""What a run is doing right now: a table that renews itself on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from specwatch.contract.ledger import ClaimResult
from specwatch.contract.run import ApiRun
from specwatch.reports.screen import Screen
from specwatch.reports.summary import fails
from specwatch.reports.text import count
from specwatch.values.claim import Verdict

REFRESHES_PER_SECOND = 8


class Progress:
    """A listener for `ContractRun`, and a context around it.

        progress = Progress(console)
        run = ContractRun(selection, settings, progress)
        with progress:
            for api in run.apis.values():
                progress.begin(api)
            run_contracts(run, ...)

    On a terminal one row per API shows requests, claims and the last answer, and disappears at the end. Elsewhere, and
    where the variable CI is set, an API is one line when it begins and one when the run ends.

    Args:
        console: where it is shown; NO_COLOR is the console's business.
        environment: the variables that are asked for CI; the process's own by default.
        accepted: keys of the violations that a baseline accepts today, which are counted apart.
    """

    def __init__(
        self,
        console: Console,
        environment: Mapping[str, str] | None = None,
        *,
        accepted: Collection[str] = frozenset(),
    ) -> None:
        variables = os.environ if environment is None else environment
        in_ci = variables.get("CI", "").lower() not in {"", "0", "false"}
        self._accepted = accepted
        self.console = console
        self.is_live = console.is_terminal and not console.is_dumb_terminal and not in_ci
        self._screen = Screen(console)
        self._apis: dict[str, ApiRun] = {}
        self._live: Live | None = None
        self._before: IO[str] | None = None
        self._stream: IO[str] | None = None

    def __call__(self, _event: str, api: ApiRun) -> None:
        """Take note of an exchange or a violation."""
        self.begin(api)

    def begin(self, api: ApiRun) -> None:
        """Show an API from now on, even if nothing ever comes back from it."""
        if api.api.id in self._apis:
            return
        self._apis[api.api.id] = api
        if not self.is_live:
            self._screen.line(f"{api.api.id}: begins, at most {count(api.budget.max_requests, 'request')}")

    def __enter__(self) -> Self:
        """Begin to show."""
        self._own_stream()
        if self.is_live:
            self._live = Live(
                console=self.console,
                get_renderable=self._table,
                refresh_per_second=REFRESHES_PER_SECOND,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop showing; the terminal is as it was."""
        try:
            if self._live is not None:
                self._live.stop()
            else:
                self._end_lines()
        finally:
            self._return_stream()

    def _own_stream(self) -> None:
        """Write to a stream of our own: pytest, which carries out the contract tests, takes the process's away."""
        self._before = self.console.file
        try:
            self._before.flush()
            descriptor = os.dup(self._before.fileno())
        except (OSError, ValueError):  # no file: a test's buffer, which nobody takes away
            self.console.file = self._before
            return
        encoding = getattr(self._before, "encoding", None) or "utf-8"
        self._stream = os.fdopen(descriptor, "w", encoding=encoding, errors="backslashreplace")
        self.console.file = self._stream

    def _return_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._before is not None:
            self.console.file = self._before

    def _end_lines(self) -> None:
        for api in self._apis.values():
            claims = api.ledger.results()
            kept, unknown = (sum(c.verdict is v for c in claims) for v in (Verdict.PASS, Verdict.UNKNOWN))
            broken, warned, accepted = self._breaches(api, claims)
            requests = count(api.budget.requests, "request")
            apart = "".join(
                f" {number} {word},"
                for number, word in ((warned, "warned"), (accepted, "accepted by the baseline"))
                if number
            )
            told = f"{count(kept, 'claim')} kept, {broken} broken,{apart} {unknown} unknown"
            self._screen.line(f"{api.api.id}: ended after {requests}; {told}")

    def _table(self) -> Table | Text:
        if not self._apis:
            return self._screen.text("getting ready")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("API", no_wrap=True)
        for title in ("requests", "kept", "broken"):
            table.add_column(title, justify="right", no_wrap=True)
        table.add_column("last answer", no_wrap=True, overflow="ellipsis")
        for api in list(self._apis.values()):
            self._add_row(table, api)
        return table

    def _add_row(self, table: Table, api: ApiRun) -> None:
        claims = api.ledger.results()
        kept = sum(claim.verdict is Verdict.PASS for claim in claims)
        broken, _, _ = self._breaches(api, claims)
        last = api.last
        state = f"{last.operation} {last.response.status}" if last is not None else "no answer yet"
        broken_text = self._screen.text(str(broken), "bold red" if broken else "")
        requests = f"{api.budget.requests}/{api.budget.max_requests}"
        self._screen.row(table, api.api.id, requests, str(kept), broken_text, state)

    def _breaches(self, api: ApiRun, claims: Sequence[ClaimResult]) -> tuple[int, int, int]:
        """How many claims are broken so that the run fails, so that it only warns, and so that all is accepted."""
        new = {each.claim for each in list(api.ledger.violations.values()) if each.key not in self._accepted}
        broken = [claim for claim in claims if claim.verdict is Verdict.FAIL]
        left = [fails(claim.level, strict=api.settings.strict) for claim in broken if claim.claim.id in new]
        return sum(left), len(left) - sum(left), len(broken) - len(left)
