"""What the outputs of a notebook depend on beside its own cells: the parts of the package it uses.

`smolcourse build --execute` runs a solution again if one of these changed, and no other:

- the package's files that its code imports, and those that they import, and so on; without
  comments and docstrings, which no output can show. What `check` looks up by an exercise's id is
  left out: tests prove the checkers and references, and no output of a right answer depends on them;
- the packaged checkpoints, by their manifests;
- what the topic's TOML says in the notebook's language, and for a Chinese notebook the package's own
  Chinese (the words of the command line apart).

Newer libraries are not noticed: `build --execute --all` runs everything.
"""

import ast
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from smolcourse.authoring.source import Source, drop_markers
from smolcourse.errors import CourseError

TERMINAL = ("commands", "programs")  # tables of words that no notebook shows
# What `from smolcourse import setup` leads to by way of `smolcourse.__getattr__`, which no reading
# of imports can see; everything else that is imported from the package bears its file's name.
ALWAYS = ("smolcourse.course", "smolcourse.report", "smolcourse.language")


def package_inputs(source: Source, lang: str, root: Path) -> str:
    """Hash of all that a topic's notebooks in `lang` use of the package."""
    names = set(ALWAYS)
    for cell in source.cells:
        if cell.kind == "code":
            names |= _imports(_parsed(drop_markers(cell.text), source.name), "smolcourse")
    files = _closure(names, root)
    parts = [
        [path.relative_to(root).as_posix(), _meaning(path, _stamp(path))] for path in sorted(files)
    ]
    manifests = sorted((root / "smolcourse" / "checkpoints").glob("*/manifest.json"))
    parts += [[path.parent.name, path.read_text(encoding="utf-8")] for path in manifests]
    if lang == "zh-CN":
        tables = (root / "smolcourse" / "words" / "package").glob("*.toml")
        parts += [
            [path.name, path.read_text(encoding="utf-8")]
            for path in sorted(tables)
            if path.stem not in TERMINAL
        ]
    parts.append(["texts", json.dumps(_shown(source.texts, lang), sort_keys=True)])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _closure(names: set[str], root: Path) -> set[Path]:
    """The package's files behind dotted names, with all that those import."""
    found: set[Path] = set()
    waiting = list(names)
    while waiting:
        path = _file(waiting.pop(), root)
        if path and path not in found:
            found.add(path)
            here = path.relative_to(root).with_suffix("").parts
            waiting += _imports(_tree(path, _stamp(path)), ".".join(here[:-1]))
    return found


def _file(name: str, root: Path) -> Path | None:
    """Where a module lies; None for a name in a module, other packages, and the package itself."""
    if not name.startswith("smolcourse."):
        return None
    base = root.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _imports(tree: ast.AST, package: str) -> set[str]:
    """Dotted names of all that a piece of code imports, wherever it does so."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def _parsed(text: str, name: str) -> ast.AST:
    """A code cell without IPython's own lines (`%` and `!`), which import nothing of ours."""
    try:
        return ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", text, flags=re.MULTILINE))
    except SyntaxError as error:
        raise CourseError(f"{name}: a code cell is not valid Python: {error.msg}.") from error


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _tree(path: Path, stamp: tuple[int, int]) -> ast.Module:
    """A file's tree without its docstrings; `stamp` makes an edited file another one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def _meaning(path: Path, stamp: tuple[int, int]) -> str:
    """A file's code as Python prints it: comments and line breaks are gone."""
    return ast.unparse(_tree(path, stamp))


def _shown(texts: dict, lang: str) -> dict:
    """The texts that a notebook in `lang` can show: English ones never need `[words]`."""
    other = "en" if lang == "zh-CN" else "zh-CN"

    def own(part):
        if not isinstance(part, dict):
            return part
        return {
            key: own(value)
            for key, value in part.items()
            if isinstance(value, dict) or not (key == other or key.endswith(f"-{other}"))
        }

    shown = {"report": own(texts.get("report", {}))}
    return shown | ({"words": texts.get("words", {})} if lang == "zh-CN" else {})
