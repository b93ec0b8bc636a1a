"""Documents that others write: what is legal is loaded, whatever of it is not used here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from specwatch.errors import UsageError, WorkspaceError
from specwatch.spec import Api
from specwatch.transport.target import Kind, Target

Load = Callable[[str], Api]

HEAD = "openapi: 3.1.0\ninfo: {title: Things, version: '1'}\n"
READ = """\
paths:
  /things:
    get:
      operationId: listThings
      security: %s
      responses:
        '200': {description: Things.}
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    key: {type: apiKey, in: header, name: X-Key}
    password: {type: http, scheme: basic}
    login: {type: oauth2, flows: {}}
"""


@pytest.mark.parametrize(
    "written, sent, alternatives, needed",
    [
        ("[]", (), (), False),
        ("[{token: []}]", ("token",), (), True),
        ("[{token: []}, {}]", ("token",), ((),), False),
        ("[{}, {token: []}]", (), (("token",),), False),
        ("[{token: [], key: []}, {key: []}]", ("token", "key"), (("key",),), True),
        ("[{login: [all]}, {key: []}]", ("key",), (), True),
        ("[{password: []}, {}]", (), (), False),
    ],
)
def test_the_first_alternative_that_can_be_sent_counts(
    load: Load,
    written: str,
    sent: tuple[str, ...],
    alternatives: tuple[tuple[str, ...], ...],
    needed: bool,  # noqa: FBT001
) -> None:
    """The others are remembered; schemes that cannot be sent are refused only where nothing else is left."""
    api = load(HEAD + READ % written)
    operation = api.operation("listThings")

    assert (operation.security, operation.alternatives) == (sent, alternatives)
    assert operation.needs_credentials is needed
    assert list(api.schemes) == ["token", "key"]
    claimed = {claim.id for claim in api.claims} & {"listThings/credentials", "listThings/accepts"}
    duties = {"listThings/credentials"} if needed else set()
    assert claimed == duties | ({"listThings/accepts"} if sent else set())


def test_an_undeclared_scheme_is_told_in_any_alternative(load: Load) -> None:
    """A name that nothing declares is a mistake wherever it stands."""
    with pytest.raises(WorkspaceError, match="security names 'pass'"):
        load(HEAD + READ % "[{token: []}, {pass: []}]")


def test_fields_of_other_tools_are_not_looked_into(load: Load) -> None:
    """A reference in a field of another tool is that tool's affair; names that begin with x- are no fields."""
    foreign = "x-vendor: {$ref: 'https://example.com/other.yaml', list: [{$ref: '#/nowhere'}]}\n"

    assert load(HEAD + foreign + READ % "[]").operations
    named = "paths: {}\ncomponents: {headers: {x-left: {schema: {$ref: '#/nowhere'}}}}\n"
    with pytest.raises(WorkspaceError, match="#/nowhere leads nowhere"):
        load(HEAD + named)


def test_variables_of_servers_have_their_defaults(load: Load) -> None:
    """The URL is that of the default values, numbers too."""
    servers = (
        "servers: [{url: 'https://{region}.example.com/v{n}/{region}/', variables: "
        "{region: {default: eu, enum: [eu, us]}, n: {default: 2}}}]\n"
    )

    assert load(f"{HEAD}{servers}paths: {{}}\n").servers == ("https://eu.example.com/v2/eu",)


@pytest.mark.parametrize(
    "servers, found",
    [
        ("servers: [{url: /v1}]\n", "names the relative server /v1"),
        ("servers: [{url: '/'}]\n", "names the relative server /"),
        ("", "names no server"),
    ],
)
def test_a_relative_server_is_no_live_target(load: Load, servers: str, found: str) -> None:
    """Who wants to ask it has to say where it runs; everything else goes on as usual."""
    api = load(f"{HEAD}{servers}paths: {{}}\n")

    with pytest.raises(UsageError) as caught:
        Target(Kind.LIVE).base(api)
    assert f"servers: {found}" in str(caught.value)
    assert "`--target URL`" in str(caught.value)
    assert Target(Kind.URL, "http://127.0.0.1:1/v1").base(api) == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    "scheme, words",
    [
        ("{type: http, scheme: Basic}", "name: Authorization"),
        ("{type: http, scheme: digest}", "take it out"),
        ("{type: apiKey, in: cookie, name: session}", "name: Cookie"),
        ("{type: openIdConnect, openIdConnectUrl: 'https://example.com'}", "access token"),
        ("{type: mutualTLS}", "--cert FILE"),
        ("{}", "take it out"),
    ],
)
def test_an_unsupported_scheme_has_a_way_around(load: Load, scheme: str, words: str) -> None:
    """The mend says what does the same here; the scheme is told once, however many operations use it."""
    text = (
        "security: [{way: []}]\npaths:\n"
        "  /a: {get: {operationId: a, responses: {'200': {description: A.}}}}\n"
        "  /b: {get: {operationId: b, responses: {'200': {description: B.}}}}\n"
        f"components: {{securitySchemes: {{way: {scheme}}}}}\n"
    )

    with pytest.raises(WorkspaceError) as caught:
        load(HEAD + text)
    (problem,) = caught.value.problems
    assert words in problem.mend


def test_good_links_pass(load: Load) -> None:
    """By id, by reference, with qualified names, in a shared response, and to another document, which is not read."""
    text = """\
paths:
  /things:
    post:
      operationId: makeThing
      parameters: [{name: unit, in: query, schema: {type: string}}]
      responses: {'201': {$ref: '#/components/responses/Made'}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: getThing, responses: {'200': {description: The thing.}}}
components:
  responses:
    Made:
      description: Made.
      links:
        read: {operationId: getThing, parameters: {path.id: $response.body#/id}}
        same: {operationRef: '#/paths/~1things~1{id}/get', parameters: {id: 'a-{$request.query.unit}', }}
        away: {operationRef: 'https://example.com/other.yaml#/paths/~1a/get', parameters: {any: thing}}
"""

    assert len(load(HEAD + text).operations) == 2
