"""How a kernel learns its notebook's language and kind."""

import sys
from types import SimpleNamespace

import pytest

from smolcourse.language import current_language
from smolcourse.notebook import notebook_kind, notebook_path


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch, tmp_path):
    for name in ("SMOLCOURSE_LANG", "SMOLCOURSE_NOTEBOOK", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    shell(monkeypatch, None)


def shell(monkeypatch, value):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: value))


def test_english_when_nothing_is_known():
    assert current_language() == "en" and notebook_kind() is None and notebook_path() is None


@pytest.mark.parametrize(
    ("value", "lang"), [("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("ZH_cn", "zh-CN"), ("en", "en")]
)
def test_the_environment_decides(monkeypatch, value, lang):
    monkeypatch.setenv("JPY_SESSION_NAME", "1_a/notebooks/zh-CN/x_exercise.ipynb")
    monkeypatch.setenv("SMOLCOURSE_LANG", value)
    assert current_language() == lang


@pytest.mark.parametrize("name", ["SMOLCOURSE_NOTEBOOK", "JPY_SESSION_NAME"])
def test_the_notebook_path_of_build_jupyter_and_the_tests(monkeypatch, name):
    monkeypatch.setenv(name, "1_a/notebooks/zh-CN/x_solution.ipynb")
    assert current_language() == "zh-CN" and notebook_kind() == "solution"


def test_a_percent_encoded_path(monkeypatch):
    path = "fileId=https%3A//github.com/a/blob/main/1_a%2Fnotebooks%2Fzh-CN%2Fx_exercise.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", path)
    assert current_language() == "zh-CN" and notebook_kind() == "exercise"


def test_the_path_that_vs_code_gives(monkeypatch):
    place = {"__vsc_ipynb_file__": "C:\\course\\notebooks\\zh-CN\\x_exercise.ipynb"}
    shell(monkeypatch, SimpleNamespace(user_ns=place))
    assert current_language() == "zh-CN" and notebook_kind() == "exercise"


def test_the_working_folder(monkeypatch, tmp_path):
    folder = tmp_path / "zh-CN"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert current_language() == "zh-CN"


def test_the_running_cell_of_a_copied_notebook(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "my copy.ipynb")
    parent = {"metadata": {"cellId": "zh-sft-mask-check"}}
    shell(monkeypatch, SimpleNamespace(user_ns={}, get_parent=lambda: parent))
    assert current_language() == "zh-CN"
    parent["metadata"] = {"cellId": "sft-mask-check"}
    assert current_language() == "en"
