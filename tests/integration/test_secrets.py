"""Secrets are planted, everything runs against a target that repeats them, and every byte written is searched."""

from __future__ import annotations

import base64
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx
import pytest
import yaml
from tests.integration.echo import WAYS, Echo
from tests.integration.processes import ROOT, Process, Processes, copied_workspace, until, url_of
from tests.loopback import SHOP

SECRETS = {
    "ACEDATA_TOKEN": """pl4ntedAlpha7+/="\\<b>&%20 ü'{x}""",
    "ACEDATA_TOKEN_EXPIRED": "pl4ntedExpired~_-.",
    "SCAN_DOCUMENTS_API_KEY": "pl4ntedBravo8/+/a==",
    "EXAROUTES_CLIENT_ID": "pl4ntedCharlie9-%2F%",
    "EXAROUTES_API_KEY": 'pl4ntedDelta6;a="b"',
    "SHOP_TOKEN": "pl4ntedEcho5 <&> \\u0041/?#",
    "SPECWATCH_WEB_TOKEN": "pl4ntedFoxtrot4+token",
}
"""Each begins with letters and digits that no encoding but base64 and hex changes, and that stand nowhere else."""

PROXY_PASSWORD = "pl4ntedGolf3:/+&="
IN_DOTENV = ("SCAN_DOCUMENTS_API_KEY", "ACEDATA_TOKEN_EXPIRED")
IN_FILES = ("EXAROUTES_API_KEY", "SPECWATCH_WEB_TOKEN")

CARRY = """
arazzo: 1.0.1
info: {title: A shop, version: '1'}
sourceDescriptions:
  - {name: shop, type: openapi, url: ../specs/shop.yaml}
workflows:
  - workflowId: carry
    summary: What comes back goes into the next request, and into the archive.
    steps:
      - stepId: make
        operationId: makeItem
        requestBody: {payload: {name: a cup}}
        successCriteria: [{condition: $statusCode == 201}]
        outputs: {id: $response.body#/id, header: $response.header.x-echo, whole: $response.body}
      - stepId: look
        operationId: getItem
        parameters: &made
          - {name: id, in: path, value: $steps.make.outputs.id}
          - {name: also, in: query, value: $steps.make.outputs.header}
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {id: $response.body#/id}
      - stepId: again
        operationId: makeItem
        requestBody: {payload: {name: $steps.look.outputs.id, like: "so {$steps.make.outputs.header}"}}
        successCriteria: [{condition: $statusCode == 201}]
      - stepId: take
        operationId: takeItem
        parameters: *made
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {archive: $response.body}
      - stepId: compare
        operationId: getItem
        parameters: *made
        successCriteria:
          - {condition: $response.body#/id == 'nobody'}
          - {context: $response.body#/id, type: regex, condition: ^nobody$}
    outputs: {id: $steps.make.outputs.id, all: $steps.make.outputs.whole, archive: $steps.take.outputs.archive}
  - workflowId: health
    steps:
      - {stepId: ask, operationId: getHealth}
"""

SCHEDULE = """
version: 1
defaults: {interval: 300ms, timeout: 2s, deadline: 10s, confirm: 1, allow: [create, consume, paid]}
probes:
  carry: {workflow: shop/carry}
  task: {workflow: qrart-tasks/known-task}
  tasks: {workflow: qrart-tasks/known-tasks}
  bad-token: {workflow: qrart-tasks/bad-token}
  scan: {workflow: scan-documents/known-task}
  audio: {workflow: producer-videos/known-audio}
  round-trip: {workflow: exaroutes-bulk/round-trip}
  bad-credentials: {workflow: exaroutes-bulk/bad-credentials}
"""

CORES = tuple(re.findall(r"pl4nted[A-Z][a-z]+\d?", "\n".join((*SECRETS.values(), PROXY_PASSWORD))))


def forms(core: bytes) -> Iterator[bytes]:
    """The letters and digits of a secret as they stand in any encoding, in small letters where case has no meaning."""
    yield core.lower()
    yield core.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + core)
        yield encoded[-(-offset * 8 // 6) : (offset + len(core)) * 8 // 6]


FORMS = {form: core for core in CORES for form in forms(core.encode())}
_FOUND = re.compile(b"|".join(map(re.escape, FORMS)))


def leaks(data: bytes) -> list[str]:
    """Where a secret stands in some bytes, with what is around it."""
    found = [*_FOUND.finditer(data), *_FOUND.finditer(data.lower())]
    return [
        f"{FORMS[each[0]]}: {data[max(0, each.start() - 60) : each.end() + 60]!r}" for each in found if each[0] in FORMS
    ]


@pytest.mark.parametrize("written", [b"%s", b"\x00%s\x00", b"Basic %s"])
@pytest.mark.parametrize("core", CORES)
def test_the_search_finds(core: str, written: bytes) -> None:
    """A planted secret is found as it is, in capitals, in hex, and in base64 wherever it begins."""
    for before in (b"", b"a", b"ab"):
        for spelt in (core.encode(), core.upper().encode(), core.encode().hex().encode()):
            assert leaks(written % (before + spelt))
        assert leaks(base64.b64encode(before + core.encode() + b"=more"))
    assert not leaks(b"planted nothing")


class Watcher:
    """Looks at the command lines of all processes, for as long as the block lasts."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.1):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.found += leaks(path.read_bytes())
                except OSError:  # it has ended
                    continue


@dataclass
class Plot:
    """Where everything lies.

    Args:
        folder: all that is written lies below it; nothing was planted there.
        home: where the processes run; only `.env` was planted there.
        environment: of the processes.
    """

    folder: Path
    home: Path
    workspace: Path
    environment: dict[str, str]

    def search(self) -> list[str]:
        """Every leak in every file."""
        return [f"{path.name}: {leak}" for path in self.files() for leak in leaks(path.read_bytes())]

    def files(self) -> list[Path]:
        """Every file that was written."""
        found = [*self.folder.rglob("*"), *self.home.rglob("*")]
        return [path for path in found if path.is_file() and path.name != ".env"]


@pytest.fixture
def plot(tmp_path: Path) -> Plot:
    """A workspace with the APIs of this repository and the shop, and secrets in the environment, `.env` and files."""
    planted, home, folder = (tmp_path / name for name in ("planted", "home", "written"))
    for each in (planted, home, folder, folder / "workspace"):
        each.mkdir()
    workspace = copied_workspace(folder / "workspace")
    shutil.copytree(ROOT / "contracts", workspace / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SHOP, workspace / "specs")
    (workspace / "probes" / "shop.arazzo.yaml").write_text(CARRY, encoding="utf-8")
    (workspace / "probes" / "schedule.yaml").write_text(SCHEDULE, encoding="utf-8")
    settings = workspace / "specwatch.yaml"
    variables = yaml.safe_load(settings.read_text(encoding="utf-8"))["variables"]
    shop = [f"SHOP_{name}" for name in ("ITEM", "ITEMS", "TOKEN", "TOKEN_2", "TOKEN_SPENT", "CLIENT", "KEY")]
    text = yaml.safe_dump({"version": 1, "variables": [*variables, "SHARED_TOKEN", *shop]})
    settings.write_text(text, encoding="utf-8")
    lines = "".join(f"{name}='{SECRETS[name]}'\n" for name in IN_DOTENV)
    (home / ".env").write_text(lines, encoding="utf-8")
    environment = {name: value for name, value in SECRETS.items() if name not in {*IN_DOTENV, *IN_FILES}}
    for name in IN_FILES:
        (planted / name).write_text(SECRETS[name], encoding="utf-8")
        environment[f"{name}_FILE"] = str(planted / name)
    return Plot(folder, home, workspace, environment)


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A target that repeats everything."""
    server = Echo()
    yield server
    server.close()


def answers_of(url: str) -> Iterator[bytes]:
    """Every answer of the web part, head and body, asked with and without the token."""
    token = {"authorization": f"Bearer {SECRETS['SPECWATCH_WEB_TOKEN']}"}
    openmetrics = {"accept": "application/openmetrics-text; version=1.0.0"}
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        paths = (
            "/",
            "/metrics",
            "/probe?probe=task",
            "/probe?probe=carry",
            "/probe?probe=nothing",
            "/-/healthy",
            "/-/ready",
        )
        answers = [client.get(path, headers=token) for path in paths]
        answers.append(client.get("/metrics", headers=token | openmetrics))
        answers += [client.get(path) for path in paths]
        answers.append(client.get("/", headers={"authorization": "Bearer wrong"}))
        answers.append(client.post("/-/reload", headers=token))
        assert {answer.status_code for answer in answers} >= {200, 401, 404, 422}
    for answer in answers:
        yield repr((answer.reason_phrase, answer.headers.raw)).encode() + answer.content


def watched(plot: Plot, processes: Processes, echo: Echo, form: str) -> list[str]:
    """Watch until the target has used every way, with a reload of a broken file; the leaks in its answers."""
    state = plot.folder / f"{form}.sqlite"
    watch: Process = processes.specwatch(
        *("watch", "--workspace", plot.workspace, "--target", echo.url, "--listen", "127.0.0.1:0"),
        *("--state", state, "--log-format", form),
        name=f"watch-{form}",
        environment=plot.environment,
    )
    url = url_of(watch, r'url"?[=:] ?"?(http://[^ ",]+)')
    echo.modes.clear()
    until("the target has used every way three times", lambda: all(echo.modes[way.__name__] > 2 for way in WAYS))
    archives = state.with_name(f"{state.name}.archives")
    until("an archive is kept", lambda: list(archives.rglob("*")))
    schedule = plot.workspace / "probes" / "schedule.yaml"
    schedule.write_text(SCHEDULE.replace("version: 1", "version: one"), encoding="utf-8")
    watch.send(signal.SIGHUP)
    watch.wait_for("reload_failed")
    found = [leak for answer in answers_of(url) for leak in leaks(answer)]
    schedule.write_text(SCHEDULE, encoding="utf-8")
    watch.send(signal.SIGTERM)
    assert watch.wait() == 0
    return found


def report(plot: Plot, name: str) -> Path:
    """A file that a command is to write."""
    return plot.folder / "reports" / name


def run_commands(plot: Plot, processes: Processes, url: str) -> None:
    """`check` and, at the same time, `probe` in all its forms."""
    report(plot, "x").parent.mkdir()
    target = ("--workspace", plot.workspace, "--target", url)
    commands: dict[str, tuple[str | Path, ...]] = {
        "check": (
            *("check", *target, "--profile", "smoke", "--budget", "60", "--allow", "create,consume,paid", "--verbose"),
            *("--json", report(plot, "check.json"), "--junit", report(plot, "check.xml")),
            *("--har", report(plot, "check.har")),
        ),
        "probe": ("probe", "shop/carry", *target, "--allow", "create,consume"),
        "probe-text": ("probe", "qrart-tasks", *target),
        "probe-json": ("probe", "exaroutes-bulk", *target, "--allow", "create,consume", "--json"),
        "probe-har": ("probe", "shop/carry", *target, "--allow", "create,consume", "--har", report(plot, "probe.har")),
        "probe-scan": ("probe", "scan-documents", *target, "--json", "--har", report(plot, "scan.har")),
    }
    check, *probes = commands.items()
    checking = processes.specwatch(*check[1], name=check[0], environment=plot.environment)
    for name, arguments in probes:  # one after another: they share a state file
        process = processes.specwatch(*arguments, name=name, environment=plot.environment)
        assert process.wait() == 1, process.said()
        assert "defect" not in process.said()
    assert checking.wait(90) == 1, checking.said()
    assert "defect" not in checking.said()


@pytest.mark.slow
def test_nothing_that_is_written_holds_a_secret(plot: Plot, echo: Echo) -> None:
    """Output, logs, state, archives, reports, pages, metrics and command lines: no planted secret, however spelt."""
    with Watcher() as watcher, Processes(plot.home, plot.folder / "output") as processes:
        found = watched(plot, processes, echo, "text")
        found += watched(plot, processes, echo, "json")
        run_commands(plot, processes, echo.url)
    assert watcher.looks > 5
    assert [*watcher.found, *found, *plot.search()] == []
    sent = {secret.decode("utf-8", "replace") for secret in echo.seen}
    assert {*SECRETS.values()} - sent <= {SECRETS["SPECWATCH_WEB_TOKEN"], SECRETS["ACEDATA_TOKEN_EXPIRED"]}
    masked = [path.name for path in plot.files() if b"[secret]" in path.read_bytes()]
    assert {"check.json", "check.har", "probe.har"} <= {*masked}
    assert {name.partition(".")[0] for name in masked if ".sqlite" in name} == {"text", "json", "probe"}


PROXIED = """
version: 1
defaults: {interval: 100ms, timeout: 2s, deadline: 10s, confirm: 1}
probes:
  health: {workflow: shop/health}
"""


@pytest.mark.slow
def test_the_password_of_a_proxy_stays_with_us(plot: Plot, echo: Echo) -> None:
    """A proxy that repeats the credential it was given: neither that nor the password is written anywhere."""
    (plot.workspace / "probes" / "schedule.yaml").write_text(PROXIED, encoding="utf-8")
    address = echo.url.removeprefix("http://")
    proxy = {"HTTP_PROXY": f"http://user:{quote(PROXY_PASSWORD, safe='')}@{address}"}
    target = ("--workspace", plot.workspace, "--target", "http://shop.example.com")
    with Watcher() as watcher, Processes(plot.home, plot.folder / "output") as processes:
        watch = processes.specwatch(
            *("watch", *target, "--listen", "127.0.0.1:0", "--log-format", "text"), name="watch", environment=proxy
        )
        url = url_of(watch)
        until("the proxy has used every way", lambda: all(echo.modes[way.__name__] for way in WAYS))
        with httpx.Client(base_url=url, trust_env=False) as client:
            found = [leak for path in ("/", "/metrics") for leak in leaks(client.get(path).content)]
        watch.send(signal.SIGTERM)
        assert watch.wait() == 0
        for number in range(3):
            har = plot.folder / f"{number}.har"
            probe = processes.specwatch(
                "probe", "shop/health", *target, "--json", "--har", har, name=f"probe-{number}", environment=proxy
            )
            assert probe.wait() in {0, 1}, probe.said()
    pair = base64.b64encode(f"user:{PROXY_PASSWORD}".encode())
    assert pair in echo.seen
    assert [*watcher.found, *found, *plot.search()] == []
    assert [path for path in plot.files() if pair in path.read_bytes()] == []
