"""Every claim of every spec of this repository is broken by a fault, or it is told why it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from specwatch.sandbox import Catalogue, Fault, FaultKind, SandboxApi, load_modules, underivable
from specwatch.spec import Api
from specwatch.values.claim import Derived, Scenario
from specwatch.workspace import Workspace

WORKSPACE = Workspace(Path(__file__).resolve().parents[2], "this checkout")
APIS = WORKSPACE.apis()
MODULES: Mapping[str, SandboxApi] = load_modules(WORKSPACE.sandbox, APIS)
CATALOGUE = Catalogue(APIS, MODULES)


def _faults(api: Api, *kinds: FaultKind) -> Iterator[Fault]:
    return (fault for fault in CATALOGUE.of(api.id).values() if fault.kind in kinds)


def _without_a_body(api: Api) -> set[str]:
    """Claims about the look of answers that have no look."""
    return {each.what.removesuffix("/...") for each in underivable(api) if each.what.endswith("/...")}


def _named_by(breaks: str, claim: str) -> bool:
    """Whether a fault that breaks a status breaks a claim about one of its codes."""
    return breaks == claim or (claim.startswith(f"{breaks}/") and not claim.endswith("/inferred"))


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.id)
def test_every_claim_has_a_fault_that_breaks_it(api: Api) -> None:
    """No claim goes untried but those about answers without a body that no other status stands in for, either."""
    broken = {fault.breaks for fault in _faults(api, FaultKind.DERIVED, FaultKind.BEHAVIOUR)}
    untried = {claim.id for claim in api.claims if not any(_named_by(breaks, claim.id) for breaks in broken)}
    assert untried == _without_a_body(api) - broken


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.id)
def test_every_scenario_has_a_behavioural_fault(api: Api) -> None:
    """What only a contract test can show is broken by a fault of the API's module, and told as not derivable."""
    scenarios = {claim.id for claim in api.claims if isinstance(claim.form, Scenario)}
    assert scenarios <= {fault.breaks for fault in _faults(api, FaultKind.BEHAVIOUR)}
    assert scenarios == {
        each.what.removeprefix("claim/") for each in underivable(api) if each.what.startswith("claim/")
    }


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.id)
def test_every_written_claim_is_derived_or_told(api: Api) -> None:
    """Each claim on each of its operations has a derived fault, or a reason why there is none."""
    derived = {fault.short_name for fault in _faults(api, FaultKind.DERIVED)} | {each.what for each in underivable(api)}
    wanted = {
        f"{operation}/claim/{claim.id}"
        for claim in api.claims
        if not isinstance(claim.form, Derived | Scenario)
        for operation in claim.operations
    }
    assert wanted <= derived


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.id)
def test_faults_name_claims_that_exist(api: Api) -> None:
    """What a fault says that it breaks is a claim, or a status whose codes have claims, unless it says that none is."""
    claims = {claim.id for claim in api.claims}
    faults = [fault for fault in _faults(api, FaultKind.DERIVED, FaultKind.BEHAVIOUR) if not fault.unclaimed]
    assert {f.name for f in faults if not any(_named_by(f.breaks, claim) for claim in claims)} == set()


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.id)
def test_every_variation_breaks_nothing(api: Api) -> None:
    """A variation names no claim, for the document allows it."""
    assert {fault.breaks for fault in _faults(api, FaultKind.VARIATION)} == {""}


def test_there_are_several_hundred_faults() -> None:
    """The catalogue holds what the specs and the modules give, and none is built that is also said not to be."""
    assert len([fault for fault in CATALOGUE if fault.kind is not FaultKind.VARIATION]) > 1000
    assert {each.name for each in CATALOGUE.underivable} & set(CATALOGUE.names) == set()
