"""A configuration that runs: its wire, its desks, and what follows from it for each probe, worked out once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from specwatch.errors import CannotTell
from specwatch.probing.configuration import Configuration, Means, build_desks, why_off
from specwatch.probing.desk import Desk
from specwatch.probing.prober import Neighbours, Prober
from specwatch.schedule import Probe
from specwatch.schedule.expense import all_steps
from specwatch.spec.model import Api
from specwatch.transport.draft import build_roles
from specwatch.transport.wire import Wire


@dataclass(frozen=True)
class Setting:
    """What runs now. Looking something up in it costs the same however many probes there are.

    Args:
        configuration: the files.
        wire: opens sockets for it.
        prober: runs its probes.
        probes: by id.
        off: probe id to why it does not run on this target, or empty.
        places: probe id to where its requests meet rate limits.
        apis_at: such a place to the APIs whose probes go there.
        bounded: API id to its probes that have a budget.
        units: API id to the unit of what its calls cost.
    """

    configuration: Configuration
    wire: Wire
    prober: Prober
    probes: Mapping[str, Probe]
    off: Mapping[str, str]
    places: Mapping[str, tuple[str, ...]]
    apis_at: Mapping[str, tuple[str, ...]]
    bounded: Mapping[str, tuple[Probe, ...]]
    units: Mapping[str, str] = field(default_factory=dict)

    def places_of(self, api_id: str) -> tuple[str, ...]:
        """Where the probes of an API meet rate limits."""
        return tuple(place for place, apis in self.apis_at.items() if api_id in apis)


def make_setting(
    configuration: Configuration, means: Means, wire: Wire, neighbours: Neighbours, before: Setting | None
) -> Setting:
    """What follows from a configuration; desks of APIs that did not change keep what they remember.

    Raises:
        UsageError: the target cannot be used.
    """
    desks = build_desks(configuration, means, wire)
    if before is not None:
        _hand_over(before, configuration, desks)
    probes = {probe.id: probe for probe in configuration.schedule.probes}
    places = {probe.id: _places(probe, desks) for probe in probes.values()}
    apis_at: defaultdict[str, dict[str, None]] = defaultdict(dict)
    bounded: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in probes.values():
        for place in places[probe.id]:
            apis_at[place][probe.api] = None
        if probe.budget.requests is not None or probe.budget.cost is not None:
            bounded[probe.api].append(probe)
    return Setting(
        configuration=configuration,
        wire=wire,
        prober=Prober(desks, means.options.target.name, means.clock, neighbours),
        probes=probes,
        off={probe.id: why_off(probe, means.options) for probe in probes.values()},
        places=places,
        apis_at={place: tuple(apis) for place, apis in apis_at.items()},
        bounded={api: tuple(each) for api, each in bounded.items()},
        units={api.id: _unit(api) for api in configuration.apis.values()},
    )


def _hand_over(before: Setting, configuration: Configuration, desks: Mapping[str, Desk]) -> None:
    old = before.prober.desks
    for api_id, mark in configuration.fingerprints.items():
        if before.configuration.fingerprints.get(api_id) == mark and api_id in old:
            desks[api_id].remember(old[api_id])


def _places(probe: Probe, desks: Mapping[str, Desk]) -> tuple[str, ...]:
    """Where a probe meets rate limits: each origin with each credential that a step has and that is there."""
    places: dict[str, None] = {}
    for step in all_steps(probe.workflow):
        desk = None if step.operation is None else desks.get(step.operation.api)
        if desk is None or step.operation is None:
            continue
        try:
            places[desk.courier.place(step.operation, build_roles(step.operation, step.roles))] = None
        except CannotTell:
            continue
    return tuple(places)


def _unit(api: Api) -> str:
    return next((operation.cost.unit for operation in api.operations if operation.cost is not None), "cost")
