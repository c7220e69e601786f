"""adapters.switch: a question under another adapter, and the model as it was before."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from smolcourse.checks.core import Wrong, integers, seeded
from smolcourse.checks.core.compare import expect_close

VOCABULARY = 11


def cases(rng):
    plans = [("one", "two", False), ("two", None, False), ("two", "one", False)]
    plans += [("one", "one", False), ("one", "two", True), ("one", None, True)]
    seed, ids = rng.randrange(1000), integers(rng, 0, VOCABULARY, 1, 4)
    names = ("before", "name", "fails")
    return [dict(zip(names, plan, strict=True)) | {"seed": seed, "ids": ids} for plan in plans]


def observe(answer, case):
    model, heard = _two_adapters(case["seed"]), []
    model.set_adapter(case["before"])

    def ask(model):
        heard.append(_active(model))
        if case["fails"]:
            raise KeyError("the question failed")
        with torch.no_grad():
            return model(input_ids=case["ids"]).logits[0, -1].tolist()

    said, failed = None, False
    try:
        said = answer(model, case["name"], ask)
    except KeyError:
        if not case["fails"]:
            raise
        failed = True
    if not heard:
        raise Wrong("not_asked")
    return {"heard": heard[-1], "failed": failed, "after": _active(model), "said": said}


def _two_adapters(seed: int):
    """A random Llama of one layer with two LoRA adapters whose B is not zero."""
    sizes = {"vocab_size": VOCABULARY, "hidden_size": 8, "intermediate_size": 16}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1}
    lora = {"r": 2, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": False}
    with seeded(seed):
        model = LlamaForCausalLM(LlamaConfig(**sizes, **heads, num_hidden_layers=1))
        model = get_peft_model(model, LoraConfig(**lora), adapter_name="one")
        model.add_adapter("two", LoraConfig(**lora))
    return model.eval()


def _active(model) -> str | None:
    """The adapter that computes now; None where adapters are switched off."""
    off = model.get_model_status().enabled is False
    return None if off else model.active_adapter


def judge(seen, wanted, case):
    name, before, now = case["name"], case["before"], seen["after"]
    if seen["heard"] != name:
        key = "base_asked" if seen["heard"] is None else "wrong_adapter"
        key = "base_not_asked" if name is None else key
        raise Wrong(key, expected=name, got=seen["heard"])
    if case["fails"] and not seen["failed"]:
        raise Wrong("error_swallowed")
    if now != before:
        key = "stays_active" if now == name else "wrong_one_restored"
        key = "left_off" if now is None else key
        raise Wrong("not_restored_after_error" if case["fails"] else key, now=now, before=before)
    expect_close(seen["said"], wanted["said"], key="answer_changed")


def _afterwards(change):
    """A mistake: the right thing, and then `change(model, name)`."""

    def wrong(right, model, name, ask):
        said = right(model, name, ask)
        change(model, name)
        return said

    return wrong


def _no_finally(right, model, name, ask):
    before, said = model.active_adapter, []
    model.set_adapter(name or before)
    right(model, name, lambda model: said.append(0))
    if name is None:
        with model.disable_adapter():
            said.append(ask(model))
    else:
        said.append(ask(model))
    model.set_adapter(before)
    return said[-1]


def _asked_too_early(right, model, name, ask):
    said = ask(model)
    right(model, name, ask)
    return said


def _swallows(right, model, name, ask):
    try:
        return right(model, name, ask)
    except KeyError:
        return None


mistakes = {
    "not_asked": lambda right, model, name, ask: name,
    "wrong_adapter": lambda right, model, name, ask: ask(model),
    "base_asked": lambda right, model, name, ask: right(model, None, ask),
    "base_not_asked": lambda right, m, name, ask: right(m, name or m.active_adapter, ask),
    "stays_active": _afterwards(lambda m, name: m.set_adapter(name or m.active_adapter)),
    "wrong_one_restored": _afterwards(lambda model, name: model.set_adapter("one")),
    "left_off": _afterwards(lambda m, name: name or m.base_model.disable_adapter_layers()),
    "error_swallowed": _swallows,
    "not_restored_after_error": _no_finally,
    "answer_changed": _asked_too_early,
}
