"""A whole run: callers come all the time, failures follow one another, then all are served and the books read."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .failures import KINDS, Failures
from .judge import Judge
from .people import Crowd, Person
from .servers import Site


@dataclass(slots=True)
class Report:
    """What came of it."""

    rounds: list[tuple[int, str, str]] = field(default_factory=list)
    """(number, kind, what was done)."""
    problems: list[str] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)
    people: list[Person] = field(default_factory=list)
    takeovers: list[tuple[str, float]] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)
    """How many callers were in which phase at the moments of the failures."""
    lateness: float = 0.0
    facts: Counter[str] = field(default_factory=Counter)
    """What was looked at and was as it must be."""
    ended: list[str] = field(default_factory=list)
    """Processes that ended by themselves and were started again."""

    def text(self) -> str:
        """For people."""
        kinds = Counter(kind for _, kind, _ in self.rounds)
        lines = [f"{len(self.rounds)} failures: " + ", ".join(f"{n} × {kind}" for kind, n in kinds.most_common())]
        talks = [t for p in self.people for t in p.talks if t.joined]
        waits = sorted(p.joined - p.answered for p in self.people if p.joined and p.answered)
        lines.append(
            f"{len(self.people)} callers, {len(talks)} talks of {sum(t.ended - t.joined for t in talks):.0f} s in all; "
            f"until a human: median {statistics.median(waits) if waits else 0:.1f} s, "
            f"longest {waits[-1] if waits else 0:.1f} s"
        )
        lines.append("outcomes: " + ", ".join(f"{n} {what}" for what, n in
                                              Counter(p.outcome for p in self.people).most_common()))  # fmt: skip
        lines.append("when it happened: " + ", ".join(f"{n} {what}" for what, n in self.phases.most_common()))
        for kind in sorted({k for k, _ in self.takeovers}):
            times = sorted(t for k, t in self.takeovers if k == kind)
            median = statistics.median(times)
            lines.append(f"{kind}: another decides after median {median:.2f} s, longest {times[-1]:.2f} s")
        lines += [f"started again: {one}" for one in self.ended]
        lines.append(f"{len(self.silences)} silences over 0.5 s in talks")
        lines += [f"  – {one}" for one in self.silences[:30]]
        lines.append("looked at: " + ", ".join(f"{n} {what}" for what, n in self.facts.items()))
        names = ("dropped talks", "lost ranks", "lost recordings", "double offers", "not called back",
                 "not in the books", "stuck", "other")  # fmt: skip
        lines.append(", ".join(f"{name}: {self.sums[name]}" for name in names))
        return "\n".join(lines + [f"  ✗ {p}" for p in self.problems[:80]])

    def callers(self) -> str:
        """What each caller experienced, a line each."""
        return "\n".join(_experience(p) for p in self.people)


def _experience(p: Person) -> str:
    human = f"human after {p.joined - p.answered:.1f} s" if p.joined and p.answered else "no human"
    talks = "; ".join(f"{t.seat} {t.ended - t.joined:.0f} s{f' ({t.arranged})' if t.arranged else ''}"
                      f"{f', silent {[round(s, 1) for _, s in t.silences]} s' if t.silences else ''}"
                      for t in p.talks if t.joined)  # fmt: skip
    notes = "; ".join(p.notes)
    return f"{p.number} {p.kind:9} {human:20} {talks or '–'} → {p.outcome}{f' [{notes}]' if notes else ''}"


def plan(failures: int, seed: int, hit: str | None) -> list[str]:
    """The kinds in their order: each at least once if there is room, then by weight."""
    if hit is not None:
        return [hit] * failures
    r = random.Random(f"{seed} kinds")
    kinds = list(KINDS) if failures >= len(KINDS) else []
    kinds += r.choices(list(KINDS), [w for w, _ in KINDS.values()], k=failures - len(kinds))
    r.shuffle(kinds)
    return kinds


@dataclass
class Run:
    """See the module's text."""

    home: Path
    seed: int = 1
    calls: int = 60
    seats: int = 24
    switches: int = 1
    pace: float = 1.0
    """1: talks of 6 to 32 s; 0.5: half as long, and half the pauses between failures."""
    progress: Callable[[str], None] = print

    async def run(
        self, failures: int, only: int | None = None, hit: str | None = None, minutes: float = 1e9
    ) -> Report:
        """All failures, or the one with the number `only`; none after so many minutes."""
        seats = tuple(str(8001 + n) for n in range(self.seats))
        self.report = Report()
        site = Site(self.home, seats, self.switches)
        judge = Judge(site)
        crowd = judge.crowd = Crowd(site, self.seed, self.calls, self._wrong(judge), self.pace)
        crowd.on_offer = judge.on_offer
        try:
            await site.up()
            await crowd.open()
            await self._fills_up(crowd)
            hits = Failures(site, crowd, judge, self.pace)
            for number, kind in enumerate(plan(failures, self.seed, hit)):
                if time.time() - judge.began > minutes * 60:
                    break
                if only is None or number == only:
                    await self._round(number, kind, hits)
            await self._ends(hits)
        finally:
            await crowd.close()
            self.report.people = list(crowd.people.values())
            await site.down()
        self.report.takeovers, self.report.sums = hits.takeovers, judge.sums
        self._gather(judge, "at the end")
        self._silences(site, judge)
        self.report.ended, self.report.facts = site.ended, judge.facts
        return self.report

    @staticmethod
    def _wrong(judge: Judge) -> Callable[[str], None]:
        def wrong(text: str) -> None:
            judge.wrong("dropped talks" if text.startswith("a dropped talk") else "other", text)

        return wrong

    async def _fills_up(self, crowd: Crowd) -> None:
        end = time.time() + 30
        while time.time() < end and (len(crowd.inside) < self.calls or not any(p.talking for p in crowd.inside)):
            await asyncio.sleep(0.2)
        await asyncio.sleep(4 * self.pace)

    async def _round(self, number: int, kind: str, hits: Failures) -> None:
        r = random.Random(f"{self.seed} {number} {kind}")
        self.report.phases.update(p.phase for p in hits.crowd.inside)
        self.report.phases["called back, talking"] += sum(1 for p in hits.crowd.people.values() if p.over and p.talking)
        began = time.time()
        done = await KINDS[kind][1](hits, r)
        self.report.rounds.append((number, kind, done))
        inside, now = hits.crowd.inside, time.time()
        self.progress(
            f"{now - hits.judge.began:6.1f} s  {number}: {kind} ({done}, {now - began:.1f} s); "
            f"{len(hits.crowd.people)} callers, {len(inside)} inside, "
            f"{sum(1 for p in hits.crowd.people.values() if p.talking)} talk, "
            f"{sum(hits.judge.sums.values())} problems"
        )
        await asyncio.sleep(r.uniform(0.3, 4.0) * self.pace)
        await hits.judge.look()
        await hits.judge.check_lists()
        self._gather(hits.judge, f"round {number} ({kind})")

    def _gather(self, judge: Judge, where: str) -> None:
        new = [f"{where}: {what}: {text}" for what, text in judge.problems]
        judge.problems.clear()
        self.report.problems += new
        for one in new:
            self.progress(f"  ✗ {one}")

    async def _ends(self, hits: Failures) -> None:
        """Nobody comes any more: all are served, then recordings and lists are looked at."""
        site, crowd, judge = hits.site, hits.crowd, hits.judge
        await hits.settle()
        await hits.two()
        await crowd.no_more()
        self.progress(f"{time.time() - judge.began:6.1f} s  nobody comes any more: {len(crowd.inside)} inside")
        # As long as one after the other is served: whom a switch's death has cut off is called back before them.
        last, met, end = -1, time.time(), time.time() + 900
        while crowd.inside and time.time() < min(end, met + 60 + 60 * self.pace):
            talks = sum(len(person.talks) for person in crowd.people.values())
            if talks != last:
                last, met = talks, time.time()
            await asyncio.sleep(0.2)
        self.progress(f"{time.time() - judge.began:6.1f} s  {len(crowd.inside)} inside: "
                      f"{[(p.number, p.phase, p.kind) for p in crowd.inside[:8]]}")  # fmt: skip
        for person in crowd.inside:
            judge.wrong("stuck", f"{person.number} was not served in the end ({person.phase}, {person.kind}, "
                                 f"since {time.time() - person.came:.0f} s)")  # fmt: skip
        end = time.time() + 30
        while judge.must_be_listed and time.time() < end:
            await judge.check_lists()
            await asyncio.sleep(0.5)
        await self._empty(site, judge)
        await judge.check_recordings()
        self.report.lateness = max((late for _, late in site.late), default=0.0)

    async def _empty(self, site: Site, judge: Judge) -> None:
        """Neither switch nor books have a call; entries of the callback list may still wait for their hour."""
        end, left = time.time() + 45, ["?"]
        while left and time.time() < end:
            await asyncio.sleep(0.3)
            answer = await site.ask("calls?live=true&limit=200")
            items = [] if answer is None else answer["items"]
            left = ["?"] if answer is None else [f"{x['id']} {x['state']}" for x in items if x["state"] != "due"]
            for pbx in site.pbxs:
                snapshot = await site.snapshot(pbx)
                left += ["?"] if snapshot is None else [f"{v.id} {v.name}" for v in snapshot.channels]
        if left:
            judge.wrong("stuck", f"left in switch or books at the end: {left[:10]}")

    def _silences(self, site: Site, judge: Judge) -> None:
        for person in self.report.people:
            for talk in person.talks:
                kept = []
                for at, length in talk.silences:
                    ours = any(a - 0.2 <= at + length and at <= a + late + 0.2 for a, late in site.late if late > 0.3)
                    aside = any(a <= at + length and at <= b for a, b in talk.excused)
                    if not ours and not aside:
                        kept.append((at, length))
                        self.report.silences.append(
                            f"at {at - judge.began:.1f} s for {length:.1f} s: {talk.number} with {talk.seat} "
                            f"({talk.arranged or 'plain'})"
                        )
                talk.silences = kept
