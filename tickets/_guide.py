"""What a draft is made with besides the places: the catalogue and the working-day calendar; due dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from routing import WorkCalendar

from ._catalogue import Catalogue, Handling

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991


@dataclass(frozen=True, slots=True)
class Guide:
    """The catalogue and the calendar in use; replace both together after a reload."""

    catalogue: Catalogue
    calendar: WorkCalendar

    def due(self, handling: Handling, registered: float) -> tuple[str, bool]:
        """The last day (YYYY-MM-DD, Zhejiang) for a matter registered then (unix seconds), and whether provisional.

        3 or 7 working days after the day of registration (Art. 15), make-up workdays counted.
        """
        day = datetime.fromtimestamp(registered, UTC).astimezone(CHINA).date()
        last, provisional = self.calendar.after(day, handling.workdays)
        return last.isoformat(), provisional
