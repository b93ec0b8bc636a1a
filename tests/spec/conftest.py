"""Specs that tests write down themselves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from specwatch.spec import Api, load_api

Load = Callable[[str], Api]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a spec from its text; its API is `things`."""

    def load(text: str) -> Api:
        path = tmp_path / "things.yaml"
        path.write_text(text, encoding="utf-8")
        return load_api(path)

    return load
