"""Hypothesis as a contract run wants it, for as long as contract tests are imported and run.

Other tests of the same session keep the settings and the seed that their owner gave them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from specwatch.contract.settings import Settings

_PROFILE = "specwatch"


@contextmanager
def drawing(settings: Settings, *, seeded: bool = True) -> Iterator[None]:
    """Give Hypothesis the settings and the seed of a run, and put back what was there.

    Args:
        settings: of the run.
        seeded: whether the seed is the run's, and not one that was given to Hypothesis itself.
    """
    import hypothesis
    from hypothesis import core

    profile, seed = hypothesis.settings.get_current_profile_name(), core.global_force_seed
    if profile != _PROFILE:
        _register(settings)
    hypothesis.settings.load_profile(_PROFILE)
    if seeded:
        core.global_force_seed = settings.seed  # type: ignore[assignment]
    try:
        yield
    finally:
        core.global_force_seed = seed
        hypothesis.settings.load_profile(profile)


def _register(settings: Settings) -> None:
    """Name the settings; a decorator reads them while a contract module is imported, a test while it runs."""
    import hypothesis

    hypothesis.settings.register_profile(
        _PROFILE,
        max_examples=settings.profile.behaviour_examples,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
