"""How long a caller will wait: an honest estimate, and how wrong it was.

The caller at place n + 1 is served when n callers ahead have been served or have given up, and then one
more seat becomes free. With s seats that are each busy for h seconds a call, and waiting callers who
give up at a rate q each, callers leave the queue at s/h + q·n a second while n stand before this one.
The expected wait is the sum of 1 / (s/h + q·k) for k = 0 … n: the "queue length with abandonment" estimate of
Ibrahim and Whitt (2009), which does better than any estimate made from past waits when load changes: it
looks at the queue as it is now, and learns only h and q.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Mean:
    """A sum and its weight; what is older counts less, by half each `half` seconds."""

    half: float
    weight: float = 0.0
    total: float = 0.0
    at: float = 0.0

    def age(self, now: float) -> None:
        if now > self.at:
            keep = 0.5 ** ((now - self.at) / self.half)
            self.weight, self.total, self.at = self.weight * keep, self.total * keep, now

    def add(self, value: float, weight: float, now: float) -> None:
        self.age(now)
        self.weight += weight
        self.total += value

    def towards(self, prior: float, strength: float) -> float:
        """The mean, as if `strength` of weight had already been seen with the value `prior`."""
        return (self.total + prior * strength) / (self.weight + strength)


@dataclass(frozen=True, slots=True)
class _Told:
    at: float
    seconds: float
    bias: float
    cls: str


class Estimator:
    """Learns handling times and patience per class of demand. Times in seconds. Not thread-safe.

    A class is any short word ("plain", "wenzhou-wu", a centre's code). Little known classes lean on all calls,
    and these on the prior. Memory is bounded: the classes and told calls not used for longest are dropped.
    """

    def __init__(
        self, *, talk: float = 150.0, wrap_up: float = 60.0, patience: float = 600.0, half: float = 1800.0,
        classes: int = 256, calls: int = 4096,
    ) -> None:  # fmt: skip
        """Begins with a mean talk, wrap-up and patience, as strong as 20 calls seen.

        Args:
            half: after so long something seen counts half.
        """
        self._prior = talk + wrap_up
        self._patience = patience
        self._half = half
        self._busy: OrderedDict[str, _Mean] = OrderedDict()
        self._all = _Mean(half)
        self._gone = _Mean(half)
        """callers who gave up, over seconds waited by anyone"""
        self._bias: OrderedDict[str, _Mean] = OrderedDict()
        """seconds really waited after an estimate, over seconds estimated"""
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._max_classes, self._max_calls = classes, calls

    # ------------------------------------------------------------------ what is seen
    def handled(self, seconds: float, now: float, cls: str = "") -> None:
        """A seat was busy with a call for so long: from the offer until it was free again, wrap-up included."""
        if seconds <= 0 or not math.isfinite(seconds):
            return
        self._all.add(seconds, 1.0, now)
        self._of(self._busy, cls).add(seconds, 1.0, now)

    def matched(self, wait: float, now: float, cls: str = "") -> None:
        """A caller was offered to a seat after so long in the queue. (Patience is of all classes.)"""
        self._gone.add(0.0, max(0.0, wait), now)

    def left(self, wait: float, now: float, cls: str = "") -> None:
        """A caller gave up after so long in the queue."""
        self._gone.add(1.0 if wait >= 0 else 0.0, max(0.0, wait), now)

    # ------------------------------------------------------------------ what is expected
    def busy_time(self, now: float, cls: str = "") -> float:
        """The expected time that a seat is busy with one call of this class."""
        self._all.age(now)
        general = self._all.towards(self._prior, 20.0)
        mean = self._busy.get(cls)
        if mean is None:
            return general
        mean.age(now)
        return mean.towards(general, 20.0)

    def estimate(self, ahead: float, serving: int, now: float, cls: str = "") -> float | None:
        """Seconds until a caller with so many ahead is offered to one of `serving` seats.

        `ahead` may be a fraction: somebody who competes for some of these seats only counts in part.

        None: no seat serves, so nothing honest can be said.
        """
        if serving <= 0:
            return None
        self._gone.age(now)
        give_up = self._gone.towards(1 / self._patience, 20.0 * self._patience)
        rate = serving / self.busy_time(now, cls)
        return _drain(max(0.0, ahead), rate, give_up) * self._correction(now, cls)

    def _correction(self, now: float, cls: str) -> float:
        """What experience with this class's estimates adds: seats shared with other classes, long offers …"""
        bias = self._bias.get(cls)
        if bias is None:
            return 1.0
        bias.age(now)
        return min(3.0, max(1 / 3, bias.towards(1.0, 100.0 * self._prior)))

    # ------------------------------------------------------------------ what was said, and what came
    def told(self, call: str, seconds: float, now: float, cls: str = "") -> None:
        """The caller was told so; the latest word counts."""
        self._told.pop(call, None)
        self._told[call] = _Told(now, seconds, self._correction(now, cls), cls)
        if len(self._told) > self._max_calls:
            self._told.popitem(last=False)

    def answered(self, call: str, now: float) -> float | None:
        """The caller's wait is over. Returns estimate − actual (above 0: shorter than told); None: was told nothing."""
        told = self._told.pop(call, None)
        if told is None:
            return None
        actual = max(0.0, now - told.at)
        expected = max(1.0, told.seconds / told.bias)
        self._of(self._bias, told.cls).add(actual, expected, now)
        return told.seconds - actual

    def forget(self, call: str) -> None:
        """The caller has left; how long it would have waited nobody knows."""
        self._told.pop(call, None)

    def _of(self, table: OrderedDict[str, _Mean], cls: str) -> _Mean:
        mean = table.get(cls)
        if mean is None:
            mean = table[cls] = _Mean(self._half)
            if len(table) > self._max_classes:
                table.popitem(last=False)
        table.move_to_end(cls)
        return mean


EXACT = 100
"""Terms that are added one by one; the rest of a long queue is taken as an integral."""


def _drain(ahead: float, rate: float, give_up: float) -> float:
    """Σ 1 / (rate + give_up·k), k = 0 … ahead; of a last caller in part, that part."""
    last = min(int(ahead), EXACT)
    seconds = math.fsum(1 / (rate + give_up * k) for k in range(last + 1))
    if ahead - last > 1:
        return seconds + math.log((rate + give_up * (ahead + 0.5)) / (rate + give_up * (last + 0.5))) / give_up
    return seconds + (ahead - last) / (rate + give_up * (last + 1))
