"""Where probes go: the target with its sandbox, and the network on the way there, as the command line has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specwatch.cli.names import Complaints
from specwatch.errors import Problem, UsageError
from specwatch.transport.target import Kind, Target, parse_target
from specwatch.transport.wire import Caps, Network, Proxies, Wire, configured, proxies_from_environment, tls_context
from specwatch.values.sandbox import WORKER_SECONDS

if TYPE_CHECKING:
    from specwatch.probing.configuration import Configuration, Options
    from specwatch.sandbox import SandboxApi
    from specwatch.spec import Api
    from specwatch.workspace import Workspace


CAPS: Final = Caps(wire_bytes=1024 * 1024, decoded_bytes=1024 * 1024)
"""No answer to a probe is larger in earnest, and judging one takes time from all the others."""

SANDBOX: Final = Target(Kind.SANDBOX)
STATE_FOLDER: Final = ".specwatch"
_PARTS: Final = 3


@dataclass(frozen=True)
class Place:
    """Where probes go.

    Args:
        target: for the embedded sandbox without its URL, which is known when it runs.
        network: how it is reached.
        send_credentials: whether real credentials may go to a URL that no spec names.
        faults: of the embedded sandbox.
        worker_seconds: how long its jobs take.
    """

    target: Target
    network: Network = field(default_factory=Network, repr=False)
    send_credentials: bool = False
    faults: tuple[str, ...] = ()
    worker_seconds: float = WORKER_SECONDS

    @property
    def is_sandbox(self) -> bool:
        """Whether the embedded sandbox is asked for."""
        return self.target.kind is Kind.SANDBOX

    def wire(self, configuration: Configuration, options: Options) -> Wire:
        """Opens sockets; a host that was given as an address may be one that is not public."""
        bases = [options.target.base(api) for api in configuration.apis.values()]
        return Wire(replace(self.network, allowed=configured(bases)), CAPS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say about target and network, as they were typed."""

    target: str
    ca: str | None
    cert: str | None
    resolve: tuple[str, ...]
    send_credentials: bool
    faults: tuple[str, ...]
    worker_seconds: float | None


def parse_place(wanted: Wanted, environment: Mapping[str, str], complaints: Complaints) -> Place:
    """Understand what the options say; whatever is wrong is noted.

    Args:
        wanted: the options.
        environment: of the process, for its proxies.
        complaints: receives what is wrong.
    """
    target = complaints.attempt(lambda: parse_target(wanted.target)) or SANDBOX
    if target.kind is not Kind.SANDBOX and (wanted.faults or wanted.worker_seconds is not None):
        option = "--fault" if wanted.faults else "--worker-seconds"
        complaints.add(Problem(option, f"there is no sandbox at --target {target.name}", "--target sandbox"))
    proxies = complaints.attempt(lambda: proxies_from_environment(environment)) or Proxies()
    resolve = dict(pair for text in wanted.resolve if (pair := _resolve(text, complaints)))
    tls = None
    if wanted.ca or wanted.cert:
        tls = complaints.attempt(lambda: tls_context(wanted.ca, wanted.cert))
    network = Network(tls=tls, resolve=resolve, proxies=proxies)
    seconds = WORKER_SECONDS if wanted.worker_seconds is None else wanted.worker_seconds
    return Place(target, network, wanted.send_credentials, wanted.faults, seconds)


def _resolve(text: str, complaints: Complaints) -> tuple[tuple[str, int], str] | None:
    """`host:port:address`, as curl has it; an IPv6 address stands in brackets or bare."""
    parts = text.split(":", _PARTS - 1)
    if len(parts) == _PARTS and parts[0] and parts[1].isdigit() and _is_address(parts[2].strip("[]")):
        return (parts[0].lower(), int(parts[1])), parts[2].strip("[]")
    expected = "host:port:address, such as api.example.com:443:192.0.2.7"
    complaints.add(Problem(f"--resolve {text}", "is no such entry", expected))
    return None


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@contextmanager
def reached(place: Place, workspace: Workspace, apis: Sequence[Api]) -> Iterator[Target]:
    """The target with its URL, the embedded sandbox serving for as long as the block lasts.

    Raises:
        SandboxError: the sandbox cannot be started.
        UsageError: it has no such fault.
    """
    if not place.is_sandbox:
        yield place.target
        return
    from specwatch.sandbox import EmbeddedSandbox, SandboxSettings

    modules = _modules(place, workspace, apis)
    with EmbeddedSandbox(apis, modules, SandboxSettings(place.worker_seconds, place.faults)) as sandbox:
        yield Target(Kind.SANDBOX, sandbox.url)


def _modules(place: Place, workspace: Workspace, apis: Sequence[Api]) -> Mapping[str, SandboxApi]:
    from specwatch.cli.sandbox import check_faults
    from specwatch.sandbox import Catalogue, load_modules

    modules = load_modules(workspace.sandbox, apis)
    complaints = Complaints()
    check_faults(Catalogue(apis, modules), place.faults, complaints, list(workspace.spec_files))
    complaints.raise_if_any()
    return modules


def prepared_state(state: Path | None) -> Path | None:
    """The state file, its folder made; one of our own is kept out of git.

    Raises:
        UsageError: the folder cannot be made.
    """
    if state is None:
        return None
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        ignore = state.parent / ".gitignore"
        if state.parent.name == STATE_FOLDER and not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        found, expected = f"its folder cannot be made: {error.strerror or error}", "a folder that can be written"
        raise UsageError(Problem(f"--state {state}", found, expected)) from error
    return state


def environment_folder() -> Path:
    """Where `.env` may lie."""
    return Path.cwd()
