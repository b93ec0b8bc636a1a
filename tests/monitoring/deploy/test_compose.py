"""`compose.yaml` and `Dockerfile`: the same as `specwatch up`, in containers. Nothing here runs one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.monitoring.promtool import repository_origin

from specwatch import __version__
from specwatch.cli.up.command import PORTS
from specwatch.cli.up.programs import Place, programs
from specwatch.cli.watch.command import command as watch
from specwatch.monitoring.build import derive
from specwatch.monitoring.deploy import grafana
from specwatch.monitoring.deploy.files import ALERTMANAGER, PROMETHEUS
from specwatch.monitoring.deploy.prometheus import ALERTMANAGER_TARGETS, PROBER_TARGETS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

TAGGED = re.compile(r"[a-z0-9]+(/[a-z0-9]+)?:v?\d+\.\d+\.\d+(-[a-z]+)?")
"""Name and full version; a host of a registry would have a dot or a port in its first part."""

SAME_PLACES = {
    "/etc/prometheus": "prometheus",
    "/etc/alertmanager": "alertmanager",
    "/etc/grafana/provisioning": "provisioning",
    "/etc/specwatch/dashboards": "dashboards",
}
"""What is mounted where: a path below `grafana/`."""


def mounts(service: str) -> dict[str, tuple[str, str]]:
    """Place in the container to what is mounted there, and how."""
    parts = (str(entry).split(":") for entry in SERVICES[service].get("volumes", ()))
    return {target: (source, rest[0] if rest else "rw") for source, target, *rest in parts}


def test_services() -> None:
    """The four programs of `specwatch up`."""
    assert set(SERVICES) == {"watch", "prometheus", "alertmanager", "grafana"}


def test_images_are_pinned() -> None:
    """Every image has a full version, none is `latest`, and none names the host of a registry."""
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert [image for image in images if not TAGGED.fullmatch(image)] == []
    assert SERVICES["watch"]["image"] == f"specwatch:{__version__}"


def test_ports_are_for_this_machine() -> None:
    """Each service has one port, published on loopback, the same as `specwatch up` has."""
    published = {name: service["ports"] for name, service in SERVICES.items()}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in PORTS.items()}


def test_every_mounted_file_exists() -> None:
    """What is mounted is in the repository, or is derived into it; and it cannot be written from inside."""
    derived = derive(repository_origin())
    for service in SERVICES:
        for target, (source, mode) in mounts(service).items():
            if source in COMPOSE["volumes"]:
                assert mode == "rw"
                continue
            assert mode == "ro", (service, target)
            path = source.removeprefix("./")
            below = path.removeprefix("grafana/")
            assert (ROOT / path).exists() or any(f"{name}/".startswith(f"{below}/") for name in derived), path


def test_same_configuration_as_up() -> None:
    """All derived files are mounted, at the places that they name each other by; none has a second version."""
    found = {
        target: source.removeprefix("./grafana/")
        for service in SERVICES
        for target, (source, _) in mounts(service).items()
        if source.startswith("./grafana/")
    }
    assert found == SAME_PLACES
    lost = [name for name in derive(repository_origin()) if not name.startswith(tuple(SAME_PLACES.values()))]
    assert lost == []


def test_folders_are_mounted() -> None:
    """A file that is replaced by another one would stay the old one inside, so only folders are mounted."""
    sources = [source for service in SERVICES for source, _ in mounts(service).values() if source.startswith("./")]
    assert sources
    assert [source for source in sources if not (ROOT / source).is_dir()] == []


def test_what_is_mounted_inside_has_a_place() -> None:
    """Nothing can be made in a read-only mount: where another one lies inside, its folder is in the repository."""
    for service in SERVICES:
        found = mounts(service)
        for inner in found:
            for outer, (source, _) in found.items():
                if inner.startswith(f"{outer}/"):
                    assert any((ROOT / source / inner.removeprefix(f"{outer}/")).iterdir()), inner


def test_programs_read_the_mounted_files() -> None:
    """Prometheus and Alertmanager are told of the derived files, and find targets beside them."""
    for service, name in (("prometheus", PROMETHEUS), ("alertmanager", ALERTMANAGER)):
        assert f"--config.file=/etc/{name}" in SERVICES[service]["command"]
        assert mounts(service)[f"/etc/{service}"] == (f"./grafana/{service}", "ro")
    assert str(Path("/etc", PROMETHEUS).parent / Path(PROBER_TARGETS).parent) in mounts("prometheus")


def test_targets_are_the_services() -> None:
    """Only the addresses differ: those of compose are names of its services with their ports."""
    folder = mounts("prometheus")["/etc/prometheus/targets"][0]
    for name, address in ((PROBER_TARGETS, "watch:9464"), (ALERTMANAGER_TARGETS, "alertmanager:9093")):
        data = yaml.safe_load((ROOT / folder / Path(name).name).read_text(encoding="utf-8"))
        assert data == [{"targets": [address]}]
        assert address.partition(":")[0] in SERVICES


def test_flags_are_those_of_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus and Alertmanager get the same flags, with other paths and addresses."""
    for name in ("prometheus", "alertmanager"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found, _ = programs(Place(tmp_path, dict.fromkeys(SERVICES, 1)), [])
    for program in found[1:]:
        ours = [argument.partition("=")[0] for argument in program.arguments[1:]]
        assert [flag.partition("=")[0] for flag in SERVICES[program.name]["command"]] == ours
    same = {"--storage.tsdb.retention.time", "--enable-feature"}
    values = [flag for flag in SERVICES["prometheus"]["command"] if flag.partition("=")[0] in same]
    assert set(values) <= set(found[1].arguments)


@pytest.mark.parametrize(
    "service, binary",
    [
        pytest.param("prometheus", "prometheus", marks=pytest.mark.needs("prometheus")),
        pytest.param("alertmanager", "prometheus-alertmanager", marks=pytest.mark.needs("prometheus-alertmanager")),
    ],
)
def test_flags_are_known(service: str, binary: str) -> None:
    """The real programs know every flag; `--help` behind them keeps them from starting."""
    done = subprocess.run(
        [binary, *SERVICES[service]["command"], "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage:" in (done.stdout + done.stderr).lower()


def test_options_of_the_prober_are_known() -> None:
    """`specwatch watch` takes the command; inside, it listens for its neighbours, by the name of its service."""
    name, *options = SERVICES["watch"]["command"]
    assert name == "watch"
    plain = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", option) for option in options]
    parameters = watch.make_context("watch", plain, help_option_names=["-h", "--help"]).params
    assert parameters["target"] == "sandbox"
    assert parameters["listen"] == "0.0.0.0:9464"
    assert parameters["web_names"] == ("watch",)


def test_grafana_is_set_up_as_by_up() -> None:
    """Grafana has the settings of `specwatch up`, and every variable that the provisioning names."""
    environment = SERVICES["grafana"]["environment"]
    assert {**environment, **grafana.SETTINGS} == environment
    assert all(environment[name] for name in grafana.VARIABLES)
    assert environment[grafana.DASHBOARDS] in mounts("grafana")
    assert environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(environment[grafana.DASHBOARDS])


def test_nobody_is_root() -> None:
    """Every service runs as somebody without privileges, and cannot get any."""
    assert [name for name, service in SERVICES.items() if str(service.get("user", "0")).startswith("0")] == []
    assert all(service["cap_drop"] == ["ALL"] for service in SERVICES.values())
    assert all(service["security_opt"] == ["no-new-privileges:true"] for service in SERVICES.values())


def test_every_service_has_a_health_check() -> None:
    """Each says when it is ready, and what depends on it waits for that."""
    assert all(service["healthcheck"]["test"][0] == "CMD" for service in SERVICES.values())
    waits = [service.get("depends_on", {}) for service in SERVICES.values()]
    assert all(each == {"condition": "service_healthy"} for wait in waits for each in wait.values())
    assert {name for wait in waits for name in wait} <= set(SERVICES)


def test_secrets_stay_outside() -> None:
    """Credentials come from a file that may be missing and never reaches the image; only the prober gets them."""
    assert SERVICES["watch"]["env_file"] == [{"path": ".env", "required": False, "format": "raw"}]
    assert [name for name, service in SERVICES.items() if "env_file" in service] == ["watch"]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert "!.env" not in ignored
    assert "**/.env" in ignored


def test_image_is_built_from_the_lock() -> None:
    """Third parties come with hashes, the project brings none; what is copied exists and is let through."""
    assert "--require-hashes --only-binary :all: --requirement requirements.lock" in DOCKERFILE
    assert "--no-deps --no-index --no-build-isolation ." in DOCKERFILE
    sources = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    ]
    let_through = set((ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())
    assert sources
    assert [name for name in sources if not (ROOT / name).exists() or f"!{name.rstrip('/')}" not in let_through] == []
    packaged = re.findall(
        r'^"(.+)" = "specwatch/_', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {name.rstrip("/") for name in sources} >= {*packaged, "src", "pyproject.toml", "README.md", "LICENSE"}


def test_image_does_not_run_as_root() -> None:
    """The user of the image is the one that compose names."""
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == [SERVICES["watch"]["user"]]
