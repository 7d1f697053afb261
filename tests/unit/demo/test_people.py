"""Scripted seats and callers, with short noises for words."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from demo import Caller, HangUp, LinePhone, Listen, Phone, Press, Say, SeatPhone, StayOn, Until, Wait

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def noises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text becomes 0.1 s of sound a letter, without espeak-ng."""

    def noise(text: str, voice: object) -> Any:
        return np.resize(np.array([9000, -9000], np.int16), 800 * len(text))

    monkeypatch.setattr("demo._script._spoken", noise)


class Log:
    def __init__(self) -> None:
        self.codes: list[str] = []
        self.data: list[Mapping[str, object]] = []

    def __call__(self, code: str, data: Mapping[str, object]) -> None:
        self.codes.append(code)
        self.data.append(data)


async def test_a_caller_and_a_seat_take_turns_to_the_end(registrar: Any) -> None:
    log = Log()
    script = [Say("abc"), Listen(0.3, PATIENCE), Say("d")]
    async with SeatPhone("8001", "secret", script, server=registrar.address, answer_after=0.05, progress=log) as seat:
        talk = [Listen(0.3, PATIENCE), Say("ef"), Press("1"), Listen(0.3, PATIENCE)]
        report = await Caller("139", talk, server=seat.phone.address, dial="8001", progress=log).run()
        assert report.answered and (report.end.reason, report.end.by) == ("hung-up", "local")
        assert np.count_nonzero(np.abs(report.call.heard()) > 5000) == pytest.approx(3200, abs=160)
        await seat.idle(PATIENCE)
        assert seat.taken == 1
    order = [code for code in log.codes if code in {"seat.said", "caller.said", "caller.heard", "seat.heard"}]
    assert order == ["seat.said", "caller.heard", "caller.said", "seat.heard", "seat.said", "caller.heard"]
    assert [log.codes.index(f"caller.{what}") for what in ("dialled", "answered", "ended")] == sorted(
        log.codes.index(f"caller.{what}") for what in ("dialled", "answered", "ended")
    )
    assert {"seat.registered", "seat.rings", "seat.answered", "seat.ended", "caller.rings"} <= set(log.codes)


async def test_a_seat_in_a_call_is_busy_and_free_again_after_it(registrar: Any) -> None:
    async with (
        SeatPhone("8001", "secret", server=registrar.address, answer_after=0) as seat,
        Phone(seat.phone.address, "1") as a,
    ):
        one = await a.dial("8001")
        await one.answered(PATIENCE)
        two = await a.dial("8001")
        assert (await two.ended(PATIENCE)).reason == "busy"
        await one.hang_up()
        await seat.idle(PATIENCE)
        three = await a.dial("8001")
        await three.answered(PATIENCE)
        assert seat.taken == 2


async def test_a_seat_may_ring_for_ever_or_refuse(registrar: Any) -> None:
    async with SeatPhone("8001", "secret", server=registrar.address, answer_after=None) as seat:
        caller = Caller("1", server=seat.phone.address, dial="8001", patience=0.3)
        report = await caller.run()
        assert not report.answered and report.end.reason == "cancelled"
        seat.refuse_with = 480
        await seat.idle(PATIENCE)
        assert (await caller.run()).end.reason == "no-answer"
        assert seat.taken == 0


async def test_a_seat_that_hangs_up_ends_the_callers_script(registrar: Any) -> None:
    async with SeatPhone("8001", "secret", [Wait(0.05), HangUp()], server=registrar.address, answer_after=0) as seat:
        report = await Caller("1", [StayOn(PATIENCE)], server=seat.phone.address, dial="8001").run()
        assert (report.end.reason, report.end.by) == ("hung-up", "remote")


async def test_until_waits_for_its_event_its_limit_or_the_end_of_the_call(registrar: Any) -> None:
    event, log = asyncio.Event(), Log()
    async with SeatPhone("8001", "secret", server=registrar.address, answer_after=0) as seat:
        script = [Until(event.wait, 0.05), Say("a"), Until(event.wait, PATIENCE)]

        def progress(code: str, data: Mapping[str, object]) -> None:
            log(code, data)
            if code == "caller.said":
                event.set()

        await Caller("1", script, server=seat.phone.address, dial="8001", progress=progress).run()
        assert log.codes.count("caller.waited-in-vain") == 1
        event.clear()
        seat.script = (Wait(0.05), HangUp())
        await seat.idle(PATIENCE)
        report = await Caller("1", [Until(event.wait)], server=seat.phone.address, dial="8001").run()
        assert report.end.by == "remote"


async def test_a_seat_that_cannot_register_leaves_nothing_open(registrar: Any) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(Exception, match="403"):
        async with SeatPhone("8001", "wrong", server=registrar.address):
            pass
    assert asyncio.all_tasks() <= before


async def test_a_key_is_pressed_only_if_it_is_still_needed(registrar: Any) -> None:
    heard = asyncio.Event()
    async with SeatPhone("8001", "secret", server=registrar.address, answer_after=0) as seat:
        for pressed in (["1"], []):
            log = Log()
            script = [Press("1", unless=heard.is_set)]
            await Caller("1", script, server=seat.phone.address, dial="8001", progress=log).run()
            assert [d["keys"] for c, d in zip(log.codes, log.data, strict=True) if c == "caller.pressed"] == pressed
            heard.set()
            await seat.idle(PATIENCE)


async def test_ringing_ends_with_what_was_waited_for_or_at_its_limit(registrar: Any) -> None:
    now = asyncio.Event()
    async with SeatPhone("8001", "secret", server=registrar.address, answer_after=None) as seat:
        await seat.plays([Say("abc")], None, now.wait)
        async with Phone(seat.phone.address, "1") as a:
            one = await a.dial("8001")
            await one.ringing(PATIENCE)
            assert one.answered_at is None
            now.set()
            await one.answered(PATIENCE)
            await one.wait_for_audio(5000, PATIENCE)
            await one.hang_up()
            await seat.idle(PATIENCE)
            now.clear()
            await seat.plays([], 0.05, now.wait)
            two = await a.dial("8001")
            await two.answered(PATIENCE)
            await two.hang_up()
            await seat.idle(PATIENCE)
            await seat.plays([], None, now.wait)
            three = await a.dial("8001")
            await three.ringing(PATIENCE)
            await three.hang_up()
            await seat.idle(PATIENCE)
            assert seat.taken == 2, "a caller who did not wait is not taken"


async def test_a_script_that_is_changed_in_a_call_is_played_to_its_end(registrar: Any) -> None:
    log, go = Log(), asyncio.Event()
    script = [Until(go.wait, PATIENCE), Say("abc"), HangUp()]
    async with SeatPhone("8001", "secret", script, server=registrar.address, answer_after=0, progress=log) as seat:
        async with Phone(seat.phone.address, "1") as a:
            one = await a.dial("8001")
            await one.answered(PATIENCE)
            await seat.plays([Say("d"), HangUp()], 0)
            go.set()
            await one.ended(PATIENCE)
            await seat.idle(PATIENCE)
            two = await a.dial("8001")
            await two.ended(PATIENCE)
            await seat.idle(PATIENCE)
    assert [d["text"] for c, d in zip(log.codes, log.data, strict=True) if c == "seat.said"] == ["abc", "d"]


async def test_the_phone_behind_a_trunk_is_called_at_its_address_without_registering(registrar: Any) -> None:
    log = Log()
    line = LinePhone("119", [Say("abc"), HangUp()], server=registrar.address, answer_after=0, progress=log)
    async with line, Phone(line.phone.address, "1") as a:
        one = await a.dial("119")
        assert (await one.ended(PATIENCE)).by == "remote"
        assert np.count_nonzero(np.abs(one.heard()) > 5000) == pytest.approx(2400, abs=160)
        await line.idle(PATIENCE)
    assert not registrar.requests
    assert log.codes == ["line.rings", "line.answered", "line.says", "line.said", "line.ended"]
    assert {d["line"] for d in log.data} == {"119"}
