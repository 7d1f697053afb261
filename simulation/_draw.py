"""The callers of one run, drawn once: every set of rules meets the same people (common random numbers).

Each quantity has a random stream of its own, so that changing one law leaves the others' draws as they were.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._law import Floats, Law
from ._model import HOUR, Model, all_seats


@dataclass(frozen=True, slots=True)
class Callers:
    """One value per caller, in order of arrival. Lists, because the loops read single values."""

    at: list[float]
    """Seconds since the start of the run at which the caller enters the queue."""
    kind: list[int]
    """Index of the class."""
    talk: list[float]
    wrap: list[float]
    patience: list[float]
    answer: list[float]
    """A uniform number; the answering law makes seconds of it (of the fastest of k phones, too)."""
    absent: list[list[float]]
    """For each seat: begin, end, begin, end … of the times at which nobody sits there to answer."""

    def __len__(self) -> int:
        return len(self.at)

    def swiftness(self, i: int, missed: int) -> float:
        """The uniform number for the offer of caller i after so many missed ones: another person, another number."""
        return (self.answer[i] + missed * 0.6180339887) % 1.0

    def back_at(self, seat: int, now: float) -> float | None:
        """When the seat's person is back; None: he is there."""
        times = self.absent[seat] if self.absent else None
        if not times:
            return None
        i = bisect.bisect_right(times, now)
        return times[i] if i % 2 else None


def draw(model: Model, seed: int) -> Callers:
    """The callers of one run. The same model and seed give the same callers."""
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(7)]
    at = _arrivals(model, streams[0])
    n = len(at)
    shares = np.asarray([c.share for c in model.classes])
    kind = streams[1].choice(len(shares), n, p=shares / shares.sum()) if len(shares) > 1 else np.zeros(n, np.int64)
    talk = _by_class(model, kind, streams[2], model.talk, [c.talk for c in model.classes])
    patience = _by_class(model, kind, streams[3], model.patience, [c.patience for c in model.classes])
    wrap = model.wrap_up.draw(streams[4], n)
    if model.policy.wrap_up > 0:
        wrap = np.minimum(wrap, model.policy.wrap_up)
    return Callers(
        at.tolist(), kind.tolist(), talk.tolist(), wrap.tolist(), patience.tolist(), streams[5].random(n).tolist(),
        _absences(model, streams[6]),
    )  # fmt: skip


def _absences(model: Model, rng: np.random.Generator) -> list[list[float]]:
    if not model.absences.per_hour:
        return []
    out = []
    for _ in all_seats(model):
        times = np.sort(rng.uniform(0, model.duration, rng.poisson(model.absences.per_hour * model.duration / HOUR)))
        ends = times + model.absences.length.draw(rng, len(times))
        ends[:-1] = np.minimum(ends[:-1], times[1:])
        out.append(np.column_stack((times, ends)).ravel().tolist())
    return out


def _arrivals(model: Model, rng: np.random.Generator) -> Floats:
    """A Poisson stream whose rate changes in steps: in each step, as many as Poisson says, anywhere."""
    parts = []
    days = int(np.ceil(model.duration / max(r.end for r in model.rates)))
    length = max(r.end for r in model.rates)
    for day in range(days):
        for rate in model.rates:
            begin, end = day * length + rate.begin, min(day * length + rate.end, model.duration)
            if end > begin:
                parts.append(rng.uniform(begin, end, rng.poisson(rate.per_second * (end - begin))))
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0)


def _by_class(
    model: Model, kind: NDArray[np.int64], rng: np.random.Generator, law: Law, own: list[Law | None]
) -> Floats:
    if not any(own):
        return law.draw(rng, len(kind))
    out = np.zeros(len(kind))
    for i, special in enumerate(own):
        chosen = kind == i
        out[chosen] = (special or law).draw(rng, int(chosen.sum()))
    return out
