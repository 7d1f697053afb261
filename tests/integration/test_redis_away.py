"""Redis is killed, restarted, or gone for a while: talk and new calls go on, and nothing acted on is missing."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from redis.asyncio import Redis

from calls import Engine, Host, RedisJournal
from calls.events import Codec
from calls.testing import FakeSwitch
from demo import CallEnded, Phone
from routing import Dispatcher
from service.private import PrivateRedis
from tests.conftest import ROOTFS, free_port
from tests.parties.world import PATIENCE, floor

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
AWAY = float(os.environ.get("HOTLINE_REDIS_AWAY", "12"))
"""Seconds that Redis is gone; HOTLINE_REDIS_AWAY=60 for the whole minute."""


class Killable:
    """A private Redis with the settings that ship, and a way to kill it."""

    def __init__(self, home):
        self.server = PrivateRedis(ROOTFS, home, free_port())

    async def kill(self):
        self.server.process.kill()
        await self.server.process.wait()

    def lose(self, size):
        """The end of its file never reached the disk."""
        (file,) = (self.server.home / "appendonlydir").glob("*.incr.aof")
        with file.open("r+b") as f:
            f.truncate(file.stat().st_size - size)


@pytest.fixture
async def killable(tmp_path):
    one = Killable(tmp_path / "own-redis")
    await one.server.start()
    yield one
    await one.server.stop()


def acted_on(world):
    """Everything that the engine journalled and then acted on, from now on."""
    seen = []
    world.engine.observe(lambda change: seen.extend(Codec.encode(event) for event, _ in change.events))
    return seen


async def journal(world):
    async with Redis.from_url(world.hotline.settings.redis) as redis:
        rows = await redis.xrange(world.hotline.settings.redis_prefix + "journal")
    return [data[b"d"].decode() for _, data in rows]


async def folded(world):
    """What another process would make of the journal now."""
    config, settings = world.hotline.config, world.hotline.settings
    dispatcher = Dispatcher(config.routing_seats(), config.policy())
    async with Redis.from_url(settings.redis) as redis:
        other = Engine(
            switch=FakeSwitch(), journal=RedisJournal(redis, settings.redis_prefix), dispatcher=dispatcher,
            rules=world.engine.rules, entries={}, raw_path=str, host=Host(dispatcher, config.book()),
        )  # fmt: skip
        await other.recover()
    return other.calls


async def as_written(world):
    """What happens just while the journal is read is in one of the two only: looked at again."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        ours = {i: c.state for i, c in world.engine.calls.items()}
        theirs = {i: c.state for i, c in (await folded(world)).items()}
        if ours == theirs:
            return
        assert asyncio.get_running_loop().time() < end, (ours, theirs)
        await asyncio.sleep(0.2)


def by_switch(world, id_):
    """The books know that the switch's own queue has served this call."""
    return "native_queue" in [m.what for m in world.engine.calls[id_].timeline]


async def booked(world, id_):
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        call = await world.hotline.store.call(id_)
        if call is not None and call.state == "ended":
            return call
        assert asyncio.get_running_loop().time() < end, "the call is in the books"
        await asyncio.sleep(0.05)


async def test_a_talk_goes_on_new_callers_reach_a_human_and_all_comes_into_the_books(bench, killable, eventually):
    own = {"redis_url": killable.server.url, "config": {"times": {"wrap_up": 1}}}
    async with floor(bench, **own) as world:
        seen = acted_on(world)
        # One phone after the other: with both there, either may be rung for the first caller.
        talk, leaves = await world.talk("8001"), await world.talk("8002", "13800000002")
        waits, _ = await world.dials("13800000003")
        jobs = world.hotline.settings.redis_prefix + "recordings"

        # ------------------------------------------------------------ gone
        await killable.kill()
        gone = asyncio.get_running_loop().time()
        await leaves.caller.hang_up()
        await leaves.seat.ended(PATIENCE)
        # A phone that is free: the switch's own queue rings it, for who waited and for who calls now.
        free = await world._stack.enter_async_context(Phone(bench.switch.sip, "8003", "demo-8003"))
        await free.register()
        now = await (await world.telephone("13800000004")).dial("12345")
        await now.answered(PATIENCE)
        served = {}
        while len(served) < 2:
            rings = await asyncio.wait_for(_next(free, world.seats["8002"]), PATIENCE + 10)
            try:
                await rings.answer()
            except CallEnded:
                continue  # the ring was over before it could be answered: nobody was reached by it
            served[rings.caller] = rings
        print(f"both with a human {asyncio.get_running_loop().time() - gone:.1f} s after Redis went")
        assert set(served) == {"13800000003", "13800000004"}
        await talk.voices.all_hear_all()
        await asyncio.sleep(max(0.0, gone + AWAY - asyncio.get_running_loop().time()))
        await talk.voices.all_hear_all()
        assert not world.engine.journal_ok

        # ------------------------------------------------------------ back
        await killable.server.start()
        back = asyncio.get_running_loop().time()
        await eventually(lambda: world.engine.journal_ok and world.hotline.lease.held, PATIENCE, "writes again")
        print(f"journal written {asyncio.get_running_loop().time() - back:.1f} s after Redis came back")
        await talk.voices.all_hear_all()
        assert talk.call.state.value == "talking"
        told = {i: [m.what for m in c.timeline] for i, c in world.engine.calls.items()}
        assert waits in world.engine.calls, told
        await eventually(lambda: by_switch(world, waits), PATIENCE, f"who had waited: {told}")
        new = await eventually(
            lambda: [c for c in world.engine.calls.values() if c.caller_number == "13800000004"], PATIENCE, "who came"
        )
        await eventually(lambda: by_switch(world, new[0].id), PATIENCE, "who came")
        await as_written(world)
        await world.everybody_hangs_up()
        for rings in served.values():
            await rings.hang_up()
        outcomes = {id_: (await booked(world, id_)).outcome for id_ in (talk.id, leaves.id, waits, new[0].id)}
        assert set(outcomes.values()) == {"served"}, outcomes
        recorded = {json.loads(d[b"job"])["call"] for _, d in await world.hotline.redis.xrange(jobs)}
        assert recorded >= set(outcomes)
        missing = set(seen) - set(await journal(world))
        assert not missing and len(seen) > 15


async def _next(*phones):
    """The next call at any of the phones."""
    tasks = [asyncio.create_task(phone.incoming(PATIENCE * 2)) for phone in phones]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("lost", [0, 4000], ids=["killed", "killed, and its last moments with it"])
async def test_redis_is_killed_again_and_again_while_calls_come_and_nothing_acted_on_is_missing(
    bench, killable, eventually, lost
):
    async with floor(bench, seats=["8001"], redis_url=killable.server.url, config={"times": {"wrap_up": 0.2}}) as world:
        seen = acted_on(world)
        talk = await world.talk("8001")
        for n in range(3):
            id_, caller = await world.dials(f"1370000000{n}")
            await killable.kill()
            if lost:
                killable.lose(lost)
            await killable.server.start()
            await caller.hang_up()
            left = f'"CallerLeft","call":"{id_}"'
            await eventually(lambda left=left: any(left in x for x in seen), PATIENCE, "its end is written")
            missing = set(seen) - set(await journal(world))
            assert not missing, f"{len(missing)} of {len(seen)} after {n + 1} kills"
        await talk.voices.all_hear_all()
        assert set(await folded(world)) == set(world.engine.calls) == {talk.id}
        if lost:
            assert world.hotline.active.journal.mended > 0
        assert world.hotline.lease.held
