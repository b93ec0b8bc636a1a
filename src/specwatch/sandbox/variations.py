"""Variations: changes of an answer that every document allows, so that reporting one is a false alarm."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from specwatch.sandbox.examples import is_json
from specwatch.sandbox.faults import Fault, FaultKind
from specwatch.sandbox.interface import Answer, Call, Edit
from specwatch.sandbox.shape import Shape, examples_of, json_media, shape_of
from specwatch.spec import Api, essence
from specwatch.values import Level

EXTRA_FIELD = "specwatch_extra"
EXTRA_VALUE = {"added": True}
OTHER_WORDS = "Other words for the same thing."
MORE_WORDS = " See the documentation."
MESSAGES = frozenset({"message", "detail", "details", "description", "error_description", "hint", "reason"})
SLOWER_SECONDS = 0.3
_MOST_OBJECTS = 50
_ERRORS = 400


def derive_variations(api: Api) -> tuple[Fault, ...]:
    """The variations of an API, named `<api-id>/variation/<name>`; those that write the text of a body come last."""
    made = [_variation(api, name, text, apply) for name, (text, apply) in _VARIATIONS.items()]
    return tuple(fault for fault in made if fault.short_name != f"variation/{_FORBIDDEN}" or _documents_both(api))


def _variation(api: Api, name: str, text: str, apply: Edit) -> Fault:
    full = f"{api.id}/variation/{name}"
    return Fault(full, api.id, None, FaultKind.VARIATION, Level.INFERENCE, "", text, apply)


def extra_fields(call: Call, answer: Answer) -> Answer:
    """An unknown field in every object of the body that the schema leaves open."""
    shape = _shape(call, answer)
    if shape is None or not isinstance(answer.body, dict | list):
        return answer
    body = copy.deepcopy(answer.body)
    for item in list(islice(_objects(body), _MOST_OBJECTS)):
        item[EXTRA_FIELD] = EXTRA_VALUE
        if shape.breaks(body):
            del item[EXTRA_FIELD]
    return replace(answer, body=body)


def key_order(_call: Call, answer: Answer) -> Answer:
    """The keys of all objects in reverse order."""
    return replace(answer, body=_reversed(answer.body))


def whitespace(_call: Call, answer: Answer) -> Answer:
    """Indented JSON."""
    if answer.raw is not None or answer.body is None:
        return answer
    return replace(answer, raw=json.dumps(answer.body, indent=2).encode() + b"\n")


def media_type_case(_call: Call, answer: Answer) -> Answer:
    """The media type in other case, with a charset."""
    return _with_media_type(answer, lambda name: f"{name.title()}; Charset=UTF-8")


def charset(_call: Call, answer: Answer) -> Answer:
    """The media type with a charset."""
    return _with_media_type(answer, lambda name: f"{name}; charset=utf-8")


def slower(_call: Call, answer: Answer) -> Answer:
    """The answer a little later."""
    return replace(answer, delay_seconds=answer.delay_seconds + SLOWER_SECONDS)


def other_wording(call: Call, answer: Answer) -> Answer:
    """Other words in the free texts of an error; words are only added where the text names what was asked for."""
    shape = _shape(call, answer)
    if shape is None or answer.status < _ERRORS or not isinstance(answer.body, dict | list):
        return answer
    body = copy.deepcopy(answer.body)
    asked = {value for value in call.path.values() if value} | _strings(call)
    for item in islice(_objects(body), _MOST_OBJECTS):
        for key in MESSAGES & item.keys():
            text = item[key]
            if isinstance(text, str):
                _reword(body, item, key, shape, names=any(value in text for value in asked))
    return replace(answer, body=body)


def forbidden(call: Call, answer: Answer) -> Answer:
    """403 instead of 401, where both are documented and the body fits either."""
    other = replace(answer, status=403)
    documented = answer.status == 401 and call.spec is not None and "403" in call.spec.responses
    if not documented:
        return answer
    shape = _shape(call, other)
    return answer if shape and answer.raw is None and answer.body is not None and shape.breaks(answer.body) else other


_FORBIDDEN = "403-for-401"
_VARIATIONS: dict[str, tuple[str, Edit]] = {
    "extra-fields": ("Objects carry a field that the document does not know.", extra_fields),
    "other-error-wording": ("The free texts of errors are worded otherwise.", other_wording),
    _FORBIDDEN: ("Bad credentials are answered 403 instead of 401.", forbidden),
    "key-order": ("The keys of objects come in another order.", key_order),
    "slower": (f"Every answer comes {SLOWER_SECONDS:g} s later.", slower),
    "media-type-case": ("The media type is written in another case.", media_type_case),
    "charset": ("The media type carries a charset.", charset),
    "whitespace": ("JSON comes indented.", whitespace),
}


def _documents_both(api: Api) -> bool:
    """Whether some operation's documented 401 body is also a documented 403 body."""
    for operation in api.operations:
        if not {"401", "403"} <= operation.responses.keys():
            continue
        medias = json_media(operation, 401), json_media(operation, 403)
        if medias[0] is None or medias[1] is None:
            return True
        shape = Shape.of(medias[1])
        if any(shape.breaks(example) is None for example in examples_of(medias[0])):
            return True
    return False


def _shape(call: Call, answer: Answer) -> Shape | None:
    return shape_of(call.spec, answer) if call.spec is not None else None


def _objects(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(item)


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def _with_media_type(answer: Answer, change: Callable[[str], str]) -> Answer:
    name = essence(answer.media_type)
    return replace(answer, media_type=change(name)) if is_json(name) else answer


def _strings(call: Call) -> set[str]:
    """The words of a request's body that an error text might have to name."""
    try:
        body = call.json()
    except ValueError:
        return set()
    found: set[str] = set()
    for item in _objects(body):
        found |= {value for value in item.values() if isinstance(value, str) and value} | item.keys()
    return found


def _reword(body: object, item: dict[str, object], key: str, shape: Shape, *, names: bool) -> None:
    """Put the first wording into the item that the shape of the body allows."""
    old = item[key]
    for new in ([] if names else [OTHER_WORDS]) + [f"{old}{MORE_WORDS}", old]:
        item[key] = new
        if shape.breaks(body) is None:
            return
