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


@pytest.mark.skipif(not shutil.which("git") or not shutil.which("bash"), reason="no git, no bash")
def test_a_clone_that_converts_line_ends_can_run_it(tmp_path):
    """Git for Windows sets core.autocrlf; bash does not read a script with \\r\\n."""
    (tmp_path / "from/.ci").mkdir(parents=True)
    shutil.copy(RUN, tmp_path / "from/.ci/run")
    shutil.copy(ROOT / ".gitattributes", tmp_path / "from/.gitattributes")
    (tmp_path / "from/x.png").write_bytes(b"\x89PNG\r\n\x1a\n\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=true"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *arguments], cwd=tmp_path / "from", check=True, capture_output=True)
    subprocess.run([*git, "clone", "-q", "from", "to"], cwd=tmp_path, check=True)
    assert b"\r" not in (tmp_path / "to/.ci/run").read_bytes()
    assert (tmp_path / "to/x.png").read_bytes() == b"\x89PNG\r\n\x1a\n\n"
    subprocess.run(["bash", "-n", str(tmp_path / "to/.ci/run")], check=True)
