"""`python -m simulation.validate`: the simulation, with the real matching, beside exact formulas."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from routing import Demand

from . import _erlang
from ._draw import draw
from ._law import NEVER, exponential
from ._model import CallerClass, Model, Rate, SeatGroup
from ._ours import run_ours
from ._outcome import Outcome
from ._precision import Estimate, controlled

SERVICE = 150.0
"""Mean talk in seconds."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure: simulated and exact."""

    queue: str
    figure: str
    simulated: Estimate
    exact: float

    @property
    def off(self) -> float:
        """Relative difference."""
        return self.simulated.off(self.exact)


def queue(seats: int, load: float, calls: int, patience: float | None = None) -> Model:
    """M/M/c, or with a mean patience M/M/c+M, at `load` erlangs for each seat."""
    rate = seats * load / SERVICE
    return Model(
        "queue", (Rate(0.0, calls / rate, rate),), (CallerClass("all", 1.0, Demand()),),
        (SeatGroup("seats", seats, {}),), duration=calls / rate, talk=exponential(SERVICE),
        patience=exponential(patience) if patience else NEVER,
    )  # fmt: skip


def erlang_c(seats: int, load: float, calls: int, seed: int, seconds: float = 15.0) -> list[Compared]:
    """P(wait), mean wait and service level of M/M/c."""
    model = queue(seats, load, calls)
    out = run_ours(model, draw(model, seed))
    rate, waits = model.rates[0].per_second, _waits(out)
    exact = _erlang.waiting(seats, rate, SERVICE)
    name = f"M/M/{seats}, {load:.0%}"
    return [
        Compared(name, "P(wait)", _estimate((waits > 0).astype(float), out, rate, seats), exact.waits),
        Compared(name, "mean wait, s", _estimate(waits, out, rate, seats), exact.mean_wait),
        Compared(
            name, f"answered ≤ {seconds:.0f} s", _estimate((waits <= seconds).astype(float), out, rate, seats),
            _erlang.answered_within(seats, rate, SERVICE, seconds),
        ),
    ]  # fmt: skip


def erlang_a(seats: int, load: float, patience: float, calls: int, seed: int, seconds: float = 15.0) -> list[Compared]:
    """P(abandon), mean wait and service level of M/M/c+M."""
    model = queue(seats, load, calls, patience)
    out = run_ours(model, draw(model, seed))
    rate, waits = model.rates[0].per_second, _waits(out)
    gone = ~np.isnan(np.asarray(out.left))
    exact = _erlang.limited(seats, rate, SERVICE, patience)
    name = f"M/M/{seats}+M, {load:.0%}, patience {patience:.0f} s"
    return [
        Compared(name, "P(abandon)", _estimate(gone.astype(float), out, rate, seats), exact.abandoned),
        Compared(name, "mean wait, s", _estimate(waits, out, rate, seats), exact.mean_wait),
        Compared(
            name, f"answered ≤ {seconds:.0f} s",
            _estimate(((waits <= seconds) & ~gone).astype(float), out, rate, seats),
            _erlang.answered_within_impatient(seats, rate, SERVICE, patience, seconds),
        ),
    ]  # fmt: skip


def _waits(out: Outcome) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    answered, left = np.asarray(out.answered), np.asarray(out.left)
    waits: np.ndarray[tuple[int], np.dtype[np.float64]] = np.where(np.isnan(left), answered, left) - np.asarray(
        out.callers.at
    )
    return waits


def _estimate(values: np.ndarray[tuple[int], np.dtype[np.float64]], out: Outcome, rate: float, seats: int) -> Estimate:
    return controlled(values, out.callers, SERVICE, rate, seats)


def flexible(skills: int, calls: int, seed: int, load: float = 84.0) -> Outcome:
    """Wallace and Whitt's call centre: 6 kinds of calls, 90 agents, 120 lines; each agent has so many skills.

    Balanced: each kind is the first skill of 15 agents; the others follow in all orders, equally often.
    """
    kinds, rate = 6, load / SERVICE
    groups = []
    for first in range(kinds):
        others = [k for k in range(kinds) if k != first]
        for turn in range(len(others)):
            own = [first, *(others[turn:] + others[:turn])][:skills]
            groups.append(SeatGroup(f"{first}/{turn}", 3, {f"skill-{k}": 5 for k in own}))
    model = Model(
        "Wallace and Whitt", (Rate(0.0, calls / rate, rate),),
        tuple(CallerClass(f"{k}", 1.0, Demand(((f"skill-{k}", 1),))) for k in range(kinds)), tuple(groups),
        duration=calls / rate, talk=exponential(SERVICE), lines=120,
    )  # fmt: skip
    return run_ours(model, draw(model, seed))


def reports(calls: int) -> Iterator[Compared]:
    """The cases of docs/simulation.md."""
    yield from erlang_c(3, 0.5, calls, 1)
    yield from erlang_c(10, 0.7, calls, 2)
    yield from erlang_c(20, 0.8, calls, 3)
    yield from erlang_a(10, 1.1, 150.0, calls, 4)
    yield from erlang_a(20, 1.0, 300.0, calls, 5)
    yield from erlang_a(100, 1.0, 150.0, calls, 6)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m simulation.validate", description=__doc__)
    parser.add_argument("--calls", type=int, default=400_000, help="callers in each case")
    asked = parser.parse_args(arguments)
    print("| queue | figure | exact | simulated | ± (95 %) | off |\n|---|---|---|---|---|---|")
    for one in reports(asked.calls):
        s = one.simulated
        print(
            f"| {one.queue} | {one.figure} | {one.exact:.4f} | {s.mean:.4f} | {s.half:.4f} | {one.off:+.2%} |",
            flush=True,
        )
    print("\n| skills per agent | P(wait) | mean wait, s | answered ≤ 15 s | busy tone |\n|---|---|---|---|---|")
    for skills in (1, 2, 3, 6):
        out = flexible(skills, asked.calls // 2, 7)
        let_in = ~np.asarray(out.blocked)
        waits = _waits(out)[let_in]
        print(
            f"| {skills} | {np.mean(waits > 0):.4f} | {np.mean(waits):.2f} | {np.mean(waits <= 15):.4f} |"
            f" {1 - let_in.mean():.4f} |", flush=True,
        )  # fmt: skip
    exact = _erlang.limited(90, 84 / SERVICE, SERVICE, math.inf, 120)
    print(f"| formula for 6 | {exact.waits:.4f} | {exact.mean_wait:.2f} | | {exact.blocked:.4f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
