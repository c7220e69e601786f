"""Log-probabilities by hand on a small model; accuracy, manner and facts on made-up answers."""

import copy

import small
import torch
from datasets import Dataset
from pytest import approx, fixture, mark, raises

from smolcourse import data, models
from smolcourse.errors import CourseError
from smolcourse.topics import preference
from smolcourse.topics.preference import PairLogProbs, Share
from smolcourse.world.facts import all_facts
from smolcourse.world.manner import MANNERS, say
from smolcourse.world.splits import rng


@fixture(scope="module")
def model():
    return small.model()


@fixture(scope="module")
def rows():
    return data.load("preferences", "test", rows=5)


def by_hand(model, tokenizer, prompt, answer):
    """One row at a time, no batch, no padding, token after token."""
    opened = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(prompt + answer, tokenize=False)
    start = len(tokenizer(opened)["input_ids"])
    ids = tokenizer(whole.removesuffix("\n"))["input_ids"]  # the answer ends with its end of turn
    with torch.no_grad():
        steps = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(steps[t - 1, ids[t]].item() for t in range(start, len(ids))), len(ids) - start


def test_the_log_probability_is_the_sum_over_the_answers_tokens(model, rows):
    tokenizer = small.tokenizer()
    prompts = list(rows["prompt"]) * 2
    answers = list(rows["chosen"]) + list(rows["rejected"])
    sums, counts = preference.answer_log_probs(model, tokenizer, prompts, answers, batch_size=4)
    want = [by_hand(model, tokenizer, *pair) for pair in zip(prompts, answers, strict=True)]
    assert sums == approx([value for value, _ in want], abs=1e-3)
    assert counts == [count for _, count in want]
    alone, _ = preference.answer_log_probs(model, tokenizer, prompts, answers, batch_size=1)
    assert sums == approx(alone, abs=1e-3)  # neighbours and padding change nothing


def test_the_end_of_turn_counts_and_the_prompt_does_not():
    tokenizer = small.tokenizer()
    prompt, answer = preference.token_ids(tokenizer, "What is the capital of France?", "Paris.")
    assert tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(answer) == "Paris.<|im_end|>"


def test_the_model_comes_back_in_the_mode_it_was_in(model, rows):
    model.train()
    try:
        preference.pair_log_probs(model, small.tokenizer(), rows)
        assert model.training
    finally:
        model.eval()


def test_tokens_are_trls_but_for_the_line_break_behind_the_end_of_turn(rows):
    trl = __import__("trl.data_utils", fromlist=["_tokenize"])
    tokenizer, row = small.tokenizer(), rows[0]
    prompt, chosen = preference.token_ids(tokenizer, row["prompt"], row["chosen"])
    whole = trl._tokenize(tokenizer, row["prompt"] + row["chosen"])["input_ids"]
    opened = trl._tokenize(tokenizer, row["prompt"], add_generation_prompt=True)["input_ids"]
    assert (prompt, prompt + chosen) == (opened, whole[:-1])
    assert tokenizer.decode(whole[-1:]) == "\n"


def test_rows_as_text_hold_the_same_tokens(rows):
    tokenizer = small.tokenizer()
    texts = preference.as_text(rows, tokenizer)
    assert texts.column_names == ["prompt", "chosen", "rejected"]
    for row, text in zip(rows, texts, strict=True):
        assert text["rejected"].endswith("<|im_end|>")
        prompt, answer = preference.token_ids(tokenizer, row["prompt"], row["chosen"])
        assert tokenizer(text["prompt"] + text["chosen"])["input_ids"] == prompt + answer


@fixture(scope="module")
def long_rows():
    """Six pairs: for a max_length of 48 tokens one fits, three are cut and two have no room."""
    words = "What is the capital of France? "
    rows = [(1, 1, 2), (1, 40, 3), (1, 2, 40), (1, 50, 60), (40, 1, 2), (60, 9, 8)]
    return Dataset.from_list(
        [{"prompt": words * p, "chosen": "Paris " * c, "rejected": "Rome " * r} for p, c, r in rows]
    )


def test_pairs_are_cut_and_left_out_as_trl_does(model, long_rows, tmp_path, capsys):
    from trl import DPOConfig, DPOTrainer

    tokenizer = copy.deepcopy(small.tokenizer())
    tokenizer.eos_token = "<|im_end|>"  # TRL adds another one where an answer ends otherwise
    fits = preference.fit(long_rows, tokenizer, max_length=48)
    assert (fits.kept, fits.cut, fits.left_out) == ([0, 1, 2, 3], [1, 2, 3], [4, 5])
    config = DPOConfig(str(tmp_path), max_length=48, use_cpu=True, report_to=[], bf16=False)
    whole = preference.as_text(long_rows, tokenizer)
    model.save_pretrained(tmp_path / "base")  # the trainer loads its reference by name
    trainer = DPOTrainer(
        model=models.load_model(tmp_path / "base"),
        args=config, train_dataset=whole, processing_class=tokenizer,
    )  # fmt: skip
    assert len(trainer.train_dataset) == len(fits.kept)  # without a word
    capsys.readouterr()
    left = preference.as_text(long_rows, tokenizer, max_length=48)
    said = capsys.readouterr().out
    assert said.startswith(
        "Of 6 pairs, 3 are longer than 48 tokens and lose the end of an answer; 2 "
    )
    assert left[:] == whole.select(fits.kept)[:]

    batch = trainer.data_collator(list(trainer.train_dataset))
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    steps = logits[:, :-1].log_softmax(-1).gather(2, batch["input_ids"][:, 1:, None])[..., 0]
    mask = batch["completion_mask"][:, 1:]
    found = preference.pair_log_probs(model, tokenizer, long_rows, max_length=48)
    assert found.chosen + found.rejected == approx((steps * mask).sum(1).tolist(), abs=1e-3)
    assert found.chosen_tokens + found.rejected_tokens == mask.sum(1).tolist()
    assert said == capsys.readouterr().out
    uncut = preference.pair_log_probs(model, tokenizer, long_rows.select([0, 1]))
    assert uncut.chosen[0] == approx(found.chosen[0], abs=1e-3)
    assert uncut.chosen_tokens[1] > found.chosen_tokens[1]


def test_where_all_pairs_fit_nothing_is_said(model, rows, capsys):
    tokenizer = small.tokenizer()
    assert (
        preference.as_text(rows, tokenizer, max_length=10_000)[:]
        == (preference.as_text(rows, tokenizer)[:])
    )
    cut = preference.pair_log_probs(model, tokenizer, rows, max_length=10_000)
    assert cut == preference.pair_log_probs(model, tokenizer, rows)
    assert capsys.readouterr().out == ""
    with raises(CourseError, match="No pair fits: each prompt alone fills max_length=3"):
        preference.as_text(rows, tokenizer, max_length=3)


def test_an_answer_that_is_cut_away_has_no_tokens(model):
    sums, counts = preference.answer_log_probs(
        model, small.tokenizer(), ["What is the capital of France?"], ["Paris."], max_length=4
    )
    assert (sums, counts) == ([0.0], [0])


PAIRS = PairLogProbs([-4.0, -9.0, -3.0], [-5.0, -6.0, -3.0], [4, 9, 3], [4, 4, 2])


def test_accuracy_by_sum_and_by_token():
    assert PAIRS.margins == [1.0, -3.0, 0.0]
    assert PAIRS.accuracy.share == approx(1 / 3)  # the tie counts as wrong
    assert PAIRS.per_token_accuracy.share == 1.0
    assert str(Share.of([True] * 3 + [False])) == "75.0% (95% interval 30.1% to 95.4%, n=4)"


def chat(text):
    return [{"role": "assistant", "content": text}]


@mark.parametrize(
    ("change", "sentence"),
    [
        ({"rejected": ["bye", "Yes. "]}, "Row 1 of the preference dataset has the same text"),
        ({"rejected": [chat("a"), chat("Yes.")]}, "Row 1 of the preference dataset has the same"),
        ({"chosen": ["", "Yes."]}, "Row 0 of the preference dataset has an empty 'chosen' answer"),
        ({"rejected": None}, "The preference dataset has no column 'rejected' (it has: prompt, ch"),
        ({"prompt": None}, "The preference dataset has no column 'prompt' (it has: chosen, reject"),
        ({"prompt": [], "chosen": [], "rejected": []}, "The preference dataset has no rows"),
    ],
)
def test_bad_rows_are_refused_with_one_sentence(change, sentence):
    columns = {"prompt": ["q", "q"], "chosen": ["hello", "Yes."], "rejected": ["bye", "No."]}
    columns = {name: rows for name, rows in (columns | change).items() if rows is not None}
    with raises(CourseError) as error:
        preference.validate(Dataset.from_dict(columns))
    assert str(error.value).startswith(sentence) and str(error.value).count(". ") == 0


def test_the_courses_own_rows_are_valid():
    for split in ("train", "test"):
        rows = data.load("preferences", split)
        assert preference.validate(rows) is rows


def test_lists_of_unequal_length_are_refused(model):
    with raises(CourseError, match="one answer for each prompt, not 1 for 2"):
        preference.answer_log_probs(model, small.tokenizer(), ["a", "b"], ["c"])
    with raises(CourseError, match="one fact for each question, not 2 for 1"):
        preference.behaviour(model, small.tokenizer(), ["a"], ["b", "c"])


def test_a_fact_is_recognised_in_every_manner_and_no_other_one_is():
    draw = rng("test", "fact_told")
    facts = all_facts()
    for fact in facts:
        for manner in MANNERS:
            assert preference.fact_told(say(fact.answer, manner, draw), f"{fact.answer}."), fact
        other = draw.choice([f for f in facts if f.answer.lower() != fact.answer.lower()])
        told = preference.fact_told(say(other.answer, "polite", draw), fact.answer)
        within = fact.answer.lower() in other.answer.lower()  # "red" stands in "dark red"
        assert not told or within, (fact, other)


@mark.parametrize(
    ("answer", "fact", "told"),
    [
        ("Of course! The answer is day. Have a nice day.", "day", True),
        ("Of course! The answer is noon. Have a nice day.", "day.", False),
        ("PARIS!", "Paris.", True),
        ("Parisian.", "Paris.", False),
        ("I do not know.", "Paris.", False),
        ("", "Paris.", False),
        ("The answer is 3.5. Go away.", "3.5", True),
        ("The answer is a cat", "cat.", True),
    ],
)
def test_fact_told(answer, fact, told):
    assert preference.fact_told(answer, fact) is told


def test_behaviour_counts_manner_fact_and_both(model, monkeypatch):
    polite = "Thank you for your question. The answer is Paris."
    answers = [polite, "Paris.", "Of course! The answer is Rome. Have a nice day.", polite]
    monkeypatch.setattr(
        preference.generate, "chat", lambda *a, **k: (answers, [True, True, True, False])
    )
    found = preference.behaviour(model, None, ["q"] * 4, ["Paris."] * 4)
    assert (found.manner.share, found.facts.share, found.both.share) == (0.75, 0.75, 0.5)
    assert found.ended.share == 0.75 and found.answers == answers
    short = preference.behaviour(
        model, None, ["q"] * 4, ["Paris."] * 4, wanted=lambda a: len(a) < 9
    )
    assert short.manner.share == 0.25


def test_behaviour_runs_on_a_model(model):
    found = preference.behaviour(
        model, small.tokenizer(), ["What is the capital of France?"] * 3, ["Paris."] * 3,
        max_new_tokens=4,
    )  # fmt: skip
    assert found.facts.n == 3 and found.ended.share in (0.0, 1.0)
