"""Versions of the journal's format side by side: who may read it, and in which it is written.

A format is a number. What is added to it in a way that older versions pass over (a field with a default, a value that
they do not ask for) keeps the number; a new kind of event, or one that means something else, gets the next. An older
process that left such an entry out would lose what happened to a caller, so it must not decide at all:

    format   string   "3": who folds the journal must read format 3. "3 <entry>": after that entry nothing of it was
                      written any more, and once no live call reaches back to it, the number is lowered
    nodes    hash     process → "<format it reads> <when, ms by Redis's clock>", each told every few seconds

 - The newer one writes in the highest format that all processes read (`Formats.level`), so while one older process
   is there, either may die and the other takes over with everything.
 - The number is raised in the same script that writes the first entry of the new format, and the lease is refused
   in the same script that would grant it, so no time between looking and acting can be too long.
 - Who reads less than the number stands by and says so: `Lease.newer`, /readyz, the log.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

FORMAT = 2
"""What this version reads, and writes when all do. 1: version 0.2; 2: rooms and parties (0.3)."""
SINCE: dict[str, int] = {}
"""Kind of event → the format it came with; those of format 2 and before are not listed. Who brings a new kind writes
it here, and does not make such an event while `RedisJournal.level` is lower."""
FRESH = 60.0
"""Seconds a process counts after it last told of itself."""
FORGET = 7 * 86400.0

_TELL = """
-- KEYS: nodes, format, journal, live. ARGV: process, format it reads, fresh ms, forget ms, who writes: its ceiling or 0
local t = redis.call("TIME")
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2] .. " " .. string.format("%.0f", now))
local least = tonumber(ARGV[2])
local rows = redis.call("HGETALL", KEYS[1])
for i = 1, #rows, 2 do
  local reads, at = string.match(rows[i + 1], "^(%d+) (%d+)$")
  if not reads or now - tonumber(at) > tonumber(ARGV[4]) then redis.call("HDEL", KEYS[1], rows[i])
  elseif now - tonumber(at) <= tonumber(ARGV[3]) then least = math.min(least, tonumber(reads)) end
end
local needs, ms, seq = string.match(redis.call("GET", KEYS[2]) or "", "^(%d+) ?(%d*)%-?(%d*)$")
needs = tonumber(needs or "0")
local ceiling = tonumber(ARGV[5])
if ceiling > 0 and ceiling < needs then
  local newest = redis.call("XREVRANGE", KEYS[3], "+", "-", "COUNT", 1)[1]
  if ms == "" then
    redis.call("SET", KEYS[2], needs .. " " .. (newest and newest[1] or "0-0"))
  else
    local over = true
    for _, from in ipairs(redis.call("HVALS", KEYS[4])) do
      local m, s = string.match(from, "^(%d+)%-(%d+)$")
      m, s = tonumber(m or "0"), tonumber(s or "0")
      if m < tonumber(ms) or (m == tonumber(ms) and s < tonumber(seq)) then over = false end
    end
    if over then needs = ceiling; redis.call("SET", KEYS[2], needs) end
  end
end
return {least, needs}
"""


class Formats:
    """What this process tells the others, and what it learns of them.

    Args:
        redis: a client.
        prefix: of all keys.
        node: this process's name.
        reads: the newest format it reads.
        ceiling: never writes a newer one, whatever the others read; 0: no ceiling. For going back to an older version.
    """

    def __init__(self, redis: Redis, prefix: str, node: str, *, reads: int = FORMAT, ceiling: int = 0) -> None:
        self.reads = reads
        self.level = 1
        """The format in which a batch may be written now."""
        self._node, self._ceiling = node, min(ceiling or reads, reads)
        self._redis, self._keys = redis, [prefix + name for name in ("nodes", "format", "journal", "live")]
        self._script: Any = redis.register_script(_TELL)

    async def tell(self, *, writes: bool) -> None:
        """Tells of this process and learns of the others. Raises RedisError or OSError.

        Args:
            writes: this process is the one that writes the journal.
        """
        args = [self._node, self.reads, int(FRESH * 1000), int(FORGET * 1000), self._ceiling if writes else 0]
        least, needs = map(int, await self._script(keys=self._keys, args=args))
        # Where it is newer already, an older process cannot take over anyway.
        self.level = min(max(least, needs), self._ceiling)

    async def withdraw(self) -> None:
        """This process ends: it counts no more. Raises RedisError or OSError."""
        answer: Any = self._redis.hdel(self._keys[0], self._node)
        await answer
