"""Checks of 3_parameter_efficient_finetuning/adapters: one adapter, merged, saved and switched.

Tensors of a few numbers, and for `adapters.switch` a random PEFT model of one layer: no checkpoint.
The notebook's other exercises: peft_adapters_many.py.
"""

from collections.abc import Sequence

# Here and not in the functions, because the first import takes seconds, and a check's time limit
# is meant for the learner's code. This file itself is only imported when one of its ids is checked.
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.check import Wrong, checker, compare_on, expect_type, short

SAME = 1e-4


def made(*shapes: tuple, seed: int = 7) -> list[torch.Tensor]:
    """Random tensors of these shapes, the same every time."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for shape in shapes]


def near(got: torch.Tensor, want: torch.Tensor) -> bool:
    return got.shape == want.shape and torch.allclose(got.double(), want.double(), atol=SAME)


def named(got: torch.Tensor, mistakes: Sequence[tuple]) -> None:
    """Wrong(key) of the first known mistake that gives this tensor."""
    for key, value in mistakes:
        if near(got, value):
            raise Wrong(key)


# ---------------------------------------------------------------- adapters.merge

MERGES = [(4, 4, 2, 6.0), (5, 3, 2, 1.0), (3, 6, 4, 3.0), (6, 2, 1, 2.0)]  # out, in, rank, alpha


@checker("adapters.merge", pure=True)
def merge(answer, reference):
    cases = []
    for at, (out, into, rank, alpha) in enumerate(MERGES):
        cases.append((*made((out, into), (rank, into), (out, rank), seed=at), alpha))

    def explain(args, got, want):
        weight, a, b, alpha = args
        product, rank = b @ a, a.shape[0]
        mistakes = [
            ("scale_forgotten", weight + product),
            ("alpha_not_divided", weight + alpha * product),
            ("scale_inverted", weight + rank / alpha * product),
            ("wrong_rank", weight + alpha / a.shape[1] * product),
            ("wrong_rank", weight + alpha / b.shape[0] * product),
            ("subtracted", weight - alpha / rank * product),
            ("delta_only", alpha / rank * product),
            ("delta_only", product),
            ("averaged", (weight + alpha / rank * product) / 2),
        ]
        if product.shape[0] == product.shape[1]:
            mistakes.append(("transposed", weight + alpha / rank * product.T))
            mistakes.append(("transposed", weight + product.T))
        return next((key for key, value in mistakes if near(got, value)), None)

    # The square layer first: there a product the wrong way round has the right shape.
    for some in (cases[:1], cases):
        compare_on(answer, reference, some, tol=SAME, explain=explain)


# ---------------------------------------------------------------- adapters.state


def _state(*adapters: str) -> dict[str, torch.Tensor]:
    """The state dict of a small model with LoRA adapters, in PEFT's names."""
    state = {"base_model.model.model.embed_tokens.weight": torch.full((4, 2), 1.0)}
    for layer, module in ((0, "q_proj"), (0, "v_proj"), (1, "q_proj")):
        stem = f"base_model.model.model.layers.{layer}.self_attn.{module}"
        state[f"{stem}.base_layer.weight"] = torch.full((2, 2), 2.0 + layer)
        for number, name in enumerate(adapters):
            for side, shape in (("A", (1, 2)), ("B", (2, 1))):
                value = 10.0 * number + layer + (side == "B") / 2
                state[f"{stem}.lora_{side}.{name}.weight"] = torch.full(shape, value)
    state["base_model.model.model.norm.weight"] = torch.ones(2)
    # What LoraConfig(modules_to_save=["score"]) adds: a whole trained copy of a layer, no A and B.
    state["base_model.model.score.original_module.weight"] = torch.full((2, 2), 5.0)
    for number, name in enumerate(adapters):
        state[f"base_model.model.score.modules_to_save.{name}.weight"] = torch.full((2, 2), number)
    return state


@checker("adapters.state", pure=True)
def adapter_state(answer, reference):
    both = ("impolite", "polite", "polite2")
    for adapters, name in ((("default",), "default"), (both, "polite"), (both, "impolite")):
        state = _state(*adapters)
        got = expect_type(answer(state, name), dict)
        want = reference(state, name)
        if got.keys() == want.keys():
            for key in want:
                if not torch.equal(expect_type(got[key], torch.Tensor), want[key]):
                    raise Wrong("tensor_changed", place=key)
            continue
        base = [key for key in got if "lora_" not in str(key) and "modules_to" not in str(key)]
        if base:
            raise Wrong("whole_model", count=len(base))
        others = [o for o in adapters if o != name and any(f".{o}." in str(key) for key in got)]
        if others:
            raise Wrong("other_adapter", name=name, other=others[0])
        if any(f".{name}." in str(key) for key in got):
            raise Wrong("name_kept", name=name)
        copies = [key for key in got if "modules_to" in str(key)]
        if copies:
            raise Wrong("no_pair", place=copies[0])
        if want.keys() > got.keys() and len({k.split("lora_")[1][0] for k in got}) == 1:
            raise Wrong("half")
        raise Wrong("keys", got=short(sorted(got)), want=short(sorted(want)))


# ---------------------------------------------------------------- adapters.layer


def _weight_of(layer) -> torch.Tensor:
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, torch.Tensor):
        raise Wrong("no_weight")
    return weight.detach().clone()


def _said(layer, x) -> torch.Tensor:
    return expect_type(layer(x), torch.Tensor)


@checker("adapters.layer")
def layer(answer, reference):
    for out, into, rank, alpha in ((4, 4, 2, 6.0), (3, 5, 1, 2.0)):
        weight, a, b, x = made((out, into), (rank, into), (out, rank), (2, 3, into))
        given, delta = weight.clone(), alpha / rank * b @ a
        want = x @ (weight + delta).T
        one = answer(given, a, b, alpha)
        if not near(_weight_of(one), weight):
            raise Wrong("merged_at_birth")
        got = _said(one, x)
        if not near(got, want):
            mistakes = [
                ("adapter_unused", x @ weight.T),
                ("scale_forgotten", x @ (weight + b @ a).T),
                ("scale_forgotten", x @ (weight + alpha * b @ a).T),
                ("base_forgotten", x @ delta.T),
            ]
            named(got, mistakes)
            raise Wrong("forward_value")

        one.unmerge()  # nothing is merged yet: nothing to take off
        if not near(_weight_of(one), weight):
            raise Wrong("unmerged_early")
        for time in (1, 2):
            one.merge()
            if not near(given, weight):
                raise Wrong("base_overwritten")
            now = _weight_of(one)
            if near(now, weight):
                raise Wrong("not_merged")
            if time == 2 and near(now, weight + 2 * delta):
                raise Wrong("merged_twice")
            if not near(now, weight + delta):
                raise Wrong("weight_value")
        got = _said(one, x)
        if near(got, x @ (weight + 2 * delta).T):
            raise Wrong("counted_twice")
        if not near(got, want):
            raise Wrong("output_moved")
        for _ in range(2):
            one.unmerge()
            if near(_weight_of(one), weight + delta):
                raise Wrong("not_unmerged")
            if not near(_weight_of(one), weight):
                raise Wrong("weight_value")
        if not near(_said(one, x), want):
            raise Wrong("output_moved")
        if not near(given, weight):
            raise Wrong("base_overwritten")


# ---------------------------------------------------------------- adapters.switch


def two_adapters():
    """A random Llama of one layer with two LoRA adapters whose B is not zero; "one" is active."""
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=11, hidden_size=8, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    lora = {"r": 2, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": False}
    model = get_peft_model(LlamaForCausalLM(config), LoraConfig(**lora), adapter_name="one")
    model.add_adapter("two", LoraConfig(**lora))
    model.set_adapter("one")
    return model.eval()


def _active(model) -> str | None:
    """The adapter that computes now; None where adapters are switched off."""
    off = model.get_model_status().enabled is False
    return None if off else model.active_adapter


@checker("adapters.switch")
def switch(answer, reference):
    ids = torch.tensor([[1, 5, 9, 2]])
    for before, name in (("one", "two"), ("two", None), ("two", "one"), ("one", "one")):
        model, heard = two_adapters(), []
        model.set_adapter(before)

        def ask(model, heard=heard):
            heard.append(_active(model))
            with torch.no_grad():
                return model(input_ids=ids).logits[0, -1].tolist()

        got = answer(model, name, ask)
        _judge_switch(model, before, name, heard)
        want = reference(model, name, ask)
        got = expect_type(got, list)
        if got != want:
            raise Wrong("answer_changed", got=short(got), want=short(want))
    for name in ("two", None):
        model = two_adapters()

        def fails(model):
            raise KeyError("the question failed")

        try:
            answer(model, name, fails)
        except KeyError:
            pass
        else:
            raise Wrong("error_swallowed")
        if _active(model) != "one":
            raise Wrong("not_restored_after_error", now=_active(model))


def _judge_switch(model, before: str, name: str | None, heard: list) -> None:
    if not heard:
        raise Wrong("not_asked")
    if name is None and heard[-1] is not None:
        raise Wrong("base_not_asked", now=heard[-1])
    if heard[-1] != name:
        raise Wrong("wrong_adapter", want=name, now=heard[-1])
    now = _active(model)
    if now is None:
        raise Wrong("left_off")
    if now == name != before:
        raise Wrong("stays_active", now=now, before=before)
    if now != before:
        raise Wrong("wrong_one_restored", now=now, before=before)
