"""`smolcourse update`: a newer course without losing an answer.

    update(root)  copy every file the learner changed -> fetch -> reset -> carry the changes over

The copies lie in `.smolcourse/before-update/TIME/` with a record of what is under way, so a run that
was interrupted is finished by the next one. `uv.lock` is restored: the first sync completes it in
every clone, and git would stop there. Only the standard library and one error class are imported,
because the package's own files are replaced while this runs.
"""

from __future__ import annotations

import importlib.metadata as metadata
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from smolcourse.errors import CourseError
from smolcourse.translate import tr

RESTORED = ("uv.lock",)
BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


def update(root: Path, to: str = "", say: Callable[[str], None] = print, sync: bool = True) -> None:
    """Move the clone at `root` to the newest version, or to the tag `to`, and carry changes over.

    Raises `CourseError` where that can't be done (no git, no network, own commits); the learner's
    files are then as they were.
    """
    root = Path(root)
    _ready(root)
    own = int(_git(root, "rev-list", "--count", "HEAD", "--not", "--remotes", "--tags"))
    _finish(root, say)
    remote = _remote(root)
    _fetch(root, remote)
    target = _target(root, remote, to)
    old = _git(root, "rev-parse", "HEAD")
    # The lock counts: a course with nothing else new still needs `git pull` to go through.
    if target == old or (not to and _is_ancestor(root, target, old)):
        say(tr("The course is up to date."))
    elif own:
        raise CourseError(
            "This branch has commits of its own ({own}): keep them with `git branch mine`, run `git reset --soft {target}`, then `smolcourse update` again, which carries what they changed over.",
            own=own,
            target=_fork(root, old, target)[:12],
        )
    else:
        _move(root, old, target, say)
    if sync:
        sync_packages(root, say)


# ---------------------------------------------------------------- git


def _run(root: Path, *arguments: str, binary: bool = False):
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(
        ["git", *arguments],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding=None if binary else "utf-8",
        errors=None if binary else "surrogateescape",
    )


def _git(root: Path, *arguments: str) -> str:
    done = _run(root, *arguments)
    if done.returncode:
        raise CourseError(
            "git {arguments} failed ({stderr}); your files are as they were, or copied in .smolcourse/before-update.",
            arguments=arguments[0],
            stderr=_last(done.stderr),
        )
    return done.stdout.strip()


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    named = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (named or lines or ["no message"])[0]


def _ready(root: Path) -> None:
    if shutil.which("git") is None:
        raise CourseError("git is not installed; install it, then run `smolcourse update` again.")
    top = _run(root, "rev-parse", "--show-toplevel")
    if top.returncode or Path(top.stdout.strip()).resolve() != root.resolve():
        raise CourseError(
            "This folder is no git clone, so it can't be updated: clone the course anew beside it "
            "and copy your notebooks over."
        )
    if _run(root, "rev-parse", "--verify", "HEAD").returncode:
        raise CourseError("This clone has no commits; clone the course anew.")
    folder = root / _git(root, "rev-parse", "--git-dir")
    if any((folder / name).exists() for name in BUSY) or _git(root, "ls-files", "--unmerged"):
        raise CourseError(
            "A merge or a rebase is under way here; finish it or stop it with "
            "`git merge --abort` or `git rebase --abort`, then update."
        )
    if (folder / "index.lock").exists():
        raise CourseError(
            "Another git command runs here, or one was interrupted: if none runs, delete "
            "{file}, then run `smolcourse update` again.",
            file=folder / "index.lock",
        )


def _remote(root: Path) -> str:
    branch = _run(root, "symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
    remote = _run(root, "config", f"branch.{branch}.remote").stdout.strip() if branch else ""
    names = _git(root, "remote").split()
    if remote in names:
        return remote
    if not names:
        raise CourseError("This clone has no remote to update from; clone the course anew.")
    return "origin" if "origin" in names else names[0]


def _fetch(root: Path, remote: str) -> None:
    done = _run(root, "fetch", "--quiet", "--tags", "--force", remote)
    if done.returncode:
        raise CourseError(
            "The newer course can't be fetched ({stderr}): check the network; nothing was changed.",
            stderr=_last(done.stderr),
        )


def _target(root: Path, remote: str, to: str) -> str:
    if to:
        done = _run(root, "rev-parse", "--verify", "--quiet", f"refs/tags/{to}^{{commit}}")
        if done.returncode:
            tags = _git(root, "tag", "--sort=-creatordate").split()[:5]
            raise CourseError(
                "There is no version {tag}; the newest are: {tags}.",
                tag=to,
                tags=", ".join(tags) or tr("none yet"),
            )
        return done.stdout.strip()
    for name in ("@{upstream}", f"{remote}/HEAD", f"{remote}/main", f"{remote}/master"):
        done = _run(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.strip()
    raise CourseError(
        "The remote {remote} has no main branch; name a tag with --to.", remote=remote
    )


def _is_ancestor(root: Path, old: str, new: str) -> bool:
    return _run(root, "merge-base", "--is-ancestor", old, new).returncode == 0


def _fork(root: Path, old: str, new: str) -> str:
    return _run(root, "merge-base", old, new).stdout.strip() or new


def _blob(root: Path, commit: str, path: str) -> bytes | None:
    done = _run(root, "cat-file", "blob", f"{commit}:{path}", binary=True)
    return done.stdout if done.returncode == 0 else None


def _paths(root: Path, *arguments: str) -> list[str]:
    return [path for path in _git(root, *arguments).split("\0") if path.strip()]


# ---------------------------------------------------------------- the move


def _record_file(root: Path) -> Path:
    return root / ".smolcourse" / "update.json"


def _in_the_way(root: Path, old: str, new: str) -> list[str]:
    """Untracked files of the learner's at paths that the newer course adds, or above them."""
    added = _paths(root, "diff", "--name-only", "--no-renames", "--diff-filter=A", "-z", old, new)
    found = []
    for path in added:
        file = root / path
        if file.is_dir() and not file.is_symlink():
            raise CourseError(
                "Your folder {path} is where the newer course has a file: rename it, then update; nothing was changed.",
                path=path,
            )
        places = [file, *(root / parent for parent in Path(path).parents)]
        found += [p for p in places if os.path.lexists(p) and (p.is_symlink() or not p.is_dir())]
    return [place.relative_to(root).as_posix() for place in dict.fromkeys(found)]


def _move(root: Path, old: str, new: str, say: Callable[[str], None]) -> None:
    changed = _paths(root, "diff", "--name-only", "--no-renames", "-z", "HEAD")
    files = list(dict.fromkeys([*changed, *_in_the_way(root, old, new)]))
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    record = {"from": old, "to": new, "day": stamp[:10], "files": files}
    try:
        parent = root / ".smolcourse" / "before-update"
        parent.mkdir(parents=True, exist_ok=True)
        backup = Path(tempfile.mkdtemp(prefix=stamp + "-", dir=parent))
        record["backup"] = backup.relative_to(root).as_posix()
        for path in files:
            if os.path.lexists(root / path) and not _is_folder(root / path):
                (backup / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / path, backup / path, follow_symlinks=False)
        _write(_record_file(root), json.dumps(record).encode())
    except OSError as error:
        raise CourseError(
            "Your changed files can't be copied to .smolcourse/before-update ({error}); nothing was changed.",
            error=error.strerror or error,
        ) from error
    _git(root, "reset", "--quiet", "--hard", new)
    _carry_all(root, record, say)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _finish(root: Path, say: Callable[[str], None]) -> None:
    """Finish an update that was interrupted, or undo one whose files had not all been replaced."""
    file = _record_file(root)
    if not file.is_file():
        return
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        backup, old, new = root / record["backup"], record["from"], record["to"]
    except (ValueError, KeyError):
        file.unlink()
        return
    say(tr("The last update was interrupted; it is finished first."))
    if _git(root, "rev-parse", "HEAD") == new:
        _carry_all(root, record, say)
        return
    for path in record["files"]:  # back as they were, unless they were edited since
        copy, here = backup / path, root / path
        now = here.read_bytes() if here.is_file() else None
        untouched = now is None or any(_same(now, _blob(root, c, path)) for c in (old, new))
        if copy.is_file() and untouched and not _is_folder(here):
            _write(here, copy.read_bytes())
    file.unlink()


def _carry_all(root: Path, record: dict, say: Callable[[str], None]) -> None:
    backup, kept = root / record["backup"], 0
    for path in record["files"]:
        base, new = (_blob(root, record[key], path) for key in ("from", "to"))
        here = root / path
        now = here.read_bytes() if here.is_file() else None
        if path in RESTORED or not _same(now, new):
            continue  # carried over before the interruption, or edited since
        kept += 1
        copy = backup / path
        if not os.path.lexists(copy):  # the learner had deleted it
            if _same(base, new) and new is not None:
                here.unlink()
        elif copy.is_symlink() or _is_folder(here):
            _aside(root, path, copy, record["day"], say)
        else:
            _carry(root, path, copy, base, new, record["day"], say)
    _record_file(root).unlink(missing_ok=True)
    say(tr("The course is now at {root}.", root=_describe(root)))
    if kept:
        say(
            tr("Copies of the files that you had changed are in {folder}.", folder=record["backup"])
        )


def _describe(root: Path) -> str:
    return _git(root, "describe", "--tags", "--always")


def _same(one: bytes | None, two: bytes | None) -> bool:
    if one is None or two is None:
        return one is two
    return one.replace(b"\r\n", b"\n") == two.replace(b"\r\n", b"\n")


def _carry(root, path: str, copy: Path, base, new, day: str, say) -> None:
    """One changed file: back as it was, merged, or put aside beside the new one."""
    mine = copy.read_bytes()
    if _same(mine, new):
        return
    if new is None or _same(base, new):
        _write(root / path, mine)
        return
    if path.endswith(".ipynb"):
        if _sources(mine) == _sources(base) and _sources(mine) is not None:
            say(tr("{path} is the new one; your outputs are in the copy.", path=path))
            return
        merged = carried_answers(base, mine, new)
        _aside(root, path, copy, day, say)
        if merged is not None:
            text, count = merged
            _write(root / path, text)
            say(tr("{path}: {count} answers carried over.", path=path, count=count))
        return
    merged = _merged(root, base, mine, new)
    if merged is None:
        _aside(root, path, copy, day, say)
    else:
        _write(root / path, merged)
        say(tr("{path}: your changes are merged with the new ones.", path=path))


def _aside(root: Path, path: str, copy: Path, day: str, say) -> None:
    here = root / path
    if not here.parent.is_dir():
        return  # the copy in the backup folder is all that can be kept
    for number in range(1, 1000):
        more = "" if number == 1 else f"-{number}"
        name = here.with_name(f"{here.stem}.mine-{day}{more}{here.suffix}")
        if name.is_file() and copy.is_file() and name.read_bytes() == copy.read_bytes():
            return
        if not os.path.lexists(name):
            shutil.copy2(copy, name, follow_symlinks=False)
            say(tr("{path}: yours is kept as {name}.", path=path, name=name.name))
            return


def _merged(root: Path, base, mine: bytes, new: bytes) -> bytes | None:
    """A three-way merge of texts, or None where it has conflicts or is no text."""
    if base is None or any(b"\0" in data for data in (base, mine, new)):
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, data in (("mine", mine), ("base", base), ("new", new)):
            file = Path(folder) / name
            file.write_bytes(data.replace(b"\r\n", b"\n"))
            names.append(str(file))
        done = _run(root, "merge-file", "-p", "--quiet", *names, binary=True)
    return done.stdout if done.returncode == 0 else None


def _write(path: Path, data: bytes) -> None:
    """Write beside, then replace: an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data)
    if path.is_file():
        shutil.copymode(path, beside)
    os.replace(beside, path)


# ---------------------------------------------------------------- notebooks


def _notebook(data: bytes | None) -> dict | None:
    try:
        notebook = json.loads((data or b"").decode("utf-8-sig"))
        return notebook if isinstance(notebook["cells"], list) else None
    except (ValueError, KeyError, TypeError):
        return None


def _text(cell: dict) -> str:
    source = cell.get("source", "")
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _sources(data: bytes | None) -> list[str] | None:
    notebook = _notebook(data)
    if notebook is None:
        return None
    return [_text(cell) for cell in notebook["cells"] if isinstance(cell, dict)]


def _exercises(notebook: dict | None) -> dict[str, dict]:
    """{exercise id: its cell}; by the cell's metadata, or by its first line where they were lost."""
    found = {}
    for cell in (notebook or {"cells": []})["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        about = cell.get("metadata") or {}
        line = re.match(r"# Exercise (\S+)", _text(cell).lstrip())
        if (about.get("nbgrader") or {}).get("solution"):
            id = (about.get("smolcourse") or {}).get("id") or (line and line[1])
        else:
            id = line and line[1]
        if id:
            found[str(id)] = cell
    return found


def carried_answers(base: bytes | None, mine: bytes, new: bytes) -> tuple[bytes, int] | None:
    """The new notebook with the learner's exercise cells in place of its own, and how many.

    Only cells whose text differs from what the learner was given; None if there is none, or if one
    of the files is no notebook.
    """
    fresh, answered = _notebook(new), _exercises(_notebook(mine))
    if fresh is None:
        return None
    given, count = _exercises(_notebook(base)), 0
    for id, cell in _exercises(fresh).items():
        stub = _text(given[id]) if id in given else _text(cell)
        if id in answered and _text(answered[id]) != stub:
            cell["source"] = answered[id]["source"]
            count += 1
    if not count:
        return None
    text = json.dumps(fresh, ensure_ascii=False, indent=1) + "\n"
    return text.encode("utf-8", "surrogatepass"), count


# ---------------------------------------------------------------- packages


def sync_packages(root: Path, say: Callable[[str], None]) -> None:
    """Bring the installed packages to what the new course locks; a sentence where that fails."""
    command = ["uv", "sync", "--inexact"]  # what was added by hand stays
    try:
        cpu = metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        cpu = False
    if cpu:  # a sync would bring the build with CUDA's gigabytes
        command = ["uv", "pip", "install", "--torch-backend", "cpu", "-e", ".", "--group", "dev"]
    if shutil.which("uv") is None:
        command = ["pip", "install", "--require-hashes", "-r", "requirements.txt"]
    elif subprocess.run(command, cwd=root, check=False, stdin=subprocess.DEVNULL).returncode == 0:
        return
    say(
        tr(
            "The course is new, its packages may not be: run `{command}` in {root}.",
            command=" ".join(command),
            root=root,
        )
    )
