"""Variations of Scan Documents: what the documentation leaves open, done in other ways."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .scan_documents import api, every, first_file, not_found


@api.variation("problem-json", text="Problems come as application/problem+json.")
def problem_json(_call: Call, answer: Answer) -> Answer:
    """The media type of RFC 9457."""
    return replace(answer, media_type="application/problem+json") if answer.status >= 400 else answer


@api.variation("refused-403", text="A missing or unknown key is refused with 403.")
def refused_403(call: Call, answer: Answer) -> Answer:
    """The other usual refusal."""
    return Answer(403, {"detail": "Forbidden"}) if call.problems and answer.status == 401 else answer


@api.variation("malformed-as-unknown", text="A malformed id is answered like an unknown one.")
def malformed_as_unknown(call: Call, answer: Answer) -> Answer:
    """The document does not say which ids are malformed."""
    return not_found(call) if call.handled and answer.status == 422 else answer


@api.variation("other-404-wording", text="The message of a 404 says the same in other words.")
def other_404_wording(call: Call, answer: Answer) -> Answer:
    """The resource and the id are named all the same."""
    if not call.handled or answer.status != 404 or not isinstance(answer.body, dict):
        return answer
    return replace(answer, body=answer.body | {"message": f"There is no task {call.path['id']}."})


@api.variation("no-callback", text="The task was created without a callback URL.")
def no_callback(call: Call, answer: Answer) -> Answer:
    """Null at both places."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    parameters = answer.body["parameters"] | {"callback_url": None}
    return replace(answer, body=answer.body | {"parameters": parameters, "callback_url": None})


@api.variation("still-working", text="The first two readings find the task unfinished, in a state of no document.")
def still_working(call: Call, answer: Answer) -> Answer:
    """An unfinished task has no result yet."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    every(call, 1)
    if call.store["readings"] > 2:
        return answer
    return replace(answer, body=answer.body | {"status": "in-progress", "result": None})


@api.variation("other-operation", text="The task is of an operation that the document does not show.")
def other_operation(call: Call, answer: Answer) -> Answer:
    """A file that is no image, and parameters of another shape."""
    if not call.handled or answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    file = first_file(answer.body) | {"type": "application/pdf", "properties": {"size": 2048}}
    changes = {
        "operation": "make-pdf",
        "parameters": {"input": ["file_a", "file_b"]},
        "result": {"generated_files": [file]},
    }
    return replace(answer, body=answer.body | changes)
