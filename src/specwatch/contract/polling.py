"""Waiting for background work: by polling, with the back-off that the spec documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from specwatch.contract.caller import Reply
from specwatch.contract.run import ApiRun

DEFAULT_SECONDS = (2.0, 5.0, 15.0, 30.0)
LONGEST_WAIT_SECONDS = 60.0


def intervals(api: ApiRun, operation_id: str) -> Iterator[float]:
    """Seconds between polls as `x-polling` of the operation says; the last one repeats."""
    raw = api.api.operation(operation_id).raw.get("x-polling")
    seconds = raw.get("seconds", DEFAULT_SECONDS) if isinstance(raw, dict) else DEFAULT_SECONDS
    yield from (float(second) for second in seconds)
    while True:
        yield float(seconds[-1])


def wait_until(api: ApiRun, operation_id: str, done: Callable[[], bool], since: Reply | None = None) -> bool:
    """Poll until it is done.

    Args:
        api: the API's part of the run.
        operation_id: the operation that is polled.
        done: looks once, and says whether the work is done.
        since: an earlier look; the time that has passed since then counts as waited.

    Returns:
        Whether it was done within a minute.
    """
    clock = api.clock
    started = since.exchange.timings.started_at if since is not None else clock.now()
    for pause in intervals(api, operation_id):
        due = (since.exchange.timings.started_at if since is not None else clock.now()) + pause
        since = None
        clock.sleep(max(due - clock.now(), 0.0))
        if done():
            return True
        if clock.now() - started > LONGEST_WAIT_SECONDS:
            return False
    return False
