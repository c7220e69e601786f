# ---
# smolcourse: {module: 1_instruction_tuning, topic: supervised_fine_tuning}
# ---
# %% [markdown] lang="en"
# # Supervised fine-tuning: from text completer to question answerer
#
# A base model has read a lot and answers nothing. In this notebook you will
#
# - decide which tokens carry the loss, and write the mask, the batch and the loss yourself;
# - check that TRL's `SFTTrainer` computes the same numbers to 1e-5;
# - fine-tune a real (tiny) SmolLM2 and measure it on facts that no training question ever asked for;
# - see three ways in which fine-tuning goes wrong, and how each looks.
#
# **Cost.** A minute or two on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page:
# [Supervised fine-tuning](../supervised_fine_tuning.md).
# %% [markdown] lang="zh-CN" of="a7976f34"
# # 监督微调：从续写文本到回答问题
#
# 基座模型读过很多文字，却一个问题也不会回答。在这个 notebook 里，你将
#
# - 决定哪些 token 参与损失计算，并亲手写出掩码、批次和损失函数；
# - 验证 TRL 的 `SFTTrainer` 算出的数值与你的相差不超过 1e-5；
# - 微调一个真实的（很小的）SmolLM2，并用训练中从未问过的事实来测量它；
# - 看到微调出错的三种情形，以及它们各自的样子。
#
# **开销。** 双核笔记本电脑上一两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[监督微调](../../supervised_fine_tuning.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup" tags=["nbval-ignore-output"] reason="names the device of the machine"
from smolcourse import check, generate, metrics, setup, show

import torch

course = setup("1_instruction_tuning/supervised_fine_tuning")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and what it takes when you run it
# on SmolLM2-135M with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="1bc322ba"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(steps=100, batch=32, lr=1e-3, max_length=128, eval_rows=200, new_tokens=32),
    smol=dict(
        steps=500,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4},
        max_length=1024,
        eval_rows=200,
        new_tokens=128,
    ),
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# `facts` holds questions with short answers in the Hub's `messages` format. The **test** split asks
# about other things than the **train** split does: France may be in one and Japan in the other. The
# base model has *read* all of these facts in its pretraining text, as prose. It has never seen a chat.
# %% [markdown] lang="zh-CN" of="40e118eb"
# ## 1. 先看问题
#
# `facts` 是一组带简短答案的问题，采用 Hub 通用的 `messages` 格式。**测试集（test）** 问的对象与
# **训练集（train）** 不同：法国可能在这一边，日本在另一边。所有这些事实，基座模型（base model）都在预训练文本里
# 以散文的形式*读过*；但它从未见过任何对话。
# %% id="data"
train, test = course.dataset("facts", "train"), course.dataset("facts", "test")
print(train[0]["messages"])
seen = {row["question"] for row in train}
show.say(
    "{train} training rows, {test} test rows, asked in both: {both}",
    train=len(train),
    test=len(test),
    both=sum(question in seen for question in test["question"]),
)
# %% id="baseline" tags=["nbval-ignore-output"] reason="greedy text of an untrained behaviour may differ between processors"
with course.timed("import"):
    tokenizer = course.tokenizer("base")
    base = course.model("base")


def evaluate(model, dataset):
    """Exact match, share of answers that end by themselves, and the answers."""
    with course.timed("generate"):
        answers, ended = generate.chat(
            model,
            tokenizer,
            dataset["question"],
            max_new_tokens=budget.new_tokens,
            return_ended=True,
        )
    return metrics.exact_match(answers, dataset["answer"]), sum(ended) / len(ended), answers


before, ended_before, answers = evaluate(base, test)
show.side_by_side(
    list(zip(test["question"][:5], answers[:5], test["answer"][:5])),
    ["question", "base model", "right answer"],
)
show.say(
    "exact match {before:.1%}, ended by themselves {ended_before:.1%}",
    before=before,
    ended_before=ended_before,
)
# %% id="baseline.bar"
show.say("the base model answers under 5% of the chat questions: {holds}", holds=before < 0.05)
# %% [markdown] lang="en"
# It knows the words and writes on and on. Nothing ever told it that a turn *ends*, or that a short
# answer is wanted. That is what supervised fine-tuning (SFT) teaches: a **format**, by example.
#
# ## 2. Which tokens carry the loss?
#
# Training text is the whole conversation, but you only want to *teach* what the assistant says. The
# tokenizer's chat template marks those tokens (see the notebook on chat templates). Here is one row:
# %% [markdown] lang="zh-CN" of="539f69a3"
# 词它都认得，却没完没了地写下去。从来没有人告诉它，说完一轮就该*结束*；也没有人告诉它，这里要的是简短的答案。
# 监督微调（supervised fine-tuning, SFT）教的正是这个：通过例子学会一种**格式**。
#
# ## 2. 哪些 token 参与损失计算？
#
# 训练文本是整段对话，但你只想*教*助手说的那部分。分词器的对话模板（chat template）会标出这些 token
# （见对话模板那个 notebook）。下面是其中一行：
# %% id="row"
encoded = tokenizer.apply_chat_template(
    train[0]["messages"], return_dict=True, return_assistant_tokens_mask=True
)
show.tokens(tokenizer, encoded["input_ids"], mask=encoded["assistant_masks"])


# %% [markdown] lang="en"
# ### Exercise `sft.labels` 🐢 (5 minutes)
#
# PyTorch's cross-entropy ignores the label -100. Turn ids and mask into labels: the token id where
# the assistant writes, -100 everywhere else. Both inputs are lists of ints of equal length, and so is the result.
#
# <details><summary>Hint</summary>
#
# `zip` walks through both lists at once. Do not shift anything: the shift belongs to the loss.
# </details>
# %% [markdown] lang="zh-CN" of="d14437e8"
# ### 练习 `sft.labels` 🐢（5 分钟）
#
# PyTorch 的交叉熵会忽略标签 -100。请把 id 和掩码变成标签：助手写的位置取该 token 的 id，其余一律为 -100。
# 两个输入都是等长的整数列表，结果也是。
#
# <details><summary>小提示</summary>
#
# `zip` 可以同时遍历两个列表。不要在这里做任何移位：移位是损失函数的事。
# </details>
# %% id="sft.labels" tags=["exercise"] level="🐢" minutes=5
def mask_labels(input_ids: list[int], assistant_mask: list[int]) -> list[int]:
    """Labels of one row.

    >>> mask_labels([5, 6, 7, 8], [0, 0, 1, 1])
    [-100, -100, 7, 8]
    """
    ### BEGIN SOLUTION
    return [token if carries else -100 for token, carries in zip(input_ids, assistant_mask)]
    ### END SOLUTION


# %% id="sft.labels.check"
mask_labels = check("sft.labels", mask_labels)


# %% [markdown] lang="en"
# ## 3. A batch: rows of unequal length in one tensor
#
# Draft 1 pads everything with the pad token and hopes for the best:
# %% [markdown] lang="zh-CN" of="8b9414cb"
# ## 3. 一个批次：把长短不一的行放进同一个张量
#
# 第一稿：所有东西都用 pad token 补齐，然后听天由命。
# %% id="collate.draft"
def draft_collate(rows, pad_token_id):
    longest = max(len(row["input_ids"]) for row in rows)
    pad = lambda ids: ids + [pad_token_id] * (longest - len(ids))
    ids = torch.tensor([pad(row["input_ids"]) for row in rows])
    return {
        "input_ids": ids,
        "labels": torch.tensor([pad(row["labels"]) for row in rows]),
        "attention_mask": ids != pad_token_id,
    }


toy = [{"input_ids": [1, 5, 2], "labels": [-100, 5, 2]}, {"input_ids": [1, 2], "labels": [-100, 2]}]
print(draft_collate(toy, pad_token_id=2))


# %% [markdown] lang="en"
# Look at it for a minute; it has two mistakes. The labels of the padding are 2, so the model is
# trained to write padding. And with pad id 2, which is also the end of the turn here, the *real* ends
# are masked from attention: the mask was made from token values instead of from lengths.
#
# ### Exercise `sft.collate` 🐕 (15 minutes)
#
# Write it right. Input: a list of rows, each with `input_ids` and `labels` (lists of ints). Output: a
# dict of three int64 tensors of shape (rows, longest row): `input_ids` padded **on the right** with
# `pad_token_id`, `labels` padded with -100, `attention_mask` 1 on the row's own tokens and 0 on padding.
#
# <details><summary>Hint</summary>
#
# Compute the number of missing tokens per row once; all three lists follow from it.
# </details>
# %% [markdown] lang="zh-CN" of="f2368064"
# 花一分钟看看，这里有两个错误。填充位置的标签是 2，于是模型被训练去写填充符。而且 pad id 是 2，
# 恰好也是这里的轮次结束符，于是*真正的*结束符被注意力掩码遮住了：掩码是按 token 的值算的，而不是按长度算的。
#
# ### 练习 `sft.collate` 🐕（15 分钟）
#
# 把它写对。输入：一个由行组成的列表，每行有 `input_ids` 和 `labels`（整数列表）。输出：一个字典，含三个形状为
# （行数，最长行的长度）的 int64 张量：`input_ids` 在**右侧**用 `pad_token_id` 补齐，`labels` 用 -100 补齐，
# `attention_mask` 在该行自己的 token 上为 1、在填充上为 0。
#
# <details><summary>小提示</summary>
#
# 每行缺多少个 token 只需算一次，三个列表都由它得出。
# </details>
# %% id="sft.collate" tags=["exercise"] level="🐕" minutes=15
def collate(rows: list[dict], pad_token_id: int) -> dict:
    """A batch of rows, padded on the right.

    >>> collate([{"input_ids": [1, 5, 2], "labels": [-100, 5, 2]}, {"input_ids": [1, 2], "labels": [-100, 2]}], 0)["labels"].tolist()
    [[-100, 5, 2], [-100, 2, -100]]
    """
    ### BEGIN SOLUTION
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    batch = {"input_ids": [], "labels": [], "attention_mask": []}
    for row in rows:
        real = len(row["input_ids"])
        missing = longest - real
        batch["input_ids"].append(row["input_ids"] + [pad_token_id] * missing)
        batch["labels"].append(row["labels"] + [-100] * missing)
        batch["attention_mask"].append([1] * real + [0] * missing)
    return {name: torch.tensor(values) for name, values in batch.items()}
    ### END SOLUTION


# %% id="sft.collate.check"
collate = check("sft.collate", collate)


# %% [markdown] lang="en"
# ## 4. The loss
#
# A causal language model predicts the *next* token: the logits at position $t$ are judged by the label
# at position $t+1$. With $y$ the labels, $z_t \in \mathbb{R}^V$ the logits at position $t$ and
# $M = \{t : y_{t+1} \neq -100\}$ the positions that count,
#
# $$\mathcal{L} = -\frac{1}{|M|} \sum_{t \in M} \log \mathrm{softmax}(z_t)_{y_{t+1}}$$
#
# $|M|$ counts over the whole batch, so a long answer weighs more than a short one.
#
# ### Exercise `sft.loss` 🐕 (15 minutes)
#
# `logits` has shape (rows, length, vocabulary), `labels` (rows, length); return a scalar tensor
# through which gradients flow.
#
# <details><summary>Hint</summary>
#
# Drop the last position of the logits and the first of the labels, flatten both, and let
# `torch.nn.functional.cross_entropy` ignore -100.
# </details>
# %% [markdown] lang="zh-CN" of="d69f3078"
# ## 4. 损失函数
#
# 因果语言模型预测*下一个* token：位置 $t$ 的 logits 由位置 $t+1$ 的标签来评判。记 $y$ 为标签，
# $z_t \in \mathbb{R}^V$ 为位置 $t$ 的 logits，$M = \{t : y_{t+1} \neq -100\}$ 为参与计算的位置，则
#
# $$\mathcal{L} = -\frac{1}{|M|} \sum_{t \in M} \log \mathrm{softmax}(z_t)_{y_{t+1}}$$
#
# $|M|$ 是在整个批次上计数的，因此长答案比短答案的分量更重。
#
# ### 练习 `sft.loss` 🐕（15 分钟）
#
# `logits` 的形状是（行数，长度，词表大小），`labels` 是（行数，长度）；返回一个标量张量，梯度要能从中流过。
#
# <details><summary>小提示</summary>
#
# 去掉 logits 的最后一个位置和标签的第一个位置，把两者展平，再让 `torch.nn.functional.cross_entropy` 忽略 -100。
# </details>
# %% id="sft.loss" tags=["exercise"] level="🐕" minutes=15
def masked_loss(logits, labels):
    """Mean negative log-likelihood of the labels that count.

    Example: with uniform logits over a vocabulary of 8 the loss is log(8), whatever the mask.
    """
    ### BEGIN SOLUTION
    import torch.nn.functional as F

    predicted = logits[:, :-1].flatten(0, 1)
    wanted = labels[:, 1:].flatten()
    return F.cross_entropy(predicted, wanted, ignore_index=-100)
    ### END SOLUTION


# %% id="sft.loss.check"
masked_loss = check("sft.loss", masked_loss)
# %% [markdown] lang="en"
# ## 5. The real thing: TRL's `SFTTrainer`
#
# Everything you wrote by hand, TRL does as well. `assistant_only_loss=True` asks for your mask,
# `eos_token` names the token that ends a turn. First compare, then train.
# %% [markdown] lang="zh-CN" of="e31095b9"
# ## 5. 动真格的：TRL 的 `SFTTrainer`
#
# 你手写的一切，TRL 都会做。`assistant_only_loss=True` 要的就是你的掩码，`eos_token` 指明结束一轮的 token。
# 先比较，再训练。
# %% id="trainer"
from trl import SFTConfig, SFTTrainer


def make_trainer(model, dataset, steps, learning_rate=None, **options):
    """The course's SFT recipe; `dataset` has a `messages` column."""
    defaults = dict(
        output_dir=str(course.run_dir / "sft"),
        max_steps=steps,
        per_device_train_batch_size=budget.batch,
        learning_rate=learning_rate or budget.lr,
        lr_scheduler_type="cosine",
        warmup_steps=10,
        max_length=budget.max_length,
        assistant_only_loss=True,
        eos_token="<|im_end|>",
        activation_checkpointing=False,  # saves memory for big models, costs time for small ones
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=min(10, steps),
        disable_tqdm=False,  # a progress bar with the loss
        save_strategy="no",
        report_to=[],
        seed=course.seed,
    )
    config = SFTConfig(**{**defaults, **options})
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=dataset.select_columns("messages"),
        processing_class=tokenizer,
    )


with course.timed("import"):
    trainer = make_trainer(course.model("base"), train, budget.steps)
# %% id="compare"
rows = []
for messages in train["messages"][:8]:
    e = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    rows.append(
        {"input_ids": e["input_ids"], "labels": mask_labels(e["input_ids"], e["assistant_masks"])}
    )
ours = collate(rows, tokenizer.pad_token_id)
theirs = trainer.data_collator([trainer.train_dataset[i] for i in range(8)])
for name in ours:
    show.say(
        "{name} {shape} equal to TRL's: {holds}",
        name=name,
        shape=tuple(ours[name].shape),
        holds=torch.equal(ours[name], theirs[name]),
    )

theirs = {name: tensor.to(course.device) for name, tensor in theirs.items()}
with torch.no_grad():
    logits = base(input_ids=theirs["input_ids"], attention_mask=theirs["attention_mask"]).logits
    difference = abs(
        masked_loss(logits, theirs["labels"]) - trainer.compute_loss(trainer.model, dict(theirs))
    )
show.say("loss differs from TRL's by less than 1e-5: {holds}", holds=bool(difference < 1e-5))
# %% [markdown] lang="en"
# ### Train
#
# Watch the loss. It starts high, because the model never saw a chat, and soon lies close to 0: a format
# is learnt fast. Whether the model learnt more than these rows, only held-out questions can say.
# %% [markdown] lang="zh-CN" of="418b1bfa"
# ### 训练
#
# 盯住损失：模型从没见过对话，起点自然很高；不久就接近 0：格式学得很快。它学到的是否不止这些训练行，只有留出的问题才能回答。
# %% id="train" tags=["nbval-ignore-output"] reason="a plot and a progress bar"
with course.timed("train"):
    trainer.train()
model = trainer.model.eval()
show.loss({"SFT": trainer.state.log_history})
# %% id="after" tags=["nbval-ignore-output"] reason="greedy text may differ in a token between processors"
after, ended_after, answers = evaluate(model, test)
train_sample = train.select(range(budget.eval_rows))
after_seen, _, _ = evaluate(model, train_sample)
show.side_by_side(
    list(zip(test["question"][:5], answers[:5], test["answer"][:5])),
    ["question", "after SFT", "right answer"],
)
low, high = metrics.interval(round(after * len(test)), len(test))
show.say(
    "held-out facts: {after:.1%} (95% interval {low:.1%} to {high:.1%}), seen facts: "
    "{after_seen:.1%}, ended: {ended_after:.1%}",
    after=after,
    low=low,
    high=high,
    after_seen=after_seen,
    ended_after=ended_after,
)
# %% id="after.bars"
show.say("at least 90% of the held-out facts are right: {holds}", holds=after >= 0.9)
show.say("at least 99% of the answers end by themselves: {holds}", holds=ended_after >= 0.99)
# %% [markdown] lang="en"
# ## 6. Read the number honestly
#
# Could a model get this by guessing? A guesser who knows the kind of question and always gives that
# kind's most frequent training answer is the level to beat. And a question in *words that training
# never used* shows how much of the skill hangs on the phrasing.
# %% [markdown] lang="zh-CN" of="35727461"
# ## 6. 老老实实读数字
#
# 靠猜能得到这个分数吗？假设有人知道问题属于哪一类，并且总是回答训练集中这一类最常见的答案：他的得分就是要超过的水平。
# 再用*训练中从未出现过的说法*提问，就能看出这个本领在多大程度上依赖措辞。
# %% id="chance" tags=["nbval-ignore-output"] reason="scores are shown to the tenth of a percent"
from collections import Counter, defaultdict

by_group = defaultdict(Counter)
for row in train:
    by_group[row["group"]][row["answer"]] += 1
guesses = [by_group[row["group"]].most_common(1)[0][0] for row in test]
chance = metrics.exact_match(guesses, test["answer"])
new_words = course.dataset("facts", "new_phrasing").select(range(budget.eval_rows))
reworded, _, _ = evaluate(model, new_words)
show.bars(
    {
        "base": before,
        "most frequent answer": chance,
        "held-out facts": after,
        "new phrasing": reworded,
    },
    title="Exact match",
    bar=0.9,
)
show.say(
    "most frequent answer: {chance:.1%}, new phrasing: {reworded:.1%}",
    chance=chance,
    reworded=reworded,
)
# %% id="chance.statement"
show.say("fine-tuning beats guessing by more than 50 points: {holds}", holds=after - chance > 0.5)
# %% [markdown] lang="en"
# The bar of the new phrasing is much lower: a good part of the skill hangs on the wording.
#
# What the number does **not** show: anything outside this world, longer conversations, honesty. Ask
# this model about a country that does not exist, and see whether it admits that it does not know.
# %% [markdown] lang="zh-CN" of="65e3c604"
# 换了说法，柱子就矮了一大截：这个本领有相当一部分依赖措辞。
#
# 这个数字**没有**告诉你的：这个世界之外的任何事情、更长的对话、是否诚实。问它一个不存在的国家，看看它肯不肯承认自己不知道。
# %% id="atlantis" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
questions = ["What is the capital of Atlantis?", "Which color does a dragon have?"]
show.side_by_side(
    list(zip(questions, generate.chat(model, tokenizer, questions))), ["question", "after SFT"]
)
# %% [markdown] lang="en"
# The tiny model makes up a city and a colour: not one of the training answers was "I do not know".
#
# ## 7. Where did the knowledge come from?
#
# Not from SFT: no training row mentions the held-out facts. To see it, give the same **fifty rows** to
# two models until both know them by heart: to the base model, and to a model of the same architecture
# with random weights, the *blank* model, which has read nothing.
# %% [markdown] lang="zh-CN" of="709b0f5a"
# 小模型编造了一个城市和一种颜色：训练答案里没有一条是“我不知道”。
#
# ## 7. 知识从哪里来？
#
# 不是来自 SFT：没有任何训练行提到过那些留出的事实。想亲眼看到这一点，就拿同样的**五十行**数据，分别教给两个模型，
# 直到它们都背熟：一个是基座模型，另一个结构相同、权重随机，什么都没读过（下面叫它“白纸模型”）。
# %% id="scratch" tags=["nbval-ignore-output"] reason="plots, progress bars and exact scores"
from transformers import AutoModelForCausalLM, set_seed

fifty = train.select(range(50))
set_seed(course.seed)
blank = AutoModelForCausalLM.from_config(base.config).to(course.device)
few = make_trainer(course.model("base"), fifty, int(0.6 * budget.steps))
scratch = make_trainer(blank, fifty, int(1.6 * budget.steps), learning_rate=3 * budget.lr)
with course.timed("train"):
    few.train()
    scratch.train()
few_seen, few_heldout = evaluate(few.model, fifty)[0], evaluate(few.model, test)[0]
blank_seen, blank_heldout = evaluate(blank, fifty)[0], evaluate(blank, test)[0]
show.side_by_side(
    [
        ("base model, then SFT", f"{few_seen:.0%}", f"{few_heldout:.0%}"),
        ("random weights, then SFT", f"{blank_seen:.0%}", f"{blank_heldout:.0%}"),
    ],
    ["model", "the fifty questions", "held-out facts"],
)
show.loss(
    {"from the base model": few.state.log_history, "from random weights": scratch.state.log_history}
)
# %% id="scratch.statement"
show.say(
    "both know at least 90% of the fifty answers: {holds}", holds=min(few_seen, blank_seen) >= 0.9
)
show.say(
    "on held-out facts the base model is at least 40 points better: {holds}",
    holds=few_heldout - blank_heldout >= 0.4,
)
# %% [markdown] lang="en"
# Both learned the fifty answers by heart; on the other questions the blank model is almost always wrong,
# and the base model answers most of them. **SFT teaches the format; pretraining brought the knowledge.**
# A few rows can drill in their own answers, as they did in the blank model. About facts that stand in no
# row they teach nothing: there the model only learns to *say* what it knows (and for that, fifty good
# rows go a long way).
#
# ## 8. Break it on purpose
#
# ### Padding with the end token
#
# Many recipes set `pad_token = eos_token`. It is harmless in TRL, which pads labels by *length*. It is
# not harmless in a collator (a function like your `collate`) that masks labels by *value*, such as
# transformers' `DataCollatorForLanguageModeling`: each real end of turn looks like padding and loses its loss. (That
# collator also puts loss on the prompts: where the texts below go on with a header such as `assistant`,
# they learnt it there.)
# %% [markdown] lang="zh-CN" of="d35e3931"
# 两个模型都背下了那五十个答案；而对其他问题，白纸模型几乎全错，基座模型却大多答得出来。**SFT 教格式，知识来自预训练。**
# 少量的行可以让模型死记住这些行自己的答案，白纸模型就是这样。至于哪一行都没有提到的事实，它们什么也教不了：
# 在那里，模型只是学会把自己知道的*说出来*（而要做到这一点，五十行好数据就很管用）。
#
# ## 8. 故意弄坏它
#
# ### 用结束符来填充
#
# 很多配方会写 `pad_token = eos_token`。在 TRL 里这没有危害，因为它按*长度*填充标签；但在按*值*屏蔽标签的
# collator（就是你写的 `collate` 那样的函数）里就有害了，比如 transformers 的 `DataCollatorForLanguageModeling`：每个真正的轮次结束符看起来都像填充，
# 从而失去了损失。（这个 collator 还会让提示部分也参与损失计算：下面的文字里如果接着出现 `assistant` 这样的消息头，就是从那里学来的。）
# %% id="pad_is_eos" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
import copy

from transformers import DataCollatorForLanguageModeling

sick_tokenizer = copy.deepcopy(tokenizer)
sick_tokenizer.pad_token = "<|im_end|>"
sick = make_trainer(course.model("base"), train, budget.steps // 2)
sick.data_collator = DataCollatorForLanguageModeling(sick_tokenizer, mlm=False)
sick.train_dataset = sick.train_dataset.remove_columns(
    "labels"
)  # this collator makes its own labels
with course.timed("train"):
    sick.train()
sick_score, sick_ended, sick_answers = evaluate(sick.model.eval(), test)
show.side_by_side(
    list(zip(test["question"][:3], sick_answers[:3])), ["question", "trained with pad = eos"]
)
# %% id="pad_is_eos.statement"
show.say(
    "right pad: at least 99% of the answers end by themselves: {holds}", holds=ended_after >= 0.99
)
show.say("pad = eos: under 10% of the answers end by themselves: {holds}", holds=sick_ended < 0.10)
# %% [markdown] lang="en"
# The answer may be right, and then it goes on: nothing was ever taught about stopping. **Cure:** a pad
# token of its own, or labels masked by length.
#
# ### A sick loss curve
#
# The learning rate is the first thing to look at. Here are a much too small and a much too large one
# beside the healthy run.
# %% [markdown] lang="zh-CN" of="64c5f030"
# 答案也许是对的，可它停不下来：从来没有人教过它停。**对策：** 使用单独的 pad token，或者按长度屏蔽标签。
#
# ### 生病的损失曲线
#
# 首先要看的是学习率（learning rate）。下面把一个太小的和一个太大的学习率与健康的那次放在一起。
# %% id="curves" tags=["nbval-ignore-output"] reason="a plot"
histories = {}
for name, factor in (
    ("healthy run", 1),
    ("a thousand times too small", 1e-3),
    ("a thousand times too large", 1e3),
):
    run = make_trainer(
        course.model("base"),
        train,
        min(20, budget.steps),
        learning_rate=budget.lr * factor,
        logging_steps=2,
    )
    with course.timed("train"):
        run.train()
    histories[name] = run.state.log_history
show.loss(histories, log=True)


# %% [markdown] lang="en"
# ### Exercise `sft.diagnose` 🐕 (15 minutes)
#
# Write the doctor. Inputs: training and evaluation losses, lists of floats of equal length, at least two. Return
# the **first** of these that holds:
#
# 1. `"diverging"`: any training loss is not a finite number, or the last one is higher than the first;
# 2. `"memorising"`: the last evaluation loss is more than 10% above the lowest one;
# 3. `"too_slow"`: the training loss fell by less than 20% of its first value;
# 4. `"healthy"`: otherwise.
#
# <details><summary>Hint</summary>
#
# `math.isfinite` knows both nan and infinity; `min(eval_loss)` is the lowest point of the curve.
# </details>
# %% [markdown] lang="zh-CN" of="426c6e11"
# ### 练习 `sft.diagnose` 🐕（15 分钟）
#
# 写一个“医生”。输入：训练损失和评估损失，两个等长的浮点数列表，各有至少两个值。返回下列情形中**第一个**成立的：
#
# 1. `"diverging"`（发散）：有训练损失不是有限数，或者最后一个比第一个高；
# 2. `"memorising"`（死记硬背）：最后一个评估损失大于最低点的 1.1 倍；
# 3. `"too_slow"`（太慢）：训练损失的降幅不到初值的 20%；
# 4. `"healthy"`（健康）：其他情况。
#
# <details><summary>小提示</summary>
#
# `math.isfinite` 能识别 nan 和无穷；`min(eval_loss)` 就是曲线的最低点。
# </details>
# %% id="sft.diagnose" tags=["exercise"] level="🐕" minutes=15
def diagnose(train_loss: list[float], eval_loss: list[float]) -> str:
    """What ails a training run.

    >>> diagnose([3.0, 1.0, 0.5], [3.0, 1.2, 1.9])
    'memorising'
    """
    ### BEGIN SOLUTION
    import math

    if not all(math.isfinite(value) for value in train_loss) or train_loss[-1] > train_loss[0]:
        return "diverging"
    if eval_loss[-1] > 1.1 * min(eval_loss):
        return "memorising"
    if train_loss[-1] > 0.8 * train_loss[0]:
        return "too_slow"
    return "healthy"
    ### END SOLUTION


# %% id="sft.diagnose.check"
diagnose = check("sft.diagnose", diagnose)
# %% id="diagnose.use"
for name, history in histories.items():
    losses = [entry["loss"] for entry in history if "loss" in entry]
    # These runs had no evaluation set: a flat line in its place gives no verdict on memorising.
    show.say("{name}: {verdict}", name=name, verdict=diagnose(losses, [1.0] * len(losses)))


# %% [markdown] lang="en"
# ## 9. Packing: stop computing on padding
#
# Rows of unequal length waste work. **Packing** puts several rows into one sequence of fixed size (the
# attention is kept inside each row).
#
# ### Exercise `sft.pack` 🐕 (20 minutes)
#
# Input: the lengths of the rows and the size of a bin. Return bins, each a list of row *indices*: every
# row in exactly one bin, no bin longer than `size`, and no more bins than *first-fit decreasing* needs
# (take rows from long to short, put each into the first bin with room). A row longer than `size` can't
# be packed: raise `ValueError`.
#
# <details><summary>Hint</summary>
#
# `sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)` gives the indices from long to short.
# Keep the room left in each bin in a second list.
# </details>
# %% [markdown] lang="zh-CN" of="51585777"
# ## 9. 打包：别再为填充做计算
#
# 长短不一的行会浪费计算。**打包（packing）** 把几行放进一个固定长度的序列里（注意力仍限制在各行之内）。
#
# ### 练习 `sft.pack` 🐕（20 分钟）
#
# 输入：各行的长度，以及一个箱子的容量。返回若干箱子，每个箱子是一个行*下标*的列表：每行恰好在一个箱子里，
# 任何箱子都不超过 `size`，箱子总数不多于*首次适应递减法*（first-fit decreasing：从长到短取行，放进第一个放得下的箱子）
# 所需的数目。比 `size` 还长的行无法打包：请抛出 `ValueError`。
#
# <details><summary>小提示</summary>
#
# `sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)` 会从长到短给出下标。
# 用另一个列表记住每个箱子还剩多少空间。
# </details>
# %% id="sft.pack" tags=["exercise"] level="🐕" minutes=20
def pack(lengths: list[int], size: int) -> list[list[int]]:
    """Row indices, packed into bins of at most `size` tokens.

    Example: pack([5, 3, 4, 2], 7) may return [[0, 3], [2, 1]].
    """
    ### BEGIN SOLUTION
    if any(length > size for length in lengths):
        raise ValueError(f"a row is longer than the bin size {size}")
    bins, room = [], []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        for b, left in enumerate(room):
            if lengths[index] <= left:
                bins[b].append(index)
                room[b] -= lengths[index]
                break
        else:
            bins.append([index])
            room.append(size - lengths[index])
    return bins
    ### END SOLUTION


# %% id="sft.pack.check"
pack = check("sft.pack", pack)
# %% id="pack.use"
lengths = [len(row) for row in trainer.train_dataset["input_ids"]]
size, batch = budget.max_length, budget.batch
padded = sum(
    max(lengths[i : i + batch]) * len(lengths[i : i + batch]) for i in range(0, len(lengths), batch)
)
packed = len(pack(lengths, size)) * size
show.say(
    "tokens in the rows: {tokens}; computed with padding: {padded}; computed with packing: "
    "{packed}",
    tokens=sum(lengths),
    padded=padded,
    packed=packed,
)
# %% [markdown] lang="en"
# ## 10. The same run from the command line
#
# TRL's command line does the same from a file: no notebook, no Python of your own. That is how you run
# it on a cluster. Here are ten steps of it:
# %% [markdown] lang="zh-CN" of="27c46df5"
# ## 10. 同样的训练，用命令行来跑
#
# TRL 的命令行用一个配置文件就能做同样的事：不需要 notebook，也不用自己写 Python。在集群上就这样跑。下面跑十步：
# %% id="cli" tags=["nbval-ignore-output"] reason="a log with timings"
import subprocess
import sys

import yaml

folder = course.run_dir / "cli"
(folder / "data").mkdir(parents=True)
train.select_columns("messages").to_json(folder / "data" / "train.jsonl")
tokenizer.save_pretrained(folder / "start")
base.save_pretrained(folder / "start")
recipe = dict(
    model_name_or_path=str(folder / "start"),
    dataset_name=str(folder / "data"),
    output_dir=str(folder / "out"),
    max_steps=min(10, budget.steps),
    per_device_train_batch_size=budget.batch,
    learning_rate=budget.lr,
    assistant_only_loss=True,
    eos_token="<|im_end|>",
    max_length=budget.max_length,
    activation_checkpointing=False,
    bf16=course.bf16,
    use_cpu=course.device == "cpu",
    report_to="none",
    logging_steps=5,
    dtype="float32",
)
(folder / "sft.yaml").write_text(yaml.safe_dump(recipe))
trl = [
    sys.executable,
    "-m",
    "trl.cli.main",
]  # the same as the command `trl`, wherever that was installed
with course.timed("train"):
    run = subprocess.run(
        [*trl, "sft", "--config", str(folder / "sft.yaml")], capture_output=True, text=True
    )
last = [line for line in (run.stdout + run.stderr).splitlines() if "'loss'" in line][-1:]
print(*last)
# %% id="cli.statement"
show.say(
    "the command line wrote a model: {holds}", holds=(folder / "out" / "model.safetensors").exists()
)


# %% [markdown] lang="en"
# ## 11. Your own problem
#
# ### Exercise `sft.style` 🦁 (30 minutes)
#
# Teach the model a way of answering that you invent: a pirate, a quiz host, JSON. Write `restyle`, which
# turns a question and its short answer (such as `"Paris."`) into the answer you want. It must contain
# the words of the short answer (the full stop may go, capitals may change) and of no other row's answer,
# be the same every time, differ from the short answer, and be at most 16 words long (a Chinese character
# counts as one). Then the next cells train on it and measure it on held-out facts.
#
# **Rubric** (for yourself or your instructor): the style is recognisable by a rule (1 point); held-out
# answers follow it in at least 80% of the cases (1); you found a question where it breaks and can say
# why (1).
#
# <details><summary>Hint</summary>
#
# `answer.removesuffix(".")` takes off the full stop. Long styles take longer to learn; start short. The
# model has read English only: try Chinese if you like, but each of its characters costs three tokens.
# </details>
# %% [markdown] lang="zh-CN" of="59225f44"
# ## 11. 你自己的问题
#
# ### 练习 `sft.style` 🦁（30 分钟）
#
# 教模型一种由你发明的回答方式：海盗腔、智力竞赛主持人、JSON 都行。请写出 `restyle`，把一个问题和它的简短答案
# （例如 `"Paris."`）变成你想要的回答。它必须包含简短答案的词语（句号可以去掉，大小写可以改变），不能混入别的行的答案；
# 每次结果都相同，与简短答案有所不同，并且不超过 16 个词（一个汉字算一个词）。接下来的单元格会用它训练，并在留出的事实上测量。
#
# **评分标准**（供自己或老师使用）：这种风格能用一条规则识别（1 分）；留出问题的回答至少 80% 符合它（1 分）；
# 你找到了一个它失灵的问题，并说得出原因（1 分）。
#
# <details><summary>小提示</summary>
#
# `answer.removesuffix(".")` 可以去掉句号。风格越长，学得越慢；先从短的开始。这个模型只读过英文，一个汉字要占三个 token：
# 想试中文也可以，先试“答案是 Paris！”这样短的。
# </details>
# %% id="sft.style" tags=["exercise"] level="🦁" minutes=30
def restyle(question: str, answer: str) -> str:
    """The answer in a style of your own.

    Example (yours will differ): restyle("What is the capital of France?", "Paris.") may return
    "Easy: Paris it is!"
    """
    ### BEGIN SOLUTION
    return f"Easy: {answer.removesuffix('.')} it is!"
    ### END SOLUTION


# %% id="sft.style.check"
restyle = check("sft.style", restyle)


# %% id="style.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
def styled(row):
    question, answer = row["question"], restyle(row["question"], row["answer"])
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


targets = [restyle(row["question"], row["answer"]) for row in test]
longest = (
    max(len(tokenizer(target)["input_ids"]) for target in targets) + 1
)  # and the end of the turn
style_trainer = make_trainer(course.model("base"), train.map(styled), budget.steps // 2)
with course.timed("train"):
    style_trainer.train()
with course.timed("generate"):
    style_answers = generate.chat(
        style_trainer.model.eval(), tokenizer, test["question"], max_new_tokens=longest
    )
style_share = metrics.exact_match(style_answers, targets)
show.side_by_side(
    list(zip(test["question"][:5], style_answers[:5])), ["question", "answer in your style"]
)
show.say("held-out answers in your style and right: {share:.1%}", share=style_share)
# %% id="style.statement"
show.say(
    "at least 80% of the held-out answers are right and in style: {holds}", holds=style_share >= 0.8
)
# %% [markdown] lang="en"
# ## 12. Report
# %% [markdown] lang="zh-CN" of="ae67a6eb"
# ## 12. 报告
# %% id="report" tags=["nbval-ignore-output"] reason="seconds and memory"
course.report(
    "exact match on held-out facts",
    before,
    after,
    0.90,
    n=len(test),
    seen=round(after_seen, 3),
    ended=round(ended_after, 3),
    chance=round(chance, 3),
    new_phrasing=round(reworded, 3),
    fifty_rows_heldout=round(few_heldout, 3),
    random_weights_seen=round(blank_seen, 3),
    random_weights_heldout=round(blank_heldout, 3),
    ended_with_pad_as_eos=round(sick_ended, 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - SFT is next-token training on conversations in which only the assistant's tokens carry the loss, its end of turn included.
# - It teaches a format. What the model can then say, pretraining has put there: a blank model learns the same fifty answers by heart and knows no other.
# - Measure on things that training never asked for, beside the guesser's score and with an interval.
#
# **Where next.** The lesson page [Supervised fine-tuning](../supervised_fine_tuning.md) has the choices (learning rate, epochs,
# packing, data size) with numbers. Papers: [FLAN](https://arxiv.org/abs/2109.01652), [InstructGPT](https://arxiv.org/abs/2203.02155),
# [LIMA](https://arxiv.org/abs/2305.11206), [SmolLM2](https://arxiv.org/abs/2502.02737).
# %% [markdown] lang="zh-CN" of="ae778f19"
# ## 小结
#
# - SFT 就是在对话上做下一个 token 的训练，只有助手的 token（包括它的轮次结束符）参与损失计算。
# - 它教的是格式。模型之后能说出什么，取决于预训练放进去了什么：白纸模型能背下同样的五十个答案，此外一概不知。
# - 要用训练中从未问过的东西来测量，同时给出瞎猜的得分和置信区间。
#
# **下一步。** 讲义[监督微调](../../supervised_fine_tuning.zh-CN.md)里有各种选择（学习率、轮数、打包、数据量）以及对应的数字。
# 论文：[FLAN](https://arxiv.org/abs/2109.01652)、[InstructGPT](https://arxiv.org/abs/2203.02155)、
# [LIMA](https://arxiv.org/abs/2305.11206)、[SmolLM2](https://arxiv.org/abs/2502.02737)。
