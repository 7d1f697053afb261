"""Time rules of the link, without a clock: is the peer alive, and when to try again."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum, auto


class Verdict(Enum):
    """What the watchdog wants."""

    FINE = auto()
    PING = auto()
    DEAD = auto()


class Watchdog:
    """Declares a silent peer dead.

    A stopped or half-open Asterisk keeps its connection: only silence gives it away.  After `interval`
    seconds of silence a Ping is asked for; after `timeout` seconds of silence, with that Ping unanswered,
    the peer is dead.  Any byte received counts as life.
    """

    def __init__(self, interval: float, timeout: float, now: float) -> None:
        self._interval = interval
        self._timeout = timeout
        self._heard_at = now
        self._asked = False

    def heard(self, now: float) -> None:
        """Something was received."""
        self._heard_at = now
        self._asked = False

    def check(self, now: float) -> Verdict:
        """To be called a few times a second."""
        silence = now - self._heard_at
        if not self._asked:
            if silence < self._interval:
                return Verdict.FINE
            self._asked = True
            return Verdict.PING
        return Verdict.DEAD if silence >= self._timeout else Verdict.FINE


class Backoff:
    """Growing pauses between attempts, spread so that many clients do not come at once.

    The n-th pause lies between half of and the whole of ``min(most, first * 2**n)`` seconds.
    """

    def __init__(self, first: float, most: float, spread: Callable[[], float] = random.random) -> None:
        self._first = first
        self._most = most
        self._spread = spread
        self._pause = first

    def reset(self) -> None:
        """The last attempt was a success."""
        self._pause = self._first

    def next(self) -> float:
        """Seconds to wait now."""
        pause, self._pause = self._pause, min(self._most, self._pause * 2)
        return pause * (0.5 + 0.5 * self._spread())


class Refusals:
    """Tells a peer that is no more from one that cannot be reached: its machine answers, and nothing listens there."""

    SECONDS = 1.0
    """How long every attempt must have been refused: a restart in less is seen by what the new one has to tell."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._told = False

    def gone(self, now: float, *, refused: bool) -> bool:
        """After each attempt that failed. True once for each time that it is gone."""
        if not refused:
            self._since, self._told = None, False
            return False
        if self._since is None:
            self._since = now
        if self._told or now - self._since < self.SECONDS:
            return False
        self._told = True
        return True
