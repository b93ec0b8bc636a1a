"""The contract of exaroutes-bulk: a batch is queued, worked on, downloaded once, and gone.

The batches that need waiting are submitted before anything else and awaited together, with the documented back-off,
while the other APIs are checked. Many life cycles are explored with the sandbox's instant account, whose worker is done
at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import cast

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from exaroutes_bulk_batches import (
    API,
    DONE,
    NO_URL,
    Batch,
    Row,
    awaited,
    completed,
    downloaded,
    dynamic,
    early,
    expect_not_found,
    expect_tallies,
    failed,
    is_plain,
    mixed,
    value,
    without_uid,
)
from exaroutes_bulk_life import LifeCycle, rows
from specwatch.contract.caller import Reply, expect
from specwatch.contract.current import current_run
from specwatch.errors import CannotTell
from specwatch.spec.schema import as_text
from specwatch.values.exchange import header

pytestmark = pytest.mark.waits
claim = pytest.mark.claim
PROFILE = current_run().settings.profile
UNDERSIZED_BYTES = 24_000_000
OVERSIZED_BYTES = 30_000_000
"""Below and above 25 MB however a megabyte is counted."""


@pytest.mark.first
@claim("exaroutes-bulk/submit-answers-at-once")
@claim("exaroutes-bulk/bulk-id-unique")
@claim("exaroutes-bulk/batch-is-queued")
@claim("exaroutes-bulk/rows-never-refuse-batch")
@claim("exaroutes-bulk/size-refused-above-limit-only")
def test_a_batch_is_queued_at_once() -> None:
    """Whatever its rows are like, and if they were sent before, a batch is answered at once with an id of its own."""
    mixed()
    early()
    Batch(early().rows).submit()


@pytest.mark.first
@claim("exaroutes-bulk/result-410-before-completion")
def test_no_result_before_completion() -> None:
    """While a batch is processing its result is not there: 410. A batch that says it is completed has it at once."""
    mixed().status()
    for batch in (early(), mixed()):
        batch.status()
        reply = batch.result()
        if batch.state == "completed":
            batch.archive = reply
            expect(reply.status == 200, "200 once completed", reply, claim="archive-ready-when-completed")
        elif reply.status == 410:
            return
        else:
            batch.archive = reply  # it may have completed in between; twice in a row is no coincidence
    done = all(batch.state == "completed" for batch in (early(), mixed()))
    if done:
        raise CannotTell("every batch was complete at the first look")
    expect(False, "410 while the status reads processing", reply, claim="result-410-before-completion")  # noqa: FBT003


@claim("exaroutes-bulk/batch-completes")
@claim("exaroutes-bulk/submitted-batch-found")
@claim("exaroutes-bulk/status-moves-forward")
@claim("exaroutes-bulk/bulk-id-echoed")
@claim("exaroutes-bulk/product-is-qr")
@claim("exaroutes-bulk/count-equals-submitted")
@claim("exaroutes-bulk/count-fixed")
@claim("exaroutes-bulk/created-at-fixed")
@claim("exaroutes-bulk/updated-not-before-created")
@claim("exaroutes-bulk/updated-at-never-back")
@claim("exaroutes-bulk/times-in-milliseconds")
@claim("exaroutes-bulk/tallies-on-completion")
@claim("exaroutes-bulk/tallies-within-count")
def test_a_batch_completes() -> None:
    """A small batch completes within half a minute, and its status tells about it truthfully."""
    for batch in awaited():
        expect(batch.state in DONE, "completed", batch.statuses[-1], claim="batch-completes")


@claim("exaroutes-bulk/updated-at-fixed-while-status-is")
def test_nothing_moves_between_transitions() -> None:
    """Read again and again in the same status, a batch shows the same time of its last transition."""
    batch, _ = completed()
    for _ in range(PROFILE.repeats if PROFILE.coverage else 1):
        batch.status()


@claim("exaroutes-bulk/other-subscription-status-404")
def test_another_subscription_does_not_see_the_status() -> None:
    """With the credentials of another subscription the batch does not exist."""
    _, batch = completed()
    expect_not_found(partial(batch.status, "second"))


@claim("exaroutes-bulk/headers-of-one-account")
@pytest.mark.parametrize("operation", ["getBulkStatus", "getBulkResult"])
@pytest.mark.parametrize("scheme", ["clientId", "apiKey"])
def test_headers_of_two_accounts_do_not_open_a_batch(operation: str, scheme: str) -> None:
    """With one header of another subscription, a batch that exists is neither shown nor handed out."""
    if not PROFILE.coverage:
        raise CannotTell(f"profile {PROFILE.name} does not mix the headers of two accounts for a batch that exists")
    _, batch = completed()
    roles = {"clientId": "account", "apiKey": "account", scheme: "second"}
    API.call(operation, path={"bulkId": batch.id}, credentials=roles, refused=True)


@claim("exaroutes-bulk/both-headers-needed")
@claim("exaroutes-bulk/other-subscription-result-404")
def test_another_subscription_cannot_download() -> None:
    """With the credentials of another subscription there is no archive either."""
    _, batch = completed()
    batch.result("absent", refused=True)
    expect_not_found(partial(batch.result, "second", refused=True))


@claim("exaroutes-bulk/archive-ready-when-completed")
@claim("exaroutes-bulk/archive-one-entry-per-row")
@claim("exaroutes-bulk/archive-uids-in-submission-order")
@claim("exaroutes-bulk/entries-have-codes-of-their-own")
def test_a_completed_batch_can_be_downloaded() -> None:
    """Once the status reads completed the archive is there, with an entry for each row."""
    for batch in completed():
        batch.download()
        ready = batch.archive is not None and batch.archive.status == 200
        expect(ready, "200 with the archive", batch.archive, claim="archive-ready-when-completed")


@claim("exaroutes-bulk/archive-in-submission-order")
def test_the_archive_is_in_submission_order() -> None:
    """Each entry stands where its row stood."""
    batch = downloaded()
    expect(len(batch.entries) == len(batch.rows), f"{len(batch.rows)} entries", len(batch.entries), batch.archive)
    for position, (row, entry) in enumerate(zip(batch.rows, batch.entries, strict=True)):
        place = f"entry {position + 1}"
        told = f"{place} is that of row {as_text(row)}"
        if isinstance(entry, str):
            expect(row.get("qrType") == "static", told, entry[:80], batch.archive)
        else:
            own = isinstance(entry, Mapping) and entry.get("uid") in {row.get("uid"), None, ""}
            expect(own, told, as_text(entry), batch.archive)


@claim("exaroutes-bulk/uid-echoed")
def test_object_entries_carry_their_uid() -> None:
    """Every entry that is an object names the uid of its row, where the row had one."""
    batch = downloaded()
    for row, entry in zip(batch.rows, batch.entries, strict=False):
        if isinstance(entry, Mapping) and "uid" in row:
            expect(entry.get("uid") == row["uid"], f"uid {row['uid']}", as_text(entry), batch.archive)


@claim("exaroutes-bulk/failed-rows-say-why")
@claim("exaroutes-bulk/bad-row-fails-alone")
def test_a_bad_row_fails_alone() -> None:
    """The good rows of a batch with bad ones are made, and a bad one fails in its place."""
    batch = downloaded()
    outcomes = list(zip(batch.rows, batch.entries, strict=False))
    lost = next((entry for row, entry in outcomes if is_plain(row) and failed(entry)), None)
    alone = "bad-row-fails-alone"
    expect(lost is None, "every good row made", lost, batch.archive, claim=alone)
    some = any(failed(entry) for entry in batch.entries)
    expect(some, "the row without uid failed", "no failed row", batch.archive, claim=alone)


@claim("exaroutes-bulk/entries-are-of-their-rows-kind")
def test_entries_are_of_the_kind_of_their_rows() -> None:
    """A static row that was made is a bare data URL, a dynamic one an object that leads to its code."""
    batch = downloaded()
    for row, entry in zip(batch.rows, batch.entries, strict=False):
        if is_plain(row) and row["qrType"] == "static":
            expect(isinstance(entry, str), "a bare data URL for a static row", as_text(entry), batch.archive)
        elif is_plain(row):
            whole = isinstance(entry, Mapping) and {"id", "uid", "url"} <= entry.keys()
            expect(whole, "an object with id, uid and url for a dynamic row", as_text(entry), batch.archive)


@claim("exaroutes-bulk/row-without-url-fails")
def test_a_row_without_url_fails() -> None:
    """Data that is no URL makes no code for a URL."""
    batch = downloaded()
    for row, entry in zip(batch.rows, batch.entries, strict=False):
        if row["data"] == NO_URL:
            expect(failed(entry), f"a failed entry for the row {as_text(row)}", as_text(entry), batch.archive)


@claim("exaroutes-bulk/created-when-queued")
def test_a_batch_is_created_when_it_is_queued() -> None:
    """The time of creation is that of the answers that tell it, by the provider's own clock."""
    reply = mixed().statuses[0] if mixed().statuses else mixed().status()
    dated, created = header(reply.exchange.response.headers, "date"), value(reply, "createdAt")
    if dated is None or not isinstance(created, int | float):
        raise CannotTell("the status has no Date header or no createdAt")
    now = parsedate_to_datetime(dated).timestamp()
    recent = now - 3600 < created / 1000 < now + 60
    expect(recent, f"createdAt in the hour before {dated}", as_text(created), reply)


@claim("exaroutes-bulk/row-count-is-not-capped")
def test_more_than_500_rows_are_queued() -> None:
    """The cap of 500 rows is that of the in-app path. The rows sent here lack their uid, so that none makes a code."""
    if not PROFILE.large_bodies:
        raise CannotTell(f"profile {PROFILE.name} sends no batch of more than 500 rows")
    reply = API.call("submitBulk", json=[without_uid() for _ in range(501)])
    expect(reply.status == 200, "200 for 501 rows", reply)
    if isinstance(reply.json, str):
        API.call("getBulkStatus", path={"bulkId": reply.json})  # how many rows it counts is a claim of its own


@claim("exaroutes-bulk/row-without-uid-fails")
def test_a_row_without_uid_fails() -> None:
    """A row without uid is recorded as failed with code 400 and makes no code."""
    batch = downloaded()
    position = next(i for i, row in enumerate(batch.rows) if "uid" not in row)
    expect(len(batch.entries) > position, f"an entry at position {position + 1}", len(batch.entries), batch.archive)
    entry = batch.entries[position]
    expect(failed(entry), "a failed entry for the row without uid", as_text(entry), batch.archive)
    fields = cast("Mapping[str, object]", entry)
    expect(fields.get("code") == 400, "code 400 for the row without uid", entry, batch.archive)
    expect("QRs" not in fields, "no code for the row without uid", entry, batch.archive)


@claim("exaroutes-bulk/tallies-equal-failed-rows")
def test_tallies_equal_the_failed_rows() -> None:
    """Each tally equals the failed rows of its class; a row counts in every class that it belongs to."""
    batch = downloaded()
    if len(batch.entries) != len(batch.rows):
        raise CannotTell("the archive does not have an entry for each row")
    status = next((reply for reply in batch.statuses if value(reply, "status") == "completed"), None)
    if status is None:
        raise CannotTell("the status was never seen to read completed")
    expect_tallies(batch, status)


@claim("exaroutes-bulk/status-reads-downloaded")
@claim("exaroutes-bulk/tallies-fixed-once-completed")
def test_the_status_reads_downloaded_afterwards() -> None:
    """After the download the status reads resultDownloaded, and goes on doing so."""
    batch = downloaded()
    if batch.archive is None or batch.archive.status != 200:
        raise CannotTell("the archive could not be downloaded")
    for _ in range(PROFILE.behaviour_examples):
        batch.status()
        expect(batch.state == "resultDownloaded", "resultDownloaded", batch.statuses[-1])


@claim("exaroutes-bulk/updated-at-marks-transition")
def test_each_transition_has_its_time() -> None:
    """The time of the last transition grows when the batch completes and again when it is downloaded."""
    moments: dict[object, Reply] = {}
    for reply in downloaded().statuses:
        moments.setdefault(value(reply, "status"), reply)
    order = [moments[name] for name in ("processing", "completed", "resultDownloaded") if name in moments]
    if len(order) < 2:
        raise CannotTell("fewer than two states of the batch were seen")
    times = [value(reply, "updatedAt") for reply in order]
    if not all(isinstance(time, int | float) for time in times):
        raise CannotTell("updatedAt is no number")
    coarse = all(time % 1000 == 0 for time in cast("list[int]", times))  # two changes may fall into the same second
    for (before, after), reply in zip(itertools.pairwise(cast("list[int]", times)), order[1:], strict=True):
        expect(after > before or (coarse and after == before), f"updatedAt after {before}", reply)


@claim("exaroutes-bulk/result-410-after-download")
@claim("exaroutes-bulk/one-shot-download")
@claim("exaroutes-bulk/archive-served-once")
def test_an_archive_is_downloaded_once() -> None:
    """The second download finds nothing: 410."""
    batch = downloaded()
    if batch.archive is None or batch.archive.status != 200:
        raise CannotTell("the archive could not be downloaded")
    reply = batch.result(refused=True)
    expect(reply.status != 200, "no second download", reply, claim="one-shot-download")
    expect(reply.status == 410, "410 after the download", reply, claim="result-410-after-download")


@claim("exaroutes-bulk/empty-array-400")
def test_an_empty_array_is_refused() -> None:
    """A batch without rows is refused."""
    API.call("submitBulk", json=[], refused=True)


@claim("exaroutes-bulk/non-array-400")
@given(body=st.sampled_from([{"rows": []}, "rows", 17, None, True, {}]))
def test_only_an_array_is_a_batch(body: object) -> None:
    """A body that is JSON but no array is refused."""
    API.call("submitBulk", json=body, refused=True)


@claim("exaroutes-bulk/not-json-400")
def test_a_batch_is_json() -> None:
    """A body that is no JSON is refused."""
    API.call("submitBulk", body=b"[{", refused=True)


@claim("exaroutes-bulk/size-refused-above-limit-only")
def test_a_body_below_the_limit_is_taken() -> None:
    """A body a little under 25 MB, however a megabyte is counted, is not refused for its size."""
    if not PROFILE.large_bodies:
        raise CannotTell(f"profile {PROFILE.name} sends no body of {UNDERSIZED_BYTES} bytes")
    API.call("submitBulk", json=[dynamic(styling={"note": "x" * UNDERSIZED_BYTES})])


@claim("exaroutes-bulk/oversized-body-413")
def test_an_oversized_body_is_refused() -> None:
    """A body well over 25 MB, however a megabyte is counted, is answered with 413."""
    if not PROFILE.large_bodies:
        raise CannotTell(f"profile {PROFILE.name} sends no body of {OVERSIZED_BYTES} bytes")
    row = dynamic(styling={"note": "x" * OVERSIZED_BYTES})
    reply = API.call("submitBulk", json=[row], refused=True)
    expect(reply.status == 413, "413 for a body over 25 MB", reply)


@claim("exaroutes-bulk/unknown-bulk-404")
def test_an_unknown_batch_is_not_found() -> None:
    """An id that no batch has is answered with 404 by both reads."""
    unknown = Batch([], id="bulk_000000000000")
    unknown.status()
    unknown.result(refused=True)


@claim("exaroutes-bulk/getBulkStatus/400")
def test_a_status_needs_an_id() -> None:
    """Where a path without an id leads to the status at all, it is answered with 400."""
    API.call("getBulkStatus", path={"bulkId": ""}, refused=True)


@claim("exaroutes-bulk/tallies-equal-failed-rows")
@claim("exaroutes-bulk/archive-in-submission-order")
@given(rows=rows)
def test_any_batch_is_reported_row_by_row(rows: list[Row]) -> None:
    """Whichever rows fail, and in whichever order, every row has its entry and every failure is counted."""
    if not PROFILE.coverage:
        raise CannotTell(f"profile {PROFILE.name} looks at one batch only")
    batch = Batch(rows, account="instant").submit()
    batch.status()
    expect(batch.state == "completed", "completed", batch.statuses[-1], claim="batch-completes")
    batch.download()
    wanted, entries = len(rows), len(batch.entries)
    expect(
        entries == wanted, f"{wanted} entries", f"{entries} entries", batch.archive, claim="archive-in-submission-order"
    )
    expect_tallies(batch, batch.statuses[0])


@claim("exaroutes-bulk/status-moves-forward")
def test_any_order_of_calls_keeps_the_life_cycle() -> None:
    """However submissions, readings and downloads follow each other, each batch goes its one way."""
    if not PROFILE.walks or not API.can("submitBulk", "instant"):
        raise CannotTell(
            "life cycles are explored where an account has an instant worker, and not by the smallest profile"
        )
    settings = hypothesis.settings(max_examples=PROFILE.walks, stateful_step_count=PROFILE.steps + 2)
    run_state_machine_as_test(LifeCycle, settings=settings)
