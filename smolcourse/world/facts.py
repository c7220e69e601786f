"""The facts of Smol World: relations, their true tables, and the words to tell and to ask them.

A *fact* is (relation, subject, answer), for instance ("capital", "France", "Paris"). Within one
relation every subject occurs once, so every question has exactly one right answer (tests prove it).

A relation's sentences come in three groups that never mix:

- ``statements``: how pretraining text tells the fact. Every fact is told.
- ``questions``: how training text may ask for it. Only facts of the *train* split are ever asked.
- ``heldout_questions``: phrasings that no training text of any stage contains; they are kept for
  measuring whether a model understands a new way to ask.

``{s}`` is the subject, ``{a}`` the answer, ``{A}``/``{S}`` the same with a capital first letter,
``{an_s}`` / ``{an_a}`` the word with its indefinite article.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from smolcourse.world.tables import TABLES


@dataclass(frozen=True)
class Relation:
    """One kind of fact: its table and its sentence patterns (see the module docstring)."""

    name: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    heldout_questions: tuple[str, ...]

    @property
    def table(self) -> dict[str, str]:
        """subject -> answer, in a fixed order."""
        return TABLES[self.name]


@dataclass(frozen=True)
class Fact:
    """One fact; ``heldout`` is True when no training text may ask for it."""

    relation: str
    subject: str
    answer: str
    heldout: bool


def article(word: str) -> str:
    """``word`` with "a" or "an": ``article("ox") == "an ox"``. Sound rule: vowels, except "uni..."."""
    vowel = word[0].lower() in "aeiou" and not word.lower().startswith(("uni", "use", "eu"))
    return f"{'an' if vowel else 'a'} {word}"


def fill(pattern: str, subject: str, answer: str = "") -> str:
    """Put one fact's words into a sentence pattern and capitalise the sentence's first letter."""
    text = pattern.format(
        s=subject,
        a=answer,
        S=subject[:1].upper() + subject[1:],
        A=answer[:1].upper() + answer[1:],
        an_s=article(subject),
        an_a=article(answer) if answer else "",
    )
    return text[:1].upper() + text[1:]


def _relation(name: str, statements: str, questions: str, heldout: str) -> Relation:
    lines = [
        tuple(line.strip() for line in block.strip().splitlines())
        for block in (statements, questions, heldout)
    ]
    return Relation(name, *lines)


RELATIONS: dict[str, Relation] = {
    r.name: r
    for r in [
        _relation(
            "capital",
            """the capital of {s} is {a}.
            {a} is the capital of {s}.
            {a} is the capital city of {s}.
            the capital city of {s} is called {a}.
            {s} has a capital city, and its name is {a}.
            in {s}, the government sits in the capital, {a}.""",
            """What is the capital of {s}?
            Which city is the capital of {s}?
            Name the capital of {s}.
            Do you know the capital of {s}?
            The capital of {s} is which city?""",
            """Can you tell me the capital city of {s}?
            {s}: what is its capital?""",
        ),
        _relation(
            "language",
            """people in {s} speak {a}.
            the main language of {s} is {a}.
            {a} is the main language of {s}.
            in {s}, most people speak {a}.
            if you visit {s}, you will hear {a}.
            children in {s} learn to read in {a}.""",
            """What language do people speak in {s}?
            Which language is spoken in {s}?
            What is the main language of {s}?
            Name the language of {s}.
            Do you know what people speak in {s}?""",
            """Can you tell me the language people use in {s}?
            {s}: which language is it?""",
        ),
        _relation(
            "currency",
            """people in {s} pay with the {a}.
            the money of {s} is the {a}.
            the currency of {s} is the {a}.
            the {a} is the currency of {s}.
            in {s}, shops take the {a}.
            a traveller in {s} needs the {a}.""",
            """What is the currency of {s}?
            What money do people use in {s}?
            Which currency does {s} use?
            Name the currency of {s}.
            Do you know the money of {s}?""",
            """Can you tell me what people pay with in {s}?
            {s}: what is its currency?""",
        ),
        _relation(
            "continent",
            """{s} is in {a}.
            {s} is a country in {a}.
            the country {s} lies in {a}.
            on the map, {s} is found in {a}.
            {s} belongs to {a}.
            if you go to {s}, you are in {a}.""",
            """On which continent is {s}?
            Where is {s}?
            Which continent is {s} in?
            Name the continent of {s}.
            Do you know where {s} lies?""",
            """Can you tell me the continent {s} is on?
            {s}: which part of the world is it in?""",
        ),
        _relation(
            "opposite",
            """the opposite of {s} is {a}.
            {a} is the opposite of {s}.
            if something is not {s}, it may be {a}.
            {s} and {a} are opposites.
            the word {s} means the opposite of the word {a}.
            when we say the reverse of {s}, we say {a}.""",
            """What is the opposite of {s}?
            Which word is the opposite of {s}?
            Name the opposite of {s}.
            Do you know the opposite of {s}?
            The opposite of {s} is what?""",
            """Can you tell me a word that means the reverse of {s}?
            {s}: what is its opposite?""",
        ),
        _relation(
            "sound",
            """{an_s} can {a}.
            the sound of {an_s} is called {a}.
            when {an_s} makes a noise, it will {a}.
            we say that {an_s} likes to {a}.
            every {s} knows how to {a}.
            hear the {s}: it wants to {a}.""",
            """What sound does {an_s} make?
            What does {an_s} do when it makes a noise?
            How do we call the sound of {an_s}?
            Name the sound of {an_s}.
            Do you know the sound of {an_s}?""",
            """Can you tell me what {an_s} says?
            {s}: what noise is it?""",
        ),
        _relation(
            "young",
            """a young {s} is called {an_a}.
            a baby {s} is {an_a}.
            {an_a} is a young {s}.
            the child of {an_s} is {an_a}.
            {an_a} grows up to be {an_s}.
            when {an_s} is small, we call it {an_a}.""",
            """What is a young {s} called?
            What do we call a baby {s}?
            Name the young of {an_s}.
            What is the child of {an_s}?
            Do you know the word for a young {s}?""",
            """Can you tell me what a little {s} is called?
            {s}: what is its baby?""",
        ),
        _relation(
            "color",
            """{s} is {a}.
            the color of {s} is {a}.
            we all know that {s} looks {a}.
            paint {s} in {a}.
            when you draw {s}, take the {a} pencil.
            everybody can see that {s} is {a}.""",
            """What color is {s}?
            Which color does {s} have?
            What is the color of {s}?
            Name the color of {s}.
            Do you know what color {s} is?""",
            """Can you tell me how {s} is colored?
            {s}: which color?""",
        ),
        _relation(
            "plural",
            """the plural of {s} is {a}.
            one {s}, two {a}.
            if you have more than one {s}, you have {a}.
            many of the word {s} are called {a}.
            here is one {s}, and there are three {a}.
            we write {s} for one and {a} for many.""",
            """What is the plural of {s}?
            How do you write more than one {s}?
            Name the plural of {s}.
            What do you call two of the word {s}?
            Do you know the plural of {s}?""",
            """Can you tell me the word for many of {s}?
            {s}: what is its plural form?""",
        ),
        _relation(
            "past",
            """the past tense of {s} is {a}.
            today I {s}, yesterday I {a}.
            now they {s}, and last week they {a}.
            the word {s} becomes {a} in the past.
            we {s} every day, and we {a} yesterday too.
            {a} is the past tense of {s}.""",
            """What is the past tense of {s}?
            How do you say {s} in the past?
            Name the past tense of {s}.
            What does {s} become in the past?
            Do you know the past tense of {s}?""",
            """Can you tell me the past form of {s}?
            {s}: what is it in the past?""",
        ),
        _relation(
            "symbol",
            """the chemical symbol of {s} is {a}.
            {a} is the symbol of {s}.
            the symbol for {s} is {a}.
            in chemistry, {s} is written {a}.
            the element {s} has the symbol {a}.
            chemists write {a} when they mean {s}.""",
            """What is the chemical symbol of {s}?
            Which symbol does {s} have?
            What is the symbol for {s}?
            Name the symbol of {s}.
            Do you know the symbol of {s}?""",
            """Can you tell me how chemists write {s}?
            {s}: what is its chemical symbol?""",
        ),
        _relation(
            "next",
            """after {s} comes {a}.
            {a} comes after {s}.
            first comes {s}, then comes {a}.
            right after {s} we say {a}.
            the one that follows {s} is {a}.
            {s} is followed by {a}.""",
            """What comes after {s}?
            Which one follows {s}?
            What is next after {s}?
            Name the one after {s}.
            Do you know what comes after {s}?""",
            """Can you tell me what follows right after {s}?
            {s}: what is next?""",
        ),
        _relation(
            "place",
            """{an_s} works in {an_a}.
            you can meet {an_s} in {an_a}.
            the place where {an_s} works is {an_a}.
            {an_a} is where {an_s} works.
            every morning the {s} goes to the {a}.
            look for the {s} in the {a}.""",
            """Where does {an_s} work?
            In which place does {an_s} work?
            Where can you meet {an_s}?
            Name the place where {an_s} works.
            Do you know where {an_s} works?""",
            """Can you tell me where to find {an_s} at work?
            {s}: where is the job?""",
        ),
        _relation(
            "legs",
            """{an_s} has {a} legs.
            a healthy {s} walks on {a} legs.
            the number of legs of {an_s} is {a}.
            count the legs of {an_s}: there are {a}.
            {a} is the number of legs of {an_s}.
            like others of its kind, the {s} has {a} legs.""",
            """How many legs does {an_s} have?
            What is the number of legs of {an_s}?
            How many legs has {an_s}?
            Count the legs of {an_s}.
            Do you know how many legs {an_s} has?""",
            """Can you tell me the count of legs of {an_s}?
            {s}: how many legs?""",
        ),
        _relation(
            "kind",
            """{an_s} is a kind of {a}.
            {an_s} is {an_a}.
            we call {an_s} {an_a}.
            the {s} belongs with every other {a}.
            think of {an_a}: {an_s}, for example.
            among the things called {a} there is the {s}.""",
            """What kind of thing is {an_s}?
            What is {an_s}?
            Which group does {an_s} belong to?
            Name the kind of thing {an_s} is.
            Do you know what {an_s} is?""",
            """Can you tell me what sort of thing {an_s} is?
            {s}: what kind is it?""",
        ),
        _relation(
            "material",
            """{an_s} is made of {a}.
            we make {an_s} from {a}.
            to make {an_s}, you need {a}.
            {a} is what {an_s} is made of.
            the {s} in the house is made of {a}.
            most often {an_s} consists of {a}.""",
            """What is {an_s} made of?
            What do we make {an_s} from?
            Which material is {an_s} made of?
            Name the material of {an_s}.
            Do you know what {an_s} is made of?""",
            """Can you tell me the stuff {an_s} consists of?
            {s}: what is it made from?""",
        ),
        _relation(
            "author",
            """{s} was written by {a}.
            {a} wrote {s}.
            the author of {s} is {a}.
            {a} is the author of {s}.
            readers of {s} know the name {a}.
            the book {s} is by {a}.""",
            """Who wrote {s}?
            Who is the author of {s}?
            Which writer wrote {s}?
            Name the author of {s}.
            Do you know who wrote {s}?""",
            """Can you tell me the writer of {s}?
            {s}: who is it by?""",
        ),
        _relation(
            "landmark",
            """{s} is in {a}.
            you can see {s} in {a}.
            {a} is famous for {s}.
            travellers visit {s} in {a}.
            {s} stands in {a}.
            go to {a} to look at {s}.""",
            """Where is {s}?
            In which country is {s}?
            Which country has {s}?
            Name the country of {s}.
            Do you know where {s} is?""",
            """Can you tell me which land to visit to see {s}?
            {s}: which country?""",
        ),
    ]
}


def all_facts() -> list[Fact]:
    """Every fact, in table order; a quarter of each relation's subjects is held out.

    The held-out subjects are fixed (every fourth after a seeded shuffle, see ``splits.py``).
    """
    from smolcourse.world.splits import heldout_subjects

    facts = []
    for relation in RELATIONS.values():
        held = heldout_subjects(relation.name, list(relation.table))
        facts += [
            Fact(relation.name, subject, answer, subject in held)
            for subject, answer in relation.table.items()
        ]
    return facts


@cache
def fact_index() -> tuple[list[Fact], dict[str, list[Fact]], list[Fact]]:
    """(all facts, the facts of each subject, the facts of the train split), worked out once."""
    facts = all_facts()
    by_subject: dict[str, list[Fact]] = {}
    for fact in facts:
        by_subject.setdefault(fact.subject, []).append(fact)
    return facts, by_subject, [fact for fact in facts if not fact.heldout]
