"""Small statistics: exact match, intervals, paired comparison, perplexity.

Scores with a name of their own (BLEU, ROUGE, F1) come from their libraries. All resampling
is seeded: the same data gives the same interval. It draws from Python's generator and not in
scipy.stats, whose streams are others: of 106 comparisons like those in the lessons 61 would have
shown another interval and 105 another p-value than the pages do.
"""

from __future__ import annotations

import math
import random
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smolcourse.batches import token_log_probs
from smolcourse.errors import CourseError
from smolcourse.translate import tr

if TYPE_CHECKING:
    from smolcourse.models import Model, Tokenizer


def normalize(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces (the SQuAD convention).

    >>> normalize(" The  Capital is PARIS. ")
    'capital is paris'

    A text that is nothing but articles or punctuation keeps its characters, so that "A" and
    "!" stay tellable apart. A minus sign before a digit stays, and Chinese punctuation goes
    too. Source: Rajpurkar et al. 2016, SQuAD's evaluation script. Introduced in
    `1_instruction_tuning/supervised_fine_tuning`.
    """
    text = unicodedata.normalize("NFKC", str(text)).lower().strip()
    kept = []
    for at, char in enumerate(text):
        following = text[at + 1 : at + 2]
        within = kept[-1:] and kept[-1].isalnum()
        number_sign = char in "-." and following.isdigit() and not (char == "-" and within)
        mark = char in string.punctuation or unicodedata.category(char).startswith("P")
        # A hyphen or a slash between words parts them ("blue-green"), an apostrophe does not.
        kept.append(char if number_sign or not mark else " " if char in "-/" else "")
    words = [word for word in "".join(kept).split() if word not in ("a", "an", "the")]
    return " ".join(words) or text


def matches(predictions: Sequence[str], references: Sequence) -> list[bool]:
    """Per pair, whether prediction equals reference after `normalize`.

    A reference may be a list of accepted answers. Raises `CourseError` on unequal lengths.
    """
    _same_length(predictions, references)
    found = []
    for prediction, reference in zip(predictions, references, strict=True):
        accepted = [reference] if isinstance(reference, str) else list(reference)
        found.append(normalize(prediction) in {normalize(answer) for answer in accepted})
    return found


def exact_match(predictions: Sequence[str], references: Sequence) -> float:
    """The share of predictions that match, in [0, 1]; see `matches`.

    Introduced in `1_instruction_tuning/supervised_fine_tuning`.
    """
    found = matches(predictions, references)
    if not found:
        raise CourseError("There is nothing to score: the list of predictions is empty.")
    return sum(found) / len(found)


def interval(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval for a share: (low, high), both in [0, 1].

    Unlike plus-minus two standard errors it stays sensible at 0% and 100% and for small n.
    Source: Wilson 1927, J. Am. Stat. Assoc. 22. Introduced in
    `1_instruction_tuning/supervised_fine_tuning`.
    """
    if n < 1 or not 0 <= successes <= n:
        raise CourseError(
            "An interval needs 0 <= successes <= n and n >= 1, not {successes}/{n}.",
            successes=successes,
            n=n,
        )
    from scipy.stats import binomtest

    found = binomtest(successes, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def bootstrap(
    values: Sequence[float],
    statistic: Callable[[list[float]], float] | None = None,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic (default: the mean) of `values`.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap. Introduced in
    `4_evaluation/custom_evaluation`.
    """
    import numpy

    values = [float(value) for value in values]
    if not values:
        raise CourseError("A bootstrap needs at least one value.")
    statistic = statistic or (lambda sample: sum(sample) / len(sample))
    rng = random.Random(seed)
    found = [statistic(rng.choices(values, k=len(values))) for _ in range(samples)]
    low, high = numpy.quantile(found, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high


@dataclass(frozen=True)
class Difference:
    """`mean` of b - a, its 95% interval `low`..`high`, and a two-sided p-value."""

    mean: float
    low: float
    high: float
    p: float
    n: int

    @property
    def conclusive(self) -> bool:
        """Whether the interval excludes no difference at all."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        verdict = tr("a real difference") if self.conclusive else tr("inconclusive")
        return tr(
            "{mean:+.1%} (95% interval {low:+.1%} to {high:+.1%}, p={p:.3f}, n={n}): {verdict}",
            mean=self.mean,
            low=self.low,
            high=self.high,
            p=self.p,
            n=self.n,
            verdict=verdict,
        )


def paired_difference(
    a: Sequence[float], b: Sequence[float], samples: int = 2000, seed: int = 0
) -> Difference:
    """How much better b is than a on the same items: paired bootstrap and permutation test.

    `a[i]` and `b[i]` are the scores of two models on item i. The interval resamples items;
    the p-value flips the sign of each item's difference at random, which is exact for "the
    two are exchangeable". Source: Koehn 2004; Dror et al. 2018. Introduced in
    `4_evaluation/custom_evaluation`.
    """
    _same_length(a, b)
    deltas = [float(y) - float(x) for x, y in zip(a, b, strict=True)]
    low, high = bootstrap(deltas, samples=samples, seed=seed)
    observed = abs(sum(deltas))
    rng = random.Random(seed + 1)
    nonzero = [delta for delta in deltas if delta]
    extreme = 0
    for _ in range(samples):
        total = sum(delta if rng.random() < 0.5 else -delta for delta in nonzero)
        extreme += abs(total) >= observed - 1e-12
    # Counting the observed arrangement keeps p above zero.
    p = (extreme + 1) / (samples + 1)
    return Difference(sum(deltas) / len(deltas), low, high, p, len(deltas))


def perplexity(
    model: Model, tokenizer: Tokenizer, texts: Sequence[str], batch_size: int = 16
) -> float:
    """exp of the mean negative log-likelihood per predicted token over all texts.

    Every token but the first of each text is predicted; padding is masked. Texts are cut at
    the model's context length. Raises `CourseError` if no text has two tokens. Introduced in
    `4_evaluation/custom_evaluation`.
    """
    limit = getattr(model.config, "max_position_embeddings", None) or 1024
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:limit] for text in texts]
    found = [value for row in token_log_probs(model, rows, batch_size) for value in row]
    if not found:
        raise CourseError("Perplexity needs at least one text of two tokens or more.")
    return math.exp(min(-math.fsum(found) / len(found), 700.0))


def _same_length(a, b) -> None:
    if len(a) != len(b):
        raise CourseError(
            "The two lists must have one length, not {a} and {b}.", a=len(a), b=len(b)
        )
