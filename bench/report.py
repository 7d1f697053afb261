"""The table, the verdicts and result.json."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from . import decisions, overload, parties, queue
from .plan import VARIANTS
from .stats import cell, grid
from .trial import Trial

MAX_FAILED = 0.001
"""A rate is held if fewer calls fail."""
NOISE = 0.5
"""Cores used by others from which on a trial is marked."""
PAIRS = (("a1", "b1"), ("a2", "b2"))

Figure = Callable[[Trial], float]
COLUMNS: tuple[tuple[str, Figure, str], ...] = (
    ("held/s", lambda t: t.held, "{:.1f}"),
    ("failed %", lambda t: 100 * t.failure_share, "{:.2f}"),
    ("INVITE→200 p50", lambda t: t.answer_p50, "{:.1f}"),
    ("p99", lambda t: t.answer_p99, "{:.0f}"),
    ("200→seat p50", lambda t: t.seat_p50, "{:.1f}"),
    ("p99 ", lambda t: t.seat_p99, "{:.0f}"),
    ("Asterisk", lambda t: t.cpu.get("asterisk", 0.0), "{:.2f}"),
    ("service", lambda t: t.cpu.get("service", 0.0), "{:.2f}"),
    ("both", lambda t: t.cpu_both, "{:.2f}"),
    ("Redis", lambda t: t.cpu.get("redis", 0.0), "{:.2f}"),
    ("SIPp", lambda t: t.cpu.get("load", 0.0), "{:.2f}"),
    ("events", lambda t: t.events, "{:.1f}"),
    ("others", lambda t: t.foreign, "{:.2f}"),
)


def _of(trials: Iterable[Trial], variant: str, rate: float | None = None) -> list[Trial]:
    return [t for t in trials if t.variant == variant and (rate is None or t.rate == rate)]


def held_rate(trials: Sequence[Trial], variant: str) -> float:
    """The highest offered rate of which at least one trial was held, below the first rate that never was."""
    best = 0.0
    for rate in sorted({t.rate for t in _of(trials, variant)}):
        if not any(t.failure_share < MAX_FAILED for t in _of(trials, variant, rate)):
            break
        best = rate
    return best


def table(trials: Sequence[Trial]) -> str:
    """One block per rate: medians over the repeats, [least-most]. Times in ms, CPU in ms per call."""
    blocks = []
    for rate in sorted({t.rate for t in trials}):
        rows = [["", *(name.strip() for name, _, _ in COLUMNS)]]
        for variant in VARIANTS:
            mine = _of(trials, variant.name, rate)
            if mine:
                rows.append([variant.name, *(cell([f(t) for t in mine], style) for _, f, style in COLUMNS)])
        blocks.append(f"{rate:g} calls/s offered ({max(len(_of(trials, v.name, rate)) for v in VARIANTS)} run(s))\n"
                      + grid(rows))  # fmt: skip
    return "\n\n".join(blocks)


def _paired(trials: Sequence[Trial], a: str, b: str, rate: float, figure: Figure) -> list[tuple[float, float]]:
    """(a, b) of the same repeat: taken one after the other, so the machine was much the same."""
    return [(figure(x), figure(y)) for x, y in zip(_of(trials, a, rate), _of(trials, b, rate), strict=False)]


def verdicts(trials: Sequence[Trial], ladder: bool) -> list[dict[str, Any]]:
    """The aims of the comparison, with what was found. Only rates count that both sides held."""
    out: list[dict[str, Any]] = []
    for a, b in PAIRS:
        if not _of(trials, a) or not _of(trials, b):
            continue
        if ladder:
            one, two = held_rate(trials, a), held_rate(trials, b)
            out.append({"aim": f"{b} holds at least the calls/s of {a}", "a": one, "b": two, "met": two >= one})
        both_held = min(held_rate(trials, a), held_rate(trials, b))
        for rate in sorted({t.rate for t in trials if t.rate <= both_held}):
            p50 = _paired(trials, a, b, rate, lambda t: t.seat_p50)
            p99 = _paired(trials, a, b, rate, lambda t: t.seat_p99)
            cpu = _paired(trials, a, b, rate, lambda t: t.cpu_both)
            if not cpu:
                continue
            slower = statistics.median(y - x for x, y in p50)
            tail = statistics.median(y - x for x, y in p99)
            ratios = [y / x for x, y in cpu if x]
            ratio = statistics.median(ratios)
            where = f"{b} / {a} at {rate:g}/s"
            out += [
                {"aim": f"{where}: 200→seat p50 no slower (ms; 1 ms is the clock's grain)", "b": slower,
                 "met": slower <= 1.0},
                {"aim": f"{where}: 200→seat p99 within 50 ms (ms)", "b": tail, "met": tail <= 50.0},
                {"aim": f"{where}: CPU of Asterisk + service ≤ 1.0 ×", "b": ratio, "least": min(ratios),
                 "most": max(ratios), "met": ratio <= 1.0},
            ]  # fmt: skip
    return out


def verdict_lines(found: Sequence[dict[str, Any]]) -> str:
    """For people."""
    lines = []
    for one in found:
        value = f"{one['b']:.2f}" if "a" not in one else f"{one['b']:g} against {one['a']:g}"
        spread = f" [{one['least']:.2f}-{one['most']:.2f}]" if one.get("least") != one.get("most") else ""
        lines.append(f"  {'met    ' if one['met'] else 'NOT met'}  {one['aim']}: {value}{spread}")
    return "\n".join(lines)


def show(result: dict[str, Any], say: Callable[[str], None]) -> None:
    """Everything for people."""
    m = result["machine"]
    say(f"\n{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, Python {m['python']}, {m['at']}")
    say("Times in ms; median [least-most] of the repeats. 'others': cores used by programs that are not ours.")
    if "decisions" in result:
        found = result["decisions"]
        say(f"\nDecisions: {found['seats']:,} seats, {found['waiting']:,} waiting, {found['skills']} skills\n")
        say(decisions.table(found))
    if result.get("queue"):
        say("\nQueue: a seat hangs up → the next INVITE at its phone\n")
        say(queue.table(result["queue"]))
    if result.get("calls", {}).get("table"):
        calls = result["calls"]
        say("\nCalls with seats enough (CPU in ms per call; transcription is off)")
        for name, title in calls["variants"].items():
            say(f"  {name}  {title}")
        say("\n" + calls["table"])
        if calls["held"]:
            held = ", ".join(f"{name} {rate:g}" for name, rate in calls["held"].items())
            say(f"\nHighest rate held (calls/s offered, < 0.1 % failures): {held}")
        say(calls["noise"])
    if result.get("parties", {}).get("times"):
        say("\nFurther parties, by what the phones heard\n")
        say(parties.times_table(result["parties"]["times"]))
    if result.get("parties", {}).get("costs"):
        say(f"\nTalks with audio, {result['parties']['talks']} at once: percent of a core for each call\n")
        say(parties.costs_table(result["parties"]["costs"]))
    if "parser" in result:
        p = result["parser"]
        say(
            f"\nAMI parser: ours {p['link_events_per_s']:,.0f} events/s, panoramisk {p['panoramisk_events_per_s']:,.0f}"
            f" events/s: {p['ratio']} ×"
        )
    if result.get("overload", {}).get("trials"):
        say(f"\nOverload: {result['overload']['held']:g} calls/s are held\n")
        say(overload.table(result["overload"]))
    if result["verdicts"]:
        say("\nAims:\n" + verdict_lines(result["verdicts"]))
    for note in result["notes"]:
        say(note)


def machine() -> dict[str, Any]:
    """Where this was measured."""
    model = ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%d %H:%M:%S %z"), "load": os.getloadavg()[0],
    }  # fmt: skip


def noise_line(trials: Sequence[Trial]) -> str:
    """How far the machine was ours."""
    noisy = [t for t in trials if t.foreign > NOISE]
    if not noisy:
        return "Nobody else used the machine to speak of."
    return (
        f"{len(noisy)} of {len(trials)} trials had other programs on more than {NOISE:g} cores (column 'others'): "
        "their times say little. Run it again when the machine is quiet."
    )


def write_json(path: Path, result: dict[str, Any]) -> None:
    """The whole result for machines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
