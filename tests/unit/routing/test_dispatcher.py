"""Who is offered to whom, and what seats become; one test for each thing that would be unfair or get stuck."""

import pytest

from routing import Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatError, SeatState, Waiting

S = SeatState
POLICY = Policy(reserve=3, ring=15, wrap_up=60, break_limit=3600, missed_limit=2, refused_pause=5)
PUTONGHUA = {"putonghua": 5}


def seat(seat_id, skills=None, state=S.AVAILABLE, **more):
    return Seat(seat_id, seat_id, more.pop("centre", "330000"), skills or PUTONGHUA, state=state, **more)


def caller(call, since=0.0, priority=0, skills=(("putonghua", 1),), centre=None):
    return Waiting(call, Demand(tuple(skills), priority, centre), since)


def offer_id(call, seat_id):
    return f"{call}~{seat_id}"


def pairs(matches):
    return [(m.call, m.seat) for m in matches]


def offered(d, now=0.0, call="c1"):
    """The first seat is offered the caller; returns the match."""
    d.enqueue(caller(call, since=now))
    (match,) = d.match(now, offer_id)
    return match


def talking(d, now=0.0, call="c1"):
    match = offered(d, now, call)
    d.ringing(match.seat, match.offer, now)
    d.talking(match.seat, match.call, match.offer, now)
    return match


# ---------------------------------------------------------------------- order
def test_callers_go_by_priority_then_by_time_then_by_id():
    d = Dispatcher([seat("1"), seat("2"), seat("3"), seat("4"), seat("5")], POLICY)
    for w in (caller("late", 9), caller("b", 5), caller("a", 5), caller("urgent", 20, priority=10), caller("first", 1)):
        d.enqueue(w)
    assert [w.call for w in d.waiting()] == ["urgent", "first", "a", "b", "late"]
    assert [c for c, _ in pairs(d.match(30.0, offer_id))] == ["urgent", "first", "a", "b", "late"]


def test_the_longest_idle_seat_is_offered_first():
    d = Dispatcher([seat("1", idle_since=50), seat("2", idle_since=10), seat("3", idle_since=30)], POLICY)
    for i in range(3):
        d.enqueue(caller(f"c{i}", i))
    assert [s for _, s in pairs(d.match(60.0, offer_id))] == ["2", "3", "1"]


def test_a_scarce_seat_is_kept_for_those_who_need_it():
    expert = seat("expert", {"putonghua": 5, "wenzhou-wu": 4}, idle_since=0)
    d = Dispatcher([expert, seat("plain", idle_since=99)], POLICY)
    d.enqueue(caller("anybody", 1))
    d.enqueue(caller("dialect", 2, skills=(("wenzhou-wu", 3),)))
    assert pairs(d.match(100.0, offer_id)) == [("anybody", "plain"), ("dialect", "expert")]


def test_a_caller_nobody_can_serve_does_not_hold_up_those_behind():
    d = Dispatcher([seat("1")], POLICY)
    d.enqueue(caller("hard", 1, skills=(("en", 4),)))
    d.enqueue(caller("easy", 2))
    assert pairs(d.match(3.0, offer_id)) == [("easy", "1")]
    assert [w.call for w in d.waiting()] == ["hard"]


@pytest.mark.parametrize("level, served", [(5, True), (6, False)])
def test_the_level_of_a_skill_counts(level, served):
    d = Dispatcher([seat("1")], POLICY)
    d.enqueue(caller("c", skills=(("putonghua", level),)))
    assert bool(d.match(1.0, offer_id)) is served


def test_a_demand_for_one_centre_is_not_served_by_another():
    d = Dispatcher([seat("hz", centre="330100"), seat("wz", centre="330300")], POLICY)
    d.enqueue(caller("c", centre="330300"))
    assert pairs(d.match(1.0, offer_id)) == [("c", "wz")]


def test_an_offer_reserves_the_seat_with_a_deadline():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d, 100.0)
    assert match.deadline == 103.0
    assert d.seat("1").state is S.OFFERED
    d.enqueue(caller("c2"))
    assert d.match(100.0, offer_id) == [], "nobody else gets it"


def test_a_caller_put_back_has_its_old_rank():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d, 1.0, "old")
    d.enqueue(caller("new", 2))
    d.offer_ended("1", match.offer, OfferOutcome.NO_ANSWER, 20.0)
    d.enqueue(caller("old", 1))
    assert [w.call for w in d.waiting()] == ["old", "new"]


def test_enqueue_twice_is_once_and_withdraw_of_an_unknown_call_is_no_error():
    d = Dispatcher([], POLICY)
    d.enqueue(caller("c", 1))
    d.enqueue(caller("c", 1, priority=5))
    assert [w.demand.priority for w in d.waiting()] == [5]
    assert d.withdraw("stranger") is False
    assert d.withdraw("c") is True
    assert d.withdraw("c") is False
    assert not d.waiting()
    assert not d.is_waiting("c")


# ---------------------------------------------------------------------- missed offers
@pytest.mark.parametrize("outcome", [OfferOutcome.NO_ANSWER, OfferOutcome.REFUSED])
def test_a_seat_rests_after_a_missed_offer_and_only_so_long(outcome):
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d, 0.0)
    d.offer_ended("1", match.offer, outcome, 10.0)
    d.enqueue(caller("c1"))
    assert d.match(14.9, offer_id) == []
    assert d.next_deadline() == 15.0, "the engine must wake up when the rest is over"
    d.expire(15.0)
    assert pairs(d.match(15.0, offer_id)) == [("c1", "1")]


def test_at_the_missed_limit_the_seat_goes_to_a_break_until_a_human_acts():
    d = Dispatcher([seat("1")], POLICY)
    for now in (0.0, 100.0):
        match = offered(d, now)
        d.offer_ended("1", match.offer, OfferOutcome.NO_ANSWER, now + 1)
    assert (d.seat("1").state, d.seat("1").reason) == (S.BREAK, "missed offers")
    d.phone_up("1", 200.0)
    assert d.seat("1").state is S.BREAK
    assert d.ask("1", S.AVAILABLE, 201.0).missed == 0


def test_a_seat_called_back_by_a_human_does_not_go_on_resting():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    d.offer_ended("1", match.offer, OfferOutcome.REFUSED, 1.0)
    d.ask("1", S.BREAK, 1.5)
    d.ask("1", S.AVAILABLE, 2.0)
    d.enqueue(caller("c1"))
    assert d.match(2.0, offer_id)


def test_a_withdrawn_offer_is_no_fault_of_the_seat():
    d = Dispatcher([seat("1", idle_since=3.0)], POLICY)
    match = offered(d)
    d.offer_ended("1", match.offer, OfferOutcome.WITHDRAWN, 1.0)
    now = d.seat("1")
    assert (now.state, now.missed, now.idle_since) == (S.AVAILABLE, 0, 3.0)
    d.enqueue(caller("c1"))
    assert d.match(1.0, offer_id), "it does not rest"


def test_an_unreachable_phone_makes_the_seat_offline_until_it_registers():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    d.offer_ended("1", match.offer, OfferOutcome.UNREACHABLE, 1.0)
    assert d.seat("1").state is S.OFFLINE
    d.phone_up("1", 2.0)
    assert d.seat("1").state is S.AVAILABLE


def test_news_of_an_older_offer_changes_nothing():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    before = d.seat("1")
    d.ringing("1", "older", 1.0)
    d.offer_ended("1", "older", OfferOutcome.NO_ANSWER, 1.0)
    d.talk_ended("1", "c0", 1.0)
    assert d.seat("1") == before
    assert before.offer == match.offer


def test_a_seat_that_answers_an_older_offer_is_offered_again_and_again():
    """Its answer crossed the order that took the offer back: the phone is in use, whatever is offered to it now."""
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    d.talking("1", "c0", "older", 1.0)
    d.offer_ended("1", match.offer, OfferOutcome.NO_ANSWER, 2.0)
    assert (d.seat("1").state, d.seat("1").call) == (S.TALKING, "c0")


def test_an_unknown_seat_is_no_error_for_news_and_a_clear_one_for_people():
    d = Dispatcher([], POLICY)
    d.phone_up("9", 1.0)
    d.phone_down("9", 1.0)
    d.ringing("9", "o", 1.0)
    d.talking("9", "c", "o", 1.0)
    d.offer_ended("9", "o", OfferOutcome.REFUSED, 1.0)
    d.talk_ended("9", "c", 1.0)
    assert d.wrap_up_done("9", 1.0) is None
    with pytest.raises(SeatError, match=r"hotline\.yaml"):
        d.ask("9", S.BREAK, 1.0)


# ---------------------------------------------------------------------- wishes
@pytest.mark.parametrize("wish", [S.BREAK, S.OFFLINE])
def test_a_wish_made_while_talking_is_taken_after_the_wrap_up_with_its_reason(wish):
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    assert d.ask("1", wish, 5.0, "meal").state is S.TALKING
    d.talk_ended("1", "c1", 10.0)
    assert (d.seat("1").state, d.seat("1").wanted) == (S.WRAP_UP, wish)
    assert d.wrap_up_done("1", 20.0) == "c1"
    after = d.seat("1")
    assert (after.state, after.wanted, after.reason) == (wish, None, "meal")


def test_a_wish_made_while_offered_keeps_its_reason_through_ringing_and_talk():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    d.ask("1", S.BREAK, 0.5, "training")
    d.ringing("1", match.offer, 1.0)
    d.talking("1", "c1", match.offer, 2.0)
    d.talk_ended("1", "c1", 3.0)
    d.expire(63.0)
    assert (d.seat("1").state, d.seat("1").reason) == (S.BREAK, "training")


def test_a_wish_is_taken_when_the_offer_is_missed():
    d = Dispatcher([seat("1")], POLICY)
    match = offered(d)
    d.ask("1", S.BREAK, 0.5, "meal")
    d.offer_ended("1", match.offer, OfferOutcome.NO_ANSWER, 4.0)
    assert (d.seat("1").state, d.seat("1").reason) == (S.BREAK, "meal")


def test_asking_for_available_takes_the_wish_back():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.ask("1", S.BREAK, 5.0, "meal")
    d.ask("1", S.AVAILABLE, 6.0)
    d.talk_ended("1", "c1", 10.0)
    d.wrap_up_done("1", 11.0)
    assert d.seat("1").state is S.AVAILABLE


@pytest.mark.parametrize("state", [S.OFFERED, S.RINGING, S.TALKING, S.WRAP_UP])
def test_states_of_work_cannot_be_asked_for(state):
    d = Dispatcher([seat("1")], POLICY)
    with pytest.raises(SeatError, match="available, break or offline"):
        d.ask("1", state, 1.0)


def test_a_phone_that_comes_back_during_the_talk_leaves_the_seat_available():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.phone_down("1", 2.0)
    assert (d.seat("1").state, d.seat("1").wanted) == (S.TALKING, S.OFFLINE)
    d.phone_up("1", 3.0)
    d.talk_ended("1", "c1", 10.0)
    d.wrap_up_done("1", 11.0)
    assert d.seat("1").state is S.AVAILABLE


def test_a_phone_lost_during_the_wrap_up_does_not_lose_the_wrap_up():
    """Else nobody ever ends the call that is being wrapped up."""
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.talk_ended("1", "c1", 10.0)
    d.phone_down("1", 12.0)
    assert d.expire(70.0) == [("1", "c1")]
    assert d.seat("1").state is S.OFFLINE


# ---------------------------------------------------------------------- deadlines
def test_a_wrap_up_ends_at_its_deadline_and_tells_its_call():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.talk_ended("1", "c1", 10.0)
    assert d.next_deadline() == 70.0
    assert d.expire(69.9) == []
    assert d.expire(70.0) == [("1", "c1")]
    assert d.seat("1").state is S.AVAILABLE
    assert d.expire(70.0) == []


def test_without_wrap_up_time_the_seat_is_free_at_once():
    d = Dispatcher([seat("1")], Policy(wrap_up=0))
    talking(d)
    d.talk_ended("1", "c1", 10.0)
    assert d.seat("1").state is S.AVAILABLE


def test_a_break_past_its_limit_becomes_offline_and_says_so():
    d = Dispatcher([seat("1")], POLICY)
    d.ask("1", S.BREAK, 0.0, "meal")
    assert d.next_deadline() == 3600.0
    d.expire(3600.0)
    assert (d.seat("1").state, d.seat("1").reason) == (S.OFFLINE, "break limit reached")


def test_no_deadline_no_alarm():
    assert Dispatcher([seat("1")], POLICY).next_deadline() is None


# ---------------------------------------------------------------------- new configuration, restart
def test_replaced_seats_keep_their_states_and_get_new_skills():
    d = Dispatcher([seat("1"), seat("2")], POLICY)
    talking(d)
    d.replace_seats([seat("1", {"en": 3}, S.OFFLINE), seat("2", state=S.OFFLINE), seat("3", state=S.OFFLINE)], 5.0)
    assert d.seat("1").state is S.TALKING
    assert d.seat("1").skills == {"en": 3}
    assert d.seat("2").state is S.AVAILABLE
    assert d.seat("3").state is S.OFFLINE


def test_a_removed_free_seat_is_gone_and_gets_no_caller():
    d = Dispatcher([seat("1"), seat("2")], POLICY)
    d.replace_seats([seat("1")], 5.0)
    assert list(d.seats) == ["1"]
    d.enqueue(caller("a", 1))
    d.enqueue(caller("b", 2))
    assert pairs(d.match(6.0, offer_id)) == [("a", "1")]


@pytest.mark.parametrize("again", ["phone", "person", "nothing"])
def test_a_seat_removed_while_busy_finishes_and_is_gone_whatever_its_phone_or_a_person_does(again):
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.replace_seats([seat("2")], 5.0)
    assert d.seat("1").state is S.TALKING, "the talk goes on"
    if again == "phone":
        d.phone_up("1", 6.0)
    elif again == "person":
        d.ask("1", S.AVAILABLE, 6.0)
    d.talk_ended("1", "c1", 10.0)
    assert d.expire(70.0) == [("1", "c1")], "its wrap-up still ends the call"
    d.phone_up("1", 71.0)
    d.enqueue(caller("c2", 72))
    assert pairs(d.match(73.0, offer_id)) == [("c2", "2")]
    assert "1" not in d.seats


def test_a_seat_removed_and_configured_again_while_busy_stays():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.replace_seats([seat("2")], 5.0)
    d.replace_seats([seat("1"), seat("2")], 6.0)
    d.talk_ended("1", "c1", 10.0)
    d.wrap_up_done("1", 11.0)
    assert d.seat("1").state is S.AVAILABLE


def test_restore_takes_the_state_but_not_the_skills_and_no_unknown_seat():
    d = Dispatcher([seat("1", {"en": 3}, S.OFFLINE)], POLICY)
    d.restore(seat("1", {"putonghua": 1}, S.AVAILABLE))
    d.restore(seat("9"))
    assert d.seat("1").skills == {"en": 3}
    assert list(d.seats) == ["1"]
    d.enqueue(caller("c", skills=(("en", 1),)))
    assert d.match(1.0, offer_id), "a restored free seat can be offered"


@pytest.mark.parametrize("state", [S.OFFLINE, S.AVAILABLE, S.BREAK, S.WRAP_UP])
def test_a_talk_found_in_the_switch_is_believed_in_any_idle_state(state):
    d = Dispatcher([seat("1", state=state, call="old" if state is S.WRAP_UP else None, deadline=50.0)], POLICY)
    d.talking("1", "c1", "o1", 5.0)
    assert (d.seat("1").state, d.seat("1").call) == (S.TALKING, "c1")
    d.enqueue(caller("c2"))
    assert d.match(6.0, offer_id) == []


def test_changes_are_told_once():
    d = Dispatcher([seat("1"), seat("2")], POLICY)
    d.ask("1", S.BREAK, 1.0)
    d.ask("1", S.AVAILABLE, 2.0)
    assert [(s.id, s.state) for s in d.take_changes()] == [("1", S.AVAILABLE)]
    assert d.take_changes() == []


# ---------------------------------------------------------------------- nobody is put to work by a machine
def test_a_person_who_signed_off_is_not_put_back_to_work_by_its_registered_phone():
    """The sweep tells of every registered phone twice a minute."""
    d = Dispatcher([seat("1")], POLICY)
    d.ask("1", S.OFFLINE, 1.0)
    d.phone_up("1", 30.0)
    assert d.seat("1").state is S.OFFLINE
    assert d.ask("1", S.AVAILABLE, 31.0).state is S.AVAILABLE


def test_a_person_who_wants_to_sign_off_after_this_call_still_does_when_its_phone_is_told_of_again():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.ask("1", S.OFFLINE, 5.0)
    d.phone_up("1", 30.0)
    d.talk_ended("1", "c1", 40.0)
    d.phone_up("1", 60.0)
    d.wrap_up_done("1", 70.0)
    d.phone_up("1", 90.0)
    assert d.seat("1").state is S.OFFLINE


def test_a_break_that_ran_out_is_not_ended_by_the_phone():
    d = Dispatcher([seat("1")], POLICY)
    d.ask("1", S.BREAK, 0.0, "meal")
    d.expire(3600.0)
    d.phone_up("1", 3630.0)
    assert d.seat("1").state is S.OFFLINE


def test_a_phone_that_reboots_during_a_break_does_not_end_the_break():
    d = Dispatcher([seat("1")], POLICY)
    d.ask("1", S.BREAK, 0.0, "meal")
    d.phone_down("1", 5.0)
    d.phone_up("1", 9.0)
    assert (d.seat("1").state, d.seat("1").reason) == (S.BREAK, "meal")


def test_a_lost_phone_does_not_take_a_wish_for_a_break_away():
    d = Dispatcher([seat("1")], POLICY)
    talking(d)
    d.ask("1", S.BREAK, 5.0, "meal")
    d.phone_down("1", 6.0)
    d.phone_up("1", 7.0)
    d.talk_ended("1", "c1", 8.0)
    d.wrap_up_done("1", 9.0)
    assert (d.seat("1").state, d.seat("1").reason) == (S.BREAK, "meal")


def test_asking_for_offline_holds_although_the_phone_was_gone_already():
    d = Dispatcher([seat("1")], POLICY)
    d.phone_down("1", 1.0)
    d.ask("1", S.OFFLINE, 2.0)
    d.phone_up("1", 3.0)
    assert d.seat("1").state is S.OFFLINE


def test_a_phone_that_comes_and_goes_makes_its_seat_available_and_offline():
    d = Dispatcher([seat("1", state=S.OFFLINE)], POLICY)
    for now in (1.0, 3.0):
        d.phone_up("1", now)
        assert d.seat("1").state is S.AVAILABLE
        d.phone_down("1", now + 1)
        assert d.seat("1").state is S.OFFLINE


def test_a_seat_that_talks_in_the_switchs_own_queue_is_free_for_others_once_an_old_offer_has_ended():
    """It was being offered a caller when the queue joined it with another one."""
    now = 0.0
    dispatcher = Dispatcher([Seat("8001", "8001", "330000", {})], Policy())
    dispatcher.phone_up("8001", now)
    dispatcher.enqueue(Waiting("c-1", Demand(), 0.0))
    (match,) = dispatcher.match(1.0, lambda *_: "c-1~8001~1")
    dispatcher.talking("8001", "c-2", "h-9.0", 2.0)
    dispatcher.offer_ended("8001", match.offer, OfferOutcome.WITHDRAWN, 3.0)
    seat = dispatcher.seats["8001"]
    assert (seat.state, seat.call) == (SeatState.TALKING, "c-2")
