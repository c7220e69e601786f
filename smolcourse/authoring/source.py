"""Read one hand-written source (`notebooks/source/TOPIC.py`) and validate it.

A source is a jupytext percent script with a YAML header:

    # ---
    # smolcourse: {module: 1_instruction_tuning, topic: supervised_fine_tuning}
    # ---
    # %% [markdown] lang="en"
    # ## Which tokens carry the loss?
    # %% [markdown] lang="zh-CN" of="3f9a1c02"     hash of the English cell just before it
    # ## 哪些 token 参与计算损失？
    # %% id="sft.mask" tags=["exercise"] level="🐢" minutes=10
    def mask_prompt(...): ...                     solution between ### BEGIN/END SOLUTION
    # %% id="sft.mask.check"
    mask_prompt = check("sft.mask", mask_prompt)

Cell attributes: `lang` ("en", "zh-CN", or "both" for a markdown cell without prose), `of`, `id`,
`tags`, `level` (🐢 🐕 🦁), `minutes`, `needs` (ids, comma separated, whose references this exercise
calls), `reason` (why nbval may not compare the output; mandatory with `nbval-ignore-output`).
The tags `solution-only` and `exercise-only` keep a cell out of the other notebook. A Chinese cell
takes the tags of the English cell that it translates.

`notebooks/source/TOPIC.toml` beside it holds what belongs to the topic and is no cell: names of
reported numbers (`[report]`), what the module's page says of each exercise (`[exercises]`), and the
Chinese of what the notebook shows (`[words]`).
"""

import ast
import hashlib
import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from smolcourse.errors import CourseError
from smolcourse.language import LANGUAGES

POINTS = {"🐢": 1, "🐕": 2, "🦁": 3}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ATTRIBUTES = {"lang", "of", "id", "tags", "level", "minutes", "needs", "reason"}
HEADER = re.compile(r"\A# ---\n(.*?)^# ---\n", re.DOTALL | re.MULTILINE)


@dataclass
class Cell:
    """One cell of a source; `kind` is "markdown" or "code"."""

    kind: str
    text: str
    attributes: dict = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The cell's name; empty where it needs none."""
        return self.attributes.get("id", "")

    @property
    def lang(self) -> str | None:
        return self.attributes.get("lang")

    @property
    def tags(self) -> list[str]:
        return self.attributes.get("tags", [])

    @property
    def needs(self) -> list[str]:
        return [name for name in re.split(r"[,\s]+", self.attributes.get("needs", "")) if name]

    def stamp(self) -> str:
        """First 8 hex digits of the sha256 of the normalised text; what `of="..."` records."""
        return text_stamp(self.text)


@dataclass
class Source:
    """A parsed source: where it is, what it is about, its cells, and what is wrong with it."""

    path: Path
    name: str  # path relative to the repository root, with forward slashes; used in messages
    module: str
    topic: str
    cells: list[Cell]
    texts: dict = field(default_factory=dict)  # of TOPIC.toml
    problems: list[str] = field(default_factory=list)

    @property
    def texts_path(self) -> Path:
        """Where the topic's texts are written: `TOPIC.toml` beside the source."""
        return self.path.with_suffix(".toml")

    def exercises(self) -> list[Cell]:
        return [cell for cell in self.cells if "exercise" in cell.tags]


def text_stamp(text: str) -> str:
    """Hash of a cell's text that does not change with trailing spaces, line ends or Unicode form."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    normal = "\n".join(line.rstrip() for line in lines).strip("\n")
    return hashlib.sha256(normal.encode()).hexdigest()[:8]


def read_source(path: Path, root: Path) -> Source:
    """Parse `path` and collect every problem in it (nothing is raised for bad content)."""
    import jupytext
    import yaml

    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    name = path.relative_to(root).as_posix()
    source = Source(path, name, module=path.parents[2].name, topic=path.stem, cells=[])
    header = HEADER.match(text)
    try:
        comment = header.group(1) if header else ""
        about = yaml.safe_load(re.sub(r"^# ?", "", comment, flags=re.MULTILINE))["smolcourse"]
        source.module, source.topic = about["module"], about["topic"]
    except (yaml.YAMLError, KeyError, TypeError):
        source.problems.append(
            f"{name}: start the file with a header of three lines: '# ---', "
            f"'# smolcourse: {{module: {source.module}, topic: {source.topic}}}', '# ---'."
        )
    if source.topic != path.stem:
        source.problems.append(
            f"{name}: the header says topic {source.topic!r}; name it {path.stem!r}, like the file."
        )
    notebook = jupytext.reads(
        (text[header.end() :] if header else text).lstrip("\n"), fmt="py:percent"
    )
    for cell in notebook.cells:
        attributes = dict(cell.metadata)
        attributes.pop("lines_to_next_cell", None)
        source.cells.append(Cell(cell.cell_type, cell.source, attributes))
    _validate(source)
    try:
        source.texts = read_texts(source.texts_path)
    except CourseError as error:
        source.problems.append(str(error))
    return source


def read_texts(path: Path) -> dict:
    """A `TOPIC.toml`, empty if there is none; `CourseError` if it is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise CourseError(f"{path.name} is no valid TOML; correct it: {error}.") from error


def cut_solutions(text: str) -> str:
    """Replace each marked solution by `raise NotImplementedError`, at the marker's indentation."""
    kept, inside = [], False
    for line in text.split("\n"):
        if line.strip() == BEGIN:
            inside = True
            kept.append(line[: len(line) - len(line.lstrip())] + "raise NotImplementedError")
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def drop_markers(text: str) -> str:
    """The solved cell: the same text without the two marker lines."""
    return "\n".join(line for line in text.split("\n") if line.strip() not in (BEGIN, END))


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def defined_names(text: str) -> list[str]:
    """Names of the functions and classes that a cell defines at its top level, in order."""
    return [node.name for node in ast.parse(text).body if isinstance(node, DEFINITIONS)]


# ---------------------------------------------------------------- validation


def _validate(source: Source) -> None:
    seen: set[str] = set()
    for number, cell in enumerate(source.cells, start=1):
        where = f"{source.name}, cell {number}" + (f" ({cell.id})" if cell.id else "")
        unknown = sorted(set(cell.attributes) - ATTRIBUTES)
        if unknown:
            source.problems.append(f"{where}: unknown cell attribute {', '.join(unknown)}.")
        if cell.id:
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", cell.id):
                source.problems.append(
                    f"{where}: write the id with letters, digits, '.', '_', '-'."
                )
            if cell.id in seen:
                source.problems.append(f"{where}: the id {cell.id!r} is used twice; rename one.")
            seen.add(cell.id)
        if "nbval-ignore-output" in cell.tags and not cell.attributes.get("reason"):
            source.problems.append(
                f'{where}: nbval-ignore-output needs reason="..." that says why the output varies.'
            )
        if cell.kind == "markdown":
            _validate_markdown(source, number, cell, where)
        elif cell.kind == "code":
            _validate_code(source, number, cell, where)
        else:
            source.problems.append(f"{where}: only markdown and code cells are used here.")


def _validate_markdown(source: Source, number: int, cell: Cell, where: str) -> None:
    previous = source.cells[number - 2] if number > 1 else None
    following = source.cells[number] if number < len(source.cells) else None
    if cell.lang not in (*LANGUAGES, "both"):
        source.problems.append(f'{where}: a markdown cell needs lang="en", "zh-CN" or "both".')
    elif cell.lang == "en" and not (following and following.lang == "zh-CN"):
        source.problems.append(
            f'{where}: its Chinese cell is missing; add # %% [markdown] lang="zh-CN" '
            f'of="{cell.stamp()}" right after it.'
        )
    elif cell.lang == "zh-CN":
        if not (previous and previous.lang == "en"):
            source.problems.append(
                f"{where}: no English cell stands right before this Chinese cell."
            )
            return
        cell.attributes["tags"] = previous.tags
        recorded, current = str(cell.attributes.get("of", "")), previous.stamp()
        if len(recorded) < 6 or not current.startswith(recorded):  # 6 digits notice any change
            state = "is stale" if recorded else 'has no of="..."'
            source.problems.append(
                f"{where}: the Chinese cell {state}: translate the English cell before it again, "
                f'then write of="{current}" (or run smolcourse build --restamp {source.name}).'
            )


def _validate_code(source: Source, number: int, cell: Cell, where: str) -> None:
    marks = [line.strip() for line in cell.text.split("\n") if line.strip() in (BEGIN, END)]
    if marks != [BEGIN, END] * (len(marks) // 2):
        source.problems.append(f"{where}: each {BEGIN} needs one {END} after it.")
        return
    if "exercise" not in cell.tags:
        if marks:
            source.problems.append(f'{where}: a cell with a solution needs tags=["exercise"].')
        return
    if not cell.id:
        source.problems.append(f'{where}: an exercise needs an id, such as id="sft.mask".')
        return
    if not marks:
        source.problems.append(f"{where}: mark the solution with {BEGIN} and {END}.")
    if cell.attributes.get("level") not in POINTS:
        source.problems.append(f'{where}: an exercise needs level="🐢", "🐕" or "🦁".')
    if not isinstance(cell.attributes.get("minutes"), int):
        source.problems.append(f"{where}: an exercise needs minutes=10 (a whole number).")
    try:
        tree = ast.parse(drop_markers(cell.text))
        ast.parse(cut_solutions(cell.text))
    except SyntaxError as error:
        source.problems.append(f"{where}: line {error.lineno} is not valid Python: {error.msg}.")
        return
    names = defined_names(drop_markers(cell.text))
    if not names:
        source.problems.append(f"{where}: an exercise must define a function or a class.")
        return
    answer = next(
        n for n in reversed(tree.body) if isinstance(n, DEFINITIONS) and n.name == names[-1]
    )
    documentation = ast.get_docstring(answer) or ""
    if ">>>" not in documentation and "xample" not in documentation:
        source.problems.append(
            f"{where}: give {names[-1]} a docstring with one worked example (a >>> line)."
        )
    _validate_check(source, number, cell, where, names[-1])


def _validate_check(source: Source, number: int, cell: Cell, where: str, answer: str) -> None:
    check = next((later for later in source.cells[number:] if later.kind == "code"), None)
    wanted = f'{answer} = check("{cell.id}", {answer})'
    if check is None or check.id != f"{cell.id}.check":
        source.problems.append(
            f'{where}: the next code cell must be its check: # %% id="{cell.id}.check" '
            f"with {wanted}."
        )
    elif not re.search(
        rf"^{answer} = check\(\s*[\"']{re.escape(cell.id)}[\"'],\s*{answer}\s*\)",
        check.text,
        re.MULTILINE,
    ):
        source.problems.append(f"{where}: its check cell must contain {wanted}.")
    else:
        tags = check.attributes.setdefault("tags", [])
        if "check" not in tags:
            tags.append("check")
        check.attributes["level"] = cell.attributes.get("level")


# ---------------------------------------------------------------- restamp


def restamp(path: Path) -> bool:
    """Rewrite (or add) `of="..."` of every Chinese cell that directly follows its English cell.

    For an author who has just checked the translation. Returns True if the file changed.
    """
    import jupytext

    text = path.read_text(encoding="utf-8")
    normal = text.replace("\r\n", "\n")
    header = HEADER.match(normal)
    start = header.end() if header else 0
    cells = jupytext.reads(normal[start:], fmt="py:percent").cells
    english = [c for c in cells if c.metadata.get("lang") == "en"]
    stamps = iter(text_stamp(c.source) for c in english)
    lines, current = normal[start:].split("\n"), None
    for index, line in enumerate(lines):
        if not line.startswith("# %%"):
            continue
        if re.search(r'\blang="en"', line):
            current = next(stamps)
        elif re.search(r'\blang="zh-CN"', line) and current:
            bare = re.sub(r'\s+of="[^"]*"', "", line)
            lines[index] = bare.replace('lang="zh-CN"', f'lang="zh-CN" of="{current}"')
            current = None
        else:
            current = None
    updated = normal[:start] + "\n".join(lines)
    if updated == normal:
        return False
    path.write_text(updated, encoding="utf-8", newline="\n")
    return True
