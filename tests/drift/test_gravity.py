"""Which changes to a spec decide about what is sent."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from specwatch.drift.gravity import grave

SPECS = Path(__file__).resolve().parents[2] / "specs"
DOCUMENT: dict[str, Any] = {
    "servers": [{"url": "https://api.example.com"}],
    "paths": {"/pots": {"post": {"x-effect": "consume", "security": [{"key": []}], "responses": {}}}},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}},
}


def changed(*way: str, to: object) -> dict[str, Any]:
    """The document with another value in one place."""
    document = copy.deepcopy(DOCUMENT)
    node = document
    for name in way[:-1]:
        node = node[name]
    node[way[-1]] = to
    return document


@pytest.mark.parametrize(
    "way, value, told",
    [
        (("servers",), [], 'servers: [{"url": "https://api.example.com"}] becomes []'),
        (("security",), [{}], "security: none becomes [{}]"),
        (("paths", "/pots", "post", "x-effect"), "read", 'POST /pots x-effect: "consume" becomes "read"'),
        (("paths", "/pots", "post", "x-cost"), {"amount": 2}, 'POST /pots x-cost: none becomes {"amount": 2}'),
        (("paths", "/pots", "post", "security"), [], 'POST /pots security: [{"key": []}] becomes []'),
        (("paths", "/pots", "get"), {}, "GET /pots is new"),
        (("paths", "/pots"), {}, "POST /pots is taken out"),
        (("paths",), None, "POST /pots is taken out"),
        (
            ("components", "securitySchemes", "key"),
            {"type": "http"},
            'securitySchemes.key: {"type": "apiKey", "in": "header", "name": "X-Key"} becomes {"type": "http"}',
        ),
    ],
)
def test_what_decides_about_requests_is_told(way: tuple[str, ...], value: object, told: str) -> None:
    """Servers, security, effects, costs and operations, each with what it was and what it becomes."""
    assert grave(DOCUMENT, changed(*way, to=value)) == (told,)


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_end_of_a_long_value_counts(spec: Path) -> None:
    """On the specs of this repository: a second server, other variables of a credential, and a scheme taken out."""
    before = yaml.safe_load(spec.read_text(encoding="utf-8"))
    elsewhere, asked, open_ = (copy.deepcopy(before) for _ in range(3))
    elsewhere["servers"].append({"url": "https://elsewhere.example"})
    schemes = before["components"]["securitySchemes"]
    for name in schemes:
        asked["components"]["securitySchemes"][name]["x-credential"]["env"] = ["ANOTHER_VARIABLE"]
        del open_["components"]["securitySchemes"][name]

    (server,) = grave(before, elsewhere)
    assert server.startswith("servers: ")
    assert "https://elsewhere.example" in server
    assert ["ANOTHER_VARIABLE" in line for line in grave(before, asked)] == [True] * len(schemes)
    assert [line.endswith(" becomes none") for line in grave(before, open_)] == [True] * len(schemes)


def test_what_documents_an_answer_is_not() -> None:
    """Answers, descriptions and names are changed without a warning."""
    answered = changed("paths", "/pots", "post", "responses", to={"200": {"description": "a pot"}})
    assert grave(DOCUMENT, {**answered, "info": {"title": "Pots"}}) == ()
