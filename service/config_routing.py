"""config/routing.yaml: hours, rules, modifiers, modes, leader days, what waiting callers are told.

The models say what may be written; config_book makes the planner's values of them.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

import routing

from .config_files import Strict
from .config_models import CentreCode, Level, Number, SeatId, SeatKind, Seconds, SkillName, Title, Word

Points = Annotated[float, Field(ge=-1000, le=1000)]
Share = Annotated[float, Field(ge=0, le=1)]
CallerPattern = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{1,24}\*?$")]
Circle = Annotated[str, StringConstraints(pattern=r"^([a-z]{2,12}|[0-9]{6}(-[a-z0-9]{1,20})?\+?)$")]
HistoryMark = Literal["cut_off", "repeat", "abandoned"]
ModeName = Literal["normal", "surge", "degraded", "disaster"]
Digit = Annotated[str, StringConstraints(pattern=r"^[0-9*#]$")]
PromptId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def _listed(value: Any) -> Any:
    """One value may stand for a list of one."""
    return [value] if isinstance(value, str) else value


def _circles(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Numbers = Annotated[list[Number], BeforeValidator(_listed)]
Skills = Annotated[list[SkillName], BeforeValidator(_listed)]
Words = Annotated[list[Word], BeforeValidator(_listed)]


def _minute(value: Any) -> Any:
    """"08:30" as minutes of the day. YAML reads 13:30 without quotes as 13 * 60 + 30: the same number."""
    if isinstance(value, str):
        hour, colon, minute = value.partition(":")
        if colon and hour.isdigit() and minute.isdigit() and len(minute) == 2 and int(minute) < 60:
            return int(hour) * 60 + int(minute)
        raise ValueError(f"'{value}' is no time of the day; write 08:30")
    return value


Minute = Annotated[int, BeforeValidator(_minute), Field(ge=0, le=1440)]


class SkillEntry(Strict):
    """A skill's names."""

    zh: Title
    en: Title
    kind: Literal["language", "dialect", "field"] = "field"


def _spans(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write hours as text: 08:30-12:00, 13:30-17:30, closed or always")  # noqa: TRY004
    routing.parse_spans(value)
    return value


SpanText = Annotated[str, BeforeValidator(_spans)]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HoursEntry(Strict):
    """Named hours: by the calendar (workdays, restdays, holidays), by weekdays, by dates."""

    workdays: SpanText | None = None
    restdays: SpanText | None = None
    holidays: SpanText | None = None
    days: dict[str, SpanText] = Field(default_factory=dict)
    """"mon-fri", "sat", "daily" → hours."""
    dates: dict[date, SpanText] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _always(cls, data: Any) -> Any:
        return {"days": {"daily": data}} if isinstance(data, str) else data

    @field_validator("days")
    @classmethod
    def _weekdays(cls, days: dict[str, str]) -> dict[str, str]:
        seen: set[int] = set()
        for name in days:
            numbers = weekdays(name)
            if seen & set(numbers):
                raise ValueError(f"{DAYS[min(seen & set(numbers))]} is given twice")
            seen |= set(numbers)
        return days

    @model_validator(mode="after")
    def _something(self) -> HoursEntry:
        if self.days and (self.workdays or self.restdays):
            raise ValueError("give either workdays and restdays, or days of the week, not both")
        return self


def weekdays(name: str) -> list[int]:
    """"mon-fri" → 0 to 4. Raises ValueError."""
    if name == "daily":
        return list(range(7))
    first, _, last = name.partition("-")
    if first not in DAYS or (last or first) not in DAYS:
        raise ValueError(f"'{name}' is no day of the week; write mon, mon-fri or daily")
    a, b = DAYS.index(first), DAYS.index(last or first)
    return list(range(a, b + 1)) if a <= b else [*range(a, 7), *range(b + 1)]


class WhenEntry(Strict):
    """Conditions of a rule; all that are given must hold, of each list one."""

    dialled: Numbers = Field(default_factory=list)
    caller: Annotated[list[CallerPattern], BeforeValidator(_listed)] = Field(default_factory=list)
    language: Words = Field(default_factory=list)
    skills: Skills = Field(default_factory=list)
    centre: Annotated[list[Circle], BeforeValidator(_listed)] = Field(default_factory=list)
    history: Annotated[list[HistoryMark], BeforeValidator(_listed)] = Field(default_factory=list)
    mode: Annotated[list[ModeName], BeforeValidator(_listed)] = Field(default_factory=list)
    emergency: bool | None = None
    hours: Words = Field(default_factory=list)
    outside: Words = Field(default_factory=list)


class StepEntry(Strict):
    """One circle of seats."""

    skills: dict[SkillName, Level] | Literal["any"] | None = None
    """Left out: what the flow asked for, else default_skills. "any": none."""
    add: dict[SkillName, Level] = Field(default_factory=dict)
    centres: Annotated[list[Circle], BeforeValidator(_circles)] = Field(default=["home"], min_length=1)
    seats: Annotated[list[SeatId], Field(min_length=1)] | None = None
    kinds: Annotated[list[SeatKind], BeforeValidator(_listed), Field(min_length=1)] | None = None
    seconds: Seconds | None = None
    name: Title | None = None

    @model_validator(mode="after")
    def _one_of(self) -> StepEntry:
        if self.skills is not None and self.add:
            raise ValueError("give 'skills' (instead of what the flow asked for) or 'add' (besides it), not both")
        return self


Steps = Annotated[list[StepEntry], Field(min_length=1, max_length=20)]


class RuleEntry(Strict):
    """Which callers go which way."""

    name: Word
    title: Title | None = None
    when: WhenEntry = WhenEntry()
    by_name: bool = False
    steps: Steps
    priority: Points = 0


class ModifierEntry(Strict):
    """What is added to the rule that holds."""

    name: Word
    title: Title | None = None
    when: WhenEntry
    priority: Points = 0
    same_seat: Seconds | None = None
    seats: Annotated[list[SeatId], Field(min_length=1)] | None = None
    seconds: Seconds = 0


class HistoryEntry(Strict):
    """How long the past counts (seconds)."""

    cut_off: Seconds = 600
    repeat: Annotated[float, Field(ge=0, le=2592000)] = 86400
    repeat_calls: Annotated[int, Field(ge=2, le=100)] = 3
    abandoned: Seconds = 3600


class EmergencyEntry(Strict):
    """Calls from 110, 119, 120, 122: by the caller's number, or by the dialled number of their trunk."""

    callers: list[Number] = Field(default=list(routing.EMERGENCY))
    dialled: list[Number] = Field(default_factory=list)


class LeaderEntry(Strict):
    """One entry of the leader day's schedule."""

    day: date = Field(alias="date")
    start: Minute = Field(alias="from")
    end: Minute = Field(alias="to")
    leader: SeatId
    assistant: SeatId | None = None
    seconds: Seconds = 0
    dialled: Numbers = Field(default_factory=list)
    centres: Annotated[list[Circle], BeforeValidator(_listed)] = Field(default_factory=list)
    title: Title | None = None

    @model_validator(mode="after")
    def _order(self) -> LeaderEntry:
        if self.start >= self.end:
            raise ValueError("'to' must be after 'from'")
        if self.assistant == self.leader:
            raise ValueError("leader and assistant are the same seat")
        return self


class ThirdEntry(Strict):
    """Interpreters and experts called into a talk."""

    steps: Steps | None = None
    priority: Points = 5


class WaitingEntry(Strict):
    """What waiting callers are told; see routing.WaitingRules. In a mode: what is left out stays."""

    tell_after: Seconds | None = None
    tell_every: Annotated[float, Field(ge=10, le=86400)] | None = None
    long_wait: Seconds | None = None
    longest_told: Seconds | None = None
    callback: bool | None = None
    callback_key: Digit | None = None
    callback_after: Seconds | None = None
    callback_wait: Seconds | None = None
    voicemail: bool | None = None
    voicemail_after: Seconds | None = None
    incidents: bool | None = None


class CallbackEntry(Strict):
    """Calling back; see routing.CallbackRules."""

    attempts: Annotated[int, Field(ge=1, le=20)] | None = None
    spacing: Annotated[list[Seconds], Field(min_length=1)] | None = None
    queue_spacing: Annotated[list[Seconds], Field(min_length=1)] | None = None
    begin: Minute | None = Field(default=None, alias="from")
    end: Minute | None = Field(default=None, alias="to")
    any_time: Seconds | None = None
    expire: Annotated[float, Field(ge=60, le=31536000)] | None = None
    missed_after: Seconds | None = None
    min_free: Annotated[int, Field(ge=0, le=10000)] | None = None
    max_running: Annotated[int, Field(ge=0, le=10000)] | None = None
    missed_priority: Points | None = None
    lost_priority: Points | None = None
    visit_priority: Points | None = None
    ring: Annotated[float, Field(ge=5, le=120)] | None = None
    retry_pause: Seconds | None = None
    do_not_disturb: list[Number] | None = Field(default=None, repr=False)
    max_entries: Annotated[int, Field(ge=1, le=1000000)] | None = None
    keep: Annotated[float, Field(ge=0, le=31536000)] | None = None

    def clock(self, minute: int | None) -> time | None:
        """Minutes of the day as a time."""
        if minute is None:
            return None
        return time(minute // 60, minute % 60) if minute < 1440 else time(23, 59, 59)


Days = Annotated[float, Field(ge=0, le=3660)]


class RestrictionEntry(Strict):
    """The restriction list; see routing.RestrictionRules."""

    default_days: Annotated[float, Field(gt=0, le=366)] | None = None
    longest_days: Annotated[float, Field(gt=0, le=366)] | None = None
    review_days: Days | None = None
    propose_days: Annotated[float, Field(gt=0, le=366)] | None = None
    keep_days: Days | None = None
    queue_priority: Points | None = None
    max_entries: Annotated[int, Field(ge=1, le=100000)] | None = None
    area_code: Annotated[str, StringConstraints(pattern=r"^0[0-9]{2,3}$")] | None = None


class ThresholdEntry(Strict):
    """Limits of a mode; see routing.Load."""

    waiting: Annotated[int, Field(ge=0)] | None = None
    longest: Seconds | None = None
    busy: Share | None = None
    present: Share | None = None
    answered: Share | None = None


class ModeEntry(Strict):
    """An operating mode."""

    zh: Title | None = None
    en: Title | None = None
    scale: Annotated[float, Field(ge=0, le=10)] = 1
    extra: list[StepEntry] = Field(default_factory=list)
    extra_after: Seconds = 20
    announce: Annotated[list[PromptId], BeforeValidator(_listed)] = Field(default_factory=list)
    waiting: WaitingEntry = WaitingEntry()
    enter: ThresholdEntry = ThresholdEntry()
    leave: ThresholdEntry = ThresholdEntry()
    confirm: Seconds = 15
    stay: Seconds = 300
    wrap_up: Seconds | None = None


class IncidentEntry(Strict):
    """A known event in a region."""

    id: Word
    regions: Annotated[list[CentreCode], BeforeValidator(_listed), Field(min_length=1)]
    zh: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    en: Annotated[str, StringConstraints(max_length=600)] = ""
    until: datetime | None = None
    unknown: bool = False
    prompt: PromptId | None = None


class BreakEntry(Strict):
    """Why a seat takes a break."""

    code: Word
    zh: Title
    en: Title
    limit: Annotated[float, Field(ge=60, le=86400)] = 3600


class FairnessEntry(Strict):
    """Among seats equally fit."""

    order: Literal["longest_idle", "least_occupied"] = "longest_idle"
    keep_free: dict[SkillName, Annotated[int, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    keep_for: Seconds = 20


class RoutingFile(Strict):
    """The whole file. Without it: the home centre, then the province."""

    skills: dict[SkillName, SkillEntry] = Field(default_factory=dict)
    hours: dict[Word, HoursEntry] = Field(default_factory=dict)
    kinds: dict[SeatKind, Word] = Field(default_factory=dict)
    """Kind of seats → hours by name."""
    rules: list[RuleEntry] = Field(default_factory=list)
    modifiers: list[ModifierEntry] = Field(default_factory=list)
    history: HistoryEntry = HistoryEntry()
    home_by_area_code: bool = True
    emergency: EmergencyEntry = EmergencyEntry()
    leader_days: list[LeaderEntry] = Field(default_factory=list)
    third: ThirdEntry = ThirdEntry()
    waiting: WaitingEntry = WaitingEntry()
    callbacks: CallbackEntry = CallbackEntry()
    restrictions: RestrictionEntry = RestrictionEntry()
    modes: dict[ModeName, ModeEntry] = Field(default_factory=dict)
    incidents: list[IncidentEntry] = Field(default_factory=list)
    breaks: list[BreakEntry] = Field(default_factory=list)
    fairness: FairnessEntry = FairnessEntry()
