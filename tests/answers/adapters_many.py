"""Wrong and right answers to adapters.combine, .mixed and .own, as learners write them."""

import torch

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

# ---------------------------------------------------------------- adapters.combine


def stacked(adapters, weights, in_a=lambda w, s, alpha: w * s, in_b=lambda w, s, alpha: 1.0):
    """A parametrised combination by concatenation; right as it stands."""
    parts = [(a, b, w, alpha / len(a), alpha) for (a, b, alpha), w in zip(adapters, weights)]  # noqa: B905
    a = torch.cat([a * in_a(w, s, alpha) for a, _, w, s, alpha in parts])
    b = torch.cat([b * in_b(w, s, alpha) for _, b, w, s, alpha in parts], dim=1)
    return a, b


def summed(adapters, weights, in_a, in_b):
    """The mistake itself: A's and B's added separately."""
    parts = [(a, b, w, alpha / len(a)) for (a, b, alpha), w in zip(adapters, weights)]  # noqa: B905
    return sum(in_a(w, s) * a for a, _, w, s in parts), sum(in_b(w, s) * b for _, b, w, s in parts)


def variant(**options):
    return lambda adapters, weights: stacked(adapters, weights, **options)


def separately(in_a, in_b):
    return lambda adapters, weights: summed(adapters, weights, in_a, in_b)


def full(adapters, weights):
    return sum(w * alpha / len(a) * b @ a for (a, b, alpha), w in zip(adapters, weights))  # noqa: B905


wrong("adapters.combine", "separately")(separately(lambda w, s: w, lambda w, s: w))
wrong("adapters.combine", "separately")(separately(lambda w, s: w * s, lambda w, s: w))
wrong("adapters.combine", "separately")(separately(lambda w, s: w * s, lambda w, s: 1.0))
wrong("adapters.combine", "separately")(
    separately(lambda w, s: (w * s) ** 0.5, lambda w, s: (w * s) ** 0.5)  # PEFT's "linear"
)
wrong("adapters.combine", "scale_forgotten")(variant(in_a=lambda w, s, alpha: w))
wrong("adapters.combine", "scale_forgotten")(variant(in_a=lambda w, s, alpha: w * alpha))
wrong("adapters.combine", "weights_forgotten")(variant(in_a=lambda w, s, alpha: s))
wrong("adapters.combine", "weight_twice")(variant(in_b=lambda w, s, alpha: w))
wrong("adapters.combine", "weight_twice")(variant(in_b=lambda w, s, alpha: w * s))
wrong("adapters.combine", "swapped")(lambda ad, ws: stacked(ad, ws)[::-1])
wrong("adapters.combine", "not_a_pair")(lambda ad, ws: (*stacked(ad, ws), 1.0))
wrong("adapters.combine", "return_type")(full)
wrong("adapters.combine", "not_tensor")(lambda ad, ws: ([a for a, _, _ in ad], stacked(ad, ws)[1]))
wrong("adapters.combine", "pair_shapes")(
    lambda ad, ws: (torch.cat([a for a, _, _ in ad], dim=1), stacked(ad, ws)[1])
)
wrong("adapters.combine", "inner_rank")(lambda ad, ws: (ad[0][0], stacked(ad, ws)[1]))
wrong("adapters.combine", "product")(lambda ad, ws: stacked(ad, [w / sum(ws) for w in ws]))
wrong("adapters.combine", "product")(variant(in_a=lambda w, s, alpha: abs(w) * s))
wrong("adapters.combine", "rank_too_big")(lambda ad, ws: (torch.eye(9), full(ad, ws)))
wrong("adapters.combine", "mutated")(
    lambda ad, ws: stacked([(a.mul_(1.5), b, alpha / 1.5) for a, b, alpha in ad], ws)
)

right("adapters.combine")(stacked)
right("adapters.combine")(variant(in_a=lambda *_: 1.0, in_b=lambda w, s, alpha: w * s))
right("adapters.combine")(lambda ad, ws: list(stacked(ad, ws)))


@right("adapters.combine")
def _(adapters, weights):  # the exact update, taken apart again
    u, s, v = torch.linalg.svd(full(adapters, weights), full_matrices=False)
    rank = min(sum(len(a) for a, _, _ in adapters), len(s))
    return s[:rank, None] * v[:rank], u[:, :rank]


# ---------------------------------------------------------------- adapters.mixed


def rows(x, weight, adapters, names, *, pick=lambda names, i: names[i], scaled=True, flip=False):
    """A parametrised mixed batch; right as it stands."""
    out = []
    for i, row in enumerate(x):
        base, name = row @ weight.T, pick(names, i)
        if name in adapters:
            a, b, scale = adapters[name]
            delta = b @ a
            delta = delta.T if flip and delta.shape[0] == delta.shape[1] else delta
            base = base + (scale if scaled else 1.0) * row @ delta.T
        out.append(base)
    return torch.stack(out)


def changed(**options):
    return lambda x, w, adapters, names: rows(x, w, adapters, names, **options)


def first_adapter(names, i):
    return next((n for n in names if n != "__base__"), "__base__")


wrong("adapters.mixed", "adapters_unused")(lambda x, w, adapters, names: x @ w.T)
wrong("adapters.mixed", "one_for_all")(changed(pick=first_adapter))
wrong("adapters.mixed", "one_for_all")(changed(pick=lambda names, i: names[-1]))
wrong("adapters.mixed", "base_row_adapted")(
    changed(pick=lambda names, i: names[i].replace("__base__", "polite"))
)
wrong("adapters.mixed", "scale_forgotten")(changed(scaled=False))
wrong("adapters.mixed", "transposed")(changed(flip=True))
wrong("adapters.mixed", "rows")(lambda *args: rows(*args) * 2)
wrong("adapters.mixed", "shape")(lambda *args: rows(*args)[:, -1])
wrong("adapters.mixed", "return_type")(lambda *args: list(rows(*args)))
wrong("adapters.mixed", "exception")(
    lambda x, w, adapters, names: torch.stack([r @ adapters[n][0].T for r, n in zip(x, names)])  # noqa: B905
)
wrong("adapters.mixed", "mutated")(lambda x, w, ad, names: names.reverse() or rows(x, w, ad, names))


@wrong("adapters.mixed", "all_summed")
def _(x, weight, adapters, names):
    return x @ weight.T + sum(s * (x @ a.T) @ b.T for a, b, s in adapters.values())


@wrong("adapters.mixed", "base_forgotten")
def _(x, weight, adapters, names):
    return rows(x, torch.zeros_like(weight), adapters, names)


@wrong("adapters.mixed", "base_row_lost")
def _(x, weight, adapters, names):
    out = torch.zeros(len(x), x.shape[1], len(weight))
    for name, (a, b, scale) in adapters.items():
        mine = [i for i, n in enumerate(names) if n == name]
        out[mine] = x[mine] @ weight.T + scale * (x[mine] @ a.T) @ b.T
    return out


@wrong("adapters.mixed", "grouped")
def _(x, weight, adapters, names):
    parts = []
    for name in dict.fromkeys(names):
        mine = [i for i, n in enumerate(names) if n == name]
        parts.append(rows(x[mine], weight, adapters, [name] * len(mine)))
    return torch.cat(parts)


right("adapters.mixed")(rows)


@right("adapters.mixed")
def _(x, weight, adapters, names):
    out = x @ weight.T
    for name, (a, b, scale) in adapters.items():
        mine = [i for i, n in enumerate(names) if n == name]
        out[mine] += scale * (x[mine] @ a.T) @ b.T
    return out


@right("adapters.mixed")
def _(x, weight, adapters, names):
    deltas = torch.stack(
        [
            weight + adapters[n][2] * adapters[n][1] @ adapters[n][0] if n in adapters else weight
            for n in names
        ]
    )
    return torch.einsum("nti,noi->nto", x, deltas)


# ---------------------------------------------------------------- adapters.own


class Pirate:
    """Right as it stands."""

    def write(self, question, answer):
        return f"Aye, captain: {answer.removesuffix('.')}!"

    def shows(self, text):
        return text.startswith("Aye, captain:")


right("adapters.own")(Pirate)


@right("adapters.own")
class Json:
    @staticmethod
    def write(question, answer):
        return f'{{"answer": "{answer[:-1]}"}}'

    @staticmethod
    def shows(text):
        import json

        try:
            return "answer" in json.loads(text)
        except ValueError:
            return False


@wrong("adapters.own", "answer_lost")
class _(Pirate):
    def write(self, question, answer):
        return "Aye, captain: I know it well!"


@wrong("adapters.own", "too_long")
class _(Pirate):
    def write(self, question, answer):
        return "Aye, captain: " + "well " * 20 + answer


@wrong("adapters.own", "not_repeatable")
class _(Pirate):
    asked = 0

    def write(self, question, answer):
        self.asked += 1
        return f"Aye, captain: {answer} That was number {self.asked} of them."


@wrong("adapters.own", "foreign_answer")
class _(Pirate):
    def write(self, question, answer):
        return f"Aye, captain: not Paris, not Tokyo, but {answer}"


@wrong("adapters.own", "own_not_seen")
class _(Pirate):
    def shows(self, text):
        return text == "Aye, captain: Paris!"


@wrong("adapters.own", "own_not_seen")
class _(Pirate):
    def shows(self, text):  # true of what the check shows first, and of nothing else
        return any(
            f"captain: {word}!" in text for word in ("Paris", "Tokyo", "Africa", "puppy", "6")
        )


@wrong("adapters.own", "others_seen")
class _(Pirate):
    def shows(self, text):
        return True


@wrong("adapters.own", "others_seen")
class _(Pirate):
    def shows(self, text):
        return text.endswith("!")


@wrong("adapters.own", "not_bool")
class _(Pirate):
    def shows(self, text):
        return text.count("Aye, captain:")


@wrong("adapters.own", "exception")
class _(Pirate):
    shows = None
