"""`tr`: what the package says, in the reader's language."""

import pytest

from smolcourse import translate
from smolcourse.translate import tr


@pytest.fixture
def chinese(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    monkeypatch.setattr(translate, "topic_now", "")


def test_english_is_the_key_and_the_default(monkeypatch):
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    assert tr("{name} (held out)", name="loss") == "loss (held out)"
    assert tr("a brace { stays where there is nothing to fill in") != ""


def test_chinese_with_facts_filled_in(chinese):
    assert tr("setting") == "设置"
    assert (
        tr("{kept} of {all} tokens carry loss", kept=3, all=9) == "9 个 token 中有 3 个参与计算损失"
    )


def test_a_text_without_a_translation_stays_english(chinese):
    assert tr("nobody translated {n}", n=2) == "nobody translated 2"


def test_the_words_of_a_topic_are_known_once_it_is_spoken_of(chinese, monkeypatch):
    monkeypatch.setattr(
        translate.words, "of", lambda topic: {"words": {"reward": "奖励"} if topic == "t" else {}}
    )
    translate.chinese_words.cache_clear()
    try:
        assert tr("reward") == "reward"
        translate.speak_of("t")
        assert tr("reward") == "奖励" and tr("setting") == "设置"
    finally:
        translate.chinese_words.cache_clear()


def test_setup_speaks_of_its_topic(chinese, capsys):
    from smolcourse import setup

    setup("2_preference_alignment/dpo")
    assert translate.topic_now == "dpo"


def test_a_claims_truth_is_a_word(chinese, monkeypatch):
    import numpy

    assert tr("{a} {b} {c}", a=True, b=numpy.bool_(False), c=1) == "是 否 1"
    assert translate.shown(True) == "是" and translate.shown(0.123456) == "0.1235"
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    assert tr("over half are right: {holds}", holds=True).endswith("yes")
    assert translate.shown(numpy.bool_(False)) == "no"
