"""ChatML: SmolLM2's special tokens, and the chat template of the course's models.

Introduced in lesson 1_instruction_tuning/chat_templates.
"""

from __future__ import annotations

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
END_OF_TEXT, START_OF_TURN, END_OF_TURN = SPECIAL_TOKENS[:3]

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
