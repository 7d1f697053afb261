"""A restricted caller at the gate: told and released, never an emergency's, never after a restart forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calls import CallState, Engine, Host, MemoryJournal, Rules
from calls import commands as c
from calls import events as e
from calls._restricted import announcement
from calls.testing import FakeSwitch
from ivr import load_prompts
from routing import (
    CentreTree,
    Demand,
    Dispatcher,
    NumberRule,
    Policy,
    Restriction,
    RestrictionError,
    RoutingBook,
    Seat,
    SeatState,
)
from tests.conftest import ROOT

NUMBER = "13800001234"
DAY = 86400.0


class NoFlows:
    def flow_of(self, reference):
        return None


class Rig:
    """An engine with one seat, on a journal that outlives it."""

    def __init__(self, journal=None):
        self.now = 1_795_564_800.0
        self.journal = journal or MemoryJournal()
        self.switch = FakeSwitch()
        seats = [Seat("8001", "甲", "330300", {}, SeatState.AVAILABLE, self.now)]
        dispatcher = Dispatcher(seats, Policy())
        book = RoutingBook(CentreTree.of([]), "330300", {s.id: s for s in seats}, numbers={"12345": NumberRule()},
                           emergency_dialled=frozenset({"9110"}))  # fmt: skip
        self.host = Host(dispatcher, book)
        self.engine = Engine(
            switch=self.switch, journal=self.journal, dispatcher=dispatcher, rules=Rules(NoFlows(), Demand()),
            entries={}, raw_path=str, clock=lambda: self.now, host=self.host,
        )  # fmt: skip

    async def restrict(self, number=NUMBER, **more):
        entry = self.engine.restrict(number, "abuse", **{"by": "甲", "role": "supervisor", **more})
        self.engine.restriction_act(entry.id, "confirm", by="乙", role="admin")
        await self.engine.turn()
        return entry.id

    async def rings(self, call, number=NUMBER, **more):
        more = {"dialled": "12345", "origin": "trunk", **more}
        self.engine.feed([e.Arrived(call, f"PJSIP/{call}", number=number, **more)])
        await self.engine.turn()
        return self.engine.calls[call]

    def farewells(self):
        return [x for x in self.switch.commands if isinstance(x, c.Farewell)]


@pytest.fixture
def rig():
    return Rig()


async def test_a_restricted_caller_is_told_why_how_long_and_how_to_appeal(rig):
    entry = await rig.restrict(days=3)
    call = await rig.rings("c1", "+86" + NUMBER)
    assert (call.state, call.turned) == (CallState.LEAVING, "restricted")
    (words,) = rig.farewells()
    assert [p.rpartition("/")[2] for p in words.prompts] == [
        "restricted-why", "restricted-left", "num-3", "restricted-days", "restricted-emergency", "restricted-appeal",
        "restricted-short",
    ]  # fmt: skip
    got = rig.host.restrictions.get(entry)
    assert (got.hits, got.turned) == (1, ("c1",))
    assert rig.journal.tables["restrictions"][entry]["hits"] == 1, "written with the call's own batch"


@pytest.mark.parametrize(
    "more", [{"number": "13900000000"}, {"number": ""}, {"origin": "line-police"}, {"dialled": "9110"}]
)
async def test_others_are_let_in(rig, more):
    await rig.restrict()
    call = await rig.rings("c1", **{"number": NUMBER, **more})
    assert not call.turned and call.state is CallState.ARRIVED and rig.farewells() == []


async def test_an_unreviewed_lifted_or_over_restriction_turns_nobody_away(rig):
    rig.engine.restrict(NUMBER, "abuse", by="甲", role="supervisor")
    assert not (await rig.rings("c1")).turned
    with pytest.raises(RestrictionError, match="already-proposed"):
        await rig.restrict()
    (proposal,) = rig.host.restrictions.entries()
    rig.engine.restriction_act(proposal.id, "confirm", by="乙", role="admin")
    assert (await rig.rings("c2")).turned
    rig.engine.restriction_act(proposal.id, "lift", by="甲", role="supervisor", note="误认")
    assert not (await rig.rings("c3")).turned
    await rig.restrict(days=1)
    rig.now += DAY
    assert not (await rig.rings("c4")).turned


async def test_a_restart_forgets_neither_the_list_nor_its_history(rig):
    entry = await rig.restrict()
    await rig.rings("c1")
    again = Rig(rig.journal)
    await again.engine.recover()
    assert again.host.restrictions.get(entry) == rig.host.restrictions.get(entry)
    assert (await again.rings("c2")).turned


async def test_who_is_let_in_last_waits_behind_everybody(rig):
    rig.engine.ask_seat("8001", SeatState.BREAK)
    await rig.restrict(variant="queue-last")
    assert not (await rig.rings("c1")).turned
    rig.engine.feed([e.Waits("c1")])
    await rig.engine.turn()
    rig.now += 600
    await rig.rings("c2", "13900000000")
    rig.engine.feed([e.Waits("c2")])
    await rig.engine.turn()
    assert [w.call for w in rig.engine.dispatcher.waiting()] == ["c2", "c1"]
    assert rig.host.restrictions.of_number(NUMBER, rig.now).hits == 1


async def test_our_own_number_cannot_be_restricted(rig):
    rig.host.book = replace(rig.host.book, numbers={"057712345678": NumberRule()})
    with pytest.raises(RestrictionError, match="not-restrictable"):
        await rig.restrict("+8657712345678")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (3 * DAY, ("restricted-left", "num-3", "restricted-days")),
        (2 * DAY, ("restricted-left", "num-two", "restricted-days")),
        (DAY + 1, ("restricted-left", "num-two", "restricted-days")),
        (DAY, ("restricted-left", "num-20", "num-4", "restricted-hours")),
        (3600, ("restricted-soon",)), (1, ("restricted-soon",)), (120 * DAY, ("restricted-months",)),
    ],
)  # fmt: skip
def test_how_long_is_rounded_up_and_every_word_has_a_prompt(left, words):
    entry = Restriction("r", NUMBER, "abuse", 1, 0, "甲", until=left)
    said = announcement(entry, {"9": "110", "8": "119", "*": "120", "7": "expert"}, 0.0)
    plain = [p.removeprefix("hotline/zh/") for p in said if p.startswith("hotline/zh/")]
    assert tuple(plain[1:-6]) == words and plain[-5:-1] == [
        "emergency-offer-110", "num-9", "emergency-offer-119", "num-8"
    ]  # fmt: skip
    known = load_prompts(ROOT / "config/prompts/prompts.yaml").prompts
    assert {p.rpartition("/")[2] for p in said} <= set(known)
