"""The call's machine without any I/O: states after events."""

from dataclasses import replace

import pytest

from calls import CallError, CallState, LegState, Rules, step
from calls import commands as c
from calls import events as e
from calls.machine import TABLE
from routing import Demand, OfferOutcome

S = CallState
CALL = "hotline-1.0"
LEG = f"{CALL}~8001~1"


class NoFlows:
    def flow_of(self, reference):
        return None


RULES = Rules(NoFlows(), Demand((("putonghua", 1),)), ring=15.0)


def run(*events, start=100.0):
    call, last = None, ()
    for i, event in enumerate(events):
        call, last = step(call, event, start + i, RULES)
    return call, last


ARRIVED = e.Arrived(CALL, "PJSIP/trunk-1", "12345", "13800001234", "", "default@1")
WAITING = (ARRIVED, e.Waits(CALL))
OFFERED = (*WAITING, e.Offered(CALL, LEG, "8001", LEG, 105.0))
RINGING = (*OFFERED, e.LegRinging(CALL, LEG))
TALKING = (*RINGING, e.LegJoined(CALL, LEG, "8001"))


def test_an_unknown_call_can_only_begin_with_its_arrival():
    with pytest.raises(CallError):
        step(None, e.Waits(CALL), 1.0, RULES)


def test_a_greeted_caller_is_queued_with_the_default_demand():
    call, commands = run(*WAITING)
    assert call.state is S.WAITING
    assert commands == (c.Enqueue(CALL, RULES.default_demand, 101.0),)


def test_an_offer_rings_the_seat_once_with_an_id_fixed_in_the_journal():
    call, commands = run(*OFFERED)
    assert call.state is S.OFFERED
    assert [type(x) for x in commands] == [c.RingSeat]
    assert commands[0].leg == LEG
    assert not commands[0].idempotent


def test_ringing_gives_the_seat_its_full_time():
    call, _ = run(*RINGING)
    assert call.offer.deadline == 103.0 + RULES.ring


def test_an_offer_past_its_deadline_is_cancelled_but_the_caller_stays_offered_until_the_leg_is_gone():
    call, _ = run(*RINGING)
    late = call.offer.deadline + 0.1
    call, commands = step(call, e.TimerFired(CALL, "offer"), late, RULES)
    assert call.state is S.OFFERED
    assert commands == (c.CancelLeg(CALL, LEG),)
    assert commands[0].ringing
    call, commands = step(call, e.LegLeft(CALL, LEG, 16), late + 0.1, RULES)
    assert call.state is S.WAITING
    assert c.OfferEnds(CALL, "8001", LEG, OfferOutcome.NO_ANSWER) in commands
    assert c.Enqueue(CALL, RULES.default_demand, 101.0) in commands, "the rank is the old one"


def test_an_answer_that_crosses_our_cancellation_is_a_talk_like_any_other():
    """Only a leg that still rings is cancelled: the switch lets this one talk, so its end is the seat's."""
    call, _ = run(*RINGING)
    late = call.offer.deadline + 0.1
    call, _ = step(call, e.TimerFired(CALL, "offer"), late, RULES)
    call, _ = step(call, e.LegJoined(CALL, LEG, "8001"), late + 0.01, RULES)
    assert call.state is S.TALKING
    call, commands = step(call, e.LegLeft(CALL, LEG, 16), late + 0.02, RULES)
    assert c.HangUp(CALL, "PJSIP/trunk-1") in commands


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [(17, OfferOutcome.REFUSED), (21, OfferOutcome.REFUSED), (19, OfferOutcome.NO_ANSWER),
     (20, OfferOutcome.UNREACHABLE), (0, OfferOutcome.UNREACHABLE), (31, OfferOutcome.WITHDRAWN),
     (e.NEVER_RUNG, OfferOutcome.WITHDRAWN)],
)  # fmt: skip
def test_a_seat_that_does_not_take_the_call_gives_it_back_to_the_queue(cause, outcome):
    call, commands = run(*RINGING, e.LegLeft(CALL, LEG, cause))
    assert call.state is S.WAITING
    assert c.OfferEnds(CALL, "8001", LEG, outcome) in commands
    assert call.leg(LEG).state is LegState.GONE


def test_the_seat_hanging_up_releases_the_caller():
    call, commands = run(*TALKING, e.LegLeft(CALL, LEG, 16))
    assert c.HangUp(CALL, "PJSIP/trunk-1") in commands
    assert c.TalkEnds(CALL, "8001") in commands
    call, _ = step(call, e.CallerLeft(CALL, 16), 200.0, RULES)
    assert (call.state, call.outcome) == (S.WRAP_UP, "served")


def test_a_lost_seat_gives_the_caller_another_human_first_in_line():
    call, commands = run(*TALKING, e.LegLeft(CALL, LEG, 38))
    assert call.state is S.WAITING
    enqueued = next(x for x in commands if isinstance(x, c.Enqueue))
    assert enqueued.demand.priority == 10
    assert enqueued.since == 101.0


def test_the_caller_leaving_is_not_told_as_the_seat_hanging_up():
    call, commands = run(*TALKING, e.LegLeft(CALL, LEG, 31))
    assert not any(isinstance(x, c.HangUp) for x in commands)
    call, _ = step(call, e.CallerLeft(CALL, 16), 200.0, RULES)
    assert [m.what for m in call.timeline][-1] == "caller_left"
    assert call.state is S.WRAP_UP


def test_a_caller_left_alone_after_a_talk_is_not_forgotten():
    call, _ = run(*TALKING, e.LegLeft(CALL, LEG, 31))
    timer, at = call.timers[0]
    call, commands = step(call, e.TimerFired(CALL, timer), at, RULES)
    assert call.state is S.WAITING
    assert any(isinstance(x, c.Enqueue) for x in commands)


@pytest.mark.parametrize("history", [(ARRIVED,), WAITING, OFFERED, RINGING, TALKING])
def test_the_caller_can_leave_in_every_state(history):
    call, commands = run(*history, e.CallerLeft(CALL, 16))
    assert call.ended_at is not None
    assert call.offer is None
    assert all(leg.state is LegState.GONE for leg in call.legs)
    assert c.Withdraw(CALL) in commands
    if history in (OFFERED, RINGING):
        assert c.CancelLeg(CALL, LEG) in commands, "no phone rings on for a caller who has left"


def test_every_state_with_a_caller_ends_when_the_caller_leaves():
    for state in S:
        if state not in (S.STAYING, S.WRAP_UP, S.ENDED):
            assert e.CallerLeft in TABLE[state], f"{state} has no way out"


def test_a_caller_who_hammers_keys_fills_nothing():
    call, _ = run(*WAITING)
    for i in range(1000):
        call, _ = step(call, e.DigitPressed(CALL, "5"), 200.0 + i, RULES)
    assert len(call.timeline) <= 400


def test_events_of_an_older_leg_change_nothing():
    call, _ = run(*TALKING)
    again, commands = step(call, e.LegRinging(CALL, f"{CALL}~8002~9"), 300.0, RULES)
    assert again == replace(call)
    assert commands == ()


def test_a_voicemail_takes_the_caller_out_of_the_queue_and_ends_its_offer():
    call, commands = run(*OFFERED, e.VoicemailBegan(CALL))
    assert call.state is S.VOICEMAIL
    assert call.offer is None
    assert {c.Withdraw(CALL), c.CancelLeg(CALL, LEG)} <= set(commands)


def test_a_leg_that_was_given_up_but_talks_has_no_end_before_its_beginning():
    call, _ = run(*RINGING, e.LegLeft(CALL, LEG, 0), e.LegJoined(CALL, LEG, "8001"), e.CallerLeft(CALL, 16))
    ((begin, end, seat),) = call.seat_spans()
    assert seat == "8001"
    assert end >= begin
