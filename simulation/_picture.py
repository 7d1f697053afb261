"""Results as PNG. Matplotlib without a display; Chinese labels when a font for them is there, English always."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ._result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CJK = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei")
COLOURS = ("#0b6e4f", "#69b578", "#c1292e", "#f1a208", "#235789", "#8d6a9f")


class PictureError(OSError):
    """The picture cannot be written; the message says where and why."""


class _Words:
    """Chinese first, English too; English only when no font has the Chinese characters."""

    def __init__(self) -> None:
        from matplotlib import font_manager

        known = {f.name for f in font_manager.fontManager.ttflist}
        self.font = next((name for name in CJK if name in known), None)

    def __call__(self, zh: str, en: str) -> str:
        return f"{zh} {en}" if self.font else en

    def name(self, name: str) -> str:
        """A name from a file, without characters that would be boxes."""
        return name if self.font else "".join(c for c in name if ord(c) < 0x2E80).strip(" /")


def draw_day(result: Result, path: Path, title: str) -> None:
    """One result: calls and seats, answered in time, waits. Raises PictureError."""
    draw_comparison([result], path, title)


def draw_comparison(results: Sequence[Result], path: Path, title: str) -> None:
    """Several results of the same callers, hour by hour.

    Raises:
        PictureError: the file cannot be written.
    """
    # Here, not above: the other commands need not wait for matplotlib.
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    words = _Words()
    families = [words.font, "DejaVu Sans"] if words.font else ["DejaVu Sans"]
    with mpl.rc_context({"font.family": families, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(12.5, 11.0), layout="constrained", dpi=110)
        FigureCanvasAgg(figure)
        load, share, beyond = figure.subplots(3, 1, gridspec_kw={"height_ratios": (1.0, 1.25, 1.25)})
        figure.suptitle(words.name(title), fontsize=15, fontweight="bold")
        _load(load, results[0], words)
        _share(share, results, words)
        _beyond(beyond, results, words)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path)
        except (OSError, ValueError) as error:
            raise PictureError(f"{path}: the picture cannot be written ({error})") from None


def _hours(axes: Axes, result: Result) -> list[int]:
    n = len(result.hours)
    axes.set_xlim(-0.6, n - 0.4)
    axes.set_xticks(range(0, n, max(1, n // 24)))
    axes.set_xticklabels([row.name[:2] for row in result.hours[:: max(1, n // 24)]])
    return list(range(n))


def _load(axes: Axes, result: Result, words: _Words) -> None:
    x = _hours(axes, result)
    bars = axes.bar(
        x, [r.arrivals / result.runs for r in result.hours], color="#b8c4d0", label=words("来电/小时", "calls per hour")
    )
    axes.bar_label(bars, fmt="{:,.0f}", fontsize=8, color="#445")
    axes.set_ylabel(words("来电", "calls"))
    seats = axes.twinx()
    seats.spines["right"].set_visible(True)
    (line,) = seats.step(
        [*x, len(x)], [r.on_duty for r in [*result.hours, result.hours[-1]]], where="mid", color="#222",
        label=words("在岗座席 (右轴)", "seats on duty (right axis)"),
    )  # fmt: skip
    seats.set_ylim(bottom=0)
    seats.set_ylabel(words("座席", "seats"))
    axes.margins(y=0.15)
    axes.legend(handles=[bars, line], loc="upper left", frameon=False, ncols=2)


def _share(axes: Axes, results: Sequence[Result], words: _Words) -> None:
    limit = results[0].threshold
    for i, result in enumerate(results):
        x = _hours(axes, result)
        axes.plot(
            x, [100 * r.share for r in result.hours], marker="o", markersize=3.5, linewidth=2.2 if i == 0 else 1.4,
            color=COLOURS[i % len(COLOURS)], label=f"{words.name(result.name)}   {100 * result.total.share:.1f} %",
        )  # fmt: skip
    axes.axhline(95, color="#999", linewidth=0.8, linestyle="--")
    axes.set_ylabel(words(f"{limit:.0f} 秒内应答 %", f"answered ≤ {limit:.0f} s, %"))
    axes.legend(loc="lower left", frameon=False, title=words("全天", "whole run"), alignment="left")


def _beyond(axes: Axes, results: Sequence[Result], words: _Words) -> None:
    limit = results[0].threshold
    width = 0.86 / len(results)
    for i, result in enumerate(results):
        x = _hours(axes, result)
        axes.bar(
            [h - 0.43 + (i + 0.5) * width for h in x], [r.beyond / result.runs for r in result.hours], width,
            color=COLOURS[i % len(COLOURS)],
            label=f"{words.name(result.name)}   {result.total.beyond / result.runs:,.0f}",
        )  # fmt: skip
    axes.set_ylabel(words(f"超过 {limit:.0f} 秒的来电", f"callers beyond {limit:.0f} s"))
    axes.set_xlabel(words("时 (入队时刻)", "hour in which the caller entered the queue"))
    axes.legend(loc="upper left", frameon=False, title=words("全天人数", "callers a day"), alignment="left")
