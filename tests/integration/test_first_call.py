"""Calls through a real Asterisk with real phones: each test is named by what would go wrong."""

import asyncio
import contextlib

import pytest

from calls import events
from demo import Phone
from telephony import ActionFailed

pytestmark = pytest.mark.integration


def caller_phone(switch, number="13800001234"):
    return Phone(switch.sip, number, local_ip="127.0.0.9")


@contextlib.asynccontextmanager
async def seats(switch, *ids):
    async with contextlib.AsyncExitStack() as stack:
        phones = {}
        for i in ids:
            phones[i] = await stack.enter_async_context(Phone(switch.sip, i, f"demo-{i}"))
            await phones[i].register()
        yield phones


async def ready(hotline, eventually, *ids):
    states = hotline.engine.dispatcher.seats
    await eventually(lambda: all(states[i].state.value == "available" for i in ids), what="seats available")


def one_call(hotline):
    (call,) = hotline.engine.calls.values()
    return call


async def test_a_caller_reaches_a_seat_and_both_hear_each_other(bench, switch, eventually):
    async with bench.hotline() as hotline, seats(switch, "8001") as phones, caller_phone(switch) as caller:
        await ready(hotline, eventually, "8001")
        call = await caller.dial("12345")
        await call.answered()
        ringing = await phones["8001"].incoming()
        assert ringing.caller == "13800001234", "the seat's phone shows who calls"
        await ringing.ring()
        await ringing.answer()
        await eventually(lambda: one_call(hotline).state.value == "talking")
        call.tone(440)
        ringing.tone(880)
        await eventually(lambda: call.tones_heard((440, 880)) == {880}, what="the caller hears the seat")
        await eventually(lambda: ringing.tones_heard((440, 880)) == {440}, what="the seat hears the caller")
        await call.hang_up()
        await ringing.ended(20)
        await eventually(lambda: not hotline.engine.calls, what="wrapped up and ended")
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
    assert hotline.engine.counters.errors == 0


async def test_the_seat_that_does_not_answer_does_not_cost_the_caller_its_rank(bench, switch, eventually):
    async with bench.hotline(config={"times": {"ring": 3}}) as hotline:
        async with seats(switch, "8001") as phones, caller_phone(switch) as caller:
            await ready(hotline, eventually, "8001")
            call = await caller.dial("12345")
            await call.answered()
            first = await phones["8001"].incoming()
            await first.ring()
            waiting_since = one_call(hotline).waiting_since
            # A second caller comes later, and a second seat: the first caller goes first.
            async with caller_phone(switch, "13900005678") as later_phone, seats(switch, "8002") as more:
                later = await later_phone.dial("12345")
                await later.answered()
                second = await more["8002"].incoming()
                await second.ring()
                assert second.caller in ("13800001234", "13900005678")
                await first.ended(20)
                await eventually(lambda: any(m.what == "not_taken" for c in hotline.engine.calls.values()
                                             for m in c.timeline))  # fmt: skip
                ours = next(c for c in hotline.engine.calls.values() if c.caller_number == "13800001234")
                assert ours.waiting_since == waiting_since, "the rank is kept"
                await call.hang_up()
                await later.hang_up()


async def test_after_two_missed_offers_a_seat_is_paused_and_the_next_seat_gets_the_caller(bench, switch, eventually):
    async with bench.hotline(config={"times": {"ring": 3, "missed_limit": 1}}) as hotline:
        async with seats(switch, "8001", "8002") as phones, caller_phone(switch) as caller:
            await ready(hotline, eventually, "8001", "8002")
            call = await caller.dial("12345")
            await call.answered()
            first = await phones["8001"].incoming()
            await first.ring()
            second = await phones["8002"].incoming()
            await second.ring()
            await second.answer()
            await eventually(lambda: one_call(hotline).seat == "8002")
            seat = hotline.engine.dispatcher.seats["8001"]
            assert (seat.state.value, seat.reason) == ("break", "missed offers")
            await call.hang_up()


async def test_a_busy_phone_passes_the_caller_on_at_once(bench, switch, eventually):
    async with bench.hotline() as hotline, seats(switch, "8001", "8002") as phones, caller_phone(switch) as caller:
        await ready(hotline, eventually, "8001", "8002")
        call = await caller.dial("12345")
        await call.answered()
        first = await phones["8001"].incoming()
        await first.reject(486)
        second = await phones["8002"].incoming()
        await second.answer()
        await eventually(lambda: one_call(hotline).seat == "8002")
        assert hotline.engine.dispatcher.seats["8001"].missed == 1
        await call.hang_up()


async def test_a_phone_that_vanished_is_found_out_and_the_caller_goes_on(bench, switch, eventually):
    async with bench.hotline() as hotline, caller_phone(switch) as caller:
        # The service believes in 8001, which has no phone: as after a phone's power cut.
        hotline.engine.feed([events.PhoneUp("8001")])
        await ready(hotline, eventually, "8001")
        call = await caller.dial("12345")
        await call.answered()
        await call.press("0")
        await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "offline")
        assert one_call(hotline).state.value == "waiting"
        async with seats(switch, "8002") as phones:
            ringing = await phones["8002"].incoming()
            await ringing.answer()
            await eventually(lambda: one_call(hotline).seat == "8002")
            await call.hang_up()


@pytest.mark.parametrize("state", ["arrived", "waiting", "offered", "ringing", "talking"])
async def test_a_caller_who_hangs_up_leaves_nothing_behind(bench, switch, eventually, state):
    async with bench.hotline() as hotline, caller_phone(switch) as caller, contextlib.AsyncExitStack() as stack:
        phones = {}
        if state != "waiting":
            phones = await stack.enter_async_context(seats(switch, "8001"))
            await ready(hotline, eventually, "8001")
        call = await caller.dial("12345")
        await call.answered()
        await eventually(lambda: hotline.engine.calls)
        ringing = None
        if state == "waiting":
            await eventually(lambda: one_call(hotline).state.value == "waiting")
        elif state != "arrived":
            ringing = await phones["8001"].incoming()
            if state in ("ringing", "talking"):
                await ringing.ring()
                await eventually(lambda: any(m.what == "ringing" for m in one_call(hotline).timeline))
            if state == "talking":
                await ringing.answer()
                await eventually(lambda: one_call(hotline).state.value == "talking")
        call_id = one_call(hotline).id
        await call.hang_up()
        if ringing is not None:
            await ringing.ended(20)
        await eventually(lambda: not hotline.engine.calls, what="the call has ended")
        await eventually(lambda: not hotline.engine.dispatcher.waiting())
        if phones:
            await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
        record = None
        for _ in range(300):
            record = await hotline.store.call(call_id)
            if record is not None and record.state == "ended":
                break
            await asyncio.sleep(0.02)
        assert record is not None
        assert record.outcome == ("served" if state == "talking" else "abandoned")
        assert await hotline.redis.hlen(hotline.settings.redis_prefix + "live") == 0
        assert await hotline.redis.xlen(hotline.settings.redis_prefix + "recordings") == 1


async def test_keys_over_the_greeting_bring_the_human_at_once_and_are_not_lost(bench, switch, eventually):
    async with bench.hotline() as hotline, seats(switch, "8001") as phones, caller_phone(switch) as caller:
        await ready(hotline, eventually, "8001")
        call = await caller.dial("12345")
        await call.answered()
        await call.wait_for_audio(200, 20)
        began = asyncio.get_running_loop().time()
        await call.press("0")
        ringing = await phones["8001"].incoming()
        # The greeting and notice take four seconds: ringing before that is the key's doing.
        assert asyncio.get_running_loop().time() - began < 3.2
        timeline = [(m.what, dict(m.detail).get("digit")) for m in one_call(hotline).timeline]
        assert ("key", "0") in timeline
        await ringing.answer()
        await eventually(lambda: one_call(hotline).state.value == "talking")
        await call.hang_up()


async def test_the_seat_hanging_up_releases_the_caller(bench, switch, eventually):
    async with bench.hotline() as hotline, seats(switch, "8001") as phones, caller_phone(switch) as caller:
        await ready(hotline, eventually, "8001")
        call = await caller.dial("12345")
        await call.answered()
        ringing = await phones["8001"].incoming()
        await ringing.answer()
        await eventually(lambda: one_call(hotline).state.value == "talking")
        await ringing.hang_up()
        await call.ended(20)
        await eventually(lambda: not hotline.engine.calls)


async def test_a_hostile_name_and_number_reach_the_seat_harmless(bench, switch, eventually):
    name = 'x"\r\nAction: Logoff\r\n\r\n<sip:evil> 王先生 ' + "长" * 300
    async with bench.hotline() as hotline, seats(switch, "8001") as phones:
        await ready(hotline, eventually, "8001")
        shown = "".join(ch for ch in name if ch not in "\r\n")
        async with Phone(switch.sip, "13800001234", local_ip="127.0.0.9", display_name=shown) as caller:
            call = await caller.dial("12345")
            await call.answered()
            ringing = await phones["8001"].incoming()
            ours = one_call(hotline)
            assert len(ours.caller_name) <= 64
            assert ours.caller_name.isprintable()
            await ringing.answer()
            await eventually(lambda: one_call(hotline).state.value == "talking")
            await call.hang_up()
    assert hotline.link.counters.handler_errors == 0


async def test_a_dead_service_sends_new_callers_to_a_human_through_the_native_queue(bench, switch, eventually):
    async with bench.hotline() as hotline:
        await eventually(lambda: hotline.link.state.value == "up")
    # The service is gone; its last heart-beat is four seconds old at the most.
    async with seats(switch, "8001") as phones, caller_phone(switch) as caller:
        await asyncio.sleep(5.5)
        call = await caller.dial("12345")
        ringing = await phones["8001"].incoming()
        await ringing.answer()
        await call.answered()
        call.tone(440)
        await eventually(lambda: ringing.tones_heard((440,)) == {440})
        await call.hang_up()


async def test_a_restarted_service_knows_its_callers_again(bench, switch, eventually):
    settings = bench.settings()
    async with caller_phone(switch) as caller, seats(switch, "8001") as phones:
        async with bench.hotline(settings) as first:
            await ready(first, eventually, "8001")
            call = await caller.dial("12345")
            await call.answered()
            ringing = await phones["8001"].incoming()
            await ringing.answer()
            await eventually(lambda: one_call(first).state.value == "talking")
            before = one_call(first)
        call.tone(440)
        await eventually(lambda: ringing.tones_heard((440,)) == {440}, what="talk goes on without the service")
        async with bench.hotline(settings) as second:
            after = one_call(second)
            assert (after.id, after.state, after.seat) == (before.id, before.state, before.seat)
            assert second.engine.dispatcher.seats["8001"].state.value == "talking"
            await call.hang_up()
            await eventually(lambda: not second.engine.calls)
            assert await second.redis.xlen(settings.redis_prefix + "recordings") == 1


async def test_a_flow_with_questions_is_led_by_the_service_with_barge_in_and_0_is_a_human(bench, switch, eventually):
    changes = {"numbers": {"12315": {"flow": "self-service"}}}
    async with bench.hotline(config=changes) as hotline, seats(switch, "8001", "8008") as phones:
        await ready(hotline, eventually, "8001", "8008")
        async with caller_phone(switch) as caller:
            call = await caller.dial("12315")
            await call.answered()
            await eventually(lambda: hotline.engine.calls and one_call(hotline).state.value == "in_flow")
            await call.wait_for_audio(200, 20)
            await call.press("0")
            ringing = await phones["8001"].incoming()
            await ringing.answer()
            await eventually(lambda: one_call(hotline).state.value == "talking")
            await call.hang_up()


async def test_a_changed_flow_is_taken_over_and_a_wrong_one_is_refused_while_running(bench, switch, eventually):
    config = bench.config()
    async with bench.hotline(bench.settings(config)) as hotline:
        before = hotline.entries()["12345"]
        flow = config / "flows/default.yaml"
        good = flow.read_text()
        flow.write_text(good.replace("greeting, recording-notice", "greeting"))
        await eventually(lambda: hotline.entries()["12345"] != before)
        shorter = hotline.entries()["12345"]
        assert shorter.prompts == ("hotline/zh/greeting",)
        assert hotline.flows.flow_of(before.flow) is not None, "running calls keep their version"
        flow.write_text("nodes: [")
        await asyncio.sleep(2.5)
        assert hotline.entries()["12345"] == shorter


class Cuttable:
    """A TCP proxy before the AMI port that can be cut, as a network is."""

    def __init__(self, port):
        self.port, self.listen, self.pairs, self.server = port, 0, [], None

    async def __aenter__(self):
        await self.mend()
        return self

    async def mend(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.listen)
        self.listen = self.server.sockets[0].getsockname()[1]

    async def cut(self):
        self.server.close()
        for writer in self.pairs:
            writer.transport.abort()
        self.pairs.clear()

    async def _serve(self, reader, writer):
        back, out = await asyncio.open_connection("127.0.0.1", self.port)
        self.pairs += [writer, out]

        async def pump(source, sink):
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, out), pump(back, writer))

    async def __aexit__(self, *_):
        await self.cut()


async def test_what_happened_while_the_link_was_cut_is_found_out_after_it(bench, switch, eventually):
    async with Cuttable(switch.plan.ami_port) as proxy:
        settings = bench.settings(ami_port=proxy.listen)
        async with bench.hotline(settings) as hotline, seats(switch, "8001", "8002") as phones:
            await ready(hotline, eventually, "8001", "8002")
            async with caller_phone(switch) as one, caller_phone(switch, "13900005678") as two:
                gone = await one.dial("12345")
                await gone.answered()
                first = await phones["8001"].incoming()
                await first.answer()
                stays = await two.dial("12345")
                await stays.answered()
                second = await phones["8002"].incoming()
                await second.answer()
                await eventually(lambda: [c.state.value for c in hotline.engine.calls.values()] == ["talking"] * 2)
                await proxy.cut()
                await eventually(lambda: not hotline.link.up)
                await gone.hang_up()
                await first.ended(20)
                await asyncio.sleep(1.0)
                await proxy.mend()
                await eventually(lambda: hotline.link.state.value == "up")
                await eventually(lambda: len(hotline.engine.calls) == 1, what="one caller has left")
                ours = one_call(hotline)
                assert (ours.caller_number, ours.state.value) == ("13900005678", "talking")
                await eventually(lambda: hotline.engine.dispatcher.seats["8001"].state.value == "available")
                await stays.hang_up()
                await eventually(lambda: not hotline.engine.calls)
                assert await hotline.redis.xlen(settings.redis_prefix + "recordings") == 2


VOICEMAIL = """
flow: out-of-hours
title: 留言
language: zh
start: choose
human: somebody
nodes:
  choose:
    menu: self-menu
    keys: {1: leave}
  leave:
    voicemail: {max_seconds: 30, invite: voicemail-invite}
  somebody:
    route: {}
"""


async def test_a_voicemail_is_recorded_and_known_as_one(bench, switch, eventually):
    config = bench.config(numbers={"12315": {"flow": "out-of-hours"}})
    (config / "flows/out-of-hours.yaml").write_text(VOICEMAIL)
    async with bench.hotline(bench.settings(config)) as hotline, caller_phone(switch) as caller:
        call = await caller.dial("12315")
        await call.answered()
        await eventually(lambda: hotline.engine.calls and one_call(hotline).state.value == "in_flow")
        await call.press("1")
        await eventually(lambda: one_call(hotline).state.value == "voicemail")
        call_id = one_call(hotline).id
        call.tone(440)
        await asyncio.sleep(1.0)
        await call.hang_up()
        await eventually(lambda: not hotline.engine.calls)
        ((_, job),) = await hotline.redis.xrange(hotline.settings.redis_prefix + "recordings")
        assert b'"kind":"voicemail"' in job[b"job"]
        assert call_id.encode() in job[b"job"]


async def test_a_caller_in_a_flow_gets_a_human_when_the_service_dies(bench, switch, eventually):
    settings = bench.settings(bench.config(numbers={"12315": {"flow": "self-service"}}))
    async with seats(switch, "8001") as phones, caller_phone(switch) as caller:
        async with bench.hotline(settings) as hotline:
            call = await caller.dial("12315")
            await call.answered()
            await eventually(lambda: hotline.engine.calls and one_call(hotline).state.value == "in_flow")
            # Longer than the limit: while the service lives, nobody is taken out of the flow.
            await asyncio.sleep(7.5)
            assert one_call(hotline).state.value == "in_flow"
        ringing = await phones["8001"].incoming()
        await ringing.answer()
        call.tone(440)
        await eventually(lambda: ringing.tones_heard((440,)) == {440}, what="a human hears the caller")
        await call.hang_up()


@pytest.mark.parametrize("action", [{"Action": "Command", "Command": "core show version"}, {"Action": "Reload"},
                                    {"Action": "DBPut", "Family": "x", "Key": "y", "Val": "z"},
                                    {"Action": "GetConfig", "Filename": "manager.conf"},
                                    {"Action": "ModuleLoad", "LoadType": "reload"}])  # fmt: skip
async def test_the_service_cannot_do_more_to_the_switch_than_it_needs(bench, switch, eventually, action):
    async with bench.hotline() as hotline:
        with pytest.raises(ActionFailed):
            await hotline.link.send(action)


async def test_the_service_can_write_files_on_the_switchs_machine(bench, switch, eventually, tmp_path):
    """The dialplan may (its notes of callers it served alone); whoever has the manager's password may not."""
    there = tmp_path / "written"
    (tmp_path / "secret").write_text("hidden")
    async with bench.hotline() as hotline:
        for variable, value in ((f"FILE({there})", "x"), (f"GLOBAL(HL_X)=,FILE({there})", "x"), ("SHELL(touch x)", "")):
            with contextlib.suppress(ActionFailed):
                await hotline.link.send({"Action": "Setvar", "Variable": variable, "Value": value})
        for variable in (f"FILE({tmp_path / 'secret'},0,9)", "SHELL(echo hidden)"):
            with contextlib.suppress(ActionFailed):
                told = await hotline.link.send({"Action": "Getvar", "Variable": variable})
                assert "hidden" not in str(told)
        assert not there.exists()


async def test_a_call_costs_few_events_because_they_are_filtered_at_the_source(bench, switch, eventually):
    async with bench.hotline() as hotline, seats(switch, "8001") as phones, caller_phone(switch) as caller:
        await ready(hotline, eventually, "8001")
        before = hotline.link.counters.events
        call = await caller.dial("12345")
        await call.answered()
        ringing = await phones["8001"].incoming()
        await ringing.ring()
        await ringing.answer()
        await eventually(lambda: one_call(hotline).state.value == "talking")
        await call.hang_up()
        await eventually(lambda: not hotline.engine.calls)
        assert hotline.link.counters.events - before <= 12, "unfiltered it is 89"
