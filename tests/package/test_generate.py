"""Batched generation equals generation one by one, and ends where a turn ends."""

import copy

import pytest

from smolcourse import generate
from smolcourse.errors import CourseError

PROMPTS = ["hi", "hello there, how are you?", "x" * 40, "", "What is 2 + 2?"]


def test_a_batch_gives_what_single_prompts_give(model, tokenizer):
    together = generate.complete(model, tokenizer, PROMPTS, max_new_tokens=12)
    alone = [generate.complete(model, tokenizer, [p], max_new_tokens=12)[0] for p in PROMPTS]
    assert together == alone
    assert len(set(together)) > 2  # the model's output varies, or this would prove nothing
    assert generate.complete(model, tokenizer, PROMPTS, max_new_tokens=12, batch_size=2) == alone


def test_chat_renders_the_template_and_takes_strings_or_messages(model, tokenizer):
    messages = [{"role": "user", "content": "hi"}]
    prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    expected = generate.complete(model, tokenizer, [prompt], max_new_tokens=8)
    assert generate.chat(model, tokenizer, ["hi"], max_new_tokens=8) == expected
    assert generate.chat(model, tokenizer, [messages], max_new_tokens=8) == expected
    unprompted = generate.chat(
        model, tokenizer, ["hi"], max_new_tokens=8, add_generation_prompt=False
    )
    plain = ["<|im_start|>user\nhi<|im_end|>\n"]
    assert unprompted == generate.complete(model, tokenizer, plain, max_new_tokens=8)


def scripted(model, tokens):
    """A copy of the model that writes these tokens, then the last of them again and again."""
    import torch

    class Script(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner, self.step = inner, 0

        def forward(self, hidden):
            logits = self.inner(hidden)
            forced = torch.full_like(logits, -1e9)
            forced[..., tokens[min(self.step, len(tokens) - 1)]] = 0
            self.step += 1
            return forced

    model = copy.deepcopy(model)
    model.generation_config.eos_token_id = 0  # as a base model's; the turn's end is 2
    model.lm_head = Script(model.lm_head)
    return model


@pytest.mark.parametrize("end", [0, 2])
def test_a_chat_answer_ends_at_the_end_of_its_turn_only(model, tokenizer, end):
    """`<|im_end|>` (2) ends a turn; after `<|endoftext|>` (0) a chat goes on, as a chat program does."""
    letter = tokenizer("A")["input_ids"][0]
    texts, ended = generate.chat(
        scripted(model, [letter, end, letter]),
        tokenizer,
        ["x", "y"],
        max_new_tokens=5,
        return_ended=True,
    )
    if end == 2:
        assert (texts, ended) == (["A", "A"], [True, True])
    else:
        assert (texts, ended) == (["AAAA", "AAAA"], [False, False])


@pytest.mark.parametrize("end", [0, 2])
def test_the_terminal_ends_an_answer_where_notebooks_do(model, tokenizer, end):
    from smolcourse.programs.chat import Conversation

    letter = tokenizer("A")["input_ids"][0]
    talk = Conversation(scripted(model, [letter, end, letter]), tokenizer, max_new_tokens=5)
    assert "".join(talk.reply("x")) == ("A" if end == 2 else "AAAA")


def test_running_into_the_limit_is_not_an_end(model, tokenizer):
    _, ended = generate.complete(
        model, tokenizer, ["hello"], max_new_tokens=1, return_ended=True, suppress_tokens=[0, 2]
    )
    assert ended == [False]


def test_the_model_is_left_as_it_was(model, tokenizer):
    trained = copy.deepcopy(model).train()
    trained.config.use_cache = False
    generate.complete(trained, tokenizer, ["hi"], max_new_tokens=2)
    assert trained.training and trained.config.use_cache is False


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda m, t: generate.chat(m, t, "hi"), "list of conversations"),
        (lambda m, t: generate.chat(m, t, [{"role": "user", "content": "x"}]), "even for one"),
        (lambda m, t: generate.chat(m, t, [3]), "not int"),
        (lambda m, t: generate.complete(m, t, [["x"]]), "must be strings"),
        (lambda m, t: generate.complete(m, t, ["x"], max_new_tokens=0), "at least 1"),
    ],
)
def test_bad_input_is_one_sentence(model, tokenizer, call, part):
    with pytest.raises(CourseError, match=part):
        call(model, tokenizer)


def test_a_tokenizer_without_a_template_is_named(model, tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.chat_template = None
    with pytest.raises(CourseError, match="no chat template"):
        generate.chat(model, bare, ["hi"])


def test_nothing_in_nothing_out(model, tokenizer):
    assert generate.complete(model, tokenizer, []) == []
