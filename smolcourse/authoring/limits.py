"""What this machine can do at most: its matrix product, and the time of a set-up cell.

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


# What a learner waits for in each notebook: the imports of a set-up cell, torch's included.
FIRST_CELL = """
import time
start = time.perf_counter()
from smolcourse import check, setup, show
setup("1_instruction_tuning/chat_templates", profile="tiny")
print(time.perf_counter() - start)
"""


def setup_seconds(repeats: int = 5) -> float:
    """The median seconds of a notebook's set-up cell in fresh processes."""
    return statistics.median(
        float(
            subprocess.run(
                [sys.executable, "-c", FIRST_CELL], capture_output=True, check=True, text=True
            ).stdout.splitlines()[-1]
        )
        for _ in range(repeats)
    )
