"""Wrong and right answers to chat.template, as learners write them."""

from answers import Answers

ANSWERS = Answers()
wrong, right = ANSWERS.wrong, ANSWERS.right

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


wrong("chat.template", "no_generation_prompt")(template(when="false"))
wrong("chat.template", "prompt_always")(template(when="true"))
wrong("chat.template", "no_generation_tags")(template(**WITHOUT_TAGS))
wrong("chat.template", "end_not_masked")(template(after="{% endgeneration %}END\n"))
wrong("chat.template", "too_much_masked")(template(after="END\n{% endgeneration %}"))
wrong("chat.template", "content_stripped")(template(content="message['content'] | trim"))
wrong("chat.template", "content_twice")(template(content="message['content'] + message['content']"))
wrong("chat.template", "content_lost")(template(content="'...'"))
wrong("chat.template", "content_order")(template(loop="messages | reverse"))
wrong("chat.template", "chatml")(template(header="'<|im_start|>' + message['role'] + '\\n'"))
wrong("chat.template", "same_role")(template(header="'<file_sep>'"))
wrong("chat.template", "end_ignored")(template(after="<|im_end|>{% endgeneration %}\n"))
wrong("chat.template", "end_missing")(template(after=" END{% endgeneration %}\n"))
right("chat.template")(template(prompt="<file_sep>assistant"))
wrong("chat.template", "prompt_no_prefix")(template(prompt="<file_sep>ASSISTANT\n"))
wrong("chat.template", "prompt_not_committed")(template(prompt="<file_sep>"))
wrong("chat.template", "tokens_no_prefix")(
    template(header="message['role'] + ': '", prompt="assistant:{{ ' ' }}")
)
wrong("chat.template", "same_role")(
    template(
        header="''",
        before="{% generation %}{{ '<file_sep>assistant\\n' }}",
        other="<file_sep>\n",
    )
)
wrong("chat.template", "header_masked")(
    template(
        header="'' if message['role'] == 'assistant' else '<file_sep>' + message['role'] + '\\n'",
        before="{% generation %}{{ '<file_sep>assistant\\n' }}",
    )
)
wrong("chat.template", "mask_count")(
    lambda end: "{% generation %}" + template(**WITHOUT_TAGS)(end) + "{% endgeneration %}"
)
wrong("chat.template", "jinja")(lambda end: "{% for message in messages %}")
wrong("chat.template", "jinja")(lambda end: "{{ messages[0]['content'].nothing() }}")
wrong("chat.template", "mask")(  # loss on half of the answer
    template(
        before="{{ message['content'][:-2] }}{% generation %}",
        content="message['content'][-2 if message['role'] == 'assistant' else 0 :]",
    )
)
wrong("chat.template", "return_type")(lambda end: template())
wrong("chat.template", "none")(lambda end: None)
wrong("chat.template", "end_ignored")(lambda end: template()("<|im_end|>"))


right("chat.template")(
    template(  # in the manner of Llama 3
        header="'<filename>' + message['role'] + '<repo_name>\\n\\n'",
        prompt="<filename>assistant<repo_name>\n\n",
        other="<file_sep>",
        after="END{% endgeneration %}",
    )
)
right("chat.template")(
    template(  # plain text
        header="'### ' + message['role'] | upper + ':\\n'", prompt="### ASSISTANT:\n", other="\n\n"
    )
)
