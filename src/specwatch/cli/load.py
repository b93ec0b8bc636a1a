"""Loading the specs that a command is about, with the complaints of `specwatch lint` where they cannot be loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specwatch.cli.names import Complaints, unknown
from specwatch.spec import Api

if TYPE_CHECKING:
    from specwatch.workspace import Workspace


def load_apis(workspace: Workspace, ids: Sequence[str], complaints: Complaints) -> tuple[Api, ...]:
    """The named APIs, or all; what is wrong with names, settings or specs is noted.

    Args:
        workspace: where they are looked up.
        ids: API ids; empty means all.
        complaints: receives what is wrong.
    """
    from specwatch.lint.settings import lint_settings
    from specwatch.workspace import SETTINGS_FILE

    settings = lint_settings(workspace.root / SETTINGS_FILE)
    complaints.extend(settings)
    names = tuple(dict.fromkeys(ids or workspace.spec_files))
    if not names:
        complaints.attempt(workspace.apis)
    loaded = [_load(workspace, name, complaints) for name in names] if not settings else []
    return tuple(api for api in loaded if api is not None)


def _load(workspace: Workspace, name: str, complaints: Complaints) -> Api | None:
    if name not in workspace.spec_files:
        known = list(workspace.spec_files)
        complaints.add(unknown(f"--api {name}", "API", name, known, "`specwatch list` shows the APIs"))
        return None
    try:
        return complaints.attempt(lambda: workspace.api(name))
    except (AttributeError, KeyError, TypeError, ValueError):  # no OpenAPI at all: the linter says what is wrong
        from specwatch.lint.specs import lint_spec

        complaints.extend(lint_spec(workspace.spec_files[name])[1])
        return None
