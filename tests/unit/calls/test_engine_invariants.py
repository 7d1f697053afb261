"""Hypothesis drives engine, dispatcher and a switch in memory: whatever happens in whatever order,
no caller is lost, no seat is offered twice, no state is without a way out, ranks are kept, and a new
process that folds the journal has the same calls."""

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from calls import CallState, Engine, MemoryJournal, Rules
from calls import events as e
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState

S = CallState
SEATS = ("8001", "8002", "8003")
POLICY = Policy(reserve=3, ring=10, wrap_up=20, missed_limit=2, refused_pause=5)


class NoFlows:
    def flow_of(self, reference):
        return None


def make_engine(switch, journal, clock):
    seats = [Seat(i, i, "330000", {"putonghua": 5}) for i in SEATS]
    return Engine(
        switch=switch, journal=journal, dispatcher=Dispatcher(seats, POLICY),
        rules=Rules(NoFlows(), Demand((("putonghua", 1),)), ring=10.0), entries={},
        raw_path=lambda call: f"/spool/{call}.raw", clock=clock,
    )  # fmt: skip


class Hotline(RuleBasedStateMachine):
    callers = Bundle("callers")

    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self.n = 0
        self.loop = asyncio.new_event_loop()
        self.switch, self.journal = FakeSwitch(), MemoryJournal()
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.since: dict[str, float] = {}
        self.arrived: set[str] = set()

    def teardown(self):
        self.loop.close()

    def settle(self, reverse=False):
        """Feeds all events (in order) and turns until nothing more comes."""
        for _ in range(50):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            self.loop.run_until_complete(self.engine.turn())
            if not self.switch.events and not self.engine._inbox:
                return
        raise AssertionError("the engine and the switch never come to rest")

    @rule(target=callers)
    def a_caller_arrives(self):
        call = f"hotline-{self.n}.0"
        self.n += 1
        self.switch.arrive(call)
        self.arrived.add(call)
        self.settle()
        return call

    @rule(call=callers)
    def the_greeting_ends(self, call):
        caller = self.switch.callers.get(call)
        if caller is not None and caller.place.value == "greeting":
            self.switch.greeted(call)
            self.settle()

    @rule(call=consumes(callers))
    def a_caller_leaves(self, call):
        if call in self.switch.callers:
            self.switch.leave(call)
            self.settle()

    @rule(i=st.integers(0, 2), up=st.booleans())
    def a_phone_registers_or_goes(self, i, up):
        self.engine.feed([e.PhoneUp(SEATS[i]) if up else e.PhoneDown(SEATS[i])])
        (self.switch.phones.add if up else self.switch.phones.discard)(SEATS[i])
        self.settle()

    @rule(i=st.integers(0, 2), to=st.sampled_from(["available", "break", "offline"]))
    def a_person_asks_for_a_state(self, i, to):
        self.engine.ask_seat(SEATS[i], SeatState(to))
        self.settle()

    @precondition(lambda self: self.switch.legs)
    @rule(data=st.data(), what=st.sampled_from(["ring", "answer", "busy", "hang", "lost"]))
    def a_seat_acts(self, data, what):
        leg = data.draw(st.sampled_from(sorted(self.switch.legs)))
        joined = self.switch.legs[leg].state == "joined"
        if what == "ring" and self.switch.legs[leg].state == "dialled":
            self.switch.ring(leg)
        elif what == "answer" and not joined:
            self.switch.answer(leg)
        elif what == "busy" and not joined:
            self.switch.end_leg(leg, 17)
        elif what == "hang" and joined:
            self.switch.end_leg(leg, 16)
        elif what == "lost":
            self.switch.end_leg(leg, 38)
        self.settle()

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 11.0, 30.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.switch.now = self.now
        self.settle()

    @rule()
    def the_process_is_killed_and_another_folds_the_journal(self):
        old = {i: (c.state, c.waiting_since, c.seat) for i, c in self.engine.calls.items()}
        seats = {i: s.state for i, s in self.engine.dispatcher.seats.items()}
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.loop.run_until_complete(self.engine.recover())
        assert {i: (c.state, c.waiting_since, c.seat) for i, c in self.engine.calls.items()} == old
        assert {i: s.state for i, s in self.engine.dispatcher.seats.items()} == seats
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    @rule(drop=st.integers(1, 3))
    def events_are_lost_with_the_link_and_a_sweep_finds_out(self, drop):
        # Everything that happens while the link is down is not seen.
        for leg in sorted(self.switch.legs)[:drop]:
            self.switch.end_leg(leg, 16)
        self.switch.events.clear()
        self.now += 2.0
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    @rule(target=callers, data=st.data(), killed=st.booleans())
    def nobody_is_there_for_a_while_and_the_switch_serves_alone(self, data, killed):
        switch, new = self.switch, f"hotline-{self.n}.0"
        self.n += 1
        switch.alone, switch.now = True, self.now
        switch.arrive(new)
        self.arrived.add(new)
        served = [x for x in switch.callers if x not in switch.bridges]
        for call in served:
            switch.goes_native(call)
        self.now += 5.0
        switch.now = self.now
        free = [x for x in SEATS if x in switch.phones and all(leg.seat != x for leg in switch.legs.values())]
        for call in served:
            what = data.draw(st.sampled_from(["waits", "leaves", "talks", "talks and leaves"]))
            if "talks" in what and free:
                switch.native_answer(call, free.pop())
            if "leaves" in what:
                switch.leave(call)
        self.now += 3.0
        switch.now = self.now
        switch.hears_nobody()
        if killed:
            self.engine = make_engine(switch, self.journal, lambda: self.now)
            self.loop.run_until_complete(self.engine.recover())
        for _ in range(data.draw(st.integers(1, 2))):
            self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()
        switch.alone = False
        switch.tales.clear()
        for call in served:
            if call in switch.callers:
                switch.comes_back(call)
        self.settle()
        return new

    @rule()
    def the_journal_fails_for_a_moment(self):
        self.journal.failing = True

        async def while_failing():
            turn = asyncio.ensure_future(self.engine.turn())
            await asyncio.sleep(0)
            self.journal.failing = False
            await turn

        self.loop.run_until_complete(while_failing())
        self.settle()

    # ------------------------------------------------------------------ what must always be true
    @invariant()
    def no_caller_is_lost(self):
        for call in self.switch.callers:
            ours = self.engine.calls.get(call)
            assert ours is not None, f"{call} is in the switch but not in our books"
            queued = self.engine.dispatcher.is_waiting(call)
            assert queued == (ours.state is S.WAITING), (ours.state, queued)
            if ours.state is S.OFFERED:
                assert ours.offer is not None
                assert ours.offer.deadline + 6 > self.now, "an offer past its deadline"
            if ours.state is S.TALKING:
                assert self.switch.together(call) or ours.timers

    @invariant()
    def who_left_has_left(self):
        for call, ours in self.engine.calls.items():
            assert call in self.switch.callers or ours.state is S.WRAP_UP, ours.state

    @invariant()
    def no_seat_is_offered_twice(self):
        seats = [x.seat for x in self.switch.legs.values()]
        assert len(seats) == len(set(seats)), "two legs to one seat"
        busy = (SeatState.OFFERED, SeatState.RINGING, SeatState.TALKING)
        held = [s.call for s in self.engine.dispatcher.seats.values() if s.state in busy]
        assert len(held) == len(set(held)), "one call with two seats"

    @invariant()
    def no_seat_state_is_without_a_way_out(self):
        for seat in self.engine.dispatcher.seats.values():
            if seat.state in (SeatState.OFFERED, SeatState.RINGING, SeatState.WRAP_UP, SeatState.BREAK):
                assert seat.deadline is not None
            if seat.state in (SeatState.OFFERED, SeatState.RINGING):
                call = self.engine.calls[seat.call]
                assert call.offer is not None
                assert call.offer.seat == seat.id
            if seat.state is SeatState.TALKING:
                assert self.engine.calls[seat.call].state is S.TALKING

    @invariant()
    def ranks_are_kept(self):
        for call, ours in self.engine.calls.items():
            if ours.waiting_since is not None:
                assert self.since.setdefault(call, ours.waiting_since) == ours.waiting_since

    @invariant()
    def nobody_waits_while_a_seat_is_free(self):
        now = self.now
        free = [
            s for s in self.engine.dispatcher.seats.values()
            if s.state is SeatState.AVAILABLE and self.engine.dispatcher._pausing.get(s.id, 0) <= now
        ]  # fmt: skip
        assert not (free and self.engine.dispatcher.waiting())

    @invariant()
    def every_caller_who_left_has_one_recording_job(self):
        jobs = [j["call"] for j in self.journal.jobs]
        assert len(jobs) == len(set(jobs))
        gone = {c for c in self.arrived if c not in self.switch.callers}
        assert gone == set(jobs)

    @invariant()
    def nothing_went_wrong_inside(self):
        assert self.engine.counters.errors == 0


TestHotline = Hotline.TestCase
TestHotline.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
