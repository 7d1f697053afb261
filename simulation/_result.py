"""An outcome as figures: per hour of arrival, per class, and for the whole run.

Every share is shown with its numerator and denominator. The clock of a wait starts when the caller enters the
queue (after the greeting) and ends when a human answers. The denominator is everybody who entered the queue;
nobody is left out, however soon he gave up. Beyond the threshold are those answered later than it and those
who gave up after it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing import Seat

from ._law import Floats
from ._model import HOUR, Model, all_seats
from ._outcome import Outcome

CLOCK = "入队起算, 至人工应答 / from entering the queue until a human answers"


@dataclass(frozen=True, slots=True)
class Row:
    """The callers of one hour, class or run. Waits in seconds, of those who were answered."""

    name: str
    arrivals: int
    answered: int
    abandoned: int
    blocked: int
    within: int
    """Answered within the threshold."""
    beyond: int
    """Answered later than the threshold, or given up after it."""
    mean: float
    p50: float
    p90: float
    p99: float
    occupancy: tuple[float, float, float] | None = None
    """Least, mean and greatest part of its time on duty that a seat was busy (offered, talking, wrapping up)."""
    on_duty: float = 0.0
    """Seats on duty, mean over the hour."""
    fit: float = math.nan
    """Of the answered, the share whose seat fits the first of their steps (speaks the dialect, knows the field)."""

    @property
    def share(self) -> float:
        """Answered within the threshold / entered the queue."""
        return self.within / self.arrivals if self.arrivals else math.nan


@dataclass(frozen=True, slots=True)
class Result:
    """One run, or several put together."""

    name: str
    threshold: float
    hours: tuple[Row, ...]
    classes: tuple[Row, ...]
    total: Row
    runs: int
    beyond_runs: tuple[int, ...]
    """`beyond` of each run, for the spread."""
    surge: float
    """Seconds in surge mode, mean of the runs."""
    calls_per_second: float
    """Speed of the simulation."""

    def json(self) -> dict[str, Any]:
        """Plain values; a figure that does not exist is null."""
        return {
            "name": self.name, "clock": CLOCK, "threshold_seconds": self.threshold, "runs": self.runs,
            "numerator": "answered within the threshold", "denominator": "all who entered the queue",
            "hours": [_json(r) for r in self.hours], "classes": [_json(r) for r in self.classes],
            "total": _json(self.total), "beyond_runs": list(self.beyond_runs), "surge_seconds": self.surge,
            "simulated_calls_per_second": round(self.calls_per_second),
        }  # fmt: skip


def _json(row: Row) -> dict[str, Any]:
    data: dict[str, Any] = {k: (None if isinstance(v, float) and math.isnan(v) else v) for k, v in asdict(row).items()}
    return data | {"share_within": None if math.isnan(row.share) else round(row.share, 6)}


def summarise(name: str, model: Model, outcomes: Sequence[Outcome]) -> Result:
    """The figures of one or several runs (replications are put together: rows count callers of all runs)."""
    calls = _Calls.of(model, outcomes)
    counted = calls.at >= model.warm_up
    hours = []
    for h in range(math.ceil(model.duration / HOUR)):
        chosen = counted & (calls.at >= h * HOUR) & (calls.at < (h + 1) * HOUR)
        seats = _seat_hours(outcomes, h * HOUR, min((h + 1) * HOUR, model.duration))
        hours.append(_row(f"{h % 24:02d}:00", calls, chosen, model.threshold, seats))
    classes = tuple(
        _row(c.name, calls, counted & (calls.kind == i), model.threshold) for i, c in enumerate(model.classes)
    )
    total = _row("total", calls, counted, model.threshold, _seat_hours(outcomes, model.warm_up, model.duration))
    beyond = []
    for outcome in outcomes:
        one = _Calls.of(model, [outcome])
        beyond.append(_row("", one, one.at >= model.warm_up, model.threshold).beyond)
    surge = sum(b - a for o in outcomes for a, b in o.surges) / len(outcomes)
    speed = sum(len(o.callers) for o in outcomes) / max(sum(o.elapsed for o in outcomes), 1e-9)
    return Result(name, model.threshold, tuple(hours), classes, total, len(outcomes), tuple(beyond), surge, speed)


@dataclass(frozen=True, slots=True)
class _Calls:
    """One array per fact, one value per caller; NaN: it did not come to that."""

    at: Floats
    kind: NDArray[np.int64]
    wait: Floats
    gone: Floats
    blocked: NDArray[np.bool_]
    fit: Floats
    """1: the seat fits the caller's first step; 0: a later one."""

    @classmethod
    def of(cls, model: Model, outcomes: Sequence[Outcome]) -> _Calls:
        first = [c.demand.circles()[0] for c in model.classes]
        seats = [Seat("", "", group.centre, group.skills) for group in all_seats(model)]
        fits = np.asarray([[float(step.fits(seat)) for seat in seats] + [math.nan] for step in first])
        parts = []
        for o in outcomes:
            at, kind = np.asarray(o.callers.at), np.asarray(o.callers.kind, np.int64)
            parts.append((
                at, kind, np.asarray(o.answered) - at, np.asarray(o.left) - at, np.asarray(o.blocked, np.bool_),
                fits[kind, np.asarray(o.seat, np.int64)],
            ))  # fmt: skip
        return cls(*(np.concatenate(x) for x in zip(*parts, strict=True)))


def _row(
    name: str, calls: _Calls, chosen: NDArray[np.bool_], limit: float, seats: tuple[Floats, Floats] | None = None
) -> Row:
    waits, gave_up, blocks = calls.wait[chosen], calls.gone[chosen], int(calls.blocked[chosen].sum())
    waits, fits = waits[~np.isnan(waits)], calls.fit[chosen & ~np.isnan(calls.wait)]
    gave_up = gave_up[~np.isnan(gave_up)]
    within = int((waits <= limit).sum())
    late = int((waits > limit).sum() + (gave_up > limit).sum())
    p50, p90, p99 = np.percentile(waits, (50, 90, 99)) if len(waits) else (math.nan,) * 3
    occupancy, on_duty = None, 0.0
    if seats is not None:
        busy, duty = seats
        on_duty = float(duty.sum())
        there = duty > 0.2 * max(duty.max(initial=0.0), 1e-9)  # who was there for a few minutes says little
        if there.any():
            part = busy[there] / duty[there]
            occupancy = (float(part.min()), float(busy.sum() / duty.sum()), float(part.max()))
    return Row(
        name, int(chosen.sum()), len(waits), len(gave_up), blocks, within, late,
        float(waits.mean()) if len(waits) else math.nan, float(p50), float(p90), float(p99), occupancy, on_duty,
        float(fits.mean()) if len(fits) else math.nan,
    )  # fmt: skip


def _seat_hours(outcomes: Sequence[Outcome], begin: float, end: float) -> tuple[Floats, Floats]:
    """Parts of [begin, end) that each seat was busy and on duty, mean over the runs."""
    busy, duty = np.zeros(outcomes[0].seats), np.zeros(outcomes[0].seats)
    for outcome in outcomes:
        for target, spans in ((busy, outcome.busy), (duty, outcome.duty)):
            if spans:
                table = np.asarray(spans)
                inside = np.clip(np.minimum(table[:, 2], end) - np.maximum(table[:, 1], begin), 0, None)
                np.add.at(target, table[:, 0].astype(np.int64), inside)
    length = max(end - begin, 1e-9) * len(outcomes)
    return busy / length, duty / length
