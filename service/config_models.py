"""config/hotline.yaml: centre, dialled numbers, times, seats."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from .config_admission import AdmissionEntry
from .config_files import Strict

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Level = Annotated[int, Field(ge=1, le=5)]
SeatId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,24}$")]
Seconds = Annotated[float, Field(ge=0, le=86400)]
CentreCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}(-[a-z0-9]{1,20})?$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=60)]
SeatKind = Literal["agent", "expert", "interpreter", "leader", "assistant"]


class CentreConfig(Strict):
    """The centre that callers belong to when nothing else is known; `code` by GB/T 2260."""

    code: CentreCode
    name: Title


class NumberConfig(Strict):
    """A dialled number."""

    flow: str
    centre: CentreCode | None = None
    """Its callers are at home there; left out: the caller's area code says, else `centre`."""
    rule: Word | None = None
    """The rule of config/routing.yaml for its callers; left out: the first whose `when` holds."""


class TimesConfig(Strict):
    """Seconds; see routing.Policy."""

    reserve: Seconds = 3
    ring: Annotated[float, Field(ge=3, le=120)] = 15
    wrap_up: Seconds = 60
    break_limit: Annotated[float, Field(ge=60, le=86400)] = 3600
    missed_limit: Annotated[int, Field(ge=1, le=20)] = 2
    refused_pause: Seconds = 5
    rest: Annotated[float, Field(ge=10, le=86400)] = 300
    talk_check: Annotated[float, Field(ge=60, le=86400)] = 7200


class RetentionConfig(Strict):
    """How many days recordings are kept after the call's end; left out: for ever. See docs/storage.md."""

    recordings: Annotated[int, Field(ge=1, le=36500)] | None = None
    voicemails: Annotated[int, Field(ge=1, le=36500)] | None = None


class SeatConfig(Strict):
    """A seat: its id is also its phone's SIP user."""

    id: SeatId
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    skills: dict[SkillName, Level] = Field(default_factory=dict)
    kind: SeatKind = "agent"
    centre: CentreCode | None = None
    """Left out: the file's `centre`."""
    hours: Word | None = None
    """Office hours by name (config/routing.yaml, hours); left out: those of its kind, else always."""
    phone: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{1,32}@[A-Za-z0-9_-]{1,32})?$")] = ""
    """user@trunk when its phone is registered at another Asterisk; left out: its own id, here."""


class HotlineFile(Strict):
    """The whole file."""

    centre: CentreConfig
    numbers: dict[Number, NumberConfig] = Field(min_length=1)
    times: TimesConfig = TimesConfig()
    retention: RetentionConfig = RetentionConfig()
    default_skills: dict[SkillName, Level] = Field(default_factory=dict)
    seat_password: str = Field(default="demo-{seat}", repr=False)
    seats: list[SeatConfig] = Field(min_length=1)
    admission: AdmissionEntry = AdmissionEntry()
    """How many callers are let in at once (docs/admission.md)."""

    @field_validator("seats")
    @classmethod
    def _unique(cls, seats: list[SeatConfig]) -> list[SeatConfig]:
        seen: set[str] = set()
        for seat in seats:
            if seat.id in seen:
                raise ValueError(f"seat {seat.id} is there twice; give each seat its own id")
            seen.add(seat.id)
        return seats
