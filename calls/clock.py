"""The engine's time: never jumps, whatever is done to the machine's clock.

Deadlines are moments, because another process must be able to go on with them; so a clock that is set back by hours
would let a phone ring for hours, and one that is set forward would end every offer and wrap-up at once. This one runs
on by a clock that nobody sets (it counts on while the process is stopped), and comes nearer to the machine's by at most
`RATE` of the time that passes. A process that takes over never begins behind what the journal has of live calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable

RATE = 0.05
"""Seconds per second by which it goes faster or slower to come nearer: three minutes an hour."""


def running() -> float:
    """Seconds that nobody sets, and that count on while the process is stopped or the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Steady:
    """Unix seconds; each call gives at least what the last one gave.

    Args:
        wall: the machine's clock, unix seconds.
        run: a clock that nobody sets, seconds.
    """

    def __init__(self, wall: Callable[[], float] = time.time, run: Callable[[], float] = running) -> None:
        self._wall, self._run = wall, run
        self._at, self._seen = wall(), run()

    def __call__(self) -> float:
        run = self._run()
        passed = max(0.0, run - self._seen)
        most = passed * RATE
        self._seen = run
        self._at += passed
        self._at += max(-most, min(most, self._wall() - self._at))
        return self._at

    @property
    def apart(self) -> float:
        """Seconds by which the machine's clock is ahead of it."""
        return self._wall() - self()

    def not_before(self, at: float) -> None:
        """Something has happened at `at` already."""
        self._at = max(self(), at)
