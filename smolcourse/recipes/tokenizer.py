"""The tiny models' tokenizer: byte-level BPE with SmolLM2's special tokens and a ChatML template.

Sources: SmolLM2's tokenizer (17 special tokens, digits split one by one, byte-level BPE); ChatML.
Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smolcourse.chatml import CHAT_TEMPLATE, END_OF_TEXT, SPECIAL_TOKENS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY_SIZE = 1536


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train the byte-level BPE (1,536 tokens) on texts and dress it as a transformers tokenizer.

    The end-of-text token ends documents; `<|im_end|>` ends chat turns; padding is a token of its
    own (`<empty_output>`, unused otherwise), so that masking the padding never masks an end.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        pad_token="<empty_output>",
        extra_special_tokens=SPECIAL_TOKENS[1:],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )
