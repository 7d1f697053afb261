"""The working-day calendar (工作日历): holidays and make-up workdays as the State Council publishes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """What a day is."""

    workday: bool
    holiday: str = ""
    """Name of the public holiday, or of the one a make-up workday pays for."""
    provisional: bool = False
    """Its year is not published yet: told from the day of the week alone."""


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Days off and make-up workdays; all other days follow the week.

    `years` are the published ones: outside them days are provisional.
    """

    holidays: Mapping[date, str] = field(default_factory=dict)
    workdays: Mapping[date, str] = field(default_factory=dict)
    """Make-up workdays (调休上班)."""
    years: frozenset[int] = frozenset()

    def day(self, day: date) -> Day:
        """What that day is."""
        provisional = day.year not in self.years
        if (name := self.workdays.get(day)) is not None:
            return Day(True, name, provisional)
        if (name := self.holidays.get(day)) is not None:
            return Day(False, name, provisional)
        return Day(day.weekday() < SATURDAY, "", provisional)

    def after(self, start: date, workdays: int) -> tuple[date, bool]:
        """The day that is so many workdays after `start` (not counted itself), and whether it is provisional."""
        day, provisional = start, False
        while workdays > 0:
            day += timedelta(days=1)
            known = self.day(day)
            provisional |= known.provisional
            workdays -= known.workday
        return day, provisional
