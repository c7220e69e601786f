# generated from 2_preference_alignment/notebooks/source/dpo.py by smolcourse build; do not edit
"""Reference answer of exercise dpo.batch_loss."""
# ruff: noqa

from smolcourse.reference.dpo.log_probs import answer_log_probs
from smolcourse.reference.dpo.loss import dpo_loss

def batch_loss(policy, reference, batch: dict, beta: float):
    """The DPO loss of a batch of pairs.

    Example: batch_loss(policy, a_copy_of_policy, batch, 0.1) is log(2).
    """
    import torch

    def log_probs(model):
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return answer_log_probs(logits, batch["input_ids"], batch["completion_mask"]).chunk(2)

    chosen, rejected = log_probs(policy)
    with torch.no_grad():
        ref_chosen, ref_rejected = log_probs(reference)
    return dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta)

answer = batch_loss
