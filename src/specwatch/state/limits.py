"""How much is kept, and how fast it is written."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY = 86_400.0
KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept of one probe's runs of one kind; the oldest go first, whichever cap is hit.

    Args:
        rows: runs.
        details: runs that still have their steps with requests and answers; older ones keep their summary.
        bytes: of all of it.
        seconds: age by which a run has gone.
    """

    rows: int
    details: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """What the state keeps. The defaults fit a thousand probes on a small disk.

    Passes resemble each other, so a week of summaries and the last five answers say all there is; a failure is what
    somebody comes back for after a month, with the answer that shows it. Each of both has bytes of its own, so that
    a flood of large failures does not push out the run that was the last good one, nor the other way round.

    Args:
        passes: of passes and unknowns, per probe.
        failures: of failures, per probe.
        pass_every: seconds between passes of one probe that are kept with their answers. Writing every answer of a
            probe that runs each second costs more than probing does; the first pass after anything else is always
            kept whole.
        body_bytes: of one body; the rest of it is cut and its true length noted. Enough for an error document and
            for the beginning of anything else.
        run_bytes: of all that is kept of one run; bodies are cut further until it fits.
        exchanges: last requests of one run that are kept: a poll of an hour needs no more to be understood.
        total_bytes: of the whole history. Passes go first, then the oldest failures; it is looked at every ten minutes.
        ended_jobs: jobs that came to an end; open ones are kept without limit.
        archive_bytes: of all archives. **Only archives older than `archive_seconds` are ever removed**, oldest first,
            while all together exceed this, and never one of a job that is still open. A body that cannot be had again
            is worth more than disk, and whoever needs it should have had a month.
        archive_seconds: age until which an archive is safe whatever its size.
        database_bytes: the database never grows beyond this, and what does not fit is trouble like that of a full disk;
            None leaves it to the caps above.
    """

    passes: Keep = field(default_factory=lambda: Keep(rows=500, details=5, bytes=MIB, seconds=7 * DAY))
    failures: Keep = field(default_factory=lambda: Keep(rows=1_000, details=100, bytes=4 * MIB, seconds=90 * DAY))
    pass_every: float = 60.0
    body_bytes: int = 16 * KIB
    run_bytes: int = 128 * KIB
    exchanges: int = 20
    total_bytes: int = 512 * MIB
    ended_jobs: int = 1_000
    archive_bytes: int = 1024 * MIB
    archive_seconds: float = 30 * DAY
    database_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How the writer works. All times are real ones, in seconds.

    Args:
        batch_seconds: how long writes gather before they go to disk together.
        batch_items: runs that end the gathering early.
        waiting_runs: runs that may wait for the disk.
        waiting_bytes: of bodies that may wait for the disk; the oldest passes are dropped first.
        waiting_keys: remembered keys that are held at all.
        parked_bytes: of archives that could not be written and are tried again.
        first_retry: after a write that failed; each further failure doubles it.
        last_retry: the longest such pause.
        busy: how long a lock of somebody else is waited for.
        answer: how long a durable write or a reading may take.
        closing: how long `close` may take.
        sweep: between looks at the age of everything.
    """

    batch_seconds: float = 0.25
    batch_items: int = 200
    waiting_runs: int = 2_000
    waiting_bytes: int = 32 * MIB
    waiting_keys: int = 20_000
    parked_bytes: int = 64 * MIB
    first_retry: float = 0.5
    last_retry: float = 30.0
    busy: float = 1.0
    answer: float = 10.0
    closing: float = 5.0
    sweep: float = 600.0
