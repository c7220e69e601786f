"""Where things lie: the course's folder, a run's, the learner's own; and where only others can be written.

(A classroom's home folder may be read-only, and so may a shared clone.)
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from datetime import datetime
from pathlib import Path

from smolcourse.errors import CourseError


def repository(start: str | Path | None = None) -> Path | None:
    """The top of the course's repository at or above `start` (default: the working folder).

    It is the nearest folder whose `pyproject.toml` is of the project `smolcourse`; None outside one.
    """
    try:
        here = Path(start or Path.cwd()).resolve()
    except OSError:  # the folder was deleted under the kernel
        return None
    return next((folder for folder in (here, *here.parents) if _is_course(folder)), None)


def _is_course(folder: Path) -> bool:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        return project["project"]["name"] == "smolcourse"
    except (OSError, ValueError, KeyError, TypeError):  # no such file, or another project's
        return False


def course_folder() -> Path:
    """The repository around the working folder. Raises `CourseError` where there is none."""
    if root := repository():
        return root
    raise CourseError(
        "This is not the course's repository: clone the course with git and run this in its folder."
    )


def home() -> Path:
    """The learner's own folder, `~/.smolcourse` or what `SMOLCOURSE_HOME` names; may be missing.

    Raises RuntimeError where the system knows no home folder.
    """
    return Path(os.environ.get("SMOLCOURSE_HOME") or Path.home() / ".smolcourse")


def run_folder(notebook: str) -> Path:
    """A fresh folder `runs/<notebook>/<time>-...`, also where two start within one second.

    It lies at the top of the course's folder (or in the working folder outside it); `runs` ignores
    itself in git. Raises `CourseError` if it can't be made.
    """
    top = (repository() or Path.cwd()) / "runs"
    try:
        (top / notebook).mkdir(parents=True, exist_ok=True)
        ignore = top / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S-")
        return Path(tempfile.mkdtemp(prefix=stamp, dir=top / notebook))
    except OSError as error:
        raise CourseError(
            "The run folder {notebook} can't be made ({error}); free some disk space or open the notebook in a folder you may write to.",
            notebook=top / notebook,
            error=error.strerror or error,
        ) from error


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
