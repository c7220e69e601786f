"""Wrong and right answers to prompt.count."""

import torch
from answers import answers

wrong, right, good = answers("prompt.count")


def only(method, change):
    """The reference, with another answer to one method: `change(trained, stored)`."""
    return lambda m, *args: change(*good(m, *args)) if m == method else good(m, *args)


wrong("prompt_count")(lambda m, t, *args: (t, t) if m == "prompt" else good(m, t, *args))
wrong("prefix_count")(only("prefix", lambda trained, stored: (3 * trained, 3 * stored)))
wrong("prefix_count")(only("prefix", lambda trained, stored: (trained, 0)))
wrong("encoder_count")(lambda m, t, c, e=0: good(m, t, c, e + 1))
wrong("not_two")(lambda *args: (*good(*args), 1))
wrong("return_type")(lambda *args: good(*args)[0])
wrong("none")(only("prefix", lambda trained, stored: None))


@right
def _(method, tokens, config, encoder=0):
    d, e = config.hidden_size, encoder
    kept = tokens * {
        "prefix": 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    }.get(method, d)
    net = torch.nn.Sequential(torch.nn.Linear(d, e), torch.nn.Linear(e, e), torch.nn.Linear(e, d))
    extra = sum(p.numel() for p in net.parameters()) if method == "p-tuning" else 0
    return [kept + extra, kept]
