"""prompt.count: the numbers that each kind of soft prompt trains, and those that it stores."""

from types import SimpleNamespace

from smolcourse.checks.core import Seen, Wrong, expect_type
from smolcourse.checks.core.compare import expect_close
from smolcourse.checks.prompt.common import changed

KEYS = {"prompt": "prompt_count", "prefix": "prefix_count", "p-tuning": "encoder_count"}


def cases(rng):
    def config(layers, heads, groups, width, guessed):
        """`guessed` is what hidden_size // num_attention_heads gives instead of the head's width."""
        queries = heads * groups
        return {
            "hidden_size": queries * guessed,
            "num_hidden_layers": layers,
            "num_attention_heads": queries,
            "num_key_value_heads": heads,
            "head_dim": width,
        }

    # 3 key and value heads, and never 2 or 3 layers: each forgotten factor shows.
    three = config(rng.randint(4, 8), 3, 2, 16, 16)
    one = config(rng.randint(4, 8), 1, 5, 12, 8)
    tokens = rng.sample(range(2, 10), 6)
    encoders = rng.sample(range(11, 40), 2)
    return [
        ("prompt", tokens[0], three, 0),
        ("prompt", tokens[1], one, 0),
        ("prefix", tokens[2], three, 0),
        ("prefix", 1, one, 0),
        ("prefix", tokens[3], one, 0),
        ("p-tuning", tokens[4], three, encoders[0]),
        ("p-tuning", tokens[5], one, encoders[1]),
    ]


def observe(answer, case):
    method, tokens, config, encoder = case
    got = expect_type(answer(method, tokens, SimpleNamespace(**config), encoder), (tuple, list))
    if len(got) != 2:
        raise Wrong("not_two", got=len(got))
    return Seen({KEYS[method]: tuple(got)})


def judge(seen, wanted, case):
    method, tokens, config, encoder = case
    name = KEYS[method]
    numbers = ", ".join(f"{key}={value}" for key, value in config.items())
    call = f"{method!r}, {tokens}, SimpleNamespace({numbers}), {encoder}"
    expect_close(seen[name], wanted[name], key=name, call=call)


def _prefix(**changes):
    """A mistake: the count of another config; each of its numbers is `change(config)`."""

    def wrong(right, method, tokens, c, encoder=0):
        numbers = {name: change(c) for name, change in changes.items()}
        return right(method, tokens, changed(c, **numbers), encoder)

    return wrong


def _trained(change):
    """A mistake: for P-tuning `change(trained, stored, hidden_size, encoder)`."""

    def wrong(right, method, tokens, c, encoder=0):
        made = right(method, tokens, c, encoder)
        return change(*made, c.hidden_size, encoder) if method == "p-tuning" else made

    return wrong


mistakes = {
    "attention_heads_counted": _prefix(num_key_value_heads=lambda c: c.num_attention_heads),
    "head_dim_guessed": _prefix(head_dim=lambda c: c.hidden_size // c.num_attention_heads),
    "hidden_size_counted": _prefix(
        num_key_value_heads=lambda c: 1, head_dim=lambda c: c.hidden_size
    ),
    "heads_forgotten": _prefix(num_key_value_heads=lambda c: 1),
    "one_layer": _prefix(num_hidden_layers=lambda c: 1),
    "keys_only": lambda right, method, *args: tuple(
        n // 2 if method == "prefix" else n for n in right(method, *args)
    ),
    "encoder_stored": _trained(lambda trained, stored, d, e: (trained, trained)),
    "encoder_not_trained": _trained(lambda trained, stored, d, e: (stored, stored)),
    "no_biases": _trained(lambda trained, stored, d, e: (trained - 2 * e - d, stored)),
    "vectors_forgotten": _trained(lambda trained, stored, d, e: (trained - stored, stored)),
    "two_layers": _trained(lambda trained, stored, d, e: (trained - e * e - e, stored)),
}
