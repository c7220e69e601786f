# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.log_probs."""
# ruff: noqa

def answer_log_probs(logits, input_ids, answer_mask):
    """The log-probability of each row's answer.

    Example: with uniform logits over a vocabulary of 8, an answer of 3 tokens gets 3 * log(1/8).
    """
    steps = logits[:, :-1].log_softmax(-1)
    taken = steps.gather(2, input_ids[:, 1:, None])[..., 0]
    return (taken * answer_mask[:, 1:]).sum(1)

answer = answer_log_probs
