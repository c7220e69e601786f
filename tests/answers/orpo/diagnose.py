"""Wrong and right answers to orpo.diagnose."""

import math

from answers import answers

wrong, right, good = answers("orpo.diagnose")


def doctor(
    chosen,
    rejected,
    *,
    finite=True,
    ceiling=True,
    ahead=None,
    rise=0.0,
    fell=None,
    rose=None,
    order="bsoi",
):
    """A parametrised answer; right as it stands."""
    values = chosen + rejected
    gains = chosen[-1] - chosen[0], rejected[-1] - rejected[0]
    rules = {
        "b": (finite and not all(map(math.isfinite, values))) or (ceiling and max(values) > 0),
        "s": ahead(chosen, rejected) if ahead else gains[0] < gains[1],
        "o": (fell or (lambda values: values[-1] < values[0]))(chosen),
        "i": rose(rejected) if rose else gains[1] > rise,
    }
    names = {"b": "broken", "s": "swapped", "o": "overdone", "i": "imitating"}
    return next((names[rule] for rule in order if rules[rule]), "healthy")


def variant(**options):
    return lambda chosen, rejected: doctor(chosen, rejected, **options)


wrong("not_finite")(variant(finite=False))
wrong("above_zero")(variant(ceiling=False))
wrong("order")(variant(order="bois"))
wrong("order")(variant(order="biso"))
wrong("swapped_missed")(lambda c, r: "healthy" if doctor(c, r) == "swapped" else doctor(c, r))
wrong("overdone_missed")(variant(order="bsi"))
wrong("dip")(variant(fell=lambda values: values[-1] < max(values)))
wrong("dip")(variant(fell=lambda values: min(values) < values[0]))
wrong("imitating_missed")(variant(order="bso"))
wrong("imitating_missed")(variant(rise=0.5))
wrong("verdict")(variant(rise=-1.0))
wrong("pushed_back")(variant(rose=lambda values: max(values) > values[0] + 1))
wrong("none")(lambda c, r: None if doctor(c, r) == "healthy" else doctor(c, r))
wrong("return_type")(lambda c, r: doctor(c, r) == "healthy")
wrong("mutated")(lambda c, r: [doctor(c, r), c.reverse()][0])
right(doctor)


@right
def _(chosen, rejected):
    if any(not -math.inf < value <= 0 for value in chosen + rejected):
        return "broken"
    if chosen[-1] - rejected[-1] < chosen[0] - rejected[0]:
        return "swapped"
    if chosen[-1] < chosen[0]:
        return "overdone"
    return "imitating" if rejected[-1] > rejected[0] else "healthy"
