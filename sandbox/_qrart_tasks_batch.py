"""Faults of QR art tasks that come in a batch: which ones, how many, in which order."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .qrart_tasks import Json, api, asked, error, known_tasks, with_items


@api.fault("order-reversed", breaks="items-in-order-asked", text="A batch comes in the reverse of the order asked.")
def _order_reversed(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[::-1])


@api.fault("oldest-first", breaks="items-in-order-asked", text="A batch is sorted by time, whatever was asked.")
def _oldest_first(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: sorted(items, key=lambda task: str(task["_id"])))


@api.fault("item-lost", breaks="batch-returns-each-id-once", text="The last task of a batch is missing.")
def _item_lost(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:-1] if len(items) > 1 else items)


@api.fault("item-twice", breaks="batch-returns-only-ids-asked-for", text="The first task of a batch comes twice.")
def _item_twice(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:1] + items)


@api.fault(
    "item-instead", breaks="batch-returns-each-id-once", text="The first task stands in for every task of a batch."
)
def _item_instead(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items[:1] * len(items))


@api.fault("item-uncalled-for", breaks="batch-returns-only-ids-asked-for", text="A batch holds all tasks there are.")
def _item_uncalled_for(call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: items + [t for t in known_tasks(call).values() if t not in items])


@api.fault("count-too-high", breaks="count-equals-items", text="The count is one more than there are tasks.")
def _count_too_high(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "count" in answer.body:
        return replace(answer, body=answer.body | {"count": answer.body["count"] + 1})
    return answer


@api.fault(
    "count-fixed", breaks="count-equals-items", text="The count is 2, as in the example, whatever the batch holds."
)
def _count_fixed(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "count" in answer.body:
        return replace(answer, body=answer.body | {"count": 2})
    return answer


@api.fault(
    "items-of-each-other", breaks="batch-agrees-with-single", text="In a batch, tasks carry each other's requests."
)
def _items_of_each_other(_call: Call, answer: Answer) -> Answer:
    def swap(items: list[Json]) -> list[Json]:
        requests = [task["request"] for task in items]
        return [task | {"request": requests[index - 1]} for index, task in enumerate(items)]

    return with_items(answer, swap)


@api.fault(
    "batch-stale", breaks="batch-agrees-with-single", text="A batch shows tasks with an older image than they have."
)
def _batch_stale(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: [task | {"response": task["response"] | {"seed": 1}} for task in items])


@api.fault(
    "batch-without-results", breaks="finished-task-has-its-response", text="Tasks in a batch lack their results."
)
def _batch_without_results(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: [{k: v for k, v in task.items() if k != "response"} for task in items])


@api.fault("batch-of-one", breaks="known-task-is-found", text="A batch query takes no more than one id.")
def _batch_of_one(call: Call, answer: Answer) -> Answer:
    too_many = answer.status == 200 and len(asked(call).get("ids", [])) > 1
    return error(call, 400, "token_mismatched") if too_many else answer


@api.fault("batch-cut", breaks="batch-returns-each-id-once", text="A batch ends after its first task, uncounted.")
def _batch_cut(_call: Call, answer: Answer) -> Answer:
    match answer.body:
        case {"items": [first, *_], "count": count} if answer.status == 200:
            return replace(answer, body={"items": [first], "count": count})
    return answer


@api.fault("newest-first", breaks="items-in-order-asked", text="A batch is sorted by creation, newest first.")
def _newest_first(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: sorted(items, key=lambda task: -task["created_at"]))
