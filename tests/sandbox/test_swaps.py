"""One documented status in the place of another: what that breaks, and what is told where no claim shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sandbox.conftest import parcels_api

from specwatch.sandbox import Fault, derive_faults
from specwatch.spec import load_api
from specwatch.values import Concern, Level

LOCKERS = """
openapi: 3.1.0
info: {title: Lockers, version: '1'}
servers: [{url: 'https://lockers.example'}]
security: [{token: []}]
paths:
  /lockers/{id}:
    get:
      operationId: getLocker
      x-effect: read
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: The locker.
          content:
            application/json:
              schema: {type: object, required: [id], properties: {id: {type: string}}}
        '401': {description: Refused.}
        '404': {description: No such locker.}
        '409':
          description: It is open.
          content:
            application/json:
              schema: {type: object, required: [why], properties: {why: {type: string}}}
        '500': {description: Down.}
components:
  securitySchemes:
    token: {type: http, scheme: bearer, x-credential: {roles: {account: {env: [LOCKERS_TOKEN]}}}}
"""
CLAIMS = """x-claims:
  - id: known-locker-is-found
    text: A known locker is found.
    source: The locker.
    level: promise
    operations: [getLocker]
    scenario: true
"""


def swaps(folder: Path, more: str = "") -> dict[str, Fault]:
    """The faults of the lockers by what takes the place of what."""
    path = folder / "lockers.yaml"
    path.write_text(LOCKERS + more, encoding="utf-8")
    found = derive_faults(load_api(path))
    return {fault.short_name.rpartition("/")[2]: fault for fault in found if "/status/" in fault.name}


@pytest.mark.parametrize(
    "swap, breaks, level",
    [
        ("200-as-299", "getLocker/status", Level.PROMISE),
        ("200-as-409", "getLocker/409", Level.PROMISE),
        ("409-as-200", "getLocker/200", Level.PROMISE),
        ("401-as-200", "getLocker/media-type", Level.PROMISE),
        ("404-as-401", "getLocker/404", Level.PROMISE),
        ("404-as-500", "getLocker/404", Level.PROMISE),
        ("200-as-500", "getLocker/survives", Level.INFERENCE),
    ],
)
def test_a_swap_names_the_claim_that_it_breaks(tmp_path: Path, swap: str, breaks: str, level: Level) -> None:
    """An undocumented status breaks another claim than the body of one answer under the status of another."""
    fault = swaps(tmp_path)[swap]

    assert (fault.breaks, fault.level, fault.unclaimed) == (breaks, level, "")
    assert fault.concern is Concern.STATUS


@pytest.mark.parametrize("claims, level", [("", Level.INFERENCE), (CLAIMS, Level.PROMISE)])
def test_a_swap_that_no_derived_claim_shows_says_so(tmp_path: Path, claims: str, level: Level) -> None:
    """Which request is found is said by claims that people write: a promise where there is one that could tell."""
    for swap in ("200-as-401", "200-as-404"):
        fault = swaps(tmp_path, claims)[swap]

        assert fault.breaks == "which requests getLocker answers with 200"
        assert fault.level is level
        assert "no claim was found to say which requests getLocker answers with 200" in fault.unclaimed
        assert "docs/how-to/write-a-claim.md" in fault.unclaimed


def test_a_claim_about_every_answer_is_broken_by_no_documented_status() -> None:
    """Where a spec describes its errors, their bodies tell which status they belong to."""
    for fault in derive_faults(parcels_api()):
        if fault.breaks.endswith("/status"):
            assert fault.name.endswith(("-as-299", "-as-418"))
