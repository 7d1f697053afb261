"""Calls with a further party: how soon it is rung and heard, how soon all is as before when it fails, what it costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import party_cpu, party_times
from .plan import SERVICE_NUMBER, Variant
from .rig import rig_up
from .stats import cell, grid, summary

Say = Callable[[str], None]
VARIANT = Variant("parties", "this service", service=True, record=True, number=SERVICE_NUMBER)
"""As shipped: calls are recorded. ConfBridge, Dial and app_queue record here too."""
SPARE_SEATS = 4
FAILURE_AIM = 100.0
"""ms, p99: a party is busy → caller and seat hear each other again."""


@dataclass(frozen=True, slots=True)
class Parties:
    """What to measure."""

    repeats: int = 2
    """Of everything, each on a fresh switch and service."""
    seconds: float = 24.0
    """In which talks are begun, for the times."""
    at_once: int = 8
    """Talks at the same time, for the times."""
    talks: int = 20
    """Talks at the same time, for the cost."""
    measured: float = 4.0
    """Seconds for which each shape's cost is measured."""


async def run(what: Parties, out: Path, rootfs: Path, found: dict[str, Any], say: Say) -> None:
    """Times, then costs, so many times; results are put into `found` as they come."""
    times: list[dict[str, Any]] = found.setdefault("times", [])
    costs: list[dict[str, Any]] = found.setdefault("costs", [])
    found["talks"] = what.talks

    def cost(one: party_cpu.Cost) -> None:
        costs.append(one.as_json())
        say(
            f"  {party_cpu.TITLES[one.shape]}: Asterisk {one.asterisk:.2f} % of a core for each call "
            f"({_bridges(one.bridges)}; others {one.foreign:.1f} cores)"
        )

    for repeat in range(what.repeats):
        async with rig_up(VARIANT, out / "p-times", rootfs, seats=what.at_once + SPARE_SEATS, line=True) as rig:
            row = (await party_times.run_times(rig, what.at_once, what.seconds)).as_json()
        times.append(row)
        say("  " + ", ".join(f"{step} {summary(row['times'][step])['p50']:.0f}" for step in party_times.STEPS)
            + f" ms (medians, {row['calls']} calls; others {row['cores']['foreign']:.1f} cores)"
            + (f"; faults: {row['faults']}" if row["faults"] else ""))  # fmt: skip
        async with rig_up(
            VARIANT, out / "p-cost", rootfs, seats=what.talks + SPARE_SEATS, line=True,
            extra=party_cpu.conference(VARIANT.record),
        ) as rig:  # fmt: skip
            await party_cpu.run_costs(rig, what.talks, what.measured, backwards=repeat % 2 == 1, on=cost)


STEP_TITLES = {
    "invite": "order → INVITE at the phone outside",
    "join": "200 → all hear all: joins",
    "emergency": "200 → all hear all: emergency",
    "consult": "200 → seat and party hear each other: consulted",
    "consult-join": "order → all hear all: consulted, joins",
    "transfer": "200 → caller and party hear each other: transfer",
    "consult-busy": "486 → seat and caller again: consulted",
    "transfer-busy": "486 → seat and caller again: transfer",
    "gap": "caller and seat apart while one joins",
    "late": "(the phones' own packets late by)",
}


def _bridges(found: dict[str, int]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(found.items())) or "no bridge"


def _summaries(times: Iterable[dict[str, Any]], step: str) -> list[dict[str, float]]:
    return [summary(row["times"][step]) for row in times if row["times"][step]]


def times_table(times: Sequence[dict[str, Any]]) -> str:
    """One row for each step: median [least-most] of the runs; the last column of all runs together."""
    rows = [["", "n", "p50", "p90", "p99", "max", "p99 of all"]]
    for step, title in STEP_TITLES.items():
        runs = _summaries(times, step)
        if runs:
            every = summary([x for row in times for x in row["times"][step]])
            rows.append([
                title, cell([r["n"] for r in runs], "{:.0f}"),
                *(cell([r[name] for r in runs], "{:.1f}") for name in ("p50", "p90", "p99", "max")),
                f"{every['p99']:.1f}",
            ])  # fmt: skip
    return grid(rows)


def _of(costs: Iterable[dict[str, Any]], shape: str) -> list[dict[str, Any]]:
    return [c for c in costs if c["shape"] == shape]


def costs_table(costs: Sequence[dict[str, Any]]) -> str:
    """One row for each shape, in percent of a core for each call."""
    rows = [["", "Asterisk", "service", "Redis", "packets/s", "events/s", "bridges", "others"]]
    for shape, title in party_cpu.TITLES.items():
        mine = _of(costs, shape)
        if mine:
            figures = (
                ("asterisk", "{:.2f}"), ("service", "{:.2f}"), ("redis", "{:.2f}"), ("packets", "{:.0f}"),
                ("events", "{:.2f}"),
            )  # fmt: skip
            rows.append([
                title, *(cell([c[name] for c in mine], style) for name, style in figures),
                _bridges(mine[-1]["bridges"]), cell([c["foreign"] for c in mine], "{:.1f}"),
            ])  # fmt: skip
    return grid(rows)


SAME = 1.1
"""Where both sides have the same kind of bridge, only noise lies between them."""
RATIOS = (
    ("ours-3-talk", "conf-3-talk", "three, told who talks: this service / ConfBridge", 1.0),
    ("ours-3", "conf-3", "three, not told: this service / ConfBridge", 1.0),
    ("ours-2", "conf-2", "two: this service / ConfBridge", 1.0),
    ("ours-2", "dial-2", "two: this service / Dial", SAME),
    ("ours-2", "queue-2", "two: this service / app_queue", SAME),
)


def verdicts(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims. Ratios are taken within a run: a drifting machine hits both."""
    out: list[dict[str, Any]] = []
    for step in ("consult-busy", "transfer-busy"):
        p99 = [s["p99"] for s in _summaries(found.get("times", ()), step)]
        if p99:
            value = statistics.median(p99)
            out.append({"aim": f"{STEP_TITLES[step]}, p99 ≤ {FAILURE_AIM:g} ms", "b": value, "least": min(p99),
                        "most": max(p99), "met": value <= FAILURE_AIM})  # fmt: skip
    faults = sum(sum(row["faults"].values()) for row in found.get("times", ()))
    calls = sum(row["calls"] for row in found.get("times", ()))
    if calls:
        out.append({"aim": f"steps that failed, in {calls} calls: 0", "b": float(faults), "met": faults == 0})
    costs = found.get("costs", ())
    for one, other, title, most in RATIOS:
        pairs = zip(_of(costs, one), _of(costs, other), strict=False)
        ratios = [a["asterisk"] / b["asterisk"] for a, b in pairs if b["asterisk"]]
        if ratios:
            value = statistics.median(ratios)
            out.append({"aim": f"{title}, Asterisk's CPU ≤ {most:g} ×", "b": value, "least": min(ratios),
                        "most": max(ratios), "met": value <= most})  # fmt: skip
    return out
