"""Variations of QR art tasks: what the document leaves open, done in other ways."""

from __future__ import annotations

from specwatch.sandbox import Answer, Call

from .qrart_tasks import api, asked, error, known_tasks, with_error, with_items, with_tasks


@api.variation("other-wording", text="Messages are worded differently.")
def _other_wording(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, answer.status, message="Sorry, no.") if answer.status >= 400 else answer


@api.variation("codes-exchanged", text="The two codes of 400 are used the other way round.")
def _codes_exchanged(call: Call, answer: Answer) -> Answer:
    other = {"token_mismatched": "api_not_implemented", "api_not_implemented": "token_mismatched"}
    if call.handled and answer.status == 400 and isinstance(answer.body, dict):
        return with_error(answer, 400, code=other[answer.body["error"]["code"]])
    return answer


@api.variation("unknown-ids-refused", text="A batch with an id that no task has is refused as a whole.")
def _unknown_ids_refused(call: Call, answer: Answer) -> Answer:
    ids = asked(call).get("ids", [])
    unknown = answer.status == 200 and any(task_id not in known_tasks(call) for task_id in ids)
    return error(call, 400, "token_mismatched") if unknown else answer


@api.variation("no-ids-refused", text="A batch query with an empty list is refused.")
def _no_ids_refused(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if call.handled and asked(call).get("ids") == [] else answer


@api.variation("repeated-ids-once", text="An id that is asked for twice comes once.")
def _repeated_ids_once(_call: Call, answer: Answer) -> Answer:
    return with_items(answer, lambda items: list({task["id"]: task for task in items}.values()))


@api.variation("ids-in-any-case", text="Ids are found however they are spelled, in small letters, capitals or spaces.")
def _ids_in_any_case(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action") == "retrieve":
        task = known_tasks(call).get(str(question.get("id")).strip().lower())
        return Answer(body=task) if task else answer
    return answer


@api.variation("further-images", text="A result has fields that the document does not show.")
def _further_images(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(thumbnail_url="https://example.com/small.png"))
