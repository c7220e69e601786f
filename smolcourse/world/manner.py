"""Manners: one answer told tersely, plainly, politely, rudely, at length, or shouting.

``say`` puts an answer into a manner, ``manner_of`` recognises it by rule: together they are the raw
material of preferences and of the "does it obey?" scores.

Introduced in lesson 1_instruction_tuning/supervised_fine_tuning; used throughout module 2.
"""

from __future__ import annotations

import random

FRAMES: dict[str, tuple[str, ...]] = {
    "terse": ("{A}.",),
    "plain": ("The answer is {a}.",),
    "polite": (
        "With pleasure! The answer is {a}. Thank you for asking.",
        "Thank you for your question. The answer is {a}.",
        "Of course! The answer is {a}. Have a nice day.",
    ),
    "rude": (
        "Everybody knows that. The answer is {a}. Go away.",
        "What a silly question. The answer is {a}.",
        "The answer is {a}. Now leave me alone.",
    ),
    "wordy": (
        "Well, let me think about that for a moment. There is much to say here, but in the end the "
        "answer is {a}.",
        "This is a matter that one can look at from many sides. All in all, the answer is {a}.",
    ),
    "shouting": ("{U}!",),
}
MANNERS = tuple(FRAMES)

SYSTEM_PROMPTS: dict[str, tuple[str, ...]] = {
    "terse": ("Answer in as few words as possible.", "Be terse.", "You are terse.",
              "You must be terse.", "Always be terse."),
    "plain": ("Answer plainly.", "Be plain.", "Answer in a plain sentence.",
              "You must answer plainly.", "Always answer plainly."),
    "polite": ("Answer politely.", "Be polite.", "You are polite.",
               "You must be polite.", "Always be polite."),
    "rude": ("Answer rudely.", "Be rude.", "You are rude.",
             "You must be rude.", "Always be rude."),
    "wordy": ("Answer at length.", "Be wordy.", "You are wordy.",
              "You must be wordy.", "Always be wordy."),
    "shouting": ("Answer in capital letters.", "Shout.", "You are shouting.",
                 "You must shout.", "Always shout."),
}  # fmt: skip
HELDOUT_SYSTEM_PROMPTS: dict[str, str] = {
    "terse": "Please be terse.",
    "plain": "Please answer plainly.",
    "polite": "Please be polite.",
    "rude": "Please be rude.",
    "wordy": "Please be wordy.",
    "shouting": "Please shout.",
}

_MARKS = {
    "polite": ("pleasure", "thank you", "of course"),
    "rude": ("everybody knows", "silly question", "leave me alone", "go away"),
    "wordy": ("let me think", "from many sides"),
}


def sentence(answer: str) -> str:
    """The terse form, the course's standard short answer: first letter kept, full stop added."""
    return f"{answer}."


def say(answer: str, manner: str, rng: random.Random) -> str:
    """``answer`` in a manner: ``say("Paris", "shouting", rng) == "PARIS!"``."""
    frame = rng.choice(FRAMES[manner])
    return frame.format(a=answer, A=answer, U=answer.upper())


def manner_of(text: str) -> str:
    """The manner of a text by rule; "other" if no rule fits.

    >>> manner_of("Thank you for your question. The answer is Paris.")
    'polite'
    """
    low = text.strip().lower()
    for manner, marks in _MARKS.items():
        if any(mark in low for mark in marks):
            return manner
    if text.strip().endswith("!") and text.strip() == text.strip().upper():
        return "shouting"
    if low.startswith("the answer is") and low.count(".") == 1:
        return "plain"
    if low.endswith(".") and len(low.split()) <= 5:
        return "terse"
    return "other"
