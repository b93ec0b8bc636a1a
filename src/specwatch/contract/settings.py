"""What a run is about, and how it is carried out."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import httpx

from specwatch.contract.profile import Profile
from specwatch.errors import Problem, UsageError
from specwatch.spec.model import Api
from specwatch.transport.guard import Limits
from specwatch.transport.target import Kind, Target, known_values, withheld
from specwatch.transport.wallet import Wallet
from specwatch.transport.wire.proxies import Proxies


@dataclass(frozen=True)
class Selection:
    """Which part of a workspace a run is about.

    Args:
        apis: the APIs.
        operations: operation ids; empty means all.
        claims: shell-style patterns of full claim ids; empty means all.
    """

    apis: tuple[Api, ...]
    operations: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    def operation_ids(self, api: Api) -> frozenset[str]:
        """The selected operations of an API."""
        ids = (operation.id for operation in api.operations)
        return frozenset(i for i in ids if not self.operations or i in self.operations)

    def claim_ids(self, api: Api) -> frozenset[str]:
        """The selected claims of an API."""
        operations = self.operation_ids(api)
        return frozenset(
            claim.id
            for claim in api.claims
            if claim.operations & operations
            and (not self.claims or any(fnmatchcase(claim.full_id, p) or fnmatchcase(claim.id, p) for p in self.claims))
        )


@dataclass(frozen=True)
class Settings:
    """How a run is carried out.

    Args:
        environment: the variables that were read.
        max_requests: per API; None takes the profile's.
        max_cost: per run and API; None means no limit.
        allow: of `create`, `consume`, `paid`.
        ca: file with certificate authorities to trust instead of the usual ones.
        cert: file with a client certificate and its key.
        send_credentials: whether real credentials may go to a URL that the spec does not name.
        stand_in: URL of a sandbox to which everything is sent instead, to see what the target would get; empty for a
            run that is meant. Its credentials and identifiers go there in place of ours.
        proxies: who is asked for the way to https targets.
    """

    target: Target
    profile: Profile
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_requests: int | None = None
    max_cost: float | None = None
    allow: Collection[str] = ()
    strict: bool = False
    seed: int = 0
    ca: str | None = None
    cert: str | None = None
    send_credentials: bool = False
    limits: Limits = field(default_factory=Limits)
    stand_in: str = ""
    proxies: Proxies = field(default_factory=Proxies, repr=False)

    @property
    def request_budget(self) -> int:
        """How many requests each API may get."""
        return self.profile.max_requests if self.max_requests is None else self.max_requests

    def base(self, api: Api) -> str:
        """The base URL to which requests for an API go.

        Raises:
            UsageError: the target is live and the spec names no server.
        """
        base = self.target.base(api)
        return Target(Kind.SANDBOX, self.stand_in).base(api) if self.stand_in else base

    def known(self, api: Api) -> dict[str, str | tuple[str, ...]]:
        """The identifiers that exist where requests go, by name; only those that the target is known to have."""
        known = known_values(api, self.target, self.environment)
        return {name: api.known[name].value for name in known} if self.stand_in else known

    def wallet(self, api: Api) -> Wallet:
        """The credentials of an API."""
        return Wallet(
            api,
            self.environment,
            sandbox=self.target.kind is Kind.SANDBOX,
            withheld=self.withheld(api),
            stand_in=bool(self.stand_in),
        )

    def withheld(self, api: Api) -> str | None:
        """Why this target must not get real credentials, or None."""
        return withheld(api, self.target, send_credentials=self.send_credentials)

    def certificates(self) -> ssl.SSLContext | bool:
        """Which certificates are trusted, and which is our own.

        Raises:
            UsageError: a file cannot be read, or holds something else.
        """
        if self.ca is None and self.cert is None:
            return True
        where = f"--ca {self.ca}"
        try:
            context = ssl.create_default_context(cafile=self.ca) if self.ca else httpx.create_ssl_context()
            where = f"--cert {self.cert}"
            if self.cert:
                context.load_cert_chain(self.cert)
        except OSError as error:  # which ssl.SSLError is
            raise UsageError(Problem(where, f"cannot be used: {error}", "a readable file in PEM format")) from error
        return context
