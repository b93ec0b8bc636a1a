"""The facts of the four documents: what a spec must not lose when it is edited."""

from collections.abc import Mapping

import pytest

from specwatch.spec import Api, Effect
from specwatch.spec.schema import lookup

Apis = dict[str, Api]

ACEDATA_400 = ("token_mismatched", "api_not_implemented")
STATUSES = {
    ("qrart-tasks", "queryTasks"): {
        "200": (),
        "400": ACEDATA_400,
        "401": ("invalid_token",),
        "429": ("too_many_requests",),
        "500": ("api_error",),
    },
    ("producer-videos", "retrieveVideo"): {
        "200": (),
        "400": (*ACEDATA_400, "disabled", "bad_request", "no_token"),
        "401": ("invalid_token", "token_expired", "token_mismatched"),
        "403": ("used_up",),
        "404": ("no_api",),
        "429": ("too_many_requests",),
        "500": ("api_error",),
    },
    ("scan-documents", "getTask"): dict.fromkeys(["200", "404", "422", "429", "500"], ()),
    ("exaroutes-bulk", "submitBulk"): dict.fromkeys(["200", "400", "401", "403", "413", "429", "500"], ()),
    ("exaroutes-bulk", "getBulkStatus"): dict.fromkeys(["200", "400", "401", "403", "404"], ()),
    ("exaroutes-bulk", "getBulkResult"): dict.fromkeys(["200", "401", "403", "404", "410"], ()),
}

OPERATIONS = {
    ("qrart-tasks", "queryTasks"): ("POST", "https://api.acedata.cloud/qrart/tasks", Effect.READ, None),
    ("producer-videos", "retrieveVideo"): ("POST", "https://api.acedata.cloud/producer/videos", Effect.READ, 1.0),
    ("scan-documents", "getTask"): ("GET", "https://api.scan-documents.com/v1/tasks/{id}", Effect.READ, None),
    ("exaroutes-bulk", "submitBulk"): (
        "POST",
        "https://api.exaroutes.com/api/qr/bulk-generate",
        Effect.CREATE,
        None,
    ),
    ("exaroutes-bulk", "getBulkStatus"): (
        "GET",
        "https://api.exaroutes.com/api/qr/bulk-generate/{bulkId}",
        Effect.READ,
        None,
    ),
    ("exaroutes-bulk", "getBulkResult"): (
        "GET",
        "https://api.exaroutes.com/api/qr/bulk-generate/{bulkId}/result",
        Effect.CONSUME,
        None,
    ),
}

HEADERS = {
    "qrart-tasks": {"authorization": ("Bearer ", ("ACEDATA_TOKEN_QRART_TASKS", "ACEDATA_TOKEN"))},
    "producer-videos": {"authorization": ("Bearer ", ("ACEDATA_TOKEN_PRODUCER_VIDEOS", "ACEDATA_TOKEN"))},
    "scan-documents": {"x-api-key": ("", ("SCAN_DOCUMENTS_API_KEY",))},
    "exaroutes-bulk": {"client-id": ("", ("EXAROUTES_CLIENT_ID",)), "api-key": ("", ("EXAROUTES_API_KEY",))},
}

QRART = "/paths/~1qrart~1tasks/post"
QRART_OK = f"{QRART}/responses/200/content/application~1json/examples"
QRART_500 = f"{QRART}/responses/500/content/application~1json/examples/api_error/value"
VIDEO = "/paths/~1producer~1videos/post"
VIDEO_400 = f"{VIDEO}/responses/400/content/application~1json/examples"
VIDEO_401 = f"{VIDEO}/responses/401/content/application~1json/examples"
SCAN = "/components/examples"
BULK = "/paths/~1api~1qr~1bulk-generate"
RESULT = f"{BULK}~1{{bulkId}}~1result/get"
PROBLEM = "https://scan-documents.com/docs/errors"

VALUES = [
    # ------------------------------------------------------------------------------------------------ qrart-tasks
    ("qrart-tasks", f"{QRART}/requestBody/content/application~1json/schema/discriminator/propertyName", "action"),
    ("qrart-tasks", f"{QRART}/requestBody/content/application~1json/examples/retrieve/value/action", "retrieve"),
    ("qrart-tasks", "/components/schemas/Retrieve/required", ["id", "action"]),
    ("qrart-tasks", "/components/schemas/RetrieveBatch/required", ["ids", "action"]),
    ("qrart-tasks", "/components/schemas/RetrieveBatch/properties/action/const", "retrieve_batch"),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/id", "e2c65b20-a970-431e-99c1-76721e799df8"),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/_id", "668cb62c550a4144a582e372"),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/created_at", 1720497708.318),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/request/prompt", "mexican tacos"),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/request/aspect_ratio", "1:1"),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/response/seed", 5324369603686616),
    ("qrart-tasks", f"{QRART_OK}/retrieve/value/response/image_width", 768),
    ("qrart-tasks", f"{QRART_OK}/retrieve_batch/value/count", 2),
    ("qrart-tasks", f"{QRART_500}/success", False),
    ("qrart-tasks", f"{QRART_500}/error/message", "fetch failed"),
    ("qrart-tasks", "/x-known/task/setting", "QRART_TASK_ID"),
    ("qrart-tasks", "/x-known/tasks/setting", "QRART_TASK_IDS"),
    # -------------------------------------------------------------------------------------------- producer-videos
    ("producer-videos", "/x-known/audio/value", "eae26f89-b64b-404d-a80c-761996660b1c"),
    ("producer-videos", "/x-known/audio/setting", "PRODUCER_AUDIO_ID"),
    ("producer-videos", "/components/schemas/VideoRequest/required", ["audio_id"]),
    ("producer-videos", "/components/schemas/VideoRequest/properties/audio_id/type", "string"),
    ("producer-videos", f"{VIDEO}/x-cost/unit", "call"),
    ("producer-videos", f"{VIDEO}/responses/200/content/application~1json/examples/success/value/success", True),
    ("producer-videos", f"{VIDEO_401}/token_expired/value/error/message", "token expired."),
    ("producer-videos", f"{VIDEO_400}/bad_request/value/error/message", "model is invalid."),
    ("producer-videos", f"{VIDEO_400}/no_token/value/trace_id", "2efa9340-b21b-4e26-9e14-4aac95f343ab"),
    # --------------------------------------------------------------------------------------------- scan-documents
    ("scan-documents", f"{SCAN}/completedTask/value/id", "task_euyrvozb9302uwhq"),
    ("scan-documents", f"{SCAN}/completedTask/value/operation", "apply-effect"),
    ("scan-documents", f"{SCAN}/completedTask/value/created_at", "2021-05-01T12:00:00Z"),
    ("scan-documents", f"{SCAN}/completedTask/value/parameters/effect", "grayscale"),
    ("scan-documents", f"{SCAN}/completedTask/value/callback_url", "https://example.com/callback"),
    ("scan-documents", f"{SCAN}/notFound/value/message", "{resource} with id {id} not found."),
    ("scan-documents", "/components/schemas/NotFoundError/properties/type/const", f"{PROBLEM}/not-found"),
    ("scan-documents", "/components/schemas/NotFoundError/properties/title/const", "Not Found"),
    ("scan-documents", "/components/schemas/NotFoundError/properties/status/const", 404),
    ("scan-documents", "/components/schemas/ValidationProblem/properties/type/const", f"{PROBLEM}/validation-error"),
    ("scan-documents", "/components/schemas/ValidationProblem/properties/status/const", 422),
    ("scan-documents", "/components/schemas/ValidationProblem/required", ["type", "title", "status", "errors"]),
    ("scan-documents", "/components/schemas/RateLimitError/properties/type/const", f"{PROBLEM}/rate-limit-error"),
    ("scan-documents", "/components/schemas/RateLimitError/properties/status/const", 429),
    ("scan-documents", "/components/schemas/InternalProblem/properties/type/const", f"{PROBLEM}/internal-error"),
    ("scan-documents", "/components/schemas/InternalProblem/properties/status/const", 500),
    # --------------------------------------------------------------------------------------------- exaroutes-bulk
    ("exaroutes-bulk", f"{BULK}/post/x-max-body-bytes", {"below": 25_000_000, "above": 26_214_400}),
    ("exaroutes-bulk", f"{BULK}~1{{bulkId}}/get/x-polling/seconds", [2, 5, 15, 30]),
    (
        "exaroutes-bulk",
        f"{BULK}/post/responses/200/content/application~1json/examples/queued/value",
        "bulk_a8f31de2c904",
    ),
    ("exaroutes-bulk", "/components/schemas/Rows/minItems", 1),
    (
        "exaroutes-bulk",
        "/components/schemas/Batch/properties/status/enum",
        ["processing", "completed", "resultDownloaded"],
    ),
    ("exaroutes-bulk", "/components/schemas/Batch/properties/product/const", "qr"),
    ("exaroutes-bulk", "/components/schemas/Batch/properties/createdAt/minimum", 1_000_000_000_000),
    ("exaroutes-bulk", "/components/schemas/FailedFeatures/required", ["dynamicQr", "securedQr", "sourceQr"]),
    ("exaroutes-bulk", "/components/examples/completedBatch/value/createdAt", 1781827200000),
    ("exaroutes-bulk", "/components/examples/completedBatch/value/updatedAt", 1781827245123),
    ("exaroutes-bulk", f"{RESULT}/responses/200/content/application~1json/schema/contentMediaType", "application/json"),
    ("exaroutes-bulk", "/components/securitySchemes/clientId/x-credential/second", ["EXAROUTES_CLIENT_ID_2"]),
]

TEXTS = [
    ("exaroutes-bulk", "/info/description", "at most 500 rows in a call, and 5 calls a minute from one IP address"),
    ("exaroutes-bulk", "/info/description", "25 MB"),
    ("exaroutes-bulk", f"{RESULT}/description", "once"),
]

STATES = {
    ("qrart-tasks", "expired"): ((401,), "invalid_token", "ACEDATA_TOKEN_EXPIRED"),
    ("qrart-tasks", "other_api"): ((400,), "token_mismatched", "ACEDATA_TOKEN_OTHER_API"),
    ("producer-videos", "expired"): ((401,), "token_expired", "ACEDATA_TOKEN_EXPIRED"),
    ("producer-videos", "other_api"): ((400, 401), "token_mismatched", "ACEDATA_TOKEN_OTHER_API"),
    ("producer-videos", "used_up"): ((403,), "used_up", "ACEDATA_TOKEN_USED_UP"),
    ("producer-videos", "disabled"): ((400,), "disabled", "ACEDATA_TOKEN_DISABLED"),
}

DOUBTS = [
    ("producer-videos", "token_mismatched", "Both pass"),
    ("producer-videos", "no_token", "both pass"),
    ("producer-videos", "link to the video", "drift"),
    ("producer-videos", "no `success`", "may have it"),
    ("qrart-tasks", "no `success`", "its own document"),
    ("scan-documents", "missing or wrong API key", "401 and 403"),
    ("scan-documents", "other than `completed`", "passes"),
    ("scan-documents", "media type of error", "application/problem+json"),
    ("qrart-tasks", "id that no task has", "documented answer"),
    ("qrart-tasks", "not finished yet", "absent or null"),
    ("exaroutes-bulk", "429", "quota of ours"),
    ("exaroutes-bulk", "tallies agree", "dynamicQr"),
    ("exaroutes-bulk", "archive's example", "row-002"),
    ("exaroutes-bulk", "How many bytes 25 MB", "26,214,400"),
    ("exaroutes-bulk", "missing from the path", "400 to 499"),
    ("exaroutes-bulk", "bodies of errors", "Any body passes"),
    ("exaroutes-bulk", "make the batch twice", "never repeated"),
    ("exaroutes-bulk", "401 or 403", "Either passes"),
    ("qrart-tasks", "one AceData token", "ACEDATA_TOKEN_QRART_TASKS"),
    ("producer-videos", "one AceData token", "ACEDATA_TOKEN_PRODUCER_VIDEOS"),
]

LINKS = {
    "submitBulk": {"getBulkStatus": "$response.body", "getBulkResult": "$response.body"},
    "getBulkStatus": {"getBulkStatus": "$request.path.bulkId", "getBulkResult": "$request.path.bulkId"},
    "getBulkResult": {"getBulkStatus": "$request.path.bulkId", "getBulkResult": "$request.path.bulkId"},
}


@pytest.mark.parametrize("api_id, operation_id", STATUSES)
def test_every_status_has_its_codes(apis: Apis, api_id: str, operation_id: str) -> None:
    """Each documented status, with the error codes that are documented under it, and no other."""
    responses = apis[api_id].operation(operation_id).responses

    assert {status: response.codes for status, response in responses.items()} == STATUSES[api_id, operation_id]


def test_every_operation_is_known(apis: Apis) -> None:
    """Method, address, effect and cost of all operations of all documents."""
    found = {
        (api.id, each.id): (each.method, api.servers[0] + each.path, each.effect, each.cost and each.cost.amount)
        for api in apis.values()
        for each in api.operations
    }

    assert found == OPERATIONS


@pytest.mark.parametrize("api_id", HEADERS)
def test_credentials_travel_in_headers(apis: Apis, api_id: str) -> None:
    """Which headers, with which prefix, from which variables; every operation needs all of them."""
    api = apis[api_id]

    found = {each.header: (each.prefix, each.variables["account"]) for each in api.schemes.values()}

    assert found == HEADERS[api_id]
    assert {operation.security for operation in api.operations} == {tuple(api.schemes)}


@pytest.mark.parametrize("api_id, pointer, value", VALUES)
def test_a_value_is_where_the_document_has_it(apis: Apis, api_id: str, pointer: str, value: object) -> None:
    """Example values, constants, limits and settings."""
    assert lookup(apis[api_id].raw, f"#{pointer}") == value


@pytest.mark.parametrize("api_id, pointer, text", TEXTS)
def test_a_limit_is_told_in_words(apis: Apis, api_id: str, pointer: str, text: str) -> None:
    """Limits that no schema can hold are in the descriptions."""
    assert text in " ".join(str(lookup(apis[api_id].raw, f"#{pointer}")).split())


@pytest.mark.parametrize("api_id, state", STATES)
def test_a_token_in_a_state_has_its_answer(apis: Apis, api_id: str, state: str) -> None:
    """How a token in a known state is answered, and which variable holds one."""
    found = apis[api_id].schemes["token"].states[state]

    assert (found.statuses, found.code, *found.variables) == STATES[api_id, state]


@pytest.mark.parametrize("api_id, about, handling", DOUBTS)
def test_a_doubt_is_recorded(apis: Apis, api_id: str, about: str, handling: str) -> None:
    """Where a document is silent or at odds with itself, the spec says so, and what is done about it."""
    found = [doubt for doubt in apis[api_id].doubts if about in doubt.about]

    assert len(found) >= 1
    assert any(handling in doubt.handling for doubt in found)


@pytest.mark.parametrize("operation_id", LINKS)
def test_links_lead_from_submission_to_result(apis: Apis, operation_id: str) -> None:
    """The id of a batch leads to its status and to its archive."""
    raw = apis["exaroutes-bulk"].operation(operation_id).raw
    links = lookup(raw, "#/responses/200/links")
    assert isinstance(links, Mapping)

    found = {link["operationId"]: link["parameters"]["bulkId"] for link in links.values()}

    assert found == LINKS[operation_id]


@pytest.mark.parametrize("status", ["404", "422", "429", "500"])
def test_errors_come_in_either_media_type(apis: Apis, status: str) -> None:
    """As scan-documents names none, plain JSON and problem JSON pass alike, with the same schema."""
    media = apis["scan-documents"].operation("getTask").responses[status].media

    assert list(media) == ["application/json", "application/problem+json"]
    plain, problem = (each.schema for each in media.values())
    assert plain is not None
    assert problem is not None
    assert plain.raw == problem.raw


@pytest.mark.parametrize(
    "body, valid",
    [
        ({"action": "retrieve", "id": "x"}, True),
        ({"action": "retrieve_batch", "ids": ["x"]}, True),
        ({"action": "retrieve"}, False),
        ({"action": "retrieve", "ids": ["x"]}, False),
        ({"action": "retrieve_batch", "id": "x"}, False),
        ({"action": "delete", "id": "x"}, False),
        ({"id": "x"}, False),
    ],
)
def test_a_query_is_one_of_two_forms(apis: Apis, body: object, valid: bool) -> None:  # noqa: FBT001
    """The action chooses between one id and several."""
    request = apis["qrart-tasks"].operation("queryTasks").body
    assert request is not None
    schema = request.media["application/json"].schema
    assert schema is not None

    assert schema.is_valid(body) is valid


@pytest.mark.parametrize(
    "body, valid",
    [([{}], True), ([{"qrType": "dynamic"}], True), ([1, None], True), ([], False), ({}, False), ("rows", False)],
)
def test_no_row_makes_a_batch_invalid(apis: Apis, body: object, valid: bool) -> None:  # noqa: FBT001
    """A batch is a non-empty array; a row that lacks something fails by itself."""
    request = apis["exaroutes-bulk"].operation("submitBulk").body
    assert request is not None
    schema = request.media["application/json"].schema
    assert schema is not None

    assert schema.is_valid(body) is valid


@pytest.mark.parametrize(
    "entry, valid",
    [
        ({"id": "q", "uid": "r", "url": "https://x", "QRs": "data:"}, True),
        ("data:image/png;base64,x", True),
        ({"uid": "r", "status": "failed", "message": "m", "code": 400}, True),
        ({"status": "failed", "code": 400}, True),
        ({"uid": "r", "status": "failed", "code": 400}, False),
        ({"uid": "r", "status": "failed", "message": "m"}, False),
        ({"id": "q", "uid": "r", "url": "https://x"}, False),
        ("", False),
        (None, False),
    ],
)
def test_an_archive_has_three_kinds_of_entry(apis: Apis, entry: object, valid: bool) -> None:  # noqa: FBT001
    """A dynamic row's object, a static row's text, and a failed row."""
    media = apis["exaroutes-bulk"].operation("getBulkResult").responses["200"].media["application/json"]
    assert media.schema is not None
    assert media.schema.content is not None

    assert media.schema.content.is_valid([entry]) is valid


@pytest.mark.parametrize(
    "created_at, valid", [(1720497708.318, True), (1720497708318, False), (1720, False), (1_000_000_000, True)]
)
def test_seconds_are_told_from_milliseconds(apis: Apis, created_at: float, valid: bool) -> None:  # noqa: FBT001
    """A time of creation in milliseconds is out of bounds."""
    media = apis["qrart-tasks"].operation("queryTasks").responses["200"].media["application/json"]
    example = media.examples["retrieve"]
    assert isinstance(example, Mapping)
    assert media.inferred is not None

    assert media.inferred.is_valid({**example, "created_at": created_at}) is valid
