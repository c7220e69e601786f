"""`smolcourse doctor`: is this machine ready for the course?

Each check gives one `Finding`: fine, or one sentence that says what to do. Only what stops
the course from running is blocking. Nothing here imports torch before its own check does, so
that a broken installation is reported and not fallen over.
"""

from __future__ import annotations

import importlib.metadata as metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from smolcourse import models, places, proxies
from smolcourse.places import repository
from smolcourse.translate import tr

DISK_GB, MEMORY_GB, RUNS_GB = 2.0, 4.0, 1.0


@dataclass(frozen=True)
class Finding:
    """One line of the report. `advice` is empty if all is well; `blocking` stops the course."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
    blocking: bool = False


def examine() -> list[Finding]:
    """All findings, in the order shown; never raises."""
    steps = (
        ("Python", python),
        ("git", git),
        ("uv", uv),
        ("packages", packages),
        ("disk", disk),
        ("memory", memory),
        ("accelerator", accelerator),
        ("checkpoints", checkpoints),
        ("Jupyter kernel", kernel),
        ("folders", folders),
        ("runs", runs),
        ("uv.lock", lock),
        ("proxy", proxy),
        ("console", console),
        ("time limit", time_limit),
    )
    findings = []
    for name, step in steps:
        try:
            findings.append(step())
        except Exception as error:  # a doctor must not fall ill
            reason = tr(
                "could not be checked ({error}: {error_})", error=type(error).__name__, error_=error
            )
            findings.append(Finding(name, False, reason, tr("Report this as a bug.")))
    return findings


def python() -> Finding:
    """The interpreter's version: 3.11 to 3.13."""
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    if not ok:
        advice = tr("Use Python 3.11, 3.12 or 3.13: `uv python install 3.11`, `uv sync`.")
        return Finding("Python", False, version, advice, blocking=True)
    if compiles_each_time():
        advice = tr(
            "Unset PYTHONDONTWRITEBYTECODE: with it every notebook compiles its libraries anew, which takes about ten seconds."
        )
        return Finding(
            "Python", False, tr("{version}, told to keep no bytecode", version=version), advice
        )
    return Finding("Python", True, version)


def compiles_each_time() -> bool:
    """Whether Python may not keep bytecode and the large libraries' own is not there either."""
    spec = importlib.util.find_spec("transformers") if sys.dont_write_bytecode else None
    if spec is None or spec.origin is None:
        return False
    return not Path(importlib.util.cache_from_source(spec.origin)).is_file()


def git() -> Finding:
    """Whether git is there; updating the course needs it."""
    return _program("git", tr("Install git to update the course and to hand in work."))


def uv() -> Finding:
    """Whether uv is there; pip works too."""
    advice = tr("Install it with `pip install uv`, or use pip and requirements.txt.")
    return _program("uv", advice)


def _program(name: str, advice: str) -> Finding:
    if shutil.which(name) is None:
        return Finding(name, False, tr("not found"), advice)
    done = subprocess.run([name, "--version"], capture_output=True, text=True, timeout=20)
    words = done.stdout.split()
    if done.returncode or not words:
        return Finding(name, False, tr("does not start"), advice)
    version = next((word for word in words if word[0].isdigit()), words[-1])
    return Finding(name, True, version)


def packages() -> Finding:
    """The installed versions against `uv.lock`, or against the wheel's own requirements.

    In a clone, a package other than locked is a warning (a learner may have upgraded on
    purpose); a missing one is blocking.
    """
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in metadata.requires("smolcourse") or []]
    except metadata.PackageNotFoundError:
        advice = tr("Run `uv sync` in the course's folder.")
        return Finding("packages", False, tr("smolcourse is not installed"), advice, blocking=True)
    wanted = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    missing, unfit = [], []
    for requirement in wanted:
        found = installed_version(requirement.name)
        if found is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(found, prereleases=True):
            unfit.append(
                tr(
                    "{name} {found} (needs {wanted})",
                    name=requirement.name,
                    found=found,
                    wanted=requirement.specifier,
                )
            )
    if missing or unfit:
        detail = "; ".join(
            filter(None, [_few(tr("missing: "), missing), _few(tr("unfit: "), unfit)])
        )
        advice = tr("Run `uv sync` (or `pip install -r requirements.txt`) in the course's folder.")
        return Finding("packages", False, detail, advice, blocking=True)
    locked = locked_versions()
    if not locked:
        return Finding(
            "packages",
            True,
            tr("{wanted} requirements met (no lock file here)", wanted=len(wanted)),
        )
    compared = {name: installed_version(name) for name in locked}
    compared = {name: version for name, version in compared.items() if version is not None}
    changed = [
        f"{name} {version}" for name, version in compared.items() if version not in locked[name]
    ]
    if changed:
        advice = tr("Run `uv sync` if something misbehaves.")
        return Finding("packages", False, _few(tr("other than locked: "), changed), advice)
    return Finding("packages", True, tr("{compared} as locked", compared=len(compared)))


def locked_versions() -> dict[str, set[str]]:
    """{package: versions} of the repository's `uv.lock`; empty without one."""
    root = repository() or repository(Path(__file__).parent)
    lock = root / "uv.lock" if root else None
    if lock is None or not lock.is_file():
        return {}
    try:
        entries = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
    locked: dict[str, set[str]] = {}
    for entry in entries:
        if entry.get("name") != "smolcourse" and "version" in entry:
            locked.setdefault(entry["name"], set()).add(entry["version"])
    return locked


def installed_version(name: str) -> str | None:
    """A package's version without the part after `+`; None if it is not installed."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
    # "2.15.0+cpu" is the locked "2.15.0", built for one kind of machine.
    return version.split("+")[0]


def _few(prefix: str, names: list[str], show: int = 4) -> str:
    if not names:
        return ""
    more = tr(" and {count} more", count=len(names) - show) if len(names) > show else ""
    return prefix + ", ".join(names[:show]) + more


def disk() -> Finding:
    """Free space where runs are written."""
    free = shutil.disk_usage(repository() or Path.cwd()).free / 1e9
    ok = free >= DISK_GB
    advice = (
        ""
        if ok
        else tr("Free some space: runs and caches need about {DISK_GB:.0f} GB.", DISK_GB=DISK_GB)
    )
    return Finding("disk", ok, tr("{free:.0f} GB free", free=free), advice, blocking=free < 0.2)


def memory() -> Finding:
    """Memory of the machine and what is available now."""
    import psutil

    state = psutil.virtual_memory()
    free, total = state.available / 1e9, state.total / 1e9
    ok = free >= MEMORY_GB / 2
    advice = (
        ""
        if ok
        else tr(
            "Close other programs: a notebook needs up to {MEMORY_GB:.0f} GB.",
            MEMORY_GB=MEMORY_GB / 2,
        )
    )
    return Finding(
        "memory",
        ok,
        tr("{free:.1f} of {total:.1f} GB available", free=free, total=total),
        advice,
    )


def accelerator() -> Finding:
    """The device that `setup` will pick; the CPU is fine."""
    try:
        from smolcourse.machine import device_name, pick_device, unusable_gpu

        device, bf16 = pick_device()
        detail = device_name(device) + (", bf16" if bf16 else "")
        if device != "cpu":
            return Finding("accelerator", True, detail)
        detail += tr("; enough for the tiny profile")
        advice = unusable_gpu() or unused_nvidia() or unused_other()
        return Finding("accelerator", not advice, detail, advice)
    except (ImportError, OSError) as error:
        advice = tr("Run `uv sync --reinstall-package torch` in the course's folder.")
        detail = tr("torch does not load ({splitlines})", splitlines=str(error).splitlines()[0])
        return Finding("accelerator", False, detail, advice, blocking=True)


# Accelerators that this course does not use: (name, program of the driver, device files).
OTHERS = (
    ("Ascend NPU", "npu-smi", "davinci[0-9]*"),
    ("Cambricon MLU", "cnmon", "cambricon_dev*"),
    ("Moore Threads GPU", "mthreads-gmi", "mtgpu*"),
    ("AMD GPU", "rocm-smi", "kfd"),
)


def unused_nvidia() -> str:
    """What to do if there is an NVIDIA card and torch can't reach it; else empty."""
    import torch

    if os.environ.get("SMOLCOURSE_DEVICE") or not (card := nvidia_card()):
        return ""
    if torch.version.cuda is None:
        return tr(
            "{card} is not used, because the installed PyTorch is a build without CUDA: run `uv pip install --torch-backend auto --reinstall torch torchvision`, and from then on `uv run --no-sync smolcourse lab`.",
            card=card,
        )
    return tr(
        "{card} is not used, because its driver does not work with CUDA {cuda}: update the NVIDIA driver.",
        card=card,
        cuda=torch.version.cuda,
    )


def nvidia_card() -> str:
    """The first NVIDIA card's name, by its driver's own program; empty without one."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0].strip() if lines and done.returncode == 0 else ""


def unused_other() -> str:
    """A sentence if another maker's accelerator is here; else empty."""
    for name, program, files in OTHERS:
        if shutil.which(program) or any(Path("/dev").glob(files)):
            return tr(
                "This machine seems to have an accelerator ({name}) that the course does not use; everything runs on the CPU.",
                name=name,
            )
    return ""


def lock() -> Finding:
    """Whether the first sync has completed `uv.lock`, which stops a plain `git pull`."""
    root = repository()
    if root is None or shutil.which("git") is None or not (root / "uv.lock").is_file():
        return Finding("uv.lock", True, tr("no clone here"))
    command = ["git", "status", "--porcelain", "--", "uv.lock"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=20)
    if done.returncode == 0 and done.stdout.strip():
        detail = tr(
            "completed by uv for this machine, as it should be; `smolcourse update` gets a newer course in spite of it"
        )
        return Finding("uv.lock", True, detail)
    return Finding("uv.lock", True, tr("as in the course"))


def folders() -> Finding:
    """Whether what `lab` and the notebooks write can be written: the course, Jupyter's folders."""
    root = repository() or Path.cwd()
    if not places.writable(root):
        advice = tr("Copy the course to a folder of your own, or your answers can't be saved.")
        return Finding("folders", False, tr("{root} can't be written", root=root), advice)
    try:
        wanted = [str(f) for f in places.jupyter_folders().values() if not places.writable(f)]
    except ImportError:  # the kernel's line says it
        wanted = []
    if wanted:
        advice = tr(
            "`smolcourse lab` keeps Jupyter's files in .smolcourse/ instead; start it that way."
        )
        return Finding("folders", False, tr("{wanted} can't be written", wanted=wanted[0]), advice)
    return Finding("folders", True, tr("can be written"))


def runs() -> Finding:
    """How much the notebooks' run folders hold."""
    folder = (repository() or Path.cwd()) / "runs"
    size = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9
    detail = tr("{size:.1f} GB in {folder}", size=size, folder="runs/")
    if size <= RUNS_GB:
        return Finding("runs", True, detail)
    advice = tr(
        "Delete old folders in runs/: notebooks write them anew (keep models you still want)."
    )
    return Finding("runs", False, detail, advice)


def proxy() -> Finding:
    """Proxy variables that the Hub's client can't use; `lab` sets them aside."""
    names = proxies.unusable()
    if not names:
        return Finding("proxy", True, tr("none that is in the way"))
    detail = tr(
        "{names}: a kind of proxy that Python's Hub client can't use", names=", ".join(names)
    )
    advice = tr(
        "The tiny profile and `smolcourse lab` need none; for the smol profile set HTTPS_PROXY to the proxy program's http:// address and unset {names}.",
        names=names[0],
    )
    return Finding("proxy", False, detail, advice)


def console() -> Finding:
    """Whether the console's encoding has the signs and the Chinese that the course prints."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "✓✗→中文".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        advice = tr(
            "Set PYTHONUTF8=1 (on Windows also run `chcp 65001`) to see all signs and Chinese."
        )
        detail = tr("{encoding} has not all signs; words stand for them", encoding=encoding)
        return Finding("console", False, detail, advice)
    return Finding("console", True, encoding)


def time_limit() -> Finding:
    """Whether `check` can stop an answer that never ends: it takes a signal, which Windows lacks."""
    if hasattr(signal, "setitimer"):
        return Finding("time limit", True, tr("check stops an endless answer"))
    advice = tr("If a check never ends, interrupt the kernel and look for a loop without end.")
    return Finding("time limit", False, tr("this system has no timer signals"), advice)


def checkpoints() -> Finding:
    """Every packaged checkpoint against its manifest, byte by byte (sha256)."""
    names = models.names()
    needed = {"smollm2-tiny", "smollm2-tiny-instruct"}
    found = [
        f"{name}: {models.problems(models.path(name))[0]}"
        for name in names
        if models.problems(models.path(name))
    ]
    found += [tr("{name}: missing", name=name) for name in sorted(needed - set(names))]
    if found:
        advice = tr("Run `git checkout -- smolcourse/checkpoints`, or reinstall the course.")
        return Finding("checkpoints", False, "; ".join(found), advice, blocking=True)
    return Finding("checkpoints", True, ", ".join(names))


def kernel() -> Finding:
    """Whether Jupyter's `python3` kernel runs this Python."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        advice = tr("Run `uv sync` to get JupyterLab, or `pip install jupyterlab`.")
        return Finding("Jupyter kernel", False, tr("Jupyter is not installed"), advice)
    if metadata.packages_distributions().get("ipykernel") is None:
        advice = tr("Run `uv sync`, or `pip install ipykernel`.")
        return Finding("Jupyter kernel", False, tr("ipykernel is not installed"), advice)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        advice = tr("Run `python -m ipykernel install --sys-prefix`.")
        return Finding("Jupyter kernel", False, tr("there is no python3 kernel"), advice)
    program = shutil.which(spec.argv[0]) or spec.argv[0]
    # The path as written, not resolved: an environment's python links to a shared one.
    same = Path(program).parent == Path(sys.executable).parent
    if not same and not spec.argv[0].startswith("python"):
        advice = tr("Run `python -m ipykernel install --sys-prefix` in the course's environment.")
        return Finding(
            "Jupyter kernel", False, tr("python3 runs {program}", program=program), advice
        )
    return Finding("Jupyter kernel", True, tr("python3 runs this environment"))


def as_json(findings: list[Finding]) -> str:
    """The findings as a JSON object with `ok` (nothing blocking) and `findings`."""
    ok = not any(finding.blocking for finding in findings)
    return json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2)
