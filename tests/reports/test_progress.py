"""Progress: a table that renews itself on a terminal, two lines per API elsewhere, and never in the way of a run."""

import contextlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from specwatch.contract.run import ContractRun
from specwatch.reports.console import Progress
from specwatch.sandbox import EmbeddedSandbox

MakeConsole = Callable[..., Console]


@pytest.fixture
def watched(
    make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox, send: Callable[..., None]
) -> Callable[[Progress], None]:
    """Shows a run of two requests."""

    def watch(progress: Progress) -> None:
        run = make_run(sandbox)
        with progress:
            for _ in range(2):
                send(run.apis["parcels"], "p1")
                progress("exchange", run.apis["parcels"])

    return watch


def test_a_file_gets_a_line_at_the_beginning_and_one_at_the_end(
    make_console: MakeConsole, shown: Callable[[Console], str], watched: Callable[[Progress], None]
) -> None:
    """A log of a CI is readable."""
    console = make_console()
    watched(Progress(console, {}))

    begins, ended = shown(console).splitlines()
    assert begins == "parcels: begins, at most 39 requests"
    assert re.fullmatch(r"parcels: ended after 2 requests; \d+ claims kept, 0 broken, \d+ unknown", ended)


def test_an_api_that_never_answers_has_its_lines_too(
    make_console: MakeConsole, shown: Callable[[Console], str], make_run: Callable[..., ContractRun]
) -> None:
    """It begins and it ends, with nothing in between."""
    console = make_console()
    run = make_run("http://127.0.0.1:9")
    with Progress(console, {}) as progress:
        progress.begin(run.apis["parcels"])
        progress.begin(run.apis["parcels"])

    begins, ended = shown(console).splitlines()
    assert begins == "parcels: begins, at most 39 requests"
    assert re.fullmatch(r"parcels: ended after 0 requests; 0 claims kept, 0 broken, \d+ unknown", ended)


@pytest.mark.parametrize("ci, is_live", [("", True), ("false", True), ("true", False), ("1", False)])
def test_a_ci_gets_lines_even_on_a_terminal(make_console: MakeConsole, ci: str, *, is_live: bool) -> None:
    """A CI that pretends to be a terminal keeps every frame, so it gets none."""
    assert Progress(make_console(terminal=True), {"CI": ci}).is_live is is_live


def test_a_terminal_gets_a_table_that_disappears(
    make_console: MakeConsole, shown: Callable[[Console], str], watched: Callable[[Progress], None]
) -> None:
    """Requests of the budget, claims and the last answer; the cursor is given back and the lines are cleared."""
    console = make_console(terminal=True)
    watched(Progress(console, {}))
    text = shown(console)

    assert re.search(r"parcels\s+2/39\s+\d+\s+0\s+getParcel 200", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))
    assert text.index("\x1b[?25l") < text.index("\x1b[?25h")
    assert text.rstrip().endswith("\x1b[2K")


def test_no_color_is_honoured(
    make_console: MakeConsole, shown: Callable[[Console], str], watched: Callable[[Progress], None]
) -> None:
    """The table then has no colour either."""
    console = make_console(terminal=True, no_color=True)
    watched(Progress(console, {}))

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown(console))


def test_it_is_seen_although_the_process_s_output_is_taken_away(
    tmp_path: Path,
) -> None:
    """While pytest holds standard output, by name and by descriptor, progress goes on."""
    with (tmp_path / "screen").open("w", encoding="utf-8") as stream:
        console = Console(file=stream, width=80, _environ={})
        progress = Progress(console, {})
        with progress, (tmp_path / "taken").open("w", encoding="utf-8") as taken:
            os.dup2(taken.fileno(), stream.fileno())
            with contextlib.redirect_stdout(io.StringIO()):
                console.print("seen")

        assert console.file is stream
    assert (tmp_path / "screen").read_text(encoding="utf-8") == "seen\n"


def test_the_console_is_given_back_after_an_error(make_console: MakeConsole) -> None:
    """Ctrl-C in the middle leaves a terminal that can be used."""
    console = make_console(terminal=True)
    before = console.file
    with pytest.raises(KeyboardInterrupt), Progress(console, {}):
        raise KeyboardInterrupt

    assert console.file is before
    console.print("still here")
