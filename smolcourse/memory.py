"""How much memory a training step needs: exact bytes of a model, and the measured peak of a step.

Introduced in lesson 3_parameter_efficient_finetuning/resource_strategies.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smolcourse.errors import CourseError

MB = 1e6


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

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.json"
        recorded.export_chrome_trace(str(file))
        events = json.loads(file.read_text(encoding="utf-8"))["traceEvents"]
    changes = [
        (event["ts"], event["args"]["Bytes"]) for event in events if event.get("name") == "[memory]"
    ]
    now = peak = 0
    for _, size in sorted(changes, key=lambda change: change[0]):
        now += size
        peak = max(peak, now)
    return peak
