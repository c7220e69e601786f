"""The simulated crowd: seeded, biased as told, and honest about what it does not know."""

import pytest

from smolcourse.errors import CourseError
from smolcourse.topics.annotators import (
    CROWD,
    HURRIED_CROWD,
    Annotator,
    ask_crowd,
    label,
    share_right,
    winner,
    words,
)


def answer(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def pairs(n: int, chosen: str = "six words stand in this answer", rejected: str = "one") -> list:
    return [
        {"prompt": answer(f"q{i}"), "chosen": answer(chosen), "rejected": answer(rejected)}
        for i in range(n)
    ]


def right(person: Annotator, rows, **options) -> float:
    votes = ask_crowd(rows, [person], **options)
    return share_right({vote["pair"]: winner(vote) for vote in votes})


def test_votes_are_seeded_and_do_not_depend_on_who_else_is_asked():
    rows = pairs(40)
    assert ask_crowd(rows, seed=1) == ask_crowd(rows, seed=1) != ask_crowd(rows, seed=2)
    alone = ask_crowd(rows, CROWD[1:2], seed=1)
    assert alone == [v for v in ask_crowd(rows, seed=1) if v["annotator"] == CROWD[1].name]


def test_care_and_haste_decide_how_often_a_vote_is_right():
    rows = pairs(600)
    assert right(Annotator("x", care=3.0), rows) == pytest.approx(1 / (1 + 2.718**-3), abs=0.03)
    assert right(Annotator("x", care=0.0), rows) == pytest.approx(0.5, abs=0.06)
    assert right(Annotator("x", care=9.0, haste=1.0), rows) == pytest.approx(0.5, abs=0.06)
    assert right(Annotator("x", care=9.0), rows) > 0.99


def test_a_taste_for_length_turns_a_pair_round():
    rows = pairs(300, chosen="short", rejected="a long answer " * 10)
    assert right(Annotator("x", care=2.0), rows) > 0.8
    assert right(Annotator("x", care=2.0, length=3.0), rows) < 0.05


def test_the_left_side_helps_only_where_the_order_is_not_random():
    rows, dan = pairs(600), Annotator("x", care=1.0, position=2.0)
    assert right(dan, rows, randomise=False) > 0.9
    assert right(dan, rows) < 0.7
    votes = ask_crowd(rows, [dan])
    assert {vote["left"] for vote in votes} == {"chosen", "rejected"}
    assert {vote["left"] for vote in ask_crowd(rows, [dan], randomise=False)} == {"chosen"}


def test_the_undecided_say_so():
    even = Annotator("x", care=1.0, length=-2.0, indifference=0.5)  # five words are worth one care
    rows = pairs(50, chosen="a b c d e f", rejected="g")
    assert {vote["vote"] for vote in ask_crowd(rows, [even])} == {"tie"}


def test_the_crowds_of_the_lesson_have_the_faults_that_it_tells_of():
    names = [person.name for person in (*CROWD, *HURRIED_CROWD)]
    assert len(set(names)) == len(names) == 8
    assert [p.name for p in CROWD if p.position] == ["Dan"]
    assert [p.name for p in CROWD if p.length] == ["Eve"]
    assert all(person.length > person.care for person in HURRIED_CROWD)


def test_labels_turn_a_pair_where_the_crowd_says_so():
    from datasets import Dataset

    data = Dataset.from_list(pairs(4))
    labelled = label(data, {0: "chosen", 1: "rejected", 2: None, 99: "chosen"})
    assert len(labelled) == 2
    assert labelled[0]["chosen"] == data[0]["chosen"]
    assert (labelled[1]["chosen"], labelled[1]["rejected"]) == (
        data[1]["rejected"],
        data[1]["chosen"],
    )
    assert labelled[1]["prompt"] == data[1]["prompt"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Annotator("x", haste=1.5), "from 0 to 1"),
        (lambda: ask_crowd(pairs(1), []), "at least one annotator"),
        (lambda: ask_crowd(pairs(1), [CROWD[0], CROWD[0]]), "name of its own"),
        (lambda: winner({"left": "chosen", "vote": "up"}), "vote = left, right"),
        (lambda: winner({"vote": "left"}), "left = chosen"),
        (lambda: share_right({0: None}), "collect labels first"),
        (lambda: label([], {0: None}), "collect labels first"),
        (lambda: label([1, 2], {0: "left"}), "'chosen', 'rejected' or None"),
    ],
)
def test_bad_input_is_answered_with_one_sentence(call, sentence):
    with pytest.raises(CourseError, match=sentence) as caught:
        call()
    assert str(caught.value).count(". ") == 0


def test_a_vote_names_an_answer_whichever_side_it_stood_on():
    for left, vote, want in [
        ("chosen", "left", "chosen"),
        ("chosen", "right", "rejected"),
        ("rejected", "left", "rejected"),
        ("rejected", "right", "chosen"),
        ("rejected", "tie", None),
        ("chosen", "skip", None),
    ]:
        assert winner({"left": left, "vote": vote}) == want


def test_words_are_counted_in_strings_and_in_messages():
    assert words("two words") == words(answer("two  words\n")) == 2
    assert words("") == 0
