"""The tiny models' tokenizer: byte-level BPE with SmolLM2's special tokens and a ChatML template.

Sources: SmolLM2's tokenizer (17 special tokens, digits split one by one, byte-level BPE); ChatML.
Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY_SIZE = 1536

# The names and the order are SmolLM2's, so ids 0, 1, 2 mean the same in both profiles.
SPECIAL_TOKENS = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
]

# ChatML. Tools are listed in one short line each (a full JSON schema would fill half of a small
# context). What the model has to write stands between the generation tags: those tokens, with the
# <|im_end|> but without the line break after it, carry the loss.
CHAT_TEMPLATE = """\
{%- set system = messages[0]['content'] if messages and messages[0]['role'] == 'system' else '' -%}
{%- if tools -%}
{{- '<|im_start|>system\\n' + (system + '\\n' if system else '') + 'Tools:\\n' -}}
{%- for tool in tools -%}
{%- set f = tool['function'] if 'function' in tool else tool -%}
{{- f['name'] + '(' + (f['parameters']['properties'].keys() | join(', ')) + '): ' -}}
{{- f['description'] + '\\n' -}}
{%- endfor -%}
{{- 'Call: <tool_call>{"name": "", "arguments": {}}</tool_call><|im_end|>\\n' -}}
{%- elif system -%}
{{- '<|im_start|>system\\n' + system + '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|im_start|>assistant\\n' -}}
{%- generation -%}
{{- message['content'] or '' -}}
{%- for call in message['tool_calls'] or [] -%}
{%- set f = call['function'] if 'function' in call else call -%}
{%- set arguments = f['arguments'] if f['arguments'] is string else f['arguments'] | tojson -%}
{{- '<tool_call>{"name": "' + f['name'] + '", "arguments": ' + arguments + '}</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>' -}}
{%- endgeneration -%}
{{- '\\n' -}}
{%- elif not (loop.first and message['role'] == 'system') -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""


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
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        pad_token="<empty_output>",
        extra_special_tokens=SPECIAL_TOKENS[1:],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )
