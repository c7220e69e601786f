"""The pages: the same in both languages, no dead link, nothing of one machine or one place."""

import re
import subprocess
from pathlib import Path

import nbformat
import pages
import pytest
from machine_traces import machine_traces

ROOT = Path(__file__).parent.parent.parent
ENGLISH = [path for path in pages.pages() if not path.name.endswith(pages.CHINESE)]
CHINESE = [path for path in pages.pages() if path.name.endswith(pages.CHINESE)]
TWO_LANGUAGES_IN_ONE = {"docs/glossary.md"}
PAIRS = [path for path in ENGLISH if pages.name(path) not in TWO_LANGUAGES_IN_ONE]
# JupyterLab leaves copies beside a notebook that was opened; they are not the course's.
NOTEBOOKS = sorted(
    path
    for path in ROOT.glob("[0-9]_*/notebooks/**/*.ipynb")
    if ".ipynb_checkpoints" not in path.parts
)
SUMMARY = {"en": ["Summary", "Questions"], "zh-CN": ["小结", "思考题"]}


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=pages.name)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """The text of a notebook's Markdown cells."""
    cells = nbformat.read(path, as_version=4)["cells"]
    return "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")


def comparable(fence: pages.Fence) -> tuple:
    """What both languages must share: all of a code block; of a diagram or tree its structure."""
    if fence.info == "mermaid":  # the labels are translated, the nodes and arrows are not
        bare = re.sub(r"\"[^\"]*\"|\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|\|[^|]*\||:.*", "", fence.code)
        return fence.info, [re.sub(r"[^\x00-\x7f]+", "", line).strip() for line in bare.split("\n")]
    if fence.info == "tree":  # the remarks are translated, the names are not
        return fence.info, [line.split("  ")[0].rstrip() for line in fence.code.split("\n")]
    return fence.info, fence.code


@each(PAIRS)
def test_every_page_has_a_chinese_twin(path):
    assert pages.twin(path).is_file(), f"{pages.name(pages.twin(path))} is missing"


@each(CHINESE)
def test_every_chinese_page_has_an_english_one(path):
    assert path.with_name(path.name.replace(pages.CHINESE, ".md")).is_file()


@each([path for path in PAIRS if pages.twin(path).is_file()])
def test_both_languages_have_the_same_structure(path):
    english, chinese = read(path), read(pages.twin(path))
    levels = [[level for level, _ in pages.headings(text)] for text in (english, chinese)]
    assert levels[0] == levels[1], "headings"
    blocks = [[comparable(fence) for fence in pages.fences(text)] for text in (english, chinese)]
    assert blocks[0] == blocks[1], "code fences"
    assert pages.tables(english) == pages.tables(chinese), "rows and columns of tables"
    assert pages.link_counts(english) == pages.link_counts(chinese), "links"
    folded = [len(re.findall(r"<details", text)) for text in (english, chinese)]
    assert folded[0] == folded[1], "folded answers"


@each(CHINESE)
def test_a_chinese_page_is_in_chinese(path):
    english = read(path.with_name(path.name.replace(pages.CHINESE, ".md")))
    # A Chinese text has about 1.6 characters for an English word.
    assert pages.chinese_characters(read(path)) > 0.5 * pages.words(english)


@each(NOTEBOOKS)
def test_notebooks_have_the_same_links_in_both_languages(path):
    if path.parent.name != "zh-CN":
        twin = path.parent / "zh-CN" / path.name
        # From its deeper folder the Chinese notebook needs one ../ more.
        counts = [
            {re.sub(r"^(\.\./)+", "", target): n for target, n in pages.link_counts(text).items()}
            for text in (prose(path), prose(twin))
        ]
        assert counts[0] == counts[1]


@each(pages.pages())
def test_links_of_pages_lead_somewhere(path):
    assert pages.broken_links(read(path), path.parent) == []


@each(NOTEBOOKS)
def test_links_of_notebooks_lead_somewhere(path):
    assert pages.broken_links(prose(path), path.parent) == []


@each(pages.lessons())
def test_a_lesson_has_the_right_length(path):
    assert 800 <= pages.words(read(path)) <= 1500


@each(pages.lessons() + pages.lessons(chinese=True))
def test_a_lesson_ends_with_summary_and_questions(path):
    text = read(path)
    titles = [title for level, title in pages.headings(text) if level == 2]
    lang = "zh-CN" if path.name.endswith(pages.CHINESE) else "en"
    assert titles[-2:] == SUMMARY[lang]
    assert "<details>" in text.split(f"## {titles[-1]}")[1], "answers are folded"


def test_no_committed_file_names_an_index_or_a_path_of_this_machine():
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("not a git checkout")
    found = {}
    for name in done.stdout.split("\0"):
        # The work tree's uv.lock is completed by the first sync; tests/test_lock.py reads HEAD's.
        if not name or name == "uv.lock" or not (ROOT / name).is_file():
            continue
        try:
            text = read(ROOT / name)
        except UnicodeDecodeError:  # weights and pictures
            continue
        if traces := machine_traces(text):
            found[name] = traces
    assert found == {}


@each([ROOT / "README.md", ROOT / "README.zh-CN.md"])
def test_the_readme_shows_what_the_models_say_reach_and_cost(path):
    """`smolcourse build --check` compares the blocks; here is only that they stand there."""
    for block in ("sample", "results", "costs"):
        assert read(path).count(f"<!-- {block} -->") == read(path).count(f"<!-- /{block} -->") == 1


@each(sorted(ROOT.glob("[0-9]_*/README*.md")))
def test_a_module_page_lists_its_exercises(path):
    assert read(path).count("<!-- exercises -->") == 1


def chinese_texts() -> dict[str, str]:
    """Everything that a Chinese reader reads: pages, notebook sources, what the checks say."""
    paths = list(CHINESE)
    for pattern in (
        "[0-9]_*/notebooks/source/*.*",
        "smolcourse/checks/*/*.toml",
        "smolcourse/words/package/*.toml",
    ):
        paths += sorted(ROOT.glob(pattern))
    # Chinese has no spaces: 返回 and 合并 side by side hold 回合, which is another word.
    return {pages.name(path): re.sub("返回|合并", " ", read(path)) for path in paths}


def test_one_thing_has_one_chinese_name():
    """No text uses a word that the glossary lists as another word for one of its terms."""
    rows = [line.split("|") for line in read(ROOT / "docs/glossary.md").splitlines()]
    avoided = {
        word: row[2].strip()
        for row in rows
        if len(row) == 7 and row[2].strip() != "中文" and not set(row[2]) <= set("-")
        for word in row[5].strip().split("、")
        if word
    }
    assert len(avoided) > 20
    found = [
        f"{where}: {word}, here called {term}"
        for where, text in chinese_texts().items()
        for word, term in avoided.items()
        if word in text
    ]
    assert found == []


@each([path for path in pages.pages() if "$" in read(path)])
def test_formulas_render_on_github(path):
    assert pages.formula_problems(read(path)) == []
