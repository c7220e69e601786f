"""The helpers that read Markdown see what a reader sees."""

import pages
import pytest

TEXT = """\
# One

[a](b.md#c) and [![badge](x.svg)](https://example.org) <img src="y.png">

```bash
# no heading
```

## `Two` words, again!

| a | b |
|---|---|
| 1 | [t](t.zh-CN.md) |

## Two words again

<a id="here"></a> 词元 is a token.
"""


def test_structure_of_a_page():
    assert pages.headings(TEXT) == [
        (1, "One"), (2, "`Two` words, again!"), (2, "Two words again"),
    ]  # fmt: skip
    assert [(fence.info, fence.line) for fence in pages.fences(TEXT)] == [("bash", 6)]
    assert pages.tables(TEXT) == [(2, 2)]
    assert pages.anchors(TEXT) == {
        "here", "one", "two-words-again", "two-words-again-1",
    }  # fmt: skip
    assert pages.words("a b `c` 1,5\n\n```\nd e f\n```\n\n| g | h |\n|---|---|\n| i | j |\n") == 8
    assert pages.chinese_characters(TEXT) == 2


def test_links_are_found_whatever_their_form_and_compared_whatever_their_language():
    assert pages.links(TEXT) == [
        "b.md#c", "https://example.org", "x.svg", "y.png", "t.zh-CN.md",
    ]  # fmt: skip
    english = "[1](notebooks/x.ipynb) [2](a.md#top)"
    chinese = "[2](a.zh-CN.md#顶) [1](notebooks/zh-CN/x.ipynb)"
    assert pages.link_counts(english) == pages.link_counts(chinese)


@pytest.mark.parametrize(
    ("target", "broken"),
    [
        ("README.md", False),
        ("./tests/../README.md", False),
        ("missing.md", True),
        ("../outside.md", True),
        ("#one", False),
        ("#three", True),
        ("https://example.org/missing", False),
        ("https://github.com/smol-ai/course/blob/main/README.md", False),
        ("https://github.com/smol-ai/course/blob/main/missing.ipynb", True),
        ("https://colab.research.google.com/github/smol-ai/course/blob/main/missing.ipynb", True),
        ("https://github.com/smol-ai/course/issues", False),
    ],
)
def test_dead_links_are_found(target, broken):
    found = pages.broken_links(f"# One\n\n[x]({target})\n", pages.ROOT)
    assert found == ([target] if broken else [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (r"so $r \, (a + b)$", "takes the backslash"),
        (r"$$A \\ B$$", "takes the backslash"),
        ("$y_{<t}$", "write \\lt"),
        (r"$\operatorname{att}$", "write \\mathrm"),
        ("其中，$B$ 是", "put a space"),
        ("a $B$, **$C$** and `x$y$\\,`\n\n```\n$a\\,$\n```\n", None),
        (r"$$W' = W + \frac{\alpha}{r} BA \qquad y_{\lt t}$$", None),
    ],
)
def test_formulas_that_github_does_not_render_are_found(text, problem):
    found = pages.formula_problems(text)
    assert [problem in sentence for sentence in found] == ([True] if problem else [])
