"""Formats of the journal side by side, and a Redis that comes back without its last moments."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from calls import FORMAT, Batch, Fenced, Formats, Lease, RedisJournal, formats
from calls import events as e

pytestmark = pytest.mark.integration


@pytest.fixture
async def redis(redis_url):
    client = Redis.from_url(redis_url)
    yield client
    await client.aclose()


def batch(call, *more, opened=True):
    return Batch(entries=[(e.Arrived(call, "ch", "12345"), 1.0), *more], opened=[call] if opened else [])


async def calls_in(redis, prefix):
    return [data[b"c"].decode() for _, data in await redis.xrange(prefix + "journal")]


# ---------------------------------------------------------------------- formats
async def test_the_level_is_what_all_read_and_a_process_that_ends_counts_no_more(redis):
    old, new = Formats(redis, "f1:", "old"), Formats(redis, "f1:", "new", reads=FORMAT + 1)
    await new.tell(writes=False)
    assert new.level == FORMAT + 1
    await old.tell(writes=False)
    await new.tell(writes=True)
    assert (old.level, new.level) == (FORMAT, FORMAT)
    await old.withdraw()
    await new.tell(writes=True)
    assert new.level == FORMAT + 1


async def test_a_killed_one_counts_until_it_was_not_heard_of_for_a_minute(redis, monkeypatch):
    old, new = Formats(redis, "f2:", "old"), Formats(redis, "f2:", "new", reads=FORMAT + 1)
    await old.tell(writes=False)
    await new.tell(writes=True)
    assert new.level == FORMAT
    monkeypatch.setattr(formats, "FRESH", -1.0)
    await new.tell(writes=True)
    assert new.level == FORMAT + 1


async def test_nobody_takes_over_or_writes_what_he_cannot_read(redis):
    new = RedisJournal(redis, "f3:", token=1, reads=FORMAT + 1, level=lambda: FORMAT + 1)
    await new.append(batch("a"))
    assert await redis.get("f3:format") == b"%d" % (FORMAT + 1)
    lease = Lease(redis, "f3:")
    assert not await lease.try_acquire()
    assert lease.newer == FORMAT + 1 and not lease.holds
    with pytest.raises(Fenced, match="format"):
        await RedisJournal(redis, "f3:", token=2).append(batch("b"))
    assert await calls_in(redis, "f3:") == ["a"]
    able = Lease(redis, "f3:", reads=FORMAT + 1)
    assert await able.try_acquire() and able.newer == 0
    await able.release()


async def test_the_number_is_lowered_when_no_live_call_reaches_back_to_it(redis):
    new = RedisJournal(redis, "f4:", token=1, reads=FORMAT + 1, level=lambda: ours.level)
    ours = Formats(redis, "f4:", "new", reads=FORMAT + 1)
    await ours.tell(writes=True)
    await new.append(batch("a"))
    ours = Formats(redis, "f4:", "new", reads=FORMAT + 1, ceiling=FORMAT)
    await ours.tell(writes=True)
    assert ours.level == FORMAT
    await new.append(batch("b"))
    await ours.tell(writes=True)
    assert (await redis.get("f4:format")).startswith(b"%d " % (FORMAT + 1)), "a call of the new format is live"
    await new.append(Batch(entries=[(e.CallerLeft("a"), 2.0)], closed=["a"]))
    await ours.tell(writes=True)
    assert await redis.get("f4:format") == b"%d" % FORMAT
    assert await Lease(redis, "f4:").try_acquire()


async def test_an_entry_of_a_newer_format_is_not_written_while_an_older_one_may_have_to_read_it(redis, monkeypatch):
    monkeypatch.setitem(formats.SINCE, "Arrived", FORMAT + 1)
    journal = RedisJournal(redis, "f5:", token=1)
    with pytest.raises(ValueError, match="format"):
        await journal.append(batch("a"))


# ---------------------------------------------------------------------- lost moments
async def keys(redis, prefix):
    return {key: await redis.dump(key) for key in await redis.keys(prefix + "*")}


async def back_to(redis, prefix, state):
    """Redis as it was: as after a crash that cost the last second of its file."""
    for key in await redis.keys(prefix + "*"):
        await redis.delete(key)
    for key, value in state.items():
        await redis.restore(key, 0, value)


async def test_what_redis_has_lost_is_written_again_before_the_next(redis):
    journal = RedisJournal(redis, "g1:", token=1)
    await journal.append(batch("a"))
    state = await keys(redis, "g1:")
    for call in "bcd":
        await journal.append(batch(call))
    await back_to(redis, "g1:", state)
    assert await calls_in(redis, "g1:") == ["a"]
    await journal.append(batch("e"))
    assert await calls_in(redis, "g1:") == ["a", "b", "c", "d", "e"]
    assert set(await redis.hkeys("g1:live")) == {b"a", b"b", b"c", b"d", b"e"}
    assert journal.mended == 3
    await journal.append(batch("f"))
    assert await calls_in(redis, "g1:") == ["a", "b", "c", "d", "e", "f"]


async def test_all_of_a_writer_may_be_lost_even_the_first(redis):
    await RedisJournal(redis, "g2:", token=1).append(batch("old"))
    state = await keys(redis, "g2:")
    journal = RedisJournal(redis, "g2:", token=2)
    for call in "ab":
        await journal.append(batch(call))
    await back_to(redis, "g2:", state)
    await journal.append(batch("c"))
    assert await calls_in(redis, "g2:") == ["old", "a", "b", "c"]


async def test_what_is_held_no_more_does_not_stop_the_journal(redis, monkeypatch):
    journal = RedisJournal(redis, "g3:", token=1)
    await journal.append(batch("a"))
    monkeypatch.setattr("calls.journal.KEPT", -1.0)
    await journal.append(batch("b"))
    await back_to(redis, "g3:", {})
    await journal.append(batch("c"))
    await journal.append(batch("d"))
    assert (await calls_in(redis, "g3:"))[-2:] == ["c", "d"]


async def test_a_batch_given_up_is_no_gap_for_ever(redis):
    journal = RedisJournal(redis, "g4:", token=1)
    await journal.append(batch("a"))
    with pytest.raises(TypeError):
        await journal.append(Batch(entries=[(e.Told("b", detail={"x": object()}), 1.0)]))
    await journal.append(batch("c"))
    await journal.append(batch("d"))
    assert await calls_in(redis, "g4:") == ["a", "c", "d"]
