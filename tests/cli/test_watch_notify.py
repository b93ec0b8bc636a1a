"""`specwatch watch --notify`: who is told, what is refused, and that the address is seen nowhere."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
import trustme
from tests.integration.processes import Process, Processes, until, url_of
from tests.loopback import Received, Server, answer, refused_port

from specwatch.cli.names import Complaints
from specwatch.cli.watch.notify import Notify, links, parse_notify
from specwatch.notify import parse_address
from specwatch.web import WebSettings
from specwatch.workspace import Workspace

Command = Callable[..., CompletedProcess[str]]
Edit = Callable[[Path, str, str], int]
Start = Callable[..., Process]

VARIABLE = "SPECWATCH_NOTIFY_URL"
DROPPED = "example-api/listRegions/200/drop/count"
SECRET = "T0PS3CRET"


@pytest.fixture
def start(workspace: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts watches of the workspace, every probe twice a second; each ends with the test at the latest."""
    with Processes(tmp_path, tmp_path / "said") as processes:
        number = iter(range(100))

        def run(*arguments: str | Path, **environment: str) -> Process:
            given = ("watch", "--workspace", workspace, "--listen", "127.0.0.1:0", "--log-format", "text")
            name = f"watch-{next(number)}"
            return processes.specwatch(*given, "--interval", "500ms", *arguments, name=name, environment=environment)

        yield run


@pytest.fixture
def hook() -> Iterator[Server]:
    """A webhook that takes everything."""
    with closing(Server(lambda _: answer(200, b"ok"))) as server:
        yield server


def told(hook: Server) -> list[tuple[str, str]]:
    """Status and probe of every alert that arrived, in order."""
    documents: list[dict[str, Any]] = [json.loads(received.body) for received in hook.received]
    return [(alert["status"], alert["labels"]["probe"]) for document in documents for alert in document["alerts"]]


def switch(process: Process, method: str) -> None:
    """Switch the fault of the embedded sandbox on or off."""
    sandbox = process.wait_for(r"sandbox url=(http\S+)")[1]
    httpx.request(method, f"{sandbox}/_sandbox/faults/{DROPPED}", trust_env=False).raise_for_status()


def test_a_failure_and_its_end_are_told_and_the_address_is_seen_nowhere(
    start: Start, hook: Server, tmp_path: Path
) -> None:
    """Firing, then resolved, with links to pages that exist; of the address only scheme and host stand anywhere."""
    state = tmp_path / "state.sqlite"
    address = f"{hook.url}/{SECRET}?key={SECRET}"
    watch = start("--state", state, "--location", "here", SPECWATCH_NOTIFY_URL=address)
    base = url_of(watch)
    switch(watch, "PUT")
    until("it fires", lambda: told(hook) == [("firing", "example-regions")])
    seen = [httpx.get(f"{base}{path}", trust_env=False).text for path in ("/", "/metrics", "/runbooks/")]
    assert 'specwatch_notifications_total{location="here",outcome="sent"} 1.0' in seen[1]
    switch(watch, "DELETE")
    until("it is resolved", lambda: told(hook)[1:] == [("resolved", "example-regions")])
    watch.send(signal.SIGTERM)
    assert watch.wait() == 0

    document = json.loads(hook.received[0].body)
    (alert,) = document["alerts"]
    assert alert["labels"] == {
        "alertname": "SpecwatchProbeFailing",
        "api": "example-api",
        "probe": "example-regions",
        "location": "here",
        "severity": "ticket",
        "suspect": "provider",
        "reason": "contract",
    }
    assert alert["annotations"]["runbook_url"] == f"{base}/runbooks/SpecwatchProbeFailing"
    assert alert["generatorURL"] == f"{base}/runs?probe=example-regions"
    assert (document["version"], document["status"], document["externalURL"]) == ("4", "firing", base)
    assert "alert=SpecwatchProbeFailing status=resolved api=example-api probe=example-regions told" in watch.said()
    assert f"notifying changes of verdicts are posted to {hook.url}\n" in watch.said()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "state" in path.name]
    assert all(SECRET not in text for text in (*seen, watch.said(), hook.received[0].body.decode()))
    assert not any(SECRET.encode() in raw for raw in written)


def test_a_recovery_while_it_was_down_is_told_after_a_restart(start: Start, hook: Server, tmp_path: Path) -> None:
    """The state knows what was told: nothing is repeated, and the first pass resolves it."""
    address = tmp_path / "address"
    address.write_text(f"{hook.url}/{SECRET}\n", encoding="utf-8")
    surroundings = {f"{VARIABLE}_FILE": str(address)}
    state = ("--state", tmp_path / "state.sqlite")
    for _ in range(2):
        watch = start(*state, "--fault", DROPPED, **surroundings)
        watch.wait_for(r"probe=example-regions verdict=fail .* look=2")
        until("it fires", lambda: told(hook))
        watch.send(signal.SIGTERM)
        assert watch.wait() == 0
        assert told(hook) == [("firing", "example-regions")]
    watch = start(*state, **surroundings)
    until("it is resolved", lambda: told(hook)[1:] == [("resolved", "example-regions")])
    assert SECRET not in watch.said()


@pytest.mark.slow
def test_probing_goes_on_while_the_receiver_hangs(start: Start) -> None:
    """Ticks are met, a scrape answers, and the end takes a few seconds more, which the log accounts for."""
    release = threading.Event()

    def hang(_: Received) -> bytes:
        release.wait(60)
        return answer()

    with closing(Server(hang)) as server:
        watch = start("--fault", DROPPED, "--notify", f"{server.url}/{SECRET}")
        base = url_of(watch)
        until("it was asked", lambda: server.received)
        before = _runs(base)
        until("probing goes on", lambda: _runs(base) >= before + 6)
        watch.send(signal.SIGTERM)
        assert watch.wait() == 0
        release.set()
    assert "notify_failed" in watch.said()
    assert "given up: specwatch ended before it could be sent" in watch.said()
    assert SECRET not in watch.said()


def _runs(base: str) -> float:
    lines = httpx.get(f"{base}/metrics", trust_env=False).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("specwatch_probe_runs_total{"))


def test_a_receiver_that_refuses_is_said(specwatch: Command, workspace: Path) -> None:
    """With the host and the reason, and without the path; what the probes found decides the exit code."""
    with closing(Server(lambda _: answer(404, b""))) as server:
        finished = specwatch(
            *("watch", "--workspace", workspace, "--listen", "127.0.0.1:0", "--log-format", "text", "--for", "2s"),
            *("--interval", "1s", "--fault", DROPPED, "--notify", f"{server.url}/{SECRET}"),
        )
        assert finished.returncode == 1
        assert f"given up: {server.url} answered 404" in finished.stderr
    assert SECRET not in finished.stderr


def test_a_token_in_the_path_of_an_option_is_warned_of(
    specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, with what to do, and without the address; the variable takes the same one silently."""
    token = "x8Kq2LmZ7vRt0YwP4nSd6GhJ"
    address = f"http://127.0.0.1:{refused_port()}/services/{token}"
    given = ("watch", "--workspace", workspace, "--listen", "127.0.0.1:0", "--log-format", "text", "--for", "1s")
    finished = specwatch(*given, "--notify", address)
    assert finished.stderr.count("notify_exposed") == 1
    assert f"name that file in {VARIABLE}_FILE" in finished.stderr
    assert token not in finished.stdout + finished.stderr
    monkeypatch.setenv(VARIABLE, address)
    assert "notify_exposed" not in specwatch(*given).stderr


@pytest.mark.parametrize(
    "address, found",
    [
        (f"ftp://hooks.example.com/{SECRET}", "is no address of a webhook"),
        (SECRET, "is no address of a webhook"),
        (f"https://hooks.example.com/x?token={SECRET}", "holds a query"),
        (f"https://me:{SECRET}@hooks.example.com/x", "holds a user or a password"),
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(
    specwatch: Command, workspace: Path, address: str, found: str
) -> None:
    """2 before anything runs, with what to do, and without the address."""
    finished = specwatch("watch", "--workspace", workspace, "--for", "1s", "--notify", address)
    assert finished.returncode == 2
    assert f"--notify: {found}" in finished.stderr
    assert SECRET not in finished.stdout + finished.stderr
    if "holds" in found:
        assert f"name that file in {VARIABLE}_FILE" in finished.stderr


def test_a_wrong_variable_is_named(specwatch: Command, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name; so is a file that it names and that is not there."""
    monkeypatch.setenv(VARIABLE, f"gopher://{SECRET}")
    finished = specwatch("watch", "--workspace", workspace, "--for", "1s")
    assert (finished.returncode, f"{VARIABLE}: is no address of a webhook" in finished.stderr) == (2, True)
    assert SECRET not in finished.stderr
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv(f"{VARIABLE}_FILE", "no-such-file")
    finished = specwatch("watch", "--workspace", workspace, "--for", "1s")
    assert (finished.returncode, f"{VARIABLE}_FILE=no-such-file" in finished.stderr) == (2, True)


def test_settings_say_how_long_unknown_is_long(workspace: Path, tmp_path: Path) -> None:
    """Those of the monitoring, where the runbooks' address may stand, too; `--ca` says whom to trust."""
    (workspace / "grafana").mkdir(exist_ok=True)
    settings = (
        "version: 1\nprobes: {unknown-for: {value: 2, unit: minutes, reason: r}}\n"
        "links: {runbooks: {value: 'https://runbooks.example.com/', reason: r}}\n"
    )
    (workspace / "grafana" / "settings.yaml").write_text(settings, encoding="utf-8")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    complaints = Complaints()

    def parsed(given: str | None, ca: str | None = None) -> Notify | None:
        return parse_notify(given, ca, Workspace(workspace, "named"), tmp_path, complaints)

    secure = parsed("https://hooks.example.com", str(tmp_path / "ca.pem"))
    complaints.raise_if_any()
    assert secure is not None
    assert secure.tls is not None
    assert (secure.unknown_for, secure.runbooks) == (120.0, "https://runbooks.example.com/")
    assert len(secure.tls.get_ca_certs()) == 1
    plain = parsed(f"http://127.0.0.1:{refused_port()}")
    assert plain is not None
    assert plain.tls is None
    assert parsed(None) is None


@pytest.mark.parametrize(
    "url, names, pages",
    [
        ("http://127.0.0.1:9464", (), "http://127.0.0.1:9464"),
        ("https://0.0.0.0:9464", (), "https://localhost:9464"),
        ("http://[::]:9464", ("probes.example.com",), "http://probes.example.com:9464"),
    ],
)
def test_links_lead_to_where_the_watch_can_be_called(url: str, names: tuple[str, ...], pages: str) -> None:
    """A name that was given goes before an address; the address of all interfaces is none."""
    notify = Notify(parse_address("http://hooks.example.com", of_option=True), 60.0)
    assert links(notify, url, WebSettings(names=frozenset(names))).pages == pages
