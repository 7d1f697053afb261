"""Whatever is done to the queue and the seats: no caller is lost, none is in two places, no free seat hides."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from routing import Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatState, Waiting

S = SeatState
CALLS = st.sampled_from([f"c{i}" for i in range(6)])
SEATS = st.sampled_from(["1", "2", "3"])
SKILLS = {"1": {"putonghua": 5}, "2": {"putonghua": 3, "en": 4}, "3": {"en": 5}}


class Floor(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.n = 0
        self.d = Dispatcher([Seat(i, i, "330000", s) for i, s in SKILLS.items()], Policy())
        self.queue = {}
        self.held = {}
        """call → (seat, offer) of callers that are offered or talk"""

    @rule(call=CALLS, since=st.integers(0, 5), priority=st.integers(0, 2), skill=st.sampled_from(["putonghua", "en"]))
    def enqueue(self, call, since, priority, skill):
        if call in self.held:
            return
        self.queue[call] = Waiting(call, Demand(((skill, 1),), priority), float(since))
        self.d.enqueue(self.queue[call])

    @rule(call=CALLS)
    def withdraw(self, call):
        assert self.d.withdraw(call) is (self.queue.pop(call, None) is not None)

    @rule()
    def match(self):
        def name(call, seat):
            self.n += 1
            return f"{call}~{seat}~{self.n}"

        told = self.d.match(self.now, name)
        order = [self.queue[m.call].rank() for m in told]
        assert order == sorted(order), "offers come in the callers' order"
        for m in told:
            assert self.queue[m.call].demand.fits(self.d.seat(m.seat))
            del self.queue[m.call]
            assert m.call not in self.held
            assert m.seat not in [s for s, _ in self.held.values()]
            self.held[m.call] = (m.seat, m.offer)

    @rule(call=CALLS, what=st.sampled_from(["ring", "talk", "end", *OfferOutcome]))
    def an_offer_goes_on(self, call, what):
        if call not in self.held:
            return
        seat, offer = self.held[call]
        state = self.d.seat(seat).state
        if what == "ring":
            self.d.ringing(seat, offer, self.now)
        elif what == "talk":
            self.d.talking(seat, call, offer, self.now)
        elif what == "end":
            if state is S.TALKING:
                self.d.talk_ended(seat, call, self.now)
                del self.held[call]
        elif what is not OfferOutcome.ACCEPTED and state in (S.OFFERED, S.RINGING):
            self.d.offer_ended(seat, offer, what, self.now)
            del self.held[call]

    @rule(seat=SEATS, what=st.sampled_from(["up", "down", S.AVAILABLE, S.BREAK, S.OFFLINE, "wrapped"]))
    def a_seat_acts(self, seat, what):
        if what == "up":
            self.d.phone_up(seat, self.now)
        elif what == "down":
            self.d.phone_down(seat, self.now)
        elif what == "wrapped":
            self.d.wrap_up_done(seat, self.now)
        else:
            self.d.ask(seat, what, self.now)

    @rule(seconds=st.sampled_from([1.0, 6.0, 61.0, 3601.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.d.expire(self.now)

    @invariant()
    def the_queue_is_what_was_put_in_and_in_order(self):
        waiting = self.d.waiting()
        assert {w.call: w for w in waiting} == self.queue
        assert len(waiting) == len(self.queue)
        assert [w.rank() for w in waiting] == sorted(w.rank() for w in waiting)
        assert all(self.d.is_waiting(c) for c in self.queue)

    @invariant()
    def seats_hold_exactly_the_offered_callers(self):
        busy = {s.id: s.call for s in self.d.seats.values() if s.state in (S.OFFERED, S.RINGING, S.TALKING)}
        assert busy == {seat: call for call, (seat, _) in self.held.items()}

    @invariant()
    def states_that_must_end_have_a_deadline(self):
        for s in self.d.seats.values():
            assert (s.deadline is not None) == (s.state in (S.OFFERED, S.RINGING, S.TALKING, S.WRAP_UP, S.BREAK, S.REST))


TestFloor = Floor.TestCase
TestFloor.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
