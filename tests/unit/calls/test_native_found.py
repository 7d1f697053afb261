"""A talk that the switch's own queue has just made is looked at: nobody may be moved out of it."""

import pytest

from calls import CallState, ChannelView, LegState, Place, Rules, Snapshot, reconcile, step
from calls import commands as c
from calls import events as e
from routing import Demand
from tests.unit.calls.test_reconcile import NOW, C, call

SEAT = "h-2.0"
"""The channel of a seat that the queue has rung: no id of ours."""


class NoFlows:
    def flow_of(self, reference):
        return None


def joined(at):
    """The queue has told of the seat, not yet in which bridge."""
    before = call(CallState.NATIVE)
    after, _ = step(before, e.LegJoined(C, SEAT, "8001"), at, Rules(NoFlows(), Demand()))
    assert after.state is CallState.TALKING
    return after


@pytest.mark.parametrize("seconds", [0.0, 0.3, 2.0])
def test_a_look_right_after_the_answer_moves_the_seat_out_of_the_queues_bridge(seconds):
    now = joined(NOW - seconds)
    views = [
        ChannelView(C, f"PJSIP/{C}", Place.NATIVE, "b-1", "13800001234", "", "12345", 60.0),
        ChannelView(SEAT, "PJSIP/8001-1", Place.OTHER, "b-1", age=5.0, seat="8001"),
    ]
    events, orphans = reconcile({C: now}, Snapshot(NOW, views, frozenset()), ())
    assert not orphans
    for event in events:
        now, commands = step(now, event, NOW, Rules(NoFlows(), Demand()))
        assert not [x for x in commands if isinstance(x, (c.Move, c.Hold, c.CancelLeg, c.HangUp))], event
    for later in (1.5, 3.0):
        now, commands = step(now, e.TimerFired(C, "rooms"), NOW + later, Rules(NoFlows(), Demand()))
        assert not [x for x in commands if isinstance(x, (c.Move, c.Hold, c.CancelLeg))]


def test_a_later_look_does_not_learn_in_which_bridge_they_are():
    now = joined(NOW - 5.0)
    views = [
        ChannelView(C, f"PJSIP/{C}", Place.NATIVE, "b-1", "13800001234", "", "12345", 60.0),
        ChannelView(SEAT, "PJSIP/8001-1", Place.OTHER, "b-1", age=5.0, seat="8001"),
    ]
    events, _ = reconcile({C: now}, Snapshot(NOW, views, frozenset()), ())
    for event in events:
        now, _ = step(now, event, NOW, Rules(NoFlows(), Demand()))
    assert {x.bridge for x in now.legs} == {"b-1"}
    assert now.legs[-1].state is LegState.JOINED
