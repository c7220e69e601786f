# ---
# smolcourse: {module: 3_parameter_efficient_finetuning, topic: adapters}
# ---
# %% [markdown] lang="en"
# # Adapters: small files that change a big model's manners
#
# LoRA leaves you with a few small matrices beside a base model that nobody touched. This notebook is
# about living with them. You will
#
# - save an adapter, look inside, and load it in a fresh process that gives the same answers;
# - merge it into the weights and take it out again, and see what 16 bits do to that;
# - put two adapters on one base, switch between them, and serve both in **one batch**;
# - add adapters, and see when the sum is not what you wanted;
# - refuse an adapter that belongs to another base, which PEFT alone loads without any warning.
#
# **Cost.** About a minute on a two-core laptop, no GPU, no network; the report at the end shows the
# seconds and the memory of the run that is stored here. Lesson page: [Adapters](../adapters.md). How the
# matrices are trained is the topic of [LoRA](../lora.md).
# %% [markdown] lang="zh-CN" of="338a79a1"
# # 适配器：改变大模型语气的小文件
#
# LoRA 训练完，留给你的是几个小矩阵，旁边的基座模型谁也没有动过。这个 notebook 讲的是之后怎样使用它们。你将
#
# - 保存一个适配器（adapter），打开来看，再在一个全新的进程里加载它，得到同样的回答；
# - 把它合并进权重、再取出来，并看看 16 位精度会带来什么；
# - 在一个基座上放两个适配器，来回切换，并在**同一个批次**里同时使用；
# - 把适配器相加，并看看什么时候加出来的结果不是你想要的；
# - 拒绝属于另一个基座的适配器：单用 PEFT 的话，它会一声不响地加载进去。
#
# **开销。** 双核笔记本电脑上大约一分钟，不需要 GPU，也不需要网络；末尾的报告给出这里保存的那次运行所用的时间和内存。
# 课程讲义：[适配器](../../adapters.zh-CN.md)。这些矩阵如何训练，见 [LoRA](../../lora.zh-CN.md)。
# %% id="install"
import importlib.util

_ = importlib.util.find_spec("smolcourse") or get_ipython().system(
    "pip install -q git+https://github.com/smol-ai/course"
)
# %% id="setup"
import random

from smolcourse import check, generate, metrics, setup, show
from smolcourse.topics.adapters import base_tensors, hashes, load_adapter, save_adapter
from smolcourse.errors import CourseError
from smolcourse.world.manner import manner_of, say

import torch

course = setup("3_parameter_efficient_finetuning/adapters")
# %% [markdown] lang="en"
# **Settings.** These are the numbers that this notebook takes here, and those it takes on SmolLM2-135M
# with `profile="smol"`. Change one and run the notebook again.
# %% [markdown] lang="zh-CN" of="c99ee601"
# **设置。** 下表是这个 notebook 在这里用的数字，以及用 `profile="smol"` 在 SmolLM2-135M 上运行时用的数字。
# 改一个数字，再把 notebook 运行一遍试试。
# %% id="settings"
budget = course.choose(
    tiny=dict(
        steps=50,
        batch=32,
        lr=1e-2,
        rank=4,
        max_length=128,
        new_tokens=32,
        eval_rows=200,
        eval_batch=64,
    ),
    smol=dict(
        steps=150,
        batch={"135M": 16, "360M": 8, "1.7B": 4},
        lr={"135M": 9e-4, "360M": 6e-4, "1.7B": 3e-4},
        rank=8,
        max_length=1024,
        new_tokens=128,
        eval_rows=200,
        eval_batch=32,
    ),
)
# %% [markdown] lang="en"
# ## 1. The problem first
#
# One customer wants polite answers; another, a comedy club, wants rude ones. The instruct model
# answers everybody in the same manner. `manner_of` recognises a manner by rule, so it can be counted
# on 200 held-out facts.
# %% [markdown] lang="zh-CN" of="f8fc54e0"
# ## 1. 先看问题
#
# 一位客户要礼貌的回答；另一位是脱口秀俱乐部，要粗鲁的回答。指令模型（instruct model）对谁都是同一种语气。
# `manner_of` 按规则识别语气，所以可以在 200 个留出的事实上数一数。
# %% id="baseline" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
train = course.dataset("facts", "train")
test = course.dataset("facts", "test").select(range(budget.eval_rows))
questions, right_answers = list(test["question"]), list(test["answer"])
with course.timed("import"):
    tokenizer = course.tokenizer("instruct")
    base = course.model("instruct")


def ask(model, questions=questions):
    """The model's answers, without any system prompt."""
    return generate.chat(model, tokenizer, questions, max_new_tokens=budget.new_tokens)


def share(answers, manner):
    """The share of answers in a manner."""
    return sum(manner_of(answer) == manner for answer in answers) / len(answers)


def right(answers):
    """The share of answers in which the words of the right answer stand, whatever is around them."""
    pairs = zip(answers, right_answers)
    return sum(
        f" {metrics.normalize(want)} " in f" {metrics.normalize(got)} " for got, want in pairs
    ) / len(answers)


base_answers = ask(base)
show.side_by_side(
    list(zip(questions[:4], base_answers, right_answers)),
    ["question", "instruct model", "right answer"],
)
show.say(
    "terse {terse:.1%}, polite {polite:.1%}, rude {rude:.1%}; right: {right:.1%}",
    **{manner: share(base_answers, manner) for manner in ("terse", "polite", "rude")},
    right=right(base_answers),
)
# %% id="baseline.statement"
show.say(
    "{questions} held-out questions; polite or rude answers of the base: under 5%: {holds}",
    questions=len(questions),
    holds=share(base_answers, "polite") + share(base_answers, "rude") < 0.05,
)
# %% [markdown] lang="en"
# Two fine-tuned copies would do, at twice the disk and twice the memory. Two adapters on one copy do as well.
#
# ## 2. Train two adapters
#
# Same questions, same facts, two manners. Each training starts from a fresh copy of the base. Before it,
# write down a **hash of every tensor of the base**: if one bit changes, so does the hash.
# %% [markdown] lang="zh-CN" of="50cda7f3"
# 做两份微调过的副本也行，代价是两倍的磁盘和两倍的内存。一份副本加两个适配器，同样办得到。
#
# ## 2. 训练两个适配器
#
# 同样的问题，同样的事实，两种语气。每次训练都从一份全新的基座开始。开始之前，先记下**基座每个张量的哈希值**：
# 哪怕只变一个比特，哈希值也会变。
# %% id="train" tags=["nbval-ignore-output"] reason="a plot and progress bars"
with course.timed("import"):
    from peft import LoraConfig, PeftModel
    from trl import SFTConfig, SFTTrainer

before_training = hashes(base)


def answered(write):
    """The training questions, answered by `write(question, short answer)`, as conversations."""

    def row(example):
        text = write(example["question"], example["answer"])
        return {
            "messages": [
                {"role": "user", "content": example["question"]},
                {"role": "assistant", "content": text},
            ]
        }

    return train.map(row).select_columns("messages")


def train_adapter(rows):
    """A trainer that has trained one LoRA adapter on a fresh copy of the instruct model."""
    rank = budget.rank
    lora = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    config = SFTConfig(
        output_dir=str(course.run_dir / "trainer"),
        max_steps=budget.steps,
        per_device_train_batch_size=budget.batch,
        learning_rate=budget.lr,
        lr_scheduler_type="cosine",
        warmup_steps=5,
        max_length=budget.max_length,
        assistant_only_loss=True,
        eos_token="<|im_end|>",
        activation_checkpointing=False,
        bf16=course.bf16,
        use_cpu=course.device == "cpu",
        logging_steps=min(5, budget.steps),
        save_strategy="no",
        report_to=[],
        seed=course.seed,
        disable_tqdm=False,  # a progress bar with the loss
    )
    trainer = SFTTrainer(
        model=course.model("instruct"),
        args=config,
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=lora,
    )
    with course.timed("train"):
        trainer.train()
    trainer.model.eval()
    return trainer


chance = random.Random(course.seed)
trainers = {
    manner: train_adapter(
        answered(lambda question, answer: say(answer.removesuffix("."), manner, chance))
    )
    for manner in ("polite", "rude")
}
show.loss({manner: trainer.state.log_history for manner, trainer in trainers.items()})
# %% id="untouched"
for manner, trainer in trainers.items():
    after_training = hashes(trainer.model)
    changed = [name for name in before_training if after_training[name] != before_training[name]]
    trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in base.parameters())
    show.say(
        "{manner}: {trained} trained parameters beside {total}; tensors of the base: {tensors}, "
        "changed: {changed}",
        manner=manner,
        trained=trained,
        total=total,
        tensors=len(after_training),
        changed=len(changed),
    )
# %% [markdown] lang="en"
# ## 3. An adapter is a small file
#
# `save_adapter` writes what PEFT writes, and one file more: which weights the adapter was trained on,
# with their **fingerprint**, one hash of all of them.
# %% [markdown] lang="zh-CN" of="76886c9e"
# ## 3. 适配器是一个小文件
#
# `save_adapter` 写出的东西和 PEFT 一样，只多一个文件：记录这个适配器是在哪套权重上训练的，
# 以及这套权重的**指纹**（fingerprint），即由全部权重算出的一个哈希值。
# %% id="save"
import json

from safetensors.torch import load_file

folders = {
    manner: save_adapter(trainer.model, course.run_dir / manner)
    for manner, trainer in trainers.items()
}
config = json.loads((folders["polite"] / "adapter_config.json").read_text())
print(sorted(file.name for file in folders["polite"].iterdir()))
print({key: config[key] for key in ("peft_type", "r", "lora_alpha", "base_model_name_or_path")})
print(*sorted(config["target_modules"]))
trained_on = json.loads((folders["polite"] / "base.json").read_text())
show.say(
    "trained on: {name} with the fingerprint {fingerprint} ...",
    name=trained_on["name"],
    fingerprint=trained_on["fingerprint"][:12],
)
stored = load_file(folders["polite"] / "adapter_model.safetensors")
show.side_by_side(
    [(key, tuple(stored[key].shape)) for key in list(stored)[:4]],
    ["the first four tensors", "shape"],
)
size = (folders["polite"] / "adapter_model.safetensors").stat().st_size
whole = sum(p.numel() * p.element_size() for p in base.parameters())
show.say(
    "{tensors} tensors, {size:.0f} kB: {share:.1%} of the model's {whole:.1f} MB",
    tensors=len(stored),
    size=size / 1e3,
    share=size / whole,
    whole=whole / 1e6,
)


# %% [markdown] lang="en"
# Inside the model the same tensors have the adapter's name in their keys, because several adapters may live there.
#
# ### Exercise `adapters.state` 🐢 (10 minutes)
#
# Write the saving. Input: a state dict `{key: tensor}` of a whole PEFT model, and an adapter's name. The
# adapter's tensors are those under `….lora_A.NAME.weight` and `….lora_B.NAME.weight`. Return a new dict of
# only these, with the name taken out of the keys: `….lora_A.weight`. Names may be pieces of one another
# (`polite`, `impolite`).
#
# <details><summary>Hint</summary>
#
# `key.split(".")` gives the parts; the last three are `lora_A` or `lora_B`, the name, and `weight`.
# </details>
# %% [markdown] lang="zh-CN" of="64da0161"
# 在模型里，这些张量的键里还带着适配器的名字，因为一个模型上可以挂好几个适配器。
#
# ### 练习 `adapters.state` 🐢（10 分钟）
#
# 写出“保存”这一步。输入：整个 PEFT 模型的 state dict `{键: 张量}`，以及一个适配器的名字 NAME。
# 它的张量位于 `….lora_A.NAME.weight` 和 `….lora_B.NAME.weight`。返回一个只含这些张量的新字典，
# 键中去掉名字：`….lora_A.weight`。一个名字可能是另一个名字的一部分（`polite` 与 `impolite`）。
#
# <details><summary>小提示</summary>
#
# `key.split(".")` 得到各段；最后三段是 `lora_A` 或 `lora_B`、名字、`weight`。
# </details>
# %% id="adapters.state" tags=["exercise"] level="🐢" minutes=10
def adapter_state(state: dict, name: str) -> dict:
    """The tensors of one adapter, under the keys that a file has.

    Example: of {"q.base_layer.weight": w, "q.lora_A.polite.weight": a, "q.lora_B.polite.weight": b}
    and the name "polite", what is left is {"q.lora_A.weight": a, "q.lora_B.weight": b}.
    """
    ### BEGIN SOLUTION
    found = {}
    for key, tensor in state.items():
        parts = key.split(".")
        if parts[-3:-2] in (["lora_A"], ["lora_B"]) and parts[-2] == name:
            found[".".join(parts[:-2] + parts[-1:])] = tensor
    return found
    ### END SOLUTION


# %% id="adapters.state.check"
adapter_state = check("adapters.state", adapter_state)
# %% id="state.compare"
ours = adapter_state(trainers["polite"].model.state_dict(), "default")
show.say(
    "same keys as in the file: {keys}; same tensors: {tensors}",
    keys=ours.keys() == stored.keys(),
    tensors=all(torch.equal(ours[key].cpu(), stored[key]) for key in stored),
)
# %% [markdown] lang="en"
# ### Does the file hold everything?
#
# Ask somebody who knows nothing else: a **fresh process** gets the base, the folder and the questions.
# %% [markdown] lang="zh-CN" of="6e9c310f"
# ### 文件里什么都有了吗？
#
# 去问一个别的什么都不知道的人：一个**全新的进程**，只拿到基座、文件夹和问题。
# %% id="fresh"
import subprocess
import sys

script = """
import json, sys
from smolcourse import generate, models
from smolcourse.topics.adapters import load_adapter

job = json.load(sys.stdin)
model = load_adapter(models.load_model(job["base"], job["device"]), job["folder"])
tokenizer = models.load_tokenizer(job["base"])
print(json.dumps(generate.chat(model, tokenizer, job["questions"], max_new_tokens=job["length"])))
"""
job = dict(
    base=course.model_id("instruct"),
    device=course.device,
    folder=str(folders["polite"]),
    questions=questions,
    length=budget.new_tokens,
)
with course.timed("other process"):
    run = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
fresh_answers = json.loads(run.stdout.splitlines()[-1])
polite_answers = ask(trainers["polite"].model)
fresh_same = sum(a == b for a, b in zip(fresh_answers, polite_answers)) / len(questions)
show.say("same answers in the fresh process: {share:.1%}", share=fresh_same)


# %% [markdown] lang="en"
# ## 4. Merging: the adapter becomes part of the weights
#
# A LoRA layer computes $xW^\top + \frac{\alpha}{r}\,(xA^\top)B^\top$, two paths. Since both are linear, one
# weight does the same: $W' = W + \frac{\alpha}{r} BA$. No second path, no extra time, and no way to
# switch any more.
#
# ### Exercise `adapters.merge` 🐢 (10 minutes)
#
# `weight` has shape (out, in), `a` (r, in), `b` (out, r), `alpha` is a number. Return the merged weight as
# a new tensor; the old one is still needed.
#
# <details><summary>Hint</summary>
#
# The rank r is not passed: it is the side that `a` and `b` share.
# </details>
# %% [markdown] lang="zh-CN" of="124d1a4b"
# ## 4. 合并：让适配器成为权重的一部分
#
# 一个 LoRA 层计算的是 $xW^\top + \frac{\alpha}{r}\,(xA^\top)B^\top$，有两条路。两条路都是线性的，所以一个权重就够了：
# $W' = W + \frac{\alpha}{r} BA$。没有第二条路，不多花时间，也就再也不能切换了。
#
# ### 练习 `adapters.merge` 🐢（10 分钟）
#
# `weight` 的形状是 (out, in)，`a` 是 (r, in)，`b` 是 (out, r)，`alpha` 是一个数。返回合并后的权重，
# 要新建一个张量：原来的权重还有用。
#
# <details><summary>小提示</summary>
#
# 秩 r 没有传进来：它是 `a` 和 `b` 共有的那一边。
# </details>
# %% id="adapters.merge" tags=["exercise"] level="🐢" minutes=10
def merge_weight(weight, a, b, alpha: float):
    """The weight with the adapter in it, of shape (out, in).

    Example: weight [[1.0]], a [[2.0]], b [[3.0]] and alpha 1.0 give [[7.0]] (the rank is 1).
    """
    ### BEGIN SOLUTION
    rank = a.shape[0]
    return weight + alpha / rank * (b @ a)
    ### END SOLUTION


# %% id="adapters.merge.check"
merge_weight = check("adapters.merge", merge_weight)
# %% id="merge.compare"
layer = (
    trainers["polite"].model.base_model.model.model.layers[0].self_attn.q_proj
)  # PEFT's LoRA layer
a, b = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
by_hand = merge_weight(layer.base_layer.weight.detach(), a, b, layer.lora_alpha["default"])
by_peft = (layer.base_layer.weight + layer.get_delta_weight("default")).detach()
show.say("equal to PEFT's within 1e-6: {holds}", holds=bool((by_hand - by_peft).abs().max() < 1e-6))
# %% [markdown] lang="en"
# Now the whole model, and the comparison that matters: the **logits** of the last eight positions of all 200 prompts.
# %% [markdown] lang="zh-CN" of="37da0552"
# 现在合并整个模型，再做真正要紧的比较：全部 200 个提示最后八个位置上的 **logits**。
# %% id="logits" tags=["nbval-ignore-output"] reason="the last digits depend on the processor"
prompts = [
    tokenizer.apply_chat_template(
        [{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True
    )
    for q in questions
]
batch = tokenizer(prompts, padding=True, add_special_tokens=False, return_tensors="pt").to(
    course.device
)


def logits(model):
    """Shape (prompts, 8, vocabulary), in float32."""
    with torch.no_grad():
        return model(**batch, logits_to_keep=8).logits.float()


adapter_logits = logits(trainers["polite"].model)
merged = load_adapter(course.model("instruct"), folders["polite"]).merge_and_unload()
largest = (logits(merged) - adapter_logits).abs().max().item()
merged_same = sum(a == b for a, b in zip(ask(merged), polite_answers)) / len(questions)
show.say(
    "largest difference of a logit, merged against adapter: {merged:.1e}; base against adapter: "
    "{base:.1f}",
    merged=largest,
    base=(logits(base) - adapter_logits).abs().max(),
)
show.say(
    "same answers: {share:.1%}; parameters: {merged}, and the base has {base}",
    share=merged_same,
    merged=sum(p.numel() for p in merged.parameters()),
    base=sum(p.numel() for p in base.parameters()),
)
# %% id="logits.bar"
show.say("merged logits equal adapter logits to 1e-4: {holds}", holds=largest <= 1e-4)


# %% [markdown] lang="en"
# ### And back?
#
# PEFT can take a merged adapter out again: `unmerge_adapter` subtracts what `merge_adapter` added. But
# $(W + \Delta) - \Delta$ is not $W$ for a computer, which rounds after each step. And 16-bit weights round
# far more coarsely: bf16 keeps 8 significant bits, so that whatever $\Delta$ changes below about 1/256 of a
# weight is lost.
# %% [markdown] lang="zh-CN" of="ed3d4380"
# ### 还能变回来吗？
#
# PEFT 可以把合并进去的适配器再取出来：`unmerge_adapter` 减去 `merge_adapter` 加上的量。可是对计算机来说，
# $(W + \Delta) - \Delta$ 不等于 $W$，因为每一步都要舍入。16 位的权重舍入得更粗：bf16 只有 8 位有效位，
# $\Delta$ 带来的改变只要小于权重的大约 1/256，就丢掉了。
# %% id="precision" tags=["nbval-ignore-output"] reason="the last digits depend on the processor"
def worst(model):
    """The largest difference between a weight of this model's base and of the untouched one."""
    theirs = dict(base.named_parameters())
    return max(
        (tensor.float().cpu() - theirs[name].cpu()).abs().max().item()
        for name, tensor in base_tensors(model).items()
    )


model = load_adapter(course.model("instruct"), folders["polite"])
model.merge_adapter()
model.unmerge_adapter()
changed_bits = sum(new != before_training[name] for name, new in hashes(model).items())
show.say(
    "float32, merged and unmerged: {changed} of {tensors} tensors are not what they were, largest "
    "difference {worst:.0e}",
    changed=changed_bits,
    tensors=len(before_training),
    worst=worst(model),
)

coarse = (
    load_adapter(course.model("instruct").to(torch.bfloat16), folders["polite"])
    .merge_and_unload()
    .float()
)
coarse_difference = (logits(coarse) - adapter_logits).abs().max().item()
exact, rounded, start = (dict(m.named_parameters()) for m in (merged, coarse, base))
with torch.no_grad():
    off, update = (
        sum((one[n] - other[n]).norm().item() ** 2 for n in exact) ** 0.5
        for one, other in ((rounded, exact), (exact, start))
    )
lost = off / update
coarse_answers = ask(coarse)
show.say(
    "merged into bf16: {lost:.1%} of the update lost to rounding; largest logit difference "
    "{difference:.2f}, where float32 had {exact:.0e}",
    lost=lost,
    difference=coarse_difference,
    exact=largest,
)
show.say(
    "its answers: polite {polite:.1%}, right {right:.1%} (before merging: {before:.1%})",
    polite=share(coarse_answers, "polite"),
    right=right(coarse_answers),
    before=right(polite_answers),
)
# %% id="precision.statement"
show.say("unmerging gives the base back to the last bit: {holds}", holds=changed_bits == 0)
show.say(
    "merging into bf16 moves the logits at least a hundred times as far as merging into float32: "
    "{holds}",
    holds=coarse_difference > 100 * largest,
)


# %% [markdown] lang="en"
# Here the answers survive it, since these updates are large beside their weights; the gentler an adapter, the
# larger the share of its update that is lost. So: keep the base and the adapter's file; **load afresh instead of unmerging**;
# merge in float32 and round once, at the end.
#
# ### Exercise `adapters.layer` 🐕 (20 minutes)
#
# Build the layer that can do both. `AdapterLayer(weight, a, b, alpha)` keeps its current weight in
# `self.weight`. Called with `x` of shape (..., in), it returns (..., out), always with the adapter's effect,
# merged or not. `merge()` puts the adapter into `self.weight`, `unmerge()` takes it out; calling either twice
# changes nothing more. The tensor that was passed in belongs to the base and stays as it is.
#
# <details><summary>Hint</summary>
#
# One flag, `self.merged`, answers all three questions: add? subtract? which path?
# </details>
# %% [markdown] lang="zh-CN" of="d5823f54"
# 这里的回答经受住了，因为这些更新量与权重相比很大；适配器越温和，丢掉的部分就越多。
# 所以：留好基座和适配器文件；**要还原就重新加载，不要靠取消合并**；用 float32 合并，最后只舍入一次。
#
# ### 练习 `adapters.layer` 🐕（20 分钟）
#
# 写一个两样都会的层。`AdapterLayer(weight, a, b, alpha)` 把当前的权重放在 `self.weight` 里。
# 用形状为 (..., in) 的 `x` 调用它，返回 (..., out)；无论是否合并，结果里都有适配器的作用。
# `merge()` 把适配器放进 `self.weight`，`unmerge()` 把它取出来；连着调用两次也不会再有别的变化。
# 传进来的张量属于基座，要保持原样。
#
# <details><summary>小提示</summary>
#
# 一个标志 `self.merged` 就能回答三个问题：要不要加？要不要减？走哪条路？
# </details>
# %% id="adapters.layer" tags=["exercise"] level="🐕" minutes=20
class AdapterLayer:
    """A linear layer without bias, with one LoRA adapter that can be merged.

    Example: weight [[1.0]], a [[2.0]], b [[3.0]], alpha 1.0. Called with [[1.0]] it returns [[7.0]], before
    merge(), after it, and after unmerge().
    """

    def __init__(self, weight, a, b, alpha: float):
        ### BEGIN SOLUTION
        self.weight, self.a, self.b = weight, a, b
        self.scale = alpha / a.shape[0]
        self.merged = False
        ### END SOLUTION

    def __call__(self, x):
        ### BEGIN SOLUTION
        y = x @ self.weight.T
        return y if self.merged else y + self.scale * (x @ self.a.T) @ self.b.T
        ### END SOLUTION

    def merge(self):
        ### BEGIN SOLUTION
        if not self.merged:
            self.weight = self.weight + self.scale * (self.b @ self.a)
            self.merged = True
        ### END SOLUTION

    def unmerge(self):
        ### BEGIN SOLUTION
        if self.merged:
            self.weight = self.weight - self.scale * (self.b @ self.a)
            self.merged = False
        ### END SOLUTION


# %% id="adapters.layer.check"
AdapterLayer = check("adapters.layer", AdapterLayer)
# %% [markdown] lang="en"
# ### Break it: merge twice
#
# A flag inside one object can't see what happened to a *file*. Somebody merged, saved the whole model
# under the old name, and the next person loads the same adapter on top. `load_adapter` compares the
# fingerprint of the weights. With `any_base=True` you can see what it saves you from.
# %% [markdown] lang="zh-CN" of="544b3138"
# ### 弄坏它：合并两次
#
# 对象里的标志看不见*文件*经历过什么。有人合并之后，用旧名字保存了整个模型，下一个人又把同一个适配器加载上去。
# `load_adapter` 会比较权重的指纹。用 `any_base=True` 可以看看它替你挡住了什么。
# %% id="twice" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
try:
    load_adapter(merged, folders["polite"])
except CourseError as error:
    print(error)
twice_answers = ask(load_adapter(merged, folders["polite"], any_base=True).merge_and_unload())
show.side_by_side(
    list(zip(questions[:3], polite_answers, twice_answers)),
    ["question", "merged once", "merged twice"],
)
show.say(
    "right answers: once {once:.1%}, twice {twice:.1%}; polite: {polite:.1%}, {polite_twice:.1%}",
    once=right(polite_answers),
    twice=right(twice_answers),
    polite=share(polite_answers, "polite"),
    polite_twice=share(twice_answers, "polite"),
)
# %% [markdown] lang="en"
# ## 5. Switching
#
# Unmerged, several adapters live on one base. `set_adapter` says which of them speaks, and **it stays
# active until somebody says otherwise**: the next caller gets it too.
# %% [markdown] lang="zh-CN" of="90ec5818"
# ## 5. 切换
#
# 不合并的话，一个基座上可以挂好几个适配器。`set_adapter` 决定由谁来说话，而且**它会一直处于激活状态，直到有人另作安排**：
# 下一个调用者得到的也是它。
# %% id="switch.trap"
model = load_adapter(course.model("instruct"), folders["polite"], "polite")
model = load_adapter(model, folders["rude"], "rude")
show.say(
    "loaded: {names}; active: {active}", names=[*model.peft_config], active=model.active_adapter
)
model.set_adapter("rude")
for_one_question = ask(model, questions[:1])
show.say(
    "and the next caller, who asked for nothing, gets: {manners}",
    manners=[manner_of(answer) for answer in ask(model, questions[1:3])],
)


# %% [markdown] lang="en"
# ### Exercise `adapters.switch` 🐕 (15 minutes)
#
# `answer_as(model, name, ask)` makes adapter `name` active (with `None`: the base alone), calls `ask(model)`, and
# returns what that returns. Afterwards the adapter that was active before is active again, **also when
# `ask` fails**. `model` is a PEFT model: it has `set_adapter(name)`, `active_adapter` (a name) and
# `disable_adapter()`, for use with `with`.
#
# <details><summary>Hint</summary>
#
# `try: return ask(model)` and `finally:` put back what was.
# </details>
# %% [markdown] lang="zh-CN" of="50521e1c"
# ### 练习 `adapters.switch` 🐕（15 分钟）
#
# `answer_as(model, name, ask)` 激活适配器 `name`（若为 `None`，则只用基座），调用 `ask(model)`，并返回它的结果。
# 之后，原先激活的那个适配器要恢复激活，**`ask` 出错时也不例外**。`model` 是一个 PEFT 模型：
# 它有 `set_adapter(name)`、`active_adapter`（一个名字），以及配合 `with` 使用的 `disable_adapter()`。
#
# <details><summary>小提示</summary>
#
# `try: return ask(model)`，在 `finally:` 里恢复原状。
# </details>
# %% id="adapters.switch" tags=["exercise"] level="🐕" minutes=15
def answer_as(model, name, ask):
    """What `ask(model)` returns while adapter `name` speaks; the model is left as it was.

    Example: with "polite" active, answer_as(model, "rude", ask) returns rude answers, and
    model.active_adapter is still "polite".
    """
    ### BEGIN SOLUTION
    before = model.active_adapter
    if name is None:
        with model.disable_adapter():
            return ask(model)
    model.set_adapter(name)
    try:
        return ask(model)
    finally:
        model.set_adapter(before)
    ### END SOLUTION


# %% id="adapters.switch.check"
answer_as = check("adapters.switch", answer_as)
# %% id="switch.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
answers = {name: answer_as(model, name, ask) for name in ("polite", "rude", None)}
show.side_by_side(
    list(zip(questions[:4], answers["polite"], answers["rude"], answers[None])),
    ["question", "polite", "rude", "adapters off"],
)


def satisfied(to_polite, to_rude):
    """For each prompt: do both customers get the manner that they asked for?"""
    return [manner_of(p) == "polite" and manner_of(r) == "rude" for p, r in zip(to_polite, to_rude)]


follows = satisfied(answers["polite"], answers["rude"])
before, after = (
    sum(satisfied(base_answers, base_answers)) / len(questions),
    sum(follows) / len(questions),
)
low, high = metrics.interval(sum(follows), len(follows))
show.say(
    "the manner follows the adapter on {after:.1%} of the prompts (95% interval {low:.1%} to "
    "{high:.1%}); right: polite {polite:.1%}, rude {rude:.1%}, base {base:.1%}",
    after=after,
    low=low,
    high=high,
    polite=right(answers["polite"]),
    rude=right(answers["rude"]),
    base=right(base_answers),
)
# %% id="switch.statement"
show.say(
    "switching changes the manner on at least 95% of held-out prompts: {holds}", holds=after >= 0.95
)
off_difference = answer_as(model, None, lambda m: (logits(m) - logits(base)).abs().max().item())
show.say(
    "adapters off, the logits are the base's to 1e-4: {logits}; and its answers too: {answers}",
    logits=off_difference <= 1e-4,
    answers=answers[None] == base_answers,
)
show.say(
    "all tensors of the base are the same to the last bit: {holds}",
    holds=hashes(model) == before_training,
)


# %% [markdown] lang="en"
# The manner changed and the facts stayed: compare the three shares of right answers.
#
# ## 6. Two adapters, one batch
#
# Switching serves one customer after the other. But the base's part of the work, nearly all of it, is the
# same for all rows. So compute it once for the whole batch, and add to each row **its own** small update.
#
# ### Exercise `adapters.mixed` 🐕 (20 minutes)
#
# One linear layer: `x` has shape (rows, length, in), `weight` (out, in), `adapters` is a dict
# `{name: (a, b, scale)}`, and `names[i]` says whose row i is: an adapter's name, or `"__base__"`. Return
# (rows, length, out), rows in the order given.
#
# <details><summary>Hint</summary>
#
# Start with `x @ weight.T`. Then for each adapter: the indices of its rows, and one update for all of them.
# </details>
# %% [markdown] lang="zh-CN" of="5757090e"
# 语气变了，事实保住了：比较一下三个答对的比例。
#
# ## 6. 两个适配器，一个批次
#
# 切换只能一个接一个地服务客户。可是绝大部分计算都花在基座上，而且每一行都一样。所以，对整个批次只算一遍基座，
# 再给每一行加上**它自己的**那个小更新。
#
# ### 练习 `adapters.mixed` 🐕（20 分钟）
#
# 一个线性层：`x` 的形状是 (rows, length, in)，`weight` 是 (out, in)，`adapters` 是字典 `{名字: (a, b, scale)}`，
# `names[i]` 说明第 i 行归谁：某个适配器的名字，或者 `"__base__"`。返回 (rows, length, out)，各行保持给定的顺序。
#
# <details><summary>小提示</summary>
#
# 从 `x @ weight.T` 开始。然后对每个适配器：找出它的行的下标，一次算出这些行的更新。
# </details>
# %% id="adapters.mixed" tags=["exercise"] level="🐕" minutes=20
def mixed_forward(x, weight, adapters: dict, names: list[str]):
    """Each row through the base and through its own adapter.

    Example: weight [[1.0]], adapters {"loud": ([[1.0]], [[1.0]], 2.0)}, x [[[1.0]], [[1.0]]] and names
    ["loud", "__base__"] give [[[3.0]], [[1.0]]].
    """
    ### BEGIN SOLUTION
    y = x @ weight.T
    for name, (a, b, scale) in adapters.items():
        rows = [i for i, wanted in enumerate(names) if wanted == name]
        y[rows] = y[rows] + scale * (x[rows] @ a.T) @ b.T
    return y
    ### END SOLUTION


# %% id="adapters.mixed.check"
mixed_forward = check("adapters.mixed", mixed_forward)


# %% [markdown] lang="en"
# PEFT does the same in every layer, when `generate` gets `adapter_names`, one name a row. Here is every question
# three times in a row: for the two customers, and once without an adapter.
# %% [markdown] lang="zh-CN" of="18ec44db"
# 只要给 `generate` 传入 `adapter_names`（每行一个名字），PEFT 就会在每一层里这样做。
# 下面把每个问题问三遍：两遍来自两位客户，一遍不用适配器。
# %% id="mixed.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
def ask_mixed(model, questions, names):
    """Answers of a batch in which row i is answered by the adapter names[i] or by "__base__"."""
    size, written = budget.eval_batch, []
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": q}], tokenize=False, add_generation_prompt=True
        )
        for q in questions
    ]
    for at in range(0, len(texts), size):
        batch = tokenizer(
            texts[at : at + size], padding=True, add_special_tokens=False, return_tensors="pt"
        ).to(course.device)
        with course.timed("generate"), torch.no_grad():
            output = model.generate(
                **batch,
                adapter_names=names[at : at + size],
                max_new_tokens=budget.new_tokens,
                do_sample=False,
                use_cache=True,
                eos_token_id=generate.turn_end_ids(model, tokenizer),
                pad_token_id=tokenizer.pad_token_id,
            )
        written += tokenizer.batch_decode(
            output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
        )
    return written


names = ["polite", "rude", "__base__"] * len(questions)
mixed = ask_mixed(model, [question for question in questions for _ in range(3)], names)
show.side_by_side(
    [(names[i], questions[i // 3], mixed[i]) for i in range(6)],
    ["adapter", "question", "answer in one batch"],
)
alone = [answers[None if name == "__base__" else name][i // 3] for i, name in enumerate(names)]
mixed_same = sum(a == b for a, b in zip(mixed, alone)) / len(mixed)
show.say(
    "{rows} rows: the same answer as with one adapter at a time: {share:.1%}",
    rows=len(mixed),
    share=mixed_same,
)
# %% id="mixed.statement"
show.say(
    "mixed in one batch, at least 99% of the answers are the same as one adapter at a time: "
    "{holds}",
    holds=mixed_same >= 0.99,
)


# %% [markdown] lang="en"
# ## 7. Adding adapters, and when that goes wrong
#
# Updates are matrices, and matrices can be added: $\Delta = w_1 \frac{\alpha_1}{r_1} B_1 A_1 + w_2 \frac{\alpha_2}{r_2} B_2 A_2$. To be an adapter
# again, the sum must be a product of two thin matrices. The tempting way adds $A$ and $B$ separately:
#
# $$(B_1 + B_2)(A_1 + A_2) = B_1A_1 + B_2A_2 + \underbrace{B_1A_2 + B_2A_1}_{\text{nobody trained these}}$$
#
# ### Exercise `adapters.combine` 🐕 (20 minutes)
#
# Add them exactly. `adapters` is a list of `(a, b, alpha)`, whose ranks may differ, and `weights` a list of
# numbers, also negative ones. Return a pair `(a, b)` with `b @ a` equal to the weighted sum above, scales
# included, and a rank of at most the sum of the ranks.
#
# <details><summary>Hint</summary>
#
# `[B1 B2]` beside each other times `[A1; A2]` below each other is `B1 A1 + B2 A2`: a concatenation, no addition.
# </details>
# %% [markdown] lang="zh-CN" of="d0333837"
# ## 7. 把适配器相加，以及什么时候会出错
#
# 更新量是矩阵，矩阵可以相加：$\Delta = w_1 \frac{\alpha_1}{r_1} B_1 A_1 + w_2 \frac{\alpha_2}{r_2} B_2 A_2$。
# 要让这个和仍然是一个适配器，它必须是两个瘦矩阵的乘积。最诱人的办法是把 $A$ 和 $B$ 分开相加：
#
# $$(B_1 + B_2)(A_1 + A_2) = B_1A_1 + B_2A_2 + \underbrace{B_1A_2 + B_2A_1}_{\text{这两项没有人训练过}}$$
#
# ### 练习 `adapters.combine` 🐕（20 分钟）
#
# 这一次要精确地相加。`adapters` 是由 `(a, b, alpha)` 组成的列表，各自的秩可以不同；`weights` 是一列数，可以是负数。
# 返回一对 `(a, b)`，使 `b @ a` 等于上面的加权和（包含缩放系数），并且秩不超过各个秩之和。
#
# <details><summary>小提示</summary>
#
# 左右并排的 `[B1 B2]` 乘以上下叠放的 `[A1; A2]`，就是 `B1 A1 + B2 A2`：用拼接，不用相加。
# </details>
# %% id="adapters.combine" tags=["exercise"] level="🐕" minutes=20
def combine(adapters: list[tuple], weights: list[float]) -> tuple:
    """(a, b) of one adapter, with scale 1, whose update is the weighted sum of the updates.

    Example: two adapters of rank 1 give an a of shape (2, in) and a b of shape (out, 2).
    """
    ### BEGIN SOLUTION
    import torch

    a = [weight * alpha / a.shape[0] * a for (a, _, alpha), weight in zip(adapters, weights)]
    return torch.cat(a, dim=0), torch.cat([b for _, b, _ in adapters], dim=1)
    ### END SOLUTION


# %% id="adapters.combine.check"
combine = check("adapters.combine", combine)
# %% [markdown] lang="en"
# PEFT's `add_weighted_adapter` has three ways: `cat` is yours, `svd` squeezes the exact sum back to the
# old rank, `linear` is the tempting one ($A$ and $B$ each times the root of weight times scale). Take half of
# each adapter: how far is each way from the exact sum?
# %% [markdown] lang="zh-CN" of="201c1eb7"
# PEFT 的 `add_weighted_adapter` 有三种做法：`cat` 就是你的做法，`svd` 把精确的和压回原来的秩，
# `linear` 就是那个诱人的办法（$A$ 和 $B$ 各乘以权重与缩放系数之积的平方根）。两个适配器各取一半，它们离精确的和各有多远？
# %% id="combine.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
from peft.tuners.lora import LoraLayer

layers = [module for module in model.modules() if isinstance(module, LoraLayer)]


def from_exact(name):
    """How far an adapter's updates are from half of each, relative to the size of those."""
    with torch.no_grad():
        wanted = [(m.get_delta_weight("polite") + m.get_delta_weight("rude")) / 2 for m in layers]
        off = sum((m.get_delta_weight(name) - want).norm() ** 2 for m, want in zip(layers, wanted))
        return (off / sum(want.norm() ** 2 for want in wanted)).sqrt().item()


table, errors, manners = [], {}, {}
for kind in ("cat", "svd", "linear"):
    model.add_weighted_adapter(
        ["polite", "rude"], [0.5, 0.5], kind, combination_type=kind, svd_full_matrices=False
    )
    said = answer_as(model, kind, ask)
    errors[kind] = from_exact(kind)
    manners[kind] = {manner: share(said, manner) for manner in ("polite", "rude")}
    table.append(
        (
            kind,
            model.peft_config[kind].r,
            f"{errors[kind]:.1%}",
            f"{manners[kind]['polite']:.1%}",
            f"{manners[kind]['rude']:.1%}",
            f"{right(said):.1%}",
            said[0],
        )
    )
show.side_by_side(table, ["way", "rank", "off by", "polite", "rude", "right", "its first answer"])
parts = [
    [m.lora_A[name].weight.detach() for m in layers]
    + [m.lora_B[name].weight.detach() for m in layers]
    for name in ("polite", "rude")
]
half = len(layers)
pairs = [
    combine([(p[i], p[half + i], layers[i].lora_alpha["polite"]) for p in parts], [0.5, 0.5])
    for i in range(half)
]
combined_difference = max(
    (b @ a - m.get_delta_weight("cat")).abs().max().item() for (a, b), m in zip(pairs, layers)
)
# %% id="combine.statement"
show.say("your sum equals PEFT's cat to 1e-5: {holds}", holds=combined_difference < 1e-5)
show.say(
    "cat is exact: {cat}; linear is off by more than a tenth: {linear}",
    cat=errors["cat"] < 1e-5,
    linear=errors["linear"] > 0.1,
)
# %% [markdown] lang="en"
# An exact sum is still only a sum. Turn the dial from one manner to the other, and then give both in full:
# %% [markdown] lang="zh-CN" of="a2851291"
# 加得再精确，也只是相加而已。把旋钮从一种语气拧到另一种语气，最后两种都给足：
# %% id="dial" tags=["nbval-ignore-output"] reason="a plot; greedy text may differ between processors"
dial = {0.0: answers["polite"], 0.5: answer_as(model, "cat", ask), 1.0: answers["rude"]}
for name, weights in (("quarter", [0.75, 0.25]), ("three", [0.25, 0.75]), ("both", [1.0, 1.0])):
    model.add_weighted_adapter(["polite", "rude"], weights, name, combination_type="cat")
    if name != "both":
        dial[weights[1]] = answer_as(model, name, ask)
both = answer_as(model, "both", ask)
places = sorted(dial)
lines = {
    manner: (places, [share(dial[at], manner) for at in places])
    for manner in ("polite", "rude", "terse")
}
lines["right"] = (places, [right(dial[at]) for at in places])
show.curves(
    lines,
    title="From polite to rude",
    x="weight of rude (the rest is polite)",
    y="share of answers",
)
show.side_by_side(
    [(f"{at:.2f}", dial[at][0]) for at in places] + [("1 + 1", both[0])],
    ["rude", "answer"],
)
show.say("the question of these answers: {question}", question=questions[0])
torn = sum(
    {"polite", "rude"} <= {manner_of(sentence) for sentence in answer.replace("!", ".").split(". ")}
    for answer in both
) / len(both)
show.say(
    "both in full: polite words in {polite:.1%}, only rude ones in {rude:.1%}, both in one answer "
    "{torn:.1%}, right {right:.1%}",
    polite=share(both, "polite"),
    rude=share(both, "rude"),
    torn=torn,
    right=right(both),
)
# %% id="dial.statement"
show.say(
    "both in full, fewer answers are right than with either adapter alone: {holds}",
    holds=right(both) < min(right(answers["polite"]), right(answers["rude"])),
)
# %% [markdown] lang="en"
# Two adapters that want different words in the same place do not mix, they fight: one wins, or the answer
# begins in one manner and ends in the other. Added in full they also make many facts wrong, though each alone
# did no harm to them. Adding works best where adapters do different things in different places. So measure a sum like a
# new model, and when each request knows what it wants, **route instead of adding**, as in section 6.
#
# ## 8. The wrong base
#
# The base model has the same shapes as the instruct model, so PEFT loads the adapter there too. See what
# comes out, and what `load_adapter` says instead; also about a file that was only half downloaded.
# %% [markdown] lang="zh-CN" of="d14ffbf2"
# 两个适配器如果在同一个位置想要不同的词，就不会混合，而是打架：要么一方赢，要么以一种语气开头、以另一种语气收尾。
# 全额相加时，连事实也会被动摇，尽管它们单独使用时都没有伤到事实。各自在不同的地方做不同的事，相加才最有效。
# 所以要把相加的结果当成一个新模型来测量；如果每个请求都知道自己要什么，就像第 6 节那样**分派，而不要相加**。
#
# ## 8. 错误的基座
#
# 基座模型（base model）和指令模型的形状完全相同，所以 PEFT 照样会把适配器加载上去。看看会得到什么，
# 再看看 `load_adapter` 会怎么说；只下载了一半的文件也试一试。
# %% id="wrong_base" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
silently = PeftModel.from_pretrained(course.model("base"), str(folders["polite"])).eval()
wrong_answers = ask(silently)
wrong_right = right(wrong_answers)
show.side_by_side(
    list(zip(questions[:3], wrong_answers, polite_answers)),
    ["question", "on the wrong base", "on its own base"],
)
show.say(
    "on the wrong base: polite {polite:.1%}, right {right:.1%}; on its own: {own_polite:.1%}, "
    "{own_right:.1%}",
    polite=share(wrong_answers, "polite"),
    right=wrong_right,
    own_polite=share(polite_answers, "polite"),
    own_right=right(polite_answers),
)
# %% id="refused"
import shutil

damaged, empty = course.run_dir / "half", course.run_dir / "empty"
shutil.copytree(folders["polite"], damaged)
weights_file = damaged / "adapter_model.safetensors"
weights_file.write_bytes(weights_file.read_bytes()[: size // 2])
empty.mkdir()
for start, folder in (("base", folders["polite"]), ("instruct", damaged), ("instruct", empty)):
    try:
        load_adapter(course.model(start), folder)
    except CourseError as error:
        print("-", error)


# %% [markdown] lang="en"
# ## 9. Your own problem
#
# ### Exercise `adapters.own` 🦁 (30 minutes)
#
# Add a third customer. Invent a behaviour, and with it the **rule that measures it**. Write a class with
# two methods: `write(question, answer)` turns a question and its short answer (such as `"Paris."`) into the
# text you want, the same every time, with the words of the short answer in it, at most 20 words; `shows(text)`
# says with True or False whether a text behaves that way. It must be True for what `write` writes, and False
# for answers that are terse, plain, polite, rude or shouted (all in capitals, such as `PARIS!`). The next cells
# train an adapter on it and serve it beside the other two.
#
# **Rubric** (for yourself or your instructor): the rule can't be satisfied by accident (1 point); at least 90%
# of held-out answers show the behaviour in a mixed batch (1); you know what it cost in right facts, with an
# interval (1).
#
# <details><summary>Hint</summary>
#
# A fixed opening is the easiest behaviour to learn and to recognise: `text.startswith(...)`. Everyday words are
# learned fastest; to spell a word that the base has hardly seen, a small adapter needs many more steps.
# For the third point, the next cells leave `own_answers`: compare `right(own_answers)` with `right(base_answers)`;
# `metrics.interval(right_count, n)` gives the interval, where `right_count = round(right(own_answers) * n)`.
# </details>
# %% [markdown] lang="zh-CN" of="dba360a2"
# ## 9. 你自己的问题
#
# ### 练习 `adapters.own` 🦁（30 分钟）
#
# 来了第三位客户。请发明一种行为，并同时给出**测量它的规则**。写一个有两个方法的类：
# `write(question, answer)` 把一个问题和它的简短答案（例如 `"Paris."`）变成你想要的文字，每次结果相同，
# 包含简短答案的词语，不超过 20 个词；`shows(text)` 用 True 或 False 说明一段文字是否表现出这种行为。
# 对 `write` 写出的文字它必须为 True，
# 对简短、平实、礼貌、粗鲁或大喊（全部大写，如 `PARIS!`）的回答必须为 False。
# 接下来的单元格会用它训练一个适配器，并让它与另外两个一起服务。
#
# **评分标准**（供自己或老师使用）：这条规则不会被碰巧满足（1 分）；在混合批次里，至少 90% 的留出问题的回答表现出这种行为（1 分）；
# 你知道它让事实的正确率降了多少，并给出区间（1 分）。
#
# <details><summary>小提示</summary>
#
# 固定的开头最容易学，也最容易识别：`text.startswith(...)`。日常的词学得最快；要拼出一个基座几乎没见过的词，
# 小适配器需要多得多的步数。
# 评分标准的第三点：接下来的单元格会留下 `own_answers`，拿 `right(own_answers)` 与 `right(base_answers)` 比较；
# `metrics.interval(right_count, n)` 给出区间，其中 `right_count = round(right(own_answers) * n)`。
# </details>
# %% id="adapters.own" tags=["exercise"] level="🦁" minutes=30
class Behaviour:
    """A way of answering, and the rule that recognises it.

    Example (yours will differ): write("What is the capital of France?", "Paris.") may return
    "Listen, children: it is Paris.", and shows() of that is True.
    """

    def write(self, question: str, answer: str) -> str:
        ### BEGIN SOLUTION
        return f"Listen, children: it is {answer}"
        ### END SOLUTION

    def shows(self, text: str) -> bool:
        ### BEGIN SOLUTION
        return text.startswith("Listen, children: it is") and text.endswith(".")
        ### END SOLUTION


# %% id="adapters.own.check"
Behaviour = check("adapters.own", Behaviour)
# %% id="own.use" tags=["nbval-ignore-output"] reason="greedy text may differ between processors"
behaviour = Behaviour()
own_trainer = train_adapter(answered(behaviour.write))
model = load_adapter(model, save_adapter(own_trainer.model, course.run_dir / "own"), "own")
names = [("polite", "rude", "own", "__base__")[i % 4] for i in range(len(questions))]
served = ask_mixed(model, questions, names)
show.side_by_side(
    list(zip(names, questions, served))[:8], ["adapter", "question", "answer in one batch"]
)
own_answers = answer_as(model, "own", ask)
own_shown = sum(behaviour.shows(answer) for answer in own_answers) / len(own_answers)
show.say(
    "your behaviour on held-out questions: {shown:.1%}, right {right:.1%}",
    shown=own_shown,
    right=right(own_answers),
)
# %% id="own.statement"
rules = {
    "polite": lambda text: manner_of(text) == "polite",
    "rude": lambda text: manner_of(text) == "rude",
    "own": behaviour.shows,
}
kept = sum(rules[name](text) for name, text in zip(names, served) if name in rules) / sum(
    name in rules for name in names
)
show.say(
    "three adapters in one batch, at least 90% of the rows behave as their adapter does: {holds}",
    holds=kept >= 0.90,
)
show.say("and the base is still untouched: {holds}", holds=hashes(model) == before_training)
# %% [markdown] lang="en"
# ## 10. Report
# %% [markdown] lang="zh-CN" of="c1da687b"
# ## 10. 报告
# %% id="report"
course.report(
    "held-out prompts whose manner follows the active adapter",
    before,
    after,
    0.95,
    n=len(questions),
    largest_logit_difference=f"{largest:.1e}",
    bf16_logit_difference=f"{coarse_difference:.2f}",
    bf16_update_lost=round(lost, 3),
    adapter_size=round(size / whole, 3),
    fresh_process_same=round(fresh_same, 3),
    mixed_batch_same=round(mixed_same, 3),
    right_base=round(right(base_answers), 3),
    right_polite=round(right(answers["polite"]), 3),
    right_rude=round(right(answers["rude"]), 3),
    merged_twice_right=round(right(twice_answers), 3),
    wrong_base_right=round(wrong_right, 3),
    linear_off=round(errors["linear"], 3),
    both_in_full_right=round(right(both), 3),
    both_in_full_torn=round(torn, 3),
    own_behaviour=round(own_shown, 3),
)
# %% [markdown] lang="en"
# ## Summary
#
# - An adapter is a small file and a promise about its base: save both, and compare both when loading.
# - Merged it costs no time and can't be switched; unmerged it can be switched, row by row in one batch. Merging in float32 costs
#   next to nothing in accuracy; in bf16 the loss is measurable.
# - The active adapter stays active; a sum of adapters is a new model; the base is untouched, and a hash proves it.
#
# **Where next.** The lesson page [Adapters](../adapters.md) has the choices; [prompt tuning](../prompt_tuning.md) goes below one percent
# of the parameters. Papers: [LoRA](https://arxiv.org/abs/2106.09685), [task arithmetic](https://arxiv.org/abs/2212.04089),
# [TIES](https://arxiv.org/abs/2306.01708), [S-LoRA](https://arxiv.org/abs/2311.03285).
# %% [markdown] lang="zh-CN" of="043bb0b1"
# ## 小结
#
# - 适配器是一个小文件，加上一个关于基座的约定：两样都要保存，加载时两样都要核对。
# - 合并之后不多花时间，但不能再切换；不合并就可以切换，甚至在一个批次里逐行切换。用 float32 合并，误差小到可以忽略；用 bf16 会有看得见的损失。
# - 激活的适配器会一直激活；适配器之和是一个新模型；基座原封未动，哈希值可以证明。
#
# **下一步。** 讲义[适配器](../../adapters.zh-CN.md)里有各种选择；[提示微调](../../prompt_tuning.zh-CN.md)用到的参数还不到百分之一。
# 论文：[LoRA](https://arxiv.org/abs/2106.09685)、[task arithmetic](https://arxiv.org/abs/2212.04089)、
# [TIES](https://arxiv.org/abs/2306.01708)、[S-LoRA](https://arxiv.org/abs/2311.03285)。
