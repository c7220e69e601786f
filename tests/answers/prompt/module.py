"""Wrong and right answers to prompt.module."""

import torch
from answers import answers

wrong, right, good = answers("prompt.module")

IGNORE = -100

pad = torch.nn.functional.pad


def then(change):
    """The reference; `change(self)` at the end of its __init__."""

    class Soft(good):
        def __init__(self, *args):
            super().__init__(*args)
            change(self)

    return Soft


def runs(forward):
    """The reference with another forward(self, input_ids, attention_mask, labels)."""
    replaced = lambda self, ids, mask, labels=None: forward(self, ids, mask, labels)  # noqa: E731
    return type("Soft", (good,), {"forward": replaced})


def whole(self, ids, mask, prompt=None, **changes):
    """What the model should be given, by hand and without labels."""
    prompt = self.prompt if prompt is None else prompt
    text = self.model.get_input_embeddings()(ids)
    joined = torch.cat([prompt.expand(len(ids), -1, -1), text], 1)
    inputs = {"inputs_embeds": joined, "attention_mask": pad(mask, (len(prompt), 0), value=1)}
    return inputs | changes


def instead(make):
    """`make(start)` in the place of the parameter."""

    def change(self):
        start = self.prompt.data.clone()
        del self.prompt
        self.prompt = make(start)

    return then(change)


wrong("base_not_frozen")(then(lambda s: s.model.requires_grad_(True)))
wrong("prompt_frozen")(then(lambda s: s.prompt.requires_grad_(False)))
wrong("not_parameter")(instead(lambda start: start.requires_grad_()))
wrong("not_parameter")(instead(lambda start: torch.nn.Embedding(*start.shape)))
wrong("no_prompt")(instead(lambda start: None))
wrong("prompt_constant")(then(lambda s: s.prompt.data.zero_()))
wrong("not_normal")(then(lambda s: s.prompt.data.uniform_()))
wrong("prompt_shape")(instead(lambda start: torch.nn.Parameter(start[:3])))
wrong("not_output")(runs(lambda s, *args: good.forward(s, *args).logits))
wrong("no_loss")(runs(lambda s, ids, mask, labels: good.forward(s, ids, mask)))
wrong("labels_not_extended")(
    runs(lambda s, ids, mask, labels: s.model(**whole(s, ids, mask), labels=labels))
)
wrong("logits_shape")(
    runs(lambda s, ids, mask, labels: s.model(**whole(s, ids, mask, s.prompt.repeat(2, 1))))
)
wrong("logits_value")(
    runs(lambda s, ids, mask, labels: s.model(**whole(s, ids, mask, s.prompt.flip(1))))
)
wrong("loss_value")(
    runs(lambda s, ids, mask, y: good.forward(s, ids, mask, None if y is None else y.roll(1, 1)))
)
wrong("loss_without_labels")(
    runs(lambda s, ids, mask, y: good.forward(s, ids, mask, ids if y is None else y))
)
wrong("labels_may_be_none")(  # new_full of None; and torch.cat, which refuses None
    runs(lambda s, i, m, y: good.forward(s, i, m, y.clone()))
)
wrong("labels_may_be_none")(runs(lambda s, i, m, y: good.forward(s, i, m, torch.cat([y]))))
wrong("labels_may_be_none")(
    type("Soft", (good,), {"forward": lambda s, i, m, labels: good.forward(s, i, m, labels)})
)
wrong("exception")(
    runs(lambda s, ids, mask, y: s.model(input_ids=whole(s, ids, mask)["inputs_embeds"]))
)
wrong("not_class")(lambda *args: good(*args))
wrong("not_module")(type("Soft", (), {"__init__": lambda self, *args: None}))


@wrong("start_order")  # each id several times, rather than the list several times
class _(good):
    def __init__(self, model, tokens, init_ids=None):
        super().__init__(model, tokens, sorted((init_ids or []) * tokens)[-tokens:])


@wrong("model_changed")
class _(good):
    def forward(self, *args):
        output = super().forward(*args)
        with torch.no_grad():
            self.model.lm_head.weight.mul_(0.5)
        return output


@wrong("shares_memory")  # a slice of the table is a view of it
class _(good):
    def __init__(self, model, tokens, init_ids=None):
        super().__init__(model, tokens, init_ids)
        if init_ids and init_ids[-1] - init_ids[0] == 2 and tokens == 2:
            table = model.get_input_embeddings().weight
            self.prompt.data = table.data[init_ids[0] : init_ids[0] + tokens]


@right
class _(torch.nn.Module):
    """Another way: a copy of the table's rows, and torch's own padding."""

    def __init__(self, model, tokens, init_ids=None):
        super().__init__()
        self.base = model
        model.requires_grad_(False)
        table = model.get_input_embeddings()
        width = table.embedding_dim
        self.prompt = torch.nn.Parameter(torch.empty(tokens, width).normal_())
        if init_ids is not None:
            for i in range(tokens):
                self.prompt.data[i] = table.weight[init_ids[i % len(init_ids)]]

    def forward(self, input_ids, attention_mask, labels=None):
        n = len(self.prompt)
        text = self.base.get_input_embeddings()(input_ids)
        return self.base(
            inputs_embeds=torch.cat([self.prompt.repeat(len(text), 1, 1), text], dim=1),
            attention_mask=pad(attention_mask, (n, 0), value=1),
            labels=None if labels is None else pad(labels, (n, 0), value=IGNORE),
        )
