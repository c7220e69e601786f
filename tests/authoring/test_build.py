"""`smolcourse build` as one command: every generated file, and no notebook run without need."""

import json
import re
import shutil
from pathlib import Path

import pytest
from small_course import CHINESE, CHINESE_SOLUTION, EXERCISE, SOLUTION

from smolcourse import report, words
from smolcourse.authoring import execute, inputs, stored
from smolcourse.authoring.build import main_build
from smolcourse.authoring.source import read_source
from smolcourse.errors import CourseError

BADGE = "https://colab.research.google.com/github/smol-ai/course/blob"
TEXTS = """
[report.metric.sum]
zh-CN = "和"
[report.extra.tries]
en = "tries in all"
zh-CN = "总共的次数"
[exercises."demo.add"]
en = "add two numbers"
zh-CN = "把两个数加起来"
"""
LINKS = f"[x]({BADGE}/main/1_demo/notebooks/adding_exercise.ipynb)\n"
LINK = "[open](notebooks/adding_exercise.ipynb)\n\n<!-- exercises -->\n<!-- /exercises -->\n"
README = "".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("sample", "results", "costs"))
DATA = {
    "version": 1, "notebook": "1_demo/adding", "lang": "en", "metric": "sum", "before": 0.0,
    "after": 3.0, "bar": 3.0, "higher_is_better": True, "met": True, "enforced": True,
    "seconds": 61.4, "sections": {"import": 8.0, "train": 41.9, "other": 11.5},
    "peak_memory_mb": 1234, "peak_gpu_memory_mb": None, "profile": "tiny", "seed": 42,
    "extra": {"zeal": 2, "tries": 0.5},
}  # fmt: skip


@pytest.fixture
def course(sample, monkeypatch):
    """The sample with all that is generated, its solutions as if they had been run."""
    root = Path.cwd()
    files = {
        "1_demo/notebooks/source/adding.toml": TEXTS,
        "1_demo/README.md": LINK + LINKS,
        "1_demo/README.zh-CN.md": LINK.replace("notebooks/", "notebooks/zh-CN/"),
        "1_demo/adding.md": "<!-- report:adding -->\n<!-- /report -->\n",
        "1_demo/adding.zh-CN.md": "<!-- report:adding -->\n<!-- /report -->\n",
        "README.md": README + LINKS,
        "README.zh-CN.md": README,
        "smolcourse/course.py": "VALUE = 1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    runs = []

    def run(notebook, path, root):
        runs.append(path.relative_to(root).as_posix())
        lang = notebook["metadata"]["smolcourse"]["lang"]
        shown = {"output_type": "display_data", "metadata": {}}
        shown["data"] = report.bundle(DATA | {"lang": lang, "seconds": 60 + len(runs)}, lang)
        done = [{**cell, "outputs": []} for cell in notebook["cells"]]
        done[-1]["outputs"] = [shown]
        return execute.with_outputs(notebook, done, root)

    monkeypatch.setattr("smolcourse.authoring.build.run_notebook", run)
    made = main_build(execute=True)
    assert made.problems == [] and runs == [SOLUTION, CHINESE_SOLUTION]
    runs.clear()
    return runs


def edit(name: str, old: str, new: str) -> None:
    text = Path(name).read_text(encoding="utf-8")
    assert old in text, name
    Path(name).write_text(text.replace(old, new), encoding="utf-8")


KINDS = {
    "reference": ("smolcourse/reference/demo/add.py", "total", "totals"),
    "words": ("smolcourse/words/topics/adding.toml", "tries in all", "all tries"),
    "exercise": (EXERCISE, '"points": 2', '"points": 9'),
    "solution": (SOLUTION, '"points": 2', '"points": 9'),
    "Chinese exercise": (CHINESE, '"points": 2', '"points": 9'),
    "Chinese solution": (CHINESE_SOLUTION, '"points": 2', '"points": 9'),
    "hand-edited notebook": (EXERCISE, "raise NotImplementedError", "return 7"),
    "results": ("docs/results.md", "| 60 |", "| 59 |"),
    "Chinese results": ("docs/results.zh-CN.md", "| 60 |", "| 59 |"),
    "report block": ("1_demo/adding.md", "tries in all", "tries"),
    "Chinese report block": ("1_demo/adding.zh-CN.md", "总共的次数", "次数"),
    "exercise table": ("1_demo/README.md", "add two numbers", "add some numbers"),
    "Chinese exercise table": ("1_demo/README.zh-CN.md", "把两个数加起来", "加法"),
    "sample": ("README.md", "not built yet", "built"),
    "results of the README": ("README.md", "| 60 | 1250 |", "| 60 | 9 |"),
    "costs": ("README.md", "60 s, 1250 MB", "1 s, 1250 MB"),
    "Chinese README": ("README.zh-CN.md", "60 秒", "1 秒"),
    "badge of a page": ("README.md", f"{BADGE}/v0.2.0/", f"{BADGE}/main/"),
    "badge of a module": ("1_demo/README.md", f"{BADGE}/v0.2.0/", f"{BADGE}/main/"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_check_names_each_stale_file_and_changes_none(course, kind):
    assert main_build(check=True).problems == []
    name, old, new = KINDS[kind]
    edit(name, old, new)
    before = Path(name).read_bytes()
    [problem] = main_build(check=True).problems
    assert problem.startswith(f"{name} ") and "\n" not in problem
    assert Path(name).read_bytes() == before
    made = main_build(force=kind == "hand-edited notebook")
    assert made.exit_status == 0 and main_build(check=True).problems == []


WHOLE = sorted(
    {name for name, *_ in KINDS.values() if not re.search(r"README|adding\.\S*md", name)}
)


@pytest.mark.parametrize("name", WHOLE)
def test_check_names_each_missing_file(course, name):
    Path(name).unlink()
    found = main_build(check=True).problems
    assert any(problem.startswith(f"{name} is missing") for problem in found), found


def test_a_broken_notebook_is_named_once(course):
    Path(SOLUTION).write_text("<<<<<<< HEAD")
    found = main_build().problems
    assert [p for p in found if "was edited by hand" in p and SOLUTION in p]
    assert len([p for p in found if "is not a notebook" in p]) == 1


# ---------------------------------------------------------------- what is run again


def test_nothing_is_run_twice(course):
    assert main_build(execute=True).problems == [] and course == []
    main_build(execute=True, every=True)
    assert course == [SOLUTION, CHINESE_SOLUTION]


def test_changed_code_is_run_and_changed_prose_is_not(course):
    source = "1_demo/notebooks/source/adding.py"
    edit(source, "# # 加法", "# # 相加")
    main_build(execute=True)
    assert course == []
    edit(source, 'print("ready")', 'print("steady")')
    main_build([CHINESE_SOLUTION], execute=True)
    assert course == [CHINESE_SOLUTION]
    main_build(["adding"], execute=True)
    assert course == [CHINESE_SOLUTION, SOLUTION]
    with pytest.raises(CourseError, match="^subtracting is not a topic; name one, such as adding"):
        main_build(["subtracting"], execute=True)


def test_a_release_changes_the_tag_and_keeps_the_outputs(course):
    source = "1_demo/notebooks/source/adding.py"
    edit(source, 'print("ready")', 'print("git+https://github.com/smol-ai/course")')
    main_build(execute=True)
    assert "smol-ai/course@v0.2.0" in Path(SOLUTION).read_text(encoding="utf-8")
    course.clear()
    edit("pyproject.toml", "0.2.0", "0.3.0")
    assert {p.split()[0] for p in main_build(check=True).problems} == {
        EXERCISE, SOLUTION, CHINESE, CHINESE_SOLUTION, "README.md", "1_demo/README.md"
    }  # fmt: skip
    assert main_build(execute=True).problems == [] and course == []
    for name in (EXERCISE, SOLUTION):
        text = Path(name).read_text(encoding="utf-8")
        assert "smol-ai/course@v0.3.0" in text and f"{BADGE}/v0.3.0/{name}" in text
    assert stored.executed(json.loads(Path(SOLUTION).read_text(encoding="utf-8")))


def test_a_changed_package_is_run_and_its_comments_are_not(course):
    edit("smolcourse/course.py", "VALUE = 1", '"""What it says."""\nVALUE = (1)  # why')
    main_build(execute=True)
    assert course == []
    edit("smolcourse/course.py", "VALUE = (1)", "VALUE = 2")
    assert main_build(check=True).problems == []  # nbval tells whether the outputs still hold
    main_build(execute=True)
    assert course == [SOLUTION, CHINESE_SOLUTION]


def test_only_what_a_notebook_imports_counts(course):
    package = Path("smolcourse")
    shutil.copytree(package / "words", package / "topics")
    (package / "topics/sums.py").write_text("from smolcourse import deep\n")
    (package / "deep.py").write_text("def f():\n    from . import deeper\n")
    (package / "deeper.py").write_text("X = 1\n")
    (package / "other.py").write_text("X = 1\n")
    source = "1_demo/notebooks/source/adding.py"
    edit(source, 'print("ready")', "%matplotlib inline\nfrom smolcourse.topics import sums")
    root = Path.cwd()

    def now():
        return inputs.package_inputs(read_source(root / source, root), "en", root)

    first = now()
    (package / "other.py").write_text("X = 22\n")
    assert now() == first
    (package / "deeper.py").write_text("X = 22\n")
    assert now() != first


def test_texts_are_run_again_where_they_are_shown(course):
    texts = "1_demo/notebooks/source/adding.toml"
    edit(texts, "总共的次数", "次数")
    main_build(execute=True)
    assert course == [CHINESE_SOLUTION]
    edit(texts, "add two numbers", "add them")  # a page's text, no notebook's
    main_build(execute=True)
    assert course == [CHINESE_SOLUTION]
    with open(texts, "a", encoding="utf-8") as file:
        file.write('[words]\nsteps = "步数"\n')
    main_build(execute=True)
    assert course == [CHINESE_SOLUTION] * 2


def test_the_packages_own_chinese_is_shown_in_chinese_notebooks_only(course):
    words = Path("smolcourse/words/package")
    words.mkdir(parents=True)
    for table, runs in (("show", 1), ("commands", 1)):  # no notebook shows the command line's
        (words / f"{table}.toml").write_text('"yes" = "是"\n', encoding="utf-8")
        main_build(execute=True)
        assert course == [CHINESE_SOLUTION] * runs


def test_choices_that_contradict_each_other_are_one_sentence(course):
    with pytest.raises(CourseError, match="--check writes nothing"):
        main_build(check=True, execute=True)
    with pytest.raises(CourseError, match="--all is about --execute"):
        main_build(every=True)


# ---------------------------------------------------------------- what is stored and shown


def test_a_second_run_stores_the_same_bytes(course):
    """The two runs of the fixture's notebooks differ by seconds; what is stored does not."""
    before = Path(SOLUTION).read_bytes(), Path("docs/results.md").read_bytes()
    main_build(execute=True, every=True)
    assert course == [SOLUTION, CHINESE_SOLUTION]
    assert before == (Path(SOLUTION).read_bytes(), Path("docs/results.md").read_bytes())
    text = Path(SOLUTION).read_text(encoding="utf-8")
    assert '"seconds": 60' in text and '"peak_memory_mb": 1250' in text
    assert re.search(r'"import": 10,\s+"other": 10,\s+"train": 40', text)
    assert "60 s (import and load 10 s" in text and "1250 MB" in text


def test_the_report_box_speaks_the_notebooks_language(monkeypatch, tmp_path):
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    words.of.cache_clear()
    (tmp_path / "adding.toml").write_text(TEXTS, encoding="utf-8")
    try:
        english, chinese = dict(report.rows(DATA, "en")), dict(report.rows(DATA, "zh-CN"))
    finally:
        words.of.cache_clear()
    assert english["metric"] == "sum" and chinese["指标"] == "和"
    assert english["tries in all"] == chinese["总共的次数"] == "50%"
    assert list(english)[-2:] == ["tries in all", "zeal"]  # a number without a name comes last


def test_the_words_of_each_topic_are_in_the_package():
    root = Path(__file__).parents[2]
    for path in sorted(root.glob("[0-9]_*/notebooks/source/*.py")):
        assert words.of(path.stem)["report"]["metric"], path
        assert words.of(path.stem)["words"] is not None
    assert words.of("no_such_topic") == {"report": {}, "words": {}}


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("1_demo/notebooks/source/adding.toml", "[report", "[[[", "adding.toml is no valid TOML"),
        (
            "1_demo/notebooks/source/adding.toml",
            "demo.add",
            "demo.sum",
            "does not say what demo.ad",
        ),
        (
            "1_demo/README.md",
            "[open](notebooks/adding_exercise.ipynb)",
            "",
            "has no link to adding",
        ),
        ("1_demo/README.md", "<!-- /exercises -->", "", "without its twin"),
        ("1_demo/adding.md", "report:adding", "report:sums", "no notebook sums_solution.ipynb"),
    ],
)
def test_mistakes_in_texts_and_pages_are_one_sentence(course, name, old, new, sentence):
    edit(name, old, new)
    problems = main_build().problems
    assert any(sentence in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


def test_two_topics_of_one_name_are_refused(course):
    folder = Path("2_more/notebooks/source")
    folder.mkdir(parents=True)
    text = Path("1_demo/notebooks/source/adding.py").read_text(encoding="utf-8")
    text = text.replace("1_demo", "2_more").replace("demo.add", "more.add")
    (folder / "adding.py").write_text(text, encoding="utf-8")
    assert "another topic is called 'adding'" in main_build().problems[0]


def test_words_whose_topic_is_gone_are_removed(course):
    Path("1_demo/notebooks/source/adding.toml").unlink()
    found = main_build(check=True).problems
    assert "smolcourse/words/topics/adding.toml has no source; run smolcourse build." in found
    main_build()
    assert not Path("smolcourse/words/topics/adding.toml").exists()
