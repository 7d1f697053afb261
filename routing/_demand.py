"""What a caller needs, as steps that relax with time. Pure values.

A demand is an ordered list of steps. The first is open at once; each next one opens when the one before
has had its seconds (or as soon as nobody on duty could serve it). Steps already open stay open: a seat
that fits an earlier step is preferred, one that fits a later step serves too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._plain import a_mapping, held, is_number

if TYPE_CHECKING:
    from ._model import Seat

Skills = tuple[tuple[str, int], ...]
CALLER_KINDS = frozenset({"agent", "expert"})
"""Kinds of seats that callers are offered to when a step names neither kinds nor seats."""


@dataclass(frozen=True, slots=True)
class Step:
    """One circle of seats that may serve: all conditions hold together."""

    skills: Skills = ()
    """(skill, least level 1-5), sorted by name."""
    centres: frozenset[str] | None = None
    """GB/T 2260 codes (or sub-centre codes) whose seats may serve; None: any."""
    seats: frozenset[str] | None = None
    """Only these seats (the same seat again, a leader's seat); None: any."""
    seconds: float | None = None
    """Seconds after which the next step opens too; None: never (the last step)."""
    name: str = ""
    """For people: "wenzhou-wu 3 @330300"."""
    kinds: frozenset[str] | None = None
    """Only seats of these kinds; None: `CALLER_KINDS`, or, where `seats` names the seats, any kind."""

    def fits(self, seat: Seat) -> bool:
        """Whether a seat is in this circle."""
        if self.seats is not None and seat.id not in self.seats:
            return False
        kinds = CALLER_KINDS if self.kinds is None and self.seats is None else self.kinds
        if kinds is not None and seat.kind not in kinds:
            return False
        if self.centres is not None and seat.centre not in self.centres:
            return False
        return all(seat.skills.get(name, 0) >= level for name, level in self.skills)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a caller needs of a seat, and its place among callers.

    Without `steps` there is one step: `skills`, in `centre` if given.
    """

    skills: Skills = ()
    priority: float = 0
    """Points; one is worth a minute of waiting (routing.POINT_SECONDS). May be negative (a callback)."""
    centre: str | None = None
    """The home centre: calls from elsewhere count as overflow for a centre's limit."""
    language: str = "zh"
    steps: tuple[Step, ...] = ()
    why: tuple[str, ...] = ()
    """Reasons, as codes with values ("rule:wenzhou", "repeat:2", "mode:surge"), for the timeline."""
    kind: str = "live"
    """live | callback | third (an interpreter or expert for a running call)."""

    def circles(self) -> tuple[Step, ...]:
        """The steps, never empty."""
        if self.steps:
            return self.steps
        centres = frozenset({self.centre}) if self.centre is not None else None
        return (Step(self.skills, centres),)

    def fits(self, seat: Seat) -> bool:
        """Whether a seat may serve this demand, sooner or later."""
        return any(step.fits(seat) for step in self.circles())

    def json(self) -> dict[str, Any]:
        """Plain JSON values, for the journal."""
        steps = [
            {
                "skills": [list(x) for x in s.skills], "centres": _listed(s.centres), "seats": _listed(s.seats),
                "seconds": s.seconds, "name": s.name, "kinds": _listed(s.kinds),
            }
            for s in self.steps
        ]  # fmt: skip
        return {
            "skills": [list(x) for x in self.skills], "priority": self.priority, "centre": self.centre,
            "language": self.language, "steps": steps, "why": list(self.why), "kind": self.kind,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Demand:
        """What `json` wrote, by this version or an older one. Raises KeyError, TypeError or ValueError."""
        steps = tuple(
            held(
                Step(
                    _skills(x["skills"]),
                    _set(x.get("centres")),
                    _set(x.get("seats")),
                    x.get("seconds"),
                    x.get("name", ""),
                    _set(x.get("kinds")),
                )
            )
            for x in map(a_mapping, a_mapping(data).get("steps", ()))
        )
        return held(cls(
            _skills(data["skills"]), data.get("priority", 0), data.get("centre"), data.get("language", "zh"), steps,
            tuple(data.get("why", ())), data.get("kind", "live"),
        ))  # fmt: skip


def _skills(rows: Any) -> Skills:
    return tuple((str(name), int(level)) for name, level in rows if is_number(level) or _wrong())


def _set(items: Any) -> frozenset[str] | None:
    if items is not None and not (isinstance(items, list | tuple) and all(isinstance(x, str) for x in items)):
        _wrong()
    return None if items is None else frozenset(items)


def _wrong() -> bool:
    raise TypeError("a demand's skills or seats are no list of their kind")


def _listed(items: frozenset[str] | None) -> list[str] | None:
    return None if items is None else sorted(items)
