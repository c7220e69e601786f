"""Wrong and right answers to adapters.state."""

from answers import answers

wrong, right, good = answers("adapters.state")


def chosen(keep, rename=lambda key, name: key.replace(f".{name}.weight", ".weight")):
    return lambda state, name: {rename(k, name): t for k, t in state.items() if keep(k, name)}


def mine(key, name):
    return "lora_" in key and f".{name}." in key


wrong("keys")(chosen(mine, lambda k, name: k.replace(f"{name}.", "")[17:]))
wrong("keys")(chosen(lambda k, name: mine(k, name) and "v_proj" in k))
wrong("return_type")(lambda state, name: [k for k in state if mine(k, name)])


@wrong("mutated")
def _(state, name):
    for key in [k for k in state if not mine(k, name)]:
        del state[key]
    return {k.replace(f".{name}.", "."): t for k, t in state.items()}


right(chosen(mine))


@right
def _(state, name):
    found = {}
    for key in state:
        *stem, side, own, last = key.split(".")
        if own == name and side in ("lora_A", "lora_B"):
            found[".".join([*stem, side, last])] = state[key].clone()
    return found
