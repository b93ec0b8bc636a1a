"""The endpoints that show and steer a running sandbox."""

import httpx
import pytest

from specwatch.sandbox import EmbeddedSandbox
from specwatch.sandbox.control import refusal_reason
from specwatch.values.sandbox import WORKER_SECONDS

WRONG = "parcels/wrong-parcel"
CHANGES = [
    ("PUT", f"/_sandbox/faults/{WRONG}"),
    ("DELETE", f"/_sandbox/faults/{WRONG}"),
    ("DELETE", "/_sandbox/faults"),
    ("PUT", "/_sandbox/worker"),
    ("POST", "/_sandbox/reset"),
]


def test_the_state_is_shown(client: httpx.Client) -> None:
    """Settings, the faults that are on, and requests by operation, zeros included."""
    client.get("/v1/parcels/P-1")
    client.put(f"/_sandbox/faults/{WRONG}")

    assert client.get("/_sandbox/").json() == {
        "settings": {"worker_seconds": WORKER_SECONDS, "faults": []},
        "worker_seconds": WORKER_SECONDS,
        "faults": [WRONG],
        "requests": {"parcels/getParcel": 1, "parcels/findParcels": 0, "parcels/health": 0},
    }


def test_faults_go_on_and_off_at_run_time(client: httpx.Client) -> None:
    """PUT switches one on, DELETE one or all off."""
    path = "/v1/parcels/P-1"
    assert client.put(f"/_sandbox/faults/{WRONG}").json()["faults"] == [WRONG]
    assert client.get(path).json()["code"] == "P-other"

    assert client.delete(f"/_sandbox/faults/{WRONG}").json()["faults"] == []
    assert client.get(path).json()["code"] == "P-1"

    client.put("/_sandbox/faults/parcels/frozen")
    assert client.get(path).json()["seen"] == 1
    client.delete("/_sandbox/faults")
    assert client.get(path).json()["seen"] == 4


def test_all_faults_are_listed_with_their_text(client: httpx.Client) -> None:
    """Behaviour, derived and variations, each with what it breaks."""
    client.put(f"/_sandbox/faults/{WRONG}")
    faults = {fault["name"]: fault for fault in client.get("/_sandbox/faults").json()["faults"]}

    assert faults[WRONG] == {
        "name": WRONG,
        "api": "parcels",
        "operation": "getParcel",
        "kind": "behaviour",
        "level": "inference",
        "breaks": "code-echoed",
        "text": "Another parcel comes back.",
        "on": True,
    }
    assert faults["parcels/other-carrier"]["kind"] == "variation"
    assert faults["parcels/getParcel/200/drop/state"]["kind"] == "derived"
    assert {fault["on"] for name, fault in faults.items() if name != WRONG} == {False}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_unknown_fault_is_answered_with_the_nearest(client: httpx.Client, method: str) -> None:
    """A misspelt name is 404 with names like it."""
    response = client.request(method, "/_sandbox/faults/parcels/wrong-parsel")
    assert response.status_code == 404
    assert response.json()["nearest"][0] == WRONG
    assert "parcels/wrong-parsel" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    ['{"seconds": -1}', '{"seconds": 3601}', '{"seconds": "1"}', '{"seconds": true}', '{"seconds": NaN}', "{}", "["],
)
def test_bad_seconds_are_refused(sandbox: EmbeddedSandbox, client: httpx.Client, body: str) -> None:
    """The worker's speed is a number from 0 to 3600; anything else is 422 and changes nothing."""
    response = client.put("/_sandbox/worker", content=body)
    assert response.status_code == 422
    assert sandbox.app_state.worker_seconds == WORKER_SECONDS


def test_the_worker_can_be_slowed_down(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """A good number is taken over and shown."""
    assert client.put("/_sandbox/worker", json={"seconds": 5}).json()["worker_seconds"] == 5
    assert sandbox.app_state.worker_seconds == 5


def test_a_reset_forgets_state_and_counts_but_no_faults(client: httpx.Client) -> None:
    """Stores and counters are empty afterwards; what was switched on stays on."""
    client.get("/v1/parcels/P-1")
    client.put(f"/_sandbox/faults/{WRONG}")

    after = client.post("/_sandbox/reset").json()

    assert (after["requests"]["parcels/getParcel"], after["faults"]) == (0, [WRONG])
    assert client.get("/v1/parcels/P-1").json()["code"] == "P-other"


@pytest.mark.parametrize("method, path", CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example.com"},
        {"host": "localhost:1"},
        {"host": "localhost"},
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
    ],
)
def test_no_change_for_strangers(
    sandbox: EmbeddedSandbox, client: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    """Whatever changes something is 403 for a foreign Host or Origin, says why, and changes nothing."""
    sandbox.app_state.enable("parcels/frozen")
    response = client.request(method, path, headers=headers, content='{"seconds": 3}')
    assert response.status_code == 403
    assert next(iter(headers)).title() in response.json()["detail"]
    assert (sandbox.app_state.faults, sandbox.app_state.worker_seconds) == (("parcels/frozen",), WORKER_SECONDS)


@pytest.mark.parametrize(
    "headers, allowed",
    [
        ({"host": "127.0.0.1:80"}, True),
        ({"host": "127.3.2.1"}, True),
        ({"host": "LOCALHOST:80"}, True),
        ({"host": "[::1]:80"}, True),
        ({"host": "localhost", "origin": "http://localhost"}, True),
        ({"host": "localhost", "origin": "https://localhost"}, False),
        ({"host": "localhost", "origin": "http://127.0.0.1"}, False),
        ({"host": "localhost.evil.example"}, False),
        ({"host": "evil@localhost"}, False),
        ({"host": "10.0.0.1"}, False),
        ({"host": "localhost:x"}, False),
        ({"host": "[::1"}, False),
        ({}, False),
    ],
)
def test_who_may_change_something(headers: dict[str, str], allowed: bool) -> None:  # noqa: FBT001 - a table
    """Loopback names and addresses with the right port, and pages of the sandbox itself."""
    assert (refusal_reason(headers, 80) is None) is allowed


@pytest.mark.parametrize("method, path", [("POST", "/_sandbox/"), ("GET", "/_sandbox/reset"), ("GET", "/_sandbox/x")])
def test_other_control_requests_are_refused(client: httpx.Client, method: str, path: str) -> None:
    """What the control endpoint does not know is 404 or 405."""
    assert client.request(method, path).status_code in {404, 405}
