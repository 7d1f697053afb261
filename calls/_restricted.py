"""What a caller on the restriction list meets (routing.RestrictionBook). Part of the host; no I/O.

Never turned away: who was put through by 110, 119, 120 or another hotline (it came over a trunk of the directory, or
to a number that only emergency lines dial), and who shows no number. Keys of emergency lines work in the announcement
(calls._advice).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from routing import TRUNK_PREFIX, Demand, Directory, Restriction, RestrictionBook

from . import _words as words
from . import events as e
from .model import Call

TURNED = "restricted"
HOUR, DAY = 3600.0, 86_400.0


def restricted(
    book: RestrictionBook, digits: Mapping[str, str], safe: Collection[str], event: e.Arrived, now: float
) -> e.Arrived:
    """The gate: the arrival, turned away with its announcement if the list says so now; a hit is counted.

    Args:
        book: the list.
        digits: emergency keys, key → directory entry.
        safe: dialled numbers that only emergency lines use.
        event: the arrival.
        now: unix seconds.
    """
    if event.origin.startswith(TRUNK_PREFIX) or event.dialled in safe or not event.number:
        return event
    entry = book.hit(event.number, event.call, now)
    if entry is None or entry.variant != "announce":
        return event
    return replace(event, turned=TURNED, turned_words=announcement(entry, digits, now))


def announcement(entry: Restriction, digits: Mapping[str, str], now: float) -> tuple[str, ...]:
    """Why, how long, where an emergency goes, how to appeal; then why in English, short."""
    said = ("restricted-why", *_left(entry.until - now), "restricted-emergency", *words.emergency_offer(digits))
    return words.files("zh", *said, "restricted-appeal") + words.files("en", "restricted-short")


def _left(seconds: float) -> tuple[str, ...]:
    """ "限制还有三天解除": whole days or hours, rounded up, so that nobody is told too little."""
    if seconds <= HOUR:
        return ("restricted-soon",)
    if seconds <= DAY:
        return ("restricted-left", *words.number(int(-(-seconds // HOUR))), "restricted-hours")
    days = int(-(-seconds // DAY))
    return ("restricted-left", *words.number(days), "restricted-days") if days <= 99 else ("restricted-months",)


def last_in_line(book: RestrictionBook, call: Call, demand: Demand, now: float) -> Demand:
    """The demand of a caller who is let in behind everybody else; others' as it is."""
    if call.direction != "in" or call.origin.startswith(TRUNK_PREFIX) or not call.caller_number:
        return demand
    entry = book.of_number(call.caller_number, now)
    if entry is None or entry.variant != "queue-last":
        return demand
    return replace(demand, priority=demand.priority + book.rules.queue_priority)


def protected(book: RestrictionBook, directory: Directory, own: Collection[str]) -> frozenset[str]:
    """Numbers that are never restricted: our own, and those of the hotlines we are linked with."""
    known = [*own, *(number for entry in directory.entries for number in entry.numbers)]
    return frozenset(book.rules.normal(number) for number in known)
