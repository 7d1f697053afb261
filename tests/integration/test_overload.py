"""More callers than can be served, on a real Asterisk with real audio: who is in is served, the rest are told so and
may ask to be called back. Each test is named by what would go wrong."""

import asyncio
import contextlib

import pytest

from calls import CallState
from demo import CallEnded, Phone
from tests.conftest import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def door(switch):
    """Whatever a test has told the run's switch is taken back for the tests after it."""
    yield
    for name in ("HL_RATE", "HL_MOST"):
        switch.run(switch.asterisk.cli(f"dialplan set global {name} 0"))


def caller_phone(switch, number):
    return Phone(switch.sip, number, local_ip="127.0.0.9")


def call_of(hotline, number):
    return next((c for c in hotline.engine.calls.values() if c.caller_number == number), None)


def callers(hotline):
    """Those on the line; a call back that waits for a seat is none."""
    return [c for c in hotline.engine.calls.values() if c.direction == "in"]


async def dialled(switch, stack, number):
    """A caller whom somebody or something has answered."""
    phone = await stack.enter_async_context(caller_phone(switch, number))
    call = await phone.dial("12345")
    await call.answered(15)
    return call


async def seat(hotline, switch, stack, id_="8001"):
    phone = await stack.enter_async_context(Phone(switch.sip, id_, f"demo-{id_}"))
    await phone.register()
    seats = hotline.engine.dispatcher.seats
    await eventually(lambda: seats[id_].state.value == "available", 20, "the seat is available")
    return phone


def health(probes):
    return next(p for p in probes if p.part == "admission")


async def test_who_comes_when_it_is_full_is_told_so_and_called_back_and_who_is_in_is_served(bench, switch):
    async with bench.hotline(config={"admission": {"most": 1}}) as hotline, contextlib.AsyncExitStack() as stack:
        phone = await seat(hotline, switch, stack)
        inside = await dialled(switch, stack, "13700000001")
        at_seat = await phone.incoming(15)
        await at_seat.answer()
        await eventually(lambda: call_of(hotline, "13700000001").state is CallState.TALKING, 20, "served")
        assert health(await hotline.active.health.look()).ok

        late = await dialled(switch, stack, "13800001234")
        call = await eventually(lambda: call_of(hotline, "13800001234"), 20, "the engine has the call")
        assert (call.state, call.turned, call.turned_key) == (CallState.LEAVING, "overload", "1")
        await late.wait_for_kind("sound", 10)
        await late.press("1")
        await eventually(lambda: call_of(hotline, "13800001234").called_back, 20, "its wish is in the books")
        await late.hang_up()
        book = hotline.engine.host.callbacks
        await eventually(book.entries, 20, "an entry of the callback list")
        assert [(x.number, x.reason) for x in book.entries()] == [("13800001234", "queue")]
        assert book.entries()[0].demand.skills, "planned as if it had come into the queue"

        # Who is in talks on; who cannot be called back is offered nothing.
        withheld = await dialled(switch, stack, "anonymous")
        call = await eventually(lambda: call_of(hotline, ""), 20, "a caller without a number")
        assert (call.turned, call.turned_key) == ("overload", "")
        await withheld.hang_up()
        at_seat.tone(440)
        await inside.wait_for_tone(440)

        # 110 comes in whatever there is.
        police = await dialled(switch, stack, "110")
        call = await eventually(lambda: call_of(hotline, "110"), 20, "the police's call")
        assert call.turned == ""
        part = health(await hotline.active.health.look())
        assert (part.ok, part.needed, part.reason) == (False, False, "overload")
        text = hotline.active.metrics.text()
        assert 'hotline_admission_turned_total{reason="full"} 2.0' in text
        assert "hotline_admission_on 1.0" in text
        assert "13800001234" not in text
        await police.hang_up()
        await inside.hang_up()
        await eventually(lambda: not callers(hotline), 20, "all are over")
        assert hotline.engine.counters.errors == 0
        assert hotline.active.admission.failures == 0


async def test_a_number_that_calls_too_often_waits_and_others_do_not(bench, switch):
    limits = {"caller": {"calls": 2, "seconds": 600, "switchboards": ["13900000009"]}}
    async with bench.hotline(config={"admission": limits}) as hotline, contextlib.AsyncExitStack() as stack:

        async def turned(number):
            known = set(hotline.engine.calls)
            call = await dialled(switch, stack, number)
            (id_,) = await eventually(lambda: set(hotline.engine.calls) - known, 20, "the engine has the call")
            why = hotline.engine.calls[id_].turned
            await call.hang_up()
            return why

        assert [await turned("13800001234") for _ in range(4)] == ["", "", "rate", "rate"]
        assert [await turned("13900000009") for _ in range(3)] == ["", "", ""], "a switchboard is many people"
        assert [await turned("anonymous") for _ in range(3)] == ["", "", ""], "callers without a number are not one"
        assert await turned("13800005678") == ""
        assert not hotline.engine.host.callbacks.entries()
        assert not health(await hotline.active.health.look()).reason, "one number's fault is no overload"
        await eventually(lambda: not hotline.engine.calls, 20, "all are over")
        assert hotline.engine.counters.errors == 0


async def test_when_even_telling_the_service_is_too_much_the_switch_tells_some_and_refuses_the_rest(bench, switch):
    def tell(name, value):
        switch.run(switch.asterisk.cli(f"dialplan set global {name} {value}"))

    limits = {"announcements": 1}
    async with bench.hotline(config={"admission": limits}) as hotline, contextlib.AsyncExitStack() as stack:
        admission = hotline.active.admission
        (told_by,) = admission._doors
        await eventually(lambda: told_by._sent.get("HL_SAYINGS") == "1", 20, "the switch has been told the limits")
        assert int(told_by._sent["HL_RATE"]) >= 50
        await eventually(lambda: told_by.told is not None, 20, "what it counted before is known, and no news")
        told_by._repeat = float("inf")  # what the test tells the switch now holds
        tell("HL_MOST", 1)

        inside = await dialled(switch, stack, "13800000001")
        await eventually(lambda: call_of(hotline, "13800000001"), 20, "it is in")
        told = await dialled(switch, stack, "13800000002")
        with pytest.raises(CallEnded, match="503"):
            await dialled(switch, stack, "13800000003")
        await told.wait_for_kind("sound", 10)
        assert call_of(hotline, "13800000002") is None, "the service knows nothing of whom the switch tells"
        await told.press("1")
        call = await eventually(lambda: call_of(hotline, "13800000002"), 20, "now it does")
        await eventually(lambda: call_of(hotline, "13800000002").called_back, 20, "and its wish")
        assert (call.turned, call.dialled) == ("overload", "12345")
        await told.hang_up()
        callbacks = hotline.engine.host.callbacks
        await eventually(callbacks.entries, 20, "an entry of the callback list")
        assert [x.number for x in callbacks.entries()] == ["13800000002"]
        await eventually(lambda: (admission.turned["told"], admission.turned["refused"]) == (1, 1), 20, "counted")
        assert admission.on
        await inside.hang_up()

        # More in one second than may come: the next ones are told; emergency lines come in all the same.
        tell("HL_MOST", 0)
        tell("HL_RATE", 1)
        lines = ("110", "119", "0571110", "122")
        police = await asyncio.gather(*(dialled(switch, stack, n) for n in lines))
        for n in lines:
            call = await eventually(lambda n=n: call_of(hotline, n), 20, f"{n} is in")
            assert call.turned == ""
        for x in police:
            await x.hang_up()
        await eventually(lambda: not callers(hotline), 20, "all are over")
        assert hotline.engine.counters.errors == 0

    # The service is gone, its last limit is not: a quarter of it reaches the native queue.
    tell("HL_RATE", 12)
    tell("HEARTBEAT", 0)
    async with contextlib.AsyncExitStack() as stack:
        came = await asyncio.gather(*(dialled(switch, stack, f"1390000000{i}") for i in range(3)))
        for x in came:
            await x.wait_for_kind("sound", 10)
            await x.hang_up()
