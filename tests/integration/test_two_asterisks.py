"""The caller is on one Asterisk, the seat's phone on another: a SIP trunk between them, one service."""

import contextlib
import socket

import pytest

from calls import OrderError
from demo import Phone
from routing import SeatError, SeatState
from telephony import Peer, PrivateAsterisk, SeatPhone
from tests.conftest import PROMPTS, ROOT, ROOTFS, Bench, Switch, free_port

pytestmark = pytest.mark.integration
HERE, THERE = "127.0.0.1", "127.0.0.2"


@contextlib.asynccontextmanager
async def asterisk(home, bind, low, seats, **changes):
    """A private Asterisk at an address of its own."""
    one = PrivateAsterisk(
        rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=home, sounds=PROMPTS,
        plan_changes={
            "seats": [SeatPhone(i, f"demo-{i}") for i in seats], "bind": bind, "ami_port": free_port(),
            "rtp_start": low, "rtp_end": low + 200, "ami_secret": "test-secret", "trunk_match": "127.0.0.9",
            "ami_permit": "127.0.0.0/255.0.0.0", **changes,
        },
    )  # fmt: skip
    plan = await one.start()
    try:
        yield Switch(one, plan, None)
    finally:
        await one.stop()


@pytest.fixture
async def floor(tmp_path, redis_url):
    """(service on A, A, B): seat 8001 is registered at B, 8002 at A."""
    port_a, port_b = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    async with contextlib.AsyncExitStack() as stack:
        b = await stack.enter_async_context(
            asterisk(tmp_path / "b", THERE, 35000, ["8001"], sip_port=port_b, peers=[Peer("a", f"{HERE}:{port_a}")])
        )
        a = await stack.enter_async_context(
            asterisk(tmp_path / "a", HERE, 36000, ["8002"], sip_port=port_a, peers=[Peer("b", f"{THERE}:{port_b}")])
        )
        bench = Bench(a, redis_url, tmp_path)
        seats = [
            {"id": "8001", "name": "远", "phone": "8001@b", "skills": {"putonghua": 5}},
            {"id": "8002", "name": "近", "skills": {"putonghua": 5}},
        ]
        hotline = await stack.enter_async_context(bench.hotline(config={"seats": seats}))
        yield hotline, a, b


def seat(hotline, id_="8001"):
    return hotline.engine.dispatcher.seats[id_]


async def test_a_seat_at_another_asterisk_is_rung_talks_and_wraps_up(floor, eventually):
    hotline, a, b = floor
    async with Phone((THERE, b.plan.sip_port), "8001", "demo-8001") as phone:
        async with Phone(a.sip, "13800001234", local_ip="127.0.0.9") as caller:
            await phone.register()
            hotline.engine.ask_seat("8001", SeatState.AVAILABLE)
            await hotline.engine.sweep()
            await hotline.engine.sweep()
            await eventually(lambda: seat(hotline).state is SeatState.AVAILABLE, what="not registered here is no fault")
            call = await caller.dial("12345")
            await call.answered()
            ringing = await phone.incoming()
            assert ringing.caller == "13800001234", "its phone shows who calls"
            await ringing.ring()
            await ringing.answer()
            await eventually(lambda: seat(hotline).state is SeatState.TALKING)
            call.tone(440)
            ringing.tone(880)
            await eventually(lambda: call.tones_heard((440, 880)) == {880}, what="the caller hears the seat")
            await eventually(lambda: ringing.tones_heard((440, 880)) == {440}, what="the seat hears the caller")
            await hotline.engine.sweep()
            assert seat(hotline).state is SeatState.TALKING
            await call.hang_up()
            await ringing.ended(20)
            await eventually(lambda: seat(hotline).state is SeatState.AVAILABLE, what="wrapped up")
    assert hotline.engine.counters.errors == 0


async def test_the_seat_there_hangs_up_and_the_caller_is_released(floor, eventually):
    hotline, a, b = floor
    async with Phone((THERE, b.plan.sip_port), "8001", "demo-8001") as phone:
        async with Phone(a.sip, "13800001234", local_ip="127.0.0.9") as caller:
            await phone.register()
            hotline.engine.ask_seat("8001", SeatState.AVAILABLE)
            call = await caller.dial("12345")
            await call.answered()
            ringing = await phone.incoming()
            await ringing.answer()
            await eventually(lambda: seat(hotline).state is SeatState.TALKING)
            await ringing.hang_up()
            await call.ended(20)
            await eventually(lambda: not hotline.engine.calls)


async def test_a_busy_phone_there_passes_the_caller_on_to_a_seat_here(floor, eventually):
    hotline, a, b = floor
    async with contextlib.AsyncExitStack() as stack:
        there = await stack.enter_async_context(Phone((THERE, b.plan.sip_port), "8001", "demo-8001"))
        here = await stack.enter_async_context(Phone(a.sip, "8002", "demo-8002"))
        caller = await stack.enter_async_context(Phone(a.sip, "13800001234", local_ip="127.0.0.9"))
        await there.register()
        hotline.engine.ask_seat("8001", SeatState.AVAILABLE)
        await eventually(lambda: seat(hotline).state is SeatState.AVAILABLE)
        call = await caller.dial("12345")
        await call.answered()
        ringing = await there.incoming()
        await ringing.reject(486)
        await here.register()
        taken = await here.incoming()
        await taken.answer()
        await eventually(lambda: seat(hotline, "8002").state is SeatState.TALKING)
        assert seat(hotline).missed == 1
        await call.hang_up()


async def test_a_phone_that_is_not_registered_there_is_found_out_and_its_seat_can_sign_in_again(floor, eventually):
    hotline, a, b = floor
    async with Phone(a.sip, "13800001234", local_ip="127.0.0.9") as caller:
        hotline.engine.ask_seat("8001", SeatState.AVAILABLE)
        call = await caller.dial("12345")
        await call.answered()
        await eventually(lambda: seat(hotline).state is SeatState.OFFLINE, what="its phone cannot be rung")
        (ours,) = hotline.engine.calls.values()
        assert ours.state.value == "waiting"
        async with Phone((THERE, b.plan.sip_port), "8001", "demo-8001") as phone:
            await phone.register()
            with contextlib.suppress(OrderError, SeatError):
                hotline.engine.ask_seat("8001", SeatState.AVAILABLE)
            ringing = await phone.incoming()
            await ringing.answer()
            await eventually(lambda: seat(hotline).state is SeatState.TALKING)
            await call.hang_up()


async def test_a_peer_can_ring_seats_and_nothing_else(floor, eventually):
    _, _, b = floor
    # A phone at A's address is, to B, the peer: no number, no hotline, no seat of A's.
    async with Phone((THERE, b.plan.sip_port), "13800009999", local_ip=HERE) as phone:
        for number in ("12345", "13900000000", "8002", "*11"):
            call = await phone.dial(number)
            end = await call.ended(20)
            assert end.status == 404, number
