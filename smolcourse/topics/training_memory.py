"""How much memory a training step needs: exact bytes of a model, and the measured peak of a step.

Introduced in lesson 3_parameter_efficient_finetuning/resource_strategies.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from smolcourse.errors import CourseError

MB = 1e6
_TIME = re.compile(r'"ts": ([\d.]+)')
_BYTES = re.compile(r'"Bytes": (-?\d+)')


@dataclass(frozen=True)
class Step:
    """What one call cost: `peak` bytes above what was there before it, and its `seconds`."""

    peak: int
    seconds: float


def held(model, optimizer=None) -> dict[str, int]:
    """Bytes that a model and its optimiser hold between steps, counted tensor by tensor.

    Returns {"weights", "gradients", "optimizer"}. Weights include buffers (4-bit codes are
    buffers) and count shared tensors once; the optimiser's step counters are not counted, they
    are a few bytes.
    """
    tensors = {t.data_ptr(): t for t in [*model.parameters(), *model.buffers()]}
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    states = [] if optimizer is None else list(optimizer.state.values())
    state = [v for s in states for v in s.values() if hasattr(v, "nbytes") and v.ndim > 0]
    return {
        "weights": sum(t.nbytes for t in tensors.values()),
        "gradients": sum(t.nbytes for t in gradients),
        "optimizer": sum(t.nbytes for t in state),
    }


def measure(step: Callable[[], object], repeat: int = 2) -> Step:
    """Peak memory of `step()` above the start, and the seconds of its fastest of `repeat` calls.

    Call it after a warm-up step: the optimiser makes its state in the first. On a CUDA GPU the
    peak is the allocator's own; on the CPU each allocation and release of torch's allocator is
    read from a profile of one extra call and added up. Raises `CourseError` if nothing was
    allocated, or on a device (MPS) whose allocator keeps no such record.
    """
    import torch

    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        peak = torch.cuda.max_memory_allocated() - before
    else:
        peak = _peak_on_cpu(step)
    if peak <= 0:
        raise CourseError(
            "No memory was allocated while the step was measured; run it on a CPU or a CUDA GPU."
        )
    return Step(int(peak), min(seconds))


def _peak_on_cpu(step: Callable[[], object]) -> int:
    from torch.profiler import ProfilerActivity, profile

    gc.collect()  # nothing older may be released while the profile runs
    with (
        _silent_stderr(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded,
    ):
        step()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        recorded.export_chrome_trace(str(file))
        changes = sorted(_memory_events(file))
    now = peak = 0
    for _, size in changes:
        now += size
        peak = max(peak, now)
    return peak


def _memory_events(trace: Path) -> Iterator[tuple[float, int]]:
    """(microseconds, bytes) of each allocation and, negative, each release in a Chrome trace.

    The file is read line by line: as one JSON value it would take more memory than the step.
    """
    inside, moment = False, 0.0
    with trace.open(encoding="utf-8") as lines:
        for line in lines:
            if '"name":' in line:  # one of the first lines of an event
                inside = "[memory]" in line
            if not inside:
                continue
            if found := _TIME.search(line):
                moment = float(found[1])
            if found := _BYTES.search(line):
                yield moment, int(found[1])


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what C++ code writes to file descriptor 2: the profiler greets with lines of its own."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
