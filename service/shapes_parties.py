"""Calls with several parties and the hotline directory as the console's shapes. Pure translations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

import calls
import console
from routing import NUMBER_ENTRY, CentreTree, Directory, Entry, Matter, RoutingBook, Seat
from routing import Line as OutsideLine

Text2 = console.Text2


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called: of the directory, the floor and the configuration as they are now."""

    directory: Directory
    seats: Mapping[str, Seat]
    book: RoutingBook | None = None

    def entry(self, entry_id: str, zh: str = "") -> Text2:
        """A directory entry's name; `zh`: as it was called when somebody asked for it."""
        one = self.directory.get(entry_id)
        if one is None or (zh and one.zh != zh):
            return _text(zh or entry_id)
        return _text(one.zh, one.en)

    def of(self, kind: str, what: str) -> Text2:
        """The name of a target."""
        match kind:
            case "entry":
                return self.entry(what)
            case "seat":
                seat = self.seats.get(what)
                return _text(seat.name if seat is not None else what)
            case "skill":
                skill = self.book.skills.get(what) if self.book is not None else None
                if skill is None or not (skill.zh or skill.en):
                    return console.caption(f"skill.{what}") or _text(what)
                return _text(skill.zh or skill.en, skill.en)
            case "centre":
                tree: CentreTree | None = self.book.tree if self.book is not None else None
                centre = tree.centres.get(what) if tree is not None else None
                return _text(centre.name if centre is not None else what)
        return _text(what)


def _text(zh: str, en: str = "") -> Text2:
    return Text2(zh=zh, en=en or zh)


# --- Parties ---------------------------------------------------------------------------------------------


def target_of(one: calls.Party) -> console.Target:
    """What was asked for. Of a dialled number its digits: hiding them is the console's work."""
    kind, _, what = one.target.partition(":")
    if kind in ("seat", "skill", "centre", "entry") and what:
        return console.Target(kind=cast(Any, kind), id=what)
    line: OutsideLine | None = one.line
    if line is not None and line.entry != NUMBER_ENTRY:
        return console.Target(kind="entry", id=line.entry)
    if line is not None:
        return console.Target(kind="number", id=line.tries[0].number)
    if one.demand is not None and one.demand.skills:
        return console.Target(kind="skill", id=one.demand.skills[0][0])
    return console.Target(kind="seat", id=one.seat or "?")


def party(one: calls.Party, call: calls.Call | None, names: Names) -> console.Party:
    """A further party; `call`: whose it is, to name who asked."""
    target = target_of(one)
    asking = call.leg(one.asking) if call is not None and one.asking else None
    tries = one.line.tries if one.line is not None else ()
    trying = None
    if tries and one.state == "ringing":
        now = tries[max(0, min(one.tried, len(tries)) - 1)]
        trying = _text(now.number) if target.kind == "number" else names.entry(now.entry, now.name)
    name = names.entry(target.id, one.line.name) if target.kind == "entry" and one.line is not None else None
    rings = one.offer if one.state in ("queued", "ringing") else None
    return console.Party(
        id=one.id, how=cast(Any, one.how), state=cast(Any, one.state.value), why=one.why or None, target=target,
        label=name or names.of(target.kind, target.id), since=one.since, seat=one.seat,
        leg=one.leg or (rings.leg if rings is not None else None),
        asked_by=asking.who if asking is not None else None, tried=one.tried, tries=len(tries), trying=trying,
        deadline=rings.deadline if rings is not None else None,
        emergency=one.how == "emergency" or (one.line is not None and one.line.emergency),
    )  # fmt: skip


def asked(part: str, order: console.PartyOrder, at: float, names: Names, asking: str) -> console.Party:
    """A party that is not in the call yet: its order is taken and will be carried out in a moment."""
    kind, wanted = order.target
    outside = kind in ("entry", "number")
    label = names.of(kind, wanted)
    return console.Party(
        id=part, how=order.how, state="ringing" if outside else "queued", target=console.Target(kind=kind, id=wanted),
        label=label, since=at, asked_by=asking or None, trying=label if outside else None,
    )  # fmt: skip


def asked_emergency(part: str, entry: str, at: float, names: Names) -> console.Party:
    """An emergency line that will ring in a moment."""
    label = names.entry(entry)
    return console.Party(
        id=part, how="emergency", state="ringing", target=console.Target(kind="entry", id=entry), label=label,
        since=at, trying=label, emergency=True,
    )  # fmt: skip


def held_since(call: calls.Call) -> float | None:
    """Since when the caller hears music: when the last one who was with it left its talk."""
    if not call.held:
        return None
    return max((until for leg in call.legs for _, until in leg.heard if until is not None), default=None)


# --- Where it comes from ---------------------------------------------------------------------------------


def origin(call: calls.Call, directory: Directory) -> console.Origin | None:
    """The linked hotline it came in from: by its trunk, else by a number that the directory knows."""
    if call.direction == "out":
        return None
    entry = directory.by_trunk(call.origin) if call.origin else None
    if call.origin and entry is None:
        return console.Origin(label=_text(call.origin))
    by = "trunk"
    if entry is None:
        entry, by = directory.by_number(call.caller_number) if call.caller_number else None, "number"
    if entry is None:
        return None
    return console.Origin(id=entry.id, label=_text(entry.zh, entry.en), by=cast(Any, by))


def context(known: Mapping[str, Any]) -> console.Context | None:
    """What the other hotline told; what is no handover is nothing."""
    if not known:
        return None
    try:
        one = console.Handover.model_validate(dict(known))
    except ValidationError:
        return None
    place = one.region
    region = None
    if place.name or place.code:
        region = console.Region(code=place.code or None, name=place.name or place.code)
    return console.Context(
        hotline=one.hotline.name or None, issued_at=one.issued_at,
        caller=console.Caller(number=one.caller.number or None, name=one.caller.name or None),
        kind=one.kind, title=one.title or None, summary=one.summary or None, region=region,
        address=place.address or None, language=one.language or None, urgent=one.urgent, emergency=one.emergency,
        callback=one.callback.wanted, callback_number=one.callback.number or None, earlier=len(one.earlier),
    )  # fmt: skip


# --- The directory ---------------------------------------------------------------------------------------


def directory(known: Directory, now: float) -> console.Directory:
    """All entries, as configured, emergency lines first."""
    digits = {entry: digit for digit, entry in known.emergency_digits.items()}
    rows = sorted(known.entries, key=lambda one: not one.emergency)
    return console.Directory(
        items=[_entry(one, known, digits.get(one.id), now) for one in rows], numbers=bool(known.dialable)
    )


def _entry(one: Entry, known: Directory, digit: str | None, now: float) -> console.DirectoryEntry:
    state = known.state(one, now)
    tries = len(known.line(one.id, now).tries) if state == "ready" else 0
    return console.DirectoryEntry(
        id=one.id, kind=one.kind, name=_text(one.zh, one.en), numbers=list(one.numbers), region=one.region or None,
        enabled=state == "ready", reason=None if state == "ready" else cast(Any, state), open=known.is_open(one, now),
        hours=one.hours_text or None, changes_at=known.next_change(one, now), emergency=one.emergency, digit=digit,
        matters=[*map(_matter, one.takes), *map(_matter, one.refers)], fallback=one.fallback or None, tries=tries,
        context=one.protocol != "none",
    )  # fmt: skip


def _matter(one: Matter) -> console.Matter:
    return console.Matter(text=_text(one.zh, one.en), takes=not one.to, other=one.to or None, codes=list(one.codes))
