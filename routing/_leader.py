"""Leader day (Art. 10): who takes calls when, and which assistant listens beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ._hours import local_time, unix


@dataclass(frozen=True, slots=True)
class LeaderDay:
    """One entry of the schedule. `start` and `end` are minutes of the day."""

    day: date
    start: int
    end: int
    leader: str
    """The leader's seat."""
    assistant: str | None = None
    """The seat that hears the leader's calls and is heard by the leader alone."""
    seconds: float = 0.0
    """How long a caller waits for the leader alone; 0: the leader is preferred when free, nobody waits."""
    dialled: frozenset[str] = frozenset()
    """Only callers of these numbers; empty: of any."""
    centres: frozenset[str] = frozenset()
    """Only callers whose home centre is one of these; empty: any."""
    title: str = ""

    def on(self, now: float) -> bool:
        """Whether it is this entry's time."""
        local = local_time(now)
        if local is None or local.date() != self.day:
            return False
        return self.start <= local.hour * 60 + local.minute < self.end

    def takes(self, dialled: str, home: str | None) -> bool:
        """Whether such callers may come to the leader."""
        return (not self.dialled or dialled in self.dialled) and (not self.centres or home in self.centres)

    def edges(self) -> tuple[float, float]:
        """Begin and end, unix seconds."""
        return unix(self.day, self.start), unix(self.day, self.end)
