"""The well-known credentials of the sandbox: no secrets, the same everywhere."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "specwatch-sandbox-"
ACCOUNTS: Final = frozenset({"account", "second", "instant"})
"""Roles that stand for an account: our own, another tenant, and one whose background work is done at once."""

WORKER_SECONDS: Final = 1.5
"""How long a sandbox's jobs take where nothing else is said: longer than a slow machine needs to look at one before it
is done, shorter than the first documented wait."""

ANSWER: Final = "answer-"
"""How the roles begin that make a sandbox give a documented answer."""


def sandbox_value(role: str) -> str:
    """The value that a credential of that role has on every sandbox."""
    return f"{PREFIX}{role}"


def answer_role(status: int | str, code: str = "") -> str:
    """The role that makes a sandbox give a documented answer: `answer-429-too_many_requests`."""
    return f"{ANSWER}{status}-{code}" if code else f"{ANSWER}{status}"
