"""Wrong and right answers to chat.template."""

from answers import answers

wrong, right, good = answers("chat.template")


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

wrong("end_not_masked")(template(after="{% endgeneration %}END\n"))
wrong("too_much_masked")(template(after="END\n{% endgeneration %}"))
wrong("chatml")(template(header="'<|im_start|>' + message['role'] + '\\n'"))
wrong("same_role")(template(header="'<file_sep>'"))
wrong("end_missing")(template(after=" END{% endgeneration %}\n"))
right(template(prompt="<file_sep>assistant"))
wrong("prompt_no_prefix")(template(prompt="<file_sep>ASSISTANT\n"))
wrong("prompt_not_committed")(template(prompt="<file_sep>"))
wrong("tokens_no_prefix")(template(header="message['role'] + ': '", prompt="assistant:{{ ' ' }}"))
wrong("same_role")(
    template(
        header="''",
        before="{% generation %}{{ '<file_sep>assistant\\n' }}",
        other="<file_sep>\n",
    )
)
wrong("header_masked")(
    template(
        header="'' if message['role'] == 'assistant' else '<file_sep>' + message['role'] + '\\n'",
        before="{% generation %}{{ '<file_sep>assistant\\n' }}",
    )
)
wrong("mask_count")(
    lambda end: "{% generation %}" + template(**WITHOUT_TAGS)(end) + "{% endgeneration %}"
)
wrong("mask")(  # loss on half of the answer
    template(
        before="{{ message['content'][:-2] }}{% generation %}",
        content="message['content'][-2 if message['role'] == 'assistant' else 0 :]",
    )
)
wrong("return_type")(lambda end: template())
wrong("none")(lambda end: None)
right(
    template(  # in the manner of Llama 3
        header="'<filename>' + message['role'] + '<repo_name>\\n\\n'",
        prompt="<filename>assistant<repo_name>\n\n",
        other="<file_sep>",
        after="END{% endgeneration %}",
    )
)
right(
    template(  # plain text
        header="'### ' + message['role'] | upper + ':\\n'", prompt="### ASSISTANT:\n", other="\n\n"
    )
)
