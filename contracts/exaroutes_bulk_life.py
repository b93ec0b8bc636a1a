"""The life of any batch of exaroutes-bulk, as a state machine that hypothesis explores."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from exaroutes_bulk_batches import MAKERS, Batch, Row
from specwatch.contract.caller import expect

rows = st.lists(st.sampled_from(MAKERS).map(lambda make: make()), min_size=1, max_size=5)
"""A few rows of any kinds."""


class LifeCycle(RuleBasedStateMachine):
    """Batches of an account whose worker is done at once, with calls in any order."""

    batches = Bundle("batches")

    @rule(target=batches, rows=rows)
    def submit(self, rows: list[Row]) -> Batch:
        """Queue a batch, which is complete at once."""
        return Batch(rows, account="instant").submit()

    @rule(batch=batches)
    def read(self, batch: Batch) -> None:
        """The status reads completed until the download, and resultDownloaded ever after."""
        batch.status()
        if batch.archive is None:
            expect(batch.state == "completed", "completed", batch.statuses[-1], claim="batch-completes")
        else:
            after = "resultDownloaded"
            expect(batch.state == after, after, batch.statuses[-1], claim="status-reads-downloaded")

    @rule(batch=batches)
    def download(self, batch: Batch) -> None:
        """The first download has the archive, every other one finds nothing."""
        if batch.archive is not None:
            reply = batch.result(refused=True)
            expect(reply.status == 410, "410 after the download", reply, claim="result-410-after-download")
            return
        reply = batch.result()
        batch.archive = reply
        expect(reply.status == 200, "200 with the archive", reply, claim="archive-ready-when-completed")

    @rule(batch=batches)
    def look_from_another_account(self, batch: Batch) -> None:
        """Whatever has happened to it, the batch does not exist for anybody else."""
        reply = batch.status("second")
        expect(reply.status == 404, "404 for another subscription", reply, claim="other-subscription-status-404")
