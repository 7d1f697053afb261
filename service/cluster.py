"""Several processes on one Redis: one is active, the others wait, and all of them answer at their own address.

    granted the lease ─▶ active: fold, reconcile, heart-beat, the console itself
    lease lost        ─▶ the engine is halted in the same moment; the process becomes a standby again

A process that loses the lease does not exit: it may be the one that keeps the private Redis and Asterisk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

import calls

from .errors import ServiceError

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds a process that starts waits for Redis to tell who is active."""
AGAIN = 1.0
"""Seconds before a process that could not become active tries again; the others come first."""


SECOND_LOOK = 0.6
"""Seconds after a takeover at which the switch is looked at again: the first look leaves alone what is under way."""


class Role(StrEnum):
    """What a process is to the others."""

    STARTING = "starting"
    STANDBY = "standby"
    ACTIVE = "active"


class Front:
    """One listening socket for the process's life, whatever answers on it.

    The application is changed by handing the same socket to the next one: who connects in between waits for a moment
    in the kernel's queue and is not refused.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._socket: socket.socket | None = None
        self._site: web.SockSite | None = None
        self._runner: web.AppRunner | None = None
        self._ending: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Binds. Raises ServiceError when the port is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._socket = socket.create_server((self._host, self._port), family=family)
        except OSError:
            raise ServiceError(
                f"port {self._port} (console) is in use", "end the other program, or set HOTLINE_HTTP_PORT=…"
            ) from None

    async def show(self, app: web.Application) -> None:
        """From now on `app` answers. What the last one still had under way is ended in the background."""
        assert self._socket is not None, "open() comes first"
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=3.0)
        await runner.setup()
        if self._site is not None:
            await self._site.stop()
        old, self._runner = self._runner, runner
        self._site = web.SockSite(runner, self._socket.dup())
        await self._site.start()
        if old is not None:
            task = asyncio.create_task(old.cleanup(), name="front-ending")
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Ends everything."""
        runner, self._runner, self._site = self._runner, None, None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if runner is not None:
            await runner.cleanup()
        if self._ending:
            await asyncio.wait(self._ending, timeout=5.0)


@dataclass(slots=True)
class ClusterCounters:
    """For the metrics."""

    takeovers: int = 0
    losses: int = 0
    failed: int = 0


class Cluster:
    """The loop of one process: wait for the lease, be active until it is lost, and again.

    Args:
        lease: this process's share; its `on_lost` is set here.
        up: makes the process active. What it raises lets the lease go, so that another may try.
        halt: stops deciding, at once, without waiting for anything.
        down: makes the process a standby; harmless if it is one.
        told: called with each new role.
    """

    def __init__(
        self,
        lease: calls.Lease,
        *,
        up: Callable[[], Awaitable[None]],
        halt: Callable[[], None],
        down: Callable[[], Awaitable[None]],
        told: Callable[[Role], None] = lambda _: None,
    ) -> None:
        self.lease = lease
        self.role = Role.STARTING
        self.counters = ClusterCounters()
        self._up, self._halt, self._down, self._told = up, halt, down, told
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        lease.on_lost = self._on_lost

    def _on_lost(self) -> None:
        self._halt()
        self._lost.set()

    def _become(self, role: Role) -> None:
        if role is not self.role:
            self.role = role
            log.warning("this process is %s now", role.value, extra={"role": role.value})
            self._told(role)

    async def start(self) -> None:
        """Returns when the role is known: active, or standby because another was seen to live, or because the
        journal is of a format that this version cannot read.

        Raises:
            ServiceError: Redis does not answer.
            Exception: what `up` raises: the process cannot do its work.
        """
        end = asyncio.get_running_loop().time() + PATIENCE
        while not await self.lease.try_acquire():
            if self.lease.other_lives or self.lease.newer:
                self._become(Role.STANDBY)
                break
            if asyncio.get_running_loop().time() > end:
                raise ServiceError("the lease cannot be asked for", "is Redis writable, and quick to answer?")
            await asyncio.sleep(0.1)
        else:
            try:
                await self._activate()
            except BaseException:
                await self.lease.release()
                raise
        self._task = asyncio.create_task(self._run(), name="cluster")

    async def _activate(self) -> None:
        self._lost.clear()
        if not self.lease.holds:
            self._lost.set()
        await self._up()
        self.counters.takeovers += 1
        self._become(Role.ACTIVE)

    async def _run(self) -> None:
        """For ever: whatever goes wrong in one turn of it, this process stays ready to take over."""
        while True:
            try:
                if self.role is Role.ACTIVE:
                    await self._lost.wait()
                    self.counters.losses += 1
                    try:
                        await self._down()
                    finally:
                        self._become(Role.STANDBY)
                await self.lease.acquire()
                await self._activate()
            except Exception as error:
                # Redis gone in the middle, for instance. Another may fare better; then it is our turn again.
                self.counters.failed += 1
                log.exception("a change of role failed (%s)", type(error).__name__)
                await self.lease.release()
                await asyncio.sleep(AGAIN)

    async def stop(self) -> None:
        """Ends the loop; hands over if active: what is under way is finished, then the lease is let go."""
        task, self._task = self._task, None
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.5)
        with contextlib.suppress(Exception):
            await self._down()
        self.role = Role.STANDBY
        await self.lease.release()
