"""Runs the workflows of this repository against an embedded sandbox."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import httpx

from specwatch.probing.execute import Execution, execute
from specwatch.sandbox import EmbeddedSandbox, SandboxSettings, load_modules
from specwatch.schedule import Probes, load_probes
from specwatch.spec import Api
from specwatch.transport import Draft
from specwatch.transport.clock import LeapingClock, LoopClock
from specwatch.transport.target import Kind, Target, known_values
from specwatch.transport.wallet import Wallet
from specwatch.values import Exchange, Request, Response, Timings
from specwatch.values.observation import Sent
from specwatch.workflow import Workflow
from specwatch.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = Workspace(ROOT, "this checkout")
PROBES: Probes = load_probes(WORKSPACE)
WORKFLOWS: Mapping[str, Workflow] = {
    f"{api}/{workflow.id}": workflow
    for api, document in PROBES.documents.items()
    for workflow in document.workflows.values()
}

FAULTS: Mapping[str, tuple[str, ...]] = {
    "qrart-tasks/known-task": ("other-task", "queryTasks/status/200-as-500"),
    "qrart-tasks/known-tasks": ("items-of-each-other", "created-when-read", "queryTasks/200/null/items"),
    "qrart-tasks/unknown-task": ("other-task-for-unknown",),
    "qrart-tasks/bad-token": ("any-token-accepted", "missing-token-400", "token-other-code"),
    "qrart-tasks/bad-question": (
        "missing-id-accepted",
        "missing-ids-accepted",
        "unknown-action-accepted",
        "missing-ids-other-code",
    ),
    "scan-documents/known-task": ("other-task", "lost", "operation-changes", "created-at-moves"),
    "scan-documents/unknown-task": ("unknown-id-served", "not-found-other-id", "body-status-differs"),
    "scan-documents/malformed-id": ("getTask/status/422-as-500",),
    "scan-documents/bad-key": ("getTask/credential/ignored",),
    "producer-videos/known-audio": ("audio-id-cut", "failure-under-200"),
    "producer-videos/bad-token": ("any-token-accepted", "wrong-token-called-expired", "no-token-needed"),
    "producer-videos/no-audio": ("missing-audio-id-accepted", "missing-audio-id-404"),
    "exaroutes-bulk/round-trip": (
        "never-ready",
        "id-of-nothing",
        "count-off-by-one",
        "download-again",
        "second-download-404",
        "download-leaves-status",
    ),
    "exaroutes-bulk/unknown-batch": ("unknown-status", "unknown-result-410"),
    "exaroutes-bulk/bad-credentials": (
        "refused-as-400",
        "getBulkStatus/credential/apiKey-wrong",
        "getBulkStatus/credential/clientId-wrong",
        "getBulkStatus/credential/apiKey-absent",
        "getBulkStatus/credential/clientId-absent",
    ),
    "exaroutes-bulk/bad-batch": ("object-accepted", "empty-array-accepted"),
}
"""Faults of the sandbox that a workflow notices by its own criteria, the first of them without the help of others."""


class SharedClock:
    """A clock of a sandbox and of the runs that ask it: it leaps over whatever one of them waits for."""

    def __init__(self) -> None:
        self._leaping = LeapingClock()

    def now(self) -> float:
        """Epoch seconds."""
        return self._leaping.now()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return self._leaping.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Put it forward."""
        await self._leaping.hold(seconds)


def embedded_sandbox(*api_ids: str, worker_seconds: float, clock: SharedClock | None = None) -> EmbeddedSandbox:
    """A sandbox of these APIs, or of all."""
    apis = WORKSPACE.apis(api_ids)
    settings = SandboxSettings(worker_seconds=worker_seconds)
    if clock is not None:
        settings = replace(settings, clock=clock.now, hold=clock.sleep)
    return EmbeddedSandbox(apis, load_modules(WORKSPACE.sandbox, apis), settings)


class HastyClock(LoopClock):
    """Waits a twentieth of what it is asked for."""

    async def sleep(self, seconds: float) -> None:
        """Return soon."""
        await super().sleep(seconds / 20)


@dataclass(frozen=True)
class PlainSender:
    """Sends what it is given and judges nothing, so that a workflow is seen by its own criteria alone."""

    client: httpx.AsyncClient
    apis: Mapping[str, Api]

    async def send(self, draft: Draft, step: str, until: float) -> Sent:
        """Send a draft with the well-known credentials of the sandbox."""
        del until  # the sandbox answers at once
        operation = draft.operation
        credentials, shown = Wallet(self.apis[operation.api], {}, sandbox=True).headers(draft.roles)
        headers = [*draft.headers, *credentials]
        answer = await self.client.request(operation.method, draft.path, headers=headers, content=draft.body)
        exchange = Exchange(
            id=f"{step}-{next(_IDS)}",
            api=operation.api,
            operation=operation.id,
            target=str(self.client.base_url),
            request=Request(operation.method, str(answer.url), (*draft.headers, *shown), draft.body),
            response=Response(answer.status_code, tuple(answer.headers.multi_items()), answer.content),
            timings=Timings(0.0, answer.elapsed.total_seconds()),
            credentials=draft.roles,
            vouched=True,
        )
        return Sent(step, operation.id, exchange)


_IDS = count(1)

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A context that knows no authority, and so costs nothing: sandboxes speak plain HTTP."""


def inputs_of(workflow: Workflow) -> dict[str, object]:
    """The inputs that the sandbox knows a value for."""
    known: dict[str, object] = {}
    for step in workflow.steps:
        if step.api is not None:
            known |= known_values(step.api, Target(Kind.SANDBOX), {})
    return {
        name: list(v) if isinstance(v := known[name], tuple) else v for name in workflow.input_names if name in known
    }


def run(name: str, url: str, shared: SharedClock | None = None) -> Execution:
    """One run of a workflow, `<api>/<workflowId>`, against a sandbox, which may share its clock."""
    workflow = WORKFLOWS[name]

    async def once() -> Execution:
        clock = shared or HastyClock()
        apis = {api.id: api for api in WORKSPACE.apis()}
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS) as client:
            sender = PlainSender(client, apis)
            return await execute(workflow, inputs_of(workflow), sender, clock, until=clock.monotonic() + 180)

    return asyncio.run(once())
