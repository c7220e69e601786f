"""What `course.report` measures, shows and stores."""

from __future__ import annotations

import html
import math
import sys

from smolcourse import clock, machine, profiles, show, verdicts, words
from smolcourse.errors import CourseError
from smolcourse.notebook import notebook_kind

MIME = "application/vnd.smolcourse.report+json"


def report(course, metric, before, after, bar, higher_is_better, extra) -> dict:
    """Make, show and return the report of a notebook; see `Course.report`."""
    for name, value in (("before", before), ("after", after), ("bar", bar)):
        if not (value is None and name == "before") and not _is_number(value):
            raise CourseError(
                "course.report needs a number for '{name}', not {value!r}.", name=name, value=value
            )
    before = None if before is None else float(before)
    after, bar = float(after), float(bar)
    met = after >= bar if higher_is_better else after <= bar  # False for NaN
    ticking = clock.current()
    total, sections = ticking.total(), dict(ticking.seconds)
    sections["other"] = max(0.0, total - sum(sections.values()))
    gpu = machine.peak_gpu_memory_mb()
    data = {
        "version": 1,
        "notebook": course.notebook,
        "lang": course.lang,
        "profile": course.profile,
        "device": course.device,
        "seed": course.seed,
        "metric": str(metric),
        "before": _plain(before),
        "after": _plain(after),
        "bar": _plain(bar),
        "higher_is_better": bool(higher_is_better),
        "met": bool(met),
        "enforced": enforced(),
        "seconds": round(total, 1),
        "sections": {name: round(value, 1) for name, value in sections.items()},
        "peak_memory_mb": round(machine.peak_memory_mb()),
        "peak_gpu_memory_mb": None if gpu is None else round(gpu),
        "extra": {name: _plain(value) for name, value in extra.items()},
    }
    if (n := extra.get("n")) and isinstance(n, int) and 0 <= after <= 1:
        from smolcourse.metrics import interval

        data["interval"] = [round(edge, 4) for edge in interval(round(after * n), n)]
    _show(data, course.lang)
    if not met and data["enforced"]:
        raise CourseError(
            "The bar was missed: {metric} is {data}, it should be {higher_is_better} {data_}; restart the kernel and run all cells, and if it stays so, report it as a bug.",
            metric=metric,
            data=number(after, data),
            higher_is_better="at least" if higher_is_better else "at most",
            data_=number(bar, data),
        )
    return data


def enforced() -> bool:
    """Whether a missed bar is an error: not in an exercise, with unsolved checks or cut budgets."""
    if notebook_kind() == "exercise" or profiles.is_quick():
        return False
    return all(status == "correct" for status in verdicts.RESULTS.values())


def number(value: float | None, data: dict) -> str:
    """A number as a reader wants it: a percentage for fractions, else four digits."""
    if value is None:
        return "–"
    known = [data[key] for key in ("before", "after", "bar") if data.get(key) is not None]
    unit = data.get("extra", {}).get("unit")
    # A bar below 1% is a tolerance (1e-5), not a share.
    if unit is None and all(0 <= v <= 1 for v in known) and (data.get("bar") or 0) >= 0.01:
        return f"{value:.1%}".replace(".0%", "%")
    return f"{value:.4g}" + (f" {unit}" if unit else "")


LABELS = {
    "en": {
        "metric": "metric",
        "before": "before",
        "after": "after",
        "bar": "bar",
        "met": "met",
        "missed": "missed",
        "interval": "{after} (95% interval {low:.1%} to {high:.1%}, n={n})",
        "time": "time",
        "import": "import and load",
        "train": "train",
        "generate": "generate",
        "other": "other",
        "memory": "peak memory",
        "gpu": "peak GPU memory",
        "note": "note",
        "reference": "with unsolved checks, the reference answers were used",
        "n": "questions or rows measured (n)",
        "quick": "a rehearsal with a few steps (SMOLCOURSE_QUICK): no score is claimed",
    },
    "zh-CN": {
        "metric": "指标",
        "before": "之前",
        "after": "之后",
        "bar": "标准",
        "met": "达标",
        "missed": "未达标",
        "interval": "{after}（95% 区间 {low:.1%} 到 {high:.1%}，n={n}）",
        "time": "用时",
        "import": "导入与加载",
        "train": "训练",
        "generate": "生成",
        "other": "其他",
        "memory": "内存峰值",
        "gpu": "显存峰值",
        "note": "说明",
        "reference": "有未完成的检查，结果使用了参考答案",
        "n": "测量所用的题数或行数（n）",
        "quick": "只训练几步的演练（SMOLCOURSE_QUICK），分数没有意义",
    },
}


def names_of(data: dict) -> dict:
    """What the topic of this report calls its numbers (`smolcourse.words`)."""
    return words.of(data["notebook"].split("/")[-1])["report"]


def metric_name(data: dict, lang: str, names: dict) -> str:
    """A report's metric in a language; notebooks write it in English."""
    metric = data["metric"]
    return names.get("metric", {}).get(metric, {}).get(lang, metric)


def extras(
    data: dict, lang: str, names: dict, without: tuple[str, ...] = ("unit",)
) -> list[tuple[str, str]]:
    """The other reported numbers as (name, text), in the order of the topic's names.

    Stored notebooks sort their keys, so the order is the file's; a number without a name comes
    last, under its keyword.
    """
    extra, known = data["extra"], names.get("extra", {})
    order = [key for key in ("n", *known) if key in extra]
    order += [key for key in extra if key not in order]
    general = {"n": LABELS[lang]["n"]}
    return [
        (
            general.get(key) or known.get(key, {}).get(lang, key.replace("_", " ")),
            extra_text(extra[key], key),
        )
        for key in order
        if key not in without
    ]


def extra_text(value, key: str = "") -> str:
    """A share as a percentage (0.1 MB are none); NaN was stored as null."""
    if isinstance(value, float) and 0 <= value <= 1 and "_mb" not in key:
        return f"{value:.1%}".replace(".0%", "%")
    return "–" if value is None else quantity(value)


def quantity(value) -> str:
    """Any measured value: three digits, or thousands with commas; other things as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def rows(data: dict, lang: str = "en", names: dict | None = None) -> list[tuple[str, str]]:
    """The report as (name, text) pairs, in either language."""
    say, names = LABELS[lang], names_of(data) if names is None else names
    sign = "≥" if data["higher_is_better"] else "≤"
    after = number(data["after"], data)
    if "interval" in data:
        low, high = data["interval"]
        after = say["interval"].format(after=after, low=low, high=high, n=data["extra"]["n"])
    split = ", ".join(f"{say.get(k, k)} {value:.0f} s" for k, value in data["sections"].items())
    verdict = say["met" if data["met"] else "missed"]
    lines = [
        (say["metric"], metric_name(data, lang, names)),
        (say["before"], number(data["before"], data)),
        (say["after"], after),
        (say["bar"], f"{sign} {number(data['bar'], data)}: {verdict}"),
        (say["time"], f"{data['seconds']:.0f} s ({split})"),
        (say["memory"], f"{data['peak_memory_mb']:.0f} MB"),
    ]
    if data["peak_gpu_memory_mb"] is not None:
        lines.append((say["gpu"], f"{data['peak_gpu_memory_mb']} MB"))
    lines += extras(data, lang, names, without=("n", "unit"))
    if not data["enforced"]:
        lines.append((say["note"], say["quick" if profiles.is_quick() else "reference"]))
    return lines


def bundle(data: dict, lang: str) -> dict:
    """The report as an output of a cell: text, HTML, and the data that pages are made from."""
    lines = rows(data, lang)
    text = show.aligned(lines)
    body = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
        for name, value in lines
    )
    return {"text/plain": text, "text/html": f"<table>{body}</table>", MIME: data}


def _show(data: dict, lang: str) -> None:
    shown, ipython = bundle(data, lang), sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(shown["text/plain"])
    else:
        ipython.display.display(shown, raw=True)


def _is_number(value) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, (str, bool))


def _plain(value):
    """A value that JSON can hold: numpy and torch scalars as numbers, NaN as null."""
    if hasattr(value, "item") and callable(value.item) and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)
