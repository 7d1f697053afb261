"""The list of callers to ring: who asked while waiting, who was missed (Art. 7, 9), return visits (Art. 17).

Pure: time is an argument, nothing is rung here. `take_due` says which entries become outbound calls now;
each of these then waits in the queue like a caller. Whoever asked while waiting does so at once, at the
rank it had. The others only when seats are idle, oldest first, within the hours.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ._callback_rules import (
    COUNTED,
    ENDED,
    OPEN,
    OUTCOMES,
    REASONS,
    RUNNING,
    STANDING_BY,
    VISIT,
    Callback,
    CallbackError,
    CallbackRules,
)
from ._demand import Demand

_Key = tuple[int, float, str]


class CallbackBook:
    """All entries, at most one of them not ended per number. Not thread-safe: one owner."""

    def __init__(self, rules: CallbackRules | None = None, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Takes stored rows; one that cannot be read is passed over and counted in `broken`."""
        self.rules = rules or CallbackRules()
        self.broken = 0
        self._entries: dict[str, Callback] = {}
        self._by_number: dict[str, str] = {}
        """number → its entry that has not ended"""
        self._later = _Times()
        """Open entries, by when they may be rung."""
        self._idle: list[_Key] = []
        """Sorted: open missed callers and visits whose time has come and who wait for idle seats."""
        self._ends = _Times()
        """When open entries expire and ended ones are forgotten."""
        self._running: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        for row in rows:
            try:
                entry = Callback.from_json(row)
            except (KeyError, TypeError, ValueError):
                self.broken += 1
                continue
            twin = self.of_number(entry.number)
            if twin is not None and entry.state not in ENDED:
                # Never written like this by us; two running for one number would ring a person twice.
                self._end(entry, "cancelled", entry.asked_at, "duplicate")
                continue
            self._put(entry)
            del self._changed[entry.id]

    # ------------------------------------------------------------------ reading
    def get(self, entry_id: str) -> Callback | None:
        """The entry of that id."""
        return self._entries.get(entry_id)

    def entries(self) -> list[Callback]:
        """All entries, ended ones too while they are kept: oldest first."""
        return sorted(self._entries.values(), key=lambda e: (e.created_at, e.id))

    def of_number(self, number: str) -> Callback | None:
        """The number's entry that has not ended."""
        entry_id = self._by_number.get(number)
        return None if entry_id is None else self._entries[entry_id]

    def counts(self) -> dict[tuple[str, str], int]:
        """(reason, state) → entries, for metrics."""
        out: dict[tuple[str, str], int] = {}
        for e in self._entries.values():
            out[e.reason, e.state] = out.get((e.reason, e.state), 0) + 1
        return out

    def take_changes(self) -> list[tuple[str, dict[str, Any] | None]]:
        """(id, row) of entries changed since the last time; None: forgotten."""
        out = [(i, self._entries[i].json() if i in self._entries else None) for i in self._changed]
        self._changed.clear()
        return out

    # ------------------------------------------------------------------ indexes
    def _put(self, entry: Callback) -> Callback:
        old = self._entries.get(entry.id)
        if old is not None:
            self._drop_idle(old)
        self._later.forget(entry.id)
        self._entries[entry.id] = entry
        self._changed[entry.id] = None
        self._running.pop(entry.id, None)
        if entry.state in ENDED:
            if self._by_number.get(entry.number) == entry.id:
                del self._by_number[entry.number]
            self._ends.set(entry.id, (entry.ended_at or entry.created_at) + self.rules.keep)
            return entry
        self._by_number[entry.number] = entry.id
        if entry.state == RUNNING:
            self._running[entry.id] = None
            self._ends.forget(entry.id)
        else:
            at = entry.not_before
            self._later.set(entry.id, self._allowed(entry, at) if entry.reason in STANDING_BY else at)
            self._ends.set(entry.id, entry.expires_at)
        return entry

    def _drop_idle(self, entry: Callback) -> None:
        key = _age(entry)
        i = bisect.bisect_left(self._idle, key)
        if i < len(self._idle) and self._idle[i] == key:
            del self._idle[i]

    def _end(self, entry: Callback, state: str, now: float, outcome: str | None = None) -> Callback:
        return self._put(replace(entry, state=state, ended_at=now, last_outcome=outcome or entry.last_outcome))

    def _allowed(self, entry: Callback, now: float) -> float:
        """From when on, `now` or later, this entry's number may be rung."""
        if entry.reason in STANDING_BY and now < entry.asked_at + self.rules.any_time:
            return now
        return self.rules.opens(now)

    # ------------------------------------------------------------------ making and ending
    def refusal(self, number: str, reason: str) -> str | None:
        """Why `add` would refuse (see CallbackError); None: it would not."""
        if not number:
            return "no_number"
        if reason not in STANDING_BY and number in self.rules.do_not_disturb:
            return "do_not_disturb"
        if number not in self._by_number and len(self._by_number) >= self.rules.max_entries:
            return "full"
        return None

    def add(
        self, number: str, reason: str, now: float, *, demand: Demand | None = None, since: float | None = None,
        origin: str | None = None, name: str = "", dialled: str = "", not_before: float = 0.0,
    ) -> Callback:  # fmt: skip
        """Makes an entry, or merges into the number's open one: one call answers all that was asked.

        Args:
            since: reason queue: since when the caller has waited; it keeps this rank.
            not_before: a visit's earliest time, if it has one.

        Raises:
            CallbackError: no number, not to be disturbed, or the list is full.
            ValueError: a reason that does not exist.
        """
        if reason not in REASONS:
            raise ValueError(f"reason {reason!r}: it must be one of {', '.join(REASONS)}")
        code = self.refusal(number, reason)
        if code is not None:
            raise CallbackError(code)
        new = Callback(
            self._fresh_id(now), number, reason, now, self.rules.placed(reason, demand or Demand()),
            now if since is None else since, origin, name, dialled, asked_at=now,
            not_before=max(now, not_before), expires_at=max(now, not_before) + self.rules.expire,
        )  # fmt: skip
        old = self.of_number(number)
        return self._put(new if old is None else self._merged(old, new))

    def _fresh_id(self, now: float) -> str:
        base, n = f"{int(now * 1000):x}", 0
        while f"{base}-{n}" in self._entries:
            n += 1
        return f"{base}-{n}"

    def _merged(self, old: Callback, new: Callback) -> Callback:
        """The reason that comes first in REASONS leads; the other is remembered in `also`."""
        if REASONS.index(new.reason) > REASONS.index(old.reason):
            return replace(old, also=_noted(old.also, new), expires_at=max(old.expires_at, new.expires_at))
        lead = replace(
            old, reason=new.reason, demand=new.demand, origin=new.origin or old.origin, asked_at=new.asked_at,
            name=new.name or old.name, dialled=new.dialled or old.dialled, also=_noted(old.also, old),
            expires_at=max(old.expires_at, new.expires_at),
        )  # fmt: skip
        if new.reason == old.reason and new.reason not in STANDING_BY:
            return lead
        if new.reason != old.reason:
            lead = replace(lead, created_at=new.created_at)
        # Who asks (again) stands by, and keeps the better of its ranks.
        rank = min(old.rank_since, new.rank_since) if old.reason in STANDING_BY else new.rank_since
        return replace(lead, rank_since=rank, attempts=0, not_before=new.not_before)

    def cancel(self, entry_id: str, now: float) -> Callback | None:
        """A person's wish, or the caller's. Returns the entry as it was: if running, its call is to be ended."""
        entry = self._entries.get(entry_id)
        if entry is None or entry.state in ENDED:
            return None
        self._end(entry, "cancelled", now)
        return entry

    def served(self, number: str, now: float) -> Callback | None:
        """The caller got through by itself. Returns the closed entry as it was: if running, end its call.

        A return visit is another matter and stays.
        """
        entry = self.of_number(number)
        if entry is None or entry.reason == VISIT:
            return None
        visits = tuple(x for x in entry.also if x[0] == VISIT)
        if not visits or entry.state == RUNNING:
            self._end(entry, "done", now, "rang_in")
        if visits:
            rest = replace(
                entry, reason=VISIT, origin=visits[0][1], also=visits[1:], state=OPEN, attempts=0, asked_at=now,
                demand=self.rules.placed(VISIT, entry.demand), not_before=now,
            )  # fmt: skip
            self._put(rest if entry.state == OPEN else replace(rest, id=self._fresh_id(now)))
        return entry

    def finished(self, entry_id: str, outcome: str, now: float) -> Callback | None:
        """The outbound call of a running entry is over. Returns the entry as it is now; twice is once.

        Raises:
            ValueError: an outcome that does not exist.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome {outcome!r}: it must be one of {', '.join(sorted(OUTCOMES))}")
        entry = self._entries.get(entry_id)
        if entry is None or entry.state != RUNNING:
            return entry
        entry = replace(entry, last_outcome=outcome, last_at=now)
        if outcome == "reached":
            return self._end(replace(entry, attempts=entry.attempts + 1), "done", now)
        if outcome == "cancelled":
            return self._end(entry, "cancelled", now)
        pause = self.rules.retry_pause
        if outcome in COUNTED:
            entry = replace(entry, attempts=entry.attempts + 1)
            if entry.attempts >= self.rules.attempts:
                return self._end(entry, "given_up", now)
            pause = self.rules.pause(entry.reason, entry.attempts)
        if entry.expires_at <= now:
            return self._end(entry, "expired", now)
        return self._put(replace(entry, state=OPEN, not_before=now + pause))

    def only_running(self, entry_ids: Collection[str], now: float) -> list[Callback]:
        """After a restart: entries that run in the books but have no call are open again, no attempt counted."""
        stray = [i for i in self._running if i not in entry_ids]
        return [e for e in (self.finished(i, "interrupted", now) for i in stray) if e is not None]

    def replace_rules(self, rules: CallbackRules, now: float) -> None:
        """New configuration: open entries follow it from now on; numbers not to be disturbed are cancelled."""
        self.rules = rules
        self._idle.clear()
        for entry in list(self._entries.values()):
            changed = entry.id in self._changed
            self._put(entry)
            if not changed:
                del self._changed[entry.id]
            if entry.state == OPEN and entry.reason not in STANDING_BY and entry.number in rules.do_not_disturb:
                self._end(entry, "cancelled", now, "do_not_disturb")

    # ------------------------------------------------------------------ working off
    def may_ring(self, entry_id: str, now: float) -> bool:
        """Whether the caller's phone may ring now: asked again when the seat is found. False: finish as interrupted."""
        entry = self._entries.get(entry_id)
        return entry is not None and entry.state == RUNNING and self._allowed(entry, now) <= now

    def take_due(self, now: float, *, free_seats: int, waiting_live: int, running: int = 0) -> list[Callback]:
        """Marks entries as running and returns them: each becomes an outbound call now.

        Args:
            free_seats: free seats on duty, less outbound calls that still wait for one.
            waiting_live: callers in the queue who are on the line.
            running: outbound calls to missed callers and visits, if the caller counts more than this book.
        """
        self._tidy(now)
        asked: list[Callback] = []
        for entry_id in self._later.due(now):
            entry = self._entries[entry_id]
            if entry.reason not in STANDING_BY:
                bisect.insort(self._idle, _age(entry))
            elif (allowed := self._allowed(entry, now)) > now:  # slept past its any_time
                self._later.set(entry_id, allowed)
            else:
                asked.append(entry)
        out = [self._run(e, now, e.rank_since) for e in sorted(asked, key=lambda e: (e.rank_since, e.id))]
        room = free_seats - waiting_live - self.rules.min_free - len(out)
        if self._idle and room > 0 and self.rules.opens(now) <= now:
            mine = sum(self._entries[i].reason not in STANDING_BY for i in self._running)
            room = max(0, min(room, self.rules.max_running - max(mine, running)))
            idle = [self._entries[i] for _, _, i in self._idle[:room]]
            # A millisecond apart: so they stand in the queue in this order.
            out += [self._run(e, now, now + n / 1000) for n, e in enumerate(idle)]
        return out

    def _run(self, entry: Callback, now: float, rank: float) -> Callback:
        return self._put(replace(entry, state=RUNNING, last_at=now, rank_since=rank))

    def _tidy(self, now: float) -> None:
        for entry_id in self._ends.due(now):
            entry = self._entries[entry_id]
            if entry.state == OPEN:
                self._end(entry, "expired", now)
            else:
                del self._entries[entry_id]
                self._changed[entry_id] = None

    def next_due(self, now: float) -> float | None:
        """The next time, later than `now`, at which `take_due` may have something new.

        Entries whose time has come and who wait for idle seats are not in it: seats become idle by events.
        """
        times = [self._later.first(), self._ends.first(), self.rules.opens(now) if self._idle else None]
        return min((t for t in times if t is not None and t > now), default=None)


class _Times:
    """id → one time each; the earliest first. Setting anew replaces."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._at: dict[str, float] = {}

    def set(self, key: str, at: float) -> None:
        if self._at.get(key) != at:
            self._at[key] = at
            heapq.heappush(self._heap, (at, key))

    def forget(self, key: str) -> None:
        self._at.pop(key, None)

    def _clean(self) -> None:
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)

    def first(self) -> float | None:
        self._clean()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[str]:
        """Takes out what is due."""
        out = []
        while (at := self.first()) is not None and at <= now:
            out.append(heapq.heappop(self._heap)[1])
            del self._at[out[-1]]
        return out


def _age(entry: Callback) -> _Key:
    """Missed callers before visits, oldest first."""
    return (REASONS.index(entry.reason), entry.created_at, entry.id)


def _noted(also: tuple[tuple[str, str | None], ...], entry: Callback) -> tuple[tuple[str, str | None], ...]:
    """Further reasons, each call once, the latest 32."""
    key = (entry.reason, entry.origin)
    return (*(x for x in also if x != key), key)[-32:]
