"""Who hears whom, whatever is ordered and whatever fails: seats and outside lines come, consult, swap, leave; phones
refuse, callers hang up, events are lost, the process is killed. Hypothesis drives; the fake switch has real bridges.

What must always be true: the caller hears whom the books say, and nobody of a private consultation; a caller that
nobody is with is in the music and somebody is on the way, or it is back in the queue; six parties at most.
"""

import asyncio
import os
from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from calls import CallState, Engine, Host, LegState, MemoryJournal, OrderError, Rules
from calls import events as e
from calls.model import SIDE, TALK
from calls.ports import Place
from calls.testing import FakeSwitch
from routing import CentreTree, Demand, Directory, Dispatcher, Entry, Policy, RoutingBook, Seat, Trunk, WaitingRules

S = CallState
SEATS = tuple(f"800{i}" for i in range(1, 7))
POLICY = Policy(reserve=3, ring=10, wrap_up=5, missed_limit=50, refused_pause=1)
DIRECTORY = Directory(
    (
        Entry("110", "公安", "police", "emergency", ("110",), ("a", "b"), fallback="119", ring=10.0),
        Entry("119", "消防", "fire", "emergency", ("119",), ("b",), ring=10.0),
        Entry("water", "供水", "water", "utility", ("96390",), ("a",)),
        Entry("gone", "无线路", "no line", "utility", ("1",), ()),
    ),
    {x.name: x for x in (Trunk("a", "127.0.0.1:1"), Trunk("b", "127.0.0.1:2"))},
    {"9": "110"},
)  # fmt: skip


class NoFlows:
    def flow_of(self, reference):
        return None


def make_engine(switch, journal, clock):
    dispatcher = Dispatcher([Seat(i, i, "330000", {"putonghua": 5, "en": 3}) for i in SEATS], POLICY)
    book = RoutingBook(CentreTree.of([]), "330000", default_skills=(("putonghua", 1),),
                       waiting=WaitingRules(tell_after=1e9, voicemail=False))  # fmt: skip
    host = Host(dispatcher, book)
    host.outside.directory = DIRECTORY
    return Engine(
        switch=switch, journal=journal, dispatcher=dispatcher, entries={}, host=host, clock=clock,
        rules=Rules(NoFlows(), Demand((("putonghua", 1),)), ring=10.0, tell_after=1e9), raw_path=lambda call: call,
    )  # fmt: skip


class Deaf:
    """A switch that our commands never reach."""

    up = True

    def do(self, command):
        pass


class Rooms(RuleBasedStateMachine):
    callers = Bundle("callers")

    def __init__(self):
        super().__init__()
        self.now = 1_764_050_400.0
        self.n = 0
        self.loop = asyncio.new_event_loop()
        self.switch, self.journal = FakeSwitch(now=self.now), MemoryJournal()
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.switch.phones.update(SEATS)
        self.engine.feed([e.PhoneUp(i) for i in SEATS])
        self.settle()

    def teardown(self):
        assert self.engine.counters.errors == 0
        self.loop.close()

    def settle(self):
        for _ in range(80):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            self.loop.run_until_complete(self.engine.turn())
            if not self.switch.events and not self.engine._inbox:
                return
        raise AssertionError(f"the engine and the switch never come to rest: {self.switch.events, self.engine._inbox}")

    def order(self, what):
        try:
            what()
        except OrderError as error:
            self.refused = error.code
        self.settle()

    # ------------------------------------------------------------------ what happens
    @rule(target=callers, talk=st.booleans())
    def a_caller_arrives(self, talk):
        call = f"hotline-{self.n}.0"
        self.n += 1
        self.switch.arrive(call, "13800000000")
        self.switch.greeted(call)
        self.settle()
        if talk:
            for leg in [x for x, one in self.switch.legs.items() if one.call == call and one.state == "dialled"]:
                self.switch.answer(leg)
            self.settle()
        return call

    @rule(call=consumes(callers))
    def a_caller_hangs_up(self, call):
        if call in self.switch.callers:
            self.switch.leave(call)
            self.settle()

    @rule(call=callers, how=st.sampled_from(["join", "consult", "transfer"]),
          which=st.sampled_from(["seat", "skill", "entry", "entry", "gone"]), i=st.integers(0, 5), key=st.booleans())
    def a_party_is_wanted(self, call, how, which, i, key):
        wish = {"seat": SEATS[i]} if which == "seat" else {"skill": "en"} if which == "skill" else (
            {"entry": "gone" if which == "gone" else ("water", "119")[i % 2]})
        before = len(self.engine.calls[call].parties) if call in self.engine.calls else 0
        for _ in range(2 if key else 1):
            self.order(lambda: self.engine.want_party(call, how, key=f"k{before}-{i}" if key else "", **wish))
        after = self.engine.calls.get(call)
        assert after is None or len(after.parties) <= before + 1, "one order, one party, however often it is sent"

    @rule(call=callers)
    def an_emergency(self, call):
        self.order(lambda: self.engine.emergency(call, "110"))

    @rule(call=callers)
    def the_caller_presses_the_key(self, call):
        if call in self.switch.callers:
            self.switch.events.append(e.DigitPressed(call, "9"))
            self.settle()

    @rule(call=callers, what=st.sampled_from(
        ["join", "swap", "complete", "return", "hold", "resume", "leave", "mute", "unmute"]), i=st.integers(0, 3))
    def it_is_arranged(self, call, what, i):
        ours = self.engine.calls.get(call)
        seats = [x.who for x in ours.talkers if x.kind != "line"] if ours is not None else []
        self.order(lambda: self.engine.arrange(call, what, seat=seats[i % len(seats)] if seats else ""))

    @rule(call=callers, i=st.integers(0, 3))
    def a_party_is_dropped(self, call, i):
        ours = self.engine.calls.get(call)
        if ours is not None and ours.parties:
            self.order(lambda: self.engine.drop_party(call, ours.parties[i % len(ours.parties)].id))

    @rule(call=callers, mode=st.sampled_from(["listen", "whisper", "barge", "takeover", "stop"]))
    def a_supervisor(self, call, mode):
        self.order(lambda: self.engine.supervise(call, mode, "8006"))

    @rule(call=callers, to=st.sampled_from(["8002", "119", "999999"]))
    def a_phone_refers_its_caller(self, call, to):
        ours = self.engine.calls.get(call)
        seat = ours.main_seat if ours is not None and ours.state is S.TALKING else None
        if seat is None or self.switch.together(call) != {seat.id}:
            return
        for channel in (call, seat.id):
            self.switch.bridges.pop(channel)
        self.switch.callers[call].held = True
        self.switch.events.append(e.Referred(call, seat.id, to))
        self.switch.end_leg(seat.id, 31)
        self.settle()

    @precondition(lambda self: self.switch.legs)
    @rule(data=st.data(), what=st.sampled_from(["ring", "answer", "answer", "answer", "busy", "gone", "hang", "lost"]))
    def a_phone_acts(self, data, what):
        leg = data.draw(st.sampled_from(sorted(self.switch.legs)))
        self.act(leg, what)
        self.settle()

    def act(self, leg, what):
        one = self.switch.legs.get(leg)
        if one is None:
            return
        up = one.state in ("joined", "ready")
        if what == "ring" and one.state == "dialled":
            self.switch.ring(leg)
        elif what == "answer" and not up:
            self.switch.answer(leg)
        elif what in ("busy", "gone") and not up:
            self.switch.end_leg(leg, 17 if what == "busy" else 1)
        elif what == "hang" and up:
            self.switch.end_leg(leg, 16)
        elif what == "lost":
            self.switch.end_leg(leg, 38)

    @rule()
    def every_phone_is_answered(self):
        for leg in sorted(self.switch.legs):
            self.act(leg, "answer")
            self.settle()

    @rule(seconds=st.sampled_from([0.1, 1.5, 4.0, 11.0, 30.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.switch.now = self.now
        self.settle()

    @rule(in_the_middle=st.booleans(), call=callers)
    def the_process_is_killed(self, in_the_middle, call):
        if in_the_middle and call in self.engine.calls:
            # An order is journalled, its commands are never sent.
            self.engine._switch = Deaf()
            self.order(lambda: self.engine.arrange(call, "hold"))
            self.order(lambda: self.engine.want_party(call, "consult", entry="water"))
        old = dict(self.engine.calls)
        self.engine = make_engine(self.switch, self.journal, lambda: self.now)
        self.loop.run_until_complete(self.engine.recover())
        assert {i: replace(x, tell_at=None) for i, x in self.engine.calls.items()} == {
            i: replace(x, tell_at=None) for i, x in old.items()}
        self.now += 5.0
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    @precondition(lambda self: self.switch.legs)
    @rule(data=st.data())
    def events_are_lost_and_a_sweep_finds_out(self, data):
        for leg in data.draw(st.sets(st.sampled_from(sorted(self.switch.legs)), max_size=2)):
            self.act(leg, data.draw(st.sampled_from(["answer", "hang", "lost"])))
        self.switch.events.clear()
        self.now += 5.0
        self.switch.now = self.now
        self.loop.run_until_complete(self.engine.sweep(after_gap=True))
        self.settle()

    # ------------------------------------------------------------------ what must always be true
    @invariant()
    def everybody_is_where_the_books_say(self):
        for call in self.engine.calls.values():
            if call.state is not S.TALKING:
                continue
            heard = self.switch.together(call.id)
            talk = {x.id for x in call.talkers if x.room == TALK and not x.cancelled}
            side = {x.id for x in call.talkers if x.room == SIDE}
            assert heard == talk, (call.timeline[-4:], heard, talk)
            assert not heard & side, "a private word is heard"
            assert {x.id for x in call.legs if x.heard and x.heard[-1][1] is None} == heard
            for one in side:
                assert self.switch.together(one) <= side
            assert call.held == (not heard)

    @invariant()
    def nobody_is_left_alone(self):
        for call, there in self.switch.callers.items():
            ours = self.engine.calls.get(call)
            assert ours is not None
            queued = self.engine.dispatcher.is_waiting(call)
            assert queued == (ours.state is S.WAITING), (ours.state, queued)
            if ours.state is S.WAITING:
                assert there.place is Place.WAITING and not there.held and not self.switch.together(call)
            if ours.state is S.TALKING and not self.switch.together(call):
                coming = [p for p in ours.parties if p.state in ("queued", "ringing")
                          and (p.private or p.how == "emergency")]  # fmt: skip
                assert ours.talkers or coming or ours.timers, "in the music, and nobody is on the way"

    @invariant()
    def no_more_than_six(self):
        """An emergency line comes all the same (Art. 11)."""
        for call in self.engine.calls.values():
            lines = {p.leg for p in call.parties if p.how == "emergency"}
            assert 1 + sum(x.id not in lines for x in call.talkers) <= 6

    @invariant()
    def no_seat_is_in_two_places(self):
        places = [x.seat for x in self.switch.legs.values() if x.seat in SEATS and x.role not in ("listen", "whisper")]
        assert len(places) == len(set(places)), places

    @invariant()
    def no_leg_is_forgotten(self):
        for leg, one in self.switch.legs.items():
            ours = self.engine.calls.get(one.call)
            known = ours.leg(leg) if ours is not None else None
            assert known is not None and known.state is not LegState.GONE, (leg, ours and ours.state)


TestRooms = Rooms.TestCase
TestRooms.settings = settings(
    max_examples=int(os.environ.get("ROOMS", "60")), stateful_step_count=30, deadline=None, report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
