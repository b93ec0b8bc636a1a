"""Faults of Producer Videos' parameters: what is accepted that should be refused."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .producer_videos import KNOWN_AUDIO, api, asked, error, video, with_error


@api.fault("missing-audio-id-accepted", breaks="missing-audio-id-refused", text="A call without an audio id succeeds.")
def _missing_audio_id_accepted(call: Call, answer: Answer) -> Answer:
    return video(call, KNOWN_AUDIO) if call.handled and "audio_id" not in asked(call) else answer


@api.fault(
    "number-accepted", breaks="non-string-audio-id-refused", text="A number passes for an audio id, as its digits."
)
def _number_accepted(call: Call, answer: Answer) -> Answer:
    audio_id = asked(call).get("audio_id")
    return video(call, str(audio_id)) if call.handled and isinstance(audio_id, int | float) else answer


@api.fault("null-accepted", breaks="non-string-audio-id-refused", text="Null passes for an audio id.")
def _null_accepted(call: Call, answer: Answer) -> Answer:
    question = asked(call)
    return video(call, "null") if call.handled and question.get("audio_id", "") is None else answer


@api.fault("list-accepted", breaks="non-string-audio-id-refused", text="Of a list of audio ids the first one is taken.")
def _list_accepted(call: Call, answer: Answer) -> Answer:
    match asked(call).get("audio_id"):
        case [first, *_] if call.handled:
            return video(call, str(first))
    return answer


@api.fault(
    "missing-audio-id-404", breaks="missing-audio-id-refused", text="A missing audio id is answered with 404 no_api."
)
def _missing_audio_id_404(call: Call, answer: Answer) -> Answer:
    return error(call, 404, "no_api") if call.handled and "audio_id" not in asked(call) else answer


@api.fault("missing-audio-id-500", breaks="missing-audio-id-refused", text="A missing audio id brings the server down.")
def _missing_audio_id_500(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and "audio_id" not in asked(call) else answer


@api.fault(
    "bad-request-other-code", breaks="bad-parameter-is-bad-request", text="A bad parameter gets the code of a token."
)
def _bad_request_other_code(call: Call, answer: Answer) -> Answer:
    return with_error(answer, 400, code="token_mismatched") if call.handled else answer


@api.fault(
    "empty-for-missing-audio-id",
    breaks="missing-audio-id-refused",
    text="A call without an audio id gets an empty result.",
)
def _empty_for_missing_audio_id(call: Call, answer: Answer) -> Answer:
    nothing = Answer(body={"data": {}, "success": True})
    return nothing if call.handled and "audio_id" not in asked(call) else answer


@api.fault("error-under-200", breaks="retrieveVideo/200", text="Errors of bad parameters come with status 200.")
def _error_under_200(call: Call, answer: Answer) -> Answer:
    return replace(answer, status=200) if call.handled and answer.status == 400 else answer


@api.fault(
    "any-body-accepted",
    breaks="not-an-object-refused",
    text="Of a body that is no object a text passes for an audio id.",
)
def _any_body_accepted(call: Call, answer: Answer) -> Answer:
    try:
        body = call.json()
    except ValueError:
        return answer
    return video(call, str(body)) if call.handled and not isinstance(body, dict) else answer
