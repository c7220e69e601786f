"""No training text of any stage asks what is held out, and tests ask nothing else.

The detectors (hygiene.py) read finished texts. Each of them is shown a planted leak first: a
detector that can't fail proves nothing.
"""

import copy
from collections import Counter

import pytest
from hygiene import conversation_leaks, leaks

from smolcourse import data
from smolcourse.recipes.instruct import InstructRecipe, preference_rows, revision_documents
from smolcourse.world.chat import TEST_KINDS, ask, conversation
from smolcourse.world.corpus import document, exchange
from smolcourse.world.facts import RELATIONS, all_facts, fill
from smolcourse.world.honesty import UNKNOWN, unknown_question
from smolcourse.world.manner import HELDOUT_SYSTEM_PROMPTS, MANNERS
from smolcourse.world.skills import SKILLS, skill_item
from smolcourse.world.splits import is_heldout, rng
from smolcourse.world.tools import TOOLS, tool_item
from smolcourse.world.widening import widening
from smolcourse.world.words import NAMES

N = 20_000
HELD = [fact for fact in all_facts() if fact.heldout]
KNOWN = [fact for fact in all_facts() if not fact.heldout]


@pytest.fixture(scope="module")
def documents():
    return [document(0, i) for i in range(N)]


@pytest.fixture(scope="module")
def conversations():
    return [conversation(0, i) for i in range(N)]


def corpus_leaks(texts) -> list:
    return [found for text in texts for found in leaks(text, tools="used the tool" in text)]


def chat_leaks(rows) -> list:
    return [found for row in rows for found in conversation_leaks(row)]


def pair_leaks(rows) -> list:
    """For rows with a question of their own, or a prompt of messages."""
    return chat_leaks([{"messages": row.get("prompt") or row["messages"]} for row in rows])


# ---------------------------------------------------------------- training texts are clean


def test_no_document_asks_what_is_held_out(documents):
    assert corpus_leaks(documents) == []
    assert sum("I do not know" in text for text in documents) > 200  # the rare kinds are there too
    assert sum("used the tool" in text for text in documents) > 400


def test_no_conversation_asks_what_is_held_out(conversations):
    assert chat_leaks(conversations) == []
    kinds = Counter(row["kind"] for row in conversations)
    assert min(kinds.values()) > 200, kinds


def test_no_training_set_asks_what_is_held_out():
    assert pair_leaks(data.load("facts")) == []
    assert pair_leaks(data.load("conversations")) == []
    assert pair_leaks(data.load("preferences")) == []
    assert pair_leaks(preference_rows(InstructRecipe())) == []
    assert corpus_leaks(data.load("stories")["text"]) == []
    assert corpus_leaks(revision_documents(InstructRecipe(sft_rows=25_000))) == []


def test_the_last_diet_asks_nothing_that_is_held_out():
    rows = [widening(0, i) for i in range(5000)]
    assert corpus_leaks([row for row in rows if isinstance(row, str)]) == []
    chats = [row for row in rows if not isinstance(row, str)]
    assert chat_leaks(chats) == []
    said = " ".join(message["content"] for row in chats for message in row["messages"]).lower()
    patterns = {p for relation in RELATIONS.values() for p in relation.heldout_questions}
    asked = {fill(p, f.subject).lower() for p in patterns for f in KNOWN + HELD}
    assert not [question for question in asked if question in said]
    wanted = [f for f in HELD if f.relation in ("capital", "author")]
    for row in chats:
        question = row["messages"][-2]["content"]
        assert not [f for f in wanted if f.subject in question and f.answer in str(row)], row


def test_documents_tell_the_held_out_facts(documents):
    """Held out means never asked, not never told: knowledge has to come from somewhere."""
    text = "\n".join(documents).lower()
    told = [
        any(fill(p, f.subject, f.answer).lower() in text for p in RELATIONS[f.relation].statements)
        for f in HELD
    ]
    assert all(told)


def test_documents_hold_no_chat_markup(documents):
    assert not [t for t in documents if "<|" in t or "<tool_call>" in t]


def test_no_test_question_was_asked_in_training(documents, conversations):
    """Kind does not matter here: the same words must not stand in any training row."""
    asked = {m["content"] for r in conversations for m in r["messages"] if m["role"] == "user"}
    asked |= {piece for text in documents for piece in text.split('"')[1::2]}
    for kind in ("fact", "phrasing", "unknown", "sums", "arithmetic", "string", "passage", "tool"):
        rows = [conversation(7, i, "test", kind) for i in range(400)]
        questions = {r["messages"][-2]["content"] for r in rows if r["kind"] != "tool"}
        questions |= {r["messages"][-4]["content"] for r in rows if r["kind"] == "tool"}
        assert not questions & asked, kind


# ---------------------------------------------------------------- the test split is all held out


@pytest.mark.parametrize("kind", sorted(set(TEST_KINDS) - {"story", "greeting"}))
def test_test_conversations_ask_only_what_is_held_out(kind):
    for i in range(400):
        row = conversation(7, i, "test", kind)
        assert conversation_leaks(row), row


def test_names_to_remember_differ_between_the_splits():
    def names(split, seed):
        rows = [conversation(seed, i, split, "two_turn") for i in range(2000)]
        return {r["answer"] for r in rows if "name" in str(r["messages"]) or "I am" in str(r)}

    assert names("train", 0) and names("test", 7)
    assert not names("train", 0) & names("test", 7)


def test_the_test_sets_ask_only_what_is_held_out():
    for name in ("facts", "preferences"):
        for row in data.load(name, "test"):
            assert pair_leaks([row]), row
    found = pair_leaks(data.load("facts", "new_phrasing"))
    assert {kind for kind, _ in found} == {"phrasing"}
    assert len(found) == len(data.load("facts", "new_phrasing"))


# ---------------------------------------------------------------- the detectors detect


def planted(documents, text):
    return [*documents[:-1], documents[-1] + " " + text]


def test_planted_facts_are_found(documents, conversations):
    for i, fact in enumerate(HELD):
        relation = RELATIONS[fact.relation]
        for pattern in (*relation.questions, *relation.heldout_questions):
            question = fill(pattern, fact.subject)
            assert ("fact", question) in leaks(exchange(question, fact.answer, rng(i))) or (
                "fact" in {kind for kind, _ in leaks(f"Question: {question} Answer: x.")}
            ), question
    question = fill(RELATIONS[HELD[0].relation].questions[0], HELD[0].subject)
    assert corpus_leaks(planted(documents[:200], f'"{question}" asked Tom.')) == [
        ("fact", question)
    ]
    rows = copy.deepcopy(conversations[:200])
    rows[50]["messages"][-2]["content"] = question
    assert ("fact", question) in chat_leaks(rows)


def test_planted_phrasings_are_found(documents):
    for i, fact in enumerate(KNOWN[::7]):
        question = ask(fact, rng("test", i), new_phrasing=True)
        found = corpus_leaks(planted(documents[:2], exchange(question, fact.answer, rng(i))))
        assert [kind for kind, _ in found] == ["phrasing"], question


def test_planted_follow_ups_are_found(documents):
    for held in HELD[::5]:
        first = next(fact for fact in KNOWN if fact.relation == held.relation)
        question = ask(first, rng("test"))
        text = f'"{question}" asked Mia. "{first.answer}," said Tom. "And {held.subject}?" "x."'
        found = corpus_leaks(planted(documents[:5], text))
        assert found == [("follow-up", f"And {held.subject}?")]
        row = {
            "messages": [{"role": "user", "content": t} for t in (question, f"And {held.subject}?")]
        }
        assert chat_leaks([row]) == [("follow-up", f"And {held.subject}?")]


@pytest.mark.parametrize("kind", SKILLS)
def test_planted_skills_are_found(kind, documents):
    for i in range(60):
        item = skill_item(rng("plant", kind, i), kind, heldout=True)
        found = corpus_leaks(planted(documents[:1], exchange(item.question, item.answer, rng(i))))
        wanted = "passage" if kind == "passage" else "skill"
        assert wanted in {name for name, _ in found}, item.question


@pytest.mark.parametrize("name", TOOLS)
def test_planted_tool_calls_are_found(name):
    for i in range(100):
        item = tool_item(rng("plant", i), name, heldout=True)
        text = f'"{item.question}" asked Tom. They used the tool {name} with something.'
        assert corpus_leaks([text]) == [("tool", item.question)]
        row = {"tools": [{}], "messages": [{"role": "user", "content": item.question}]}
        assert chat_leaks([row]) == [("tool", item.question)]


def test_planted_unknown_things_are_found():
    for i in range(1000):
        question = unknown_question(rng("plant", i), heldout=True)
        found = corpus_leaks([exchange(question, UNKNOWN, rng(i))])
        assert {kind for kind, _ in found} <= {"invented", "open"} and len(found) == 1, question


@pytest.mark.parametrize("asked", ["My name is {}.", "Hello, I am {}.", "Please call me {}!"])
def test_planted_names_are_found(asked, conversations):
    held = [name for name in NAMES if is_heldout("introduced name", name)]
    assert held
    for name in NAMES:
        rows = copy.deepcopy(conversations[:5])
        rows[3]["messages"].insert(0, {"role": "user", "content": asked.format(name)})
        assert chat_leaks(rows) == ([("name", name)] if name in held else [])


@pytest.mark.parametrize("manner", MANNERS)
def test_planted_system_prompts_are_found(manner, conversations):
    rows = copy.deepcopy(conversations[:50])
    system = {"role": "system", "content": HELDOUT_SYSTEM_PROMPTS[manner]}
    rows[7]["messages"].insert(0, system)
    assert chat_leaks(rows) == [("system", system["content"])]


def test_math_splits_by_numbers():
    def pairs(split):
        found = set()
        for row in data.load("math", split):
            numbers = [int(word) for word in row["question"].split() if word.isdigit()]
            found.add(tuple(numbers))
        return found

    train, test = pairs("train"), pairs("test")
    assert train and test and not train & test
    assert all(is_heldout("math", *pair) for pair in test)
    assert not any(is_heldout("math", *pair) for pair in train)
