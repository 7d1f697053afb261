"""The switch's truth against ours: one test for each rule, and that saying it twice changes nothing."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls import Call as CallValue
from calls import (
    CallState,
    ChannelView,
    Engine,
    Leg,
    LegState,
    MemoryJournal,
    Offer,
    Place,
    Rules,
    Snapshot,
    leg_id,
    reconcile,
    split_leg,
    step,
)
from calls import events as e
from calls.reconcile import dated
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState

S = CallState
NOW = 1000.0
C, L = "h-1.0", "h-1.0~8001~1"


def call(state=S.WAITING, legs=(), call_id=C, arrived=900.0, bridge="", **more):
    legs = (Leg(call_id, "caller", None, LegState.UP, arrived, bridge=bridge), *legs)
    return CallValue(
        id=call_id, state=state, channel=f"PJSIP/{call_id}", dialled="12345", caller_number="13800001234",
        caller_name="", flow="", arrived_at=arrived, answered_at=arrived, waiting_since=arrived,
        legs=tuple(legs), **more,
    )  # fmt: skip


def leg(state=LegState.DIALLING, leg_id=L, started=950.0, **more):
    return Leg(leg_id, "seat", leg_id.split("~")[1], state, started, **more)


def view(channel=C, place=Place.WAITING, bridge=None, age=60.0):
    return ChannelView(channel, f"PJSIP/{channel}", place, bridge, "13800001234", "", "12345", age)


def seat_view(channel=L, bridge=None, age=60.0):
    return view(channel, Place.SEAT, bridge, age)


def told(calls, views, ended=()):
    calls = {c.id: c for c in calls}
    return reconcile(calls, Snapshot(NOW, views, frozenset()), ended)


# ---------------------------------------------------------------------- ids of legs
@pytest.mark.parametrize("text", ["", "a", "a~b", "a~b~c~d", "hotline-1.2"])
def test_other_channels_are_no_seat_legs(text):
    assert split_leg(text) is None


def test_a_leg_id_tells_its_call_and_seat():
    assert split_leg(leg_id("h-1.0", "8001", 3)) == ("h-1.0", "8001")


# ---------------------------------------------------------------------- callers who are gone
@pytest.mark.parametrize("state", [S.ARRIVED, S.IN_FLOW, S.WAITING, S.OFFERED, S.TALKING, S.VOICEMAIL, S.NATIVE])
def test_a_caller_whose_channel_is_gone_has_left(state):
    assert told([call(state)], []) == ([e.CallerLeft(C, 0)], [])


@pytest.mark.parametrize("state", [S.WRAP_UP, S.ENDED])
def test_a_caller_who_has_left_does_not_leave_again(state):
    assert told([call(state)], []) == ([], [])


@pytest.mark.parametrize(("arrived", "gone"), [(NOW - 0.6, True), (NOW - 0.4, False), (NOW + 1, False)])
def test_a_caller_newer_than_the_snapshot_is_left_alone(arrived, gone):
    events, _ = told([call(arrived=arrived)], [])
    assert bool(events) is gone


# ---------------------------------------------------------------------- legs that are gone
def test_a_ringing_leg_that_does_not_exist_was_never_made_and_is_no_seats_fault():
    events, _ = told([call(S.OFFERED, [leg()], offer=Offer(L, "8001", L, 2000.0))], [view()])
    assert events == [e.LegLeft(C, L, e.NEVER_RUNG)]


def test_a_talk_whose_leg_is_gone_is_a_lost_seat_and_the_caller_gets_another_human():
    talk = call(S.TALKING, [leg(LegState.JOINED)], seat="8001", joined_at=960.0, demand=Demand())
    events, _ = told([talk], [view()])
    assert events[0] == e.LegLeft(C, L, 0)
    for event in events:
        talk, _ = step(talk, event, NOW, Rules(None, Demand()))
    assert talk.state is S.WAITING


def test_a_leg_begun_after_the_snapshot_was_asked_for_is_left_alone():
    assert told([call(S.OFFERED, [leg(started=NOW - 0.4)])], [view()]) == ([], [])
    joined = call(S.TALKING, [leg(LegState.JOINED, started=NOW - 0.4)])
    assert told([joined], [view()]) == ([], []), "and its caller does not wait alone"


# ---------------------------------------------------------------------- talks
def test_a_leg_that_was_joined_while_nobody_listened_is_a_talk():
    offered = call(S.OFFERED, [leg(LegState.RINGING)])
    joined = e.LegJoined(C, L, "8001", "b", found=True)
    assert told([offered], [view(bridge="b"), seat_view(bridge="b")]) == ([joined], [])


def test_a_talk_that_we_know_is_not_told_again():
    talk = call(S.TALKING, [leg(LegState.JOINED, bridge="b")], bridge="b")
    assert told([talk], [view(bridge="b"), seat_view(bridge="b")]) == ([], [])


def test_a_leg_that_still_rings_is_left_ringing():
    assert told([call(S.OFFERED, [leg(LegState.RINGING)])], [view(), seat_view()]) == ([], [])


def test_a_leg_in_another_bridge_is_no_talk_with_this_caller():
    offered = call(S.OFFERED, [leg(LegState.RINGING)])
    assert told([offered], [view(bridge=None), seat_view(bridge="b")])[0] == []


def test_a_talk_with_a_leg_our_journal_lost_is_believed():
    """Else the caller stays in our queue and further seats are rung for it while it talks."""
    assert told([call(S.WAITING)], [view(bridge="b"), seat_view(bridge="b")]) == ([e.LegJoined(C, L, "8001", "b")], [])


def test_a_talk_with_a_leg_we_had_given_up_is_believed():
    gone = leg(LegState.GONE, ended_at=960.0, cause="withdrawn")
    events, orphans = told([call(S.WAITING, [gone])], [view(bridge="b"), seat_view(bridge="b")])
    assert (events, orphans) == ([e.LegJoined(C, L, "8001", "b")], [])


def test_a_talk_that_ended_after_the_snapshot_was_asked_for_is_not_revived():
    gone = leg(LegState.GONE, ended_at=NOW - 0.1, cause="16")
    assert told([call(S.WAITING, [gone])], [view(bridge="b"), seat_view(bridge="b")]) == ([], [])


# ---------------------------------------------------------------------- places
WAYS = [
    (Place.NATIVE, [e.WentNative(C)], {S.NATIVE}),
    (Place.WAITING, [e.Waits(C)], {S.WAITING, S.OFFERED}),
    (Place.VOICEMAIL, [e.VoicemailBegan(C)], {S.VOICEMAIL}),
]


@pytest.mark.parametrize("state", [S.ARRIVED, S.IN_FLOW, S.WAITING, S.OFFERED, S.TALKING, S.VOICEMAIL, S.NATIVE])
@pytest.mark.parametrize(("place", "events", "same"), WAYS)
def test_a_caller_somewhere_else_than_we_think_is_where_the_switch_says(place, events, same, state):
    assert told([call(state)], [view(place=place)])[0] == ([] if state in same else events)


def test_a_flow_whose_start_we_missed_begins_and_one_under_way_does_not_begin_again():
    assert told([call(S.ARRIVED)], [view(place=Place.FLOW)])[0] == [e.FlowStarted(C)]
    assert told([call(S.IN_FLOW)], [view(place=Place.FLOW)])[0] == []


@pytest.mark.parametrize("place", [Place.GREETING, Place.OTHER])
def test_a_caller_in_the_greeting_is_left_alone(place):
    assert told([call(S.ARRIVED)], [view(place=place)]) == ([], [])


# ---------------------------------------------------------------------- callers we do not know
@pytest.mark.parametrize(
    ("place", "then"),
    [(Place.GREETING, []), (Place.WAITING, [e.Waits(C)]), (Place.NATIVE, [e.WentNative(C)]),
     (Place.VOICEMAIL, [e.VoicemailBegan(C)]), (Place.FLOW, [e.FlowStarted(C)])],
)  # fmt: skip
def test_an_unknown_caller_is_taken_into_the_books_from_where_it_is(place, then):
    events, orphans = told([], [view(place=place)])
    assert events == [e.Arrived(C, f"PJSIP/{C}", "12345", "13800001234", "", found=True), *then]
    assert orphans == []


def test_an_unknown_caller_in_a_talk_is_adopted_with_its_seat_and_nobody_is_hung_up():
    events, orphans = told([], [view(bridge="b"), seat_view(bridge="b")])
    assert events[1:] == [e.LegJoined(C, L, "8001", "b")]
    assert orphans == []


def test_channels_that_are_no_callers_are_not_adopted():
    assert told([], [view("x.1", Place.OTHER)]) == ([], [])


def test_a_caller_who_left_a_moment_ago_does_not_come_back_from_an_old_snapshot():
    assert told([], [view()], ended={C}) == ([], [])


# ---------------------------------------------------------------------- orphans
def test_a_leg_of_no_call_that_talks_to_nobody_is_hung_up():
    assert told([], [seat_view()]) == ([], [L])


def test_a_leg_its_call_does_not_know_or_has_given_up_is_hung_up():
    """A phone would ring on for a caller who is offered to another seat."""
    assert told([call()], [view(), seat_view()])[1] == [L]
    assert told([call(legs=[leg(LegState.GONE, ended_at=900.0)])], [view(), seat_view()])[1] == [L]


@pytest.mark.parametrize(("age", "hung"), [(1.9, []), (2.0, [L])])
def test_a_leg_just_made_is_given_time(age, hung):
    assert told([], [seat_view(age=age)])[1] == hung


def test_a_leg_in_a_talk_is_never_hung_up():
    assert told([], [seat_view(bridge="b"), view("x.1", Place.OTHER, "b")]) == ([], [])
    assert told([], [seat_view(bridge="holding")]) == ([], [L]), "alone in the music it talks to nobody"


def test_our_own_ringing_leg_is_no_orphan():
    assert told([call(S.OFFERED, [leg(LegState.RINGING)])], [view(), seat_view()])[1] == []


# ---------------------------------------------------------------------- idempotence
class NoFlows:
    def flow_of(self, reference):
        return None


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "greeted", "leave", "ring", "answer", "busy", "hang", "native", "voicemail", "hear",
                         "lose", "later"]),
        st.integers(0, 5),
    ),
    max_size=40,
)  # fmt: skip


class World:
    """Engine and switch; some events never reach the engine, as over a line that breaks."""

    def __init__(self):
        self.now = 1000.0
        self.loop = asyncio.new_event_loop()
        self.switch = FakeSwitch()
        seats = [Seat(i, i, "330000", {}, SeatState.AVAILABLE) for i in ("8001", "8002", "8003")]
        self.switch.phones = {s.id for s in seats}
        self.engine = Engine(
            switch=self.switch, journal=MemoryJournal(), dispatcher=Dispatcher(seats, Policy()),
            rules=Rules(NoFlows(), Demand()), entries={}, raw_path=str, clock=lambda: self.now,
        )  # fmt: skip

    def turn(self):
        self.loop.run_until_complete(self.engine.turn())

    def hear(self):
        for _ in range(50):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            self.turn()
            if not self.switch.events:
                return
        raise AssertionError("no rest")

    def later(self, seconds):
        self.now += seconds
        self.switch.now = self.now

    def act(self, what, i):
        sw = self.switch
        callers, legs = sorted(sw.callers), sorted(sw.legs)
        if what == "arrive":
            self.n = getattr(self, "n", 0) + 1
            sw.arrive(f"h-1.{self.n}")
        elif what == "later":
            self.later(2.0)
        elif what == "hear":
            self.hear()
        elif what == "lose":
            sw.events.clear()
        elif what in ("greeted", "leave", "native", "voicemail") and callers:
            one = callers[i % len(callers)]
            if what == "leave":
                sw.leave(one)
            elif not sw.together(one):
                if what == "greeted":
                    sw.greeted(one)
                else:
                    sw.callers[one].place = Place(what)
        elif what in ("ring", "answer", "busy", "hang") and legs:
            one = legs[i % len(legs)]
            joined = sw.legs[one].state == "joined"
            if what == "ring" and not joined:
                sw.ring(one)
            elif what == "answer" and not joined:
                sw.answer(one)
            elif what == "busy" and not joined:
                sw.end_leg(one, 17)
            elif what == "hang" and joined:
                sw.end_leg(one, 16)


@given(ACTS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reconciling_twice_changes_nothing_and_what_we_think_is_then_the_switchs_truth(acts):
    world = World()
    try:
        for what, i in acts:
            world.act(what, i)
            world.turn()
        # The line is back: what was lost is lost, the snapshot tells.
        world.switch.events.clear()
        for _ in range(4):
            world.later(5.0)
            world.loop.run_until_complete(world.engine.sweep())
            world.hear()
        world.later(5.0)
        snapshot = world.loop.run_until_complete(world.switch.snapshot())
        calls = {i: c for i, c in world.engine.calls.items() if c.ended_at is None}
        assert reconcile(world.engine.calls, snapshot, world.engine._ended) == ([], [])
        assert set(calls) == set(world.switch.callers)
        for i in world.switch.callers:
            partners = world.switch.together(i)
            assert (calls[i].state is S.TALKING) == bool(partners)
            for partner in partners:
                assert calls[i].seat == world.switch.legs[partner].seat
    finally:
        world.loop.close()


@pytest.mark.parametrize("later", [0.0, 0.02, 3.0])
def test_who_comes_while_the_switch_is_asked_after_a_gap_is_taken_for_gone(later):
    """The answer is of a moment at which nobody of that name was there; its leg likewise."""
    new = call(arrived=NOW + later)
    old = call(S.OFFERED, [leg(LegState.RINGING, "h-9.0~8001~1", started=NOW + later)], call_id="h-9.0",
               offer=Offer("h-9.0~8001~1", "8001", "h-9.0~8001~1", 2000.0))  # fmt: skip
    events, _ = reconcile({C: new, "h-9.0": old}, Snapshot(NOW, [view("h-9.0")], frozenset()), (), after_gap=True)
    assert events == []


def test_who_is_found_waiting_is_served_after_those_who_came_later():
    """Its rank is since its greeting, not since the moment at which somebody looked."""
    snapshot = Snapshot(NOW, [view(age=60.0), view("h-9.0", age=2.0)], frozenset())
    known = call(S.ARRIVED, call_id="h-5.0", arrived=NOW - 30.0)
    events, _ = reconcile({"h-5.0": known}, replace(snapshot, channels=[*snapshot.channels, view("h-5.0", age=30.0)]))
    found = {x.event.call: x.at for x in dated(events, snapshot, {"h-5.0": known})
             if isinstance(x, e.Past) and isinstance(x.event, e.Waits)}  # fmt: skip
    assert {i: round(at - NOW, 3) for i, at in found.items()} == {C: -56.0, "h-5.0": -26.0, "h-9.0": 0.0}


@pytest.mark.parametrize(("rung", "left"), [(999.8, False), (990.0, True)])
@pytest.mark.parametrize("after_gap", [False, True])
def test_a_caller_who_answers_its_callback_while_a_list_of_before_is_on_its_way_is_dropped(rung, left, after_gap):
    """Over a slow link the list comes after the answer, and does not have that channel yet."""
    now = call(S.TALKING, (leg(LegState.JOINED, started=990.0),), direction="out")
    now = replace(now, legs=(replace(now.legs[0], started_at=rung), *now.legs[1:]))
    snapshot = Snapshot(NOW, [view(L, Place.SEAT)], frozenset())
    events, _ = reconcile({C: now}, snapshot, after_gap=after_gap)
    assert (e.CallerLeft(C, 0) in events) == left


@pytest.mark.parametrize(("rung", "gone"), [(0.4, False), (-0.2, True)])
def test_a_seat_whose_ring_was_heard_after_the_switch_was_asked_is_rung_again(rung, gone):
    """Orders and lists go over sessions of their own: a list that is asked for later may be of before the order."""
    ringing = leg(LegState.RINGING, started=NOW - 0.3, placed_at=NOW + rung)
    offer = Offer("o", "8001", L, NOW + 20)
    events, _ = reconcile(
        {C: call(S.OFFERED, (ringing,), offer=offer)}, Snapshot(NOW, [view()], frozenset()), (), after_gap=True
    )
    assert any(isinstance(x, e.LegLeft) for x in events) is gone
