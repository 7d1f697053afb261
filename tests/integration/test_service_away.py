"""The service stays away and returns: humans answer meanwhile, and everything that happened is in its books afterwards.

Real Asterisk, real phones that sound tones; the service is a whole process's worth, started and stopped on one journal.
"""

import asyncio
import contextlib
import json
import time
from pathlib import Path

import pytest

from calls import CallState
from demo import Phone
from routing import SeatState
from tests.conftest import eventually
from tests.integration.test_first_call import Cuttable

pytestmark = pytest.mark.integration
STALE = 5.2
"""The last heart-beat is stale after four seconds, whole ones."""


class Closed(Cuttable):
    """A way to the switch that can be closed: connections are taken and end at once. (Refused, they would say that the
    switch is no more.)"""

    closed = False

    async def _serve(self, reader, writer):
        if self.closed:
            writer.transport.abort()
        else:
            await super()._serve(reader, writer)

    async def close(self, closed=True):
        self.closed = closed
        for writer in self.pairs:
            writer.transport.abort()
        self.pairs.clear()


class Floor:
    """Phones that outlive the service."""

    def __init__(self, bench, switch, stack):
        self.switch, self.stack = switch, stack
        self.settings = bench.settings(bench.config(numbers={"12315": {"flow": "self-service"}}))
        self.bench = bench

    def service(self):
        return self.bench.hotline(self.settings)

    async def seat(self, seat_id):
        phone = await self.stack.enter_async_context(Phone(self.switch.sip, seat_id, f"demo-{seat_id}"))
        await phone.register()
        return phone

    async def caller(self, number, dialled="12345"):
        phone = await self.stack.enter_async_context(Phone(self.switch.sip, number, local_ip="127.0.0.9"))
        call = await phone.dial(dialled)
        await call.answered()
        self.stack.push_async_callback(call.hang_up)
        return call

    def spool(self):
        return sorted(x.name for x in Path(self.settings.spool).iterdir() if ".alone" in x.name)


@pytest.fixture
async def floor(bench, switch):
    async with contextlib.AsyncExitStack() as stack:
        yield Floor(bench, switch, stack)


def of(hotline, number):
    return next((x for x in hotline.engine.calls.values() if x.caller_number == number), None)


def seat_of(hotline, seat):
    return hotline.engine.dispatcher.seats[seat]


async def silent(hotline):
    """The service's last sign of life is too old."""
    await asyncio.sleep(STALE)


async def recordings_of(hotline):
    entries = await hotline.redis.xrange(hotline.settings.redis_prefix + "recordings")
    return {job["call"]: job for job in (json.loads(fields[b"job"]) for _, fields in entries)}


async def in_the_book(hotline, call, true=lambda record: True):
    end = asyncio.get_running_loop().time() + 15
    while asyncio.get_running_loop().time() < end:
        record = await hotline.store.call(call)
        if record is not None and record.state == "ended" and true(record):
            return record
        await asyncio.sleep(0.05)
    raise AssertionError("the call is not in the book")


def tones(call, other, one, two):
    call.tone(one)
    other.tone(two)


async def both_hear(call, other, one=440, two=880):
    tones(call, other, one, two)
    await eventually(lambda: other.tones_heard((one, two)) == {one}, what="the seat hears the caller")
    await eventually(lambda: call.tones_heard((one, two)) == {two}, what="the caller hears the seat")


async def test_whoever_the_switch_served_alone_is_in_the_books_when_the_service_is_back(floor):
    async with floor.service():
        pass
    await asyncio.sleep(STALE)
    phone = await floor.seat("8001")
    # One who talks and leaves while nobody is there …
    before = time.time()
    gone = await floor.caller("13800000001")
    ringing = await phone.incoming(5)
    print(f"a new caller's phone rings after {time.time() - before:.2f} s")
    await ringing.answer()
    await both_hear(gone, ringing)
    await asyncio.sleep(1.2)
    await gone.hang_up()
    await ringing.ended(5)
    # … one who leaves without having reached anybody (the only seat rings, or is in the queue's own pause) …
    lost = await floor.caller("13800000002")
    # … one who still talks when the service is back, and two who wait.
    ringing = await phone.incoming(15)
    await lost.hang_up()
    await ringing.ended(5)
    talks = await floor.caller("13800000003")
    ringing = await phone.incoming(15)
    await ringing.answer()
    await both_hear(talks, ringing)
    first = await floor.caller("13800000004")
    await asyncio.sleep(1.1)
    second = await floor.caller("13800000005")
    await eventually(lambda: len(floor.spool()) == 5, what="the switch has written of all five")

    began = time.time()
    async with floor.service() as hotline:
        engine = hotline.engine
        ours = of(hotline, "13800000003")
        assert (ours.state, ours.seat, ours.dialled) == (CallState.TALKING, "8001", "12345")
        print(f"in the books {time.time() - began:.2f} s after the start")
        assert (seat_of(hotline, "8001").state, seat_of(hotline, "8001").call) == (SeatState.TALKING, ours.id)
        assert before < ours.arrived_at <= ours.joined_at < began
        await both_hear(talks, ringing)
        # The seat may do with it what it may do with any talk.
        engine.arrange(ours.id, "hold")
        await eventually(lambda: of(hotline, "13800000003").held, what="held")
        await asyncio.sleep(0.5)
        engine.arrange(ours.id, "resume")
        await eventually(lambda: not of(hotline, "13800000003").held, what="together again")
        await both_hear(talks, ringing)

        # Those who wait come back in the order of their arrival.
        await eventually(lambda: len(engine.dispatcher.waiting()) == 2, 15, "both wait with us")
        order = [engine.calls[w.call].caller_number for w in engine.dispatcher.waiting()]
        assert order == ["13800000004", "13800000005"]
        newer = await floor.caller("13800000006")
        await newer.press("#")
        await eventually(lambda: len(engine.dispatcher.waiting()) == 3, 15, "a new one waits too")
        assert [engine.calls[w.call].caller_number for w in engine.dispatcher.waiting()][-1] == "13800000006"
        await asyncio.gather(first.wait_for_audio(100, 5), second.wait_for_audio(100, 5))

        # The talk ends as any other: wrap-up, then the phone is offered the oldest.
        await talks.hang_up()
        await eventually(lambda: seat_of(hotline, "8001").state is SeatState.WRAP_UP, what="its wrap-up")
        offered = await phone.incoming(10)
        assert offered.caller == "13800000004"
        await offered.answer()
        await eventually(lambda: of(hotline, "13800000004").state is CallState.TALKING)
        for call in (first, second, newer):
            await call.hang_up()
        await eventually(lambda: not engine.calls, 15, "all have left")

        jobs = await recordings_of(hotline)
        assert len(jobs) == 6
        record = await in_the_book(hotline, ours.id)
        assert (record.outcome, record.seat) == ("served", "8001")
        spans = jobs[ours.id]["seats"]
        assert {seat for _, _, seat in spans} == {"8001"}
        assert len(spans) == 2, "before it was put on hold, and after"
        assert all(0 <= begin < end for begin, end, _ in spans)
        by_number = {}
        for call_id in jobs:
            record = await in_the_book(hotline, call_id)
            by_number[record.caller_number] = record
            if record.caller_number == "13800000001":
                spoken = jobs[call_id]["seats"]
            assert Path(jobs[call_id]["raw"]).exists()
        assert (by_number["13800000001"].outcome, by_number["13800000001"].seat) == ("served", "8001")
        assert by_number["13800000002"].outcome == "native"
        ((begin, end, seat),) = spoken
        assert seat == "8001" and 1.0 <= end - begin <= 10.0
        assert floor.spool() == []
        assert engine.counters.errors == 0


async def test_a_phone_that_the_switch_rings_just_now_is_rung_by_nobody_else_and_its_talk_is_ours(floor, bench):
    async with Closed(floor.switch.plan.ami_port) as proxy:
        floor.settings = bench.settings(ami_port=proxy.listen)
        async with floor.service() as hotline:
            await _rung_meanwhile(floor, hotline, proxy)


async def _rung_meanwhile(floor, hotline, proxy):
    engine = hotline.engine
    waits = await floor.caller("13800000011")
    await waits.press("#")
    await eventually(lambda: engine.dispatcher.waiting(), what="it waits with us")
    before = of(hotline, "13800000011")
    await proxy.close()
    away = time.time()
    phone = await floor.seat("8001")
    ringing = await phone.incoming(15)
    assert time.time() - away < 10.0, "a human within ten seconds"
    await ringing.ring()
    await proxy.close(False)
    await eventually(lambda: before.id in engine.calls and of(hotline, "13800000011").state is CallState.NATIVE)
    ours = of(hotline, "13800000011")
    assert (ours.id, ours.waiting_since) == (before.id, before.waiting_since)
    newer = await floor.caller("13800000012")
    await newer.press("#")
    await eventually(lambda: len(engine.dispatcher.waiting()) == 1, 15, "another one waits")
    assert seat_of(hotline, "8001").state is not SeatState.AVAILABLE
    await ringing.answer()
    await eventually(lambda: of(hotline, "13800000011").state is CallState.TALKING, what="its talk is in the books")
    assert (seat_of(hotline, "8001").state, seat_of(hotline, "8001").call) == (SeatState.TALKING, ours.id)
    await both_hear(waits, ringing)
    # Looking again changes nothing, and names the bridge.
    await engine.sweep()
    await eventually(lambda: not of(hotline, "13800000011").main_seat.bridge.startswith("="))
    assert of(hotline, "13800000012").offers == 0
    await ringing.hang_up()
    await waits.ended(5)
    offered = await phone.incoming(15)
    assert offered.caller == "13800000012"
    await newer.hang_up()
    await eventually(lambda: not engine.calls, 15, "all have left")
    assert (await in_the_book(hotline, ours.id)).outcome == "served"
    assert engine.counters.errors == 0
