"""Which notebook is running, and which of its cells."""

from __future__ import annotations

import os
import sys
from urllib.parse import unquote


def notebook_kind() -> str | None:
    """`"exercise"` or `"solution"` by the running notebook's name; None if that is not known."""
    stem = (notebook_path() or "").removesuffix(".ipynb")
    for kind in ("exercise", "solution"):
        if stem.endswith(f"_{kind}"):
            return kind
    return None


def notebook_path() -> str | None:
    """The running notebook's path as its program gives it, or None outside a notebook.

    `SMOLCOURSE_NOTEBOOK` is set by `smolcourse build --execute` and by the tests,
    `JPY_SESSION_NAME` by JupyterLab (and Colab, percent-encoded), and `__vsc_ipynb_file__` by VS
    Code in the notebook's own variables.
    """
    shell = _shell()
    for place in (
        os.environ.get("SMOLCOURSE_NOTEBOOK"),
        os.environ.get("JPY_SESSION_NAME"),
        shell.user_ns.get("__vsc_ipynb_file__") if shell else None,
    ):
        path = unquote(str(place or ""))
        if path.endswith(".ipynb"):
            return path
    return None


def _shell():
    """The running IPython shell; None outside IPython (which is then not imported for this)."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def running_cell() -> str:
    """Id of the running cell: JupyterLab sends it with each request; else empty."""
    try:
        shell = _shell()
        return str(shell.get_parent()["metadata"]["cellId"]) if shell else ""
    except (AttributeError, KeyError, TypeError):
        return ""
