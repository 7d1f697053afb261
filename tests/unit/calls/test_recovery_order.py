"""A process that takes over offers nobody before it has looked at the switch: who is back in line is seen first."""

from calls import Engine, MemoryJournal, Rules
from calls import commands as c
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat
from routing import SeatState as S


class NoFlows:
    def flow_of(self, reference):
        return None


def process(switch, journal, now):
    seats = [Seat(i, i, "330000", {}, S.OFFLINE) for i in ("8001", "8002")]
    return Engine(
        switch=switch, journal=journal, entries={}, raw_path=lambda call: call, clock=lambda: now[0],
        dispatcher=Dispatcher(seats, Policy(reserve=10, wrap_up=1, refused_pause=0)),
        rules=Rules(NoFlows(), Demand(), ring=10.0),
    )  # fmt: skip


async def settle(engine, switch):
    for _ in range(10):
        events, switch.events = switch.events, []
        engine.feed(events)
        await engine.turn()


async def test_a_caller_whose_offer_ended_unseen_goes_before_those_behind_it():
    now, switch, journal = [1000.0], FakeSwitch(phones={"8001"}), MemoryJournal()
    first = process(switch, journal, now)
    await first.sweep()
    for call in ("older", "newer"):
        switch.arrive(call)
        switch.greeted(call)
        now[0] += 1
        switch.now = now[0]
        await settle(first, switch)
    assert list(switch.legs) == ["older~8001~1"]
    # The process dies. The seat refuses unseen, and a second one registers.
    switch.end_leg("older~8001~1", 17)
    switch.events.clear()
    switch.phones.add("8002")
    now[0] += 2
    switch.now = now[0]
    second = process(switch, journal, now)
    await second.recover()
    second.dispatcher.phone_up("8002", now[0])
    await second.turn()
    assert len(switch.commands) == 1, "before it has looked it offers nobody"
    await second.link_up()
    await settle(second, switch)
    offered = [command.call for command in switch.commands if isinstance(command, c.RingSeat)]
    assert offered == ["older", "older", "newer"]
