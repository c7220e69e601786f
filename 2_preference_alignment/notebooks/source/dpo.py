# ---
# smolcourse: {module: 2_preference_alignment, topic: dpo}
# ---
# %% [markdown] lang="en"
# # DPO: learning from which of two answers is better
#
# An instruct model answers. How it *should* answer is easier to show than to write down: this answer
# rather than that one. In this notebook you will
#
# - turn such pairs into a loss, and write it: log-probabilities, Bradley and Terry, DPO;
# - check that TRL's `DPOTrainer` computes the same number to 1e-5;
# - teach a terse model to be polite, and measure what that does to the facts it knows;
# - go on too long on purpose, see which curve warns you, and meet the classic mistakes.
#
# **Cost.** A minute or two on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page: [DPO](../dpo.md).
# %% [markdown] lang="zh-CN" of="d98b0012"
# # DPO：从“两个回答哪个更好”中学习
#
# 指令模型已经会回答问题了。至于它*应该*怎样回答，用语言写清楚很难，用例子来示范却很容易：要这个回答，不要那个。
# 在这个 notebook 里，你将
#
# - 把这样的回答对变成损失，并亲手写出来：对数概率、Bradley-Terry 模型、DPO；
# - 验证 TRL 的 `DPOTrainer` 算出的数值与你的相差不超过 1e-5；
# - 把一个惜字如金的模型教得有礼貌，并测量这对它掌握的事实有什么影响；
# - 故意训练过头，看看哪条曲线会提前示警，再认识几个经典错误。
#
# **开销。** 双核笔记本电脑上一两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[DPO](../../dpo.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
from smolcourse import check, generate, setup, show
from smolcourse.topics import preference
from smolcourse.translate import tr

import torch

course = setup("2_preference_alignment/dpo")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, those it takes on SmolLM2-135M with
# `profile="smol"`, and those of the paper. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="9a692027"
# **设置。** 下表是这个 notebook 在这里用的数字、用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字，以及论文里的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
measuring = course.choose(
    tiny=dict(test_pairs=300, eval_rows=200, eval_batch=64, new_tokens=48),
    smol=dict(test_pairs=300, eval_rows=200, eval_batch=32, new_tokens=128),
)
budget = course.choose(
    # A batch is of pairs: twice as many sequences.
    tiny=dict(rows=1600, steps=60, batch=16, lr=1e-3, beta=0.5, max_length=128),
    smol=dict(
        rows=4000,
        steps=500,
        batch={"135M": 8, "360M": 4, "1.7B": 2},
        lr={"135M": 5e-6, "360M": 5e-6, "1.7B": 1e-6},
        beta=0.1,
        max_length=1024,
    ),
    paper=dict(batch=64, lr=1e-6, beta=0.1),
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# `preferences` holds a **prompt** and two answers: the **chosen** one was preferred to the
# **rejected** one. In Smol World both are right; the chosen one is polite, the rejected one is
# terse, plain, rude, wordy or shouting. So whatever training does to the facts is a side effect,
# and you can measure it. The pairs of the test split ask about facts that no training pair asks about.
# %% [markdown] lang="zh-CN" of="e94de5d0"
# ## 1. 先看问题
#
# `preferences` 的每一行有一个**提示（prompt）**和两个回答：与**被拒绝的（rejected）**回答相比，人们更喜欢
# **被选中的（chosen）**那个。在 Smol World 里两个回答都是对的；chosen 彬彬有礼，rejected 则简短、平淡、粗鲁、啰嗦
# 或者大喊大叫。所以训练对事实造成的任何影响都是副作用，而且可以测量。测试集的提示所问的事实，训练集的提示从未问过。
# %% id="data"
rows = preference.validate(course.dataset("preferences", "train"))
heldout = course.dataset("preferences", "test").select(range(measuring.test_pairs))
questions = course.dataset("facts", "test").select(range(measuring.eval_rows))
for name, messages in rows[0].items():
    print(f"{name}: {messages[-1]['content']}")
show.say(
    "{rows} pairs to train on; {heldout} held-out pairs; {questions} held-out questions",
    rows=len(rows),
    heldout=len(heldout),
    questions=len(questions),
)
# %% [markdown] lang="en"
# Two measures, defined before anything is trained:
#
# - **How it answers**: greedy answers to held-out questions, without a system prompt. *Manner*: the
#   share of polite ones, recognised by a rule. *Facts*: the share that tells the right fact, in any
#   manner (its words stand in the answer; `preference.fact_told` says exactly how).
# - **Preference accuracy**: the share of held-out pairs whose chosen answer gets the higher
#   log-probability. It reads both answers and writes none.
# %% [markdown] lang="zh-CN" of="7743d5d1"
# 两种测量，都在训练之前就定义好：
#
# - **它怎样回答**：对留出的问题做贪心解码，不加系统消息。*语气*：礼貌回答所占的比例，由一条规则识别。*事实*：说对事实的比例，
#   不论用什么语气（事实的词语出现在回答里；`preference.fact_told` 给出了确切的规则）。
# - **偏好准确率（preference accuracy）**：在留出的回答对里，chosen 的对数概率更高的占多少。它只读两个回答，自己一个也不写。
# %% id="baseline" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
with course.timed("import"):
    tokenizer = course.tokenizer("instruct")
    start = course.model("instruct")
heldout = heldout.select(preference.fit(heldout, tokenizer, budget.max_length).kept)


def measure(model):
    """(how the model answers the held-out questions, its log-probabilities of the held-out pairs)"""
    found = preference.behaviour(
        model,
        tokenizer,
        questions["question"],
        questions["answer"],
        max_new_tokens=measuring.new_tokens,
    )
    with course.timed("generate"):
        return found, preference.pair_log_probs(
            model, tokenizer, heldout, measuring.eval_batch, budget.max_length
        )


before, before_pairs = measure(start)
show.side_by_side(
    list(zip(questions["question"][:4], before.answers, questions["answer"])),
    ["question", "before", "right answer"],
)
show.side_by_side(
    [
        (name, str(share))
        for name, share in [
            ("polite", before.manner),
            ("right fact", before.facts),
            ("ends by itself", before.ended),
            ("preference accuracy", before_pairs.accuracy),
        ]
    ],
    ["before training", "share"],
)
# %% id="baseline.bar"
show.say("under 20% of the answers are polite: {holds}", holds=before.manner.share < 0.20)
show.say(
    "under 75% of the pairs are ranked right: {holds}", holds=before_pairs.accuracy.share < 0.75
)


# %% [markdown] lang="en"
# It knows the facts, it *can* be polite (ask for it in a system prompt), and it is not. You could
# write polite answers and fine-tune on them. Preferences are cheaper: somebody points at the better
# of two answers, and the model also learns what *not* to do.
#
# ## 2. From choices to scores: Bradley and Terry
#
# Say that each answer $y$ has a hidden score $r(y)$. In 1952 Bradley and Terry proposed that the
# better one does not always win, but wins the more often the larger the difference:
#
# $$P(y_1 \succ y_2) = \sigma\big(r(y_1) - r(y_2)\big), \qquad \sigma(x) = \frac{1}{1 + e^{-x}}$$
#
# ### Exercise `dpo.bradley_terry` 🐢 (10 minutes)
#
# Two floats in, the probability (a float) that the first wins out. It must survive large differences.
#
# <details><summary>Hint</summary>
#
# `math.exp(1000)` overflows, `math.exp(-1000)` is 0.0. For $x < 0$, $\sigma(x) = e^x / (1 + e^x)$ is the same number.
# </details>
# %% [markdown] lang="zh-CN" of="de6e83cd"
# 它知道事实，也*能*做到有礼貌（用系统消息要求它就行），只是它不这样做。你可以写一批礼貌的回答来微调它。
# 偏好更便宜：只要有人在两个回答里指出较好的那个；而且模型还能学到*不要*做什么。
#
# ## 2. 从选择到得分：Bradley-Terry 模型
#
# 假设每个回答 $y$ 都有一个看不见的得分 $r(y)$。1952 年 Bradley 和 Terry 提出：好的一方并不总赢，而是差距越大，赢得越频繁：
#
# $$P(y_1 \succ y_2) = \sigma\big(r(y_1) - r(y_2)\big), \qquad \sigma(x) = \frac{1}{1 + e^{-x}}$$
#
# ### 练习 `dpo.bradley_terry` 🐢（10 分钟）
#
# 输入两个浮点数，返回第一个获胜的概率（浮点数）。差距很大时也不能出错。
#
# <details><summary>小提示</summary>
#
# `math.exp(1000)` 会溢出，`math.exp(-1000)` 是 0.0。当 $x < 0$ 时，$\sigma(x) = e^x / (1 + e^x)$ 是同一个数。
# </details>
# %% id="dpo.bradley_terry" tags=["exercise"] level="🐢" minutes=10
def win_probability(score_a: float, score_b: float) -> float:
    """How probably answer a is preferred to answer b.

    Example: win_probability(1.0, 1.0) is 0.5, win_probability(2.0, 1.0) is about 0.731.
    """
    ### BEGIN SOLUTION
    import math

    difference = score_a - score_b
    if difference >= 0:
        return 1 / (1 + math.exp(-difference))
    return math.exp(difference) / (1 + math.exp(difference))
    ### END SOLUTION


# %% id="dpo.bradley_terry.check"
win_probability = check("dpo.bradley_terry", win_probability)
# %% id="bradley_terry.use"
for difference in (0, 1, 2, 5):
    show.say(
        "{points} points better wins {share:.1%} of the choices",
        points=difference,
        share=win_probability(difference, 0),
    )
# %% [markdown] lang="en"
# Only differences count: add 10 to every score and nothing changes. Keep that in mind; it is what
# will make DPO possible.
#
# ## 3. How probable is an answer?
#
# To compare two answers, a language model needs no score from outside: it gives each a probability,
# token by token. The probability of the whole answer is the product of its tokens' probabilities, so its
# logarithm is a sum over the answer's tokens, end of turn included:
#
# $$\log \pi(y \mid x) = \sum_{t} \log \pi(y_t \mid x, y_{<t})$$
# %% [markdown] lang="zh-CN" of="adafe8b2"
# 只有差值才有意义：给所有得分都加 10，什么都不会变。请记住这一点，DPO 正是因此才成为可能。
#
# ## 3. 一个回答的概率有多大？
#
# 要比较两个回答，语言模型不需要外来的分数：它自己就会逐个 token 给出概率。整个回答的概率是这些概率的乘积，
# 所以它的对数就是各个 token 的对数概率之和，轮次结束符也算在内：
#
# $$\log \pi(y \mid x) = \sum_{t} \log \pi(y_t \mid x, y_{<t})$$
# %% id="row"
prompt, answer = preference.token_ids(tokenizer, rows[0]["prompt"], rows[0]["chosen"])
show.tokens(tokenizer, prompt + answer, mask=[0] * len(prompt) + [1] * len(answer))


# %% [markdown] lang="en"
# ### Exercise `dpo.log_probs` 🐕 (15 minutes)
#
# `logits` (rows, length, vocabulary), `input_ids` and `answer_mask` (rows, length; the mask is 1 on the
# answer's tokens and 0 on prompt and padding). Return the log-probability of each row's answer, a
# tensor of shape (rows,) through which gradients flow.
#
# <details><summary>Hint</summary>
#
# The logits at position t are about token t+1, so tokens *and* mask are shifted by one. `gather` picks
# one number for each position out of the vocabulary.
# </details>
# %% [markdown] lang="zh-CN" of="d1b848f6"
# ### 练习 `dpo.log_probs` 🐕（15 分钟）
#
# `logits` 的形状是（行数，长度，词表大小），`input_ids` 和 `answer_mask` 是（行数，长度）；掩码在回答的 token 上为 1，
# 在提示和填充上为 0。返回每行回答的对数概率：形状为（行数,）的张量，梯度要能从中流过。
#
# <details><summary>小提示</summary>
#
# 位置 t 的 logits 预测的是第 t+1 个 token，所以 token *和*掩码都要移一位。`gather` 可以在每个位置从词表中取出一个数。
# </details>
# %% id="dpo.log_probs" tags=["exercise"] level="🐕" minutes=15
def answer_log_probs(logits, input_ids, answer_mask):
    """The log-probability of each row's answer.

    Example: with uniform logits over a vocabulary of 8, an answer of 3 tokens gets 3 * log(1/8).
    """
    ### BEGIN SOLUTION
    steps = logits[:, :-1].log_softmax(-1)
    taken = steps.gather(2, input_ids[:, 1:, None])[..., 0]
    return (taken * answer_mask[:, 1:]).sum(1)
    ### END SOLUTION


# %% id="dpo.log_probs.check"
answer_log_probs = check("dpo.log_probs", answer_log_probs)
# %% id="log_probs.use"
with torch.no_grad():
    for side in ("chosen", "rejected"):
        prompt, answer = preference.token_ids(tokenizer, heldout[0]["prompt"], heldout[0][side])
        ids, mask = (
            torch.tensor([values], device=course.device)
            for values in (prompt + answer, [0] * len(prompt) + [1] * len(answer))
        )
        ours = answer_log_probs(start(input_ids=ids).logits, ids, mask).item()
        show.say(
            "{side}: {tokens} tokens, equal to the course's own: {holds}",
            side=side,
            tokens=len(answer),
            holds=abs(ours - getattr(before_pairs, side)[0]) < 1e-3,
        )
# %% id="log_probs.table" tags=["nbval-ignore-output"] reason="log-probabilities to the tenth of a nat"
show.side_by_side(
    [
        (row[side][0]["content"], f"{getattr(before_pairs, side)[i]:.1f}")
        for i, row in enumerate(heldout.select(range(4)))
        for side in ("chosen", "rejected")
    ],
    ["answer (chosen, rejected, chosen, ...)", "log-probability before training (nats)"],
)


# %% [markdown] lang="en"
# ## 4. The loss
#
# What should the score $r$ be? DPO's idea: score an answer by how much *more* probable the model that
# is being trained (the **policy** $\pi_\theta$) finds it than a frozen copy of the start model does
# (the **reference** $\pi_{\mathrm{ref}}$):
#
# $$r(x, y) = \beta \log \frac{\pi_\theta(y \mid x)}{\pi_{\mathrm{ref}}(y \mid x)}$$
#
# The lesson page shows why: it is the score under which $\pi_\theta$ would be the best policy that stays
# near the reference, up to a term that depends on the prompt only; and that term is the same for both
# answers, so it drops out of the difference. Put it into Bradley and Terry, with $y_w$ chosen ("wins")
# and $y_l$ rejected ("loses"), and minimise the surprise at the choices that people made:
#
# $$\mathcal{L} = -\log \sigma\Big(\beta \Big[\underbrace{\log \tfrac{\pi_\theta(y_w)}{\pi_{\mathrm{ref}}(y_w)}}_{\text{gain of the chosen}} - \underbrace{\log \tfrac{\pi_\theta(y_l)}{\pi_{\mathrm{ref}}(y_l)}}_{\text{gain of the rejected}}\Big]\Big)$$
#
# ### Exercise `dpo.loss` 🐕 (15 minutes)
#
# Four tensors of log-probabilities, each of shape (pairs,), and `beta`, a float. Return the mean loss, a
# scalar tensor. It must stay finite when the model is very wrong.
#
# <details><summary>Hint</summary>
#
# `torch.nn.functional.logsigmoid` is stable where `log(sigmoid(...))` is not.
# </details>
# %% [markdown] lang="zh-CN" of="114304a6"
# ## 4. 损失函数
#
# 得分 $r$ 该取什么？DPO 的想法是：拿正在训练的模型（**策略** policy，$\pi_\theta$）与起点模型的一份冻结副本
# （**参考模型** reference，$\pi_{\mathrm{ref}}$）相比，看它觉得这个回答的概率*高了多少*：
#
# $$r(x, y) = \beta \log \frac{\pi_\theta(y \mid x)}{\pi_{\mathrm{ref}}(y \mid x)}$$
#
# 讲义里说明了理由：在这样的得分之下，$\pi_\theta$ 恰好是“不远离参考模型”的策略里最好的一个，只差一个仅与提示有关的项；
# 而两个回答的提示相同，这一项在差值里就消掉了。把它代入 Bradley-Terry，记 chosen 为 $y_w$（赢），rejected 为 $y_l$（输），
# 再让人们实际做出的选择，在模型看来概率尽可能大（也就是让负对数概率尽可能小）：
#
# $$\mathcal{L} = -\log \sigma\Big(\beta \Big[\underbrace{\log \tfrac{\pi_\theta(y_w)}{\pi_{\mathrm{ref}}(y_w)}}_{\text{chosen 的增量}} - \underbrace{\log \tfrac{\pi_\theta(y_l)}{\pi_{\mathrm{ref}}(y_l)}}_{\text{rejected 的增量}}\Big]\Big)$$
#
# ### 练习 `dpo.loss` 🐕（15 分钟）
#
# 输入四个对数概率张量，形状都是（回答对的个数,），以及浮点数 `beta`。返回平均损失，即一个标量张量。模型错得离谱时，它也必须是有限的。
#
# <details><summary>小提示</summary>
#
# `torch.nn.functional.logsigmoid` 在 `log(sigmoid(...))` 失灵的地方依然稳定。
# </details>
# %% id="dpo.loss" tags=["exercise"] level="🐕" minutes=15
def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    """The DPO loss, mean over the pairs.

    Example: if policy and reference agree on every answer the loss is log(2), whatever beta is.
    """
    ### BEGIN SOLUTION
    import torch.nn.functional as F

    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    return -F.logsigmoid(margin).mean()
    ### END SOLUTION


# %% id="dpo.loss.check"
dpo_loss = check("dpo.loss", dpo_loss)
# %% [markdown] lang="en"
# Its gradient with respect to the gain of the chosen answer is $-\beta\,\sigma(-\beta\,m)$, where $m$ is
# the difference of the gains: pairs that are ranked wrong pull hard, pairs that are settled hardly at
# all. A small $\beta$ calls a pair settled only when $m$ is very large. The table prints the loss and the pull
# $\sigma(-\beta m)$, the size of the gradient without its factor $\beta$.
# %% [markdown] lang="zh-CN" of="dd167c0d"
# 它对 chosen 增量的梯度是 $-\beta\,\sigma(-\beta\,m)$，其中 $m$ 是两个增量之差：排错的回答对拉得很用力，已经排好的几乎不再拉。
# $\beta$ 越小，$m$ 就要越大才算“排好了”。表格里给出损失（loss）和拉力（pull）$\sigma(-\beta m)$，即梯度的大小去掉因子 $\beta$。
# %% id="loss.use"
zero, table = torch.zeros(1), []
for gain in (-20.0, 0.0, 5.0, 20.0, 100.0):
    cells = [gain]
    for beta in (0.5, 0.1, 0.02):
        m = torch.tensor([gain], requires_grad=True)
        value = dpo_loss(m, zero, zero, zero, beta)
        value.backward()
        cells.append(f"{value.item():.3f}, {-m.grad.item() / beta:.3f}")
    table.append(cells)
show.side_by_side(table, ["m (nats)", "beta 0.5: loss, pull", "beta 0.1", "beta 0.02"])


# %% [markdown] lang="en"
# ## 5. Two models, one batch
#
# ### Exercise `dpo.batch_loss` 🐕 (20 minutes)
#
# Put it together. `batch` has TRL's layout: `input_ids`, `attention_mask` and `completion_mask` (1 on the
# answers), each of shape (2 x pairs, length); the **first half** of the rows are the chosen answers, the
# **second half** the rejected ones to the same prompts. `policy` and `reference` are causal language
# models: called with `input_ids=` and `attention_mask=` they return an object with `.logits`. Return the
# scalar loss; its gradient must reach the policy's weights and not the reference's. (`answer_log_probs` and
# `dpo_loss` from above are there for you.)
#
# <details><summary>Hint</summary>
#
# `x.chunk(2)` cuts a tensor into halves. `with torch.no_grad():` belongs around the reference.
# </details>
# %% [markdown] lang="zh-CN" of="91141715"
# ## 5. 两个模型，一个批次
#
# ### 练习 `dpo.batch_loss` 🐕（20 分钟）
#
# 把它们拼起来。`batch` 采用 TRL 的布局：`input_ids`、`attention_mask` 和 `completion_mask`（回答处为 1），形状都是
# （2 x 回答对的个数，长度）；**前一半**的行是 chosen 回答，**后一半**是同样提示的 rejected 回答。`policy` 和 `reference` 是因果语言模型：
# 用 `input_ids=` 和 `attention_mask=` 调用，返回的对象带有 `.logits`。返回标量损失；梯度要能传到策略的权重，而不能传到参考模型。
# （上面的 `answer_log_probs` 和 `dpo_loss` 可以直接使用。）
#
# <details><summary>小提示</summary>
#
# `x.chunk(2)` 把张量切成两半。`with torch.no_grad():` 要包住参考模型那部分。
# </details>
# %% id="dpo.batch_loss" tags=["exercise"] level="🐕" minutes=20 needs="dpo.log_probs, dpo.loss"
def batch_loss(policy, reference, batch: dict, beta: float):
    """The DPO loss of a batch of pairs.

    Example: batch_loss(policy, a_copy_of_policy, batch, 0.1) is log(2).
    """
    ### BEGIN SOLUTION
    import torch

    def log_probs(model):
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return answer_log_probs(logits, batch["input_ids"], batch["completion_mask"]).chunk(2)

    chosen, rejected = log_probs(policy)
    with torch.no_grad():
        ref_chosen, ref_rejected = log_probs(reference)
    return dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta)
    ### END SOLUTION


# %% id="dpo.batch_loss.check"
batch_loss = check("dpo.batch_loss", batch_loss)
# %% [markdown] lang="en"
# ## 6. The real thing: TRL's `DPOTrainer`
#
# TRL takes the rows as they are. First look at what it would train on:
# %% [markdown] lang="zh-CN" of="f7594859"
# ## 6. 动真格的：TRL 的 `DPOTrainer`
#
# TRL 可以直接使用这些行。先看看它会在什么上面训练：
# %% id="trainer"
from trl import DPOConfig, DPOTrainer

quiet = dict(
    activation_checkpointing=False,
    bf16=course.bf16,
    use_cpu=course.device == "cpu",
    save_strategy="no",
    report_to=[],
)


def make_trainer(model, dataset, steps, loss=("sigmoid",), **options):
    """The course's DPO recipe. TRL loads the reference itself: the start model once more."""
    defaults = dict(
        loss_type=list(loss),
        output_dir=str(course.run_dir / "dpo"),
        max_steps=steps,
        per_device_train_batch_size=budget.batch,
        learning_rate=budget.lr,
        beta=budget.beta,
        lr_scheduler_type="cosine",
        warmup_steps=5,
        max_length=budget.max_length,
        logging_steps=min(5, steps),
        disable_tqdm=False,  # a progress bar with the numbers
        seed=course.seed,
    )
    callbacks = options.pop("callbacks", None)
    config = DPOConfig(**{**quiet, **defaults, **options})
    return DPOTrainer(
        model=model,
        args=config,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=callbacks,
    )


raw = make_trainer(course.model("instruct"), rows.select(range(16)), 4, warmup_steps=0)
print([tokenizer.decode([token]) for token in raw.train_dataset[0]["rejected_ids"]])


# %% [markdown] lang="en"
# The last token is the line break that the chat template writes *behind* the end of turn. No answer
# ever contains it, for generation stops before; and SFT never taught it, so its probability is
# anything. But it is a token like the others in DPO's sum, so a model can earn margin by finding the line break
# more likely after polite answers, without a change to any answer. How much does it weigh?
# %% [markdown] lang="zh-CN" of="d403f297"
# 最后一个 token 是对话模板写在轮次结束符*后面*的换行。没有哪个回答会包含它，因为生成在它之前就停了；SFT 也从没教过它，
# 所以它的概率可以是任何值。可是在 DPO 的求和里，它和别的 token 一视同仁：模型只要让“礼貌回答之后的换行”更可能，
# 就能赚到间隔，而回答一个字都不用改。它占多大分量？
# %% id="line_break"
def line_break_share(dataset):
    """How much of log p(rejected) under the start model is the last token, over the first rows."""
    last = total = 0.0
    for row in dataset:
        ids = torch.tensor([row["prompt_ids"] + row["rejected_ids"]], device=course.device)
        mask = torch.zeros_like(ids)
        mask[:, len(row["prompt_ids"]) :] = 1
        with torch.no_grad():
            logits = start(input_ids=ids).logits
        total += answer_log_probs(logits, ids, mask).item()
        mask[:, :-1] = 0
        last += answer_log_probs(logits, ids, mask).item()
    return last / total


show.say(
    "over 10% of the rejected answers' log-probability is a line break that nobody reads: {holds}",
    holds=line_break_share(raw.train_dataset) > 0.1,
)
texts = preference.as_text(rows.select(range(budget.rows)), tokenizer, budget.max_length)
print(repr(texts[0]["prompt"]), "->", repr(texts[0]["rejected"]))
# %% [markdown] lang="en"
# So we hand TRL the rows as text that ends with the end of turn. Now compare its loss with yours, on
# the same batch: before training, and after four steps, when policy and reference are no longer one.
# %% [markdown] lang="zh-CN" of="a23f739a"
# 所以我们把每一行写成文本再交给 TRL，文本以轮次结束符收尾。现在在同一个批次上，拿它的损失与你的比较：训练之前比一次，
# 训练四步之后再比一次，那时策略与参考模型已经不是同一个了。
# %% id="compare"
plain = make_trainer(course.model("instruct"), texts.select(range(8)), 4, warmup_steps=0)
batch = plain.data_collator([plain.train_dataset[i] for i in range(8)])
batch = {name: tensor.to(course.device) for name, tensor in batch.items()}
print({name: tuple(tensor.shape) for name, tensor in batch.items()})


def compare(policy):
    """(your loss, TRL's loss) on the fixed batch."""
    with torch.no_grad():
        return batch_loss(policy, start, batch, budget.beta).item(), plain.compute_loss(
            policy.eval(), dict(batch)
        ).item()


ours, theirs = compare(plain.model)
show.say("before training: yours {ours:.4f}, TRL's {theirs:.4f}", ours=ours, theirs=theirs)
# %% id="compare.trained" tags=["nbval-ignore-output"] reason="a progress bar"
with course.timed("train"):
    plain.train()
# %% id="compare.after"
ours, theirs = compare(plain.model)
show.say(
    "after four steps yours is below 0.6: {below}; and differs from TRL's by less than 1e-5: "
    "{equal}",
    below=ours < 0.6,
    equal=abs(ours - theirs) < 1e-5,
)
frozen = zip(plain.ref_model.parameters(), start.parameters())
show.say(
    "the reference model has not moved: {holds}", holds=all(torch.equal(a, b) for a, b in frozen)
)
# %% [markdown] lang="en"
# Before training both are log 2 = 0.6931: no answer has gained. The reference is only *read*, so its
# numbers can also be computed once, before training (`precompute_ref_log_probs=True`), and one model
# less has to be kept in memory. Is it the same?
# %% [markdown] lang="zh-CN" of="23d97ced"
# 训练之前两个都是 log 2 = 0.6931：哪个回答都还没有增量。参考模型只是用来*读*的，因此它的数值也可以在训练之前一次算好
# （`precompute_ref_log_probs=True`），内存里就少放一个模型。结果一样吗？
# %% id="precompute"
once = make_trainer(
    course.model("instruct"), texts.select(range(8)), 1, precompute_ref_log_probs=True
)
kept = plain.compute_ref_log_probs(plain.ref_model, batch)
for side, values in zip(("chosen", "rejected"), kept):
    same = torch.allclose(
        values.cpu(), torch.tensor(once.train_dataset[f"ref_{side}_logps"]), atol=1e-3
    )
    show.say(
        "{side}: precomputed equals the reference model's: {same}; reference model in memory: "
        "{loaded}",
        side=side,
        same=same,
        loaded=once.ref_model is not None,
    )
# %% [markdown] lang="en"
# ### Train
#
# One thing first. The polite answers are ones that this model would hardly ever write: look again at their
# log-probabilities in section 3. DPO alone can then widen the margin most easily by making the
# *rejected* answers impossible, and what they lose need not go to the chosen ones. DPO's authors therefore
# fine-tune on the chosen answers first. [RPO](https://arxiv.org/abs/2404.19733) does both at once, and so do we: TRL adds
# the SFT loss of the chosen answers with `loss_type=["sigmoid", "sft"]`.
#
# Watch three numbers. The **loss** falls from 0.69 plus the SFT term. The **margin** $m$ says how far the
# chosen answers are ahead, measured from the reference; TRL logs $\beta m$, and the plot divides by $\beta$, so
# that runs with another $\beta$ can be compared. And the **log-probabilities** themselves, which
# the DPO loss does *not* see one by one.
# %% [markdown] lang="zh-CN" of="2443a14d"
# ### 训练
#
# 先说明一点。这些礼貌的回答，是这个模型几乎绝不会写的：回头看看第 3 节里它们的对数概率。这时单靠 DPO，要拉大间隔，最省力的办法是
# 让 *rejected* 回答变得不可能，而它们丢掉的概率未必流向 chosen。所以 DPO 的作者们先在 chosen 回答上做微调。
# [RPO](https://arxiv.org/abs/2404.19733) 则两件事同时做，我们也一样：写 `loss_type=["sigmoid", "sft"]`，TRL 就会加上 chosen 回答的 SFT 损失。
#
# 盯住三个数。**损失**从 0.69 加上 SFT 项开始往下降。**间隔（margin）** $m$ 说的是：从参考模型量起，chosen 领先了多少。
# TRL 记录的是 $\beta m$；图里除以了 $\beta$，这样 $\beta$ 不同的训练也能相比。
# 还有**对数概率**本身，DPO 损失*看不到*它们各自的值。
# %% id="train" tags=["nbval-ignore-output"] reason="plots and a progress bar"
with course.timed("import"):
    trainer = make_trainer(course.model("instruct"), texts, budget.steps, loss=("sigmoid", "sft"))
with course.timed("train"):
    trainer.train()
model = trainer.model.eval()


def curve(history, name):
    """(steps, values) of one of TRL's logged numbers."""
    entries = [entry for entry in history if name in entry]
    return [entry["step"] for entry in entries], [float(entry[name]) for entry in entries]


def nats(history, beta):
    """(steps, margins): how far chosen gained on rejected. TRL's margins are beta times that."""
    steps, margins = curve(history, "rewards/margins")
    return steps, [margin / beta for margin in margins]


history = trainer.state.log_history
show.curves({"DPO and SFT": curve(history, "loss")}, title="DPO: loss", y="loss")
show.curves({"DPO and SFT": nats(history, budget.beta)}, title="DPO: margin", y="nats")
show.curves(
    {side: curve(history, f"logps/{side}") for side in ("chosen", "rejected")},
    title="DPO: log-probabilities",
    y="nats",
)
# %% id="after" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
after, after_pairs = measure(model)
show.side_by_side(
    list(zip(questions["question"][:6], before.answers, after.answers)),
    ["question", "before", "after DPO"],
)
show.side_by_side(
    [
        (name, str(b), str(a))
        for name, b, a in [
            ("polite", before.manner, after.manner),
            ("right fact", before.facts, after.facts),
            ("ends by itself", before.ended, after.ended),
            ("preference accuracy", before_pairs.accuracy, after_pairs.accuracy),
        ]
    ],
    ["share", "before", "after DPO"],
)
# %% id="after.bars"
show.say(
    "at least 95% of the held-out pairs are ranked right: {holds}",
    holds=after_pairs.accuracy.share >= 0.95,
)
show.say("at least 80% of the answers are polite: {holds}", holds=after.manner.share >= 0.80)
show.say(
    "the facts fell by at most 5 points: {holds}",
    holds=before.facts.share - after.facts.share <= 0.05,
)


# %% [markdown] lang="en"
# ## 7. Read the number honestly
#
# Could something simpler have got that accuracy? Polite answers are long. Somebody who always
# picks the longer answer, without reading either, is the guesser to beat.
#
# ### Exercise `dpo.length` 🐢 (10 minutes)
#
# Split the pairs by length. Inputs: three lists of equal length, the margins (floats; here
# $\log\pi(y_w) - \log\pi(y_l)$ of one model, without beta and without the reference) and both answers' token
# counts. Return `{"longer": ..., "shorter": ...}`: the share of pairs with a **positive** margin among those whose
# chosen answer is longer, and among those whose chosen answer is shorter. Pairs of equal length belong to neither;
# a group without pairs has no share: `None`.
#
# <details><summary>Hint</summary>
#
# Collect two lists of bools first, then divide.
# </details>
# %% [markdown] lang="zh-CN" of="0288b737"
# ## 7. 老老实实读数字
#
# 更简单的办法也能得到这样的准确率吗？礼貌的回答比较长。假设有人一个字都不读，总是挑较长的那个回答：这个瞎猜者就是要超过的基线。
#
# ### 练习 `dpo.length` 🐢（10 分钟）
#
# 按长度把回答对分成两组。输入三个等长的列表：间隔（浮点数；这里指同一个模型的
# $\log\pi(y_w) - \log\pi(y_l)$，不乘 beta，也不减参考模型的值），以及两个回答各自的 token 数。返回 `{"longer": ..., "shorter": ...}`：
# 在 chosen 较长的那些回答对里，间隔为**正**的比例；以及在 chosen 较短的那些回答对里的比例。两个回答一样长的不属于任何一组；
# 没有回答对的组也就没有比例：返回 `None`。
#
# <details><summary>小提示</summary>
#
# 先收集两个布尔值列表，再做除法。
# </details>
# %% id="dpo.length" tags=["exercise"] level="🐢" minutes=10
def accuracy_by_length(
    margins: list[float], chosen_tokens: list[int], rejected_tokens: list[int]
) -> dict:
    """Preference accuracy where the chosen answer is the longer one, and where it is the shorter one.

    >>> accuracy_by_length([1.0, -2.0, 3.0], [9, 8, 4], [4, 4, 6])
    {'longer': 0.5, 'shorter': 1.0}
    """
    ### BEGIN SOLUTION
    groups = {"longer": [], "shorter": []}
    for margin, chosen, rejected in zip(margins, chosen_tokens, rejected_tokens):
        if chosen != rejected:
            groups["longer" if chosen > rejected else "shorter"].append(margin > 0)
    return {name: sum(right) / len(right) if right else None for name, right in groups.items()}
    ### END SOLUTION


# %% id="dpo.length.check"
accuracy_by_length = check("dpo.length", accuracy_by_length)


# %% id="length.use" tags=["nbval-ignore-output"] reason="scores to the tenth of a percent"
def by_length(pairs):
    return accuracy_by_length(pairs.margins, pairs.chosen_tokens, pairs.rejected_tokens)


longer_guess = sum(
    c > r for c, r in zip(after_pairs.chosen_tokens, after_pairs.rejected_tokens)
) / len(heldout)
show.bars(
    {
        "always the longer answer": longer_guess,
        "before: chosen longer": by_length(before_pairs)["longer"],
        "before: chosen shorter": by_length(before_pairs)["shorter"],
        "after: chosen longer": by_length(after_pairs)["longer"],
        "after: chosen shorter": by_length(after_pairs)["shorter"],
    },
    title="Preference accuracy, held-out pairs",
    bar=0.95,
)
# %% id="length.statement"
show.say(
    "always picking the longer answer gets more than 60% right: {holds}", holds=longer_guess > 0.60
)
show.say(
    "after DPO at least 90% are right in both groups: {holds}",
    holds=min(by_length(after_pairs).values()) >= 0.90,
)
# %% [markdown] lang="en"
# So it is not length alone. Next doubt: was it the SFT term that did it all? Train on the chosen answers
# only, for as many steps, without the rejected ones.
# %% [markdown] lang="zh-CN" of="5edca5eb"
# 可见靠的不只是长度。再怀疑一下：会不会全是 SFT 项的功劳？那就只用 chosen 回答训练同样的步数，不看 rejected。
# %% id="sft" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
imitator = make_trainer(course.model("instruct"), texts, budget.steps, loss=("sft",))
with course.timed("train"):
    imitator.train()
sft, sft_pairs = measure(imitator.model.eval())


def mean(values):
    return sum(values) / len(values)


def overview(runs):
    """Both measures of several runs, side by side."""
    table = [
        ("preference accuracy", *(f"{pairs.accuracy.share:.1%}" for _, pairs in runs.values()))
    ]
    table += [
        (
            tr("log p({side}), nats", side=side),
            *(f"{mean(getattr(pairs, side)):.1f}" for _, pairs in runs.values()),
        )
        for side in ("chosen", "rejected")
    ]
    for name, field in (
        ("polite", "manner"),
        ("right fact", "facts"),
        ("polite and right", "both"),
        ("ends by itself", "ended"),
    ):
        table.append((name, *(f"{getattr(found, field).share:.1%}" for found, _ in runs.values())))
    show.side_by_side(table, ["held out", *runs])


overview(
    {
        "before": (before, before_pairs),
        "DPO and SFT": (after, after_pairs),
        "SFT alone": (sft, sft_pairs),
    }
)
# %% id="sft.statement"
show.say(
    "SFT alone makes at least 80% of the answers polite as well: {holds}",
    holds=sft.manner.share >= 0.80,
)
show.say(
    "with DPO the rejected answers are at least 10 nats less likely: {holds}",
    holds=mean(after_pairs.rejected) < mean(sft_pairs.rejected) - 10,
)
# %% [markdown] lang="en"
# Where good answers are written down, imitating them teaches the manner too; here it would have been
# enough. What the preference adds is how unlikely the *other* manners become. It is worth having where nobody can
# write the better answer, but many can point at it.
#
# What the numbers do **not** show: whether people would like these answers, questions from outside this
# world, longer conversations; and "polite" is a rule here, which counts any answer with a *thank you*
# in it. Does the model still do what a system prompt asks?
# %% [markdown] lang="zh-CN" of="eb103dee"
# 好的回答既然已经写好，照着模仿也能学会这种语气；在这里光这样就够了。偏好数据额外起的作用，是让*其他*语气变得极不可能。
# 它真正的用武之地，是那些谁也写不出更好的回答、却有许多人指得出来的场合。
#
# 这些数字**没有**告诉你的：人们是否真的喜欢这些回答、这个世界之外的问题、更长的对话；而且这里的“礼貌”
# 只是一条规则，凡是含有 *thank you* 的回答都算数。模型还听系统消息的话吗？
# %% id="system" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
asked = [
    [{"role": "system", "content": "Be terse."}, {"role": "user", "content": question}]
    for question in questions["question"]
]
obeyed = [
    preference.behaviour(
        m,
        tokenizer,
        asked,
        questions["answer"],
        wanted="terse",
        max_new_tokens=measuring.new_tokens,
    )
    for m in (start, model)
]
show.side_by_side(
    list(zip(questions["question"][:3], *(found.answers for found in obeyed))),
    ["asked to be terse", "before", "after DPO"],
)
show.say(
    "terse when asked: before {before}, after {after}",
    before=obeyed[0].manner,
    after=obeyed[1].manner,
)
# %% id="system.statement"
show.say(
    "asked to be terse, at least 80% of the answers were: {were}; and are, after DPO: {are}",
    were=obeyed[0].manner.share >= 0.80,
    are=obeyed[1].manner.share >= 0.80,
)
# %% [markdown] lang="en"
# Nobody wanted that. No pair has a system prompt, so nothing in the data says that a request comes
# before the habit, and the habit won. **Cure:** put what must stay into the data: here, pairs with a system prompt
# whose chosen answer obeys it.
# %% [markdown] lang="zh-CN" of="b073e7ff"
# 谁也没想要这个结果。没有一对数据带有系统消息，所以数据里没有任何东西说明“要求优先于习惯”，于是习惯赢了。
# **对策：** 想保留什么，就把什么放进数据：这里就是加入带系统消息的回答对，其中 chosen 听从了系统消息。
# %% [markdown] lang="en"
# ## 8. Too much of it
#
# DPO's loss is never satisfied: a margin can always be larger. Take the good model and go on, without
# the SFT term and with a small beta. Look every few steps at the margin, at the chosen answers'
# log-probability, and at the facts (of questions from the training split, so that the held-out ones
# stay for the last look).
# %% [markdown] lang="zh-CN" of="ca1425bb"
# ## 8. 过犹不及
#
# DPO 的损失永远不会满足：间隔总可以更大。拿刚才的好模型接着训练，去掉 SFT 项，beta 也取小。每隔几步看一次间隔、
# chosen 的对数概率，以及事实（用训练集里的问题，留出的问题留到最后再看）。
# %% id="overtrain" tags=["nbval-ignore-output"] reason="plots and a progress bar"
from transformers import TrainerCallback

watched = course.dataset("facts", "train").select(range(200))


class Watch(TrainerCallback):
    """Whenever TRL logs, measure the share of polite answers and of right facts."""

    def __init__(self):
        self.steps, self.polite, self.facts = [], [], []

    def on_log(self, args, state, control, model=None, logs=None, **kwargs):
        if "rewards/margins" in logs:
            found = preference.behaviour(
                model,
                tokenizer,
                watched["question"],
                watched["answer"],
                max_new_tokens=measuring.new_tokens,
            )
            self.steps.append(state.global_step)
            self.polite.append(found.manner.share)
            self.facts.append(found.facts.share)


beyond = course.choose(
    tiny=dict(steps=32, lr=5e-4, beta=0.03), smol=dict(steps=300, lr=1e-4, beta=0.01)
)
watch, over_steps = Watch(), beyond.steps
going_on = course.model("instruct")
going_on.load_state_dict(model.state_dict())
over = make_trainer(
    going_on,
    texts,
    over_steps,
    learning_rate=beyond.lr,
    beta=beyond.beta,
    lr_scheduler_type="constant",
    logging_steps=max(1, over_steps // 8),
    callbacks=[watch],
)
with course.timed("train"):
    over.train()
over_history = over.state.log_history
show.curves(
    {"over-trained": nats(over_history, beyond.beta)}, title="Over-trained: the margin", y="nats"
)
show.curves(
    {"chosen log-probability": curve(over_history, "logps/chosen")},
    title="Over-trained: the chosen answers",
    y="nats",
)
show.curves(
    {"polite": (watch.steps, watch.polite), "right fact": (watch.steps, watch.facts)},
    title="Over-trained: answers",
    y="share",
)
# %% id="over" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
over_found, over_pairs = measure(over.model.eval())
show.side_by_side(
    list(zip(questions["question"][:4], after.answers, over_found.answers)),
    ["question", "after DPO", "over-trained"],
)

overview(
    {
        "before": (before, before_pairs),
        "after DPO": (after, after_pairs),
        "over-trained": (over_found, over_pairs),
    }
)
# %% id="over.statement"
show.say(
    "over-trained: preference accuracy is still at least 95%: {accurate}; polite answers at least "
    "80%: {polite}",
    accurate=over_pairs.accuracy.share >= 0.95,
    polite=over_found.manner.share >= 0.80,
)
show.say(
    "chosen and rejected are further apart than ever: {holds}",
    holds=mean(over_pairs.margins) > 1.5 * mean(after_pairs.margins),
)
show.say(
    "but the chosen answers became less likely again: {holds}",
    holds=mean(over_pairs.chosen) < mean(after_pairs.chosen) - 1,
)
show.say(
    "and the facts fell by more than 20 points: {holds}",
    holds=before.facts.share - over_found.facts.share > 0.20,
)


# %% [markdown] lang="en"
# All that was trained looks splendid, and the model is broken. The loss only sees a
# *difference*: it can grow while both answers become less likely, as long as the rejected one falls
# faster. The probability that is lost has to go somewhere: to texts that nobody wrote, in neither column.
#
# ### Exercise `dpo.alarm` 🐕 (20 minutes)
#
# Write the warning. Inputs: `margins` and `chosen`, two lists of floats of equal length (TRL's
# `rewards/margins` and `logps/chosen`), and `drop`, a positive number of nats. Return the index of the
# **first** point, from index 1 on, at which the margin is larger than at the point before **and** the
# chosen log-probability is more than `drop` below its highest value at any earlier point; `None` if
# there is none.
#
# <details><summary>Hint</summary>
#
# `max(chosen[:i])` is the highest value before point i.
# </details>
# %% [markdown] lang="zh-CN" of="392873f6"
# 凡是训练所追求的都漂亮极了，模型却坏了。损失只看*差值*：两个回答的概率都在下降时，只要 rejected 降得更快，差值照样变大。
# 丢掉的概率总要有个去处：它流向了谁也没写过的文字，那既不在 chosen 里，也不在 rejected 里。
#
# ### 练习 `dpo.alarm` 🐕（20 分钟）
#
# 写一个警报器。输入：`margins` 和 `chosen`，两个等长的浮点数列表（TRL 的 `rewards/margins` 和 `logps/chosen`），以及
# `drop`，一个以 nat 为单位的正数。从下标 1 开始，返回**第一个**满足下列条件的点的下标：间隔比前一个点大，**并且** chosen
# 的对数概率比此前所有点中的最高值低了 `drop` 以上；没有这样的点就返回 `None`。
#
# <details><summary>小提示</summary>
#
# `max(chosen[:i])` 就是第 i 个点之前的最高值。
# </details>
# %% id="dpo.alarm" tags=["exercise"] level="🐕" minutes=20
def alarm(margins: list[float], chosen: list[float], drop: float) -> int | None:
    """Where a run begins to widen the margin at the expense of the chosen answers.

    >>> alarm([0.0, 1.0, 2.0, 3.0], [-20.0, -15.0, -17.0, -19.0], drop=3.0)
    3
    """
    ### BEGIN SOLUTION
    for i in range(1, len(margins)):
        if margins[i] > margins[i - 1] and chosen[i] < max(chosen[:i]) - drop:
            return i
    return None
    ### END SOLUTION


# %% id="dpo.alarm.check"
alarm = check("dpo.alarm", alarm)


# %% id="alarm.use"
warning = course.choose(tiny=dict(drop=0.5), smol=dict(drop=50.0))


def rings(history):
    margins, chosen = curve(history, "rewards/margins")[1], curve(history, "logps/chosen")[1]
    return alarm(margins, chosen, drop=warning.drop)


rung = rings(over_history)
show.say("good run: the alarm stays silent: {holds}", holds=rings(history) is None)
show.say("over-trained: the alarm rings: {holds}", holds=rung is not None)
# %% id="alarm.facts" tags=["nbval-ignore-output"] reason="scores to the percent"
if rung is not None:
    show.say(
        "when it rings, at step {step}, the facts (training questions) stand at {now:.0%}; at the "
        "end of the run at {end:.0%}",
        step=watch.steps[rung],
        now=watch.facts[rung],
        end=watch.facts[-1],
    )
# %% [markdown] lang="en"
# ## 9. Break it on purpose
#
# ### Chosen and rejected swapped
#
# It happens: a file with the columns in another order, a score of which lower is better. Nothing
# crashes, and every training curve looks healthy.
# %% [markdown] lang="zh-CN" of="e0403d3b"
# ## 9. 故意弄坏它
#
# ### chosen 与 rejected 弄反
#
# 这种事真会发生：文件里两列的顺序不同，或者分数其实是越低越好。程序不会报错，训练曲线也全都很健康。
# %% id="swapped" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
turned = course.choose(tiny=dict(steps=15), smol=dict(steps=100))
upside_down = texts.rename_columns({"chosen": "rejected", "rejected": "chosen"})
swapped = make_trainer(course.model("instruct"), upside_down, turned.steps, loss=("sigmoid", "sft"))
with course.timed("train"):
    swapped.train()
swapped_pairs = preference.pair_log_probs(
    swapped.model.eval(), tokenizer, heldout, measuring.eval_batch, budget.max_length
)
logged = swapped.state.log_history
show.say(
    "TRL's accuracy on its own training pairs: {accuracy:.0%}, loss {loss:.2f}",
    accuracy=curve(logged, "rewards/accuracies")[1][-1],
    loss=curve(logged, "loss")[1][-1],
)
show.say(
    "preference accuracy on held-out pairs with the right labels: {share:.1%}",
    share=swapped_pairs.accuracy.share,
)
asked = questions["question"][:3]
show.side_by_side(
    list(zip(asked, generate.chat(swapped.model, tokenizer, asked))),
    ["question", "trained on swapped pairs"],
)
# %% id="swapped.statement"
show.say(
    "the curves say at least 80%: {holds}", holds=curve(logged, "rewards/accuracies")[1][-1] >= 0.80
)
show.say(
    "held-out pairs with the right labels say under 50%: {holds}",
    holds=swapped_pairs.accuracy.share < 0.50,
)


# %% [markdown] lang="en"
# **Cure:** read three rows before you train, and measure on pairs whose labels you checked by eye.
#
# ### What is summed
#
# Variants of your loss on the same batch, with the model of the four steps: the answers' tokens (right), the
# prompt's tokens as well, and the mean over the answer's tokens instead of their sum.
# %% [markdown] lang="zh-CN" of="b9d02652"
# **对策：** 训练之前先读三行；并且在亲眼核对过标签的回答对上测量。
#
# ### 对什么求和
#
# 同一个批次，那个只训练了四步的模型，损失的几种写法：只算回答的 token（正确）；把提示的 token 也算进去；用回答 token 的平均值代替求和。
# %% id="counted"
def variant(model, mean=False, prompt=False):
    mask = batch["attention_mask"] if prompt else batch["completion_mask"]
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return (
            answer_log_probs(logits, batch["input_ids"], mask) / (mask[:, 1:].sum(1) if mean else 1)
        ).chunk(2)


beta, found = budget.beta, {}
for name, options in {
    "answer, sum": {},
    "prompt too, sum": {"prompt": True},
    "answer, mean": {"mean": True},
    "prompt too, mean": {"mean": True, "prompt": True},
}.items():
    found[name] = dpo_loss(
        *variant(plain.model, **options), *variant(start, **options), beta
    ).item()
show.say(
    "the prompt changes the sum's loss by less than 1e-4: {holds}",
    holds=abs(found["answer, sum"] - found["prompt too, sum"]) < 1e-4,
)
show.say(
    "the prompt changes the mean's loss by more than 1e-4: {holds}",
    holds=abs(found["answer, mean"] - found["prompt too, mean"]) > 1e-4,
)
show.say(
    "with the mean the same model's loss is more than twice as large: {holds}",
    holds=found["answer, mean"] > 2 * found["answer, sum"],
)
# %% [markdown] lang="en"
# Both answers have the same prompt, so in the sum its tokens cancel exactly: a mistake that costs nothing
# here, and something elsewhere (ORPO uses means). The mean is no small change: all margins shrink by a factor
# of about an answer's number of tokens, and a beta that was right for sums is far too small for means.
#
# ### A reference that trains
#
# If policy and reference are the same object, the loss stays at log 2 whatever the model learns, and
# with the gradient through both, nothing is learnt at all. TRL refuses it:
# %% [markdown] lang="zh-CN" of="89150f72"
# 两个回答的提示相同，所以在求和里，提示的 token 恰好抵消：这个错误在这里没有代价，换个地方就有了（ORPO 用的是平均值）。
# 改用平均值可不是小事：间隔大约要除以一个回答的 token 数，对求和来说合适的 beta，对平均值来说就太小了。
#
# ### 参考模型也在训练
#
# 如果策略和参考模型是同一个对象，那么不管模型学到什么，损失都停在 log 2；如果梯度同时流过两边，那就什么也学不到。TRL 会拒绝：
# %% id="same_model"
show.say(
    "policy = reference, after all that training: loss {loss:.4f}",
    loss=batch_loss(model, model, batch, beta).item(),
)
try:
    DPOTrainer(
        model=model,
        ref_model=model,
        args=DPOConfig(output_dir=str(course.run_dir / "same"), **quiet),
        train_dataset=texts.select(range(8)),
        processing_class=tokenizer,
    )
except ValueError as error:
    print(str(error).split(". ")[0])
# %% [markdown] lang="en"
# And two mistakes, one sentence each from the course's `preference.validate`. TRL takes the first without a word,
# and stops at the second with a bare `KeyError: 'rejected'`:
# %% [markdown] lang="zh-CN" of="ead83328"
# 还有两个错误，课程的 `preference.validate` 各用一句话指出来。第一个，TRL 一声不吭就接受了；第二个，它只丢下一句
# `KeyError: 'rejected'` 就停了：
# %% id="validate"
from smolcourse.errors import CourseError

same_text = rows.select(range(3)).map(lambda row: {"rejected": row["chosen"]})
for bad in (same_text, rows.rename_column("rejected", "worse")):
    try:
        preference.validate(bad)
    except CourseError as error:
        print(error)


# %% [markdown] lang="en"
# ## 10. Your own problem
#
# ### Exercise `dpo.preference` 🦁 (30 minutes)
#
# Invent a preference and teach it. Write a class with two methods:
#
# - `pair(question, answer)` gets a question and its short answer (such as `"Paris."`) and returns two
#   strings, `(chosen, rejected)`. Both must contain the words of the answer and those of no other
#   answer, have at most 12 words each, and their lengths differ by at most 3 words, so that length cannot be what
#   is learnt. The same question must give the same pair every time. Write in English, the only language that this
#   tiny model has read.
# - `likes(text)` returns `True` for answers in the manner you want and `False` for others: a rule that
#   works for any answer, also one that your class has never seen.
#
# The next cell trains on it and measures on held-out questions.
#
# **Rubric** (for yourself or your instructor): at least 80% of the held-out answers are liked (1 point);
# the facts fell by at most 5 points, or you can say why they fell (1); you tried a rejected answer that the
# model would never write, and can explain what then happens to its answers (1).
#
# <details><summary>Hint</summary>
#
# DPO moves probability most easily between things that the model might say anyway. It already knows the
# manners of Smol World: a rejected answer like its own is the strongest lesson.
# </details>
# %% [markdown] lang="zh-CN" of="013a9bec"
# ## 10. 你自己的问题
#
# ### 练习 `dpo.preference` 🦁（30 分钟）
#
# 发明一种偏好，并把它教给模型。补全下面的类，它有两个方法：
#
# - `pair(question, answer)`：传入一个问题和它的简短答案（例如 `"Paris."`），返回两个字符串 `(chosen, rejected)`。两者都要
#   包含答案的词语，不能混入别的答案；各自不超过 12 个词，长度相差不超过 3 个词，这样模型学到的就不会只是长度。
#   同一个问题每次都要给出同样的一对。请用英文写：这个小模型只学过 Smol World 的英文。
# - `likes(text)`：符合你想要的语气就返回 `True`，否则返回 `False`：这条规则要适用于任何答案，包括你的类从没见过的。
#
# 下一个单元格会用它训练，并在留出的问题上测量。
#
# **评分标准**（供自己或老师使用）：至少 80% 的留出回答被 likes 认可（1 分）；事实下降不超过 5 个百分点，或者你说得出下降的原因
# （1 分）；你试过一个模型绝不会写的 rejected 回答，并能解释这时它的回答会怎样（1 分）。
#
# <details><summary>小提示</summary>
#
# DPO 最容易做到的，是在模型本来就可能说的话之间挪动概率。Smol World 的各种语气它都会：与它自己的回答相像的 rejected，教得最有力。
# </details>
# %% id="dpo.preference" tags=["exercise"] level="🦁" minutes=30
class MyPreference:
    """Which of two answers is better, in your opinion.

    Example (yours will differ): MyPreference().pair("What is the capital of France?", "Paris.") may
    return ("The answer is Paris.", "Paris."), and likes("The answer is Rome.") is True.
    """

    def pair(self, question: str, answer: str) -> tuple[str, str]:
        """(chosen, rejected) for one question."""
        ### BEGIN SOLUTION
        return f"The answer is {answer}", answer
        ### END SOLUTION

    def likes(self, text: str) -> bool:
        """Is this answer in the manner you want?"""
        ### BEGIN SOLUTION
        return text.startswith("The answer is ") and text.endswith(".")
        ### END SOLUTION


# %% id="dpo.preference.check"
MyPreference = check("dpo.preference", MyPreference)
# %% id="own.use" tags=["nbval-ignore-output"] reason="greedy text and exact scores may differ between processors"
own_budget = course.choose(tiny=dict(rows=480, steps=30), smol=dict(rows=800, steps=100))
mine = MyPreference()


def own_row(row):
    chosen, rejected = mine.pair(row["question"], row["answer"])
    return {
        "prompt": row["messages"][:1],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


facts = course.dataset("facts", "train").select(range(own_budget.rows))
own = make_trainer(
    course.model("instruct"),
    preference.as_text(facts.map(own_row), tokenizer, budget.max_length),
    own_budget.steps,
    loss=("sigmoid", "sft"),
)
with course.timed("train"):
    own.train()
own_found = preference.behaviour(
    own.model.eval(),
    tokenizer,
    questions["question"],
    questions["answer"],
    wanted=mine.likes,
    max_new_tokens=measuring.new_tokens,
)
show.side_by_side(
    list(zip(questions["question"][:5], before.answers, own_found.answers)),
    ["question", "before", "with your preference"],
)
show.say(
    "liked: {liked}\nfacts: {facts}, before {before:.1%}",
    liked=own_found.manner,
    facts=own_found.facts,
    before=before.facts.share,
)
# %% id="own.statement"
show.say(
    "at least 80% of the held-out answers are liked: {holds}", holds=own_found.manner.share >= 0.80
)
# %% [markdown] lang="en"
# ## 11. Report
# %% [markdown] lang="zh-CN" of="def3b52c"
# ## 11. 报告
# %% id="report"
course.report(
    "preference accuracy on held-out pairs",
    before_pairs.accuracy.share,
    after_pairs.accuracy.share,
    0.95,
    n=len(heldout),
    dpo_longer_guess=round(longer_guess, 3),
    dpo_manner_before=round(before.manner.share, 3),
    dpo_manner_after=round(after.manner.share, 3),
    dpo_facts_before=round(before.facts.share, 3),
    dpo_facts_after=round(after.facts.share, 3),
    dpo_sft_accuracy=round(sft_pairs.accuracy.share, 3),
    dpo_sft_manner=round(sft.manner.share, 3),
    dpo_sft_facts=round(sft.facts.share, 3),
    dpo_terse_before=round(obeyed[0].manner.share, 3),
    dpo_terse_after=round(obeyed[1].manner.share, 3),
    dpo_over_accuracy=round(over_pairs.accuracy.share, 3),
    dpo_over_manner=round(over_found.manner.share, 3),
    dpo_over_facts=round(over_found.facts.share, 3),
    dpo_chosen_before=round(mean(before_pairs.chosen), 1),
    dpo_chosen_after=round(mean(after_pairs.chosen), 1),
    dpo_chosen_over=round(mean(over_pairs.chosen), 1),
    dpo_rejected_before=round(mean(before_pairs.rejected), 1),
    dpo_rejected_after=round(mean(after_pairs.rejected), 1),
    dpo_rejected_sft=round(mean(sft_pairs.rejected), 1),
    dpo_rejected_over=round(mean(over_pairs.rejected), 1),
    dpo_swapped_accuracy=round(swapped_pairs.accuracy.share, 3),
    dpo_own_liked=round(own_found.manner.share, 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - DPO turns "this answer rather than that one" into a loss on four log-probabilities: how much the chosen answer gained over the reference, minus how much the rejected one did.
# - The loss sees a difference only. A margin that grows while the chosen answers become less likely is the sign to stop, and a score of something that you did not train, here the facts, is the proof.
# - Before you believe a preference accuracy: what does the longer answer score, what did the start model score, and did you read the pairs?
#
# **Where next.** The lesson page [DPO](../dpo.md) derives the loss and has the choices with numbers. [ORPO](../orpo.md) does without the reference model,
# [human feedback](../human_feedback.md) asks people and trains a reward model. Papers: [DPO](https://arxiv.org/abs/2305.18290), [RPO](https://arxiv.org/abs/2404.19733),
# [likelihood displacement](https://arxiv.org/abs/2410.08847), [over-optimisation](https://arxiv.org/abs/2406.02900).
# %% [markdown] lang="zh-CN" of="bc4d8dc1"
# ## 小结
#
# - DPO 把“要这个回答，不要那个”变成四个对数概率上的损失：chosen 相对参考模型的增量，减去 rejected 的增量。
# - 损失只看差值。间隔在变大，chosen 的概率却在变小，就是该停手的信号；而一个没有拿来训练的得分（这里是事实）就是证据。
# - 相信一个偏好准确率之前，先问：总挑较长的回答能得多少？起点模型得多少？这些数据，你自己读过吗？
#
# **下一步。** 讲义 [DPO](../../dpo.zh-CN.md) 推导了损失，并用数字说明各种选择。[ORPO](../../orpo.zh-CN.md) 不需要参考模型，
# [人类反馈](../../human_feedback.zh-CN.md)去问人，并训练一个奖励模型。论文：[DPO](https://arxiv.org/abs/2305.18290)、[RPO](https://arxiv.org/abs/2404.19733)、
# [似然位移](https://arxiv.org/abs/2410.08847)、[过度优化](https://arxiv.org/abs/2406.02900)。
