"""The book of calls: every finished call from the journal's `finished` stream into the store.

Killed anywhere: an entry leaves the stream only after the store has it, and the store takes the same
call again without harm (an older record never replaces a newer one).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

import tickets

from . import shapes

log = logging.getLogger(__name__)
GROUP = "books"
GATHER = 0.5
IDLE = 15.0
"""Seconds after which what another process took and did not finish is taken over: it was killed, or stopped."""
CLAIM_EVERY = 5.0


@dataclass(slots=True)
class BookCounters:
    """For the metrics."""

    written: int = 0
    failed: int = 0
    dropped: int = 0
    claimed: int = 0
    """Taken over from a process that had not finished them."""


class CallBook:
    """A consumer of {prefix}finished."""

    def __init__(
        self,
        redis: Redis,
        store: tickets.Store,
        centre: Callable[[], str],
        *,
        prefix: str = "hotline:",
        consumer: str = "books-1",
        idle: float = IDLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counters = BookCounters()
        self.trouble = ""
        """Why nothing can be written just now; "" when it can."""
        self._redis = redis
        self._store = store
        self._centre = centre
        self._stream = prefix + "finished"
        self._consumer = consumer
        self._idle = idle
        self._clock = clock
        self._claim_at = 0.0

    async def run(self) -> None:
        """Works until cancelled; outlives Redis and the store."""
        pause = 0.2
        task = asyncio.current_task()
        while task is None or not task.cancelling():  # the Redis client may swallow a cancellation
            try:
                await self._group()
                last = "0"  # first what this consumer had in hand when it was killed, then the new ones
                while task is None or not task.cancelling():
                    await self._abandoned()
                    answer: Any = await self._redis.xreadgroup(
                        GROUP, self._consumer, {self._stream: last}, count=500, block=1000 if last == ">" else None
                    )
                    streams = list(answer.items()) if isinstance(answer, dict) else (answer or [])
                    entries = streams[0][1] if streams else []
                    if entries and isinstance(entries[0], list) and isinstance(entries[0][0], list | tuple):
                        entries = entries[0]  # RESP3 wraps them once more
                    if not entries:
                        last = ">"
                        continue
                    await self._write(entries)
                    pause = 0.2
                    if last == ">" and len(entries) < 100:
                        await asyncio.sleep(GATHER)  # one transaction for many calls
            except (RedisError, OSError, tickets.StoreError) as error:
                self.counters.failed += 1
                self.trouble = type(error).__name__
                log.warning("book of calls: waiting (%s)", type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _group(self) -> None:
        try:
            await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _abandoned(self) -> None:
        """What the book of a dead process had in hand. Twice is no harm: the store takes the same call again."""
        if self._clock() < self._claim_at:
            return
        self._claim_at = self._clock() + CLAIM_EVERY
        start = "0-0"
        while True:
            answer: Any = await self._redis.xautoclaim(
                self._stream, GROUP, self._consumer, int(self._idle * 1000), start_id=start, count=500
            )
            if answer[1]:
                self.counters.claimed += len(answer[1])
                await self._write(answer[1])
            start = answer[0]
            if start in (b"0-0", "0-0"):
                return

    async def _write(self, entries: list[Any]) -> None:
        done: list[bytes] = []
        records: dict[str, tickets.CallRecord] = {}
        whole: dict[str, Any] = {}
        for entry_id, data in entries:
            try:
                call = json.loads(data[b"call"])
                at = max([m["at"] for m in call["timeline"]], default=call["arrived_at"])
                record = shapes.record(call, self._centre(), at)
            except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
                await self._aside(data, error)
            else:
                records[str(record.call_id)] = record
                whole[str(record.call_id)] = data
            done.append(entry_id)
        await self._store_all(records, whole)
        self.trouble = ""
        pipe = self._redis.pipeline(transaction=True)
        pipe.xack(self._stream, GROUP, *done)
        pipe.xdel(self._stream, *done)
        await pipe.execute()

    async def _store_all(self, records: dict[str, tickets.CallRecord], whole: dict[str, Any]) -> None:
        """Together; if one of them cannot be stored, each by itself, and that one is put aside."""
        if not records:
            return
        try:
            await self._store.put_calls(list(records.values()))
        except tickets.StoreUnavailable:
            raise
        except Exception as error:
            log.warning("book of calls: calls are stored one by one (%s)", type(error).__name__)
            for name, record in records.items():
                try:
                    await self._store.put_calls([record])
                except tickets.StoreUnavailable:
                    raise
                except Exception as refusal:
                    await self._store.ping()  # a store that takes nothing at all is away: everything waits
                    await self._aside(whole[name], refusal)
                else:
                    self.counters.written += 1
        else:
            self.counters.written += len(records)

    async def _aside(self, data: Any, error: Exception) -> None:
        """Not readable by this version, or by no store: kept aside, so that nothing is lost and nothing is stuck."""
        self.counters.dropped += 1
        why = type(error).__name__  # never the text: it may hold what the entry holds
        log.error("book of calls: an entry is not readable (%s); moved to dead", why)
        await self._redis.xadd(self._stream + ":dead", data or {b"empty": b"1"}, maxlen=10000)
