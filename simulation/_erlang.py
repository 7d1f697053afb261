"""Exact formulas for one kind of callers and equal seats, to judge the simulation by.

All rates are per second, all times in seconds; a = λ/μ is the offered load in erlangs. Erlang-C: nobody gives
up (M/M/c). Erlang-A (Palm): patience is exponential (M/M/c+M). Limited: with a number of lines (M/M/c/K).
Sources: Gans, Koole, Mandelbaum (2003), "Telephone Call Centers"; Mandelbaum and Zeltyn (2007), "Service
Engineering in Action: The Palm/Erlang-A Queue".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ._law import Floats


@dataclass(frozen=True, slots=True)
class Exact:
    """What a formula says. Waits are until an answer or giving up, over all callers who were let in."""

    waits: float
    """Probability of not being served at once."""
    mean_wait: float
    abandoned: float = 0.0
    blocked: float = 0.0
    busy: float = 0.0
    """Mean occupancy of a seat."""


def erlang_b(seats: int, load: float) -> float:
    """Probability that all seats are busy when nobody can wait."""
    blocked = 1.0
    for n in range(1, seats + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(seats: int, load: float) -> float:
    """Probability of having to wait. Raises ValueError when the load is more than the seats can carry."""
    if load >= seats:
        raise ValueError(f"{load} erlangs are too much for {seats} seats when nobody gives up")
    blocked = erlang_b(seats, load)
    return blocked / (1 - load / seats * (1 - blocked))


def waiting(seats: int, rate: float, service: float) -> Exact:
    """Erlang-C: seats, calls per second, mean service time."""
    load = rate * service
    waits = erlang_c(seats, load)
    return Exact(waits, waits * service / (seats - load), busy=load / seats)


def answered_within(seats: int, rate: float, service: float, seconds: float) -> float:
    """Erlang-C: the share answered within so many seconds."""
    load = rate * service
    return 1 - erlang_c(seats, load) * math.exp(-(seats - load) * seconds / service)


def limited(seats: int, rate: float, service: float, patience: float = math.inf, lines: int | None = None) -> Exact:
    """Erlang-A, with or without a number of lines, by the birth and death chain itself.

    Args:
        seats: how many.
        rate: calls per second.
        service: mean service time.
        patience: mean patience; infinite: nobody gives up (then `lines` must be given or the load be bearable).
        lines: callers in the house at once.
    """
    p = _chain(seats, rate, service, patience, lines)
    n = np.arange(len(p))
    blocked = float(p[-1]) if lines is not None else 0.0
    let_in = rate * (1 - blocked)
    queue = float(np.sum(np.maximum(n - seats, 0) * p))
    waits = float(p[seats:].sum() - blocked) / (1 - blocked)
    busy = float(np.sum(np.minimum(n, seats) * p)) / seats
    gone = queue / patience / let_in if math.isfinite(patience) else 0.0
    return Exact(waits, queue / let_in, gone, blocked, busy)


def answered_within_impatient(seats: int, rate: float, service: float, patience: float, seconds: float) -> float:
    """Erlang-A: the share of all callers who are answered within so many seconds.

    The offered wait has the density λ p(c-1) exp(λ(1-e^(-θx))/θ - cμx); who has the patience for it is answered.
    """
    theta, mu = 1 / patience, 1 / service
    p = _chain(seats, rate, service, patience, None)
    x = np.linspace(0.0, seconds, 20001)
    density = rate * p[seats - 1] * np.exp(rate * -np.expm1(-theta * x) / theta - seats * mu * x)
    return float(p[:seats].sum() + np.trapezoid(density * np.exp(-theta * x), x))


def _chain(seats: int, rate: float, service: float, patience: float, lines: int | None) -> Floats:
    """Probabilities of 0, 1, 2 … callers in the house, far enough."""
    last = lines if lines is not None else seats + 20000
    n = np.arange(1, last + 1)
    leave = np.minimum(n, seats) / service
    if math.isfinite(patience):
        leave = leave + np.maximum(n - seats, 0) / patience
    log = np.concatenate(([0.0], np.cumsum(np.log(rate) - np.log(leave))))
    p = np.exp(log - log.max())
    out: Floats = p / p.sum()
    return out
