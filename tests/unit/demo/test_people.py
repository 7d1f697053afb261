"""Scripted seats and callers, with short noises for words."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from demo import Caller, HangUp, Listen, Phone, Press, Say, SeatPhone, StayOn, Until, Wait

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
