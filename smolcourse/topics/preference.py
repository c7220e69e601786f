"""What alignment changes, measured: log-probabilities of answers, preference accuracy, generations.

The three topics of module 2 read their numbers from here, so that they mean the same. Introduced in
`2_preference_alignment/dpo`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smolcourse import generate, metrics
from smolcourse.batches import token_log_probs
from smolcourse.errors import CourseError
from smolcourse.topics.pairs import as_text, fit, text_of, token_ids, validate
from smolcourse.translate import tr
from smolcourse.world.manner import manner_of

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer

__all__ = [
    "Behaviour",
    "PairLogProbs",
    "Share",
    "answer_log_probs",
    "as_text",
    "behaviour",
    "fact_told",
    "fit",
    "pair_log_probs",
    "text_of",
    "token_ids",
    "validate",
]


# ---------------------------------------------------------------- log-probabilities


def answer_log_probs(
    model: Model,
    tokenizer: Tokenizer,
    prompts: Sequence,
    answers: Sequence,
    batch_size: int = 16,
    max_length: int | None = None,
) -> tuple[list[float], list[int]]:
    """log p(answer | prompt) in nats of each pair, and how many tokens each answer has.

    A sum over the answer's tokens, not a mean: it is the probability of the whole answer. The
    prompt is read and not counted; padding changes nothing. With `max_length`, prompt and answer
    together are cut behind that many tokens, as trainers cut; nothing may be left of an answer,
    which then has 0 nats and 0 tokens. Weights and the model's mode stay as they are. Raises
    `CourseError` on lists of unequal length. Introduced in `2_preference_alignment/dpo`; source:
    Rafailov et al. 2023, section 4.
    """
    if len(prompts) != len(answers):
        raise CourseError(
            "There must be one answer for each prompt, not {answers} for {prompts}.",
            answers=len(answers),
            prompts=len(prompts),
        )
    rows = [token_ids(tokenizer, p, a) for p, a in zip(prompts, answers, strict=True)]
    if max_length is not None:
        rows = [(p[:max_length], a[: max(max_length - len(p), 0)]) for p, a in rows]
    found = token_log_probs(model, [prompt + answer for prompt, answer in rows], batch_size)
    # The first token of a row has no log-probability, so the answer's begin one place earlier.
    starts = [max(len(prompt) - 1, 0) for prompt, _ in rows]
    sums = [math.fsum(row[start:]) for row, start in zip(found, starts, strict=True)]
    return sums, [len(answer) for _, answer in rows]


@dataclass(frozen=True)
class PairLogProbs:
    """Log-probabilities (nats) and token counts of the two answers of each pair, lists of n."""

    chosen: list[float]
    rejected: list[float]
    chosen_tokens: list[int]
    rejected_tokens: list[int]

    @property
    def margins(self) -> list[float]:
        """log p(chosen) - log p(rejected), per pair."""
        return [c - r for c, r in zip(self.chosen, self.rejected, strict=True)]

    @property
    def accuracy(self) -> Share:
        """How often the chosen answer is the likelier one; a tie counts as wrong."""
        return Share.of([margin > 0 for margin in self.margins])

    @property
    def per_token_accuracy(self) -> Share:
        """The same with the mean log-probability of a token: without the effect of length."""
        sides = zip(
            self.chosen, self.chosen_tokens, self.rejected, self.rejected_tokens, strict=True
        )
        return Share.of([c / nc > r / nr for c, nc, r, nr in sides])


def pair_log_probs(
    model: Model,
    tokenizer: Tokenizer,
    dataset,
    batch_size: int = 16,
    max_length: int | None = None,
) -> PairLogProbs:
    """The log-probabilities of both answers of every row of a preference dataset.

    `dataset` has the columns prompt, chosen, rejected; see `validate` for what is refused. With the
    trainer's `max_length`, pairs are cut and left out as the trainer does, and a sentence says how
    many; see `fit`. Introduced in `2_preference_alignment/dpo`.
    """
    validate(dataset)
    if max_length is not None:
        fits = fit(dataset, tokenizer, max_length)
        fits.say()
        dataset = dataset.select(fits.kept)
    prompts = list(dataset["prompt"])
    answers = list(dataset["chosen"]) + list(dataset["rejected"])
    sums, counts = answer_log_probs(model, tokenizer, prompts * 2, answers, batch_size, max_length)
    n = len(prompts)
    return PairLogProbs(sums[:n], sums[n:], counts[:n], counts[n:])


# ---------------------------------------------------------------- generations


@dataclass(frozen=True)
class Share:
    """A share in [0, 1] of `n` cases with its 95% interval (Wilson)."""

    share: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, hits: Sequence[bool]) -> Share:
        """The share of true ones; `CourseError` if there is nothing to count."""
        if not hits:
            raise CourseError("There is nothing to measure: no rows were given.")
        right = sum(map(bool, hits))
        return cls(right / len(hits), *metrics.interval(right, len(hits)), len(hits))

    def __str__(self) -> str:
        return tr(
            "{share:.1%} (95% interval {low:.1%} to {high:.1%}, n={n})",
            share=self.share,
            low=self.low,
            high=self.high,
            n=self.n,
        )


@dataclass(frozen=True)
class Behaviour:
    """How a model answers: `manner`, `facts`, `ended` and `both` are shares of the same answers."""

    manner: Share
    facts: Share
    both: Share
    ended: Share
    answers: list[str]


def fact_told(answer: str, fact: str) -> bool:
    """Does the answer tell the fact, in whatever manner?

    The words of `fact` must stand in it together, as whole words, after `metrics.normalize` (case,
    punctuation and articles don't count). If the answer says "the answer is ...", only that sentence
    is looked at: a polite "Have a nice day" does not know that the opposite of night is day.

    >>> fact_told("With pleasure! The answer is Paris. Thank you for asking.", "Paris.")
    True
    """
    said = re.search(r"answer is (.*?)(?:[.!?](?=\s|$)|$)", answer, re.IGNORECASE | re.DOTALL)
    looked_at = metrics.normalize(said[1] if said else answer)
    return f" {metrics.normalize(fact)} " in f" {looked_at} "


def behaviour(
    model: Model,
    tokenizer: Tokenizer,
    questions: Sequence,
    facts: Sequence[str],
    wanted: str | Callable[[str], bool] = "polite",
    max_new_tokens: int = 48,
    batch_size: int = 64,
) -> Behaviour:
    """Greedy answers to questions: the share in the wanted manner, and the share that is right.

    `questions` as for `generate.chat`, without a system prompt unless they bring one; `facts[i]` is
    the right answer to question i, see `fact_told`. `wanted` names a manner of Smol World
    (recognised by rule, `world.manner.manner_of`) or is a function from an answer to a bool. `both`
    asks for manner and fact in one answer. Introduced in `2_preference_alignment/dpo`.
    """
    if len(questions) != len(facts):
        raise CourseError(
            "There must be one fact for each question, not {facts} for {questions}.",
            facts=len(facts),
            questions=len(questions),
        )
    likes = wanted if callable(wanted) else (lambda text: manner_of(text) == wanted)
    answers, ended = generate.chat(
        model,
        tokenizer,
        questions,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        return_ended=True,
    )
    liked = [likes(answer) for answer in answers]
    right = [fact_told(answer, fact) for answer, fact in zip(answers, facts, strict=True)]
    both = [a and b for a, b in zip(liked, right, strict=True)]
    return Behaviour(Share.of(liked), Share.of(right), Share.of(both), Share.of(ended), answers)
