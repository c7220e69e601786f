"""Waiting threads sleep: the setting is there before torch is loaded, wherever torch is used."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from smolcourse import threads

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(ROOT.glob("[0-9]_*/notebooks/source/*.py"))
# They load an OpenMP library, or a library that does.
LATER = {"torch", "transformers", "trl", "peft", "datasets", "accelerate", "torchvision"}


def test_the_settings_are_made_once_and_a_choice_of_the_user_stays():
    empty: dict[str, str] = {}
    threads.rest_between_operations(empty)
    assert empty == threads.SETTINGS
    for name in threads.DECIDED:
        chosen = {name: "7"}
        threads.rest_between_operations(chosen)
        assert chosen == {name: "7"}


def run(code: str, **extra: str) -> subprocess.CompletedProcess:
    kept = {k: v for k, v in os.environ.items() if k not in threads.DECIDED}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | extra, capture_output=True, text=True, check=True
    )


def test_importing_the_course_is_enough():
    done = run("import os, smolcourse; print(os.environ['GOMP_SPINCOUNT'])")
    assert done.stdout.split() == [threads.SETTINGS["GOMP_SPINCOUNT"]]


@pytest.mark.skipif(sys.platform != "linux", reason="torch brings libgomp on Linux only")
def test_the_library_that_torch_brings_reads_the_setting():
    folder = Path(importlib.util.find_spec("torch").origin).parent / "lib"
    [library] = folder.glob("libgomp*")
    # Loaded by itself, because torch takes seconds; it tells what it has read.
    load = f"import smolcourse, ctypes; ctypes.CDLL({str(library)!r})"
    done = run(load, OMP_DISPLAY_ENV="VERBOSE")
    assert f"GOMP_SPINCOUNT = '{threads.SETTINGS['GOMP_SPINCOUNT']}'" in done.stderr


def imported(source: str) -> list[str]:
    """Top packages in the order in which the statements of a script import them."""
    names = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_imports_the_course_before_torch(path):
    """In VS Code or on Colab, nothing but the notebook itself can set the environment in time."""
    names = imported(path.read_text(encoding="utf-8"))
    assert LATER & set(names[: names.index("smolcourse")]) == set()
