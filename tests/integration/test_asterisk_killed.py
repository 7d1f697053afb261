"""Asterisk dies with its calls: nobody can save them, so each caller is called back, and a second one takes over."""

import contextlib
import socket
from pathlib import Path

import pytest

from calls import CallState
from demo import Phone
from routing import SeatState
from tests.conftest import Bench, free_port
from tests.integration.test_two_asterisks import HERE, THERE, asterisk

pytestmark = pytest.mark.integration
OUTSIDE = "127.0.0.78"
TALKS, WAITS = "13800001234", "13900005678"


@contextlib.asynccontextmanager
async def world(tmp_path, redis_url, several):
    """(service, A, B or None): both with a trunk for calling out, seat 8001's phone at each."""
    ports = [free_port(socket.SOCK_DGRAM) for _ in range(2)]
    out = f"{OUTSIDE}:{free_port(socket.SOCK_DGRAM)}"
    async with contextlib.AsyncExitStack() as stack:
        a = await stack.enter_async_context(
            asterisk(tmp_path / "a", HERE, 36000, ["8001", "8002"], sip_port=ports[0], out_contact=out)
        )
        b, more = None, {}
        if several:
            b = await stack.enter_async_context(
                asterisk(tmp_path / "b", THERE, 37000, ["8001", "8002"], sip_port=ports[1], out_contact=out,
                         system_name="west", recording_spool=a.plan.recording_spool)
            )  # fmt: skip
            more = {"switches": {"west": f"{THERE}:{b.plan.ami_port}"}}
        bench = Bench(a, redis_url, tmp_path)
        seats = [{"id": i, "name": i, "skills": {"putonghua": 5}} for i in ("8001", "8002")]
        hotline = await stack.enter_async_context(bench.hotline(config={"seats": seats}, **more))
        yield hotline, a, b, out


def listed(hotline, number):
    return hotline.engine.host.callbacks.of_number(number)


def call_of(hotline, number):
    return next((c for c in hotline.engine.calls.values() if c.caller_number == number), None)


def state_of(hotline, number):
    call = call_of(hotline, number)
    return call.state if call is not None else None


async def talk_and_wait(a, hotline, eventually, stack):
    """8001 talks with one caller (8002 is not signed in), another one waits."""
    phone = await stack.enter_async_context(Phone(a.sip, "8001", "demo-8001"))
    await phone.register()
    states = hotline.engine.dispatcher.seats
    await eventually(lambda: states["8001"].state is SeatState.AVAILABLE)
    talks = await (await stack.enter_async_context(Phone(a.sip, TALKS, local_ip="127.0.0.9"))).dial("12345")
    ringing = await phone.incoming()
    await ringing.answer()
    await eventually(lambda: states["8001"].state is SeatState.TALKING)
    talks.tone(440)
    await eventually(lambda: ringing.tones_heard((440,)) == {440})
    waits = await (await stack.enter_async_context(Phone(a.sip, WAITS, local_ip="127.0.0.9"))).dial("12345")
    await waits.answered()
    await eventually(lambda: state_of(hotline, WAITS) is CallState.WAITING)
    return phone


async def test_a_killed_asterisk_leaves_its_callers_in_no_list_and_its_seats_in_a_talk(tmp_path, redis_url, eventually):
    async with world(tmp_path, redis_url, several=False) as (hotline, a, _, out), contextlib.AsyncExitStack() as stack:
        await talk_and_wait(a, hotline, eventually, stack)
        lost = call_of(hotline, TALKS).id
        a.asterisk.process.kill()
        await a.asterisk.process.wait()
        await eventually(lambda: listed(hotline, TALKS) and listed(hotline, WAITS), 6, "both are on the callback list")
        assert {listed(hotline, n).reason for n in (TALKS, WAITS)} == {"lost"}
        assert listed(hotline, TALKS).demand.priority > 0, "before those who have just come"
        await eventually(
            lambda: hotline.engine.dispatcher.seats["8001"].state is not SeatState.TALKING, what="its seat is free"
        )
        raw = Path(a.plan.recording_spool) / f"{lost}.raw"
        assert raw.stat().st_size > 0, "what was written of the talk is there"
        # It is back: the one who talked is rung first, by the seat it talked with.
        await a.asterisk.start()
        await eventually(lambda: hotline.link.state.value == "up", 10)
        phone = await stack.enter_async_context(Phone(a.sip, "8001", "demo-8001"))
        await phone.register()
        ip, port = out.split(":")
        home = await stack.enter_async_context(Phone(a.sip, "outside", local_ip=ip, local_port=int(port)))
        offer = await phone.incoming(timeout=20)
        await offer.answer()
        rung = await home.incoming(timeout=10)
        assert state_of(hotline, TALKS) is CallState.DIALLING, "who talked comes first"
        await rung.answer()
        rung.tone(440)
        await eventually(lambda: offer.tones_heard((440,)) == {440}, what="they hear each other again")
        await rung.hang_up()
        await eventually(lambda: listed(hotline, TALKS) is None, what="done")
    assert hotline.engine.counters.errors == 0


async def test_one_of_two_asterisks_is_killed_and_the_other_one_takes_nobody(tmp_path, redis_url, eventually):
    async with world(tmp_path, redis_url, several=True) as (hotline, a, b, out), contextlib.AsyncExitStack() as stack:
        await eventually(lambda: all(p.link.state.value == "up" for p in hotline._active.pbx.parts))
        phone_b = await stack.enter_async_context(Phone((THERE, b.plan.sip_port), "8001", "demo-8001"))
        await phone_b.register()
        await talk_and_wait(a, hotline, eventually, stack)
        # A caller at the other one waits too: it is served as if nothing had been.
        caller = await stack.enter_async_context(Phone((THERE, b.plan.sip_port), "13700000001", local_ip="127.0.0.9"))
        third = await caller.dial("12345")
        await third.answered()
        await eventually(lambda: state_of(hotline, "13700000001") is CallState.WAITING)
        a.asterisk.process.kill()
        await eventually(lambda: listed(hotline, TALKS) and listed(hotline, WAITS), 6, "both are on the callback list")
        ringing = await phone_b.incoming(timeout=15)
        # Who was cut off is rung first, over the Asterisk that is left.
        ip, port = out.split(":")
        home = await stack.enter_async_context(
            Phone((THERE, b.plan.sip_port), "outside", local_ip=ip, local_port=int(port))
        )
        await ringing.answer()
        rung = await home.incoming(timeout=10)
        await rung.answer()
        rung.tone(440)
        await eventually(lambda: ringing.tones_heard((440,)) == {440})
        await rung.hang_up()
        await ringing.ended(20)
        # Then the others in their order; the caller at B is served by B.
        for _ in range(2):
            ringing = await phone_b.incoming(timeout=15)
            await ringing.answer()
            with contextlib.suppress(TimeoutError):
                again = await home.incoming(timeout=2)
                await again.answer()
                await again.hang_up()
                await ringing.ended(20)
        await eventually(lambda: state_of(hotline, "13700000001") is CallState.TALKING, 15)
    assert hotline.engine.counters.errors == 0
