# ---
# smolcourse: {module: 2_preference_alignment, topic: human_feedback}
# ---
# %% [markdown] lang="en"
# # Human feedback: from clicks to a reward model
#
# Which of two answers is better? People can tell, and can't write it down as a formula. In this
# notebook you will
#
# - label pairs of answers yourself, in a panel, and let a simulated crowd label hundreds more;
# - measure how far annotators agree, which of them lean to one side, and what a majority repairs;
# - write the loss of a reward model and check that TRL's `RewardTrainer` computes the same to 1e-5;
# - train a reward model and see it inherit what was wrong with its labels.
#
# **Cost.** A minute or two on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page: [Human feedback](../human_feedback.md).
# What to do with a reward is the next notebook's subject: [GRPO](grpo_exercise.ipynb).
# %% [markdown] lang="zh-CN" of="3370e470"
# # 人类反馈：从点击到奖励模型
#
# 两个回答哪个更好？人一看便知，却写不成公式。在这个 notebook 里，你将
#
# - 在一个面板里亲自给成对的回答做标注，再让一群模拟的标注员标注几百对；
# - 测量标注员之间有多一致、谁偏向某一侧，以及多数表决能弥补什么；
# - 写出奖励模型的损失函数，并验证 TRL 的 `RewardTrainer` 算出的数值与你的相差不超过 1e-5；
# - 训练一个奖励模型，并看到它把标签里的毛病也一并学了去。
#
# **开销。** 双核笔记本电脑上一两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[人类反馈](../../human_feedback.zh-CN.md)。有了奖励之后能做什么，是下一个 notebook 的内容：[GRPO](grpo_exercise.ipynb)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
from smolcourse import check, setup, show
from smolcourse.topics import annotators
from smolcourse.topics import labelling
from smolcourse.topics import preference

import torch

course = setup("2_preference_alignment/human_feedback")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and those it takes on SmolLM2-135M
# with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="c99ee601"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(pairs=800, steps=40, batch=16, lr=5e-4, max_length=128, eval_batch=64),
    smol=dict(
        pairs=2000,
        steps=200,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 1e-4, "360M": 6.7e-5, "1.7B": 3.3e-5},
        max_length=1024,
        eval_batch=32,
    ),
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# `preferences` holds questions with two answers each. Both answers are right; people prefer the
# **chosen** one. Here are three pairs in random order. What would a *formula* for "better" look like?
# %% [markdown] lang="zh-CN" of="478a9536"
# ## 1. 先看问题
#
# `preferences` 里的每个问题都有两个回答。两个都答对了，而人们更喜欢 **chosen** 的那个。下面是次序随机的三对。
# 要是让你给“更好”写一个*公式*，它会是什么样？
# %% id="data"
train = preference.validate(course.dataset("preferences", "train").select(range(budget.pairs)))
test = preference.validate(course.dataset("preferences", "test"))
preview = labelling.Panel(test.select(range(3)), path=course.run_dir / "preview.jsonl")
show.side_by_side(
    [
        (
            preference.text_of(row["prompt"]),
            *(preference.text_of(row[side]) for side in (left, annotators.SIDES[left == "chosen"])),
        )
        for row, left in zip(preview.rows, preview.lefts)
    ],
    ["question", "A", "B"],
)
show.say(
    "{train} training pairs, {test} held-out pairs on facts that no training pair asks",
    train=len(train),
    test=len(test),
)
# %% [markdown] lang="en"
# ## 2. Label a few yourself
#
# Ten pairs. The answers stand in **random order**, so that a habit of clicking left does no harm. Every
# click is in a file before you see the next pair, and the panel goes on where you left it; *undo* takes
# the last click back. Nobody there to click? Then the notebook goes on without your labels.
# %% [markdown] lang="zh-CN" of="733f95ca"
# ## 2. 自己动手标几对
#
# 一共十对。两个回答的左右次序是**随机**的，这样即使你习惯点左边也不要紧。每点一下，标签就先写进文件，
# 然后才显示下一对；下次打开面板会接着上次的进度，点*撤销*可以收回最近一次点击。没有人来点？那 notebook 就不带你的标签继续往下走。
# %% id="panel" tags=["nbval-ignore-output"] reason="a panel to click; shows your own progress"
panel = labelling.Panel(
    train.select(range(10)), path=course.run_dir.parent / "labels.jsonl", seed=course.seed
)
panel.show()
# %% [markdown] lang="en"
# ## 3. A crowd
#
# Ten labels train nothing. Five simulated annotators label all the training pairs: `Ada` and `Ben` are
# careful, `Cleo` is in a hurry, `Dan` likes the left side, `Eve` likes long answers. They are
# [Bradley-Terry](https://en.wikipedia.org/wiki/Bradley%E2%80%93Terry_model) annotators: the clearer the
# difference, the surer the vote.
# %% [markdown] lang="zh-CN" of="e24b8ad1"
# ## 3. 一群标注员
#
# 十个标签什么也训练不了。于是让五位模拟的标注员（annotator）把训练集全部标一遍：`Ada` 和 `Ben` 很仔细，`Cleo` 总在赶时间，
# `Dan` 偏爱左边，`Eve` 偏爱长回答。他们都遵循 [Bradley-Terry](https://en.wikipedia.org/wiki/Bradley%E2%80%93Terry_model)
# 模型：差别越明显，投票就越有把握。
# %% id="crowd"
votes = annotators.ask_crowd(train, annotators.CROWD, seed=course.seed)
show.side_by_side(votes[:5])
by_name = {
    person.name: [annotators.winner(v) for v in votes if v["annotator"] == person.name]
    for person in annotators.CROWD
}
for name, winners in by_name.items():
    show.say(
        "{name}: right {right:.1%}, ties {ties}",
        name=name,
        right=annotators.share_right(dict(enumerate(winners))),
        ties=winners.count(None),
    )


# %% [markdown] lang="en"
# A vote says `left` or `right`; which *answer* that means depends on `left`. Draft 1 forgets it:
# %% [markdown] lang="zh-CN" of="4dc6aff9"
# 一张票写的是 `left` 或 `right`；它指的是哪个*回答*，要看 `left` 这一项。第一稿把这件事忘了：
# %% id="majority.draft"
def draft_majority(votes):
    lefts = {}
    for vote in votes:
        lefts.setdefault(vote["pair"], []).append(vote["vote"] == "left")
    return {
        pair: "chosen" if sum(clicks) > len(clicks) / 2 else "rejected"
        for pair, clicks in lefts.items()
    }


misread = draft_majority(votes)
show.say(
    "labels of the draft that name the better answer: {share:.0%}",
    share=annotators.share_right(misread),
)


# %% [markdown] lang="en"
# A coin (50%) would do nearly as well, and no error message ever says so.
#
# ### Exercise `feedback.majority` 🐢 (10 minutes)
#
# Write it right. Input: a list of votes, each a dict with `pair` (a number), `left` (`"chosen"` or
# `"rejected"`: what stood on the left) and `vote` (`"left"`, `"right"`, `"tie"` or `"skip"`). Return a
# dict `{pair: winner}` with every pair that was voted on. The winner is `"chosen"` or `"rejected"`,
# whichever got more votes; ties and skips count for neither; `None` if both got equally many.
#
# <details><summary>Hint</summary>
#
# Give each pair a balance that starts at 0: plus 1 for a vote for chosen, minus 1 for rejected.
# </details>
# %% [markdown] lang="zh-CN" of="f9827483"
# 抛硬币（50%）也差不了多少，而且不会有任何报错来提醒你。
#
# ### 练习 `feedback.majority` 🐢（10 分钟）
#
# 把它写对。输入：一个投票列表，每张票是一个字典，含 `pair`（编号）、`left`（`"chosen"` 或 `"rejected"`：左边放的是哪个）
# 和 `vote`（`"left"`、`"right"`、`"tie"` 或 `"skip"`）。返回字典 `{pair: 胜者}`，包含所有被投过票的对。
# 胜者是得票较多的那个：`"chosen"` 或 `"rejected"`；平手和跳过对谁都不算；两者得票相同时为 `None`。
#
# <details><summary>小提示</summary>
#
# 给每一对设一个从 0 开始的差额：投给 chosen 加 1，投给 rejected 减 1。
# </details>
# %% id="feedback.majority" tags=["exercise"] level="🐢" minutes=10
def majority(votes: list[dict]) -> dict:
    """The winner of each pair.

    >>> majority([{"pair": 7, "left": "rejected", "vote": "right"}, {"pair": 8, "left": "chosen", "vote": "tie"}])
    {7: 'chosen', 8: None}
    """
    ### BEGIN SOLUTION
    balance = {}
    for vote in votes:
        balance.setdefault(vote["pair"], 0)
        if vote["vote"] in ("left", "right"):
            for_chosen = (vote["vote"] == "left") == (vote["left"] == "chosen")
            balance[vote["pair"]] += 1 if for_chosen else -1
    return {
        pair: None if sum == 0 else "chosen" if sum > 0 else "rejected"
        for pair, sum in balance.items()
    }
    ### END SOLUTION


# %% id="feedback.majority.check"
majority = check("feedback.majority", majority)
# %% id="majority.use"
labels = majority(votes)
majority_right = annotators.share_right(labels)
alone = [annotators.share_right(dict(enumerate(winners))) for winners in by_name.values()]
show.say(
    "one annotator alone: {alone:.1%} right; majority of five: {majority:.1%}",
    alone=sum(alone) / len(alone),
    majority=majority_right,
)
show.say("undecided pairs: {pairs}", pairs=list(labels.values()).count(None))


# %% [markdown] lang="en"
# ## 4. Do they agree?
#
# Real labels have no answer key; all you can look at is whether people agree. **Cohen's kappa** takes off
# the agreement that chance alone would give. With $p_o$ the observed share of equal labels, $p_a(k)$ and
# $p_b(k)$ the shares with which the two use label $k$,
#
# $$\kappa = \frac{p_o - p_e}{1 - p_e}, \qquad p_e = \sum_k p_a(k)\, p_b(k)$$
#
# 1 is perfect agreement, 0 is what chance alone would give, and below 0 is less than that.
#
# ### Exercise `feedback.kappa` 🐢 (10 minutes)
#
# Input: two lists of labels of equal length (strings or `None`), at least one. Return kappa as a float; if
# $p_e = 1$ it is 0 divided by 0: return `float("nan")`.
#
# <details><summary>Hint</summary>
#
# `collections.Counter` counts a list. A label that only one of the two uses adds 0 to $p_e$.
# </details>
# %% [markdown] lang="zh-CN" of="f139879a"
# ## 4. 他们意见一致吗？
#
# 真实的标签没有标准答案；你能看的只有人们是否一致。**Cohen's kappa** 会扣掉光凭运气就能得到的那部分一致。
# 记 $p_o$ 为两人标签相同的比例，$p_a(k)$ 和 $p_b(k)$ 为两人各自使用标签 $k$ 的比例，则
#
# $$\kappa = \frac{p_o - p_e}{1 - p_e}, \qquad p_e = \sum_k p_a(k)\, p_b(k)$$
#
# 1 表示完全一致，0 表示正好是光凭运气的水平，小于 0 则连这个水平都不到。
#
# ### 练习 `feedback.kappa` 🐢（10 分钟）
#
# 输入：两个等长的标签列表（元素是字符串或 `None`），至少有一个元素。返回 kappa，一个浮点数；
# 如果 $p_e = 1$，它就是 0 除以 0：请返回 `float("nan")`。
#
# <details><summary>小提示</summary>
#
# `collections.Counter` 可以给列表计数。只有一个人用过的标签，对 $p_e$ 的贡献是 0。
# </details>
# %% id="feedback.kappa" tags=["exercise"] level="🐢" minutes=10
def kappa(a: list, b: list) -> float:
    """Cohen's kappa of two annotators.

    >>> kappa(["chosen", "chosen", "rejected", "rejected"], ["chosen", "rejected", "rejected", "rejected"])
    0.5
    """
    ### BEGIN SOLUTION
    from collections import Counter

    n = len(a)
    observed = sum(x == y for x, y in zip(a, b)) / n
    of_a, of_b = Counter(a), Counter(b)
    expected = sum(of_a[label] * of_b[label] for label in of_a) / n**2
    return float("nan") if expected == 1 else (observed - expected) / (1 - expected)
    ### END SOLUTION


# %% id="feedback.kappa.check"
kappa = check("feedback.kappa", kappa)
# %% [markdown] lang="en"
# Compared with scikit-learn, and then a warning. The last row is two people who agree on 90% of the
# pairs, because both click left nearly always; two machines that do nothing else would agree on 100%:
# %% [markdown] lang="zh-CN" of="c5193579"
# 先与 scikit-learn 比较，再看一个警告。最后一行的两个人有 90% 的标签相同，因为两人几乎总是点左边；
# 两台只会点左边的机器，相同的比例会是 100%：
# %% id="kappa.use"
from itertools import combinations

import numpy as np
from sklearn.metrics import cohen_kappa_score

table = []
for one, other in combinations(by_name, 2):
    a, b = ([str(winner) for winner in by_name[name]] for name in (one, other))
    assert np.isclose(kappa(a, b), cohen_kappa_score(a, b), equal_nan=True)
    table.append(
        (
            f"{one}, {other}",
            f"{sum(x == y for x, y in zip(a, b)) / len(a):.0%}",
            f"{kappa(a, b):.2f}",
        )
    )
lazy_a, lazy_b = ["left"] * 19 + ["right"], ["right"] + ["left"] * 19
table.append(
    (
        "two who click left",
        f"{sum(x == y for x, y in zip(lazy_a, lazy_b)) / 20:.0%}",
        f"{kappa(lazy_a, lazy_b):.2f}",
    )
)
show.side_by_side(table, ["annotators", "equal labels", "kappa"])


# %% [markdown] lang="en"
# Look at the first ten rows as well: the labels are equal in most pairs and kappa is low, even between
# two careful people. In this dataset the chosen answer is better *every time*, so nearly all labels say
# "chosen" and chance alone agrees a lot. Call the two answers A and B in an order that all annotators
# share (every second pair turned round); then both labels are half and half, and kappa tells more:
# %% [markdown] lang="zh-CN" of="30ffa33a"
# 前十行也值得一看：多数标签是相同的，kappa 却很低，连两位仔细的人之间也是如此。这个数据集里 chosen *每次*都更好，
# 于是几乎所有标签都写着 chosen，光凭运气就能大量一致。如果让所有标注员共用同一个次序（奇数编号的对左右对调），
# 把两个回答叫做 A 和 B，两种标签就各占一半，kappa 才更能说明问题：
# %% id="kappa.sides"
def sides(name):
    """The winner, told by where a common order (odd pairs turned) puts it."""
    return [
        "tie" if w is None else ("A", "B")[(w == "chosen") == bool(pair % 2)]
        for pair, w in enumerate(by_name[name])
    ]


show.side_by_side(
    [
        (f"{one}, {other}", f"{kappa(sides(one), sides(other)):.2f}")
        for one, other in combinations(by_name, 2)
    ][:4],
    ["annotators", "kappa of A and B"],
)
you = {vote["pair"]: annotators.winner(vote) for vote in panel.votes()}
# %% id="kappa.you" tags=["nbval-ignore-output"] reason="your own labels"
shared = [pair for pair, winner in you.items() if winner]
show.say(
    "{yours} labels of yours; {agree} of {decided} decided ones agree with the crowd",
    yours=len(you),
    agree=sum(you[p] == labels[p] for p in shared),
    decided=len(shared),
)
# %% [markdown] lang="en"
# ## 5. Which side?
#
# Dan likes the left side. With the answers in random order that is noise. If your tool always puts the
# same answer on the left, it is a **bias**, and it looks like skill:
# %% [markdown] lang="zh-CN" of="6fd8f93b"
# ## 5. 偏向哪一侧？
#
# Dan 偏爱左边。只要左右次序随机，这只是噪声。如果你的工具总把同一个回答放在左边，它就成了**偏差（bias）**，而且看起来像是本事：
# %% id="position.problem"
fixed = annotators.ask_crowd(train, annotators.CROWD, seed=course.seed, randomise=False)
for name in ("Ada", "Dan"):
    for title, some in (("random order", votes), ("chosen always left", fixed)):
        own = {v["pair"]: annotators.winner(v) for v in some if v["annotator"] == name}
        show.say(
            "{name}, {title}: right {right:.1%}",
            name=name,
            title=title,
            right=annotators.share_right(own),
        )


# %% [markdown] lang="en"
# ### Exercise `feedback.position` 🐕 (15 minutes)
#
# Measure it. Input: votes of one annotator, as above, in which the chosen answer may stand on the left
# more often than the rejected one. Look at the two orders **separately**: the share of `"left"` among the
# decided votes (ties and skips left out) where the chosen answer stood left, and where the rejected one
# did. Return the mean of the two shares minus 0.5: 0 is fair, 0.5 clicks left whatever is there. If
# one of the orders has no decided vote, raise `ValueError`: then bias and quality can't be told apart.
#
# <details><summary>Hint</summary>
#
# Somebody who always finds the better answer has the shares 1 and 0, so the mean is 0.5.
# </details>
# %% [markdown] lang="zh-CN" of="693b29b0"
# ### 练习 `feedback.position` 🐕（15 分钟）
#
# 把它测出来。输入：同一位标注员的投票，格式同上，其中 chosen 在左边的次数可能多于 rejected。请把两种次序**分开**来看：
# chosen 在左边时，有效票（不算平手和跳过）中 `"left"` 的比例；rejected 在左边时，同样的比例。
# 返回这两个比例的平均值减去 0.5：0 表示公平，0.5 表示不管放什么都点左边。
# 如果某种次序下没有有效票，请抛出 `ValueError`：这时偏差和质量无法区分。
#
# <details><summary>小提示</summary>
#
# 总能找到更好回答的人，两个比例分别是 1 和 0，平均值就是 0.5。
# </details>
# %% id="feedback.position" tags=["exercise"] level="🐕" minutes=15
def position_bias(votes: list[dict]) -> float:
    """How much standing on the left helps an answer.

    >>> position_bias([{"pair": 0, "left": "chosen", "vote": "left"}, {"pair": 1, "left": "rejected", "vote": "left"}])
    0.5
    """
    ### BEGIN SOLUTION
    shares = []
    for order in ("chosen", "rejected"):
        clicks = [v["vote"] for v in votes if v["left"] == order and v["vote"] in ("left", "right")]
        if not clicks:
            raise ValueError(f"no decided vote with the {order} answer on the left")
        shares.append(clicks.count("left") / len(clicks))
    return sum(shares) / 2 - 0.5
    ### END SOLUTION


# %% id="feedback.position.check"
position_bias = check("feedback.position", position_bias)
# %% id="position.use"
for person in annotators.CROWD:
    own = [vote for vote in votes if vote["annotator"] == person.name]
    print(f"{person.name}: {position_bias(own):+.2f}")


# %% [markdown] lang="en"
# Only Dan stands out. (Ten labels of your own are too few for this: if you want to test yourself, raise the
# 10 in section 2, label on, and call `position_bias(panel.votes())`.)
#
# ## 6. The reward model
#
# Now a model that gives every answer a number: the course's instruct model with a new head of one
# output, read at the last token. Bradley and Terry's model says how scores become preferences:
#
# $$p(\text{chosen preferred}) = \sigma(r_c - r_r), \qquad \mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \sigma(r_{c,i} - r_{r,i} - m_i) + \lambda\, \frac{1}{B} \sum_{i=1}^{B} (r_{c,i} + r_{r,i})^2$$
#
# $r_c$, $r_r$ are the scores of the two answers, $m$ an optional **margin** (how much better people found
# it), and the last term keeps the scores around zero, which the first one leaves open.
#
# ### Exercise `feedback.loss` 🐕 (15 minutes)
#
# `chosen` and `rejected` are tensors of shape (pairs,), `margin` is one of the same shape or `None` (no
# margin), `centering` is $\lambda$. Return a scalar tensor through which gradients flow, finite also
# for scores that are hundreds apart.
#
# <details><summary>Hint</summary>
#
# `torch.nn.functional.logsigmoid` stays finite where `torch.log(torch.sigmoid(x))` becomes minus infinity.
# </details>
# %% [markdown] lang="zh-CN" of="9f9701b8"
# 只有 Dan 显得突出。（你自己的十个标签太少，测不准；想测一测自己，就把第 2 节里的 10 改大，继续标注，
# 再调用 `position_bias(panel.votes())`。）
#
# ## 6. 奖励模型
#
# 现在需要一个能给每个回答打分的模型：课程的指令模型，换上一个只有一个输出的新头，在最后一个 token 处读出分数。
# 分数怎样变成偏好，由 Bradley 与 Terry 的模型给出：
#
# $$p(\text{chosen preferred}) = \sigma(r_c - r_r), \qquad \mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \sigma(r_{c,i} - r_{r,i} - m_i) + \lambda\, \frac{1}{B} \sum_{i=1}^{B} (r_{c,i} + r_{r,i})^2$$
#
# $r_c$、$r_r$ 是两个回答的分数，$m$ 是可选的**间隔（margin）**（人们觉得好多少），最后一项让分数保持在零附近，
# 因为前一项对此没有约束。
#
# ### 练习 `feedback.loss` 🐕（15 分钟）
#
# `chosen` 和 `rejected` 是一维张量，每对回答对应一个分数；`margin` 是同样形状的张量或 `None`（没有间隔），`centering` 就是 $\lambda$。
# 返回一个标量张量，梯度要能从中流过；分数相差几百时它也必须是有限数。
#
# <details><summary>小提示</summary>
#
# `torch.nn.functional.logsigmoid` 始终有限，而 `torch.log(torch.sigmoid(x))` 会变成负无穷。
# </details>
# %% id="feedback.loss" tags=["exercise"] level="🐕" minutes=15
def reward_loss(chosen, rejected, margin=None, centering: float = 0.0):
    """The Bradley-Terry loss of a batch of pairs.

    Example: with equal scores, no margin and no centering the loss is log(2), 0.693.
    """
    ### BEGIN SOLUTION
    import torch.nn.functional as F

    difference = chosen - rejected
    if margin is not None:
        difference = difference - margin
    loss = -F.logsigmoid(difference).mean()
    return loss + centering * ((chosen + rejected) ** 2).mean()
    ### END SOLUTION


# %% id="feedback.loss.check"
reward_loss = check("feedback.loss", reward_loss)
# %% [markdown] lang="en"
# Compared with TRL on a real batch, then trained on the crowd's labels. TRL does the rest: it renders the
# conversations, pads both answers of a pair into one batch, and logs accuracy and margin.
# %% [markdown] lang="zh-CN" of="69b7066d"
# 先在真实的批次上与 TRL 比较，再用众人的标签训练。其余的事由 TRL 来做：渲染对话，把一对里的两个回答补齐放进同一个批次，
# 并记录准确率和间隔。
# %% id="trainer"
with course.timed("import"):
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    tokenizer = course.tokenizer("instruct")


def make_trainer(dataset, steps=None, **options):
    """The course's reward-model recipe: a fresh head on the instruct model."""
    torch.manual_seed(course.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        course.model_id("instruct"), num_labels=1, dtype=torch.float32
    ).to(course.device)
    defaults = dict(
        output_dir=str(course.run_dir / "reward"),
        max_steps=steps or budget.steps,
        per_device_train_batch_size=budget.batch,
        per_device_eval_batch_size=budget.eval_batch,
        learning_rate=budget.lr,
        lr_scheduler_type="cosine",
        center_rewards_coefficient=0.01,
        max_length=budget.max_length,
        activation_checkpointing=False,
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=min(5, budget.steps),
        disable_tqdm=False,
        save_strategy="no",
        report_to=[],
        seed=course.seed,
    )
    config = RewardConfig(**{**defaults, **options})
    return RewardTrainer(
        model=model, args=config, train_dataset=dataset, processing_class=tokenizer
    )


def accuracy(trainer, dataset):
    """In how many pairs the chosen answer scores higher, and the scores of both answers."""
    rows, model = list(dataset), trainer.model.eval()
    scores = []
    for side in ("chosen", "rejected"):
        texts = [
            tokenizer.apply_chat_template(row["prompt"] + row[side], tokenize=False) for row in rows
        ]
        batches = [
            texts[at : at + budget.eval_batch] for at in range(0, len(texts), budget.eval_batch)
        ]
        with torch.no_grad():
            found = [
                model(
                    **tokenizer(
                        batch,
                        return_tensors="pt",
                        padding=True,
                        padding_side="right",
                        add_special_tokens=False,
                    ).to(course.device)
                ).logits[:, 0]
                for batch in batches
            ]
        scores.append(torch.cat(found).cpu())
    return (scores[0] > scores[1]).float().mean().item(), *scores


labelled = annotators.label(train, labels)
trainer = make_trainer(labelled)
before, _, _ = accuracy(trainer, test)
# %% id="compare"
batch = trainer.data_collator([trainer.train_dataset[i] for i in range(8)]) | {
    "margin": torch.linspace(0, 1, 8)
}
batch = {name: tensor.to(course.device) for name, tensor in batch.items()}
with torch.no_grad():
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    chosen, rejected = trainer.model.eval()(**inputs).logits[:, 0].chunk(2)
    for with_margin in (False, True):
        theirs = trainer.compute_loss(trainer.model, dict(batch) if with_margin else dict(inputs))
        ours = reward_loss(
            chosen, rejected, batch["margin"] if with_margin else None, centering=0.01
        )
        show.say(
            "with a margin: {margin}; equal to TRL's to 1e-5: {holds}",
            margin=with_margin,
            holds=bool(abs(theirs - ours) < 1e-5),
        )
# %% id="train" tags=["nbval-ignore-output"] reason="a progress bar and a plot"
with course.timed("train"):
    trainer.train()
show.loss({"labels of the majority": trainer.state.log_history})
# %% id="after"
after, chosen_scores, rejected_scores = accuracy(trainer, test)
show.say("held-out pairs, better answer scores higher: at least 90%: {holds}", holds=after >= 0.90)
show.say("an untrained head is between 20% and 80%: {holds}", holds=0.20 < before < 0.80)
# %% [markdown] lang="en"
# ## 7. Read the number honestly
#
# An average can hide where the mistakes are. In Smol World the chosen answer is always the polite one; here
# is the same score by the manner of the rejected answer, beside a rule that needs no model at all, "the longer
# answer is better". Section 8 comes back to these rows:
# %% [markdown] lang="zh-CN" of="d6271ec5"
# ## 7. 老老实实读数字
#
# 平均值可能掩盖错在哪里。在 Smol World 里，chosen 总是礼貌的那个；下面按 rejected 回答的语气（manner）把同一个得分拆开，
# 旁边是一条根本不需要模型的规则：“长的就是好的”。第 8 节还会回到这张表：
# %% id="slices" tags=["nbval-ignore-output"] reason="scores are shown to the percent"
from smolcourse.world.manner import manner_of

kinds = [manner_of(preference.text_of(row["rejected"])) for row in test]
longer = [annotators.words(row["chosen"]) > annotators.words(row["rejected"]) for row in test]


def by_kind(hits):
    """{kind of rejected answer: share of hits}"""
    return {
        kind: sum(h for h, k in zip(hits, kinds) if k == kind) / kinds.count(kind)
        for kind in sorted(set(kinds))
    }


right = (chosen_scores > rejected_scores).tolist()
rule, model_share = by_kind(longer), by_kind(right)
show.side_by_side(
    [(kind, kinds.count(kind), f"{rule[kind]:.0%}", f"{model_share[kind]:.0%}") for kind in rule],
    ["rejected answer", "pairs", "longer is better", "reward model"],
)
order = chosen_scores.argsort()
for title, at in (("lowest", order[0]), ("highest", order[-1])):
    show.say(
        "{title} score among the chosen: {score:+.1f} {answer}",
        title=title,
        score=chosen_scores[at],
        answer=preference.text_of(test[int(at)]["chosen"]),
    )
# %% [markdown] lang="en"
# ## 8. Break it on purpose
#
# ### Left taken for chosen
#
# The draft of section 3 forgot who stood on the left. Its labels train without any error:
# %% [markdown] lang="zh-CN" of="65b8c602"
# ## 8. 故意弄坏它
#
# ### 把左边当成 chosen
#
# 第 3 节的草稿忘了左边放的是谁。用它的标签也能训练，不会有任何报错：
# %% id="misread" tags=["nbval-ignore-output"] reason="a plot"
sick = make_trainer(annotators.label(train, misread))
with course.timed("train"):
    sick.train()
show.loss(
    {
        "labels of the majority": trainer.state.log_history,
        "left taken for chosen": sick.state.log_history,
    }
)
misread_score = accuracy(sick, test)[0]
# %% id="misread.statement"
losses = [entry["loss"] for entry in sick.state.log_history if "loss" in entry]
show.say(
    "the misread labels leave the loss near log 2 = 0.693: {holds}",
    holds=0.55 < sum(losses[-4:]) / 4 < 0.95,
)
show.say(
    "and the reward model at least 10 points worse: {holds}", holds=after - misread_score >= 0.10
)
# %% [markdown] lang="en"
# A loss that stays at log 2 is the symptom: the labels contradict each other. (The model is still better
# than its labels: they are right a little more often than not, and what is left of the noise averages out.
# Don't count on it.) **Cure:** look at twenty labelled pairs with your own eyes before you train.
#
# ### A crowd in a hurry
#
# Now three annotators who have ten seconds a pair. Longer looks like more work, so it looks better. Their
# labels agree with each other, and the model learns them well:
# %% [markdown] lang="zh-CN" of="33f49169"
# 损失停在 log 2 就是症状：标签自相矛盾。（模型还是比它的标签强一些：这些标签对的略多于错的，剩下的噪声被平均掉了。
# 可别指望每次都这样。）**对策：** 训练之前，先亲眼看二十对标好的数据。
#
# ### 一群赶时间的人
#
# 再来三位标注员，每对只有十秒钟。长的看起来更花功夫，也就显得更好。他们彼此意见一致，模型也学得很好：
# %% id="hurried" tags=["nbval-ignore-output"] reason="scores are shown to the percent"
hurried = majority(annotators.ask_crowd(train, annotators.HURRIED_CROWD, seed=course.seed))
hurried_trainer = make_trainer(annotators.label(train, hurried))
with course.timed("train"):
    hurried_trainer.train()
own_test = annotators.label(
    test, majority(annotators.ask_crowd(test, annotators.HURRIED_CROWD, seed=course.seed))
)
own_score = accuracy(hurried_trainer, own_test)[0]
true_score, *scores = accuracy(hurried_trainer, test)
share = by_kind((scores[0] > scores[1]).tolist())
show.side_by_side(
    [(kind, f"{model_share[kind]:.0%}", f"{share[kind]:.0%}") for kind in share],
    ["rejected answer", "careful crowd's model", "hurried crowd's model"],
)
show.say(
    "on held-out labels of the same crowd: {own:.1%}; against the better answer: {true:.1%}",
    own=own_score,
    true=true_score,
)
# %% id="hurried.statement"
show.say(
    "it predicts its own crowd in at least 85% of held-out pairs: {holds}", holds=own_score >= 0.85
)
show.say(
    "and the better answer in at least 10 points fewer: {holds}",
    holds=own_score - true_score >= 0.10,
)


# %% [markdown] lang="en"
# Held-out accuracy on *the same crowd's labels* can't see this: the test has the bias too. You need a few
# labels of people whom you trust, pairs of equal length, or a slice by length as above. What a policy
# (a model that is trained on a reward) makes of such a reward is shown in the [next notebook](grpo_exercise.ipynb).
#
# ## 9. Your own problem
#
# ### Exercise `feedback.taste` 🦁 (30 minutes)
#
# Be the annotator. Write down a taste: a function from question and answer to a number, higher is better.
# It must give the same number every time, a finite one (also for an empty answer), and must not give all
# answers the same. Then the next cell labels the pairs with it (pairs of equal taste are left out), trains
# a reward model, and measures it on held-out pairs.
#
# **Rubric** (for yourself or your instructor): the taste is not merely "polite" or "short" (1 point); the
# model follows it on at least 80% of the held-out pairs (1); you found an answer that the model
# rates high and your function rates low, and can say why (1).
#
# <details><summary>Hint</summary>
#
# Start with something that can be counted: full stops, capital letters, words of the question that come
# back in the answer.
# </details>
# %% [markdown] lang="zh-CN" of="c41ffb03"
# *同一群人的*留出标签看不出这个问题：测试集也带着同样的偏差。你需要几位信得过的人的标签、长度相同的成对回答，
# 或者像上面那样按长度拆开来看。策略（policy，用奖励来训练的模型）会怎样利用这样的奖励，见[下一个 notebook](grpo_exercise.ipynb)。
#
# ## 9. 你自己的问题
#
# ### 练习 `feedback.taste` 🦁（30 分钟）
#
# 你来当标注员。把一种口味写成函数：输入问题和回答，输出一个数，越高越好。它每次都要给出相同的、有限的数（空回答也一样），
# 而且不能给所有回答同样的分数。接下来的单元格会用它给成对的回答做标注（口味分不出高下的对会去掉），训练一个奖励模型，
# 并在留出的对上测量。
#
# **评分标准**（供自己或老师使用）：口味不只是“礼貌”或“简短”（1 分）；在至少 80% 的留出对上，模型与它一致（1 分）；
# 你找到了一个模型打高分、你的函数打低分的回答，并说得出原因（1 分）。
#
# <details><summary>小提示</summary>
#
# 先从数得清的东西开始：句号、大写字母、问题里的词在回答中又出现了几个。
# </details>
# %% id="feedback.taste" tags=["exercise"] level="🦁" minutes=30
def taste(question: str, answer: str) -> float:
    """How much you like an answer.

    Example (yours will differ): a friend of short sentences gives "Paris. Bye." the score -1.0.
    """
    ### BEGIN SOLUTION
    sentences = [part for part in answer.replace("!", ".").split(".") if part.strip()]
    return -len(answer.split()) / max(1, len(sentences))
    ### END SOLUTION


# %% id="feedback.taste.check"
taste = check("feedback.taste", taste)


# %% id="taste.use" tags=["nbval-ignore-output"] reason="a progress bar; scores are shown to the percent"
def by_taste(dataset):
    """Labels by your taste; None where it can't decide."""
    winners = {}
    for pair, row in enumerate(dataset):
        question = preference.text_of(row["prompt"])
        first, second = (
            taste(question, preference.text_of(row[side])) for side in ("chosen", "rejected")
        )
        winners[pair] = None if first == second else "chosen" if first > second else "rejected"
    return winners


yours = make_trainer(annotators.label(train, by_taste(train)))
with course.timed("train"):
    yours.train()
taste_score = accuracy(yours, annotators.label(test, by_taste(test)))[0]
show.say(
    "held-out pairs in which the model shares your taste: {share:.1%}",
    share=taste_score,
)
# %% id="taste.statement"
show.say(
    "the model shares the taste on at least 80% of the held-out pairs: {holds}",
    holds=taste_score >= 0.80,
)
# %% [markdown] lang="en"
# ## 10. Report
# %% [markdown] lang="zh-CN" of="c1da687b"
# ## 10. 报告
# %% id="report"
course.report(
    "held-out pairs in which the reward model scores the better answer higher",
    before,
    after,
    0.90,
    n=len(test),
    labels_right_alone=round(sum(alone) / len(alone), 3),
    labels_right_majority=round(majority_right, 3),
    reward_misread=round(misread_score, 3),
    reward_hurried=round(true_score, 3),
    reward_hurried_own=round(own_score, 3),
    reward_taste=round(taste_score, 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - Comparisons are easier to give than marks. Show the answers in random order, keep which one stood where, and let several people vote.
# - Agreement beyond chance (kappa) shows how noisy the labels are; it can't show a habit that all annotators share.
# - A reward model learns the labels, biases included. Its held-out accuracy is the accuracy on *those* labels.
#
# **Where next.** The lesson page [Human feedback](../human_feedback.md) has the choices with numbers; the next notebook trains a
# policy on rewards: [GRPO](grpo_exercise.ipynb). Papers: [Christiano et al.](https://arxiv.org/abs/1706.03741),
# [InstructGPT](https://arxiv.org/abs/2203.02155), [Length correlations in RLHF](https://arxiv.org/abs/2310.03716).
# %% [markdown] lang="zh-CN" of="45ce1c2a"
# ## 小结
#
# - 比较两个回答，比给一个回答打分容易。左右次序要随机，要记下谁在哪边，还要请几个人来投票。
# - 扣除运气之后的一致程度（kappa）能说明标签的噪声有多大；大家共有的习惯，它看不出来。
# - 奖励模型学的是标签，连同其中的偏差。它在留出集上的准确率，只是对*那些*标签的准确率。
#
# **下一步。** 讲义[人类反馈](../../human_feedback.zh-CN.md)里有各种选择以及对应的数字；下一个 notebook 用奖励来训练策略：
# [GRPO](grpo_exercise.ipynb)。论文：[Christiano 等](https://arxiv.org/abs/1706.03741)、
# [InstructGPT](https://arxiv.org/abs/2203.02155)、[RLHF 中的长度相关性](https://arxiv.org/abs/2310.03716)。
