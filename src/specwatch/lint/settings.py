"""Checks of the settings file, against its published JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from specwatch.errors import Problem, WorkspaceError
from specwatch.spec import Source
from specwatch.spec.form import Form

SETTINGS_FORM: Final = Form(Path(__file__).with_name("workspace.schema.json"))


def lint_settings(path: Path) -> list[Problem]:
    """What is wrong with a settings file; nothing when it does not exist.

    Args:
        path: a `specwatch.yaml`.
    """
    if not path.exists():
        return []
    source = Source.read(path)
    try:
        return [problem for _, problem in SETTINGS_FORM.problems(source, source.mapping())]
    except WorkspaceError as error:
        return list(error.problems)
