"""One trial: a constant rate of calls for some seconds on one rig, and what came of them."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from .cpu import Meter
from .plan import HOLD_MS
from .rig import Rig
from .sipp import OneCall, Sipp, fault_of, free_port, read_calls
from .stats import percentile

WARM_UP = 2.0
"""Seconds at the beginning whose calls do not count for the times (they do for failures and CPU)."""
DRAIN = 12.0


@dataclass(slots=True)
class Trial:
    """Times in milliseconds; CPU in milliseconds per call."""

    variant: str
    rate: float
    seconds: float
    calls: int = 0
    failed: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    held: float = 0.0
    """Good calls a second, by the callers' clock."""
    answer_p50: float = 0.0
    answer_p99: float = 0.0
    seat_p50: float = 0.0
    seat_p99: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    events: float = 0.0
    """AMI events a call that reached the service."""
    batches: float = 0.0
    """Journal batches a call."""
    foreign: float = 0.0
    """Cores used by others on this machine meanwhile."""
    load: float = 0.0
    left_over: int = 0
    """Channels still up after the drain."""

    @property
    def failure_share(self) -> float:
        """0..1"""
        return self.failed / self.calls if self.calls else 1.0

    @property
    def cpu_both(self) -> float:
        """Asterisk and service, ms per call (Redis is told apart)."""
        return self.cpu.get("asterisk", 0.0) + self.cpu.get("service", 0.0)

    def as_json(self) -> dict[str, Any]:
        """For result.json."""
        return {**asdict(self), "cpu_both": self.cpu_both, "failure_share": self.failure_share}


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _evaluate(trial: Trial, calls: dict[str, OneCall], began: float) -> None:
    faults = Counter(fault for call in calls.values() if (fault := fault_of(call)) is not None)
    missing = trial.calls - len(calls)
    if missing > 0:
        faults["not answered"] += missing
    trial.faults = dict(faults)
    trial.failed = sum(faults.values())
    good = [c for c in calls.values() if fault_of(c) is None]
    counted = [c for c in good if c.invited is not None and c.invited >= began + WARM_UP]
    answer = [(c.answered - c.invited) * 1e3 for c in counted if c.answered and c.invited]
    seat = [(c.seat_invited[0] - c.answered) * 1e3 for c in counted if c.answered]
    trial.answer_p50, trial.answer_p99 = percentile(answer, 0.5), percentile(answer, 0.99)
    trial.seat_p50, trial.seat_p99 = percentile(seat, 0.5), percentile(seat, 0.99)
    invited = sorted(c.invited for c in good if c.invited is not None)
    if len(invited) > 1:
        trial.held = (len(invited) - 1) / (invited[-1] - invited[0])


async def run_trial(rig: Rig, rate: float, seconds: float) -> Trial:
    """Offers `rate` calls a second for `seconds`; returns when they are over."""
    home = rig.home / f"trial-{rate:g}-{time.time():.0f}"
    total = round(rate * seconds)
    trial = Trial(rig.variant.name, rate, seconds, calls=total, load=os.getloadavg()[0])
    phones = Sipp("seat", home, rig.seat_port)
    callers = Sipp("caller", home, free_port(udp=True))
    elapsed = 1.0
    before = await rig.stats()
    children = _children_seconds()
    meter = Meter(rig.pids())
    try:
        await phones.start(rig.sip_port)
        await asyncio.sleep(0.3)
        meter.start()
        began_clock, began = time.time(), time.monotonic()
        await callers.start(
            rig.sip_port, "-s", rig.variant.number, "-m", str(total), "-r", f"{rate:g}", "-l", "5000",
            "-timeout", f"{seconds + HOLD_MS / 1000 + DRAIN:.0f}s",
        )  # fmt: skip
        await callers.wait(seconds + HOLD_MS / 1000 + DRAIN + 2)
        await asyncio.sleep(0.5)  # the last BYE to a seat
        elapsed = time.monotonic() - began
    finally:
        await callers.stop()
        await phones.stop()
    spent = meter.stop(_children_seconds() - children)
    after = await rig.stats()
    trial.left_over = await rig.channels()
    trial.foreign = spent.pop("foreign") / elapsed
    trial.cpu = {name: value / total * 1e3 for name, value in spent.items()}
    if after:
        trial.events = (after["ami"]["events"] - before["ami"]["events"]) / total
        trial.batches = (after["engine"]["batches"] - before["engine"]["batches"]) / total
    _evaluate(trial, read_calls(callers.log, phones.log), began_clock)
    return trial
