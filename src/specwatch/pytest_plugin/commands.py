"""Commands that lead on from a session of pytest, ready to be pasted."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from specwatch.reports.next_steps import SANDBOX, next_steps
from specwatch.values.claim import Verdict

if TYPE_CHECKING:
    import pytest

    from specwatch.contract.result import RunResult
    from specwatch.reports.next_steps import Options


def leading_on(
    result: RunResult, options: Options, config: pytest.Config, first: str = ""
) -> Iterator[tuple[str, str]]:
    """Commands that lead on, and what each is good for; those of pytest come first.

    Args:
        result: what the run found.
        options: what was asked for.
        config: of the session.
        first: node id of the first test that a claim failed, empty where there is none.
    """
    if first:
        file, colons, test = first.partition("::")
        node = f"{os.path.relpath(config.rootpath / file, config.invocation_params.dir)}{colons}{test}"
        yield _line(["pytest", *_given(result, options, config), node]), "the first failure alone"
    elif result.verdict is Verdict.PASS and result.target == SANDBOX:
        command = ["pytest", *config.args, _target(config), "live", "--specwatch-profile", "smoke"]
        yield _line(command), "asks the real services"
    yield from next_steps(result, options)


def _given(result: RunResult, options: Options, config: pytest.Config) -> Iterator[str]:
    """The options of the session that its contract tests depend on, and its seed."""
    if result.target != SANDBOX:
        yield from (_target(config), result.target)
        yield from _ours(options.access)
    for api in options.apis:
        yield from ("--specwatch-api", api)
    yield from ("--specwatch-profile", result.profile)
    yield from _ours((*options.limits, *options.sandbox))
    yield from ("--specwatch-seed", str(result.seed))


def _ours(typed: tuple[str, ...]) -> Iterator[str]:
    """Options of `specwatch check` as pytest knows them."""
    return (each.replace("--", "--specwatch-", 1) if each.startswith("--") else each for each in typed)


def _target(config: pytest.Config) -> str:
    """The option that says where requests go: another plugin may have taken its short name."""
    ours = config.getoption("--specwatch-target") == config.getoption("--target")
    return "--target" if ours else "--specwatch-target"


def _line(words: list[str]) -> str:
    return shlex.join(words)
