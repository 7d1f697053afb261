"""The waiting callers: in the order of their ranks, and in groups that want the same.

Callers of one group have the same steps, priority and home centre; so the first of them has waited
longest and has most steps open. When no free seat fits the first, none fits those behind it: a decision
looks at groups, not at callers, and only at those for which something has changed.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from ._demand import Demand, Step
from ._floor import Floor
from ._model import Policy, Waiting

Rank = tuple[float, str]


class Circle:
    """The set of seats that a step means; groups with the same step share it."""

    __slots__ = ("groups", "key", "seats", "served")

    def __init__(self, key: Step) -> None:
        self.key = key
        self.seats = 0
        self.served = False
        """Whether anybody of it is signed in and on duty."""
        self.groups: dict[Group, None] = {}


class Group:
    """Callers who want the same, by rank."""

    __slots__ = ("asks", "callers", "circles", "home", "key", "next", "offsets", "open", "opened", "steps", "unions")

    def __init__(self, key: object, demand: Demand, steps: tuple[Step, ...], circles: tuple[Circle, ...]) -> None:
        self.key = key
        self.steps = steps
        self.circles = circles
        self.home = demand.centre
        self.asks = frozenset(skill for step in steps for skill, _ in step.skills)
        self.callers: list[tuple[Rank, Waiting]] = []
        self.offsets = [0.0]
        """Seconds of waiting after which each step opens."""
        for step in steps[:-1]:
            self.offsets.append(self.offsets[-1] + (float("inf") if step.seconds is None else step.seconds))
        self.unions: list[int] = []
        """The seats of the first steps together: one, two, …"""
        self.opened = 1
        self.open = 0
        """The seats of all steps open for the first caller."""
        self.next: float | None = None
        """When the next step opens for the first caller, or the scarce seats do."""
        self.unite()

    def unite(self) -> None:
        """Computes `unions` from the circles."""
        union = 0
        self.unions = []
        for circle in self.circles:
            union |= circle.seats
            self.unions.append(union)

    @property
    def rank(self) -> Rank:
        """The first caller's."""
        return self.callers[0][0]

    def look(self, now: float, policy: Policy) -> None:
        """Computes which steps are open for the first caller.

        A step is open when the seconds of all steps before it are over, or when the step before it is
        open and nobody signed in and on duty could serve that one.
        """
        since = self.callers[0][1].since
        n, circles = 1, self.circles
        while n < len(circles) and (since + self.offsets[n] <= now or not circles[n - 1].served):
            n += 1
        self.opened, self.open = n, self.unions[n - 1]
        times = [since + self.offsets[n]] if n < len(circles) else []
        if not self.asks.issuperset(policy.keep_free):
            times.append(since + policy.keep_for)
        self.next = min((t for t in times if now < t < float("inf")), default=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A caller and the seat found for it."""

    waiting: Waiting
    seat: str
    step: int
    name: str
    """The step's."""
    free: int
    """Free seats that fitted."""
    kept: int
    """Free seats that fitted and were left to others (scarce skills, limits of centres)."""
    passed: int
    """Callers of better rank who wait on, because none of the free seats fits them."""


class Line:
    """All waiting callers. Matching looks only at what changed since the last time."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._all: list[tuple[Rank, Waiting]] = []
        self._where: dict[str, tuple[Rank, Group]] = {}
        self._groups: dict[object, Group] = {}
        self._circles: dict[Step, Circle] = {}
        self._heads: list[tuple[Rank, Group]] = []
        self._timers: list[tuple[float, int, Group]] = []
        self._count = count()
        self._stale: dict[Group, None] = {}
        """Groups whose open steps must be computed anew."""
        self._dirty: dict[Group, None] = {}
        """Groups whose first caller may now fit a seat that has been free before."""
        self._version = floor.version
        self._seen = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, call: object) -> bool:
        return call in self._where

    def callers(self) -> list[Waiting]:
        """In the order of their ranks."""
        return [w for _, w in self._all]

    # ------------------------------------------------------------------ in and out
    def add(self, waiting: Waiting) -> None:
        """Puts a caller in its place; one that is there already is put anew."""
        self.remove(waiting.call)
        demand = waiting.demand
        steps = demand.circles()
        key = (steps, demand.priority, demand.centre)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = self._found(key, demand, steps)
        rank = waiting.rank()
        entry = (rank, waiting)
        self._where[waiting.call] = (rank, group)
        bisect.insort(self._all, entry)
        if group.callers and group.callers[0][0] < rank:
            bisect.insort(group.callers, entry)
            return
        if group.callers:
            self._unhead(group)
        group.callers.insert(0, entry)
        bisect.insort(self._heads, (rank, group))
        self._stale[group] = self._dirty[group] = None

    def remove(self, call: str) -> bool:
        """Takes a caller out; False if it was not there."""
        rank, group = self._where.pop(call, (None, None))
        if rank is None or group is None:
            return False
        _delete(self._all, rank)
        if group.callers[0][0] != rank:
            _delete(group.callers, rank)
            return True
        self._unhead(group)
        del group.callers[0]
        if group.callers:
            bisect.insort(self._heads, (group.rank, group))
            self._stale[group] = None
        else:
            self._dissolve(group)
        return True

    def _unhead(self, group: Group) -> None:
        _delete(self._heads, group.rank)

    def _found(self, key: object, demand: Demand, steps: tuple[Step, ...]) -> Group:
        circles = tuple(self._circle(step) for step in steps)
        group = Group(key, demand, steps, circles)
        for circle in circles:
            circle.groups[group] = None
        return group

    def _circle(self, step: Step) -> Circle:
        circle = self._circles.get(step)
        if circle is None:
            circle = self._circles[step] = Circle(step)
            self._survey(circle)
        return circle

    def _survey(self, circle: Circle) -> None:
        circle.seats = self._floor.circle(circle.key)
        circle.served = bool(circle.seats & self._floor.signed)

    def _dissolve(self, group: Group) -> None:
        del self._groups[group.key]
        self._stale.pop(group, None)
        self._dirty.pop(group, None)
        group.next = None
        for circle in group.circles:
            circle.groups.pop(group, None)
            if not circle.groups:
                self._circles.pop(circle.key, None)

    # ------------------------------------------------------------------ what is open
    def anew(self) -> None:
        """The rules have changed: everything must be looked at."""
        for group in self._groups.values():
            self._stale[group] = self._dirty[group] = None

    def _refresh(self, now: float) -> None:
        self._seen = now
        floor = self._floor
        if floor.version != self._version:
            self._version = floor.version
            for circle in self._circles.values():
                self._survey(circle)
            for group in self._groups.values():
                group.unite()
            self.anew()
            floor.new = floor.free
        elif floor.joined or floor.left:
            signed = floor.signed
            for circle in self._circles.values():
                # Only those can have changed: an unserved one somebody joined, a served one somebody left.
                if floor.left if circle.served else floor.joined:
                    served = bool(circle.seats & signed)
                    if served is not circle.served:
                        circle.served = served
                        for group in circle.groups:
                            self._stale[group] = self._dirty[group] = None
        floor.joined = floor.left = False
        while self._timers and self._timers[0][0] <= now:
            at, _, group = heapq.heappop(self._timers)
            if group.next == at:
                group.next = None
                self._stale[group] = self._dirty[group] = None
        if self._stale:
            for group in self._stale:
                self._look(group, now)
            self._stale.clear()

    def _look(self, group: Group, now: float) -> None:
        before = group.next
        group.look(now, self._floor.policy)
        if group.next is not None and group.next != before:
            heapq.heappush(self._timers, (group.next, next(self._count), group))

    def tick(self, now: float) -> None:
        """Steps that have opened until now are no `next_opening` any more; `choices` will see them."""
        self._refresh(now)

    def next_opening(self) -> float | None:
        """When the next step opens for a caller who is the first of its group; None: never."""
        self._refresh(self._seen)
        while self._timers and self._timers[0][2].next != self._timers[0][0]:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    # ------------------------------------------------------------------ decisions
    def choices(self, now: float) -> Iterator[Choice]:
        """Finds a seat for each caller who can have one now, in the order of ranks.

        Whoever takes a choice must reserve the seat and remove the caller before asking for the next one.
        """
        floor = self._floor
        floor.tick(now)
        self._refresh(now)
        new, floor.new = floor.new & floor.free, 0
        dirty, self._dirty = self._dirty, {}
        if not floor.free or not self._all:
            return
        later = [(group.rank, group) for group in dirty]
        heapq.heapify(later)

        def fitted() -> Iterator[tuple[Rank, Group]]:
            for entry in list(self._heads):
                if entry[1].open & new and entry[1] not in dirty:
                    yield entry
                    if not new:
                        return

        scan = fitted() if new else iter(())
        upcoming = next(scan, None)
        while floor.free and (later or upcoming is not None):
            scanned = upcoming is not None and (not later or upcoming[0] < later[0][0])
            group = upcoming[1] if upcoming is not None and scanned else heapq.heappop(later)[1]
            choice = self._choose(group, now)
            if choice is not None:
                yield choice
                new &= floor.free
                if group.callers:
                    self._look(group, now)
                    self._stale.pop(group, None)
                    heapq.heappush(later, (group.rank, group))
            # Else nobody behind it in its group can be served either: free seats only become fewer here.
            if scanned:
                upcoming = next(scan, None)

    def _choose(self, group: Group, now: float) -> Choice | None:
        floor = self._floor
        if not group.open & floor.free:
            return None
        rank, waiting = group.callers[0]
        pool = floor.free & ~floor.full(group.home)
        plain = pool
        if floor.policy.keep_free and now < waiting.since + floor.policy.keep_for:
            plain = pool & ~floor.kept(group.asks)
        for i in range(group.opened):
            step, seats = group.steps[i], group.circles[i].seats
            found = seats & (plain if step.seats is None else pool)
            if found:
                free = found.bit_count()
                return Choice(
                    waiting, floor.best(found), i, step.name or str(i + 1), free,
                    (seats & floor.free).bit_count() - free, _place(self._all, rank),
                )  # fmt: skip
        return None

    # ------------------------------------------------------------------ questions
    def position(self, call: str) -> int | None:
        """Place in the whole queue, from 1; None if it does not wait."""
        place = self._where.get(call)
        return None if place is None else _place(self._all, place[0]) + 1

    def reach(self, steps: Iterable[Step]) -> int:
        """The seats signed in and on duty that fit any of the steps."""
        found = 0
        for step in steps:
            known = self._circles.get(step)
            current = known is not None and self._version == self._floor.version
            found |= known.seats if known is not None and current else self._floor.circle(step)
        return found & self._floor.signed

    def ahead(self, call: str, now: float) -> float:
        """Callers of better rank, each counted by the share of its seats that are this caller's seats too."""
        place = self._where.get(call)
        if place is None:
            return 0.0
        self._refresh(now)
        rank, own = place
        mine, signed, total = self.reach(own.steps), self._floor.signed, 0.0
        for first, group in self._heads:
            if first >= rank:
                break
            theirs = group.open & signed
            shared = (theirs & mine).bit_count()
            if shared:
                total += _place(group.callers, rank) * shared / theirs.bit_count()
        return total


def _place(entries: Sequence[tuple[Rank, Any]], rank: Rank) -> int:
    return bisect.bisect_left(entries, (rank,))


def _delete(entries: list[Any], rank: Rank) -> None:
    del entries[_place(entries, rank)]
