"""Each snippet of a lesson page runs, and prints what the page says it prints.

The ```python fences of a page run in order in one namespace, as a reader would type them. Where
a ```text fence follows directly, it is compared with what the snippet printed, to the letter.
The Chinese pages have the same fences (tests/test_docs.py), so the English ones are run.
"""

import ast
import contextlib
import io
import sys

import pages
import pytest

NEAR = 2  # lines: a blank line at most between a snippet and its output


def run(text: str, where: str) -> None:
    """Run the snippets of a page; AssertionError where the output is another one."""
    namespace = {"__name__": "__lesson__"}
    printed, last = "", None
    for fence in pages.fences(text):
        if fence.info == "python":
            # Blank lines put the snippet at its own place: a traceback shows the page's line.
            code = compile("\n" * (fence.line - 1) + fence.code, where, "exec")
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(code, namespace)
            printed, last = out.getvalue(), fence
        elif fence.info == "text" and last is not None and fence.after < NEAR:
            assert printed == fence.code, f"{where}, line {fence.line}: the snippet prints this"
            last = None
        else:
            last = None


@pytest.mark.parametrize("path", pages.lessons(), ids=pages.name)
def test_the_snippets_of_a_lesson_print_what_the_page_says(path, monkeypatch):
    monkeypatch.chdir(pages.ROOT)
    monkeypatch.setattr(sys, "argv", ["lesson"])
    text = path.read_text(encoding="utf-8")
    assert any(fence.info == "python" for fence in pages.fences(text)), "a lesson has a snippet"
    run(text, pages.name(path))


@pytest.mark.parametrize("path", pages.lessons(), ids=pages.name)
def test_a_lesson_prints_no_exercises_answer(path):
    """A page that defines a function under an exercise's name gives its answer away."""
    asked = {
        node.name
        for file in (pages.ROOT / "smolcourse" / "reference").glob("*/*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    assert asked
    codes = [f.code for f in pages.fences(path.read_text(encoding="utf-8")) if f.info == "python"]
    tops = (node for code in codes for node in ast.walk(ast.parse(code)))
    assert [node.name for node in tops if getattr(node, "name", None) in asked] == []


PAGE = """\
# A page

```python
a = 1
print(a)
```

```text
{first}
```

Some prose.

```text
no output of a snippet
```

```python
print(a + 1)
```
```text
{second}
```
"""


def test_outputs_are_compared_to_the_letter():
    run(PAGE.format(first="1", second="2"), "page.md")
    for wrong in ({"first": "2", "second": "2"}, {"first": "1", "second": "3"}):
        with pytest.raises(AssertionError, match=r"page\.md, line"):
            run(PAGE.format(**wrong), "page.md")


def test_an_error_names_the_line_of_the_page():
    with pytest.raises(ZeroDivisionError) as caught:
        run("text\n\n```python\nx = 1\nx / 0\n```\n", "page.md")
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno + 1) == ("page.md", 5)
