"""Opening and office hours. Asia/Shanghai is UTC+8 all year, so no time-zone data is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from ._workdays import WorkCalendar

SHANGHAI = timedelta(hours=8)
DAY = 86400.0
LOOK_AHEAD = 370
"""Days in which a change is looked for: a yearly closure is found, a calendar of for-ever-closed ends."""

Spans = tuple[tuple[int, int], ...]
"""(from, to) in minutes of the day, sorted, apart."""
WHOLE_DAY: Spans = ((0, 1440),)
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–—~]\s*(\d{1,2}):(\d\d)")


def parse_spans(text: str) -> Spans:
    """Reads "08:30-12:00, 13:30-17:30", "closed" or "always".

    Raises:
        ValueError: with what is wrong, for the operator.
    """
    if text.strip() in ("closed", ""):
        return ()
    if text.strip() == "always":
        return WHOLE_DAY
    out: list[tuple[int, int]] = []
    for part in re.split(r"[,，;；、]", text):
        found = _SPAN.fullmatch(part.strip())
        if found is None:
            raise ValueError(f"'{part.strip()}' is no span of hours; write 08:30-12:00, 13:30-17:30, closed or always")
        h1, m1, h2, m2 = (int(x) for x in found.groups())
        start, end = h1 * 60 + m1, h2 * 60 + m2
        if m1 > 59 or m2 > 59 or end > 1440:
            raise ValueError(f"'{part.strip()}' is no time of the day; use 00:00 to 24:00")
        if start >= end:
            raise ValueError(f"'{part.strip()}' ends before it begins; a night is two spans: 22:00-24:00, 00:00-06:00")
        if any(start < b and a < end for a, b in out):
            raise ValueError(f"'{part.strip()}' overlaps another span of that day")
        out.append((start, end))
    return tuple(sorted(out))


@dataclass(frozen=True, slots=True)
class Hours:
    """When something is open. The first that speaks of a day decides: `dates`, `holidays`, `workdays` and
    `restdays` (by the working-day calendar), then the day of the week."""

    name: str = ""
    week: tuple[Spans, ...] = ((),) * 7
    """Monday first."""
    workdays: Spans | None = None
    restdays: Spans | None = None
    """Days that are no workdays: weekends and public holidays."""
    holidays: Spans | None = None
    dates: Mapping[date, Spans] = field(default_factory=dict)

    def spans(self, day: date, calendar: WorkCalendar) -> Spans:
        """The open times of a day."""
        if (special := self.dates.get(day)) is not None:
            return special
        by_calendar = self.workdays is not None or self.restdays is not None
        if self.holidays is not None or by_calendar:
            kind = calendar.day(day)
            if self.holidays is not None and kind.holiday and not kind.workday:
                return self.holidays
            if by_calendar:
                return (self.workdays if kind.workday else self.restdays) or ()
        return self.week[day.weekday()]

    def is_open(self, now: float, calendar: WorkCalendar) -> bool:
        """Whether `now` (unix seconds) lies in the hours. A time no calendar knows is closed."""
        local = local_time(now)
        if local is None:
            return False
        minute = local.hour * 60 + local.minute
        return any(a <= minute < b for a, b in self.spans(local.date(), calendar))

    def next_change(self, now: float, calendar: WorkCalendar, days: int = LOOK_AHEAD) -> float | None:
        """When it opens or closes next (unix seconds); None: not within so many days."""
        local = local_time(now)
        if local is None:
            return None
        state = self.is_open(now, calendar)
        midnight = now - (local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6)
        for n in range(days):
            day = local.date() + timedelta(days=n)
            edges = {0, *(x for span in self.spans(day, calendar) for x in span if x < 1440)}
            for edge in sorted(edges):
                at = round(midnight + n * DAY + edge * 60)
                if at > now and self.is_open(at, calendar) is not state:
                    return float(at)
        return None


ALWAYS = Hours("always", (WHOLE_DAY,) * 7)


def local_time(now: float) -> datetime | None:
    """The wall clock in Zhejiang (a naive-looking UTC value, eight hours on); None beyond the calendar."""
    try:
        return datetime.fromtimestamp(now, UTC) + SHANGHAI
    except (OverflowError, ValueError, OSError):
        return None


def unix(day: date, minute: int) -> float:
    """Unix seconds of a minute of a day in Zhejiang."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - SHANGHAI
    return midnight.timestamp() + minute * 60.0
