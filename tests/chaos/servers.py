"""What is hit: one or two real Asterisks behind proxies, a real Redis, two real processes of the service."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from redis.asyncio import Redis
from redis.exceptions import RedisError

from calls.ports import Snapshot
from service.access import issue
from service.private import PrivateRedis
from telephony import AmiLink, AmiSettings, AsteriskSwitch, LineTrunk, PrivateAsterisk, SeatPhone, TelephonyError
from tests.conftest import PROMPTS, ROOT, ROOTFS, Bench, Switch, eventually, free_port
from tests.parties import directory as book
from tests.parties.processes import Process

from .proxy import Proxy

NAMES = ("hotline", "west")
OUT, EXPERT = "127.0.0.78", "127.0.0.85"
"""Where callers who are called back, and the expert, have their phones."""
VOICEMAIL = """
flow: message
title: 留言
language: zh
start: choose
human: somebody
nodes:
  choose:
    menu: self-menu
    keys: {1: leave}
  leave:
    voicemail: {max_seconds: 60, invite: voicemail-invite}
  somebody:
    route: {}
"""
STALE = 4.0
"""Seconds of a silent service after which the switch helps itself (config/asterisk/extensions.conf, HL_STALE)."""


@dataclass(slots=True)
class Pbx:
    """One Asterisk, its proxy, and a manager session of our own beside it."""

    name: str
    asterisk: PrivateAsterisk
    sip: tuple[str, int]
    proxy: Proxy
    link: AmiLink
    switch: AsteriskSwitch
    alive: bool = True
    stopped: bool = False
    beat: float = 0.0
    """The service's last sign of life, as the switch knows it."""
    deaths: list[float] = field(default_factory=list)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """Its process."""
        assert self.asterisk.process is not None
        return self.asterisk.process


@dataclass
class Site:
    """Everything that is hit; `up()` and `down()` make and end it."""

    home: Path
    seats: tuple[str, ...]
    switches: int = 1
    on_messages: Callable[[str, Any], None] = lambda name, batch: None
    pbxs: list[Pbx] = field(default_factory=list)
    nodes: list[Process] = field(default_factory=list)
    """The processes that live, the stopped ones too."""
    stopped: set[str] = field(default_factory=set)
    """Nodes that stand still."""
    redis_up: bool = True
    served: list[tuple[float, bool]] = field(default_factory=list)
    """(unix seconds, whether the service gives signs of life), a new entry at each change."""
    late: list[tuple[float, float]] = field(default_factory=list)
    """(when, how late this process was): its phones fell silent by themselves."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _ports: dict[str, int] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    """Processes that ended by themselves, with their last words."""
    _ending: bool = False
    _begun: list[PrivateAsterisk] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _supervisors: set[asyncio.Task[None]] = field(default_factory=set)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    # ------------------------------------------------------------------ up and down
    async def up(self) -> None:
        """Starts all of it; returns when a process is active and another stands by."""
        self.home.mkdir(parents=True, exist_ok=True)
        await self._start_redis()
        self.out_port, self.expert_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        for name, bind in list(zip(NAMES, ("127.0.0.1", "127.0.0.2"), strict=True))[: self.switches]:
            await self._start_pbx(name, bind)
        self.settings = self._settings()
        headers = {"Authorization": f"Bearer {issue(self.settings, 'admin', 'chaos')}"}
        timeout = aiohttp.ClientTimeout(total=3)
        self.session = await self._stack.enter_async_context(aiohttp.ClientSession(headers=headers, timeout=timeout))
        self._tasks = [asyncio.create_task(x()) for x in (self._watch_beat, self._watch_loop)]
        try:
            await self.start_node()
            await self.until("a process is active", lambda: self.active is not None, 60)
            await self.start_node()
            await self.until("a second process stands by", lambda: self.standby is not None, 60)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.ended[:3]}") from None

    async def down(self) -> None:
        """Ends all of it."""
        self._ending = True
        for task in (*self._tasks, *self._supervisors):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._supervisors, return_exceptions=True)
        for node in self.nodes:
            await node.kill()
        await self._stack.aclose()
        for pbx in self.pbxs:
            await pbx.link.stop()
            await pbx.proxy.close()
            if pbx.stopped:
                pbx.process.send_signal(signal.SIGCONT)
        for asterisk in self._begun:
            await asterisk.stop()
        await self.redis.aclose()
        if self.redis_server.process is not None and self.redis_server.process.returncode is None:
            self.redis_server.process.send_signal(signal.SIGCONT)
        await self.redis_server.stop()

    async def _start_redis(self) -> None:
        self.redis_server = PrivateRedis(ROOTFS, self.home / "redis", free_port())
        await self.redis_server.start()
        self.redis = Redis.from_url(self.redis_server.url, socket_connect_timeout=1, socket_timeout=3)

    async def _start_pbx(self, name: str, bind: str) -> None:
        shared = {"recording_spool": self.pbxs[0].asterisk.plan().recording_spool} if self.pbxs else {}
        asterisk = PrivateAsterisk(
            rootfs=ROOTFS, templates=ROOT / "config/asterisk", home=self.home / name, sounds=PROMPTS,
            plan_changes={
                "seats": [SeatPhone(i, f"demo-{i}") for i in self.seats], "dialled": ("12345", "12315", "12333"),
                "ami_port": free_port(), "sip_port": free_port(socket.SOCK_DGRAM), "bind": bind,
                "rtp_start": 20000 + 4000 * len(self.pbxs), "rtp_end": 23998 + 4000 * len(self.pbxs),
                "ami_secret": "test-secret", "ami_permit": "127.0.0.0/255.0.0.0", "system_name": name,
                "out_contact": f"{OUT}:{self.out_port}",
                "lines": [LineTrunk("expert", f"{EXPERT}:{self.expert_port}", (EXPERT,))], **shared,
            },
        )  # fmt: skip
        self._begun.append(asterisk)
        plan = await asterisk.start()
        proxy = Proxy((bind, plan.ami_port))
        await proxy.open()
        ami = AmiSettings(host=bind, port=plan.ami_port, username=plan.ami_user, secret=plan.ami_secret)
        link = AmiLink(ami, lambda batch: self.on_messages(name, batch))
        await link.start()
        await link.wait_up(10)
        system = name if self.switches > 1 else ""
        switch = AsteriskSwitch(link, lambda events: None, system=system)
        self.pbxs.append(Pbx(name, asterisk, (bind, plan.sip_port), proxy, link, switch))

    def _settings(self) -> Any:
        first = self.pbxs[0]
        bench = Bench(Switch(first.asterisk, first.asterisk.plan(), None), self.redis_server.url, self.home)  # type: ignore[arg-type]
        seats = [{"id": i, "name": i, "skills": {"putonghua": 5}} for i in self.seats]
        expert = {"name": "专家", "kind": "unit", "numbers": "057188880001", "trunks": "expert", "ring": 10}
        others = ("110", "119", "120", "last_word", "shanghai_12345", "12348", "closed")
        nothing: dict[str, Any] = dict.fromkeys(others)
        config = bench.config(
            seats=seats, times={"wrap_up": 1, "ring": 6, "refused_pause": 1, "reserve": 3, "missed_limit": 20},
            numbers={"12315": {"flow": "message"}, "12333": {"flow": "self-service"}},
            # Nobody is to be turned away here: that more call than can be served is another failure's test.
            admission={"waiting_least": 1000},
        )  # fmt: skip
        book.write(config, book.directory(first.asterisk.plan(), **nothing, expert=expert))
        (config / "flows/message.yaml").write_text(VOICEMAIL)
        routing = yaml.safe_load((config / "routing.yaml").read_text())
        routing["waiting"].update(callback_after=5, tell_after=12)
        routing["rules"] = [rule for rule in routing["rules"] if not rule["name"].startswith("line-")]
        routing["modes"] = {}
        (config / "routing.yaml").unlink()
        (config / "routing.yaml").write_text(yaml.safe_dump(routing, allow_unicode=True))
        return bench.settings(config, ami_port=first.proxy.port, out_endpoint="hotline-out")

    # ------------------------------------------------------------------ processes
    async def start_node(self) -> Process:
        """One more process; whether it is active or stands by it tells later."""
        name = f"n{next(self._numbers)}"
        no_model = self.home / "no-model"
        no_model.mkdir(exist_ok=True)
        more = {"HOTLINE_SPOKEN_EMERGENCY": "false", "HOTLINE_OUT_ENDPOINT": "hotline-out", "HOTLINE_ASR_WORKERS": "1",
                "HOTLINE_ASR_MODEL": str(no_model), "HOTLINE_LOG_FILE": str(self.home / f"{name}.log")}  # fmt: skip
        if self.switches > 1:
            ports = {x.name: f"127.0.0.1:{x.proxy.port}" for x in self.pbxs[1:]}
            more["HOTLINE_SWITCHES"] = json.dumps(ports)
        node = await Process(self.settings, name, **more).start()
        self.nodes.append(node)
        supervisor = asyncio.create_task(self._supervise(node))
        self._supervisors.add(supervisor)
        supervisor.add_done_callback(self._supervisors.discard)
        return node

    async def _supervise(self, node: Process) -> None:
        """As an operator's supervisor does: one that ended by itself (no Redis while it started) is started again."""
        await node.process.wait()
        if node in self.nodes and not self._ending:
            self.nodes.remove(node)
            self.ended.append(f"{node.node}: {' | '.join(node.lines[-3:])}")
            await asyncio.sleep(0.5)
            await self.start_node()

    @property
    def active(self) -> Process | None:
        """Who decides, as far as it has told and does not stand still."""
        return next((n for n in reversed(self.nodes) if n.role == "active" and n.node not in self.stopped), None)

    @property
    def standby(self) -> Process | None:
        """Who stands by."""
        return next((n for n in self.nodes if n.role == "standby" and n.node not in self.stopped), None)

    async def kill_node(self, node: Process) -> None:
        """kill -9, its recording workers as well."""
        workers = self.workers(node)
        self.nodes.remove(node)
        self.stopped.discard(node.node)
        await node.kill()
        del workers  # they notice by themselves that their parent is gone

    @staticmethod
    def workers(node: Process) -> list[int]:
        """Pids of a process's recording workers."""
        with contextlib.suppress(OSError):
            pid = node.process.pid
            return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    # ------------------------------------------------------------------ watching
    async def _watch_beat(self) -> None:
        while True:
            for pbx in self.pbxs:
                with contextlib.suppress(TelephonyError, TimeoutError, OSError):
                    if pbx.alive and not pbx.stopped and pbx.link.up:
                        answer = await asyncio.wait_for(
                            pbx.link.send({"Action": "Getvar", "Variable": "HEARTBEAT"}), 2
                        )
                        pbx.beat = float(answer.get("Value", "0") or 0)
            now = time.time()
            fresh = any(now - x.beat < 3.0 for x in self.pbxs) and any(x.alive for x in self.pbxs)
            if not self.served or self.served[-1][1] != fresh:
                self.served.append((now, fresh))
            await asyncio.sleep(0.2)

    async def _watch_loop(self) -> None:
        while True:
            before = time.time()
            await asyncio.sleep(0.02)
            late = time.time() - before - 0.02
            if late > 0.1:
                self.late.append((before, late))

    def was_served(self, begin: float, end: float) -> bool:
        """Whether the service gave signs of life all the time between."""
        state = True
        for at, fresh in self.served:
            if at > end:
                break
            if at >= begin and not fresh:
                return False
            if at < begin:
                state = fresh
        return state

    def served_since(self, now: float) -> float:
        """Since when the service has given signs of life without a break; `now` if it does not."""
        if not self.served or not self.served[-1][1]:
            return now
        return self.served[-1][0]

    async def snapshot(self, pbx: Pbx) -> Snapshot | None:
        """The switch's truth, or None when it cannot be asked."""
        if not pbx.alive or pbx.stopped or not pbx.link.up:
            return None
        with contextlib.suppress(TelephonyError, TimeoutError, OSError):
            return await asyncio.wait_for(pbx.switch.snapshot(), 5)
        return None

    async def ask(self, path: str) -> Any:
        """The active one's answer, or None."""
        node = self.active
        if node is None:
            return None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self.session.get(f"{node.url}/api/v1/{path}") as answer:
                return await answer.json() if answer.status == 200 else None
        return None

    async def order(self, path: str, key: str, **body: str) -> dict[str, Any] | None:
        """POST, again and again for some seconds under the same key, as a console would; None: refused."""
        end = time.monotonic() + 6
        while time.monotonic() < end:
            node = self.active
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
                if node is not None:
                    headers = {"Idempotency-Key": key}
                    async with self.session.post(f"{node.url}/api/v1/{path}", json=body, headers=headers) as answer:
                        if answer.status < 300:
                            return dict(await answer.json(content_type=None) or {})
                        if answer.status < 500:
                            return None
            await asyncio.sleep(0.3)
        return None

    async def redis_hash(self, name: str) -> dict[str, Any]:
        """A table of the service's in Redis."""
        rows: Any = {}
        for _ in range(20):
            try:
                rows = await self.redis.hgetall(self.settings.redis_prefix + name)
                break
            except (RedisError, OSError):
                await asyncio.sleep(0.3)
        return {k.decode(): json.loads(v) for k, v in rows.items()}

    @staticmethod
    async def until(what: str, true: Callable[[], Any], seconds: float) -> Any:
        """See tests.conftest.eventually."""
        return await eventually(true, seconds, what)


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """A signal to this very process."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


__all__ = ["EXPERT", "OUT", "STALE", "Pbx", "Site", "send"]
