"""A server that cannot run is tried again with pauses, and told with its cure."""

import asyncio

import pytest

from service.errors import ServiceError
from service.health import NotWell
from service.keeper import LONGEST, LOOP, STEADY, Keeper


class Process:
    def __init__(self, lives):
        self.lives = lives

    async def wait(self):
        if self.lives is None:
            await asyncio.Event().wait()
        self.world.now += self.lives
        return -9


class World:
    """A clock, and a server whose lives are as told: seconds, None (for ever), or "no" (does not start)."""

    def __init__(self, *lives):
        self.now, self.pauses, self.lives = 0.0, [], list(lives)
        self.starts = 0
        self.idle = asyncio.Event()
        self._next()

    def _next(self):
        life = self.lives.pop(0)
        if not self.lives:
            self.idle.set()
        if life == "no":
            raise ServiceError("the port is in use", "end the other program")
        self.process = Process(life)
        self.process.world = self

    async def start(self):
        self.starts += 1
        self._next()

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    async def run(self):
        keeper = Keeper("Redis", self, ("看日志", "see its log"), clock=lambda: self.now, sleep=self.sleep)
        keeper.start()
        await asyncio.wait_for(self.idle.wait(), 5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return keeper


async def test_the_first_death_is_mended_at_once():
    world = World(3600, None)
    keeper = await world.run()
    assert (world.starts, world.pauses, keeper.restarts) == (1, [], 1)
    await keeper.look()
    await keeper.stop()


async def test_a_crash_loop_waits_longer_each_time_and_is_told_with_its_cure(caplog):
    world = World(*[0.1] * 12, None)
    keeper = await world.run()
    assert world.pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert world.pauses[-1] == LONGEST
    with pytest.raises(NotWell) as told:
        await keeper.look()
    assert told.value.code == "crash-loop" and "see its log" in told.value.en and "看日志" in told.value.zh
    assert caplog.text.count("see its log") == 12 - LOOP + 1
    world.now += STEADY
    await keeper.look()  # it has run well for a while
    await keeper.stop()


async def test_one_that_does_not_start_is_tried_again(caplog):
    world = World(3600, "no", "no", None)
    keeper = await world.run()
    assert world.starts == 3 and keeper.restarts == 1
    assert "end the other program" in caplog.text
    await keeper.stop()


async def test_deaths_far_apart_are_no_loop():
    world = World(*[STEADY + 1] * 6, None)
    keeper = await world.run()
    assert world.pauses == []
    await keeper.look()
    await keeper.stop()
