"""Who is let in: never more than the limits say, never fewer, whatever comes and whatever the clock does."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import Admission, Crowd, Knock, Limits, TrunkLimit
from calls._admission import Throttle, TokenBucket, Windows

WIDE = Limits(most=10**6, rate=10**6, burst=10**6, waiting_least=10**6)
NUMBERS = st.sampled_from(["13800000001", "13800000002", "13800000003"])
PAUSES = st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.5, 1.0, 7.0, 40.0]), NUMBERS), max_size=120)
JUMPS = st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=60)


# ---------------------------------------------------------------------- a number, a window
@given(PAUSES, st.integers(1, 5), st.sampled_from([1.0, 10.0, 60.0]))
def test_no_window_of_any_length_holds_more_than_its_number_may_and_nobody_is_refused_below_it(steps, most, seconds):
    windows, now, let = Windows(most, seconds), 0.0, []
    for pause, number in steps:
        now += pause
        inside = sum(1 for at, n in let if n == number and at > now - seconds)
        assert windows.full(number, now) == (inside >= most)
        if not windows.full(number, now):
            windows.note(number, now)
            let.append((now, number))


@given(JUMPS)
def test_a_clock_that_jumps_shuts_nobody_out_for_longer_than_a_window_and_lets_nobody_in_above_the_rate(times):
    windows = Windows(2, 60.0)
    for now in times:
        if not windows.full("a", now):
            windows.note("a", now)
        windows.full("a", now)
        assert not deepcopy(windows).full("a", now + 61.0)
        assert len(windows._times.get("a", ())) <= 2


def test_memory_of_numbers_is_bounded_and_the_forgotten_are_let_in():
    windows = Windows(1, 600.0, keys=100)
    for i in range(10_000):
        windows.note(str(i), 0.0)
    assert len(windows) == 100
    assert windows.full("9999", 1.0)
    assert not windows.full("0", 1.0)
    for i in range(200):
        windows.note(f"later {i}", 10_000.0)
    assert len(windows) <= 100


def test_who_has_not_called_for_a_window_is_forgotten():
    windows = Windows(5, 10.0)
    for i in range(1000):
        windows.note(str(i), float(i))
    assert len(windows) <= 12


# ---------------------------------------------------------------------- buckets
@given(st.lists(st.sampled_from([0.0, 0.01, 0.1, 0.3, 2.0]), max_size=200), st.integers(1, 20), st.integers(1, 20))
def test_no_stretch_of_time_lets_through_more_than_burst_and_rate(pauses, rate, burst):
    bucket, now, let = TokenBucket(rate, burst), 0.0, []
    for pause in pauses:
        now += pause
        had = bucket.left(now)
        assert bucket.take(now) == (had >= 1.0)
        if had >= 1.0:
            let.append(now)
    for i, first in enumerate(let):
        for j in range(i, len(let)):
            assert j - i + 1 <= burst + rate * (let[j] - first) + 1e-6


@given(st.integers(1, 20), st.integers(1, 200))
def test_a_caller_below_the_rate_is_never_refused(rate, n):
    bucket = TokenBucket(rate, 1)
    assert all(bucket.take(i * (1 / rate + 1e-9)) for i in range(n))


@given(JUMPS, st.integers(1, 10))
def test_a_clock_that_jumps_fills_no_bucket_above_its_burst_and_empties_none(times, burst):
    bucket = TokenBucket(5.0, burst)
    for now in times:
        before = bucket._tokens
        left = bucket.left(now)
        assert before <= left <= burst
        bucket.take(now)
        assert bucket._tokens >= 0


# ---------------------------------------------------------------------- the rate that gives way
def test_the_rate_gives_way_while_answers_are_late_and_callers_press_in_and_comes_back():
    throttle = Throttle(50.0, 10.0, 0.25)
    now = 0.0
    for _ in range(40):
        now += 0.25
        throttle.look(1.0, 100.0, now)
    assert throttle.rate == 10.0
    for _ in range(4 * 25):
        now += 0.25
        throttle.look(0.01, 100.0, now)
    assert throttle.rate == 50.0


def test_a_slow_machine_that_nobody_calls_turns_nobody_away():
    throttle = Throttle(50.0, 10.0, 0.25)
    for i in range(100):
        throttle.look(5.0, 2.0, i * 0.25)
    assert throttle.rate == 50.0


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0, 100), st.floats(0, 1e4)), max_size=60))
def test_the_rate_stays_within_its_bounds_whatever_is_measured(looks):
    throttle = Throttle(50.0, 10.0, 0.25)
    for now, delay, arrivals in looks:
        before = throttle.rate
        after = throttle.look(delay, arrivals, now)
        assert 10.0 <= after <= 50.0
        assert after >= before * 0.8**8 - 1e-9, "one look changes little, however long the pause"


# ---------------------------------------------------------------------- at the door
@given(st.lists(st.sampled_from(["in", "out", "look"]), max_size=200), st.integers(1, 20))
def test_never_more_are_in_than_the_most(steps, most):
    door, live, now = Admission(replace(WIDE, most=most)), 0, 0.0
    for step in steps:
        now += 0.01
        if step == "in":
            live += door.judge(Knock(), now) == ""
        elif step == "out":
            live = max(0, live - 1)
        else:
            door.look(Crowd(live=live), 0.0, now)
        assert live <= most


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 40))
def test_below_the_most_and_the_room_everybody_is_let_in(live, unserved, free):
    door = Admission(replace(WIDE, most=50, waiting_least=30))
    door.look(Crowd(live=live, unserved=unserved, free=free), 0.0, 1.0)
    why = door.judge(Knock(), 1.0)
    assert (why == "") == (live < 50 and unserved < free + 30)
    assert why in ("", "full", "wait")


@pytest.mark.parametrize(
    ("crowd", "room"),
    [
        (Crowd(serving=0), 50.0),
        (Crowd(serving=4, busy=300.0), 50.0),
        (Crowd(serving=100, busy=180.0), 500.0),
        (Crowd(serving=100, busy=180.0, mode="disaster"), 2000.0),
    ],
)
def test_the_queue_may_be_as_long_as_its_wait_is_tolerable_and_longer_in_a_disaster(crowd, room):
    door = Admission(Limits(longest_wait=900.0, waiting_least=50, longer={"disaster": 4.0}))
    door.look(crowd, 0.0, 0.0)
    assert door.room == pytest.approx(room)


def test_who_is_always_let_in_is_so_whatever_there_is_and_counts():
    door = Admission(Limits(most=1, rate=1, burst=1, waiting_least=0, caller_calls=1))
    door.look(Crowd(live=100, unserved=100), 9.0, 0.0)
    assert door.judge(Knock("110"), 0.0) == "full"
    assert [door.judge(Knock("110", always=True), 0.0) for _ in range(5)] == [""] * 5
    assert door.bucket.left(0.0) < 1.0


def test_another_hotlines_callers_are_held_only_by_their_trunks_limit():
    door = Admission(Limits(most=1, trunk=TrunkLimit(1.0, 3.0), trunks={"line-b": TrunkLimit(1.0, 1.0)}))
    door.look(Crowd(live=100), 0.0, 0.0)
    a = [door.judge(Knock("05718000", "line-a", trusted=True), 0.0) for _ in range(5)]
    b = [door.judge(Knock("05718000", "line-b", trusted=True), 0.0) for _ in range(3)]
    assert a == ["", "", "", "trunk", "trunk"]
    assert b == ["", "trunk", "trunk"]


def test_only_calls_that_were_let_in_count_against_a_number():
    door = Admission(replace(WIDE, caller_calls=2, caller_seconds=60.0))
    assert [door.judge(Knock("138"), t) for t in (0.0, 1.0, 2.0, 30.0, 59.0, 60.5, 60.6)] == [
        "", "", "caller", "caller", "caller", "", "caller",
    ]  # fmt: skip


def test_a_caller_without_a_number_and_one_without_a_limit_are_not_counted():
    door = Admission(replace(WIDE, caller_calls=1, caller_except=frozenset({"057185000000"})))
    assert all(door.judge(k, 0.0) == "" for k in [Knock(""), Knock("057185000000"), Knock("1", countless=True)] * 3)


def test_arrivals_are_counted_with_those_that_the_switch_turned_away():
    door = Admission(WIDE)
    for i in range(80):
        for _ in range(10):
            door.judge(Knock(), i * 0.25)
        door.look(Crowd(), 0.0, i * 0.25, elsewhere=15)
    assert door.arrivals == pytest.approx(100.0, rel=0.05)


def test_more_last_words_than_lines_for_them_let_fewer_in():
    door = Admission(Limits(rate=50, announcements=10))
    for i in range(40):
        for _ in range(20):
            door.judge(Knock(), i * 0.25)
        door.look(Crowd(turned=10), 0.0, i * 0.25)
    assert door.bucket.rate == pytest.approx(5.0)


def test_switched_off_it_lets_everybody_in():
    door = Admission(Limits(on=False, most=1, rate=1, burst=1, caller_calls=1))
    assert all(door.judge(Knock("138"), 0.0) == "" for _ in range(50))


def test_new_limits_keep_what_was_counted_where_they_have_not_changed():
    door = Admission(replace(WIDE, caller_calls=1))
    assert door.judge(Knock("138"), 0.0) == ""
    door.configure(replace(door.limits, most=5))
    assert door.judge(Knock("138"), 1.0) == "caller"
    door.configure(replace(door.limits, caller_calls=2))
    assert door.judge(Knock("138"), 1.0) == ""
