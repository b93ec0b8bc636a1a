"""Faults of Producer Videos' tokens: which ones work, and how the others are refused."""

from __future__ import annotations

from dataclasses import replace

from specwatch.sandbox import Answer, Call

from .producer_videos import answered_anyway, api, error, sent_token, with_error


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


@api.fault("wrong-token-gets-nothing", breaks="wrong-token-refused", text="A wrong token gets a result without data.")
def _wrong_token_gets_nothing(call: Call, answer: Answer) -> Answer:
    return Answer(body={"data": {}, "success": True}) if call.problems.get("token") == "unknown" else answer


@api.fault(
    "expired-and-invalid-exchanged", breaks="expired-token-refused", text="The two codes of bad tokens are swapped."
)
def _expired_and_invalid_exchanged(_call: Call, answer: Answer) -> Answer:
    other = {"invalid_token": "token_expired", "token_expired": "invalid_token"}
    if answer.status != 401 or not isinstance(answer.body, dict):
        return answer
    code = answer.body["error"]["code"]
    return with_error(answer, 401, code=other.get(code, code))


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


@api.fault("used-up-and-disabled-exchanged", breaks="used-up-balance-refused", text="403 says disabled, 400 used_up.")
def _used_up_and_disabled_exchanged(call: Call, answer: Answer) -> Answer:
    if sent_token(call, "used_up"):
        return error(call, 400, "disabled")
    return error(call, 403, "used_up") if sent_token(call, "disabled") else answer
