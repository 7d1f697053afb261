"""The part of the desk in memory that takes orders to a call with several parties, and has a directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._captions import caption
from ._ports import RefusedError
from ._schema import Call, Leg, LiveCall, Party, Target, Text2
from ._schema_floor import Choices, Seat
from ._schema_parties import Directory, DirectoryEntry, PartyOrder

FULL = 6
OPEN = ("queued", "ringing", "joined")


def plain(text: str) -> Text2:
    """A name that is the same in both languages."""
    return Text2(zh=text, en=text)


class FakeParties:
    """See :class:`console.Desk` for what each method promises; the rest is given by the whole desk.

    Attributes:
        book: the directory.
        ordered: every order as it arrived: (what, call, its arguments).
    """

    clock: Callable[[], float]
    menus: Choices
    _calls: dict[str, Call]
    _seats: dict[str, Seat]

    def __init__(self) -> None:
        self.book = Directory()
        self.ordered: list[tuple[str, str, dict[str, Any]]] = []
        self._keys: dict[tuple[str, str], str] = {}
        self._parts = 0

    async def put(self, *subjects: Any) -> None:
        """Keep each subject and tell it."""
        raise NotImplementedError

    async def live_call(self, call_id: str) -> LiveCall | None:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None or call.state == "ended":
            return None
        return LiveCall(**{name: getattr(call, name) for name in LiveCall.model_fields})

    async def directory(self) -> Directory:
        """See :class:`console.Desk`."""
        return self.book

    # --- orders ---

    async def want_party(self, call_id: str, order: PartyOrder, *, asking: str, by: str, key: str) -> Party | None:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return None
        kind, wanted = order.target
        asked = {"how": order.how, kind: wanted, **_noted(order.note), "asking": asking, "by": by, "key": key}
        self.ordered.append(("party", call_id, asked))
        known = self._known(call, key)
        if known is not None:
            return known
        _talking(call)
        if 2 + len([one for one in call.parties if one.state in OPEN]) > FULL - 1:
            raise RefusedError("full")
        self._parts += 1
        fields: dict[str, Any] = {"state": "queued", "label": plain(wanted)}
        if kind == "entry":
            fields = self._line(self._entry(wanted))
        elif kind == "number":
            if not self.book.numbers:
                raise RefusedError("number-not-allowed")
            fields = {"state": "ringing", "tries": 1, "tried": 1}
            fields |= {"label": plain(wanted), "trying": plain(wanted)}
        elif kind == "seat":
            fields = {"state": "ringing", "seat": wanted, "label": plain(self._free(wanted).name)}
        elif kind == "skill":
            if wanted not in self.menus.third:
                raise RefusedError("nobody-has-skill")
            fields["label"] = caption(f"skill.{wanted}") or plain(wanted)
        else:
            fields["label"] = plain(next((one.name for one in self.menus.centres if one.code == wanted), wanted))
        party = Party(
            id=f"n{self._parts}", how=order.how, target=Target(kind=kind, id=wanted), since=self.clock(),
            asked_by=asking or None, **fields,
        )  # fmt: skip
        return await self._begin(call, party, key)

    async def drop_party(self, call_id: str, part: str, *, by: str, key: str) -> bool:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        self.ordered.append(("drop", call_id, {"part": part, "by": by, "key": key}))
        party = next((one for one in call.parties if one.id == part), None)
        if party is None:
            raise RefusedError("no-party")
        if party.state in ("left", "failed"):
            raise RefusedError("too-late")
        if party.state in OPEN:
            await self.change(call_id, part, state="left" if party.state == "joined" else "withdrawn", why="withdrawn")
        return True

    async def arrange(self, call_id: str, what: str, *, seat: str, by: str, key: str) -> bool:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        self.ordered.append(("arrange", call_id, {"what": what, "seat": seat, "by": by, "key": key}))
        if key and (call_id, key) in self._keys:
            return True
        _talking(call)
        aside = [leg.id for leg in call.legs if leg.kind != "seat" and leg.room == "side" and leg.state == "joined"]
        mine = next((leg for leg in call.legs if leg.ended_at is None and leg.who == (seat or call.seat)), None)
        if mine is None:
            raise RefusedError("not-joined")
        if what in ("join", "swap", "complete", "return") and not aside:
            raise RefusedError("not-in-consult")
        if what == "resume" and not call.held:
            raise RefusedError("nothing-held")
        legs, held = list(call.legs), call.held
        if what in ("mute", "unmute"):
            legs = _each(legs, [mine.id], muted=what == "mute")
        elif what in ("hold", "resume"):
            held = what == "hold"
            legs = _each(legs, [mine.id], room="side" if held else "talk")
        elif what == "swap":
            held = mine.room == "talk"
            legs = _each(legs, [mine.id], room="side" if held else "talk")
        else:
            held = False
            legs = _each(legs, [mine.id, *([] if what == "return" else aside)], room="talk")
            gone = {"complete": [mine.id], "leave": [mine.id], "return": aside}.get(what, [])
            legs = _each(legs, gone, state="gone", ended_at=self.clock())
        self._keys[call_id, key] = ""
        changed = _held(call.model_copy(update={"legs": legs}), held, self.clock())
        await self.put(changed)
        if what == "return":
            for party in call.parties:
                if party.leg in aside:
                    await self.change(call_id, party.id, state="left", why="withdrawn")
        return True

    async def emergency(self, call_id: str, entry: str, *, by: str, key: str, note: str = "") -> Party | None:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return None
        self.ordered.append(("emergency", call_id, {"entry": entry, **_noted(note), "by": by, "key": key}))
        known = self._known(call, key)
        if known is not None:
            return known
        if call.state in ("wrap_up", "ended", "due", "preview"):
            raise RefusedError("no-caller")
        found = self._entry(entry)
        if not found.emergency:
            raise RefusedError("no-entry")
        self._parts += 1
        party = Party(
            id=f"n{self._parts}", how="emergency", target=Target(kind="entry", id=entry), since=self.clock(),
            asked_by=call.seat, emergency=True, deadline=self.clock() + 10, **self._line(found),
        )  # fmt: skip
        return await self._begin(call, party, key)

    async def supervise(self, call_id: str, mode: str, seat: str, *, by: str, key: str) -> bool:
        """See :class:`console.Desk`."""
        call = self._calls.get(call_id)
        if call is None:
            return False
        self.ordered.append(("supervise", call_id, {"mode": mode, "seat": seat, "by": by, "key": key}))
        there = next((leg for leg in call.legs if leg.who == seat and leg.ended_at is None), None)
        now = self.clock()
        if there is None:
            if mode == "stop":
                raise RefusedError("not-joined")
            _talking(call)
            self._free(seat)
            there = Leg(id=f"{call_id}~{seat}~{len(call.legs)}", kind="observer", who=seat, state="joined",
                        started_at=now, joined_at=now)  # fmt: skip
        legs = [leg for leg in call.legs if leg.id != there.id]
        changes: dict[str, Any] = {"mode": mode}
        if mode == "stop":
            changes = {"state": "gone", "ended_at": now}
        elif mode in ("barge", "takeover"):
            changes = {"kind": "third" if mode == "barge" else "seat", "mode": None, "room": "talk"}
        if mode == "takeover":
            mine = [leg.id for leg in legs if leg.kind == "seat" and leg.ended_at is None]
            legs = _each(legs, mine, state="gone", ended_at=now)
            call = call.model_copy(update={"seat": seat})
        await self.put(call.model_copy(update={"legs": [*legs, there.model_copy(update=changes)]}))
        return True

    # --- what becomes of it: for tests and for work on the page ---

    async def change(self, call_id: str, part: str, **changes: Any) -> Party:
        """The party as it has become, told; its leg follows. E.g. ``state="joined"``, ``state="failed", why="busy"``,
        ``tried=2``."""
        call, now = self._calls[call_id], self.clock()
        before = next(one for one in call.parties if one.id == part)
        party = before.model_copy(update=changes)
        legs, held = list(call.legs), call.held
        leg = party.leg or f"{call_id}~{part}"
        mine = [one.id for one in legs if one.kind == "seat" and one.ended_at is None]
        if party.state == "joined" and before.state != "joined":
            party = party.model_copy(update={"why": None, "deadline": None, "trying": None})
            room = "side" if party.how == "consult" else "talk"
            legs = _each(legs, [leg], state="joined", joined_at=now, room=room)
            if party.how == "transfer":
                legs, held = _each(legs, mine, state="gone", ended_at=now), False
        elif party.state not in OPEN and before.state in OPEN:
            party = party.model_copy(update={"deadline": None, "trying": None})
            legs = _each(legs, [leg], state="gone", ended_at=now, cause=party.why)
            if party.how in ("consult", "transfer"):
                # Together again: the seat is back with the caller.
                legs, held = _each(legs, mine, room="talk"), False
        parties = [party if one.id == part else one for one in call.parties]
        await self.put(_held(call.model_copy(update={"parties": parties, "legs": legs}), held, now))
        return party

    async def _begin(self, call: Call, party: Party, key: str) -> Party:
        now = self.clock()
        legs, held = list(call.legs), call.held
        if party.state == "ringing":
            who = party.seat or f"line.{party.target.id if party.target.kind == 'entry' else 'number'}"
            party = party.model_copy(update={"leg": f"{call.id}~{party.id}"})
            legs.append(
                Leg(id=f"{call.id}~{party.id}", kind="third" if party.seat else "line", who=who, state="ringing",
                    started_at=now, room="side" if party.how == "consult" else "talk")
            )  # fmt: skip
        if party.how in ("consult", "transfer"):
            held = True
            legs = _each(legs, [leg.id for leg in legs if leg.kind == "seat"], room="side")
        self._keys[call.id, key] = party.id
        changes: dict[str, Any] = {"parties": [*call.parties, party], "legs": legs}
        await self.put(_held(call.model_copy(update=changes), held, now))
        return party

    def _known(self, call: Call, key: str) -> Party | None:
        part = self._keys.get((call.id, key)) if key else None
        return next((one for one in call.parties if one.id == part), None)

    def _entry(self, entry: str) -> DirectoryEntry:
        found = next((one for one in self.book.items if one.id == entry), None)
        if found is None:
            raise RefusedError("no-entry")
        if not found.enabled:
            raise RefusedError("entry-closed" if found.reason == "closed" else "entry-disabled")
        return found

    def _line(self, entry: DirectoryEntry) -> dict[str, Any]:
        fields = {"state": "ringing", "label": entry.name, "trying": entry.name}
        return {**fields, "tries": max(1, entry.tries), "tried": 1}

    def _free(self, seat: str) -> Seat:
        found = self._seats.get(seat)
        if found is None:
            raise RefusedError("no-such-seat")
        if found.state != "available":
            raise RefusedError("seat-busy")
        return found


def _noted(note: str) -> dict[str, str]:
    return {"note": note} if note else {}


def _talking(call: Call) -> None:
    if call.state in ("wrap_up", "ended"):
        raise RefusedError("too-late")
    if call.state != "talking":
        raise RefusedError("not-talking")


def _each(legs: list[Leg], which: list[str], **changes: Any) -> list[Leg]:
    return [leg.model_copy(update=changes) if leg.id in which and leg.ended_at is None else leg for leg in legs]


def _held(call: Call, held: bool, now: float) -> Call:
    if held == call.held:
        return call
    return call.model_copy(update={"held": held, "held_since": now if held else None})
