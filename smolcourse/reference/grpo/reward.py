# generated from 2_preference_alignment/notebooks/source/grpo.py by smolcourse build; do not edit
"""Reference answer of exercise grpo.reward."""
# ruff: noqa

def own_reward(completions: list, answer: list[str], **others) -> list[float]:
    """A verifiable reward of your own.

    Example (yours will differ): "The answer is Paris." gets 1.0, "Paris." and "The answer is Rome." get 0.0.
    """
    from smolcourse.topics.preference import fact_told

    rewards = []
    for completion, fact in zip(completions, answer):
        text = completion[0]["content"].strip()
        one_sentence = (
            text.startswith("The answer is") and text.endswith(".") and text.count(". ") == 0
        )
        rewards.append(float(one_sentence and fact_told(text, fact)))
    return rewards

answer = own_reward
