"""Who may import whom: the rules of docs/architecture.md, read from the syntax of every file."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BELOW_TOPICS = {"ground", "world", "tools", "course"}
# room: (its modules, the rooms that they may import beside their own)
ROOMS = {
    "ground": (
        r"chatml|chats|clock|errors|language|machine|markdown|notebook|places|proxies|quiet|textfiles"
        r"|threads|translate|verdicts|words",
        set(),
    ),
    "world": (r"world(\..+)?", set()),
    "tools": (r"batches|data(\..+)?|generate|metrics|models|profiles|report|show", {"ground", "world"}),
    "course": (r"course|settings", {"ground", "world", "tools"}),
    "topics": (r"topics(\..+)?", BELOW_TOPICS),
    "loader": (r"reference", {"ground"}),
    "answers": (r"reference\..+", {*BELOW_TOPICS, "topics"}),
    "core": (r"checks(\.core(\..+)?)?", {"ground", "loader"}),
    # Where exercises of a topic share something, it stands in a module `common` beside them.
    "common": (r"checks\.\w+\.common", {*BELOW_TOPICS, "topics", "core"}),
    "exercises": (r"checks\.\w+\.\w+", {*BELOW_TOPICS, "topics", "core", "common"}),
    "recipes": (r"recipes(\..+)?", {*BELOW_TOPICS, "topics"}),
    "authoring": (r"authoring(\..+)?", {*BELOW_TOPICS, "topics"}),
    "programs": (r"programs(\..+)?", {*BELOW_TOPICS, "topics", "loader", "core", "package"}),
    "commands": (r"commands(\..+)?", {*BELOW_TOPICS, "recipes", "authoring", "programs", "package"}),
    # `smolcourse` itself hands out names on first use; a type checker sees imports in their place.
    "package": (r"", {"ground", "tools", "course", "core"}),
}  # fmt: skip
EXCEPTIONS = {  # (file, module): why
    ("checks.chat.common", "recipes.tokenizer"): "trains a tokenizer in milliseconds, as ours was",
}


def room(module: str) -> str:
    """The room of a module, named without `smolcourse.`; the first that fits."""
    return next(name for name, (modules, _) in ROOMS.items() if re.fullmatch(modules, module))


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT / "smolcourse").with_suffix("").parts
    return ".".join(parts).removesuffix("__init__").rstrip(".")


def imported(tree: ast.AST) -> set[str]:
    """Modules of the package that a file imports, anywhere in it, without `smolcourse.`"""
    found = set()
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "smolcourse":
                while not is_module(name):  # a name in a module
                    name = name.rpartition(".")[0]
                found.add(name.partition(".")[2])
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def forbidden(module: str, tree: ast.AST) -> list[str]:
    """What a module imports against the rules, one line each."""
    mine = room(module)
    problems = []
    for other in sorted(imported(tree)):
        theirs = room(other)
        allowed = theirs in ROOMS[mine][1] or theirs == mine != "exercises"
        if theirs == "common" and mine == "exercises":
            allowed = module.split(".")[1] == other.split(".")[1]
        if not allowed and (module, other) not in EXCEPTIONS:
            problems.append(f"{module or 'smolcourse'} ({mine}) imports {other} ({theirs})")
    relative = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level]
    return problems + [f"{module}, line {node.lineno}: a relative import" for node in relative]


def private(tree: ast.AST) -> list[str]:
    """`_names` of one of our files that are used in another: imported, or read from the module."""
    taken, modules = [], set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("smolcourse"):
            modules |= {alias.asname or alias.name for alias in node.names}
            taken += [alias.name for alias in node.names]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken += [node.attr] if node.value.id in modules else []
    return [name for name in taken if re.match(r"_[^_]", name)]


def at_import(node: ast.AST) -> Iterator[ast.stmt]:
    """The imports that run when a file is imported: not in functions, nor for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            yield from at_import(child)


def circle(trees: dict[str, ast.AST]) -> list[str]:
    """Modules that need each other to be imported, in a circle; empty if there is none."""
    imports = {module: ast.Module([*at_import(tree)], []) for module, tree in trees.items()}
    try:
        TopologicalSorter({m: imported(tree) - {m} for m, tree in imports.items()}).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def files(*folders: str) -> dict[Path, ast.AST]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def test_every_file_imports_what_its_room_may():
    trees = files("smolcourse")
    assert len(trees) > 100
    problems = [line for path, tree in trees.items() for line in forbidden(module_of(path), tree)]
    assert not problems, "\n".join(problems)


def test_no_files_import_each_other_in_a_circle():
    assert circle({module_of(path): tree for path, tree in files("smolcourse").items()}) == []


def test_no_private_name_is_used_across_files():
    found = {
        p.relative_to(ROOT): private(t) for p, t in files("smolcourse", "tests", "tools").items()
    }
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("world.facts", "from smolcourse.errors import CourseError"),
        ("models", "from smolcourse.recipes.tokenizer import train_tokenizer"),
        ("topics.nf4", "from smolcourse import check"),
        ("checks.core.engine", "from smolcourse.checks.dpo import loss"),
        ("checks.core.engine", "import smolcourse.checks.dpo.loss"),
        ("checks.dpo.loss", "from smolcourse.checks.dpo import length"),
        ("checks.dpo.loss", "from smolcourse.checks.lora.common import refuses_ranks"),
        ("checks.dpo.loss", "from smolcourse.reference.dpo.loss import answer"),
        ("recipes.card", "from smolcourse.authoring import results"),
        ("programs.lab", "from smolcourse.commands.terminal import sign"),
        ("course", "from .errors import CourseError"),
    ],
)
def test_a_rule_that_is_broken_is_named(module, line):
    assert len(forbidden(module, ast.parse(line))) == 1


def test_private_names_are_found():
    assert private(ast.parse("from smolcourse.models import _load")) == ["_load"]
    assert private(ast.parse("from smolcourse import models\nmodels._load()")) == ["_load"]
    assert not private(ast.parse("from smolcourse import __version__\nself._x"))


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ("from smolcourse.models import path", True),
        ("class A:\n    import smolcourse.models", True),
        ("def f():\n    from smolcourse import models", False),
        ("if TYPE_CHECKING:\n    from smolcourse import models", False),
    ],
)
def test_a_circle_is_one_only_where_it_runs_at_import(second, found):
    trees = {"models": ast.parse("from smolcourse import data"), "data": ast.parse(second)}
    assert (set(circle(trees)) == {"models", "data"}) is found
