"""A further party that answers while no process is there."""

import importlib.util
from pathlib import Path

from calls import MemoryJournal
from calls import events as e
from calls.testing import FakeSwitch

_spec = importlib.util.spec_from_file_location("host_helpers", Path(__file__).with_name("test_host.py"))
host = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(host)


async def test_a_party_that_answered_while_we_were_dead_is_hung_up_because_its_ring_time_is_over():
    journal, switch = MemoryJournal(), FakeSwitch(now=host.NOON)
    first = host.hotline(journal, switch)
    first.feed([e.PhoneUp("8001")])
    await host.settle(first)
    await host.wait_in_line(first, "c")
    (seat,) = switch.legs
    switch.answer(seat)
    await host.settle(first)
    first.feed([e.PhoneUp("8002")])
    await host.settle(first)
    part = first.want_party("c", "join", seat="8002")
    await host.settle(first)
    other = next(leg for leg in switch.legs if leg != seat)
    switch.ring(other)
    await host.settle(first)
    # It is killed; a minute later the phone has long answered.
    switch.answer(other)
    switch.events.clear()
    switch.now += 60
    second = host.hotline(journal, switch, now=switch.now)
    await second.recover()
    await second.turn()
    await second.link_up()
    await host.settle(second)
    assert second.calls["c"].party(part).state == "joined"
    assert {seat, other} <= switch.talks_with("c")
