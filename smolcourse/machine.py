"""The machine: which device is used (chosen here and nowhere else), memory, and its name for a record."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from smolcourse.errors import CourseError, one_of


def pick_device(prefer: str | None = None) -> tuple[str, bool]:
    """(device, whether it computes in bf16): CUDA, then MPS, else CPU.

    `prefer` or `SMOLCOURSE_DEVICE` overrides the choice (`cpu` for bit-equal results).
    bf16 only on CUDA GPUs that have it in hardware: elsewhere it is emulated and slower.
    """
    import torch

    wanted = prefer or os.environ.get("SMOLCOURSE_DEVICE")
    available = {
        "cuda": torch.cuda.is_available() and not unusable_gpu(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted:
        if wanted not in available:
            raise one_of("device", wanted, available)
        if not available[wanted]:
            reason = unusable_gpu() if wanted == "cuda" else ""
            text = reason or "This machine has no usable '{wanted}' device; use cpu."
            raise CourseError(text, **({} if reason else {"wanted": wanted}))
        device = wanted
    else:
        device = next(name for name, there in available.items() if there)
    bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return device, bf16


def has_kernels(capability: tuple[int, int], built_for: list[str]) -> bool:
    """Whether a build of torch (`torch.cuda.get_arch_list()`) runs on a card of this capability.

    Compiled code (`sm_86`) runs on its major version from its minor one on; PTX (`compute_86`) is
    compiled anew for any later card; code with an `a` runs on that card alone, with an `f` on its
    major version. A build for another maker's cards (`gfx90a`) is not judged.
    """
    found = [re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", name) for name in built_for]
    found = [match for match in found if match]
    for kind, major, minor, suffix in (match.groups() for match in found):
        built = (int(major), int(minor))
        forward = kind == "compute" and not suffix
        same = built == capability if suffix == "a" else built[0] == capability[0]
        if built <= capability and (forward or same):
            return True
    return not found


def unusable_gpu() -> str:
    """One sentence if there is an NVIDIA card that this torch has no kernels for; else empty."""
    import torch

    if not torch.cuda.is_available():
        return ""
    capability = tuple(torch.cuda.get_device_capability())
    if has_kernels(capability, torch.cuda.get_arch_list()):
        return ""
    return (
        f"{torch.cuda.get_device_name()} (compute capability {capability[0]}.{capability[1]}) is not used, because the installed PyTorch has "
        "no code for it: `uv pip install --torch-backend auto --reinstall torch torchvision` may "
        "find a build that has."
    )


def device_name(device: str) -> str:
    """The device in words: `cpu (2 threads)` or `cuda (name of the GPU)`."""
    import torch

    if device == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    return f"cpu ({torch.get_num_threads()} threads)" if device == "cpu" else device


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


def commit() -> str:
    """The short hash of the repository's commit, or "unknown" outside a checkout."""
    result = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return result.stdout.strip() or "unknown"


def hardware(device: str) -> str:
    """One line about the machine, for instance "2 CPU cores (x86_64), torch 2.15.0"."""
    import torch

    where = f"{os.cpu_count()} CPU cores ({platform.machine()})"
    if device == "cuda":
        where = torch.cuda.get_device_name(0)
    return f"{where}, torch {torch.__version__}"
