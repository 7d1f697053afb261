"""The order of the calls' trials: repeats at the rates of the comparison, then a ladder to the highest rate held."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import report
from .plan import VARIANTS, Variant
from .rig import rig_up
from .trial import Trial, run_trial

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Calls:
    """What to measure of the way of a call with seats enough."""

    variants: Sequence[str] = ("a1", "b1", "a2", "b2")
    rates: Sequence[float] = (40, 80)
    repeats: int = 2
    seconds: float = 7.0
    ladder: Sequence[float] = (100, 120, 140)
    """Rates above the comparison's, tried upwards by each variant until it fails twice."""


@dataclass(slots=True)
class Ladder:
    """One run."""

    options: Calls
    out: Path
    rootfs: Path
    until: float
    """By time.monotonic: no further step of the ladder begins afterwards."""
    say: Say
    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def _one(self, variant: Variant, rate: float) -> Trial:
        async with rig_up(variant, self.out / variant.name, self.rootfs) as rig:
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
                if time.monotonic() > self.until:
                    self.notes.append(f"The ladder ended at {rate:g}/s for {variant.name}: the time was over.")
                    return
                trial = await self._one(variant, rate)
                if trial.failure_share >= report.MAX_FAILED:
                    trial = await self._one(variant, rate)
                    if trial.failure_share >= report.MAX_FAILED:
                        going.remove(variant)
