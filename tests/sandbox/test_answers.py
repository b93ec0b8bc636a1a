"""What the sandbox answers to whom: routing, the behaviour of a module, and everything that a spec documents."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from specwatch.errors import SandboxError
from specwatch.sandbox import EmbeddedSandbox, create_app
from specwatch.spec import Api

KEYS = {"x-client": "specwatch-sandbox-account", "x-key": "specwatch-sandbox-account"}
REQUESTS = {
    "getParcel": ("GET", "/v1/parcels/P-1"),
    "findParcels": ("POST", "/v1/parcels/find"),
    "health": ("GET", "/v1/health"),
}
DOCUMENTED = [
    ("getParcel", 200, None),
    ("getParcel", 401, "bad_token"),
    ("getParcel", 401, "old_token"),
    ("getParcel", 403, "bad_token"),
    ("getParcel", 403, "old_token"),
    ("getParcel", 404, "no_parcel"),
    ("findParcels", 200, None),
    ("findParcels", 400, None),
    ("findParcels", 401, None),
    ("health", 200, None),
    ("health", 503, None),
]


def test_the_table_is_what_the_spec_documents(api: Api) -> None:
    """The list of documented answers above misses nothing."""
    documented = [
        (operation.id, int(response.status), code)
        for operation in api.operations
        for response in operation.responses.values()
        for code in response.codes or (None,)
    ]
    assert documented == DOCUMENTED


@pytest.mark.parametrize("operation, status, code", DOCUMENTED)
def test_every_documented_answer_can_be_had(
    client: httpx.Client, api: Api, operation: str, status: int, code: str | None
) -> None:
    """A well-known credential brings out any documented status and code, with a body that fits its schema."""
    method, path = REQUESTS[operation]
    value = f"specwatch-sandbox-answer-{status}{f'-{code}' if code else ''}"

    response = client.request(method, path, headers={"authorization": f"Bearer {value}", "x-key": value})

    assert response.status_code == status
    documented = api.operation(operation).response(status)
    assert documented is not None
    for media in documented.media.values():
        assert media.schema is None or media.schema.is_valid(response.json())
    assert code is None or response.json()["error"]["code"] == code


@pytest.mark.parametrize("value", ["answer-500", "answer-404-bad_token", "answer-x", "answer-", "somebody", ""])
def test_what_no_spec_documents_cannot_be_had(client: httpx.Client, value: str) -> None:
    """A credential that asks for an undocumented answer is an unknown one."""
    response = client.get("/v1/parcels/P-1", headers={"authorization": f"Bearer specwatch-sandbox-{value}"})
    assert response.status_code == 401


def test_a_module_answers_with_state_and_example(client: httpx.Client) -> None:
    """The handler sees its path parameter and its own store, and builds on the spec's example."""
    first, second = client.get("/v1/parcels/P-7"), client.get("/v1/parcels/P-7")

    assert (first.json()["seen"], second.json()["seen"]) == (1, 2)
    assert second.json()["code"] == "P-7"
    assert second.json()["history"] == [{"at": "2024-07-09T04:01:48Z", "place": "Köln"}]
    assert second.headers["content-type"] == "application/json"


def test_json_goes_out_compact_and_in_utf8(client: httpx.Client) -> None:
    """No spaces, no escapes."""
    assert b'"place":"K\xc3\xb6ln"' in client.get("/v1/parcels/P-1").content


@pytest.mark.parametrize(
    "path, code",
    [("/v1/parcels/", ""), ("/v1/parcels/a%2Fb", "a/b"), ("/v1/parcels/%C3%A9", "é"), ("/v1/parcels/x%0Ay", "x\ny")],
)
def test_any_last_segment_reaches_the_operation(client: httpx.Client, path: str, code: str) -> None:
    """An empty segment is an empty parameter, and an encoded slash belongs to it."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["message"] == f"There is no {code}."


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/", 404),
        ("GET", "/parcels/P-1", 404),
        ("GET", "/v1/parcels/P-1/", 404),
        ("GET", "/v1/parcels", 404),
        ("DELETE", "/v1/parcels/P-1", 405),
        ("HEAD", "/v1/parcels/P-1", 405),
        ("OPTIONS", "/v1/health", 405),
    ],
)
def test_what_no_spec_declares_is_refused(client: httpx.Client, method: str, path: str, status: int) -> None:
    """Undeclared paths are 404 and undeclared methods 405, HEAD of a GET among them, with a sentence in JSON."""
    response = client.request(method, path)
    assert response.status_code == status
    assert method == "HEAD" or "No spec declares" in response.json()["detail"]


def test_the_first_operation_that_declares_the_method_is_taken(client: httpx.Client) -> None:
    """A fixed path goes before one with a parameter, but only for the methods that it declares."""
    assert client.get("/v1/parcels/find").json()["error"]["code"] == "no_parcel"
    assert client.post("/v1/parcels/find", headers=KEYS, json={"by": "code", "code": "P-1"}).status_code == 200


def test_operations_that_clash_are_refused(api: Api) -> None:
    """Two APIs with the same method and path cannot be served together, and the message names both."""
    with pytest.raises(SandboxError, match=r"GET /v1/parcels/\{code\} is parcels's operation getParcel already"):
        create_app([api, api], {})


@pytest.mark.parametrize(
    "body, status",
    [
        ({"by": "code", "code": "P-1"}, 200),
        ({"by": "codes", "codes": ["P-1"]}, 200),
        ({"by": "code"}, 400),
        ({"by": "codes", "codes": []}, 400),
        ([], 400),
    ],
)
def test_an_operation_without_a_module_behaves_as_its_spec(client: httpx.Client, body: object, status: int) -> None:
    """A valid request gets the first example of success, an invalid one the documented complaint."""
    response = client.post("/v1/parcels/find", headers=KEYS, json=body)
    assert response.status_code == status
    assert response.json() == (
        '[{"code": "P-1"}, {"code": "P-2"}]' if status == 200 else {"why": "No question was asked."}
    )


def test_a_response_without_example_is_made_from_its_schema(client: httpx.Client) -> None:
    """Constants, required fields and formats are enough to answer."""
    assert client.get("/v1/health").json() == {"well": True, "since": "2026-01-01"}


@pytest.mark.parametrize("code, told", [("boom", "RuntimeError: boom"), ("exit", "SystemExit: 0")])
def test_a_module_that_fails_says_so(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, code: str, told: str
) -> None:
    """A defect of a sandbox module, or its wish to end everything, is a 500 of the sandbox's own; it is logged."""
    response = client.get(f"/v1/parcels/{code}")
    assert response.status_code == 500
    assert response.json() == {"detail": f"The sandbox's module for parcels failed: {told}"}
    assert "getParcel" in caplog.text


def test_many_clients_at_once(sandbox: EmbeddedSandbox, client: httpx.Client) -> None:
    """Concurrent requests are each answered once, and the state counts them all."""
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get("/v1/parcels/P-1").json()["seen"], range(80)))

    assert sorted(answers) == list(range(1, 81))
    assert sandbox.app_state.requests()["parcels/getParcel"] == 80
