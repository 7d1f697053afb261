"""The time limit by which a caller in a flow reaches a human without the service: it may not cut what comes after."""

import asyncio

from calls import Call, CallState, Engine, MemoryJournal, Rules
from calls import commands as c
from calls import events as e
from calls.machine import step
from calls.testing import FakeSwitch
from ivr import Phase, Session
from routing import Demand, Dispatcher, Policy


class NoFlows:
    def flow_of(self, reference):
        return None


async def beaten(phase, unseen=False, looked=True):
    """The calls whose limit was given anew within a moment."""
    switch = FakeSwitch()
    engine = Engine(switch=switch, journal=MemoryJournal(), dispatcher=Dispatcher([], Policy()),
                    rules=Rules(NoFlows(), Demand()), entries={}, raw_path=str)  # fmt: skip
    session = Session("x", "1", "start", phase, "zh")
    call = Call("hotline-1.0", CallState.IN_FLOW, "trunk-1", "12345", "", "", "x@1", 0.0, session=session)
    engine.calls = {call.id: call}
    engine._unseen, engine._looked = unseen, looked
    task = asyncio.create_task(engine._beats())
    while not switch.beats:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    task.cancel()
    return switch.renewed


async def test_a_caller_in_a_flow_is_taken_to_a_human_although_the_service_lives():
    assert await beaten(Phase.LISTENING) == ["hotline-1.0"]


async def test_a_message_is_cut_off_six_seconds_after_its_beginning():
    assert await beaten(Phase.ENDED) == [], "the flow has handed the caller on"


async def test_who_went_to_a_human_while_no_process_lived_is_hung_up_six_seconds_after_the_takeover():
    assert await beaten(Phase.LISTENING, unseen=True, looked=False) == [], "where it is now is not known yet"


async def test_flows_end_while_rings_of_the_switchs_own_queue_are_waited_for():
    """Eight seconds after a takeover nobody was renewed: who was asked something then went to a human instead."""
    assert await beaten(Phase.LISTENING, unseen=True) == ["hotline-1.0"]


def test_a_renewal_on_its_way_when_the_limit_runs_out_ends_the_talk_with_a_human():
    call = Call("hotline-1.0", CallState.IN_FLOW, "trunk-1", "12345", "", "", "x@1", 0.0)
    rules = Rules(NoFlows(), Demand())
    native, commands = step(call, e.WentNative(call.id), 7.0, rules)
    assert native.state is CallState.NATIVE and c.NoLimit(call.id) in commands
    _again, commands = step(native, e.WentNative(call.id), 8.0, rules)
    assert c.NoLimit(call.id) not in commands
