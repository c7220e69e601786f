"""A real browser for tests: the system's Chromium, headless, driven by Playwright.

Playwright would like to download a browser of its own; here it drives the one that is installed.
`find()` is None where there is none; tests then skip and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 90  # JupyterLab's first page on a busy machine
FLAGS = (
    "--disable-dev-shm-usage",
    # No other machine is looked up, whatever the browser would like to update.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def find() -> str | None:
    """The browser to use: `CHROME_BIN`, or the first known name on the path."""
    named = os.environ.get("CHROME_BIN")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_page() -> Iterator:
    """An empty page (`playwright.sync_api.Page`) in a browser that is closed at the end."""
    from playwright.sync_api import expect, sync_playwright

    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=find(),
            args=[*FLAGS],
            chromium_sandbox=False,  # everybody is root in a container, where it refuses to start
        ) as browser,
    ):
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1000 * SECONDS)
        expect.set_options(timeout=1000 * SECONDS)
        # "Leave the page?" of an unsaved notebook: yes.
        page.on("dialog", lambda dialog: dialog.accept())
        yield page
