"""What to do about a claim that stayed unknown, as `docs/how-to/read-a-report.md` has it."""

from __future__ import annotations

from typing import Final

_REMEDIES: Final = (
    ("is not set: the id of", "name something that exists on your account"),
    (" is not set", "set it; a secret goes into the environment of the job"),
    ("to our own credential", "renew the credential"),
    ("credential of", "give a credential that the target accepts"),
    ("balance is used up", "top the account up, or leave the API out"),
    ("429 to our own account", "wait, or use `--profile smoke`"),
    ("--max-cost raises it", "`--max-cost N`"),
    ("--budget raises it", "`--budget N`"),
    ("cost budget", "`--max-cost N`"),
    ("budget of", "`--budget N`"),
    ("permits it", "decide whether you want that, then `--allow`"),
    ("promises to refuse", "mend the violation first: asking on could cost or create something"),
    ("cannot be reached", "look at name, network and certificate (`--ca`); or the service is down"),
    ("only the provider", "nothing: it cannot be asked for"),
    ("profile smoke", "use `--profile standard`"),
    ("interrupted", "run it again, to the end"),
    ("broke their schema", "mend the violation of its answers first"),
    ("the selection left out", "run without `--claim`, `--operation` and `-k`"),
    ("no exchange of this run", "a bigger `--profile` or more `--allow` may show it"),
)
"""Part of a reason to what to do; the first that fits counts."""


def remedy(reason: str) -> str:
    """The next step for a claim that is unknown for this reason, in Markdown of ours; empty where there is none.

    Args:
        reason: as the run gives it; only looked at, never part of what comes back.
    """
    return next((step for sign, step in _REMEDIES if sign in reason), "")
