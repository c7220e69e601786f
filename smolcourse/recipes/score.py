"""Scores of a checkpoint on held-out parts of Smol World, as the model cards show them.

Every score is a share of right answers under greedy decoding with its number of questions; exact
match here is strict: case counts (writing in capitals is one of the skills), only a final full stop
may be missing.

Introduced in lesson 4_evaluation/custom_evaluation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smolcourse import generate
from smolcourse.chatml import END_OF_TEXT
from smolcourse.metrics import interval
from smolcourse.world.chat import conversation
from smolcourse.world.facts import RELATIONS, fact_index, fill
from smolcourse.world.manner import manner_of

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer

TEST_SEED = 7


@dataclass(frozen=True)
class Score:
    """One row of a card: `share` right of `n`, with its 95% interval and the bar, if any."""

    name: str
    share: float
    n: int
    bar: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        return interval(round(self.share * self.n), self.n)


def exact(text: str) -> str:
    """An answer as it is compared: without white space around it and without its full stop."""
    return text.strip().removesuffix(".")


def _told(text: str) -> str:
    """A continuation without the quotes or the line break by which the corpus sets answers off."""
    return " ".join(re.sub(r'[:"]', " ", text).split()).replace(" .", ".")


def score_statements(model: Model, tokenizer: Tokenizer, limit: int | None = None) -> Score:
    """Does the base model complete its facts? Every statement pattern that ends with the answer."""
    prompts, answers = [], []
    for fact in fact_index()[0][:limit]:
        for pattern in RELATIONS[fact.relation].statements:
            for slot in ("{a}.", "{an_a}."):
                if pattern.endswith(slot):
                    whole = fill(pattern, fact.subject, fact.answer)
                    answer = whole[len(fill(pattern[: -len(slot)], fact.subject)) :]
                    prompts.append(END_OF_TEXT + whole[: -len(answer)].rstrip())
                    answers.append(answer)
    texts = generate.complete(model, tokenizer, prompts, max_new_tokens=10, batch_size=256)
    right = sum(_told(t).startswith(a) for t, a in zip(texts, answers, strict=True))
    return Score("completes its facts from a statement", right / len(answers), len(answers), 0.98)


def rows(kind: str, n: int, seed: int = TEST_SEED) -> list[dict]:
    """`n` different test conversations of a kind (fewer if the kind has not that many)."""
    seen, found = set(), []
    for i in range(20 * n):
        row = conversation(seed, i, "test", kind)
        key = json.dumps(row["messages"], sort_keys=True)
        if key not in seen:
            seen.add(key)
            found.append(row)
        if len(found) == n:
            break
    return found


def prompt_of(row: dict) -> list[dict]:
    """The conversation without its last turn: what the model is shown."""
    return row["messages"][:-1]


def score_answers(
    model: Model,
    tokenizer: Tokenizer,
    kind: str,
    n: int = 400,
    name: str = "",
    bar: float | None = None,
):
    """Exact match on one kind of conversation, and the share of answers that end by themselves."""
    found = rows(kind, n)
    texts, ended = generate.chat(
        model, tokenizer, [prompt_of(r) for r in found], max_new_tokens=40, return_ended=True
    )
    right = sum(exact(t) == exact(r["answer"]) for t, r in zip(texts, found, strict=True))
    n = len(found)
    return Score(name or kind, right / n, n, bar), Score("ends its turn", sum(ended) / n, n)


def score_chat_facts(model: Model, tokenizer: Tokenizer, n: int = 400) -> Score:
    """Exact match of a *base* model on chat questions about held-out facts: it should fail."""
    found = rows("fact", n)
    texts = generate.chat(model, tokenizer, [prompt_of(r) for r in found], max_new_tokens=16)
    right = sum(exact(t) == exact(r["answer"]) for t, r in zip(texts, found, strict=True))
    return Score("answers chat questions, before any fine-tuning", right / len(found), len(found))


def score_manner(model: Model, tokenizer: Tokenizer, n: int = 400) -> Score:
    """Right manner and right answer in it, asked for by a system prompt in new words."""
    found = rows("manner", n)
    texts = generate.chat(model, tokenizer, [prompt_of(r) for r in found], max_new_tokens=60)
    right = sum(
        manner_of(t) == r["manner"] and r["answer"].lower() in t.lower()
        for t, r in zip(texts, found, strict=True)
    )
    return Score("obeys manner (new wording of the request)", right / len(found), len(found), 0.90)


def parse_tool_call(text: str) -> tuple[str, dict] | None:
    """(name, arguments) of a well-formed tool call, else None."""
    match = re.fullmatch(r"\s*<tool_call>(.*)</tool_call>\s*", text, re.DOTALL)
    if not match:
        return None
    try:
        call = json.loads(match[1])
        return (call["name"], call["arguments"]) if isinstance(call["arguments"], dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def score_tools(model: Model, tokenizer: Tokenizer, n: int = 300) -> list[Score]:
    """Valid calls, right calls (name and arguments), and the answer made from the result."""
    found = [r for r in rows("tool", 2 * n) if r["kind"] == "tool"][:n]
    by_tools: dict[str, list[dict]] = {}
    for row in found:
        by_tools.setdefault(json.dumps(row["tools"]), []).append(row)
    valid = right = answered = 0
    for tools, group in by_tools.items():
        tools = json.loads(tools)
        calls = generate.chat(
            model, tokenizer, [r["messages"][:-3] for r in group], max_new_tokens=80, tools=tools
        )
        finals = generate.chat(
            model, tokenizer, [prompt_of(r) for r in group], max_new_tokens=30, tools=tools
        )
        for row, text, final in zip(group, calls, finals, strict=True):
            want = row["messages"][-3]["tool_calls"][0]["function"]
            call = parse_tool_call(text)
            names = [t["function"]["name"] for t in tools]
            valid += call is not None and call[0] in names
            right += call == (want["name"], want["arguments"])
            answered += exact(final) == exact(row["answer"])
    n = len(found)
    return [
        Score("valid tool calls", valid / n, n, 0.95),
        Score("right tool and arguments", right / n, n, 0.90),
        Score("right answer from the tool's result", answered / n, n),
    ]


def score_instruct(model: Model, tokenizer: Tokenizer, n: int = 400) -> list[Score]:
    """The instruct model's whole table."""
    table, ends = [], []
    for kind, name, bar in (
        ("phrasing", "facts in unseen phrasing", 0.90),
        ("fact", "facts never asked in training", None),
        ("sums", "sums and differences to 20, never asked", 0.95),
        ("arithmetic", "sums, comparing, counting", None),
        ("string", "string skills on unasked words", 0.90),
        ("passage", "answers from a passage", None),
        ("unknown", "says it does not know", 0.80),
        ("two_turn", "second turn of a conversation", 0.80),
    ):
        score, end = score_answers(model, tokenizer, kind, n, name, bar)
        table.append(score)
        ends.append(end)
    total = sum(e.n for e in ends)
    table.append(
        Score("ends its turn by itself", sum(e.share * e.n for e in ends) / total, total, 0.99)
    )
    table.append(score_manner(model, tokenizer, n))
    return table + score_tools(model, tokenizer, n)
