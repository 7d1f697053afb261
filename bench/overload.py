"""Twice the callers that can be held: this service with admission control, without it, and app_queue.

First the highest rate is looked for that the service holds (everybody is served, quickly); then each way is given
the double of it for a while, on a fresh Asterisk each. Callers wait for a seat as long as their patience lasts; a seat
rings for 0.2 s, talks for 1 to 3 s and hangs up. Seats are so many that the switch is what is full.

A caller is *served* when a seat has talked with it to the end. Who was refused (503) or told that it cannot be served
is neither served nor lost; *nobody answered* is what must not be.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .plan import NATIVE_NUMBER, SERVICE_NUMBER, Variant
from .rig import Rig, rig_up
from .sipp import Sipp, free_port
from .stats import grid, percentile

Say = Callable[[str], None]
RING_MS = 200
TALK_MS = (1000, 3000)
PATIENCE_MS = 20_000
SHAPES: Mapping[str, tuple[Variant, str]] = {
    "native": (Variant("o-native", "app_queue", service=False, record=True, number=NATIVE_NUMBER), ""),
    "off": (Variant("o-off", "admission off", service=True, record=True, number=SERVICE_NUMBER), "{enabled: false}"),
    "on": (
        Variant("o-on", "admission on", service=True, record=True, number=SERVICE_NUMBER),
        "{rate: @RATE@, burst: @BURST@, most: 1000, announcements: 60}",
    ),
}
SHARE = 0.75
"""Of what is held: the rate that is configured, as docs/admission.md advises."""
HELD = 0.99
"""Share of callers served from which on a rate is held …"""
HELD_MS = 500.0
"""… and the most that INVITE→200 may take at its p99."""


@dataclass(frozen=True, slots=True)
class Overload:
    """What to measure."""

    shapes: Sequence[str] = ("native", "off", "on")
    search: Sequence[float] = (40, 60, 80, 100, 120, 140)
    """Calls a second tried upwards until one is not held."""
    held: float = 0.0
    """Known already: no search."""
    times: float = 2.0
    """How many times what is held is offered."""
    seconds: float = 20.0
    search_seconds: float = 8.0


@dataclass(slots=True)
class Flood:
    """One trial. Times in milliseconds, of callers who were served."""

    shape: str
    rate: float
    seconds: float
    offered: int = 0
    served: int = 0
    refused: int = 0
    told: int = 0
    """Answered, and released without a seat while it was waiting: the announcement."""
    gave_up: int = 0
    """Answered, and no seat within its patience."""
    unanswered: int = 0
    """No answer at all, or cut off in the middle."""
    served_rate: float = 0.0
    """A second, while callers came."""
    answer_p50: float = 0.0
    answer_p99: float = 0.0
    seat_p50: float = 0.0
    seat_p99: float = 0.0
    on_the_line: int = 0
    """Callers answered and with nobody at the moment at which the last one was sent."""
    memory: dict[str, float] = field(default_factory=dict)
    """MB, the most that was seen."""
    left_over: int = 0
    """Channels still up in the end."""
    alive: bool = True
    turned: dict[str, int] = field(default_factory=dict)
    """What the service counted, by reason."""
    lowest_rate: float = 0.0
    """The lowest rate that admission control let in."""
    load: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return asdict(self)


def _rows(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return []


def _at(seconds: str, micro: str) -> float:
    return float(seconds) + float(micro) / 1e6


def evaluate(trial: Flood, caller_log: Path, desk_log: Path, ended: float) -> None:
    """What came of each caller, from both logs."""
    asked: dict[str, float] = {}
    answered: dict[str, float] = {}
    over: dict[str, tuple[str, float]] = {}
    refused = 0
    for row in _rows(caller_log):
        if row[:1] == ["A"] and len(row) == 6:
            asked[row[1]], answered[row[1]] = _at(*row[2:4]), _at(*row[4:6])
        elif row[:1] in (["X"], ["P"]) and len(row) == 4:
            over[row[1]] = (row[0], _at(*row[2:4]))
        elif row[:1] == ["Z"] and len(row) == 4 and row[1] not in answered:
            refused += 1
    rung: dict[str, float] = {}
    talked: dict[str, float] = {}
    for row in _rows(desk_log):
        if len(row) != 5:
            continue
        if row[0] == "I":
            rung.setdefault(row[2], _at(*row[3:5]))
        elif row[0] == "H":
            talked[row[2]] = _at(*row[3:5])
    served = [n for n in answered if n in talked and n in rung]
    trial.refused, trial.served = refused, len(served)
    for number, (how, _) in over.items():
        if number not in talked:
            trial.told += how == "X" and number not in rung
            trial.gave_up += how == "P"
    trial.unanswered = trial.offered - refused - trial.served - trial.told - trial.gave_up
    answer = [(answered[n] - asked[n]) * 1e3 for n in served]
    seat = [(rung[n] - answered[n]) * 1e3 for n in served]
    trial.answer_p50, trial.answer_p99 = percentile(answer, 0.5), percentile(answer, 0.99)
    trial.seat_p50, trial.seat_p99 = percentile(seat, 0.5), percentile(seat, 0.99)
    never = float("inf")
    trial.on_the_line = sum(
        at <= ended and rung.get(n, never) > ended and over.get(n, ("", never))[1] > ended for n, at in answered.items()
    )
    # Served: whose seat was rung while callers came; the first two seconds are the beginning.
    begin = ended - trial.seconds + 2.0
    trial.served_rate = sum(begin <= rung[n] < ended for n in served) / max(1.0, trial.seconds - 2.0)


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError, ValueError):
        return 0.0


async def _watch(rig: Rig, trial: Flood) -> None:
    while True:
        for name, pid in rig.pids().items():
            trial.memory[name] = max(trial.memory.get(name, 0.0), round(_resident_mb(pid), 1))
        if rig.service is not None:
            found = (await rig.stats())["admission"]
            trial.turned = found["turned"]
            trial.lowest_rate = min(trial.lowest_rate or 1e9, found["rate"])
        await asyncio.sleep(0.5)


async def flood(rig: Rig, shape: str, rate: float, seconds: float) -> Flood:
    """Sends `rate` callers a second for `seconds`, and waits until all are over."""
    trial = Flood(shape, rate, seconds, offered=round(rate * seconds), load=os.getloadavg()[0])
    home = rig.home / f"flood-{rate:g}"
    changes = {"RING_MS": RING_MS, "TALK_MIN_MS": TALK_MS[0], "TALK_MAX_MS": TALK_MS[1], "PATIENCE_MS": PATIENCE_MS}
    desks = Sipp("desk", home, rig.seat_port, changes)
    callers = Sipp("flood", home, free_port(udp=True), changes)
    watching = None
    limit = seconds + PATIENCE_MS / 1e3 + 15
    ended = time.time()
    try:
        await desks.start(rig.sip_port)
        await asyncio.sleep(0.3)
        watching = asyncio.create_task(_watch(rig, trial), name="watch")
        began = time.time()
        await callers.start(
            rig.sip_port, "-s", rig.variant.number, "-m", str(trial.offered), "-r", f"{rate:g}", "-l", "50000",
            "-timeout", f"{limit:.0f}s",
        )  # fmt: skip
        ended = began + seconds
        await callers.wait(limit + 2)
        await asyncio.sleep(1.0)
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait({watching})
            if not watching.cancelled() and watching.exception() is not None:
                trial.alive = False
        await asyncio.gather(callers.stop(), desks.stop())
    trial.alive = trial.alive and all(_resident_mb(pid) for pid in rig.pids().values())
    trial.left_over = await rig.channels()
    evaluate(trial, callers.log, desks.log, ended)
    return trial


async def _one(what: Overload, shape: str, rate: float, held: float, seconds: float, out: Path, rootfs: Path) -> Flood:
    variant, admission = SHAPES[shape]
    rate_in = max(1.0, SHARE * held)
    text = admission.replace("@RATE@", f"{rate_in:g}").replace("@BURST@", f"{rate_in:g}")
    async with rig_up(variant, out / variant.name, rootfs, admission=text) as rig:
        return await flood(rig, shape, rate, seconds)


def is_held(trial: Flood) -> bool:
    """Whether everybody was served, quickly."""
    return trial.served >= HELD * trial.offered and trial.answer_p99 <= HELD_MS


async def run(what: Overload, out: Path, rootfs: Path, found: dict[str, Any], say: Say) -> None:
    """The search, then each shape; the result goes into `found`."""
    held = what.held
    found.update(held=held, trials=[], at_held=None)
    for rate in () if held else what.search:
        trial = await _one(what, "off", rate, 0.0, what.search_seconds, out, rootfs)
        say(
            f"  {rate:g}/s: served {trial.served} of {trial.offered}, INVITE→200 {trial.answer_p50:.0f}/"
            f"{trial.answer_p99:.0f} ms, 200→seat {trial.seat_p50:.0f}/{trial.seat_p99:.0f} ms"
        )
        if not is_held(trial):
            break
        held, found["at_held"] = rate, trial.as_json()
    if not held:
        say("  not even the lowest rate was held: the machine is busy. The lowest is taken.")
        held = what.search[0]
    found["held"] = held
    for shape in what.shapes:
        trial = await _one(what, shape, what.times * held, held, what.seconds, out, rootfs)
        found["trials"].append(trial.as_json())
        say(
            f"  {shape} at {trial.rate:g}/s: served {trial.served} of {trial.offered} ({trial.served_rate:.1f}/s), "
            f"refused {trial.refused}, told {trial.told}, gave up {trial.gave_up}, nobody answered {trial.unanswered}; "
            f"INVITE→200 {trial.answer_p50:.0f}/{trial.answer_p99:.0f} ms, 200→seat {trial.seat_p50:.0f}/"
            f"{trial.seat_p99:.0f} ms"
        )


_COLUMNS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("offered", lambda r: f"{r['offered']}"),
    ("served", lambda r: f"{r['served']}"),
    ("served/s", lambda r: f"{r['served_rate']:.1f}"),
    ("503", lambda r: f"{r['refused']}"),
    ("told", lambda r: f"{r['told']}"),
    ("gave up", lambda r: f"{r['gave_up']}"),
    ("nobody", lambda r: f"{r['unanswered']}"),
    ("INVITE→200 p50", lambda r: f"{r['answer_p50']:.0f}"),
    ("p99", lambda r: f"{r['answer_p99']:.0f}"),
    ("200→seat p50", lambda r: f"{r['seat_p50']:.0f}"),
    ("p99 ", lambda r: f"{r['seat_p99']:.0f}"),
    ("waiting at the end", lambda r: f"{r['on_the_line']}"),
    ("Asterisk MB", lambda r: f"{r['memory'].get('asterisk', 0):.0f}"),
    ("service MB", lambda r: f"{r['memory'].get('service', 0):.0f}"),
    ("left over", lambda r: f"{r['left_over']}"),
)


def table(found: dict[str, Any]) -> str:
    """One row for each shape."""
    rows = [["", *(name.strip() for name, _ in _COLUMNS)]]
    if found.get("at_held"):
        rows.append([f"held: {found['held']:g}/s", *(f(found["at_held"]) for _, f in _COLUMNS)])
    for trial in found["trials"]:
        title = f"{SHAPES[trial['shape']][0].title}, {trial['rate']:g}/s"
        rows.append([title, *(f(trial) for _, f in _COLUMNS)])
    return grid(rows)


def verdicts(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims, of admission control."""
    mine = next((t for t in found["trials"] if t["shape"] == "on"), None)
    if mine is None:
        return []
    held = found["held"]
    share = mine["served_rate"] / held if held else 0.0
    return [
        {"aim": "admission on: served a second / what is held: at least 0.6 ×", "b": share, "met": share >= 0.6},
        {"aim": "admission on: INVITE→200 p99 of those let in (ms), at most 500", "b": mine["answer_p99"],
         "met": mine["answer_p99"] <= HELD_MS},
        {"aim": "admission on: callers whom nobody answered (%), under 1",
         "b": 100 * mine["unanswered"] / mine["offered"], "met": mine["unanswered"] < 0.01 * mine["offered"]},
        {"aim": "admission on: waiting with nobody at the end / held, at most 5 s", "b": mine["on_the_line"] / held,
         "met": mine["on_the_line"] <= 5 * held},
        {"aim": "admission on: nothing died, no channel left over", "b": float(mine["left_over"]),
         "met": mine["alive"] and mine["left_over"] == 0},
    ]  # fmt: skip
