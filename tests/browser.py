"""A headless Chromium that a test drives: the DevTools protocol over two pipes, so that no port is opened.

Facts: https://chromedevtools.github.io/devtools-protocol/ and the switch `--remote-debugging-pipe`, which reads from
descriptor 3 and writes to descriptor 4, messages as JSON, each ended by a NUL.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

SWITCHES: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--remote-debugging-pipe",
)
PATIENCE: Final = 60.0
"""Seconds after which a browser that does not answer is given up."""


class Tab:
    """One page: `path` is the file that it shows, `requests` has all that it asked for, `errors` its console."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.path = Path()
        self.requests: list[str] = []
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Carry out a command of the protocol."""
        return self._browser.call(method, parameters, self._session)

    def open(self, path: Path) -> None:
        """Load a file, and wait until it is there."""
        self.path = path
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._browser.wait_for(lambda: self.run("document.readyState") == "complete")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def resize(self, width: int, height: int = 900, scale: float = 1) -> None:
        """Show the page as wide as that, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )

    def theme(self, scheme: str, media: str = "") -> None:
        """Prefer `light` or `dark`; `print` as media shows the page as it is printed."""
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press a key and let it go."""
        about = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **about)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, *, top: float = 0, height: float | None = None) -> bytes:
        """The page as PNG: all of it, or a part, in CSS pixels from its top."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        left = size["height"] - top
        tall = min(left, height) if height is not None else left
        clip = {"x": 0, "y": top, "width": size["width"], "height": tall, "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def note(self, method: str, parameters: Mapping[str, Any]) -> None:
        """Remember an event."""
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.errors.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(str(parameters["args"]))


class Browser:
    """A Chromium, for the length of a block.

    Args:
        program: its name or path.
    """

    def __init__(self, program: str = "chromium") -> None:
        self._stack = contextlib.ExitStack()
        profile = self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        self._tabs: dict[str, Tab] = {}
        self._answers: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._rest = b""
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = _start(program, profile, theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and whatever it has started."""
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for each in (self._in, self._out):
            os.close(each)
        self._stack.close()

    def tab(self) -> Tab:
        """A new page."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._tabs[session] = tab = Tab(self, session)
        return tab

    def call(self, method: str, parameters: Mapping[str, object] | None = None, session: str = "") -> dict[str, Any]:
        """Carry out a command of the protocol.

        Raises:
            AssertionError: the browser refuses it, or does not answer.
        """
        self._number += 1
        number = self._number
        message: dict[str, object] = {"id": number, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        self.wait_for(lambda: number in self._answers, listen=True)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer["error"]
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, condition: Any, *, listen: bool = False) -> None:
        """Wait until something is so; with `listen`, while reading what the browser says."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "the browser does not answer"
            if listen:
                self._listen()

    def _listen(self) -> None:
        if not select.select([self._in], [], [], 1)[0]:
            return
        data = os.read(self._in, 1 << 20)
        assert data, "the browser has gone"
        *messages, self._rest = (self._rest + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif (session := message.get("sessionId")) in self._tabs:
                self._tabs[session].note(message["method"], message["params"])


def _start(program: str, profile: str, theirs_in: int, theirs_out: int) -> subprocess.Popen[bytes]:
    """The browser, in a process group of its own, with the pipes where it looks for them."""
    redirect = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    return subprocess.Popen(
        ["/bin/bash", "-c", redirect, "sh", program, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(theirs_in, theirs_out),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """A browser for the length of a block."""
    with Browser() as browser:
        yield browser
