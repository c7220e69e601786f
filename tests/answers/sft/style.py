"""Wrong and right answers to sft.style."""

import random

from answers import answers

wrong, right, good = answers("sft.style")

wrong("return_type")(lambda q, a: {"answer": a})
wrong("none")(lambda q, a: print(f"Easy: {a}"))
wrong("exception")(lambda q, a: "Easy: " + a.removeprefix(1))
wrong("not_repeatable")(lambda q, a: f"{random.random()}! {a}")
right(lambda q, a: f"Arr! {a}")  # the full stop may stay
right(lambda q, a: a.upper().replace(".", "!!!"))
right(lambda q, a: f'{{"answer": "{a[:-1]}"}}')
right(lambda q, a: f"In twenty-one words at most: {a}")
right(lambda q, a: f"You ask: {q} I say: {a}")
right(lambda q, a: f"哈哈，答案当然是{a[:-1]}啦！")
right(lambda q, a: f"报告船长，答案就是 {a[:-1]}，请看！")
