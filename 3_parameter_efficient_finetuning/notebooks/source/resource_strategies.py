# ---
# smolcourse: {module: 3_parameter_efficient_finetuning, topic: resource_strategies}
# ---
# %% [markdown] lang="en"
# # Resource strategies: where the memory goes, and how to get it back
#
# "CUDA out of memory" is the most frequent sentence in fine-tuning. In this notebook you will
#
# - work out what weights, gradients and optimiser states cost, and find the same bytes in a real model;
# - accumulate gradients over small batches so that they equal the big batch's to 1e-5 (a well-known bug made them differ by a good share);
# - measure accumulation, checkpointing, optimisers, precision, LoRA and QLoRA in one table;
# - write 4-bit quantisation yourself, and choose a strategy for a given memory.
#
# **Cost.** A minute or two on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page:
# [Resource strategies](../resource_strategies.md).
# %% [markdown] lang="zh-CN" of="ff0f3cf9"
# # 资源策略：内存花在哪里，怎样省回来
#
# “CUDA out of memory”是微调时最常见的报错。在这个 notebook 里，你将
#
# - 算出权重、梯度和优化器状态各占多少，并在真实的模型里找到同样的字节数；
# - 在几个小批次上累积梯度，使它与大批次的梯度相差不超过 1e-5（有一个著名的 bug 曾让两者差出一大截）；
# - 用一张表测量梯度累积、梯度检查点、优化器、精度、LoRA 和 QLoRA；
# - 亲手写出 4 位量化，并为给定的内存选出策略。
#
# **开销。** 双核笔记本电脑上一两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[资源策略](../../resource_strategies.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup" tags=["nbval-ignore-output"] reason="names the device of the machine"
import copy

from smolcourse import check, generate, metrics, setup, show
from smolcourse.topics import training_memory as memory
from smolcourse.topics import nf4
from smolcourse.topics import qlora

import torch

course = setup("3_parameter_efficient_finetuning/resource_strategies")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and those it takes on SmolLM2-135M
# with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="c99ee601"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(
        rows=16,
        length=128,
        micro=2,  # rows a pass when gradients are accumulated
        steps=20,
        lr=1e-3,
        max_length=128,
        eval_rows=200,
        new_tokens=32,
    ),
    smol=dict(
        rows=8,
        length=512,
        micro=1,
        steps=20,
        lr={"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4},
        max_length=1024,
        eval_rows=200,
        new_tokens=128,
    ),
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# Here is one training step, plain PyTorch, on rows of equal length. The file of this model's weights is
# small. How much memory does the step need?
# %% [markdown] lang="zh-CN" of="eec70f4f"
# ## 1. 先看问题
#
# 下面是一步训练，用的是纯 PyTorch，各行一样长。这个模型的权重文件很小；那么这一步需要多少内存？
# %% id="step"
with course.timed("import"):
    tokenizer = course.tokenizer("base")
    base = course.model("base").train()
rows, length = budget.rows, budget.length
chats = course.dataset("conversations")["messages"][:300]
text = "".join(tokenizer.apply_chat_template(messages, tokenize=False) for messages in chats)
ids = (
    torch.tensor(tokenizer(text)["input_ids"][: rows * length]).view(rows, length).to(course.device)
)


def train_step(model, optimizer, ids, micro=None):
    """One update on all rows of `ids`, `micro` rows a pass (default: all of them)."""
    passes = ids.split(micro or len(ids))
    for part in passes:
        loss = model(input_ids=part, labels=part).loss / len(
            passes
        )  # equal token counts: the mean of means is the mean
        loss.backward()
    optimizer.step()
    optimizer.zero_grad()


show.say(
    "rows, tokens a row: {shape} · parameters: {parameters:,}",
    shape=tuple(ids.shape),
    parameters=base.num_parameters(),
)
# %% id="baseline"
table = {}


def measure(name, model, optimizer, **options):
    """One row of the table: MB held between steps, the step's own peak above that, seconds a step."""
    with course.timed("train"):
        step = lambda: train_step(model, optimizer, ids, **options)
        step()  # the first step makes the optimiser's states
        held, cost = memory.held(model, optimizer), memory.measure(step)
    held = {part: size / memory.MB for part, size in held.items()}
    table[name] = {**held, "step": cost.peak / memory.MB, "seconds": cost.seconds}
    table[name]["total"] = held["weights"] + held["optimizer"] + table[name]["step"]
    return table[name]


def show_table(names):
    parts = ["weights", "optimizer", "step", "total"]
    lines = [
        [
            name,
            *(f"{table[name][part]:.1f} MB" for part in parts),
            f"{table[name]['seconds']:.2f} s",
        ]
        for name in names
    ]
    show.side_by_side(
        lines, ["strategy", "weights", "optimiser", "gradients + activations", "peak", "one step"]
    )


adamw = lambda model: torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
full = copy.deepcopy(base)
measure("all at once, AdamW", full, adamw(full))
show_table(table)
show.say(
    "the step needs more than ten times the bytes of the weights: {holds}",
    holds=table["all at once, AdamW"]["total"] > 10 * table["all at once, AdamW"]["weights"],
)


# %% [markdown] lang="en"
# The weights are a small part. Four things share the memory: **weights**, **gradients**,
# **optimiser states**, and **activations** (what the forward pass must remember for the backward pass).
# The first three follow from the number of parameters; the fourth from the number of tokens.
#
# ## 2. The arithmetic of the first three
#
# AdamW keeps two moving averages for each trained parameter (momentum and squared gradient), SGD with
# momentum one, plain SGD none; 8-bit AdamW keeps AdamW's two in one byte each. Trained weights and
# their gradients are float32 here, so 4 bytes each; frozen weights have no gradient and no state, and
# may be stored in fewer bits.
#
# ### Exercise `resources.memory` 🐢 (10 minutes)
#
# Inputs: the number of frozen and of trained parameters, the bits of one *frozen* weight, and the
# optimiser (`"sgd"`, `"momentum"`, `"adamw"` or `"adamw_8bit"`). Return a dict with the **bytes** of
# `weights`, `gradients` and `optimizer`.
#
# <details><summary>Hint</summary>
#
# Write the bytes per trained parameter of the four optimisers into a small dict. 8 bits are a byte.
# </details>
# %% [markdown] lang="zh-CN" of="03ba69c9"
# 权重只占一小部分。内存由四样东西瓜分：**权重**、**梯度**、**优化器状态**，以及**激活值**（activation，前向传播必须为反向传播记住的东西）。
# 前三样取决于参数的个数，第四样取决于 token 的个数。
#
# ## 2. 前三样，算得出来
#
# AdamW 为每个受训练的参数保存两个滑动平均（动量和梯度的平方），带动量的 SGD 保存一个，普通 SGD 一个也不存；8 位 AdamW
# 把 AdamW 的那两个各存成一个字节。这里受训练的权重和它们的梯度都是 float32，各占 4 个字节；冻结的权重没有梯度也没有状态，
# 还可以用更少的位来存。
#
# ### 练习 `resources.memory` 🐢（10 分钟）
#
# 输入：冻结的和受训练的参数各有多少个，一个*冻结*权重占多少位，以及优化器（`"sgd"`、`"momentum"`、`"adamw"` 或
# `"adamw_8bit"`）。返回一个字典，给出 `weights`、`gradients` 和 `optimizer` 各占多少**字节**。
#
# <details><summary>小提示</summary>
#
# 把四种优化器每个受训练参数所占的字节数写进一个小字典。8 位是一个字节。
# </details>
# %% id="resources.memory" tags=["exercise"] level="🐢" minutes=10
def training_bytes(frozen: int, trained: int, frozen_bits: float, optimizer: str) -> dict:
    """Bytes that are held while a model trains, activations apart.

    >>> training_bytes(0, 1000, 32, "adamw")
    {'weights': 4000, 'gradients': 4000, 'optimizer': 8000}
    """
    ### BEGIN SOLUTION
    states = {"sgd": 0, "momentum": 4, "adamw": 8, "adamw_8bit": 2}
    return {
        "weights": int(frozen * frozen_bits / 8) + 4 * trained,
        "gradients": 4 * trained,
        "optimizer": states[optimizer] * trained,
    }
    ### END SOLUTION


# %% id="resources.memory.check"
training_bytes = check("resources.memory", training_bytes)
# %% [markdown] lang="en"
# Arithmetic is only worth something if the machine agrees. `memory.held` adds up the bytes of the real
# tensors, one by one. (The few bytes beyond the weights are the frequencies of the position encoding, which
# are no parameters.)
# %% [markdown] lang="zh-CN" of="f6ec10d4"
# 算出来的数要机器也认可才算数。`memory.held` 把真实张量的字节数一个一个加起来。（权重多出来的那一点字节是位置编码的频率，
# 它们不是参数。）
# %% id="memory.use"
for name, kind in (("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)):
    model = copy.deepcopy(base)
    optimizer = kind(model.parameters(), lr=1e-4)
    model(input_ids=ids[:1], labels=ids[:1]).loss.backward()
    optimizer.step()
    found, predicted = (
        memory.held(model, optimizer),
        training_bytes(0, model.num_parameters(), 32, name),
    )
    more = {part: found[part] - size for part, size in predicted.items()}
    show.say(
        "{name}: {bytes} · bytes of the real tensors beyond that: {more}",
        name=name,
        bytes=predicted,
        more=more,
    )
giant = training_bytes(0, 1_711_376_384, 32, "adamw")
show.say(
    "SmolLM2-1.7B, trained whole in float32 with AdamW: {size:.0f} GB before the first token",
    size=sum(giant.values()) / 1e9,
)
# %% [markdown] lang="en"
# ## 3. Activations: fewer rows a pass
#
# Activations grow with the rows and tokens of one *pass*. **Gradient accumulation** runs several small
# passes, lets the gradients add up, and updates once. (PyTorch adds to `.grad` by itself; only
# `zero_grad()` clears it.)
# %% [markdown] lang="zh-CN" of="0695ac59"
# ## 3. 激活值：每遍少算几行
#
# 激活值随*一遍*计算的行数和 token 数增长。**梯度累积**（gradient accumulation）分几遍来算，每遍只算几行，让梯度自己加起来，最后只更新一次。
# （PyTorch 本来就会往 `.grad` 上累加，只有 `zero_grad()` 才清掉它。）
# %% id="accumulation"
micro = budget.micro
measure("accumulation", full, adamw(full), micro=micro)
show_table(table)
show.say(
    "accumulation needs less than half of the step's memory: {holds}",
    holds=table["accumulation"]["step"] < 0.5 * table["all at once, AdamW"]["step"],
)


# %% [markdown] lang="en"
# Far less memory, for some more time: the last column says how much here; a device that a small pass keeps busy
# loses less. But is it right? Those rows had equally many tokens. Real ones don't. Here are four passes: two of
# short facts, two of conversations, where only the assistant's tokens carry loss. Draft 1 does what every
# tutorial did for years, it divides each pass's mean by the number of passes:
# %% [markdown] lang="zh-CN" of="15bfe76d"
# 内存省了一大截，时间多花了一些：这里多花了多少，看最后一列；如果小小的一遍就足以让设备忙起来，多花的会更少。
# 可是写对了吗？上面各行的 token 一样多，真实的数据可不是这样。下面是四遍：两遍是简短的事实，两遍是对话，
# 只有助手的 token 参与损失计算。第一稿照着各种教程多年来的写法：把每遍的平均损失除以遍数。
# %% id="accumulate.draft"
def encode(messages):
    """Ids and labels of one conversation; -100 where the assistant did not write."""
    coded = tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    return coded["input_ids"], [
        t if on else -100 for t, on in zip(coded["input_ids"], coded["assistant_masks"])
    ]


def collate(conversations):
    """One batch, padded on the right."""
    coded = [encode(messages) for messages in conversations]
    longest = max(len(tokens) for tokens, _ in coded)
    fill = lambda values, value: values + [value] * (longest - len(values))
    batch = {
        "input_ids": [fill(tokens, tokenizer.pad_token_id) for tokens, _ in coded],
        "attention_mask": [fill([1] * len(tokens), 0) for tokens, _ in coded],
        "labels": [fill(labels, -100) for _, labels in coded],
    }
    return {name: torch.tensor(values).to(course.device) for name, values in batch.items()}


facts = course.dataset("facts")["messages"][:8]
mixed = [facts[:4], facts[4:], chats[:4], chats[4:8]]
batches = [collate(part) for part in mixed]
show.say(
    "tokens that carry loss, pass by pass: {counts}",
    counts=[int((batch["labels"][:, 1:] != -100).sum()) for batch in batches],
)


def draft_accumulate(model, batches):
    model.zero_grad()
    total = 0.0
    for batch in batches:
        loss = model(**batch).loss / len(batches)
        loss.backward()
        total += loss.item()
    return total


def gradient(model):
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def apart(one, other):
    """How far two gradients are apart, as a share of the second's length."""
    return float((one - other).norm() / other.norm())


big = collate([messages for part in mixed for messages in part])  # all 16 rows in one batch
base.zero_grad()
big_loss = base(**big).loss
big_loss.backward()
wanted = gradient(base)
draft_loss = draft_accumulate(base, batches)
bug = apart(gradient(base), wanted)
show.say(
    "loss: one batch {big:.4f}, accumulated {accumulated:.4f}",
    big=big_loss.item(),
    accumulated=draft_loss,
)
show.say("the gradients are more than 10% apart: {holds}", holds=bug > 0.1)


# %% [markdown] lang="en"
# Another loss and another gradient, from the same rows. A mean of means is not the mean: a token in a
# short pass weighs more than one in a long pass (in the run stored here up to two and a half times as much). Until
# [October 2024](https://huggingface.co/blog/gradient_accumulation) the large libraries did this too.
#
# ### Exercise `resources.accumulate` 🐕 (20 minutes)
#
# Write it right. Inputs: a model and a list of batches, dicts of int64 tensors `input_ids`,
# `attention_mask` and `labels` (-100 carries no loss), each of shape (rows, length).
# `model(input_ids=..., attention_mask=...)` returns an object with `.logits`. Afterwards every parameter's
# `.grad` is the gradient of the **mean loss over all counted tokens of all batches**, and that mean is
# returned as a float. One pass at a time: no more than one batch's activations may be alive. A batch may
# hold no counted token at all. Gradients that were there before don't count.
#
# <details><summary>Hint</summary>
#
# First count the labels that are not -100 in *all* batches (after the shift: `labels[:, 1:]`). Then each
# pass contributes its **sum** of losses (`reduction="sum"`) divided by that count, and calls `backward()`.
# </details>
# %% [markdown] lang="zh-CN" of="b40f12cb"
# 同样的行，损失不同，梯度也不同。平均值的平均不等于总平均：一个 token 在短的那一遍里，分量比在长的那一遍里大（在这里保存的那次运行里，最多是两倍半）。直到
# [2024 年 10 月](https://huggingface.co/blog/gradient_accumulation)，各大库也都是这么算的。
#
# ### 练习 `resources.accumulate` 🐕（20 分钟）
#
# 把它写对。输入：一个模型和一个批次列表；每个批次是字典，含 int64 张量 `input_ids`、`attention_mask` 和 `labels`
# （-100 不计损失），形状都是（行数，长度）。`model(input_ids=..., attention_mask=...)` 返回的对象有 `.logits`。
# 完成之后，每个参数的 `.grad` 应当是**所有批次里全部计入损失的 token 的平均损失**的梯度，并把这个平均值作为 float 返回。
# 一次只算一遍：任何时刻，激活值最多只能保留一个批次的。有的批次里可能没有任何计入损失的 token。之前残留的梯度不算数。
#
# <details><summary>小提示</summary>
#
# 先数出*所有*批次里不等于 -100 的标签（要在移位之后：`labels[:, 1:]`）。然后每一遍贡献的是损失之**和**（`reduction="sum"`）
# 除以这个总数，并调用 `backward()`。
# </details>
# %% id="resources.accumulate" tags=["exercise"] level="🐕" minutes=20
def accumulate(model, batches: list[dict]) -> float:
    """Gradients of the mean loss per token over all batches, one pass at a time.

    Example: two batches with 1 and 9 counted tokens, losses of 3.0 and 1.0 per token, give
    (1 * 3.0 + 9 * 1.0) / 10 = 1.2, and not 2.0.
    """
    ### BEGIN SOLUTION
    import torch.nn.functional as F

    model.zero_grad()
    counted = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        predicted, wanted = logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten()
        loss = F.cross_entropy(predicted, wanted, ignore_index=-100, reduction="sum") / counted
        loss.backward()
        total += loss.item()
    return total
    ### END SOLUTION


# %% id="resources.accumulate.check"
accumulate = check("resources.accumulate", accumulate)
# %% id="accumulate.use"
loss = accumulate(base, batches)
right = apart(gradient(base), wanted)
show.say(
    "loss: one batch {big:.4f}, accumulated {accumulated:.4f}",
    big=big_loss.item(),
    accumulated=loss,
)
show.say("the gradients differ by less than 1e-5: {holds}", holds=right < 1e-5)
# %% [markdown] lang="en"
# Does TRL's trainer get it right today? The same 16 rows, once as 16 rows in one pass and once as 4
# rows in four passes; the trainer logs the loss and the norm of the gradient of its one step.
# %% [markdown] lang="zh-CN" of="0d8e3f71"
# 如今 TRL 的训练器算得对吗？同样的 16 行，一次是一遍 16 行，一次是四遍、每遍 4 行；训练器会记录这唯一一步的损失和梯度的范数。
# %% id="trainer" tags=["nbval-ignore-output"] reason="progress bars"
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

sixteen = Dataset.from_list([{"messages": messages} for part in mixed for messages in part])
logged = []
for batch, passes in ((16, 1), (4, 4)):
    config = SFTConfig(
        output_dir=str(course.run_dir / "trainer"),
        max_steps=1,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=passes,
        learning_rate=1e-5,
        assistant_only_loss=True,
        eos_token="<|im_end|>",
        max_length=budget.max_length,
        activation_checkpointing=False,
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=1,
        disable_tqdm=False,
        save_strategy="no",
        report_to=[],
        seed=course.seed,
    )
    with course.timed("train"):
        trainer = SFTTrainer(
            model=course.model("base"),
            args=config,
            train_dataset=sixteen,
            processing_class=tokenizer,
        )
        trainer.train()
    logged.append(trainer.state.log_history[0])
for entry, passes in zip(logged, (1, 4)):
    show.say(
        "passes: {passes}; loss {loss:.5f}, gradient norm {norm:.5f}",
        passes=passes,
        loss=entry["loss"],
        norm=entry["grad_norm"],
    )
# %% id="trainer.statement"
show.say(
    "TRL's loss does not depend on the passes (1e-5): {holds}",
    holds=abs(logged[0]["loss"] - logged[1]["loss"]) < 1e-5 * logged[0]["loss"],
)
show.say(
    "nor does its gradient's norm: {holds}",
    holds=abs(logged[0]["grad_norm"] - logged[1]["grad_norm"]) < 1e-5 * logged[0]["grad_norm"],
)
show.say("TRL's loss is ours: {holds}", holds=abs(logged[0]["loss"] - loss) < 1e-4)
# %% [markdown] lang="en"
# ## 4. Activations: compute them twice
#
# **Gradient checkpointing** (transformers now calls it activation checkpointing) keeps only the input of each
# layer and computes the rest again in the backward pass. The result is the same; a forward pass more is the price.
# %% [markdown] lang="zh-CN" of="22ccde04"
# ## 4. 激活值：宁可算两次
#
# **梯度检查点**（gradient checkpointing，transformers 如今叫 activation checkpointing）只保留每一层的输入，其余的在反向传播时重新计算。结果不变，代价是多做一次前向传播。
# （这里的“检查点”与存盘的检查点无关。）
# %% id="checkpointing"
accumulate(base, batches)
plain = gradient(base)
base.activation_checkpointing_enable({"use_reentrant": False})
accumulate(base, batches)
show.say(
    "checkpointing changes the gradient by less than 1e-5: {holds}",
    holds=apart(gradient(base), plain) < 1e-5,
)
base.activation_checkpointing_disable()
base.zero_grad()

frugal = copy.deepcopy(base)
frugal.activation_checkpointing_enable({"use_reentrant": False})
measure("checkpointing", frugal, adamw(frugal))
measure("checkpointing + accumulation", frugal, adamw(frugal), micro=micro)
show_table(table)
show.say(
    "checkpointing needs less of the step's memory: {holds}",
    holds=table["checkpointing"]["step"] < table["all at once, AdamW"]["step"],
)
# %% [markdown] lang="en"
# ## 5. Optimiser and precision
#
# AdamW's states are twice the weights. **Adafactor** stores for each matrix one number a row and one a
# column instead of the squared gradient; plain **SGD** stores nothing. And with 16-bit weights
# (**bf16**) weights, gradients and states are half as large, and activations shrink too. What does that
# cost? First the table:
# %% [markdown] lang="zh-CN" of="ea5a1927"
# ## 5. 优化器与精度
#
# AdamW 的状态是权重的两倍大。**Adafactor** 不存整个梯度平方的矩阵，每行只存一个数、每列只存一个数；普通 **SGD** 什么都不存。
# 如果权重用 16 位（**bf16**），权重、梯度和状态都减半，激活值也会变小。代价是什么？先看表：
# %% id="optimisers"
from transformers import Adafactor

factored = lambda model, lr=1e-4: Adafactor(
    model.parameters(), lr=lr, scale_parameter=False, relative_step=False
)
measure("Adafactor", full, factored(full))
measure("SGD", full, torch.optim.SGD(full.parameters(), lr=1e-4))
half = copy.deepcopy(base).to(torch.bfloat16)
measure("bf16 weights", half, adamw(half))
show_table(["all at once, AdamW", "Adafactor", "SGD", "bf16 weights"])
show.say(
    "Adafactor's states are under 2% of AdamW's: {holds}",
    holds=table["Adafactor"]["optimizer"] < 0.02 * table["all at once, AdamW"]["optimizer"],
)
show.say(
    "bf16 halves weights and states: {holds}",
    holds=abs(table["bf16 weights"]["optimizer"] / table["all at once, AdamW"]["optimizer"] - 0.5)
    < 0.01,
)
# %% [markdown] lang="en"
# ### Break it on purpose: two savings that cost the training itself
#
# **SGD with AdamW's learning rate.** AdamW divides each gradient by its usual size; SGD doesn't.
# Swap the optimiser, keep the learning rate, and watch:
# %% [markdown] lang="zh-CN" of="ac79db2b"
# ### 故意弄坏它：两种省过头的做法
#
# **SGD 配 AdamW 的学习率。** AdamW 会把每个梯度除以它平常的大小，SGD 不会。只换优化器、不换学习率，看看会怎样：
# %% id="sgd" tags=["nbval-ignore-output"] reason="a plot"
learning_rate, lesson = budget.lr, collate(course.dataset("facts")["messages"][:32])
curves = {}
for name, make in (
    ("AdamW", lambda model: torch.optim.AdamW(model.parameters(), lr=learning_rate)),
    ("Adafactor", lambda model: factored(model, learning_rate)),
    (
        "SGD, AdamW's learning rate",
        lambda model: torch.optim.SGD(model.parameters(), lr=learning_rate),
    ),
):
    model = copy.deepcopy(base)
    optimizer, curves[name] = make(model), []
    with course.timed("train"):
        for _ in range(budget.steps):
            loss = model(**lesson).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            curves[name].append(loss.item())
show.loss(curves)
# %% id="sgd.statement"
left = {name: losses[-1] / losses[0] for name, losses in curves.items()}
show.say(
    "AdamW and Adafactor leave less than a quarter of the loss: {holds}",
    holds=max(left["AdamW"], left["Adafactor"]) < 0.25,
)
show.say(
    "SGD with that learning rate leaves more than half: {holds}",
    holds=left["SGD, AdamW's learning rate"] > 0.5,
)
# %% [markdown] lang="en"
# **Cure:** a learning rate of its own for each optimiser (for SGD tens or hundreds of times AdamW's), or
# Adafactor, or 8-bit AdamW (on a GPU, `optim="adamw_8bit"` with bitsandbytes): its two states take
# one byte each instead of four.
#
# **Small updates in 16 bits.** bf16 has 8 bits for the digits: between 1 and 2 it knows 128 numbers. A
# step of 1e-5 on a weight of 0.05 is lost in rounding. Count the weights that one AdamW step changes:
# %% [markdown] lang="zh-CN" of="71270c9e"
# **对策：** 每种优化器用自己的学习率（SGD 的要比 AdamW 大几十到几百倍），或者用 Adafactor，或者用 8 位 AdamW
# （在 GPU 上借助 bitsandbytes：`optim="adamw_8bit"`）：它的两个状态各占一个字节，而不是四个。
#
# **16 位里的小步更新。** bf16 只有 8 个二进制位用来表示有效数字：在 1 和 2 之间它只认得 128 个数。给 0.05 的权重加上 1e-5，一舍入就没了。
# 数一数一步 AdamW 之后有多少权重真的变了：
# %% id="bf16"
for dtype in (torch.float32, torch.bfloat16):
    model = copy.deepcopy(base).to(dtype)
    before_step = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0.0)
    model(**lesson).loss.backward()
    moved = sum(int((p.grad != 0).sum()) for p in model.parameters())
    optimizer.step()
    changed = sum(int((p != old).sum()) for p, old in zip(model.parameters(), before_step))
    share = changed / moved
    show.say(
        "{name}: over 95% of the weights with a gradient change: {many}; under 25%: {few}",
        name=str(dtype).removeprefix("torch."),
        many=share > 0.95,
        few=share < 0.25,
    )


# %% [markdown] lang="en"
# **Cure:** keep the weights in float32 and *compute* in bf16 (`bf16=True` in the trainer, "mixed precision"),
# or freeze the 16-bit weights and train a float32 LoRA on top.
#
# ## 6. Frozen weights in 4 bits
#
# With [LoRA](../lora.md) the base is frozen: no gradients, no states, only weights. QLoRA then stores
# those in 4 bits. A 4-bit **code** is a number from 0 to 15, the index of a **level** between -1 and 1.
# The weights are cut into **blocks** of 64; each block has one **scale**, its largest absolute value.
# A weight is its level times its block's scale.
#
# ### Exercise `resources.dequantize` 🐢 (10 minutes)
#
# From codes back to weights. Inputs: `codes`, a tensor of shape (n,), int64 or uint8 (bytes, as codes are
# stored); `scales`, a float tensor of shape (n / block,); `levels`, a float tensor of shape (16,); `block`.
# Return a float tensor of shape (n,).
#
# <details><summary>Hint</summary>
#
# `levels[codes.long()]` looks all of them up at once (torch would take uint8 codes for a mask);
# `repeat_interleave` stretches the scales.
# </details>
# %% [markdown] lang="zh-CN" of="8524a9ac"
# **对策：** 权重保持 float32，只在*计算*时用 bf16（训练器里的 `bf16=True`，即“混合精度”）；或者冻结 16 位的权重，在上面训练 float32 的 LoRA。
#
# ## 6. 冻结的权重，用 4 位来存
#
# 用 [LoRA](../../lora.zh-CN.md) 时基座是冻结的：没有梯度，没有状态，只剩权重。QLoRA 再把这些权重存成 4 位。一个 4 位的**码**（code）
# 是 0 到 15 的数，它是 -1 和 1 之间某个**级**（level）的下标。权重每 64 个切成一**块**（block），每块有一个**缩放因子**（scale），
# 也就是块内最大的绝对值。一个权重等于它的级乘以所在块的缩放因子。
#
# ### 练习 `resources.dequantize` 🐢（10 分钟）
#
# 从码还原出权重。输入：`codes`，形状为 (n,) 的张量，类型是 int64 或 uint8（字节，码就是这样存储的）；`scales`，形状为 (n / block,)
# 的浮点张量；`levels`，形状为 (16,) 的浮点张量；以及 `block`。返回形状为 (n,) 的浮点张量。
#
# <details><summary>小提示</summary>
#
# `levels[codes.long()]` 一次就能查完（uint8 的码会被 torch 当成掩码）；`repeat_interleave` 可以把缩放因子拉长。
# </details>
# %% id="resources.dequantize" tags=["exercise"] level="🐢" minutes=10
def dequantize(codes, scales, levels, block: int):
    """The weights that 4-bit codes stand for.

    >>> dequantize(torch.tensor([0, 7, 15, 15]), torch.tensor([2.0, 3.0]), torch.linspace(-1, 1, 16), 2)[2:].tolist()
    [3.0, 3.0]
    """
    ### BEGIN SOLUTION
    return levels[codes.long()] * scales.repeat_interleave(block)
    ### END SOLUTION


# %% id="resources.dequantize.check"
dequantize = check("resources.dequantize", dequantize)


# %% [markdown] lang="en"
# ### Exercise `resources.quantize` 🐕 (20 minutes)
#
# Now the other way: from weights to codes. Inputs: `weights`, a float tensor of shape (n,), n a multiple of `block`; `levels`, 16 numbers in
# rising order; `block`. Return (codes, scales): an integer tensor of shape (n,), each code the index of the
# level **nearest** to weight / scale, and the scale of each block, its largest **absolute** value. A block of
# zeros must not become nan: its codes name the level nearest to zero.
#
# <details><summary>Hint</summary>
#
# `weights.view(-1, block)`. The nearest level: `(unit[..., None] - levels).abs().argmin(-1)`.
# </details>
# %% [markdown] lang="zh-CN" of="26b0a548"
# ### 练习 `resources.quantize` 🐕（20 分钟）
#
# 现在反过来：从权重到码。输入：`weights`，形状为 (n,) 的浮点张量，n 是 `block` 的倍数；`levels`，16 个从小到大的数；以及 `block`。
# 返回 (codes, scales)：codes 是形状为 (n,) 的整数张量，每个码是离“权重 / 缩放因子”**最近**的级的下标；scales 是每块的缩放因子，
# 即块内最大的**绝对值**。全零的块不能变成 nan：它的码应当是离零最近的级的下标。
#
# <details><summary>小提示</summary>
#
# `weights.view(-1, block)`。找最近的级：`(unit[..., None] - levels).abs().argmin(-1)`。
# </details>
# %% id="resources.quantize" tags=["exercise"] level="🐕" minutes=20
def quantize(weights, levels, block: int):
    """Codes and scales of weights, block by block.

    Example: with levels from -1 to 1, quantize(torch.tensor([0.5, -2.0]), levels, 2) has the scale [2.0], and
    the second code is 0, the index of the level -1.
    """
    ### BEGIN SOLUTION
    blocks = weights.view(-1, block)
    scales = blocks.abs().amax(1)
    unit = blocks / scales.clamp(min=1e-30)[:, None]
    codes = (unit[..., None] - levels).abs().argmin(-1)
    return codes.flatten(), scales
    ### END SOLUTION


# %% id="resources.quantize.check"
quantize = check("resources.quantize", quantize)
# %% [markdown] lang="en"
# **Which levels?** Evenly spaced ones waste codes: trained weights crowd around zero. NF4 ("normal float")
# puts its levels at the quantiles of a bell curve. Compare both on a real layer, first with `smolcourse.topics.nf4`,
# then with each other:
# %% [markdown] lang="zh-CN" of="68bad943"
# **选哪些级？** 均匀分布的级浪费码：训练好的权重都挤在零附近。NF4（“normal float”）把级放在正态分布的分位数上。
# 在一个真实的层上比较：先与 `smolcourse.topics.nf4` 对照，再互相比较。
# %% id="levels.compare"
weights = base.model.layers[0].mlp.up_proj.weight.detach().cpu().flatten()
normal, even = torch.tensor(nf4.LEVELS), torch.linspace(-1, 1, 16)
codes, scales = quantize(weights, normal, 64)
packed = nf4.quantise(weights)
show.say(
    "codes equal to smolcourse.topics.nf4: {holds}",
    holds=torch.equal((codes[0::2] << 4 | codes[1::2]).to(torch.uint8), packed.codes),
)


def lost(levels, block):
    """Root of the mean squared error, as a share of the weights' own size."""
    codes, scales = quantize(weights, levels, block)
    return float((dequantize(codes, scales, levels, block) - weights).norm() / weights.norm())


errors = {
    "NF4, blocks of 64": lost(normal, 64),
    "even levels, blocks of 64": lost(even, 64),
    "NF4, one scale for the layer": lost(normal, len(weights)),
}
for name, share in errors.items():
    show.say("{name}: {share:.1%} of the weights' size is lost", name=name, share=share)


# %% [markdown] lang="en"
# Does that much noise on every weight hurt? Ask the instruct model the held-out facts, with all its linear
# layers rounded to 4 bits. (The intervals of the bars overlap. Comparing question by question sees more: in
# `metrics.paired_difference` only the questions on which the two models differ count.)
# %% [markdown] lang="zh-CN" of="37c9c8e7"
# 每个权重都带上这么多噪声，要紧吗？把指令模型所有的线性层都舍入到 4 位，再问它留出的事实。（条形图上的区间互相重叠；
# 逐题比较能看出更多：在 `metrics.paired_difference` 里，只有两个模型得分不同的题目才起作用。）
# %% id="quality" tags=["nbval-ignore-output"] reason="scores are shown to the tenth of a percent"
def rounded(model, levels, block):
    """All linear layers of the blocks through 4 bits and back, in place."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and not name.endswith("lm_head"):
            flat = module.weight.data.flatten().cpu()
            size = block or len(flat)
            module.weight.data = (
                dequantize(*quantize(flat, levels, size), levels, size)
                .view(module.weight.shape)
                .to(course.device)
            )
    return model


test, chat_tokenizer = course.dataset("facts", "test"), course.tokenizer("instruct")
test, scores, right_ones = test.select(range(min(len(test), budget.eval_rows))), {}, {}
for name, change in (
    ("float32", lambda model: model),
    ("NF4, blocks of 64", lambda model: rounded(model, normal, 64)),
    ("even levels, one scale a layer", lambda model: rounded(model, even, None)),
):
    model = change(course.model("instruct"))
    with course.timed("generate"):
        answers = generate.chat(
            model, chat_tokenizer, test["question"], max_new_tokens=budget.new_tokens
        )
    right_ones[name] = metrics.matches(answers, test["answer"])
    scores[name] = sum(right_ones[name]) / len(test)
show.bars(
    {
        name: (score, metrics.interval(round(score * len(test)), len(test)))
        for name, score in scores.items()
    },
    title="Exact match on held-out facts",
)
for name in list(scores)[1:]:
    show.say(
        "{name}, against float32 on the same questions: {difference}",
        name=name,
        difference=metrics.paired_difference(right_ones["float32"], right_ones[name]),
    )
# %% id="quality.statement"
show.say(
    "NF4 loses at most 10 points: {holds}",
    holds=scores["float32"] - scores["NF4, blocks of 64"] <= 0.10,
)
show.say(
    "the careless 4 bits lose more than NF4: {holds}",
    holds=scores["even levels, one scale a layer"] < scores["NF4, blocks of 64"],
)
# %% [markdown] lang="en"
# ## 7. LoRA and QLoRA in the same table
#
# `nf4.freeze_in_4_bits` replaces the frozen linear layers by ones that hold codes and scales and make their
# weights anew in each pass (your two functions, with two codes in a byte). It runs on any device and is
# slow. `smolcourse.topics.qlora.load` does the same with bitsandbytes, whose kernels are fast on an NVIDIA GPU.
# %% [markdown] lang="zh-CN" of="e11aa3ce"
# ## 7. LoRA 和 QLoRA，放进同一张表
#
# `nf4.freeze_in_4_bits` 把冻结的线性层换成只保存码和缩放因子的层，每一遍都临时还原出权重（就是你写的那两个函数，只是两个码放进一个字节）。
# 它在任何设备上都能运行，但很慢。`smolcourse.topics.qlora.load` 用 bitsandbytes 做同样的事，它的算子在 NVIDIA GPU 上很快。
# %% id="lora"
from peft import LoraConfig, get_peft_model

recipe = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
small = get_peft_model(copy.deepcopy(base), recipe)
measure("LoRA", small, adamw(small))
tiny_base = nf4.freeze_in_4_bits(get_peft_model(copy.deepcopy(base), recipe))
measure("QLoRA", tiny_base, adamw(tiny_base))
# A checkpointed layer without a trained input would get no gradient.
tiny_base.enable_input_require_grads()
tiny_base.activation_checkpointing_enable({"use_reentrant": False})
measure("QLoRA + checkpointing + accumulation", tiny_base, adamw(tiny_base), micro=micro)
show_table(table)
show.bars(
    {name: line["total"] for name, line in table.items()},
    title="Peak of one training step, MB",
    percent=False,
)
# %% id="lora.statement"
linear = [m for m in tiny_base.modules() if isinstance(m, nf4.NF4Linear)]
held_bits = (
    8
    * sum(m.codes.nbytes + m.scales.nbytes for m in linear)
    / sum(m.shape[0] * m.shape[1] for m in linear)
)
show.say("bits for a frozen weight: {bits:.2f}", bits=held_bits)
show.say(
    "LoRA's optimiser holds under 10% of AdamW's states: {holds}",
    holds=table["LoRA"]["optimizer"] < 0.1 * table["all at once, AdamW"]["optimizer"],
)
show.say(
    "all together need under a quarter of the baseline's peak: {holds}",
    holds=table["QLoRA + checkpointing + accumulation"]["total"]
    < 0.25 * table["all at once, AdamW"]["total"],
)
# %% id="qlora" tags=["nbval-ignore-output"] reason="says what is installed on this machine"
if obstacle := qlora.obstacle():
    print(obstacle)
else:
    show.say(
        "this machine can train in 4 bits with bitsandbytes: {method}",
        method=qlora.quantization_config().quantization_method(),
    )


# %% [markdown] lang="en"
# Read the table honestly. This model is tiny and its batch is large, so activations dominate: accumulation and
# checkpointing save most, LoRA alone saves little, QLoRA next to nothing more. But look at the last row: once
# the activations are cut, it is gradients, states and weights that are left, and now LoRA and 4 bits take away
# most of that. The price is time: several times the baseline's. With a large model and few tokens a pass,
# LoRA and QLoRA save most from the start. **Measure your own case before you choose.**
#
# ## 8. Which strategy first?
#
# ### Exercise `resources.plan` 🐕 (20 minutes)
#
# Take the cheapest that fits. Inputs: `sizes`, a dict with the memory of `weights`, `gradients`, `optimizer`
# and of the activations of one `row` (any unit); `rows`, how many rows an update needs; `budget`, the memory
# there is, in the same unit. Try in this order:
#
# 1. `"full"`: weights + gradients + optimizer, and `row` for each row of a pass;
# 2. `"checkpointing"`: as before, but a row costs a quarter;
# 3. `"lora"`: as 2., but gradients and optimizer cost 2% of what they did;
# 4. `"qlora"`: as 3., but the weights cost 4.5 / 32 of what they did.
#
# For each, the rows of a pass are the **largest divisor** of `rows` that fits (exactly full fits). Return the
# first strategy for which at least one row fits: `{"strategy": name, "rows": rows of a pass, "passes": passes}`.
# If none does: `{"strategy": "too big", "rows": 0, "passes": 0}`.
#
# <details><summary>Hint</summary>
#
# Two loops: over (name, fixed memory, memory of a row), and over the divisors of `rows` from large to small.
# </details>
# %% [markdown] lang="zh-CN" of="268720d9"
# 读这张表要客观。这个模型很小、批次很大，所以激活值占了大头：梯度累积和梯度检查点省得最多，单用 LoRA 省得不多，QLoRA 几乎没有再多省。
# 但请看最后一行：激活值砍掉之后，剩下的主要是梯度、状态和权重，这时 LoRA 和 4 位就能再省掉其中的大部分；代价是时间，是基线的好几倍。
# 模型大、每遍 token 少的时候，LoRA 和 QLoRA 从一开始就省得最多。**先测量你自己的情形，再做选择。**
#
# ## 8. 先用哪种策略？
#
# ### 练习 `resources.plan` 🐕（20 分钟）
#
# 选放得下的方案里代价最小的。输入：`sizes`，一个字典，给出 `weights`、`gradients`、`optimizer` 以及一行（`row`）的激活值所占的内存
# （单位任意）；`rows`，一次更新需要多少行；`budget`，可用的内存，单位相同。按这个顺序来试：
#
# 1. `"full"`：weights + gradients + optimizer，外加一遍中每行一份 `row`；
# 2. `"checkpointing"`：同上，但每行只要四分之一；
# 3. `"lora"`：同 2，但 gradients 和 optimizer 只要原来的 2%；
# 4. `"qlora"`：同 3，但 weights 只要原来的 4.5 / 32。
#
# 每种方案里，一遍的行数是 `rows` 的约数中放得下的**最大**的一个（正好放满也算放得下）。返回第一个至少放得下一行的策略：
# `{"strategy": 名称, "rows": 一遍的行数, "passes": 遍数}`。都放不下时返回 `{"strategy": "too big", "rows": 0, "passes": 0}`。
#
# <details><summary>小提示</summary>
#
# 两层循环：外层是（名称，固定内存，每行内存），内层是 `rows` 的约数，从大到小。
# </details>
# %% id="resources.plan" tags=["exercise"] level="🐕" minutes=20
def plan(sizes: dict, rows: int, budget: float) -> dict:
    """The first strategy that fits, and how to split the rows.

    >>> plan({"weights": 10, "gradients": 10, "optimizer": 20, "row": 5}, 8, 60)
    {'strategy': 'full', 'rows': 4, 'passes': 2}
    """
    ### BEGIN SOLUTION
    weights, training, row = sizes["weights"], sizes["gradients"] + sizes["optimizer"], sizes["row"]
    strategies = [
        ("full", weights + training, row),
        ("checkpointing", weights + training, row / 4),
        ("lora", weights + 0.02 * training, row / 4),
        ("qlora", weights * 4.5 / 32 + 0.02 * training, row / 4),
    ]
    for name, fixed, one in strategies:
        for size in range(rows, 0, -1):
            if rows % size == 0 and fixed + size * one <= budget:
                return {"strategy": name, "rows": size, "passes": rows // size}
    return {"strategy": "too big", "rows": 0, "passes": 0}
    ### END SOLUTION


# %% id="resources.plan.check"
plan = check("resources.plan", plan)
# %% [markdown] lang="en"
# SmolLM2-1.7B in float32 on four usual GPUs. The activations of one row of 1,024 tokens are set to 4 GB
# here, a round number; measure yours.
# %% [markdown] lang="zh-CN" of="239218e8"
# 把 float32 的 SmolLM2-1.7B 放到四种常见的 GPU 上。这里假定一行 1024 个 token 的激活值占 4 GB，只是取个整数；你的请自己测量。
# %% id="plan.use"
sizes = {name: size / 1e9 for name, size in giant.items()} | {"row": 4.0}
for gigabytes in (8, 16, 24, 80):
    show.say(
        "{gigabytes} GB: {strategy}, {rows} rows a pass, {passes} passes",
        gigabytes=gigabytes,
        **plan(sizes, 32, gigabytes),
    )


# %% [markdown] lang="en"
# ## 9. Your own problem
#
# ### Exercise `resources.levels` 🦁 (40 minutes)
#
# NF4's levels suit weights in the shape of a bell. Yours may have another shape. Write `fit_levels`: from a
# sample of weights (a float tensor, length a multiple of 64) it makes `count` levels in rising order, between -1
# and 1, for blocks of 64. The check rounds other weights of the same kind with your levels. The error may be
# at most 93% of that of evenly spaced levels on bell-shaped weights, 80% on long-tailed ones and 105% on
# uniform ones; for 16 and for 8 levels. (NF4's own levels reach 92%, 77% and 140%.)
#
# **Rubric** (for yourself or your instructor): it beats NF4 on the bell-shaped weights too (1 point); you
# plotted the levels of two kinds of weights and can explain the difference (1); you found out whether the lower
# error shows in the facts' score, with an interval (1).
#
# <details><summary>Hint</summary>
#
# Divide each block by its largest absolute value first. Quantiles of the result are only a start (alone they are worse
# than even levels on bell-shaped and long-tailed weights, since they spend too little on the rare large weights). Then repeat some dozens of times: give each weight to its nearest level, move each level to the mean of its weights (Lloyd's method, k-means in
# one dimension).
# </details>
# %% [markdown] lang="zh-CN" of="c43ed87a"
# ## 9. 你自己的问题
#
# ### 练习 `resources.levels` 🦁（40 分钟）
#
# NF4 的级适合钟形分布的权重，你的权重也许是别的形状。请写出 `fit_levels`：根据一份权重样本（浮点张量，长度是 64 的倍数），
# 给出 `count` 个级，从小到大，在 -1 和 1 之间，用于 64 个一块的量化。检查会用你的级去舍入另一些同类的权重。与均匀的级相比，
# 误差在钟形的权重上最多为 93%，在长尾的权重上最多为 80%，在均匀分布的权重上最多为 105%；16 个级和 8 个级都要满足。
# （NF4 自己的级是 92%、77% 和 140%。）
#
# **评分标准**（供自己或老师使用）：在钟形的权重上也胜过 NF4（1 分）；画出两种权重各自的级，并能解释差别（1 分）；
# 弄清楚误差变小之后事实的得分有没有变化，并给出区间（1 分）。
#
# <details><summary>小提示</summary>
#
# 先把每块除以块内最大的绝对值。结果的分位数只能作为起点（在钟形和长尾的权重上，光用它比均匀的级还差，因为分给少数大权重的级太少）。然后重复几十次：把每个权重分给离它最近的级，再把每个级移到分给它的权重的平均值
# （Lloyd 算法，也就是一维的 k-means）。
# </details>
# %% id="resources.levels" tags=["exercise"] level="🦁" minutes=40
def fit_levels(sample, count: int = 16):
    """Levels for block-wise quantisation, fitted to a sample of weights.

    Example: fit_levels(torch.randn(6400), 16) returns 16 rising numbers from about -1 to about 1, closer
    together around zero.
    """
    ### BEGIN SOLUTION
    import torch

    blocks = sample.view(-1, 64)
    unit = (blocks / blocks.abs().amax(1, keepdim=True).clamp(min=1e-30)).flatten()
    levels = torch.quantile(unit[:100_000], (torch.arange(count) + 0.5) / count)
    for _ in range(60):
        nearest = torch.bucketize(unit, (levels[1:] + levels[:-1]) / 2)
        sums = torch.zeros(count).index_add(0, nearest, unit)
        sizes = torch.bincount(nearest, minlength=count)
        levels = torch.where(sizes > 0, sums / sizes.clamp(min=1), levels)
    return levels.sort().values
    ### END SOLUTION


# %% id="resources.levels.check"
fit_levels = check("resources.levels", fit_levels)
# %% id="levels.use"
mine = torch.as_tensor(fit_levels(weights, 16), dtype=torch.float32)
own = lost(mine, 64)
show.say(
    "on the real layer: NF4 loses {normal:.1%}, levels fitted to it {own:.1%}",
    normal=errors["NF4, blocks of 64"],
    own=own,
)
# %% [markdown] lang="en"
# ## 10. Report
#
# The bar is exactness: what accumulation computes must be what the big batch computes. "Before" is draft 1.
# %% [markdown] lang="zh-CN" of="b601c98e"
# ## 10. 报告
#
# 这里的标准是精确：累积算出来的，必须就是大批次算出来的。“之前”是第一稿。
# %% id="report" tags=["nbval-ignore-output"] reason="seconds and memory"
peak = {name: round(line["total"], 1) for name, line in table.items()}
slower = lambda name: round(table[name]["seconds"] / table["all at once, AdamW"]["seconds"], 2)
course.report(
    "distance between the accumulated gradient and the big batch's",
    bug,
    right,
    1e-5,
    higher_is_better=False,
    peak_mb_baseline=peak["all at once, AdamW"],
    peak_mb_accumulation=peak["accumulation"],
    peak_mb_checkpointing=peak["checkpointing"],
    peak_mb_both=peak["checkpointing + accumulation"],
    peak_mb_adafactor=peak["Adafactor"],
    peak_mb_sgd=peak["SGD"],
    peak_mb_bf16=peak["bf16 weights"],
    peak_mb_lora=peak["LoRA"],
    peak_mb_qlora=peak["QLoRA"],
    peak_mb_all=peak["QLoRA + checkpointing + accumulation"],
    weights_mb_full=round(table["LoRA"]["weights"], 1),
    weights_mb_nf4=round(table["QLoRA"]["weights"], 1),
    optimizer_mb_adamw=round(table["all at once, AdamW"]["optimizer"], 1),
    optimizer_mb_adafactor=round(table["Adafactor"]["optimizer"], 1),
    optimizer_mb_lora=round(table["LoRA"]["optimizer"], 1),
    time_accumulation=f"{slower('accumulation')} x",
    time_checkpointing=f"{slower('checkpointing')} x",
    time_bf16=f"{slower('bf16 weights')} x",
    time_qlora=f"{slower('QLoRA')} x",
    facts_float32=round(scores["float32"], 3),
    facts_nf4=round(scores["NF4, blocks of 64"], 3),
    facts_careless_4bit=round(scores["even levels, one scale a layer"], 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - Memory is weights + gradients + optimiser states (count parameters) + activations (count tokens); work it out, then measure.
# - Accumulation and checkpointing save activations and change no result, if the loss is averaged over tokens and not over passes.
# - LoRA saves gradients and states, QLoRA the frozen weights as well; 4 bits need blocks and well-placed levels.
#
# **Where next.** The lesson page [Resource strategies](../resource_strategies.md) goes on to several GPUs: how to launch,
# what FSDP shards, and how a run survives a killed worker. Papers: [QLoRA](https://arxiv.org/abs/2305.14314),
# [checkpointing](https://arxiv.org/abs/1604.06174), [Adafactor](https://arxiv.org/abs/1804.04235).
# %% [markdown] lang="zh-CN" of="7ee62044"
# ## 小结
#
# - 内存 = 权重 + 梯度 + 优化器状态（看参数个数）+ 激活值（看 token 个数）；先算，再测。
# - 梯度累积和梯度检查点省的是激活值，而且不改变任何结果，前提是损失按 token 求平均，而不是按遍求平均。
# - LoRA 省梯度和状态，QLoRA 连冻结的权重也省；4 位量化需要分块，也需要放得恰当的级。
#
# **下一步。** 讲义[资源策略](../../resource_strategies.zh-CN.md)会继续讲到多块 GPU：怎样启动，FSDP 切分什么，一个进程被杀之后训练怎样活下来。
# 论文：[QLoRA](https://arxiv.org/abs/2305.14314)、[checkpointing](https://arxiv.org/abs/1604.06174)、
# [Adafactor](https://arxiv.org/abs/1804.04235)。
