"""The order of the trials: repeats at the rates of the comparison, then a ladder to the highest rate held."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ami_parser, report, sipp
from .errors import BenchError
from .plan import HOLD_MS, PROMPT_SECONDS, RING_MS, SEATS, VARIANTS, Variant
from .rig import rig_up
from .trial import Trial, run_trial

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure."""

    rootfs: Path
    out: Path
    """Directory of everything written."""
    variants: Sequence[str] = ("a1", "b1", "a2", "b2")
    rates: Sequence[float] = (40, 80)
    repeats: int = 3
    seconds: float = 7.0
    ladder: Sequence[float] = (100, 120, 140, 160, 180)
    """Rates above the comparison's, tried upwards by each variant until it fails twice."""
    budget: float = 480.0
    """Seconds after which no further step of the ladder begins."""
    parser: bool = True


@dataclass(slots=True)
class Bench:
    """One run."""

    options: Options
    say: Say
    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    async def _one(self, variant: Variant, rate: float) -> Trial:
        async with rig_up(variant, self.options.out / variant.name, self.options.rootfs) as rig:
            trial = await run_trial(rig, rate, self.options.seconds)
        self.trials.append(trial)
        faults = f", failed: {trial.faults}" if trial.failed else ""
        left = f", {trial.left_over} channels left over" if trial.left_over else ""
        noise = f", others {trial.foreign:.1f} cores" if trial.foreign > report.NOISE else ""
        self.say(
            f"  {variant.name} {rate:>4g}/s: held {trial.held:.1f}/s, 200→seat {trial.seat_p50:.0f}/"
            f"{trial.seat_p99:.0f} ms, CPU {trial.cpu_both:.1f} ms/call{faults}{left}{noise}"
        )
        return trial

    async def compare(self) -> None:
        """Every variant at every rate, in turns; every other repeat in the reverse order."""
        chosen = [v for v in VARIANTS if v.name in self.options.variants]
        for repeat in range(self.options.repeats):
            for rate in self.options.rates:
                for variant in chosen if repeat % 2 == 0 else chosen[::-1]:
                    await self._one(variant, rate)

    async def climb(self) -> None:
        """The ladder; a variant leaves it at the first rate that failed twice."""
        top = max(self.options.rates, default=0.0)
        going = [
            v for v in VARIANTS if v.name in self.options.variants and report.held_rate(self.trials, v.name) >= top
        ]
        for rate in self.options.ladder:
            for variant in list(going):
                if time.monotonic() - self.began > self.options.budget:
                    self.notes.append(f"The ladder ended at {rate:g}/s for {variant.name}: the time was over.")
                    return
                trial = await self._one(variant, rate)
                if trial.failure_share >= report.MAX_FAILED:
                    trial = await self._one(variant, rate)
                    if trial.failure_share >= report.MAX_FAILED:
                        going.remove(variant)


def check(options: Options) -> None:
    """Raises BenchError when something needed is missing."""
    sipp.check()
    for program in ("usr/sbin/asterisk", "usr/bin/redis-server"):
        if not (options.rootfs / program).exists():
            raise BenchError(f"{program} is missing in {options.rootfs}: run 'make setup'")
    unknown = set(options.variants) - {v.name for v in VARIANTS}
    if unknown:
        raise BenchError(f"no variant {', '.join(sorted(unknown))}: choose of {', '.join(v.name for v in VARIANTS)}")


async def run_bench(options: Options, say: Say) -> dict[str, Any]:
    """Measures and returns the result (also written to result.json). Takes minutes; ends what it starts."""
    check(options)
    bench = Bench(options, say)
    load = os.getloadavg()[0]
    if load > 1.0:
        bench.notes.append(f"The machine was not idle at the start: load {load:.1f}.")
    result: dict[str, Any] = {
        "machine": report.machine(),
        "call": {"seats": SEATS, "prompt_s": PROMPT_SECONDS, "ring_ms": RING_MS, "hold_ms": HOLD_MS},
        "variants": {v.name: v.title for v in VARIANTS if v.name in options.variants},
    }
    if options.parser:
        say("AMI parser …")
        result["parser"] = await asyncio.to_thread(ami_parser.run)
    try:
        await bench.compare()
        if options.ladder:
            await bench.climb()
    finally:
        # Also what an interrupted run has found is worth keeping.
        result["trials"] = [t.as_json() for t in bench.trials]
        result["held"] = {name: report.held_rate(bench.trials, name) for name in options.variants}
        result["verdicts"] = report.verdicts(bench.trials, bool(options.ladder)) if bench.trials else []
        result["notes"] = bench.notes
        report.write_json(options.out / "result.json", result)
    _show(result, bench, say)
    return result


def _show(result: dict[str, Any], bench: Bench, say: Say) -> None:
    m = result["machine"]
    say(f"\n{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, Python {m['python']}, {m['at']}")
    for name, title in result["variants"].items():
        say(f"  {name}  {title}")
    say(
        "Transcription workers are off in all variants. Times in ms, CPU in ms per call; median [least-most] of the\n"
        "runs. 'others': cores used by programs that are not ours.\n"
    )
    say(report.table(bench.trials))
    if bench.options.ladder:
        held = ", ".join(f"{name} {rate:g}" for name, rate in result["held"].items())
        say(f"\nHighest rate held (calls/s offered, < 0.1 % failures): {held}")
    if "parser" in result:
        p = result["parser"]
        say(
            f"\nAMI parser: ours {p['link_events_per_s']:,.0f} events/s, panoramisk {p['panoramisk_events_per_s']:,.0f}"
            f" events/s: {p['ratio']} ×"
        )
    if result["verdicts"]:
        say("\nAims:\n" + report.verdict_lines(result["verdicts"]))
    say("\n" + report.noise_line(bench.trials))
    for note in bench.notes:
        say(note)
    say(f"All figures: {bench.options.out / 'result.json'}")
