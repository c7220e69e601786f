"""Folders that can be written, where the usual ones can't (a classroom's home, a read-only clone)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def writable(folder: str | Path) -> bool:
    """Whether a file can be made in `folder`, tried for real; the folder is made if it can be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except (OSError, RuntimeError):
        return False


def state_folder(root: Path) -> Path:
    """`.smolcourse/jupyter` of the course's folder, or a fresh temporary folder."""
    own = root / ".smolcourse" / "jupyter"
    return own if writable(own) else Path(tempfile.mkdtemp(prefix="smolcourse-"))


def jupyter_folders() -> dict[str, Path]:
    """{variable: folder} of what Jupyter and IPython write, by Jupyter's own rules."""
    from jupyter_core import paths

    ipython = os.environ.get("IPYTHONDIR") or Path(os.path.expanduser("~")) / ".ipython"
    return {
        "JUPYTER_CONFIG_DIR": Path(paths.jupyter_config_dir()),
        "JUPYTER_DATA_DIR": Path(paths.jupyter_data_dir()),
        "JUPYTER_RUNTIME_DIR": Path(paths.jupyter_runtime_dir()),
        "IPYTHONDIR": Path(ipython),
    }


def move_jupyter(state: Path) -> list[str]:
    """Point the variables of the folders that can't be written into `state`; returns the folders."""
    moved = []
    for name, folder in jupyter_folders().items():
        if not writable(folder):
            new = state / name.lower()
            new.mkdir(parents=True, exist_ok=True)
            os.environ[name] = str(new)
            moved.append(str(folder))
    return moved
