"""Layer 5: a server that behaves as the specs say, with faults that can be switched on.

A module in a workspace's `sandbox/` folder needs `Answer`, `Call` and `SandboxApi` only; everything else is loaded
when it is asked for, so that such a module costs little to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from specwatch.sandbox.interface import Answer, Call, SandboxApi

if TYPE_CHECKING:
    from specwatch.sandbox.app import create_app
    from specwatch.sandbox.catalogue import Catalogue, UnknownFaultError
    from specwatch.sandbox.derive import derive_faults, underivable
    from specwatch.sandbox.discover import load_modules
    from specwatch.sandbox.faults import Fault, FaultKind, Underivable
    from specwatch.sandbox.server import EmbeddedSandbox, serve_forever
    from specwatch.sandbox.state import SandboxSettings, SandboxState
    from specwatch.sandbox.variations import derive_variations

_HOMES = {
    "Catalogue": "catalogue",
    "EmbeddedSandbox": "server",
    "Fault": "faults",
    "FaultKind": "faults",
    "SandboxSettings": "state",
    "SandboxState": "state",
    "Underivable": "faults",
    "UnknownFaultError": "catalogue",
    "create_app": "app",
    "derive_faults": "derive",
    "derive_variations": "variations",
    "load_modules": "discover",
    "serve_forever": "server",
    "underivable": "derive",
}

__all__ = [
    "Answer",
    "Call",
    "Catalogue",
    "EmbeddedSandbox",
    "Fault",
    "FaultKind",
    "SandboxApi",
    "SandboxSettings",
    "SandboxState",
    "Underivable",
    "UnknownFaultError",
    "create_app",
    "derive_faults",
    "derive_variations",
    "load_modules",
    "serve_forever",
    "underivable",
]


if not TYPE_CHECKING:  # type checkers see the imports above, and so notice a name that is not there

    def __getattr__(name: str) -> object:
        """Load a public name from the module that has it."""
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
