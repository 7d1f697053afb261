"""The lease on a real Redis, with clocks of the test's own: one acts at a time, whatever stops, jumps or is lost."""

import asyncio
import itertools

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from calls import Batch, Engine, Fenced, Guarded, Lease, MemoryJournal, RedisJournal, Rules
from calls import commands as c
from calls import events as e
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState
from service.private import PrivateRedis
from tests.conftest import ROOTFS, free_port

pytestmark = pytest.mark.integration
prefixes = (f"lease{i}:" for i in itertools.count())


class Clock:
    """Seconds of one process: they pass when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
async def redis(redis_url):
    client = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_timeout=0.5)
    yield client
    await client.aclose()


@pytest.fixture
def prefix():
    return next(prefixes)


@pytest.fixture
async def make(redis, prefix):
    made = []

    def one(node, clock=None, **more):
        lost = []
        lease = Lease(redis, prefix, node=node, url=f"http://{node}", clock=clock or Clock(),
                      on_lost=lambda: lost.append(node), **more)  # fmt: skip
        lease.lost = lost
        made.append(lease)
        return lease

    yield one
    for lease in made:
        await lease.stop()


async def test_one_has_it_the_others_see_who_and_where(make):
    a, b = make("a"), make("b")
    assert await a.try_acquire()
    assert not await b.try_acquire()
    assert (a.held, b.held) == (True, False)
    assert (b.holder.node, b.holder.url, b.holder.token) == ("a", "http://a", a.token)
    assert not b.other_lives, "seen once: it may be what a dead process left"


async def test_who_renews_is_seen_to_live(make, eventually):
    a, b = make("a", renew=0.05), make("b")
    await a.try_acquire()

    async def looks():
        await b.try_acquire()
        return b.other_lives

    for _ in range(100):
        if await looks():
            break
        await asyncio.sleep(0.02)
    assert b.other_lives


async def test_a_clean_end_hands_over_at_once_under_a_higher_token(make):
    a, b = make("a"), make("b")
    await a.try_acquire()
    first = a.token
    await a.release()
    assert not a.held
    assert a.lost == [], "let go by itself: nothing was lost"
    assert await b.try_acquire()
    assert b.token > first


async def test_a_process_that_was_stopped_knows_at_once_that_it_may_not_act(make):
    clock = Clock()
    a = make("a", clock)
    await a.try_acquire()
    assert a.held
    clock.now += 1.2
    assert a.held
    clock.now += 0.2
    assert not a.held, "before anybody was asked"
    assert a.holds, "nobody else was seen yet"


async def test_a_stopped_holder_is_replaced_and_finds_out_when_it_wakes(make, redis, prefix, eventually):
    a = make("a", renew=0.05)
    await a.try_acquire()
    await a.stop()  # it does not renew any more
    b = make("b")
    await redis.delete(f"{prefix}lease")  # its time is over
    assert await b.try_acquire()
    a._keeper = asyncio.create_task(a._keep())  # it wakes
    await eventually(lambda: a.lost == ["a"])
    assert (a.held, a.holds, b.held) == (False, False, True)


async def test_a_wall_clock_that_jumps_back_on_the_redis_machine_does_not_keep_the_dead_alive(make, redis, prefix):
    a, clock = make("a"), Clock()
    await a.try_acquire()
    await a.stop()
    await redis.pexpire(f"{prefix}lease", 3_600_000)  # as if the machine's clock had gone back an hour
    b = make("b", clock)
    assert not await b.try_acquire()
    clock.now += 1.5
    assert not await b.try_acquire()
    clock.now += 0.2
    assert await b.try_acquire(), "no sign of life for longer than a lease lasts"
    assert b.token > a.token


async def test_a_sign_of_life_begins_the_waiting_anew(make, redis, prefix):
    a, clock = make("a", renew=0.02), Clock()
    await a.try_acquire()
    b = make("b", clock)
    for _ in range(5):
        assert not await b.try_acquire()
        await asyncio.sleep(0.1)
        clock.now += 1.0  # five seconds by its clock, with a beat in each
    assert a.held


async def test_a_wall_clock_that_jumps_forward_ends_the_lease_but_not_the_order_of_writing(make, redis, prefix):
    a, b = make("a"), make("b")
    await a.try_acquire()
    old = RedisJournal(redis, prefix, token=a.token)
    await old.append(Batch(rows=[("callers", "1", {"n": 1})]))
    await redis.delete(f"{prefix}lease")  # as if an hour had passed for Redis
    assert await b.try_acquire()
    assert a.held, "it cannot know yet"
    with pytest.raises(Fenced):
        await old.append(Batch(rows=[("callers", "1", {"n": 2})]))
    assert await old.rows("callers") == {"1": {"n": 1}}


async def test_a_lapsed_lease_that_nobody_took_goes_on_under_the_same_token(make, redis, prefix, eventually):
    returned, clock = [], Clock()
    a = make("a", clock, renew=0.05, on_return=lambda: returned.append(True))
    await a.try_acquire()
    token = a.token
    clock.now += 10.0
    await redis.delete(f"{prefix}lease")
    await eventually(lambda: returned)
    assert (a.held, a.token, a.returns) == (True, token, 1)
    assert not await make("b").try_acquire()


async def test_without_redis_nobody_acts_and_the_holder_comes_first_when_it_is_back(tmp_path, eventually):
    server = PrivateRedis(ROOTFS, tmp_path / "redis", free_port())
    await server.start()

    def client():
        return Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), socket_timeout=0.5, socket_connect_timeout=0.5)

    one, two = client(), client()
    a, b = Lease(one, node="a", renew=0.1), Lease(two, node="b")
    try:
        assert await a.try_acquire()
        token = a.token
        await server.stop()
        waiting = asyncio.create_task(b.acquire())
        await eventually(lambda: not a.held, what="its time is over")
        assert a.holds
        await server.start()
        await eventually(lambda: a.held or b.held)
        await asyncio.sleep(0.5)
        assert (a.held, a.token, b.held) == (True, token, False)
        waiting.cancel()
    finally:
        for lease in (a, b):
            await lease.stop()
        for redis in (one, two):
            await redis.aclose()
        await server.stop()


async def test_an_answer_that_was_lost_grants_the_same_process_again(make, redis, prefix):
    a = make("a")
    await a.try_acquire()
    first = a.token
    await a.stop()
    a.token = 0  # the answer never arrived
    assert await a.try_acquire()
    assert a.token > first


async def test_two_processes_of_the_same_name_are_two(make):
    a, b = make("1"), make("1")
    assert await a.try_acquire()
    assert not await b.try_acquire()


async def test_a_loser_may_hold_it_again_later(make):
    a, b = make("a"), make("b")
    await a.try_acquire()
    a.lose()
    a.lose()
    assert a.lost == ["a"], "told once"
    await a.release()
    await b.try_acquire()
    await b.release()


# ---------------------------------------------------------------------- the engine
class NoFlows:
    def flow_of(self, reference):
        return None


def engine(switch, journal, **more):
    seats = [Seat("8001", "8001", "330000", {}, SeatState.OFFLINE)]
    return Engine(
        switch=switch, journal=journal, entries={}, raw_path=lambda call: call, dispatcher=Dispatcher(seats, Policy()),
        rules=Rules(NoFlows(), Demand(), ring=10.0), **more,
    )  # fmt: skip


async def test_an_engine_that_was_replaced_sends_nothing_and_says_so_once():
    switch, journal, fenced = FakeSwitch(), MemoryJournal(), []
    one = engine(switch, journal, on_fenced=lambda: fenced.append(True))
    one.feed([e.PhoneUp("8001")])
    switch.arrive("a")
    switch.greeted("a")
    journal.fenced = True
    one.feed(switch.events)
    await one.turn()
    assert (switch.commands, journal.entries, fenced, one.halted) == ([], [], [True], True)
    one.start()
    await one.stop()
    assert switch.beats == []


async def test_an_engine_whose_lease_lapsed_decides_nothing_and_goes_on_when_it_is_back():
    switch, journal, may = FakeSwitch(phones={"8001"}), MemoryJournal(), [False]
    one = engine(switch, journal, may_act=lambda: may[0])
    one.feed([e.PhoneUp("8001")])
    switch.arrive("a")
    switch.greeted("a")
    one.feed(switch.events)
    await one.turn()
    assert switch.commands == []
    assert [type(event) for event, _ in journal.entries] == [e.Arrived, e.Waits], "what happens is written all the same"
    may[0] = True
    await one.turn()
    assert [type(command) for command in switch.commands] == [c.RingSeat]


async def test_a_process_stopped_between_writing_and_sending_does_not_send_when_it_wakes():
    switch, may = FakeSwitch(), [True]

    class Stops(MemoryJournal):
        async def append(self, batch):
            await super().append(batch)
            may[0] = False  # SIGSTOP, and so long that the lease is over

    journal = Stops()
    one = engine(switch, journal, may_act=lambda: may[0])
    one.feed([e.PhoneUp("8001"), e.Arrived("a", "PJSIP/a", "12345"), e.Waits("a")])
    await one.turn()
    assert e.Offered in [type(event) for event, _ in journal.entries], "it had decided"
    assert switch.commands == []


async def test_a_guarded_switch_carries_out_nothing_but_looking():
    switch = FakeSwitch()
    guarded = Guarded(switch, lambda: False)
    guarded.do(c.HangUp("a", "a"))
    guarded.beat(1.0)
    guarded.renew("a")
    guarded.announce({"12345": None})
    assert (switch.commands, switch.beats, switch.renewed, switch.entries) == ([], [], [], {})
    assert (guarded.up, guarded.dropped) == (False, 4)
    assert (await guarded.snapshot()).channels == []


async def test_a_lease_that_lapsed_over_the_start_leaves_callers_without_a_greeting(bench):
    """Told while the lease had lapsed, how calls begin was not sent: it is told again when the lease is back."""
    async with bench.hotline() as hotline:
        await hotline.link.send({"Action": "Setvar", "Variable": "HL_SAY_12345", "Value": ""})
        await hotline.active.look_again()
        told = await hotline.link.send({"Action": "Getvar", "Variable": "HL_SAY_12345"})
        assert told["Value"].startswith("hotline/zh/")
