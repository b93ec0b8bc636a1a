"""What a workspace asks the prober for, and what is built from it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

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


def all_secrets(configuration: Configuration, options: Options) -> Redactor:
    """Removes the secrets of all APIs, since a workflow may call several of them, and those of the way there."""
    own = wallets(configuration, options).values()
    return Redactor([*options.secrets, *(secret for wallet in own for secret in wallet.secrets())])


def proxy_secrets(network: Network) -> tuple[str, ...]:
    """What proxies are told and a proxy may repeat: the password, and the pair that it travels in (RFC 7617)."""
    given = [proxy.authorization for proxy in (network.proxies.http, network.proxies.https) if proxy is not None]
    pairs = [base64.b64decode(each.removeprefix(b"Basic ")).decode("utf-8") for each in given if each]
    return tuple(dict.fromkeys(secret for pair in pairs for secret in (pair, pair.partition(":")[2])))


def build_desks(
    configuration: Configuration, options: Options, wire: Wire, limits: RateLimits, clock: AsyncClock
) -> dict[str, Desk]:
    """A desk for each API.

    Raises:
        UsageError: the target is live and a spec names no server.
    """
    redactor = all_secrets(configuration, options)
    purses = wallets(configuration, options)
    desks: dict[str, Desk] = {}
    for api in configuration.apis.values():
        base = options.target.base(api)
        courier = Courier(wire, api=api, base=base, wallet=purses[api.id], limits=limits)
        known = known_values(api, options.target, configuration.environment)
        desks[api.id] = Desk(api, Tools(courier, known, redactor), clock)
    return desks


def why_off(probe: Probe, options: Options) -> str:
    """Why a probe does not run on this target, or empty. On the embedded sandbox everything is allowed."""
    if not probe.enabled:
        return "switched off in the schedule"
    missing = sorted(expense(probe.workflow).needs - probe.allow)
    if options.is_sandbox or not missing:
        return ""
    return f"needs `allow: [{', '.join(missing)}]` in the schedule"
