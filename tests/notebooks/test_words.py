"""A Chinese notebook shows no English sentence of ours.

Twice over: in the sources, where each text that a cell prints or draws is looked for in the tables,
and in the executed notebooks, where captions, heads of tables and printed lines are read. What a
model or a dataset says is English and stays so. A text that is the same in both languages
(`"LoRA" = "LoRA"`) says so in the topic's table.
"""

import ast
import base64
import io
import json
import re
from functools import cache

import pytest
from PIL import Image
from test_notebooks import ROOT, SOLUTIONS, name

from smolcourse import translate
from smolcourse.authoring.build import find_sources
from smolcourse.authoring.source import drop_markers, read_source

SOURCES = [read_source(path, ROOT) for path in find_sources(ROOT)]
CHINESE = [path for path in SOLUTIONS if path.parent.name == "zh-CN"]
WORD = re.compile(
    r"(?<![\w{.\\$])(?!log\b|exp\b)[a-z]{3,}(?![\w}.(\[=])"
)  # no name in braces, no code
SENTENCE = re.compile(r"(?<!\w)[A-Za-z']*[a-z]{2,},? [a-z]{2,}(?!\w)")  # two words in a row


def own(source) -> dict[str, str]:
    """The [words] of the TOPIC.toml beside a source."""
    return source.texts.get("words", {})


def known(source) -> dict[str, str]:
    return translate.chinese_words("") | own(source)


def trees(source):
    for cell in source.cells:
        if cell.kind == "code":
            text = re.sub(r"^(\s*)[%!].*$", r"\1pass", drop_markers(cell.text), flags=re.MULTILINE)
            yield cell.id, ast.parse(text)


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def literals(node: ast.AST):
    """The texts in a call's arguments: not what indexes a table, and not what an inner call takes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        elif isinstance(child, ast.JoinedStr):
            yield "".join(
                getattr(part, "value", "{}")
                for part in child.values
                if isinstance(part, ast.Constant)
            )
        elif not isinstance(child, (ast.Subscript, ast.Call, ast.Compare)):
            yield from literals(child)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.topic)
def test_what_a_cell_says_goes_through_say(source):
    """`print` is for data; a sentence is said by `show.say`, which translates it."""
    found = [
        f"{cell}: {text!r}"
        for cell, tree in trees(source)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) == "print"
        for text in literals(ast.Tuple([*node.args], ast.Load()))
        if WORD.search(text)
    ]
    assert found == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.topic)
def test_what_a_cell_says_and_draws_is_translated(source):
    found = []
    for cell, tree in trees(source):
        for node in ast.walk(tree):
            if not (
                isinstance(node, ast.Call)
                and (called(node) == "tr" or called(node).startswith("show."))
            ):
                continue
            said = called(node) in ("show.say", "tr")
            if said and not isinstance(node.args[0], ast.Constant):
                if isinstance(node.args[0], ast.JoinedStr):
                    found.append(f"{cell}: show.say takes a plain text with {{names}}, no f-string")
                continue
            if said:
                texts = [node.args[0].value]
            else:
                texts = list(literals(ast.Tuple([*node.args, *(k.value for k in node.keywords)])))
            found += [
                f"{cell}: {text!r}"
                for text in texts
                if WORD.search(text) and text not in known(source)
            ]
    assert found == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.topic)
def test_a_topics_words_are_used_and_fill_in_the_same_names(source):
    said = {
        node.value
        for _, tree in trees(source)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    wrong = []
    for english, chinese in own(source).items():
        names = [sorted(set(re.findall(r"(?<!{){(\w+)", t))) for t in (english, chinese)]
        if names[0] != names[1] or not chinese.strip():
            wrong.append(f"{english!r} and {chinese!r} fill in different names")
        if english not in said:
            wrong.append(f"{english!r} is said nowhere")
    assert wrong == []


def shown(notebook: dict):
    """(cell, text) of all in the outputs that only we can have written."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            plain = "".join(output.get("data", {}).get("text/plain", ""))
            if plain.startswith(("[图]", "[plot]")):
                yield cell["id"], plain
            markup = "".join(output.get("data", {}).get("text/html", ""))
            for head in re.findall(r"<th[^>]*>(.*?)</th>", markup):
                yield cell["id"], head


def fragments(cell: dict):
    """The English between the braces of all that a cell says."""
    try:
        tree = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", "".join(cell["source"]), flags=re.M))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in ("print", "show.say") and node.args:
            for text in literals(ast.Tuple([node.args[0]], ast.Load())):
                yield from (part for part in re.split(r"{[^}]*}", text) if SENTENCE.search(part))


@pytest.mark.parametrize("path", CHINESE, ids=name)
def test_the_plots_of_an_executed_chinese_notebook_are_in_chinese(path):
    """They are pictures; their title says in which language they were drawn (smolcourse/show.py)."""
    titles = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            picture = output.get("data", {}).get("image/png")
            if picture and "".join(output["data"]["text/plain"]).startswith("[图]"):
                made = Image.open(io.BytesIO(base64.b64decode("".join(picture))))
                titles.append(made.text.get("Title", ""))
    assert [title for title in titles if not re.search("[\u4e00-\u9fff]", title)] == []


@cache
def said_by_the_package() -> set[str]:
    """The English sentences in the code that notebooks import, docstrings apart, as whole pieces."""
    found = set()
    package = ROOT / "smolcourse"
    for path in (*package.glob("*.py"), *package.glob("topics/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        first = [n.body[0] for n in ast.walk(tree) if isinstance(n, documented) and n.body]
        docs = {id(node.value) for node in first if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                pieces = re.split(r"{[^}]*}", "" if id(node) in docs else node.value)
                found |= {piece for piece in pieces if SENTENCE.search(piece)}
    return found


@pytest.mark.parametrize("path", CHINESE, ids=name)
def test_an_executed_chinese_notebook_shows_no_english_sentence_of_ours(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    same = {
        e for e, c in translate.chinese_words(path.stem.removesuffix("_solution")).items() if e == c
    }
    found = []
    for at, text in shown(notebook):
        for one in same:
            text = text.replace(one, "")
        found += [f"{at}: {text!r}"] if SENTENCE.search(text) else []
    for cell in notebook["cells"]:
        printed = "".join("".join(o.get("text", "")) for o in cell.get("outputs", []))
        plain = [o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
        printed += "".join("".join(text) for text in plain)
        own = {*fragments(cell), *said_by_the_package()}
        found += [f"{cell['id']}: {part!r}" for part in own if part in printed]
    assert found == []
