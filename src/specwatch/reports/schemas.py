"""The JSON Schemas that describe documents, as they lie beside the modules that write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files


def packaged_schema(package: str, name: str) -> Mapping[str, object]:
    """A JSON Schema (2020-12) that comes with specwatch.

    Args:
        package: where it lies, such as `specwatch.reports`.
        name: of its file.
    """
    document: Mapping[str, object] = json.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
    return document
