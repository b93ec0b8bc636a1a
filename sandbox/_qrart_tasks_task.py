"""Faults of one QR art task: another one, another state of it, other units."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .qrart_tasks import api, asked, error, other_task, with_tasks


@api.fault("other-task", breaks="task-is-the-one-asked-for", text="A single query is answered with another task.")
def _other_task(call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict) and "id" in answer.body:
        return replace(answer, body=other_task(call, answer.body["id"]))
    return answer


@api.fault(
    "other-task-for-unknown", breaks="task-is-the-one-asked-for", text="An unknown id is answered with some task."
)
def _other_task_for_unknown(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action") == "retrieve" and "id" in question:
        return Answer(body=other_task(call, ""))
    return answer


@api.fault("id-in-capitals", breaks="task-is-the-one-asked-for", text="Ids come back in capitals.")
def _id_in_capitals(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(id=task["id"].upper()))


@api.fault("image-of-other-task", breaks="image-url-is-that-of-the-task", text="The image is that of another task.")
def _image_of_other_task(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(other_task(call, task["id"])["response"]))


@api.fault(
    "image-url-template", breaks="image-url-is-that-of-the-task", text="The image's URL has a placeholder for the id."
)
def _image_url_template(_call: Call, answer: Answer) -> Answer:
    url = "https://platform.cdn.acedata.cloud/qrart/{id}.png"
    return with_tasks(answer, lambda task: task["response"].update(image_url=url))


@api.fault(
    "image-not-square", breaks="square-image-for-square-request", text="An image asked for as 1:1 is twice as wide."
)
def _image_not_square(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(image_width=2 * task["response"]["image_width"]))


@api.fault(
    "finished-task-failed", breaks="finished-task-has-succeeded", text="A finished task says that it has failed."
)
def _finished_task_failed(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(success=False))


@api.fault("result-forgotten", breaks="finished-task-has-its-response", text="On every third read the result is gone.")
def _result_forgotten(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(response=None)) if call.chance(3) else answer


@api.fault("seed-redrawn", breaks="reads-are-repeatable", text="Every read shows another seed.")
def _seed_redrawn(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task["response"].update(seed=call.number))


@api.fault("created-when-read", breaks="reads-are-repeatable", text="The time of creation is the time of the read.")
def _created_when_read(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(created_at=call.now))


@api.fault(
    "created-at-in-milliseconds", breaks="created-at-in-seconds", text="The time of creation is in milliseconds."
)
def _created_at_in_milliseconds(_call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(created_at=round(task["created_at"] * 1000)))


@api.fault("application-id-moves", breaks="reads-are-repeatable", text="Every second read names another application.")
def _application_id_moves(call: Call, answer: Answer) -> Answer:
    return with_tasks(answer, lambda task: task.update(application_id=task["_id"])) if call.chance(2) else answer


@api.fault(
    "older-state", breaks="reads-are-repeatable", text="Every fourth read shows a task as it was before its image."
)
def _older_state(call: Call, answer: Answer) -> Answer:
    before = {"image_url": "", "image_width": 0, "image_height": 0}
    return with_tasks(answer, lambda task: task["response"].update(before)) if call.chance(4) else answer


@api.fault("task-forgotten", breaks="known-task-is-found", text="On every fourth query no task is known.")
def _task_forgotten(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if answer.status == 200 and call.chance(4) else answer
