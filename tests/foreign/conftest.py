"""Documents that were not written for this program: an own small one for each thing that OpenAPI allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import _process_as_before, specwatch

from specwatch.sandbox import EmbeddedSandbox
from specwatch.spec import Api, load_api

__all__ = ["_process_as_before", "specwatch"]

SPECS = Path(__file__).with_name("specs")
Client = Callable[[str], httpx.Client]


def foreign(name: str) -> Api:
    """One of the documents."""
    return load_api(SPECS / f"{name}.yaml")


@pytest.fixture(scope="session", params=["requests", "answers"])
def name(request: pytest.FixtureRequest) -> str:
    """The name of each document."""
    return str(request.param)


@pytest.fixture(scope="session")
def _served() -> Iterator[EmbeddedSandbox]:
    with EmbeddedSandbox([foreign("requests"), foreign("answers")], {}) as running:
        yield running


@pytest.fixture
def client(_served: EmbeddedSandbox) -> Iterator[httpx.Client]:
    """A client of a sandbox that serves all of them and knows nothing but what they say."""
    with httpx.Client(base_url=_served.url, trust_env=False) as http:
        yield http
