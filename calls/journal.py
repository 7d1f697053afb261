"""The journal in a Redis Stream, and one in memory for unit tests.

Keys (prefix `hotline:`):
    journal     stream   every event of every call: c = call, t = unix seconds, d = event as JSON
    live        hash     call → id of the last entry before its first one (where a fold begins)
    seats       hash     seat → its state as JSON
    recordings  stream   one job per call whose caller left (read by recording workers)
    finished    stream   the whole call as JSON (read by the book of calls)
    <table>     hash     key → row as JSON: further tables, `Batch.rows`
    fence       string   the highest fencing token granted: who has less may not write
    written     string   "<writer> <number>" of the last batch: the same batch is never written twice, none is missing
    format      string   which format one must be able to read (calls.formats)

A batch is one Lua script, which Redis runs whole: a caller's end and its recording job are written
together or not at all, so a process that dies between two lines leaves no recording without a job.
The same script refuses a writer that another has replaced, so what a stopped or cut-off process still
had to say is never mixed into what its successor decided.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from math import isfinite
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .events import Codec, Event
from .formats import FORMAT, SINCE
from .ports import Batch, Fenced, JournalError

log = logging.getLogger(__name__)
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
PAGE = 1000
_NAMES = ("live", "journal", "seats", "recordings", "finished", "fence", "written", "format")
_OTHERS = ("nodes", "lease", "flows", "transcripts")
KEPT = 15.0
"""Seconds for which written batches are held, should Redis come back without them: it may lose a few at most."""
_ENTRY = re.compile(r"[0-9]{1,20}(-[0-9]{1,20})?", re.ASCII)
_TABLE = re.compile(r"[a-z][a-z_]{0,31}")
_APPEND = """
local i = 1
local function take() local v = ARGV[i]; i = i + 1; return v end
local token, writer, number, after = tonumber(take()), take(), take(), tonumber(take())
local reads, level = tonumber(take()), tonumber(take())
local fence = tonumber(redis.call("GET", KEYS[6]) or "0")
if token < fence then return {"fenced", tostring(fence)} end
local needs, stop = string.match(redis.call("GET", KEYS[8]) or "", "^(%d+)(.*)$")
needs = tonumber(needs or "0")
if needs > reads then return {"newer", tostring(needs)} end
-- A Redis that lost its last moments may have lost a grant: the holder puts it back.
if token > fence then redis.call("SET", KEYS[6], token) end
local was, at = string.match(redis.call("GET", KEYS[7]) or "", "^(%S+) (%d+)$")
if was == writer and tonumber(number) <= tonumber(at) then return {"again"} end
-- It may have lost batches as well. (Without a lease several may write in turn: nothing follows anything.)
local before = was == writer and tonumber(at) or 0
if token > 0 and after ~= before then return {"gap", tostring(before)} end
if level > needs or (level == needs and stop ~= "") then redis.call("SET", KEYS[8], level) end
redis.call("SET", KEYS[7], writer .. " " .. number)
local opened = tonumber(take())
if opened > 0 then
  local newest = redis.call("XREVRANGE", KEYS[2], "+", "-", "COUNT", 1)[1]
  local last = newest and newest[1] or "0-0"
  for _ = 1, opened do redis.call("HSET", KEYS[1], take(), last) end
end
for _ = 1, tonumber(take()) do
  local c, t, d = take(), take(), take()
  redis.call("XADD", KEYS[2], "*", "c", c, "t", t, "d", d)
end
for _ = 1, tonumber(take()) do local s = take(); redis.call("HSET", KEYS[3], s, take()) end
for _ = 1, tonumber(take()) do redis.call("XADD", KEYS[4], "*", "job", take()) end
for _ = 1, tonumber(take()) do redis.call("XADD", KEYS[5], "*", "call", take()) end
for _ = 1, tonumber(take()) do redis.call("HDEL", KEYS[1], take()) end
for _ = 1, tonumber(take()) do
  local key, field, row = KEYS[tonumber(take())], take(), take()
  if row == "" then redis.call("HDEL", key, field) else redis.call("HSET", key, field, row) end
end
return {"written"}
"""
"""One batch as one script: all or nothing like MULTI, in one command and one answer."""


class RedisJournal:
    """See the module's text. `redis` must not decode responses.

    Args:
        redis: a client.
        prefix: of all keys.
        keep_seconds: how long entries of ended calls stay.
        token: the fencing token of the lease that allows this process to write; 0: there is no lease, which
            is right as long as none was ever granted under this prefix.
        reads: the newest format this process reads.
        level: the newest format all processes read: in which it is written.
    """

    def __init__(
        self,
        redis: Redis,
        prefix: str = "hotline:",
        keep_seconds: float = 3 * 86400,
        *,
        token: int = 0,
        reads: int = FORMAT,
        level: Callable[[], int] = lambda: FORMAT,
    ) -> None:
        self._redis = redis
        self._p = prefix
        self._keep = keep_seconds
        self._token = token
        self._writer = secrets.token_hex(6)
        self._number = 0
        self._unsure: Batch | None = None
        self._reads, self._level = reads, level
        self._kept: deque[tuple[int, Batch, float]] = deque()
        self.mended = 0
        """Batches written again because Redis had lost them."""
        self._append: Any = redis.register_script(_APPEND)

    async def append(self, batch: Batch) -> None:
        """One script, run whole.

        A broken connection may leave it unknown whether the batch was written. The caller then gives the
        same batch again: it has the same number, and Redis knows whether that was written.

        Raises:
            Fenced: a higher token was granted; this process may not write any more.
            JournalError: Redis cannot be reached, or refuses.
        """
        if batch is not self._unsure:
            self._number += 1
        # Whatever happens from here on (a cancellation too), the same batch keeps its number.
        self._unsure = batch
        after = self._number - 1
        while (answer := await self._send(batch, self._number, after))[0] == "gap":
            after = await self._mend(int(answer[1]))
        self._unsure = None
        if answer[0] == "fenced":
            raise Fenced(f"another process decides now (its token {int(answer[1])}, ours {self._token})")
        if answer[0] == "newer":
            raise Fenced(f"the journal is of format {int(answer[1])}, this version reads up to {self._reads}")
        now = time.monotonic()
        self._kept.append((self._number, batch, now))
        while self._kept and self._kept[0][2] < now - KEPT:
            self._kept.popleft()

    @property
    def level(self) -> int:
        """The format in which the next batch is written: an event of a newer one must not be made."""
        return self._level()

    async def _mend(self, last: int) -> int:
        """Redis has lost what came after our batch `last`: once more. Returns after which one the journal stands."""
        lost = [(number, batch) for number, batch, _ in self._kept if number > last]
        log.error("journal: Redis came back without its last entries", extra={"batches": self._number - 1 - last})
        for number, batch in lost:
            answer = await self._send(batch, number, last)
            if answer[0] not in ("written", "again"):
                break
            last, self.mended = number, self.mended + 1
        return last

    async def _send(self, batch: Batch, number: int, after: int) -> list[str]:
        keys, args = self._script(batch, number, after)
        try:
            answer: Any = await self._append(keys=keys, args=args)
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be written: {type(error).__name__}") from error
        return [x.decode() if isinstance(x, bytes) else str(x) for x in answer]

    def _script(self, batch: Batch, number: int, after: int) -> tuple[list[str], list[str | int]]:
        keys = [self._p + name for name in _NAMES]
        level = min(self._level(), self._reads)
        args: list[str | int] = [self._token, self._writer, number, after, self._reads, level]
        args += (len(batch.opened), *batch.opened)
        args.append(len(batch.entries))
        for event, at in batch.entries:
            args += (event.call, repr(at), self._encoded(event, level))
        args.append(len(batch.seats))
        for seat in batch.seats:
            args += (seat["id"], _dumps(seat))
        args.append(len(batch.jobs))
        args += [_dumps(job) for job in batch.jobs]
        args.append(len(batch.finished))
        args += [_dumps(call_data) for call_data in batch.finished]
        args += (len(batch.closed), *batch.closed, len(batch.rows))
        tables: dict[str, int] = {}
        for table, key, row in batch.rows:
            if table not in tables:
                keys.append(self._p + _table(table))
                tables[table] = len(keys)
            args += (tables[table], key, "" if row is None else _dumps(row))
        return keys, args

    @staticmethod
    def _encoded(event: Event, level: int) -> str:
        if SINCE and SINCE.get(type(event).__name__, 0) > level:
            raise ValueError(f"{type(event).__name__} is of a format that not all processes read")
        return Codec.encode(event)

    async def replay(self) -> AsyncIterator[tuple[Event, float]]:
        """Entries of live calls, oldest first; one that this version cannot read is left out and logged.

        Raises:
            JournalError: the journal cannot be read now.
        """
        try:
            rows: Any = await self._redis.hgetall(self._p + "live")
            live: dict[str, str] = {_text(k): _text(v) for k, v in rows.items()}
            if not live:
                return
            # A place that cannot be read is as if it were at the beginning: rather too many entries than none.
            at = min(live.values(), key=_stream_order)
            at = at if _ENTRY.fullmatch(at) else "0-0"
            while True:
                page: Any = await self._redis.xrange(self._p + "journal", min=f"({at}", count=PAGE)
                for entry_id, data in page:
                    at = entry_id.decode()
                    if data.get(b"c", b"").decode(errors="replace") not in live:
                        continue
                    try:
                        event, when = Codec.decode(data[b"d"]), _time(data[b"t"])
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
        return await self._rows("seats")

    async def rows(self, table: str) -> Mapping[str, dict[str, Any]]:
        """Key → row. Raises JournalError, and ValueError for a name that is no table's."""
        return await self._rows(_table(table))

    async def _rows(self, name: str) -> dict[str, dict[str, Any]]:
        try:
            rows: Any = await self._redis.hgetall(self._p + name)
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be read: {type(error).__name__}") from error
        out: dict[str, dict[str, Any]] = {}
        for key, value in rows.items():
            try:
                row = json.loads(value)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                out[_text(key)] = row
            else:
                # Starting matters more than one row; it stays where it is.
                log.error("journal: a row of %s cannot be read; left out", name)
        return out

    async def trim(self, now: float) -> int:
        """Drops entries older than the kept time and older than every live call. Returns how many."""
        try:
            values: Any = await self._redis.hvals(self._p + "live")
            live = [_text(v) for v in values]
            if not all(map(_ENTRY.fullmatch, live)):
                return 0  # what cannot be read may be of a live call: nothing of it is dropped
            oldest = f"{int((now - self._keep) * 1000)}-0"
            minimum = min([*live, oldest], key=_stream_order)
            return int(await self._redis.xtrim(self._p + "journal", minid=minimum, approximate=True))
        except (RedisError, OSError) as error:
            raise JournalError(f"the journal cannot be trimmed: {type(error).__name__}") from error


def _table(name: str) -> str:
    if name in _NAMES or name in _OTHERS or not _TABLE.fullmatch(name):
        raise ValueError(f"no name for a table: {name[:40]!r}")
    return name


def _time(raw: bytes) -> float:
    at = float(raw)
    if not isfinite(at):
        raise ValueError("no time")
    return at


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _stream_order(entry_id: str) -> tuple[int, int]:
    if not _ENTRY.fullmatch(entry_id):
        return 0, 0
    ms, _, seq = entry_id.partition("-")
    return int(ms), int(seq or 0)


class MemoryJournal:
    """For unit tests: keeps everything, can be told to fail, or that another process has taken over."""

    def __init__(self) -> None:
        self.entries: list[tuple[Event, float]] = []
        self.live: set[str] = set()
        self.seat_rows: dict[str, dict[str, Any]] = {}
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.finished: list[dict[str, Any]] = []
        self.failing = False
        self.fenced = False

    async def append(self, batch: Batch) -> None:
        """Raises Fenced while `fenced`, JournalError while `failing`."""
        if self.fenced:
            raise Fenced("told that another process decides")
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
        for table, key, row in batch.rows:
            rows = self.tables.setdefault(_table(table), {})
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = json.loads(_dumps(row))

    async def replay(self) -> AsyncIterator[tuple[Event, float]]:
        """Entries of live calls."""
        for event, at in list(self.entries):
            if event.call in self.live:
                yield event, at

    async def seats(self) -> Mapping[str, dict[str, Any]]:
        """Snapshots."""
        return dict(self.seat_rows)

    async def rows(self, table: str) -> Mapping[str, dict[str, Any]]:
        """Rows of a further table."""
        return dict(self.tables.get(_table(table), {}))
