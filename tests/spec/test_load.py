"""What a good spec becomes."""

from collections.abc import Callable

import pytest

from specwatch.spec import Api, Cost, Doubt, Effect, Known, SecurityScheme, State, essence
from specwatch.values import Claim, Concern, Holds, Level, Observe, Rule, Scenario, Series, Side

Load = Callable[[str], Api]

SPEC = """\
openapi: 3.1.0
info: {title: Things, version: '1'}
servers: [{url: 'https://api.example.com/v1/'}]
x-error-code: /error/code
x-objective: {response_seconds: 0.5}
x-known:
  thing: {value: t-1, setting: THING_ID, text: A thing.}
  things: {value: [t-1, t-2], setting: THING_IDS, text: Some things.}
x-doubt: [{about: Whether ids are numbers., places: [Things], handling: Both pass.}]
x-claims:
  - id: steady
    level: inference
    text: Stays.
    source: Things
    series: {key: request.path.id, value: response.json.id, order: [a, b]}
  - id: agree
    level: promise
    text: |
      Both say
      the same.
    source: Things
    observe:
      - {operation: getThing, key: request.path.id, value: response.json.size}
      - {operation: makeThing, when: response.status == 201, each: response.json, key: item.id, value: item.size}
paths:
  /things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: unit, in: query, schema: {type: string}}
    get:
      operationId: getThing
      security: [{token: [], client: []}, {}]
      parameters: [{name: unit, in: query, schema: {enum: [cm, m]}, examples: {metres: {value: m}}}]
      x-claims:
        - {id: echoed, level: promise, text: Echoed., source: Things, when: response.status == 200, holds: 'true'}
      responses:
        200: {$ref: '#/components/responses/Thing'}
        4XX: {description: Not.}
  /things:
    post:
      operationId: makeThing
      x-effect: consume
      x-cost: {amount: 3, unit: credit}
      x-claims: [{id: made, level: promise, concern: input validation, text: Made., source: Things, scenario: true}]
      responses: {default: {description: Anything.}}
components:
  responses:
    Thing:
      description: The thing.
      content:
        Application/JSON; charset=utf-8:
          schema:
            anyOf: [{properties: {error: {properties: {code: {const: gone}}}}}, {$ref: '#/components/schemas/Pet'}]
          examples: {small: {$ref: '#/components/examples/small'}}
          example: {id: t-2}
      x-doubt: [{about: Sizes., places: [Things, Units], handling: Any.}]
  examples: {small: {value: {id: t-1}}}
  schemas:
    Pet: {oneOf: [{$ref: '#/components/schemas/Cat'}]}
    Cat: {allOf: [{$ref: '#/components/schemas/Pet'}]}
  securitySchemes:
    token:
      type: http
      scheme: Bearer
      x-credential:
        env: [TOKEN_OF_THINGS, TOKEN]
        second: [TOKEN_2]
        states:
          expired: {env: [TOKEN_OLD], answer: {status: 401, code: token_expired}}
          other: {env: [TOKEN_X], answer: {status: [400, 401]}}
    client: {type: apiKey, in: header, name: Client-ID}
"""


@pytest.fixture
def api(load: Load) -> Api:
    """The spec above."""
    return load(SPEC)


def test_an_api_has_its_frame(api: Api) -> None:
    """Id from the file's name, servers without a slash at the end, objective, code pointer."""
    frame = (api.id, api.title, api.servers, api.objective_seconds, api.error_code_pointer)

    assert frame == ("things", "Things", ("https://api.example.com/v1",), 0.5, "/error/code")


def test_credentials_have_variables_and_states(api: Api) -> None:
    """Variables in the order in which they count, states with what is answered."""
    expired = State("expired", ("TOKEN_OLD",), (401,), "token_expired")
    other = State("other", ("TOKEN_X",), (400, 401), None)

    assert api.schemes == {
        "token": SecurityScheme(
            "token",
            "authorization",
            "Bearer ",
            {"account": ("TOKEN_OF_THINGS", "TOKEN"), "second": ("TOKEN_2",)},
            {"expired": expired, "other": other},
        ),
        "client": SecurityScheme("client", "client-id", "", {}, {}),
    }


def test_known_values_have_settings(api: Api) -> None:
    """One text or several, and the variable that replaces them."""
    assert api.known == {
        "thing": Known("thing", "t-1", "THING_ID", "A thing."),
        "things": Known("things", ("t-1", "t-2"), "THING_IDS", "Some things."),
    }


def test_doubts_are_collected_from_everywhere(api: Api) -> None:
    """Those of the document and those of its parts."""
    assert api.doubts == (
        Doubt("Whether ids are numbers.", ("Things",), "Both pass."),
        Doubt("Sizes.", ("Things", "Units"), "Any."),
    )


def test_operations_say_what_they_do(api: Api) -> None:
    """Method, path, effect, cost and the first alternative of the credentials."""
    summary = [(o.id, o.method, o.path, o.effect, o.cost, o.security) for o in api.operations]

    assert summary == [
        ("getThing", "GET", "/things/{id}", Effect.READ, None, ("token", "client")),
        ("makeThing", "POST", "/things", Effect.CONSUME, Cost(3.0, "credit"), ()),
    ]


def test_an_operation_replaces_its_path_s_parameters(api: Api) -> None:
    """A parameter of the same name and place is that of the operation."""
    parameters = api.operation("getThing").parameters

    assert [(p.location, p.name, p.schema and p.schema.raw) for p in parameters] == [
        ("path", "id", {"type": "string"}),
        ("query", "unit", {"enum": ["cm", "m"]}),
    ]
    assert parameters[1].examples == {"metres": "m"}


def test_responses_are_found_by_status_range_or_default(api: Api) -> None:
    """The exact status counts before its range, and that before `default`."""
    get, make = api.operation("getThing"), api.operation("makeThing")
    found = [get.response(200), get.response(404), get.response(500), make.response(500)]

    assert [response and response.status for response in found] == ["200", "4XX", None, "default"]


def test_media_types_are_compared_by_essence(api: Api) -> None:
    """Parameters and case do not matter; examples are found through references."""
    response = api.operation("getThing").responses["200"]

    assert list(response.media) == ["application/json"]
    assert response.media["application/json"].examples == {"small": {"id": "t-1"}, "example": {"id": "t-2"}}
    assert response.example("small") == {"id": "t-1"}
    with pytest.raises(KeyError):
        response.example("large")


def test_codes_are_found_in_branches(api: Api) -> None:
    """Also where the branches of a schema lead in a circle."""
    assert api.operation("getThing").responses["200"].codes == ("gone",)


def test_behaviour_claims_are_read(api: Api) -> None:
    """Every form, with the operations that it speaks about; texts in one line."""
    both = frozenset({"getThing", "makeThing"})
    sides = (
        Side("getThing", "request.path.id", "response.json.size"),
        Side("makeThing", "item.id", "item.size", "response.status == 201", "response.json"),
    )
    series = Series("request.path.id", "response.json.id", Rule.ORDER, ("a", "b"))
    get, make = frozenset({"getThing"}), frozenset({"makeThing"})

    assert [claim for claim in api.claims if "/" not in claim.id] == [
        Claim("things", "steady", Level.INFERENCE, "Stays.", "Things", series, both),
        Claim("things", "agree", Level.PROMISE, "Both say the same.", "Things", Observe(sides), both),
        Claim("things", "echoed", Level.PROMISE, "Echoed.", "Things", Holds("true"), get, "response.status == 200"),
        Claim("things", "made", Level.PROMISE, "Made.", "Things", Scenario(), make, concern=Concern.INPUT),
    ]
    assert api.claim("made").full_id == "things/made"


def test_what_is_not_there_is_a_key_error(api: Api) -> None:
    """Operations and claims are asked for by names that must exist."""
    with pytest.raises(KeyError):
        api.operation("nothing")
    with pytest.raises(KeyError):
        api.claim("nothing")


@pytest.mark.parametrize(
    "path, fits", [("/things/a%2Fb", True), ("/things/", True), ("/things/a/b", False), ("/x", False)]
)
def test_paths_are_recognised(api: Api, path: str, fits: bool) -> None:  # noqa: FBT001
    """A parameter is whatever stands between two slashes."""
    assert (api.operation("getThing").pattern.match(path) is not None) is fits


@pytest.mark.parametrize("text", ["application/json", "Application/JSON; charset=utf-8", " application/json ;x"])
def test_essence_leaves_parameters_and_case_out(text: str) -> None:
    """What two spellings of a media type have in common."""
    assert essence(text) == "application/json"
