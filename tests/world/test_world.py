"""Smol World is true, its patterns are whole, and equal seeds give equal texts everywhere."""

import calendar
import hashlib
import os
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from hygiene import parse_skill, parse_tool

from smolcourse.world.chat import TEST_KINDS, conversation
from smolcourse.world.corpus import MIX, document
from smolcourse.world.facts import RELATIONS, all_facts, article, fill
from smolcourse.world.honesty import UNKNOWN, unknown_question
from smolcourse.world.manner import (
    FRAMES,
    HELDOUT_SYSTEM_PROMPTS,
    MANNERS,
    SYSTEM_PROMPTS,
    manner_of,
    say,
)
from smolcourse.world.skills import SKILLS, skill_item
from smolcourse.world.splits import HELDOUT_SHARE, rng
from smolcourse.world.stories import story
from smolcourse.world.tables import TABLES, pairs_of
from smolcourse.world.tools import TOOLS, tool_item, tool_schemas

FACTS = all_facts()
T = TABLES


# ---------------------------------------------------------------- the tables


def test_there_are_enough_relations_and_entities():
    assert len(TABLES) >= 12 and set(TABLES) == set(RELATIONS)
    assert {name: len(t) for name, t in T.items() if len(t) < 20} == {}
    for name, table in T.items():
        for word in (*table, *table.values()):
            assert word and word == " ".join(word.split()), (name, word)
            assert not set(word) & set('{}<>|"=;:?!.,'), (name, word)


def test_a_subject_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="twice.*France"):
        pairs_of("France=Paris; Italy=Rome; France=Lyon")


def test_no_question_is_asked_of_two_facts():
    seen = {}
    for fact in FACTS:
        relation = RELATIONS[fact.relation]
        for pattern in (*relation.questions, *relation.heldout_questions):
            question = fill(pattern, fact.subject)
            assert question not in seen, (question, fact, seen.get(question))
            seen[question] = fact


def test_tables_about_countries_agree():
    countries = set(T["capital"])
    for name in ("language", "currency", "continent"):
        assert set(T[name]) <= countries, set(T[name]) - countries
    assert len(set(T["capital"].values())) == len(countries)
    elsewhere = set(T["landmark"].values()) - countries
    assert elsewhere <= {"Cambodia", "Tanzania"}
    assert set(T["continent"].values()) == {
        "Europe", "Asia", "Africa", "North America", "South America",
    }  # fmt: skip
    euro = {country for country, money in T["currency"].items() if money == "euro"}
    assert {T["continent"][country] for country in euro} == {"Europe"}


def test_tables_about_animals_and_things_agree():
    kind, legs = T["kind"], T["legs"]
    for animal in set(kind) & set(legs):
        assert legs[animal] == {"insect": "six", "bird": "two"}[kind[animal]], animal
    assert all(legs[bird] == "two" for bird in ("duck", "hen", "swan", "owl"))
    assert set(legs.values()) == {"two", "four", "six", "eight"}
    for name in ("sound", "young"):  # what barks and what has puppies is an animal everywhere
        assert all(kind.get(animal, "bird") in ("bird", "insect", "fish") for animal in T[name])
    colors = {"red", "blue", "green", "yellow", "white", "black", "brown", "pink", "orange",
              "purple", "gray"}  # fmt: skip
    assert set(T["color"].values()) <= colors


def test_opposites_are_mutual_and_colors_carry_the_right_article():
    table = T["opposite"]
    assert len(set(table.values())) == len(table)
    for word, other in table.items():
        assert word != other and table.get(other, word) == word, word
    for subject in T["color"]:
        if subject.startswith(("a ", "an ")):
            assert article(subject.split(" ", 1)[1]) == subject


def test_plurals_and_past_tenses_have_their_shapes():
    irregular = {"man", "woman", "child", "foot", "tooth", "goose", "mouse", "ox", "sheep", "fish",
                 "deer"}  # fmt: skip
    changed = {"leaf", "knife", "wife", "wolf", "half", "shelf", "loaf", "thief", "calf"}

    def plural(word):
        if word in changed:
            return word.removesuffix("e").removesuffix("f") + "ves"
        if re.search(r"[^aeiou]y$", word):
            return word[:-1] + "ies"
        return word + ("es" if re.search(r"(s|x|sh|ch|[^aeiou]o)$", word) else "s")

    for word, answer in T["plural"].items():
        if word in irregular:
            assert not answer.endswith("s"), (word, answer)
        else:
            assert answer == plural(word)
    unchanged = {word for word, past in T["past"].items() if word == past}
    assert unchanged == {"cut", "put"}
    for word, past in T["past"].items():
        assert past.isalpha() and (past[0] == word[0] or word in ("go", "eat")), (word, past)
        if past.endswith("ed") and word != "feed":
            assert past == word + "ed"


def test_chemical_symbols_come_from_their_names():
    latin = {"sodium", "potassium", "iron", "copper", "silver", "tin", "tungsten", "gold", "mercury",
             "lead"}  # fmt: skip
    symbols = T["symbol"]
    assert len(set(symbols.values())) == len(symbols)
    for name, symbol in symbols.items():
        assert re.fullmatch("[A-Z][a-z]?", symbol)
        if name not in latin:
            first, *second = symbol.lower()
            assert name[0] == first and all(letter in name[1:] for letter in second), name


def test_what_comes_next_runs_in_whole_cycles_and_chains():
    table = T["next"]
    assert len(set(table.values())) == len(table)
    for cycle in (list(calendar.day_name), list(calendar.month_name)[1:],
                  ["spring", "summer", "autumn", "winter"]):  # fmt: skip
        assert [table[a] for a in cycle] == [*cycle[1:], cycle[0]]
    chains = {
        "one": "one two three four five six seven eight nine ten eleven twelve",
        "first": "first second third fourth fifth",
        "Mercury": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune",
        "breakfast": "breakfast lunch dinner",
        "morning": "morning noon",
    }
    for start, chain in chains.items():
        for a, b in pairwise(chain.split()):
            assert table[a] == b
        assert start not in table.values()
    assert len(table) == 7 + 12 + 4 + sum(len(c.split()) - 1 for c in chains.values())


def test_a_quarter_of_each_relation_is_held_out():
    for name, table in T.items():
        held = [fact for fact in FACTS if fact.relation == name and fact.heldout]
        assert len(held) == round(len(table) * HELDOUT_SHARE)
    assert [f.subject for f in FACTS if f.relation == "capital"] == list(T["capital"])


# ---------------------------------------------------------------- the patterns


def test_every_pattern_fills_without_leftovers():
    for fact in FACTS:
        relation = RELATIONS[fact.relation]
        for pattern in relation.statements:
            text = fill(pattern, fact.subject, fact.answer)
            assert fact.subject.lower() in text.lower() and fact.answer.lower() in text.lower()
            assert text.endswith(".") and not set(text) & set("{}") and "  " not in text
        for pattern in (*relation.questions, *relation.heldout_questions):
            text = fill(pattern, fact.subject)
            assert fact.subject.lower() in text.lower() and text[-1] in "?."
            assert text[0].isupper() and not set(text) & set("{}") and "  " not in text
            assert "{a}" not in pattern and "{an_a}" not in pattern


def test_patterns_are_many_and_differ():
    for relation in RELATIONS.values():
        groups = (relation.statements, relation.questions, relation.heldout_questions)
        assert [len(set(group)) for group in groups] == [6, 5, 2], relation.name


def test_no_heldout_phrasing_hides_in_a_training_phrasing():
    def plain(pattern):
        return re.sub(r"\{an?_s\}", "{s}", pattern.lower()).rstrip("?.")

    training = [plain(p) for r in RELATIONS.values() for p in (*r.questions, *r.statements)]
    for relation in RELATIONS.values():
        for pattern in relation.heldout_questions:
            assert not [t for t in training if plain(pattern) in t or t in plain(pattern)], pattern


def test_articles():
    words = {"ox": "an ox", "dog": "a dog", "university": "a university", "owl": "an owl",
             "eucalyptus": "a eucalyptus", "onion": "an onion", "Emma": "an Emma"}  # fmt: skip
    assert {word: article(word) for word in words} == words
    # The rule goes by letters; a word that sounds otherwise would need an exception.
    sounds = ("hour", "honest", "heir", "one", "once", "ewe", "ukulele", "uranium")
    used = [
        word
        for relation in RELATIONS.values()
        for slot, words in (("{an_s}", relation.table), ("{an_a}", relation.table.values()))
        if any(slot in p for p in (*relation.statements, *relation.questions))
        for word in words
    ]
    assert used and not [word for word in used if word.startswith(sounds)]


# ---------------------------------------------------------------- skills, tools, manners, honesty


def solve(kind: str, named: tuple) -> str:
    """The right answer, worked out from the question's words alone."""
    last = named[-1]
    words = last.split(", ")
    numbers = [int(n) for n in named if n.isdigit()]
    place = {"first": 0, "second": 1, "third": 2, "last": -1}
    return {
        "add": lambda: str(sum(numbers)),
        "subtract": lambda: str(numbers[0] - numbers[1]),
        "compare": lambda: str((min if named[0] == "smaller" else max)(numbers)),
        "count": lambda: str(len(words)),
        "copy": lambda: last,
        "reverse": lambda: "".join(reversed(last)),
        "spell": lambda: "-".join(last),
        "upper": lambda: last.upper(),
        "letter": lambda: last[place[named[0]]],
        "sort": lambda: ", ".join(sorted(words)),
        "pick": lambda: words[place[named[0]]],
    }[kind]()


@pytest.mark.parametrize("kind", [kind for kind in SKILLS if kind != "passage"])
def test_the_answers_of_skills_are_right(kind):
    for i in range(300):
        item = skill_item(rng("test", kind, i), kind)
        parsed = parse_skill(item.question[:-1])
        assert parsed is not None and parsed[0] == kind, item.question
        assert item.answer == solve(*parsed), item.question
        assert item.answer in item.statement
        if kind in ("add", "subtract"):
            assert 0 <= int(item.answer) <= 20


def test_the_answers_of_passages_stand_in_them():
    for i in range(500):
        item = skill_item(rng("test", "passage", i), "passage")
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", item.statement + item.answer)
        text, question = item.question[: len(item.statement)], item.question[len(item.statement) :]
        assert text == item.statement
        people = {}
        for line in text.split(". "):
            line = line.rstrip(".")
            if " has " in line:
                name, _, what = line.partition(" has ")
                people[name] = {"has": what, "how": what.split()[1], "thing": what.split()[2]}
            else:
                name, where, thing = re.fullmatch(
                    r"(\w+) is (in the \w+) with a (\w+)", line
                ).groups()
                people[name] = {"has": f"a {thing}", "where": where, "thing": thing}
        words = question.strip(" ?").split()
        by_thing = {facts["thing"]: name for name, facts in people.items()}
        if words[0] == "Who":
            answer = by_thing[words[-1]]
        else:
            name = words[-1] if words[0] == "How" else words[2]
            answer = people[name][{"What": "has", "Where": "where", "How": "how"}[words[0]]]
        assert item.answer == answer, item.question
        assert len(by_thing) == len(people)


def test_the_calls_of_tools_follow_from_the_questions():
    for i in range(2000):
        item = tool_item(rng("test", "tool", i))
        assert parse_tool(item.question[:-1]) == (item.name, item.arguments), item.question
        assert item.result == TOOLS[item.name](**item.arguments)
        assert item.answer.startswith(item.result)


def test_tools_compute():
    assert TOOLS["calculator"]("12 * 12") == "144" and TOOLS["calculator"]("50 - 8") == "42"
    assert TOOLS["convert"](3, "hours", "minutes") == "180"
    assert TOOLS["lookup"]("Tom", "age") == TOOLS["lookup"]("Tom", "age")
    assert re.fullmatch(r"page \d+", TOOLS["search"]("dog"))


def test_tool_schemas_are_those_of_transformers():
    from transformers.utils import get_json_schema

    for name, tool in TOOLS.items():
        assert tool_schemas([name]) == [get_json_schema(tool)]


@pytest.mark.parametrize("manner", MANNERS)
def test_every_manner_is_recognised(manner, monkeypatch):
    from smolcourse.world import manner as module

    answers = sorted({fact.answer for fact in FACTS}) + [UNKNOWN, "7", "dog, fox, owl"]
    for frame in FRAMES[manner]:
        monkeypatch.setitem(module.FRAMES, manner, (frame,))
        for answer in answers:
            text = say(answer, manner, rng("test"))
            assert manner_of(text) == manner, text
            assert answer.lower() in text.lower()


def test_other_texts_have_no_manner():
    assert manner_of("One morning, Mia went to the park and found a kite there.") == "other"
    assert manner_of("") == "other"


def test_system_prompts_are_apart():
    known = {prompt for prompts in SYSTEM_PROMPTS.values() for prompt in prompts}
    assert len(known) == sum(map(len, SYSTEM_PROMPTS.values()))
    assert set(HELDOUT_SYSTEM_PROMPTS) == set(MANNERS)
    for prompt in HELDOUT_SYSTEM_PROMPTS.values():
        assert not [k for k in known if prompt in k]


@pytest.mark.parametrize("heldout", [False, True])
def test_nothing_unknown_is_known(heldout):
    known = {
        fill(pattern, subject).lower()
        for relation in RELATIONS.values()
        for pattern in relation.questions
        for subject in relation.table
    }
    for i in range(3000):
        question = unknown_question(rng("test", "unknown", i), heldout=heldout)
        assert question.lower() not in known, question


def test_an_invented_word_that_is_real_is_thrown_away(monkeypatch):
    """By chance "Finland" is an invented country; the model must not learn to deny it."""
    from smolcourse.world import honesty

    countries = iter(["Finland", "Finland", "Brovia"] * 50)
    monkeypatch.setattr(honesty, "invented_country", lambda rng, heldout: next(countries))
    for i in range(40):
        assert "Finland" not in unknown_question(rng("test", i), heldout=False)


def test_stories_are_whole_and_varied():
    told = [story(rng("test", "story", i)) for i in range(300)]
    for title, text in told:
        assert title[0].isupper() and text[0].isupper() and text[-1] in '."'
        assert not set(title + text) & set("{}") and 3 <= len(re.findall(r"[.!?]", text)) <= 14
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", text.lower()), text
    assert len({text for _, text in told}) == len(told)


# ---------------------------------------------------------------- determinism

FINGERPRINT = """
import hashlib, json
from smolcourse.world.chat import conversation
from smolcourse.world.corpus import document
digest = hashlib.sha256()
for i in range(300):
    digest.update(document(5, i).encode())
    digest.update(json.dumps(conversation(5, i, "train" if i % 2 else "test")).encode())
print(digest.hexdigest())
"""


def test_a_fresh_process_makes_the_same_texts():
    prints = set()
    for seed in ("0", "1"):  # Python's own hashes of strings differ between these
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        result = subprocess.run([sys.executable, "-c", FINGERPRINT], env=environment,
                                capture_output=True, text=True, check=True)  # fmt: skip
        prints.add(result.stdout.strip())
    assert len(prints) == 1 and len(prints.pop()) == 64


def test_the_world_is_the_one_that_the_checkpoints_learned():
    """The packaged models were made from these texts; a change of the world must be meant.

    If this fails on purpose, rebuild the checkpoints with `smolcourse pretrain`, then put the new
    fingerprint here.
    """
    digest = hashlib.sha256()
    for i in range(2000):
        digest.update(document(0, i).encode())
    assert digest.hexdigest()[:16] == "95fb8b418e7b5cda"


def test_the_world_imports_nothing_heavy():
    code = (
        "import sys, smolcourse.world.chat; print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "transformers", "datasets", "numpy"} & set(eval(loaded.stdout))


def test_documents_and_conversations_are_well_formed():
    assert abs(sum(MIX.values()) - 1) < 1e-9
    for i in range(1500):
        text = document(9, i)
        assert text == text.strip() and len(text) > 10 and "<|" not in text and "{" not in text
    assert all("?" not in document(9, i, {"facts": 1.0}) for i in range(50))
    for kind in TEST_KINDS:
        for split in ("train", "test"):
            if kind == "phrasing" and split == "train":
                continue
            row = conversation(9, 1, split, kind)
            assert set(row) >= {"kind", "messages", "answer", "tools"}
            roles = [m["role"] for m in row["messages"] if m["role"] != "system"]
            assert roles[0] == "user" and roles[-1] == "assistant"
            assert all(a != b for a, b in pairwise(roles))
