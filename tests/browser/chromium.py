"""A headless Chromium, spoken to in the DevTools protocol over two pipes.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

UNPACKED = Path(__file__).parent / "node_modules" / ".chromium"
"""Where `tests.browser.unpack` puts the one that the npm package has."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

OPTIONS = (
    "--headless",
    "--no-sandbox",  # CI runs as root in a container; the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)

START = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The browser reads descriptor 3 and writes to descriptor 4, whatever numbers the pipes have here."""

SECONDS = 90
"""How long an answer may take on a busy machine."""


class ChromiumError(Exception):
    """There is none, it does not start, or it answered with an error."""


def find() -> tuple[Path, dict[str, str]]:
    """The program, and the variables that it needs.

    Raises:
        ChromiumError: There is none.
    """
    own = UNPACKED / "chromium"
    if own.exists():
        return own, {"LD_LIBRARY_PATH": str(UNPACKED / "lib"), "FONTCONFIG_FILE": str(UNPACKED / "fonts.conf")}
    named = next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)
    if named is None:
        msg = "no Chromium: run `make .setup/browser`, or name one by CHROMIUM"
        raise ChromiumError(msg)
    return Path(named), {}


class Chromium:
    """The browser; a context manager that ends it."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._events: list[dict[str, Any]] = []
        self._rest = b""
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)

    def __enter__(self) -> Self:
        program, variables = find()
        reads, self._requests = os.pipe()
        self._answers, writes = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, str(reads), str(writes), program, *OPTIONS, *self._own()],
                env={**os.environ, **variables, "HOME": self._profile.name, "LC_ALL": "en_US.UTF-8"},
                pass_fds=(reads, writes),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(reads)
            os.close(writes)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._profile.cleanup()

    def ask(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Send a command, and wait for its answer; events that come before it are kept.

        Raises:
            ChromiumError: The browser refused, or is gone.
        """
        number = next(self._ids)
        request = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        try:
            os.write(self._requests, json.dumps(request).encode() + b"\0")
        except BrokenPipeError as error:
            msg = "Chromium does not start here"
            raise ChromiumError(msg) from error
        while True:
            message = self._read()
            if message.get("id") != number:
                self._events.append(message)
            elif "error" in message:
                msg = f"{method}: {message['error']}"
                raise ChromiumError(msg)
            else:
                answer: dict[str, Any] = message["result"]
                return answer

    def events(self, method: str) -> list[dict[str, Any]]:
        """What events of a kind have said so far."""
        return [each["params"] for each in self._events if each["method"] == method]

    def forget(self, method: str) -> None:
        """Forget the events of a kind."""
        self._events = [each for each in self._events if each["method"] != method]

    def page(self) -> Page:
        """A new page."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        return Page(self, self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def _own(self) -> list[str]:
        return [f"--user-data-dir={self._profile.name}", "about:blank"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            received = os.read(self._answers, 1 << 20)
            if not received:
                msg = "Chromium does not start here, or it is gone"
                raise ChromiumError(msg)
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


class Page:
    """One page of a browser."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self.browser = browser
        self.session = session
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command to this page."""
        return self.browser.ask(method, self.session, **parameters)

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page a size in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str) -> None:
        """Be a user who prefers ``light`` or ``dark``."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, file: Path) -> None:
        """Open a file, and wait until the page has drawn itself."""
        self.ask("Page.navigate", url=file.as_uri())
        there = f"document.readyState === 'complete' && location.href === {json.dumps(file.as_uri())}"
        wait(lambda: self.evaluate(there))
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: what the last event changed is drawn by then."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def evaluate(self, expression: str) -> Any:  # noqa: ANN401 (JavaScript's)
        """The value of an expression; a promise is waited for."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ChromiumError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])

    def point(self, x: float, y: float) -> None:
        """Move the mouse."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def picture(self, *, whole: bool = True) -> bytes:
        """A picture of the page as PNG."""
        if whole:
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
            return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"])
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])


def wait(reached: Callable[[], object]) -> None:
    """Wait for a state.

    Raises:
        ChromiumError: It does not come.
    """
    end = time.monotonic() + SECONDS
    while not reached():
        if time.monotonic() > end:
            msg = "Chromium did not do it in time"
            raise ChromiumError(msg)
        time.sleep(0.02)
