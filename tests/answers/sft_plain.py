"""Wrong and right answers to sft.diagnose, sft.pack and sft.style, as learners write them."""

import math

import torch

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- sft.diagnose


def doctor(train, evaluation, *, finite=True, rise=1.1, fall=0.8, against=min, order="dms"):
    """A parametrised answer; right as it stands."""
    rules = {
        "d": (finite and not all(map(math.isfinite, train))) or train[-1] > train[0],
        "m": evaluation[-1] > rise * against(evaluation),
        "s": train[-1] > fall * train[0],
    }
    names = {"d": "diverging", "m": "memorising", "s": "too_slow"}
    return next((names[rule] for rule in order if rules[rule]), "healthy")


def variant(**options):
    return lambda train, evaluation: doctor(train, evaluation, **options)


wrong("sft.diagnose", "not_finite")(variant(finite=False))
wrong("sft.diagnose", "order")(variant(order="dsm"))
wrong("sft.diagnose", "ignores_evaluation")(variant(order="ds"))
wrong("sft.diagnose", "ignores_evaluation")(variant(against=lambda losses: losses[0]))
wrong("sft.diagnose", "small_rise")(variant(rise=1.0))
wrong("sft.diagnose", "verdict")(variant(fall=0.5))


def absolute(fall=None, rise=None):
    """Thresholds as differences, where shares are asked for."""

    def diagnose(train, evaluation):
        if doctor(train, evaluation) == "diverging":
            return "diverging"
        lowest = min(evaluation)
        if evaluation[-1] > lowest + (rise or 0.1 * lowest):
            return "memorising"
        return "too_slow" if train[0] - train[-1] < (fall or 0.2 * train[0]) else "healthy"

    return diagnose


right("sft.diagnose")(absolute())
wrong("sft.diagnose", "shares")(absolute(fall=0.2))
wrong("sft.diagnose", "verdict")(absolute(fall=0.5))
wrong("sft.diagnose", "shares")(absolute(rise=0.1))
wrong("sft.diagnose", "shares")(absolute(rise=0.3))
wrong("sft.diagnose", "shares")(absolute(fall=0.2, rise=0.1))
wrong("sft.diagnose", "spike")(lambda t, e: "diverging" if max(t) > t[0] else doctor(t, e))
wrong("sft.diagnose", "verdict")(lambda t, e: "diverging" if t[-1] >= t[0] else doctor(t, e))
wrong("sft.diagnose", "unknown_name")(lambda t, e: doctor(t, e).replace("ising", "izing"))
wrong("sft.diagnose", "unknown_name")(lambda t, e: doctor(t, e).title())
wrong("sft.diagnose", "none")(lambda t, e: None if doctor(t, e) == "healthy" else doctor(t, e))
wrong("sft.diagnose", "return_type")(lambda t, e: doctor(t, e) == "healthy")
wrong("sft.diagnose", "mutated")(lambda t, e: e.sort() or doctor(t, e))

right("sft.diagnose")(doctor)


@right("sft.diagnose")
def _(train_loss, eval_loss):
    train, evaluation = torch.tensor(train_loss), torch.tensor(eval_loss)
    if not torch.isfinite(train).all() or train[-1] > train[0]:
        return "diverging"
    if (evaluation[-1] - evaluation.min()) / evaluation.min() > 0.10:
        return "memorising"
    return "too_slow" if (train[0] - train[-1]) / train[0] < 0.2 else "healthy"


# ---------------------------------------------------------------- sft.pack


def packer(lengths, size, *, order="down", choose="first", fits=lambda need, left: need <= left):
    """A parametrised packer; right as it stands."""
    if any(length > size for length in lengths):
        raise ValueError("too long")
    indices = list(range(len(lengths)))
    if order != "given":
        indices.sort(key=lengths.__getitem__, reverse=order == "down")
    bins, room = [], []
    for i in indices:
        open_bins = [b for b, left in enumerate(room) if fits(lengths[i], left)]
        if choose == "next":
            open_bins = [b for b in open_bins if b == len(room) - 1]
        if not open_bins:
            bins.append([])
            room.append(size)
            open_bins = [len(bins) - 1]
        key = {"best": room.__getitem__, "worst": lambda b: -room[b]}.get(choose)
        b = min(open_bins, key=key) if key else open_bins[0]
        bins[b].append(i)
        room[b] -= lengths[i]
    return bins


def packs(**options):
    return lambda lengths, size: packer(lengths, size, **options)


wrong("sft.pack", "too_many_bins")(packs(order="given"))
wrong("sft.pack", "too_many_bins")(packs(order="up"))
wrong("sft.pack", "too_many_bins")(packs(choose="next"))
wrong("sft.pack", "too_many_bins")(packs(choose="worst"))
wrong("sft.pack", "too_many_bins")(packs(order="given", choose="best"))
wrong("sft.pack", "too_many_bins")(packs(fits=lambda need, left: need < left))
wrong("sft.pack", "too_many_bins")(
    lambda n, s: [[i] for i in range(len(n))] if max(n) <= s else 1 / 0
)
wrong("sft.pack", "too_full")(packs(fits=lambda need, left: left > 0))
wrong("sft.pack", "not_indices")(lambda n, s: [[n[i] for i in b] for b in packer(n, s)])
wrong("sft.pack", "not_indices")(lambda n, s: [[i + 1 for i in b] for b in packer(n, s)])
wrong("sft.pack", "not_bins")(lambda n, s: [i for b in packer(n, s) for i in b])
wrong("sft.pack", "row_lost")(lambda n, s: [b[:2] for b in packer(n, s)])
wrong("sft.pack", "row_twice")(lambda n, s: [*packer(n, s), [0]])
wrong("sft.pack", "long_row")(lambda n, s: packer([min(x, s) for x in n], s))
wrong("sft.pack", "long_row")(
    lambda n, s: packer(n, s) if max(n) <= s else packer([s for _ in n], s)
)
wrong("sft.pack", "none")(lambda n, s: None)
wrong("sft.pack", "mutated")(lambda n, s: n.sort(reverse=True) or packer(n, s, order="given"))


def by_position(lengths, size):
    """First fit over the sorted lengths, with the positions of that list in the bins."""
    bins, room = [], []
    for i, length in enumerate(sorted(lengths, reverse=True)):
        if length > size:
            raise ValueError("too long")
        b = next((b for b, left in enumerate(room) if length <= left), len(room))
        if b == len(room):
            bins.append([])
            room.append(size)
        bins[b].append(i)
        room[b] -= length
    return bins


wrong("sft.pack", "sorted_positions")(by_position)


@wrong("sft.pack", "refused")
def _(lengths, size):
    if max(lengths) >= size:
        raise ValueError
    return packer(lengths, size)


@wrong("sft.pack", "long_row_error")
def _(lengths, size):
    assert max(lengths) <= size, "too long"
    return packer(lengths, size)


@wrong("sft.pack", "exception")
def _(lengths, size):
    bins = packer(lengths, size)
    bins[0].remove(99)  # ValueError, but not because a row is too long
    return bins


right("sft.pack")(packs(choose="best"))
right("sft.pack")(lambda n, s: tuple(map(tuple, packer(n, s))))
right("sft.pack")(lambda n, s: [*packer(n, s), []])  # an empty bin costs nothing
right("sft.pack")(lambda n, s: (b for b in reversed(packer(n, s))))
right("sft.pack")(lambda n, s: [torch.tensor(b).tolist() for b in packer(n, s)])


@right("sft.pack")
def _(lengths, size):  # sorted with pop, and an exception of one's own kind
    class TooLong(ValueError):
        pass

    todo, bins = sorted((n, i) for i, n in enumerate(lengths)), []
    while todo:
        n, i = todo.pop()
        if n > size:
            raise TooLong(i)
        home = next((b for b in bins if sum(lengths[j] for j in b) + n <= size), None)
        bins.append([i]) if home is None else home.append(i)
    return bins


# ---------------------------------------------------------------- sft.style

wrong("sft.style", "unchanged")(lambda q, a: a)
wrong("sft.style", "unchanged")(lambda q, a: a.removesuffix("."))
wrong("sft.style", "answer_lost")(lambda q, a: "Arr, I know it well!")
wrong("sft.style", "answer_lost")(lambda q, a: f"Easy: {a[:-2]} it is!")
wrong("sft.style", "answer_lost")(lambda q, a: q + " Aye!")
wrong("sft.style", "too_long")(lambda q, a: "well " * 20 + a)
wrong("sft.style", "too_long")(
    lambda q, a: f"报告船长，您问的这个问题实在是太有意思了，答案就是 {a[:-1]}，请您过目！"
)
wrong("sft.style", "foreign_answer")(lambda q, a: f"Not Paris, not Tokyo: {a}")
wrong("sft.style", "return_type")(lambda q, a: {"answer": a})
wrong("sft.style", "none")(lambda q, a: print(f"Easy: {a}"))
wrong("sft.style", "exception")(lambda q, a: "Easy: " + a.removeprefix(1))


@wrong("sft.style", "not_repeatable")
def _(question, answer):
    import random

    return f"{random.choice(['Arr', 'Aye', 'Ahoy', 'Avast'])}! {answer}"


right("sft.style")(lambda q, a: f"Arr! {a}")  # the full stop may stay
right("sft.style")(lambda q, a: a.upper().replace(".", "!!!"))
right("sft.style")(lambda q, a: f'{{"answer": "{a[:-1]}"}}')
right("sft.style")(lambda q, a: f"In twenty-one words at most: {a}")
right("sft.style")(lambda q, a: f"You ask: {q} I say: {a}")
right("sft.style")(lambda q, a: f"哈哈，答案当然是{a[:-1]}啦！")
right("sft.style")(lambda q, a: f"报告船长，答案就是 {a[:-1]}，请您过目！")
