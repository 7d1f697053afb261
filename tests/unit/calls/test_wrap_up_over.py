"""A call is over with its caller when its seat has had its wrap-up already."""

import importlib.util
from dataclasses import replace
from pathlib import Path

from calls import CallState
from calls import events as e
from routing import SeatState

S = CallState
_spec = importlib.util.spec_from_file_location("host_helpers", Path(__file__).with_name("test_host.py"))
host = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(host)


async def test_a_caller_who_gives_up_after_its_seat_was_lost_is_a_call_that_nobody_wraps_up():
    engine = host.hotline(seats=("8001",))
    engine.dispatcher.policy = replace(engine.dispatcher.policy, wrap_up=20)
    engine.feed([e.PhoneUp("8001")])
    await host.settle(engine)
    await host.wait_in_line(engine, "c")
    (leg,) = engine._switch.legs
    engine._switch.answer(leg)
    await host.settle(engine)
    engine.ask_seat("8001", SeatState.BREAK, "meal", force=True)  # once it is free
    engine._switch.end_leg(leg, 0)  # its line broke
    await host.settle(engine)
    assert engine.calls["c"].state is S.WAITING and engine.dispatcher.seats["8001"].state is SeatState.WRAP_UP
    await host.later(engine, 21)
    assert engine.dispatcher.seats["8001"].state is SeatState.BREAK
    engine._switch.leave("c")
    await host.settle(engine)
    assert "c" not in engine.calls, f"it stays in {engine.calls['c'].state}"


async def test_a_caller_who_gives_up_while_its_seat_still_finishes_leaves_the_call_to_it():
    engine = host.hotline(seats=("8001",))
    engine.dispatcher.policy = replace(engine.dispatcher.policy, wrap_up=20)
    engine.feed([e.PhoneUp("8001")])
    await host.settle(engine)
    await host.wait_in_line(engine, "c")
    (leg,) = engine._switch.legs
    engine._switch.answer(leg)
    await host.settle(engine)
    engine._switch.end_leg(leg, 0)
    await host.settle(engine)
    engine._switch.leave("c")
    await host.settle(engine)
    assert engine.calls["c"].state is S.WRAP_UP
    await host.later(engine, 21)
    assert "c" not in engine.calls
