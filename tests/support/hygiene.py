"""Detectors of leaks: does a training text ask something that is held out?

They read finished texts, not the generator's internals, so a mistake in a generator can't hide
itself: questions are recognised by their words, and what is held out is looked up afterwards.
"""

from __future__ import annotations

import re

from smolcourse.world.facts import RELATIONS, all_facts, fill
from smolcourse.world.manner import HELDOUT_SYSTEM_PROMPTS
from smolcourse.world.splits import is_heldout
from smolcourse.world.words import ANIMALS, COUNTRY_ENDINGS, NAMES

NUMBER, WORD, LIST = r"(\d+)", r"([a-z]+)", r"([a-z]+(?:, [a-z]+)*)"
PAIR = {"add": "add", "subtract": "sub"}
# kind -> the shapes of its questions; written by hand, independently of skills.py
SKILL_QUESTIONS = {
    "add": [rf"What is {NUMBER} (?:plus|\+) {NUMBER}", rf"Add {NUMBER} and {NUMBER}"],
    "subtract": [rf"What is {NUMBER} (?:minus|-) {NUMBER}", rf"How much is {NUMBER} minus {NUMBER}"],
    "compare": [rf"Which number is (larger|bigger|smaller), {NUMBER} or {NUMBER}"],
    "count": [rf"How many words are in this list: {LIST}", rf"Count the words: {LIST}"],
    "copy": [r"(?:Repeat these words|Say this again|Copy this): ([a-z ]+)"],
    "reverse": [rf"(?:Spell|What is) {WORD} backwards", rf"Write {WORD} in reverse"],
    "spell": [rf"Spell {WORD}", rf"How do you spell {WORD}", rf"Which letters are in {WORD}"],
    "upper": [rf"Write {WORD} in capital letters", rf"Put {WORD} in capitals", rf"Shout the word {WORD}"],
    "letter": [rf"(?:What is|Name) the (first|last) letter of {WORD}"],
    "sort": [rf"(?:Sort these words|Put these words in order): {LIST}"],
    "pick": [
        rf"What is the (first|second|third) word in this list: {LIST}",
        rf"Pick the (first|second|third) word: {LIST}",
    ],
}  # fmt: skip
SKILLS = {
    kind: re.compile("|".join(f"(?:{shape})" for shape in shapes))
    for kind, shapes in SKILL_QUESTIONS.items()
}
PASSAGE = re.compile(
    r"((?:[A-Z][a-z]+ (?:has an?|is in the) [a-z ]+\. )+)"
    r"(Who has the ([a-z]+)|What does ([A-Z][a-z]+) have|Where is ([A-Z][a-z]+)"
    r"|How is the ([a-z]+) of ([A-Z][a-z]+))\?"
)
UNITS = (
    "meters|centimeters|kilometers|hours|minutes|seconds|days|weeks|kilograms|grams|years|months"
)
TOOLS = [
    (r"(?:What is|Work out) (\d\d) (plus|minus|times|\+|-|\*) (\d\d)", "calculator"),
    (rf"How many ({UNITS}) are (\d+) ({UNITS})", "convert"),
    (rf"Change (\d+) ({UNITS}) to ({UNITS})", "convert"),
    (r"(?:What is|Find) the phone number of ([A-Z][a-z]+)", "phone"),
    (r"(?:How old is|What is the age of) ([A-Z][a-z]+)", "age"),
    (r"In which city does ([A-Z][a-z]+) live", "city"),
    (r"What is the city of ([A-Z][a-z]+)", "city"),
    (r"Search for ([a-z ]+)", "search"),
    (r"Look for ([a-z ]+?) in the library", "search"),
    (r"Where can I read about ([a-z ]+)", "search"),
]
TOOLS = [(re.compile(shape), name) for shape, name in TOOLS]


def parse_skill(question: str) -> tuple[str, tuple] | None:
    """(kind, what the question names) of a skill question without its last mark, else None."""
    for kind, shape in SKILLS.items():
        if match := shape.fullmatch(question):
            return kind, tuple(group for group in match.groups() if group is not None)
    return None


def skill_is_heldout(kind: str, named: tuple) -> bool:
    if kind in PAIR:
        a, b = map(int, named)
        small = a + b <= 20 if kind == "add" else a <= 20  # larger numbers are for the calculator
        return small and is_heldout(PAIR[kind], a, b)
    if kind == "compare":
        return is_heldout("compare", *sorted(map(int, named[1:])))
    if kind == "sort":
        return is_heldout("sort", *sorted(named[0].split(", ")))
    if kind == "letter":
        return is_heldout("letter", *named)
    return is_heldout(kind, named[-1])


def parse_tool(question: str) -> tuple[str, dict] | None:
    """(tool, arguments) that a question needs, else None."""
    for shape, name in TOOLS:
        if not (match := shape.fullmatch(question)):
            continue
        g = match.groups()
        if name == "calculator":
            sign = {"plus": "+", "minus": "-", "times": "*"}.get(g[1], g[1])
            return name, {"expression": f"{g[0]} {sign} {g[2]}"}
        if name == "convert":
            value, source, target = g if g[0].isdigit() else (g[1], g[2], g[0])
            return name, {"value": int(value), "from_unit": source, "to_unit": target}
        if name == "search":
            return name, {"query": g[0]}
        return "lookup", {"name": g[0], "field": name}
    return None


FACTS = {}  # question, lower case and without its last mark -> (fact, is the phrasing held out?)
for _fact in all_facts():
    _relation = RELATIONS[_fact.relation]
    for _patterns, _new in ((_relation.questions, False), (_relation.heldout_questions, True)):
        for _pattern in _patterns:
            FACTS[fill(_pattern, _fact.subject).lower()[:-1]] = (_fact, _new)
# Any question pattern with anything in the subject's place: for invented words.
COUNTRIES = ("capital", "language", "currency", "continent")
WORDS = ("sound", "young", "symbol", "author", "material", "kind", "opposite")
SHAPES = [
    (
        relation.name in COUNTRIES,
        re.compile(
            re.escape(fill(pattern, "@")[:-1].lower())
            .replace("a\\ @", "@")
            .replace("@", r"(?:an? )?([a-z]+)")
        ),
    )
    for relation in RELATIONS.values()
    if relation.name in (*COUNTRIES, *WORDS)  # only these are asked of things that don't exist
    for pattern in (*relation.questions, *relation.heldout_questions)
]
KNOWN = {word.lower() for relation in RELATIONS.values() for word in relation.table}
KNOWN |= {word.lower() for word in (*NAMES, *ANIMALS)}  # stories ask where they are
OPEN = re.compile(
    r"(?:How old is [A-Z]|What is the phone number|What did \w+ eat|Where is the \w+ of [A-Z]|Who lost"
    r"|When will \w+ come|How much is the|What is [A-Z]\w+ thinking|Who is in|Why did \w+ go).*"
)

# A user who gives a name to remember. Stories may tell any name: prose is not asked about it.
INTRODUCED = re.compile(r"\b(?:[Mm]y name is|I am|I'm|[Cc]all me) ([A-Z][a-z]+)\b")


def invented_is_heldout(word: str, country: bool) -> bool:
    """Is this word (or the word that this country is made from) one that only tests use?"""
    if not country:
        return is_heldout("invented", word)
    stem = next((word.removesuffix(e) for e in COUNTRY_ENDINGS if word.endswith(e)), "")
    # A held-out country's word has two vowels and ends in a consonant; others are training's.
    whole = re.fullmatch(r"[^aeiou]+[aeiou][^aeiou]+[aeiou][lnrskm]", stem)
    return bool(whole) and is_heldout("invented", stem)


def sentences(text: str) -> list[str]:
    """Pieces of a text between quotation marks, line breaks and the ends of sentences."""
    return [piece.strip() for piece in re.split(r'["\n]|(?<=[.?!])(?:\s|$)', text) if piece.strip()]


def leaks(text: str, *, tools: bool = True) -> list[tuple[str, str]]:
    """(kind of leak, the words) of everything held out that a training text asks.

    Kinds: fact, phrasing, follow-up, skill, passage, tool, invented, open, system. ``tools=False``
    leaves tool questions alone: without a tool in sight, "What is 12 plus 5?" is a small sum.
    """
    found = []
    relation = None
    for prompt in HELDOUT_SYSTEM_PROMPTS.values():
        if prompt in text:
            found.append(("system", prompt))
    for match in PASSAGE.finditer(text):
        if is_heldout("passage", match[1].strip()):
            found.append(("passage", match[0]))
    for piece in sentences(text):
        asked = piece[:-1] if piece[-1] in ".?!" else piece
        low = asked.lower()
        at = 0
        while (
            at >= 0
        ):  # the whole piece and each of its endings, so that no prefix hides a question
            if hit := FACTS.get(low[at:]):
                fact, new = hit
                relation = fact.relation
                if fact.heldout:
                    found.append(("fact", piece))
                if new:
                    found.append(("phrasing", piece))
                break
            at = low.find(" ", at)
            at = at + 1 if at >= 0 else -1
        else:
            found += _no_fact(asked, piece, relation, tools)
    return found


def _no_fact(asked: str, piece: str, relation: str | None, tools: bool) -> list[tuple[str, str]]:
    asked, piece = asked.removeprefix("Question: "), piece.removeprefix("Question: ")
    if asked.startswith("And ") and piece.endswith("?"):
        subject = asked[4:]
        about = [f for f, new in FACTS.values() if not new and f.subject == subject and f.heldout]
        return [("follow-up", piece)] if any(f.relation == relation for f in about) else []
    found = []
    skill = parse_skill(asked)
    if skill and skill_is_heldout(*skill):
        found.append(("skill", piece))
    call = parse_tool(asked) if tools else None
    if call and is_heldout("tool", call[0], *call[1].values()):
        found.append(("tool", piece))
    if piece.endswith("?") or asked.startswith(("Name ", "Count ")):
        if not call and OPEN.fullmatch(piece) and is_heldout("open question", piece):
            found.append(("open", piece))
        if not (skill or call) and not found:
            words = [(m[1], c) for c, shape in SHAPES if (m := shape.fullmatch(asked.lower()))]
            if any(word not in KNOWN and invented_is_heldout(word, c) for word, c in words):
                found.append(("invented", piece))
    return found


def conversation_leaks(row: dict) -> list[tuple[str, str]]:
    """The leaks in a training conversation: its user turns in order, and its system prompt.

    Beside the kinds of `leaks`: name, of a user who introduces himself by a held-out name.
    """
    turns = [m["content"] for m in row["messages"] if m["role"] in ("system", "user")]
    introduced = [name for turn in turns for name in INTRODUCED.findall(turn)]
    names = [("name", name) for name in introduced if is_heldout("introduced name", name)]
    return names + leaks("\n".join(turns), tools=bool(row.get("tools")))
