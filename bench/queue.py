"""With callers waiting: a seat hangs up → the next INVITE at this seat's phone. app_queue beside this service.

Seats are few and callers many: as many as there are seats talk, the others wait, and whoever leaves is
followed by a new caller at once. All seats serve all callers, so the INVITE after a seat's BYE is the time
that the queue takes to see the free seat, choose a caller and ring. Both moments are the seat's phone's,
on one clock.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .cpu import Meter
from .errors import BenchError
from .plan import NATIVE_NUMBER, SERVICE_NUMBER, Variant
from .rig import Rig, rig_up
from .sipp import Sipp, free_port
from .stats import cell, grid, summary

Say = Callable[[str], None]
RING_MS = 200
TALK_MS = (1000, 3000)
SETTLE = 6.0
"""Seconds between the last caller's arrival and the first measured one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to stand in a queue."""

    variant: Variant
    waiting: int
    seats: int = 20
    fill: float = 60.0
    """Callers a second while the queue is made."""
    music: bool = True


NATIVE = Variant("q-native", "app_queue", service=False, record=False, number=NATIVE_NUMBER)
SERVICE = Variant("q-service", "this service", service=True, record=False, number=SERVICE_NUMBER)
SHAPES = {
    "native": Shape(NATIVE, 200),
    "service": Shape(SERVICE, 200),
    "service-2000": Shape(SERVICE, 2000, music=False),
}


@dataclass(frozen=True, slots=True)
class Queues:
    """What to measure."""

    shapes: Sequence[str] = ("native", "service", "service-2000")
    repeats: int = 2
    """Of the shapes with 200 waiting; the long queue is made once."""
    seconds: float = 30.0


@dataclass(slots=True)
class QueueTrial:
    """Times in milliseconds."""

    shape: str
    waiting: int
    seconds: float
    times: list[float] = field(default_factory=list)
    least_waiting: int = 0
    """The fewest callers who waited at any moment of the measuring."""
    never: int = 0
    """Seats that hung up at least 5 s before the end and were not rung again."""
    cpu: dict[str, float] = field(default_factory=dict)
    """Cores, while measuring."""
    memory_mb: float = 0.0
    """Of Asterisk, resident."""
    foreign: float = 0.0
    """Cores used by others on this machine."""

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return {**asdict(self), **summary(self.times), "times": [round(t, 1) for t in self.times]}


def _rows(path: Path, fields: int) -> list[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    # A SIPp that had to be killed may leave half a line.
    return [p for line in lines if len(p := line.split()) == fields and p[-1].endswith(".000000")]


def _at(row: list[str]) -> float:
    return float(row[-2]) + float(row[-1]) / 1e6


def free_to_invite(desk_log: Path, begin: float, end: float) -> tuple[list[float], int]:
    """Seconds from each BYE of a seat in the time given to its next INVITE, and how many never came."""
    hung_up: dict[str, float] = {}
    out: list[float] = []
    for row in sorted(_rows(desk_log, 5), key=_at):
        kind, seat, at = row[0], row[1], _at(row)
        if kind == "H":
            hung_up[seat] = at
        elif kind == "I" and (since := hung_up.pop(seat, None)) is not None and begin <= since < end:
            out.append(at - since)
    return out, sum(begin <= at < end - 5.0 for at in hung_up.values())


def least_waiting(caller_log: Path, desk_log: Path, begin: float, end: float) -> int:
    """Callers on the line who talk with nobody: the fewest at any moment between `begin` and `end`."""
    steps = [(_at(r), 1 if r[0] == "W" else -1) for r in _rows(caller_log, 4)]
    # Ringing at a seat is the end of the wait, the seat's BYE the beginning of the caller's way out.
    steps += [(_at(r), -1 if r[0] == "I" else 1) for r in _rows(desk_log, 5)]
    now, least = 0, None
    for at, step in sorted(steps):
        if at >= end:
            break
        if at >= begin and least is None:
            least = now
        now += step
        least = None if least is None else min(least, now)
    return now if least is None else least


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _full(rig: Rig, wanted: int, seconds: float) -> None:
    """Waits until so many channels are up."""
    until = time.monotonic() + seconds
    while (up := await rig.channels()) < wanted:
        if time.monotonic() > until:
            raise BenchError(f"only {up} of {wanted} callers are in the switch: see {rig.home}")
        await asyncio.sleep(0.5)


async def run_queue_trial(rig: Rig, name: str, shape: Shape, seconds: float) -> QueueTrial:
    """Fills the queue, measures for `seconds`, and leaves it to the rig's end to clear it."""
    home = rig.home / "queue"
    changes = {"RING_MS": RING_MS, "TALK_MIN_MS": TALK_MS[0], "TALK_MAX_MS": TALK_MS[1]}
    desks = Sipp("desk", home, rig.seat_port, changes)
    callers = Sipp("waiting", home, free_port(udp=True))
    people = shape.waiting + shape.seats
    trial = QueueTrial(name, shape.waiting, seconds)
    meter = Meter(rig.pids())
    try:
        await desks.start(rig.sip_port)
        await asyncio.sleep(0.3)
        await callers.start(
            rig.sip_port, "-s", rig.variant.number, "-m", "1000000", "-r", f"{shape.fill:g}", "-l", str(people)
        )
        # Each caller is one channel, and each talking seat another one.
        await _full(rig, people, people / shape.fill + 40)
        await asyncio.sleep(SETTLE)
        meter.start()
        began = time.time()
        await asyncio.sleep(seconds)
        ended = time.time()
        spent = meter.stop()
        trial.memory_mb = _resident_mb(rig.pids()["asterisk"])
        await asyncio.sleep(1.5)  # INVITEs that are still to come
    finally:
        await asyncio.gather(callers.stop(), desks.stop())
    trial.foreign = spent.pop("foreign") / seconds
    trial.cpu = {k: v / seconds for k, v in spent.items()}
    times, trial.never = free_to_invite(desks.log, began, ended)
    trial.times = [t * 1e3 for t in times]
    trial.least_waiting = least_waiting(callers.log, desks.log, began, ended)
    return trial


async def run(what: Queues, out: Path, rootfs: Path, trials: list[dict[str, Any]], say: Say) -> None:
    """Every shape on a rig of its own, in turns; results are appended to `trials`."""
    for repeat in range(what.repeats):
        names = [n for n in what.shapes if repeat == 0 or SHAPES[n].waiting <= 200]
        for name in names if repeat % 2 == 0 else names[::-1]:
            shape = SHAPES[name]
            async with rig_up(
                shape.variant, out / f"q-{name}", rootfs, seats=shape.seats, music=shape.music, rules=True
            ) as rig:
                trial = await run_queue_trial(rig, name, shape, what.seconds)
            row = trial.as_json()
            trials.append(row)
            never = f", {trial.never} seats never rung again" if trial.never else ""
            say(
                f"  {name}: p50 {row['p50']:.1f}, p99 {row['p99']:.1f} ms of {row['n']}; "
                f"never fewer than {trial.least_waiting} waiting{never}"
            )


TITLES = {
    "native": "app_queue, 200 waiting",
    "service": "this service, 200 waiting",
    "service-2000": "this service, 2,000 waiting, no music",
}
_COLUMNS: tuple[tuple[str, Callable[[dict[str, Any]], float], str], ...] = (
    ("n", lambda r: r["n"], "{:.0f}"),
    ("p50", lambda r: r["p50"], "{:.1f}"),
    ("p90", lambda r: r["p90"], "{:.1f}"),
    ("p99", lambda r: r["p99"], "{:.1f}"),
    ("max", lambda r: r["max"], "{:.0f}"),
    ("waiting ≥", lambda r: r["least_waiting"], "{:.0f}"),
    ("Asterisk cores", lambda r: r["cpu"].get("asterisk", 0.0), "{:.2f}"),
    ("service", lambda r: r["cpu"].get("service", 0.0), "{:.2f}"),
    ("Redis", lambda r: r["cpu"].get("redis", 0.0), "{:.2f}"),
    ("Asterisk MB", lambda r: r["memory_mb"], "{:.0f}"),
    ("others", lambda r: r["foreign"], "{:.2f}"),
)


def _of(trials: Sequence[dict[str, Any]], shape: str) -> list[dict[str, Any]]:
    return [t for t in trials if t["shape"] == shape]


def table(trials: Sequence[dict[str, Any]]) -> str:
    """One row per shape."""
    rows = [["", *(name for name, _, _ in _COLUMNS)]]
    for shape, title in TITLES.items():
        mine = _of(trials, shape)
        if mine:
            rows.append([title, *(cell([f(t) for t in mine], style) for _, f, style in _COLUMNS)])
    return grid(rows)


def verdicts(trials: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The aims. Ratios between neighbours: a drifting machine hits both."""
    out: list[dict[str, Any]] = []
    for shape, aim in (("service", 20.0), ("service-2000", 30.0)):
        found = [t["p99"] for t in _of(trials, shape)]
        if found:
            value = statistics.median(found)
            title = f"{TITLES[shape]}: seat free → INVITE, p99 < {aim:g} ms"
            out.append({"aim": title, "b": value, "least": min(found), "most": max(found), "met": value < aim})
    pairs = list(zip(_of(trials, "native"), _of(trials, "service"), strict=False))
    for share in ("p50", "p99"):
        ratios = [a[share] / b[share] for a, b in pairs if b[share]]
        if ratios:
            value = statistics.median(ratios)
            out.append({
                "aim": f"app_queue / this service, {share}: at least 1 ×", "b": value, "least": min(ratios),
                "most": max(ratios), "met": value >= 1.0,
            })  # fmt: skip
    return out
