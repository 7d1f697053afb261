"""The seats as sets: every seat is one bit, every question an AND.

"Who of the centre speaks the dialect at level 3, is free, and is not kept for somebody else?" is four
ANDs of ints, however many seats there are; that is what makes a decision cost microseconds.

**Scarcity.** A seat is as scarce as its rarest skill: the number of seats signed in and on duty that have
that skill (the fewer, the scarcer; a seat without skills is not scarce at all). Seats are offered from the
least scarce to the scarcest, so a plain call takes the last Japanese seat only when nobody else is free.
Agents come before experts, interpreters and leaders. Between equals those with fewer skills come first,
then Policy.order decides. The counts change only when somebody signs in or off, and then sixty ANDs
put all seats into their tiers anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._demand import CALLER_KINDS, Step
from ._model import CentreLimit, Policy, Seat
from ._seats import BUSY
from ._turns import Key, Turns

EPOCH = 60.0
"""Seconds after which the occupancies of free seats are computed anew (Policy.order "least_occupied")."""


class Floor:
    """All seats, as far as matching must know them. The dispatcher tells every change."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.signed = 0
        """Seats that could serve: signed in, on duty, no assistants."""
        self.free = 0
        """Of those: available, and not pausing after a missed offer."""
        self.new = 0
        """Free seats that became free, or were let go by a limit, since the last match."""
        self.joined = False
        self.left = False
        """Whether somebody entered or left `signed` since the last look."""
        self.version = 0
        """Changes whenever a skill, a centre or a seat does: sets made before are void."""
        self._seats: dict[str, Seat] = {}
        self._flags: dict[str, tuple[bool, bool, int]] = {}
        self._keys: dict[str, Key] = {}
        self._bits: dict[str, int] = {}
        self._ids: list[str] = []
        self._spare: list[int] = []
        self._levels: dict[str, dict[int, int]] = {}
        self._has: dict[str, int] = {}
        self._centres: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._everybody = 0
        self._turns = Turns()
        self._tiers: list[int] | None = None
        self._epoch = 0.0
        self._limits: Mapping[str, CentreLimit] = {}
        self._load: dict[str, tuple[int, int]] = {}
        """Centre → (callers in its seats, those of them from elsewhere)."""
        self._full: set[str] = set()
        self._closed: set[str] = set()
        """Centres that take no caller more, and those that take none from elsewhere."""

    # ------------------------------------------------------------------ in
    def put(self, seat: Seat, *, signed: bool, free: bool) -> None:
        """A seat as it is now."""
        old = self._seats.get(seat.id)
        was_signed, was_free, was_load = self._flags.get(seat.id, (False, False, 0))
        load = (2 if seat.foreign else 1) if seat.state in BUSY else 0
        moved = old is None or old.centre != seat.centre
        if old is not None and was_load and (moved or load != was_load):
            self._carry(old.centre, -1, -(was_load == 2))
            was_load = 0
        if (
            old is None
            or moved
            or old.kind != seat.kind
            or (old.skills is not seat.skills and old.skills != seat.skills)
        ):
            self._place(seat, old)
        self._seats[seat.id] = seat
        self._flags[seat.id] = (signed, free, load)
        bit = self._bits[seat.id]
        if load != was_load:
            self._carry(seat.centre, 1, load == 2)
        if signed is not was_signed:
            self.signed ^= bit
            self._tiers = None
            if signed:
                self.joined = True
            else:
                self.left = True
        if free:
            key = self._key(seat)
            if was_free and self._keys[seat.id] != key:
                self._take(seat.id)
                was_free = False
            if not was_free:
                self._give(seat, key, bit)
        elif was_free:
            self._take(seat.id)

    def drop(self, seat_id: str) -> None:
        """A seat is no more."""
        seat = self._seats.pop(seat_id)
        signed, free, load = self._flags.pop(seat_id)
        if free:
            self._take(seat_id)
        if load:
            self._carry(seat.centre, -1, -(load == 2))
        bit = self._bits[seat_id]
        if signed:
            self.signed ^= bit
        self._unplace(seat, bit)
        del self._bits[seat_id]
        self._spare.append(bit.bit_length() - 1)

    def limit(self, limits: Mapping[str, CentreLimit]) -> None:
        """What centres may carry, from now on."""
        self._limits = limits
        self._full.clear()
        self._closed.clear()
        for centre in limits:
            self._judge(centre)
        self.new = self.free

    def obey(self, policy: Policy) -> None:
        """Other rules from now on."""
        self.policy = policy
        self._sort()

    def tick(self, now: float) -> None:
        """Brings the order of free seats up to date where it depends on the time."""
        if self.policy.order == "least_occupied" and self._epoch != now // EPOCH * EPOCH:
            self._epoch = now // EPOCH * EPOCH
            self._sort()

    def _sort(self) -> None:
        self._turns = Turns()
        for seat_id in self._keys:
            key = self._keys[seat_id] = self._key(self._seats[seat_id])
            self._turns.add(key, self._bits[seat_id])

    def _key(self, seat: Seat) -> Key:
        share = seat.occupancy(self._epoch) if self.policy.order == "least_occupied" else 0.0
        return (len(seat.skills), share, seat.idle_since, seat.id)

    def _give(self, seat: Seat, key: Key, bit: int) -> None:
        self._keys[seat.id] = key
        self._turns.add(key, bit)
        self.free |= bit
        self.new |= bit
        for skill in self.policy.keep_free:
            if skill in seat.skills:
                # One more than must be kept: the others with that skill may be let go as well.
                self.new |= self._has.get(skill, 0) & self.free

    def _take(self, seat_id: str) -> None:
        bit = self._bits[seat_id]
        self._turns.remove(self._keys.pop(seat_id), bit)
        self.free ^= bit

    def _place(self, seat: Seat, old: Seat | None) -> None:
        self.version += 1
        self._tiers = None
        if old is None:
            if self._spare:
                i = self._spare.pop()
                self._ids[i] = seat.id
            else:
                i = len(self._ids)
                self._ids.append(seat.id)
            bit = self._bits[seat.id] = 1 << i
        else:
            bit = self._bits[seat.id]
            self._unplace(old, bit)
        self._everybody |= bit
        self._kinds[seat.kind] = self._kinds.get(seat.kind, 0) | bit
        self._centres[seat.centre] = self._centres.get(seat.centre, 0) | bit
        for skill, level in seat.skills.items():
            levels = self._levels.setdefault(skill, {})
            levels[level] = levels.get(level, 0) | bit
            if level > 0:
                self._has[skill] = self._has.get(skill, 0) | bit

    def _unplace(self, seat: Seat, bit: int) -> None:
        self.version += 1
        self._tiers = None
        self._everybody &= ~bit
        self._kinds[seat.kind] &= ~bit
        self._centres[seat.centre] &= ~bit
        for skill, level in seat.skills.items():
            self._levels[skill][level] &= ~bit
            if level > 0:
                self._has[skill] &= ~bit

    def _carry(self, centre: str, callers: int, foreign: int) -> None:
        n, m = self._load.get(centre, (0, 0))
        self._load[centre] = (n + callers, m + foreign)
        if centre in self._limits:
            self._judge(centre)

    def _judge(self, centre: str) -> None:
        limit = self._limits[centre]
        callers, foreign = self._load.get(centre, (0, 0))
        for name, reached in (
            (self._full, limit.capacity is not None and callers >= limit.capacity),
            (self._closed, limit.foreign is not None and foreign >= limit.foreign),
        ):
            if reached:
                name.add(centre)
            elif centre in name:
                name.discard(centre)
                self.new |= self._centres.get(centre, 0) & self.free

    # ------------------------------------------------------------------ questions
    def circle(self, step: Step) -> int:
        """The set of seats that a step means, whatever they are doing."""
        found = self._everybody
        if step.seats is not None:
            found &= self._any(self._bits, step.seats)
        if step.kinds is not None or step.seats is None:
            found &= self._any(self._kinds, CALLER_KINDS if step.kinds is None else step.kinds)
        if step.centres is not None:
            found &= self._any(self._centres, step.centres)
        for skill, least in step.skills:
            if least > 0:
                able = 0
                for level, seats in self._levels.get(skill, {}).items():
                    if level >= least:
                        able |= seats
                found &= able
        return found

    @staticmethod
    def _any(sets: Mapping[str, int], names: frozenset[str]) -> int:
        found = 0
        for name in names:
            found |= sets.get(name, 0)
        return found

    def full(self, home: str | None) -> int:
        """Seats of centres that take no caller of this home centre now."""
        if not self._full and not self._closed:
            return 0
        closed = self._full if home is None else self._full | (self._closed - {home})
        return self._any(self._centres, frozenset(closed))

    def kept(self, asks: frozenset[str]) -> int:
        """Seats left to callers who ask for a scarce skill, when a caller who asks for others comes."""
        held = 0
        for skill, count in self.policy.keep_free.items():
            if skill not in asks:
                able = self._has.get(skill, 0)
                if (able & self.free).bit_count() <= count:
                    held |= able
        return held

    def best(self, among: int) -> str:
        """The seat to be offered first of a set of free seats, which must not be empty."""
        if not among & (among - 1):
            return self._ids[among.bit_length() - 1]
        for tier in self._tiers or self._rank():
            found = among & tier
            if found:
                return self._turns.first(found)
        raise LookupError("no seat of the set is known")

    def _rank(self) -> list[int]:
        """All seats in tiers, the least scarce first."""
        rarity = sorted(((seats & self.signed).bit_count(), skill) for skill, seats in self._has.items())
        tiers: list[tuple[int, int]] = []
        rest = self._everybody
        for count, skill in rarity:
            tier = rest & self._has[skill]
            rest ^= tier
            if tiers and tiers[-1][0] == count:
                tiers[-1] = (count, tiers[-1][1] | tier)
            else:
                tiers.append((count, tier))
        order = [rest, *(tier for _, tier in reversed(tiers))]
        agents = self._kinds.get("agent", 0)
        self._tiers = [t for t in (*(x & agents for x in order), *(x & ~agents for x in order)) if t]
        return self._tiers
