"""`smolcourse doctor`: is this machine ready for the course?

Each check gives one `Finding`: fine, or one sentence that says what to do. Only what stops
the course from running is blocking. Nothing here imports torch before its own check does, so
that a broken installation is reported and not fallen over.
"""

from __future__ import annotations

import importlib.metadata as metadata
import importlib.util
import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from smolcourse import models
from smolcourse.course import repository

DISK_GB, MEMORY_GB = 2.0, 4.0


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
    )
    findings = []
    for name, step in steps:
        try:
            findings.append(step())
        except Exception as error:  # a doctor must not fall ill
            reason = f"could not be checked ({type(error).__name__}: {error})"
            findings.append(Finding(name, False, reason, "Report this as a bug."))
    return findings


def python() -> Finding:
    """The interpreter's version: 3.11 to 3.13."""
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    if not ok:
        advice = "Use Python 3.11, 3.12 or 3.13: `uv python install 3.11`, `uv sync`."
        return Finding("Python", False, version, advice, blocking=True)
    if compiles_each_time():
        advice = (
            "Unset PYTHONDONTWRITEBYTECODE: with it every notebook compiles its libraries anew, "
            "which takes about ten seconds."
        )
        return Finding("Python", False, f"{version}, told to keep no bytecode", advice)
    return Finding("Python", True, version)


def compiles_each_time() -> bool:
    """Whether Python may not keep bytecode and the large libraries' own is not there either."""
    spec = importlib.util.find_spec("transformers") if sys.dont_write_bytecode else None
    if spec is None or spec.origin is None:
        return False
    return not Path(importlib.util.cache_from_source(spec.origin)).is_file()


def git() -> Finding:
    """Whether git is there; updating the course needs it."""
    return _program("git", "Install git to update the course and to hand in work.")


def uv() -> Finding:
    """Whether uv is there; pip works too."""
    return _program("uv", "Install it with `pip install uv`, or use pip and requirements.txt.")


def _program(name: str, advice: str) -> Finding:
    if shutil.which(name) is None:
        return Finding(name, False, "not found", advice)
    done = subprocess.run([name, "--version"], capture_output=True, text=True, timeout=20)
    words = done.stdout.split()
    if done.returncode or not words:
        return Finding(name, False, "does not start", advice)
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
        advice = "Run `uv sync` in the course's folder."
        return Finding("packages", False, "smolcourse is not installed", advice, blocking=True)
    wanted = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    missing, unfit = [], []
    for requirement in wanted:
        found = _installed(requirement.name)
        if found is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(found, prereleases=True):
            unfit.append(f"{requirement.name} {found} (needs {requirement.specifier})")
    if missing or unfit:
        detail = "; ".join(filter(None, [_few("missing: ", missing), _few("unfit: ", unfit)]))
        advice = "Run `uv sync` (or `pip install -r requirements.txt`) in the course's folder."
        return Finding("packages", False, detail, advice, blocking=True)
    locked = locked_versions()
    if not locked:
        return Finding("packages", True, f"{len(wanted)} requirements met (no lock file here)")
    compared = {name: _installed(name) for name in locked}
    compared = {name: version for name, version in compared.items() if version is not None}
    changed = [
        f"{name} {version}" for name, version in compared.items() if version not in locked[name]
    ]
    if changed:
        advice = "Run `uv sync` if something misbehaves."
        return Finding("packages", False, _few("other than locked: ", changed), advice)
    return Finding("packages", True, f"{len(compared)} as locked")


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


def _installed(name: str) -> str | None:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
    # "2.15.0+cpu" is the locked "2.15.0", built for one kind of machine.
    return version.split("+")[0]


def _few(prefix: str, names: list[str], show: int = 4) -> str:
    if not names:
        return ""
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return prefix + ", ".join(names[:show]) + more


def disk() -> Finding:
    """Free space where runs are written."""
    free = shutil.disk_usage(repository() or Path.cwd()).free / 1e9
    ok = free >= DISK_GB
    advice = "" if ok else f"Free some space: runs and caches need about {DISK_GB:.0f} GB."
    return Finding("disk", ok, f"{free:.0f} GB free", advice, blocking=free < 0.2)


def memory() -> Finding:
    """Memory of the machine and what is available now."""
    import psutil

    state = psutil.virtual_memory()
    free, total = state.available / 1e9, state.total / 1e9
    ok = free >= MEMORY_GB / 2
    advice = "" if ok else f"Close other programs: a notebook needs up to {MEMORY_GB / 2:.0f} GB."
    return Finding("memory", ok, f"{free:.1f} of {total:.1f} GB available", advice)


def accelerator() -> Finding:
    """The device that `setup` will pick; the CPU is fine."""
    try:
        from smolcourse.course import device_name, pick_device

        device, bf16 = pick_device()
        detail = device_name(device) + (", bf16" if bf16 else "")
        if device == "cpu":
            detail += "; enough for the tiny profile"
        return Finding("accelerator", True, detail)
    except (ImportError, OSError) as error:
        advice = "Run `uv sync --reinstall-package torch` in the course's folder."
        detail = f"torch does not load ({str(error).splitlines()[0]})"
        return Finding("accelerator", False, detail, advice, blocking=True)


def checkpoints() -> Finding:
    """Every packaged checkpoint against its manifest, byte by byte (sha256)."""
    names = models.names()
    needed = {"smollm2-tiny", "smollm2-tiny-instruct"}
    found = [
        f"{name}: {models.problems(models.path(name))[0]}"
        for name in names
        if models.problems(models.path(name))
    ]
    found += [f"{name}: missing" for name in sorted(needed - set(names))]
    if found:
        advice = "Run `git checkout -- smolcourse/checkpoints`, or reinstall the course."
        return Finding("checkpoints", False, "; ".join(found), advice, blocking=True)
    return Finding("checkpoints", True, ", ".join(names))


def kernel() -> Finding:
    """Whether Jupyter's `python3` kernel runs this Python."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        advice = "Run `uv sync` to get JupyterLab, or `pip install jupyterlab`."
        return Finding("Jupyter kernel", False, "Jupyter is not installed", advice)
    if metadata.packages_distributions().get("ipykernel") is None:
        advice = "Run `uv sync`, or `pip install ipykernel`."
        return Finding("Jupyter kernel", False, "ipykernel is not installed", advice)
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        advice = "Run `python -m ipykernel install --sys-prefix`."
        return Finding("Jupyter kernel", False, "there is no python3 kernel", advice)
    program = shutil.which(spec.argv[0]) or spec.argv[0]
    # The path as written, not resolved: an environment's python links to a shared one.
    same = Path(program).parent == Path(sys.executable).parent
    if not same and not spec.argv[0].startswith("python"):
        advice = "Run `python -m ipykernel install --sys-prefix` in the course's environment."
        return Finding("Jupyter kernel", False, f"python3 runs {program}", advice)
    return Finding("Jupyter kernel", True, "python3 runs this environment")


def as_json(findings: list[Finding]) -> str:
    """The findings as a JSON object with `ok` (nothing blocking) and `findings`."""
    ok = not any(finding.blocking for finding in findings)
    return json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2)
