"""Series of figures, their slope, and what is said of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

MB = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


def rss(pid: int) -> float:
    """Resident memory, MB; 0 for a process that has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / MB
    except (OSError, IndexError):
        return 0.0


def open_files(pid: int) -> int:
    """Open file descriptors; 0 for a process that has gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def children(pid: int) -> list[int]:
    """Processes that this one has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += [int(child), *children(int(child))]
        except OSError:
            continue
    return found


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares: units per hour, of (seconds, value). 0 for fewer than three points."""
    if len(points) < 3:
        return 0.0
    mean_t = sum(t for t, _ in points) / len(points)
    mean_v = sum(v for _, v in points) / len(points)
    over = sum((t - mean_t) ** 2 for t, _ in points)
    return 3600 * sum((t - mean_t) * (v - mean_v) for t, v in points) / over if over else 0.0


@dataclass(slots=True)
class Series:
    """One figure over the time.

    Attributes:
        name: what.
        unit: MB or nothing.
        share, least: flat means: over the time that was measured the fitted line rises by less than this share of the
            level, or by less than `least`.
        points: (seconds since the start, value).
    """

    name: str
    unit: str = ""
    share: float = 0.05
    least: float = 5.0
    points: list[tuple[float, float]] = field(default_factory=list)

    def after(self, warm: float) -> list[tuple[float, float]]:
        """The points that count."""
        return [p for p in self.points if p[0] >= warm]

    def rise(self, warm: float) -> float:
        """By how much the fitted line rises over the time measured."""
        counted = self.after(warm)
        return slope(counted) * (counted[-1][0] - counted[0][0]) / 3600 if len(counted) > 2 else 0.0

    def flat(self, warm: float) -> bool:
        """See `share` and `least`. Falling is no fault."""
        counted = self.after(warm)
        level = sum(v for _, v in counted) / len(counted) if counted else 0.0
        return self.rise(warm) <= max(self.least, self.share * level)

    def line(self, warm: float) -> str:
        """For the report."""
        counted = [v for _, v in self.after(warm)] or [0.0]
        verdict = "flat" if self.flat(warm) else "GROWS"
        return (
            f"{self.name:<26}{counted[0]:>10.1f}{max(counted):>10.1f}{counted[-1]:>10.1f}"
            f"{slope(self.after(warm)):>+12.1f}{self.rise(warm):>+10.1f}  {self.unit:<3} {verdict}"
        )


HEAD = f"{'after warm-up':<26}{'first':>10}{'most':>10}{'last':>10}{'slope/h':>12}{'rise':>10}"
