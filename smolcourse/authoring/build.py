"""`smolcourse build`: compare what the sources say with what is on disk, and write the difference.

    main_build(["dpo"], execute=True) -> Build, with .messages, .problems and .exit_status

`problems` are for stderr, one sentence each; any problem means exit status 1. CourseError is raised
only if there is nothing to build (no repository, a name that is no topic), or for choices that
contradict each other.

Rules: everything that is generated is generated here, and compared with `check`. Only files whose
bytes change are written. A derived notebook that somebody edited is never overwritten unless
`force`. Outputs of a solution survive a rebuild while its code is unchanged.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from smolcourse.authoring import pages, readme, reference, results, stored
from smolcourse.authoring import source as sources
from smolcourse.authoring.execute import SIZE_LIMIT
from smolcourse.authoring.execute import execute as run_notebook
from smolcourse.authoring.inputs import package_inputs
from smolcourse.authoring.render import dump, output_path, render_all
from smolcourse.authoring.source import Source, read_source
from smolcourse.errors import CourseError
from smolcourse.language import LANGUAGES
from smolcourse.places import course_folder

PATTERNS = ("[0-9]_*/notebooks/source/*.py", "docs/**/notebooks/source/*.py")
NOTEBOOKS = ("[0-9]_*/notebooks/**/*.ipynb", "docs/**/notebooks/**/*.ipynb")
WORDS = "smolcourse/words/topics"  # where the package has a copy of each topic's TOML


def find_sources(root: Path) -> list[Path]:
    """Every hand-written notebook source under `root`, sorted."""
    return sorted({path for pattern in PATTERNS for path in root.glob(pattern)})


def main_build(targets: Iterable[str | Path] = (), **choices: Any) -> "Build":
    """Build the course around the working folder; see `Build` for the choices."""
    build = Build(course_folder(), tuple(targets), **choices)
    build.run()
    return build


@dataclass
class Build:
    """One build: what was asked for, what it did (`messages`), what is wrong (`problems`)."""

    root: Path
    # Topics, sources or notebooks that `execute`, `restamp` and `force` are about; none means all.
    targets: tuple[str | Path, ...] = ()
    check: bool = False  # write nothing, report every difference
    execute: bool = False  # run the solutions whose code or package inputs changed
    every: bool = False  # with execute: run the unchanged ones as well
    restamp: bool = False  # accept the Chinese cells as current
    force: bool = False  # overwrite derived notebooks even if somebody edited them
    sample: bool = False  # ask the packaged models what the README shows
    measure: bool = False  # measure the installed environment for the README
    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        return 1 if self.problems else 0

    @cached_property
    def tag(self) -> str:
        """The tag of this version of the course, which Colab opens and installs: `v0.2.0`."""
        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        return f"v{project['project']['version']}"

    def run(self) -> None:
        """Write (or compare) everything that is generated, in the order in which it depends."""
        asked = self.execute or self.restamp or self.force or self.sample or self.measure
        if self.check and asked:
            raise CourseError("--check writes nothing; leave out the other options.")
        if self.every and not self.execute:
            raise CourseError("--all is about --execute; give both.")
        parsed = self._read_sources()
        sound = [source for source in parsed if not source.problems]
        # Running a solution calls references through its checks and shows its topic's words.
        wanted = [path for source in sound for path in self._package_files(source, parsed)]
        for source in sound:
            for name, notebook in render_all(source, self.tag).items():
                with self._collecting():
                    self._notebook(source, name, notebook)
        if len(sound) == len(parsed):
            self._orphans(parsed, wanted)
        with self._collecting():
            self._measured()
        self._pages(parsed)
        if not self.problems:
            word = "match" if self.check else "are up to date with"
            self.messages.append(f"All generated files {word} the {len(parsed)} sources.")

    def write(self, path: Path, text: str) -> None:
        """Write a generated file if it differs, or say that it does."""
        name = self.name(path)
        if path.is_file() and path.read_bytes() == text.encode("utf-8"):
            return
        if self.check:
            state = "is out of date" if path.is_file() else "is missing"
            self.problems.append(f"{name} {state}; run smolcourse build.")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        self.messages.append(f"{name}: written.")

    def name(self, path: Path) -> str:
        """A path as messages show it: from the repository's top, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def _collecting(self) -> "_Collecting":
        return _Collecting(self.problems)

    # ------------------------------------------------------------ sources

    def _read_sources(self) -> list[Source]:
        paths = find_sources(self.root)
        if not paths:
            raise CourseError("No notebook sources (N_module/notebooks/source/*.py) were found.")
        parsed = [read_source(path, self.root) for path in paths]
        self._know_targets(parsed)
        if self.restamp:
            for source in parsed:
                if self._is_target(source):
                    changed = "restamped" if sources.restamp(source.path) else "nothing to restamp"
                    self.messages.append(f"{source.name}: {changed}.")
            parsed = [read_source(path, self.root) for path in paths]
        self._compare_sources(parsed)
        self.problems += [problem for source in parsed for problem in source.problems]
        return parsed

    def _know_targets(self, parsed: list[Source]) -> None:
        """Targets as names: of a topic, or of a source or notebook from the repository's top."""
        known = {name for source in parsed for name in (source.topic, source.name)}
        known |= {output_path(s, lang, "solution") for s in parsed for lang in LANGUAGES}
        names = []
        for target in map(str, self.targets):
            path = Path(target).resolve()
            inside = self.name(path) if path.is_relative_to(self.root) else target
            if not {target, inside} & known:
                raise CourseError(
                    f"{target} is not a topic; name one, such as {parsed[0].topic}, its source or "
                    "one of its solution notebooks."
                )
            names.append(target if target in known else inside)
        self.targets = tuple(names)

    def _is_target(self, source: Source, notebook: str | None = None) -> bool:
        """Whether a source was named (or all are meant), or a notebook of it, given one."""
        return not self.targets or bool({source.topic, source.name, notebook} & {*self.targets})

    def _compare_sources(self, parsed: list[Source]) -> None:
        """What no source can know alone goes into its problems: ids and topics are used once."""
        self.defined: dict[str, list[str]] = {}
        topics: set[str] = set()
        for source in parsed:
            if source.topic in topics:
                source.problems.append(f"{source.name}: another topic is called {source.topic!r}.")
            topics.add(source.topic)
            for cell in source.exercises():
                if cell.id in self.defined:
                    source.problems.append(f"{source.name}: another source uses {cell.id!r}.")
                try:
                    text = sources.drop_markers(cell.text)
                    self.defined[cell.id] = sources.defined_names(text)
                except SyntaxError:  # reported by the source's own validation
                    self.defined[cell.id] = []
        for source in parsed:
            source.problems += [
                f"{source.name}, {cell.id}: needs unknown exercise {other!r}."
                for cell in source.exercises()
                for other in cell.needs
                if other not in self.defined
            ]

    # ------------------------------------------------------------ the package

    def _package_files(self, source: Source, parsed: list[Source]) -> list[Path]:
        """Write a topic's references and texts into the package; their paths."""
        written = []
        for cell in source.exercises():
            written.append(self.root / reference.reference_path(cell.id))
            text = reference.render_reference(source, cell, self.defined)
            self.write(written[-1], text)
        if source.texts_path.is_file():
            written.append(self.root / WORDS / f"{source.topic}.toml")
            header = reference.HEADER.format(source=self.name(source.texts_path))
            self.write(written[-1], f"{header}\n{source.texts_path.read_text(encoding='utf-8')}")
        return written

    def _orphans(self, parsed: list[Source], wanted: list[Path]) -> None:
        """Generated files whose source or exercise is gone."""
        for path in reference.generated_files(self.root, reference.FOLDER, WORDS):
            if path in wanted:
                continue
            if self.check:
                self.problems.append(f"{self.name(path)} has no source; run smolcourse build.")
            else:
                path.unlink()
                self.messages.append(f"{self.name(path)}: removed, its source is gone.")
        known = {source.name for source in parsed}
        for path in sorted(path for pattern in NOTEBOOKS for path in self.root.glob(pattern)):
            source = stored.about(stored.read(path)).get("source")
            if source and source not in known:
                self.problems.append(f"{self.name(path)}: its source {source} is gone; delete it.")

    # ------------------------------------------------------------ notebooks

    def _notebook(self, source: Source, name: str, fresh: dict) -> None:
        path = self.root / name
        old = stored.read(path)
        target = self._is_target(source, name)
        if path.is_file() and stored.hand_edited(old) and not (self.force and target):
            or_lose_it = "" if self.check else ", or build with --force to lose it"
            advice = f"move the change to {source.name}{or_lose_it}"
            self.problems.append(f"{name} was edited by hand; {advice}.")
            return
        solution = fresh["metadata"]["smolcourse"]["kind"] == "solution"
        if self.check:
            self._compare(name, fresh, old, solution)
            return
        if solution:
            fresh = self._with_outputs(source, path, fresh, old, self.execute and target)
        self.write(path, dump(fresh))
        if path.stat().st_size > SIZE_LIMIT:
            size = path.stat().st_size // 1000
            self.messages.append(f"{name} is {size} KB; make its plots smaller (aim: 400 KB).")

    def _with_outputs(
        self, source: Source, path: Path, fresh: dict, old: dict | None, run: bool
    ) -> dict:
        """A solution with outputs: run now if that is asked for and needed, else the stored ones."""
        name, lang = self.name(path), fresh["metadata"]["smolcourse"]["lang"]
        if run:
            inputs = package_inputs(source, lang, self.root)
            if self.every or not stored.up_to_date(fresh, old, inputs):
                self.messages.append(f"{name}: run.")
                return stored.run_with(run_notebook(fresh, path, self.root), inputs)
        if old is None:
            return fresh
        if stored.code(old) == stored.code(fresh):
            return stored.keep_outputs(fresh, old)
        if stored.executed(old):
            self.messages.append(
                f"{name}: its code changed, so its outputs were dropped; run build --execute."
            )
        return fresh

    def _compare(self, name: str, fresh: dict, old: dict | None, solution: bool) -> None:
        if old is None:
            self.problems.append(f"{name} is missing; run smolcourse build.")
        elif stored.without_outputs(old) != stored.without_outputs(fresh):
            self.problems.append(f"{name} is out of date with its source; run smolcourse build.")
        elif solution and not stored.executed(old):
            self.problems.append(f"{name} has no stored outputs; run smolcourse build --execute.")

    # ------------------------------------------------------------ pages

    def _measured(self) -> None:
        if self.sample:
            readme.store_data(self.root, sample=readme.ask())
        if self.measure:
            readme.store_data(self.root, costs=readme.measure(self.root))
        if (self.root / readme.DATA).is_file() and readme.sample_is_stale(self.root):
            self.problems.append(
                f"The sample in {readme.DATA} is of other weights; run smolcourse build --sample."
            )

    def _pages(self, parsed: list[Source]) -> None:
        for lang, page in results.PAGES.items():
            with self._collecting():
                self.write(self.root / page, results.render(self.root, lang))
        for page in pages.find_pages(self.root):
            with self._collecting():
                self.write(page, pages.fresh(self.root, page, parsed, self.tag))


@dataclass
class _Collecting:
    """A context in which a CourseError is one more problem and does not stop the build."""

    problems: list[str]

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> bool:
        if isinstance(error, CourseError):
            # One notebook that can't be read stops several pages: say so once.
            self.problems += [str(error)] if str(error) not in self.problems else []
        return isinstance(error, CourseError)
