"""The failures of issue 5's table, one function each: `async (run, random) -> what was done`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from tests.parties.processes import Process

from .judge import Judge
from .people import Crowd
from .servers import Pbx, Site, send

Failure = Callable[["Failures", random.Random], Awaitable[str]]


class Failures:
    """Hits the site. What lasts longer than its round is ended in the background."""

    def __init__(self, site: Site, crowd: Crowd, judge: Judge, pace: float = 1.0) -> None:
        self.site, self.crowd, self.judge, self.pace = site, crowd, judge, pace
        self.takeovers: list[tuple[str, float]] = []
        """(kind, seconds from the hit until another process decides)."""
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Any) -> None:
        """In the background; `settle` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.judge.wrong("harness", f"{task.exception()!r}")

    async def settle(self) -> None:
        """Until everything that was hit is mended."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def span(self, r: random.Random, least: float, most: float) -> float:
        """Seconds; a run that is in a hurry comes nearer to the least."""
        return least + (most - least) * r.random() * min(self.pace, 1.0)

    def pbx(self, r: random.Random) -> Pbx:
        """One of the switches."""
        return r.choice(self.site.pbxs)

    async def two(self) -> tuple[Process, Process] | None:
        """The active process and a standby; waits for a process that is starting."""
        for _ in range(1200):
            if self.site.active is not None and self.site.standby is not None and self.site.redis_up:
                return self.site.active, self.site.standby
            await asyncio.sleep(0.1)
        states = [(n.node, n.role) for n in self.site.nodes]
        self.judge.wrong("stuck", f"not within 120 s: one process decides and another stands by ({states})")
        return None

    async def took_over(self, kind: str, old: Process, began: float) -> None:
        """Waits until another process decides."""
        for _ in range(1500):
            new = self.site.active
            if new is not None and new is not old:
                self.takeovers.append((kind, time.time() - began))
                return
            await asyncio.sleep(0.01)
        self.judge.wrong("stuck", f"nobody has taken over within 15 s after: {kind}")

    def disturb(self, seconds: float, pbx: str = "") -> None:
        """From now on decisions are late by force."""
        self.judge.disturbed.append((time.time() - 0.5, time.time() + seconds, pbx))


# ---------------------------------------------------------------------- the service
async def kill_active(f: Failures, r: random.Random) -> str:
    if (both := await f.two()) is None:
        return "nobody"
    await asyncio.sleep(r.uniform(0, 0.5))
    began = time.time()
    await f.site.kill_node(both[0])
    await f.took_over("kill -9", both[0], began)
    f.spawn(_starts(f))
    return both[0].node


async def _starts(f: Failures) -> None:
    await f.site.start_node()


async def kill_standby(f: Failures, r: random.Random) -> str:
    if (both := await f.two()) is None:
        return "nobody"
    await f.site.kill_node(both[1])
    f.spawn(_starts(f))
    return both[1].node


async def kill_both(f: Failures, r: random.Random) -> str:
    return await _away(f, 0.0)


async def away(f: Failures, r: random.Random) -> str:
    return await _away(f, f.span(r, 4, 12))


async def _away(f: Failures, seconds: float) -> str:
    if await f.two() is None:
        return "nobody"
    for node in list(f.site.nodes):
        await f.site.kill_node(node)
    await asyncio.sleep(seconds)
    await f.site.start_node()
    await f.site.start_node()
    return f"away for {seconds:.1f} s"


async def stop_active(f: Failures, r: random.Random) -> str:
    if (both := await f.two()) is None:
        return "nobody"
    node, began = both[0], time.time()
    f.site.stopped.add(node.node)
    send(node.process, signal.SIGSTOP)
    f.spawn(_goes_on(f, node, 10.0))
    await f.took_over("SIGSTOP", node, began)
    return f"{node.node} stands still for 10 s"


async def _goes_on(f: Failures, node: Process, seconds: float) -> None:
    await asyncio.sleep(seconds)
    send(node.process, signal.SIGCONT)
    # Redis may be away just then, for up to 15 s: without it nobody knows who decides.
    for _ in range(600):
        if node.role == "standby" or node not in f.site.nodes:
            break
        await asyncio.sleep(0.05)
    else:
        f.judge.wrong("stuck", f"{node.node} went on after 10 s and did not become a standby within 30 s")
    f.site.stopped.discard(node.node)


async def kill_recogniser(f: Failures, r: random.Random) -> str:
    pids = [pid for node in f.site.nodes for pid in f.site.workers(node)]
    if not pids:
        return "none"
    with contextlib.suppress(ProcessLookupError):
        os.kill(r.choice(pids), signal.SIGKILL)
    return "one of them"


# ---------------------------------------------------------------------- the link
async def cut_link(f: Failures, r: random.Random) -> str:
    pbx, seconds = f.pbx(r), r.choice((0.0, f.span(r, 0.3, 3), f.span(r, 4, 8)))
    f.disturb(seconds + 4, pbx.name)
    pbx.proxy.mute = seconds > 0
    pbx.proxy.cut()
    await asyncio.sleep(seconds)
    pbx.proxy.mute = False
    pbx.proxy.cut()
    return f"{pbx.name}, {seconds:.1f} s"


async def half_open(f: Failures, r: random.Random) -> str:
    pbx, seconds = f.pbx(r), f.span(r, 1, 8)
    f.disturb(seconds + 5, pbx.name)
    pbx.proxy.mute = True
    await asyncio.sleep(seconds)
    pbx.proxy.mute = False
    pbx.proxy.cut()
    return f"{pbx.name}, {seconds:.1f} s"


async def slow_link(f: Failures, r: random.Random) -> str:
    pbx, seconds, delay = f.pbx(r), f.span(r, 2, 8), r.uniform(0.05, 0.5)
    f.disturb(seconds + 3, pbx.name)
    pbx.proxy.delay = delay
    await asyncio.sleep(seconds)
    pbx.proxy.delay = 0.0
    return f"{pbx.name}, {delay:.2f} s late for {seconds:.1f} s"


# ---------------------------------------------------------------------- Asterisk
async def stop_switch(f: Failures, r: random.Random) -> str:
    pbx, seconds = f.pbx(r), f.span(r, 0.3, 2.8)
    f.disturb(seconds + 4, pbx.name)
    pbx.stopped = True
    send(pbx.process, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    send(pbx.process, signal.SIGCONT)
    pbx.stopped = False
    return f"{pbx.name}, {seconds:.1f} s"


async def kill_switch(f: Failures, r: random.Random) -> str:
    pbx, seconds = f.pbx(r), f.span(r, 0.5, 4)
    f.disturb(seconds + 12, pbx.name)
    pbx.alive = False
    pbx.process.kill()
    await pbx.process.wait()
    pbx.deaths.append(time.time())
    pbx.proxy.refuse()
    f.judge.switch_died(pbx.name)
    await asyncio.sleep(seconds)
    await pbx.asterisk.start()
    await pbx.proxy.open()
    pbx.alive = True
    await f.crowd.register(pbx.name)
    return f"{pbx.name}, back after {seconds:.1f} s"


# ---------------------------------------------------------------------- Redis
async def kill_redis(f: Failures, r: random.Random) -> str:
    return await _redis_away(f, 0.0)


async def redis_away(f: Failures, r: random.Random) -> str:
    return await _redis_away(f, r.choice((f.span(r, 1, 4), f.span(r, 5, 15))))


async def _redis_away(f: Failures, seconds: float) -> str:
    f.disturb(seconds + 5)
    server = f.site.redis_server
    assert server.process is not None
    f.site.redis_up = False
    server.process.kill()
    await server.process.wait()
    await asyncio.sleep(seconds)
    await server.start()
    f.site.redis_up = True
    return f"{seconds:.1f} s"


async def pause_redis(f: Failures, r: random.Random) -> str:
    seconds = f.span(r, 0.3, 4)
    f.disturb(seconds + 5)
    assert f.site.redis_server.process is not None
    f.site.redis_up = False
    send(f.site.redis_server.process, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    send(f.site.redis_server.process, signal.SIGCONT)
    f.site.redis_up = True
    return f"{seconds:.1f} s"


# ---------------------------------------------------------------------- the rest
async def lock_store(f: Failures, r: random.Random) -> str:
    seconds = f.span(r, 1, 7)
    file = f.site.settings.var_dir / "hotline.db"

    def hold() -> None:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as blocker:
            blocker.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            blocker.execute("COMMIT")

    await asyncio.to_thread(hold)
    return f"{seconds:.1f} s"


async def cut_console(f: Failures, r: random.Random) -> str:
    """A desk's event stream breaks in the middle; connected again, it shows the calls that there are."""
    node = f.site.active
    if node is None:
        return "nobody decides"
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError, TypeError):
        stream = await f.site.session.ws_connect(f"{node.url}/api/v1/events")
        await stream.receive_json(timeout=5)
        transport = stream.get_extra_info("transport")
        await asyncio.sleep(r.uniform(0.2, 1.0))
        if transport is not None:
            transport.abort()
        async with f.site.session.ws_connect(f"{node.url}/api/v1/events") as again:
            hello = await again.receive_json(timeout=5)
            shown = {x["id"] for x in hello["data"]["snapshot"]["calls"]}
        talking = {p.ids[-1]: p for p in f.crowd.inside if p.ids and p.talking and p.talking.joined < time.time() - 10}
        served = f.site.was_served(time.time() - 10, time.time()) and f.site.active is node
        for id_ in set(talking) - shown if served else ():
            f.judge.wrong("not in the books", f"the desk that came back does not show {talking[id_].number} ({id_})")
        return f"{len(shown)} calls shown again"
    return "the process was hit meanwhile"


KINDS: dict[str, tuple[int, Failure]] = {
    "kill the active process": (20, kill_active),
    "kill the standby": (5, kill_standby),
    "kill both": (7, kill_both),
    "both stay away": (8, away),
    "stop the active process for 10 s": (9, stop_active),
    "cut the link": (10, cut_link),
    "half-open link": (8, half_open),
    "slow link": (6, slow_link),
    "stop Asterisk": (6, stop_switch),
    "kill Asterisk": (5, kill_switch),
    "kill Redis": (7, kill_redis),
    "pause Redis": (6, pause_redis),
    "Redis stays away": (5, redis_away),
    "kill the recogniser": (4, kill_recogniser),
    "lock the store": (4, lock_store),
    "cut a console": (4, cut_console),
}
"""Name → weight and what is done."""
