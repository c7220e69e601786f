"""`smolcourse check NOTEBOOK` says what a kernel would say, of every exercise, once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from demo import Demo

from smolcourse.errors import CourseError
from smolcourse.programs import notebook_plan
from smolcourse.programs.check_notebook import run_checks_in_notebook

SETUP = (
    "import math\nfrom smolcourse import check, setup\ncourse = setup('no/such/notebook', 'huge')"
)
RIGHT = "# Exercise demo.a 🐢 5 min\ndef a(x, y):\n    return x + y"
WRONG = "# Exercise demo.a 🐢 5 min\ndef a(x, y):\n    return x - y"
STUB = "# Exercise demo.a 🐢 5 min\ndef a(x, y):\n    raise NotImplementedError"
CHECK = 'a = check("demo.a", a)'


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Four exercises that another process finds as well, by way of PYTHONPATH and sitecustomize."""
    made = Demo(tmp_path, monkeypatch)
    cases = "def cases(rng):\n    return [(1, 2), (3, 4), (5, 5)]\n"
    for name in "abcd":
        made.write(name, cases, "def add(x, y):\n    return x + y\n\nanswer = add\n", "")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        "import smolcourse.checks, smolcourse.reference\n"
        f"smolcourse.checks.__path__.append({str(tmp_path / 'checks')!r})\n"
        f"smolcourse.reference.__path__.append({str(tmp_path / 'reference')!r})\n"
    )
    paths = [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SMOLCOURSE_LANG", raising=False)
    monkeypatch.delenv("SMOLCOURSE_PROGRESS", raising=False)
    yield tmp_path / "mine.ipynb"
    monkeypatch.undo()
    made.forget()


def code(text, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": text, "outputs": []}


def notebook(path, *cells, **metadata):
    cells = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def statuses(path, *cells, **metadata):
    rows = run_checks_in_notebook(notebook(path, *cells, **metadata))
    return {row["id"]: row["status"] for row in rows}


def test_checks_of_a_notebook(course):
    path = notebook(
        course,
        "from smolcourse import check, setup\ncourse = setup(x)",
        "import math\ndef helper(x):\n    return math.floor(x)",
        "raise SystemExit('training: never run')",
        "# Exercise demo.a 🐢 5 min\ndef a(x, y):\n    return helper(x) + y\nprint(a(1, 1))",
        'a = check("demo.a", a)',
        "def b(x, y):\n    raise NotImplementedError",
        'b = check("demo.b", b)',
        "# Exercise demo.c 🐢 5 min\ndef c(x, y):\n    return x +",
        "c = check('demo.c', c)",
        'd = check("demo.d", d)',
    )
    before = path.read_bytes()
    results = {row["id"]: row for row in run_checks_in_notebook(path)}
    assert [row["status"] for row in results.values()] == [
        "correct",
        "not_attempted",
        "wrong",
        "wrong",
    ]
    assert "SyntaxError" in results["demo.c"]["message"]
    assert "no longer defines d" in results["demo.d"]["message"]
    assert path.read_bytes() == before


def test_a_notebook_that_kills_python_or_never_ends(course):
    path = notebook(
        course,
        "def a(x, y):\n    return x + y",
        'a = check("demo.a", a)',
        "# Exercise demo.b\nimport os\nos._exit(3)",
        'b = check("demo.b", b)',
    )
    first, second = run_checks_in_notebook(path)
    assert first["status"] == "correct"
    assert second["status"] == "wrong" and "exit status 3" in second["message"]
    path = notebook(course, "# Exercise demo.a\nwhile True: pass", 'a = check("demo.a", a)')
    [row] = run_checks_in_notebook(path, timeout=1)
    assert "stopped after 1 seconds" in row["message"]


def test_files_that_are_no_notebook_are_one_sentence(tmp_path):
    half, listing = tmp_path / "half.ipynb", tmp_path / "list.ipynb"
    half.write_text('{"cells": [')
    listing.write_text("[1, 2]")
    (tmp_path / "latin.ipynb").write_bytes(b"\xff\xfe\x00")
    plain_book = notebook(tmp_path / "plain.ipynb", "print(1)")
    for path in (half, listing, plain_book, tmp_path, tmp_path / "latin.ipynb", tmp_path / "none"):
        with pytest.raises(CourseError) as error:
            run_checks_in_notebook(path)
        assert "\n" not in str(error.value)


# ---------------------------------------------------------------- one verdict in both places


@pytest.mark.parametrize(
    "check",
    [
        'a = check(id="demo.a", answer=a)',
        'a = check(\n    "demo.a",\n    a,\n)',
        'check("demo.a", lambda x, y: a(x, y))',
        'import smolcourse\na = smolcourse.check("demo.a", a)',
        'import smolcourse as s\na = s.check("demo.a", a)',
        'from smolcourse.checks.core.check import check as judge\na = judge("demo.a", a)',
        'ID = "demo.a"\nif True:\n    a = check(ID, a)',
        'for id, f in {"demo.a": a}.items():\n    check(id, f)',
        'def run():\n    return check("demo.a", a)\nrun()',
        'display(check("demo.a", a))',
        "%time a = check('demo.a', a)",
    ],
)
def test_a_check_in_any_spelling_is_found(course, check):
    assert statuses(course, SETUP, RIGHT, check) == {"demo.a": "correct"}
    assert statuses(course, SETUP, WRONG, check) == {"demo.a": "wrong"}


@pytest.mark.parametrize(
    "check",
    [
        "",
        "# " + CHECK,
        "if False:\n    " + CHECK,
        'print("check(demo.a, a)")',
        "'''\n" + CHECK + "\n'''",
    ],
)
def test_an_exercise_without_a_check_is_missing(course, check):
    marked = {"nbgrader": {"solution": True, "grade_id": "demo-a"}}
    for exercise in (
        RIGHT,
        code(RIGHT, smolcourse={"id": "demo.a"}, **marked),
        code("x = 1", **marked),
    ):
        assert statuses(course, SETUP, exercise, check) == {"demo.a": "missing"}


def test_what_a_deleted_cell_leaves_is_missing(tmp_path, monkeypatch):
    """The topic says which exercises there should be; a check cell says that its exercise was there."""
    made = notebook(tmp_path / "my_lora_exercise (1).ipynb", "print(1)")
    assert {row["status"] for row in run_checks_in_notebook(made)} == {"missing"}
    ids = [row["id"] for row in run_checks_in_notebook(made)]
    assert "lora.layer" in ids and all(id.startswith("lora.") for id in ids)
    source = {"source": "2_preference_alignment/notebooks/source/dpo.py"}
    ids = statuses(tmp_path / "lora_exercise.ipynb", "print(1)", smolcourse=source)
    assert "dpo.loss" in ids and "lora.layer" not in ids
    cell = {**code("pass", nbgrader={"grade": True, "grade_id": "sft-pack-check"}), "id": "x"}
    assert statuses(tmp_path / "mine.ipynb", cell) == {"sft.pack": "missing"}
    cell = {**code("def pack(): pass"), "id": "zh-sft-pack"}
    assert statuses(tmp_path / "mine.ipynb", cell) == {"sft.pack": "missing"}


@pytest.mark.parametrize(
    "before",
    [
        ["ONE = 1"],
        ["ONE = 0", "ONE += 1"],
        ["T = {}", "T['one'] = 1", "def helper():\n    return T['one']", "ONE = helper()"],
        ["T = []", "T.append(1)", "ONE, _ = T[0], 2"],
        ["for i in range(2):\n    ONE = i"],
        ["try:\n    import no_such\nexcept ImportError:\n    ONE = 1"],
        ["from math import *", "ONE = round(cos(0))"],
        ["exec('ONE = 1')"],
        ["globals()['ONE'] = 1"],
        ["class Base:\n    one = 1", "class Mine(Base):\n    pass", "ONE = Mine().one"],
        ["import sys\nsys.path.insert(0, 'lib')", "from mine import ONE"],
        ["def set_one():\n    global ONE\n    ONE = 1", "set_one()"],
        ["%%capture out\nONE = 1"],
        ["%time ONE = 1"],
        ["!exit 1\nONE = 1\nlen?\nfiles = !ls"],
        ["import asyncio\nasync def one():\n    return 1", "ONE = await one()"],
        ["ONE = 1\ncourse = setup('no/such', 'huge')\nprint(course.model())"],
    ],
)
def test_what_a_kernel_would_define_is_defined(course, before):
    (course.parent / "lib").mkdir()
    (course.parent / "lib/mine.py").write_text("ONE = 1")
    answer = "# Exercise demo.a\ndef a(x, y):\n    return x + y * ONE\nprint(a(1, 1))"
    assert statuses(course, SETUP, *before, answer, CHECK) == {"demo.a": "correct"}
    assert statuses(course, SETUP, answer + "\n" + CHECK) == {"demo.a": "wrong"}


@pytest.mark.parametrize(
    "magic",
    ["%%time", "!pip list", "%load_ext autoreload", "len?", "x = !ls", "%matplotlib inline"],
)
def test_magics_are_harmless_with_and_without_ipython(course, magic, monkeypatch):
    for installed in (True, False):
        if not installed:
            monkeypatch.setitem(sys.modules, "IPython.core.inputtransformer2", None)
        assert statuses(course, SETUP, f"{magic}\n{RIGHT}", CHECK) == {"demo.a": "correct"}


def test_a_shell_line_is_never_run(course):
    answer = "!touch seen\n%%bash\n" + RIGHT
    statuses(course, "%%bash\ntouch seen", "!touch seen\n" + RIGHT, CHECK, answer)
    assert not (course.parent / "seen").exists()


def test_training_is_not_run_and_loading_only_for_who_needs_it(course):
    slow = "import time\nclass Trainer:\n    def train(self):\n        open('trained', 'w')\nTrainer().train()"
    needs = "# Exercise demo.b\ndef b(x, y):\n    return x + y + 0 * course.seed"
    path = notebook(course, SETUP, slow, RIGHT, CHECK, needs, 'b = check("demo.b", b)')
    first, second = run_checks_in_notebook(path)
    assert not (course.parent / "trained").exists()
    assert first["status"] == "correct" and second["status"] == "wrong"
    assert "no profile named 'huge'" in second["note"] and "note" not in first


# ---------------------------------------------------------------- one verdict an exercise


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ([STUB, CHECK, CHECK], "not_attempted"),
        ([WRONG, CHECK, CHECK, CHECK], "wrong"),
        ([WRONG, CHECK, "again = a", 'check("demo.a", again)'], "wrong"),
        ([WRONG, CHECK, RIGHT, CHECK], "correct"),
        ([RIGHT, CHECK, WRONG, CHECK], "wrong"),
        ([RIGHT, CHECK, CHECK], "correct"),
        ([RIGHT, CHECK, RIGHT + " +", CHECK], "wrong"),
    ],
)
def test_the_last_own_answer_counts(course, cells, status):
    [row] = run_checks_in_notebook(notebook(course, SETUP, *cells))
    assert row["id"] == "demo.a" and row["status"] == status and "times" in row["note"]
    [kept] = (course.parent / "home/progress.jsonl").read_text("utf-8").splitlines()
    assert json.loads(kept)["status"] == status


def test_the_courses_answer_is_nobodys(tmp_path, monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path))
    text = "from smolcourse.reference.sft.pack import answer as pack"
    [row] = run_checks_in_notebook(notebook(tmp_path / "a.ipynb", text, 'check("sft.pack", pack)'))
    assert row["status"] == "reference" and "course's answer" in row["message"]
    assert not (tmp_path / "progress.jsonl").exists()


def test_a_misspelt_id_costs_its_own_line_only(course):
    rows = run_checks_in_notebook(
        notebook(course, 'def x(): pass\nx = check("sft.label", x)\n' + RIGHT + "\n" + CHECK)
    )
    rows = {row["id"]: row for row in rows}
    assert rows["demo.a"]["status"] == "correct" and rows["sft.label"]["status"] == "wrong"
    assert "did you mean sft.labels" in rows["sft.label"]["message"]


def test_who_kills_python_costs_his_own_line_only(course):
    kill = "# Exercise demo.a\nimport os\ndef a(x, y):\n    os.kill(os.getpid(), 9)"
    quiet = "# Exercise demo.b\nimport os\nos._exit(0)"
    right = "# Exercise demo.c\ndef c(x, y):\n    return x + y"
    checks = [CHECK, 'b = check("demo.b", b)', 'c = check("demo.c", c)']
    rows = run_checks_in_notebook(
        notebook(
            course,
            *(cell for pair in zip((kill, quiet, right), checks, strict=True) for cell in pair),
        )
    )
    assert [row["status"] for row in rows] == ["wrong", "wrong", "correct"]
    assert "exit status 0" in rows[1]["message"]
    if sys.platform != "win32":
        assert "SIGKILL" in rows[0]["message"]


def test_the_learners_code_has_no_tokens_and_no_terminal(course, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("MY_API_KEY", "secret")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    look = (
        "# Exercise demo.a\nimport os\nseen = {k for k in os.environ if os.environ[k] == 'secret'}\n"
        "print('x' * 10**6)\ntry:\n    input()\nexcept EOFError:\n    seen |= {'no terminal'}\n"
        "if seen == {'no terminal'} and 'TOKENIZERS_PARALLELISM' in os.environ:\n"
        "    def a(x, y):\n        return x + y"
    )
    assert statuses(course, look, CHECK) == {"demo.a": "correct"}


# ---------------------------------------------------------------- files, languages, output


def test_a_byte_order_mark_is_read_and_other_encodings_are_one_sentence(course):
    path = notebook(course, RIGHT, CHECK)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert run_checks_in_notebook(path)[0]["status"] == "correct"
    for encoding in ("gbk", "big5"):
        path.write_bytes('{"cells": [], "metadata": "中文"}'.encode(encoding))
        with pytest.raises(CourseError, match="not UTF-8") as error:
            run_checks_in_notebook(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("folder", "prose", "id", "metadata", "lang"),
    [
        ("a", "这一课训练 SmolLM2 模型。", "x", {}, "zh-CN"),
        ("a", "这一课训练 SmolLM2 模型。", "x", {"smolcourse": {"lang": "en"}}, "en"),
        ("a", "This lesson trains a model (模型).", "zh-x", {}, "en"),
        ("zh-CN", "", "x", {}, "zh-CN"),
        ("a", "", "zh-x", {"smolcourse": None}, "zh-CN"),
        ("a", "", "x", {}, "en"),
    ],
)
def test_the_language_is_told_without_metadata(tmp_path, folder, prose, id, metadata, lang):
    cells = [{"cell_type": "markdown", "source": [prose], "id": id}]
    book = {"cells": cells, "metadata": metadata}
    assert notebook_plan.language_of(book, tmp_path / folder / "b.ipynb") == lang


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "utf-8", "ascii"])
def test_output_is_the_same_under_any_console(course, encoding, monkeypatch):
    import os

    prose = {"cell_type": "markdown", "metadata": {}, "source": "这一课训练模型。"}
    long = "# Exercise demo.a\ndef a(x, y):\n    raise ValueError('x' * 90)"
    path = notebook(course, prose, long, CHECK)
    command = [sys.executable, "-m", "smolcourse.commands.app", "check", str(path)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "40"}
    environment["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[2])
    run = lambda *more: subprocess.run(  # noqa: E731
        [*command, *more], capture_output=True, env=environment, check=False
    )
    told = run("--json")
    assert told.returncode == 1 and "你的代码因 ValueError" in told.stdout.decode("utf-8")
    assert json.loads(told.stdout)[0]["status"] == "wrong" and b"\r" not in told.stdout
    lines = run().stdout.decode(encoding).splitlines()
    assert len(lines) == 2 and "demo.a" in lines[1] and "x" * 60 in lines[1]


def test_the_other_process_uses_this_copy_of_the_package(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("SMOLCOURSE_HOME", str(tmp_path))
    import smolcourse

    text = f"import smolcourse\nassert smolcourse.__file__ == {smolcourse.__file__!r}\n"
    text += "def pack(lengths, size):\n    raise NotImplementedError\ncheck('sft.pack', pack)"
    assert statuses(tmp_path / "mine.ipynb", text) == {"sft.pack": "not_attempted"}
