"""A call as JSON: for snapshots, the book of calls and the consoles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from routing import Seat, SeatState, held

from .model import PROBE, Call, Leg, Moment, Party


def leg_json(leg: Leg) -> dict[str, Any]:
    """One leg as plain JSON values."""
    return {
        "id": leg.id, "kind": leg.kind, "who": leg.who, "state": leg.state.value,
        "started_at": leg.started_at, "joined_at": leg.joined_at, "ended_at": leg.ended_at,
        "cause": leg.cause, "room": leg.room, "muted": leg.muted, "mode": leg.mode,
        "heard": [list(x) for x in leg.heard],
    }  # fmt: skip


def moment_json(moment: Moment) -> dict[str, Any]:
    """One line of the timeline."""
    return {"at": moment.at, "what": moment.what, "detail": dict(moment.detail)}


def party_json(party: Party) -> dict[str, Any]:
    """A further party as the consoles and the book of calls see it: never the number of an outside line."""
    tries = len(party.line.tries) if party.line is not None else 0
    return {
        "id": party.id, "how": party.how, "state": party.state.value, "why": party.why, "since": party.since,
        "by": party.by, "target": party.target, "name": party.label, "seat": party.seat,
        "leg": party.leg or (party.offer.leg if party.offer is not None else None), "tried": party.tried,
        "tries": tries, "asking": party.asking, "emergency": party.how == "emergency",
    }  # fmt: skip


def call_json(call: Call) -> dict[str, Any]:
    """The call as the book of calls keeps it."""
    return {
        "id": call.id, "state": call.state.value, "dialled": call.dialled,
        "caller_number": call.caller_number, "caller_name": call.caller_name, "flow": call.flow,
        "arrived_at": call.arrived_at, "answered_at": call.answered_at, "joined_at": call.joined_at,
        "ended_at": call.ended_at, "seat": call.seat, "outcome": call.outcome, "ticket": call.ticket,
        "direction": call.direction, "callback": call.callback, "offers": call.offers,
        "legs": [leg_json(x) for x in call.legs],
        "timeline": [moment_json(m) for m in call.timeline],
        "parties": [party_json(p) for p in call.parties], "held": call.held, "origin": call.origin,
        "case": call.case, "context": dict(call.context),
    }  # fmt: skip


def recording_job(call: Call, raw: str) -> dict[str, Any] | None:
    """What a recording worker needs once the caller has left; None if the call was never answered.

    Seat spans are seconds from the start of the recording, which begins at the answer.
    """
    if call.answered_at is None or call.ended_at is None:
        return None
    if call.outcome in ("turned_away", PROBE):
        # Nothing was said to anybody: the worker takes the raw file away, no set is made of it.
        return {"call": call.id, "raw": raw, "kind": "discard"}
    start = call.answered_at
    spans = [
        [round(a - start, 3), round((b if b is not None else call.ended_at) - start, 3), seat]
        for a, b, seat in call.seat_spans()
    ]
    end = call.ended_at
    parties = [
        [round(a - start, 3), round((b if b is not None else end) - start, 3), who, kind]
        for a, b, who, kind in call.party_spans()
    ]
    whose = {leg.id: leg.who for leg in call.legs}
    spoke = [
        [round(max(0.0, a - start), 3), round(min(b, end) - start, 3), whose[leg]]
        for leg, a, b in call.spoke if a < end and whose.get(leg)
    ]  # fmt: skip
    return {
        "call": call.id, "raw": raw, "rate": 8000, "answered": start, "ended": call.ended_at,
        "seats": spans, "parties": parties, "spoke": spoke,
        "kind": "voicemail" if call.outcome == "voicemail" else "call",
    }  # fmt: skip


def seat_json(seat: Seat) -> dict[str, Any]:
    """A seat's state for the journal's snapshot (names and skills are configuration)."""
    return {
        "id": seat.id, "state": seat.state.value, "since": seat.since, "deadline": seat.deadline,
        "idle_since": seat.idle_since, "call": seat.call, "offer": seat.offer, "reason": seat.reason,
        "wanted": seat.wanted.value if seat.wanted else None, "missed": seat.missed,
        "signed_in_at": seat.signed_in_at, "busy_seconds": seat.busy_seconds, "taken": seat.taken,
        "wanted_limit": seat.wanted_limit, "foreign": seat.foreign, "phone_gone": seat.phone_gone,
    }  # fmt: skip


def seat_from(row: Mapping[str, Any], seat: Seat) -> Seat:
    """The configured seat in the state of its snapshot. Raises KeyError, TypeError or ValueError for a foreign row."""
    return held(replace(
        seat, state=SeatState(row["state"]),
        since=row["since"], deadline=row["deadline"], idle_since=row["idle_since"], call=row["call"],
        offer=row["offer"], reason=row["reason"],
        wanted=SeatState(row["wanted"]) if row["wanted"] else None, missed=row["missed"],
        signed_in_at=row.get("signed_in_at", 0.0), busy_seconds=row.get("busy_seconds", 0.0),
        taken=row.get("taken", 0), wanted_limit=row.get("wanted_limit"), foreign=row.get("foreign", False),
        phone_gone=row.get("phone_gone", False),
    ))  # fmt: skip
