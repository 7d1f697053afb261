"""Brings what is in the outbox to the platform: one at a time, each at least once, those of a ticket in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ._errors import StoreError
from ._outbox import Message
from ._outbox_http import NeverSo, NotNow, Platform
from ._store import Store

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OutboxCounts:
    """Counters for metrics; they only grow."""

    sent: int = 0
    """Messages that the platform has taken."""
    failed: int = 0
    """Tries that are made again."""
    refused: int = 0
    """Messages that the platform will not take: they wait for a human."""


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """Seconds. A message is tried again after `first`, then twice as long each time, at most `longest`; between two
    failures of different messages (the platform is away, most likely) the worker itself waits from `pause` up to
    `longest_pause`. `look`: how often it looks for new ones."""

    first: float = 2.0
    longest: float = 600.0
    pause: float = 1.0
    longest_pause: float = 60.0
    look: float = 1.0


class Outbox:
    """The worker. Killed at any moment it loses nothing: a message goes after the platform has answered; if that was
    not seen it is told again, with the same key.

    Args:
        store: has the messages.
        platform: takes them.
        policy: how patient.
        clock: unix seconds.
        sleep: for tests.
    """

    def __init__(
        self,
        store: Store,
        platform: Platform,
        policy: OutboxPolicy | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.counts = OutboxCounts()
        self.trouble = ""
        """The code of the last try if it failed; "" when it went well."""
        self._store, self._platform, self._policy = store, platform, policy or OutboxPolicy()
        self._clock, self._sleep = clock, sleep

    async def run(self) -> None:
        """Until cancelled; outlives the store and the platform."""
        policy = self._policy
        pause = policy.pause
        while True:
            try:
                message = await self._store.next_message(self._clock())
                if message is None:
                    await self._sleep(policy.look)
                    continue
                well = await self._one(message)
            except StoreError as error:
                _log.warning("outbox.waiting", cause=type(error).__name__, seconds=pause)
                well = False
            if well:
                pause = policy.pause
            else:
                await self._sleep(pause)
                pause = min(pause * 2, policy.longest_pause)

    async def _one(self, message: Message) -> bool:
        """False: the platform may be away."""
        log = _log.bind(message=message.id, ticket=message.subject, kind=message.kind, tries=message.tries + 1)
        try:
            await self._platform.deliver(message)
        except NotNow as error:
            self.counts.failed += 1
            self.trouble = error.code
            wait = min(self._policy.first * 2 ** min(message.tries, 30), self._policy.longest)
            wait = max(wait, error.after)
            await self._store.message_failed(message.id, error.code, self._clock() + wait)
            log.warning("outbox.failed", cause=error.code, seconds=wait)
            return False
        except NeverSo as error:
            self.counts.refused += 1
            self.trouble = ""
            await self._store.message_refused(message.id, error.code, self._clock())
            log.error("outbox.refused", cause=error.code)  # noqa: TRY400 - a code says it all
            return True
        await self._store.message_sent(message.id)
        self.counts.sent += 1
        self.trouble = ""
        log.info("outbox.sent")
        return True
