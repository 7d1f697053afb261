"""What persons order of a call's further parties: who is to come, who is with whom, who listens. Part of the engine.

Every order is checked against the books of now and refused with a reason, or becomes one event, journalled with the
next turn. An order with an idempotency key that the call knows already returns what it returned the first time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from routing import Demand, Dispatcher, Line, Seat, SeatState, Step

from . import events as e
from ._errors import OrderError
from ._parties import pending
from ._rooms import inside
from .host import Host
from .model import MAX_PARTIES, OUTBOUND, SIDE, TALK, Call, CallState, Leg, LegState
from .reconcile import leg_id

S = CallState
HOWS = ("join", "consult", "transfer", "emergency")
MODES = ("listen", "whisper", "barge", "takeover", "stop")
_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,199}")


class PartyOrders:
    """Mixed into the engine: one owner, one event loop. Every method raises OrderError; see its codes there."""

    calls: dict[str, Call]
    dispatcher: Dispatcher
    host: Host | None
    _clock: Callable[[], float]
    _ordered: dict[tuple[str, str], str]
    """(call, key) → result of orders whose event waits for its turn."""
    _parts: int
    _inbox: deque[e.Input]

    def feed(self, events: Iterable[e.Input]) -> None:
        """See Engine.feed."""
        raise NotImplementedError

    # ------------------------------------------------------------------ who is to come
    def want_party(
        self, call_id: str, how: str, *, seat: str = "", skill: str = "", centre: str = "", entry: str = "",
        number: str = "", by: str = "", key: str = "", asking: str = "", note: str = "",
    ) -> str:  # fmt: skip
        """A further party: joined to all, consulted in private, or given the call (blind transfer).

        Args:
            call_id: the running call.
            how: join | consult | transfer | emergency.
            seat: this seat of ours, if it is free; or one of:
            skill: whoever has it.
            centre: whoever serves there.
            entry: of the hotline directory.
            number: outside the directory, as far as its allow-list goes; with `entry`, one of that entry's.
            by: who orders, for the timeline.
            key: idempotency key.
            asking: the ordering seat; empty: the seat in charge.
            note: the seat's word for the next hotline; kept in the handover alone, and only if the line has one.

        Returns:
            The party's id; of a transfer to a skill or centre, which goes by the queue, "queue".
        """
        call = self._talking(call_id, key) if how != "emergency" else self._call(call_id, key)
        if isinstance(call, str):
            return call
        if how not in HOWS:
            raise OrderError("bad-order", f"a party joins, is consulted, transferred to or an emergency, not {how!r}")
        given = [x for x in (seat, skill, centre, entry or number) if x]
        if len(given) != 1:
            raise OrderError("bad-order", "name one target: a seat, a skill, a centre, a directory entry or a number")
        if how == "emergency":
            return self.emergency(call_id, entry, by=by, key=key, note=note)
        leg = self._leg_of(call, asking)
        if how == "transfer" and (skill or centre):
            return self._requeue(call, leg, skill, centre, by, key)
        self._room_for_one_more(call)
        part = self._part(call)
        if entry or number:
            line = self._line(entry, number, call, by, note)
            target = f"entry:{entry}" if entry else "number"
            event = e.PartyWanted(call.id, part, how, None, line.json(), by, leg.id, target, key=key)
        else:
            demand, until = self._demand(call, seat, skill, centre)
            target = f"seat:{seat}" if seat else f"skill:{skill}" if skill else f"centre:{centre}"
            event = e.PartyWanted(call.id, part, how, demand.json(), None, by, leg.id, target, until, key)
        return self._give(call, key, part, event)

    def emergency(self, call_id: str, entry: str, *, by: str = "", key: str = "", note: str = "") -> str:
        """An emergency line (Art. 11) at once, in any state in which the caller is on the line: it rings while the
        talk, the waiting, the flow goes on, and joins; `note` as in `want_party`. Returns the party's id; the one that
        rings already, if so."""
        call = self._call(call_id, key)
        if isinstance(call, str):
            return call
        if call.state in OUTBOUND or call.ended_at is not None:
            code = "no-caller" if call.state in OUTBOUND else "too-late"
            raise OrderError(code, "the caller is not on the line")
        there = next((p for p in call.parties if p.target == f"entry:{entry}" and (
            p in pending(call) or p.state == "joined")), None)  # fmt: skip
        if there is not None:
            return there.id
        asked = next((x for x in self._inbox if isinstance(x, e.PartyWanted) and x.call == call.id
                      and x.target == f"entry:{entry}" and x.how == "emergency"), None)  # fmt: skip
        if asked is not None:
            return asked.part
        outside = self._hosted_parties().outside
        event = outside.emergency(call, entry, by, self._clock(), key, self._part(call), note)
        return self._give(call, key, event.part, event)

    def drop_party(self, call_id: str, part: str, *, by: str = "", key: str = "") -> None:
        """It is not wanted any more: it stops ringing, or leaves."""
        call = self._call(call_id, key)
        if isinstance(call, str):
            return
        party = call.party(part)
        if party is None:
            raise OrderError("no-party", "this call has no such party")
        if party not in pending(call) and party.state != "joined":
            raise OrderError("too-late", "this party has left, or was never reached")
        self._give(call, key, "", e.PartyUnwanted(call.id, part, by, key))

    # ------------------------------------------------------------------ who is with whom
    def arrange(self, call_id: str, what: str, *, seat: str = "", by: str = "", key: str = "") -> None:
        """join | swap | complete | return | hold | resume | mute | unmute | leave, for a seat's leg (`seat`; empty:
        the seat in charge)."""
        call = self._talking(call_id, key)
        if isinstance(call, str):
            return
        leg = self._leg_of(call, seat)
        others = [x for x in call.talkers if x.id != leg.id]
        aside = [x for x in others if x.room == SIDE]
        rings = [p for p in pending(call) if p.private and p.asking == leg.id]
        match what:
            case "hold":
                if leg.room == SIDE:
                    raise OrderError("bad-order", "the seat is aside already")
            case "resume":
                if leg.room == TALK:
                    raise OrderError("nothing-held", "the seat is with the caller already")
            case "join" | "swap":
                if not aside:
                    raise OrderError("not-in-consult", "nobody is being consulted")
            case "complete":
                if not others and not rings:
                    raise OrderError("not-in-consult", "there is nobody to leave the caller to")
            case "return":
                if not rings and not aside and leg.room == TALK:
                    raise OrderError("not-in-consult", "the seat is with the caller already")
            case "leave":
                if not [x for x in others if x in inside(call)]:
                    raise OrderError("not-joined", "the caller would be alone: end the talk, or transfer it")
            case "mute" | "unmute":
                pass
            case _:
                raise OrderError("bad-order", f"no such arrangement: {what!r}")
        self._give(call, key, "", e.Arranged(call.id, what, leg.id, by, key))

    # ------------------------------------------------------------------ who listens
    def supervise(self, call_id: str, mode: str, seat: str, *, by: str = "", key: str = "") -> None:
        """A supervisor at the phone of `seat`: listen | whisper (to the seat) | barge | takeover | stop."""
        call = self._talking(call_id, key)
        if isinstance(call, str):
            return
        if mode not in MODES:
            raise OrderError("bad-order", f"no such way to supervise: {mode!r}")
        own = self.dispatcher.seats.get(seat)
        if own is None:
            raise OrderError("no-such-seat", "there is no such seat")
        there = next((x for x in call.legs if x.who == seat and x.state is not LegState.GONE), None)
        came_in = call.party_of(there.id) if there is not None and there.kind == "third" else None
        if mode == "stop":
            if came_in is not None:
                self._give(call, key, "", e.PartyUnwanted(call.id, came_in.id, by, key))
                return
            if there is None or there.kind != "observer":
                raise OrderError("not-joined", "this supervisor does not listen")
        elif there is not None and there.kind != "observer":
            raise OrderError("supervisor-busy", "this supervisor talks with the caller")
        elif there is None and self._is_busy(own):
            raise OrderError("supervisor-busy", "the supervisor's phone is busy with another call")
        beside = call.main_seat
        if beside is None and mode != "stop":
            raise OrderError("not-talking", "no seat of ours talks with the caller")
        if mode in ("barge", "takeover"):
            self._room_for_one_more(call)
        name = there.id if there is not None else leg_id(call.id, seat, call.offers + len(self._ordered) + 1)
        event = e.ObserverWanted(call.id, seat, name, beside.id if beside else "", own.phone, mode, by, key)
        self._give(call, key, name, event)

    def _is_busy(self, seat: Seat) -> bool:
        """Whether its phone is in use, by an offer or a talk or as another call's observer."""
        if seat.state in (SeatState.OFFERED, SeatState.RINGING, SeatState.TALKING):
            return True
        return any(x.who == seat.id and x.state is not LegState.GONE for call in self.calls.values() for x in call.legs)

    # ------------------------------------------------------------------ checks
    def _hosted_parties(self) -> Host:
        if self.host is None:
            raise OrderError("no-routing", "this instance has no routing book")
        return self.host

    def _call(self, call_id: str, key: str) -> Call | str:
        """The call; or, of an order that was given before, its result."""
        call = self.calls.get(call_id)
        if call is None:
            raise OrderError("no-such-call", "there is no such call now")
        if not key:
            return call
        if not _KEY.fullmatch(key):
            raise OrderError("bad-order", "an idempotency key has 1-200 printable characters")
        if (call_id, key) in self._ordered:
            return self._ordered[call_id, key]
        return next((result for known, result in call.keys if known == key), call)

    def _talking(self, call_id: str, key: str) -> Call | str:
        call = self._call(call_id, key)
        if isinstance(call, str):
            return call
        if call.ended_at is not None:
            raise OrderError("too-late", "the caller has left")
        if call.state is not S.TALKING:
            raise OrderError("not-talking", "nobody talks with the caller (any more)")
        return call

    @staticmethod
    def _leg_of(call: Call, seat: str) -> Leg:
        """The leg of the seat that orders."""
        if not seat:
            leg = call.main_seat
        else:
            leg = next((x for x in call.talkers if x.who == seat and x.kind in ("seat", "third")), None)
        if leg is None or leg.cancelled:
            raise OrderError("not-joined", "this seat is not in the talk (any more)")
        return leg

    @staticmethod
    def _room_for_one_more(call: Call) -> None:
        if 1 + len(call.talkers) + len(pending(call)) >= MAX_PARTIES:
            raise OrderError("full", f"a talk has at most {MAX_PARTIES} parties")

    def _line(self, entry: str, number: str, call: Call, by: str, note: str = "") -> Line:
        return self._hosted_parties().outside.line(call, by, self._clock(), entry=entry, number=number, note=note)

    def _part(self, call: Call) -> str:
        """A new party's id: never twice in one call, also of orders that wait for their turn."""
        self._parts += 1
        return f"p{len(call.parties) + 1}-{self._parts}"

    def _demand(self, call: Call, seat: str, skill: str, centre: str) -> tuple[Demand, float | None]:
        host, now = self._hosted_parties(), self._clock()
        home = call.demand.centre if call.demand is not None else None
        if seat:
            one = self.dispatcher.seats.get(seat)
            if one is None:
                raise OrderError("no-such-seat", "there is no such seat")
            if one.state is not SeatState.AVAILABLE or not one.on_duty:
                raise OrderError("seat-busy", "this seat is not free now")
            # A moment for the queue's own order of matching; then it is somebody else's, and we say so.
            return host.book.third("", home, seat), now + SEAT_SECONDS
        demand = _of_centre(host, call, centre) if centre else host.book.third(skill, home)
        if not self.dispatcher.serving(demand):
            raise OrderError("nobody-has-skill", "nobody who could come is signed in")
        return demand, None

    def _requeue(self, call: Call, leg: Leg, skill: str, centre: str, by: str, key: str) -> str:
        host = self._hosted_parties()
        home = call.demand.centre if call.demand is not None else None
        demand = _of_centre(host, call, centre) if centre else host.book.third(skill, home)
        if not self.dispatcher.serving(demand):
            raise OrderError("nobody-has-skill", "nobody who could take the call is signed in")
        language = call.demand.language if call.demand is not None else "zh"
        wish = Demand(demand.skills, call.demand.priority if call.demand is not None else 0, demand.centre, language,
                      demand.steps, (f"transfer:{skill or centre}",))  # fmt: skip
        target = f"skill:{skill}" if skill else f"centre:{centre}"
        return self._give(call, key, "queue", e.Requeued(call.id, wish.json(), leg.id, by, target, key))

    def _give(self, call: Call, key: str, result: str, event: e.Event) -> str:
        if key:
            self._ordered[call.id, key] = result
        self.feed([event])
        return result

    # ------------------------------------------------------------------ a phone that dials by itself
    def _seat_dialled(self, event: e.SeatDialled) -> None:
        """A seat dials during its talk, on a second line: what it dials is consulted, and can be transferred to by
        the phone itself. What is none of ours, or nothing to consult about, ends the line at once."""
        call = next((c for c in self.calls.values() if c.state is S.TALKING and any(
            x.who == event.seat and x.kind in ("seat", "third") for x in c.talkers)), None)  # fmt: skip
        if call is None:
            self._release(event.call)
            return
        try:
            wanted = self._resolved(call, event.to)
            self._room_for_one_more(call)
            leg = self._leg_of(call, event.seat)
        except OrderError:
            self._release(event.call)
            return
        part = self._part(call)
        self.feed([e.PartyWanted(call.id, part, "consult", by="phone", asking=leg.id, via=event.call, **wanted)])

    def _resolved(self, call: Call, to: str) -> Mapping[str, Any]:
        """What a phone dialled, as fields of a PartyWanted."""
        if to in self.dispatcher.seats:
            demand, until = self._demand(call, to, "", "")
            return {"demand": demand.json(), "target": f"seat:{to}", "until": until}
        found = self._hosted_parties().outside.directory.resolve(to)
        if found is None:
            raise OrderError("no-entry", "neither a seat nor in the directory")
        kind, what = found
        line = self._line(what, "", call, "phone") if kind == "entry" else self._line("", what, call, "phone")
        return {"line": line.json(), "target": f"entry:{what}" if kind == "entry" else "number"}

    def _release(self, channel: str) -> None:
        """Ends a channel that is no call's."""
        raise NotImplementedError


SEAT_SECONDS = 2.0
"""How long a seat that was asked for by name may be taken by others before the order counts as failed."""


def _of_centre(host: Host, call: Call, centre: str) -> Demand:
    if centre not in host.book.tree:
        raise OrderError("no-such-centre", "there is no such centre")
    skills = call.demand.skills if call.demand is not None else ()
    step = Step(centres=frozenset({centre}), name=centre)
    language = call.demand.language if call.demand is not None else "zh"
    return Demand(skills, host.book.third_priority, centre, language, (step,), (f"centre:{centre}",), "third")
