"""config/centres.yaml (the tree of centres) and config/workdays.yaml (the working-day calendar)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

import routing

from .config_files import Strict
from .config_models import CentreCode, Title, Word

Year = Annotated[int, Field(ge=2000, le=2100)]
Count = Annotated[int, Field(ge=0, le=100000)]


class CentreEntry(Strict):
    """One centre; a name alone is enough. The code says its kind and its parent."""

    name: Title
    parent: CentreCode | None = None
    """Left out: by the code (330302 → 330300 → 330000; 330000-tax → 330000)."""
    hours: Word | None = None
    """By name (config/routing.yaml, hours); left out: always open."""
    capacity: Count | None = None
    foreign: Count | None = None
    area_code: Annotated[str, StringConstraints(pattern=r"^0[0-9]{2,3}$")] | None = None
    neighbours: list[CentreCode] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data


class CentresFile(Strict):
    """The whole file."""

    centres: dict[CentreCode, CentreEntry] = Field(default_factory=dict)


class HolidayEntry(Strict):
    """A public holiday: its days off, and the days worked for it."""

    name: Title
    first: date = Field(alias="from")
    last: date | None = Field(default=None, alias="to")
    work: list[date] = Field(default_factory=list)

    @model_validator(mode="after")
    def _order(self) -> HolidayEntry:
        if self.last is not None and not 0 <= (self.last - self.first).days <= 60:
            raise ValueError("'to' must not be before 'from', nor more than 60 days after it")
        return self

    def days(self) -> list[date]:
        """The days off."""
        last = self.last or self.first
        return [date.fromordinal(n) for n in range(self.first.toordinal(), last.toordinal() + 1)]


class WorkdaysFile(Strict):
    """The whole file: published year → its holidays."""

    years: dict[Year, list[HolidayEntry]] = Field(default_factory=dict)

    def calendar(self) -> routing.WorkCalendar:
        """As the planner uses it."""
        entries = [e for all_of in self.years.values() for e in all_of]
        return routing.WorkCalendar(
            {day: e.name for e in entries for day in e.days()},
            {day: e.name for e in entries for day in e.work},
            frozenset(self.years),
        )

