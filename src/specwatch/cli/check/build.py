"""Second step of a check: the run with all that it stands on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from specwatch.cli.check.request import CheckRequest
from specwatch.contract.exits import no_sudden_end
from specwatch.contract.run import ContractRun, Listener, Settings
from specwatch.transport.target import Kind, Target
from specwatch.transport.wire.proxies import proxies_from_environment


@contextmanager
def build(request: CheckRequest, listener: Listener) -> Iterator[ContractRun]:
    """The run, with the embedded sandbox serving for as long as the block lasts.

    Raises:
        SandboxError: the sandbox cannot be started.
        UsageError: the target is live and a spec names no server.
    """
    if request.sandbox is None:
        yield ContractRun(request.selection, settings(request, request.target), listener)
        return
    from specwatch.sandbox import EmbeddedSandbox, SandboxSettings

    how = SandboxSettings(request.sandbox.worker_seconds, request.sandbox.faults)
    serving = EmbeddedSandbox(request.selection.apis, request.sandbox.modules, how)
    with no_sudden_end(request.workspace.sandbox), serving as sandbox:
        target = Target(Kind.SANDBOX, sandbox.url)
        yield ContractRun(request.selection, settings(request, target), listener)


def settings(request: CheckRequest, target: Target) -> Settings:
    """The settings of the run, at a target whose URL is known.

    Raises:
        UsageError: a variable names something else than an http proxy.
    """
    return Settings(
        target=target,
        profile=request.profile,
        environment=request.environment,
        max_requests=request.budget,
        max_cost=request.max_cost,
        allow=request.allow,
        strict=request.strict,
        seed=request.seed,
        ca=request.ca,
        cert=request.cert,
        send_credentials=request.send_credentials,
        proxies=proxies_from_environment(os.environ),
    )
