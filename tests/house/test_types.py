"""A type checker reads the whole package, and what an editor says of a learner's first lines.

`smolcourse` hands out its names on first use (`__getattr__`), which no checker can follow: it sees
the imports under TYPE_CHECKING instead, and a name that is missing there could be anything.
"""

import subprocess
import sys
from pathlib import Path

import smolcourse

ROOT = Path(__file__).parents[2]
LESSON = """from smolcourse import check, setup, show
course = setup("1_instruction_tuning/chat_templates", profile="tiny", seed=3)
def twice(x): return 2 * x
twice = check("demo.twice", twice)
budget = course.choose(tiny=dict(steps=60), smol=dict(steps=500))
show.side_by_side([["a", 1]], ["name", "number"])
"""
WRONG = """setup(3)
setup("m/t", profile=4)
check(3, twice)
check("demo.twice")
course.choose(tiny=60, smol=500)
course.choose(dict(steps=60))
course.tokeniser()
show.side_by_sides([])
"""


def pyrefly(*files: Path) -> subprocess.CompletedProcess:
    """The checker with the project's settings, over these files or over the whole package."""
    command = [sys.executable, "-m", "pyrefly", "check", "--config", "pyproject.toml"]
    command += ["--python-interpreter-path", sys.executable, "--output-format", "min-text"]
    return subprocess.run([*command, *map(str, files)], cwd=ROOT, capture_output=True, text=True)


def test_the_checker_finds_nothing_in_the_package():
    done = pyrefly()
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_lesson_has_no_errors_and_a_wrong_call_is_one(tmp_path):
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(LESSON, encoding="utf-8")
    bad.write_text(LESSON + WRONG, encoding="utf-8")
    done = pyrefly(good)
    assert done.returncode == 0, done.stdout + done.stderr
    errors = [line for line in pyrefly(bad).stdout.splitlines() if "ERROR" in line]
    lines = {int(line.split("bad.py:")[1].split(":")[0]) for line in errors}
    first = LESSON.count("\n") + 1
    assert lines == set(range(first, first + WRONG.count("\n"))), errors


def test_every_name_of_the_package_has_a_type(tmp_path):
    file = tmp_path / "names.py"
    names = sorted(smolcourse.__all__)
    shown = "".join(f"reveal_type({name})\n" for name in names)
    file.write_text(f"from smolcourse import {', '.join(names)}\n{shown}", encoding="utf-8")
    found = [line for line in pyrefly(file).stdout.splitlines() if "revealed type" in line]
    assert len(found) == len(names)
    assert not [
        line for line in found if line.split("revealed type:")[1].split()[0] in ("Any", "Unknown")
    ]
