"""Faults of Producer Videos' results: which audio they name."""

from __future__ import annotations

import uuid
from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .producer_videos import KNOWN_AUDIO, api, error, with_audio_id


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
