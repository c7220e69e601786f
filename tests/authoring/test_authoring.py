"""One source makes four notebooks: on a small sample source in a folder of its own."""

import json
import runpy
from pathlib import Path

import pytest
from small_course import CHINESE, CHINESE_SOLUTION, EXERCISE, SAMPLE, SOLUTION

from smolcourse.authoring.build import main_build
from smolcourse.authoring.execute import clean_outputs
from smolcourse.authoring.render import render, render_all
from smolcourse.authoring.source import cut_solutions, read_source, text_stamp
from smolcourse.errors import CourseError


def load(name: str) -> dict:
    return json.loads(Path(name).read_text(encoding="utf-8"))


def code(notebook: dict) -> list[str]:
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def with_fake_outputs(name: str, output: str = "kept") -> None:
    """As if the notebook had been executed."""
    notebook = load(name)
    for count, cell in enumerate([c for c in notebook["cells"] if c["cell_type"] == "code"], 1):
        cell["execution_count"] = count
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [output]}]
    Path(name).write_text(json.dumps(notebook), encoding="utf-8")


def test_solution_is_cut_and_the_rest_of_the_exercise_stays(sample):
    assert main_build().exit_status == 0
    exercise = next(text for text in code(load(EXERCISE)) if "def add" in text)
    assert exercise.startswith("# Exercise demo.add 🐕 5 min\ndef add(a, b):")
    assert exercise.endswith('>>> add(1, 2)\n    3\n    """\n    raise NotImplementedError')
    assert "total" not in Path(EXERCISE).read_text(encoding="utf-8")
    solved = next(text for text in code(load(SOLUTION)) if "def add" in text)
    assert "return total" in solved and "SOLUTION" not in solved


def test_cutting_keeps_indentation_and_code_after_the_solution():
    text = "class A:\n    def f(self):\n        ### BEGIN SOLUTION\n        x = 1\n" + (
        "        ### END SOLUTION\n        return x"
    )
    wanted = "class A:\n    def f(self):\n        raise NotImplementedError\n        return x"
    assert cut_solutions(text) == wanted


def test_solution_only_cells_are_dropped_from_the_exercise(sample):
    main_build()
    assert len(code(load(SOLUTION))) == len(code(load(EXERCISE))) + 1
    assert "remark" not in Path(EXERCISE).read_text(encoding="utf-8")
    assert "说明" not in Path(CHINESE).read_text(encoding="utf-8")  # takes its English cell's tags
    assert "说明" in Path(CHINESE_SOLUTION).read_text(encoding="utf-8")


def test_languages_share_code_and_not_prose(sample):
    main_build()
    for english, chinese in ((EXERCISE, CHINESE), (SOLUTION, CHINESE_SOLUTION)):
        assert code(load(english)) == code(load(chinese))
    assert "加法" in Path(CHINESE).read_text(encoding="utf-8")
    assert "Adding numbers" not in Path(CHINESE).read_text(encoding="utf-8")
    assert "加法" not in Path(EXERCISE).read_text(encoding="utf-8")


def test_first_cell_names_the_source_and_has_a_badge(sample):
    main_build()
    for name, word in ((EXERCISE, "Generated from"), (CHINESE_SOLUTION, "生成")):
        first = "".join(load(name)["cells"][0]["source"])
        assert "1_demo/notebooks/source/adding.py" in first and word in first
        assert f"smol-ai/course/blob/v0.2.0/{name}" in first


def test_notebooks_are_valid_and_ids_unique(sample):
    import nbformat

    main_build()
    for name in (EXERCISE, SOLUTION, CHINESE, CHINESE_SOLUTION):
        nbformat.validate(nbformat.read(name, as_version=4))
        ids = [cell["id"] for cell in load(name)["cells"]]
        assert len(ids) == len(set(ids))


def test_nbgrader_metadata(sample):
    main_build()
    cells = {cell["id"]: cell["metadata"].get("nbgrader") for cell in load(EXERCISE)["cells"]}
    base = {"schema_version": 3, "task": False}
    assert cells["demo-add"] == base | {
        "grade": False, "solution": True, "locked": False, "grade_id": "demo-add"
    }  # fmt: skip
    assert cells["demo-add-check"] == base | {
        "grade": True, "solution": False, "locked": True, "grade_id": "demo-add-check", "points": 2
    }  # fmt: skip


def test_rebuild_is_byte_identical_and_touches_nothing(sample):
    main_build()
    files = sorted(Path().rglob("*.ipynb")) + sorted(Path("smolcourse").rglob("*.py"))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    outcome = main_build()
    assert not any("written" in message for message in outcome.messages)
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    for path in files:
        path.unlink()
    main_build()
    assert {p: b[0] for p, b in before.items()} == {path: path.read_bytes() for path in files}


def test_stale_translation_fails_and_names_file_cell_and_hash(sample):
    main_build()
    before = Path(CHINESE).read_bytes()
    text = sample.read_text(encoding="utf-8").replace("Adding numbers", "Adding two numbers")
    sample.write_text(text, encoding="utf-8")
    outcome = main_build()
    assert outcome.exit_status == 1
    [problem] = outcome.problems
    assert problem.startswith(
        "1_demo/notebooks/source/adding.py, cell 2: the Chinese cell is stale"
    )
    assert f'of="{text_stamp("# Adding two numbers")}"' in problem
    assert Path(CHINESE).read_bytes() == before  # nothing of a broken source is written
    assert main_build(restamp=True).exit_status == 0
    assert "Adding two numbers" in Path(EXERCISE).read_text(encoding="utf-8")


def test_missing_hash_or_missing_translation_fails(sample):
    text = sample.read_text(encoding="utf-8")
    sample.write_text(SAMPLE, encoding="utf-8")
    assert "has no of=" in main_build().problems[0]
    sample.write_text(text.replace('# %% [markdown] lang="zh-CN" of', '# %% id="x" reason'))
    assert "its Chinese cell is missing" in main_build().problems[0]


def test_stamp_ignores_line_ends_and_trailing_space():
    assert text_stamp("# A\n\nb  \n") == text_stamp("\n# A\r\n\r\nb")
    assert text_stamp("# A") != text_stamp("# B")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (' level="🐕"', "", "needs level="),
        (" minutes=5", "", "needs minutes=10"),
        (">>> add(1, 2)", "it adds", "one worked example"),
        ('id="demo.add.check"', 'id="other"', "must be its check"),
        ('check("demo.add", add)', 'check("demo.sum", add)', "must contain add = check"),
        ("    ### END SOLUTION\n", "", "needs one ### END SOLUTION"),
        ('id="setup"', 'id="demo.add"', "is used twice"),
        ('id="setup"', 'id="s" tags=["nbval-ignore-output"]', 'needs reason="..."'),
        ('id="setup"', 'id="s" colour="red"', "unknown cell attribute colour"),
        ("topic: adding", "topic: sums", "name it 'adding'"),
        ("# ---\n", "", "start the file with a header"),
        ("total = a + b", "total = a +", "is not valid Python"),
        (" minutes=5", ' minutes=5 needs="demo.none"', "needs unknown exercise 'demo.none'"),
    ],
)
def test_mistakes_in_a_source_are_one_sentence(sample, before, after, sentence):
    text = sample.read_text(encoding="utf-8")
    assert before in text
    sample.write_text(text.replace(before, after), encoding="utf-8")
    problems = main_build().problems
    assert any(sentence in problem for problem in problems), problems
    assert all("\n" not in problem and problem.endswith((".", ").")) for problem in problems)
    assert not Path(EXERCISE).exists()


def test_hand_edited_notebook_is_not_overwritten(sample):
    main_build()
    notebook = load(EXERCISE)
    notebook["cells"][3]["source"] = ["my own work"]
    Path(EXERCISE).write_text(json.dumps(notebook), encoding="utf-8")
    mine = Path(EXERCISE).read_bytes()
    for outcome in (
        main_build(),
        main_build(check=True),
        main_build([CHINESE_SOLUTION], force=True),
    ):
        [problem] = [p for p in outcome.problems if EXERCISE in p]
        assert "was edited by hand" in problem
        assert Path(EXERCISE).read_bytes() == mine
    assert main_build(force=True).exit_status == 0
    assert "my own work" not in Path(EXERCISE).read_text(encoding="utf-8")


def test_broken_notebook_is_not_overwritten(sample):
    main_build()
    Path(EXERCISE).write_text("{half a notebo", encoding="utf-8")
    assert "was edited by hand" in main_build().problems[0]


def test_running_a_notebook_is_not_editing_it(sample):
    main_build()
    with_fake_outputs(EXERCISE)
    notebook = load(EXERCISE)
    notebook["metadata"]["language_info"]["version"] = "3.13.1"
    notebook["cells"].append(
        {"cell_type": "code", "id": "x", "metadata": {}, "source": [], "outputs": []}
    )
    Path(EXERCISE).write_text(json.dumps(notebook), encoding="utf-8")
    assert main_build().exit_status == 0


def test_outputs_survive_while_the_code_is_unchanged(sample):
    main_build()
    with_fake_outputs(SOLUTION)
    text = sample.read_text(encoding="utf-8")
    sample.write_text(text.replace("# 加法", "# 相加"), encoding="utf-8")
    main_build()
    sample.write_text(text.replace("Adding numbers", "Adding many"), encoding="utf-8")
    main_build(restamp=True)
    assert "kept" in Path(SOLUTION).read_text(encoding="utf-8")
    sample.write_text(sample.read_text(encoding="utf-8").replace("ready", "steady"), "utf-8")
    outcome = main_build()
    assert any("outputs were dropped; run build --execute" in m for m in outcome.messages)
    assert "kept" not in Path(SOLUTION).read_text(encoding="utf-8")


def test_check_reports_every_difference_and_writes_nothing(sample):
    problems = main_build(check=True).problems
    assert [p.split()[0] for p in problems] == [
        "smolcourse/reference/demo/add.py",
        EXERCISE,
        SOLUTION,
        CHINESE,
        CHINESE_SOLUTION,
        "docs/results.md",
        "docs/results.zh-CN.md",
    ]
    assert not Path(EXERCISE).exists()
    main_build()
    problems = main_build(check=True).problems
    assert len(problems) == 2 and all("no stored outputs" in p for p in problems)
    with_fake_outputs(SOLUTION)
    with_fake_outputs(CHINESE_SOLUTION)
    assert main_build(check=True).problems == []
    sample.write_text(sample.read_text(encoding="utf-8").replace("ready", "steady"), "utf-8")
    problems = main_build(check=True).problems
    assert len(problems) == 4 and all("out of date" in p for p in problems)


def test_check_notices_changed_tags(sample):
    main_build()
    text = Path(EXERCISE).read_text(encoding="utf-8")
    Path(EXERCISE).write_text(text.replace('"points": 2', '"points": 9'), encoding="utf-8")
    assert any(EXERCISE in problem for problem in main_build(check=True).problems)


def test_files_whose_source_is_gone_are_reported(sample):
    main_build()
    sample.rename(sample.with_name("other.py"))
    text = sample.with_name("other.py").read_text(encoding="utf-8")
    text = text.replace("topic: adding", "topic: other").replace("demo.add", "demo.plus")
    sample.with_name("other.py").write_text(text, encoding="utf-8")
    outcome = main_build()
    assert sum("is gone; delete it" in problem for problem in outcome.problems) == 4
    assert not Path("smolcourse/reference/demo/add.py").exists()


def test_reference_is_generated_and_imports_alone(sample):
    main_build()
    path = "smolcourse/reference/demo/add.py"
    first = Path(path).read_text(encoding="utf-8").split("\n")[0]
    assert first == (
        "# generated from 1_demo/notebooks/source/adding.py by smolcourse build; do not edit"
    )
    assert runpy.run_path(path)["answer"](2, 3) == 5


def test_reference_imports_what_it_needs(sample):
    extra = SAMPLE[SAMPLE.index('# %% id="demo.add"') : SAMPLE.index('# %% id="result"')]
    extra = extra.replace("demo.add", "demo.twice").replace("add", "twice")
    extra = extra.replace("minutes=5", 'minutes=5 needs="demo.add"')
    sample.write_text(sample.read_text(encoding="utf-8") + "\n" + extra, encoding="utf-8")
    assert main_build().exit_status == 0
    text = Path("smolcourse/reference/demo/twice.py").read_text(encoding="utf-8")
    assert "from smolcourse.reference.demo.add import add\n" in text


def test_kernels_keep_bytecode_also_where_python_is_told_not_to(sample, monkeypatch):
    """Without it each notebook would compile its libraries anew, and report those seconds."""
    seen = []
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr("nbclient.NotebookClient.execute", lambda client, env: seen.append(env))
    main_build([SOLUTION], execute=True)
    assert seen and "PYTHONDONTWRITEBYTECODE" not in seen[0]


def test_execute_stores_outputs_that_check_accepts(sample):
    outcome = main_build([SOLUTION], execute=True)
    assert outcome.exit_status == 0, outcome.problems
    cells = [cell for cell in load(SOLUTION)["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4]
    assert cells[0]["outputs"][0]["text"] == ["ready\n"]
    assert cells[3]["outputs"][0]["data"]["text/plain"] == ["3"]
    assert "no stored outputs" in main_build(check=True).problems[0]  # the Chinese one, not run
    # A second run that fails changes nothing on disk and says which cell stopped.
    before = Path(SOLUTION).read_bytes()
    text = sample.read_text(encoding="utf-8").replace("total = a + b", "total = a / 0")
    sample.write_text(text, encoding="utf-8")
    [problem] = main_build([SOLUTION], execute=True).problems
    assert problem == f"{SOLUTION}, cell result stopped: ZeroDivisionError: division by zero"
    assert Path(SOLUTION).read_bytes() == before


def test_outputs_are_cleaned(tmp_path):
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "bar"}
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": "100%|####| a warning"},
        {"output_type": "stream", "name": "stdout", "text": "1%\r50%\rdone\n"},
        {"output_type": "stream", "name": "stdout", "text": f"saved in {tmp_path}/runs\n"},
        {"output_type": "display_data", "data": widget, "metadata": {}},
        {
            "output_type": "execute_result",
            "data": {"text/plain": "<A at 0x7f00aa11bb22>"},
            "metadata": {},
            "execution_count": 77,
        },
    ]
    stream, result = clean_outputs(outputs, 3, tmp_path)
    assert stream["text"] == "done\nsaved in ./runs\n"
    assert result["data"]["text/plain"] == "<A at 0x...>" and result["execution_count"] == 3


def test_nothing_to_build_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match="not the course's repository"):
        main_build()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "smolcourse"\nversion = "0.2.0"\n')
    with pytest.raises(CourseError, match="No notebook sources"):
        main_build()


def test_render_is_a_pure_function_of_the_source(sample, tmp_path):
    source = read_source(sample, tmp_path)
    assert render_all(source, "v1") == render_all(read_source(sample, tmp_path), "v1")
    assert render(source, "zh-CN", "exercise", "v1")["metadata"]["smolcourse"]["lang"] == "zh-CN"


def test_every_reference_of_the_course_imports_alone():
    folder = Path(__file__).parents[2] / "smolcourse/reference"
    paths = sorted(folder.glob("*/*.py"))
    assert len(paths) > 50
    for path in paths:
        assert callable(runpy.run_path(str(path))["answer"]), path.name
