"""Further parties of a call: each way of asking for one, and each way in which it comes to nothing. Pure."""

from dataclasses import replace

import pytest

from calls import CallState
from calls import commands as c
from calls import events as e
from calls.model import SIDE, TALK
from routing import OfferOutcome
from tests.unit.calls.story import (
    CALL,
    CH,
    COPS,
    EN,
    HOLD,
    POLICE,
    RULES,
    SEAT,
    SECOND,
    TAP,
    WATER,
    consulting,
    emergency,
    joined,
    kinds,
    left,
    of,
    offered,
    talk_of_three,
    talking,
    wanted,
)

S = CallState
PRIVATE = ("consult", "transfer")


# ---------------------------------------------------------------------- asking
@pytest.mark.parametrize("how", ["join", "emergency"])
def test_the_talk_goes_on_while_somebody_who_is_to_join_it_rings(how):
    story = talking()
    out = story.see(wanted(how, WATER))
    assert not of(out, c.Hold)
    assert not of(out, c.Move)
    (ring,) = of(out, c.RingLine)
    assert (ring.leg, ring.role, ring.beside, ring.trunk, ring.number) == (TAP, "join", "", "a", "96390")
    assert story.heard() == {SEAT}
    assert not story.call.held


@pytest.mark.parametrize("how", PRIVATE)
def test_caller_and_seat_are_parted_before_a_private_party_is_rung(how):
    """Else the caller hears the ringing, or the first words."""
    story = talking()
    out = story.see(wanted(how, WATER))
    assert out.index(HOLD) < kinds(out).index(c.RingLine)
    assert story.call.held
    assert story.heard() == set()
    (ring,) = of(out, c.RingLine)
    assert (ring.role, ring.beside) == (("beside", SEAT) if how == "consult" else ("join", ""))


@pytest.mark.parametrize("how", PRIVATE)
def test_the_caller_hears_no_music_while_a_private_party_only_waits_for_a_seat(how):
    story = talking()
    out = story.see(wanted(how, EN))
    assert out == [c.Enqueue(CALL, EN, story.now, "p1")]
    assert not story.call.held
    out = story.see(offered())
    assert out.index(HOLD) < kinds(out).index(c.RingSeat)


def test_a_party_wanted_twice_under_one_id_rings_once():
    story = talking()
    story.see(wanted("join", WATER))
    assert story.see(wanted("join", WATER)) == []
    assert len(story.call.parties) == 1


def test_a_party_of_which_nothing_is_known_is_none():
    story = talking()
    assert story.see(e.PartyWanted(CALL, "p1", "join")) == []
    assert story.call.parties == ()


def test_the_callers_number_is_shown_only_to_lines_that_need_it():
    story = talking()
    assert of(story.see(wanted("join", WATER)), c.RingLine)[0].shown == "12345"
    assert of(story.see(emergency(part="p2")), c.RingLine)[0].shown == "13800001234"


def test_what_travels_with_the_call_goes_only_over_lines_that_speak_it():
    headers = (("X-Hotline-Case", "a-1"),)
    line = replace(WATER, headers=headers, tries=(replace(WATER.tries[0], protocol="uui"), *WATER.tries))
    story = talking()
    assert of(story.see(wanted("join", line)), c.RingLine)[0].headers == headers
    assert of(story.see(left(TAP, 17)), c.RingLine)[0].headers == (), "the second trunk's is not told"


# ---------------------------------------------------------------------- joined
def test_who_joins_is_heard_by_the_caller_and_told_to_the_dispatcher():
    story = talking()
    story.see(wanted("join", EN), offered())
    out = story.see(joined(SECOND))
    assert {c.Withdraw(CALL, "p1"), c.SeatTalks(CALL, "8002", SECOND)} <= set(out)
    assert story.heard() == {SEAT, SECOND}
    assert (story.party.state, story.party.leg, story.party.offer) == ("joined", SECOND, None)
    assert story.call.seat == "8001", "who came to help is not in charge"


def test_who_is_consulted_is_with_the_seat_and_never_with_the_caller():
    story = consulting()
    assert story.heard() == set()
    assert story.room(SEAT) == story.room(TAP) == SIDE
    assert story.call.leg(TAP).heard == ()
    assert story.see(e.TimerFired(CALL, "rooms")) == [], "nobody is moved again"


def test_a_party_that_says_first_where_it_is_fetches_nobody_twice():
    """Its own event may come before the seat's: the seat was told to wait, so it is the party that has gone to it."""
    story = talking()
    story.see(wanted("consult", WATER))
    assert story.see(joined(TAP, "b2")) == []
    assert story.call.leg(SEAT).bridge == "b2"
    assert story.see(joined(SEAT, "b2")) == []


def test_of_a_blind_transfer_the_seat_leaves_when_the_party_is_there_and_not_before():
    story = talking()
    out = story.see(wanted("transfer", WATER))
    assert c.CancelLeg(CALL, SEAT) not in out
    out = story.see(joined(TAP, "b2"))
    assert c.CancelLeg(CALL, SEAT) in out
    assert story.heard() == {TAP}
    out = story.see(left(SEAT))
    assert c.TalkEnds(CALL, "8001") in out
    assert not of(out, c.HangUp), "the caller talks on with whom it was given to"
    assert story.call.state is S.TALKING


def test_a_seat_that_the_call_was_transferred_to_is_in_charge():
    story = talking()
    story.see(wanted("transfer", EN), offered(), joined(SECOND, "b2"))
    story.see(left(SEAT))
    assert story.call.seat == "8002"
    assert story.call.main_seat.id == SECOND
    out = story.see(left(SECOND))
    assert c.HangUp(CALL, CH) in out, "its hanging up ends the call, as the first one's would have"


# ---------------------------------------------------------------------- failed
@pytest.mark.parametrize(
    ("cause", "why"),
    [(17, "busy"), (18, "no_answer"), (19, "no_answer"), (21, "refused"), (1, "wrong_number"), (2, "wrong_number"),
     (3, "wrong_number"), (22, "wrong_number"), (28, "wrong_number"), (0, "unreachable"), (20, "unreachable"),
     (34, "unreachable"), (38, "unreachable"), (16, "unreachable")],
)  # fmt: skip
@pytest.mark.parametrize("how", ["join", "consult", "transfer", "emergency"])
def test_the_seat_sees_why_a_party_could_not_be_had_and_is_with_the_caller(how, cause, why):
    story = talking()
    story.see(wanted(how, WATER))
    out = story.see(left(TAP, cause))
    assert (story.party.state, story.party.why) == ("failed", why)
    assert story.said("party_failed")[-1]["why"] == why
    back = c.Move(CALL, SEAT, "talk", "", CH)
    assert (back in out) == (how in PRIVATE)
    story.see(joined(SEAT, "b3" if how in PRIVATE else "b1"))
    assert story.heard() == {SEAT}
    assert story.call.state is S.TALKING


def test_a_line_that_does_not_answer_is_ended_and_its_end_is_no_answer():
    story = talking()
    story.see(wanted("join", WATER))
    deadline = story.party.offer.deadline
    assert deadline == story.now + 20.0
    assert story.see(e.TimerFired(CALL, "party:p1"), after=19.9) == [], "not yet"
    assert story.see(e.TimerFired(CALL, "party:p1"), after=0.2) == [c.CancelLeg(CALL, TAP)]
    assert story.party.state == "ringing", "until the leg is gone: its answer may cross our cancellation"
    story.see(left(TAP, 16))
    assert (story.party.state, story.party.why) == ("failed", "no_answer")


def test_an_answer_that_crosses_the_cancellation_is_a_talk():
    story = talking()
    story.see(wanted("consult", WATER))
    story.see(e.TimerFired(CALL, "party:p1"), after=21.0)
    story.see(joined(TAP, "b2"), joined(SEAT, "b2"))
    assert story.party.state == "joined"
    out = story.see(left(TAP, 16), left(SEAT, 31))
    assert not of(out, c.HangUp), "our own cancellation ends nobody's call"


def test_the_ringing_of_a_line_does_not_lengthen_its_time_and_a_seats_does():
    story = talking()
    story.see(wanted("join", WATER))
    before = story.party.offer.deadline
    assert story.see(e.LegRinging(CALL, TAP)) == []
    assert story.party.offer.deadline == before
    story = talking()
    story.see(wanted("join", EN), offered(deadline=1010.0))
    assert story.see(e.LegRinging(CALL, SECOND)) == [c.SeatRings(CALL, "8002", SECOND)]
    assert story.party.offer.deadline == story.now + RULES.ring


def test_a_seat_that_does_not_take_it_gives_the_place_back_and_the_next_one_is_sought():
    story = talking()
    story.see(wanted("consult", EN))
    since = story.now
    story.see(offered())
    out = story.see(left(SECOND, 17))
    assert c.OfferEnds(CALL, "8002", SECOND, OfferOutcome.REFUSED) in out
    assert c.Enqueue(CALL, EN, since, "p1") in out, "at its old rank"
    assert (story.party.state, story.party.seat) == ("queued", None)
    assert c.Move(CALL, SEAT, "talk", "", CH) in out, "nobody waits in music for a seat that is only sought"


def test_a_seat_asked_for_by_name_that_refuses_is_not_replaced_by_another():
    story = talking()
    story.see(wanted("join", EN, target="seat:8002"), offered())
    out = story.see(left(SECOND, 17))
    assert not of(out, c.Enqueue)
    assert c.Withdraw(CALL, "p1") in out
    assert (story.party.state, story.party.why) == ("failed", "busy")


def test_a_seat_that_we_never_rang_is_asked_again_and_blamed_for_nothing():
    story = talking()
    story.see(wanted("join", EN, target="seat:8002"), offered())
    out = story.see(left(SECOND, e.NEVER_RUNG))
    assert c.OfferEnds(CALL, "8002", SECOND, OfferOutcome.WITHDRAWN) in out
    assert story.party.state == "queued"


@pytest.mark.parametrize(("target", "why"), [("seat:8002", "busy"), ("skill:en", "nobody")])
def test_a_party_that_finds_no_seat_in_its_time_has_failed(target, why):
    story = talking()
    story.see(wanted("consult", EN, target=target, until=1010.0))
    assert story.see(e.TimerFired(CALL, "party:p1"), after=0.1) == []
    out = story.see(e.TimerFired(CALL, "party:p1"), after=10.0)
    assert c.Withdraw(CALL, "p1") in out
    assert (story.party.state, story.party.why) == ("failed", why)


def test_an_offer_for_a_party_that_is_over_frees_its_seat():
    story = talking()
    story.see(wanted("join", EN), e.PartyUnwanted(CALL, "p1"))
    assert story.see(offered()) == [c.OfferEnds(CALL, "8002", SECOND, OfferOutcome.WITHDRAWN)]


# ---------------------------------------------------------------------- the chain of trunks
def test_an_emergency_goes_from_trunk_to_trunk_and_then_to_the_fallback():
    story = talking()
    (ring,) = of(story.see(emergency(asking=SEAT)), c.RingLine)
    rung = [(ring.trunk, ring.number)]
    story.see(e.TimerFired(CALL, "party:p1"), after=10.0)
    for leg, cause in ((COPS, 16), (f"{CALL}~line.110~3", 17), (f"{CALL}~line.119~4", 34)):
        rings = of(story.see(left(leg, cause)), c.RingLine)
        rung += [(x.trunk, x.number) for x in rings]
    assert rung == [("a", "110"), ("b", "110"), ("b", "119")]
    assert [x["why"] for x in story.said("try_failed")] == ["no_answer", "busy", "unreachable"]
    assert [(x["who"], x["attempt"], x["of"]) for x in story.said("line_rung")] == [
        ("公安一", 1, 3), ("公安二", 2, 3), ("消防", 3, 3)]  # fmt: skip
    assert (story.party.state, story.party.why) == ("failed", "unreachable")
    assert story.heard() == {SEAT}


def test_the_seat_and_the_caller_are_not_brought_together_between_two_trunks():
    story = talking()
    story.see(wanted("consult", POLICE))
    assert kinds(story.see(left(COPS, 17))) == [c.RingLine]
    assert story.call.held


def test_a_seat_that_waits_for_another_one_yet_stays_aside_when_the_first_fails():
    story = talking()
    story.see(wanted("consult", WATER), wanted("consult", replace(WATER, entry="gas"), "p2"))
    assert story.see(left(TAP, 17)) == []
    assert story.room(SEAT) == SIDE
    assert c.Move(CALL, SEAT, "talk", "", CH) in story.see(left(f"{CALL}~line.water~3", 17))


def test_a_try_that_never_rang_is_not_counted():
    story = talking()
    story.see(emergency(asking=SEAT))
    (again,) = of(story.see(left(COPS, e.NEVER_RUNG)), c.RingLine)
    assert (again.trunk, again.leg) == ("a", f"{CALL}~line.110~3"), "the same trunk, never the same leg's name"
    assert story.party.tried == 1


def test_each_attempt_has_a_leg_of_its_own_name():
    story = talking()
    story.see(emergency(asking=SEAT))
    story.see(left(COPS, 17), left(f"{CALL}~line.110~3", 17))
    names = [x.id for x in story.call.legs]
    assert len(names) == len(set(names)) == 5


# ---------------------------------------------------------------------- withdrawn
@pytest.mark.parametrize("how", ["join", "consult", "transfer", "emergency"])
def test_a_party_that_is_not_wanted_any_more_stops_ringing_and_the_seat_is_back(how):
    story = talking()
    story.see(wanted(how, WATER))
    out = story.see(e.PartyUnwanted(CALL, "p1"))
    assert c.CancelLeg(CALL, TAP) in out
    assert (story.party.state, story.party.why) == ("withdrawn", "withdrawn")
    assert (c.Move(CALL, SEAT, "talk", "", CH) in out) == (how in PRIVATE)
    assert story.see(left(TAP, 16)) == [], "its end is a late one"
    assert story.room(SEAT) == TALK


def test_a_queued_party_that_is_not_wanted_leaves_the_queue():
    story = talking()
    story.see(wanted("join", EN))
    assert story.see(e.PartyUnwanted(CALL, "p1")) == [c.Withdraw(CALL, "p1")]


def test_a_ringing_seat_that_is_not_wanted_is_free_and_blamed_for_nothing():
    story = talking()
    story.see(wanted("join", EN), offered())
    out = story.see(e.PartyUnwanted(CALL, "p1"))
    assert c.OfferEnds(CALL, "8002", SECOND, OfferOutcome.WITHDRAWN) in out
    assert not of(out, c.TalkEnds), "it has not talked"


def test_a_joined_party_that_is_sent_away_has_left_and_not_failed():
    story = talk_of_three()
    out = story.see(e.PartyUnwanted(CALL, "p1"))
    assert c.CancelLeg(CALL, TAP) in out
    assert (story.party.state, story.party.why) == ("left", "")
    assert story.heard() == {SEAT}
    assert story.see(e.PartyUnwanted(CALL, "p1")) == [], "once is enough"
