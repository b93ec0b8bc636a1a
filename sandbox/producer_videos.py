"""The Producer Videos API of the sandbox: it has a video for every audio id that is a string and not empty.

Where the document is silent (`x-doubt` in the spec) it chooses: an empty id is a bad request, a token of another API is
answered with 401, and one that is not sent as a bearer token is an invalid one. No answer holds a link, like the
document's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
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


# ------------------------------------------------------------------------------------------- faults and variations

# Each sibling builds on what is above and declares its faults or variations with `api` when it is imported. They are
# listed and applied in this order.
for _part in ("audio", "parameters", "tokens", "answers", "variations"):
    import_module(f"._producer_videos_{_part}", __package__)
