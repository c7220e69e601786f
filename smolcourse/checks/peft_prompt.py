"""Checks of 3_parameter_efficient_finetuning/prompt_tuning (ids ``prompt.*``).

``prompt.module`` and ``prompt.steer`` stand in peft_prompt_module.py.
"""

from types import SimpleNamespace

from smolcourse.check import Wrong, checker, compare_on, expect_type

IGNORE = -100


def _tensors(got, names, shapes: dict, integers: tuple) -> list:
    """The tensors of a returned dict, in the order of `names`, each of the shape that it must have."""
    import torch

    got = expect_type(got, dict)
    for name in names:
        if name not in got:
            raise Wrong("missing_key", name=name)
    for name in names:
        expect_type(got[name], torch.Tensor, "not_tensor", name=name)
        if tuple(got[name].shape) != shapes[name]:
            key = "mask_not_extended" if name == "attention_mask" else "batch_shape"
            key = "labels_not_extended" if name == "labels" else key
            raise Wrong(key, name=name, got=tuple(got[name].shape), expected=shapes[name])
    for name in integers:
        if got[name].dtype != torch.int64:
            raise Wrong("not_int64", name=name, dtype=str(got[name].dtype))
    return [got[name] for name in names]


# ---------------------------------------------------------------- prompt.prepend


@checker("prompt.prepend", pure=True)
def prepend(answer, reference):
    import torch

    made = torch.Generator().manual_seed(5)
    names = ("inputs_embeds", "attention_mask", "labels")
    for tokens, rows, length in ((2, 1, 2), (3, 2, 4), (1, 3, 5), (4, 2, 4)):
        prompt = torch.randn(tokens, 6, generator=made)
        text = torch.randn(rows, length, 6, generator=made)
        mask = torch.ones(rows, length, dtype=torch.int64)
        labels = torch.randint(1, 50, (rows, length), generator=made)
        labels[:, 0] = IGNORE
        if rows > 1:
            mask[1, -1], labels[1, -1] = 0, IGNORE
        long = tokens + length
        shapes = {"inputs_embeds": (rows, long, 6), "attention_mask": (rows, long)}
        shapes["labels"] = (rows, long)
        got = answer(prompt, text, mask, labels)
        found, new_mask, new_labels = _tensors(got, names, shapes, names[1:])
        behind = torch.cat([text, prompt.expand(rows, -1, -1)], 1)
        if torch.equal(found, behind):
            raise Wrong("prompt_behind")
        if not torch.equal(found[:, :tokens], prompt.expand(rows, -1, -1)):
            raise Wrong("not_the_prompt")
        if not torch.equal(found[:, tokens:], text):
            raise Wrong("text_changed")
        if not bool((new_labels[:, :tokens] == IGNORE).all()):
            behind = torch.equal(new_labels[:, :length], labels)
            raise Wrong("labels_behind" if behind else "virtual_carry_loss")
        if not torch.equal(new_labels[:, tokens:], labels):
            raise Wrong("labels_changed")
        if not bool((new_mask[:, :tokens] == 1).all()):
            raise Wrong("prompt_masked")
        if not torch.equal(new_mask[:, tokens:], mask):
            ones = bool((new_mask == 1).all())
            raise Wrong("padding_not_masked" if ones else "mask_changed")
        trained = prompt.clone().requires_grad_()
        joined = getattr(answer, "unwrapped", answer)(trained, text, mask, labels)["inputs_embeds"]
        if not joined.requires_grad:
            raise Wrong("no_gradient")


# ---------------------------------------------------------------- prompt.prefix


@checker("prompt.prefix", pure=True)
def prefix(answer, reference):
    import torch

    made = torch.Generator().manual_seed(7)
    for tokens, rows, layers, queries, heads, width in (
        (5, 3, 3, 4, 2, 6),
        (4, 1, 2, 6, 2, 3),
        (2, 2, 2, 8, 4, 4),
    ):
        table = torch.randn(tokens, layers * 2 * heads * width, generator=made)
        config = SimpleNamespace(
            num_hidden_layers=layers,
            num_attention_heads=queries,
            num_key_value_heads=heads,
            head_dim=width,
            hidden_size=queries * width,
        )
        got = expect_type(answer(table, rows, config), (list, tuple))
        if len(got) != layers:
            raise Wrong("layer_count", got=len(got), want=layers)
        _prefix_pairs(got, (rows, heads, tokens, width), queries)
        want = reference(table, rows, config)
        if _same(got, want):
            continue
        for key, mistake in _prefix_mistakes(table, rows, layers, heads, width):
            if _same(got, mistake):
                raise Wrong(key)
        raise Wrong("prefix_value")


def _prefix_pairs(got, shape: tuple, queries: int) -> None:
    """Every item is a pair of tensors of this shape, or Wrong."""
    import torch

    rows, heads, tokens, width = shape
    for pair in got:
        if isinstance(pair, torch.Tensor) and len(pair) == 2:
            pair = tuple(pair)  # two tensors in one unpack just as well
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise Wrong("not_pair")
        for part in pair:
            expect_type(part, torch.Tensor, "not_tensor", name="(key, value)")
            found = tuple(part.shape)
            if found == shape:
                continue
            if len(found) == 4 and found[1] == queries != heads and found[0] == rows:
                raise Wrong("attention_heads", got=queries, want=heads)
            if found == (rows, tokens, heads, width):
                raise Wrong("tokens_before_heads", got=found, expected=shape)
            if found in ((1, *shape[1:]), shape[1:]):
                raise Wrong("one_row", got=found, expected=shape)
            raise Wrong("pair_shape", got=found, expected=shape)


def _same(one, other) -> bool:
    import torch

    pairs = zip(one, other, strict=True)
    return all(torch.equal(a, b) for x, y in pairs for a, b in zip(x, y, strict=True))


def _prefix_mistakes(table, rows: int, layers: int, heads: int, width: int) -> list[tuple]:
    """(message key, the cache that this mistake gives)."""
    tokens = len(table)

    def pairs(parts):  # (layer, key or value, head, token, width) -> the list
        return [tuple(p.expand(rows, -1, -1, -1) for p in layer) for layer in parts]

    right = table.view(tokens, layers, 2, heads, width).permute(1, 2, 3, 0, 4)
    return [
        ("key_value_swapped", pairs(right.flip(1))),
        ("keys_first", pairs(table.view(tokens, 2, layers, heads, width).permute(2, 1, 3, 0, 4))),
        ("reshaped", pairs(table.reshape(layers, 2, heads, tokens, width))),
        ("reshaped", pairs(table.view(tokens, layers, 2, heads, width).permute(1, 2, 0, 3, 4).reshape(layers, 2, heads, tokens, width))),
        ("width_before_heads", pairs(table.view(tokens, layers, 2, width, heads).permute(1, 2, 4, 0, 3))),
        ("layers_backwards", pairs(right.flip(0))),
        ("keys_only", pairs(right[:, :1].expand(-1, 2, -1, -1, -1))),
    ]  # fmt: skip


# ---------------------------------------------------------------- prompt.count


@checker("prompt.count", pure=True)
def count(answer, reference):
    tiny = SimpleNamespace(
        hidden_size=192, num_hidden_layers=6, num_attention_heads=6, num_key_value_heads=2, head_dim=32
    )  # fmt: skip
    other = SimpleNamespace(
        hidden_size=40, num_hidden_layers=3, num_attention_heads=5, num_key_value_heads=1, head_dim=12
    )  # fmt: skip
    three = SimpleNamespace(  # neither 2 nor as many as layers: each forgotten factor shows
        hidden_size=96, num_hidden_layers=5, num_attention_heads=6, num_key_value_heads=3, head_dim=16
    )  # fmt: skip
    cases = [
        ("prompt", 4, tiny, 0),
        ("prompt", 7, other, 0),
        ("prefix", 2, three, 0),
        ("prefix", 1, tiny, 0),
        ("prefix", 5, other, 0),
        ("p-tuning", 4, tiny, 27),
        ("p-tuning", 3, other, 8),
    ]
    for args in cases:
        got = expect_type(answer(*args), (tuple, list))
        if len(got) != 2:
            raise Wrong("not_two", got=len(got))

    def explain(args, got, want):
        method, tokens, config, e = args
        got, width = tuple(got), config.hidden_size
        layers, head = config.num_hidden_layers, config.head_dim
        pair = {"got": got, "want": want}
        if method == "prompt":
            return ("prompt_count", pair)
        if method == "prefix":
            if got[0] in (
                tokens * layers * 2 * width,
                tokens * layers * 2 * config.num_attention_heads * head,
            ):
                return ("attention_heads_counted", pair)
            if 2 * got[0] == want[0]:
                return ("keys_only", pair)
            if config.num_key_value_heads * got[0] == want[0]:
                return ("heads_forgotten", pair)
            if layers * got[0] == want[0]:
                return ("one_layer", pair)
            return ("prefix_count", pair)
        vectors, biases = tokens * width, 2 * e + width
        if got[0] == want[0]:
            return ("encoder_stored", pair)
        if got == (want[1], want[1]):
            return ("encoder_not_trained", pair)
        if got[0] == want[0] - biases:
            return ("no_biases", pair)
        if got[0] == want[0] - vectors:
            return ("vectors_forgotten", pair)
        if got[0] == want[0] - (e * e + e):
            return ("two_layers", pair)
        return ("encoder_count", pair)

    compare_on(answer, reference, cases, explain=explain)


# ---------------------------------------------------------------- prompt.left


@checker("prompt.left", pure=True)
def left(answer, reference):
    import torch

    made = torch.Generator().manual_seed(9)
    names = ("inputs_embeds", "attention_mask", "position_ids")
    for tokens, lengths in ((2, (1, 3)), (3, (5, 2, 4)), (1, (2, 2)), (4, (3, 9))):
        prompt = torch.randn(tokens, 5, generator=made)
        texts = [torch.randn(length, 5, generator=made) for length in lengths]
        want = reference(prompt, texts)
        shapes = {name: tuple(want[name].shape) for name in names}
        found, mask, positions = _tensors(answer(prompt, texts), names, shapes, names[1:])
        _left_rows(found, mask, prompt, texts)
        if not torch.equal(found, want["inputs_embeds"]):
            raise Wrong("padding_value")
        if not torch.equal(mask, want["attention_mask"]):
            raise Wrong("mask_value")
        if torch.equal(positions, want["position_ids"]):
            continue
        if bool((positions < 0).any()):
            raise Wrong("negative_positions")
        if torch.equal(positions, torch.arange(positions.shape[1]).expand_as(positions)):
            raise Wrong("padding_counted")
        text = mask.clone()
        for row, length in enumerate(lengths):
            text[row, : len(text[row]) - length] = 0
        if torch.equal(positions * text, (text.cumsum(1) - 1).clamp(min=0) * text):
            raise Wrong("prompt_not_counted")
        if torch.equal(positions * mask, (mask.cumsum(1)) * mask):
            raise Wrong("positions_from_one")
        raise Wrong("positions_value", got=positions.tolist(), want=want["position_ids"].tolist())


def _left_rows(found, mask, prompt, texts) -> None:
    """Where padding, prompt and text stand in each row, and what the mask says of them."""
    import torch

    tokens, longest = len(prompt), max(map(len, texts))
    for row, own, text in zip(found, mask, texts, strict=True):
        missing = longest - len(text)
        real = torch.cat([prompt, text])
        if missing and torch.equal(row[: len(real)], real):
            raise Wrong("right_padding")
        if missing and torch.equal(row[:tokens], prompt) and torch.equal(row[-len(text) :], text):
            raise Wrong("prompt_before_padding")
        if not torch.equal(row[missing:], real):
            raise Wrong("row_value")
        if missing and bool((own[:missing] == 1).any()):
            raise Wrong("padding_not_masked")
        if not bool((own[missing : missing + tokens] == 1).all()):
            raise Wrong("prompt_masked")
