"""Token tables, tables of answers, and small plots, each with a plain-text form.

Plots are small PNGs (80 dpi), so that notebooks with stored outputs stay light. They are made
without pyplot: nothing depends on a backend, and no figure stays open.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import sys
from functools import cache

from smolcourse.errors import CourseError
from smolcourse.translate import shown, tell, tr

DPI = 80
SIZE = (6.0, 2.8)  # inches
COLOURS = ("#2a6fbb", "#d1622b", "#3a8f4d", "#8a56b0", "#b09a2a", "#5a6470")
IGNORED = -100
# Fonts with Chinese glyphs on common systems; matplotlib's own font has none.
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
)


def _emit(text: str, markup: str | None = None, png: bytes | None = None) -> None:
    """Display in a notebook, print elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(text)
        return
    bundle = {"text/plain": text}
    if markup is not None:
        bundle["text/html"] = markup
    if png is not None:
        bundle["image/png"] = base64.b64encode(png).decode("ascii")
    ipython.display.display(bundle, raw=True)


def _list(values) -> list:
    values = values.tolist() if hasattr(values, "tolist") else list(values)
    if values and isinstance(values[0], list):
        if len(values) > 1:
            raise CourseError("show.tokens shows one sequence: pass one row of the batch.")
        values = values[0]
    return values


def tokens(tokenizer, ids, labels=None, mask=None, title: str | None = None) -> None:
    """Show a token sequence; tokens without loss are grey.

    `ids`: token ids, shape (length,). `labels`: same shape, -100 where there is no loss.
    `mask`: same shape, 0 where there is no loss (for instance an assistant mask). The text
    form puts tokens with loss in [brackets]. Raises `CourseError` on unequal lengths.
    Introduced in `1_instruction_tuning/chat_templates`.
    """
    ids, title = [int(token) for token in _list(ids)], tr(title) if title else None
    kept = [True] * len(ids)
    for name, values in (("labels", labels), ("mask", mask)):
        if values is None:
            continue
        values = _list(values)
        if len(values) != len(ids):
            raise CourseError(
                "show.tokens needs as many {name} as ids: {values} against {ids}.",
                name=name,
                values=len(values),
                ids=len(ids),
            )
        keep = (lambda v: int(v) != IGNORED) if name == "labels" else bool
        kept = [old and keep(value) for old, value in zip(kept, values, strict=True)]
    marked = labels is not None or mask is not None
    pieces = [_visible(tokenizer.decode([token])) for token in ids]
    plain = "".join(f"[{p}]" if marked and k else p for p, k in zip(pieces, kept, strict=True))
    text = (f"{title}\n" if title else "") + plain.replace("⏎", "⏎\n").rstrip("\n")
    cells = []
    for piece, token, keep in zip(pieces, ids, kept, strict=True):
        colour = "#dcebfa;color:#10304f" if keep else "#e4e4e4;color:#8a8a8a"
        line_break = "<br>" if piece.endswith("⏎") else ""
        cells.append(
            f"<span title='id {token}' style='background:{colour};border-radius:3px;"
            "padding:1px 3px;margin:1px;display:inline-block;font-family:monospace'>"
            f"{html.escape(piece)}<sub style='font-size:60%;opacity:.7'> {token}</sub></span>"
            + line_break
        )
    count = ""
    if marked:
        said = tr("{kept} of {all} tokens carry loss", kept=sum(kept), all=len(ids))
        count = f"<div><small>{said}</small></div>"
        text += f"\n({said})"
    head = f"<b>{html.escape(title)}</b>" if title else ""
    _emit(text, f"<div>{head}<div style='line-height:1.9'>{''.join(cells)}</div>{count}</div>")


def _visible(piece: str) -> str:
    return piece.replace(" ", "·").replace("\n", "⏎").replace("\t", "⇥") or "∅"


def say(text: str, **facts) -> None:
    """Print a sentence in the reader's language: `say("{right} of {n} are right", right=3, n=5)`.

    The English text is the key of its translation (the topic's TOPIC.toml); numbers are formatted in
    the braces, as in an f-string: `{share:.1%}`. A truth value is said as "yes" or "no", and a text
    that has a translation of its own is translated. Introduced in
    `1_instruction_tuning/chat_templates`.
    """
    print(tr(text, **{key: tr(v) if isinstance(v, str) else v for key, v in facts.items()}))


def side_by_side(rows, columns=None, limit: int = 200) -> None:
    """Show a table. `rows`: list of dicts, or of sequences with `columns` naming them.

    Texts longer than `limit` characters are cut with an ellipsis. Introduced in
    `1_instruction_tuning/supervised_fine_tuning`.
    """
    rows = list(rows)
    if columns is None:
        if not all(isinstance(row, dict) for row in rows):
            raise CourseError("show.side_by_side needs columns=[...] unless rows are dicts.")
        columns = list(dict.fromkeys(name for row in rows for name in row))
    table = []
    for row in rows:
        values = row
        if isinstance(row, dict):
            values = [row.get(name, "") for name in columns]
        if len(values) != len(columns):
            raise CourseError(
                "A row has {values} values for {columns} columns.",
                values=len(values),
                columns=len(columns),
            )
        values = [shown(value) for value in values]
        table.append([v if len(v) <= limit else v[: limit - 1] + "…" for v in values])
    columns = [tr(str(name)) for name in columns]
    flat = [[v.replace("\n", "⏎") for v in values] for values in table]
    rules = ["-" * max(map(_width, column)) for column in zip(columns, *flat, strict=True)]
    style = "style='text-align:left;vertical-align:top;white-space:pre-wrap;max-width:28em'"
    head = "".join(f"<th {style}>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td {style}>{html.escape(v)}</td>" for v in values) + "</tr>"
        for values in table
    )
    _emit(aligned([columns, rules, *flat]), f"<table><tr>{head}</tr>{body}</table>")


def aligned(rows: list) -> str:
    """Rows of strings as lines of text whose columns stand below each other, two spaces apart.

    A terminal draws a Chinese character, like most emoji, two columns wide.
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(v + " " * (w - _width(v)) for v, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def loss(curves: dict, title: str = "Training loss", smooth: int = 1, log: bool = False) -> None:
    """Plot losses against steps.

    `curves`: {name: a trainer's `state.log_history`, or a list of numbers}. From a history
    `loss` is drawn and, dashed, `eval_loss`. `smooth` averages over that many points.
    Introduced in `1_instruction_tuning/supervised_fine_tuning`.
    """
    figure, axes = _figure(title, "step", "loss")
    for at, (name, history) in enumerate(curves.items()):
        colour = COLOURS[at % len(COLOURS)]
        for key, style in (("loss", "-"), ("eval_loss", "--")):
            points = _points(history, key)
            if not points:
                continue
            steps, values = zip(*points, strict=True)
            label = _drawn(name)
            if key == "eval_loss":
                label = _drawn("{name} (held out)", name=label)
            axes.plot(steps, _smoothed(values, smooth), style, color=colour, label=label)
    if not axes.lines:
        raise CourseError("There is no loss to plot: the histories have no 'loss' entries.")
    if log:
        axes.set_yscale("log")
    axes.legend(frameon=False, fontsize=8)
    _draw(figure, _caption(title, curves))


def curves(series: dict, title: str = "", x: str = "step", y: str = "") -> None:
    """Plot named series: {name: list of y, or (list of x, list of y)}.

    Introduced in `2_preference_alignment/dpo`.
    """
    figure, axes = _figure(title, x, y)
    for at, (name, values) in enumerate(series.items()):
        pair = isinstance(values, tuple) and len(values) == 2
        xs, ys = values if pair else (range(1, len(values) + 1), values)
        axes.plot(list(xs), list(ys), color=COLOURS[at % len(COLOURS)], label=_drawn(name))
    axes.legend(frameon=False, fontsize=8)
    _draw(figure, _caption(title, series))


def bars(values: dict, title: str = "", bar: float | None = None, percent: bool = True) -> None:
    """Plot named numbers as horizontal bars.

    `values`: {name: number, or (number, (low, high)) with an interval}. `bar` draws the line
    to reach. `percent` labels fractions as percentages. Introduced in
    `1_instruction_tuning/supervised_fine_tuning`.
    """
    if not values:
        raise CourseError("There is nothing to plot: no values were given.")
    figure, axes = _figure(title, "", "", height=0.8 + 0.4 * len(values))
    names = list(values)[::-1]
    for at, name in enumerate(names):
        value, edges = values[name] if isinstance(values[name], tuple) else (values[name], None)
        error = None if edges is None else [[value - edges[0]], [edges[1] - value]]
        colour = COLOURS[(len(names) - 1 - at) % len(COLOURS)]
        axes.barh(at, value, xerr=error, color=colour, height=0.6, capsize=3)
        label = f"{value:.1%}" if percent else f"{value:.4g}"
        place = edges[1] if edges else max(value, 0)
        axes.annotate(
            label, (place, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_yticks(range(len(names)), [_drawn(name) for name in names])
    if percent:
        axes.set_xlim(0, 1.15)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    if bar is not None:
        axes.axvline(bar, color="#444444", linestyle=":", linewidth=1)
    _draw(figure, _caption(title, values))


def _points(history, key: str) -> list[tuple[float, float]]:
    points = []
    for at, entry in enumerate(history):
        if isinstance(entry, dict):
            if key in entry:
                points.append((entry.get("step", at + 1), float(entry[key])))
        elif key == "loss":
            points.append((at + 1, float(entry)))
    return points


def _smoothed(values, width: int) -> list[float]:
    if width <= 1:
        return list(values)
    windows = (values[max(0, at - width + 1) : at + 1] for at in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _figure(title: str, x: str, y: str, height: float = SIZE[1]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0], height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(_drawn(title), fontsize=10)
    axes.set_xlabel(_drawn(x), fontsize=9)
    axes.set_ylabel(_drawn(y), fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _caption(title: str, names) -> str:
    """What stands for a plot where no picture is shown."""
    said = ", ".join(tr(str(name)) for name in names)
    return tr("[plot] {title}: {names}", title=tr(title), names=said)


def _draw(figure, text: str) -> None:
    from matplotlib.text import Text

    if (font := chinese_font()) is not None:
        for piece in figure.findobj(Text):
            if _wide(piece.get_text()):
                piece.set_fontfamily([font, "DejaVu Sans"])
    buffer = io.BytesIO()
    # No version of the library: the same plot gives the same bytes. The title says in a stored
    # notebook in which language the plot was drawn (tests/notebooks/test_words.py).
    about = {"Software": None, "Title": figure.axes[0].get_title()}
    figure.savefig(buffer, format="png", dpi=DPI, metadata=about)
    _emit(text, png=buffer.getvalue())


def _wide(text: str) -> bool:
    return any(ord(char) >= 0x2E80 for char in text)


@cache
def chinese_font() -> str | None:
    """The name of an installed font with Chinese characters; None if there is none."""
    from matplotlib import font_manager

    def found() -> str | None:
        installed = set(font_manager.get_font_names())
        return next((name for name in CJK_FONTS if name in installed), None)

    if (font := found()) is not None:
        return font
    # matplotlib keeps a list of the fonts that there were when it was first used.
    listed = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - listed:
        with contextlib.suppress(Exception):  # a damaged font is no reason to draw nothing
            font_manager.fontManager.addfont(path)
    return found()


def _drawn(text, **facts) -> str:
    """A text of a plot in the reader's language, or in English where no font has its characters."""
    text = str(text)
    said = tr(text, **facts)
    if _wide(said) and chinese_font() is None:
        said = tell("en", text, **facts)
        # What was translated before it came here.
        said = "".join("?" if ord(char) >= 0x2E80 else char for char in said)
    return said
