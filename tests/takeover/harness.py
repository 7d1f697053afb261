"""Rounds of violence: two real processes, a real Redis, a switch that outlives them, and one of them is hit each round.

What a round does follows from the seed: whom it hits, how, at what moment. What the operating system makes of it does
not, so a run is never the same twice; a round that failed is repeated with `--only`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.private import PrivateRedis

from .world import World

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "takeover:"
LIMIT = 3.0
"""Seconds within which another process decides, counted from the kill."""
HITS = {
    "kill": 40, "kill in the act": 25, "stop": 14, "blink": 6, "hand over": 8, "kill the standby": 2, "kill all": 2,
    "pause redis": 2, "kill redis": 1,
}  # fmt: skip
"""What is done to the processes, with its weight:

kill             SIGKILL to the active one at some moment
kill in the act  SIGKILL to the active one when the switch has just had a command of it
stop             SIGSTOP for longer than its lease, then SIGCONT
blink            SIGSTOP for less
hand over        SIGTERM: a clean end
kill all         all of them, and they are started again
pause redis      SIGSTOP to Redis for a while
kill redis       SIGKILL to Redis, started again from its file
"""


@dataclass(slots=True)
class Node:
    """A process of ours."""

    name: str
    process: asyncio.subprocess.Process
    role: str = "starting"
    known: asyncio.Event = field(default_factory=asyncio.Event)
    reading: asyncio.Task[None] | None = None
    errors: int = 0

    def send(self, number: signal.Signals) -> None:
        """A signal to this very process."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


@dataclass(slots=True)
class Round:
    """What was done and what came of it."""

    number: int
    hit: str
    takeover: float | None = None
    """Seconds from the hit until another process acts."""
    first_offer: float | None = None
    """Seconds from the hit until the first offer of the other process."""


@dataclass(slots=True)
class Report:
    """Of a whole run."""

    rounds: list[Round] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    callers: int = 0
    served: int = 0
    commands: int = 0
    jobs: int = 0

    def text(self) -> str:
        """For people."""
        kinds = Counter(r.hit for r in self.rounds)
        lines = [f"{len(self.rounds)} rounds: " + ", ".join(f"{n} × {kind}" for kind, n in kinds.most_common())]
        lines.append(
            f"{self.callers} callers, {self.served} talked with a seat, {self.commands} commands, "
            f"{self.jobs} recording jobs"
        )
        for kind in HITS:
            times = sorted(r.takeover for r in self.rounds if r.hit == kind and r.takeover is not None)
            offers = [r.first_offer for r in self.rounds if r.hit == kind and r.first_offer is not None]
            if times:
                p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
                offer = f"; first offer median {statistics.median(offers):.2f} s" if offers else ""
                lines.append(
                    f"  {kind}: another acts after median {statistics.median(times):.2f} s, p99 {p99:.2f} s, "
                    f"max {times[-1]:.2f} s ({len(times)} times){offer}"
                )
        lines.append(f"{len(self.problems)} problems")
        return "\n".join(lines + [f"  ✗ {p}" for p in self.problems[:40]])


class Harness:
    """One run. `home` holds Redis' file and the logs."""

    def __init__(
        self, rootfs: Path, home: Path, redis_port: int, seed: int, progress: Callable[[str], None],
        hits: Mapping[str, int] = HITS, processes: int = 3,
    ) -> None:  # fmt: skip
        self.home = home
        self.processes = processes
        self.hits = hits
        self.seed = seed
        self.progress = progress
        self.report = Report()
        self._redis_server = PrivateRedis(rootfs, home / "redis", redis_port)
        self._nodes: list[Node] = []
        self._starting: set[asyncio.Task[Node]] = set()
        self._names = 0
        self._logs: list[IO[bytes]] = []
        self.world: World
        self.redis: Redis
        self.port = 0

    # ------------------------------------------------------------------ life
    async def run(self, rounds: int, only: int | None = None) -> Report:
        """All rounds, then everybody is served. The report is this harness's too."""
        self.home.mkdir(parents=True, exist_ok=True)
        await self._redis_server.start()
        self.redis = Redis.from_url(self._redis_server.url, socket_connect_timeout=2)
        self.world = World(self.seed)
        try:
            self.port = await self.world.start()
            await self._start_node()
            await self._until(lambda: self._active() is not None, 10, "the first process is active")
            await asyncio.gather(*(self._start_node() for _ in range(self.processes - 1)))
            for number in range(rounds) if only is None else [only]:
                await self._round(number)
                if self.world.problems:
                    new = [f"round {number} ({self.report.rounds[-1].hit}): {p}" for p in self.world.problems]
                    self.report.problems += new
                    self.world.problems.clear()
                    self.progress("\n".join(new))
            await self.world.drain(20.0)
            self.report.problems += [f"at the end: {p}" for p in self.world.problems]
            await asyncio.sleep(0.5)
            await self._count()
        finally:
            if self._starting:
                await asyncio.wait(self._starting)
            for node in list(self._nodes):
                await self._end(node)
            await self.world.stop()
            await self.redis.aclose()
            await self._redis_server.stop()
            for log in self._logs:
                log.close()
        return self.report

    async def _start_node(self) -> Node:
        self._names += 1
        name = f"n{self._names}"
        log = (self.home / f"{name}.log").open("wb")
        self._logs.append(log)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.takeover.node", self._redis_server.url, PREFIX, str(self.port), name,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
        node = Node(name, process)
        node.reading = asyncio.create_task(self._read(node))
        self._nodes.append(node)
        await asyncio.wait_for(node.known.wait(), 20)
        return node

    def _start_in_background(self) -> None:
        task = asyncio.create_task(self._start_node())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _read(self, node: Node) -> None:
        assert node.process.stdout is not None
        while line := await node.process.stdout.readline():
            word, _, rest = line.decode().strip().partition(" ")
            if word == "errors":
                node.errors += int(rest)
            else:
                node.role = word
                node.known.set()
        node.role = "gone"
        node.known.set()

    async def _end(self, node: Node) -> None:
        node.send(signal.SIGKILL)
        await node.process.wait()
        if node.reading is not None:
            await node.reading
        if node.errors:
            self.world.wrong(f"{node.name} counted {node.errors} errors; see its log")
        self._nodes.remove(node)

    def _active(self) -> Node | None:
        return next((n for n in self._nodes if n.role == "active" and n.name == self.world.acting), None)

    async def _until(self, true: Callable[[], object], seconds: float, what: str) -> bool:
        end = self.world.now + seconds
        while not true():
            if self.world.now > end:
                self.world.wrong(f"not within {seconds:.0f} s: {what}")
                for node in self._nodes:  # what it is doing instead goes to its log
                    node.send(signal.SIGUSR1)
                    node.send(signal.SIGUSR2)
                return False
            await asyncio.sleep(0.005)
        return True

    # ------------------------------------------------------------------ a round
    async def _round(self, number: int) -> None:
        plan = random.Random(f"{self.seed} {number}")
        hit = plan.choices(list(self.hits), list(self.hits.values()))[0]
        one = Round(number, hit)
        self.report.rounds.append(one)
        await self._until(lambda: self._active() is not None, 5, "somebody is active")
        await asyncio.sleep(plan.uniform(0.1, 0.8))
        await self._until(lambda: any(n.role == "standby" for n in self._nodes), 20, "somebody stands by")
        active = self._active()
        if active is None:
            return
        standby = next((n for n in self._nodes if n.role == "standby"), None)
        if hit == "kill the standby" and standby is not None:
            await self._end(standby)
            self._start_in_background()
        elif hit == "blink":
            with self._standing_still():
                active.send(signal.SIGSTOP)
                await asyncio.sleep(plan.uniform(0.05, 1.0))
                active.send(signal.SIGCONT)
            await asyncio.sleep(0.5)
        elif hit == "pause redis":
            await self._pause_redis(plan.uniform(0.3, 3.0))
        elif hit == "kill redis":
            await self._kill_redis(plan.uniform(0.0, 1.0))
        else:
            await self._replace(one, plan, active)
        await asyncio.sleep(plan.uniform(0.2, 0.9))
        await self._look()
        if number % 10 == 9:
            times = [r.takeover for r in self.report.rounds if r.takeover is not None]
            self.progress(
                f"round {number + 1}: {len(self.world.people)} callers, takeover median "
                f"{statistics.median(times) if times else 0:.2f} s, {len(self.report.problems)} problems"
            )

    async def _replace(self, one: Round, plan: random.Random, active: Node) -> None:
        """The active one is hit so that another must take its place."""
        began, old = self.world.now, self.world.token
        if one.hit != "kill in the act":
            self.world.hit_at = began
        if one.hit == "kill in the act":
            began = await self._in_the_act(active, plan.randrange(1, 12))
        elif one.hit == "stop":
            active.send(signal.SIGSTOP)
        elif one.hit == "hand over":
            active.send(signal.SIGTERM)
        else:
            active.send(signal.SIGKILL)
        if one.hit == "kill all":
            for node in list(self._nodes):
                await self._end(node)
            began, old = self.world.now, self.world.token
            for _ in range(self.processes - 1):
                self._start_in_background()
        commands: list[float] = []
        self.world.on_command = lambda node, _: commands.append(self.world.now) if node != active.name else None
        took = await self._until(lambda: self.world.token > old and self.world.acting != active.name, 12,
                                 "another process acts")  # fmt: skip
        if took:
            one.takeover = next(t for t, _, token in self.world.beats if token > old) - began
            if one.takeover > LIMIT and one.hit != "kill all":
                self.world.wrong(f"another acted only after {one.takeover:.2f} s")
        if one.hit == "stop":
            # It wakes up while the other works, and must find out by itself.
            await asyncio.sleep(plan.uniform(0.0, 1.5))
            active.send(signal.SIGCONT)
            await self._until(lambda: active.role == "standby", 5, f"{active.name} has become a standby")
        else:
            if one.hit == "hand over":
                await active.process.wait()
            if active in self._nodes:
                await self._end(active)
            self._start_in_background()
        self.world.on_command = lambda node, command: None
        one.first_offer = commands[0] - began if commands else None

    async def _in_the_act(self, active: Node, countdown: int) -> float:
        """Kills when the n-th command from now has arrived: right after journal and command, before what follows."""
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        left = countdown

        def count(node: str, _: object) -> None:
            nonlocal left
            left -= 1
            if left <= 0 and not done.done():
                active.send(signal.SIGKILL)
                self.world.hit_at = self.world.now
                done.set_result(self.world.now)

        self.world.on_command = count
        try:
            return await asyncio.wait_for(done, 10)
        except TimeoutError:
            active.send(signal.SIGKILL)
            return self.world.now

    @contextlib.contextmanager
    def _standing_still(self) -> Iterator[None]:
        """The world is told, since what is decided before is sent after."""
        self.world.stood_from, self.world.stood_until = self.world.now, float("inf")
        yield
        self.world.stood_until = self.world.now + 1.0  # and until the journal's retry

    async def _pause_redis(self, seconds: float) -> None:
        process = self._redis_server.process
        assert process is not None
        with self._standing_still():
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            process.send_signal(signal.SIGCONT)
        since = self.world.now
        await self._until(lambda: self.world.beats[-1][0] > since, LIMIT, "somebody acts after Redis is back")

    async def _kill_redis(self, seconds: float) -> None:
        process = self._redis_server.process
        assert process is not None
        with self._standing_still():
            process.kill()
            await process.wait()
            await asyncio.sleep(seconds)
            await self._redis_server.start()
        since = self.world.now
        await self._until(lambda: self.world.beats[-1][0] > since, LIMIT + 1, "somebody acts after Redis is back")

    async def _look(self) -> None:
        for _ in range(50):
            try:
                live = {k.decode() for k in await self.redis.hkeys(f"{PREFIX}live")}  # type: ignore[misc]
            except (RedisError, OSError):
                await asyncio.sleep(0.1)
                continue
            self.world.look(live)
            return

    async def _count(self) -> None:
        """The whole run: one recording job for each caller that the books ever had."""
        world, report = self.world, self.report
        report.callers = len(world.people)
        report.served = sum(p.served for p in world.people.values())
        report.commands = world.commands
        rows = await self.redis.xrange(f"{PREFIX}recordings")
        jobs = Counter(json.loads(data[b"job"])["call"] for _, data in rows)
        report.jobs = len(rows)
        for call, n in jobs.items():
            if n > 1:
                report.problems.append(f"at the end: {call} has {n} recording jobs")
        for call, person in world.people.items():
            if person.served and call not in jobs:
                report.problems.append(f"at the end: {call} talked and has no recording job")


def pids_alive(pids: list[int]) -> list[int]:
    """For tests: which of these processes are still there."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and os.getpid() != pid]
