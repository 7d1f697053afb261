"""What is ordered in a running talk: hold, swap, join, complete, leave; who listens; who takes the call back. Pure."""

from dataclasses import replace

import pytest

from calls import CallState, LegState
from calls import commands as c
from calls import events as e
from calls.model import SIDE, TALK
from tests.unit.calls.story import (
    BOSS,
    CALL,
    CH,
    EN,
    RULES,
    SEAT,
    SECOND,
    TAP,
    TO_TALKING,
    WATER,
    Story,
    arranged,
    consulting,
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
BACK = c.Move(CALL, SEAT, "talk", "", CH)


# ---------------------------------------------------------------------- hold and resume
def test_hold_parts_caller_and_seat_by_one_command_and_resume_brings_the_seat_back():
    story = talking()
    assert story.see(arranged("hold")) == [c.Hold(CALL, CH, SEAT, "quiet", "")]
    assert story.call.held
    assert story.see(arranged("resume")) == [BACK]
    story.see(joined(SEAT, "b2"))
    assert story.heard() == {SEAT}
    assert not story.call.held


@pytest.mark.parametrize(("later", "moves"), [(16.0, []), (0.5, [BACK])])
def test_a_seat_that_the_switch_has_brought_back_is_torn_out_of_the_talk_by_its_resuming(later, moves):
    """Without the service a held caller's seat comes back by itself; that is told, and the order to resume follows."""
    story = talking()
    story.see(arranged("hold"))
    assert story.see(joined(SEAT, "b2"), after=later) == []
    assert story.see(arranged("resume"), after=0.0) == moves
    assert story.heard() == ({SEAT} if later > 1 else set())


def test_a_seat_that_stands_aside_takes_the_caller_out_of_the_books_of_a_talk_with_others():
    """Where others are with the caller, a bridge of the seat's own is none of the caller's."""
    story = talk_of_three()
    story.see(arranged("hold"), joined(TAP, "b9"))
    story.see(joined(SEAT, "b7"), after=16.0)
    assert story.heard() == {TAP}


def test_a_phone_is_rung_for_the_next_caller_while_it_rings_for_one_who_has_gone():
    """Its ring ends in the switch before the next one begins: not after a question that takes a moment."""
    offer = next(i for i, x in enumerate(TO_TALKING) if isinstance(x, e.Offered))
    story = Story(*TO_TALKING[: offer + 1])
    out = story.see(e.CallerLeft(CALL))
    assert [x.ringing for x in of(out, c.CancelLeg)] == [False]


def test_a_held_caller_in_the_waiting_loop_is_not_given_to_the_queue():
    """The switch says that it waits: it is so, by our order."""
    story = talking()
    story.see(arranged("hold"))
    assert story.see(e.Waits(CALL)) == []
    assert story.call.state is S.TALKING


def test_hold_in_a_talk_of_three_leaves_the_others_with_the_caller():
    story = talk_of_three()
    out = story.see(arranged("hold"))
    assert c.Move(CALL, SEAT, "quiet", "", CH) in out
    # Another one than before is alone with the caller: its recording begins anew.
    assert of(out, c.Hold) == [c.Hold(CALL, CH, TAP, "again")]
    story.see(joined(TAP, "b9"))
    assert story.heard() == {TAP}
    assert not story.call.held
    assert story.see(joined(TAP, "b9")) == [], "once"


def test_the_same_order_twice_moves_nobody_twice():
    story = talking()
    story.see(arranged("hold"))
    assert of(story.see(arranged("hold")), c.ToSwitch) == []


def test_a_move_that_the_switch_does_not_confirm_is_ordered_again_and_one_it_confirms_is_not():
    story = talking()
    story.see(arranged("hold"), arranged("resume"))
    assert story.see(e.TimerFired(CALL, "rooms"), after=2.5) == [], "not yet: a slow link tells it late"
    assert story.see(e.TimerFired(CALL, "rooms"), after=0.6) == [BACK]
    story.see(joined(SEAT, "b2"))
    assert story.see(e.TimerFired(CALL, "rooms"), after=60.0) == []


# ---------------------------------------------------------------------- in a consultation
def test_join_brings_the_caller_to_the_group_by_one_command():
    """Moved one by one, each would hear the other vanish, and the caller would meet them one by one."""
    story = consulting()
    assert story.see(arranged("join")) == [c.Move(CALL, CALL, "beside", SEAT, CH)]
    out = story.see(joined(CALL, "b2"))
    assert story.heard() == {SEAT, TAP}
    assert not of(out, c.Move)


def test_join_while_the_consulted_still_rings_lets_it_come_to_all():
    story = talking()
    story.see(wanted("consult", WATER), arranged("join"))
    assert story.party.how == "join"
    assert story.room(SEAT) == TALK
    story.see(joined(SEAT, "b2"))
    assert story.heard() == {SEAT}


def test_swap_goes_to_the_caller_and_back_and_who_is_left_hears_music():
    story = consulting()
    out = story.see(arranged("swap"))
    assert BACK in out
    assert c.Move(CALL, TAP, "music", "", CH) in out
    story.see(joined(SEAT, "b3"))
    assert story.heard() == {SEAT}
    out = story.see(arranged("swap"))
    assert out[0] == c.Hold(CALL, CH, SEAT, "beside", TAP)
    story.see(joined(SEAT, "b4"), joined(TAP, "b4"))
    assert story.heard() == set()
    assert story.room(TAP) == SIDE


def test_complete_leaves_the_caller_to_the_party_and_frees_the_seat():
    story = consulting()
    out = story.see(arranged("complete"))
    assert c.CancelLeg(CALL, SEAT) in out
    assert c.Move(CALL, TAP, "talk", "", CH, anew=True) in out
    story.see(joined(TAP, "b3"))
    out = story.see(left(SEAT))
    assert not of(out, c.HangUp)
    assert story.heard() == {TAP}
    assert c.TalkEnds(CALL, "8001") in out


def test_complete_while_it_rings_is_a_blind_transfer_and_the_seat_waits_until_it_answers():
    story = talking()
    story.see(wanted("consult", WATER))
    assert c.CancelLeg(CALL, SEAT) not in story.see(arranged("complete"))
    assert story.party.how == "transfer"
    out = story.see(joined(TAP, "b2"))
    assert c.CancelLeg(CALL, SEAT) in out


def test_return_ends_the_consultation_and_brings_the_seat_back():
    story = consulting()
    out = story.see(arranged("return"))
    assert {c.CancelLeg(CALL, TAP), BACK} <= set(out)
    assert story.party.state == "left"
    story.see(left(TAP), joined(SEAT, "b3"))
    assert story.heard() == {SEAT}


def test_return_while_it_rings_stops_the_ringing_and_spares_who_was_asked_to_join():
    story = talking()
    story.see(wanted("join", EN, "p0"), wanted("consult", WATER))
    out = story.see(arranged("return"))
    assert {c.CancelLeg(CALL, TAP), BACK} <= set(out)
    assert [(p.id, p.state) for p in story.call.parties] == [("p0", "queued"), ("p1", "withdrawn")]


# ---------------------------------------------------------------------- mute and leave
def test_mute_is_the_legs_own_and_moves_nobody():
    story = talk_of_three()
    assert story.see(arranged("mute", TAP)) == [c.Mute(CALL, TAP, True)]
    assert (story.call.leg(TAP).muted, story.call.leg(SEAT).muted) == (True, False)
    assert story.see(arranged("unmute", TAP)) == [c.Mute(CALL, TAP, False)]
    assert not story.call.leg(TAP).muted
    assert story.heard() == {SEAT, TAP}


def test_a_seat_that_leaves_a_talk_of_three_ends_no_call():
    story = talk_of_three()
    assert c.CancelLeg(CALL, SEAT) in story.see(arranged("leave"))
    out = story.see(left(SEAT))
    assert not of(out, c.HangUp)
    assert of(out, c.Hold) == [c.Hold(CALL, CH, TAP, "again")], "its recording begins anew for who stays"
    story.see(joined(TAP, "b9"))
    assert story.heard() == {TAP}
    assert story.call.state is S.TALKING


@pytest.mark.parametrize("what", ["hold", "resume", "join", "swap", "complete", "return", "mute", "leave", "dance"])
@pytest.mark.parametrize("leg", ["nobody", TAP])
def test_an_order_for_a_leg_that_is_not_in_the_talk_changes_nothing(what, leg):
    story = talking()
    story.see(wanted("join", WATER))
    before = story.call
    assert story.see(arranged(what, leg)) == []
    assert story.call == before


def test_an_order_that_does_not_exist_changes_nothing():
    assert talking().see(arranged("dance")) == []


# ---------------------------------------------------------------------- back to the queue
def requeue(target="skill:en"):
    return e.Requeued(CALL, EN.json(), SEAT, "li", target)


def test_a_caller_handed_to_a_skill_is_in_the_music_before_its_seat_is_gone_and_keeps_its_rank():
    story = talking()
    out = story.see(requeue())
    assert out[:3] == [c.Hold(CALL, CH, SEAT), c.TalkEnds(CALL, "8001"), c.CancelLeg(CALL, SEAT)]
    (again,) = of(out, c.Enqueue)
    assert (again.since, again.demand) == (1002.0, replace(EN, priority=EN.priority + 10))
    assert c.InQueue(CALL) in out
    assert (story.call.state, story.call.offer) == (S.WAITING, None)
    assert story.said("requeued") == [{"seat": "8001", "who": "skill:en", "by": "li"}]
    assert story.see(left(SEAT)) == [], "the seat's end is a late event"


def test_a_requeue_out_of_a_talk_of_three_sends_everybody_away():
    story = talk_of_three()
    out = story.see(requeue())
    assert not of(out, c.Hold), "others are in the bridge: the caller falls out of it last"
    assert c.CancelLeg(CALL, TAP) in out
    assert story.party.why in ("", "withdrawn")
    assert story.heard() == set()


def test_a_requeue_of_a_seat_that_has_gone_changes_nothing():
    story = talk_of_three()
    story.see(left(SEAT))
    assert story.see(requeue()) == []
    assert story.call.state is S.TALKING


# ---------------------------------------------------------------------- a phone transfers by itself
def referred(**more):
    return e.Referred(CALL, SEAT, "8002", "r1", back=EN.json(), **more)


def test_a_caller_referred_to_a_seat_waits_for_it_in_the_music():
    story = talking()
    out = story.see(referred(demand=EN.json()))
    assert of(out, c.Enqueue) == [c.Enqueue(CALL, EN, story.now, "r1")]
    assert (story.party.how, story.party.target, story.party.by) == ("transfer", "seat:8002", "phone")
    assert story.now < story.party.until <= story.now + RULES.ring, "not for ever"
    assert c.TalkEnds(CALL, "8001") in story.see(left(SEAT, 31))
    story.see(e.TimerFired(CALL, "alone"), e.Waits(CALL))
    assert story.call.state is S.TALKING, "in the music by the phone's wish: it is not given to the next free seat"
    story.see(offered(part="r1"), joined(SECOND, "b2"))
    assert story.heard() == {SECOND}
    assert story.call.seat == "8002"


def test_a_caller_referred_to_nobody_of_ours_comes_back_to_the_seat_that_did_it():
    story = talking()
    out = story.see(referred())
    (again,) = of(out, c.Enqueue)
    assert again.demand.skills == EN.skills, "the way back"
    assert again.demand.priority == EN.priority + 10
    assert c.Announce(CALL, CH, ("hotline/zh/transfer-failed",)) in out
    assert {c.CancelLeg(CALL, SEAT), c.TalkEnds(CALL, "8001", False)} <= set(out)
    assert story.said("party_failed")[-1]["why"] == "wrong_number"
    assert story.call.state is S.WAITING


def test_a_referred_caller_whose_target_fails_comes_back_the_same_way():
    story = talking()
    story.see(referred(line=WATER.json()), left(SEAT, 31))
    out = story.see(left(f"{CALL}~line.water~2", 17))
    assert of(out, c.Enqueue)[-1].demand.skills == EN.skills
    assert c.Announce(CALL, CH, ("hotline/zh/transfer-failed",)) in out


# ---------------------------------------------------------------------- supervisors
@pytest.mark.parametrize("mode", ["listen", "whisper"])
def test_who_listens_is_rung_beside_the_seat_and_is_in_no_talk(mode):
    story = talking()
    out = story.see(supervised(mode))
    assert out[0] == c.SeatTalks(CALL, "8006", BOSS, True), "nobody else may ring this phone meanwhile"
    assert (out[1].role, out[1].beside, out[1].seat) == (mode, SEAT, "8006")
    story.see(e.LegReady(CALL, BOSS))
    assert (story.call.leg(BOSS).kind, story.call.leg(BOSS).mode) == ("observer", mode)
    assert story.heard() == {SEAT}
    assert story.call.parties == ()
    assert story.said("observer_listens") == [{"seat": "8006", "mode": mode}]


def test_who_listens_is_in_no_talk_whatever_bridge_the_switch_names():
    story = talking()
    story.see(supervised("listen"))
    before = story.call
    assert story.see(joined(BOSS, "b1")) == []
    assert story.call == before


@pytest.mark.parametrize(("first", "then"), [("listen", "whisper"), ("whisper", "listen")])
def test_who_listens_changes_to_whisper_and_back_without_ringing_anew(first, then):
    story = talking()
    story.see(supervised(first), e.LegReady(CALL, BOSS))
    assert story.see(supervised(then)) == [c.Move(CALL, BOSS, then, SEAT, CH)]
    assert story.call.leg(BOSS).mode == then
    assert story.see(supervised(then)) == [], "twice is once"


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("mode", ["barge", "takeover"])
def test_who_comes_in_talks_with_all_and_of_a_takeover_the_seat_leaves_only_then(there, mode):
    story = talking()
    if there:
        story.see(supervised("listen"), e.LegReady(CALL, BOSS))
    out = story.see(supervised(mode))
    if there:
        assert c.Move(CALL, BOSS, "talk", "", CH, anew=True) in out
    else:
        (ring,) = of(out, c.RingSeat)
        assert (ring.role, ring.beside) == ("join", "")
    # Not from listening either: with the leg it listens at, the switch would end its own.
    assert c.CancelLeg(CALL, SEAT) not in out
    out += story.see(joined(BOSS))
    assert story.heard() >= {BOSS}
    assert (c.CancelLeg(CALL, SEAT) in out) == (mode == "takeover")
    if mode == "takeover":
        out = story.see(left(SEAT))
        assert not of(out, c.HangUp)
        assert (story.call.seat, story.call.main_seat.id) == ("8006", BOSS)


def test_a_supervisor_who_does_not_answer_is_free_again_and_the_talk_goes_on():
    story = talking()
    story.see(supervised("takeover"))
    out = story.see(left(BOSS, 19))
    assert c.TalkEnds(CALL, "8006", False) in out
    assert (story.party.state, story.party.why) == ("failed", "no_answer")
    assert not story.call.leg(SEAT).cancelled
    assert story.heard() == {SEAT}


def test_a_supervisor_who_comes_in_is_given_up_after_the_ring_time():
    story = talking()
    story.see(supervised("barge"))
    assert story.see(e.TimerFired(CALL, f"party:{story.party.id}"), after=RULES.ring) == [c.CancelLeg(CALL, BOSS)]


@pytest.mark.parametrize("mode", ["barge", "takeover"])
def test_who_listened_and_is_gone_before_it_came_in_costs_nobody_the_talk(mode):
    story = talking()
    story.see(supervised("listen"), e.LegReady(CALL, BOSS))
    story.see(supervised(mode))
    out = story.see(left(BOSS, 31))
    assert c.TalkEnds(CALL, "8006", False) in out
    assert story.party.state == "failed"
    assert not story.call.leg(SEAT).cancelled
    assert story.heard() == {SEAT}


def test_who_listens_stops_and_its_seat_is_what_it_was():
    story = talking()
    story.see(supervised("listen"), e.LegReady(CALL, BOSS))
    assert story.see(supervised("stop")) == [c.CancelLeg(CALL, BOSS)]
    assert story.see(left(BOSS)) == [c.TalkEnds(CALL, "8006", False)]
    assert story.call.leg(BOSS).state is LegState.GONE
    assert story.heard() == {SEAT}


@pytest.mark.parametrize("mode", ["stop", "listen"])
def test_a_supervisor_in_the_talk_is_no_observer_any_more(mode):
    story = talking()
    story.see(supervised("barge"), joined(BOSS))
    assert story.see(supervised(mode)) == []
    assert story.call.leg(BOSS).kind == "third"


def test_nobody_listens_to_a_seat_that_has_gone():
    story = talk_of_three()
    story.see(left(SEAT))
    assert story.see(supervised("listen")) == []


def test_an_observer_is_not_in_charge_when_the_seat_is_lost():
    story = talking()
    story.see(supervised("whisper"), e.LegReady(CALL, BOSS))
    out = story.see(left(SEAT, 38))
    assert story.call.state is S.WAITING
    assert c.CancelLeg(CALL, BOSS) in out
    assert story.call.leg(BOSS).heard == ()


# ---------------------------------------------------------------------- keys
@pytest.mark.parametrize(
    "event",
    [arranged("hold", key="k"), wanted("join", WATER, key="k"), supervised("listen", key="k"),
     e.Requeued(CALL, EN.json(), SEAT, "li", "skill:en", "k")],
)  # fmt: skip
def test_the_call_itself_keeps_the_key_of_an_order(event):
    story = talking()
    story.see(event)
    assert [k for k, _ in story.call.keys] == ["k"]


def test_the_keys_of_a_call_do_not_grow_without_end():
    story = talking()
    for i in range(80):
        story.see(arranged("mute" if i % 2 else "unmute", key=f"k{i}"))
    assert [k for k, _ in story.call.keys] == [f"k{i}" for i in range(30, 80)]
