"""Wrong and right answers to prompt.module and prompt.count, as learners write them."""

import torch
import transformers.models.llama.modeling_llama  # noqa: F401 (a check's time limit is not for imports)

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right
IGNORE = -100

# ---------------------------------------------------------------- prompt.module


class Soft(torch.nn.Module):
    """A right answer, cut into pieces that the wrong ones replace."""

    freeze = True

    def __init__(self, model, tokens, init_ids=None):
        super().__init__()
        self.model = model
        if self.freeze:
            for parameter in model.parameters():
                parameter.requires_grad = False
        self.make(tokens, model.get_input_embeddings().weight, init_ids)

    def make(self, tokens, table, ids):
        self.prompt = torch.nn.Parameter(self.start(tokens, table, ids))

    def start(self, tokens, table, ids):
        if not ids:
            return torch.randn(tokens, table.shape[1])
        return table.detach()[torch.tensor((ids * tokens)[:tokens])]

    def vectors(self):
        return self.prompt

    def mask(self, ones, mask):
        return torch.cat([ones, mask], 1)

    def labels(self, none, labels, ids):
        return torch.cat([none, labels], 1)

    def embeds(self, prompt, text):
        return torch.cat([prompt, text], 1)

    def forward(self, input_ids, attention_mask, labels=None):
        rows, tokens = len(input_ids), len(self.vectors())
        text = self.model.get_input_embeddings()(input_ids)
        if labels is not None:
            labels = self.labels(labels.new_full((rows, tokens), IGNORE), labels, input_ids)
        return self.run(
            inputs_embeds=self.embeds(self.vectors().expand(rows, -1, -1), text),
            attention_mask=self.mask(attention_mask.new_ones(rows, tokens), attention_mask),
            labels=labels,
        )

    def run(self, **inputs):
        return self.model(**inputs)


right("prompt.module")(Soft)


def like(**pieces):
    return type("Answer", (Soft,), pieces)


wrong("prompt.module", "base_not_frozen")(like(freeze=False))
wrong("prompt.module", "mask_not_extended")(like(mask=lambda self, ones, mask: mask))
wrong("prompt.module", "padding_not_masked")(like(mask=lambda self, ones, mask: None))
wrong("prompt.module", "prompt_masked")(
    like(mask=lambda self, ones, mask: torch.cat([0 * ones, mask], 1))
)
wrong("prompt.module", "virtual_carry_loss")(
    like(labels=lambda self, none, labels, ids: torch.cat([0 * none, labels], 1))
)
wrong("prompt.module", "labels_behind")(
    like(labels=lambda self, none, labels, ids: torch.cat([labels, none], 1))
)
wrong("prompt.module", "prompt_carries_loss")(
    like(
        labels=lambda self, none, labels, ids: torch.cat(
            [none, ids.masked_fill(ids == 0, IGNORE)], 1
        )
    )
)
wrong("prompt.module", "shifted_twice")(
    like(labels=lambda self, none, labels, ids: torch.cat([none, labels], 1).roll(-1, 1))
)
wrong("prompt.module", "loss_value")(
    like(labels=lambda self, none, labels, ids: torch.cat([none, labels], 1).roll(1, 1))
)
wrong("prompt.module", "labels_not_extended")(like(labels=lambda self, none, labels, ids: labels))
wrong("prompt.module", "no_loss")(like(labels=lambda self, none, labels, ids: None))
wrong("prompt.module", "prompt_behind")(
    like(
        embeds=lambda self, prompt, text: torch.cat([text, prompt], 1),
        mask=lambda self, ones, mask: torch.cat([mask, ones], 1),
    )
)
wrong("prompt.module", "logits_value")(
    like(embeds=lambda self, prompt, text: torch.cat([prompt.flip(1), -text], 1))
)
wrong("prompt.module", "no_gradient")(like(vectors=lambda self: self.prompt.detach()))
wrong("prompt.module", "prompt_frozen")(
    like(make=lambda self, n, table, ids: setattr(self, "prompt", torch.nn.Parameter(self.start(n, table, ids), requires_grad=False)))
)  # fmt: skip
wrong("prompt.module", "not_parameter")(
    like(make=lambda self, n, table, ids: setattr(self, "prompt", self.start(n, table, ids).requires_grad_()))
)  # fmt: skip
wrong("prompt.module", "not_parameter")(
    like(make=lambda self, n, table, ids: setattr(self, "prompt", torch.nn.Embedding(n, table.shape[1])))
)  # fmt: skip
wrong("prompt.module", "no_prompt")(
    like(make=lambda self, n, table, ids: setattr(self, "virtual", torch.nn.Parameter(self.start(n, table, ids))))
)  # fmt: skip
wrong("prompt.module", "prompt_constant")(
    like(start=lambda self, n, table, ids: torch.zeros(n, table.shape[1]))
)
wrong("prompt.module", "not_normal")(
    like(start=lambda self, n, table, ids: torch.rand(n, table.shape[1]))
)
wrong("prompt.module", "start_ignored")(
    like(start=lambda self, n, table, ids: torch.randn(n, table.shape[1]))
)
wrong("prompt.module", "not_repeated")(
    like(start=lambda self, n, table, ids: torch.cat([table.detach()[ids], torch.randn(n, table.shape[1])])[:n] if ids else torch.randn(n, table.shape[1]))
)  # fmt: skip
wrong("prompt.module", "prompt_shape")(
    like(start=lambda self, n, table, ids: table.detach()[ids] if ids else torch.randn(n, table.shape[1]))
)  # fmt: skip
wrong("prompt.module", "start_order")(
    like(start=lambda self, n, table, ids: table.detach()[torch.tensor(ids).repeat_interleave(n)[-n:]] if ids else torch.randn(n, table.shape[1]))
)  # fmt: skip
wrong("prompt.module", "prompt_missing")(
    like(
        embeds=lambda self, prompt, text: text,
        mask=lambda self, ones, mask: mask,
        labels=lambda self, none, labels, ids: labels,
    )
)
wrong("prompt.module", "not_output")(like(run=lambda self, **inputs: self.model(**inputs).logits))


class Cut(Soft):
    """Half of the prompt is thrown away."""

    def vectors(self):
        return self.prompt[: (len(self.prompt) + 1) // 2].repeat(2, 1)


wrong("prompt.module", "logits_shape")(Cut)


class AlwaysLoss(Soft):
    def forward(self, input_ids, attention_mask, labels=None):
        return super().forward(input_ids, attention_mask, input_ids if labels is None else labels)


wrong("prompt.module", "loss_without_labels")(AlwaysLoss)


class NeedsLabels(Soft):
    """labels=None was forgotten; `none` gives the -100 without asking whether there are labels."""

    def none(self, labels):
        return labels.new_full((len(labels), len(self.prompt)), IGNORE)

    def forward(self, input_ids, attention_mask, labels=None):
        labels = torch.cat([self.none(labels), labels], 1)
        ones = attention_mask.new_ones(len(input_ids), len(self.prompt))
        text = self.model.get_input_embeddings()(input_ids)
        return self.model(
            inputs_embeds=torch.cat([self.prompt.expand(len(input_ids), -1, -1), text], 1),
            attention_mask=torch.cat([ones, attention_mask], 1),
            labels=labels,
        )


wrong("prompt.module", "labels_may_be_none")(NeedsLabels)
wrong("prompt.module", "labels_may_be_none")(
    type("Answer", (NeedsLabels,), {
        "none": lambda self, labels: torch.full((2, len(self.prompt)), IGNORE),  # cat refuses None
    })
)  # fmt: skip
wrong("prompt.module", "labels_may_be_none")(
    like(forward=lambda self, ids, mask, labels: Soft.forward(self, ids, mask, labels))
)


class Changes(Soft):
    def forward(self, input_ids, attention_mask, labels=None):
        output = super().forward(input_ids, attention_mask, labels)
        with torch.no_grad():
            self.model.lm_head.weight.mul_(0.5)
        return output


wrong("prompt.module", "model_changed")(Changes)


class Shares(Soft):
    """The prompt is a view of the embedding table where the ids stand in a row."""

    def start(self, tokens, table, ids):
        if ids and ids == list(range(ids[0], ids[0] + len(ids))) and tokens <= len(ids):
            return table.data[ids[0] : ids[0] + tokens]
        return super().start(tokens, table, ids)


wrong("prompt.module", "shares_memory")(Shares)
wrong("prompt.module", "not_class")(
    lambda model, tokens, init_ids=None: Soft(model, tokens, init_ids)
)
wrong("prompt.module", "not_module")(type("Answer", (), {"__init__": lambda self, *args: None}))
wrong("prompt.module", "exception")(
    like(run=lambda self, **inputs: self.model(input_ids=inputs["inputs_embeds"]))
)


@right("prompt.module")
class WithEmbedding(torch.nn.Module):
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
        n, pad = len(self.prompt), torch.nn.functional.pad
        text = self.base.get_input_embeddings()(input_ids)
        return self.base(
            inputs_embeds=torch.cat([self.prompt.repeat(len(text), 1, 1), text], dim=1),
            attention_mask=pad(attention_mask, (n, 0), value=1),
            labels=None if labels is None else pad(labels, (n, 0), value=IGNORE),
        )


# ---------------------------------------------------------------- prompt.count


def counted(method, tokens, config, encoder=0, *, heads="num_key_value_heads", two=2, layers=None, stored=None, biases=1, vectors=1, middle=1):  # fmt: skip
    """A parametrised answer; right as it stands."""
    width = config.hidden_size
    if method == "prefix":
        n = (
            tokens
            * (layers or config.num_hidden_layers)
            * two
            * getattr(config, heads)
            * config.head_dim
        )
        return n, n
    n = tokens * width
    if method == "prompt":
        return n, n
    e = encoder
    net = 2 * width * e + biases * (e + width) + middle * (e * e + biases * e)
    return vectors * n + net, n if stored is None else n + net


def counts(**options):
    return lambda m, t, c, e=0: counted(m, t, c, e, **options)


wrong("prompt.count", "attention_heads_counted")(counts(heads="num_attention_heads"))
wrong("prompt.count", "keys_only")(counts(two=1))
wrong("prompt.count", "one_layer")(counts(layers=1))
wrong("prompt.count", "heads_forgotten")(
    lambda m, t, c, e=0: (
        (t * c.num_hidden_layers * 2 * c.head_dim,) * 2 if m == "prefix" else counted(m, t, c, e)
    )
)
wrong("prompt.count", "prefix_count")(counts(two=3))
wrong("prompt.count", "encoder_stored")(counts(stored=True))
wrong("prompt.count", "encoder_not_trained")(lambda m, t, c, e=0: (counted(m, t, c, e)[1],) * 2)
wrong("prompt.count", "no_biases")(counts(biases=0))
wrong("prompt.count", "vectors_forgotten")(counts(vectors=0))
wrong("prompt.count", "two_layers")(counts(middle=0))
wrong("prompt.count", "encoder_count")(lambda m, t, c, e=0: counted(m, t, c, e + 1))
wrong("prompt.count", "prompt_count")(
    lambda m, t, c, e=0: (t, t) if m == "prompt" else counted(m, t, c, e)
)
wrong("prompt.count", "not_two")(lambda m, t, c, e=0: (*counted(m, t, c, e), 1))
wrong("prompt.count", "return_type")(lambda m, t, c, e=0: counted(m, t, c, e)[0])
wrong("prompt.count", "none")(lambda m, t, c, e=0: None if m == "prefix" else counted(m, t, c, e))

right("prompt.count")(counted)


@right("prompt.count")
def _(method, tokens, config, encoder=0):
    d, e = config.hidden_size, encoder
    kept = tokens * {
        "prefix": 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    }.get(method, d)
    net = torch.nn.Sequential(torch.nn.Linear(d, e), torch.nn.Linear(e, e), torch.nn.Linear(e, d))
    extra = sum(p.numel() for p in net.parameters()) if method == "p-tuning" else 0
    return [kept + extra, kept]
