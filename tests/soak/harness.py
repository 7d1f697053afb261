"""Drives the load, looks at everything now and then, and says in the end what it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bench.plan import HOLD_MS, Variant
from bench.rig import Rig, rig_up
from bench.sipp import Sipp, check, fault_of, free_port, read_calls
from tests.soak.samples import HEAD, Series, children, open_files, rss

CAPACITY = 40.0
"""Calls a second that two cores hold with recordings made into sets; `half` is half of it."""
ROUND = 30.0
"""Seconds of one SIPp: the next one begins with the same numbers, which the hotline knows after the first."""
SOAK = Variant("soak", "service + journal + MixMonitor + workers", service=True, record=True, number="12345")
Say = Callable[[str], None]


@dataclass(slots=True)
class Soak:
    """One run.

    Attributes:
        minutes: of load.
        rate: calls a second.
        home: its files; removed at the next start.
        rootfs: where Asterisk and Redis are.
        say: gets lines for people.
    """

    minutes: float
    rate: float
    home: Path
    rootfs: Path
    say: Say
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    series: dict[str, Series] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    began: float = 0.0

    @property
    def warm(self) -> float:
        """Seconds that do not count: caches fill, numbers become known, the streams reach their length."""
        return max(min(300.0, self.minutes * 60 / 3), min(90.0, self.minutes * 30))

    async def run(self) -> bool:
        """True: memory is flat and nothing is left behind."""
        check()
        settings = {"HOTLINE_ASR_WORKERS": "1", "HOTLINE_ASR_MODEL": str(self.home / "no-model")}
        async with rig_up(
            SOAK, self.home, self.rootfs, settings=settings, program="tests.soak.serve"
        ) as rig, _redis(rig) as redis:
            self.began = time.monotonic()
            before = await self._look(rig, redis)
            looking = asyncio.create_task(self._looks(rig, redis), name="soak-looks")
            try:
                await self._load(rig)
            finally:
                looking.cancel()
                await asyncio.wait({looking})
            await self._over(rig, redis, before)
        return self._verdict()

    # ------------------------------------------------------------------ load
    async def _load(self, rig: Rig) -> None:
        home = self.home / "sipp"
        phones = Sipp("seat", home, rig.seat_port)
        await phones.start(rig.sip_port)
        try:
            end = self.began + self.minutes * 60
            while (left := end - time.monotonic()) > 0:
                await self._round(rig, home, min(ROUND, left), phones)
        finally:
            await phones.stop()

    async def _round(self, rig: Rig, home: Path, seconds: float, phones: Sipp) -> None:
        total = max(1, round(self.rate * seconds))
        callers = Sipp("caller", home, free_port(udp=True))
        try:
            await callers.start(
                rig.sip_port, "-s", SOAK.number, "-m", str(total), "-r", f"{self.rate:g}", "-l", "3000",
                "-timeout", f"{seconds + HOLD_MS / 1000 + 15:.0f}s",
            )  # fmt: skip
            await callers.wait(seconds + HOLD_MS / 1000 + 20)
        finally:
            await callers.stop()
        seen = read_calls(callers.log, phones.log)
        self.calls += total
        # What seats say of a number is of all rounds: only the caller's side counts here.
        faults = [fault_of(call) for call in seen.values() if call.invited is not None]
        self.faults.update(x for x in faults if x in ("not answered", "no seat rung", "caller's end"))
        if (missing := total - len(faults)) > 0:
            self.faults["not answered"] += missing

    # ------------------------------------------------------------------ looking
    async def _looks(self, rig: Rig, redis: Redis) -> None:
        every = max(2.0, min(15.0, self.minutes))
        told = time.monotonic()
        while True:
            await asyncio.sleep(every)
            try:
                values = await self._look(rig, redis)
            except Exception as error:
                self.say(f"  (not looked: {type(error).__name__})")
                continue
            at = time.monotonic()
            for name, value in values.items():
                self.series[name].points.append((at - self.began, value))
            if at - told >= 30:
                told = at
                self.say(f"  {(at - self.began) / 60:5.1f} min  {self.calls} calls  " + "  ".join(
                    f"{n} {values[n]:.0f}" for n in ("service MB", "asterisk MB", "redis MB", "tasks", "channels")))

    async def _look(self, rig: Rig, redis: Redis) -> dict[str, float]:
        pids = rig.pids()
        inside = await rig.ask("inside")
        workers = [p for p in children(pids["service"]) if p]
        values: dict[str, float] = {}

        def put(name: str, value: float, unit: str = "", **limits: float) -> None:
            self.series.setdefault(name, Series(name, unit, **limits))
            values[name] = value

        for name, pid in pids.items():
            put(f"{name} MB", rss(pid), "MB", least=8.0)
        put("workers MB", sum(map(rss, workers)), "MB", least=16.0)
        for name, pid in pids.items():
            put(f"{name} files open", open_files(pid), least=200.0 if name == "asterisk" else 20.0)
        put("tasks", inside["tasks"], least=20.0)
        put("objects (1000)", inside["objects"] / 1000, least=40.0)
        put("live calls", inside["calls"], least=100.0)
        put("channels", await rig.channels(), least=200.0)
        put("redis keys", await redis.dbsize(), least=5.0)
        info = await redis.info("memory")
        put("redis used MB", info["used_memory"] / 1048576, "MB", least=8.0)
        put("entries unread", await self._unread(redis), share=0.5, least=max(500.0, self.rate * 60))
        put("raw recordings", _files(rig.asterisk.plan().recording_spool), share=0.5, least=max(200.0, self.rate * 20))
        put("temporary files", _temporary(self.home), least=20.0)
        return values

    async def _over(self, rig: Rig, redis: Redis, before: dict[str, float]) -> None:
        """All have hung up: what is still there after a while is left behind."""
        wanted = {"live calls": 0.0, "channels": 0.0, "tasks": before["tasks"] + 3, "raw recordings": 0.0,
                  "temporary files": before["temporary files"], "service files open": before["service files open"] + 8,
                  "asterisk files open": before["asterisk files open"] + 8,
                  "redis keys": before["redis keys"] + 20}  # fmt: skip
        end = time.monotonic() + max(60.0, self.minutes * 6)
        while True:
            now = await self._look(rig, redis)
            live, waiting = await redis.hlen("hotline:live"), await self._unread(redis)
            more = [n for n, most in wanted.items() if now[n] > most]
            self.left = [f"{n}: {now[n]:.0f} (at the start {before[n]:.0f})" for n in more]
            self.left += [f"calls in the journal's hash: {live}"] if live else []
            self.left += [f"entries nobody has read: {waiting}"] if waiting else []
            if not self.left or time.monotonic() > end:
                return
            await asyncio.sleep(2.0)

    async def _unread(self, redis: Redis) -> int:
        total = 0
        for stream in ("recordings", "finished", "transcripts"):
            with contextlib.suppress(Exception):
                for group in await redis.xinfo_groups("hotline:" + stream):
                    total += int(group["pending"]) + int(group["lag"] or 0)
        return total

    # ------------------------------------------------------------------ in the end
    def _verdict(self) -> bool:
        grows = [s.name for s in self.series.values() if not s.flat(self.warm)]
        failed = sum(self.faults.values())
        self.say(f"\n{self.minutes:g} min at {self.rate:g} calls/s: {self.calls} calls, {failed} failed")
        self.say(f"{dict(self.faults)}" if failed else "")
        self.say(f"warm-up {self.warm:.0f} s\n{HEAD}")
        for one in self.series.values():
            self.say(one.line(self.warm))
        for one in self.left:
            self.say(f"left behind: {one}")
        few = failed <= self.calls * 0.001
        good = not grows and not self.left and few
        self.say("✓ memory flat, nothing left behind" if good else
                 f"✗ grows: {', '.join(grows) or 'nothing'}; left behind: {len(self.left)}; failed: {failed}")
        result: dict[str, Any] = {
            "minutes": self.minutes, "rate": self.rate, "calls": self.calls, "faults": dict(self.faults), "good": good,
            "left": self.left, "series": {s.name: s.points for s in self.series.values()},
        }  # fmt: skip
        (self.home / "result.json").write_text(json.dumps(result))
        return good


@contextlib.asynccontextmanager
async def _redis(rig: Rig) -> Any:
    assert rig.redis is not None
    client = Redis.from_url(rig.redis.url)
    try:
        yield client
    finally:
        await client.aclose()


def _files(directory: Path) -> int:
    return sum(1 for x in directory.rglob("*") if x.is_file()) if directory.exists() else 0


def _temporary(home: Path) -> int:
    """Half-made files of ours, wherever they are."""
    mine = [x for x in (home / "service").rglob("*") if x.is_file()]
    return sum(1 for x in mine if ".tmp" in x.parts or x.name.startswith((".", "tmp")) or x.suffix in (".tmp", ".part"))


__all__ = ["CAPACITY", "Soak"]
