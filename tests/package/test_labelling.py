"""The labelling panel, clicked through its callbacks; the browser does it in tests/slow."""

import json
import sys

import pytest

from smolcourse.errors import CourseError
from smolcourse.topics.annotators import ask_crowd, winner
from smolcourse.topics.labelling import Labels, Panel, pair_key


def row(n: int) -> dict:
    return {
        "prompt": [{"role": "user", "content": f"Question {n}?"}],
        "chosen": [{"role": "assistant", "content": f"<b>good</b> {n}"}],
        "rejected": [{"role": "assistant", "content": f"bad {n}"}],
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "labels.jsonl"


@pytest.fixture
def panel(path, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("SMOLCOURSE_LANG", "en")
    made = Panel([row(n) for n in range(4)], path, seed=3)
    made.build()
    return made


def records(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_click_is_in_the_file_at_once(panel, path):
    for count, name in enumerate(("left", "right", "tie"), 1):
        panel.buttons[name].click()
        assert len(records(path)) == count
        assert records(path)[-1]["vote"] == name
    assert [vote["vote"] for vote in panel.votes()] == ["left", "right", "tie"]
    assert panel.bar.value == 3 and panel.count.value == "3 of 4 pairs"


def test_the_panel_shows_both_answers_in_the_order_that_it_records(panel, path):
    for at in range(4):
        shown = [box.value for box in panel.answers]
        good = next(i for i, html in enumerate(shown) if f"good&lt;/b&gt; {at}" in html)
        assert f"bad {at}" in shown[1 - good]
        panel.buttons["left" if good == 0 else "right"].click()
    assert [winner(vote) for vote in panel.votes()] == ["chosen"] * 4
    assert len({record["left"] for record in records(path)}) == 2, "the order is random"


def test_answers_are_shown_as_text_not_as_markup(panel):
    assert not any("<b>good" in box.value for box in panel.answers)


def test_an_undo_is_a_line_of_its_own_and_brings_the_pair_back(panel, path):
    panel.buttons["left"].click()
    panel.buttons["skip"].click()
    before = path.read_bytes()
    panel.buttons["undo"].click()
    assert path.read_bytes().startswith(before), "nothing is overwritten"
    assert records(path)[-1]["vote"] == "undo"
    assert panel.current() == 1 and len(panel.votes()) == 1
    panel.buttons["right"].click()
    assert [vote["vote"] for vote in panel.votes()] == ["left", "right"]
    for _ in range(3):  # more often than there are labels
        panel.buttons["undo"].click()
    assert panel.votes() == [] and panel.buttons["undo"].disabled


def test_a_panel_goes_on_where_it_was_left(panel, path):
    panel.buttons["left"].click()
    again = Panel([row(n) for n in range(4)], path, seed=3)
    again.build()
    assert again.current() == 1 and again.lefts == panel.lefts
    turned = Panel([row(n) for n in (3, 0, 1)], path)  # labels belong to texts, not to places
    assert [vote["pair"] for vote in turned.votes()] == [1]


def test_two_open_panels_never_label_a_pair_twice(panel, path):
    other = Panel([row(n) for n in range(4)], path, seed=3)
    other.build()
    panel.buttons["left"].click()
    other.buttons["right"].click()  # shows the pair that was just labelled in the first one
    assert [vote["vote"] for vote in panel.votes()] == ["left"]
    assert other.current() == 1


def test_annotators_share_a_file_and_not_their_labels(panel, path):
    panel.buttons["left"].click()
    guest = Panel([row(n) for n in range(4)], path, annotator="guest")
    guest.build()
    assert guest.current() == 0
    guest.buttons["tie"].click()
    assert [v["annotator"] for v in panel.votes() + guest.votes()] == ["you", "guest"]


def test_the_last_pair_ends_with_thanks(panel):
    for _ in range(4):
        panel.buttons["tie"].click()
    assert panel.current() is None and "Thank you" in panel.note.value
    assert panel.buttons["left"].disabled and not panel.buttons["undo"].disabled
    panel.buttons["left"].click()  # a late click changes nothing
    assert len(panel.votes()) == 4
    panel.buttons["undo"].click()
    assert panel.current() == 3 and not panel.buttons["left"].disabled


def test_the_panel_speaks_chinese(path, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("SMOLCOURSE_LANG", "zh-CN")
    panel = Panel([row(0)], path)
    panel.build()
    texts = [button.description for button in panel.buttons.values()]
    assert texts == ["A 更好", "一样好", "B 更好", "跳过", "撤销"]
    assert "你更喜欢" in panel.prompt.value


def test_without_clicks_there_are_no_votes_and_nothing_is_written(path):
    panel = Panel([row(0)], path)
    assert panel.votes() == [] and panel.current() == 0
    panel.show()  # outside a notebook: prints a line, needs no browser
    assert not path.exists()


def test_votes_have_the_form_of_the_crowds(panel):
    panel.buttons["left"].click()
    assert panel.votes()[0].keys() == ask_crowd([row(0)])[0].keys()


def test_a_line_that_was_cut_off_is_passed_over_and_not_lost(path):
    labels = Labels(path)
    assert labels.add("aa", "chosen", "left")
    with path.open("a", encoding="utf-8") as file:
        file.write('{"annotator": "you", "key": "bb", "vo')
    assert list(labels.state) == ["aa"]
    assert labels.add("cc", "rejected", "tie")
    assert list(labels.state) == ["aa", "cc"]
    assert '"vo\n' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", ['{"key": "a"}', '{"key": 3, "vote": "undo"}', '["vote"] }',
                                  '{"key": "a", "vote": "left", "left": "up"}'])  # fmt: skip
def test_a_line_that_is_no_label_is_named(path, line):
    labels = Labels(path)
    labels.add("aa", "chosen", "left")
    path.write_text(f"{path.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    with pytest.raises(CourseError, match="Line 2 of labels.jsonl is not a label"):
        _ = labels.state


def test_a_full_disk_is_said_in_the_panel_and_the_pair_stays(panel, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(panel.store, "_append", full)
    panel.buttons["left"].click()
    assert "not saved" in panel.note.value and "No space left" in panel.note.value
    monkeypatch.undo()
    assert panel.votes() == [] and panel.current() == 0


def test_bad_input_is_answered_with_one_sentence(path, monkeypatch):
    with pytest.raises(CourseError, match="nothing to label"):
        Panel([], path)
    with pytest.raises(CourseError, match="Row 0 to label has no 'rejected'"):
        Panel([{"prompt": "a", "chosen": "b"}], path)
    with pytest.raises(CourseError, match="A vote is one of"):
        Labels(path).add("aa", "chosen", "up")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(CourseError, match="pip install ipywidgets"):
        Panel([row(0)], path).show()


def test_a_pairs_key_is_its_texts():
    assert pair_key(row(1)) == pair_key(dict(row(1))) != pair_key(row(2))
    swapped = {**row(1), "chosen": row(1)["rejected"], "rejected": row(1)["chosen"]}
    assert pair_key(swapped) != pair_key(row(1))
