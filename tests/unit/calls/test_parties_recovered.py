"""Talks of several against the switch's truth: after a takeover, after missed events, and nothing twice."""

from dataclasses import replace

import pytest

from calls import CallState, ChannelView, LegState, Place, Snapshot, reconcile, step
from calls import commands as c
from calls import events as e
from calls._rooms import ALONE
from calls.events import Codec
from calls.model import SIDE, TALK
from calls.testing import FakeSwitch
from tests.unit.calls.party_world import SEATS, World
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
    joined,
    left,
    offered,
    supervised,
    talk_of_three,
    talking,
    wanted,
)

S = CallState


def view(channel, bridge=None, place=None, age=60.0):
    place = place or (Place.SEAT if "~" in channel else Place.WAITING)
    return ChannelView(channel, CH, place, bridge, "13800001234", "", "12345", age)


def caller(bridge="music"):
    """Without company its bridge is a holding bridge of its own."""
    return view(CALL, bridge)


def told(story, *views, after=10.0, after_gap=False, ended=()):
    """What the switch's picture, `after` seconds later, says against the books."""
    snapshot = Snapshot(story.now + after, list(views), frozenset())
    return reconcile({CALL: story.call}, snapshot, ended, after_gap=after_gap)


def settled(story, *views, after=10.0):
    """The story after a takeover's look at the switch, `after` seconds later; what it commanded."""
    story.now += after
    events, orphans = reconcile({CALL: story.call}, Snapshot(story.now, list(views), frozenset()), after_gap=True)
    assert orphans == []
    return story.see(*events, after=0.0)


# ---------------------------------------------------------------------- what is as the books say
@pytest.mark.parametrize("after_gap", [False, True])
def test_a_picture_that_agrees_changes_nothing(after_gap):
    pictures = [
        (talking(), [caller("b1"), view(SEAT, "b1")]),
        (talk_of_three(), [caller("b1"), view(SEAT, "b1"), view(TAP, "b1")]),
        (consulting(), [caller(), view(SEAT, "b2"), view(TAP, "b2")]),
    ]
    held = talking()
    held.see(arranged("hold"))
    pictures.append((held, [caller(), view(SEAT, "music-of-its-own")]))
    asked = talking()
    asked.see(wanted("consult", WATER))
    pictures.append((asked, [caller(), view(SEAT, "music-of-its-own"), view(TAP)]))
    watched = talking()
    watched.see(supervised("listen"), e.LegReady(CALL, BOSS))
    pictures.append((watched, [caller("b1"), view(SEAT, "b1"), view(BOSS)]))
    for story, views in pictures:
        assert told(story, *views, after_gap=after_gap) == ([], [])


def test_a_caller_held_in_the_music_does_not_wait_for_a_seat():
    """Its place in the switch is the waiting loop, as a waiting caller's: else it would be offered to others."""
    story = talking()
    story.see(arranged("hold"))
    assert told(story, caller(), view(SEAT))[0] == []


def test_a_caller_is_not_alone_in_a_holding_bridge_with_others():
    """Each waits in a bridge of its own; a seat that waits for its party has one too and is no orphan."""
    story = talking()
    story.see(wanted("consult", WATER))
    assert told(story, caller("m1"), view(SEAT, "m2"), view(TAP, "m3")) == ([], [])


# ---------------------------------------------------------------------- what happened while nobody listened
def test_a_consultation_that_began_while_nobody_listened_is_one():
    story = talking()
    story.see(wanted("consult", WATER))
    out = settled(story, caller(), view(SEAT, "b2"), view(TAP, "b2"))
    assert story.party.state == "joined"
    assert story.heard() == set()
    assert not [x for x in out if isinstance(x, c.Move | c.Hold)], "they are where they are to be"


def test_a_party_that_joined_while_nobody_listened_is_heard():
    story = talking()
    story.see(wanted("join", WATER))
    settled(story, caller("b1"), view(SEAT, "b1"), view(TAP, "b1"))
    assert story.party.state == "joined"
    assert story.heard() == {SEAT, TAP}


def test_a_group_that_the_caller_has_come_to_is_a_talk():
    """The order to join all was carried out, and the process died before it heard of it."""
    story = consulting()
    story.see(arranged("join"))
    settled(story, caller("b2"), view(SEAT, "b2"), view(TAP, "b2"))
    assert story.heard() == {SEAT, TAP}
    assert story.call.leg(CALL).moving is None


def test_orders_that_never_reached_the_switch_are_given_again():
    """Journalled, killed before the command left: the books say aside, the switch says together."""
    story = talking()
    story.see(arranged("hold"))
    out = settled(story, caller("b1"), view(SEAT, "b1"), after=1.0)
    assert c.Hold(CALL, CH, SEAT, "quiet", "") in out
    assert story.heard() == set()


def test_a_line_that_was_to_be_rung_and_never_was_is_rung_by_the_next_process():
    story = talking()
    story.see(wanted("join", WATER))
    out = settled(story, caller("b1"), view(SEAT, "b1"))
    (ring,) = [x for x in out if isinstance(x, c.RingLine)]
    assert (ring.trunk, story.party.tried) == ("a", 1)
    assert ring.leg != TAP, "the switch may still know the old name"


def test_a_party_that_left_while_nobody_listened_brings_seat_and_caller_together():
    story = consulting()
    out = settled(story, caller(), view(SEAT, "m1"))
    assert story.party.state == "left"
    assert c.Move(CALL, SEAT, "talk", "", CH) in out


def test_a_seat_that_left_its_consultation_leaves_the_party_to_the_caller():
    story = consulting()
    out = settled(story, caller(), view(TAP))
    assert c.Move(CALL, TAP, "talk", "", CH, anew=True) in out
    assert story.call.state is S.TALKING


def test_all_have_gone_and_the_caller_is_the_first_in_the_queue():
    story = consulting()
    settled(story, caller())
    assert story.call.state is S.WAITING
    assert story.call.demand.priority == 10
    assert story.call.waiting_since == 1002.0


def test_a_leg_that_the_books_have_in_a_bridge_and_the_switch_alone_is_told_so():
    story = consulting()
    events, _ = told(story, caller(), view(SEAT, "m1"), view(TAP, "m2"))
    assert events == [e.LegJoined(CALL, SEAT, "8001", ALONE), e.LegJoined(CALL, TAP, "line.water", ALONE)]
    out = story.see(*events)
    assert c.Move(CALL, SEAT, "beside", TAP, CH) in out, "and brought together again"
    assert story.heard() == set()


def test_alone_is_no_word_about_a_leg_that_has_not_answered():
    story = talking()
    story.see(wanted("join", WATER))
    assert story.see(e.LegJoined(CALL, TAP, "line.water", ALONE)) == []
    assert story.call.leg(TAP).state is LegState.DIALLING


# ---------------------------------------------------------------------- what is newer than the picture
@pytest.mark.parametrize(("seconds", "believed"), [(0.4, False), (0.6, True)])
def test_a_leg_that_moved_after_the_picture_was_asked_for_is_left_alone(seconds, believed):
    """The picture still shows it in the old talk: believed, the caller would hear a private word."""
    story = talking()
    story.see(arranged("hold"))
    snapshot = Snapshot(story.now + seconds, [caller("b1"), view(SEAT, "b1")], frozenset())
    events, _ = reconcile({CALL: story.call}, snapshot, ())
    assert bool([x for x in events if isinstance(x, e.LegJoined) and x.leg == SEAT]) is believed


def test_a_leg_that_has_just_said_where_it_is_is_believed_before_an_older_picture():
    story = talking()
    story.see(wanted("consult", WATER), joined(TAP, "b2"))
    assert told(story, caller(), view(SEAT, "m1"), view(TAP, "m2"), after=0.4) == ([], [])
    assert len(told(story, caller(), view(SEAT, "m1"), view(TAP, "m2"), after=0.6)[0]) == 2


def test_the_books_know_that_a_bridge_of_one_dissolves():
    """Else who is left in it would be taken for somebody in a talk, by us and by the next comparison."""
    story = consulting()
    story.see(left(TAP))
    assert story.call.leg(SEAT).bridge == ""
    story = talking()
    story.see(arranged("hold"))
    assert (story.call.leg(CALL).bridge, story.call.leg(SEAT).bridge) == ("", "")


def test_a_party_rung_after_the_picture_was_asked_for_is_not_taken_for_dead():
    story = talking()
    story.see(wanted("join", WATER))
    assert told(story, caller("b1"), view(SEAT, "b1"), after=0.4) == ([], [])
    assert told(story, caller("b1"), view(SEAT, "b1"), after=0.6)[0] == [e.LegLeft(CALL, TAP, e.NEVER_RUNG)]


# ---------------------------------------------------------------------- other legs
def test_an_observer_that_is_gone_has_left_and_one_that_is_there_is_in_no_talk():
    story = talking()
    story.see(supervised("listen"), e.LegReady(CALL, BOSS))
    assert told(story, caller("b1"), view(SEAT, "b1"))[0] == [e.LegLeft(CALL, BOSS, 0)]
    assert told(story, caller("b1"), view(SEAT, "b1"), view(BOSS, "spy"))[0] == []


def test_a_caller_with_nobody_but_an_observer_waits_for_a_seat():
    story = talking()
    story.see(supervised("listen"), e.LegReady(CALL, BOSS), left(SEAT, 31))
    assert told(story, caller(), view(BOSS))[0] == [e.Waits(CALL)]


def second_line(story):
    story.see(wanted("consult", WATER, via="hotline-1.9"))
    return story


def test_a_seats_own_second_line_is_no_unknown_caller_while_it_is_there_and_is_told_when_it_is_gone():
    story = second_line(talking())
    via = view("hotline-1.9", "m", Place.OTHER)
    assert told(story, caller("b1"), view(SEAT, "b1"), view(TAP), via) == ([], [])
    events, _ = told(story, caller("b1"), view(SEAT, "b1"), view(TAP))
    assert events == [e.LegLeft(CALL, "hotline-1.9", 0)]


def test_whom_a_phone_has_brought_to_the_caller_by_itself_talks_with_it():
    """An attended transfer by the phone: only the switch knows, and says so when it is asked."""
    story = second_line(talking())
    story.see(e.LegJoined(CALL, TAP, "line.water", "b2"))
    assert story.room(TAP) == SIDE
    story.see(joined(TAP, "b1"))
    assert (story.room(TAP), story.call.leg(TAP).via) == (TALK, "")
    assert TAP in story.heard()


def test_those_who_talk_on_without_the_caller_are_told_of_whom_the_switch_has_no_more():
    story = talk_of_three()
    story.see(e.CallerLeft(CALL, 38))
    assert story.call.state is S.STAYING
    assert told(story, view(SEAT, "b1"), view(TAP, "b1"), ended={CALL}) == ([], [])
    assert told(story, view(SEAT, "m"), ended={CALL})[0] == [e.LegLeft(CALL, TAP, 0)]


@pytest.mark.parametrize(("bridge", "orphan"), [(None, True), ("m1", True), ("b1", False)])
def test_a_leg_given_up_that_waits_alone_is_ended_and_one_that_talks_is_not(bridge, orphan):
    """In a holding bridge it is alone: 'in a bridge' is not 'in a talk'."""
    story = talking()
    story.see(wanted("join", WATER), e.PartyUnwanted(CALL, "p1"), left(TAP, 16))
    _, orphans = told(story, caller("b1"), view(SEAT, "b1"), view(TAP, bridge))
    assert orphans == ([TAP] if orphan else [])


def test_saying_it_twice_changes_nothing():
    for story, views in (
        (second_line(talking()), [caller("b1"), view(SEAT, "b1")]),
        (consulting(), [caller(), view(SEAT, "m1"), view(TAP, "m2")]),
        (talk_of_three(), [caller("b1"), view(SEAT, "b1")]),
    ):
        first, _ = told(story, *views)
        story.see(*first, after=0.0)
        once = story.call
        story.see(*first, after=0.0)
        assert replace(story.call, timeline=once.timeline) == once


# ---------------------------------------------------------------------- a process is killed, another takes over
HISTORIES = {
    "consulted": [wanted("consult", WATER), joined(TAP, "b2"), joined(SEAT, "b2")],
    "swapped": [wanted("consult", WATER), joined(TAP, "b2"), joined(SEAT, "b2"), arranged("swap", key="k")],
    "transferred": [wanted("transfer", EN), offered(), joined(SECOND, "b2"), left(SEAT)],
    "held": [arranged("hold", key="k"), arranged("mute")],
    "watched": [supervised("whisper"), e.LegReady(CALL, BOSS), e.Spoke(CALL, SEAT, 0.5)],
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_fold_of_the_journal_is_the_call_itself(name):
    story = talking()
    folded = story.call
    for event in HISTORIES[name]:
        story.see(event)
        folded, _ = step(folded, Codec.decode(Codec.encode(event)), story.now, RULES)
    assert folded == story.call


@pytest.fixture
async def world():
    world = World()
    await world.caller(seats=("8001",))
    world.engine.feed([e.PhoneUp(i) for i in SEATS])
    await world.rest()
    return world


async def test_a_consultation_survives_the_process_and_goes_on(world):
    world.engine.want_party(CALL, "consult", seat="8002")
    await world.rest()
    await world.answer()
    seat = world.call.main_seat.id
    assert (world.who_hears(), world.who_hears(seat)) == (set(), {"8002"})
    sent = len(world.switch.commands)
    await world.taken_over()
    assert world.switch.commands[sent:] == [], "nothing is done anew"
    assert (world.who_hears(), world.who_hears(seat)) == (set(), {"8002"})
    world.engine.arrange(CALL, "join")
    await world.rest()
    assert world.who_hears() == {"8001", "8002"}


async def test_a_party_that_waits_for_a_seat_goes_on_waiting_at_its_rank(world):
    for seat in ("8002", "8003"):
        world.engine.dispatcher.talking(seat, "hotline-7.0", "x", world.now)
    part = world.engine.want_party(CALL, "join", skill="en")
    await world.rest()
    since = world.call.party(part).since
    await world.taken_over()
    assert world.call.party(part).since == since
    world.engine.feed([e.PhoneUp("8002")])
    await world.rest()
    assert world.call.party(part).state in ("queued", "ringing")
    assert world.engine.dispatcher.is_waiting(f"{CALL}+{part}") == (world.call.party(part).state == "queued")


async def test_a_line_that_rings_at_the_takeover_is_neither_rung_twice_nor_forgotten(world):
    part = world.engine.want_party(CALL, "consult", entry="110")
    await world.rest()
    legs = set(world.switch.legs)
    await world.taken_over(1.0)
    assert set(world.switch.legs) == legs
    await world.later(12.0)
    await world.rest()
    assert world.call.party(part).tried == 2, "its time runs on: the next trunk"


async def test_a_second_line_is_still_its_calls_after_a_takeover(world):
    world.engine.feed([e.SeatDialled("hotline-1.9", "8001", "water")])
    await world.rest()
    await world.taken_over(sweep=False)
    world.engine.feed([e.CallerLeft("hotline-1.9", 16)])
    await world.rest()
    assert world.call.leg("hotline-1.9").state is LegState.GONE
    assert world.call.ended_at is None


async def test_a_supervisor_listens_on_after_a_takeover_and_can_stop(world):
    world.engine.supervise(CALL, "listen", "8006")
    await world.rest()
    await world.answer()
    await world.taken_over()
    assert next(x for x in world.call.legs if x.kind == "observer").state is LegState.JOINED
    world.engine.supervise(CALL, "stop", "8006")
    await world.rest()
    assert not [x for x, one in world.switch.legs.items() if one.seat == "8006"]


async def test_a_line_is_tried_hundreds_of_times_while_the_link_is_away():
    """Each try would fail at once: the journal and the call's story would grow without end. It rings when the link is
    back."""
    world = World()
    await world.caller()

    class Away(FakeSwitch):
        __slots__ = ()

        def do(self, command):
            if isinstance(command, c.RingLine) and not self.up:
                self.events.append(e.LegLeft(command.call, command.leg, e.NEVER_RUNG))
            else:
                FakeSwitch.do(self, command)

    world.switch.__class__ = Away
    world.switch.up = False
    part = world.engine.want_party(CALL, "consult", entry="110")
    await world.rest()
    assert len(world.call.timeline) < 20
    world.switch.up = True
    await world.later(2.0)
    await world.engine.link_up()
    await world.rest()
    (line,) = [x for x, one in world.switch.legs.items() if one.seat.startswith("line.")]
    assert world.call.party_of(line).id == part
