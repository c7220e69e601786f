# ---
# smolcourse: {module: 2_preference_alignment, topic: grpo}
# ---
# %% [markdown] lang="en"
# # GRPO: reinforcement learning on a reward
#
# A reward gives every answer a number. Reinforcement learning makes the answers with high numbers
# likelier. In this notebook you will
#
# - see why a model that always says the same can't be improved this way;
# - write the group advantages of GRPO, and its loss, which equals TRL's to 1e-5;
# - train a policy on a reward that a program can verify, and measure it on held-out questions;
# - train another on the reward model of a hurried crowd, watch it cheat, raise an alarm, and cure it.
#
# **Cost.** About two minutes on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page: [GRPO](../grpo.md). Where reward models
# come from: [Human feedback](../human_feedback.md).
# %% [markdown] lang="zh-CN" of="4b7be8b0"
# # GRPO：用奖励做强化学习
#
# 奖励（reward）给每个回答一个数，强化学习（reinforcement learning）让得分高的回答更容易出现。在这个 notebook 里，你将
#
# - 看到为什么总是给出同一个回答的模型没法用这种方法改进；
# - 写出 GRPO 的组内优势和损失函数，损失与 TRL 的相差不超过 1e-5；
# - 用一个可以由程序验证的奖励来训练策略，并在留出的问题上测量；
# - 用一群赶时间的标注员的奖励模型训练另一个策略，看它怎样作弊，拉响警报，再把它治好。
#
# **开销。** 双核笔记本电脑上约两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[GRPO](../../grpo.zh-CN.md)。奖励模型从哪里来：[人类反馈](../../human_feedback.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
import random

from smolcourse import check, generate, setup, show
from smolcourse.topics import annotators
from smolcourse.topics import preference
from smolcourse.world.manner import MANNERS, manner_of, say

import torch

course = setup("2_preference_alignment/grpo")


# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, those it takes on SmolLM2-135M with
# `profile="smol"`, and those of the paper. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="9a692027"
# **设置。** 下表是这个 notebook 在这里用的数字、用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字，以及论文里的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(steps=20, batch=40, group=8, tokens=36, lr=6e-4, hack_steps=18, own_steps=8),
    smol=dict(steps=200, batch=64, group=8, tokens=64, lr=1e-5, hack_steps=150, own_steps=60),
    paper=dict(batch=1024, group=64, tokens=1024, lr=1e-6),  # DeepSeekMath
)


# %% [markdown] lang="en"
# ## 1. The problem first
#
# We want answers that are right **and** polite. A program can verify both: the right words are known, and
# politeness is recognised by a rule. Such a reward needs no crowd. (Why does the
# reward below allow 14 words at most? An earlier version of this notebook had no limit. The policy learned to
# answer politely and then to babble on until it was cut off: full reward, useless answers. Rules are cheated
# too.)
# %% [markdown] lang="zh-CN" of="357d5264"
# ## 1. 先看问题
#
# 我们想要既正确**又**礼貌的回答。这两点都可以由程序来验证：正确的词是已知的，礼貌可以用规则识别。这样的奖励不需要任何标注员。
# （下面的奖励为什么最多允许 14 个词？这个 notebook 的早期版本没有限制，结果策略学会了先礼貌地回答，再胡言乱语直到长度用完：奖励拿满，回答却没有用。
# 规则也会被钻空子。）
# %% id="reward"
def right_and_polite(prompts, completions, answer, **others):
    """1.0 for a right answer in a polite manner and at most 14 words, else 0.0: a verifiable reward."""
    texts = [completion[0]["content"] for completion in completions]
    return [
        float(
            preference.fact_told(text, fact)
            and manner_of(text) == "polite"
            and annotators.words(text) <= 14
        )
        for text, fact in zip(texts, answer)
    ]


train, test = (
    course.dataset("facts", split)
    .map(lambda row: {"prompt": row["messages"][:1]})
    .select_columns(["prompt", "question", "answer"])
    for split in ("train", "test")
)
for text in (
    "Paris.",
    "With pleasure! The answer is Paris. Thank you for asking.",
    "With pleasure! The answer is Rome. Thank you for asking.",
):
    print(right_and_polite([None], [[{"role": "assistant", "content": text}]], ["Paris."]), text)
# %% [markdown] lang="en"
# Ask the instruct model the same question eight times, with sampling at temperature 1:
# %% [markdown] lang="zh-CN" of="7b60d679"
# 用温度 1 采样，把同一个问题问指令模型八次：
# %% id="sharp" tags=["nbval-ignore-output"] reason="sampled text"
with course.timed("import"):
    tokenizer = course.tokenizer("instruct")
    instruct = course.model("instruct")


def sample(model, questions, seed=0):
    """One sampled answer to each question."""
    torch.manual_seed(seed)
    return generate.chat(
        model,
        tokenizer,
        questions,
        max_new_tokens=budget.tokens,
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
    )


def score(texts, dataset):
    """The mean verifiable reward of answers to a dataset's questions."""
    return sum(
        right_and_polite(
            dataset["prompt"],
            [[{"role": "assistant", "content": text}] for text in texts],
            dataset["answer"],
        )
    ) / len(texts)


print(test["question"][0])
for text in sample(instruct, [test["question"][0]] * 8):
    print("  ", text)
instruct_score = score(sample(instruct, test["question"]), test)
# %% id="sharp.statement"
show.say("right and polite in under 5% of the answers: {holds}", holds=instruct_score < 0.05)
# %% [markdown] lang="en"
# Eight times nearly the same, and the reward is 0 for all of them. **Reinforcement learning makes likelier
# what a model already does sometimes**; what it never does can't be rewarded. So the usual recipe begins
# with supervised fine-tuning on answers of many people. We do the same: a few steps on answers in all six
# manners of Smol World, none preferred.
# %% [markdown] lang="zh-CN" of="7361af80"
# 八次几乎一模一样，奖励全是 0。**强化学习只能让模型偶尔会做的事变得更常见**；从来不做的事，也就无从奖励。
# 因此通常的做法是先用许多人写的回答做监督微调。我们也这样做：在 Smol World 的六种语气（manner）上训练几步，不偏向任何一种。
# %% id="writers" tags=["nbval-ignore-output"] reason="a progress bar and sampled text"
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from trl import GRPOConfig, GRPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

common = dict(
    activation_checkpointing=False,
    bf16=course.bf16,
    use_cpu=course.device == "cpu",
    save_strategy="no",
    report_to=[],
    disable_tqdm=False,
    seed=course.seed,
)
rng = random.Random(course.seed)
mixed = train.map(
    lambda row: {
        "messages": row["prompt"]
        + [
            {
                "role": "assistant",
                "content": say(row["answer"].removesuffix("."), rng.choice(MANNERS), rng),
            }
        ]
    }
).select_columns("messages")
manners_budget = course.choose(
    tiny=dict(steps=40, batch=32, lr=5e-4, max_length=128),
    smol=dict(
        steps=100,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 1.5e-4, "360M": 1e-4, "1.7B": 5e-5},
        max_length=1024,
    ),
)
config = SFTConfig(
    output_dir=str(course.run_dir / "sft"),
    max_steps=manners_budget.steps,
    per_device_train_batch_size=manners_budget.batch,
    learning_rate=manners_budget.lr,
    lr_scheduler_type="cosine",
    assistant_only_loss=True,
    eos_token="<|im_end|>",
    max_length=manners_budget.max_length,
    logging_steps=10,
    **common,
)
with course.timed("train"):
    sft = SFTTrainer(model=instruct, args=config, train_dataset=mixed, processing_class=tokenizer)
    sft.train()
writers = sft.model.eval()
start = str(course.run_dir / "start")
writers.save_pretrained(start)
one = test.select([0] * 8)
texts = sample(writers, one["question"])
rewards = right_and_polite(
    one["prompt"], [[{"role": "assistant", "content": text}] for text in texts], one["answer"]
)
show.side_by_side(list(zip(texts, rewards)), ["eight answers to one question", "reward"])
before_texts = sample(writers, test["question"])
before = score(before_texts, test)
show.say("right and polite: {before:.1%}", before=before)
# %% id="writers.statement"
show.say("now some of the answers are, and under half: {holds}", holds=0.05 <= before <= 0.5)


# %% [markdown] lang="en"
# ## 2. Advantages: better than one's own average
#
# GRPO (*group relative policy optimisation*) samples $G$ answers to each question and asks of each: was it
# better than the others of its **group**? With $r_i$ the rewards of the group,
#
# $$A_i = \frac{r_i - \mathrm{mean}(r_1, \dots, r_G)}{\mathrm{std}(r_1, \dots, r_G) + 10^{-4}}$$
#
# No second network has to estimate what a question is worth; the group's mean does.
#
# ### Exercise `grpo.advantages` 🐢 (10 minutes)
#
# Input: `rewards`, a float tensor of shape (questions × size,), the answers of a question side by side, and
# `size`, the group size $G$. Return the advantages, same shape. The standard deviation is the one that divides
# by $G - 1$ (PyTorch's default); an answer that is alone in its group ($G = 1$) gets 0.
#
# <details><summary>Hint</summary>
#
# `rewards.view(-1, size)` has one group a row; `keepdim=True` lets the mean be subtracted from its row.
# </details>
# %% [markdown] lang="zh-CN" of="349ebae7"
# ## 2. 优势：比自己的平均水平好多少
#
# GRPO（*group relative policy optimisation*，组内相对策略优化）对每个问题采样 $G$ 个回答，然后问每一个：它比同**组（group）**
# 的其他回答好吗？记 $r_i$ 为组内各回答的奖励，则
#
# $$A_i = \frac{r_i - \mathrm{mean}(r_1, \dots, r_G)}{\mathrm{std}(r_1, \dots, r_G) + 10^{-4}}$$
#
# 不需要另一个网络来估计一个问题值多少分；组内平均值就够了。
#
# ### 练习 `grpo.advantages` 🐢（10 分钟）
#
# 输入：`rewards`，一维浮点张量，共有“问题数 × `size`”个元素，同一问题的回答相邻排列；`size` 是组的大小 $G$。
# 返回各回答的优势（advantage），形状相同。标准差用除以 $G - 1$ 的那种（PyTorch 的默认）；组里只有一个回答（$G = 1$）时，优势为 0。
#
# <details><summary>小提示</summary>
#
# `rewards.view(-1, size)` 每行是一个组；用 `keepdim=True` 才能从每行减去该行的平均值。
# </details>
# %% id="grpo.advantages" tags=["exercise"] level="🐢" minutes=10
def advantages(rewards, size: int):
    """How much better each answer is than its group, in standard deviations.

    Example: rewards [1, 0, 5, 5] in groups of 2 give about [0.707, -0.707, 0, 0].
    """
    ### BEGIN SOLUTION
    groups = rewards.view(-1, size)
    mean = groups.mean(dim=1, keepdim=True)
    # The deviation of one answer alone would be nan; it is as good as its group.
    std = groups.std(dim=1, keepdim=True) if size > 1 else 0.0
    return ((groups - mean) / (std + 1e-4)).flatten()
    ### END SOLUTION


# %% id="grpo.advantages.check"
advantages = check("grpo.advantages", advantages)
# %% id="advantages.use"
for rewards in ([1.0, 0, 0, 0, 0, 0, 0, 0], [1.0, 1, 1, 1, 1, 1, 1, 0], [0.0] * 8):
    print(
        rewards, "->", [round(value, 2) for value in advantages(torch.tensor(rewards), 8).tolist()]
    )


# %% [markdown] lang="en"
# The one good answer gets a large push, the one bad answer a large pull, and a group of equals teaches
# nothing: that is what happened to the instruct model.
#
# ## 3. The loss
#
# With $\pi$ the policy that is trained, $\pi_{\text{old}}$ the one that wrote the answers, and
# $\pi_{\text{ref}}$ the one that training started from, for each token $t$ of answer $i$:
#
# $$\rho = \frac{\pi(t)}{\pi_{\text{old}}(t)}, \quad \ell = -\min\big(\rho A_i,\ \mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A_i\big) + \beta\, \Big(\frac{\pi_{\text{ref}}(t)}{\pi(t)} - \log \frac{\pi_{\text{ref}}(t)}{\pi(t)} - 1\Big)$$
#
# The clip stops a token from being pushed further once its probability moved by a share of $\epsilon$;
# the last term estimates the **KL divergence** from the start, that is, how far the policy's probabilities
# have moved, and $\beta$ is its price. The loss is the sum of $\ell$ over all
# answer tokens of the batch, divided by their number.
#
# ### Exercise `grpo.loss` 🐕 (20 minutes)
#
# `new`, `old` and `ref` are log-probabilities of the answers' tokens, shape (answers, length); `advantages` has
# shape (answers,), `mask` is 1 on real tokens and 0 on padding, shape (answers, length). Return a scalar
# tensor; without any real token it is 0.
#
# <details><summary>Hint</summary>
#
# You have logarithms: the ratio is `(new - old).exp()`. `advantages[:, None]` gives each answer's advantage to
# all its tokens.
# </details>
# %% [markdown] lang="zh-CN" of="e04d10a0"
# 唯一的好回答得到有力的推动，唯一的坏回答受到有力的压制，而全组都一样时什么也学不到：指令模型遇到的就是这种情形。
#
# ## 3. 损失函数
#
# 记 $\pi$ 为正在训练的策略（policy），$\pi_{\text{old}}$ 为写出这些回答的策略，$\pi_{\text{ref}}$ 为训练开始时的策略。
# 对第 $i$ 个回答的每个 token $t$：
#
# $$\rho = \frac{\pi(t)}{\pi_{\text{old}}(t)}, \quad \ell = -\min\big(\rho A_i,\ \mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A_i\big) + \beta\, \Big(\frac{\pi_{\text{ref}}(t)}{\pi(t)} - \log \frac{\pi_{\text{ref}}(t)}{\pi(t)} - 1\Big)$$
#
# 截断（clip）的作用是：一个 token 的概率变动超过 $\epsilon$ 这个比例之后，就不再继续推它；最后一项估计与起点之间的
# **KL 散度（KL divergence）**，也就是策略的概率离起点有多远，$\beta$ 是它的价格。损失是 $\ell$ 对批次中所有回答 token 求和，再除以这些 token 的个数。
#
# ### 练习 `grpo.loss` 🐕（20 分钟）
#
# `new`、`old`、`ref` 是回答中各 token 的对数概率，形状为（回答数，长度）；`advantages` 是一维张量，每个回答一个数；
# `mask` 在真实 token 上为 1、在填充上为 0，形状为（回答数，长度）。返回一个标量张量；一个真实 token 都没有时为 0。
#
# <details><summary>小提示</summary>
#
# 你手里的是对数：比值就是 `(new - old).exp()`。`advantages[:, None]` 把每个回答的优势分给它的所有 token。
# </details>
# %% id="grpo.loss" tags=["exercise"] level="🐕" minutes=20
def policy_loss(new, old, ref, advantages, mask, epsilon: float = 0.2, beta: float = 0.0):
    """The clipped policy loss with a KL penalty, per token of the batch.

    Example: with new == old == ref and all advantages 1 the loss is -1, whatever the mask.
    """
    ### BEGIN SOLUTION
    import torch

    ratio = (new - old).exp()
    advantages = advantages[:, None]
    gain = torch.min(ratio * advantages, ratio.clamp(1 - epsilon, 1 + epsilon) * advantages)
    divergence = (ref - new).exp() - (ref - new) - 1
    return ((beta * divergence - gain) * mask).sum() / mask.sum().clamp(min=1)
    ### END SOLUTION


# %% id="grpo.loss.check"
policy_loss = check("grpo.loss", policy_loss)


# %% [markdown] lang="en"
# TRL's `GRPOTrainer` takes the prompts and a list of reward functions; columns of the dataset (here
# `answer`) reach the functions as keyword arguments. With $\beta > 0$ it loads the reference model by the
# **name** that the policy was loaded from, not from the weights in memory: so we saved the start in a
# folder, and load every policy from there. First TRL's loss and ours on one batch whose old and reference
# probabilities are made up:
# %% [markdown] lang="zh-CN" of="5f06574a"
# TRL 的 `GRPOTrainer` 接收提示和几个奖励函数；数据集里的列（这里是 `answer`）会作为关键字参数传给这些函数。
# 当 $\beta > 0$ 时，它按照策略加载时的**名称**去加载参考模型，而不是用内存里的权重：所以我们把起点存进一个文件夹，
# 每个策略都从那里加载。先在一个批次上比较 TRL 的损失和我们的损失，其中旧策略和参考策略的概率是编造的：
# %% id="trainer"
def make_trainer(policy, rewards, steps, weights=None, beta=0.0, **options):
    """The course's GRPO recipe; trains `policy` itself."""
    config = GRPOConfig(
        output_dir=str(course.run_dir / "grpo"),
        max_steps=steps,
        per_device_train_batch_size=budget.batch,  # answers, not questions
        num_generations=budget.group,
        max_completion_length=budget.tokens,
        temperature=1.0,
        learning_rate=budget.lr,
        lr_scheduler_type="constant",
        beta=beta,
        use_bias_correction_kl=False,  # the KL term of the formula above
        reward_weights=weights,
        logging_steps=1,
        **{**common, **options},
    )
    return GRPOTrainer(
        model=policy,
        reward_funcs=rewards,
        args=config,
        train_dataset=train,
        processing_class=tokenizer,
    )


def fresh():
    """The start, loaded anew."""
    return AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32).to(course.device)


trainer = make_trainer(fresh(), [right_and_polite], budget.steps)
# %% id="compare"
made = torch.Generator().manual_seed(course.seed)
judge = make_trainer(fresh(), [right_and_polite], 1, beta=0.1)
ids = torch.randint(100, 500, (4, 12), generator=made)
mask = (torch.arange(8) < torch.tensor([8, 5, 3, 6])[:, None]).long()
with torch.no_grad():
    logits = (
        writers(input_ids=ids.to(course.device), logits_to_keep=9)
        .logits[:, :-1]
        .log_softmax(-1)
        .cpu()
    )
new = logits.gather(2, ids[:, 4:, None])[..., 0]
old, ref = (new + 0.3 * torch.randn(new.shape, generator=made) for _ in range(2))
gains = torch.tensor([1.5, -0.5, 0.3, -1.0])
inputs = dict(
    prompt_ids=ids[:, :4],
    prompt_mask=torch.ones(4, 4).long(),
    completion_ids=ids[:, 4:],
    completion_mask=torch.ones(4, 8).long(),
    advantages=gains,
    old_per_token_logps=old,
    ref_per_token_logps=ref,
    num_items_in_batch=torch.tensor(32),
)
full = torch.ones(4, 8)
for title, ones in (("without padding", full), ("with padding", mask)):
    inputs |= {"completion_mask": ones.long(), "num_items_in_batch": ones.sum()}
    with torch.no_grad():
        theirs = judge.compute_loss(
            judge.model.eval(), {name: value.to(course.device) for name, value in inputs.items()}
        )
    show.say(
        "{title}: equal to TRL's to 1e-5: {holds}",
        title=title,
        holds=bool(abs(policy_loss(new, old, ref, gains, ones, beta=0.1) - theirs.cpu()) < 1e-5),
    )


# %% [markdown] lang="en"
# ## 4. Train on the verifiable reward
#
# Each step samples eight answers to each of a few training questions, rewards them, and updates the policy
# once. So the policy that is trained is still the one that wrote the answers: $\rho = 1$ (though its gradient
# is not 0), and the clip does nothing here. It matters when a batch is used for several updates
# (`num_iterations > 1`).
# %% [markdown] lang="zh-CN" of="4a0591ba"
# ## 4. 用可验证的奖励来训练
#
# 每一步对几个训练问题各采样八个回答，给出奖励，然后更新一次。所以正在训练的策略就是刚刚写出这些回答的那一个：
# $\rho = 1$（但它的梯度不是 0），截断在这里不起作用。同一批回答要用来更新好几次（`num_iterations > 1`）时，它才派得上用场。
# %% id="train" tags=["nbval-ignore-output"] reason="a progress bar and a plot"
def curve(trainer, name="reward"):
    """A logged quantity, averaged over five steps."""
    values = [entry[name] for entry in trainer.state.log_history if name in entry]
    return [
        sum(values[max(0, at - 4) : at + 1]) / len(values[max(0, at - 4) : at + 1])
        for at in range(len(values))
    ]


with course.timed("train"):
    trainer.train()
show.curves(
    {
        "right and polite": curve(trainer),
        "groups without any difference": curve(trainer, "frac_reward_zero_std"),
    },
    title="GRPO on the verifiable reward",
    y="share",
)


# %% id="after" tags=["nbval-ignore-output"] reason="sampled text"
def facts(texts):
    """The share of answers that tell the right fact, in whatever manner."""
    return sum(map(preference.fact_told, texts, test["answer"])) / len(texts)


after_texts = sample(trainer.model.eval(), test["question"])
after = score(after_texts, test)
show.side_by_side(
    list(zip(test["question"][:4], before_texts[:4], after_texts[:4])),
    ["held-out question", "before", "after GRPO"],
)
show.say(
    "right and polite, held-out questions: {before:.1%} -> {after:.1%}", before=before, after=after
)
show.say(
    "right, whatever the manner: {before:.1%} -> {after:.1%}",
    before=facts(before_texts),
    after=facts(after_texts),
)
# %% id="after.bars"
show.say("the verifiable reward rose by at least 30 points: {holds}", holds=after - before >= 0.30)
show.say(
    "the right fact is told as often as before, or at most 10 points less: {holds}",
    holds=facts(after_texts) >= facts(before_texts) - 0.10,
)
# %% [markdown] lang="en"
# No manner was ever shown to the policy as the better one; it found out. A group whose rewards are
# all equal teaches nothing: the second curve is the share of such groups. At first all their answers fail, later
# all succeed; when nearly all groups are like that, further steps are wasted.
#
# ## 5. A learned reward, and how it is cheated
#
# Most of what people want can't be verified by a program, so a **reward model** stands in. Ours comes from the
# hurried crowd of the [notebook on human feedback](human_feedback_exercise.ipynb): three annotators to whom long
# answers look better.
# %% [markdown] lang="zh-CN" of="ee332fff"
# 从来没有人告诉这个策略哪种语气更好，是它自己发现的。奖励全都相同的组教不了什么，第二条曲线就是
# 这种组所占的比例：起初是组内的回答全都不合格，后来是全都合格。等到几乎每个组都这样，再训练下去就是浪费。
#
# ## 5. 学来的奖励，以及它怎样被钻空子
#
# 人们想要的东西大多没法用程序验证，于是用**奖励模型（reward model）** 来代替。这里的奖励模型来自
# [人类反馈那个 notebook](human_feedback_exercise.ipynb) 里那群赶时间的标注员：在这三个人眼里，长的回答更好。
# %% id="reward_model" tags=["nbval-ignore-output"] reason="a progress bar"
from collections import Counter

rater_budget = course.choose(
    tiny=dict(pairs=800, steps=40, batch=16, lr=5e-4, max_length=128),
    smol=dict(
        pairs=2000,
        steps=200,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 1e-4, "360M": 6.7e-5, "1.7B": 3.3e-5},
        max_length=1024,
    ),
)
pairs = course.dataset("preferences", "train").select(range(rater_budget.pairs))
ballots = {}
for vote in annotators.ask_crowd(pairs, annotators.HURRIED_CROWD, seed=course.seed):
    ballots.setdefault(vote["pair"], Counter())[annotators.winner(vote)] += 1
labelled = annotators.label(
    pairs, {pair: count.most_common(1)[0][0] for pair, count in ballots.items()}
)
with course.timed("import"):
    reward_model = AutoModelForSequenceClassification.from_pretrained(
        course.model_id("instruct"), num_labels=1, dtype=torch.float32
    )
config = RewardConfig(
    output_dir=str(course.run_dir / "reward"),
    max_steps=rater_budget.steps,
    per_device_train_batch_size=rater_budget.batch,
    learning_rate=rater_budget.lr,
    lr_scheduler_type="cosine",
    center_rewards_coefficient=0.01,
    max_length=rater_budget.max_length,
    logging_steps=10,
    **common,
)
with course.timed("train"):
    raters = RewardTrainer(
        model=reward_model, args=config, train_dataset=labelled, processing_class=tokenizer
    )
    raters.train()
reward_model.eval()


def crowd_score(prompts, completions, **others):
    """The reward model's opinion of each answer."""
    texts = [
        tokenizer.apply_chat_template(prompt + completion, tokenize=False)
        for prompt, completion in zip(prompts, completions)
    ]
    batch = tokenizer(
        texts, return_tensors="pt", padding=True, padding_side="right", add_special_tokens=False
    )
    with torch.no_grad():
        return reward_model(**batch.to(reward_model.device)).logits[:, 0].tolist()


def words(prompts, completions, **others):
    """How many words each answer has; only watched, never rewarded."""
    return [float(annotators.words(completion)) for completion in completions]


held_out = course.dataset("preferences", "test")
first, second = (crowd_score(held_out["prompt"], held_out[side]) for side in ("chosen", "rejected"))
show.say(
    "the better answer of a held-out pair scores higher in {share:.0%} of the pairs",
    share=sum(a > b for a, b in zip(first, second)) / len(first),
)
# %% [markdown] lang="en"
# Right in most of the pairs; many a reward model in use is no better. Train a policy on it, from the same start. Two
# functions with **weight 0** are only watched: what we really want, and the number of words.
# %% [markdown] lang="zh-CN" of="756ede52"
# 在多数回答对上，这个奖励模型判断正确：许多实际在用的奖励模型也不过如此。从同一个起点出发，用它来训练一个策略。还有两个**权重为 0** 的函数只用来观察：
# 我们真正想要的东西，以及词数。
# %% id="hack" tags=["nbval-ignore-output"] reason="a progress bar and plots"
watched = [crowd_score, right_and_polite, words]
hacked = make_trainer(fresh(), watched, budget.hack_steps, weights=[1.0, 0.0, 0.0])
with course.timed("train"):
    hacked.train()
proxy, truth, length = (
    curve(hacked, f"rewards/{name}/mean") for name in ("crowd_score", "right_and_polite", "words")
)
show.curves({"crowd's score": proxy}, title="what is rewarded", y="score")
show.curves({"right and polite": truth}, title="what was wanted", y="share")
hacked_texts = sample(hacked.model.eval(), test["question"])
show.side_by_side(
    list(zip(test["question"][:4], hacked_texts[:4])),
    ["held-out question", "trained on the crowd's score"],
)
# %% id="hack.statement"
hacked_score = score(hacked_texts, test)
count = lambda texts: sum(annotators.words(text) for text in texts) / len(texts)
show.say("the crowd's score rose: {holds}", holds=proxy[-1] > proxy[0] + 0.5)
show.say(
    "the answers have at least 1.5 times as many words: {holds}",
    holds=count(hacked_texts) >= 1.5 * count(before_texts),
)
show.say(
    "what was wanted is at least 40 points below the policy of section 4: {holds}",
    holds=after - hacked_score >= 0.40,
)


# %% [markdown] lang="en"
# **Reward hacking**: the policy found what the reward likes, not what you like. Nothing went wrong in
# training; every curve that an optimiser looks at is healthy. Only the watched one tells.
#
# ### Exercise `grpo.alarm` 🐕 (15 minutes)
#
# Build the smoke detector. Input: `proxy`, what is rewarded, and `truth`, what was wanted (a small trusted
# measurement), two lists of equal length, and `patience`, a positive number of steps. Return the first step
# `t >= patience` (counted from 0) at which, compared with `patience` steps before, the proxy is **higher and** the
# truth **lower**; `None` if there is none.
#
# <details><summary>Hint</summary>
#
# `range(patience, len(proxy))` are the steps that have something to be compared with.
# </details>
# %% [markdown] lang="zh-CN" of="49ac7a9b"
# 这就是**奖励作弊（reward hacking）**：策略找到的是奖励喜欢的东西，不是你喜欢的东西。训练本身没有出任何错；优化器看得到的每条曲线都很健康。
# 只有那条旁观的曲线说了实话。
#
# ### 练习 `grpo.alarm` 🐕（15 分钟）
#
# 造一个烟雾报警器。输入：`proxy` 是被奖励的量，`truth` 是真正想要的量（少量可信的测量），两个等长的列表；
# `patience` 是一个正的步数。返回第一个满足下列条件的步 `t >= patience`（从 0 数起）：与 `patience` 步之前相比，
# proxy **更高，而且** truth **更低**；没有这样的步就返回 `None`。
#
# <details><summary>小提示</summary>
#
# `range(patience, len(proxy))` 就是那些有东西可比的步。
# </details>
# %% id="grpo.alarm" tags=["exercise"] level="🐕" minutes=15
def alarm(proxy: list[float], truth: list[float], patience: int):
    """The first step at which a reward is being cheated, or None.

    >>> alarm([0.0, 1.0, 2.0, 3.0], [0.5, 0.6, 0.7, 0.1], 2)
    3
    """
    ### BEGIN SOLUTION
    for t in range(patience, len(proxy)):
        if proxy[t] > proxy[t - patience] and truth[t] < truth[t - patience]:
            return t
    return None
    ### END SOLUTION


# %% id="grpo.alarm.check"
alarm = check("grpo.alarm", alarm)
# %% id="alarm.use"
show.say("alarm in the run on the crowd's score: {holds}", holds=alarm(proxy, truth, 5) is not None)


# %% [markdown] lang="en"
# ## 6. Three cures
#
# - **A leash**: $\beta > 0$ charges for moving away from the start. It slows the cheat; it does not know what
#   is a cheat.
# - **Control the length**: words beyond a limit cost something, so that length can't be the way to win.
# - **Verify what can be verified**: a wrong answer gets a fixed low reward, however well it is liked.
#
# ### Exercise `grpo.control` 🐕 (10 minutes)
#
# Combine the last two. Input: three lists of equal length, `scores` (floats), `lengths` (numbers of words) and `right`
# (bools); `limit` words are free, each further one costs `price`; a wrong answer gets `floor` instead of all
# that. Return the list of rewards.
#
# <details><summary>Hint</summary>
#
# `max(0, length - limit)` is the number of words over the limit.
# </details>
# %% [markdown] lang="zh-CN" of="8b614475"
# ## 6. 三种对策
#
# - **拴根绳子**：$\beta > 0$ 会对偏离起点收费。它让作弊变慢，但并不知道什么是作弊。
# - **控制长度**：超出限额的词要扣分，这样就不能靠长度取胜。
# - **能验证的就验证**：答错的一律得一个固定的低分，不管它多讨人喜欢。
#
# ### 练习 `grpo.control` 🐕（10 分钟）
#
# 把后两种结合起来。输入：三个等长的列表，`scores`（浮点数）、`lengths`（词数）和 `right`（布尔值）；
# `limit` 个词以内不扣分，每多一个词扣 `price`；答错的不看这些，直接得 `floor`。返回奖励的列表。
#
# <details><summary>小提示</summary>
#
# `max(0, length - limit)` 就是超出限额的词数。
# </details>
# %% id="grpo.control" tags=["exercise"] level="🐕" minutes=10
def controlled(
    scores: list[float],
    lengths: list[int],
    right: list[bool],
    limit: int,
    price: float,
    floor: float,
) -> list[float]:
    """Scores that neither length nor a wrong answer can buy.

    >>> controlled([3.0, 2.0, 9.0], [20, 10, 10], [True, True, False], limit=15, price=1.0, floor=-10.0)
    [-2.0, 2.0, -10.0]
    """
    ### BEGIN SOLUTION
    return [
        score - price * max(0, length - limit) if is_right else floor
        for score, length, is_right in zip(scores, lengths, right)
    ]
    ### END SOLUTION


# %% id="grpo.control.check"
controlled = check("grpo.control", controlled)


# %% id="cure" tags=["nbval-ignore-output"] reason="progress bars and a plot"
def careful_score(prompts, completions, answer, **others):
    """The crowd's score, with length under control and facts verified."""
    right = [
        preference.fact_told(completion[0]["content"], fact)
        for completion, fact in zip(completions, answer)
    ]
    lengths = [annotators.words(completion) for completion in completions]
    return controlled(
        crowd_score(prompts, completions), lengths, right, limit=14, price=1.0, floor=-10.0
    )


leash = make_trainer(fresh(), watched, budget.hack_steps, weights=[1.0, 0.0, 0.0], beta=0.5)
cured = make_trainer(
    fresh(),
    [careful_score, right_and_polite, words],
    budget.hack_steps,
    weights=[1.0, 0.0, 0.0],
)
with course.timed("train"):
    leash.train()
    cured.train()
runs = {"crowd's score": hacked, "with a leash": leash, "length and facts controlled": cured}
show.curves(
    {name: curve(run, "rewards/right_and_polite/mean") for name, run in runs.items()},
    title="what was wanted",
    y="right and polite",
)
show.curves(
    {name: curve(run, "rewards/words/mean") for name, run in runs.items()},
    title="words in an answer",
    y="words",
)
leash_texts, cured_texts = (sample(run.model.eval(), test["question"]) for run in (leash, cured))
leash_score, cured_score = score(leash_texts, test), score(cured_texts, test)
table = [
    ("start", before_texts),
    ("verifiable reward", after_texts),
    ("crowd's score", hacked_texts),
    ("with a leash", leash_texts),
    ("length and facts controlled", cured_texts),
]
show.side_by_side(
    [(name, f"{score(texts, test):.0%}", f"{count(texts):.1f}", texts[0]) for name, texts in table],
    ["policy", "right and polite", "words", "answer"],
)
show.say("the question of these answers: {question}", question=test["question"][0])
# %% id="cure.statement"
show.say(
    "with control, what was wanted is at least 30 points above the cheating policy: {holds}",
    holds=cured_score - hacked_score >= 0.30,
)
show.say("and the answers are shorter: {holds}", holds=count(cured_texts) < count(hacked_texts))
show.say("the leash alone is worse than control: {holds}", holds=leash_score < cured_score)


# %% [markdown] lang="en"
# The leash only slowed the cheat: the answers are longer than at the start, and fewer are right and polite.
# A tighter one would keep the policy closer to the start, which was not good; control removes the reason to
# cheat. The same crowd, the same reward model: what changed is that its known weakness no longer pays.
#
# ## 7. Your own problem
#
# ### Exercise `grpo.reward` 🦁 (30 minutes)
#
# Write a verifiable reward for another form of answer that the start already produces sometimes: one of the six
# manners, or what several of them share (see `smolcourse.world.manner.FRAMES`), for instance one sentence that
# begins with "The answer is". TRL's form: `completions` is a list of
# `[{"role": "assistant", "content": text}]`, `answer` a list of right answers such as `"Paris."`; further
# keyword arguments must be accepted. Return one finite float an answer, the same every time. A right answer
# must never get less than a wrong one in the same form, in some form it must get more; and right answers in
# different forms must not all get the same.
#
# **Rubric** (for yourself or your instructor): the next cell shows the reward rising (1 point); you looked for an answer
# that gets the full reward and is useless, and found one or closed the gap (1); you can say why the policy
# could sample your form before training (1).
#
# <details><summary>Hint</summary>
#
# `preference.fact_told(text, fact)` says whether an answer tells the fact, in whatever form.
# </details>
# %% [markdown] lang="zh-CN" of="9bea14cb"
# 绳子只是让作弊变慢：回答比起点的更长，既正确又礼貌的也更少。拴得更紧，策略也只是离起点更近，而起点本来就不好；
# 控制则去掉了作弊的理由。还是那群人，还是那个奖励模型：变的只是它已知的弱点不再有利可图。
#
# ## 7. 你自己的问题
#
# ### 练习 `grpo.reward` 🦁（30 分钟）
#
# 另选一种起点本来就偶尔会用的回答形式，为它写一个可验证的奖励：可以是六种语气之一，也可以是其中几种共有的特点
# （见 `smolcourse.world.manner.FRAMES`），例如以 "The answer is" 开头的一句话。采用 TRL 的形式：`completions` 是由
# `[{"role": "assistant", "content": 文本}]` 组成的列表，`answer` 是正确答案的列表，例如 `"Paris."`；还必须接受其他关键字参数。
# 每个回答返回一个有限的浮点数，每次都相同。形式相同时，正确回答的得分绝不能低于错误回答，而且至少在某种形式下要更高；
# 不同形式的正确回答不能得分全都一样。
#
# **评分标准**（供自己或老师使用）：下一个单元格显示奖励在上升（1 分）；你找过“得满分却毫无用处”的回答，找到了一个，
# 或者堵上了漏洞（1 分）；你说得出为什么策略在训练之前就能采样到你要的形式（1 分）。
#
# <details><summary>小提示</summary>
#
# `preference.fact_told(text, fact)` 可以判断一个回答是否说出了事实，不论形式如何。
# </details>
# %% id="grpo.reward" tags=["exercise"] level="🦁" minutes=30
def own_reward(completions: list, answer: list[str], **others) -> list[float]:
    """A verifiable reward of your own.

    Example (yours will differ): "The answer is Paris." gets 1.0, "Paris." and "The answer is Rome." get 0.0.
    """
    ### BEGIN SOLUTION
    from smolcourse.topics.preference import fact_told

    rewards = []
    for completion, fact in zip(completions, answer):
        text = completion[0]["content"].strip()
        one_sentence = (
            text.startswith("The answer is") and text.endswith(".") and text.count(". ") == 0
        )
        rewards.append(float(one_sentence and fact_told(text, fact)))
    return rewards
    ### END SOLUTION


# %% id="grpo.reward.check"
own_reward = check("grpo.reward", own_reward)
# %% id="reward.use" tags=["nbval-ignore-output"] reason="a progress bar and sampled text"
own = make_trainer(fresh(), [own_reward], budget.own_steps)
with course.timed("train"):
    own.train()
own_texts = sample(own.model.eval(), test["question"])
own_before, own_after = (
    sum(
        own_reward(  # by name, as TRL does
            prompts=test["question"],
            completions=[[{"role": "assistant", "content": text}] for text in texts],
            answer=test["answer"],
        )
    )
    / len(test)
    for texts in (before_texts, own_texts)
)
show.side_by_side(
    list(zip(test["question"][:3], own_texts[:3])), ["held-out question", "trained on your reward"]
)
show.say(
    "your reward on held-out questions: {before:.2f} -> {after:.2f}",
    before=own_before,
    after=own_after,
)
# %% id="reward.statement"
show.say("your reward rose: {holds}", holds=own_after > own_before)
# %% [markdown] lang="en"
# ## 8. Report
# %% [markdown] lang="zh-CN" of="3f5a883d"
# ## 8. 报告
# %% id="report"
course.report(
    "held-out questions answered rightly and politely: the verifiable reward",
    before,
    after,
    before + 0.30,
    n=len(test),
    grpo_instruct=round(instruct_score, 3),
    grpo_hacked=round(hacked_score, 3),
    grpo_leash=round(leash_score, 3),
    grpo_cured=round(cured_score, 3),
    grpo_facts_before=round(facts(before_texts), 3),
    grpo_facts_after=round(facts(after_texts), 3),
    grpo_facts_hacked=round(facts(hacked_texts), 3),
    words_before=round(count(before_texts), 1),
    words_hacked=round(count(hacked_texts), 1),
    words_cured=round(count(cured_texts), 1),
)
# %% [markdown] lang="en"
# ## Summary
#
# - GRPO samples a group of answers, rewards them, and pushes each up or down by how it compares with its group. Equal rewards teach nothing.
# - A policy finds what the reward pays for. Watch what you want beside what you reward, with a function of weight 0.
# - Verify what a program can verify, take away the known bias of the rest, and keep the leash for the unknown.
#
# **Where next.** The lesson page [GRPO](../grpo.md) has the choices (group size, KL, loss types) with numbers. Papers:
# [DeepSeekMath](https://arxiv.org/abs/2402.03300), [DeepSeek-R1](https://arxiv.org/abs/2501.12948), [DAPO](https://arxiv.org/abs/2503.14476),
# [Dr. GRPO](https://arxiv.org/abs/2503.20783). Next module: [LoRA](../../3_parameter_efficient_finetuning/lora.md).
# %% [markdown] lang="zh-CN" of="9c121132"
# ## 小结
#
# - GRPO 采样一组回答，给出奖励，再按每个回答与同组相比的好坏把它往上推或往下压。奖励都一样就学不到东西。
# - 奖励给什么加分，策略就会找到什么。在奖励旁边，用一个权重为 0 的函数盯住你真正想要的东西。
# - 程序能验证的就验证，其余的先去掉已知的偏差，绳子留给未知的偏差。
#
# **下一步。** 讲义 [GRPO](../../grpo.zh-CN.md) 里有各种选择（组的大小、KL、损失类型）以及对应的数字。论文：
# [DeepSeekMath](https://arxiv.org/abs/2402.03300)、[DeepSeek-R1](https://arxiv.org/abs/2501.12948)、[DAPO](https://arxiv.org/abs/2503.14476)、
# [Dr. GRPO](https://arxiv.org/abs/2503.20783)。下一个模块：[LoRA](../../../3_parameter_efficient_finetuning/lora.zh-CN.md)。
