"""What this machine can do at most: its matrix product, and the time of an import.

`smolcourse.authoring.benchmark` sets the training loops beside them. Introduced in lesson
1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

MATRIX = 2048


def gemm_flops(size: int = MATRIX, repeats: int = 8, device: str = "cpu") -> float:
    """The machine's best fp32 matrix product, in operations per second."""
    import torch

    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    out = torch.empty(size, size, device=device)
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        torch.mm(a, b, out=out)
        float(out[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def import_seconds(repeats: int = 5) -> float:
    """The median of `import smolcourse` in fresh processes."""
    code = "import time; t = time.perf_counter(); import smolcourse; print(time.perf_counter() - t)"
    return statistics.median(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(repeats)
    )
