"""The journal in a Redis Stream, and one in memory for unit tests.

Keys (prefix `hotline:`):
    journal     stream   every event of every call: c = call, t = unix seconds, d = event as JSON
    live        hash     call → id of the last entry before its first one (where a fold begins)
    seats       hash     seat → its state as JSON
    recordings  stream   one job per call whose caller left (read by recording workers)
    finished    stream   the whole call as JSON (read by the book of calls)

A batch is one Lua script, which Redis runs whole: a caller's end and its recording job are written
together or not at all, so a process that dies between two lines leaves no recording without a job.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .events import Codec, Event
from .ports import Batch, JournalError

log = logging.getLogger(__name__)
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
PAGE = 1000
_APPEND = """
local i = 1
local function take() local v = ARGV[i]; i = i + 1; return v end
local last = take()
for _ = 1, tonumber(take()) do redis.call("HSET", KEYS[1], take(), last) end
for _ = 1, tonumber(take()) do
  local c, t, d = take(), take(), take()
  last = redis.call("XADD", KEYS[2], "*", "c", c, "t", t, "d", d)
end
for _ = 1, tonumber(take()) do local s = take(); redis.call("HSET", KEYS[3], s, take()) end
for _ = 1, tonumber(take()) do redis.call("XADD", KEYS[4], "*", "job", take()) end
for _ = 1, tonumber(take()) do redis.call("XADD", KEYS[5], "*", "call", take()) end
for _ = 1, tonumber(take()) do redis.call("HDEL", KEYS[1], take()) end
return last
"""
"""One batch as one script: all or nothing like MULTI, in one command and one answer."""


class RedisJournal:
    """See the module's text. `redis` must not decode responses."""

    def __init__(self, redis: Redis, prefix: str = "hotline:", keep_seconds: float = 3 * 86400) -> None:
        self._redis = redis
        self._p = prefix
        self._keep = keep_seconds
        self._last = "0-0"
        self._known_last = False
        self._append: Any = redis.register_script(_APPEND)

    async def _find_last(self) -> None:
        newest: Any = await self._redis.xrevrange(self._p + "journal", count=1)
        self._last = newest[0][0].decode() if newest else "0-0"
        self._known_last = True

    async def append(self, batch: Batch) -> None:
        """One script, run whole. Raises JournalError; a broken connection may leave it unknown whether the
        batch was written: writing it again is then right, since events of a call are folded by a
        machine that ignores what it has already seen."""
        p = self._p
        try:
            if not self._known_last:
                await self._find_last()
            args: list[str | int] = [self._last, len(batch.opened), *batch.opened, len(batch.entries)]
            for event, at in batch.entries:
                args += (event.call, repr(at), Codec.encode(event))
            args.append(len(batch.seats))
            for seat in batch.seats:
                args += (seat["id"], _dumps(seat))
            args.append(len(batch.jobs))
            args += [_dumps(job) for job in batch.jobs]
            args.append(len(batch.finished))
            args += [_dumps(call_data) for call_data in batch.finished]
            args += (len(batch.closed), *batch.closed)
            keys = [p + name for name in ("live", "journal", "seats", "recordings", "finished")]
            last: Any = await self._append(keys=keys, args=args)
        except (RedisError, OSError) as error:
            self._known_last = False
            raise JournalError(f"the journal cannot be written: {type(error).__name__}") from error
        if batch.entries:
            self._last = last.decode() if isinstance(last, bytes) else str(last)

    async def replay(self) -> AsyncIterator[tuple[Event, float]]:
        """Entries of live calls, oldest first; one that this version cannot read is left out and logged.

        Raises:
            JournalError: the journal cannot be read now.
        """
        try:
            rows: Any = await self._redis.hgetall(self._p + "live")
            live: dict[str, str] = {k.decode(): v.decode() for k, v in rows.items()}
            if not live:
                return
            at = min(live.values(), key=_stream_order)
            while True:
                page: Any = await self._redis.xrange(self._p + "journal", min=f"({at}", count=PAGE)
                for entry_id, data in page:
                    at = entry_id.decode()
                    if data.get(b"c", b"").decode(errors="replace") not in live:
                        continue
                    try:
                        event, when = Codec.decode(data[b"d"]), float(data[b"t"])
                    except (ValueError, KeyError):
                        # Starting matters more than one entry: what it said, the switch says again.
                        log.error("journal: an entry cannot be read; left out", extra={"entry": at})  # noqa: TRY400
                        continue
                    yield event, when
                if len(page) < PAGE:
                    return
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be read: {type(error).__name__}") from error

    async def seats(self) -> Mapping[str, dict[str, Any]]:
        """Seat → last snapshot. Raises JournalError."""
        try:
            rows: Any = await self._redis.hgetall(self._p + "seats")
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be read: {type(error).__name__}") from error
        return {k.decode(): json.loads(v) for k, v in rows.items()}

    async def trim(self, now: float) -> int:
        """Drops entries older than the kept time and older than every live call. Returns how many."""
        try:
            values: Any = await self._redis.hvals(self._p + "live")
            live = [v.decode() for v in values]
            oldest = f"{int((now - self._keep) * 1000)}-0"
            minimum = min([*live, oldest], key=_stream_order)
            return int(await self._redis.xtrim(self._p + "journal", minid=minimum, approximate=True))
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be trimmed: {type(error).__name__}") from error


def _stream_order(entry_id: str) -> tuple[int, int]:
    ms, _, seq = entry_id.partition("-")
    return int(ms), int(seq or 0)


class MemoryJournal:
    """For unit tests: keeps everything, can be told to fail."""

    def __init__(self) -> None:
        self.entries: list[tuple[Event, float]] = []
        self.live: set[str] = set()
        self.seat_rows: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.finished: list[dict[str, Any]] = []
        self.failing = False

    async def append(self, batch: Batch) -> None:
        """Raises JournalError while `failing`."""
        if self.failing:
            raise JournalError("told to fail")
        self.live.update(batch.opened)
        # Through the codec, as the real one: what cannot be written fails here too.
        self.entries += [(Codec.decode(Codec.encode(e)), at) for e, at in batch.entries]
        for seat in batch.seats:
            self.seat_rows[seat["id"]] = json.loads(_dumps(seat))
        self.jobs += batch.jobs
        self.finished += batch.finished
        self.live.difference_update(batch.closed)

    async def replay(self) -> AsyncIterator[tuple[Event, float]]:
        """Entries of live calls."""
        for event, at in list(self.entries):
            if event.call in self.live:
                yield event, at

    async def seats(self) -> Mapping[str, dict[str, Any]]:
        """Snapshots."""
        return dict(self.seat_rows)
