"""Wrong and right answers to prompt.prepend, .left, .prefix and .steer, as learners write them."""

import torch

from answers import Answers
from smolcourse.reference import load

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right
IGNORE = -100

# ---------------------------------------------------------------- prompt.prepend


def front(prompt, text, mask, labels, *, behind=False, ones=1, label=IGNORE, own_mask=True):
    """A parametrised answer; right as it stands."""
    rows, tokens = len(text), len(prompt)
    parts = [prompt.expand(rows, -1, -1), text]
    old = mask if own_mask else torch.ones_like(mask)
    return {
        "inputs_embeds": torch.cat(parts[::-1] if behind else parts, 1),
        "attention_mask": torch.cat([mask.new_full((rows, tokens), ones), old], 1),
        "labels": torch.cat([labels.new_full((rows, tokens), label), labels], 1),
    }


def fronts(**options):
    return lambda *args: front(*args, **options)


def put(name, value):
    """`front`, with one of its tensors made in another way."""
    return lambda *args: {**front(*args), name: value(*args)}


wrong("prompt.prepend", "mask_not_extended")(put("attention_mask", lambda p, x, m, y: m))
wrong("prompt.prepend", "labels_not_extended")(put("labels", lambda p, x, m, y: y))
wrong("prompt.prepend", "virtual_carry_loss")(fronts(label=0))
wrong("prompt.prepend", "virtual_carry_loss")(
    put("labels", lambda p, x, m, y: torch.cat([y[:, -1:].clamp(min=0).expand(-1, len(p)), y], 1))
)
wrong("prompt.prepend", "prompt_masked")(fronts(ones=0))
wrong("prompt.prepend", "prompt_behind")(fronts(behind=True))
wrong("prompt.prepend", "padding_not_masked")(fronts(own_mask=False))
wrong("prompt.prepend", "labels_behind")(
    put("labels", lambda p, x, m, y: torch.cat([y, y.new_full((len(x), len(p)), IGNORE)], 1))
)
wrong("prompt.prepend", "labels_changed")(
    put("labels", lambda p, x, m, y: front(p, x, m, y)["labels"].roll(-1, 1))
)
wrong("prompt.prepend", "mask_changed")(
    put("attention_mask", lambda p, x, m, y: front(p, x, m, 1 - m)["labels"].clamp(min=0) + front(p, x, 0 * m, m)["attention_mask"])
)  # fmt: skip
wrong("prompt.prepend", "not_the_prompt")(lambda p, x, m, y: front(p.flip(0), x, m, y))
wrong("prompt.prepend", "not_the_prompt")(lambda p, x, m, y: front(0 * p, x, m, y))
wrong("prompt.prepend", "text_changed")(lambda p, x, m, y: front(p, x * m[..., None] + 1, m, y))
wrong("prompt.prepend", "no_gradient")(lambda p, x, m, y: front(p.detach(), x, m, y))
wrong("prompt.prepend", "no_gradient")(torch.no_grad()(front))
wrong("prompt.prepend", "batch_shape")(put("inputs_embeds", lambda p, x, m, y: x))
wrong("prompt.prepend", "not_int64")(
    put("attention_mask", lambda p, x, m, y: torch.cat([torch.ones(len(x), len(p)), m], 1))
)
wrong("prompt.prepend", "not_tensor")(put("labels", lambda p, x, m, y: y.tolist()))
wrong("prompt.prepend", "missing_key")(lambda p, x, m, y: {"inputs_embeds": x, "labels": y})
wrong("prompt.prepend", "return_type")(lambda *args: tuple(front(*args).values()))
wrong("prompt.prepend", "none")(lambda *args: print(front(*args)))
wrong("prompt.prepend", "exception")(lambda p, x, m, y: torch.cat([p, x], dim=1))
wrong("prompt.prepend", "mutated")(lambda p, x, m, y: y.fill_(IGNORE) is None or front(p, x, m, y))

right("prompt.prepend")(front)


@right("prompt.prepend")
def _(prompt, embeddings, attention_mask, labels):
    n, (rows, _) = prompt.size(0), attention_mask.shape
    pad = torch.nn.functional.pad
    return {
        "labels": pad(labels, (n, 0), value=IGNORE),
        "attention_mask": pad(attention_mask, (n, 0), value=1),
        "inputs_embeds": torch.stack([torch.cat([prompt, embeddings[i]]) for i in range(rows)]),
    }


@right("prompt.prepend")
def _(prompt, embeddings, attention_mask, labels):  # written into empty tensors
    (rows, length, width), n = embeddings.shape, len(prompt)
    whole = embeddings.new_empty(rows, n + length, width)
    whole[:, :n], whole[:, n:] = prompt, embeddings
    mask, targets = (old.new_ones(rows, n + length) for old in (attention_mask, labels))
    mask[:, n:], targets[:, :n], targets[:, n:] = attention_mask, IGNORE, labels
    return {"inputs_embeds": whole, "attention_mask": mask, "labels": targets}


# ---------------------------------------------------------------- prompt.left


def batch(prompt, texts, *, order="zpt", fill=0.0, pad_mask=0, prompt_mask=1):
    """A parametrised answer; right as it stands. `order`: padding (z), prompt (p), text (t)."""
    longest, rows, masks = max(map(len, texts)), [], []
    for text in texts:
        missing = longest - len(text)
        parts = {"z": torch.full((missing, text.shape[1]), fill), "p": prompt, "t": text}
        marks = {"z": [pad_mask] * missing, "p": [prompt_mask] * len(prompt), "t": [1] * len(text)}
        rows.append(torch.cat([parts[name] for name in order]))
        masks.append(sum((marks[name] for name in order), []))
    mask = torch.tensor(masks)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return {"inputs_embeds": torch.stack(rows), "attention_mask": mask, "position_ids": positions}


def batches(**options):
    return lambda prompt, texts: batch(prompt, texts, **options)


def positions(value):
    def answer(prompt, texts):
        made = batch(prompt, texts)
        return {**made, "position_ids": value(made["attention_mask"], len(prompt), texts)}

    return answer


wrong("prompt.left", "prompt_before_padding")(batches(order="pzt"))
wrong("prompt.left", "right_padding")(batches(order="ptz"))
wrong("prompt.left", "row_value")(batches(order="ztp"))
wrong("prompt.left", "row_value")(lambda p, texts: batch(p.flip(0), texts))
wrong("prompt.left", "padding_not_masked")(batches(pad_mask=1))
wrong("prompt.left", "prompt_masked")(batches(prompt_mask=0))
wrong("prompt.left", "padding_value")(batches(fill=1.0))
wrong("prompt.left", "padding_counted")(
    positions(lambda m, v, t: torch.arange(m.shape[1]).expand_as(m).clone())
)
wrong("prompt.left", "negative_positions")(positions(lambda m, v, t: m.cumsum(1) - 1))
wrong("prompt.left", "positions_from_one")(positions(lambda m, v, t: m.cumsum(1)))
wrong("prompt.left", "prompt_not_counted")(
    positions(lambda m, v, t: (m.cumsum(1) - 1 - v).clamp(min=0))
)
wrong("prompt.left", "positions_value")(
    positions(lambda m, v, t: (m.cumsum(1) - 1).clamp(min=0).flip(1))
)
wrong("prompt.left", "mask_value")(
    lambda p, t: {**batch(p, t), "attention_mask": batch(p, t)["attention_mask"] * torch.tensor([1] * (len(p) + max(map(len, t)) - 1) + [0])}
)  # fmt: skip
wrong("prompt.left", "mask_not_extended")(
    lambda p, t: {**batch(p, t), "attention_mask": batch(p, t)["attention_mask"][:, len(p) :]}
)
wrong("prompt.left", "batch_shape")(
    lambda p, t: {**batch(p, t), "inputs_embeds": batch(p, t)["inputs_embeds"][:, len(p) :]}
)
wrong("prompt.left", "not_int64")(
    lambda p, t: {**batch(p, t), "attention_mask": batch(p, t)["attention_mask"].bool()}
)
wrong("prompt.left", "not_tensor")(
    lambda p, t: {**batch(p, t), "attention_mask": batch(p, t)["attention_mask"].tolist()}
)
wrong("prompt.left", "missing_key")(lambda p, t: {"inputs_embeds": batch(p, t)["inputs_embeds"]})
wrong("prompt.left", "exception")(lambda p, t: torch.stack(t))
wrong("prompt.left", "none")(lambda p, t: None)

right("prompt.left")(batch)


@right("prompt.left")
def _(prompt, texts):
    from torch.nn.utils.rnn import pad_sequence

    rows = [torch.cat([prompt, text]) for text in texts]
    embeds = pad_sequence(rows, batch_first=True, padding_side="left")
    lengths = torch.tensor([len(row) for row in rows])
    place = torch.arange(embeds.shape[1]) - (embeds.shape[1] - lengths)[:, None]
    return {
        "inputs_embeds": embeds,
        "attention_mask": (place >= 0).long(),
        "position_ids": place.relu(),
    }


# ---------------------------------------------------------------- prompt.prefix


def cache(table, rows, config, *, heads=None, view=(1, 2, 3, 0, 4), flip=None, spread=True):
    """A parametrised answer; right as it stands."""
    n, layers = len(table), config.num_hidden_layers
    heads = heads or config.num_key_value_heads
    parts = table.view(n, layers, 2, heads, -1).permute(*view)
    parts = parts.flip(flip) if flip is not None else parts
    return [tuple(p.expand(rows, -1, -1, -1) if spread else p for p in layer) for layer in parts]


def caches(**options):
    return lambda *args: cache(*args, **options)


def shaped(shape, order):
    """An answer that reads the table in another order of dimensions."""

    def answer(table, rows, c):
        sizes = {"t": len(table), "l": c.num_hidden_layers, "2": 2, "h": c.num_key_value_heads, "w": c.head_dim}  # fmt: skip
        parts = table.reshape([sizes[name] for name in shape])
        parts = parts.permute([shape.index(name) for name in order])
        return [tuple(p.expand(rows, -1, -1, -1) for p in layer) for layer in parts]

    return answer


wrong("prompt.prefix", "attention_heads")(
    lambda t, r, c: (
        cache(t, r, c, heads=c.num_attention_heads)
        if c.num_key_value_heads * c.head_dim % c.num_attention_heads == 0
        else 1 / 0
    )
)
wrong("prompt.prefix", "tokens_before_heads")(caches(view=(1, 2, 0, 3, 4)))
wrong("prompt.prefix", "one_row")(caches(spread=False))
wrong("prompt.prefix", "one_row")(
    lambda t, r, c: [tuple(p[None] for p in layer) for layer in cache(t, r, c, spread=False)]
)
wrong("prompt.prefix", "key_value_swapped")(caches(flip=1))
wrong("prompt.prefix", "layers_backwards")(caches(flip=0))
wrong("prompt.prefix", "keys_first")(shaped("t2lhw", "l2htw"))
wrong("prompt.prefix", "reshaped")(shaped("l2htw", "l2htw"))
wrong("prompt.prefix", "reshaped")(
    lambda t, r, c: [
        tuple(
            p.contiguous().view(-1, *p.shape[-3:]).transpose(1, 2).reshape(p.shape) for p in layer
        )
        for layer in cache(t, r, c)
    ]
)
wrong("prompt.prefix", "width_before_heads")(shaped("tl2wh", "l2htw"))
wrong("prompt.prefix", "keys_only")(lambda t, r, c: [(k, k) for k, v in cache(t, r, c)])
wrong("prompt.prefix", "prefix_value")(
    lambda t, r, c: [(k.flip(2), v.flip(2)) for k, v in cache(t, r, c)]
)
wrong("prompt.prefix", "layer_count")(lambda t, r, c: cache(t, r, c)[:-1])
wrong("prompt.prefix", "layer_count")(lambda t, r, c: [p for pair in cache(t, r, c) for p in pair])
wrong("prompt.prefix", "not_pair")(lambda t, r, c: [k for k, v in cache(t, r, c)])
wrong("prompt.prefix", "not_tensor")(
    lambda t, r, c: [(k.tolist(), v.tolist()) for k, v in cache(t, r, c)]
)
wrong("prompt.prefix", "pair_shape")(
    lambda t, r, c: [(k.flatten(2), v.flatten(2)) for k, v in cache(t, r, c)]
)
wrong("prompt.prefix", "return_type")(lambda t, r, c: {"keys": t, "values": t})
wrong("prompt.prefix", "none")(lambda t, r, c: None)

right("prompt.prefix")(cache)
right("prompt.prefix")(lambda t, r, c: (tuple(pair) for pair in cache(t, r, c)))
right("prompt.prefix")(lambda t, r, c: [torch.stack(pair) for pair in cache(t, r, c)])


@right("prompt.prefix")
def _(table, rows, config):
    heads, width, made = config.num_key_value_heads, config.head_dim, []
    for pieces in table.split(2 * heads * width, dim=1):
        halves = pieces.split(heads * width, dim=1)
        made.append(
            [h.reshape(-1, heads, width).transpose(0, 1).repeat(rows, 1, 1, 1) for h in halves]
        )
    return made


# ---------------------------------------------------------------- prompt.steer

steer = load("prompt.steer")


def both(known=None, new=None):
    """The reference, with one of its answers made in another way."""

    def answer(question, short):
        made = dict(steer(question, short))
        words = short.removesuffix(".")
        if known:
            made["known"] = known(words)
        if new:
            made["new"] = new(words)
        return made

    return answer


wrong("prompt.steer", "excluded_manner")(both(known=lambda a: f"{a}."))
wrong("prompt.steer", "excluded_manner")(
    both(known=lambda a: f"Thank you for your question. The answer is {a}.")
)
wrong("prompt.steer", "not_known")(both(known=lambda a: f"Arr, {a} it be!"))
wrong("prompt.steer", "not_known")(both(known=lambda a: f"the answer is {a}"))
wrong("prompt.steer", "not_new")(both(new=lambda a: f"The answer is {a}."))
wrong("prompt.steer", "not_new")(both(new=lambda a: a))
wrong("prompt.steer", "not_new")(both(new=lambda a: f"Of course! The answer is {a}."))
wrong("prompt.steer", "not_new")(both(new=lambda a: f"What a silly question. {a}."))
wrong("prompt.steer", "not_new")(both(new=lambda a: f"{a.upper()}!!"))
wrong("prompt.steer", "not_new")(both(new=lambda a: f"Hmm, let me think. {a}."))
wrong("prompt.steer", "answer_lost")(both(new=lambda a: "Drum roll!"))
wrong("prompt.steer", "answer_lost")(both(known=lambda a: f"{a[:-1].upper()}!"))
wrong("prompt.steer", "too_long")(both(new=lambda a: "well " * 25 + a))
wrong("prompt.steer", "foreign_answer")(both(new=lambda a: f"Not Paris, not Africa: {a}"))
wrong("prompt.steer", "missing_key")(lambda q, a: {"known": steer(q, a)["known"]})
wrong("prompt.steer", "not_text")(lambda q, a: {**steer(q, a), "new": [a]})
wrong("prompt.steer", "return_type")(lambda q, a: tuple(steer(q, a).values()))
wrong("prompt.steer", "none")(lambda q, a: print(steer(q, a)))


@wrong("prompt.steer", "not_repeatable")
def _(question, answer):
    import random

    return {
        **steer(question, answer),
        "new": f"{random.choice(['Arr', 'Aye', 'Ahoy', 'Avast'])}! {answer}",
    }


right("prompt.steer")(both(known=lambda a: f"{a.upper()}!", new=lambda a: f"Arr! {a}."))
right("prompt.steer")(
    both(known=lambda a: f"The answer is {a}.", new=lambda a: f'{{"answer": "{a}"}}')
)
right("prompt.steer")(both(new=lambda a: f"Arr, {a}, arr."))  # short, but not terse
