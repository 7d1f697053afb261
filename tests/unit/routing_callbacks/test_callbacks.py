"""Who is called back, when, and in what order; one test for each thing that would annoy or lose a person."""

import json
from dataclasses import replace
from datetime import datetime, time

import pytest

from routing import CallbackBook, CallbackError, CallbackRules, Demand
from routing._callback_rules import CHINA


def at(hour, minute=0, day=3):
    return datetime(2026, 8, day, hour, minute, tzinfo=CHINA).timestamp()


NOON = at(12)
RULES = CallbackRules(attempts=3, spacing=(900, 3600), queue_spacing=(120, 600), min_free=2, max_running=3)
NINGBO = Demand((("ningbo-wu", 3),), priority=4)


def book(**more):
    return CallbackBook(replace(RULES, **more))


def due(b, now=NOON, free=100, waiting=0, running=0):
    return b.take_due(now, free_seats=free, waiting_live=waiting, running=running)


def numbers(entries):
    return [e.number for e in entries]


# ---------------------------------------------------------------------- order and rank
def test_who_asked_while_waiting_keeps_rank_and_demand_and_is_due_at_once_even_without_a_free_seat():
    b = book()
    b.add("1", "queue", NOON, demand=NINGBO, since=NOON - 90, origin="c1")
    (entry,) = due(b, free=0, waiting=50)
    assert (entry.rank_since, entry.demand) == (NOON - 90, replace(NINGBO, kind="callback"))


def test_asked_ones_go_by_rank_then_missed_oldest_first_then_visits():
    b = book(max_running=9)
    b.add("visit", "visit", NOON - 500)
    b.add("missed late", "missed", NOON - 10)
    b.add("missed early", "missed", NOON - 300)
    b.add("asked late", "queue", NOON - 50, since=NOON - 60)
    b.add("asked early", "queue", NOON - 40, since=NOON - 200)
    out = due(b)
    assert numbers(out) == ["asked early", "asked late", "missed early", "missed late", "visit"]
    ranks = [e.rank_since for e in out[2:]]
    assert ranks == sorted(ranks) and len(set(ranks)) == 3, "the queue keeps this order"


def test_missed_callers_stand_behind_live_ones():
    b = book()
    b.add("1", "missed", NOON - 7200, demand=NINGBO)
    (entry,) = due(b)
    assert entry.rank_since == NOON and entry.demand.priority == -10 and entry.demand.skills == NINGBO.skills


# ---------------------------------------------------------------------- load
@pytest.mark.parametrize(
    ("free", "waiting", "running", "taken"),
    [(2, 0, 0, 0), (3, 0, 0, 1), (4, 0, 0, 2), (9, 0, 0, 3), (9, 6, 0, 1), (9, 7, 0, 0), (9, 0, 2, 1), (9, 0, 3, 0)],
)
def test_missed_callers_only_take_seats_that_live_callers_do_not_need(free, waiting, running, taken):
    b = book()
    for i in range(5):
        b.add(str(i), "missed", NOON)
    assert len(due(b, free=free, waiting=waiting, running=running)) == taken


def test_those_who_asked_are_served_from_the_idle_seats_first():
    b = book()
    b.add("asked", "queue", NOON)
    b.add("missed", "missed", NOON)
    assert numbers(due(b, free=3)) == ["asked"]


def test_running_ones_count_until_they_are_finished():
    b = book(max_running=1)
    b.add("1", "missed", NOON)
    b.add("2", "missed", NOON)
    (first,) = due(b)
    assert due(b) == []
    b.finished(first.id, "reached", NOON + 60)
    assert numbers(due(b, NOON + 60)) == ["2"]


# ---------------------------------------------------------------------- hours
def test_nobody_is_rung_at_night_and_the_book_says_when_it_wakes():
    b = book()
    b.add("1", "missed", at(20, 45))
    assert due(b, at(20, 45)) == [] and due(b, at(8, 29, day=4)) == []
    assert b.next_due(at(20, 45)) == at(8, 30, day=4)
    assert numbers(due(b, at(8, 30, day=4))) == ["1"]


def test_who_asked_at_night_is_rung_at_once_but_not_hours_later():
    b = book(any_time=1800)
    b.add("1", "queue", at(22), since=at(21, 58))
    (entry,) = due(b, at(22))
    assert b.may_ring(entry.id, at(22, 29)) and not b.may_ring(entry.id, at(22, 30))
    b.finished(entry.id, "interrupted", at(22, 30))
    assert due(b, at(23)) == [] and due(b, at(8, 29, day=4)) == []
    assert b.next_due(at(23)) == at(8, 30, day=4)
    (again,) = due(b, at(8, 30, day=4))
    assert again.rank_since == at(21, 58) and again.attempts == 0


def test_hours_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="begin must be before"):
        CallbackRules(begin=time(20), end=time(8))
    with pytest.raises(ValueError, match="attempts"):
        CallbackRules(attempts=0)
    with pytest.raises(ValueError, match="spacing"):
        CallbackRules(spacing=())
    with pytest.raises(ValueError, match="min_free"):
        CallbackRules(min_free=-1)


# ---------------------------------------------------------------------- attempts
def test_attempts_are_spaced_and_bounded():
    b, now = book(), NOON
    b.add("1", "missed", now)
    for pause in (900, 3600):
        (entry,) = due(b, now)
        entry = b.finished(entry.id, "no_answer", now)
        assert entry.state == "open" and b.next_due(now) == now + pause
        assert due(b, now + pause - 1) == []
        now += pause
    (entry,) = due(b, now)
    assert b.finished(entry.id, "busy", now).state == "given_up"
    assert b.of_number("1") is None and due(b, at(12, day=5)) == []


def test_an_end_told_twice_is_one_end():
    b = book()
    b.add("1", "missed", NOON)
    (entry,) = due(b)
    once = b.finished(entry.id, "no_answer", NOON)
    assert b.finished(entry.id, "no_answer", NOON + 1) == once and b.finished("none", "busy", NOON) is None


def test_who_stands_by_is_tried_again_soon():
    b = book()
    b.add("1", "queue", NOON, since=NOON - 30)
    (entry,) = due(b)
    assert b.finished(entry.id, "no_answer", NOON).not_before == NOON + 120
    (again,) = due(b, NOON + 120)
    assert again.rank_since == NOON - 30


def test_a_lost_seat_counts_no_attempt_and_keeps_the_rank():
    b = book(attempts=1)
    b.add("1", "queue", NOON, since=NOON - 30)
    (entry,) = due(b)
    entry = b.finished(entry.id, "seat_lost", NOON + 5)
    assert (entry.state, entry.attempts, entry.rank_since) == ("open", 0, NOON - 30)
    assert numbers(due(b, NOON + 15)) == ["1"]


def test_an_entry_expires_and_is_forgotten_in_the_end():
    b = book(expire=3600, keep=600)
    entry = b.add("1", "missed", NOON)
    due(b, NOON + 3600, free=0)
    assert b.get(entry.id).state == "expired"
    b.take_changes()
    due(b, NOON + 4200, free=0)
    assert b.get(entry.id) is None and b.take_changes() == [(entry.id, None)]


def test_what_ends_after_its_expiry_is_not_tried_again():
    b = book(expire=60)
    b.add("1", "missed", NOON)
    (entry,) = due(b)
    assert b.finished(entry.id, "no_answer", NOON + 61).state == "expired"


# ---------------------------------------------------------------------- one entry per number
def test_a_number_has_one_entry_and_asking_wins_over_having_been_missed():
    b = book()
    missed = b.add("1", "missed", NOON - 600, origin="c1")
    asked = b.add("1", "queue", NOON, demand=NINGBO, since=NOON - 40, origin="c2")
    assert asked.id == missed.id and (asked.reason, asked.rank_since, asked.origin) == ("queue", NOON - 40, "c2")
    assert asked.also == (("missed", "c1"),)
    b.add("1", "missed", NOON + 1, origin="c3")
    (entry,) = due(b, NOON + 1)
    assert entry.reason == "queue" and entry.demand == replace(NINGBO, kind="callback")
    assert ("missed", "c3") in entry.also


def test_who_asks_again_keeps_the_better_rank_and_all_attempts():
    b = book()
    b.add("1", "queue", NOON, since=NOON - 300)
    (entry,) = due(b)
    b.finished(entry.id, "no_answer", NOON + 10)
    again = b.add("1", "queue", NOON + 20, since=NOON + 15)
    assert (again.rank_since, again.attempts, again.not_before) == (NOON - 300, 0, NOON + 20)


def test_a_caller_who_is_missed_again_keeps_its_place_and_its_pause():
    b = book(max_running=1)
    b.add("1", "missed", NOON - 900)
    b.add("2", "missed", NOON - 600)
    b.add("1", "missed", NOON)
    assert numbers(due(b)) == ["1"]


def test_a_caller_who_got_through_is_not_called_back():
    b = book()
    b.add("1", "missed", NOON)
    b.add("2", "queue", NOON)
    (running,) = due(b, free=0)
    assert b.served("1", NOON).state == "open"
    assert b.served("2", NOON) == running, "its outbound call is to be ended"
    assert {e.state for e in b.entries()} == {"done"} and due(b) == []
    assert b.finished(running.id, "no_answer", NOON).state == "done"
    assert b.served("3", NOON) is None


def test_a_return_visit_is_another_matter():
    b = book()
    b.add("1", "visit", NOON, origin="t9")
    assert b.served("1", NOON) is None
    b.add("1", "missed", NOON, origin="c1")
    b.served("1", NOON + 5)
    (entry,) = due(b, NOON + 5)
    assert (entry.reason, entry.origin, entry.also, entry.demand.priority) == ("visit", "t9", (), -20)


def test_a_visit_survives_a_running_call_back_that_became_needless():
    b = book()
    b.add("1", "visit", NOON, origin="t9")
    b.add("1", "queue", NOON)
    (running,) = due(b)
    assert b.served("1", NOON).id == running.id
    (visit,) = due(b, NOON)
    assert visit.reason == "visit" and visit.id != running.id and b.get(running.id).state == "done"


def test_cancelled_ones_are_not_rung():
    b = book()
    one, two = b.add("1", "missed", NOON), b.add("2", "queue", NOON)
    due(b, free=0)
    assert b.cancel(one.id, NOON).state == "open"
    assert b.cancel(two.id, NOON).state == "running", "the caller ends its call"
    assert b.cancel(two.id, NOON) is None and due(b) == []


# ---------------------------------------------------------------------- refused
def test_who_may_not_be_disturbed_is_only_rung_at_their_own_wish():
    b = book(do_not_disturb=frozenset({"13800000001"}))
    for reason in ("missed", "visit"):
        with pytest.raises(CallbackError) as refused:
            b.add("13800000001", reason, NOON)
        assert refused.value.code == "do_not_disturb" and "138" not in str(refused.value)
    assert b.add("13800000001", "queue", NOON).state == "open"
    with pytest.raises(CallbackError, match="no_number"):
        b.add("", "queue", NOON)
    with pytest.raises(ValueError, match="reason"):
        b.add("1", "sales", NOON)
    with pytest.raises(ValueError, match="outcome"):
        b.finished("x", "liked", NOON)


def test_the_list_is_bounded():
    b = book(max_entries=2)
    b.add("1", "missed", NOON)
    b.add("2", "missed", NOON)
    with pytest.raises(CallbackError, match="full"):
        b.add("3", "missed", NOON)
    assert b.add("2", "queue", NOON).reason == "queue"


def test_new_rules_hold_for_what_is_already_in_the_list():
    b = book()
    b.add("1", "missed", NOON)
    b.add("2", "missed", NOON)
    due(b, free=0)
    b.take_changes()
    b.replace_rules(replace(RULES, do_not_disturb=frozenset({"1"})), NOON)
    assert [row["state"] for _, row in b.take_changes()] == ["cancelled"]
    assert numbers(due(b)) == ["2"]


def test_no_number_in_any_text():
    entry = book().add("13800000001", "missed", NOON, name="王某")
    assert "138" not in repr(entry) and "王" not in repr(entry) and "138" not in repr(RULES)


def test_short_waits_are_no_missed_calls():
    assert not RULES.is_missed(4.9) and RULES.is_missed(5) and RULES.is_missed(0, failed=True)


# ---------------------------------------------------------------------- the store
def restored(b, change=lambda row: row):
    rows = [json.loads(json.dumps(e.json())) for e in b.entries()]
    return CallbackBook(b.rules, [change(r) for r in rows])


def test_rows_bring_everything_back():
    b = book()
    b.add("1", "queue", NOON, demand=NINGBO, since=NOON - 9, origin="c1", dialled="12345")
    b.add("2", "missed", NOON, origin="c2")
    b.add("2", "visit", NOON, origin="t1")
    due(b, free=0)
    again = restored(b, lambda row: row | {"field of a later version": 1})
    assert again.entries() == b.entries() and again.broken == 0 and again.take_changes() == []
    assert numbers(due(again)) == numbers(due(b)) == ["2"]


def test_rows_that_cannot_be_read_stop_nothing():
    b = book()
    b.add("1", "missed", NOON)
    rows = [{"id": "x"}, *(e.json() for e in b.entries()), b.entries()[0].json() | {"id": "y", "state": "dreaming"}]
    again = CallbackBook(RULES, rows)
    assert again.broken == 2 and numbers(due(again)) == ["1"]


def test_two_rows_of_one_number_ring_it_once():
    b = book()
    row = b.add("1", "missed", NOON).json()
    again = CallbackBook(RULES, [row, row | {"id": "twin"}])
    assert numbers(due(again)) == ["1"] and again.get("twin").state == "cancelled"
    assert "twin" in dict(again.take_changes())


def test_after_a_restart_entries_without_a_call_are_open_again():
    b = restored_book = book()
    b.add("1", "queue", NOON)
    b.add("2", "queue", NOON)
    one, two = due(b)
    restored_book = restored(b)
    (stray,) = restored_book.only_running({two.id}, NOON)
    assert (stray.id, stray.state, stray.attempts) == (one.id, "open", 0)
    assert numbers(due(restored_book, NOON + 60)) == ["1"]


def test_changes_are_told_once():
    b = book()
    entry = b.add("1", "missed", NOON)
    assert [i for i, _ in b.take_changes()] == [entry.id] and b.take_changes() == []
    due(b)
    assert [row["state"] for _, row in b.take_changes()] == ["running"]
    assert b.counts() == {("missed", "running"): 1}
