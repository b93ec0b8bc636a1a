"""Baselines: what is accepted does not fail a run, what is new does, and a wrong file says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.loopback import shop_api

from specwatch.cli.check.baseline import read
from specwatch.cli.check.request import Given
from specwatch.cli.names import Complaints
from specwatch.contract.baseline import FORM, LONGEST_DAYS, applied, check_extensible, compare, listed, load_baseline
from specwatch.contract.ledger import ClaimResult
from specwatch.contract.result import ApiResult, RunResult, exit_code
from specwatch.errors import WorkspaceError
from specwatch.spec import Api
from specwatch.values import Claim, Level, Scenario, Verdict, Violation
from specwatch.values.baseline import Acceptance, Baseline
from specwatch.workspace import Workspace

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
API = shop_api()

ENTRY = """\
  - violation: shop/0123456789
    claim: shop/id-echoed
    reason: the provider mends it
    until: 2026-06-30
"""
HEAD = "schema: specwatch.baseline/1\naccepted:\n"


def violation(claim: str, where: str = "", level: Level = Level.PROMISE) -> Violation:
    """A violation of a claim of the shop."""
    return Violation("shop", claim, level, "getItem", "claim", f"Not so: {claim}.", "this", "that", where)


def make_result(
    *found: Violation,
    unknown: tuple[str, ...] = (),
    kept: tuple[str, ...] = ("kept",),
    strict: bool = False,
    established: bool = True,
) -> RunResult:
    """A run at noon of the day that found these violations."""
    levels = {each.claim: each.level for each in found}
    claims = [ClaimResult(_claim(name, level), Verdict.FAIL, 1, None, 1) for name, level in levels.items()]
    claims += [ClaimResult(_claim(name), Verdict.PASS, 1, None) for name in kept]
    claims += [ClaimResult(_claim(name), Verdict.UNKNOWN, 0, "why") for name in unknown]
    verdict = Verdict.FAIL if any(strict or level is Level.PROMISE for level in levels.values()) else Verdict.PASS
    api = ApiResult("shop", verdict, 1, 0.0, 0.0, tuple(claims), found, {}, {}, established=established)
    return RunResult("live", "smoke", 1, NOON, 1.0, strict, (api,))


def beside_another(result: RunResult, *, unknown: bool = False) -> RunResult:
    """The run with a second API, whose claim is kept or unknown; nothing was established about it in that case."""
    verdict = Verdict.UNKNOWN if unknown else Verdict.PASS
    claim = ClaimResult(replace(_claim("kept"), api="other"), Verdict.PASS, 1, None)
    other = replace(
        result.apis[0], id="other", verdict=verdict, claims=(claim,), violations=(), established=not unknown
    )
    return replace(result, apis=(*result.apis, other))


def _claim(name: str, level: Level = Level.PROMISE) -> Claim:
    return Claim("shop", name, level, name, "here", Scenario(), frozenset({"getItem"}))


def accept(*found: Violation, days: int = 10) -> Baseline:
    """A baseline that accepts these violations for so many days more."""
    until = DAY + timedelta(days=days)
    acceptances = [Acceptance(v.key, f"shop/{v.claim}", "known", until, "b.yaml:3", "smoke") for v in found]
    return Baseline({each.violation: each for each in acceptances})


def test_an_accepted_violation_does_not_fail() -> None:
    """The run passes, the violation stays in it, and its claim is still told as broken."""
    known = violation("a")
    result = applied(make_result(known), accept(known))

    assert (result.verdict, exit_code(result), result.broken_promises) == (Verdict.PASS, 0, 0)
    assert result.apis[0].violations == (known,)
    assert [(each.claim.id, each.verdict, each.accepted) for each in result.apis[0].claims] == [
        ("a", Verdict.FAIL, True),
        ("kept", Verdict.PASS, False),
    ]


def test_a_new_violation_fails() -> None:
    """A violation of an accepted claim with another id is new, and the claim is not accepted as a whole."""
    known, new = violation("a", "/x"), violation("a", "/y")
    result = applied(make_result(known, new), accept(known))

    assert result.verdict is Verdict.FAIL
    assert (result.accepts(known), result.accepts(new), result.broken_promises) == (True, False, 1)
    assert not result.apis[0].claims[0].accepted


@pytest.mark.parametrize("days, verdict", [(1, Verdict.PASS), (0, Verdict.PASS), (-1, Verdict.FAIL)])
def test_it_is_accepted_until_its_last_day(days: int, verdict: Verdict) -> None:
    """On its last day it is accepted, on the next it fails."""
    known = violation("a")
    result = applied(make_result(known), accept(known, days=days))

    assert result.verdict is verdict
    assert result.baseline is not None
    assert (known.key in result.baseline.expired) is (days < 0)


@pytest.mark.parametrize("strict, verdict", [(False, Verdict.PASS), (True, Verdict.FAIL)])
def test_what_is_gone_fails_a_strict_run(*, strict: bool, verdict: Verdict) -> None:
    """An entry whose claim is kept is told as gone, and fails where the run is strict."""
    result = applied(make_result(kept=("a",), strict=strict), accept(violation("a")))

    assert result.baseline is not None
    assert [each.claim for each in result.baseline.gone] == ["shop/a"]
    assert (result.verdict, exit_code(result)) == (verdict, 1 if strict else 0)


def test_what_is_gone_fails_its_own_api_only() -> None:
    """Another API of the same strict run passes."""
    run = beside_another(make_result(kept=("a",), strict=True))
    result = applied(run, accept(violation("a")))

    assert [(api.id, api.verdict) for api in result.apis] == [("shop", Verdict.FAIL), ("other", Verdict.PASS)]


def test_what_could_not_be_looked_for_is_not_gone() -> None:
    """An entry whose claim is unknown, or whose run was interrupted, is unchecked: no strict run fails for it."""
    baseline = accept(violation("a"))
    unknown = applied(make_result(unknown=("a",), strict=True), baseline)
    interrupted = compare(replace(make_result(kept=("a",)), interrupted=True), baseline)

    assert unknown.baseline is not None
    assert (unknown.baseline.gone, len(unknown.baseline.unchecked), unknown.verdict) == ((), 1, Verdict.PASS)
    assert (interrupted.gone, len(interrupted.unchecked)) == ((), 1)


@pytest.mark.parametrize(
    "found_by, profile, is_gone",
    [
        ("smoke", "smoke", True),
        ("smoke", "deep", True),
        ("standard", "smoke", False),
        ("deep", "standard", False),
        ("", "smoke", False),
        ("", "standard", True),
    ],
)
def test_only_a_run_as_large_finds_that_something_is_gone(found_by: str, profile: str, *, is_gone: bool) -> None:
    """A smaller profile need not send what shows it; an entry without one counts as found by the standard profile."""
    (entry,) = accept(violation("a")).acceptances.values()
    baseline = Baseline({entry.violation: replace(entry, profile=found_by)})
    comparison = compare(replace(make_result(kept=("a",)), profile=profile), baseline)

    assert (len(comparison.gone), len(comparison.unseen)) == ((1, 0) if is_gone else (0, 1))
    assert comparison.scope == "profile"


def test_a_part_of_a_run_finds_nothing_gone() -> None:
    """A selection sends less, and recorded traffic is what it is: no strict run fails for what is not in it."""
    baseline = accept(violation("a"))
    narrowed = applied(make_result(kept=("a",), strict=True), baseline, narrowed=True)
    traffic = replace(make_result(kept=("a",)), target="recorded")
    recorded, part = compare(traffic, baseline), compare(traffic, baseline, narrowed=True)

    assert narrowed.baseline is not None
    assert (narrowed.verdict, narrowed.baseline.scope, len(narrowed.baseline.unseen)) == (Verdict.PASS, "selection", 1)
    assert (recorded.scope, recorded.gone, len(recorded.unseen)) == ("traffic", (), 1)
    assert part.scope == "traffic"  # a larger selection would not have found more in it


def test_what_the_run_is_not_about_is_left_out() -> None:
    """Entries of claims that are not part of the run are neither gone nor unchecked."""
    comparison = compare(make_result(kept=("other",), strict=True), accept(violation("a")))

    assert (comparison.gone, comparison.unchecked, comparison.accepted) == ((), (), {})


def test_accepted_warnings_do_not_fail_a_strict_run() -> None:
    """A broken inference fails a strict run, unless it is accepted."""
    known = violation("a", level=Level.INFERENCE)
    assert make_result(known, strict=True).verdict is Verdict.FAIL
    assert applied(make_result(known, strict=True), accept(known)).verdict is Verdict.PASS


def test_nothing_established_is_no_pass() -> None:
    """Where only refusals of bad credentials were seen, accepting what is broken establishes nothing."""
    known = violation("a")
    assert applied(make_result(known, established=False), accept(known)).verdict is Verdict.UNKNOWN


def test_one_api_establishes_nothing_about_another() -> None:
    """Beside an API that answered well, one whose breach is accepted stays unknown if it only refused."""
    known = violation("a")
    result = applied(beside_another(make_result(known, established=False)), accept(known))

    assert [(api.id, api.verdict) for api in result.apis] == [("shop", Verdict.UNKNOWN), ("other", Verdict.PASS)]


def test_an_unknown_api_never_passes() -> None:
    """Accepting what an API breaks says nothing about another one that is unknown, whatever it seems to keep."""
    known = violation("a")
    result = applied(beside_another(make_result(known), unknown=True), accept(known))
    alone = applied(make_result(kept=(), unknown=("a",)), accept(known))

    assert [(api.id, api.verdict) for api in result.apis] == [("shop", Verdict.PASS), ("other", Verdict.UNKNOWN)]
    assert alone.verdict is Verdict.UNKNOWN


def test_a_claim_weighs_what_is_left_of_it() -> None:
    """Where the broken promise is accepted and a broken inference of the same claim is not, the claim warns."""
    promise, inference = violation("a", "/x"), violation("a", "/y", Level.INFERENCE)
    run = make_result(inference, promise)
    results = [applied(replace(run, strict=strict), accept(promise)) for strict in (False, True)]

    assert [result.verdict for result in results] == [Verdict.PASS, Verdict.FAIL]
    claim = results[0].apis[0].claims[0]
    assert (claim.accepted, claim.level, results[0].warnings) == (False, Level.INFERENCE, 1)


CLAIMS = st.sampled_from(["a", "b", "c"])


@given(
    found=st.lists(st.builds(violation, CLAIMS, st.sampled_from(["", "/x"])), unique_by=lambda v: v.key),
    known=st.lists(st.builds(violation, CLAIMS, st.sampled_from(["", "/x"])), unique_by=lambda v: v.key),
    days=st.integers(-2, 2),
    strict=st.booleans(),
)
def test_every_entry_has_one_place(found: list[Violation], known: list[Violation], days: int, *, strict: bool) -> None:
    """Each entry is accepted, expired, missing in one way or left out; a run passes if and only if nothing is left."""
    result = applied(make_result(*found, strict=strict), accept(*known, days=days))

    comparison = result.baseline
    assert comparison is not None
    places = [*comparison.accepted, *comparison.expired]
    places += [each.violation for each in (*comparison.gone, *comparison.unseen, *comparison.unchecked)]
    assert len(places) == len(set(places))
    assert set(places) <= {each.key for each in known}
    new = {each.key for each in found} - set(comparison.accepted)
    assert (result.verdict is Verdict.FAIL) == bool(new or (strict and comparison.gone))


Load = Callable[[str], Baseline]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads the text of a baseline, its names looked up in the shop."""

    def read(text: str) -> Baseline:
        path = tmp_path / "baseline.yaml"
        path.write_text(text, encoding="utf-8")
        return load_baseline(path, ["shop"], lambda _: API, DAY).baseline

    return read


def test_a_baseline_is_read(load: Load) -> None:
    """Every part of an entry is there, with its line."""
    (entry,) = load(HEAD + ENTRY).acceptances.values()

    assert (entry.violation, entry.claim, entry.reason) == (
        "shop/0123456789",
        "shop/id-echoed",
        "the provider mends it",
    )
    assert (entry.until, entry.where.rpartition(":")[2]) == (date(2026, 6, 30), "3")


@pytest.mark.parametrize("text", [HEAD.replace("accepted:", "accepted: []"), f"# why\n{HEAD}{ENTRY}  # more\n"])
def test_small_files_are_fine(load: Load, text: str) -> None:
    """An empty list, and comments anywhere."""
    load(text)


@pytest.mark.parametrize(
    "text, told",
    [
        ("", ["", "is empty"]),
        ("- a", ["", "holds a list"]),
        ("accepted: []", ["1", "no 'schema'"]),
        ("schema: specwatch.baseline/2\naccepted: []", ["1", 'schema is "specwatch.baseline/2"']),
        ("schema: specwatch.baseline/1", ["1", "no 'accepted'"]),
        (HEAD, ["2", "accepted is null"]),
        (f"{HEAD}  - shop/0123456789\n", ["3", "accepted.0 is"]),
        (HEAD + ENTRY.replace("until", "untill"), ["6", "unknown key 'accepted.0.untill'"]),
        (HEAD + ENTRY.replace("the provider mends it", '""'), ["5", "mend: write why it is accepted"]),
        (HEAD + ENTRY.replace("the provider mends it", '"  "'), ["5", "accepted.0.reason is"]),
        (HEAD + ENTRY.replace("the provider mends it", "7"), ["5", "accepted.0.reason is 7"]),
        (HEAD + ENTRY.replace("2026-06-30", "2026-06-31"), ["6", "accepted.0.until is"]),
        (HEAD + ENTRY.replace("2026-06-30", "soon"), ["6", "expected: a day such as 2030-01-31"]),
        (HEAD + ENTRY.replace("2026-06-30", "0000-01-01"), ["6", "until is"]),
        (HEAD + ENTRY.replace("2026-06-30", '""'), ["6", "mend: write the last day on which it is accepted"]),
        (f"{HEAD}{ENTRY}    profile: small\n", ["7", "expected: smoke, standard or deep"]),
        (HEAD + ENTRY.replace("0123456789", "012345678"), ["3", "ten hexadecimal digits"]),
        (HEAD + ENTRY.replace("shop/0", "shpo/0"), ["3", "mend: did you mean shop?"]),
        (HEAD + ENTRY.replace("id-echoed", "id-echod"), ["4", "mend: did you mean shop/id-echoed?"]),
        (HEAD + ENTRY.replace("shop/id-echoed", "other/id-echoed"), ["4", "is not of shop"]),
        (HEAD + ENTRY + ENTRY, ["7", "is listed in line 3 already"]),
        (f"{HEAD}  - {{violation: a", ["", "is not YAML"]),
    ],
)
def test_a_wrong_file_says_so(load: Load, text: str, told: list[str]) -> None:
    """File, line, what is wrong and how to mend it."""
    with pytest.raises(WorkspaceError) as error:
        load(text)

    line, words = told
    assert words in str(error.value)
    if line:
        assert re.search(rf"baseline\.yaml:{line}: ", str(error.value))


def test_all_problems_are_told_at_once(load: Load) -> None:
    """In the order of their lines."""
    wrong = ENTRY.replace("id-echoed", "nothing") + ENTRY.replace("mends it", "").replace("the provider", '""')
    with pytest.raises(WorkspaceError) as error:
        load(HEAD + wrong)

    lines = [int(each.where.rpartition(":")[2]) for each in error.value.problems]
    assert lines == sorted(lines)
    assert len(lines) == 2


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """It is named, and nothing else happens."""
    with pytest.raises(WorkspaceError, match=r"none\.yaml: cannot be read"):
        load_baseline(tmp_path / "none.yaml", ["shop"], lambda _: API, DAY)


def test_a_far_day_is_odd(tmp_path: Path) -> None:
    """An acceptance for years is a warning, with its line, and no error."""
    path = tmp_path / "b.yaml"
    path.write_text(HEAD + ENTRY.replace("2026", "2029"), encoding="utf-8")
    (warning,) = load_baseline(path, ["shop"], lambda _: API, DAY).warnings

    assert warning.startswith(f"{path}:6: until 2029-06-30 is 1,125 days ahead")


@pytest.mark.parametrize("days, is_odd", [(LONGEST_DAYS, False), (LONGEST_DAYS + 1, True)])
def test_a_year_is_not_too_far(tmp_path: Path, days: int, *, is_odd: bool) -> None:
    """A leap year is the longest that nobody has to explain."""
    path = tmp_path / "b.yaml"
    path.write_text(HEAD + ENTRY.replace("2026-06-30", str(DAY + timedelta(days=days))), encoding="utf-8")

    assert bool(load_baseline(path, ["shop"], lambda _: API, DAY).warnings) is is_odd


class Workshop(Workspace):
    """A workspace whose only spec cannot be loaded, for a reason that a test gives."""

    reason: Exception

    def api(self, _api_id: str) -> Api:
        """Fail."""
        raise self.reason


def given_baseline(folder: Path, reason: Exception) -> tuple[Baseline | None, Complaints]:
    """What `--baseline` reads in such a workspace, and the complaints about it."""
    path = folder / "b.yaml"
    path.write_text(HEAD + ENTRY, encoding="utf-8")
    (folder / "specs").mkdir()
    (folder / "specs" / "shop.yaml").touch()
    workshop, complaints = Workshop(folder, "the test's"), Complaints()
    object.__setattr__(workshop, "reason", reason)
    return read(cast("Given", {"baseline_file": str(path)}), workshop, complaints, DAY), complaints


def test_a_wrong_spec_is_said_elsewhere(tmp_path: Path) -> None:
    """A spec that is wrong keeps nobody from reading the baseline."""
    baseline, _ = given_baseline(tmp_path, WorkspaceError("shop.yaml: is not YAML"))
    assert baseline is not None
    assert len(baseline.acceptances) == 1


@pytest.mark.parametrize("kind", [AttributeError, KeyError, TypeError, ValueError])
def test_a_defect_of_ours_is_no_wrong_spec(tmp_path: Path, kind: type[Exception]) -> None:
    """What the loader should never raise is not taken for a spec that is wrong."""
    with pytest.raises(kind, match="ours"):
        given_baseline(tmp_path, kind("ours"))


def test_an_api_that_cannot_be_loaded_is_believed(tmp_path: Path) -> None:
    """Where a spec is wrong that the run is not about, nothing is said about its claims."""
    path = tmp_path / "b.yaml"
    path.write_text(HEAD + ENTRY, encoding="utf-8")
    assert load_baseline(path, ["shop"], lambda _: None, DAY).baseline.acceptances


def test_violations_are_listed_for_somebody_to_fill_in(load: Load) -> None:
    """A new file lists all of them, each with what it is about, no reason and no day, and is refused as it is."""
    text = listed(make_result(violation("id-echoed", "/b"), violation("id-echoed", "/a")))

    entries = yaml.safe_load(text)["accepted"]
    assert [each["reason"] for each in entries] == ["", ""]
    assert [each["until"] for each in entries] == ["", ""]
    assert [each["profile"] for each in entries] == ["smoke", "smoke"]
    assert text.count("  # Not so: id-echoed.\n  - violation: shop/") == 2
    with pytest.raises(WorkspaceError, match="mend: write why it is accepted"):
        load(text)
    assert (
        len(load(text.replace('reason: ""', "reason: known").replace('until: ""', "until: 2026-07-01")).acceptances)
        == 2
    )


def test_recorded_traffic_names_no_profile() -> None:
    """No profile has sent it, so that none can be said to find its violations again."""
    (entry,) = yaml.safe_load(listed(replace(make_result(violation("a")), target="recorded")))["accepted"]
    assert set(entry) == {"violation", "claim", "reason", "until"}


def test_nothing_found_is_an_empty_list(load: Load) -> None:
    """It can be used as it is."""
    assert load(listed(make_result())).acceptances == {}


@pytest.mark.parametrize("indent", ["", "  ", "      "])
def test_what_is_there_is_kept(indent: str) -> None:
    """Entries, reasons, comments and indentation of an existing file stay; what it lists is not listed twice."""
    known, new = violation("id-echoed"), violation("known-item-found")
    entry = ENTRY.replace("shop/0123456789", known.key).replace("mends it", "mends it  # said on the phone")
    entry = "".join(f"{indent}{line[2:]}\n" for line in entry.splitlines())
    before = f"# ours\nschema: specwatch.baseline/1\naccepted:\n{indent}# first\n{entry}"
    after = listed(make_result(known, new), before)

    assert after.startswith(before)
    added = after.removeprefix(before)
    assert added.startswith(f"{indent}# Not so: known-item-found.\n{indent}- violation: {new.key}\n")
    assert listed(make_result(known, new), after) == after


@given(text=st.text(max_size=200))
def test_no_message_breaks_the_file(text: str) -> None:
    """Whatever a provider's words are, the file stays one."""
    found = replace(violation("a"), message=text)
    assert [each["violation"] for each in yaml.safe_load(listed(make_result(found)))["accepted"]] == [found.key]


def test_a_file_that_is_no_baseline_is_not_added_to(tmp_path: Path) -> None:
    """Another file in its place is refused before anything is sent; one with empty reasons is not."""
    path = tmp_path / "other.yaml"
    path.write_text("a: 1", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="unknown key 'a'"):
        check_extensible(path)

    path.write_text(listed(make_result(violation("a"))), encoding="utf-8")
    check_extensible(path)


def test_the_form_is_a_schema() -> None:
    """Every key of an entry is explained, and all but the profile are required."""
    entry = FORM.schema["properties"]["accepted"]["items"]
    assert {*entry["required"], "profile"} == set(entry["properties"])
    assert all("description" in each for each in entry["properties"].values())
