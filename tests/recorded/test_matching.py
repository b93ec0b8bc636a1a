"""Which API and operation a recorded request was for: the nearest path, the right server, and what a file tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.recorded.matching import Finder, Foreign, Match, Stray
from specwatch.recorded.model import Entry, Told
from specwatch.spec import Api, load_api

HOST = "https://api.example.com"
PATHS = {"/a/{id}": ["get"], "/a/mine": ["get"], "/a/{id}/parts/{part}": ["get"], "/a/{id}/parts/all": ["get"]}


def entry(url: str, method: str = "GET", told: Told | None = None) -> Entry:
    """A recorded request; what came back does not matter here."""
    url = url if "://" in url else f"{HOST}{url}"
    return Entry("traffic.har, entry 1", method, url, (), b"", 200, (), b"", told=told)


MakeApi = Callable[..., Api]


@pytest.fixture
def make_api(tmp_path: Path) -> MakeApi:
    """Makes an API with these paths on these servers."""

    def make(name: str, *servers: str, paths: dict[str, list[str]] = PATHS) -> Api:
        document = {
            "openapi": "3.1.0",
            "info": {"title": name, "version": "1"},
            "servers": [{"url": url} for url in servers],
            "paths": {path: {m: _operation(f"{m} {path}", path) for m in methods} for path, methods in paths.items()},
        }
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        return load_api(file)

    return make


def _operation(name: str, path: str) -> dict[str, object]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string"}, "example": "x"} for each in names
    ]
    effect = "read" if name.startswith("get") else "create"
    return {
        "operationId": name,
        "x-effect": effect,
        "security": [],
        "parameters": parameters,
        "responses": {"200": {"description": "Well."}},
    }


def matched(found: Match | Stray | Foreign) -> Match:
    """What was found, which is to be a match."""
    assert isinstance(found, Match), found
    return found


@pytest.mark.parametrize(
    "path, operation, parameters",
    [
        ("/a/mine", "get /a/mine", {}),
        ("/a/yours", "get /a/{id}", {"id": "yours"}),
        ("/a/mine/parts/all", "get /a/{id}/parts/all", {"id": "mine"}),
        ("/a/mine/parts/7", "get /a/{id}/parts/{part}", {"id": "mine", "part": "7"}),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_path_with_the_fewest_parameters_is_meant(
    make_api: MakeApi, path: str, operation: str, parameters: dict[str, str], order: int
) -> None:
    """A path that is documented as it is goes before one with a parameter, whichever comes first in the document."""
    api = make_api("a", HOST, paths=dict([*PATHS.items()][::order]))

    found = matched(Finder([api]).find(entry(path)))

    assert (found.operation.id, found.path_parameters) == (operation, parameters)


def test_another_method_of_a_nearer_path_is_not_meant(make_api: MakeApi) -> None:
    """Where the documented path lacks the method, one with a parameter that has it gets the request."""
    finder = Finder([make_api("a", HOST, paths={"/a/mine": ["get"], "/a/{id}": ["delete"]})])

    assert matched(finder.find(entry("/a/mine", "DELETE"))).operation.id == "delete /a/{id}"
    assert finder.find(entry("/a/mine", "PUT")) == Stray(("a",), "PUT /a/mine", ("DELETE", "GET"))


def test_a_base_ends_at_a_slash(make_api: MakeApi) -> None:
    """`/v10` does not lie below `/v1`: it is of another API, or foreign."""
    one, ten = make_api("one", f"{HOST}/v1"), make_api("ten", f"{HOST}/v10")

    assert Finder([one]).find(entry("/v10/a/mine")) == Foreign(HOST)
    found = matched(Finder([one, ten]).find(entry("/v10/a/mine")))
    assert (found.api.id, found.base, found.path) == ("ten", f"{HOST}/v10", "/a/mine")
    assert Finder([one, ten]).find(entry("/v10/b")) == Stray(("ten",), "GET /v10/b")
    assert Finder([one]).find(entry("/v1")) == Stray(("one",), "GET /v1")


@pytest.mark.parametrize("server", [HOST, f"{HOST}:443", "https://API.example.com.", f"{HOST}./"])
@pytest.mark.parametrize("url", ["/a/mine", "https://api.example.com./a/mine", "HTTPS://Api.Example.Com:443/a/mine"])
def test_a_host_can_be_spelt_in_many_ways(make_api: MakeApi, server: str, url: str) -> None:
    """Letter case, the port that goes without saying and the dot of the root make no other host."""
    assert matched(Finder([make_api("a", server)]).find(entry(url))).operation.id == "get /a/mine"


@pytest.mark.parametrize("url", ["http://api.example.com/a/mine", "https://api.example.com:8443/a/mine"])
def test_another_scheme_or_port_is_another_server(make_api: MakeApi, url: str) -> None:
    """Neither need be the same service."""
    assert isinstance(Finder([make_api("a", HOST)]).find(entry(url)), Foreign)


def test_what_a_file_tells_counts_wherever_it_was_sent(make_api: MakeApi) -> None:
    """The operation that is told goes before the one that the path would be of."""
    told = Told("a", "get /a/{id}")
    found = matched(Finder([make_api("a", HOST)]).find(entry("http://127.0.0.1:1/base/a/mine?x=1", told=told)))

    assert (found.operation.id, found.base, found.path) == ("get /a/{id}", "http://127.0.0.1:1/base", "/a/mine?x=1")
    assert found.path_parameters == {"id": "mine"}


@pytest.mark.parametrize("operation", ["get /a/{id}", "no such operation"])
def test_a_wrong_word_about_the_operation_is_not_believed(make_api: MakeApi, operation: str) -> None:
    """Where the method is another one, or nobody knows the operation, the request is looked up like any other."""
    finder = Finder([make_api("a", HOST, paths={"/a/{id}": ["get", "post"]})])
    told = Told("a", operation)

    assert matched(finder.find(entry("/a/1", "POST", told))).operation.id == "post /a/{id}"
    assert finder.find(entry("/a/1", "PUT", told)) == Stray(("a",), "PUT /a/1", ("GET", "POST"))
    assert finder.find(entry("http://127.0.0.1:1/a/1", "PUT", told)) == Foreign("http://127.0.0.1:1")


def test_what_is_told_of_another_api_is_foreign(make_api: MakeApi) -> None:
    """An API that is not selected gets nothing, and no other one gets it instead."""
    found = Finder([make_api("a", HOST)]).find(entry("/a/mine", told=Told("b", "get /a/mine")))
    assert found == Foreign("b, which is not selected")


@pytest.mark.parametrize(
    "query, values", [("q=", {"q": ""}), ("q=&r=1", {"q": "", "r": "1"}), ("q", {"q": ""}), ("q=%20", {"q": " "})]
)
def test_an_empty_value_of_a_query_is_there(make_api: MakeApi, query: str, values: dict[str, str]) -> None:
    """A parameter that was sent without a value was sent."""
    found = matched(Finder([make_api("a", HOST)]).find(entry(f"/a/mine?{query}")))
    assert (found.query, found.path) == (values, f"/a/mine?{query}")
