"""The small repository that `smolcourse build` is tested on."""

from pathlib import Path

import pytest
from small_course import SAMPLE

from smolcourse.authoring.source import restamp


@pytest.fixture
def sample(tmp_path, monkeypatch) -> Path:
    """A small repository with one source, its Chinese cells stamped; returns the source's path."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "smolcourse"\nversion = "0.2.0"\n')
    path = tmp_path / "1_demo/notebooks/source/adding.py"
    path.parent.mkdir(parents=True)
    path.write_text(SAMPLE, encoding="utf-8")
    restamp(path)
    monkeypatch.chdir(tmp_path)
    return path
