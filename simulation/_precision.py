"""How exact a simulated figure is: batch means, and control variates that make few calls tell as much as many.

The controls come from a system whose answer is known without simulation: the same callers with as many seats as
they like (M/M/∞). How many of them would be in the house when a caller comes is Poisson distributed with the
offered load as its mean. Where these callers happened to make that system busier than it is on average, they made
the real one busier as well; the regression takes that part of the chance out. The estimate stays free of bias for
any matching: the controls know nothing of the dispatcher.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ._draw import Callers
from ._law import Floats

BATCHES = 50
T_95 = 2.02
"""Student's t for some forty degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and the half width of its 95 % confidence interval."""

    mean: float
    half: float

    def off(self, exact: float) -> float:
        """Relative difference from an exact value."""
        return self.mean / exact - 1

    def near(self, exact: float, part: float) -> bool:
        """Whether the mean lies within that part of the exact value, and is known well enough to say so."""
        return abs(self.off(exact)) <= part and self.half <= part * abs(exact)


def pooled(parts: Sequence[Estimate]) -> Estimate:
    """Independent runs of the same length as one."""
    half = math.sqrt(sum(p.half**2 for p in parts)) / len(parts)
    return Estimate(sum(p.mean for p in parts) / len(parts), half)


def plain(values: Floats, batches: int = BATCHES) -> Estimate:
    """Batch means without controls: what is left to do where no other system is known."""
    means = _means(values, batches)
    return Estimate(float(means.mean()), T_95 * float(means.std(ddof=1)) / math.sqrt(batches))


def controlled(values: Floats, callers: Callers, service: float, rate: float, seats: int, skip: int = 2000) -> Estimate:
    """The mean of one value per caller, with the endless system's controls.

    Args:
        values: one for each caller, in order of arrival.
        callers: who they were; arrivals Poisson at `rate`, talk exponential with mean `service`.
        service: mean time that a caller holds a seat.
        rate: calls per second.
        seats: where the controls look closest.
        skip: callers at the start that are left out (the house was empty).
    """
    at, talk = np.asarray(callers.at), np.asarray(callers.talk)
    met = np.arange(len(at)) - np.searchsorted(np.sort(at + talk), at, side="right")
    load = rate * service
    columns: list[tuple[Floats, float]] = [
        (np.diff(at, prepend=at[0]), 1 / rate),
        (talk, service),
        (met.astype(float), load),
        (np.maximum(met - seats, 0.0), _excess(load, seats)),
        ((met >= seats).astype(float), _tail(load, seats)),
        ((met >= seats + 3).astype(float), _tail(load, seats + 3)),
    ]
    y = _means(values[skip:], BATCHES)
    x = np.column_stack([_means(column[skip:], BATCHES) - known for column, known in columns])
    with_mean = np.column_stack((np.ones(BATCHES), x))
    weights, *_ = np.linalg.lstsq(with_mean, y, rcond=None)
    rest = y - with_mean @ weights
    spread = float(rest @ rest) / (BATCHES - with_mean.shape[1])
    share = float(np.linalg.pinv(with_mean.T @ with_mean)[0, 0])
    return Estimate(float(weights[0]), T_95 * math.sqrt(spread * share))


def _means(values: Floats, batches: int) -> Floats:
    length = len(values) // batches
    out: Floats = values[: length * batches].reshape(batches, length).mean(axis=1)
    return out


def _poisson(load: float, last: int) -> Floats:
    n = np.arange(last + 1)
    log = n * math.log(load) - load - np.asarray([math.lgamma(k + 1.0) for k in n])
    out: Floats = np.exp(log)
    return out


def _tail(load: float, least: int) -> float:
    return float(1 - _poisson(load, least - 1).sum())


def _excess(load: float, seats: int) -> float:
    last = int(load + 20 * math.sqrt(load) + 50)
    n = np.arange(last + 1)
    return float((np.maximum(n - seats, 0) * _poisson(load, last)).sum())
