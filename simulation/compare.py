"""`python -m simulation.compare [FILE] [--seeds N] [--png FILE] [--json]`: ours beside app_queue, for the same day."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from ._parse import ModelError, parse_model
from ._result import CLOCK, Result
from ._run import OURS, SURGE, comparison

SHIPPED = Path(__file__).resolve().parent.parent / "config" / "simulation" / "hangzhou-day.yaml"


def table(results: Sequence[Result]) -> str:
    """Markdown, for a terminal and for docs/benchmarks.md."""
    limit = f"{results[0].threshold:.0f} s"
    ours = [r for r in results if r.name in (OURS, SURGE)]
    fewer = [f"fewer with {'ours' if r.name == OURS else 'surge mode'}" for r in ours]
    heads = [
        "rules", f"answered ≤ {limit}", "of callers", f"beyond {limit}", *fewer, "abandoned", "mean wait", "p90", "p99",
        "first wish met",
    ]  # fmt: skip
    lines = [_line(heads), _line(["---"] * len(heads))]
    for r in results:
        t, n = r.total, r.runs
        less = ["" if r in ours or not t.beyond else _fewer(o, r) for o in ours]
        lines.append(_line([
            r.name, f"{t.within / n:,.0f} ({t.share:.1%})", f"{t.arrivals / n:,.0f}", f"{t.beyond / n:,.0f}", *less,
            f"{t.abandoned / n:,.0f}", f"{t.mean:.1f} s", f"{t.p90:.1f} s", f"{t.p99:.1f} s", f"{t.fit:.1%}",
        ]))  # fmt: skip
    speeds = ", ".join(f"{r.name} {r.calls_per_second:,.0f}" for r in results)
    return "\n".join([
        *lines, "",
        f"Clock: {CLOCK}. Denominator: all who entered the queue. Beyond: answered later, or given up later.",
        f"Fewer: how many fewer callers are beyond {limit} than under the row's rules, same callers and seats.",
        "First wish met: of the answered, those whose seat fits the first of their steps.",
        f"Mean of {results[0].runs} day(s); ± 95 % over the days. Simulated calls per second: {speeds}.",
    ])  # fmt: skip


def _fewer(ours: Result, row: Result) -> str:
    """How many fewer are beyond the threshold, with a 95 % interval over the days (both met the same callers)."""
    mine, theirs = np.asarray(ours.beyond_runs, float), np.asarray(row.beyond_runs, float)
    ratio = mine.sum() / theirs.sum()
    if len(mine) < 2:
        return f"{1 - ratio:.0%}"
    half = 2 * float(np.std(mine - ratio * theirs, ddof=1)) / math.sqrt(len(mine)) / float(theirs.mean())
    return f"{1 - ratio:.0%} ± {100 * half:.0f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table. 1: the file is wrong."""
    parser = argparse.ArgumentParser(prog="python -m simulation.compare", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SHIPPED)
    parser.add_argument("--seeds", type=int, default=1, help="so many days, with seeds 1, 2, …")
    parser.add_argument("--png", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        model = parse_model(yaml.safe_load(asked.file.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ModelError) as error:
        print(f"{asked.file}: {error}", file=sys.stderr)
        return 1
    results = list(comparison(model, list(range(1, asked.seeds + 1))))
    print(json.dumps([r.json() for r in results], ensure_ascii=False, indent=1) if asked.json else table(results))
    if asked.png is not None:
        from ._picture import draw_comparison

        draw_comparison(results, asked.png, model.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
