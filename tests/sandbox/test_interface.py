"""What a handler is given."""

import httpx
import pytest

import specwatch.sandbox
from specwatch.errors import SandboxError
from specwatch.sandbox import Answer, Call, EmbeddedSandbox, SandboxApi
from specwatch.spec import Api
from specwatch.values.sandbox import WORKER_SECONDS


def call_with(body: bytes = b"", number: int = 1) -> Call:
    """A call with a body."""
    return Call("health", "GET", {}, {}, {}, body, "account", 0.0, 0.0, {}, frozenset({"x"}), number)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"NaN", b"[Infinity]", b"1e999", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, '"é"'.encode("utf-16")],
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    """Not UTF-8, not JSON, no finite number, nested without end: one kind of error for all."""
    with pytest.raises(ValueError, match=r"."):
        call_with(body).json()


def test_chance_counts() -> None:
    """Every n-th request, not a random one."""
    assert [call_with(number=number).chance(3) for number in range(1, 7)] == [False, False, True, False, False, True]


def test_public_names_are_there() -> None:
    """Everything that the package names can be had from it, and nothing else."""
    assert all(getattr(specwatch.sandbox, name) is not None for name in specwatch.sandbox.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = specwatch.sandbox.nothing  # type: ignore[attr-defined]


def test_a_handler_sees_the_request_and_the_settings(api: Api) -> None:
    """Query, headers, account, speed of the worker: as documented, and instant for the instant account."""
    seen: list[Call] = []
    module = SandboxApi("parcels")

    @module.operation("getParcel")
    def get_parcel(call: Call) -> Answer:
        seen.append(call)
        return Answer(raw=b"null", headers={"X-Answer": "yes"})

    with EmbeddedSandbox([api], {"parcels": module}) as sandbox:
        headers = [("Authorization", "Bearer specwatch-sandbox-instant"), ("X-Two", "1"), ("x-two", "2")]
        url = f"{sandbox.url}/v1/parcels/P-1?q=%C3%A9&q=2&empty="
        response = httpx.get(url, headers=headers, trust_env=False)
        httpx.get(url, headers={"Authorization": "Bearer specwatch-sandbox-second"}, trust_env=False)

    assert (response.content, response.headers["x-answer"]) == (b"null", "yes")
    assert (seen[0].query, seen[0].headers["x-two"]) == ({"q": "é", "empty": ""}, "1, 2")
    assert [(call.account, call.worker_seconds, call.number) for call in seen] == [
        ("instant", 0.0, 1),
        ("second", WORKER_SECONDS, 2),
    ]


def test_an_unknown_example_is_named_with_the_known_ones(api: Api) -> None:
    """A module that asks for an example that the spec does not have learns which there are."""
    call = Call(
        "getParcel", "GET", {}, {}, {}, b"", "account", 0.0, 0.0, {}, frozenset(), spec=api.operation("getParcel")
    )
    with pytest.raises(SandboxError, match="one of: moving"):
        call.example(200, "lost")


def test_a_refusal_can_be_a_modules_own(api: Api) -> None:
    """The module's function gets the problems by scheme; without one the spec's example is the answer."""
    module = SandboxApi("parcels")

    @module.refusal
    def refuse(_call: Call, problems: object) -> Answer:
        return Answer(401, {"error": {"code": "bad_token", "message": str(problems)}})

    with EmbeddedSandbox([api], {"parcels": module}) as sandbox:
        body = httpx.get(f"{sandbox.url}/v1/parcels/P-1", trust_env=False).json()
    assert body == {"error": {"code": "bad_token", "message": "{'token': 'absent'}"}}
