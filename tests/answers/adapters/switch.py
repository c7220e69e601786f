"""Wrong and right answers to adapters.switch."""

import contextlib

from answers import answers

wrong, right, good = answers("adapters.switch")


def under(model, name):
    return model.disable_adapter() if name is None else contextlib.nullcontext()


@right
def _(model, name, ask):
    before = model.active_adapter
    try:
        if name is not None:
            model.set_adapter(name)
        with under(model, name):
            return ask(model)
    finally:
        model.set_adapter(before)


@right
def _(model, name, ask):
    before = list(model.active_adapters)
    if name is None:
        model.base_model.disable_adapter_layers()
    else:
        model.set_adapter(name)
    try:
        return ask(model)
    finally:
        model.base_model.enable_adapter_layers()
        model.set_adapter(before[0])


@wrong("exception")
def _(model, name, ask):
    before = model.active_adapter
    model.set_adapter(name)  # None is no adapter
    try:
        return ask(model)
    finally:
        model.set_adapter(before)
