"""`smolcourse lab`: JupyterLab on the course's start page.

The start page is the README, shown rendered. What that needs of JupyterLab (Markdown opens as
a preview, no news pop-up, no update check) is written as defaults into `.smolcourse/` in the
course's folder; the learner's own Jupyter settings are read as always and win over them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

from smolcourse import places, proxies
from smolcourse.errors import CourseError
from smolcourse.translate import tr

START_PAGES = {"en": "README.md", "zh-CN": "README.zh-CN.md"}
OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


def arguments(
    root: Path,
    browser: bool = True,
    port: int = 8888,
    lang: str = "en",
    state: Path | None = None,
) -> list[str]:
    """The argument list for JupyterLab; also writes the defaults it refers to.

    `root` is the course's repository, `state` the folder for them (see `places`). Raises `CourseError` if the start page is not there.
    """
    page = START_PAGES[lang]
    if not (root / page).is_file():
        raise CourseError(
            "{page} is missing in {root}; run `git checkout -- {page}`.", page=page, root=root
        )
    state = state or places.state_folder(root)
    state.mkdir(parents=True, exist_ok=True)
    (state / "overrides.json").write_text(json.dumps(OVERRIDES, indent=2), encoding="utf-8")
    options = [
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port}",
        f"--LabApp.default_url=/lab/tree/{page}",
        f"--LabApp.app_settings_dir={state}",
        # Tabs of another project would open over the start page.
        f"--LabApp.workspaces_dir={state / 'workspaces'}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        "--ServerApp.contents_manager_class=smolcourse.programs.lab_files.Notebooks",
        "--LabApp.extension_manager=readonly",  # the other one asks a package index
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # In a container everybody is root, and Jupyter would refuse to start. It listens on
        # the loopback interface only and asks for its token.
        options.append("--allow-root")
    if not browser:
        options.append("--no-browser")
    return options


def prepare(root: Path, state: Path) -> list[str]:
    """Give Jupyter folders that it can write and spare it proxies; returns sentences for the reader."""
    notes = []
    if moved := places.move_jupyter(state):
        notes.append(
            tr(
                "{moved} can't be written, so Jupyter keeps its files in {state}.",
                moved=moved[0],
                state=state,
            )
        )
    if not places.writable(root):
        notes.append(
            tr(
                "The course's folder {root} can't be written, so your answers can't be saved there: copy it to a folder of your own and start `smolcourse lab` in the copy.",
                root=root,
            )
        )
    proxies.spare_loopback()
    return notes


def start(browser: bool = True, port: int = 8888, lang: str = "en") -> int:
    """Run JupyterLab until it is stopped; returns its exit code."""
    if lang not in START_PAGES:
        raise CourseError(
            "There is no language '{lang}'; use one of: {START_PAGES}.",
            lang=lang,
            START_PAGES=", ".join(START_PAGES),
        )
    root = places.course_folder()
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError("JupyterLab is not installed; run `uv sync` in the course's folder.")
    if lang != "en":
        os.environ["SMOLCOURSE_LANG"] = lang
    state = places.state_folder(root)
    options = arguments(root, browser=browser, port=port, lang=lang, state=state)
    for note in prepare(root, state):
        print(note, file=sys.stderr)
    with proxies.set_aside():  # kernels and terminals get them back
        from jupyterlab.labapp import LabApp

    try:
        LabApp.launch_instance(options)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0
