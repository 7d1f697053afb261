"""Who decides: a lease in Redis with a fencing token, so that of many processes one acts at a time.

`{prefix}lease` holds "<token> <beat> <who, as JSON>" for `ttl` seconds; `{prefix}fence` counts the grants. The
token of a grant is higher than all before it, and the journal refuses who has less (`calls.journal`).

What each side relies on:
 - The holder believes in its lease for `ttl - margin` seconds after the moment it *asked* for the last renewal,
   by a clock of its own that nobody sets and that runs on while the process is stopped or the machine sleeps
   (CLOCK_BOOTTIME). A process that was stopped for a while knows at once on waking that it may not act.
 - Another takes over when the key is gone, or when its `beat` has not changed for `ttl` seconds by the other's
   own clock. So a wall clock that jumps on the Redis machine cannot keep a dead holder alive; if it jumps forward
   and ends a lease early, the old holder's writes are refused from that moment, and it acts on nothing that was
   not written first.
 - Without Redis nobody can be granted anything. The holder stops acting when its time is over all the same: it
   could journal nothing, so it has nothing to act on, and the dialplan's own queue takes new callers. When Redis
   is back and nobody else was granted, the holder goes on under its old token (`Lease.returns` counts that); the
   others leave it a moment for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from .commands import ToSwitch
from .formats import FORMAT
from .ports import Entry, Snapshot, Switch

log = logging.getLogger(__name__)

TTL = 1.6
"""Seconds a lease lasts without renewal. A takeover begins at most TTL + POLL after the holder's death."""
RENEW = 0.4
MARGIN = 0.3
"""Seconds before its end at which the holder stops to believe: for a command on its way, and for clocks' rates."""
POLL = 0.2
ANSWER = 0.6
"""Seconds Redis may take for an answer about the lease."""

_TAKE = """
local now = redis.call("GET", KEYS[1])
-- ARGV: who, ttl in ms, the value that has not changed for too long ("": none), the format that is read
local needs = tonumber(string.match(redis.call("GET", KEYS[3]) or "", "^%d+") or "0")
if needs > tonumber(ARGV[4]) then return {-needs, now or ""} end
if now and string.match(now, "^%d+ %d+ (.*)$") ~= ARGV[1] and now ~= ARGV[3] then return {0, now} end
local token = redis.call("INCR", KEYS[2])
redis.call("SET", KEYS[1], token .. " 0 " .. ARGV[1], "PX", ARGV[2])
return {token, ""}
"""
_RENEW = """
-- ARGV: token, beat, who, ttl in ms
local now = redis.call("GET", KEYS[1])
local fence = tonumber(redis.call("GET", KEYS[2]) or "0")
if fence > tonumber(ARGV[1]) then return 0 end
if now and string.match(now, "^(%d+) ") ~= ARGV[1] then return 0 end
if fence < tonumber(ARGV[1]) then redis.call("SET", KEYS[2], ARGV[1]) end
redis.call("SET", KEYS[1], ARGV[1] .. " " .. ARGV[2] .. " " .. ARGV[3], "PX", ARGV[4])
return now and 1 or 2
"""
_RELEASE = """
local now = redis.call("GET", KEYS[1])
if now and string.match(now, "^(%d+) ") == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0
"""


def _boottime() -> float:
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lease: the process's name, where its console is, and what else it told."""

    node: str
    url: str
    token: int
    about: Mapping[str, Any]


class Lease:
    """One process's share in the lease. Nothing here runs by itself but `keep`, which `acquire` starts.

    Args:
        redis: a client of its own, so that no other traffic delays a renewal; without retries.
        prefix: of the keys.
        node: this process's name; told to the others.
        url: where the others find its console.
        about: told too.
        reads: the newest format of the journal that this process reads; a newer one is never taken over.
        ttl, renew, margin: seconds, see TTL, RENEW, MARGIN.
        clock: seconds that never jump and never stand still.
        on_lost: called at once when the lease is known to be another's, or was let go by `lose`.
        on_return: called when a lapsed lease was renewed and nobody had it in between.
    """

    def __init__(
        self,
        redis: Redis,
        prefix: str = "hotline:",
        *,
        node: str = "1",
        url: str = "",
        about: Mapping[str, Any] | None = None,
        reads: int = FORMAT,
        ttl: float = TTL,
        renew: float = RENEW,
        margin: float = MARGIN,
        clock: Callable[[], float] = _boottime,
        on_lost: Callable[[], None] = lambda: None,
        on_return: Callable[[], None] = lambda: None,
    ) -> None:
        if not 0 < renew < ttl - margin:
            raise ValueError("lease: renew must be less than ttl - margin")
        self.token = 0
        self.holder: Holder | None = None
        """Who had it when last seen."""
        self.newer = 0
        """The journal's format when it is one that this process cannot read, else 0."""
        self.returns = 0
        self._reads = reads
        self.on_lost = on_lost
        self.on_return = on_return
        self._redis = redis
        self._keys = [prefix + "lease", prefix + "fence", prefix + "format"]
        # Two processes given the same name by mistake are still two.
        self._who = json.dumps(
            {**(about or {}), "node": node, "url": url, "id": secrets.token_hex(6)}, ensure_ascii=False
        )
        self._ttl, self._renew, self._margin = ttl, renew, margin
        self._clock = clock
        self._until = 0.0
        self._beat = 0
        self._seen = ""
        self._seen_at = 0.0
        self._alive = False
        self._wait_until = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._scripts: dict[str, Any] = {t: redis.register_script(t) for t in (_TAKE, _RENEW, _RELEASE)}

    # ------------------------------------------------------------------ what others ask
    @property
    def held(self) -> bool:
        """Whether this process may act now. Cheap; ask before each act."""
        return self.token > 0 and self._clock() < self._until

    @property
    def holds(self) -> bool:
        """Whether this process was granted the lease and does not know of another holder."""
        return self.token > 0

    @property
    def other_lives(self) -> bool:
        """Whether another holder was seen to renew its lease."""
        return self._alive

    # ------------------------------------------------------------------ getting it
    async def try_acquire(self) -> bool:
        """Asks once. True: this process holds it now, and it is being renewed."""
        await self.stop()
        asked = self._clock()
        stuck = self._seen if self._seen and asked - self._seen_at >= self._ttl else ""
        try:
            if asked < self._wait_until:
                # After trouble with Redis the holder comes first: only look.
                self._note(await self._ask(self._redis.get(self._keys[0])) or b"")
                return False
            token, value = await self._ask(self._run(_TAKE, self._who, int(self._ttl * 1000), stuck, self._reads))
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("lease: %s", type(error).__name__)
            # What was not seen may have been alive: the time without a sign of life begins anew.
            self._seen_at = self._clock()
            self._wait_until = self._seen_at + 2 * self._renew
            return False
        self._note_format(max(0, -token))
        if token <= 0:
            self._note(value)
            return False
        self.token, self._until, self._beat = int(token), asked + self._ttl - self._margin, 0
        self.holder = self._parse(f"{self.token} 0 {self._who}")
        self._keeper = asyncio.create_task(self._keep(), name="lease")
        return True

    async def acquire(self) -> None:
        """Returns when this process holds the lease, whenever that is."""
        while True:
            if await self.try_acquire():
                return
            await asyncio.sleep(POLL)

    def _note_format(self, newer: int) -> None:
        if newer != self.newer:
            self.newer = newer
            if newer:
                log.error("lease: the journal is of format %d, this version reads up to %d: it stands by until it is "
                          "upgraded", newer, self._reads)  # fmt: skip

    def _note(self, value: bytes | str) -> None:
        text = value.decode() if isinstance(value, bytes) else value
        if text == self._seen:
            return
        # A later beat of the same grant is a sign of life; a value seen for the first time is none.
        self._alive = bool(text and self._seen) and text.split(" ", 1)[0] == self._seen.split(" ", 1)[0]
        self._seen, self._seen_at = text, self._clock()
        self.holder = self._parse(text)

    @staticmethod
    def _parse(text: str) -> Holder | None:
        with contextlib.suppress(ValueError, KeyError):
            token, _, who = text.split(" ", 2)
            about = json.loads(who)
            return Holder(str(about["node"]), str(about["url"]), int(token), about)
        return None

    # ------------------------------------------------------------------ keeping it
    async def _keep(self) -> None:
        """Renews until it is lost or let go."""
        while self.token:
            await asyncio.sleep(self._renew if self.held else min(self._renew, 0.1))
            asked = self._clock()
            lapsed = asked >= self._until
            self._beat += 1
            try:
                ttl = int(self._ttl * 1000)
                answer = await self._ask(self._run(_RENEW, self.token, self._beat, self._who, ttl))
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("lease: not renewed (%s)", type(error).__name__)
                continue
            if not self.token:
                return
            if not answer:
                self.lose()
                return
            self._until = asked + self._ttl - self._margin
            if lapsed and self.held:
                self.returns += 1
                log.warning("lease: it had lapsed and nobody had taken it; going on")
                self.on_return()

    def lose(self) -> None:
        """This process does not hold it any more: another was seen to, or refused its writing."""
        if self.token:
            self.token, self._until = 0, 0.0
            self._seen, self._seen_at, self._alive, self.holder = "", 0.0, False, None
            self.on_lost()

    async def release(self) -> None:
        """Lets it go, so that another can have it at once. Redis away: it ends by itself."""
        token, self.token, self._until = self.token, 0, 0.0
        await self.stop()
        if token:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._ask(self._run(_RELEASE, token))

    async def stop(self) -> None:
        """Ends the renewing."""
        keeper, self._keeper = self._keeper, None
        while keeper is not None and not keeper.done() and keeper is not asyncio.current_task():
            # Again if need be: the Redis client may take a cancellation for a failed connection.
            keeper.cancel()
            await asyncio.wait({keeper}, timeout=0.5)

    # ------------------------------------------------------------------ Redis
    def _run(self, script: str, *args: str | int) -> Any:
        return self._scripts[script](keys=self._keys, args=list(args))

    async def _ask(self, question: Any) -> Any:
        async with asyncio.timeout(ANSWER):
            return await question


class Guarded:
    """A switch that carries nothing out while `may_act()` is false. See calls.ports.Switch.

    The question is asked before each command, so that a process stopped between deciding and sending does not
    send on waking. What is not sent is in the journal: whoever decides next compares it with the switch.
    """

    def __init__(self, switch: Switch, may_act: Callable[[], bool]) -> None:
        self.dropped = 0
        self._switch = switch
        self._may_act = may_act

    @property
    def up(self) -> bool:
        """Whether commands would be carried out."""
        return self._may_act() and self._switch.up

    def _may(self) -> bool:
        if self._may_act():
            return True
        self.dropped += 1
        return False

    def do(self, command: ToSwitch) -> None:
        """Carries a command out, or drops it."""
        if self._may():
            self._switch.do(command)

    def beat(self, now: float) -> None:
        """The sign of life of who may act."""
        if self._may():
            self._switch.beat(now)

    def renew(self, call: str) -> None:
        """As the switch's."""
        if self._may():
            self._switch.renew(call)

    def announce(self, entries: Mapping[str, Entry]) -> None:
        """As the switch's."""
        if self._may():
            self._switch.announce(entries)

    def reaches(self, call: str) -> bool:
        """As the switch's."""
        return self._switch.reaches(call)

    async def snapshot(self, name: str = "") -> Snapshot:
        """As the switch's: looking is always allowed."""
        return await self._switch.snapshot(name)
