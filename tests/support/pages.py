"""Reading the course's Markdown for tests: headings, fences, tables, links, words.

markdown-it does the parsing (it comes with rich), so a `#` in a code block is no heading.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = {".git", ".venv", "venv", "runs", "build", "dist", "node_modules", "checkpoints"}
CHINESE = ".zh-CN.md"
IN_REPOSITORY = re.compile(
    r"^https://(?:colab\.research\.google\.com/github|github\.com)/smol-ai/course/(?:blob|tree)/(?:main|v[\d.]+)/"
)
_PARSER = MarkdownIt("commonmark").enable("table")


def pages() -> list[Path]:
    """Every Markdown page of the repository, sorted; model cards are data and not among them."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(part in ELSEWHERE or part.startswith(".") for part in _parts(path))
    )


def lessons(chinese: bool = False) -> list[Path]:
    """The lesson pages: what lies beside a module's README."""
    found = [p for p in ROOT.glob("[0-9]_*/*.md") if not p.name.startswith("README")]
    return sorted(path for path in found if path.name.endswith(CHINESE) == chinese)


def twin(path: Path) -> Path:
    """The Chinese page of an English one."""
    return path.with_name(path.name.removesuffix(".md") + CHINESE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _parts(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).parts


@cache
def tokens(text: str) -> tuple[Token, ...]:
    """Block tokens; a block's text is the `content` of the inline token inside it."""
    return tuple(_PARSER.parse(text))


@dataclass(frozen=True)
class Fence:
    """A fenced code block: language, text, and the line of its first code line (from 1)."""

    info: str
    code: str
    line: int
    after: int | None  # how many lines lie between the fence before and this one


def headings(text: str) -> list[tuple[int, str]]:
    """[(level, title)] in order."""
    found, blocks = [], tokens(text)
    for token, following in zip(blocks, blocks[1:], strict=False):
        if token.type == "heading_open":
            found.append((int(token.tag[1]), following.content))
    return found


def fences(text: str) -> list[Fence]:
    """All fenced code blocks in order."""
    found, end = [], None
    for token in tokens(text):
        if token.type == "fence":
            start, stop = token.map
            after = None if end is None else start - end
            found.append(Fence(token.info.strip(), token.content, start + 2, after))
            end = stop
    return found


def tables(text: str) -> list[tuple[int, int]]:
    """[(rows, columns)] of each table, its header row included."""
    found: list[list[int]] = []
    for token in tokens(text):
        if token.type == "table_open":
            found.append([0, 0])
        elif token.type == "tr_open":
            found[-1][0] += 1
        elif token.type == "th_open":
            found[-1][1] += 1
    return [(rows, columns) for rows, columns in found]


def links(text: str) -> list[str]:
    """Targets of all links and images, HTML ones included, in order."""
    found = []
    for token in tokens(text):
        if token.type == "html_block":
            found += _html_links(token.content)
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                found.append(child.attrGet("href") or child.attrGet("src"))
            elif child.type == "html_inline":
                found += _html_links(child.content)
    return [unquote(target) for target in found if target]


def _html_links(html: str) -> list[str]:
    return re.findall(r"""(?:href|src)=["']([^"']+)["']""", html)


def neutral(target: str) -> str:
    """A link's target without its language and without its anchor (anchors are translated)."""
    bare = target.split("#")[0] if not target.startswith("#") else "#"
    return bare.replace(".zh-CN.md", ".md").replace("/zh-CN/", "/").replace("zh-CN/", "")


def link_counts(text: str) -> Counter:
    """How often each target is linked, whatever the language; word order may differ."""
    return Counter(neutral(target) for target in links(text))


def words(text: str) -> int:
    """Words of prose, tables included: what a reader reads. Code and HTML tags are not counted."""
    prose = [token.content for token in tokens(text) if token.type == "inline"]
    prose += [re.sub(r"<[^>]+>", " ", t.content) for t in tokens(text) if t.type == "html_block"]
    return len(re.findall(r"[A-Za-z0-9][\w'’.,%/+-]*", " ".join(prose)))


def chinese_characters(text: str) -> int:
    """How many Chinese characters there are outside code."""
    prose = " ".join(t.content for t in tokens(text) if t.type in ("inline", "html_block"))
    return sum("\u4e00" <= char <= "\u9fff" for char in prose)


def anchors(text: str) -> set[str]:
    """The anchors GitHub makes of the headings, and explicit ones."""
    found: Counter = Counter(re.findall(r"""<a (?:id|name)=["']([^"']+)["']""", text))
    for _, title in headings(text):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        kept = "".join(c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        slug = kept.replace(" ", "-")
        earlier = found[slug]  # a second "Summary" is summary-1
        found[slug] += 1
        if earlier:
            found[f"{slug}-{earlier}"] += 1
    return set(found)


def broken_links(text: str, folder: Path) -> list[str]:
    """Relative links of a text in `folder`, and links into this repository, that lead nowhere."""
    broken = []
    for target in links(text):
        inside = IN_REPOSITORY.match(target)
        if not inside and re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target[inside.end() if inside else 0 :].partition("#")
        file = (ROOT if inside else folder) / path if path else None
        if file is not None and (
            not file.exists() or ROOT not in (file.resolve(), *file.resolve().parents)
        ):
            broken.append(target)
        elif anchor and not inside and (file is None or file.suffix == ".md"):
            there = text if file is None else file.read_text(encoding="utf-8")
            if anchor not in anchors(there):
                broken.append(target)
    return broken


_CODE = re.compile(r"^```.*?^```\s*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_MATH = re.compile(r"\$\$(.+?)\$\$|\$(?!\s)([^$\n]+?)(?<!\s)\$", re.DOTALL)


def formula_problems(text: str) -> list[str]:
    """What GitHub would not render, a sentence each; JupyterLab is more forgiving.

    GitHub reads a page as Markdown first: a backslash before punctuation is an escape and goes, a
    `<` may open a tag, and a `$` right behind a letter or a Chinese comma opens no formula. It
    refuses some macros altogether.
    """
    text = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    found = []
    for match in _MATH.finditer(text):
        formula, before = match[0], text[max(0, match.start() - 1) : match.start()]
        if escapes := re.findall(r"\\[!-/:-@\[-`{-~]", formula):
            found.append(f"{formula}: Markdown takes the backslash of {escapes[0]}")
        if "<" in formula:
            found.append(f"{formula}: write \\lt for <")
        if "\\operatorname" in formula:
            found.append(f"{formula}: write \\mathrm for \\operatorname")
        if match[2] and before.strip() and before not in "([*|":
            found.append(f"{formula}: put a space before it")
    return found
