"""The status page says how all is doing, whose fault it is, and lets nothing in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.html_reader import Reader

from specwatch.errors import Problem
from specwatch.probing.events import Reloaded
from specwatch.values import Reason, Verdict
from specwatch.web import ApiStatus, BudgetStatus, JobStatus, ProbeStatus, Status, Trouble
from specwatch.web.page import FAULTS, ago, ahead, amount, latency, moment, render_page

NOW = 1_700_000_000.0


def page(*probes: ProbeStatus, **more: object) -> str:
    """What can be read on the page of one API."""
    api = ApiStatus("shop", "Shop", "live", probes, **more)  # type: ignore[arg-type]
    return Reader(render_page(Status(NOW, NOW - 60, (api,)))).text


def test_a_probe_is_told_in_full() -> None:
    """Verdict, since when, last and next run, and how long it took."""
    found = page(ProbeStatus("read", Verdict.PASS, None, "", NOW - 7200, NOW - 12, NOW + 48, 0.184))
    assert "The probe is well." in found
    assert "read well 2 h ago 12 s ago 184 ms in 48 s" in found


@pytest.mark.parametrize("reason", Reason)
def test_every_failure_says_whose_it_is(reason: Reason) -> None:
    """Each class of failure has a side and words, and one of our own network is ours."""
    whose, why = FAULTS[reason]
    assert f"failing {whose} : {why} it broke" in page(ProbeStatus("read", Verdict.FAIL, reason, "it broke"))
    assert "failing Our side :" in page(ProbeStatus("read", Verdict.FAIL, reason, "it broke", local=True))


def test_what_is_unknown_is_not_well() -> None:
    """A probe that cannot tell is shown as such, and the API and the page with it."""
    found = page(ProbeStatus("a", Verdict.PASS), ProbeStatus("b", Verdict.UNKNOWN, None, "SHOP_TOKEN is not set"))
    assert "Nothing is failing, but 1 of 2 probes cannot tell." in found
    assert "Shop unknown" in found
    assert "SHOP_TOKEN is not set" in found


def test_probes_that_do_not_run_count_for_nothing() -> None:
    """A failure of a probe that was switched off since then is not shown as one."""
    found = page(ProbeStatus("a", Verdict.FAIL, Reason.DNS, "gone", idle="switched off"))
    assert "Nothing is probed: no probe is switched on." in found
    assert "failing" not in found


def test_pauses_budgets_and_jobs_are_told() -> None:
    """What is left, until when nothing is sent, and what is still open."""
    found = page(
        budgets=(BudgetStatus("requests", 412, 1000), BudgetStatus("call", 1.5)),
        paused_until=NOW + 120,
        jobs=(JobStatus("j-1", "trip", NOW - 60, "poll"), JobStatus("j-2", "trip", NOW - 60, "submit", in_doubt=True)),
    )
    assert "left today: 412 of 1,000 requests" in found
    assert "left today: 1.50 calls" in found
    assert "it asked us to wait; requests go on in 2 min" in found
    assert "j-1 of trip, begun 1 min ago : next is poll" in found
    assert "it is not known whether this was done, ask the provider: submit" in found
    assert "asked us to wait" not in page(paused_until=NOW - 1)


@pytest.mark.parametrize(
    "budget, told",
    [
        (BudgetStatus("call", 30, 50), "30 of 50 calls"),
        (BudgetStatus("call", 1, 50), "1 of 50 calls"),
        (BudgetStatus("call", 1), "1 call"),
        (BudgetStatus("requests", 0, 1), "0 of 1 request"),
        (BudgetStatus("credits", 3), "3 credits"),
        (BudgetStatus("USD", 3), "3 USD"),
        (BudgetStatus("cost", 3), "3 cost"),
    ],
)
def test_a_number_goes_with_its_noun(budget: BudgetStatus, told: str) -> None:
    """One call, thirty calls; what is no noun to be counted stays as it is."""
    assert f"left today: {told} No probe" in page(budgets=(budget,))


def test_one_probe_is_no_probes() -> None:
    """The sentence at the top counts in words that fit."""
    assert "1 of 1 probe failing: Shop." in page(ProbeStatus("a", Verdict.FAIL))
    assert "1 of 1 probe cannot tell." in page(ProbeStatus("a", Verdict.UNKNOWN))
    assert "1 of 1 probe has not run yet" in page(ProbeStatus("a"))
    assert "2 of 2 probes have not run yet" in page(ProbeStatus("a"), ProbeStatus("b"))


def test_troubles_of_the_prober_are_told() -> None:
    """An overload, a refused configuration and a full disk are on the page, and only while they are there."""
    reload = Reloaded(ok=False, at=NOW - 75, problems=(Problem("schedule.yaml:3", "intervall", "interval", "mend"),))
    status = Status(NOW, NOW, reload=reload, saturated=True, troubles=(Trouble("record", "disk full", NOW),))
    found = Reader(render_page(status)).text
    for words in ("overloaded", "schedule.yaml:3: intervall; expected interval; mend", "record: disk full"):
        assert words in found
    quiet = Reader(render_page(Status(NOW, NOW, reload=Reloaded(ok=True, at=NOW)))).text
    assert not any(words in quiet for words in ("overloaded", "refused", "Trouble"))


texts = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{ 7*7 }}", "]]>"]
)
moments = st.none() | st.floats(-1e18, 1e18)


@given(name=texts, message=texts, at=moments, verdict=st.none() | st.sampled_from(Verdict))
def test_no_text_becomes_an_element(name: str, message: str, at: float | None, verdict: Verdict | None) -> None:
    """Whatever a target or a file says is shown as text: no script, no image, nothing from elsewhere."""
    probe = ProbeStatus(name, verdict, None, message, at, at, at, 0.1)
    job = JobStatus(name, message, NOW, name)
    api = ApiStatus(name, message, name, (probe,), (BudgetStatus(name, 1),), at, (job,))
    reader = Reader(render_page(Status(NOW, NOW, (api,), name, troubles=(Trouble(name, message, NOW),))))
    assert reader.open == []
    assert not {tag for tag, _ in reader.elements} & {"script", "img", "iframe", "object", "form"}
    assert {str(attrs["href"]).partition("=")[0] for _, attrs in reader.elements if "href" in attrs} == {
        "data:,",
        "metrics",
        "runbooks/",
        "runs?probe",
    }
    assert not any(key.startswith("on") for _, attrs in reader.elements for key in attrs)


def test_the_page_renews_itself_without_scripts() -> None:
    """A browser asks again by itself, and a phone shows the page in its own width."""
    elements = Reader(render_page(Status(NOW, NOW))).elements
    assert ("meta", {"http-equiv": "refresh", "content": "15"}) in elements
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in elements


def test_numbers_read_as_people_say_them() -> None:
    """Durations, moments and amounts at their edges."""
    assert [latency(each) for each in (0.0, 0.9994, 0.9999, 1.2, 59.9, 61)] == [
        "0 ms",
        "999 ms",
        "1.00 s",
        "1.20 s",
        "59.90 s",
        "1 min",
    ]
    assert [ago(NOW, NOW - each) for each in (-5, 0, 59, 60, 7200, 172_800)] == [
        "just now",
        "just now",
        "59 s ago",
        "1 min ago",
        "2 h ago",
        "2 d ago",
    ]
    assert [ahead(NOW, NOW + each) for each in (-9, 5)] == ["now", "in 5 s"]
    assert [amount(each) for each in (0.0, 1000.0, 1.5)] == ["0", "1,000", "1.50"]
    assert (moment(NOW), moment(1e18)) == ("2023-11-14T22:13:20Z", "")
