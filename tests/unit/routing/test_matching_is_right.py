"""The matching engine decides exactly as the plain reading of the rules does, whatever happened before.

The engine keeps sets and looks only at what has changed. Here is the same in forty lines that look at everybody
each time; Hypothesis does what it likes to the seats, the queue, the clock and the configuration, and each
decision must be the same: who, which seat, by which step.
"""

from dataclasses import replace
from math import inf

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from routing import CentreLimit, Demand, Dispatcher, OfferOutcome, Policy, Seat, SeatState, Step, Waiting

S = SeatState
BUSY = (S.OFFERED, S.RINGING, S.TALKING)


def has(seat, skill):
    return seat.skills.get(skill, 0) > 0


class Naive:
    """The rules, read plainly."""

    def __init__(self, seats, policy, limits, pausing, removed, now):
        self.seats, self.policy, self.limits, self.removed, self.now = dict(seats), policy, limits, removed, now
        self.out = {i for i, until in pausing.items() if until > now}

    def serves(self, seat):
        return seat.state is not S.OFFLINE and seat.on_duty and seat.kind != "assistant" and seat.id not in self.removed

    def signed(self):
        return [s for s in self.seats.values() if self.serves(s)]

    def opened(self, waiting):
        steps, at = waiting.demand.circles(), waiting.since
        n = 1
        while n < len(steps):
            seconds = steps[n - 1].seconds
            at += inf if seconds is None else seconds
            if at > self.now and any(steps[n - 1].fits(s) for s in self.signed()):
                break
            n += 1
        return steps[:n]

    def free(self):
        return [s for s in self.signed() if s.state is S.AVAILABLE and s.id not in self.out]

    def may(self, waiting, step, seat):
        limit = self.limits.get(seat.centre, CentreLimit())
        there = [s for s in self.seats.values() if s.centre == seat.centre and s.state in BUSY]
        if limit.capacity is not None and len(there) >= limit.capacity:
            return False
        stranger = waiting.demand.centre not in (None, seat.centre)
        if stranger and limit.foreign is not None and sum(s.foreign for s in there) >= limit.foreign:
            return False
        if step.seats is not None or self.now >= waiting.since + self.policy.keep_for:
            return True
        asks = {skill for x in waiting.demand.circles() for skill, _ in x.skills}
        return not any(
            has(seat, skill) and skill not in asks and sum(has(s, skill) for s in self.free()) <= count
            for skill, count in self.policy.keep_free.items()
        )

    def turn(self, seat):
        counts = [sum(has(s, skill) for s in self.signed()) for skill in seat.skills if has(seat, skill)]
        share = seat.occupancy(self.now // 60 * 60) if self.policy.order == "least_occupied" else 0
        return (seat.kind != "agent", -min(counts, default=inf), len(seat.skills), share, seat.idle_since, seat.id)

    def pick(self, waiting):
        for i, step in enumerate(self.opened(waiting)):
            found = [s for s in self.free() if step.fits(s) and self.may(waiting, step, s)]
            if found:
                return i, min(found, key=self.turn), len(found)
        return None

    def match(self, waiting):
        told = []
        for w in sorted(waiting, key=Waiting.rank):
            picked = self.pick(w)
            if picked is not None:
                i, seat, free = picked
                told.append((w.call, seat.id, i, free))
                stranger = w.demand.centre not in (None, seat.centre)
                self.seats[seat.id] = replace(seat, state=S.OFFERED, foreign=stranger)
        return told

    def ahead(self, waiting, call):
        def seats(steps):
            return {s.id for s in self.signed() if any(x.fits(s) for x in steps)}

        def alike(w):
            return (w.demand.circles(), w.demand.priority, w.demand.centre)

        me = next(w for w in waiting if w.call == call)
        total = 0.0
        for w in waiting:
            if w.rank() < me.rank():
                first = min((x for x in waiting if alike(x) == alike(w)), key=Waiting.rank)
                theirs = seats(self.opened(first))
                total += len(theirs & seats(me.demand.circles())) / len(theirs) if theirs else 0
        return total


CENTRES = ["330000", "330100", "330300"]
SKILLS = [{}, {"p": 5}, {"p": 3, "ja": 4}, {"p": 5, "wz": 2}, {"p": 4, "ja": 2, "wz": 5}, {"ja": 5}, {"p": 1, "wz": 0}]
KINDS = ["agent", "agent", "agent", "expert", "interpreter", "assistant"]
IDS = [str(i) for i in range(8)]
CALLS = [f"c{i}" for i in range(9)]


def seats_of(ids):
    return st.builds(
        lambda rows: [Seat(i, i, c, skills, kind=kind) for i, (c, skills, kind) in zip(ids, rows, strict=True)],
        st.lists(
            st.tuples(st.sampled_from(CENTRES), st.sampled_from(SKILLS), st.sampled_from(KINDS)),
            min_size=len(ids), max_size=len(ids),
        ),
    )  # fmt: skip


STEPS = st.builds(
    Step,
    skills=st.sampled_from(
        [(), (("p", 1),), (("p", 4),), (("ja", 3),), (("wz", 1),), (("ja", 1), ("p", 3)), (("p", 0),)]
    ),
    centres=st.sampled_from([None, None, frozenset(CENTRES[:1]), frozenset(CENTRES[1:]), frozenset({"990000"})]),
    seats=st.sampled_from([None, None, None, frozenset(IDS[:1]), frozenset({*IDS[1:3], "none"})]),
    seconds=st.sampled_from([None, 0, 5, 10.5]),
    kinds=st.sampled_from([None, None, None, frozenset({"interpreter", "agent"})]),
)
DEMANDS = st.builds(
    Demand,
    skills=st.sampled_from([(), (("p", 1),)]),
    priority=st.sampled_from([0, 0, 0.5, 3, -1]),
    centre=st.sampled_from([None, *CENTRES]),
    steps=st.lists(STEPS, max_size=3).map(tuple),
)
LIMITS = st.dictionaries(
    st.sampled_from(CENTRES),
    st.builds(CentreLimit, st.sampled_from([None, 0, 1, 2]), st.sampled_from([None, 0, 1])),
)
POLICIES = st.builds(
    lambda order, keep, keep_for, missed: Policy(
        order=order, keep_free=keep, keep_for=keep_for, missed_limit=missed, wrap_up=30, rest=40, refused_pause=7
    ),
    st.sampled_from(["longest_idle", "least_occupied"]),
    st.sampled_from([{}, {}, {"ja": 1}, {"ja": 2, "wz": 1}, {"unknown": 1}]),
    st.sampled_from([4.0, 20.0]),
    st.sampled_from([2, 99]),
)


class Matching(RuleBasedStateMachine):
    @initialize(seats=seats_of(IDS), policy=POLICIES)
    def begin(self, seats, policy):
        self.now, self.n = 1000.0, 0
        self.seats, self.policy, self.limits = seats, policy, {}
        self.d = Dispatcher(seats, policy)
        self.queue, self.pausing = {}, {}
        for seat in seats[:5]:
            self.d.phone_up(seat.id, self.now)

    def naive(self, now):
        removed = set(self.d.seats) - {s.id for s in self.seats}
        return Naive(self.d.seats, self.d.policy, self.limits, self.pausing, removed, now)

    # -------------------------------------------------------------- callers
    @rule(call=st.sampled_from(CALLS), demand=DEMANDS, waited=st.sampled_from([0.0, 0.0, 3.0, 12.0]))
    def enqueue(self, call, demand, waited):
        assume(all(s.call != call for s in self.d.seats.values()))
        self.queue[call] = Waiting(call, demand, self.now - waited)
        self.d.enqueue(self.queue[call])

    @rule(demand=DEMANDS, calls=st.lists(st.sampled_from(CALLS), unique=True, min_size=2))
    def several_want_the_same(self, demand, calls):
        for n, call in enumerate(calls):
            self.enqueue_if_away(call, demand, float(n))

    def enqueue_if_away(self, call, demand, waited):
        if all(s.call != call for s in self.d.seats.values()):
            self.queue[call] = Waiting(call, demand, self.now - waited)
            self.d.enqueue(self.queue[call])

    @rule(call=st.sampled_from(CALLS))
    def withdraw(self, call):
        assert self.d.withdraw(call) is (self.queue.pop(call, None) is not None)

    # -------------------------------------------------------------- decisions
    @rule()
    def match(self):
        def name(call, seat):
            self.n += 1
            return f"{call}~{seat}~{self.n}"

        self.pausing = {i: t for i, t in self.pausing.items() if t > self.now}
        expected = self.naive(self.now).match(self.queue.values())
        ranks = sorted(w.rank() for w in self.queue.values())
        told = self.d.match(self.now, name)
        self.pausing = {i: t for i, t in self.pausing.items() if i in self.d.seats}
        assert [(m.call, m.seat, m.step, m.why["free"]) for m in told] == expected
        for served, m in enumerate(told):
            waiting = self.queue.pop(m.call)
            assert m.why["passed"] == ranks.index(waiting.rank()) - served
            assert m.why["waited"] == self.now - waiting.since
            assert m.deadline == self.now + self.policy.reserve
        assert self.naive(self.now).match(self.queue.values()) == [], "no free seat fits an open step of a caller"

    @rule(part=st.floats(0, 1, exclude_max=True))
    def nothing_is_missed_before_the_next_deadline(self, part):
        self.match()
        self.d.expire(self.now)
        self.match()
        due = self.d.next_deadline()
        assert due is None or due > self.now
        at = self.now + part * min(100.0, (due or inf) - self.now)
        if due is None or at < due:
            assert self.naive(at).match(self.queue.values()) == []
            assert all(s.deadline is None or s.deadline > at or s.state in BUSY for s in self.d.seats.values())

    @rule()
    def the_engine_wakes_at_the_next_deadline(self):
        due = self.d.next_deadline()
        if due is not None:
            self.now = max(self.now, due)
            self.d.expire(self.now)
            self.match()

    # -------------------------------------------------------------- seats
    def some(self, n, states=tuple(S)):
        found = [s for s in self.d.seats.values() if s.state in states]
        assume(found)
        return found[n % len(found)]

    @rule(n=st.integers(0, 7), call=st.sampled_from(CALLS))
    def offer_answered(self, n, call):
        seat = self.some(n, (S.OFFERED, S.RINGING))
        self.d.ringing(seat.id, seat.offer, self.now)
        self.d.talking(seat.id, seat.call, seat.offer, self.now)

    @rule(n=st.integers(0, 7), outcome=st.sampled_from([o for o in OfferOutcome if o is not OfferOutcome.ACCEPTED]))
    def offer_failed(self, n, outcome):
        seat = self.some(n, (S.OFFERED, S.RINGING))
        limit_reached = seat.missed + 1 >= self.d.policy.missed_limit and seat.wanted is None
        self.d.offer_ended(seat.id, seat.offer, outcome, self.now)
        unreachable = outcome is OfferOutcome.UNREACHABLE and seat.wanted is None
        if outcome is not OfferOutcome.WITHDRAWN and not unreachable and not limit_reached:
            self.pausing[seat.id] = self.now + self.d.policy.refused_pause
            if seat.id not in self.d.seats:
                del self.pausing[seat.id]

    @rule(n=st.integers(0, 7), wrap_up=st.booleans())
    def talk_ended(self, n, wrap_up):
        seat = self.some(n, (S.TALKING,))
        self.d.talk_ended(seat.id, seat.call, self.now, wrap_up)

    @rule(n=st.integers(0, 7))
    def wrap_up_done(self, n):
        seat = self.some(n, (S.WRAP_UP,))
        assert self.d.wrap_up_done(seat.id, self.now) == seat.call

    @rule(n=st.integers(0, 7), to=st.sampled_from([S.AVAILABLE, S.AVAILABLE, S.BREAK, S.OFFLINE, "rest", "reset"]))
    def person(self, n, to):
        seat = self.some(n)
        if to == "reset":
            self.d.reset(seat.id, self.now)
        elif to == "rest":
            assume(seat.state not in (S.OFFLINE, S.BREAK))
            self.d.rest(seat.id, self.now)
        else:
            self.d.ask(seat.id, to, self.now, force=True)
        after = self.d.seats.get(seat.id)
        if after is None or to == "reset" or (after.state is not seat.state and seat.state not in BUSY):
            self.pausing.pop(seat.id, None)

    @rule(n=st.integers(0, 7), up=st.booleans())
    def phone(self, n, up):
        (self.d.phone_up if up else self.d.phone_down)(self.some(n).id, self.now)

    @rule(off=st.sets(st.sampled_from(IDS), max_size=3))
    def duty(self, off):
        self.d.set_duty({i: i not in off for i in IDS[:6]}, self.now)
        assert {s.id for s in self.d.seats.values() if not s.on_duty} == off & set(IDS[:6]) & set(self.d.seats)

    # -------------------------------------------------------------- configuration and time
    @rule(limits=LIMITS)
    def centre_limits(self, limits):
        self.limits = limits
        self.d.set_centre_limits(limits)

    @rule(ids=st.sets(st.sampled_from(IDS), min_size=4).map(sorted), data=st.data())
    def new_configuration(self, ids, data):
        self.seats = data.draw(seats_of(ids))
        self.d.replace_seats(self.seats, self.now)
        self.pausing = {i: t for i, t in self.pausing.items() if i in self.d.seats}

    @rule(policy=POLICIES)
    def new_policy(self, policy):
        self.policy = self.d.policy = policy

    @precondition(lambda self: {s.id for s in self.seats} == set(self.d.seats))
    @rule()
    def restart(self):
        old, duty = self.d.seats, {s.id: s.on_duty for s in self.d.seats.values()}
        self.d = Dispatcher(self.seats, self.policy)
        self.d.set_duty(duty, self.now)
        self.d.set_centre_limits(self.limits)
        for seat in old.values():
            self.d.restore(replace(seat, skills={}, centre="", kind="", on_duty=True))
        assert dict(self.d.seats) == dict(old)
        for waiting in self.queue.values():
            self.d.enqueue(waiting)
        self.pausing = {}

    @rule(seconds=st.sampled_from([0.5, 3.0, 5.0, 7.0, 10.5, 31.0, 65.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.d.expire(self.now)
        self.pausing = {i: t for i, t in self.pausing.items() if i in self.d.seats}

    # -------------------------------------------------------------- questions
    @invariant()
    def places_are_true(self):
        if not hasattr(self, "d"):
            return
        order = sorted(self.queue.values(), key=Waiting.rank)
        assert self.d.waiting() == order
        assert [self.d.position(w.call) for w in order] == list(range(1, len(order) + 1))

    @rule()
    def questions(self):
        naive = self.naive(self.now)
        for waiting in self.queue.values():
            serving = sum(waiting.demand.fits(s) for s in naive.signed())
            assert self.d.serving(waiting.demand) == serving
            assert self.d.can_be_served(waiting.demand) is (serving > 0)
            expected = naive.ahead(list(self.queue.values()), waiting.call)
            assert abs(self.d.ahead(waiting.call, self.now) - expected) < 1e-9
        assert self.d.position("stranger") is None
        assert self.d.ahead("stranger", self.now) == 0


TestMatching = Matching.TestCase
TestMatching.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
