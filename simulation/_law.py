"""Distributions of times: talk, wrap-up, patience, answering. Values in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Law:
    """A distribution of a time that cannot be negative.

    `never` is for patience: nobody gives up. `observed` takes what was measured, each value as likely as
    the next one.
    """

    kind: str = "constant"
    """constant | exponential | lognormal | never | observed"""
    mean: float = 0.0
    cv: float = 1.0
    """Coefficient of variation (standard deviation / mean); lognormal only."""
    values: tuple[float, ...] = ()
    """Sorted; observed only."""

    def quantile(self, u: float) -> float:
        """The value that is not exceeded with probability u (0 ≤ u < 1)."""
        if self.kind == "exponential":
            return -self.mean * math.log1p(-u)
        if self.kind == "lognormal" and self.mean > 0:
            mu, sigma = self._log()
            return math.exp(mu + sigma * _NORMAL.inv_cdf(min(max(u, 1e-12), 1 - 1e-12)))
        if self.kind == "observed":
            return self.values[int(u * len(self.values))]
        return math.inf if self.kind == "never" else self.mean

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """n independent values."""
        if self.kind == "exponential":
            return rng.exponential(self.mean, n)
        if self.kind == "lognormal" and self.mean > 0:
            mu, sigma = self._log()
            return rng.lognormal(mu, sigma, n)
        if self.kind == "observed":
            return rng.choice(np.asarray(self.values), n)
        return np.full(n, math.inf if self.kind == "never" else self.mean)

    def average(self) -> float:
        """The mean, in seconds."""
        if self.kind == "observed":
            return float(np.mean(self.values))
        return math.inf if self.kind == "never" else self.mean

    def _log(self) -> tuple[float, float]:
        variance = math.log1p(self.cv * self.cv)
        return math.log(self.mean) - variance / 2, math.sqrt(variance)


def constant(seconds: float) -> Law:
    """Always the same."""
    return Law("constant", seconds)


def exponential(mean: float) -> Law:
    """Memoryless, as Erlang's formulas suppose."""
    return Law("exponential", mean)


def lognormal(mean: float, cv: float = 1.0) -> Law:
    """What talk times look like in measured call centres."""
    return Law("lognormal", mean, cv)


NEVER = Law("never")
"""Patience without end."""
