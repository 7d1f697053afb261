"""The journal on a real Redis: what was written is folded again, all or nothing, through kills and restarts."""

import asyncio
import itertools
import json

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from calls import Batch, CallError, Engine, JournalError, RedisJournal, Rules, step
from calls import events as e
from calls.ports import Fenced
from calls.testing import FakeSwitch
from routing import Demand, Dispatcher, Policy, Seat, SeatState
from service.private import PrivateRedis
from tests.conftest import ROOTFS, free_port

pytestmark = pytest.mark.integration
prefixes = (f"journal{i}:" for i in itertools.count())


class NoFlows:
    def flow_of(self, reference):
        return None


RULES = Rules(NoFlows(), Demand(), ring=10.0)


@pytest.fixture
async def redis(redis_url):
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def prefix():
    return next(prefixes)


def arrived(call):
    return e.Arrived(call, f"PJSIP/{call}", "12345", "13800001234", "王", "default@1")


def engine(switch, journal, now):
    seats = [Seat(i, i, "330000", {}, SeatState.OFFLINE) for i in ("8001", "8002")]
    return Engine(
        switch=switch, journal=journal, entries={}, raw_path=lambda call: f"/spool/{call}.raw", clock=lambda: now[0],
        dispatcher=Dispatcher(seats, Policy(wrap_up=20)), rules=RULES,
    )  # fmt: skip


async def settle(engine, switch):
    for _ in range(30):
        events, switch.events = switch.events, []
        engine.feed(events)
        await engine.turn()
        if not switch.events and not engine._inbox:
            return


async def folded(journal):
    calls = {}
    async for event, at in journal.replay():
        try:
            call, _ = step(calls.get(event.call), event, at, RULES)
        except CallError:
            continue
        calls[call.id] = call
    return calls


async def live_floor(redis, prefix):
    """One caller talks, one waits, one has gone."""
    switch, now = FakeSwitch(), [1000.5]
    one = engine(switch, RedisJournal(redis, prefix), now)
    one.feed([e.PhoneUp("8001")])
    for i in ("gone", "talks", "waits"):
        switch.arrive(i)
        await settle(one, switch)
        if i == "gone":
            switch.leave(i)
        else:
            switch.greeted(i)
        now[0] += 1.25
        await settle(one, switch)
        for leg in [x for x, y in switch.legs.items() if y.state == "dialled"]:
            switch.ring(leg)
            switch.answer(leg)
        await settle(one, switch)
    return switch, now, one


async def test_another_process_folds_the_very_same_calls_seats_and_queue(redis, prefix):
    switch, now, first = await live_floor(redis, prefix)
    assert {i: c.state.value for i, c in first.calls.items()} == {"talks": "talking", "waits": "waiting"}
    second = engine(switch, RedisJournal(redis, prefix), now)
    await second.recover()
    assert second.calls == first.calls
    assert second.dispatcher.waiting() == first.dispatcher.waiting()
    assert dict(second.dispatcher.seats) == dict(first.dispatcher.seats)


async def test_a_batch_is_entries_live_ones_seats_jobs_and_the_book(redis, prefix):
    journal = RedisJournal(redis, prefix)
    await journal.append(Batch(entries=[(arrived("a"), 1.5)], opened=["a"], seats=[{"id": "8001", "state": "break"}]))
    await journal.append(
        Batch(entries=[(e.CallerLeft("a", 16), 2.5)], closed=["a"], jobs=[{"call": "a"}], finished=[{"id": "a"}])
    )
    assert await redis.hgetall(prefix + "live") == {}
    assert [json.loads(d[b"job"]) for _, d in await redis.xrange(prefix + "recordings")] == [{"call": "a"}]
    assert [json.loads(d[b"call"]) for _, d in await redis.xrange(prefix + "finished")] == [{"id": "a"}]
    assert await journal.seats() == {"8001": {"id": "8001", "state": "break"}}
    rows = await redis.xrange(prefix + "journal")
    assert [(d[b"c"], float(d[b"t"])) for _, d in rows] == [(b"a", 1.5), (b"a", 2.5)]


async def test_replay_gives_live_calls_only_in_order_over_more_than_one_page(redis, prefix):
    journal = RedisJournal(redis, prefix)
    entries = [(arrived("old"), 1.0), (e.CallerLeft("old", 16), 2.0)]
    await journal.append(Batch(entries=entries, opened=["old"], closed=["old"]))
    await journal.append(Batch(entries=[(arrived("a"), 3.0), (arrived("b"), 3.0)], opened=["a", "b"]))
    keys = [(e.DigitPressed("a", str(i % 10)), 4.0 + i) for i in range(2300)]
    await journal.append(Batch(entries=keys))
    got = [x async for x in RedisJournal(redis, prefix).replay()]
    assert got == [(arrived("a"), 3.0), (arrived("b"), 3.0), *keys]


async def test_an_empty_journal_is_empty(redis, prefix):
    journal = RedisJournal(redis, prefix)
    assert [x async for x in journal.replay()] == []
    assert await journal.seats() == {}
    assert await journal.trim(1e9) == 0


async def test_trimming_never_takes_an_entry_of_a_live_call(redis, prefix):
    journal = RedisJournal(redis, prefix, keep_seconds=0.0)
    for i in range(300):
        entries = [(arrived(f"x{i}"), 1.0), (e.CallerLeft(f"x{i}", 16), 2.0)]
        await journal.append(Batch(entries=entries, opened=[f"x{i}"], closed=[f"x{i}"]))
    await journal.append(Batch(entries=[(arrived("live"), 3.0)], opened=["live"]))
    for i in range(300):
        entries = [(arrived(f"y{i}"), 1.0), (e.CallerLeft(f"y{i}", 16), 2.0)]
        await journal.append(Batch(entries=entries, opened=[f"y{i}"], closed=[f"y{i}"]))
    before = await redis.xlen(prefix + "journal")
    dropped = await journal.trim(4e9)
    assert 0 < dropped <= 600
    assert await redis.xlen(prefix + "journal") == before - dropped
    assert [x async for x in journal.replay()] == [(arrived("live"), 3.0)]
    await journal.append(Batch(entries=[(e.CallerLeft("live", 16), 5.0)], closed=["live"]))
    assert await journal.trim(4e9) > 0


async def test_an_entry_nobody_can_read_does_not_keep_the_hotline_from_starting(redis, prefix):
    journal = RedisJournal(redis, prefix)
    await journal.append(Batch(entries=[(arrived("a"), 1.0)], opened=["a"]))
    await redis.xadd(prefix + "journal", {"c": "a", "t": "2", "d": '{"e":"FromTheFuture","call":"a"}'})
    await redis.xadd(prefix + "journal", {"c": "a", "t": "x", "d": "{"})
    await redis.xadd(prefix + "journal", {"somebody": "else"})
    await journal.append(Batch(entries=[(e.Waits("a"), 3.0)]))
    assert [x async for x in journal.replay()] == [(arrived("a"), 1.0), (e.Waits("a"), 3.0)]


async def test_a_connection_cut_at_any_time_leaves_whole_batches_only_and_nothing_is_lost(redis, redis_url, prefix):
    """Kills the journal's connection again and again while it writes; each failed batch is written again."""
    own = Redis.from_url(redis_url, client_name=prefix)
    journal, failures, done = RedisJournal(own, prefix), 0, asyncio.Event()

    async def killer():
        kills = 0
        while not done.is_set():
            for client in await redis.client_list():
                if client["name"] == prefix:
                    kills += await redis.client_kill_filter(_id=client["id"])
            await asyncio.sleep(0.002)
        return kills

    killing = asyncio.create_task(killer())
    for i in range(150):
        call = f"c{i}"
        batch = Batch(
            entries=[(arrived(call), 1.0), (e.CallerLeft(call, 16), 2.0)], jobs=[{"call": call}],
            finished=[{"id": call}], opened=[call],
        )  # fmt: skip
        while True:
            try:
                await journal.append(batch)
                break
            except JournalError as error:
                assert call not in str(error)
                failures += 1
    done.set()
    assert await killing > 0, "the test has killed nothing"
    await own.aclose()
    entries = [(d[b"c"], json.loads(d[b"d"])["e"]) for _, d in await redis.xrange(prefix + "journal")]
    jobs = [json.loads(d[b"job"])["call"].encode() for _, d in await redis.xrange(prefix + "recordings")]
    began, left = [x for x, _ in entries[::2]], [x for x, _ in entries[1::2]]
    assert began == left == jobs, "an end without its job, or a job alone"
    assert {kind for _, kind in entries[::2]} == {"Arrived"}
    assert jobs == [f"c{i}".encode() for i in range(150)], "each batch once, in order, however often it was given"
    assert set(await folded(journal)) == {f"c{i}" for i in range(150)}


async def test_a_batch_whose_answer_was_lost_is_not_written_twice(redis, redis_url, prefix):
    """Redis has run the script, the answer never arrives, the engine gives the same batch again."""
    host, port = redis.connection_pool.connection_kwargs["host"], redis.connection_pool.connection_kwargs["port"]
    swallow = True

    async def serve(reader, writer):
        up_reader, up = await asyncio.open_connection(host, port)

        async def answers():
            while data := await up_reader.read(65536):
                if swallow and (b"written" in data or b"again" in data):
                    break
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(answers())
        while data := await reader.read(65536):
            up.write(data)
        up.close()
        await answering

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    own = Redis.from_url(f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/0", retry=Retry(NoBackoff(), 0))
    journal = RedisJournal(own, prefix)
    batch = Batch(entries=[(arrived("a"), 1.0)], opened=["a"], jobs=[{"call": "a"}], rows=[("callers", "1", {"n": 1})])
    for _ in range(3):
        with pytest.raises(JournalError):
            await journal.append(batch)
    swallow = False
    await journal.append(batch)
    await journal.append(Batch(entries=[(e.Waits("a"), 2.0)]))
    await own.aclose()
    proxy.close()
    assert [x async for x in RedisJournal(redis, prefix).replay()] == [(arrived("a"), 1.0), (e.Waits("a"), 2.0)]
    assert await redis.xlen(prefix + "recordings") == 1


async def test_who_was_replaced_writes_nothing_more_and_is_told_so(redis, prefix):
    old, new = RedisJournal(redis, prefix, token=1), RedisJournal(redis, prefix, token=2)
    await old.append(Batch(entries=[(arrived("a"), 1.0)], opened=["a"]))
    await redis.set(prefix + "fence", 2)  # as the lease does when it grants
    before = {k: await redis.dump(k) async for k in redis.scan_iter(prefix + "*")}
    whole = Batch(
        entries=[(e.CallerLeft("a", 16), 2.0)], opened=["b"], closed=["a"], seats=[{"id": "8001"}],
        jobs=[{"call": "a"}], finished=[{"id": "a"}], rows=[("callbacks", "x", {"n": 1})],
    )  # fmt: skip
    for _ in range(2):
        with pytest.raises(Fenced, match="its token 2, ours 1"):
            await old.append(whole)
    assert {k: await redis.dump(k) async for k in redis.scan_iter(prefix + "*")} == before, "nothing was written"
    await new.append(whole)
    assert await redis.xlen(prefix + "journal") == 2
    with pytest.raises(Fenced):
        await RedisJournal(redis, prefix).append(whole)


async def test_a_grant_that_redis_lost_is_put_back_by_its_holder(redis, prefix):
    await redis.set(prefix + "fence", 6)
    await RedisJournal(redis, prefix, token=7).append(Batch(entries=[(arrived("a"), 1.0)], opened=["a"]))
    assert await redis.get(prefix + "fence") == b"7"
    with pytest.raises(Fenced):
        await RedisJournal(redis, prefix, token=6).append(Batch(entries=[(e.Waits("a"), 2.0)]))


async def test_rows_of_further_tables_are_written_changed_and_taken_away_with_the_batch(redis, prefix):
    journal = RedisJournal(redis, prefix)
    await journal.append(Batch(rows=[("callbacks", "a", {"名": "王"}), ("control", "mode", {"mode": "surge"})]))
    await journal.append(Batch(rows=[("callbacks", "b", {"n": 2}), ("callbacks", "a", None)]))
    assert await journal.rows("callbacks") == {"b": {"n": 2}}
    assert await journal.rows("control") == {"mode": {"mode": "surge"}}
    assert await journal.rows("callers") == {}
    for bad in ("journal", "fence", "a b", "Ä", ""):
        with pytest.raises(ValueError, match="table"):
            await journal.append(Batch(rows=[(bad, "a", {})]))
        with pytest.raises(ValueError, match="table"):
            await journal.rows(bad)


@pytest.mark.parametrize("allowed", [200, 400, 600, 800])
async def test_a_batch_that_breaks_off_on_its_way_is_not_written_in_part(redis, redis_url, prefix, allowed):
    """Only so many bytes of the batch reach Redis, then the line is cut."""
    host, port = redis.connection_pool.connection_kwargs["host"], redis.connection_pool.connection_kwargs["port"]

    sent = []

    async def cut(reader, writer):
        _, up = await asyncio.open_connection(host, port)
        data = b""
        while b"finished" not in data:
            data += await reader.read(65536)
            if b"SETINFO" in data and b"XADD" not in data:
                writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
                data = b""
        sent.append(len(data))
        up.write(data[data.index(b"*1\r\n$5\r\nMULTI") if b"MULTI" in data else 0 :][:allowed])
        await up.drain()
        up.close()
        writer.close()

    proxy = await asyncio.start_server(cut, "127.0.0.1", 0)
    own = Redis.from_url(f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/0", retry=Retry(NoBackoff(), 0),
                         protocol=2)  # fmt: skip
    journal = RedisJournal(own, prefix)
    entries = [(arrived("a"), 1.0), (e.CallerLeft("a", 16), 2.0)]
    with pytest.raises(JournalError):
        await journal.append(Batch(entries=entries, opened=["a"], jobs=[{"call": "a" * 900}], finished=[{"id": "a"}]))
    await own.aclose()
    proxy.close()
    assert sent[0] > allowed, "the whole batch got through: the test cuts nothing"
    await asyncio.sleep(0.05)
    assert [k async for k in redis.scan_iter(prefix + "*")] == []


async def test_a_redis_that_restarts_costs_the_engine_no_call(tmp_path, eventually):
    server = PrivateRedis(ROOTFS, tmp_path / "redis", free_port())
    await server.start()
    redis = Redis.from_url(server.url, socket_connect_timeout=1)
    switch, now = FakeSwitch(), [1000.0]
    one = engine(switch, RedisJournal(redis, "p:"), now)
    one.start()
    try:
        switch.arrive("a")
        one.feed(switch.events)
        await eventually(lambda: one.counters.batches == 1)
        await server.stop()
        one.feed([e.Waits("a")])
        await eventually(lambda: not one.journal_ok, what="the engine says that it cannot write")
        switch.arrive("b")
        one.feed(switch.events[-1:])
        await server.start()
        await eventually(lambda: one.journal_ok and "b" in one.calls, what="written when it can be")
        assert one.counters.journal_errors > 0
        other = engine(switch, RedisJournal(redis, "p:"), now)
        await eventually(lambda: one.counters.batches >= 3)
        await other.recover()
        assert other.calls == one.calls
        assert other.calls["a"].state.value == "waiting"
    finally:
        await one.stop()
        await redis.aclose()
        await server.stop()


async def test_a_silent_redis_is_an_error_of_the_journals(redis_url):
    redis = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", socket_connect_timeout=1)
    journal = RedisJournal(redis, "p:")
    with pytest.raises(JournalError, match="written"):
        await journal.append(Batch(entries=[(arrived("a"), 1.0)]))
    with pytest.raises(JournalError, match="read"):
        await journal.seats()
    with pytest.raises(JournalError, match="read"):
        _ = [x async for x in journal.replay()]
    with pytest.raises(JournalError, match="trimmed"):
        await journal.trim(1.0)
    await redis.aclose()
