"""The Producer Videos API of the sandbox: it has a video for every audio id that is a string and not empty.

Where the document is silent (`x-doubt` in the spec) it chooses: an empty id is a bad request, a token of another API is
answered with 401, and one that is not sent as a bearer token is an invalid one. No answer holds a link, like the
document's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from specwatch.sandbox import Answer, Call, SandboxApi

Json = dict[str, Any]
KNOWN_AUDIO = "eae26f89-b64b-404d-a80c-761996660b1c"

api = SandboxApi("producer-videos")


def asked(call: Call) -> Json:
    """The body of the request; empty when it is no JSON object."""
    try:
        body = call.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def error(call: Call, status: int, code: str) -> Answer:
    """The documented error, with a trace id of its own."""
    return Answer(status, call.example(status, code) | {"trace_id": str(uuid.uuid4())})


def video(call: Call, audio_id: object) -> Answer:
    """The result for an audio."""
    return Answer(body=call.example(200, "success") | {"data": {"audio_id": audio_id}})


@api.operation("retrieveVideo")
def retrieve_video(call: Call) -> Answer:
    """The video of the audio that was asked for, or 400."""
    audio_id = asked(call).get("audio_id")
    if isinstance(audio_id, str) and audio_id:
        return video(call, audio_id)
    return error(call, 400, "bad_request")


@api.refusal
def refuse(call: Call, problems: Mapping[str, str]) -> Answer:
    """A missing token has a code of its own; every other one is invalid."""
    if problems.get("token") == "absent":
        return error(call, 400, "no_token")
    return error(call, 401, "invalid_token")


# ------------------------------------------------------------------------------------------ what the edits are made of


def with_audio_id(answer: Answer, change: Callable[[str], object]) -> Answer:
    """A result with its audio id changed; any other answer as it is."""
    if answer.status != 200 or not isinstance(answer.body, dict):
        return answer
    data = answer.body["data"]
    return replace(answer, body=answer.body | {"data": data | {"audio_id": change(data["audio_id"])}})


def with_error(answer: Answer, status: int, **changes: str) -> Answer:
    """An error under a status with its code or message changed; any other answer as it is."""
    if answer.status != status or not isinstance(answer.body, dict):
        return answer
    return replace(answer, body=answer.body | {"error": answer.body["error"] | changes})


def sent_token(call: Call, role: str) -> bool:
    """Whether the sandbox's token for a role or state was sent."""
    return call.headers.get("authorization", "").endswith(f"-{role}")


def answered_anyway(call: Call) -> Answer:
    """What the request would get with a good token."""
    return retrieve_video(call)


# -------------------------------------------------------------------------------------------------- faults: the audio


@api.fault("audio-id-in-capitals", breaks="audio-id-echoed", text="The audio id comes back in capitals.")
def _audio_id_in_capitals(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, str.upper)


@api.fault("audio-id-in-small-letters", breaks="audio-id-echoed", text="The audio id comes back in small letters.")
def _audio_id_in_small_letters(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, str.lower)


@api.fault("audio-id-with-a-space", breaks="audio-id-echoed", text="A space follows the audio id.")
def _audio_id_with_a_space(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda audio_id: f"{audio_id} ")


@api.fault("audio-id-stripped", breaks="audio-id-echoed", text="Spaces around the audio id are lost.")
def _audio_id_stripped(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, str.strip)


@api.fault("audio-id-without-hyphens", breaks="audio-id-echoed", text="The audio id comes back without its hyphens.")
def _audio_id_without_hyphens(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda audio_id: audio_id.replace("-", ""))


@api.fault("audio-id-cut", breaks="audio-id-echoed", text="An audio id is cut after 32 characters.")
def _audio_id_cut(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda audio_id: audio_id[:32])


@api.fault("audio-of-call-before", breaks="audio-id-echoed", text="The result is that of the audio asked for before.")
def _audio_of_call_before(call: Call, answer: Answer) -> Answer:
    def swap(audio_id: str) -> object:
        before = call.store.get("audio_id", audio_id)
        call.store["audio_id"] = audio_id
        return before

    return with_audio_id(answer, swap)


@api.fault("audio-fixed", breaks="audio-id-echoed", text="Every result is that of the same audio.")
def _audio_fixed(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda _audio_id: KNOWN_AUDIO)


@api.fault("audio-id-template", breaks="audio-id-echoed", text="The result has a placeholder for the audio id.")
def _audio_id_template(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda _audio_id: "{audio_id}")


@api.fault(
    "task-id-for-audio-id", breaks="audio-id-echoed", text="The result has an id of its own instead of the audio's."
)
def _task_id_for_audio_id(_call: Call, answer: Answer) -> Answer:
    return with_audio_id(answer, lambda _audio_id: str(uuid.uuid4()))


@api.fault("audio-forgotten", breaks="known-audio-is-answered", text="On every fourth call the audio is not known.")
def _audio_forgotten(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "bad_request") if answer.status == 200 and call.chance(4) else answer


@api.fault("failure-under-200", breaks="retrieveVideo/200", text="A result says that the call did not succeed.")
def _failure_under_200(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict):
        return replace(answer, body=answer.body | {"success": False})
    return answer


# --------------------------------------------------------------------------------------------- faults: parameters


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


# -------------------------------------------------------------------------------------------------- faults: tokens


@api.fault("token-start-compared", breaks="wrong-token-refused", text="Only the beginning of a token is compared.")
def _token_start_compared(call: Call, answer: Answer) -> Answer:
    begins_well = call.headers.get("authorization", "").startswith("Bearer specwatch")
    return answered_anyway(call) if call.problems.get("token") == "unknown" and begins_well else answer


@api.fault("any-token-accepted", breaks="wrong-token-refused", text="Any token will do, as long as there is one.")
def _any_token_accepted(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if call.problems.get("token") == "unknown" else answer


@api.fault("no-token-needed", breaks="missing-token-refused", text="A call without a token succeeds.")
def _no_token_needed(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if call.problems.get("token") == "absent" else answer


@api.fault("any-scheme-accepted", breaks="wrong-scheme-refused", text="The scheme before the token does not matter.")
def _any_scheme_accepted(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if call.problems.get("token") == "wrong_scheme" else answer


@api.fault("wrong-token-called-expired", breaks="wrong-token-refused", text="A wrong token is said to have expired.")
def _wrong_token_called_expired(call: Call, answer: Answer) -> Answer:
    return error(call, 401, "token_expired") if call.problems.get("token") == "unknown" else answer


@api.fault(
    "wrong-token-called-missing", breaks="wrong-token-refused", text="A wrong token is said to be missing, with 400."
)
def _wrong_token_called_missing(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "no_token") if call.problems.get("token") == "unknown" else answer


@api.fault(
    "missing-token-called-bad", breaks="missing-token-refused", text="A missing token counts as a bad parameter."
)
def _missing_token_called_bad(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "bad_request") if call.problems.get("token") == "absent" else answer


@api.fault(
    "no-token-under-401", breaks="retrieveVideo/code", text="no_token comes under 401, where it is not documented."
)
def _no_token_under_401(call: Call, answer: Answer) -> Answer:
    return replace(answer, status=401) if call.problems.get("token") == "absent" else answer


@api.fault(
    "expired-token-accepted", breaks="expired-token-refused", text="A token goes on to work when it has expired."
)
def _expired_token_accepted(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if sent_token(call, "expired") else answer


@api.fault(
    "expired-token-called-invalid", breaks="expired-token-refused", text="An expired token is said to be invalid."
)
def _expired_token_called_invalid(call: Call, answer: Answer) -> Answer:
    return error(call, 401, "invalid_token") if sent_token(call, "expired") else answer


@api.fault("other-api-token-accepted", breaks="other-api-token-refused", text="A token for another API works here too.")
def _other_api_token_accepted(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if sent_token(call, "other_api") else answer


@api.fault("used-up-ignored", breaks="used-up-balance-refused", text="A call succeeds although the balance is used up.")
def _used_up_ignored(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if sent_token(call, "used_up") else answer


@api.fault("used-up-called-bad", breaks="used-up-balance-refused", text="A used-up balance counts as a bad parameter.")
def _used_up_called_bad(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "bad_request") if sent_token(call, "used_up") else answer


@api.fault(
    "disabled-ignored", breaks="disabled-application-refused", text="A disabled application goes on to be served."
)
def _disabled_ignored(call: Call, answer: Answer) -> Answer:
    return answered_anyway(call) if sent_token(call, "disabled") else answer


@api.fault(
    "disabled-called-used-up", breaks="disabled-application-refused", text="A disabled application gets 403 used_up."
)
def _disabled_called_used_up(call: Call, answer: Answer) -> Answer:
    return error(call, 403, "used_up") if sent_token(call, "disabled") else answer


# -------------------------------------------------------------------------------------------- faults: all answers


@api.fault("trace-id-fixed", breaks="trace-id-is-fresh", text="Every error has the same trace id.")
def _trace_id_fixed(_call: Call, answer: Answer) -> Answer:
    if answer.status >= 400 and isinstance(answer.body, dict):
        return replace(answer, body=answer.body | {"trace_id": "2efa9340-b21b-4e26-9e14-4aac95f343ab"})
    return answer


@api.fault(
    "message-template", breaks="error-message-is-filled-in", text="The message of an error has a placeholder left."
)
def _message_template(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, 400, message="${parameter} is invalid.")


@api.fault("sporadic-failure", breaks="known-audio-is-answered-every-time", text="One call in ten fails on the server.")
def _sporadic_failure(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and call.chance(10) else answer


@api.fault("sporadically-slow", breaks="retrieveVideo/time", text="One call in five takes two and a half seconds.")
def _sporadically_slow(call: Call, answer: Answer) -> Answer:
    return replace(answer, delay_seconds=2.5) if call.chance(5) else answer


# ------------------------------------------------------------------------------------ variations: all of them allowed


@api.variation("other-wording", text="Messages are worded differently.")
def _other_wording(_call: Call, answer: Answer) -> Answer:
    return with_error(answer, answer.status, message="Sorry, no.") if answer.status >= 400 else answer


@api.variation(
    "missing-token-401", text="A missing token is answered with 401 invalid_token, as that status's text says."
)
def _missing_token_401(call: Call, answer: Answer) -> Answer:
    return error(call, 401, "invalid_token") if call.problems.get("token") == "absent" else answer


@api.variation("wrong-scheme-no-token", text="A token that is not sent as a bearer token counts as none.")
def _wrong_scheme_no_token(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "no_token") if call.problems.get("token") == "wrong_scheme" else answer


@api.variation("other-api-token-400", text="A token of another API is answered with 400 instead of 401.")
def _other_api_token_400(call: Call, answer: Answer) -> Answer:
    return error(call, 400, "token_mismatched") if sent_token(call, "other_api") else answer


@api.variation("unknown-audio-refused", text="An id that no audio has is refused.")
def _unknown_audio_refused(call: Call, answer: Answer) -> Answer:
    unknown = answer.status == 200 and asked(call).get("audio_id") != KNOWN_AUDIO
    return error(call, 400, "bad_request") if unknown else answer


@api.variation("empty-audio-id-accepted", text="An empty audio id is as good as any.")
def _empty_audio_id_accepted(call: Call, answer: Answer) -> Answer:
    return video(call, "") if call.handled and asked(call).get("audio_id") == "" else answer


@api.variation("with-video-link", text="The result holds the link that the document speaks of, under some name.")
def _with_video_link(_call: Call, answer: Answer) -> Answer:
    if answer.status == 200 and isinstance(answer.body, dict):
        link = {"video_url": "https://example.com/video.mp4"}
        return replace(answer, body=answer.body | {"data": answer.body["data"] | link})
    return answer


@api.variation("errors-with-success", text="Errors say `success: false`, as those of the provider's other API do.")
def _errors_with_success(_call: Call, answer: Answer) -> Answer:
    if answer.status >= 400 and isinstance(answer.body, dict):
        return replace(answer, body={"success": False} | answer.body)
    return answer
