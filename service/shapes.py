"""Our values as the console's shapes. Pure translations, nothing hidden here: that is the console's work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import calls
import console
import tickets

from . import shapes_parties

_INT = {"rate": 8000, "channels": 2, "bytes": 0}


def leg(data: Mapping[str, Any]) -> console.Leg:
    """A leg's JSON (calls.codec)."""
    speaks = data["kind"] in ("seat", "third", "line")
    return console.Leg(
        id=data["id"], kind=data["kind"], who=data["who"], state=data["state"], started_at=data["started_at"],
        joined_at=data["joined_at"], ended_at=data["ended_at"], cause=data["cause"],
        room=data.get("room") if speaks else None, muted=bool(data.get("muted")), mode=data.get("mode") or None,
    )  # fmt: skip


def moment(data: Mapping[str, Any]) -> console.Moment:
    """A timeline line's JSON."""
    return console.Moment(at=data["at"], what=data["what"], detail=dict(data["detail"]))


def caller(number: str, name: str | None, region: console.Region | None = None) -> console.Caller:
    """An empty number is one that was not transmitted."""
    return console.Caller(number=number or None, name=name or None, region=region)


def live_call(
    call: calls.Call,
    earlier: Sequence[console.EarlierCall] = (),
    region: console.Region | None = None,
    names: shapes_parties.Names | None = None,
    case: str | None = None,
) -> console.LiveCall:
    """A call that has not ended.

    Args:
        call: it.
        earlier: earlier calls of its caller.
        region: a guess where its caller is.
        names: what its parties and its origin are called; without them it is shown without these.
        case: its case id.
    """
    data = calls.call_json(call)
    parties = [shapes_parties.party(one, call, names) for one in call.parties] if names is not None else []
    origin = shapes_parties.origin(call, names.directory) if names is not None else None
    seat = call.offer.seat if call.offer is not None else call.seat
    return console.LiveCall(
        id=call.id, state=cast(Any, call.state.value), dialled=call.dialled,
        caller=caller(call.caller_number, call.caller_name, region), arrived_at=call.arrived_at,
        answered_at=call.answered_at, joined_at=call.joined_at, ended_at=call.ended_at, seat=seat,
        outcome=call.outcome, legs=[leg(x) for x in data["legs"]],
        timeline=[moment(m) for m in data["timeline"]], earlier=list(earlier),
        direction="out" if call.direction == "out" else "in", callback=call.callback,
        parties=parties, held=call.held, held_since=shapes_parties.held_since(call), case=case or call.case or None,
        origin=origin, context=shapes_parties.context(call.context),
    )  # fmt: skip


def record(data: Mapping[str, Any], centre: str, updated_at: float) -> tickets.CallRecord:
    """A finished call's JSON as the book of calls keeps it."""
    return tickets.CallRecord(
        call_id=data["id"], arrived_at=data["arrived_at"], updated_at=updated_at, state=data["state"],
        dialled=data["dialled"], caller_number=data["caller_number"], centre=centre,
        answered_at=data["answered_at"], joined_at=data["joined_at"], ended_at=data["ended_at"],
        seat=data["seat"], outcome=data["outcome"], timeline=tuple(data["timeline"]), legs=tuple(data["legs"]),
        case_id=data.get("case") or None,
    )  # fmt: skip


def old_call(one: tickets.CallRecord) -> console.LiveCall:
    """A call from the book of calls."""
    state = one.state if one.state in ("wrap_up", "ended") else "ended"
    out = any(m["what"] == "callback_due" for m in one.timeline)
    return console.LiveCall(
        id=one.call_id, state=cast(Any, state), dialled=one.dialled, caller=caller(one.caller_number, None),
        arrived_at=one.arrived_at, answered_at=one.answered_at, joined_at=one.joined_at, ended_at=one.ended_at,
        seat=one.seat, outcome=one.outcome, legs=[leg(x) for x in one.legs],
        timeline=[moment(m) for m in one.timeline], direction="out" if out else "in", case=one.case_id,
    )  # fmt: skip


def summary(call: console.LiveCall) -> console.CallSummary:
    """The part of a call that lists show."""
    return console.CallSummary(**{name: getattr(call, name) for name in console.CallSummary.model_fields})


def recording(call_id: str, manifest: Mapping[str, Any]) -> console.Recording:
    """A manifest as the API tells it."""
    audio = manifest["audio"] if isinstance(manifest.get("audio"), Mapping) else manifest
    return console.Recording(
        audio=f"/api/v1/recordings/{call_id}/audio", format=str(audio.get("format", "flac")),
        duration=float(audio["duration"]), rate=int(audio["rate"]), channels=int(audio.get("channels", 2)),
        size=int(audio.get("bytes", audio.get("size", 0))), sha256=str(audio["sha256"]),
    )  # fmt: skip


def draft(ticket: tickets.Ticket, seat: str | None = None) -> console.Draft:
    """A ticket or draft."""
    d = ticket.draft
    return console.Draft(
        id=ticket.id, call=ticket.call_id, seat=seat, state=ticket.status.value, source=d.source,
        note=d.note.value or None, late=d.late, kind=d.kind.value, title=d.title, content=d.content, region=d.region,
        region_name=d.region_name, address=d.address, caller=console.DraftCaller(phone=d.caller_number or None),
        uncertain=[console.Doubt(field=x.field, text=x.heard, why=x.why.value) for x in d.uncertain],
        created_at=ticket.created_at, updated_at=ticket.updated_at,
    )  # fmt: skip
