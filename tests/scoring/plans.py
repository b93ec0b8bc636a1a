"""Plans of a few runs, for a workspace of the tests."""

from __future__ import annotations

from specwatch.contract.profile import PROFILES
from specwatch.sandbox import Catalogue, load_modules
from specwatch.scoring import Plan, Task
from specwatch.workspace import Workspace


def plan_of(workspace: Workspace, *names: str, limit_seconds: float = 60.0, to_the_end: bool = False) -> Plan:
    """A plan of the honest run and the runs with these faults."""
    apis = workspace.apis()
    modules = load_modules(workspace.sandbox, apis)
    catalogue = Catalogue(apis, modules)
    tasks = [Task.of(catalogue.get(f"example-api/{name}")) for name in names]
    return Plan(
        apis={api.id: api for api in apis},
        modules=modules,
        tasks=(Task.honest("example-api"), *tasks),
        contracts=workspace.contracts,
        profile=PROFILES["smoke"],
        to_the_end=to_the_end,
        limit_seconds=limit_seconds,
    )
