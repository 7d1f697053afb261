"""The loop around the dispatcher: people, clock, bookkeeping."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from routing import ModeConfig, Policy, Threshold
from simulation import draw, run_ours
from simulation._law import constant, exponential
from simulation._model import Absences, CallerClass, Rate, SeatGroup, Surge
from simulation.testing import callers, model, wish


def test_a_caller_is_answered_when_a_seat_is_free_and_the_next_when_it_is_free_again() -> None:
    out = run_ours(model(answer=constant(3.0), seats=(SeatGroup("s", 1, {}),)), callers(10.0, 20.0))
    assert out.answered == [pytest.approx(13.0), pytest.approx(10.0 + 3.0 + 100.0 + 3.0)]
    assert out.busy == [(0, 10.0, 113.0), (0, 113.0, 216.0)]


def test_a_step_opens_after_its_seconds_and_not_before() -> None:
    world = model(
        classes=(CallerClass("all", 1.0, wish(("wu", 6.0), ("putonghua", None))),),
        seats=(SeatGroup("wu", 1, {"wu": 1}), SeatGroup("general", 1, {"putonghua": 1})),
    )
    out = run_ours(world, callers(10.0, 20.0))
    assert out.answered == [10.0, 26.0]
    assert out.seat == [0, 1]
    assert out.step == [0, 1]


def test_a_caller_without_patience_leaves_and_frees_the_ringing_seat() -> None:
    world = model(answer=constant(8.0), seats=(SeatGroup("s", 1, {}),))
    out = run_ours(world, callers(10.0, 12.0, patience=[5.0, math.inf]))
    assert out.left[0] == 15.0
    assert math.isnan(out.answered[0])
    assert out.answered[1] == 15.0 + 8.0


def test_nobody_sits_there_the_offer_is_missed_and_the_caller_goes_on_at_once() -> None:
    world = model(answer=constant(2.0), policy=Policy(ring=8.0, wrap_up=0.0), absences=Absences(1.0))
    # Seat 0 is left alone until 500; seat 1 answers.
    out = run_ours(world, callers(10.0, absent=[[0.0, 500.0], []]))
    assert out.answered == [10.0 + 8.0 + 2.0]
    assert out.seat == [1]
    assert (0, 10.0, 18.0) in out.busy


def test_who_is_too_slow_for_the_ringing_time_has_missed_it() -> None:
    world = model(answer=exponential(10.0), policy=Policy(ring=8.0, wrap_up=0.0))
    slow = callers(10.0, answer=[0.9])  # 23 s; the next person: 7.3 s
    swift = world.answer.quantile(slow.swiftness(0, 1))
    assert world.answer.quantile(0.9) > 8.0 > swift
    out = run_ours(world, slow)
    assert out.answered == [pytest.approx(10.0 + 8.0 + swift)]
    assert sorted(out.seat + [s for s, _, b in out.busy if b == 18.0]) == [0, 1]


def test_a_talk_of_hours_goes_on_and_nobody_behind_it_is_forgotten() -> None:
    world = model(
        classes=(CallerClass("all", 1.0, wish(("wu", 6.0), ("putonghua", None))),), duration=7300.0,
        seats=(SeatGroup("wu", 1, {"wu": 1}), SeatGroup("general", 1, {"putonghua": 1})),
    )  # fmt: skip
    out = run_ours(world, callers(0.0, 7250.0, talk=[9000.0, 50.0]))
    assert out.answered == [0.0, 7256.0]


def test_a_seat_on_a_break_for_missed_offers_comes_back_with_its_person() -> None:
    world = model(
        answer=constant(2.0), policy=Policy(ring=8.0, wrap_up=0.0, missed_limit=1),
        absences=Absences(1.0, noticed=10.0), seats=(SeatGroup("s", 1, {}),),
    )  # fmt: skip
    out = run_ours(world, callers(10.0, absent=[[0.0, 60.0]]))
    assert out.answered == [60.0 + 10.0 + 2.0]


def test_lines_are_counted_with_those_who_talk() -> None:
    out = run_ours(model(lines=2, seats=(SeatGroup("s", 1, {}),)), callers(1.0, 2.0, 3.0, 102.0))
    assert out.blocked == [False, False, True, False]


def test_a_shift_ends_after_the_call_and_its_wrap_up() -> None:
    world = model(
        policy=Policy(wrap_up=60.0), seats=(SeatGroup("s", 1, {}, shifts=((0.0, 50.0),)), SeatGroup("t", 1, {})),
    )  # fmt: skip
    out = run_ours(world, callers(10.0, wrap=[30.0]))
    assert (0, 0.0, 140.0) in out.duty
    assert out.busy == [(0, 10.0, 140.0)]


def test_everybody_ends_exactly_once_whatever_happens() -> None:
    world = model(
        rates=(Rate(0.0, 3600.0, 0.2),), patience=exponential(60.0), talk=exponential(90.0), answer=exponential(5.0),
        wrap_up=exponential(20.0), policy=Policy(ring=8.0, wrap_up=60.0), lines=25,
        absences=Absences(2.0, constant(90.0)),
        classes=(CallerClass("a", 1.0, wish(("a", 5.0), ("b", None))), CallerClass("b", 1.0, wish(("b", None)))),
        seats=(SeatGroup("a", 5, {"a": 1, "b": 1}, shifts=((0.0, 2000.0),)), SeatGroup("b", 9, {"b": 1})),
    )  # fmt: skip
    for seed in range(5):
        out = run_ours(world, draw(world, seed))
        for i in range(len(out.callers)):
            ends = (not math.isnan(out.answered[i])) + (not math.isnan(out.left[i])) + out.blocked[i]
            assert ends == 1, (seed, i)
        for seat in range(out.seats):
            spans = sorted((a, b) for s, a, b in out.busy if s == seat)
            assert all(b <= c + 1e-9 for (_, b), (c, _) in pairwise(spans)), "two at once"


def test_in_a_surge_wrap_up_is_cut_while_callers_wait_and_made_up_for_later() -> None:
    mode = ModeConfig("surge", enter=Threshold(waiting=1), confirm=0.0, stay=0.0, wrap_up=10.0)
    world = model(
        policy=Policy(wrap_up=120.0), seats=(SeatGroup("s", 1, {}),), surge=Surge(mode),
    )  # fmt: skip
    out = run_ours(world, callers(0.0, 50.0, 400.0, wrap=[40.0, 40.0, 40.0]))
    assert out.answered[1] == 100.0 + 10.0, "10 s of wrap-up, because somebody waits"
    plain = run_ours(replace(world, surge=None), callers(0.0, 50.0, 400.0, wrap=[40.0, 40.0, 40.0]))
    assert plain.answered[1] == 140.0
    worked = [sum(b - a for _, a, b in x.busy) for x in (out, plain)]
    assert worked[0] == pytest.approx(worked[1]), "the work is put off, not dropped"
    assert out.surges
