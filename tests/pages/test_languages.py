"""Everything of ours that a reader sees has a Chinese translation, found by its English text."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from smolcourse import errors, language, translate
from smolcourse.commands import app, speech

PACKAGE = Path(translate.__file__).parent
# name of a function -> which of its arguments is the text
SAID = {"tr": 0, "say": 0, "CourseError": 0, "one_of": 0, "tell": 1, "_say": 1}
ROOMS = ("reference", "authoring", "recipes")  # an author's tools speak English


def catalogue() -> dict[str, str]:
    known = {}
    for path in sorted(translate.PACKAGE.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assert not set(table) & set(known), path
        known |= table
    return known


def sentences() -> dict[str, str]:
    """{English text: file} of every literal that is said."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(ROOMS):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            at = SAID.get(called)
            if at is None or len(node.args) <= at:
                continue
            if isinstance(node.args[at], ast.JoinedStr):
                pytest.fail(f"{name}:{node.lineno}: an f-string can't be looked up")
            if isinstance(node.args[at], ast.Constant) and node.args[at].value:
                found.setdefault(node.args[at].value, name)
    tables = [*speech.TITLES.values(), *(english for _, english in speech.COMPLAINTS)]
    return found | dict.fromkeys(tables, "commands/speech.py")


def helps(command) -> list[str]:
    """What `--help` says of a command, its options and the commands in it."""
    texts = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    texts += [command.epilog, getattr(command, "rich_help_panel", None)]
    texts += [getattr(option, "help", None) for option in command.params]
    for inner in getattr(command, "commands", {}).values():
        texts += helps(inner)
    return [text for text in texts if text]


def test_every_sentence_of_the_package_is_translated():
    known = catalogue()
    assert {text: file for text, file in sentences().items() if text not in known} == {}


def test_the_help_is_translated():
    import typer

    known = catalogue()
    assert [text for text in helps(typer.main.get_command(app.app)) if text not in known] == []


def test_both_languages_fill_in_the_same_names():
    wrong = []
    for english, chinese in catalogue().items():
        names = [set(re.findall(r"(?<!{){(\w+)", text)) for text in (english, chinese)]
        if names[0] != names[1] or not chinese.strip():
            wrong.append(english)
    assert wrong == []


def test_an_error_is_in_the_readers_language(monkeypatch):
    error = errors.CourseError("There is no notebook {path}; check the path.", path="a.ipynb")
    for lang, words in (("en", "There is no notebook a.ipynb"), ("zh-CN", "没有 notebook a.ipynb")):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        assert str(error).startswith(words)


def test_an_untranslated_text_stays_english(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    assert translate.tr("Nobody translated {this}.", this="it") == "Nobody translated it."


@pytest.mark.parametrize(
    ("variables", "lang"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANGUAGE": "zh_TW:en"}, "zh-CN"),
        ({"LANG": "C"}, "en"),
    ],
)
def test_the_command_line_follows_the_locale(monkeypatch, variables, lang):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.of_locale() == lang


# What typer says by itself, and what our help says in English.
ENGLISH = re.compile(
    r"Usage|Options|Commands|Arguments|Show this|default:|required|Try |(?:[a-z]{2,} ){2}"
)
COMMANDS = [[], ["lab"], ["doctor"], ["check"], ["update"], ["chat"], ["pretrain"], ["build"]]


@pytest.mark.parametrize("command", [*COMMANDS, ["benchmark"]], ids=str)
def test_the_command_line_speaks_chinese(run_cli, monkeypatch, command):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    _, out, _ = run_cli(*command, "--help")
    ours = inspect.cleandoc(out)
    assert len(re.findall("[\u4e00-\u9fff]", ours)) > 20
    typed = re.sub(
        r"(示例|用法)：[^│\n]*|<[^>]*>|SMOLCOURSE_\w+=\S+|smolcourse \w+", "", ours
    )  # examples stay
    assert ENGLISH.findall(typed) == []


@pytest.mark.parametrize(
    ("typed", "english", "chinese"),
    [
        (["chekc"], "did you mean 'check'?", "是不是想输入 'check'？"),
        (["xyzzy"], "There is no command 'xyzzy'.", "没有命令 'xyzzy'。"),
        (
            ["lab", "--prot", "1"],
            "There is no option --prot; did you mean --port?",
            "没有选项 --prot",
        ),
        (["lab", "--xyzzy"], "There is no option --xyzzy.", "没有选项 --xyzzy。"),
        (["lab", "--port", "x"], "The value of --port must be a whole number.", "必须是整数"),
        (["lab", "--port", "0"], "The value of --port is out of range", "超出范围"),
        (["lab", "--port"], "The option --port needs a value.", "需要一个值"),
        (["doctor", "--json=1"], "The option --json takes no value.", "不接受值"),
        (["doctor", "now"], "Leave out: now.", "请去掉：now"),
        (["check"], "Name the notebook.", "请给出 notebook。"),
    ],
)
def test_a_mistyped_command_hears_one_sentence(run_cli, monkeypatch, typed, english, chinese):
    for lang, words in (("en", english), ("zh-CN", chinese)):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        status, out, said = run_cli(*typed)
        assert status == 2 and out == "" and words in said
        assert not ENGLISH.search(said.splitlines()[-1]) or lang == "en"


def test_what_no_pattern_knows_stays_as_typer_says_it():
    assert speech.sentence("Something  new\nhappened.") == "Something new happened."
