"""A parcel tracker, small enough to read and with one of everything: the API that these tests serve."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from specwatch.sandbox import Answer, Call, EmbeddedSandbox, SandboxApi, SandboxSettings
from specwatch.spec import Api, load_api

SPEC = Path(__file__).with_name("parcels.yaml")
TOKEN = {"authorization": "Bearer specwatch-sandbox-account"}


def parcels_api() -> Api:
    """The spec of the parcel tracker."""
    return load_api(SPEC)


def parcels_module() -> SandboxApi:
    """Its behaviour: one operation with a state of its own, the others as the spec says."""
    api = SandboxApi("parcels")

    @api.operation("getParcel")
    def get_parcel(call: Call) -> Answer:
        code = call.path["code"]
        if code == "boom":
            raise RuntimeError(code)
        if code == "exit":
            sys.exit(0)
        if not code.startswith("P"):
            return Answer(404, {"error": {"code": "no_parcel", "message": f"There is no {code}."}, "trace": "t-2"})
        call.store[code] = call.store.get(code, 0) + 1
        body = call.example(200, "moving")
        body |= {"code": code, "seen": 1 if call.has_fault("frozen") else call.store[code]}
        return Answer(body=body)

    @api.fault("wrong-parcel", breaks="code-echoed", text="Another parcel comes back.", operation="getParcel")
    def wrong_parcel(_call: Call, answer: Answer) -> Answer:
        assert isinstance(answer.body, dict)
        return Answer(body={**answer.body, "code": "P-other"}) if answer.status == 200 else answer

    @api.variation("other-carrier", text="Another carrier brings it.")
    def other_carrier(_call: Call, answer: Answer) -> Answer:
        assert isinstance(answer.body, dict)
        return Answer(answer.status, {**answer.body, "carrier": "mule"})

    api.switch("frozen", breaks="seen-moves", text="The count of looks stands still.")
    return api


@pytest.fixture(scope="session")
def api() -> Api:
    """The spec of the parcel tracker."""
    return parcels_api()


@pytest.fixture(scope="session")
def _running(api: Api) -> Iterator[EmbeddedSandbox]:
    """One server for all tests; starting one for each would take most of their time."""
    with EmbeddedSandbox([api], {"parcels": parcels_module()}) as running:
        yield running


@pytest.fixture
def sandbox(_running: EmbeddedSandbox) -> EmbeddedSandbox:
    """The parcel tracker, served on loopback, as if it had just been started."""
    _running.app_state.disable_all()
    _running.app_state.set_worker_seconds(SandboxSettings().worker_seconds)
    _running.app_state.reset()
    return _running


@pytest.fixture
def client(sandbox: EmbeddedSandbox) -> Iterator[httpx.Client]:
    """A client of the running parcel tracker, with good credentials for the operations that take a token."""
    with httpx.Client(base_url=sandbox.url, headers=TOKEN, trust_env=False) as http:
        yield http
