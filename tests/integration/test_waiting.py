"""What callers meet while they wait, on a real Asterisk with real audio: each test is named by what would go wrong."""

import asyncio
import contextlib
import datetime
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from calls import CallState
from calls import commands as c
from demo import Phone
from routing import Incident, LeaderDay

pytestmark = pytest.mark.integration

QUICK = {"tell_after": 1, "tell_every": 30, "long_wait": 0, "callback_after": 1, "callback_wait": 0}


def caller_phone(switch, number="13800001234"):
    return Phone(switch.sip, number, local_ip="127.0.0.9")


def outside(switch):
    """The telephone of somebody who is called back."""
    ip, port = switch.outside
    return Phone(switch.sip, "outside", local_ip=ip, local_port=port)


@contextlib.asynccontextmanager
async def seats(switch, *ids):
    async with contextlib.AsyncExitStack() as stack:
        phones = {}
        for i in ids:
            phones[i] = await stack.enter_async_context(Phone(switch.sip, i, f"demo-{i}"))
            await phones[i].register()
        yield phones


@contextlib.asynccontextmanager
async def hotline_with(bench, **waiting):
    """An instance that speaks to waiting callers soon."""
    async with bench.hotline() as hotline:
        quicken(hotline, **waiting)
        yield hotline


def quicken(hotline, callbacks=None, **waiting):
    """The same book with short times: nothing else of the configuration is changed."""
    book = hotline.engine.host.book
    rules = replace(book.waiting, **{**QUICK, **waiting})
    modes = {n: replace(m, waiting=rules) for n, m in book.modes.items()}
    quick = replace(book.callbacks, retry_pause=0.2, **(callbacks or {}))
    hotline.engine.set_book(replace(book, waiting=rules, modes=modes, callbacks=quick))
    hotline.engine.rules = replace(hotline.engine.rules, tell_after=rules.tell_after, tell_every=rules.tell_every)


def state_of(hotline, number="13800001234"):
    return next((c.state for c in hotline.engine.calls.values() if c.caller_number == number), None)


def one(hotline, number="13800001234"):
    return next(c for c in hotline.engine.calls.values() if c.caller_number == number)


def whats(call):
    return [m.what for m in call.timeline]


async def available(hotline, eventually, *ids):
    states = hotline.engine.dispatcher.seats
    await eventually(lambda: all(states[i].state.value == "available" for i in ids), what="seats available")


async def surrogates(hotline):
    snapshot = await hotline.switch.snapshot()
    return [v for v in snapshot.channels if "Surrogate" in v.name]


@contextlib.asynccontextmanager
async def busy_seat(hotline, switch, eventually):
    """Seat 8001 talks with somebody, so that the next caller waits. Gives (its phone's call, that caller's call)."""
    async with seats(switch, "8001") as phones, caller_phone(switch, "13700000001") as other:
        await available(hotline, eventually, "8001")
        first = await other.dial("12345")
        await first.answered()
        at_seat = await phones["8001"].incoming()
        await at_seat.answer()
        await eventually(lambda: state_of(hotline, "13700000001") is CallState.TALKING)
        yield phones["8001"], at_seat, first


async def test_a_caller_who_asks_to_be_called_back_keeps_its_rank_and_is_not_rung_before_a_seat_is_there(
    bench, switch, eventually
):
    async with hotline_with(bench) as hotline, outside(switch) as telephone:
        async with busy_seat(hotline, switch, eventually) as (phone, at_seat, _), caller_phone(switch) as caller:
            call = await caller.dial("12345")
            await call.answered()
            await eventually(lambda: state_of(hotline) is CallState.WAITING)
            rank = one(hotline).waiting_since
            await eventually(lambda: "told" in whats(one(hotline)), what="told of position and call back")
            await call.press("1")
            end = await call.ended(20)
            assert end.by == "remote", "after the last word the hotline hangs up"
            book = hotline.engine.host.callbacks
            await eventually(lambda: book.entries(), what="an entry in the list")
            entry = book.entries()[0]
            assert (entry.reason, entry.rank_since) == ("queue", rank)
            # A caller who comes later does not go before it.
            async with caller_phone(switch, "13700000002") as later_phone:
                later = await later_phone.dial("12345")
                await later.answered()
                await eventually(lambda: state_of(hotline, "13700000002") is CallState.WAITING)
                await at_seat.hang_up()
                again = await phone.incoming()
                assert again.caller == "13800001234", "the seat sees whom it will speak with"
                assert telephone.calls == (), "nobody is rung before the seat is ready"
                await again.answer()
                rung = await telephone.incoming()
                assert rung.caller == "12345"
                await rung.ring()
                await rung.answer()
                await eventually(lambda: state_of(hotline) is CallState.TALKING)
                rung.tone(440)
                again.tone(880)
                await rung.wait_for_tone(880)
                await again.wait_for_tone(440)
                await rung.hang_up()
                await later.hang_up()
            await eventually(lambda: book.get(entry.id).state == "done", what="the entry is done")
        assert hotline.engine.counters.errors == 0


async def test_a_caller_who_gave_up_is_called_back_by_an_idle_seat_and_the_call_is_recorded(bench, switch, eventually):
    async with hotline_with(bench) as hotline, outside(switch) as telephone:
        quicken(hotline, callbacks={"min_free": 0, "missed_after": 0.5, "begin": _t(0, 0), "end": _t(23, 59)})
        async with caller_phone(switch) as caller:
            call = await caller.dial("12345")
            await call.answered()
            await eventually(lambda: state_of(hotline) is CallState.WAITING)
            await asyncio.sleep(0.8)
            await call.hang_up()
            await eventually(lambda: hotline.engine.host.callbacks.entries(), what="missed: on the list")
        async with seats(switch, "8001") as phones:
            at_seat = await phones["8001"].incoming()
            await at_seat.answer()
            rung = await telephone.incoming()
            # Its ring was too long for the service, and over a slow link the order to end it comes after the answer.
            out = one(hotline)
            hotline.switch.do(c.CancelLeg(out.id, next(x.id for x in out.legs if x.id != out.id), ringing=True))
            await rung.answer()
            await eventually(lambda: state_of(hotline) is CallState.TALKING)
            await asyncio.sleep(0.5)
            assert state_of(hotline) is CallState.TALKING
            name = one(hotline).id
            rung.tone(440)
            await at_seat.wait_for_tone(440)
            await rung.hang_up()
            await eventually(lambda: state_of(hotline) is None, what="wrapped up")
        (entry,) = hotline.engine.host.callbacks.entries()
        assert (entry.reason, entry.state, entry.last_outcome) == ("missed", "done", "reached")
        jobs = await hotline.redis.xrange(hotline.settings.redis_prefix + "recordings")
        assert any(name.encode() in fields[b"job"] for _, fields in jobs)
        raw = hotline.settings.spool / f"{name}.raw"
        await eventually(lambda: raw.stat().st_size > 0, what="the switch has closed the recording")


async def test_somebody_who_does_not_answer_frees_the_seat_at_once_and_is_tried_again(bench, switch, eventually):
    async with hotline_with(bench) as hotline, outside(switch) as telephone:
        quicken(hotline, callbacks={"min_free": 0, "queue_spacing": (0.5,), "any_time": 1e9})
        entry = hotline.engine.add_callback("13800001234", "queue")
        async with seats(switch, "8001") as phones:
            at_seat = await phones["8001"].incoming()
            await at_seat.answer()
            rung = await telephone.incoming()
            await rung.reject(486)
            await at_seat.ended(20)
            await eventually(lambda: hotline.engine.host.callbacks.get(entry.id).attempts == 1)
            assert hotline.engine.host.callbacks.get(entry.id).last_outcome == "busy"
            await available(hotline, eventually, "8001")
            again = await phones["8001"].incoming()
            await again.answer()
            second = await telephone.incoming()
            await second.answer()
            await eventually(lambda: state_of(hotline) is CallState.TALKING)
            await second.hang_up()
            await eventually(lambda: hotline.engine.host.callbacks.get(entry.id).state == "done")


async def test_a_seat_that_hangs_up_before_the_caller_answers_costs_no_attempt(bench, switch, eventually):
    async with hotline_with(bench) as hotline, outside(switch) as telephone:
        quicken(hotline, callbacks={"min_free": 0, "any_time": 1e9})
        entry = hotline.engine.add_callback("13800001234", "queue")
        async with seats(switch, "8001") as phones:
            at_seat = await phones["8001"].incoming()
            await at_seat.answer()
            rung = await telephone.incoming()
            await rung.ring()
            await at_seat.hang_up()
            await rung.ended(20)
            await eventually(lambda: hotline.engine.host.callbacks.get(entry.id).last_outcome == "interrupted")
            assert hotline.engine.host.callbacks.get(entry.id).attempts == 0


async def test_a_seat_that_answers_in_the_middle_of_an_announcement_is_joined_cleanly(bench, switch, eventually):
    async with hotline_with(bench) as hotline, caller_phone(switch) as caller:
        async with busy_seat(hotline, switch, eventually) as (phone, at_seat, first):
            call = await caller.dial("12345")
            await call.answered()
            await eventually(lambda: state_of(hotline) is CallState.WAITING)
            await eventually(lambda: "told" in whats(one(hotline)))
            speaks = "hotline/zh/"
            for _ in range(200):
                rows = await hotline.link.send_list({"Action": "CoreShowChannels"})
                said = [m for m in rows if m.get("Uniqueid") == one(hotline).id and m.get("Application") == "Playback"]
                if said:
                    break
                await asyncio.sleep(0.05)
            assert speaks in said[0]["ApplicationData"], "the caller hears an announcement"
            await at_seat.hang_up()
            await first.ended(20)
            again = await phone.incoming()
            await again.answer()
            await eventually(lambda: state_of(hotline) is CallState.TALKING)
            call.tone(440)
            again.tone(880)
            await call.wait_for_tone(880)
            await again.wait_for_tone(440)
            assert await surrogates(hotline) == []
            await call.hang_up()


async def test_where_nobody_can_come_the_caller_may_speak_after_the_tone(bench, switch, eventually):
    async with hotline_with(bench, voicemail_after=1) as hotline, caller_phone(switch) as caller:
        call = await caller.dial("12345")
        await call.answered()
        await eventually(lambda: state_of(hotline) is CallState.VOICEMAIL, timeout=30)
        await call.hang_up()
        await eventually(lambda: state_of(hotline) is None)
        assert hotline.engine.host.callbacks.entries() == [], "a message is no missed call"


async def test_a_known_incident_is_told_and_the_caller_keeps_its_place(bench, switch, eventually):
    async with hotline_with(bench, tell_after=30) as hotline, caller_phone(switch) as caller:
        home = hotline.engine.host.book.home
        hotline.engine.add_incident(
            Incident("water", frozenset({home}), "鹿城区停水，正在抢修。", "No water in Lucheng.", unknown=True)
        )
        prompts = hotline.engine.host.incident_prompts
        await eventually(lambda: prompts.get(("water", "zh")), what="spoken into a file")
        call = await caller.dial("12345")
        await call.answered()
        await eventually(lambda: state_of(hotline) is CallState.WAITING)
        told = next(m for m in one(hotline).timeline if m.what == "told")
        assert dict(told.detail)["why"] == "incident:water"
        assert hotline.engine.dispatcher.is_waiting(one(hotline).id)
        await call.hang_up()


async def test_a_second_number_routes_by_itself_and_the_timeline_says_why(bench, switch, eventually):
    async with hotline_with(bench) as hotline, caller_phone(switch) as caller, seats(switch, "8001", "8002") as phones:
        await available(hotline, eventually, "8001", "8002")
        posts = hotline.config.routing_seats()
        known = [replace(s, skills={**s.skills, "market": 3}) if s.id == "8002" else s for s in posts]
        hotline.engine.set_seats(known)
        call = await caller.dial("12315")
        await call.answered()
        ringing = await phones["8002"].incoming()
        await ringing.answer()
        await eventually(lambda: state_of(hotline) is CallState.TALKING)
        lines = {m.what: dict(m.detail) for m in one(hotline).timeline}
        assert "rule:line-12315" in lines["planned"]["why"]
        assert lines["offered"]["step"].startswith("市场监管专席")
        await call.hang_up()


async def test_a_code_from_the_seats_phone_signs_it_in_and_out(bench, switch, eventually):
    async with hotline_with(bench) as hotline, seats(switch, "8001") as phones:
        await available(hotline, eventually, "8001")
        for code, state in (("*12", "offline"), ("*11", "available"), ("*13", "break"), ("*11", "available")):
            call = await phones["8001"].dial(code)
            await call.answered()
            await eventually(lambda s=state: hotline.engine.dispatcher.seats["8001"].state.value == s)
            await call.ended(20)
        toll = await phones["8001"].dial("13800001234")
        assert (await toll.ended(20)).status in (403, 404, 480, 488, 503, 603), "no line to the outside"


async def test_an_interpreter_joins_the_talk_is_heard_by_both_and_may_leave(bench, switch, eventually):
    async with hotline_with(bench) as hotline, caller_phone(switch) as caller, seats(switch, "8001", "8006") as phones:
        await available(hotline, eventually, "8001", "8006")
        call = await caller.dial("12345")
        await call.answered()
        at_seat = await phones["8001"].incoming()
        await at_seat.answer()
        await eventually(lambda: state_of(hotline) is CallState.TALKING)
        hotline.engine.want_party(one(hotline).id, "join", skill="en", by="8001")
        third = await phones["8006"].incoming()
        await third.answer()
        await eventually(lambda: "party_joined" in whats(one(hotline)))
        tones = {"caller": 440, "seat": 880, "third": 1320}
        call.tone(440)
        at_seat.tone(880)
        third.tone(1320)
        everyone = tuple(tones.values())
        await eventually(lambda: call.tones_heard(everyone) == {880, 1320}, what="the caller hears both")
        await eventually(lambda: at_seat.tones_heard(everyone) == {440, 1320}, what="the seat hears both")
        await eventually(lambda: third.tones_heard(everyone) == {440, 880}, what="the interpreter hears both")
        await third.hang_up()
        await eventually(lambda: hotline.engine.dispatcher.seats["8006"].state.value == "available")
        await eventually(lambda: call.tones_heard(everyone) == {880}, what="the others talk on")
        await eventually(lambda: at_seat.tones_heard(everyone) == {440})
        assert state_of(hotline) is CallState.TALKING
        # Once more, and now the caller goes: seat and interpreter may talk on; when one goes, both are free.
        hotline.engine.want_party(one(hotline).id, "join", skill="en", by="8001")
        third = await phones["8006"].incoming()
        await third.answer()
        await eventually(lambda: whats(one(hotline)).count("party_joined") == 2)
        third.tone(1320)
        await call.hang_up()
        await eventually(lambda: state_of(hotline) is CallState.STAYING)
        await eventually(lambda: at_seat.tones_heard(everyone) == {1320}, what="they talk on")
        await at_seat.hang_up()
        await third.ended(20)
        await available(hotline, eventually, "8001", "8006")
    assert hotline.engine.counters.errors == 0


async def test_a_leaders_assistant_hears_the_talk_and_is_heard_by_the_leader_alone(bench, switch, eventually):
    async with hotline_with(bench) as hotline, caller_phone(switch) as caller, seats(switch, "8001", "8002") as phones:
        await available(hotline, eventually, "8001", "8002")
        seats_now = [
            replace(s, kind="leader") if s.id == "8001" else replace(s, kind="assistant") if s.id == "8002" else s
            for s in hotline.config.routing_seats()
        ]
        hotline.engine.set_seats(seats_now)
        today = datetime.datetime.now(ZoneInfo("Asia/Shanghai")).date()
        day = LeaderDay(today, 0, 1440, leader="8001", assistant="8002", seconds=5.0)
        hotline.engine.set_book(replace(hotline.engine.host.book, leader_days=(day,)))
        call = await caller.dial("12345")
        await call.answered()
        leader = await phones["8001"].incoming()
        await leader.answer()
        assistant = await phones["8002"].incoming()
        await assistant.answer()
        await eventually(lambda: "observer_listens" in whats(one(hotline)))
        call.tone(440)
        leader.tone(880)
        assistant.tone(1320)
        everyone = (440, 880, 1320)
        await eventually(lambda: assistant.tones_heard(everyone) == {440, 880}, what="the assistant hears both")
        await eventually(lambda: leader.tones_heard(everyone) == {440, 1320}, what="the leader hears both")
        await eventually(lambda: call.tones_heard(everyone) == {880}, what="the caller hears the leader only")
        await leader.hang_up()
        await assistant.ended(20)
        await call.ended(20)


def _t(hour, minute):
    return datetime.time(hour, minute)


async def test_a_flows_limit_renewed_too_late_hangs_up_a_caller_who_waits(bench, switch, eventually):
    """Over a slow link a renewal arrives when the caller is in the music already: it keeps its place there."""
    async with hotline_with(bench) as hotline, caller_phone(switch) as caller:
        call = await caller.dial("12345")
        await call.answered()
        await call.press("#")
        await eventually(lambda: state_of(hotline) is CallState.WAITING)
        rank = one(hotline).waiting_since
        hotline.switch._setvar("TIMEOUT(absolute)", "1", one(hotline).id)
        await asyncio.sleep(2.5)
        assert call.end is None and one(hotline).waiting_since == rank
        async with seats(switch, "8001") as phones:
            at_seat = await phones["8001"].incoming()
            await at_seat.answer()
            await eventually(lambda: state_of(hotline) is CallState.TALKING)
