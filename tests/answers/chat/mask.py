"""Wrong and right answers to chat.mask."""

from answers import answers

from smolcourse.checks.chat.common import ids_of

wrong, right, good = answers("chat.mask")


def library_mask(tokenizer, messages):
    encoded = tokenizer.apply_chat_template(messages, return_assistant_tokens_mask=True)
    return encoded["assistant_masks"]


def changed(change):
    """`change(tokenizer, messages, mask, ids)` of the right mask."""
    return lambda t, m: change(t, m, library_mask(t, m), ids_of(t, m))


def last_turn(t, m, mask, ids):
    kept, seen_one, done = [], False, False
    for value in reversed(mask):
        done = done or (seen_one and not value)
        kept.append(0 if done else value)
        seen_one = seen_one or bool(value)
    return kept[::-1]


def without_end(t, m, mask, ids):
    end = t.convert_tokens_to_ids("<|im_end|>")
    return [0 if token == end else value for value, token in zip(mask, ids, strict=True)]


def with_break(t, m, mask, ids):
    return [int(v or (i and mask[i - 1])) for i, v in enumerate(mask)]


def with_header(t, m, mask, ids):
    start, wide = t.convert_tokens_to_ids("<|im_start|>"), list(mask)
    for i, value in enumerate(mask):
        if value and not mask[i - 1]:
            j = i
            while ids[j] != start:
                j -= 1
                wide[j] = 1
    return wide


def four_token_header(t, m, mask, ids):
    """The length of the header as it is with another tokenizer."""
    starts = [i for i, v in enumerate(mask) if v and not mask[i - 1]]
    return [0 if any(s <= i < s + 1 for s in starts) else v for i, v in enumerate(mask)]


wrong("only_last_turn")(changed(last_turn))
wrong("header_has_loss")(changed(with_header))
wrong("end_has_no_loss")(changed(without_end))
wrong("break_has_loss")(changed(with_break))
wrong("content_has_no_loss")(changed(four_token_header))
wrong("length")(changed(lambda t, m, mask, ids: mask + [0]))
wrong("not_binary")(changed(lambda t, m, mask, ids: [-100 if not v else 1 for v in mask]))
wrong("batch_encoding")(lambda t, m: t.apply_chat_template(m))
wrong("none")(lambda t, m: None)


@right
def booleans(tokenizer, messages):
    return [bool(value) for value in library_mask(tokenizer, messages)]
