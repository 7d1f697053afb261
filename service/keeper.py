"""Keeps the private servers running: one that dies is started again, and a crash loop is told with its cure.

The first death is mended at once. When starts follow each other quickly, or fail, the pauses between them double up to
`LONGEST`: a server that cannot run must not be what keeps the machine busy.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import telephony

from .errors import ServiceError
from .health import NotWell

log = logging.getLogger(__name__)

STEADY = 60.0
"""Seconds after which a server counts as running well: its next death is a first one."""
FIRST, LONGEST = 0.5, 30.0
"""Seconds of the pause after the second quick death; the pauses double up to the longest."""
LOOP = 3
"""Quick deaths or failed starts in a row that are called a crash loop."""


class Process(Protocol):
    """Something that ends."""

    async def wait(self) -> int:
        """Its code, when it has ended."""


class Server(Protocol):
    """What is kept: a private Redis or Asterisk."""

    @property
    def process(self) -> Process | None:
        """What runs, if anything does."""

    async def start(self) -> object:
        """Starts it and waits until it works."""


class Keeper:
    """Looks after one server that runs already, until `stop`.

    Args:
        name: for people: Redis, Asterisk.
        server: its `process` is waited for, and its `start` called again.
        cure: (Chinese, English): what to do when it does not stay up.
        clock, sleep: seconds.
    """

    def __init__(
        self,
        name: str,
        server: Server,
        cure: tuple[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.failures = 0
        """Quick deaths and failed starts in a row."""
        self._server, self._cure, self._clock, self._sleep = server, cure, clock, sleep
        self._up = True
        self._since = clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look after it."""
        self._task = asyncio.create_task(self.run(), name=f"keeper-{self.name.lower()}")

    async def stop(self) -> None:
        """Stops looking after it; the server is left as it is."""
        task, self._task = self._task, None
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=0.5)

    async def look(self) -> None:
        """For the health: raises NotWell while it is down or does not stay up."""
        zh, en = self._cure
        if self.failures >= LOOP and (not self._up or self._clock() - self._since < STEADY):
            raise NotWell("crash-loop", f"{self.name} 反复退出 ({self.failures} 次): {zh}",
                          f"{self.name} does not stay up ({self.failures} times): {en}")  # fmt: skip
        if not self._up:
            raise NotWell("restarting", f"{self.name} 已退出, 正在重启", f"{self.name} has died and is started again")

    async def run(self) -> None:
        """For ever: waits for its death, starts it again."""
        while True:
            process = self._server.process
            if process is not None:
                code = await process.wait()
                self._up = False
                if self._clock() - self._since >= STEADY:
                    self.failures = 0
                log.error("%s has died (%s); it is started again", self.name, _why(code))
            await self._again()

    async def _again(self) -> None:
        """Starts it, however often that takes."""
        while True:
            self.failures += 1
            pause = min(LONGEST, FIRST * 2 ** (self.failures - 2)) if self.failures > 1 else 0.0
            if self.failures >= LOOP:
                log.error("%s does not stay up (%d times in a row); next try in %.1f s. %s",
                          self.name, self.failures, pause, self._cure[1])  # fmt: skip
            if pause:
                await self._sleep(pause)
            began = self._clock()
            try:
                await self._server.start()
            except (ServiceError, telephony.TelephonyError, OSError) as error:
                fix = f" ({error.fix})" if isinstance(error, ServiceError) and error.fix else ""
                log.error("%s did not start: %s%s", self.name, error, fix)  # noqa: TRY400 - said in words
                continue
            self._up, self._since = True, self._clock()
            self.restarts += 1
            log.warning("%s runs again after %.1f s", self.name, self._clock() - began)
            return


def _why(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"
