"""Whatever happens, in whatever order: no entry is lost, nobody is rung twice at once, at night, or for ever."""

import json
from dataclasses import replace
from datetime import datetime, time

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from routing import CallbackBook, CallbackRules
from routing._callback_rules import CHINA, ENDED, OUTCOMES, REASONS, STANDING_BY

NUMBERS = st.sampled_from([f"n{i}" for i in range(5)])
RULES = CallbackRules(
    attempts=2, spacing=(300,), queue_spacing=(60,), any_time=900, expire=100_000, keep=1e9, min_free=1, max_running=2,
    do_not_disturb=frozenset({"n4"}),
)  # fmt: skip
SIX_WEEKS = 3_700_000.0


class List(RuleBasedStateMachine):
    @initialize(hour=st.integers(0, 23))
    def begin(self, hour):
        self.now = datetime(2026, 8, 3, hour, tzinfo=CHINA).timestamp()
        self.b = CallbackBook(RULES)
        self.store = {}
        self.known = set()
        self.asked = {}
        """entry → the best rank it was ever asked with"""

    # ------------------------------------------------------------------ what happens
    @rule(number=NUMBERS, reason=st.sampled_from(REASONS), waited=st.integers(0, 300))
    def asked_for(self, number, reason, waited):
        if self.b.refusal(number, reason):
            assert number == "n4" and reason not in STANDING_BY
            return
        before = self.b.of_number(number)
        entry = self.b.add(number, reason, self.now, since=self.now - waited, origin=f"c{self.now}")
        self.known.add(entry.id)
        if reason in STANDING_BY:
            best = self.asked.get(entry.id, self.now) if before and before.reason in STANDING_BY else self.now
            self.asked[entry.id] = min(best, self.now - waited)

    @rule(free=st.integers(0, 6), waiting=st.integers(0, 3))
    def work(self, free, waiting):
        open_queue = {e.id for e in self.b.entries() if e.state == "open" and e.reason in STANDING_BY}
        running = {e.number for e in self.b.entries() if e.state == "running"}
        others = sum(e.state == "running" and e.reason not in STANDING_BY for e in self.b.entries())
        out = self.b.take_due(self.now, free_seats=free, waiting_live=waiting)
        hour = datetime.fromtimestamp(self.now, CHINA).time()
        within = time(8, 30) <= hour < time(20, 30)
        for entry in out:
            assert entry.number not in running, "never rung twice at once"
            running.add(entry.number)
            assert entry.not_before <= self.now and entry.expires_at > self.now
            assert within or (entry.reason in STANDING_BY and self.now < entry.asked_at + RULES.any_time)
            if entry.reason in STANDING_BY:
                assert entry.rank_since == self.asked[entry.id], "the rank is kept"
        asked = [e for e in out if e.reason in STANDING_BY]
        rest = [e for e in out if e.reason not in STANDING_BY]
        assert out == asked + rest and asked == sorted(asked, key=lambda e: (e.rank_since, e.id))
        assert rest == sorted(rest, key=lambda e: (REASONS.index(e.reason), e.created_at, e.id))
        assert not rest or len(rest) <= min(free - waiting - 1 - len(asked), 2 - others)
        for i in open_queue - {e.id for e in asked}:
            left = self.b.get(i)
            assert left.state != "open" or left.not_before > self.now or not within, "who asked and is due goes at once"

    @rule(n=st.integers(0, 4), outcome=st.sampled_from(sorted(OUTCOMES)))
    def an_outbound_call_ends(self, n, outcome):
        running = [e for e in self.b.entries() if e.state == "running"]
        if running:
            entry = running[n % len(running)]
            again = self.b.finished(entry.id, outcome, self.now)
            assert again.attempts - entry.attempts == (outcome not in ("seat_lost", "interrupted", "cancelled"))

    @rule(number=NUMBERS)
    def rings_in_and_is_served(self, number):
        entry = self.b.of_number(number)
        self.b.served(number, self.now)
        rest = self.b.of_number(number)
        assert rest is None or rest.reason == "visit"
        if entry is not None and any(r == "visit" for r, _ in [*entry.also, (entry.reason, "")]):
            assert rest is not None, "a visit is not forgotten"
        if rest is not None:
            self.known.add(rest.id)

    @rule(n=st.integers(0, 9))
    def is_cancelled(self, n):
        entries = self.b.entries()
        if entries:
            self.b.cancel(entries[n % len(entries)].id, self.now)

    @rule(seconds=st.sampled_from([0, 1, 59, 61, 299, 901, 7200, 40_000]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(wakes=st.integers(1, 3))
    def time_passes_to_the_next_thing(self, wakes):
        for _ in range(wakes):
            at = self.b.next_due(self.now)
            if at is not None and at < self.now + SIX_WEEKS:
                assert at > self.now
                self.now = at
            self.work(6, 0)

    @rule()
    def restart(self):
        self.written()
        fresh = CallbackBook(RULES, [json.loads(text) for text in self.store.values()])
        assert fresh.entries() == self.b.entries() and fresh.broken == 0
        assert fresh.next_due(self.now) is not None or self.b.next_due(self.now) is None
        self.b = fresh

    @rule()
    def configured_anew(self):
        self.b.replace_rules(replace(RULES), self.now)

    def written(self):
        for entry_id, row in self.b.take_changes():
            assert row is not None
            self.store[entry_id] = json.dumps(row)

    # ------------------------------------------------------------------ what always holds
    @invariant()
    def nothing_is_lost_and_the_store_knows_all(self):
        if not hasattr(self, "b"):
            return
        self.written()
        assert self.known == set(self.store) == {e.id for e in self.b.entries()}
        for e in self.b.entries():
            assert json.loads(self.store[e.id]) == json.loads(json.dumps(e.json()))

    @invariant()
    def one_entry_a_number(self):
        if hasattr(self, "b"):
            alive = [e for e in self.b.entries() if e.state not in ENDED]
            assert len({e.number for e in alive}) == len(alive)
            assert all(self.b.of_number(e.number) == e for e in alive)
            assert all(e.attempts <= RULES.attempts for e in self.b.entries())

    def teardown(self):
        """Given time, every entry ends, woken by nothing but `next_due` and the ends of its calls."""
        if not hasattr(self, "b"):
            return
        for _ in range(200):
            for e in self.b.take_due(self.now, free_seats=9, waiting_live=0):
                assert e.state == "running"
            running = [e for e in self.b.entries() if e.state == "running"]
            for e in running:
                self.b.finished(e.id, "no_answer", self.now)
            at = self.b.next_due(self.now)
            if not running and (at is None or at > self.now + SIX_WEEKS):
                break
            self.now = self.now if at is None else min(at, self.now + SIX_WEEKS)
        assert {e.state for e in self.b.entries()} <= ENDED


TestList = List.TestCase
TestList.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
