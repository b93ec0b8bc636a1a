"""What a workspace asks the prober for, and what is built from it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from specwatch.probing.desk import Desk, Tools
from specwatch.schedule import Probe, Schedule, expense
from specwatch.spec.model import Api
from specwatch.transport.clock import AsyncClock
from specwatch.transport.courier import Courier
from specwatch.transport.rate_limit import RateLimits
from specwatch.transport.target import Kind, Target, known_values, withheld
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire import Network, Wire
from specwatch.values.secrets import Redactor

OLD_SECRETS: Final = 100
"""How many values that are no secrets any more are still taken out, the last ones; each is known in four forms."""


@dataclass(frozen=True)
class Configuration:
    """The files of a workspace, loaded.

    Args:
        apis: by id.
        schedule: what runs.
        environment: the variables that were read.
        fingerprints: API id to what stands for its files and variables: equal ones mean that nothing has changed.
    """

    apis: Mapping[str, Api]
    schedule: Schedule
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Options:
    """How probes are run, as the command line says.

    Args:
        target: where requests go.
        location: from where; a label of every metric.
        send_credentials: whether real credentials may go to a URL that no spec names.
        grace_seconds: how long runs in flight may take when the prober is told to stop.
        secrets: what must not be shown beyond the credentials of the APIs, such as the password of a proxy.
    """

    target: Target
    location: str = ""
    send_credentials: bool = False
    grace_seconds: float = 10.0
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_sandbox(self) -> bool:
        """Whether the target is the embedded sandbox, where all is allowed."""
        return self.target.kind is Kind.SANDBOX


def wallets(configuration: Configuration, options: Options) -> dict[str, Wallet]:
    """The credentials of each API, as far as the target may have them."""
    return {
        api.id: Wallet(
            api,
            configuration.environment,
            sandbox=options.is_sandbox,
            withheld=withheld(api, options.target, send_credentials=options.send_credentials),
        )
        for api in configuration.apis.values()
    }


class Secrets:
    """The secrets of all APIs, since a workflow may call several of them, and those of the way there.

    Those of earlier configurations stay known: a target may still echo what it was told an hour ago.
    """

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def redactor(self, own: Iterable[Wallet], options: Options) -> Redactor:
        """Removes the secrets of these wallets, and up to `OLD_SECRETS` that were secrets before."""
        current = dict.fromkeys([*options.secrets, *(secret for wallet in own for secret in wallet.secrets())])
        old = [secret for secret in self._known if secret not in current]
        self._known = dict.fromkeys(old[max(len(old) - OLD_SECRETS, 0) :]) | current
        return Redactor(self._known)


def proxy_secrets(network: Network) -> tuple[str, ...]:
    """What proxies are told and a proxy may repeat: the password, and the pair that it travels in (RFC 7617)."""
    given = [proxy.authorization for proxy in (network.proxies.http, network.proxies.https) if proxy is not None]
    pairs = [base64.b64decode(each.removeprefix(b"Basic ")).decode("utf-8") for each in given if each]
    return tuple(dict.fromkeys(secret for pair in pairs for secret in (pair, pair.partition(":")[2])))


@dataclass(frozen=True)
class Means:
    """What desks share, whatever the configuration is.

    Args:
        options: how probes are run.
        limits: the rate limits of all places.
        secrets: all that were secrets since the start.
    """

    options: Options
    limits: RateLimits
    clock: AsyncClock
    secrets: Secrets


def build_desks(configuration: Configuration, means: Means, wire: Wire) -> dict[str, Desk]:
    """A desk for each API.

    Raises:
        UsageError: the target is live and a spec names no server.
    """
    target = means.options.target
    purses = wallets(configuration, means.options)
    redactor = means.secrets.redactor(purses.values(), means.options)
    desks: dict[str, Desk] = {}
    for api in configuration.apis.values():
        courier = Courier(wire, api=api, base=target.base(api), wallet=purses[api.id], limits=means.limits)
        known = known_values(api, target, configuration.environment)
        desks[api.id] = Desk(api, Tools(courier, known, redactor), means.clock)
    return desks


def why_off(probe: Probe, options: Options) -> str:
    """Why a probe does not run on this target, or empty. On the embedded sandbox everything is allowed."""
    if not probe.enabled:
        return "switched off in the schedule"
    missing = sorted(expense(probe.workflow).needs - probe.allow)
    if options.is_sandbox or not missing:
        return ""
    return f"needs `allow: [{', '.join(missing)}]` in the schedule"
