"""Who is to be called back and gets through by itself first is not rung any more."""

import importlib.util
from pathlib import Path

from calls import CallState
from calls import events as e

S = CallState
_spec = importlib.util.spec_from_file_location("host_helpers", Path(__file__).with_name("test_host.py"))
host = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(host)


async def test_a_caller_who_got_through_is_not_called_back_as_well():
    engine = host.hotline(seats=("8001",), tell_after=5, callback_after=5)
    number = "13800001234"
    await host.wait_in_line(engine, "c1", number)
    await host.later(engine, 10)
    engine.host.callbacks.add(number, "queue", engine.at[0], since=engine.at[0] - 10, origin="c0")
    await host.later(engine, 2)
    (out,) = [x for x in engine.calls.values() if x.direction == "out"]
    assert out.state is S.DUE, "nobody is signed in: it stands in the queue"

    engine.feed([e.PhoneUp("8001")])
    await host.settle(engine)
    engine._switch.answer(next(iter(engine._switch.legs)))
    await host.settle(engine)
    assert engine.calls["c1"].state is S.TALKING
    await host.later(engine, 2)
    assert out.id not in engine.calls or engine.calls[out.id].state is S.ENDED
    assert engine.host.callbacks.get(out.callback).state == "done"
