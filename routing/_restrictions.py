"""The restriction list (限制名单): whom the hotline turns away for a while, and who decided so. Pure.

    proposed ── confirmed by another person ──▶ active ── its time ──▶ expired
       │ rejected by another, withdrawn by anybody     │ lifted by anybody, replaced by a newer one
       ▼ lapsed: nobody looked at it                   ▼
     ended                                           ended

One person alone never restricts anybody: who proposed may neither confirm nor, at the review, keep. Anybody who may
use the list may lift. Each entry ends by itself; a longer one is a new proposal. A number has at most one proposal
and one entry in force.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ._restriction_rules import (
    ACTIVE,
    ANNOUNCE,
    DAY,
    ENDED,
    MOST_CALLS,
    MOST_MARKS,
    MOST_TURNED,
    PROPOSED,
    REASONS,
    SHORTEST_NUMBER,
    VARIANTS,
    Mark,
    Restriction,
    RestrictionError,
    RestrictionRules,
    same_person,
)


class RestrictionBook:
    """All entries. Not thread-safe: one owner."""

    def __init__(self, rules: RestrictionRules | None = None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Takes stored rows; one that cannot be read is passed over and counted in `broken`: it restricts nobody."""
        self.rules = rules or RestrictionRules()
        self.broken = 0
        self.met: dict[str, int] = dict.fromkeys(VARIANTS, 0)
        """Variant → calls that met the list, since this book was made; for metrics."""
        self._entries: dict[str, Restriction] = {}
        self._active: dict[str, str] = {}
        """number → its entry in force, or so until somebody looks at the clock"""
        self._proposed: dict[str, str] = {}
        self._changed: dict[str, None] = {}
        for row in rows:
            try:
                entry = Restriction.from_json(row)
            except (KeyError, TypeError, ValueError):
                self.broken += 1
                continue
            twin = self._active.get(entry.number) if entry.state == ACTIVE else None
            if twin is not None and self._entries[twin].until >= entry.until:
                self.broken += 1  # never written like this by us
                continue
            self._keep(entry)

    # ------------------------------------------------------------------ reading
    def get(self, entry_id: str) -> Restriction | None:
        """The entry of that id."""
        return self._entries.get(entry_id)

    def entries(self) -> list[Restriction]:
        """All entries, ended ones too while they are kept: newest first."""
        return sorted(self._entries.values(), key=lambda e: (e.proposed_at, e.id), reverse=True)

    def of_number(self, number: str, now: float) -> Restriction | None:
        """What holds for a caller's number now: confirmed by a second person, not ended, not over."""
        entry_id = self._active.get(self.rules.normal(number)) if number else None
        entry = self._entries[entry_id] if entry_id is not None else None
        return entry if entry is not None and entry.in_force(now) else None

    def counts(self, now: float) -> dict[str, int]:
        """State → entries, and "review_due", for metrics."""
        out = {"proposed": len(self._proposed), "active": 0, "review_due": 0}
        for entry_id in self._active.values():
            out["active"] += self._entries[entry_id].in_force(now)
            out["review_due"] += self._entries[entry_id].review_due(now)
        return out

    def take_changes(self) -> list[tuple[str, dict[str, Any] | None]]:
        """(id, row) of entries changed since the last time; None: forgotten."""
        out = [(i, self._entries[i].json() if i in self._entries else None) for i in self._changed]
        self._changed.clear()
        return out

    # ------------------------------------------------------------------ orders
    def propose(
        self, number: str, reason: str, now: float, *, by: str, role: str = "", note: str = "",
        days: float | None = None, variant: str = ANNOUNCE, calls: Iterable[str] = (), protected: Collection[str] = (),
    ) -> Restriction:  # fmt: skip
        """A first person's word. Nobody is restricted by it.

        Args:
            number: as it arrived, or as a person wrote it.
            reason: one of REASONS.
            now: unix seconds.
            by: who, by name; the second person must be another.
            role: the person's.
            note: what happened, in a person's words.
            days: how long; None: as configured.
            variant: what a restricted caller meets.
            calls: the calls it rests on.
            protected: numbers in the normal form that are never restricted (other hotlines', our own).

        Raises:
            RestrictionError: no-number, not-restrictable, too-long, already-proposed, restrictions-full.
            ValueError: a reason or variant that does not exist.
        """
        if reason not in REASONS or variant not in VARIANTS:
            raise ValueError("no such reason or variant")
        self.tick(now)
        plain = self.rules.normal(number)
        if not plain:
            raise RestrictionError("no-number")
        if len(plain) < SHORTEST_NUMBER or plain in protected:
            raise RestrictionError("not-restrictable")
        days = self.rules.default_days if days is None else days
        if not 0 < days <= self.rules.longest_days:
            raise RestrictionError("too-long")
        if plain in self._proposed:
            raise RestrictionError("already-proposed")
        if len(self._active) + len(self._proposed) >= self.rules.max_entries:
            raise RestrictionError("restrictions-full")
        return self._put(Restriction(
            self._fresh_id(now), plain, reason, days * DAY, now, by, variant, note, number,
            tuple(dict.fromkeys(calls))[:MOST_CALLS], marks=(Mark(now, "proposed", by, role, note),),
        ))  # fmt: skip

    def confirm(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """A second person's yes: from now on it is in force. An older one of the number is replaced.

        Raises:
            RestrictionError: not-proposed, second-person.
        """
        entry = self._proposal(entry_id, now)
        if same_person(entry.proposed_by, by):
            raise RestrictionError("second-person")
        old = self._active.get(entry.number)
        if old is not None:
            self._end(self._entries[old], "replaced", now)
        until = now + entry.seconds
        return self._put(replace(
            _marked(entry, now, "confirmed", by, role, note), state=ACTIVE, begins_at=now, until=until,
            review_at=self.rules.review_at(now, until),
        ))  # fmt: skip

    def reject(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """A second person's no. Raises RestrictionError: not-proposed, second-person, note-missing."""
        entry = self._proposal(entry_id, now)
        if same_person(entry.proposed_by, by):
            raise RestrictionError("second-person")
        return self._end(entry, "rejected", now, by, role, _said(note))

    def lift(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """It ends at once; a proposal is withdrawn. Raises RestrictionError: restriction-over, note-missing."""
        entry = self._open(entry_id, now)
        return self._end(entry, "lifted" if entry.state == ACTIVE else "withdrawn", now, by, role, _said(note))

    def review(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """Looked at again, and kept until its end; an appeal is thereby answered.

        Raises:
            RestrictionError: not-in-force, second-person, note-missing, history-full.
        """
        entry = self._open(entry_id, now)
        if not entry.in_force(now):
            raise RestrictionError("not-in-force")
        if same_person(entry.proposed_by, by):
            raise RestrictionError("second-person")
        due = entry.review_at is not None and entry.review_at <= now
        entry = _marked(_room(entry), now, "kept", by, role, _said(note))
        return self._put(replace(entry, review_at=None if due else entry.review_at, appealed_at=None))

    def appeal(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """What the caller says against it; its review is due at once.

        Raises:
            RestrictionError: restriction-over, note-missing, history-full.
        """
        entry = _marked(_room(self._open(entry_id, now)), now, "appealed", by, role, _said(note))
        return self._put(replace(entry, appealed_at=now if entry.appealed_at is None else entry.appealed_at))

    def bundled(self, entry_id: str, now: float, *, by: str, role: str = "", note: str = "") -> Restriction:
        """The evidence was handed out. Raises RestrictionError: history-full; KeyError: no such entry."""
        return self._put(_marked(_room(self._entries[entry_id]), now, "bundle", by, role, note))

    def hit(self, number: str, call: str, now: float) -> Restriction | None:
        """A caller has rung: what holds for it, counted."""
        entry = self.of_number(number, now)
        if entry is None:
            return None
        self.met[entry.variant] += 1
        turned = (*entry.turned, call)[-MOST_TURNED:]
        return self._put(replace(entry, hits=entry.hits + 1, last_hit=now, turned=turned))

    # ------------------------------------------------------------------ time
    def tick(self, now: float) -> None:
        """Ends what is over and forgets what was kept long enough."""
        for index in (self._active, self._proposed):
            for entry_id in list(index.values()):
                entry = self._entries[entry_id]
                if entry.state == ACTIVE and now >= entry.until:
                    self._end(entry, "expired", entry.until)
                elif entry.state == PROPOSED and now >= self._lapses(entry):
                    self._end(entry, "lapsed", self._lapses(entry))
        if len(self._entries) == len(self._active) + len(self._proposed):
            return
        limit = now - self.rules.keep_days * DAY
        for entry in [e for e in self._entries.values() if e.ended_at is not None and e.ended_at < limit]:
            del self._entries[entry.id]
            self._changed[entry.id] = None

    def _lapses(self, entry: Restriction) -> float:
        return entry.proposed_at + self.rules.propose_days * DAY

    # ------------------------------------------------------------------ inside
    def _keep(self, entry: Restriction) -> None:
        self._entries[entry.id] = entry
        for index, state in ((self._active, ACTIVE), (self._proposed, PROPOSED)):
            if entry.state == state:
                index[entry.number] = entry.id
            elif index.get(entry.number) == entry.id:
                del index[entry.number]

    def _put(self, entry: Restriction) -> Restriction:
        self._keep(entry)
        self._changed[entry.id] = None
        return entry

    def _end(
        self, entry: Restriction, state: str, at: float, by: str = "", role: str = "", note: str = ""
    ) -> Restriction:
        entry = _marked(entry, at, state, by, role, note)
        return self._put(replace(entry, state=state, ended_at=at, review_at=None, appealed_at=None))

    def _open(self, entry_id: str, now: float) -> Restriction:
        self.tick(now)
        entry = self._entries.get(entry_id)
        if entry is None or entry.state in ENDED:
            raise RestrictionError("restriction-over")
        return entry

    def _proposal(self, entry_id: str, now: float) -> Restriction:
        entry = self._open(entry_id, now)
        if entry.state != PROPOSED:
            raise RestrictionError("not-proposed")
        return entry

    def _fresh_id(self, now: float) -> str:
        base, n = f"r{int(now * 1000):x}", 0
        while f"{base}-{n}" in self._entries:
            n += 1
        return f"{base}-{n}"


def _marked(entry: Restriction, at: float, what: str, by: str, role: str, note: str) -> Restriction:
    return replace(entry, marks=(*entry.marks, Mark(at, what, by, role, note)))


def _said(note: str) -> str:
    if not note.strip():
        raise RestrictionError("note-missing")
    return note


def _room(entry: Restriction) -> Restriction:
    """Ending is always possible; what may be said any number of times is not."""
    if len(entry.marks) >= MOST_MARKS:
        raise RestrictionError("history-full")
    return entry
