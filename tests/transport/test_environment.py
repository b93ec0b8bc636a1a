"""Variables enter through one door."""

from __future__ import annotations

from pathlib import Path

import pytest

from specwatch.errors import UsageError
from specwatch.transport.environment import read_environment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file that holds a token, and none of our variables set."""
    for name in ("SHOP_TOKEN", "SHOP_TOKEN_FILE", "OTHER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    return tmp_path


def test_the_environment_goes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own variable, then `.env`, then the file that `NAME_FILE` names."""
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(folder / "token"))
    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "from-file"}

    (folder / ".env").write_text("SHOP_TOKEN=from-dotenv\n", encoding="utf-8")
    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "from-dotenv"}

    monkeypatch.setenv("SHOP_TOKEN", "from-process")
    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "from-process"}


def test_an_empty_variable_is_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Continuous integration sets secrets that do not exist to nothing; what `.env` says still counts then."""
    monkeypatch.setenv("SHOP_TOKEN", "")
    assert read_environment(["SHOP_TOKEN"], folder) == {}

    (folder / ".env").write_text("SHOP_TOKEN=from-dotenv\n", encoding="utf-8")
    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "from-dotenv"}


def test_only_named_variables_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither `.env` nor the process gives away anything that nobody asked for."""
    monkeypatch.setenv("OTHER", "mine")
    (folder / ".env").write_text("SHOP_TOKEN=yes\nOTHER=no\n", encoding="utf-8")

    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "yes"}


def test_a_dollar_is_just_a_dollar(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value in `.env` is taken as it is: `${OTHER}` is not a way to read another variable."""
    monkeypatch.setenv("OTHER", "mine")
    (folder / ".env").write_text("SHOP_TOKEN=a${OTHER}b\n", encoding="utf-8")

    assert read_environment(["SHOP_TOKEN"], folder) == {"SHOP_TOKEN": "a${OTHER}b"}


def test_an_unreadable_file_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that was meant to be there and is not is a mistake to mend, not a credential that is missing."""
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(folder / "nowhere"))
    with pytest.raises(UsageError, match=r"SHOP_TOKEN_FILE=.*nowhere: cannot be read"):
        read_environment(["SHOP_TOKEN"], folder)


def test_an_unreadable_dotenv_is_told(folder: Path) -> None:
    """The same for `.env`."""
    (folder / ".env").write_bytes(b"SHOP_TOKEN=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"\.env: cannot be read"):
        read_environment(["SHOP_TOKEN"], folder)
