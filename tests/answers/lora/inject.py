"""Wrong and right answers to lora.inject."""

from answers import answers
from torch import nn

wrong, right, good = answers("lora.inject")


def injected(
    matches=lambda name, targets: name.rpartition(".")[2] in targets,
    freeze=lambda model: model.requires_grad_(False),
    after=lambda model: None,
    names=lambda chosen: chosen,
    strict=True,
    make=lambda wrap, linear: wrap(linear),
    kind=nn.Linear,
):
    """A parametrised injection; right as it stands."""

    def inject(model, targets, wrap):
        freeze(model)
        chosen = [
            name
            for name, module in model.named_modules()
            if isinstance(module, kind) and matches(name, targets)
        ]
        if strict and {name.split(".")[-1] for name in chosen} < set(targets):
            raise ValueError("A target has no layer.")
        for name in chosen:
            *parents, own = name.split(".")
            parent = model
            for step in parents:
                parent = getattr(parent, step)
            setattr(parent, own, make(wrap, getattr(parent, own)))
        after(model)
        return names(chosen)

    return inject


def contains(name, targets):
    return any(target in name for target in targets)


def by_end(name, targets):
    return any(name.endswith(target) for target in targets)


def without_narrow(name, targets):
    own = name.split(".")[-1]
    return own in targets and own not in ("k_proj", "v_proj")


wrong("substring")(injected(by_end))
wrong("substring")(injected(contains))
wrong("key_value_skipped")(injected(without_narrow, strict=False))
wrong("missed")(injected(lambda name, targets: "layers.0." in name and "q_proj" in name))
wrong("too_many")(injected(lambda name, targets: True, strict=False))
wrong("return_type")(injected(names=len))
wrong("none")(injected(names=lambda chosen: None))
wrong("unknown_target")(injected(strict=False))
wrong("exception")(lambda model, targets, wrap: model.q_proj)


@wrong("dotted_child")
def _(model, targets, wrap):  # setattr takes a dotted name without a word
    model.requires_grad_(False)
    layers = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.split(".")[-1] in targets
    ]
    for name, linear in layers:
        setattr(model, name, wrap(linear))
    return [name for name, _ in layers]


@wrong("unknown_error")
def _(model, targets, wrap):
    known = {
        name.split(".")[-1] for name, module in model.named_modules() if type(module) is nn.Linear
    }
    assert known >= set(targets)
    return injected()(model, targets, wrap)


right(injected())
right(injected(names=tuple))


@right
def _(model, targets, wrap):  # from parent to parent
    for parameter in model.parameters():
        parameter.requires_grad = False
    found = []
    for path, parent in list(model.named_modules()):
        for own, child in list(parent.named_children()):
            if own in targets and isinstance(child, nn.Linear):
                setattr(parent, own, wrap(child))
                found.append(f"{path}.{own}" if path else own)
    absent = [target for target in targets if not any(f".{target}" in f".{n}" for n in found)]
    if absent:
        raise ValueError(f"no layer is called {absent}")
    return found
