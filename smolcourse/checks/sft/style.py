"""sft.style: any style that keeps the answer, is the same each time and short enough to learn."""

import re

from smolcourse.checks.core import Wrong, expect_type
from smolcourse.checks.core.phrases import holds

MOST_WORDS = 16  # of 17 to 20, fifty steps taught too little to meet the exercise's own rubric
pure = True
ROWS = [
    ("What is the capital of France?", "Paris."),
    ("What is the capital of Japan?", "Tokyo."),
    ("Where is Kenya?", "Africa."),
    ("Where is Cuba?", "North America."),
    ("What is a young dog called?", "puppy."),
    ("What is the past tense of go?", "went."),
    ("What is the opposite of hot?", "cold."),
    ("What colour is a lemon?", "yellow."),
]


def cases(rng):
    return rng.sample(ROWS, len(ROWS))


def observe(answer, case):
    said = expect_type(answer(*case), str)
    if answer(*case) != said:
        raise Wrong("not_repeatable")
    return said


def judge(seen, wanted, case):
    _, short = case
    words = short.removesuffix(".")
    if words.lower() not in seen.lower():
        raise Wrong("answer_lost", want=words, got=seen)
    if seen.strip().removesuffix(".") == words:
        raise Wrong("unchanged")
    if _words(seen) > MOST_WORDS:
        raise Wrong("too_long", count=_words(seen), most=MOST_WORDS)
    for _, other in ROWS:
        # As words of their own: "twenty" is not the past tense of go.
        if other != short and holds(seen, other):
            raise Wrong("foreign_answer", got=seen)


def _words(text: str) -> int:
    """How many words; Chinese has no spaces, so each of its characters counts as one."""
    return len(re.sub(r"([\u4e00-\u9fff])[^\w\s]*", r" \1 ", text).split())


mistakes = {
    "unchanged": [lambda right, q, a: a, lambda right, q, a: a.removesuffix(".")],
    "answer_lost": lambda right, q, a: "Arr, I know it well!",
    "too_long": lambda right, q, a: "well " * MOST_WORDS + a,
    "foreign_answer": lambda right, q, a: f"Not Paris, not Tokyo: {a}",
}
