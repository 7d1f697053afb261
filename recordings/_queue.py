"""The stream of jobs as a worker sees it: take one, keep it, finish it.

A job is in the consumer group's pending list from the moment it is read until it is finished, so a worker that dies
leaves it there, and `take` gives it to another once nobody has renewed the claim for a while. Finishing is one Lua
script (atomic like MULTI/EXEC, and able to look first): the result is added only by the worker whose acknowledgement
counted, so a job that two workers did (one was paused for a minute) still has one result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import redis

from ._settings import GROUP, RecordingSettings

# KEYS: jobs, results, dead. ARGV: group, id, dead? ("" or "1"), number of result fields, those…, dead fields…
_FINISH = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[1], ARGV[2])
local n = tonumber(ARGV[4])
if n > 0 then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5, 4 + n)) end
if ARGV[3] == '1' then redis.call('XADD', KEYS[3], '*', unpack(ARGV, 5 + n)) end
return 1
"""
# KEYS: jobs. ARGV: group, id, consumer, reset the count of deliveries? ("" or "1"). 0: the job is another's now.
_RENEW = """
local p = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if #p == 0 or p[1][2] ~= ARGV[3] then return 0 end
if ARGV[4] == '1' then
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2], 'IDLE', 0, 'RETRYCOUNT', 0, 'JUSTID')
else
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2], 'IDLE', 0, 'JUSTID')
end
return 1
"""
# KEYS: jobs. ARGV: group, idle milliseconds, own name. Removes consumers that are gone and hold nothing.
_FORGET = """
local n = 0
for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local f = {}
  for i = 1, #c, 2 do f[c[i]] = c[i + 1] end
  if f['pending'] == 0 and (f['idle'] > tonumber(ARGV[2]) or f['name'] == ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], f['name'])
    n = n + 1
  end
end
return n
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job in our hands: its id in the stream, its JSON, and how often it was handed to anybody so far."""

    id: str
    job: str
    count: int


class JobQueue:
    """One consumer. Methods raise redis.RedisError when Redis is away; everything may simply be tried again."""

    def __init__(self, settings: RecordingSettings, consumer: str) -> None:
        self._s = settings
        self.consumer = consumer
        # The read below blocks for a second: the socket's own time limit must be longer.
        self._redis = redis.Redis.from_url(
            settings.redis_url, decode_responses=True, socket_timeout=10.0, socket_connect_timeout=5.0,
            encoding_errors="replace",  # an entry that is no text must not end every worker in turn
        )
        self._own_read = False

    def prepare(self) -> None:
        """Make stream and group; forget consumers of processes long gone."""
        try:
            self._redis.xgroup_create(self._s.jobs, GROUP, id="0", mkstream=True)
        except redis.ResponseError as e:
            if "BUSYGROUP" not in str(e):
                raise
        self._redis.eval(_FORGET, 1, self._s.jobs, GROUP, "3600000", "")
        self._own_read = False

    def take(self, block: float = 1.0) -> Delivery | None:
        """The next job, or None after `block` seconds.

        First what a predecessor of the same name left (the pool fills a dead worker's place under its name, so its
        job goes on at once), then what others abandoned, then new ones.
        """
        if not self._own_read:
            own = self._entries(self._redis.xreadgroup(GROUP, self.consumer, {self._s.jobs: "0"}, count=1))
            if own is not None:
                return own
            self._own_read = True
        reply: Any = self._redis.xautoclaim(
            self._s.jobs, GROUP, self.consumer, min_idle_time=int(self._s.claim_idle * 1000), count=1
        )
        if len(reply) > 1 and reply[1]:
            return self._delivery(*reply[1][0])
        return self._entries(
            self._redis.xreadgroup(GROUP, self.consumer, {self._s.jobs: ">"}, count=1, block=int(block * 1000))
        )

    def behind(self, id_: str, older_than: float, count: int = 20) -> list[tuple[str, str]]:
        """Jobs behind a place in the stream that came at least so many seconds ago: place and JSON. Takes none."""
        seconds, micro = self._redis.time()
        until = int((seconds + micro / 1e6 - older_than) * 1000)
        rows = cast(list[Any], self._redis.xrange(self._s.jobs, min=f"({id_}", max=str(max(0, until)), count=count))
        return [(place, (fields or {}).get("job", "")) for place, fields in rows]

    def renew(self, id_: str, *, forgive: bool = False) -> bool:
        """Say that we still work on it; False: it is another's now. `forgive`: this delivery does not count."""
        reply = self._redis.eval(_RENEW, 1, self._s.jobs, GROUP, id_, self.consumer, "1" if forgive else "")
        return bool(reply)

    def finish(self, id_: str, result: Mapping[str, str], dead: Mapping[str, str] | None = None) -> bool:
        """Result (unless empty), acknowledgement, removal (and the dead job) in one step.

        False: another had finished it.
        """
        flat = [x for pair in result.items() for x in pair]
        rest = [x for pair in (dead or {}).items() for x in pair]
        keys = (self._s.jobs, self._s.results, self._s.dead)
        return bool(self._redis.eval(_FINISH, 3, *keys, GROUP, id_, "1" if dead else "", str(len(flat)), *flat, *rest))

    def leave(self) -> None:
        """Take our name out of the group, unless a job is still pending under it."""
        self._redis.eval(_FORGET, 1, self._s.jobs, GROUP, "3600000", self.consumer)

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _entries(self, reply: Any) -> Delivery | None:
        """First entry of XREADGROUP's reply (RESP2: list of [stream, entries]; RESP3: a mapping)."""
        streams = reply.values() if isinstance(reply, dict) else [x[1] for x in reply or []]
        for entries in streams:
            if entries and isinstance(entries[0], list) and entries[0] and isinstance(entries[0][0], list | tuple):
                entries = entries[0]
            if entries:
                return self._delivery(*entries[0])
        return None

    def _delivery(self, id_: str, fields: Mapping[str, str] | None) -> Delivery:
        """`fields` is None (or empty) when the entry was deleted while pending."""
        pending = cast(list[Any], self._redis.xpending_range(self._s.jobs, GROUP, id_, id_, 1))
        count = int(pending[0]["times_delivered"]) if pending else 1
        return Delivery(id_, (fields or {}).get("job", ""), count)
