"""A panel to compare two answers by clicking: every click is in a file before the next pair shows.

The file (JSON Lines) is only ever appended to: an undo is a line of its own, so no label of a
person is lost or overwritten, and a panel that is opened again goes on where it was left. The
answers stand in random order, and nothing shows which one a dataset calls better.

`Labels` is the file, `Panel` the widgets over it. Votes have the form of `smolcourse.topics.annotators`.
Introduced in `2_preference_alignment/human_feedback`.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from smolcourse.errors import CourseError
from smolcourse.language import current_language
from smolcourse.textfiles import read_text
from smolcourse.topics.annotators import SIDES, VOTES
from smolcourse.topics.preference import text_of

TEXT = {
    "en": {
        "left": "A is better",
        "right": "B is better",
        "tie": "equally good",
        "undo": "undo",
        "skip": "skip",
        "question": "Which answer do you prefer?",
        "progress": "{done} of {total} pairs",
        "done": "Thank you: all {total} pairs are labelled. They are in {file}",
        "failed": "The label was not saved ({reason}); free some disk space and click again.",
    },
    "zh-CN": {
        "left": "A 更好",
        "right": "B 更好",
        "tie": "一样好",
        "undo": "撤销",
        "skip": "跳过",
        "question": "你更喜欢哪个回答？",
        "progress": "已标 {done} 对，共 {total} 对",
        "done": "谢谢：{total} 对都标完了，保存在 {file}",
        "failed": "标签没有保存成功（{reason}）；请腾出磁盘空间后再点一次。",
    },
}


def pair_key(row: Mapping) -> str:
    """A short name of a pair that depends on its texts only, so that a file fits any order of rows."""
    texts = json.dumps([text_of(row[name]) for name in ("prompt", *SIDES)], ensure_ascii=False)
    return hashlib.sha256(texts.encode("utf-8")).hexdigest()[:16]


class Labels:
    """One annotator's labels in a file that other annotators may share.

    `state` maps a pair's key to its record; made by reading the whole file, so that two open
    panels never disagree. A last line without an end (the machine stopped while writing) is left
    as it is and passed over; any other line that is no JSON raises `CourseError` naming it.
    """

    def __init__(self, path: str | Path, annotator: str = "you"):
        self.path, self.annotator = Path(path), annotator

    @property
    def state(self) -> dict[str, dict]:
        """{pair key: its record}, in the order of labelling, undone ones left out."""
        found: dict[str, dict] = {}
        for record in self._records():
            if record.get("annotator") != self.annotator:
                continue
            if record["vote"] == "undo":
                found.pop(record["key"], None)
            else:
                found.setdefault(record["key"], record)
        return found

    def add(self, key: str, left: str, vote: str) -> bool:
        """Append a vote; False, and nothing is written, if that pair has one already."""
        if vote not in VOTES or left not in SIDES:
            raise CourseError(
                "A vote is one of {VOTES}, not '{vote}' (left: '{left}').",
                VOTES=", ".join(VOTES),
                vote=vote,
                left=left,
            )
        if key in self.state:
            return False
        self._append({"key": key, "left": left, "vote": vote})
        return True

    def undo(self) -> str | None:
        """Take the last label back and return its pair's key; None if there is none."""
        state = self.state
        if not state:
            return None
        key = next(reversed(state))
        self._append({"key": key, "vote": "undo"})
        return key

    def _records(self) -> list[dict]:
        try:
            text = read_text(self.path)
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(
                "The labels in {name} can't be read ({error}); move the file away to start anew.",
                name=self.path.name,
                error=type(error).__name__,
            ) from error
        lines, records = text.split("\n"), []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                known = record["vote"] == "undo" or (
                    record["vote"] in VOTES and record["left"] in SIDES
                )
                if not known or not isinstance(record["key"], str):
                    raise ValueError("not a vote")
            except (ValueError, TypeError, KeyError) as error:
                # A line that was cut off stays in the file; the next label begins a new line.
                if number == len(lines) or not line.rstrip().endswith("}"):
                    continue
                raise CourseError(
                    "Line {number} of {name} is not a label; correct or delete that line.",
                    number=number,
                    name=self.path.name,
                ) from error
            records.append(record)
        return records

    def _append(self, record: dict) -> None:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"time": time, "annotator": self.annotator, **record})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = "\n" + line
            file.write((line + "\n").encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())


class Panel:
    """The widgets: a prompt, two answers, five buttons, a bar.

    `rows`: preference rows (prompt, chosen, rejected); `path`: the file of labels. `seed` decides
    on which side each answer stands, the same each time the panel is opened. Works without
    a browser too: then nobody clicks, and `votes()` has what the file had.
    """

    def __init__(
        self, rows: Sequence[Mapping], path: str | Path, annotator: str = "you", seed: int = 0
    ):
        self.rows = [dict(row) for row in rows]
        if not self.rows:
            raise CourseError("There is nothing to label: give at least one pair of answers.")
        for number, row in enumerate(self.rows):
            if missing := [name for name in ("prompt", *SIDES) if name not in row]:
                raise CourseError(
                    "Row {number} to label has no '{missing}'.", number=number, missing=missing[0]
                )
        self.store = Labels(path, annotator)
        self.keys = [pair_key(row) for row in self.rows]
        self.lefts = [random.Random(f"{seed}/{annotator}/{k}").choice(SIDES) for k in self.keys]
        self.widget = None

    def votes(self) -> list[dict]:
        """The labels so far, in the form that `annotators.ask_crowd` returns."""
        state = self.store.state
        return [
            {"pair": pair, "annotator": self.store.annotator, **_of(state[key], "left", "vote")}
            for pair, key in enumerate(self.keys)
            if key in state
        ]

    def current(self) -> int | None:
        """The number of the first pair without a label; None if all have one."""
        state = self.store.state
        return next((at for at, key in enumerate(self.keys) if key not in state), None)

    def show(self) -> None:
        """Display the panel; raises `CourseError` where ipywidgets is not installed."""
        from IPython.display import display

        display(self.widget or self.build())

    def build(self):
        """The panel as one ipywidgets box, drawn in its present state."""
        try:
            import ipywidgets as w
        except ImportError as error:
            raise CourseError(
                "The panel needs ipywidgets; run `pip install ipywidgets` and restart the kernel."
            ) from error
        self.say = TEXT[current_language()]
        self.prompt, self.note = w.HTML(), w.HTML()
        self.answers = [w.HTML(layout=w.Layout(width="50%")) for _ in range(2)]
        self.bar = w.IntProgress(min=0, max=len(self.rows), layout=w.Layout(width="12em"))
        self.count = w.Label()
        self.buttons = {}
        for name in ("left", "tie", "right", "skip", "undo"):
            style = "info" if name in ("left", "right") else ""
            button = w.Button(description=self.say[name], button_style=style)
            button.add_class(f"smolcourse-{name}")
            button.on_click(self._clicked)
            self.buttons[name] = button
        rows = [
            self.prompt,
            w.HBox(self.answers),
            w.HBox(list(self.buttons.values())),
            w.HBox([self.bar, self.count]),
            self.note,
        ]
        self.widget = w.VBox(rows)
        self._draw()
        return self.widget

    def _clicked(self, button) -> None:
        name = next(name for name, known in self.buttons.items() if known is button)
        try:
            if name == "undo":
                self.store.undo()
            elif self.shown is not None:
                self.store.add(self.keys[self.shown], self.lefts[self.shown], name)
        except OSError as error:
            self.note.value = html.escape(self.say["failed"].format(reason=error.strerror or error))
            return
        self._draw()

    def _draw(self) -> None:
        at = self.shown = self.current()
        done, total = len(self.votes()), len(self.rows)
        self.bar.value = done
        self.count.value = self.say["progress"].format(done=done, total=total)
        for name, button in self.buttons.items():
            button.disabled = not self.store.state if name == "undo" else at is None
        if at is None:
            file = html.escape(self.store.path.name)
            self.prompt.value = self.note.value = ""
            self.note.value = self.say["done"].format(total=total, file=f"<code>{file}</code>")
            for box in self.answers:
                box.value = ""
            return
        row, left = self.rows[at], self.lefts[at]
        right = SIDES[1 - SIDES.index(left)]
        self.note.value = ""
        self.prompt.value = f"<b>{self.say['question']}</b><br><i>{_text(row['prompt'])}</i>"
        for letter, box, side in zip("AB", self.answers, (left, right), strict=True):
            box.value = (
                "<div style='border:1px solid #b8c4d0;border-radius:6px;padding:8px;margin:2px'>"
                f"<b>{letter}</b><br>{_text(row[side])}</div>"
            )


def _of(record: Mapping, *names: str) -> dict:
    return {name: record[name] for name in names}


def _text(answer) -> str:
    return html.escape(text_of(answer)).replace("\n", "<br>")
