"""Somebody of a talk leaves: who is in charge then, what ends a call, what brings the caller back to the queue."""

from dataclasses import replace

import pytest

from calls import CallState, LegState
from calls import commands as c
from calls import events as e
from routing import OfferOutcome
from tests.unit.calls.story import (
    BOSS,
    CALL,
    CH,
    EN,
    RULES,
    SEAT,
    SECOND,
    TAP,
    WATER,
    arranged,
    consulting,
    emergency,
    joined,
    left,
    of,
    offered,
    supervised,
    talk_of_three,
    talking,
    wanted,
)

S = CallState


# ---------------------------------------------------------------------- somebody leaves
def test_when_the_seat_hangs_up_who_helped_is_in_charge():
    story = talking()
    story.see(wanted("join", EN), offered(), joined(SECOND))
    out = story.see(left(SEAT))
    assert not of(out, c.HangUp)
    assert story.call.main_seat.id == SECOND
    assert story.call.seat == "8002"
    assert story.said("takes_charge") == [{"seat": "8002"}]


def test_an_outside_line_is_never_in_charge():
    story = talk_of_three()
    story.see(left(SEAT))
    assert story.call.main_seat is None
    assert story.call.seat == "8001"
    assert story.call.state is S.TALKING


def test_a_seat_that_hangs_up_in_a_consultation_leaves_the_party_to_the_caller():
    """As a telephone does it: 咨询转接."""
    story = consulting()
    out = story.see(left(SEAT))
    assert c.Move(CALL, TAP, "talk", "", CH, anew=True) in out
    assert not of(out, c.HangUp)
    story.see(joined(TAP, "b3"))
    assert story.heard() == {TAP}


def test_a_seat_that_hangs_up_while_its_party_rings_leaves_the_caller_to_it():
    story = talking()
    story.see(wanted("consult", WATER))
    out = story.see(left(SEAT))
    assert not of(out, c.HangUp), "somebody is on the way"
    assert story.party.how == "transfer"
    assert c.CancelLeg(CALL, TAP) not in out
    story.see(joined(TAP, "b2"))
    assert story.heard() == {TAP}


def test_nobody_comes_of_it_after_the_seat_has_gone_and_the_caller_is_the_first_in_the_queue():
    story = talking()
    story.see(wanted("consult", WATER), left(SEAT))
    out = story.see(left(TAP, 17))
    (again,) = of(out, c.Enqueue)
    assert again.since == 1002.0, "at the rank of its arrival"
    assert again.demand.priority == RULES.default_demand.priority + 10
    assert c.InQueue(CALL) in out, "a seat that answers may take it out of the music"
    assert story.call.state is S.WAITING


def test_who_is_consulted_hangs_up_and_seat_and_caller_are_together():
    story = consulting()
    out = story.see(left(TAP))
    assert out[-1] == c.Move(CALL, SEAT, "talk", "", CH)
    assert (story.party.state, story.party.leg) == ("left", None)
    story.see(joined(SEAT, "b3"))
    assert story.heard() == {SEAT}


@pytest.mark.parametrize(("after", "ends"), [("end", True), ("return", False)])
@pytest.mark.parametrize("cause", [16, 38])
def test_the_last_party_hangs_up_and_the_call_ends_or_goes_on_as_its_entry_says(after, ends, cause):
    """But a line that broke is nobody's wish: the caller gets a human."""
    story = talking()
    story.see(wanted("transfer", replace(WATER, after=after)), joined(TAP, "b2"), left(SEAT))
    out = story.see(left(TAP, cause))
    if ends and cause == 16:
        assert c.HangUp(CALL, CH) in out
    else:
        assert not of(out, c.HangUp)
        assert story.call.state is S.WAITING
        assert of(out, c.Announce)[-1].prompts == ("hotline/zh/party-left",)


def test_the_last_party_hangs_up_while_an_emergency_rings_and_the_ringing_goes_on():
    story = talk_of_three()
    story.see(emergency(part="p2"), left(SEAT))
    leg = story.party.offer.leg
    out = story.see(left(TAP))
    assert not of(out, c.Enqueue)
    assert c.CancelLeg(CALL, leg) not in out
    assert (story.call.state, story.party.state) == (S.TALKING, "ringing")
    story.see(joined(leg, "b4"))
    assert story.heard() == {leg}


def test_a_caller_who_leaves_ends_all_that_was_asked_for():
    story = talking()
    story.see(wanted("join", EN), offered(), wanted("consult", WATER, "p2"), supervised("listen", BOSS))
    out = story.see(e.CallerLeft(CALL, 16))
    for leg in story.call.legs:
        assert leg.state is LegState.GONE, leg.id
        assert leg.id == CALL or c.CancelLeg(CALL, leg.id) in out
    assert {p.why for p in story.call.parties} == {"caller_left"}
    assert c.OfferEnds(CALL, "8002", SECOND, OfferOutcome.WITHDRAWN) in out
    assert c.TalkEnds(CALL, "8006", False) in out


def test_a_seat_and_a_line_talk_on_when_the_caller_is_cut_off():
    """A seat and 120 have something to say to each other after the caller's line broke."""
    story = talk_of_three()
    out = story.see(e.CallerLeft(CALL, 38))
    assert story.call.state is S.STAYING
    assert c.CancelLeg(CALL, TAP) not in out
    assert c.CancelLeg(CALL, SEAT) not in out
    out = story.see(left(TAP))
    assert {c.CancelLeg(CALL, SEAT), c.TalkEnds(CALL, "8001")} <= set(out)
    assert story.call.state is S.WRAP_UP


# ---------------------------------------------------------------------- late events
@pytest.mark.parametrize(
    "event",
    [joined(TAP), e.LegRinging(CALL, TAP), left(TAP, 17), e.TimerFired(CALL, "party:p1"), e.PartyUnwanted(CALL, "p1"),
     e.Spoke(CALL, TAP, 1.0), arranged("hold", TAP)],
)  # fmt: skip
def test_after_the_call_nothing_that_comes_late_changes_it(event):
    story = talking()
    story.see(wanted("join", WATER), e.CallerLeft(CALL, 16), e.WrapUpDone(CALL, "8001"))
    before = story.call
    assert story.see(event) == []
    assert story.call == before


def test_a_line_that_answers_after_it_was_given_up_is_in_the_talk_by_the_switchs_word():
    """The switch's word wins: it is heard, so the books must show it."""
    story = talking()
    story.see(wanted("join", WATER), e.PartyUnwanted(CALL, "p1"), joined(TAP))
    assert TAP in story.heard()
    assert story.call.leg(TAP).state is LegState.JOINED
