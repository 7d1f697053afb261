"""Percentiles, and the middle and spread of repeats."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank; 0 for no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(values: Sequence[float]) -> dict[str, float]:
    """n, p50, p90, p99 and max, rounded to a thousandth of the unit."""
    return {
        "n": len(values), "p50": round(percentile(values, 0.5), 3), "p90": round(percentile(values, 0.9), 3),
        "p99": round(percentile(values, 0.99), 3), "max": round(max(values, default=0.0), 3),
    }  # fmt: skip


def middle(rows: Sequence[dict[str, Any]], name: str) -> dict[str, float]:
    """Of one figure in several repeats: median, least and most."""
    values = [float(r[name]) for r in rows]
    return {"median": statistics.median(values), "least": min(values), "most": max(values)} if values else {}


def cell(values: Sequence[float], style: str) -> str:
    """Median [least-most], or one number when they look the same."""
    if not values:
        return "-"
    text = style.format(statistics.median(values))
    if len(values) > 1 and style.format(min(values)) != style.format(max(values)):
        return f"{text} [{style.format(min(values))}-{style.format(max(values))}]"
    return text


def grid(rows: Sequence[Sequence[str]]) -> str:
    """Lines with columns of equal width; the first column to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
             for r in rows]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)
