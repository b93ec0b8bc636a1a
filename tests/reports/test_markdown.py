"""Markdown for a pull request: the verdict first, within GitHub's limits, and nothing of a provider does anything."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from specwatch.contract.result import RunResult
from specwatch.reports.markdown import CURL_CHARACTERS, MAX_CHARACTERS, MAX_ROWS, to_markdown
from specwatch.reports.markup import code, details, fenced, one_line, table, words
from specwatch.reports.next_steps import Options
from specwatch.reports.remedies import remedy
from specwatch.spec import Api
from specwatch.values import Exchange, Verdict
from specwatch.values.baseline import Acceptance, Comparison
from specwatch.values.violation import Rate

MakeResult = Callable[..., RunResult]
GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"(<details><summary>[\w :,.()-]+</summary>|</details>)\n?")
INERT = {"inline", "text", "code_inline", "fence", "softbreak", "html_block", "hr", "strong_open", "strong_close"}
PARTS = {"table", "thead", "tbody", "tr", "th", "td", "paragraph", "heading", "bullet_list", "list_item"}
HOSTILE = (
    "</details><script>alert(1)</script>",
    "```\n</details>\n# owned\n```",
    "~~~\n`````` ` ``",
    "| a | b |\n|---|---|\n| c \\| d |",
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "@everyone #1 GH-1 www.evil.example https://evil.example",
    "&lt;b&gt; &#64; <b>bold</b> <!-- -->",
    "1. one\n- two\n> three\n***\n===\n---\n    four",
    "\\| \\` \\",
    "\u202egnirts \x1b[31m \0 \ud800 \u2028",
    "`",
    " ``` ",
    "$x$ **bold** __bold__ ~~gone~~ :smile:",
)


def tokens(markdown: str) -> Iterator[Token]:
    """All tokens, those within lines, too."""
    for token in GITHUB.parse(markdown):
        yield token
        yield from token.children or ()


def shown(markdown: str) -> str:
    """All text that a reader sees, without the invisible breaks."""
    parts = (token.content for token in tokens(markdown) if token.type in {"text", "code_inline", "fence"})
    return "\n".join(parts).replace("\u200b", "")


def check(markdown: str) -> None:
    """Nothing is in it but what we put there: no link, no picture, no element, no list or heading of somebody else."""
    for token in tokens(markdown):
        assert token.type in INERT or token.type.removesuffix("_open").removesuffix("_close") in PARTS, token
        if token.type == "html_block":
            assert OURS.fullmatch(token.content), token.content
    assert markdown.count("<details>") <= markdown.count("</details>")
    assert len(markdown) <= MAX_CHARACTERS


def headings(markdown: str) -> list[str]:
    """The headings as they are shown."""
    found = list(GITHUB.parse(markdown))
    return [after.content for token, after in pairwise(found) if token.type == "heading_open"]


@given(st.text(st.characters(codec=None), max_size=40) | st.sampled_from(HOSTILE))
@example("\\|")
@example("a\\")
@example("*")
@example("12) x")
def test_text_is_only_text(text: str) -> None:
    """In a line, a span, a block and a cell any text is shown as it is, and no part of it becomes markup."""
    wanted = one_line(text)
    for markdown in (words(text), f"- {words(text)}", f"x {words(text)} y", f"x {code(text)} y"):
        rendered = list(tokens(markdown))
        assert {token.type for token in rendered} <= {
            *INERT - {"html_block", "fence", "hr"},
            *(f"{part}_{side}" for part in ("paragraph", "bullet_list", "list_item") for side in ("open", "close")),
        }
        assert wanted in one_line(shown(markdown))


@given(st.lists(st.lists(st.text(st.characters(codec=None), max_size=20), min_size=2, max_size=2), max_size=3))
@example([["a | b", "`|`"], ["\\|", "``\\|``"], ["\\", "|"]])
@example([["", ""]])
def test_cells_keep_to_themselves(rows: list[list[str]]) -> None:
    """A table has as many rows and cells as it was given, each with its text, whatever that is."""
    markdown = table(("a", "b"), [(words(left), code(right)) for left, right in rows], numbers=1)
    found = list(GITHUB.parse(markdown))
    cells = [after for token, after in pairwise(found) if token.type == "td_open"]
    texts = ["".join(child.content for child in cell.children or ()).replace("\u200b", "") for cell in cells]

    assert [one_line(text) for text in texts] == [one_line(text) for row in rows for text in row]
    assert sum(token.type == "tr_open" for token in found) == len(rows) + 1


@given(st.text(st.characters(codec=None)))
@example("````\n```")
def test_a_block_ends_where_it_ends(text: str) -> None:
    """A block of code holds its text, whatever fences stand in it, and what follows is outside."""
    rendered = GITHUB.parse(f"{details('x', fenced([text]))}\n\nafter")

    assert [token.type for token in rendered if token.type == "fence"] == ["fence"]
    assert [token.content for token in rendered if token.type == "html_block"][-1].strip() == "</details>"
    assert rendered[-2].content == "after"


def test_the_verdict_comes_first(make_result: MakeResult, api: Api) -> None:
    """First line: the verdict; then a sentence with what is broken; then a row per API."""
    markdown = to_markdown(make_result(), [api])
    check(markdown)

    assert markdown.startswith(
        "## ❌ specwatch: fail\n\n"
        "**1 broken promise** in `parcels`; 1 claim kept, 1 broken that only warns, 1 unknown.\n"
    )
    assert "| `parcels` | ❌ fail | 1 | 1 | 1 | 1 | 6 | 1 | 0.2 s |" in markdown


@pytest.mark.parametrize(
    "changes, first",
    [
        ({"only": (Verdict.PASS,)}, "## ✅ specwatch: pass\n\n1 claim kept, 0 unknown."),
        (
            {"only": (Verdict.UNKNOWN,)},
            "## ❔ specwatch: unknown\n\n**Nothing could be established** for all that was asked about; 0 ",
        ),
        (
            {"interrupted": True},
            "## ❌ specwatch: fail (interrupted: what is known so far)\n\n**1 broken promise** in ",
        ),
        ({"strict": True}, "## ❌ specwatch: fail\n\n**2 broken claims** in `parcels`; 1 claim kept, 1 unknown."),
    ],
)
def test_every_verdict_has_its_words(make_result: MakeResult, api: Api, changes: dict[str, Any], first: str) -> None:
    """Pass, unknown, interrupted and strict runs each say what they are."""
    assert to_markdown(make_result(**changes), [api]).startswith(first)


def test_violations_are_told(make_result: MakeResult, api: Api) -> None:
    """A violation has what was expected and found one below the other, its place, and a command that repeats it."""
    result = make_result(text="no")
    markdown = to_markdown(result, [api])

    assert headings(markdown)[1:4] == [
        "2 violations",
        "❌ `parcels/broken` broken promise",
        "⚠️ `parcels/shaky` warning: broken inference",
    ]
    assert "```diff\n- expected  no\n+ found     no\n```" in markdown
    assert "`getParcel` · status 200 · at `/0` · `" in markdown
    assert "```sh\ncurl -i https://parcels.example/parcels/p1\n```" in markdown
    assert f"specwatch replay contract.json#{result.apis[0].violations[1].key}" in markdown


def test_a_sporadic_violation_says_its_rate(make_result: MakeResult, api: Api) -> None:
    """One that came back at some tries only is marked."""
    result = make_result()
    (api_result,) = result.apis
    violation = replace(api_result.violations[1], rate=Rate(1, 4))
    markdown = to_markdown(replace(result, apis=(replace(api_result, violations=(violation,)),)), [api])

    assert "\n\nfailed 1 of 4 tries: now and then, or depending on what was asked before\n\n" in markdown


def test_unknown_claims_have_a_next_step(make_result: MakeResult, api: Api) -> None:
    """They are grouped by reason, each reason with what to do about it."""
    markdown = to_markdown(make_result(), [api])

    assert "<summary>Unknown: 1 claim, by reason</summary>" in markdown
    assert "| 1 | PARCELS\\_TOKEN is not set | set it; a secret goes into the environment of the job | " in markdown


@pytest.mark.parametrize(
    "reason, step",
    [
        ("GET /x is paid; `--allow paid` permits it", "decide whether you want that, then `--allow`"),
        ("the budget of 40 requests is used up; --budget raises it", "`--budget N`"),
        ("the cost budget of 2 does not cover it; --max-cost raises it", "`--max-cost N`"),
        ("PARCEL is not set: the id of a parcel", "name something that exists on your account"),
        ("something else", ""),
    ],
)
def test_reasons_have_remedies(reason: str, step: str) -> None:
    """The most telling part of a reason decides; where nothing is known nothing is said."""
    assert remedy(reason) == step


def test_the_baseline_is_told(make_result: MakeResult, api: Api) -> None:
    """What is accepted is listed apart and no longer counted as broken; what ran out counts, what is gone is named."""
    result = make_result()
    shaky, broken = result.apis[0].violations
    known = Acceptance(broken.key, "parcels/broken", "the provider | knows", date(2026, 12, 31))
    gone = Acceptance("parcels/0000000000", "parcels/kept", "was so", date(2026, 12, 31))
    baseline = Comparison({broken.key: known}, {shaky.key: known}, (gone,), (gone,))
    (found,) = result.apis
    claims = tuple(replace(claim, accepted=claim.claim.id == "broken") for claim in found.claims)
    compared = replace(result, apis=(replace(found, claims=claims),), baseline=baseline)
    markdown = to_markdown(compared, [api])
    check(markdown)

    assert "1 claim kept, 1 broken that only warns, 1 broken and accepted, 1 unknown." in markdown
    assert "**1 accepted violation** not found any more" in to_markdown(replace(compared, strict=True), [api])
    assert "not any more: ran out on 2026-12-31" in markdown
    assert f"| `{broken.key}` | `parcels/broken` | the provider \\| knows | 2026-12-31 |" in markdown
    assert "#### ❌" not in markdown
    assert "| warned | accepted | unknown |" in markdown
    assert "| warned | unknown |" in to_markdown(result, [api])
    assert [heading.split(",")[0].split(":")[0] for heading in headings(markdown)[3:7]] == [
        "Accepted by the baseline",
        "No longer accepted",
        "Accepted",
        "Accepted",
    ]


def test_the_next_commands_keep_the_options(make_result: MakeResult, api: Api) -> None:
    """A command that repeats the run has its baseline; with a report, the replay names it, once."""
    markdown = to_markdown(make_result(), [api], Options(limits=("--baseline", "b.yaml"), report="run.json"))
    steps = markdown[markdown.index("### Go on from here") :].splitlines()

    assert all(" --baseline b.yaml" in line for line in steps if line.startswith("specwatch check "))
    assert [line.partition("#")[0] for line in steps if " replay " in line] == ["specwatch replay 'run.json"]


def test_drift_is_told_in_short(make_result: MakeResult, api: Api) -> None:
    """What is not documented is a line each behind a click."""
    markdown = to_markdown(make_result(text="x"), [api])

    assert "<summary>Drift: 1 thing seen, not documented, and allowed</summary>" in markdown
    assert "| `parcels getParcel` | field | `/x` | 2 |" in markdown


def test_trouble_is_told_before_violations(make_result: MakeResult, api: Api) -> None:
    """What kept the run from judging stands above what it found."""
    markdown = to_markdown(make_result(trouble=("the target answered 429",)), [api])

    assert headings(markdown)[1:3] == ["Trouble on the way, so not judged", "2 violations"]


def test_what_is_cut_is_said(make_result: MakeResult, api: Api) -> None:
    """However much is broken, the text fits a comment, and says how much is not in it."""
    markdown = to_markdown(make_result(text="<&`" * 400, violations=400, trouble=("|",) * 50), [api])
    check(markdown)

    blocks = markdown.count("\n#### ")
    assert 10 < blocks < 800
    assert f"… and {800 - blocks} more violations: cut here, all in the JSON report" in markdown
    assert f"… and {50 - MAX_ROWS} more lines in the JSON report" in markdown


def test_a_long_command_is_left_out(make_result: MakeResult, make_exchange: Callable[..., Exchange], api: Api) -> None:
    """Half a command is of no use."""
    result = make_result()
    (api_result,) = result.apis
    exchange = make_exchange(url=f"https://parcels.example/{'x' * CURL_CHARACTERS}")
    violation = replace(api_result.violations[1], exchange=exchange)
    markdown = to_markdown(replace(result, apis=(replace(api_result, violations=(violation,)),)), [api])

    assert "```sh\n# 3,032 characters long: the JSON report has the request\n```" in markdown


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(make_result: MakeResult, api: Api, text: str) -> None:
    """Whatever a provider answers is shown in full and becomes no markup, wherever in the report it stands."""
    markdown = to_markdown(make_result(text=text, trouble=(text,)), [api])
    check(markdown)

    assert one_line(text) in one_line(shown(markdown))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(text=st.text(st.characters(codec=None)))
def test_any_text_stays_text(make_result: MakeResult, api: Api, text: str) -> None:
    """The same for any text."""
    check(to_markdown(make_result(text=text, trouble=(text,)), [api]))


def test_real_runs_are_told(real_run: RunResult, api: Api) -> None:
    """Each violation of a real run has its heading."""
    markdown = to_markdown(real_run, [api])
    check(markdown)

    assert markdown.count("\n#### ") == len(real_run.apis[0].violations)
