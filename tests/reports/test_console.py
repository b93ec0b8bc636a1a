"""What a person reads: everything that matters, in words and within the width; and nothing a provider could misuse."""

import re
import shlex
from collections.abc import Callable

import pytest
from rich.console import Console

from specwatch.contract.result import RunResult
from specwatch.contract.run import ContractRun
from specwatch.reports.console import (
    MAX_BLOCKS,
    MatrixRow,
    Options,
    matrix,
    print_claims,
    print_header,
    print_matrix,
    print_missing,
    print_result,
)
from specwatch.reports.next_steps import next_steps
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api
from specwatch.values import Verdict
from specwatch.workspace import Workspace

MakeConsole = Callable[..., Console]
MakeResult = Callable[..., RunResult]
Shown = Callable[[Console], str]


def words(text: str) -> str:
    """A text with every run of white space as one space."""
    return " ".join(text.split())


@pytest.fixture
def workspace(api: Api) -> Workspace:
    """The workspace of the small API."""
    return Workspace(api.path.parents[1], "named by --workspace")


@pytest.fixture
def told(make_console: MakeConsole, shown: Shown) -> Callable[..., str]:
    """Prints a result and gives what a plain terminal of that width shows."""

    def tell(result: RunResult, width: int = 80) -> str:
        console = make_console(width)
        print_result(console, result)
        return shown(console)

    return tell


def test_header_on_the_sandbox(
    make_console: MakeConsole,
    shown: Shown,
    workspace: Workspace,
    make_run: Callable[..., ContractRun],
    sandbox: EmbeddedSandbox,
) -> None:
    """Workspace and why, target, profile, seed, budgets, and that everything is allowed."""
    console = make_console(200)
    print_header(console, workspace, make_run(sandbox, seed=7))

    assert shown(console).splitlines() == [
        "specwatch check",
        f"  workspace  {workspace.root} (named by --workspace)",
        f"  target     sandbox at {sandbox.url}",
        "  profile    smoke, seed 7",
        "  APIs       1: parcels",
        "  budget     39 requests and no limit on cost per API",
        "  allowed    every call: the sandbox is ours",
        "",
    ]


def test_header_on_a_live_target(
    make_console: MakeConsole, shown: Shown, workspace: Workspace, make_run: Callable[..., ContractRun]
) -> None:
    """The servers, what may be spent, which operations are left out, and how to allow them."""
    console = make_console(200)
    print_header(console, workspace, make_run("live", max_requests=5, max_cost=2.5, strict=True, allow=["paid"]))

    assert shown(console).splitlines()[2:] == [
        "  target     live",
        "             parcels at https://parcels.example",
        "  profile    smoke, seed 0, strict",
        "  APIs       1: parcels",
        "  budget     5 requests and a cost of at most 2.5 per API",
        "  allowed    free reads and `paid`",
        "  left out   parcels: dropParcel (consume)",
        "             `--allow consume` permits them",
        "",
    ]


def test_table_has_the_figures(told: Callable[..., str], make_result: MakeResult) -> None:
    """Kept, broken, warned, unknown, requests, cost and time spent waiting of each API; the time of the run below."""
    lines = [line.split() for line in told(make_result()).splitlines()]

    assert ["API", "verdict", "kept", "broken", "warned", "unknown", "requests", "cost", "waited"] in lines
    assert ["parcels", "✗", "fail", "1", "1", "1", "1", "6", "1", "0.2", "s"] in lines
    assert ["1.5", "s", "in", "all:"] in [line[:4] for line in lines]


def test_a_strict_run_has_no_warnings(told: Callable[..., str], make_result: MakeResult) -> None:
    """Under --strict what would warn counts as broken."""
    text = told(make_result(strict=True))

    assert ["parcels", "✗", "fail", "1", "2", "0", "1", "6", "1", "0.2", "s"] in [
        line.split() for line in text.splitlines()
    ]
    assert "warning" not in text


def test_violation_is_told(told: Callable[..., str], make_result: MakeResult) -> None:
    """Claim, level, message, expected, found and a curl line, promises first."""
    text = told(make_result())
    block = text[text.index("parcels/broken") : text.index("parcels/shaky")]

    assert [line.strip() for line in block.splitlines()[:7]] == [
        "parcels/broken  broken promise",
        "what      it was not so",
        "where     getParcel, status 200",
        "expected  it was not so",
        "found     it was not so",
        f"id        {make_result().apis[0].violations[1].key}",
        "repeat    curl -i https://parcels.example/parcels/p1",
    ]
    assert "parcels/shaky  warning: broken inference" in text


def test_many_violations_are_cut(told: Callable[..., str], make_result: MakeResult) -> None:
    """Twenty are shown, the rest is counted."""
    text = told(make_result(violations=15))

    assert text.count("repeat ") == MAX_BLOCKS
    assert "and 10 more in the JSON report (--json FILE)" in text


def test_unknown_claims_are_grouped_by_reason(told: Callable[..., str], make_result: MakeResult) -> None:
    """What is unknown is listed with the reason and never looks like a pass."""
    text = told(make_result())

    assert "Unknown: 1 claim" in text
    assert "1 claim  PARCELS_TOKEN is not set (parcels/open)" in text


def test_trouble_of_our_own_is_called_so(told: Callable[..., str], make_result: MakeResult) -> None:
    """A refused credential is not the provider's fault."""
    text = told(make_result(trouble=("getParcel answered 401 to our own credential",)))

    assert "Trouble on the way, so not judged" in text
    assert "parcels  getParcel answered 401 to our own credential" in text


def test_drift_is_one_line_per_operation(told: Callable[..., str], make_result: MakeResult) -> None:
    """What is undocumented and allowed is mentioned."""
    assert "parcels getParcel  field /it was not so (2 times)" in told(make_result())


@pytest.mark.parametrize(
    "options, sentence, following",
    [
        (
            {},
            "✗ FAIL: 1 broken promise in parcels.",
            "next specwatch check --claim parcels/broken --profile standard --seed 7 # the first one alone",
        ),
        (
            {},
            "✗ FAIL: 1 broken promise in parcels.",
            "next specwatch sandbox --port 8700 # on the same port, so that the curl lines above work against it",
        ),
        ({"strict": True}, "✗ FAIL: 2 broken claims in parcels.", "--claim parcels/broken"),
        ({"only": (Verdict.PASS,)}, "✓ PASS: 1 claim holds.", "next specwatch check --target live"),
        (
            {"only": (Verdict.PASS, Verdict.UNKNOWN), "target": "live"},
            "✓ PASS: 1 claim holds; 1 could not be checked.",
            "next specwatch check --target live --profile standard --verbose",
        ),
        (
            {"only": (Verdict.UNKNOWN,)},
            "? UNKNOWN: nothing could be established for parcels; what Unknown lists has to be mended first.",
            "next set the variables that are named above, then repeat the command",
        ),
        (
            {"only": (Verdict.UNKNOWN,), "trouble": ("refused",)},
            "? UNKNOWN: nothing could be established for parcels; the trouble on the way that is told above has",
            "next set the variables that are named above",
        ),
        (
            {"only": (Verdict.UNKNOWN, Verdict.PASS), "verdict": Verdict.UNKNOWN, "trouble": ("refused",)},
            "? UNKNOWN: only refusals were seen of parcels, which say nothing about the API itself; the trouble",
            "next set the variables that are named above",
        ),
        (
            {"only": (Verdict.PASS,), "interrupted": True},
            "? UNKNOWN: interrupted, so this is what is known so far; nothing is broken so far.",
            "next specwatch check --profile standard",
        ),
        ({"interrupted": True}, "✗ FAIL: interrupted, so this is what is known so far; 1 broken promise", "--claim"),
    ],
)
def test_it_ends_with_the_verdict_and_the_next_step(
    told: Callable[..., str], make_result: MakeResult, options: dict[str, object], sentence: str, following: str
) -> None:
    """The last lines say how it went and which command leads on."""
    text = words(told(make_result(**options)))

    assert sentence in text
    assert following in text[text.index(sentence) :]


def test_next_command_can_be_pasted(told: Callable[..., str], make_result: MakeResult) -> None:
    """A target is quoted for the shell."""
    last = told(make_result(target="http://127.0.0.1:1/$(id)")).splitlines()[-2]

    assert shlex.split(last, comments=True)[1:6] == [
        "specwatch",
        "check",
        "--claim",
        "parcels/broken",
        "--target",
    ]
    assert shlex.split(last, comments=True)[6] == "http://127.0.0.1:1/$(id)"


GIVEN = Options(
    workspace="/my work/space",
    apis=("parcels", "other"),
    operations=("getParcel", "getOther"),
    claims=("*/kept", "b*"),
    limits=("--max-cost", "2.5", "--strict"),
    access=("--allow", "paid", "--ca", "ca.pem"),
    sandbox=("--fault", "parcels/f", "--worker-seconds", "3.0"),
)
SELECTION = "--api parcels --api other --operation getParcel --operation getOther --claim '*/kept' --claim 'b*'"


ALL = "--max-cost 2.5 --strict --allow paid --ca ca.pem --fault parcels/f --worker-seconds 3.0"
FIRST = "--api parcels --operation getParcel --claim parcels/broken --profile standard --seed 7"


@pytest.mark.parametrize(
    "made, commands",
    [
        ({"only": (Verdict.PASS,)}, [f"check {SELECTION} --target live --profile smoke --max-cost 2.5 --strict"]),
        (
            {"only": (Verdict.PASS,), "target": "live"},
            [f"check {SELECTION} --target live --profile standard {ALL} --verbose"],
        ),
        ({"only": (Verdict.UNKNOWN,)}, ["set the variables that are named above, then repeat the command"]),
        (
            {},
            [
                f"check {FIRST} {ALL}",
                "sandbox --port 8700 --api parcels --api other --fault parcels/f --worker-seconds 3.0",
                f"check {SELECTION} --profile standard --seed 7 {ALL}",
            ],
        ),
    ],
)
def test_next_commands_repeat_the_options(
    make_console: MakeConsole, shown: Shown, make_result: MakeResult, made: dict[str, object], commands: list[str]
) -> None:
    """Every option that the command depends on is there, and nothing is allowed on a system where it was not."""
    console = make_console()
    print_result(console, make_result(**made), GIVEN)
    lines = [line for line in shown(console).splitlines() if line.startswith("  next  ")]

    assert [line.removeprefix("  next  ").partition("  # ")[0] for line in lines] == [
        command if command.startswith("set ") else f"specwatch --workspace '/my work/space' {command}"
        for command in commands
    ]


def steps_of(result: RunResult, options: Options) -> list[str]:
    """The commands that lead on, without their first word."""
    return [command.removeprefix("specwatch ") for command, _ in next_steps(result, options)]


def test_a_pass_with_warnings_offers_to_be_strict(make_result: MakeResult) -> None:
    """Unless the run is strict, or nothing warns."""
    options = Options(limits=("--budget", "9"))
    strict = "check --profile standard --seed 7 --budget 9 --strict"
    warns = make_result(verdict=Verdict.PASS)

    assert strict in steps_of(warns, options)
    assert strict not in steps_of(make_result(only=(Verdict.PASS,)), options)


def test_a_report_can_be_replayed_first(make_result: MakeResult) -> None:
    """Sending the request again comes before the claim alone, which changes what is sent."""
    result = make_result()
    key = result.apis[0].violations[1].key
    assert steps_of(result, Options(report="run.json"))[0] == f"replay 'run.json#{key}'"
    assert steps_of(result, Options())[0].startswith("check --claim parcels/broken ")


def test_missing_variables_have_a_line_each(
    make_console: MakeConsole, shown: Shown, make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox
) -> None:
    """What is not set is told with what it is for; on the embedded sandbox nothing is missing."""
    console = make_console()
    print_missing(console, make_run("live"))
    print_missing(console, make_run("live", environment={"PARCELS_TOKEN": "made-up"}))
    print_missing(console, make_run(sandbox))

    assert shown(console) == (
        "Not set, so that what needs it stays unknown:\n  PARCELS_TOKEN  credential `account` of parcels\n\n"
    )


def test_a_result_without_apis_is_not_a_pass(told: Callable[..., str]) -> None:
    """Nothing checked means nothing known."""
    assert "UNKNOWN: no API was checked." in told(RunResult("sandbox", "smoke", 0, 0.0, 0.0, strict=False, apis=()))


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit(told: Callable[..., str], make_result: MakeResult, width: int) -> None:
    """Apart from commands, which stay on one line to be copied, no line is wider than the terminal."""
    lines = told(make_result(text="a long story " * 40), width).splitlines()
    wide = [line for line in lines if len(line) > width]

    assert [line for line in wide if line.split()[0] not in {"repeat", "next"}] == []


@pytest.mark.parametrize(
    "text",
    ["[bold red]x[/]", "[/nope]", "[link=https://x]y[/link]", ":smile:", "\x1b]0;title\x07", "\x9b31m", "\u202e"],
)
def test_a_provider_cannot_steer_the_terminal(
    make_console: MakeConsole, shown: Shown, make_result: MakeResult, text: str
) -> None:
    """Markup is shown as it came, control sequences are written out, on a terminal as in a file."""
    console = make_console(terminal=True)
    print_result(console, make_result(text=text, trouble=(text,)))
    without_styles = re.sub(r"\x1b\[[0-9;]*m", "", shown(console))

    assert all(char.isprintable() or char == "\n" for char in without_styles)
    if text.isprintable():
        assert f"found     {text}\n" in without_styles


def test_colours_only_help(make_console: MakeConsole, shown: Shown, make_result: MakeResult) -> None:
    """Without colours the same words are there, and with NO_COLOR no colour is."""
    plain, coloured, no_color = (
        make_console(),
        make_console(terminal=True),
        make_console(terminal=True, no_color=True),
    )
    for console in (plain, coloured, no_color):
        print_result(console, make_result())

    assert re.sub(r"\x1b\[[0-9;]*m", "", shown(coloured)) == shown(plain)
    assert re.search(r"\x1b\[[0-9;]*3[0-7]", shown(coloured))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", shown(no_color))


def test_a_terminal_with_ascii_only_is_enough(make_console: MakeConsole, shown: Shown, make_result: MakeResult) -> None:
    """No output ends in an encoding error: signs have plain forms, other letters become escapes."""
    console = make_console(encoding="ascii")
    print_result(console, make_result(text="höhö … ✓"))
    print_claims(console, make_result())

    assert "h\\xf6h\\xf6 \\u2026 \\u2713" in shown(console)
    assert "x fail" in shown(console)


def test_all_claims_can_be_listed(make_console: MakeConsole, shown: Shown, make_result: MakeResult) -> None:
    """Each has its sign, verdict, level, id, and how often it was seen or why not."""
    console = make_console()
    print_claims(console, make_result())

    assert [words(line) for line in shown(console).splitlines()] == [
        "parcels",
        "✓ pass promise kept seen 3 times",
        "✗ fail promise broken seen 2 times",
        "✗ fail inference shaky seen 1 time",
        "? unknown promise open PARCELS_TOKEN is not set",
        "",
    ]


def test_matrix_has_every_documented_answer(make_result: MakeResult, api: Api) -> None:
    """One row per operation, status and code of the spec, in its order, seen or not."""
    assert matrix(make_result(), [api]) == (
        MatrixRow("parcels", "getParcel", "200", "", 4),
        MatrixRow("parcels", "getParcel", "401", "bad_token", 2),
        MatrixRow("parcels", "getParcel", "401", "old_token", 0),
        MatrixRow("parcels", "getParcel", "404", "", 0),
        MatrixRow("parcels", "dropParcel", "204", "", 0),
    )


def test_matrix_of_an_api_that_was_not_part_of_the_run(api: Api) -> None:
    """Its answers are there, and none was seen."""
    rows = matrix(RunResult("sandbox", "smoke", 0, 0.0, 0.0, strict=False, apis=()), [api])

    assert {row.seen for row in rows} == {0}


def test_matrix_says_which_share_was_seen(make_console: MakeConsole, shown: Shown) -> None:
    """The share is rounded down, so that 100 % means all."""
    console = make_console()
    print_matrix(console, [MatrixRow("parcels", "getParcel", "200", "", n) for n in [1] * 299 + [0]])

    assert shown(console).splitlines()[-1] == "every documented (operation, status, code) seen: 299 of 300, 99 %"
    assert shown(console).count("never") == 1
