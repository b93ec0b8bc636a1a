"""The page holds all that a run found, lets nothing in, and stays small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specwatch.contract.result import RunResult
from specwatch.reports.html import to_html
from specwatch.reports.next_steps import Options
from specwatch.spec import Api
from specwatch.values import Drift, Exchange, Response, Verdict, Violation
from specwatch.values.baseline import Acceptance, Comparison
from specwatch.values.violation import Rate, Sighting

HOSTILE = "</script></style></details><script>alert(1)</script><img src=x onerror=alert(1)>\x00\x1b[31m\u202e\ud800"
Read = Callable[[RunResult], "Reader"]  # type: ignore[name-defined]  # noqa: F821 - of conftest


def test_every_kind_of_run_makes_a_page(real_run: RunResult, read: Read) -> None:
    """Honest, faulty, interrupted and unknown runs: well-formed, and as UTF-8."""
    page = read(real_run)
    assert page.open == []
    assert ("html", {"lang": "en"}) in page.elements
    assert real_run.profile in page.text


def test_a_violation_is_told_in_full(faulty: RunResult, read: Read, api: Api) -> None:
    """Claim, level, both sides, request, response, the place, and how to see it again."""
    page = read(faulty)
    violation = next(each for each in faulty.apis[0].violations if each.claim == "getParcel/200")
    for words in (
        violation.message,
        violation.expected,
        "parcels/getParcel/200",
        "broken promise",
        "GET http://127.0.0.1",
        "HTTP/1.1 200",
        "look here",
        f"specwatch replay report.json#{violation.id}".replace("report", "'report"),
        "curl -i",
        f"specs/{api.path.name}" if api.path.parent.name == "specs" else api.path.name,
    ):
        assert words in page.text
    assert page.having("id", f"v-parcels-{violation.id}")
    assert [tag for tag, _ in page.elements].count("mark") >= 2
    assert "✗ broken 1\N{MULTIPLICATION SIGN}, 2 violations" in page.text


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(max_size=60) | st.just(HOSTILE),
    body=st.binary(max_size=60) | st.just(HOSTILE.encode("utf-8", "surrogatepass")),
)
def test_nothing_that_a_target_says_gets_in(
    text: str, body: bytes, make_result: Callable[..., RunResult], make_violation: Callable[..., Violation], api: Api,
    make_exchange: Callable[..., Exchange], with_violations: Callable[..., RunResult],
) -> None:  # fmt: skip
    """Texts in every field: no element of theirs, no attribute, nothing that cannot be seen, all as UTF-8."""
    basis = make_exchange(headers=((text, text),), body=body, url=f"https://h/{text}", credentials={text: text})
    answer = replace(
        basis.response, headers=(("Content-Type", "application/json"), (text, text)), body=body, reason=text
    )
    exchange = replace(basis, response=answer, operation=text)
    kinds = ("json", "claim", "schema", "credentials", "series", "status")
    parts = {"message": text, "expected": text, "found": text, "where": text}
    found = [make_violation(kind=kind, exchange=exchange, **parts) for kind in kinds]
    result = make_result(text=text, target=text, trouble=(text,))
    page = to_html(with_violations(result, found, [exchange]), [api])
    assert page.encode().decode() == page
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]", page)
    assert page.count("<script") == 1
    assert page.count("<style") == 1
    assert not re.search(r"<(?:img|iframe|object|embed|base|frame|video|audio)\b", page)
    assert not re.search(r"<[^>]*\s(?:on\w+|style|src)=", page)
    assert len(re.findall("<details", page)) == len(re.findall("</details>", page))


def test_the_policy_allows_this_style_and_this_script_only(make_result: Callable[..., RunResult], api: Api) -> None:
    """Everything else is forbidden, and the hashes are those of what stands on the page."""
    page = to_html(make_result(), [api])
    policy = next(iter(re.findall(r'Content-Security-Policy" content="([^"]*)"', page))).replace("&#39;", "'")
    for tag in ("style", "script"):
        text = next(iter(re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)))
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r'(?:href|src)="(?!#|data:,")', page)


@pytest.mark.parametrize("number, most", [(0, 400_000), (500, 10_000_000), (2_500, 10_500_000)])
def test_no_violation_is_lost_and_the_page_stays_small(
    number: int, most: int, make_result: Callable[..., RunResult], make_violation: Callable[..., Violation],
    make_exchange: Callable[..., Exchange], with_violations: Callable[..., RunResult], api: Api,
) -> None:  # fmt: skip
    """However many there are, and whatever their bodies weigh, each has its place on the page."""
    body = json.dumps([{"id": each, "name": "<&>" * 20} for each in range(10_000)]).encode()
    basis = make_exchange(answer=body)
    exchanges = [replace(basis, id=f"e{each}") for each in range(number)]
    found = [make_violation(kind="schema", where=f"/{at}/id", exchange=each) for at, each in enumerate(exchanges)]
    page = to_html(with_violations(make_result(), found, exchanges), [api])
    assert page.count('<details class="finding ') == number
    assert len(page.encode()) < most
    if number == 500:
        assert page.count("left out") >= number, "each says what was left out"


def test_a_deep_run_says_what_was_left_out(
    make_result: Callable[..., RunResult], make_exchange: Callable[..., Exchange], api: Api
) -> None:
    """Six thousand exchanges with large bodies are all listed; those that cannot be opened are counted."""
    basis = make_exchange(answer=b'{"a": "' + b"<>" * 50_000 + b'"}')
    exchanges = tuple(replace(basis, id=f"e{each}") for each in range(6_000))
    page = to_html(replace(make_result(only=(Verdict.PASS,)), exchanges=exchanges), [api])
    assert page.count('<li id="x-') == 6_000
    assert len(page.encode()) < 6_000_000
    assert "exchanges cannot be opened here, to keep the page small" in page


def test_recorded_traffic_is_not_called_requests(make_result: Callable[..., RunResult], read: Read) -> None:
    """Nothing was sent, and the page says so."""
    result = make_result()
    recorded = replace(result, apis=tuple(replace(each, requests=0) for each in result.apis))
    assert "1 exchange; nothing was sent" in read(recorded).text


def test_sporadic_and_accepted_violations_say_so(
    make_result: Callable[..., RunResult], make_violation: Callable[..., Violation], read: Read,
    with_violations: Callable[..., RunResult],
) -> None:  # fmt: skip
    """Rates, and what the baseline says of each: accepted, run out, gone, not checked."""
    known, old, flaky = (make_violation(where=f"/{each}") for each in "abc")
    flaky = replace(flaky, rate=Rate(2, 5))

    def entry(key: str, reason: str) -> Acceptance:
        return Acceptance(key, "parcels/broken", reason, date(2026, 12, 31))

    baseline = Comparison(
        {known.key: entry(known.key, "ticket 12")},
        {old.key: entry(old.key, "ticket 7")},
        (entry("parcels/0", "ticket 1"),),
        (entry("parcels/1", "ticket 2"),),
    )
    page = read(replace(with_violations(make_result(), (known, old, flaky)), baseline=baseline)).text
    for words in (
        "accepted until 2026-12-31",
        "Baseline: ticket 12",
        "acceptance ran out after 2026-12-31",
        "sometimes: 2 of 5 tries failed",
        "new: not in the baseline",
        "Gone: looked for and not found",
        "parcels/0 (parcels/broken), until 2026-12-31: ticket 1",
        "warned accepted unknown",
        "Not checked: their claims are unknown",
    ):
        assert words in page


def test_drift_is_shown_with_its_example(make_result: Callable[..., RunResult], read: Read) -> None:
    """What was seen, how often, when first and last, and an example."""
    result = make_result()
    sighting = Sighting(Drift("parcels", "getParcel", "field", "/eta"), 3, 1_700_000_000, 1_700_000_060, 200, '"soon"')
    page = read(replace(result, apis=(replace(result.apis[0], sightings=(sighting,)),))).text
    assert 'field /eta getParcel 3 times, 2023-11-14T22:13:20.000Z to 2023-11-14T22:14:20.000Z "soon"' in page


def test_answers_that_were_not_seen_say_why(make_result: Callable[..., RunResult], read: Read) -> None:
    """The matrix counts what came, and gives the reason for what did not."""
    page = read(make_result()).text
    assert "2 of 5 seen" in page
    assert "old_token not seen" in page
    assert "not part of this run" in page


def test_the_commands_that_lead_on_are_there(make_result: Callable[..., RunResult], api: Api) -> None:
    """With the options of the run where they are known, else with a word that they have to be added."""
    result = make_result()
    assert "Add the options of your run" in to_html(result, [api])
    told = to_html(result, [api], Options(limits=("--budget", "50")))
    assert "--budget 50" in told
    assert "Add the options of your run" not in told


def test_a_binary_answer_and_a_bodiless_one_are_shown(
    make_result: Callable[..., RunResult], make_exchange: Callable[..., Exchange], read: Read
) -> None:
    """Bytes are shown as such, and none as none."""
    basis = make_exchange()
    binary = replace(basis, response=Response(200, (("Content-Type", "image/png"),), b"\x89PNG\xff"))
    page = read(
        replace(
            make_result(only=(Verdict.PASS,)),
            exchanges=(binary, replace(basis, id="b", response=Response(204, (), b""))),
        )
    )
    assert "5 bytes, no text" in page.text
    assert "no body" in page.text
