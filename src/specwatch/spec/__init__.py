"""Layer 2: specs, loaded and validated into frozen objects."""

from specwatch.spec.load import essence, load_api
from specwatch.spec.model import (
    Api,
    Cost,
    Doubt,
    Effect,
    Known,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
    ResponseSpec,
    SecurityScheme,
    State,
)
from specwatch.spec.schema import Schema, SchemaError
from specwatch.spec.source import Source

__all__ = [
    "Api",
    "Cost",
    "Doubt",
    "Effect",
    "Known",
    "MediaType",
    "Operation",
    "Parameter",
    "RequestBody",
    "ResponseSpec",
    "Schema",
    "SchemaError",
    "SecurityScheme",
    "Source",
    "State",
    "essence",
    "load_api",
]
