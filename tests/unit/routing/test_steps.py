"""Demands that relax with time, scarce seats, limits of centres: one test for each promise."""

import pytest

from routing import CentreLimit, Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatState, Step, Waiting

S = SeatState
PUTONGHUA = (("putonghua", 1),)
WENZHOU = Step((("wenzhou-wu", 3),), frozenset({"330300"}), seconds=10, name="wenzhou-wu 3 @330300")
LOCAL = Step(PUTONGHUA, frozenset({"330300"}), seconds=10, name="@330300")
PROVINCE = Step(PUTONGHUA, name="province")
DIALECT = Demand(steps=(WENZHOU, LOCAL, PROVINCE))


def seat(seat_id, skills=None, centre="330300", state=S.AVAILABLE, **more):
    return Seat(seat_id, seat_id, centre, {"putonghua": 5} if skills is None else skills, state=state, **more)


def dialect(seat_id, **more):
    return seat(seat_id, {"putonghua": 5, "wenzhou-wu": 4}, **more)


def offer_id(call, seat_id):
    return f"{call}~{seat_id}"


def match(d, now):
    return [(m.call, m.seat, m.step) for m in d.match(now, offer_id)]


def waits(d, call, since=0.0, demand=DIALECT):
    d.enqueue(Waiting(call, demand, since))


# ---------------------------------------------------------------------- steps
def test_a_step_opens_when_the_one_before_has_had_its_seconds_and_the_engine_is_woken_for_it():
    d = Dispatcher([dialect("busy", state=S.TALKING), seat("local"), seat("far", centre="330100")], Policy())
    waits(d, "c")
    assert match(d, 9.9) == []
    assert d.next_deadline() == 10.0
    assert match(d, 10.0) == [("c", "local", 1)]
    d.talking("local", "c", "c~local", 10.0)
    waits(d, "c2", since=10.0)
    assert match(d, 29.9) == []
    assert d.next_deadline() == 30.0
    assert match(d, 30.0) == [("c2", "far", 2)]


def test_a_seat_of_an_earlier_step_is_preferred_however_long_others_are_idle():
    d = Dispatcher([seat("local", idle_since=1.0), dialect("expert", idle_since=99.0)], Policy())
    waits(d, "c", since=0.0)
    assert match(d, 100.0) == [("c", "expert", 0)]


def test_when_nobody_on_duty_could_serve_a_step_the_next_one_opens_at_once():
    d = Dispatcher([seat("local"), dialect("gone", state=S.OFFLINE)], Policy())
    waits(d, "c")
    assert match(d, 0.0) == [("c", "local", 1)]


def test_a_later_step_that_nobody_could_serve_is_passed_over_too():
    d = Dispatcher([dialect("busy", state=S.TALKING), seat("far", centre="330100")], Policy())
    waits(d, "c", demand=Demand(steps=(WENZHOU, Step((("en", 1),), seconds=99), PROVINCE)))
    assert match(d, 9.0) == []
    assert match(d, 10.0) == [("c", "far", 2)]


@pytest.mark.parametrize("how", ["signs off", "off duty", "phone", "is configured away"])
def test_the_last_who_could_serve_a_step_leaves_and_the_next_opens_in_that_moment(how):
    d = Dispatcher([dialect("expert", state=S.BREAK, deadline=9e9), seat("local")], Policy())
    waits(d, "c")
    assert match(d, 1.0) == [], "somebody on a break is still there"
    if how == "signs off":
        d.ask("expert", S.OFFLINE, 2.0)
    elif how == "off duty":
        d.set_duty({"expert": False}, 2.0)
    elif how == "phone":
        d.ask("expert", S.AVAILABLE, 1.5)
        d.phone_down("expert", 2.0)
    else:
        d.replace_seats([seat("local")], 2.0)
    assert match(d, 2.0) == [("c", "local", 1)]


def test_a_step_opened_for_want_of_anybody_closes_when_somebody_signs_in():
    d = Dispatcher([dialect("expert", state=S.OFFLINE), seat("local", state=S.TALKING)], Policy())
    waits(d, "c")
    assert match(d, 1.0) == []
    d.ask("expert", S.BREAK, 2.0)
    d.reset("local", 3.0)
    assert match(d, 3.0) == []
    assert match(d, 10.0) == [("c", "local", 1)]


def test_off_duty_seats_are_not_offered_callers_and_go_on_talking():
    d = Dispatcher([seat("1"), seat("2", state=S.TALKING, call="x")], Policy())
    d.set_duty({"1": False, "2": False}, 0.0)
    waits(d, "c", demand=Demand(PUTONGHUA))
    assert match(d, 0.0) == []
    assert not d.can_be_served(Demand(PUTONGHUA))
    assert d.seat("2").state is S.TALKING
    d.set_duty({"2": False}, 5.0)
    assert match(d, 5.0) == [("c", "1", 0)], "who is not named is on duty"


def test_named_seats_and_kinds():
    seats = [seat("1"), seat("leader", {}, kind="leader"), seat("assistant", kind="assistant")]
    d = Dispatcher(seats, Policy())
    waits(d, "a", 1.0, Demand(steps=(Step(seats=frozenset({"leader"})),)))
    waits(d, "b", 2.0, Demand(steps=(Step(seats=frozenset({"assistant"})),)))
    waits(d, "c", 3.0, Demand())
    waits(d, "d", 4.0, Demand())
    assert match(d, 5.0) == [("a", "leader", 0), ("c", "1", 0)]
    d.reset("leader", 6.0)
    assert match(d, 6.0) == [], "an ordinary caller does not get the leader, nobody gets the assistant"


def test_a_negative_priority_is_served_after_those_who_came_within_its_minutes():
    d = Dispatcher([seat("1"), seat("2"), seat("3")], Policy())
    waits(d, "callback", 0.0, Demand(PUTONGHUA, -2, kind="callback"))
    waits(d, "live", 119.0, Demand(PUTONGHUA))
    waits(d, "later", 121.0, Demand(PUTONGHUA))
    assert [c for c, *_ in match(d, 130.0)] == ["live", "callback", "later"]


def test_the_reasons_of_a_match_are_told():
    d = Dispatcher([seat("1"), seat("2")], Policy())
    waits(d, "hard", 0.0, Demand((("en", 4),)))
    waits(d, "c", 4.0)
    (m,) = d.match(5.5, offer_id)
    assert (m.step, m.why) == (1, {"step": "@330300", "waited": 1.5, "free": 2, "kept": 0, "passed": 1})


# ---------------------------------------------------------------------- scarce seats
def test_a_plain_call_takes_the_last_scarce_seat_only_when_nobody_else_is_free():
    plain = Demand(PUTONGHUA)
    ja = [seat(f"ja{i}", {"putonghua": 5, "ja": 4}, idle_since=float(i)) for i in range(2)]
    # Three skills, all of them common: less scarce than two with a rare one.
    common = [seat(f"p{i}", {"putonghua": 5, "b": 3, "c": 3}, idle_since=50.0 + i) for i in range(3)]
    d = Dispatcher([*ja, *common], Policy())
    for i in range(5):
        waits(d, f"c{i}", float(i), plain)
    assert [s for _, s, _ in match(d, 99.0)] == ["p0", "p1", "p2", "ja0", "ja1"]


def test_what_is_scarce_follows_who_is_signed_in():
    seats = [seat("b", {"putonghua": 5, "b": 1}, idle_since=2.0), seat("a", {"putonghua": 5, "a": 1}, idle_since=3.0)]
    more = [seat(f"b{i}", {"putonghua": 5, "b": 1}, state=S.OFFLINE) for i in range(2)]
    d = Dispatcher([*seats, *more], Policy())
    waits(d, "c", 4.0, Demand(PUTONGHUA))
    d.ask("b0", S.BREAK, 4.0)
    assert [s for _, s, _ in match(d, 5.0)] == ["b"], "two have b, one has a"
    d.reset("b", 6.0)
    d.ask("b", S.OFFLINE, 6.0)
    d.ask("b", S.AVAILABLE, 6.0)
    d.ask("b0", S.OFFLINE, 6.0)
    waits(d, "c2", 6.0, Demand(PUTONGHUA))
    assert [s for _, s, _ in match(d, 7.0)] == ["a"], "as scarce as each other: the longest idle"


def test_kept_seats_are_left_to_those_who_ask_until_another_has_waited_long():
    policy = Policy(keep_free={"ja": 1}, keep_for=20.0)
    d = Dispatcher([seat("ja", {"putonghua": 5, "ja": 4})], policy)
    waits(d, "plain", 0.0, Demand(PUTONGHUA))
    assert match(d, 19.9) == []
    assert d.next_deadline() == 20.0, "the engine must wake up then"
    waits(d, "asks", 19.9, Demand((("ja", 2),)))
    assert match(d, 19.9) == [("asks", "ja", 0)]
    d.reset("ja", 19.95)
    assert match(d, 19.95) == []
    assert match(d, 20.0) == [("plain", "ja", 0)]


def test_one_more_free_seat_than_is_kept_lets_the_others_go():
    d = Dispatcher([dialect("1"), dialect("2", state=S.TALKING)], Policy(keep_free={"wenzhou-wu": 1}, keep_for=99))
    waits(d, "plain", 0.0, Demand(PUTONGHUA))
    assert match(d, 1.0) == []
    d.reset("2", 2.0)
    assert match(d, 2.0) == [("plain", "1", 0)]


def test_the_same_seat_again_is_no_plain_call():
    d = Dispatcher([dialect("1")], Policy(keep_free={"wenzhou-wu": 5}, keep_for=99))
    waits(d, "again", 0.0, Demand(steps=(Step(seats=frozenset({"1"}), seconds=5), Step(PUTONGHUA))))
    assert match(d, 0.0) == [("again", "1", 0)]


def test_the_least_occupied_is_offered_first_when_the_policy_says_so():
    seats = [
        seat("long", signed_in_at=0.0, busy_seconds=1800.0, idle_since=1.0),
        seat("new", signed_in_at=3000.0, busy_seconds=500.0, idle_since=2.0),
        seat("even", signed_in_at=1800.0, busy_seconds=600.0, idle_since=3.0),
    ]
    d = Dispatcher(seats, Policy(order="least_occupied"))
    for i in range(3):
        waits(d, f"c{i}", float(i), Demand(PUTONGHUA))
    assert [s for _, s, _ in match(d, 3600.0)] == ["even", "long", "new"]
    d = Dispatcher(seats, Policy())
    waits(d, "c", 0.0, Demand(PUTONGHUA))
    assert match(d, 3600.0) == [("c", "long", 0)]


# ---------------------------------------------------------------------- limits of centres
def from_elsewhere(call, since=0.0):
    return Waiting(call, Demand(PUTONGHUA, centre="330100", steps=(Step(PUTONGHUA),)), since)


def from_here(call, since=0.0):
    return Waiting(call, Demand(PUTONGHUA, centre="330300", steps=(Step(PUTONGHUA),)), since)


def test_a_centre_takes_no_more_strangers_than_its_limit_and_its_own_callers_still():
    d = Dispatcher([seat("1"), seat("2"), seat("3")], Policy(wrap_up=0))
    d.set_centre_limits({"330300": CentreLimit(foreign=1)})
    for w in (from_elsewhere("s1", 1), from_elsewhere("s2", 2), from_here("own", 3)):
        d.enqueue(w)
    assert match(d, 5.0) == [("s1", "1", 0), ("own", "2", 0)]
    d.talking("1", "s1", "s1~1", 6.0)
    assert match(d, 6.0) == [], "a talk counts as well"
    d.talk_ended("1", "s1", 7.0)
    assert match(d, 7.0) == [("s2", "3", 0)]


def test_a_full_centre_takes_nobody_until_a_seat_is_done():
    d = Dispatcher([seat("1"), seat("2"), seat("far", centre="330100")], Policy())
    d.set_centre_limits({"330300": CentreLimit(capacity=1)})
    for i in range(3):
        d.enqueue(from_here(f"c{i}", float(i)))
    assert match(d, 5.0) == [("c0", "1", 0), ("c1", "far", 0)]
    d.offer_ended("1", "c0~1", OfferOutcome.WITHDRAWN, 6.0)
    assert match(d, 6.0) == [("c2", "1", 0)]
    d.enqueue(from_here("c3"))
    assert match(d, 7.0) == []
    d.set_centre_limits({})
    assert match(d, 7.0) == [("c3", "2", 0)]


def test_a_stranger_in_a_seat_is_known_after_a_restart():
    d = Dispatcher([seat("1"), seat("2")], Policy())
    d.enqueue(from_elsewhere("s"))
    d.match(1.0, offer_id)
    (row,) = d.take_changes()
    again = Dispatcher([seat("1"), seat("2")], Policy())
    again.set_centre_limits({"330300": CentreLimit(foreign=1)})
    again.restore(row)
    again.enqueue(from_elsewhere("s2"))
    assert match(again, 2.0) == []


# ---------------------------------------------------------------------- questions
def test_callers_ahead_count_by_the_share_of_their_seats():
    d = Dispatcher([dialect("1", state=S.TALKING), *(seat(f"p{i}", state=S.TALKING) for i in range(3))], Policy())
    for i in range(4):
        waits(d, f"plain{i}", float(i), Demand(PUTONGHUA))
    waits(d, "same", 5.0, Demand((("wenzhou-wu", 1),)))
    waits(d, "english", 5.0, Demand((("en", 1),)))
    waits(d, "me", 6.0, Demand((("wenzhou-wu", 1),)))
    waits(d, "behind", 7.0, Demand((("wenzhou-wu", 1),)))
    assert d.ahead("me", 8.0) == 4 * 0.25 + 1
    assert (d.position("plain0"), d.position("me"), d.position("x")) == (1, 7, None)
    assert d.serving(Demand((("wenzhou-wu", 1),))) == 1
    assert d.serving(DIALECT) == 4
    assert not d.can_be_served(Demand((("en", 1),)))


# ---------------------------------------------------------------------- what changed is looked at again
def test_callers_of_different_priority_do_not_hide_each_others_steps():
    d = Dispatcher([dialect("busy", state=S.TALKING), seat("local")], Policy())
    waits(d, "urgent", 9.0, Demand(steps=DIALECT.steps, priority=5))
    waits(d, "plain", 0.0)
    assert match(d, 10.0) == [("plain", "local", 1)]


def test_a_new_caller_does_not_go_before_an_old_one_who_wants_the_same_seat():
    d = Dispatcher([seat("1", state=S.TALKING)], Policy())
    waits(d, "old", 0.0, Demand(PUTONGHUA))
    assert match(d, 1.0) == []
    d.reset("1", 2.0)
    waits(d, "late", 2.0, Demand((("putonghua", 2),)))
    assert match(d, 2.0) == [("old", "1", 0)]


def test_when_the_first_of_a_group_leaves_the_next_has_only_its_own_steps_open():
    d = Dispatcher([dialect("busy", state=S.TALKING), seat("local", state=S.TALKING)], Policy())
    waits(d, "c1", 0.0)
    waits(d, "c2", 5.0)
    assert match(d, 12.0) == []
    d.withdraw("c1")
    d.reset("local", 12.0)
    assert match(d, 12.0) == []
    assert d.next_deadline() == 15.0
    assert match(d, 15.0) == [("c2", "local", 1)]


def test_a_kept_seat_elsewhere_that_comes_free_lets_this_one_go():
    here, there = dialect("here"), dialect("there", centre="330100", state=S.TALKING)
    d = Dispatcher([here, there], Policy(keep_free={"wenzhou-wu": 1}, keep_for=99))
    waits(d, "plain", 0.0, Demand(PUTONGHUA, centre="330300"))
    assert match(d, 1.0) == []
    d.reset("there", 2.0)
    assert match(d, 2.0) == [("plain", "here", 0)]


def test_a_talk_that_ends_in_a_full_centre_frees_another_seat_of_it():
    d = Dispatcher([dialect("1"), seat("2")], Policy())
    d.set_centre_limits({"330300": CentreLimit(capacity=1)})
    waits(d, "c1", 0.0, Demand((("wenzhou-wu", 1),)))
    d.enqueue(from_here("c2", 1.0))
    assert match(d, 2.0) == [("c1", "1", 0)]
    d.talking("1", "c1", "c1~1", 3.0)
    d.talk_ended("1", "c1", 4.0)
    assert d.seat("1").state is S.WRAP_UP
    assert match(d, 4.0) == [("c2", "2", 0)]


def test_who_was_a_stranger_in_a_seat_is_forgotten_with_its_call():
    d = Dispatcher([seat("1")], Policy())
    d.enqueue(from_elsewhere("s"))
    d.match(1.0, offer_id)
    assert d.seat("1").foreign
    d.talking("1", "s", "s~1", 2.0)
    d.talk_ended("1", "s", 3.0)
    assert not d.seat("1").foreign


def test_other_rules_hold_for_those_who_wait_already():
    d = Dispatcher([dialect("1", state=S.TALKING)], Policy())
    waits(d, "plain", 0.0, Demand(PUTONGHUA))
    assert match(d, 1.0) == []
    d.policy = Policy(keep_free={"wenzhou-wu": 1}, keep_for=20.0)
    d.reset("1", 2.0)
    assert match(d, 2.0) == []
    assert d.next_deadline() == 20.0
    d.policy = Policy()
    assert match(d, 3.0) == [("plain", "1", 0)]


def test_a_restored_seat_is_offered_by_its_restored_idle_time():
    d = Dispatcher([seat("a", idle_since=1.0), seat("b", idle_since=2.0)], Policy())
    d.restore(seat("a", idle_since=9.0))
    waits(d, "c", 0.0, Demand(PUTONGHUA))
    assert match(d, 10.0) == [("c", "b", 0)]


def test_a_free_seat_that_is_configured_anew_is_found_by_its_new_skills_and_centre():
    d = Dispatcher([dialect("1"), seat("2")], Policy())
    waits(d, "c", 0.0, Demand((("en", 1),), centre="330100"))
    assert match(d, 1.0) == []
    d.replace_seats([seat("1", {"en": 3, "putonghua": 1, "ja": 1}, "330100"), seat("2")], 2.0)
    assert match(d, 2.0) == [("c", "1", 0)]
    waits(d, "c2", 0.0, Demand(PUTONGHUA))
    assert match(d, 3.0) == [("c2", "2", 0)]


def test_a_seat_configured_away_during_its_talk_can_serve_nobody_any_more():
    d = Dispatcher([dialect("1", state=S.TALKING, call="x"), seat("2")], Policy())
    waits(d, "c")
    assert match(d, 1.0) == []
    d.replace_seats([seat("2")], 2.0)
    assert not d.can_be_served(Demand((("wenzhou-wu", 1),)))
    assert match(d, 2.0) == [("c", "2", 1)]
