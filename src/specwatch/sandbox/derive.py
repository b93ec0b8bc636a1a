"""Faults that follow from a spec alone: every way in which an answer can stop being the documented one."""

from __future__ import annotations

from collections.abc import Iterator

from specwatch.sandbox.derivation.access import access, in_between
from specwatch.sandbox.derivation.bodies import bodies, codes
from specwatch.sandbox.derivation.claims import behaviour, scenarios
from specwatch.sandbox.derivation.maker import Derived, Maker
from specwatch.sandbox.derivation.requests import requests
from specwatch.sandbox.derivation.wire import failing, headers, slow, swaps, texts
from specwatch.sandbox.faults import Fault, Underivable
from specwatch.sandbox.shape import json_media
from specwatch.spec import Api


def derive_faults(api: Api) -> tuple[Fault, ...]:
    """All faults that follow from an API's spec, each with a name `<api-id>/<operationId>/<what>`.

    Those that edit a JSON body come before those that spoil its text, so that several can be on together.
    """
    found: dict[str, Fault] = {}
    for item in _derived(api):
        if isinstance(item, Fault):
            found.setdefault(item.name, item)
    return tuple(found.values())


def underivable(api: Api) -> tuple[Underivable, ...]:
    """The faults that would follow from an API's spec but cannot be built, each with the reason."""
    items = list(_derived(api))
    built = {item.name for item in items if isinstance(item, Fault)}
    missing = (item for item in items if isinstance(item, Underivable) and item.name not in built)
    return tuple({item.name: item for item in missing}.values())


def _derived(api: Api) -> Derived:
    for operation in api.operations:
        yield from _of_operation(Maker(api, operation))
    yield from scenarios(api)


def _of_operation(maker: Maker) -> Iterator[Fault | Underivable]:
    yield from access(maker)
    yield from in_between(maker)
    yield from requests(maker)
    for status in maker.statuses():
        media = json_media(maker.operation, status)
        if media is not None:
            yield from codes(maker, status)
            yield from bodies(maker, status, media)
        else:
            yield maker.cannot(f"{status}/...", "no JSON body is documented for it, so that nothing can be changed")
        yield from headers(maker, status)
        yield from swaps(maker, status)
    yield from behaviour(maker)
    yield from texts(maker)
    yield from failing(maker)
    yield slow(maker)
