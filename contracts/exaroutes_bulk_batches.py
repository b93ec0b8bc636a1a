"""Batches of exaroutes-bulk for its contract tests: rows of every kind, what is read of a batch, and the wait for it.

The batches that several tests look at are submitted once a run, so that they are awaited together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from specwatch.conformance import MISSING, parse_strict
from specwatch.contract.caller import Caller, Reply, expect
from specwatch.contract.current import current_run
from specwatch.contract.polling import wait_until
from specwatch.errors import CannotTell, CredentialRefused
from specwatch.spec.schema import as_text

API = Caller(current_run().apis["exaroutes-bulk"])
DONE = {"completed", "resultDownloaded"}
NO_URL = "no url at all"
GOOD_URL = "https://example.com/lp/a"
Row = dict[str, object]
_numbers = itertools.count(1)


def uid() -> str:
    """A row id that no other row of this run has."""
    return f"row-{next(_numbers):03d}"


def dynamic(**more: object) -> Row:
    """A row that makes a dynamic code."""
    return {"uid": uid(), "qrType": "dynamic", "dataType": "url", "data": GOOD_URL, **more}


def static(**more: object) -> Row:
    """A row that makes a static code."""
    return dynamic(qrType="static", **more)


def broken(**more: object) -> Row:
    """A row that cannot be made: its data is no URL."""
    return dynamic(data=NO_URL, **more)


def without_uid() -> Row:
    """A row that lacks its uid."""
    row = dynamic()
    del row["uid"]
    return row


MAKERS: list[Callable[[], Row]] = [dynamic, static, broken, without_uid]
"""Makers of rows, one of every kind."""


@dataclass
class Batch:
    """One batch and everything that was read of it, in order."""

    rows: list[Row]
    account: str = "account"
    id: str = ""
    statuses: list[Reply] = field(default_factory=list)
    archive: Reply | None = None

    def submit(self) -> Batch:
        """Queue the rows."""
        reply = API.call("submitBulk", json=self.rows, credentials=self.account)
        if reply.status != 200 or not isinstance(reply.json, str):
            raise CannotTell(f"no batch was queued: {reply}")
        self.id = reply.json
        return self

    def status(self, account: str | None = None) -> Reply:
        """Read the status."""
        reply = API.call("getBulkStatus", path={"bulkId": self.id}, credentials=account or self.account)
        if account is None:
            self.statuses.append(reply)
        return reply

    def result(self, account: str | None = None, *, refused: bool = False) -> Reply:
        """Download the archive, or try to."""
        return API.call("getBulkResult", path={"bulkId": self.id}, credentials=account or self.account, refused=refused)

    def download(self) -> Batch:
        """Download the archive, once."""
        if self.archive is None:
            self.archive = self.result()
        return self

    @property
    def state(self) -> object:
        """The status that was read last; None where it could not be read."""
        readable = bool(self.statuses) and self.statuses[-1].status == 200
        return value(self.statuses[-1], "status") if readable else None

    @property
    def entries(self) -> list[object]:
        """The archive's entries.

        Raises:
            CannotTell: there is no archive to look at.
        """
        if self.archive is None or self.archive.status != 200 or not isinstance(self.archive.json, str):
            raise CannotTell("there is no archive to look at")
        content = parse_strict(self.archive.json.encode()).value
        if not isinstance(content, list):
            raise CannotTell("the archive holds no list of entries")
        return content


def value(reply: Reply, name: str) -> object:
    """A field of an answer, or MISSING."""
    return reply.json.get(name, MISSING) if isinstance(reply.json, Mapping) else MISSING


def failed(entry: object) -> bool:
    """Whether an archive entry says that its row failed."""
    return isinstance(entry, Mapping) and entry.get("status") == "failed"


def is_plain(row: Row) -> bool:
    """Whether a row is as plain as those of the document's example, so that nothing can be wrong with it."""
    return row.keys() == {"uid", "qrType", "dataType", "data"} and row["dataType"] == "url" and row["data"] == GOOD_URL


def tally(rows: list[Row], entries: list[object]) -> dict[str, int]:
    """Failed rows by feature class; a row counts in every class that it belongs to."""
    lost = [row for row, entry in zip(rows, entries, strict=True) if failed(entry)]
    return {
        "dynamicQr": sum(row.get("qrType") == "dynamic" for row in lost),
        "securedQr": sum(bool(row.get("secure")) for row in lost),
        "sourceQr": sum(bool(row.get("sources")) for row in lost),
    }


def expect_tallies(batch: Batch, status: Reply) -> None:
    """The tallies of a completed batch are those of its archive."""
    shown, wanted = value(status, "failedFeatures"), tally(batch.rows, batch.entries)
    same = isinstance(shown, Mapping) and {name: shown.get(name) for name in wanted} == wanted
    expect(same, as_text(wanted), as_text(shown), status, claim="tallies-equal-failed-rows")


@cache
def second_works() -> bool:
    """Whether the second account is good: it queues a batch whose only row lacks its uid, so that no code is made."""
    Batch([without_uid()], account="second").submit()
    return True


def expect_not_found(call: Callable[[], Reply]) -> None:
    """Another subscription gets a 404, not a refusal, when its own credential is good."""
    works = second_works()
    try:
        reply = call()
    except CredentialRefused as refusal:
        expect(not works, "404 for another subscription", refusal)
        raise
    expect(reply.status == 404, "404 for another subscription", reply)


@cache
def mixed() -> Batch:
    """A batch with every kind of row: good and bad, dynamic and static, with and without features, one without uid."""
    rows = [
        dynamic(),
        static(),
        broken(secure=["password"], sources=["utm"]),
        without_uid(),
        static(secure=["password"]),
        broken(qrType="static", sources=["utm"]),
        dynamic(dataType="no such type"),
        dynamic(sources=["utm"]),
        broken(secure=[], sources=[]),
    ]
    return Batch(rows).submit()


@cache
def early() -> Batch:
    """A batch of good rows whose archive is asked for before it can be there."""
    return Batch([dynamic(), dynamic()]).submit()


@cache
def awaited() -> tuple[Batch, Batch]:
    """Both batches, once their status reads completed or nobody can be expected to wait any longer."""
    batches = (mixed(), early())

    def all_done() -> bool:
        for batch in batches:
            if batch.state not in DONE:
                batch.status()
        return all(batch.state != "processing" for batch in batches)

    wait_until(API.run, "getBulkStatus", all_done, since=early().statuses[0] if early().statuses else None)
    return batches


def completed() -> tuple[Batch, Batch]:
    """Both batches, completed.

    Raises:
        CannotTell: they did not complete in time.
    """
    batches = awaited()
    if not all(batch.state in DONE for batch in batches):
        raise CannotTell("the batches did not complete")
    return batches


@cache
def downloaded() -> Batch:
    """The mixed batch, downloaded."""
    batch, _ = completed()
    return batch.download()
