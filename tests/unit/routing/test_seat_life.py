"""A seat's forced rest, reset, limits of breaks, and what is counted of its work."""

import pytest

from routing import Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatError, SeatState, Waiting

S = SeatState
POLICY = Policy(reserve=3, ring=15, wrap_up=60, break_limit=3600, rest=300, talk_check=7200)


def floor(policy=POLICY, **more):
    return Dispatcher([Seat("1", "一号", "330000", **{"state": S.AVAILABLE, **more})], policy)


def offered(d, now=0.0, call="c1"):
    d.enqueue(Waiting(call, Demand(), now))
    (m,) = d.match(now, lambda c, s: f"{c}~{s}")
    return m


def talking(d, now=0.0, call="c1"):
    m = offered(d, now, call)
    d.ringing("1", m.offer, now)
    d.talking("1", call, m.offer, now)
    return m


def seat(d):
    return d.seat("1")


# ---------------------------------------------------------------------- forced rest (Art. 28)
def test_a_forced_rest_begins_at_once_for_a_free_seat_and_ends_by_itself():
    d = floor()
    assert d.rest("1", 100.0).state is S.REST
    d.enqueue(Waiting("c", Demand(), 100.0))
    assert d.match(399.0, str.__add__) == []
    assert d.next_deadline() == 400.0
    d.expire(400.0)
    assert (seat(d).state, seat(d).idle_since) == (S.AVAILABLE, 400.0)


def test_a_forced_rest_given_during_the_talk_begins_after_the_wrap_up_with_its_length():
    d = floor()
    talking(d)
    d.rest("1", 5.0, seconds=900, reason="abuse")
    assert (seat(d).state, seat(d).wanted) == (S.TALKING, S.REST)
    d.talk_ended("1", "c1", 10.0)
    assert d.expire(70.0) == [("1", "c1")]
    assert (seat(d).state, seat(d).deadline, seat(d).reason) == (S.REST, 970.0, "abuse")
    d.expire(970.0)
    assert seat(d).state is S.AVAILABLE


def test_a_seat_that_finishes_its_wrap_up_early_rests_early():
    d = floor()
    talking(d)
    d.rest("1", 5.0)
    d.talk_ended("1", "c1", 10.0)
    assert d.ask("1", S.AVAILABLE, 20.0).state is S.REST
    assert seat(d).deadline == 320.0


def test_a_rest_given_during_an_offer_begins_when_the_offer_comes_to_nothing():
    d = floor()
    m = offered(d)
    d.rest("1", 1.0)
    d.offer_ended("1", m.offer, OfferOutcome.WITHDRAWN, 2.0)
    assert seat(d).state is S.REST


@pytest.mark.parametrize("to", [S.AVAILABLE, S.BREAK, S.OFFLINE])
def test_a_seat_cannot_talk_itself_out_of_a_rest_to_come_but_a_supervisor_can(to):
    d = floor()
    talking(d)
    d.rest("1", 5.0)
    with pytest.raises(SeatError, match="supervisor"):
        d.ask("1", to, 6.0)
    d.ask("1", to, 7.0, force=True)
    d.talk_ended("1", "c1", 10.0)
    d.wrap_up_done("1", 11.0)
    assert seat(d).state is to


def test_a_seat_cannot_end_its_rest_but_a_supervisor_can():
    d = floor()
    d.rest("1", 0.0)
    with pytest.raises(SeatError, match="must rest"):
        d.ask("1", S.AVAILABLE, 1.0)
    assert d.ask("1", S.AVAILABLE, 2.0, force=True).state is S.AVAILABLE


@pytest.mark.parametrize("wish", [S.BREAK, S.OFFLINE])
def test_a_wish_made_while_resting_is_taken_at_its_end_and_can_be_taken_back(wish):
    d = floor()
    d.rest("1", 0.0)
    assert d.ask("1", wish, 1.0, "meal", limit=60).state is S.REST
    d.expire(300.0)
    assert (seat(d).state, seat(d).reason) == (wish, "meal")
    assert seat(d).deadline == (360.0 if wish is S.BREAK else None)
    d = floor()
    d.rest("1", 0.0)
    d.ask("1", wish, 1.0)
    d.ask("1", S.AVAILABLE, 2.0)
    d.expire(300.0)
    assert seat(d).state is S.AVAILABLE


def test_a_phone_lost_while_resting_makes_the_seat_offline_at_the_end_until_it_registers():
    d = floor()
    d.rest("1", 0.0)
    d.phone_down("1", 1.0)
    d.expire(300.0)
    assert (seat(d).state, seat(d).phone_gone) == (S.OFFLINE, True)
    d.phone_up("1", 301.0)
    assert (seat(d).state, seat(d).phone_gone) == (S.AVAILABLE, False)


def test_a_phone_that_came_back_while_resting_leaves_the_seat_available():
    d = floor()
    d.rest("1", 0.0)
    d.phone_down("1", 1.0)
    d.phone_up("1", 2.0)
    assert seat(d).state is S.REST, "a phone ends no rest"
    d.expire(300.0)
    assert seat(d).state is S.AVAILABLE


def test_a_phone_lost_during_the_talk_does_not_take_the_rest_away():
    d = floor()
    talking(d)
    d.rest("1", 1.0)
    d.phone_down("1", 2.0)
    d.talk_ended("1", "c1", 3.0, wrap_up=False)
    assert seat(d).state is S.REST
    d.expire(303.0)
    assert seat(d).state is S.OFFLINE


@pytest.mark.parametrize("state", [S.OFFLINE, S.BREAK])
def test_who_does_not_work_needs_no_rest(state):
    with pytest.raises(SeatError, match="rests already"):
        floor(state=state).rest("1", 0.0)


# ---------------------------------------------------------------------- reset by a supervisor
def in_state(state):
    d = floor()
    if state in (S.OFFERED, S.RINGING, S.TALKING, S.WRAP_UP):
        m = offered(d)
        if state is not S.OFFERED:
            d.ringing("1", m.offer, 0.0)
        if state in (S.TALKING, S.WRAP_UP):
            d.talking("1", "c1", m.offer, 0.0)
        if state is S.WRAP_UP:
            d.talk_ended("1", "c1", 1.0)
    elif state is S.REST:
        d.rest("1", 0.0)
    else:
        d.ask("1", state, 0.0, "meal")
    assert seat(d).state is state
    return d


@pytest.mark.parametrize("state", list(S))
def test_a_supervisor_brings_a_seat_out_of_any_state(state):
    d = in_state(state)
    after = d.reset("1", 5.0)
    assert (after.state, after.call, after.offer, after.deadline, after.reason) == (S.AVAILABLE, None, None, None, None)
    d.enqueue(Waiting("next", Demand(), 5.0))
    assert d.match(5.0, str.__add__), "it can be offered at once"


@pytest.mark.parametrize("state", list(S))
def test_a_reset_seat_without_a_phone_is_offline_until_the_phone_is_there(state):
    d = in_state(state)
    d.phone_down("1", 4.0)
    assert d.reset("1", 5.0).state is S.OFFLINE
    d.phone_up("1", 6.0)
    assert seat(d).state is S.AVAILABLE


def test_a_reset_forgets_missed_offers_their_pause_and_wishes():
    d = floor()
    m = offered(d)
    d.offer_ended("1", m.offer, OfferOutcome.REFUSED, 1.0)
    d.reset("1", 1.5)
    assert seat(d).missed == 0
    talking(d, 1.5, "c2")
    d.ask("1", S.BREAK, 1.6)
    d.reset("1", 1.7)
    assert (seat(d).state, seat(d).wanted) == (S.AVAILABLE, None)


def test_an_unknown_seat_cannot_be_reset_or_sent_to_rest():
    d = floor()
    for act in (d.reset, d.rest):
        with pytest.raises(SeatError, match=r"hotline\.yaml"):
            act("9", 0.0)


# ---------------------------------------------------------------------- deadlines
def test_a_break_lasts_as_long_as_its_reason_allows_at_once_or_after_the_call():
    d = floor()
    assert d.ask("1", S.BREAK, 0.0, "coffee", limit=600).deadline == 600.0
    d.ask("1", S.AVAILABLE, 1.0)
    talking(d, 1.0)
    d.ask("1", S.BREAK, 2.0, "coffee", limit=600)
    d.talk_ended("1", "c1", 10.0, wrap_up=False)
    assert (seat(d).deadline, seat(d).wanted_limit) == (610.0, None)
    d.expire(610.0)
    assert (seat(d).state, seat(d).reason) == (S.OFFLINE, "break limit reached")


def test_a_talk_past_its_check_goes_on_and_is_told_until_it_is_confirmed():
    d = floor()
    talking(d)
    assert d.overdue(7199.0) == []
    assert d.next_deadline() == 7200.0
    d.expire(7200.0)
    assert [s.id for s in d.overdue(7200.0)] == ["1"]
    assert d.next_deadline() is None, "the engine does not spin on it"
    d.confirm_talk("1", 7201.0)
    assert d.overdue(7201.0) == []
    assert (seat(d).state, d.next_deadline()) == (S.TALKING, 14401.0)
    d.expire(14401.0)
    d.talk_ended("1", "c1", 14402.0)
    assert d.overdue(14402.0) == []
    d.confirm_talk("1", 14403.0)
    d.confirm_talk("9", 14403.0)
    assert seat(d).state is S.WRAP_UP


def test_an_offer_past_its_deadline_is_told_and_the_engine_does_not_spin():
    d = floor()
    offered(d)
    d.expire(3.0)
    assert [s.state for s in d.overdue(3.0)] == [S.OFFERED]
    assert d.next_deadline() is None


def test_talks_are_not_among_what_each_turn_looks_at():
    d = floor()
    offered(d)
    assert list(d.timed) == ["1"]
    d.talking("1", "c1", "c1~1", 1.0)
    assert list(d.timed) == []


# ---------------------------------------------------------------------- what is counted
def test_talk_and_wrap_up_are_counted_since_the_sign_in():
    d = floor(state=S.OFFLINE)
    d.phone_up("1", 1000.0)
    talking(d, 1100.0)
    d.talk_ended("1", "c1", 1200.0)
    assert (seat(d).busy_seconds, seat(d).taken, seat(d).signed_in_at) == (100.0, 1, 1000.0)
    d.wrap_up_done("1", 1230.0)
    assert (seat(d).busy_seconds, seat(d).taken) == (130.0, 1)
    assert seat(d).occupancy(1260.0) == 0.5
    d.ask("1", S.BREAK, 1260.0)
    d.ask("1", S.AVAILABLE, 1300.0)
    assert (seat(d).busy_seconds, seat(d).signed_in_at) == (130.0, 1000.0), "a break is no sign-in"
    d.ask("1", S.OFFLINE, 1300.0)
    d.ask("1", S.AVAILABLE, 1301.0)
    assert (seat(d).busy_seconds, seat(d).taken, seat(d).signed_in_at) == (0.0, 0, 1301.0)


@pytest.mark.parametrize(("away", "same"), [(100.0, True), (400.0, False)])
def test_a_phone_that_reboots_is_the_same_sign_in(away, same):
    d = floor(busy_seconds=500.0, signed_in_at=10.0)
    d.phone_down("1", 2000.0)
    d.phone_up("1", 2000.0 + away)
    assert (seat(d).signed_in_at == 10.0) is same
    assert (seat(d).busy_seconds == 500.0) is same


def test_a_transferred_seat_wraps_up_although_the_call_goes_on_elsewhere():
    d = Dispatcher([Seat(i, i, "330000", state=S.AVAILABLE) for i in "12"], POLICY)
    m = offered(d)
    d.talking("1", "c1", m.offer, 0.0)
    d.talk_ended("1", "c1", 10.0)
    d.enqueue(Waiting("c1", Demand(), 0.0))
    (m2,) = d.match(11.0, lambda c, s: f"{c}~{s}")
    d.talking(m2.seat, "c1", m2.offer, 12.0)
    assert (m2.seat, d.seat("1").state, d.seat("1").call) == ("2", S.WRAP_UP, "c1")
    assert d.expire(70.0) == [("1", "c1")]
    assert d.seat("2").state is S.TALKING


def test_a_new_process_keeps_a_wrap_up_a_rest_to_come_and_what_is_counted():
    d = floor(kind="expert", phone="8001@hangzhou")
    talking(d)
    d.rest("1", 5.0, seconds=900)
    d.talk_ended("1", "c1", 10.0)
    (row,) = d.take_changes()
    again = Dispatcher([Seat("1", "新名", "330100", {"en": 1}, kind="agent", on_duty=False)], POLICY)
    again.restore(row)
    new = seat(again)
    assert (new.name, new.centre, new.skills, new.kind, new.phone, new.on_duty) == (
        "新名", "330100", {"en": 1}, "agent", "", False,
    )  # fmt: skip
    assert again.expire(70.0) == [("1", "c1")]
    assert (seat(again).state, seat(again).deadline) == (S.REST, 970.0)
    assert (seat(again).busy_seconds, seat(again).taken) == (70.0, 1)


def test_a_seat_configured_away_in_its_wrap_up_and_found_talking_stays_until_the_end():
    d = floor()
    talking(d)
    d.talk_ended("1", "c1", 10.0)
    d.replace_seats([Seat("2", "", "330000")], 11.0)
    d.talking("1", "c2", "c2~1", 12.0)
    assert d.seat("1").call == "c2"
    d.talk_ended("1", "c2", 20.0)
    d.expire(80.0)
    assert list(d.seats) == ["2"]


def test_a_wish_survives_a_talk_found_in_the_wrap_up_with_its_reason():
    d = floor()
    talking(d)
    d.ask("1", S.BREAK, 5.0, "meal", limit=900)
    d.talk_ended("1", "c1", 10.0)
    d.talking("1", "c2", "c2~1", 12.0)
    d.talk_ended("1", "c2", 20.0, wrap_up=False)
    assert (seat(d).state, seat(d).reason, seat(d).deadline) == (S.BREAK, "meal", 920.0)
