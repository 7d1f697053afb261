"""What a call back (回拨) or a return visit (回访) is, and the rules it follows. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any

from ._demand import Demand
from ._plain import a_mapping, held

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")

LOST, QUEUE, MISSED, VISIT = "lost", "queue", "missed", "visit"
REASONS = (LOST, QUEUE, MISSED, VISIT)
"""Cut off by our own switch's end; asked for while waiting; missed by us; a return visit. Of two reasons for one
number the earlier one leads."""
STANDING_BY = frozenset({LOST, QUEUE})
"""Who is at the phone just now: rung at once, at any hour, before those who wait for an idle seat."""
OPEN, RUNNING = "open", "running"
ENDED = frozenset({"done", "given_up", "cancelled", "expired"})
"""States that are never left again."""

COUNTED = frozenset({"no_answer", "busy", "unreachable"})
"""Outcomes after which the caller is tried again until the attempts are used up."""
UNCOUNTED = frozenset({"seat_lost", "interrupted"})
"""Outcomes that are no fault of the caller's: tried again, no attempt is counted."""
OUTCOMES = frozenset({"reached", "cancelled"}) | COUNTED | UNCOUNTED


class CallbackError(ValueError):
    """No entry can be made; `code` says why: no_number | do_not_disturb | full. Never holds the number."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no call back: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """How calls back are worked off. Times in seconds. Raises ValueError for rules that cannot work."""

    attempts: int = 3
    spacing: tuple[float, ...] = (900.0, 3600.0)
    """After the first, second … attempt that did not reach the caller; the last one repeats."""
    queue_spacing: tuple[float, ...] = (120.0, 600.0)
    """The same for who asked while waiting: such a caller stands by."""
    begin: time = time(8, 30)
    end: time = time(20, 30)
    """Nobody is rung outside these hours (local time `zone`) …"""
    any_time: float = 3600.0
    """… but who asked while waiting may be, for so long after asking."""
    zone: tzinfo = CHINA
    expire: float = 172_800.0
    """An entry that is still open so long after it was made is given up as expired."""
    missed_after: float = 5.0
    """A caller who leaves the queue sooner than this is no missed caller."""
    min_free: int = 2
    """Free seats left to live callers: missed callers and return visits only take seats beyond these."""
    max_running: int = 10
    """Calls to missed callers and return visits at once. Who asked while waiting is not counted."""
    missed_priority: float = -10.0
    """Points (one is a minute of waiting) in the queue: negative, live callers come first."""
    lost_priority: float = 20.0
    """Added to what the caller had: whom we cut off comes before who has just come."""
    visit_priority: float = -20.0
    ring: float = 30.0
    """How long the caller's phone rings."""
    retry_pause: float = 10.0
    """Before another try when a seat was lost."""
    do_not_disturb: frozenset[str] = field(default=frozenset(), repr=False)
    """Numbers that are never rung, unless they asked while waiting."""
    max_entries: int = 20_000
    """Open entries; more are refused."""
    keep: float = 86_400.0
    """How long an ended entry stays in the list."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}: it must be 1 or more")
        if not self.begin < self.end:
            raise ValueError(f"hours {self.begin:%H:%M}-{self.end:%H:%M}: the begin must be before the end")
        if not self.spacing or not self.queue_spacing or min(*self.spacing, *self.queue_spacing) < 0:
            raise ValueError("spacing needs at least one number of seconds, none below 0")
        if self.max_running < 0 or self.min_free < 0:
            raise ValueError("max_running and min_free must be 0 or more")

    def is_missed(self, waited: float, *, failed: bool = False) -> bool:
        """Whether a caller who left unserved is to be called back; `failed`: lost by a fault of ours."""
        return failed or waited >= self.missed_after

    def opens(self, now: float) -> float:
        """The first moment from `now` on that is within the hours, unix seconds."""
        here = datetime.fromtimestamp(now, self.zone)
        at = here.timetz().replace(tzinfo=None)
        if self.begin <= at < self.end:
            return now
        day = here.date() if at < self.begin else here.date() + timedelta(days=1)
        return datetime.combine(day, self.begin, self.zone).timestamp()

    def pause(self, reason: str, attempt: int) -> float:
        """Seconds from the `attempt`-th try (1, 2 …) to the next one."""
        row = self.queue_spacing if reason in STANDING_BY else self.spacing
        return row[min(attempt, len(row)) - 1]

    def placed(self, reason: str, demand: Demand) -> Demand:
        """The demand as it stands in the queue: who asked while waiting keeps its points."""
        if reason == QUEUE:
            return replace(demand, kind="callback")
        if reason == LOST:
            return replace(demand, kind="callback", priority=demand.priority + self.lost_priority)
        points = self.missed_priority if reason == MISSED else self.visit_priority
        return replace(demand, kind="callback", priority=points)


@dataclass(frozen=True, slots=True)
class Callback:
    """One number to be rung. Times are unix seconds."""

    id: str
    number: str = field(repr=False)
    reason: str
    """lost | queue | missed | visit."""
    created_at: float
    demand: Demand = field(default_factory=Demand)
    """As it stands in the queue (kind "callback")."""
    rank_since: float = 0.0
    """Where it stands in the queue: since when it waits. Of missed callers and visits: since it was taken."""
    origin: str | None = None
    """The call it answers."""
    name: str = field(default="", repr=False)
    dialled: str = ""
    """The hotline's number that the caller had dialled, and will see."""
    also: tuple[tuple[str, str | None], ...] = ()
    """(reason, call) of further entries for the number that were merged into this one."""
    asked_at: float = 0.0
    """When it was last asked for."""
    not_before: float = 0.0
    expires_at: float = 0.0
    attempts: int = 0
    """Tries that are over and count."""
    state: str = OPEN
    """open | running | done | given_up | cancelled | expired."""
    last_outcome: str | None = None
    last_at: float | None = None
    ended_at: float | None = None

    def json(self) -> dict[str, Any]:
        """Plain JSON values, for the store."""
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        row["demand"] = self.demand.json()
        row["also"] = [list(x) for x in self.also]
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Callback:
        """What `json` wrote, by any version: unknown fields are passed over. Raises KeyError, TypeError, ValueError."""
        row = a_mapping(row)
        known = {f.name: row[f.name] for f in fields(cls) if f.name in row}
        known["demand"] = Demand.from_json(row["demand"]) if "demand" in row else Demand()
        known["also"] = tuple((str(r), None if o is None else str(o)) for r, o in row.get("also", ()))
        entry = held(cls(**known))
        if entry.reason not in REASONS or not (entry.state in (OPEN, RUNNING) or entry.state in ENDED):
            raise ValueError("an entry with a reason or state that this version does not know")
        return entry
