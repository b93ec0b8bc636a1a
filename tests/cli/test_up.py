"""`specwatch up`: what is found is started, scraped and evaluated, what is missing is said, and all of it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
import yaml
from tests.cli.up_scene import NAMES, TOKEN, Scene, grafana, quick_workspace, stand_in, up
from tests.integration.processes import Processes, until
from tests.integration.prometheus import free_port
from tests.monitoring.promtool import repository_origin

from specwatch.cli.up import session
from specwatch.cli.up.programs import Place, programs
from specwatch.cli.up.request import UpRequest
from specwatch.monitoring.build import derive
from specwatch.monitoring.deploy.grafana import SETTINGS, VARIABLES
from specwatch.monitoring.origin import load_origin
from specwatch.schedule import DayBudget
from specwatch.state.lockfile import LockFile
from specwatch.workspace import Workspace

Command = Callable[..., CompletedProcess[str]]

SECRET = "a-credential-of-ours"
BEARER = {"authorization": f"Bearer {TOKEN}"}
REAL = pytest.mark.needs("prometheus", "prometheus-alertmanager")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything is up: prober, Prometheus, Alertmanager, and a stand-in for Grafana."""
    folder = tmp_path_factory.mktemp("up")
    workspace = quick_workspace(folder / "workspace")
    grafana(folder / "home" / "bin")
    with Processes(folder) as processes:
        options = ("--workspace", workspace, "--interval", "1s")
        secrets = {"SPECWATCH_WEB_TOKEN": TOKEN, "SCAN_DOCUMENTS_API_KEY": SECRET}
        scene = up(processes, folder, *options, path=os.environ["PATH"], **secrets)
        scene.process.wait_for("Ctrl-C stops all of it")
        yield scene


@REAL
def test_says_where_everything_is(scene: Scene) -> None:
    """Once all of them answer, a line for each has its address, and one says where the logs are."""
    said = scene.process.said()
    for title, name in zip(("prober", "Prometheus", "Alertmanager", "Grafana"), NAMES, strict=True):
        assert f"{title} " in said
        assert f"http://127.0.0.1:{scene.ports[name]}/" in said
        assert (scene.data / "logs" / f"{name}.log").exists()
    assert str(scene.data) in said
    assert "missing" not in said
    assert "SPECWATCH_WEB_TOKEN is set: links to runbooks in alerts, and of exemplars, lead to pages that" in said
    assert "links.runbooks in grafana/settings.yaml" in said
    assert re.search(r"sandbox +http://127\.0\.0\.1:\d+/_sandbox/", said)


@REAL
@pytest.mark.slow
def test_prometheus_scrapes_the_prober(scene: Scene) -> None:
    """The prober is a target that is up, its token included; exemplars are kept, and lead to their runs."""

    def target() -> bool:
        found = scene.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        labels = {"job": "specwatch", "instance": f"127.0.0.1:{scene.ports['watch']}"}
        return [(each["labels"], each["health"]) for each in found] == [(labels, "up")]

    until("the target is up", target)
    query = "query=specwatch_request_duration_seconds_bucket&start=0&end=9999999999"
    kept = until("exemplars are kept", lambda: scene.get("prometheus", f"/api/v1/query_exemplars?{query}")["data"])
    run = kept[0]["exemplars"][-1]["labels"]["run"]
    answer = httpx.get(f"http://127.0.0.1:{scene.ports['watch']}/runs", params={"run": run}, headers=BEARER)
    assert [each["id"] for each in answer.json()["runs"]] == [run]


@REAL
def test_prometheus_evaluates_every_rule(scene: Scene) -> None:
    """All derived rule files are loaded, and every rule of them that was due can be evaluated."""

    def healths() -> set[str] | None:
        groups = scene.get("prometheus", "/api/v1/rules")["data"]["groups"]
        assert {Path(group["file"]).name for group in groups} == derived("prometheus/rules/")
        found = {rule["health"] for group in groups for rule in group["rules"] if group["interval"] <= 1}
        found |= {rule["health"] for group in groups for rule in group["rules"]} - {"unknown"}  # their turn comes later
        return None if "unknown" in found else found

    assert until("every rule was evaluated", healths) == {"ok"}


@REAL
def test_prometheus_tells_alertmanager(scene: Scene) -> None:
    """Prometheus has found the Alertmanager of this machine, which runs on the derived configuration."""

    def found() -> list[str]:
        return [each["url"] for each in scene.get("prometheus", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]]

    url = f"http://127.0.0.1:{scene.ports['alertmanager']}/api/v2/alerts"
    until("Alertmanager is known", lambda: found() == [url])
    assert "suspect" in scene.get("alertmanager", "/api/v2/status")["config"]["original"]


def derived(folder: str) -> set[str]:
    """Names of the files that `specwatch build` derives into a folder."""
    return {Path(name).name for name in derive(repository_origin()) if name.startswith(folder)}


@REAL
def test_links_lead_to_the_ports_in_use(scene: Scene) -> None:
    """An alert leads to the runbooks and dashboards of this very machine, whatever the ports are."""
    groups = scene.get("prometheus", "/api/v1/rules?type=alert")["data"]["groups"]
    alerts = [rule["annotations"] for group in groups for rule in group["rules"]]
    assert {alert["runbook_url"].rpartition("/")[0] for alert in alerts} == {
        f"http://127.0.0.1:{scene.ports['watch']}/runbooks"
    }
    assert {alert["dashboard_url"].partition("/d/")[0] for alert in alerts} == {
        f"http://127.0.0.1:{scene.ports['grafana']}"
    }


@REAL
def test_rules_fit_the_interval_in_use(scene: Scene) -> None:
    """With `--interval 1s` no probe is too rare for the fastest pair of windows, whatever the schedule says."""
    origin = load_origin(Workspace(scene.data.with_name("workspace"), "the test's"))
    pace: dict[str, Any] = {"interval": 1.0, "failing_interval": None, "budget": DayBudget()}
    quick = tuple(replace(each, **pace) for each in origin.schedule.probes)
    used = derive(replace(origin, schedule=replace(origin.schedule, probes=quick)))
    names = [name for name in used if name.startswith("prometheus/rules/")]
    mine = {name: expressions((scene.data / "configuration" / name).read_text(encoding="utf-8")) for name in names}
    assert mine == {name: expressions(used[name]) for name in names}
    assert mine != {name: expressions(derive(origin)[name]) for name in names}


def expressions(text: str) -> list[str]:
    """What a rule file computes; pace and links aside, which the test has its own of."""
    return [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


@REAL
def test_grafana_finds_everything_in_place(scene: Scene) -> None:
    """Grafana gets its home, loopback, provisioning and dashboards, lets everybody look and nobody log in."""
    started = scene.started("grafana")
    environment = started["environment"]
    assert started["arguments"] == ["server", f"--homepath={scene.binaries.parent}"]
    assert {**environment, **SETTINGS} == environment
    assert environment["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert environment["GF_SERVER_HTTP_PORT"] == str(scene.ports["grafana"])
    provisioning = Path(environment["GF_PATHS_PROVISIONING"])
    assert {path.parent.name for path in provisioning.rglob("*.yml")} == {"datasources", "dashboards", "alerting"}
    assert all(environment[name] for name in VARIABLES)
    dashboards = Path(environment["SPECWATCH_DASHBOARDS"])
    assert Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).parent == dashboards
    assert {path.name for path in dashboards.glob("*.json")} == derived("dashboards/")
    assert environment["SPECWATCH_PROMETHEUS_URL"] == f"http://127.0.0.1:{scene.ports['prometheus']}"


@REAL
def test_secrets_reach_the_prober_alone(scene: Scene) -> None:
    """No other program has a credential in its environment, no command line has one, and nobody else may read one."""
    assert {SECRET, TOKEN} & set(scene.started("grafana")["environment"].values()) == set()
    seen = {name: process_of(port) for name, port in scene.ports.items()}
    for name, (command, environment) in seen.items():
        assert str(scene.ports[name]) in command + environment
        assert SECRET not in command
        assert TOKEN not in command
        assert (SECRET in environment) == (name == "watch")
    assert stat.S_IMODE((scene.data / "token").stat().st_mode) == 0o600
    configuration = [path for path in (scene.data / "configuration").rglob("*") if path.is_file()]
    assert [path for path in configuration if TOKEN in path.read_text(encoding="utf-8")] == []


def process_of(port: int) -> tuple[str, str]:
    """Command line and environment of the program that was told to listen on a port."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("the environment of another process is told by Linux only")
    needles = (f":{port}".encode(), f"GF_SERVER_HTTP_PORT={port}".encode())
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        own = f"-port={port}".encode() not in command  # not `specwatch up` itself
        if own and (needles[0] in command or needles[1] in environment):
            return command.decode(), environment.decode()
    raise AssertionError(f"nobody was told to listen on {port}")


# -------------------------------------------------------------------------------------------------------------- endings


@REAL
def test_ends_everything(tmp_path: Path, workspace: Path) -> None:
    """It goes on when Prometheus ends, and says so; SIGTERM ends the rest, and the token is gone."""
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace, path=os.environ["PATH"], SPECWATCH_WEB_TOKEN=TOKEN)
        scene.process.wait_for("Ctrl-C stops all of it")
        assert httpx.post(f"http://127.0.0.1:{scene.ports['prometheus']}/-/quit", trust_env=False).is_success
        scene.process.wait_for("Prometheus has ended with exit code 0")
        assert [name for name in NAMES if scene.answers(name)] == ["watch", "alertmanager"]
        scene.process.send(signal.SIGTERM)
        assert scene.process.wait() == 0
        assert [name for name in NAMES if scene.answers(name)] == []
        assert not (scene.data / "token").exists()


def test_goes_on_with_what_there_is(tmp_path: Path, workspace: Path) -> None:
    """A program that fails is told with the end of its log, missing ones with how to get them; Ctrl-C ends the rest."""
    stand_in(tmp_path / "home" / "bin", "prometheus", "import sys\nsys.exit('no room left')\n")
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace)
        scene.process.wait_for("Ctrl-C stops all of it")
        said = scene.process.said()
        assert "Prometheus has ended with exit code 1" in said
        assert "no room left" in said
        assert "missing: no prometheus-alertmanager or alertmanager on PATH" in said
        assert "apt-get install prometheus-alertmanager" in said
        assert "https://grafana.com/" in said
        assert [name for name in NAMES if scene.answers(name)] == ["watch"]
        scene.process.send(signal.SIGINT)
        assert scene.process.wait() == 0
        assert not scene.answers("watch")


def test_second_signal_ends_at_once(tmp_path: Path, workspace: Path) -> None:
    """What does not end by itself is killed when somebody asks again."""
    binary = stand_in(tmp_path / "home" / "bin", "alertmanager")
    binary.with_name("alertmanager.stubborn").touch()
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace)
        scene.process.wait_for("Ctrl-C stops all of it")
        assert "--cluster.listen-address=" in scene.started("alertmanager")["arguments"]
        scene.process.send(signal.SIGTERM)
        scene.process.wait_for("stopping; a second signal ends all of it at once")
        scene.process.send(signal.SIGTERM)
        assert scene.process.wait() == 0
        scene.process.wait_for("Alertmanager did not end by itself and was killed")
        assert [name for name in NAMES if scene.answers(name)] == []


def test_says_what_it_waits_for(tmp_path: Path, workspace: Path) -> None:
    """Each line comes as soon as its program answers, and says meanwhile which ones do not."""
    grafana(tmp_path / "home" / "bin").with_name("grafana.slow").touch()
    stand_in(tmp_path / "home" / "bin", "alertmanager")
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace)
        scene.process.wait_for(f"Alertmanager +http://127.0.0.1:{scene.ports['alertmanager']}/")
        said = scene.process.said()
        assert "waiting for prober, 60 s at most" in said
        assert "waiting for Alertmanager, Grafana, 60 s at most" in said
        assert "missing: no prometheus on PATH" in said
        assert f":{scene.ports['grafana']}/" not in said
        (scene.binaries / "grafana.slow").unlink()
        scene.process.wait_for(f"Grafana +http://127.0.0.1:{scene.ports['grafana']}/ +dashboards\n")
        scene.process.wait_for("Ctrl-C stops all of it")


def test_says_whom_it_still_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that does not answer is told again and again, and at last given back as late."""
    monkeypatch.setattr(session, "PATIENCE", 0.3)
    monkeypatch.setattr(session, "REMIND_EVERY", 0.1)
    slow = stand_in(tmp_path / "bin", "alertmanager")
    slow.with_name("alertmanager.slow").touch()
    monkeypatch.setenv("PATH", str(slow.parent))
    place = Place(tmp_path, {name: free_port() for name in NAMES})
    place.logs.mkdir()
    (_, program), missing = programs(place, [])
    said: list[str] = []
    monkeypatch.setattr(session, "_say", lambda *lines: said.extend(lines))
    household = session._Household(UpRequest(place, (program,), missing, {}, ""), session._Asked())
    try:
        child = household.start(program)
        assert child is not None
        assert household.wait_for([child]) == [child]
    finally:
        household.stop()
    assert said[0].startswith("waiting for Alertmanager")
    assert said[1].startswith("still waiting for Alertmanager: 0 of 0.3 s")


def test_ends_after_a_while(tmp_path: Path, workspace: Path) -> None:
    """`--for` ends it by itself; without `--data` everything is below `.specwatch/`, which git ignores."""
    with Processes(tmp_path) as processes:
        options = ("--workspace", workspace, f"--watch-port={free_port()}", "--for", "1ms")
        process = processes.specwatch("up", *options, name="up", environment={"PATH": str(tmp_path)})
        assert process.wait() == 0
    assert "Ctrl-C stops all of it" in process.said()
    assert (tmp_path / ".specwatch" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert (tmp_path / ".specwatch" / "up" / "logs" / "watch.log").exists()


def test_dead_prober_ends_it(tmp_path: Path, workspace: Path) -> None:
    """Where the prober refuses to start, it says why, nothing else is started, and its exit code is ours."""
    stand_in(tmp_path / "home" / "bin", "prometheus")
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace, "--fault", "example-api/no-such-fault")
        assert scene.process.wait() == 2
        assert "no such fault" in scene.process.said()
        assert not (scene.binaries / "prometheus.json").exists()


def test_killed_prober_ends_it(tmp_path: Path, workspace: Path) -> None:
    """Without the prober there is nothing to see: when it is killed, all of it ends, with 3, and says why."""
    with Processes(tmp_path) as processes:
        scene = up(processes, tmp_path, "--workspace", workspace)
        scene.process.wait_for("Ctrl-C stops all of it")
        children = Path(f"/proc/{scene.process.id}/task/{scene.process.id}/children")
        if not children.exists():
            pytest.skip("the children of a process are told by Linux only")
        (watch,) = children.read_text(encoding="utf-8").split()
        os.kill(int(watch), signal.SIGKILL)
        assert scene.process.wait() == 3
        assert "prober was ended by signal 9" in scene.process.said()
        assert not scene.answers("watch")


def test_grafana_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper on the path leads to the program that it wraps; without a home folder Grafana cannot be started."""
    wrapper = stand_in(tmp_path / "sbin", "grafana-server")
    monkeypatch.setenv("PATH", str(wrapper.parent))
    monkeypatch.setenv("GF_PATHS_HOME", str(tmp_path / "home"))
    place = Place(tmp_path / "data", dict.fromkeys(NAMES, 1))
    _, missing = programs(place, [])
    assert missing["grafana"].found == f"{wrapper} is there, but not its home folder"
    inner = grafana(tmp_path / "home" / "bin")
    (_, found), _ = programs(place, [])
    assert found.arguments == (str(inner), "server", f"--homepath={tmp_path / 'home'}")
    inner.unlink()
    (_, found), _ = programs(place, [])
    assert found.arguments == (str(wrapper), f"--homepath={tmp_path / 'home'}")


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.fixture
def nothing_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path with a stand-in for Prometheus; the note that it would leave."""
    binary = stand_in(tmp_path / "bin", "prometheus")
    monkeypatch.setenv("PATH", str(binary.parent))
    return binary.with_name("prometheus.json")


def test_busy_ports(specwatch: Command, workspace: Path, tmp_path: Path, nothing_started: Path) -> None:
    """A port that is taken is named with the option that changes it, all of them at once; nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = one.getsockname()[1], two.getsockname()[1]
        said = specwatch("up", "--workspace", workspace, f"--watch-port={taken[0]}", f"--prometheus-port={taken[1]}")
    assert said.returncode == 2
    assert f"--watch-port {taken[0]}: prober cannot listen there: the port is taken" in said.stderr
    assert f"--prometheus-port {taken[1]}: Prometheus cannot listen there: the port is taken" in said.stderr
    assert not nothing_started.exists()
    assert not (tmp_path / "here" / ".specwatch").exists()


def test_one_port_for_two(specwatch: Command, workspace: Path, nothing_started: Path) -> None:
    """Two programs cannot have one port."""
    port = free_port()
    said = specwatch("up", "--workspace", workspace, f"--watch-port={port}", f"--prometheus-port={port}")
    assert said.returncode == 2
    assert f"--prometheus-port {port}: is the port of prober, too" in said.stderr
    assert not nothing_started.exists()


@pytest.mark.parametrize(
    "options, complaint",
    [
        (("--interval", "soon"), "--interval soon: is no duration"),
        (("--interval", "1s", "--target", "live"), "--interval: would ask live"),
        (("--for", "ever"), "--for ever: is no duration"),
        (("--target", "nowhere"), "--target nowhere"),
        (("--grafana-port", "0"), "--grafana-port"),
    ],
)
def test_bad_options(
    specwatch: Command, workspace: Path, options: tuple[str, ...], complaint: str, nothing_started: Path
) -> None:
    """A wrong option is told in the words of `watch`, before anything is started."""
    said = specwatch("up", "--workspace", workspace, *options)
    assert said.returncode == 2
    assert complaint in said.stderr
    assert not nothing_started.exists()


def test_bad_data_folder(specwatch: Command, workspace: Path, tmp_path: Path, nothing_started: Path) -> None:
    """A data folder that is a file is refused."""
    (tmp_path / "file").touch()
    ports = (f"--{name}-port={free_port()}" for name in NAMES)
    said = specwatch("up", "--workspace", workspace, "--data", tmp_path / "file", *ports)
    assert said.returncode == 2
    assert "--data" in said.stderr
    assert not nothing_started.exists()


def test_bad_settings(specwatch: Command, workspace: Path, nothing_started: Path) -> None:
    """A mistake in the settings of the monitoring is told with its line, and nothing is started."""
    (workspace / "grafana").mkdir(exist_ok=True)
    (workspace / "grafana" / "settings.yaml").write_text("version: 1\nthresholds: {}\n", encoding="utf-8")
    said = specwatch("up", "--workspace", workspace)
    assert said.returncode == 2
    assert "settings.yaml:2" in said.stderr
    assert not nothing_started.exists()


def test_folder_in_use(specwatch: Command, workspace: Path, tmp_path: Path, nothing_started: Path) -> None:
    """A folder that another one uses is refused, and left as it is."""
    data = tmp_path / "data"
    data.mkdir()
    lock = LockFile(data / "lock", data)
    lock.acquire()
    ports = (f"--{name}-port={free_port()}" for name in NAMES)
    said = specwatch("up", "--workspace", workspace, "--data", data, *ports)
    lock.release()
    assert said.returncode == 2
    assert "is in use by another `specwatch up`" in said.stderr
    assert [path.name for path in data.iterdir()] == ["lock"]
    assert not nothing_started.exists()
