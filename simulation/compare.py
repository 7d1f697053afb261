"""`python -m simulation.compare [FILE] [--seeds N] [--png FILE] [--json]`: ours beside app_queue, for the same day."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from ._parse import ModelError, parse_model
from ._result import CLOCK, Result
from ._run import comparison

SHIPPED = Path(__file__).resolve().parent.parent / "config" / "simulation" / "hangzhou-day.yaml"


def table(results: Sequence[Result]) -> str:
    """Markdown, for a terminal and for docs/benchmarks.md."""
    limit = f"{results[0].threshold:.0f} s"
    lines = [
        f"| rules | answered ≤ {limit} | of callers | beyond {limit} | ours has | abandoned | mean wait | p90 | p99 |"
        " first wish met |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    base = results[0].total.beyond
    for r in results:
        t, n = r.total, r.runs
        against = "" if r is results[0] else f"{(base - t.beyond) / t.beyond if t.beyond else 0.0:+.0%}"
        lines.append(
            f"| {r.name} | {t.within / n:,.0f} ({t.share:.1%}) | {t.arrivals / n:,.0f} | {t.beyond / n:,.0f} |"
            f" {against} | {t.abandoned / n:,.0f} | {t.mean:.1f} s | {t.p90:.1f} s | {t.p99:.1f} s | {t.fit:.1%} |"
        )
    lines += [
        "",
        f"Clock: {CLOCK}. Denominator: all who entered the queue. Beyond: answered later, or given up later.",
        f"Ours has: so many fewer (-) or more (+) callers beyond {limit} than this row, without the surge mode.",
        "First wish met: of the answered, those whose seat fits the first of their steps.",
        f"Mean of {results[0].runs} day(s). Simulated calls per second: "
        + ", ".join(f"{r.name} {r.calls_per_second:,.0f}" for r in results) + ".",
    ]  # fmt: skip
    return "\n".join(lines)


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
