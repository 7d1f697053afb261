"""The machine's clock is set back and forth by hours: deadlines, wrap-up and offers go on as if it had not been.

The rules and invariants are those of test_engine_invariants; here their time is the engine's own clock, and a jump may
come between any two steps, with a kill beside it.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from calls import MemoryJournal, Steady
from calls import events as e
from calls.clock import RATE
from calls.testing import FakeSwitch
from routing import SeatState

from .test_engine_invariants import POLICY, Hotline, S, make_engine

HOURS = st.sampled_from([-26.0, -3.0, -0.1, 0.001, 0.1, 3.0, 26.0])


class JumpingHotline(Hotline):
    """`mono` is the true time, `off` what was done to the machine's clock."""

    def __init__(self):
        self.mono, self.off, self.clock = 1_764_050_400.0, 0.0, None
        super().__init__()

    @property
    def now(self):
        return self.clock() if self.clock is not None else self.mono

    @now.setter
    def now(self, value):
        if self.clock is None:
            self.begin()
        else:
            self.mono += value - self.clock()

    def begin(self):
        """A process begins: its clock starts with the machine's."""
        self.clock = Steady(lambda: self.mono + self.off, lambda: self.mono)

    def settle(self, reverse=False):
        self.engine._clock = self.clock
        super().settle(reverse)

    @rule(hours=HOURS)
    def the_clock_is_set(self, hours):
        self.off += hours * 3600
        self.settle()

    @rule(hours=HOURS)
    def the_clock_is_set_and_the_process_is_killed(self, hours):
        self.off += hours * 3600
        self.begin()
        self.engine = make_engine(self.switch, self.journal, lambda: 0.0)
        self.engine._clock = self.clock
        self.loop.run_until_complete(self.engine.recover())
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    @invariant()
    def no_deadline_is_further_away_than_it_was_given(self):
        longest = {SeatState.OFFERED: POLICY.reserve, SeatState.RINGING: POLICY.ring + 6,
                   SeatState.WRAP_UP: POLICY.wrap_up}  # fmt: skip
        for seat in self.engine.dispatcher.seats.values():
            if seat.state in longest and seat.call in self.engine.calls:
                assert seat.deadline - self.now <= longest[seat.state] + 0.1, (seat.state, seat.deadline - self.now)
        for call in self.engine.calls.values():
            if call.offer is not None:
                assert call.offer.deadline - self.now <= POLICY.ring + 6


TestJumpingHotline = JumpingHotline.TestCase
TestJumpingHotline.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def one_who_rings():
    """(the true time, what was done to the clock, an engine with one offer that rings)."""
    at, off = [1_764_050_400.0], [0.0]
    clock = Steady(lambda: at[0] + off[0], lambda: at[0])
    switch = FakeSwitch()
    engine = make_engine(switch, MemoryJournal(), clock)
    engine.feed([e.PhoneUp("8001")])
    switch.arrive("hotline-1.0")
    switch.greeted("hotline-1.0")

    def turn():
        for _ in range(5):
            events, switch.events = switch.events, []
            engine.feed(events)
            asyncio.run(engine.turn())

    engine._unseen = False
    turn()
    (leg,) = switch.legs
    switch.ring(leg)
    turn()
    return at, off, engine, switch, turn


def test_a_phone_does_not_ring_for_hours_when_the_clock_is_set_back():
    at, off, engine, switch, turn = one_who_rings()
    off[0] -= 3 * 3600
    at[0] += POLICY.ring * (1 + 2 * RATE)
    turn()
    assert not switch.legs and engine.calls["hotline-1.0"].state is not S.OFFERED


def test_an_offer_is_not_over_at_once_when_the_clock_is_set_forward():
    at, off, engine, switch, turn = one_who_rings()
    off[0] += 3 * 3600
    at[0] += 1.0
    turn()
    assert engine.calls["hotline-1.0"].state is S.OFFERED and len(switch.legs) == 1


def test_the_clock_follows_slowly_and_never_goes_back():
    at, off = [1000.0], [0.0]
    clock = Steady(lambda: at[0] + off[0], lambda: at[0])
    off[0] = -60.0
    seen = [clock()]
    for _ in range(60 * 30):
        at[0] += 1.0
        seen.append(clock())
    assert seen == sorted(seen) and abs(clock.apart) < 0.001
    assert min(b - a for a, b in pairwise(seen)) >= 1.0 - RATE - 1e-6
    clock.not_before(5000.0)
    assert clock() >= 5000.0
