"""A server that repeats our credential in every place it can: no byte of a result holds it."""

from __future__ import annotations

import base64
import contextlib
from urllib.parse import quote

import pytest
from tests.contract.conftest import MakeRun, Serve
from tests.loopback import Received, answer

from specwatch.contract.caller import Caller
from specwatch.errors import CannotTell

MARKER = "s3cr3t/M4rk+er=="
SPELLINGS = {
    "plain": MARKER,
    "url-encoded": quote(MARKER, safe=""),
    "url-encoded, small": quote(MARKER, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
    "base64": base64.b64encode(MARKER.encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer {MARKER}".encode()).decode(),
    "JSON of another language": MARKER.replace("/", "\\/"),
}


def leaks(text: str) -> list[str]:
    """The spellings of the marker that a text holds."""
    inner = base64.b64encode(b"..." + MARKER.encode()).decode()[4:-4]
    return [name for name, spelling in {**SPELLINGS, "inside": inner}.items() if spelling.rstrip("=") in text]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", [200, 400, 401, 299])
def test_an_echo_is_not_kept(serve: Serve, start: MakeRun, spelling: str, status: int) -> None:
    """Body, keys, headers, reason phrase, error code and media type: none of them reaches the result."""
    echo = SPELLINGS[spelling]

    def echoes(_: Received) -> bytes:
        body = {"id": echo, "name": [echo], echo: echo, "error": {"code": echo, "message": f"no {echo} here"}}
        headers = {"X-Echo": f"it was {echo}", f"X-{quote(MARKER, safe='')}": "1"}
        return answer(status, body, headers=headers, reason=echo)

    run = start(serve(echoes).url, {"SHOP_TOKEN": MARKER})
    for credentials in ("account", "altered", "wrong_scheme"):
        with contextlib.suppress(CannotTell):
            Caller(run).call("getItem", path={"id": MARKER}, query={"q": MARKER}, credentials=credentials)

    result = run.result()
    assert leaks(repr((result, run.exchanges, [violation.exchange for violation in result.violations]))) == []
    assert "[secret]" in repr(run.exchanges)
    assert len(run.exchanges) == 3


@pytest.mark.parametrize("said", [f"HTTP/1.1 {MARKER}\r\n\r\n", f"{MARKER}: what?\r\n\r\n"])
def test_garbage_is_not_kept(serve: Serve, start: MakeRun, said: str) -> None:
    """A broken protocol is told with what came, but without the secret in it."""
    run = start(serve(lambda _: said.encode()).url, {"SHOP_TOKEN": MARKER})

    with pytest.raises(CannotTell) as caught:
        Caller(run).call("getItem", path={"id": "i-1"})

    assert leaks(f"{caught.value}{run.result()!r}") == []


def test_reasons_of_tests_are_cleaned(serve: Serve, start: MakeRun) -> None:
    """A contract test may put an answer into its reason."""
    run = start(serve(lambda _: answer()).url, {"SHOP_TOKEN": MARKER})

    run.explain("known-item-found", f"no item was found: status 500, {MARKER}")

    assert leaks(repr(run.result())) == []
    assert "no item was found: status 500, [secret]" in repr(run.result())
