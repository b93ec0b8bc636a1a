"""The page in a real browser: it keeps to itself, fits a phone, can be read in both themes and used by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.browser import Browser, Tab

from specwatch.contract.result import RunResult
from specwatch.reports.html import to_html
from specwatch.spec import Api
from specwatch.values import Exchange, Level, Verdict, Violation

pytestmark = pytest.mark.needs("chromium")

WORD = "W" * 3_000
HOSTILE = f"</script><script>document.title='taken'</script><img src=http://127.0.0.1:9/x>\u202e{WORD}"
OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"

CONTRAST = """
(() => {
  const parts = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const colour = parts(getComputedStyle(element).color);
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(poor)];
})()
"""

FOCUSABLE = """
[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
  .filter((each) => each.checkVisibility()).map((each, index) => { each.dataset.number = index; return index; })
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this module."""
    with Browser() as running:
        yield running


@pytest.fixture
def result(
    make_result: Callable[..., RunResult],
    make_violation: Callable[..., Violation],
    make_exchange: Callable[..., Exchange],
    with_violations: Callable[..., RunResult],
) -> RunResult:
    """A run with a wrong field, a warning, and a target that says hostile things in every place."""
    answer = json.dumps({"id": "p1", "items": [{"count": each} for each in range(60)], "rude": HOSTILE}).encode()
    phases = {"connect": 0.1, "request": 0.01, "processing": 0.3, "transfer": 0.02}
    basis = make_exchange(answer=answer, phases=phases, headers=(("X-Rude", HOSTILE),), body=b'{"a": 1}')
    rude = replace(basis, id="rude", operation=WORD, response=replace(basis.response, reason=HOSTILE))
    plain = replace(basis, id="plain")
    found = (
        make_violation(kind="schema", message="A 200 answer: 41 is too many.", where="/items/41/count", exchange=basis),
        make_violation(kind="claim", message=HOSTILE, expected=HOSTILE, found=HOSTILE, where="/rude", exchange=rude),
        make_violation(claim="shaky", level=Level.INFERENCE, message="Shaky.", expected='"a1"', found='"a2"'),
    )
    run = make_result(target=f"https://parcels.example/{WORD}", trouble=(HOSTILE,), text="it was not so")
    return with_violations(run, found, (basis, rude, plain))


@pytest.fixture
def tab(browser: Browser, result: RunResult, api: Api, tmp_path: Path) -> Tab:
    """A tab that shows the page of that run, as a desktop does."""
    path = tmp_path / "report.html"
    path.write_text(to_html(result, [api]), encoding="utf-8")
    tab = browser.tab()
    tab.resize(1200)
    tab.theme("light")
    tab.open(path)
    return tab


def test_the_page_asks_for_nothing_and_runs_nothing_foreign(tab: Tab) -> None:
    """The only request is the file itself, the console stays empty, and no text of a target becomes code."""
    tab.run(OPEN_ALL)
    assert [url.rpartition("/")[2] for url in tab.requests] == ["report.html"]
    assert tab.errors == []
    assert tab.run("document.title") != "taken"
    assert tab.run("document.images.length + document.scripts.length") == 1


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_scrolls_sideways(tab: Tab, width: int) -> None:
    """With everything opened and words of thousands of letters, the page is as wide as the screen."""
    tab.resize(width)
    tab.run(OPEN_ALL)
    assert tab.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(tab: Tab, scheme: str) -> None:
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3) in both themes, computed from what is drawn."""
    tab.theme(scheme)
    tab.run(OPEN_ALL)
    tab.run("document.querySelector('.told').textContent = 'shown'")
    assert tab.run(CONTRAST) == []
    back = tab.run("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(245, 246, 248)") == (scheme == "light")


def test_the_offending_place_is_marked(tab: Tab) -> None:
    """The value in the middle of a long list is marked and in sight, with words beside it."""
    found = tab.run(
        "[...document.querySelectorAll('.finding')][0].querySelector('.message:last-child mark')"
        ".closest('.l').innerText"
    )
    assert found.strip() == '"count": 41 ◂ look here'
    assert tab.run("document.querySelector('.finding .message:last-child mark').getBoundingClientRect().height") > 0


def test_the_filter_shows_what_was_asked_for(tab: Tab) -> None:
    """By verdict, by level and by words; and it says how many are left."""
    shown = "[...document.querySelectorAll('[data-item]')].filter((each) => !each.hidden).length"
    change = "document.querySelector('.filter').dispatchEvent(new Event('input'))"
    assert tab.run(shown) == 7
    tab.run(f"document.querySelector('[value=pass]').click(), document.querySelector('[value=fail]').click(), {change}")
    assert tab.run(shown) == 1
    assert tab.run("document.querySelector('.told').textContent") == "0 violations and 1 claim shown"
    tab.run("document.querySelector('.filter').reset()")
    tab.run(f"document.querySelector('[name=level]').value = 'inference', {change}")
    assert tab.run("document.querySelector('.told').textContent") == "1 violation and 1 claim shown"
    tab.run(f"document.querySelector('[name=words]').value = 'no such words', {change}")
    assert tab.run(shown) == 0


def test_the_tab_key_reaches_everything(tab: Tab) -> None:
    """From the skip link to the last exchange, in the order of the page, and each shows that it has the focus."""
    everything = tab.run(FOCUSABLE)
    assert len(everything) > 20
    reached = []
    for _ in everything:
        tab.press("Tab", code=9)
        reached.append(int(tab.run("document.activeElement.dataset.number")))
        assert tab.run("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == everything
    assert tab.run("document.querySelector('.skip').dataset.number") == "0"


def test_a_link_opens_what_it_leads_to(tab: Tab) -> None:
    """A violation that is closed opens when somebody follows a link to it, and an exchange in the list, too."""
    tab.run("location.hash = document.querySelectorAll('.finding')[2].id")
    assert tab.run("new Promise((done) => setTimeout(() => done(document.querySelectorAll('.finding')[2].open)))")
    tab.run("location.hash = 'x-3'")
    opened = "document.querySelector('#x-3 > details').open && document.querySelector('#x-3').checkVisibility()"
    assert tab.run(f"new Promise((done) => setTimeout(() => done({opened})))")


def test_copying_says_that_it_did(tab: Tab) -> None:
    """The button's word changes, whether the browser gives the clipboard or the text has to be selected."""
    tab.run("document.querySelector('.finding[open] button.copy').click()")
    word = "document.querySelector('.finding[open] button.copy').firstChild.textContent"
    assert tab.run(f"new Promise((done) => setTimeout(() => done({word}), 100))") in {"Copied", "Selected"}


def test_without_its_script_everything_can_be_read(tab: Tab) -> None:
    """No dead controls, and every text is still there."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(tab.path)
    controls = "[...document.querySelectorAll('form, button')].filter((each) => each.checkVisibility()).length"
    assert tab.run(controls) == 0
    assert "41 is too many" in tab.run("document.querySelector('.finding').innerText")


def test_on_paper_closed_parts_are_open(tab: Tab) -> None:
    """What is folded on a screen is printed, and what can only be clicked is not."""
    tab.theme("light", "print")
    assert tab.run("document.querySelectorAll('.finding')[2].querySelector('.sides').checkVisibility()")
    assert not tab.run("document.querySelector('.filter').checkVisibility()")


def test_tables_stay_tables_on_a_phone(tab: Tab) -> None:
    """Stacked cells keep their roles and headers for who cannot see them."""
    tab.resize(360)
    tree = tab.call("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    assert ("table", "The APIs of this run") in named
    assert ("rowheader", "parcels") in named
    assert {role for role, _ in named} >= {"banner", "main", "navigation", "search", "contentinfo", "heading"}


def test_unknown_is_not_green(
    browser: Browser, make_result: Callable[..., RunResult], api: Api, tmp_path: Path
) -> None:
    """A run that established nothing has no green in it, in words, signs and colours."""
    path = tmp_path / "unknown.html"
    path.write_text(to_html(make_result(only=(Verdict.UNKNOWN,)), [api]), encoding="utf-8")
    tab = browser.tab()
    tab.open(path)
    assert tab.run("document.querySelector('.verdict').className") == "verdict unknown"
    assert tab.run("document.querySelectorAll('.card > table.overview .mark.pass, .claims .mark.pass').length") == 0
    assert "says nothing" in tab.run("document.querySelector('#violations').innerText")
