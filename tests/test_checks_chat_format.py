"""The check of chat.template: broken formats are named, formats of every kind pass."""

import pytest
from test_checks_chat import key

from smolcourse.check import evaluate

# ---------------------------------------------------------------- chat.template


def template(
    header="'<file_sep>' + message['role'] + '\\n'",
    before="{% generation %}",
    after="END{% endgeneration %}\n",
    content="message['content']",
    other="\n",
    prompt="<file_sep>assistant\n",
    when="add_generation_prompt",
    loop="messages",
):
    """A template with one detail changed; in `before`, `after`, `other` END is the end token."""
    after, other, prompt = (text.replace("\n", "{{ '\\n' }}") for text in (after, other, prompt))
    text = (
        "{% for message in " + loop + " %}{{ " + header + " }}"
        "{% if message['role'] == 'assistant' %}" + before + "{{ " + content + " }}" + after + ""
        "{% else %}{{ " + content + " }}" + other + "{% endif %}{% endfor %}"
        "{% if " + when + " %}" + prompt + "{% endif %}"
    )
    return lambda end: text.replace("END", end)


WITHOUT_TAGS = {"before": "", "after": "END\n"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (template(when="false"), "no_generation_prompt"),
        (template(when="true"), "prompt_always"),
        (template(**WITHOUT_TAGS), "no_generation_tags"),
        (template(after="{% endgeneration %}END\n"), "end_not_masked"),
        (template(after="END\n{% endgeneration %}"), "too_much_masked"),
        (template(content="message['content'] | trim"), "content_stripped"),
        (template(content="message['content'] + message['content']"), "content_twice"),
        (template(content="'...'"), "content_lost"),
        (template(loop="messages | reverse"), "content_order"),
        (template(header="'<|im_start|>' + message['role'] + '\\n'"), "chatml"),
        (template(header="'<file_sep>'"), "same_role"),
        (template(after="<|im_end|>{% endgeneration %}\n"), "end_ignored"),
        (template(after=" END{% endgeneration %}\n"), "end_missing"),
        (template(prompt="<file_sep>assistant"), "correct"),  # shorter, but still a prefix
        (template(prompt="<file_sep>ASSISTANT\n"), "prompt_no_prefix"),
        (template(prompt="<file_sep>"), "prompt_not_committed"),
        (
            template(header="message['role'] + ': '", prompt="assistant:{{ ' ' }}"),
            "tokens_no_prefix",
        ),
        (
            template(
                header="''",
                before="{% generation %}{{ '<file_sep>assistant\\n' }}",
                other="<file_sep>\n",
            ),
            "same_role",
        ),
        (
            template(
                header="'' if message['role'] == 'assistant' else '<file_sep>' + message['role'] + '\\n'",
                before="{% generation %}{{ '<file_sep>assistant\\n' }}",
            ),
            "header_masked",
        ),
        (
            lambda end: "{% generation %}" + template(**WITHOUT_TAGS)(end) + "{% endgeneration %}",
            "mask_count",
        ),
        (lambda end: "{% for message in messages %}", "jinja"),
        (lambda end: "{{ messages[0]['content'].nothing() }}", "jinja"),
        (lambda end: template(), "return_type"),
        (lambda end: None, "none"),
        (lambda end: template()("<|im_end|>"), "end_ignored"),
    ],
)
def test_template_names_the_mistake(answer, expected):
    assert key("template", answer) == expected


def test_template_accepts_other_formats():
    llama = template(
        header="'<filename>' + message['role'] + '<repo_name>\\n\\n'",
        prompt="<filename>assistant<repo_name>\n\n",
        other="<file_sep>",
        after="END{% endgeneration %}",
    )
    plain_text = template(
        header="'### ' + message['role'] | upper + ':\\n'", prompt="### ASSISTANT:\n", other="\n\n"
    )
    for answer in (llama, plain_text):
        assert key("template", answer) == "correct"


def test_a_broken_template_is_explained_in_both_languages(monkeypatch):
    for lang, words in (("en", "could not be rendered"), ("zh-CN", "无法渲染")):
        monkeypatch.setenv("SMOLCOURSE_LANG", lang)
        result = evaluate("chat.template", lambda end: "{% for %}")
        assert words in result.message and "TemplateSyntaxError" in result.message
