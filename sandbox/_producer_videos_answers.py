"""Faults of all of Producer Videos' answers: ids of errors, messages, failures and slowness now and then."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .producer_videos import api, error, with_error


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


@api.fault(
    "seldom-failure", breaks="known-audio-is-answered-every-time", text="One call in twenty fails on the server."
)
def _seldom_failure(call: Call, answer: Answer) -> Answer:
    return error(call, 500, "api_error") if call.handled and call.chance(20) else answer


@api.fault("seldom-slow", breaks="retrieveVideo/time", text="One call in twenty takes two and a half seconds.")
def _seldom_slow(call: Call, answer: Answer) -> Answer:
    return replace(answer, delay_seconds=2.5) if call.chance(20) else answer
