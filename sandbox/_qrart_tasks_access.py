"""Faults of requests and tokens of QR art tasks: what is accepted, refused, and with which code."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .qrart_tasks import ACTIONS, api, asked, error, known_tasks, other_task, query_tasks, sent_token, with_error


@api.fault(
    "unknown-action-accepted", breaks="unknown-action-refused", text="An action it does not know counts as retrieve."
)
def _unknown_action_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and answer.status == 400 and question.get("action", "retrieve") not in ACTIONS:
        return Answer(body=known_tasks(call).get(str(question.get("id"))) or other_task(call, ""))
    return answer


@api.fault("number-as-id", breaks="non-text-id-refused", text="An id that is no text is answered with a task.")
def _number_as_id(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    wrong = question.get("action") == "retrieve" and "id" in question and not isinstance(question["id"], str)
    return Answer(body=other_task(call, "")) if call.handled and wrong else answer


@api.fault("text-as-ids", breaks="ids-without-list-refused", text="A single id passes for a list of ids.")
def _text_as_ids(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    task = known_tasks(call).get(question["ids"]) if isinstance(question.get("ids"), str) else None
    return Answer(body={"items": [task], "count": 1}) if call.handled and task else answer


@api.fault(
    "missing-id-accepted", breaks="missing-id-refused", text="A query without an id is answered with the last task."
)
def _missing_id_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.get("action") == "retrieve" and "id" not in question:
        return Answer(body=other_task(call, ""))
    return answer


@api.fault("missing-ids-accepted", breaks="missing-ids-refused", text="A batch query without ids gives an empty batch.")
def _missing_ids_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.get("action") == "retrieve_batch" and "ids" not in question:
        return Answer(body={"items": [], "count": 0})
    return answer


@api.fault("missing-ids-other-code", breaks="queryTasks/code", text="Missing ids get a code that is not documented.")
def _missing_ids_other_code(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and not {"id", "ids"} & question.keys():
        return with_error(answer, 400, code="bad_request")
    return answer


@api.fault(
    "missing-action-accepted", breaks="missing-action-refused", text="A query without an action counts as retrieve."
)
def _missing_action_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    if call.handled and question.keys() >= {"id"} and "action" not in question:
        return Answer(body=known_tasks(call).get(str(question["id"])) or other_task(call, ""))
    return answer


@api.fault(
    "token-other-code", breaks="wrong-token-refused", text="A wrong token gets the code of a mismatch, under 401."
)
def _token_other_code(call: Call, answer: Answer) -> Answer:
    return answer if call.handled else with_error(answer, 401, code="token_mismatched")


@api.fault(
    "missing-token-400", breaks="missing-token-refused", text="A missing token is answered with a documented 400."
)
def _missing_token_400(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if call.problems.get("token") == "absent" else answer


@api.fault("batch-without-token", breaks="missing-token-refused", text="A batch query needs no token.")
def _batch_without_token(call: Call, answer: Answer) -> Answer:
    if call.problems.get("token") == "absent" and asked(call).get("action") == "retrieve_batch":
        return query_tasks(call)
    return answer


@api.fault("any-token-accepted", breaks="wrong-token-refused", text="Any token will do, as long as there is one.")
def _any_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if call.problems.get("token") == "unknown" else answer


@api.fault(
    "expired-token-accepted", breaks="expired-token-refused", text="A token goes on to work when it has expired."
)
def _expired_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if sent_token(call, "expired") else answer


@api.fault("other-api-token-accepted", breaks="other-api-token-refused", text="A token for another API works here too.")
def _other_api_token_accepted(call: Call, answer: Answer) -> Answer:
    return query_tasks(call) if sent_token(call, "other_api") else answer


@api.fault(
    "empty-for-wrong-token", breaks="wrong-token-refused", text="A wrong token gets an empty batch, not a refusal."
)
def _empty_for_wrong_token(call: Call, answer: Answer) -> Answer:
    return Answer(body={"items": [], "count": 0}) if call.problems.get("token") == "unknown" else answer


@api.fault(
    "empty-for-unknown-action",
    breaks="unknown-action-refused",
    text="An unknown action gets an empty batch as success.",
)
def _empty_for_unknown_action(call: Call, answer: Answer) -> Answer:
    unknown = call.handled and answer.status == 400 and asked(call).get("action", "retrieve") not in ACTIONS
    return Answer(body={"items": [], "count": 0}) if unknown else answer


@api.fault("error-under-200", breaks="queryTasks/200", text="Refusals come with status 200 and `success: false`.")
def _error_under_200(call: Call, answer: Answer) -> Answer:
    return replace(answer, status=200) if call.handled and answer.status == 400 else answer


@api.fault("codes-of-401-and-400-exchanged", breaks="queryTasks/code", text="400 and 401 carry each other's codes.")
def _codes_of_401_and_400_exchanged(_call: Call, answer: Answer) -> Answer:
    return with_error(with_error(answer, 400, code="invalid_token"), 401, code="token_mismatched")


@api.fault("trace-id-fixed", breaks="trace-id-is-fresh", text="Every error has the same trace id.")
def _trace_id_fixed(_call: Call, answer: Answer) -> Answer:
    if answer.status >= 400 and isinstance(answer.body, dict):
        return replace(answer, body=answer.body | {"trace_id": "2cf86e86-22a4-46e1-ac2f-032c0f2a4e89"})
    return answer


@api.fault(
    "message-template", breaks="error-message-is-filled-in", text="The message of an error has a placeholder left."
)
def _message_template(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, 400, message="the parameter {name} is missing or invalid")


@api.fault("sporadic-failure", breaks="known-task-is-found-every-time", text="One query in ten fails on the server.")
def _sporadic_failure(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and call.chance(10) else answer


@api.fault("sporadically-slow", breaks="queryTasks/time", text="One query in five takes two and a half seconds.")
def _sporadically_slow(call: Call, answer: Answer) -> Answer:
    return replace(answer, delay_seconds=2.5) if call.chance(5) else answer


@api.fault("seldom-failure", breaks="known-task-is-found-every-time", text="One query in twenty fails on the server.")
def _seldom_failure(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and call.chance(20) else answer


@api.fault("seldom-slow", breaks="queryTasks/time", text="One query in twenty takes two and a half seconds.")
def _seldom_slow(call: Call, answer: Answer) -> Answer:
    return replace(answer, delay_seconds=2.5) if call.chance(20) else answer
