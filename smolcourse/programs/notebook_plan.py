"""Read a learner's notebook: its exercises, its language, and what each check in it needs.

    notebook = read(path)
    exercises(notebook, path)         {"sft.mask": 7, ...}: the cell of each; None where it is gone
    statements(code_cells(notebook))  its code, one top-level statement each, with its names
    needed(statements, at)            which of them a kernel must have run before statement `at`

Nothing here runs a learner's code, so a grader can use it outside its sandbox.
"""

import __future__

import ast
import json
import re
import symtable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from smolcourse.checks.core.exercise import known_ids
from smolcourse.errors import CourseError
from smolcourse.textfiles import read_text

LINE = re.compile(r"^\s*#\s*Exercise\s+(\w+\.\w+)", re.MULTILINE)
RUN_MAGICS = ("time", "capture", "prun")  # cell magics whose cell is run in the notebook itself
# Calls that load, download or train; what depends on them is run only for an answer that needs it.
COSTLY = {"setup", "from_pretrained", "load_dataset", "snapshot_download", "pipeline"}
COSTLY |= {"train", "fit", "generate"}
# Statements with these may bind or change any name.
WILD = {"exec", "globals", "locals", "vars", "eval"}
EVERYWHERE = ("sys.path", "os.environ", "os.chdir")
FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@dataclass(frozen=True)
class Code:
    """One code cell: its place among all cells, its text as Python, the exercise that it holds."""

    at: int
    text: str
    exercise: str | None = None


@dataclass
class Statement:
    """A top-level statement. `tree` is None for a cell that Python can't parse (it is kept whole).

    `binds` are the names it assigns, `changes` those whose object it changes in place, `uses` those
    it (or a function in it) reads; `ids` the exercises that it checks by a literal id.
    """

    cell: Code
    tree: ast.stmt | None = None
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    checks: bool = False
    costly: bool = False
    wild: bool = False

    @property
    def defines(self) -> bool:
        """Is it an import or a definition: quick, whatever the function does once it is called?"""
        kinds = ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
        return isinstance(self.tree, kinds)


# ---------------------------------------------------------------- the file


def read(path: Path) -> dict:
    """The notebook's JSON, with or without a byte order mark. Raises CourseError."""
    try:
        notebook = json.loads(read_text(path))
    except FileNotFoundError:
        raise CourseError("There is no notebook {path}; check the path.", path=path) from None
    except OSError as error:
        raise CourseError(
            "{path} cannot be read ({strerror}); check the path.",
            path=path,
            strerror=error.strerror,
        ) from error
    except UnicodeDecodeError as error:
        raise CourseError(
            "{name} is not UTF-8 text, as notebooks are; save it again in Jupyter, or take a fresh copy.",
            name=path.name,
        ) from error
    except (ValueError, RecursionError) as error:
        raise CourseError(
            "{name} is not a notebook (not JSON); it may be half saved: save it again in Jupyter, or take a fresh copy.",
            name=path.name,
        ) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise CourseError("{name} is JSON but not a notebook; name an .ipynb file.", name=path.name)
    notebook["cells"] = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    return notebook


def text_of(cell: dict) -> str:
    """A cell's source as one string (the file may hold a list of lines)."""
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _part(holder: dict, *keys: str) -> dict:
    for key in keys:
        part = holder.get(key)
        holder = part if isinstance(part, dict) else {}
    return holder


def exercise_of(cell: dict) -> str | None:
    """The exercise that a cell holds or checks: by its metadata, its first line, or the cell's id."""
    course, grader = _part(cell, "metadata", "smolcourse"), _part(cell, "metadata", "nbgrader")
    if grader.get("solution") or grader.get("grade"):
        if "." in str(course.get("id", "")):
            return str(course["id"]).removesuffix(".check")
        if not grader.get("solution"):
            return str(grader.get("grade_id", "")).removesuffix("-check").replace("-", ".", 1)
    named = LINE.search(text_of(cell)) if cell.get("cell_type") == "code" else None
    if named:
        return named[1]
    if grader.get("solution"):
        return str(grader.get("grade_id", "")).replace("-", ".", 1)
    label = str(cell.get("id", "")).removeprefix("zh-").removesuffix("-check")
    return {id.replace(".", "-"): id for id in known_ids()}.get(label)


def exercises(notebook: dict, path: Path) -> dict[str, int | None]:
    """{id: where its first cell stands}, in the notebook's order; then what its topic lacks: None."""
    found: dict[str, int | None] = {}
    for at, cell in enumerate(notebook["cells"]):
        id = exercise_of(cell)
        if id:
            found.setdefault(id, at)
    return {**dict.fromkeys(_topic_ids(notebook, path)), **found}


def _topic_ids(notebook: dict, path: Path) -> list[str]:
    """The ids of the notebook's topic, as told by its metadata, else by its file's name."""
    source = str(_part(notebook, "metadata", "smolcourse").get("source", ""))
    topics: dict[str, list[str]] = {}
    for file in sorted((Path(__file__).parents[1] / "reference").rglob("*.py")):
        head = file.read_text(encoding="utf-8")[:400]
        made = re.search(r"generated from (\S+)\.py .*\s.*exercise ([\w.]+)\.", head)
        if made:
            topics.setdefault(PurePosixPath(made[1]).name, []).append(made[2])
    for topic in topics:
        named = re.search(rf"(?:^|[^a-z]){topic}_(?:exercise|solution)", path.stem)
        if PurePosixPath(source).stem == topic or (not source and named):
            return topics[topic]
    return []


def language_of(notebook: dict, path: Path) -> str:
    """ "en" or "zh-CN": by metadata, else by its cells' text and ids, else by its folder."""
    lang = str(_part(notebook, "metadata", "smolcourse").get("lang") or "")
    if lang:
        return "zh-CN" if lang.lower().startswith("zh") else "en"
    prose = "".join(text_of(c) for c in notebook["cells"] if c.get("cell_type") == "markdown")
    chinese, latin = (len(re.findall(kind, prose)) for kind in ("[\u4e00-\u9fff]", "[A-Za-z]"))
    if chinese + latin:  # the course's Chinese notebooks have 60 to 68% of Chinese characters
        return "zh-CN" if chinese > 0.2 * (chinese + latin) else "en"
    ids = any(str(c.get("id", "")).startswith("zh-") for c in notebook["cells"])
    return "zh-CN" if ids or "zh-CN" in path.resolve().parts else "en"


# ---------------------------------------------------------------- its code


def code_cells(notebook: dict) -> list[Code]:
    """The code cells as Python, without what only IPython understands."""
    return [
        Code(at, python_of(text_of(cell)), exercise_of(cell))
        for at, cell in enumerate(notebook["cells"])
        if cell.get("cell_type") == "code"
    ]


def python_of(text: str) -> str:
    """A cell's text as Python, line for line.

    Magics and shell lines become calls of `get_ipython()`, as in IPython (whoever runs the cell
    gives a harmless one), or `pass` where IPython is not installed.
    """
    head = ""
    while magic := re.match(r"\s*%%(\w+)[^\n]*\n?", text):
        head += "\n" * magic[0].count("\n")
        text = text[magic.end() :] if magic[1] in RUN_MAGICS else ""
    if _parsed(text):
        return head + text
    text = re.sub(r"^(\s*)%time[ \t]+(?=\S)", r"\1", text, flags=re.MULTILINE)
    try:
        from IPython.core.inputtransformer2 import TransformerManager

        return head + TransformerManager().transform_cell(text)
    except (ImportError, SyntaxError):
        line = r"^([ \t]*)(\w+ *= *)?(?:[%!?].*|[\w.]+\?\??[ \t]*)$"
        plain = lambda m: m[1] + (f"{m[2]}None" if m[2] else "pass")  # noqa: E731
        return head + re.sub(line, plain, text, flags=re.MULTILINE)


def _parsed(text: str) -> ast.Module | None:
    try:
        tree = ast.parse(text)
        compile(text, "cell", "exec", FLAGS, dont_inherit=True)  # `return` outside a function
        symtable.symtable(text, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


def statements(cells: list[Code]) -> list[Statement]:
    """All top-level statements of the cells, in order, with what each binds, uses and checks."""
    found: list[Statement] = []
    for cell in cells:
        tree = _parsed(cell.text)
        if tree is None:
            found.append(_unreadable(cell))
        else:
            found += [_statement(cell, node) for node in tree.body]
    effects: dict[str, set[str]] = {}  # what a call of a function changes
    for statement in found:
        for name in statement.uses & set(effects):
            statement.changes |= effects[name]
        if isinstance(statement.tree, ast.FunctionDef):
            name = statement.tree.name
            effects[name] = (statement.binds | statement.changes) - {name}
    _mark_checks(found)
    _mark_costly(found)
    return found


def future_flags(found: list[Statement]) -> int:
    """The compiler's flags for `from __future__ import ...`, which a kernel keeps for all cells."""
    flags = FLAGS
    for statement in found:
        if isinstance(statement.tree, ast.ImportFrom) and statement.tree.module == "__future__":
            for name in statement.tree.names:
                flags |= getattr(__future__, name.name).compiler_flag
    return flags


def _unreadable(cell: Code) -> Statement:
    """A cell with a syntax error, and what it would have defined and checked."""
    code = re.sub(r"^\s*#.*", "", cell.text, flags=re.MULTILINE)
    names = re.findall(r"^(?:(?:def|class)\s+)?(\w+)(?=\s*[=(:])", code, re.MULTILINE)
    ids = re.findall(r"\bcheck\(\s*(?:id\s*=\s*)?[\"']([^\"']+)[\"']", code)
    return Statement(cell, binds=set(names), ids=ids, checks=bool(ids))


def _statement(cell: Code, node: ast.stmt) -> Statement:
    source = ast.unparse(node)
    made = Statement(cell, node)
    _scan(symtable.symtable(source, "cell", "exec"), made, top=True)
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute | ast.Subscript) and not isinstance(part.ctx, ast.Load):
            made.changes.add(_root(part))
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            made.changes.add(_root(part.value.func))  # torch.set_default_dtype(...), list.append
        if isinstance(part, ast.ImportFrom) and part.names[0].name == "*":
            made.wild = True
    made.changes &= made.uses
    made.wild |= bool(made.uses & WILD) or any(name in source for name in EVERYWHERE)
    return made


def _scan(table: symtable.SymbolTable, made: Statement, top: bool = False) -> None:
    """Python's own scopes say which names of a statement are the notebook's."""
    for symbol in table.get_symbols():
        if top or symbol.is_global():
            if symbol.is_assigned() or symbol.is_imported():
                made.binds.add(symbol.get_name())
            if symbol.is_referenced():
                made.uses.add(symbol.get_name())
    for inner in table.get_children():
        _scan(inner, made)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.AST) -> str:
    """The last name of what a call calls: `a.b.check(...)` gives "check"."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "attr", None) or getattr(function, "id", "")


def _mark_checks(found: list[Statement]) -> None:
    """Which statements check something: by any name that `check` was given, or through a function."""
    names, packages, size = {"check"}, {"smolcourse"}, 0
    while size != (size := len(names) + len(packages)):
        for statement in found:
            node = statement.tree
            for alias in getattr(node, "names", []) if statement.defines else []:
                if str(getattr(node, "module", "")).startswith("smolcourse"):
                    names |= {alias.asname} if alias.name == "check" and alias.asname else set()
                elif alias.name.split(".")[0] == "smolcourse" and alias.asname:
                    packages.add(alias.asname)
            asked = statement.uses & names or any(
                isinstance(part, ast.Attribute) and part.attr == "check" and _root(part) in packages
                for part in (ast.walk(node) if node and statement.uses & packages else ())
            )
            alias = isinstance(node, ast.Assign) and isinstance(
                node.value, ast.Name | ast.Attribute
            )
            if asked and (statement.defines or alias):
                names |= statement.binds
            elif asked:
                statement.checks = True
    for statement in found:
        for part in ast.walk(statement.tree) if statement.checks and statement.tree else ():
            if isinstance(part, ast.Call) and (_called(part) in names or _called(part) == "check"):
                keywords = [word.value for word in part.keywords if word.arg == "id"]
                first = (part.args or keywords or [None])[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    statement.ids.append(first.value)


def _mark_costly(found: list[Statement]) -> None:
    """Which statements load or train, or use what such a statement made."""
    tainted: set[str] = set()
    loads = [
        any(
            _called(part) in COSTLY or _called(part).endswith("Trainer")
            for part in ast.walk(s.tree)
        )
        if s.tree
        else False
        for s in found
    ]
    size = -1
    while size != (size := len(tainted)):
        for statement, load in zip(found, loads, strict=True):
            if not statement.checks and (load or statement.uses & tainted):
                tainted |= statement.binds
                statement.costly = not statement.defines


def needed(found: list[Statement], at: int) -> list[int]:
    """What a kernel must have run before statement `at`: places in `found`, in order.

    What binds a name that is used, directly or through other names; the cells around that, the
    exercise's own cell, and what may change a needed object, unless it loads or trains.
    """
    data = set().union(*(s.binds for s in found if not s.defines and not s.checks))
    # Whoever runs this brings `check` along: no import of it may fail, no other `check` may stand in.
    wanted, cells = found[at].uses - {"check"}, {found[at].cell.at}
    chosen: set[int] = set()
    before = -1
    while before != (before := len(chosen)):
        for place, statement in enumerate(found[:at]):
            if place in chosen:
                continue
            cheap = not statement.costly and not statement.checks
            touched = statement.changes | (set() if statement.defines else statement.uses & data)
            own = statement.cell.exercise and statement.cell.exercise in found[at].ids
            around = own or statement.cell.at in cells or statement.wild
            if statement.binds & wanted or (cheap and (around or touched & wanted)):
                chosen.add(place)
                cells.add(statement.cell.at)
                wanted |= statement.uses - {"check"}
                if statement.uses & WILD:
                    wanted |= data
    return sorted(chosen)
