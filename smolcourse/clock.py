"""Where the seconds of a notebook go, for `course.report`."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager


class Clock:
    """Seconds by section. Time in an inner section counts there and not in the outer one."""

    def __init__(self):
        self._running_since: float | None = time.perf_counter()
        self._before = 0.0
        self.seconds: dict[str, float] = {}
        self._open: list[list] = []  # [name, started, seconds spent in inner sections]

    @contextmanager
    def timed(self, name: str):
        """Add the seconds spent in this `with` block to section `name`."""
        entry: list = [name, time.perf_counter(), 0.0]
        self._open.append(entry)
        try:
            yield
        finally:
            self._open.remove(entry)
            spent = time.perf_counter() - entry[1]
            self.add(name, spent - entry[2])
            if self._open:
                self._open[-1][2] += spent

    def add(self, name: str, seconds: float) -> None:
        """Add seconds measured elsewhere."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def pause(self, *_) -> None:
        """Stop counting: no cell is running while a learner reads."""
        if self._running_since is not None:
            self._before += time.perf_counter() - self._running_since
            self._running_since = None

    def resume(self, *_) -> None:
        """Count again: a cell starts."""
        if self._running_since is None:
            self._running_since = time.perf_counter()

    def total(self) -> float:
        """Seconds this clock has been running, without its pauses."""
        running = self._running_since
        return self._before + (0.0 if running is None else time.perf_counter() - running)


_current = Clock()
_hooked = False


def current() -> Clock:
    """The clock of this notebook (of this process)."""
    return _current


def restart() -> Clock:
    """A fresh clock; in a notebook it runs only while cells do."""
    global _current, _hooked
    _current = Clock()
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and not _hooked:
        shell.events.register("pre_run_cell", lambda *_: _current.resume())
        shell.events.register("post_run_cell", lambda *_: _current.pause())
        _hooked = True
    return _current
