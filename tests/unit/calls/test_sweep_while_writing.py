"""The switch is looked at while the journal is silent: what was decided and not sent yet is no leg that is missing."""

import asyncio
from dataclasses import replace

from calls import Engine, MemoryJournal, Rules
from calls import commands as c
from calls import events as e
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState


class NoFlows:
    def flow_of(self, reference):
        return None


def hotline(switch, journal, now):
    """An engine with seat 8001, and caller a in the switch."""
    switch.arrive("a")
    switch.greeted("a")
    return Engine(
        switch=switch, journal=journal, entries={}, raw_path=lambda call: call, clock=lambda: now[0],
        dispatcher=Dispatcher([Seat("8001", "8001", "330000", {}, SeatState.OFFLINE)], Policy(reserve=10)),
        rules=Rules(NoFlows(), Demand(), ring=10.0),
    )  # fmt: skip


async def test_a_leg_that_waits_for_the_journal_is_not_taken_for_one_that_was_never_made():
    now = [1000.0]
    switch, journal = FakeSwitch(phones={"8001"}), MemoryJournal()
    engine = hotline(switch, journal, now)
    engine.feed([e.PhoneUp("8001"), *switch.events])
    switch.events.clear()
    journal.failing = True
    turn = asyncio.create_task(engine.turn())
    await asyncio.sleep(0.01)
    # It was decided at 1000.0 and is not sent. A second later the switch is asked: it has no such leg.
    now[0] = switch.now = 1001.0
    looking = asyncio.create_task(engine.sweep())
    journal.failing = False
    await asyncio.wait_for(asyncio.gather(turn, looking), 5)
    await engine.turn()
    rung = [command.leg for command in switch.commands if isinstance(command, c.RingSeat)]
    assert rung == ["a~8001~1"]
    # Another second later it would be missing, if it were.
    now[0] = switch.now = 1002.0
    await engine.sweep()
    await engine.turn()
    assert rung == [command.leg for command in switch.commands if isinstance(command, c.RingSeat)]


async def test_a_leg_that_is_sent_while_the_answer_of_the_switch_is_on_its_way_is_made_twice():
    """The look began before the turn, and its list was made before the turn was written: the leg cannot be in it."""
    now = [1000.0]
    came = asyncio.Event()

    class Slow(FakeSwitch):
        __slots__ = ()

        async def snapshot(self, name=""):
            await came.wait()
            return replace(await FakeSwitch.snapshot(self), asked_at=1000.9, channels=self.listed)

    switch, journal = FakeSwitch(phones={"8001"}), MemoryJournal()
    engine = hotline(switch, journal, now)
    listed = (await switch.snapshot()).channels
    Slow.listed = listed
    switch.__class__ = Slow
    looking = asyncio.create_task(engine.sweep(after_gap=True))
    await asyncio.sleep(0)
    engine.feed([e.PhoneUp("8001"), *switch.events])
    switch.events.clear()
    journal.failing = True
    turn = asyncio.create_task(engine.turn())
    await asyncio.sleep(0.01)
    now[0] = switch.now = 1001.5
    journal.failing = False
    await asyncio.wait_for(turn, 5)
    came.set()
    await asyncio.wait_for(looking, 5)
    await engine.turn()
    assert [x.leg for x in switch.commands if isinstance(x, c.RingSeat)] == ["a~8001~1"]
