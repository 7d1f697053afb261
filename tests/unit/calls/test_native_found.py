"""A talk that the switch's own queue has just made is looked at: nobody may be moved out of it."""

import asyncio

import pytest

from calls import CallState, ChannelView, LegState, Place, Rules, Snapshot, reconcile, step
from calls import commands as c
from calls import events as e
from routing import Demand
from tests.unit.calls.party_world import World
from tests.unit.calls.test_reconcile import NOW, C, call

SEAT = "h-2.0"
"""The channel of a seat that the queue has rung: no id of ours."""


class NoFlows:
    def flow_of(self, reference):
        return None


def joined(at):
    """The queue has told of the seat, not yet in which bridge."""
    before = call(CallState.NATIVE)
    after, _ = step(before, e.LegJoined(C, SEAT, "8001"), at, Rules(NoFlows(), Demand()))
    assert after.state is CallState.TALKING
    return after


@pytest.mark.parametrize("seconds", [0.0, 0.3, 2.0])
def test_a_look_right_after_the_answer_moves_the_seat_out_of_the_queues_bridge(seconds):
    now = joined(NOW - seconds)
    views = [
        ChannelView(C, f"PJSIP/{C}", Place.NATIVE, "b-1", "13800001234", "", "12345", 60.0),
        ChannelView(SEAT, "PJSIP/8001-1", Place.OTHER, "b-1", age=5.0, seat="8001"),
    ]
    events, orphans = reconcile({C: now}, Snapshot(NOW, views, frozenset()), ())
    assert not orphans
    for event in events:
        now, commands = step(now, event, NOW, Rules(NoFlows(), Demand()))
        assert not [x for x in commands if isinstance(x, (c.Move, c.Hold, c.CancelLeg, c.HangUp))], event
    for later in (1.5, 3.0):
        now, commands = step(now, e.TimerFired(C, "rooms"), NOW + later, Rules(NoFlows(), Demand()))
        assert not [x for x in commands if isinstance(x, (c.Move, c.Hold, c.CancelLeg))]


def test_a_later_look_does_not_learn_in_which_bridge_they_are():
    now = joined(NOW - 5.0)
    views = [
        ChannelView(C, f"PJSIP/{C}", Place.NATIVE, "b-1", "13800001234", "", "12345", 60.0),
        ChannelView(SEAT, "PJSIP/8001-1", Place.OTHER, "b-1", age=5.0, seat="8001"),
    ]
    events, _ = reconcile({C: now}, Snapshot(NOW, views, frozenset()), ())
    for event in events:
        now, _ = step(now, event, NOW, Rules(NoFlows(), Demand()))
    assert {x.bridge for x in now.legs} == {"b-1"}
    assert now.legs[-1].state is LegState.JOINED


async def test_a_seat_that_the_switchs_own_queue_may_ring_any_moment_is_offered_somebody_else():
    """A caller is in that queue for four seconds at a time: until it is back, a free phone may be rung for it."""
    world = World()
    world.engine._loop = asyncio.get_running_loop()
    for one in ("hotline-1.0", "hotline-2.0"):
        world.switch.arrive(one)
        world.switch.greeted(one)
    world.switch.goes_native("hotline-1.0")
    await world.engine.link_up()
    await world.rest()
    assert not world.switch.legs
    # It is back by itself: who came first is served first.
    world.switch.events.append(e.Waits("hotline-1.0"))
    world.switch.callers["hotline-1.0"].place = Place.WAITING
    await world.engine.sweep(after_gap=True)
    await world.rest()
    assert sorted(one.call for one in world.switch.legs.values()) == ["hotline-1.0", "hotline-2.0"]


async def test_a_caller_whom_the_switchs_own_queue_keeps_stops_the_hotline():
    """A phone rings there for longer, or nobody answers: the others are served all the same."""
    world = World()
    world.engine._loop = asyncio.get_running_loop()
    for one in ("hotline-1.0", "hotline-2.0"):
        world.switch.arrive(one)
        world.switch.greeted(one)
    world.switch.goes_native("hotline-1.0")
    await world.engine.link_up()
    await world.rest()
    world.now += 5.1
    await world.engine.sweep(after_gap=True)
    await world.rest()
    assert [one.call for one in world.switch.legs.values()] == ["hotline-2.0"]


async def test_a_seat_is_offered_somebody_at_the_journals_return_whom_the_switchs_own_queue_rings_it_for():
    """The heart-beat had stopped: the dialplan took callers into its queue. Nobody is offered before they are seen."""
    world = World()
    for one in ("hotline-1.0", "hotline-2.0"):
        world.switch.arrive(one)
        world.switch.greeted(one)
    world.engine.feed(world.switch.events)
    world.switch.events.clear()
    world.engine._loop = asyncio.get_running_loop()
    world.journal.failing = True
    turn = asyncio.create_task(world.engine.turn())
    await asyncio.sleep(0.01)
    world.switch.goes_native("hotline-1.0")
    world.journal.failing = False
    await asyncio.wait_for(turn, 5)
    world.engine.feed([e.PhoneUp("8001")])
    await world.engine.turn()
    assert not world.switch.legs, "somebody is offered before the switch was looked at"
    await world.engine._sweeping
    await world.engine.turn()
    assert not world.switch.legs, "the seat's phone may be rung any moment"


async def test_who_goes_to_the_switchs_own_queue_late_after_a_return_is_seen_before_anybody_is_offered():
    """Its flow's limit ran out some seconds after we were back: that queue rings a free phone for it now."""
    world = World()
    world.engine._loop = asyncio.get_running_loop()
    world.switch.phones.clear()
    await world.engine.link_up()
    for one in ("hotline-1.0", "hotline-2.0"):
        world.switch.arrive(one)
        world.switch.greeted(one)
    await world.rest()
    world.now += 4.0
    world.switch.goes_native("hotline-1.0")
    await world.rest()
    world.engine.feed([e.PhoneUp("8001")])
    await world.rest()
    assert not world.switch.legs
    world.switch.phones.add("8001")
    for _ in range(3):
        # Not for ever: it may be kept there, and others wait.
        await world.later(5.1)
        await world.engine.sweep(after_gap=True)
        await world.rest()
    assert [one.call for one in world.switch.legs.values()] == ["hotline-2.0"]


def test_a_seat_of_the_switchs_own_queue_that_has_come_into_the_music_is_taken_for_a_caller():
    """Another seat would be rung for it. Its call has it as a leg, whatever its channel does just then."""
    now = joined(NOW - 5.0)
    views = [
        ChannelView(C, f"PJSIP/{C}", Place.WAITING, None, "13800001234", "", "12345", 60.0),
        ChannelView(SEAT, "PJSIP/8001-1", Place.WAITING, "b-2", "12345", "", "12345", 5.0),
    ]
    events, _ = reconcile({C: now}, Snapshot(NOW, views, frozenset()), ())
    assert not [x for x in events if isinstance(x, e.Arrived)]


@pytest.mark.parametrize(("later", "ended"), [(0.06, False), (20.0, False), (90.0, True)])
def test_events_that_the_link_kept_during_the_look_end_the_talk_that_the_look_has_found(later, ended):
    """That the caller went there and whom it met is told once more, after both were found."""
    rules = Rules(NoFlows(), Demand())
    now, _ = step(call(CallState.NATIVE), e.LegJoined(C, SEAT, "8001", "b-1"), NOW, rules)
    now, commands = step(now, e.WentNative(C), NOW + later, rules)
    assert any(isinstance(x, c.CancelLeg) for x in commands) is ended
    if not ended:
        now, commands = step(now, e.LegJoined(C, SEAT, "8001"), NOW + later, rules)
        assert now.state is CallState.TALKING and not commands
