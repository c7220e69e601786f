"""Chats as other people write them, put into the one form that chat templates read.

Datasets and SDKs write one chat in many ways: content as a list of parts, a tool call's arguments as
JSON text, fields that are null because another row of the table has them. A template reads one of
them; of the others it makes Python text (`[{'type': 'text', ...}]`) that a model is then trained on,
or an error deep inside. Every tokenizer of `models.load_tokenizer` puts chats in order first.

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
import inspect
import json
from collections.abc import Iterable, Mapping
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from smolcourse.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEXT_PARTS = (None, "text", "input_text", "output_text")  # the last two: OpenAI's Responses


def in_order(conversation) -> list:
    """A conversation, or a batch of them, as new lists of messages that a chat template can read.

    - Content that is a list of parts becomes their texts, one after the other.
    - Arguments of a tool call that are null are left out, at any depth: a table (Arrow) has one
      column for each argument of any call, and fills in null where a call has no such argument.
      Arguments as JSON text stay as they are.
    - A call of a tool without arguments has `{}`.

    What is given is not changed. Raises `CourseError`, one sentence that names the message and its
    role, for anything else: no role, no content, content or a part that is no text, a call without
    a name, arguments that are no JSON object.
    """
    if isinstance(conversation, (str, Mapping)) or not isinstance(conversation, Iterable):
        raise CourseError(
            "A conversation is a list of messages, not {kind}; put a single message in a list.",
            kind=type(conversation).__name__,
        )
    conversation = list(conversation)
    if not conversation:
        raise CourseError("A conversation needs at least one message, and this one is empty.")
    if isinstance(conversation[0], (list, tuple)):
        return [in_order(chat) for chat in conversation]
    return [_message(message, at) for at, message in enumerate(conversation)]


def text_of_content(content, at: int, role: str) -> str:
    """The text of a message's content: a string as it is, parts joined, "" for None.

    `at` and `role` say in the error which message it is. Raises `CourseError` for content or parts
    that are no text.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, (list, tuple)):
        raise CourseError(
            "messages[{at}] (role '{role}') has content of type {kind}; give a text, or a list of parts like {{'type': 'text', 'text': '...'}}.",
            at=at,
            role=role,
            kind=type(content).__name__,
        )
    return "".join(_part(part, at, role) for part in content)


def tools_in_order(tools) -> list[dict] | None:
    """Tools as JSON schemas, each with a description and parameters, be they empty.

    `tools`: functions with a docstring, or dicts with at least a name, alone or under "function";
    the whole list may be JSON text. Raises `CourseError` naming the tool for anything else.
    """
    if isinstance(tools, str):
        with contextlib.suppress(ValueError):  # what is no JSON is named below by its type
            tools = json.loads(tools)
    if tools is None:
        return None
    if not isinstance(tools, (list, tuple)):
        raise CourseError(
            "tools is a list of functions, or of dicts with a name, not {kind}.",
            kind=type(tools).__name__,
        )
    return [_tool(tool, at) for at, tool in enumerate(tools)]


def put_in_order_first(tokenizer: PreTrainedTokenizerBase) -> None:
    """Let `tokenizer.apply_chat_template` put its chats and tools in order, for trainers as well.

    The tokenizer gets a subclass of its class, under the same name: it is saved, copied and hashed
    as before.
    """
    if not isinstance(type(tokenizer), _Orderly):
        tokenizer.__class__ = _orderly(type(tokenizer))


# ---------------------------------------------------------------- messages


def _message(message, at: int) -> dict:
    plain = _plain(message)
    if plain is None:
        raise CourseError(
            "messages[{at}] is of type {kind}; a message is a dict with 'role' and 'content'.",
            at=at,
            kind=type(message).__name__,
        )
    role = plain.get("role")
    if not isinstance(role, str) or not role:
        raise CourseError(
            "messages[{at}] has no role; give it one, for instance 'user' or 'assistant'.", at=at
        )
    if "content" in plain:
        plain["content"] = text_of_content(plain["content"], at, role)
    calls = plain.pop("tool_calls", None)
    if calls:
        if not isinstance(calls, (list, tuple)):
            raise CourseError(
                "messages[{at}] (role '{role}') has tool calls of type {kind}; give a list of them.",
                at=at,
                role=role,
                kind=type(calls).__name__,
            )
        plain["tool_calls"] = [_call(call, at, role) for call in calls]
    elif "content" not in plain:
        if role != "system":
            raise CourseError(
                "messages[{at}] (role '{role}') has no content; give it a text, or leave the message out.",
                at=at,
                role=role,
            )
        plain["content"] = ""
    return plain


def _part(part, at: int, role: str) -> str:
    if isinstance(part, str):
        return part
    plain = _plain(part) or {}
    kind, text = plain.get("type"), plain.get("text")
    if kind not in TEXT_PARTS or not isinstance(text, str):
        raise CourseError(
            "messages[{at}] (role '{role}') has a part of type {kind}, and this model reads text alone; keep the parts that are text.",
            at=at,
            role=role,
            kind=repr(kind) if kind else type(part).__name__,
        )
    return text


def _call(call, at: int, role: str) -> dict:
    call = _plain(call) or {}
    inner = _plain(call["function"]) if "function" in call else call
    if not inner or not isinstance(inner.get("name"), str):
        raise CourseError(
            "messages[{at}] (role '{role}') has a tool call without a name; a call is {{'name': '...', 'arguments': {{...}}}}.",
            at=at,
            role=role,
        )
    try:
        inner["arguments"] = _arguments(inner.get("arguments"))
    except (TypeError, ValueError) as error:
        raise CourseError(
            "messages[{at}] (role '{role}') calls '{name}' with arguments that are no JSON object ({arguments}); give a dict, or its JSON text.",
            at=at,
            role=role,
            name=inner["name"],
            arguments=str(inner["arguments"])[:60],
        ) from error
    return {**call, "function": inner} if "function" in call else inner


def _arguments(given) -> dict | str:
    """Arguments without nulls, or their JSON text; TypeError or ValueError if they are no object."""
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        read = json.loads(given)
        if read is not None and not isinstance(read, dict):
            raise TypeError
        return given if read is not None else {}
    if not isinstance(given, Mapping):
        raise TypeError
    given = _without_nulls(given)
    json.dumps(given)  # a template could not write a date, for instance
    return given


# ---------------------------------------------------------------- tools


def _tool(tool, at: int) -> dict:
    if inspect.isfunction(tool) or inspect.ismethod(tool):
        return _described(tool, at)
    plain = _without_nulls(_plain(tool) or {})
    inner = _plain(plain.get("function", plain)) or {}
    if not isinstance(inner.get("name"), str):
        raise CourseError(
            "tools[{at}] has no name; a tool is a function with a docstring, or a dict like {{'name': '...', 'parameters': {{...}}}}.",
            at=at,
        )
    # What is there keeps its place: templates write tools as JSON, in the order of their keys.
    inner.setdefault("description", "")
    inner.setdefault("parameters", {"type": "object"})
    parameters = _plain(inner["parameters"]) or {}
    parameters.setdefault("properties", {})
    schema = isinstance(inner["parameters"], Mapping) and isinstance(
        parameters["properties"], Mapping
    )
    if not schema or not isinstance(inner["description"], str):
        raise CourseError(
            "tools[{at}] ('{name}') can't be read: its description is a text, and its parameters are a JSON schema with 'properties'.",
            at=at,
            name=inner["name"],
        )
    inner["parameters"] = parameters
    return {**plain, "function": inner} if "function" in plain else inner


def _described(function, at: int) -> dict:
    """The JSON schema of a function, from its docstring and types."""
    from transformers.utils import get_json_schema

    try:
        return get_json_schema(function)
    except Exception as error:  # several classes, all about the docstring or the types
        raise CourseError(
            "tools[{at}] ('{name}') can't be described: give it a docstring with a line for each argument, and types ({error}).",
            at=at,
            name=function.__name__,
            error=(str(error).splitlines() or [type(error).__name__])[0].rstrip("."),
        ) from error


# ---------------------------------------------------------------- both


def _plain(value) -> dict[str, Any] | None:
    """A new dict of a mapping's, dataclass's or pydantic object's fields that are not null."""
    if callable(getattr(value, "model_dump", None)):
        value = value.model_dump()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if not isinstance(value, Mapping):
        return None
    return {key: item for key, item in value.items() if item is not None}


def _without_nulls(value: Any) -> Any:
    """The same without fields that are null, at any depth; a null in a list is a value and stays."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value]
    return value


# ---------------------------------------------------------------- the tokenizer


class _Orderly(type):
    """The type of classes that `_orderly` makes; by it they are told and pickled."""


@cache
def _orderly(kind: type) -> type:
    @wraps(kind.apply_chat_template)
    def apply_chat_template(self, conversation, tools=None, *args, **options):
        chats, tools = in_order(conversation), tools_in_order(tools)
        return kind.apply_chat_template(self, chats, tools, *args, **options)

    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return _Orderly(kind.__name__, (kind,), {**names, "apply_chat_template": apply_chat_template})


# They are found in no module under their name, so pickle makes them anew from the class below.
copyreg.pickle(_Orderly, lambda made: (_orderly, (made.__base__,)))
