"""What survives a restart: history, memories, jobs in flight and archives, in a SQLite file and a folder beside it."""

from specwatch.state.archives import Archive
from specwatch.state.decode import exchange_from_json, from_json
from specwatch.state.encode import exchange_json, to_json
from specwatch.state.limits import HistoryLimits, Keep, Pace
from specwatch.state.queries import Counts, JobView, Reader
from specwatch.state.store import JobJournal, SqliteStore

__all__ = [
    "Archive",
    "Counts",
    "HistoryLimits",
    "JobJournal",
    "JobView",
    "Keep",
    "Pace",
    "Reader",
    "SqliteStore",
    "exchange_from_json",
    "exchange_json",
    "from_json",
    "to_json",
]
