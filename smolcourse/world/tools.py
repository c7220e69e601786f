"""Tool use: four small tools, questions that need them, and what they return.

The tools are real Python functions (the agents of module 8 call them); ``tool_item`` makes a
question, the right call, the tool's result, and the final answer.

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from smolcourse.world.splits import is_heldout, stable_hash
from smolcourse.world.words import ANIMALS, FOODS, NAMES, PLACES, THINGS


def calculator(expression: str) -> str:
    """Work out a sum.

    Args:
        expression: Two numbers with + - or * between them.
    """
    left, operator, right = expression.split()
    a, b = int(left), int(right)
    return str({"+": a + b, "-": a - b, "*": a * b}[operator])


def convert(value: int, from_unit: str, to_unit: str) -> str:
    """Change units.

    Args:
        value: How many.
        from_unit: The unit it is in.
        to_unit: The unit that is wanted.
    """
    return str(value * _UNITS[(from_unit, to_unit)])


def lookup(name: str, field: str) -> str:
    """Find a person's data.

    Args:
        name: The person's name.
        field: What to find: phone, age or city.
    """
    number = stable_hash("lookup", name, field)
    if field == "phone":
        return str(100 + number % 900)
    if field == "age":
        return str(5 + number % 80)
    return ("Paris", "Rome", "Oslo", "Lima", "Cairo", "Tokyo")[number % 6]


def search(query: str) -> str:
    """Search the library.

    Args:
        query: What to look for.
    """
    return f"page {1 + stable_hash('search', query) % 99}"


_UNITS = {
    ("meters", "centimeters"): 100,
    ("kilometers", "meters"): 1000,
    ("hours", "minutes"): 60,
    ("minutes", "seconds"): 60,
    ("days", "hours"): 24,
    ("weeks", "days"): 7,
    ("kilograms", "grams"): 1000,
    ("years", "months"): 12,
}
TOOLS = {f.__name__: f for f in (calculator, convert, lookup, search)}


@dataclass(frozen=True)
class ToolItem:
    """A question, the call that it needs, the tool's result, and the answer made from it."""

    question: str
    name: str
    arguments: dict
    result: str
    answer: str
    heldout: bool


def tool_schemas(names: list[str]) -> list[dict]:
    """The tools' JSON schemas as transformers makes them from signature and docstring."""
    return [_schema(name) for name in names]


def _schema(name: str) -> dict:
    # Written out instead of transformers.utils.get_json_schema: the world imports no heavy library.
    # A test asserts that both are equal.
    import inspect

    tool = TOOLS[name]
    doc = inspect.getdoc(tool) or ""
    about, _, arguments = doc.partition("\n\nArgs:\n")
    described = dict(line.strip().split(": ", 1) for line in arguments.splitlines() if line.strip())
    kinds = {"int": "integer", "str": "string"}
    properties = {
        key: {"type": kinds[str(kind)], "description": described[key]}
        for key, kind in inspect.get_annotations(tool).items()
        if key != "return"
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": about,
            "parameters": parameters,
            "return": {"type": "string"},
        },
    }


def tool_item(
    rng: random.Random, name: str | None = None, *, heldout: bool | None = None
) -> ToolItem:
    """One tool question (of the wanted tool and split if named)."""
    while True:
        item = _MAKERS[name or rng.choice(list(_MAKERS))](rng)
        if heldout and _asked_without_tool(item):
            continue
        if heldout is None or item.heldout == heldout:
            return item


def _asked_without_tool(item: ToolItem) -> bool:
    """May training ask the same words without a tool, as a small sum or as an unknown thing?"""
    if item.name == "calculator":
        left, operator, right = item.arguments["expression"].split()
        return operator != "*" and max(int(left), int(right)) <= 20
    return item.question.startswith(("How old is", "What is the phone number of"))


def _item(question: str, name: str, arguments: dict, answer: str = "{}") -> ToolItem:
    result = TOOLS[name](**arguments)
    held = is_heldout("tool", name, *arguments.values())
    return ToolItem(question, name, arguments, result, answer.format(result), held)


def _calculator(rng: random.Random) -> ToolItem:
    sign, words = rng.choice([("+", "plus"), ("-", "minus"), ("*", "times")])
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    if sign == "-":
        a, b = max(a, b), min(a, b)
    question = rng.choice(
        [f"What is {a} {words} {b}?", f"What is {a} {sign} {b}?", f"Work out {a} {sign} {b}."]
    )
    return _item(question, "calculator", {"expression": f"{a} {sign} {b}"})


def _convert(rng: random.Random) -> ToolItem:
    source, target = rng.choice(list(_UNITS))
    n = rng.randint(2, 50)
    question = rng.choice(
        [f"How many {target} are {n} {source}?", f"Change {n} {source} to {target}."]
    )
    return _item(
        question, "convert", {"value": n, "from_unit": source, "to_unit": target}, f"{{}} {target}"
    )


def _lookup(rng: random.Random) -> ToolItem:
    name, field = rng.choice(NAMES), rng.choice(["phone", "age", "city"])
    asked = {
        "phone": ["What is the phone number of {}?", "Find the phone number of {}."],
        "age": ["How old is {}?", "What is the age of {}?"],
        "city": ["In which city does {} live?", "What is the city of {}?"],
    }[field]
    return _item(rng.choice(asked).format(name), "lookup", {"name": name, "field": field})


def _search(rng: random.Random) -> ToolItem:
    topic = rng.choice([*ANIMALS, *FOODS, *THINGS]) + rng.choice(
        ["", f" in the {rng.choice(PLACES)}"]
    )
    asked = ["Search for {}.", "Look for {} in the library.", "Where can I read about {}?"]
    return _item(rng.choice(asked).format(topic), "search", {"query": topic})


_MAKERS = {"calculator": _calculator, "convert": _convert, "lookup": _lookup, "search": _search}
