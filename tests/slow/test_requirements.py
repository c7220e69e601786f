"""The way without uv: requirements.txt with its hashes is all that pip needs.

uv reads the same file with the same rules (every package pinned, every hash known) and resolves
it in a second or two; nothing is downloaded or installed.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from clean import needs_uv, uv

ROOT = Path(__file__).parent.parent.parent
pytestmark = needs_uv


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_hashed_requirements_resolve_for_every_python(tmp_path, version):
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    uv(
        "pip", "install", "--dry-run", "--require-hashes", "--python-version", version,
        "--python", tmp_path / "venv", "-r", ROOT / "requirements.txt", cwd=tmp_path,
    )  # fmt: skip


def test_a_wrong_hash_is_refused(tmp_path):
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entry = next(part for part in text.split("\n") if part.startswith("packaging=="))
    broken = f"{entry}\n    --hash=sha256:{'0' * 64}\n"
    (tmp_path / "requirements.txt").write_text(broken, encoding="utf-8")
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    done = subprocess.run(
        ["uv", "pip", "install", "--require-hashes", "--python", str(tmp_path / "venv"),
         "-r", "requirements.txt"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and "hash" in done.stderr.lower()
