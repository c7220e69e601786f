"""`.ci/run` does what the README tells a reader to do, and can be run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
RUN = ROOT / ".ci" / "run"


def commands() -> list[str]:
    lines = RUN.read_text(encoding="utf-8").splitlines()
    return [line.split(" #")[0].strip() for line in lines if not line.lstrip().startswith("#")]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_ci_runs_the_test_command_of_the_readme(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) if "pytest" in b)
    tests = [line for line in block.splitlines() if "pytest" in line]
    assert tests == [commands()[-1]] == ["uv run pytest"]


def test_ci_is_executable_for_git_and_valid_for_bash():
    done = subprocess.run(
        ["git", "ls-files", "--stage", ".ci/run"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode == 0 and done.stdout:
        assert done.stdout.startswith("100755")
    if shutil.which("bash"):
        subprocess.run(["bash", "-n", str(RUN)], check=True)
    assert "set -euo pipefail" in commands()
    assert any("</dev/null" in command for command in commands()), "nothing may wait for input"


def test_notebooks_under_test_keep_bytecode():
    """conftest.py sees to it, or each kernel would compile all libraries from their sources."""
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ and not sys.dont_write_bytecode
