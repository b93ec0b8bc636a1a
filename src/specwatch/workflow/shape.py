"""Which fields the objects of an Arazzo document have, and of which kind their values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one kind of object.

    Args:
        what: for messages: `a step`.
        fields: name to kind; `!` behind it means that it is required.
        later: the fields that came with version 1.1.
        refused: fields of the specification that are not supported, and why.
        extensible: whether `x-` fields may stand beside them.
    """

    what: str
    fields: Mapping[str, str]
    later: Mapping[str, str]
    refused: Mapping[str, str]
    extensible: bool = True


TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "list": (list,),
    "mapping": (dict,),
    "number": (int, float),
    "integer": (int,),
    "any": (object,),
}
ARTICLES: Final = {"text": "a text", "list": "a list", "mapping": "a mapping", "number": "a number of 0 or more"} | {
    "integer": "a whole number of 0 or more"
}
_ASYNC: Final = "a field for AsyncAPI, which is not supported"


def _form(
    what: str,
    fields: str,
    later: str = "",
    refused: Mapping[str, str] | None = None,
    *,
    extensible: bool = True,
) -> Form:
    return Form(what, _fields(fields), _fields(later), refused or {}, extensible)


def _fields(text: str) -> dict[str, str]:
    return dict(item.split(":") for item in text.split())


_ACTION: Final = "name:text! type:text! workflowId:text stepId:text criteria:list"

FORMS: Final[Mapping[str, Form]] = {
    "document": _form(
        "an Arazzo document",
        "arazzo:text! info:mapping! sourceDescriptions:list! workflows:list! components:mapping",
        "$self:text",
    ),
    "info": _form("info", "title:text! summary:text description:text version:text!"),
    "source": _form("a source description", "name:text! url:text! type:text"),
    "workflow": _form(
        "a workflow",
        "workflowId:text! summary:text description:text inputs:mapping dependsOn:list steps:list! successActions:list"
        " failureActions:list outputs:mapping parameters:list",
    ),
    "step": _form(
        "a step",
        "description:text stepId:text! operationId:text operationPath:text workflowId:text parameters:list"
        " requestBody:mapping successCriteria:list onSuccess:list onFailure:list outputs:mapping",
        "timeout:integer dependsOn:list",
        {"channelPath": _ASYNC, "correlationId": _ASYNC, "action": _ASYNC},
    ),
    "parameter": _form("a parameter", "name:text! in:text value:any!"),
    "reference": _form("a reference", "reference:text! value:any", extensible=False),
    "success action": _form("a success action", _ACTION, "parameters:list"),
    "failure action": _form("a failure action", f"{_ACTION} retryAfter:number retryLimit:integer", "parameters:list"),
    "criterion": _form("a criterion", "context:text condition:text! type:any"),
    "body": _form("a request body", "contentType:text payload:any replacements:list"),
    "replacement": _form("a replacement", "target:text! value:any!", "targetSelectorType:any"),
    "components": _form(
        "components", "inputs:mapping parameters:mapping successActions:mapping failureActions:mapping"
    ),
}


def fits(value: object, kind: str) -> bool:
    """Whether a value is of a kind; true and false are no numbers, and no number is negative."""
    if not isinstance(value, TYPES[kind]):
        return False
    if kind in {"number", "integer"}:
        return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < float("inf")
    return True
