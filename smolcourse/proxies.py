"""Proxy variables that the Hub's client and Jupyter can't use: `socks5://` of Clash, `socks://` of GNOME.

httpx, which both import, raises for such a variable even where no proxy is needed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator

from smolcourse.errors import CourseError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def unusable() -> list[str]:
    """The names of set variables (ALL_PROXY and its like) whose proxy httpx refuses."""
    schemes = ["http", "https"]
    if importlib.util.find_spec("socksio"):
        schemes += ["socks5", "socks5h"]
    found = []
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
        for spelling in (name, name.lower()):
            scheme, sign, _ = os.environ.get(spelling, "").strip().partition("://")
            if sign and scheme.lower() not in schemes:
                found.append(spelling)
    return list(dict.fromkeys(found))


def spare_loopback() -> None:
    """Let no proxy stand between this machine and itself (JupyterLab, local servers)."""
    for name in ("NO_PROXY", "no_proxy"):
        given = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
        os.environ[name] = ",".join(dict.fromkeys([*given, *LOOPBACK]))


@contextlib.contextmanager
def set_aside() -> Iterator[None]:
    """Without the variables that can't be used; they are back afterwards, for what is started then."""
    kept = {name: os.environ.pop(name) for name in unusable()}
    try:
        yield
    finally:
        os.environ.update(kept)


def prepare_hub() -> None:
    """Before the Hub is asked: drop an unusable ALL_PROXY where HTTPS_PROXY says the way.

    Raises `CourseError` if the only proxy given can't be used.
    """
    bad = unusable()
    if not bad:
        return
    https = [os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy") if name not in bad]
    if not any(https):
        raise CourseError(
            "{name}={value} is a proxy that the Hub's client can't use: set HTTPS_PROXY to the "
            "program's http:// address (Clash has one on the same port) and unset {name}, "
            "or run `uv pip install socksio` for a socks5:// proxy.",
            name=bad[0],
            value=os.environ[bad[0]].split("@")[-1],
        )
    for name in bad:
        del os.environ[name]
