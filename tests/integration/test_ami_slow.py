"""The AMI link of a running hotline is cut, half open, flapping or slow: nobody is lost, nothing is ordered twice."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from demo import Phone
from telephony import AmiLink, AmiSettings
from tests.conftest import eventually, seconds_until
from tests.lines import Cable, cable

pytestmark = pytest.mark.integration
PATIENCE = 30.0
TONES = (440, 880)


class Orders:
    """What goes to Asterisk, as the cable sees it."""

    def __init__(self, wire: Cable) -> None:
        self._text = b""
        wire.up.seen.append(self._take)

    def _take(self, data: bytes) -> None:
        self._text += data

    def made(self) -> Counter[str]:
        """Channel ids of all that were to be made."""
        actions = self._text.decode(errors="replace").split("\r\n\r\n")
        ids = (re.search(r"(?m)^ChannelId: (\S+)", one) for one in actions if "Action: Originate" in one)
        return Counter(found[1] for found in ids if found)


@dataclass
class Scene:
    """A caller who talks with 8001, and two who wait."""

    hotline: Any
    wire: Cable
    orders: Orders
    phones: dict[str, Phone]
    talks: tuple[Any, Any]
    waiting: list[Any] = field(default_factory=list)
    ranks: dict[str, float] = field(default_factory=dict)

    @property
    def link(self) -> Any:
        return self.hotline.link

    def call(self, number: str) -> Any:
        return next(one for one in self.hotline.engine.calls.values() if one.caller_number == number)

    async def nobody_lost(self) -> None:
        """The talk goes on, the waiting wait where they were."""
        caller, seat = self.talks
        for phone, tone in ((caller, 880), (seat, 440)):
            await eventually(lambda p=phone, t=tone: p.tones_heard(TONES) == {t}, PATIENCE, "the talk is heard")
        await eventually(lambda: self.link.state.value == "up", PATIENCE, "the link is up")
        for number, since in self.ranks.items():
            await eventually(lambda n=number: self.call(n).state.value == "waiting", PATIENCE, "taken back")
            assert self.call(number).waiting_since == since, "the rank is kept"

    async def all_are_served(self) -> None:
        """In the order of their ranks, each by one leg that was ordered once."""
        phone = self.phones["8002"]
        await phone.register()
        for number in self.ranks:
            taken = await phone.incoming(PATIENCE)
            assert taken.caller == number
            await taken.answer()
            await eventually(lambda n=number: self.call(n).state.value == "talking", PATIENCE, "served")
            await taken.hang_up()
        for call in (*self.talks, *self.waiting):
            await call.hang_up()
        await eventually(lambda: not self.hotline.engine.calls, PATIENCE, "all over")
        twice = {id_: n for id_, n in self.orders.made().items() if n > 1}
        assert len(self.orders.made()) >= 3 and not twice
        assert self.hotline.engine.counters.errors == 0


@contextlib.asynccontextmanager
async def scene(bench: Any) -> Any:
    async with contextlib.AsyncExitStack() as stack:
        wire = await stack.enter_async_context(cable(bench.switch.plan.ami_port))
        orders = Orders(wire)
        hotline = await stack.enter_async_context(bench.hotline(bench.settings(ami_port=wire.port)))
        sip = bench.switch.sip
        phones = {s: await stack.enter_async_context(Phone(sip, s, f"demo-{s}")) for s in ("8001", "8002")}

        async def dials(number: str) -> Any:
            call = await (await stack.enter_async_context(Phone(sip, number, local_ip="127.0.0.9"))).dial("12345")
            await call.answered(PATIENCE)
            await call.press("#")
            return call

        made = Scene(hotline, wire, orders, phones, (None, None))
        await phones["8001"].register()
        caller = await dials("13800000001")
        seat = await phones["8001"].incoming(PATIENCE)
        await seat.answer()
        await eventually(lambda: made.call("13800000001").state.value == "talking", PATIENCE, "a talk")
        caller.tone(440)
        seat.tone(880)
        made.talks = (caller, seat)
        for number in ("13800000002", "13800000003"):
            made.waiting.append(await dials(number))
            await eventually(lambda n=number: made.call(n).state.value == "waiting", PATIENCE, "it waits")
            made.ranks[number] = made.call(number).waiting_since
        yield made


@contextlib.asynccontextmanager
async def chatter(bench: Any) -> Any:
    """The switch tells of others, several times a second."""
    plan = bench.switch.plan
    settings = AmiSettings(port=plan.ami_port, username=plan.ami_user, secret=plan.ami_secret, events="off")
    link = AmiLink(settings, lambda batch: None)
    await link.start()
    await link.wait_up(PATIENCE)

    async def talk() -> None:
        while True:
            link.send_nowait({"Action": "UserEvent", "UserEvent": "Chatter"})
            await asyncio.sleep(0.1)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        await link.stop()


async def test_cut_or_half_open_either_way_is_known_within_3_s_and_nobody_is_lost_or_rung_twice(bench: Any) -> None:
    async with scene(bench) as one, chatter(bench):
        for fault in ("cut", "nothing comes back", "nothing arrives"):
            way = one.wire.down if fault == "nothing comes back" else one.wire.up
            if fault == "cut":
                one.wire.refuses = True
                one.wire.cut()
            else:
                # The events that go on are no sign that our orders arrive.
                way.swallows = True
            assert await seconds_until(lambda: not one.link.up, PATIENCE, fault) < 3.0, fault
            one.wire.refuses = way.swallows = False
            await one.nobody_lost()
        await one.all_are_served()


async def test_a_link_that_flaps_every_second_loses_nobody_and_orders_nothing_twice(bench: Any) -> None:
    async with scene(bench) as one:
        phone = one.phones["8002"]
        for n in range(5):
            one.wire.cut()
            if n == 4:
                await phone.register()  # its offer falls into the last gap
            await asyncio.sleep(1.0)
        assert one.link.counters.reconnects >= 3
        await one.all_are_served()


@pytest.mark.parametrize("slow", ["late", "crawls"])
async def test_a_slow_link_is_used_and_its_beats_keep_the_native_queue_away(bench: Any, slow: str) -> None:
    async with scene(bench) as one:
        before = one.link.counters.reconnects
        for way in (one.wire.up, one.wire.down):
            if slow == "late":
                way.delay = 0.75
            else:
                way.crawls = 0.001
        await asyncio.sleep(3.0)
        assert one.link.up and one.link.counters.reconnects == before
        await one.nobody_lost()
        await one.all_are_served()
