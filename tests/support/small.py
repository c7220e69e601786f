"""A small world-trained tokenizer and a small model: what the training tests share."""

from __future__ import annotations

from functools import cache

from smolcourse.recipes.pretrain import Recipe, make_model, make_tokenizer

RECIPE = Recipe(
    seed=1, steps=12, batch_size=2, context=32, warmup=2, hidden_size=32, layers=1, heads=2,
    kv_heads=1, mlp_size=64, save_every=3,
)  # fmt: skip


@cache
def tokenizer():
    """The course's tokenizer, trained on 1,200 documents instead of 30,000; don't change it."""
    return make_tokenizer(1200)


def model(recipe: Recipe = RECIPE):
    """A random model of about 60,000 parameters in eval mode."""
    return make_model(recipe, len(tokenizer())).eval()
