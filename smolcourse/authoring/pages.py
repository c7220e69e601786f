"""The generated parts of Markdown pages: blocks between markers, and Colab links.

A block stands between two comments, `<!-- NAME -->` and `<!-- /NAME -->`; what is between them is
replaced:

    report:TOPIC   what the topic's solution notebook reported
    exercises      the exercises of the module whose page this is
    sample, results, costs   what the README shows (`readme.py`)

A link to Colab opens the notebook at the tag of the package's version, wherever it stands.
`docs/results.md` and its twin are generated whole.
"""

from __future__ import annotations

import re
from pathlib import Path

from smolcourse.authoring import exercises, readme, results
from smolcourse.authoring.render import COLAB
from smolcourse.authoring.source import Source
from smolcourse.errors import CourseError

PATTERNS = ("*.md", "[0-9]_*/*.md", "docs/**/*.md")
KINDS = "report|exercises|sample|results|costs"
MARK = re.compile(rf"<!-- /?(?:{KINDS})(?::\w+)? -->")
BLOCK = re.compile(rf"(<!-- ({KINDS})(?::(\w+))? -->\n)(.*?)(<!-- /\2 -->)", re.DOTALL)


def language_of(page: Path) -> str:
    """Pages in Chinese end in `.zh-CN.md`."""
    return "zh-CN" if page.name.endswith(".zh-CN.md") else "en"


def find_pages(root: Path) -> list[Path]:
    """The pages that may have generated parts; without those that are generated whole."""
    found = {page for pattern in PATTERNS for page in root.glob(pattern)}
    return sorted(found - {root / name for name in results.PAGES.values()})


def fresh(root: Path, page: Path, sources: list[Source], tag: str) -> str:
    """The text of a page with its generated parts written anew.

    Raises `CourseError` for a marker without its twin, and for what a block can't be made of.
    """
    lang, name = language_of(page), page.relative_to(root).as_posix()
    text = page.read_text(encoding="utf-8")
    if len(MARK.findall(text)) != 2 * len(BLOCK.findall(text)):
        raise CourseError(
            f"{name} has a marker of a generated block without its twin; a block stands between "
            "<!-- NAME --> and <!-- /NAME -->, each on its own line."
        )

    prose = BLOCK.sub("", text)

    def block(match: re.Match) -> str:
        kind, topic = match[2], match[3]
        if kind == "report":
            body = results.report_block(root, page, topic, lang)
        elif kind == "exercises":
            body = exercises.exercise_table(root, page, prose, sources, lang)
        else:
            body = readme.BLOCKS[kind](root, lang)
        return f"{match[1]}\n{body}\n\n{match[5]}"

    text = BLOCK.sub(block, text)
    return re.sub(re.escape(COLAB) + r"[^/)\s]+/", f"{COLAB}{tag}/", text)
