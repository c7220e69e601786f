# ---
# smolcourse: {module: 2_preference_alignment, topic: orpo}
# ---
# %% [markdown] lang="en"
# # ORPO: answering and preferring in one stage
#
# Alignment usually takes two stages: fine-tune on good answers, then optimise preferences beside a frozen
# copy of the result. ORPO, *odds-ratio preference optimisation*, does it in one, from the base model and
# without the copy. In this notebook you will
#
# - see what fine-tuning on good answers does to the bad ones;
# - write the odds and the loss by hand, and check that TRL computes the same numbers to 1e-5;
# - train the base model in one stage, and compare it with SFT and then DPO at the same number of steps;
# - measure what the missing copy saves, turn the one knob that there is, and break it on purpose.
#
# ORPO is not reinforcement learning, online or otherwise: nothing is sampled while it trains and nothing is
# rewarded. It is a supervised loss on fixed pairs of answers.
#
# **Cost.** A minute or two on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page: [ORPO](../orpo.md).
# %% [markdown] lang="zh-CN" of="d4c7fe40"
# # ORPO：一个阶段，同时学会回答与偏好
#
# 对齐通常分两个阶段：先在好的回答上微调，再拿一份冻结的副本作参照来优化偏好。ORPO，即*胜算比偏好优化*
# （odds-ratio preference optimisation），只用一个阶段：从基座模型直接开始，也不需要那份副本。在这个 notebook 里，你将
#
# - 看到在好的回答上微调时，坏的回答会发生什么；
# - 亲手写出胜算（odds）和损失函数，并验证 TRL 算出的数值与你的相差不超过 1e-5；
# - 用一个阶段训练基座模型，并在步数相同的条件下与“先 SFT、后 DPO”比较；
# - 测量省掉那份副本究竟省了多少，转动唯一的那个旋钮，再故意把它弄坏。
#
# ORPO 不是强化学习，既不是在线的，也不是离线的：训练时不采样，也没有奖励。它就是在固定的回答对上的一个监督损失。
#
# **开销。** 双核笔记本电脑上一两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[ORPO](../../orpo.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
from smolcourse import check, metrics, setup, show
from smolcourse.topics import preference

import torch

course = setup("2_preference_alignment/orpo")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and those it takes on SmolLM2-135M
# with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="c99ee601"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(steps=60, batch=16, lr=1e-3, lam=2.0, max_length=128, new_tokens=32),
    smol=dict(
        steps=600,
        batch={"135M": 8, "360M": 4, "1.7B": 2},  # pairs: twice as many rows
        lr={"135M": 5e-5, "360M": 3.3e-5, "1.7B": 1.7e-5},
        lam=0.1,
        max_length=1024,
        new_tokens=128,
    ),
)
# %% [markdown] lang="en"
# ## 1. Two answers to every question
#
# `preferences` has the Hub's three columns: a prompt, the answer that people chose, and the one that they
# rejected. In Smol World both are *right*; the chosen one is polite, the other is terse, plain, rude, wordy
# or shouted. So a method can do two kinds of harm here: miss the manner, or spoil the facts. Both are
# measured on questions about facts that no training row asks for.
#
# A tokenizer's `bos_token` goes in front of every row that TRL's `ORPOTrainer` makes, and its `eos_token` behind
# every answer that does not end with it. At inference nobody writes the first, and an answer ends with its
# turn; so the first is switched off and the second is the end of turn.
# %% [markdown] lang="zh-CN" of="5f9f09b0"
# ## 1. 每个问题，两个回答
#
# `preferences` 就是 Hub 上常见的三列：提示、人们选中的回答（chosen）、人们拒绝的回答（rejected）。在 Smol World 里，
# 两个回答都是*对的*：选中的那个有礼貌，另一个则是简短、平淡、粗鲁、啰嗦或大喊大叫的。所以一种方法在这里可能造成两种损害：
# 语气不对，或者把事实弄坏。两者都用训练中从未问过的事实来测量。
#
# TRL 的 `ORPOTrainer` 会把分词器的 `bos_token` 加到每一行的开头，还会给没有以 `eos_token` 结尾的回答补上它。
# 而推理时没有人写前一个，回答则随着轮次一起结束；所以这里关掉前一个，并把后一个设为轮次结束符。
# %% id="data"
train, test = course.dataset("preferences", "train"), course.dataset("preferences", "test")
facts = course.dataset("facts", "test")
steps, batch = budget.steps, budget.batch
train = preference.validate(train.select(range(min(steps * batch, len(train)))))
for name in train.column_names:
    print(name, train[0][name])
show.say(
    "{train} training pairs, {test} test pairs, {facts} questions to measure on",
    train=len(train),
    test=len(test),
    facts=len(facts),
)
# %% id="baseline" tags=["nbval-ignore-output"] reason="greedy text of an untrained behaviour may differ between processors"
with course.timed("import"):
    tokenizer = course.tokenizer("base")
    base = course.model("base")
tokenizer.bos_token, tokenizer.eos_token = None, "<|im_end|>"
pairs = preference.as_text(
    train, tokenizer, budget.max_length
)  # prompt, chosen, rejected as strings that end with the turn


def evaluate(model):
    """Shares of the held-out questions answered politely, and rightly; see preference.Behaviour."""
    with course.timed("generate"):
        return preference.behaviour(
            model,
            tokenizer,
            facts["question"],
            facts["answer"],
            max_new_tokens=budget.new_tokens,
        )


before = evaluate(base)
show.side_by_side(list(zip(facts["question"][:3], before.answers[:3])), ["question", "base model"])
show.say(
    "polite {before.manner.share:.1%}, right {before.facts.share:.1%}, both {before.both.share:.1%}",
    before=before,
)
# %% id="baseline.statement"
show.say(
    "the base model answers under 5% politely and rightly: {holds}", holds=before.both.share < 0.05
)
# %% [markdown] lang="en"
# ## 2. What fine-tuning does to the answer that you did not want
#
# Stage one of the usual way: SFT on the chosen answers. The rejected ones are never shown. Still, watch
# them: every few steps the cell below asks how likely both answers of 64 *held-out* pairs are (the mean
# log-probability of an answer's tokens; you will write that yourself in a moment).
# %% [markdown] lang="zh-CN" of="19eafc6f"
# ## 2. 微调对你不想要的回答做了什么
#
# 通常做法的第一阶段：在选中的回答上做 SFT，被拒绝的回答从不露面。不过还是盯住它们：下面的单元格每隔几步就问一次，
# 64 个*留出的*回答对里，两个回答各有多大可能（即回答中各 token 的平均对数概率，你马上就会亲手写出它）。
# %% id="watch"
from transformers import TrainerCallback

watched = test.select(range(64))


def mean_logps(model):
    """(chosen, rejected): mean log-probability of an answer's token, averaged over the watched pairs."""
    found = preference.pair_log_probs(model, tokenizer, watched, 64, budget.max_length)
    mean = lambda sums, counts: sum(s / n for s, n in zip(sums, counts)) / len(sums)
    return mean(found.chosen, found.chosen_tokens), mean(found.rejected, found.rejected_tokens)


class Watch(TrainerCallback):
    """Looks at the watched pairs before the training and every few steps."""

    def __init__(self, start=0, every=None):
        self.start, self.every = start, every or max(1, steps // 8)
        self.steps, self.chosen, self.rejected = [], [], []

    def look(self, model, step):
        for values, value in zip((self.chosen, self.rejected), mean_logps(model)):
            values.append(value)
        self.steps.append(self.start + step)

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        self.look(model, 0)

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self.look(model, state.global_step)

    def lines(self, name=""):
        return {
            f"{name}chosen": (self.steps, self.chosen),
            f"{name}rejected": (self.steps, self.rejected),
        }


# %% id="sft" tags=["nbval-ignore-output"] reason="a plot and a progress bar"
from trl import SFTConfig, SFTTrainer

shared = dict(
    output_dir=str(course.run_dir / "out"),
    per_device_train_batch_size=batch,
    lr_scheduler_type="cosine",
    warmup_steps=10,
    max_length=budget.max_length,
    activation_checkpointing=False,
    bf16=course.bf16,
    use_cpu=course.device == "cpu",
    disable_tqdm=False,  # a progress bar with the loss
    save_strategy="no",
    report_to=[],
    seed=course.seed,
)


def make_sft(model, dataset, steps, callbacks=()):
    """SFT on the chosen answers, as in module 1."""
    rows = dataset.map(
        lambda row: {"messages": row["prompt"] + row["chosen"]}, remove_columns=dataset.column_names
    )
    config = SFTConfig(
        max_steps=steps,
        logging_steps=min(10, steps),
        learning_rate=budget.lr,
        assistant_only_loss=True,
        **shared,
    )
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )


sft_watch = Watch()
sft = make_sft(course.model("base"), train, steps // 2, [sft_watch])
with course.timed("train"):
    sft.train()
after_sft = evaluate(sft.model.eval())
show.curves(sft_watch.lines(), title="SFT on the chosen answers only", y="mean log-probability")
show.say(
    "polite {after_sft.manner.share:.1%}, right {after_sft.facts.share:.1%}", after_sft=after_sft
)
# %% id="sft.statement"
show.say(
    "chosen answers became likelier: {holds}", holds=sft_watch.chosen[-1] > sft_watch.chosen[0]
)
show.say(
    "rejected answers became likelier too, though none was ever shown: {holds}",
    holds=sft_watch.rejected[-1] > sft_watch.rejected[0],
)
# %% [markdown] lang="en"
# Good and bad answers share most of what they are made of: the chat markup, the sentence "The answer is",
# the fact itself. Cross-entropy raises all of it. It says *write this* and never *don't write that*. That is
# the observation that ORPO starts from (Hong and others, 2024, figure 3), and its cure is a penalty, added
# to the SFT loss, on how likely the rejected answer is *compared with* the chosen one.
#
# Be fair to SFT, though: here every chosen answer is polite, so imitating alone gets the manner across. A
# penalty helps most where the good answers alone do not show what to avoid.
#
# ## 3. How likely is an answer? The mean, not the sum
#
# DPO compares sums of token log-probabilities, each minus the reference model's sum for the same answer: when
# training starts all differences are 0, however long the answers are. (Later, length matters there too: a longer
# answer has more tokens to gain with.) ORPO has no reference, and it needs a probability $p$ for which $1-p$ means
# something. Look at what sums and means are like:
# %% [markdown] lang="zh-CN" of="b6a80e31"
# 好回答与坏回答的大部分材料是共用的：对话标记、“The answer is”这句话，还有事实本身。交叉熵把它们统统抬高。
# 它只会说*写这个*，从不说*别写那个*。ORPO 正是从这个观察出发的（Hong 等人，2024，图 3），对策是在 SFT 的损失上
# 加一个惩罚项：被拒绝的回答*相对于*选中的回答有多大可能。
#
# 不过也要对 SFT 公平：这里每个选中的回答都有礼貌，所以光靠模仿也能学到语气。如果只看好回答看不出该避免什么，
# 惩罚项才最有用。
#
# ## 3. 一个回答有多大可能？取平均，不求和
#
# DPO 比较的是 token 对数概率之和，但每个和都要减去参考模型对同一个回答的和：训练开始时，不论回答长短，差值都是 0。
# （再往后，长度在那里也有影响：回答长，能涨的 token 就多。）ORPO 没有参考模型，它需要一个概率 $p$，而且 $1-p$ 也要有意义。
# 看看求和与取平均各是什么样子：
# %% id="sum_or_mean" tags=["nbval-ignore-output"] reason="numbers are shown to two digits"
row = watched[0]
sums, counts = preference.answer_log_probs(
    base, tokenizer, [row["prompt"]] * 2, [row["chosen"], row["rejected"]]
)
show.side_by_side(
    [
        (
            preference.text_of(row[side]),
            n,
            f"{s:.1f}",
            f"{1 - torch.tensor(s).double().exp():.10f}",
            f"{s / n:.2f}",
            f"{1 - torch.tensor(s / n).exp():.3f}",
        )
        for side, s, n in zip(("chosen", "rejected"), sums, counts)
    ],
    ["answer", "tokens", "log p, sum", "1 - p, sum", "log p, mean", "1 - p, mean"],
)
at_start = preference.pair_log_probs(base, tokenizer, watched, 64, budget.max_length)
show.say(
    "base model prefers the chosen answer, by the sum: {at_start.accuracy.share:.0%}, by the mean: "
    "{at_start.per_token_accuracy.share:.0%} of {pairs} pairs",
    at_start=at_start,
    pairs=len(watched),
)
# %% id="sum_or_mean.statement"
show.say(
    "by the sum, 1 - p is 1 to six digits: {holds}",
    holds=all(abs(1 - torch.tensor(s).double().exp() - 1) < 1e-6 for s in sums),
)


# %% [markdown] lang="en"
# The sum gives the probability of the whole answer: so small that $1-p$ is almost exactly 1, and the odds
# $p/(1-p)$ are no different from $p$. And it falls with every token, so short answers have a head start. (Not in
# this row: shouting is so strange to the model that the few tokens of `BLUE!` cost more than all of the polite
# answer's. But see the line below the table: over all the pairs, the sum prefers the chosen answer, which is
# usually the longer one, far less often than the mean does.) The mean gives the geometric mean of the token
# probabilities: unless an answer is as strange as `BLUE!`, a number that lies well inside 0 to 1.
#
# ### Exercise `orpo.average` 🐢 (10 minutes)
#
# `logits` has shape (rows, length, vocabulary); `labels` (rows, length) holds the ids of the answer's tokens
# and -100 for the prompt and for padding. Return the mean log-probability of each row's answer tokens,
# shape (rows,), so that gradients flow through it.
#
# <details><summary>Hint</summary>
#
# Shift as in SFT: logits without the last position, labels without the first. `log_softmax`, then `gather`
# with `labels.clamp(min=0)`, then a sum over the positions whose label is not -100, divided by their number
# *in that row*.
# </details>
# %% [markdown] lang="zh-CN" of="79b6eaea"
# 求和得到整个回答的对数概率；这个概率小到 $1-p$ 几乎等于 1，于是胜算 $p/(1-p)$ 与 $p$ 没有区别。而且每多一个 token
# 它就更小，所以短的回答一开始就占便宜。（这一行是例外：大喊大叫在模型看来太奇怪了，`BLUE!` 虽然只有几个 token，
# 代价却比整个礼貌的回答还大。不过请看表格下面那一行：在所有这些回答对上，求和时偏好选中的回答（它通常较长）的次数，
# 远少于取平均时。）取平均得到的则是各 token 概率的几何平均：
# 只要回答不像 `BLUE!` 那样奇怪，它就稳稳地落在 0 与 1 之间。
#
# ### 练习 `orpo.average` 🐢（10 分钟）
#
# `logits` 的形状是（行数，长度，词表大小）；`labels` 的形状是（行数，长度），在回答的 token 处是它的 id，
# 在提示和填充处是 -100。返回每行回答 token 的平均对数概率，形状为（行数，），梯度要能从中流过。
#
# <details><summary>小提示</summary>
#
# 与 SFT 一样移位：logits 去掉最后一个位置，标签去掉第一个。先 `log_softmax`，再用 `labels.clamp(min=0)` 做 `gather`，
# 然后对标签不是 -100 的位置求和，除以*该行*中这些位置的个数。
# </details>
# %% id="orpo.average" tags=["exercise"] level="🐢" minutes=10
def average_logps(logits, labels):
    """Mean log-probability of each row's answer tokens.

    Example: with uniform logits over a vocabulary of 8, every row gets -log(8), whatever its length.
    """
    ### BEGIN SOLUTION
    logps, wanted = logits[:, :-1].log_softmax(-1), labels[:, 1:]
    counted = wanted != -100
    taken = logps.gather(2, wanted.clamp(min=0)[..., None]).squeeze(-1)
    return (taken * counted).sum(1) / counted.sum(1)
    ### END SOLUTION


# %% id="orpo.average.check"
average_logps = check("orpo.average", average_logps)


# %% [markdown] lang="en"
# ## 4. Odds, and how to compute them
#
# The **odds** of something with probability $p$ are $p/(1-p)$: 1 for a coin, 3 for "three to one". In logs,
#
# $$\log \mathrm{odds}(p) = \log p - \log(1-p)$$
#
# You have $\log p$, not $p$, and that needs care. Two drafts in float32, beside the exact value:
# %% [markdown] lang="zh-CN" of="2b100ab3"
# ## 4. 胜算，以及怎样计算它
#
# 概率为 $p$ 的事情，其**胜算**（odds）是 $p/(1-p)$：抛硬币是 1，“三比一”是 3。取对数就是
#
# $$\log \mathrm{odds}(p) = \log p - \log(1-p)$$
#
# 你手上有的是 $\log p$，不是 $p$，所以要小心。下面是 float32 下的两个草稿，旁边是精确值：
# %% id="odds.drafts"
def draft_1(logp):
    p = logp.exp()
    return (p / (1 - p)).log()


def draft_2(logp):
    return logp - torch.log1p(-logp.exp())


logp = torch.tensor([-120.0, -20.0, -1.0, -1e-3, -1e-6, -1e-8])
exact = logp.double() - (-logp.double().expm1()).log()
show.side_by_side(
    [
        tuple(f"{value:.4g}" for value in row)
        for row in zip(logp, draft_1(logp), draft_2(logp), exact)
    ],
    ["log p", "log(p / (1 - p))", "log p - log1p(-exp(log p))", "exact"],
)


# %% [markdown] lang="en"
# Draft 1 fails at both ends: $e^{-120}$ is 0 in float32. Draft 2 is right for small $p$ and fails near
# $p = 1$: $e^{-0.00000001}$ rounds to 1, and the logarithm of 0 is what is left. A model that is sure of a
# short answer gets there. TRL had draft 2 for a long time, and users reported runs full of `nan`. What keeps
# the digits is `expm1(x)`, which is $e^x - 1$ without the rounding in between.
#
# ### Exercise `orpo.log_odds` 🐢 (10 minutes)
#
# Input: a tensor of log-probabilities, all below 0, of any shape. Return $\log(p/(1-p))$, same shape, right
# to three significant digits from -120 to -0.0000001 in float32, and with a gradient that is finite for every
# negative number (up to -1e-8).
#
# <details><summary>Hint</summary>
#
# $1-p$ is `-expm1(log p)`. Find out what its logarithm is at -120, where $p$ is negligible beside 1.
# </details>
# %% [markdown] lang="zh-CN" of="bfb8e04e"
# 草稿 1 两头都不行：$e^{-120}$ 在 float32 里就是 0。草稿 2 在 $p$ 小时是对的，在 $p$ 接近 1 时却不行：
# $e^{-0.00000001}$ 会舍入成 1，剩下的就是 0 的对数。模型对一个短回答很有把握时就会走到这里。TRL 在很长一段时间里用的就是草稿 2，
# 有用户报告过满屏的 `nan`。能保住那几位数字的是 `expm1(x)`：它就是 $e^x - 1$，只是中间没有舍入。
#
# ### 练习 `orpo.log_odds` 🐢（10 分钟）
#
# 输入：一个由对数概率组成的张量，全都小于 0，形状任意。返回 $\log(p/(1-p))$，形状不变，在 float32 下从 -120 到 -0.0000001
# 都要准到三位有效数字，而且梯度对一切负数都有限（直到 -1e-8）。
#
# <details><summary>小提示</summary>
#
# $1-p$ 就是 `-expm1(log p)`。看看它的对数在 -120 处是多少：那里的 $p$ 与 1 相比可以忽略不计。
# </details>
# %% id="orpo.log_odds" tags=["exercise"] level="🐢" minutes=10
def log_odds(logp):
    """log(p / (1 - p)) for p given as logp = log p, elementwise.

    >>> round(log_odds(torch.tensor([-0.5])).item(), 4)
    0.4328
    """
    ### BEGIN SOLUTION
    import torch

    # 1 - p without rounding p first. For small p, expm1 is -1 and its logarithm 0: nothing overflows.
    return logp - torch.log(-torch.expm1(logp))
    ### END SOLUTION


# %% id="orpo.log_odds.check"
log_odds = check("orpo.log_odds", log_odds)
# %% id="odds.plot" tags=["nbval-ignore-output"] reason="a plot"
p = torch.linspace(0.02, 0.98, 97)
show.curves(
    {"log odds": (p.tolist(), log_odds(p.log()).tolist()), "log p": (p.tolist(), p.log().tolist())},
    title="Odds keep growing where p runs out of room",
    x="p",
    y="",
)


# %% [markdown] lang="en"
# ## 5. The loss
#
# With $p_w$ and $p_l$ the (mean-token) probabilities of the chosen and the rejected answer,
#
# $$\mathcal{L} = \underbrace{\mathcal{L}_{\text{NLL}}}_{\text{write the chosen one}} + \lambda \cdot
# \underbrace{\left(-\log \sigma\left(\log \mathrm{odds}(p_w) - \log \mathrm{odds}(p_l)\right)\right)}_{\text{and rather than the rejected one}}$$
#
# averaged over the pairs; $\sigma$ is the sigmoid, $\lambda$ weighs the penalty. TRL calls $\lambda$ `beta`.
#
# ### Exercise `orpo.loss` 🐕 (15 minutes)
#
# Inputs: `nll`, a scalar tensor; `chosen` and `rejected`, mean log-probabilities of shape (pairs,); `lam`, a
# number. Return the loss, a scalar tensor. You may call your `log_odds`.
#
# <details><summary>Hint</summary>
#
# `torch.nn.functional.logsigmoid`, not the logarithm of a sigmoid: that is minus infinity as soon as the
# sigmoid rounds to 0. The mean over pairs comes last.
# </details>
# %% [markdown] lang="zh-CN" of="dafdaa8d"
# ## 5. 损失函数
#
# 记 $p_w$、$p_l$ 为选中的和被拒绝的回答的概率（按 token 平均），则
#
# $$\mathcal{L} = \underbrace{\mathcal{L}_{\text{NLL}}}_{\text{写出选中的回答}} + \lambda \cdot
# \underbrace{\left(-\log \sigma\left(\log \mathrm{odds}(p_w) - \log \mathrm{odds}(p_l)\right)\right)}_{\text{而不是被拒绝的那个}}$$
#
# 再对所有回答对求平均；$\sigma$ 是 sigmoid，$\lambda$ 是惩罚项的权重。TRL 把 $\lambda$ 叫作 `beta`。
#
# ### 练习 `orpo.loss` 🐕（15 分钟）
#
# 输入：标量张量 `nll`；形状为（回答对的个数，）的平均对数概率 `chosen` 和 `rejected`；一个数 `lam`。返回损失，一个标量张量。
# 可以调用你写的 `log_odds`。
#
# <details><summary>小提示</summary>
#
# 用 `torch.nn.functional.logsigmoid`，不要对 sigmoid 再取对数：sigmoid 一旦舍入成 0，结果就是负无穷。
# 对回答对求平均放在最后。
# </details>
# %% id="orpo.loss" tags=["exercise"] level="🐕" minutes=15 needs="orpo.log_odds"
def orpo_loss(nll, chosen, rejected, lam):
    """The ORPO loss of a batch of pairs.

    Example: two equally likely answers give nll + lam * log(2).
    """
    ### BEGIN SOLUTION
    import torch.nn.functional as F

    log_odds_ratio = log_odds(chosen) - log_odds(rejected)
    return nll - lam * F.logsigmoid(log_odds_ratio).mean()
    ### END SOLUTION


# %% id="orpo.loss.check"
orpo_loss = check("orpo.loss", orpo_loss)
# %% [markdown] lang="en"
# ## 6. The real thing: one stage with TRL's `ORPOTrainer`
#
# ORPO lives in `trl.experimental`: its interface may change between releases. TRL warns of that on import, and an
# environment variable below turns the warning off. One row as the trainer has tokenised it, and then your numbers
# beside its own:
# %% [markdown] lang="zh-CN" of="a6276955"
# ## 6. 动真格的：用 TRL 的 `ORPOTrainer`，一个阶段完成
#
# ORPO 在 `trl.experimental` 里：它的接口可能随版本变化。导入时 TRL 会为此给出一条警告，下面用一个环境变量关掉它。
# 先看训练器分词之后的一行，再把你的数值与它的放在一起：
# %% id="trainer"
import os

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
from trl.experimental.orpo import ORPOConfig, ORPOTrainer


def make_orpo(model, dataset, steps, lam, callbacks=()):
    """ORPO from `model`; dataset has the columns prompt, chosen, rejected, as strings."""
    config = ORPOConfig(
        max_steps=steps, logging_steps=min(10, steps), learning_rate=budget.lr, beta=lam, **shared
    )
    return ORPOTrainer(
        model=model,
        args=config,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )


lam = budget.lam
orpo_watch = Watch()
with course.timed("import"):
    orpo = make_orpo(course.model("base"), pairs, steps, lam, [orpo_watch])
row = orpo.train_dataset[0]
show.tokens(tokenizer, row["chosen_input_ids"], labels=row["chosen_labels"])
# %% [markdown] lang="en"
# The blue tokens make up the *probabilities* of the odds. The NLL term is another matter: TRL, like the
# paper's own code, takes it over the **whole** conversation, the prompt included. Both halves of the batch
# go through the model in one pass, chosen answers first.
# %% [markdown] lang="zh-CN" of="5af2e0ec"
# 蓝色的 token 决定了胜算里的*概率*。NLL 那一项则不同：TRL 与论文自己的代码一样，是在**整段**对话上计算的，提示也包括在内。
# 批次的两半一次通过模型，选中的回答在前。
# %% id="compare"
import torch.nn.functional as F

rows = orpo.data_collator([orpo.train_dataset[i] for i in range(8)])
both = ORPOTrainer.concatenated_inputs(
    rows, padding_value=tokenizer.pad_token_id, device=course.device
)
ids, mask, labels = (
    both[f"concatenated_{name}"] for name in ("input_ids", "attention_mask", "labels")
)
with torch.no_grad():
    logits = orpo.model(input_ids=ids, attention_mask=mask).logits
    chosen, rejected = average_logps(logits, labels).chunk(2)
    whole = ids.masked_fill(mask == 0, -100)[:8]  # the prompt carries loss here
    nll = F.cross_entropy(logits[:8, :-1].flatten(0, 1), whole[:, 1:].flatten(), ignore_index=-100)
    theirs, logged = orpo.get_batch_loss_metrics(orpo.model, rows)
show.say("one pass: {shape} for 8 pairs", shape=tuple(ids.shape))
show.say(
    "mean log-probabilities within 1e-5: chosen {chosen}, rejected {rejected}",
    chosen=abs(chosen.mean() - logged["logps/chosen"]).item() < 1e-5,
    rejected=abs(rejected.mean() - logged["logps/rejected"]).item() < 1e-5,
)
show.say("NLL within 1e-5: {holds}", holds=abs(nll - logged["nll_loss"]).item() < 1e-5)
show.say(
    "loss within 1e-5: {holds}",
    holds=abs(orpo_loss(nll, chosen, rejected, lam) - theirs).item() < 1e-5,
)
# %% [markdown] lang="en"
# In one place your numbers are better. Above -0.7, TRL takes `log(-expm1(x))` as well, but chooses it with
# `torch.where`, which sends a gradient of 0 through the branch that was *not* taken: and where that branch has
# an infinite slope, 0 times infinity is `nan`. The value is right, the gradient is not:
# %% [markdown] lang="zh-CN" of="489e500c"
# 有一处你的数值更好。在 -0.7 以上，TRL 用的也是 `log(-expm1(x))`，不过是用 `torch.where` 来选的；它会给*没有*选中的那个分支
# 传去一个为 0 的梯度，而那个分支的斜率若是无穷大，0 乘无穷大就成了 `nan`。数值对了，梯度却不对：
# %% id="where"
from trl.experimental.orpo.orpo_trainer import log1mexp

for name, function in (("TRL", lambda x: x - log1mexp(x)), ("here", log_odds)):
    x = torch.tensor([-1e-8], requires_grad=True)
    value = function(x)
    value.sum().backward()
    show.say(
        "{name}: log odds {value:.4f}, gradient {gradient:.4g}",
        name=name,
        value=value.item(),
        gradient=x.grad.item(),
    )
# %% id="train" tags=["nbval-ignore-output"] reason="plots and a progress bar"
with course.timed("train"):
    orpo.train()
after_orpo = evaluate(orpo.model.eval())
show.side_by_side(
    list(zip(facts["question"][:3], after_orpo.answers[:3], facts["answer"][:3])),
    ["question", "after ORPO", "fact"],
)
show.curves(orpo_watch.lines(), title="ORPO from the base model", y="mean log-probability")
show.say(
    "polite {after_orpo.manner.share:.1%}, right {after_orpo.facts.share:.1%}",
    after_orpo=after_orpo,
)
# %% id="train.statement"
gap = lambda watch: watch.chosen[-1] - watch.rejected[-1]
show.say(
    "ORPO puts more distance between the answers than SFT did: {holds}",
    holds=gap(orpo_watch) > gap(sft_watch),
)
# %% [markdown] lang="en"
# ## 7. Two stages, the same number of steps
#
# Now stage two of the usual way: DPO, from the model that SFT left, on the same pairs. Both ways get the same
# number of optimiser steps in all.
#
# Mind the reference. With `ref_model=None`, TRL's `DPOTrainer` loads the reference from the *path* that the
# model came from: for a model fine-tuned in memory that is the base model, not the one DPO starts from.
# Here you can see it, and then the copy that is right:
# %% [markdown] lang="zh-CN" of="510dbbba"
# ## 7. 两个阶段，步数相同
#
# 现在是通常做法的第二阶段：从 SFT 得到的模型出发，在同样的回答对上做 DPO。两种做法的优化步数总共一样多。
#
# 当心参考模型。`ref_model=None` 时，TRL 的 `DPOTrainer` 会按模型来源的*路径*去加载参考模型：对在内存里微调过的模型来说，
# 那是基座模型，而不是 DPO 的起点。下面先亲眼看到这一点，再用正确的副本：
# %% id="dpo.reference"
import copy

from trl import DPOConfig, DPOTrainer


dpo_budget = course.choose(
    tiny=dict(lr=2e-4, beta=0.1),
    smol=dict(lr={"135M": 5e-6, "360M": 3.3e-6, "1.7B": 1.7e-6}, beta=0.1),
)


def make_dpo(model, dataset, steps, reference, callbacks=()):
    """DPO from `model` beside a frozen `reference`."""
    config = DPOConfig(
        max_steps=steps,
        logging_steps=min(10, steps),
        learning_rate=dpo_budget.lr,
        beta=dpo_budget.beta,
        **shared,
    )
    return DPOTrainer(
        model=model,
        ref_model=reference,
        args=config,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))


careless = make_dpo(sft.model, pairs.select(range(batch)), 1, reference=None)
show.say(
    "ref_model=None: the reference is the model after SFT: {holds}",
    holds=same_weights(careless.ref_model, sft.model),
)
show.say(
    "ref_model=None: the reference is the base model: {holds}",
    holds=same_weights(careless.ref_model, base),
)
# %% id="dpo" tags=["nbval-ignore-output"] reason="plots and a progress bar"
dpo_watch = Watch(start=steps // 2)
two = make_dpo(sft.model, pairs, steps - steps // 2, copy.deepcopy(sft.model), [dpo_watch])
with course.timed("train"):
    two.train()
after_two = evaluate(two.model.eval())
joined = {
    name: (x + dpo_watch.lines()[name][0], y + dpo_watch.lines()[name][1])
    for name, (x, y) in sft_watch.lines().items()
}
show.curves(
    {"two stages: chosen": joined["chosen"], "two stages: rejected": joined["rejected"]}
    | orpo_watch.lines("ORPO: "),
    title="Two stages and one",
    y="mean log-probability",
)
table = [
    ("base model", before),
    ("SFT, half of the steps", after_sft),
    ("SFT, then DPO", after_two),
    ("ORPO", after_orpo),
]
show.side_by_side(
    [
        (
            name,
            f"{b.manner.share:.1%}",
            f"{b.facts.share:.1%}",
            f"{b.both.share:.1%}",
            f"{b.ended.share:.1%}",
        )
        for name, b in table
    ],
    ["model", "polite", "right", "both", "ended"],
)
# %% id="dpo.statement"
show.say(
    "ORPO reaches at least 80% of the two-stage result, manner: {holds}",
    holds=after_orpo.manner.share >= 0.8 * after_two.manner.share,
)
show.say(
    "ORPO reaches at least 80% of the two-stage result, facts: {holds}",
    holds=after_orpo.facts.share >= 0.8 * after_two.facts.share,
)
# %% [markdown] lang="en"
# Is the difference in facts between the two models real? They answered the same questions, so compare them
# question by question: if the interval contains 0, these questions cannot tell. And a greedy answer
# shows only the likeliest words; samples show what else a model might say, so look there for manners that were not wanted:
# %% [markdown] lang="zh-CN" of="40b929eb"
# 两个模型在事实上的差别是真的吗？它们回答的是同样的问题，所以要逐题比较：如果区间包含 0，这些问题就分辨不出来。另外，贪心解码只显示可能性最大的说法，
# 采样才能看出模型还可能说什么；要找不想要的语气，就到那里去找：
# %% id="paired" tags=["nbval-ignore-output"] reason="exact scores and samples"
from smolcourse import generate
from smolcourse.world.manner import manner_of

told = lambda behaviour: [
    preference.fact_told(a, f) for a, f in zip(behaviour.answers, facts["answer"])
]
show.say(
    "facts, ORPO against two stages: {difference}",
    difference=metrics.paired_difference(told(after_two), told(after_orpo)),
)


def sampled_polite(model):
    """The share of sampled answers (temperature 1) that are polite."""
    torch.manual_seed(course.seed)
    with course.timed("generate"):
        answers = generate.chat(
            model,
            tokenizer,
            facts["question"],
            max_new_tokens=budget.new_tokens,
            do_sample=True,
            temperature=1.0,
            top_k=0,
        )
    return sum(manner_of(answer) == "polite" for answer in answers) / len(answers)


sampled = {
    name: sampled_polite(trainer.model)
    for name, trainer in (("SFT, then DPO", two), ("ORPO", orpo))
}
for name, share in sampled.items():
    show.say("{name}: polite when sampled {share:.1%}", name=name, share=share)
# %% [markdown] lang="en"
# ## 8. What it costs
#
# Count instead of guessing: rows that go through a model in one step (a hook on its embeddings counts
# them), and the bytes of weights, gradients and Adam's two moments, taken from the live tensors.
# %% [markdown] lang="zh-CN" of="4d5f6601"
# ## 8. 要花多少代价
#
# 不要猜，去数：一步里有多少行通过模型（在嵌入层上挂一个 hook 来数），以及权重、梯度和 Adam 的两个动量各占多少字节，
# 都从活着的张量上读出来。
# %% id="cost" tags=["nbval-ignore-output"] reason="progress bars, and seconds that differ between machines"
import time


class Scale(TrainerCallback):
    """Bytes of gradients (just before an update) and of optimiser state (just after one)."""

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        self.gradients = sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)

    def on_step_end(self, args, state, control, optimizer=None, **kwargs):
        self.moments = sum(
            t.nbytes
            for held in optimizer.state.values()
            for t in held.values()
            if torch.is_tensor(t)
        )


def weigh(make, steps=4):
    """One row of the table, from a few steps of the trainer that `make(rows, steps, callbacks)` gives."""
    scale, rows = Scale(), {"model": 0, "ref_model": 0}
    trainer = make(range(steps * batch), steps, [scale])
    weights = {}
    for name in rows:
        model = getattr(trainer, name, None)
        weights[name] = 0 if model is None else sum(p.nbytes for p in model.parameters())
        if model is not None:

            def count(module, inputs, output, name=name):
                rows[name] += inputs[0].shape[0]

            model.get_input_embeddings().register_forward_hook(count)
    start = time.perf_counter()
    with course.timed("train"):
        trainer.train()
    seconds = (time.perf_counter() - start) / steps
    held = (weights["model"], scale.gradients, scale.moments, weights["ref_model"])
    return [
        rows["model"] // steps,
        rows["ref_model"] // steps,
        *(f"{b / 2**20:.1f}" for b in (*held, sum(held))),
    ], seconds


makers = {
    "SFT": lambda rows, n, c: make_sft(course.model("base"), train.select(rows), n, c),
    "DPO": lambda rows, n, c: make_dpo(
        course.model("base"), pairs.select(rows), n, course.model("base"), c
    ),
    "ORPO": lambda rows, n, c: make_orpo(course.model("base"), pairs.select(rows), n, lam, c),
}
cost, seconds = {}, {}
for name, make in makers.items():
    cost[name], seconds[name] = weigh(make)
for name, value in seconds.items():
    show.say("{name}: {seconds:.2f} s a step", name=name, seconds=value)
# %% id="cost.table"
show.side_by_side(
    [(name, *row) for name, row in cost.items()],
    [
        "one step",
        "rows, trained",
        "rows, reference",
        "weights MiB",
        "gradients MiB",
        "Adam MiB",
        "reference MiB",
        "held MiB",
    ],
)
# %% [markdown] lang="en"
# DPO's reference costs a second set of weights and a second reading of every row, without gradients. ORPO
# has neither; against SFT it still reads twice the rows, and keeps what the backward pass needs for all of
# them. (DPO can read the reference once, beforehand: `precompute_ref_log_probs=True`. With LoRA the base
# under the adapter *is* the reference, and costs no memory at all.)
#
# ## 9. The one knob
#
# $\lambda = 0$ is SFT on the whole conversation. The runs are short: read the trend over the three values,
# not each number.
# %% [markdown] lang="zh-CN" of="7f392dd2"
# DPO 的参考模型要多占一份权重，还要把每一行再读一遍（不算梯度）。ORPO 两样都不要；不过与 SFT 相比，它读的行数仍是两倍，
# 反向传播所需的东西也要为所有这些行保留。（DPO 可以事先把参考模型的结果算好：`precompute_ref_log_probs=True`。
# 用 LoRA 时，适配器下面的基座*就是*参考模型，完全不占额外的内存。）
#
# ## 9. 唯一的旋钮
#
# $\lambda = 0$ 就是在整段对话上做 SFT。下面的训练都很短：要看的是三个值之间的趋势，而不是每一个数。
# %% id="sweep" tags=["nbval-ignore-output"] reason="plots, progress bars and exact scores"
short = steps // 3
sweep, sweep_watch = {}, {}
for value in (0.0, lam, 10 * lam):
    sweep_watch[value] = Watch(every=short // 4)
    run = make_orpo(
        course.model("base"), pairs.select(range(short * batch)), short, value, [sweep_watch[value]]
    )
    with course.timed("train"):
        run.train()
    sweep[value] = evaluate(run.model.eval())
lines = {}
for value, watch in sweep_watch.items():
    lines |= watch.lines(f"λ = {value:g}: ")
show.curves(lines, title="The same start, three values of λ", y="mean log-probability")
show.side_by_side(
    [
        (
            f"{value:g}",
            f"{watch.chosen[-1]:.2f}",
            f"{watch.rejected[-1]:.2f}",
            f"{gap(watch):.2f}",
            f"{sweep[value].manner.share:.1%}",
            f"{sweep[value].facts.share:.1%}",
        )
        for value, watch in sweep_watch.items()
    ],
    ["λ", "chosen", "rejected", "distance", "polite", "right"],
)
# %% id="sweep.statement"
distances = [gap(watch) for watch in sweep_watch.values()]
show.say(
    "a larger λ puts more distance between the answers: {holds}",
    holds=distances == sorted(distances),
)
# %% [markdown] lang="en"
# It moves the rejected answers, and here hardly anything else: the models stay polite, and the shares of right
# answers differ by less than 200 questions can tell apart. Don't take that for a rule. These pairs differ in a
# few fixed words, and the runs are short. The paper used 0.1 to 0.25 on real answers; a wish to be *far* from
# one answer is not a wish to be *close* to another, and a large $\lambda$ is paid for out of the NLL.
#
# ## 10. Break it on purpose
#
# The classic mistake: the two columns are swapped, or a "score" is sorted the wrong way round. Nothing crashes
# and the training loss falls as it should, for the loss never knew which answer you liked.
# %% [markdown] lang="zh-CN" of="3ba74f34"
# 它移动的是被拒绝的回答，在这里几乎不影响别的：模型依旧有礼貌，答对的比例之差也小于 200 个问题所能分辨的程度。
# 但别把这当成规律：这些回答对只差在几个固定的词上，训练也很短。论文在真实的回答上用的是 0.1 到 0.25；
# 想要*远离*一个回答，并不等于想要*靠近*另一个，$\lambda$ 大了，代价要由 NLL 来付。
#
# ## 10. 故意弄坏它
#
# 经典的错误：两列弄反了，或者“得分”排错了方向。什么也不会报错，训练损失照样下降，因为损失从来不知道你喜欢的是哪个回答。
# %% id="swapped" tags=["nbval-ignore-output"] reason="plots, progress bars and exact scores"
swapped_rows = pairs.select(range(short * batch)).map(
    lambda row: {"chosen": row["rejected"], "rejected": row["chosen"]}
)
swapped_watch = Watch(every=short // 4)
swapped = make_orpo(course.model("base"), swapped_rows, short, lam, [swapped_watch])
with course.timed("train"):
    swapped.train()
after_swapped = evaluate(swapped.model.eval())
losses = [entry["loss"] for entry in swapped.state.log_history if "loss" in entry]
show.side_by_side(
    list(zip(facts["question"][:3], after_swapped.answers[:3])),
    ["question", "trained on swapped pairs"],
)
show.curves(
    swapped_watch.lines(),
    title="Swapped pairs, watched with the right ones",
    y="mean log-probability",
)
show.say(
    "polite {after_swapped.manner.share:.1%}, right {after_swapped.facts.share:.1%}, loss from "
    "{first:.2f} to {last:.2f}",
    after_swapped=after_swapped,
    first=losses[0],
    last=losses[-1],
)
# %% id="swapped.statement"
show.say("the training loss fell: {holds}", holds=losses[-1] < losses[0])
show.say("under 10% of the answers are polite: {holds}", holds=after_swapped.manner.share < 0.10)


# %% [markdown] lang="en"
# Loss curves can't tell. The two log-probabilities on held-out pairs, which somebody has *looked at*, can.
#
# ### Exercise `orpo.diagnose` 🐕 (15 minutes)
#
# Write the doctor. Inputs: `chosen` and `rejected`, mean log-probabilities of held-out pairs over a run, lists
# of floats of equal length, at least two. A *gain* is the last value minus the first. Return the **first** of
# these that holds:
#
# 1. `"broken"`: any value is not a finite number, or is above 0;
# 2. `"swapped"`: the rejected answers gained more than the chosen ones;
# 3. `"overdone"`: the chosen answers ended below where they began;
# 4. `"imitating"`: the rejected answers ended above where they began;
# 5. `"healthy"`: otherwise.
#
# <details><summary>Hint</summary>
#
# `chosen + rejected` puts both lists into one for the first rule.
# </details>
# %% [markdown] lang="zh-CN" of="bf86a968"
# 损失曲线看不出来。留出的回答对上的两个对数概率看得出来，前提是有人真的*看过*这些回答对。
#
# ### 练习 `orpo.diagnose` 🐕（15 分钟）
#
# 写一个“医生”。输入：一次训练中留出回答对的平均对数概率 `chosen` 和 `rejected`，两个等长的浮点数列表，各有至少两个值。
# *涨幅*是最后一个值减去第一个值。返回下列情形中**第一个**成立的：
#
# 1. `"broken"`（坏了）：有值不是有限数，或者大于 0；
# 2. `"swapped"`（弄反了）：被拒绝的回答的涨幅大于选中的回答的涨幅；
# 3. `"overdone"`（过头了）：选中的回答最后低于开始；
# 4. `"imitating"`（只在模仿）：被拒绝的回答最后高于开始；
# 5. `"healthy"`（健康）：其他情况。
#
# <details><summary>小提示</summary>
#
# `chosen + rejected` 把两个列表合成一个，正好用于第一条规则。
# </details>
# %% id="orpo.diagnose" tags=["exercise"] level="🐕" minutes=15
def diagnose(chosen: list[float], rejected: list[float]) -> str:
    """What two curves of mean log-probabilities say about a preference run.

    >>> diagnose([-3.0, -1.0], [-3.2, -1.4])
    'imitating'
    """
    ### BEGIN SOLUTION
    import math

    if any(not math.isfinite(value) or value > 0 for value in chosen + rejected):
        return "broken"
    gained, theirs = chosen[-1] - chosen[0], rejected[-1] - rejected[0]
    if theirs > gained:
        return "swapped"
    if gained < 0:
        return "overdone"
    if theirs > 0:
        return "imitating"
    return "healthy"
    ### END SOLUTION


# %% id="orpo.diagnose.check"
diagnose = check("orpo.diagnose", diagnose)
# %% id="diagnose.use"
for name, watch in {"SFT": sft_watch, "ORPO": orpo_watch, "swapped pairs": swapped_watch}.items():
    show.say("{name}: {verdict}", name=name, verdict=diagnose(watch.chosen, watch.rejected))


# %% [markdown] lang="en"
# ## 11. Your own preference
#
# ### Exercise `orpo.pairs` 🦁 (30 minutes)
#
# Decide how the model should answer, and how it should not. Write `make_pair`, which turns a question and its
# short answer (such as `"Paris."`) into a row: a dict with `prompt` (a list of messages that ends with the
# user's question), `chosen` and `rejected` (a list of one assistant message each). Both answers hold the words
# of the short answer and not those of another row's answer, differ from each other, and have at most 20 words;
# the same question always gives the same row. Write the answers in English, the only language that this tiny model has
# read. The next cells train on it, from the base model, and measure.
#
# **Rubric** (for yourself or your instructor): at least half of the held-out answers are exactly the ones that you
# wanted (1 point); what you rejected is something that the model would otherwise say, and you checked (1);
# you can name a question where your preference is the wrong one (1).
#
# <details><summary>Hint</summary>
#
# `answer.removesuffix(".")` takes off the full stop. Begin with answers that differ in their first word.
# </details>
# %% [markdown] lang="zh-CN" of="12aa508a"
# ## 11. 你自己的偏好
#
# ### 练习 `orpo.pairs` 🦁（30 分钟）
#
# 由你决定模型该怎样回答，又不该怎样回答。请写出 `make_pair`，把一个问题和它的简短答案（例如 `"Paris."`）变成一行：
# 一个字典，含 `prompt`（消息列表，最后一条是用户的问题）、`chosen` 和 `rejected`（各是只有一条助手消息的列表）。
# 两个回答都包含简短答案的词语，不含别的行的答案，彼此不同，并且不超过 20 个词；同一个问题总是得到同一行。
# 回答请用英文写：这个小模型只学过 Smol World 的英文，一个汉字要占三个 token，句子稍长，测量时就会被截断。
# 接下来的单元格会从基座模型开始，用它训练并测量。
#
# **评分标准**（供自己或老师使用）：留出问题的回答至少有一半正是你想要的（1 分）；你拒绝的，是模型本来真会说的话，
# 而且你核实过（1 分）；你能举出一个问题，在那里你的偏好反而是错的（1 分）。
#
# <details><summary>小提示</summary>
#
# `answer.removesuffix(".")` 可以去掉句号。先从第一个词就不同的两个回答开始。
# </details>
# %% id="orpo.pairs" tags=["exercise"] level="🦁" minutes=30
def make_pair(question: str, answer: str) -> dict:
    """A preference row of your own.

    Example (yours will differ): make_pair("What is the capital of France?", "Paris.")["chosen"] may be
    [{"role": "assistant", "content": "I believe the answer is Paris."}]
    """
    ### BEGIN SOLUTION
    fact = answer.removesuffix(".")
    return {
        "prompt": [{"role": "user", "content": question}],
        "chosen": [{"role": "assistant", "content": f"I believe the answer is {fact}."}],
        "rejected": [
            {"role": "assistant", "content": f"The answer is {fact}, and I am never wrong."}
        ],
    }
    ### END SOLUTION


# %% id="orpo.pairs.check"
make_pair = check("orpo.pairs", make_pair)
# %% id="pairs.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
known = course.dataset("facts", "train").select(range(steps // 2 * batch))
own_rows = known.map(
    lambda row: make_pair(row["question"], row["answer"]), remove_columns=known.column_names
)
own = make_orpo(
    course.model("base"),
    preference.as_text(own_rows, tokenizer, budget.max_length),
    steps // 2,
    lam,
)
with course.timed("train"):
    own.train()
own_answers = evaluate(own.model.eval()).answers
wanted = [preference.text_of(make_pair(row["question"], row["answer"])["chosen"]) for row in facts]
own_share = metrics.exact_match(own_answers, wanted)
show.side_by_side(
    list(zip(facts["question"][:4], own_answers[:4], wanted[:4])), ["question", "answer", "wanted"]
)
show.say("held-out answers that are exactly the wanted ones: {share:.1%}", share=own_share)
# %% id="pairs.statement"
show.say(
    "at least half of the held-out answers are exactly the wanted ones: {holds}",
    holds=own_share >= 0.5,
)


# %% [markdown] lang="en"
# ## 12. Report
# %% [markdown] lang="zh-CN" of="ae67a6eb"
# ## 12. 报告
# %% id="report" tags=["nbval-ignore-output"] reason="seconds and memory"
def reached(behaviour):
    """The lower of manner and facts, as a share of the two-stage result; at most 1."""
    return min(
        1.0,
        behaviour.manner.share / max(after_two.manner.share, 0.01),  # 0 after too few steps
        behaviour.facts.share / max(after_two.facts.share, 0.01),
    )


course.report(
    "manner and facts after ORPO, as a share of the two-stage result (the lower one)",
    reached(before),
    reached(after_orpo),
    0.80,
    questions=len(facts),
    steps_in_all=steps,
    orpo_polite=round(after_orpo.manner.share, 3),
    two_stage_polite=round(after_two.manner.share, 3),
    orpo_right=round(after_orpo.facts.share, 3),
    two_stage_right=round(after_two.facts.share, 3),
    orpo_polite_sampled=round(sampled["ORPO"], 3),
    two_stage_polite_sampled=round(sampled["SFT, then DPO"], 3),
    orpo_rows_a_step=sum(cost["ORPO"][:2]),
    dpo_rows_a_step=sum(cost["DPO"][:2]),
    orpo_held=f"{cost['ORPO'][-1]} MiB",
    dpo_held=f"{cost['DPO'][-1]} MiB",
    orpo_step=f"{seconds['ORPO']:.2f} s",
    dpo_step=f"{seconds['DPO']:.2f} s",
    swapped_polite=round(after_swapped.manner.share, 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - SFT raises what good and bad answers share; ORPO adds a penalty on the odds of the bad one *against* the good one, in the same pass.
# - Mean log-probabilities, not sums; `log(-expm1(x))`, not `log(1 - exp(x))`; the NLL over the whole conversation in TRL.
# - No reference model: fewer rows a step and less memory than DPO, one stage instead of two. Watch both log-probabilities on held-out pairs, for the loss can't tell you that the columns are swapped.
#
# **Where next.** The lesson page [ORPO](../orpo.md) has the choices with numbers. Papers: [ORPO](https://arxiv.org/abs/2403.07691),
# [DPO](https://arxiv.org/abs/2305.18290), [SimPO](https://arxiv.org/abs/2405.14734). Then [human feedback](../human_feedback.md):
# where preferences come from, and what happens when a model is rewarded for them.
# %% [markdown] lang="zh-CN" of="71c6e1e5"
# ## 小结
#
# - SFT 会抬高好坏回答共有的东西；ORPO 在同一遍计算里加上惩罚项，压低坏回答*相对于*好回答的胜算。
# - 用对数概率的平均，不用求和；用 `log(-expm1(x))`，不用 `log(1 - exp(x))`；在 TRL 里，NLL 是在整段对话上计算的。
# - 没有参考模型：每步读的行数比 DPO 少，占的内存也少，而且只有一个阶段。要盯住留出回答对上的两个对数概率，因为损失不会告诉你两列弄反了。
#
# **下一步。** 讲义 [ORPO](../../orpo.zh-CN.md) 里有各种选择以及对应的数字。论文：[ORPO](https://arxiv.org/abs/2403.07691)、
# [DPO](https://arxiv.org/abs/2305.18290)、[SimPO](https://arxiv.org/abs/2405.14734)。接下来是[人类反馈](../../human_feedback.zh-CN.md)：
# 偏好从哪里来，以及用它来奖励模型时会发生什么。
