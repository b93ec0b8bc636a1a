"""Claims about several exchanges: what breaks them on an honest or a faulty server, and in which words it is told."""

import json
from collections.abc import Mapping

import pytest

from specwatch.claims import ClaimJudge
from specwatch.conformance import Facts
from specwatch.spec import Api
from specwatch.values import Exchange, Request, Response, Timings

BULK = "bulk_0123456789ab"


def told(api: Api, claim: str, asked: list[tuple[str, Mapping[str, str], str, int, object]]) -> list[tuple[str, str]]:
    """Expected and found of each violation of a claim, for exchanges one after the other."""
    judge = ClaimJudge(api, {})
    found = []
    for number, (operation, path, role, status, body) in enumerate(asked):
        described = api.operation(operation)
        exchange = Exchange(
            id=str(number),
            api=api.id,
            operation=operation,
            target="https://api.example.com",
            request=Request(
                described.method, "https://api.example.com", (("Content-Type", "application/json"),), b"[]"
            ),
            response=Response(status, (("Content-Type", "application/json"),), json.dumps(body).encode()),
            timings=Timings(number, 0.5),
            credentials=dict.fromkeys(described.security, role),
            path_parameters=path,
        )
        outcomes = judge.judge(Facts(api, described, exchange))
        found += [(o.violation.expected, o.violation.found) for o in outcomes if o.claim.id == claim and o.violation]
    return found


@pytest.mark.parametrize(
    "statuses, violations",
    [
        (["completed", "processing"], [('"completed"', '"processing"')]),
        (["queued", "completed", "completed", "failed"], [('"completed"', '"failed"')]),
        (["queued", "processing", "queued", "anything", "completed"], []),
    ],
)
def test_a_completed_task_stays_completed(
    apis: dict[str, Api], statuses: list[str], violations: list[tuple[str, str]]
) -> None:
    """Any status may come before; whatever comes after is told as the provider says it."""
    asked = [("getTask", {"id": "task_1"}, "account", 200, {"status": status}) for status in statuses]

    assert told(apis["scan-documents"], "completed-stays-completed", asked) == violations  # type: ignore[arg-type]


@pytest.mark.parametrize("role, violations", [("account", 1), ("instant", 1), ("second", 0)])
def test_only_its_own_subscription_has_to_find_a_batch(apis: dict[str, Api], role: str, violations: int) -> None:
    """What another account is told about a batch says nothing about those who submitted it."""
    path = {"bulkId": BULK}
    asked: list[tuple[str, Mapping[str, str], str, int, object]] = [
        ("submitBulk", {}, role, 200, BULK),
        ("getBulkStatus", path, "second", 200, {}),
        ("getBulkStatus", path, role, 404, {}),
        ("getBulkResult", path, "second", 404, {}),
    ]

    assert len(told(apis["exaroutes-bulk"], "submitted-batch-found", asked)) == violations
