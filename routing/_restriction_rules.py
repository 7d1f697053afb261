"""What a restriction (限制名单) of a malicious caller is, and the rules it follows (Art. 11, 18). Pure values."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ._facts import national
from ._plain import a_mapping, checks_of, held, hold

DAY = 86_400.0
PROPOSED, ACTIVE = "proposed", "active"
ENDED = frozenset({"rejected", "withdrawn", "lapsed", "lifted", "expired", "replaced"})
"""States that are never left again. lapsed: nobody reviewed the proposal in time; replaced: by a newer one."""
REASONS = ("abuse", "threat", "obscene", "occupying", "false-report", "other")
ANNOUNCE, QUEUE_LAST = "announce", "queue-last"
VARIANTS = (ANNOUNCE, QUEUE_LAST)
"""Told why and released; let in, but behind everybody else."""
LONGEST_EVER = 366 * DAY
"""No row says more, whatever is configured."""
SHORTEST_NUMBER = 7
"""Digits: what is shorter is a service (110, 12315), never a caller of its own."""
MOST_MARKS = 500
MOST_CALLS = 50
MOST_TURNED = 100


class RestrictionError(ValueError):
    """An order that is refused; `code` says why. Never holds the number.

    no-number | not-restrictable | already-proposed | too-long | restrictions-full | second-person | not-proposed |
    not-in-force | restriction-over | note-missing | history-full.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"restriction list: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class RestrictionRules:
    """How long, how often looked at again. Raises ValueError for rules that cannot work."""

    default_days: float = 7.0
    longest_days: float = 30.0
    """A restriction never lasts longer; to go on is a new proposal, with its own two persons."""
    review_days: float = 2.0
    """It is looked at again so long before its end; a short one at its half."""
    propose_days: float = 3.0
    """A proposal that nobody has reviewed by then is void."""
    keep_days: float = 1_095.0
    """How long an ended entry, with its history, stays in the list."""
    queue_priority: float = -60.0
    """Points of a caller who is let in last: one is worth a minute of waiting."""
    max_entries: int = 10_000
    """Proposed and in force; more are refused."""
    area_code: str = ""
    """Put before numbers of 7 or 8 digits: the exchange may leave it out within the city."""

    def __post_init__(self) -> None:
        if not 0 < self.default_days <= self.longest_days <= LONGEST_EVER / DAY:
            raise ValueError("default_days must be more than 0, and longest_days between it and 366")
        if self.review_days < 0 or self.propose_days <= 0 or self.keep_days < 0 or self.max_entries < 1:
            raise ValueError("review_days and keep_days must be 0 or more, propose_days and max_entries more than 0")

    def normal(self, number: str) -> str:
        """The one form in which a number is kept and compared; empty: not a caller's number.

        "+86 138…", "0086138…", "0138…" and "138…" are one; a city number has its area code.
        """
        digits = national(number)
        if self.area_code and 7 <= len(digits) <= 8 and digits[0] in "23456789":
            digits = self.area_code + digits
        return digits if digits.isascii() and digits.isdigit() and digits.strip("0") and len(digits) <= 24 else ""

    def review_at(self, begins: float, until: float) -> float:
        """When somebody looks whether it is still needed."""
        return until - min(self.review_days * DAY, (until - begins) / 2)


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of an entry's history: who did what, when."""

    at: float
    what: str
    """proposed | confirmed | rejected | kept | lifted | appealed | bundle | withdrawn | lapsed | expired | replaced."""
    who: str = ""
    """Empty: by itself."""
    role: str = ""
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Restriction:
    """One number that is, was or may be restricted. Times are unix seconds."""

    id: str
    number: str = field(repr=False)
    """In the normal form."""
    reason: str
    seconds: float
    """How long it lasts from its confirmation on."""
    proposed_at: float
    proposed_by: str
    variant: str = ANNOUNCE
    note: str = field(default="", repr=False)
    heard_as: str = field(default="", repr=False)
    """The number as the call brought it: calls in the books are found by it."""
    calls: tuple[str, ...] = ()
    """The evidence: calls it rests on."""
    state: str = PROPOSED
    begins_at: float = 0.0
    until: float = 0.0
    review_at: float | None = None
    appealed_at: float | None = None
    """Since when an appeal waits for its answer."""
    ended_at: float | None = None
    hits: int = 0
    last_hit: float | None = None
    turned: tuple[str, ...] = ()
    """The last calls that met it."""
    marks: tuple[Mark, ...] = ()

    def in_force(self, now: float) -> bool:
        """Whether it holds at this moment, whoever has tidied up or not."""
        return self.state == ACTIVE and self.begins_at <= now < self.until

    def review_due(self, now: float) -> bool:
        """Whether somebody should look at it: it was appealed against, or its date has come."""
        due = self.review_at is not None and self.review_at <= now
        return self.in_force(now) and (due or self.appealed_at is not None)

    def json(self) -> dict[str, Any]:
        """Plain JSON values, for the journal."""
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        row["calls"], row["turned"] = list(self.calls), list(self.turned)
        row["marks"] = [[m.at, m.what, m.who, m.role, m.note] for m in self.marks]
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Restriction:
        """What `json` wrote, by any version: unknown fields are passed over. Raises KeyError, TypeError, ValueError."""
        row = a_mapping(row)
        known = {f.name: row[f.name] for f in fields(cls) if f.name in row}
        known["marks"] = tuple(_mark(one) for one in known.get("marks", ()))
        hold(known, checks_of(cls))
        known["calls"], known["turned"] = tuple(known.get("calls", ())), tuple(known.get("turned", ()))
        entry = held(cls(**known))
        if entry.state not in (PROPOSED, ACTIVE) and entry.state not in ENDED:
            raise ValueError("an entry in a state that this version does not know")
        if not entry.number or entry.until - entry.begins_at > LONGEST_EVER + 1 or entry.variant not in VARIANTS:
            raise ValueError("an entry that no version of ours has written")
        return entry


def _mark(row: Any) -> Mark:
    at, what, who, role, note = row
    return held(Mark(at, what, who, role, note))


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: letter case, width and blanks make no second pair of eyes."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
