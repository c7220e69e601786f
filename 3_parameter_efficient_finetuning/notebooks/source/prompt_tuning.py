# ---
# smolcourse: {module: 3_parameter_efficient_finetuning, topic: prompt_tuning}
# ---
# %% [markdown] lang="en"
# # Prompt tuning: train the prompt, leave the model alone
#
# A system prompt changes what a model does without changing the model. Why should it be made of words? In this notebook you will
#
# - put **virtual tokens**, vectors that belong to no word, before the input, and train nothing else;
# - write prompt tuning and prefix tuning by hand and find PEFT's numbers to 1e-5, grouped-query attention included;
# - count what is trained and what is stored, for prompt tuning, prefix tuning, P-tuning and LoRA at equal budgets;
# - compare all four on questions that training never asked, with at most 0.5% of the parameters;
# - find out what soft prompts are good at (steering) and what they are not (teaching), and meet a bug that no error reports.
#
# **Cost.** About two minutes on a two-core laptop, no GPU, no network; the report at the end shows the seconds and the memory of the
# run that is stored here. Lesson page: [Prompt tuning](../prompt_tuning.md).
# %% [markdown] lang="zh-CN" of="a67f7fa2"
# # 提示微调：训练提示，不动模型
#
# 一条系统消息（system message，代码里叫 system prompt）就能改变模型的行为，而不改变模型本身。可它为什么非得由词语组成？在这个 notebook 里，你将
#
# - 在输入前面放上**虚拟 token（virtual token）**，即不对应任何词的向量，并且只训练它们；
# - 亲手写出提示微调和前缀微调，与 PEFT 的数值对上，相差不超过 1e-5，连分组查询注意力的情形也包括在内；
# - 数一数提示微调、前缀微调、P-tuning 和 LoRA 在相等的预算下各训练多少、存储多少；
# - 用不超过 0.5% 的参数，在训练中从未问过的问题上比较这四种方法；
# - 弄清软提示擅长什么（引导）、不擅长什么（教新东西），并遇到一个不报任何错误的 bug。
#
# **开销。** 双核笔记本电脑上约两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[提示微调](../../prompt_tuning.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
import random

from smolcourse import check, generate, metrics, setup, show
from smolcourse.translate import tr
from smolcourse.world.manner import manner_of, say

import torch

course = setup("3_parameter_efficient_finetuning/prompt_tuning")
# %% [markdown] lang="en"
# **Settings.** What this notebook takes here to measure, and what it takes on SmolLM2-135M with
# `profile="smol"`; the numbers of the training stand beside it in section 5.
# %% [markdown] lang="zh-CN" of="b32ed3a8"
# **设置。** 下表是这个 notebook 在这里测量时用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 训练用的数字在第 5 节，就写在训练旁边。
# %% id="settings"
measuring = course.choose(
    tiny=dict(eval_rows=200, new_tokens=32), smol=dict(eval_rows=200, new_tokens=128)
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# The instruct model answers in one word: "Paris." You want it to be polite, always. You can ask it to, with a system prompt. That
# costs tokens in every conversation, somebody has to find the right words, and the model obeys them as well as it can. The score
# counts an answer that is **polite and right**; the questions are about facts that no training asked for.
# %% [markdown] lang="zh-CN" of="9bd46c38"
# ## 1. 先看问题
#
# 指令模型只用一个词来回答：“Paris.”。而你希望它始终彬彬有礼。可以用系统消息来要求它。但每段对话都要为此花费 token，
# 得有人找到合适的措辞，而模型也只是尽力照办。得分统计的是**既礼貌又正确**的回答；问的是任何训练都没有问过的事实。
# %% id="data"
facts = course.dataset("facts", "train").shuffle(seed=course.seed)
test = course.dataset("facts", "test").select(range(measuring.eval_rows))


def polite(row):
    answer = say(row["answer"].removesuffix("."), "polite", random.Random(row["question"]))
    return {
        "messages": [
            {"role": "user", "content": row["question"]},
            {"role": "assistant", "content": answer},
        ]
    }


polite_rows = facts.map(polite)
print(polite_rows[0]["messages"])
asked = set(facts["question"])
show.say(
    "{test} held-out questions, asked in training: {both}",
    test=len(test),
    both=sum(question in asked for question in test["question"]),
)
# %% id="baseline" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
with course.timed("import"):
    tokenizer = course.tokenizer("instruct")
    instruct = course.model("instruct")


def chat(model, system=None):
    start = [{"role": "system", "content": system}] if system else []
    chats = [start + [{"role": "user", "content": question}] for question in test["question"]]
    return generate.chat(model, tokenizer, chats, max_new_tokens=measuring.new_tokens)


def judge(answers):
    """One dict of three shares: polite, right (the words of the right answer are in it), both."""
    manner = [manner_of(answer) == "polite" for answer in answers]
    words = lambda text: f" {metrics.normalize(text)} "
    right = [words(want) in words(answer) for answer, want in zip(answers, test["answer"])]
    mean = lambda flags: sum(flags) / len(flags)
    return {
        "polite": mean(manner),
        "right": mean(right),
        "both": mean([m and r for m, r in zip(manner, right)]),
    }


bare, asked_for = chat(instruct), chat(instruct, system="Be polite.")
show.side_by_side(
    list(zip(test["question"][:4], bare, asked_for)),
    ["question", "no system prompt", "with: Be polite."],
)
before, hard = judge(bare), judge(asked_for)
for name, result in (("no system prompt", before), ("with a system prompt", hard)):
    show.say("{name}: polite {polite:.1%}, right {right:.1%}, both {both:.1%}", name=name, **result)
# %% id="baseline.statement"
show.say(
    "without a system prompt, under 5% of the answers are polite: {holds}",
    holds=before["polite"] < 0.05,
)
# %% [markdown] lang="en"
# The words work well here: the model was taught to obey such prompts. (In the run stored here it even gets more facts right when it is
# polite. Why is not tested here; perhaps it has to do with where the answer stands in the sentence.) So the score with a system prompt
# is the one to reach, without words, from examples of the answers alone.
#
# ## 2. Virtual tokens
#
# The first thing that a model does with a token is to look up its embedding, a vector of width $d$. After that it never sees the
# token again. So you can hand it vectors that stand for no token: $P \in \mathbb{R}^{V \times d}$, one row a **virtual token**,
# written before the embeddings $E(x)$ of the text. The model $\theta$ is frozen, and only $P$ learns:
#
# $$\min_P \; -\sum_t \log p_\theta\big(y_t \mid P, E(x), E(y_{<t})\big)$$
#
# The first draft puts them there and changes nothing else. It runs:
# %% [markdown] lang="zh-CN" of="c416672f"
# 在这里，词语很管用：模型学过要听从这样的提示。（在这里保存的这次运行里，礼貌的时候，它答对的甚至更多。原因这里没有检验；
# 可能与答案在句中的位置有关。）
# 所以要追上的就是有系统消息时的得分，而且不用词语，只凭回答的例子。
#
# ## 2. 虚拟 token
#
# 模型拿到一个 token 后，做的第一件事是查出它的嵌入（embedding），一个宽度为 $d$ 的向量；此后就再也看不到这个 token 了。
# 所以，你可以递给它不代表任何 token 的向量：$P \in \mathbb{R}^{V \times d}$，每行是一个**虚拟 token**，
# 写在文本的嵌入 $E(x)$ 之前。模型 $\theta$ 被冻结，只有 $P$ 在学习：
#
# $$\min_P \; -\sum_t \log p_\theta\big(y_t \mid P, E(x), E(y_{<t})\big)$$
#
# 第一稿只把它们放进去，别的什么都不改。它居然能运行：
# %% id="draft"
row = tokenizer.apply_chat_template(
    polite_rows[0]["messages"], return_dict=True, return_assistant_tokens_mask=True
)
ids = torch.tensor([row["input_ids"]], device=course.device)
mask = torch.ones_like(ids)
labels = torch.tensor(
    [[i if m else -100 for i, m in zip(row["input_ids"], row["assistant_masks"])]],
    device=course.device,
)
embed = instruct.get_input_embeddings()
system = tokenizer("<|im_start|>system\nBe polite.<|im_end|>\n", add_special_tokens=False)[
    "input_ids"
]

with torch.no_grad():
    virtual = embed(
        torch.tensor(system, device=course.device)
    )  # vectors of words, for now: then we know what must come out
    draft = instruct(
        inputs_embeds=torch.cat([virtual[None], embed(ids)], dim=1),
        attention_mask=mask,
        use_cache=True,
    )
    draft = draft.logits[:, len(system) :]
    words = instruct(
        input_ids=torch.cat([torch.tensor([system], device=course.device), ids], dim=1)
    ).logits[:, len(system) :]
show.say(
    "{virtual} virtual tokens before {real} tokens of text",
    virtual=len(system),
    real=ids.shape[1],
)
show.say(
    "the draft computes what the same words compute: {holds}",
    holds=torch.allclose(draft, words, atol=1e-4),
)


# %% [markdown] lang="en"
# No error, and wrong. The attention mask is as long as the *text*, so it ends too early, and transformers fills a short mask up with
# zeros at its end: the last tokens of the text can't be seen any more. (That is so with the cache on, the default. Without, as in
# training, it is luckier: an error about sizes, as soon as a row has padding.) Labels have the same problem.
#
# ### Exercise `prompt.prepend` 🐢 (10 minutes)
#
# Write the final version. `prompt` has shape (V, width), `embeddings` (rows, length, width), `attention_mask` and `labels`
# (rows, length). Return a dict of `inputs_embeds`, `attention_mask` and `labels`, all V longer: the prompt before every row, seen by
# every token, and without loss of its own.
#
# <details><summary>Hint</summary>
#
# `prompt.expand(rows, -1, -1)` repeats it for each row without copying. `tensor.new_ones(shape)` and `tensor.new_full(shape, value)`
# make tensors of the same type and on the same device. No shift here: the model shifts labels itself.
# </details>
# %% [markdown] lang="zh-CN" of="9a14f451"
# 没有报错，结果却是错的。注意力掩码只有*文本*那么长，所以结束得太早；而 transformers 会在短掩码的末尾补零：
# 文本最后的几个 token 从此再也看不见了。（缓存打开时就是这样，而默认是打开的。训练时缓存关闭，反倒走运：只要有一行带填充，
# 就会报一个大小不符的错误。）标签也有同样的问题。
#
# ### 练习 `prompt.prepend` 🐢（10 分钟）
#
# 写出最终版。`prompt` 的形状是（V，宽度），`embeddings` 是（行数，长度，宽度），`attention_mask` 和 `labels` 是（行数，长度）。
# 返回一个字典，含 `inputs_embeds`、`attention_mask` 和 `labels`，长度都增加 V：每行前面都有这段提示，每个 token 都看得见它，
# 而它自己不参与损失计算。
#
# <details><summary>小提示</summary>
#
# `prompt.expand(rows, -1, -1)` 为每一行重复它而不复制。`tensor.new_ones(shape)` 和 `tensor.new_full(shape, value)`
# 会生成类型相同、设备也相同的张量。这里不要移位：模型自己会移动标签。
# </details>
# %% id="prompt.prepend" tags=["exercise"] level="🐢" minutes=10
def prepend(prompt, embeddings, attention_mask, labels) -> dict:
    """What the model is given: a soft prompt before each row.

    Example: with 2 virtual tokens and labels [[-100, 7]] the new labels are [[-100, -100, -100, 7]].
    """
    ### BEGIN SOLUTION
    import torch

    rows, tokens = len(embeddings), len(prompt)
    return {
        "inputs_embeds": torch.cat([prompt.expand(rows, -1, -1), embeddings], dim=1),
        "attention_mask": torch.cat([attention_mask.new_ones(rows, tokens), attention_mask], dim=1),
        "labels": torch.cat([labels.new_full((rows, tokens), -100), labels], dim=1),
    }
    ### END SOLUTION


# %% id="prompt.prepend.check"
prepend = check("prompt.prepend", prepend)
# %% id="prepend.use"
with torch.no_grad():
    logits = instruct(**prepend(virtual, embed(ids), mask, labels)).logits[:, len(system) :]
show.say(
    "a soft prompt made of words computes what the words compute: {holds}",
    holds=torch.allclose(logits, words, atol=1e-4),
)
# %% [markdown] lang="en"
# So **every text prompt is a soft prompt**, one of very many. Training can start at good words and walk on to places where no word is.
#
# ### Exercise `prompt.module` 🐕 (25 minutes)
#
# Make it a module that can be trained. `SoftPrompt(model, tokens, init_ids)` freezes the model and has **one** trainable parameter,
# `prompt`, of shape (tokens, width). With `init_ids` (a list of token ids) it starts as a copy of their embeddings, the list repeated
# or cut to the right number; without, it starts from a standard normal. `forward(input_ids, attention_mask, labels=None)` returns
# what the model returns: with `made = SoftPrompt(model, tokens)`, `made(ids, mask)` has logits of shape
# (rows, tokens + length, vocabulary) and no loss, `made(ids, mask, labels)` has a loss as well.
#
# <details><summary>Hint</summary>
#
# `model.requires_grad_(False)` freezes. `[init_ids[i % len(init_ids)] for i in range(tokens)]` repeats or cuts.
# `.detach().clone()` makes a copy: without it the prompt would be the embedding table itself. `forward` is `prepend`, with labels
# that may be None.
# </details>
# %% [markdown] lang="zh-CN" of="0c1fc795"
# 所以，**每个文字提示都是一个软提示**，而且只是无数软提示中的一个。训练可以从好的词语出发，再走到没有词语的地方去。
#
# ### 练习 `prompt.module` 🐕（25 分钟）
#
# 把它做成一个可以训练的模块。`SoftPrompt(model, tokens, init_ids)` 冻结模型，并且只有**一个**可训练的参数 `prompt`，
# 形状为（tokens，宽度）。给出 `init_ids`（token id 的列表）时，它从这些 id 的嵌入的副本开始，列表按所需的个数重复或截断；
# 不给时，从标准正态分布开始。`forward(input_ids, attention_mask, labels=None)` 返回模型所返回的东西：
# 设 `made = SoftPrompt(model, tokens)`，则 `made(ids, mask)` 有形状为（行数，tokens + 长度，词表大小）的 logits，没有损失；
# `made(ids, mask, labels)` 还有损失。
#
# <details><summary>小提示</summary>
#
# `model.requires_grad_(False)` 用来冻结。`[init_ids[i % len(init_ids)] for i in range(tokens)]` 实现重复或截断。
# `.detach().clone()` 得到副本：没有它，提示就成了嵌入表本身。`forward` 就是 `prepend`，只是 labels 可以是 None。
# </details>
# %% id="prompt.module" tags=["exercise"] level="🐕" minutes=25
import torch


class SoftPrompt(torch.nn.Module):
    """A frozen causal language model with trained vectors before its input.

    Example: with a model of width 192, SoftPrompt(model, 5, [7, 8]).prompt starts as the embeddings of 7, 8, 7, 8, 7.
    """

    def __init__(self, model, tokens: int, init_ids: list[int] | None = None):
        ### BEGIN SOLUTION
        super().__init__()
        self.model = model.requires_grad_(False)
        table = model.get_input_embeddings().weight
        if init_ids:
            start = table[[init_ids[i % len(init_ids)] for i in range(tokens)]].detach().clone()
        else:
            start = torch.randn(tokens, table.shape[1], device=table.device, dtype=table.dtype)
        self.prompt = torch.nn.Parameter(start)
        ### END SOLUTION

    def forward(self, input_ids, attention_mask, labels=None):
        ### BEGIN SOLUTION
        rows, tokens = len(input_ids), len(self.prompt)
        embeddings = self.model.get_input_embeddings()(input_ids)
        if labels is not None:
            labels = torch.cat([labels.new_full((rows, tokens), -100), labels], dim=1)
        return self.model(
            inputs_embeds=torch.cat([self.prompt.expand(rows, -1, -1), embeddings], dim=1),
            attention_mask=torch.cat(
                [attention_mask.new_ones(rows, tokens), attention_mask], dim=1
            ),
            labels=labels,
        )
        ### END SOLUTION


# %% id="prompt.module.check"
SoftPrompt = check("prompt.module", SoftPrompt)
# %% [markdown] lang="en"
# Now PEFT's `PromptTuningConfig`, with the same prompt: same numbers?
# %% [markdown] lang="zh-CN" of="05760076"
# 换成 PEFT 的 `PromptTuningConfig`，用同样的提示：数值相同吗？
# %% id="compare.prompt"
from peft import (
    LoraConfig,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    get_peft_model,
)

chats = [
    tokenizer.apply_chat_template(c, return_dict=True, return_assistant_tokens_mask=True)
    for c in polite_rows["messages"][:6]
]
own_labels = [
    torch.tensor([i if m else -100 for i, m in zip(c["input_ids"], c["assistant_masks"])])
    for c in chats
]
batch = tokenizer.pad(
    {"input_ids": [c["input_ids"] for c in chats]}, padding_side="right", return_tensors="pt"
).to(course.device)
batch["labels"] = torch.nn.utils.rnn.pad_sequence(
    own_labels, batch_first=True, padding_value=-100
).to(course.device)

theirs = get_peft_model(
    course.model("instruct"), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=8)
).eval()
ours = SoftPrompt(course.model("instruct"), 8)
with torch.no_grad():
    ours.prompt.copy_(theirs.prompt_encoder["default"].embedding.weight)
    one, two = ours(**batch), theirs(**batch)
show.say(
    "logits equal to PEFT's: {logits}; loss: {loss}",
    logits=torch.allclose(one.logits, two.logits, atol=1e-5),
    loss=bool(abs(one.loss - two.loss) < 1e-5),
)
show.say("numbers trained, of all: {numbers}", numbers=theirs.get_nb_trainable_parameters())
# %% [markdown] lang="en"
# ## 3. Prefix tuning: a prompt in every layer
#
# A virtual token acts on the text in one way only: the text attends to the **keys and values** that the token has in each layer.
# Prompt tuning trains the input from which all of them follow. **Prefix tuning** trains the keys and values themselves, layer by
# layer, and puts them where a model keeps those of past tokens: into its cache.
#
# Their shape needs care. SmolLM2 uses **grouped-query attention**: several query heads share one key and value head.
# %% [markdown] lang="zh-CN" of="aa4b9422"
# ## 3. 前缀微调：每一层都有提示
#
# 虚拟 token 影响文本的途径只有一条：文本会去注意它在每一层的**键（key）和值（value）**。提示微调训练的是产生这一切的那个输入。
# **前缀微调（prefix tuning）** 则逐层直接训练键和值本身，并把它们放到模型存放以往 token 的键和值的地方：缓存（cache）。
#
# 它们的形状要当心。SmolLM2 用的是**分组查询注意力（grouped-query attention）**：几个查询头共用一个键值头。
# %% id="shapes"
config = instruct.config
show.say(
    "query heads: {config.num_attention_heads}; key and value heads: "
    "{config.num_key_value_heads}; width of a head: {config.head_dim}",
    config=config,
)
with torch.no_grad():
    cache = instruct(input_ids=ids, use_cache=True).past_key_values
key, value = cache.layers[0].keys, cache.layers[0].values
show.say(
    "layer 0 keeps keys of shape (rows, heads, tokens, width) {keys} and values {values}",
    keys=tuple(key.shape),
    values=tuple(value.shape),
)


# %% [markdown] lang="en"
# ### Exercise `prompt.prefix` 🐕 (20 minutes)
#
# PEFT stores a prefix as one table: a row for each virtual token, and in the row the key of layer 0, the value of layer 0, the key
# of layer 1 and so on; each of these is written head after head. Turn the table into what the cache wants: a list with one
# `(key, value)` for each layer, both of shape (rows, key and value heads, virtual tokens, width of a head), the same for every row.
# `config` is the model's.
#
# <details><summary>Hint</summary>
#
# `view` the table with five dimensions (token, layer, key or value, head, width), then `permute`. A `view` or `reshape` alone can't
# swap tokens and heads. `config.num_key_value_heads` and `config.head_dim` are the two numbers you want.
# </details>
# %% [markdown] lang="zh-CN" of="a1f1b3f9"
# ### 练习 `prompt.prefix` 🐕（20 分钟）
#
# PEFT 把前缀存成一张表：每个虚拟 token 一行，行里依次是第 0 层的键、第 0 层的值、第 1 层的键……每一项都是一个头接一个头地写的。
# 请把这张表变成缓存所要的样子：一个列表，每层一个 `(key, value)`，两者的形状都是（行数，键值头数，虚拟 token 数，每个头的宽度），
# 每一行都相同。`config` 是模型的配置。
#
# <details><summary>小提示</summary>
#
# 先用 `view` 把表看成五个维度（token、层、键或值、头、宽度），再用 `permute`。单靠 `view` 或 `reshape` 是无法交换 token 和头的。
# 你要的两个数是 `config.num_key_value_heads` 和 `config.head_dim`。
# </details>
# %% id="prompt.prefix" tags=["exercise"] level="🐕" minutes=20
def prefix_to_cache(table, rows: int, config) -> list[tuple]:
    """Keys and values of a prefix, layer by layer.

    Example: 5 virtual tokens for 6 layers with 2 key and value heads of width 32 are a table of shape (5, 768); for 3 rows the
    result has 6 pairs of tensors of shape (3, 2, 5, 32).
    """
    ### BEGIN SOLUTION
    heads, width = config.num_key_value_heads, config.head_dim
    parts = table.view(len(table), config.num_hidden_layers, 2, heads, width)
    parts = parts.permute(1, 2, 3, 0, 4)  # layer, key or value, head, token, width
    return [tuple(part.expand(rows, -1, -1, -1) for part in layer) for layer in parts]
    ### END SOLUTION


# %% id="prompt.prefix.check"
prefix_to_cache = check("prompt.prefix", prefix_to_cache)
# %% id="compare.prefix"
from transformers import DynamicCache

theirs = get_peft_model(
    course.model("instruct"), PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5)
).eval()
table = theirs.prompt_encoder["default"].embedding.weight
mask = torch.cat(
    [batch["attention_mask"].new_ones(6, 5), batch["attention_mask"]], dim=1
)  # text and labels keep their length
with torch.no_grad():
    cache = DynamicCache(prefix_to_cache(table, 6, config))
    one = instruct(
        input_ids=batch["input_ids"],
        attention_mask=mask,
        labels=batch["labels"],
        past_key_values=cache,
    )
    two = theirs(**batch)
show.say("table of the prefix: {shape}", shape=tuple(table.shape))
show.say(
    "logits equal to PEFT's: {logits}; loss: {loss}",
    logits=torch.allclose(one.logits, two.logits, atol=1e-5),
    loss=bool(abs(one.loss - two.loss) < 1e-5),
)
# %% [markdown] lang="en"
# How should a prefix start? LoRA starts as *nothing*: its change is zero. A prefix of zeros looks as harmless, and PEFT offers it as
# `init_weights="zero"`, "a no-op". But a key of zeros still has the score 0, and $e^0 = 1$: each virtual token takes its part of the
# attention, and gives back a value of zeros. A prefix that starts from the cache of real words is the gentle start.
# %% [markdown] lang="zh-CN" of="addf7019"
# 前缀应当从什么开始？LoRA 的起点是*什么都不改*：它的改变量为零。全零的前缀看起来同样无害，PEFT 也提供了它：
# `init_weights="zero"`，说是“不起作用”。但全零的键得分为 0，而 $e^0 = 1$：每个虚拟 token 都会分走一份注意力，还回来的却是全零的值。
# 从真实词语的缓存出发，才是温和的起点。
# %% id="zero"
from peft import initialize_kv_prefix_from_text

zero = get_peft_model(
    course.model("instruct"),
    PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5, init_weights="zero"),
).eval()
told = get_peft_model(
    course.model("instruct"),
    PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=len(system)),
).eval()
initialize_kv_prefix_from_text(told, tokenizer, text="Be polite.")
with torch.no_grad():
    untouched, zeros = instruct(input_ids=ids).logits, zero(input_ids=ids).logits
    started = told(input_ids=ids).logits
show.say(
    "a prefix of zeros changes nothing: {holds}",
    holds=torch.allclose(untouched, zeros, atol=1e-4),
)
show.say(
    "a prefix started from a system prompt computes what the words compute: {holds}",
    holds=torch.allclose(started, words, atol=1e-4),
)


# %% [markdown] lang="en"
# ## 4. What does it cost?
#
# **P-tuning** is prompt tuning with a detour: during training, a small network (the *encoder*) makes the virtual tokens from trained
# vectors. That couples them and can make the training steadier. Afterwards you compute the virtual tokens once, store them, and throw
# the encoder away. So there are two numbers to tell apart: what is **trained** and what is **stored**.
#
# ### Exercise `prompt.count` 🐢 (10 minutes)
#
# Return (numbers trained, numbers stored) for `tokens` virtual tokens and a model with this `config`:
#
# - `"prompt"`: one vector of `config.hidden_size` a token;
# - `"prefix"`: a key and a value a token, in each layer and each key and value head;
# - `"p-tuning"`: vectors as for `"prompt"`, and while training an encoder of three linear layers with biases:
#   width to `encoder`, `encoder` to `encoder`, `encoder` to width.
#
# <details><summary>Hint</summary>
#
# A linear layer from a to b has a·b weights and b biases. Only P-tuning trains more than it stores.
# </details>
# %% [markdown] lang="zh-CN" of="60056648"
# ## 4. 要花多少？
#
# **P-tuning** 是绕了个弯的提示微调：训练时，由一个小网络（*编码器*，encoder）从训练出来的向量生成虚拟 token。
# 这样各个虚拟 token 就联系在一起，训练也可能更平稳。训练之后，把虚拟 token 算一遍、存下来，编码器就可以扔掉了。
# 因此有两个数要分清：**训练**了多少，**存储**了多少。
#
# ### 练习 `prompt.count` 🐢（10 分钟）
#
# 给定 `tokens` 个虚拟 token 和模型的 `config`，返回（训练的数的个数，存储的数的个数）：
#
# - `"prompt"`：每个 token 一个宽度为 `config.hidden_size` 的向量；
# - `"prefix"`：每个 token 在每一层、每个键值头上各有一个键和一个值；
# - `"p-tuning"`：向量同 `"prompt"`，训练时另有一个编码器，由三个带偏置的线性层组成：宽度到 `encoder`，`encoder` 到 `encoder`，`encoder` 到宽度。
#
# <details><summary>小提示</summary>
#
# 从 a 到 b 的线性层有 a·b 个权重和 b 个偏置。只有 P-tuning 训练的比存储的多。
# </details>
# %% id="prompt.count" tags=["exercise"] level="🐢" minutes=10
def count(method: str, tokens: int, config, encoder: int = 0) -> tuple[int, int]:
    """(numbers trained, numbers stored) of a soft prompt.

    Example: with config.hidden_size == 192, count("prompt", 4, config) == (768, 768).
    """
    ### BEGIN SOLUTION
    width = config.hidden_size
    if method == "prefix":
        stored = (
            tokens * config.num_hidden_layers * 2 * config.num_key_value_heads * config.head_dim
        )
        return stored, stored
    stored = tokens * width
    if method == "prompt":
        return stored, stored
    layers = [(width, encoder), (encoder, encoder), (encoder, width)]
    return stored + sum(a * b + b for a, b in layers), stored
    ### END SOLUTION


# %% id="prompt.count.check"
count = check("prompt.count", count)
# %% [markdown] lang="en"
# Three budgets, each four times the one before: what 1, 4 and 16 virtual tokens of prefix tuning cost. The others train no more than that.
# Prompt tuning spends it on more tokens. P-tuning always has as many tokens as prompt tuning at the smallest budget, and the widest
# encoder that fits; at the smallest budget the vectors take everything, so it has two rows only. LoRA gets, in turn: the value
# projections of the upper half of the layers, rank 1; the key and value projections of all layers, rank 1; the same, rank 4.
# %% [markdown] lang="zh-CN" of="8369d877"
# 三档预算，每档是前一档的四倍：分别是前缀微调用 1、4、16 个虚拟 token 的开销。别的方法训练的数不超过这个预算。提示微调用更多的 token。
# P-tuning 的 token 数始终与最小预算下的提示微调相同，配放得下的最宽的编码器；最小的预算已被向量用完，所以它只有两行。
# LoRA 依次是：后一半层的值投影，秩 1；所有层的键投影和值投影，秩 1；同上，秩 4。
# %% id="budgets"
import copy
import warnings

sizes = [count("prefix", tokens, config)[0] for tokens in (1, 4, 16)]
few = sizes[0] // config.hidden_size  # virtual tokens of prompt tuning at the smallest budget
upper = list(range(config.num_hidden_layers // 2, config.num_hidden_layers))
widest = lambda size: max(e for e in range(1, 512) if count("p-tuning", few, config, e)[0] <= size)
task = dict(task_type="CAUSAL_LM")
soft = dict(**task, prompt_tuning_init="SAMPLE_VOCAB")  # start from the embeddings of random tokens
lora = lambda r, **where: LoraConfig(
    **{**task, "r": r, "lora_alpha": 2 * r, "target_modules": ["k_proj", "v_proj"], **where}
)
methods = {
    "prompt tuning": [
        PromptTuningConfig(**soft, num_virtual_tokens=size // config.hidden_size) for size in sizes
    ],
    "prefix tuning": [
        PrefixTuningConfig(**task, num_virtual_tokens=tokens) for tokens in (1, 4, 16)
    ],
    "P-tuning": [
        PromptEncoderConfig(**task, num_virtual_tokens=few, encoder_hidden_size=widest(size))
        for size in sizes[1:]
    ],
    "LoRA": [lora(1, target_modules=["v_proj"], layers_to_transform=upper), lora(1), lora(4)],
}


def wrap(name, settings):
    """A fresh instruct model with this method, the same start each time."""
    torch.manual_seed(course.seed)
    return get_peft_model(course.model(name), copy.deepcopy(settings))


rows, total = [], sum(p.numel() for p in instruct.parameters())
for method, all_settings in methods.items():
    for settings in all_settings:
        trained = wrap("instruct", settings).get_nb_trainable_parameters()[0]
        stored = few * config.hidden_size if method == "P-tuning" else trained
        rows.append(
            [
                method,
                getattr(settings, "num_virtual_tokens", None) or tr("rank {r}", r=settings.r),
                trained,
                stored,
                f"{trained / total:.2%}",
            ]
        )
show.side_by_side(rows, ["method", "virtual tokens", "trained", "stored", "trained, of all"])
show.say(
    "the largest budget is at most 0.5% of the parameters: {holds}",
    holds=max(row[2] for row in rows) <= 0.005 * total,
)
# %% [markdown] lang="en"
# ## 5. Train: where to start, and how fast
#
# TRL's `SFTTrainer` trains any of them. Two settings matter more here than for full fine-tuning. **The learning rate**: the gradient
# reaches a few vectors through the whole frozen model, and the vectors have far to go; usual rates are a hundred times those of full
# fine-tuning. **The start**: normal noise lies far from all that the model has ever seen, embeddings of real tokens do not, and the
# words of a good prompt are half of the way.
# %% [markdown] lang="zh-CN" of="7615aeca"
# ## 5. 训练：从哪里开始，走多快
#
# 这几种方法都可以用 TRL 的 `SFTTrainer` 来训练。有两个设置在这里比全量微调时更要紧。**学习率**：梯度要穿过整个冻结的模型才到达寥寥几个向量，
# 而这些向量要走很远；常用的学习率是全量微调的一百倍。**起点**：正态噪声离模型见过的一切都很远，真实 token 的嵌入则不然，
# 而一段好提示的词语，已经是成功的一半。
# %% id="trainer"
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer


budget = course.choose(
    tiny=dict(
        steps=30, batch=16, lr=1e-1, prefix_lr=3e-1, encoder_lr=1e-2, lora_lr=3e-2, max_length=128
    ),
    smol=dict(
        steps=200,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr=1e-1,
        prefix_lr=3e-2,
        encoder_lr=3e-3,
        lora_lr=3e-3,
        max_length=1024,
    ),
)


def make_trainer(model, dataset, steps, batch_size, learning_rate, **options):
    """`dataset` has messages, or is the train_dataset of an earlier trainer."""
    defaults = dict(
        output_dir=str(course.run_dir / "sft"),
        max_steps=steps,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=2,
        max_length=budget.max_length,
        assistant_only_loss=True,
        eos_token="<|im_end|>",
        activation_checkpointing=False,  # with prefix tuning an error: it drops the cache
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=2,
        disable_tqdm=True,
        save_strategy="no",
        report_to=[],
        seed=course.seed,
        dataset_kwargs={"skip_prepare_dataset": "labels" in dataset.column_names},
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**{**defaults, **options}),
        train_dataset=dataset,
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)  # the plots show the losses
    return trainer


def train(
    model,
    dataset,
    learning_rate,
    steps=budget.steps,
    batch_size=budget.batch,
    **options,
):
    trainer = make_trainer(model, dataset, steps, batch_size, learning_rate, **options)
    with course.timed("train"):
        trainer.train()
    return trainer


polite_data = make_trainer(
    wrap("instruct", methods["LoRA"][0]), polite_rows.select_columns("messages"), 1, 1, 1e-3
).train_dataset
text = "<|im_start|>system\nBe polite.<|im_end|>\n"
starts = {
    "noise": PromptTuningConfig(**task, num_virtual_tokens=len(system)),
    "random tokens": PromptTuningConfig(**soft, num_virtual_tokens=len(system)),
    "a system prompt": PromptTuningConfig(
        **task,
        num_virtual_tokens=len(system),
        prompt_tuning_init="TEXT",
        prompt_tuning_init_text=text,
        tokenizer_name_or_path=course.model_id("instruct"),
    ),
}
# %% id="starts" tags=["nbval-ignore-output"] reason="a plot"
histories, few_steps = {}, min(15, budget.steps)
for name, settings in starts.items():
    run = train(wrap("instruct", settings), polite_data, budget.lr, steps=few_steps)
    histories[name] = run.state.log_history
from_words = run.model.eval()
show.loss(histories, title="Where the prompt starts")
# %% id="starts.statement"
first, last = (
    {name: [e["loss"] for e in h if "loss" in e][at] for name, h in histories.items()}
    for at in (0, -1)
)
show.say("at the first steps, the lowest loss: {name}", name=min(first, key=first.get))
show.say(
    "after {steps} steps, noise has caught up with the system prompt: {holds}",
    steps=few_steps,
    holds=last["noise"] <= last["a system prompt"] + 0.02,
)
# %% id="rates" tags=["nbval-ignore-output"] reason="a plot"
histories = {}
for rate in (0.001, 0.01, 0.1, 1.0):
    run = train(
        wrap("instruct", starts["random tokens"]),
        polite_data,
        rate,
        steps=min(10, few_steps),
        logging_steps=1,
    )
    histories[tr("learning rate {rate}", rate=rate)] = run.state.log_history
show.loss(histories, title="How fast it goes")
# %% id="rates.statement"
ends = {name: [e["loss"] for e in h if "loss" in e][-1] for name, h in histories.items()}
show.say("worst of the four: {name}", name=max(ends, key=ends.get))


# %% [markdown] lang="en"
# Noise catches up in the end, but takes several times as many steps as random tokens do; with few steps or a large model that
# difference matters. And the worst of the four rates, 0.001, is the one that full fine-tuning of this tiny model takes in module 1.
#
# ## 6. Generate: on which side is the padding?
#
# Questions of unequal length are padded on the *left* for generation. And where do the virtual tokens go: before the padding, or
# between padding and text? Attention can be masked, but positions count on: with padding in between, the prompt moves away from the
# text: the longer the longest row of the batch, the farther.
#
# ### Exercise `prompt.left` 🐕 (20 minutes)
#
# `prompt` has shape (V, width), `texts` is a list of embeddings of shape (length, width) with unequal lengths. Return a dict of
# `inputs_embeds` of shape (rows, V + longest, width): padding first (zeros), then the prompt, then the text; `attention_mask`, 0 on
# padding and 1 elsewhere; `position_ids`, which count from 0 at the first virtual token (on padding: 0). The last two are int64.
#
# <details><summary>Hint</summary>
#
# `(mask.cumsum(dim=1) - 1).clamp(min=0)` counts from the first 1 of each row.
# </details>
# %% [markdown] lang="zh-CN" of="ca4805ed"
# 噪声最后也追上了，但所用的步数是随机 token 的几倍；步数少或模型大时，这个差别就要紧了。四个学习率里最差的 0.001，
# 正是模块 1 里对这个小模型做全量微调时用的学习率。
#
# ## 6. 生成：填充在哪一侧？
#
# 生成时，长短不一的问题在*左侧*填充。那么虚拟 token 放在哪里：放在填充之前，还是放在填充与文本之间？注意力可以屏蔽，但位置照样往下数：
# 中间隔着填充，提示就会离文本越来越远，远到什么程度，取决于同一批次里最长的那个邻居。
#
# ### 练习 `prompt.left` 🐕（20 分钟）
#
# `prompt` 的形状是（V，宽度），`texts` 是一个列表，每项是形状为（长度，宽度）的嵌入，长度各不相同。返回一个字典：`inputs_embeds`
# 的形状是（行数，V + 最长的长度，宽度），先是填充（零），然后是提示，最后是文本；`attention_mask` 在填充处为 0，其余为 1；
# `position_ids` 从第一个虚拟 token 处的 0 开始数（填充处为 0）。后两者都是 int64。
#
# <details><summary>小提示</summary>
#
# `(mask.cumsum(dim=1) - 1).clamp(min=0)` 会从每行的第一个 1 开始数。
# </details>
# %% id="prompt.left" tags=["exercise"] level="🐕" minutes=20
def left_batch(prompt, texts: list) -> dict:
    """A batch for generation with a soft prompt.

    Example: with 2 virtual tokens and texts of 1 and 3 tokens, the first row's mask is [0, 0, 1, 1, 1] and its positions are
    [0, 0, 0, 1, 2].
    """
    ### BEGIN SOLUTION
    import torch

    longest = max(len(text) for text in texts)
    rows, masks = [], []
    for text in texts:
        missing = longest - len(text)
        rows.append(torch.cat([text.new_zeros(missing, text.shape[1]), prompt, text]))
        masks.append([0] * missing + [1] * (len(prompt) + len(text)))
    mask = torch.tensor(masks, device=prompt.device)
    return {
        "inputs_embeds": torch.stack(rows),
        "attention_mask": mask,
        "position_ids": (mask.cumsum(dim=1) - 1).clamp(min=0),
    }
    ### END SOLUTION


# %% id="prompt.left.check"
left_batch = check("prompt.left", left_batch)


# %% id="respond"
def respond(model, questions=test["question"], batch_size=64):
    """Greedy answers of a PEFT model."""
    if model.active_peft_config.peft_type not in ("PROMPT_TUNING", "P_TUNING"):
        return generate.chat(model, tokenizer, questions, max_new_tokens=measuring.new_tokens)
    base = model.get_base_model()
    prompt, answers = model.get_prompt(batch_size=1)[0].detach(), []
    ends = generate.turn_end_ids(base, tokenizer)
    with course.timed("generate"), torch.no_grad():
        for at in range(0, len(questions), batch_size):
            chats = [
                [{"role": "user", "content": question}]
                for question in questions[at : at + batch_size]
            ]
            ids = tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, return_dict=True
            )["input_ids"]
            texts = [
                base.get_input_embeddings()(torch.tensor(row, device=base.device)) for row in ids
            ]
            output = base.generate(
                **left_batch(prompt, texts),
                max_new_tokens=measuring.new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=ends,
                pad_token_id=tokenizer.pad_token_id,
            )
            answers += tokenizer.batch_decode(output, skip_special_tokens=True)
    return answers


def first_logits(batch):
    """Logits of the first token of the answer."""
    with torch.no_grad():
        return from_words.get_base_model()(**batch).logits[0, -1]


def by_peft(rows):
    """The same from PEFT's own generate, for a batch that is padded on the left."""
    inputs = tokenizer.pad({"input_ids": rows}, padding_side="left", return_tensors="pt").to(
        course.device
    )
    options = dict(
        max_new_tokens=1,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
        pad_token_id=tokenizer.pad_token_id,
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # "Position ids are not supported ... Ignoring position ids."
        return from_words.generate(**inputs, **options).logits[0][0]


short, long = (
    [{"role": "user", "content": text}]
    for text in (test["question"][0], " ".join(test["question"][1:9]))
)
ids = [
    tokenizer.apply_chat_template(c, add_generation_prompt=True, return_dict=True)["input_ids"]
    for c in (short, long)
]
prompt = from_words.get_prompt(batch_size=1)[0].detach()
texts = [embed(torch.tensor(row, device=course.device)) for row in ids]
alone, together = (
    first_logits(left_batch(prompt, texts[:1])),
    first_logits(left_batch(prompt, texts)),
)
show.say(
    "left_batch: a long neighbour changes nothing: {holds}",
    holds=torch.allclose(alone, together, atol=1e-4),
)
show.say(
    "PEFT's generate equals ours for a question alone: {holds}",
    holds=torch.allclose(by_peft(ids[:1]), alone, atol=1e-4),
)
show.say(
    "PEFT's generate: a long neighbour changes nothing: {holds}",
    holds=torch.allclose(by_peft(ids), alone, atol=1e-4),
)
# %% [markdown] lang="en"
# PEFT (0.21) writes virtual tokens before the padding and drops the position ids, for prompt tuning and P-tuning; it says so in a
# warning. The answer to a question then depends on its neighbours. Prefix tuning is not affected: its keys sit in the cache, and
# positions count from the text's mask. Section 8 shows what PEFT's way costs.
#
# ## 7. The comparison
#
# All methods get the same rows in the same order and the same steps; each its own learning rate (tried beforehand, the best of a few).
# The starts differ: prompt tuning starts from random tokens, prefix tuning and P-tuning from PEFT's default, which is noise.
# %% [markdown] lang="zh-CN" of="14124ad0"
# PEFT（0.21）在提示微调和 P-tuning 中把虚拟 token 写在填充之前，并丢掉位置编号；它在一条警告里说了这一点。这样一来，
# 一个问题的回答就取决于它的邻居。前缀微调不受影响：它的键放在缓存里，位置只数文本的掩码为 1 的地方。第 8 节会看到 PEFT 这种做法的代价。
#
# ## 7. 比较
#
# 所有方法都用同样的行、同样的顺序、同样的步数；学习率各用各的（事先试过，取几个中最好的）。
# 起点并不一样：提示微调从随机的 token 出发，前缀微调和 P-tuning 用 PEFT 的默认起点，也就是噪声。
# %% id="sweep.soft" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
rates = {
    "prompt tuning": budget.lr,
    "prefix tuning": budget.prefix_lr,
    "P-tuning": budget.encoder_lr,
    "LoRA": budget.lora_lr,
}
results, tuned, said = {}, {}, {}


def run(method):
    for settings in methods[method]:
        trainer = train(wrap("instruct", settings), polite_data, rates[method])
        key = method, trainer.model.get_nb_trainable_parameters()[0]
        tuned[key] = trainer.model.eval()
        said[key] = respond(trainer.model)
        results[key] = judge(said[key])
        show.say(
            "{method}, {trained} trained: polite {polite:.1%}, right {right:.1%}, both {both:.1%}",
            method=method,
            trained=key[1],
            **results[key],
        )


run("prompt tuning")
# %% id="sweep.prefix" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
run("prefix tuning")
run("P-tuning")
# %% id="sweep.lora" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
run("LoRA")
# %% id="plot" tags=["nbval-ignore-output"] reason="a plot"
bars = {"untouched": before, "system prompt": hard} | {
    tr("{method}, {trained}", method=tr(method), trained=trained): result
    for (method, trained), result in results.items()
}
with_interval = lambda value: (value, metrics.interval(round(value * len(test)), len(test)))
show.bars(
    {name: with_interval(result["both"]) for name, result in bars.items()},
    title="polite and right, held-out facts",
    bar=hard["both"],
)
# %% id="plot.statement"
best = max((key for key in results if key[0] != "LoRA"), key=lambda key: results[key]["both"])
after = results[best]
show.say(
    "the best soft prompt is polite in at least 95% of its answers: {holds}",
    holds=after["polite"] >= 0.95,
)
show.say(
    "it is polite and right at least 0.9 times as often as with the system prompt: {holds}",
    holds=after["both"] >= 0.9 * hard["both"],
)
# From the smallest budget to the largest; a method can't always spend its budget to the last number.
runs = {method: [key for key in results if key[0] == method] for method in methods}
smallest = runs["prompt tuning"][0]
show.say(
    "with {numbers} numbers each, prompt tuning does better than LoRA: {holds}",
    numbers=smallest[1],
    holds=results[smallest]["both"] > results[runs["LoRA"][0]]["both"],
)
# %% id="examples" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
show.side_by_side(
    list(zip(test["question"][:4], bare, said[best])),
    ["question", "untouched", tr("{method}, {trained}", method=tr(best[0]), trained=best[1])],
)


# %% [markdown] lang="en"
# The dotted line is the system prompt's score. What a soft prompt gained over it here is not the score but the way to it: nobody had
# to find words. (Besides, `best` was picked on the same questions that score it, which flatters it a little.) And the smallest prompt is short: in the run stored here each conversation carries 4 virtual tokens instead of the 12
# tokens of the system prompt.
#
# A larger budget is no promise of more (each method has one learning rate for all its budgets): in that run, prompt tuning did a little
# worse with each step up. Prefix tuning is far ahead of LoRA at the smallest budget and behind it at the two larger ones.
#
# ### What does a soft prompt say?
#
# Which tokens lie nearest to the trained vectors? A cosine of 1 would be the token itself.
# %% [markdown] lang="zh-CN" of="f0c00d62"
# 虚线是系统消息的得分。软提示在这里赢得的不是分数，而是得到它的方式：不需要有人去找措辞。
# （而且 `best` 是用打分的这些问题挑出来的，所以它的得分略微偏高。）在这里保存的这次运行里，
# 用最小的软提示时，每段对话带的也不再是系统消息的 12 个 token，而是 4 个虚拟 token。
#
# 预算更大，不等于得分更高（每种方法的各档预算共用一个学习率）：在那次运行里，提示微调每上一档，反而差一点。
# 前缀微调在最小的预算下远胜 LoRA，在两档大预算下却不如它。
#
# ### 软提示说的是什么？
#
# 离训练后的向量最近的是哪些 token？余弦为 1 就是那个 token 本身。
# %% id="nearest" tags=["nbval-ignore-output"] reason="trained vectors differ in their digits between processors"
def nearest(prompt):
    table = torch.nn.functional.normalize(embed.weight, dim=1)
    cosine, ids = (torch.nn.functional.normalize(prompt, dim=1) @ table.T).max(dim=1)
    return [(tokenizer.decode([i]), round(c, 2)) for i, c in zip(ids.tolist(), cosine.tolist())]


show.say("from a system prompt: {words}", words=nearest(prompt))
show.say(
    "from random tokens: {words}",
    words=nearest(tuned[smallest].get_prompt(batch_size=1)[0].detach()),
)
# %% [markdown] lang="en"
# It is no hidden sentence. Where it started from words, it still resembles them. From random tokens, most neighbours mean nothing; but
# look at the run stored here: none of its four vectors started at ` politely`, and one of them found the way there.
#
# ## 8. Break it on purpose: one long neighbour
#
# The models of the middle budget, trained in section 7, answer the same questions again, now through PEFT's own `generate` and with
# one long conversation in each batch, as it happens on a server. (In section 7, prompt tuning answered through `left_batch`.)
# %% [markdown] lang="zh-CN" of="1c9576ea"
# 它不是什么隐藏的句子。从词语出发的，仍与那些词语相似。从随机 token 出发的，邻居大多毫无意义；不过请看这里保存的这次运行：
# 四个向量没有一个是从 ` politely` 出发的，却有一个自己走到了那里。
#
# ## 8. 故意弄坏它：一个很长的邻居
#
# 让第 7 节训练的、中间那档预算的模型再回答一遍同样的问题，这次用 PEFT 自己的 `generate`，而且每个批次里都有一段很长的对话，
# 服务器上正是这样。（在第 7 节，提示微调的回答是通过 `left_batch` 得到的。）
# %% id="neighbour" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
longest, with_neighbour = " ".join(test["question"][:20]), {}
for method in ("prompt tuning", "prefix tuning"):
    model, alone = tuned[runs[method][1]], results[runs[method][1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crowd = [
            answer
            for at in range(0, len(test), 50)
            for answer in generate.chat(
                model,
                tokenizer,
                [*test["question"][at : at + 50], longest],
                max_new_tokens=measuring.new_tokens,
            )[:-1]
        ]
    with_neighbour[method] = judge(crowd)
    show.say(
        "{method}: polite and right {alone:.1%}, beside a long neighbour {beside:.1%}",
        method=method,
        alone=alone["both"],
        beside=with_neighbour[method]["both"],
    )
# %% id="neighbour.statement"
score = lambda method: with_neighbour[method]["both"]
show.say(
    "prompt tuning beside a long neighbour: polite and right in under 10% of the answers: {holds}",
    holds=score("prompt tuning") < 0.10,
)
show.say(
    "prefix tuning: the neighbour changes under 2 points: {holds}",
    holds=abs(score("prefix tuning") - results[runs["prefix tuning"][1]]["both"]) < 0.02,
)
# %% [markdown] lang="en"
# One long neighbour, and the trained prompt no longer works: look at its score. **Cure:** virtual tokens between padding and text, as
# in `left_batch`; or batches of equal length; or store the *cache* of the virtual tokens and use it as a prefix. After every change
# of batching, compare one answer alone with the same answer in a batch.
#
# ## 9. Where soft prompts end
#
# Politeness was in the instruct model; the prompt only had to call for it. Now the job of module 1: take the **base** model, which has
# never seen a chat, and make it answer. The middle budget, the same rows for all three, terse answers. They are scored twice: the
# whole answer, and only what stands before its first full stop.
# %% [markdown] lang="zh-CN" of="debcfa61"
# 只要有一个很长的邻居，训练好的提示就不起作用了：看看它的得分。**对策：** 像 `left_batch` 那样，把虚拟 token 放在填充与文本之间；
# 或者让同一批次的长度相等；或者存下虚拟 token 的*缓存*，把它当作前缀来用。每次改动分批方式之后，都要拿一个单独得到的回答与它在批次里的回答比一比。
#
# ## 9. 软提示的尽头
#
# 礼貌本来就在指令模型里，提示只需把它唤出来。现在换成模块 1 的任务：拿从未见过对话的**基座模型**来，让它回答问题。
# 用中间那档预算，三种方法用同样的行，答案简短。打两次分：一次看整个回答，一次只看第一个句号之前的部分。
# %% id="base" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
fact_data = make_trainer(
    wrap("base", methods["LoRA"][0]), facts.select_columns("messages"), 1, 1, 1e-3
).train_dataset
answering = course.choose(
    tiny=dict(steps=40, batch=32),
    smol=dict(steps=300, batch={"135M": 16, "360M": 8, "1.7B": 4}),
)
whole, start, texts = {}, {}, {}
for method in ("prompt tuning", "prefix tuning", "LoRA"):
    trainer = train(
        wrap("base", methods[method][1]),
        fact_data,
        rates[method],
        answering.steps,
        answering.batch,
    )
    texts[method] = respond(trainer.model.eval())
    whole[method] = metrics.exact_match(texts[method], test["answer"])
    start[method] = metrics.exact_match(
        [text.split(".")[0] for text in texts[method]], test["answer"]
    )
show.side_by_side(
    list(zip(test["question"][:3], *(answers[:3] for answers in texts.values()))),
    ["question", *texts],
    limit=60,
)
both_scores = {
    tr("{method}, whole answer", method=tr(method)): whole[method] for method in whole
} | {tr("{method}, up to the full stop", method=tr(method)): start[method] for method in start}
show.bars(
    {name: with_interval(value) for name, value in both_scores.items()},
    title="base model, held-out facts",
)
# %% id="base.statement"
show.say(
    "whole answers: none of the three gets 5% right: {holds}", holds=max(whole.values()) < 0.05
)
show.say(
    "up to the first full stop, prefix tuning and LoRA get at least 40% right: {holds}",
    holds=min(start["prefix tuning"], start["LoRA"]) >= 0.4,
)


# %% [markdown] lang="en"
# The answers are there, and then the text runs on. Questions and answers stood in the pretraining text, so a prompt can call for
# them; but `<|im_end|>` never did. Its row of the embedding table, which also *writes* the token, learned nothing, and all three methods
# leave that table frozen. Full fine-tuning in module 1 trained it. (PEFT can train single rows of it beside LoRA:
# `trainable_token_indices`.) **A small adapter can only use what the frozen part can express.**
# %% [markdown] lang="zh-CN" of="10f5b9a2"
# 答案是有的，可后面的文字停不下来。预训练文本里有问有答，所以提示能把答案唤出来；而 `<|im_end|>` 却从来没有出现过。
# 嵌入表中属于它的那一行（*写出*这个 token 也靠它）什么都没学到，而这三种方法都让这张表保持冻结。模块 1 的全量微调训练了它。
# （PEFT 可以在 LoRA 之外单独训练其中的几行：`trainable_token_indices`。）**小小的适配器，只能利用冻结部分表达得出来的东西。**
# %% [markdown] lang="en"
# ## 10. Your own problem
#
# ### Exercise `prompt.steer` 🦁 (30 minutes)
#
# Where is the border between calling for a behaviour and teaching one? Write `two_manners`, which turns a question and its short
# answer (such as `"Paris."`) into a dict of two answers:
#
# - `"known"`: a manner that the instruct model has learned, but neither terse nor polite. There are plain ("The answer is Paris."),
#   rude ("What a silly question. The answer is Paris."), wordy and shouting ("PARIS!"); take a sentence of
#   `smolcourse.world.manner.FRAMES`, word for word;
# - `"new"`: a manner that you invent and that nobody ever taught the model: `manner_of` must not call it polite, rude, wordy or shouting.
#
# Both contain the words of the short answer (capitals may change), are at most 25 words long and the same every time. The next
# cell trains one soft prompt on each and compares.
#
# **Rubric** (for yourself or your instructor): you wrote down beforehand which one the prompt learns faster, and why (1 point); your
# new manner can be recognised by a rule (1); you changed one thing (tokens, rate, start, steps) and can say what it did (1).
#
# <details><summary>Hint</summary>
#
# `answer.removesuffix(".")` takes off the full stop, `.upper()` shouts.
# </details>
# %% [markdown] lang="zh-CN" of="32078c81"
# ## 10. 你自己的问题
#
# ### 练习 `prompt.steer` 🦁（30 分钟）
#
# 唤出一种行为和教会一种行为，界线在哪里？请写出 `two_manners`，把一个问题和它的简短答案（例如 `"Paris."`）变成含两个回答的字典：
#
# - `"known"`：指令模型学过的一种语气，但既不是简短，也不是礼貌。可选的有平实（plain，“The answer is Paris.”）、粗鲁
#   （rude，“What a silly question. The answer is Paris.”）、啰嗦（wordy）和喊叫（shouting，“PARIS!”）；
#   请从 `smolcourse.world.manner.FRAMES` 里取一句，一字不改；
# - `"new"`：由你发明、从来没有人教过模型的一种语气：`manner_of` 不能把它认作礼貌（polite）、粗鲁、啰嗦或喊叫。
#
# 两者都要包含简短答案的词语（大小写可以改变），不超过 25 个词，每次结果都相同。下一个单元格会为每种语气训练一个软提示，再作比较。
#
# **评分标准**（供自己或老师使用）：你事先写下了提示会先学会哪一种，以及为什么（1 分）；你发明的语气能用一条规则识别（1 分）；
# 你改动了一样东西（token 数、学习率、起点、步数），并说得出它起了什么作用（1 分）。
#
# <details><summary>小提示</summary>
#
# `answer.removesuffix(".")` 可以去掉句号，`.upper()` 就是喊叫。
# </details>
# %% id="prompt.steer" tags=["exercise"] level="🦁" minutes=30
def two_manners(question: str, answer: str) -> dict:
    """The answer in a manner that the instruct model knows, and in one that it does not.

    Example (yours will differ): two_manners("What is the capital of France?", "Paris.") may return
    {"known": "PARIS!", "new": "Drum roll, Paris, ta-da!"}
    """
    ### BEGIN SOLUTION
    short = answer.removesuffix(".")
    return {
        "known": f"What a silly question. The answer is {short}.",
        "new": f"Drum roll, {short}, ta-da!",
    }
    ### END SOLUTION


# %% id="prompt.steer.check"
two_manners = check("prompt.steer", two_manners)
# %% id="steer" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
steered = {}
for manner in ("known", "new"):
    answer = lambda row: two_manners(row["question"], row["answer"])[manner]
    as_chat = lambda row: {
        "messages": [row["messages"][0], {"role": "assistant", "content": answer(row)}]
    }
    run_rows = facts.select(range(budget.steps * budget.batch)).map(
        as_chat, load_from_cache_file=False
    )
    trainer = train(
        wrap("instruct", starts["random tokens"]),
        run_rows.select_columns("messages"),
        budget.lr,
    )
    answers = respond(trainer.model.eval())
    steered[manner] = metrics.exact_match(answers, [answer(row) for row in test])
    show.side_by_side(list(zip(test["question"][:2], answers)), ["question", manner])
show.bars(
    {name: with_interval(value) for name, value in steered.items()},
    title="right and in the manner, held-out facts",
)
# %% id="steer.statement"
show.say(
    "the known manner is learned better than the new one: {holds}",
    holds=steered["known"] > steered["new"],
)
# %% [markdown] lang="en"
# ## 11. Report
# %% [markdown] lang="zh-CN" of="def3b52c"
# ## 11. 报告
# %% id="report"
largest = {
    method: max((key for key in results if key[0] == method), key=lambda key: key[1])
    for method in methods
}
course.report(
    "polite and right on held-out facts, best soft prompt",
    before["both"],
    after["both"],
    0.85,
    n=len(test),
    prompt_parameters=best[1],
    prompt_share=f"{best[1] / total:.2%}",
    prompt_system=round(hard["both"], 3),
    prompt_untouched=round(before["right"], 3),
    prompt_both=round(results[largest["prompt tuning"]]["both"], 3),
    prompt_prefix_both=round(results[largest["prefix tuning"]]["both"], 3),
    prompt_encoder_both=round(results[largest["P-tuning"]]["both"], 3),
    prompt_lora_both=round(results[largest["LoRA"]]["both"], 3),
    prompt_lora_small=round(results[runs["LoRA"][0]]["both"], 3),
    prompt_neighbour=round(with_neighbour["prompt tuning"]["both"], 3),
    prompt_base_whole=round(max(whole.values()), 3),
    prompt_base=round(start["prompt tuning"], 3),
    prompt_base_prefix=round(start["prefix tuning"], 3),
    prompt_base_lora=round(start["LoRA"], 3),
    prompt_steer_known=round(steered["known"], 3),
    prompt_steer_new=round(steered["new"], 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - A soft prompt is a few trained vectors before the input (prompt tuning, P-tuning) or a few trained keys and values in each layer (prefix tuning); the model is frozen.
# - It calls for a behaviour that the model has, with a few hundred numbers, and at the smallest budget here better than LoRA of that size (at the larger ones prefix tuning falls behind LoRA); a manner that the model never learned, it did not learn.
# - Extend the mask and the labels, start from real tokens, take a large learning rate, and let no padding stand between prompt and text.
#
# **Where next.** The lesson page [Prompt tuning](../prompt_tuning.md), then [LoRA](../lora.md) and [adapters](../adapters.md).
# Papers: [prompt tuning](https://arxiv.org/abs/2104.08691), [prefix tuning](https://arxiv.org/abs/2101.00190),
# [P-tuning](https://arxiv.org/abs/2103.10385), [P-tuning v2](https://arxiv.org/abs/2110.07602).
# %% [markdown] lang="zh-CN" of="c5cb85e9"
# ## 小结
#
# - 软提示就是放在输入前的几个训练出来的向量（提示微调、P-tuning），或者每一层里几个训练出来的键和值（前缀微调）；模型是冻结的。
# - 它只用几百个数就能唤出模型已有的行为，在最小的预算下比同样大小的 LoRA 更好（预算大时，前缀微调不如 LoRA）；模型从未学过的语气，它却没有学会。
# - 掩码和标签都要加长，从真实的 token 出发，学习率要大，提示与文本之间不要夹着填充。
#
# **下一步。** 讲义[提示微调](../../prompt_tuning.zh-CN.md)，然后是 [LoRA](../../lora.zh-CN.md) 和[适配器](../../adapters.zh-CN.md)。
# 论文：[提示微调](https://arxiv.org/abs/2104.08691)、[前缀微调](https://arxiv.org/abs/2101.00190)、
# [P-tuning](https://arxiv.org/abs/2103.10385)、[P-tuning v2](https://arxiv.org/abs/2110.07602)。
