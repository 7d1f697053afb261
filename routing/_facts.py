"""What is known of a caller when a seat is looked for, and what it means for the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._demand import Skills

EMERGENCY = ("110", "119", "120", "122")
_MOBILE = re.compile(r"1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class Facts:
    """A caller as the planner sees it. `language`, `skills`, `centre` and `priority` are the flow's route."""

    dialled: str
    number: str = ""
    """The caller's, as the switch has it; empty: not transmitted."""
    language: str = "zh"
    skills: Skills = ()
    centre: str | None = None
    priority: float = 0.0
    history: Mapping[str, Any] = field(default_factory=dict)
    """{"calls": [{"at", "ended", "outcome", "seat", "cut"}, …]}: the number's recent calls, newest first."""
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class HistoryRules:
    """How long the past counts, in seconds."""

    cut_off: float = 600.0
    """A caller who rings again within so long after being cut off."""
    repeat: float = 86400.0
    repeat_calls: int = 3
    """So many calls within `repeat`, this one counted, make a repeat caller."""
    abandoned: float = 3600.0
    """A caller who gave up waiting and rings again within so long."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the recent calls of a number mean now."""

    marks: frozenset[str] = frozenset()
    """Of cut_off, repeat, abandoned."""
    calls: int = 1
    """Calls within the repeat window, this one counted."""
    seat: str | None = None
    """The seat of the newest call that had one."""


def national(number: str) -> str:
    """A number as it is dialled within the country: "+86 577 8888 0000" → "057788880000", "+1…" → "001…"."""
    digits = re.sub(r"[^0-9+]", "", number)
    if digits.startswith("+"):
        digits = "00" + digits[1:]
    if digits.startswith("0086"):
        digits = digits[4:]
    elif digits.startswith("86") and len(digits) >= 12:
        digits = digits[2:]
    elif digits.startswith("00"):
        return digits
    else:
        return digits[1:] if digits.startswith("0") and _MOBILE.fullmatch(digits[1:]) else digits
    if digits.startswith("0") or _MOBILE.fullmatch(digits) or len(digits) < 9:
        return digits
    return "0" + digits


def national_prefix(beginning: str) -> str:
    """The beginning of a number in the national form: "+86577" → "0577"."""
    if beginning.startswith(("+86", "0086")):
        rest = beginning[3:] if beginning.startswith("+") else beginning[4:]
        return rest if not rest or rest[0] in "01" else "0" + rest
    return "00" + beginning[1:] if beginning.startswith("+") else beginning


def past(history: Mapping[str, Any], now: float, rules: HistoryRules) -> Past:
    """Reads `Facts.history`. What is not understood is passed over: it may come from another version."""
    calls = [c for c in _rows(history) if _number(c.get("at")) is not None]
    if not calls:
        return Past()
    marks: set[str] = set()
    newest = calls[0]
    ended = _number(newest.get("ended")) or _number(newest.get("at")) or 0.0
    if newest.get("cut") and now - ended <= rules.cut_off:
        marks.add("cut_off")
    if newest.get("outcome") == "abandoned" and now - ended <= rules.abandoned:
        marks.add("abandoned")
    count = 1 + sum(now - (_number(c.get("at")) or 0.0) <= rules.repeat for c in calls)
    if count >= rules.repeat_calls:
        marks.add("repeat")
    seat = next((c["seat"] for c in calls if isinstance(c.get("seat"), str) and c["seat"]), None)
    return Past(frozenset(marks), count, seat)


def _rows(history: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = history.get("calls") if isinstance(history, Mapping) else None
    return [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list | tuple) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
