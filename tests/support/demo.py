"""Exercises for tests of the engine, at addresses of their own: files that a test writes."""

import sys
from pathlib import Path

import smolcourse.checks
import smolcourse.reference
from smolcourse.checks.core import catalogue, exercise

MESSAGES = """
[prompt_carries_loss]
en = ["The prompt carries loss{given}.", "Use -100."]
zh = ["{given}提示参与了损失计算。", "请使用 -100。"]
"""


class Demo:
    """Writes exercises into a folder that `smolcourse.checks` and `.reference` then look into."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder = folder
        for package, name in ((smolcourse.checks, "checks"), (smolcourse.reference, "reference")):
            (folder / name / "demo").mkdir(parents=True)
            monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder / name)])
        self.forget()

    def write(self, name: str, check: str, answer: str, messages: str = MESSAGES) -> str:
        """Make exercise demo.NAME of the texts of its files; returns its id."""
        (self.folder / f"checks/demo/{name}.py").write_text(check)
        (self.folder / f"checks/demo/{name}.toml").write_text(messages, encoding="utf-8")
        (self.folder / f"reference/demo/{name}.py").write_text(answer)
        self.forget()
        return f"demo.{name}"

    def forget(self) -> None:
        """Nothing found before counts: caches, and modules of an earlier test."""
        functions = (exercise.known_ids, exercise.find, catalogue.tables)
        functions += (smolcourse.reference.source, smolcourse.reference.is_class)
        for function in functions:
            function.cache_clear()
        for name in [n for n in sys.modules if ".demo" in n and n.startswith("smolcourse.")]:
            del sys.modules[name]
