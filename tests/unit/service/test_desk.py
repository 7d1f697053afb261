"""Pages of calls over engine and book, and the numbered log of events."""

import asyncio
import time

import pytest

import console
import tickets
from calls import Engine, MemoryJournal, Rules
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Seat, SeatState
from service import event_log
from service.desk import HotlineDesk
from service.event_log import EventLog


def flat(pages):
    return [call for page in pages for call in page]


class NoFlows:
    def flow_of(self, reference):
        return None


async def nothing(*_):
    return None


async def no_parts():
    return []


class Rig:
    def __init__(self, store):
        self.store, self.now = store, 2000.0
        self.switch = FakeSwitch()
        seats = [Seat("8001", "甲", "330000", {}, SeatState.OFFLINE)]
        self.engine = Engine(
            switch=self.switch, journal=MemoryJournal(), dispatcher=Dispatcher(seats),
            rules=Rules(NoFlows(), Demand()), entries={}, raw_path=str, clock=lambda: self.now,
        )  # fmt: skip
        self.desk = HotlineDesk(
            engine=self.engine, store=store, transcript=nothing, audio=nothing, manifest=nothing, health=no_parts,
            metrics=lambda: "", clock=lambda: self.now,
        )  # fmt: skip
        self.engine.observe(self.desk.on_change)

    async def live(self, *ids, waiting=False):
        for i in ids:
            self.now += 1
            self.switch.arrive(i)
            if waiting:
                self.switch.greeted(i)
            self.engine.feed(self.switch.events)
            self.switch.events = []
            await self.engine.turn()

    async def old(self, *ids, at=1000.0):
        for n, i in enumerate(ids):
            record = tickets.CallRecord(
                call_id=i, arrived_at=at + n, updated_at=at, state="ended", dialled="12345", caller_number="138",
                centre="330000", answered_at=at, joined_at=None, ended_at=at + 5, seat=None, outcome="abandoned",
                timeline=(), legs=(),
            )  # fmt: skip
            await self.store.put_call(record)

    async def pages(self, limit, live=None):
        cursor, pages = None, []
        for _ in range(50):
            page = await self.desk.calls(live=live, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            pages.append([c.id for c in page.items])
            cursor = page.next
            if cursor is None:
                return pages
        raise AssertionError("the pages never end")


@pytest.fixture
async def rig(tmp_path):
    store = tickets.Store(f"sqlite:///{tmp_path}/s.db")
    await store.migrate()
    yield Rig(store)
    await store.close()


# ---------------------------------------------------------------------- pages
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 7, 8, 50])
async def test_all_calls_come_once_newest_first_live_before_the_book(rig, limit):
    await rig.old("o1", "o2", "o3", "o4")
    await rig.live("l1", "l2", "l3")
    pages = await rig.pages(limit)
    assert flat(pages) == ["l3", "l2", "l1", "o4", "o3", "o2", "o1"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_only_live_or_only_ended_ones(rig, limit):
    await rig.old("o1", "o2")
    await rig.live("l1", "l2")
    assert flat(await rig.pages(limit, live=True)) == ["l2", "l1"]
    assert flat(await rig.pages(limit, live=False)) == ["o2", "o1"]


async def test_a_call_in_both_is_shown_once(rig):
    await rig.live("both")
    await rig.old("both", "o1")
    assert flat(await rig.pages(10)) == ["both", "o1"]


async def test_calls_of_one_instant_are_not_lost_between_two_pages(rig):
    for i in ("a", "b", "c"):
        rig.switch.arrive(i)
    rig.engine.feed(rig.switch.events)
    await rig.engine.turn()
    assert flat(await rig.pages(1)) == ["c", "b", "a"]


@pytest.mark.parametrize("cursor", ["x", "live:", "live:x:y", "", "live:nan:x"])
@pytest.mark.parametrize("live", [None, True])
async def test_a_cursor_of_nobodys_making_is_refused(rig, cursor, live):
    await rig.live("l1")
    with pytest.raises(console.UnknownCursorError):
        await rig.desk.calls(live=live, limit=5, cursor=cursor)


async def test_an_unknown_call_is_none_and_a_live_one_is_whole(rig):
    await rig.live("l1")
    assert await rig.desk.call("nobody") is None
    call = await rig.desk.call("l1")
    assert (call.id, call.state, call.transcript, call.draft) == ("l1", "arrived", None, None)


async def test_a_store_that_is_gone_is_said_as_such_and_the_floor_stays_visible(rig, monkeypatch):
    await rig.live("l1")

    async def gone(*_, **__):
        raise tickets.StoreUnavailable("gone")

    monkeypatch.setattr(rig.store, "calls", gone)
    monkeypatch.setattr(rig.store, "tickets", gone)
    with pytest.raises(console.UnavailableError):
        await rig.desk.calls(live=False, limit=5, cursor=None)
    assert [c.id for c in (await rig.desk.snapshot()).calls] == ["l1"]


async def test_a_busy_seat_and_an_unknown_one(rig):
    assert await rig.desk.order_seat("9999", console.SeatOrder(state="break", reason="meal")) is None
    seat = await rig.desk.order_seat("8001", console.SeatOrder(state="break", reason="meal"))
    assert (seat.state, seat.reason) == ("break", "meal")


# ---------------------------------------------------------------------- events
def seat(name):
    return console.Seat(id="8001", name=name, centre="330000", skills=[], state="offline", since=1.0)


async def take(events, n):
    async with asyncio.timeout(5):
        return [(await anext(events)).data.name for _ in range(n)]


async def test_events_after_a_number_then_new_ones_as_they_come():
    log = EventLog(lambda: 1000.0)
    start = log.last
    for name in "abc":
        log.tell(seat(name))
    events = log.follow(start + 1)
    assert await take(events, 2) == ["b", "c"]
    waiting = asyncio.ensure_future(take(events, 1))
    await asyncio.sleep(0)
    log.tell(seat("d"))
    assert await waiting == ["d"]


async def test_without_a_number_only_what_comes_from_now_on():
    log = EventLog(lambda: 1000.0)
    log.tell(seat("old"))
    events = log.follow(None)
    waiting = asyncio.ensure_future(take(events, 1))
    await asyncio.sleep(0)
    log.tell(seat("new"))
    assert await waiting == ["new"]


async def test_two_readers_both_get_everything():
    log = EventLog(lambda: 1000.0)
    waiting = [asyncio.ensure_future(take(log.follow(log.last), 3)) for _ in range(2)]
    for name in "abc":
        await asyncio.sleep(0)
        log.tell(seat(name))
    assert await asyncio.gather(*waiting) == [["a", "b", "c"]] * 2


async def test_only_the_last_ones_are_kept_and_numbers_grow_strictly(monkeypatch):
    monkeypatch.setattr(event_log, "KEPT_EVENTS", 3)
    log = EventLog(lambda: 1000.0)
    start = log.last
    for name in "abcde":
        log.tell(seat(name))
    assert await take(log.follow(start), 3) == ["c", "d", "e"]
    assert log.last == start + 5


def test_numbers_go_on_upwards_after_a_restart_and_fit_into_javascript():
    before = EventLog(lambda: 1763932131.0)
    for _ in range(1000):
        before.tell(seat("x"))
    after = EventLog(lambda: 1763932132.0)
    assert after.last > before.last
    assert EventLog(time.time).last + 10**9 < 2**53


# ---------------------------------------------------------------------- telling
async def test_changes_are_told_in_order_and_a_caller_who_left_the_queue_too(rig):
    events = rig.desk.log.follow(rig.desk.log.last)
    task = asyncio.create_task(rig.desk.run())
    try:
        await rig.live("l1", waiting=True)
        async with asyncio.timeout(5):
            first, second = await anext(events), await anext(events)
        assert (first.type, first.data.state) == ("call", "waiting")
        assert (second.type, second.data.position) == ("waiting", 1)
        rig.switch.leave("l1")
        rig.engine.feed(rig.switch.events)
        await rig.engine.turn()
        async with asyncio.timeout(5):
            third, fourth = await anext(events), await anext(events)
        assert (third.type, third.data.outcome) == ("call", "abandoned")
        assert (fourth.type, fourth.data.call, fourth.data.position) == ("waiting", "l1", None)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
