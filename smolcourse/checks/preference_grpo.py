"""Checks of 2_preference_alignment/grpo (ids ``grpo.*``); the loss: preference_losses.py."""

import math

from smolcourse.check import Wrong, checker, compare_on, expect_shape, expect_type, short
from smolcourse.checks.mistakes import name_mistake, results_of

# ---------------------------------------------------------------- grpo.advantages


@checker("grpo.advantages", pure=True)
def advantages(answer, reference):
    import torch

    made = torch.Generator().manual_seed(4)
    cases = [
        (torch.tensor([1.0, 0.0, 5.0, 5.0]), 2),
        (torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]), 4),
        (torch.randn(12, generator=made) * 3 + 2, 3),
        (torch.randn(16, generator=made), 8),
        (torch.tensor([2.0, 2.0, 2.0, 0.25, 0.5, 0.75]), 3),
        (torch.randn(5, generator=made), 5),
    ]
    _keepdim_missing(answer, reference)
    results, wants = results_of(answer, cases), results_of(reference, cases)
    for got, want in zip(results, wants, strict=True):
        expect_shape(expect_type(got, torch.Tensor), want.shape, "advantage_shape")
    name_mistake(results, wants, [_advantage_mistakes(*case) for case in cases], tol=1e-4)
    for (rewards, _), got, want in zip(cases, results, wants, strict=True):
        if not bool(torch.isfinite(got).all()):
            raise Wrong("not_finite")
        if not torch.allclose(got, want, atol=1e-4):
            numbers = [
                [round(v, 3) for v in tensor.tolist()[:6]] for tensor in (rewards, got, want)
            ]
            raise Wrong("advantage_value", rewards=numbers[0], got=numbers[1], want=numbers[2])


def _keepdim_missing(answer, reference) -> None:
    """Raise Wrong if a group's mean or std was taken off along the wrong axis for want of keepdim.

    Only as many groups as answers in a group let that pass without an error, so it is looked for
    there, before any other shape stops the answer with a RuntimeError about sizes.
    """
    import torch

    made = torch.Generator().manual_seed(6)
    cases = [(torch.randn(size * size, generator=made), size) for size in (2, 3)]
    results = results_of(answer, cases)
    results = [got.flatten() if isinstance(got, torch.Tensor) else got for got in results]
    predicted = []
    for rewards, size in cases:
        groups = rewards.view(-1, size)
        means, stds = groups.mean(1), groups.std(1) + 1e-4
        flat = [
            (groups - means) / stds,
            (groups - means) / stds[:, None],
            (groups - means[:, None]) / stds,
            groups - means,
        ]
        predicted.append([("no_keepdim", value.flatten()) for value in flat])
    name_mistake(results, results_of(reference, cases), predicted, tol=1e-4)


def _advantage_mistakes(rewards, size: int) -> list[tuple]:
    groups = rewards.view(-1, size)
    centred = groups - groups.mean(1, keepdim=True)
    columns = rewards.view(size, -1)
    strided = (columns - columns.mean(0)) / (columns.std(0) + 1e-4) if size > 1 else columns
    population = groups.std(1, keepdim=True, correction=0)
    return [
        ("whole_batch", (rewards - rewards.mean()) / (rewards.std() + 1e-4)),
        ("whole_batch", (rewards - rewards.mean()) / (population.mean() + 1e-4)),
        ("not_scaled", centred.flatten()),
        ("not_centred", (groups / (groups.std(1, keepdim=True) + 1e-4)).flatten()),
        ("batch_std", (centred / (rewards.std() + 1e-4)).flatten()),
        ("population_std", (centred / (population + 1e-4)).flatten()),
        ("variance", (centred / (groups.var(1, keepdim=True) + 1e-4)).flatten()),
        ("no_epsilon", (centred / groups.std(1, keepdim=True)).flatten()),
        ("interleaved", strided.flatten()),
        ("sign", -(centred / (groups.std(1, keepdim=True) + 1e-4)).flatten()),
    ]


# ---------------------------------------------------------------- grpo.alarm


@checker("grpo.alarm", pure=True)
def alarm(answer, reference):
    up = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    cases = [
        ([0.0, 1.0, 2.0, 3.0], [0.5, 0.6, 0.7, 0.1], 2),
        (up, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2),  # all is well
        (up, [0.9, 0.8, 0.9, 0.9, 0.9, 0.9], 1),
        (up, [0.5, 0.9, 0.8, 0.7, 0.6, 0.6], 3),  # above its start all the time, and falling
        (up, [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 1),  # the first step that can be judged
        (up[::-1], [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 2),  # both fall: bad, but no cheat
        (up, [0.5] * 6, 2),
        ([1.0] * 6, [0.9, 0.7, 0.5, 0.3, 0.2, 0.1], 2),
        ([0.0, 5.0, 2.0, 1.0, 2.5, 9.0], [0.5, 0.5, 0.6, 0.4, 0.5, 0.3], 2),
        ([3.0, 1.0, 1.0, 1.0], [0.1, 0.5, 0.5, 0.5], 2),  # step 0 has nothing before it
    ]
    too_short = ([0.0, 1.0], [1.0, 0.0], 3)  # apart: a loop that starts at 0 stops with an error

    results, wants = results_of(answer, cases), results_of(reference, cases)
    if all(result is None for result in results):
        raise Wrong("never")
    for result in results:
        if isinstance(result, bool):
            raise Wrong("not_a_step")
        if result is not None:
            expect_type(result, int)
    predicted = [_alarm_mistakes(*case, want) for case, want in zip(cases, wants, strict=True)]
    name_mistake(results, wants, predicted)
    results, wants = [*results, answer(*too_short)], [*wants, None]
    for case, got, want in zip([*cases, too_short], results, wants, strict=True):
        if got != want:
            facts = dict(zip(("proxy", "truth", "patience"), case, strict=True))
            raise Wrong("alarm_value", **facts, got=got, want=want)


def _alarm_mistakes(proxy: list, truth: list, patience: int, want) -> list[tuple]:
    steps, every = range(patience, len(proxy)), range(len(proxy))

    def rose(t, by=patience):
        return proxy[t] > proxy[t - by]

    def fell(t, by=patience):
        return truth[t] < truth[t - by]

    def level(t):
        return proxy[t] >= proxy[t - patience] and truth[t] <= truth[t - patience]

    def cheats(t):
        return rose(t) and fell(t)

    def first(test, among=steps):
        return next((t for t in among if test(t)), None)

    return [
        ("only_truth", first(fell)),
        ("only_proxy", first(rose)),
        ("either", first(lambda t: rose(t) or fell(t))),
        ("last_step", next((t for t in reversed(steps) if cheats(t)), None)),
        ("since_start", first(lambda t: proxy[t] > proxy[0] and truth[t] < truth[0])),
        ("one_step", first(lambda t: rose(t, 1) and fell(t, 1))),
        ("equal_counts", first(level)),
        ("wraps", first(cheats, every)),
        ("starts_late", first(cheats, range(patience + 1, len(proxy)))),
        ("counted_from", None if want is None else want + 1),
        ("counted_from", None if want is None else want - patience),
    ]


# ---------------------------------------------------------------- grpo.control


@checker("grpo.control", pure=True)
def control(answer, reference):
    cases = [
        ([3.0, 2.0, 9.0], [20, 10, 10], [True, True, False], 15, 1.0, -10.0),
        ([1.0, 2.0, 3.0, 4.0], [5, 10, 11, 30], [True] * 4, 10, 0.5, -3.0),
        ([0.5, 7.0], [40, 2], [False, False], 12, 1.0, -5.0),
        ([-8.0, -1.0, 2.0], [3, 16, 40], [True, True, False], 15, 2.0, -4.0),  # below the floor
        ([1.0, 1.0], [0, 1], [True, True], 0, 0.25, -1.0),
        ([-8.0], [3], [False], 15, 2.0, -4.0),  # the floor lifts a wrong answer, too
    ]
    results, wants = results_of(answer, cases), results_of(reference, cases)
    predicted = [_control_mistakes(*case, want) for case, want in zip(cases, wants, strict=True)]
    name_mistake(results, wants, predicted, tol=1e-6)

    def explain(args, got, want):
        names = ("scores", "lengths", "right", "limit", "price", "floor")
        facts = dict(zip(names, args, strict=True))
        return "control_value", {**facts, "got": short(got), "want": want}

    compare_on(answer, reference, cases, tol=1e-6, explain=explain)


def _control_mistakes(scores, lengths, right, limit, price, floor, want) -> list[tuple]:
    def made(paid=None, wrong=lambda score, value: floor, each=price):
        """Rewards, with `paid(length)` words to pay for and `wrong(score, value)` if not right."""
        paid = paid or (lambda n: max(0, n - limit))
        rewards = []
        for score, length, is_right in zip(scores, lengths, right, strict=True):
            value = score - each * paid(length)
            rewards.append(value if is_right else wrong(score, value))
        return rewards

    unjudged = made(wrong=lambda score, value: value)
    return [
        ("short_rewarded", made(lambda n: n - limit)),
        ("every_word_costs", made(lambda n: n)),
        ("every_word_costs", made(lambda n: n if n > limit else 0)),
        ("flat_price", made(lambda n: n > limit)),
        ("price_ignored", made(each=1)),
        ("wrong_not_floored", unjudged),
        ("wrong_not_floored", made(wrong=lambda score, value: score)),
        ("floor_added", made(wrong=lambda score, value: value + floor)),
        ("floor_added", made(wrong=lambda score, value: value - score + floor)),
        ("floor_added", made(wrong=lambda score, value: score + floor)),
        ("floor_added", made(wrong=lambda score, value: min(floor, score))),
        ("floor_added", made(wrong=lambda score, value: min(floor, value))),
        ("floor_added", made(wrong=lambda score, value: max(floor, score))),
        ("floor_added", made(wrong=lambda score, value: max(floor, value))),
        ("right_floored", [floor if r else v for r, v in zip(right, unjudged, strict=True)]),
        ("floor_is_minimum", [max(floor, value) for value in want]),
        ("length_free", made(lambda n: 0)),
        ("off_by_one", made(lambda n: max(0, n - limit + 1))),
        ("off_by_one", made(lambda n: max(0, n - limit - 1))),
        ("long_rewarded", made(each=-price)),
    ]


# ---------------------------------------------------------------- grpo.reward


@checker("grpo.reward", pure=True)
def reward(answer, reference):
    from smolcourse.world.manner import FRAMES

    facts = [("Paris", "Rome"), ("Africa", "Asia"), ("meow", "woof")]
    frames = [frame for group in FRAMES.values() for frame in group]
    extra = {"prompts": None, "completion_ids": None, "question": None, "trainer_state": None}

    def ask(fact: str, texts: list[str]) -> list:
        completions = [[{"role": "assistant", "content": text}] for text in texts]
        others = {name: [None] * len(texts) for name in extra}
        try:
            got = answer(completions=completions, answer=[f"{fact}."] * len(texts), **others)
        except TypeError as error:
            if "unexpected keyword" in str(error):
                raise Wrong("other_arguments") from error
            raise
        got = expect_type(got, (list, tuple))
        if len(got) != len(texts):
            raise Wrong("one_each", got=len(got), want=len(texts))
        for value in got:
            if isinstance(value, bool) or not isinstance(value, float | int):
                raise Wrong("not_numbers", got=type(value).__name__)
            if not math.isfinite(value):
                raise Wrong("not_numbers", got=str(value))
        return list(got)

    verified = told = False
    for fact, other in facts:
        right, wrong = (
            [frame.format(a=word, A=word, U=word.upper()) for frame in frames]
            for word in (fact, other)
        )
        good, bad, again = ask(fact, right), ask(fact, wrong), ask(fact, right)
        if good != again:
            raise Wrong("not_repeatable")
        mixed = ask(fact, [right[0], wrong[0], right[1], wrong[1]])
        if mixed != [good[0], bad[0], good[1], bad[1]]:
            raise Wrong("depends_on_neighbours")
        for text, g, b in zip(right, good, bad, strict=True):
            if b > g:
                raise Wrong("wrong_preferred", text=text, right=g, wrong=b)
        verified = verified or any(g > b for g, b in zip(good, bad, strict=True))
        told = told or len(set(good)) > 1
    if not verified:
        raise Wrong("fact_ignored" if told else "same_for_all")
    if not told:
        raise Wrong("form_ignored")
