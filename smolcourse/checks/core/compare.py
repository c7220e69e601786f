"""Compare a learner's answer with what is right, without trusting the answer's own `==`.

`plain` rebuilds a value from Python's and torch's own types, so an object that claims to equal
everything, or a float subclass that lies about its size, has no say in its own judgement.
"""

import itertools
import math
import numbers
import sys
from collections.abc import Mapping, Sequence

MANY = 1_000_000  # an iterator that goes on longer is not an answer


class Wrong(Exception):
    """Raised by a checker: the message's key in the catalogue, and values for its {names}."""

    def __init__(self, key: str, **fmt) -> None:
        super().__init__(key)
        self.key, self.fmt = key, fmt


class Unknown:
    """Stands for an object that is no plain value: only its kind is known."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __eq__(self, other) -> bool:
        return type(other) is Unknown and other.kind == self.kind

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def plain(value, depth: int = 0):
    """`value` rebuilt from exact plain types: None, bool, int, float, str, bytes, list, tuple,
    dict, set, torch.Tensor (detached copy on the CPU), numpy.ndarray.

    Iterators and other sequences become lists, other mappings dicts. Any other object is returned
    as it is, unless it claims to equal everything (raises Wrong "always_equal").
    """
    if value is None or type(value) in (bool, int, float, str, bytes):
        return value
    if depth > 50:
        raise Wrong("return_type", expected="a value", got="a very deeply nested one")
    for kind in (bool, int, float, str):
        if isinstance(value, kind):  # a subclass: ask the base class, not the subclass
            return {int: int.__int__, float: float.__float__, str: str.__str__}[kind](value)
    if isinstance(value, bytes):
        return bytes.__getitem__(value, slice(None))
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in list.__iter__(value)]
    if isinstance(value, tuple):
        return tuple(plain(item, depth + 1) for item in tuple.__iter__(value))
    if isinstance(value, dict):
        pairs = dict.items(value)
        return {plain(key, depth + 1): plain(item, depth + 1) for key, item in pairs}
    if isinstance(value, set | frozenset):
        kind = set if isinstance(value, set) else frozenset
        return {plain(item, depth + 1) for item in kind.__iter__(value)}
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch and isinstance(value, torch.Tensor):
        with torch.no_grad():
            return torch.Tensor.detach(value).as_subclass(torch.Tensor).cpu().clone()
    if numpy and isinstance(value, numpy.ndarray):
        return numpy.array(value, subok=False)
    if numpy and isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {plain(key, depth + 1): plain(value[key], depth + 1) for key in value}
    if isinstance(value, range) or hasattr(type(value), "__next__"):
        return [plain(item, depth + 1) for item in itertools.islice(value, MANY)]
    if _equals_everything(value):
        raise Wrong("always_equal")
    return value


def kind_of(value) -> str:
    """The name a learner knows a value's type by, with a tensor's shape."""
    if type(value) is Unknown:
        return value.kind
    shape = getattr(value, "shape", None)
    name = type(value).__name__
    return f"{name} {tuple(shape)}" if isinstance(shape, tuple) else name


def short(value, limit: int = 80) -> str:
    """`repr`, cut to `limit` characters and one line; never raises."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 (a learner's repr may do anything)
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def shown_apart(got, expected) -> dict[str, str]:
    """Both values in words for {got} and {expected}; numbers with as many digits as tell them apart."""
    numbers = _number(got), _number(expected)
    if None not in numbers and numbers[0] != numbers[1]:
        for digits in (4, 7, 10, 17):
            words = [f"{number:.{digits}g}" for number in numbers]
            if words[0] != words[1]:
                break
        return dict(zip(("got", "expected"), words, strict=True))
    return {"got": short(got), "expected": short(expected)}


def _number(value):
    """A float, or a tensor that holds one number, as a float; None for anything else."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    return value if isinstance(value, float) else None


def described(args: tuple, kwargs: dict | None = None) -> str:
    """The arguments of a call on one short line: plain values as typed, of a tensor its shape."""
    words = [_argument(value) for value in args]
    words += [f"{name}={_argument(value)}" for name, value in (kwargs or {}).items()]
    text = ", ".join(words)
    return text if len(text) <= 90 else text[:87] + "..."


def _argument(value) -> str:
    """A short tensor is worth seeing; a long one, a model or a function is only named."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        typed = short(value) if math.prod(shape) <= 16 else ""
        return typed if 0 < len(typed) <= 40 else kind_of(value)
    as_typed = (bool, int, float, str, bytes, list, tuple, dict, set, type(None))
    return short(value, 60) if isinstance(value, as_typed) else kind_of(value)


def expect_type(
    got,
    expected: type | tuple[type, ...],
    key: str | None = None,
    where: str = "",
    outer: str = "list",
    **fmt,
):
    """`plain(got)` if it is of a type; else Wrong(`key`), by default "none" or "return_type".

    For an item inside of what an answer returned, `where` is the way to it, such as "[2]" or
    "['labels'][0]", and `outer` the type of the whole; the default is then "inside_type".
    """
    got = plain(got)
    kinds = expected if isinstance(expected, tuple) else (expected,)
    if isinstance(got, bool) and bool not in kinds and int in kinds or not isinstance(got, kinds):
        # Joined where the message is told (core/result.py): its language is not known here.
        facts = {"kinds": [kind.__name__ for kind in kinds], "got": kind_of(got)}
        default = "none" if got is None else "return_type"
        if where:
            facts |= {"got": _value_inside(got), "where": where, "outer": outer}
            default = "inside_type"
        raise Wrong(key or default, **{**facts, **fmt})
    return got


def expect_shape(got, shape: Sequence[int], key: str | None = None, **fmt):
    """`plain(got)` if it is a tensor or array of this shape; else Wrong(`key` or "shape")."""
    got = plain(got)
    if got is None or not hasattr(got, "shape"):
        default = "none" if got is None else "return_type"
        raise Wrong(key or default, **{"expected": "Tensor", "got": kind_of(got), **fmt})
    if tuple(got.shape) != tuple(shape):
        facts = {"expected": tuple(shape), "got": tuple(got.shape)}
        raise Wrong(key or "shape", **{**facts, **fmt})
    return got


def expect_close(got, want, tol: float = 1e-5, key: str | None = None, **fmt) -> None:
    """Equal, numbers within `tol` + `tol` x |want|; else Wrong(`key`), by default "none",
    "return_type", "shape" or "value".

    A list equals a tuple with the same items, and True equals 1; a tensor equals only a tensor, and
    whole numbers only their equals. A wrong type, None or shape inside a list, tuple or dict: "inside_type", "inside_shape".
    """
    got, want = plain(got), plain(want)
    found = _first_difference(got, want, tol)
    if found:
        problem, where, inner, wanted = found
        wrong_type = problem in ("none", "return_type")
        # With a key of its own the checker names the mistake; a wrong type is still said plainly.
        chosen = key if key and not wrong_type else problem
        facts = shown_apart(got, want)
        if wrong_type:
            facts = {"expected": kind_of(wanted), "got": kind_of(inner)}
        elif problem == "shape":
            facts = {"expected": tuple(wanted.shape), "got": tuple(inner.shape)}
        if where and problem != "value":  # "It returned list, where list is expected" helps nobody
            facts |= {"outer": type(got).__name__, "where": where}
            if wrong_type:
                facts |= {"expected": _kind_inside(wanted), "got": _value_inside(inner)}
            if chosen == problem:
                chosen = "inside_type" if wrong_type else "inside_shape"
        raise Wrong(chosen, **{**facts, **fmt})


def difference(got, want, tol: float = 0.0) -> str | None:
    """How two plain values differ: None, "none", "return_type", "shape" or "value"."""
    found = _first_difference(got, want, tol)
    return found[0] if found else None


def _first_difference(got, want, tol: float, where: str = "") -> tuple | None:
    """(problem, where, got, want) of the first difference: `where` is the way to it, such as
    "['labels'][2]" ("" for the whole value), and got and want are the two values there."""
    if isinstance(want, list | tuple) and isinstance(got, list | tuple) and len(got) == len(want):
        places = range(len(want))
    elif isinstance(want, dict) and isinstance(got, dict) and got.keys() == want.keys():
        places = want
    else:
        problem = _own_difference(got, want, tol)
        return (problem, where, got, want) if problem else None
    for place in places:
        way = f"{where}[{short(place, 40)}]"
        found = _first_difference(got[place], want[place], tol, way)
        if found:
            return found
    return None


def _own_difference(got, want, tol: float) -> str | None:
    """As `difference`, for what has no items to compare one by one."""
    if want is None or got is None:
        return None if got is want else "none" if got is None else "return_type"
    if hasattr(want, "shape"):
        return _array_difference(got, want, tol)
    if isinstance(want, numbers.Number):
        if not isinstance(got, numbers.Number):
            return "return_type"
        if isinstance(want, float) and math.isnan(want):
            return None if isinstance(got, float) and math.isnan(got) else "value"
        if isinstance(want, int) and isinstance(got, int):
            return None if got == want else "value"  # counts and bytes are exact, however large
        return None if got == want or abs(got - want) <= tol + tol * abs(want) else "value"
    if isinstance(want, list | tuple):  # another length
        return "value" if isinstance(got, list | tuple) else "return_type"
    if isinstance(want, dict):  # other keys
        return "value" if isinstance(got, dict) else "return_type"
    if type(got) is not type(want):
        return "return_type"
    return None if got == want else "value"


def _kind_inside(value) -> str:
    return "None" if value is None else kind_of(value)


def _value_inside(value) -> str:
    """An item as a learner can find it again: the value and its type, of a tensor its shape."""
    if value is None or hasattr(value, "shape"):
        return _kind_inside(value)
    return f"{short(value, 40)} ({kind_of(value)})"


def _array_difference(got, want, tol: float) -> str | None:
    if type(got) is not type(want):
        return "return_type"
    if got.shape != want.shape:
        return "shape"
    if "torch" in type(want).__module__:
        import torch

        got, want = got.to(torch.float64), want.to(torch.float64)
        same = torch.allclose(got, want, rtol=tol, atol=tol, equal_nan=True)
    else:
        import numpy

        same = numpy.allclose(got, want, rtol=tol, atol=tol, equal_nan=True)
    return None if same else "value"


def _equals_everything(value) -> bool:
    """Does it claim to equal two objects that it cannot know?"""
    try:
        return bool(value == object()) and bool(value == "no answer equals this sentence")
    except Exception:  # noqa: BLE001 (a learner's == may do anything)
        return False
