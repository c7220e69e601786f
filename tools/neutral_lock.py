"""Lock the dependencies in files that name no package index: uv.lock and requirements.txt.

    uv run python tools/neutral_lock.py            resolve, then write both files
    uv run python tools/neutral_lock.py --upgrade  the same with the newest versions

Learners in different places use different mirrors, and a lock file that uv writes names the
one it was written with. So uv.lock is committed with its versions and without its addresses:
uv takes the versions as preferences, asks whatever index the user has configured, and
completes the file in the work tree. requirements.txt has the hashes, which no mirror changes.
CONTRIBUTING.md tells contributors when to run this.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
EXPORT_HEADER = """\
# Written by tools/neutral_lock.py from uv.lock; do not edit. For pip users:
#   pip install --require-hashes -r requirements.txt && pip install --no-deps -e .
"""


def neutral_lock(text: str) -> str:
    """A uv.lock without addresses: what uv needs to choose the same versions elsewhere.

    Every registry becomes ".", the `sdist` lines and `wheels` blocks go, and so does the
    `[package.metadata]` of this project, which uv rewrites from pyproject.toml.
    """
    text = re.sub(r'registry = "[^"]*"', 'registry = "."', text)
    text = re.sub(r"^sdist = .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^wheels = \[\n(?:    .*\n)*\]\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\[package\.metadata.*\]\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def neutral_requirements(text: str) -> str:
    """An exported requirements file without index lines and comments, with our header."""
    lines = [
        line
        for line in text.splitlines()
        if not line.lstrip().startswith(("#", "--index-url", "--extra-index-url", "--find-links"))
    ]
    return EXPORT_HEADER + "\n".join(lines).strip("\n") + "\n"


def with_extras(requirements: str, lock: str) -> str:
    """The requirements with a second entry for a package whose extras another locked one asks for.

    uv's export drops extras. The pip that comes with Python 3.11 takes `typepy[datetime]` and
    `typepy` for two packages, and stops at the one that it finds without a version and a hash.
    """
    wanted: dict[str, set[str]] = {}
    for package in tomllib.loads(lock)["package"]:
        for needed in package.get("dependencies", []):
            wanted.setdefault(needed["name"], set()).update(needed.get("extra", []))
    entry = r"^([\w.-]+)(\[[^\]\n]*\])?==.*(?:\n    --hash=.*)*\n"

    def both(match: re.Match) -> str:
        extras = ",".join(sorted(wanted.get(match[1], ())))
        if match[2]:  # written by an earlier call
            return ""
        return match[0] + match[0].replace("==", f"[{extras}]==", 1) * bool(extras)

    return re.sub(entry, both, requirements, flags=re.MULTILINE)


def named_hosts(text: str) -> list[str]:
    """The lines of a text that name an address, with their numbers (empty is what we want)."""
    return [
        f"{number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if HOST.search(line)
    ]


def uv(*arguments: str) -> str:
    """Run uv in the repository and return what it printed; its own message if it fails."""
    done = subprocess.run(["uv", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"uv {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args()
    uv("lock", *(["--upgrade"] if options.upgrade else []))
    exported = uv(
        "export", "--format", "requirements-txt", "--no-emit-project", "--no-header", "--quiet"
    )
    lock_file = ROOT / "uv.lock"
    lock = lock_file.read_text(encoding="utf-8")
    files = {
        lock_file: neutral_lock(lock),
        ROOT / "requirements.txt": with_extras(neutral_requirements(exported), lock),
    }
    for file, text in files.items():
        if hosts := named_hosts(text):
            sys.exit(f"{file.name} would still name a host: {hosts[0]}")
        file.write_text(text, encoding="utf-8")
        print(f"{file.name}: {len(text.splitlines())} lines, names no host")


if __name__ == "__main__":
    main()
