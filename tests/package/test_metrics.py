"""Statistics against values worked out by hand or printed in textbooks."""

import math

import pytest

from smolcourse import metrics
from smolcourse.errors import CourseError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" The  Capital is PARIS. ", "capital is paris"),
        ("A", "a"),
        ("!", "!"),
        ("-3", "-3"),
        ("3.5", "3.5"),
        ("blue-green", "blue green"),
        ("don't", "dont"),
        ("巴黎。", "巴黎"),
        ("", ""),
    ],
)
def test_normalize(text, expected):
    assert metrics.normalize(text) == expected


def test_exact_match_takes_several_answers_and_refuses_unequal_lengths():
    assert metrics.exact_match(["Paris.", "Rome", "x"], ["paris", ["Roma", "rome"], "y"]) == 2 / 3
    with pytest.raises(CourseError, match="one length"):
        metrics.exact_match(["a"], [])
    with pytest.raises(CourseError, match="empty"):
        metrics.exact_match([], [])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # Newcombe 1998's and Agresti's examples of Wilson's formula
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),  # the same
    ],
)
def test_wilson_interval_equals_published_values(successes, n, low, high):
    assert metrics.interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_interval_solves_its_defining_equation():
    low, high = metrics.interval(37, 100)
    for edge in (low, high):
        assert abs(0.37 - edge) == pytest.approx(1.959964 * math.sqrt(edge * (1 - edge) / 100))


def test_interval_refuses_impossible_counts():
    for successes, n in ((5, 0), (3, 2), (-1, 5)):
        with pytest.raises(CourseError):
            metrics.interval(successes, n)


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = [0.0] * 60 + [1.0] * 40
    low, high = metrics.bootstrap(values)
    half = 1.96 * math.sqrt(0.4 * 0.6 / 100)
    assert low == pytest.approx(0.4 - half, abs=0.015)
    assert high == pytest.approx(0.4 + half, abs=0.015)
    assert (low, high) == metrics.bootstrap(values)  # seeded
    assert metrics.bootstrap([2.0] * 5) == (2.0, 2.0)
    assert metrics.bootstrap([1, 2, 3.5, 9], seed=3, level=0.8) == (1.875, 5.875)


def test_paired_difference_tells_noise_from_effect():
    a, better = [0.0] * 20, [1.0] * 8 + [0.0] * 12
    effect = metrics.paired_difference(a, better)
    assert effect.mean == pytest.approx(0.4) and effect.conclusive
    # All 8 differences have one sign: the exact two-sided sign-flip p is 2 / 2**8.
    assert effect.p == pytest.approx(2 / 2**8, abs=0.005)
    same = metrics.paired_difference([0, 1] * 10, [1, 0] * 10)
    assert same.mean == 0 and not same.conclusive and same.p == 1.0
    assert "inconclusive" in str(same)


@pytest.mark.parametrize(
    ("better", "worse", "shown"),
    [
        (9, 5, "+2.0% (95% interval -1.5% to +5.5%, p=0.429, n=200): inconclusive"),
        (2, 6, "-2.0% (95% interval -4.5% to +0.5%, p=0.301, n=200): inconclusive"),
        (4, 18, "-7.0% (95% interval -12.0% to -2.5%, p=0.002, n=200): a real difference"),
    ],
)
def test_the_numbers_that_lessons_show_stay(better, worse, shown):
    """Another random stream would move the third digit of p, and the pages would not say it."""
    rest = [0.0] * (200 - better - worse)
    one, other = [0.0] * better + [1.0] * worse + rest, [1.0] * better + [0.0] * worse + rest
    assert str(metrics.paired_difference(one, other)) == shown


def test_perplexity_of_a_uniform_model_is_its_vocabulary(tokenizer, model):
    import copy

    import torch

    flat = copy.deepcopy(model)
    with torch.no_grad():
        flat.model.embed_tokens.weight.zero_()  # tied: all logits are zero
    assert metrics.perplexity(flat, tokenizer, ["hello", "a longer text"]) == pytest.approx(259)


def test_perplexity_equals_the_library_and_ignores_batching(tokenizer, model):
    import torch

    text = "The cat sat."
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        expected = math.exp(model(input_ids=ids, labels=ids).loss.item())
    assert metrics.perplexity(model, tokenizer, [text]) == pytest.approx(expected, rel=1e-4)
    texts = [text, "Hi", "A much longer sentence than those."]
    together = metrics.perplexity(model, tokenizer, texts)
    assert metrics.perplexity(model, tokenizer, texts, 1) == pytest.approx(together, rel=1e-4)
    with pytest.raises(CourseError, match="two tokens"):
        metrics.perplexity(model, tokenizer, ["a", ""])
