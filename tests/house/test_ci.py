"""`.ci/run` and GitHub's workflows do what the README tells a reader to do, and can be run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
RUN = ROOT / ".ci" / "run"
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or not shutil.which("bash"), reason="no bash on this machine"
)
# The programs that the script may use besides Python; those that install log their arguments.
TOOLS = ("bash", "dirname", "id", "chmod", "cat")
LOG = '#!/usr/bin/env bash\necho "$(basename "$0") $*" >>"$CALLS"\n'
# A Debian: no module venv, and pip refuses to touch the system's Python unless it is forced.
PYTHON = f"""{LOG}
case "$*" in
*break-system-packages*) cp "$UV" "$HOME/.local/bin/uv" ;;
*sysconfig*) echo /nowhere ;;
*) exit 1 ;;
esac
"""


def commands() -> list[str]:
    lines = RUN.read_text(encoding="utf-8").splitlines()
    return [line.split(" #")[0].strip() for line in lines if not line.lstrip().startswith("#")]


def readme_command(page: str = "README.md") -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) if "pytest" in b)
    [command] = [line for line in block.splitlines() if "pytest" in line]
    return command


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_ci_runs_the_test_command_of_the_readme(page):
    assert readme_command(page) == commands()[-1] == "uv run pytest"


def test_ci_is_executable_for_git_and_valid_for_bash():
    done = subprocess.run(
        ["git", "ls-files", "--stage", ".ci/run"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode == 0 and done.stdout:
        assert done.stdout.startswith("100755")
    if shutil.which("bash"):
        subprocess.run(["bash", "-n", str(RUN)], check=True)
    assert "set -euo pipefail" in commands()


@pytest.fixture
def bare(tmp_path):
    """`run(**environment)` -> (result, calls) of the script on a machine without uv or Chromium."""
    bin, home = tmp_path / "bin", tmp_path / "home"
    (home / ".local" / "bin").mkdir(parents=True)
    bin.mkdir()
    for name in (*TOOLS, "env", "basename", "cp"):
        (bin / name).symlink_to(shutil.which(name))
    uv = f'{LOG}[ "$1" = run ] && echo "==== 3 passed in 0.1s ====" && exit 5\ntrue\n'
    for name, text in (("python3", PYTHON), ("apt-get", LOG + "exit 1\n"), ("fake-uv", uv)):
        (bin / name).write_text(text)
        (bin / name).chmod(0o755)
    (tmp_path / "course" / ".ci").mkdir(parents=True)
    script = shutil.copy(RUN, tmp_path / "course" / ".ci")
    calls = tmp_path / "calls"
    calls.touch()

    def run(**environment):
        done = subprocess.run(
            [bin / "bash", script],
            env={"PATH": str(bin), "HOME": str(home), "CALLS": str(calls),
                 "UV": str(bin / "fake-uv"), **environment},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done, calls.read_text()

    return run


@needs_bash
def test_nothing_of_the_system_is_changed_unless_the_caller_says_ci(bare):
    done, calls = bare()
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "uv is missing: install it (pip install uv) and run this again.\n"
    assert "pip" not in calls and "apt-get" not in calls


@needs_bash
def test_with_ci_everything_is_installed_and_pytests_status_and_last_line_remain(bare):
    done, calls = bare(CI="true")
    assert done.returncode == 5 and "==== 3 passed in 0.1s ====" in done.stdout.splitlines()[-1]
    made = [line for line in calls.splitlines() if line.startswith("uv ")]
    assert made == ["uv --version", "uv sync --extra qlora", "uv run pytest"]
    assert "pip install --quiet --user --break-system-packages uv" in calls
    if os.geteuid() == 0:
        assert "apt-get -qq update" in calls
    assert "There is no Chromium here" in done.stdout


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_pinned_and_may_do_nothing_but_read(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"} and "secrets." not in text
    assert "concurrency" in workflow
    assert all(job["timeout-minutes"] <= 180 for job in workflow["jobs"].values())
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used and all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action) for action in used)
    # A reader of the file, and the program that updates it, see the version beside the hash.
    assert len(re.findall(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", text, re.MULTILINE)) == len(used)
    images = [job["runs-on"] for job in workflow["jobs"].values()]
    images += re.findall(r"os: ([\w.-]+)", text)
    assert not any("latest" in image for image in images)


def test_the_workflows_run_the_test_command_of_the_readme():
    every = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS}
    assert set(every) == {"tests", "weekly"}
    # YAML reads the key `on` as True.
    assert set(every["tests"][True]) == {"pull_request", "push"}
    assert "schedule" in every["weekly"][True]
    assert "bash .ci/run" in [step.get("run") for step in steps(every["tests"])]
    last = steps(every["weekly"])[-1]["run"]
    assert last == readme_command() + " ${{ matrix.options }}"
    [job] = every["weekly"]["jobs"].values()
    rows = job["strategy"]["matrix"]["include"]
    assert {row["os"].split("-")[0] for row in rows} == {"ubuntu", "macos", "windows"}
    assert {"3.12", "3.13"} <= {row["python"] for row in rows}
    assert any(row.get("upgrade") for row in rows)
    assert any(row.get("options") == "--all-languages" for row in rows)


def test_issue_forms_ask_in_both_languages():
    assert {path.stem for path in FORMS} == {"notebook", "check", "translation", "idea", "config"}
    for path in FORMS:
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.stem == "config":
            continue
        asked = [field["attributes"].get("label", "") for field in form["body"]]
        for text in (form["name"], form["description"], *filter(None, asked)):
            assert re.search(r"[A-Za-z]{2}", text) and re.search(r"[\u4e00-\u9fff]", text), text
        ids = [field["id"] for field in form["body"] if "id" in field]
        assert ids and len(set(ids)) == len(ids)
    assert (GITHUB / "pull_request_template.md").is_file()


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
