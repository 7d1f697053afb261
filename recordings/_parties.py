"""Who may have said what the caller heard: spans in which a party was there, marks of who spoke.

The right channel of a recording mixes all whom the caller heard. The switch's talk detector marks who spoke while
more than one was there; where the marks do not tell one voice from the other, nobody is named.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from .errors import BadJobError

SEAT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LINE = re.compile(r"line\.[A-Za-z0-9._-]{1,64}")  # "line." and the entry's id in the hotline directory
_KINDS = ("seat", "third", "line")
# A call of a day with a hold every minute stays below these; more is no call but an attack on the worker.
_MAX_SPANS, _MAX_MARKS = 2_000, 20_000
_LATE = 0.4
"""Seconds by which a mark may miss a word's middle: a detector needs some speech before it says so."""

PartyKind = Literal["seat", "third", "line"]


@dataclass(frozen=True, slots=True)
class Span:
    """A time during which a seat was joined: seconds from the start of the recording."""

    start: float
    end: float
    seat: str


@dataclass(frozen=True, slots=True)
class PartySpan:
    """A time during which a party was in the talk with the caller: seconds from the start of the recording.

    Attributes:
        who: the seat's id, or "line." and the entry of the hotline directory.
        kind: seat (the one that serves the call), third (a seat that came in addition), line (outside).
    """

    start: float
    end: float
    who: str
    kind: PartyKind


@dataclass(frozen=True, slots=True)
class Mark:
    """A time during which the switch heard a party speak: seconds from the start of the recording."""

    start: float
    end: float
    who: str


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose words they are: a party, or nobody (`who` and `kind` None) where it is not known."""

    who: str | None = None
    kind: PartyKind | None = None

    @property
    def seat(self) -> str | None:
        """The seat's id, None for outside lines and where it is not known."""
        return self.who if self.kind != "line" else None


UNKNOWN = Voice()


def seconds(value: Any, what: str) -> float:
    """A plain finite number of seconds.

    Raises:
        BadJobError: naming `what`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise BadJobError(f"{what}: expected seconds")
    if abs(value) > 1e11:
        raise BadJobError(f"{what}: out of range")
    return float(value)


def _finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def seats_of(value: Any) -> tuple[Span, ...]:
    """The job's `seats`: a list of [start, end, seat]; empty spans are left out. Raises BadJobError."""
    spans = []
    for i, (start, end, seat) in enumerate(_rows(value, "seats", "[start, end, seat]", _MAX_SPANS)):
        if not isinstance(seat, str) or not SEAT_ID.fullmatch(seat):
            raise BadJobError(f"job.seats[{i}]: bad seat id")
        a, b = (seconds(v, f"job.seats[{i}]") for v in (start, end))
        if b > a:  # joined and left within the same moment: nothing to hear
            spans.append(Span(a, b, seat))
    return tuple(spans)


def parties_of(value: Any) -> tuple[PartySpan, ...]:
    """The job's `parties`: a list of [start, end, who, kind]; empty spans are left out. Raises BadJobError."""
    spans = []
    for i, (start, end, who, kind) in enumerate(_rows(value, "parties", "[start, end, who, kind]", _MAX_SPANS)):
        if kind not in _KINDS:
            raise BadJobError(f"job.parties[{i}]: expected a kind of {_KINDS}")
        if not isinstance(who, str) or not (_LINE if kind == "line" else SEAT_ID).fullmatch(who):
            raise BadJobError(f"job.parties[{i}]: bad id of the party")
        a, b = (seconds(v, f"job.parties[{i}]") for v in (start, end))
        if b > a:
            spans.append(PartySpan(a, b, who, cast(PartyKind, kind)))
    return tuple(spans)


def marks_of(value: Any) -> tuple[Mark, ...]:
    """The job's `spoke`: a list of [start, end, who], in any order, overlapping or not. Marks of nobody (`who` empty:
    the caller, a leg that is not known any more) are left out: they tell nothing. Raises BadJobError."""
    marks = []
    for i, (start, end, who) in enumerate(_rows(value, "spoke", "[start, end, who]", _MAX_MARKS)):
        if who is None or who == "":
            continue
        if not isinstance(who, str) or not (SEAT_ID.fullmatch(who) or _LINE.fullmatch(who)):
            raise BadJobError(f"job.spoke[{i}]: bad id of the party")
        a, b = (seconds(v, f"job.spoke[{i}]") for v in (start, end))
        if b > a:
            marks.append(Mark(a, b, who))
    return tuple(marks)


def _rows(value: Any, name: str, shape: str, most: int) -> list[list[Any]]:
    width = shape.count(",") + 1
    if not isinstance(value, list) or any(not isinstance(row, list) or len(row) != width for row in value):
        raise BadJobError(f"job.{name}: expected a list of {shape}")
    if len(value) > most:
        raise BadJobError(f"job.{name}: more than {most}")
    return value


def heard_spans(seats: Sequence[Span], parties: Sequence[PartySpan]) -> tuple[PartySpan, ...]:
    """Who was in the talk when. A seat that `parties` does not name keeps its span of `seats`: such jobs are of a
    call that began under an earlier version, which knew no hold."""
    known = {p.who for p in parties}
    return (*parties, *(PartySpan(s.start, s.end, s.seat, "seat") for s in seats if s.seat not in known))


class Speakers:
    """Answers whose a word is.

    Args:
        spans: who was in the talk with the caller when.
        marks: who spoke when; those of parties who are in no span are passed over.
    """

    def __init__(self, spans: Sequence[PartySpan], marks: Sequence[Mark] = ()) -> None:
        self._spans = spans
        self._there = _Timeline((s.start, s.end, s.who) for s in spans)
        self._kinds = {s.who: s.kind for s in spans}
        self._spoke = _Timeline((m.start, m.end, m.who) for m in marks if m.who in self._kinds)

    def of(self, start: float, end: float) -> Voice:
        """Whose voice a word from `start` to `end` is.

        The only party there, else the only one that spoke at its middle, else the only one that spoke within 0.4 s of
        it. In a short gap between two spans: the nearest.
        """
        middle = (start + end) / 2
        there = self._there.at(middle)
        if not there and self._spans:
            there = frozenset({min(self._spans, key=lambda s: min(abs(s.start - middle), abs(s.end - middle))).who})
        if len(there) > 1:
            spoke = self._spoke.at(middle) & there
            there = spoke or self._spoke.within(middle - _LATE, middle + _LATE) & there
        if len(there) != 1:
            return UNKNOWN
        (who,) = there
        return Voice(who, self._kinds[who])


class _Timeline:
    """Which names hold at a moment; each [from, until) span is given once, in any order."""

    def __init__(self, spans: Iterable[tuple[float, float, str]]) -> None:
        edges = sorted((t, step, name) for a, b, name in spans for t, step in ((a, 1), (b, -1)))
        self._times: list[float] = []
        self._names: list[frozenset[str]] = []
        count: dict[str, int] = {}
        for t, step, name in edges:
            count[name] = count.get(name, 0) + step
            if not count[name]:
                del count[name]
            if self._times and self._times[-1] == t:
                self._names[-1] = frozenset(count)
            else:
                self._times.append(t)
                self._names.append(frozenset(count))

    def at(self, t: float) -> frozenset[str]:
        i = bisect_right(self._times, t)
        return self._names[i - 1] if i else frozenset()

    def within(self, a: float, b: float) -> frozenset[str]:
        first, last = bisect_right(self._times, a), bisect_right(self._times, b)
        return frozenset().union(*self._names[max(0, first - 1) : last])
