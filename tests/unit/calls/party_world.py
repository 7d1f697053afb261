"""Engine, switch with real bridges and a journal in memory, turned by hand: for tests of orders and of takeovers."""

import pytest

from calls import Engine, Host, MemoryJournal, OrderError, Rules
from calls import events as e
from calls.testing import FakeSwitch
from routing import (
    CentreTree,
    Demand,
    Dialable,
    Directory,
    Dispatcher,
    Entry,
    Hours,
    Policy,
    RoutingBook,
    Seat,
    Trunk,
    WaitingRules,
)

SEATS = tuple(f"800{i}" for i in range(1, 8))
CALL = "hotline-1.0"
DIRECTORY = Directory(
    (
        Entry("110", "公安", "police", "emergency", ("110",), ("a", "b"), fallback="119", ring=10.0),
        Entry("119", "消防", "fire", "emergency", ("119",), ("b",), ring=10.0),
        Entry("water", "供水", "water", "utility", ("96390",), ("a",)),
        Entry("shut", "已下班", "shut", "utility", ("96391",), ("a",), hours=Hours("never")),
        Entry("gone", "无线路", "no line", "utility", ("96392",), ()),
    ),
    {x.name: x for x in (Trunk("a", "127.0.0.1:1"), Trunk("b", "127.0.0.1:2"))},
    {"9": "110"},
    (Dialable("0577XXXXXXXX", ("a",)),),
)  # fmt: skip


class NoFlows:
    def flow_of(self, reference):
        return None


class World:
    def __init__(self):
        self.now = 1_764_050_400.0  # a Tuesday, 14:00 in Shanghai
        self.switch, self.journal = FakeSwitch(now=self.now), MemoryJournal()
        self.switch.phones.update(SEATS)
        self.begin()

    def begin(self):
        """A process begins (again), with empty books."""
        seats = [Seat(i, i, "330000", {"putonghua": 5} | ({"en": 3} if i in SEATS[1:3] else {})) for i in SEATS]
        dispatcher = Dispatcher(seats, Policy(reserve=3, ring=10, wrap_up=5, refused_pause=1))
        book = RoutingBook(CentreTree.of([]), "330000", default_skills=(("putonghua", 1),),
                           waiting=WaitingRules(tell_after=1e9, voicemail=False))  # fmt: skip
        host = Host(dispatcher, book)
        host.outside.directory = DIRECTORY
        self.engine = Engine(
            switch=self.switch, journal=self.journal, dispatcher=dispatcher, entries={}, host=host, raw_path=str,
            rules=Rules(NoFlows(), Demand((("putonghua", 1),)), ring=10.0, tell_after=1e9), clock=lambda: self.now,
        )  # fmt: skip

    async def rest(self):
        """Until neither engine nor switch has anything to say."""
        for _ in range(80):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            await self.engine.turn()
            if not self.switch.events and not self.engine._inbox:
                return
        raise AssertionError("the engine and the switch never come to rest")

    async def later(self, seconds):
        self.now += seconds
        self.switch.now = self.now
        await self.rest()

    async def caller(self, call=CALL, seats=SEATS):
        """A caller talks with the first free seat."""
        self.engine.feed([e.PhoneUp(i) for i in seats])
        self.switch.arrive(call)
        self.switch.greeted(call)
        await self.rest()
        await self.answer()
        return call

    async def answer(self):
        """Every phone that rings is picked up."""
        for leg in [x for x, one in self.switch.legs.items() if one.state in ("dialled", "ringing")]:
            self.switch.answer(leg)
        await self.rest()

    async def taken_over(self, seconds=5.0, sweep=True):
        """The process is killed and another one takes over."""
        self.begin()
        await self.engine.recover()
        await self.later(seconds)
        if sweep:
            await self.engine.sweep(after_gap=True)
            await self.rest()

    @property
    def call(self):
        return self.engine.calls[CALL]

    def seat(self, seat):
        return self.engine.dispatcher.seats[seat]

    def who_hears(self, channel=CALL):
        """Seats and lines in this channel's bridge."""
        return {self.switch.legs[x].seat for x in self.switch.together(channel) if x in self.switch.legs}


def refused(what, *args, **more):
    """The code of an order that must be refused."""
    with pytest.raises(OrderError) as error:
        what(*args, **more)
    return error.value.code
