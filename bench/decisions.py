"""How long one decision takes: the real Dispatcher with 5,000 seats, 2,000 waiting callers and 60 skills.

    python -m bench --only decisions

Two floors. *full*: every seat is busy, 2,000 callers of all kinds wait (a storm); a seat becomes free. *uneven*:
600 seats are free but fit none of the 2,000, who all ask for something scarce at its first step; a plain
caller arrives, a step opens, or a seat becomes free. After each measured decision the floor is made as before.

Measured is the way from the change to the list of offers, and again up to the answer of Redis that the
offer is written: the real journal, the event and the seat's row as the engine writes them, one batch.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from calls import events as e
from calls.codec import seat_json
from calls.journal import RedisJournal
from calls.ports import Batch
from routing import Demand, Dispatcher, Match, Policy, SeatState
from service.private import PrivateRedis

from .errors import BenchError
from .mix import SKILLS, Province
from .sipp import free_port
from .stats import cell, grid, summary

SEATS = 5000
WAITING = 2000
FREE = 600
START = 1_700_000_000.0
POLICY = Policy(wrap_up=60.0)
TITLES = {
    "full: seat free": "every seat busy: a seat becomes free",
    "uneven: arrives": "600 seats free, 2,000 wait for others: a plain caller arrives",
    "uneven: step": "… : a step of a waiting caller opens",
    "uneven: seat free": "… : a seat becomes free",
}
AIMS = {"memory": 1.0, "redis": 5.0}
"""ms, p99."""


@dataclass(slots=True)
class Floor:
    """The dispatcher under measurement, and enough books to bring it back to the same load."""

    province: Province
    d: Dispatcher
    scarce: bool
    now: float = START
    waits: int = 0
    busy: list[tuple[str, str]] = field(default_factory=list)
    """(seat, call) that talk"""
    offers: int = 0
    freed: str = ""
    """The seat whose talk was ended last."""

    def offer_id(self, call: str, seat: str) -> str:
        """As the engine makes them."""
        self.offers += 1
        return f"{call}~{seat}~{self.offers}"

    def match(self) -> list[Match]:
        """The decision."""
        return self.d.match(self.now, self.offer_id)

    def talk(self, matches: list[Match]) -> None:
        """All offers are taken at once."""
        self.waits -= len(matches)
        for m in matches:
            self.d.ringing(m.seat, m.offer, self.now)
            self.d.talking(m.seat, m.call, m.offer, self.now)
            self.busy.append((m.seat, m.call))

    def end_talk(self) -> str:
        """A random talk ends: its seat is in the wrap-up."""
        i = self.province.rng.randrange(len(self.busy))
        self.busy[i], self.busy[-1] = self.busy[-1], self.busy[i]
        seat, call = self.busy.pop()
        self.d.talk_ended(seat, call, self.now)
        self.freed = seat
        return seat

    def enqueue(self, demand: Demand, since: float) -> None:
        """One more caller."""
        self.waits += 1
        self.d.enqueue(self.province.caller(demand, since))

    def fill(self, spread: float = 0.0) -> None:
        """Callers come until `WAITING` wait, some `spread` seconds ago. Seats that fit take them."""
        while self.waits < WAITING:
            demand = self.province.scarce() if self.scarce else self.province.mixed()
            self.enqueue(demand, self.now - self.province.rng.uniform(0, spread))
            self.talk(self.match())

    def empty(self, free: int) -> None:
        """Talks of seats that speak Putonghua only end until so many seats are free, and nobody waits for them."""
        while self._free_some(free):
            self.talk(self.match())
            self.fill()

    def _free_some(self, free: int) -> bool:
        d = self.d
        have = before = sum(s.state is SeatState.AVAILABLE for s in d.seats.values())
        for i in range(len(self.busy) - 1, -1, -1):
            if have >= free:
                break
            seat, call = self.busy[i]
            if len(d.seats[seat].skills) == 1:
                del self.busy[i]
                d.talk_ended(seat, call, self.now, wrap_up=False)
                have += 1
        return have > before

    def check(self) -> None:
        """Raises BenchError unless the load is what the table says."""
        free = sum(s.state is SeatState.AVAILABLE for s in self.d.seats.values())
        groups = len({w.demand for w in self.d.waiting()})
        if len(self.d.waiting()) != WAITING or free != (FREE if self.scarce else 0) or groups < WAITING / 10:
            raise BenchError(f"the floor is not what is to be measured: {free} free, {groups} kinds of demands wait")


def build(name: str) -> Floor:
    """All seats signed in and talking, but `FREE` of them on the uneven floor; `WAITING` callers in the queue."""
    province = Province()
    floor = Floor(province, Dispatcher(province.seats(SEATS), POLICY), scarce=name.startswith("uneven"))
    for seat in list(floor.d.seats.values()):
        floor.d.phone_up(seat.id, floor.now)
        offer = f"t{seat.id}~{seat.id}~1"
        floor.d.talking(seat.id, f"t{seat.id}", offer, floor.now)
        floor.busy.append((seat.id, f"t{seat.id}"))
    floor.fill(spread=200.0)
    if floor.scarce:
        floor.empty(FREE)
    floor.d.take_changes()
    floor.check()
    return floor


def prepare(floor: Floor, name: str) -> Callable[[], list[Match]]:
    """Brings the floor to the moment before a decision of this kind, and returns the decision."""
    d = floor.d
    floor.now += 0.01
    if name.endswith("seat free"):
        seat = floor.end_talk()

        def free() -> list[Match]:
            d.wrap_up_done(seat, floor.now)
            return floor.match()

        return free
    if name.endswith("arrives"):
        floor.waits += 1
        caller = floor.province.caller(floor.province.plain(), floor.now)

        def arrives() -> list[Match]:
            d.enqueue(caller)
            return floor.match()

        return arrives
    floor.now = max(floor.now, d.next_deadline() or 0.0)
    return floor.match


def restore(floor: Floor, name: str, matches: list[Match]) -> None:
    """As many talk, are free and wait as before."""
    if name.endswith("seat free") and not matches:
        # Nobody waits for this one: it takes somebody else's call.
        floor.d.talking(floor.freed, f"x{floor.offers}", f"x{floor.offers}", floor.now)
        floor.busy.append((floor.freed, f"x{floor.offers}"))
    floor.talk(matches)
    floor.fill()
    if floor.scarce and matches:
        floor.empty(FREE)
    floor.d.expire(floor.now)
    floor.d.take_changes()


def in_memory(name: str, count: int) -> dict[str, float]:
    """ms from the change to the list of offers."""
    floor = build(name)
    gc.collect()
    times: list[float] = []
    tries = without = 0
    while len(times) < count and tries < 20 * count:
        tries += 1
        decide = prepare(floor, name)
        began = time.perf_counter_ns()
        matches = decide()
        took = (time.perf_counter_ns() - began) / 1e6
        if matches:
            times.append(took)
        else:
            without += 1
        restore(floor, name, matches)
    floor.check()
    return {**summary(times), "without_offer": without}


async def to_redis(name: str, count: int, redis: Redis) -> dict[str, float]:
    """ms from the change until Redis has said that the offers are written."""
    floor, journal = build(name), RedisJournal(redis, "bench:")
    gc.collect()
    times: list[float] = []
    tries = 0
    while len(times) < count and tries < 20 * count:
        tries += 1
        decide = prepare(floor, name)
        began = time.perf_counter_ns()
        matches = decide()
        batch = Batch(
            entries=[
                (e.Offered(m.call, m.offer, m.seat, m.offer, m.deadline, m.step, m.why), floor.now) for m in matches
            ],
            seats=[seat_json(s) for s in floor.d.take_changes()],
        )
        await journal.append(batch)
        if matches:
            times.append((time.perf_counter_ns() - began) / 1e6)
        restore(floor, name, matches)
    floor.check()
    return summary(times)


async def run(home: Path, rootfs: Path, count: int = 2000, repeats: int = 3) -> dict[str, Any]:
    """Measures everything; starts and ends a Redis of its own."""
    redis = PrivateRedis(rootfs, home / "redis", free_port(udp=False))
    result: dict[str, Any] = {"seats": SEATS, "waiting": WAITING, "free": FREE, "skills": len(SKILLS), "rows": []}
    client = None
    try:
        await redis.start()
        client = Redis.from_url(redis.url)
        for repeat in range(repeats):
            for name in TITLES:
                load = os.getloadavg()[0]
                row = {"name": name, "repeat": repeat, "load": load, "memory": in_memory(name, count)}
                row["redis"] = await to_redis(name, count // 3, client)
                result["rows"].append(row)
                await asyncio.sleep(0)
    finally:
        if client is not None:
            await client.aclose()
        await redis.stop()
    return result


def table(result: dict[str, Any]) -> str:
    """Medians over the repeats, [least-most]; ms."""
    head = ["ms", "p50", "p90", "p99", "max", "Redis p50", "p90", "p99", "max"]
    lines = [head]
    for name, title in TITLES.items():
        rows = [r for r in result["rows"] if r["name"] == name]
        if rows:
            cells = [
                cell([r[where][p] for r in rows], "{:.2f}") for where in AIMS for p in ("p50", "p90", "p99", "max")
            ]
            lines.append([title, *cells])
    return grid(lines)


def verdicts(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims."""
    out = []
    for where, aim in AIMS.items():
        worst = max((r[where]["p99"] for r in result["rows"]), default=0.0)
        what = "in the process" if where == "memory" else "to the committed offer in Redis"
        out.append({"aim": f"decision {what}, p99 < {aim:g} ms, the worst kind", "b": worst, "met": worst < aim})
    return out
