"""The published form of a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from specwatch.spec.form import Form

SCHEDULE_FORM: Final = Form(Path(__file__).with_name("schedule.schema.json"))


def schedule_schema() -> Mapping[str, Any]:
    """The JSON Schema of `schedule.yaml`."""
    return SCHEDULE_FORM.schema
