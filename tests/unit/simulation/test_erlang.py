"""The formulas against published values."""

from __future__ import annotations

import math

import pytest

from simulation import _erlang as erlang


def test_erlang_b_as_in_the_tables() -> None:
    # Tables of Erlang's loss formula: 10 erlangs on 10 lines; 1 erlang on 2.
    assert erlang.erlang_b(10, 10.0) == pytest.approx(0.2146, abs=5e-5)
    assert erlang.erlang_b(2, 1.0) == pytest.approx(0.2)


def test_erlang_c_as_in_the_textbook_call_centre() -> None:
    # 100 calls of 180 s in half an hour, 14 agents: 17.4 % wait, 88.8 % within 20 s, 7.8 s on average.
    exact = erlang.waiting(14, 100 / 1800, 180.0)
    assert exact.waits == pytest.approx(0.1741, abs=5e-5)
    assert exact.mean_wait == pytest.approx(7.84, abs=5e-3)
    assert erlang.answered_within(14, 100 / 1800, 180.0, 20.0) == pytest.approx(0.8884, abs=5e-5)


def test_erlang_a_as_in_garnett_mandelbaum_reiman() -> None:
    # 48 calls a minute, 1 minute of talk, 50 agents, patience 2 minutes: 3.1 % abandon, 3.7 s mean wait, 93 %
    # busy, 90th percentile 12.5 s; without abandonment 20.8 s and 96 %.
    exact = erlang.limited(50, 48 / 60, 60.0, 120.0)
    assert exact.abandoned == pytest.approx(0.031, abs=5e-4)
    assert exact.mean_wait == pytest.approx(3.7, abs=0.05)
    assert exact.busy == pytest.approx(0.93, abs=5e-3)
    endless = erlang.waiting(50, 48 / 60, 60.0)
    assert endless.mean_wait == pytest.approx(20.8, abs=0.05)
    assert endless.busy == pytest.approx(0.96)


def test_erlang_a_answered_within_is_all_who_do_not_abandon_in_the_long_run() -> None:
    exact = erlang.limited(10, 0.08, 150.0, 100.0)
    assert erlang.answered_within_impatient(10, 0.08, 150.0, 100.0, 5000.0) == pytest.approx(
        1 - exact.abandoned, abs=1e-6
    )


def test_limited_lines_are_erlang_b_without_waiting_places_and_erlang_c_with_endless_ones() -> None:
    none = erlang.limited(10, 10 / 150, 150.0, math.inf, lines=10)
    assert none.blocked == pytest.approx(erlang.erlang_b(10, 10.0))
    many = erlang.limited(10, 7 / 150, 150.0, math.inf, lines=4000)
    assert many.waits == pytest.approx(erlang.erlang_c(10, 7.0))
    assert many.mean_wait == pytest.approx(erlang.waiting(10, 7 / 150, 150.0).mean_wait)


def test_too_much_load_is_refused() -> None:
    with pytest.raises(ValueError, match="too much for 10 seats"):
        erlang.erlang_c(10, 10.0)
