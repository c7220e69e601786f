"""The generated blocks of README.md and README.zh-CN.md: sample, results, costs.

No number and no answer in those blocks is typed: the results come from the solution notebooks
(`smolcourse.authoring.results`), answers and sizes from measured/readme.json, which only
`smolcourse build --sample` (asks the packaged models the questions below) and `--measure` (measures
the installed environment) write, the time of the tests from measured/test_times.json
(tools/measure_tests.py).
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from smolcourse import models
from smolcourse.authoring import results
from smolcourse.markdown import table

DATA, TIMES = "measured/readme.json", "measured/test_times.json"
BASE, INSTRUCT = "smollm2-tiny", "smollm2-tiny-instruct"

# Chosen before any model had answered: some of what it was trained for, then what it was not
# (numbers over 20, invented and unknown things, reasons, another language). Each line is a chat.
CHATS = (
    ("What is the capital of Japan?", "And Egypt?"),
    ("Spell tiger backwards.",),
    ("What is 7 plus 8?",),
    ("What is 23 times 17?",),
    ("What is the capital of Atlantis?",),
    ("Who is the president of France?",),
    ("Why is the sky blue?",),
    ("你会说中文吗？",),
)
TEXT = {
    "en": {
        "sample": "The base model before module 1, then the instruct model; greedy, not chosen "
        "(checkpoint `{hash}`):",
        "none": "*(The checkpoints are not built yet.)*",
        "columns": ["What", "Cost", "Measured on"],
        "clone": "The repository, with the tiny models",
        "environment": "The installed environment",
        "cuda": "{total:.1f} GB, of which {cuda:.1f} GB are CUDA libraries",
        "notebook": "A solution notebook, top to bottom, at most",
        "run": "{seconds:.0f} s, {memory} MB of memory",
        "tests": "All tests, `uv run pytest`",
        "minutes": "{minutes:.0f} min",
        "machine": "{cores} CPU cores, {system}, Python {python}",
        "same": "the machine of the results above",
    },
    "zh-CN": {
        "sample": "先是学习第 1 模块之前的基座模型，然后是指令模型；贪心解码，未经挑选"
        "（检查点 `{hash}`）：",
        "none": "*（检查点尚未构建。）*",
        "columns": ["项目", "开销", "测量环境"],
        "clone": "代码仓库（含小模型）",
        "environment": "安装好的环境",
        "cuda": "{total:.1f} GB，其中 {cuda:.1f} GB 是 CUDA 库",
        "notebook": "任一答案 notebook 从头运行到尾，最多",
        "run": "{seconds:.0f} 秒，内存 {memory} MB",
        "tests": "全部测试，`uv run pytest`",
        "minutes": "{minutes:.0f} 分钟",
        "machine": "{cores} 个 CPU 核心，{system}，Python {python}",
        "same": "与上面的结果同一台机器",
    },
}


# ---------------------------------------------------------------- data


def load_data(root: Path) -> dict:
    """What is measured so far; empty before the first measurement."""
    file = root / DATA
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def store_data(root: Path, **parts) -> None:
    """Replace `sample` or `costs` in measured/readme.json."""
    text = json.dumps(load_data(root) | parts, ensure_ascii=False, indent=1, sort_keys=True)
    (root / DATA).parent.mkdir(exist_ok=True)
    (root / DATA).write_text(text + "\n", encoding="utf-8", newline="\n")


def checkpoint_hash() -> str:
    """First 12 hex digits of both models' manifests together: which weights answered."""
    both = [models.sha256(models.path(name) / models.MANIFEST) for name in (BASE, INSTRUCT)]
    return "".join(digest[:6] for digest in both)


def ask() -> dict:
    """What both packaged models answer to `CHATS`, greedily, on the CPU."""
    from smolcourse import generate
    from smolcourse.quiet import be_quiet

    be_quiet(offline=True)
    model, tokenizer = _load(BASE)
    first = [chat[0] for chat in CHATS[:2]]
    before = generate.chat(model, tokenizer, first, max_new_tokens=24)
    model, tokenizer = _load(INSTRUCT)
    chats = []
    for questions in CHATS:
        messages: list[dict] = []
        for question in questions:
            messages.append({"role": "user", "content": question})
            answer = generate.chat(model, tokenizer, [messages], max_new_tokens=40)[0]
            messages.append({"role": "assistant", "content": answer})
        chats.append([message["content"] for message in messages])
    return {
        "hash": checkpoint_hash(),
        "base": list(zip(first, before, strict=True)),
        "chats": chats,
    }


def _load(name: str):
    from smolcourse.profiles import Source

    source = Source(name)
    return models.load_model(source, "cpu"), models.load_tokenizer(source)


def sample_is_stale(root: Path) -> bool:
    """Whether the stored answers are those of other weights than the packaged ones."""
    built = {BASE, INSTRUCT} <= {path.parent.name for path in models.PACKAGED.glob("*/*.json")}
    sample = load_data(root).get("sample")
    return built and (not sample or sample["hash"] != checkpoint_hash())


def measure(root: Path) -> dict:
    """Disk used by the committed files and by this Python's environment, in bytes."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    files = [root / name for name in listed.stdout.decode().split("\0") if name]
    seen: set[int] = set()
    total = cuda = 0
    for folder, _, names in os.walk(sys.prefix):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            if status.st_ino in seen:  # hard links count once
                continue
            seen.add(status.st_ino)
            total += status.st_blocks * 512
            relative = os.path.relpath(os.path.join(folder, name), sys.prefix)
            if re.search(r"site-packages/(nvidia|triton|cuda)/|torch/lib/.*cuda", relative):
                cuda += status.st_blocks * 512
    return {
        "repository": sum(file.stat().st_size for file in files if file.is_file()),
        "environment": total,
        "cuda": cuda,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


# ---------------------------------------------------------------- blocks


def sample_block(root: Path, lang: str) -> str:
    """What both models answer to the questions above, as a dialogue."""
    sample = load_data(root).get("sample")
    if not sample:
        return TEXT[lang]["none"]
    lines = []
    for asked, answer in sample["base"]:
        lines += [f"you       {asked}", f"base      {_line(answer)}", ""]
    for chat in sample["chats"]:
        for asked, answer in zip(chat[::2], chat[1::2], strict=True):
            lines += [f"you       {asked}", f"instruct  {_line(answer)}"]
        lines.append("")
    dialogue = "\n".join(lines).rstrip()
    return f"{TEXT[lang]['sample'].format(hash=sample['hash'])}\n\n```text\n{dialogue}\n```"


def _line(answer: str) -> str:
    """An answer on one line; nothing is cut off or made nicer."""
    return answer.replace("\n", "\\n").replace("```", "'''") or "(nothing)"


def results_block(root: Path, lang: str) -> str:
    """The table of the results page."""
    rows = results.reports(root, lang)
    return results.table(root, rows, lang, base="") if rows else results.TEXT[lang]["none"]


def costs_block(root: Path, lang: str) -> str:
    """What the course costs on the machine that measured it: disk, seconds, memory."""
    say, costs, rows = TEXT[lang], load_data(root).get("costs"), []
    if costs:
        where = say["machine"].format(**costs)
        gigabytes = {"total": costs["environment"] / 1e9, "cuda": costs["cuda"] / 1e9}
        amount = say["cuda"] if costs["cuda"] else "{total:.1f} GB"
        rows.append([say["clone"], f"{costs['repository'] / 1e6:.0f} MB", where])
        rows.append([say["environment"], amount.format(**gigabytes), where])
    if reports := [data for _, data in results.reports(root)]:
        seconds = max(data["seconds"] for data in reports)
        memory = max(data["peak_memory_mb"] for data in reports)
        cost = say["run"].format(seconds=seconds, memory=memory)
        rows.append([say["notebook"], cost, say["same"]])
    if (root / TIMES).is_file():
        times = json.loads((root / TIMES).read_text(encoding="utf-8"))
        minutes = say["minutes"].format(minutes=times["chosen_seconds"] / 60)
        rows.append([say["tests"], minutes, say["machine"].format(**times)])
    return table(say["columns"], rows)


BLOCKS = {"sample": sample_block, "results": results_block, "costs": costs_block}
