"""Committed lock files name no host, and keep the versions they were made from."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import neutral_lock  # noqa: E402

FULL = """\
version = 1

[[package]]
name = "a"
version = "1.0"
source = { registry = "https://one.example/simple" }
dependencies = [
    { name = "b", version = "2.0", source = { registry = "https://one.example/simple" } },
]
sdist = { url = "https://one.example/a.tar.gz", hash = "sha256:00" }
wheels = [
    { url = "https://one.example/a.whl", hash = "sha256:00" },
    { url = "https://one.example/a2.whl", hash = "sha256:00" },
]

[[package]]
name = "me"
source = { editable = "." }

[package.dev-dependencies]
dev = [
    { name = "b" },
]

[package.metadata]
requires-dist = [
    { name = "a", specifier = ">=1" },
]

[package.metadata.requires-dev]
dev = [{ name = "b" }]

[[package]]
name = "b"
version = "2.0"
source = { registry = "https://one.example/simple" }
"""


def committed(name: str) -> str:
    """A file as git has it: the work tree's uv.lock is completed by the first sync."""
    done = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"not a git checkout with a committed {name}")
    return done.stdout


def test_a_neutral_lock_keeps_versions_and_drops_addresses():
    text = neutral_lock.neutral_lock(FULL)
    assert not neutral_lock.named_hosts(text)
    assert "sdist" not in text and "wheels" not in text and "metadata" not in text
    packages = tomllib.loads(text)["package"]
    assert [(p["name"], p.get("version")) for p in packages] == [
        ("a", "1.0"), ("me", None), ("b", "2.0"),
    ]  # fmt: skip
    assert packages[0]["dependencies"][0]["source"] == {"registry": "."}
    assert packages[1]["dev-dependencies"] == {"dev": [{"name": "b"}]}
    assert neutral_lock.neutral_lock(text) == text


def test_requirements_lose_index_lines():
    text = "--index-url https://one.example\n# by uv\na==1 \\\n    --hash=sha256:00\n"
    assert neutral_lock.neutral_requirements(text).endswith("a==1 \\\n    --hash=sha256:00\n")


def test_requirements_get_the_extras_that_older_pips_need():
    lock = """\
[[package]]
name = "a"
version = "1.0"
dependencies = [{ name = "b", extra = ["y", "x"] }, { name = "c" }]
"""
    b = "b==2.0 ; os_name == 'nt' \\\n    --hash=sha256:01 \\\n    --hash=sha256:02\n"
    text = f"a==1.0 \\\n    --hash=sha256:00\n{b}c==3.0\n"
    wanted = text.replace(b, b + b.replace("b==", "b[x,y]=="))
    assert neutral_lock.with_extras(text, lock) == wanted
    assert neutral_lock.with_extras(wanted, lock) == wanted


@pytest.mark.parametrize("name", ["uv.lock", "requirements.txt"])
def test_the_committed_file_names_no_host(name):
    assert neutral_lock.named_hosts(committed(name)) == []


def test_the_committed_files_agree():
    entries = tomllib.loads(committed("uv.lock"))["package"]
    locked = {(p["name"], p["version"]) for p in entries if p["name"] != "smolcourse"}
    lines = [line for line in committed("requirements.txt").splitlines() if "==" in line]
    pinned = [line.split(";")[0].split("\\")[0].strip().split("==") for line in lines]
    required = {(name.split("[")[0], version) for name, version in pinned}
    assert required <= locked
    extras = neutral_lock.with_extras(committed("requirements.txt"), committed("uv.lock"))
    assert extras == committed("requirements.txt"), "run tools/neutral_lock.py"
    names = {name for name, _ in required}
    assert {"torch", "transformers", "trl", "jupyterlab", "nbval"} <= names
    assert all("--hash=" in line for line in committed("requirements.txt").split("\n    ")[1:])
