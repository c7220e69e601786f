"""A real browser for tests: headless Chromium, driven through its own DevTools protocol.

A driver package would do no more for us than is below: open a page, wait for something to
be there, click it with the mouse. The protocol is Chromium's (chromedevtools.github.io), its
transport the `websocket-client` that JupyterLab brings along, so there is nothing to install but
a browser. `find()` is None where there is none; tests then skip and say so.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # in a container everybody is root, and Chromium would refuse to start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No other machine is looked up, whatever the browser would like to update.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1400,1000",
)


def find() -> str | None:
    """The browser to use: `CHROME_BIN`, or the first known name on the path."""
    named = os.environ.get("CHROME_BIN")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in one headless browser; a context manager."""

    def __init__(self, folder: Path):
        self.folder = folder / "browser"

    def __enter__(self) -> Browser:
        from websocket import create_connection

        self.folder.mkdir(parents=True)
        command = [find(), *FLAGS, f"--user-data-dir={self.folder}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)
        try:
            port = self._port()
            # Past a proxy that the environment may name: this is our own machine.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=30) as reply:
                pages = json.load(reply)
            page = next(p for p in pages if p["type"] == "page")
            self.socket = create_connection(
                page["webSocketDebuggerUrl"], timeout=180, suppress_origin=True, http_no_proxy=["*"]
            )
            self.numbers = itertools.count(1)
            self.send("Page.enable")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *error) -> None:
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _port(self, seconds: float = 60) -> str:
        file, end = self.folder / "DevToolsActivePort", time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the browser ended with {self.process.returncode}")
            if file.exists() and (text := file.read_text().split()):
                return text[0]
            time.sleep(0.1)
        raise TimeoutError("the browser opened no port")

    def send(self, method: str, **params) -> dict:
        """One command of the protocol and its answer; events in between are passed over."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") == "Page.javascriptDialogOpening":
                # "Leave the page?" of an unsaved notebook: the page stands still until answered.
                leave = {"method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
                self.socket.send(json.dumps({"id": next(self.numbers), **leave}))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, url: str) -> None:
        self.send("Page.navigate", url=url)

    def run(self, expression: str):
        """The value of a JavaScript expression on the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = 90):
        """Wait until an expression is true; says what the page showed if it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := self.run(expression):
                return value
            time.sleep(0.2)
        shown = self.run("document.body ? document.body.innerText.slice(0, 2000) : ''")
        raise TimeoutError(f"never true: {expression}\nthe page shows:\n{shown}")

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse, as a person does."""
        query = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{query} && {query}.getBoundingClientRect().width > 0")
        self.run(f"{query}.scrollIntoView({{block: 'center'}})")
        box = self.run(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])({query}.getBoundingClientRect())"
        )
        place = {"x": box[0], "y": box[1], "button": "left", "clickCount": 1}
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, **place)

    def press_enter(self, shift: bool = False) -> None:
        """The Enter key where the focus is; with Shift it runs a notebook's cell."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, modifiers=8 * shift, **key)
