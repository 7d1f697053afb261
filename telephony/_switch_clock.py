"""The switch's own time. HEARTBEAT is compared with its clock, so it is told in it: a service whose clock is wrong, or
jumps, neither loses its new callers to the native queue nor keeps them when it is dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

EVERY = 5.0
"""Seconds between two readings: its clock may jump too."""
SLOW = 1.0
"""A reading that took longer is not believed, if there is a better one."""
ASK = "STRFTIME(,,%s.%3q)"
"""The variable that holds it, unix seconds."""


def _running() -> float:
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SwitchClock:
    """What was read last, carried on by a clock that nobody sets."""

    def __init__(self, running: Callable[[], float] = _running) -> None:
        self._running = running
        self._read: tuple[float, float] | None = None
        """(its time, ours at that moment)"""
        self._asked: float | None = None

    def now(self, ours: float) -> float:
        """Its time, unix seconds; `ours` as long as it was never read."""
        return ours if self._read is None else self._read[0] + self._running() - self._read[1]

    def ask(self) -> bool:
        """Whether it is to be read again now; the answer is given to `told`."""
        at = self._running()
        if self._asked is not None and at - self._asked < EVERY:
            return False
        self._asked = at
        return True

    def told(self, reply: Mapping[str, str | list[str]] | None) -> None:
        """An answer to `ASK`; what is no time is none."""
        came = self._running()
        try:
            its = float(str(reply.get("Value"))) if reply is not None else 0.0
        except ValueError:
            return
        took = came - (self._asked if self._asked is not None else came)
        if its > 0 and (took < SLOW or self._read is None):
            self._read = (its, came - took / 2)
