"""For slow tests: uv in a clean environment, away from the repository's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")


def environment() -> dict[str, str]:
    """The process's environment without what points at the repository's own environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "VIRTUAL_ENV"))}
    kept["PYTHONPATH"] = str(Path(__file__).parent / "network_guard")  # the network stays closed
    kept.pop("UV_PROJECT_ENVIRONMENT", None)
    return kept


def uv(*arguments, cwd: Path) -> None:
    """Run uv from its cache, or with the network if the cache lacks something."""
    for extra in (["--offline"], []):
        done = subprocess.run(
            ["uv", *map(str, arguments), *extra],
            cwd=cwd, env=environment(), capture_output=True, text=True, timeout=1800,
        )  # fmt: skip
        if not done.returncode:
            return
    pytest.fail(f"uv {arguments[0]} failed: {done.stderr[-2000:]}")
