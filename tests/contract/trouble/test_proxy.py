"""The way through a proxy: what goes out there is what would go out without one."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.contract.conftest import ROOT
from tests.contract.trouble.causes import AUTHORITY, NAME
from tests.contract.trouble.front import Tunnel
from tests.loopback import Server, answer, refused_port

from specwatch.transport.tunnel import TunnelTransport, proxy_for
from specwatch.transport.wire.proxies import Proxies, Proxy
from specwatch.workspace import Workspace


@pytest.fixture
def target() -> Iterator[Server]:
    """An https server under a name that only the proxy knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(NAME).configure_cert(context)
    server = Server(lambda _: answer(200, {"id": "i-1"}), context)
    yield server
    server.close()


@pytest.mark.parametrize("path", ["/v1/items/%2E%2E", "/v1/items/..", "/v1/items/a%2Fb?q=%C3%BC", "/"])
def test_paths_arrive_as_they_are(target: Server, path: str) -> None:
    """The proxy is asked for the host alone, and the target gets the path as it was written."""
    port = int(target.url.rpartition(":")[2])
    tunnel = Tunnel(port, lambda: None)
    trust = ssl.create_default_context()
    AUTHORITY.configure_trust(trust)
    proxy = Proxy("127.0.0.1", tunnel.port, b"Basic dTpw")

    with httpx.Client(transport=TunnelTransport(proxy, verify=trust), trust_env=False) as client:
        answered = client.get(f"https://{NAME}", extensions={"target": path.encode()})
    tunnel.close()

    assert answered.status_code == 200
    assert target.paths == [path]
    assert tunnel.asked[0].startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dTpw" in tunnel.asked[0]
    assert "proxy-authorization" not in target.received[0].headers


@pytest.mark.parametrize(
    "base, asked",
    [
        (f"https://{NAME}", True),
        ("https://other.example.com/v1", False),
        (f"http://{NAME}", False),
        ("https://127.0.0.1:1", False),
        ("https://localhost", False),
    ],
)
def test_who_is_asked_for_the_way(base: str, *, asked: bool) -> None:
    """The proxy for https, but not for this machine, for whom NO_PROXY names, and for http."""
    proxies = Proxies(http=Proxy("h", 1), https=Proxy("p", 2), direct=("other.example.com",))

    assert (proxy_for(base, proxies) is not None) == asked


def test_a_check_takes_the_proxy_of_the_environment(tmp_path: Path) -> None:
    """`HTTPS_PROXY` is heeded by the command: a dead one is the reason that nothing could be established."""
    api = Workspace(ROOT, "this one").apis([])[0]
    ours = {name: "made-up-value" for scheme in api.schemes.values() for name in scheme.variables["account"]}
    environment = {
        **os.environ,
        **ours,
        "HTTPS_PROXY": f"http://user:pass-word@127.0.0.1:{refused_port()}",
        "COLUMNS": "300",
    }
    options = ["--target", f"https://{NAME}", "--workspace", str(ROOT), "--profile", "smoke", "--send-credentials"]

    finished = subprocess.run(
        [sys.executable, "-m", "specwatch", "check", *options, "--api", api.id],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 3, finished.stderr
    assert "opens no way: ConnectionRefusedError; see HTTPS_PROXY and NO_PROXY" in " ".join(finished.stdout.split())
    assert "pass-word" not in finished.stdout + finished.stderr
