"""Whatever is done to the queue and the seats: no caller is lost or in two places, no seat is offered twice or
stuck, no rank is lost, nobody waits longer than fair. The clock and the order are Hypothesis's."""

import copy
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routing import Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatError, SeatState, Step, Waiting

S = SeatState
BUSY = (S.OFFERED, S.RINGING, S.TALKING)
CALLS = st.sampled_from([f"c{i}" for i in range(7)])
SKILLS = {
    "1": {"putonghua": 5}, "2": {"putonghua": 3, "en": 4}, "3": {"en": 5}, "4": {"putonghua": 3, "en": 4},
    "5": {"putonghua": 3, "en": 4},
}  # fmt: skip
SEATS = st.sampled_from(list(SKILLS))
POLICY = Policy(reserve=3, ring=15, wrap_up=60, break_limit=3600, rest=300, talk_check=1800)
PUTONGHUA, ENGLISH = (("putonghua", 1),), (("en", 1),)
DEMANDS = st.sampled_from(
    [
        Demand(PUTONGHUA), Demand(ENGLISH), Demand(PUTONGHUA, 2), Demand(ENGLISH, -1, kind="callback"),
        Demand(steps=(Step((("en", 5),), seconds=10), Step(ENGLISH, seconds=10), Step())),
        Demand(steps=(Step(seats=frozenset({"4"}), seconds=30), Step(PUTONGHUA))),
    ]
)  # fmt: skip


def points(waiting):
    return waiting.demand.priority


class Floor(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 1000.0
        self.n = 0
        self.d = Dispatcher([Seat(i, i, "330000", s) for i, s in SKILLS.items()], POLICY)
        self.queue = {}
        self.held = {}
        """call → (seat, offer, the caller as it waited) of callers that are offered or talk"""
        self.wrapping = {}
        """seat → call whose wrap-up it must finish"""

    @rule(call=CALLS, waited=st.integers(0, 15), demand=DEMANDS)
    def enqueue(self, call, waited, demand):
        if call not in self.held:
            self.queue[call] = Waiting(call, demand, self.now - waited)
            self.d.enqueue(self.queue[call])

    @rule(call=CALLS)
    def withdraw(self, call):
        assert self.d.withdraw(call) is (self.queue.pop(call, None) is not None)

    @rule()
    def match(self):
        def name(call, seat):
            self.n += 1
            return f"{call}~{seat}~{self.n}"

        before = dict(self.d.seats)
        told = self.d.match(self.now, name)
        order = [self.queue[m.call].rank() for m in told]
        assert order == sorted(order), "offers come in the callers' order"
        for m in told:
            waiting = self.queue.pop(m.call)
            assert waiting.demand.circles()[m.step].fits(before[m.seat])
            assert before[m.seat].state is S.AVAILABLE
            assert m.call not in self.held
            assert m.seat not in [s for s, *_ in self.held.values()], "no seat is offered twice"
            self.held[m.call] = (m.seat, m.offer, waiting)
            self.nobody_was_overtaken(waiting, before[m.seat])
            self.nobody_was_idle_longer(before[m.seat], before)

    def nobody_was_overtaken(self, served, seat):
        """Among callers that this seat may serve, nobody waits behind one who came later by more than the
        points between them are worth."""
        for w in self.queue.values():
            if any(x.fits(seat) for x in w.demand.circles()[:1]):
                assert served.since - 60 * points(served) <= w.since - 60 * points(w)

    def nobody_was_idle_longer(self, seat, before):
        """Of seats that are the same in all but their idle time, the longest idle one was taken."""
        for other in self.d.seats.values():
            free = other.state is S.AVAILABLE and other.on_duty and other.id not in self.d._pausing
            named = any(s == seat.id and w.demand.circles()[0].seats for s, _, w in self.held.values())
            if free and other.skills == seat.skills and not named:
                assert (other.idle_since, other.id) >= (seat.idle_since, seat.id)

    @rule(call=CALLS, what=st.sampled_from(["ring", "talk", "end", "transfer", *OfferOutcome]))
    def an_offer_goes_on(self, call, what):
        if call not in self.held:
            return
        seat, offer, waiting = self.held[call]
        state = self.d.seat(seat).state
        if what == "ring":
            self.d.ringing(seat, offer, self.now)
        elif what == "talk":
            self.d.talking(seat, call, offer, self.now)
        elif what in ("end", "transfer"):
            if state is S.TALKING:
                self.d.talk_ended(seat, call, self.now)
                self.wrapping[seat] = call
                del self.held[call]
                if what == "transfer":  # the same call waits for another seat while this one wraps up
                    self.queue[call] = waiting
                    self.d.enqueue(waiting)
        elif what is not OfferOutcome.ACCEPTED and state in (S.OFFERED, S.RINGING):
            place = sum(w.rank() < waiting.rank() for w in self.queue.values()) + 1
            self.d.offer_ended(seat, offer, what, self.now)
            del self.held[call]
            self.queue[call] = waiting
            self.d.enqueue(waiting)
            assert self.d.position(call) == place, "a missed offer costs no rank"

    @rule(seat=SEATS, what=st.sampled_from(["up", "down", "rest", "wrapped", S.AVAILABLE, S.BREAK, S.OFFLINE]))
    def a_seat_acts(self, seat, what):
        was = self.d.seat(seat)
        if what == "up":
            self.d.phone_up(seat, self.now)
        elif what == "down":
            self.d.phone_down(seat, self.now)
        elif what == "wrapped":
            assert self.d.wrap_up_done(seat, self.now) == self.wrapping.pop(seat, None)
        else:
            try:
                self.d.rest(seat, self.now) if what == "rest" else self.d.ask(seat, what, self.now)
            except SeatError:
                assert was.wanted is S.REST or was.state in (S.REST, S.BREAK, S.OFFLINE)
                assert self.d.seat(seat) == was
            if was.state is S.REST:
                assert self.d.seat(seat).state is S.REST, "nobody ends its own forced rest"
            if was.state is S.WRAP_UP and self.d.seat(seat).state is not S.WRAP_UP:
                assert self.wrapping.pop(seat) == was.call  # the engine ends the call

    @rule(off=st.sets(SEATS, max_size=2))
    def office_hours(self, off):
        self.d.set_duty({i: i not in off for i in SKILLS}, self.now)

    @rule(seconds=st.sampled_from([0.5, 1.0, 6.0, 11.0, 61.0, 301.0, 3601.0]))
    def time_passes(self, seconds):
        self.now += seconds
        for seat, call in self.d.expire(self.now):
            assert self.wrapping.pop(seat) == call, "a wrap-up ends once, and tells its call"
        late = {s.id for s in self.d.overdue(self.now)}
        assert late == {s.id for s in self.d.seats.values() if s.state in BUSY and s.deadline <= self.now}

    @rule()
    def a_new_process(self):
        """It has what is journalled: the seats as they were told, the callers as they waited."""
        old = self.d
        self.d = Dispatcher([Seat(i, i, "330000", s) for i, s in SKILLS.items()], POLICY)
        self.d.set_duty({s.id: s.on_duty for s in old.seats.values()}, self.now)
        for seat in old.seats.values():
            self.d.restore(replace(seat, skills={}))
        for waiting in self.queue.values():
            self.d.enqueue(waiting)
        assert dict(self.d.seats) == dict(old.seats)
        assert self.d.waiting() == old.waiting(), "no rank is lost"

    @invariant()
    def the_queue_is_what_was_put_in_and_in_order(self):
        waiting = self.d.waiting()
        assert {w.call: w for w in waiting} == self.queue
        assert len(waiting) == len(self.queue)
        assert [w.rank() for w in waiting] == sorted(w.rank() for w in waiting)
        assert all(self.d.is_waiting(c) for c in self.queue)

    @invariant()
    def seats_hold_exactly_the_offered_callers(self):
        busy = {s.id: s.call for s in self.d.seats.values() if s.state in BUSY}
        assert busy == {seat: call for call, (seat, *_) in self.held.items()}
        assert {s.id: s.call for s in self.d.seats.values() if s.state is S.WRAP_UP} == self.wrapping

    @invariant()
    def states_that_must_end_have_a_deadline_and_the_dispatcher_knows_it(self):
        for s in self.d.seats.values():
            assert (s.deadline is not None) == (s.state not in (S.OFFLINE, S.AVAILABLE))
        ahead = [s.deadline for s in self.d.seats.values() if s.deadline is not None and s.deadline > self.now]
        if ahead:
            assert self.d.next_deadline() <= min(ahead)

    @invariant()
    def every_state_has_a_way_out(self):
        d = copy.deepcopy(self.d)
        for seat in list(d.seats.values()):
            assert d.reset(seat.id, self.now).state is (S.OFFLINE if seat.phone_gone else S.AVAILABLE)
            assert d.seat(seat.id).wanted is None
            assert d.seat(seat.id).missed == 0

    def teardown(self):
        """Let it run out: clocks end wrap-ups, rests and breaks, the engine ends talks and offers, people sign in.
        Then every caller is served, and none twice."""
        d, left = self.d, dict(self.queue)
        self.now += 4000.0
        d.expire(self.now)
        for call, (seat, offer, _) in self.held.items():
            d.offer_ended(seat, offer, OfferOutcome.NO_ANSWER, self.now)
            d.talk_ended(seat, call, self.now)
        self.now += 4000.0
        d.expire(self.now)
        self.now += 4000.0
        d.expire(self.now)
        assert {s.state for s in d.seats.values()} <= {S.AVAILABLE, S.OFFLINE}, "every state ends by itself"
        d.set_duty({}, self.now)
        for seat in SKILLS:
            d.phone_up(seat, self.now)
            d.ask(seat, S.AVAILABLE, self.now)
        for _ in range(2 * len(left) + 1):
            for m in d.match(self.now, lambda c, s: f"{c}~{s}~last"):
                del left[m.call]
                d.talking(m.seat, m.call, m.offer, self.now)
                d.talk_ended(m.seat, m.call, self.now, wrap_up=False)
        assert not left, "every caller is served in the end"
        assert not d.waiting()


TestFloor = Floor.TestCase
TestFloor.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
