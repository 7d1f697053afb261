"""Recordings that no call of the books has: the switch answered, and died or hung up before it could tell anybody.

Such a recording is entered like a call that the switch served alone, by a note beside it (telephony/_diary.py): call,
recording job and what follows come about in the one way there is for that. Nothing is lost when this process dies
between any two lines: the file stays where it is, and the note is written whole or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

import calls
import tickets

log = logging.getLogger(__name__)

STILL = 20.0
"""Seconds for which nothing was written into a recording before it can be a stray one."""
MOST = 100
"""Taken in at one look."""
JOBS = 20_000
"""Entries of the jobs' stream that are looked through."""
_MADE = re.compile(r"(?:[a-z][a-z0-9]*-)(\d{9,11})\.\d+", re.ASCII)


@dataclass(slots=True)
class StrayCounters:
    """For the metrics."""

    entered: int = 0


class Strays:
    """Looks for them now and then.

    Args:
        spool: directory of the raw recordings.
        engine: the books of now.
        switch: knows who is on the line.
        store: the book of calls.
        redis: has the calls and jobs that are on their way into book and vault.
        prefix: of its keys.
    """

    def __init__(
        self,
        spool: Path,
        engine: calls.Engine,
        switch: calls.Switch,
        store: tickets.Store,
        redis: Redis,
        prefix: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._spool, self._engine, self._switch, self._store = spool, engine, switch, store
        self._redis, self._prefix, self._clock = redis, prefix, clock
        self.counters = StrayCounters()

    async def look(self) -> int:
        """Notes every stray recording; the next look at the switch enters it. Returns how many. Never raises."""
        try:
            found = await asyncio.to_thread(self._still)
            found = {x: at for x, at in found.items() if x not in self._engine.calls and not self._engine.has_ended(x)}
            if not found:
                return 0
            there = {v.id for v in (await self._switch.snapshot()).channels}
            # Calls on their way into the book are in it when its stream is empty.
            if await self._redis.xlen(self._prefix + "finished"):
                return 0
            jobs = await self._jobs()
            strays = {
                call: at for call, at in list(found.items())[:MOST]
                if call not in there and call not in jobs and await self._store.call(call) is None
            }  # fmt: skip
        except (OSError, RedisError, tickets.StoreError) as error:
            log.debug("stray recordings: not looked for (%s)", type(error).__name__)
            return 0
        for call, at in strays.items():
            if call in self._engine.calls or self._engine.has_ended(call):
                continue
            if await asyncio.to_thread(self._note, call, at):
                self.counters.entered += 1
                log.warning("a recording of a call that nobody had told of is entered", extra={"call": call})
        return len(strays)

    def _still(self) -> dict[str, float]:
        """Recordings nobody writes into any more, without a note of the switch's: call → last written."""
        names: dict[str, float] = {}
        noted: set[str] = set()
        with contextlib.suppress(OSError), os.scandir(self._spool) as entries:
            for entry in entries:
                stem, _, ending = entry.name.rpartition(".")
                if ending != "raw":
                    noted.add(stem)
                elif _MADE.fullmatch(stem):
                    with contextlib.suppress(OSError):
                        names[stem] = entry.stat(follow_symlinks=False).st_mtime
        return {x: at for x, at in sorted(names.items()) if x not in noted and at < self._clock() - STILL}

    async def _jobs(self) -> frozenset[str]:
        """Calls whose recording waits for a worker, or was given up with its sound kept."""
        out: set[str] = set()
        for name in ("recordings", "recordings:dead"):
            entries: Any = await self._redis.xrevrange(self._prefix + name, count=JOBS)
            for _, fields in entries:
                job = (fields.get(b"job") or b"").decode("utf-8", "replace")
                out.update(re.findall(r'"call": ?"([^"]{1,80})"', job))
        return frozenset(out)

    def _note(self, call: str, touched: float) -> bool:
        made = _MADE.fullmatch(call)
        assert made is not None
        text = f"A|{made[1]}|||||\nL|{int(max(touched, float(made[1])))}|0\n"
        new = self._spool / f".{call}.note"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
                file.write(text)
            os.link(new, self._spool / f"{call}.alone")  # never over a note of the switch's own
        except OSError:
            return False
        finally:
            with contextlib.suppress(OSError):
                new.unlink()
        return True
