"""Where the seconds and the memory of a notebook go, for `course.report`."""

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
        entry = [name, time.perf_counter(), 0.0]
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


def peak_memory_mb() -> float:
    """The largest resident memory this process has had so far, in MB (10^6 bytes).

    On Linux this reads VmHWM, because `getrusage` also counts what the parent process held
    when it forked, which would blame a notebook for its test runner's memory.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
            for line in stream:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
    except ImportError:  # Windows
        import psutil

        info = psutil.Process().memory_info()
        return getattr(info, "peak_wset", info.rss) / 1e6


def peak_gpu_memory_mb() -> float | None:
    """The largest memory torch has had on the GPU, in MB; None without a CUDA GPU in use."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return torch.cuda.max_memory_allocated() / 1e6
