"""The sections of a run, one after the other, and the result of all."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ami_parser, decisions, mix, overload, parties, queue, report, sipp
from .errors import BenchError
from .ladder import Calls, Ladder
from .plan import HOLD_MS, PROMPT_SECONDS, RING_MS, SEATS, VARIANTS

Say = Callable[[str], None]
SECTIONS = ("decisions", "queue", "calls", "parties", "parser", "overload")
USUAL = SECTIONS[:-1]
"""Without the flood, which takes minutes of its own and fills the machine."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure."""

    rootfs: Path
    out: Path
    """Directory of everything written."""
    only: Sequence[str] = USUAL
    calls: Calls = field(default_factory=Calls)
    decisions: int = 2000
    """Of each kind, and three times that."""
    queue: queue.Queues = field(default_factory=queue.Queues)
    parties: parties.Parties = field(default_factory=parties.Parties)
    overload: overload.Overload = field(default_factory=overload.Overload)
    budget: float = 680.0
    """Seconds after the start of the run from which on no further step of the calls' ladder begins."""


def check(options: Options) -> None:
    """Raises BenchError when something needed is missing."""
    for what, given, known in (
        ("section", options.only, SECTIONS),
        ("variant", options.calls.variants, [v.name for v in VARIANTS]),
        ("shape", options.queue.shapes, list(queue.SHAPES)),
        ("overload shape", options.overload.shapes, list(overload.SHAPES)),
    ):
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise BenchError(f"no {what} {', '.join(unknown)}: choose of {', '.join(known)}")
    if {"queue", "calls", "parties", "overload"} & set(options.only):
        sipp.check()
    for program in ("usr/sbin/asterisk", "usr/bin/redis-server"):
        if not (options.rootfs / program).exists():
            raise BenchError(f"{program} is missing in {options.rootfs}: run 'make setup'")


async def run_bench(options: Options, say: Say) -> dict[str, Any]:
    """Measures and returns the result (also written to result.json). Takes minutes; ends what it starts."""
    check(options)
    began = time.monotonic()
    result: dict[str, Any] = {"machine": report.machine(), "notes": [], "verdicts": []}
    load = os.getloadavg()[0]
    if load > 1.0:
        result["notes"].append(f"The machine was not idle at the start: load {load:.1f}.")
    try:
        for section in SECTIONS:
            if section in options.only:
                await _SECTIONS[section](options, result, say, began)
    finally:
        # Also what an interrupted run has found is worth keeping.
        result["seconds"] = round(time.monotonic() - began)
        report.write_json(options.out / "result.json", result)
    report.show(result, say)
    say(f"All figures: {options.out / 'result.json'} ({result['seconds']} s)")
    return result


async def _decisions(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say(f"Decisions: {decisions.SEATS:,} seats, {decisions.WAITING:,} waiting, {len(mix.SKILLS)} skills …")
    found = await decisions.run(options.out / "decisions", options.rootfs, options.decisions)
    result["decisions"] = found
    result["verdicts"] += decisions.verdicts(found)


async def _queue(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say("Queue: a seat becomes free → INVITE at its phone …")
    trials = result["queue"] = []
    await queue.run(options.queue, options.out, options.rootfs, trials, say)
    result["verdicts"] += queue.verdicts(trials)


async def _calls(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say("Calls with seats enough …")
    ladder = Ladder(options.calls, options.out, options.rootfs, began + options.budget, say)
    names = options.calls.variants
    try:
        await ladder.compare()
        if options.calls.ladder:
            await ladder.climb()
    finally:
        result["calls"] = {
            "call": {"seats": SEATS, "prompt_s": PROMPT_SECONDS, "ring_ms": RING_MS, "hold_ms": HOLD_MS},
            "variants": {v.name: v.title for v in VARIANTS if v.name in names},
            "trials": [t.as_json() for t in ladder.trials],
            "held": {name: report.held_rate(ladder.trials, name) for name in names} if options.calls.ladder else {},
            "table": report.table(ladder.trials) if ladder.trials else "",
            "noise": report.noise_line(ladder.trials),
        }
        result["notes"] += ladder.notes
    result["verdicts"] += report.verdicts(ladder.trials, bool(options.calls.ladder))


async def _parties(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say("Further parties: joined, consulted, transferred to, busy; and what a talk of two and of three costs …")
    found: dict[str, Any] = {}
    result["parties"] = found
    await parties.run(options.parties, options.out, options.rootfs, found, say)
    result["verdicts"] += parties.verdicts(found)


async def _overload(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say(f"Overload: {options.overload.times:g} × what is held …")
    found: dict[str, Any] = {}
    result["overload"] = found
    await overload.run(options.overload, options.out, options.rootfs, found, say)
    result["verdicts"] += overload.verdicts(found)


async def _parser(options: Options, result: dict[str, Any], say: Say, began: float) -> None:
    say("AMI parser …")
    result["parser"] = await asyncio.to_thread(ami_parser.run)


_SECTIONS = {
    "decisions": _decisions, "queue": _queue, "calls": _calls, "parties": _parties, "parser": _parser,
    "overload": _overload,
}  # fmt: skip
