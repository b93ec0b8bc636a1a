"""A run with faults against the small API's sandbox, and ways to read a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tests.html_reader import Reader

from specwatch.contract.result import ApiResult, RunResult
from specwatch.contract.run import ContractRun
from specwatch.reports.html import to_html
from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api
from specwatch.values import Exchange, Level, Violation

FAULTS = ("parcels/getParcel/200/drop/state", "parcels/getParcel/401/not-utf8")


@pytest.fixture
def read(api: Api) -> Callable[[RunResult], Reader]:
    """Reads the page of a run."""
    return lambda result: Reader(to_html(result, [api]))


@pytest.fixture
def faulty(make_run: Callable[..., ContractRun], sandbox: EmbeddedSandbox, send: Callable[..., None]) -> RunResult:
    """A run in which answers lack a field and are not UTF-8."""
    run = make_run(sandbox)
    sandbox.app_state.enable(*FAULTS)
    try:
        for parcel, role in (("p1", "account"), ("p1", "absent"), ("p2", "altered")):
            send(run.apis["parcels"], parcel, role)
    finally:
        sandbox.app_state.disable_all()
    return run.result()


@pytest.fixture
def with_violations() -> Callable[..., RunResult]:
    """Puts violations in the place of a run's own, each with an exchange of its own where one is given."""

    def put(result: RunResult, violations: Sequence[Violation], exchanges: Sequence[Exchange] = ()) -> RunResult:
        api: ApiResult = replace(result.apis[0], violations=tuple(violations))
        return replace(result, apis=(api,), exchanges=tuple(exchanges) or result.exchanges)

    return put


@pytest.fixture
def make_violation() -> Callable[..., Violation]:
    """Makes violations of the claim `broken` of the small API."""

    def make(**parts: object) -> Violation:
        basis = Violation("parcels", "broken", Level.PROMISE, "getParcel", "claim", "Not so.", "1", "2")
        return replace(basis, **parts)  # type: ignore[arg-type]

    return make
