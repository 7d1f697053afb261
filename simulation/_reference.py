"""First come, first served, written in ten lines: what the dispatcher must give when all seats are equal.

For one kind of callers and equal seats the wait of each single caller follows from those before him (Kiefer and
Wolfowitz 1955), whichever free seat takes him. So the real matching can be held to it caller by caller, and the
recursion, a hundred times faster, to the formulas.
"""

from __future__ import annotations

import heapq

from ._draw import Callers


def first_come(callers: Callers, seats: int) -> tuple[list[float], list[bool]]:
    """Each caller's wait until an answer or until he gave up, and whether he gave up."""
    free = [0.0] * seats
    waits: list[float] = []
    gone: list[bool] = []
    for at, talk, patience in zip(callers.at, callers.talk, callers.patience, strict=True):
        offered = max(free[0] - at, 0.0)
        gone.append(offered > patience)
        waits.append(min(offered, patience))
        if offered <= patience:
            heapq.heapreplace(free, at + offered + talk)
    return waits, gone
