"""Plain values as JSON and back, for the pipe between the judge and a process that is not trusted.

Only what `rebuilt` can give: None, bool, int, float (nan and inf too), str, bytes, list, tuple,
dict, set, tensors and arrays (numbers only, no pickle), `Seen`, `Unknown`. What comes in is rebuilt
from exact types; anything else in it raises ValueError.
"""

import base64
import json
import math

from smolcourse.checks.core.compare import Unknown
from smolcourse.checks.core.observe import Observed, Seen

LIMIT = 32 * 2**20  # bytes of one message
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8")


def dumps(value) -> bytes:
    """One line of JSON, newline included. Raises ValueError for what is not plain or too large."""
    line = json.dumps(_encoded(value), allow_nan=False, separators=(",", ":")).encode() + b"\n"
    if len(line) > LIMIT:
        raise ValueError(f"a value of {len(line)} bytes is too large for the pipe")
    return line


def loads(line: bytes):
    """The value of one line. Raises ValueError for anything that `dumps` would not write."""
    if len(line) > LIMIT:
        raise ValueError("a line is too long")
    try:
        return _decoded(json.loads(line))
    except (RecursionError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"this is no value: {error}") from error


def pack(seen: list[Observed]) -> bytes:
    """What was seen, as one line."""
    return dumps([(one.value, one.failure, one.facts or {}, str(one.call)) for one in seen])


def unpack(line: bytes) -> list[Observed]:
    """The reverse; `failure` and `call` are strings and `facts` a dict whatever the child says."""
    found = []
    for value, failure, facts, call in loads(line):
        if not isinstance(failure, str) or not isinstance(call, str) or type(facts) is not dict:
            raise ValueError("an observation has another form")
        found.append(Observed(value, failure, facts, call))
    return found


def _encoded(value):
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return value if abs(value) < 2**53 else {"int": str(value)}
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if type(value) is Unknown:
        return {"unknown": value.kind}
    if type(value) in (list, tuple, set):
        return {type(value).__name__: [_encoded(item) for item in value]}
    if type(value) in (dict, Seen):
        pairs = [[_encoded(key), _encoded(item)] for key, item in value.items()]
        return {"seen" if type(value) is Seen else "dict": pairs}
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _encoded_array(value)
    raise ValueError(f"{type(value).__name__} is not plain")


def _encoded_array(value):
    kind = "tensor" if type(value).__name__ == "Tensor" else "array"
    dtype = str(value.dtype).removeprefix("torch.")
    if kind == "tensor":
        import torch

        raw = value.contiguous().flatten().view(torch.uint8) if value.numel() else value
        raw = raw.numpy().tobytes() if value.numel() else b""
    else:
        raw = value.tobytes()
    return {kind: [dtype, list(value.shape), base64.b64encode(raw).decode()]}


def _decoded(value):
    if value is None or type(value) in (bool, str, int, float):
        return value
    if type(value) is not dict or len(value) != 1:
        raise ValueError("not a value of the pipe")
    ((kind, inner),) = value.items()
    if kind in ("list", "tuple", "set"):
        return {"list": list, "tuple": tuple, "set": set}[kind](_decoded(item) for item in inner)
    if kind in ("dict", "seen"):
        pairs = {_decoded(key): _decoded(item) for key, item in inner}
        return Seen(pairs) if kind == "seen" else pairs
    if kind == "int":
        if len(inner) > 4000:
            raise ValueError("a number is too long")
        return int(inner)
    if kind == "float":
        return float(inner)
    if kind == "bytes":
        return base64.b64decode(inner, validate=True)
    if kind == "unknown":
        return Unknown(str(inner)[:80])
    if kind in ("tensor", "array"):
        return _decoded_array(kind, *inner)
    raise ValueError(f"{kind!r} is not plain")


def _decoded_array(kind: str, dtype: str, shape: list, text: str):
    if dtype not in (*DTYPES, "bool") or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("an array has another form")
    raw = bytearray(base64.b64decode(text, validate=True))
    if kind == "array":
        import numpy

        return numpy.frombuffer(raw, dtype=dtype).reshape(shape)
    import torch

    flat = torch.frombuffer(raw, dtype=getattr(torch, dtype)) if raw else torch.empty(0)
    return flat.to(getattr(torch, dtype)).reshape(shape)
