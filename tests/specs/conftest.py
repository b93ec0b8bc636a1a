"""The four APIs of this repository's workspace."""

from pathlib import Path

import pytest

from specwatch.spec import Api, load_api

SPECS = Path(__file__).parents[2] / "specs"


@pytest.fixture(scope="session")
def apis() -> dict[str, Api]:
    """All of them by id."""
    return {path.stem: load_api(path) for path in sorted(SPECS.glob("*.yaml"))}
