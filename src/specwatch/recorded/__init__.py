"""Traffic that was recorded elsewhere: read, matched with the specs, and judged without sending anything."""

from specwatch.recorded.files import EXPECTED, read_recording
from specwatch.recorded.matching import Stray
from specwatch.recorded.model import Entry, Recording, Skipped
from specwatch.recorded.run import NAME, Manner, Sorted, judge_recordings, sort

__all__ = [
    "EXPECTED",
    "NAME",
    "Entry",
    "Manner",
    "Recording",
    "Skipped",
    "Sorted",
    "Stray",
    "judge_recordings",
    "read_recording",
    "sort",
]
