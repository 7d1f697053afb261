"""The bench's arithmetic: which INVITE belongs to which BYE, who waits, and what stands in the table."""

import pytest

from bench import queue
from bench.queue import free_to_invite, least_waiting
from bench.stats import cell, summary


@pytest.fixture
def logs(tmp_path):
    def write(name, lines):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def line(kind, *words, at):
    return " ".join([kind, *words, f"{int(at)}.000000", f"{round(at % 1 * 1e6)}.000000"])


def desk(kind, seat, at, who="1391"):
    return line(kind, f"sip:{seat}", who, at=at)


def test_each_seats_next_invite_counts_and_no_other_seats(logs):
    log = logs("desk.log", [
        desk("I", 2001, 10.0), desk("H", 2001, 12.0), desk("H", 2002, 12.001),
        desk("I", 2002, 12.011), desk("I", 2001, 12.5),
    ])  # fmt: skip
    times, never = free_to_invite(log, 11.0, 20.0)
    assert [round(t, 3) for t in times] == [0.01, 0.5] and never == 0


def test_only_what_became_free_in_the_measured_time_counts(logs):
    log = logs("desk.log", [
        desk("H", 2001, 9.9), desk("I", 2001, 10.1), desk("H", 2001, 19.9), desk("I", 2001, 20.4), desk("H", 2001, 21),
        desk("I", 2001, 22),
    ])  # fmt: skip
    times, _ = free_to_invite(log, 10.0, 20.0)
    assert [round(t, 3) for t in times] == [0.5]


def test_a_seat_that_is_never_rung_again_is_not_hidden(logs):
    log = logs("desk.log", [desk("H", 2001, 12.0), desk("H", 2002, 19.0)])
    assert free_to_invite(log, 10.0, 20.0) == ([], 1), "the second one has had no time"


def test_half_a_line_of_a_killed_phone_is_passed_over(logs):
    log = logs("desk.log", [desk("H", 2001, 12.0), "I sip:2001 1391 12.000"])
    assert free_to_invite(log, 10.0, 13.0) == ([], 0)
    assert free_to_invite(log.parent / "none.log", 0, 1) == ([], 0)


def test_the_fewest_who_waited_at_any_moment(logs):
    callers = logs("waiting.log", [line("W", f"139{i}", at=i) for i in range(1, 6)] + [line("X", "1391", at=30.1)])
    desks = logs("desk.log", [desk("I", 2001, 20.0), desk("H", 2001, 30.0), desk("I", 2001, 40.0)])
    assert least_waiting(callers, desks, 10.0, 15.0) == 5, "nothing has changed meanwhile"
    assert least_waiting(callers, desks, 18.0, 35.0) == 4
    assert least_waiting(callers, desks, 18.0, 45.0) == 3


def test_percentiles_are_nearest_ranks():
    found = summary([float(i) for i in range(1, 101)])
    assert (found["n"], found["p50"], found["p90"], found["p99"], found["max"]) == (100, 51, 91, 100, 100)
    assert summary([]) == {"n": 0, "p50": 0, "p90": 0, "p99": 0, "max": 0}
    assert cell([3.0, 1.0, 2.0], "{:.0f}") == "2 [1-3]" and cell([2.01, 2.02], "{:.1f}") == "2.0"


def test_the_verdicts_name_what_falls_short():
    def trial(shape, p99):
        return {
            "shape": shape, "n": 9, "p50": p99 / 2, "p90": p99, "p99": p99, "max": p99, "least_waiting": 200,
            "cpu": {}, "memory_mb": 1.0, "foreign": 0.0,
        }  # fmt: skip

    trials = [trial("native", 900.0), trial("service", 30.0), trial("service", 18.0), trial("native", 720.0)]
    found = {v["aim"].split(":")[0]: v for v in queue.verdicts(trials)}
    assert not found["this service, 200 waiting"]["met"] and found["this service, 200 waiting"]["b"] == 24.0
    ratio = found["app_queue / this service, p99"]
    assert ratio["met"] and (ratio["least"], ratio["most"]) == (30.0, 40.0)
    assert "app_queue, 200 waiting" in queue.table(trials)
