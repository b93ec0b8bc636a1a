"""Variations of Producer Videos: what the document leaves open, done in other ways."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .producer_videos import KNOWN_AUDIO, api, asked, error, sent_token, video, with_error


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
