"""The expected wait: right where theory knows it, better than naive guesses in a simulated queue, and bounded."""

import heapq
import random
from collections import deque
from statistics import mean

import pytest

from routing import Estimator

NOW = 1_700_000_000.0


# ---------------------------------------------------------------------- what it says
def test_without_seats_it_says_nothing():
    assert Estimator().estimate(3, 0, NOW) is None


def test_at_the_start_it_is_the_prior():
    """Nobody gives up: places times busy time by seats."""
    fresh = Estimator(talk=150, wrap_up=50, patience=1e12)
    assert fresh.estimate(0, 20, NOW) == pytest.approx(10)
    assert fresh.estimate(19, 20, NOW) == pytest.approx(200)


def test_those_who_give_up_shorten_the_wait():
    assert Estimator(patience=300).estimate(50, 20, NOW) < 0.8 * Estimator(patience=1e9).estimate(50, 20, NOW)


def test_a_long_queue_is_counted_like_a_short_one():
    """The integral and the sum agree."""
    e = Estimator(talk=180, wrap_up=20, patience=400)
    waits = [e.estimate(n, 100, NOW) for n in (99, 100, 101, 500, 5000)]
    exact = [sum(1 / (100 / 200 + k / 400) for k in range(n + 1)) for n in (99, 100, 101, 500, 5000)]
    assert waits == pytest.approx(exact, rel=1e-4)


def test_callers_ahead_who_compete_in_part_count_in_part():
    e = Estimator()
    waits = [e.estimate(n / 4, 20, NOW) for n in range(9)]
    assert waits == sorted(waits) and waits[2] == pytest.approx((waits[0] + waits[4]) / 2)


def test_it_learns_how_long_seats_are_busy_and_forgets_what_is_old():
    e = Estimator(talk=150, wrap_up=60)
    for i in range(400):
        e.handled(90, NOW + i)
    assert e.busy_time(NOW + 400) == pytest.approx(90, rel=0.15)
    for i in range(400):
        e.handled(300, NOW + 7200 + i)
    assert e.busy_time(NOW + 7600) == pytest.approx(300, rel=0.15)
    assert e.busy_time(NOW + 1e6) == pytest.approx(210), "long after, the prior again"


def test_a_class_of_its_own_and_a_little_known_one():
    e = Estimator()
    for i in range(300):
        e.handled(100, NOW + i, "plain")
        e.handled(300, NOW + i, "tax")
    now = NOW + 300
    assert e.busy_time(now, "plain") < 130 < 270 < e.busy_time(now, "tax")
    e.handled(900, now, "rare")
    assert e.busy_time(now, "rare") == pytest.approx(e.busy_time(now), rel=0.2), "one call says little"


@pytest.mark.parametrize("seconds", [0.0, -5.0, float("nan"), float("inf")])
def test_times_that_cannot_be_are_passed_over(seconds):
    e = Estimator()
    before = e.busy_time(NOW)
    e.handled(seconds, NOW)
    assert e.busy_time(NOW) == before


# ---------------------------------------------------------------------- what came of it
def test_the_error_is_what_was_told_less_what_came_and_told_once():
    e = Estimator()
    e.told("c1", 90.0, NOW)
    e.told("c1", 60.0, NOW + 20)
    assert e.answered("c1", NOW + 50) == pytest.approx(30)
    assert e.answered("c1", NOW + 50) is None and e.answered("c2", NOW) is None
    e.told("c3", 60.0, NOW)
    e.forget("c3")
    assert e.answered("c3", NOW + 50) is None


def test_a_steady_error_is_learnt_within_bounds():
    """Seats shared with others: everybody waits twice as long as the queue says."""
    e, now, errors = Estimator(), NOW, []
    for i in range(300):
        now += 10
        guess = e.estimate(9, 10, now, "tax")
        e.told(f"c{i}", guess, now, "tax")
        errors.append(abs(e.answered(f"c{i}", now + 2 * Estimator().estimate(9, 10, now))))
    assert errors[-1] < errors[0] / 2
    assert e.estimate(9, 10, now) == Estimator().estimate(9, 10, now), "other classes are not touched"
    for i in range(300):
        e.told(f"d{i}", 1.0, now, "tax")
        e.answered(f"d{i}", now + 9999)
    assert e.estimate(9, 10, now, "tax") <= 3 * Estimator().estimate(9, 10, now) + 1e-9


def test_memory_is_bounded():
    e = Estimator(classes=3, calls=5)
    for i in range(50):
        e.handled(100, NOW, f"k{i}")
        e.told(f"c{i}", 10, NOW, f"k{i}")
    assert [i for i in range(50) if e.answered(f"c{i}", NOW + 10) is not None] == [45, 46, 47, 48, 49]
    assert len(e._busy) == len(e._bias) == 3


# ---------------------------------------------------------------------- in a simulated queue
def simulate(seed, hours, seats, talk, gap, patience=None):
    """First come, first served; Poisson arrivals, exponential talks. `seats`, `talk`, `gap` are functions of time.

    Returns (estimates, actual wait) of each caller who waited and was served, per way of guessing.
    """
    rng, e = random.Random(seed), Estimator(talk=150, wrap_up=0)
    queue, free_at, n, rows, recent, last = deque(), [], 0, {}, deque(maxlen=20), 0.0
    events = [(rng.expovariate(1 / gap(0)), 0, "arrives", None)]
    out = []
    while events:
        now, _, what, who = heapq.heappop(events)
        n += 1
        if what == "arrives":
            if now < hours * 3600:
                heapq.heappush(events, (now + rng.expovariate(1 / gap(now)), n, "arrives", None))
            call = f"c{n}"
            if len(free_at) >= seats(now):
                ahead = len(queue)
                guess = e.estimate(ahead, seats(now), NOW + now)
                e.told(call, guess, NOW + now)
                naive = {
                    "last wait": last, "mean of 20": mean(recent) if recent else 0.0,
                    "fixed 150 s": (ahead + 1) * 150 / seats(now), "true rate": (ahead + 1) * talk(now) / seats(now),
                }  # fmt: skip
                rows[call] = (now, naive | {"ours": guess})
            queue.append((now, call))
            if patience:
                heapq.heappush(events, (now + rng.expovariate(1 / patience), n, "gives up", call))
        elif what == "gives up" and any(c == who for _, c in queue):
            begun = next(t for t, c in queue if c == who)
            queue.remove((begun, who))
            e.left(now - begun, NOW + now)
            e.forget(who)
            rows.pop(who, None)
        elif what == "ends":
            free_at.remove(now)
            e.handled(who, NOW + now)
        while queue and len(free_at) < seats(now):
            begun, call = queue.popleft()
            e.matched(now - begun, NOW + now)
            e.answered(call, NOW + now)
            if call in rows:
                at, guesses = rows.pop(call)
                last = now - at
                recent.append(last)
                out.append((at, guesses, last))
            busy = rng.expovariate(1 / talk(now))
            free_at.append(now + busy)
            heapq.heappush(events, (now + busy, n, "ends", busy))
    return out


def errors(rows, begin=1800.0):
    """Mean absolute error, seconds, of each way of guessing, after the first half hour."""
    rows = [r for r in rows if r[0] >= begin]
    assert len(rows) > 300
    return {k: mean(abs(g[k] - wait) for _, g, wait in rows) for k in rows[0][1]} | {"n": len(rows)}


def pooled(**how):
    runs = [errors(simulate(seed, **how)) for seed in range(5)]
    return {k: mean(r[k] for r in runs) for k in runs[0]}


def always(value):
    return lambda _: value


def test_in_a_steady_queue_it_is_as_good_as_knowing_the_true_rate():
    """M/M/20 at 97 % load, 250 s a call where the prior says 150."""
    mae = pooled(hours=6, seats=always(20), talk=always(250), gap=always(12.9))
    assert mae["ours"] < 1.05 * mae["true rate"]
    assert mae["ours"] < 0.75 * mae["last wait"] and mae["ours"] < 0.7 * mae["mean of 20"]
    assert mae["ours"] < 0.5 * mae["fixed 150 s"]


def test_when_calls_become_longer_it_follows():
    """From the second hour on a call takes twice as long; fewer callers come, still too many."""
    mae = pooled(
        hours=5, seats=always(24), talk=lambda t: 120 if t < 7200 else 240, gap=lambda t: 5.15 if t < 7200 else 10.3
    )
    assert mae["ours"] < 1.45 * mae["true rate"], "it learns within the hour"
    assert mae["ours"] < 0.95 * mae["last wait"] and mae["ours"] < 0.85 * mae["mean of 20"]


def test_when_half_the_seats_go_and_come_back_it_is_no_worse_than_any():
    """Nobody can foresee their return, not even who knows the true rate."""
    mae = pooled(hours=6, seats=lambda t: 12 if 7200 < t < 8400 else 24, talk=always(180), gap=always(9.5))
    assert mae["ours"] < mae["true rate"] and mae["ours"] < mae["last wait"] < mae["mean of 20"]


def test_in_a_storm_when_many_give_up_it_stays_honest():
    """3.5 × the load for an hour; half the callers give up within three minutes."""
    mae = pooled(
        hours=6, seats=always(20), talk=always(150), gap=lambda t: 8 / (3.5 if 7200 < t < 10_800 else 1), patience=240.0
    )
    assert mae["ours"] < 0.3 * mae["true rate"], "the rate of the seats alone knows nothing of those who give up"
    assert mae["ours"] < 0.75 * mae["last wait"]
