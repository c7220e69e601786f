# generated from 3_parameter_efficient_finetuning/notebooks/source/adapters.py by smolcourse build; do not edit
"""Reference answer of exercise adapters.switch."""
# ruff: noqa

def answer_as(model, name, ask):
    """What `ask(model)` returns while adapter `name` speaks; the model is left as it was.

    Example: with "polite" active, answer_as(model, "rude", ask) returns rude answers, and
    model.active_adapter is still "polite".
    """
    before = model.active_adapter
    if name is None:
        with model.disable_adapter():
            return ask(model)
    model.set_adapter(name)
    try:
        return ask(model)
    finally:
        model.set_adapter(before)

answer = answer_as
