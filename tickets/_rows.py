"""Between rows of the tables and frozen values."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import RowMapping

from ._model import (
    AuditEntry,
    CallRecord,
    Doubt,
    Draft,
    Kind,
    Note,
    Repeat,
    Ticket,
    TicketStatus,
    TranscriptStatus,
    Why,
)

Row = RowMapping | Mapping[str, Any]


def clean(value: Any) -> Any:
    """The value without characters that a database refuses (NUL, lone surrogates, other controls), all the way in.

    Numbers and names come from the network: one bad byte must not keep a call out of the books.
    """
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(ch for ch in value if ch in "\n\t" or unicodedata.category(ch) not in {"Cc", "Cs"})
    if isinstance(value, Mapping):
        return {str(clean(key)): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return value


def fit(value: str | None, size: int) -> Any:
    """The cleaned text, cut to a column's size: PostgreSQL refuses longer ones."""
    return None if value is None else clean(value)[:size]


_dumps = json.JSONEncoder(separators=(",", ":")).encode
_BAD = re.compile(r"\\u(00[01]|007f|008|009|d[89a-f])").search


def _clean_json(value: Any) -> Any:
    """`clean`, if the value's JSON (in ASCII) has anything that could need it."""
    return clean(value) if _BAD(_dumps(value)) else value


def call_row(call: CallRecord) -> dict[str, Any]:
    """The row of a call."""
    return {
        "call_id": call.call_id,
        "dialled": fit(call.dialled, 64),
        "caller_number": fit(call.caller_number, 64),
        "centre": fit(call.centre, 16),
        "state": fit(call.state, 32),
        "arrived_at": call.arrived_at,
        "answered_at": call.answered_at,
        "joined_at": call.joined_at,
        "ended_at": call.ended_at,
        "seat": fit(call.seat, 64),
        "outcome": fit(call.outcome, 64),
        "timeline": _clean_json(call.timeline),
        "legs": _clean_json(call.legs),
        "recording": clean(call.recording),
        "transcript": call.transcript.value,
        "updated_at": call.updated_at,
        "case_id": fit(call.case_id or None, 80),
    }


def call_of(row: Row) -> CallRecord:
    """The call of a row."""
    fields = dict(row)
    fields["timeline"] = tuple(fields["timeline"])
    fields["legs"] = tuple(fields["legs"])
    fields["transcript"] = TranscriptStatus(fields["transcript"])
    return CallRecord(**fields)


def draft_row(draft: Draft) -> dict[str, Any]:
    """The columns of a ticket's row that hold its draft."""
    return {
        "kind": draft.kind.value,
        "region": fit(draft.region, 6),
        "region_name": fit(draft.region_name, 64),
        "title": fit(draft.title, 200),
        "content": clean(draft.content),
        "address": fit(draft.address, 200),
        "caller_number": fit(draft.caller_number, 64),
        "source": fit(draft.source, 16),
        "uncertain": [
            {"field": one.field, "why": one.why.value, "heard": clean(one.heard)} for one in draft.uncertain
        ],
        "note": draft.note.value,
        "made_at": draft.made_at,
        "emergency": fit(draft.emergency, 3),
        "channel": fit(draft.channel, 16),
        "handling": fit(draft.handling, 8),
        "due": fit(draft.due, 10),
        "catalogue": fit(draft.catalogue, 8),
        "unit": fit(draft.unit, 100),
        "reason": clean(draft.reason),
        "surname": fit(draft.surname, 32),
        "phone": fit(draft.phone, 32),
        "amounts": list(draft.amounts),
        "language": fit(draft.language, 8),
        "secret": draft.secret,
        "urgent": draft.urgent,
        "again": draft.again,
        "repeats": [{"ticket": one.ticket, "likeness": one.likeness, "status": one.status} for one in draft.repeats],
        "late": draft.late,
    }


def ticket_of(row: Row) -> Ticket:
    """The ticket of a row."""
    return Ticket(
        id=row["id"],
        call_id=row["call_id"],
        status=TicketStatus(row["status"]),
        draft=Draft(
            kind=Kind(row["kind"]),
            region=row["region"],
            region_name=row["region_name"],
            title=row["title"],
            content=row["content"],
            address=row["address"],
            caller_number=row["caller_number"],
            source=row["source"],
            uncertain=tuple(Doubt(one["field"], Why(one["why"]), one["heard"]) for one in row["uncertain"]),
            note=Note(row["note"]),
            made_at=row["made_at"],
            emergency=row["emergency"],
            channel=row["channel"],
            handling=row["handling"],
            due=row["due"],
            catalogue=row["catalogue"],
            unit=row["unit"],
            reason=row["reason"],
            surname=row["surname"],
            phone=row["phone"],
            amounts=tuple(float(one) for one in row["amounts"]),
            language=row["language"],
            secret=bool(row["secret"]),
            urgent=bool(row["urgent"]),
            again=bool(row["again"]),
            repeats=tuple(Repeat(one["ticket"], one["likeness"], one["status"]) for one in row["repeats"]),
            late=row["late"],
        ),
        edited=bool(row["edited"]),
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def audit_of(row: Row) -> AuditEntry:
    """The audit entry of a row."""
    return AuditEntry(**dict(row))
