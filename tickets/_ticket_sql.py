"""Statements for tickets: numbers, first writing, refreshing a machine's draft, a human's fields."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ._model import Draft, Kind, Note, Ticket, TicketStatus
from ._rows import draft_row
from ._tables import ticket

_CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991

_NULLABLE = frozenset({
    "region", "region_name", "address", "emergency", "channel", "handling", "due", "catalogue", "unit", "surname",
    "phone",
})
_CHANGEABLE = _NULLABLE | {"kind", "title", "content", "caller_number"}


def inserting(is_sqlite: bool, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, of the dialect in use."""
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)


def order_number(now: float) -> str:
    """An order number: yyMMddHHmmss in Asia/Shanghai and six random digits."""
    when = datetime.fromtimestamp(now, UTC).astimezone(_CHINA)
    return f"{when:%y%m%d%H%M%S}{secrets.randbelow(1_000_000):06d}"


def insert_draft(is_sqlite: bool, call_id: str, draft: Draft) -> sa.Insert:
    """Writes a new ticket unless the call has one already (or the order number is taken)."""
    row = {
        "id": order_number(draft.made_at),
        "call_id": call_id,
        "status": TicketStatus.DRAFT.value,
        **draft_row(draft),
        "edited": False,
        "revision": 1,
        "created_at": draft.made_at,
        "updated_at": draft.made_at,
    }
    return inserting(is_sqlite, ticket).values(row).on_conflict_do_nothing()


def refresh(stored: Ticket, draft: Draft) -> sa.Update | None:
    """What brings a machine's stored draft to a newer one; None when it must stay as it is."""
    old, new = draft_row(stored.draft), draft_row(draft)
    if stored.edited or stored.status is not TicketStatus.DRAFT:
        if stored.draft.note is not Note.WAITING:
            return None
        # What a human wrote meanwhile stays; only that its words are awaited is not true any more. No new revision:
        # none of the fields that he may be changing at this moment is touched.
        return (
            sa.update(ticket)
            .where(ticket.c.id == stored.id, ticket.c.note == Note.WAITING.value)
            .values(note=new["note"], late=new["late"])
        )
    wordless = draft.note is not Note.NONE and stored.draft.note is Note.NONE
    if wordless or {**old, "made_at": 0, "late": 0} == {**new, "made_at": 0, "late": 0}:
        return None
    if stored.draft.note is Note.NONE:
        new["late"] = old["late"]  # words done again, say with a better model: that is no delay
    return (
        sa.update(ticket)
        # the same condition again, for PostgreSQL, where a human's change may have come in between
        .where(ticket.c.id == stored.id, ticket.c.revision == stored.revision, ticket.c.edited == sa.false())
        .values(**new, revision=stored.revision + 1, updated_at=draft.made_at)
    )


def checked_fields(fields: Mapping[str, object]) -> dict[str, Any]:
    """A human's new values of the draft's fields, as columns.

    Raises:
        TypeError: a field that cannot be changed or a value of a wrong type; the text never shows the value.
    """
    for name, value in fields.items():
        if name not in _CHANGEABLE:
            raise TypeError(f"{name!r} of a ticket cannot be changed: {', '.join(sorted(_CHANGEABLE))} can")
        if value is None and name in _NULLABLE:
            continue
        wanted: type = Kind if name == "kind" else str
        if not isinstance(value, wanted):
            raise TypeError(f"{name!r} of a ticket must be {wanted.__name__}, not {type(value).__name__}")
    row = draft_row(Draft(**dict(fields)))  # type: ignore[arg-type]  # names and types were checked above
    return {name: row[name] for name in fields}
