"""The programs that make up the whole: where they are found, how they are started, where they answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from specwatch.monitoring.deploy import grafana
from specwatch.monitoring.deploy.files import ALERTMANAGER, PROMETHEUS
from specwatch.monitoring.deploy.prometheus import EXEMPLARS, RETENTION_DAYS

LOOPBACK: Final = "127.0.0.1"

BINARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "grafana": ("grafana", "grafana-server"),
}
"""Program to the names under which packages install it."""

TITLES: Final[Mapping[str, str]] = {
    "watch": "prober",
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "grafana": "Grafana",
}

HOW_TO_GET: Final[Mapping[str, str]] = {
    "prometheus": "Debian and Ubuntu: apt-get install prometheus; Homebrew: brew install prometheus; "
    "others: https://prometheus.io/download/",
    "alertmanager": "Debian and Ubuntu: apt-get install prometheus-alertmanager; others: "
    "https://prometheus.io/download/#alertmanager. Without it, the prober itself tells the address in "
    "SPECWATCH_NOTIFY_URL, if there is one",
    "grafana": "https://grafana.com/grafana/download has packages and archives; Homebrew: brew install grafana; "
    "or, in a checkout, `docker compose up`, which has all of it",
}

PASSED_ON: Final = (
    *("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT"),
    "LD_LIBRARY_PATH",  # some builds of Python, which launches them, do not start without it
)
"""Variables that programs of others get: whatever is not here may be a credential."""


@dataclass(frozen=True, slots=True)
class Place:
    """Folders and ports.

    Args:
        data: the folder of everything that is written.
        ports: program to port.
        token: whether the prober asks for a bearer token.
    """

    data: Path
    ports: Mapping[str, int]
    token: bool = False

    @property
    def configuration(self) -> Path:
        """The folder of the derived files."""
        return self.data / "configuration"

    @property
    def logs(self) -> Path:
        """The folder of what the programs say."""
        return self.data / "logs"

    @property
    def token_file(self) -> Path:
        """Where Prometheus finds the bearer token."""
        return self.data / "token"

    def address(self, name: str) -> str:
        """Of a program, without scheme."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def url(self, name: str) -> str:
        """Of a program, without a slash at its end."""
        return f"http://{self.address(name)}"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be started.

    Args:
        name: `watch`, `prometheus`, `alertmanager` or `grafana`.
        arguments: its command line.
        environment: all of it.
        url: where it answers, without a slash at its end.
        ready: the path that answers with 200 when it is ready.
        shows: what is to be seen there.
        service: of systemd, where a package installs one that takes the port.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    url: str
    ready: str
    shows: str
    service: str = ""

    @property
    def title(self) -> str:
        """As it is called in sentences."""
        return TITLES[self.name]


@dataclass(frozen=True, slots=True)
class Missing:
    """A program that cannot be started.

    Args:
        found: what there is instead of it.
        mend: how to get it.
    """

    found: str
    mend: str


def programs(place: Place, watch: Sequence[str]) -> tuple[tuple[Program, ...], dict[str, Missing]]:
    """What can be started here, the prober first, and what is missing, by name.

    Args:
        place: folders and ports.
        watch: the options of `specwatch watch`.
    """
    made: dict[str, Program] = {}
    missing: dict[str, Missing] = {}
    for name, binaries in BINARIES.items():
        path = next(filter(None, map(shutil.which, binaries)), None)
        program = _MAKERS[name](place, Path(path)) if path else None
        if program is not None:
            made[name] = program
        elif path:
            missing[name] = Missing(f"{path} is there, but not its home folder", "name it in GF_PATHS_HOME")
        else:
            missing[name] = Missing(f"no {' or '.join(binaries)} on PATH", HOW_TO_GET[name])
    return (_watch(place, watch), *made.values()), missing


def _watch(place: Place, options: Sequence[str]) -> Program:
    # -P: what lies in the current folder is not imported
    arguments = (sys.executable, "-P", "-m", "specwatch", "watch", *options)
    shows = "status page, metrics, runbooks"
    return Program("watch", arguments, dict(os.environ), place.url("watch"), "/-/ready", shows)


def _prometheus(place: Place, binary: Path) -> Program:
    arguments = (
        str(binary),
        f"--config.file={place.configuration / PROMETHEUS}",
        f"--storage.tsdb.path={place.data / 'tsdb'}",
        f"--storage.tsdb.retention.time={RETENTION_DAYS}d",
        f"--web.listen-address={place.address('prometheus')}",
        f"--web.external-url={place.url('prometheus')}",
        "--web.enable-lifecycle",
        f"--enable-feature={EXEMPLARS}",
    )
    url, shows = place.url("prometheus"), "rules, alerts, queries"
    return Program("prometheus", arguments, _cleaned(), url, "/-/ready", shows, "prometheus")


def _alertmanager(place: Place, binary: Path) -> Program:
    arguments = (
        str(binary),
        f"--config.file={place.configuration / ALERTMANAGER}",
        f"--storage.path={place.data / 'alertmanager'}",
        f"--web.listen-address={place.address('alertmanager')}",
        f"--web.external-url={place.url('alertmanager')}",
        "--cluster.listen-address=",  # else it opens a port to everybody
    )
    url, shows = place.url("alertmanager"), "who is told of what, silences"
    return Program("alertmanager", arguments, _cleaned(), url, "/-/ready", shows, "prometheus-alertmanager")


def _grafana(place: Place, binary: Path) -> Program | None:
    home = next(_grafana_homes(binary), None)
    if home is None:
        return None
    inner = home / "bin" / "grafana"
    if os.access(inner, os.X_OK):  # what packages put on PATH wraps this one, and reads files that root alone may read
        binary = inner
    server = (str(binary), "server") if binary.stem == "grafana" else (str(binary),)
    data = place.data / "grafana"
    environment = {
        **_cleaned(),
        **grafana.SETTINGS,
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(place.configuration / "provisioning"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(place.configuration / "dashboards" / "overview.json"),
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(place.ports["grafana"]),
        "GF_SERVER_ROOT_URL": f"{place.url('grafana')}/",
        grafana.PROMETHEUS_URL: place.url("prometheus"),
        grafana.ALERTMANAGER_URL: place.url("alertmanager"),
        grafana.PROBER_URL: place.url("watch"),
        grafana.DASHBOARDS: str(place.configuration / "dashboards"),
    }
    arguments = (*server, f"--homepath={home}")
    return Program(
        "grafana", arguments, environment, place.url("grafana"), "/api/health", "dashboards", "grafana-server"
    )


def _grafana_homes(binary: Path) -> Iterator[Path]:
    """Folders with Grafana's own files: of an archive, of Debian's and Red Hat's packages, of Homebrew."""
    real = binary.resolve()
    named = os.environ.get("GF_PATHS_HOME")
    places = [real.parent.parent, Path("/usr/share/grafana"), real.parent.parent / "share" / "grafana"]
    for home in [Path(named)] if named else places:
        if (home / "conf" / "defaults.ini").is_file():
            yield home


def _cleaned() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


_MAKERS: Final = {"prometheus": _prometheus, "alertmanager": _alertmanager, "grafana": _grafana}
