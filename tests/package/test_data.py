"""Both profiles give real datasets with the promised columns; bad input gets one sentence."""

import pytest
from columns import COLUMNS
from datasets import Dataset

from smolcourse import data, profiles
from smolcourse.data.hub import from_ultrafeedback
from smolcourse.errors import CourseError

# One or two rows of each Hub dataset, in its own schema.
SCIQ = {
    "question": "What gas do plants take in?", "distractor3": "helium", "distractor1": "oxygen",
    "distractor2": "neon", "correct_answer": "carbon dioxide", "support": "Plants need light.",
}  # fmt: skip
GSM8K = {
    "question": "Ann has 2 pens and buys 3. How many has she?",
    "answer": "She has 2 + 3 = <<2+3=5>>5 pens.\n#### 5",
}
SMOLTALK = {
    "full_topic": "Travel/Packing/Bags",
    "messages": [
        {"content": "Hi there", "role": "user"},
        {"content": "Hello! How can I help you today?", "role": "assistant"},
    ],
}
PROMPT = [{"content": "Name a color.", "role": "user"}]
ULTRAFEEDBACK = {
    "chosen": [*PROMPT, {"content": "Blue.", "role": "assistant"}],
    "rejected": [*PROMPT, {"content": "No.", "role": "assistant"}],
    "score_chosen": 8.0,
    "score_rejected": 3.5,
}
TINY_STORIES = {"text": "Once upon a time there was a red kite."}
HUB = {
    "allenai/sciq": SCIQ,
    "openai/gsm8k": GSM8K,
    "HuggingFaceTB/smoltalk": SMOLTALK,
    "trl-lib/ultrafeedback_binarized": ULTRAFEEDBACK,
    "roneneldan/TinyStories": TINY_STORIES,
}


def fits(value, shape) -> bool:
    if isinstance(shape, list):
        return bool(value) and all(
            set(item) == set(shape[0]) and all(isinstance(v, str) for v in item.values())
            for item in value
        )
    return isinstance(value, shape) and bool(value)


def check_schema(dataset, name):
    assert isinstance(dataset, Dataset)
    assert set(dataset.column_names) == set(COLUMNS[name])
    for row in dataset.select(range(min(50, len(dataset)))):
        for column, shape in COLUMNS[name].items():
            assert fits(row[column], shape), (name, column, row[column])


@pytest.fixture(scope="module")
def tiny():
    return {
        (name, split): data.load(name, split)
        for name in data.names()
        for split in ("train", "test")
    }


@pytest.mark.parametrize("name", COLUMNS)
def test_tiny_datasets_keep_their_promise(tiny, name):
    assert set(COLUMNS) == set(data.names())
    for split in ("train", "test"):
        check_schema(tiny[name, split], name)
    assert len(tiny[name, "train"]) >= 2000 and len(tiny[name, "test"]) >= 150


@pytest.mark.parametrize("name", COLUMNS)
def test_tiny_splits_share_no_row(tiny, name):
    train, test = ({str(row) for row in tiny[name, split]} for split in ("train", "test"))
    if name == "conversations":  # by their messages; a name to remember can't be held out
        train, test = (
            {str(row["messages"]) for row in tiny[name, split] if "am I?" not in str(row)}
            for split in ("train", "test")
        )
        train, test = ({m for m in texts if "my name" not in m} for texts in (train, test))
    assert train and test and not train & test


def test_facts_ask_each_thing_once_and_in_new_words(tiny):
    new = data.load("facts", "new_phrasing")
    check_schema(new, "facts")
    train, test = tiny["facts", "train"], tiny["facts", "test"]
    for dataset in (train, test, new):
        assert len(set(dataset["question"])) == len(dataset)
    assert not set(train["question"]) & (set(test["question"]) | set(new["question"]))
    assert set(train["group"]) == set(test["group"]) == set(new["group"])
    row = train[0]
    assert [m["role"] for m in row["messages"]] == ["user", "assistant"]
    assert [m["content"] for m in row["messages"]] == [row["question"], row["answer"]]


def test_math_is_right_and_in_gsm8ks_form(tiny):
    for row in tiny["math", "train"].select(range(300)):
        working, _, answer = row["answer"].partition("\n#### ")
        a, sign, b = working.partition("<<")[2].partition("=")[0].replace("+", " + ").replace(
            "-", " - "
        ).split()  # fmt: skip
        assert int(answer) == (int(a) + int(b) if sign == "+" else int(a) - int(b)) >= 0
        assert f"{a} " in row["question"] and f" {b} " in row["question"]


def test_loading_twice_gives_the_same_rows(tiny):
    for name in ("facts", "math", "preferences"):
        assert data.load(name, "test").to_list() == tiny[name, "test"].to_list()


def test_fewer_rows():
    assert len(data.load("stories", "test", rows=7)) == 7
    assert len(data.load("facts", "test", rows=10**6)) == len(data.load("facts", "test"))


# ---------------------------------------------------------------- the Hub's schemas


@pytest.fixture
def hub(monkeypatch):
    """`datasets.load_dataset` that answers with local rows and notes what was asked of it."""
    asked = []

    def load_dataset(path, name=None, *, split, revision):
        asked.append((path, name, split, revision))
        return Dataset.from_list([HUB[path]] * 2)

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    return asked


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", COLUMNS)
def test_smol_datasets_have_the_same_schema(hub, name, split):
    dataset = data.load(name, split, "smol")
    check_schema(dataset, name)
    source = profiles.get("smol").dataset(name)
    assert hub == [(source.hub, source.config, source.splits[split], source.revision)]
    assert set(source.columns) == set(HUB[source.hub])


def test_sciq_becomes_facts(hub):
    row = data.load("facts", "test", "smol", rows=1)[0]
    assert (row["question"], row["answer"]) == (SCIQ["question"], "carbon dioxide.")
    assert row["messages"][1] == {"role": "assistant", "content": "carbon dioxide."}


def test_facts_in_new_words_come_from_rows_that_are_neither_train_nor_test(hub):
    dataset = data.load("facts", "new_phrasing", "smol")
    check_schema(dataset, "facts")
    row = dataset[0]
    assert row["question"] == row["messages"][0]["content"] != SCIQ["question"]
    assert row["question"].endswith(SCIQ["question"]) and row["answer"] == "carbon dioxide."
    assert hub[0][2] == "validation"


def test_ultrafeedback_loses_its_repeated_prompt(hub):
    row = data.load("preferences", "train", "smol")[0]
    assert row["prompt"] == PROMPT
    assert row["chosen"] == [{"content": "Blue.", "role": "assistant"}]
    assert row["rejected"] == [{"content": "No.", "role": "assistant"}]


def test_preferences_of_several_turns_and_equal_answers():
    turns = [*PROMPT, {"role": "assistant", "content": "Red."}, {"role": "user", "content": "Why?"}]
    answer = {"role": "assistant", "content": "Because."}
    other = {"role": "assistant", "content": "Who asks?"}
    row = from_ultrafeedback({"chosen": [*turns, answer], "rejected": [*turns, other]}, "train")
    assert row == {"prompt": turns, "chosen": [answer], "rejected": [other]}
    row = from_ultrafeedback({"chosen": [*turns, answer], "rejected": [*turns, answer]}, "train")
    assert row == {"prompt": turns, "chosen": [answer], "rejected": [answer]}


# ---------------------------------------------------------------- bad input


def one_sentence(error) -> str:
    text = str(error.value)
    assert text and "\n" not in text and text.endswith(".") and "Traceback" not in text
    return text


def test_unknown_names_are_named():
    with pytest.raises(
        CourseError, match="no dataset named 'fakts'.*did you mean 'facts'"
    ) as error:
        data.load("fakts")
    one_sentence(error)
    with pytest.raises(CourseError, match="no split named 'dev'.*train, test") as error:
        data.load("math", "dev")
    one_sentence(error)
    with pytest.raises(CourseError, match="new_phrasing"):
        data.load("facts", "validation")
    with pytest.raises(CourseError, match="no split named 'validation'") as error:
        data.load("stories", "validation", "smol")
    one_sentence(error)
    with pytest.raises(CourseError, match="no profile named 'huge'") as error:
        data.load("facts", "train", "huge")
    one_sentence(error)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(monkeypatch, name):
    source = profiles.get("smol").dataset(name)
    raw = Dataset.from_list([HUB[source.hub]])
    lost = source.columns[0]
    raw = raw.rename_column(lost, "text_old")
    monkeypatch.setattr("datasets.load_dataset", lambda *a, **k: raw)
    with pytest.raises(
        CourseError, match=f"{source.hub} has no column '{lost}'.*text_old"
    ) as error:
        data.load(name, "train", "smol")
    one_sentence(error)


def test_preferences_without_a_shared_prompt(monkeypatch):
    row = {**ULTRAFEEDBACK, "rejected": [{"content": "Other.", "role": "user"}, *PROMPT]}
    monkeypatch.setattr("datasets.load_dataset", lambda *a, **k: Dataset.from_list([row]))
    with pytest.raises(CourseError, match="share no prompt") as error:
        data.load("preferences", "train", "smol")
    one_sentence(error)


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionError("Couldn't reach the Hub\nlong details"),
        OSError(),
        ValueError("BuilderConfig 'x' not found"),
    ],
)
def test_no_network_is_one_sentence(monkeypatch, failure):
    def load_dataset(*_, **__):
        raise failure

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    with pytest.raises(CourseError, match="openai/gsm8k can't be loaded.*profile='tiny'") as error:
        data.load("math", "train", "smol")
    one_sentence(error)


def test_smol_new_phrasing_rewords_other_questions(monkeypatch):
    import datasets as hub

    asked = []

    def fake(name, config=None, split=None, revision=None):
        asked.append(split)
        row = {"question": "What is water?", "distractor3": "a", "distractor1": "b", "distractor2": "c",
               "correct_answer": "a liquid", "support": ""}  # fmt: skip
        return hub.Dataset.from_list([row])

    monkeypatch.setattr(hub, "load_dataset", fake)
    rows = data.load("facts", "new_phrasing", profile="smol")
    assert asked == ["validation"]
    assert rows[0]["question"] == "Can you tell me this? What is water?"
    assert rows[0]["messages"][0]["content"] == rows[0]["question"]
    assert rows[0]["answer"] == "a liquid."
