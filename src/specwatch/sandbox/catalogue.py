"""All faults of a sandbox by name: those of the modules, those derived from the specs, and the variations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from specwatch.errors import Problem, SandboxError
from specwatch.sandbox.derive import derive_faults, underivable
from specwatch.sandbox.faults import Fault, FaultKind, Underivable
from specwatch.sandbox.interface import Deviation, SandboxApi
from specwatch.sandbox.variations import derive_variations
from specwatch.spec import Api
from specwatch.values import Level

_NEAREST = 3


class UnknownFaultError(SandboxError):
    """No fault has this name.

    Args:
        nearest: names like it, the likest first.
    """

    def __init__(self, name: str, nearest: Sequence[str]) -> None:
        self.nearest = tuple(nearest)
        like = f", such as {', '.join(nearest)}" if nearest else ""
        super().__init__(
            Problem("fault", f"there is no {name!r}", f"one of the sandbox's{like}", "GET /_sandbox/faults lists all")
        )


class Catalogue:
    """The faults of a sandbox. What is derived from a spec is derived when it is first asked for.

    Args:
        apis: the loaded specs.
        modules: the behaviour of each API that has a module, by API id.
    """

    def __init__(self, apis: Sequence[Api], modules: Mapping[str, SandboxApi]) -> None:
        self._apis = {api.id: api for api in apis}
        self._modules = modules
        self._by_api: dict[str, dict[str, Fault]] = {}

    def of(self, api_id: str) -> Mapping[str, Fault]:
        """The faults of one API by full name, in the order in which they are applied."""
        if api_id not in self._by_api:
            api = self._apis[api_id]
            module = self._modules.get(api_id)
            declared = tuple(_declared(api, deviation) for deviation in module.deviations) if module else ()
            faults = (*declared, *derive_faults(api), *derive_variations(api))
            self._by_api[api_id] = {fault.name: fault for fault in faults}
        return self._by_api[api_id]

    def __iter__(self) -> Iterator[Fault]:
        """All faults and variations, API by API."""
        for api_id in self._apis:
            yield from self.of(api_id).values()

    @cached_property
    def underivable(self) -> tuple[Underivable, ...]:
        """What would follow from the specs but cannot be built, each with the reason."""
        return tuple(each for api in self._apis.values() for each in underivable(api))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all faults and variations."""
        return tuple(fault.name for fault in self)

    def get(self, name: str) -> Fault:
        """The fault with that full name.

        Raises:
            UnknownFaultError: there is none; it knows the nearest names.
        """
        api_id = name.partition("/")[0]
        fault = self.of(api_id).get(name) if api_id in self._apis else None
        if fault is None:
            raise UnknownFaultError(name, difflib.get_close_matches(name, self.names, n=_NEAREST, cutoff=0.4))
        return fault


def _declared(api: Api, deviation: Deviation) -> Fault:
    kind = FaultKind.VARIATION if deviation.variation else FaultKind.BEHAVIOUR
    level = next((claim.level for claim in api.claims if claim.id == deviation.breaks), Level.PROMISE)
    return Fault(
        f"{api.id}/{deviation.name}",
        api.id,
        deviation.operation,
        kind,
        level,
        deviation.breaks,
        deviation.text,
        deviation.edit,
        api.concern(deviation.breaks),
    )
