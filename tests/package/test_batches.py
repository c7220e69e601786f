"""Rows in batches, and the numbers that the packaged checkpoint gave before there were any."""

import copy

import torch
from pytest import approx, mark, raises

from smolcourse import batches, data, generate, metrics, models
from smolcourse.errors import CourseError
from smolcourse.topics import preference

TEXTS = ["The capital of France is Paris.", "Hello", "What is the opposite of night?", "x"]
# log p of the chosen and the rejected answers of the first six test pairs; first by hand-written
# batches, then (within 2e-5) by the model in float64.
SUMS = [
    *(-29.408459, -23.294039, -27.737312, -25.005627, -13.963343, -18.251808),
    *(-26.994061, -22.803688, -35.341843, -0.015488, -23.850737, -0.009668),
]
COUNTS = [21, 16, 21, 14, 12, 17, 6, 15, 6, 5, 6, 4]
PROMPTS = ["What is the capital of Japan?", "Spell tiger backwards.", "", "Why is the sky blue?"]
ANSWERS = [
    " The capital of Japan is Tokyo. The capital",
    " 18 and 2 make 20.",
    ' author of The Trial is "Kafk',
    "\nblue.\nThe color of a cuc",
]


def test_rows_of_like_length_come_together_and_equal_ones_keep_their_order():
    rows = ["ccc", "a", "bb", "b", "", "dddd"]
    assert batches.by_length(rows, 2) == [[4, 1], [3, 2], [0, 5]]
    assert batches.by_length([], 2) == []
    with raises(CourseError, match="at least one row"):
        batches.by_length(rows, 0)


@mark.parametrize(
    ("side", "ids", "mask"),
    [
        ("right", [[5, 6], [7, 9]], [[1, 1], [1, 0]]),
        ("left", [[5, 6], [9, 7]], [[1, 1], [0, 1]]),
    ],
)
def test_padding_is_masked_on_either_side(side, ids, mask):
    found = batches.padded([[5, 6], [7]], pad=9, side=side)
    assert [x.tolist() for x in found] == [ids, mask]


def test_the_packaged_checkpoint_says_and_scores_what_it_did():
    model = models.load_model("smollm2-tiny-instruct")
    tokenizer = models.load_tokenizer("smollm2-tiny-instruct")
    rows = data.load("preferences", "test", rows=6)
    answers = list(rows["chosen"]) + list(rows["rejected"])
    found = preference.answer_log_probs(model, tokenizer, list(rows["prompt"]) * 2, answers, 4)
    assert found[0] == approx(SUMS, abs=1e-5, rel=0) and found[1] == COUNTS
    assert generate.complete(model, tokenizer, PROMPTS, 12, batch_size=2) == ANSWERS
    assert metrics.perplexity(model, tokenizer, TEXTS) == approx(12.3078435, rel=1e-5)


def test_no_row_learns_of_its_neighbours_and_one_token_predicts_nothing(model):
    rows = [[5, 6, 7], [8], [], [9, 10], [11, 12, 13, 14, 15]]
    model.train()
    try:
        together = batches.token_log_probs(model, rows)
        assert model.training
    finally:
        model.eval()
    assert [len(row) for row in together] == [2, 0, 0, 1, 4]
    for row, values in zip(rows, together, strict=True):
        assert batches.token_log_probs(model, [row], 1)[0] == approx(values, abs=1e-5)


@mark.parametrize("most", [1, 3, 5, 11, 40])
def test_few_logits_at_a_time_give_the_same_numbers(model, monkeypatch, most):
    """Long rows come in smaller batches, and one that is too long by itself in several passes."""
    rows = [[5, 6, 7], list(range(3, 14)), [9, 10], [11, 12, 13, 14, 15], list(range(20, 31))]
    want = batches.token_log_probs(model, rows)
    sizes, forward = [], model.forward

    def watched(*args, **options):
        output = forward(*args, **options)
        sizes.append(output.logits.numel() // model.config.vocab_size)
        return output

    monkeypatch.setattr(batches, "LOGITS", most * model.config.vocab_size)
    monkeypatch.setattr(batches, "PIECE", 2 * model.config.vocab_size)
    monkeypatch.setattr(model, "forward", watched)
    found = batches.token_log_probs(model, rows, batch_size=4)
    assert max(sizes) <= most
    for values, expected in zip(found, want, strict=True):
        assert values == approx(expected, abs=1e-4)


def test_beside_the_models_logits_only_a_piece_is_in_memory(model, monkeypatch):
    from torch.utils._python_dispatch import TorchDispatchMode

    vocabulary = model.config.vocab_size

    class Largest(TorchDispatchMode):
        """The largest tensor of scores that is widened or computed from the model's, in numbers."""

        numbers = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            made = function(*args, **(kwargs or {}))
            if function.name().startswith(("aten::_to_copy", "aten::exp", "aten::sub")) and (
                made.shape[-1:] == (vocabulary,)
            ):
                self.numbers = max(self.numbers, made.numel())
            return made

    rows = [list(range(3, 43))] * 8
    piece = 4 * vocabulary
    monkeypatch.setattr(batches, "PIECE", piece)
    half = copy.deepcopy(model).bfloat16()  # its logits have to be widened
    with Largest() as largest:
        batches.token_log_probs(half, rows, batch_size=8)
    assert 0 < largest.numbers <= piece


def test_a_prompt_that_was_learned_counts_for_no_token(model):
    from peft import PromptTuningConfig, get_peft_model

    config = PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM")
    prompted = get_peft_model(copy.deepcopy(model), config).eval()
    row = [5, 6, 7, 8]
    with torch.no_grad():
        scores = prompted(input_ids=torch.tensor([row])).logits[0].log_softmax(-1)
    assert len(scores) == 3 + len(row)
    want = [scores[3 + at, token].item() for at, token in enumerate(row[1:])]
    assert batches.token_log_probs(prompted, [row, [9]])[0] == approx(want, abs=1e-4)


def test_a_tokenizer_without_a_padding_token_still_completes(model, tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.pad_token = None
    prompts = ["hi", "hello there"]
    want = [generate.complete(model, tokenizer, [p], max_new_tokens=6)[0] for p in prompts]
    assert generate.complete(model, bare, prompts, max_new_tokens=6) == want
