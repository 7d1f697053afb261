"""What became of each caller and seat in one run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ._draw import Callers
from ._model import DAY, Model, all_seats

NONE = math.nan
GRACE = 4 * 3600.0
"""Seconds after the end of a run in which those in the house may finish."""


@dataclass(slots=True)
class Outcome:
    """One run under one set of rules. Times in seconds since the start of the run; NaN: never."""

    callers: Callers
    seats: int
    answered: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    """Gave up before an answer."""
    blocked: list[bool] = field(default_factory=list)
    """Got the busy tone: all lines taken."""
    seat: list[int] = field(default_factory=list)
    """Who answered; -1: nobody."""
    step: list[int] = field(default_factory=list)
    """Which of the demand's steps the seat fitted (ours only)."""
    busy: list[tuple[int, float, float]] = field(default_factory=list)
    """(seat, begin, end): reserved, ringing, talking and wrap-up."""
    duty: list[tuple[int, float, float]] = field(default_factory=list)
    """(seat, begin, end) of each sign-in."""
    surges: list[tuple[float, float]] = field(default_factory=list)
    elapsed: float = 0.0
    """Seconds that the simulation took."""

    @classmethod
    def begin(cls, callers: Callers, seats: int) -> Outcome:
        """Nothing has happened yet."""
        n = len(callers)
        return cls(callers, seats, [NONE] * n, [NONE] * n, [False] * n, [-1] * n, [-1] * n)


def shifts(model: Model) -> list[tuple[float, int, bool]]:
    """(time, seat, signs in?) of the whole run, in order; out before in when both are at the same moment."""
    out: list[tuple[float, int, bool]] = []
    for seat, group in enumerate(all_seats(model)):
        if not group.shifts:
            out.append((0.0, seat, True))
            continue
        for day in range(-1, math.ceil(model.duration / DAY)):
            for begin, end in group.shifts:
                a, b = day * DAY + begin, day * DAY + end
                if b > 0 and a < model.duration:
                    out.append((max(a, 0.0), seat, True))
                    out.append((b, seat, False))
    return sorted(out, key=lambda x: (x[0], x[2], x[1]))
