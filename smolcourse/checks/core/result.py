"""A verdict, and the line that a learner reads."""

from dataclasses import dataclass, field
from typing import Any

from smolcourse import language
from smolcourse.checks.core.catalogue import message

MARKS = {"correct": "✅", "not_attempted": "⏳", "reference": "↩️", "wrong": "❌"}
STATUSES = tuple(MARKS)


@dataclass(frozen=True)
class Result:
    """One verdict. `key` names the message in the catalogue, `facts` fill its {names}."""

    id: str
    status: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What the check says, in the current language."""
        return self.text()[0]

    @property
    def hint(self) -> str:
        """What may help; may be empty."""
        return self.text()[1]

    def text(self, lang: str = "") -> tuple[str, str]:
        """(message, hint) in a language, by default the current one."""
        lang = lang or language.current_language()
        return message(self.id, self.key, lang, _spoken(self.facts, self.id, lang))

    def line(self, lang: str = "") -> str:
        """The line a learner reads; the same on every machine."""
        lang = lang or language.current_language()
        text, hint = self.text(lang)
        chinese = lang == "zh-CN"
        line = f"{MARKS[self.status]} {self.id}{'：' if chinese else ': '}{text}"
        if hint:
            line = f"{_ended(line)}小提示：{_ended(hint)}" if chinese else f"{line} Hint: {hint}"
        if self.status == "wrong":
            after, _ = message(self.id, "reference_from_here", lang, {})
            line += after if chinese else f" {after}"
        return line


def _ended(chinese: str) -> str:
    """With a full stop: a piece of code has none, and Chinese sets no space before what follows."""
    return chinese if chinese.rstrip("”）").endswith(("。", "！", "？")) else f"{chinese}。"


def result(id: str, key: str, **facts) -> Result:
    """The verdict that goes with a message key; every key but three means "wrong"."""
    status = {"correct": "correct", "not_attempted": "not_attempted", "is_reference": "reference"}
    return Result(id, status.get(key, "wrong"), key, facts)


def _spoken(facts: dict, id: str, lang: str) -> dict:
    """Facts with those parts of a sentence that exist only if there is something to say."""
    call, line = facts.get("call", ""), facts.get("line", "")
    chinese = lang == "zh-CN"
    if kinds := facts.get("kinds"):
        facts = {"expected": (" 或 " if chinese else " or ").join(kinds), **facts}
    return {
        "id": id,
        **facts,
        "given": (f"参数为 {call} 时，" if chinese else f" when called with {call}")
        if call
        else "",
        "at": (f"（`{line}`）" if chinese else f" at `{line}`") if line else "",
    }
