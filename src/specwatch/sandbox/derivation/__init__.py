"""Layer 5: how faults are derived from a spec, one module per part of an exchange.

Each of them yields a `Fault` for everything that can be built, and an `Underivable` with the reason for what cannot.
"""
