"""An emergency line (Art. 11) in every state a call can be in: it rings, it joins, it fails, and no caller is lost."""

from dataclasses import replace

import pytest

from calls import CallState
from calls import commands as c
from calls import events as e
from calls.machine import TABLE
from calls.model import SIDE, TALK
from tests.unit.calls.story import (
    ARRIVED,
    CALL,
    CH,
    COPS,
    POLICE,
    RULES,
    SEAT,
    TAP,
    TO_OFFERED,
    TO_TALKING,
    WATER,
    Story,
    consulting,
    emergency,
    joined,
    left,
    of,
    offered,
    talking,
    wanted,
)

S = CallState
ONE = replace(POLICE, tries=POLICE.tries[:1])
TOLD = ("hotline/zh/emergency-connecting-110",)
FAILED = ("hotline/zh/emergency-failed",)
FLOW = e.FlowStarted(CALL)


def in_flow():
    story = Story(ARRIVED)
    story.call = replace(story.call, state=S.IN_FLOW)
    return story


STATES = {
    S.ARRIVED: lambda: Story(ARRIVED),
    S.IN_FLOW: in_flow,
    S.WAITING: lambda: Story(ARRIVED, e.Waits(CALL)),
    S.OFFERED: lambda: Story(*TO_OFFERED),
    S.TALKING: talking,
    S.VOICEMAIL: lambda: Story(ARRIVED, e.VoicemailBegan(CALL)),
    S.LEAVING: lambda: Story(ARRIVED, e.Waits(CALL), e.CallbackAsked(CALL)),
    S.NATIVE: lambda: Story(ARRIVED, e.WentNative(CALL)),
}
"""Every state in which the caller is on the line."""
TO_LOOP = (S.ARRIVED, S.IN_FLOW, S.VOICEMAIL, S.LEAVING)
UNSERVED = [s for s in STATES if s is not S.TALKING]


@pytest.mark.parametrize("state", S)
def test_the_table_has_an_emergency_wherever_a_caller_is_on_the_line_and_nowhere_else(state):
    assert (e.PartyWanted in TABLE[state]) == (state in STATES)


@pytest.mark.parametrize("state", STATES)
def test_the_line_rings_whatever_the_caller_is_doing_and_the_caller_is_told(state):
    story = STATES[state]()
    out = story.see(emergency())
    (ring,) = of(out, c.RingLine)
    assert (ring.leg, ring.trunk, ring.role, ring.shown) == (COPS.replace("~2", f"~{story.call.offers}"), "a", "join",
                                                             "13800001234")  # fmt: skip
    assert story.call.state is state, "until somebody is there it is what it was"
    loops, words = of(out, c.ToWaiting), of(out, c.Announce)
    assert loops == ([c.ToWaiting(CALL, CH, TOLD)] if state in TO_LOOP else [])
    assert words == ([c.Announce(CALL, CH, TOLD)] if state in (S.WAITING, S.OFFERED) else [])
    if state is S.WAITING:
        (again,) = of(out, c.Enqueue)
        assert (again.since, again.demand.priority) == (story.call.waiting_since, 10), "a seat is sought for it first"


@pytest.mark.parametrize("state", UNSERVED)
def test_the_line_talks_with_the_caller_and_a_seat_is_sought_as_third(state):
    story = STATES[state]()
    story.see(emergency())
    leg = story.party.offer.leg
    out = story.see(joined(leg))
    assert story.call.state is S.TALKING
    assert story.heard() == {leg}
    assert c.Withdraw(CALL) in out
    comes = story.party
    assert (comes.how, comes.by) == ("join", "emergency")
    if state is S.OFFERED:
        assert (comes.state, comes.seat, comes.offer.leg) == ("ringing", "8001", SEAT), "who rings already, comes"
        assert not of(out, c.Enqueue)
        assert story.call.leg(SEAT).kind == "third"
        assert story.call.offer is None
    else:
        (seek,) = of(out, c.Enqueue)
        assert (seek.part, seek.demand.priority >= 10) == (comes.id, True)
        assert seek.since == (story.call.waiting_since if state in (S.WAITING, S.LEAVING, S.NATIVE) else story.now)
    assert c.Announce(CALL, CH, ()) in out, "words that it has not heard yet are true no more"


@pytest.mark.parametrize("state", UNSERVED)
def test_the_seat_that_comes_as_third_is_in_charge(state):
    story = STATES[state]()
    story.see(emergency())
    leg = story.party.offer.leg
    story.see(joined(leg))
    third = SEAT
    if state is not S.OFFERED:
        third = f"{CALL}~8001~9"
        story.see(offered(third, part=story.party.id))
    out = story.see(joined(third))
    assert story.heard() == {leg, third}
    assert story.call.main_seat.id == third
    assert story.call.seat == "8001"
    assert c.SeatTalks(CALL, "8001", third) in out


@pytest.mark.parametrize("state", STATES)
def test_a_line_that_nobody_answers_costs_the_caller_nothing(state):
    story = STATES[state]()
    story.see(emergency(ONE))
    out = story.see(left(story.party.offer.leg, 17))
    assert (story.party.state, story.party.why) == ("failed", "busy")
    assert not of(out, c.HangUp)
    assert story.call.state is state
    assert (c.Announce(CALL, CH, FAILED) in out) == (state is not S.TALKING), "whom nobody serves is told"


@pytest.mark.parametrize("state", STATES)
def test_a_line_that_rings_is_given_up_after_its_time_in_every_state(state):
    story = STATES[state]()
    story.see(emergency())
    part, leg = story.party.id, story.party.offer.leg
    assert story.see(e.TimerFired(CALL, f"party:{part}"), after=10.0) == [c.CancelLeg(CALL, leg)]
    (ring,) = of(story.see(left(leg, 16)), c.RingLine)
    assert ring.trunk == "b"


@pytest.mark.parametrize("state", STATES)
def test_a_caller_who_hangs_up_ends_the_ringing(state):
    story = STATES[state]()
    story.see(emergency())
    leg = story.party.offer.leg
    out = story.see(e.CallerLeft(CALL, 16))
    assert c.CancelLeg(CALL, leg) in out
    assert story.party.why == "caller_left"
    assert story.call.ended_at is not None


@pytest.mark.parametrize("state", STATES)
def test_it_can_be_taken_back_in_every_state(state):
    story = STATES[state]()
    story.see(emergency())
    leg = story.party.offer.leg
    assert c.CancelLeg(CALL, leg) in story.see(e.PartyUnwanted(CALL, "p1"))
    assert story.party.state == "withdrawn"
    assert story.call.state is state


@pytest.mark.parametrize("state", [S.DUE, S.PREVIEW, S.DIALLING, S.STAYING, S.WRAP_UP, S.ENDED])
def test_without_a_caller_on_the_line_nothing_rings(state):
    story = talking()
    story.call = replace(story.call, state=state)
    assert story.see(emergency()) == []


def test_the_caller_goes_on_waiting_while_the_line_rings_and_a_seat_may_be_first():
    story = Story(*TO_OFFERED)
    story.see(emergency())
    leg = story.party.offer.leg
    story.see(e.LegRinging(CALL, SEAT), joined(SEAT))
    assert story.heard() == {SEAT}
    assert story.party.state == "ringing"
    story.see(joined(leg))
    assert story.heard() == {SEAT, leg}


def test_words_told_a_waiting_caller_go_on_while_the_line_rings():
    story = Story(ARRIVED, e.Waits(CALL), emergency())
    out = story.see(e.Told(CALL, ("hotline/zh/wait-next",), "position"))
    assert c.Announce(CALL, CH, ("hotline/zh/wait-next",)) in out


def test_an_emergency_that_answers_brings_the_seat_out_of_its_consultation():
    story = consulting()
    story.see(emergency(ONE, asking=SEAT, part="p2"))
    leg = story.party.offer.leg
    out = story.see(joined(leg, "b3"))
    assert story.room(SEAT) == TALK
    assert story.room(TAP) == SIDE, "who is consulted waits in the music"
    assert c.Move(CALL, SEAT, "talk", "", CH) in out
    assert c.Move(CALL, TAP, "music", "", CH) in out
    story.see(joined(SEAT, "b3"))
    assert story.heard() == {SEAT, leg}


def test_who_rings_for_a_consultation_comes_to_all_when_the_emergency_is_there():
    story = talking()
    story.see(wanted("consult", WATER), emergency(ONE, asking=SEAT, part="p2"))
    leg = story.party.offer.leg
    story.see(joined(leg, "b3"), joined(SEAT, "b3"))
    assert story.call.party("p1").how == "join"
    assert story.room(TAP) == TALK


def test_a_seat_that_leaves_while_only_the_emergency_rings_leaves_the_caller_to_it():
    story = Story(*TO_TALKING, emergency(ONE, asking=SEAT))
    leg = story.party.offer.leg
    out = story.see(left(SEAT))
    assert not of(out, c.HangUp)
    assert c.CancelLeg(CALL, leg) not in out
    out = story.see(left(leg, 17))
    assert of(out, c.Enqueue)[-1].demand.priority == RULES.default_demand.priority + 10
    assert c.Announce(CALL, CH, FAILED) in out
