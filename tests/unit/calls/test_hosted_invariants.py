"""As test_engine_invariants, with everything that a caller can meet beyond one seat: being told, being called
back, a third party in the talk. Hypothesis drives; no caller, rank or entry is ever lost, no seat has two."""

import asyncio
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from calls import OUTBOUND, CallState, Engine, Host, MemoryJournal, OrderError, Rules
from calls import commands as c
from calls import events as e
from calls.testing import FakeSwitch
from routing import (
    CallbackRules,
    CentreTree,
    Demand,
    Dispatcher,
    Policy,
    RoutingBook,
    Seat,
    SeatError,
    SeatState,
    WaitingRules,
)

S = CallState
SEATS = ("8001", "8002", "8003")
POLICY = Policy(reserve=3, ring=10, wrap_up=20, missed_limit=2, refused_pause=5)
BUSY = (SeatState.OFFERED, SeatState.RINGING, SeatState.TALKING)
CALLBACKS = CallbackRules(spacing=(30.0,), queue_spacing=(10.0,), min_free=0, missed_after=5.0, any_time=1e9)


def book():
    return RoutingBook(
        CentreTree.of([]), "330000", default_skills=(("putonghua", 1),),
        waiting=WaitingRules(tell_after=5, tell_every=20, long_wait=1, callback_after=5, callback_wait=1,
                             voicemail_after=40),
        callbacks=CALLBACKS,
    )  # fmt: skip


class NoFlows:
    def flow_of(self, reference):
        return None


def make_engine(switch, journal, clock):
    seats = [Seat(i, i, "330000", {"putonghua": 5, "en": 3}) for i in SEATS]
    dispatcher = Dispatcher(seats, POLICY)
    return Engine(
        switch=switch, journal=journal, dispatcher=dispatcher,
        rules=Rules(NoFlows(), Demand((("putonghua", 1),)), ring=10.0, tell_after=5.0, tell_every=20.0), entries={},
        raw_path=lambda call: f"/spool/{call}.raw", clock=clock, host=Host(dispatcher, book(), can_call_out=True),
    )  # fmt: skip


class HostedHotline(RuleBasedStateMachine):
    callers = Bundle("callers")

    def __init__(self):
        super().__init__()
        self.now = 1_764_050_400.0  # a working day, 14:00 in Shanghai
        self.n = 0
        self.loop = asyncio.new_event_loop()
        self.switch, self.journal = FakeSwitch(now=self.now), MemoryJournal()
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.switch.phones.update(SEATS[:2])
        self.engine.feed([e.PhoneUp(i) for i in SEATS[:2]])
        self.settle()
        self.asked: dict[str, float] = {}
        """Callers who were promised a call back: number → rank."""

    def teardown(self):
        self.loop.close()

    def settle(self):
        for _ in range(50):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            self.loop.run_until_complete(self.engine.turn())
            if not self.switch.events and not self.engine._inbox:
                return
        raise AssertionError("the engine and the switch never come to rest")

    def number(self, n):
        return f"1380000{n:04d}"

    # ------------------------------------------------------------------ what happens
    @rule(target=callers)
    def a_caller_arrives_and_waits(self):
        call = f"hotline-{self.n}.0"
        self.switch.arrive(call, self.number(self.n))
        self.n += 1
        self.switch.greeted(call)
        self.settle()
        return call

    @rule(call=consumes(callers))
    def a_caller_leaves(self, call):
        if call in self.switch.callers:
            self.switch.leave(call)
            self.settle()

    @rule(call=callers)
    def a_waiting_caller_presses_the_key(self, call):
        ours = self.engine.calls.get(call)
        if call in self.switch.callers and ours is not None:
            offered = ours.callback_offered and ours.state in (S.WAITING, S.OFFERED)
            self.switch.events.append(e.DigitPressed(call, "1"))
            self.settle()
            if offered:
                assert self.engine.calls[call].state is S.LEAVING
                self.asked[ours.caller_number] = ours.waiting_since

    @rule(call=consumes(callers))
    def a_last_word_is_over(self, call):
        caller = self.switch.callers.get(call)
        if caller is not None and caller.place.value == "leaving":
            self.switch.leave(call)
            self.settle()

    @rule(i=st.integers(0, 2), up=st.booleans())
    def a_phone_registers_or_goes(self, i, up):
        self.engine.feed([e.PhoneUp(SEATS[i]) if up else e.PhoneDown(SEATS[i])])
        (self.switch.phones.add if up else self.switch.phones.discard)(SEATS[i])
        self.settle()

    @rule(i=st.integers(0, 2), what=st.sampled_from(["available", "break", "offline", "rest", "reset"]))
    def somebody_orders_a_seat(self, i, what):
        try:
            if what == "rest":
                self.engine.rest_seat(SEATS[i])
            elif what == "reset":
                self.engine.reset_seat(SEATS[i])
            else:
                self.engine.ask_seat(SEATS[i], SeatState(what), force=True)
        except OrderError as error:
            assert error.code == "seat-talking"
        except SeatError:
            assert what == "rest"  # offline or on a break: it rests already
        self.settle()

    @precondition(lambda self: self.switch.legs)
    @rule(data=st.data(), what=st.sampled_from(["ring", "answer", "answer", "busy", "hang", "lost"]))
    def a_phone_acts(self, data, what):
        leg = data.draw(st.sampled_from(sorted(self.switch.legs)))
        one = self.switch.legs[leg]
        up = one.state in ("joined", "ready")
        if what == "ring" and one.state == "dialled":
            self.switch.ring(leg)
        elif what == "answer" and not up:
            self.switch.answer(leg)
        elif what == "busy" and not up:
            self.switch.end_leg(leg, 17)
        elif what == "hang" and up:
            self.switch.end_leg(leg, 16)
        elif what == "lost":
            self.switch.end_leg(leg, 38)
        self.settle()

    @precondition(lambda self: any(x.state not in ("joined", "ready") for x in self.switch.legs.values()))
    @rule()
    def every_phone_is_answered(self):
        for leg in sorted(self.switch.legs):
            if leg in self.switch.legs and self.switch.legs[leg].state not in ("joined", "ready"):
                self.switch.answer(leg)
        self.settle()

    @rule()
    def all_who_wait_press_the_key_and_are_let_go(self):
        self.now += 12.0
        self.switch.now = self.now
        self.settle()
        for call in sorted(self.switch.callers):
            self.a_waiting_caller_presses_the_key(call)
        for call, there in sorted(self.switch.callers.items()):
            if there.place.value == "leaving":
                self.switch.leave(call)
        self.settle()

    @precondition(lambda self: self.switch.callers)
    @rule()
    def all_callers_hang_up(self):
        for call in sorted(self.switch.callers):
            self.switch.leave(call)
        self.now += 25.0
        self.switch.now = self.now
        self.settle()

    @precondition(lambda self: any(x.place.value == "callback" for x in self.switch.callers.values()))
    @rule(what=st.sampled_from(["answers", "is busy", "does not answer", "unreachable"]))
    def a_called_back_person(self, what):
        call = next(i for i, x in sorted(self.switch.callers.items()) if x.place.value == "callback")
        if what == "answers":
            self.switch.pick_up(call)
        else:
            self.switch.leave(call, {"is busy": 17, "does not answer": 19, "unreachable": 3}[what])
        self.settle()

    @precondition(lambda self: any(x.state is S.TALKING for x in self.engine.calls.values()))
    @rule(drop=st.booleans())
    def a_third_party_is_wanted_or_dropped(self, drop):
        call = next(i for i, x in sorted(self.engine.calls.items()) if x.state is S.TALKING)
        try:
            if drop:
                parties = self.engine.calls[call].parties
                self.engine.drop_party(call, parties[-1].id if parties else "none")
            else:
                self.engine.want_party(call, "join", skill="en")
        except OrderError as error:
            assert error.code in ("no-party", "too-late", "nobody-has-skill", "not-joined", "full")
        self.settle()

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 11.0, 30.0, 60.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.switch.now = self.now
        self.settle()

    @rule()
    def the_process_is_killed_and_another_folds_the_journal(self):
        self.settle()
        old = {i: replace(x, tell_at=None) for i, x in self.engine.calls.items()}
        seats = {i: (s.state, s.taken, s.busy_seconds) for i, s in self.engine.dispatcher.seats.items()}
        waiting = [(w.call, w.rank()) for w in self.engine.dispatcher.waiting()]
        entries = {x.id: (x.state, x.number, x.rank_since) for x in self.engine.host.callbacks.entries()}
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.loop.run_until_complete(self.engine.recover())
        assert {i: replace(x, tell_at=None) for i, x in self.engine.calls.items()} == old
        assert {i: (s.state, s.taken, s.busy_seconds) for i, s in self.engine.dispatcher.seats.items()} == seats
        assert [(w.call, w.rank()) for w in self.engine.dispatcher.waiting()] == waiting
        assert {x.id: (x.state, x.number, x.rank_since) for x in self.engine.host.callbacks.entries()} == entries
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    @rule()
    def events_are_lost_with_the_link_and_a_sweep_finds_out(self):
        for leg in sorted(self.switch.legs)[:1]:
            self.switch.end_leg(leg, 16)
        self.switch.events.clear()
        self.now += 2.0
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    # ------------------------------------------------------------------ what must always be true
    @invariant()
    def no_caller_is_lost(self):
        for call, there in self.switch.callers.items():
            ours = self.engine.calls.get(call)
            assert ours is not None, f"{call} is in the switch but not in our books"
            queued = self.engine.dispatcher.is_waiting(call)
            assert queued == (ours.state in (S.WAITING, S.DUE)), (ours.state, queued)
            if ours.state is S.TALKING:
                assert there is not None and (self.switch.together(call) or ours.timers)

    @invariant()
    def a_promised_call_back_is_kept_or_on_the_list(self):
        for number, rank in self.asked.items():
            if any(x.caller_number == number and x.ended_at is None for x in self.engine.calls.values()):
                continue
            entries = [x for x in self.engine.host.callbacks.entries() if x.number == number]
            assert entries, "the caller was promised a call back, and nobody remembers"
            for one in entries:
                assert one.reason != "queue" or one.rank_since == rank, "the rank is kept"

    @invariant()
    def an_entry_runs_only_while_there_is_a_call_for_it(self):
        running = {x.callback for x in self.engine.calls.values() if x.callback and x.ended_at is None}
        books = {x.id for x in self.engine.host.callbacks.entries() if x.state == "running"}
        assert books == running

    @invariant()
    def no_seat_is_offered_twice(self):
        seats = [x.seat for x in self.switch.legs.values()]
        assert len(seats) == len(set(seats)), "two legs to one seat"
        held = [(s.call, s.offer) for s in self.engine.dispatcher.seats.values() if s.state in BUSY]
        assert len(held) == len(set(held)), "one offer with two seats"

    @invariant()
    def no_state_is_without_a_way_out(self):
        for seat in self.engine.dispatcher.seats.values():
            if seat.state not in (SeatState.OFFLINE, SeatState.AVAILABLE):
                assert seat.deadline is not None
            if seat.state is SeatState.TALKING:
                assert seat.call in self.engine.calls
        for call in self.engine.calls.values():
            if call.state in (S.OFFERED, S.PREVIEW):
                assert call.offer is not None
                assert call.offer.deadline + 6 > self.now
            if call.state is S.DIALLING:
                assert call.timers or call.answered_at is not None

    @invariant()
    def nobody_is_rung_before_a_seat_is_ready(self):
        for command in self.switch.commands:
            if isinstance(command, c.DialCaller):
                assert any(isinstance(x, c.RingSeat) and x.leg == command.leg for x in self.switch.commands)

    @invariant()
    def an_outbound_call_without_its_caller_is_in_the_queue_or_with_a_seat(self):
        for call in self.engine.calls.values():
            if call.state in OUTBOUND and call.state is S.DUE:
                assert self.engine.dispatcher.is_waiting(call.id)

    @invariant()
    def no_turn_failed(self):
        assert self.engine.counters.errors == 0


HostedHotline.TestCase.settings = settings(
    max_examples=250, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHostedHotline = HostedHotline.TestCase
