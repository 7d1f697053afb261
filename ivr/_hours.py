"""Opening hours: text to spans, and whether a moment lies in them. Asia/Shanghai is UTC+8 all year."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from yaml.nodes import Node

from ._model import Hours
from ._problems import did_you_mean
from ._yaml import Entries, Reader

SHANGHAI = timedelta(hours=8)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–—~]\s*(\d{1,2}):(\d\d)")
_EXAMPLE = "write for example `mon-fri: 08:30-12:00, 13:30-17:30`"
Spans = tuple[tuple[int, int], ...]


def is_open(hours: Hours, now: float) -> bool:
    """Whether `now` (unix seconds) lies in the hours. A time no calendar knows is closed."""
    try:
        local = datetime.fromtimestamp(now, UTC) + SHANGHAI
    except (OverflowError, ValueError, OSError):
        return False
    minute = local.hour * 60 + local.minute
    spans = hours.dates.get(local.date().isoformat(), hours.week[local.weekday()])
    return any(a <= minute < b for a, b in spans)


def _spans(read: Reader, node: Node, what: str) -> Spans:
    out: list[tuple[int, int]] = []
    for text, at in read.texts(node, what):
        if text == "closed":
            continue
        for part in re.split(r"[,，;；]", text):
            found = _SPAN.fullmatch(part.strip())
            if found is None:
                read.problem(at, f"{what}: {part.strip() or 'nothing'} is no span of hours", _EXAMPLE)
                continue
            h1, m1, h2, m2 = (int(x) for x in found.groups())
            start, end = h1 * 60 + m1, h2 * 60 + m2
            if m1 > 59 or m2 > 59 or end > 1440:
                read.problem(at, f"{what}: {part.strip()} is no time of the day", "use 00:00 to 24:00")
            elif start >= end:
                mend = "a night is two spans: 22:00-24:00, and 00:00-06:00 on the next day"
                read.problem(at, f"{what}: {part.strip()} ends before it begins", mend)
            elif any(start < b and a < end for a, b in out):
                read.problem(at, f"{what}: {part.strip()} overlaps another span of that day")
            else:
                out.append((start, end))
    return tuple(sorted(out))


def read_week(read: Reader, node: Node) -> tuple[Spans, ...]:
    """`mon-fri: …` lines as seven days, Monday first. Days not named are closed."""
    week: list[Spans] = [()] * 7
    taken: set[int] = set()
    entries: Entries = read.mapping(node, "hours", "day")
    if not entries:
        read.problem(node, "hours name no day", _EXAMPLE)
    for days, item in entries.items():
        first, _, last = days.lower().partition("-")
        if days.lower() == "daily":
            first, last = "mon", "sun"
        wrong = [d for d in (first, last or first) if d.strip() not in DAYS]
        if wrong:
            hint = did_you_mean(wrong[0].strip(), (*DAYS, "daily"))
            read.problem(item.key, f"hours: {wrong[0] or days} is no day of the week", hint)
            continue
        a, b = DAYS.index(first.strip()), DAYS.index((last or first).strip())
        numbers = set(range(a, b + 1)) if a <= b else {*range(a, 7), *range(b + 1)}
        if numbers & taken:
            read.problem(item.key, f"hours: {DAYS[min(numbers & taken)]} is given twice")
        taken |= numbers
        spans = _spans(read, item.value, f"hours of {days}")
        for n in numbers:
            week[n] = spans
    return tuple(week)


def read_dates(read: Reader, node: Node) -> dict[str, Spans]:
    """`2026-10-01: closed` lines."""
    out: dict[str, Spans] = {}
    for text, item in read.mapping(node, "dates", "date").items():
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            read.problem(item.key, f"dates: {text} is no date", "write it as 2026-10-01")
            continue
        if day in out:
            read.problem(item.key, f"dates: {day} is given twice")
        out[day] = _spans(read, item.value, f"hours of {text}")
    return out
