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


@wrong("stays_active")
def _(model, name, ask):
    if name is not None:
        model.set_adapter(name)
    with under(model, name):
        return ask(model)


@wrong("not_restored_after_error")
def _(model, name, ask):
    before = model.active_adapter
    if name is not None:
        model.set_adapter(name)
    with under(model, name):
        said = ask(model)
    model.set_adapter(before)
    return said


@wrong("wrong_one_restored")
def _(model, name, ask):
    if name is not None:
        model.set_adapter(name)
    try:
        with under(model, name):
            return ask(model)
    finally:
        model.set_adapter("one")


@wrong("base_not_asked")
def _(model, name, ask):
    before = model.active_adapter
    model.set_adapter(name or before)
    try:
        return ask(model)
    finally:
        model.set_adapter(before)


@wrong("left_off")
def _(model, name, ask):
    before = model.active_adapter
    if name is None:
        model.base_model.disable_adapter_layers()
        return ask(model)
    model.set_adapter(name)
    try:
        return ask(model)
    finally:
        model.set_adapter(before)


@wrong("error_swallowed")
def _(model, name, ask):
    before = model.active_adapter
    try:
        if name is not None:
            model.set_adapter(name)
        with under(model, name):
            return ask(model)
    except Exception:  # noqa: BLE001
        return None
    finally:
        model.set_adapter(before)


@wrong("answer_changed")
def _(model, name, ask):
    before, model = model.active_adapter, model
    said = ask(model)  # asked too early
    model.set_adapter(name or before)
    with under(model, name):
        ask(model)
    model.set_adapter(before)
    return said


@wrong("not_asked")
def _(model, name, ask):
    before = model.active_adapter
    if name is not None:
        model.set_adapter(name)
    model.set_adapter(before)


@wrong("exception")
def _(model, name, ask):
    before = model.active_adapter
    model.set_adapter(name)  # None is no adapter
    try:
        return ask(model)
    finally:
        model.set_adapter(before)
