"""A model from the calls of the past: arrivals per hour, talk times, patience, seats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from routing import Demand, Policy

from ._law import NEVER, Law, constant, exponential
from ._model import DAY, HOUR, CallerClass, Model, Rate, SeatGroup

LEAST = 20
"""Fewer calls say nothing about a day."""


class HistoryError(ValueError):
    """The calls are too few to make a model of."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """What the store knows of a call. Times in unix seconds; no number, no name."""

    arrived: float
    joined: float | None
    """A human answered."""
    ended: float | None
    seat: str | None = None


def model_of_history(
    calls: Iterable[PastCall], *, offset: float, wrap_up: float = 0.0, seats: int | None = None,
    policy: Policy | None = None,
) -> tuple[Model, list[str]]:  # fmt: skip
    """A model of the average day.

    Patience is taken as exponential; its mean is all waiting (of those answered, too) divided by the number who
    gave up: the estimate that does not forget that the answered would have waited longer.

    Args:
        calls: any order.
        offset: seconds to add to unix time for the local clock (Asia/Shanghai: 28800).
        wrap_up: seconds of wrap-up; the store does not know it.
        seats: on duty around the clock; None: in each hour as many as took calls in that hour of a day, on average.
        policy: the dispatcher's times.

    Returns:
        The model, and what was found, in words.

    Raises:
        HistoryError: fewer than 20 calls.
    """
    past = sorted((c for c in calls if c.ended is not None or c.joined is not None), key=lambda c: c.arrived)
    if len(past) < LEAST:
        raise HistoryError(f"{len(past)} finished calls in the history; at least {LEAST} are needed")
    arrived = np.asarray([c.arrived + offset for c in past])
    days = max(1, math.floor(arrived[-1] / DAY) - math.floor(arrived[0] / DAY) + 1)
    hours = (arrived % DAY // HOUR).astype(int)
    counts = np.bincount(hours, minlength=24) / days
    talk = sorted(c.ended - c.joined for c in past if c.joined is not None and c.ended is not None)
    if not talk:
        raise HistoryError("no call in the history was answered and has ended")
    left = [c for c in past if c.joined is None and c.ended is not None]
    waited = sum((c.joined if c.joined is not None else (c.ended or c.arrived)) - c.arrived for c in past)
    patience = exponential(max(waited / len(left), 1.0)) if left else NEVER
    groups = _groups(past, hours, seats)
    found = [
        f"{len(past)} calls on {days} day(s), {len(past) / days:.0f} a day",
        f"talk: mean {float(np.mean(talk)):.0f} s, median {float(np.median(talk)):.0f} s, longest {talk[-1]:.0f} s",
        f"abandoned: {len(left)} of {len(past)}; mean patience "
        + (f"{patience.mean:.0f} s" if left else "unknown (nobody gave up): endless"),
        f"seats: {sum(g.count for g in groups)}",
    ]
    model = Model(
        "历史通话 / call history",
        tuple(Rate(h * HOUR, (h + 1) * HOUR, float(counts[h]) / HOUR) for h in range(24)),
        (CallerClass("all", 1.0, Demand()),),
        groups,
        talk=Law("observed", float(np.mean(talk)), values=tuple(max(t, 0.0) for t in talk)),
        wrap_up=constant(wrap_up),
        patience=patience,
        answer=constant(3.0),
        policy=replace(policy or Policy(), wrap_up=wrap_up, keep_free={}),
    )
    return model, found


def _groups(past: list[PastCall], hours: np.ndarray[tuple[int], np.dtype[np.int_]], seats: int | None) -> tuple[
    SeatGroup, ...
]:  # fmt: skip
    if seats is not None:
        return (SeatGroup("seats", seats, {}),)
    names = sorted({c.seat for c in past if c.seat})
    groups: list[SeatGroup] = []
    for name in names:
        worked = sorted({int(h) for c, h in zip(past, hours, strict=True) if c.seat == name})
        # An hour without a call between two with one was on duty, too.
        shifts = tuple((h * HOUR, (h + 1) * HOUR) for h in range(worked[0], worked[-1] + 1))
        merged = ((shifts[0][0], shifts[-1][1]),)
        groups.append(SeatGroup(f"seat {len(groups) + 1}", 1, {}, shifts=() if len(shifts) == 24 else merged))
    return tuple(groups) or (SeatGroup("seats", 1, {}),)
