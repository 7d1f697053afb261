"""Whatever is ordered, by whomever, in whatever order, over any number of restarts: nobody is restricted who was not
proposed by one person, confirmed by another, and is neither lifted nor over."""

from __future__ import annotations

import contextlib
import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from routing import RestrictionBook, RestrictionError, RestrictionRules, same_person

NUMBERS = ("13800000001", "+8613800000001", "13800000002", "057788001234", "88001234")
PEOPLE = st.sampled_from(("甲", "乙", " 甲", "丙"))
RULES = RestrictionRules(default_days=2, longest_days=5, propose_days=1, keep_days=4, area_code="0577", max_entries=3)
DAY = 86400.0


class Lists(RuleBasedStateMachine):
    """A plain model beside the list: per entry who proposed, who confirmed when, and whether it was ended."""

    @initialize()
    def begin(self) -> None:
        self.now = 1_795_564_800.0
        self.book = RestrictionBook(RULES)
        self.rows: dict[str, dict[str, object]] = {}
        self.confirmed: dict[str, tuple[float, float, str]] = {}
        """entry → (begins, until, normal number); taken out when lifted or replaced"""
        self.proposer: dict[str, str] = {}

    def write(self) -> None:
        """What the journal would hold."""
        for key, row in self.book.take_changes():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = json.loads(json.dumps(row))

    def some(self, data: st.DataObject) -> str | None:
        ids = sorted(one.id for one in self.book.entries())
        return data.draw(st.sampled_from(ids)) if ids else None

    @rule(number=st.sampled_from(NUMBERS), by=PEOPLE, days=st.sampled_from((None, 0.5, 5, 6)))
    def propose(self, number: str, by: str, days: float | None) -> None:
        with contextlib.suppress(RestrictionError):
            entry = self.book.propose(number, "abuse", self.now, by=by, days=days)
            self.proposer[entry.id] = by

    @rule(data=st.data(), by=PEOPLE)
    def confirm(self, data: st.DataObject, by: str) -> None:
        entry_id = self.some(data)
        if entry_id is None:
            return
        with contextlib.suppress(RestrictionError):
            entry = self.book.confirm(entry_id, self.now, by=by)
            assert not same_person(by, self.proposer[entry_id])
            for other, (_, _, number) in list(self.confirmed.items()):
                if number == entry.number:
                    del self.confirmed[other]
            self.confirmed[entry_id] = (self.now, self.now + entry.seconds, entry.number)

    @rule(data=st.data(), by=PEOPLE, what=st.sampled_from(("reject", "lift", "review", "appeal", "bundled")))
    def act(self, data: st.DataObject, by: str, what: str) -> None:
        entry_id = self.some(data)
        if entry_id is None:
            return
        with contextlib.suppress(RestrictionError):
            getattr(self.book, what)(entry_id, self.now, by=by, note="为什么")
            if what in ("reject", "lift"):
                self.confirmed.pop(entry_id, None)

    @rule(seconds=st.sampled_from((0.0, 1.0, 3600.0, DAY, 2 * DAY, 6 * DAY)), tidy=st.booleans())
    def time(self, seconds: float, tidy: bool) -> None:
        self.now += seconds
        if tidy:
            self.book.tick(self.now)

    @rule(number=st.sampled_from(NUMBERS))
    def rings(self, number: str) -> None:
        before = self.book.of_number(number, self.now)
        hit = self.book.hit(number, "c", self.now)
        assert (hit is None) == (before is None)
        if hit is not None and before is not None:
            assert hit.hits == before.hits + 1

    @rule()
    def restart(self) -> None:
        self.write()
        again = RestrictionBook(RULES, self.rows.values())
        assert again.broken == 0
        assert again.entries() == self.book.entries()
        for number in NUMBERS:
            assert again.of_number(number, self.now) == self.book.of_number(number, self.now)
        self.book = again

    @invariant()
    def only_who_should_be(self) -> None:
        for number in NUMBERS:
            plain = RULES.normal(number)
            should = {i for i, (a, b, n) in self.confirmed.items() if n == plain and a <= self.now < b}
            found = self.book.of_number(number, self.now)
            assert ({found.id} if found is not None else set()) == should
        for entry in self.book.entries():
            assert entry.marks[0].what == "proposed" and len(entry.marks) >= 1
            assert entry.until - entry.begins_at <= RULES.longest_days * DAY


Lists.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLists = Lists.TestCase
