"""Wrong and right answers to dpo.length."""

from answers import answers

wrong, right, good = answers("dpo.length")


def split(margins, chosen, rejected, *, hit=lambda m: m > 0, more=lambda c, r: c > r, of=len):
    """A parametrised answer; right as it stands."""
    rows = list(zip(margins, chosen, rejected, strict=True))
    groups = {
        "longer": [hit(m) for m, c, r in rows if more(c, r)],
        "shorter": [hit(m) for m, c, r in rows if more(r, c)],
    }
    return {name: sum(hits) / of(hits) if hits else None for name, hits in groups.items()}


def turned(change):
    return lambda m, c, r: change(split(m, c, r))


wrong("not_none")(turned(lambda d: {k: v or 0.0 for k, v in d.items()}))
wrong("not_none")(turned(lambda d: {k: float("nan") if v is None else v for k, v in d.items()}))
wrong("keys")(turned(lambda d: {"long": d["longer"], "short": d["shorter"]}))
wrong("keys")(turned(lambda d: {"longer": d["longer"]}))
wrong("not_share")(turned(lambda d: {k: str(v) for k, v in d.items()}))
wrong("not_share")(turned(lambda d: {k: v and None for k, v in d.items()}))
wrong("share")(turned(lambda d: {k: v and v / 3 for k, v in d.items()}))
wrong("return_type")(turned(lambda d: tuple(d.values())))
wrong("none")(turned(lambda d: None))


@wrong("empty_group")
def _(margins, chosen, rejected):
    rows = list(zip(margins, chosen, rejected, strict=True))
    longer = [m > 0 for m, c, r in rows if c > r]
    shorter = [m > 0 for m, c, r in rows if c < r]
    return {"longer": sum(longer) / len(longer), "shorter": sum(shorter) / len(shorter)}


@wrong("mutated")
def _(margins, chosen, rejected):
    result = split(margins, chosen, rejected)
    margins.clear()
    return result


right(split)


@right
def _(margins, chosen_tokens, rejected_tokens):
    import torch

    m, c, r = (
        torch.tensor(x, dtype=torch.float64) for x in (margins, chosen_tokens, rejected_tokens)
    )
    out = {}
    for name, group in (("shorter", c < r), ("longer", c > r)):
        out[name] = (m[group] > 0).double().mean().item() if group.any() else None
    return out
