"""From the checked files to the planner's values. Nothing is judged here: config_checks has done it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any

import routing

from .config_centres import CentresFile, WorkdaysFile
from .config_files import Strict
from .config_models import HotlineFile
from .config_routing import (
    CallbackEntry,
    HoursEntry,
    IncidentEntry,
    LeaderEntry,
    ModeEntry,
    RestrictionEntry,
    RoutingFile,
    StepEntry,
    WaitingEntry,
    WhenEntry,
    weekdays,
)

CHINA = timezone(timedelta(hours=8))
MODE_DEFAULTS: Mapping[str, routing.ModeConfig] = {
    "normal": routing.ModeConfig("normal", "正常", "normal"),
    "surge": routing.ModeConfig("surge", "话务高峰", "surge", scale=0.5),
    "degraded": routing.ModeConfig("degraded", "降级", "degraded", scale=0.5),
    "disaster": routing.ModeConfig("disaster", "灾害应急", "disaster", scale=0.0),
}
"""What a mode is when config/routing.yaml says nothing of it: a person can switch to it all the same."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The four files."""

    hotline: HotlineFile
    routing: RoutingFile
    centres: CentresFile
    workdays: WorkdaysFile


def seats_of(file: HotlineFile) -> list[routing.Seat]:
    """The seats, offline until their phones register."""
    return [
        routing.Seat(s.id, s.name, s.centre or file.centre.code, dict(s.skills), kind=s.kind, phone=s.phone)
        for s in file.seats
    ]


def parent_of(parts: Parts, code: str) -> str | None:
    """The centre above, as written or by the code's shape."""
    return parts.centres.centres[code].parent or routing.parent_of(code)


def tree_of(parts: Parts, hours: Mapping[str, routing.Hours]) -> routing.CentreTree:
    """The centres; without config/centres.yaml those of the seats and the home centre, each alone."""
    numbers: dict[str, list[str]] = {}
    for number, entry in parts.hotline.numbers.items():
        numbers.setdefault(entry.centre or parts.hotline.centre.code, []).append(number)
    if not parts.centres.centres:
        home = parts.hotline.centre
        codes = dict.fromkeys([home.code, *(s.centre for s in parts.hotline.seats if s.centre)])
        return routing.CentreTree.of(
            routing.Centre(
                c, home.name if c == home.code else c, routing.kind_of(c),
                parent if (parent := routing.parent_of(c)) in codes else None, tuple(numbers.get(c, ())),
            )
            for c in codes
        )  # fmt: skip
    return routing.CentreTree.of(
        routing.Centre(
            code, e.name, routing.kind_of(code), parent_of(parts, code), tuple(numbers.get(code, ())),
            hours[e.hours] if e.hours else None, e.capacity, e.foreign, e.area_code or "", tuple(e.neighbours),
        )
        for code, e in parts.centres.centres.items()
    )  # fmt: skip


def hours_of(name: str, entry: HoursEntry) -> routing.Hours:
    """Named hours."""
    week: list[routing.Spans] = [()] * 7
    for days, text in entry.days.items():
        for n in weekdays(days):
            week[n] = routing.parse_spans(text)

    def spans(text: str | None) -> routing.Spans | None:
        return None if text is None else routing.parse_spans(text)

    return routing.Hours(
        name, tuple(week), spans(entry.workdays), spans(entry.restdays), spans(entry.holidays),
        {day: routing.parse_spans(text) for day, text in entry.dates.items()},
    )  # fmt: skip


def book_of(parts: Parts) -> routing.RoutingBook:
    """The planner's book."""
    r, home = parts.routing, parts.hotline.centre.code
    hours = {"always": routing.ALWAYS, **{name: hours_of(name, e) for name, e in r.hours.items()}}
    tree = tree_of(parts, hours)
    seats = {s.id: s for s in seats_of(parts.hotline)}
    waiting = _merged(routing.WaitingRules(), r.waiting)
    rules = [
        routing.Rule(
            e.name, when_of(e.when, hours), tuple(map(step_of, e.steps)), e.priority, e.title or "", e.by_name
        )
        for e in r.rules
    ]
    modifiers = [
        routing.Modifier(
            e.name, when_of(e.when, hours), e.priority, e.same_seat, _set(e.seats), e.seconds, e.title or ""
        )
        for e in r.modifiers
    ]
    return routing.RoutingBook(
        tree=tree,
        home=home,
        seats=seats,
        seat_hours={
            s.id: hours[name] for s in parts.hotline.seats if (name := s.hours or r.kinds.get(s.kind)) is not None
        },
        calendar=parts.workdays.calendar(),
        rules=(*rules, routing.DEFAULT_RULE),
        modifiers=tuple(modifiers),
        numbers={n: routing.NumberRule(e.centre, e.rule) for n, e in parts.hotline.numbers.items()},
        default_skills=tuple(sorted(parts.hotline.default_skills.items())),
        home_by_area_code=r.home_by_area_code,
        emergency_callers=tuple(r.emergency.callers),
        emergency_dialled=frozenset(r.emergency.dialled),
        history=routing.HistoryRules(
            r.history.cut_off, r.history.repeat, r.history.repeat_calls, r.history.abandoned
        ),
        leader_days=tuple(_leader_day(e, tree, home) for e in r.leader_days),
        third_steps=tuple(map(step_of, r.third.steps)) if r.third.steps else routing.THIRD_STEPS,
        third_priority=r.third.priority,
        modes={name: _mode(name, {str(k): v for k, v in r.modes.items()}.get(name), waiting) for name in routing.MODES},
        incidents=tuple(map(incident_of, r.incidents)),
        waiting=waiting,
        callbacks=callbacks_of(r.callbacks),
        restrictions=restrictions_of(r.restrictions, tree.centres[home].area_code if home in tree else ""),
        breaks=tuple(routing.BreakReason(e.code, e.zh, e.en, e.limit) for e in r.breaks),
        skills={name: routing.Skill(name, e.zh, e.en, e.kind) for name, e in r.skills.items()},
    )


def _set(items: Sequence[str] | None) -> frozenset[str] | None:
    return None if items is None else frozenset(items)


def when_of(entry: WhenEntry, hours: Mapping[str, routing.Hours]) -> routing.When:
    """Conditions; callers' numbers in the national form, as they are compared."""
    callers = tuple(
        routing.national(c) if not c.endswith("*") else routing.national_prefix(c[:-1]) + "*" for c in entry.caller
    )
    return routing.When(
        frozenset(entry.dialled), callers, frozenset(entry.language), frozenset(entry.skills), tuple(entry.centre),
        frozenset(entry.history), frozenset(entry.mode), entry.emergency,
        tuple(hours[n] for n in entry.hours), tuple(hours[n] for n in entry.outside),
    )  # fmt: skip


def step_of(entry: StepEntry) -> routing.StepRule:
    """A step whose circles are still relative."""
    skills: routing.Skills | None = None
    if isinstance(entry.skills, dict):
        skills = tuple(sorted(entry.skills.items()))
    elif entry.skills == "any":
        skills = ()
    centres = tuple(entry.centres)
    if entry.seats is not None and "centres" not in entry.model_fields_set:
        centres = ("any",)  # named seats serve wherever they are
    return routing.StepRule(
        skills, tuple(sorted(entry.add.items())), centres, _set(entry.seats), _set(entry.kinds), entry.seconds,
        entry.name or "",
    )  # fmt: skip


def _leader_day(e: LeaderEntry, tree: routing.CentreTree, home: str) -> routing.LeaderDay:
    centres = frozenset[str]().union(*(tree.circle(home, c) or frozenset() for c in e.centres))
    return routing.LeaderDay(
        e.day, e.start, e.end, e.leader, e.assistant, e.seconds, frozenset(e.dialled), centres, e.title or ""
    )


def _given(entry: Strict) -> dict[str, Any]:
    return {name: value for name in type(entry).model_fields if (value := getattr(entry, name)) is not None}


def _merged(rules: routing.WaitingRules, entry: WaitingEntry) -> routing.WaitingRules:
    return replace(rules, **_given(entry))


def callbacks_of(entry: CallbackEntry) -> routing.CallbackRules:
    """Raises ValueError for rules that cannot work (routing.CallbackRules)."""
    given = _given(entry)
    for name in ("begin", "end"):
        if name in given:
            given[name] = entry.clock(given[name])
    for name in ("spacing", "queue_spacing"):
        if name in given:
            given[name] = tuple(given[name])
    if "do_not_disturb" in given:
        given["do_not_disturb"] = frozenset(given["do_not_disturb"])
    return routing.CallbackRules(**given)


def restrictions_of(entry: RestrictionEntry, area_code: str = "") -> routing.RestrictionRules:
    """Numbers without an area code are the home centre's. Raises ValueError for rules that cannot work."""
    return routing.RestrictionRules(**{"area_code": area_code, **_given(entry)})


def _mode(name: str, e: ModeEntry | None, waiting: routing.WaitingRules) -> routing.ModeConfig:
    default = MODE_DEFAULTS[name]
    if e is None:
        return replace(default, waiting=waiting)
    return routing.ModeConfig(
        name, e.zh or default.zh, e.en or default.en,
        e.scale if "scale" in e.model_fields_set else default.scale, tuple(map(step_of, e.extra)), e.extra_after,
        tuple(e.announce), _merged(waiting, e.waiting), routing.Threshold(**e.enter.model_dump()),
        routing.Threshold(**e.leave.model_dump()), e.confirm, e.stay, e.wrap_up,
    )  # fmt: skip


def incident_of(e: IncidentEntry) -> routing.Incident:
    """A configured incident. A time without a zone is Zhejiang's."""
    until: float | None = None
    if e.until is not None:
        until = (e.until if e.until.tzinfo is not None else e.until.replace(tzinfo=CHINA)).timestamp()
    return routing.Incident(e.id, frozenset(e.regions), e.zh, e.en, until, e.unknown, e.prompt or "")
