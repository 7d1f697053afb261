"""Rules: which callers (`When`), which steps (`StepRule`). The first rule that holds gives the steps;
modifiers that hold add to them. Plain values, made from config/routing.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ._demand import Skills
from ._hours import Hours

MARKS = ("cut_off", "repeat", "abandoned")
"""What the history of a number can say (routing.Past.marks)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A caller as the conditions see it."""

    dialled: str
    number: str
    """In the national form."""
    language: str
    skills: frozenset[str]
    """Names of the skills that the flow asked for."""
    above: frozenset[str]
    """The home centre and those above it."""
    home: str
    marks: frozenset[str]
    mode: str
    emergency: bool
    is_open: Callable[[Hours], bool]


@dataclass(frozen=True, slots=True)
class When:
    """Conditions: all that are given must hold, of each list one. Without any it always holds."""

    dialled: frozenset[str] = frozenset()
    callers: tuple[str, ...] = ()
    """Numbers in the national form; "0577*" is a beginning."""
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    centres: tuple[str, ...] = ()
    """Home centres; "330300+": it or one below."""
    history: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    emergency: bool | None = None
    hours: tuple[Hours, ...] = ()
    """Only while one of them is open …"""
    outside: tuple[Hours, ...] = ()
    """… only while none of them is."""

    def holds(self, seen: Seen) -> bool:
        """Whether this caller is meant."""
        return (
            (not self.dialled or seen.dialled in self.dialled)
            and (not self.callers or any(_begins(seen.number, c) for c in self.callers))
            and (not self.languages or seen.language in self.languages)
            and (not self.skills or not self.skills.isdisjoint(seen.skills))
            and (not self.centres or any(_lies(seen, c) for c in self.centres))
            and (not self.history or not self.history.isdisjoint(seen.marks))
            and (not self.modes or seen.mode in self.modes)
            and (self.emergency is None or self.emergency == seen.emergency)
            and (not self.hours or any(seen.is_open(h) for h in self.hours))
            and not any(seen.is_open(h) for h in self.outside)
        )


def _begins(number: str, pattern: str) -> bool:
    return number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern


def _lies(seen: Seen, centre: str) -> bool:
    return centre[:-1] in seen.above if centre.endswith("+") else centre == seen.home


@dataclass(frozen=True, slots=True)
class StepRule:
    """A step as it is configured: circles are still relative to the caller's home centre."""

    skills: Skills | None = None
    """None: what the flow asked for, else the default skills. Empty: none needed."""
    add: Skills = ()
    """Needed besides what the flow asked for."""
    centres: tuple[str, ...] = ("home",)
    """Names of circles (routing.CIRCLES), codes, or codes with +; together."""
    seats: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    seconds: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which callers go which way."""

    name: str
    when: When = When()
    steps: tuple[StepRule, ...] = (StepRule(),)
    priority: float = 0.0
    title: str = ""
    by_name: bool = False
    """Only for numbers that name it (`numbers.….rule`), whatever `when` says."""


@dataclass(frozen=True, slots=True)
class Modifier:
    """What is added to the steps of whichever rule holds."""

    name: str
    when: When = When()
    priority: float = 0.0
    same_seat: float | None = None
    """The seat of the caller's last call is tried first, alone, for so many seconds."""
    seats: frozenset[str] | None = None
    """These seats are tried first, alone, for `seconds`."""
    seconds: float = 0.0
    title: str = ""


DEFAULT_RULE = Rule("default", steps=(StepRule(seconds=10.0), StepRule(centres=("province",))))
"""When nothing is configured: the home centre, then the province."""
