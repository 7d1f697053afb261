"""What the switch did while no process was there, in the books: once, in order, with its own times."""

import asyncio
from dataclasses import replace

import pytest

from calls import CallState, ChannelView, Engine, Leg, LegState, MemoryJournal, Place, Rules, Snapshot, reconcile
from calls import commands as c
from calls import events as e
from calls._alone import untold
from calls.machine import step
from calls.ports import Tale
from calls.testing import FakeSwitch
from routing import Dispatcher, Policy, Seat, SeatState

S = CallState
C, M = "h-1000.1", "h-1000.2"
RULES = Rules(type("None", (), {"flow_of": staticmethod(lambda reference: None)})())
ARRIVED = e.Arrived(C, f"PJSIP/{C}", "12345", "13800001234")
STORY = ((1000.0, ARRIVED), (1000.0, e.WentNative(C)), (1005.0, e.LegJoined(C, M, "8001")))
LEFT = (1040.0, e.CallerLeft(C, 16))


class Told(FakeSwitch):
    """A switch with something to tell."""

    tales: tuple = ()
    views: tuple = ()
    born: float = 0.0

    async def snapshot(self, name=""):
        return Snapshot(self.now, self.views, frozenset({"8001"}), {"": self.born}, tales=self.tales)


def view(channel=C, place=Place.NATIVE, bridge=None, **more):
    return ChannelView(channel, f"PJSIP/{channel}", place, bridge, "13800001234", "", "12345", 60.0, **more)


TALK = (view(bridge="b1"), view(M, Place.OTHER, "b1", seat="8001"))


def hotline(now=1100.0):
    switch = Told(now=now)
    engine = Engine(
        switch=switch, journal=MemoryJournal(), dispatcher=Dispatcher([Seat("8001", "8001", "330000", {})], Policy()),
        rules=RULES, entries={}, raw_path=lambda call: f"/spool/{call}.raw", clock=lambda: now,
    )  # fmt: skip
    return engine, switch


def look(engine):
    async def once():
        await engine.link_up()
        await engine.turn()

    asyncio.run(once())


def test_who_came_talked_and_left_is_in_the_books_with_its_recording_and_its_times():
    engine, switch = hotline()
    switch.tales = (Tale(C, (*STORY, LEFT), 1040.0),)
    look(engine)
    (job,) = engine._journal.jobs
    assert (job["call"], job["raw"]) == (C, f"/spool/{C}.raw")
    assert job["seats"] == [[5.0, 40.0, "8001"]]
    (finished,) = [x for x in engine._journal.finished if x["id"] == C][-1:]
    assert (finished["outcome"], finished["seat"]) == ("served", "8001")
    assert (finished["arrived_at"], finished["joined_at"], finished["ended_at"]) == (1000.0, 1005.0, 1040.0)
    assert engine.dispatcher.seats["8001"].state is not SeatState.TALKING
    look(engine)
    assert len(engine._journal.jobs) == 1, "told again, nothing is doubled"


def test_a_talk_that_goes_on_is_ours_and_ends_as_any_other():
    engine, switch = hotline()
    switch.tales, switch.views = (Tale(C, STORY, 1099.0),), TALK
    look(engine)
    call = engine.calls[C]
    assert (call.state, call.seat, call.joined_at) == (S.TALKING, "8001", 1005.0)
    assert engine.dispatcher.seats["8001"].state is SeatState.TALKING
    before = engine.counters.reconciled
    look(engine)
    assert engine.counters.reconciled == before, "the books agree with the switch"
    engine.feed([e.CallerLeft(M, 16)])  # its channel ends: no call's
    asyncio.run(engine.turn())
    assert engine.calls[C].leg(M).state is LegState.GONE
    assert engine.dispatcher.seats["8001"].state is not SeatState.TALKING


def test_what_was_told_while_nothing_could_be_written_is_older_than_what_is_seen_and_ends_no_talk():
    """Redis was away: the way into the queue lies in the inbox, and the diary tells the talk that came of it."""
    engine, switch = hotline()
    switch.tales, switch.views = (Tale(C, STORY, 1099.0),), TALK

    async def redis_comes_back():
        engine.feed([ARRIVED, e.Waits(C)])
        await engine.turn()
        engine.feed([e.WentNative(C), e.LegJoined(C, M, "8001")])
        await engine.link_up()
        await engine.turn()

    asyncio.run(redis_comes_back())
    call = engine.calls[C]
    assert (call.state, call.seat) == (S.TALKING, "8001")
    assert [m.what for m in call.timeline].count("native_queue") == 1
    assert not [x for x in switch.commands if isinstance(x, c.CancelLeg | c.HangUp | c.Hold)]


def test_a_phone_that_registers_while_the_list_is_on_its_way_is_taken_for_gone():
    engine, switch = hotline()

    class Without(Told):
        async def snapshot(self, name=""):
            snapshot = await super().snapshot()
            engine.feed([e.PhoneUp("8001")])  # told after the list was made, before it has come
            return replace(snapshot, phones=frozenset())

    switch.__class__ = Without
    look(engine)
    assert engine.dispatcher.seats["8001"].state is SeatState.AVAILABLE


def test_the_next_process_knows_the_seats_channel_again():
    engine, switch = hotline()
    switch.tales, switch.views = (Tale(C, STORY, 1099.0),), TALK
    look(engine)
    heir, _ = hotline()
    heir._journal = engine._journal

    async def takes_over():
        await heir.recover()
        heir.feed([e.CallerLeft(M, 16)])
        await heir.turn()

    asyncio.run(takes_over())
    assert heir.calls[C].leg(M).state is LegState.GONE


def test_without_a_tale_the_talk_is_found_by_looking():
    engine, switch = hotline()
    switch.views = TALK
    look(engine)
    assert (engine.calls[C].state, engine.calls[C].seat, engine.calls[C].arrived_at) == (S.TALKING, "8001", 1040.0)


def test_who_died_with_the_switch_has_left_when_its_recording_ended_and_is_lost():
    engine, switch = hotline()
    switch.tales, switch.born = (Tale(C, STORY, 1020.0),), 1050.0
    look(engine)
    finished = [x for x in engine._journal.finished if x["id"] == C][-1]
    assert (finished["outcome"], finished["ended_at"]) == ("lost", 1020.0)


def known(state=S.WAITING, at=990.0):
    call, _ = step(None, ARRIVED, at, RULES)
    if state is not S.ARRIVED:
        call, _ = step(call, e.Waits(C), at + 1, RULES)
    return call


def test_a_known_caller_keeps_its_rank_through_the_switchs_own_queue():
    call = known()
    call, _ = step(call, e.WentNative(C), 1000.0, RULES)
    call, _ = step(call, e.Waits(C), 1100.0, RULES)
    assert (call.state, call.waiting_since) == (S.WAITING, 991.0)


def test_a_caller_that_went_there_at_once_has_the_rank_of_one_who_was_greeted():
    """With that of its arrival it would go before callers who came before it, and heard the greeting."""
    call = known(S.ARRIVED)
    call, _ = step(call, e.WentNative(C), 1000.0, RULES)
    call, _ = step(call, e.Waits(C), 1100.0, RULES)
    assert call.waiting_since == 994.0


@pytest.mark.parametrize("tale", [(*STORY,), (*STORY, LEFT)])
def test_what_the_books_have_is_not_taken_twice(tale):
    call = known()
    for at, event in STORY[1:]:
        call, _ = step(call, event, at + 0.4, RULES)
    snapshot = Snapshot(1100.0, TALK, frozenset(), tales=(Tale(C, tale, 1040.0),))
    assert untold({C: call}, {}, snapshot) == []
    assert untold({}, {C: 1.0}, snapshot) == []


def test_a_second_way_into_the_queue_that_left_no_trace_ends_no_talk():
    """It came back and went there again while nobody listened, and the talk that followed is known already."""
    call = known()
    for at, event in ((1000.0, e.WentNative(C)), (1020.0, e.LegJoined(C, M, "8001"))):
        call, _ = step(call, event, at, RULES)
    tale = Tale(C, ((1000.0, e.WentNative(C)), (1015.0, e.WentNative(C)), (1020.0, e.LegJoined(C, M, "8001"))), 1040.0)
    assert untold({C: call}, {}, Snapshot(1100.0, TALK, frozenset(), tales=(tale,))) == []


def test_the_rest_of_a_tale_whose_call_is_over_begins_nothing():
    snapshot = Snapshot(1100.0, (), frozenset(), tales=(Tale(C, STORY[1:], 1040.0),))
    assert untold({}, {}, snapshot) == []


def test_a_phone_rung_by_the_switch_itself_is_offered_nobody():
    engine, switch = hotline()
    switch.views = (view(), view(M, Place.OTHER, seat="8001", rings=True))
    engine.feed([e.PhoneUp("8001")])
    asyncio.run(engine.turn())
    assert engine.dispatcher.seats["8001"].state is SeatState.AVAILABLE
    look(engine)
    assert engine.dispatcher.seats["8001"].state is SeatState.OFFLINE
    switch.views = (view(),)
    look(engine)
    assert engine.dispatcher.seats["8001"].state is SeatState.AVAILABLE


def test_a_held_caller_alone_in_the_switchs_own_queue_keeps_its_seat():
    call = known()
    call, _ = step(call, e.LegJoined(C, f"{C}~8001~1", "8001", "b1"), 995.0, RULES)
    views = [view(), ChannelView(f"{C}~8001~1", "PJSIP/8001", Place.SEAT, None, age=60.0)]
    events, orphans = reconcile({C: call}, Snapshot(1100.0, views, frozenset()), after_gap=True)
    assert not any(isinstance(x, e.WentNative) for x in events) and orphans == []


def in_flow(playing):
    leg = Leg(C, "caller", None, LegState.UP, 990.0)
    call = known(S.ARRIVED)
    return replace(call, state=S.IN_FLOW, playing=playing, legs=(leg,))


@pytest.mark.parametrize(("playing", "hears", "goes_on"), [("t/1", False, True), ("t/1", True, False),
                                                           (None, False, False)])  # fmt: skip
def test_a_flow_whose_prompt_ended_unheard_goes_on_from_there(playing, hears, goes_on):
    snapshot = Snapshot(1100.0, [view(place=Place.FLOW, hears=hears)], frozenset())
    events, _ = reconcile({C: in_flow(playing)}, snapshot, after_gap=True)
    assert events == ([e.PromptsDone(C, "t/1")] if goes_on else [])
    assert reconcile({C: in_flow(playing)}, snapshot)[0] == []
