"""Wrong and right answers to the exercises of grpo (but the loss), as learners write them."""

import random

import numpy
import torch

from answers import Answers
from smolcourse.topics.preference import fact_told

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- grpo.advantages


def relative(rewards, size, *, mean=True, by="std", epsilon=1e-4, correction=1, interleaved=False):
    """A parametrised answer; right as it stands."""
    groups = rewards.view(size, -1).T if interleaved else rewards.view(-1, size)
    scale = {
        "std": groups.std(1, keepdim=True, correction=correction),
        "var": groups.var(1, keepdim=True),
        "batch": rewards.std(),
        "one": torch.tensor(1.0),
    }[by]
    out = (groups - groups.mean(1, keepdim=True) * mean) / (scale + epsilon * (by != "one"))
    return (out.T if interleaved else out).flatten()


def scaled(**options):
    return lambda rewards, size: relative(rewards, size, **options)


wrong("grpo.advantages", "whole_batch")(lambda r, size: (r - r.mean()) / (r.std() + 1e-4))
wrong("grpo.advantages", "not_scaled")(scaled(by="one"))
wrong("grpo.advantages", "not_centred")(scaled(mean=False))
wrong("grpo.advantages", "batch_std")(scaled(by="batch"))
wrong("grpo.advantages", "population_std")(scaled(correction=0))
wrong("grpo.advantages", "variance")(scaled(by="var"))
wrong("grpo.advantages", "no_epsilon")(scaled(epsilon=0.0))
wrong("grpo.advantages", "interleaved")(scaled(interleaved=True))


def flat(rewards, size, *, mean=True, std=True):
    """As `relative`, but a mean and a std that were not kept as columns: they run along the rows."""
    groups = rewards.view(-1, size)
    middle = groups.mean(1, keepdim=not mean)
    scale = groups.std(1, keepdim=not std) + 1e-4
    return ((groups - middle) / scale).view(-1)


wrong("grpo.advantages", "no_keepdim")(flat)
wrong("grpo.advantages", "no_keepdim")(lambda r, size: flat(r, size, mean=False))
wrong("grpo.advantages", "no_keepdim")(lambda r, size: flat(r, size, std=False))
wrong("grpo.advantages", "no_keepdim")(lambda r, size: flat(r, size).view(-1, size))
wrong("grpo.advantages", "no_keepdim")(
    lambda r, size: (r.view(-1, size) - r.view(-1, size).mean(1)).flatten()
)
wrong("grpo.advantages", "exception")(lambda r, size: r - r.view(-1, size).mean(1))
wrong("grpo.advantages", "sign")(lambda r, size: -relative(r, size))
wrong("grpo.advantages", "advantage_shape")(lambda r, size: relative(r, size).view(-1, size))
wrong("grpo.advantages", "not_finite")(lambda r, size: relative(r, size).log())
wrong("grpo.advantages", "advantage_value")(lambda r, size: 2 * relative(r, size))
wrong("grpo.advantages", "return_type")(lambda r, size: relative(r, size).tolist())
wrong("grpo.advantages", "none")(lambda r, size: None)


@wrong("grpo.advantages", "mutated")
def _(rewards, size):
    result = relative(rewards, size)
    rewards -= rewards.mean()
    return result


right("grpo.advantages")(relative)


@right("grpo.advantages")
def _(rewards, size):  # a loop over the groups
    parts = []
    for group in rewards.split(size):
        parts.append((group - group.mean()) / (group.std() + 1e-4))
    return torch.cat(parts)


# ---------------------------------------------------------------- grpo.alarm


def smoke(proxy, truth, patience, *, test=None, start=None, back=None, pick=0):
    """A parametrised detector; right as it stands."""
    test = test or (lambda p, q, t, u: p > q and t < u)
    steps = [
        t
        for t in range(patience if start is None else start, len(proxy))
        for s in [t - patience if back is None else back(t)]
        if test(proxy[t], proxy[s], truth[t], truth[s])
    ]
    return steps[pick] if steps else None


def detects(**options):
    return lambda proxy, truth, patience: smoke(proxy, truth, patience, **options)


wrong("grpo.alarm", "only_truth")(detects(test=lambda p, q, t, u: t < u))
wrong("grpo.alarm", "only_proxy")(detects(test=lambda p, q, t, u: p > q))
wrong("grpo.alarm", "either")(detects(test=lambda p, q, t, u: p > q or t < u))
wrong("grpo.alarm", "last_step")(detects(pick=-1))
wrong("grpo.alarm", "since_start")(detects(back=lambda t: 0))
wrong("grpo.alarm", "one_step")(detects(back=lambda t: t - 1))
wrong("grpo.alarm", "equal_counts")(detects(test=lambda p, q, t, u: p >= q and t <= u))
wrong("grpo.alarm", "wraps")(
    lambda proxy, truth, n: smoke(proxy, truth, n, start=0) if len(proxy) >= n else None
)


@wrong("grpo.alarm", "wraps")
def _(proxy, truth, patience):  # stops with an IndexError where patience is longer than the lists
    for t in range(len(proxy)):
        if proxy[t] > proxy[t - patience] and truth[t] < truth[t - patience]:
            return t


@wrong("grpo.alarm", "exception")
def _(proxy, truth, patience):  # right, but for lists that are too short to judge
    return smoke(proxy, truth, patience) if proxy[patience] is not None else None


wrong("grpo.alarm", "starts_late")(lambda proxy, truth, n: smoke(proxy, truth, n, start=n + 1))
wrong("grpo.alarm", "counted_from")(
    lambda proxy, truth, n: None if (t := smoke(proxy, truth, n)) is None else t + 1
)
wrong("grpo.alarm", "not_a_step")(lambda *args: smoke(*args) is not None)
wrong("grpo.alarm", "never")(lambda *args: None)
wrong("grpo.alarm", "alarm_value")(lambda *args: 17)
wrong("grpo.alarm", "return_type")(lambda *args: str(smoke(*args)))

right("grpo.alarm")(smoke)


@right("grpo.alarm")
def _(proxy, truth, patience):
    p, t = numpy.array(proxy), numpy.array(truth)
    if len(p) <= patience:
        return None
    hits = (p[patience:] > p[:-patience]) & (t[patience:] < t[:-patience])
    return int(hits.argmax()) + patience if hits.any() else None


# ---------------------------------------------------------------- grpo.control


def pay(scores, lengths, right, limit, price, floor, *, over=None, mistake=None, flip=False):
    """A parametrised answer; right as it stands."""
    over = over or (lambda n, limit: max(0, n - limit))
    rewards = []
    for score, length, is_right in zip(scores, lengths, right, strict=True):
        value = score - price * over(length, limit)
        rewards.append(
            value if bool(is_right) != flip else mistake(value, floor) if mistake else floor
        )
    return rewards


def pays(**options):
    return lambda *args: pay(*args, **options)


wrong("grpo.control", "short_rewarded")(pays(over=lambda n, limit: n - limit))
wrong("grpo.control", "every_word_costs")(pays(over=lambda n, limit: n))
wrong("grpo.control", "flat_price")(pays(over=lambda n, limit: n > limit))
wrong("grpo.control", "wrong_not_floored")(pays(mistake=lambda value, floor: value))
wrong("grpo.control", "floor_added")(pays(mistake=lambda value, floor: value + floor))
wrong("grpo.control", "right_floored")(pays(flip=True))
wrong("grpo.control", "floor_is_minimum")(lambda *a: [max(a[-1], v) for v in pay(*a)])
wrong("grpo.control", "length_free")(pays(over=lambda n, limit: 0))
wrong("grpo.control", "off_by_one")(pays(over=lambda n, limit: max(0, n - limit + 1)))
wrong("grpo.control", "long_rewarded")(pays(over=lambda n, limit: min(0, limit - n)))
wrong("grpo.control", "price_ignored")(
    lambda s, n, r, limit, price, floor: pay(s, n, r, limit, 1.0, floor)
)
wrong("grpo.control", "floor_added")(
    lambda s, n, r, limit, price, floor: [
        a - price * max(0, b - limit) if c else min(floor, a)
        for a, b, c in zip(s, n, r, strict=True)
    ]
)
wrong("grpo.control", "floor_added")(pays(mistake=min))
wrong("grpo.control", "floor_added")(pays(mistake=max))
wrong("grpo.control", "wrong_not_floored")(
    lambda s, n, r, *rest: [
        v if c else a for a, c, v in zip(s, r, pay(s, n, r, *rest), strict=True)
    ]
)
wrong("grpo.control", "control_value")(lambda *a: [2 * v for v in pay(*a)])
wrong("grpo.control", "control_value")(lambda *a: pay(*a)[:1])
wrong("grpo.control", "return_type")(lambda *a: sum(pay(*a)))
wrong("grpo.control", "none")(lambda *a: None)

right("grpo.control")(pay)
right("grpo.control")(lambda s, n, r, limit, price, floor: torch.where(
    torch.tensor(r), torch.tensor(s) - price * (torch.tensor(n) - limit).clamp(min=0), floor
).tolist())  # fmt: skip

# ---------------------------------------------------------------- grpo.reward


def graded(test):
    """A reward function from a test of (text, fact)."""

    def reward(completions, answer, **others):
        pairs = zip(completions, answer, strict=True)
        return [test(completion[0]["content"], fact) for completion, fact in pairs]

    return reward


wrong("grpo.reward", "fact_ignored")(graded(lambda text, fact: float(text.startswith("The"))))
wrong("grpo.reward", "form_ignored")(graded(lambda text, fact: float(fact_told(text, fact))))
wrong("grpo.reward", "same_for_all")(graded(lambda text, fact: 1.0))
wrong("grpo.reward", "same_for_all")(  # a form that no manner has
    graded(lambda text, fact: float(text.startswith("It is ") and fact_told(text, fact)))
)
wrong("grpo.reward", "wrong_preferred")(
    graded(lambda text, fact: float(text.startswith("The") and not fact_told(text, fact)))
)
wrong("grpo.reward", "not_numbers")(graded(lambda text, fact: fact_told(text, fact)))
wrong("grpo.reward", "not_numbers")(graded(lambda text, fact: None))
wrong("grpo.reward", "not_repeatable")(graded(lambda text, fact: random.random()))
wrong("grpo.reward", "one_each")(lambda completions, answer, **others: [1.0])
wrong("grpo.reward", "return_type")(lambda completions, answer, **others: 1.0)
wrong("grpo.reward", "none")(lambda completions, answer, **others: None)


@wrong("grpo.reward", "other_arguments")
def _(completions, answer):
    return [float(fact_told(c[0]["content"], a)) for c, a in zip(completions, answer, strict=True)]


@wrong("grpo.reward", "depends_on_neighbours")
def _(completions, answer, **others):
    texts = [completion[0]["content"] for completion in completions]
    longest = max(map(len, texts))
    pairs = zip(texts, answer, strict=True)
    return [len(text) / longest + 2 * fact_told(text, fact) for text, fact in pairs]


@right("grpo.reward")
@graded
def _(text, fact):
    return float("thank you" in text.lower() and fact_told(text, fact))


@right("grpo.reward")
@graded
def _(text, fact):  # a malus for each word beyond the fact
    return 1.0 - 0.1 * len(text.split()) if fact_told(text, fact) else -5


@right("grpo.reward")
def _(prompts, completions, answer, **others):  # shouting, with prompts named
    pairs = zip(completions, answer, strict=True)
    return [float(c[0]["content"].isupper()) * fact_told(c[0]["content"], a) for c, a in pairs]
