"""Schedules that tests write down themselves, over the workflows of a small shop."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from specwatch.schedule import Schedule, load_schedule
from specwatch.spec import Api, load_api
from specwatch.workflow import Document, load_document

SHOP = Path(__file__).parents[1] / "shop.yaml"
Load = Callable[[str], Schedule]


@pytest.fixture(scope="session")
def documents() -> Mapping[str, Document]:
    """The workflows of the shop, as a schedule names them."""
    api = load_api(SHOP)

    def api_at(path: Path) -> Api | None:
        return api if path.resolve() == SHOP else None

    return {"shop": load_document(Path(__file__).with_name("shop.arazzo.yaml"), api_at)}


@pytest.fixture
def load(tmp_path: Path, documents: Mapping[str, Document]) -> Load:
    """Load a schedule from its text."""

    def load(text: str) -> Schedule:
        path = tmp_path / "schedule.yaml"
        path.write_text(text, encoding="utf-8")
        return load_schedule(path, documents)

    return load
