"""The engine turned by hand: what must not happen when the journal is silent or the link is gone."""

import asyncio
from dataclasses import replace

import pytest

from calls import CallState, Engine, MemoryJournal, Rules
from calls import commands as c
from calls import events as e
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState


class NoFlows:
    def flow_of(self, reference):
        return None


class World:
    def __init__(self, **more):
        self.now = 1000.0
        self.switch, self.journal = FakeSwitch(), MemoryJournal()
        seats = [Seat("8001", "8001", "330000", {})]
        self.engine = Engine(
            switch=self.switch, journal=self.journal, dispatcher=Dispatcher(seats, Policy()),
            rules=Rules(NoFlows(), Demand()), entries={}, raw_path=str, clock=lambda: self.now, **more,
        )  # fmt: skip

    async def turn(self):
        events, self.switch.events = self.switch.events, []
        self.engine.feed(events)
        await self.engine.turn()

    async def waiting_caller(self, call="hotline-1.0"):
        self.switch.arrive(call)
        self.switch.greeted(call)
        await self.turn()
        return call

    async def talk(self):
        """A caller and seat 8001 talk: (call, leg)."""
        call = await self.waiting_caller()
        self.engine.feed([e.PhoneUp("8001")])
        await self.turn()
        (leg,) = self.switch.legs
        self.switch.answer(leg)
        await self.turn()
        return call, leg


@pytest.fixture
def world():
    return World()


async def test_a_command_held_back_by_a_silent_journal_is_decided_anew_and_no_seat_pays_for_it(world):
    call = await world.waiting_caller()
    world.engine.feed([e.PhoneUp("8001")])
    world.journal.failing = True
    turn = asyncio.ensure_future(world.engine.turn())
    await asyncio.sleep(0)
    assert not world.engine.journal_ok
    assert world.switch.commands == [], "nothing leaves before it is journalled"
    world.now += 60.0
    world.journal.failing = False
    await turn
    assert world.switch.commands == [], "an offer of a minute ago rings nobody"
    await world.turn()
    await world.turn()
    assert [type(x) for x in world.switch.commands] == [c.RingSeat], "it is made anew"
    assert world.engine.calls[call].state is CallState.OFFERED
    assert world.engine.dispatcher.seats["8001"].missed == 0


async def silent_while(world, happens):
    """The seat's end is told while the journal is silent; `happens` before it is written."""
    call, leg = await world.talk()
    world.engine.feed([e.LegLeft(call, leg, 16)])
    world.switch.commands.clear()
    world.journal.failing = True
    turn = asyncio.ensure_future(world.engine.turn())
    await asyncio.sleep(0)
    world.now += 14.0
    world.engine.feed(happens(call))
    world.journal.failing = False
    await turn
    await world.turn()
    return call


async def test_a_caller_is_released_for_an_old_talks_end_out_of_the_next_one(world):
    """Its first seat hung up, and nothing could be written: the dialplan found it another one meanwhile."""
    native = "hotline-1.9"
    call = await silent_while(world, lambda call: [e.WentNative(call), e.LegJoined(call, native, "8002")])
    assert not [x for x in world.switch.commands if isinstance(x, c.HangUp | c.CancelLeg)]
    assert world.engine.calls[call].state is CallState.TALKING
    assert world.engine.calls[call].seat == "8002"


async def test_a_caller_is_released_for_a_talks_end_that_was_told_in_the_silence_out_of_the_next_one(world):
    """As before, but the first seat hung up while something else could not be written."""
    call, leg = await world.talk()
    world.switch.commands.clear()
    world.journal.failing = True
    world.engine.feed([e.Arrived("hotline-7.0", "PJSIP/x", "12345")])
    turn = asyncio.ensure_future(world.engine.turn())
    await asyncio.sleep(0)
    world.now += 14.0
    world.engine.feed([e.LegLeft(call, leg, 16), e.WentNative(call), e.LegJoined(call, "hotline-1.9", "8002")])
    world.journal.failing = False
    await turn
    await world.turn()
    assert not [x for x in world.switch.commands if isinstance(x, c.HangUp | c.CancelLeg)]
    assert world.engine.calls[call].seat == "8002"


async def test_what_was_decided_before_the_lease_was_renewed_is_lost_unsent():
    """Redis is back, the journal is written, and the next renewal some moments away: the switch would take nothing."""
    allowed = [True]
    world = World(may_act=lambda: allowed[0])
    call, leg = await world.talk()
    world.switch.commands.clear()
    world.engine.feed([e.LegLeft(call, leg, 16)])
    allowed[0] = False
    turn = asyncio.ensure_future(world.engine.turn())
    await asyncio.sleep(0.1)
    allowed[0] = True
    await turn
    assert [type(x) for x in world.switch.commands] == [c.HangUp]


async def test_a_process_that_has_lost_its_lease_ends_its_turn_and_sends_nothing():
    world = World(may_act=lambda: False)
    world.switch.arrive("hotline-1.0")
    world.engine.feed(world.switch.events)
    turn = asyncio.ensure_future(world.engine.turn())
    await asyncio.sleep(0.1)
    world.engine.halt()
    await asyncio.wait_for(turn, 5)
    assert world.switch.commands == []


async def test_a_seat_of_the_switchs_own_queue_that_was_sent_somewhere_is_sent_again_and_again(world):
    """Its channel is no leg of ours by its name: where it has come is told all the same."""
    call = await world.waiting_caller()
    native = "hotline-1.9"
    world.engine.feed([e.WentNative(call), e.LegJoined(call, native, "8001")])
    await world.turn()
    world.engine.feed([e.LegJoined(native, native, "", "b7")])
    await world.turn()
    assert world.engine.calls[call].leg(native).bridge == "b7"


async def test_a_ring_that_was_given_up_in_silence_is_cancelled_unless_it_was_answered(world):
    call = await world.waiting_caller()
    world.engine.feed([e.PhoneUp("8001")])
    await world.turn()
    (leg,) = world.switch.legs
    for answered in (True, False):
        world.engine._take_inbox(world.now)
        world.switch.commands.clear()
        if answered:
            world.engine.feed([e.LegJoined(call, leg, "8001", "b1")])
        else:
            world.engine.calls[call] = replace(world.engine.calls[call], legs=world.engine.calls[call].legs[:1])
        world.engine._decide_anew([c.CancelLeg(call, leg)])
        assert [type(x) for x in world.switch.commands] == ([] if answered else [c.CancelLeg])


async def test_no_heart_beat_while_nothing_can_be_journalled(world):
    await world.waiting_caller()
    world.journal.failing = True
    world.switch.arrive("hotline-2.0")
    world.engine.feed(world.switch.events)
    world.engine.start()
    await asyncio.sleep(0.3)
    beats = len(world.switch.beats)
    world.now += 10
    await asyncio.sleep(0.3)
    assert len(world.switch.beats) == beats
    world.journal.failing = False
    await world.engine.stop()


async def test_nobody_is_offered_while_the_switch_cannot_be_reached(world):
    world.switch.up = False
    await world.waiting_caller()
    world.engine.feed([e.PhoneUp("8001")])
    await world.turn()
    assert world.switch.commands == []
    assert world.engine.dispatcher.seats["8001"].state is SeatState.AVAILABLE
    world.switch.up = True
    await world.turn()
    assert [type(x) for x in world.switch.commands] == [c.RingSeat]


async def test_an_observer_that_fails_stops_nothing(world):
    def bad(change):
        raise RuntimeError("told to")

    world.engine.observe(bad)
    await world.waiting_caller()
    assert world.engine.counters.errors == 1
    assert len(world.engine.calls) == 1


async def test_a_second_arrival_of_a_known_or_ended_call_is_no_new_call(world):
    call = await world.waiting_caller()
    world.engine.feed([e.Arrived(call, "PJSIP/x", "12345")])
    await world.turn()
    assert world.engine.calls[call].state is CallState.WAITING
    world.switch.leave(call)
    await world.turn()
    world.engine.feed([e.Arrived(call, "PJSIP/x", "12345")])
    await world.turn()
    assert call not in world.engine.calls
    assert len(world.journal.jobs) == 1


async def test_a_call_whose_seat_no_longer_wraps_it_up_is_ended_by_the_sweep(world):
    call, _ = await world.talk()
    world.switch.leave(call)
    await world.turn()
    assert world.engine.calls[call].state is CallState.WRAP_UP
    # The switch joins the seat with somebody else before its wrap-up is over.
    world.engine.dispatcher.talking("8001", "hotline-9.0", "x", world.now)
    world.now += 5
    world.switch.now = world.now
    await world.engine.sweep()
    await world.turn()
    assert call not in world.engine.calls
    assert call not in world.journal.live


async def test_a_phone_that_put_two_parties_together_has_the_switch_looked_at_without_waiting_for_the_sweep(
    world, eventually, monkeypatch
):
    asked, snapshot = [], FakeSwitch.snapshot

    async def counted(switch, name=""):
        asked.append(world.now)
        return await snapshot(switch, name)

    monkeypatch.setattr(FakeSwitch, "snapshot", counted)
    call = await world.waiting_caller()
    world.engine.start()
    world.engine.feed([e.Transferred(call)])
    await eventually(lambda: len(asked) == 1)
    await world.engine.stop()
    assert call in world.engine.calls
    assert not [x for x, _ in world.journal.entries if isinstance(x, e.Transferred)], "no news for another process"
