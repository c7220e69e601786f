# ---
# smolcourse: {module: 3_parameter_efficient_finetuning, topic: lora}
# ---
# %% [markdown] lang="en"
# # LoRA: fine-tune three percent of a model
#
# Full fine-tuning changes every weight, and needs four times the memory of the weights to do so. In this notebook you will
#
# - measure where those bytes go, and compute them beforehand;
# - see that the *change* which fine-tuning makes needs far fewer numbers than the weights themselves;
# - write LoRA by hand, put it into every projection of a SmolLM2, and find PEFT's numbers to 1e-5;
# - train it with TRL's `SFTTrainer` and compare it with full fine-tuning on facts that no training question asked for;
# - plot what the rank and the learning rate do, and find a job that LoRA does worse.
#
# **Cost.** About two minutes on a two-core laptop, no GPU, no network; the report at the end shows the seconds and the
# memory of the run that is stored here. Lesson page: [LoRA](../lora.md).
# %% [markdown] lang="zh-CN" of="d586e176"
# # LoRA：只微调模型的百分之三
#
# 全量微调（full fine-tuning）会改动每一个权重，为此要用掉四倍于权重的内存。在这个 notebook 里，你将
#
# - 测量这些字节花在哪里，并在训练之前就把它们算出来；
# - 看到微调带来的*变化*所需要的数，远比权重本身少；
# - 亲手写出 LoRA，装进 SmolLM2 的每一个投影层，并与 PEFT 的数值对上，相差不超过 1e-5；
# - 用 TRL 的 `SFTTrainer` 训练它，在训练中从未问过的事实上与全量微调比较；
# - 画出秩和学习率各起什么作用，并找到一件 LoRA 做得较差的事。
#
# **开销。** 双核笔记本电脑上约两分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[LoRA](../../lora.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
from smolcourse import check, generate, metrics, setup, show
from smolcourse.translate import tr

import torch

course = setup("3_parameter_efficient_finetuning/lora")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and those it takes on SmolLM2-135M
# with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="c99ee601"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(
        steps=100, batch=32, lr=1e-3, lora_lr=5e-3, rank=3, alpha=8, max_length=128, new_tokens=32
    ),
    smol=dict(
        steps=500,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 3e-4, "360M": 2e-4, "1.7B": 1e-4},
        lora_lr={"135M": 3e-3, "360M": 2e-3, "1.7B": 1e-3},
        rank=8,
        alpha=16,
        max_length=1024,
        new_tokens=128,
    ),
)
# %% [markdown] lang="en"
# ## 1. The problem first: what full fine-tuning costs
#
# The recipe of module 1, as it was: the base model, the training questions of `facts`, every weight free to move. It is the
# score to reach, and the bill to get down.
# %% [markdown] lang="zh-CN" of="800ee1d6"
# ## 1. 先看问题：全量微调要花多少
#
# 沿用模块 1 的配方：基座模型（base model）、`facts` 的训练问题，每个权重都可以变动。它的得分是要追上的目标，它的账单是要压低的对象。
# %% id="data"
train, test = course.dataset("facts", "train"), course.dataset("facts", "test")
with course.timed("import"):
    tokenizer = course.tokenizer("base")
    base = course.model("base")


def evaluate(model):
    """Which held-out questions are answered right: a list of bools."""
    answers = generate.chat(model, tokenizer, test["question"], max_new_tokens=budget.new_tokens)
    return metrics.matches(answers, test["answer"])


def share(right):
    return sum(right) / len(right)


before = share(evaluate(base))
show.say(
    "{train} training rows, {test} held-out questions; the base model answers under 5%: {holds}",
    train=len(train),
    test=len(test),
    holds=before < 0.05,
)
# %% id="trainer"
from transformers import PrinterCallback
from trl import SFTConfig, SFTTrainer


def make_trainer(model, dataset, steps, learning_rate, adapter=None, **options):
    """The recipe of module 1; `adapter` is a PEFT config, or None for full fine-tuning."""
    defaults = dict(
        output_dir=str(course.run_dir / "sft"),
        max_steps=steps,
        per_device_train_batch_size=budget.batch,
        learning_rate=learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=steps // 10,
        max_length=budget.max_length,
        assistant_only_loss=True,
        eos_token="<|im_end|>",
        activation_checkpointing=False,
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=max(1, steps // 10),
        disable_tqdm=True,
        save_strategy="no",
        report_to=[],
        seed=course.seed,
        dataset_kwargs={
            "skip_prepare_dataset": "labels" in dataset.column_names
        },  # tokenised once is enough
    )
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**{**defaults, **options}),
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=adapter,
    )
    trainer.remove_callback(PrinterCallback)  # the plots show the losses
    head = trainer.model.get_output_embeddings()
    if not hasattr(head, "bias"):
        # TRL asks the output layer for a bias; PEFT's wrapper around single rows has none.
        head.bias = None
    return trainer


steps = budget.steps
with course.timed("import"):
    full = make_trainer(course.model("base"), train.select_columns("messages"), steps, budget.lr)
rows = full.train_dataset  # input_ids and labels, for all the trainers below
# %% id="full" tags=["nbval-ignore-output"] reason="the exact score may differ between processors"
with course.timed("train"):
    full.train()
full_right = evaluate(full.model)
full_parameters = sum(p.numel() for p in full.model.parameters() if p.requires_grad)
show.say(
    "full fine-tuning: {parameters} parameters trained, held-out facts {share:.1%}",
    parameters=full_parameters,
    share=share(full_right),
)


# %% [markdown] lang="en"
# What does a training step hold in memory? Four things: the **weights**; a **gradient** for each weight that is trained; the
# **optimiser's states**, of which AdamW keeps two for each trained weight (running means of the gradient and of its square);
# and the **activations** that the backward pass needs. The first three don't depend on the data: you can compute them.
#
# ### Exercise `lora.memory` 🐢 (5 minutes)
#
# Input: how many numbers the model has in all, how many of them are trained, and the bytes of one number (4 in float32).
# Output: a dict with the bytes of `weights`, `gradients` and `optimizer` (AdamW) as ints.
#
# <details><summary>Hint</summary>
#
# Only one of the three depends on `total`.
# </details>
# %% [markdown] lang="zh-CN" of="4c46193f"
# 一步训练要在内存里放些什么？四样东西：**权重**；每个被训练的权重都有的一个**梯度**；**优化器状态**，
# AdamW 为每个被训练的权重保存两个数（梯度的滑动平均，以及梯度平方的滑动平均）；还有反向传播要用的**激活值**（activation）。
# 前三样与数据无关：你可以事先算出来。
#
# ### 练习 `lora.memory` 🐢（5 分钟）
#
# 输入：模型一共有多少个数、其中多少个参与训练、每个数占几个字节（float32 是 4）。
# 输出：一个字典，`weights`、`gradients` 和 `optimizer`（AdamW）各占多少字节，都是整数。
#
# <details><summary>小提示</summary>
#
# 三样之中只有一样取决于 `total`。
# </details>
# %% id="lora.memory" tags=["exercise"] level="🐢" minutes=5
def training_bytes(total: int, trained: int, size: int = 4) -> dict:
    """Bytes of weights, gradients and AdamW's states.

    >>> training_bytes(1000, 10)
    {'weights': 4000, 'gradients': 40, 'optimizer': 80}
    """
    ### BEGIN SOLUTION
    return {"weights": total * size, "gradients": trained * size, "optimizer": 2 * trained * size}
    ### END SOLUTION


# %% id="lora.memory.check"
training_bytes = check("lora.memory", training_bytes)


# %% [markdown] lang="en"
# Now measure. One training step on one batch; weights, gradients and states are counted tensor by tensor, and the
# activations by asking autograd for everything that it keeps for the backward pass.
# %% [markdown] lang="zh-CN" of="86404c22"
# 现在来测量。取一个批次训练一步：权重、梯度和优化器状态逐个张量地数；激活值则向 autograd 打听，看它为反向传播留下了什么。
# %% id="measure"
def measure(model, batch):
    """Bytes that one training step holds: weights, gradients, optimizer, activations."""
    parameters = list(model.parameters())
    weights = {p.untyped_storage().data_ptr() for p in parameters}
    optimizer = torch.optim.AdamW(
        [p for p in parameters if p.requires_grad], lr=0.0
    )  # measures, changes nothing
    kept = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    states = [
        t for state in optimizer.state_dict()["state"].values() for t in state.values() if t.dim()
    ]  # not the step counters
    found = {
        "weights": sum(p.nbytes for p in parameters),
        "gradients": sum(p.grad.nbytes for p in parameters if p.grad is not None),
        "optimizer": sum(t.nbytes for t in states),
        "activations": sum(kept.values()),
    }
    model.zero_grad(set_to_none=True)
    model.eval()
    return found


batch = full.data_collator([rows[i] for i in range(budget.batch)])
batch = {name: tensor.to(course.device) for name, tensor in batch.items()}
full_bytes = measure(full.model, batch)
computed = training_bytes(full_parameters, full_parameters)
show.say("computed: {bytes}", bytes=computed)
show.say(
    "measured: {bytes}; equal: {holds}",
    bytes={name: full_bytes[name] for name in computed},
    holds=all(full_bytes[name] == computed[name] for name in computed),
)
# %% [markdown] lang="en"
# Sixteen bytes a parameter before the first activation. For the real SmolLM2 models, all parameters trained against one in a
# hundred:
# %% [markdown] lang="zh-CN" of="fdeea5d9"
# 还没有算激活值，每个参数就要十六个字节。换成真正的 SmolLM2，训练全部参数与只训练百分之一，分别是：
# %% id="sizes"
sizes = {
    "this model": full_parameters,
    "SmolLM2-135M": 134_515_008,
    "SmolLM2-360M": 361_821_120,
    "SmolLM2-1.7B": 1_711_376_384,
}
table = []
for name, total in sizes.items():
    everything, one_percent = (
        sum(training_bytes(total, trained).values()) / 2**30 for trained in (total, total // 100)
    )
    table.append(
        (
            name,
            tr("{n:.1f} million", n=total / 1e6),
            f"{everything:.2f} GiB",
            f"{one_percent:.2f} GiB",
        )
    )
show.side_by_side(table, ["model", "parameters", "all trained", "1% trained"])


# %% [markdown] lang="en"
# The weights stay; gradients and states go. A second saving comes after training: each task leaves a file with what was
# trained, not another copy of the model.
#
# ## 2. Is a small change enough?
#
# Full fine-tuning moved every weight matrix $W$ by some $\Delta W$. A matrix of shape (out, in) has up to $\min(out, in)$
# independent directions; its **rank** counts them. The singular values say how much each direction carries. If a few carry
# most of it, $\Delta W$ is nearly a matrix of **low rank**, and such a matrix can be written with few numbers.
#
# ### Exercise `lora.rank` 🐕 (15 minutes)
#
# The best approximation of a matrix by one of rank $r$ keeps its $r$ largest singular values $\sigma_i$, and a share
# $\sum_{i \le r} \sigma_i^2 / \sum_i \sigma_i^2$ of the sum of its squared entries (Eckart and Young, 1936). Return the
# smallest $r$ that keeps at least `share`. Input: a tensor of shape (out, in), not all zero, and a float above 0 and below 1.
#
# <details><summary>Hint</summary>
#
# `torch.linalg.svdvals` gives the values from large to small, `cumsum` adds them up.
# </details>
# %% [markdown] lang="zh-CN" of="b13891d2"
# 权重还在，梯度和优化器状态少掉了。训练之后还能再省一笔：每个任务只需保存训练过的那一点，而不是整个模型再来一份。
#
# ## 2. 小小的变化够用吗？
#
# 全量微调把每个权重矩阵 $W$ 移动了某个 $\Delta W$。形状为 (out, in) 的矩阵最多有 $\min(out, in)$ 个独立的方向，实际有几个，**秩**（rank）就是几；
# 奇异值（singular value）说明每个方向占多大分量。如果少数几个方向就占了大头，$\Delta W$ 就近似于一个**低秩**矩阵，而低秩矩阵用很少的数就能写下来。
#
# ### 练习 `lora.rank` 🐕（15 分钟）
#
# 用秩为 $r$ 的矩阵来近似一个矩阵，最好的办法是保留最大的 $r$ 个奇异值 $\sigma_i$；这样保住的是各元素平方和的
# $\sum_{i \le r} \sigma_i^2 / \sum_i \sigma_i^2$（Eckart 与 Young，1936）。请返回至少保住 `share` 的最小的 $r$。
# 输入：一个形状为 (out, in)、不全为零的张量，和一个大于 0、小于 1 的浮点数。
#
# <details><summary>小提示</summary>
#
# `torch.linalg.svdvals` 从大到小给出奇异值，`cumsum` 逐个累加。
# </details>
# %% id="lora.rank" tags=["exercise"] level="🐕" minutes=15
def rank_needed(matrix, share: float) -> int:
    """The smallest rank that keeps `share` of the sum of squared entries.

    Example: a diagonal matrix with 3, 2 and 1 has the squares 9, 4 and 1. For share=0.9 the rank is 2: (9 + 4) / 14 = 0.93.
    """
    ### BEGIN SOLUTION
    import torch

    squares = torch.linalg.svdvals(matrix) ** 2
    kept = squares.cumsum(0) / squares.sum()
    return min(int((kept < share).sum()) + 1, len(squares))
    ### END SOLUTION


# %% id="lora.rank.check"
rank_needed = check("lora.rank", rank_needed)
# %% id="changes" tags=["nbval-ignore-output"] reason="a plot, and ranks measured on trained weights"
start, tuned = base.state_dict(), full.model.state_dict()
changes = {name: tuned[name] - start[name] for name in start if name.endswith("proj.weight")}
middle = f"layers.{base.config.num_hidden_layers // 2}."
shown = {name.split(".")[-2]: change for name, change in changes.items() if middle in name}
show.curves(
    {
        name: torch.linalg.svdvals(change)[:48].tolist()
        for name, change in shown.items()
        if name in ("q_proj", "k_proj", "o_proj", "down_proj")
    },
    title="What full fine-tuning changed: singular values in the middle layer",
    x="number",
    y="singular value",
)
show.side_by_side(
    [
        (
            name,
            tuple(change.shape),
            min(change.shape),
            rank_needed(change, 0.5),
            rank_needed(change, 0.9),
        )
        for name, change in shown.items()
    ],
    ["projection", "shape (out, in)", "full rank", "rank for 50%", "rank for 90%"],
)


# %% [markdown] lang="en"
# In the middle layer two or three directions carry half of a change; for 90% it takes between a twelfth and a quarter of them: a
# steep start and a long tail. Does the task need the tail? Keep only the $r$ strongest directions of every change, drop the rest, put embeddings and
# norms back to where they were, and ask again:
# %% [markdown] lang="zh-CN" of="d02b7fe9"
# 在中间这一层，两三个方向就占了变化的一半；要到 90%，则需要十二分之一到四分之一的方向：开头很陡，尾巴很长。可是任务需要这条尾巴吗？
# 每个变化只保留最强的 $r$ 个方向，其余丢掉，嵌入和归一化层也恢复原样，然后再问一遍：
# %% id="truncated" tags=["nbval-ignore-output"] reason="a plot and exact scores"
def truncated(r):
    """The base model plus the r strongest directions of each change."""
    model = course.model("base")
    state = dict(start)
    for name, change in changes.items():
        u, s, v = torch.linalg.svd(change, full_matrices=False)
        state[name] = start[name] + (u[:, :r] * s[:r]) @ v[:r]
    model.load_state_dict(state)
    return model


survives = {r: share(evaluate(truncated(r))) for r in (1, 4, 16)}
show.bars(
    {
        **{tr("rank {r}", r=r): score for r, score in survives.items()},
        "all of it": share(full_right),
    },
    title="Held-out facts with the strongest directions only",
)
# %% id="truncated.statement"
kept = survives[16] / max(share(full_right), 1e-9)
show.say("a change cut to rank 16 keeps at least 90% of the score: {holds}", holds=kept >= 0.9)


# %% [markdown] lang="en"
# That is the bet of LoRA (**low-rank adaptation**, [Hu and others, 2021](https://arxiv.org/abs/2106.09685)): if a change of low
# rank is enough in the end, then allow only such changes from the start.
#
# ## 3. LoRA by hand
#
# Leave $W$ as it is and learn two thin matrices beside it. For an input $x$ with `in` entries
#
# $$h = W x + \frac{\alpha}{r} \, B A x, \qquad A \in \mathbb{R}^{r \times in}, \quad B \in \mathbb{R}^{out \times r}$$
#
# $BA$ has the shape of $W$, a rank of at most $r$, and costs $r \, (in + out)$ numbers instead of $in \cdot out$. $\alpha$ is a
# fixed number. A first draft, on a layer of three inputs and two outputs:
# %% [markdown] lang="zh-CN" of="faa96b19"
# 这正是 LoRA（**低秩适配**，low-rank adaptation，[Hu 等，2021](https://arxiv.org/abs/2106.09685)）押的注：既然到头来低秩的变化就够用，那就从一开始只允许这样的变化。
#
# ## 3. 亲手写 LoRA
#
# 保持 $W$ 不动，在旁边学习两个瘦长的矩阵。设输入 $x$ 有 `in` 个分量，则
#
# $$h = W x + \frac{\alpha}{r} \, B A x, \qquad A \in \mathbb{R}^{r \times in}, \quad B \in \mathbb{R}^{out \times r}$$
#
# $BA$ 与 $W$ 形状相同，秩不超过 $r$，只要 $r \, (in + out)$ 个数，而不是 $in \cdot out$ 个。$\alpha$ 是一个固定的数。
# 第一稿，用在一个三输入、两输出的层上：
# %% id="draft"
class DraftLoRA(torch.nn.Module):
    def __init__(self, base, r):
        super().__init__()
        self.base = base
        self.A = torch.nn.Parameter(torch.randn(r, base.in_features))
        self.B = torch.nn.Parameter(torch.randn(base.out_features, r))

    def forward(self, x):
        return self.base(x) + x @ self.A.T @ self.B.T


torch.manual_seed(course.seed)
linear = torch.nn.Linear(3, 2, bias=False)
draft = DraftLoRA(linear, r=1)
x = torch.eye(3)
show.side_by_side(
    [
        (f"{a:.2f}, {b:.2f}", f"{c:.2f}, {d:.2f}")
        for (a, b), (c, d) in zip(linear(x).tolist(), draft(x).tolist())
    ],
    ["the layer", "the draft, before any training"],
)
show.say(
    "trained: {names}", names=[name for name, p in draft.named_parameters() if p.requires_grad]
)
# %% [markdown] lang="en"
# It has three mistakes. Before the first step the draft already answers something else: the start must be the model itself, so
# **B starts at zero** (and A at random: if both were zero, neither would ever get a gradient). The layer's own weight is
# trained as well. And there is no $\alpha / r$: without it, doubling the rank would double the change.
#
# ### Exercise `lora.layer` 🐕 (20 minutes)
#
# Write it right: a `torch.nn.Module` around a `torch.nn.Linear` (`base`, with or without a bias), with parameters `A` of shape
# (r, in) and `B` of shape (out, r). The wrapped layer's own parameters must not be trained. A rank below 1 makes no sense: raise
# `ValueError` with a sentence that says so. Input of `forward`: a tensor of shape (..., in); output: (..., out).
#
# <details><summary>Hint</summary>
#
# `base.requires_grad_(False)` freezes; `torch.nn.init.kaiming_uniform_(A, a=math.sqrt(5))` is what PEFT does with A (it is also
# how `Linear` itself starts). Multiply by A first: `x @ A.T` is small.
# </details>
# %% [markdown] lang="zh-CN" of="8320b70b"
# 这里有三个错误。还没训练，第一稿的输出就已经变了：起点必须是模型本身，所以 **B 要从零开始**（A 则取随机数：要是两个都为零，
# 谁也得不到梯度）。原来那一层的权重也在被训练。还少了 $\alpha / r$：没有它，秩翻一倍，变化也会跟着翻一倍。
#
# ### 练习 `lora.layer` 🐕（20 分钟）
#
# 把它写对：一个包住 `torch.nn.Linear`（即 `base`，可能有偏置，也可能没有）的 `torch.nn.Module`，带有形状为 (r, in) 的参数 `A` 和形状为
# (out, r) 的参数 `B`。被包住的那一层自己的参数不能参与训练。秩小于 1 没有意义：请抛出 `ValueError`，并用一句话说明。
# `forward` 的输入：形状为 (..., in) 的张量；输出：(..., out)。
#
# <details><summary>小提示</summary>
#
# `base.requires_grad_(False)` 会冻结它；PEFT 用 `torch.nn.init.kaiming_uniform_(A, a=math.sqrt(5))` 来初始化 A
# （`Linear` 自己也是这样开始的）。先乘 A：`x @ A.T` 很小。
# </details>
# %% id="lora.layer" tags=["exercise"] level="🐕" minutes=20
import torch


class LoRALinear(torch.nn.Module):
    """A frozen linear layer with a trained change of low rank.

    Example: LoRALinear(torch.nn.Linear(8, 4), r=2, alpha=6) has A of shape (2, 8), B of shape (4, 2) and the scale 3.
    """

    def __init__(self, base: torch.nn.Linear, r: int, alpha: float):
        ### BEGIN SOLUTION
        import math

        super().__init__()
        if r < 1:
            raise ValueError(f"The rank of LoRA must be at least 1, not {r}.")
        self.base = base.requires_grad_(False)
        self.scale = alpha / r
        like = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.A = torch.nn.Parameter(torch.empty(r, base.in_features, **like))
        self.B = torch.nn.Parameter(torch.zeros(base.out_features, r, **like))
        torch.nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)
        ### END SOLUTION


# %% id="lora.layer.check"
LoRALinear = check("lora.layer", LoRALinear)


# %% [markdown] lang="en"
# ### Exercise `lora.inject` 🐕 (20 minutes)
#
# Put it into a model. Inputs: the model; `targets`, the own names of the layers to wrap (such as `"q_proj"`, in every block where
# there is one); and `wrap`, a function that makes the new module from a `torch.nn.Linear`. Freeze the whole model, replace each
# `Linear` whose own name **equals** one of the targets, and return the dotted names of the replaced layers
# (`"model.layers.0.self_attn.q_proj"`, ...). A target that no layer has is a typing error: raise `ValueError`.
#
# <details><summary>Hint</summary>
#
# `name.rpartition(".")` parts the dotted name into the parent's and the own one; `model.get_submodule(parent)` finds the parent
# and `setattr` replaces its child. Freeze first: what `wrap` makes must stay trainable. Make a list of `model.named_modules()`
# before you replace anything.
# </details>
# %% [markdown] lang="zh-CN" of="7c269d2f"
# ### 练习 `lora.inject` 🐕（20 分钟）
#
# 把它装进模型。输入：模型；`targets`，要包装的层自己的名字（例如 `"q_proj"`，每个块里都可能有一个）；以及 `wrap`，一个由
# `torch.nn.Linear` 造出新模块的函数。请冻结整个模型，把自己的名字**等于**某个目标的每个 `Linear` 换掉，并返回被换掉的层的完整名字
# （`"model.layers.0.self_attn.q_proj"` 等等）。如果有目标找不到任何对应的层，那就是写错了名字：请抛出 `ValueError`。
#
# <details><summary>小提示</summary>
#
# `name.rpartition(".")` 把完整名字分成父模块的名字和自己的名字；`model.get_submodule(parent)` 找到父模块，`setattr` 换掉它的子模块。
# 先冻结：`wrap` 造出来的东西必须保持可训练。动手替换之前，先把 `model.named_modules()` 存成列表。
# </details>
# %% id="lora.inject" tags=["exercise"] level="🐕" minutes=20
def inject(model, targets: list[str], wrap) -> list[str]:
    """Freeze `model`, wrap the targeted linear layers, return their names.

    Example: inject(model, ["q_proj"], lambda linear: LoRALinear(linear, 4, 8)) on a model of two blocks returns
    ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"].
    """
    ### BEGIN SOLUTION
    import torch

    model.requires_grad_(False)
    linears = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    chosen = [name for name in linears if name.rpartition(".")[2] in targets]
    missing = set(targets) - {name.rpartition(".")[2] for name in chosen}
    if missing:
        raise ValueError(f"The model has no linear layer named {', '.join(sorted(missing))}.")
    for name in chosen:
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, wrap(linears[name]))
    return chosen
    ### END SOLUTION


# %% id="lora.inject.check"
inject = check("lora.inject", inject)
# %% [markdown] lang="en"
# All seven projections of every block: query, key, value and output of the attention; gate, up and down of the MLP. Look at key
# and value: this model has six query heads and only two key-value heads (**grouped-query attention**), so these two matrices
# are three times narrower, and so are their B.
# %% [markdown] lang="zh-CN" of="9c126afc"
# 每个块里的七个投影都装上：注意力的 query、key、value 和 output，MLP 的 gate、up 和 down。请看 key 和 value：这个模型有六个查询头，
# 却只有两个键值头（**分组查询注意力**，grouped-query attention），所以这两个矩阵窄到三分之一，它们的 B 也是。
# %% id="injected"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
r, alpha = budget.rank, budget.alpha

ours = course.model("base")
names = inject(ours, ALL, lambda linear: LoRALinear(linear, r, alpha))
first = [(name, ours.get_submodule(name)) for name in names[:7]]
show.side_by_side(
    [
        (
            name.split(".")[-1],
            tuple(start[f"{name}.weight"].shape),
            tuple(m.A.shape),
            tuple(m.B.shape),
        )
        for name, m in first
    ],
    ["layer", "W (out, in)", "A", "B"],
)
with torch.no_grad():
    same = torch.equal(ours(**batch).logits, base(**batch).logits)
show.say(
    "{layers} layers wrapped; before training the logits are the base model's, bit by bit: {same}",
    layers=len(names),
    same=same,
)
# %% [markdown] lang="en"
# Is it the same as PEFT's? Give both the same A and B (not zero, or a mistake in A would stay hidden), one batch, and compare
# logits and gradients.
# %% [markdown] lang="zh-CN" of="d7ff08e3"
# 它和 PEFT 的一样吗？给两边相同的 A 和 B（不能为零，否则 A 的错误会被掩盖），同一个批次，比较 logits 和梯度。
# %% id="compare"
from peft import LoraConfig, get_peft_model

theirs = get_peft_model(
    course.model("base"),
    LoraConfig(r=r, lora_alpha=alpha, target_modules=ALL, task_type="CAUSAL_LM"),
)
pairs = [(ours.get_submodule(name), theirs.get_base_model().get_submodule(name)) for name in names]
with torch.no_grad():
    for mine, other in pairs:
        mine.B.normal_(std=0.02)
        other.lora_A["default"].weight.copy_(mine.A)
        other.lora_B["default"].weight.copy_(mine.B)
outputs = [model(**batch) for model in (ours, theirs)]
for output in outputs:
    output.loss.backward()
logits = (outputs[0].logits - outputs[1].logits).abs().max().item()
gradients = max(
    (grad - weight.weight.grad).abs().max().item()
    for mine, other in pairs
    for grad, weight in (
        (mine.A.grad, other.lora_A["default"]),
        (mine.B.grad, other.lora_B["default"]),
    )
)
show.say(
    "logits equal PEFT's to 1e-5: {logits}; gradients of every A and B: {gradients}",
    logits=logits < 1e-5,
    gradients=gradients < 1e-5,
)


# %% [markdown] lang="en"
# ## 4. How many parameters is that?
#
# ### Exercise `lora.count` 🐢 (10 minutes)
#
# Compute it before you build anything. Inputs: a model's `config` as a dict with `hidden_size`, `num_attention_heads`,
# `num_key_value_heads`, `head_dim`, `intermediate_size` and `num_hidden_layers` (ints); `targets`, some of the seven names above;
# the rank. Output: how many numbers all A and B have together. A rank below 1: `ValueError` with a sentence.
#
# <details><summary>Hint</summary>
#
# Each layer costs `r * (in + out)`. The queries have `num_attention_heads * head_dim` outputs, keys and values
# `num_key_value_heads * head_dim`; `head_dim` need not be `hidden_size / num_attention_heads`.
# </details>
# %% [markdown] lang="zh-CN" of="70c754f6"
# ## 4. 这一共是多少参数？
#
# ### 练习 `lora.count` 🐢（10 分钟）
#
# 动手之前先算一算。输入：模型的 `config`，是一个字典，含 `hidden_size`、`num_attention_heads`、`num_key_value_heads`、`head_dim`、
# `intermediate_size` 和 `num_hidden_layers`（都是整数）；`targets`，上面七个名字中的若干个；以及秩。
# 输出：所有 A 和 B 一共有多少个数。秩小于 1：抛出 `ValueError`，并附上一句话。
#
# <details><summary>小提示</summary>
#
# 每一层要 `r * (in + out)` 个数。query 有 `num_attention_heads * head_dim` 个输出，key 和 value 有
# `num_key_value_heads * head_dim` 个；`head_dim` 不一定等于 `hidden_size / num_attention_heads`。
# </details>
# %% id="lora.count" tags=["exercise"] level="🐢" minutes=10
def count_lora(config: dict, targets: list[str], r: int) -> int:
    """Trained parameters of LoRA of rank r on these projections of all layers.

    Example: with hidden_size 8 and two query heads of head_dim 4, ["q_proj"] at r=2 costs 2 * (8 + 8) = 32 numbers a layer.
    """
    ### BEGIN SOLUTION
    if r < 1:
        raise ValueError(f"The rank of LoRA must be at least 1, not {r}.")
    hidden, middle = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    sides = {
        "q_proj": hidden + queries,
        "k_proj": hidden + keys,
        "v_proj": hidden + keys,
        "o_proj": queries + hidden,
        "gate_proj": hidden + middle,
        "up_proj": hidden + middle,
        "down_proj": middle + hidden,
    }
    return config["num_hidden_layers"] * r * sum(sides[target] for target in targets)
    ### END SOLUTION


# %% id="lora.count.check"
count_lora = check("lora.count", count_lora)
# %% id="counts"
config = base.config.to_dict()
trained = sum(p.numel() for p in theirs.parameters() if p.requires_grad)
show.say(
    "rank {r} on all projections: {trained} numbers, {share:.2%} of the model; "
    "the formula agrees: {holds}",
    r=r,
    trained=trained,
    share=trained / full_parameters,
    holds=trained == count_lora(config, ALL, r),
)

limit = int(0.03 * full_parameters)
choices = {
    "all seven": ALL,
    "attention only": ALL[:4],
    "MLP only": ALL[4:],
    "query and value": ["q_proj", "v_proj"],
}
table = []
for label, targets in choices.items():
    largest = limit // count_lora(config, targets, 1)
    table.append(
        (
            label,
            largest,
            count_lora(config, targets, largest),
            f"{count_lora(config, targets, largest) / full_parameters:.2%}",
        )
    )
show.side_by_side(table, ["where", "largest rank under 3%", "parameters", "share of the model"])
# %% [markdown] lang="en"
# ## 5. The real thing: `SFTTrainer` with a `peft_config`
#
# The same recipe and rows as in section 1, with the adapter and a higher learning rate (section 6 says why). A short run first,
# because there is a trap. The base model never read a chat. In its embedding, which is also the output layer, the row of
# `<|im_end|>` has learned one thing only, like the rows of all tokens that pretraining never used: to be unlikely. LoRA
# freezes it as it is.
# %% [markdown] lang="zh-CN" of="6433ec81"
# ## 5. 动真格的：带 `peft_config` 的 `SFTTrainer`
#
# 配方和数据与第 1 节相同，只是多了适配器，学习率也更高（第 6 节会说明原因）。先跑一小段，因为这里有个陷阱：基座模型从没读过对话。
# 它的嵌入层同时也是输出层。预训练里从没用到的 token，它们的行只学会了一件事：得分要低。`<|im_end|>` 那一行就是其中之一，
# 而 LoRA 又把它原样冻结了。
# %% id="trap.rows"
end = tokenizer.convert_tokens_to_ids("<|im_end|>")
embedding = start[next(name for name in start if name.endswith("embed_tokens.weight"))]
distance = (embedding - embedding[end]).norm(dim=1) / embedding[end].norm()
alike = distance < 0.1
show.say(
    "{alike} of {rows} rows nearly equal that of <|im_end|>, which nothing in pretraining used",
    alike=int(alike.sum()),
    rows=len(embedding),
)
show.say(
    "half of them differ from it by at most {distance:.1%} of its length; "
    "the loss if all had an equal share: {loss:.2f}",
    distance=distance[alike].median(),
    loss=alike.sum().log(),
)


# %% id="trap" tags=["nbval-ignore-output"] reason="losses and text of a trained model"
short = course.choose(
    tiny=dict(sweep_steps=25, rate_steps=15), smol=dict(sweep_steps=100, rate_steps=30)
)


def adapter_of(r, targets=ALL, rows=(end,)):
    """LoRA of rank r; `rows` are the tokens whose embeddings are trained as well."""
    return LoraConfig(
        r=r,
        lora_alpha=alpha,
        target_modules=targets,
        trainable_token_indices=list(rows) or None,
        task_type="CAUSAL_LM",
    )


trapped = make_trainer(
    course.model("base"),
    rows,
    short.sweep_steps,
    budget.lora_lr,
    adapter_of(r, rows=()),
)
with course.timed("train"):
    trapped.train()
one = {name: tensor.to(course.device) for name, tensor in trapped.data_collator([rows[0]]).items()}
with torch.no_grad():
    scores = trapped.model(**one).logits[0, :-1].log_softmax(-1)
prices = [
    (label, -row[label].item())
    for row, label in zip(scores, one["labels"][0, 1:].tolist())
    if label != -100
]
show.side_by_side(
    [(tokenizer.decode([label]), f"{price:.2f}") for label, price in prices],
    ["token of the answer", "loss"],
)
show.side_by_side(
    list(zip(test["question"], generate.chat(trapped.model, tokenizer, test["question"][:3]))),
    ["question", "answer"],
)
# %% id="trap.statement"
show.say(
    "the end of the turn costs more than all words of the answer together: {holds}",
    holds=prices[-1][1] > sum(price for _, price in prices[:-1]),
)
# %% [markdown] lang="en"
# The words are learned and the end is not. Its row and hundreds of others are almost the same, so whatever the layers below write
# raises the scores of all of them together. The loss of `<|im_end|>` is close to that of an equal share: the model has divided its
# belief among them, and whether it stops is a matter of luck. (It can be done without the row: the cut models of section 2 had the
# same rows, and answered well. This training did not get there.) **Cure:** train that one row as well. PEFT's
# `trainable_token_indices` does it, for as many numbers as the model is wide.
# %% [markdown] lang="zh-CN" of="1fe0c4c8"
# 词都学会了，结束却没有学会。它那一行和另外几百行几乎一样，下面各层不管写出什么，都会把它们的得分一起抬高。
# `<|im_end|>` 的损失接近于各行平分概率时的损失：模型把概率摊给了它们，停不停全看运气。
# （不靠这一行也并非做不到：第 2 节里裁剪过的模型用的是同样的行，照样答得很好。只是这次训练没有走到那一步。）
# **对策：** 把这一行也拿来训练。PEFT 的 `trainable_token_indices` 就是做这个的，代价是模型有多宽，就多训练多少个数。
# %% id="train" tags=["nbval-ignore-output"] reason="a plot"
lora = make_trainer(course.model("base"), rows, steps, budget.lora_lr, adapter_of(r))
with course.timed("train"):
    lora.train()
show.loss(
    {
        "full fine-tuning": full.state.log_history,
        "LoRA without that row": trapped.state.log_history,
        tr("LoRA, rank {r}", r=r): lora.state.log_history,
    },
    log=True,
)
# %% id="score" tags=["nbval-ignore-output"] reason="exact scores may differ between processors"
lora_right = evaluate(lora.model)
show.bars(
    {
        name: (share(right), metrics.interval(sum(right), len(right)))
        for name, right in (
            ("full fine-tuning", full_right),
            (tr("LoRA, rank {r}", r=r), lora_right),
        )
    },
    title="Held-out facts, exact match with 95% intervals",
    bar=0.95 * share(full_right),
)
show.say(
    "LoRA minus full fine-tuning, question by question: {difference}",
    difference=metrics.paired_difference(full_right, lora_right),
)
# %% id="score.statement"
kept = share(lora_right) / max(share(full_right), 1e-9)
lora_parameters = sum(p.numel() for p in lora.model.parameters() if p.requires_grad)
show.say(
    "at most 3% of the parameters are trained: {holds}",
    holds=lora_parameters <= 0.03 * full_parameters,
)
show.say("at least 95% of full fine-tuning's score: {holds}", holds=kept >= 0.95)
untouched = {
    name.replace(".token_adapter", "").replace(".base_layer", ""): tensor
    for name, tensor in lora.model.get_base_model().state_dict().items()
}
show.say(
    "the base model's weights are bit for bit what they were: {holds}",
    holds=all(torch.equal(start[name], untouched[name]) for name in start),
)
# %% [markdown] lang="en"
# And the bill:
# %% [markdown] lang="zh-CN" of="e4992704"
# 再看账单：
# %% id="bill"
lora_bytes = measure(lora.model, batch)
computed = training_bytes(full_parameters + lora_parameters, lora_parameters)
show.say(
    "measured equals computed: {holds}",
    holds=all(lora_bytes[name] == computed[name] for name in computed),
)
# %% id="bill.table" tags=["nbval-ignore-output"] reason="what autograd keeps depends on the processor's kernels"
names_of = list(full_bytes)
show.side_by_side(
    [
        (name, f"{full_bytes[name] / 1e6:.2f} MB", f"{lora_bytes[name] / 1e6:.2f} MB")
        for name in names_of
    ]
    + [
        (
            "file to keep",
            f"{4 * full_parameters / 1e6:.2f} MB",
            f"{4 * lora_parameters / 1e6:.2f} MB",
        )
    ],
    ["bytes in one step", "full fine-tuning", "LoRA"],
)
saved = 1 - (lora_bytes["gradients"] + lora_bytes["optimizer"]) / (
    full_bytes["gradients"] + full_bytes["optimizer"]
)
show.say(
    "gradients and optimiser states: {saved:.1%} less; activations: {times:.2f} times as much",
    saved=saved,
    times=lora_bytes["activations"] / full_bytes["activations"],
)
# %% [markdown] lang="en"
# Gradients and states are nearly gone. The activations are not: to learn A and B, autograd still has to keep the inputs of the
# wrapped layers. For a small model and a large batch they are most of the bill, and LoRA hardly touches them; gradient
# checkpointing and smaller batches do (see [resource strategies](../resource_strategies.md)).
#
# ## 6. The learning rate
#
# Short runs at the same four rates for both, and the loss at their end. Full fine-tuning has its best rate further to the left.
# %% [markdown] lang="zh-CN" of="06e6525f"
# 梯度和优化器状态几乎没有了。激活值却几乎都还在：要学 A 和 B，autograd 仍须留住被包装的各层的输入。模型小、批次大时，
# 账单的大头正是激活值，LoRA 几乎动不了它；能减少它的是梯度检查点和更小的批次（见[资源策略](../../resource_strategies.zh-CN.md)）。
#
# ## 6. 学习率
#
# 两种方法都用同样的四个学习率跑一小段，看最后的损失。全量微调的最佳学习率要更靠左。
# %% id="rates" tags=["nbval-ignore-output"] reason="a plot"
import math


def final_loss(learning_rate, adapter=None):
    run = make_trainer(
        course.model("base"),
        rows,
        short.rate_steps,
        learning_rate,
        adapter,
        warmup_steps=2,
        logging_steps=2,
    )
    with course.timed("train"):
        run.train()
    return [entry["loss"] for entry in run.state.log_history if "loss" in entry][-1]


rates = [budget.lr * factor for factor in (1, 3, 10, 30)]
ends = {
    "full fine-tuning": [final_loss(rate) for rate in rates],
    "LoRA": [final_loss(rate, adapter_of(r)) for rate in rates],
}
show.curves(
    {name: ([math.log10(rate) for rate in rates], losses) for name, losses in ends.items()},
    title="Loss at the end of a short run",
    x="log10 of the learning rate",
    y="loss",
)
best = {name: rates[losses.index(min(losses))] for name, losses in ends.items()}
show.say(
    "best rate: full fine-tuning {full:.1e}, LoRA {lora:.1e}",
    full=best["full fine-tuning"],
    lora=best["LoRA"],
)
# %% id="rates.statement"
show.say("LoRA's best rate is higher: {holds}", holds=best["LoRA"] > best["full fine-tuning"])
# %% [markdown] lang="en"
# Why higher? At the start B is zero, so A gets no gradient at all and the product moves only as fast as B does; and the few numbers
# that are trained have to move further to change the output as much. [LoRA Without Regret](https://thinkingmachines.ai/blog/lora/)
# found the best rate to be about ten times that of full fine-tuning, over many models and tasks. Here it is about three times, on a
# grid with steps of three, which shows nothing finer. (With the tiny model, sections 1 and 5 use 1e-3 and 5e-3: for full fine-tuning not the best rate of these
# short runs, for LoRA one that is not on the grid. So take their scores as close, not as a ranking.) **The most frequent reason for
# a LoRA that "doesn't work" is a learning rate taken over from full fine-tuning.**
#
# ## 7. The rank
# %% [markdown] lang="zh-CN" of="cdd3471a"
# 为什么要更高？开始时 B 为零，A 完全得不到梯度，乘积只能随着 B 慢慢动起来；而且被训练的数很少，每个都得走得更远，才能让输出变化同样多。
# [LoRA Without Regret](https://thinkingmachines.ai/blog/lora/) 在许多模型和任务上发现，最佳学习率约为全量微调的十倍。
# 这里约为三倍，不过试的学习率本来就是每隔三倍取一个，分不了更细。（用小模型时，第 1 节和第 5 节的学习率是 1e-3 和 5e-3：前者不是全量微调在这几次
# 短训练里最好的学习率，后者不在试过的这几个之中。所以两者的得分只能说很接近，不能用来排名次。）
# **LoRA“不管用”，最常见的原因就是直接照搬了全量微调的学习率。**
#
# ## 7. 秩
# %% id="ranks" tags=["nbval-ignore-output"] reason="a plot and exact scores"
ranks, scores = [1, 2, 4, 8, 16], []
for rank in ranks:
    run = make_trainer(
        course.model("base"),
        rows,
        short.sweep_steps,
        budget.lora_lr,
        adapter_of(rank),
    )
    with course.timed("train"):
        run.train()
    scores.append(share(evaluate(run.model)))
largest = run.model
intervals = {
    tr("rank {r}", r=rank): (score, metrics.interval(round(score * len(test)), len(test)))
    for rank, score in zip(ranks, scores)
}
show.bars(
    intervals,
    title="Held-out facts by rank after a short training, with 95% intervals",
    bar=share(full_right),
)
show.side_by_side(
    [
        (
            rank,
            count_lora(config, ALL, rank),
            f"{count_lora(config, ALL, rank) / full_parameters:.2%}",
            f"{score:.1%}",
        )
        for rank, score in zip(ranks, scores)
    ],
    ["rank", "parameters", "share of the model", "held-out facts"],
)
# %% id="ranks.statement"
show.say(
    "rank 1 reaches at least 90% of full fine-tuning's score: {holds}",
    holds=scores[0] >= 0.9 * share(full_right),
)
# %% [markdown] lang="en"
# Rank 1 is enough, even after a short training. The task is small for this model: the knowledge is there, and a *format* is to be learned. A
# format fits into one direction a layer, so a higher rank buys nothing here. (In section 2 the strongest *one* direction of the
# finished change gave 0%: cutting afterwards is not the same as training within rank 1, where that direction can be chosen for the
# task. Here the row of `<|im_end|>` is trained as well.)
#
# ## 8. Where LoRA does worse: new knowledge
#
# Now teach something that the base model does *not* know. The same questions, but the answers are shuffled among questions of
# one kind: for most rows nothing that it has read helps, each has to be stored. How many does each method store in the same steps?
# %% [markdown] lang="zh-CN" of="c9c553fd"
# 秩 1，训练一小段，就够了。对这个模型来说任务不大：知识早已在里面，要学的只是一种*格式*。每层一个方向就装得下一种格式，所以秩再高也没有好处。
# （第 2 节里，只留下训练好的变化中最强的*一个*方向，得分是 0%：事后裁剪，和一开始就在秩 1 之内训练，是两回事；
# 后者可以为任务挑选那个方向。而且这里还训练了 `<|im_end|>` 那一行。）
#
# ## 8. LoRA 较差的地方：新知识
#
# 现在教一些基座模型*不*知道的东西。问题不变，答案却在同类问题之间打乱：对大多数行来说，读过的东西全帮不上忙，只能一行一行硬记。
# 同样的步数，两种方法各能记住多少？
# %% id="invented"
import random


def invented(count):
    """Training rows whose answers are swapped within their group, so that nothing the model read helps."""
    chosen = train.select(range(count)).to_list()
    for group in sorted({row["group"] for row in chosen}):
        members = [row for row in chosen if row["group"] == group]
        answers = [row["answer"] for row in members]
        random.Random(course.seed).shuffle(answers)
        for row, answer in zip(members, answers):
            row["answer"] = answer
    return chosen


by_heart = course.choose(tiny=dict(rows=200, steps=60), smol=dict(rows=500, steps=200))
facts = invented(by_heart.rows)
false = sum(row["answer"] != answer for row, answer in zip(facts, train["answer"]))
show.say(
    "{rows} rows, at least half of them with another answer than before: {holds}",
    rows=len(facts),
    holds=false >= len(facts) / 2,
)
# %% id="knowledge" tags=["nbval-ignore-output"] reason="plots and exact scores"
from datasets import Dataset

made_up = Dataset.from_list(
    [
        {
            "messages": [
                {"role": "user", "content": row["question"]},
                {"role": "assistant", "content": row["answer"]},
            ]
        }
        for row in facts
    ]
)
stored, histories = {}, {}
for name, rate, adapter in (
    ("full fine-tuning", budget.lr, None),
    (tr("LoRA, rank {r}", r=r), budget.lora_lr, adapter_of(r)),
):
    run = make_trainer(course.model("base"), made_up, by_heart.steps, rate, adapter)
    with course.timed("train"):
        run.train()
    answers = generate.chat(
        run.model, tokenizer, [row["question"] for row in facts], max_new_tokens=16
    )
    stored[name] = metrics.exact_match(answers, [row["answer"] for row in facts])
    histories[name] = run.state.log_history
show.loss(histories, title="Learning invented answers", log=True)
show.bars(stored, title="Invented answers known by heart")
# %% id="knowledge.statement"
full_stored, lora_stored = stored.values()
show.say(
    "full fine-tuning stores more of the invented answers: {holds}", holds=full_stored > lora_stored
)
# %% [markdown] lang="en"
# And what is *forgotten*? How well does each model still continue the stories it was pretrained on? (Perplexity, lower is better.)
# The last row is the largest adapter of section 7, which was trained for a short time only.
# %% [markdown] lang="zh-CN" of="206e5bf9"
# 那么*忘掉*了什么？预训练时读过的那类故事，各个模型现在续写得如何？（困惑度，越低越好。）最后一行是第 7 节里最大的、但只训练了一小段的那个适配器。
# %% id="forgetting" tags=["nbval-ignore-output"] reason="perplexities of trained weights"
stories = course.dataset("stories", "test")["text"][:100]
models = {
    "base": base,
    "full fine-tuning": full.model,
    tr("LoRA, rank {r}", r=r): lora.model,
    tr("LoRA, rank {r}, short training", r=ranks[-1]): largest,
}
perplexities = {
    name: metrics.perplexity(model, tokenizer, stories) for name, model in models.items()
}
show.side_by_side(
    [(name, f"{value:.2f}") for name, value in perplexities.items()],
    ["model", "perplexity on stories"],
)
# %% id="forgetting.statement"
base_perplexity, full_perplexity, lora_perplexity, short_perplexity = perplexities.values()
show.say(
    "every fine-tuning forgets something: {holds}",
    holds=min(full_perplexity, lora_perplexity, short_perplexity) > base_perplexity,
)
show.say(
    "of the two LoRA runs, the short one forgets less: {holds}",
    holds=short_perplexity < lora_perplexity,
)


# %% [markdown] lang="en"
# [Biderman and others](https://arxiv.org/abs/2405.09673) compared both on 7-billion-parameter models: on code and mathematics LoRA
# learned less than full fine-tuning, and it forgot less. Don't take the second for a law: compare the rows above. Few trained numbers
# can move a model far if the rate is high and the training long; what protects the rest is to stop when the task is learned.
#
# ## 9. Your own problem
#
# ### Exercise `lora.plan` 🦁 (30 minutes)
#
# You get a model's `config` (as in `lora.count`) and a `budget`, the largest number of trained parameters. Decide **where** to put
# LoRA, at which rank, with which alpha and learning rate. Return a dict with `targets` (a list, some of the seven names, none twice),
# `r` (int), `alpha` (number above 0) and `learning_rate` (float between 0 and 1). Stay within the budget, and don't waste it: at your
# targets, a rank one higher must not fit. If your favourite targets don't fit at rank 1, take fewer; raise `ValueError` only if no
# single projection fits. The cell after the check trains your plan with 1% of this model's parameters.
#
# **Rubric** (for yourself or your instructor): your plan reaches 90% of full fine-tuning's score with 1% of the parameters (1 point);
# you compared two choices of targets at equal budget and can say which won, and by how many questions (1); you found the learning
# rate at which your plan breaks, and describe its loss curve (1).
#
# <details><summary>Hint</summary>
#
# `budget // count_lora(config, targets, 1)` is the largest rank that fits. Try a list of candidate targets in the order of your liking.
# For the rubric: the cell that trains your plan leaves `plan_right`, one bool a question. Keep it under a name of its own before you
# try the next plan; `metrics.paired_difference(one, other)` compares two lists of right answers, `sum(other) - sum(one)` counts questions.
# </details>
# %% [markdown] lang="zh-CN" of="fccff7fc"
# [Biderman 等人](https://arxiv.org/abs/2405.09673)在 70 亿参数的模型上比较过：在代码和数学上，LoRA 学到的比全量微调少，忘掉的也少。
# 别把后一点当成定律，看看上面几行就知道：学习率高、训练又久，训练的数再少也能把模型带偏很远；任务学会了就停下来，才能保住其余的本领。
#
# ## 9. 你自己的问题
#
# ### 练习 `lora.plan` 🦁（30 分钟）
#
# 给你一个模型的 `config`（同 `lora.count`）和一个 `budget`，即最多训练多少个参数。请决定把 LoRA 装在**哪里**、秩取多少、alpha 和学习率取多少。
# 返回一个字典：`targets`（列表，七个名字中的若干个，不重复）、`r`（整数）、`alpha`（大于 0 的数）和 `learning_rate`（0 到 1 之间的浮点数）。
# 不能超出预算，也不要浪费：在你选的位置上，秩再加一就放不下了。如果你最想要的位置连秩 1 都放不下，就少选几个；只有任何一个投影都放不下时才抛出
# `ValueError`。检查之后的那个单元格会按你的方案，用这个模型 1% 的参数来训练。
#
# **评分标准**（供自己或老师使用）：你的方案用 1% 的参数达到全量微调得分的 90%（1 分）；你在相同预算下比较了两种位置的选择，说得出哪种更好、
# 好多少题（1 分）；你找到了让你的方案失灵的学习率，并描述了它的损失曲线（1 分）。
#
# <details><summary>小提示</summary>
#
# `budget // count_lora(config, targets, 1)` 就是放得下的最大的秩。把几种候选位置按你的喜好排好，依次去试。
# 评分标准要用的比较：训练你的方案的那个单元格会留下 `plan_right`，每个问题一个布尔值。试下一个方案之前，先给它另起一个名字存好；
# `metrics.paired_difference(one, other)` 比较两列答对与否，`sum(other) - sum(one)` 就是相差的题数。
# </details>
# %% id="lora.plan" tags=["exercise"] level="🦁" minutes=30 needs="lora.count"
def plan(config: dict, budget: int) -> dict:
    """Where to put LoRA, and how large, with at most `budget` trained parameters.

    Example (yours may differ): for a budget of ten times what all seven projections cost at rank 1, a plan may be
    {"targets": [all seven], "r": 10, "alpha": 8, "learning_rate": 0.01}.
    """
    ### BEGIN SOLUTION
    attention, mlp = ["q_proj", "k_proj", "v_proj", "o_proj"], ["gate_proj", "up_proj", "down_proj"]
    singles = sorted(
        ([name] for name in attention + mlp), key=lambda targets: count_lora(config, targets, 1)
    )
    for targets in (attention + mlp, mlp, attention, ["q_proj", "v_proj"], *reversed(singles)):
        r = budget // count_lora(config, targets, 1)
        if r >= 1:
            return {"targets": targets, "r": r, "alpha": 8, "learning_rate": 0.01}
    raise ValueError(f"A budget of {budget} parameters is too small for any projection at rank 1.")
    ### END SOLUTION


# %% id="lora.plan.check"
plan = check("lora.plan", plan)
# %% id="plan.use" tags=["nbval-ignore-output"] reason="exact scores may differ between processors"
chosen = plan(
    config, full_parameters // 100 - config["hidden_size"]
)  # leaves room for the row of <|im_end|>
mine = LoraConfig(
    r=chosen["r"],
    lora_alpha=chosen["alpha"],
    target_modules=chosen["targets"],
    trainable_token_indices=[end],
    task_type="CAUSAL_LM",
)
run = make_trainer(course.model("base"), rows, steps // 2, chosen["learning_rate"], mine)
with course.timed("train"):
    run.train()
plan_right = evaluate(run.model)
plan_score = share(plan_right)
show.loss(
    {"full fine-tuning": full.state.log_history, "your plan": run.state.log_history}, log=True
)
show.say(
    "{trained:.2%} of the parameters: held-out facts {plan:.1%}, full fine-tuning {full:.1%}",
    trained=count_lora(config, chosen["targets"], chosen["r"]) / full_parameters,
    plan=plan_score,
    full=share(full_right),
)
# %% id="plan.statement"
show.say(
    "the plan stays within 1% of the parameters: {holds}",
    holds=sum(p.numel() for p in run.model.parameters() if p.requires_grad)
    <= full_parameters // 100,
)
# %% [markdown] lang="en"
# ## 10. Report
# %% [markdown] lang="zh-CN" of="c1da687b"
# ## 10. 报告
# %% id="report"
course.report(
    "LoRA's share of full fine-tuning's score on held-out facts",
    before / max(share(full_right), 1e-9),
    kept,
    0.95,
    lora_score=round(share(lora_right), 3),
    full_score=round(share(full_right), 3),
    lora_questions=len(test),
    lora_trained_share=round(lora_parameters / full_parameters, 4),
    lora_one_percent_score=round(plan_score, 3),
    lora_state_bytes_saved=round(saved, 3),
    lora_invented_full=round(full_stored, 3),
    lora_invented_lora=round(lora_stored, 3),
    lora_stories_base=round(base_perplexity, 2),
    lora_stories_full=round(full_perplexity, 2),
    lora_stories_lora=round(lora_perplexity, 2),
    lora_stories_short=round(short_perplexity, 2),
)
# %% [markdown] lang="en"
# ## Summary
#
# - LoRA leaves W alone and learns a change BA of rank r beside it: r (in + out) numbers a layer, B zero at the start, scaled by alpha / r.
# - It saves gradients and optimiser states, and gives each task a small file. Activations stay.
# - Put it on all projections, key and value included, raise the learning rate (tenfold is the rule of thumb), choose the rank by how much there is
#   to learn, and train the embeddings of tokens that the base model never used.
#
# **Where next.** The lesson page [LoRA](../lora.md) has the choices with numbers, and what DoRA and rsLoRA change. The next notebook saves,
# merges and switches [adapters](../adapters.md). Papers: [LoRA](https://arxiv.org/abs/2106.09685),
# [LoRA Learns Less and Forgets Less](https://arxiv.org/abs/2405.09673), [intrinsic dimension](https://arxiv.org/abs/2012.13255).
# %% [markdown] lang="zh-CN" of="993b8e2c"
# ## 小结
#
# - LoRA 不动 W，只在旁边学一个秩为 r 的变化 BA：每层 r (in + out) 个数，B 从零开始，再乘以 alpha / r。
# - 省下的是梯度和优化器状态，而且每个任务只留下一个小文件。激活值几乎都还在。
# - 把它装在所有投影上（包括 key 和 value），提高学习率（经验是约十倍），秩按要学的东西有多少来选；基座模型从没用过的 token，要连它的嵌入一起训练。
#
# **下一步。** 讲义 [LoRA](../../lora.zh-CN.md) 里有各种选择及其数字，还有 DoRA 和 rsLoRA 改了什么。下一个 notebook 会保存、合并、切换[适配器](../../adapters.zh-CN.md)。
# 论文：[LoRA](https://arxiv.org/abs/2106.09685)、[LoRA Learns Less and Forgets Less](https://arxiv.org/abs/2405.09673)、[内在维度](https://arxiv.org/abs/2012.13255)。
