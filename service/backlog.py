"""Watches what waits for a recogniser, and gives calls whose words are late a draft without words meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError

import recordings
import tickets

from .health import NotWell

log = logging.getLogger(__name__)
EVERY = 5.0
MOST = 5
"""Looks after which a call that is in no book is left alone."""


class BacklogWatch(Collector):
    """See the module's text.

    Args:
        redis: has the stream of jobs.
        maker: makes the drafts.
        prefix: of the keys.
        late: seconds after its end when a call without words gets its form.
        alarm: seconds of the oldest job's age from which it is an alarm.
        clock: unix seconds.
    """

    def __init__(
        self, redis: Redis, maker: tickets.DraftMaker, *, prefix: str, late: float = 60.0, alarm: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.state = recordings.Backlog(0, 0.0, 0)
        self._redis, self._maker, self._prefix = redis, maker, prefix
        self._late, self._alarm, self._clock = late, alarm, clock
        self._after = "-"
        self._again: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled; outlives Redis and the store."""
        task = asyncio.current_task()
        while task is None or not task.cancelling():  # the Redis client may swallow a cancellation
            try:
                await self.look()
            except (RedisError, OSError, tickets.StoreError) as error:
                log.debug("backlog: not looked at (%s)", type(error).__name__)
            except Exception as error:
                log.error("backlog: %s", type(error).__name__)  # noqa: TRY400 - its text may hold a call's data
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """One look; all that are late now have a form afterwards, unless the store is away (it raises)."""
        now = self._clock()
        self.state = await recordings.backlog(self._redis, self._prefix, now)
        for call in list(self._again):
            await self._one(call)
        while batch := await recordings.overdue(self._redis, self._prefix, now - self._late, self._after):
            for one in batch:
                if one.call:
                    await self._one(one.call)
                self._after = one.id

    async def _one(self, call: str) -> None:
        try:
            done = await self._maker.await_words(call)
        except (RedisError, OSError, tickets.StoreError):
            raise  # nothing can be made just now: as in `run`
        except Exception as error:
            # One call's fault must not end the looking after all others. Its text may hold the call's data.
            log.error("backlog: no form could be made (%s)", type(error).__name__)  # noqa: TRY400
            done = False
        if done:
            self._again.pop(call, None)
            return
        # Its end is not in the books yet: they may be a moment behind.
        self._again[call] = self._again.get(call, 0) + 1
        if self._again[call] >= MOST:
            del self._again[call]

    async def well(self) -> None:
        """For the health of parts. Raises NotWell."""
        state = self.state
        if state.oldest >= self._alarm:
            minutes = round(state.oldest / 60)
            raise NotWell(
                "behind", f"{state.jobs} 个通话等待转写，最久的已等 {minutes} 分钟；录音都已保存，工单草稿先无文字",
                f"{state.jobs} calls wait to be transcribed, the oldest for {minutes} min; recordings are kept, their "
                "drafts have no words yet",
            )

    def collect(self) -> Iterable[Metric]:
        """Called by the registry at each scrape."""
        state = self.state
        yield GaugeMetricFamily("hotline_transcription_jobs", "Calls waiting to be transcribed, now", value=state.jobs)
        yield GaugeMetricFamily(
            "hotline_transcription_oldest_seconds", "For how long the oldest of them has waited", value=state.oldest
        )
        yield GaugeMetricFamily("hotline_transcription_dead", "Jobs given up, to be looked at", value=state.dead)
