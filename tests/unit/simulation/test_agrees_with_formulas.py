"""The simulation, with the real matching, against exact formulas: within 2 %, and known to within 2 %."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulation import _erlang as erlang
from simulation import draw, run_ours
from simulation._precision import Estimate, controlled, pooled
from simulation._reference import first_come
from simulation.validate import SERVICE, Compared, erlang_a, erlang_c, flexible, queue

PART = 0.02


def _together(runs: list[list[Compared]]) -> list[tuple[str, Estimate, float]]:
    """The seeds' estimates of each figure as one, beside the exact value."""
    return [(ones[0].figure, pooled([o.simulated for o in ones]), ones[0].exact) for ones in zip(*runs, strict=True)]


def test_erlang_c_by_the_real_matching() -> None:
    some, mean, level = _together([erlang_c(5, 0.6, 30_000, seed) for seed in (1, 2)])
    for figure, simulated, exact in (some, level):
        assert simulated.near(exact, PART), (figure, simulated, exact)
    # The mean wait needs a million calls (below); with these few it must still be where it may be.
    assert abs(mean[1].mean - mean[2]) <= 1.5 * mean[1].half, mean


def test_erlang_a_by_the_real_matching() -> None:
    for figure, simulated, exact in _together([erlang_a(5, 1.1, 150.0, 40_000, seed) for seed in (1, 2)]):
        assert simulated.near(exact, PART), (figure, simulated, exact)


@pytest.mark.parametrize(("load", "patience"), [(0.9, None), (1.2, 100.0)])
def test_every_single_caller_waits_as_first_come_first_served_says(load: float, patience: float | None) -> None:
    """The recursion's waits are exact for each caller: so what it says of a million calls holds for the matching."""
    model = queue(10, load, 8_000, patience)
    callers = draw(model, 3)
    out = run_ours(model, callers)
    waits, gone = first_come(callers, 10)
    for i in range(len(callers)):
        assert math.isnan(out.answered[i]) == gone[i]
        end = out.left[i] if gone[i] else out.answered[i]
        assert end - callers.at[i] == pytest.approx(waits[i], abs=1e-6)


def test_mean_wait_of_erlang_c_over_a_million_calls() -> None:
    exact = erlang.waiting(10, 7 / SERVICE, SERVICE)
    parts: list[Estimate] = []
    for seed in range(4):
        model = queue(10, 0.7, 250_000)
        callers = draw(model, seed)
        waits = np.asarray(first_come(callers, 10)[0])
        parts.append(controlled(waits, callers, SERVICE, 7 / SERVICE, 10))
    mean = pooled(parts)
    assert mean.near(exact.mean_wait, PART), (mean, exact.mean_wait)


def test_two_skills_come_close_to_all_as_wallace_and_whitt_found() -> None:
    """Six kinds of calls, 90 agents, 120 lines, 84 erlangs: the second skill brings nearly all that six bring."""
    waits, late, blocked = {}, {}, {}
    for skills in (1, 2, 6):
        out = flexible(skills, 30_000, 11)
        let_in = ~np.asarray(out.blocked)
        wait = (np.asarray(out.answered) - np.asarray(out.callers.at))[let_in]
        waits[skills], late[skills], blocked[skills] = wait.mean(), (wait > 15).mean(), 1 - let_in.mean()
    assert waits[1] > 3 * waits[6], "one skill is far worse: otherwise there is nothing to show"
    for figure, gain in ((waits, 0.90), (blocked, 0.90), (late, 0.75)):
        assert figure[1] - figure[2] >= gain * (figure[1] - figure[6]), figure
        assert figure[2] >= figure[6] - 1e-9
