"""The figures after a run on the switch in memory: right, and without anybody's number or name."""

import re

import pytest

from calls import Engine, MemoryJournal, Rules
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState
from service.metrics import Metrics


class NoFlows:
    def flow_of(self, reference):
        return None


class Floor:
    def __init__(self, seats=("8001", "8002")):
        self.now = 1000.0
        self.switch = FakeSwitch()
        dispatcher = Dispatcher(
            [Seat(i, "王座席", "330000", {}, SeatState.AVAILABLE) for i in seats], Policy(wrap_up=20)
        )
        self.journal = MemoryJournal()
        self.engine = Engine(
            switch=self.switch, journal=self.journal, dispatcher=dispatcher, rules=Rules(NoFlows(), Demand()),
            entries={}, raw_path=str, clock=lambda: self.now,
        )  # fmt: skip
        self.metrics = Metrics(self.engine, clock=lambda: self.now)
        self.metrics.count_from("hotline_engine", "Engine", self.engine.counters)
        self.engine.observe(self.metrics.on_change)

    async def settle(self, seconds=0.0):
        self.now += seconds
        self.switch.now = self.now
        for _ in range(30):
            events, self.switch.events = self.switch.events, []
            self.engine.feed(events)
            await self.engine.turn()
            if not self.switch.events and not self.engine._inbox:
                return

    def figures(self):
        return {m[1]: float(m[2]) for m in re.finditer(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", self.metrics.text(), re.M)}


@pytest.fixture
def floor():
    return Floor()


async def test_one_served_and_one_lost_caller_are_counted_as_such(floor):
    floor.switch.arrive("h-1.1", number="13800001234")
    await floor.settle()
    floor.switch.greeted("h-1.1")
    await floor.settle(4.0)
    (leg,) = floor.switch.legs
    floor.switch.ring(leg)
    await floor.settle(1.0)
    floor.switch.answer(leg)
    await floor.settle(6.0)
    f = floor.figures()
    assert f['hotline_calls{state="talking"}'] == 1
    assert f['hotline_seats{state="talking"}'] == 1
    assert f["hotline_answer_seconds_count"] == 1
    assert f["hotline_answer_seconds_sum"] == 7.0, "from the end of the greeting until joined"
    assert f['hotline_answer_seconds_bucket{le="5.0"}'] == 0
    assert f['hotline_answer_seconds_bucket{le="10.0"}'] == 1
    floor.switch.arrive("h-1.2", number="13900005678")
    await floor.settle(1.0)
    floor.switch.leave("h-1.2")
    floor.switch.leave("h-1.1")
    await floor.settle(30.0)
    f = floor.figures()
    assert f['hotline_calls_ended_total{outcome="served"}'] == 1
    assert f['hotline_calls_ended_total{outcome="abandoned"}'] == 1
    assert (f["hotline_talk_seconds_count"], f["hotline_talk_seconds_sum"]) == (1, 31.0)
    assert f['hotline_calls{state="wrap_up"}'] == 1
    await floor.settle(21.0)
    f = floor.figures()
    assert f['hotline_calls{state="wrap_up"}'] == 0
    assert f['hotline_seats{state="available"}'] == 2
    assert f["hotline_engine_calls_total"] == 2
    assert f["hotline_engine_errors_total"] == 0
    assert f["hotline_answer_seconds_count"] == 1, "a call is answered once"


async def test_the_queue_and_its_longest_wait_are_the_present_ones():
    floor = Floor(seats=())
    for i, wait in ((1, 0.0), (2, 10.0)):
        floor.switch.arrive(f"h-1.{i}")
        floor.switch.greeted(f"h-1.{i}")
        await floor.settle(wait)
    await floor.settle(5.0)
    f = floor.figures()
    assert f["hotline_waiting"] == 2
    assert f["hotline_longest_wait_seconds"] == 15.0
    for i in (1, 2):
        floor.switch.leave(f"h-1.{i}")
    await floor.settle()
    assert floor.figures()["hotline_waiting"] == 0
    assert floor.figures()["hotline_longest_wait_seconds"] == 0


async def test_a_journal_that_takes_nothing_shows(floor):
    floor.engine.journal_ok = False
    assert floor.figures()["hotline_journal_ok"] == 0


async def test_no_number_name_or_call_is_in_the_metrics(floor):
    floor.switch.arrive("h-1763932131.77", number="13800001234")
    floor.switch.greeted("h-1763932131.77")
    await floor.settle(3.0)
    text = floor.metrics.text()
    for secret in ("13800001234", "1763932131", "王", "8001"):
        assert secret not in text


async def test_every_state_has_its_line_from_the_first_scrape(floor):
    f = floor.figures()
    assert sum(name.startswith("hotline_seats{") for name in f) == len(SeatState)
    assert f['hotline_calls{state="waiting"}'] == 0


async def test_two_instances_in_one_process_do_not_share_figures(floor):
    other = Floor()
    floor.switch.arrive("h-1.1")
    await floor.settle()
    assert other.figures()["hotline_engine_calls_total"] == 0
