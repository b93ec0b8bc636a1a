"""A run for people: bars of phases in proportion, what is wrong below them, and nothing that steers a terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from specwatch.reports.screen import Screen
from specwatch.reports.waterfall import BAR_COLUMNS, milliseconds, print_legend, print_observation
from specwatch.values import (
    PHASES,
    Criterion,
    Exchange,
    Failure,
    Level,
    Observation,
    Reason,
    Request,
    Response,
    Sent,
    StepResult,
    Timings,
    Verdict,
    Violation,
)


def shown(observation: Observation, width: int = 200) -> list[str]:
    """The lines that are printed."""
    out = io.StringIO()
    screen = Screen(Console(file=out, width=width, no_color=True))
    print_observation(screen, observation)
    print_legend(screen)
    return out.getvalue().splitlines()


def exchange(phases: Mapping[str, float], status: int = 200) -> Exchange:
    """An answer that took so long."""
    timings = Timings(0.0, sum(phases.values()), phases)
    request = Request("GET", "https://shop.example.com/", (), b"")
    return Exchange("1", "shop", "get", "https://shop.example.com", request, Response(status, (), b""), timings)


def sent(phases: Mapping[str, float], **more: object) -> Sent:
    """An answered request."""
    return replace(Sent("ask", "get", exchange(phases)), **more)  # type: ignore[arg-type]


def observation(*steps: StepResult, verdict: Verdict = Verdict.PASS, **more: object) -> Observation:
    """A run of these steps."""
    number = sum(len(step.sent) for step in steps)
    made = Observation("1", "shop", "p", "item", "live", verdict, None, "", 0.0, 0.3, steps=steps, requests=number)
    return replace(made, **more)  # type: ignore[arg-type]


def bars(lines: list[str]) -> list[str]:
    """The bars of the requests."""
    return [line[56 : 56 + BAR_COLUMNS].rstrip() for line in lines if line.startswith("    ask")]


def test_a_bar_has_each_phase_in_its_share() -> None:
    """The longest request fills the bar; another is as wide as it is long beside that."""
    long = sent({"resolve": 0.05, "connect": 0.05, "tls": 0.1, "request": 0.0, "processing": 0.2})
    short = sent({"connect": 0.1, "transfer": 0.1})
    lines = shown(observation(StepResult("ask", met=True, sent=(long, short))))
    assert bars(lines) == ["nnnnccccttttttttwwwwwwwwwwwwwwww", "ccccccccrrrrrrrr"]
    assert "resolve 50 ms connect 50 ms tls 100 ms request 0.0 ms processing 200 ms" in lines[1]
    assert "resolve" not in lines[2]


def test_the_legend_explains_every_letter() -> None:
    """Of each phase that there is."""
    legend = shown(observation())[-1]
    assert [part.split(" ")[0] for part in legend.removeprefix("phases: ").split(", ")] == [
        "n",
        "c",
        "t",
        "s",
        "w",
        "r",
    ]
    assert legend.count(",") == len(PHASES) - 1


def test_a_request_without_an_answer_has_the_phases_that_ran() -> None:
    """Its status is a dash."""
    failure = Failure(Reason.TLS, "expired", "tls", seconds=0.3, phases={"resolve": 0.1, "connect": 0.1, "tls": 0.1})
    lines = shown(
        observation(StepResult("ask", met=False, sent=(Sent("ask", "get", failure=failure),)), verdict=Verdict.FAIL)
    )
    assert lines[1].split()[:2] == ["ask", "---"]
    assert bars(lines)[0].startswith("nnn")


def test_what_is_wrong_stands_below_its_step() -> None:
    """Criteria that did not hold, claims that are broken, and why in one sentence."""
    violation = Violation("shop", "id-echoed", Level.PROMISE, "get", "claim", "Not so: ids.", "i-1", "i-2")
    step = StepResult(
        "ask",
        met=False,
        criteria=(
            Criterion("$statusCode == 200", met=True),
            Criterion("$response.body#/ok", met=False, found="nothing"),
        ),
        sent=(sent({"connect": 0.1}, violations=(violation,), verified=("a", "b"), error_code="oops"),),
    )
    lines = [line.strip() for line in shown(observation(step, verdict=Verdict.FAIL, message="ask: not ok"))]
    assert lines[0].startswith("✗ shop/item  fail  1 request, 300 ms")
    assert "200 oops" in lines[1]
    assert lines[2:7] == [
        "1 of 2 criteria, 2 claims kept, 1 broken",
        "expected  $response.body#/ok, found nothing",
        "promise  id-echoed: Not so: ids.",
        "expected  i-1, found i-2",
        "why  ask: not ok",
    ]


def test_a_step_that_was_not_sent_says_why() -> None:
    """And nothing of criteria that were never asked."""
    step = StepResult("ask", met=False, unknown="SHOP_TOKEN is not set")
    lines = shown(observation(step, verdict=Verdict.UNKNOWN))
    assert [line.strip() for line in lines[1:-1]] == ["not sent  SHOP_TOKEN is not set"]


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_a_target_cannot_steer_the_terminal(message: str, found: str, code: str) -> None:
    """Control sequences and markup of a target are shown as text, whatever they are."""
    evil = "\x1b[2J[red]" + message
    step = StepResult(
        "ask",
        met=False,
        criteria=(Criterion("x", met=False, found=found),),
        sent=(sent({}, error_code=code + "\x1b]0;x\x07"),),
    )
    text = "\n".join(shown(observation(step, verdict=Verdict.FAIL, message=evil)))
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
    assert "[red]" in text


@given(st.dictionaries(st.sampled_from(PHASES), st.floats(0, 1e6)), st.floats(0, 1e6))
def test_a_bar_is_never_wider_than_it_may_be_by_more_than_rounding(phases: dict[str, float], other: float) -> None:
    """Each phase is rounded on its own."""
    lines = shown(observation(StepResult("ask", met=True, sent=(sent(phases), sent({"connect": other})))), width=400)
    for line in lines:
        if line.startswith("    ask"):
            bar = line[56:].split(" ")[0]
            assert len(bar) <= BAR_COLUMNS + len(PHASES) // 2


def test_times_are_readable() -> None:
    """Three units, as many digits as mean something."""
    assert [milliseconds(value) for value in (0.0004, 0.012, 0.9994, 3.21)] == ["0.4 ms", "12 ms", "999 ms", "3.2 s"]
