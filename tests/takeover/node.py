"""One process of the hotline without Asterisk: lease, journal and engine are the product's, the switch is a simulator.

    python -m tests.takeover.node REDIS_URL PREFIX SWITCH_PORT NAME
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import signal
import sys

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from calls import Engine, Lease, RedisJournal, Rules
from routing import Demand, Dispatcher, Policy, Seat
from service.cluster import SECOND_LOOK, Cluster

from .wire import RemoteSwitch
from .world import SEATS

POLICY = Policy(reserve=1.5, ring=1.5, wrap_up=0.15, refused_pause=0.3, missed_limit=1_000_000)
SWEEP = 5.0


class NoFlows:
    def flow_of(self, reference):
        return None


class Node:
    """See service.active.Active: the same steps in the same order."""

    def __init__(self, url: str, prefix: str, port: int, name: str) -> None:
        self.prefix, self.port, self.name = prefix, port, name
        self.redis = Redis.from_url(url, socket_connect_timeout=3)
        quick = Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5, retry=Retry(NoBackoff(), 0))
        self.lease = Lease(quick, prefix, node=name, url="")
        self.lease.on_return = self.on_return
        self.cluster = Cluster(self.lease, up=self.up, halt=self.halt, down=self.down, told=self.told)
        self.engine: Engine | None = None
        self.switch: RemoteSwitch | None = None
        self.sweeper: asyncio.Task[None] | None = None
        self.again: asyncio.Task[None] | None = None

    @staticmethod
    def told(role):
        print(role.value, flush=True)

    async def up(self) -> None:
        switch = self.switch = RemoteSwitch(lambda events: engine.feed(events))
        seats = [Seat(i, i, "330000", {"putonghua": 5}) for i in SEATS]
        engine = self.engine = Engine(
            switch=switch, journal=RedisJournal(self.redis, self.prefix, token=self.lease.token),
            dispatcher=Dispatcher(seats, POLICY), rules=Rules(NoFlows(), Demand((("putonghua", 1),)), POLICY.ring),
            entries={}, raw_path=lambda call: f"/spool/{call}.raw",
            may_act=lambda: self.lease.held, on_fenced=self.lease.lose,
        )  # fmt: skip
        await engine.recover()
        engine.start()
        await switch.connect(self.port, self.name, self.lease.token)
        await engine.link_up()
        switch.release()
        self.sweeper = asyncio.create_task(self.sweeps(engine))

    async def sweeps(self, engine: Engine) -> None:
        await asyncio.sleep(SECOND_LOOK)
        while True:
            with contextlib.suppress(OSError):
                await engine.sweep()
            await asyncio.sleep(SWEEP)

    def on_return(self) -> None:
        if self.engine is not None:
            self.again = asyncio.create_task(self.engine.sweep())

    def halt(self) -> None:
        if self.engine is not None:
            self.engine.halt()

    async def down(self) -> None:
        engine, self.engine = self.engine, None
        if engine is None or self.switch is None:
            return
        for task in (self.sweeper, self.again):
            if task is not None:
                task.cancel()
        await engine.stop()
        await self.switch.close()
        print(f"errors {engine.counters.errors}", flush=True)


def show_tasks() -> None:
    """Into the log: what everything waits for."""
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


async def main(url: str, prefix: str, port: str, name: str) -> None:
    node = Node(url, prefix, int(port), name)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, show_tasks)
    faulthandler.register(signal.SIGUSR1)
    await node.cluster.start()
    await stop.wait()
    await node.cluster.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {sys.argv[4]} %(name)s %(message)s")
    asyncio.run(main(*sys.argv[1:5]))
