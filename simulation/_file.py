"""config/simulation/*.yaml: what may be in it, and the model it makes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from routing import NORMAL, Demand, Facts, ModeConfig, Policy, RoutingBook, Step, Threshold

from ._law import NEVER, Law, constant
from ._model import HOUR, Absences, AppQueue, CallerClass, Members, Model, Queue, Rate, SeatGroup, Surge

SkillName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Level = Annotated[int, Field(ge=1, le=5)]
Skills = dict[SkillName, Level]
Seconds = Annotated[float, Field(ge=0, le=86400)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]


def _clock(value: object) -> float:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 48 or int(match[2]) > 59:
        raise ValueError('a time of day in quotes is wanted: "18:00"')
    return int(match[1]) * HOUR + int(match[2]) * 60.0


def _shift(value: object) -> tuple[float, float]:
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2:
        raise ValueError('a shift in quotes is wanted: "08:00-17:30"; past midnight: "22:00-30:00"')
    begin, end = _clock(parts[0].strip()), _clock(parts[1].strip())
    if begin >= end or begin >= 24 * HOUR:
        raise ValueError('a shift must end after it begins; past midnight: "22:00-30:00"')
    return begin, end


Clock = Annotated[float, BeforeValidator(_clock)]
Shift = Annotated[tuple[float, float], BeforeValidator(_shift)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LawFile(_Strict):
    """A distribution: exactly one of constant, exponential, lognormal (with cv)."""

    constant: Seconds | None = None
    exponential: Seconds | None = None
    lognormal: Annotated[float, Field(gt=0, le=86400)] | None = None
    cv: Annotated[float, Field(gt=0, le=10)] = 1.0

    @model_validator(mode="after")
    def _one(self) -> LawFile:
        if sum(x is not None for x in (self.constant, self.exponential, self.lognormal)) != 1:
            raise ValueError("exactly one of constant, exponential, lognormal is wanted, for instance {lognormal: 150}")
        return self

    def law(self) -> Law:
        """As a value."""
        if self.constant is not None:
            return constant(self.constant)
        if self.exponential is not None:
            return Law("exponential", self.exponential) if self.exponential else constant(0.0)
        return Law("lognormal", self.lognormal or 0.0, self.cv)


Patience = LawFile | Literal["never"]


def _law(value: Patience | None) -> Law | None:
    if value is None:
        return None
    return NEVER if isinstance(value, str) else value.law()


class StormFile(_Strict):
    """A time with more calls than usual."""

    at: Clock
    hours: Annotated[float, Field(gt=0, le=24)]
    factor: Annotated[float, Field(gt=0, le=100)]


class ArrivalsFile(_Strict):
    """Calls per hour: one number, or one for each hour of the day."""

    per_hour: Annotated[float, Field(gt=0, le=1e6)] | list[Annotated[float, Field(ge=0, le=1e6)]]
    per_day: Annotated[float, Field(gt=0, le=1e7)] | None = None
    """The profile is scaled to so many calls a day; storms come on top."""
    storms: list[StormFile] = []

    @model_validator(mode="after")
    def _day(self) -> ArrivalsFile:
        if isinstance(self.per_hour, list) and (len(self.per_hour) != 24 or not sum(self.per_hour)):
            raise ValueError("per_hour: one number is wanted, or 24, from 00:00 on")
        return self

    def rates(self) -> tuple[Rate, ...]:
        """Constant between the edges of hours and storms."""
        hours = self.per_hour if isinstance(self.per_hour, list) else [self.per_hour] * 24
        scale = self.per_day / sum(hours) if self.per_day else 1.0
        edges = {h * HOUR for h in range(25)}
        for storm in self.storms:
            edges |= {e for e in (storm.at, storm.at + storm.hours * HOUR) if e < 24 * HOUR}
        marks = sorted(edges)
        out = []
        for begin, end in pairwise(marks):
            factor = scale
            for storm in self.storms:
                if storm.at <= begin < storm.at + storm.hours * HOUR:
                    factor *= storm.factor
            out.append(Rate(begin, end, hours[int(begin // HOUR)] * factor / HOUR))
        return tuple(out)


class StepFile(_Strict):
    """One circle of seats; see routing.Step."""

    skills: Skills = {}
    centres: list[str] | None = None
    seconds: Seconds | None = None
    name: str = ""


class RouteFile(_Strict):
    """What is known of a caller when the hotline's own rules (config/routing.yaml) make the steps."""

    dialled: str
    number: str = ""
    language: str = "zh"
    skills: Skills = {}
    centre: str | None = None
    priority: float = 0.0

    def demand(self, book: RoutingBook, mode: str) -> Demand:
        """What the planner makes of it, in that mode, on a working day at noon."""
        now = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()
        return book.plan(
            Facts(self.dialled, self.number, self.language, _pairs(self.skills), self.centre, self.priority, now=now),
            mode if mode in book.modes else NORMAL,
        )


class ClassFile(_Strict):
    """Callers who need the same: skills, or steps, or a route that the hotline's own rules make steps of."""

    name: Name
    share: Annotated[float, Field(gt=0)]
    skills: Skills = {}
    steps: list[StepFile] = []
    route: RouteFile | None = None
    centre: str | None = None
    language: str = "zh"
    priority: Annotated[float, Field(ge=-100, le=100)] = 0
    talk: LawFile | None = None
    patience: Patience | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ClassFile:
        if self.route is not None and (self.skills or self.steps):
            raise ValueError("a route makes the steps itself: leave skills and steps out")
        return self

    def value(self, book: RoutingBook | None) -> CallerClass:
        """As a value. `book` is there when it is needed (`_unfit` has looked)."""
        talk, patience = _law(self.talk), _law(self.patience)
        if self.route is not None and book is not None:
            hasty = self.route.demand(book, "surge")
            return CallerClass(self.name, self.share, self.route.demand(book, NORMAL), talk, patience, hasty)
        steps = tuple(
            Step(_pairs(s.skills), None if s.centres is None else frozenset(s.centres), seconds=s.seconds,
                 name=s.name or " ".join(f"{k}≥{v}" for k, v in s.skills.items()) or "anyone")
            for s in self.steps
        )  # fmt: skip
        demand = Demand(_pairs(self.skills), self.priority, self.centre, self.language, steps)
        return CallerClass(self.name, self.share, demand, talk, patience)


class SeatsFile(_Strict):
    """Seats with the same skills and hours."""

    name: Name
    count: Annotated[int, Field(ge=1, le=10000)] | None = None
    """So many, around the clock; or …"""
    staff: dict[Name, Annotated[int, Field(ge=0, le=10000)]] = {}
    """… so many in each shift (names of `shifts`)."""
    skills: Skills = {}
    centre: str = ""

    @model_validator(mode="after")
    def _either(self) -> SeatsFile:
        if (self.count is None) != bool(self.staff):
            raise ValueError("either count (around the clock) or staff (seats in each shift) is wanted")
        return self

    def groups(self, shifts: Mapping[str, tuple[float, float]]) -> tuple[SeatGroup, ...]:
        """As values: a group for each shift."""
        skills = dict(self.skills)
        if self.count is not None:
            return (SeatGroup(self.name, self.count, skills, self.centre),)
        return tuple(
            SeatGroup(f"{self.name} {shift}", n, skills, self.centre, (shifts[shift],))
            for shift, n in self.staff.items()
        )


class RulesFile(_Strict):
    """Times of the dispatcher in seconds; see routing.Policy."""

    ring: Annotated[float, Field(ge=3, le=120)] = 15
    wrap_up: Seconds = 0
    missed_limit: Annotated[int, Field(ge=1, le=20)] = 2
    refused_pause: Seconds = 5
    order: Literal["longest_idle", "least_occupied"] = "longest_idle"
    keep_free: dict[SkillName, Annotated[int, Field(ge=0, le=1000)]] = {}
    keep_for: Seconds = 20
    decide: Seconds = 0.0


class LimitsFile(_Strict):
    """Limits of a mode; see routing.Threshold."""

    waiting: Annotated[int, Field(ge=0)] | None = None
    longest: Seconds | None = None
    busy: Annotated[float, Field(ge=0, le=1)] | None = None

    def value(self) -> Threshold:
        """As a value."""
        return Threshold(self.waiting, self.longest, self.busy)


class SurgeFile(_Strict):
    """The surge mode; see routing.ModeConfig and simulation.Surge."""

    enter: LimitsFile
    leave: LimitsFile = LimitsFile()
    confirm: Seconds = 15
    stay: Seconds = 300
    scale: Annotated[float, Field(ge=0, le=1)] = 1.0
    wrap_up: Seconds | None = None

    def value(self) -> Surge:
        """As a value."""
        mode = ModeConfig(
            "surge", scale=self.scale, enter=self.enter.value(), leave=self.leave.value(), confirm=self.confirm,
            stay=self.stay, wrap_up=self.wrap_up,
        )  # fmt: skip
        return Surge(mode)


class AbsencesFile(_Strict):
    """Seats left alone without a word; see simulation.Absences."""

    per_hour: Annotated[float, Field(ge=0, le=60)]
    length: LawFile
    noticed: Seconds = 10

    def value(self) -> Absences:
        """As a value."""
        return Absences(self.per_hour, self.length.law(), self.noticed)


class MembersFile(_Strict):
    """Who is a member at which penalty."""

    skills: Skills = {}
    penalty: Annotated[int, Field(ge=0, le=100)] = 0


class QueueFile(_Strict):
    """One queue."""

    classes: list[Name]
    members: list[MembersFile] = Field(min_length=1)
    weight: Annotated[int, Field(ge=0, le=1000)] = 0
    penalties: list[tuple[Seconds, Annotated[int, Field(ge=0)]]] = []
    timeout: Seconds | None = None
    then: str | None = None


class AppQueueFile(_Strict):
    """One way to set up app_queue."""

    name: Name
    strategy: Literal["ringall", "leastrecent", "fewestcalls", "rrmemory", "linear", "random"] = "leastrecent"
    timeout: Annotated[float, Field(ge=1, le=120)] = 15
    retry: Annotated[float, Field(ge=0.1, le=60)] = 5
    autofill: bool = True
    autopause: bool = False
    queues: dict[Name, QueueFile] = Field(min_length=1)

    def value(self) -> AppQueue:
        """As a value."""
        queues = tuple(
            Queue(
                name, tuple(q.classes), tuple(Members(_pairs(m.skills), m.penalty) for m in q.members), q.weight,
                tuple(q.penalties), q.timeout, q.then,
            )
            for name, q in self.queues.items()
        )  # fmt: skip
        return AppQueue(self.name, queues, self.strategy, self.timeout, self.retry, self.autofill, self.autopause)


class ModelFile(_Strict):
    """The whole file."""

    name: Name
    arrivals: ArrivalsFile
    hours: Annotated[float, Field(gt=0, le=24 * 31)] = 24
    warm_up: Seconds = 0
    threshold: Annotated[float, Field(gt=0, le=3600)] = 15
    talk: LawFile
    wrap_up: LawFile = LawFile(constant=0)
    patience: Patience = "never"
    answer: LawFile = LawFile(constant=0)
    absences: AbsencesFile | None = None
    lines: Annotated[int, Field(ge=1)] | None = None
    classes: list[ClassFile] = Field(min_length=1)
    shifts: dict[Name, Shift] = {}
    seats: list[SeatsFile] = Field(min_length=1)
    rules: RulesFile = RulesFile()
    surge: SurgeFile | None = None
    app_queue: list[AppQueueFile] = []

    def model(self, book: RoutingBook | None) -> Model:
        """As a value."""
        r = self.rules
        policy = Policy(
            ring=r.ring, wrap_up=r.wrap_up, missed_limit=r.missed_limit, refused_pause=r.refused_pause, order=r.order,
            keep_free=dict(r.keep_free), keep_for=r.keep_for,
        )  # fmt: skip
        return Model(
            self.name, self.arrivals.rates(), tuple(c.value(book) for c in self.classes),
            tuple(group for s in self.seats for group in s.groups(self.shifts)),
            self.hours * HOUR, self.talk.law(), self.wrap_up.law(), _law(self.patience) or NEVER, self.answer.law(),
            self.absences.value() if self.absences else Absences(), r.decide, self.lines, policy,
            self.surge.value() if self.surge else None, tuple(a.value() for a in self.app_queue),
            self.threshold, self.warm_up,
        )  # fmt: skip


def _pairs(skills: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(skills.items()))
