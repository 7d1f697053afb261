"""app_queue's rules, one by one, in worlds in which every moment is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from simulation import AppQueue, draw, run_app_queue
from simulation._law import constant, exponential
from simulation._model import Absences, CallerClass, Members, Queue, Rate, SeatGroup
from simulation.testing import callers, model, one_queue, wish

ONE = (SeatGroup("s", 1, {}),)


def test_who_waits_looks_once_a_second_counted_from_his_own_entry() -> None:
    out = run_app_queue(model(seats=ONE), one_queue(), callers(10.0, 20.3))
    # The seat is free again at 110.0; the caller looks at 20.3 + n.
    assert out.answered == [10.0, pytest.approx(110.3)]


def test_only_so_many_callers_have_their_turn_as_members_are_available() -> None:
    out = run_app_queue(model(seats=ONE), one_queue(), callers(10.0, 20.9, 21.1))
    # The third looks at 110.1, the second at 110.9: still the second, by position.
    assert out.answered[1] == pytest.approx(110.9)
    assert out.answered[2] == pytest.approx(211.1)


def test_lower_penalties_are_rung_first_then_the_longest_without_a_call() -> None:
    seats = (SeatGroup("expert", 1, {"x": 1}), SeatGroup("s", 2, {}))
    rules = one_queue(members=(Members((("x", 1),), 1), Members((), 0)))
    out = run_app_queue(model(seats=seats), rules, callers(0.0, 1.0, 2.0, 150.0))
    assert out.seat == [1, 2, 0, 1]


def test_members_above_the_greatest_penalty_count_as_available_and_are_not_rung() -> None:
    seats = (SeatGroup("general", 1, {"g": 1}),)
    rules = one_queue(
        members=(Members((("x", 1),), 0), Members((("g", 1),), 1)), penalties=((0.0, 0), (7.0, 1)), retry=5.0
    )
    out = run_app_queue(model(seats=seats), rules, callers(10.0))
    # His turn at once, nobody to ring: a pause of 5 s, again nobody, 5 s more; since 17.0 he may have the general seat.
    assert out.answered == [20.0]


def test_ring_all_rings_everybody_for_one_caller_and_the_next_one_waits() -> None:
    out = run_app_queue(model(answer=constant(4.0)), one_queue(strategy="ringall"), callers(10.0, 11.3))
    assert out.answered[0] == 14.0
    assert out.answered[1] == pytest.approx(14.3 + 4.0), "he looks at 14.3: the phones are silent since 14.0"
    assert sorted(out.busy)[0][1] == 10.0, "both phones rang for the first"


def test_ring_all_is_as_fast_as_the_fastest_person() -> None:
    world = model(answer=exponential(4.0), seats=(SeatGroup("s", 10, {}),))
    out = run_app_queue(world, one_queue(strategy="ringall"), callers(10.0, answer=[0.5]))
    assert out.answered[0] - 10.0 == pytest.approx(4.0 * math.log(2) / 10)


def test_the_absent_member_stays_longest_idle_and_is_rung_again_and_again() -> None:
    world = model(answer=constant(2.0), absences=Absences(1.0), seats=(SeatGroup("s", 2, {}),))
    alone = [[0.0, 500.0], []]
    # The second seat has had a call since; seat 0 never: it is the longest without one.
    out = run_app_queue(world, one_queue(timeout=15.0, retry=5.0), callers(10.0, absent=alone, patience=[70.0]))
    assert out.left == [80.0], "15 s of ringing and 5 s of pause, four times over"
    paused = run_app_queue(world, one_queue(timeout=15.0, retry=5.0, autopause=True), callers(10.0, absent=alone))
    assert paused.answered == [10.0 + 15.0 + 5.0 + 2.0]


def _two(weight: int = 0, timeout: float | None = None) -> AppQueue:
    return AppQueue("two", (
        Queue("a", ("a",), (Members((("a", 1),)),), timeout=timeout, then="b" if timeout else None),
        Queue("b", ("b",), (Members((("b", 1),)),), weight=weight),
    ))  # fmt: skip


KINDS = (CallerClass("a", 1.0, wish(("a", None))), CallerClass("b", 1.0, wish(("b", None))))


def test_a_queue_of_greater_weight_holds_the_shared_member_back() -> None:
    world = model(classes=KINDS, seats=(SeatGroup("both", 1, {"a": 1, "b": 1}),))
    three = {"kind": [0, 0, 1]}
    out = run_app_queue(world, _two(), callers(0.0, 10.1, 20.9, **three))
    assert out.answered[1:] == [pytest.approx(100.1), pytest.approx(200.9)], "who looks first"
    out = run_app_queue(world, _two(weight=1), callers(0.0, 10.1, 20.9, **three))
    assert out.answered[2] == pytest.approx(100.9)
    assert out.answered[1] > 200.0


def test_queue_s_timeout_sends_to_the_end_of_the_next_queue() -> None:
    world = model(classes=KINDS, seats=(SeatGroup("a", 1, {"a": 1}), SeatGroup("b", 1, {"b": 1})))
    out = run_app_queue(world, _two(timeout=10.0), callers(0.0, 1.0, 5.0, 6.5, kind=[0, 1, 0, 1]))
    # The third leaves queue a at 15.0 and stands behind the fourth, who came later.
    assert out.answered[3] == pytest.approx(101.5)
    assert out.answered[2] == pytest.approx(202.0)


def test_a_queue_without_members_sends_on_at_once() -> None:
    world = model(classes=KINDS, seats=(SeatGroup("b", 1, {"b": 1}),))
    out = run_app_queue(world, _two(timeout=10.0), callers(5.0, kind=[0]))
    assert out.answered == [5.0]


@pytest.mark.parametrize("strategy", ["ringall", "leastrecent", "fewestcalls", "rrmemory", "linear", "random"])
def test_everybody_ends_exactly_once_whatever_happens(strategy: str) -> None:
    world = model(
        rates=(Rate(0.0, 3600.0, 0.2),), patience=exponential(60.0), talk=exponential(90.0), answer=exponential(5.0),
        wrap_up=exponential(20.0), lines=25, absences=Absences(2.0, constant(90.0)), classes=KINDS,
        seats=(SeatGroup("a", 5, {"a": 1, "b": 1}, shifts=((0.0, 2000.0),)), SeatGroup("b", 9, {"b": 1})),
    )  # fmt: skip
    rules = AppQueue("two", _two(1, 20.0).queues, strategy=strategy, autopause=strategy == "linear")
    for seed in range(3):
        out = run_app_queue(world, rules, draw(world, seed))
        for i in range(len(out.callers)):
            ends = (not math.isnan(out.answered[i])) + (not math.isnan(out.left[i])) + out.blocked[i]
            assert ends == 1, (seed, i)
        for seat in range(out.seats):
            spans = sorted((a, b) for s, a, b in out.busy if s == seat)
            assert all(b <= c + 1e-9 for (_, b), (c, _) in pairwise(spans)), "two at once"
